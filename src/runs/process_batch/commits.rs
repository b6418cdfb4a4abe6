//! What each step of the process run stores: decisions on what is newest, in one transaction each.
//!
//! Every one can be made twice without harm: what was already decided is found decided.

use std::collections::{BTreeMap, BTreeSet};

use super::compose::{self, Basis, compose, giver, rows_of};
use super::{Decided, Stored, donors, making};
use crate::ground::crm::GiftRecord;
use crate::ground::id::{ConnectionId, ConnectionKey, GiftId, Object, RunId, StagedId, SubjectKey};
use crate::ground::journal::{Actor, Cause, SubjectState};
use crate::ground::outbox::{Arrival, Message};
use crate::ground::run::{ProcessRun, RunKind, halved};
use crate::ground::staging::{Progress, StagedRow, Status};
use crate::ground::texts;
use crate::ground::time::Instant;
use crate::ground::workspace::Schema;
use crate::rails::RawRecord;
use crate::runs::restored::may_have_been_sent;
use crate::runs::see::see;
use crate::store::{Changes, Store, StoreError, View};

/// How often in a row a group may bring no usable answer and not be found, before it is halved.
const MISSES_MAX: u8 = 3;

/// A record under our key, and when we asked for it.
#[derive(Clone, Copy)]
pub(super) struct Found<'f> {
    pub(super) record: &'f RawRecord,
    pub(super) asked_at: Instant,
}

pub(super) fn cause(run: &ProcessRun, why: &str) -> Cause {
    Cause { actor: Actor::Run(run.id), why: why.into(), request_id: run.request_id.clone() }
}

/// A cause that is Almoner itself.
pub(super) fn system(why: &str) -> Cause {
    Cause { actor: Actor::System, why: why.into(), request_id: None }
}

