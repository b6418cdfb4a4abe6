//! The donor-match run: looks for the donor of every undecided row of a batch, and stores one outcome for each.
//!
//! It makes no call: candidates come from the mirror. A step judges some rows as they are now, and stores what was found of
//! those that are still as they were; the rest is judged again by the next step. A run that finds what another one found
//! stores nothing for that row. After a crash it goes on behind the last row it stored.

use std::sync::Arc;

use super::{Next, pause_ms};
use crate::ground::donor_match::{MatchOutcome, Matched, outcome_of};
use crate::ground::id::{ConnectionId, Object, PersonId, RunId, Seq, StagedId};
use crate::ground::journal::{Actor, Cause};
use crate::ground::links::{Link, LinkState, Moved};
use crate::ground::matching::decide::{Decision, thousandths};
use crate::ground::run::{ProcessRun, RunStatus, Wish};
use crate::ground::staging::{DonorDecision, StagedRow, Status};
use crate::ground::time::Instant;
use crate::ground::world::World;
use crate::search::{Judged, Search, Who};
use crate::store::{Changes, Fail, Ledger, QueueFilter, Record, Store, StoreError, View, WriteError};

/// Rows of one step.
const ROWS: usize = 50;
/// Candidates looked at for a row.
const LIMIT: usize = 20;
/// People kept with a row.
const PROPOSED_MAX: usize = 5;
/// Rows that a run may look at: undecided ones that are open.
const OPEN: [Status; 3] = [Status::Pending, Status::ReadyForProcess, Status::ProcessFailed];
/// What is said where a look-up failed: never that nobody is like it (domain 4.8.2).
const NOT_LOOKED_UP: &str = "The donors could not be searched just now. Start the run again.";
const NOT_MIRRORED: &str =
    "Twenty's people are not all here yet. Start the run again when the sync is complete.";

/// One donor-match run at work.
pub struct DonorMatch {
    store: Store,
    world: World,
    search: Arc<Search>,
    run: RunId,
    failures: u32,
}

/// A row as it was judged.
struct Judgement {
    row: StagedId,
    seq: Seq,
    decision: Decision<PersonId>,
    found: Matched,
}

impl DonorMatch {
    /// The run with this id.
    pub const fn new(store: Store, world: World, search: Arc<Search>, run: RunId) -> Self {
        Self { store, world, search, run, failures: 0 }
    }

    /// One step: some rows.
    pub async fn step(&mut self) -> Next {
        match self.try_step().await {
            Ok(next) => {
                self.failures = 0;
                next
            }
            Err(error) => {
                tracing::warn!(event = "donor_match_waits", runId = %self.run, %error);
                let pause = pause_ms(self.failures);
                self.failures += 1;
                Next::Wait(self.world.now().plus_millis(pause))
            }
        }
    }

    async fn try_step(&self) -> Result<Next, StoreError> {
        let Some(run) = self.active()? else { return Ok(Next::Idle) };
        match (run.status, run.wish) {
            (RunStatus::Queued, _) => self.write(start).await?,
            (_, Wish::Cancel) => self.write(cancel).await?,
            (_, Wish::Pause) => return Ok(Next::Idle),
            (_, Wish::Go) => {
                let (search, store, at) = (Arc::clone(&self.search), self.store.clone(), self.world.now());
                let judging = tokio::task::spawn_blocking(move || judge(&search, &store, &run, at));
                let judged = judging.await.map_err(|error| StoreError::Unavailable(error.to_string()))??;
                self.write(move |view, run| keep(view, run, judged)).await?;
            }
        }
        Ok(Next::Again)
    }

    fn active(&self) -> Result<Option<ProcessRun>, StoreError> {
        let run = self.store.snapshot()?.ledger().run(self.run)?;
        Ok(run.map(|record| record.value).filter(|run| run.status.is_active()))
    }

