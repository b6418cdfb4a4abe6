//! The metadata calls: objects, fields, webhooks and API keys over REST.
//!
//! They cost no token of the rate limit. Their errors have envelopes of their own, class by class.

pub(crate) mod check;
pub(crate) mod describe;
pub(crate) mod fields;
pub(crate) mod keys;
pub(crate) mod objects;

use http::Method;
use uuid::Uuid;

use self::describe::under;
use super::api::Answer;
use super::auth;
use super::core::Core;
use super::error::Refusal;
use super::hooks;
use super::query::Query;
use super::version::Version;
use crate::sim::json::Json;

/// Objects of a page when the client does not say.
const DEFAULT_LIMIT: usize = 60;
/// Most objects of a page.
const MAX_LIMIT: usize = 200;

/// A metadata call.
pub(crate) struct Call<'a> {
    /// Method.
    pub(crate) method: &'a Method,
    /// Path below `/rest/`.
    pub(crate) path: &'a str,
    /// Parameters.
    pub(crate) query: &'a Query,
    /// Body.
    pub(crate) body: &'a Json,
}

/// Answers a path below `/rest/`; `None` when it is no metadata call.
pub(crate) fn answer(core: &mut Core, call: &Call<'_>) -> Option<Result<Answer, Refusal>> {
    let below = call.path.strip_prefix("metadata/");
    let mut parts = below.unwrap_or(call.path).trim_end_matches('/').split('/');
    let (name, id, rest) = (parts.next()?, parts.next(), parts.next());
    if rest.is_some() {
        return None;
    }
    match (name, below.is_some()) {
        ("objects", true) => Some(answer_objects(core, call, id)),
        ("fields", true) => Some(answer_fields(core, call, id)),
        ("webhooks", _) => Some(webhooks(core, call, id)),
        ("apiKeys", _) => Some(keys::rest(core, call, id)),
        _ => None,
    }
}

/// Refuses whoever may not change the data model; the one class of calls that says so with 403.
fn allow_model(core: &Core) -> Result<(), Refusal> {
    auth::allow(core, |role| role.settings)
        .map_err(|refusal| Refusal::coded_as(403, "PERMISSION_DENIED", refusal.message().to_owned()))
}

/// The id in a path, by the framework's own rule.
fn path_id(id: &str) -> Result<&str, Refusal> {
    if Uuid::parse_str(id).is_ok() && id.len() == 36 {
        return Ok(id);
    }
    Err(Refusal::framework(400, "Bad Request", "Validation failed (uuid is expected)"))
}

fn no_route(call: &Call<'_>) -> Refusal {
    Refusal::framework(404, "Not Found", format!("Cannot {} /rest/{}", call.method, call.path))
}

/// The old envelope names what it holds, the newer server answers bare.
fn wrapped(core: &Core, name: &'static str, value: Json) -> Json {
    if core.version == Version::Newer { value } else { under(name, value) }
}

fn answer_objects(core: &mut Core, call: &Call<'_>, id: Option<&str>) -> Result<Answer, Refusal> {
    allow_model(core)?;
    match (call.method, id) {
        (&Method::GET | &Method::HEAD, None) => {
            page(core, "objects", describe::objects(core), call.query).map(|body| Answer::ok(200, body))
        }
        (&Method::GET | &Method::HEAD, Some(id)) => {
            let (id, schema) = (path_id(id)?, core.schema());
            let found = schema.live().find(|(_, object)| describe::object_id(core, object) == id);
            let (_, object) = found.ok_or_else(Refusal::no_metadata)?;
            Ok(Answer::ok(200, wrapped(core, "object", describe::object_listed(core, object))))
        }
        (&Method::POST, None) => {
            let made = objects::create_object(core, call.body)?;
            Ok(Answer::ok(201, wrapped(core, "createOneObject", made)))
        }
        (&Method::PATCH | &Method::PUT, Some(id)) => {
            let changed = objects::update_object(core, path_id(id)?, call.body)?;
            Ok(Answer::ok(200, wrapped(core, "updateOneObject", changed)))
        }
        (&Method::DELETE, Some(id)) => {
            let gone = objects::delete_object(core, path_id(id)?)?;
            Ok(Answer::ok(200, wrapped(core, "deleteOneObject", gone)))
        }
        _ => Err(no_route(call)),
    }
}

