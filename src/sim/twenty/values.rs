//! Scalar input: what a field accepts, what it refuses and in which words, and what it stores.

use serde_json::Number;
use uuid::Uuid;

use super::composite;
use super::error::Refusal;
use super::schema::{Field, Kind};
use super::time::{parse_day, parse_instant, to_iso};
use crate::sim::json::Json;

/// Reads a UUID by the server's rule: versions 1 to 5 and the standard variant only, so a
/// version 7 id is refused everywhere.
pub(crate) fn parse_uuid(text: &str) -> Option<Uuid> {
    let shape = text.len() == 36 && text.is_ascii();
    let bytes = text.as_bytes();
    let version = matches!(bytes.get(14), Some(b'1'..=b'5'));
    let variant = matches!(bytes.get(19), Some(b'8' | b'9' | b'a' | b'b' | b'A' | b'B'));
    (shape && version && variant).then(|| Uuid::try_parse(text).ok()).flatten()
}

/// The value to store for a field, given what the request says and what is stored now.
///
/// `old` is `None` on a create; composites need it because a partial update keeps some parts and
/// loses others.
pub(crate) fn bind(field: &Field, value: &Json, old: Option<&Json>) -> Result<Json, Refusal> {
    if matches!(field.kind, Kind::TsVector | Kind::ToMany { .. }) {
        return Err(not_writable(field));
    }
    if value.is_null() {
        // A null composite changes nothing on an update; to clear one its parts must be sent.
        let kept = if composite::is_composite(field.kind) { old.cloned() } else { None };
        return Ok(kept.unwrap_or_default());
    }
    let name = field.column.as_ref();
    match field.kind {
        Kind::Text => text(name, value),
        Kind::Number => number(name, value),
        Kind::Numeric => numeric(name, value),
        Kind::Position => position(name, value),
        Kind::Boolean => boolean(name, value),
        Kind::Date => date(name, value),
        Kind::DateTime => instant(name, value),
        Kind::Select(options) | Kind::Rating(options) => select(name, options, value),
        Kind::MultiSelect(options) => multi_select(name, options, value),
        Kind::Array => array(name, value),
        Kind::Uuid | Kind::ToOne { .. } => uuid(name, value),
        Kind::RawJson => raw_json(name, value),
        Kind::Files => files(field, value),
        _ => composite::bind(field, value, old),
    }
}

fn not_writable(field: &Field) -> Refusal {
    match field.kind {
        Kind::ToMany { .. } => Refusal::bad(format!(
            "One-to-many relation {} field does not support write operations.",
            field.name
        )),
        kind => Refusal::bad(format!(
            "{} {}-typed field does not support write operations",
            field.name,
            composite::type_name(kind)
        )),
    }
}

/// Text; the empty string is stored as null and shown as empty again.
pub(crate) fn text(name: &str, value: &Json) -> Result<Json, Refusal> {
    match value {
        Json::Null => Ok(Json::Null),
        Json::Str(text) if text.is_empty() => Ok(Json::Null),
        Json::Str(text) => Ok(Json::Str(text.clone())),
        other => {
            Err(Refusal::bad(format!("Invalid string value {} for text field \"{name}\"", other.inspect())))
        }
    }
}

/// A number; a numeric string is not one.
pub(crate) fn number(name: &str, value: &Json) -> Result<Json, Refusal> {
    match value {
        Json::Num(number) => Ok(Json::Num(whole(number))),
        other => Err(Refusal::bad(format!("Invalid number value {} for field \"{name}\"", other.inspect()))),
    }
}

/// `5.0` and `5` are one number in JavaScript and both are shown as `5`.
fn whole(number: &Number) -> Number {
    let text = number.to_string();
    let plain = text.strip_suffix(".0").and_then(|digits| digits.parse::<i64>().ok());
    plain.map_or_else(|| number.clone(), Number::from)
}

fn position(name: &str, value: &Json) -> Result<Json, Refusal> {
    match value {
        // The caller turns the words into a number, as that needs the table.
        Json::Str(word) if word == "first" || word == "last" => Ok(value.clone()),
        Json::Num(number) => Ok(Json::Num(whole(number))),
        other => {
            Err(Refusal::bad(format!("Invalid position value {} for field \"{name}\"", other.inspect())))
        }
    }
}

