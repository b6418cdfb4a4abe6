//! The byte level: requests in, answers and faults out.

use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Response, StatusCode};

use super::api::{self, Answer, Content, Request};
use super::core::Core;
use super::error::Refusal;
use super::metadata::fields;
use super::time::to_http;
use super::{LoggedRequest, Twenty, hands};
use crate::sim::digest;
use crate::sim::faults::{Broken, Fault};
use crate::sim::json::Json;

/// The page a proxy shows when the server behind it is away.
const GATEWAY_PAGE: &str = "<html>\r\n<head><title>Bad Gateway</title></head>\r\n<body><center><h1>Bad Gateway</h1></center></body>\r\n</html>\r\n";

/// Answers one request, faults included, and logs it.
pub(crate) fn answer(core: &mut Core, request: http::Request<Bytes>) -> Result<Response<Bytes>, Broken> {
    let request = read(request);
    let fault = core.plan.next(&request.method, &mut core.chances);
    let before = core.store.version();
    core.storm = matches!(fault, Some(Fault::Storm(_)));
    let (status, outcome) = act(core, &request, fault.as_ref());
    core.served += 1;
    let effect = core.store.version() != before;
    if let Some(fault) = &fault {
        after(core, fault);
    }
    core.log.push(LoggedRequest {
        number: core.served,
        method: request.method,
        path: request.path,
        query: request.query,
        body: request.body,
        status,
        effect,
        fault,
    });
    outcome
}

/// What other people do right after a request.
fn after(core: &mut Core, fault: &Fault) {
    match fault {
        Fault::ConcurrentEdit => hands::somebody_edits(core),
        Fault::ConcurrentCreate => hands::somebody_creates(core),
        Fault::ConcurrentDelete => hands::somebody_removes(core, true),
        Fault::HardDelete => hands::somebody_removes(core, false),
        Fault::BackdatedEdit => hands::somebody_backdates(core),
        Fault::TrashPurge => {
            hands::purge(core);
        }
        _ => {}
    }
}

fn read(request: http::Request<Bytes>) -> Request {
    let (head, body) = request.into_parts();
    let header = |name: http::HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
    Request {
        authorization: header(http::header::AUTHORIZATION).map(str::to_owned),
        content_type: header(http::header::CONTENT_TYPE).unwrap_or_default().to_owned(),
        wanted_headers: header(http::header::ACCESS_CONTROL_REQUEST_HEADERS).map(str::to_owned),
        if_none_match: header(http::header::IF_NONE_MATCH).map(str::to_owned),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        method: head.method,
        body,
    }
}

type Outcome = Result<Response<Bytes>, Broken>;

/// Acts out the fault around the request; the status is the server's own, heard or not.
fn act(core: &mut Core, request: &Request, fault: Option<&Fault>) -> (Option<u16>, Outcome) {
    match fault {
        Some(Fault::Refused) => return (None, Err(Broken::Refused)),
        Some(Fault::LostRequest) => return (None, Err(Broken::Reset)),
        Some(Fault::TimeoutBefore) => return (None, Err(Broken::TimedOut)),
        Some(Fault::GatewayBefore(status)) => return (Some(*status), Ok(gateway(*status))),
        _ => {}
    }
    if let Some(refusal) = fault.and_then(|fault| refused(request, fault)) {
        let answer = Answer::from(refusal);
        return (Some(answer.status), Ok(respond(request, answer, core.now())));
    }
    if let Some(fault) = fault {
        before(core, request, fault);
    }
    let mut answer = match fault {
        Some(Fault::IgnoredFilter) if request.method == http::Method::GET => {
            api::handle(core, &without_filter(request))
        }
        Some(Fault::StaleRead(writes)) if request.method == http::Method::GET => {
            let stale = core.store.behind(*writes);
            let fresh = std::mem::replace(&mut core.store, stale);
            let answer = api::handle(core, request);
            core.store = fresh;
            answer
        }
        _ => api::handle(core, request),
    };
    let status = answer.status;
    if let Some(fault) = fault {
        disturb(core, fault, &mut answer);
    }
    let outcome = match fault {
        Some(Fault::LostReply) => Err(Broken::Reset),
        Some(Fault::TimeoutAfter) => Err(Broken::TimedOut),
        Some(Fault::GatewayAfter(status)) => Ok(gateway(*status)),
        Some(Fault::CutBody) => Ok(cut(respond(request, answer, core.now()))),
        _ => Ok(respond(request, answer, core.now())),
    };
    (Some(status), outcome)
}

