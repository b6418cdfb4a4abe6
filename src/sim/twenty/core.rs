//! The state of one simulated server.

use std::sync::Arc;

use uuid::Uuid;

use super::auth::{Access, KeyState, Who};
use super::error::Refusal;
use super::hooks::Hooks;
use super::limit::{self, Buckets, RateLimit};
use super::schema::Schema;
use super::store::Store;
use super::time::MILLISECOND;
use super::version::Version;
use super::{Clock, LoggedRequest};
use crate::sim::dice::Dice;
use crate::sim::faults::Plan;
use crate::sim::json::Json;

/// Streams of randomness, one per purpose, so that one draw more here shifts nothing there.
pub(crate) mod purpose {
    /// Ids of records.
    pub(super) const IDS: u64 = 1;
    /// Which request meets which fault.
    pub(crate) const FAULTS: u64 = 2;
    /// What a fault then does: the row it strikes, the order it makes.
    pub(crate) const MISCHIEF: u64 = 8;
    /// Ids of timeline entries.
    pub(super) const TIMELINE: u64 = 7;
}

/// Everything behind the lock.
pub(crate) struct Core {
    /// The seed, for values that must stay the same over the life of the server.
    pub(crate) seed: u64,
    clock: Clock,
    /// How far the server's clock is ahead, in microseconds.
    pub(crate) skew: i64,
    /// Which server it plays.
    pub(crate) version: Version,
    /// The rows.
    pub(crate) store: Store,
    /// The rate limit, when it is on.
    pub(crate) buckets: Option<Buckets>,
    /// Source of ids.
    pub(crate) ids: Dice,
    /// Source of ids of timeline entries.
    pub(crate) ids_of_timeline: Dice,
    /// Decides which request meets which fault.
    pub(crate) chances: Dice,
    /// Decides what a fault does; a stream of its own, so that a fault that strikes shifts no other.
    pub(crate) mischief: Dice,
    /// True while the limiter refuses whatever it watches, full buckets or not.
    pub(crate) storm: bool,
    /// What is to go wrong.
    pub(crate) plan: Plan,
    /// Requests served so far.
    pub(crate) served: u64,
    /// State of the API key the server starts with.
    pub(crate) key_state: KeyState,
    /// Keys, roles and sessions.
    pub(crate) access: Access,
    /// User and member of the person who changes something in the user interface, while they do.
    pub(crate) author: Option<(Uuid, Uuid)>,
    /// The webhooks.
    pub(crate) hooks: Hooks,
    /// Objects and fields made since the start; they tell one life of a name from the next.
    pub(crate) births: u64,
    /// What was asked and answered.
    pub(crate) log: Vec<LoggedRequest>,
}

impl Core {
    /// A server with empty tables.
    pub(crate) fn new(seed: u64, clock: Clock, limit: Option<RateLimit>, schema: Schema) -> Self {
        let now = clock();
        Self {
            seed,
            clock,
            skew: 0,
            version: Version::default(),
            store: Store::new(schema),
            buckets: limit.map(Buckets::new),
            ids: Dice::new(seed, purpose::IDS),
            ids_of_timeline: Dice::new(seed, purpose::TIMELINE),
            chances: Dice::new(seed, purpose::FAULTS),
            mischief: Dice::new(seed, purpose::MISCHIEF),
            storm: false,
            plan: Plan::none(),
            served: 0,
            key_state: KeyState::Live,
            access: Access::new(seed, now),
            author: None,
            hooks: Hooks::new(seed),
            births: 0,
            log: Vec::new(),
        }
    }

    /// Microseconds since the epoch, as the server believes.
    pub(crate) fn now(&self) -> i64 {
        (self.clock)().saturating_add(self.skew)
    }

    /// Plays a version of the server from now on.
    pub(crate) fn play(&mut self, version: Version) {
        self.version = version;
        self.store.raw_instants = version == Version::Older;
    }

    /// Takes a token for one record operation; people in the user interface need none.
    pub(crate) fn charge(&mut self) -> Result<(), Refusal> {
        if matches!(self.access.asking, Who::Person(_)) {
            return Ok(());
        }
        let (now_ms, version) = (self.now() / MILLISECOND, self.version);
        if self.storm {
            let RateLimit { long_limit, long_ttl_ms, .. } = RateLimit::default();
            return Err(limit::refusal(version, long_limit, long_ttl_ms, now_ms, self.key_id()));
        }
        let key = self.key_id();
        self.buckets.as_mut().map_or(Ok(()), |buckets| buckets.consume(now_ms, version, key))
    }

    /// Id of the API key that asks, or of the first one when a person does.
    pub(crate) fn key_id(&self) -> Uuid {
        let at = if let Who::Key(at) = self.access.asking { at } else { 0 };
        self.access.keys.get(at).map_or(Uuid::nil(), |key| key.id)
    }

    /// The signature of whoever asks.
    pub(crate) fn key_actor(&self) -> Json {
        self.access.actor()
    }

    /// The data model, shared.
    pub(crate) fn schema(&self) -> Arc<Schema> {
        Arc::clone(&self.store.schema)
    }
}
