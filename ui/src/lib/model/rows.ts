import type { RowList, RowQuery, StagedRow } from '../api/types';

const PAGE = 100;

/** Reads the first `want` rows of a queue, as many pages as that takes. */
export async function readRows(
  page: (query: RowQuery) => Promise<RowList>,
  query: RowQuery,
  want: number,
): Promise<RowList> {
  const first = await page({ ...query, limit: Math.min(PAGE, want) });
  const data = [...first.data];
  let meta = first.meta;
  const seen = new Set(data.map((row) => row.id));
  while (meta.hasMore && meta.nextCursor !== null && data.length < want) {
    const next = await page({ ...query, limit: Math.min(PAGE, want - data.length), cursor: meta.nextCursor });
    // A row that moved between two pages must not stand there twice.
    for (const row of next.data) if (!seen.has(row.id)) data.push(row);
    for (const row of next.data) seen.add(row.id);
    meta = next.meta;
  }
  return { data, meta: { ...first.meta, hasMore: meta.hasMore, nextCursor: meta.nextCursor } };
}

const joined = (...parts: (string | null)[]) => parts.filter((part) => part).join(' ');

export const givenName = (row: StagedRow) => joined(row.donorFirstName, row.donorLastName);
