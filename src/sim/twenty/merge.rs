//! Merging records: one is kept and filled from the others, which are destroyed.
//!
//! Children by plain relations move along; those by morph relations (notes, tasks, attachments, the
//! timeline) fall with the losers on servers before the fix.

use uuid::Uuid;

use super::core::Core;
use super::emit;
use super::error::Refusal;
use super::events;
use super::ops;
use super::schema::{Kind, Object};
use super::store::Row;
use super::time::to_iso;
use super::values::parse_uuid;
use super::version::Version;
use crate::sim::json::Json;

/// Most records of one merge.
const MOST: usize = 9;

/// Merges and answers the record that is left, or in a dry run the one that would be.
pub(crate) fn merge(core: &mut Core, index: usize, body: &Json, depth: u8) -> Result<Json, Refusal> {
    let schema = core.schema();
    let object = schema.objects().get(index).ok_or_else(Refusal::not_found)?;
    let ids = read(object, body)?;
    let keep = priority(body, ids.len())?;
    let rows = events::rows(core, index, &ids);
    let live: Vec<Row> = rows.into_iter().filter(|row| !row.is_deleted(object)).collect();
    let Some(kept) = ids.get(keep).and_then(|id| live.iter().find(|row| row.id == *id)) else {
        return Err(Refusal::not_found());
    };
    if live.len() != ids.len() {
        return Err(Refusal::not_found());
    }
    let mut merged = combined(object, &live, kept);
    if body.get("dryRun") == Some(&Json::Bool(true)) {
        let mut record = emit::record(&core.store, object, &merged, depth);
        record.set("id", Json::text(core.ids.uuid().to_string()));
        record.set("deletedAt", Json::text(to_iso(core.now())));
        return Ok(record);
    }
    let losers: Vec<Row> = live.iter().filter(|row| row.id != kept.id).cloned().collect();
    for loser in &losers {
        move_children(core, object, loser.id, kept.id);
    }
    ops::destroy(core, index, &losers);
    merged.set(object.columns.updated_at, Json::int(core.now()));
    let id = merged.id;
    core.store.put(index, merged);
    let row = core.store.table(index).get(id).ok_or_else(Refusal::not_found)?;
    Ok(emit::record(&core.store, object, row, depth))
}

/// The ids of a request that may be merged.
fn read(object: &Object, body: &Json) -> Result<Vec<Uuid>, Refusal> {
    if object.duplicate_criteria.is_empty() {
        return Err(Refusal::bad(format!(
            "Merge is only available for objects with duplicate criteria. Object '{}' does not have duplicate criteria defined.",
            object.singular
        )));
    }
    let ids = body.get("ids").and_then(Json::as_array).unwrap_or_default();
    if ids.len() < 2 {
        return Err(Refusal::bad("At least 2 record IDs are required for merge"));
    }
    if ids.len() > MOST {
        return Err(Refusal::bad(format!("Maximum {MOST} records can be merged at once")));
    }
    ids.iter().map(|id| id.as_str().and_then(parse_uuid).ok_or_else(Refusal::not_found)).collect()
}

/// Which of the records is kept.
fn priority(body: &Json, count: usize) -> Result<usize, Refusal> {
    let given = body.get("conflictPriorityIndex").and_then(Json::as_i64).unwrap_or(0);
    usize::try_from(given).ok().filter(|index| *index < count).ok_or_else(|| {
        Refusal::bad(format!(
            "Invalid conflict priority '{given}'. Valid options for {count} records: 0-{}",
            count - 1
        ))
    })
}

/// The kept record, its empty fields filled and its lists united; system fields stay as they are.
fn combined(object: &Object, rows: &[Row], kept: &Row) -> Row {
    let mut merged = kept.clone();
    for (column, field) in object.live_fields().filter(|(_, field)| !field.system) {
        // The kept record's values come first, the others in the order of the request.
        let first = std::iter::once(kept.cell(column));
        let others = rows.iter().filter(|row| row.id != kept.id).map(|row| row.cell(column));
        let values: Vec<&Json> = first.chain(others).filter(|value| is_filled(field.kind, value)).collect();
        let value = match (field.kind, values.as_slice()) {
            (_, []) => continue,
            (_, [only]) => (*only).clone(),
            (Kind::Emails, all) => united(all, "primaryEmail", "additionalEmails"),
            (Kind::Phones, all) => united_phones(all),
            (Kind::Links, all) => united_links(all),
            (Kind::Array | Kind::MultiSelect(_), all) => distinct(all.iter().flat_map(|list| elements(list))),
            (_, [first, ..]) => (*first).clone(),
        };
        merged.set(column, value);
    }
    merged
}

