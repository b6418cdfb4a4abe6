//! The ledger: one redb file with journal, mirror, staging, runs and outbox, one writer, many readers.
//!
//! Everything that happened is in the journal, written in one transaction with all that follows from it. Only
//! this floor names redb.

mod apply;
mod around;
mod backups;
mod below;
mod books;
mod changes;
mod codec;
mod compact;
mod copy;
mod derive;
mod diff;
pub mod disk;
mod edits;
mod error;
mod giving;
mod golden;
mod ids;
mod key;
mod ledger;
mod links;
mod made;
mod migrate;
mod money;
mod names;
mod open;
mod pack;
mod pages;
pub mod parts;
mod past;
mod prepare;
mod reader;
mod rows;
pub mod secrets;
mod shelf;
mod slim;
mod staged;
mod tables;
mod verify;
mod writer;
mod young;

use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use redb::ReadableDatabase;
use tokio::sync::broadcast;

pub use apply::Written;
pub use books::Told as BooksTold;
pub use changes::Changes;
pub use codec::{Body, Entry, FieldChange, Header, Image, training_sample};
pub use compact::Compacted;
pub use copy::{FileCopy, Moment};
pub use error::{Fail, OpenError, StoreError, WriteError};
pub use giving::{Came, Given, Giving, GivingShelf};
pub use ledger::{Head, Ledger, Page, QueueFilter, Record};
pub use money::MoneyBeside;
pub use past::Asked;
pub use rows::{Rendered, Rows};
pub use shelf::{Picked, Shelves, Window, cell_of};
pub use staged::{From as QueueFrom, Place as QueuePlace, QueueAsk, QueueFound, QueueOrder, StagedShelf};
pub use tables::{SCHEMA, Working};
pub use verify::{Verdict, damage, verify};
pub use writer::View;

use crate::ground::access::Viewer;
use crate::ground::id::{Object, Seq};
use crate::ground::time::Instant;
use crate::ground::world::World;
use disk::SimDisk;
use open::Opened;
use reader::{Memo, SnapshotTables, Watched};
use writer::{Queue, Writer};

/// Commit notes kept for slow listeners.
const NOTES: usize = 1_024;

/// Where the ledger's bytes are.
#[derive(Clone, Debug)]
pub enum Place {
    /// A file; made when it is not there.
    File(PathBuf),
    /// Memory that can fail on demand.
    Memory(SimDisk),
}

/// Who writes: a thread of its own, or whoever asks, inline (simulation).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drive {
    /// A thread.
    Thread,
    /// Inline.
    Inline,
}

/// A commit, told to those who watch.
#[derive(Clone, Debug)]
pub struct CommitNote {
    /// Its last entry.
    pub seq: Seq,
    /// What it touched: object and foreign id.
    pub touched: Arc<[(Object, Option<uuid::Uuid>)]>,
    /// Whether somebody asked for a run's work.
    pub asks: bool,
}

/// Something that follows the journal. Called after the fsync and before the writers are answered.
pub trait AfterCommit: Send + Sync {
    /// Takes note; does no I/O and cannot fail.
    fn committed(&self, written: &[Written]);
}

/// The database below, reopened after a fault.
struct Database {
    place: Place,
    state: RwLock<Option<Arc<Opened>>>,
    /// Set by a read that failed: the handle below answers nothing more, so the next use opens the bytes anew.
    read_failed: Arc<AtomicBool>,
    shared: Mutex<Shared>,
}

/// What readers share until the next commit: opening a dozen tables costs more than most reads.
#[derive(Default)]
struct Shared {
    tables: Option<Arc<Watched>>,
    /// Commits and faults so far: what was opened before one is not shared after it.
    epoch: u64,
}

impl Database {
    fn new(place: Place, opened: Opened) -> Self {
        let state = RwLock::new(Some(Arc::new(opened)));
        Self { place, state, read_failed: Arc::default(), shared: Mutex::default() }
    }

    fn get(&self) -> Result<Arc<Opened>, StoreError> {
        if self.read_failed.swap(false, Ordering::SeqCst) {
            self.suspect();
        }
        if let Some(database) = self.state.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
            return Ok(Arc::clone(database));
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = state.as_ref() {
            return Ok(Arc::clone(database));
        }
        let database =
            open::again(&self.place).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let database = Arc::new(database);
        *state = Some(Arc::clone(&database));
        Ok(database)
    }

