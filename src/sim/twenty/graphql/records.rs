//! `/graphql`: records with the columns one asks for, parents and children in one call, and the
//! operations REST has no path for.

use uuid::Uuid;

use super::Problem;
use super::parse::Field;
use crate::sim::json::{Json, Key};
use crate::sim::twenty::aggregate::Aggregate;
use crate::sim::twenty::auth;
use crate::sim::twenty::core::Core;
use crate::sim::twenty::duplicates;
use crate::sim::twenty::emit;
use crate::sim::twenty::error::Refusal;
use crate::sim::twenty::filter::{self, Node};
use crate::sim::twenty::groups;
use crate::sim::twenty::list::{self, Page};
use crate::sim::twenty::merge;
use crate::sim::twenty::ops;
use crate::sim::twenty::schema::{Kind, Object, capitalised};
use crate::sim::twenty::store::{Row, Store};
use crate::sim::twenty::values::parse_uuid;
use crate::sim::twenty::write;

/// What a root field means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Many,
    One,
    Duplicates,
    Groups,
    Create,
    CreateMany,
    Update,
    UpdateMany,
    Delete,
    DeleteMany,
    Destroy,
    DestroyMany,
    Restore,
    RestoreMany,
    Merge,
}

/// Object and meaning of a root field.
fn verb(object: &Object, name: &str, mutation: bool) -> Option<Verb> {
    if !mutation {
        return [
            (object.plural.to_owned(), Verb::Many),
            (object.singular.to_owned(), Verb::One),
            (format!("{}Duplicates", object.singular), Verb::Duplicates),
            (format!("{}GroupBy", object.plural), Verb::Groups),
        ]
        .into_iter()
        .find(|(known, _)| known == name)
        .map(|(_, verb)| verb);
    }
    let verbs = [
        ("create", Verb::Create, Verb::CreateMany),
        ("update", Verb::Update, Verb::UpdateMany),
        ("delete", Verb::Delete, Verb::DeleteMany),
        ("destroy", Verb::Destroy, Verb::DestroyMany),
        ("restore", Verb::Restore, Verb::RestoreMany),
        ("merge", Verb::Merge, Verb::Merge),
    ];
    verbs.into_iter().find_map(|(word, one, many)| {
        let rest = name.strip_prefix(word)?;
        if word != "merge" && rest == capitalised(object.singular) {
            return Some(one);
        }
        (rest == capitalised(object.plural)).then_some(many)
    })
}

/// Refuses a root field the schema does not have, or one below it, before anything happens.
pub(crate) fn check(core: &Core, field: &Field, mutation: bool) -> Result<(), Problem> {
    if field.name == "__typename" {
        return Ok(());
    }
    let (_, object, verb) = find(core, field, mutation)?;
    check_fields(core, object, verb, field)
}

fn find<'a>(core: &'a Core, field: &Field, mutation: bool) -> Result<(usize, &'a Object, Verb), Problem> {
    let mut live = core.store.schema.live();
    let found = live
        .find_map(|(index, object)| verb(object, &field.name, mutation).map(|verb| (index, object, verb)));
    let kind = if mutation { "Mutation" } else { "Query" };
    found.ok_or_else(|| Problem::unknown_field(&field.name, kind))
}

/// Resolves a root field.
pub(crate) fn resolve(core: &mut Core, field: &Field, mutation: bool) -> Result<Json, Problem> {
    let (index, object, verb) = find(core, field, mutation)?;
    let object = object.clone();
    allow(core, verb)?;
    core.charge()?;
    if mutation { change(core, index, verb, field) } else { read(core, index, &object, verb, field) }
}

fn allow(core: &Core, verb: Verb) -> Result<(), Refusal> {
    auth::allow(core, |role| match verb {
        Verb::Many | Verb::One | Verb::Duplicates | Verb::Groups => role.read,
        Verb::Delete | Verb::DeleteMany | Verb::Restore | Verb::RestoreMany => role.soft_delete,
        Verb::Destroy | Verb::DestroyMany | Verb::Merge => role.destroy,
        _ => role.update,
    })
}

