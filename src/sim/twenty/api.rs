//! Requests and answers, and which part of the server a path belongs to.
//!
//! Body syntax, then authentication, path, object, parameters, rate limit, and last the fields and
//! values; the order decides which error a bad request gets and whether it costs a token.

use bytes::Bytes;
use http::Method;

use super::auth;
use super::core::Core;
use super::error::Refusal;
use super::graphql;
use super::metadata::{self, Call};
use super::openapi;
use super::query::Query;
use super::rest;
use crate::sim::json::Json;

/// Longest target; the server's platform gives all headers 16 KB.
const LONGEST_TARGET: usize = 16_000;
/// Largest body.
const MAX_BODY: usize = 10 * 1024 * 1024;
/// The type of what the server writes itself.
const JSON: &str = "application/json; charset=utf-8";

/// A request as the simulator sees it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Method.
    pub(crate) method: Method,
    /// Path without the query.
    pub(crate) path: String,
    /// Text behind the question mark.
    pub(crate) query: String,
    /// `Authorization`.
    pub(crate) authorization: Option<String>,
    /// `Content-Type`.
    pub(crate) content_type: String,
    /// `Access-Control-Request-Headers`.
    pub(crate) wanted_headers: Option<String>,
    /// `If-None-Match`.
    pub(crate) if_none_match: Option<String>,
    /// Body bytes.
    pub(crate) body: Bytes,
}

/// What an answer carries.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    /// Nothing.
    Nothing,
    /// JSON.
    Json(Json),
    /// Text that is not written as JSON.
    Text(&'static str),
}

/// An answer before it is put into bytes.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// `Content-Type`; empty for an answer without a body.
    pub(crate) content_type: &'static str,
    /// Body.
    pub(crate) body: Content,
    /// True for answers the framework gives by itself, a preflight among them; it lists the methods then.
    pub(crate) preflight: bool,
    /// False for what is refused before the headers for browsers are complete.
    pub(crate) exposed: bool,
    /// True for bodies that are sent whole, with a tag.
    pub(crate) tagged: bool,
    /// Headers beyond the usual ones.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Answer {
    /// JSON with a status.
    pub(crate) fn ok(status: u16, body: Json) -> Self {
        Self {
            status,
            content_type: JSON,
            body: Content::Json(body),
            preflight: false,
            exposed: true,
            tagged: true,
            headers: Vec::new(),
        }
    }

    /// The same without a tag.
    pub(crate) fn untagged(self) -> Self {
        Self { tagged: false, ..self }
    }

    /// No body.
    pub(crate) fn empty(status: u16) -> Self {
        Self { content_type: "", body: Content::Nothing, ..Self::ok(status, Json::Null) }
    }

    /// A bare word, which the framework calls HTML.
    pub(crate) fn text(status: u16, text: &'static str) -> Self {
        Self {
            content_type: "text/html; charset=utf-8",
            body: Content::Text(text),
            ..Self::ok(status, Json::Null)
        }
    }

    /// JSON of a part of the server that names no character set.
    pub(crate) fn plain(status: u16, body: Json) -> Self {
        Self { content_type: "application/json", tagged: false, ..Self::ok(status, body) }
    }

    /// The JSON body for changing it.
    pub(crate) fn json_mut(&mut self) -> Option<&mut Json> {
        match &mut self.body {
            Content::Json(body) => Some(body),
            _ => None,
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self {
            content_type: refusal.content_type(),
            preflight: refusal.is_of_the_framework(),
            exposed: !refusal.is_early(),
            tagged: refusal.content_type().ends_with("utf-8"),
            headers: refusal.headers(),
            ..Self::ok(refusal.status, refusal.body())
        }
    }
}

/// Answers a request.
pub(crate) fn handle(core: &mut Core, request: &Request) -> Answer {
    respond(core, request).unwrap_or_else(Answer::from)
}

fn respond(core: &mut Core, request: &Request) -> Result<Answer, Refusal> {
    if request.path.len() + request.query.len() > LONGEST_TARGET {
        return Ok(Answer { exposed: false, ..Answer::empty(431) });
    }
    if request.method == Method::OPTIONS {
        return Ok(Answer { preflight: true, ..Answer::empty(204) });
    }
    let body = read_body(request)?;
    let query = Query::parse(&request.query);
    match (&request.method, request.path.as_str()) {
        (&Method::GET | &Method::HEAD, "/healthz") => return Ok(Answer::ok(200, health())),
        (&Method::GET | &Method::HEAD, "/client-config") => {
            return Ok(Answer::ok(200, openapi::client_config(core)));
        }
        (&Method::POST, "/graphql") => return Ok(graphql::core(core, request, &body.unwrap_or_default())),
        (&Method::POST, "/metadata") => {
            return Ok(graphql::metadata(core, request, &body.unwrap_or_default()));
        }
        (&Method::GET | &Method::HEAD, path) if path.starts_with("/rest/open-api/") => {
            return openapi::answer(core, request);
        }
        _ => {}
    }
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::PUT, Method::DELETE];
    let below = request.path.strip_prefix("/rest/").filter(|_| known.contains(&request.method));
    let Some(path) = below else { return Err(no_route(request)) };
    auth::check(core, request.authorization.as_deref())?;
    let body = body.unwrap_or_default();
    let call = Call { method: &request.method, path, query: &query, body: &body };
    if let Some(answer) = metadata::answer(core, &call) {
        return answer;
    }
    rest::answer(core, request, &query, &body)
}

