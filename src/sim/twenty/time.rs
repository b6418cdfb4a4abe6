//! Instants and days: microseconds inside, `YYYY-MM-DDTHH:mm:ss.SSSZ` outside, truncated not rounded.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::sim::json::Json;

/// Microseconds of one millisecond.
pub(crate) const MILLISECOND: i64 = 1_000;
/// Microseconds of one day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// The instant as the API shows it.
pub(crate) fn to_iso(micros: i64) -> String {
    let civil = civil(micros);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        civil.year(),
        civil.month(),
        civil.day(),
        civil.hour(),
        civil.minute(),
        civil.second(),
        civil.millisecond()
    )
}

/// The instant as HTTP writes it: `Sun, 22 Nov 2026 06:20:13 GMT`.
pub(crate) fn to_http(micros: i64) -> String {
    civil(micros).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The calendar day (UTC) of an instant.
pub(crate) fn day_of(micros: i64) -> String {
    let civil = civil(micros);
    format!("{:04}-{:02}-{:02}", civil.year(), civil.month(), civil.day())
}

fn civil(micros: i64) -> DateTime {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC).datetime()
}

/// Reads the forms of an instant that the API accepts; a form without a zone counts as UTC.
pub(crate) fn parse_instant(text: &str) -> Option<i64> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_microsecond());
    }
    if let Ok(civil) = text.parse::<DateTime>() {
        return at_utc(civil);
    }
    // `yyyy-MM-dd HH:mm` has no seconds, which the ISO reader wants.
    if let Ok(civil) = format!("{text}:00").parse::<DateTime>() {
        return at_utc(civil);
    }
    let day = parse_day(text).or_else(|| parse_dense_day(text)).or_else(|| parse_foreign_day(text));
    day.and_then(|day| at_utc(day.to_datetime(jiff::civil::Time::midnight())))
}

/// `yyyyMMdd`.
fn parse_dense_day(text: &str) -> Option<Date> {
    let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<i16>().ok();
    let small = |range: std::ops::Range<usize>| part(range).and_then(|number| i8::try_from(number).ok());
    if digits { Date::new(part(0..4)?, small(4..6)?, small(6..8)?).ok() } else { None }
}

/// The American and written-out forms that are read beside the ISO ones; the British order is none
/// of them.
fn parse_foreign_day(text: &str) -> Option<Date> {
    const FORMATS: [&str; 11] = [
        "%Y.%m.%d",
        "%Y/%m/%d",
        "%m-%d-%Y",
        "%m/%d/%Y",
        "%m.%d.%Y",
        "%B %d, %Y",
        "%b %d, %Y",
        "%d %B %Y",
        "%d %b %Y",
        "%d-%b-%Y",
        "%Y-%b-%d",
    ];
    FORMATS.iter().find_map(|format| Date::strptime(format, text).ok())
}

fn at_utc(civil: DateTime) -> Option<i64> {
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_microsecond())
}

/// A step of the calendar to group by.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// `DAY`, `MONTH` and the like.
    pub(crate) granularity: String,
    /// Where days begin.
    pub(crate) zone: TimeZone,
    /// The first day of a week.
    pub(crate) week_start: String,
}

/// A time zone by its name in the IANA data base.
pub(crate) fn parse_zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

/// The step an instant or a day falls into, as text; null for null.
pub(crate) fn step_of(cell: &Json, step: &Step) -> Json {
    let day = match cell {
        Json::Num(_) => cell.as_i64().map(|micros| {
            Timestamp::from_microsecond(micros)
                .unwrap_or(Timestamp::UNIX_EPOCH)
                .to_zoned(step.zone.clone())
                .date()
        }),
        Json::Str(text) => parse_day(text),
        _ => None,
    };
    let Some(day) = day else { return Json::Null };
    let quarter = (day.month() - 1) / 3;
    let at = |month: i8, number: i8| Date::new(day.year(), month, number).unwrap_or(day);
    let start = match step.granularity.as_str() {
        "NONE" => return cell.as_i64().map_or_else(|| cell.clone(), |micros| Json::text(to_iso(micros))),
        "DAY_OF_THE_WEEK" => return Json::text(day.strftime("%A").to_string()),
        "MONTH_OF_THE_YEAR" => return Json::text(day.strftime("%B").to_string()),
        "QUARTER_OF_THE_YEAR" => return Json::text(format!("Q{}", quarter + 1)),
        "WEEK" => week_start(day, &step.week_start),
        "MONTH" => at(day.month(), 1),
        "QUARTER" => at(quarter * 3 + 1, 1),
        "YEAR" => at(1, 1),
        _ => day,
    };
    Json::text(start.to_string())
}

fn week_start(day: Date, first: &str) -> Date {
    let shift = match first {
        "SUNDAY" => 1,
        "SATURDAY" => 2,
        _ => 0,
    };
    let since = (day.weekday().to_monday_zero_offset() + shift) % 7;
    day.checked_sub(jiff::Span::new().days(i64::from(since))).unwrap_or(day)
}

/// Reads a calendar day; an instant counts as its day.
pub(crate) fn parse_day(text: &str) -> Option<Date> {
    if !text.contains('T') && (text.len() != 10 || !text.is_char_boundary(4) || text.get(4..5) != Some("-")) {
        let other = parse_dense_day(text).or_else(|| parse_foreign_day(text));
        if other.is_some() {
            return other;
        }
    }
    let head = text.get(..10)?;
    let date = head.parse::<Date>().ok()?;
    let dashed = head.as_bytes().get(4) == Some(&b'-') && head.as_bytes().get(7) == Some(&b'-');
    let rest = text.get(10..).unwrap_or_default();
    (dashed && (rest.is_empty() || rest.starts_with('T') || rest.starts_with(' '))).then_some(date)
}

#[cfg(test)]
mod tests {
    use super::{parse_day, parse_instant, to_iso};

    #[test]
    fn shows_milliseconds_truncated() {
        let instant = parse_instant("2026-11-22T06:31:53.596919Z").expect("an instant");
        assert_eq!(to_iso(instant), "2026-11-22T06:31:53.596Z");
    }

    #[test]
    fn reads_the_usual_forms() {
        let noon = parse_instant("2026-03-21T12:00:00Z");
        assert_eq!(parse_instant("2026-03-21 12:00"), noon);
        assert_eq!(parse_instant("2026-03-21T12:00:00"), noon);
        assert_eq!(parse_instant("2026-03-21T13:00:00+01:00"), noon);
        assert!(parse_instant("2026-03-21").is_some());
        assert_eq!(parse_instant("not-a-date"), None);
    }

    #[test]
    fn a_day_may_come_with_a_time_but_not_in_british_order() {
        assert!(parse_day("2026-03-21T10:00:00Z").is_some());
        assert!(parse_day("21/03/2026").is_none());
        let spring = parse_day("2026-03-21");
        for text in ["20260321", "03/21/2026", "2026/03/21", "21 March 2026", "Mar 21, 2026"] {
            assert_eq!(parse_day(text), spring, "{text}");
        }
    }
}
