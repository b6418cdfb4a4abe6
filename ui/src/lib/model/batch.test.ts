import { expect, it } from 'vitest';
import type { Batch } from '../api/types';
import { agreement } from './batch';

const gbp = (amountMicros: number) => ({ amountMicros, currencyCode: 'GBP' });
const batch = (over: object) =>
  ({
    rows: { total: 2, discarded: 0 },
    totals: [{ ...gbp(50), rows: 2 }],
    expectedCount: null,
    expectedAmount: null,
    ...over,
  }) as unknown as Batch;

it('says nothing when nothing was expected', () => {
  expect(agreement(batch({}))).toEqual({ expectedAny: false, agrees: true, count: null, amount: null });
});
it('compares count and total', () => {
  expect(agreement(batch({ expectedCount: 2, expectedAmount: gbp(50) })).agrees).toBe(true);
  expect(agreement(batch({ expectedCount: 3 })).count).toBe(-1);
  expect(agreement(batch({ expectedAmount: gbp(80) })).amount).toEqual(gbp(-30));
});
it('a second currency never makes up for the first', () => {
  const totals = [
    { ...gbp(50), rows: 1 },
    { amountMicros: 30, currencyCode: 'EUR', rows: 1 },
  ];
  expect(agreement(batch({ totals, expectedAmount: gbp(80) })).amount).toEqual(gbp(-30));
  expect(agreement(batch({ totals, expectedAmount: gbp(50) })).agrees).toBe(false);
});
