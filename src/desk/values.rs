//! Reads what somebody wants in a field of a Twenty record: into parts that merge, and only what fits the field.

use serde_json::{Map, Value};

use crate::ground::edit::{Owner, merged_parts, owner, whole_parts};
use crate::ground::id::Object;
use crate::ground::money::Currency;
use crate::ground::time::{CalendarDate, Instant};
use crate::ground::workspace::{FieldSchema, ObjectSchema};
use crate::store::parts::part;

/// What is wanted of one field or part, by its path, with the type of what the path names.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    pub(super) path: String,
    pub(super) kind: String,
    pub(super) value: Value,
}

/// What `given` wants of the field or part `path` of a record as the editor sees it.
pub(super) fn wanted(
    object: Object,
    schema: &ObjectSchema,
    record: &Value,
    (path, given): (&str, &Value),
) -> Result<Vec<Wanted>, String> {
    let (name, piece) = path.split_once('.').map_or((path, None), |(name, piece)| (name, Some(piece)));
    let field = schema.fields.get(name).ok_or_else(|| {
        format!("Twenty has no field {name:?} here. The fields are: {}.", editable(object, schema).join(", "))
    })?;
    match owner(object, name) {
        Owner::Person => {}
        Owner::Twenty => return Err(format!("Twenty keeps {name} by itself; it cannot be changed.")),
        Owner::Here => return Err(format!("{name} is worked out from gifts; it cannot be changed by hand.")),
    }
    if !can_be_written(name, field) {
        return Err(format!("{name} cannot be changed here. Change it in Twenty."));
    }
    let merged = merged_parts(&field.kind);
    if !merged.is_empty() {
        return merging(name, &field.kind, piece, given);
    }
    let whole = whole_parts(&field.kind);
    if !whole.is_empty() {
        let value = complete(name, whole, part(record, name), piece, given)?;
        check_whole(name, &field.kind, &value)?;
        return Ok(vec![Wanted { path: name.to_owned(), kind: field.kind.clone(), value }]);
    }
    if piece.is_some() {
        return Err(format!("{name} has no parts."));
    }
    check(name, &field.kind, &field.options, given)?;
    Ok(vec![Wanted { path: name.to_owned(), kind: field.kind.clone(), value: given.clone() }])
}

/// Names of fields that can be changed here.
fn editable<'s>(object: Object, schema: &'s ObjectSchema) -> Vec<&'s str> {
    let can = |(name, field): &(&'s String, &FieldSchema)| {
        owner(object, name) == Owner::Person && can_be_written(name, field)
    };
    schema.fields.iter().filter(can).map(|(name, _)| name.as_str()).collect()
}

fn can_be_written(name: &str, field: &FieldSchema) -> bool {
    match field.kind.as_str() {
        "RAW_JSON" | "FILES" | "ACTOR" | "TS_VECTOR" | "POSITION" => false,
        // The many side of a relation has no column of its own.
        "RELATION" | "MORPH_RELATION" => name != field.name,
        _ => true,
    }
}

/// The parts of a type that Twenty merges: each travels by itself.
fn merging(name: &str, kind: &str, piece: Option<&str>, given: &Value) -> Result<Vec<Wanted>, String> {
    let known = merged_parts(kind);
    let names = || known.iter().map(|(part, _)| *part).collect::<Vec<_>>().join(", ");
    let given: Map<String, Value> = match (piece, given) {
        (Some(piece), value) => Map::from_iter([(piece.to_owned(), value.clone())]),
        (None, Value::Object(parts)) => parts.clone(),
        // A null for the whole changes nothing there; its parts must be cleared.
        (None, Value::Null) => known.iter().map(|(part, _)| ((*part).to_owned(), Value::Null)).collect(),
        (None, _) => return Err(format!("{name} must be an object with {}.", names())),
    };
    let mut wanted = Vec::with_capacity(given.len());
    for (piece, value) in given {
        let Some((_, kind)) = known.iter().find(|(part, _)| *part == piece) else {
            return Err(format!("{name} has no part {piece:?}; it has {}.", names()));
        };
        let path = format!("{name}.{piece}");
        check(&path, kind, &[], &value)?;
        if piece == "currencyCode" && value.as_str().is_some_and(|code| code.parse::<Currency>().is_err()) {
            return Err(format!("{path} must be three letters such as GBP."));
        }
        if piece == "amountMicros" && !value.is_null() && !value.is_i64() {
            return Err(format!("{path} must be a whole number of micros (1 pound is 1000000)."));
        }
        let value = if value.is_null() && *kind == "TEXT" { Value::from("") } else { value };
        wanted.push(Wanted { path, kind: (*kind).to_owned(), value });
    }
    Ok(wanted)
}

