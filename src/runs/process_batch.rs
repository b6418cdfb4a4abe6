//! The process run: posts the ready rows of a batch to Twenty exactly once.
//!
//! Every step reads stored state, does one thing, and stores what came of it. Before a call the intent is stored
//! with the key that the record will have; after it the outcome. A crash between the two leaves messages whose
//! arrival is unknown: they are probed by key before anything is sent again. `ground::run` decides the order.

use uuid::Uuid;

use super::pull::plain;
use super::{Means, Next, connection, pause_ms};
use crate::ground::crm::GiftRecord;
use crate::ground::id::{ConnectionId, GiftId, Object, RunId, StagedId, SubjectKey, upstream_key};
use crate::ground::journal::{Actor, Cause, SubjectState};
use crate::ground::outbox::{Arrival, Expected, Message};
use crate::ground::person::Person;
use crate::ground::run::{CHUNK, ProcessRun, RunStatus, Step, halved, next_step};
use crate::ground::staging::{Progress, Status};
use crate::ground::texts;
use crate::rails::twenty::Schema;
use crate::rails::twenty::map::{GIFT_NEEDS, gift_body};
use crate::rails::{CallClass, Outcome, Permit, RawRecord, Trouble};
use crate::store::{Changes, Fail, Store, StoreError, View, WriteError};

type Stored<T> = Result<T, WriteError<()>>;
type Decided<T> = Result<(Changes, T), Fail<()>>;

/// One process run at work.
pub struct ProcessBatch {
    means: Means,
    run: RunId,
    failures: u32,
}

/// What a step begins with.
struct Basis {
    run: ProcessRun,
    step: Step,
    connection: connection::Connection,
}

impl ProcessBatch {
    /// The run with this id.
    pub const fn new(means: Means, run: RunId) -> Self {
        Self { means, run, failures: 0 }
    }

    /// One step: one call at most.
    pub async fn step(&mut self) -> Next {
        match self.try_step().await {
            Ok(next) => next,
            Err(_) => self.pause(),
        }
    }

    fn pause(&mut self) -> Next {
        let pause = pause_ms(self.failures);
        self.failures += 1;
        Next::Wait(self.means.world.now().plus_millis(pause))
    }

    fn basis(&self) -> Result<Option<Basis>, StoreError> {
        let snapshot = self.means.store.snapshot()?;
        let ledger = snapshot.ledger();
        let run = ledger.run(self.run)?.map(|record| record.value);
        let (Some(run), Some(connection)) =
            (run.filter(|run| run.status.is_active()), connection::load(&ledger)?)
        else {
            return Ok(None);
        };
        let messages = ledger.messages(ConnectionId::TWENTY, run.id)?;
        let ready = ledger.ready_rows(run.batch, CHUNK)?;
        let step = next_step(&run, &messages, &ready);
        Ok(Some(Basis { run, step, connection }))
    }

    async fn try_step(&mut self) -> Stored<Next> {
        let Some(Basis { run, step, connection }) = self.basis().map_err(WriteError::Store)? else {
            return Ok(Next::Idle);
        };
        if run.status == RunStatus::Queued {
            write(&self.means.store, self.run, start).await?;
            return Ok(Next::Again);
        }
        let Some(schema) = connection.schema else {
            return self.troubled("Waiting until Twenty's objects and fields are known.".into()).await;
        };
        let lacking = schema.missing("gifts", &GIFT_NEEDS);
        if !lacking.is_empty() && !matches!(step, Step::Finish) {
            let told = format!(
                "Twenty's gifts lack the field(s) {}. Add them in Twenty; the run goes on by itself.",
                lacking.join(", ")
            );
            return self.troubled(told).await;
        }
        if step == Step::Finish {
            write(&self.means.store, self.run, finish).await?;
            return Ok(Next::Again);
        }
        let permit = match self.means.gate.permit(CallClass::Person) {
            Ok(permit) => permit,
            Err(until) => return Ok(Next::Wait(until)),
        };
        match step {
            Step::Probe(messages) => self.probe(&permit, messages).await,
            Step::Send(messages) => self.send(&permit, messages).await,
            Step::Lease(rows) => self.lease(&permit, rows, connection.key, schema).await,
            Step::Finish => Ok(Next::Idle),
        }
    }

    /// Leases rows and stores what will be sent, then sends what was never sent before.
    async fn lease(
        &mut self,
        permit: &Permit,
        rows: Vec<StagedId>,
        key: crate::ground::id::ConnectionKey,
        schema: Schema,
    ) -> Stored<Next> {
        let messages =
            write(&self.means.store, self.run, move |view, run| lease(view, run, &rows, key, &schema))
                .await?;
        // A row that was tried before may have arrived then: the next step probes it.
        let fresh: Vec<Message> =
            messages.into_iter().filter(|(_, attempts)| *attempts == 1).map(|(message, _)| message).collect();
        if fresh.is_empty() { Ok(Next::Again) } else { self.call(permit, fresh).await }
    }

