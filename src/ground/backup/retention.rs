//! Which backups are kept: the newest of each of the last days, weeks and months that have one.
//!
//! Periods are counted by the backups that are there and not by the calendar: a charity whose server was off for a month
//! still has its seven newest days when it comes back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ground::time::{CalendarDate, Instant, Zone};

/// Every backup taken this long before the newest is kept: one taken by hand before something risky, say.
const WITHIN_MICROS: i64 = 24 * 3_600_000_000;

/// How many of each are kept. The newest backup always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// Days.
    pub daily: u32,
    /// Weeks, which begin on Monday.
    pub weekly: u32,
    /// Months.
    pub monthly: u32,
}

/// The first day of the period that a day belongs to.
type Period = fn(CalendarDate) -> CalendarDate;

/// Of backups taken at these moments (in any order), which are kept.
pub fn kept(taken: &[Instant], keep: Keep, zone: &Zone) -> Vec<bool> {
    let mut order: Vec<usize> = (0..taken.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(taken[*at]));
    let mut stays = vec![false; taken.len()];
    if let Some(newest) = order.first() {
        for (stays, at) in stays.iter_mut().zip(taken) {
            *stays = taken[*newest].micros_since(*at) < WITHIN_MICROS;
        }
    }
    let rules: [(u32, Period); 3] = [
        (keep.daily, |date| date),
        (keep.weekly, CalendarDate::monday),
        (keep.monthly, CalendarDate::first_of_month),
    ];
    for (count, period) in rules {
        let mut seen = BTreeSet::new();
        for at in &order {
            if seen.len() as u64 >= u64::from(count) {
                break;
            }
            if seen.insert(period(zone.date_of(taken[*at]))) {
                stays[*at] = true;
            }
        }
    }
    stays
}

/// How far ahead it is looked for the end of a backup, in days.
const AHEAD_DAYS: i64 = 50 * 366;
const DAY_MS: i64 = 24 * 3_600_000;

/// When the backup at `which` goes, if one is taken every day from now on and removed by the rule; none within a
/// lifetime.
pub fn gone_by(taken: &[Instant], which: usize, keep: Keep, zone: &Zone) -> Option<Instant> {
    let newest = *taken.iter().max()?;
    let mut held: Vec<Instant> = taken.to_vec();
    let wanted = *taken.get(which)?;
    for day in 1..=AHEAD_DAYS {
        let now = newest.plus_millis(day * DAY_MS);
        held.push(now);
        let stays = kept(&held, keep, zone);
        let mut stay = stays.iter();
        held.retain(|_| stay.next() == Some(&true));
        if !held.contains(&wanted) {
            return Some(now);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_backup_is_known_beforehand() {
        let zone = Zone::named("Europe/London").unwrap();
        let first: Instant = "2026-01-31T03:00:00Z".parse().unwrap();
        let ends = |keep| gone_by(&[first], 0, keep, &zone).map(|at| at.to_string()[..10].to_owned());
        assert_eq!(ends(Keep { daily: 7, weekly: 0, monthly: 0 }).as_deref(), Some("2026-02-07"));
        // The last of January stays until there are twelve later months.
        assert_eq!(ends(Keep { daily: 7, weekly: 4, monthly: 12 }).as_deref(), Some("2027-01-01"));
        assert_eq!(gone_by(&[], 0, Keep { daily: 1, weekly: 0, monthly: 0 }, &zone), None);
    }

    #[test]
    fn the_newest_of_each_day_week_and_month_stays() {
        let zone = Zone::named("Europe/London").unwrap();
        let start: Instant = "2026-01-01T03:00:00Z".parse().unwrap();
        // Two a day for 200 days.
        let taken: Vec<Instant> = (0..400).map(|n| start.plus_millis(n * 12 * 3_600_000)).collect();
        let stays = kept(&taken, Keep { daily: 7, weekly: 4, monthly: 12 }, &zone);
        let left: Vec<String> = taken
            .iter()
            .zip(&stays)
            .filter(|(_, stays)| **stays)
            .map(|(at, _)| at.to_string()[..13].to_owned())
            .collect();
        // Months end where their last backup was; of the newest week and month that is the newest day. Of the last 24 hours
        // all stay.
        assert_eq!(
            left,
            [
                "2026-01-31T15",
                "2026-02-28T15",
                "2026-03-31T15",
                "2026-04-30T15",
                "2026-05-31T15",
                "2026-06-28T15",
                "2026-06-30T15",
                "2026-07-05T15",
                "2026-07-12T15",
                "2026-07-13T15",
                "2026-07-14T15",
                "2026-07-15T15",
                "2026-07-16T15",
                "2026-07-17T15",
                "2026-07-18T15",
                "2026-07-19T03",
                "2026-07-19T15",
            ]
        );
        assert_eq!(kept(&taken[..3], Keep { daily: 0, weekly: 0, monthly: 0 }, &zone), [false, true, true]);
        assert_eq!(kept(&[], Keep { daily: 7, weekly: 4, monthly: 12 }, &zone), [false; 0]);
    }
}
