//! Bodies of existing callers, turned into the fields that the workspace has: old names, amounts in pounds, choices in
//! lower case, addresses by line. What is not a field of the workspace is told by the desk; nothing is dropped.

use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::super::problem::Problem;
use super::Kind;
use crate::ground::intake::FieldError;
use crate::ground::money::{Currency, Money};
use crate::ground::time::{CalendarDate, Instant};

/// The currency of an amount without one (domain 1.1).
const CURRENCY: &str = "GBP";
/// Lines of an address as the old service named them, and as Twenty does (domain 1.5).
const LINES: [(&str, &str); 6] = [
    ("line1", "addressStreet1"),
    ("line2", "addressStreet2"),
    ("city", "addressCity"),
    ("region", "addressState"),
    ("postalCode", "addressPostcode"),
    ("country", "addressCountry"),
];

/// A body being read; collects what is wrong.
pub(super) struct Fields {
    pub(super) map: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// The object in these bytes.
    pub(super) fn new(bytes: &[u8]) -> Result<Self, Problem> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(map)) => Ok(Self { map, errors: Vec::new() }),
            Ok(_) => Err(Problem::field("", "The body must be a JSON object.")),
            Err(error) => Err(Problem::field("", format!("The body is not JSON: {error}"))),
        }
    }

    pub(super) fn wrong(&mut self, field: &str, message: impl Into<String>) {
        self.errors.push(FieldError { field: field.to_owned(), message: message.into() });
    }

    /// What was read, unless something was wrong.
    pub(super) fn finish(self) -> Result<Map<String, Value>, Problem> {
        if self.errors.is_empty() { Ok(self.map) } else { Err(Problem::invalid(self.errors)) }
    }

    /// The same of a change, which has at least one field.
    pub(super) fn finish_change(mut self) -> Result<Map<String, Value>, Problem> {
        if self.map.is_empty() {
            self.wrong("", "Send at least one field to change.");
        }
        self.finish()
    }

    /// Only these fields.
    pub(super) fn only(&mut self, known: &[&str]) {
        let unknown: Vec<String> =
            self.map.keys().filter(|name| !known.contains(&name.as_str())).cloned().collect();
        for name in unknown {
            self.wrong(&name, format!("{name} cannot be sent here; known are: {}.", known.join(", ")));
        }
    }

    /// A text that must be there.
    pub(super) fn required(&mut self, field: &str) -> Option<String> {
        let text = self.map.get(field).and_then(Value::as_str).map(|text| text.trim().to_owned());
        let text = text.filter(|text| !text.is_empty());
        if text.is_none() {
            self.wrong(field, format!("{field} is required"));
        }
        text
    }

    /// Gives fields the names that the workspace has for them, where it lacks the old ones.
    pub(super) fn rename(&mut self, kind: &Kind, names: &[(&str, &str)]) {
        for (old, new) in names {
            let applies = !kind.schema.fields.contains_key(*old) && kind.schema.fields.contains_key(*new);
            let Some(value) = self.map.get(*old).filter(|_| applies).cloned() else { continue };
            if self.map.contains_key(*new) {
                self.wrong(old, format!("This is named twice, as {old} and as {new}."));
                continue;
            }
            self.map.remove(*old);
            self.map.insert((*new).to_owned(), value);
        }
    }

    /// Writes every value as the workspace's field wants it, where it is clear what is meant.
    pub(super) fn fit(&mut self, kind: &Kind) {
        let names: Vec<String> = self.map.keys().cloned().collect();
        for name in names {
            let Some(field) = kind.schema.fields.get(&name) else { continue };
            let Some(value) = self.map.get(&name).cloned() else { continue };
            let fitted = match (field.kind.as_str(), value) {
                ("CURRENCY", value) if !value.is_null() => money(&value),
                ("ADDRESS", Value::Object(address)) => lines(&address),
                (kind, Value::String(text)) => Ok(fit_text(kind, &field.options, text.trim())),
                (_, value) => Ok(value),
            };
            match fitted {
                Ok(value) => {
                    self.map.insert(name, value);
                }
                Err(message) => self.wrong(&name, format!("{name} {message}")),
            }
        }
    }

    /// Refuses less than nothing in these fields.
    pub(super) fn not_negative(&mut self, fields: &[&str]) {
        for field in fields {
            let value = self.map.get(*field);
            let number =
                value.and_then(|value| value.get("amountMicros").or(Some(value))).and_then(Value::as_i64);
            if number.is_some_and(|number| number < 0) {
                self.wrong(field, format!("{field} cannot be negative"));
            }
        }
    }
}

