import type { Batch } from '../api/types';
import type { Money } from './money';

export interface Agreement {
  expectedAny: boolean;
  agrees: boolean;
  /** Entered less expected. */
  count: number | null;
  amount: Money | null;
}

/** Whether a batch holds what its maker said it would. Only the currency that was expected is compared. */
export function agreement(batch: Batch): Agreement {
  const count =
    batch.expectedCount === null
      ? null
      : batch.rows.total - (batch.rows.discarded ?? 0) - batch.expectedCount;
  let amount: Money | null = null;
  let strangers = false;
  if (batch.expectedAmount) {
    const { currencyCode, amountMicros } = batch.expectedAmount;
    const entered = batch.totals.find((total) => total.currencyCode === currencyCode)?.amountMicros ?? 0;
    amount = { amountMicros: Number(BigInt(entered) - BigInt(amountMicros)), currencyCode };
    strangers = batch.totals.some((total) => total.currencyCode !== currencyCode);
  }
  return {
    expectedAny: count !== null || amount !== null,
    agrees: (count ?? 0) === 0 && (amount?.amountMicros ?? 0) === 0 && !strangers,
    count,
    amount,
  };
}
