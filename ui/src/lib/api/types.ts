// The shapes of the API, by the names that the screens use: aliases onto `schema.d.ts`, which `npm run api` makes from
// docs/openapi.json. Two things are added here: the closed sets of words that docs/API.md names, and that what may be
// null is always sent.
import type { Money } from '../model/money';
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
export type RunStatus = 'queued' | 'running' | 'completed' | 'completed_with_errors' | 'failed';
export type WhoKind = 'user' | 'token' | 'run' | 'twenty' | 'operator' | 'system';
export type Scope = 'gifts:read' | 'gifts:write' | 'journal:read' | 'admin';

export type Reason = Whole<Wire['FindingView']>;
export type Counts = Whole<Wire['CountsView']>;

export type StagedRow = Known<
  'StagedRowView',
  {
    processingStatus: Status;
    paymentMethod: PaymentMethod | null;
    gift: Known<'GiftRef', { state: Confirmation }> | null;
  }
>;
export type RowList = { data: StagedRow[]; meta: Whole<Wire['QueueMeta']> };
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

export type Run = Known<'RunView', { status: RunStatus }>;
export type Batch = Known<'BatchView', { status: BatchStatus; run: Run | null }>;
export type BatchList = { data: { giftBatches: Batch[] }; meta: Whole<Wire['ListMeta']> };

export type Freshness = Known<'FreshnessView', { state: 'fresh' | 'late' | 'stale' | 'never' }>;
export type Donor = Whole<Wire['DonorView']>;
export type DonorList = { data: Donor[]; meta: Known<'DonorMeta', { freshness: Freshness }> };

export type MirrorObject = Known<'MirrorView', { freshness: Freshness }>;
export type SyncObject = Known<
  'ObjectView',
  { freshness: Freshness; completeness: 'proven' | 'not_proven' | 'never' }
>;
export type Hook = Known<'HookView', { state: 'off' | 'registered' | 'missing' }>;
export type Calls = Known<'CallsView', { state: 'open' | 'waiting' | 'shut' }>;
export type Sync = Known<'SyncView', { objects: SyncObject[]; webhook: Hook; budget: Calls | null }>;
export type QuarantineList = { data: Whole<Wire['QuarantineView']>[]; meta: Whole<Wire['ListMeta']> };
/** One of the two values of a field; what it is depends on the field. */
export type SideOfClash = Known<'SideView', { value: unknown }>;
export type Clash = Known<'ClashView', { here: SideOfClash; there: SideOfClash }>;
export type Conflict = Known<'ConflictView', { fields: Clash[] }>;
export type ConflictList = { data: Conflict[]; meta: Whole<Wire['ListMeta']> };
export type EditState = 'waiting' | 'sent' | 'conflict' | 'refused';
export type Edit = Known<'EditView', { state: EditState; fields: Known<'WantedView', { value: unknown }>[] }>;
export type EditList = { data: Edit[]; meta: Whole<Wire['ListMeta']> };
export type Home = Known<'HomeView', { mirror: MirrorObject[]; runs: Run[] }>;

export type Session = Whole<Wire['SessionView']>;
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
}

export interface NewGift {
  amount: Money;
  giftDate: string | null;
  contact: { firstName: string | null; lastName: string | null; email: string | null } | null;
  contactId: string | null;
  paymentMethod: PaymentMethod | null;
  giftIntent: string;
  notes: string | null;
  intakeSource: string;
  giftBatchId: string | null;
}

export interface RowPatch {
  amount?: Money | null;
  giftDate?: string | null;
  donorFirstName?: string | null;
  donorLastName?: string | null;
  donorEmail?: string | null;
  donorId?: string | null;
  paymentMethod?: PaymentMethod | null;
  giftIntent?: string | null;
  notes?: string | null;
  giftBatchId?: string | null;
}
