//! Keeps the runs going: loops that keep the mirror, one for the runs of batches. Woken by commits and by time;
//! what to do is read from the store each time.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;

use super::backup::Backup;
use super::books::{BooksMeans, Keeper as BooksKeeper};
use super::cycle::Cycle;
use super::duplicates::Finder;
use super::hook::HookKeeper;
use super::inbox::Inbox;
use super::learn::Learner;
use super::merge::Merger;
use super::process_batch::Planner;
use super::push::Push;
use super::reindex::Reindex;
use super::rounds::Rounds;
use super::walk::Walker;
use super::watchdog::Watchdog;
use super::{Means, Next, SLEEP_MAX_MS};
use crate::ground::time::Instant;
use crate::ground::world::World;
use crate::search::Search;
use crate::store::CommitNote;

/// Panics within the window that end the process: systemd starts it anew, from stored state.
const PANICS_MAX: usize = 3;
const PANIC_WINDOW_MS: i64 = 5 * 60_000;
/// Pause before a loop that panicked starts again.
const RESTART: Duration = Duration::from_secs(1);

/// The background work of one application. Dropping it stops everything.
pub struct Supervisor {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
    broken: watch::Receiver<bool>,
    panics: Arc<Panics>,
}

impl Supervisor {
    /// Starts the loops; must be called inside a tokio runtime.
    pub fn start(
        means: &Means,
        search: &Arc<Search>,
        books: Option<&BooksMeans>,
        backup: Option<Backup>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let panics = Arc::new(Panics {
            world: means.world.clone(),
            times: Mutex::default(),
            pause: RESTART,
            broken: watch::channel(false).0,
        });
        let broken = panics.broken.subscribe();
        let mut tasks = JoinSet::new();
        for name in Keeper::ALL {
            let (means, stopped) = (means.clone(), stopped.clone());
            let keep = move || keeper_loop(means.clone(), name, stopped.clone());
            tasks.spawn(kept_going(name.word(), Arc::clone(&panics), keep));
        }
        let (to_process, finds, until) = (means.clone(), Arc::clone(search), stopped.clone());
        let process = move || process_loop(to_process.clone(), Arc::clone(&finds), until.clone());
        tasks.spawn(kept_going("process", Arc::clone(&panics), process));
        if let Some(books) = books.cloned() {
            let until = stopped.clone();
            let keep = move || books_loop(books.clone(), until.clone());
            tasks.spawn(kept_going("books", Arc::clone(&panics), keep));
        }
        let (to_find, finds, until) = (means.clone(), Arc::clone(search), stopped.clone());
        let find = move || find_loop(to_find.clone(), Arc::clone(&finds), until.clone());
        tasks.spawn(kept_going("duplicates", Arc::clone(&panics), find));
        if let Some(backup) = backup {
            let (to_keep, kept, until) = (means.clone(), Arc::new(backup), stopped.clone());
            let keep = move || backup_loop(to_keep.clone(), Arc::clone(&kept), until.clone());
            tasks.spawn(kept_going("backup", Arc::clone(&panics), keep));
        }
        let (to_index, search) = (means.clone(), Arc::clone(search));
        let reindex = move || reindex_loop(to_index.clone(), Arc::clone(&search), stopped.clone());
        tasks.spawn(kept_going("reindex", Arc::clone(&panics), reindex));
        Self { tasks, stop, broken, panics }
    }

    /// Watches for progress from now on.
    pub fn watch(&mut self, means: &Means, watchdog: &Watchdog) {
        let (means, watchdog, stopped) = (means.clone(), watchdog.clone(), self.stop.subscribe());
        let watch = move || watchdog_loop(means.clone(), watchdog.clone(), stopped.clone());
        self.tasks.spawn(kept_going("watchdog", Arc::clone(&self.panics), watch));
    }

    /// Resolves when a loop panicked too often for this process to go on.
    pub async fn broken(&self) {
        let mut broken = self.broken.clone();
        if broken.wait_for(|broken| *broken).await.is_err() {
            // Every loop ended, since it was asked to.
            std::future::pending::<()>().await;
        }
    }

