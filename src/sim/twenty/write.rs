//! Creates, upserts and updates.

use std::sync::Arc;

use uuid::Uuid;

use super::composite::is_composite;
use super::core::Core;
use super::emit;
use super::error::Refusal;
use super::filter::Node;
use super::list::Selection;
use super::relation;
use super::schema::{Field, Kind, Object};
use super::store::{Row, Store, Table, unique_key};
use super::values;
use crate::sim::json::Json;

/// Most records of one batch.
const MAX_BATCH: usize = 200;
/// Most rows one update may touch.
const MAX_UPDATE: usize = 200;

/// Checks the shape of a batch: a list of up to 200 records.
pub(crate) fn batch(body: &Json) -> Result<&[Json], Refusal> {
    let records = match body {
        Json::Arr(records) => records.as_slice(),
        Json::Null => {
            return Err(Refusal::type_error("Cannot read properties of undefined (reading 'forEach')"));
        }
        _ => return Err(Refusal::type_error("args.data.forEach is not a function")),
    };
    if records.iter().any(Json::is_null) {
        return Err(Refusal::type_error("Cannot read properties of null (reading 'position')"));
    }
    if records.len() > MAX_BATCH {
        return Err(Refusal::bad(format!("Maximum number of records to upsert is {MAX_BATCH}.")));
    }
    Ok(records)
}

/// Creates records, all of them or none; with `upsert` those that match stored ones are updated
/// first. Answers the updated ids and the new ones.
pub(crate) fn create(
    core: &mut Core,
    index: usize,
    records: &[Json],
    upsert: bool,
) -> Result<(Vec<Uuid>, Vec<Uuid>), Refusal> {
    let schema = core.schema();
    let Some(object) = schema.objects().get(index) else { return Err(Refusal::not_found()) };
    let bound = records
        .iter()
        .map(|record| bind(&core.store, object, record, None))
        .collect::<Result<Vec<_>, _>>()?;
    let mut touched = Vec::with_capacity(bound.len());
    let mut fresh = Vec::new();
    for (record, values) in records.iter().zip(bound) {
        let matched = if upsert { matching(&core.store, index, object, &values)? } else { None };
        match matched {
            // Each update is its own statement: an insert that fails later does not undo it.
            Some(id) => {
                upsert_row(core, index, object, id, record)?;
                touched.push(id);
            }
            None => fresh.push(values),
        }
    }
    let fresh = insert(core, index, object, fresh)?;
    Ok((touched, fresh))
}

/// Values by column, as a request gives them.
type Values = Vec<(usize, Json)>;

/// Checks a body against the object, key by key in the order of the text.
fn bind(store: &Store, object: &Object, body: &Json, old: Option<&Row>) -> Result<Values, Refusal> {
    let mut values = Vec::new();
    for (key, value) in members(body)? {
        if let Some((column, field)) = object.field(&key)
            && matches!(field.kind, Kind::ToOne { .. })
        {
            if body.get(&field.column).is_some() {
                let name = field.name;
                return Err(Refusal::bad(format!("{name} and {name}Id cannot be both provided.")));
            }
            values.push((column, relation::resolve(store, field, value)?));
            continue;
        }
        let (column, field) =
            object.column(&key).ok_or_else(|| Refusal::unknown_field(object.singular, &key))?;
        if column == object.columns.id {
            values.push((column, Json::text(values::own_id(value)?.to_string())));
            continue;
        }
        if value.is_null() && !field.nullable && !field.system {
            check_null(object, field)?;
        }
        values.push((column, values::bind(field, value, old.map(|row| row.cell(column)))?));
    }
    Ok(values)
}

/// Refuses null where there must be a value; a default does not help, it is for what is left out.
fn check_null(object: &Object, field: &Field) -> Result<(), Refusal> {
    if is_composite(field.kind) {
        return Ok(());
    }
    let (name, table) = (&field.column, relation::table_name(object));
    if field.initial().is_null() {
        return Err(Refusal::bad(format!("Field {name} is not nullable and has no default value.")));
    }
    Err(Refusal::bad(format!(
        "null value in column \"{name}\" of relation \"{table}\" violates not-null constraint"
    )))
}

/// The members of a body; whatever else it is, it is read the way JavaScript would.
fn members(body: &Json) -> Result<Vec<(String, &Json)>, Refusal> {
    match body {
        Json::Obj(members) => Ok(members.iter().map(|(key, value)| (key.to_string(), value)).collect()),
        // An array is an object whose keys are its indexes.
        Json::Arr(items) => Ok(items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect()),
        Json::Str(text) => {
            Err(Refusal::type_error(format!("Cannot create property 'position' on string '{text}'")))
        }
        Json::Num(number) => {
            Err(Refusal::type_error(format!("Cannot create property 'position' on number '{number}'")))
        }
        Json::Bool(flag) => {
            Err(Refusal::type_error(format!("Cannot create property 'position' on boolean '{flag}'")))
        }
        Json::Null => Err(Refusal::type_error("Cannot read properties of undefined (reading 'position')")),
    }
}

