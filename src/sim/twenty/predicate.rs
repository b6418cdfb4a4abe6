//! Filters checked against an object and evaluated on rows, with the three-valued logic of SQL.

use std::cmp::Ordering;

use uuid::Uuid;

use super::composite::{is_composite, type_name};
use super::error::Refusal;
use super::filter::Node;
use super::schema::{Kind, Object, Schema};
use super::store::{Row, Store};
use super::time::MILLISECOND;
use super::values;
use crate::sim::json::Json;

/// A filter that fits its object.
#[derive(Clone, Debug)]
pub(crate) enum Predicate {
    /// All of them.
    And(Vec<Predicate>),
    /// One of them.
    Or(Vec<Predicate>),
    /// Not this one.
    Not(Box<Predicate>),
    /// A condition on one column.
    Leaf { column: usize, part: Option<String>, kind: Kind, operator: String, operands: Vec<Json> },
    /// A condition on the record a relation points to.
    Parent { column: usize, target: usize, inner: Box<Predicate> },
    /// A condition that one of the rows pointing here must meet.
    Child { source: usize, column: usize, inner: Box<Predicate> },
}

/// Type of a part of a composite.
fn part_kind(kind: Kind, part: &str) -> Option<Kind> {
    super::emit::empty(kind).get(part)?;
    Some(match part {
        "amountMicros" | "addressLat" | "addressLng" => Kind::Numeric,
        "additionalEmails" | "additionalPhones" | "secondaryLinks" | "context" => Kind::RawJson,
        "workspaceMemberId" => Kind::Uuid,
        "source" => Kind::Select(&[
            "EMAIL",
            "CALENDAR",
            "WORKFLOW",
            "AGENT",
            "API",
            "IMPORT",
            "MANUAL",
            "SYSTEM",
            "WEBHOOK",
            "APPLICATION",
        ]),
        _ => Kind::Text,
    })
}

/// Operators a field type accepts, in the order of the error text.
fn allowed(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Text => {
            &["eq", "neq", "gt", "gte", "lt", "lte", "in", "is", "like", "ilike", "startsWith", "endsWith"]
        }
        Kind::Boolean => &["eq", "is"],
        Kind::Select(_) | Kind::Rating(_) => {
            &["eq", "neq", "gt", "gte", "lt", "lte", "in", "containsAny", "is", "isEmptyArray"]
        }
        Kind::MultiSelect(_) => &["containsAny", "is", "isEmptyArray"],
        Kind::Array => &["containsIlike", "is", "isEmptyArray"],
        Kind::RawJson | Kind::Files => &["is", "like"],
        Kind::TsVector => &["eq", "neq", "is"],
        _ => &["eq", "neq", "gt", "gte", "lt", "lte", "in", "is"],
    }
}

/// Checks a filter against an object.
pub(crate) fn bind(schema: &Schema, object: &Object, node: &Node) -> Result<Predicate, Refusal> {
    let many =
        |items: &[Node]| items.iter().map(|item| bind(schema, object, item)).collect::<Result<Vec<_>, _>>();
    match node {
        Node::And(items) => many(items).map(Predicate::And),
        Node::Or(items) => many(items).map(Predicate::Or),
        Node::Not(item) => Ok(Predicate::Not(Box::new(bind(schema, object, item)?))),
        Node::Condition { path, operator, value } => condition(schema, object, path, operator, value, 0),
    }
}

fn condition(
    schema: &Schema,
    object: &Object,
    path: &[String],
    operator: &str,
    value: &Json,
    hops: u8,
) -> Result<Predicate, Refusal> {
    let unknown = |name: &str| Refusal::unknown_field(object.singular, name);
    let Some((head, rest)) = path.split_first() else { return Err(unknown("")) };
    if !rest.is_empty()
        && let Some((column, field)) = object.field(head)
    {
        match field.kind {
            Kind::ToOne { target, .. } if hops == 0 => {
                let (target, pointed) = schema.by_plural(target).ok_or_else(|| unknown(head))?;
                let inner = Box::new(condition(schema, pointed, rest, operator, value, 1)?);
                return Ok(Predicate::Parent { column, target, inner });
            }
            Kind::ToMany { source, via } if hops == 0 => {
                let (source, pointing) = schema.by_plural(source).ok_or_else(|| unknown(head))?;
                let (column, _) = pointing.field(via).ok_or_else(|| unknown(head))?;
                let inner = Box::new(condition(schema, pointing, rest, operator, value, 1)?);
                return Ok(Predicate::Child { source, column, inner });
            }
            Kind::ToOne { .. } | Kind::ToMany { .. } => {
                return Err(Refusal::bad("Relation filter nesting deeper than 1 hop is not supported"));
            }
            _ => {}
        }
    }
    if rest.is_empty()
        && let Some((_, field)) = object.field(head)
        && let Kind::ToOne { target: other, .. } | Kind::ToMany { source: other, .. } = field.kind
    {
        // Under the name of a relation stands a filter of the other object; the operator is no field there.
        let other = schema.by_plural(other).map_or(object, |(_, other)| other);
        return Err(Refusal::unknown_field(other.singular, operator));
    }
    let (column, field) = object.column(head).ok_or_else(|| unknown(head))?;
    let (part, kind) = match (is_composite(field.kind), rest) {
        (false, []) => (None, field.kind),
        (true, [part]) => {
            (Some(part.clone()), part_kind(field.kind, part).ok_or_else(|| no_part(field.kind, part))?)
        }
        (true, []) => return Err(no_part(field.kind, operator)),
        _ => return Err(no_part(field.kind, &rest.join("."))),
    };
    let name = path.join(".");
    check_operator(&name, kind, operator)?;
    let operands = operands(object, (&name, kind), operator, value)?;
    Ok(Predicate::Leaf { column, part, kind, operator: operator.to_owned(), operands })
}

