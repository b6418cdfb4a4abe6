//! What is spent on whom again and again (finance 2.16): at least three payments of about the same amount. An open bill of such a
//! vendor is not spent on top of what is spent usually, but in its place.

use std::collections::BTreeMap;

use super::facts::{Facts, Side};
use super::policy::Policy;
use crate::ground::books::EntityId;
use crate::ground::time::CalendarDate;

/// Payments that make a habit.
const TIMES: usize = 3;
/// How far an amount may be from the middle one, in hundredths.
const APART: i128 = 10;

/// A habit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habit {
    /// What was spent by it over the days that are looked at, in micros.
    pub spent: i64,
    /// How many times.
    pub times: i32,
}

impl Habit {
    /// Days between two payments, at least one.
    pub const fn every(&self, days: i32) -> i32 {
        let every = days / self.times;
        if every < 1 { 1 } else { every }
    }
}

/// The habits of a company over some days, both included, by vendor: by what was paid, or, where that is not known, by bills.
pub fn habits(
    facts: &Facts,
    policy: &Policy,
    (from, to): (CalendarDate, CalendarDate),
    by_bills: bool,
) -> BTreeMap<EntityId, Habit> {
    let mut paid: BTreeMap<EntityId, Vec<i64>> = BTreeMap::new();
    let within = |date: Option<CalendarDate>| date.is_some_and(|date| from <= date && date <= to);
    if by_bills {
        for bill in facts.documents.iter().filter(|it| it.side == Side::Bill && within(it.date)) {
            if let (Some(vendor), Ok(amount)) = (&bill.party, bill.home_total) {
                paid.entry(vendor.clone()).or_default().push(amount.micros);
            }
        }
    } else {
        let regular = |micros: i64| policy.one_time_micros.is_none_or(|most| micros <= most);
        for flow in facts.flows.iter().filter(|flow| !flow.is_in && within(flow.date)) {
            if let (Some(party), Ok(amount)) = (&flow.party, flow.amount)
                && regular(amount.micros)
            {
                paid.entry(party.clone()).or_default().push(amount.micros);
            }
        }
    }
    let habit = |(vendor, mut amounts): (EntityId, Vec<i64>)| {
        amounts.sort_unstable();
        let middle = i128::from(*amounts.get(amounts.len() / 2)?);
        let alike = |amount: &&i64| (i128::from(**amount) - middle).abs() * 100 <= middle * APART;
        let alike: Vec<i64> = amounts.iter().filter(alike).copied().collect();
        let times = i32::try_from(alike.len()).ok().filter(|_| alike.len() >= TIMES)?;
        Some((vendor, Habit { spent: alike.iter().try_fold(0_i64, |sum, it| sum.checked_add(*it))?, times }))
    };
    paid.into_iter().filter_map(habit).collect()
}
