//! `order_by=` and the cursors that depend on it.

use std::cmp::Ordering;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};

use super::composite::is_composite;
use super::error::Refusal;
use super::predicate::order;
use super::schema::{Kind, Object};
use super::store::Row;
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

/// One sort key that fits its object.
#[derive(Clone, Debug)]
pub(crate) struct SortKey {
    column: usize,
    name: Key,
    part: Option<String>,
    kind: Kind,
    descending: bool,
    nulls_first: bool,
}

/// Reads `order_by`.
pub(crate) fn parse(text: &str) -> Result<Vec<Wish>, Refusal> {
    text.split(',').filter(|item| !item.is_empty()).map(parse_one).collect()
}

fn parse_one(item: &str) -> Result<Wish, Refusal> {
    let (path, direction) = match item.split_once('[') {
        Some((path, rest)) => (path, rest.strip_suffix(']').unwrap_or(rest)),
        None => (item, "AscNullsFirst"),
    };
    if !DIRECTIONS.contains(&direction) {
        let known = DIRECTIONS.map(|name| format!("'{name}'")).join(", ");
        return Err(Refusal::bad(format!(
            "'order_by' direction '{direction}' invalid. Allowed values are {known}. eg: ?order_by=field_1[AscNullsFirst],field_2[DescNullsLast],field_3"
        )));
    }
    Ok(Wish {
        path: path.split('.').map(str::to_owned).collect(),
        descending: direction.starts_with("Desc"),
        nulls_first: direction.ends_with("First"),
    })
}

/// Checks the wishes against an object and appends the id, which makes every order total.
pub(crate) fn bind(object: &Object, wishes: &[Wish]) -> Result<Vec<SortKey>, Refusal> {
    let mut keys = wishes.iter().map(|wish| bind_one(object, wish)).collect::<Result<Vec<_>, _>>()?;
    if !keys.iter().any(|key| key.column == object.columns.id) {
        keys.push(SortKey {
            column: object.columns.id,
            name: Key::Borrowed("id"),
            part: None,
            kind: Kind::Uuid,
            descending: false,
            nulls_first: true,
        });
    }
    Ok(keys)
}

fn bind_one(object: &Object, wish: &Wish) -> Result<SortKey, Refusal> {
    let (head, rest) =
        wish.path.split_first().map_or(("", [].as_slice()), |(head, rest)| (head.as_str(), rest));
    let unsortable =
        || Refusal::coded("FIELD_NOT_FOUND", format!("Field \"{head}\" does not exist or is not sortable"));
    let (column, field) = object.column(head).ok_or_else(unsortable)?;
    if matches!(field.kind, Kind::TsVector | Kind::ToMany { .. }) {
        return Err(unsortable());
    }
    let part = rest.first().cloned();
    let mut kind = field.kind;
    if is_composite(field.kind) {
        let known = part.as_ref().filter(|part| super::emit::empty(field.kind).get(part).is_some());
        if known.is_none() {
            return Err(Refusal::coded(
                "INVALID_QUERY_INPUT",
                format!(
                    "Composite field \"{head}\" requires subfield ordering (e.g., {{ {head}: {{ subFieldName: 'AscNullsFirst' }} }})"
                ),
            ));
        }
        kind = if part.as_deref() == Some("amountMicros") { Kind::Number } else { Kind::Text };
    } else if part.is_some() {
        return Err(unsortable());
    }
    Ok(SortKey {
        column,
        name: field.column.clone(),
        part,
        kind,
        descending: wish.descending,
        nulls_first: wish.nulls_first,
    })
}

impl SortKey {
    /// The value a row is sorted by.
    fn value<'a>(&self, row: &'a Row) -> &'a Json {
        const NULL: &Json = &Json::Null;
        let cell = row.cell(self.column);
        let value = self.part.as_ref().map_or(cell, |part| cell.get(part).unwrap_or(NULL));
        // Empty text is stored as null.
        if value.as_str() == Some("") { NULL } else { value }
    }

    /// True when the key is the id, ascending: the order in which the table is kept.
    pub(crate) fn is_id_ascending(&self, object: &Object) -> bool {
        self.column == object.columns.id && !self.descending
    }

    fn ranked(&self, left: &Json, right: &Json, plain: impl Fn(&Json, &Json) -> Ordering) -> Ordering {
        match (left.is_null(), right.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) if self.nulls_first => Ordering::Less,
            (true, false) => Ordering::Greater,
            (false, true) if self.nulls_first => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) if self.descending => plain(right, left),
            (false, false) => plain(left, right),
        }
    }

    /// Sorting folds letter case.
    fn compare_rows(&self, left: &Row, right: &Row) -> Ordering {
        self.ranked(self.value(left), self.value(right), |left, right| match (left, right) {
            (Json::Str(left), Json::Str(right)) if matches!(self.kind, Kind::Text) => {
                left.to_lowercase().cmp(&right.to_lowercase())
            }
            _ => order(left, right),
        })
    }

    /// Cursors hold milliseconds and raw text, unlike sorting; this mismatch makes pages repeat or
    /// skip rows, on the real server too.
    fn compare_cursor(&self, row: &Row, cursor: &Json) -> Ordering {
        let cursor = match self.kind {
            Kind::DateTime => cursor.as_str().and_then(parse_instant).map_or(Json::Null, Json::int),
            _ => cursor.clone(),
        };
        self.ranked(self.value(row), &cursor, |left, right| {
            match (self.kind, left.as_i64(), right.as_i64()) {
                (Kind::DateTime, Some(left), Some(right)) => {
                    left.div_euclid(MILLISECOND).cmp(&right.div_euclid(MILLISECOND))
                }
                _ => order(left, right),
            }
        })
    }
}

/// Order of two rows.
pub(crate) fn compare(keys: &[SortKey], left: &Row, right: &Row) -> Ordering {
    keys.iter()
        .map(|key| key.compare_rows(left, right))
        .find(|found| found.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Order of a row against a cursor.
pub(crate) fn compare_cursor(keys: &[SortKey], row: &Row, cursor: &Json) -> Ordering {
    keys.iter()
        .map(|key| {
            let value = cursor.get(&key.name).unwrap_or(&Json::Null);
            let value = key.part.as_ref().map_or(Some(value), |part| value.get(part)).unwrap_or(&Json::Null);
            key.compare_cursor(row, value)
        })
        .find(|found| found.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// The cursor of a row: its sort values, base64 of JSON.
pub(crate) fn cursor(keys: &[SortKey], row: &Row) -> String {
    let mut object = Json::Obj(Vec::new());
    for key in keys {
        let value = shown(key.kind, key.value(row));
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
        let by_id = bind(person, &[]).expect("the default order");
        let by_name = bind(person, &parse("name.lastName").expect("an order")).expect("sortable");
        let cursor = Json::object([("id", Json::text("x"))]);
        assert!(check_cursor(&by_id, &cursor).is_ok());
        assert!(check_cursor(&by_name, &cursor).is_err());
    }

    #[test]
    fn a_bare_composite_cannot_be_sorted() {
        let schema = Schema::recorded();
        let (_, person) = schema.by_plural("people").expect("people");
        assert!(bind(person, &parse("name").expect("an order")).is_err());
        assert!(bind(person, &parse("nosuch").expect("an order")).is_err());
        assert!(parse("name.lastName[Asc]").is_err());
    }
}
