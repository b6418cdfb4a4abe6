//! Merging people in Twenty: asked for here, shown before anything is sent, then done by a run.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Asked, Desk, Refusal};
use crate::ground::id::{Object, PersonId, local_id};
use crate::ground::journal::SubjectState;
use crate::ground::links::{Said, Who};
use crate::ground::merge::{Merge, MergeState, PEOPLE_MAX};
use crate::ground::staging::Progress;
use crate::ground::texts;
use crate::store::{Changes, Fail, View};

impl Desk {
    /// Asks what would come of merging these people. Nothing is changed by it: the answer is the merge's preview.
    pub async fn ask_merge(
        &self,
        asked: &Asked,
        keep: PersonId,
        lose: Vec<PersonId>,
    ) -> Result<Uuid, Refusal> {
        let cause = asked.cause("Merge to be looked at");
        let (_, id) = self
            .store
            .write(move |view| {
                may_merge(view, keep, &lose)?;
                let mut changes = Changes::new(cause.clone());
                let id = local_id(Object::Merge, view.world.origin());
                let merge = Merge {
                    id,
                    keep,
                    lose,
                    state: MergeState::Previewing,
                    preview: None,
                    lost: Vec::new(),
                    by: cause.actor.clone(),
                    at: view.world.now(),
                    request_id: cause.request_id.clone(),
                    note: None,
                };
                changes.create(Object::Merge, id, &merge)?;
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, id))
            })
            .await?;
        Ok(id)
    }

    /// Says yes to a merge as it was shown.
    pub async fn confirm_merge(&self, asked: &Asked, id: Uuid) -> Result<(), Refusal> {
        self.steer_merge(asked, id, "Merge agreed to", |view, merge| {
            if merge.state != MergeState::Previewed {
                return Err(Refusal::Nothing(texts::MERGE_NOT_SHOWN).into());
            }
            is_free(view, merge)?;
            merge.state = MergeState::Wanted;
            Ok(())
        })
        .await
    }

    /// Takes a merge back that is not on its way yet.
    pub async fn withdraw_merge(&self, asked: &Asked, id: Uuid) -> Result<(), Refusal> {
        self.steer_merge(asked, id, "Merge taken back", |_, merge| {
            if !merge.state.can_withdraw() {
                return Err(Refusal::Nothing(texts::MERGE_UNDER_WAY).into());
            }
            merge.state = MergeState::Withdrawn;
            Ok(())
        })
        .await
    }

    async fn steer_merge(
        &self,
        asked: &Asked,
        id: Uuid,
        why: &str,
        change: impl FnOnce(&View<'_>, &mut Merge) -> Result<(), Fail<Refusal>> + Send + 'static,
    ) -> Result<(), Refusal> {
        let cause = asked.cause(why);
        self.store
            .write(move |view| {
                let mut merge = view.ledger().merge(id)?.ok_or(Refusal::NotFound("merge"))?.value;
                change(view, &mut merge)?;
                let mut changes = Changes::new(cause);
                changes.update(Object::Merge, id, &merge)?;
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }
}

fn may_merge(view: &View<'_>, keep: PersonId, lose: &[PersonId]) -> Result<(), Fail<Refusal>> {
    let all: BTreeSet<PersonId> = lose.iter().copied().chain([keep]).collect();
    if lose.is_empty() || all.len() != lose.len() + 1 || all.len() > PEOPLE_MAX {
        return Err(Refusal::Nothing(texts::MERGE_WHO).into());
    }
    let ledger = view.ledger();
    for person in &all {
        let record = ledger.person(*person)?.filter(|record| record.value.id == *person);
        if record.is_none_or(|record| record.state != SubjectState::Live) {
            return Err(Refusal::NotFound("donor").into());
        }
        if ledger.merges_of(*person)?.iter().any(|merge| merge.value.state.is_open()) {
            return Err(Refusal::Nothing(texts::MERGE_BUSY).into());
        }
        for verdict in ledger.verdicts_of(Who::Person(*person))? {
            let verdict = verdict.value;
            let among = |who: Who| matches!(who, Who::Person(other) if all.contains(&other));
            let apart = verdict.said == Said::Different && among(verdict.left) && among(verdict.right);
            if apart && ledger.expired(&verdict)?.is_none() {
                return Err(Refusal::Nothing(texts::MERGE_TOLD_APART).into());
            }
        }
    }
    busy(view, all.iter().copied(), lose)
}

/// Nothing of these people is on its way to Twenty.
fn is_free(view: &View<'_>, merge: &Merge) -> Result<(), Fail<Refusal>> {
    busy(view, merge.people(), &merge.lose)
}

fn busy(
    view: &View<'_>,
    all: impl Iterator<Item = PersonId>,
    lose: &[PersonId],
) -> Result<(), Fail<Refusal>> {
    let ledger = view.ledger();
    for person in all {
        let edits = ledger.edits_of(Object::People, person.0)?;
        if edits.iter().any(|edit| edit.value.state.is_open()) {
            return Err(Refusal::Nothing(texts::MERGE_EDIT_BUSY).into());
        }
    }
    for person in lose {
        let rows = ledger.staged_rows_of(*person)?;
        if rows.iter().any(|row| matches!(row.value.progress, Progress::Sending { .. })) {
            return Err(Refusal::Nothing(texts::MERGE_GIFT_BUSY).into());
        }
    }
    Ok(())
}
