//! A world in one's hand: our clock, seeded chance, a disk in memory, a simulated Twenty in process, and the runs
//! stepped one by one. A week passes in a second, and every failure prints its seed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use almoner::desk::batches::NewBatch;
use almoner::desk::gifts::{Delivery, Mark};
use almoner::desk::{Asked, Desk};
use almoner::ground::access::{Caller, Role, User};
use almoner::ground::budget::{Bucket, Limit};
use almoner::ground::gift::{GiftIntent, PaymentMethod};
use almoner::ground::id::{BatchId, ConnectionId, Object, PersonId, RunId, StagedId, UserId};
use almoner::ground::intake::Intake;
use almoner::ground::journal::SubjectState;
use almoner::ground::money::Money;
use almoner::ground::quarantine::Quarantined;
use almoner::ground::staging::{DonorEvidence, Progress, Source, StagedRow};
use almoner::ground::time::{Instant, Zone};
use almoner::ground::webhook::twenty::Signed;
use almoner::ground::world::{Clock, Entropy, World};
use almoner::rails::twenty::TwentyRail;
use almoner::rails::{Sending, Transport, TransportError};
use almoner::runs::cycle::Cycle;
use almoner::runs::gate::Gate;
use almoner::runs::hook::HookKeeper;
use almoner::runs::inbox::Inbox;
use almoner::runs::process_batch::ProcessBatch;
use almoner::runs::walk::Walker;
use almoner::runs::{Means, Next, Settings, connection};
use almoner::sim::faults::Broken;
use almoner::sim::scenario::Size;
use almoner::sim::twenty::{Delivery as Hooked, Options, RateLimit, Schema, Twenty};
use almoner::store::disk::SimDisk;
use almoner::store::secrets::SecretKey;
use almoner::store::{Changes, Drive, Place, QueueFilter, Record, Store, verify};
use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

/// 2026-11-23T09:00:00Z.
const MORNING: i64 = 1_795_424_400_000_000;
/// Steps after which something that has not come to rest is stuck.
const STEPS_MAX: usize = 3_000;
pub const SYNC_EVERY_MS: i64 = 15 * 60_000;
pub const WALK_EVERY_MS: i64 = 24 * 3_600_000;
/// Where webhooks go, when there are any.
pub const HOOK_URL: &str = "https://almoner.example.org/hooks/twenty";

pub struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Instant {
        Instant(self.0.load(Ordering::SeqCst))
    }
}

struct Seeded(Mutex<ChaCha8Rng>);

impl Entropy for Seeded {
    fn fill(&self, out: &mut [u8]) {
        self.0.lock().unwrap().fill_bytes(out);
    }
}

/// The outside and the hardware: what survives a crash of ours.
pub struct Outside {
    pub clock: Arc<HandClock>,
    pub twenty: Twenty,
    pub disk: SimDisk,
    pub dice: ChaCha8Rng,
    world: World,
    seed: u64,
    /// Whether processes register a webhook.
    hooked: bool,
    /// The share of Twenty's limit that processes take, in per cent.
    share: u32,
}

/// A process of ours: gone after a crash.
pub struct Process {
    pub desk: Desk,
    pub means: Means,
    walker: Walker,
    cycle: Cycle,
    inbox: Inbox,
    hook: HookKeeper,
    runs: BTreeMap<RunId, ProcessBatch>,
    pub wire: Arc<Wire>,
}

/// The wire to Twenty, on which the process can die: before or after a call.
pub struct Wire {
    twenty: Twenty,
    disk: SimDisk,
    /// Moments until death; each call has two: before and after.
    fuse: AtomicU64,
    dead: AtomicBool,
    /// A server error for every request whose body holds this, for ever.
    poison: Mutex<Option<String>>,
}

/// The fuse that never burns down.
const NEVER: u64 = u64::MAX;

