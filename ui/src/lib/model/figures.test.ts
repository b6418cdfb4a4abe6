import { describe, expect, it } from 'vitest';
import type { Came } from '../api/types';
import { against } from './figures';

const came = (...totals: [string, number][]): Came => ({
  name: '',
  from: '',
  to: '',
  gifts: totals.length,
  withoutAmount: 0,
  totals: totals.map(([currencyCode, amountMicros]) => ({ currencyCode, amountMicros, rows: 1 })),
});

describe('a period against the one before', () => {
  it('keeps currencies apart and says nothing where there is nothing to compare with', () => {
    expect(against(came(['GBP', 3_000_000], ['EUR', 5_000_000]), came(['GBP', 2_000_000]))).toEqual([
      {
        currency: 'EUR',
        now: { amountMicros: 5_000_000, currencyCode: 'EUR' },
        before: { amountMicros: 0, currencyCode: 'EUR' },
        percent: null,
      },
      {
        currency: 'GBP',
        now: { amountMicros: 3_000_000, currencyCode: 'GBP' },
        before: { amountMicros: 2_000_000, currencyCode: 'GBP' },
        percent: 50,
      },
    ]);
  });
  it('shows what there was when nothing came', () => {
    expect(against(came(), came(['GBP', 2_000_000]))[0]?.percent).toBe(-100);
    expect(against(came(), came())).toEqual([]);
  });
});
