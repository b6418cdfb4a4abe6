//! A world in one's hand: our clock, seeded chance, a disk in memory, a simulated Twenty in process, and the runs
//! stepped one by one. A week passes in a second, and every failure prints its seed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use almoner::desk::batches::NewBatch;
use almoner::desk::gifts::{Delivery, Mark};
use almoner::desk::hooks::Refused;
use almoner::desk::{Asked, Desk};
use almoner::ground::access::{Caller, Role, User};
use almoner::ground::budget::{Buckets, Limit};
use almoner::ground::gift::{GiftIntent, PaymentMethod};
use almoner::ground::id::{BatchId, ConnectionId, Object, PersonId, RunId, StagedId, UserId};
use almoner::ground::intake::Intake;
use almoner::ground::journal::SubjectState;
use almoner::ground::merge::Merge;
use almoner::ground::money::Money;
use almoner::ground::quarantine::Quarantined;
use almoner::ground::run::{CHUNK, RunKind};
use almoner::ground::staging::{DonorDecision, DonorEvidence, Progress, Source, StagedRow};
use almoner::ground::time::{Instant, Zone};
use almoner::ground::webhook::twenty::Signed;
use almoner::ground::world::{Clock, Entropy, World};
use almoner::rails::twenty::TwentyRail;
use almoner::runs::cycle::Cycle;
use almoner::runs::gate::Gate;
use almoner::runs::hook::HookKeeper;
use almoner::runs::inbox::Inbox;
use almoner::runs::merge::Merger;
use almoner::runs::process_batch::{Planner, ProcessBatch};
use almoner::runs::push::Push;
use almoner::runs::walk::Walker;
use almoner::runs::{Means, Next, Settings, connection};
use almoner::search::Search;
use almoner::sim::scenario::Size;
use almoner::sim::twenty::{Delivery as Hooked, Options, RateLimit, Schema, Twenty};
use almoner::store::disk::SimDisk;
use almoner::store::secrets::SecretKey;
use almoner::store::{Changes, Drive, Place, QueueFilter, Record, Store};
use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

#[path = "world/checks.rs"]
pub mod checks;
#[path = "world/matching.rs"]
mod matching;
#[path = "world/wire.rs"]
mod wire;
#[path = "world/wishes.rs"]
mod wishes;

use wire::{NEVER, Wire};

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
    /// The share of Twenty's limits that we take, in per cent.
    pub share_percent: u32,
    /// Records that one call creates at most.
    pub create_max: usize,
    world: World,
    seed: u64,
    /// Whether processes register a webhook.
    hooked: bool,
}

/// A process of ours: gone after a crash.
pub struct Process {
    pub desk: Desk,
    pub means: Means,
    walker: Walker,
    cycle: Cycle,
    inbox: Inbox,
    hook: HookKeeper,
    push: Push,
    planner: Planner,
    merger: Merger,
    runs: BTreeMap<RunId, ProcessBatch>,
    search: Option<Arc<Search>>,
    pub wire: Arc<Wire>,
}

pub fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub fn reviewer() -> Asked {
    let user = User::new(
        UserId(uuid::Uuid::from_u128(42)),
        "Maya".into(),
        "maya@example.org".into(),
        Role::Admin,
        Instant(0),
    );
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
        donor: donor.map_or(DonorDecision::Unreviewed, DonorDecision::GivenBySender),
        company: None,
        payment_method: Some(PaymentMethod::Card),
        intent: GiftIntent::Standard,
        notes: None,
        source,
        batch: None,
        coding: almoner::ground::coding::Coding::default(),
        fees: almoner::ground::coding::Fees::default(),
        expected_at: None,
        auto_process: None,
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
            share_percent: 80,
            create_max: CHUNK,
            world,
            seed,
            hooked: false,
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
        self.share_percent = percent;
        self
    }

    pub fn throttled(self) -> Self {
        self.twenty.set_rate_limit(Some(RateLimit::default()));
        self
    }

    pub fn roll(&mut self, sides: u64) -> u64 {
        self.dice.next_u64() % sides
    }

    pub fn now(&self) -> Instant {
        self.clock.now()
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
            refused: Refused::default(),
            books: almoner::desk::books::Setup::default(),
        };
        block(connection::establish(&store, "http://twenty.sim", None)).expect("the connection is stored");
        let wire = Arc::new(Wire {
            twenty: self.twenty.clone(),
            disk: self.disk.clone(),
            fuse: AtomicU64::new(NEVER),
            dead: AtomicBool::new(false),
            poison: Mutex::default(),
        });
        let buckets = Buckets::full(&Limit::TWENTY_BOTH, self.share_percent, self.world.now());
        let gate = Arc::new(Gate::new(self.world.clone(), buckets, self.twenty.api_key()));
        let rail = TwentyRail::new(Arc::<Wire>::clone(&wire), "http://twenty.sim");
        let settings = Settings {
            sync_every_ms: SYNC_EVERY_MS,
            walk_every_ms: WALK_EVERY_MS,
            hook_url: self.hooked.then(|| HOOK_URL.to_owned()),
            create_max: self.create_max,
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
            push: Push::new(means.clone()),
            planner: Planner::new(means.clone()),
            merger: Merger::new(means.clone()),
            desk,
            means,
            runs: BTreeMap::new(),
            search: None,
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
        next = sooner(next, block(self.push.step()));
        next = sooner(next, block(self.planner.step()));
        next = sooner(next, block(self.merger.step()));
        let active = self.means.store.snapshot().and_then(|snapshot| snapshot.ledger().active_runs());
        let Ok(active) = active else { return Next::Wait(self.means.world.now().plus_millis(1_000)) };
        for record in active {
            next = match record.value.kind {
                RunKind::Process | RunKind::CreateDonors => sooner(next, self.step_run(record.value.id)),
                RunKind::DonorMatch => sooner(next, self.step_match(record.value.id)),
            };
        }
        next
    }

    /// Brings what was changed here to Twenty, whenever somebody asks for it and for as long as this is polled. Time
    /// passes as needed.
    pub async fn push_on(&mut self, outside: &Outside) -> std::convert::Infallible {
        let mut notes = self.means.store.watch();
        loop {
            match self.push.step().await {
                Next::Again => {}
                Next::Wait(until) => {
                    outside.advance_ms(until.micros_since(outside.now()).max(0) / 1_000 + 1);
                }
                Next::Idle => while !notes.recv().await.is_ok_and(|note| note.asks) {},
            }
        }
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
        let merges = ledger.all_here::<Merge>("merge", Object::Merge);
        passes_done
            && merges.is_ok_and(|merges| !merges.iter().any(|merge| merge.value.state.is_at_work()))
            && ledger.active_runs().is_ok_and(|runs| runs.is_empty())
            && ledger.outbox_len().is_ok_and(|len| len == 0)
            && ledger.open_edits().is_ok_and(|edits| !edits.iter().any(|edit| edit.value.state.is_open()))
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

    /// Records that were set aside.
    pub fn quarantine(&self) -> Vec<Quarantined> {
        let snapshot = self.means.store.snapshot().unwrap();
        let (here, object) = (ConnectionId::HERE, Object::Quarantine);
        let page = snapshot.ledger().newest(here, object, SubjectState::Live, None, 100).unwrap();
        page.items.iter().map(|record| serde_json::from_str(&record.value).unwrap()).collect()
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
