import { expect, it } from 'vitest';
import { ago, clock, full } from './age';

it('says how long ago in one unit', () => {
  const now = Date.parse('2026-11-23T09:15:00Z');
  expect(ago('2026-11-23T09:15:03Z', now).unit).toBe('now');
  expect(ago('2026-11-23T09:14:30Z', now)).toEqual({ unit: 'second', count: 30 });
  expect(ago('2026-11-23T09:12:59Z', now)).toEqual({ unit: 'minute', count: 2 });
  expect(ago('2026-11-23T04:00:00Z', now)).toEqual({ unit: 'hour', count: 5 });
  expect(ago('2026-11-20T09:00:00Z', now)).toEqual({ unit: 'day', count: 3 });
});
it('uses the organisation’s zone', () => {
  expect(clock('2026-07-01T09:15:02.123456Z', 'Europe/London')).toBe('10:15:02');
  expect(full('2026-11-23T09:15:02Z', 'Europe/London')).toContain('23 Nov 2026');
});
