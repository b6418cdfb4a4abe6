//! JSON whose objects keep the order in which their members were written.
//!
//! The real server's key order is part of what the recordings show, and the order of the keys of
//! a request decides which unknown field an error names first; `serde_json` is built here without
//! `preserve_order`, hence a small tree of our own.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};

/// Name of an object member; table-driven names are borrowed for ever, client names are owned.
pub(crate) type Key = Cow<'static, str>;

/// One JSON value with ordered object members.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Json {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number, as exact as `serde_json` read it.
    Num(Number),
    /// A string.
    Str(String),
    /// An array.
    Arr(Vec<Json>),
    /// An object, members in writing order.
    Obj(Vec<(Key, Json)>),
}

impl Json {
    /// A whole number.
    pub(crate) fn int(value: i64) -> Self {
        Self::Num(Number::from(value))
    }

    /// A string.
    pub(crate) fn text(value: impl Into<String>) -> Self {
        Self::Str(value.into())
    }

    /// An object from borrowed names.
    pub(crate) fn object<const N: usize>(members: [(&'static str, Self); N]) -> Self {
        Self::Obj(members.into_iter().map(|(key, value)| (Key::Borrowed(key), value)).collect())
    }

    /// True for `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The string, if it is one.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, if it is one.
    pub(crate) fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Num(number) => number.as_i64(),
            _ => None,
        }
    }

    /// The elements, if it is an array.
    pub(crate) fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Arr(items) => Some(items),
            _ => None,
        }
    }

    /// The members, if it is an object.
    pub(crate) fn as_object(&self) -> Option<&[(Key, Self)]> {
        match self {
            Self::Obj(members) => Some(members),
            _ => None,
        }
    }

    /// The member of that name, if this is an object that has one.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The member of that name for changing it.
    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Self> {
        match self {
            Self::Obj(members) => members.iter_mut().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Sets a member, keeping its place when it is there already (as assignment in a browser does).
    pub(crate) fn set(&mut self, name: impl Into<Key>, value: Self) {
        let name = name.into();
        if let Self::Obj(members) = self {
            match members.iter_mut().find(|(key, _)| *key == name) {
                Some((_, slot)) => *slot = value,
                None => members.push((name, value)),
            }
        }
    }

    /// The value as Postgres keeps `jsonb`: members by the length of their names, then by name.
    pub(crate) fn into_jsonb(self) -> Self {
        match self {
            Self::Arr(items) => Self::Arr(items.into_iter().map(Self::into_jsonb).collect()),
            Self::Obj(members) => {
                let mut members: Vec<(Key, Self)> =
                    members.into_iter().map(|(key, value)| (key, value.into_jsonb())).collect();
                members.sort_by(|(left, _), (right, _)| (left.len(), left).cmp(&(right.len(), right)));
                Self::Obj(members)
            }
            other => other,
        }
    }

    /// Text as Postgres casts `jsonb`: with a blank behind every comma and colon.
    pub(crate) fn to_postgres(&self) -> String {
        match self {
            Self::Arr(items) => {
                format!("[{}]", items.iter().map(Self::to_postgres).collect::<Vec<_>>().join(", "))
            }
            Self::Obj(members) => {
                let member = |(key, value): &(Key, Self)| {
                    format!("{}: {}", Self::text(key.as_ref()).to_text(), value.to_postgres())
                };
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
            }
            other => other.to_text(),
        }
    }

    /// Compact text, as `JSON.stringify` writes it.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads text; the error is `serde_json`'s.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    /// The same value in the alphabetical tree of `serde_json`.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Num(number) => Value::Number(number.clone()),
            Self::Str(text) => Value::String(text.clone()),
            Self::Arr(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Self::Obj(members) => Value::Object(
                members.iter().map(|(key, value)| (key.to_string(), value.to_value())).collect(),
            ),
        }
    }

    /// The flag, if it is one.
    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The value as the server's error messages show it (`util.inspect` of its platform).
    pub(crate) fn inspect(&self) -> String {
        self.inspect_at(0)
    }

    fn inspect_at(&self, indent: usize) -> String {
        let inner = |value: &Self| value.inspect_at(indent + 2);
        match self {
            Self::Str(text) => quoted(text),
            Self::Arr(items) => laid_out("[", &items.iter().map(inner).collect::<Vec<_>>(), "]", indent),
            Self::Obj(members) => {
                let member = |(key, value): &(Key, Self)| {
                    let plain = !key.is_empty()
                        && !key.starts_with(|first: char| first.is_ascii_digit())
                        && key.chars().all(|letter| letter.is_ascii_alphanumeric() || "_$".contains(letter));
                    let name = if plain { key.to_string() } else { quoted(key) };
                    format!("{name}: {}", inner(value))
                };
                laid_out("{", &members.iter().map(member).collect::<Vec<_>>(), "}", indent)
            }
            other => other.to_text(),
        }
    }
}

