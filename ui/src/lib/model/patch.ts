// Three states a field: not in the patch keeps, `null` clears, a value sets.

/** What changed between what the server said and what stands in the form. An emptied text field clears. */
export function patchOf<T extends object>(was: T, is: T): Partial<{ [K in keyof T]: T[K] | null }> {
  const patch: Partial<{ [K in keyof T]: T[K] | null }> = {};
  for (const key of Object.keys(is) as (keyof T)[]) {
    const before = normal(was[key]);
    const after = normal(is[key]);
    if (!same(before, after)) patch[key] = after as T[typeof key] | null;
  }
  return patch;
}

function normal(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return value.trim() === '' ? null : value.trim();
  return value;
}

function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) =>
    same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
  );
}

export const isEmpty = (patch: object) => Object.keys(patch).length === 0;