/// A number or a text that JavaScript reads as one; an empty text is none at all.
pub(crate) fn numeric(name: &str, value: &Json) -> Result<Json, Refusal> {
    let invalid = || Refusal::bad(format!("Invalid number value NaN for field \"{name}\""));
    match value {
        Json::Null => Ok(Json::Null),
        Json::Num(number) => Ok(Json::Num(whole(number))),
        Json::Bool(flag) => Ok(Json::int(i64::from(*flag))),
        Json::Str(text) if text.is_empty() => Ok(Json::Null),
        Json::Str(text) => text.trim().parse().map(|number| Json::Num(whole(&number))).map_err(|_| invalid()),
        _ => Err(invalid()),
    }
}

/// A list of texts; a single text counts as a list of one, an empty list as none.
fn array(name: &str, value: &Json) -> Result<Json, Refusal> {
    let refusal = || {
        let shown = value.inspect();
        Refusal::bad(format!("Invalid value {shown} for field \"{name} - Array values need to be string\""))
    };
    match value {
        Json::Str(_) => Ok(Json::Arr(vec![value.clone()])),
        Json::Arr(items) if items.iter().any(|item| item.as_str().is_none()) => Err(refusal()),
        Json::Arr(items) if items.is_empty() => Ok(Json::Null),
        Json::Arr(_) => Ok(value.clone()),
        _ => Err(refusal()),
    }
}

fn multi_select(name: &str, options: &[&str], value: &Json) -> Result<Json, Refusal> {
    let list = array(name, value)?;
    let known = |item: &Json| item.as_str().is_some_and(|text| options.contains(&text));
    if list.as_array().unwrap_or_default().iter().all(known) {
        return Ok(list);
    }
    let shown = value.inspect();
    Err(Refusal::bad(format!("Invalid value {shown} for multi select field \"{name}\"")))
}

/// Any object, list, or text that holds JSON; an empty object counts as none.
fn raw_json(name: &str, value: &Json) -> Result<Json, Refusal> {
    let parsed = match value {
        Json::Str(text) => Json::parse(text.as_bytes()).ok(),
        Json::Obj(_) | Json::Arr(_) => Some(value.clone()),
        _ => None,
    };
    let parsed = parsed.ok_or_else(|| {
        Refusal::bad(format!("Invalid object value {} for field \"{name}\"", value.inspect()))
    })?;
    let empty = parsed.as_object().is_some_and(<[_]>::is_empty);
    Ok(if empty { Json::Null } else { parsed.into_jsonb() })
}

/// References to uploaded files.
fn files(field: &Field, value: &Json) -> Result<Json, Refusal> {
    let name = field.name;
    let shape = |what: &str| {
        Refusal::bad(format!("Invalid value \"{}\" for FILES field \"{name}\" - {what}", value.inspect()))
    };
    let items = value.as_array().ok_or_else(|| shape(": Invalid input: expected array, received string"))?;
    let whole = |item: &Json| item.get("fileId").is_some() && item.get("label").is_some();
    if !items.iter().all(whole) {
        return Err(shape("It should be an array of objects with \"fileId\" and \"label\" properties."));
    }
    let most = field.settings.as_ref().and_then(|settings| settings.get("maxNumberOfValues")?.as_i64());
    if most.is_some_and(|most| i64::try_from(items.len()).is_ok_and(|count| count > most)) {
        let most = most.unwrap_or_default();
        return Err(Refusal::bad(format!("Max number of files is {most} for field \"{name}\"")));
    }
    Ok(value.clone())
}

fn boolean(name: &str, value: &Json) -> Result<Json, Refusal> {
    match value {
        Json::Bool(_) => Ok(value.clone()),
        other => Err(Refusal::bad(format!("Invalid boolean value {} for field \"{name}\"", other.inspect()))),
    }
}

/// A day; a time of day behind it is dropped.
pub(crate) fn date(name: &str, value: &Json) -> Result<Json, Refusal> {
    let day = value.as_str().and_then(parse_day);
    day.map(|day| Json::text(day.to_string())).ok_or_else(|| {
        let shown = value.inspect();
        Refusal::bad(format!(
            "Invalid value {shown} for date field \"{name}\". Expected format: 'YYYY-MM-DD'"
        ))
    })
}

