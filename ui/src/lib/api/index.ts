import { call } from './client';
import type {
  Agreement,
  LinkList,
  Merge,
  MergeList,
  Pair,
  PairList,
  PersonLink,
  Said,
  Verdict,
  Why,
  FigurePage,
  Health,
  Marked,
  Batch,
  BatchPatch,
  ChoiceKind,
  CompanyList,
  AsideList,
  ClientAnswer,
  DecideItem,
  DigestAnswer,
  DigestList,
  FigureRows,
  FixItem,
  Outcomes,
  PolicyAnswer,
  PolicyBody,
  PolicyPreview,
  SaidAnswer,
  SayBody,
  ConsoleAnswer,
  PortfolioList,
  TrayAnswer,
  WhatChangedAnswer,
  WhatIfAnswer,
  BookAnswer,
  BookLinks,
  GoldenLink,
  BookList,
  BookQuery,
  BooksChange,
  BooksPlan,
  BooksWanted,
  BooksChangeList,
  BooksChangeWish,
  CompanyWish,
  ChoiceList,
  Plan,
  Settings,
  SettingsPatch,
  Wish,
  BatchList,
  ConflictList,
  DonorAnswer,
  DonorList,
  EditList,
  Home,
  JournalPage,
  Money,
  NewGift,
  NewToken,
  QuarantineList,
  RecordAnswer,
  Role,
  RowAnswer,
  RowList,
  RowPatch,
  RowQuery,
  Run,
  Scope,
  Session,
  Status,
  Sync,
  TakenIn,
  Token,
  User,
  UserPatch,
  UserWithLink,
} from './types';

export * from './types';
export { ApiProblem } from './client';

const rows = '/api/fundraising/gift-staging';
const batches = '/api/fundraising/gift-batches';
const people = '/api/fundraising/people';
type Signal = AbortSignal | undefined;

const policyPath = (realm: string | null) =>
  realm === null ? '/api/money/policy' : `/api/books/companies/${realm}/policy`;

