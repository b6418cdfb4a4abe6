//! Gives unused room back: copies everything that is live into a new file, in the order of its keys and packed as small
//! as it goes, and puts that in the place of the old one.
//!
//! Pages that were let go are overwritten by later writes only, so this is also how what was erased leaves the file.

use std::path::Path;

use redb::{Builder, Key, ReadableTable, Table, TableDefinition, Value, WriteTransaction};

use super::codec::repacked;
use super::error::StoreError;
use super::open;
use super::reader::SnapshotTables;
use super::tables as t;
use super::{Database, Place};

/// Bytes before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// The file's length before.
    pub before: u64,
    /// The file's length now.
    pub after: u64,
}

/// Copies and swaps. Nothing is written meanwhile: the one writer is doing this.
pub(super) fn compact(database: &Database) -> Result<Compacted, StoreError> {
    let Place::File(path) = &database.place else {
        return Err(StoreError::Unavailable("only a ledger in a file can be compacted".into()));
    };
    let io = |error: std::io::Error| StoreError::Unavailable(format!("cannot compact the ledger: {error}"));
    let before = std::fs::metadata(path).map_err(io)?.len();
    let copy = path.with_extension(open::COMPACT);
    let swapped = copy_to(database, &copy).and_then(|()| {
        database.swap(|| {
            std::fs::rename(&copy, path).map_err(io)?;
            open::sync_folder(path).map_err(io)
        })
    });
    if swapped.is_err() {
        // Whatever is left of it is of no use; the ledger itself was not touched.
        let _ = std::fs::remove_file(&copy);
    }
    swapped?;
    Ok(Compacted { before, after: std::fs::metadata(path).map_err(io)?.len() })
}

fn copy_to(database: &Database, path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(StoreError::Unavailable(error.to_string()));
        }
        _ => {}
    }
    let tables = database.tables()?;
    let from = &tables.tables;
    let mut new = Builder::new().set_cache_size(open::CACHE_BYTES).create(path)?;
    let mut tx = new.begin_write()?;
    tx.set_quick_repair(true);
    copy_table(&tx, t::META, &from.meta)?;
    copy_journal(&tx, from)?;
    copy_table(&tx, t::COMMITS, &from.commits)?;
    copy_table(&tx, t::CURRENT, &from.current)?;
    copy_table(&tx, t::HISTORY, &from.history)?;
    copy_table(&tx, t::SUBJECT_BY_KEY, &from.subject_by_key)?;
    copy_table(&tx, t::SUBJECT_YOUNG, &from.subject_young)?;
    copy_table(&tx, t::INDEX, &from.index)?;
    copy_table(&tx, t::INDEX_YOUNG, &from.index_young)?;
    copy_table(&tx, t::SUMMARY, &from.summary)?;
    copy_table(&tx, t::WORKING, &from.working)?;
    copy_table(&tx, t::SECRETS, &from.secrets)?;
    tx.commit()?;
    new.compact().map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(())
}

/// Entries that are packed anew at a time, on two cores.
const STRETCH: usize = 4_000;

/// Copies the journal, each entry as small as it goes.
fn copy_journal(tx: &WriteTransaction, from: &SnapshotTables) -> Result<(), StoreError> {
    let mut to = tx.open_table(t::JOURNAL)?;
    let mut rows = from.journal.iter()?;
    loop {
        let stretch: Result<Vec<(u64, Vec<u8>)>, StoreError> = rows
            .by_ref()
            .take(STRETCH)
            .map(|row| row.map(|(seq, value)| (seq.value(), value.value().to_vec())).map_err(Into::into))
            .collect();
        let stretch = stretch?;
        if stretch.is_empty() {
            return Ok(());
        }
        let repack = |entries: &[(u64, Vec<u8>)]| -> Result<Vec<Vec<u8>>, StoreError> {
            entries.iter().map(|(_, value)| repacked(value)).collect()
        };
        let (first, second) = stretch.split_at(stretch.len() / 2);
        let (first, second) = std::thread::scope(|scope| {
            let second = scope.spawn(|| repack(second));
            (repack(first), second.join())
        });
        let stopped = |_| StoreError::Unavailable("packing stopped half-way".into());
        let values = first?.into_iter().chain(second.map_err(stopped)??);
        for ((seq, _), value) in stretch.iter().zip(values) {
            to.insert(*seq, value.as_slice())?;
        }
    }
}

fn copy_table<K: Key + 'static, V: Value + 'static>(
    tx: &WriteTransaction,
    table: TableDefinition<'static, K, V>,
    from: &impl ReadableTable<K, V>,
) -> Result<(), StoreError> {
    let mut to: Table<'_, K, V> = tx.open_table(table)?;
    for row in from.iter()? {
        let (key, value) = row?;
        to.insert(key.value(), value.value())?;
    }
    Ok(())
}
