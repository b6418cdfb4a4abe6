import { expect, it } from 'vitest';
import { coalesce, single, type Change } from './coalesce';

function fakeClock() {
  const due: (() => void)[] = [];
  return {
    set: (run: () => void) => due.push(run),
    clear: () => due.splice(0),
    tick: () => due.splice(0).forEach((run) => run()),
  };
}

it('tells a burst once, with everything in it', () => {
  const told: Change[] = [];
  const clock = fakeClock();
  const window = coalesce((change) => told.push(change), 150, clock);
  window.add({ objects: ['gift_staging'], subjects: ['1'] });
  window.add({ objects: ['run', 'gift_staging'], subjects: ['2'] });
  expect(told).toEqual([]);
  clock.tick();
  expect(told).toEqual([{ objects: new Set(['gift_staging', 'run']), subjects: new Set(['1', '2']) }]);
  clock.tick();
  expect(told.length).toBe(1);
});

it('subjects too many to name swallow those that were named', () => {
  const told: Change[] = [];
  const clock = fakeClock();
  const window = coalesce((change) => told.push(change), 150, clock);
  window.add({ objects: ['people'], subjects: null });
  window.add({ objects: ['people'], subjects: ['1'] });
  clock.tick();
  expect(told[0]?.subjects).toBeNull();
});

it('reads one at a time, and once more for all that came meanwhile', async () => {
  let reads = 0;
  let finish = () => {};
  const read = single(() => {
    reads += 1;
    return new Promise<void>((done) => (finish = done));
  });
  const first = read();
  void read();
  void read();
  expect(reads).toBe(1);
  finish();
  await Promise.resolve();
  await Promise.resolve();
  expect(reads).toBe(2);
  finish();
  await first;
  expect(reads).toBe(2);
});