fn no_part(kind: Kind, part: &str) -> Refusal {
    Refusal::bad(format!("Sub field \"{part}\" not found for composite type: {}", type_name(kind)))
}

fn check_operator(name: &str, kind: Kind, operator: &str) -> Result<(), Refusal> {
    let allowed = allowed(kind);
    if allowed.contains(&operator) {
        return Ok(());
    }
    Err(Refusal::bad(format!(
        "Operator \"{operator}\" is not valid for field \"{name}\" of type {} - Allowed operators: {}",
        type_name(kind),
        allowed.join(", ")
    )))
}

fn operands(
    object: &Object,
    (name, kind): (&str, Kind),
    operator: &str,
    value: &Json,
) -> Result<Vec<Json>, Refusal> {
    let operand = |value: &Json| operand(object, name, kind, value);
    let refusal = |message: String| Err(Refusal::bad(message));
    match operator {
        "is" => match value.as_str() {
            Some("NULL" | "NOT_NULL") => Ok(vec![value.clone()]),
            _ => refusal(
                "Invalid filter value for \"is\" operator. Expected \"NULL\" or \"NOT_NULL\"".to_owned(),
            ),
        },
        "in" | "containsAny" => {
            let Some(items) = value.as_array() else {
                return refusal(format!(
                    "Filter operator \"{operator}\" requires an array value for field {name}"
                ));
            };
            if operator == "containsAny" {
                return Ok(items.to_vec());
            }
            items.iter().map(operand).collect()
        }
        "isEmptyArray" => match value {
            Json::Bool(_) => Ok(vec![value.clone()]),
            _ => {
                refusal(format!("Filter operator \"isEmptyArray\" requires a boolean value for field {name}"))
            }
        },
        "like" | "ilike" | "startsWith" | "endsWith" | "containsIlike" => match value {
            Json::Str(_) => Ok(vec![value.clone()]),
            other => {
                let kind = match other {
                    Json::Num(_) => "number",
                    Json::Bool(_) => "boolean",
                    _ => "object",
                };
                refusal(format!(
                    "Filter operator \"{operator}\" requires a string value for field \"{name}\", got {kind}"
                ))
            }
        },
        _ => Ok(vec![operand(value)?]),
    }
}

fn operand(object: &Object, name: &str, kind: Kind, value: &Json) -> Result<Json, Refusal> {
    if value.is_null() {
        return Ok(Json::Null);
    }
    match kind {
        Kind::Uuid | Kind::ToOne { .. } => values::uuid(name, value),
        Kind::DateTime => values::instant(name, value),
        Kind::Date => values::date(name, value),
        Kind::Select(options) | Kind::Rating(options) => option(object, name, options, value),
        Kind::Number | Kind::Numeric | Kind::Position => number(name, value),
        Kind::Boolean => boolean(name, value),
        Kind::Text => Ok(value.as_str().map_or_else(|| Json::text(value.to_text()), Json::text)),
        _ => Ok(value.clone()),
    }
}

/// The database refuses an option it does not know; nobody looks at it before.
fn option(object: &Object, name: &str, options: &[&str], value: &Json) -> Result<Json, Refusal> {
    let text = value.as_str().unwrap_or_default();
    if options.contains(&text) {
        return Ok(value.clone());
    }
    let column = name.rsplit('.').next().unwrap_or(name);
    let table = super::relation::table_name(object);
    Err(Refusal::bad(format!("invalid input value for enum \"{table}_{column}_enum\": \"{text}\"")))
}