/// A text as a field of this type wants it.
fn fit_text(kind: &str, options: &[String], text: &str) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    match kind {
        "SELECT" | "RATING" => {
            let upper = text.to_uppercase().replace([' ', '-'], "_");
            Value::from(if options.contains(&upper) { upper.as_str() } else { text })
        }
        "NUMBER" => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
        "BOOLEAN" => text.parse::<bool>().map_or_else(|_| Value::from(text), Value::from),
        "DATE" if text.parse::<Instant>().is_ok() => Value::from(text.get(..10).unwrap_or(text)),
        "DATE_TIME" if text.parse::<CalendarDate>().is_ok() => Value::from(format!("{text}T00:00:00.000Z")),
        _ => Value::from(text),
    }
}

/// An amount in micros, or in major units as `value`, or as a bare number of them (domain 3.6).
fn money(given: &Value) -> Result<Value, String> {
    let wants = "must be an amount such as {\"amountMicros\": 25000000, \"currencyCode\": \"GBP\"} or {\"value\": 25}.";
    let currency = match given.get("currencyCode") {
        None | Some(Value::Null) => CURRENCY.to_owned(),
        Some(Value::String(code)) if code.trim().is_empty() => CURRENCY.to_owned(),
        Some(Value::String(code)) => code.trim().to_uppercase(),
        Some(_) => return Err(wants.into()),
    };
    let known: Currency =
        currency.parse().map_err(|_| "needs a currency of three letters such as GBP.".to_owned())?;
    let unknown = given.as_object().into_iter().flat_map(Map::keys);
    if let Some(part) =
        unknown.into_iter().find(|part| !["amountMicros", "currencyCode", "value"].contains(&part.as_str()))
    {
        return Err(format!("has no part {part:?}; it {wants}"));
    }
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let micros = match (given.get("amountMicros"), given.get("value")) {
        (Some(_), Some(_)) => return Err("is named twice, in micros and in major units.".into()),
        (Some(micros), None) => text(micros).and_then(|text| text.parse::<i64>().ok()),
        (None, value) => {
            let text = text(value.unwrap_or(given)).ok_or_else(|| wants.to_owned())?;
            Money::parse(&text, known).ok().map(|money| money.micros)
        }
    };
    let micros = micros.ok_or_else(|| wants.to_owned())?;
    Ok(json!({ "amountMicros": micros, "currencyCode": currency }))
}

/// A whole address by its lines, with the old names or Twenty's; a line that is not named is empty.
fn lines(given: &Map<String, Value>) -> Result<Value, String> {
    let mut address = Map::new();
    for (name, value) in given {
        let known = LINES.iter().find(|(old, new)| old == name || new == name);
        let Some((_, line)) = known else {
            if value.is_null() || value == "" {
                continue;
            }
            let lines: Vec<&str> = LINES.iter().map(|(old, _)| *old).collect();
            return Err(format!("has no part {name:?} in Twenty; it has {}.", lines.join(", ")));
        };
        let text = match value {
            Value::Null => "",
            Value::String(text) => text.trim(),
            _ => return Err(format!("must have text in {name}.")),
        };
        if address.insert((*line).to_owned(), Value::from(text)).is_some() {
            return Err(format!("names {line} twice."));
        }
    }
    if address.values().all(|line| line == "") {
        return Err("must have at least one line, or be null.".into());
    }
    for (_, line) in LINES {
        address.entry(line).or_insert_with(|| Value::from(""));
    }
    Ok(Value::Object(address))
}

