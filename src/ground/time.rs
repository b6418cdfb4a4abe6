//! Instants and calendar dates. An instant is UTC; a gift date is a date of the calendar and has no zone.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Instant(pub i64);

impl Instant {
    /// The moment `micros` microseconds later.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// The moment `millis` milliseconds later.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        self.plus_micros(millis.saturating_mul(1_000))
    }

    /// Microseconds from `earlier` to here; negative when `earlier` is later.
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment of a `Date` or `Retry-After` header, to the second: `Sun, 22 Nov 2026 06:20:13 GMT` (RFC 9110, 5.6.7).
    pub fn from_http_date(text: &str) -> Option<Self> {
        let zoned = DateTimeParser::new().relaxed_weekday(true).parse_zoned(text.trim()).ok()?;
        Some(Self(zoned.timestamp().as_microsecond()))
    }

    fn timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        })
    }
}

/// `2026-11-23T09:15:00.123456Z`.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.timestamp())
    }
}

/// The text is not an instant in ISO 8601 with a zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an instant: {0}")]
pub struct BadInstant(String);

impl FromStr for Instant {
    type Err = BadInstant;
    fn from_str(text: &str) -> Result<Self, BadInstant> {
        text.parse::<Timestamp>().map(|t| Self(t.as_microsecond())).map_err(|_| BadInstant(text.to_owned()))
    }
}

/// A date of the calendar (gift date, due date), without zone or time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalendarDate(Date);

/// The text is not a date `YYYY-MM-DD`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a date in the form YYYY-MM-DD: {0}")]
pub struct BadDate(String);

impl CalendarDate {
    /// The first date there is.
    pub const FIRST: Self = Self(Date::MIN);
    /// The last date there is.
    pub const LAST: Self = Self(Date::MAX);

    /// The date with these numbers, if the calendar has it.
    pub fn new(year: i16, month: i8, day: i8) -> Option<Self> {
        Date::new(year, month, day).ok().map(Self)
    }

    /// The date `days` later (or earlier), clamped to the years the calendar knows.
    #[must_use]
    pub fn plus_days(self, days: i32) -> Self {
        Self(self.0.saturating_add(days.days()))
    }

    /// Days from another date to this one; negative when this one is earlier.
    pub fn days_since(self, earlier: Self) -> i32 {
        self.0.since(earlier.0).map_or(0, |span| span.get_days())
    }

    /// The date as the number YYYYMMDD, which is in order as dates are.
    pub fn number(self) -> i32 {
        i32::from(self.0.year()) * 10_000 + i32::from(self.0.month()) * 100 + i32::from(self.0.day())
    }

    /// The Monday of its week.
    #[must_use]
    pub fn monday(self) -> Self {
        self.plus_days(-i32::from(self.0.weekday().to_monday_zero_offset()))
    }

    /// The first day of its month.
    #[must_use]
    pub fn first_of_month(self) -> Self {
        Self(self.0.first_of_month())
    }

    /// The same day `years` later (or earlier); 29 February becomes the 28th where there is none.
    #[must_use]
    pub fn plus_years(self, years: i32) -> Self {
        Self(self.0.saturating_add(years.years()))
    }

    /// Year of the date.
    pub fn year(self) -> i16 {
        self.0.year()
    }

    /// Month of the date, the first being 1.
    pub fn month(self) -> i8 {
        self.0.month()
    }

    /// The date of a moment in UTC: for months of account, not for what a person calls today.
    pub fn in_utc(instant: Instant) -> Self {
        Self(instant.timestamp().to_zoned(TimeZone::UTC).date())
    }

    /// When the date begins in UTC.
    pub fn begins_in_utc(self) -> Instant {
        let begins = self.0.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp().as_microsecond());
        Instant(begins.unwrap_or(0))
    }
}

impl fmt::Display for CalendarDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for CalendarDate {
    type Err = BadDate;
    /// Takes `YYYY-MM-DD` and nothing else: any other order is ambiguous and must be asked.
    fn from_str(text: &str) -> Result<Self, BadDate> {
        let bad = || BadDate(text.to_owned());
        let shape = text.len() == 10
            && text
                .bytes()
                .enumerate()
                .all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
        if !shape {
            return Err(bad());
        }
        text.parse::<Date>().map(Self).map_err(|_| bad())
    }
}

