//! Changes of a workspace's data model: objects and fields are made, over REST or, where that answers 500 (contract 8,
//! issue 20145), over GraphQL. None of these calls costs any of the record budget (contract 3.1).

use ::http::{Method, Response, StatusCode};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{TwentyRail, reply, schema};
use crate::ground::model::{Choice, Kind, WantedField, WantedObject};
use crate::ground::workspace::Schema;
use crate::rails::{Permit, Trouble};

/// Which of the two ways to the data model is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Door {
    /// `/rest/metadata`.
    #[default]
    Rest,
    /// `POST /metadata`.
    GraphQl,
}

impl Door {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Rest => Self::GraphQl,
            Self::GraphQl => Self::Rest,
        }
    }
}

/// Objects a page of the GraphQL list holds; every workspace seen fits in one.
const OBJECTS_MAX: u32 = 1_000;

/// What is asked of an object.
const OBJECT: &str = "{id nameSingular namePlural labelSingular labelPlural isActive isSystem \
    labelIdentifierFieldMetadataId fieldsList{id name type label isActive isUnique settings options}}";
const CREATE_OBJECT: &str =
    "mutation($input:CreateOneObjectInput!){createOneObject(input:$input){id namePlural}}";
const CREATE_FIELD: &str =
    "mutation($input:CreateOneFieldMetadataInput!){createOneField(input:$input){id name}}";

/// Colours of options, in turn; Twenty wants one for each.
const COLOURS: [&str; 8] = ["green", "turquoise", "sky", "blue", "purple", "pink", "orange", "yellow"];

