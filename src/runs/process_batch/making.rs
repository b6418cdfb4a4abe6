//! The create-donors run (domain 4.8.3): makes the donors of chosen rows in Twenty, without their gifts.
//!
//! It goes the way of a process run that stops after the donor: the same keys, probes, groups and halves. A row is held
//! while its donor is on the way, and goes back to review with an outcome, whatever that is.

use std::collections::BTreeSet;

use super::Decided;
use super::commits::cause;
use super::compose::{Basis, gift_key, giver, message};
use crate::ground::donor_match::{MatchOutcome, Matched};
use crate::ground::id::{ConnectionId, ConnectionKey, Object, PersonId, StagedId};
use crate::ground::outbox::Message;
use crate::ground::run::ProcessRun;
use crate::ground::staging::{Progress, StagedRow};
use crate::ground::texts;
use crate::ground::workspace::Schema;
use crate::runs::restored::may_have_been_sent;
use crate::store::{Changes, StoreError, View};

/// What an outcome of this run is made by: no weights.
const BY_CHOICE: &str = "chosen";

fn outcome(view: &View<'_>, run: &ProcessRun, outcome: MatchOutcome, reason: &str) -> Matched {
    Matched {
        outcome,
        run: run.id,
        at: view.world.now(),
        model: BY_CHOICE.to_owned(),
        reason: reason.to_owned(),
        proposed: Vec::new(),
    }
}

/// What a row needs before its donor can be made; nothing when it can.
fn hindrance(run: &ProcessRun, row: Option<&StagedRow>) -> Option<(MatchOutcome, &'static str)> {
    let Some(row) = row else { return Some((MatchOutcome::Error, texts::ROW_NOT_THERE)) };
    if row.batch != Some(run.batch) {
        return Some((MatchOutcome::Error, texts::ROW_OF_OTHER_BATCH));
    }
    if row.donor.person().is_some() || row.is_of_company() {
        return Some((MatchOutcome::AlreadyResolved, texts::DONOR_DECIDED));
    }
    let open = matches!(row.progress, Progress::Review | Progress::Ready | Progress::Failed { .. });
    if !open {
        return Some((MatchOutcome::Error, texts::ROW_NOT_OPEN));
    }
    (!row.evidence.is_full_name()).then_some((MatchOutcome::InsufficientIdentity, texts::CANNOT_MAKE_DONOR))
}

/// Holds the next chosen rows, and answers the messages with their donors.
pub(super) fn lease(
    view: &View<'_>,
    run: &mut ProcessRun,
    rows: &[StagedId],
    key: ConnectionKey,
    schema: &Schema,
) -> Decided<Vec<Message>> {
    let mut changes = Changes::new(cause(run, "Donors being made in Twenty"));
    run.note = None;
    let basis = Basis { ledger: view.ledger(), key, schema };
    let group = run.take_groups(1);
    let (mut sent, mut emails) = (Vec::new(), BTreeSet::new());
    for id in rows {
        run.tally.leased += 1;
        let row = view.ledger().staged(*id)?.map(|record| record.value);
        if let Some((found, reason)) = hindrance(run, row.as_ref()) {
            // A row of another batch, or one that somebody else holds, is not touched.
            let touched = row.filter(|_| found == MatchOutcome::InsufficientIdentity);
            tell(view, run, &mut changes, (*id, touched), (found, reason))?;
            continue;
        }
        let Some(row) = row else { continue };
        let held = row.clone().held_for_donor(run.id, gift_key(key, row.origin));
        let giver = match giver(basis, &held)? {
            Ok(giver) => giver,
            Err(reason) => {
                tell(view, run, &mut changes, (*id, Some(row)), (MatchOutcome::Error, reason))?;
                continue;
            }
        };
        let address = held.evidence.email.as_deref().map(|email| email.trim().to_lowercase());
        if address.is_some_and(|address| !emails.insert(address)) {
            tell(view, run, &mut changes, (*id, Some(row)), (MatchOutcome::Error, texts::SAME_NEW_DONOR))?;
            continue;
        }
        let message = message(basis, run.id, &held, &giver, (group, group));
        changes.message(ConnectionId::TWENTY, &message, true)?;
        changes.update(Object::GiftStaging, id.0, &held)?;
        // After a restore, a ledger that is no more may have made them: the next step probes.
        if !may_have_been_sent(view.ledger(), row.received_at)? {
            sent.push(message);
        }
    }
    Ok((changes, sent))
}

/// Stores an outcome: with the run, and with the row where it is ours to touch.
fn tell(
    view: &View<'_>,
    run: &mut ProcessRun,
    changes: &mut Changes,
    (id, row): (StagedId, Option<StagedRow>),
    (found, reason): (MatchOutcome, &str),
) -> Result<(), StoreError> {
    let matched = outcome(view, run, found, reason);
    run.row_matched(id, &matched, view.world.now());
    let Some(row) = row else { return Ok(()) };
    if row.matched.as_ref().is_some_and(|known| known.says_the_same(&matched)) {
        return Ok(());
    }
    changes.update(Object::GiftStaging, id.0, &StagedRow { matched: Some(matched), ..row })
}

/// A donor is in Twenty: the row has them, and goes back to review.
pub(super) fn made(
    view: &View<'_>,
    run: &mut ProcessRun,
    changes: &mut Changes,
    (row, person): (StagedRow, PersonId),
) -> Result<(), StoreError> {
    let row = row.with_created_donor(person).let_go();
    let id = row.id;
    tell(view, run, changes, (id, Some(row)), (MatchOutcome::CreatedDonor, texts::DONOR_MADE))
}

/// A donor could not be made: the row goes back to review with the reason.
pub(super) fn not_made(
    view: &View<'_>,
    run: &mut ProcessRun,
    changes: &mut Changes,
    row: StagedRow,
    reason: &str,
) -> Result<(), StoreError> {
    let row = StagedRow { matched: None, ..row.let_go() };
    let id = row.id;
    tell(view, run, changes, (id, Some(row)), (MatchOutcome::Error, reason))
}
