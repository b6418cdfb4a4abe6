import { expect, test } from 'vitest';
import { leaves } from './leaves';

test('a record reads as its fields that say something', () => {
  const amount = { amountMicros: 25_000_000, currencyCode: 'GBP' };
  expect(
    leaves({
      id: 'x',
      name: { firstName: 'Ada', lastName: '' },
      amount,
      refunded: { amountMicros: null, currencyCode: null },
      emails: { additionalEmails: [] },
      anonymous: false,
      tags: ['a', 'b'],
      gone: null,
    }),
  ).toEqual([
    { path: 'id', value: 'x' },
    { path: 'name.firstName', value: 'Ada' },
    { path: 'amount', value: amount },
    { path: 'anonymous', value: false },
    { path: 'tags', value: ['a', 'b'] },
  ]);
  expect(leaves(null)).toEqual([]);
});
