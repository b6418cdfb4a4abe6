//! The state of one simulated server.

use std::sync::Arc;

use super::auth::KeyState;
use super::limit::{Buckets, RateLimit};
use super::schema::Schema;
use super::store::Store;
use super::time::MILLISECOND;
use super::{Clock, LoggedRequest};
use crate::sim::dice::Dice;
use crate::sim::faults::Plan;
use crate::sim::json::Json;

/// Name of the API key, as it signs what it writes.
pub(crate) const KEY_NAME: &str = "Almoner";

/// Streams of randomness, one per purpose, so that one draw more here shifts nothing there.
mod purpose {
    /// Ids of records.
    pub(super) const IDS: u64 = 1;
    /// Faults.
    pub(super) const FAULTS: u64 = 2;
}

/// Everything behind the lock.
pub(crate) struct Core {
    /// The seed, for values that must stay the same over the life of the server.
    pub(crate) seed: u64,
    clock: Clock,
    /// The rows.
    pub(crate) store: Store,
    /// The rate limit, when it is on.
    pub(crate) buckets: Option<Buckets>,
    /// Source of ids.
    pub(crate) ids: Dice,
    /// Source of faults.
    pub(crate) mischief: Dice,
    /// What is to go wrong.
    pub(crate) plan: Plan,
    /// Requests served so far.
    pub(crate) served: u64,
    /// State of the API key.
    pub(crate) key_state: KeyState,
    /// What was asked and answered.
    pub(crate) log: Vec<LoggedRequest>,
}

impl Core {
    /// A server with empty tables.
    pub(crate) fn new(seed: u64, clock: Clock, limit: Option<RateLimit>, schema: Schema) -> Self {
        Self {
            seed,
            clock,
            store: Store::new(schema),
            buckets: limit.map(Buckets::new),
            ids: Dice::new(seed, purpose::IDS),
            mischief: Dice::new(seed, purpose::FAULTS),
            plan: Plan::none(),
            served: 0,
            key_state: KeyState::Live,
            log: Vec::new(),
        }
    }

    /// Microseconds since the epoch.
    pub(crate) fn now(&self) -> i64 {
        (self.clock)()
    }

    /// Takes a token for one record operation.
    pub(crate) fn charge(&mut self) -> Result<(), super::error::Refusal> {
        let now_ms = self.now() / MILLISECOND;
        self.buckets.as_mut().map_or(Ok(()), |buckets| buckets.consume(now_ms))
    }

    /// The signature of the API key.
    pub(crate) fn key_actor() -> Json {
        Json::object([
            ("source", Json::text("API")),
            ("workspaceMemberId", Json::Null),
            ("name", Json::text(KEY_NAME)),
            ("context", Json::Obj(Vec::new())),
        ])
    }

    /// The data model, shared.
    pub(crate) fn schema(&self) -> Arc<Schema> {
        Arc::clone(&self.store.schema)
    }
}
