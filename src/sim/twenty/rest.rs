//! The record API over REST: from a path to an operation.

use http::Method;
use uuid::Uuid;

use super::api::{Answer, Request, no_route};
use super::auth;
use super::core::Core;
use super::duplicates;
use super::error::Refusal;
use super::groups;
use super::list;
use super::merge;
use super::ops;
use super::query::Query;
use super::schema::{Object, Schema};
use super::version::Version;
use super::write;
use crate::sim::json::{Json, Key};

/// What a path means.
struct Route {
    object: String,
    action: Action,
}

enum Action {
    Collection,
    Record(Uuid),
    Batch,
    Restore,
    RestoreOne(Uuid),
    Duplicates,
    Groups,
    Merge,
}

impl Route {
    fn parse(request: &Request, version: Version) -> Result<Self, Refusal> {
        let path = &request.path;
        let changing = request.method == Method::PATCH;
        // Two prefixes are stripped wherever they stand first, which mangles `/restore` at the end of a path.
        let stripped = path.replacen("/rest/", "", 1).replacen("/rest", "", 1);
        let parts: Vec<&str> = stripped.split('/').filter(|part| !part.is_empty()).collect();
        let route = |object: &str, action: Action| Ok(Self { object: object.to_owned(), action });
        if version == Version::Newer && changing {
            let plain: Vec<&str> =
                path.trim_start_matches("/rest/").split('/').filter(|part| !part.is_empty()).collect();
            match plain.as_slice() {
                [object, "restore"] => return route(object, Action::Restore),
                [object, id, "restore"] => return route(object, Action::RestoreOne(list::path_id(id)?)),
                _ => {}
            }
        }
        match parts.as_slice() {
            [] => Err(no_route(request)),
            ["restore", object] if changing && version != Version::Newer => route(object, Action::Restore),
            ["batch", object] if request.method == Method::POST => route(object, Action::Batch),
            [object, "duplicates"] if request.method == Method::POST => route(object, Action::Duplicates),
            [object, "groupBy"] if request.method == Method::GET => route(object, Action::Groups),
            [object, "merge"] if changing => route(object, Action::Merge),
            [object] | ["batch" | "restore", object] | [object, "duplicates" | "groupBy" | "merge"] => {
                route(object, Action::Collection)
            }
            [object, id] => route(object, Action::Record(list::path_id(id)?)),
            _ => Err(Refusal::bad(format!(
                "Query path '{path}' invalid. Valid examples: /rest/companies/id or /rest/companies or /rest/batch/companies"
            ))),
        }
    }
}

fn find_object(schema: &Schema, name: &str) -> Result<usize, Refusal> {
    if let Some((index, _)) = schema.by_plural(name) {
        return Ok(index);
    }
    let hint = schema.by_singular(name).map_or_else(
        || "eg: companies".to_owned(),
        |(_, object)| format!("Did you mean '{}'?", object.plural),
    );
    Err(Refusal::bad(format!("object '{name}' not found. {hint}")))
}

/// One request with everything that was read from it.
struct Call<'a> {
    index: usize,
    query: &'a Query,
    body: &'a Json,
    depth: u8,
}

/// Answers a request below `/rest/`.
pub(crate) fn answer(
    core: &mut Core,
    request: &Request,
    query: &Query,
    body: &Json,
) -> Result<Answer, Refusal> {
    let route = Route::parse(request, core.version)?;
    let index = find_object(&core.store.schema, &route.object)?;
    let call = Call { index, query, body, depth: list::depth(query)? };
    match (&request.method, &route.action) {
        (&Method::GET | &Method::HEAD, Action::Collection) => {
            let wanted = list::Request::parse(query)?;
            auth::allow(core, |role| role.read)?;
            core.charge()?;
            Ok(Answer::ok(200, list::many(core, index, &wanted)?))
        }
        (&Method::GET | &Method::HEAD, Action::Record(id)) => {
            auth::allow(core, |role| role.read)?;
            core.charge()?;
            Ok(Answer::ok(200, list::one(core, index, *id, call.depth)?))
        }
        (&Method::GET, Action::Groups) => {
            let wanted = groups::Request::parse(query)?;
            auth::allow(core, |role| role.read)?;
            core.charge()?;
            Ok(Answer::ok(200, groups::many(core, index, &wanted)?))
        }
        (&Method::POST, Action::Duplicates) => {
            auth::allow(core, |role| role.read)?;
            core.charge()?;
            Ok(Answer::ok(200, duplicates::find(core, index, body, call.depth)?))
        }
        (&Method::POST, Action::Collection | Action::Record(_) | Action::Batch) => {
            create(core, &call, matches!(route.action, Action::Batch))
        }
        (&Method::PATCH, Action::Merge) => {
            auth::allow(core, |role| role.update && role.destroy)?;
            core.charge()?;
            let merged = merge::merge(core, index, body, call.depth)?;
            Ok(Answer::ok(200, envelope(name(core, index, |object| object.one("merge")), merged)))
        }
        (&Method::PATCH | &Method::PUT, action) => change(core, &call, action),
        (&Method::DELETE, action) => delete(core, &call, action),
        _ => Err(no_route(request)),
    }
}