/// There is no such route.
pub(crate) fn no_route(request: &Request) -> Refusal {
    Refusal::framework(404, "Not Found", format!("Cannot {} {}", request.method, request.path))
}

fn health() -> Json {
    let nothing = || Json::Obj(Vec::new());
    Json::object([
        ("status", Json::text("ok")),
        ("info", nothing()),
        ("error", nothing()),
        ("details", nothing()),
    ])
}

/// What the body parser makes of the bytes; `None` when there is nothing to parse.
fn read_body(request: &Request) -> Result<Option<Json>, Refusal> {
    if request.body.len() > MAX_BODY {
        let message = "request entity too large";
        let body = Json::object([("statusCode", Json::int(413)), ("message", Json::text(message))]);
        return Err(Refusal::own(413, message, body).early());
    }
    if request.body.is_empty() {
        return Ok(None);
    }
    let text = || String::from_utf8_lossy(&request.body);
    if request.content_type.starts_with("application/json") {
        return read_json(&request.body).map(Some);
    }
    if request.content_type.starts_with("application/x-www-form-urlencoded") {
        return Ok(Some(form(Query::parse(&text()).into_pairs())));
    }
    if request.content_type.starts_with("text/") {
        return Ok(Some(Json::text(text())));
    }
    Ok(None)
}

/// A form as an object; `name[firstName]=Ada` nests.
fn form(pairs: Vec<(String, String)>) -> Json {
    let mut body = Json::Obj(Vec::new());
    for (name, value) in pairs {
        let nested = name.split_once('[').and_then(|(outer, rest)| Some((outer, rest.strip_suffix(']')?)));
        match nested {
            Some((outer, inner)) => {
                if body.get(outer).is_none() {
                    body.set(outer.to_owned(), Json::Obj(Vec::new()));
                }
                if let Some(object) = body.get_mut(outer) {
                    object.set(inner.to_owned(), Json::Str(value));
                }
            }
            None => body.set(name, Json::Str(value)),
        }
    }
    body
}

/// JSON as the body parser takes it: an object or an array, nothing else.
fn read_json(body: &[u8]) -> Result<Json, Refusal> {
    let text = String::from_utf8_lossy(body);
    let first = text.trim_start().chars().next();
    if !matches!(first, Some('{' | '[')) {
        let (found, at) = (first.unwrap_or_default(), text.len() - text.trim_start().len());
        return Err(Refusal::framework(
            400,
            "Bad Request",
            format!("Unexpected token '{found}', {} is not valid JSON", around(&text, at)),
        )
        .early());
    }
    Json::parse(body).map_err(|error| unreadable(&error, &text))
}

/// The words of the JavaScript engine for text that is no JSON.
fn unreadable(error: &serde_json::Error, text: &str) -> Refusal {
    let offset: usize =
        text.split('\n').take(error.line().saturating_sub(1)).map(|line| line.len() + 1).sum();
    let at = offset + error.column().saturating_sub(1);
    let place = || format!("(line {} column {})", error.line(), error.column());
    let words = error.to_string();
    let message = if error.is_eof() && !words.contains("string") {
        "Unexpected end of JSON input".to_owned()
    } else if error.is_eof() {
        format!("Unterminated string in JSON at position {} {}", text.len(), place())
    } else if words.starts_with("key must be a string") {
        format!("Expected property name or '}}' in JSON at position {at} {}", place())
    } else if words.starts_with("expected `:`") {
        format!("Expected ':' after property name in JSON at position {at} {}", place())
    } else if words.starts_with("expected `,` or `}`") {
        format!("Expected ',' or '}}' after property value in JSON at position {at} {}", place())
    } else if words.starts_with("expected `,` or `]`") {
        format!("Expected ',' or ']' after array element in JSON at position {at} {}", place())
    } else if words.starts_with("trailing characters") {
        format!("Unexpected non-whitespace character after JSON at position {at} {}", place())
    } else {
        let found: String = text.chars().skip(at).take(1).collect();
        format!("Unexpected token '{found}', {} is not valid JSON", around(text, at))
    };
    Refusal::framework(400, "Bad Request", message).early()
}

/// The text around a place as the engine quotes it: ten letters either way, all of a short text.
fn around(text: &str, at: usize) -> String {
    const WINDOW: usize = 10;
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= 2 * WINDOW {
        return format!("\"{text}\"");
    }
    let front = at >= WINDOW;
    let back = !front || at + WINDOW < letters.len();
    let from = if front { at - WINDOW } else { 0 };
    let to = if back { (at + WINDOW).min(letters.len()) } else { letters.len() };
    let cut: String = letters.get(from..to).unwrap_or_default().iter().collect();
    let dots = |cut: bool| if cut { "..." } else { "" };
    format!("{}\"{cut}\"{}", dots(front), dots(back))
}

#[cfg(test)]
mod tests {
    use super::read_json;

    #[test]
    fn bad_json_is_refused_in_the_words_of_the_engine() {
        let words = |text: &str| read_json(text.as_bytes()).expect_err("no JSON").message().to_owned();
        assert_eq!(words("{\"name\":"), "Unexpected end of JSON input");
        assert_eq!(words("nonsense"), "Unexpected token 'n', \"nonsense\" is not valid JSON");
        assert_eq!(
            words("{name:1}"),
            "Expected property name or '}' in JSON at position 1 (line 1 column 2)"
        );
        assert_eq!(
            words("{\"firstName\":\"Ada\",\"lastName\":x}"),
            "Unexpected token 'x', ...\"lastName\":x}\" is not valid JSON"
        );
    }
}
