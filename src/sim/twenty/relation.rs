//! Relations on the way in: connecting by a unique value, and the foreign keys behind it all.

use uuid::Uuid;

use super::composite::is_composite;
use super::error::Refusal;
use super::schema::{Field, Kind, Object, capitalised};
use super::store::{Row, Store, unique_key};
use super::values;
use crate::sim::digest;
use crate::sim::json::Json;

/// The join value for `{"connect": …}` or `{"disconnect": true}`; nothing else is accepted there.
pub(crate) fn resolve(store: &Store, field: &Field, value: &Json) -> Result<Json, Refusal> {
    let refusal =
        || Refusal::bad(format!("Relation \"{}\" requires connect or disconnect operation", field.name));
    let Kind::ToOne { target, .. } = field.kind else {
        return Err(Refusal::bad(format!(
            "One-to-many relation {} field does not support write operations.",
            field.name
        )));
    };
    if value.get("disconnect") == Some(&Json::Bool(true)) {
        return match value.get("connect") {
            Some(_) => Err(Refusal::bad(format!(
                "Cannot have both connect and disconnect for the same field on {}.",
                field.name
            ))),
            None => Ok(Json::Null),
        };
    }
    let wanted = value.get("connect").and_then(|connect| connect.get("where")).ok_or_else(refusal)?;
    let Some((index, object)) = store.schema.by_plural(target) else { return Err(refusal()) };
    let found = find(store, index, object, (field.name, wanted))?;
    found.map(|id| Json::text(id.to_string())).ok_or_else(|| {
        Refusal::bad(format!(
            "Expected 1 record to connect to {}, but found 0 for {}",
            field.name,
            conditions(wanted).join(" and ")
        ))
    })
}

/// The conditions of a connection in words, by database column.
fn conditions(wanted: &Json) -> Vec<String> {
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_text(), str::to_owned);
    let members = wanted.as_object().unwrap_or_default().iter();
    members
        .flat_map(|(key, value)| match value.as_object() {
            Some(parts) => parts
                .iter()
                .map(|(part, value)| format!("{key}{} = {}", capitalised(part), text(value)))
                .collect(),
            None => vec![format!("{key} = {}", text(value))],
        })
        .collect()
}

fn find(
    store: &Store,
    index: usize,
    object: &Object,
    (relation, wanted): (&str, &Json),
) -> Result<Option<Uuid>, Refusal> {
    let table = store.table(index);
    for (key, value) in wanted.as_object().unwrap_or_default() {
        let column =
            object.column(key).filter(|(column, field)| *column == object.columns.id || field.unique);
        let Some((column, field)) = column else { continue };
        if column == object.columns.id {
            let id = values::own_id(value)?;
            return Ok(table.get(id).map(|row| row.id));
        }
        let bound = if is_composite(field.kind) { values::bind(field, value, None)? } else { value.clone() };
        if let Some(key) = unique_key(object, column, &bound) {
            return Ok(table.holder(column, &key));
        }
    }
    Err(Refusal::bad(format!(
        "Missing required fields: at least one unique constraint have to be fully populated for '{relation}'."
    )))
}

/// Refuses a row that points to nothing. Objects the simulator does not hold are not checked.
pub(crate) fn check(store: &Store, object: &Object, row: &Row) -> Result<(), Refusal> {
    for (column, field) in object.fields.iter().enumerate() {
        let Kind::ToOne { target, .. } = field.kind else { continue };
        let Some(id) = row.cell(column).as_str().and_then(|text| Uuid::parse_str(text).ok()) else {
            continue;
        };
        if store.schema.by_plural(target).is_some() && !store.exists(target, id) {
            let constraint = constraint(&table_name(object), &field.column);
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
    let constraint =
        constraint("timelineActivity", &format!("{}Id", super::standard::arm_of(object.singular)));
    Refusal::bad(format!(
        "update or delete on table \"{}\" violates foreign key constraint \"{constraint}\" on table \"timelineActivity\"",
        table_name(object)
    ))
}

/// Tables of custom objects begin with an underscore.
pub(crate) fn table_name(object: &Object) -> String {
    if object.custom { format!("_{}", object.singular) } else { object.singular.to_owned() }
}

/// The name the server gives a foreign key: `FK_` and 27 digits of the SHA-1 of table and column.
fn constraint(table: &str, column: &str) -> String {
    let digits = digest::hex(&digest::sha1(format!("{table}_{column}").as_bytes()));
    format!("FK_{}", digits.get(..27).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::constraint;

    #[test]
    fn constraints_are_called_as_the_server_calls_them() {
        assert_eq!(constraint("timelineActivity", "targetPersonId"), "FK_875809b410c253073b5aa812c9a");
    }
}
