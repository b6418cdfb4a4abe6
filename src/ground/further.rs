//! What a workspace added to a record: texts and numbers of fields that we give no meaning to. They are mirrored as they
//! are, shown, and found by search.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

/// Fields whose values are not what people look for: keys, stamps, and what is read by meaning elsewhere.
const KNOWN: [&str; 17] = [
    "id",
    "createdAt",
    "updatedAt",
    "deletedAt",
    "createdBy",
    "updatedBy",
    "position",
    "searchVector",
    "name",
    "emails",
    "phones",
    "linkedinLink",
    "xLink",
    "avatarUrl",
    "avatarFile",
    "mailingAddress",
    "city",
];

/// Longest text that counts, in bytes: longer ones are prose, not something to find somebody by.
const TEXT_MAX: usize = 200;

/// The further texts of a record, in the order of its fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FurtherTexts(pub Vec<String>);

/// A value as far as it counts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Whole(i64),
    Other(IgnoredAny),
}

impl<'de> Deserialize<'de> for FurtherTexts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = FurtherTexts;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FurtherTexts, A::Error> {
                let mut texts = Vec::new();
                while let Some(field) = map.next_key::<String>()? {
                    if KNOWN.contains(&field.as_str()) || field.ends_with("Id") {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    match map.next_value::<Value>()? {
                        Value::Text(text) if counts(&text) => texts.push(text),
                        Value::Whole(number) => texts.push(number.to_string()),
                        Value::Text(_) | Value::Other(_) => {}
                    }
                }
                Ok(FurtherTexts(texts))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// Dates and instants are not looked for by their digits.
fn counts(text: &str) -> bool {
    let dated = text.len() >= 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    !text.trim().is_empty() && text.len() <= TEXT_MAX && !dated
}
