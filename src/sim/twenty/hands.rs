//! The hands of others: users of the workspace who change rows, and fixtures that put rows in place.

use uuid::Uuid;

use super::auth::Who;
use super::composite::is_composite;
use super::core::Core;
use super::emit::empty;
use super::events::{self, Change, Verb};
use super::schema::{Kind, Object};
use super::store::Row;
use super::time::{DAY, to_iso};
use super::values::bind;
use super::{ops, write};
use crate::sim::json::Json;

/// The signature of the other user, who is a member of the workspace when it has members.
fn maya(core: &Core) -> Json {
    let member = member_named(core, "Maya");
    let stranger = || Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{}/maya", core.seed).as_bytes());
    Json::object([
        ("source", Json::text("MANUAL")),
        ("workspaceMemberId", Json::text(member.unwrap_or_else(stranger).to_string())),
        ("name", Json::text("Maya in Twenty")),
        ("context", Json::Null),
    ])
}

fn member_named(core: &Core, first: &str) -> Option<Uuid> {
    let (index, object) = core.store.schema.by_plural("workspaceMembers")?;
    let (column, _) = object.field("name")?;
    let mut rows = core.store.table(index).rows().values();
    rows.find(|row| row.cell(column).get("firstName").and_then(Json::as_str) == Some(first)).map(|row| row.id)
}

/// Lets somebody else do something: what they do is told as theirs.
fn as_somebody<T>(core: &mut Core, act: impl FnOnce(&mut Core) -> T) -> T {
    let user = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{}/maya/user", core.seed).as_bytes());
    let member =
        maya(core).get("workspaceMemberId").and_then(Json::as_str).and_then(|id| Uuid::parse_str(id).ok());
    let asking = std::mem::replace(&mut core.access.asking, Who::Key(0));
    core.author = Some((user, member.unwrap_or(user)));
    let outcome = act(core);
    core.author = None;
    core.access.asking = asking;
    outcome
}

/// Another user changes a record.
pub(crate) fn edit(core: &mut Core, plural: &str, id: Uuid, patch: &Json) -> bool {
    let schema = core.schema();
    let Some((index, object)) = schema.by_plural(plural) else { return false };
    as_somebody(core, |core| {
        let before = core.store.table(index).get(id).cloned();
        if write::update_one(core, index, id, patch).is_err() {
            return false;
        }
        let Some(mut row) = core.store.table(index).get(id).cloned() else { return false };
        row.set(object.columns.updated_by, maya(core));
        core.store.put(index, row.clone());
        events::tell(core, index, Verb::Updated, &[Change { before, after: Some(row) }]);
        true
    })
}

/// Another user makes a record; its id, unless it is refused.
pub(crate) fn create(core: &mut Core, plural: &str, record: &Json) -> Option<Uuid> {
    let schema = core.schema();
    let (index, object) = schema.by_plural(plural)?;
    as_somebody(core, |core| {
        let (_, fresh) = write::create(core, index, std::slice::from_ref(record), false).ok()?;
        let id = fresh.first().copied()?;
        let mut row = core.store.table(index).get(id).cloned()?;
        row.set(object.columns.created_by, maya(core));
        row.set(object.columns.updated_by, maya(core));
        core.store.put(index, row.clone());
        events::tell(core, index, Verb::Created, &[Change { before: None, after: Some(row) }]);
        Some(id)
    })
}

/// Another user puts a record into the bin or destroys it.
pub(crate) fn remove(core: &mut Core, plural: &str, id: Uuid, soft: bool) -> bool {
    let schema = core.schema();
    let Some((index, _)) = schema.by_plural(plural) else { return false };
    as_somebody(core, |core| {
        let outcome =
            if soft { ops::soft_delete_one(core, index, id) } else { ops::destroy_one(core, index, id) };
        outcome.is_ok()
    })
}

