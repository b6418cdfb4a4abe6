//! `POST /rest/{plural}/duplicates`: exact matches by the object's fixed criteria.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::core::Core;
use super::emit;
use super::error::Refusal;
use super::order;
use super::schema::Object;
use super::store::Row;
use super::values;
use crate::sim::json::{Json, Key};

/// Values shorter than this match nothing.
const SHORTEST: usize = 3;

/// One answer element per input, in order.
pub(crate) fn find(core: &Core, index: usize, body: &Json, depth: u8) -> Result<Json, Refusal> {
    let object = core.store.schema.objects().get(index).ok_or_else(Refusal::not_found)?;
    let found = hits(core, index, body)?;
    let answers = found.iter().map(|hits| answer(core, object, hits, depth)).collect();
    Ok(Json::object([("data", Json::Arr(answers))]))
}

/// The rows alike to each input, in the order of the inputs.
pub(crate) fn hits<'a>(core: &'a Core, index: usize, body: &Json) -> Result<Vec<Vec<&'a Row>>, Refusal> {
    let object = core.store.schema.objects().get(index).ok_or_else(Refusal::not_found)?;
    let inputs = match (body.get("data"), body.get("ids")) {
        (Some(_), Some(_)) => {
            return Err(Refusal::bad("You cannot provide both \"data\" and \"ids\" arguments"));
        }
        (None, None) => {
            return Err(Refusal::bad("You have to provide either \"data\" or \"ids\" argument"));
        }
        (Some(data), None) => by_data(object, data)?,
        (None, Some(ids)) => by_ids(core, index, ids),
    };
    Ok(inputs.iter().map(|(row, own)| alike(core, index, object, row, *own)).collect())
}

/// A row to compare with, and the id that is no duplicate of itself.
type Input = (Row, Option<Uuid>);

fn by_data(object: &Object, data: &Json) -> Result<Vec<Input>, Refusal> {
    let items = data.as_array().unwrap_or_default();
    if items.is_empty() {
        return Err(Refusal::bad("The \"data\" condition can not be empty when \"ids\" input not provided"));
    }
    items
        .iter()
        .map(|item| {
            let mut row = Row { id: Uuid::nil(), written: 0, cells: vec![Json::Null; object.fields.len()] };
            for (key, value) in item.as_object().unwrap_or_default() {
                let (column, field) =
                    object.column(key).ok_or_else(|| Refusal::unknown_field(object.singular, key))?;
                row.set(column, values::bind(field, value, None)?);
            }
            Ok((row, None))
        })
        .collect()
}

fn by_ids(core: &Core, index: usize, ids: &Json) -> Vec<Input> {
    let ids = ids.as_array().unwrap_or_default().iter().filter_map(Json::as_str);
    let rows =
        ids.filter_map(|text| Uuid::parse_str(text).ok()).filter_map(|id| core.store.table(index).get(id));
    rows.map(|row| (row.clone(), Some(row.id))).collect()
}

/// The values of one criterion, if every one of them is long enough to count.
fn signature(object: &Object, row: &Row, paths: &[&str]) -> Option<Vec<String>> {
    paths
        .iter()
        .map(|path| {
            let (head, part) = path.split_once('.').unwrap_or((path, ""));
            let (column, _) = object.column(head)?;
            let cell = row.cell(column);
            let text = if part.is_empty() { cell.as_str() } else { cell.get(part).and_then(Json::as_str) };
            text.filter(|text| text.chars().count() >= SHORTEST).map(str::to_owned)
        })
        .collect()
}

fn alike<'a>(core: &'a Core, index: usize, object: &Object, row: &Row, own: Option<Uuid>) -> Vec<&'a Row> {
    let wanted: BTreeMap<usize, Vec<String>> = object
        .duplicate_criteria
        .iter()
        .enumerate()
        .filter_map(|(at, paths)| signature(object, row, paths).map(|values| (at, values)))
        .collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let alike = |other: &&Row| {
        Some(other.id) != own
            && !other.is_deleted(object)
            && object.duplicate_criteria.iter().enumerate().any(|(at, paths)| {
                wanted.get(&at).is_some_and(|values| signature(object, other, paths).as_ref() == Some(values))
            })
    };
    core.store.table(index).rows().values().filter(alike).collect()
}

fn answer(core: &Core, object: &Object, hits: &[&Row], depth: u8) -> Json {
    let keys = order::bind(&core.store.schema, object, &[]).unwrap_or_default();
    let cursor =
        |row: Option<&&Row>| row.map_or(Json::Null, |row| Json::text(order::cursor(&core.store, &keys, row)));
    let records = hits.iter().map(|row| emit::record(&core.store, object, row, depth)).collect();
    Json::Obj(vec![
        (Key::Owned(format!("{}Duplicates", object.singular)), Json::Arr(records)),
        (Key::Borrowed("totalCount"), Json::int(i64::try_from(hits.len()).unwrap_or(i64::MAX))),
        (
            Key::Borrowed("pageInfo"),
            Json::object([
                ("hasNextPage", Json::Bool(false)),
                ("hasPreviousPage", Json::Bool(false)),
                ("startCursor", cursor(hits.first())),
                ("endCursor", cursor(hits.last())),
            ]),
        ),
    ])
}
