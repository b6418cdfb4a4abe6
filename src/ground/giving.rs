//! What Home looks at of the gifts there are: periods and how they compare, and which donors deserve a thought (house
//! rules of the desk, decision 0017). Dates only: "today" is the organisation's, given by the caller.

use super::time::CalendarDate;

/// Days after a first gift in which it is still one to thank for.
pub const THANK_WITHIN: i32 = 14;
/// Days after a year without a gift in which a donor counts as just lapsed.
pub const LAPSED_FOR: i32 = 31;
/// Days ahead in which an expected gift is near.
pub const NEAR: i32 = 7;

/// Days from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first day.
    pub from: CalendarDate,
    /// The last day.
    pub to: CalendarDate,
}

impl Period {
    /// Whether the day is in it.
    pub fn holds(&self, day: CalendarDate) -> bool {
        (self.from..=self.to).contains(&day)
    }
}

/// A period up to today and the one it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Up to today.
    pub now: Period,
    /// A year before, equally far.
    pub before: Period,
}

/// This week from Monday to today, and the same weekdays 52 weeks before: a Sunday's collection is compared with a
/// Sunday's.
pub fn week(today: CalendarDate) -> Compared {
    let now = Period { from: today.monday(), to: today };
    Compared { now, before: Period { from: now.from.plus_days(-364), to: now.to.plus_days(-364) } }
}

/// This month from the first to today, and the same days of the month a year before (29 February becomes the 28th).
pub fn month(today: CalendarDate) -> Compared {
    let now = Period { from: today.first_of_month(), to: today };
    Compared { now, before: Period { from: now.from.plus_years(-1), to: now.to.plus_years(-1) } }
}

/// When the first gift of a donor to thank was given.
pub fn first_gifts(today: CalendarDate) -> Period {
    Period { from: today.plus_days(-THANK_WITHIN), to: today }
}

/// When the last gift of a donor was given who has just lapsed: a year ago, and at most a month more.
pub fn lapsed(today: CalendarDate) -> Period {
    let to = today.plus_years(-1).plus_days(-1);
    Period { from: to.plus_days(1 - LAPSED_FOR), to }
}

/// When a gift that is near is expected.
pub fn near(today: CalendarDate) -> Period {
    Period { from: today, to: today.plus_days(NEAR) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::time::{Instant, Zone};

    fn day(text: &str) -> CalendarDate {
        text.parse().unwrap()
    }

    fn told(period: Period) -> String {
        format!("{}..{}", period.from, period.to)
    }

    #[test]
    fn a_period_is_compared_with_one_of_the_same_length_a_year_before() {
        for (today, weeks, months) in [
            (
                "2026-11-26",
                ("2026-11-23..2026-11-26", "2025-11-24..2025-11-27"),
                ("2026-11-01..2026-11-26", "2025-11-01..2025-11-26"),
            ),
            (
                "2026-11-23",
                ("2026-11-23..2026-11-23", "2025-11-24..2025-11-24"),
                ("2026-11-01..2026-11-23", "2025-11-01..2025-11-23"),
            ),
            (
                "2024-02-29",
                ("2024-02-26..2024-02-29", "2023-02-27..2023-03-02"),
                ("2024-02-01..2024-02-29", "2023-02-01..2023-02-28"),
            ),
            (
                "2026-01-01",
                ("2025-12-29..2026-01-01", "2024-12-30..2025-01-02"),
                ("2026-01-01..2026-01-01", "2025-01-01..2025-01-01"),
            ),
        ] {
            let (week, month) = (week(day(today)), month(day(today)));
            assert_eq!((told(week.now).as_str(), told(week.before).as_str()), weeks);
            assert_eq!((told(month.now).as_str(), told(month.before).as_str()), months);
        }
    }

    #[test]
    fn a_week_begins_on_the_organisations_monday_on_both_days_the_clocks_change() {
        let london = Zone::named("Europe/London").unwrap();
        for (instant, monday) in [
            // Clocks go forward on Sunday 29 March 2026 at 01:00 UTC: Monday begins at 23:00 UTC.
            ("2026-03-29T22:59:59Z", "2026-03-23"),
            ("2026-03-29T23:00:00Z", "2026-03-30"),
            // They go back on Sunday 25 October 2026: Monday begins at 00:00 UTC.
            ("2026-10-25T23:59:59Z", "2026-10-19"),
            ("2026-10-26T00:00:00Z", "2026-10-26"),
        ] {
            let now: Instant = instant.parse().unwrap();
            assert_eq!(week(london.date_of(now)).now.from, day(monday), "{instant}");
        }
    }

    #[test]
    fn first_lapsed_and_near_are_counted_in_days() {
        let today = day("2026-11-26");
        assert_eq!(told(first_gifts(today)), "2026-11-12..2026-11-26");
        assert_eq!(told(lapsed(today)), "2025-10-26..2025-11-25");
        assert_eq!(told(near(today)), "2026-11-26..2026-12-03");
        assert!(lapsed(today).holds(day("2025-11-25")) && !lapsed(today).holds(day("2025-11-26")));
    }
}
