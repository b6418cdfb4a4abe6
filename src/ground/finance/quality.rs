//! How good the records are, from 0 to 100 (finance 2.13, the normative one).

use super::figure::{Known, Unknown};

/// What the score rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Bills and invoices.
    pub records: u32,
    /// Those with a due date, an amount, and a vendor or customer.
    pub complete: u32,
    /// Those with an amount or a date that cannot be.
    pub malformed: u32,
    /// Those that are due before they were written.
    pub inverted: u32,
    /// Those that break another rule.
    pub invalid: u32,
    /// Sets of records that are as fresh as they must be, of how many.
    pub fresh: (u32, u32),
    /// Whether something critical is open.
    pub critical: bool,
}

/// The score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quality {
    /// From 0 to 100.
    pub score: i64,
    /// How complete, in whole per cent.
    pub completeness: i64,
    /// The weighted mean of all five.
    pub weighted: i64,
    /// Whether there are so few records that one of them counts much.
    pub small_sample: bool,
}

/// Few records.
const FEW: u32 = 10;
/// The most while something critical is open.
const CRITICAL_MAX: i64 = 69;

fn percent(part: u32, of: u32) -> i64 {
    // Down: one bad record of a thousand is not none.
    (i64::from(part) * 100).checked_div(i64::from(of)).unwrap_or(100)
}

/// The score; unknown without records.
pub fn quality(counted: Counted) -> Known<Quality> {
    let Counted { records, complete, malformed, inverted, invalid, fresh, critical } = counted;
    if records == 0 {
        return Err(Unknown::NoRecords);
    }
    let but = |bad: u32| percent(records.saturating_sub(bad), records);
    let completeness = percent(complete, records);
    let timeliness = if fresh.1 == 0 { 0 } else { percent(fresh.0, fresh.1) };
    let sum =
        30 * completeness + 25 * but(malformed) + 20 * but(inverted) + 15 * timeliness + 10 * but(invalid);
    let weighted = sum / 100;
    let score = weighted.min(completeness);
    let score = if critical { score.min(CRITICAL_MAX) } else { score };
    Ok(Quality { score, completeness, weighted, small_sample: records < FEW })
}
