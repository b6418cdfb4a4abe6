//! The ledger: one redb file with journal, mirror, staging, runs and outbox, one writer, many readers.
//!
//! Everything that happened is in the journal, written in one transaction with all that follows from it. Only
//! this floor names redb.

mod apply;
mod changes;
mod codec;
mod derive;
mod diff;
pub mod disk;
mod error;
mod key;
mod ledger;
#[cfg_attr(not(test), expect(dead_code, reason = "what proves the ledger will walk its pages"))]
mod pages;
mod reader;
pub mod secrets;
mod tables;
mod verify;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use redb::{Builder, ReadableDatabase};
use tokio::sync::broadcast;

pub use apply::Written;
pub use changes::Changes;
pub use codec::{Body, Entry, FieldChange, Header, Image};
pub use error::{Fail, OpenError, StoreError, WriteError};
pub use ledger::{Ledger, Page, QueueFilter, Record};
pub use tables::{SCHEMA, Working};
pub use verify::{Verdict, verify};
pub use writer::View;

use crate::ground::access::Viewer;
use crate::ground::id::{Object, Seq};
use crate::ground::time::Instant;
use crate::ground::world::World;
use disk::SimDisk;
use reader::{OpenTables, SnapshotTables, Watched};
use writer::{Queue, Writer};

/// Page cache of the database, in bytes: enough for 200,000 records (measured), small enough for a small server.
const CACHE_BYTES: usize = 64 * 1024 * 1024;
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
    state: RwLock<Option<Arc<redb::Database>>>,
    /// Set by a read that failed: the handle below answers nothing more, so the next use opens the bytes anew.
    read_failed: Arc<AtomicBool>,
}

impl Database {
    fn get(&self) -> Result<Arc<redb::Database>, StoreError> {
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
        let database = reopen(&self.place).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let database = Arc::new(database);
        *state = Some(Arc::clone(&database));
        Ok(database)
    }

