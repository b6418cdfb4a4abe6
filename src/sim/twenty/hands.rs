//! The hands of others: users of the workspace who change rows, and fixtures that put rows in place.

use uuid::Uuid;

use super::composite::is_composite;
use super::core::Core;
use super::emit::empty;
use super::schema::{Kind, Object};
use super::store::Row;
use super::values::bind;
use super::{remove as removal, write};
use crate::sim::json::Json;

/// The signature of the other user, who is a member of the workspace when it has members.
fn maya(core: &Core) -> Json {
    let member = member_named(core, "Maya");
    let stranger = || Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{}/maya", core.seed).as_bytes());
    Json::object([
        ("source", Json::text("MANUAL")),
        ("workspaceMemberId", Json::text(member.unwrap_or_else(stranger).to_string())),
        ("name", Json::text("Maya in Twenty")),
        ("context", Json::Null),
    ])
}

fn member_named(core: &Core, first: &str) -> Option<Uuid> {
    let (index, object) = core.store.schema.by_plural("workspaceMembers")?;
    let (column, _) = object.field("name")?;
    let mut rows = core.store.table(index).rows().values();
    rows.find(|row| row.cell(column).get("firstName").and_then(Json::as_str) == Some(first)).map(|row| row.id)
}

/// Another user changes a record.
pub(crate) fn edit(core: &mut Core, plural: &str, id: Uuid, patch: &Json) -> bool {
    let schema = core.schema();
    let Some((index, object)) = schema.by_plural(plural) else { return false };
    if write::update_one(core, index, id, patch).is_err() {
        return false;
    }
    let Some(mut row) = core.store.table(index).get(id).cloned() else { return false };
    row.set(object.columns.updated_by, maya(core));
    core.store.put(index, row);
    true
}

/// Another user puts a record into the bin or destroys it.
pub(crate) fn remove(core: &mut Core, plural: &str, id: Uuid, soft: bool) -> bool {
    let schema = core.schema();
    let Some((index, _)) = schema.by_plural(plural) else { return false };
    if core.store.table(index).get(id).is_none() {
        return false;
    }
    if soft {
        removal::soft_delete(core, index, &[id]);
    } else {
        removal::destroy(core, index, &[id]);
    }
    true
}

/// A random row of a random table gets a new position, name or note from another user.
pub(crate) fn somebody_edits(core: &mut Core) {
    let schema = core.schema();
    let filled = |plural: &&str| {
        schema.by_plural(plural).is_some_and(|(index, _)| !core.store.table(index).rows().is_empty())
    };
    let tables: Vec<&str> = ["people", "gifts", "companies"].into_iter().filter(filled).collect();
    let Some(plural) = core.mischief.pick(&tables).copied() else { return };
    let Some((index, _)) = schema.by_plural(plural) else { return };
    let rows = core.store.table(index).rows();
    let at = core.mischief.index(rows.len());
    let Some(id) = rows.keys().nth(at).copied() else { return };
    let mark = format!("edited {}", core.mischief.below(1_000_000));
    let field = if plural == "people" { "jobTitle" } else { "name" };
    edit(core, plural, id, &Json::object([(field, Json::Str(mark))]));
}

/// Stores a record as a reply showed it.
pub(crate) fn load(core: &mut Core, plural: &str, record: &Json) -> bool {
    let schema = core.schema();
    let Some((index, object)) = schema.by_plural(plural) else { return false };
    let id = record.get("id").and_then(Json::as_str).and_then(|text| Uuid::parse_str(text).ok());
    let Some(id) = id else { return false };
    let row = Row { id, written: 0, cells: cells(object, record) };
    core.store.put(index, row);
    true
}

fn cells(object: &Object, record: &Json) -> Vec<Json> {
    object
        .fields
        .iter()
        .map(|field| {
            let shown = record.get(&field.column).cloned().unwrap_or_default();
            match field.kind {
                Kind::TsVector | Kind::ToMany { .. } => Json::Null,
                Kind::DateTime | Kind::Text => bind(field, &shown, None).unwrap_or_default(),
                kind if is_composite(kind) && !shown.is_null() => in_order(kind, &shown),
                _ => shown,
            }
        })
        .collect()
}

/// The parts of a composite in the order of the API; the caller's tree sorts them by name.
fn in_order(kind: Kind, shown: &Json) -> Json {
    let mut value = empty(kind);
    for (part, given) in shown.as_object().unwrap_or_default() {
        value.set(part.clone(), given.clone());
    }
    value
}