    /// Sends a group that certainly is not there; first its arrival is marked unknown.
    async fn send(&mut self, permit: &Permit, group: Vec<Message>) -> Stored<Next> {
        let marked = group.clone();
        let held =
            write(&self.means.store, self.run, move |view, run| mark_unknown(view, run, marked)).await?;
        if held { self.call(permit, group).await } else { Ok(Next::Again) }
    }

    async fn call(&mut self, permit: &Permit, group: Vec<Message>) -> Stored<Next> {
        let ids: Vec<Uuid> = group.iter().map(|message| message.key.0).collect();
        let bodies: Vec<&str> = group.iter().map(|message| message.body.as_str()).collect();
        let outcome = self.means.rail.create(permit, Object::Gifts, &ids, &bodies).await;
        match outcome {
            Outcome::Confirmed(records) => {
                write(&self.means.store, self.run, move |view, run| confirmed(view, run, &group, &records))
                    .await?;
                self.failures = 0;
                Ok(Next::Again)
            }
            Outcome::Unknown(said) => {
                self.troubled(format!(
                    "It is not known whether Twenty got the last gifts ({said}). Looking there first."
                ))
                .await
            }
            Outcome::Rejected(trouble) => self.rejected(group, trouble).await,
        }
    }

    async fn rejected(&mut self, group: Vec<Message>, trouble: Trouble) -> Stored<Next> {
        self.means.gate.learn(&trouble);
        match trouble {
            Trouble::Broken(said) => {
                write(&self.means.store, self.run, move |view, run| contract_failure(view, run, &said))
                    .await?;
                Ok(Next::Again)
            }
            Trouble::Refused(said) => {
                write(&self.means.store, self.run, move |view, run| refused(view, run, &group, &said))
                    .await?;
                Ok(Next::Again)
            }
            Trouble::Clash(said) => {
                write(&self.means.store, self.run, move |view, run| clashed(view, run, &group, &said))
                    .await?;
                Ok(Next::Again)
            }
            // Nothing happened: what was marked unknown is known not to be there.
            Trouble::Later { .. } | Trouble::Denied(_) | Trouble::Gone(_) => {
                write(&self.means.store, self.run, move |view, run| not_sent(view, run, group)).await?;
                self.troubled(plain(&trouble)).await
            }
        }
    }

    async fn probe(&mut self, permit: &Permit, messages: Vec<Message>) -> Stored<Next> {
        let ids: Vec<Uuid> = messages.iter().map(|message| message.key.0).collect();
        match self.means.rail.probe(permit, Object::Gifts, &ids).await {
            Ok(found) => {
                write(&self.means.store, self.run, move |view, run| probed(view, run, messages, &found))
                    .await?;
                self.failures = 0;
                Ok(Next::Again)
            }
            Err(Trouble::Broken(said)) => {
                write(&self.means.store, self.run, move |view, run| contract_failure(view, run, &said))
                    .await?;
                Ok(Next::Again)
            }
            Err(trouble) => {
                self.means.gate.learn(&trouble);
                self.troubled(plain(&trouble)).await
            }
        }
    }

    /// Says on the run what is in the way, and waits.
    async fn troubled(&mut self, told: String) -> Stored<Next> {
        write(&self.means.store, self.run, move |_, run| {
            run.note = Some(told);
            Ok((Changes::new(cause(run, "Being sent to Twenty")), ()))
        })
        .await?;
        Ok(self.pause())
    }
}

fn cause(run: &ProcessRun, why: &str) -> Cause {
    Cause { actor: Actor::Run(run.id), why: why.into(), request_id: run.request_id.clone() }
}

/// Stores what `decide` makes of the run and everything else. The run is read anew inside the write; one that is
/// not active any more is left alone.
async fn write<T, F>(store: &Store, id: RunId, decide: F) -> Stored<T>
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

fn start(view: &View<'_>, run: &mut ProcessRun) -> Decided<()> {
    let rows = view.ledger().batch_rows(run.batch)?;
    run.start(rows.total() - rows.count(Status::Discarded), view.world.now());
    Ok((Changes::new(cause(run, "Run started")), ()))
}