/// Faults that answer in place of the server; nothing happens then.
fn refused(request: &Request, fault: &Fault) -> Option<Refusal> {
    let broken = || Refusal::framework(500, "Internal Server Error", "Internal server error");
    match fault {
        Fault::InternalError => Some(broken()),
        Fault::MetadataError => {
            let below = request.path.strip_prefix("/rest/metadata/").unwrap_or_default();
            let name = below.split('/').next().unwrap_or_default();
            ["objects", "fields"].contains(&name).then(broken)
        }
        Fault::QueryTimeout => Some(Refusal::bad("Query read timeout")),
        _ => None,
    }
}

/// What happens before the server looks at the request.
fn before(core: &mut Core, request: &Request, fault: &Fault) {
    match fault {
        Fault::FieldRemoved { object, field } => core.store.remove_field(object, field),
        Fault::FieldAdded { object, field } => fields::add_text_field(core, object, field),
        Fault::FieldRenamed { object, field, to } => fields::rename_field(core, object, field, to),
        Fault::ClockSkew(milliseconds) => core.skew = milliseconds.saturating_mul(1_000),
        Fault::VersionSwitch(version) => core.play(*version),
        Fault::DuplicateDelivery => {
            api::handle(core, request);
        }
        _ => {}
    }
}

fn without_filter(request: &Request) -> Request {
    let kept = request.query.split('&').filter(|pair| !pair.starts_with("filter="));
    let query = kept.collect::<Vec<_>>().join("&");
    Request { query, ..request.clone() }
}

/// The records of a successful list or batch answer.
fn records(answer: &mut Answer) -> Option<&mut Vec<Json>> {
    let data = answer.json_mut()?.get_mut("data")?;
    match data {
        Json::Obj(members) => members.iter_mut().find_map(|(_, value)| match value {
            Json::Arr(items) if !items.is_empty() => Some(items),
            _ => None,
        }),
        _ => None,
    }
}

/// Faults that change what the answer says.
fn disturb(core: &mut Core, fault: &Fault, answer: &mut Answer) {
    let dice = &mut core.mischief;
    match fault {
        Fault::ShuffledBatch => {
            if let Some(items) = records(answer) {
                for at in (1..items.len()).rev() {
                    items.swap(at, dice.index(at + 1));
                }
            }
        }
        Fault::MissingRecord => {
            if let Some(items) = records(answer) {
                let at = dice.index(items.len());
                items.remove(at);
            }
        }
        Fault::ForeignId => {
            let foreign = Json::text(dice.uuid().to_string());
            if let Some(items) = records(answer) {
                let at = dice.index(items.len());
                if let Some(item) = items.get_mut(at) {
                    item.set("id", foreign);
                }
            } else if let Some(Json::Obj(members)) = answer.json_mut().and_then(|body| body.get_mut("data"))
                && let Some((_, record)) = members.first_mut()
            {
                record.set("id", foreign);
            }
        }
        _ => {}
    }
}

/// Headers and bytes of an answer given at `now`.
fn respond(request: &Request, answer: Answer, now: i64) -> Response<Bytes> {
    let body = match answer.body {
        Content::Nothing => Bytes::new(),
        Content::Json(body) => Bytes::from(body.to_text()),
        Content::Text(text) => Bytes::from_static(text.as_bytes()),
    };
    let mut response = build(answer.status, answer.content_type, body);
    let headers = response.headers_mut();
    let mut say = |name: &'static str, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    let date = to_http(now);
    say("x-powered-by", "Express");
    say("access-control-allow-origin", "*");
    if answer.exposed {
        say("access-control-expose-headers", "WWW-Authenticate");
    }
    if answer.preflight {
        say("access-control-allow-methods", "GET,HEAD,PUT,PATCH,POST,DELETE");
        let preflight = request.method == http::Method::OPTIONS;
        if preflight {
            say("vary", "Access-Control-Request-Headers");
        } else {
            say("access-control-allow-headers", "Origin, X-Requested-With, Content-Type, Accept");
        }
    }
    if let Some(wanted) = request.wanted_headers.as_ref().filter(|_| request.method == http::Method::OPTIONS)
        && let Ok(value) = HeaderValue::from_str(wanted)
    {
        response.headers_mut().insert(http::header::ACCESS_CONTROL_ALLOW_HEADERS, value);
    }
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(http::header::DATE, date);
    }
    if answer.tagged {
        tag(request, &mut response);
    }
    if answer.content_type == "application/json" {
        // These parts of the server write in pieces and do not say how many bytes will come.
        response.headers_mut().remove(http::header::CONTENT_LENGTH);
    }
    response
}

