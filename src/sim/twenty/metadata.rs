//! `GET /rest/metadata/objects` and `/fields`, in the legacy envelope the recordings show.

use uuid::Uuid;

use super::composite::type_name;
use super::core::Core;
use super::error::Refusal;
use super::query::Query;
use super::schema::{Field, Kind, Object, OnDelete, Preset};
use super::values::parse_uuid;
use crate::sim::json::Json;

/// When the workspace was made; any instant does.
const MADE_AT: &str = "2026-01-05T09:00:00.000Z";
/// Objects of a page when the client does not say.
const DEFAULT_LIMIT: usize = 60;
/// Most objects of a page.
const MAX_LIMIT: usize = 200;

/// Answers a path below `/rest/metadata/`; `None` when there is no such route.
pub(crate) fn get(core: &Core, path: &str, query: &Query) -> Option<Result<Json, Refusal>> {
    let mut parts = path.split('/');
    match (parts.next()?, parts.next(), parts.next()) {
        ("objects", None, None) => Some(list("objects", objects(core), query)),
        ("objects", Some(id), None) => Some(one(core, id)),
        ("fields", None, None) => Some(list("fields", fields(core), query)),
        _ => None,
    }
}

fn one(core: &Core, id: &str) -> Result<Json, Refusal> {
    if Uuid::parse_str(id).is_err() {
        return Err(Refusal::framework(400, "Bad Request", "Validation failed (uuid is expected)"));
    }
    let found = objects(core).into_iter().find(|object| object.get("id").and_then(Json::as_str) == Some(id));
    let object = found.ok_or_else(Refusal::no_metadata)?;
    Ok(Json::object([("data", Json::object([("object", object)]))]))
}

/// A page: newest id first, the cursor is the bare id.
fn list(name: &'static str, mut items: Vec<Json>, query: &Query) -> Result<Json, Refusal> {
    let id = |item: &Json| item.get("id").and_then(Json::as_str).unwrap_or_default().to_owned();
    items.sort_by_key(|item| std::cmp::Reverse(id(item)));
    let total = items.len();
    let limit = match query.one("limit").filter(|text| !text.is_empty()) {
        None => DEFAULT_LIMIT,
        Some(text) => text.parse::<usize>().map_err(|_| {
            Refusal::coded(
                "INVALID_LIMIT_QUERY_PARAM",
                format!("limit '{text}' is invalid. Should be an integer"),
            )
        })?,
    };
    if let Some(after) = query.one("starting_after").filter(|after| parse_uuid(after).is_some()) {
        items.retain(|item| id(item).as_str() < after);
    }
    let limit = limit.min(MAX_LIMIT);
    let more = items.len() > limit;
    items.truncate(limit);
    let cursor = |item: Option<&Json>| item.map_or(Json::Null, |item| Json::text(id(item)));
    let page = Json::object([
        ("hasNextPage", Json::Bool(more)),
        ("startCursor", cursor(items.first())),
        ("endCursor", cursor(items.last())),
    ]);
    Ok(Json::object([
        ("data", Json::object([(name, Json::Arr(items))])),
        ("pageInfo", page),
        ("totalCount", Json::int(i64::try_from(total).unwrap_or(i64::MAX))),
    ]))
}

/// Ids of descriptions are derived from the seed and the name, so they need no storage.
fn id_of(core: &Core, name: &str) -> String {
    let unlike_v7 = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{}/{name}", core.seed).as_bytes());
    unlike_v7.to_string()
}

fn objects(core: &Core) -> Vec<Json> {
    core.store.schema.objects().iter().map(|object| describe(core, object)).collect()
}

fn fields(core: &Core) -> Vec<Json> {
    let described = |object: &Object| describe_fields(core, object);
    core.store.schema.objects().iter().flat_map(described).collect()
}

fn describe(core: &Core, object: &Object) -> Json {
    let flag = Json::Bool;
    let name = object.singular;
    let label_field = if object.field("name").is_some() { "name" } else { "id" };
    let mut described = Json::object([
        ("id", Json::text(id_of(core, name))),
        ("universalIdentifier", Json::text(id_of(core, &format!("universal/{name}")))),
        ("applicationId", Json::text(id_of(core, if object.custom { "custom" } else { "standard" }))),
        ("nameSingular", Json::text(name)),
        ("namePlural", Json::text(object.plural)),
        ("labelSingular", Json::text(object.label)),
        ("labelPlural", Json::text(object.label_plural)),
        ("description", Json::text(object.label)),
        ("icon", Json::text("IconList")),
        ("isRemote", flag(false)),
        ("isActive", flag(true)),
        ("isSystem", flag(object.system)),
        ("isUIEditable", flag(true)),
        ("isUICreatable", flag(!object.system)),
        ("isUIReadOnly", flag(false)),
        ("isSearchable", flag(!object.system)),
        ("isLabelSyncedWithName", flag(false)),
        ("workspaceId", Json::text(id_of(core, "workspace"))),
        ("labelIdentifierFieldMetadataId", Json::text(id_of(core, &format!("{name}.{label_field}")))),
    ]);
    if !object.duplicate_criteria.is_empty() {
        described.set("duplicateCriteria", criteria(object));
    }
    described.set("createdAt", Json::text(MADE_AT));
    described.set("updatedAt", Json::text(MADE_AT));
    described.set("fields", Json::Arr(describe_fields(core, object)));
    described
}

