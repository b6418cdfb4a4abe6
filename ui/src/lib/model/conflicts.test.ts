import { expect, test } from 'vitest';
import type { Clash, Edit } from '../api/types';
import { decision, fieldName, movedOn, onTheirWay, pick, recordName, standing } from './conflicts';

const clash = (field: string, here: unknown, there: unknown): Clash => ({
  field,
  label: field,
  here: { value: here, who: 'Maya', at: null },
  there: { value: there, who: null, at: null },
});

test('a choice stands as long as its two values do', () => {
  const job = clash('jobTitle', 'Chair', 'Treasurer');
  const city = clash('city', null, 'Leeds');
  let picked = pick({}, job, 'here');
  picked = pick(picked, city, 'there');
  expect(standing(picked, [job, city])).toEqual({ jobTitle: 'here', city: 'there' });
  // Read again, the same: it stands. Changed there: it was made on something else.
  expect(standing(picked, [clash('jobTitle', 'Chair', 'Treasurer')])).toEqual({ jobTitle: 'here' });
  expect(standing(picked, [clash('jobTitle', 'Chair', 'President'), city])).toEqual({ city: 'there' });
  expect(standing(picked, [clash('jobTitle', 'President', 'Treasurer')])).toEqual({});
  // The newest choice counts.
  expect(standing(pick(picked, job, 'there'), [job])).toEqual({ jobTitle: 'there' });
});

test('what was chosen is sent, and nothing is sent when nothing was', () => {
  expect(decision({})).toBeNull();
  expect(decision({ 'name.firstName': 'there' })).toEqual({ fields: { 'name.firstName': 'there' } });
});

test('a conflict that is gone is told from a mistake', () => {
  for (const status of [404, 409, 412]) expect(movedOn({ status, errors: [] })).toBe(true);
  expect(movedOn({ status: 400, errors: [{ field: 'choose' }] })).toBe(true);
  expect(movedOn({ status: 400, errors: [{ field: 'jobTitle' }] })).toBe(false);
  for (const status of [0, 403, 500, 503]) expect(movedOn({ status, errors: [] })).toBe(false);
});

test('a part of a field has a name that people know', () => {
  expect(fieldName('jobTitle', 'Job Title')).toBe('Job Title');
  expect(fieldName('name.firstName', 'Name · firstName')).toBe('Name · first name');
  expect(fieldName('name.somethingNew', 'Name · somethingNew')).toBe('Name · somethingNew');
});

test('a record without a name says what it is', () => {
  expect(recordName({ object: 'people', label: 'Ada Lovelace' })).toBe('Ada Lovelace');
  expect(recordName({ object: 'people', label: null })).toBe('Person without a name');
});

test('a change in conflict stands with its conflict only', () => {
  const edits = ['waiting', 'conflict', 'sent', 'refused'].map((state) => ({ state }) as Edit);
  expect(onTheirWay(edits).map(({ state }) => state)).toEqual(['waiting', 'sent', 'refused']);
});
