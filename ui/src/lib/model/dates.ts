// Calendar dates are text `YYYY-MM-DD` and are never put through a time zone.

export type DateOrder = 'ask' | 'dmy' | 'mdy';

export type DateReading =
  | { kind: 'empty' }
  | { kind: 'ok'; date: string }
  | { kind: 'ask'; choices: { date: string; order: 'dmy' | 'mdy' }[] }
  | { kind: 'bad'; why: 'not_a_date' | 'no_such_day' | 'no_year' };

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const pad = (n: number, width: number) => String(n).padStart(width, '0');

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

function make(year: number, month: number, day: number): string | null {
  if (year < 1900 || year > 2200 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month))
    return null;
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
}

const century = (text: string) => (text.length === 2 ? 2000 + Number(text) : Number(text));

function done(date: string | null): DateReading {
  return date ? { kind: 'ok', date } : { kind: 'bad', why: 'no_such_day' };
}

/**
 * Reads a typed date. ISO dates and dates with a written month have one reading. Numbers with day and month both
 * up to twelve have two: they come back as choices unless the person has said which order they type.
 */
export function parseDate(typed: string, order: DateOrder = 'ask'): DateReading {
  const text = typed.trim().toLowerCase();
  if (!text) return { kind: 'empty' };

  const iso = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$/.exec(text);
  if (iso) return done(make(Number(iso[1]), Number(iso[2]), Number(iso[3])));

  const named =
    /^(\d{1,2})(?:st|nd|rd|th)?[\s\-/.]*([a-z]{3,9})\.?[\s\-/.,]*(\d{4}|\d{2})?$/.exec(text) ??
    swapped(/^([a-z]{3,9})\.?\s*(\d{1,2})(?:st|nd|rd|th)?[\s,]*(\d{4}|\d{2})?$/.exec(text));
  if (named) {
    const month = monthOf(named[2] ?? '');
    if (month === 0) return { kind: 'bad', why: 'not_a_date' };
    if (!named[3]) return { kind: 'bad', why: 'no_year' };
    return done(make(century(named[3]), month, Number(named[1])));
  }

  const compact = /^(\d{2})(\d{2})(\d{4})$/.exec(text);
  const numeric = compact ?? /^(\d{1,2})[\s\-/.](\d{1,2})[\s\-/.](\d{4}|\d{2})$/.exec(text);
  if (!numeric) return { kind: 'bad', why: /^\d{1,2}[\s\-/.]\d{1,2}$/.test(text) ? 'no_year' : 'not_a_date' };

  const [first, second, year] = [Number(numeric[1]), Number(numeric[2]), century(numeric[3] ?? '')];
  const dmy = make(year, second, first);
  const mdy = make(year, first, second);
  if (dmy && mdy && dmy !== mdy) {
    if (order === 'dmy') return { kind: 'ok', date: dmy };
    if (order === 'mdy') return { kind: 'ok', date: mdy };
    return {
      kind: 'ask',
      choices: [
        { date: dmy, order: 'dmy' },
        { date: mdy, order: 'mdy' },
      ],
    };
  }
  return done(dmy ?? mdy);
}

function swapped(found: RegExpExecArray | null): (string | undefined)[] | null {
  return found && [found[0], found[2], found[1], found[3]];
}

function monthOf(word: string): number {
  const full = [
    'january',
    'february',
    'march',
    'april',
    'may',
    'june',
    'july',
    'august',
    'september',
    'october',
    'november',
    'december',
  ];
  if (word === 'sept') return 9;
  return full.findIndex((name, i) => name === word || MONTHS[i] === word) + 1;
}

const calendar = (options: Intl.DateTimeFormatOptions) =>
  new Intl.DateTimeFormat('en-GB', { ...options, timeZone: 'UTC' });
const LONG = calendar({ day: 'numeric', month: 'long', year: 'numeric' });
const SHORT = calendar({ day: 'numeric', month: 'short', year: 'numeric' });
const WEEKDAY = calendar({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });

// The fields go in as UTC and come out as UTC: no zone can move the day.
const utc = (date: string) => {
  const [year = 0, month = 1, day = 1] = date.split('-').map(Number);
  return Date.UTC(year, month - 1, day);
};

export const longDate = (date: string) => LONG.format(utc(date));
export const shortDate = (date: string) => SHORT.format(utc(date));
export const weekdayDate = (date: string) => WEEKDAY.format(utc(date));

/** `2026-11-20` as it is typed and shown in a field: 20/11/2026. */
export const typedDate = (date: string | null) => (date ? date.split('-').toReversed().join('/') : '');

/** The calendar date in the organisation's zone at an instant. */
export function dateIn(timeZone: string, at: Date): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).formatToParts(at);
  const get = (type: string) => parts.find((part) => part.type === type)?.value ?? '';
  return `${get('year')}-${get('month')}-${get('day')}`;
}
