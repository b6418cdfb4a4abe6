//! Which objects and fields a workspace has, so that only fields that exist are sent (domain 9, defect 24).

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::reply::is_whole_json;
use crate::rails::Trouble;

/// The fields of one object, by the names a record is written with.
pub type ObjectFields = BTreeSet<String>;

/// The objects of a workspace by their plural names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Plural name -> fields; relations stand as their join column (`donorId`).
    pub objects: BTreeMap<String, ObjectFields>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Listing {
    Legacy { data: LegacyData },
    Direct { data: Vec<ObjectMeta> },
}

#[derive(Deserialize)]
struct LegacyData {
    objects: Vec<ObjectMeta>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paging {
    page_info: Option<PageInfo>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectMeta {
    name_plural: String,
    is_active: Option<bool>,
    #[serde(default)]
    fields: Vec<FieldMeta>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldMeta {
    name: String,
    is_active: Option<bool>,
    settings: Option<FieldSettings>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldSettings {
    join_column_name: Option<String>,
}

impl Schema {
    /// Adds one page of the metadata list, in either of its two envelopes (contract 3.2); answers the next cursor.
    pub(super) fn add_page(&mut self, body: &Bytes) -> Result<Option<String>, Trouble> {
        let listing: Listing = match serde_json::from_slice(body) {
            Ok(listing) => listing,
            Err(_) if is_whole_json(body) => {
                return Err(Trouble::Broken("Twenty's list of objects does not fit".into()));
            }
            Err(_) => {
                return Err(Trouble::Later {
                    after_ms: None,
                    said: "an answer that is cut or not JSON".into(),
                    limit: false,
                });
            }
        };
        let (Listing::Legacy { data: LegacyData { objects } } | Listing::Direct { data: objects }) = listing;
        for object in objects.into_iter().filter(|object| object.is_active != Some(false)) {
            let fields = object
                .fields
                .into_iter()
                .filter(|field| field.is_active != Some(false))
                .map(FieldMeta::written_name);
            self.objects.insert(object.name_plural, fields.collect());
        }
        let paging: Paging = serde_json::from_slice(body)
            .map_err(|_| Trouble::Broken("Twenty's list of objects does not fit".into()))?;
        Ok(paging.page_info.filter(|info| info.has_next_page).and_then(|info| info.end_cursor))
    }

    /// Whether the object has the field.
    pub fn has(&self, plural: &str, field: &str) -> bool {
        self.objects.get(plural).is_some_and(|fields| fields.contains(field))
    }

    /// Those of `needed` that the object lacks.
    pub fn missing<'f>(&self, plural: &str, needed: &[&'f str]) -> Vec<&'f str> {
        needed.iter().copied().filter(|field| !self.has(plural, field)).collect()
    }
}

impl FieldMeta {
    fn written_name(self) -> String {
        self.settings.and_then(|settings| settings.join_column_name).unwrap_or(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_envelopes_read_and_relations_stand_as_their_column() {
        let object = r#"{"namePlural":"gifts","isActive":true,"fields":[{"name":"amount","isActive":true,"settings":null},{"name":"old","isActive":false},{"name":"donor","settings":{"joinColumnName":"donorId"}}]}"#;
        for body in [
            format!(
                r#"{{"data":{{"objects":[{object}]}},"pageInfo":{{"hasNextPage":true,"startCursor":"a","endCursor":"b"}},"totalCount":1}}"#
            ),
            format!(
                r#"{{"data":[{object}],"pageInfo":{{"hasNextPage":true,"startCursor":"a","endCursor":"b"}},"totalCount":1}}"#
            ),
        ] {
            let mut schema = Schema::default();
            assert_eq!(schema.add_page(&Bytes::from(body)).unwrap().as_deref(), Some("b"));
            assert_eq!(schema.missing("gifts", &["amount", "donorId", "old"]), ["old"]);
            assert!(!schema.has("people", "name"));
        }
    }
}
