//! Batches, and the wish that one be processed.

use super::gifts::{codes_there, row_at};
use super::plans::still_holds;
use super::{Asked, Desk, Refusal};
use crate::ground::batch::Batch;
use crate::ground::coding::{Coding, CodingEdit};
use crate::ground::id::{BatchId, Object, RunId, Seq, StagedId, local_id};
use crate::ground::journal::Cause;
use crate::ground::money::Money;
use crate::ground::patch::Patch;
use crate::ground::run::{ProcessRun, RunKind, Wish};
use crate::ground::staging::{QUEUE_SOURCE, RowEdit, StagedRow, Status};
use crate::store::{Changes, Fail, QueueFilter, StoreError, View};

/// Rows one request may put into a batch.
pub const ROWS_MAX: usize = 1_000;

/// A batch to make.
#[derive(Clone, Debug, Default)]
pub struct NewBatch {
    /// Its name.
    pub name: String,
    /// Where its rows come from.
    pub source: String,
    /// How many rows the sender counted.
    pub expected_count: Option<u32>,
    /// How much the sender summed up.
    pub expected_amount: Option<Money>,
    /// What fills the blanks of its rows.
    pub defaults: Coding,
    /// Rows to put into it.
    pub rows: Vec<StagedId>,
}

impl Desk {
    /// Makes a batch and puts rows into it.
    pub async fn create_batch(&self, asked: &Asked, new: NewBatch) -> Result<BatchId, Refusal> {
        let cause = asked.cause("Batch made");
        let (_, id) = self
            .store
            .write(move |view| {
                let mut changes = Changes::new(cause);
                let id = add_batch(view, &mut changes, new)?;
                Ok::<_, Fail<Refusal>>((changes, id))
            })
            .await?;
        Ok(id)
    }

    /// Asks for the ready rows of a batch to be posted. While a run is active, that run is the answer.
    pub async fn process_batch(
        &self,
        asked: &Asked,
        batch: BatchId,
        max_rows: Option<u32>,
    ) -> Result<RunId, Refusal> {
        self.process_as_planned(asked, batch, max_rows, None).await
    }

    /// The same, but only if the plan under this number still says what will happen.
    pub async fn process_as_planned(
        &self,
        asked: &Asked,
        batch: BatchId,
        max_rows: Option<u32>,
        plan: Option<u64>,
    ) -> Result<RunId, Refusal> {
        let cause = asked.cause("Processing asked for");
        let (_, run) = self
            .store
            .write(move |view| {
                view.ledger().batch(batch)?.ok_or(Refusal::NotFound("batch"))?;
                if let Some(plan) = plan
                    && !still_holds(view, batch, plan)?
                {
                    return Err(Refusal::PlanMoved.into());
                }
                let mut changes = Changes::new(cause);
                let run = match active_run(view, batch, RunKind::Process)? {
                    Some(run) => run,
                    None => queue_run(view, &mut changes, batch, max_rows)?,
                };
                Ok::<_, Fail<Refusal>>((changes, run))
            })
            .await?;
        Ok(run)
    }

    /// Asks for the donors of a batch's undecided rows to be looked for. While such a run is active, that run is the answer.
    pub async fn match_donors(
        &self,
        asked: &Asked,
        batch: BatchId,
        max_rows: Option<u32>,
    ) -> Result<RunId, Refusal> {
        let cause = asked.cause("Donor matching asked for");
        let (_, run) = self
            .store
            .write(move |view| {
                view.ledger().batch(batch)?.ok_or(Refusal::NotFound("batch"))?;
                let mut changes = Changes::new(cause);
                let run = match active_run(view, batch, RunKind::DonorMatch)? {
                    Some(run) => run,
                    None => queue(view, &mut changes, batch, max_rows, RunKind::DonorMatch)?,
                };
                Ok::<_, Fail<Refusal>>((changes, run))
            })
            .await?;
        Ok(run)
    }

