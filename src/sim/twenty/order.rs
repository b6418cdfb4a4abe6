//! `order_by=` and the cursors that depend on it.

use std::cmp::Ordering;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};

use super::composite::is_composite;
use super::error::Refusal;
use super::predicate::order;
use super::schema::{Kind, Object, Schema};
use super::store::{Row, Store};
use super::time::{MILLISECOND, parse_instant};
use super::values::shown;
use crate::sim::json::{Json, Key};

/// Directions the API knows.
const DIRECTIONS: [&str; 4] = ["AscNullsFirst", "AscNullsLast", "DescNullsFirst", "DescNullsLast"];

/// One `order_by` element as written.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    path: Vec<String>,
    descending: bool,
    nulls_first: bool,
}

impl Wish {
    /// A wish from a path and the name of a direction; `None` for a direction nobody knows.
    pub(crate) fn new(path: Vec<String>, direction: &str) -> Option<Self> {
        DIRECTIONS.contains(&direction).then(|| Self {
            path,
            descending: direction.starts_with("Desc"),
            nulls_first: direction.ends_with("First"),
        })
    }
}

/// One sort key that fits its object.
#[derive(Clone, Debug)]
pub(crate) struct SortKey {
    column: usize,
    name: Key,
    /// The table a relation leads to and the column there.
    hop: Option<(usize, usize, &'static str)>,
    part: Option<String>,
    kind: Kind,
    descending: bool,
    nulls_first: bool,
}

/// Reads `order_by`.
pub(crate) fn parse(text: &str) -> Result<Vec<Wish>, Refusal> {
    text.split(',').map(parse_one).collect()
}

fn parse_one(item: &str) -> Result<Wish, Refusal> {
    let (path, direction) = match item.split_once('[') {
        Some((path, rest)) if rest.contains(']') => (path, rest.replacen(']', "", 1)),
        _ => (item, "AscNullsFirst".to_owned()),
    };
    Wish::new(path.split('.').map(str::to_owned).collect(), &direction).ok_or_else(|| {
        let known = DIRECTIONS.map(|name| format!("'{name}'")).join(", ");
        Refusal::bad(format!(
            "'order_by' direction '{direction}' invalid. Allowed values are {known}. eg: ?order_by=field_1[AscNullsFirst],field_2[DescNullsLast],field_3"
        ))
    })
}

/// Checks the wishes against an object and appends the id, which makes every order total.
pub(crate) fn bind(schema: &Schema, object: &Object, wishes: &[Wish]) -> Result<Vec<SortKey>, Refusal> {
    let mut keys = wishes.iter().map(|wish| bind_one(schema, object, wish)).collect::<Result<Vec<_>, _>>()?;
    if !keys.iter().any(|key| key.hop.is_none() && key.column == object.columns.id) {
        keys.push(SortKey {
            column: object.columns.id,
            name: Key::Borrowed("id"),
            hop: None,
            part: None,
            kind: Kind::Uuid,
            descending: false,
            nulls_first: true,
        });
    }
    Ok(keys)
}

fn bind_one(schema: &Schema, object: &Object, wish: &Wish) -> Result<SortKey, Refusal> {
    let (head, rest) =
        wish.path.split_first().map_or(("", [].as_slice()), |(head, rest)| (head.as_str(), rest));
    let unsortable =
        || Refusal::coded("FIELD_NOT_FOUND", format!("Field \"{head}\" does not exist or is not sortable"));
    if let Some((column, field)) = object.field(head)
        && matches!(field.kind, Kind::ToOne { .. } | Kind::ToMany { .. })
    {
        return bind_hop(schema, (column, field.kind), wish, rest);
    }
    let (column, field) = object.column(head).ok_or_else(unsortable)?;
    let (part, kind) = bind_part(head, field.kind, rest)?;
    let name = field.column.clone();
    Ok(SortKey {
        column,
        name,
        hop: None,
        part,
        kind,
        descending: wish.descending,
        nulls_first: wish.nulls_first,
    })
}

/// The part and type of a field that is sorted by.
fn bind_part(name: &str, kind: Kind, rest: &[String]) -> Result<(Option<String>, Kind), Refusal> {
    if !is_composite(kind) {
        return match rest {
            [] => Ok((None, kind)),
            _ => Err(Refusal::coded(
                "INVALID_QUERY_INPUT",
                format!(
                    "Scalar field \"{name}\" requires a direction value (AscNullsFirst, AscNullsLast, DescNullsFirst, DescNullsLast)"
                ),
            )),
        };
    }
    let Some(part) = rest.first() else {
        return Err(Refusal::coded(
            "INVALID_QUERY_INPUT",
            format!(
                "Composite field \"{name}\" requires subfield ordering (e.g., {{ {name}: {{ subFieldName: 'AscNullsFirst' }} }})"
            ),
        ));
    };
    let empty = super::emit::empty(kind);
    if empty.get(part).is_none() {
        let kind = super::composite::type_name(kind);
        return Err(Refusal::plain(format!("Sub field metadata not found for composite type: {kind}")));
    }
    let number = matches!(part.as_str(), "amountMicros" | "addressLat" | "addressLng");
    Ok((Some(part.clone()), if number { Kind::Number } else { Kind::Text }))
}

/// A sort key on the record a relation points to.
fn bind_hop(
    schema: &Schema,
    (column, kind): (usize, Kind),
    wish: &Wish,
    rest: &[String],
) -> Result<SortKey, Refusal> {
    let head = wish.path.first().map(String::as_str).unwrap_or_default();
    let needs_path = || {
        Refusal::coded(
            "INVALID_QUERY_INPUT",
            format!(
                "Relation field \"{head}\" requires nested field ordering (e.g., {{ {head}: {{ fieldName: 'AscNullsFirst' }} }})"
            ),
        )
    };
    let (nested, parts) = rest.split_first().ok_or_else(needs_path)?;
    let target = match kind {
        Kind::ToOne { target, .. } => schema.by_plural(target),
        Kind::ToMany { source, .. } => schema.by_plural(source),
        _ => None,
    };
    let (table, object) = target.ok_or_else(needs_path)?;
    let (inner, field) = object.field(nested).ok_or_else(|| {
        Refusal::coded(
            "FIELD_NOT_FOUND",
            format!("Nested field \"{nested}\" not found in target object \"{}\"", object.singular),
        )
    })?;
    if is_composite(field.kind) && parts.is_empty() {
        return Err(Refusal::coded(
            "INVALID_QUERY_INPUT",
            format!("Composite field \"{nested}\" requires a subfield to be specified"),
        ));
    }
    let (part, kind) = bind_part(nested, field.kind, parts)?;
    Ok(SortKey {
        column,
        name: Key::Owned(head.to_owned()),
        hop: Some((table, inner, field.name)),
        part,
        kind,
        descending: wish.descending,
        nulls_first: wish.nulls_first,
    })
}

impl SortKey {
    /// The value a row is sorted by.
    fn value<'a>(&self, store: &'a Store, row: &'a Row) -> &'a Json {
        const NULL: &Json = &Json::Null;
        let cell = match self.hop {
            None => row.cell(self.column),
            Some((table, inner, _)) => {
                let id = row.cell(self.column).as_str().and_then(|text| uuid::Uuid::parse_str(text).ok());
                id.and_then(|id| store.table(table).get(id)).map_or(NULL, |row| row.cell(inner))
            }
        };
        let value = self.part.as_ref().map_or(cell, |part| cell.get(part).unwrap_or(NULL));
        // Empty text is stored as null.
        if value.as_str() == Some("") { NULL } else { value }
    }

