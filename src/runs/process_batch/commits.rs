//! What each step of the process run stores: decisions on what is newest, in one transaction each.
//!
//! Every one can be made twice without harm: what was already decided is found decided.

use std::collections::BTreeMap;

use super::{Decided, Stored};
use crate::ground::crm::GiftRecord;
use crate::ground::id::{
    ConnectionId, ConnectionKey, GiftId, Object, RunId, StagedId, SubjectKey, upstream_key,
};
use crate::ground::journal::{Actor, Cause, SubjectState};
use crate::ground::outbox::{Arrival, Expected, Message};
use crate::ground::person::Person;
use crate::ground::provision::usable;
use crate::ground::run::{ProcessRun, halved};
use crate::ground::staging::{Progress, StagedRow, Status};
use crate::ground::texts;
use crate::ground::time::Instant;
use crate::ground::workspace::Schema;
use crate::rails::RawRecord;
use crate::rails::twenty::map::gift_body;
use crate::runs::see::see;
use crate::store::{Changes, Store, StoreError, View};

/// How often in a row a group may bring no usable answer and not be found, before it is halved.
const MISSES_MAX: u8 = 3;

/// A record under our key, and when we asked for it.
#[derive(Clone, Copy)]
struct Found<'f> {
    record: &'f RawRecord,
    asked_at: Instant,
}

pub(super) fn cause(run: &ProcessRun, why: &str) -> Cause {
    Cause { actor: Actor::Run(run.id), why: why.into(), request_id: run.request_id.clone() }
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
    let rows = view.ledger().batch_rows(run.batch)?;
    run.start(rows.total() - rows.count(Status::Discarded), view.world.now());
    Ok((Changes::new(cause(run, "Run started")), ()))
}

pub(super) fn finish(view: &View<'_>, run: &mut ProcessRun) -> Decided<()> {
    let rows = view.ledger().batch_rows(run.batch)?;
    let open =
        rows.count(Status::Pending) + rows.count(Status::ReadyForProcess) + rows.count(Status::ProcessFailed);
    // Rows this run failed are errors, not untried.
    let untried = open.saturating_sub(run.tally.errors);
    run.finish(untried, view.world.now());
    Ok((Changes::new(cause(run, "Run ended")), ()))
}

/// Stores rows as held by the run, their gifts as pending, and the messages with their keys. Answers the messages
/// with the number of attempts of their rows, this one included.
pub(super) fn lease(
    view: &View<'_>,
    run: &mut ProcessRun,
    rows: &[StagedId],
    key: ConnectionKey,
    schema: &Schema,
) -> Decided<Vec<(Message, u32)>> {
    let mut changes = Changes::new(cause(run, "Being sent to Twenty"));
    let group = run.take_groups(1);
    let mut messages = Vec::new();
    run.note = None;
    for id in rows {
        // Scope is checked on the row itself, not only by the list it came from (domain 4.8.1).
        let row =
            view.ledger().staged(*id)?.map(|record| record.value).filter(|row| row.batch == Some(run.batch));
        let gift = row.as_ref().map(|row| GiftId(upstream_key(key, Object::Gifts, row.origin, "post")));
        let Some((row, gift)) =
            row.and_then(|row| gift.and_then(|gift| row.leased(run.id, gift).map(|row| (row, gift))))
        else {
            continue;
        };
        run.tally.leased += 1;
        let donor = match sendable(view, &row, schema)? {
            Ok(donor) => donor,
            Err(reason) => {
                run.row_failed(row.id, false, reason.clone(), view.world.now());
                let row = row.failed(reason);
                changes.update(Object::GiftStaging, row.id.0, &row)?;
                continue;
            }
        };
        let body = gift_body(&row, gift, donor.as_ref().and_then(Person::display_name).as_deref(), schema);
        let expected = Expected {
            amount: row.amount,
            gift_date: row.gift_date,
            donor: row.donor.person(),
            company: row.company,
        };
        let message = Message {
            run: run.id,
            row: row.id,
            key: gift,
            group,
            arrival: Arrival::Unknown,
            clash_probed: false,
            misses: 0,
            body,
            expected,
        };
        changes.message(ConnectionId::TWENTY, &message, true)?;
        // A gift that Twenty already has (an earlier attempt arrived) is not pending.
        if is_pending_or_gone(view, gift)? {
            changes.pending(SubjectKey::twenty(Object::Gifts, gift.0), message.body.clone());
        }
        changes.update(Object::GiftStaging, row.id.0, &row)?;
        messages.push((message, row.attempts));
    }
    Ok((changes, messages))
}