    /// Asks for the donors of chosen rows to be made in Twenty. While such a run of the batch is active, that run is the
    /// answer.
    pub async fn create_donors(
        &self,
        asked: &Asked,
        batch: BatchId,
        rows: Vec<StagedId>,
    ) -> Result<RunId, Refusal> {
        let cause = asked.cause("Donors to be made");
        let (_, run) = self
            .store
            .write(move |view| {
                view.ledger().batch(batch)?.ok_or(Refusal::NotFound("batch"))?;
                let mut changes = Changes::new(cause);
                if let Some(run) = active_run(view, batch, RunKind::CreateDonors)? {
                    return Ok((changes, run));
                }
                let mut run = new_run(view, &changes, batch, RunKind::CreateDonors);
                for row in rows {
                    if !run.wanted.contains(&row) {
                        run.wanted.push(row);
                    }
                }
                changes.create(Object::Run, run.id.0, &run)?;
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, run.id))
            })
            .await?;
        Ok(run)
    }

    /// Pauses a run, lets it go on, or stops it. What may have arrived in Twenty is looked for in any case.
    pub async fn steer_run(&self, asked: &Asked, id: RunId, wish: Wish) -> Result<(), Refusal> {
        let cause = asked.cause(match wish {
            Wish::Go => "Run goes on",
            Wish::Pause => "Run paused",
            Wish::Cancel => "Run stopped",
        });
        self.store
            .write(move |view| {
                let mut run = view.ledger().run(id)?.ok_or(Refusal::NotFound("run"))?.value;
                if !run.status.is_active() {
                    return Err(Refusal::Nothing(
                        "This run has ended already. Start a new one for the rows that are left.",
                    )
                    .into());
                }
                if run.wish == Wish::Cancel && wish != Wish::Cancel {
                    return Err(Refusal::Nothing(
                        "This run is being stopped. Start a new one once it has ended.",
                    )
                    .into());
                }
                run.wish = wish;
                let mut changes = Changes::new(cause);
                changes.update(Object::Run, id.0, &run)?;
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }

    /// Changes a batch. New defaults fill the blanks of its unposted rows.
    pub async fn edit_batch(
        &self,
        asked: &Asked,
        id: BatchId,
        edit: BatchEdit,
        version: Option<Seq>,
    ) -> Result<(), Refusal> {
        let cause = asked.cause("Batch changed");
        let again = cause.clone();
        let fills = edit.defaults != CodingEdit::default();
        self.store
            .write(move |view| {
                let record = view.ledger().batch(id)?.ok_or(Refusal::NotFound("batch"))?;
                if version.is_some_and(|version| version != record.seq) {
                    return Err(Refusal::Changed.into());
                }
                codes_there(view, &edit.defaults, std::iter::empty())?;
                let mut changes = Changes::new(cause);
                changes.update(Object::GiftBatch, id.0, &edited(record.value, edit))?;
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        // A large batch is filled in several commits: each is whole in itself, and one more changes nothing twice.
        while fills && self.fill_blanks(again.clone(), id).await? {}
        Ok(())
    }

    /// Fills the blanks of at most so many rows as one commit takes. Answers whether there are more.
    async fn fill_blanks(&self, cause: Cause, id: BatchId) -> Result<bool, Refusal> {
        let (_, more) = self
            .store
            .write(move |view| {
                let batch = view.ledger().batch(id)?.ok_or(Refusal::NotFound("batch"))?.value;
                let rows =
                    view.ledger().staged_rows(&QueueFilter { statuses: OPEN.to_vec(), batch: Some(id) })?;
                let mut changes = Changes::new(cause);
                let mut filled = 0;
                for before in rows {
                    let row = before.value.clone().with_defaults(&batch.defaults);
                    if row == before.value {
                        continue;
                    }
                    if filled == ROWS_MAX {
                        return Ok((changes, true));
                    }
                    changes.update(Object::GiftStaging, row.id.0, &row)?;
                    filled += 1;
                }
                Ok::<_, Fail<Refusal>>((changes, false))
            })
            .await?;
        Ok(more)
    }

    /// Puts every ready row that is in no batch into a new one and asks for it to be posted.
    pub async fn process_ready(&self, asked: &Asked) -> Result<(BatchId, RunId), Refusal> {
        let cause = asked.cause("Processing asked for");
        let name = format!("Ready gifts, {}", self.zone.minute_of(self.world.now()));
        let (_, made) = self
            .store
            .write(move |view| {
                let ready = view.ledger().staged_rows(&QueueFilter { statuses: vec![Status::ReadyForProcess], batch: None })?;
                let rows: Vec<StagedId> = ready.into_iter().filter(|row| row.value.batch.is_none()).map(|row| row.value.id).take(ROWS_MAX).collect();
                if rows.is_empty() {
                    return Err(Refusal::Nothing("No gift is ready that is not already in a batch. Mark gifts ready first, or open their batch.").into());
                }
                let mut changes = Changes::new(cause);
                let new = NewBatch { name, source: QUEUE_SOURCE.into(), rows, ..NewBatch::default() };
                let batch = add_batch(view, &mut changes, new)?;
                let run = queue_run(view, &mut changes, batch, None)?;
                Ok::<_, Fail<Refusal>>((changes, (batch, run)))
            })
            .await?;
        Ok(made)
    }
}

/// Rows that a person may still change.
const OPEN: [Status; 3] = [Status::Pending, Status::ReadyForProcess, Status::ProcessFailed];

/// What somebody changes of a batch.
#[derive(Clone, Debug, Default)]
pub struct BatchEdit {
    /// Its name.
    pub name: Option<String>,
    /// How many rows the sender counted.
    pub expected_count: Patch<u32>,
    /// How much the sender summed up.
    pub expected_amount: Patch<Money>,
    /// What fills the blanks of its rows.
    pub defaults: CodingEdit,
}

fn edited(mut batch: Batch, edit: BatchEdit) -> Batch {
    batch.name = edit.name.unwrap_or(batch.name);
    edit.expected_count.apply(&mut batch.expected_count);
    edit.expected_amount.apply(&mut batch.expected_amount);
    batch.defaults = batch.defaults.edited(edit.defaults);
    batch
}

/// A run for one row, which is ready as `changes` leaves it: in its batch, or in a new one of its own.
pub(super) fn queue_row(
    view: &View<'_>,
    changes: &mut Changes,
    row: StagedRow,
    name: String,
) -> Result<RunId, Fail<Refusal>> {
    let id = row.id;
    let (batch, row) = match row.batch {
        Some(batch) if active_run(view, batch, RunKind::Process)?.is_some() => {
            return Err(Refusal::RunAtWork.into());
        }
        Some(batch) => (batch, row),
        None => {
            let new = NewBatch { name, source: QUEUE_SOURCE.into(), ..NewBatch::default() };
            let batch = add_batch(view, changes, new)?;
            (batch, StagedRow { batch: Some(batch), ..row })
        }
    };
    changes.update(Object::GiftStaging, id.0, &row)?;
    let run = RunId(local_id(Object::Run, view.world.origin()));
    let mut queued = ProcessRun::queued(run, batch, None, view.world.now());
    queued.request_id = changes.request_id().map(str::to_owned);
    queued.only = Some(id);
    changes.create(Object::Run, run.0, &queued)?;
    changes.ask();
    Ok(run)
}

fn add_batch(view: &View<'_>, changes: &mut Changes, new: NewBatch) -> Result<BatchId, Fail<Refusal>> {
    let origin = view.world.origin();
    let id = BatchId(local_id(Object::GiftBatch, origin));
    for row in new.rows {
        let edit = RowEdit { batch: Patch::Set(id), ..RowEdit::default() };
        let row = row_at(view, row, None)?.edited(edit)?.with_defaults(&new.defaults);
        changes.update(Object::GiftStaging, row.id.0, &row)?;
    }
    let batch = Batch {
        id,
        origin,
        name: new.name,
        source: new.source,
        created_at: view.world.now(),
        expected_count: new.expected_count,
        expected_amount: new.expected_amount,
        defaults: new.defaults,
    };
    changes.create(Object::GiftBatch, id.0, &batch)?;
    Ok(id)
}

/// One active run a batch and kind (domain 4.13, invariant 3).
fn active_run(view: &View<'_>, batch: BatchId, kind: RunKind) -> Result<Option<RunId>, StoreError> {
    let active = view.ledger().active_runs()?.into_iter().map(|record| record.value);
    Ok(active.into_iter().find(|run| run.batch == batch && run.kind == kind).map(|run| run.id))
}

fn queue_run(
    view: &View<'_>,
    changes: &mut Changes,
    batch: BatchId,
    max_rows: Option<u32>,
) -> Result<RunId, StoreError> {
    queue(view, changes, batch, max_rows, RunKind::Process)
}

fn queue(
    view: &View<'_>,
    changes: &mut Changes,
    batch: BatchId,
    max_rows: Option<u32>,
    kind: RunKind,
) -> Result<RunId, StoreError> {
    let mut run = new_run(view, changes, batch, kind);
    run.max_rows = max_rows;
    changes.create(Object::Run, run.id.0, &run)?;
    changes.ask();
    Ok(run.id)
}

fn new_run(view: &View<'_>, changes: &Changes, batch: BatchId, kind: RunKind) -> ProcessRun {
    let id = RunId(local_id(Object::Run, view.world.origin()));
    let mut run = ProcessRun::queued(id, batch, None, view.world.now());
    run.request_id = changes.request_id().map(str::to_owned);
    run.kind = kind;
    run
}
