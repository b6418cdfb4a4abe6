import { expect, test } from 'vitest';
import { said, sides } from './said';

const ZONE = 'Europe/London';

test.each([
  ['jobTitle', 'Treasurer', 'Treasurer'],
  ['jobTitle', '', 'empty'],
  ['jobTitle', '  ', 'empty'],
  ['jobTitle', null, 'empty'],
  ['doNotContact', true, 'yes'],
  ['doNotContact', false, 'no'],
  ['giftCount', 3, '3'],
  ['birthday', '1815-12-10', '10 December 1815'],
  ['dueAt', '2026-07-01T09:00:00.000Z', 'Wed, 1 Jul 2026, 10:00:00 BST'],
  ['amount', { amountMicros: 25_500_000, currencyCode: 'GBP' }, '£25.50'],
  ['pledge.amountMicros', 25_500_000, '25.50'],
  ['pledge.amountMicros', 1, '0.000001'],
  [
    'emails',
    { primaryEmail: 'a@example.org', additionalEmails: ['b@example.org'] },
    'a@example.org, b@example.org',
  ],
  ['emails', { primaryEmail: '', additionalEmails: null }, 'empty'],
  [
    'phones',
    {
      primaryPhoneNumber: '7700900123',
      primaryPhoneCountryCode: 'GB',
      primaryPhoneCallingCode: '+44',
      additionalPhones: [{ number: '1', countryCode: 'GB', callingCode: '+44' }],
    },
    '+44 7700900123, +44 1',
  ],
  [
    'links',
    {
      primaryLinkUrl: 'https://a.example',
      primaryLinkLabel: 'Home',
      secondaryLinks: [{ url: 'https://b.example' }],
    },
    'Home (https://a.example), https://b.example',
  ],
  ['bodyV2', { markdown: 'Two\nlines', blocknote: '[…]' }, 'Two\nlines'],
  ['tags', ['A', 'B'], 'A, B'],
  ['tags', [], 'empty'],
  ['odd', { a: { b: 1 }, c: '' }, 'a.b: 1'],
])('%s %j reads as %s', (field, value, words) => {
  expect(said(field, value, ZONE)).toBe(words);
});

test('two values that differ never read the same', () => {
  expect(sides('jobTitle', 'Chair', 'Treasurer', ZONE)).toEqual(['Chair', 'Treasurer']);
  expect(sides('jobTitle', 'Chair', 'Chair ', ZONE)).toEqual(['"Chair"', '"Chair "']);
  expect(sides('jobTitle', 'A  B', 'A B', ZONE)).toEqual(['"A  B"', '"A B"']);
  expect(sides('jobTitle', 'empty', null, ZONE)).toEqual(['"empty"', 'null']);
  const [one, other] = sides(
    'companyId',
    '11111111-0000-4000-8000-000000000001',
    '11111111-0000-4000-8000-000000000002',
    ZONE,
  );
  expect(one).not.toBe(other);
});
