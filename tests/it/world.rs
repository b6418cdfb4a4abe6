//! A world in one's hand: our clock, seeded chance, a disk in memory, a simulated Twenty in process, and the runs
//! stepped one by one. A week passes in a second, and every failure prints its seed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use almoner::desk::batches::NewBatch;
use almoner::desk::gifts::{Delivery, Mark};
use almoner::desk::{Asked, Desk};
use almoner::ground::access::{Caller, Role, User};
use almoner::ground::budget::{Buckets, Limit};
use almoner::ground::gift::{GiftIntent, PaymentMethod};
use almoner::ground::id::{BatchId, ConnectionId, Object, PersonId, RunId, StagedId, UserId};
use almoner::ground::intake::Intake;
use almoner::ground::journal::SubjectState;
use almoner::ground::money::Money;
use almoner::ground::run::CHUNK;
use almoner::ground::staging::{DonorEvidence, Progress, Source, StagedRow};
use almoner::ground::time::{Instant, Zone};
use almoner::ground::world::{Clock, Entropy, World};
use almoner::rails::twenty::TwentyRail;
use almoner::rails::{Sending, Transport, TransportError};
use almoner::runs::gate::Gate;
use almoner::runs::process_batch::ProcessBatch;
use almoner::runs::pull::Pull;
use almoner::runs::{Means, Next, connection};
use almoner::sim::faults::Broken;
use almoner::sim::twenty::{Options, RateLimit, Twenty};
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
}

/// A process of ours: gone after a crash.
pub struct Process {
    pub desk: Desk,
    pub means: Means,
    pulls: Vec<Pull>,
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
        let clock = Arc::new(HandClock(AtomicI64::new(MORNING)));
        let told = Arc::clone(&clock);
        let twenty = Twenty::new(Options::new(seed, move || told.now().0));
        let entropy = Seeded(Mutex::new(ChaCha8Rng::seed_from_u64(seed)));
        let world = World { clock: Arc::<HandClock>::clone(&clock), entropy: Arc::new(entropy) };
        let dice = ChaCha8Rng::seed_from_u64(!seed);
        let (share_percent, create_max) = (80, CHUNK);
        Self { clock, twenty, disk: SimDisk::new(), dice, share_percent, create_max, world, seed }
    }

    pub fn world(&self) -> World {
        self.world.clone()
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
        let buckets = Buckets::full(&Limit::TWENTY_BOTH, self.share_percent, self.world.now());
        let gate = Arc::new(Gate::new(self.world.clone(), buckets, self.twenty.api_key()));
        let rail = TwentyRail::new(Arc::<Wire>::clone(&wire), "http://twenty.sim");
        let means = Means {
            store,
            world: self.world.clone(),
            gate,
            rail,
            sync_every_ms: SYNC_EVERY_MS,
            create_max: self.create_max,
        };
        let pulls = Object::MIRRORED.into_iter().map(|object| Pull::new(means.clone(), object)).collect();
        Process { desk, means, pulls, runs: BTreeMap::new(), wire }
    }

    /// The machine loses power now: unsynced writes arrive or not, and a new process starts on what is there.
    pub fn crash(&mut self, process: Process) -> Process {
        drop(process);
        let dice = &mut self.dice;
        self.disk = self.disk.crashed(|| dice.next_u32().is_multiple_of(2));
        self.boot()
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
        let mut next = Next::Idle;
        for pull in &mut self.pulls {
            next = sooner(next, block(pull.step()));
        }
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
        let passes_done = Object::MIRRORED.into_iter().all(|object| {
            ledger
                .sync_state(ConnectionId::TWENTY, object)
                .is_ok_and(|state| !state.is_due(now, SYNC_EVERY_MS))
        });
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
        let pulls =
            Object::MIRRORED.into_iter().map(|object| Pull::new(self.means.clone(), object)).collect();
        Self {
            desk: self.desk.clone(),
            means: self.means.clone(),
            pulls,
            runs: BTreeMap::new(),
            wire: Arc::clone(&self.wire),
        }
    }

    /// Gives a row an external id, as an import would have.
    pub fn give_external_id(&self, id: StagedId, external_id: &str) {
        let mut row = self.row(id);
        row.source.external_id = Some(external_id.to_owned());
        self.store_row(row);
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
    let mut by_id: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for gift in &gifts {
        by_id.entry(gift["id"].as_str().unwrap()).or_default().push(gift);
    }
    let rows = process.rows();
    for row in &rows {
        let row = &row.value;
        assert!(!matches!(row.progress, Progress::Sending { .. }), "seed {seed}: row {} is stuck", row.id);
        if let Progress::Posted { gift, .. } = row.progress {
            let found = by_id.get(gift.to_string().as_str()).map_or(&[][..], Vec::as_slice);
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
    for object in Object::MIRRORED {
        let mut there: BTreeMap<String, Value> = BTreeMap::new();
        for mut record in outside.twenty.records(object.word()) {
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