    /// A write failed: nothing more goes through this handle; the next use opens the bytes anew.
    fn suspect(&self) {
        self.outdate();
        let opened = self.state.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(opened) = opened {
            opened.below.break_copy("the ledger had to be opened anew");
        }
    }

    fn begin_write(&self) -> Result<redb::WriteTransaction, StoreError> {
        let mut tx = self.get()?.database.begin_write()?;
        // Opening after a kill takes milliseconds instead of a scan of the file.
        tx.set_quick_repair(true);
        Ok(tx)
    }

    /// Puts another file in the place of this one; nobody opens either of them meanwhile.
    fn swap(&self, replace: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let reading = self.shared().tables.clone();
        self.outdate();
        if let Some((reading, old)) = reading.zip(state.take()) {
            // Whoever reads goes on with the old file until done.
            let _ = reading.replaced.set(old);
        }
        // Whether or not it was replaced, what is there now is the ledger.
        let replaced = replace();
        let opened = open::again(&self.place).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        *state = Some(Arc::new(opened));
        replaced
    }

    fn shared(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is something newer: readers no longer share what was opened before. Nothing of the old state is kept
    /// from being used again but by those who are reading it now.
    fn outdate(&self) {
        let mut shared = self.shared();
        shared.epoch += 1;
        shared.tables = None;
    }

    /// The tables of the newest commit.
    fn tables(&self) -> Result<Arc<Watched>, StoreError> {
        let epoch = {
            let shared = self.shared();
            if let Some(tables) = &shared.tables
                && !tables.failed.load(Ordering::SeqCst)
            {
                return Ok(Arc::clone(tables));
            }
            shared.epoch
        };
        let failed = Arc::clone(&self.read_failed);
        let opened = self.get()?.database.begin_read().map_err(StoreError::from);
        let tables = opened.and_then(|tx| SnapshotTables::open(&tx));
        let tables = tables.inspect_err(|_| failed.store(true, Ordering::SeqCst))?;
        let tables = Arc::new(Watched { tables, failed, memo: Memo::default(), replaced: OnceLock::new() });
        let mut shared = self.shared();
        // A commit may have come in between; then only this reader uses the older state.
        if shared.epoch == epoch {
            shared.tables = Some(Arc::clone(&tables));
        }
        Ok(tables)
    }
}

/// Tells hooks and watchers of commits.
struct Notice {
    hooks: Mutex<Vec<Arc<dyn AfterCommit>>>,
    sender: broadcast::Sender<CommitNote>,
}

impl Notice {
    fn committed(&self, written: &[Written], asks: bool) {
        if written.is_empty() && !asks {
            return;
        }
        let seq = Seq(written.last().map_or(0, |last| last.seq));
        for hook in self.hooks.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            hook.committed(written);
        }
        let touched = written.iter().map(|entry| (entry.key.object, entry.key.uuid())).collect();
        // Nobody watching is fine.
        let _ = self.sender.send(CommitNote { seq, touched, asks });
    }
}

struct Inner {
    database: Arc<Database>,
    queue: Arc<Queue>,
    notice: Arc<Notice>,
    world: World,
    inline: Option<Writer>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

/// The open ledger. Clones share it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({:?})", self.0.database.place)
    }
}

impl Store {
    /// Opens the ledger, or makes a new one. A file that is not ours, damaged, or newer is refused and left alone.
    pub fn open(place: Place, world: World, drive: Drive) -> Result<Self, OpenError> {
        let opened = open::first(&place, &world)?;
        let database = Arc::new(Database::new(place, opened));
        let notice = Arc::new(Notice { hooks: Mutex::default(), sender: broadcast::channel(NOTES).0 });
        let queue = Arc::new(Queue::default());
        let writer = Writer {
            queue: Arc::clone(&queue),
            database: Arc::clone(&database),
            world: world.clone(),
            notice: Arc::clone(&notice),
        };
        let (inline, thread) = match drive {
            Drive::Inline => (Some(writer), None),
            Drive::Thread => {
                let spawned =
                    std::thread::Builder::new().name("ledger-writer".into()).spawn(move || writer.run());
                let thread = spawned
                    .map_err(|error| OpenError::Io { path: "thread".into(), reason: error.to_string() })?;
                (None, Some(thread))
            }
        };
        Ok(Self(Arc::new(Inner { database, queue, notice, world, inline, thread: Mutex::new(thread) })))
    }

