// A value of the journal in words: money as money, dates as dates, states as their names, and nothing as "empty".
import { T } from '../texts';
import { longDate } from './dates';
import { formatMoney, type Money } from './money';

const isMoney = (value: object): value is Money =>
  typeof (value as Money).amountMicros === 'number' && typeof (value as Money).currencyCode === 'string';

export function showValue(field: string, value: unknown): string {
  if (value === null || value === undefined || value === '') return T.journal.nothing;
  if (typeof value === 'object') return isMoney(value) ? formatMoney(value) : JSON.stringify(value);
  if (typeof value !== 'string') return String(value);
  if (/^\d{4}-\d{2}-\d{2}$/.test(value)) return longDate(value);
  // An id says nothing to a reader; its beginning is enough to compare two.
  if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(value)) return `${value.slice(0, 8)}…`;
  const words: Record<string, string> =
    field === 'processingStatus'
      ? T.status
      : field === 'paymentMethod'
        ? T.method
        : field === 'status'
          ? { ...T.batchStatus, ...T.runStatus }
          : {};
  return words[value] ?? value;
}
