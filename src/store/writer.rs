//! The one writer: takes what is queued, lets each closure decide on what it sees, and commits them together.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::apply::{Group, Written};
use super::changes::Changes;
use super::compact::{Compacted, compact};
use super::copy::{FileCopy, begin};
use super::error::{Fail, StoreError, WriteError};
use super::ledger::Ledger;
use super::reader::OpenTables;
use super::{Database, Notice};
use crate::ground::id::Seq;
use crate::ground::world::World;

/// Closures of one group at most.
const GROUP_CLOSURES_MAX: usize = 256;
/// Payload of one group at most, in bytes.
const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a write closure sees: the store with the earlier changes of its group.
pub struct View<'v> {
    ledger: Ledger<'v>,
    /// The world, for ids and the time of the decision.
    pub world: &'v World,
}

impl<'v> View<'v> {
    /// Typed reads.
    pub const fn ledger(&self) -> &Ledger<'v> {
        &self.ledger
    }
}

/// A queued write.
trait Job: Send {
    /// Decides; `None` when it refuses.
    fn decide(&mut self, view: &View<'_>) -> Option<Changes>;
    /// What it decided does not fit what is there.
    fn refused(&mut self, error: StoreError);
    /// Tells whoever waits.
    fn finish(self: Box<Self>, outcome: Result<Seq, StoreError>);
}

struct JobOf<T, E, F> {
    decide: Option<F>,
    decided: Option<Result<T, Fail<E>>>,
    reply: tokio::sync::oneshot::Sender<Result<(Seq, T), WriteError<E>>>,
}

impl<T, E, F> Job for JobOf<T, E, F>
where
    T: Send,
    E: Send,
    F: FnOnce(&View<'_>) -> Result<(Changes, T), Fail<E>> + Send,
{
    fn decide(&mut self, view: &View<'_>) -> Option<Changes> {
        let decide = self.decide.take()?;
        match decide(view) {
            Ok((changes, value)) => {
                self.decided = Some(Ok(value));
                Some(changes)
            }
            Err(fail) => {
                self.decided = Some(Err(fail));
                None
            }
        }
    }

    fn refused(&mut self, error: StoreError) {
        self.decided = Some(Err(Fail::Store(error)));
    }

    fn finish(self: Box<Self>, outcome: Result<Seq, StoreError>) {
        let answer = match (self.decided, outcome) {
            // Nobody in an aborted group is told a decision: it may rest on changes that were not kept.
            (_, Err(error)) => Err(WriteError::Store(error)),
            (Some(Err(fail)), Ok(_)) => Err(fail.into()),
            (Some(Ok(value)), Ok(seq)) => Ok((seq, value)),
            (None, Ok(_)) => Err(WriteError::Store(StoreError::Unavailable(
                "the change stopped half-way; nothing was kept".into(),
            ))),
        };
        // Whoever asked may have gone away; the change stands all the same.
        let _ = self.reply.send(answer);
    }
}

/// The queue between those who write and the writer.
#[derive(Default)]
pub(super) struct Queue {
    jobs: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Box<dyn Job>>,
    compactions: Vec<tokio::sync::oneshot::Sender<Result<Compacted, StoreError>>>,
    copies: Vec<tokio::sync::oneshot::Sender<Result<FileCopy, StoreError>>>,
    closed: bool,
}

impl State {
    fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.compactions.is_empty() && self.copies.is_empty()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic cannot leave the queue half-changed: every change to it is one call.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Queue {
    /// Queues a closure; the receiver gets the sequence of its commit and the closure's value.
    pub(super) fn push<T, E, F>(
        &self,
        decide: F,
    ) -> tokio::sync::oneshot::Receiver<Result<(Seq, T), WriteError<E>>>
    where
        T: Send + 'static,
        E: Send + 'static,
        F: FnOnce(&View<'_>) -> Result<(Changes, T), Fail<E>> + Send + 'static,
    {
        let (reply, receiver) = tokio::sync::oneshot::channel();
        let mut state = lock(&self.jobs);
        if !state.closed {
            state.jobs.push_back(Box::new(JobOf { decide: Some(decide), decided: None, reply }));
            self.wake.notify_one();
        }
        receiver
    }

    /// Asks for the file to be compacted between two groups.
    pub(super) fn ask_to_compact(&self) -> tokio::sync::oneshot::Receiver<Result<Compacted, StoreError>> {
        let (reply, receiver) = tokio::sync::oneshot::channel();
        let mut state = lock(&self.jobs);
        if !state.closed {
            state.compactions.push(reply);
            self.wake.notify_one();
        }
        receiver
    }

    /// Asks for a copy of the file that begins between two groups.
    pub(super) fn ask_to_copy(&self) -> tokio::sync::oneshot::Receiver<Result<FileCopy, StoreError>> {
        let (reply, receiver) = tokio::sync::oneshot::channel();
        let mut state = lock(&self.jobs);
        if !state.closed {
            state.copies.push(reply);
            self.wake.notify_one();
        }
        receiver
    }

    /// No more writes; the writer ends when the queue is empty.
    pub(super) fn close(&self) {
        lock(&self.jobs).closed = true;
        self.wake.notify_all();
    }

    fn take(&self, max: usize) -> Vec<Box<dyn Job>> {
        let mut state = lock(&self.jobs);
        let count = state.jobs.len().min(max);
        state.jobs.drain(..count).collect()
    }

    fn put_back(&self, jobs: Vec<Box<dyn Job>>) {
        let mut state = lock(&self.jobs);
        for job in jobs.into_iter().rev() {
            state.jobs.push_front(job);
        }
    }

    /// Waits for work; false when closed and empty.
    fn wait(&self) -> bool {
        let mut state = lock(&self.jobs);
        while state.is_empty() && !state.closed {
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        !state.is_empty()
    }
}

/// Commits what is queued. A thread in `serve`, stepped inline in a simulation.
pub(super) struct Writer {
    pub(super) queue: Arc<Queue>,
    pub(super) database: Arc<Database>,
    pub(super) world: World,
    pub(super) notice: Arc<Notice>,
}

impl Writer {
    /// Works until the queue is closed and empty.
    pub(super) fn run(&self) {
        while self.queue.wait() {
            self.step();
        }
    }

    /// Commits one group: what is queued now, within the bounds of a group.
    pub(super) fn step(&self) {
        self.compact();
        self.begin_copies();
        let mut jobs = self.queue.take(GROUP_CLOSURES_MAX);
        if jobs.is_empty() {
            return;
        }
        // A panic below the closures (a defect of ours or of the database) must not leave anybody waiting for ever.
        let committed = catch_unwind(AssertUnwindSafe(|| self.commit(&mut jobs)));
        let outcome = committed.unwrap_or_else(|_| {
            Err(StoreError::Unavailable("the writer stopped half-way; nothing was kept".into()))
        });
        let outcome = outcome.map(|(seq, written, asks)| {
            // After the fsync and before anybody is answered: what was acknowledged is findable. A follower that
            // panics loses its own place, not our writers their answer.
            let told = catch_unwind(AssertUnwindSafe(|| self.notice.committed(&written, asks)));
            if told.is_err() {
                tracing::error!(event = "after_commit_panicked", seq = seq.0);
            }
            seq
        });
        if outcome.is_err() {
            self.database.suspect();
        }
        for job in jobs {
            job.finish(outcome.clone());
        }
    }

    fn compact(&self) {
        let asked = std::mem::take(&mut lock(&self.queue.jobs).compactions);
        if asked.is_empty() {
            return;
        }
        let done = catch_unwind(AssertUnwindSafe(|| compact(&self.database)));
        let done =
            done.unwrap_or_else(|_| Err(StoreError::Unavailable("compacting stopped half-way".into())));
        for reply in asked {
            // Whoever asked may have gone away; it is done all the same.
            let _ = reply.send(done.clone());
        }
    }

    fn begin_copies(&self) {
        let asked = std::mem::take(&mut lock(&self.queue.jobs).copies);
        for reply in asked {
            let begun = catch_unwind(AssertUnwindSafe(|| begin(&self.database, self.world.now())));
            let stopped = || Err(StoreError::Unavailable("the copy could not begin".into()));
            // Whoever asked may have gone away; the copy ends with its answer.
            let _ = reply.send(begun.unwrap_or_else(|_| stopped()));
        }
    }

    /// One transaction and one fsync for as many of the jobs as fit; the rest goes back to the queue.
    fn commit(&self, jobs: &mut Vec<Box<dyn Job>>) -> Result<(Seq, Vec<Written>, bool), StoreError> {
        let tx = self.database.begin_write()?;
        let mut group = Group::begin(OpenTables::open(&tx)?)?;
        let mut decided = 0;
        for job in jobs.iter_mut() {
            decided += 1;
            let changes = {
                let view = View { ledger: Ledger(&group.tables), world: &self.world };
                // A panicking closure has handed nothing over, so only its own caller is concerned.
                catch_unwind(AssertUnwindSafe(|| job.decide(&view))).unwrap_or(None)
            };
            match changes.map(|changes| group.check(&changes).map(|()| changes)) {
                Some(Ok(changes)) => group.apply(changes, &self.world)?,
                Some(Err(error @ (StoreError::Moved | StoreError::Erased))) => job.refused(error),
                Some(Err(error)) => return Err(error),
                None => {}
            }
            if group.bytes >= GROUP_BYTES_MAX {
                break;
            }
        }
        self.queue.put_back(jobs.split_off(decided));
        let (dirty, asks) = (group.dirty, group.asks);
        let written = group.seal()?;
        if dirty {
            tx.commit()?;
            // Whoever is answered after this commit must read it.
            self.database.outdate();
        } else {
            tx.abort()?;
        }
        let seq = written.last().map_or(0, |entry| entry.seq);
        Ok((Seq(seq), written, asks))
    }
}
