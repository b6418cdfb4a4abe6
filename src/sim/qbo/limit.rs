//! Throttles and the meter (contract 9).

use std::collections::{BTreeMap, VecDeque};

use super::time::SECOND;

/// Limits of one app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests a minute, per company.
    pub minute: usize,
    /// Requests a second, per company.
    pub second: usize,
    /// Requests at once, per company.
    pub in_flight: usize,
    /// Batches a minute, per company.
    pub batches: usize,
    /// Requests a minute over all companies.
    pub all: usize,
}

impl Default for Limits {
    /// As documented: 500 a minute, 10 a second, 10 at once, 40 batches a minute, 800 a minute in all.
    fn default() -> Self {
        Self { minute: 500, second: 10, in_flight: 10, batches: 40, all: 800 }
    }
}

/// What was asked lately.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// The limits; without them everything passes.
    pub(crate) limits: Option<Limits>,
    /// Metered calls that may be made in all; `None` for as many as wanted.
    pub(crate) allowance: Option<u64>,
    /// Calls that are being answered, per company.
    pub(crate) in_flight: BTreeMap<String, usize>,
    recent: BTreeMap<String, VecDeque<i64>>,
    batches: BTreeMap<String, VecDeque<i64>>,
}

fn within(times: &VecDeque<i64>, now: i64, span: i64) -> usize {
    times.iter().rev().take_while(|time| now - **time < span).count()
}

impl Meter {
    /// Whether this request passes; one that does not is not counted.
    pub(crate) fn passes(&mut self, realm: &str, batch: bool, now: i64) -> bool {
        let Some(limits) = self.limits else { return true };
        for times in self.recent.values_mut().chain(self.batches.values_mut()) {
            while times.front().is_some_and(|time| now - time >= 60 * SECOND) {
                times.pop_front();
            }
        }
        let all: usize = self.recent.values().map(VecDeque::len).sum();
        let own = self.recent.entry(realm.to_owned()).or_default();
        let batches = self.batches.entry(realm.to_owned()).or_default();
        let flying = self.in_flight.get(realm).copied().unwrap_or(0);
        let full = all >= limits.all
            || own.len() >= limits.minute
            || within(own, now, SECOND) >= limits.second
            || flying >= limits.in_flight
            || (batch && batches.len() >= limits.batches);
        if !full {
            own.push_back(now);
            if batch {
                batches.push_back(now);
            }
        }
        !full
    }
}

#[cfg(test)]
mod tests {
    use super::{Limits, Meter, SECOND};

    fn passed(meter: &mut Meter, times: impl Iterator<Item = i64>, batch: bool) -> usize {
        times.filter(|time| meter.passes("1", batch, *time)).count()
    }

    #[test]
    fn each_limit_holds() {
        let fresh = || Meter { limits: Some(Limits::default()), ..Meter::default() };
        assert_eq!(passed(&mut fresh(), (0..30).map(|_| 0), false), 10);
        // Every 100 ms is as fast as a second allows; then the minute is full.
        assert_eq!(passed(&mut fresh(), (0..590).map(|step| step * SECOND / 10), false), 500);
        assert_eq!(passed(&mut fresh(), (0..59).map(|step| step * SECOND), true), 40);
        let mut busy = fresh();
        busy.in_flight.insert("1".to_owned(), 10);
        assert!(!busy.passes("1", false, 0) && busy.passes("2", false, 0));
        let mut all = fresh();
        for realm in ["a", "b"] {
            assert_eq!((0..400).filter(|step| all.passes(realm, false, step * SECOND / 10)).count(), 400);
        }
        assert!(!all.passes("c", false, 40 * SECOND) && all.passes("c", false, 101 * SECOND));
    }
}
