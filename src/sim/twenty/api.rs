//! Routes: from a request to an operation, in the order in which the real server looks at things.
//!
//! Body syntax, then authentication, path, object, parameters, rate limit, and last the fields and
//! values; the order decides which error a bad request gets and whether it costs a token.

use bytes::Bytes;
use http::Method;

use super::auth;
use super::core::Core;
use super::duplicates;
use super::error::Refusal;
use super::groups;
use super::list;
use super::metadata;
use super::query::Query;
use super::remove;
use super::schema::{Object, Schema};
use super::write;
use crate::sim::json::{Json, Key};

/// Largest body.
const MAX_BODY: usize = 10 * 1024 * 1024;
/// The version this server says it is.
const VERSION: &str = "2.19.0";

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
    /// Body bytes.
    pub(crate) body: Bytes,
}

/// An answer before it is put into bytes.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// `Content-Type`; empty for an answer without a body.
    pub(crate) content_type: &'static str,
    /// Body; `None` for an answer without one.
    pub(crate) body: Option<Json>,
}

impl Answer {
    fn ok(status: u16, body: Json) -> Self {
        Self { status, content_type: "application/json; charset=utf-8", body: Some(body) }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self { status: refusal.status, content_type: refusal.content_type(), body: Some(refusal.body()) }
    }
}

/// Answers a request.
pub(crate) fn handle(core: &mut Core, request: &Request) -> Answer {
    respond(core, request).unwrap_or_else(Answer::from)
}

fn respond(core: &mut Core, request: &Request) -> Result<Answer, Refusal> {
    if request.method == Method::OPTIONS {
        return Ok(Answer { status: 204, content_type: "", body: None });
    }
    let body = read_body(request)?;
    match request.path.as_str() {
        "/healthz" => return Ok(Answer::ok(200, health())),
        "/client-config" => return Ok(Answer::ok(200, client_config())),
        _ => {}
    }
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::PUT, Method::DELETE];
    if !request.path.starts_with("/rest/") || !known.contains(&request.method) {
        return Err(no_route(request));
    }
    auth::check(request.authorization.as_deref(), &auth::token(core.seed), core.key_state)?;
    let query = Query::parse(&request.query);
    if let Some(path) = request.path.strip_prefix("/rest/metadata/")
        && request.method == Method::GET
        && let Some(answer) = metadata::get(core, path, &query)
    {
        return answer.map(|body| Answer::ok(200, body));
    }
    let route = Route::parse(request)?;
    let index = find_object(&core.store.schema, &route.object)?;
    dispatch(core, request, &route, index, &query, body)
}

