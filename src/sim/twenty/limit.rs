//! The rate limit of the record API: two token buckets per workspace.
//!
//! Two habits of the real one are kept on purpose: refills are floored, so fractions of a token are
//! lost, and the clock of a bucket moves only when a request is accepted. Under the default limits a
//! request less than 600 ms after the last accepted one refills nothing.

use uuid::Uuid;

use super::error::Refusal;
use super::version::Version;

/// Limits of the two buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Tokens of the short bucket.
    pub short_limit: i64,
    /// Milliseconds in which the short bucket fills.
    pub short_ttl_ms: i64,
    /// Tokens of the long bucket.
    pub long_limit: i64,
    /// Milliseconds in which the long bucket fills.
    pub long_ttl_ms: i64,
}

impl Default for RateLimit {
    /// The server's defaults: 100 per second and 100 per minute.
    fn default() -> Self {
        Self { short_limit: 100, short_ttl_ms: 1_000, long_limit: 100, long_ttl_ms: 60_000 }
    }
}

/// One bucket; `None` until the first request and again after it has expired.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    limit: i64,
    ttl_ms: i64,
    state: Option<(i64, i64)>,
}

impl Bucket {
    fn consume(&mut self, now_ms: i64, version: Version, key: Uuid) -> Result<(), Refusal> {
        let live = self.state.filter(|(_, refilled_at)| now_ms - refilled_at < 2 * self.ttl_ms);
        let tokens = live.map_or(self.limit, |(tokens, refilled_at)| {
            let refill = (now_ms - refilled_at).max(0).saturating_mul(self.limit) / self.ttl_ms.max(1);
            tokens.saturating_add(refill).min(self.limit)
        });
        if tokens < 1 {
            return Err(refusal(version, self.limit, self.ttl_ms, now_ms, key));
        }
        let refilled_at = match (version, live) {
            // The newer server keeps fractions: its clock moves by whole tokens only.
            (Version::Newer, Some((_, at))) if tokens < self.limit => {
                let whole = (now_ms - at).max(0).saturating_mul(self.limit) / self.ttl_ms.max(1);
                at + whole * self.ttl_ms / self.limit.max(1)
            }
            _ => now_ms,
        };
        self.state = Some((tokens - 1, refilled_at));
        Ok(())
    }
}

/// Both buckets of a workspace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buckets {
    short: Bucket,
    long: Bucket,
}

impl Buckets {
    /// Full buckets.
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self {
            short: Bucket { limit: limit.short_limit, ttl_ms: limit.short_ttl_ms, state: None },
            long: Bucket { limit: limit.long_limit, ttl_ms: limit.long_ttl_ms, state: None },
        }
    }

    /// Takes a token from each; the short one is spent even when the long one is empty.
    pub(crate) fn consume(&mut self, now_ms: i64, version: Version, key: Uuid) -> Result<(), Refusal> {
        self.short.consume(now_ms, version, key)?;
        self.long.consume(now_ms, version, key)
    }
}

/// What a caller hears whose bucket is empty; a newer server also says who is meant and how long to wait.
pub(crate) fn refusal(version: Version, limit: i64, ttl_ms: i64, now_ms: i64, key: Uuid) -> Refusal {
    match version {
        Version::Newer => Refusal::rate_limited(limit, ttl_ms, now_ms, key),
        _ => Refusal::throttled(limit, ttl_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::{Buckets, RateLimit, Uuid, Version};

    #[test]
    fn the_burst_is_a_hundred() {
        let mut buckets = Buckets::new(RateLimit::default());
        let accepted =
            (0..130).filter(|_| buckets.consume(0, Version::Recorded, Uuid::nil()).is_ok()).count();
        assert_eq!(accepted, 100);
    }

    #[test]
    fn fractions_of_a_token_are_lost() {
        let accepted_at = |spacing: i64, version: Version| {
            let mut buckets = Buckets::new(RateLimit::default());
            while buckets.consume(0, Version::Recorded, Uuid::nil()).is_ok() {}
            (1..=50).filter(|step| buckets.consume(step * spacing, version, Uuid::nil()).is_ok()).count()
        };
        assert_eq!(accepted_at(600, Version::Recorded), 50);
        // One millisecond faster and every second request is refused.
        assert_eq!(accepted_at(599, Version::Recorded), 25);
        assert!(accepted_at(599, Version::Newer) > 45);
    }

    #[test]
    fn an_idle_bucket_is_full_again() {
        let mut buckets = Buckets::new(RateLimit::default());
        while buckets.consume(0, Version::Recorded, Uuid::nil()).is_ok() {}
        assert!((0..100).all(|_| buckets.consume(120_000, Version::Recorded, Uuid::nil()).is_ok()));
    }
}