impl Wire {
    fn moment(&self) -> Result<(), TransportError> {
        let left = self.fuse.load(Ordering::SeqCst);
        if left == NEVER {
            return Ok(());
        }
        if left == 0 {
            self.dead.store(true, Ordering::SeqCst);
            // A dead process writes nothing any more.
            self.disk.fail_in(0);
            return Err(TransportError::Broken("the process died".into()));
        }
        self.fuse.store(left - 1, Ordering::SeqCst);
        Ok(())
    }

    fn call(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        self.moment()?;
        let poison = self.poison.lock().unwrap().clone();
        if poison.is_some_and(|poison| String::from_utf8_lossy(request.body()).contains(&poison)) {
            let body = r#"{"statusCode":500,"error":"Error","messages":["Data validation error."]}"#;
            return Ok(http::Response::builder().status(500).body(Bytes::from(body)).unwrap());
        }
        let answer = self.twenty.answer(request);
        self.moment()?;
        answer.map_err(|broken| match broken {
            Broken::Refused => TransportError::Refused(broken.to_string()),
            Broken::Reset | Broken::TimedOut => TransportError::Broken(broken.to_string()),
        })
    }
}

impl Transport for Wire {
    fn send(&self, request: http::Request<Bytes>) -> Sending<'_> {
        let answer = self.call(request);
        Box::pin(async move { answer })
    }
}

pub fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub fn reviewer() -> Asked {
    let user = User {
        id: UserId(uuid::Uuid::from_u128(42)),
        name: "Maya".into(),
        email: "maya@example.org".into(),
        role: Role::Admin,
        created_at: Instant(0),
    };
    Asked { caller: Caller::User(user), request_id: "test".into() }
}

pub fn gbp(text: &str) -> Money {
    Money::parse(text, "GBP".parse().unwrap()).unwrap()
}

/// A complete delivery without any id of its own.
pub fn delivery(donor: Option<PersonId>, amount: Money) -> Delivery {
    let source = Source {
        intake: "api".into(),
        fingerprint: None,
        external_id: None,
        provider: None,
        provider_payment_id: None,
        provider_event_id: None,
    };
    let intake = Intake {
        amount,
        gift_date: "2026-11-20".parse().ok(),
        evidence: DonorEvidence::default(),
        donor,
        company: None,
        payment_method: Some(PaymentMethod::Card),
        intent: GiftIntent::Standard,
        notes: None,
        source,
        batch: None,
    };
    Delivery { intake, body: "{}".into(), idempotency_key: None }
}

impl Outside {
    pub fn new(seed: u64) -> Self {
        Self::with(seed, Twenty::new)
    }

    /// A Twenty with a charity in it.
    pub fn with_charity(seed: u64, size: Size) -> Self {
        Self::with(seed, |options| Twenty::new(options.with_charity(size)))
    }

    /// A new workspace: Twenty's own objects and nothing else.
    pub fn bare(seed: u64) -> Self {
        Self::with(seed, |options| Twenty::with_schema(options, Schema::bare()))
    }

    fn with(seed: u64, make: impl FnOnce(Options) -> Twenty) -> Self {
        let clock = Arc::new(HandClock(AtomicI64::new(MORNING)));
        let told = Arc::clone(&clock);
        let twenty = make(Options::new(seed, move || told.now().0));
        let entropy = Seeded(Mutex::new(ChaCha8Rng::seed_from_u64(seed)));
        let world = World { clock: Arc::<HandClock>::clone(&clock), entropy: Arc::new(entropy) };
        Self {
            clock,
            twenty,
            disk: SimDisk::new(),
            dice: ChaCha8Rng::seed_from_u64(!seed),
            world,
            seed,
            hooked: false,
            share: 80,
        }
    }

    pub fn world(&self) -> World {
        self.world.clone()
    }

    /// Processes can be reached by webhooks.
    pub fn hooked(mut self) -> Self {
        self.hooked = true;
        self
    }

    /// Processes take this share of Twenty's limit.
    pub fn share(mut self, percent: u32) -> Self {
        self.share = percent;
        self
    }

    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    pub fn throttled(self) -> Self {
        self.twenty.set_rate_limit(Some(RateLimit::default()));
        self
    }

