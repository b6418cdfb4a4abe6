// The fields of a record as a flat list, each with its path: what a person can read one under the other.

export type Leaf = { path: string; value: unknown };

const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === '' ||
  (Array.isArray(value) && value.length === 0) ||
  (typeof value === 'object' && Object.values(value).every(isEmpty));

const isMoney = (value: object): boolean => 'amountMicros' in value && 'currencyCode' in value;

/** Every field that says something, in the order of the record; an amount with its currency is one. */
export function leaves(record: unknown, path = ''): Leaf[] {
  if (isEmpty(record)) return [];
  if (typeof record !== 'object' || record === null || Array.isArray(record) || isMoney(record))
    return [{ path, value: record }];
  return Object.entries(record).flatMap(([name, value]) => leaves(value, path ? `${path}.${name}` : name));
}
