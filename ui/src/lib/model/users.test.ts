import { expect, test } from 'vitest';
import { looksLikeEmail, readCompanies } from './users';

test('keys of companies are read from a text with commas', () => {
  expect(readCompanies('qbo-1, qbo-2,qbo-1\n')).toEqual(['qbo-1', 'qbo-2']);
  expect(readCompanies('')).toEqual([]);
  expect(readCompanies('qbo/1')).toBeNull();
  expect(readCompanies('x'.repeat(65))).toBeNull();
  expect(readCompanies(Array.from({ length: 101 }, (_, n) => `k${n}`).join(','))).toBeNull();
});

test('an address has something on both sides of its sign', () => {
  expect([' a@b.org ', 'a@', '@b', 'a b@c', 'ab'].map(looksLikeEmail)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
});