/// As `parseFloat` reads it: as much of the front as is a number.
fn number(name: &str, value: &Json) -> Result<Json, Refusal> {
    let Some(text) = value.as_str() else { return values::number(name, value) };
    let text = text.trim_start();
    let front = (1..=text.len()).rev().filter_map(|end| text.get(..end));
    let parsed = front.filter(|front| front.ends_with(|last: char| last.is_ascii_digit() || last == '.'));
    let mut parsed = parsed.map(|front| front.trim_start_matches('+').trim_end_matches('.'));
    let found = parsed.find_map(|front| front.parse::<serde_json::Number>().ok());
    found.map(Json::Num).ok_or_else(|| Refusal::bad(format!("Invalid number value NaN for field \"{name}\"")))
}

fn boolean(name: &str, value: &Json) -> Result<Json, Refusal> {
    match value.as_str() {
        Some("true") => Ok(Json::Bool(true)),
        Some("false") => Ok(Json::Bool(false)),
        _ if value.as_bool().is_some() => Ok(value.clone()),
        _ => Err(Refusal::bad(format!("Invalid boolean value {} for field \"{name}\"", value.inspect()))),
    }
}

/// True when a `deletedAt` condition stands at the root or inside a conjunction: then rows in the
/// bin take part in the query.
pub(crate) fn sees_deleted(node: &Node) -> bool {
    match node {
        Node::And(items) | Node::Or(items) => items.iter().any(sees_deleted),
        Node::Not(item) => sees_deleted(item),
        Node::Condition { path, .. } => path.first().is_some_and(|head| head == "deletedAt"),
    }
}

impl Predicate {
    /// Whether the row meets the filter; an unknown counts as no.
    pub(crate) fn holds(&self, store: &Store, row: &Row) -> bool {
        self.eval(store, row) == Some(true)
    }

    fn eval(&self, store: &Store, row: &Row) -> Option<bool> {
        match self {
            Self::And(items) => fold(items, store, row, false),
            Self::Or(items) => fold(items, store, row, true),
            Self::Not(item) => item.eval(store, row).map(|met| !met),
            Self::Leaf { column, part, kind, operator, operands } => {
                let cell = row.cell(*column);
                let cell = part.as_ref().map_or(Some(cell), |part| cell.get(part)).unwrap_or(&Json::Null);
                leaf((*kind, store.raw_instants), operator, cell, operands)
            }
            Self::Parent { column, target, inner } => {
                let id = Uuid::parse_str(row.cell(*column).as_str()?).ok()?;
                inner.eval(store, store.table(*target).get(id)?)
            }
            Self::Child { source, column, inner } => {
                let wanted = Json::text(row.id.to_string());
                let mut rows = store.table(*source).rows().values();
                Some(rows.any(|child| child.cell(*column) == &wanted && inner.holds(store, child)))
            }
        }
    }
}

/// `and` when `decisive` is false, `or` when it is true.
fn fold(items: &[Predicate], store: &Store, row: &Row, decisive: bool) -> Option<bool> {
    let mut result = Some(!decisive);
    for item in items {
        match item.eval(store, row) {
            Some(met) if met == decisive => return Some(decisive),
            Some(_) => {}
            None => result = None,
        }
    }
    result
}

fn leaf((kind, raw): (Kind, bool), operator: &str, cell: &Json, operands: &[Json]) -> Option<bool> {
    let text_like = matches!(kind, Kind::Text);
    let empty = match cell {
        Json::Null => true,
        Json::Str(text) => text_like && text.is_empty(),
        Json::Arr(items) => items.is_empty(),
        _ => false,
    };
    let first = operands.first().unwrap_or(&Json::Null);
    match operator {
        "is" => return Some(empty == (first.as_str() == Some("NULL"))),
        "isEmptyArray" => return Some(empty),
        "containsAny" | "containsIlike" if !empty => return Some(contains(operator, cell, operands)),
        _ => {}
    }
    // Empty text and null are one value for equality.
    if text_like && empty {
        return match operator {
            "eq" => Some(first.as_str() == Some("")),
            "in" => Some(operands.iter().any(|operand| operand.as_str() == Some(""))),
            _ => None,
        };
    }
    if empty {
        return None;
    }
    Some(match operator {
        "eq" => compare((kind, raw), cell, first) == Ordering::Equal,
        "neq" => compare((kind, raw), cell, first) != Ordering::Equal,
        "gt" => compare((kind, raw), cell, first) == Ordering::Greater,
        "gte" => compare((kind, raw), cell, first) != Ordering::Less,
        "lt" => compare((kind, raw), cell, first) == Ordering::Less,
        "lte" => compare((kind, raw), cell, first) != Ordering::Greater,
        "in" => operands.iter().any(|operand| compare((kind, raw), cell, operand) == Ordering::Equal),
        "startsWith" => cell.as_str()?.starts_with(first.as_str()?),
        "endsWith" => cell.as_str()?.ends_with(first.as_str()?),
        "like" => like(&as_text(cell), first.as_str()?),
        _ => like(&as_text(cell).to_lowercase(), &first.as_str()?.to_lowercase()),
    })
}

