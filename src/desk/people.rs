//! Erasing a person: what the ledger holds of them goes, what is kept is said, and nothing brings them back.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use super::gifts::{Claim, forget_body};
use super::{Asked, Desk, Refusal};
use crate::ground::books::golden::CrmKind;
use crate::ground::id::{ConnectionId, Object, PersonId, StagedId, SubjectKey};
use crate::ground::journal::{Cause, SubjectState};
use crate::ground::links::Who;
use crate::ground::staging::{Progress, StagedRow};
use crate::store::{Changes, Fail, Ledger, Record, Store, StoreError, View, Working};

/// Links read at a time.
const PAGE: usize = 500;

/// What an erasure reaches, told before and after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erasure {
    /// Whether the mirror knew the person.
    pub known: bool,
    /// Staged rows: posted or set aside.
    pub rows: u64,
    /// Those of them that are not finished; with any, nothing is erased.
    pub open: usize,
    /// Deliveries of those rows.
    pub deliveries: u64,
    /// Tasks and notes that are about this person alone.
    pub linked: u64,
    /// Tasks and notes that are about others too: they stay, and only their link to the person goes.
    pub linked_kept: u64,
    /// Gifts of the person in the mirror. They stay: they are the charity's accounts, and Twenty's records.
    pub gifts_kept: u64,
}

/// What an erasure of this person would reach.
pub fn erasure_of(store: &Store, person: PersonId) -> Result<Erasure, Refusal> {
    let snapshot = store.snapshot()?;
    let ledger = snapshot.ledger();
    let rows = ledger.staged_rows_of(person)?;
    let mut erasure = Erasure {
        known: ledger.person(person)?.is_some(),
        rows: rows.len() as u64,
        open: rows.iter().filter(|row| !is_finished(&row.value)).count(),
        gifts_kept: ledger.gift_count_of(person)?,
        ..Erasure::default()
    };
    for row in &rows {
        erasure.deliveries += ledger.evidence_count(row.value.id)?;
    }
    let linked = linked(&ledger, person)?;
    (erasure.linked, erasure.linked_kept) = (linked.alone.len() as u64, linked.shared);
    Ok(erasure)
}

/// Tasks and notes about a person.
#[derive(Default)]
struct Linked {
    /// The links to the person.
    links: Vec<SubjectKey>,
    /// Those that are about nobody else.
    alone: Vec<(Object, Uuid)>,
    /// How many are about others too.
    shared: u64,
}

fn linked(ledger: &Ledger<'_>, person: PersonId) -> Result<Linked, StoreError> {
    let mut linked = Linked::default();
    for (links, object, of) in
        [(Object::TaskTargets, Object::Tasks, "taskId"), (Object::NoteTargets, Object::Notes, "noteId")]
    {
        let theirs = ledger.links_to(links, person.0)?;
        let about = theirs.iter().filter_map(|link| id_in(&link.value, of)).collect();
        let others = with_other_links(ledger, links, (of, &about), &theirs)?;
        linked.shared += others.len() as u64;
        linked.alone.extend(about.difference(&others).map(|id| (object, *id)));
        linked.links.extend(theirs.into_iter().map(|link| link.key));
    }
    Ok(linked)
}

fn id_in(json: &str, field: &str) -> Option<Uuid> {
    let told: Value = serde_json::from_str(json).unwrap_or_default();
    told[field].as_str().and_then(|id| Uuid::parse_str(id).ok())
}