    /// Adds somebody who follows the journal. To be called before the first write.
    pub fn follow(&self, hook: Arc<dyn AfterCommit>) {
        self.0.notice.hooks.lock().unwrap_or_else(PoisonError::into_inner).push(hook);
    }

    /// Notes of commits from now on.
    pub fn watch(&self) -> broadcast::Receiver<CommitNote> {
        self.0.notice.sender.subscribe()
    }

    /// Writes: `decide` reads the newest state and answers changes or a refusal. It is not async, so that no call
    /// to the outside can happen inside, and has no table in hand, so that a refusal leaves nothing.
    ///
    /// The answer comes after the fsync, with the sequence of the commit (0 when there was nothing to write).
    pub async fn write<T, E, F>(&self, decide: F) -> Result<(Seq, T), WriteError<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
        F: FnOnce(&View<'_>) -> Result<(Changes, T), Fail<E>> + Send + 'static,
    {
        let answer = self.0.queue.push(decide);
        if let Some(writer) = &self.0.inline {
            writer.step();
        }
        answer.await.unwrap_or_else(|_| {
            Err(WriteError::Store(StoreError::Unavailable("the ledger is shutting down".into())))
        })
    }

    /// Gives unused room of the file back, and with it what is left of erased content. Writes wait until it is done;
    /// reads go on.
    pub async fn compact(&self) -> Result<Compacted, StoreError> {
        let answer = self.0.queue.ask_to_compact();
        if let Some(writer) = &self.0.inline {
            writer.step();
        }
        answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the ledger is shutting down".into())))
    }

    /// Begins a copy of the ledger's file as the last commit made it. Writes go on, and no read transaction is held.
    pub async fn copy(&self) -> Result<FileCopy, StoreError> {
        let answer = self.0.queue.ask_to_copy();
        if let Some(writer) = &self.0.inline {
            writer.step();
        }
        answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the ledger is shutting down".into())))
    }

    /// A consistent view of everything committed so far. Not to be held longer than a second or across an await.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let tables = self.0.database.tables()?;
        Ok(Snapshot { tables, as_of: self.0.world.now(), stays: PhantomData })
    }

    fn place(&self) -> &Place {
        &self.0.database.place
    }

    /// Stops taking writes and waits until what was taken is committed.
    pub fn close(&self) {
        self.0.queue.close();
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic of the writer was already reported to whoever waited for it.
            let _ = thread.join();
        }
    }
}

/// A consistent view of the store at one moment. It keeps pages from being used again for as long as it lives, so it
/// is not sent anywhere: held across an await, it would not compile.
pub struct Snapshot {
    tables: Arc<Watched>,
    as_of: Instant,
    stays: PhantomData<*const ()>,
}

impl Snapshot {
    /// The view for somebody who was authenticated. Faces read through this only.
    pub fn for_viewer(store: &Store, _viewer: &Viewer) -> Result<Self, StoreError> {
        // Every role sees every gift; company scope joins with the books.
        store.snapshot()
    }

    /// Typed reads.
    pub fn ledger(&self) -> Ledger<'_> {
        Ledger(&*self.tables)
    }

    /// Something worked out of this state, once until the next commit: for what most requests ask again. `kind` names
    /// what it is, `key` which one.
    pub fn memo<T: Send + Sync + 'static>(
        &self,
        kind: &'static str,
        key: &[u8],
        work_out: impl FnOnce(&Ledger<'_>) -> Result<T, StoreError>,
    ) -> Result<Arc<T>, StoreError> {
        if let Some(known) = self.tables.memo.get(kind, key) {
            return Ok(known);
        }
        let value = Arc::new(work_out(&self.ledger())?);
        self.tables.memo.put(kind, key, &value);
        Ok(value)
    }

    /// When it was taken.
    pub const fn as_of(&self) -> Instant {
        self.as_of
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
    }
}

#[cfg(test)]
mod tests;
