//! Values as lists compare them: each type of Twenty in a form that has an order, and what may be asked of it.

use std::cmp::Ordering;
use std::fmt;

use uuid::Uuid;

use crate::ground::edit::merged_parts;
use crate::ground::time::{CalendarDate, Instant};
use crate::ground::workspace::ObjectSchema;

/// One value of one record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cell {
    /// None: null, an empty text, an empty list.
    #[default]
    Nothing,
    /// Yes or no.
    Truth(bool),
    /// A number: whole part, rounded down, and billionths.
    Number(i64, u32),
    /// A date of the calendar.
    Day(CalendarDate),
    /// A moment, in whole milliseconds as Twenty writes it.
    Moment(i64),
    /// The id of a record.
    Id(Uuid),
    /// Text.
    Text(Box<str>),
    /// Several values of a choice, or a list of texts.
    Several(Box<[Box<str>]>),
}

/// What a path of a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Truth,
    /// A date of the calendar.
    Day,
    /// A moment.
    Moment,
    /// The id of a record.
    Id,
    /// One of some values.
    Choice,
    /// Several of some values.
    Choices,
    /// A list of texts.
    List,
    /// JSON, compared as text.
    Json,
}

/// How a value is compared (contract 1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The same.
    Eq,
    /// Another one.
    Neq,
    /// One of these.
    In,
    /// At least one of these.
    ContainsAny,
    /// There (`NOT_NULL`) or not (`NULL`).
    Is,
    /// Larger.
    Gt,
    /// Not smaller.
    Gte,
    /// Smaller.
    Lt,
    /// Not larger.
    Lte,
    /// Begins so.
    StartsWith,
    /// Ends so.
    EndsWith,
    /// Matches a pattern with `%` and `_`.
    Like,
    /// The same, whatever the case.
    Ilike,
    /// Holds this text somewhere, whatever the case. Not a word of the grammar: what people type is no pattern.
    Holds,
}

impl Operator {
    /// Every operator of the grammar, with its word.
    const WORDS: [(&'static str, Self); 13] = [
        ("eq", Self::Eq),
        ("neq", Self::Neq),
        ("in", Self::In),
        ("containsAny", Self::ContainsAny),
        ("is", Self::Is),
        ("gt", Self::Gt),
        ("gte", Self::Gte),
        ("lt", Self::Lt),
        ("lte", Self::Lte),
        ("startsWith", Self::StartsWith),
        ("endsWith", Self::EndsWith),
        ("like", Self::Like),
        ("ilike", Self::Ilike),
    ];

    /// The operator of a word.
    pub(super) fn from_word(word: &str) -> Result<Self, String> {
        let known = Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, operator)| *operator);
        known.ok_or_else(|| {
            let words: Vec<&str> = Self::WORDS.iter().map(|(word, _)| *word).collect();
            format!("comparator {word} not in {}", words.join(", "))
        })
    }

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, operator)| *operator == self).map_or("", |(word, _)| word)
    }

    /// Whether values of this form can be compared so.
    pub(super) fn check(self, path: &str, form: Form) -> Result<(), String> {
        let fits = |operator: Self| match form {
            Form::Text => !matches!(operator, Self::ContainsAny),
            Form::Number | Form::Day | Form::Moment | Form::Id => operator.is_ordering(),
            Form::Truth => matches!(operator, Self::Eq | Self::Is),
            Form::Choice => operator.is_ordering() || operator == Self::ContainsAny,
            Form::Choices => matches!(operator, Self::ContainsAny | Self::Is),
            Form::List => operator == Self::Is,
            Form::Json => matches!(operator, Self::Is | Self::Like),
        };
        if fits(self) {
            return Ok(());
        }
        let allowed: Vec<&str> =
            Self::WORDS.iter().filter(|(_, operator)| fits(*operator)).map(|(word, _)| *word).collect();
        Err(format!(
            "Operator \"{}\" is not valid for field \"{path}\" - Allowed operators: {}",
            self.word(),
            allowed.join(", ")
        ))
    }

    const fn is_ordering(self) -> bool {
        matches!(
            self,
            Self::Eq | Self::Neq | Self::Gt | Self::Gte | Self::Lt | Self::Lte | Self::In | Self::Is
        )
    }
}

