//! A QuickBooks Online server with many companies, in memory.
//!
//! Written from the contract and from recordings alone; where the two disagree the recording wins.
//! Serve it on loopback with [`Qbo::router`] or call it in process with [`Qbo::exchange`]. It never
//! waits and reads no clock: the time is handed in. Test oracles look behind the curtain with
//! [`Qbo::objects`] and [`Qbo::request_log`], and others change the books with [`Qbo::change`].

mod auth;
mod batch;
mod cdc;
mod check;
mod company;
mod effects;
mod emit;
mod files;
mod hands;
mod hooks;
mod limit;
mod money;
mod oauth;
mod query;
mod refusal;
mod reports;
#[cfg(test)]
mod rules;
mod scenario;
mod schema;
mod serve;
mod server;
mod shape;
mod time;
mod tree;
mod write;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::Value;

pub use auth::Tokens;
pub use cdc::CdcHabits;
pub use company::Calls;
pub use hooks::Form;
pub use limit::Limits;
pub use query::Unordered;
pub use scenario::Shape;
pub use schema::Kind;

use self::company::Company;
use self::server::Core;
use self::tree::Json;
use self::write::Options as WriteOptions;
use super::dice::Dice;
use super::faults::{Broken, Fault, HookFault, Plan};
use super::twenty::{Clock, Delivered, Delivery, Pause, Sender, Waiter};

/// How a simulated server starts.
#[derive(Clone)]
pub struct Options {
    /// Everything random is drawn from this.
    pub seed: u64,
    /// The time, in microseconds since the epoch.
    pub clock: Clock,
    /// The throttles; `None` switches them off.
    pub limits: Option<Limits>,
    /// What waits when an answer is to come late over HTTP; `None` lets it come at once.
    pub waiter: Option<Waiter>,
}

impl Options {
    /// A server without throttles.
    pub fn new(seed: u64, clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self { seed, clock: Arc::new(clock), limits: None, waiter: None }
    }

    /// The same with the documented throttles.
    #[must_use]
    pub fn throttled(mut self) -> Self {
        self.limits = Some(Limits::default());
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
    /// Whether books changed.
    pub effect: bool,
    /// The fault it met.
    pub fault: Option<Fault>,
}

/// A simulated server; clones share one state.
#[derive(Clone)]
pub struct Qbo {
    core: Arc<Mutex<Core>>,
    waiter: Option<Waiter>,
    /// Rings after every request, for whoever delivers the webhooks.
    bell: Arc<tokio::sync::Notify>,
}

impl Qbo {
    /// A server without companies.
    pub fn new(options: Options) -> Self {
        let mut core = Core::new(options.seed, options.clock);
        core.meter.limits = options.limits;
        Self { core: Arc::new(Mutex::new(core)), waiter: options.waiter, bell: Arc::default() }
    }

    /// The state; a panic elsewhere in a test does not make it unreadable.
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, realm: &str, act: impl FnOnce(&mut Company, i64) -> T) -> Option<T> {
        let mut core = self.core();
        let now = core.now();
        let company = core.companies.get_mut(realm)?;
        let outcome = act(company, now);
        let events = std::mem::take(&mut company.events);
        core.hooks.gather(realm, events);
        Some(outcome)
    }

    /// A new company with the usual accounts, of production; its number.
    pub fn add_company(&self, name: &str) -> String {
        let mut core = self.core();
        let now = core.now();
        let realm = format!("93414{:011}", core.numbers.below(100_000_000_000));
        let mut company = Company::bare(&realm, false);
        scenario::chart(&mut company, name, now);
        core.companies.insert(realm.clone(), company);
        realm
    }

    /// A company without anything in it, under a number of one's own, for fixtures.
    pub fn add_bare_company(&self, realm: &str, sandbox: bool) {
        self.core().companies.insert(realm.to_owned(), Company::bare(realm, sandbox));
    }

    /// Twelve companies in different shape; their numbers.
    pub fn add_firm(&self) -> Vec<(String, Shape)> {
        scenario::firm(&mut self.core())
    }

    /// Fills a company with so many invented transactions.
    pub fn fill(&self, realm: &str, documents: usize) {
        let mut core = self.core();
        let now = core.now();
        let mut dice = Dice::new(core.numbers.bits(), server::purpose::BOOKS);
        if let Some(company) = core.companies.get_mut(realm) {
            scenario::fill(company, documents, now, &mut dice);
            company.events.clear();
        }
    }

    /// The app's id and secret.
    pub fn client(&self) -> (String, String) {
        let core = self.core();
        (core.auth.client.clone(), core.auth.secret.clone())
    }