/// An instant, as microseconds.
pub(crate) fn instant(name: &str, value: &Json) -> Result<Json, Refusal> {
    value.as_str().and_then(parse_instant).map(Json::int).ok_or_else(|| {
        let shown = value.inspect();
        Refusal::bad(format!(
            "Invalid value {shown} for date-time field \"{name}\". Expected format: 'YYYY-MM-DDTHH:mm:ssZ'"
        ))
    })
}

/// One of the options.
pub(crate) fn select(name: &str, options: &[&str], value: &Json) -> Result<Json, Refusal> {
    let Some(option) = value.as_str() else {
        return Err(Refusal::bad(format!(
            "Invalid string value {} for text field \"{name}\"",
            value.inspect()
        )));
    };
    if options.contains(&option) {
        return Ok(value.clone());
    }
    let valid = options.join(", ");
    Err(Refusal::bad(format!("Invalid value \"{option}\" for field \"{name}\". Valid values are: {valid}")))
}

/// A UUID, in lower case as the database shows it.
pub(crate) fn uuid(name: &str, value: &Json) -> Result<Json, Refusal> {
    value
        .as_str()
        .and_then(parse_uuid)
        .map(|id| Json::text(id.to_string()))
        .ok_or_else(|| Refusal::bad(format!("Invalid UUID value {} for field \"{name}\"", value.inspect())))
}

/// The id a client chose for its own record.
pub(crate) fn own_id(value: &Json) -> Result<Uuid, Refusal> {
    let text = match value {
        Json::Str(text) => text.clone(),
        other => other.to_text(),
    };
    parse_uuid(&text)
        .ok_or_else(|| Refusal::coded("INVALID_QUERY_INPUT", format!("Value \"{text}\" is not a valid UUID")))
}

/// Millionths as a whole number: numbers and numeric strings are accepted, a fraction is cut off.
///
/// The cut is made in the text, so no rounding of a binary fraction can creep into money.
pub(crate) fn micros(name: &str, value: &Json) -> Result<Json, Refusal> {
    let shown = match value {
        Json::Null => return Ok(Json::Null),
        Json::Num(number) => number.as_i64().map_or_else(
            || number.as_f64().map_or_else(|| number.to_string(), |wide| format!("{wide}")),
            |exact| exact.to_string(),
        ),
        Json::Str(text) if text.is_empty() => return Ok(Json::Null),
        Json::Str(text) => text.trim().to_owned(),
        _ => String::new(),
    };
    let (digits, fraction) = shown.split_once('.').unwrap_or((&shown, ""));
    let refusal = || Refusal::bad(format!("Invalid number value NaN for field \"{name}\""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refusal());
    }
    digits.parse::<i64>().map(Json::int).map_err(|_| refusal())
}

/// The stored form of a value as JSON for a test oracle or a cursor: instants as ISO text.
pub(crate) fn shown(kind: Kind, cell: &Json) -> Json {
    match (kind, cell.as_i64()) {
        (Kind::DateTime, Some(micros)) => Json::text(to_iso(micros)),
        _ => cell.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Json, micros, parse_uuid};

    #[test]
    fn only_uuid_versions_one_to_five_count() {
        assert!(parse_uuid("63f16175-3266-5ae1-b7c7-297a48d16281").is_some());
        assert!(parse_uuid("11111111-2222-4333-8444-555555555555").is_some());
        assert!(parse_uuid("01938f2a-7b3c-7d4e-8f5a-6b7c8d9e0f1a").is_none());
        assert!(parse_uuid("11111111-2222-4333-c444-555555555555").is_none());
        assert!(parse_uuid("not-a-uuid").is_none());
    }

    #[test]
    fn fractions_of_a_millionth_are_cut_not_rounded() {
        let cut =
            |text: &str| micros("amount", &Json::parse(text.as_bytes()).expect("JSON")).expect("accepted");
        assert_eq!(cut("12.9"), Json::int(12));
        assert_eq!(cut("-12.9"), Json::int(-12));
        assert_eq!(cut("\"12340000\""), Json::int(12_340_000));
        assert_eq!(cut("9007199254740993000"), Json::int(9_007_199_254_740_993_000));
        assert!(micros("amount", &Json::text("ten")).is_err());
    }
}
