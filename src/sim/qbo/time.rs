//! Times as the server tells them: US Pacific, whatever the company's zone (contract 3.3).

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

/// Microseconds of one second.
pub(crate) const SECOND: i64 = 1_000_000;
/// Microseconds of one day.
pub(crate) const DAY: i64 = 86_400 * SECOND;

fn zone() -> TimeZone {
    TimeZone::get("America/Los_Angeles").unwrap_or(TimeZone::UTC)
}

fn local(micros: i64) -> Zoned {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone())
}

/// To the second, as in `MetaData`.
pub(crate) fn stamp(micros: i64) -> String {
    local(micros).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// To the millisecond, as in the envelope.
pub(crate) fn precise(micros: i64) -> String {
    local(micros).strftime("%Y-%m-%dT%H:%M:%S.%3f%:z").to_string()
}

/// As HTTP writes it.
pub(crate) fn to_http(micros: i64) -> String {
    let now = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH);
    now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// In UTC with milliseconds, as webhooks tell it.
pub(crate) fn utc(micros: i64) -> String {
    let now = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH);
    now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Today, for documents without a date.
pub(crate) fn today(micros: i64) -> String {
    local(micros).date().to_string()
}

/// Reads an instant; a day, or a time without an offset, counts as Pacific.
pub(crate) fn instant(text: &str) -> Option<i64> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_microsecond());
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok()?;
    civil.to_zoned(zone()).ok().map(|zoned| zoned.timestamp().as_microsecond())
}

/// Reads a day.
pub(crate) fn day(text: &str) -> Option<Date> {
    text.parse().ok()
}

/// The day so many days later; the text itself when it is no day.
pub(crate) fn days_after(text: &str, days: i64) -> String {
    let later = day(text).and_then(|day| day.checked_add(Span::new().days(days)).ok());
    later.map_or_else(|| text.to_owned(), |day| day.to_string())
}

/// Days from one day to another; 0 when one is none.
pub(crate) fn days_between(from: &str, to: &str) -> i64 {
    let between = day(from).zip(day(to)).and_then(|(from, to)| from.until(to).ok());
    between.map_or(0, |span| i64::from(span.get_days()))
}

#[cfg(test)]
mod tests {
    use super::{days_after, days_between, instant, precise, stamp};

    #[test]
    fn the_offset_follows_the_season() {
        let summer = instant("2020-09-29T12:58:07.300Z").unwrap();
        assert_eq!(stamp(summer), "2020-09-29T05:58:07-07:00");
        assert_eq!(precise(summer), "2020-09-29T05:58:07.300-07:00");
        assert_eq!(stamp(instant("2018-01-05T20:15:34Z").unwrap()), "2018-01-05T12:15:34-08:00");
        assert_eq!(instant("2018-01-05"), instant("2018-01-05T08:00:00Z"));
        assert_eq!(
            (days_after("2020-09-29", 30).as_str(), days_between("2020-09-29", "2020-10-29")),
            ("2020-10-29", 30)
        );
    }
}
