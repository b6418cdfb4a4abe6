//! Brings an older layout up to the one of this version: in order, in one transaction, after a safety copy.
//!
//! What a step touches is derived from the journal; the journal itself is never rewritten, so that the chain proves
//! after every step what it proved before.

use std::path::{Path, PathBuf};

use redb::{ReadableTable, WriteTransaction};

use super::Place;
use super::apply::{NEXT_SUBJECT, genesis};
use super::codec::{decode_entry, decode_header, encode};
use super::derive::keys;
use super::error::{OpenError, StoreError};
use super::key;
use super::open::{SCHEMA_NAME, sync_folder};
use super::reader::OpenTables;
use super::tables::{self, Index, SCHEMA};
use crate::ground::id::Object;

/// One step: from the layout before it to its own.
type Step = fn(&WriteTransaction) -> Result<(), StoreError>;

/// Every step, the first of which leads to layout 2. Append only.
const STEPS: [Step; 2] = [to_2, to_3];

/// Brings the ledger up to this layout; a copy of it as it was stays beside it.
pub(super) fn up(place: &Place, database: &redb::Database, found: u32) -> Result<(), OpenError> {
    if let Place::File(path) = place {
        let copied = copy(path, found);
        copied.map_err(|error| OpenError::Copy {
            path: path.display().to_string(),
            to: SCHEMA,
            reason: error.to_string(),
        })?;
    }
    let path = match place {
        Place::File(path) => path.display().to_string(),
        Place::Memory(_) => "memory".to_owned(),
    };
    migrate(database, found)
        .map_err(|error| OpenError::Damaged { path: path.clone(), reason: error.to_string() })?;
    tracing::info!(event = "ledger_migrated", path, from = found, to = SCHEMA);
    Ok(())
}

/// Where the copy of a ledger of this layout stands.
fn copy_of(path: &Path, found: u32) -> PathBuf {
    path.with_extension(format!("layout-{found}.redb"))
}

/// Copies the file as it was. One that is already there is of an attempt that did not come to its end: since an
/// attempt changes nothing until its end, both say the same.
fn copy(path: &Path, found: u32) -> std::io::Result<()> {
    let copy = copy_of(path, found);
    let unfinished = copy.with_extension("unfinished");
    std::fs::copy(path, &unfinished)?;
    std::fs::File::open(&unfinished)?.sync_all()?;
    std::fs::rename(&unfinished, &copy)?;
    sync_folder(path)
}

fn migrate(database: &redb::Database, found: u32) -> Result<(), StoreError> {
    let mut tx = database.begin_write()?;
    tx.set_quick_repair(true);
    let done = usize::try_from(found).ok().and_then(|found| found.checked_sub(1));
    let steps = done.and_then(|done| STEPS.get(done..));
    for step in steps.ok_or(StoreError::Newer { what: "a layout that was never released", found })? {
        step(&tx)?;
    }
    tx.open_table(tables::META)?.insert(SCHEMA_NAME, encode(&SCHEMA)?.as_slice())?;
    tx.commit()?;
    Ok(())
}

/// Layout 2: index keys say all and values nothing; history holds what is superseded; indexes of superseded entries by
/// object, of people by address, of staged rows by donor, and of merged records.
fn to_2(tx: &WriteTransaction) -> Result<(), StoreError> {
    tx.delete_table(tables::INDEX_1)?;
    let mut tables = OpenTables::open(tx)?;
    // A ledger that is not ours has no identity.
    genesis(&tables)?;
    tables.meta.remove(NEXT_SUBJECT)?;
    let last = tables.journal.last()?.map_or(0, |(seq, _)| seq.value());
    for seq in 1..=last {
        let value = tables.journal.get(seq)?.map(|value| value.value().to_vec());
        let entry = decode_entry(&value.ok_or(StoreError::corrupt("a gap in the journal", 0))?)?;
        let subject = entry.header.subject.0;
        let is_newest = tables.current.get(subject)?.is_some_and(|current| current.value() == seq);
        if is_newest {
            tables.history.remove((subject, seq))?;
        }
        if let Some(previous) = entry.header.previous {
            let superseded = key::superseded(entry.header.key.connection, entry.header.key.object);
            tables.index.insert(superseded.finish(previous).as_slice(), ())?;
        }
        let keys = keys(&entry.header, entry.json())?;
        let standing = keys.standing.into_iter().filter(|_| is_newest);
        for key in keys.lasting.into_iter().chain(standing) {
            tables.index.insert(key.finish(subject, seq).as_slice(), ())?;
        }
    }
    Ok(())
}

/// Layout 3: an index of the links of tasks and notes by what they are about.
fn to_3(tx: &WriteTransaction) -> Result<(), StoreError> {
    let mut tables = OpenTables::open(tx)?;
    let newest: Vec<(u64, u64)> = tables
        .current
        .iter()?
        .map(|row| row.map(|(subject, seq)| (subject.value(), seq.value())))
        .collect::<Result<_, _>>()?;
    for (subject, seq) in newest {
        let value = tables.journal.get(seq)?.map(|value| value.value().to_vec());
        let value = value.ok_or(StoreError::corrupt("a gap in the journal", 0))?;
        if !matches!(decode_header(&value)?.key.object, Object::TaskTargets | Object::NoteTargets) {
            continue;
        }
        let entry = decode_entry(&value)?;
        for key in keys(&entry.header, entry.json())?.standing {
            let key = key.finish(subject, seq);
            if key.first() == Some(&(Index::LinksByTarget as u8)) {
                tables.index.insert(key.as_slice(), ())?;
            }
        }
    }
    Ok(())
}
