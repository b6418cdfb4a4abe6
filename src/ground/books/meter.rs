//! What is left of the month: calls that bring data out are metered, over all companies together (contract 9).
//!
//! Calls are reserved ahead in blocks that are committed; a block that was open at a crash counts as used. So the count is
//! never too low, and costs one commit a block instead of one a call.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::id::RealmId;
use crate::ground::budget::CallClass;
use crate::ground::time::{CalendarDate, Instant};

/// A day, in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// A month of the calendar, in UTC. Where the provider's month begins is not documented; a few hours make no difference to
/// a share of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// The month of this moment.
    pub fn of(now: Instant) -> Self {
        let date = CalendarDate::in_utc(now);
        Self { year: date.year(), month: date.month() }
    }

    /// When it begins.
    pub fn begins(self) -> Instant {
        CalendarDate::new(self.year, self.month, 1).map_or(Instant(0), CalendarDate::begins_in_utc)
    }

    /// When the next one begins.
    pub fn ends(self) -> Instant {
        let (year, month) = if self.month == 12 { (self.year + 1, 1) } else { (self.year, self.month + 1) };
        Self { year, month }.begins()
    }
}

/// How many calls a month has, and how many of them nobody but a person gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// Calls a month, over all companies.
    pub calls: u32,
    /// Kept for people and for money on its way, in per cent.
    pub reserved_percent: u32,
}

impl Allowance {
    /// Well under the 500,000 of the free tier, which is blocked for the rest of the month beyond them.
    pub const DEFAULT: Self = Self { calls: 300_000, reserved_percent: 3 };

    /// What regular work may use.
    pub fn regular(self) -> u32 {
        let reserved = u64::from(self.calls) * u64::from(self.reserved_percent.min(100)) / 100;
        self.calls - u32::try_from(reserved).unwrap_or(self.calls)
    }
}

/// How much of the month is used: people are told at 70, 85 and 95 per cent (finance 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Below all marks.
    Fine,
    /// 70 per cent.
    Noticed,
    /// 85 per cent.
    Warned,
    /// 95 per cent.
    Urgent,
    /// Nothing is left.
    Spent,
}

/// How the month stands, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonthView {
    /// Calls used or reserved.
    pub used: u32,
    /// Calls of the month.
    pub calls: u32,
    /// What the month comes to if it goes on as it went.
    pub forecast: u32,
    /// How far it is.
    pub mark: Mark,
    /// When it ends.
    pub ends: Instant,
    /// Calls by company.
    pub by_company: BTreeMap<RealmId, u32>,
}

/// Calls of one company.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counted {
    /// Made, or lost with a process.
    used: u32,
    /// Reserved in a block that is not settled.
    open: u32,
}

impl Counted {
    const fn all(self) -> u32 {
        self.used.saturating_add(self.open)
    }
}

/// What is stored of the month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    month: Month,
    /// Calls of all companies, used and open.
    all: u32,
    /// How many of all calls people caused: the reserve pays for them first.
    by_people: u32,
    companies: BTreeMap<RealmId, Counted>,
}

/// Calls that were reserved and committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    realm: RealmId,
    month: Month,
    for_people: bool,
    left: u32,
    made: u32,
}

/// No calls are left of the month for this kind of caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no calls are left for this until the month ends")]
pub struct Spent {
    /// When there are again.
    pub until: Instant,
}

impl Block {
    /// Whether it holds so many calls of this month: what a month left is over with it.
    pub fn has(&self, calls: u32, now: Instant) -> bool {
        self.left >= calls && self.month == Month::of(now)
    }

    /// Takes calls out of it; false if it holds fewer.
    pub const fn take(&mut self, calls: u32) -> bool {
        let enough = self.left >= calls;
        if enough {
            self.left -= calls;
            self.made += calls;
        }
        enough
    }
}

impl Meter {
    /// A meter that has counted nothing.
    pub fn new(now: Instant) -> Self {
        Self::of_month(Month::of(now))
    }

    const fn of_month(month: Month) -> Self {
        Self { month, all: 0, by_people: 0, companies: BTreeMap::new() }
    }