/// A value that counts when another one is there too.
fn is_filled(kind: Kind, value: &Json) -> bool {
    let part = |name: &str| value.get(name).and_then(Json::as_str).is_some_and(|text| !text.is_empty());
    match kind {
        Kind::Emails => {
            part("primaryEmail") || !elements(value.get("additionalEmails").unwrap_or(value)).is_empty()
        }
        Kind::Phones => part("primaryPhoneNumber"),
        Kind::Links => part("primaryLinkUrl"),
        Kind::FullName => part("firstName") || part("lastName"),
        Kind::Currency => value.get("amountMicros").is_some_and(|amount| !amount.is_null()),
        _ => !value.is_null() && value.as_str() != Some(""),
    }
}

fn elements(value: &Json) -> Vec<Json> {
    value.as_array().unwrap_or_default().to_vec()
}

fn distinct(items: impl Iterator<Item = Json>) -> Json {
    Json::Arr(items.fold(Vec::new(), |mut kept, item| {
        if !kept.contains(&item) {
            kept.push(item);
        }
        kept
    }))
}

/// The first primary value, all others behind it.
fn united(all: &[&Json], primary: &'static str, rest: &'static str) -> Json {
    let named = |value: &Json| value.get(primary).filter(|text| text.as_str() != Some("")).cloned();
    let first = all.iter().find_map(|value| named(value)).unwrap_or_else(|| Json::text(""));
    let others = all.iter().flat_map(|value| {
        let more = value.get(rest).map(elements).unwrap_or_default();
        named(value).into_iter().chain(more)
    });
    let others = distinct(others.filter(|other| *other != first));
    Json::object([(primary, first), (rest, others)])
}

fn united_phones(all: &[&Json]) -> Json {
    let Some(first) = all.first() else { return Json::Null };
    let mut merged = (*first).clone();
    let part = |value: &Json, name: &str| value.get(name).cloned().unwrap_or_default();
    let as_additional = |value: &Json| {
        Json::object([
            ("number", part(value, "primaryPhoneNumber")),
            ("countryCode", part(value, "primaryPhoneCountryCode")),
            ("callingCode", part(value, "primaryPhoneCallingCode")),
        ])
    };
    let own = as_additional(first);
    let others = all.iter().flat_map(|value| {
        let more = value.get("additionalPhones").map(elements).unwrap_or_default();
        std::iter::once(as_additional(value)).chain(more)
    });
    merged.set("additionalPhones", distinct(others.filter(|other| *other != own)));
    merged
}

fn united_links(all: &[&Json]) -> Json {
    let Some(first) = all.first() else { return Json::Null };
    let mut merged = (*first).clone();
    let part = |value: &Json, name: &str| value.get(name).cloned().unwrap_or_default();
    let as_secondary = |value: &Json| {
        Json::object([("url", part(value, "primaryLinkUrl")), ("label", part(value, "primaryLinkLabel"))])
    };
    let own = part(first, "primaryLinkUrl");
    let others = all.iter().flat_map(|value| {
        let more = value.get("secondaryLinks").map(elements).unwrap_or_default();
        std::iter::once(as_secondary(value)).chain(more)
    });
    merged.set("secondaryLinks", distinct(others.filter(|other| other.get("url") != Some(&own))));
    merged
}

/// Points the children of one record to another.
fn move_children(core: &mut Core, object: &Object, from: Uuid, to: Uuid) {
    let schema = core.schema();
    let (from, to) = (Json::text(from.to_string()), Json::text(to.to_string()));
    let with_morphs = core.version == Version::Newer;
    for (table, pointing) in schema.live() {
        for (column, field) in pointing.live_fields() {
            let moves = matches!(field.kind, Kind::ToOne { target, morph, .. }
                if target == object.plural && (with_morphs || !morph));
            if !moves {
                continue;
            }
            let rows = core.store.table(table).rows().values();
            let hit: Vec<Row> = rows.filter(|row| row.cell(column) == &from).cloned().collect();
            for mut row in hit {
                row.set(column, to.clone());
                row.set(pointing.columns.updated_at, Json::int(core.now()));
                core.store.put(table, row);
            }
        }
    }
}
