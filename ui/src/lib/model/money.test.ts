import { describe, expect, it } from 'vitest';
import { exponent, formatMoney, parseMoney, toDecimal, totals, typedMoney } from './money';

const gbp = (amountMicros: number) => ({ amountMicros, currencyCode: 'GBP' });

describe('formatMoney', () => {
  it('keeps every digit of the micros', () => {
    expect(formatMoney(gbp(25_000_000))).toBe('£25.00');
    expect(formatMoney(gbp(1_234_560_000))).toBe('£1,234.56');
    expect(formatMoney(gbp(10_000))).toBe('£0.01');
    expect(formatMoney(gbp(1))).toBe('£0.000001');
    expect(formatMoney(gbp(-1_500_000))).toBe('-£1.50');
    expect(formatMoney(gbp(9_007_199_254_740_991))).toBe('£9,007,199,254.740991');
  });
  it('knows currencies without and with three digits', () => {
    expect(exponent('JPY')).toBe(0);
    expect(exponent('KWD')).toBe(3);
    expect(formatMoney({ amountMicros: 5_000_000_000, currencyCode: 'JPY' })).toMatch(/^(JP)?¥5,000$/);
    expect(toDecimal({ amountMicros: 1_234_000, currencyCode: 'KWD' })).toBe('1.234');
    expect(formatMoney({ amountMicros: 1_500_000, currencyCode: 'KWD' })).toContain('1.500');
  });
  it('survives a code nobody knows', () => {
    expect(formatMoney({ amountMicros: 2_000_000, currencyCode: '??' })).toBe('?? 2.00');
  });
});

describe('parseMoney', () => {
  const ok = (text: string, currency = 'GBP') => {
    const reading = parseMoney(text, currency);
    return reading.kind === 'ok' ? reading.money.amountMicros : reading;
  };
  it('reads what people type', () => {
    expect(ok('25')).toBe(25_000_000);
    expect(ok('£25.50')).toBe(25_500_000);
    expect(ok('25.5 GBP')).toBe(25_500_000);
    expect(ok('1,234')).toBe(1_234_000_000);
    expect(ok('1,234.56')).toBe(1_234_560_000);
    expect(ok('1.234,56')).toBe(1_234_560_000);
    expect(ok('1 234.56')).toBe(1_234_560_000);
    expect(ok('1,234,567')).toBe(1_234_567_000_000);
    expect(ok('.5')).toBe(500_000);
    expect(ok('12,50')).toBe(12_500_000);
    expect(ok('0.01')).toBe(10_000);
    expect(ok('0.30')).toBe(300_000);
  });
  it('asks when a point could be a thousand', () => {
    expect(parseMoney('1.234', 'GBP')).toEqual({
      kind: 'ask',
      choices: [gbp(1_234_000_000), gbp(1_230_000)],
    });
    expect(parseMoney('1,234', 'KWD').kind).toBe('ask');
    expect(parseMoney('1.234', 'KWD').kind).toBe('ask');
    expect(ok('1.234', 'JPY')).toBe(1_234_000_000);
  });
  it('refuses the rest with a reason', () => {
    expect(parseMoney('', 'GBP')).toEqual({ kind: 'empty' });
    expect(parseMoney('ten', 'GBP')).toEqual({ kind: 'bad', why: 'not_a_number' });
    expect(parseMoney('-5', 'GBP')).toEqual({ kind: 'bad', why: 'not_positive' });
    expect(parseMoney('0', 'GBP')).toEqual({ kind: 'bad', why: 'not_positive' });
    expect(parseMoney('1.2345', 'GBP')).toEqual({ kind: 'bad', why: 'too_fine' });
    expect(parseMoney('1.5', 'JPY')).toEqual({ kind: 'bad', why: 'too_fine' });
    expect(parseMoney('1,23.4,5', 'GBP')).toEqual({ kind: 'bad', why: 'not_a_number' });
    expect(parseMoney('99999999999', 'GBP')).toEqual({ kind: 'bad', why: 'too_large' });
  });
  it('reads back what it shows', () => {
    for (const micros of [10_000, 1_000_000, 999_990_000, 1_234_560_000, 123_456_789_010_000])
      expect(ok(formatMoney(gbp(micros)))).toBe(micros);
  });
});

describe('typedMoney', () => {
  it('is read back in one way only', () => {
    const kwd = (amountMicros: number) => ({ amountMicros, currencyCode: 'KWD' });
    const jpy = { amountMicros: 5_000_000_000, currencyCode: 'JPY' };
    expect(typedMoney(gbp(1_234_500_000))).toBe('1234.50');
    for (const money of [gbp(25_000_000), gbp(1_230_000), kwd(1_234_000), kwd(1_234_000_000), jpy])
      expect(parseMoney(typedMoney(money), money.currencyCode)).toEqual({ kind: 'ok', money });
  });
});

describe('totals', () => {
  it('never adds two currencies', () => {
    const eur = { amountMicros: 5_000_000, currencyCode: 'EUR' };
    expect(totals([gbp(1_000_000), eur, gbp(2_500_000)])).toEqual([gbp(3_500_000), eur]);
  });
});