fn is_pending_or_gone(view: &View<'_>, gift: GiftId) -> Result<bool, StoreError> {
    let record = view.ledger().record_of(&SubjectKey::twenty(Object::Gifts, gift.0))?;
    Ok(record.is_none_or(|record| matches!(record.state, SubjectState::Pending | SubjectState::Gone)))
}

/// The donor's name source for a row that can be sent, or why it cannot.
fn sendable(
    view: &View<'_>,
    row: &StagedRow,
    schema: &Schema,
) -> Result<Result<Option<Person>, String>, StoreError> {
    if row.company.is_some() && !usable(schema, "gifts", "companyId") {
        return Ok(Err(texts::NO_COMPANY_FIELD.to_owned()));
    }
    let Some(id) = row.donor.person() else { return Ok(Ok(None)) };
    let person = view.ledger().person(id)?;
    Ok(match person {
        Some(record) if record.state == SubjectState::Live => Ok(Some(record.value)),
        _ => Err(texts::DONOR_IS_GONE.to_owned()),
    })
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

/// Twenty has the record: the gift is what Twenty says, the row is posted, the message is done.
fn adopt(
    view: &View<'_>,
    run: &mut ProcessRun,
    changes: &mut Changes,
    message: &Message,
    found: Found<'_>,
    alone: bool,
) -> Result<(), StoreError> {
    see(view, changes, Object::Gifts, found.record, found.asked_at)?;
    changes.message(ConnectionId::TWENTY, message, false)?;
    let now = view.world.now();
    if let Some(row) = held_row(view, message)? {
        changes.update(Object::GiftStaging, row.id.0, &row.clone().posted(message.key, now))?;
        run.row_posted(row.id, alone, now);
    }
    Ok(())
}

/// The row goes back to people with a reason; its gift is taken back unless Twenty has it.
fn give_up(
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
        changes.update(Object::GiftStaging, row.id.0, &row.clone().failed(reason.to_owned()))?;
        run.row_failed(row.id, alone, reason.to_owned(), view.world.now());
    }
    Ok(())
}

fn held_row(view: &View<'_>, message: &Message) -> Result<Option<StagedRow>, StoreError> {
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
    for message in group {
        let Some(record) = records.iter().find(|record| record.id == message.key.0) else { continue };
        if let Some(held) = stored(view, message)? {
            judge_found(view, run, &mut changes, &held, Found { record, asked_at }, alone)?;
        }
    }
    Ok((changes, ()))
}

/// A record under our key is adopted only if amount, currency, date and donor are ours and it is not deleted.
fn judge_found(
    view: &View<'_>,
    run: &mut ProcessRun,
    changes: &mut Changes,
    message: &Message,
    found: Found<'_>,
    alone: bool,
) -> Result<(), StoreError> {
    let record = found.record;
    let gift = serde_json::from_str::<GiftRecord>(&record.json).ok().map(GiftRecord::into_gift);
    let ours = gift.is_some_and(|gift| message.expected.is(&gift));
    if ours && !record.deleted {
        return adopt(view, run, changes, message, found, alone);
    }
    let reason = if record.deleted { texts::CLASH_DELETED } else { texts::CLASH_DIFFERENT };
    give_up_found(view, run, changes, message, found, reason)
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
    for message in messages {
        let Some(held) = stored(view, &message)? else { continue };
        if let Some(record) = records.iter().find(|record| record.id == held.key.0) {
            judge_found(view, run, &mut changes, &held, Found { record, asked_at }, false)?;
        } else {
            let misses = held.misses + u8::from(!held.clash_probed);
            let unsent = Message { arrival: Arrival::NotSent, misses, ..held };
            absent.entry(unsent.group).or_default().push(unsent);
        }
    }
    for group in absent.into_values() {
        not_there(view, run, &mut changes, group)?;
    }
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
    schema: &Schema,
) -> Decided<()> {
    let mut changes = Changes::new(cause(run, "Twenty's fields changed"));
    run.execution.calls += 1;
    for message in group {
        let Some(held) = stored(view, &message)? else { continue };
        let Some(row) = held_row(view, &held)? else { continue };
        let donor = match sendable(view, &row, schema)? {
            Ok(donor) => donor,
            Err(reason) => {
                give_up(view, run, &mut changes, &held, &reason, false)?;
                continue;
            }
        };
        let name = donor.as_ref().and_then(Person::display_name);
        let body = gift_body(&row, held.key, name.as_deref(), schema);
        let rebuilt = Message { arrival: Arrival::NotSent, body, ..held };
        changes.message(ConnectionId::TWENTY, &rebuilt, true)?;
        if is_pending_or_gone(view, rebuilt.key)? {
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
    run.fail(format!("{said}. The run was stopped, since going on might post a gift twice. Put its failed rows back to review and process them again: Almoner looks in Twenty first."), view.world.now());
    Ok((changes, ()))
}
