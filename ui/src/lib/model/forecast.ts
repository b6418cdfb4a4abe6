// The picture of the weeks ahead: drawn from the very texts the table shows. Pixels may be rounded; amounts are not touched.

export interface Point {
  x: number;
  y: number;
}

/** Where each week's closing stands in a box, and where nothing would be. Empty without weeks. */
export function drawn(closings: readonly string[], width: number, height: number) {
  const values = closings.map(Number);
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const span = high - low || 1;
  const y = (value: number) => height - ((value - low) / span) * height;
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  const points: Point[] = values.map((value, at) => ({ x: at * step, y: y(value) }));
  return { points, zero: y(0), line: points.map((it) => `${it.x.toFixed(1)},${it.y.toFixed(1)}`).join(' ') };
}