/// The stored row an upsert means: by id, then by every unique field, rows in the bin included.
fn matching(store: &Store, index: usize, object: &Object, values: &Values) -> Result<Option<Uuid>, Refusal> {
    let table = store.table(index);
    let given = |column: usize| values.iter().find(|(at, _)| *at == column).map(|(_, value)| value);
    let own = given(object.columns.id).and_then(Json::as_str).and_then(|text| Uuid::parse_str(text).ok());
    let mut found: Vec<Uuid> = own.filter(|id| table.get(*id).is_some()).into_iter().collect();
    for column in table.unique_fields() {
        let key = given(column).and_then(|value| unique_key(object, column, value));
        if let Some(holder) = key.and_then(|key| table.holder(column, &key))
            && !found.contains(&holder)
        {
            found.push(holder);
        }
    }
    if found.len() > 1 {
        return Err(ambiguous(object, table, own, values));
    }
    Ok(found.first().copied())
}

/// The refusal of a record that matches several rows, with the values it matches by.
fn ambiguous(object: &Object, table: &Table, own: Option<Uuid>, values: &Values) -> Refusal {
    let mut named: Vec<String> = own.map(|id| format!("id: {id}")).into_iter().collect();
    for column in table.unique_fields() {
        let value = values.iter().find(|(at, _)| *at == column).map(|(_, value)| value);
        let Some((field, value)) = object.fields.get(column).zip(value) else { continue };
        let path = match field.kind {
            Kind::Emails => format!("{}.primaryEmail", field.name),
            Kind::Links => format!("{}.primaryLinkUrl", field.name),
            _ => field.name.to_owned(),
        };
        if let Some(key) = unique_key(object, column, value) {
            named.push(format!("{path}: {key}"));
        }
    }
    Refusal::bad(format!(
        "Multiple records found with the same unique field values for {}. Cannot determine which record to update.",
        named.join(", ")
    ))
}

/// Updates a matched row: it leaves the bin, keeps its id and its creator.
fn upsert_row(core: &mut Core, index: usize, object: &Object, id: Uuid, body: &Json) -> Result<(), Refusal> {
    let old = core.store.table(index).get(id).cloned().ok_or_else(Refusal::not_found)?;
    let mut values = bind(&core.store, object, body, Some(&old))?;
    values.retain(|(column, _)| *column != object.columns.id && *column != object.columns.created_by);
    let mut row = changed(core, object, &old, values);
    row.set(object.columns.deleted_at, Json::Null);
    store(core, index, object, vec![row])
}

/// Inserts rows in one statement.
fn insert(core: &mut Core, index: usize, object: &Object, batch: Vec<Values>) -> Result<Vec<Uuid>, Refusal> {
    let now = core.now();
    let first = core.store.table(index).first_position();
    let (mut placed, mut unplaced) = (Vec::new(), Vec::new());
    for (at, values) in batch.into_iter().enumerate() {
        let has_place =
            values.iter().any(|(column, value)| *column == object.columns.position && !value.is_null());
        let place = first.saturating_sub(i64::try_from(at).unwrap_or(0));
        let row = fresh_row(core, object, values, now, place);
        if has_place { placed.push(row) } else { unplaced.push(row) }
    }
    // Rows are regrouped by whether they brought a position, so the answer is not in request order.
    placed.append(&mut unplaced);
    let ids: Vec<Uuid> = placed.iter().map(|row| row.id).collect();
    let distinct: std::collections::BTreeSet<&Uuid> = ids.iter().collect();
    if let Some(taken) = ids.iter().find(|id| core.store.table(index).get(**id).is_some()) {
        return Err(Refusal::duplicate().against(*taken, object.singular));
    }
    if distinct.len() != ids.len() {
        return Err(Refusal::duplicate());
    }
    store(core, index, object, placed)?;
    Ok(ids)
}

fn fresh_row(core: &mut Core, object: &Object, values: Values, now: i64, place: i64) -> Row {
    let given = values.iter().find(|(column, _)| *column == object.columns.id);
    let own = given.and_then(|(_, value)| value.as_str()).and_then(|text| Uuid::parse_str(text).ok());
    let id = own.unwrap_or_else(|| core.ids.uuid());
    let mut row = Row { id, written: 0, cells: object.fields.iter().map(Field::initial).collect() };
    row.set(object.columns.created_at, Json::int(now));
    row.set(object.columns.updated_at, Json::int(now));
    row.set(object.columns.position, Json::int(place));
    row.set(object.columns.created_by, core.key_actor());
    for (column, value) in values {
        if column == object.columns.created_by {
            row.set(column, signed(core, &value));
        } else if column == object.columns.position {
            row.set(column, place_of(&value, place));
        } else if !(value.is_null() && system_stamp(object, column)) {
            row.set(column, value);
        }
    }
    row.set(object.columns.id, Json::text(id.to_string()));
    row.set(object.columns.updated_by, core.key_actor());
    row
}