/// Refuses fields the types do not have before anything happens.
fn check_fields(core: &Core, object: &Object, verb: Verb, field: &Field) -> Result<(), Problem> {
    match verb {
        Verb::Groups => Ok(()),
        Verb::Many | Verb::Duplicates => check_connection(core, object, field),
        _ => check_node(core, object, &field.fields),
    }
}

fn check_connection(core: &Core, object: &Object, field: &Field) -> Result<(), Problem> {
    let kind = || format!("{}Connection", capitalised(object.singular));
    for below in &field.fields {
        match below.name.as_str() {
            "edges" => {
                let node = below.below("node");
                check_node(core, object, node.map(|node| node.fields.as_slice()).unwrap_or_default())?;
            }
            "pageInfo" | "totalCount" | "__typename" => {}
            name if Aggregate::named(object, name).is_some() => {}
            name => return Err(Problem::unknown_field(name, &kind())),
        }
    }
    Ok(())
}

fn check_node(core: &Core, object: &Object, fields: &[Field]) -> Result<(), Problem> {
    let kind = capitalised(object.singular);
    for field in fields {
        if field.name == "__typename" {
            continue;
        }
        let found = object.field(&field.name).or_else(|| object.column(&field.name));
        let (_, known) = found.ok_or_else(|| Problem::unknown_field(&field.name, &kind))?;
        match known.kind {
            Kind::ToOne { target, .. } if known.name == field.name => {
                if let Some((_, target)) = core.store.schema.by_plural(target) {
                    check_node(core, target, &field.fields)?;
                }
            }
            Kind::ToMany { source, .. } => {
                if let Some((_, source)) = core.store.schema.by_plural(source) {
                    check_connection(core, source, field)?;
                }
            }
            kind => {
                let shape = emit::empty(kind);
                let unknown = field.fields.iter().find(|part| {
                    part.name != "__typename" && !shape.is_null() && shape.get(&part.name).is_none()
                });
                if let Some(part) = unknown {
                    return Err(Problem::unknown_field(&part.name, &capitalised(&field.name)));
                }
            }
        }
    }
    Ok(())
}

fn read(core: &Core, index: usize, object: &Object, verb: Verb, field: &Field) -> Result<Json, Problem> {
    match verb {
        Verb::Many => {
            let page = list::page(core, index, &list_request(field)?)?;
            Ok(connection(&core.store, object, &page, field))
        }
        Verb::One => {
            let filter = filter(field)?;
            let request = list::Request::of(filter, Vec::new(), Some(1));
            let page = list::page(core, index, &request)?;
            let row = page.rows.first().ok_or_else(Refusal::not_found)?;
            Ok(node(&core.store, object, row, &field.fields))
        }
        Verb::Duplicates => {
            let found = duplicates::hits(core, index, &field.arguments)?;
            let shown = found.iter().map(|rows| {
                let page = list::whole(&core.store, object, rows.clone());
                connection(&core.store, object, &page, field)
            });
            Ok(Json::Arr(shown.collect()))
        }
        _ => grouped(core, index, object, field),
    }
}

fn grouped(core: &Core, index: usize, object: &Object, field: &Field) -> Result<Json, Problem> {
    let listed = |name: &str| field.argument(name).cloned().map(groups::listed).unwrap_or_default();
    let asked = field.fields.iter().map(|field| field.name.clone());
    let request = groups::Request {
        by: listed("groupBy"),
        aggregates: asked.filter(|name| Aggregate::named(object, name).is_some()).collect(),
        filter: filter(field)?,
        order: listed("orderBy"),
        limit: field.argument("limit").and_then(Json::as_i64).and_then(|limit| usize::try_from(limit).ok()),
        samples: false,
    };
    let found = groups::members(groups::many(core, index, &request)?);
    let shown = found.into_iter().map(|members| {
        let group = Json::Obj(members);
        let member = |field: &Field| {
            let value = group.get(&field.name).cloned().unwrap_or_default();
            let value = if field.name == "groupByDimensionValues" { value } else { as_number(value) };
            (Key::Owned(field.key.clone()), value)
        };
        Json::Obj(field.fields.iter().map(member).collect())
    });
    Ok(Json::Arr(shown.collect()))
}