    /// Stores what `decide` makes of the run, which is read anew inside the write.
    async fn write<F>(&self, decide: F) -> Result<(), StoreError>
    where
        F: FnOnce(&View<'_>, &mut ProcessRun) -> Result<Changes, Fail<()>> + Send + 'static,
    {
        let id = self.run;
        let written = self.store.write(move |view| {
            let run = view.ledger().run(id)?.map(|record| record.value);
            let Some(mut run) = run.filter(|run| run.status.is_active()) else {
                return Ok((Changes::new(cause(id, None, "Nothing to do")), ()));
            };
            let mut changes = decide(view, &mut run)?;
            changes.update(Object::Run, id.0, &run)?;
            Ok((changes, ()))
        });
        match written.await {
            Ok(_) => Ok(()),
            Err(WriteError::Store(error)) => Err(error),
            Err(WriteError::Refused(())) => Err(StoreError::Moved),
        }
    }
}

fn cause(run: RunId, request_id: Option<String>, why: &str) -> Cause {
    Cause { actor: Actor::Run(run), why: why.into(), request_id }
}

fn changes(run: &ProcessRun, why: &str) -> Changes {
    Changes::new(cause(run.id, run.request_id.clone(), why))
}

/// Rows of the batch that are open. Scope is checked on the row itself too (domain 4.8.1).
fn open_rows(ledger: &Ledger<'_>, run: &ProcessRun) -> Result<Vec<Record<StagedRow>>, StoreError> {
    let mut rows = ledger.staged_rows(&QueueFilter { statuses: OPEN.to_vec(), batch: Some(run.batch) })?;
    rows.retain(|row| row.value.batch == Some(run.batch));
    rows.sort_by_key(|row| row.value.id);
    Ok(rows)
}

fn start(view: &View<'_>, run: &mut ProcessRun) -> Result<Changes, Fail<()>> {
    let rows = open_rows(view.ledger(), run)?;
    let undecided = rows.iter().filter(|row| row.value.is_to_match()).count();
    for _ in undecided..rows.len() {
        run.matches.add(MatchOutcome::AlreadyResolved);
    }
    run.start(rows.len() as u64, view.world.now());
    Ok(changes(run, "Donor matching started"))
}

fn cancel(view: &View<'_>, run: &mut ProcessRun) -> Result<Changes, Fail<()>> {
    let left = to_match(view.ledger(), run)?.len() as u64;
    run.cancel(left, view.world.now());
    Ok(changes(run, "Donor matching stopped"))
}

/// Rows that have no outcome of this run yet, in its order.
fn to_match(ledger: &Ledger<'_>, run: &ProcessRun) -> Result<Vec<Record<StagedRow>>, StoreError> {
    let mut rows = open_rows(ledger, run)?;
    rows.retain(|row| row.value.is_to_match() && Some(row.value.id) > run.cursor);
    let room = run.max_rows.map_or(u64::MAX, |max| u64::from(max).saturating_sub(run.tally.attempted));
    rows.truncate(usize::try_from(room).unwrap_or(usize::MAX));
    Ok(rows)
}

fn judge(
    search: &Search,
    store: &Store,
    run: &ProcessRun,
    at: Instant,
) -> Result<Vec<Judgement>, StoreError> {
    let snapshot = store.snapshot()?;
    let ledger = snapshot.ledger();
    let people = ledger.mirror_state(ConnectionId::TWENTY, Object::People)?;
    let mut judged = Vec::new();
    for record in to_match(&ledger, run)?.into_iter().take(ROWS) {
        let row = &record.value;
        let asked = row.told();
        let found = if people.complete_as_of.is_none() {
            Err(NOT_MIRRORED)
        } else {
            let answer = search.judge(&ledger, &asked, row.is_of_company(), Some(Who::Row(row.id)), LIMIT);
            // Candidates that do not know of everything are no ground to say that there is nobody.
            answer.ok().filter(|answer| answer.matches.behind == 0).ok_or(NOT_LOOKED_UP)
        };
        let (decision, found) = outcome(found, run.id, at);
        judged.push(Judgement { row: row.id, seq: record.seq, decision, found });
    }
    Ok(judged)
}

fn outcome(judged: Result<Judged, &str>, run: RunId, at: Instant) -> (Decision<PersonId>, Matched) {
    let judged = match judged {
        Ok(judged) => judged,
        Err(said) => {
            let (model, reason) = (String::new(), said.to_owned());
            let found =
                Matched { outcome: MatchOutcome::Error, run, at, model, reason, proposed: Vec::new() };
            return (Decision::Nobody, found);
        }
    };
    let (outcome, reason) = outcome_of(&judged.decision);
    let people: Vec<PersonId> = match &judged.decision {
        Decision::Linked(person, _) => vec![*person],
        Decision::Proposed(people, _) => people.clone(),
        Decision::Nobody | Decision::TooLittle | Decision::Company => Vec::new(),
    };
    let bits = |person: &PersonId| Some((*person, thousandths(*judged.weights.get(person)?)));
    let proposed = people.iter().take(PROPOSED_MAX).filter_map(bits).collect();
    let model = judged.matches.learnt.model.version.clone();
    (judged.decision, Matched { outcome, run, at, model, reason: reason.to_owned(), proposed })
}

/// A link that a run made stands among the links, so that it can be undone as any other.
fn note_link(
    changes: &mut Changes,
    run: &ProcessRun,
    (row, before): (StagedId, DonorDecision),
    (kept, rule, at): (PersonId, &str, Instant),
) -> Result<(), StoreError> {
    let link = Link {
        id: Link::id_of_run(run.id.0, row),
        joined: Who::Row(row),
        kept,
        rule: rule.to_owned(),
        rows: vec![Moved { row, before }],
        by: Actor::Run(run.id),
        at,
        state: LinkState::Made,
    };
    changes.open(Object::Link, link.id, &link)
}

/// Stores what was found of rows that are as they were judged; the run ends when there are none left.
fn keep(view: &View<'_>, run: &mut ProcessRun, judged: Vec<Judgement>) -> Result<Changes, Fail<()>> {
    let now = view.world.now();
    let mut changes = changes(run, "Donor looked for");
    if judged.is_empty() {
        run.finish(0, now);
        return Ok(changes);
    }
    for judgement in judged {
        let Some(record) = view.ledger().staged(judgement.row)? else { continue };
        if record.seq != judgement.seq {
            // Somebody changed it meanwhile: it is judged again, and those behind it with it.
            break;
        }
        let known = record.value.matched.clone();
        let same = known.is_some_and(|known| known.says_the_same(&judgement.found));
        run.row_matched(judgement.row, &judgement.found, now);
        if same {
            continue;
        }
        let before = record.value.donor;
        if let Ok(row) = record.value.matched(judgement.found, &judgement.decision) {
            changes.update(Object::GiftStaging, row.id.0, &row)?;
            if let Decision::Linked(person, rule) = judgement.decision {
                note_link(&mut changes, run, (row.id, before), (person, rule.word(), now))?;
            }
        }
    }
    Ok(changes)
}
