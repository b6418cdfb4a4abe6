//! How fast one company may be asked (contract 9): so many calls in any minute, in any second, at a time, and so many
//! batches in any minute.
//!
//! Counted are the calls of every window there is, not tokens of a bucket: whenever the server's own window begins, no more
//! than its limit falls into it.

use std::collections::VecDeque;

use crate::ground::time::Instant;

/// The limits of one company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls of any minute.
    pub minute: u32,
    /// Calls of any second.
    pub second: u32,
    /// Batches of any minute.
    pub batches: u32,
    /// Calls on their way at a time.
    pub in_flight: u32,
}

impl Limits {
    /// What Intuit allows (contract 9). Both readings of "10" are kept: a second, and at a time.
    pub const INTUIT: Self = Self { minute: 500, second: 10, batches: 40, in_flight: 10 };

    /// The share that we take, in per cent; at least one of each.
    #[must_use]
    pub fn share(self, percent: u32) -> Self {
        let of = |limit: u32| (limit.saturating_mul(percent) / 100).clamp(1, limit.max(1));
        Self {
            minute: of(self.minute),
            second: of(self.second),
            batches: of(self.batches),
            in_flight: of(self.in_flight),
        }
    }
}

/// The newest calls of a window.
#[derive(Clone, Debug)]
struct Window {
    most: usize,
    period_ms: i64,
    calls: VecDeque<Instant>,
}

impl Window {
    fn new(most: u32, period_ms: i64) -> Self {
        Self { most: most as usize, period_ms, calls: VecDeque::new() }
    }

    /// When one more would fit.
    fn free_at(&self) -> Option<Instant> {
        let full = self.calls.len() >= self.most;
        full.then(|| self.calls.front().map(|first| first.plus_millis(self.period_ms))).flatten()
    }

    fn count(&mut self, now: Instant) {
        if self.calls.len() >= self.most {
            self.calls.pop_front();
        }
        self.calls.push_back(now);
    }

    fn fill(&mut self, now: Instant) {
        self.calls = std::iter::repeat_n(now, self.most).collect();
    }

    /// The clock went back: what was counted is as long ago as before.
    fn shift(&mut self, micros: i64) {
        self.calls.iter_mut().for_each(|call| *call = call.plus_micros(micros));
    }
}

/// The pace of one company.
#[derive(Clone, Debug)]
pub struct Pace {
    minute: Window,
    second: Window,
    batches: Window,
    in_flight_most: u32,
    in_flight: u32,
    shut_until: Instant,
    seen: Instant,
}

/// Why no call may go out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotYet {
    /// Ask again then.
    Until(Instant),
    /// Ask again when a call of this company has ended.
    InFlight,
}

impl Pace {
    /// The pace of a company that nobody called lately.
    pub fn new(limits: Limits, now: Instant) -> Self {
        Self {
            minute: Window::new(limits.minute, 60_000),
            second: Window::new(limits.second, 1_000),
            batches: Window::new(limits.batches, 60_000),
            in_flight_most: limits.in_flight,
            in_flight: 0,
            shut_until: now,
            seen: now,
        }
    }

    /// The pace after a crash: what went out just before is not known, and counts as all there was.
    pub fn unknown(limits: Limits, now: Instant) -> Self {
        let mut pace = Self::new(limits, now);
        pace.minute.fill(now);
        pace.second.fill(now);
        pace.batches.fill(now);
        pace
    }

    /// Takes a call.
    pub fn take(&mut self, is_batch: bool, now: Instant) -> Result<(), NotYet> {
        self.heed_clock(now);
        let batches = if is_batch { self.batches.free_at() } else { None };
        let free = [self.minute.free_at(), self.second.free_at(), batches, Some(self.shut_until)];
        let free_at = free.into_iter().flatten().max().unwrap_or(now);
        if now < free_at {
            return Err(NotYet::Until(free_at));
        }
        if self.in_flight >= self.in_flight_most {
            return Err(NotYet::InFlight);
        }
        self.in_flight += 1;
        self.minute.count(now);
        self.second.count(now);
        if is_batch {
            self.batches.count(now);
        }
        Ok(())
    }

    /// A call ended, however.
    pub const fn ended(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// The call that was taken last does not go out after all.
    pub fn give_back(&mut self) {
        self.ended();
        self.minute.calls.pop_back();
        self.second.calls.pop_back();
    }

    /// The server allows no more until then. Nobody else's pace changes.
    pub fn shut(&mut self, until: Instant) {
        self.shut_until = self.shut_until.max(until);
    }

    fn heed_clock(&mut self, now: Instant) {
        let back = self.seen.micros_since(now);
        if back > 0 {
            self.shut_until = self.shut_until.plus_micros(-back);
            for window in [&mut self.minute, &mut self.second, &mut self.batches] {
                window.shift(-back);
            }
        }
        self.seen = now;
    }
}

#[cfg(test)]
mod tests;
