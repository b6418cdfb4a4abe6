import { describe, expect, it } from 'vitest';
import type { RowList, RowQuery, StagedRow } from '../api/types';
import { idsOf, inView, pagesOf, readRows } from './rows';

const list = (total: number) => (query: RowQuery) => {
  const from = query.offset ?? 0;
  const count = Math.max(0, Math.min(query.limit ?? 0, total - from));
  const data = Array.from({ length: count }, (_, n) => ({ id: `r${from + n}` }) as StagedRow);
  return Promise.resolve({ data, meta: { total } as RowList['meta'] });
};

describe('a window of a long list', () => {
  it('knows the pages of what is on the screen', () => {
    expect(pagesOf(0, 30)).toEqual({ first: 0, count: 1 });
    expect(pagesOf(95, 130)).toEqual({ first: 0, count: 2 });
    expect(pagesOf(9_990, 10_000)).toEqual({ first: 99, count: 1 });
    expect(pagesOf(0, 0)).toEqual({ first: 0, count: 1 });
  });
  it('reads neighbouring pages and leaves holes elsewhere', async () => {
    const window = await readRows(list(350), {}, { first: 1, count: 2 });
    const ids = idsOf(window);
    expect(ids.length).toBe(350);
    expect([ids[99], ids[100], ids[299], ids[300]]).toEqual(['', 'r100', 'r299', '']);
  });
  it('shows a row that moved between two pages once', async () => {
    const twice = (query: RowQuery) =>
      Promise.resolve({
        data: [{ id: `r${query.offset}` }, { id: 'same' }] as StagedRow[],
        meta: { total: 4 } as RowList['meta'],
      });
    const window = await readRows(twice, {}, { first: 0, count: 2 });
    expect(window.rows.map((row) => row.id)).toEqual(['r0', 'same', 'r100']);
  });
  it('draws what is on the screen and some around it, never beyond the ends', () => {
    expect(inView(0, 570, 57, 10_000, 5)).toEqual({ from: 0, to: 15 });
    expect(inView(57_000, 570, 57, 10_000, 5)).toEqual({ from: 995, to: 1_015 });
    expect(inView(1e9, 570, 57, 20, 5)).toEqual({ from: 19, to: 20 });
    expect(inView(-300, 570, 57, 0)).toEqual({ from: 0, to: 0 });
  });
});
