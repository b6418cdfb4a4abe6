//! The byte level: requests in, answers and faults out.

use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Response, StatusCode};

use super::server::{Answer, Content, Core, Request, handle};
use super::time::to_http;
use super::tree::Json;
use super::{LoggedRequest, Qbo, hands};
use crate::sim::faults::{Broken, Fault};

/// What stands in front of the server when it is away.
const GATEWAY_PAGE: &str =
    "<html><head><title>Service Unavailable</title></head><body><h1>We'll be right back</h1></body></html>";

type Outcome = Result<Response<Bytes>, Broken>;

/// Answers one request, faults included, and logs it.
pub(crate) fn answer(core: &mut Core, request: http::Request<Bytes>) -> Outcome {
    let request = read(request);
    let tokens = request.path.starts_with("/oauth2/") || request.path.starts_with("/v2/oauth2/");
    let aside = request.path.starts_with("/_sim/");
    let fault = match (aside, tokens) {
        (true, _) => None,
        (_, true) => core.token_plan.next(&request.method, &mut core.chances),
        _ => core.plan.next(&request.method, &mut core.chances),
    };
    let before = core.version();
    let (status, outcome) = act(core, &request, fault.as_ref());
    core.served += 1;
    let effect = core.version() != before;
    if matches!(fault, Some(Fault::ConcurrentEdit)) {
        hands::somebody_edits(core);
    }
    for (realm, company) in &mut core.companies {
        core.hooks.gather(realm, std::mem::take(&mut company.events));
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

fn read(request: http::Request<Bytes>) -> Request {
    let (head, body) = request.into_parts();
    let named = head.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    let host = named.or(head.uri.host()).unwrap_or_default().to_owned();
    Request {
        method: head.method,
        host,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    }
}

/// Acts out the fault around the request; the status is the server's own, heard or not.
fn act(core: &mut Core, request: &Request, fault: Option<&Fault>) -> (Option<u16>, Outcome) {
    match fault {
        Some(Fault::Refused) => return (None, Err(Broken::Refused)),
        Some(Fault::LostRequest) => return (None, Err(Broken::Reset)),
        Some(Fault::TimeoutBefore) => return (None, Err(Broken::TimedOut)),
        Some(Fault::GatewayBefore(status)) => return (Some(*status), Ok(gateway(*status))),
        Some(Fault::ClockSkew(milliseconds)) => core.skew = milliseconds.saturating_mul(1_000),
        Some(Fault::DuplicateDelivery) => {
            handle(core, request, None);
        }
        _ => {}
    }
    core.hooks.shuffled_batches = matches!(fault, Some(Fault::ShuffledBatch));
    let answer = handle(core, request, fault);
    let status = answer.status;
    let response = respond(core, request, answer);
    let outcome = match fault {
        Some(Fault::LostReply) => Err(Broken::Reset),
        Some(Fault::TimeoutAfter) => Err(Broken::TimedOut),
        Some(Fault::GatewayAfter(status)) => Ok(gateway(*status)),
        Some(Fault::CutBody) => Ok(cut(response)),
        _ => Ok(response),
    };
    (Some(status), outcome)
}

/// Headers and bytes of an answer (contract 2).
fn respond(core: &mut Core, request: &Request, answer: Answer) -> Response<Bytes> {
    let now = core.now();
    let below = request.path.starts_with("/v3/");
    // The gateway speaks JSON to everybody; the rest only to who asks for it.
    let wants_json = request.header("accept").is_some_and(|accept| accept.contains("json"));
    let gateway = matches!(&answer.content, Content::Json(body) if body.get("fault").is_some());
    let (kind, body) = match answer.content {
        Content::Text(kind, text) => (kind, text),
        Content::Json(body) if below && !wants_json && !gateway => ("application/xml", xml(&body)),
        Content::Json(body) if answer.fault => ("application/json", body.to_text()),
        Content::Json(body) if below => ("application/json;charset=utf-8", body.to_text()),
        Content::Json(body) => ("application/json;charset=UTF-8", body.to_text()),
    };
    let mut response = build(answer.status, kind, Bytes::from(body));
    let seconds = now / 1_000_000;
    let tid = format!("1-{seconds:08x}-{:016x}{:08x}", core.numbers.bits(), core.served);
    let mut headers = vec![("intuit_tid", tid), ("date", to_http(now))];
    if below {
        headers.push(("qbo-version", "1988.128".to_owned()));
        headers.push(("service-time", "total=85, db=77".to_owned()));
        headers.push(("server", "envoy".to_owned()));
        headers.push(("cache-control", "max-age=0, no-cache, no-store, must-revalidate, private".to_owned()));
    } else {
        headers.push(("cache-control", "no-cache, no-store".to_owned()));
    }
    headers.extend(answer.headers);
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn xml(body: &Json) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>".to_owned();
    body.to_xml("IntuitResponse", &mut text);
    text
}

fn gateway(status: u16) -> Response<Bytes> {
    build(status, "text/html", Bytes::from_static(GATEWAY_PAGE.as_bytes()))
}

fn build(status: u16, content_type: &'static str, body: Bytes) -> Response<Bytes> {
    let length = HeaderValue::from(body.len());
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(http::header::CONTENT_LENGTH, length);
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
pub(crate) fn router(server: Qbo) -> axum::Router {
    axum::Router::new().fallback(over_http).with_state(server)
}

async fn over_http(State(server): State<Qbo>, request: axum::extract::Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else { return broken(Bytes::new()) };
    let realm = head.uri.path().split('/').nth(3).unwrap_or_default().to_owned();
    let (outcome, delay) = server.answer_late(http::Request::from_parts(head, body));
    server.occupy(&realm, 1);
    delay.await;
    server.release(&realm, 1);
    match outcome {
        Ok(response) => {
            let promised = response.headers().get(http::header::CONTENT_LENGTH).cloned();
            if promised == Some(HeaderValue::from(response.body().len())) {
                return response.map(Body::from);
            }
            let (head, bytes) = response.into_parts();
            Response::from_parts(head, broken(bytes).into_body())
        }
        Err(_) => broken(Bytes::new()),
    }
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