/// The tag of a body that is sent as a whole, and no body for a reader who has it already.
fn tag(request: &Request, response: &mut Response<Bytes>) {
    if response.body().is_empty() {
        return;
    }
    let length = response.body().len();
    let hash =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, digest::sha1(response.body()));
    let tag = format!("W/\"{length:x}-{}\"", hash.get(..27).unwrap_or_default());
    if let Ok(value) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(http::header::ETAG, value);
    }
    let reading = request.method == http::Method::GET || request.method == http::Method::HEAD;
    let known = request.if_none_match.as_deref();
    let known = known.is_some_and(|list| list.split(',').any(|one| one.trim() == tag || one.trim() == "*"));
    if reading && known && response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Bytes::new();
        response.headers_mut().remove(http::header::CONTENT_TYPE);
        response.headers_mut().insert(http::header::CONTENT_LENGTH, HeaderValue::from(0_u64));
    }
}

fn gateway(status: u16) -> Response<Bytes> {
    build(status, "text/html", Bytes::from_static(GATEWAY_PAGE.as_bytes()))
}

fn build(status: u16, content_type: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let length = HeaderValue::from(response.body().len());
    let headers = response.headers_mut();
    if !content_type.is_empty() {
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    headers.insert(http::header::CONTENT_LENGTH, length);
    response
}

/// The first half of the body under the length of the whole.
fn cut(mut response: Response<Bytes>) -> Response<Bytes> {
    let half = response.body().len() / 2;
    let body = response.body().slice(..half);
    *response.body_mut() = body;
    response
}

/// A router whose one handler is the simulator.
pub(crate) fn router(server: Twenty) -> axum::Router {
    axum::Router::new().fallback(over_http).with_state(server)
}

async fn over_http(State(server): State<Twenty>, request: axum::extract::Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else { return broken(Bytes::new()) };
    let asked_head = head.method == http::Method::HEAD;
    let (outcome, delay) = server.answer_late(http::Request::from_parts(head, body));
    delay.await;
    match outcome {
        Ok(response) if asked_head => response.map(|_| Body::empty()),
        Ok(response) => {
            let promised = response.headers().get(http::header::CONTENT_LENGTH).cloned();
            let Some(promised) = promised else { return response.map(in_pieces) };
            let whole = promised == HeaderValue::from(response.body().len());
            if whole {
                response.map(Body::from)
            } else {
                let (head, bytes) = response.into_parts();
                Response::from_parts(head, broken(bytes).into_body())
            }
        }
        Err(_) => broken(Bytes::new()),
    }
}

/// A body that does not say how long it is.
fn in_pieces(body: Bytes) -> Body {
    Body::from_stream(stream::once(std::future::ready(Ok::<_, std::io::Error>(body))))
}

/// A response whose body breaks off; the connection closes with it.
fn broken(sent: Bytes) -> Response<Body> {
    let first = stream::once(std::future::ready(Ok(sent)));
    let end = stream::once(async {
        // Without a turn in between the part would never leave the server's buffer.
        tokio::task::yield_now().await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    });
    Response::new(Body::from_stream(first.chain(end)))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use crate::sim::faults::{Broken, Fault, Plan};
    use crate::sim::twenty::{KeyState, Options, RateLimit, Twenty};

    const NOW: i64 = 1_790_000_000_000_000;

    fn server() -> Twenty {
        Twenty::new(Options::new(1, || NOW))
    }

    fn ask(server: &Twenty, method: &str, target: &str, body: &Value) -> Result<(u16, Value), Broken> {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let request = http::Request::builder()
            .method(method)
            .uri(target)
            .header("authorization", format!("Bearer {}", server.api_key()))
            .header("content-type", "application/json")
            .body(Bytes::from(text))
            .expect("a request");
        let reply = server.answer(request)?;
        Ok((reply.status().as_u16(), serde_json::from_slice(reply.body()).unwrap_or_default()))
    }

    fn gift(id: &str) -> Value {
        json!({"id": id, "name": "x", "externalId": id, "amount": {"amountMicros": 5_000_000, "currencyCode": "GBP"}})
    }

    const ONE: &str = "63f16175-3266-5ae1-b7c7-297a48d16281";
    const TWO: &str = "80b1e66e-1dd9-5658-b110-8c5696809193";

    #[test]
    fn a_lost_reply_leaves_its_effect_and_the_retry_is_a_duplicate() {
        let server = server();
        server.set_faults(Plan::none().at(1, Fault::LostReply));
        assert_eq!(ask(&server, "POST", "/rest/batch/gifts", &json!([gift(ONE)])), Err(Broken::Reset));
        assert_eq!(server.records("gifts").len(), 1);
        let (status, body) =
            ask(&server, "POST", "/rest/batch/gifts", &json!([gift(ONE)])).expect("an answer");
        assert_eq!((status, &body["messages"][0]), (400, &json!("A duplicate entry was detected")));
        let log = server.request_log();
        assert_eq!(log.iter().map(|one| one.effect).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn a_lost_request_and_a_timeout_before_leave_nothing() {
        let server = server();
        server.set_faults(
            Plan::none().at(1, Fault::LostRequest).at(2, Fault::TimeoutBefore).at(3, Fault::Refused),
        );
        let body = json!([gift(ONE)]);
        assert_eq!(ask(&server, "POST", "/rest/batch/gifts", &body), Err(Broken::Reset));
        assert_eq!(ask(&server, "POST", "/rest/batch/gifts", &body), Err(Broken::TimedOut));
        assert_eq!(ask(&server, "POST", "/rest/batch/gifts", &body), Err(Broken::Refused));
        assert!(server.records("gifts").is_empty());
    }

    #[test]
    fn a_gateway_page_may_hide_an_effect() {
        let server = server();
        server.set_faults(Plan::none().at(1, Fault::GatewayBefore(502)).at(2, Fault::GatewayAfter(503)));
        let status = |body: &Value| ask(&server, "POST", "/rest/gifts", body).map(|(status, _)| status);
        assert_eq!(status(&gift(ONE)), Ok(502));
        assert!(server.records("gifts").is_empty());
        assert_eq!(status(&gift(ONE)), Ok(503));
        assert_eq!(server.records("gifts").len(), 1);
    }

    #[test]
    fn a_batch_is_all_or_nothing_and_a_binned_row_keeps_its_values() {
        let server = server();
        assert_eq!(ask(&server, "POST", "/rest/gifts", &gift(ONE)).map(|(status, _)| status), Ok(201));
        let id = Uuid::parse_str(ONE).expect("a uuid");
        assert!(server.soft_delete("gifts", id));
        let batch = json!([gift(TWO), gift(ONE)]);
        assert_eq!(ask(&server, "POST", "/rest/batch/gifts", &batch).map(|(status, _)| status), Ok(400));
        assert_eq!(server.records("gifts").len(), 1);
        let (status, body) = ask(&server, "POST", "/rest/gifts?upsert=true", &gift(ONE)).expect("an answer");
        assert_eq!((status, &body["data"]["createGift"]["deletedAt"]), (201, &Value::Null));
    }

    #[test]
    fn an_email_in_the_bin_still_blocks() {
        let server = server();
        let person = json!({"id": ONE, "emails": {"primaryEmail": "Ada@Example.org"}});
        assert_eq!(ask(&server, "POST", "/rest/people", &person).map(|(status, _)| status), Ok(201));
        assert!(server.soft_delete("people", Uuid::parse_str(ONE).expect("a uuid")));
        let other = json!({"emails": {"primaryEmail": "ada@example.org"}});
        assert_eq!(ask(&server, "POST", "/rest/people", &other).map(|(status, _)| status), Ok(400));
    }

    #[test]
    fn faulty_answers_are_still_computed_ones() {
        let server = server();
        let batch = json!([gift(ONE), gift(TWO)]);
        server.set_faults(
            Plan::none()
                .at(1, Fault::MissingRecord)
                .at(2, Fault::ForeignId)
                .at(3, Fault::IgnoredFilter)
                .at(4, Fault::FieldRemoved { object: "gifts".to_owned(), field: "externalId".to_owned() }),
        );
        let (_, body) = ask(&server, "POST", "/rest/batch/gifts", &batch).expect("an answer");
        assert_eq!(body["data"]["createGifts"].as_array().map(Vec::len), Some(1));
        let probe = format!("/rest/gifts?filter=id%5Bin%5D:[{ONE}]");
        let (_, body) = ask(&server, "GET", &probe, &Value::Null).expect("an answer");
        assert_ne!(body["data"]["gifts"][0]["id"], json!(ONE));
        let (_, body) = ask(&server, "GET", &probe, &Value::Null).expect("an answer");
        assert_eq!(body["totalCount"], json!(2));
        let (status, body) =
            ask(&server, "POST", "/rest/gifts", &json!({"externalId": "x"})).expect("an answer");
        let expected = json!("Object gift doesn't have any \"externalId\" field.");
        assert_eq!((status, &body["messages"][0]), (400, &expected));
    }

    #[test]
    fn a_duplicate_delivery_runs_twice_and_somebody_may_edit_in_between() {
        let server = server();
        server.set_faults(Plan::none().at(1, Fault::DuplicateDelivery).at(2, Fault::ConcurrentEdit));
        assert_eq!(ask(&server, "POST", "/rest/gifts", &gift(ONE)).map(|(status, _)| status), Ok(400));
        assert_eq!(server.records("gifts").len(), 1);
        assert_eq!(ask(&server, "GET", "/rest/gifts", &Value::Null).map(|(status, _)| status), Ok(200));
        assert_eq!(server.records("gifts")[0]["updatedBy"]["name"], json!("Maya in Twenty"));
    }

    #[test]
    fn the_key_opens_and_nothing_else_does() {
        let server = server();
        server.set_key_state(KeyState::Revoked);
        assert_eq!(ask(&server, "GET", "/rest/people", &Value::Null).map(|(status, _)| status), Ok(403));
        server.set_key_state(KeyState::Live);
        server.set_rate_limit(Some(RateLimit { long_limit: 2, ..RateLimit::default() }));
        let status = || ask(&server, "GET", "/rest/people", &Value::Null).map(|(status, _)| status);
        assert_eq!([status(), status(), status()], [Ok(200), Ok(200), Ok(429)]);
        let (status, body) =
            ask(&server, "GET", "/rest/metadata/objects", &Value::Null).expect("free of charge");
        assert_eq!((status, &body["totalCount"]), (200, &json!(31)));
    }

    #[test]
    fn pages_walk_the_whole_table_both_ways() {
        let server = server();
        let batch: Vec<Value> = (0..5).map(|at| json!({"name": format!("g{at}")})).collect();
        ask(&server, "POST", "/rest/batch/gifts", &json!(batch)).expect("an answer");
        let (_, first) = ask(&server, "GET", "/rest/gifts?limit=2", &Value::Null).expect("an answer");
        let cursor = first["pageInfo"]["endCursor"].as_str().expect("a cursor").replace('=', "%3D");
        let next = format!("/rest/gifts?limit=2&starting_after={cursor}");
        let (_, second) = ask(&server, "GET", &next, &Value::Null).expect("an answer");
        assert_ne!(first["data"], second["data"]);
        let cursor = second["pageInfo"]["startCursor"].as_str().expect("a cursor").replace('=', "%3D");
        let back = format!("/rest/gifts?limit=2&ending_before={cursor}");
        let (_, back) = ask(&server, "GET", &back, &Value::Null).expect("an answer");
        assert_eq!(back["data"], first["data"]);
        // On a backward page the cursors are swapped.
        assert_eq!(back["pageInfo"]["startCursor"], first["pageInfo"]["endCursor"]);
    }
}