/// Whether a list (or a single option) holds one of the operands.
fn contains(operator: &str, cell: &Json, operands: &[Json]) -> bool {
    let items = cell.as_array().unwrap_or(std::slice::from_ref(cell));
    let lower = |value: &Json| value.as_str().unwrap_or_default().to_lowercase();
    items.iter().any(|item| match operator {
        "containsAny" => operands.contains(item),
        _ => operands.iter().any(|operand| like(&lower(item), &lower(operand))),
    })
}

/// The value cast to text, as `like` sees it.
fn as_text(cell: &Json) -> String {
    cell.as_str().map_or_else(|| cell.to_postgres(), str::to_owned)
}

/// Order of a stored value against a filter value.
///
/// Instants are stored in microseconds but written in milliseconds, so all microseconds of the
/// written millisecond count as equal to it.
fn compare((kind, raw): (Kind, bool), cell: &Json, operand: &Json) -> Ordering {
    match kind {
        Kind::DateTime if !raw => {
            let floor = |value: &Json| value.as_i64().map(|micros| micros.div_euclid(MILLISECOND));
            floor(cell).cmp(&floor(operand))
        }
        // An enum sorts by its definition, not by its letters.
        Kind::Select(options) | Kind::Rating(options) => {
            let place = |value: &Json| options.iter().position(|option| value.as_str() == Some(*option));
            place(cell).cmp(&place(operand))
        }
        _ => order(cell, operand),
    }
}

/// Plain order of two values of one type.
pub(crate) fn order(left: &Json, right: &Json) -> Ordering {
    match (left, right) {
        (Json::Num(left), Json::Num(right)) => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => left.as_f64().partial_cmp(&right.as_f64()).unwrap_or(Ordering::Equal),
        },
        (Json::Str(left), Json::Str(right)) => left.cmp(right),
        (Json::Bool(left), Json::Bool(right)) => left.cmp(right),
        _ => Ordering::Equal,
    }
}

/// SQL `like`: `%` stands for any run of characters, `_` for one.
fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut at, mut on) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(on) {
            Some('%') => {
                retry = Some((on + 1, at));
                on += 1;
            }
            Some(letter) if *letter == '_' || text.get(at) == Some(letter) => {
                at += 1;
                on += 1;
            }
            _ => match retry {
                Some((after, from)) => {
                    retry = Some((after, from + 1));
                    on = after;
                    at = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(on..).unwrap_or_default().iter().all(|letter| *letter == '%')
}

#[cfg(test)]
mod tests {
    use super::{Json, Kind, leaf, like};

    #[test]
    fn like_knows_both_wildcards() {
        assert!(like("Jones", "J%"));
        assert!(like("lee.jones@example.com", "%jones%"));
        assert!(like("Jones", "J_nes"));
        assert!(!like("Jones", "jones"));
        assert!(!like("Jones", "J_es"));
    }

    #[test]
    fn a_written_millisecond_holds_all_its_microseconds() {
        let stored = Json::int(1_000_596_919);
        let written = [Json::int(1_000_596_000)];
        let met = |operator: &str| leaf((Kind::DateTime, false), operator, &stored, &written);
        assert_eq!(met("eq"), Some(true));
        assert_eq!(met("gte"), Some(true));
        assert_eq!(met("lte"), Some(true));
        assert_eq!(met("gt"), Some(false));
        assert_eq!(met("lt"), Some(false));
        // Older servers compare the microseconds, so that a value read is never found again.
        assert_eq!(leaf((Kind::DateTime, true), "eq", &stored, &written), Some(false));
    }

    #[test]
    fn empty_text_equals_null_and_null_is_unknown_otherwise() {
        assert_eq!(leaf((Kind::Text, false), "eq", &Json::Null, &[Json::text("")]), Some(true));
        assert_eq!(leaf((Kind::Text, false), "is", &Json::text(""), &[Json::text("NULL")]), Some(true));
        assert_eq!(leaf((Kind::Text, false), "neq", &Json::Null, &[Json::text("x")]), None);
    }
}
