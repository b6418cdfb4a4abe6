import { describe, expect, it } from 'vitest';
import { emptyGrid, pickedIn, step, type GridEvent, type GridState } from './grid';

const start = step(emptyGrid, { type: 'rows', rows: ['a', 'b', 'c', 'd'] })[0];
const run = (state: GridState, ...events: (GridEvent | string)[]) => {
  let act: unknown;
  for (const event of events)
    [state, act] = step(state, typeof event === 'string' ? { type: 'key', key: event } : event);
  return { state, act };
};

describe('moving', () => {
  it('starts at the first row and stops at both ends', () => {
    expect(run(start, 'j').state.at).toBe('a');
    expect(run(start, 'j', 'j', 'ArrowDown', 'k').state.at).toBe('b');
    expect(run(start, 'k', 'k').state.at).toBe('a');
    expect(run(start, 'End').state.at).toBe('d');
  });
  it('stays at the end', () => {
    expect(run(start, 'End', 'j').act).toEqual({ act: 'focus', id: 'd' });
  });
  it('does nothing without rows', () => {
    expect(run(emptyGrid, 'j', 'Enter').act).toEqual({ act: 'none' });
  });
});

describe('acting', () => {
  it('opens and marks the row at the focus', () => {
    expect(run(start, 'j', 'Enter').act).toEqual({ act: 'open', id: 'a' });
    expect(run(start, 'j', 'm').act).toEqual({ act: 'mark', ids: ['a'] });
  });
  it('marks the picked rows in the order shown', () => {
    expect(run(start, 'End', 'x', 'Home', 'x', 'j', 'm').act).toEqual({ act: 'mark', ids: ['a', 'd'] });
  });
});

describe('picking', () => {
  it('toggles, extends with shift, clears with Escape', () => {
    const two = run(start, 'j', 'x', { type: 'key', key: 'ArrowDown', shift: true }).state;
    expect([...two.picked]).toEqual(['a', 'b']);
    expect([...run(two, { type: 'toggle', id: 'd', range: true }).state.picked]).toEqual([
      'a',
      'b',
      'c',
      'd',
    ]);
    expect(run(two, 'x').state.picked.size).toBe(1);
    expect(run(two, 'Escape').state.picked.size).toBe(0);
    expect(run(start, { type: 'key', key: 'a', ctrl: true }).state.picked.size).toBe(4);
  });
});

describe('rows that change underneath', () => {
  it('keeps the place of a row that went away and drops its pick', () => {
    const before = run(start, 'j', 'j', 'x').state;
    const after = step(before, { type: 'rows', rows: ['a', 'c', 'd'] })[0];
    expect(after.at).toBe('c');
    expect(after.picked.size).toBe(0);
    expect(step(before, { type: 'rows', rows: [] })[0].at).toBeNull();
  });
});

describe('a list of which a part is loaded', () => {
  const rows = (ids: string) =>
    ({ type: 'rows', rows: ids.split('').map((id) => id.replace('.', '')) }) as const;
  const part = step(emptyGrid, rows('abc...'))[0];
  it('seeks a place that is not loaded and goes there when it is', () => {
    const sought = run(part, 'End');
    expect(sought.act).toEqual({ act: 'seek', place: 5 });
    expect(run(sought.state, 'k').act).toEqual({ act: 'seek', place: 4 });
    const there = run(sought.state, rows('...xyz'));
    expect(there.act).toEqual({ act: 'focus', id: 'z' });
    expect(run(there.state, 'k').act).toEqual({ act: 'focus', id: 'y' });
  });
  it('keeps the place of a row that is loaded no more', () => {
    const away = run(part, 'j', 'j', 'x', rows('...xyz')).state;
    expect(away.at).toBe('b');
    expect(away.picked.has('b')).toBe(true);
    expect(run(away, 'Enter').act).toEqual({ act: 'open', id: 'b' });
    expect(run(away, rows('ac...'), 'j').act).toEqual({ act: 'seek', place: 2 });
  });
  it('asks who stands at places that are picked and not loaded', () => {
    expect(run(part, { type: 'all' }).act).toEqual({ act: 'range', from: 0, to: 5 });
    const far = run(part, 'j', 'x', rows('...xyz'), { type: 'toggle', id: 'y', range: true });
    expect(far.act).toEqual({ act: 'none' });
    const known = run(part, 'j', 'x', rows('a..xyz'), { type: 'toggle', id: 'x', range: true });
    expect(known.act).toEqual({ act: 'range', from: 0, to: 3 });
    expect(pickedIn(run(known.state, { type: 'pick', ids: ['a', 'b', 'c', 'x'] }).state)).toEqual([
      'a',
      'x',
      'b',
      'c',
    ]);
  });
});
