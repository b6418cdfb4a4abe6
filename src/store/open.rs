//! Opening a ledger: looks at the file before anything is written, refuses what is not ours, newer or damaged with
//! words for the operator, and brings an older layout up to this one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::backends::FileBackend;
use redb::{Builder, ReadableDatabase};

use super::below::Below;
use super::error::{OpenError, StoreError};
use super::reader::OpenTables;
use super::tables::{self, SCHEMA};
use super::{Place, apply, codec, migrate};
use crate::ground::world::World;

/// Page cache of the database, in bytes: enough for 200,000 records (measured), small enough for a small server.
pub(super) const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// The end of the name of the copy that compacting makes.
pub(super) const COMPACT: &str = "compact";

/// The end of the name that the file of saved blocks has for a moment.
const COPYING: &str = "copying";

/// The database with the layer below it.
pub(super) struct Opened {
    pub(super) database: redb::Database,
    pub(super) below: Below,
}

/// Opens the ledger at a place, makes it when it is not there, and brings it up to this layout.
pub(super) fn first(place: &Place, world: &World) -> Result<Opened, OpenError> {
    if let Place::File(path) = place
        && !path.exists()
    {
        create_file(path, world)?;
    }
    let opened = open_database(place)?;
    guarded(place, || prepare(place, &opened.database, world))?;
    if let Place::File(path) = place {
        // Left by a process that was killed while it compacted; nobody else has the ledger now.
        let _ = std::fs::remove_file(path.with_extension(COMPACT));
    }
    Ok(opened)
}

/// Opens what was open before. A ledger that is gone meanwhile is an error, never a new one.
pub(super) fn again(place: &Place) -> Result<Opened, OpenError> {
    let gone = |reason: &str| OpenError::Io { path: shown(place), reason: reason.into() };
    if let Place::File(path) = place
        && !path.exists()
    {
        return Err(gone("the file is not there any more"));
    }
    let opened = open_database(place)?;
    match guarded(place, || layout(&opened.database).map_err(|error| damaged(place, &error)))? {
        Layout::Ours(SCHEMA) => Ok(opened),
        _ => Err(gone("it is not the ledger that was open before")),
    }
}

fn shown(place: &Place) -> String {
    match place {
        Place::File(path) => path.display().to_string(),
        Place::Memory(_) => "memory".to_owned(),
    }
}

fn damaged(place: &Place, error: &StoreError) -> OpenError {
    OpenError::Damaged { path: shown(place), reason: error.to_string() }
}

/// The database below panics on some kinds of damage; for whoever starts us that is damage and no more.
fn guarded<T>(place: &Place, work: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(OpenError::Damaged { path: shown(place), reason: "its pages contradict each other".into() })
    })
}

fn open_database(place: &Place) -> Result<Opened, OpenError> {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    let refused = |error: redb::DatabaseError| refused(place, &error);
    guarded(place, || {
        let below = match place {
            Place::Memory(disk) => Below::new(disk.clone(), None),
            Place::File(path) => {
                check_file(path)?;
                peek(path, place)?;
                let io = |error: std::io::Error| OpenError::io(path, &error);
                let mut options = std::fs::OpenOptions::new();
                let file =
                    options.read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
                Below::new(FileBackend::new(file).map_err(refused)?, Some(path.with_extension(COPYING)))
            }
        };
        let database = builder.create_with_backend(below.clone()).map_err(refused)?;
        Ok(Opened { database, below })
    })
}

/// Looks before the database does: a foreign file must not be touched.
fn check_file(path: &Path) -> Result<(), OpenError> {
    use std::io::Read;
    let shown = path.display().to_string();
    let io = |error: std::io::Error| OpenError::io(path, &error);
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => return Err(OpenError::Foreign(shown)),
        Ok(found) if found.len() == 0 => return Err(OpenError::Empty(shown)),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io(error)),
    }
    let mut head = Vec::new();
    std::fs::File::open(path).map_err(io)?.take(MAGIC.len() as u64).read_to_end(&mut head).map_err(io)?;
    if head == MAGIC { Ok(()) } else { Err(OpenError::Foreign(shown)) }
}

/// Looks at the layout without writing: opening for writing already marks the file, and a newer or foreign one is left
/// as it is. A file that was not closed cleanly cannot be looked at so; it is read once it is open.
fn peek(path: &Path, place: &Place) -> Result<(), OpenError> {
    let Ok(database) = Builder::new().open_read_only(path) else { return Ok(()) };
    match layout(&database) {
        Ok(Layout::Ours(found)) if found > SCHEMA => Err(OpenError::Newer { found, known: SCHEMA }),
        Ok(Layout::Foreign) => Err(OpenError::Foreign(shown(place))),
        Ok(Layout::New | Layout::Ours(_)) | Err(_) => Ok(()),
    }
}

/// What every file of the database below begins with.
const MAGIC: [u8; 9] = *b"redb\x1A\x0A\xA9\x0D\x0A";

/// Makes a new ledger beside its place and moves it there when it is complete, so that a crash in between leaves no
/// half-made file that the next start would have to refuse.
fn create_file(path: &Path, world: &World) -> Result<(), OpenError> {
    let io = |error: std::io::Error| OpenError::io(path, &error);
    let place = Place::File(path.to_owned());
    let unfinished = path.with_extension("unfinished");
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    {
        let database = Builder::new().create(&unfinished).map_err(|error| refused(&place, &error))?;
        prepare(&Place::File(unfinished.clone()), &database, world)?;
    }
    std::fs::rename(&unfinished, path).map_err(io)?;
    sync_folder(path).map_err(io)
}

/// Makes a rename in the folder of this file last.
pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder).and_then(|folder| folder.sync_all())
}

fn refused(place: &Place, error: &redb::DatabaseError) -> OpenError {
    match error {
        redb::DatabaseError::DatabaseAlreadyOpen => OpenError::InUse,
        redb::DatabaseError::Storage(redb::StorageError::Io(error)) => match place {
            Place::File(path) => OpenError::io(path, error),
            Place::Memory(_) => OpenError::io(Path::new("memory"), error),
        },
        other => OpenError::Damaged { path: shown(place), reason: other.to_string() },
    }
}

/// Makes the tables of a new store; checks the layout of an old one and brings it up to this one.
fn prepare(place: &Place, database: &redb::Database, world: &World) -> Result<(), OpenError> {
    match layout(database).map_err(|error| damaged(place, &error))? {
        Layout::Ours(SCHEMA) => Ok(()),
        Layout::Ours(found) if found > SCHEMA => Err(OpenError::Newer { found, known: SCHEMA }),
        Layout::Ours(found) => migrate::up(place, database, found),
        Layout::Foreign => Err(OpenError::Foreign(shown(place))),
        Layout::New => create_tables(database, world).map_err(|error| damaged(place, &error)),
    }
}

enum Layout {
    New,
    Ours(u32),
    Foreign,
}

pub(super) const SCHEMA_NAME: &str = "schema";

fn layout(database: &impl ReadableDatabase) -> Result<Layout, StoreError> {
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
