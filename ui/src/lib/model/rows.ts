// A long list of gifts of which a window is loaded, in pages.
import type { RowList, RowQuery, StagedRow } from '../api/types';

/** Rows of a page: as many as the server gives at once. */
export const PAGE = 100;

/** The part of a list that is loaded. */
export interface RowWindow {
  /** The place of its first row. */
  first: number;
  rows: StagedRow[];
  meta: RowList['meta'];
}

/** The pages that show these places. */
export function pagesOf(from: number, to: number): { first: number; count: number } {
  const first = Math.max(0, Math.floor(from / PAGE));
  return { first, count: Math.max(1, Math.ceil(to / PAGE) - first) };
}

/** Reads neighbouring pages. */
export async function readRows(
  page: (query: RowQuery) => Promise<RowList>,
  query: RowQuery,
  { first, count }: { first: number; count: number },
): Promise<RowWindow> {
  const parts = await Promise.all(
    Array.from({ length: count }, (_, n) => page({ ...query, limit: PAGE, offset: (first + n) * PAGE })),
  );
  const rows: StagedRow[] = [];
  const seen = new Set<string>();
  // A row that moved between two pages must not stand there twice.
  for (const row of parts.flatMap((part) => part.data)) {
    if (seen.has(row.id)) continue;
    seen.add(row.id);
    rows.push(row);
  }
  return { first: first * PAGE, rows, meta: (parts[0] as RowList).meta };
}

/** The ids of a whole list by place, '' where a row is not loaded. */
export function idsOf({ first, rows, meta }: RowWindow): string[] {
  const length = Math.max(meta.total, rows.length ? first + rows.length : 0);
  const ids = Array.from({ length }, () => '');
  rows.forEach((row, n) => (ids[first + n] = row.id));
  return ids;
}

/** The places that are on the screen, with some above and below. */
export function inView(
  top: number,
  view: number,
  height: number,
  total: number,
  spare = 8,
): { from: number; to: number } {
  const from = Math.max(0, Math.min(Math.floor(top / height) - spare, total - 1));
  return { from: Math.max(0, from), to: Math.min(total, Math.ceil((top + view) / height) + spare) };
}

const joined = (...parts: (string | null)[]) => parts.filter((part) => part).join(' ');

export const givenName = (row: StagedRow) => joined(row.donorFirstName, row.donorLastName);