    /// True when the key is the id, ascending: the order in which the table is kept.
    pub(crate) fn is_id_ascending(&self, object: &Object) -> bool {
        self.hop.is_none() && self.column == object.columns.id && !self.descending
    }

    fn ranked(&self, left: &Json, right: &Json, plain: impl Fn(&Json, &Json) -> Ordering) -> Ordering {
        rank(left, right, (self.descending, self.nulls_first), plain)
    }

    /// Sorting folds letter case.
    fn compare_rows(&self, store: &Store, left: &Row, right: &Row) -> Ordering {
        self.ranked(self.value(store, left), self.value(store, right), |left, right| match (left, right) {
            (Json::Str(left), Json::Str(right)) if matches!(self.kind, Kind::Text) => {
                left.to_lowercase().cmp(&right.to_lowercase())
            }
            _ => order(left, right),
        })
    }

    /// Cursors hold milliseconds and raw text, unlike sorting; this mismatch makes pages repeat or
    /// skip rows, on the real server too.
    fn compare_cursor(&self, store: &Store, row: &Row, cursor: &Json) -> Ordering {
        let cursor = match self.kind {
            Kind::DateTime => cursor.as_str().and_then(parse_instant).map_or(Json::Null, Json::int),
            _ => cursor.clone(),
        };
        self.ranked(self.value(store, row), &cursor, |left, right| {
            match (self.kind, left.as_i64(), right.as_i64()) {
                (Kind::DateTime, Some(left), Some(right)) => {
                    left.div_euclid(MILLISECOND).cmp(&right.div_euclid(MILLISECOND))
                }
                _ => order(left, right),
            }
        })
    }
}

/// Order of two values with nulls at one end.
fn rank(
    left: &Json,
    right: &Json,
    (descending, nulls_first): (bool, bool),
    plain: impl Fn(&Json, &Json) -> Ordering,
) -> Ordering {
    match (left.is_null(), right.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) if nulls_first => Ordering::Less,
        (true, false) => Ordering::Greater,
        (false, true) if nulls_first => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) if descending => plain(right, left),
        (false, false) => plain(left, right),
    }
}