/// A type that must be sent complete: what is left out is as it was.
fn complete(
    name: &str,
    known: &[&str],
    was: &Value,
    piece: Option<&str>,
    given: &Value,
) -> Result<Value, String> {
    let given: Map<String, Value> = match (piece, given) {
        (Some(piece), value) => Map::from_iter([(piece.to_owned(), value.clone())]),
        (None, Value::Object(parts)) => parts.clone(),
        (None, Value::Null) => known.iter().map(|part| ((*part).to_owned(), Value::Null)).collect(),
        (None, Value::String(text)) if known.len() == 1 => {
            Map::from_iter([(known[0].to_owned(), Value::from(text.as_str()))])
        }
        (None, _) => return Err(format!("{name} must be an object with {}.", known.join(", "))),
    };
    if let Some(unknown) = given.keys().find(|part| !known.contains(&part.as_str())) {
        return Err(format!("{name} has no part {unknown:?} to change; it has {}.", known.join(", ")));
    }
    let whole = known.iter().map(|piece| {
        let value = given.get(*piece).unwrap_or_else(|| part(was, piece));
        let is_list = matches!(*piece, "additionalEmails" | "secondaryLinks" | "additionalPhones");
        let empty = if is_list { Value::Array(Vec::new()) } else { Value::from("") };
        ((*piece).to_owned(), if value.is_null() { empty } else { value.clone() })
    });
    Ok(Value::Object(whole.collect()))
}

fn check_whole(name: &str, kind: &str, value: &Value) -> Result<(), String> {
    let Value::Object(parts) = value else { return Ok(()) };
    for (piece, value) in parts {
        let path = format!("{name}.{piece}");
        let fits = match piece.as_str() {
            "additionalEmails" => is_texts(value),
            "secondaryLinks" | "additionalPhones" => {
                value.as_array().is_some_and(|items| items.iter().all(Value::is_object))
            }
            _ => value.is_string(),
        };
        if !fits {
            return Err(format!("{path} has the wrong form."));
        }
    }
    if kind == "EMAILS" {
        let others = part(value, "additionalEmails").as_array();
        let all = std::iter::once(part(value, "primaryEmail")).chain(others.into_iter().flatten());
        let bad = all.filter_map(Value::as_str).find(|email| !email.is_empty() && !is_email(email));
        if let Some(bad) = bad {
            return Err(format!("{bad:?} is not an e-mail address."));
        }
    }
    Ok(())
}

fn is_email(text: &str) -> bool {
    let parts = text.split_once('@');
    !text.contains(char::is_whitespace)
        && parts.is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
}

fn is_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(Value::is_string))
}

/// Whether a value has the form of its type; an empty one always has.
fn check(path: &str, kind: &str, options: &[String], value: &Value) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    let text = value.as_str();
    let known = |text: &str| options.is_empty() || options.iter().any(|option| option == text);
    let (fits, wants) = match kind {
        "TEXT" => (text.is_some(), "text".to_owned()),
        "NUMBER" => (value.is_number(), "a number".into()),
        "NUMERIC" => {
            let is_number = text.is_some_and(|text| text.trim().parse::<serde_json::Number>().is_ok());
            (value.is_number() || is_number, "a number".into())
        }
        "BOOLEAN" => (value.is_boolean(), "true or false".into()),
        "DATE" => {
            let is_date = text.is_some_and(|text| text.parse::<CalendarDate>().is_ok());
            (is_date, "a date written YYYY-MM-DD".into())
        }
        "DATE_TIME" => {
            let is_instant = text.is_some_and(|text| text.parse::<Instant>().is_ok());
            (is_instant, "an instant such as 2026-11-23T09:15:00Z".into())
        }
        "SELECT" | "RATING" => (text.is_some_and(known), format!("one of {}", options.join(", "))),
        "MULTI_SELECT" => {
            let all_known =
                value.as_array().is_some_and(|all| all.iter().all(|one| one.as_str().is_some_and(known)));
            (all_known, format!("a list of {}", options.join(", ")))
        }
        "ARRAY" => (is_texts(value), "a list of texts".into()),
        "UUID" | "RELATION" | "MORPH_RELATION" => {
            (text.is_some_and(|text| uuid::Uuid::parse_str(text).is_ok()), "the id of a record".into())
        }
        _ => (false, "changed in Twenty; its type is not known here".into()),
    };
    if fits { Ok(()) } else { Err(format!("{path} must be {wants}.")) }
}