/// Aggregates are texts in REST and numbers here.
fn as_number(value: Json) -> Json {
    match value.as_str().and_then(|text| text.parse::<serde_json::Number>().ok()) {
        Some(number) => Json::Num(number),
        None => value,
    }
}

fn filter(field: &Field) -> Result<Option<Node>, Refusal> {
    field.argument("filter").map_or(Ok(None), filter::from_json)
}

fn list_request(field: &Field) -> Result<list::Request, Refusal> {
    let count = |name: &str| -> Result<Option<usize>, Refusal> {
        let Some(given) = field.argument(name).and_then(Json::as_i64) else { return Ok(None) };
        usize::try_from(given)
            .map(Some)
            .map_err(|_| Refusal::bad(format!("{} argument must be non-negative", capitalised(name))))
    };
    let (first, last) = (count("first")?, count("last")?);
    let cursor = |name: &str| field.argument(name).and_then(Json::as_str).map(list::decode).transpose();
    let (after, before) = (cursor("after")?, cursor("before")?);
    let orders = field.argument("orderBy").cloned().map(groups::listed).unwrap_or_default();
    let mut request = list::Request::of(filter(field)?, list::wishes(&orders)?, first.or(last));
    request.skip(count("offset")?.unwrap_or(0));
    request.between(after, before, last.is_some() && first.is_none())?;
    Ok(request)
}

/// A page as a connection.
fn connection(store: &Store, object: &Object, page: &Page<'_>, field: &Field) -> Json {
    let member = |below: &Field| {
        let value = match below.name.as_str() {
            "edges" => {
                let edge = |row: &&Row| {
                    let part = |part: &Field| {
                        let value = match part.name.as_str() {
                            "cursor" => Json::text(page.cursor(store, row)),
                            "node" => node(store, object, row, &part.fields),
                            _ => Json::text(format!("{}Edge", capitalised(object.singular))),
                        };
                        (Key::Owned(part.key.clone()), value)
                    };
                    Json::Obj(below.fields.iter().map(part).collect())
                };
                Json::Arr(page.rows.iter().map(edge).collect())
            }
            "pageInfo" => super::project(&page.info(), &below.fields),
            "totalCount" => Json::int(i64::try_from(page.total).unwrap_or(i64::MAX)),
            "__typename" => Json::text(format!("{}Connection", capitalised(object.singular))),
            name => Aggregate::named(object, name)
                .map_or(Json::Null, |aggregate| as_number(aggregate.of(&page.matching))),
        };
        (Key::Owned(below.key.clone()), value)
    };
    Json::Obj(field.fields.iter().map(member).collect())
}

/// A record with the fields asked for.
fn node(store: &Store, object: &Object, row: &Row, fields: &[Field]) -> Json {
    let member = |field: &Field| (Key::Owned(field.key.clone()), value(store, object, row, field));
    Json::Obj(fields.iter().map(member).collect())
}

fn value(store: &Store, object: &Object, row: &Row, field: &Field) -> Json {
    if field.name == "__typename" {
        return Json::text(capitalised(object.singular));
    }
    let found = object.field(&field.name).or_else(|| object.column(&field.name));
    let Some((index, known)) = found else { return Json::Null };
    match known.kind {
        Kind::ToOne { target, .. } if known.name == field.name => {
            let id = row.cell(index).as_str().and_then(|text| Uuid::parse_str(text).ok());
            let parent = store.schema.by_plural(target).zip(id).and_then(|((table, object), id)| {
                let row = store.table(table).get(id).filter(|row| !row.is_deleted(object))?;
                Some(node(store, object, row, &field.fields))
            });
            parent.unwrap_or_default()
        }
        Kind::ToMany { source, via } => {
            let Some((_, over)) = store.schema.by_plural(source) else { return Json::Null };
            let rows = emit::pointing(store, source, via, row.id);
            connection(store, over, &list::whole(store, over, rows), field)
        }
        _ => super::project(&emit::cell(object, known, row, index), &field.fields),
    }
}