fn system_stamp(object: &Object, column: usize) -> bool {
    column == object.columns.created_at || column == object.columns.updated_at
}

/// `"first"` and `"last"` and a missing position become numbers.
fn place_of(value: &Json, place: i64) -> Json {
    match value {
        Json::Num(_) => value.clone(),
        Json::Str(word) if word == "last" => Json::int(i64::from(u32::MAX)),
        _ => Json::int(place),
    }
}

/// A given `createdBy` keeps its source only; name and member are the key's.
fn signed(core: &Core, given: &Json) -> Json {
    let mut actor = core.key_actor();
    if let Some(source) = given.get("source").filter(|source| source.as_str().is_some()) {
        actor.set("source", source.clone());
    }
    actor
}

/// The row after a change by the API key.
fn changed(core: &Core, object: &Object, old: &Row, values: Values) -> Row {
    let mut row = old.clone();
    row.set(object.columns.updated_at, Json::int(core.now()));
    for (column, value) in values {
        let kept = value.is_null() && (system_stamp(object, column) || column == object.columns.position);
        let composite = object.fields.get(column).is_some_and(|field| is_composite(field.kind));
        let unchanged = kept || (composite && value.is_null());
        if !unchanged {
            row.set(column, value);
        }
    }
    row.set(object.columns.updated_by, core.key_actor());
    row
}

/// Stores rows in one statement: unique indexes first, then foreign keys, then all or nothing.
fn store(core: &mut Core, index: usize, object: &Object, rows: Vec<Row>) -> Result<(), Refusal> {
    let table = core.store.table(index);
    let mut keys = std::collections::BTreeSet::new();
    for row in &rows {
        let own = |column: usize| unique_key(object, column, row.cell(column)).map(|key| (column, key));
        let repeated = table.unique_fields().filter_map(own).any(|key| !keys.insert(key));
        let refusal = Refusal::duplicate();
        match table.conflict(object, row) {
            Some(holder) => return Err(refusal.against(holder, object.singular)),
            None if repeated => return Err(refusal),
            None => {}
        }
    }
    for row in &rows {
        relation::check(&core.store, object, row)?;
    }
    for row in rows {
        core.store.put(index, row);
    }
    Ok(())
}

/// Updates one row, in the bin or not.
pub(crate) fn update_one(core: &mut Core, index: usize, id: Uuid, body: &Json) -> Result<(), Refusal> {
    let schema = core.schema();
    let Some(object) = schema.objects().get(index) else { return Err(Refusal::not_found()) };
    let old = core.store.table(index).get(id).cloned();
    // The body is checked before the row is looked for.
    let values = bind(&core.store, object, body, old.as_ref())?;
    let old = old.ok_or_else(Refusal::not_found)?;
    let renames = values
        .iter()
        .any(|(column, value)| *column == object.columns.id && value.as_str() != Some(&id.to_string()));
    if renames {
        return Err(relation::referenced(object));
    }
    let row = changed(core, object, &old, values);
    store(core, index, object, vec![row])
}

/// Updates every row a filter selects with one body; without a filter that is every row.
pub(crate) fn update_many(
    core: &mut Core,
    index: usize,
    filter: Option<&Node>,
    body: &Json,
) -> Result<Vec<Uuid>, Refusal> {
    let schema = core.schema();
    let Some(object) = schema.objects().get(index) else { return Err(Refusal::not_found()) };
    bind(&core.store, object, body, None)?;
    let ids = selected(&core.store, index, object, filter)?;
    if ids.len() > MAX_UPDATE {
        return Err(Refusal::coded(
            "TOO_MANY_RECORDS_TO_UPDATE",
            format!("Cannot update more than {MAX_UPDATE} records at once"),
        ));
    }
    let mut rows = Vec::with_capacity(ids.len());
    for id in &ids {
        let Some(old) = core.store.table(index).get(*id).cloned() else { continue };
        let values = bind(&core.store, object, body, Some(&old))?;
        rows.push(changed(core, object, &old, values));
    }
    store(core, index, object, rows)?;
    Ok(ids)
}

/// The rows a filter selects for a change, the bin included, in the order they were written.
pub(crate) fn selected(
    store: &Store,
    index: usize,
    object: &Object,
    filter: Option<&Node>,
) -> Result<Vec<Uuid>, Refusal> {
    let selection = Selection::new(store, object, filter)?.with_deleted();
    let mut rows: Vec<&Row> = store.table(index).rows().values().filter(|row| selection.holds(row)).collect();
    rows.sort_by_key(|row| row.written);
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Rows as an answer shows them.
pub(crate) fn shown(core: &Core, index: usize, ids: &[Uuid], depth: u8) -> Vec<Json> {
    let schema = Arc::clone(&core.store.schema);
    let Some(object) = schema.objects().get(index) else { return Vec::new() };
    let table = core.store.table(index);
    ids.iter()
        .filter_map(|id| table.get(*id))
        .map(|row| emit::record(&core.store, object, row, depth))
        .collect()
}
