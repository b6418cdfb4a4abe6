// A value of a record of Twenty in words, and two of them so that a person sees what differs.
import { T } from '../texts';
import { full } from './age';
import { leaves } from './leaves';
import { toDecimal } from './money';
import { showValue } from './values';

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
/** No currency: an amount whose currency is another field keeps the two digits that most have. */
const NO_CURRENCY = 'XXX';

const text = (value: unknown): string => (typeof value === 'string' ? value.trim() : '');
const list = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter((it) => it !== null && typeof it === 'object') : [];
const phone = (code: unknown, number: unknown) => [text(code), text(number)].filter(Boolean).join(' ');
const link = (url: unknown, label: unknown) =>
  text(label) && text(url) ? `${text(label)} (${text(url)})` : text(url) || text(label);

/** The composite types of Twenty that are sent complete; `null` when it is none of them. */
function composite(value: Record<string, unknown>): string[] | null {
  if ('markdown' in value) return [text(value.markdown)];
  if ('primaryEmail' in value)
    return [
      text(value.primaryEmail),
      ...(Array.isArray(value.additionalEmails) ? value.additionalEmails.map(text) : []),
    ];
  if ('primaryPhoneNumber' in value)
    return [
      phone(value.primaryPhoneCallingCode, value.primaryPhoneNumber),
      ...list(value.additionalPhones).map((it) => phone(it.callingCode, it.number)),
    ];
  if ('primaryLinkUrl' in value)
    return [
      link(value.primaryLinkUrl, value.primaryLinkLabel),
      ...list(value.secondaryLinks).map((it) => link(it.url, it.label)),
    ];
  return null;
}

/** `field` is a name or a path such as `name.firstName`; `zone` is the organisation's. */
export function said(field: string, value: unknown, zone: string): string {
  if (value === null || value === undefined) return T.journal.nothing;
  if (typeof value === 'boolean') return value ? T.yes : T.no;
  if (typeof value === 'string') {
    if (value.trim() === '') return T.journal.nothing;
    return INSTANT.test(value) ? full(value, zone) : showValue(field, value);
  }
  if (field.endsWith('.amountMicros') && Number.isSafeInteger(value))
    return toDecimal({ amountMicros: value as number, currencyCode: NO_CURRENCY });
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value) && value.every((it) => it === null || typeof it !== 'object'))
    return value.map((it) => said(field, it, zone)).join(', ') || T.journal.nothing;
  const known = Array.isArray(value) ? null : composite(value as Record<string, unknown>);
  if (known) return known.filter(Boolean).join(', ') || T.journal.nothing;
  const parts = leaves(value).map(({ path, value: part }) => {
    const shown = typeof part === 'object' ? showValue(path, part) : said(path, part, zone);
    return path ? `${path}: ${shown}` : shown;
  });
  return parts.join(', ') || T.journal.nothing;
}

/** Two values that differ never read the same: what words hide (a blank, a label) is then shown as it is stored. */
export function sides(field: string, one: unknown, other: unknown, zone: string): [string, string] {
  const words: [string, string] = [said(field, one, zone), said(field, other, zone)];
  const bare = (it: string) => it.replace(/\s+/g, ' ').trim();
  if (bare(words[0]) !== bare(words[1])) return words;
  return [JSON.stringify(one ?? null), JSON.stringify(other ?? null)];
}
