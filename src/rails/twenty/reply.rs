//! Reads Twenty's answers, and sorts what went wrong into the six kinds (contract 1.12, 5.3).

use ::http::{Response, StatusCode};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::ground::crm::RecordHead;
use crate::ground::time::Instant;
use crate::rails::{Heard, Outcome, RawRecord, RecordPage, Trouble};

mod limit;

/// When an answer arrived; stands among its extensions.
#[derive(Clone, Copy, Debug)]
pub(super) struct ArrivedAt(pub(super) Instant);

/// A field that only repeats others, and is as large as all of them together.
const DERIVED_FIELD: &str = "searchVector";
/// Twenty's database did not answer in time.
const READ_TIMEOUT: &str = "Query read timeout";
const DUPLICATE: &str = "A duplicate entry was detected";

#[derive(Deserialize)]
struct Envelope<'j> {
    #[serde(borrow)]
    data: Members<'j>,
    #[serde(rename = "totalCount")]
    total_count: Option<u64>,
    #[serde(rename = "pageInfo")]
    page_info: Option<PageInfo>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    end_cursor: Option<String>,
    has_next_page: bool,
}

/// An object's members in their order, values as they were written.
struct Members<'j>(Vec<(String, &'j RawValue)>);

impl<'de: 'j, 'j> Deserialize<'de> for Members<'j> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

fn not_fitting(what: &str) -> Trouble {
    Trouble::Broken(format!("Twenty's answer does not fit: {what}"))
}

/// The record's own text without the field that only repeats others.
fn record(raw: &RawValue) -> Result<RawRecord, Trouble> {
    let head: RecordHead =
        serde_json::from_str(raw.get()).map_err(|_| not_fitting("a record without an id"))?;
    let Members(members) =
        serde_json::from_str(raw.get()).map_err(|_| not_fitting("a record that is not an object"))?;
    let mut json = String::with_capacity(raw.get().len());
    for (name, value) in members.iter().filter(|(name, _)| name != DERIVED_FIELD) {
        json.push(if json.is_empty() { '{' } else { ',' });
        json.push_str(&serde_json::Value::from(name.as_str()).to_string());
        json.push(':');
        json.push_str(value.get());
    }
    json.push('}');
    Ok(RawRecord { id: head.id, json, updated: head.updated(), deleted: head.deleted_at.is_some() })
}

fn list<'j>(envelope: &Envelope<'j>, member: &str) -> Result<Vec<&'j RawValue>, Trouble> {
    let found = envelope.data.0.iter().find(|(name, _)| name == member);
    let (_, list) = found.ok_or_else(|| not_fitting(&format!("no {member}")))?;
    serde_json::from_str(list.get()).map_err(|_| not_fitting(&format!("{member} is not a list")))
}

fn records(envelope: &Envelope<'_>, member: &str) -> Result<Vec<RawRecord>, Trouble> {
    list(envelope, member)?.into_iter().map(record).collect()
}

/// The answer to a question for some ids.
pub(super) fn probed(body: &Bytes, plural: &str, ids: &[Uuid]) -> Result<Vec<RawRecord>, Trouble> {
    let page = page(body, plural)?;
    if page.records.iter().any(|record| !ids.contains(&record.id)) || !page.unreadable.is_empty() {
        return Err(Trouble::Broken("Twenty answered with records that were not asked for".into()));
    }
    // One that is counted and left out is there: taken for gone, it would be made again or mirrored as deleted.
    if page.total.is_some_and(|total| total != page.records.len() as u64) {
        let said = "an answer that counts more records than it holds".into();
        return Err(Trouble::Later { after_ms: None, said, limit: false });
    }
    Ok(page.records)
}

/// How many records there are.
pub(super) fn count(body: &Bytes) -> Result<u64, Trouble> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Counted {
        total_count: u64,
    }
    whole::<Counted>(body).map(|counted| counted.total_count)
}

/// The version of the server, if it tells.
pub(super) fn version(body: &Bytes) -> Result<Option<String>, Trouble> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Configuration {
        app_version: Option<String>,
    }
    whole::<Configuration>(body).map(|configuration| configuration.app_version)
}

