//! Relations on the way in: connecting by a unique value, and the foreign keys behind it all.

use uuid::Uuid;

use super::composite::is_composite;
use super::error::Refusal;
use super::schema::{Field, Kind, Object};
use super::store::{Row, Store, unique_key};
use super::values;
use crate::sim::json::Json;

/// The join value for `{"connect": …}` or `{"disconnect": true}`; nothing else is accepted there.
pub(crate) fn resolve(store: &Store, field: &Field, value: &Json) -> Result<Json, Refusal> {
    let refusal =
        || Refusal::bad(format!("Relation \"{}\" requires connect or disconnect operation", field.name));
    if value.is_null() || value.get("disconnect") == Some(&Json::Bool(true)) {
        return Ok(Json::Null);
    }
    let Kind::ToOne { target, .. } = field.kind else { return Err(refusal()) };
    let wanted = value.get("connect").and_then(|connect| connect.get("where")).ok_or_else(refusal)?;
    let Some((index, object)) = store.schema.by_plural(target) else { return Err(refusal()) };
    let found = find(store, index, object, wanted)?;
    found.map(|id| Json::text(id.to_string())).ok_or_else(|| {
        Refusal::bad(format!(
            "Expected 1 record to connect to {}, but found 0 for {}",
            field.name,
            wanted.to_text()
        ))
    })
}

fn find(store: &Store, index: usize, object: &Object, wanted: &Json) -> Result<Option<Uuid>, Refusal> {
    let table = store.table(index);
    for (key, value) in wanted.as_object().unwrap_or_default() {
        let (column, field) =
            object.column(key).ok_or_else(|| Refusal::unknown_field(object.singular, key))?;
        if column == object.columns.id {
            let id = values::own_id(value)?;
            return Ok(table.get(id).map(|row| row.id));
        }
        let bound = if is_composite(field.kind) { values::bind(field, value, None)? } else { value.clone() };
        if let Some(key) = unique_key(object, column, &bound) {
            return Ok(table.holder(column, &key));
        }
    }
    Ok(None)
}

/// Refuses a row that points to nothing. Objects the simulator does not hold are not checked.
pub(crate) fn check(store: &Store, object: &Object, row: &Row) -> Result<(), Refusal> {
    for (column, field) in object.fields.iter().enumerate() {
        let Kind::ToOne { target, .. } = field.kind else { continue };
        let Some(id) = row.cell(column).as_str().and_then(|text| Uuid::parse_str(text).ok()) else {
            continue;
        };
        if store.schema.by_plural(target).is_some() && !store.exists(target, id) {
            let constraint = constraint(object.singular, &field.column);
            return Err(Refusal::bad(format!(
                "insert or update on table \"{}\" violates foreign key constraint \"{constraint}\"",
                table_name(object)
            )));
        }
    }
    Ok(())
}

/// The refusal of a new id: the timeline of the row points to the old one.
pub(crate) fn referenced(object: &Object) -> Refusal {
    let constraint = constraint("timelineActivity", object.singular);
    Refusal::bad(format!(
        "update or delete on table \"{}\" violates foreign key constraint \"{constraint}\" on table \"timelineActivity\"",
        table_name(object)
    ))
}

/// Tables of custom objects begin with an underscore.
fn table_name(object: &Object) -> String {
    if object.custom { format!("_{}", object.singular) } else { object.singular.to_owned() }
}

/// A name of the shape the server gives its constraints: `FK_` and 27 hexadecimal digits that
/// depend on table and column. (The real digits are a SHA-1; nobody may rely on them.)
fn constraint(table: &str, column: &str) -> String {
    let name = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{table}_{column}").as_bytes());
    let digits = name.simple().to_string();
    format!("FK_{}", digits.get(..27).unwrap_or_default())
}