/// The id argument of a field.
fn id(field: &Field) -> Result<Uuid, Refusal> {
    let text = field.argument("id").and_then(Json::as_str).unwrap_or_default();
    parse_uuid(text)
        .ok_or_else(|| Refusal::coded("INVALID_QUERY_INPUT", format!("Value \"{text}\" is not a valid UUID")))
}

fn change(core: &mut Core, index: usize, verb: Verb, field: &Field) -> Result<Json, Problem> {
    let data = field.argument("data").cloned().unwrap_or(Json::Obj(Vec::new()));
    let upsert = field.argument("upsert") == Some(&Json::Bool(true));
    let wanted = filter(field)?;
    match verb {
        Verb::Create => {
            let ids = ops::create(core, index, std::slice::from_ref(&data), upsert)?;
            Ok(shown_one(core, index, &ids, field))
        }
        Verb::CreateMany => {
            let ids = ops::create(core, index, write::batch(&data)?, upsert)?;
            Ok(shown_many(core, index, &ids, field))
        }
        Verb::Update => {
            let id = id(field)?;
            ops::update_one(core, index, id, &data)?;
            Ok(shown_one(core, index, &[id], field))
        }
        Verb::UpdateMany => {
            let ids = ops::update_many(core, index, wanted.as_ref(), &data)?;
            Ok(shown_many(core, index, &ids, field))
        }
        Verb::Delete => {
            let id = id(field)?;
            ops::soft_delete_one(core, index, id)?;
            Ok(shown_one(core, index, &[id], field))
        }
        Verb::DeleteMany => {
            let ids = ops::soft_delete_many(core, index, wanted.as_ref())?;
            Ok(shown_many(core, index, &ids, field))
        }
        Verb::Restore => {
            let id = id(field)?;
            ops::restore_one(core, index, id)?;
            Ok(shown_one(core, index, &[id], field))
        }
        Verb::RestoreMany => {
            let ids = ops::restore_many(core, index, wanted.as_ref())?;
            Ok(shown_many(core, index, &ids, field))
        }
        Verb::Merge => {
            let merged = merge::merge(core, index, &field.arguments, 1)?;
            Ok(super::project(&merged, &field.fields))
        }
        _ => destroyed(core, index, verb, field, wanted.as_ref()),
    }
}

/// Destroys and answers what was there.
fn destroyed(
    core: &mut Core,
    index: usize,
    verb: Verb,
    field: &Field,
    wanted: Option<&Node>,
) -> Result<Json, Problem> {
    if verb == Verb::Destroy {
        let id = id(field)?;
        let gone = shown_one(core, index, &[id], field);
        ops::destroy_one(core, index, id)?;
        return Ok(gone);
    }
    let ids = crate::sim::twenty::remove::bulk(core, index, wanted, false)?;
    let gone = shown_many(core, index, &ids, field);
    ops::destroy_many(core, index, wanted)?;
    Ok(gone)
}

fn shown_many(core: &Core, index: usize, ids: &[Uuid], field: &Field) -> Json {
    let schema = core.schema();
    let Some(object) = schema.objects().get(index) else { return Json::Null };
    let rows = ids.iter().filter_map(|id| core.store.table(index).get(*id));
    Json::Arr(rows.map(|row| node(&core.store, object, row, &field.fields)).collect())
}

fn shown_one(core: &Core, index: usize, ids: &[Uuid], field: &Field) -> Json {
    match shown_many(core, index, ids, field) {
        Json::Arr(mut items) if !items.is_empty() => items.swap_remove(0),
        _ => Json::Null,
    }
}