fn finish(view: &View<'_>, run: &mut ProcessRun) -> Decided<()> {
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
fn lease(
    view: &View<'_>,
    run: &mut ProcessRun,
    rows: &[StagedId],
    key: crate::ground::id::ConnectionKey,
    schema: &Schema,
) -> Decided<Vec<(Message, u32)>> {
    let mut changes = Changes::new(cause(run, "Run waits"));
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
        let donor = match donor_of(view, &row)? {
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

/// The chosen donor, who must still be in Twenty.
fn donor_of(
    view: &View<'_>,
    row: &crate::ground::staging::StagedRow,
) -> Result<Result<Option<Person>, String>, StoreError> {
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
fn mark_unknown(view: &View<'_>, run: &mut ProcessRun, group: Vec<Message>) -> Decided<bool> {
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
fn not_sent(view: &View<'_>, run: &mut ProcessRun, group: Vec<Message>) -> Decided<()> {
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
    record: &RawRecord,
    alone: bool,
) -> Result<(), StoreError> {
    changes.seen(
        SubjectKey::twenty(Object::Gifts, record.id),
        record.json.clone(),
        record.deleted,
        record.updated,
    );
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

fn held_row(
    view: &View<'_>,
    message: &Message,
) -> Result<Option<crate::ground::staging::StagedRow>, StoreError> {
    let row = view.ledger().staged(message.row)?.map(|record| record.value);
    Ok(row.filter(|row| matches!(row.progress, Progress::Sending { run, .. } if run == message.run)))
}

const fn is_alone(run: &ProcessRun, group: usize) -> bool {
    group == 1 && run.execution.splits > 0
}

fn confirmed(view: &View<'_>, run: &mut ProcessRun, group: &[Message], records: &[RawRecord]) -> Decided<()> {
    let mut changes = Changes::new(cause(run, "Twenty has it"));
    run.execution.calls += 1;
    run.note = None;
    let alone = is_alone(run, group.len());
    for message in group {
        let Some(record) = records.iter().find(|record| record.id == message.key.0) else { continue };
        if let Some(held) = stored(view, message)? {
            judge_found(view, run, &mut changes, &held, record, alone)?;
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
    record: &RawRecord,
    alone: bool,
) -> Result<(), StoreError> {
    let gift = serde_json::from_str::<GiftRecord>(&record.json).ok().map(GiftRecord::into_gift);
    let ours = gift.is_some_and(|gift| message.expected.is(&gift));
    if ours && !record.deleted {
        return adopt(view, run, changes, message, record, alone);
    }
    let reason = if record.deleted { texts::CLASH_DELETED } else { texts::CLASH_DIFFERENT };
    give_up_found(view, run, changes, message, record, reason)
}

/// Like [`give_up`], but Twenty has a record: the mirror shows it as it is there.
fn give_up_found(
    view: &View<'_>,
    run: &mut ProcessRun,
    changes: &mut Changes,
    message: &Message,
    record: &RawRecord,
    reason: &str,
) -> Result<(), StoreError> {
    changes.message(ConnectionId::TWENTY, message, false)?;
    changes.seen(
        SubjectKey::twenty(Object::Gifts, record.id),
        record.json.clone(),
        record.deleted,
        record.updated,
    );
    if let Some(row) = held_row(view, message)? {
        changes.update(Object::GiftStaging, row.id.0, &row.clone().failed(reason.to_owned()))?;
        run.row_failed(row.id, false, reason.to_owned(), view.world.now());
    }
    Ok(())
}

fn probed(view: &View<'_>, run: &mut ProcessRun, messages: Vec<Message>, found: &[RawRecord]) -> Decided<()> {
    let mut changes = Changes::new(cause(run, "Looked for in Twenty"));
    run.execution.probes += 1;
    run.note = None;
    for message in messages {
        let Some(held) = stored(view, &message)? else { continue };
        match found.iter().find(|record| record.id == held.key.0) {
            Some(record) => judge_found(view, run, &mut changes, &held, record, false)?,
            None => {
                changes.message(
                    ConnectionId::TWENTY,
                    &Message { arrival: Arrival::NotSent, ..held },
                    true,
                )?;
            }
        }
    }
    Ok((changes, ()))
}

/// Twenty refused the data of a group and kept nothing: halves are tried apart; a single row gets the reason.
fn refused(view: &View<'_>, run: &mut ProcessRun, group: &[Message], said: &str) -> Decided<()> {
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

/// Twenty spoke of a duplicate: perhaps an earlier call arrived after all. All ids are probed once; if Twenty says
/// it again, another unique field is meant, and the group is halved like any refusal of data.
fn clashed(view: &View<'_>, run: &mut ProcessRun, group: &[Message], said: &str) -> Decided<()> {
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
fn contract_failure(view: &View<'_>, run: &mut ProcessRun, said: &str) -> Decided<()> {
    tracing::error!(event = "gift_batch_process_correlation_contract_failure", batchId = %run.batch, runId = %run.id, reason = said);
    let mut changes = Changes::new(cause(run, "Twenty's answer did not fit"));
    for message in view.ledger().messages(ConnectionId::TWENTY, run.id)? {
        // What certainly is not there was merely not tried; it goes back with the rest, so that one look settles all.
        give_up(view, run, &mut changes, &message, texts::CONTRACT_FAILURE, false)?;
    }
    run.fail(format!("{said}. The run was stopped, since going on might post a gift twice. Put its failed rows back to review and process them again: Almoner looks in Twenty first."), view.world.now());
    Ok((changes, ()))
}
