//! The donor whom Almoner made in Twenty for a row that is discarded: removed when somebody says so and nothing else
//! refers to them.

use super::edits::{Kept, fresh};
use super::gifts::row_at;
use super::{Asked, Desk, Refusal};
use crate::ground::crm::RecordHead;
use crate::ground::edit::State;
use crate::ground::id::{Object, StagedId};
use crate::ground::journal::SubjectState;
use crate::ground::staging::{DonorDecision, StagedRow};
use crate::ground::texts;
use crate::store::{Changes, Fail, StoreError, View};

impl Desk {
    /// Asks for the person who was made for this discarded row to go into Twenty's bin. Asked for again, it is the same
    /// deletion. Refused, in words, where the person is not as they were made or where something refers to them; that is
    /// looked at again before the call.
    pub async fn remove_made_donor(&self, asked: &Asked, id: StagedId) -> Result<Kept, Refusal> {
        let cause = asked.cause("Deleted here: made for a gift that was discarded");
        let (_, kept) = self
            .store
            .write(move |view| {
                let ledger = view.ledger();
                let row = row_at(view, id, None)?;
                let made = ledger.made_donor(&row)?.ok_or(Refusal::NotFound("person made for this gift"))?;
                let person = made.key.uuid().ok_or(Refusal::NotFound("person made for this gift"))?;
                let mut changes = Changes::new(cause.clone());
                for edit in ledger.edits_of(Object::People, person)? {
                    if !edit.value.state.is_open() {
                        continue;
                    }
                    if edit.value.made_for == Some(id) {
                        return Ok((changes, Kept { edit: edit.value.id, record: person }));
                    }
                    return Err(Refusal::Nothing(texts::EDIT_DELETE_BUSY).into());
                }
                if let Some(why) = ledger.why_made_stays(&row, &made)? {
                    return Err(Refusal::Nothing(why).into());
                }
                let head = serde_json::from_str::<RecordHead>(&made.value).ok();
                let seen = head.and_then(|head| head.updated());
                let mut edit = fresh(view, &cause, Object::People.word(), person, Vec::new());
                edit.delete = Some(seen.ok_or(Refusal::Nothing(texts::EDIT_NO_TIME))?);
                edit.made_for = Some(id);
                changes.create(Object::Edit, edit.id, &edit)?;
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, Kept { edit: edit.id, record: person }))
            })
            .await?;
        Ok(kept)
    }
}

/// A discarded row comes back to review: the removal of its donor is taken back while that is certain to be in time, and
/// a donor who is gone is to be chosen anew.
pub(super) fn needs_its_donor_again(
    view: &View<'_>,
    changes: &mut Changes,
    mut row: StagedRow,
) -> Result<StagedRow, StoreError> {
    let ledger = view.ledger();
    let Some(made) = ledger.made_donor(&row)? else { return Ok(row) };
    let Some(person) = made.key.uuid() else { return Ok(row) };
    for record in ledger.edits_of(Object::People, person)? {
        let mut edit = record.value;
        if edit.made_for == Some(row.id) && edit.state == State::Waiting {
            edit.state = State::Withdrawn;
            changes.remove(Object::Edit, edit.id, &edit)?;
        }
    }
    if matches!(row.donor, DonorDecision::Created(_)) && made.state != SubjectState::Live {
        row.donor = DonorDecision::Unreviewed;
    }
    Ok(row)
}
