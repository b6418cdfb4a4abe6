//! The outside world, each system behind a rail. `docs/RAILS.md` is what every rail obeys.
//!
//! A rail knows only the ground. It gets permits, cursors and keys as values, makes one call, and returns what
//! happened as a value. It keeps nothing, retries nothing, and decides nothing.

pub mod http;
mod permit;
pub mod qbo;
pub mod twenty;
pub mod vault;

use std::pin::Pin;

use ::http::{Request, Response};
use bytes::Bytes;
use uuid::Uuid;

use crate::ground::time::Instant;

pub use crate::ground::budget::CallClass;
pub use permit::{Attempt, Heard, Hears, Permit};

/// A future that can be kept.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, TransportError>> + Send + 'a>>;

/// Carries one request. `reqwest` in `serve`, the simulator in process in tests.
pub trait Transport: Send + Sync {
    /// Sends, and answers with the complete reply.
    fn send(&self, request: Request<Bytes>) -> Sending<'_>;
}

/// The request did not bring a complete reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// It never left: nothing can have happened.
    #[error("no connection: {0}")]
    Refused(String),
    /// Some of it may have left: anything can have happened.
    #[error("no complete answer: {0}")]
    Broken(String),
}

/// Why a call did not do what was asked, sorted once into six kinds. Policies match on these.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Not now; nothing happened. Try again, not before so many milliseconds when told.
    #[error("{said}")]
    Later {
        /// What the other side asked for.
        after_ms: Option<i64>,
        /// What it said.
        said: String,
        /// Whether it was its limit on calls.
        limit: bool,
    },
    /// Our credential is not accepted, or may not do this.
    #[error("{0}")]
    Denied(String),
    /// The data is not accepted. Nothing of the call was kept.
    #[error("{0}")]
    Refused(String),
    /// Something with the same unique value is there. Nothing of the call was kept.
    #[error("{0}")]
    Clash(String),
    /// What was addressed is not there.
    #[error("{0}")]
    Gone(String),
    /// The answer does not fit the question.
    #[error("{0}")]
    Broken(String),
}

/// What became of a call that creates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything sent is there; matched by id.
    Confirmed(Vec<RawRecord>),
    /// Nothing of it is there.
    Rejected(Trouble),
    /// It is not known.
    Unknown(String),
}

/// A foreign record as its system told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRecord {
    /// Its id there.
    pub id: Uuid,
    /// Its JSON text, as it came but for fields that only repeat others.
    pub json: String,
    /// When it was changed there.
    pub updated: Option<Instant>,
    /// Whether it is soft-deleted there.
    pub deleted: bool,
}

/// A page of a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPage {
    /// The records.
    pub records: Vec<RawRecord>,
    /// Where the next page begins; none after the last one.
    pub next: Option<String>,
    /// How many records match in all, as the other side said.
    pub total: Option<u64>,
    /// What time it was there, to the second, as the answer's header told.
    pub told_at: Option<Instant>,
    /// Texts of records that cannot even be named, since they have no readable id.
    pub unreadable: Vec<String>,
}