fn no_route(request: &Request) -> Refusal {
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

fn client_config() -> Json {
    Json::object([
        ("appVersion", Json::text(VERSION)),
        ("isMultiWorkspaceEnabled", Json::Bool(false)),
        ("signInPrefilled", Json::Bool(false)),
    ])
}

/// What the body parser makes of the bytes; `None` when there is nothing to parse.
fn read_body(request: &Request) -> Result<Option<Json>, Refusal> {
    if request.body.len() > MAX_BODY {
        return Err(Refusal::framework(413, "Payload Too Large", "request entity too large"));
    }
    if request.body.is_empty() {
        return Ok(None);
    }
    let text = || String::from_utf8_lossy(&request.body);
    if request.content_type.starts_with("application/json") {
        return Json::parse(&request.body).map(Some).map_err(|error| unreadable(&error, &text()));
    }
    if request.content_type.starts_with("application/x-www-form-urlencoded") {
        let pairs = Query::parse(&text()).into_pairs().into_iter();
        return Ok(Some(Json::Obj(pairs.map(|(key, value)| (Key::Owned(key), Json::Str(value))).collect())));
    }
    if request.content_type.starts_with("text/") {
        return Ok(Some(Json::text(text())));
    }
    Ok(None)
}

/// The words of the JavaScript engine for text that is no JSON.
fn unreadable(error: &serde_json::Error, text: &str) -> Refusal {
    let message = if error.is_eof() {
        "Unexpected end of JSON input".to_owned()
    } else {
        let at = error.column().saturating_sub(1);
        let found: String = text.chars().skip(at).take(1).collect();
        format!("Unexpected token '{found}', {} is not valid JSON", Json::text(text).to_text())
    };
    Refusal::framework(400, "Bad Request", message)
}

/// What a path means.
struct Route {
    object: String,
    action: Action,
}

enum Action {
    Collection,
    Record(String),
    Batch,
    Restore,
    Duplicates,
    Groups,
}

impl Route {
    fn parse(request: &Request) -> Result<Self, Refusal> {
        let path = &request.path;
        let changing = request.method == Method::PATCH || request.method == Method::PUT;
        if changing
            && let Some(object) = path.strip_prefix("/rest/restore/")
            && !object.contains('/')
        {
            return Ok(Self { object: object.to_owned(), action: Action::Restore });
        }
        // The prefix is stripped wherever it stands, which mangles `/restore` at the end of a path.
        let stripped = path.replace("/rest", "");
        let parts: Vec<&str> = stripped.split('/').filter(|part| !part.is_empty()).collect();
        let action = match parts.as_slice() {
            [] => return Err(no_route(request)),
            [_] => Action::Collection,
            ["batch", object] => {
                let action = if request.method == Method::POST { Action::Batch } else { Action::Collection };
                return Ok(Self { object: (*object).to_owned(), action });
            }
            [_, "duplicates"] if request.method == Method::POST => Action::Duplicates,
            [_, "groupBy"] if request.method == Method::GET => Action::Groups,
            [_, id] => Action::Record(list::path_id(id)?.to_string()),
            _ => {
                return Err(Refusal::bad(format!(
                    "Query path '{path}' invalid. Valid examples: /rest/companies/id or /rest/companies or /rest/batch/companies"
                )));
            }
        };
        let object = parts.first().copied().unwrap_or_default().to_owned();
        Ok(Self { object, action })
    }
}

fn find_object(schema: &Schema, name: &str) -> Result<usize, Refusal> {
    if let Some((index, _)) = schema.by_plural(name) {
        return Ok(index);
    }
    let hint = schema
        .by_singular(name)
        .map_or_else(|| "eg: companies".to_owned(), |object| format!("Did you mean '{}'?", object.plural));
    Err(Refusal::bad(format!("object '{name}' not found. {hint}")))
}

fn dispatch(
    core: &mut Core,
    request: &Request,
    route: &Route,
    index: usize,
    query: &Query,
    body: Option<Json>,
) -> Result<Answer, Refusal> {
    let body = body.unwrap_or_default();
    let depth = list::depth(query)?;
    match (&request.method, &route.action) {
        (&Method::GET | &Method::HEAD, Action::Collection) => {
            let wanted = list::Request::parse(query)?;
            core.charge()?;
            Ok(Answer::ok(200, list::many(core, index, &wanted)?))
        }
        (&Method::GET | &Method::HEAD, Action::Record(id)) => {
            core.charge()?;
            Ok(Answer::ok(200, list::one(core, index, list::path_id(id)?, depth)?))
        }
        (&Method::GET, Action::Groups) => {
            let wanted = groups::Request::parse(query)?;
            core.charge()?;
            Ok(Answer::ok(200, groups::many(core, index, &wanted)?))
        }
        (&Method::POST, Action::Duplicates) => {
            core.charge()?;
            Ok(Answer::ok(200, duplicates::find(core, index, &body, depth)?))
        }
        (&Method::POST, Action::Collection) => {
            core.charge()?;
            let id = write::create_one(core, index, &body, query.flag("upsert"))?;
            Ok(Answer::ok(201, one(core, index, "create", id, depth)))
        }
        (&Method::POST, Action::Batch) => {
            core.charge()?;
            let ids = write::create_many(core, index, &body, query.flag("upsert"))?;
            let records = write::shown(core, index, &ids, depth);
            Ok(Answer::ok(201, many(core, index, "create", records)))
        }
        (&Method::PATCH | &Method::PUT, _) => change(core, route, index, query, &body, depth),
        (&Method::DELETE, _) => delete(core, route, index, query, depth),
        _ => Err(no_route(request)),
    }
}

fn change(
    core: &mut Core,
    route: &Route,
    index: usize,
    query: &Query,
    body: &Json,
    depth: u8,
) -> Result<Answer, Refusal> {
    if let Action::Record(id) = &route.action {
        core.charge()?;
        let id = list::path_id(id)?;
        write::update_one(core, index, id, body)?;
        return Ok(Answer::ok(200, one(core, index, "update", id, depth)));
    }
    let filter = list::filter(query)?;
    core.charge()?;
    if matches!(route.action, Action::Restore) {
        let ids = remove::rows(core, index, filter.as_ref())?;
        remove::restore(core, index, &ids);
        // The answer is read with the same filter, so `deletedAt[is]:NOT_NULL` answers nothing.
        let still = remove::rows(core, index, filter.as_ref())?;
        let ids: Vec<_> = ids.into_iter().filter(|id| still.contains(id)).collect();
        let records = write::shown(core, index, &ids, depth);
        return Ok(Answer::ok(200, many(core, index, "restore", records)));
    }
    let ids = write::update_many(core, index, filter.as_ref(), body)?;
    let records = write::shown(core, index, &ids, depth);
    Ok(Answer::ok(200, many(core, index, "update", records)))
}

fn delete(core: &mut Core, route: &Route, index: usize, query: &Query, depth: u8) -> Result<Answer, Refusal> {
    let soft = query.flag("soft_delete");
    let only_id = |id: &uuid::Uuid| Json::object([("id", Json::text(id.to_string()))]);
    if let Action::Record(id) = &route.action {
        core.charge()?;
        let id = list::path_id(id)?;
        core.store.table(index).get(id).ok_or_else(Refusal::not_found)?;
        if soft {
            remove::soft_delete(core, index, &[id]);
            return Ok(Answer::ok(200, one(core, index, "delete", id, depth)));
        }
        remove::destroy(core, index, &[id]);
        return Ok(Answer::ok(
            200,
            envelope(object(core, index, |object| object.one("delete")), only_id(&id)),
        ));
    }
    let filter = list::filter(query)?;
    core.charge()?;
    let ids = remove::bulk(core, index, filter.as_ref(), soft)?;
    let records = if soft {
        remove::soft_delete(core, index, &ids);
        write::shown(core, index, &ids, depth)
    } else {
        remove::destroy(core, index, &ids);
        ids.iter().map(only_id).collect()
    };
    Ok(Answer::ok(200, many(core, index, "delete", records)))
}

fn object(core: &Core, index: usize, name: impl Fn(&Object) -> String) -> String {
    core.store.schema.objects().get(index).map(name).unwrap_or_default()
}

fn one(core: &Core, index: usize, verb: &str, id: uuid::Uuid, depth: u8) -> Json {
    let record = write::shown(core, index, &[id], depth).pop().unwrap_or_default();
    envelope(object(core, index, |object| object.one(verb)), record)
}

fn many(core: &Core, index: usize, verb: &str, records: Vec<Json>) -> Json {
    envelope(object(core, index, |object| object.many(verb)), Json::Arr(records))
}

fn envelope(key: String, value: Json) -> Json {
    Json::object([("data", Json::Obj(vec![(Key::Owned(key), value)]))])
}
