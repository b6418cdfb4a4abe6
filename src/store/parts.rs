//! Records of Twenty taken apart: a part by its path, and the plain form in which two values are compared.

use serde_json::{Map, Value};

use crate::ground::edit::merged_parts;
use crate::ground::time::Instant;

/// The part of a record that a path names, such as `name.firstName`; null where there is none.
pub fn part<'r>(record: &'r Value, path: &str) -> &'r Value {
    path.split('.').try_fold(record, |value, name| value.get(name)).unwrap_or(&Value::Null)
}

/// The type of what a path names, given the type of the field it begins with.
pub fn kind_of<'k>(path: &str, kind: &'k str) -> &'k str {
    let Some((_, name)) = path.split_once('.') else { return kind };
    merged_parts(kind).iter().find(|(known, _)| *known == name).map_or("", |(_, kind)| *kind)
}

/// A value of this type as text, written the same however Twenty or a person spells it (contract 2.3).
pub fn plain(kind: &str, value: &Value) -> String {
    let value = match kind {
        "NUMBER" | "NUMERIC" | "POSITION" => number(value),
        "DATE" => cut(value),
        "DATE_TIME" => instant(value),
        "EMAILS" => lower(value),
        "LINKS" => links(value),
        "PHONES" => phones(value),
        // The server makes the other form of it, and not always in the same way.
        "RICH_TEXT" => markdown(value),
        _ => value.clone(),
    };
    bare(value).to_string()
}

/// Without what says nothing: an empty text, list or object is no value.
fn bare(value: Value) -> Value {
    match value {
        Value::String(text) if text.is_empty() => Value::Null,
        Value::Array(items) if items.is_empty() => Value::Null,
        Value::Object(members) => {
            let full: Map<String, Value> = members
                .into_iter()
                .map(|(name, value)| (name, bare(value)))
                .filter(|(_, value)| !value.is_null())
                .collect();
            if full.is_empty() { Value::Null } else { Value::Object(full) }
        }
        other => other,
    }
}

fn number(value: &Value) -> Value {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        other => return other.clone(),
    };
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    Value::from(short)
}

fn cut(value: &Value) -> Value {
    let day = value.as_str().and_then(|text| text.get(..10));
    day.map_or_else(|| value.clone(), Value::from)
}

fn instant(value: &Value) -> Value {
    let instant = value.as_str().and_then(|text| text.parse::<Instant>().ok());
    instant.map_or_else(|| value.clone(), |instant| Value::from(instant.to_string()))
}

fn lower(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(text.trim().to_lowercase()),
        Value::Array(items) => items.iter().map(lower).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), lower(value))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

fn links(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(links).collect(),
        Value::Object(members) => {
            let one = |(name, value): (&String, &Value)| {
                let value = match (name.as_str(), value.as_str()) {
                    ("primaryLinkUrl" | "url", Some(url)) => Value::from(link(url)),
                    _ => links(value),
                };
                (name.clone(), value)
            };
            members.iter().map(one).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// Scheme and host in lower case, without the slash at the end.
fn link(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let (host, path) = rest.find(['/', '?', '#']).map_or((rest, ""), |at| rest.split_at(at));
    let separator = if scheme.is_empty() { "" } else { "://" };
    let whole = format!("{}{separator}{}{path}", scheme.to_lowercase(), host.to_lowercase());
    whole.trim_end_matches('/').to_owned()
}

/// What is dialled: how a number is cut into country and rest is the server's own way.
fn phones(value: &Value) -> Value {
    let digits = |value: &Value| -> String {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        let (long, short) = (text("primaryPhoneNumber"), text("number"));
        let number = if long.is_empty() { short } else { long };
        let calling = format!("{}{}", text("primaryPhoneCallingCode"), text("callingCode"));
        let whole = if number.trim_start().starts_with('+') { number.to_owned() } else { calling + number };
        whole.chars().filter(char::is_ascii_digit).collect()
    };
    let others = value.get("additionalPhones").and_then(Value::as_array);
    let all = std::iter::once(value).chain(others.into_iter().flatten()).map(digits);
    all.filter(|number| !number.is_empty()).map(Value::from).collect()
}

fn markdown(value: &Value) -> Value {
    let text = value.get("markdown").and_then(Value::as_str).or_else(|| value.as_str());
    text.map_or(Value::Null, |text| Value::from(text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_twenty_writes_otherwise_is_the_same() {
        for (kind, one, other) in [
            ("TEXT", json!(""), json!(null)),
            ("ARRAY", json!([]), json!(null)),
            ("NUMBER", json!(5.0), json!(5)),
            ("NUMERIC", json!("12.50"), json!(12.5)),
            ("DATE", json!("2026-11-20"), json!("2026-11-20T00:00:00.000Z")),
            ("DATE_TIME", json!("2026-11-20T10:00:00Z"), json!("2026-11-20T10:00:00.000Z")),
            (
                "EMAILS",
                json!({"primaryEmail": "Ada@X.org"}),
                json!({"primaryEmail": "ada@x.org", "additionalEmails": []}),
            ),
            (
                "LINKS",
                json!({"primaryLinkUrl": "HTTPS://Acme.org/"}),
                json!({"primaryLinkUrl": "https://acme.org", "primaryLinkLabel": "", "secondaryLinks": null}),
            ),
            (
                "PHONES",
                json!({"primaryPhoneNumber": "+33 6 12345678"}),
                json!({"primaryPhoneNumber": "612345678", "primaryPhoneCallingCode": "+33", "additionalPhones": []}),
            ),
            ("RICH_TEXT", json!({"markdown": "a"}), json!({"markdown": "a\n", "blocknote": "[]"})),
        ] {
            assert_eq!(plain(kind, &one), plain(kind, &other), "{kind}");
        }
        assert_ne!(plain("TEXT", &json!("a")), plain("TEXT", &json!("A")));
        assert_ne!(plain("BOOLEAN", &json!(false)), plain("BOOLEAN", &json!(null)));
    }

    #[test]
    fn paths_lead_into_a_record() {
        let record = json!({"name": {"firstName": "Ada"}, "jobTitle": "x"});
        assert_eq!(part(&record, "name.firstName"), "Ada");
        assert_eq!(part(&record, "jobTitle"), "x");
        assert!(part(&record, "name.middle.x").is_null());
        assert_eq!((kind_of("name.firstName", "FULL_NAME"), kind_of("jobTitle", "TEXT")), ("TEXT", "TEXT"));
    }
}