/// A value out of a complete answer. JSON that is cut or no JSON at all may be a passing fault of something in between.
pub(super) fn whole<'b, T: Deserialize<'b>>(body: &'b Bytes) -> Result<T, Trouble> {
    match serde_json::from_slice(body) {
        Ok(value) => Ok(value),
        Err(error) if is_whole_json(body) => Err(not_fitting(&error.to_string())),
        Err(_) => Err(Trouble::Later {
            after_ms: None,
            said: "an answer that is cut or not JSON".into(),
            limit: false,
        }),
    }
}

/// A page of records. One that cannot be named is told apart, so that it holds up nobody else.
pub(super) fn page(body: &Bytes, plural: &str) -> Result<RecordPage, Trouble> {
    let envelope: Envelope<'_> = whole(body)?;
    let (mut records, mut unreadable) = (Vec::new(), Vec::new());
    for raw in list(&envelope, plural)? {
        match record(raw) {
            Ok(record) => records.push(record),
            Err(_) => unreadable.push(raw.get().to_owned()),
        }
    }
    let info = envelope.page_info.as_ref().ok_or_else(|| not_fitting("no pageInfo"))?;
    let next = match (info.has_next_page, &info.end_cursor) {
        (true, Some(cursor)) => Some(cursor.clone()),
        (true, None) => return Err(not_fitting("a next page without a cursor")),
        (false, _) => None,
    };
    Ok(RecordPage { records, next, total: envelope.total_count, told_at: None, unreadable })
}

/// Whether the bytes are one complete JSON value.
pub(super) fn is_whole_json(body: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(body).is_ok()
}

/// What became of a create. Only a complete and well-formed answer says anything; it is matched by id.
pub(super) fn created(reply: &Response<Bytes>, member: &str, ids: &[Uuid]) -> Outcome {
    match written(reply, member) {
        Outcome::Confirmed(found) => {
            let all_there = ids.iter().all(|id| found.iter().any(|record| record.id == *id));
            if all_there && found.len() == ids.len() {
                Outcome::Confirmed(found)
            } else {
                Outcome::Rejected(not_fitting("other records than were sent"))
            }
        }
        other => other,
    }
}

/// What an answer to a write says, whichever records it holds.
pub(super) fn written(reply: &Response<Bytes>, member: &str) -> Outcome {
    if !reply.status().is_success() {
        return refusal(reply);
    }
    let envelope: Envelope<'_> = match serde_json::from_slice(reply.body()) {
        Ok(envelope) => envelope,
        Err(_) if is_whole_json(reply.body()) => {
            return Outcome::Rejected(not_fitting("a success without data"));
        }
        Err(error) => return Outcome::Unknown(format!("an answer that is cut or not JSON: {error}")),
    };
    records(&envelope, member).map_or_else(Outcome::Rejected, Outcome::Confirmed)
}

/// What an answer to a write of one record says.
pub(super) fn written_one(reply: &Response<Bytes>, member: &str) -> Outcome {
    if !reply.status().is_success() {
        return refusal(reply);
    }
    let envelope: Envelope<'_> = match serde_json::from_slice(reply.body()) {
        Ok(envelope) => envelope,
        Err(_) if is_whole_json(reply.body()) => {
            return Outcome::Rejected(not_fitting("a success without data"));
        }
        Err(error) => return Outcome::Unknown(format!("an answer that is cut or not JSON: {error}")),
    };
    let found = envelope.data.0.iter().find(|(name, _)| name == member);
    let read = found.ok_or_else(|| not_fitting(&format!("no {member}"))).and_then(|(_, raw)| record(raw));
    read.map_or_else(Outcome::Rejected, |record| Outcome::Confirmed(vec![record]))
}

/// An error answer to a write: 4xx in Twenty's own shape says that nothing was kept; anything else says nothing.
fn refusal(reply: &Response<Bytes>) -> Outcome {
    match (reply.status(), said(reply.body())) {
        (StatusCode::TOO_MANY_REQUESTS, said) => Outcome::Rejected(limited(reply, said)),
        (status, Some(said)) if status.is_client_error() => match client_error(status, &said) {
            // A time-out told as 400 is a time-out: the statement may have come through.
            Trouble::Later { said, .. } if said.contains(READ_TIMEOUT) => Outcome::Unknown(said),
            trouble => Outcome::Rejected(trouble),
        },
        (status, _) => Outcome::Unknown(format!("Twenty answered {}", status.as_u16())),
    }
}

