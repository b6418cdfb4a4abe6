//! Reads JSON bodies field by field: every error is told at once, nothing is guessed, amounts never pass through
//! a float.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::problem::Problem;
use crate::ground::id::Object;
use crate::ground::intake::FieldError;
use crate::ground::money::{Currency, MICROS_MAX, Money};
use crate::ground::patch::Patch;
use crate::ground::time::{CalendarDate, Instant};

/// Longest text of one field, in characters.
const TEXT_MAX: usize = 4_000;

/// A body being read; collects what is wrong.
pub(super) struct Reader {
    pub(super) map: Map<String, Value>,
    prefix: &'static str,
    pub(super) errors: Vec<FieldError>,
}

impl Reader {
    /// The object in these bytes.
    pub(super) fn new(bytes: &[u8]) -> Result<Self, Problem> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(map)) => Ok(Self { map, prefix: "", errors: Vec::new() }),
            Ok(_) => Err(Problem::field("", "The body must be a JSON object.")),
            Err(error) => Err(Problem::field("", format!("The body is not JSON: {error}"))),
        }
    }

    pub(super) fn wrong(&mut self, field: &str, message: impl Into<String>) {
        self.errors.push(FieldError { field: format!("{}{field}", self.prefix), message: message.into() });
    }

    /// What was collected, or `value`.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Problem> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => Err(Problem::invalid(self.errors)),
        }
    }

    /// A text field in three states; trimmed, empty counts as `empty`.
    pub(super) fn text_patch(&mut self, field: &str, empty: Patch<String>) -> Patch<String> {
        match self.map.get(field) {
            None => Patch::Keep,
            Some(Value::Null) => Patch::Clear,
            Some(Value::String(text)) => {
                let text = text.trim().to_owned();
                if text.is_empty() {
                    return empty;
                }
                if text.chars().count() > TEXT_MAX {
                    self.wrong(field, format!("{field} is longer than {TEXT_MAX} characters."));
                    return Patch::Keep;
                }
                Patch::Set(text)
            }
            Some(_) => {
                self.wrong(field, format!("{field} must be a string"));
                Patch::Keep
            }
        }
    }

    /// A text field of an intake: empty or null is absent.
    pub(super) fn text(&mut self, field: &str) -> Option<String> {
        match self.text_patch(field, Patch::Keep) {
            Patch::Set(text) => Some(text),
            Patch::Keep | Patch::Clear => None,
        }
    }

    fn parsed<T>(
        &mut self,
        field: &str,
        patch: Patch<String>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Patch<T> {
        match patch {
            Patch::Keep => Patch::Keep,
            Patch::Clear => Patch::Clear,
            Patch::Set(text) => match parse(&text) {
                Ok(value) => Patch::Set(value),
                Err(message) => {
                    self.wrong(field, message);
                    Patch::Keep
                }
            },
        }
    }

    pub(super) fn parsed_patch<T>(
        &mut self,
        field: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Patch<T> {
        let patch = self.text_patch(field, Patch::Clear);
        self.parsed(field, patch, parse)
    }

    pub(super) fn parsed_text<T>(
        &mut self,
        field: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match self.parsed_patch(field, parse) {
            Patch::Set(value) => Some(value),
            Patch::Keep | Patch::Clear => None,
        }
    }

    /// `true` or `false`, which must be there.
    pub(super) fn truth(&mut self, field: &str) -> Option<bool> {
        let truth = self.map.get(field).and_then(Value::as_bool);
        if truth.is_none() {
            self.wrong(field, format!("{field} must be true or false"));
        }
        truth
    }

    /// `true`, `false`, or nothing said.
    pub(super) fn optional_truth(&mut self, field: &str) -> Option<bool> {
        match self.truth_patch(field) {
            Patch::Set(truth) => Some(truth),
            Patch::Keep | Patch::Clear => None,
        }
    }

    pub(super) fn truth_patch(&mut self, field: &str) -> Patch<bool> {
        match self.map.get(field) {
            None => Patch::Keep,
            Some(Value::Null) => Patch::Clear,
            Some(Value::Bool(truth)) => Patch::Set(*truth),
            Some(_) => {
                self.wrong(field, format!("{field} must be true or false"));
                Patch::Keep
            }
        }
    }

    pub(super) fn id_patch<T>(&mut self, field: &str, id: impl FnOnce(Uuid) -> T) -> Patch<T> {
        self.parsed_patch(field, |text| uuid_of(text).map(id))
    }

    /// A money object in three states.
    pub(super) fn money_patch(&mut self, field: &str) -> Patch<Money> {
        match self.map.get(field) {
            None => Patch::Keep,
            Some(Value::Null) => Patch::Clear,
            Some(_) => self.money(field).map_or(Patch::Keep, Patch::Set),
        }
    }

    pub(super) fn uuid(&mut self, field: &str) -> Option<Uuid> {
        self.parsed_text(field, uuid_of)
    }

    /// A money object, or nothing when the key is missing or null.
    pub(super) fn money(&mut self, field: &str) -> Option<Money> {
        let value = self.map.get(field)?.clone();
        if value.is_null() {
            return None;
        }
        let Value::Object(parts) = value else {
            self.wrong(field, format!("{field} must be an object with amountMicros and currencyCode."));
            return None;
        };
        let micros = match parts.get("amountMicros") {
            Some(Value::Number(number))
                if number.as_i64().is_some_and(|n| n.unsigned_abs() <= MICROS_MAX.unsigned_abs()) =>
            {
                number.as_i64()
            }
            Some(Value::Number(_)) => {
                self.wrong(field, "amountMicros must be a whole number of micros (1 pound is 1000000) that can be recorded exactly.");
                None
            }
            _ => {
                self.wrong(field, "amountMicros must be a number.");
                None
            }
        };
        let currency = match parts.get("currencyCode").map(|code| code.as_str().map(str::parse::<Currency>)) {
            Some(Some(Ok(currency))) => Some(currency),
            Some(Some(Err(error))) => {
                self.wrong(field, error.to_string());
                None
            }
            _ => {
                self.wrong(field, "currencyCode must be three letters such as GBP.");
                None
            }
        };
        Some(Money { micros: micros?, currency: currency? })
    }

    /// A whole number that is not negative.
    pub(super) fn count(&mut self, field: &str) -> Option<u32> {
        match self.map.get(field) {
            None | Some(Value::Null) => None,
            Some(value) => {
                let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
                if count.is_none() {
                    self.wrong(field, format!("{field} must be a whole number, not negative."));
                }
                count
            }
        }
    }

    /// A whole number of at least one: asked for none, a run would do nothing and say so nowhere.
    pub(super) fn at_least_one(&mut self, field: &str) -> Option<u32> {
        let count = self.count(field);
        if count == Some(0) {
            self.wrong(field, format!("{field} must be at least 1; leave it out for all."));
        }
        count
    }

    /// A whole number that is not negative, in three states.
    pub(super) fn count_patch(&mut self, field: &str) -> Patch<u32> {
        match self.map.get(field) {
            None => Patch::Keep,
            Some(Value::Null) => Patch::Clear,
            Some(_) => self.count(field).map_or(Patch::Keep, Patch::Set),
        }
    }

    /// A list of UUIDs.
    pub(super) fn uuids(&mut self, field: &str) -> Vec<Uuid> {
        let values = match self.map.get(field) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(values)) => values.clone(),
            Some(_) => {
                self.wrong(field, format!("{field} must be a list of ids."));
                return Vec::new();
            }
        };
        let parsed: Vec<Option<Uuid>> =
            values.iter().map(|value| value.as_str().and_then(|text| uuid_of(text).ok())).collect();
        if parsed.iter().any(Option::is_none) {
            self.wrong(field, format!("{field} holds something that is not an id."));
        }
        parsed.into_iter().flatten().collect()
    }

    /// A version: a number that is not negative.
    pub(super) fn number(&mut self, field: &str) -> Option<u64> {
        let value = self.map.get(field).filter(|value| !value.is_null())?.as_u64();
        if value.is_none() {
            self.wrong(field, format!("{field} must be the version of a record."));
        }
        value
    }

    /// An instant.
    pub(super) fn instant(&mut self, field: &str) -> Option<Instant> {
        self.parsed_text(field, |text| {
            text.parse().map_err(|_| format!("Write {field} as an instant such as 2026-11-23T09:15:00Z."))
        })
    }

    /// The members of an object inside, at least one.
    pub(super) fn members(&mut self, field: &str) -> Option<Map<String, Value>> {
        let members = self.map.get(field).and_then(Value::as_object).filter(|members| !members.is_empty());
        let members = members.cloned();
        if members.is_none() {
            self.wrong(field, format!("{field} must be an object with at least one member."));
        }
        members
    }

    /// The body's own members as they are; others than these are told.
    pub(super) fn own_members(&mut self, known: &[&str]) -> Map<String, Value> {
        let map = self.map.clone();
        if map.is_empty() {
            self.wrong("", format!("Send at least one of {}.", known.join(", ")));
        }
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            self.wrong(key, format!("{key} cannot be changed here."));
        }
        map
    }

    /// An object whose members are values of one kind, or null.
    pub(super) fn map_of<T>(
        &mut self,
        field: &str,
        kind: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> BTreeMap<String, Option<T>> {
        let members = match self.map.get(field) {
            None | Some(Value::Null) => return BTreeMap::new(),
            Some(Value::Object(members)) => members.clone(),
            Some(_) => {
                self.wrong(field, format!("{field} must be an object."));
                return BTreeMap::new();
            }
        };
        let mut map = BTreeMap::new();
        for (name, value) in members {
            let is = read(&value);
            if is.is_none() && !value.is_null() {
                self.wrong(&format!("{field}.{name}"), format!("This must be {kind}."));
            }
            map.insert(name, is);
        }
        map
    }

    /// Records by kind and id.
    pub(super) fn targets(&mut self, field: &str) -> Vec<(Object, Uuid)> {
        let items = match self.map.get(field) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(items)) => items.clone(),
            Some(_) => {
                self.wrong(field, format!("{field} must be a list of {{\"object\", \"id\"}}."));
                return Vec::new();
            }
        };
        let one = |item: &Value| {
            let object = item.get("object").and_then(Value::as_str).and_then(Object::from_word);
            let id = item.get("id").and_then(Value::as_str).and_then(|text| uuid_of(text).ok());
            object.filter(|object| object.is_mirrored()).zip(id)
        };
        let read: Vec<_> = items.iter().map(one).collect();
        if read.iter().any(Option::is_none) {
            let message = "Name each record as {\"object\": \"people\", \"id\": \"…\"}.";
            self.wrong(field, message);
        }
        read.into_iter().flatten().collect()
    }

    /// A list of words.
    pub(super) fn words(&mut self, field: &str) -> Vec<String> {
        let words = self
            .map
            .get(field)
            .and_then(Value::as_array)
            .map(|list| list.iter().filter_map(|w| w.as_str().map(str::to_owned)).collect());
        words.unwrap_or_default()
    }

    /// A list of words in three states.
    pub(super) fn words_patch(&mut self, field: &str) -> Patch<Vec<String>> {
        let list = match self.map.get(field) {
            None => return Patch::Keep,
            Some(Value::Null) => return Patch::Clear,
            Some(value) => value.as_array(),
        };
        let words = list.and_then(|list| list.iter().map(|word| word.as_str().map(str::to_owned)).collect());
        if words.is_none() {
            self.wrong(field, format!("{field} must be a list of texts, or null."));
        }
        words.map_or(Patch::Keep, Patch::Set)
    }

    /// The fields of an object inside, read like the outer ones.
    pub(super) fn inside(&mut self, field: &'static str, prefix: &'static str) -> Option<Self> {
        match self.map.get(field) {
            None | Some(Value::Null) => None,
            Some(Value::Object(map)) => Some(Self { map: map.clone(), prefix, errors: Vec::new() }),
            Some(_) => {
                self.wrong(field, format!("{field} must be an object."));
                None
            }
        }
    }
}

pub(super) fn uuid_of(text: &str) -> Result<Uuid, String> {
    Uuid::parse_str(text).map_err(|_| format!("{text:?} is not an id."))
}

pub(super) fn date_of(text: &str) -> Result<CalendarDate, String> {
    text.parse().map_err(|_| format!("Write the date as YYYY-MM-DD; {text:?} is not."))
}