    /// Tokens for a company, as if a person had consented; older ones of it end.
    pub fn connect(&self, realm: &str) -> Tokens {
        let mut core = self.core();
        let now = core.now();
        core.auth.grant(realm, now)
    }

    /// A person disconnects the app in the company.
    pub fn disconnect(&self, realm: &str) {
        self.core().auth.disconnect(realm);
    }

    /// The refresh token gets a new value that nobody is told.
    pub fn rotate(&self, realm: &str) {
        let mut core = self.core();
        let now = core.now();
        core.auth.rotate(realm, now);
    }

    /// The company a person picks on the next page of consent; `None` declines.
    pub fn pick(&self, realm: Option<&str>) {
        self.core().picks.push_back(realm.map(str::to_owned));
    }

    /// The person who authorised loses access, or has it again.
    pub fn set_locked_out(&self, realm: &str, locked: bool) {
        self.with(realm, |company, _| company.locked_out = locked);
    }

    /// The company's subscription lapses, or is paid again.
    pub fn set_lapsed(&self, realm: &str, lapsed: bool) {
        self.with(realm, |company, _| company.lapsed = lapsed);
    }

    /// Whether a document number that was used is refused.
    pub fn set_unique_numbers(&self, realm: &str, unique: bool) {
        self.with(realm, |company, _| company.unique_numbers = unique);
    }

    /// The name of the custom field of sales forms, and of the person others collide with.
    pub fn set_words(&self, realm: &str, custom_field: Option<&str>, somebody: &str) {
        self.with(realm, |company, _| {
            company.custom_field = custom_field.map(str::to_owned);
            somebody.clone_into(&mut company.somebody);
        });
    }