/// A string in the quotes that need the least escaping, single ones first.
fn quoted(text: &str) -> String {
    let quote = match (text.contains('\''), text.contains('"'), text.contains('`')) {
        (true, false, _) => '"',
        (true, true, false) => '`',
        _ => '\'',
    };
    let mut shown = String::from(quote);
    for letter in text.chars() {
        match letter {
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            '\\' => shown.push_str("\\\\"),
            other if other == quote => {
                shown.push('\\');
                shown.push(other);
            }
            other => shown.push(other),
        }
    }
    shown.push(quote);
    shown
}

/// Entries on one line while they fit into 80 columns, one a line otherwise.
fn laid_out(open: &str, entries: &[String], close: &str, indent: usize) -> String {
    const WIDTH: usize = 80;
    const SLACK: usize = 11;
    if entries.is_empty() {
        return format!("{open}{close}");
    }
    let length = entries.iter().map(String::len).sum::<usize>() + 2 * entries.len() + indent + SLACK;
    if length <= WIDTH && !entries.iter().any(|entry| entry.contains('\n')) {
        return format!("{open} {} {close}", entries.join(", "));
    }
    let margin = " ".repeat(indent);
    format!("{open}\n{margin}  {}\n{margin}{close}", entries.join(&format!(",\n{margin}  ")))
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Number(number) => Self::Num(number.clone()),
            Value::String(text) => Self::Str(text.clone()),
            Value::Array(items) => Self::Arr(items.iter().map(Self::from).collect()),
            Value::Object(members) => Self::Obj(
                members.iter().map(|(key, value)| (Key::Owned(key.clone()), Self::from(value))).collect(),
            ),
        }
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Num(number) => number.serialize(serializer),
            Self::Str(text) => serializer.serialize_str(text),
            Self::Arr(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Obj(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key.as_ref(), value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

/// Builds the ordered tree while `serde_json` reads.
struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Num(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Num(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Number::from_f64(number).map_or(Json::Null, Json::Num))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Str(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Str(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::Arr(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut object = Json::Obj(Vec::new());
        while let Some((key, value)) = map.next_entry::<String, Json>()? {
            object.set(key, value);
        }
        Ok(object)
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn keeps_the_order_of_members() {
        let text = r#"{"b":1,"a":[true,null,"x"],"c":{"z":0.5,"y":-3}}"#;
        let json = Json::parse(text.as_bytes()).expect("valid JSON");
        assert_eq!(json.to_text(), text);
    }

    #[test]
    fn shows_values_as_error_messages_do() {
        let shown = |text: &str| Json::parse(text.as_bytes()).expect("valid JSON").inspect();
        assert_eq!(shown(r#""O'Brien""#), r#""O'Brien""#);
        assert_eq!(shown(r#"{"a":1,"b-c":["x",null]}"#), "{ a: 1, 'b-c': [ 'x', null ] }");
        assert_eq!(shown("[]"), "[]");
    }

    #[test]
    fn jsonb_sorts_names_by_length_first() {
        let json = Json::parse(br#"{"firstName":1,"lastName":{"url":1,"a":2}}"#).expect("valid JSON");
        assert_eq!(json.into_jsonb().to_text(), r#"{"lastName":{"a":2,"url":1},"firstName":1}"#);
    }

    #[test]
    fn a_repeated_member_keeps_its_first_place_and_last_value() {
        let json = Json::parse(br#"{"b":1,"a":2,"b":3}"#).expect("valid JSON");
        assert_eq!(json.to_text(), r#"{"b":3,"a":2}"#);
    }
}
