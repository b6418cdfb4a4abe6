//! Erasing a person: what the ledger holds of them goes, what is kept is said, and nothing brings them back.

use super::gifts::{Claim, forget_body};
use super::{Asked, Desk, Refusal};
use crate::ground::id::{Object, PersonId, StagedId, SubjectKey};
use crate::ground::journal::Cause;
use crate::ground::links::Who;
use crate::ground::staging::{Progress, StagedRow};
use crate::store::{Changes, Fail, Record, Store, StoreError, View, Working};

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
    Ok(erasure)
}

/// Erases what the ledger holds of a person: the record in all its versions, the staged rows that led to them,
/// and the deliveries of those rows. A gift that is not posted yet is in the way: it must be posted or discarded
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
            let mut changes = Changes::new(cause);
            changes.erase(SubjectKey::twenty(Object::People, person.0), &ground);
            for row in &rows {
                changes.erase(row.key.clone(), &ground);
                for delivery in ledger.evidence(row.value.id)? {
                    changes.erase(delivery.key, &ground);
                    erasure.deliveries += 1;
                }
            }
            // What was changed here of the person says who they are as much as the record does.
            for edit in ledger.edits_ever(Object::People, person.0)? {
                changes.erase(edit, &ground);
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
