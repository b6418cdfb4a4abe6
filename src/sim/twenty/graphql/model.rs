//! `/metadata`: the data model and the webhooks, as REST has them, in the clothes of GraphQL.

use super::parse::Field;
use super::{Problem, connection, project, roles};
use crate::sim::json::Json;
use crate::sim::twenty::auth;
use crate::sim::twenty::core::Core;
use crate::sim::twenty::error::Refusal;
use crate::sim::twenty::hooks;
use crate::sim::twenty::metadata::{describe, fields, objects};
use crate::sim::twenty::schema::Kind;

/// Resolves a root field.
pub(crate) fn resolve(core: &mut Core, field: &Field, mutation: bool) -> Result<Json, Problem> {
    let value = match roles::resolve(core, field) {
        Some(value) => value?,
        None if mutation => change(core, field)?,
        None => read(core, field)?,
    };
    Ok(project(&value, &field.fields))
}

/// The list a paging argument asks for.
fn paged(field: &Field, items: &[Json]) -> Json {
    let paging = field.argument("paging").cloned().unwrap_or_default();
    let after = paging.get("after").and_then(Json::as_str);
    let id = |item: &Json| item.get("id").and_then(Json::as_str).unwrap_or_default().to_owned();
    let first = paging.get("first").and_then(Json::as_i64).and_then(|first| usize::try_from(first).ok());
    let rest = items.iter().skip_while(|item| after.is_some_and(|after| id(item) != after));
    let rest: Vec<Json> = rest.skip(usize::from(after.is_some())).cloned().collect();
    let limit = first.unwrap_or(10).min(1_000);
    let more = rest.len() > limit;
    let mut page = connection(&Json::Arr(rest.into_iter().take(limit).collect()));
    if let Some(info) = page.get_mut("pageInfo") {
        info.set("hasNextPage", Json::Bool(more));
    }
    page
}

fn read(core: &Core, field: &Field) -> Result<Json, Problem> {
    let id = field.argument("id").and_then(Json::as_str);
    let by_id = |items: Vec<Json>| items.into_iter().find(|item| item.get("id").and_then(Json::as_str) == id);
    match field.name.as_str() {
        "objects" => Ok(paged(field, &described_objects(core))),
        "object" => by_id(described_objects(core)).ok_or_else(|| Refusal::no_metadata().into()),
        "fields" => Ok(paged(field, &described_fields(core))),
        "field" => by_id(described_fields(core)).ok_or_else(|| Refusal::no_metadata().into()),
        "webhooks" => {
            auth::allow(core, |role| role.settings)?;
            Ok(hooks::list(core))
        }
        "webhook" => {
            auth::allow(core, |role| role.settings)?;
            let nested = field.argument("input").and_then(|input| input.get("id")?.as_str());
            Ok(hooks::one(core, id.or(nested).unwrap_or_default()).unwrap_or_default())
        }
        "currentWorkspace" => Ok(Json::object([
            ("id", Json::text(describe::id_of(core, "workspace"))),
            ("displayName", Json::text("Harbour Lights")),
            ("activationStatus", Json::text("ACTIVE")),
            ("trashRetentionDays", Json::int(14)),
        ])),
        name => Err(Problem::unknown_field(name, "Query")),
    }
}

/// Objects whose fields also tell where relations lead.
fn described_objects(core: &Core) -> Vec<Json> {
    let schema = core.schema();
    let described = schema.live().map(|(_, object)| {
        let mut shown = describe::object_listed(core, object);
        let fields = object.live_fields().map(|(_, field)| with_relation(core, object, field)).collect();
        shown.set("fields", Json::Arr(fields));
        shown.set("isCustom", Json::Bool(object.custom));
        shown
    });
    described.collect()
}

fn described_fields(core: &Core) -> Vec<Json> {
    let schema = core.schema();
    let of = |object: &crate::sim::twenty::schema::Object| {
        object.live_fields().map(|(_, field)| with_relation(core, object, field)).collect::<Vec<_>>()
    };
    schema.live().flat_map(|(_, object)| of(object)).collect()
}

fn with_relation(
    core: &Core,
    object: &crate::sim::twenty::schema::Object,
    field: &crate::sim::twenty::schema::Field,
) -> Json {
    let mut shown = describe::field_listed(core, object, field);
    shown.set("isCustom", Json::Bool(field.custom));
    let (other, via, kind) = match field.kind {
        Kind::ToOne { target, .. } => (target, None, "MANY_TO_ONE"),
        Kind::ToMany { source, via } => (source, Some(via), "ONE_TO_MANY"),
        _ => return shown,
    };
    let Some((_, other)) = core.store.schema.by_plural(other) else { return shown };
    let back = other.live_fields().find(|(_, candidate)| match via {
        Some(via) => candidate.name == via,
        None => candidate.kind == Kind::ToMany { source: object.plural, via: field.name },
    });
    let name_of = |object: &crate::sim::twenty::schema::Object| {
        Json::object([
            ("id", Json::text(describe::object_id(core, object))),
            ("nameSingular", Json::text(object.singular)),
            ("namePlural", Json::text(object.plural)),
        ])
    };
    let field_of = |object: &crate::sim::twenty::schema::Object,
                    field: &crate::sim::twenty::schema::Field| {
        Json::object([
            ("id", Json::text(describe::field_id(core, object, field))),
            ("name", Json::text(field.name)),
        ])
    };
    shown.set(
        "relation",
        Json::object([
            ("type", Json::text(kind)),
            ("sourceObjectMetadata", name_of(object)),
            ("targetObjectMetadata", name_of(other)),
            ("sourceFieldMetadata", field_of(object, field)),
            ("targetFieldMetadata", back.map_or(Json::Null, |(_, back)| field_of(other, back))),
        ]),
    );
    shown
}

fn change(core: &mut Core, field: &Field) -> Result<Json, Problem> {
    auth::allow(core, |role| role.settings)?;
    let input = field.argument("input").cloned().unwrap_or_default();
    let of = |name: &str| input.get(name).cloned().unwrap_or_default();
    let nested = of("id");
    let id = nested.as_str().or_else(|| field.argument("id")?.as_str()).unwrap_or_default().to_owned();
    let changed = match field.name.as_str() {
        "createOneObject" => objects::create_object(core, &of("object"))?,
        "updateOneObject" => objects::update_object(core, &id, &of("update"))?,
        "deleteOneObject" => objects::delete_object(core, &id)?,
        "createOneField" | "createOneFieldMetadata" => fields::create_field(core, &of("field"))?,
        "updateOneField" => fields::update_field(core, &id, &of("update"))?,
        "deleteOneField" => fields::delete_field(core, &id)?,
        "createWebhook" => hooks::register(core, &input)?,
        "updateWebhook" => hooks::change(core, &id, &of("update"))?,
        "deleteWebhook" => hooks::remove(core, &id)?,
        name => return Err(Problem::unknown_field(name, "Mutation")),
    };
    Ok(changed)
}
