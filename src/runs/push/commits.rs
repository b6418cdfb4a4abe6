//! What each step for an edit stores. An edit that somebody changed since the step read it is left alone: the next step
//! reads it again.

use serde_json::Value;

use crate::ground::edit::{Clash, Conflict, Edit, Merge, State};
use crate::ground::id::{Object, SubjectKey};
use crate::ground::journal::{Cause, SubjectState};
use crate::ground::time::Instant;
use crate::rails::RawRecord;
use crate::runs::Means;
use crate::runs::see::see;
use crate::store::{Changes, Fail, View, WriteError, parts};

/// What is to become of an edit, and the record that was read for it.
pub(super) struct Planned {
    pub(super) merged: Merge,
    pub(super) record: RawRecord,
    pub(super) seen: Instant,
}

/// What Twenty answered.
pub(super) struct Outcome {
    pub(super) object: Object,
    pub(super) record: RawRecord,
    pub(super) asked_at: Instant,
}

pub(super) fn cause(edit: &Edit, why: &str) -> Cause {
    Cause { actor: edit.by.clone(), why: why.into(), request_id: edit.request_id.clone() }
}

/// Stores what `decide` makes of the edit, if it is still as `basis`. Answers it as stored, while it is there.
pub(super) async fn write<F>(
    means: &Means,
    basis: Edit,
    why: &'static str,
    decide: F,
) -> Result<Option<Edit>, WriteError<()>>
where
    F: FnOnce(&View<'_>, &mut Changes, &mut Edit) -> Result<(), Fail<()>> + Send + 'static,
{
    let (_, stored) = means
        .store
        .write(move |view| {
            let mut changes = Changes::new(cause(&basis, why));
            let now = view.ledger().edit(basis.id)?.map(|record| record.value);
            if now.as_ref() != Some(&basis) {
                return Ok((changes, None));
            }
            let mut edit = basis.clone();
            decide(view, &mut changes, &mut edit)?;
            match edit.state {
                State::Done | State::Withdrawn => changes.remove(Object::Edit, edit.id, &edit)?,
                _ if edit == basis => {}
                _ => changes.update(Object::Edit, edit.id, &edit)?,
            }
            Ok::<_, Fail<()>>((changes, Some(edit)))
        })
        .await?;
    Ok(stored)
}

/// Says on an edit what is in the way.
pub(super) async fn note(means: &Means, edit: Edit, told: String) -> Result<(), WriteError<()>> {
    write(means, edit, "Waiting to be sent to Twenty", move |_, _, edit| {
        edit.note = Some(told);
        Ok(())
    })
    .await
    .map(drop)
}

/// Before a call: from here on it is not known whether it arrived.
pub(super) async fn sent(means: &Means, edit: Edit, seen: Instant) -> Result<Option<Edit>, WriteError<()>> {
    write(means, edit, "Being sent to Twenty", move |_, _, edit| {
        edit.state = State::Sent { seen };
        Ok(())
    })
    .await
}

/// After a call that certainly did nothing.
pub(super) async fn not_sent(
    means: &Means,
    sent: Edit,
    before: State,
) -> Result<Option<Edit>, WriteError<()>> {
    write(means, sent, "Twenty took nothing yet", move |_, _, edit| {
        edit.state = before;
        Ok(())
    })
    .await
}

/// It will not be sent again. What was to be made and is not there is taken back.
pub(super) async fn refuse(means: &Means, edit: Edit, reason: String) -> Result<(), WriteError<()>> {
    write(means, edit, "Not taken by Twenty", move |view, changes, edit| {
        for make in edit.makes.iter().filter(|make| !make.there) {
            let Some(object) = Object::from_word(&make.object) else { continue };
            let key = SubjectKey::twenty(object, make.id);
            let record = view.ledger().record_of(&key)?;
            if let Some(record) = record.filter(|record| record.state == SubjectState::Pending) {
                changes.withdrawn(key, record.value);
            }
        }
        edit.note = None;
        edit.state = State::Refused { reason };
        rest_of_the_record(view, changes, edit)
    })
    .await
    .map(drop)
}

/// Edits that were made on top of one that did not arrive.
fn rest_of_the_record(view: &View<'_>, changes: &mut Changes, refused: &Edit) -> Result<(), Fail<()>> {
    let Some(object) = refused.object() else { return Ok(()) };
    for record in view.ledger().edits_of(object, refused.record)? {
        let mut later = record.value;
        let waits = later.state == State::Waiting && later.id != refused.id && later.at >= refused.at;
        if waits && later.rest_on_what_was_before(refused) {
            changes.update(Object::Edit, later.id, &later)?;
        }
    }
    Ok(())
}

/// Nothing is to be sent: it stands there already, or a person must decide.
pub(super) async fn settled(means: &Means, edit: Edit, planned: Planned) -> Result<(), WriteError<()>> {
    write(means, edit, "Compared with Twenty", move |view, changes, edit| {
        finish(view, changes, edit, &planned)
    })
    .await
    .map(drop)
}

/// Twenty took it.
pub(super) async fn done(
    means: &Means,
    sent: Edit,
    planned: Planned,
    outcome: Outcome,
) -> Result<(), WriteError<()>> {
    write(means, sent, "Changed here, taken by Twenty", move |view, changes, edit| {
        see(view, changes, outcome.object, &outcome.record, outcome.asked_at)?;
        finish(view, changes, edit, &planned)
    })
    .await
    .map(drop)
}

/// What remains of an edit is what a person must decide.
fn finish(
    view: &View<'_>,
    changes: &mut Changes,
    edit: &mut Edit,
    planned: &Planned,
) -> Result<(), Fail<()>> {
    edit.note = None;
    if planned.merged.clashes.is_empty() {
        edit.state = State::Done;
        return Ok(());
    }
    edit.keep(&planned.merged.clashes);
    edit.state = State::Conflict;
    let there: Value = serde_json::from_str(&planned.record.json).unwrap_or(Value::Null);
    let clash = |field: &crate::ground::edit::FieldEdit| Clash {
        field: field.field.clone(),
        here: field.value.clone(),
        there: parts::part(&there, &field.field).to_string(),
    };
    let conflict = Conflict {
        edit: edit.id,
        object: edit.object.clone(),
        record: edit.record,
        since: view.world.now(),
        here_by: edit.by.clone(),
        here_at: edit.at,
        there_by: parts::part(&there, "updatedBy.name").as_str().map(str::to_owned),
        there_at: planned.record.updated,
        fields: edit.fields.iter().map(clash).collect(),
    };
    changes.open(Object::Conflict, edit.id, &conflict)?;
    Ok(())
}