/// An error answer to a read.
pub(super) fn trouble_of_read(reply: &Response<Bytes>) -> Trouble {
    match (reply.status(), said(reply.body())) {
        (StatusCode::TOO_MANY_REQUESTS, said) => limited(reply, said),
        (status, Some(said)) if status.is_client_error() => client_error(status, &said),
        (status, _) => Trouble::Later {
            after_ms: None,
            said: format!("Twenty answered {}", status.as_u16()),
            limit: false,
        },
    }
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(default)]
    messages: Vec<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(rename = "statusCode")]
    _status_code: u16,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

struct Said {
    text: String,
    code: Option<String>,
    error: Option<String>,
}

/// Twenty's word, on any status, for a permission that the key's role lacks.
const NO_PERMISSION: &str = "PERMISSION_DENIED";
/// The framework's word for the same on the calls for metadata (contract 1.12).
const FORBIDDEN: &str = "Forbidden";

impl Said {
    fn lacks_permission(&self) -> bool {
        self.code.as_deref() == Some(NO_PERMISSION)
    }

    fn refuses_key(&self, status: StatusCode) -> bool {
        let one_thing_only = self.lacks_permission() || self.error.as_deref() == Some(FORBIDDEN);
        status == StatusCode::UNAUTHORIZED || (status == StatusCode::FORBIDDEN && !one_thing_only)
    }
}

/// Twenty's own words, if the body is one of its error envelopes.
fn said(body: &[u8]) -> Option<Said> {
    let error: ErrorBody = serde_json::from_slice(body).ok()?;
    let text = error.message.into_iter().chain(error.messages).collect::<Vec<_>>().join(" ");
    Some(Said { text, code: error.code, error: error.error })
}

fn client_error(status: StatusCode, said: &Said) -> Trouble {
    let text = said.text.clone();
    // Permission is told as 400 on some versions: the code decides, not the status (contract 0.1).
    if said.lacks_permission() || matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Trouble::Denied(text);
    }
    if status == StatusCode::PAYMENT_REQUIRED || text.contains(READ_TIMEOUT) {
        return Trouble::Later { after_ms: None, said: text, limit: false };
    }
    if text.contains(DUPLICATE) {
        return Trouble::Clash(text);
    }
    let object_is_missing = text.starts_with("object '") && text.contains("not found");
    if status == StatusCode::NOT_FOUND || object_is_missing {
        Trouble::Gone(text)
    } else {
        Trouble::Refused(text)
    }
}

fn limited(reply: &Response<Bytes>, said: Option<Said>) -> Trouble {
    let after_ms = limit::after_ms(reply);
    let text = said.map_or_else(|| "Twenty allows no more calls for now".to_owned(), |said| said.text);
    Trouble::Later { after_ms, said: text, limit: true }
}

