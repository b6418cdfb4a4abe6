//! Records of Twenty that cannot be read as what they should be: set aside with a reason, while the rest goes on.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::time::Instant;

/// A record that was set aside. The mirror keeps its text as it came; nothing is counted or shown of it as a gift or a
/// person until it reads again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quarantined {
    /// Which kind of record, as the API names it.
    pub object: String,
    /// Its id there, where it has one that can be read.
    pub record: Option<Uuid>,
    /// What is wrong, in plain words.
    pub reason: String,
    /// When it was first seen so.
    pub since: Instant,
}
