//! The process run: posts the ready rows of a batch to Twenty exactly once.
//!
//! Every step reads stored state, does one thing, and stores what came of it. Before a call the intent is stored
//! with the key that the record will have; after it the outcome. A crash between the two leaves messages whose
//! arrival is unknown: they are probed by key before anything is sent again. `ground::run` decides the order.

mod commits;
mod compose;
mod donors;
mod making;
mod plan;

pub use plan::Planner;

use uuid::Uuid;

use self::commits::{
    cause, clashed, confirmed, contract_failure, finish, give_back, lease, mark_unknown, not_sent, probed,
    rebuilt, refused, start, unknown, write,
};
use super::{Means, Next, attempt, connection, pause_ms, plain, restored};
use crate::ground::id::{ConnectionId, ConnectionKey, Names, RunId, StagedId};
use crate::ground::outbox::Message;
use crate::ground::provision::usable;
use crate::ground::run::{ProcessRun, RunKind, RunStatus, Step, next_step};
use crate::ground::staging::Status;
use crate::ground::workspace::{Schema, Workspace};
use crate::rails::twenty::map::GIFT_NEEDS;
use crate::rails::{CallClass, Outcome, Permit, Trouble};
use crate::store::{Changes, Fail, StoreError, WriteError};

type Stored<T> = Result<T, WriteError<()>>;
type Decided<T> = Result<(Changes, T), Fail<()>>;

/// How Twenty says that an object has no field of a name (contract 1.12).
const UNKNOWN_FIELD: &str = "doesn't have any";

/// What is on its way in these messages, as Twenty names it: one object a call.
fn names_of(messages: &[Message]) -> Names {
    let (singular, plural) = if messages.iter().any(|message| message.first.is_some()) {
        ("person", "people")
    } else {
        ("gift", "gifts")
    };
    Names { singular: singular.into(), plural: plural.into() }
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
        let ready = match run.only {
            None if run.kind == RunKind::CreateDonors => {
                let leased = usize::try_from(run.tally.leased).unwrap_or(usize::MAX);
                run.wanted.iter().skip(leased).take(chunk).copied().collect()
            }
            None => ledger.ready_rows(run.batch, chunk)?,
            Some(row) => ledger
                .staged(row)?
                .filter(|row| row.value.status() == Status::ReadyForProcess)
                .map(|row| row.value.id)
                .into_iter()
                .collect(),
        };
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
        let calls = matches!(step, Step::Probe(_) | Step::Send(_) | Step::Lease(_));
        if run.kind == RunKind::Process && !lacking.is_empty() && calls {
            let told = format!(
                "Twenty's gifts lack the field(s) {}. Run `almoner twenty provision`, or add them in Twenty; the run goes on by itself.",
                lacking.join(", ")
            );
            return self.troubled(told).await;
        }
        match step {
            Step::Finish => {
                write(&self.means.store, self.run, finish).await?;
                return Ok(Next::Again);
            }
            Step::GiveBack => {
                write(&self.means.store, self.run, give_back).await?;
                return Ok(Next::Again);
            }
            Step::Rest => return Ok(Next::Idle),
            Step::Probe(_) | Step::Send(_) | Step::Lease(_) => {}
        }
        if restored::is_shut(&self.means).await? {
            return self.troubled(restored::SHUT.into()).await;
        }
        let permit = match self.means.gate.permit(CallClass::Person, run.request_id.as_deref()) {
            Ok(permit) => permit.attempt(attempt(self.failures)),
            Err(until) => return Ok(Next::Wait(until)),
        };
        match step {
            Step::Probe(messages) => self.probe(&permit, messages).await,
            Step::Send(messages) => self.send(&permit, messages).await,
            Step::Lease(rows) => self.lease(&permit, rows, connection.key, schema).await,
            Step::GiveBack | Step::Rest | Step::Finish => Ok(Next::Idle),
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
        // A row that was tried before may have arrived then: the next step probes it.
        let fresh = write(&self.means.store, self.run, move |view, run| match run.kind {
            RunKind::CreateDonors => making::lease(view, run, &rows, key, &schema),
            RunKind::Process | RunKind::DonorMatch => lease(view, run, &rows, key, &schema),
        })
        .await?;
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
        let ids: Vec<Uuid> = group.iter().map(Message::on_its_way).collect();
        let bodies: Vec<&str> = group.iter().map(Message::body_on_its_way).collect();
        let began = self.means.world.now();
        let outcome = self.means.rail.create(permit, &names_of(&group), &ids, &bodies).await;
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
                    "It is not known whether Twenty got the last records ({said}). Looking there first."
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
        let Some(key) = self.connection_key()? else { return Ok(false) };
        let group = group.to_vec();
        write(&self.means.store, self.run, move |view, run| rebuilt(view, run, group, key, &schema)).await?;
        Ok(true)
    }

    fn connection_key(&self) -> Stored<Option<ConnectionKey>> {
        let snapshot = self.means.store.snapshot().map_err(WriteError::Store)?;
        let connection = connection::load(&snapshot.ledger()).map_err(WriteError::Store)?;
        Ok(connection.map(|connection| connection.key))
    }

    fn schema(&self) -> Stored<Option<Schema>> {
        let snapshot = self.means.store.snapshot().map_err(WriteError::Store)?;
        Ok(snapshot.ledger().workspace(ConnectionId::TWENTY).map_err(WriteError::Store)?.schema)
    }

    async fn probe(&mut self, permit: &Permit, messages: Vec<Message>) -> Stored<Next> {
        let ids: Vec<Uuid> = messages.iter().map(Message::on_its_way).collect();
        let began = self.means.world.now();
        match self.means.rail.probe(permit, &names_of(&messages), &ids).await {
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