    pub fn roll(&mut self, sides: u64) -> u64 {
        self.dice.next_u64() % sides
    }

    pub fn advance_ms(&self, millis: i64) {
        self.clock.0.fetch_add(millis * 1_000, Ordering::SeqCst);
    }

    /// People in Twenty, made by somebody else before we came.
    pub fn people(&self, count: usize) -> Vec<PersonId> {
        (0..count)
            .map(|n| {
                self.create(
                    "people",
                    &json!({ "name": { "firstName": format!("Ada{n}"), "lastName": "Lovelace" } }),
                )
            })
            .map(PersonId)
            .collect()
    }

    pub fn create(&self, plural: &str, body: &Value) -> uuid::Uuid {
        let request = http::Request::builder()
            .method("POST")
            .uri(format!("http://twenty.sim/rest/{plural}"))
            .header("authorization", format!("Bearer {}", self.twenty.api_key()))
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))
            .unwrap();
        let reply = self.twenty.answer(request).unwrap();
        assert!(reply.status().is_success(), "{reply:?}");
        let value: Value = serde_json::from_slice(reply.body()).unwrap();
        let created = value["data"].as_object().unwrap().values().next().unwrap();
        created["id"].as_str().unwrap().parse().unwrap()
    }

    /// Twenty's worker calls us: every webhook that is due arrives.
    pub fn deliver(&self, process: &Process) {
        self.deliver_changed(process, |_| {});
    }

    /// The same, with something done to each on its way.
    pub fn deliver_changed(&self, process: &Process, change: impl Fn(&mut Hooked)) {
        for mut delivery in self.twenty.take_deliveries() {
            change(&mut delivery);
            let header = |name: &str| {
                delivery.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
            };
            let signed = Signed {
                timestamp: header("x-twenty-webhook-timestamp"),
                signature: header("x-twenty-webhook-signature"),
            };
            // One that is not taken is lost: Twenty tells nothing twice.
            let _ = block(process.desk.hear_twenty(signed, &delivery.body));
        }
    }

    /// A process of ours on this disk.
    pub fn boot(&self) -> Process {
        let store = Store::open(Place::Memory(self.disk.clone()), self.world.clone(), Drive::Inline)
            .expect("the ledger opens");
        let desk = Desk {
            store: store.clone(),
            world: self.world.clone(),
            zone: Zone::named("Europe/London").unwrap(),
            key: SecretKey::new([7; 32]),
            staging_enabled: true,
        };
        block(connection::establish(&store, "http://twenty.sim", None)).expect("the connection is stored");
        let wire = Arc::new(Wire {
            twenty: self.twenty.clone(),
            disk: self.disk.clone(),
            fuse: AtomicU64::new(NEVER),
            dead: AtomicBool::new(false),
            poison: Mutex::default(),
        });
        let limit = Limit::TWENTY.share(self.share);
        let gate = Arc::new(Gate::new(
            self.world.clone(),
            Bucket::full(limit, self.world.now()),
            self.twenty.api_key(),
        ));
        let rail = TwentyRail::new(Arc::<Wire>::clone(&wire), "http://twenty.sim");
        let settings = Settings {
            sync_every_ms: SYNC_EVERY_MS,
            walk_every_ms: WALK_EVERY_MS,
            hook_url: self.hooked.then(|| HOOK_URL.to_owned()),
        };
        let key = SecretKey::new([7; 32]);
        let means = Means { store, world: self.world.clone(), gate, rail, key, settings };
        Process::new(desk, means, wire)
    }

    /// The machine loses power now: unsynced writes arrive or not, and a new process starts on what is there.
    pub fn crash(&mut self, process: Process) -> Process {
        drop(process);
        let dice = &mut self.dice;
        self.disk = self.disk.crashed(|| dice.next_u32().is_multiple_of(2));
        self.boot()
    }

    /// One step of everything, and the time until the next one is due.
    pub fn once(&self, process: &mut Process) -> Next {
        let next = process.step();
        if let Next::Wait(until) = next {
            self.advance_ms((until.micros_since(self.clock.now()) + 999).max(0) / 1_000);
        }
        next
    }

    /// A second passes; everything that is due in it is done.
    pub fn for_a_second(&self, process: &mut Process) {
        let end = self.clock.now().plus_millis(1_000);
        loop {
            let next = process.step();
            let now = self.clock.now();
            match next {
                Next::Again => {}
                Next::Wait(until) if until < end => {
                    self.advance_ms((until.micros_since(now) + 999).max(1_000) / 1_000);
                }
                Next::Wait(_) | Next::Idle => break,
            }
        }
        let left = end.micros_since(self.clock.now());
        self.clock.0.fetch_add(left.max(0), Ordering::SeqCst);
    }

    /// Everything settles: steps until nothing is due, time passing as needed. Dies when the fuse burns down.
    pub fn settle(&self, process: &mut Process) -> Settled {
        for _ in 0..STEPS_MAX {
            if process.is_dead() {
                return Settled::Died;
            }
            match process.step() {
                Next::Again => {}
                Next::Idle => return Settled::Quiet,
                Next::Wait(until) if process.is_quiet() => {
                    let _ = until;
                    return Settled::Quiet;
                }
                Next::Wait(until) => {
                    let now = self.clock.now();
                    self.advance_ms((until.micros_since(now) / 1_000).max(0) + 1);
                }
            }
        }
        panic!("seed {}: stuck: it has not come to rest after {STEPS_MAX} steps", self.seed);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    Quiet,
    Died,
}

