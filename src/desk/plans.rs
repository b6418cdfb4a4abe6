//! Dry runs: somebody asks what a batch's run would send; a run works it out, and the asker waits for it.

use super::{Asked, Desk, Refusal};
use crate::ground::id::BatchId;
use crate::ground::plan::{Made, Plan};
use crate::store::{Changes, Fail, Ledger, StoreError, View, Working};

impl Desk {
    /// Asks for the plan of a batch. Answers the number under which it will be found.
    pub async fn plan_batch(&self, asked: &Asked, batch: BatchId) -> Result<u64, Refusal> {
        let cause = asked.cause("Dry run asked for");
        let (_, number) = self
            .store
            .write(move |view| {
                view.ledger().batch(batch)?.ok_or(Refusal::NotFound("batch"))?;
                let before: Option<Plan> = view.ledger().working_text(Working::Plan, batch.0.as_bytes())?;
                let plan = Plan { asked: before.map_or(1, |plan| plan.asked + 1), made: None };
                let mut changes = Changes::new(cause);
                changes.working_text(Working::Plan, batch.0.as_bytes(), Some(&plan))?;
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, plan.asked))
            })
            .await?;
        Ok(number)
    }
}

/// The plan of a batch under this number, once it is made.
pub fn made(ledger: &Ledger<'_>, batch: BatchId, number: u64) -> Result<Option<Made>, StoreError> {
    let plan: Option<Plan> = ledger.working_text(Working::Plan, batch.0.as_bytes())?;
    Ok(plan.filter(|plan| plan.asked == number).and_then(|plan| plan.made))
}

/// Whether a plan still says what would happen: every row it names is as it was, and no other one is ready.
pub(super) fn still_holds(view: &View<'_>, batch: BatchId, number: u64) -> Result<bool, StoreError> {
    let ledger = view.ledger();
    let Some(made) = made(ledger, batch, number)? else { return Ok(false) };
    let mut ready = ledger.ready_rows(batch, usize::MAX)?;
    let mut rows = Vec::with_capacity(made.rows.len());
    for (row, seq) in made.rows {
        if ledger.staged(row)?.is_none_or(|record| record.seq != seq) {
            return Ok(false);
        }
        rows.push(row);
    }
    ready.sort_unstable();
    rows.sort_unstable();
    Ok(ready == rows)
}