/// What a path of an object holds, or why nothing can be asked of it.
pub fn forms_of(schema: &ObjectSchema, path: &str) -> Result<Form, String> {
    let (name, part) = path.split_once('.').map_or((path, None), |(name, part)| (name, Some(part)));
    let singular = &schema.singular;
    let Some(field) = schema.fields.get(name) else {
        let column = format!("{name}Id");
        if schema.fields.contains_key(&column) {
            return Err(format!("Lists do not lead through {name} here; use {column}."));
        }
        return Err(format!("Object {singular} doesn't have any \"{name}\" field."));
    };
    let kind = field.kind.as_str();
    let no_part = |part: &str| format!("Sub field \"{part}\" not found for composite type: {kind}");
    let plain = match kind {
        "TEXT" => Form::Text,
        "NUMBER" | "NUMERIC" | "POSITION" => Form::Number,
        "BOOLEAN" => Form::Truth,
        "DATE" => Form::Day,
        "DATE_TIME" => Form::Moment,
        "SELECT" | "RATING" => Form::Choice,
        "MULTI_SELECT" => Form::Choices,
        "ARRAY" => Form::List,
        "RAW_JSON" | "FILES" => Form::Json,
        "UUID" => Form::Id,
        // The many side of a relation has no column of its own.
        "RELATION" | "MORPH_RELATION" if name != field.name => Form::Id,
        _ => {
            return part.map_or_else(
                || Err(format!("Field \"{name}\" of type {kind} needs a sub-field here.")),
                |part| part_form(kind, part).ok_or_else(|| no_part(part)),
            );
        }
    };
    part.map_or(Ok(plain), |part| Err(no_part(part)))
}

/// What a part of a composite type holds (contract 2.3).
fn part_form(kind: &str, part: &str) -> Option<Form> {
    if let Some((_, kind)) = merged_parts(kind).iter().find(|(known, _)| *known == part) {
        return Some(if *kind == "NUMERIC" { Form::Number } else { Form::Text });
    }
    match (kind, part) {
        ("EMAILS", "primaryEmail")
        | ("LINKS", "primaryLinkUrl" | "primaryLinkLabel")
        | ("PHONES", "primaryPhoneNumber" | "primaryPhoneCountryCode" | "primaryPhoneCallingCode")
        | ("RICH_TEXT", "markdown" | "blocknote")
        | ("ACTOR", "name") => Some(Form::Text),
        ("EMAILS", "additionalEmails")
        | ("LINKS", "secondaryLinks")
        | ("PHONES", "additionalPhones")
        | ("ACTOR", "context") => Some(Form::Json),
        ("ACTOR", "source") => Some(Form::Choice),
        ("ACTOR", "workspaceMemberId") => Some(Form::Id),
        _ => None,
    }
}

/// A decimal number as Twenty or a person writes it, without a float in between. Digits beyond the ninth are cut.
fn number(text: &str) -> Option<Cell> {
    let (text, exponent) = match text.find(['e', 'E']) {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    // Billionths: the point moves nine places to the right, and by the exponent.
    let shift = 9 + exponent - i32::try_from(fraction.len()).ok()?;
    let all: i128 = format!("{whole}{fraction}").parse().ok()?;
    let power = 10_i128.checked_pow(shift.unsigned_abs());
    let billionths = if shift >= 0 { all.checked_mul(power?)? } else { power.map_or(0, |power| all / power) };
    let billionths = if negative { -billionths } else { billionths };
    let rest = u32::try_from(billionths.rem_euclid(1_000_000_000)).ok()?;
    Some(Cell::Number(i64::try_from(billionths.div_euclid(1_000_000_000)).ok()?, rest))
}

impl Form {
    /// The value that a text stands for, as a filter, a cursor or a record writes it.
    pub fn cell(self, text: &str) -> Option<Cell> {
        if text.is_empty() {
            return Some(Cell::Nothing);
        }
        match self {
            Self::Text | Self::Choice | Self::Json => Some(Cell::Text(text.into())),
            Self::Choices | Self::List => Some(Cell::Several(Box::from([Box::from(text)]))),
            Self::Number => number(text.trim()),
            Self::Truth => text.parse().ok().map(Cell::Truth),
            Self::Day => text.get(..10)?.parse().ok().map(Cell::Day),
            Self::Moment => moment(text).map(|at| Cell::Moment(at.0.div_euclid(1_000))),
            Self::Id => Uuid::parse_str(text).ok().map(Cell::Id),
        }
    }

    /// What a value of this form looks like, in words.
    pub(super) const fn wants(self) -> &'static str {
        match self {
            Self::Text | Self::Choice | Self::Choices | Self::List | Self::Json => "a text",
            Self::Number => "a number",
            Self::Truth => "true or false",
            Self::Day => "a date written YYYY-MM-DD",
            Self::Moment => "an instant such as 2026-11-23T09:15:00Z",
            Self::Id => "the id of a record",
        }
    }
}