impl Process {
    fn new(desk: Desk, means: Means, wire: Arc<Wire>) -> Self {
        Self {
            walker: Walker::new(means.clone()),
            cycle: Cycle::new(means.clone()),
            inbox: Inbox::new(means.clone()),
            hook: HookKeeper::new(means.clone()),
            desk,
            means,
            runs: BTreeMap::new(),
            wire,
        }
    }

    pub fn light_fuse(&self, moments: u64) {
        self.wire.fuse.store(moments, Ordering::SeqCst);
    }

    /// From now on Twenty fails on every request that holds this text.
    pub fn poison(&self, text: &str) {
        *self.wire.poison.lock().unwrap() = Some(text.to_owned());
    }

    pub fn put_out_fuse(&self) {
        self.light_fuse(NEVER);
    }

    pub fn is_dead(&self) -> bool {
        self.wire.dead.load(Ordering::SeqCst)
    }

    /// One step of everything; what comes next is what the most impatient wants.
    pub fn step(&mut self) -> Next {
        let mut next = block(self.walker.step());
        next = sooner(next, block(self.cycle.step()));
        next = sooner(next, block(self.inbox.step()));
        next = sooner(next, block(self.hook.step()));
        let active = self.means.store.snapshot().and_then(|snapshot| snapshot.ledger().active_runs());
        let Ok(active) = active else { return Next::Wait(self.means.world.now().plus_millis(1_000)) };
        for record in active {
            next = sooner(next, self.step_run(record.value.id));
        }
        next
    }

    pub fn step_run(&mut self, run: RunId) -> Next {
        let means = self.means.clone();
        let work = self.runs.entry(run).or_insert_with(|| ProcessBatch::new(means, run));
        block(work.step())
    }

    /// No run is active, nothing is on its way, no pass is due.
    pub fn is_quiet(&self) -> bool {
        let Ok(snapshot) = self.means.store.snapshot() else { return false };
        let ledger = snapshot.ledger();
        let now = self.means.world.now();
        let Ok(workspace) = ledger.workspace(ConnectionId::TWENTY) else { return false };
        let rests = |object| {
            ledger.mirror_state(ConnectionId::TWENTY, object).is_ok_and(|state| {
                !state.pass_is_due(now, SYNC_EVERY_MS - SYNC_EVERY_MS / 10)
                    && !state.walk_is_due(now, WALK_EVERY_MS, SYNC_EVERY_MS)
            })
        };
        let passes_done = workspace.schema.is_some()
            && workspace.mirrored().into_iter().all(|(object, _)| rests(object))
            && ledger.inbox(ConnectionId::TWENTY, 1).is_ok_and(|inbox| inbox.is_empty());
        passes_done
            && ledger.active_runs().is_ok_and(|runs| runs.is_empty())
            && ledger.outbox_len().is_ok_and(|len| len == 0)
    }