    /// Lets every loop finish the step it is in, then ends.
    pub async fn stop(mut self) {
        // Nobody listening means nobody runs.
        let _ = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// The panics of all loops.
struct Panics {
    world: World,
    times: Mutex<Vec<Instant>>,
    pause: Duration,
    broken: watch::Sender<bool>,
}

impl Panics {
    /// Counts one; true when there were too many in a short time.
    fn count(&self) -> bool {
        let now = self.world.now();
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.retain(|at| now.micros_since(*at) < PANIC_WINDOW_MS * 1_000);
        times.push(now);
        times.len() >= PANICS_MAX
    }
}

/// Runs a loop until it ends by itself. One that panics starts again: what it works on is read from the store.
async fn kept_going<F, L>(name: &'static str, panics: Arc<Panics>, start: F)
where
    F: Fn() -> L,
    L: Future<Output = ()>,
{
    while AssertUnwindSafe(start()).catch_unwind().await.is_err() {
        tracing::error!(event = "background_loop_panicked", name);
        if panics.count() {
            panics.broken.send_replace(true);
            return;
        }
        sleep(panics.pause).await;
    }
}

/// What keeps the mirror, and brings to Twenty what was changed here.
#[derive(Clone, Copy, Debug)]
enum Keeper {
    Walk,
    Cycle,
    Inbox,
    Hook,
    Push,
    Plan,
    Learn,
    Merge,
}

impl Keeper {
    const ALL: [Self; 8] =
        [Self::Walk, Self::Cycle, Self::Inbox, Self::Hook, Self::Push, Self::Plan, Self::Learn, Self::Merge];

    const fn word(self) -> &'static str {
        match self {
            Self::Walk => "walk",
            Self::Cycle => "cycle",
            Self::Inbox => "inbox",
            Self::Hook => "hook",
            Self::Push => "push",
            Self::Plan => "plan",
            Self::Learn => "learn",
            Self::Merge => "merge",
        }
    }
}

async fn keeper_loop(means: Means, keeper: Keeper, mut stopped: watch::Receiver<bool>) {
    let mut notes = means.store.watch();
    let mut walker = Walker::new(means.clone());
    let mut cycle = Cycle::new(means.clone());
    let mut inbox = Inbox::new(means.clone());
    let mut hook = HookKeeper::new(means.clone());
    let mut push = Push::new(means.clone());
    let mut planner = Planner::new(means.clone());
    let mut merger = Merger::new(means.clone());
    let learner = Learner { store: means.store.clone(), world: means.world.clone() };
    while !*stopped.borrow() {
        let next = match keeper {
            Keeper::Walk => walker.step().await,
            Keeper::Cycle => cycle.step().await,
            Keeper::Inbox => inbox.step().await,
            Keeper::Hook => hook.step().await,
            Keeper::Push => push.step().await,
            Keeper::Plan => planner.step().await,
            Keeper::Learn => learner.step().await,
            Keeper::Merge => merger.step().await,
        };
        let _ = rest(&means, next, &mut notes, &mut stopped).await;
    }
}

/// The books of all companies: several are at work at a time, and whoever waits stops nobody.
async fn books_loop(means: BooksMeans, mut stopped: watch::Receiver<bool>) {
    let mut notes = means.store.watch();
    let mut keeper = BooksKeeper::new(means.clone());
    while !*stopped.borrow() {
        let next = keeper.start();
        let done = tokio::select! {
            done = keeper.finished(), if keeper.is_busy() => done,
            _ = rest_until(&means.world, next, &mut notes, &mut stopped) => None,
        };
        match done {
            Some(done) => keeper.take(done).await,
            None => keeper.wake(),
        }
    }
}

async fn backup_loop(means: Means, backup: Arc<Backup>, mut stopped: watch::Receiver<bool>) {
    let mut notes = means.store.watch();
    while !*stopped.borrow() {
        let next = backup.step().await;
        rest(&means, next, &mut notes, &mut stopped).await;
    }
}

async fn watchdog_loop(means: Means, watchdog: Watchdog, mut stopped: watch::Receiver<bool>) {
    let mut notes = means.store.watch();
    while !*stopped.borrow() {
        let next = watchdog.step().await;
        rest(&means, next, &mut notes, &mut stopped).await;
    }
}

async fn reindex_loop(means: Means, search: Arc<Search>, mut stopped: watch::Receiver<bool>) {
    let mut notes = means.store.watch();
    let reindex = Reindex { search, store: means.store.clone(), world: means.world.clone() };
    while !*stopped.borrow() {
        let next = reindex.step().await;
        let _ = rest(&means, next, &mut notes, &mut stopped).await;
    }
}

async fn find_loop(means: Means, search: Arc<Search>, mut stopped: watch::Receiver<bool>) {
    let mut notes = means.store.watch();
    let finder = Finder { search, store: means.store.clone(), world: means.world.clone() };
    while !*stopped.borrow() {
        let next = finder.step().await;
        let _ = rest(&means, next, &mut notes, &mut stopped).await;
    }
}

async fn process_loop(means: Means, search: Arc<Search>, mut stopped: watch::Receiver<bool>) {
    let mut notes = means.store.watch();
    let mut rounds = Rounds::new(means.clone(), search);
    while !*stopped.borrow() {
        let next = rounds.round().await;
        if rest(&means, next, &mut notes, &mut stopped).await {
            rounds.asked();
        }
    }
}

/// Waits for the time, a commit, or the stop. Answers whether somebody asked for work meanwhile.
async fn rest(
    means: &Means,
    next: Next,
    notes: &mut broadcast::Receiver<CommitNote>,
    stopped: &mut watch::Receiver<bool>,
) -> bool {
    rest_until(&means.world, next, notes, stopped).await
}

async fn rest_until(
    world: &World,
    next: Next,
    notes: &mut broadcast::Receiver<CommitNote>,
    stopped: &mut watch::Receiver<bool>,
) -> bool {
    let now = world.now();
    let millis = match next {
        Next::Again => {
            tokio::task::yield_now().await;
            return asked_already(notes);
        }
        Next::Wait(until) => millis_until(now, until),
        Next::Idle => SLEEP_MAX_MS,
    };
    let pause = Duration::from_millis(u64::try_from(millis.clamp(1, SLEEP_MAX_MS)).unwrap_or(1));
    tokio::select! {
        () = sleep(pause) => false,
        () = asked(notes) => true,
        _ = stopped.changed() => false,
    }
}

/// Whether somebody asked for work since this was looked at last.
fn asked_already(notes: &mut broadcast::Receiver<CommitNote>) -> bool {
    let mut asked = false;
    loop {
        match notes.try_recv() {
            Ok(note) => asked |= note.asks,
            Err(broadcast::error::TryRecvError::Lagged(_)) => asked = true,
            Err(_) => return asked,
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::world::{Clock, Entropy};
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Instant {
            Instant(0)
        }
    }

    impl Entropy for Still {
        fn fill(&self, out: &mut [u8]) {
            out.fill(0);
        }
    }

    #[test]
    fn a_loop_that_panics_starts_again_and_three_times_end_the_process() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let world = World { clock: Arc::new(Still), entropy: Arc::new(Still) };
            let panics = Arc::new(Panics {
                world,
                times: Mutex::default(),
                pause: Duration::ZERO,
                broken: watch::channel(false).0,
            });
            let starts = AtomicUsize::new(0);
            let twice =
                || async { assert!(starts.fetch_add(1, Ordering::SeqCst) >= 2, "panics twice, on purpose") };
            kept_going("test", Arc::clone(&panics), twice).await;
            assert_eq!((starts.load(Ordering::SeqCst), *panics.broken.borrow()), (3, false));
            kept_going("test", Arc::clone(&panics), || async { panic!("on purpose") }).await;
            assert!(*panics.broken.borrow());
        });
    }
}