impl Serialize for CalendarDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CalendarDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The organisation's time zone: what "today" means.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

/// No zone of that name in the zone table that ships with Almoner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no time zone is called {0:?}; use a name such as Europe/London")]
pub struct UnknownZone(String);

impl Zone {
    /// The zone of an IANA name. The table is compiled in, so this reads no file.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        TimeZone::get(name).map(Self).map_err(|_| UnknownZone(name.to_owned()))
    }

    /// The zone of servers.
    pub const fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The calendar date at this moment in this zone.
    pub fn date_of(&self, instant: Instant) -> CalendarDate {
        CalendarDate(instant.timestamp().to_zoned(self.0.clone()).date())
    }

    /// The last microsecond of a date in this zone, whatever the clocks do that day.
    pub fn end_of(&self, date: CalendarDate) -> Instant {
        let next = date.0.tomorrow().and_then(|next| next.to_zoned(self.0.clone()));
        next.map_or(Instant(i64::MAX), |next| Instant(next.timestamp().as_microsecond() - 1))
    }

    /// Day and minute for a generated name: `23 Nov 2026, 14:05`.
    pub fn minute_of(&self, instant: Instant) -> String {
        instant.timestamp().to_zoned(self.0.clone()).strftime("%-d %b %Y, %H:%M").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn an_http_date_is_a_moment_whatever_day_of_the_week_it_claims() {
        for text in ["Mon, 23 Nov 2026 09:00:00 GMT", "Tue, 23 Nov 2026 09:00:00 GMT"] {
            assert_eq!(Instant::from_http_date(text), Some(at("2026-11-23T09:00:00Z")), "{text}");
        }
        assert_eq!(Instant::from_http_date("tomorrow"), None);
    }

    #[test]
    fn today_follows_the_zone_over_both_clock_changes() {
        let london = Zone::named("Europe/London").unwrap();
        for (instant, date) in [
            // Clocks go forward on 29 March 2026 at 01:00 UTC.
            ("2026-03-28T23:59:59Z", "2026-03-28"),
            ("2026-03-29T00:00:00Z", "2026-03-29"),
            ("2026-03-29T22:59:59Z", "2026-03-29"),
            ("2026-03-29T23:00:00Z", "2026-03-30"),
            // And back on 25 October 2026 at 01:00 UTC.
            ("2026-10-24T22:59:59Z", "2026-10-24"),
            ("2026-10-24T23:00:00Z", "2026-10-25"),
            ("2026-10-25T23:59:59Z", "2026-10-25"),
            ("2026-10-26T00:00:00Z", "2026-10-26"),
        ] {
            assert_eq!(london.date_of(at(instant)).to_string(), date, "{instant}");
        }
    }

    #[test]
    fn only_the_unambiguous_form_is_a_date() {
        assert_eq!("2026-11-20".parse::<CalendarDate>().unwrap().to_string(), "2026-11-20");
        for bad in [
            "20/11/2026",
            "03/04/26",
            "2026-11-31",
            "2026-1-1",
            "20261120",
            "2026-11-20T00:00:00Z",
            "+026-11-20",
            "",
        ] {
            assert!(bad.parse::<CalendarDate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn instants_print_micros_and_read_back() {
        let instant = at("2026-11-23T09:15:00.123456Z");
        assert_eq!(instant.to_string(), "2026-11-23T09:15:00.123456Z");
        assert_eq!(at("2026-11-23T09:15:00Z").to_string(), "2026-11-23T09:15:00.000000Z");
    }

    #[test]
    fn a_day_ends_where_the_next_one_begins_also_when_the_clocks_change() {
        let london = Zone::named("Europe/London").unwrap();
        for (date, end) in [
            ("2026-03-28", "2026-03-28T23:59:59.999999Z"),
            // One hour shorter, one hour longer.
            ("2026-03-29", "2026-03-29T22:59:59.999999Z"),
            ("2026-10-24", "2026-10-24T22:59:59.999999Z"),
            ("2026-10-25", "2026-10-25T23:59:59.999999Z"),
        ] {
            let date: CalendarDate = date.parse().unwrap();
            let instant = london.end_of(date);
            assert_eq!(instant, end.parse().unwrap());
            assert_eq!(london.date_of(instant), date);
            assert_eq!(london.date_of(instant.plus_micros(1)), date.plus_days(1));
        }
    }
}