    pub fn take_in(&self, delivery: Delivery) -> StagedId {
        block(self.desk.take_in(&reviewer(), delivery)).expect("taken in").row
    }

    /// Rows with these donors and amounts, ready, in one batch.
    pub fn ready_batch(&self, rows: &[(PersonId, Money)]) -> (BatchId, Vec<StagedId>) {
        let ids: Vec<StagedId> =
            rows.iter().map(|(donor, amount)| self.take_in(delivery(Some(*donor), *amount))).collect();
        for id in &ids {
            block(self.desk.mark_row(&reviewer(), *id, Mark::Ready, None)).expect("complete");
        }
        let new = NewBatch { name: "Monday".into(), rows: ids.clone(), ..NewBatch::default() };
        (block(self.desk.create_batch(&reviewer(), new)).expect("made"), ids)
    }

    pub fn process(&self, batch: BatchId) -> RunId {
        block(self.desk.process_batch(&reviewer(), batch, None)).expect("asked for")
    }

    pub fn rows(&self) -> Vec<Record<StagedRow>> {
        self.means.store.snapshot().unwrap().ledger().staged_rows(&QueueFilter::default()).unwrap()
    }

    pub fn row(&self, id: StagedId) -> StagedRow {
        self.means.store.snapshot().unwrap().ledger().staged(id).unwrap().expect("the row is there").value
    }

    /// A reviewer puts every failed row back and marks it ready again. Answers how many there were.
    pub fn retry_failed(&self) -> usize {
        let failed: Vec<StagedId> = self
            .rows()
            .into_iter()
            .filter(|row| matches!(row.value.progress, Progress::Failed { .. }))
            .map(|row| row.value.id)
            .collect();
        for id in &failed {
            block(self.desk.mark_row(&reviewer(), *id, Mark::Review, None)).expect("can be reviewed");
            block(self.desk.mark_row(&reviewer(), *id, Mark::Ready, None)).expect("is complete");
        }
        failed.len()
    }

    /// A second process on the same ledger and wire.
    pub fn twin(&self) -> Self {
        Self::new(self.desk.clone(), self.means.clone(), Arc::clone(&self.wire))
    }

    /// Gives a row an external id, as an import would have.
    pub fn give_external_id(&self, id: StagedId, external_id: &str) {
        let mut row = self.row(id);
        row.source.external_id = Some(external_id.to_owned());
        self.store_row(row);
    }

    /// Gives every row an external id.
    pub fn give_external_ids(&self) {
        for row in self.rows() {
            let id = format!("ext-{}", row.value.id);
            self.give_external_id(row.value.id, &id);
        }
    }

    /// Makes a row an organisation's grant.
    pub fn give_company(&self, id: StagedId) {
        let mut row = self.row(id);
        row.intent = GiftIntent::Grant;
        row.company = Some(almoner::ground::id::CompanyId(uuid::Uuid::from_u128(5)));
        self.store_row(row);
    }

    fn store_row(&self, row: StagedRow) {
        let written = block(self.means.store.write::<_, (), _>(move |_| {
            let mut changes = Changes::new(reviewer().cause("test"));
            changes.update(Object::GiftStaging, row.id.0, &row)?;
            Ok((changes, ()))
        }));
        written.expect("stored");
    }

    /// Asks for a walk over an object.
    pub fn sweep(&self, object: Object) {
        block(self.desk.sweep(&reviewer(), object)).expect("asked for");
    }

