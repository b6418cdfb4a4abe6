//! A change of one record as it was seen: Twenty has no version to name, so the address selects the record only if
//! nothing changed it since (contract 6.1). The address is made of that guard alone, so that a change of many records,
//! or of all, cannot be expressed.

use ::http::{Method, Response};
use bytes::Bytes;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::call::unfit;
use super::{TwentyRail, capitalised, query, reply};
use crate::ground::id::Names;
use crate::ground::time::Instant;
use crate::rails::{Outcome, Permit, RawRecord, TransportError, Trouble};

/// The one record that may be changed, as it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Its id.
    pub id: Uuid,
    /// Its time of change when it was read.
    pub seen: Instant,
}

/// What became of a guarded change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guarded {
    /// It was made; the record as it is now.
    Done(RawRecord),
    /// Somebody changed or deleted the record since it was seen; nothing was done.
    Moved,
    /// Nothing was done.
    Rejected(Trouble),
    /// It is not known.
    Unknown(String),
}

impl TwentyRail {
    /// Changes a record unless somebody else did since it was seen. `body` is the JSON object with the changed fields.
    pub async fn update_guarded(
        &self,
        permit: &Permit,
        names: &Names,
        guard: Guard,
        body: String,
    ) -> Guarded {
        let path = query::guarded(&names.plural, guard);
        let member = format!("update{}", capitalised(&names.plural));
        self.guarded(permit, Method::PATCH, (&path, &member, guard.id), Some(body)).await
    }

    /// Puts a record into Twenty's bin unless somebody changed it since it was seen. It can be restored there.
    pub async fn delete_guarded(&self, permit: &Permit, names: &Names, guard: Guard) -> Guarded {
        let path = query::guarded_bin(&names.plural, guard);
        let member = format!("delete{}", capitalised(&names.plural));
        self.guarded(permit, Method::DELETE, (&path, &member, guard.id), None).await
    }

    async fn guarded(
        &self,
        permit: &Permit,
        method: Method,
        (path, member, id): (&str, &str, Uuid),
        body: Option<String>,
    ) -> Guarded {
        match self.send(permit, method, path, body).await {
            Err(TransportError::Refused(said)) => {
                Guarded::Rejected(Trouble::Later { after_ms: None, said, limit: false })
            }
            Err(TransportError::Broken(said)) => Guarded::Unknown(said),
            Ok(answer) => {
                let outcome = read(&answer, member, id);
                if let Guarded::Rejected(trouble) = &outcome {
                    unfit(permit, path, trouble);
                }
                outcome
            }
        }
    }
}

/// What an answer says. More than the one record would mean that the guard was not heeded.
fn read(answer: &Response<Bytes>, member: &str, id: Uuid) -> Guarded {
    match reply::written(answer, member) {
        Outcome::Confirmed(records) => match <[RawRecord; 1]>::try_from(records) {
            Ok([record]) if record.id == id => Guarded::Done(record),
            Err(records) if records.is_empty() => Guarded::Moved,
            _ => Guarded::Rejected(Trouble::Broken(
                "Twenty's answer does not fit: other records than the one that was to be changed".into(),
            )),
        },
        Outcome::Rejected(trouble) => Guarded::Rejected(trouble),
        Outcome::Unknown(said) => Guarded::Unknown(said),
    }
}

/// The body that sets these fields; a path such as `name.firstName` sets that part alone.
pub fn body_of<'f>(fields: impl Iterator<Item = (&'f str, Value)>) -> String {
    let mut body = Map::new();
    for (path, value) in fields {
        match path.split_once('.') {
            None => {
                body.insert(path.to_owned(), value);
            }
            Some((field, part)) => {
                let whole = body.entry(field).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(parts) = whole {
                    parts.insert(part.to_owned(), value);
                }
            }
        }
    }
    Value::Object(body).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "63f16175-3266-5ae1-b7c7-297a48d16281";

    fn told(status: u16, body: &str) -> Guarded {
        let reply = Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap();
        read(&reply, "updatePeople", ID.parse().unwrap())
    }

    #[test]
    fn only_the_one_record_or_none_is_an_answer() {
        let one = format!(r#"{{"data":{{"updatePeople":[{{"id":"{ID}"}}]}}}}"#);
        assert!(matches!(told(200, &one), Guarded::Done(record) if record.id.to_string() == ID));
        assert_eq!(told(200, r#"{"data":{"updatePeople":[]}}"#), Guarded::Moved);
        for body in [
            format!(r#"{{"data":{{"updatePeople":[{{"id":"{ID}"}},{{"id":"{ID}"}}]}}}}"#),
            r#"{"data":{"updatePeople":[{"id":"11111111-2222-4333-8444-555555555555"}]}}"#.into(),
            r#"{"data":{}}"#.into(),
            r#"{"ok":true}"#.into(),
        ] {
            assert!(matches!(told(200, &body), Guarded::Rejected(Trouble::Broken(_))), "{body}");
        }
        assert!(matches!(told(200, &one[..40]), Guarded::Unknown(_)));
        assert!(matches!(told(502, "<html>"), Guarded::Unknown(_)));
        let says = r#"{"statusCode":400,"error":"BadRequestException","messages":["Invalid"]}"#;
        assert!(matches!(told(400, says), Guarded::Rejected(Trouble::Refused(_))));
    }

    #[test]
    fn a_body_sets_what_was_named_and_nothing_else() {
        let fields =
            [("name.firstName", json!("Ada")), ("jobTitle", json!(null)), ("name.lastName", json!("L"))];
        let body = body_of(fields.into_iter());
        assert_eq!(body, r#"{"jobTitle":null,"name":{"firstName":"Ada","lastName":"L"}}"#);
    }
}
