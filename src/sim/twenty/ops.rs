//! The operations on records, each with the events it causes; REST, GraphQL and other people's
//! hands all come through here.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::core::Core;
use super::error::Refusal;
use super::events::{self, Change, Verb};
use super::filter::Node;
use super::list::Selection;
use super::store::Row;
use super::version::Version;
use super::{remove, write};
use crate::sim::json::Json;

/// Refuses what only the settings of the user interface may do to members of the workspace.
fn guard(core: &Core, index: usize, delete: bool) -> Result<(), Refusal> {
    let member =
        core.store.schema.objects().get(index).is_some_and(|object| object.singular == "workspaceMember");
    match (member, delete) {
        (false, _) => Ok(()),
        (true, true) => {
            Err(Refusal::bad("Please use /deleteUserFromWorkspace to remove a workspace member."))
        }
        (true, false) => {
            Err(Refusal::coded("PERMISSION_DENIED", "Entity performing the request does not have permission"))
        }
    }
}

/// Creates records; with `upsert` those that match stored ones are updated instead.
///
/// An update by upsert tells nobody: the recorded server sent no webhook for it.
pub(crate) fn create(
    core: &mut Core,
    index: usize,
    records: &[Json],
    upsert: bool,
) -> Result<Vec<Uuid>, Refusal> {
    guard(core, index, false)?;
    let (mut ids, fresh) = write::create(core, index, records, upsert)?;
    let changes: Vec<Change> = events::rows(core, index, &fresh)
        .into_iter()
        .map(|row| Change { before: None, after: Some(row) })
        .collect();
    events::tell(core, index, Verb::Created, &changes);
    ids.extend(fresh);
    Ok(ids)
}

/// The versions before, by id.
fn before(core: &Core, index: usize, ids: &[Uuid]) -> BTreeMap<Uuid, Row> {
    events::rows(core, index, ids).into_iter().map(|row| (row.id, row)).collect()
}

/// Tells of rows that were changed in place.
fn tell(core: &mut Core, index: usize, verb: Verb, mut before: BTreeMap<Uuid, Row>, ids: &[Uuid]) {
    let pair = |row: Row| Change { before: before.remove(&row.id), after: Some(row) };
    let changes: Vec<Change> = events::rows(core, index, ids).into_iter().map(pair).collect();
    events::tell(core, index, verb, &changes);
}

/// Updates one record.
pub(crate) fn update_one(core: &mut Core, index: usize, id: Uuid, body: &Json) -> Result<(), Refusal> {
    let old = before(core, index, &[id]);
    write::update_one(core, index, id, body)?;
    tell(core, index, Verb::Updated, old, &[id]);
    Ok(())
}

/// Updates all records of a filter; only those that still match afterwards are told of.
pub(crate) fn update_many(
    core: &mut Core,
    index: usize,
    filter: Option<&Node>,
    body: &Json,
) -> Result<Vec<Uuid>, Refusal> {
    let ids = remove::rows(core, index, filter)?;
    let old = before(core, index, &ids);
    let ids = write::update_many(core, index, filter, body)?;
    let still = match core.version {
        Version::Newer => ids.clone(),
        _ => still_matching(core, index, filter, &ids)?,
    };
    tell(core, index, Verb::Updated, old, &still);
    Ok(ids)
}

/// The rows that match the filter after the change as they did before.
fn still_matching(
    core: &Core,
    index: usize,
    filter: Option<&Node>,
    ids: &[Uuid],
) -> Result<Vec<Uuid>, Refusal> {
    let schema = core.schema();
    let object = schema.objects().get(index).ok_or_else(Refusal::not_found)?;
    let selection = Selection::new(&core.store, object, filter)?.with_deleted();
    let table = core.store.table(index);
    Ok(ids.iter().copied().filter(|id| table.get(*id).is_some_and(|row| selection.holds(row))).collect())
}

/// Puts one record into the bin; one that is there already gets a new time.
pub(crate) fn soft_delete_one(core: &mut Core, index: usize, id: Uuid) -> Result<(), Refusal> {
    guard(core, index, true)?;
    core.store.table(index).get(id).ok_or_else(Refusal::not_found)?;
    let old = before(core, index, &[id]);
    remove::soft_delete(core, index, &[id]);
    tell(core, index, Verb::Deleted, old, &[id]);
    Ok(())
}

/// Puts all records of a filter into the bin.
pub(crate) fn soft_delete_many(
    core: &mut Core,
    index: usize,
    filter: Option<&Node>,
) -> Result<Vec<Uuid>, Refusal> {
    guard(core, index, true)?;
    let ids = remove::bulk(core, index, filter, true)?;
    let old = before(core, index, &ids);
    remove::soft_delete(core, index, &ids);
    let still = still_matching(core, index, filter, &ids)?;
    tell(core, index, Verb::Deleted, old, &still);
    Ok(ids)
}

/// Takes one record out of the bin.
pub(crate) fn restore_one(core: &mut Core, index: usize, id: Uuid) -> Result<(), Refusal> {
    core.store.table(index).get(id).ok_or_else(Refusal::not_found)?;
    let old = before(core, index, &[id]);
    remove::restore(core, index, &[id]);
    tell(core, index, Verb::Restored, old, &[id]);
    Ok(())
}

/// Takes all records of a filter out of the bin and answers those that still match: a filter on
/// `deletedAt` answers nothing.
pub(crate) fn restore_many(
    core: &mut Core,
    index: usize,
    filter: Option<&Node>,
) -> Result<Vec<Uuid>, Refusal> {
    let ids = remove::rows(core, index, filter)?;
    let old = before(core, index, &ids);
    remove::restore(core, index, &ids);
    let still = still_matching(core, index, filter, &ids)?;
    tell(core, index, Verb::Restored, old, &still);
    Ok(still)
}

/// Destroys one record.
pub(crate) fn destroy_one(core: &mut Core, index: usize, id: Uuid) -> Result<(), Refusal> {
    guard(core, index, false)?;
    let row = core.store.table(index).get(id).cloned().ok_or_else(Refusal::not_found)?;
    destroy(core, index, &[row]);
    Ok(())
}

/// Destroys all records of a filter.
pub(crate) fn destroy_many(
    core: &mut Core,
    index: usize,
    filter: Option<&Node>,
) -> Result<Vec<Uuid>, Refusal> {
    guard(core, index, false)?;
    let ids = remove::bulk(core, index, filter, false)?;
    let rows = events::rows(core, index, &ids);
    destroy(core, index, &rows);
    Ok(ids)
}

/// Destroys rows; however many they are, one event is all that is told.
pub(crate) fn destroy(core: &mut Core, index: usize, rows: &[Row]) {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    remove::destroy(core, index, &ids);
    let told = rows.first().map(|row| Change { before: Some(row.clone()), after: None });
    events::tell(core, index, Verb::Destroyed, told.as_slice());
}
