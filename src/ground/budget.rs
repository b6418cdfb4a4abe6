//! How many calls we may make: token buckets like the server's, taken with a share of its limit.

use serde::{Deserialize, Serialize};

use super::time::Instant;

/// A limit: so many calls in so many milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Calls.
    pub calls: u32,
    /// Per so many milliseconds.
    pub period_ms: u32,
}

impl Limit {
    /// Twenty's long bucket by default (contract 5.1).
    pub const TWENTY: Self = Self { calls: 100, period_ms: 60_000 };

    /// The share of it that we take, in per cent; at least one call.
    #[must_use]
    pub fn share(self, percent: u32) -> Self {
        let calls = (u64::from(self.calls) * u64::from(percent) / 100).max(1);
        Self { calls: u32::try_from(calls).unwrap_or(u32::MAX), ..self }
    }

    /// Time between two steady calls, in microseconds, rounded up: the server forgets fractions of a token,
    /// so a shorter spacing starves (contract 5.1).
    pub fn spacing_micros(self) -> i64 {
        let (period, calls) = (i64::from(self.period_ms) * 1_000, i64::from(self.calls.max(1)));
        // In whole milliseconds, since the server counts in them.
        let micros = (period + calls - 1) / calls;
        (micros + 999) / 1_000 * 1_000
    }
}

/// Tokens of one limit. A token comes back every [`Limit::spacing_micros`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    limit: Limit,
    tokens: u32,
    /// When the newest token came.
    refilled_at: Instant,
    /// Nothing before this, since the server said so.
    shut_until: Instant,
}

impl Bucket {
    /// A full bucket: nobody used this connection before.
    pub const fn full(limit: Limit, now: Instant) -> Self {
        Self { limit, tokens: limit.calls, refilled_at: now, shut_until: Instant(0) }
    }

    /// An empty bucket: how much was used before a crash is not known.
    pub const fn empty(limit: Limit, now: Instant) -> Self {
        Self { limit, tokens: 0, refilled_at: now, shut_until: Instant(0) }
    }

    /// Takes a token, or says from when on one can be had.
    pub fn take(&mut self, now: Instant) -> Result<(), Instant> {
        self.refill(now);
        if now < self.shut_until {
            return Err(self.shut_until);
        }
        if self.tokens == 0 {
            return Err(self.refilled_at.plus_micros(self.limit.spacing_micros()));
        }
        self.tokens -= 1;
        Ok(())
    }

    /// The server said "not before": the bucket is shut until then and starts empty.
    pub fn shut(&mut self, until: Instant, now: Instant) {
        self.refill(now);
        self.tokens = 0;
        self.shut_until = self.shut_until.max(until);
    }

    /// Tokens at hand.
    pub fn tokens(&mut self, now: Instant) -> u32 {
        self.refill(now);
        self.tokens
    }

    fn refill(&mut self, now: Instant) {
        let spacing = self.limit.spacing_micros();
        let passed = now.micros_since(self.refilled_at);
        if passed < 0 {
            // The clock went back: start counting anew rather than wait for it to catch up.
            self.refilled_at = now;
            self.shut_until = self.shut_until.plus_micros(passed);
            return;
        }
        let came = passed / spacing;
        self.tokens = u32::try_from(i64::from(self.tokens) + came).unwrap_or(u32::MAX).min(self.limit.calls);
        self.refilled_at = self.refilled_at.plus_micros(came * spacing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spacing_is_never_below_period_over_limit() {
        assert_eq!(Limit::TWENTY.spacing_micros(), 600_000);
        assert_eq!(Limit::TWENTY.share(80).spacing_micros(), 750_000);
        assert_eq!(Limit { calls: 7, period_ms: 60_000 }.spacing_micros(), 8_572_000);
        assert_eq!(Limit::TWENTY.share(0).calls, 1);
    }

    #[test]
    fn a_full_bucket_gives_a_burst_and_then_one_at_a_time() {
        let limit = Limit { calls: 3, period_ms: 3_000 };
        let mut bucket = Bucket::full(limit, Instant(0));
        for _ in 0..3 {
            assert_eq!(bucket.take(Instant(10)), Ok(()));
        }
        assert_eq!(bucket.take(Instant(10)), Err(Instant(1_000_000)));
        assert_eq!(bucket.take(Instant(1_000_000)), Ok(()));
        assert_eq!(bucket.take(Instant(1_000_001)), Err(Instant(2_000_000)));
    }

    #[test]
    fn a_clock_that_goes_back_does_not_shut_the_bucket_for_longer() {
        let mut bucket = Bucket::full(Limit::TWENTY, Instant(1_000_000_000));
        bucket.shut(Instant(1_005_000_000), Instant(1_000_000_000));
        assert!(bucket.take(Instant(0)).is_err());
        assert_eq!(bucket.take(Instant(5_000_000)), Ok(()));
    }

    #[test]
    fn what_the_server_says_is_a_floor() {
        let mut bucket = Bucket::full(Limit::TWENTY, Instant(0));
        bucket.shut(Instant(5_000_000), Instant(0));
        assert_eq!(bucket.take(Instant(4_999_999)), Err(Instant(5_000_000)));
        assert_eq!(bucket.take(Instant(5_000_000)), Ok(()));
    }

    proptest! {
        /// In any window of one period never more than burst + limit calls pass.
        #[test]
        fn never_more_than_burst_and_refill(gaps in prop::collection::vec(0_i64..900_000, 1..400)) {
            let limit = Limit { calls: 10, period_ms: 10_000 };
            let mut bucket = Bucket::full(limit, Instant(0));
            let mut now = Instant(0);
            let mut passed = Vec::new();
            for gap in gaps {
                now = now.plus_micros(gap);
                if bucket.take(now).is_ok() {
                    passed.push(now);
                }
            }
            for (i, start) in passed.iter().enumerate() {
                let in_window = passed[i..].iter().filter(|t| t.micros_since(*start) < 10_000_000).count();
                prop_assert!(in_window <= 20);
            }
        }
    }
}