/// Paths in the spelling of database columns: `name.firstName` is `nameFirstName`.
fn criteria(object: &Object) -> Json {
    let column = |path: &&str| {
        let (head, part) = path.split_once('.').unwrap_or((path, ""));
        let mut letters = part.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        Json::text(head.chars().chain(first).chain(letters).collect::<String>())
    };
    let group = |paths: &&[&str]| Json::Arr(paths.iter().map(column).collect());
    Json::Arr(object.duplicate_criteria.iter().map(group).collect())
}

fn describe_fields(core: &Core, object: &Object) -> Vec<Json> {
    let fields = object.fields.iter().filter(|field| !field.removed);
    fields.map(|field| describe_field(core, object, field)).collect()
}

fn describe_field(core: &Core, object: &Object, field: &Field) -> Json {
    let path = format!("{}.{}", object.singular, field.name);
    let read_only = matches!(field.name, "id" | "createdAt" | "updatedAt" | "deletedAt");
    let mut described = Json::object([
        ("id", Json::text(id_of(core, &path))),
        ("universalIdentifier", Json::text(id_of(core, &format!("universal/{path}")))),
        ("applicationId", Json::text(id_of(core, if object.custom { "custom" } else { "standard" }))),
        ("type", Json::text(type_name(field.kind))),
        ("name", Json::text(field.name)),
        ("label", Json::text(field.label)),
        ("description", Json::text(field.label)),
        ("icon", Json::text("IconList")),
        ("isActive", Json::Bool(true)),
        ("isSystem", Json::Bool(field.system)),
        ("isUIEditable", Json::Bool(!read_only)),
        ("isUIReadOnly", Json::Bool(read_only)),
        (
            "isNullable",
            Json::Bool(!field.system || field.name == "deletedAt" || field.name == "searchVector"),
        ),
        ("isUnique", Json::Bool(field.unique)),
    ]);
    if let Some(default) = default_value(field) {
        described.set("defaultValue", default);
    }
    if let Kind::Select(options) = field.kind {
        described.set("options", Json::Arr(options_of(core, &path, options)));
    }
    if let Some(settings) = settings(field) {
        described.set("settings", settings);
    }
    described.set("workspaceId", Json::text(id_of(core, "workspace")));
    described.set("objectMetadataId", Json::text(id_of(core, object.singular)));
    described.set("isLabelSyncedWithName", Json::Bool(false));
    described.set("createdAt", Json::text(MADE_AT));
    described.set("updatedAt", Json::text(MADE_AT));
    described
}

/// Texts are quoted inside their quotes, functions stand bare.
fn default_value(field: &Field) -> Option<Json> {
    match (field.name, field.kind, field.default) {
        ("id", Kind::Uuid, _) => Some(Json::text("uuid")),
        ("createdAt" | "updatedAt", ..) => Some(Json::text("now")),
        (_, Kind::Actor, _) => Some(Json::object([
            ("name", Json::text("'System'")),
            ("source", Json::text("'MANUAL'")),
            ("workspaceMemberId", Json::Null),
        ])),
        (_, _, Preset::Text(text)) => Some(Json::text(format!("'{text}'"))),
        (_, _, Preset::Int(number)) => Some(Json::int(number)),
        (_, _, Preset::Flag(flag)) => Some(Json::Bool(flag)),
        (_, _, Preset::None) => None,
    }
}

fn options_of(core: &Core, path: &str, options: &[&str]) -> Vec<Json> {
    let describe = |(at, option): (usize, &&str)| {
        Json::object([
            ("id", Json::text(id_of(core, &format!("{path}.{option}")))),
            ("color", Json::text("sky")),
            ("label", Json::text(option.replace('_', " ").to_lowercase())),
            ("value", Json::text(*option)),
            ("position", Json::int(i64::try_from(at).unwrap_or(0))),
        ])
    };
    options.iter().enumerate().map(describe).collect()
}

fn settings(field: &Field) -> Option<Json> {
    match field.kind {
        Kind::DateTime if field.system => Some(Json::object([("displayFormat", Json::text("RELATIVE"))])),
        Kind::ToMany { .. } => Some(Json::object([("relationType", Json::text("ONE_TO_MANY"))])),
        Kind::ToOne { on_delete, .. } => {
            let effect = if on_delete == OnDelete::Cascade { "CASCADE" } else { "SET_NULL" };
            Some(Json::object([
                ("onDelete", Json::text(effect)),
                ("relationType", Json::text("MANY_TO_ONE")),
                ("joinColumnName", Json::text(field.column.clone())),
            ]))
        }
        _ => None,
    }
}