    /// A write failed: nothing more goes through this handle; the next use opens the bytes anew.
    fn suspect(&self) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn begin_write(&self) -> Result<redb::WriteTransaction, StoreError> {
        let mut tx = self.get()?.begin_write()?;
        // Opening after a kill takes milliseconds instead of a scan of the file.
        tx.set_quick_repair(true);
        Ok(tx)
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
        if let Place::File(path) = &place
            && !path.exists()
        {
            create_file(path, &world)?;
        }
        let database = open_database(&place)?;
        prepare(&place, &database, &world)?;
        let database = Arc::new(Database {
            place,
            state: RwLock::new(Some(Arc::new(database))),
            read_failed: Arc::default(),
        });
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

    /// A consistent view of everything committed so far. Not to be held longer than a second or across an await.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let watch = Arc::clone(&self.0.database.read_failed);
        let tables = self
            .0
            .database
            .get()?
            .begin_read()
            .map_err(StoreError::from)
            .and_then(|tx| SnapshotTables::open(&tx));
        let tables =
            Watched { tables: tables.inspect_err(|_| watch.store(true, Ordering::SeqCst))?, failed: watch };
        Ok(Snapshot { tables, as_of: self.0.world.now() })
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

/// A consistent view of the store at one moment.
pub struct Snapshot {
    tables: Watched,
    as_of: Instant,
}

impl Snapshot {
    /// The view for somebody who was authenticated. Faces read through this only.
    pub fn for_viewer(store: &Store, _viewer: &Viewer) -> Result<Self, StoreError> {
        // Every role sees every gift; company scope joins with the books.
        store.snapshot()
    }

    /// Typed reads.
    pub fn ledger(&self) -> Ledger<'_> {
        Ledger(&self.tables)
    }

    /// When it was taken.
    pub const fn as_of(&self) -> Instant {
        self.as_of
    }
}

fn open_database(place: &Place) -> Result<redb::Database, OpenError> {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    match place {
        Place::Memory(disk) => {
            builder.create_with_backend(disk.clone()).map_err(|error| refused(Path::new("memory"), &error))
        }
        Place::File(path) => {
            let shown = path.display().to_string();
            match std::fs::metadata(path) {
                Ok(found) if found.len() == 0 => return Err(OpenError::Empty(shown)),
                Ok(found) if !found.is_file() => return Err(OpenError::Foreign(shown)),
                Ok(_) => check_magic(path)?,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(OpenError::Io { path: shown, reason: error.to_string() }),
            }
            builder.create(path).map_err(|error| refused(path, &error))
        }
    }
}

/// Makes a new ledger beside its place and moves it there when it is complete, so that a crash in between leaves no
/// half-made file that the next start would have to refuse.
fn create_file(path: &Path, world: &World) -> Result<(), OpenError> {
    let io =
        |error: std::io::Error| OpenError::Io { path: path.display().to_string(), reason: error.to_string() };
    let unfinished = path.with_extension("unfinished");
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    {
        let database = Builder::new().create(&unfinished).map_err(|error| refused(path, &error))?;
        prepare(&Place::File(unfinished.clone()), &database, world)?;
    }
    std::fs::rename(&unfinished, path).map_err(io)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
}

/// Opens what was open before. A ledger that is gone meanwhile is an error, never a new one.
fn reopen(place: &Place) -> Result<redb::Database, OpenError> {
    let gone = |reason: &str| OpenError::Io { path: format!("{place:?}"), reason: reason.into() };
    if let Place::File(path) = place
        && !path.exists()
    {
        return Err(gone("the file is not there any more"));
    }
    let database = open_database(place)?;
    match layout(&database) {
        Ok(Layout::Ours(SCHEMA)) => Ok(database),
        _ => Err(gone("it is not the ledger that was open before")),
    }
}

/// Looks before redb does: a foreign file must not be touched.
fn check_magic(path: &Path) -> Result<(), OpenError> {
    use std::io::Read;
    let io =
        |error: std::io::Error| OpenError::Io { path: path.display().to_string(), reason: error.to_string() };
    let mut head = [0_u8; 4];
    let read = std::fs::File::open(path).map_err(io)?.read(&mut head).map_err(io)?;
    if read == head.len() && &head == b"redb" {
        Ok(())
    } else {
        Err(OpenError::Foreign(path.display().to_string()))
    }
}

fn refused(path: &Path, error: &redb::DatabaseError) -> OpenError {
    let path = path.display().to_string();
    match error {
        redb::DatabaseError::DatabaseAlreadyOpen => OpenError::InUse,
        redb::DatabaseError::Storage(redb::StorageError::Io(error)) => {
            OpenError::Io { path, reason: error.to_string() }
        }
        other => OpenError::Damaged { path, reason: other.to_string() },
    }
}

/// Makes the tables of a new store; checks the layout of an old one.
fn prepare(place: &Place, database: &redb::Database, world: &World) -> Result<(), OpenError> {
    let shown = match place {
        Place::File(path) => path.display().to_string(),
        Place::Memory(_) => "memory".to_owned(),
    };
    let damaged = |error: StoreError| OpenError::Damaged { path: shown.clone(), reason: error.to_string() };
    match layout(database).map_err(&damaged)? {
        Layout::Ours(SCHEMA) => Ok(()),
        Layout::Ours(found) if found > SCHEMA => Err(OpenError::Newer { found, known: SCHEMA }),
        Layout::Ours(found) => {
            Err(damaged(StoreError::Newer { what: "a layout that was never released", found }))
        }
        Layout::Foreign => Err(OpenError::Foreign(shown.clone())),
        Layout::New => create_tables(database, world).map_err(damaged),
    }
}

enum Layout {
    New,
    Ours(u32),
    Foreign,
}

const SCHEMA_NAME: &str = "schema";

fn layout(database: &redb::Database) -> Result<Layout, StoreError> {
    let tx = database.begin_read()?;
    if tx.list_tables()?.next().is_none() {
        return Ok(Layout::New);
    }
    let meta = match tx.open_table(tables::META) {
        Ok(meta) => meta,
        Err(redb::TableError::Storage(error)) => return Err(error.into()),
        Err(_) => return Ok(Layout::Foreign),
    };
    let Some(value) = meta.get(SCHEMA_NAME)? else { return Ok(Layout::Foreign) };
    Ok(Layout::Ours(codec::decode("schema version", value.value())?))
}

fn create_tables(database: &redb::Database, world: &World) -> Result<(), StoreError> {
    let mut tx = database.begin_write()?;
    tx.set_quick_repair(true);
    {
        let mut tables = OpenTables::open(&tx)?;
        tables.meta.insert(SCHEMA_NAME, codec::encode(&SCHEMA)?.as_slice())?;
        let identity: [u8; 16] = world.bytes();
        tables.meta.insert(apply::IDENTITY, codec::encode(&identity)?.as_slice())?;
    }
    tx.commit()?;
    Ok(())
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
    }
}

#[cfg(test)]
mod tests;
