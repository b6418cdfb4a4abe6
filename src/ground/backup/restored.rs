//! What a ledger knows of having been restored: until the other side was read completely once, nothing is sent there.

use serde::{Deserialize, Serialize};

use crate::ground::time::Instant;

/// A ledger that came out of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// When it was restored.
    pub at: Instant,
    /// The backup's name.
    pub set: String,
    /// When the backup was taken.
    pub taken_at: Instant,
    /// The last entry of the journal then.
    pub seq: u64,
    /// When the other side had been read completely, and sending began again.
    pub opened_at: Option<Instant>,
}

impl Restored {
    /// Whether nothing may be sent yet.
    pub const fn is_shut(&self) -> bool {
        self.opened_at.is_none()
    }

    /// Whether a row that came in at this moment may have been sent before the ledger went back in time: what came in
    /// later was never known to the ledger that was lost.
    pub fn may_have_been_sent(&self, received_at: Instant) -> bool {
        received_at <= self.at
    }
}