/// An instant with a zone, one without (which is UTC), or a date (its beginning in UTC).
fn moment(text: &str) -> Option<Instant> {
    let text = text.trim().replacen(' ', "T", 1);
    let with_zone = |zone: &str| format!("{text}{zone}").parse::<Instant>().ok();
    with_zone("").or_else(|| with_zone("Z")).or_else(|| with_zone(":00Z")).or_else(|| with_zone("T00:00:00Z"))
}

impl Cell {
    const fn rank(&self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Truth(_) => 1,
            Self::Number(..) => 2,
            Self::Day(_) => 3,
            Self::Moment(_) => 4,
            Self::Id(_) => 5,
            Self::Text(_) => 6,
            Self::Several(_) => 7,
        }
    }

    /// The order of two values; those of one column are of one form.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Truth(one), Self::Truth(other)) => one.cmp(other),
            (Self::Number(one, rest), Self::Number(other, others)) => (one, rest).cmp(&(other, others)),
            (Self::Day(one), Self::Day(other)) => one.cmp(other),
            (Self::Moment(one), Self::Moment(other)) => one.cmp(other),
            (Self::Id(one), Self::Id(other)) => one.cmp(other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Several(one), Self::Several(other)) => one.cmp(other),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    /// Whether there is none.
    pub const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    fn text(&self) -> &str {
        if let Self::Text(text) = self { text } else { "" }
    }

    /// Whether it meets a condition; none where there is no value to compare (the three-valued logic of SQL).
    pub(super) fn meets(&self, operator: Operator, values: &[Self]) -> Option<bool> {
        let first = values.first().unwrap_or(&Self::Nothing);
        match operator {
            // `is` NULL comes as no value, NOT_NULL as a truth.
            Operator::Is => return Some(self.is_nothing() == first.is_nothing()),
            // An empty text and none are one value.
            Operator::Eq if self.is_nothing() && first.is_nothing() => return Some(true),
            Operator::In if self.is_nothing() && values.iter().any(Self::is_nothing) => return Some(true),
            _ if self.is_nothing() => return None,
            _ => {}
        }
        let order = self.order(first);
        Some(match operator {
            Operator::Eq => order.is_eq(),
            Operator::Neq => order.is_ne(),
            Operator::Gt => order.is_gt(),
            Operator::Gte => order.is_ge(),
            Operator::Lt => order.is_lt(),
            Operator::Lte => order.is_le(),
            Operator::In => values.contains(self),
            Operator::ContainsAny => match self {
                Self::Several(several) => {
                    values.iter().any(|value| several.iter().any(|one| **one == *value.text()))
                }
                one => values.contains(one),
            },
            Operator::StartsWith => self.text().starts_with(first.text()),
            Operator::EndsWith => self.text().ends_with(first.text()),
            Operator::Like => like(self.text(), first.text()),
            Operator::Ilike => like(&self.text().to_lowercase(), &first.text().to_lowercase()),
            Operator::Holds => self.text().to_lowercase().contains(&first.text().to_lowercase()),
            Operator::Is => self.is_nothing() == first.is_nothing(),
        })
    }
}