/// Order of two values of a group; digits count as numbers, as aggregates are texts.
pub(crate) fn ranked(left: &Json, right: &Json, descending: bool, nulls_first: bool) -> Ordering {
    let number = |value: &Json| value.as_str().and_then(|text| text.parse::<i128>().ok());
    rank(left, right, (descending, nulls_first), |left, right| match (number(left), number(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => order(left, right),
    })
}

/// Order of two rows.
pub(crate) fn compare(store: &Store, keys: &[SortKey], left: &Row, right: &Row) -> Ordering {
    keys.iter()
        .map(|key| key.compare_rows(store, left, right))
        .find(|found| found.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Order of a row against a cursor.
pub(crate) fn compare_cursor(store: &Store, keys: &[SortKey], row: &Row, cursor: &Json) -> Ordering {
    keys.iter()
        .map(|key| {
            let value = cursor.get(&key.name).unwrap_or(&Json::Null);
            let value = key.hop.map_or(Some(value), |(_, _, name)| value.get(name)).unwrap_or(&Json::Null);
            let value = key.part.as_ref().map_or(Some(value), |part| value.get(part)).unwrap_or(&Json::Null);
            key.compare_cursor(store, row, value)
        })
        .find(|found| found.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// The cursor of a row: its sort values, base64 of JSON.
pub(crate) fn cursor(store: &Store, keys: &[SortKey], row: &Row) -> String {
    let mut object = Json::Obj(Vec::new());
    for key in keys {
        let mut value = shown(key.kind, key.value(store, row));
        if let Some((_, _, name)) = key.hop {
            if let Some(part) = &key.part {
                value = Json::Obj(vec![(Key::Owned(part.clone()), value)]);
            }
            object.set(key.name.clone(), Json::Obj(vec![(Key::Borrowed(name), value)]));
            continue;
        }
        match &key.part {
            None => object.set(key.name.clone(), value),
            Some(part) => match object.get_mut(&key.name) {
                Some(parts) => parts.set(part.clone(), value),
                None => object.set(key.name.clone(), Json::Obj(vec![(Key::Owned(part.clone()), value)])),
            },
        }
    }
    general_purpose::STANDARD.encode(object.to_text())
}

/// Reads a cursor; both alphabets and missing padding are accepted, as `Buffer.from` does.
pub(crate) fn decode(text: &str) -> Result<Json, Refusal> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let plain: String = text
        .chars()
        .map(|letter| match letter {
            // A plus sign that was not encoded in the URL arrives as a blank.
            '-' | ' ' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    let bytes = GeneralPurpose::new(&STANDARD, LENIENT).decode(plain.trim_end_matches('=')).ok();
    let json = bytes.and_then(|bytes| Json::parse(&bytes).ok()).filter(|json| json.as_object().is_some());
    json.ok_or_else(|| Refusal::bad(format!("Invalid cursor: {text}")))
}

/// A cursor works only with the order it was made for.
pub(crate) fn check_cursor(keys: &[SortKey], cursor: &Json) -> Result<(), Refusal> {
    let members = cursor.as_object().unwrap_or_default();
    let named = |key: &SortKey| members.iter().any(|(name, _)| *name == key.name);
    let known = |name: &Key| keys.iter().any(|key| key.name == *name);
    if keys.iter().all(named) && members.iter().all(|(name, _)| known(name)) {
        Ok(())
    } else {
        Err(Refusal::coded("INVALID_CURSOR", "Invalid cursor"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Json, bind, check_cursor, decode, parse};
    use crate::sim::twenty::schema::Schema;

    #[test]
    fn a_cursor_can_be_forged() {
        let forged =
            decode("eyJpZCI6IjIwMjAyMDIwLWIwMDAtNDQ4NS05NGRlLTcwYzJhOThkYWVmMiJ9").expect("a cursor");
        assert_eq!(forged.get("id"), Some(&Json::text("20202020-b000-4485-94de-70c2a98daef2")));
        assert!(decode("garbage").is_err());
    }

    #[test]
    fn a_cursor_belongs_to_its_order() {
        let schema = Schema::recorded();
        let (_, person) = schema.by_plural("people").expect("people");
        let by_id = bind(&schema, person, &[]).expect("the default order");
        let by_name = bind(&schema, person, &parse("name.lastName").expect("an order")).expect("sortable");
        let cursor = Json::object([("id", Json::text("x"))]);
        assert!(check_cursor(&by_id, &cursor).is_ok());
        assert!(check_cursor(&by_name, &cursor).is_err());
    }

    #[test]
    fn a_bare_composite_cannot_be_sorted() {
        let schema = Schema::recorded();
        let (_, person) = schema.by_plural("people").expect("people");
        assert!(bind(&schema, person, &parse("name").expect("an order")).is_err());
        assert!(bind(&schema, person, &parse("nosuch").expect("an order")).is_err());
        assert!(parse("name.lastName[Asc]").is_err());
    }
}
