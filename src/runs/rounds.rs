//! The active runs of all batches, stepped in turn.
//!
//! A round gives each run that is due one step, which is one call at most, so no batch waits for another to end. A run
//! that waits keeps its pause whatever the others do. Whoever got on goes to the back of the queue and whoever waited for
//! the budget stays in front: where calls are scarce they go round. The order is of this process; what a run has done is
//! stored, so a restart loses nothing but whose turn it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::donor_match::DonorMatch;
use super::process_batch::ProcessBatch;
use super::{Means, Next, SLEEP_MAX_MS, sooner};
use crate::ground::id::RunId;
use crate::ground::run::RunKind;
use crate::ground::time::Instant;
use crate::search::Search;
use crate::store::StoreError;

/// Pause after the active runs could not be read.
const STORE_PAUSE_MS: i64 = 1_000;

/// The active runs at work.
pub struct Rounds {
    means: Means,
    search: Arc<Search>,
    at_work: BTreeMap<RunId, AtWork>,
    /// Whose turn it is first.
    queue: Vec<RunId>,
}

/// A run at work.
struct AtWork {
    work: Work,
    /// Not before this moment, unless somebody asks for something.
    due: Instant,
}

enum Work {
    Process(ProcessBatch),
    Match(DonorMatch),
}

impl Rounds {
    /// The runs of this store.
    pub const fn new(means: Means, search: Arc<Search>) -> Self {
        Self { means, search, at_work: BTreeMap::new(), queue: Vec::new() }
    }

    /// Somebody asked for something: perhaps for a run to go on, to pause or to stop. Nobody waits any longer.
    pub fn asked(&mut self) {
        for run in self.at_work.values_mut() {
            run.due = Instant(i64::MIN);
        }
    }

    /// One step of each run that is due. What comes next is what the most impatient of them wants.
    pub async fn round(&mut self) -> Next {
        let now = self.means.world.now();
        if self.join(now).is_err() {
            return Next::Wait(now.plus_millis(STORE_PAUSE_MS));
        }
        let (mut next, mut got_on) = (Next::Idle, Vec::new());
        for run in self.queue.clone() {
            let Some(at_work) = self.at_work.get_mut(&run) else { continue };
            let now = self.means.world.now();
            if at_work.due > now {
                next = sooner(next, Next::Wait(at_work.due));
                continue;
            }
            let stepped = at_work.work.step().await;
            match stepped {
                Next::Again => got_on.push(run),
                Next::Wait(until) => at_work.due = until,
                Next::Idle => at_work.due = now.plus_millis(SLEEP_MAX_MS),
            }
            next = sooner(next, stepped);
        }
        self.queue.retain(|run| !got_on.contains(run));
        self.queue.extend(got_on);
        next
    }

    /// Runs that became active join, the oldest first; those that ended leave.
    fn join(&mut self, now: Instant) -> Result<(), StoreError> {
        let snapshot = self.means.store.snapshot()?;
        let active = snapshot.ledger().active_runs()?;
        self.at_work.retain(|run, _| active.iter().any(|record| record.value.id == *run));
        self.queue.retain(|run| self.at_work.contains_key(run));
        for record in active.into_iter().rev() {
            let (run, kind) = (record.value.id, record.value.kind);
            if !self.at_work.contains_key(&run) {
                let work = Work::new(&self.means, &self.search, run, kind);
                self.at_work.insert(run, AtWork { work, due: now });
                self.queue.push(run);
            }
        }
        Ok(())
    }
}

impl Work {
    fn new(means: &Means, search: &Arc<Search>, run: RunId, kind: RunKind) -> Self {
        match kind {
            RunKind::Process | RunKind::CreateDonors => Self::Process(ProcessBatch::new(means.clone(), run)),
            RunKind::DonorMatch => {
                let (store, world) = (means.store.clone(), means.world.clone());
                Self::Match(DonorMatch::new(store, world, Arc::clone(search), run))
            }
        }
    }

    async fn step(&mut self) -> Next {
        match self {
            Self::Process(run) => run.step().await,
            Self::Match(run) => run.step().await,
        }
    }
}