    /// Closes the books up to and with a day.
    pub fn close_books(&self, realm: &str, day: &str) {
        self.with(realm, |company, now| {
            let id = company.preferences().and_then(|held| held.str_at("Id")).unwrap_or("1").to_owned();
            company.touch(Kind::Preferences, &id, now, |held| {
                held.default("AccountingInfoPrefs", Json::Obj(Vec::new()));
                if let Some(prefs) = held.get_mut("AccountingInfoPrefs") {
                    prefs.set("BookCloseDate", Json::text(day));
                }
            });
        });
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

    /// As [`Qbo::exchange`], without a future around it.
    pub fn answer(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Broken> {
        serve::answer(&mut self.core(), request)
    }

    /// As [`Qbo::answer`], with the pause after which the answer is to be told.
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

    /// So many calls of a company are being answered until they are released.
    pub fn occupy(&self, realm: &str, calls: usize) {
        *self.core().meter.in_flight.entry(realm.to_owned()).or_default() += calls;
    }

    /// So many calls of a company are answered.
    pub fn release(&self, realm: &str, calls: usize) {
        if let Some(flying) = self.core().meter.in_flight.get_mut(realm) {
            *flying = flying.saturating_sub(calls);
        }
    }

    /// What is to go wrong with calls of the API from now on.
    pub fn set_faults(&self, plan: Plan) {
        let mut core = self.core();
        if let Some(seed) = plan.seed() {
            core.chances = Dice::new(seed, server::purpose::FAULTS);
            core.mischief = Dice::new(seed, server::purpose::MISCHIEF);
        }
        core.hooks.faults = plan.hook_faults().to_vec();
        core.plan = plan;
    }

    /// What is to go wrong with calls for tokens: a lost reply to a refresh loses the chain.
    pub fn set_token_faults(&self, plan: Plan) {
        self.core().token_plan = plan;
    }

    /// What befalls webhooks, with the chance of each in a thousand.
    pub fn set_hook_faults(&self, faults: Vec<(u64, HookFault)>) {
        self.core().hooks.faults = faults;
    }

    /// Sets or lifts the throttles.
    pub fn set_limits(&self, limits: Option<Limits>) {
        self.core().meter.limits = limits;
    }

    /// How many metered calls may be made in all; then they are refused.
    pub fn set_allowance(&self, calls: Option<u64>) {
        self.core().meter.allowance = calls;
    }

    /// In which order rows come that nobody ordered.
    pub fn set_order(&self, order: Unordered) {
        self.core().habits.order = order;
    }

    /// Whether a full page holds one row too many.
    pub fn set_extra_row(&self, extra: bool) {
        self.core().habits.extra_row = extra;
    }

    /// How change data capture behaves.
    pub fn set_cdc(&self, habits: CdcHabits) {
        self.core().cdc = habits;
    }

    /// Whether answers carry fields that nobody knows.
    pub fn set_unknown_fields(&self, unknown: bool) {
        self.core().unknown_fields = unknown;
    }

    /// Sets the server's clock wrong by so many microseconds.
    pub fn set_clock_skew(&self, microseconds: i64) {
        self.core().skew = microseconds;
    }

    /// Where webhooks go, in which form, and after how many microseconds of gathering.
    pub fn set_webhook(&self, url: &str, form: Form, gather: i64) {
        let mut core = self.core();
        core.hooks.url = Some(url.to_owned());
        core.hooks.form = form;
        core.hooks.gather = gather;
    }

    /// The token that webhooks are signed with.
    pub fn verifier(&self) -> String {
        self.core().hooks.verifier.clone()
    }

    /// The calls of webhooks that are due now, signed; whoever takes them is the one to deliver them
    /// and to tell with [`Qbo::settle`] what was answered.
    pub fn take_deliveries(&self) -> Vec<Delivery> {
        let mut core = self.core();
        let now = core.now();
        core.hooks.due(now)
    }

    /// What a receiver answered; without a 2xx the call comes again.
    pub fn settle(&self, number: u64, status: Option<u16>) {
        let mut core = self.core();
        let now = core.now();
        core.hooks.settle(number, status, now);
    }

    /// Delivers the calls that are due. Answers how many were sent.
    pub async fn deliver(&self, sender: &impl Sender) -> usize {
        let due = self.take_deliveries();
        let count = due.len();
        for delivery in due {
            let number = delivery.number;
            let status = sender.send(delivery).await;
            self.settle(number, status);
        }
        count
    }

    /// Delivers what is due whenever there may be something, for a server that runs alone; never ends.
    pub async fn keep_delivering(&self, sender: &impl Sender) {
        const LATEST: std::time::Duration = std::time::Duration::from_millis(250);
        loop {
            self.deliver(sender).await;
            let _ = tokio::time::timeout(LATEST, self.bell.notified()).await;
        }
    }

    /// What became of the webhooks' calls so far.
    pub fn delivered(&self) -> Vec<Delivered> {
        self.core().hooks.log.clone()
    }

    /// Every request so far.
    pub fn request_log(&self) -> Vec<LoggedRequest> {
        self.core().log.clone()
    }

    /// Forgets the requests so far.
    pub fn clear_log(&self) {
        self.core().log.clear();
    }

    /// Calls of a company that were answered, free and metered; also at `GET /_sim/calls`.
    pub fn calls(&self, realm: &str) -> Calls {
        self.core().companies.get(realm).map(|company| company.calls).unwrap_or_default()
    }

    /// Every object of a kind, inactive ones included, as stored.
    pub fn objects(&self, realm: &str, kind: Kind) -> Vec<Value> {
        let core = self.core();
        let Some(company) = core.companies.get(realm) else { return Vec::new() };
        company.all(kind).map(|row| row.object.to_value()).collect()
    }

    /// Stores an object as a reply showed it, id, token and times included; for fixtures.
    pub fn load(&self, realm: &str, kind: Kind, object: &str) -> bool {
        let object = Json::parse(object.as_bytes());
        object.is_some_and(|object| {
            self.with(realm, |company, _| hands::load(company, kind, &object)) == Some(true)
        })
    }

    /// The next id of a kind is at least this.
    pub fn set_next_id(&self, realm: &str, kind: Kind, id: u64) {
        self.with(realm, |company, _| company.used_id(kind, &id.saturating_sub(1).to_string()));
    }

    /// Somebody else creates (without `Id`) or sparsely changes (with `Id`) an object; the object as it is
    /// then, or the text of the fault. `operation` is empty, `delete` or `void`.
    pub fn change(&self, realm: &str, kind: Kind, body: &Value, operation: &str) -> Result<Value, String> {
        let mut body = Json::from(body);
        let there = body.get("Id").is_some();
        if there && operation != "delete" {
            body.set("sparse", Json::Bool(true));
        }
        let outcome = self.with(realm, |company, now| {
            let void = operation == "void";
            let options = WriteOptions {
                operation: if void && kind != Kind::Invoice {
                    "update".to_owned()
                } else {
                    operation.to_owned()
                },
                include: if void { "void".to_owned() } else { String::new() },
                now,
            };
            hands::write(company, kind, &body, &options)
        });
        match outcome {
            Some(Ok(object)) => Ok(object.to_value()),
            Some(Err(refusal)) => Err(refusal.fault().to_text()),
            None => Err("no such company".to_owned()),
        }
    }

    /// Somebody merges one name into another; false when one is not there.
    pub fn merge(&self, realm: &str, kind: Kind, winner: &str, loser: &str) -> bool {
        self.with(realm, |company, now| hands::merge(company, kind, winner, loser, now)) == Some(true)
    }
}
