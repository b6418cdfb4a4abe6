// The shapes of the API, by the names that the screens use: aliases onto `schema.d.ts`, which `npm run api` makes from
// docs/openapi.json. Two things are added here: the closed sets of words that docs/API.md names, and that what may be
// null is always sent.
import type { Money } from '../model/money';
import type { T } from '../texts';
import type { components } from './schema';

export type { Money };

type Wire = components['schemas'];

/** A key that the document calls optional is sent as `null`, never left out. */
type Whole<T> = T extends readonly (infer E)[]
  ? Whole<E>[]
  : T extends object
    ? { [K in keyof T]-?: Whole<Exclude<T[K], undefined>> }
    : T;

/** The shape `W`, with the fields of `N` known more exactly. A name that `W` does not have is a mistake. */
type Known<
  W extends keyof Wire,
  N extends { [K in keyof N]: K extends keyof Wire[W] ? unknown : never },
> = Omit<Whole<Wire[W]>, keyof N> & N;

export type Status =
  'pending' | 'ready_for_process' | 'processing' | 'processed' | 'process_failed' | 'discarded';
export type PaymentMethod = 'card' | 'direct_debit' | 'cash' | 'cheque' | 'bank_transfer' | 'other';
export type Confirmation = 'pending' | 'confirmed';
export type BatchStatus = 'open' | 'processing' | 'processed' | 'processed_with_issues' | 'process_failed';
export type RunStatus = 'queued' | 'running' | 'completed' | 'completed_with_errors' | 'failed' | 'cancelled';
export type Wish = 'go' | 'pause' | 'cancel';
export type Resolution = 'UNREVIEWED' | 'NEW_DONOR' | 'CONFIRMED';
export type Intent = 'standard' | 'grant' | 'legacy' | 'corporateInKind' | 'recurring';
export type WhoKind = 'user' | 'token' | 'run' | 'twenty' | 'operator' | 'system';
export type Scope = 'gifts:read' | 'gifts:write' | 'journal:read' | 'admin' | 'books:read' | 'books:write';

export type CheckStatus = 'ok' | 'warning' | 'failing';
export type Check = Known<'CheckView', { status: CheckStatus }>;
export type Health = Known<'HealthView', { status: CheckStatus; checks: Check[] }>;

export type CompanyState = 'loading' | 'connected' | 'paused' | 'reconnect' | 'lapsed' | 'disconnected';
export type TotalProof = Known<
  'TotalProof',
  { what: 'receivable' | 'payable' | 'accounts'; verdict: 'proven' | 'gap' | 'unknown' }
>;
export type Company = Known<
  'CompanyView',
  { state: CompanyState; freshness: FreshnessWord; totals: TotalProof[]; records: Record<string, number> }
>;
export type FreshnessWord = 'fresh' | 'late' | 'stale' | 'never';
export type MonthCalls = Known<'MonthCalls', { mark: 'fine' | 'noticed' | 'warned' | 'urgent' | 'spent' }>;
export type CompanyList = {
  data: Company[];
  meta: Known<'CompaniesMeta', { month: MonthCalls | null }>;
};
export type BookRow = Whole<Wire['BookRow']>;
export type BookMeta = Known<'BookMeta', { freshness: FreshnessWord }>;
export type BookList = { data: BookRow[]; meta: BookMeta };
export type BookRef = Whole<Wire['BookRef']>;
export type BookField = Known<'BookField', { takes: 'text' | 'date' | 'flag' | 'link'; value: BooksHeld }>;
export type BookView = Known<
  'BookView',
  {
    record: unknown;
    row: BookRow;
    history: JournalEntry[];
    state: 'live' | 'deleted' | 'merged';
    details: { lines: Whole<Wire['BookLine']>[]; links: BookRef[]; fields: BookField[] };
  }
