//! JSON text to records of the books and back, without loss: numbers are read from their text, and what is not modelled
//! or written in another way than ours is kept as it came.

mod read;
mod write;

#[cfg(test)]
pub(in crate::rails::qbo) mod recorded;
#[cfg(test)]
mod tests;

pub use read::read;
pub use write::{write, write_new};

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object's fields in the order they came, each with its text.
pub(in crate::rails::qbo) struct Fields<'t>(pub(in crate::rails::qbo) Vec<(String, &'t RawValue)>);

impl<'t> Fields<'t> {
    /// The fields of a text that is an object.
    pub(in crate::rails::qbo) fn of(text: &'t str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The text of a field.
    pub(in crate::rails::qbo) fn get(&self, name: &str) -> Option<&'t str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.get())
    }

    /// The name of a field that stands there twice.
    fn twice(&self) -> Option<&str> {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}
