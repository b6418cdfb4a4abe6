//! What a gift is for and what brought it go together (domain 1.8): a source is one of the gift's appeal, a source fills in
//! a blank appeal, and a chosen appeal fills in a blank fund. A choice that somebody made is never overruled.

use serde_json::Value;
use uuid::Uuid;

use super::Refusal;
use crate::ground::edit::FieldEdit;
use crate::ground::id::{Object, SubjectKey};
use crate::ground::intake::FieldError;
use crate::ground::texts;
use crate::ground::workspace::ObjectSchema;
use crate::store::{Fail, View, parts};

const APPEAL: &str = "appealId";
const SOURCE: &str = "appealSourceId";
const FUND: &str = "fundId";

/// Adds to the changes of a gift what follows from them, or says why they do not go together.
pub(super) fn complete(
    view: &View<'_>,
    (schema, seen): (&ObjectSchema, &Value),
    fields: &mut Vec<FieldEdit>,
    errors: &mut Vec<FieldError>,
) -> Result<(), Fail<Refusal>> {
    let touches = |fields: &[FieldEdit], name: &str| fields.iter().any(|edit| edit.field == name);
    if (touches(fields, SOURCE) || touches(fields, APPEAL))
        && let Some(source) = after(seen, fields, SOURCE)
    {
        let appeal_of_source = other(view, Object::AppealSources, source, APPEAL)?;
        match (appeal_of_source, after(seen, fields, APPEAL)) {
            (Some(appeal), None) if !touches(fields, APPEAL) => {
                fields.extend(filled(schema, seen, APPEAL, appeal));
            }
            (theirs, ours) if theirs != ours => errors.push(FieldError {
                field: SOURCE.to_owned(),
                message: texts::SOURCE_OF_ANOTHER_APPEAL.to_owned(),
            }),
            _ => {}
        }
    }
    if touches(fields, APPEAL)
        && !touches(fields, FUND)
        && after(seen, fields, FUND).is_none()
        && let Some(appeal) = after(seen, fields, APPEAL)
        && let Some(fund) = other(view, Object::Appeals, appeal, "defaultFundId")?
    {
        fields.extend(filled(schema, seen, FUND, fund));
    }
    Ok(())
}

/// The id that a field holds after the changes.
fn after(seen: &Value, fields: &[FieldEdit], name: &str) -> Option<Uuid> {
    let changed = fields.iter().find(|edit| edit.field == name);
    let changed = changed.map(|edit| serde_json::from_str::<Value>(&edit.value).unwrap_or(Value::Null));
    changed.as_ref().unwrap_or_else(|| parts::part(seen, name)).as_str()?.parse().ok()
}

/// The id that a field of another record holds.
fn other(view: &View<'_>, object: Object, id: Uuid, name: &str) -> Result<Option<Uuid>, Fail<Refusal>> {
    let record = view.ledger().record_of(&SubjectKey::twenty(object, id))?;
    let record = record.and_then(|record| serde_json::from_str::<Value>(&record.value).ok());
    Ok(record.and_then(|record| parts::part(&record, name).as_str()?.parse().ok()))
}

/// The change that fills in a field, where the workspace has it.
fn filled(schema: &ObjectSchema, seen: &Value, name: &str, id: Uuid) -> Option<FieldEdit> {
    schema.fields.contains_key(name).then(|| FieldEdit {
        field: name.to_owned(),
        base: parts::part(seen, name).to_string(),
        value: Value::from(id.to_string()).to_string(),
    })
}
