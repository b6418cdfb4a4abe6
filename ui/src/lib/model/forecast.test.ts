import { describe, expect, it } from 'vitest';
import { drawn } from './forecast';

describe('drawn', () => {
  it('puts the highest at the top, the lowest at the bottom and nothing between them', () => {
    const picture = drawn(['100.00', '-100.00', '50.00'], 200, 100);
    expect(picture.points).toEqual([
      { x: 0, y: 0 },
      { x: 100, y: 100 },
      { x: 200, y: 25 },
    ]);
    expect(picture.zero).toBe(50);
  });
  it('keeps nothing at the bottom while all is above it', () => {
    expect(drawn(['10', '20'], 100, 40)).toEqual({
      points: [
        { x: 0, y: 20 },
        { x: 100, y: 0 },
      ],
      zero: 40,
      line: '0.0,20.0 100.0,0.0',
    });
  });
  it('draws nothing of no weeks and a flat line of nothing', () => {
    expect(drawn([], 100, 40).points).toEqual([]);
    expect(drawn(['0', '0'], 100, 40).points.map((it) => it.y)).toEqual([40, 40]);
  });
});
