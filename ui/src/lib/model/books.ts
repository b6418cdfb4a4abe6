// The kinds of records of the books, and how their figures are shown. Amounts come as texts and are never reckoned with.
import type { BookField, BookRow, BooksHeld } from '../api/types';
import { T } from '../texts';
import { fieldName } from './booksChanges';

export const DOCUMENTS = [
  'bill',
  'invoice',
  'purchase',
  'salesreceipt',
  'payment',
  'billpayment',
  'deposit',
  'transfer',
  'journalentry',
  'creditmemo',
  'vendorcredit',
  'refundreceipt',
] as const;
export const LISTS = [
  'account',
  'customer',
  'vendor',
  'item',
  'class',
  'department',
  'term',
  'paymentmethod',
] as const;
export const OTHERS = ['companyinfo', 'preferences', 'attachable'] as const;
/** Bills and invoices have a status of their own. */
export const WITH_STATUS = ['bill', 'invoice'];

/** An amount as it was told, grouped in thousands, with its decimals as they were written (at least two). */
export function amount(text: string | null): string {
  if (text === null || text === '') return T.none;
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === '') return text;
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  return `${sign === '-' ? '−' : ''}${grouped}.${fraction.padEnd(2, '0')}`;
}

/** What a row is called. */
export const rowName = (row: Pick<BookRow, 'title' | 'id'>) => row.title ?? T.browse.unnamed(row.id);

/** What a field holds, as its control shows it: a text, a date, yes or no, or the kind and id of a record. */
export function shown(value: BooksHeld): string {
  if (value === null) return '';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  return typeof value === 'string' ? value : `${value.kind} ${value.id}`;
}

/** What is sent for what a control shows; an empty one empties the field. */
export function wanted(field: Pick<BookField, 'takes'>, shown: string): unknown {
  const text = shown.trim();
  if (text === '') return null;
  if (field.takes === 'flag') return text === 'true';
  if (field.takes !== 'link') return text;
  const [kind, id] = text.split(' ');
  return { kind, id };
}

/** What was changed: field by field, what is wanted there. */
export function changes(fields: readonly BookField[], typed: Record<string, string>) {
  const changed = fields.filter((it) => it.field in typed && typed[it.field]?.trim() !== shown(it.value));
  return Object.fromEntries(changed.map((it) => [it.field, wanted(it, typed[it.field] ?? '')]));
}

export { fieldName };
