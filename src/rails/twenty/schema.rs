//! Reads the objects and fields of a workspace from its metadata, in either of the two envelopes (contract 3.2).

use bytes::Bytes;
use serde::Deserialize;

use super::reply::{self, is_whole_json};
use crate::ground::workspace::{FieldSchema, ObjectSchema, Schema};
use crate::rails::Trouble;

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
    #[serde(default)]
    id: String,
    #[serde(default)]
    name_singular: String,
    name_plural: String,
    label_singular: Option<String>,
    label_plural: Option<String>,
    is_active: Option<bool>,
    is_system: Option<bool>,
    label_identifier_field_metadata_id: Option<String>,
    #[serde(default, alias = "fieldsList")]
    fields: Vec<FieldMeta>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldMeta {
    #[serde(default)]
    id: String,
    name: String,
    #[serde(default, rename = "type")]
    kind: String,
    label: Option<String>,
    is_active: Option<bool>,
    is_unique: Option<bool>,
    settings: Option<FieldSettings>,
    options: Option<Vec<FieldOption>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldSettings {
    join_column_name: Option<String>,
}

#[derive(Deserialize)]
struct FieldOption {
    value: Option<String>,
}

/// Adds one page of the metadata list; answers the next cursor.
pub(super) fn add_page(schema: &mut Schema, body: &Bytes) -> Result<Option<String>, Trouble> {
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
    add(schema, objects);
    let paging: Paging = serde_json::from_slice(body)
        .map_err(|_| Trouble::Broken("Twenty's list of objects does not fit".into()))?;
    Ok(paging.page_info.filter(|info| info.has_next_page).and_then(|info| info.end_cursor))
}

/// The list as GraphQL has it.
#[derive(Deserialize)]
struct ListData {
    objects: Connection,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection {
    edges: Vec<Edge>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
struct Edge {
    node: ObjectMeta,
}

/// Adds one page of the list as GraphQL has it; answers the next cursor.
pub(super) fn add_connection(
    schema: &mut Schema,
    data: serde_json::Value,
) -> Result<Option<String>, Trouble> {
    let ListData { objects } = serde_json::from_value(data)
        .map_err(|error| Trouble::Broken(format!("Twenty's list of objects does not fit: {error}")))?;
    add(schema, objects.edges.into_iter().map(|edge| edge.node).collect());
    Ok(Some(objects.page_info).filter(|info| info.has_next_page).and_then(|info| info.end_cursor))
}

/// One object, in either envelope.
#[derive(Deserialize)]
#[serde(untagged)]
enum One {
    Legacy { data: OneData },
    Direct(ObjectMeta),
}

#[derive(Deserialize)]
struct OneData {
    object: ObjectMeta,
}

/// Adds one object in the place of what was known of it.
pub(super) fn add_one(schema: &mut Schema, body: &Bytes) -> Result<(), Trouble> {
    let (One::Legacy { data: OneData { object } } | One::Direct(object)) = reply::whole(body)?;
    schema.objects.retain(|_, known| known.id != object.id);
    add(schema, vec![object]);
    Ok(())
}

fn add(schema: &mut Schema, objects: Vec<ObjectMeta>) {
    for object in objects {
        if object.is_active == Some(false) {
            schema.off.insert(object.name_plural);
        } else {
            schema.objects.insert(object.name_plural.clone(), object.read());
        }
    }
}

impl ObjectMeta {
    fn read(self) -> ObjectSchema {
        let (on, off): (Vec<_>, Vec<_>) =
            self.fields.into_iter().partition(|field| field.is_active != Some(false));
        let fields = on.into_iter().map(FieldMeta::read);
        ObjectSchema {
            off: off.into_iter().map(|field| field.name).collect(),
            id: self.id,
            singular: self.name_singular,
            label: self.label_singular.unwrap_or_default(),
            label_plural: self.label_plural.unwrap_or_default(),
            system: self.is_system.unwrap_or_default(),
            label_field: self.label_identifier_field_metadata_id,
            fields: fields.collect(),
        }
    }
}

impl FieldMeta {
    /// The name a record is written with, and the field.
    fn read(self) -> (String, FieldSchema) {
        let column = self.settings.and_then(|settings| settings.join_column_name);
        let field = FieldSchema {
            id: self.id,
            name: self.name.clone(),
            kind: self.kind,
            label: self.label.unwrap_or_default(),
            is_unique: self.is_unique.unwrap_or(false),
            options: self.options.unwrap_or_default().into_iter().filter_map(|option| option.value).collect(),
        };
        (column.unwrap_or(self.name), field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_envelopes_read_and_relations_stand_as_their_column() {
        let object = r#"{"id":"o1","nameSingular":"gift","namePlural":"gifts","labelPlural":"Gifts","isActive":true,"fields":[{"id":"f1","name":"amount","type":"CURRENCY","label":"Amount","isActive":true,"settings":null},{"name":"old","isActive":false},{"name":"donor","type":"RELATION","settings":{"joinColumnName":"donorId"}},{"name":"kind","type":"SELECT","options":[{"value":"A"},{"value":"B"}]}]}"#;
        for body in [
            format!(
                r#"{{"data":{{"objects":[{object}]}},"pageInfo":{{"hasNextPage":true,"startCursor":"a","endCursor":"b"}},"totalCount":1}}"#
            ),
            format!(
                r#"{{"data":[{object}],"pageInfo":{{"hasNextPage":true,"startCursor":"a","endCursor":"b"}},"totalCount":1}}"#
            ),
        ] {
            let mut schema = Schema::default();
            assert_eq!(add_page(&mut schema, &Bytes::from(body)).unwrap().as_deref(), Some("b"));
            assert_eq!(schema.missing("gifts", &["amount", "donorId", "old"]), ["old"]);
            assert!(!schema.has("people", "name"));
            let gifts = &schema.objects["gifts"];
            assert_eq!((gifts.singular.as_str(), gifts.id.as_str()), ("gift", "o1"));
            assert_eq!(gifts.fields["amount"].kind, "CURRENCY");
            assert_eq!(gifts.fields["donorId"].name, "donor");
            assert_eq!(gifts.fields["kind"].options, ["A", "B"]);
        }
    }
}
