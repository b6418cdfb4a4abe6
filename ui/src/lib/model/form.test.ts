import { describe, expect, it } from 'vitest';
import type { StagedRow } from '../api/types';
import { draftOf, rowPatch } from './form';

const row = {
  amount: { amountMicros: 25_000_000, currencyCode: 'GBP' },
  giftDate: '2026-04-03',
  donorFirstName: 'Ada',
  donorLastName: 'Lovelace',
  donorEmail: null,
  donorId: 'd1',
  donorResolutionState: 'CONFIRMED',
  isAnonymousDonor: false,
  giftIntent: 'standard',
  companyId: null,
  coding: { appeal: null, fund: null, recurringAgreement: null },
  supporterEmailOptOut: null,
  paymentMethod: 'card',
  notes: 'Lunch',
  giftBatchId: null,
} as unknown as StagedRow;
const was = draftOf(row);
const send = (change: object) => rowPatch(row, was, { ...was, ...change }, 'ask');

describe('rowPatch', () => {
  it('sends nothing when nothing was touched, even where the text alone would be unclear', () => {
    expect(send({})).toEqual({ patch: {} });
    const kwd = { ...row, amount: { amountMicros: 1_234_000, currencyCode: 'KWD' } };
    expect(rowPatch(kwd, draftOf(kwd), draftOf(kwd), 'ask')).toEqual({ patch: {} });
  });
  it('sets, clears and unlinks', () => {
    expect(send({ amount: '30' })).toEqual({
      patch: { amount: { amountMicros: 30_000_000, currencyCode: 'GBP' } },
    });
    expect(send({ date: '', notes: '' })).toEqual({ patch: { giftDate: null, notes: null } });
    expect(send({ donorId: null })).toEqual({ patch: { donorId: null } });
    expect(send({ paymentMethod: '' })).toEqual({ patch: { paymentMethod: null } });
  });
  it('says one thing about who gave', () => {
    expect(send({ donorId: 'd2', who: 'new' })).toEqual({ patch: { donorId: 'd2' } });
    expect(send({ donorId: null, who: 'new' })).toEqual({ patch: { donorResolutionState: 'NEW_DONOR' } });
    expect(send({ donorId: null, who: 'anonymous' })).toEqual({ patch: { isAnonymousDonor: true } });
    const open = { ...row, donorId: null, donorResolutionState: 'NEW_DONOR' } as StagedRow;
    const draft = draftOf(open);
    expect(draft.who).toBe('new');
    expect(rowPatch(open, draft, { ...draft, who: '' }, 'ask')).toEqual({ patch: { donorId: null } });
  });
  it('books, unbooks and asks about consent', () => {
    expect(send({ fundId: 'f1', optOut: 'yes' })).toEqual({
      patch: { fundId: 'f1', supporterEmailOptOut: true },
    });
    const booked = { ...row, coding: { ...row.coding, fund: { id: 'f1', name: 'Roof', url: null } } };
    const draft = draftOf(booked);
    expect(rowPatch(booked, draft, { ...draft, fundId: null }, 'ask')).toEqual({ patch: { fundId: null } });
  });
  it('a typed e-mail does not touch the chosen donor', () => {
    expect(send({ donorEmail: 'ada@example.org' })).toEqual({ patch: { donorEmail: 'ada@example.org' } });
  });
  it('sends nothing while something is unclear', () => {
    expect(send({ date: '03/05/26', amount: '' })).toEqual({
      mistakes: { date: 'dateAsk', amount: 'amountEmpty' },
    });
    expect(send({ donorEmail: 'ada@' })).toEqual({ mistakes: { email: 'email' } });
  });
  it('a changed currency reads the amount again', () => {
    expect(send({ currency: 'JPY' })).toEqual({
      patch: { amount: { amountMicros: 25_000_000, currencyCode: 'JPY' } },
    });
  });
});
