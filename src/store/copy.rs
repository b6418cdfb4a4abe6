//! A copy of the ledger's file as it was after a commit, taken while writes go on.

use super::Database;
use super::apply::identity;
use super::below::Copier;
use super::codec::{Link, decode};
use super::error::StoreError;
use super::reader::Reader;
use super::tables::SCHEMA;
use crate::ground::time::Instant;

/// Bytes that are read at a time: a writer waits for no more than these.
const STEP: u64 = 256 * 1024;

/// What the ledger was at the moment of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// What tells this ledger from every other one.
    pub ledger: [u8; 16],
    /// Its last entry; 0 when there is none.
    pub seq: u64,
    /// Its last commit.
    pub commit: u64,
    /// The last link of the hash chain; all zeros before the first commit.
    pub chain: [u8; 32],
    /// The layout.
    pub schema: u32,
    /// How long the file was, in bytes.
    pub bytes: u64,
    /// When it was.
    pub at: Instant,
}

/// The bytes of a ledger at a moment; read once, from the first to the last. One at a time.
pub struct FileCopy {
    /// What the ledger was.
    pub moment: Moment,
    copier: Copier,
}

impl std::fmt::Debug for FileCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileCopy({:?})", self.moment)
    }
}

impl FileCopy {
    /// The next bytes, about `max`; none at the end. An error when the copy cannot be completed: begin a new one.
    pub fn next(&mut self, max: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let failed = |error| StoreError::Unavailable(format!("the copy could not be completed: {error}"));
        let mut out: Option<Vec<u8>> = None;
        while out.as_ref().is_none_or(|out| (out.len() as u64) < max) {
            let Some(more) = self.copier.next(max.min(STEP)).map_err(failed)? else { break };
            out.get_or_insert_default().extend(more);
        }
        Ok(out)
    }
}

/// Begins a copy; the writer does this between two groups, so that the file is what the last commit made it.
pub(super) fn begin(database: &Database, at: Instant) -> Result<FileCopy, StoreError> {
    let shared = database.tables()?;
    let tables = &shared.tables;
    let (seq, commit) = (tables.last_seq()?, tables.last_commit()?);
    let chain = match tables.link(commit)? {
        Some(value) => decode::<Link>("chain link", &value)?.hash,
        None => [0; 32],
    };
    let ledger = identity(tables)?;
    let copier = database.get()?.below.copy();
    let copier = copier.map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let moment = Moment { ledger, seq, commit, chain, schema: SCHEMA, bytes: copier.len(), at };
    Ok(FileCopy { moment, copier })
}
