import { expect, test } from 'vitest';
import { may } from './rights';

test('who administers decides, and a role that is not known looks only', () => {
  expect(may('admin', 'decide')).toBe(true);
  expect(may('admin', 'edit')).toBe(true);
  for (const role of ['viewer', 'token', '', 'constructor']) {
    expect(may(role, 'decide')).toBe(false);
    expect(may(role, 'edit')).toBe(false);
  }
});