/// A random row of the tables a charity works on; the seed decides.
fn somewhere(core: &mut Core) -> Option<(&'static str, Uuid)> {
    let schema = core.schema();
    let filled = |plural: &&str| {
        schema.by_plural(plural).is_some_and(|(index, _)| !core.store.table(index).rows().is_empty())
    };
    let tables: Vec<&'static str> = ["people", "gifts", "companies"].into_iter().filter(filled).collect();
    let plural = core.mischief.pick(&tables).copied()?;
    let (index, _) = schema.by_plural(plural)?;
    let rows = core.store.table(index).rows();
    let at = core.mischief.index(rows.len());
    rows.keys().nth(at).map(|id| (plural, *id))
}

/// A random row of a random table gets a new name or note from another user.
pub(crate) fn somebody_edits(core: &mut Core) {
    let Some((plural, id)) = somewhere(core) else { return };
    let mark = format!("edited {}", core.mischief.below(1_000_000));
    let field = if plural == "people" { "jobTitle" } else { "name" };
    edit(core, plural, id, &Json::object([(field, Json::Str(mark))]));
}

/// Another user makes a person.
pub(crate) fn somebody_creates(core: &mut Core) {
    let name = Json::object([
        ("firstName", Json::text("New")),
        ("lastName", Json::text(format!("Somebody {}", core.mischief.below(1_000_000)))),
    ]);
    create(core, "people", &Json::object([("name", name)]));
}

/// Another user puts a random row into the bin or destroys it.
pub(crate) fn somebody_removes(core: &mut Core, soft: bool) {
    if let Some((plural, id)) = somewhere(core) {
        remove(core, plural, id, soft);
    }
}

/// Another importer changes a random row and dates its change back by a day.
pub(crate) fn somebody_backdates(core: &mut Core) {
    let Some((plural, id)) = somewhere(core) else { return };
    let mark = format!("imported {}", core.mischief.below(1_000_000));
    let field = if plural == "people" { "jobTitle" } else { "name" };
    let yesterday = Json::text(to_iso(core.now() - DAY));
    edit(core, plural, id, &Json::object([(field, Json::Str(mark)), ("updatedAt", yesterday)]));
}

/// The nightly job: rows that lay in the bin for two weeks are destroyed, a thousand a statement,
/// each statement with one event. Answers how many went.
pub(crate) fn purge(core: &mut Core) -> usize {
    const RETENTION: i64 = 14;
    const STATEMENT: usize = 1_000;
    let schema = core.schema();
    let today = core.now().div_euclid(DAY) * DAY;
    let before = today - (RETENTION - 1) * DAY;
    let mut purged = 0;
    for (index, object) in schema.live() {
        let rows = core.store.table(index).rows().values();
        let stamp = |row: &Row| row.cell(object.columns.deleted_at).as_i64();
        let mut old: Vec<Row> =
            rows.filter(|row| stamp(row).is_some_and(|at| at < before)).cloned().collect();
        old.sort_by_key(stamp);
        purged += old.len();
        for statement in old.chunks(STATEMENT) {
            ops::destroy(core, index, statement);
        }
    }
    purged
}

/// Stores a record as a reply showed it.
pub(crate) fn load(core: &mut Core, plural: &str, record: &Json) -> bool {
    let schema = core.schema();
    let Some((index, object)) = schema.by_plural(plural) else { return false };
    let id = record.get("id").and_then(Json::as_str).and_then(|text| Uuid::parse_str(text).ok());
    let Some(id) = id else { return false };
    let row = Row { id, written: 0, cells: cells(object, record) };
    core.store.put(index, row);
    true
}

fn cells(object: &Object, record: &Json) -> Vec<Json> {
    object
        .fields
        .iter()
        .map(|field| {
            let shown = record.get(&field.column).cloned().unwrap_or_default();
            match field.kind {
                Kind::TsVector | Kind::ToMany { .. } => Json::Null,
                Kind::DateTime | Kind::Text => bind(field, &shown, None).unwrap_or_default(),
                kind if is_composite(kind) && !shown.is_null() => in_order(kind, &shown),
                _ => shown,
            }
        })
        .collect()
}

/// The parts of a composite in the order of the API; the caller's tree sorts them by name.
fn in_order(kind: Kind, shown: &Json) -> Json {
    let mut value = empty(kind);
    for (part, given) in shown.as_object().unwrap_or_default() {
        value.set(part.clone(), given.clone());
    }
    value
}
