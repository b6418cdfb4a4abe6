//! A Twenty CRM server, version 2.19.0, in memory.
//!
//! It answers as the recordings of a real server do, computed from its own rows. Serve it on
//! loopback with [`Twenty::router`] or call it in process with [`Twenty::exchange`]; test oracles
//! look behind the curtain with [`Twenty::records`] and [`Twenty::request_log`].

mod aggregate;
mod api;
mod auth;
mod charity;
mod composite;
pub(crate) mod core;
mod duplicates;
pub(crate) mod emit;
mod error;
mod events;
mod filter;
mod graphql;
mod groups;
mod hands;
mod hooks;
mod limit;
mod list;
mod merge;
mod metadata;
mod openapi;
mod ops;
mod order;
mod phone;
mod predicate;
mod query;
mod relation;
mod remove;
mod rest;
#[cfg(test)]
mod rules;
pub(crate) mod schema;
mod search;
mod serve;
mod standard;
pub(crate) mod store;
pub(crate) mod time;
mod values;
mod version;
mod wire;
mod write;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::Value;
use uuid::Uuid;

pub use auth::KeyState;
pub use hooks::{Delivered, Delivery};
pub use limit::RateLimit;
pub use schema::Schema;
pub use version::Version;
pub use wire::Wire;

use self::core::Core;
use super::dice::Dice;
use super::faults::{Broken, Fault, Plan};
use super::json::Json;
use super::scenario::{self, Size};

/// Source of the time: microseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// A wait that ends by itself.
pub type Pause = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Waits so many milliseconds; handed in, because nothing here waits by itself.
pub type Waiter = Arc<dyn Fn(u64) -> Pause + Send + Sync>;

/// Carries the calls of webhooks to their receivers.
pub trait Sender: Sync {
    /// Sends one call; the status of the answer, or `None` when there was none in time.
    fn send(&self, delivery: Delivery) -> impl Future<Output = Option<u16>> + Send;
}

/// How a simulated server starts.
#[derive(Clone)]
pub struct Options {
    /// Everything random is drawn from this.
    pub seed: u64,
    /// The time, in microseconds since the epoch.
    pub clock: Clock,
    /// The rate limit; `None` switches it off.
    pub rate_limit: Option<RateLimit>,
    /// A charity to begin with; `None` leaves the tables empty.
    pub charity: Option<Size>,
    /// Which server to play.
    pub version: Version,
    /// What waits when an answer is to come late over HTTP; `None` lets it come at once.
    pub waiter: Option<Waiter>,
    /// Whether webhooks to private networks are dropped without a word, as the server does by default.
    pub public_hooks_only: bool,
}

impl Options {
    /// An empty workspace without a rate limit.
    pub fn new(seed: u64, clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self {
            seed,
            clock: Arc::new(clock),
            rate_limit: None,
            charity: None,
            version: Version::default(),
            waiter: None,
            public_hooks_only: false,
        }
    }

    /// The same, playing another version of the server.
    #[must_use]
    pub fn playing(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// The same with the server's default rate limit.
    #[must_use]
    pub fn throttled(mut self) -> Self {
        self.rate_limit = Some(RateLimit::default());
        self
    }

    /// The same with a charity of that size in it.
    #[must_use]
    pub fn with_charity(mut self, size: Size) -> Self {
        self.charity = Some(size);
        self
    }
}

/// One request the server saw, for test oracles.
#[derive(Clone, Debug)]
pub struct LoggedRequest {
    /// Running number, from 1.
    pub number: u64,
    /// Method.
    pub method: http::Method,
    /// Path without the query.
    pub path: String,
    /// Text behind the question mark.
    pub query: String,
    /// Body.
    pub body: Bytes,
    /// Status of the answer the server gave; `None` when it gave none.
    pub status: Option<u16>,
    /// Whether rows changed.
    pub effect: bool,
    /// The fault it met.
    pub fault: Option<Fault>,
}

/// A simulated server; clones share one state.
#[derive(Clone)]
pub struct Twenty {
    core: Arc<Mutex<Core>>,
    waiter: Option<Waiter>,
    /// Rings after every request, for whoever delivers the webhooks.
    bell: Arc<tokio::sync::Notify>,
}

impl Twenty {
    /// A charity's workspace.
    pub fn new(options: Options) -> Self {
        Self::with_schema(options, Schema::charity())
    }

    /// A workspace with another data model.
    pub fn with_schema(options: Options, schema: Schema) -> Self {
        let Options { seed, clock, rate_limit, charity, version, waiter, public_hooks_only } = options;
        let mut core = Core::new(seed, clock, rate_limit, schema);
        core.play(version);
        core.hooks.public_only = public_hooks_only;
        if let Some(size) = charity {
            scenario::populate(&mut core, size);
        }
        Self { core: Arc::new(Mutex::new(core)), waiter, bell: Arc::default() }
    }

    /// The state; a panic elsewhere in a test does not make it unreadable.
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token of the workspace's API key; every other bearer is refused.
    pub fn api_key(&self) -> String {
        auth::token(self.core().seed)
    }

    /// Revokes, expires or revives the API key.
    pub fn set_key_state(&self, state: KeyState) {
        self.core().key_state = state;
    }

    /// A router for serving on loopback.
    pub fn router(&self) -> axum::Router {
        serve::router(self.clone())
    }

    /// Answers a request in process; faults are acted out, nothing waits.
    pub fn exchange(
        &self,
        request: http::Request<Bytes>,
    ) -> impl Future<Output = Result<http::Response<Bytes>, Broken>> + Send + 'static {
        let server = self.clone();
        async move { server.answer(request) }
    }