fn create(core: &mut Core, call: &Call<'_>, batch: bool) -> Result<Answer, Refusal> {
    auth::allow(core, |role| role.update)?;
    core.charge()?;
    let upsert = call.query.flag("upsert");
    if batch {
        let ids = ops::create(core, call.index, write::batch(call.body)?, upsert)?;
        let records = write::shown(core, call.index, &ids, call.depth);
        return Ok(Answer::ok(201, many(core, call.index, "create", records)));
    }
    let ids = ops::create(core, call.index, std::slice::from_ref(call.body), upsert)?;
    let id = ids.first().copied().ok_or_else(Refusal::not_found)?;
    Ok(Answer::ok(201, one(core, call, "create", id)))
}

fn change(core: &mut Core, call: &Call<'_>, action: &Action) -> Result<Answer, Refusal> {
    auth::allow(core, |role| role.update)?;
    let (index, body) = (call.index, call.body);
    match action {
        Action::Record(id) => {
            core.charge()?;
            ops::update_one(core, index, *id, body)?;
            Ok(Answer::ok(200, one(core, call, "update", *id)))
        }
        Action::RestoreOne(id) => {
            core.charge()?;
            ops::restore_one(core, index, *id)?;
            Ok(Answer::ok(200, one(core, call, "restore", *id)))
        }
        Action::Restore => {
            let filter = list::filter(call.query)?;
            core.charge()?;
            let ids = ops::restore_many(core, index, filter.as_ref())?;
            let records = write::shown(core, index, &ids, call.depth);
            Ok(Answer::ok(200, many(core, index, "restore", records)))
        }
        _ => {
            let filter = list::filter(call.query)?;
            core.charge()?;
            let ids = ops::update_many(core, index, filter.as_ref(), body)?;
            let records = write::shown(core, index, &ids, call.depth);
            Ok(Answer::ok(200, many(core, index, "update", records)))
        }
    }
}

fn delete(core: &mut Core, call: &Call<'_>, action: &Action) -> Result<Answer, Refusal> {
    let (index, soft) = (call.index, call.query.flag("soft_delete"));
    let only_id = |id: &Uuid| Json::object([("id", Json::text(id.to_string()))]);
    auth::allow(core, |role| if soft { role.soft_delete } else { role.destroy })?;
    if let Action::Record(id) = action {
        core.charge()?;
        if soft {
            ops::soft_delete_one(core, index, *id)?;
            return Ok(Answer::ok(200, one(core, call, "delete", *id)));
        }
        ops::destroy_one(core, index, *id)?;
        let key = name(core, index, |object| object.one("delete"));
        return Ok(Answer::ok(200, envelope(key, only_id(id))));
    }
    let filter = list::filter(call.query)?;
    core.charge()?;
    let records = if soft {
        let ids = ops::soft_delete_many(core, index, filter.as_ref())?;
        write::shown(core, index, &ids, call.depth)
    } else {
        ops::destroy_many(core, index, filter.as_ref())?.iter().map(only_id).collect()
    };
    Ok(Answer::ok(200, many(core, index, "delete", records)))
}

fn name(core: &Core, index: usize, name: impl Fn(&Object) -> String) -> String {
    core.store.schema.objects().get(index).map(name).unwrap_or_default()
}

fn one(core: &Core, call: &Call<'_>, verb: &str, id: Uuid) -> Json {
    let record = write::shown(core, call.index, &[id], call.depth).pop().unwrap_or_default();
    envelope(name(core, call.index, |object| object.one(verb)), record)
}

fn many(core: &Core, index: usize, verb: &str, records: Vec<Json>) -> Json {
    envelope(name(core, index, |object| object.many(verb)), Json::Arr(records))
}

fn envelope(key: String, value: Json) -> Json {
    Json::object([("data", Json::Obj(vec![(Key::Owned(key), value)]))])
}
