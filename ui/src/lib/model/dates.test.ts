import { describe, expect, it } from 'vitest';
import { dateIn, longDate, parseDate, typedDate } from './dates';

const ok = (text: string, order?: 'dmy' | 'mdy') => {
  const reading = parseDate(text, order);
  return reading.kind === 'ok' ? reading.date : reading;
};

describe('parseDate', () => {
  it('reads dates with one meaning', () => {
    expect(ok('2026-11-20')).toBe('2026-11-20');
    expect(ok('20/11/2026')).toBe('2026-11-20');
    expect(ok('11/20/2026')).toBe('2026-11-20');
    expect(ok('20.11.26')).toBe('2026-11-20');
    expect(ok('20112026')).toBe('2026-11-20');
    expect(ok('20 Nov 2026')).toBe('2026-11-20');
    expect(ok('3rd April 2026')).toBe('2026-04-03');
    expect(ok('April 3, 2026')).toBe('2026-04-03');
    expect(ok('05/05/2026')).toBe('2026-05-05');
  });
  it('asks instead of guessing', () => {
    expect(parseDate('03/04/26')).toEqual({
      kind: 'ask',
      choices: [
        { date: '2026-04-03', order: 'dmy' },
        { date: '2026-03-04', order: 'mdy' },
      ],
    });
    expect(parseDate('3-4-2026').kind).toBe('ask');
    expect(ok('03/04/26', 'dmy')).toBe('2026-04-03');
    expect(ok('03/04/26', 'mdy')).toBe('2026-03-04');
  });
  it('refuses days that do not exist', () => {
    expect(parseDate('31/02/2026')).toEqual({ kind: 'bad', why: 'no_such_day' });
    expect(parseDate('29/02/2025')).toEqual({ kind: 'bad', why: 'no_such_day' });
    expect(ok('29/02/2028')).toBe('2028-02-29');
    expect(parseDate('20/11')).toEqual({ kind: 'bad', why: 'no_year' });
    expect(parseDate('yesterday')).toEqual({ kind: 'bad', why: 'not_a_date' });
    expect(parseDate(' ')).toEqual({ kind: 'empty' });
  });
});

describe('calendar dates', () => {
  it('do not move with a time zone', () => {
    expect(longDate('2026-01-01')).toBe('1 January 2026');
    expect(typedDate('2026-11-20')).toBe('20/11/2026');
    expect(typedDate(null)).toBe('');
  });
  it('today is the organisation’s day', () => {
    const late = new Date('2026-11-22T23:30:00Z');
    expect(dateIn('Europe/London', late)).toBe('2026-11-22');
    expect(dateIn('Europe/Berlin', late)).toBe('2026-11-23');
  });
});