export const api = {
  session: () => call<Session>('GET', '/api/session'),
  signOut: () => call<void>('DELETE', '/api/session'),
  home: (signal?: Signal) => call<Home>('GET', '/api/home', { signal }),
  health: (signal?: Signal) => call<Health>('GET', '/api/health', { signal }),
  figure: (name: string, query: { limit: number; offset: number }, signal?: Signal) =>
    call<FigurePage>('GET', `/api/home/figures/${name}`, { query, signal }),

  sync: (signal?: Signal) => call<Sync>('GET', '/api/sync', { signal }),
  companies: (signal?: Signal) => call<CompanyList>('GET', '/api/books/companies', { signal }),
  connectCompany: () => call<{ address: string }>('POST', '/api/books/connect'),
  askOfCompany: (realm: string, wish: CompanyWish) =>
    call<void>('POST', `/api/books/companies/${realm}/${wish}`),
  books: (realm: string, kind: string, query: BookQuery, signal?: Signal) =>
    call<BookList>('GET', `/api/books/companies/${realm}/records/${kind}`, { query, signal }),
  book: (realm: string, kind: string, id: string, as_of: string | null, signal?: Signal) =>
    call<BookAnswer>('GET', `/api/books/companies/${realm}/records/${kind}/${id}`, {
      query: { as_of },
      signal,
    }),
  planBooks: (realm: string, wanted: BooksWanted) =>
    call<BooksPlan>('POST', `/api/books/companies/${realm}/changes`, {
      query: { dryRun: 'true' },
      body: wanted,
    }),
  changeBooks: (realm: string, wanted: BooksWanted, key: string) =>
    call<{ data: BooksChange }>('POST', `/api/books/companies/${realm}/changes`, {
      body: wanted,
      idempotencyKey: key,
    }),
  portfolio: (signal?: Signal) => call<PortfolioList>('GET', '/api/portfolio', { signal }),
  money: (realm: string, query: { delay?: number; as_of?: string | null }, signal?: Signal) =>
    call<ClientAnswer>('GET', `/api/books/companies/${realm}/money`, { query, signal }),
  figureRows: (realm: string, name: string, query: { after?: number; delay?: number }) =>
    call<FigureRows>('GET', `/api/books/companies/${realm}/figures/${name}`, { query }),
  moneyMoved: (realm: string, since: string, signal?: Signal) =>
    call<WhatChangedAnswer>('GET', `/api/books/companies/${realm}/moved`, { query: { since }, signal }),
  digests: (realm: string, signal?: Signal) =>
    call<DigestList>('GET', `/api/books/companies/${realm}/digests`, { signal }),
  digest: (realm: string, week: string, signal?: Signal) =>
    call<DigestAnswer>('GET', `/api/books/companies/${realm}/digests/${week}`, { signal }),
  drawDigest: (realm: string) => call<DigestAnswer>('POST', `/api/books/companies/${realm}/digests`),
  changeDigest: (realm: string, week: string, body: { words?: string; wish?: string }, version: number) =>
    call<DigestAnswer>('PATCH', `/api/books/companies/${realm}/digests/${week}`, { body, version }),
  digestFile: (realm: string, week: string, form: 'pdf' | 'html' | 'text') =>
    `/api/books/companies/${realm}/digests/${week}/${form}`,
  letStand: (realm: string, keys: string[], reason: string) =>
    call<Outcomes>('POST', `/api/books/companies/${realm}/tray/ignore`, { body: { keys, reason } }),
  reopenIssues: (realm: string, keys: string[]) =>
    call<Outcomes>('POST', `/api/books/companies/${realm}/tray/reopen`, { body: { keys } }),
  putRight: (realm: string, items: FixItem[]) =>
    call<Outcomes>('POST', `/api/books/companies/${realm}/tray/fix`, { body: { items } }),
  decideBills: (realm: string, items: DecideItem[]) =>
    call<Outcomes>('POST', `/api/books/companies/${realm}/decisions`, { body: { items } }),
  moneySaid: (realm: string, signal?: Signal) =>
    call<SaidAnswer>('GET', `/api/books/companies/${realm}/said`, { signal }),
  sayOfMoney: (realm: string, body: SayBody) =>
    call<SaidAnswer>('POST', `/api/books/companies/${realm}/said`, { body }),
  unsayOfMoney: (realm: string, id: string) =>
    call<void>('DELETE', `/api/books/companies/${realm}/said/${id}`),
  moneyPolicy: (realm: string | null, signal?: Signal) =>
    call<PolicyAnswer>('GET', policyPath(realm), { signal }),
  previewPolicy: (realm: string | null, body: PolicyBody) =>
    call<PolicyPreview>('POST', `${policyPath(realm)}/preview`, { body }),
  setPolicy: (realm: string | null, body: PolicyBody, version: number) =>
    call<PolicyAnswer>('PUT', policyPath(realm), { body, version }),
  tray: (realm: string, signal?: Signal) =>
    call<TrayAnswer>('GET', `/api/books/companies/${realm}/tray`, { signal }),
  console: (realm: string, signal?: Signal) =>
    call<ConsoleAnswer>('GET', `/api/books/companies/${realm}/console`, { signal }),
  whatIf: (realm: string, bills: readonly string[], signal?: Signal) =>
    call<WhatIfAnswer>('GET', `/api/books/companies/${realm}/what-if`, {
      query: { bills: bills.join(',') },
      signal,
    }),
  booksAside: (signal?: Signal) => call<AsideList>('GET', '/api/books/set-aside', { signal }),
  askOfAside: (key: string, wish: 'repeat' | 'discard') =>
    call<void>('POST', `/api/books/set-aside/${key}/${wish}`),
  bookLinks: (realm: string, kind: string, id: string, signal?: Signal) =>
    call<{ data: BookLinks }>('GET', `/api/books/companies/${realm}/records/${kind}/${id}/links`, { signal }),
  goldenOf: (object: string, id: string, signal?: Signal) =>
    call<{ data: GoldenLink[] }>('GET', '/api/books/links', { query: { object, id }, signal }),
  linkBooks: (wanted: { realm: string; kind: string; record: string; object: string; who: string }) =>
    call<{ data: GoldenLink }>('POST', '/api/books/links', { body: wanted }),
  unlinkBooks: (id: string) => call<void>('POST', `/api/books/links/${id}/undo`),
  booksChanges: (state: 'open' | 'over', cursor: string | null, signal?: Signal) =>
    call<BooksChangeList>('GET', '/api/books/changes', {
      query: cursor ? { state, cursor } : { state },
      signal,
    }),
  askOfBooksChange: (id: string, wish: BooksChangeWish) =>
    call<{ data: BooksChange }>('POST', `/api/books/changes/${id}/${wish}`),
  decideBooksChange: (id: string, keep: 'here' | 'there') =>
    call<{ data: BooksChange }>('POST', `/api/books/changes/${id}/decide`, { body: { keep } }),
  startSync: () => call<unknown>('POST', '/api/sync', { body: {} }),
  sweep: (object: string) => call<unknown>('POST', `/api/sync/${object}/sweep`, { body: {} }),
  pauseSync: (object: string, paused: boolean) =>
    call<void>('PATCH', `/api/sync/${object}`, { body: { paused } }),
  mirrorObject: (plural: string, on: boolean) =>
    call<void>('POST', '/api/sync/objects', { body: { plural, on } }),
  quarantine: (signal?: Signal) =>
    call<QuarantineList>('GET', '/api/sync/quarantine', { query: { limit: 100 }, signal }),
  conflicts: (signal?: Signal) =>
    call<ConflictList>('GET', '/api/sync/conflicts', { query: { limit: 100 }, signal }),
  decide: (id: string, fields: Record<string, 'here' | 'there'>) =>
    call<void>('POST', `/api/sync/conflicts/${id}`, { body: { fields } }),
  edits: (signal?: Signal) => call<EditList>('GET', '/api/sync/edits', { query: { limit: 100 }, signal }),
  takeBack: (id: string) => call<void>('DELETE', `/api/sync/edits/${id}`),

  rows: (query: RowQuery, signal?: Signal) => call<RowList>('GET', rows, { query: { ...query }, signal }),
  rowIds: ({ status, giftBatchId, intakeSource, search, sort }: RowQuery) =>
    call<{ data: string[] }>('GET', `${rows}/ids`, {
      query: { status, giftBatchId, intakeSource, search, sort },
    }),
  pairs: (blind: boolean, signal?: Signal) =>
    call<PairList>('GET', `${people}/duplicates`, { query: { limit: 50, blind: String(blind) }, signal }),
  pair: (left: string, right: string, blind: boolean, signal?: Signal) =>
    call<{ data: Pair }>('GET', `${people}/duplicates/${left}/${right}`, {
      query: { blind: String(blind) },
      signal,
    }),
  say: (left: string, right: string, said: Said, keep: string | null, blind: boolean) =>
    call<{ data: Verdict }>('POST', `${people}/verdicts`, {
      body: { left: { personId: left }, right: { personId: right }, said, keep, blind },
    }),
  agreement: (signal?: Signal) => call<{ data: Agreement }>('GET', `${people}/agreement`, { signal }),
  links: (signal?: Signal) => call<LinkList>('GET', `${people}/links`, { query: { limit: 25 }, signal }),
  undoLink: (id: string) => call<{ data: PersonLink }>('POST', `${people}/links/${id}/undo`, { body: {} }),
  merges: (signal?: Signal) => call<MergeList>('GET', `${people}/merges`, { query: { limit: 10 }, signal }),
  askMerge: (keepId: string, loseIds: string[]) =>
    call<{ data: Merge }>('POST', `${people}/merges`, { body: { keepId, loseIds } }),
  confirmMerge: (id: string) => call<{ data: Merge }>('POST', `${people}/merges/${id}/confirm`, { body: {} }),
  withdrawMerge: (id: string) => call<void>('DELETE', `${people}/merges/${id}`),
  why: (stagingId: string, personId: string, signal?: Signal) =>
    call<{ data: Why; meta: { model: string; asOf: string } }>('POST', '/api/fundraising/people/why', {
      body: { left: { stagingId }, right: { personId } },
      signal,
    }),
  matchDonors: (batchId: string) => call<unknown>('POST', `${batches}/${batchId}/donor-match`, { body: {} }),
  markAll: (ids: string[], processingStatus: Status) =>
    call<{ data: Marked[] }>('POST', `${rows}/status`, { body: { ids, processingStatus } }),
  row: (id: string, signal?: Signal) => call<RowAnswer>('GET', `${rows}/${id}`, { signal }),
  takeIn: (gift: NewGift, idempotencyKey: string) =>
    call<TakenIn>('POST', rows, { body: gift, idempotencyKey }),
  change: (id: string, patch: RowPatch, version: number) =>
    call<RowAnswer>('PATCH', `${rows}/${id}`, { body: patch, version }),
  setStatus: (id: string, processingStatus: Status, version?: number) =>
    call<RowAnswer>('PATCH', `${rows}/${id}/status`, { body: { processingStatus }, version }),
  /** Whoever was made for this discarded gift, into the bin in Twenty; taken back with `takeBack`. */
  removeMadeDonor: (id: string) => call<unknown>('DELETE', `${rows}/${id}/made-donor`),
  processReady: () =>
    call<{ data: { giftBatch: Batch; run: Run } }>('POST', `${rows}/process-ready`, { body: {} }),

  batches: (query: { limit?: number; cursor?: string | undefined }, signal?: Signal) =>
    call<BatchList>('GET', batches, { query, signal }),
  batch: (id: string, signal?: Signal) =>
    call<{ data: { giftBatch: Batch }; meta: { asOf: string } }>('GET', `${batches}/${id}`, { signal }),
  newBatch: (batch: {
    name: string;
    expectedCount: number | null;
    expectedAmount: Money | null;
    rowIds: string[];
  }) => call<{ data: { createGiftBatch: Batch } }>('POST', batches, { body: batch }),
  /** With the number of a plan it is refused when a gift changed since. */
  process: (id: string, plan: number | null = null) =>
    call<{ data: { run: Run } }>('POST', `${batches}/${id}/process`, { body: { maxRows: null, plan } }),
  /** Nothing when it was not worked out within ten seconds. */
  plan: (id: string) => call<Plan | undefined>('POST', `${batches}/${id}/plan`),
  steer: (batch: string, run: string, wish: Wish) =>
    call<{ data: { run: Run } }>('PATCH', `${batches}/${batch}/process/${run}`, { body: { wish } }),
  changeBatch: (id: string, patch: BatchPatch, version: number) =>
    call<{ data: { giftBatch: Batch } }>('PATCH', `${batches}/${id}`, { body: patch, version }),

  choices: (kind: ChoiceKind, q: string, of: string | null, signal?: Signal) =>
    call<ChoiceList>('GET', `/api/choices/${kind}`, { query: { q, of, limit: 8 }, signal }),
  settings: (signal?: Signal) => call<Settings>('GET', '/api/settings', { signal }),
  changeSettings: (patch: SettingsPatch, version: number) =>
    call<Settings>('PATCH', '/api/settings', { body: patch, ...(version > 0 ? { version } : {}) }),

  donors: (q: string, limit: number, signal?: Signal) =>
    call<DonorList>('GET', '/api/donors', { query: { q, limit }, signal }),

  donor: (id: string, signal?: Signal) => call<DonorAnswer>('GET', `/api/donors/${id}`, { signal }),
  /** `seen` is the version the editor saw: what changed since is a conflict and is not overwritten. */
  changeRecord: (object: string, id: string, fields: Record<string, unknown>, seen: number) =>
    call<unknown>('PATCH', `/api/records/${object}/${id}`, { body: { fields, seen } }),
  newNote: (note: { title: string; body: string | null; targets: { object: string; id: string }[] }) =>
    call<unknown>('POST', '/api/notes', { body: note }),
  newTask: (task: {
    title: string;
    body: string | null;
    dueAt: string | null;
    targets: { object: string; id: string }[];
  }) => call<unknown>('POST', '/api/tasks', { body: task }),
  changeTask: (id: string, fields: { done: boolean }) =>
    call<unknown>('PATCH', `/api/tasks/${id}`, { body: fields }),

  journal: (
    query: {
      before?: number | undefined;
      subject?: string | undefined;
      object?: string | undefined;
      limit: number;
    },
    signal?: Signal,
  ) => call<JournalPage>('GET', '/api/journal', { query, signal }),

  record: (object: string, id: string, asOf: string, signal?: Signal) =>
    call<RecordAnswer>('GET', `/api/records/${object}/${id}`, { query: { as_of: asOf }, signal }),

  tokens: (signal?: Signal) => call<{ data: Token[] }>('GET', '/api/tokens', { signal }),
  newToken: (name: string, scopes: Scope[]) =>
    call<NewToken>('POST', '/api/tokens', { body: { name, scopes } }),
  revokeToken: (id: string) => call<void>('DELETE', `/api/tokens/${id}`),

  users: (signal?: Signal) => call<{ data: User[] }>('GET', '/api/users', { signal }),
  invite: (who: { name: string; email: string; role: Role; companies: string[] | null }) =>
    call<UserWithLink>('POST', '/api/users', { body: who }),
  changeUser: (id: string, patch: UserPatch, version?: number) =>
    call<{ data: User }>('PATCH', `/api/users/${id}`, { body: patch, version }),
  resetUser: (id: string) => call<UserWithLink>('POST', `/api/users/${id}/reset`, { body: {} }),
};
