//! The process run: posts the ready rows of a batch to Twenty exactly once.
//!
//! Every step reads stored state, does one thing, and stores what came of it. Before a call the intent is stored
//! with the key that the record will have; after it the outcome. A crash between the two leaves messages whose
//! arrival is unknown: they are probed by key before anything is sent again. `ground::run` decides the order.

mod commits;

use uuid::Uuid;

use self::commits::{
    cause, clashed, confirmed, contract_failure, finish, lease, mark_unknown, not_sent, probed, refused,
    start, unknown, write,
};
use super::pull::plain;
use super::{Means, Next, attempt, connection, pause_ms};
use crate::ground::id::{ConnectionId, ConnectionKey, Object, RunId, StagedId};
use crate::ground::outbox::Message;
use crate::ground::run::{ProcessRun, RunStatus, Step, next_step};
use crate::rails::twenty::Schema;
use crate::rails::twenty::map::GIFT_NEEDS;
use crate::rails::{CallClass, Outcome, Permit, Trouble};
use crate::store::{Changes, Fail, StoreError, WriteError};

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
        let chunk = self.means.create_max;
        let ready = ledger.ready_rows(run.batch, chunk)?;
        let step = next_step(&run, &messages, &ready, chunk);
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
        let permit = match self.means.gate.permit(CallClass::Person, run.request_id.as_deref()) {
            Ok(permit) => permit.attempt(attempt(self.failures)),
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
        key: ConnectionKey,
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
        let began = self.means.world.now();
        let outcome = self.means.rail.create(permit, Object::Gifts, &ids, &bodies).await;
        match outcome {
            Outcome::Confirmed(records) => {
                write(&self.means.store, self.run, move |view, run| {
                    confirmed(view, run, &group, &records, began)
                })
                .await?;
                self.failures = 0;
                Ok(Next::Again)
            }
            Outcome::Unknown(said) => {
                let told = format!(
                    "It is not known whether Twenty got the last gifts ({said}). Looking there first."
                );
                write(&self.means.store, self.run, move |view, run| unknown(view, run, &group, told)).await?;
                Ok(self.pause())
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
        let began = self.means.world.now();
        match self.means.rail.probe(permit, Object::Gifts, &ids).await {
            Ok(found) => {
                write(&self.means.store, self.run, move |view, run| {
                    probed(view, run, messages, &found, began)
                })
                .await?;
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
            Ok((Changes::new(cause(run, "Run waits")), ()))
        })
        .await?;
        Ok(self.pause())
    }
}