    /// The meter as a new process finds it: blocks that were open count as used.
    #[must_use]
    pub fn after_restart(mut self, now: Instant) -> Self {
        for counted in self.companies.values_mut() {
            counted.used = counted.used.saturating_add(std::mem::take(&mut counted.open));
        }
        self.heed_month(now);
        self
    }

    /// Reserves up to so many calls for a company; commit the meter before the first of them is made. Regular work stops
    /// where the reserve for people begins; a month that has ended is over first.
    pub fn reserve(
        &mut self,
        realm: &RealmId,
        calls: u32,
        class: CallClass,
        allowance: Allowance,
        now: Instant,
    ) -> Result<Block, Spent> {
        self.heed_month(now);
        let left = calls.min(self.left(class, allowance));
        if left == 0 {
            return Err(Spent { until: self.month.ends() });
        }
        let counted = self.companies.entry(realm.clone()).or_default();
        counted.open = counted.open.saturating_add(left);
        self.all = self.all.saturating_add(left);
        let for_people = class == CallClass::Person;
        if for_people {
            self.by_people = self.by_people.saturating_add(left);
        }
        Ok(Block { realm: realm.clone(), month: self.month, for_people, left, made: 0 })
    }

    /// Calls that are left of the month for this kind of caller. What people use is taken from their reserve as long as it
    /// lasts, and from the rest only then.
    pub fn left(&self, class: CallClass, allowance: Allowance) -> u32 {
        let all = allowance.calls.saturating_sub(self.used());
        if class == CallClass::Person {
            return all;
        }
        let reserved = allowance.calls - allowance.regular();
        let regular = self.used() - self.by_people.min(reserved).min(self.used());
        all.min(allowance.regular().saturating_sub(regular))
    }

    /// Gives a block back: what was made of it counts. One of a month that has ended is over.
    pub fn settle(&mut self, block: Block) {
        if block.month == self.month {
            let counted = self.companies.entry(block.realm).or_default();
            counted.open = counted.open.saturating_sub(block.left + block.made);
            counted.used = counted.used.saturating_add(block.made);
            self.all = self.all.saturating_sub(block.left);
            if block.for_people {
                self.by_people = self.by_people.saturating_sub(block.left);
            }
        }
    }

    /// Calls of the month, over all companies.
    pub const fn used(&self) -> u32 {
        self.all
    }

    /// Calls of the month of one company.
    pub fn of(&self, realm: &RealmId) -> u32 {
        self.companies.get(realm).map_or(0, |counted| counted.all())
    }

    /// What the month comes to if it goes on as it went: over the days that have passed, at least one.
    pub fn forecast(&self, now: Instant) -> u32 {
        let passed = (now.micros_since(self.month.begins()) / 1_000).max(DAY_MS);
        let whole = self.month.ends().micros_since(self.month.begins()) / 1_000;
        let forecast = i64::from(self.used()).saturating_mul(whole) / passed;
        u32::try_from(forecast).unwrap_or(u32::MAX).max(self.used())
    }

    /// How it stands, for people.
    pub fn view(&self, allowance: Allowance, now: Instant) -> MonthView {
        let (used, forecast, mark) = (self.used(), self.forecast(now), self.mark(allowance));
        let by_company =
            self.companies.iter().map(|(realm, counted)| (realm.clone(), counted.all())).collect();
        MonthView { used, calls: allowance.calls, forecast, mark, ends: self.month.ends(), by_company }
    }

    /// How far the month is.
    pub fn mark(&self, allowance: Allowance) -> Mark {
        let percent = u64::from(self.used()) * 100 / u64::from(allowance.calls.max(1));
        match percent {
            0..70 => Mark::Fine,
            70..85 => Mark::Noticed,
            85..95 => Mark::Warned,
            95..100 => Mark::Urgent,
            _ => Mark::Spent,
        }
    }