/// The text that [`Form::cell`] reads as this value.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Truth(truth) => truth.fmt(f),
            Self::Number(whole, 0) => whole.fmt(f),
            Self::Number(whole, rest) => {
                let billionths = i128::from(*whole) * 1_000_000_000 + i128::from(*rest);
                let (sign, size) = (if billionths < 0 { "-" } else { "" }, billionths.unsigned_abs());
                write!(f, "{sign}{}.{:09}", size / 1_000_000_000, size % 1_000_000_000)
            }
            Self::Day(day) => day.fmt(f),
            Self::Moment(millis) => {
                // Twenty writes three digits.
                let text = Instant(millis.saturating_mul(1_000)).to_string();
                f.write_str(&text.replace("000Z", "Z"))
            }
            Self::Id(id) => id.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::Several(several) => f.write_str(&several.join(",")),
        }
    }
}

/// Whether a text matches a pattern in which `%` stands for any letters and `_` for one.
fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut wanted) = (0, 0);
    // Where the last `%` stands, and how much of the text it has swallowed.
    let mut back: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(wanted) {
            Some('%') => {
                back = Some((wanted, at));
                wanted += 1;
            }
            Some(letter) if *letter == '_' || *letter == text[at] => {
                at += 1;
                wanted += 1;
            }
            _ => {
                let Some((percent, swallowed)) = back else { return false };
                back = Some((percent, swallowed + 1));
                (wanted, at) = (percent + 1, swallowed + 1);
            }
        }
    }
    pattern.iter().skip(wanted).all(|letter| *letter == '%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_exactly() {
        for (text, cell) in [
            ("25000000", Some(Cell::Number(25_000_000, 0))),
            ("-1.5", Some(Cell::Number(-2, 500_000_000))),
            ("0.25", Some(Cell::Number(0, 250_000_000))),
            ("1e3", Some(Cell::Number(1_000, 0))),
            ("9007199254740993", Some(Cell::Number(9_007_199_254_740_993, 0))),
            ("1.0000000001", Some(Cell::Number(1, 0))),
            ("", None),
            ("1,5", None),
            ("abc", None),
            ("1e99", None),
        ] {
            assert_eq!(number(text), cell, "{text}");
        }
        let ordered = ["-2", "-1.5", "-1", "0", "0.25", "3"].map(|text| number(text).unwrap());
        assert!(ordered.windows(2).all(|pair| pair[0].order(&pair[1]).is_lt()));
    }

    #[test]
    fn moments_are_compared_in_whole_milliseconds() {
        let cell = |text: &str| Form::Moment.cell(text).unwrap();
        assert_eq!(cell("2026-11-22T07:23:49.544999Z"), cell("2026-11-22T07:23:49.544Z"));
        assert_eq!(cell("2026-11-22"), cell("2026-11-22T00:00:00Z"));
        assert_eq!(cell("2026-11-22 07:23"), cell("2026-11-22T07:23:00+00:00"));
        assert_eq!(Form::Moment.cell("tomorrow"), None);
    }

    #[test]
    fn what_is_written_reads_as_the_same_value() {
        for (form, text) in [
            (Form::Number, "25000000"),
            (Form::Number, "-1.500000000"),
            (Form::Number, "-0.250000000"),
            (Form::Moment, "2026-11-22T07:23:49.544Z"),
            (Form::Moment, "1970-01-01T00:00:00.000Z"),
            (Form::Day, "2026-11-22"),
            (Form::Truth, "true"),
            (Form::Id, "63f16175-3266-5ae1-b7c7-297a48d16281"),
            (Form::Text, "Ada"),
        ] {
            let cell = form.cell(text).unwrap();
            assert_eq!(
                (cell.to_string(), form.cell(&cell.to_string())),
                (text.to_owned(), Some(cell)),
                "{text}"
            );
        }
    }

    #[test]
    fn patterns_match_as_in_sql() {
        for (text, pattern, matches) in [
            ("Ada Lovelace", "%love%", false),
            ("Ada Lovelace", "%Love%", true),
            ("Ada", "A_a", true),
            ("Ada", "_", false),
            ("Ada", "%", true),
            ("", "%", true),
            ("abcabd", "%ab%d", true),
            ("abc", "abc%%", true),
            ("abc", "", false),
        ] {
            assert_eq!(like(text, pattern), matches, "{text} {pattern}");
        }
    }
}
