//! How many calls we may make: token buckets that count like the server's, taken with a share of its limits.

mod breaker;
mod meter;
mod turns;
mod view;

use serde::{Deserialize, Serialize};

use super::time::Instant;

pub use breaker::{Breaker, Event, Reason, Standing};
pub use meter::{Calls, Meter};
pub use turns::Turns;
pub use view::BudgetView;

/// Who is asking for a call; the first comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallClass {
    /// A person waits, or money is on its way.
    Person,
    /// Twenty told us of a change that a person made there just now.
    Webhook,
    /// A regular pass.
    Incremental,
    /// A first pass.
    Backfill,
}

impl CallClass {
    /// How many there are.
    pub const COUNT: usize = 4;

    /// The word of logs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Webhook => "webhook",
            Self::Incremental => "incremental",
            Self::Backfill => "backfill",
        }
    }
}

/// A limit: so many calls in so many milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Calls.
    pub calls: u32,
    /// Per so many milliseconds.
    pub period_ms: u32,
}

/// Limits up to this period are of the short kind, in milliseconds.
const SHORT_MS: u32 = 5_000;

impl Limit {
    /// Twenty's long limit by default (contract 5.1).
    pub const TWENTY: Self = Self { calls: 100, period_ms: 60_000 };
    /// Both limits of Twenty by default: the server takes a token of each.
    pub const TWENTY_BOTH: [Self; 2] = [Self { calls: 100, period_ms: 1_000 }, Self::TWENTY];

    /// The share of it that we take, in per cent; at least one call.
    #[must_use]
    pub fn share(self, percent: u32) -> Self {
        let calls = (u64::from(self.calls) * u64::from(percent) / 100).max(1);
        Self { calls: u32::try_from(calls).unwrap_or(u32::MAX), ..self }
    }

    /// Time between two steady calls, in microseconds, rounded up: the server forgets fractions of a token,
    /// so a shorter spacing starves (contract 5.1).
    pub fn spacing_micros(self) -> i64 {
        let (period, calls) = (i64::from(self.period_ms), i64::from(self.calls.max(1)));
        // In whole milliseconds, since the server counts in them.
        ((period + calls - 1) / calls).max(1) * 1_000
    }

    const fn is_short(self) -> bool {
        self.period_ms <= SHORT_MS
    }
}

/// Tokens of one limit, counted as the server counts (contract 5.1): whole tokens for the whole milliseconds since the
/// call before, and what is left over of a token is lost with each call. Counted any other way, a call would sooner or
/// later go out for which the server has no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    limit: Limit,
    /// Tokens left by the newest call.
    tokens: u32,
    /// When that was.
    counted_at: Instant,
}

impl Bucket {
    /// A full bucket: nobody used this connection before.
    pub const fn full(limit: Limit, now: Instant) -> Self {
        Self { limit, tokens: limit.calls, counted_at: now }
    }

    /// An empty bucket: how much was used before a crash is not known.
    pub const fn empty(limit: Limit, now: Instant) -> Self {
        Self { limit, tokens: 0, counted_at: now }
    }

    /// Takes a token, or says from when on one can be had.
    pub fn take(&mut self, now: Instant) -> Result<(), Instant> {
        self.heed_clock(now);
        match self.tokens(now) {
            0 => Err(self.counted_at.plus_micros(self.limit.spacing_micros())),
            tokens => {
                *self = Self { tokens: tokens - 1, counted_at: now, ..*self };
                Ok(())
            }
        }
    }

    /// Tokens at hand.
    pub fn tokens(&self, now: Instant) -> u32 {
        let passed_ms = now.micros_since(self.counted_at).max(0) / 1_000;
        let came =
            i128::from(passed_ms) * i128::from(self.limit.calls) / i128::from(self.limit.period_ms.max(1));
        let tokens = i128::from(self.tokens) + came;
        u32::try_from(tokens).unwrap_or(u32::MAX).min(self.limit.calls)
    }

    /// From now on at most this many tokens are left.
    fn lower_to(&mut self, tokens: u32, now: Instant) {
        if tokens < self.tokens(now) {
            *self = Self { tokens, counted_at: now, ..*self };
        }
    }

    /// The same tokens under another limit.
    fn under(self, limit: Limit, now: Instant) -> Self {
        Self { limit, tokens: self.tokens(now).min(limit.calls), counted_at: self.counted_at.max(now) }
    }

    /// A token that was taken and not used: the server never saw that call.
    const fn give_back(&mut self) {
        if self.tokens < self.limit.calls {
            self.tokens += 1;
        }
    }

    /// The clock went back: counts anew from here rather than wait for it to catch up.
    fn heed_clock(&mut self, now: Instant) {
        self.counted_at = self.counted_at.min(now);
    }

    /// From when on `calls` calls could have been made, if nobody else calls from `start` on.
    fn ready_for(&self, calls: u32, start: Instant) -> Instant {
        let lacking = calls.saturating_sub(self.tokens(start));
        start.plus_micros(i64::from(lacking).saturating_mul(self.limit.spacing_micros()))
    }
}

/// A limit as the server has it, and our bucket for our share of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Counted {
    server: Limit,
    bucket: Bucket,
}

/// What can be said of calls to come, if nobody else makes any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// Calls that could be made at once.
    pub left_now: u32,
    /// Calls a minute that can be made for as long as one likes.
    pub per_minute: u32,
    /// Seconds, rounded up, until all calls asked about could have been made.
    pub seconds: u64,
}

/// All limits of one connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buckets {
    /// The share of each limit that we take, in per cent.
    share_percent: u32,
    /// Nothing before this, since the server said so.
    shut_until: Instant,
    /// The newest time seen, to notice a clock that goes back.
    seen: Instant,
    counted: Vec<Counted>,
}