>;
export type BookAnswer = { data: BookView; meta: BookMeta };
export type BookQuery = {
  limit?: number;
  status?: string | null;
  q?: string | null;
  as_of?: string | null;
  cursor?: string | null;
};
export type MoneyFigure = Whole<Wire['MoneyFigure']>;
export type RunwayView = Whole<Wire['RunwayView']>;
export type PortfolioRow = Known<'PortfolioRow', { freshness: FreshnessWord }>;
export type PortfolioList = { data: PortfolioRow[]; meta: Whole<Wire['PortfolioMeta']> };
export type ClientMeta = Known<'ClientMeta', { freshness: FreshnessWord }>;
export type ClientMoney = Whole<Wire['ClientMoney']>;
export type ClientAnswer = { data: ClientMoney; meta: ClientMeta };
export type MoneyIssue = Whole<Wire['IssueView']>;
export type TrayAnswer = {
  data: MoneyIssue[];
  standing: MoneyIssue[];
  notEvaluated: Whole<Wire['NotLookedAt']>[];
  meta: ClientMeta;
};
export type ConsoleBill = Whole<Wire['ConsoleBill']>;
export type ConsoleAnswer = {
  data: ConsoleBill[];
  blocked: number;
  pays: boolean;
  tooOld: boolean;
  meta: ClientMeta;
};
export type FigureRows = {
  figure: MoneyFigure;
  data: Whole<Wire['MoneyFigureRow']>[];
  next: number | null;
  meta: ClientMeta;
};
export type WhatChangedAnswer = { data: Whole<Wire['WhatChanged']>; meta: ClientMeta };
export type DigestView = Known<'DigestView', { stage: 'draft' | 'approved' }>;
export type DigestList = { data: DigestView[]; meta: Whole<Wire['DigestMeta']> };
export type DigestAnswer = { data: DigestView; text: string; meta: Whole<Wire['DigestMeta']> };
export type Outcomes = Whole<Wire['Outcomes']>;
export type DecideItem = { bill: string; what: string; on?: string; note?: string; despite?: boolean };
export type FixItem = { key: string; field?: string; value?: unknown };
export type MoneySaid = Whole<Wire['SaidView']>;
export type SaidAnswer = { data: MoneySaid[]; currency: string; meta: ClientMeta };
export type SayBody = Wire['SayBody'];
export type PolicyBody = Wire['PolicyBody'];
export type PolicyAnswer = {
  set: PolicyBody;
  holds: PolicyBody;
  currency: string | null;
  accounts: Whole<Wire['AccountChoice']>[];
  meta: Whole<Wire['PolicyMeta']>;
};
export type PolicyPreview = Whole<Wire['PolicyPreview']>;
export type WhatIfAnswer = { data: Whole<Wire['WhatIf']>; meta: ClientMeta };
export type AsideList = { data: Whole<Wire['AsideView']>[] };
export type GoldenLink = Whole<Wire['GoldenView']>;
export type BookLinks = {
  links: GoldenLink[];
  proposals: Known<'GoldenProposal', { why: 'email' | 'name' }>[];
};
/** What is wanted of the books: one of the three. */
export type BooksWanted = {
  set?: { kind: string; id: string; fields: Record<string, unknown>; seen?: number };
  payment?: {
    bills: { id: string; amount: string }[];
    account: string;
    date: string;
    number?: string | null;
  };
  reason?: string | null;
};
export type BooksPlan = { data: Known<'BooksPlanView', { body: unknown; fields: BooksField[] }> };
export type BooksChangeState = 'waiting' | 'sent' | 'conflict' | 'stuck' | 'refused' | 'done' | 'withdrawn';
/** What stands in a field: a text, a date, yes or no, another record, or nothing. */
export type BooksHeld = string | boolean | { kind: string; id: string; name: string | null } | null;
export type BooksField = Known<
  'BooksFieldView',
  { before: BooksHeld; wanted: BooksHeld; there: BooksHeld | undefined }
>;
export type BooksChange = Known<
  'BooksChangeView',
  { state: BooksChangeState; act: 'set' | 'make' | 'delete'; fields: BooksField[] }
>;
export type BooksChangeList = { data: BooksChange[]; meta: Whole<Wire['BooksChangesMeta']> };
export type BooksChangeWish = 'undo' | 'repeat' | 'discard';

export type CompanyWish = 'look' | 'load' | 'pause' | 'resume' | 'disconnect';

export type Reason = Whole<Wire['FindingView']>;
export type Counts = Whole<Wire['CountsView']>;

export type StagedRow = Known<
  'StagedRowView',
  {
    processingStatus: Status;
    donorResolutionState: Resolution;
    giftIntent: Intent;
    paymentMethod: PaymentMethod | null;
    gift: Known<'GiftRef', { state: Confirmation }> | null;
    madeDonor: Known<'MadeDonorView', { state: 'there' | 'removing' | 'removed' }> | null;
    processingDiagnostics: Known<'DiagnosticsView', { donorCandidates: Likely[] }>;
  }