/// What an answer taught of the connection. That of a refused key is told from a permission that it lacks for one
/// object: the former concerns every call.
pub(super) fn heard(reply: &Response<Bytes>) -> Heard {
    let status = reply.status();
    if status == StatusCode::TOO_MANY_REQUESTS {
        return limit::limited(reply);
    }
    if status.is_success() {
        return if is_whole_json(reply.body()) {
            limit::answered(reply)
        } else {
            Heard::NoAnswer("an answer that is cut or not JSON".into())
        };
    }
    match said(reply.body()) {
        Some(said) if said.refuses_key(status) => Heard::Denied(said.text),
        Some(_) if status.is_client_error() => limit::answered(reply),
        _ => Heard::NoAnswer(format!("Twenty answered {}", status.as_u16())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "63f16175-3266-5ae1-b7c7-297a48d16281";

    fn reply(status: u16, body: &str) -> Response<Bytes> {
        Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap()
    }

    fn create(status: u16, body: &str) -> Outcome {
        created(&reply(status, body), "createGifts", &[ID.parse().unwrap()])
    }

    #[test]
    fn a_page_keeps_each_records_own_text_but_for_the_search_vector() {
        let body = format!(
            r#"{{"data":{{"gifts":[{{"id":"{ID}","updatedAt":"2026-11-22T07:23:49.544Z","deletedAt":null,"amount":{{"amountMicros":9007199254740993}},"searchVector":"'a':1","z":1.50}}]}},"totalCount":7,"pageInfo":{{"startCursor":"a","endCursor":"b","hasNextPage":true,"hasPreviousPage":false}}}}"#
        );
        let page = page(&Bytes::from(body), "gifts").unwrap();
        assert_eq!((page.next.as_deref(), page.total), (Some("b"), Some(7)));
        let expected = format!(
            r#"{{"id":"{ID}","updatedAt":"2026-11-22T07:23:49.544Z","deletedAt":null,"amount":{{"amountMicros":9007199254740993}},"z":1.50}}"#
        );
        assert_eq!(page.records[0].json, expected);
        assert_eq!(page.records[0].updated.unwrap().to_string(), "2026-11-22T07:23:49.544000Z");
    }

    #[test]
    fn an_answer_to_a_create_counts_only_when_it_is_whole_and_ours() {
        let good = format!(r#"{{"data":{{"createGifts":[{{"id":"{ID}"}}]}}}}"#);
        assert!(matches!(create(201, &good), Outcome::Confirmed(records) if records.len() == 1));
        for body in [&good[..good.len() - 3], "", "<html>502</html>"] {
            assert!(matches!(create(201, body), Outcome::Unknown(_)), "{body}");
        }
        for body in [
            r#"{"data":{"createGifts":[]}}"#,
            r#"{"data":{}}"#,
            r#"{"ok":true}"#,
            r#"{"data":{"createGifts":[{"id":"11111111-2222-4333-8444-555555555555"}]}}"#,
        ] {
            assert!(matches!(create(201, body), Outcome::Rejected(Trouble::Broken(_))), "{body}");
        }
    }

    #[test]
    fn refusals_are_sorted_once() {
        let says = |text: &str| {
            format!(r#"{{"statusCode":400,"error":"BadRequestException","messages":["{text}"]}}"#)
        };
        assert!(matches!(create(400, &says(DUPLICATE)), Outcome::Rejected(Trouble::Clash(_))));
        assert!(matches!(create(400, &says("Invalid object value")), Outcome::Rejected(Trouble::Refused(_))));
        assert!(matches!(
            create(400, &says("object 'gifts' not found. eg: companies")),
            Outcome::Rejected(Trouble::Gone(_))
        ));
        assert!(matches!(create(401, &says("Token invalid.")), Outcome::Rejected(Trouble::Denied(_))));
        let denied = r#"{"statusCode":400,"error":"Error","messages":["no"],"code":"PERMISSION_DENIED"}"#;
        assert!(matches!(create(400, denied), Outcome::Rejected(Trouble::Denied(_))));
        assert!(matches!(create(402, &says("quota")), Outcome::Rejected(Trouble::Later { .. })));
        assert!(matches!(create(400, &says("Query read timeout")), Outcome::Unknown(_)));
        // A 5xx, a proxy's page, or a 4xx that is not Twenty's own says nothing about what happened.
        for (status, body) in
            [(500, says("boom")), (502, "<html>".into()), (400, "<html>".into()), (408, String::new())]
        {
            assert!(matches!(create(status, &body), Outcome::Unknown(_)), "{status}");
        }
    }

    #[test]
    fn what_an_answer_teaches_of_the_connection() {
        let says = |error: &str, code: &str| {
            format!(r#"{{"statusCode":0,"error":"{error}","messages":["no"]{code}}}"#)
        };
        let no_permission = r#","code":"PERMISSION_DENIED""#;
        let answered = Heard::Answered { ceiling: None, remaining: None };
        for (status, body) in [
            (200, "{}".to_owned()),
            (400, says("BadRequestException", "")),
            (404, says("NotFoundException", "")),
            // The role may not do this one thing: everything else goes on.
            (400, says("Error", no_permission)),
            (403, says("Error", no_permission)),
            (403, r#"{"message":"Forbidden resource","error":"Forbidden","statusCode":403}"#.to_owned()),
        ] {
            assert_eq!(heard(&reply(status, &body)), answered, "{status} {body}");
        }
        for (status, error) in [(401, "UNAUTHENTICATED"), (403, "FORBIDDEN_EXCEPTION")] {
            assert_eq!(heard(&reply(status, &says(error, ""))), Heard::Denied("no".into()));
        }
        for (status, body) in [
            (200, "<html>".to_owned()),
            (201, r#"{"data":{"#.to_owned()),
            (500, says("Error", "")),
            (502, "<html>".to_owned()),
            (403, "<html>".to_owned()),
            (302, String::new()),
        ] {
            assert!(matches!(heard(&reply(status, &body)), Heard::NoAnswer(_)), "{status} {body}");
        }
    }
}
