// What stands in a gift form as text, and what it means.
import type { PaymentMethod, RowPatch, StagedRow } from '../api/types';
import { parseDate, shortDate, type DateOrder } from './dates';
import { parseMoney, typedMoney, type Money } from './money';
import { patchOf } from './patch';

export interface Draft {
  amount: string;
  currency: string;
  date: string;
  donorFirstName: string;
  donorLastName: string;
  donorEmail: string;
  donorId: string | null;
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
    donorId: draft.donorId,
    paymentMethod: draft.paymentMethod,
    notes: draft.notes,
    giftBatchId: draft.giftBatchId,
  });
  const patch = patchOf(
    { amount: row.amount, giftDate: row.giftDate, ...fields(was) },
    { amount, giftDate, ...fields(is) },
  );
  return { patch: patch as RowPatch };
}
