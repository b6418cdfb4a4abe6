//! The budget of a connection as people see it.

use serde::{Deserialize, Serialize};

use super::{Calls, Limit, Reason, Standing};
use crate::ground::time::Instant;

/// How a connection's calls stand at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BudgetView {
    /// Calls that could be made now.
    pub tokens: u32,
    /// The server's limit that decides in the long run.
    pub limit: Limit,
    /// Calls a minute that we make at most in the long run.
    pub per_minute: u32,
    /// The share of the server's limits that we take, in per cent.
    pub share_percent: u32,
    /// Calls of the last hour, to within ten minutes.
    pub calls_last_hour: Calls,
    /// Whether calls go out at all.
    pub breaker: Standing,
    /// Why the breaker is not closed.
    pub breaker_reason: Option<Reason>,
    /// What the other side said then, in its words.
    pub said: Option<String>,
    /// When calls go out again: because of the breaker, or because the server asked for it.
    pub shut_until: Option<Instant>,
}