    /// Asks for a walk over every object.
    pub fn sweep_all(&self) {
        let mirrored = {
            let snapshot = self.means.store.snapshot().unwrap();
            snapshot.ledger().workspace(ConnectionId::TWENTY).unwrap().mirrored()
        };
        for (object, _) in mirrored {
            self.sweep(object);
        }
    }

    /// Pauses the mirror of an object, or lets it go on.
    pub fn pause(&self, object: Object, paused: bool) {
        block(self.desk.pause_sync(&reviewer(), object, paused)).expect("asked for");
    }

    /// Switches the mirror of a further object on or off.
    pub fn switch(&self, plural: &str, on: bool) -> Object {
        block(self.desk.switch_object(&reviewer(), plural.to_owned(), on)).expect("switched")
    }

    /// Records that were set aside.
    pub fn quarantine(&self) -> Vec<Quarantined> {
        let snapshot = self.means.store.snapshot().unwrap();
        let (here, object) = (ConnectionId::HERE, Object::Quarantine);
        let page = snapshot.ledger().newest(here, object, SubjectState::Live, None, 100).unwrap();
        page.items.iter().map(|record| serde_json::from_str(&record.value).unwrap()).collect()
    }

    /// Asks for a pass over everything.
    pub fn sync_now(&self) {
        block(self.desk.sync_now(&reviewer())).expect("asked for");
    }
}

fn sooner(one: Next, other: Next) -> Next {
    match (one, other) {
        (Next::Again, _) | (_, Next::Again) => Next::Again,
        (Next::Wait(a), Next::Wait(b)) => Next::Wait(a.min(b)),
        (Next::Wait(a), Next::Idle) | (Next::Idle, Next::Wait(a)) => Next::Wait(a),
        (Next::Idle, Next::Idle) => Next::Idle,
    }
}

/// What must hold when everything is quiet, whatever happened before.
pub fn assert_sound(outside: &Outside, process: &Process) {
    let seed = outside.seed;
    let verdict = verify(&process.means.store).expect("the ledger can be read");
    assert_eq!(verdict.fault, None, "seed {seed}: the ledger is not provable");
    let gifts = outside.twenty.records("gifts");
    let rows = process.rows();
    for row in &rows {
        let row = &row.value;
        assert!(!matches!(row.progress, Progress::Sending { .. }), "seed {seed}: row {} is stuck", row.id);
        if let Progress::Posted { gift, .. } = row.progress {
            let found: Vec<&Value> = gifts.iter().filter(|g| g["id"] == gift.to_string()).collect();
            assert_eq!(found.len(), 1, "seed {seed}: row {} says posted", row.id);
            assert!(found[0]["deletedAt"].is_null(), "seed {seed}: posted gift {gift} is deleted");
        }
    }
    assert_eq!(
        process.means.store.snapshot().unwrap().ledger().outbox_len().unwrap(),
        0,
        "seed {seed}: messages left behind"
    );
}

/// Every record of Twenty is in the mirror as it is there, and nothing else is.
pub fn assert_mirror_equals(outside: &Outside, process: &Process) {
    let snapshot = process.means.store.snapshot().unwrap();
    for (object, names) in snapshot.ledger().workspace(ConnectionId::TWENTY).unwrap().mirrored() {
        let mut there: BTreeMap<String, Value> = BTreeMap::new();
        for mut record in outside.twenty.records(&names.plural) {
            record.as_object_mut().unwrap().remove("searchVector");
            there.insert(record["id"].as_str().unwrap().to_owned(), record);
        }
        let mut here: BTreeMap<String, Value> = BTreeMap::new();
        for state in [SubjectState::Live, SubjectState::Pending, SubjectState::Deleted] {
            let page =
                snapshot.ledger().newest(ConnectionId::TWENTY, object, state, None, usize::MAX).unwrap();
            here.extend(
                page.items
                    .into_iter()
                    .map(|item| (item.key.foreign.to_string(), serde_json::from_str(&item.value).unwrap())),
            );
        }
        assert_eq!(here, there, "seed {}: the mirror of {} differs", outside.seed, object.word());
    }
}
