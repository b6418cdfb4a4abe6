//! Soft delete, destroy and restore.

use uuid::Uuid;

use super::core::Core;
use super::error::Refusal;
use super::filter::Node;
use super::schema::Object;
use super::write::selected;
use crate::sim::json::Json;

/// Puts a row into the bin; deleting again moves the time. Link rows of a note or task follow it.
pub(crate) fn soft_delete(core: &mut Core, index: usize, ids: &[Uuid]) {
    bin(core, index, ids, true);
}

/// Takes rows out of the bin.
pub(crate) fn restore(core: &mut Core, index: usize, ids: &[Uuid]) {
    bin(core, index, ids, false);
}

fn bin(core: &mut Core, index: usize, ids: &[Uuid], deleted: bool) {
    let schema = core.schema();
    let Some(object) = schema.objects().get(index) else { return };
    let now = Json::int(core.now());
    for id in ids {
        let Some(mut row) = core.store.table(index).get(*id).cloned() else { continue };
        row.set(object.columns.deleted_at, if deleted { now.clone() } else { Json::Null });
        row.set(object.columns.updated_at, now.clone());
        core.store.put(index, row);
    }
    if let Some((links, column)) = links_of(core, object) {
        let wanted: Vec<Json> = ids.iter().map(|id| Json::text(id.to_string())).collect();
        let rows = core.store.table(links).rows().values();
        let following: Vec<Uuid> =
            rows.filter(|row| wanted.contains(row.cell(column))).map(|row| row.id).collect();
        if !following.is_empty() {
            bin(core, links, &following, deleted);
        }
    }
}

/// The link table that follows a note or a task, and its join column.
fn links_of(core: &Core, object: &Object) -> Option<(usize, usize)> {
    let (links, relation) = match object.singular {
        "note" => ("noteTargets", "note"),
        "task" => ("taskTargets", "task"),
        _ => return None,
    };
    let (index, links) = core.store.schema.by_plural(links)?;
    links.field(relation).map(|(column, _)| (index, column))
}

/// Removes rows for good.
pub(crate) fn destroy(core: &mut Core, index: usize, ids: &[Uuid]) {
    for id in ids {
        core.store.destroy(index, *id);
    }
}

/// The rows of a bulk removal; unlike an update it wants a filter.
pub(crate) fn bulk(
    core: &Core,
    index: usize,
    filter: Option<&Node>,
    soft: bool,
) -> Result<Vec<Uuid>, Refusal> {
    let verb = if soft { "delete" } else { "destroy" };
    if filter.is_none() {
        return Err(Refusal::bad(format!(
            "Filters are mandatory for bulk {verb} operations. Please provide at least one filter to prevent accidental deletion of all records."
        )));
    }
    rows(core, index, filter)
}

/// The rows of a restore; without a filter that is every row.
pub(crate) fn rows(core: &Core, index: usize, filter: Option<&Node>) -> Result<Vec<Uuid>, Refusal> {
    let object = core.store.schema.objects().get(index).ok_or_else(Refusal::not_found)?;
    selected(&core.store, index, object, filter)
}