>;
export type RowList = { data: StagedRow[]; meta: Whole<Wire['QueueMeta']> };
export type Likelihood = 'certain' | 'very likely' | 'possible' | 'unlikely';
export type Likely = Known<'LikelyView', { likelihood: Likelihood }>;
export type Why = Known<'WhyData', { likelihood: Likelihood }>;
export type Marked = Whole<Wire['MarkedView']>;
export type Evidence = Whole<Wire['RawPayload']>;

export type JournalEntry = Known<
  'EntryView',
  {
    who: Known<'WhoView', { kind: WhoKind }>;
    changes: Known<'ChangeView', { before: unknown; after: unknown }>[];
  }
>;
export type JournalPage = { data: JournalEntry[]; meta: Whole<Wire['JournalMeta']> };

/** A record as it stood at a moment; its own fields are Twenty's or ours, as they were told. */
export type RecordAnswer = {
  data: Omit<Whole<Wire['RecordView']>, 'record'> & { record: unknown };
  meta: Whole<Wire['RecordsMeta']>;
};

export type RowAnswer = {
  data: { giftStaging: StagedRow };
  /** A change answers without the history. */
  meta: { asOf: string; rawPayload?: Evidence[]; history?: JournalEntry[] };
};
export type TakenIn = { data: { giftStaging: StagedRow }; meta: Whole<Wire['IntakeMeta']> };

export type Run = Known<'RunView', { status: RunStatus; wish: Wish }>;
export type Plan = Whole<Wire['PlanAnswer']>;
export type Batch = Known<'BatchView', { status: BatchStatus; run: Run | null; matchRun: Run | null }>;
export type BatchList = { data: { giftBatches: Batch[] }; meta: Whole<Wire['ListMeta']> };

export type Freshness = Known<'FreshnessView', { state: 'fresh' | 'late' | 'stale' | 'never' }>;
export type Donor = Whole<Wire['DonorView']>;
export type DonorList = { data: Donor[]; meta: Known<'DonorMeta', { freshness: Freshness }> };

export type PendingEdit = Omit<Whole<Wire['PendingEdit']>, 'fields'> & { fields: Record<string, unknown> };
export type LinkedRecord = Known<
  'LinkedView',
  { state: 'live' | 'pending'; pendingEdit: PendingEdit | null }
>;
export type DonorPage = Known<
  'DonorPage',
  {
    state: 'live' | 'pending' | 'deleted' | 'gone';
    record: unknown;
    pendingEdit: PendingEdit | null;
    gifts: Known<'DonorGift', { state: Confirmation }>[];
    waiting: StagedRow[];
    tasks: LinkedRecord[];
    notes: LinkedRecord[];
    history: JournalEntry[];
  }
>;
export type DonorAnswer = {
  data: DonorPage;
  meta: Known<'DonorPageMeta', { freshness: Freshness; giftsFreshness: Freshness }>;
};

export type MirrorObject = Known<'MirrorView', { freshness: Freshness }>;
export type SyncObject = Known<
  'ObjectView',
  { freshness: Freshness; completeness: 'proven' | 'not_proven' | 'never' }
>;
export type Hook = Known<'HookView', { state: 'off' | 'registered' | 'missing' }>;
export type Calls = Known<'CallsView', { state: 'open' | 'waiting' | 'shut' }>;
export type Sync = Known<'SyncView', { objects: SyncObject[]; webhook: Hook; budget: Calls | null }>;
export type QuarantineList = { data: Whole<Wire['QuarantineView']>[]; meta: Whole<Wire['ListMeta']> };
export type ChoiceKind =
  | 'companies'
  | 'appeals'
  | 'appeal_sources'
  | 'funds'
  | 'opportunities'
  | 'gift_payouts'
  | 'recurring_agreements';
