// Sums of a period beside those of the one before, each currency by itself.
import type { Came } from '../api/types';
import type { Money } from './money';

export interface Against {
  currency: string;
  now: Money;
  before: Money;
  /** Whole percent more (or less) than before; null where there was nothing before. */
  percent: number | null;
}

export function against(now: Came, before: Came): Against[] {
  const codes = [...new Set([...now.totals, ...before.totals].map((total) => total.currencyCode))].toSorted();
  const sum = (came: Came, code: string) =>
    came.totals.find((total) => total.currencyCode === code)?.amountMicros ?? 0;
  return codes.map((currency) => {
    const [a, b] = [sum(now, currency), sum(before, currency)];
    return {
      currency,
      now: { amountMicros: a, currencyCode: currency },
      before: { amountMicros: b, currencyCode: currency },
      percent: b > 0 ? Math.round(((a - b) / b) * 100) : null,
    };
  });
}
