//! Gives unused room of the ledger's file back.

use std::io::Write;

use super::{CommandError, wait};
use crate::store::Store;

/// Compacts, and tells the file's length before and after. Writes wait meanwhile.
pub(super) fn compact(store: &Store, out: &mut dyn Write) -> Result<u8, CommandError> {
    let compacted = wait(store.compact())?;
    writeln!(out, "The ledger had {} bytes and has {} now.", compacted.before, compacted.after)?;
    Ok(0)
}