/// An address of Twenty by the lines of the old service; null where there is none.
pub(super) fn old_lines(address: &Value) -> Value {
    let filled = |(old, new): &(&str, &str)| {
        let text = address.get(new)?.as_str()?.trim();
        (!text.is_empty()).then(|| ((*old).to_owned(), Value::from(text)))
    };
    if address.is_null() { Value::Null } else { Value::Object(LINES.iter().filter_map(filled).collect()) }
}

/// The name that the caller gave to the request.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=255).contains(&key.len()));
    key.map(|key| Some(key.to_owned())).ok_or_else(|| {
        Problem::field("Idempotency-Key", "The Idempotency-Key must be 1 to 255 visible ASCII characters.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_come_in_three_forms_and_never_pass_a_float() {
        let gbp = |micros: i64| Ok(json!({ "amountMicros": micros, "currencyCode": "GBP" }));
        for (given, told) in [
            (json!({ "amountMicros": 25_000_000, "currencyCode": "gbp" }), gbp(25_000_000)),
            (json!({ "value": 25 }), gbp(25_000_000)),
            (json!({ "value": "1234.56" }), gbp(1_234_560_000)),
            (json!(0.29), gbp(290_000)),
            (json!({ "value": -5 }), gbp(-5_000_000)),
            (
                json!({ "value": 3, "currencyCode": "EUR" }),
                Ok(json!({ "amountMicros": 3_000_000, "currencyCode": "EUR" })),
            ),
        ] {
            assert_eq!(money(&given), told, "{given}");
        }
        for bad in [
            json!({}),
            json!({ "value": "lots" }),
            json!({ "amountMicros": 1.5 }),
            json!({ "amountMicros": 1, "value": 1 }),
            json!({ "value": 1, "currencyCode": "pounds" }),
            json!({ "value": 1, "minor": 100 }),
            json!([1]),
        ] {
            assert!(money(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_go_there_and_back_by_line() {
        let address = |value: Value| lines(value.as_object().unwrap());
        let twenty = address(json!({ "line1": " 1 Quay St ", "postalCode": "BS1 1AA" })).unwrap();
        assert_eq!((&twenty["addressStreet1"], &twenty["addressCity"]), (&json!("1 Quay St"), &json!("")));
        assert_eq!(old_lines(&twenty), json!({ "line1": "1 Quay St", "postalCode": "BS1 1AA" }));
        assert_eq!(address(json!({ "addressCity": "Bath" })).unwrap()["addressCity"], "Bath");
        for bad in [
            json!({}),
            json!({ "line1": "" }),
            json!({ "line1": 5 }),
            json!({ "line1": "a", "addressStreet1": "b" }),
            json!({ "line1": "a", "type": "home" }),
        ] {
            assert!(address(bad.clone()).is_err(), "{bad}");
        }
        assert_eq!(old_lines(&Value::Null), Value::Null);
    }

    #[test]
    fn texts_are_written_as_their_field_wants_them() {
        let options = ["PARTIALLY_RECONCILED".to_owned(), "RECONCILED".into()];
        for (kind, text, wanted) in [
            ("SELECT", "partially reconciled", json!("PARTIALLY_RECONCILED")),
            ("SELECT", "reconciled", json!("RECONCILED")),
            ("SELECT", "odd", json!("odd")),
            ("NUMBER", "12", json!(12)),
            ("NUMBER", "a dozen", json!("a dozen")),
            ("DATE", "2026-12-01T09:00:00Z", json!("2026-12-01")),
            ("DATE_TIME", "2026-12-01", json!("2026-12-01T00:00:00.000Z")),
            ("TEXT", "x", json!("x")),
            ("TEXT", "", Value::Null),
        ] {
            assert_eq!(fit_text(kind, &options, text), wanted, "{kind} {text}");
        }
    }
}