impl Buckets {
    /// Full buckets for a share of these limits: nobody used this connection before.
    pub fn full(limits: &[Limit], share_percent: u32, now: Instant) -> Self {
        Self::new(limits, share_percent, now, Bucket::full)
    }

    /// Empty buckets: how much was used before a crash is not known.
    pub fn empty(limits: &[Limit], share_percent: u32, now: Instant) -> Self {
        Self::new(limits, share_percent, now, Bucket::empty)
    }

    fn new(
        limits: &[Limit],
        share_percent: u32,
        now: Instant,
        bucket: impl Fn(Limit, Instant) -> Bucket,
    ) -> Self {
        let counted = limits
            .iter()
            .map(|server| Counted { server: *server, bucket: bucket(server.share(share_percent), now) })
            .collect();
        Self { share_percent, shut_until: Instant(0), seen: now, counted }
    }

    /// The same budget with another share of the limits.
    #[must_use]
    pub fn with_share(mut self, share_percent: u32, now: Instant) -> Self {
        for counted in &mut self.counted {
            counted.bucket = counted.bucket.under(counted.server.share(share_percent), now);
        }
        Self { share_percent, ..self }
    }

    /// Takes a token of every limit, or none and says from when on it is worth asking again.
    pub fn take(&mut self, now: Instant) -> Result<(), Instant> {
        self.heed_clock(now);
        if now < self.shut_until {
            return Err(self.shut_until);
        }
        let mut taken = self.counted.clone();
        let until = taken.iter_mut().filter_map(|counted| counted.bucket.take(now).err()).max();
        if let Some(until) = until {
            return Err(until);
        }
        self.counted = taken;
        Ok(())
    }

    /// What [`Self::take`] gave was not used.
    pub fn give_back(&mut self) {
        for counted in &mut self.counted {
            counted.bucket.give_back();
        }
    }

    /// The server took no call and said "not before": shut until then, and empty.
    pub fn shut(&mut self, until: Instant, now: Instant) {
        self.heed_clock(now);
        self.remain(0, now);
        self.shut_until = self.shut_until.max(until);
    }

    /// The server said how many calls it has left for us.
    pub fn remain(&mut self, calls: u32, now: Instant) {
        for counted in &mut self.counted {
            counted.bucket.lower_to(calls, now);
        }
    }

    /// The server told one of its limits: from now on that is what we take a share of. Answers whether it is another
    /// one than was assumed.
    pub fn learn(&mut self, limit: Limit, now: Instant) -> bool {
        let limit = Limit { calls: limit.calls.max(1), period_ms: limit.period_ms.max(1) };
        let share = limit.share(self.share_percent);
        match self.counted.iter_mut().find(|counted| counted.server.is_short() == limit.is_short()) {
            Some(counted) if counted.server == limit => false,
            Some(counted) => {
                *counted = Counted { server: limit, bucket: counted.bucket.under(share, now) };
                true
            }
            None => {
                self.counted.push(Counted { server: limit, bucket: Bucket::empty(share, now) });
                true
            }
        }
    }

    /// The server told how many calls its limit has but not for how long: believed only when it is less than we
    /// assume of the longest limit.
    pub fn learn_ceiling(&mut self, calls: u32, now: Instant) -> bool {
        let longest = self.counted.iter().map(|counted| counted.server).max_by_key(|limit| limit.period_ms);
        let long = longest.unwrap_or(Limit::TWENTY);
        calls > 0 && calls < long.calls && self.learn(Limit { calls, ..long }, now)
    }

    /// The server's limit that decides in the long run.
    pub fn limit(&self) -> Limit {
        let slowest = self.counted.iter().max_by_key(|counted| counted.server.spacing_micros());
        slowest.map_or(Limit::TWENTY, |counted| counted.server)
    }

    /// The share of the limits that we take, in per cent.
    pub const fn share_percent(&self) -> u32 {
        self.share_percent
    }

    /// When the server allows calls again, if it said so.
    pub fn shut_until(&self, now: Instant) -> Option<Instant> {
        Some(self.shut_until).filter(|until| now < *until)
    }

    /// Calls that could be made now.
    pub fn tokens(&self, now: Instant) -> u32 {
        if self.shut_until(now).is_some() {
            return 0;
        }
        self.counted.iter().map(|counted| counted.bucket.tokens(now)).min().unwrap_or(0)
    }

    /// What can be said of so many calls.
    pub fn forecast(&self, calls: u32, now: Instant) -> Forecast {
        let start = self.shut_until.max(now);
        let ready = self.counted.iter().map(|counted| counted.bucket.ready_for(calls, start)).max();
        let spacing = self.counted.iter().map(|counted| counted.bucket.limit.spacing_micros()).max();
        let micros = ready.unwrap_or(start).micros_since(now).max(0).unsigned_abs();
        Forecast {
            left_now: self.tokens(now),
            per_minute: u32::try_from(60_000_000 / spacing.unwrap_or(1)).unwrap_or(u32::MAX),
            seconds: micros.div_ceil(1_000_000),
        }
    }

    fn heed_clock(&mut self, now: Instant) {
        let back = self.seen.micros_since(now);
        if back > 0 {
            self.shut_until = self.shut_until.plus_micros(-back);
            self.counted.iter_mut().for_each(|counted| counted.bucket.heed_clock(now));
        }
        self.seen = now;
    }
}

/// What is kept of a connection's calls over a clean stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// What may be called.
    pub buckets: Buckets,
    /// What was called.
    pub meter: Meter,
}

impl From<Buckets> for Budget {
    fn from(buckets: Buckets) -> Self {
        Self { buckets, meter: Meter::default() }
    }
}

#[cfg(test)]
mod tests;