impl TwentyRail {
    /// The objects and fields this workspace has, by this door.
    pub async fn schema_by(&self, permit: &Permit, door: Door) -> Result<Schema, Trouble> {
        if door == Door::Rest {
            return self.schema(permit).await;
        }
        let mut found = Schema::default();
        let mut after: Option<String> = None;
        loop {
            let variables = json!({ "first": OBJECTS_MAX, "after": after });
            let query = format!(
                "query($first:Int!,$after:ConnectionCursor){{objects(paging:{{first:$first,after:$after}})\
                 {{edges{{node{OBJECT}}} pageInfo{{hasNextPage endCursor}}}}}}"
            );
            let data = self.graphql(permit, &query, &variables).await?;
            after = schema::add_connection(&mut found, data)?;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    /// Reads one object again, by its metadata id, into what is known.
    pub async fn reread(
        &self,
        permit: &Permit,
        schema: &mut Schema,
        id: &str,
        door: Door,
    ) -> Result<(), Trouble> {
        match door {
            Door::Rest => {
                let body = self.read(permit, &format!("/rest/metadata/objects/{id}")).await?;
                schema::add_one(schema, &body)
            }
            Door::GraphQl => {
                let query = format!("query($id:UUID!){{object(id:$id){OBJECT}}}");
                let data = self.graphql(permit, &query, &json!({ "id": id })).await?;
                schema::add_one(schema, &Bytes::from(json!({ "data": data }).to_string()))
            }
        }
    }

    /// Makes an object. One of that name that is there already is a `Clash`, and nothing is changed.
    pub async fn create_object(
        &self,
        permit: &Permit,
        object: &WantedObject,
        door: Door,
    ) -> Result<(), Trouble> {
        let body = object_body(object);
        match door {
            Door::Rest => self.made(permit, "/rest/metadata/objects", &body).await,
            Door::GraphQl => {
                let variables = json!({ "input": { "object": body } });
                self.graphql(permit, CREATE_OBJECT, &variables).await.map(drop)
            }
        }
    }

    /// Makes a field of the object with this metadata id. One of that name that is there already is a `Clash`, and
    /// nothing is changed. `target` is the metadata id of the object that a relation leads to.
    pub async fn create_field(
        &self,
        permit: &Permit,
        object: &str,
        field: &WantedField,
        target: Option<&str>,
        door: Door,
    ) -> Result<(), Trouble> {
        let body = field_body(object, field, target);
        match door {
            Door::Rest => self.made(permit, "/rest/metadata/fields", &body).await,
            Door::GraphQl => {
                let variables = json!({ "input": { "field": body } });
                self.graphql(permit, CREATE_FIELD, &variables).await.map(drop)
            }
        }
    }

    /// What was made is read again before anybody builds on it, so of the answer, in either envelope, only that it is
    /// whole is of interest.
    async fn made(&self, permit: &Permit, path: &str, body: &Value) -> Result<(), Trouble> {
        let answer = self.write_model(permit, Method::POST, path, Some(body.to_string())).await?;
        reply::whole::<serde::de::IgnoredAny>(&answer).map(drop)
    }

    async fn graphql(&self, permit: &Permit, query: &str, variables: &Value) -> Result<Value, Trouble> {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let answer = self.write_model(permit, Method::POST, "/metadata", Some(body)).await?;
        let answer: GraphQl = reply::whole(&answer)?;
        match answer.errors.first() {
            Some(error) => Err(error.trouble()),
            None => answer
                .data
                .filter(|data| !data.is_null())
                .ok_or_else(|| Trouble::Broken("Twenty's answer holds neither data nor an error".into())),
        }
    }
}

fn object_body(object: &WantedObject) -> Value {
    json!({
        "nameSingular": object.singular, "namePlural": object.plural,
        "labelSingular": object.label, "labelPlural": object.label_plural,
        "icon": object.icon, "isLabelSyncedWithName": false,
    })
}

fn field_body(object: &str, field: &WantedField, target: Option<&str>) -> Value {
    let mut body = json!({
        "objectMetadataId": object, "type": field.kind.twenty(), "name": field.name, "label": field.label,
    });
    match field.kind {
        Kind::Truth(default) => body["defaultValue"] = default.into(),
        Kind::Choice(Choice { options, default }) => {
            let shown = options.iter().zip(COLOURS.iter().cycle()).enumerate();
            let option = |(position, ((value, label), colour)): (usize, (&(&str, &str), &&str))| json!({ "value": value, "label": label, "color": colour, "position": position });
            body["options"] = shown.map(option).collect();
            if let Some(default) = default {
                // Texts are quoted inside their quotes (contract 3.2).
                body["defaultValue"] = format!("'{default}'").into();
            }
        }
        Kind::One(relation) => {
            body["relationCreationPayload"] = json!({
                "type": "MANY_TO_ONE", "targetObjectMetadataId": target,
                "targetFieldLabel": relation.back_label, "targetFieldIcon": relation.back_icon,
            });
        }
        Kind::Text | Kind::Money | Kind::Date | Kind::Moment | Kind::Number | Kind::Address => {}
    }
    body
}

#[derive(Deserialize)]
struct GraphQl {
    #[serde(default)]
    data: Option<Value>,
    #[serde(default)]
    errors: Vec<GraphQlError>,
}

#[derive(Deserialize)]
struct GraphQlError {
    message: String,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Extensions {
    code: Option<String>,
    sub_code: Option<String>,
    errors: Option<Value>,
}

impl GraphQlError {
    /// GraphQL answers 200 to everything; the class is in the extensions (recording 11, 19).
    fn trouble(&self) -> Trouble {
        let said = self.message.clone();
        let later = |limit| Trouble::Later { after_ms: None, said: said.clone(), limit };
        let code = self.extensions.code.as_deref().unwrap_or_default();
        match (code, self.extensions.sub_code.as_deref()) {
            (_, Some("LIMIT_REACHED")) => later(true),
            ("UNAUTHENTICATED" | "FORBIDDEN", _) | (_, Some("PERMISSION_DENIED")) => Trouble::Denied(said),
            ("INTERNAL_SERVER_ERROR", _) => later(false),
            _ => faults(self.extensions.errors.as_ref()).unwrap_or(Trouble::Refused(said)),
        }
    }
}

/// What the metadata API says of what it did not make (recording 13). It has two envelopes of errors beside those of
/// records: the framework's, whose message may be a list, and the migration builder's, which lists everything that fell.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModelError {
    #[serde(default)]
    message: Option<OneOrMany>,
    #[serde(default)]
    errors: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<String>),
    One(serde::de::IgnoredAny),
}

/// An error answer to a change of the data model.
pub(super) fn trouble(answer: &Response<Bytes>) -> Trouble {
    let general = reply::trouble_of_read(answer);
    let no_shape = matches!(general, Trouble::Later { limit: false, .. } | Trouble::Refused(_));
    if !no_shape || !matches!(answer.status(), StatusCode::BAD_REQUEST | StatusCode::CONFLICT) {
        return general;
    }
    let Ok(error) = serde_json::from_slice::<ModelError>(answer.body()) else { return general };
    let told = faults(error.errors.as_ref());
    told.or_else(|| match error.message? {
        OneOrMany::One(_) => None,
        OneOrMany::Many(all) => Some(Trouble::Refused(all.join("; "))),
    })
    .unwrap_or(general)
}

/// The faults of the object or field itself; what fell along with it only repeats that it is not there. A name that is
/// taken is a `Clash`: the thing may be there.
fn faults(errors: Option<&Value>) -> Option<Trouble> {
    const TAKEN: [&str; 2] = ["NOT_AVAILABLE", "OBJECT_ALREADY_EXISTS"];
    let errors = errors?;
    let of = |entity: &str| {
        let fallen = errors.get(entity).and_then(Value::as_array).cloned().unwrap_or_default();
        let each = fallen.into_iter().filter_map(|one| one.get("errors").and_then(Value::as_array).cloned());
        each.flatten().collect::<Vec<Value>>()
    };
    let object = of("objectMetadata");
    let own = if object.is_empty() { of("fieldMetadata") } else { object };
    let text = |fault: &Value, name: &str| fault.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut said: Vec<String> = own.iter().filter_map(|fault| text(fault, "message")).collect();
    said.dedup();
    let taken =
        own.iter().any(|fault| text(fault, "code").is_some_and(|code| TAKEN.contains(&code.as_str())));
    let said = Some(said.join("; ")).filter(|said| !said.is_empty())?;
    Some(if taken { Trouble::Clash(said) } else { Trouble::Refused(said) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::model::{wanted, wanted_field};

    fn field(column: &str) -> &'static WantedField {
        wanted_field("gifts", column).unwrap()
    }

    fn answer(status: u16, body: &str) -> Trouble {
        trouble(&Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap())
    }

    #[test]
    fn bodies_are_those_that_the_real_server_took() {
        assert_eq!(
            object_body(wanted("gifts").unwrap()),
            json!({ "nameSingular": "gift", "namePlural": "gifts", "labelSingular": "Gift", "labelPlural": "Gifts", "icon": "IconGift", "isLabelSyncedWithName": false })
        );
        assert_eq!(
            field_body("o", field("amount"), None),
            json!({ "objectMetadataId": "o", "type": "CURRENCY", "name": "amount", "label": "Amount" })
        );
        assert_eq!(
            field_body("o", field("donorId"), Some("p"))["relationCreationPayload"],
            json!({ "type": "MANY_TO_ONE", "targetObjectMetadataId": "p", "targetFieldLabel": "Gifts", "targetFieldIcon": "IconGift" })
        );
        let kind = field_body("o", field("giftType"), None);
        assert_eq!(kind["defaultValue"], "'DONATION'");
        assert_eq!(
            kind["options"][1],
            json!({ "value": "GRANT", "label": "Grant", "color": "turquoise", "position": 1 })
        );
        let paid = field_body("o", field("paymentType"), None);
        assert!(paid.get("defaultValue").is_none() && paid.get("isUnique").is_none());
        assert_eq!(field_body("o", field("isAnonymousDonor"), None)["defaultValue"], false);
    }

    /// The errors of recordings 13 and 19, cut to what is read.
    #[test]
    fn refusals_of_the_data_model_are_sorted_once() {
        let taken = r#"{"statusCode":400,"error":"METADATA_VALIDATION_ERROR","message":"Multiple validation errors occurred while creating fields","errors":{"fieldMetadata":[{"status":"fail","errors":[{"code":"NOT_AVAILABLE","value":"amount","message":"Name \"amount\" is not available as it is already used by another field"}]}],"viewField":[{"errors":[{"code":"INVALID_VIEW_DATA","message":"Field metadata not found"}]}]}}"#;
        assert!(matches!(answer(400, taken), Trouble::Clash(said) if said.starts_with("Name \"amount\"")));
        let object = r#"{"statusCode":400,"error":"METADATA_VALIDATION_ERROR","message":"Multiple validation errors occurred while creating object","errors":{"fieldMetadata":[{"errors":[{"code":"OBJECT_METADATA_NOT_FOUND","message":"Object metadata not found"}]}],"objectMetadata":[{"errors":[{"code":"OBJECT_ALREADY_EXISTS","message":"Object already exists"}]}]}}"#;
        assert!(matches!(answer(400, object), Trouble::Clash(said) if said == "Object already exists"));
        let payload = r#"{"statusCode":400,"error":"METADATA_VALIDATION_ERROR","message":"Multiple validation errors occurred while creating field","errors":{"fieldMetadata":[{"errors":[{"code":"INVALID_FIELD_INPUT","message":"Relation creation payload is required"}]}]}}"#;
        assert!(matches!(answer(400, payload), Trouble::Refused(said) if said.starts_with("Relation")));
        let shape = r#"{"message":["namePlural should not be empty","namePlural must be a string"],"error":"Bad Request","statusCode":400}"#;
        assert!(matches!(answer(400, shape), Trouble::Refused(said) if said.contains("; namePlural must")));
        let denied = r#"{"statusCode":403,"error":"Error","messages":["Entity performing the request does not have permission"],"code":"PERMISSION_DENIED"}"#;
        assert!(matches!(answer(403, denied), Trouble::Denied(_)));
        assert!(matches!(answer(500, taken), Trouble::Later { .. }));
        assert!(matches!(answer(400, "<html>"), Trouble::Later { .. }));
    }

    #[test]
    fn errors_of_graphql_are_sorted_by_their_class() {
        let sorted = |extensions: &str| {
            let error = format!(r#"{{"message":"no","extensions":{extensions}}}"#);
            serde_json::from_str::<GraphQlError>(&error).unwrap().trouble()
        };
        assert!(matches!(
            sorted(r#"{"code":"FORBIDDEN","subCode":"PERMISSION_DENIED"}"#),
            Trouble::Denied(_)
        ));
        assert!(matches!(sorted(r#"{"code":"UNAUTHENTICATED"}"#), Trouble::Denied(_)));
        assert!(matches!(sorted(r#"{"code":"INTERNAL_SERVER_ERROR"}"#), Trouble::Later { limit: false, .. }));
        assert!(matches!(
            sorted(r#"{"code":"BAD_USER_INPUT","subCode":"LIMIT_REACHED"}"#),
            Trouble::Later { limit: true, .. }
        ));
        assert!(matches!(
            sorted(
                r#"{"code":"METADATA_VALIDATION_FAILED","errors":{"fieldMetadata":[{"errors":[{"code":"NOT_AVAILABLE","message":"taken"}]}]}}"#
            ),
            Trouble::Clash(_)
        ));
        assert!(matches!(sorted("{}"), Trouble::Refused(_)));
    }
}