export type Choice = Whole<Wire['ChoiceView']>;
export type ChoiceList = { data: Choice[]; meta: Known<'ChoiceMeta', { freshness: Freshness }> };
export type Settings = Whole<Wire['SettingsAnswer']>;
export interface SettingsPatch {
  warnings?: Record<string, boolean | null>;
  promiseDays?: Record<string, number | null>;
  unusual?: { times: number; donorGifts: number; channelGifts: number };
  flags?: Record<string, boolean | null>;
}
export interface BatchPatch {
  name?: string;
  expectedCount?: number | null;
  expectedAmount?: Money | null;
  defaultAppealId?: string | null;
  defaultFundId?: string | null;
}
/** One of the two values of a field; what it is depends on the field. */
export type SideOfClash = Known<'SideView', { value: unknown }>;
export type Clash = Known<'ClashView', { here: SideOfClash; there: SideOfClash }>;
export type Conflict = Known<'ConflictView', { fields: Clash[] }>;
export type ConflictList = { data: Conflict[]; meta: Whole<Wire['ListMeta']> };
export type EditState = 'waiting' | 'sent' | 'conflict' | 'refused';
export type Edit = Known<'EditView', { state: EditState; fields: Known<'WantedView', { value: unknown }>[] }>;
export type EditList = { data: Edit[]; meta: Whole<Wire['ListMeta']> };
export type Came = Whole<Wire['CameView']>;
export type CameIn = Whole<Wire['CameInView']>;
export type FigureName = keyof typeof T.figures;
export type Nudge = Known<'NudgeView', { name: FigureName; freshness: Freshness }>;
export type FigurePage = {
  data: Whole<Wire['FigureRow']>[];
  meta: Known<'FigureMeta', { freshness: Freshness }>;
};
export type Home = Known<
  'HomeView',
  { mirror: MirrorObject[]; runs: Run[]; cameIn: CameIn; nudges: Nudge[]; activity: JournalEntry[] }
>;

export type Role = 'admin' | 'finance' | 'fundraising' | 'reviewer' | 'viewer';
export type Right =
  | 'see'
  | 'take_in'
  | 'review'
  | 'process'
  | 'edit'
  | 'decide'
  | 'sync'
  | 'journal'
  | 'settings'
  | 'users'
  | 'tokens'
  | 'books'
  | 'books_write';
export type Session = Known<'SessionView', { rights: Right[] }>;
export type UserState = 'active' | 'invited' | 'no_password' | 'disabled';
export type User = Known<'UserView', { role: Role; state: UserState; companies: string[] | null }>;
export type UserLink = Whole<Wire['LinkView']>;
export type UserWithLink = { user: User; link: UserLink };
/** `lastUsedAt`: docs/API.md promises it, older servers leave it out. */
export type Token = Whole<Wire['TokenView']> & { lastUsedAt?: string | null };
export type NewToken = Whole<Wire['NewToken']>;
export type ProblemBody = Partial<Wire['Problem']>;

// What we send. Every key but the amount may be missing.

export interface RowQuery {
  status?: string | undefined;
  giftBatchId?: string | undefined;
  intakeSource?: string | undefined;
  search?: string | undefined;
  sort?: string | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
  offset?: number | undefined;
}

export interface NewGift {
  amount: Money;
  giftDate: string | null;
  contact: { firstName: string | null; lastName: string | null; email: string | null } | null;
  contactId: string | null;
  paymentMethod: PaymentMethod | null;
  giftIntent: Intent;
  isAnonymousDonor: boolean;
  donorResolutionState: 'NEW_DONOR' | null;
  companyId: string | null;
  appealId: string | null;
  fundId: string | null;
  recurringAgreementId: string | null;
  supporterEmailOptOut: boolean | null;
  notes: string | null;
  intakeSource: string;
  giftBatchId: string | null;
}

export interface UserPatch {
  name?: string;
  role?: Role;
  companies?: string[] | null;
  disabled?: boolean;
}

export interface RowPatch {
  amount?: Money | null;
  giftDate?: string | null;
  donorFirstName?: string | null;
  donorLastName?: string | null;
  donorEmail?: string | null;
  donorId?: string | null;
  donorResolutionState?: 'NEW_DONOR';
  isAnonymousDonor?: boolean;
  companyId?: string | null;
  appealId?: string | null;
  fundId?: string | null;
  recurringAgreementId?: string | null;
  supporterEmailOptOut?: boolean | null;
  paymentMethod?: PaymentMethod | null;
  giftIntent?: Intent | null;
  notes?: string | null;
  giftBatchId?: string | null;
}

export type Said = 'same' | 'different' | 'unsure' | 'open';
export type PairItem = Whole<Wire['PairItem']>;
export type PairList = Whole<Wire['PairList']>;
export type SidePerson = Whole<Wire['SidePerson']>;
export type Pair = Whole<Wire['PairView']>;
export type Verdict = Whole<Wire['VerdictView']>;
export type Agreement = Whole<Wire['Agreement']>;
export type PersonLink = Whole<Wire['PersonLinkView']>;
export type LinkList = Whole<Wire['LinkList']>;
export type Merge = Whole<Wire['MergeView']>;
export type MergeList = Whole<Wire['MergeList']>;
