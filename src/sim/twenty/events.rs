//! What a write tells the rest of the server: the webhooks, and the timeline of the record.
//!
//! The rules have holes, and the holes are kept: no event for what only moved `updatedAt`, one for a
//! bulk destroy, none for what the database does by itself.

use uuid::Uuid;

use super::core::Core;
use super::emit;
use super::hooks;
use super::schema::{Kind, Object, capitalised};
use super::store::Row;
use crate::sim::json::{Json, Key};

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// It came.
    Created,
    /// A value changed.
    Updated,
    /// It went into the bin.
    Deleted,
    /// It came out of the bin.
    Restored,
    /// It is gone.
    Destroyed,
}

impl Verb {
    fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
            Self::Destroyed => "destroyed",
        }
    }
}

/// One change of one record.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The record before, unless it came.
    pub(crate) before: Option<Row>,
    /// The record after, unless it is gone.
    pub(crate) after: Option<Row>,
}

/// One event as a webhook tells it.
pub(crate) struct Told {
    /// The record, after the change unless it is gone.
    pub(crate) record: Json,
    /// Names of the changed fields, where the event has them.
    pub(crate) updated: Option<Vec<Json>>,
}

/// Tells of changes of one kind to records of one object.
pub(crate) fn tell(core: &mut Core, index: usize, verb: Verb, changes: &[Change]) {
    let schema = core.schema();
    let Some(object) = schema.objects().get(index) else { return };
    let mut told = Vec::new();
    for change in changes {
        let Some(row) = change.after.as_ref().or(change.before.as_ref()) else { continue };
        let updated = match verb {
            Verb::Created | Verb::Destroyed => None,
            Verb::Updated => {
                let names = updated_fields(object, change);
                let telling = |name: &Json| name.as_str() != Some("updatedBy");
                if !names.iter().any(telling) {
                    continue;
                }
                Some(names)
            }
            Verb::Deleted | Verb::Restored => Some(vec![Json::text("deletedAt")]),
        };
        let record = emit::record(&core.store, object, row, 0);
        remember(core, object, verb, change);
        told.push(Told { record, updated });
    }
    if !told.is_empty() && object.singular != "timelineActivity" {
        let name = format!("{}.{}", object.singular, verb.word());
        hooks::call(core, &name, object, &told);
    }
}

/// Names of the fields that differ; a relation is named with and without its `Id`.
fn updated_fields(object: &Object, change: &Change) -> Vec<Json> {
    let (Some(before), Some(after)) = (&change.before, &change.after) else { return Vec::new() };
    let mut names = Vec::new();
    for (index, field) in object.shown_fields() {
        let silent = index == object.columns.updated_at || matches!(field.kind, Kind::TsVector);
        if silent || before.cell(index) == after.cell(index) {
            continue;
        }
        names.push(Json::text(field.name));
        if matches!(field.kind, Kind::ToOne { .. }) {
            names.push(Json::text(field.column.to_string()));
        }
    }
    names
}

/// Writes the change into the timeline of the record, if the object has one.
fn remember(core: &mut Core, object: &Object, verb: Verb, change: &Change) {
    let schema = core.schema();
    let Some((table, timeline)) = schema.by_plural("timelineActivities") else { return };
    let arm = format!("target{}Id", capitalised(object.singular));
    let (Some((target, _)), Some(row)) = (timeline.column(&arm), &change.after) else { return };
    let now = core.now();
    let id = core.ids_of_timeline.uuid();
    let mut entry = Row { id, written: 0, cells: timeline.fields.iter().map(|_| Json::Null).collect() };
    let mut set = |column: &str, value: Json| {
        if let Some((at, _)) = timeline.column(column) {
            entry.set(at, value);
        }
    };
    set("id", Json::text(id.to_string()));
    for column in ["createdAt", "updatedAt", "happensAt"] {
        set(column, Json::int(now));
    }
    set("position", Json::int(0));
    set("name", Json::text(format!("{}.{}", object.singular, verb.word())));
    set("properties", difference(object, change));
    if let Some((_, member)) = core.author {
        set("workspaceMemberId", Json::text(member.to_string()));
    }
    entry.set(target, Json::text(row.id.to_string()));
    core.store.put(table, entry);
}

/// What the timeline keeps of an update: the values before and after; nothing for the rest.
fn difference(object: &Object, change: &Change) -> Json {
    let (Some(before), Some(after)) = (&change.before, &change.after) else { return Json::Obj(Vec::new()) };
    let differing = object.shown_fields().filter(|(index, field)| {
        *index != object.columns.updated_at
            && *index != object.columns.updated_by
            && !matches!(field.kind, Kind::TsVector)
            && before.cell(*index) != after.cell(*index)
    });
    let members: Vec<(Key, Json)> = differing
        .map(|(index, field)| {
            let pair = Json::object([
                ("after", emit::cell(object, field, after, index)),
                ("before", emit::cell(object, field, before, index)),
            ]);
            (field.column.clone(), pair)
        })
        .collect();
    if members.is_empty() {
        return Json::Obj(Vec::new());
    }
    Json::object([("diff", Json::Obj(members).into_jsonb())])
}

/// The rows of these ids as they are now.
pub(crate) fn rows(core: &Core, index: usize, ids: &[Uuid]) -> Vec<Row> {
    ids.iter().filter_map(|id| core.store.table(index).get(*id).cloned()).collect()
}
