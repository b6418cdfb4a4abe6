//! Rows as replies show them: nulls normalised, composites complete, keys in table order.

use uuid::Uuid;

use super::schema::{Field, Kind, Object};
use super::search;
use super::store::{Row, Store};
use super::time::to_iso;
use crate::sim::json::Json;

/// Most children a one-to-many relation shows at depth 1.
const RELATION_CAP: usize = 60;

/// One record at depth 0 or 1.
pub(crate) fn record(store: &Store, object: &Object, row: &Row, depth: u8) -> Json {
    let mut members = Vec::with_capacity(object.fields.len());
    for (index, field) in object.fields.iter().enumerate() {
        if field.removed || !field.active || matches!(field.kind, Kind::ToMany { .. }) {
            continue;
        }
        members.push((field.column.clone(), cell(object, field, row, index)));
    }
    let mut record = Json::Obj(members);
    if depth > 0 {
        let mut relations: Vec<(usize, &Field)> = object.shown_fields().collect();
        relations.sort_by_key(|(_, field)| arrival(field));
        for (index, field) in relations {
            if let Some(value) = relation(store, row, field, index) {
                record.set(field.name, value);
            }
        }
    }
    record
}

/// The real server adds relations as its queries come back: parents first, the links of every object
/// last, the timeline at the very end.
fn arrival(field: &Field) -> usize {
    const LAST: [&str; 4] = ["noteTargets", "attachments", "taskTargets", "timelineActivities"];
    match field.kind {
        Kind::ToOne { .. } => 0,
        _ => LAST.iter().position(|name| *name == field.name).map_or(1, |at| at + 2),
    }
}

fn relation(store: &Store, row: &Row, field: &Field, index: usize) -> Option<Json> {
    match field.kind {
        Kind::ToOne { target, .. } => Some(parent(store, target, row.cell(index))),
        Kind::ToMany { source, via } => Some(children(store, source, via, row.id)),
        _ => None,
    }
}

/// The record a relation points to; one in the bin shows as null.
fn parent(store: &Store, target: &str, reference: &Json) -> Json {
    let found = reference.as_str().and_then(|text| Uuid::parse_str(text).ok()).and_then(|id| {
        let (index, object) = store.schema.by_plural(target)?;
        let row = store.table(index).get(id).filter(|row| !row.is_deleted(object))?;
        Some(record(store, object, row, 0))
    });
    found.unwrap_or_default()
}

/// The records that point here.
fn children(store: &Store, source: &str, via: &str, id: Uuid) -> Json {
    let Some((_, object)) = store.schema.by_plural(source) else { return Json::Arr(Vec::new()) };
    let rows = pointing(store, source, via, id).into_iter();
    Json::Arr(rows.map(|row| record(store, object, row, 0)).collect())
}

/// The first rows whose relation points to a record, those in the bin left out.
pub(crate) fn pointing<'a>(store: &'a Store, source: &str, via: &str, id: Uuid) -> Vec<&'a Row> {
    let wanted = Json::text(id.to_string());
    let found = store.schema.by_plural(source).and_then(|(index, object)| {
        let (column, _) = object.field(via)?;
        let rows = store.table(index).rows().values();
        let pointing = rows.filter(|row| row.cell(column) == &wanted && !row.is_deleted(object));
        let mut pointing: Vec<&Row> = pointing.collect();
        // Nobody sorts these: they come as they lie in the table.
        pointing.sort_by_key(|row| row.written);
        pointing.truncate(RELATION_CAP);
        Some(pointing)
    });
    found.unwrap_or_default()
}

/// One value as the API shows it.
pub(crate) fn cell(object: &Object, field: &Field, row: &Row, index: usize) -> Json {
    let value = row.cell(index);
    match field.kind {
        Kind::DateTime => value.as_i64().map_or(Json::Null, |micros| Json::text(to_iso(micros))),
        Kind::TsVector => Json::text(search::vector(object, row)),
        Kind::Text if value.is_null() => Json::text(""),
        Kind::Array | Kind::MultiSelect(_) if value.is_null() => Json::Arr(Vec::new()),
        kind if value.is_null() => empty(kind),
        _ => value.clone(),
    }
}

/// What an absent composite shows.
pub(crate) fn empty(kind: Kind) -> Json {
    let blank = || Json::text("");
    match kind {
        Kind::FullName => Json::object([("firstName", blank()), ("lastName", blank())]),
        Kind::Emails => {
            Json::object([("primaryEmail", blank()), ("additionalEmails", Json::Arr(Vec::new()))])
        }
        Kind::Phones => Json::object([
            ("primaryPhoneNumber", blank()),
            ("primaryPhoneCountryCode", blank()),
            ("primaryPhoneCallingCode", blank()),
            ("additionalPhones", Json::Arr(Vec::new())),
        ]),
        Kind::Links => Json::object([
            ("primaryLinkLabel", blank()),
            ("primaryLinkUrl", blank()),
            ("secondaryLinks", Json::Arr(Vec::new())),
        ]),
        Kind::Address => Json::object([
            ("addressStreet1", blank()),
            ("addressStreet2", blank()),
            ("addressCity", blank()),
            ("addressPostcode", blank()),
            ("addressState", blank()),
            ("addressCountry", blank()),
            ("addressLat", Json::Null),
            ("addressLng", Json::Null),
        ]),
        Kind::Currency => Json::object([("amountMicros", Json::Null), ("currencyCode", Json::Null)]),
        Kind::Actor => Json::object([
            ("source", Json::text("MANUAL")),
            ("workspaceMemberId", Json::Null),
            ("name", Json::text("System")),
            ("context", Json::Null),
        ]),
        Kind::RichText => Json::object([("blocknote", blank()), ("markdown", blank())]),
        _ => Json::Null,
    }
}
