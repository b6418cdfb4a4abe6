//! Batches, and the wish that one be processed.

use super::gifts::row_at;
use super::{Asked, Desk, Refusal};
use crate::ground::batch::Batch;
use crate::ground::id::{BatchId, Object, RunId, StagedId, local_id};
use crate::ground::money::Money;
use crate::ground::patch::Patch;
use crate::ground::run::ProcessRun;
use crate::ground::staging::{QUEUE_SOURCE, RowEdit, Status};
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
        let cause = asked.cause("Processing asked for");
        let (_, run) = self
            .store
            .write(move |view| {
                view.ledger().batch(batch)?.ok_or(Refusal::NotFound("batch"))?;
                let mut changes = Changes::new(cause);
                let run = match active_run(view, batch)? {
                    Some(run) => run,
                    None => queue_run(view, &mut changes, batch, max_rows)?,
                };
                Ok::<_, Fail<Refusal>>((changes, run))
            })
            .await?;
        Ok(run)
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

fn add_batch(view: &View<'_>, changes: &mut Changes, new: NewBatch) -> Result<BatchId, Fail<Refusal>> {
    let origin = view.world.origin();
    let id = BatchId(local_id(Object::GiftBatch, origin));
    for row in new.rows {
        let edit = RowEdit { batch: Patch::Set(id), ..RowEdit::default() };
        let row = row_at(view, row, None)?.edited(edit)?;
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
    };
    changes.create(Object::GiftBatch, id.0, &batch)?;
    Ok(id)
}

/// One active run a batch (domain 4.13, invariant 3).
fn active_run(view: &View<'_>, batch: BatchId) -> Result<Option<RunId>, StoreError> {
    let active = view.ledger().active_runs()?;
    Ok(active.into_iter().map(|record| record.value).find(|run| run.batch == batch).map(|run| run.id))
}

fn queue_run(
    view: &View<'_>,
    changes: &mut Changes,
    batch: BatchId,
    max_rows: Option<u32>,
) -> Result<RunId, StoreError> {
    let id = RunId(local_id(Object::Run, view.world.origin()));
    let mut run = ProcessRun::queued(id, batch, max_rows, view.world.now());
    run.request_id = changes.request_id().map(str::to_owned);
    changes.create(Object::Run, id.0, &run)?;
    changes.ask();
    Ok(id)
}
