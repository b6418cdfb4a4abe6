import { describe, expect, it } from 'vitest';
import type { BookField } from '../api/types';
import { amount, changes, shown, wanted } from './books';

describe('figures of the books', () => {
  it('are shown as they were told', () => {
    expect(amount('1234567.5')).toBe('1,234,567.50');
    expect(amount('-0.125')).toBe('−0.125');
    expect(amount('100')).toBe('100.00');
    expect(amount('9007199254740993.01')).toBe('9,007,199,254,740,993.01');
    expect(amount(null)).toBe('–');
    expect(amount('odd')).toBe('odd');
  });
});

describe('a change of a record', () => {
  const field = (name: string, takes: BookField['takes'], value: BookField['value']): BookField => ({
    field: name,
    takes,
    most: null,
    kinds: [],
    value,
  });
  const fields = [
    field('note', 'text', null),
    field('party', 'link', { kind: 'vendor', id: '4', name: 'Ada' }),
    field('active', 'flag', true),
    field('due', 'date', '2026-05-05'),
  ];

  it('is what differs, in the form the API takes', () => {
    const typed = { note: ' rent ', party: 'customer 7', active: 'false', due: '2026-05-05' };
    expect(changes(fields, typed)).toEqual({
      note: 'rent',
      party: { kind: 'customer', id: '7' },
      active: false,
    });
    expect(changes(fields, {})).toEqual({});
    expect(changes(fields, { due: '' })).toEqual({ due: null });
  });

  it('shows and takes each kind of value', () => {
    for (const it of fields) {
      const value = wanted(it, shown(it.value));
      const told =
        typeof it.value === 'object' && it.value ? { kind: it.value.kind, id: it.value.id } : it.value;
      expect(value).toEqual(told);
    }
  });
});