    /// As [`Twenty::exchange`], without a future around it.
    pub fn answer(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Broken> {
        serve::answer(&mut self.core(), request)
    }

    /// As [`Twenty::answer`], with the pause after which the answer is to be told.
    fn answer_late(&self, request: http::Request<Bytes>) -> (Result<http::Response<Bytes>, Broken>, Pause) {
        let mut core = self.core();
        let outcome = serve::answer(&mut core, request);
        self.bell.notify_one();
        let delay = match core.log.last().and_then(|last| last.fault.clone()) {
            Some(Fault::Slow(milliseconds)) => Some(milliseconds),
            _ => None,
        };
        let pause = self.waiter.as_ref().zip(delay).map(|(waiter, milliseconds)| waiter(milliseconds));
        (outcome, pause.unwrap_or_else(|| Box::pin(std::future::ready(()))))
    }

    /// The calls of webhooks that are due now, signed, in the order in which they leave; whoever
    /// takes them is the one to deliver them.
    pub fn take_deliveries(&self) -> Vec<Delivery> {
        let mut core = self.core();
        let now = core.now();
        core.hooks.due(now)
    }

    /// Delivers the calls that are due, up to twenty at a time, and notes what became of them.
    /// Nothing is sent again, whatever comes back. Answers how many were sent.
    pub async fn deliver(&self, sender: &impl Sender) -> usize {
        let due = self.take_deliveries();
        let count = due.len();
        let mut due = due.into_iter().peekable();
        while due.peek().is_some() {
            let chunk: Vec<Delivery> = due.by_ref().take(hooks::CHUNK).collect();
            let sent = chunk.into_iter().map(|delivery| async {
                let (number, event) = (delivery.number, delivery.event.clone());
                Delivered { number, event, status: sender.send(delivery).await }
            });
            let outcomes = futures_util::future::join_all(sent).await;
            self.core().hooks.log.extend(outcomes);
        }
        count
    }

    /// Delivers what is due whenever there may be something, for a server that runs alone; never ends.
    pub async fn keep_delivering(&self, sender: &impl Sender) {
        // Calls that are late come due without a request.
        const LATEST: std::time::Duration = std::time::Duration::from_millis(250);
        loop {
            self.deliver(sender).await;
            let _ = tokio::time::timeout(LATEST, self.bell.notified()).await;
        }
    }

    /// What became of the calls so far; those that were lost on the way are among them.
    pub fn delivered(&self) -> Vec<Delivered> {
        self.core().hooks.log.clone()
    }

    /// Stops or starts the worker that makes the calls of webhooks; while it is down they wait.
    pub fn set_worker_down(&self, down: bool) {
        self.core().hooks.stopped = down;
    }

    /// Whether calls of webhooks to private networks are dropped without a word.
    pub fn set_public_hooks_only(&self, only: bool) {
        self.core().hooks.public_only = only;
    }

    /// Sets the server's clock wrong by so many microseconds.
    pub fn set_clock_skew(&self, microseconds: i64) {
        self.core().skew = microseconds;
    }

    /// Lets another version of the server answer from now on.
    pub fn set_version(&self, version: Version) {
        self.core().play(version);
    }

    /// Runs the nightly job that empties the bin; how many records went.
    pub fn purge_trash(&self) -> usize {
        hands::purge(&mut self.core())
    }

    /// Every stored record of an object at depth 0, the bin included, by id.
    pub fn records(&self, plural: &str) -> Vec<Value> {
        let core = self.core();
        let schema = core.schema();
        let Some((index, object)) = schema.by_plural(plural) else { return Vec::new() };
        let rows = core.store.table(index).rows().values();
        rows.map(|row| emit::record(&core.store, object, row, 0).to_value()).collect()
    }

    /// Every request so far.
    pub fn request_log(&self) -> Vec<LoggedRequest> {
        self.core().log.clone()
    }

    /// Forgets the requests so far.
    pub fn clear_log(&self) {
        self.core().log.clear();
    }

    /// What is to go wrong from now on.
    pub fn set_faults(&self, plan: Plan) {
        let mut core = self.core();
        if let Some(seed) = plan.seed() {
            core.chances = Dice::new(seed, core::purpose::FAULTS);
            core.mischief = Dice::new(seed, core::purpose::MISCHIEF);
        }
        core.plan = plan;
    }

    /// Switches the rate limit on (with full buckets) or off.
    pub fn set_rate_limit(&self, limit: Option<RateLimit>) {
        self.core().buckets = limit.map(limit::Buckets::new);
    }

    /// Stores a record as a reply showed it, ids and times included; for fixtures. False when the
    /// object or the id is unknown to the data model.
    pub fn load(&self, plural: &str, record: &Value) -> bool {
        hands::load(&mut self.core(), plural, &Json::from(record))
    }

    /// Somebody else ("Maya in Twenty") changes a record; false when it is not there or the change is refused.
    pub fn edit(&self, plural: &str, id: Uuid, patch: &Value) -> bool {
        hands::edit(&mut self.core(), plural, id, &Json::from(patch))
    }

    /// Somebody else makes a record; its id, or `None` when it is refused.
    pub fn create(&self, plural: &str, record: &Value) -> Option<Uuid> {
        hands::create(&mut self.core(), plural, &Json::from(record))
    }

    /// Somebody else puts a record into the bin; false when it is not there.
    pub fn soft_delete(&self, plural: &str, id: Uuid) -> bool {
        hands::remove(&mut self.core(), plural, id, true)
    }

    /// Somebody else destroys a record; false when it is not there.
    pub fn destroy(&self, plural: &str, id: Uuid) -> bool {
        hands::remove(&mut self.core(), plural, id, false)
    }
}