    /// A new month begins at nothing. A clock that goes back into the last one does not.
    pub fn heed_month(&mut self, now: Instant) {
        let month = Month::of(now);
        if month > self.month {
            *self = Self::of_month(month);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Allowance = Allowance { calls: 100, reserved_percent: 10 };

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn realm(text: &str) -> RealmId {
        text.parse().unwrap()
    }

    #[test]
    fn months_have_their_own_lengths() {
        let days = |text: &str| {
            let month = Month::of(at(text));
            month.ends().micros_since(month.begins()) / (DAY_MS * 1_000)
        };
        assert_eq!(
            [days("2026-02-28T23:59:59Z"), days("2028-02-01T00:00:00Z"), days("2026-12-31T00:00:00Z")],
            [28, 29, 31]
        );
    }

    #[test]
    fn regular_work_stops_before_people_do_and_all_begin_anew() {
        let now = at("2026-05-10T12:00:00Z");
        let mut meter = Meter::new(now);
        let block = meter.reserve(&realm("1"), 80, CallClass::Incremental, SMALL, now).unwrap();
        let rest = meter.reserve(&realm("2"), 80, CallClass::Backfill, SMALL, now).unwrap();
        assert_eq!((rest.left, meter.used(), meter.mark(SMALL)), (10, 90, Mark::Warned));
        let until = at("2026-06-01T00:00:00Z");
        assert_eq!(meter.reserve(&realm("1"), 1, CallClass::Incremental, SMALL, now), Err(Spent { until }));
        let person = meter.reserve(&realm("1"), 80, CallClass::Person, SMALL, now).unwrap();
        assert_eq!((person.left, meter.mark(SMALL)), (10, Mark::Spent));
        assert!(meter.reserve(&realm("1"), 1, CallClass::Person, SMALL, until).is_ok(), "a new month");
        meter.settle(block);
        assert_eq!(meter.used(), 1, "a block of the old month is over");
    }

    #[test]
    fn what_people_use_of_their_reserve_takes_nothing_from_the_rest() {
        let now = at("2026-05-10T12:00:00Z");
        let mut meter = Meter::new(now);
        let left =
            |meter: &Meter| (meter.left(CallClass::Incremental, SMALL), meter.left(CallClass::Person, SMALL));
        let block = meter.reserve(&realm("1"), 10, CallClass::Person, SMALL, now).unwrap();
        assert_eq!(left(&meter), (90, 90));
        let mut more = meter.reserve(&realm("1"), 5, CallClass::Person, SMALL, now).unwrap();
        assert_eq!(left(&meter), (85, 85));
        assert!(more.take(2));
        meter.settle(block);
        meter.settle(more);
        assert_eq!((left(&meter), meter.used()), ((90, 98), 2));
    }

    #[test]
    fn a_block_open_at_a_crash_counts_as_used_and_a_settled_one_as_made() {
        let now = at("2026-05-10T12:00:00Z");
        let mut meter = Meter::new(now);
        let mut block = meter.reserve(&realm("1"), 20, CallClass::Incremental, SMALL, now).unwrap();
        assert!(block.take(3) && !block.take(18) && block.take(1));
        let crashed = meter.clone().after_restart(now);
        assert_eq!((crashed.used(), crashed.companies[&realm("1")].open), (20, 0));
        meter.settle(block);
        assert_eq!((meter.used(), meter.of(&realm("1")), meter.of(&realm("2"))), (4, 4, 0));
        let by_company: u32 = meter.companies.values().map(|counted| counted.all()).sum();
        assert_eq!(meter.used(), by_company);
    }

    #[test]
    fn a_forecast_goes_by_the_days_that_have_passed() {
        let mut meter = Meter::new(at("2026-06-01T00:00:00Z"));
        let now = at("2026-06-11T00:00:00Z");
        let mut block =
            meter.reserve(&realm("1"), 1_000, CallClass::Incremental, Allowance::DEFAULT, now).unwrap();
        assert!(block.take(1_000));
        meter.settle(block);
        assert_eq!(meter.forecast(now), 3_000);
        assert_eq!(meter.forecast(at("2026-06-01T00:00:01Z")), 30_000, "not by a second");
    }
}
