import { expect, it } from 'vitest';
import { isEmpty, patchOf } from './patch';

const row = {
  amount: { amountMicros: 25_000_000, currencyCode: 'GBP' },
  giftDate: '2026-11-20' as string | null,
  notes: null as string | null,
  donorEmail: 'ada@example.org' as string | null,
};

it('sends only what changed', () => {
  expect(patchOf(row, { ...row, giftDate: '2026-11-21' })).toEqual({ giftDate: '2026-11-21' });
  expect(isEmpty(patchOf(row, { ...row, amount: { ...row.amount } }))).toBe(true);
});
it('an emptied field clears, an untouched empty one keeps', () => {
  expect(patchOf(row, { ...row, donorEmail: '', notes: '  ' })).toEqual({ donorEmail: null });
});
it('trims and compares amounts by value', () => {
  const amount = { amountMicros: 26_000_000, currencyCode: 'GBP' };
  expect(patchOf(row, { ...row, amount, notes: ' Spring lunch ' })).toEqual({
    amount,
    notes: 'Spring lunch',
  });
});
