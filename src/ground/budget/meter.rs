//! What was called: by class, for the last 24 hours.

use serde::{Deserialize, Serialize};

use super::CallClass;
use crate::ground::time::Instant;

/// Length of a slot, in microseconds: ten minutes.
const SLOT_MICROS: i64 = 600 * 1_000_000;
/// Slots of an hour, and of what is kept.
const HOUR: i64 = 6;
const DAY: i64 = 24 * HOUR;

/// Numbers of calls by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// For people, and for money on its way.
    pub person: u32,
    /// Because of webhooks.
    pub webhook: u32,
    /// For regular passes.
    pub incremental: u32,
    /// For first passes.
    pub backfill: u32,
}

impl Calls {
    const fn of(&mut self, class: CallClass) -> &mut u32 {
        match class {
            CallClass::Person => &mut self.person,
            CallClass::Webhook => &mut self.webhook,
            CallClass::Incremental => &mut self.incremental,
            CallClass::Backfill => &mut self.backfill,
        }
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            person: self.person.saturating_add(other.person),
            webhook: self.webhook.saturating_add(other.webhook),
            incremental: self.incremental.saturating_add(other.incremental),
            backfill: self.backfill.saturating_add(other.backfill),
        }
    }

    /// All of them.
    pub const fn total(self) -> u32 {
        self.person
            .saturating_add(self.webhook)
            .saturating_add(self.incremental)
            .saturating_add(self.backfill)
    }
}

/// Counts calls in slots of ten minutes, so that an hour that ends now can be told to within one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    /// Number of the slot since 1970, and its calls; the oldest first, none without calls.
    slots: Vec<(i64, Calls)>,
}

impl Meter {
    /// A call went out.
    pub fn count(&mut self, class: CallClass, now: Instant) {
        let slot = now.0.div_euclid(SLOT_MICROS);
        let at = self.slots.partition_point(|(number, _)| *number < slot);
        if self.slots.get(at).is_none_or(|(number, _)| *number != slot) {
            self.slots.insert(at, (slot, Calls::default()));
        }
        let calls = self.slots[at].1.of(class);
        *calls = calls.saturating_add(1);
        let newest = self.slots.last().map_or(slot, |(number, _)| *number);
        self.slots.retain(|(number, _)| *number > newest - DAY);
    }

    /// Calls of the last hour: the running slot and the five before.
    pub fn last_hour(&self, now: Instant) -> Calls {
        self.slots_before(0, HOUR, now)
    }

    /// Calls of the last 24 hours, an hour each, the newest first; the first one as [`Self::last_hour`].
    pub fn by_hour(&self, now: Instant) -> [Calls; 24] {
        let mut hours = [Calls::default(); 24];
        for (back, calls) in (0..).zip(&mut hours) {
            *calls = self.slots_before(back * HOUR, HOUR, now);
        }
        hours
    }

    fn slots_before(&self, back: i64, count: i64, now: Instant) -> Calls {
        let newest = now.0.div_euclid(SLOT_MICROS) - back;
        let slots = self.slots.iter().filter(|(number, _)| (newest - count + 1..=newest).contains(number));
        slots.fold(Calls::default(), |sum, (_, calls)| sum.plus(*calls))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    #[test]
    fn calls_are_told_by_class_and_hour_and_forgotten_after_a_day() {
        let mut meter = Meter::default();
        meter.count(CallClass::Person, Instant(0));
        meter.count(CallClass::Person, Instant(59 * MINUTE));
        meter.count(CallClass::Backfill, Instant(60 * MINUTE));
        let now = Instant(61 * MINUTE);
        assert_eq!(meter.last_hour(now), Calls { person: 1, backfill: 1, ..Calls::default() });
        let hours = meter.by_hour(now);
        assert_eq!((hours[0].total(), hours[1], hours[2].total()), (2, Calls { person: 1, ..hours[2] }, 0));
        meter.count(CallClass::Webhook, Instant(26 * 60 * MINUTE));
        assert_eq!(meter.slots.len(), 1);
    }

    #[test]
    fn a_clock_that_goes_back_loses_no_call() {
        let mut meter = Meter::default();
        meter.count(CallClass::Incremental, Instant(120 * MINUTE));
        meter.count(CallClass::Incremental, Instant(90 * MINUTE));
        assert_eq!(meter.last_hour(Instant(120 * MINUTE)).incremental, 2);
        assert_eq!(meter.last_hour(Instant(90 * MINUTE)).incremental, 1);
    }

    #[test]
    fn it_stays_small() {
        let mut meter = Meter::default();
        for minute in 0..3 * 24 * 60 {
            meter.count(CallClass::Person, Instant(minute * MINUTE));
        }
        assert!(meter.slots.len() <= 144);
    }
}