/// Those of `about` that a link other than `theirs` leads to.
fn with_other_links(
    ledger: &Ledger<'_>,
    links: Object,
    (of, about): (&str, &BTreeSet<Uuid>),
    theirs: &[Record<String>],
) -> Result<BTreeSet<Uuid>, StoreError> {
    let (mut others, mut after) = (BTreeSet::new(), None::<Vec<u8>>);
    // No index leads from a task to its links; nobody is erased often.
    while !about.is_empty() {
        let live = (ConnectionId::TWENTY, SubjectState::Live);
        let page = ledger.newest(live.0, links, live.1, after.as_deref(), PAGE)?;
        let foreign = page.items.iter().filter(|link| theirs.iter().all(|their| their.key != link.key));
        others.extend(foreign.filter_map(|link| id_in(&link.value, of)).filter(|id| about.contains(id)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(others)
}

/// Erases what the ledger holds of a person: the record in all its versions and those merged into it, the staged rows
/// that led to them and the deliveries of those rows, tasks and notes about nobody else, what links others to them, and
/// what a webhook told of any of these and is not read yet. A gift that is not posted yet is in the way: it must be posted or discarded
/// first, since nothing may be lost. `ground` is kept, so it names nobody.
pub async fn erase_person(
    store: &Store,
    cause: Cause,
    person: PersonId,
    ground: String,
) -> Result<Erasure, Refusal> {
    let (_, erasure) = store
        .write(move |view| {
            let ledger = view.ledger();
            let rows = ledger.staged_rows_of(person)?;
            let open = rows.iter().filter(|row| !is_finished(&row.value)).count();
            if open > 0 {
                return Err(Refusal::GiftsOpen(open).into());
            }
            let mut erasure = Erasure {
                known: ledger.person(person)?.is_some(),
                rows: rows.len() as u64,
                gifts_kept: ledger.gift_count_of(person)?,
                ..Erasure::default()
            };
            let linked = linked(ledger, person)?;
            (erasure.linked, erasure.linked_kept) = (linked.alone.len() as u64, linked.shared);
            let mut changes = Changes::new(cause);
            for name in names_of(ledger, person, &linked)? {
                if let Some(id) = name.uuid().filter(|_| name.object.is_mirrored()) {
                    changes.to_read(ConnectionId::TWENTY, name.object, id, None)?;
                }
                changes.erase(name, &ground);
            }
            for row in &rows {
                changes.erase(row.key.clone(), &ground);
                for delivery in ledger.evidence(row.value.id)? {
                    changes.erase(delivery.key, &ground);
                    erasure.deliveries += 1;
                }
            }
            forget_decisions(view, &mut changes, person, &ground)?;
            forget_bodies(view, &mut changes, &rows)?;
            Ok::<_, Fail<Refusal>>((changes, erasure))
        })
        .await?;
    Ok(erasure)
}

impl Desk {
    /// As [`erase_person`], for somebody at a screen or a program.
    pub async fn erase(&self, asked: &Asked, person: PersonId, ground: String) -> Result<Erasure, Refusal> {
        erase_person(&self.store, asked.cause("Erased at the person's request"), person, ground).await
    }
}

/// The records that go: the person, those merged into them, tasks and notes about nobody else, and links. What was changed
/// here of any of them says as much as they do.
fn names_of(ledger: &Ledger<'_>, person: PersonId, linked: &Linked) -> Result<Vec<SubjectKey>, StoreError> {
    let whole = SubjectKey::twenty(Object::People, person.0);
    let mut names = Vec::new();
    for subject in ledger.merged_into(&whole)? {
        if let Some(head) = ledger.head(subject)? {
            names.push(ledger.header(head.seq.0)?.key);
        }
    }
    names.push(whole);
    names.extend(linked.alone.iter().map(|(object, id)| SubjectKey::twenty(*object, *id)));
    let mut edits = Vec::new();
    for name in &names {
        if let Some(id) = name.uuid() {
            edits.extend(ledger.edits_ever(name.object, id)?);
        }
    }
    let golden = ledger.golden_of(CrmKind::Person, person.0)?;
    names.extend(golden.into_iter().map(|link| link.key));
    names.extend(linked.links.iter().cloned());
    names.extend(edits);
    Ok(names)
}

const fn is_finished(row: &StagedRow) -> bool {
    matches!(row.progress, Progress::Posted { .. } | Progress::Discarded)
}

/// What was decided about the person as somebody's duplicate goes with them: a verdict tells what was known of them, a
/// merge shows what they would have become. Links and groups hold ids alone.
fn forget_decisions(
    view: &View<'_>,
    changes: &mut Changes,
    person: PersonId,
    ground: &str,
) -> Result<(), StoreError> {
    for verdict in view.ledger().verdicts_of(Who::Person(person))? {
        changes.erase(verdict.key, ground);
    }
    for merge in view.ledger().merges_of(person)? {
        changes.erase(merge.key, ground);
    }
    Ok(())
}

/// The replay keys of the rows stay, so that a repeated delivery makes nothing; what was delivered is no longer told
/// by its hash.
fn forget_bodies(
    view: &View<'_>,
    changes: &mut Changes,
    rows: &[Record<StagedRow>],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let erased: std::collections::HashSet<StagedId> = rows.iter().map(|row| row.value.id).collect();
    for (slot, claim) in view.ledger().working_rows::<Claim>(Working::Replay)? {
        if erased.contains(&claim.row) {
            changes.working(Working::Replay, &slot, Some(&forget_body(&claim)))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_finished_may_be_erased() {
        let row = |progress| {
            let mut row = crate::ground::staging::tests::row();
            row.progress = progress;
            is_finished(&row)
        };
        assert!(row(Progress::Discarded));
        for open in [Progress::Review, Progress::Ready, Progress::Failed { reason: "x".into() }] {
            assert!(!row(open));
        }
    }
}
