// What stands in a gift form as text, and what it means.
import type { Intent, PaymentMethod, RowPatch, StagedRow } from '../api/types';
import { parseDate, shortDate, type DateOrder } from './dates';
import { parseMoney, typedMoney, type Money } from './money';
import { patchOf } from './patch';

export type Who = '' | 'new' | 'anonymous';

export interface Draft {
  amount: string;
  currency: string;
  date: string;
  donorFirstName: string;
  donorLastName: string;
  donorEmail: string;
  donorId: string | null;
  /** Where nobody is chosen: open, somebody new, or anonymous on purpose. */
  who: Who;
  giftIntent: Intent;
  companyId: string | null;
  appealId: string | null;
  fundId: string | null;
  agreementId: string | null;
  /** Whether the donor said not to be written to. */
  optOut: '' | 'yes' | 'no';
  paymentMethod: PaymentMethod | '';
  notes: string;
  giftBatchId: string;
}

export type Mistake =
  | 'amountEmpty'
  | 'not_a_number'
  | 'too_fine'
  | 'not_positive'
  | 'too_large'
  | 'amountAsk'
  | 'not_a_date'
  | 'no_such_day'
  | 'no_year'
  | 'dateAsk'
  | 'dateEmpty'
  | 'method'
  | 'email';

export const emptyDraft = (currency: string): Draft => ({
  amount: '',
  currency,
  date: '',
  donorFirstName: '',
  donorLastName: '',
  donorEmail: '',
  donorId: null,
  who: '',
  giftIntent: 'standard',
  companyId: null,
  appealId: null,
  fundId: null,
  agreementId: null,
  optOut: '',
  paymentMethod: '',
  notes: '',
  giftBatchId: '',
});

export const draftOf = (row: StagedRow): Draft => ({
  amount: typedMoney(row.amount),
  currency: row.amount.currencyCode,
  date: row.giftDate ? shortDate(row.giftDate) : '',
  donorFirstName: row.donorFirstName ?? '',
  donorLastName: row.donorLastName ?? '',
  donorEmail: row.donorEmail ?? '',
  donorId: row.donorId,
  who: row.isAnonymousDonor ? 'anonymous' : row.donorResolutionState === 'NEW_DONOR' ? 'new' : '',
  giftIntent: row.giftIntent,
  companyId: row.companyId,
  appealId: row.coding.appeal?.id ?? null,
  fundId: row.coding.fund?.id ?? null,
  agreementId: row.coding.recurringAgreement?.id ?? null,
  optOut: row.supporterEmailOptOut === null ? '' : row.supporterEmailOptOut ? 'yes' : 'no',
  paymentMethod: row.paymentMethod ?? '',
  notes: row.notes ?? '',
  giftBatchId: row.giftBatchId ?? '',
});

export function amountOf(draft: Draft): Money | Mistake {
  const reading = parseMoney(draft.amount, draft.currency);
  if (reading.kind === 'ok') return reading.money;
  return reading.kind === 'empty' ? 'amountEmpty' : reading.kind === 'ask' ? 'amountAsk' : reading.why;
}

/** `{ date }`, where `null` is an empty field, or the mistake. */
export function dateOf(draft: Draft, order: DateOrder): { date: string | null } | Mistake {
  const reading = parseDate(draft.date, order);
  if (reading.kind === 'ok') return { date: reading.date };
  return reading.kind === 'empty' ? { date: null } : reading.kind === 'ask' ? 'dateAsk' : reading.why;
}

export const emailOk = (text: string) => text.trim() === '' || /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text.trim());

/** What to send for what was changed. Fields that were not touched are never read again, so they cannot change. */
export function rowPatch(
  row: StagedRow,
  was: Draft,
  is: Draft,
  order: DateOrder,
): { patch: RowPatch } | { mistakes: Partial<Record<'amount' | 'date' | 'email', Mistake>> } {
  const mistakes: Partial<Record<'amount' | 'date' | 'email', Mistake>> = {};
  let amount: Money = row.amount;
  if (is.amount !== was.amount || is.currency !== was.currency) {
    const read = amountOf(is);
    if (typeof read === 'string') mistakes.amount = read;
    else amount = read;
  }
  let giftDate = row.giftDate;
  if (is.date !== was.date) {
    const read = dateOf(is, order);
    if (typeof read === 'string') mistakes.date = read;
    else giftDate = read.date;
  }
  if (is.donorEmail !== was.donorEmail && !emailOk(is.donorEmail)) mistakes.email = 'email';
  if (Object.keys(mistakes).length) return { mistakes };
  const fields = (draft: Draft) => ({
    donorFirstName: draft.donorFirstName,
    donorLastName: draft.donorLastName,
    donorEmail: draft.donorEmail,
    paymentMethod: draft.paymentMethod,
    giftIntent: draft.giftIntent,
    companyId: draft.companyId,
    appealId: draft.appealId,
    fundId: draft.fundId,
    recurringAgreementId: draft.agreementId,
    supporterEmailOptOut: optOutOf(draft),
    notes: draft.notes,
    giftBatchId: draft.giftBatchId,
  });
  const patch = patchOf(
    { amount: row.amount, giftDate: row.giftDate, ...fields(was) },
    { amount, giftDate, ...fields(is) },
  );
  return { patch: { ...(patch as RowPatch), ...whoPatch(was, is) } };
}

export const optOutOf = (draft: Draft) => (draft.optOut === '' ? null : draft.optOut === 'yes');

/** One answer about who gave; none when it is as it was. */
function whoPatch(was: Draft, is: Draft): RowPatch {
  if (is.donorId === was.donorId && is.who === was.who) return {};
  if (is.donorId !== null) return { donorId: is.donorId };
  if (is.who === 'new') return { donorResolutionState: 'NEW_DONOR' };
  if (is.who === 'anonymous') return { isAnonymousDonor: true };
  return { donorId: null };
}
