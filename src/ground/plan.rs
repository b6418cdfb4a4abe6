//! A dry run: what a process run would send, before it sends it.

use serde::{Deserialize, Serialize};

use super::id::{Seq, StagedId};
use super::time::Instant;

/// What somebody wants to see before a batch is processed, and what was made of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The question that the answer belongs to: each one has a number.
    pub asked: u64,
    /// The answer; none while it is not made.
    pub made: Option<Made>,
}

/// What a run would do if it began now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// When it was made.
    pub at: Instant,
    /// The requests, in order, bodies complete.
    pub requests: Vec<PlannedRequest>,
    /// The rows it is about, as they were: a run that is started on this plan refuses if one has changed.
    pub rows: Vec<(StagedId, Seq)>,
    /// Rows that would not be sent, with the reason.
    pub refused: Vec<(StagedId, String)>,
    /// Milliseconds until the last request could have been made at the limits and use of the moment; none where that
    /// is not known.
    pub millis: Option<u64>,
    /// Why there is no plan, in plain words.
    pub lacks: Option<String>,
}

/// One request to Twenty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRequest {
    /// `GET` looks, `POST` creates.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The body as it would travel; none for a look.
    pub body: Option<String>,
    /// The rows it is about.
    pub rows: Vec<StagedId>,
}
