//! Donors around a posted gift: those who are made for it, and what the gift told of those who were there.

use serde_json::{Value, json};

use super::commits::{Found, give_up, held_row};
use super::making;
use crate::ground::edit::{Edit, FieldEdit, State};
use crate::ground::id::{ConnectionId, Object, PersonId, SubjectKey, local_id};
use crate::ground::journal::{Actor, SubjectState};
use crate::ground::outbox::Message;
use crate::ground::provision::usable;
use crate::ground::run::{ProcessRun, RunKind};
use crate::ground::staging::{DonorDecision, StagedRow};
use crate::ground::texts;
use crate::runs::see::see;
use crate::store::{Changes, StoreError, View, parts};

/// A person stands under the key we chose for a row's new donor. The key is random, so nobody else's record has it: what
/// somebody corrected since is theirs to correct. Whatever becomes of the gift, the person stays bound to the row.
pub(super) fn judge_donor(
    view: &View<'_>,
    run: &mut ProcessRun,
    changes: &mut Changes,
    message: Message,
    found: Found<'_>,
) -> Result<(), StoreError> {
    see(view, changes, Object::People, found.record, found.asked_at)?;
    if found.record.deleted {
        return give_up(view, run, changes, &message, texts::NEW_DONOR_DELETED, false);
    }
    if run.kind == RunKind::CreateDonors {
        changes.message(ConnectionId::TWENTY, &message, false)?;
        let Some(row) = held_row(view, &message)? else { return Ok(()) };
        return making::made(view, run, changes, (row, PersonId(found.record.id)));
    }
    if let Some(row) = held_row(view, &message)? {
        let row = row.with_created_donor(PersonId(found.record.id));
        changes.update(Object::GiftStaging, row.id.0, &row)?;
    }
    changes.message(ConnectionId::TWENTY, &message.after_donor(), true)
}

/// What a posted gift told of a donor who was there already goes to Twenty as an edit like a person's: a new e-mail
/// address beside the others, never in place of the main one, and an opt-out, which is only ever set (domain 4.8.4, 1.5).
/// It waits, meets other people's changes and is shown like any edit; it never holds up the gift.
pub(super) fn keep_what_was_told(
    view: &View<'_>,
    run: &ProcessRun,
    changes: &mut Changes,
    row: &StagedRow,
) -> Result<(), StoreError> {
    let (DonorDecision::GivenBySender(donor) | DonorDecision::Confirmed(donor)) = row.donor else {
        return Ok(());
    };
    let ledger = view.ledger();
    let record = ledger.record_of(&SubjectKey::twenty(Object::People, donor.0))?;
    let Some(record) = record.filter(|record| record.state == SubjectState::Live) else { return Ok(()) };
    let Some(schema) = ledger.workspace(ConnectionId::TWENTY)?.schema else { return Ok(()) };
    let person: Value = serde_json::from_str(&record.value).unwrap_or(Value::Null);
    let mut fields = Vec::new();
    if let Some(email) = row.evidence.email.as_deref().map(str::trim).filter(|email| !email.is_empty())
        && usable(&schema, "people", "emails")
        // An address that somebody has is theirs.
        && ledger.people_by_email(email)?.is_empty()
    {
        fields.push(with_address(&person, email));
    }
    if row.evidence.email_opt_out == Some(true)
        && usable(&schema, "people", "supporterEmailOptOut")
        && person["supporterEmailOptOut"] != json!(true)
    {
        let base = parts::part(&person, "supporterEmailOptOut").to_string();
        fields.push(FieldEdit { field: "supporterEmailOptOut".into(), base, value: "true".into() });
    }
    if fields.is_empty() {
        return Ok(());
    }
    let origin = view.world.origin();
    let edit = Edit {
        id: local_id(Object::Edit, origin),
        object: Object::People.word().to_owned(),
        record: record.key.uuid().unwrap_or(donor.0),
        origin,
        fields,
        makes: Vec::new(),
        delete: None,
        made_for: None,
        by: Actor::Run(run.id),
        at: view.world.now(),
        request_id: run.request_id.clone(),
        state: State::Waiting,
        note: None,
    };
    changes.ask();
    changes.create(Object::Edit, edit.id, &edit)
}

/// The donor's addresses with one more; the first one if there is none. Addresses are sent complete, or what is left out
/// would be lost.
fn with_address(person: &Value, email: &str) -> FieldEdit {
    let before = parts::part(person, "emails");
    let main = before["primaryEmail"].as_str().unwrap_or_default();
    let mut others = before["additionalEmails"].as_array().cloned().unwrap_or_default();
    let wanted = if main.is_empty() {
        json!({ "primaryEmail": email, "additionalEmails": others })
    } else {
        others.push(Value::from(email));
        json!({ "primaryEmail": main, "additionalEmails": others })
    };
    FieldEdit { field: "emails".into(), base: before.to_string(), value: wanted.to_string() }
}