fn answer_fields(core: &mut Core, call: &Call<'_>, id: Option<&str>) -> Result<Answer, Refusal> {
    allow_model(core)?;
    match (call.method, id) {
        (&Method::GET | &Method::HEAD, None) => {
            page(core, "fields", describe::fields(core), call.query).map(|body| Answer::ok(200, body))
        }
        (&Method::GET | &Method::HEAD, Some(id)) => {
            let id = path_id(id)?;
            let listed = describe::fields(core).into_iter();
            let found = listed.into_iter().find(|field| field.get("id").and_then(Json::as_str) == Some(id));
            let field = found.ok_or_else(|| {
                Refusal::coded_as(404, "FIELD_METADATA_NOT_FOUND", "Field metadata not found")
            })?;
            Ok(Answer::ok(200, wrapped(core, "field", field)))
        }
        (&Method::POST, None) => {
            let made = fields::create_field(core, call.body)?;
            Ok(Answer::ok(201, wrapped(core, "createOneField", made)))
        }
        (&Method::PATCH | &Method::PUT, Some(id)) => {
            let changed = fields::update_field(core, path_id(id)?, call.body)?;
            Ok(Answer::ok(200, wrapped(core, "updateOneField", changed)))
        }
        (&Method::DELETE, Some(id)) => {
            let gone = fields::delete_field(core, path_id(id)?)?;
            Ok(Answer::ok(200, wrapped(core, "deleteOneField", gone)))
        }
        _ => Err(no_route(call)),
    }
}

fn webhooks(core: &mut Core, call: &Call<'_>, id: Option<&str>) -> Result<Answer, Refusal> {
    auth::allow(core, |role| role.settings)?;
    match (call.method, id) {
        (&Method::GET | &Method::HEAD, None) => Ok(Answer::ok(200, hooks::list(core))),
        // One that is not there is answered with nothing at all.
        (&Method::GET | &Method::HEAD, Some(id)) => Ok(match hooks::one(core, id) {
            Some(webhook) => Answer::ok(200, webhook),
            None => Answer::empty(200),
        }),
        (&Method::POST, None) => Ok(Answer::ok(201, hooks::register(core, call.body)?)),
        (&Method::PATCH, Some(id)) => Ok(Answer::ok(200, hooks::change(core, id, call.body)?)),
        (&Method::DELETE, Some(id)) => {
            hooks::remove(core, id)?;
            Ok(Answer::text(200, "true"))
        }
        _ => Err(no_route(call)),
    }
}

/// A page: newest id first, the cursor is the bare id.
fn page(core: &Core, name: &'static str, mut items: Vec<Json>, query: &Query) -> Result<Json, Refusal> {
    let id = |item: &Json| item.get("id").and_then(Json::as_str).unwrap_or_default().to_owned();
    items.sort_by_key(|item| std::cmp::Reverse(id(item)));
    let total = items.len();
    let limit = limit(query)?;
    let (after, before) = (query.one("starting_after"), query.one("ending_before"));
    if after.is_some() && before.is_some() {
        return Err(Refusal::framework(
            400,
            "Bad Request",
            "'starting_after' and 'ending_before' cannot be used together.",
        ));
    }
    if let Some(after) = after {
        items.retain(|item| id(item).as_str() < after);
    }
    if let Some(before) = before {
        items.retain(|item| id(item).as_str() > before);
        // The nearest ones come first while they are counted off.
        items.reverse();
    }
    let more = items.len() > limit;
    items.truncate(limit);
    if before.is_some() {
        items.reverse();
    }
    let cursor = |item: Option<&Json>| item.map_or(Json::Null, |item| Json::text(id(item)));
    let page = Json::object([
        ("hasNextPage", Json::Bool(more)),
        ("startCursor", cursor(items.first())),
        ("endCursor", cursor(items.last())),
    ]);
    let items = Json::Arr(items);
    let data = if core.version == Version::Newer { items } else { Json::object([(name, items)]) };
    let total = Json::int(i64::try_from(total).unwrap_or(i64::MAX));
    Ok(Json::object([("data", data), ("pageInfo", page), ("totalCount", total)]))
}

fn limit(query: &Query) -> Result<usize, Refusal> {
    let Some(text) = query.joined("limit").filter(|text| !text.is_empty()) else { return Ok(DEFAULT_LIMIT) };
    let limit = super::list::javascript_limit(&text).ok_or_else(|| {
        Refusal::coded(
            "INVALID_LIMIT_QUERY_PARAM",
            format!("limit '{text}' is invalid. Should be an integer"),
        )
    })?;
    Ok(limit.min(MAX_LIMIT))
}