/// Stores what `decide` makes of the run and everything else. The run is read anew inside the write; one that is
/// not active any more is left alone.
pub(super) async fn write<T, F>(store: &Store, id: RunId, decide: F) -> Stored<T>
where
    T: Send + Default + 'static,
    F: FnOnce(&View<'_>, &mut ProcessRun) -> Decided<T> + Send + 'static,
{
    let (_, value) = store
        .write(move |view| {
            let stored =
                view.ledger().run(id)?.map(|record| record.value).filter(|run| run.status.is_active());
            let Some(mut run) = stored else {
                return Ok((
                    Changes::new(Cause { actor: Actor::Run(id), why: String::new(), request_id: None }),
                    T::default(),
                ));
            };
            let (mut changes, value) = decide(view, &mut run)?;
            changes.update(Object::Run, id.0, &run)?;
            Ok((changes, value))
        })
        .await?;
    Ok(value)
}

pub(super) fn start(view: &View<'_>, run: &mut ProcessRun) -> Decided<()> {
    let rows = if run.only.is_some() {
        1
    } else if run.kind == RunKind::CreateDonors {
        run.wanted.len() as u64
    } else {
        let rows = view.ledger().batch_rows(run.batch)?;
        rows.total() - rows.count(Status::Discarded)
    };
    run.start(rows, view.world.now());
    Ok((Changes::new(cause(run, "Run started")), ()))
}

/// Rows of the batch that this run leaves as they are. Rows it failed are errors, not untried.
fn untried(view: &View<'_>, run: &ProcessRun) -> Result<u64, StoreError> {
    if run.only.is_some() {
        return Ok(u64::from(run.tally.attempted == 0));
    }
    if run.kind == RunKind::CreateDonors {
        return Ok((run.wanted.len() as u64).saturating_sub(run.tally.attempted));
    }
    let rows = view.ledger().batch_rows(run.batch)?;
    let open =
        rows.count(Status::Pending) + rows.count(Status::ReadyForProcess) + rows.count(Status::ProcessFailed);
    Ok(open.saturating_sub(run.tally.errors))
}

/// A person stopped the run: what certainly was not sent is ready as before, and the run ends.
pub(super) fn give_back(view: &View<'_>, run: &mut ProcessRun) -> Decided<()> {
    let mut changes = Changes::new(cause(run, "Run stopped"));
    let mut back = 0;
    for message in view.ledger().messages(ConnectionId::TWENTY, run.id)? {
        if message.arrival == Arrival::Unknown {
            // It may have arrived since this was decided: looked for first.
            return Ok((changes, ()));
        }
        changes.message(ConnectionId::TWENTY, &message, false)?;
        let key = SubjectKey::twenty(Object::Gifts, message.key.0);
        let gift = view.ledger().record_of(&key)?.filter(|gift| gift.state == SubjectState::Pending);
        if let Some(gift) = gift {
            changes.withdrawn(key, gift.value);
        }
        if let Some(row) = held_row(view, &message)? {
            let makes = run.kind == RunKind::CreateDonors;
            let row = if makes { row.let_go() } else { row.given_back() };
            changes.update(Object::GiftStaging, row.id.0, &row)?;
            // Donors that were not made count as untried by themselves.
            back += u64::from(!makes);
        }
    }
    run.tally.leased = run.tally.leased.saturating_sub(back);
    let untried = untried(view, run)? + back;
    run.cancel(untried, view.world.now());
    Ok((changes, ()))
}

pub(super) fn finish(view: &View<'_>, run: &mut ProcessRun) -> Decided<()> {
    let untried = untried(view, run)?;
    run.finish(untried, view.world.now());
    Ok((Changes::new(cause(run, "Run ended")), ()))
}

/// Stores rows as held by the run, their gifts as pending, and the messages with their keys. Answers the messages that
/// the next call takes: those that were never tried before and go first.
pub(super) fn lease(
    view: &View<'_>,
    run: &mut ProcessRun,
    rows: &[StagedId],
    key: ConnectionKey,
    schema: &Schema,
) -> Decided<Vec<Message>> {
    let mut changes = Changes::new(cause(run, "Being sent to Twenty"));
    run.note = None;
    let basis = Basis { ledger: view.ledger(), key, schema };
    let rows = rows_of(view.ledger(), run.batch, rows)?;
    let composed = compose(basis, run.id, rows, run.next_group, &mut BTreeSet::new())?;
    run.take_groups(composed.groups);
    for (row, reason) in composed.refused {
        run.tally.leased += 1;
        run.row_failed(row.id, false, reason.clone(), view.world.now());
        changes.update(Object::GiftStaging, row.id.0, &row.clone().failed(reason))?;
    }
    let mut goes_now = Vec::new();
    for (row, mut message) in composed.sent {
        run.tally.leased += 1;
        // After a restore, a ledger that is no more may have tried it: the next step probes.
        let tried_before = row.attempts > 1 || may_have_been_sent(view.ledger(), row.received_at)?;
        if tried_before {
            message.arrival = Arrival::Unknown;
        }
        changes.message(ConnectionId::TWENTY, &message, true)?;
        // A gift that Twenty already has (an earlier attempt arrived) is not pending.
        if is_pending_or_gone(view, message.key)? {
            changes.pending(SubjectKey::twenty(Object::Gifts, message.key.0), message.body.clone());
        }
        changes.update(Object::GiftStaging, row.id.0, &row)?;
        if !tried_before && message.arrival == Arrival::Unknown {
            goes_now.push(message);
        }
    }
    Ok((changes, goes_now))
}

fn is_pending_or_gone(view: &View<'_>, gift: GiftId) -> Result<bool, StoreError> {
    let record = view.ledger().record_of(&SubjectKey::twenty(Object::Gifts, gift.0))?;
    Ok(record.is_none_or(|record| matches!(record.state, SubjectState::Pending | SubjectState::Gone)))
}

/// The stored message, if it is still on its way.
fn stored(view: &View<'_>, message: &Message) -> Result<Option<Message>, StoreError> {
    view.ledger().message(ConnectionId::TWENTY, message.run, message.row)
}

/// Before a call: from here on it is not known whether the group arrived. Answers whether all of it is still held.
pub(super) fn mark_unknown(view: &View<'_>, run: &mut ProcessRun, group: Vec<Message>) -> Decided<bool> {
    let mut changes = Changes::new(cause(run, "Being sent to Twenty again"));
    let count = group.len();
    let mut held = 0;
    for message in group {
        if stored(view, &message)?.as_ref() == Some(&message) {
            changes.message(ConnectionId::TWENTY, &Message { arrival: Arrival::Unknown, ..message }, true)?;
            held += 1;
        }
    }
    Ok((changes, held == count))
}

/// After a call that certainly did nothing.
pub(super) fn not_sent(view: &View<'_>, run: &mut ProcessRun, group: Vec<Message>) -> Decided<()> {
    let mut changes = Changes::new(cause(run, "Twenty took nothing yet"));
    for message in group {
        if let Some(held) = stored(view, &message)? {
            changes.message(ConnectionId::TWENTY, &Message { arrival: Arrival::NotSent, ..held }, true)?;
        }
    }
    Ok((changes, ()))
}

/// Twenty has the record: the gift is what Twenty says, the row is posted, the message is done. Answers the row.
fn adopt(
    view: &View<'_>,
    run: &mut ProcessRun,
    changes: &mut Changes,
    message: &Message,
    found: Found<'_>,
    alone: bool,
) -> Result<Option<StagedRow>, StoreError> {
    see(view, changes, Object::Gifts, found.record, found.asked_at)?;
    changes.message(ConnectionId::TWENTY, message, false)?;
    let now = view.world.now();
    let Some(row) = held_row(view, message)? else { return Ok(None) };
    // An instalment of a regular gift always travels alone.
    let alone = alone || row.coding.agreement.is_some();
    let row = row.posted(message.key, now);
    changes.update(Object::GiftStaging, row.id.0, &row)?;
    run.row_posted(row.id, alone, now);
    donors::keep_what_was_told(view, run, changes, &row)?;
    Ok(Some(row))
}

/// The row goes back to people with a reason; its gift is taken back unless Twenty has it.
pub(super) fn give_up(
    view: &View<'_>,
    run: &mut ProcessRun,
    changes: &mut Changes,
    message: &Message,
    reason: &str,
    alone: bool,
) -> Result<(), StoreError> {
    changes.message(ConnectionId::TWENTY, message, false)?;
    let key = SubjectKey::twenty(Object::Gifts, message.key.0);
    if let Some(gift) = view.ledger().record_of(&key)?.filter(|gift| gift.state == SubjectState::Pending) {
        changes.withdrawn(key, gift.value);
    }
    if let Some(row) = held_row(view, message)? {
        if run.kind == RunKind::CreateDonors {
            return making::not_made(view, run, changes, row, reason);
        }
        changes.update(Object::GiftStaging, row.id.0, &row.clone().failed(reason.to_owned()))?;
        run.row_failed(row.id, alone, reason.to_owned(), view.world.now());
    }
    Ok(())
}

pub(super) fn held_row(view: &View<'_>, message: &Message) -> Result<Option<StagedRow>, StoreError> {
    let row = view.ledger().staged(message.row)?.map(|record| record.value);
    Ok(row.filter(|row| matches!(row.progress, Progress::Sending { run, .. } if run == message.run)))
}

const fn is_alone(run: &ProcessRun, group: usize) -> bool {
    group == 1 && run.execution.splits > 0
}

pub(super) fn confirmed(
    view: &View<'_>,
    run: &mut ProcessRun,
    group: &[Message],
    records: &[RawRecord],
    asked_at: Instant,
) -> Decided<()> {
    let mut changes = Changes::new(cause(run, "Twenty has it"));
    run.execution.calls += 1;
    run.note = None;
    let alone = is_alone(run, group.len());
    let mut posted = Vec::new();
    for message in group {
        let Some(record) = records.iter().find(|record| record.id == message.on_its_way()) else { continue };
        if let Some(held) = stored(view, message)?.filter(|held| held.first == message.first) {
            posted.extend(judge_found(view, run, &mut changes, held, Found { record, asked_at }, alone)?);
        }
    }
    changes.posted(view, &posted)?;
    Ok((changes, ()))
}

/// A record under our key is adopted only if amount, currency, date and donor are ours and it is not deleted. Answers
/// the row, if its gift is in Twenty now.
fn judge_found(
    view: &View<'_>,
    run: &mut ProcessRun,
    changes: &mut Changes,
    message: Message,
    found: Found<'_>,
    alone: bool,
) -> Result<Option<StagedRow>, StoreError> {
    if message.first.is_some() {
        donors::judge_donor(view, run, changes, message, found)?;
        return Ok(None);
    }
    let record = found.record;
    let gift = serde_json::from_str::<GiftRecord>(&record.json).ok().map(GiftRecord::into_gift);
    let ours = gift.is_some_and(|gift| message.expected.is(&gift));
    if ours && !record.deleted {
        return adopt(view, run, changes, &message, found, alone);
    }
    let reason = if record.deleted { texts::CLASH_DELETED } else { texts::CLASH_DIFFERENT };
    give_up_found(view, run, changes, &message, found, reason)?;
    Ok(None)
}

/// Like [`give_up`], but Twenty has a record: the mirror shows it as it is there.
fn give_up_found(
    view: &View<'_>,
    run: &mut ProcessRun,
    changes: &mut Changes,
    message: &Message,
    found: Found<'_>,
    reason: &str,
) -> Result<(), StoreError> {
    changes.message(ConnectionId::TWENTY, message, false)?;
    see(view, changes, Object::Gifts, found.record, found.asked_at)?;
    if let Some(row) = held_row(view, message)? {
        changes.update(Object::GiftStaging, row.id.0, &row.clone().failed(reason.to_owned()))?;
        run.row_failed(row.id, false, reason.to_owned(), view.world.now());
    }
    Ok(())
}

pub(super) fn probed(
    view: &View<'_>,
    run: &mut ProcessRun,
    messages: Vec<Message>,
    records: &[RawRecord],
    asked_at: Instant,
) -> Decided<()> {
    let mut changes = Changes::new(cause(run, "Looked for in Twenty"));
    run.execution.probes += 1;
    let mut absent: BTreeMap<u32, Vec<Message>> = BTreeMap::new();
    let mut posted = Vec::new();
    for message in messages {
        let Some(held) = stored(view, &message)?.filter(|held| held.first == message.first) else { continue };
        if let Some(record) = records.iter().find(|record| record.id == held.on_its_way()) {
            posted.extend(judge_found(view, run, &mut changes, held, Found { record, asked_at }, false)?);
        } else {
            let misses = held.misses + u8::from(!held.clash_probed);
            let unsent = Message { arrival: Arrival::NotSent, misses, ..held };
            absent.entry(unsent.group).or_default().push(unsent);
        }
    }
    for group in absent.into_values() {
        not_there(view, run, &mut changes, group)?;
    }
    changes.posted(view, &posted)?;
    Ok((changes, ()))
}

/// A group that is certainly not there may be sent; one that brought no usable answer several times running is halved,
/// so that a single row that makes Twenty fail does not hold up the others.
fn not_there(
    view: &View<'_>,
    run: &mut ProcessRun,
    changes: &mut Changes,
    group: Vec<Message>,
) -> Result<(), StoreError> {
    if group.iter().all(|message| message.misses < MISSES_MAX) {
        return keep(changes, &group);
    }
    if let Some(halves) = halved(group.clone(), run.next_group) {
        run.take_groups(2);
        run.execution.splits += 1;
        return keep(changes, &halves);
    }
    for message in group {
        tracing::error!(
            event = "twenty_proxy_exhausted_retries",
            requestId = run.request_id.as_deref(),
            runId = %run.id,
            rowId = %message.row,
            attempt = message.misses,
            maxAttempts = MISSES_MAX
        );
        give_up(view, run, changes, &message, texts::NO_ANSWER, true)?;
    }
    Ok(())
}

fn keep(changes: &mut Changes, messages: &[Message]) -> Result<(), StoreError> {
    messages.iter().try_for_each(|message| changes.message(ConnectionId::TWENTY, message, true))
}

/// After a call without a usable answer. What an earlier clash taught says nothing of this call.
pub(super) fn unknown(view: &View<'_>, run: &mut ProcessRun, group: &[Message], told: String) -> Decided<()> {
    let mut changes = Changes::new(cause(run, "Twenty gave no usable answer"));
    run.note = Some(told);
    run.execution.calls += 1;
    for message in group {
        if let Some(held) = stored(view, message)? {
            changes.message(ConnectionId::TWENTY, &Message { clash_probed: false, ..held }, true)?;
        }
    }
    Ok((changes, ()))
}

/// Twenty refused the data of a group and kept nothing: halves are tried apart; a single row gets the reason.
pub(super) fn refused(view: &View<'_>, run: &mut ProcessRun, group: &[Message], said: &str) -> Decided<()> {
    let mut changes = Changes::new(cause(run, "Twenty refused it"));
    run.execution.calls += 1;
    let mut held = Vec::new();
    for message in group {
        held.extend(stored(view, message)?);
    }
    if let Some(halves) = halved(held.clone(), run.next_group) {
        run.take_groups(2);
        run.execution.splits += 1;
        for message in halves {
            changes.message(ConnectionId::TWENTY, &message, true)?;
        }
        return Ok((changes, ()));
    }
    let alone = is_alone(run, group.len());
    for message in held {
        let reason = format!("{}{said}", texts::REFUSED_BY_TWENTY);
        give_up(view, run, &mut changes, &message, &reason, alone)?;
    }
    Ok((changes, ()))
}

/// After a refusal because of a field that is not there any more: nothing was kept, and the bodies are built anew.
pub(super) fn rebuilt(
    view: &View<'_>,
    run: &mut ProcessRun,
    group: Vec<Message>,
    key: ConnectionKey,
    schema: &Schema,
) -> Decided<()> {
    let mut changes = Changes::new(cause(run, "Twenty's fields changed"));
    run.execution.calls += 1;
    for message in group {
        let Some(held) = stored(view, &message)? else { continue };
        let Some(row) = held_row(view, &held)? else { continue };
        let basis = Basis { ledger: view.ledger(), key, schema };
        let giver = match giver(basis, &row)? {
            Ok(giver) => giver,
            Err(reason) => {
                give_up(view, run, &mut changes, &held, reason, false)?;
                continue;
            }
        };
        let gifts = held.first.as_ref().map_or(held.group, |first| first.then_group);
        let again = compose::message(basis, run.id, &row, &giver, (held.group, gifts));
        let rebuilt = Message { arrival: Arrival::NotSent, body: again.body, first: again.first, ..held };
        changes.message(ConnectionId::TWENTY, &rebuilt, true)?;
        if run.kind == RunKind::Process && is_pending_or_gone(view, rebuilt.key)? {
            changes.pending(SubjectKey::twenty(Object::Gifts, rebuilt.key.0), rebuilt.body);
        }
    }
    Ok((changes, ()))
}

/// Twenty spoke of a duplicate: perhaps an earlier call arrived after all. All ids are probed once; if Twenty says
/// it again, another unique field is meant, and the group is halved like any refusal of data.
pub(super) fn clashed(view: &View<'_>, run: &mut ProcessRun, group: &[Message], said: &str) -> Decided<()> {
    if group.iter().all(|message| message.clash_probed) {
        return refused(view, run, group, said);
    }
    let mut changes = Changes::new(cause(run, "Twenty spoke of a duplicate"));
    run.execution.calls += 1;
    for message in group {
        if let Some(held) = stored(view, message)? {
            changes.message(
                ConnectionId::TWENTY,
                &Message { arrival: Arrival::Unknown, clash_probed: true, ..held },
                true,
            )?;
        }
    }
    Ok((changes, ()))
}

/// The answer did not fit the question: nothing is guessed, nothing is sent again, the run stops. Its rows go back
/// to people; their keys stay, so that trying them again begins with a look.
pub(super) fn contract_failure(view: &View<'_>, run: &mut ProcessRun, said: &str) -> Decided<()> {
    tracing::error!(event = "gift_batch_process_correlation_contract_failure", batchId = %run.batch, runId = %run.id, reason = said);
    let mut changes = Changes::new(cause(run, "Twenty's answer did not fit"));
    for message in view.ledger().messages(ConnectionId::TWENTY, run.id)? {
        // What certainly is not there was merely not tried; it goes back with the rest, so that one look settles all.
        give_up(view, run, &mut changes, &message, texts::CONTRACT_FAILURE, false)?;
    }
    let why = if run.kind == RunKind::CreateDonors { texts::STOPPED_MAKING } else { texts::STOPPED_POSTING };
    run.fail(format!("{said}. {why}"), view.world.now());
    Ok((changes, ()))
}
