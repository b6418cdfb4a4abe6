import { describe, expect, it } from 'vitest';
import { emptyGrid, step, type GridEvent, type GridState } from './grid';

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
  it('asks for more rows at the end', () => {
    expect(run(start, 'End', 'j').act).toEqual({ act: 'more' });
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
