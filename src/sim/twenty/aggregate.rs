//! Aggregates over the rows of a group; counts and sums are answered as texts.

use std::collections::BTreeSet;

use super::schema::{Field, Kind, Object, capitalised};
use super::store::Row;
use super::values::shown;
use crate::sim::json::Json;

/// What is computed over a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Count,
    CountUnique,
    CountEmpty,
    CountNotEmpty,
    PercentageEmpty,
    PercentageNotEmpty,
    CountTrue,
    CountFalse,
    Min,
    Max,
    Sum,
    Average,
}

/// One aggregate of an object.
#[derive(Clone, Debug)]
pub(crate) struct Aggregate {
    operation: Operation,
    column: usize,
    kind: Kind,
    money: bool,
}

/// Prefixes of aggregate names with what they mean, those that begin another one last.
const PREFIXES: [(&str, Operation); 11] = [
    ("countUniqueValues", Operation::CountUnique),
    ("countNotEmpty", Operation::CountNotEmpty),
    ("countEmpty", Operation::CountEmpty),
    ("percentageNotEmpty", Operation::PercentageNotEmpty),
    ("percentageEmpty", Operation::PercentageEmpty),
    ("countTrue", Operation::CountTrue),
    ("countFalse", Operation::CountFalse),
    ("min", Operation::Min),
    ("max", Operation::Max),
    ("sum", Operation::Sum),
    ("avg", Operation::Average),
];

impl Operation {
    /// Whether a type can be aggregated so; money is asked for by the name of its part.
    fn fits(self, kind: Kind, money: bool) -> bool {
        match self {
            Self::CountTrue | Self::CountFalse => kind == Kind::Boolean,
            Self::Min | Self::Max => money || matches!(kind, Kind::Date | Kind::DateTime | Kind::Number),
            Self::Sum | Self::Average => money || kind == Kind::Number,
            _ => !money && !matches!(kind, Kind::ToMany { .. } | Kind::ToOne { morph: false, .. }),
        }
    }
}

impl Aggregate {
    /// The aggregate of a name, `sumAmountAmountMicros`; `None` when the object has none of it.
    pub(crate) fn named(object: &Object, name: &str) -> Option<Self> {
        if name == "totalCount" {
            let column = object.columns.id;
            return Some(Self { operation: Operation::Count, column, kind: Kind::Uuid, money: false });
        }
        PREFIXES.iter().find_map(|(prefix, operation)| {
            let rest = name.strip_prefix(prefix)?;
            let plain = |field: &Field| capitalised(field.name) == rest;
            let money = |field: &Field| {
                field.kind == Kind::Currency && format!("{}AmountMicros", capitalised(field.name)) == rest
            };
            let (column, field) = object.shown_fields().find(|(_, field)| plain(field) || money(field))?;
            let money = money(field);
            let kind = field.kind;
            operation.fits(kind, money).then_some(Self { operation: *operation, column, kind, money })
        })
    }

    /// The value over some rows.
    pub(crate) fn of(&self, rows: &[&Row]) -> Json {
        let cell = |row: &&Row| -> Json {
            let cell = row.cell(self.column);
            if self.money { cell.get("amountMicros").cloned().unwrap_or_default() } else { cell.clone() }
        };
        let counted = |count: usize| Json::text(count.to_string());
        let filled = || rows.iter().map(cell).filter(|value| !is_empty(value));
        let share = |part: usize| Json::text(fraction(part, rows.len()));
        match self.operation {
            Operation::Count => counted(rows.len()),
            Operation::CountNotEmpty => counted(filled().count()),
            Operation::CountEmpty => counted(rows.len() - filled().count()),
            Operation::CountUnique => {
                counted(filled().map(|value| value.to_text()).collect::<BTreeSet<_>>().len())
            }
            Operation::PercentageNotEmpty => share(filled().count()),
            Operation::PercentageEmpty => share(rows.len() - filled().count()),
            Operation::CountTrue => counted(filled().filter(|value| value == &Json::Bool(true)).count()),
            Operation::CountFalse => counted(filled().filter(|value| value == &Json::Bool(false)).count()),
            Operation::Min => self.extreme(filled().min_by(super::predicate::order)),
            Operation::Max => self.extreme(filled().max_by(super::predicate::order)),
            // A plain number is a binary fraction on the server too, and is answered as one.
            Operation::Sum if !self.money => number_sum(filled()),
            Operation::Sum => sum(filled()).map_or(Json::Null, |sum| Json::text(sum.to_string())),
            Operation::Average => {
                let count = i128::try_from(filled().count()).unwrap_or(1).max(1);
                sum(filled()).map_or(Json::Null, |sum| Json::text(quotient(sum, count)))
            }
        }
    }

    /// The least or greatest value: instants as they are shown, numbers as texts.
    fn extreme(&self, value: Option<Json>) -> Json {
        match value {
            None => Json::Null,
            Some(value) if matches!(self.kind, Kind::Date | Kind::DateTime) => shown(self.kind, &value),
            Some(value) if self.money => Json::text(value.to_text()),
            Some(value) => value,
        }
    }
}

/// Null, an empty text and a composite of nothing count as empty.
fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Str(text) => text.is_empty(),
        Json::Arr(items) => items.is_empty(),
        Json::Obj(members) => members.iter().all(|(_, part)| is_empty(part)),
        _ => false,
    }
}

/// The exact sum of whole numbers; `None` when there is nothing to add.
fn sum(values: impl Iterator<Item = Json>) -> Option<i128> {
    values
        .filter_map(|value| value.as_i64())
        .map(i128::from)
        .fold(None, |sum, value| Some(sum.unwrap_or(0) + value))
}

/// The sum of plain numbers; null when there is nothing to add.
#[expect(clippy::float_arithmetic, reason = "these are no amounts of money, and the server adds them so")]
fn number_sum(values: impl Iterator<Item = Json>) -> Json {
    let numbers = values.filter_map(|value| match value {
        Json::Num(number) => number.as_f64(),
        _ => None,
    });
    let sum = numbers.fold(None, |sum: Option<f64>, number| Some(sum.unwrap_or(0.0) + number));
    let text = sum.map(|sum| sum.to_string());
    text.and_then(|text| Json::parse(text.as_bytes()).ok()).unwrap_or_default()
}

/// A quotient with the sixteen places the database shows.
fn quotient(sum: i128, count: i128) -> String {
    const PLACES: i128 = 10_000_000_000_000_000;
    let scaled = sum.saturating_mul(PLACES) / count;
    let (whole, rest) = (scaled / PLACES, (scaled % PLACES).unsigned_abs());
    let sign = if scaled < 0 && whole == 0 { "-" } else { "" };
    format!("{sign}{whole}.{rest:016}")
}

/// A part of a whole as the database shows a fraction: twenty places, or a bare 0 or 1.
fn fraction(part: usize, whole: usize) -> String {
    const PLACES: u128 = 100_000_000_000_000_000_000;
    let (part, whole) = (part as u128, (whole as u128).max(1));
    let scaled = part * PLACES / whole;
    format!("{}.{:020}", scaled / PLACES, scaled % PLACES)
}
