// What a change of the books says in words: its fields, and what stands in them.
import type { BooksChange, BooksHeld } from '../api/types';
import { T } from '../texts';
import { longDate } from './dates';

const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** A value for people; nothing has a word too. */
export function held(value: BooksHeld | undefined): string {
  if (value === null || value === undefined || value === '') return T.booksChanges.nothing;
  if (typeof value === 'boolean') return value ? T.booksChanges.yes : T.booksChanges.no;
  if (typeof value === 'string') return DATE.test(value) ? longDate(value) : value;
  return value.name ?? `${value.kind} ${value.id}`;
}

/** What a field is called. */
export function fieldName(field: string): string {
  const [first, id, last] = field.split('.');
  if (first === 'lines' && id && last)
    return T.booksChanges.lineField(id, T.booksChanges.lineFields[last] ?? last);
  if (first === 'bills' && id) return T.booksChanges.paidBill(id);
  return T.booksChanges.fields[field] ?? field;
}

/** What a change is about: its kind, and its name or number as far as either is known. */
export function about(change: Pick<BooksChange, 'kind' | 'title' | 'record'>): string {
  const kind = T.bookKinds[change.kind] ?? change.kind;
  const name = change.title ?? change.record;
  return name ? `${kind} ${name}` : kind;
}
