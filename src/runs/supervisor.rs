//! Keeps the runs going: one loop an object of the mirror, one for process runs. Woken by commits and by time;
//! what to do is read from the store each time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;

use super::process_batch::ProcessBatch;
use super::pull::Pull;
use super::reindex::Reindex;
use super::{Means, Next};
use crate::ground::id::{Object, RunId};
use crate::ground::time::Instant;
use crate::search::Search;
use crate::store::CommitNote;

/// Longest sleep: a wake-up lost for whatever reason costs no more than this.
const SLEEP_MAX_MS: i64 = 60_000;

/// The background work of one application. Dropping it stops everything.
pub struct Supervisor {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Supervisor {
    /// Starts the loops; must be called inside a tokio runtime.
    pub fn start(means: &Means, search: Arc<Search>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for object in Object::MIRRORED {
            tasks.spawn(pull_loop(means.clone(), object, stopped.clone()));
        }
        tasks.spawn(process_loop(means.clone(), stopped.clone()));
        tasks.spawn(reindex_loop(means.clone(), search, stopped));
        Self { tasks, stop }
    }

    /// Lets every loop finish the step it is in, then ends.
    pub async fn stop(mut self) {
        // Nobody listening means nobody runs.
        let _ = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn pull_loop(means: Means, object: Object, mut stopped: watch::Receiver<bool>) {
    let mut notes = means.store.watch();
    let mut pull = Pull::new(means.clone(), object);
    while !*stopped.borrow() {
        let next = pull.step().await;
        rest(&means, next, &mut notes, &mut stopped).await;
    }
}

async fn reindex_loop(means: Means, search: Arc<Search>, mut stopped: watch::Receiver<bool>) {
    let mut notes = means.store.watch();
    let reindex = Reindex { search, store: means.store.clone(), world: means.world.clone() };
    while !*stopped.borrow() {
        let next = reindex.step().await;
        rest(&means, next, &mut notes, &mut stopped).await;
    }
}

async fn process_loop(means: Means, mut stopped: watch::Receiver<bool>) {
    let mut notes = means.store.watch();
    let mut at_work: BTreeMap<RunId, ProcessBatch> = BTreeMap::new();
    while !*stopped.borrow() {
        let next = match active(&means) {
            Ok(runs) => step_all(&means, &mut at_work, runs).await,
            Err(()) => Next::Wait(means.world.now().plus_millis(1_000)),
        };
        rest(&means, next, &mut notes, &mut stopped).await;
    }
}

fn active(means: &Means) -> Result<Vec<RunId>, ()> {
    let snapshot = means.store.snapshot().map_err(|_| ())?;
    let runs = snapshot.ledger().active_runs().map_err(|_| ())?;
    Ok(runs.into_iter().map(|record| record.value.id).collect())
}

/// One step of each run, the oldest first; what comes next is what the most impatient of them wants.
async fn step_all(means: &Means, at_work: &mut BTreeMap<RunId, ProcessBatch>, runs: Vec<RunId>) -> Next {
    at_work.retain(|run, _| runs.contains(run));
    let mut next = Next::Idle;
    for run in runs.into_iter().rev() {
        let work = at_work.entry(run).or_insert_with(|| ProcessBatch::new(means.clone(), run));
        next = sooner(next, work.step().await);
    }
    next
}

const fn sooner(one: Next, other: Next) -> Next {
    match (one, other) {
        (Next::Again, _) | (_, Next::Again) => Next::Again,
        (Next::Wait(a), Next::Wait(b)) => Next::Wait(if a.0 < b.0 { a } else { b }),
        (Next::Wait(a), Next::Idle) | (Next::Idle, Next::Wait(a)) => Next::Wait(a),
        (Next::Idle, Next::Idle) => Next::Idle,
    }
}

/// Waits for the time, a commit, or the stop.
async fn rest(
    means: &Means,
    next: Next,
    notes: &mut broadcast::Receiver<CommitNote>,
    stopped: &mut watch::Receiver<bool>,
) {
    let now = means.world.now();
    let millis = match next {
        Next::Again => {
            tokio::task::yield_now().await;
            return;
        }
        Next::Wait(until) => millis_until(now, until),
        Next::Idle => SLEEP_MAX_MS,
    };
    let pause = Duration::from_millis(u64::try_from(millis.clamp(1, SLEEP_MAX_MS)).unwrap_or(1));
    tokio::select! {
        () = sleep(pause) => {}
        () = asked(notes) => {}
        _ = stopped.changed() => {}
    }
}

const fn millis_until(now: Instant, until: Instant) -> i64 {
    (until.micros_since(now) + 999) / 1_000
}

/// Resolves when somebody asked for work. The runs' own commits wake nobody: what they lead to is read from the
/// store by whoever made them, and a pause after a failure stays a pause.
async fn asked(notes: &mut broadcast::Receiver<CommitNote>) {
    loop {
        match notes.recv().await {
            Ok(note) if !note.asks => {}
            // Notes that were missed may have asked.
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the supervisor is the one who waits, for all runs")]
async fn sleep(pause: Duration) {
    tokio::time::sleep(pause).await;
}
