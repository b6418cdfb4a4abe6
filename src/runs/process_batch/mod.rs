//! The process run: posts the ready rows of a batch to Twenty exactly once.
//!
//! Every step reads stored state, does one thing, and stores what came of it. Before a call the intent is stored
//! with the key that the record will have; after it the outcome. A crash between the two leaves messages whose
//! arrival is unknown: they are probed by key before anything is sent again. `ground::run` decides the order.

mod commits;

use uuid::Uuid;

use self::commits::{
    cause, clashed, confirmed, contract_failure, finish, lease, mark_unknown, not_sent, probed, rebuilt,
    refused, start, unknown, write,
};
use super::{Means, Next, attempt, connection, pause_ms, plain};
use crate::ground::id::{ConnectionId, ConnectionKey, Names, RunId, StagedId};
use crate::ground::outbox::Message;
use crate::ground::provision::usable;
use crate::ground::run::{ProcessRun, RunStatus, Step, next_step};
use crate::ground::workspace::{Schema, Workspace};
use crate::rails::twenty::map::GIFT_NEEDS;
use crate::rails::{CallClass, Outcome, Permit, Trouble};
use crate::store::{Changes, Fail, StoreError, WriteError};

type Stored<T> = Result<T, WriteError<()>>;
type Decided<T> = Result<(Changes, T), Fail<()>>;

/// How Twenty says that an object has no field of a name (contract 1.12).
const UNKNOWN_FIELD: &str = "doesn't have any";

/// Gifts as Twenty names them.
fn gifts() -> Names {
    Names { singular: "gift".into(), plural: "gifts".into() }
}

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
    workspace: Workspace,
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
        let chunk = self.means.settings.create_max;
        let ready = ledger.ready_rows(run.batch, chunk)?;
        let step = next_step(&run, &messages, &ready, chunk);
        let workspace = ledger.workspace(ConnectionId::TWENTY)?;
        Ok(Some(Basis { run, step, connection, workspace }))
    }

    async fn try_step(&mut self) -> Stored<Next> {
        let Some(Basis { run, step, connection, workspace }) = self.basis().map_err(WriteError::Store)?
        else {
            return Ok(Next::Idle);
        };
        if run.status == RunStatus::Queued {
            write(&self.means.store, self.run, start).await?;
            return Ok(Next::Again);
        }
        let Some(schema) = workspace.schema else {
            return self.troubled("Waiting until Twenty's objects and fields are known.".into()).await;
        };
        let lacking: Vec<&str> =
            GIFT_NEEDS.into_iter().filter(|field| !usable(&schema, "gifts", field)).collect();
        if !lacking.is_empty() && !matches!(step, Step::Finish) {
            let told = format!(
                "Twenty's gifts lack the field(s) {}. Run `almoner twenty provision`, or add them in Twenty; the run goes on by itself.",
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
        let outcome = self.means.rail.create(permit, &gifts(), &ids, &bodies).await;
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
                if said.contains(UNKNOWN_FIELD) && self.model_changed(&group).await? {
                    return Ok(Next::Again);
                }
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

    /// Somebody removed or renamed a field since we read the data model: it is read anew, and what was refused is built
    /// anew from it. Answers whether that changed anything; the same request would only be refused again.
    async fn model_changed(&self, group: &[Message]) -> Stored<bool> {
        let before = self.schema()?;
        if connection::refresh(&self.means).await?.is_err() {
            return Ok(false);
        }
        let now = self.schema()?;
        let (Some(schema), true) = (now.clone(), now != before) else { return Ok(false) };
        let group = group.to_vec();
        write(&self.means.store, self.run, move |view, run| rebuilt(view, run, group, &schema)).await?;
        Ok(true)
    }

    fn schema(&self) -> Stored<Option<Schema>> {
        let snapshot = self.means.store.snapshot().map_err(WriteError::Store)?;
        Ok(snapshot.ledger().workspace(ConnectionId::TWENTY).map_err(WriteError::Store)?.schema)
    }

    async fn probe(&mut self, permit: &Permit, messages: Vec<Message>) -> Stored<Next> {
        let ids: Vec<Uuid> = messages.iter().map(|message| message.key.0).collect();
        let began = self.means.world.now();
        match self.means.rail.probe(permit, &gifts(), &ids).await {
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