/// Puts a value in the place that a path names.
pub(super) fn put(record: &mut Value, path: &str, value: Value) {
    let mut place = record;
    for name in path.split('.') {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(members) = place else { return };
        place = members.entry(name).or_insert(Value::Null);
    }
    *place = value;
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> ObjectSchema {
        let field = |name: &str, kind: &str, options: &[&str]| {
            let own = name.trim_end_matches("Id").to_owned();
            let options = options.iter().map(|option| (*option).to_owned()).collect();
            (name.to_owned(), FieldSchema { name: own, kind: kind.into(), options, ..FieldSchema::default() })
        };
        let fields = [
            field("name", "FULL_NAME", &[]),
            field("emails", "EMAILS", &[]),
            field("jobTitle", "TEXT", &[]),
            field("status", "SELECT", &["TODO", "DONE"]),
            field("companyId", "RELATION", &[]),
            field("noteTargets", "RELATION", &[]),
            field("dueAt", "DATE_TIME", &[]),
            field("bodyV2", "RICH_TEXT", &[]),
            field("annualRevenue", "CURRENCY", &[]),
            field("giftCount", "NUMBER", &[]),
            field("createdAt", "DATE_TIME", &[]),
            field("avatarFile", "FILES", &[]),
        ];
        ObjectSchema { fields: fields.into(), ..ObjectSchema::default() }
    }

    fn read(path: &str, given: &Value) -> Result<Vec<(String, Value)>, String> {
        let record = json!({ "emails": { "primaryEmail": "a@x.org", "additionalEmails": ["b@x.org"] } });
        let wanted = wanted(Object::People, &schema(), &record, (path, given))?;
        Ok(wanted.into_iter().map(|wanted| (wanted.path, wanted.value)).collect())
    }

    #[test]
    fn what_merges_is_taken_apart_and_what_does_not_is_completed() {
        let both = read("name", &json!({"firstName": "Ada", "lastName": null})).unwrap();
        assert_eq!(both, [("name.firstName".into(), json!("Ada")), ("name.lastName".into(), json!(""))]);
        assert_eq!(read("name.firstName", &json!("A")).unwrap(), [("name.firstName".into(), json!("A"))]);
        let emails = json!({"primaryEmail": "c@x.org", "additionalEmails": ["b@x.org"]});
        for (path, given) in
            [("emails", json!({"primaryEmail": "c@x.org"})), ("emails.primaryEmail", json!("c@x.org"))]
        {
            assert_eq!(read(path, &given).unwrap(), [("emails".into(), emails.clone())]);
        }
        let body = json!({"markdown": "Hello"});
        assert_eq!(read("bodyV2", &json!("Hello")).unwrap(), [("bodyV2".into(), body)]);
        assert_eq!(read("annualRevenue", &json!(null)).unwrap().len(), 2);
    }

    #[test]
    fn what_does_not_fit_is_told() {
        for (path, given, told) in [
            ("nope", json!(1), "no field"),
            ("jobTitle", json!(5), "must be text"),
            ("jobTitle.x", json!("a"), "has no parts"),
            ("name", json!("Ada"), "must be an object"),
            ("name.middle", json!("x"), "no part"),
            ("status", json!("WAITING"), "one of TODO, DONE"),
            ("companyId", json!("acme"), "id of a record"),
            ("noteTargets", json!([]), "cannot be changed here"),
            ("dueAt", json!("tomorrow"), "an instant"),
            ("emails", json!({"primaryEmail": "nobody"}), "not an e-mail"),
            ("emails", json!({"additionalEmails": "x"}), "wrong form"),
            ("annualRevenue.amountMicros", json!(1.5), "whole number"),
            ("annualRevenue.currencyCode", json!("pounds"), "three letters"),
            ("giftCount", json!(3), "worked out from gifts"),
            ("createdAt", json!("2026-11-20T00:00:00Z"), "Twenty keeps"),
            ("avatarFile", json!([]), "cannot be changed here"),
        ] {
            let said = read(path, &given).unwrap_err();
            assert!(said.contains(told), "{path}: {said}");
        }
        assert_eq!(read("status", &json!("DONE")).unwrap().len(), 1);
        assert_eq!(read("dueAt", &json!(null)).unwrap().len(), 1);
    }

    #[test]
    fn a_value_is_put_where_its_path_leads() {
        let mut record = json!({"name": {"firstName": "A"}});
        put(&mut record, "name.lastName", json!("L"));
        put(&mut record, "jobTitle", json!("x"));
        assert_eq!(record, json!({"name": {"firstName": "A", "lastName": "L"}, "jobTitle": "x"}));
    }
}
