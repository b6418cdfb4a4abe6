//! A firm in one's hand: a simulated QuickBooks, a ledger in memory, and a keeper of the books driven step by step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use almoner::desk::Desk;
use almoner::desk::books::{Heard, Setup};
use almoner::desk::hooks::Refused;
use almoner::ground::books::consent::{Door, Stage};
use almoner::ground::books::control::Verdict;
use almoner::ground::books::custody::Secret;
use almoner::ground::books::meter::Allowance;
use almoner::ground::books::mirror::Books;
use almoner::ground::books::{Connected, Entity, EntityId, RealmId};
use almoner::ground::id::SubjectKey;
use almoner::ground::journal::SubjectState;
use almoner::ground::time::{Instant, Zone};
use almoner::ground::world::{Clock, Entropy, World};
use almoner::rails::qbo::oauth::{App, Hosts};
use almoner::rails::qbo::{PRODUCTION, QboRail, QboTexts};
use almoner::rails::{Sending, Transport, TransportError};
use almoner::runs::Next;
use almoner::runs::books::tokens::Custodian;
use almoner::runs::books::{BooksMeans, Keeper};
use almoner::runs::gate::books::BooksGate;
use almoner::sim::faults::Broken;
use almoner::sim::qbo::{Kind, Options, Qbo};
use almoner::store::disk::SimDisk;
use almoner::store::secrets::SecretKey;
use almoner::store::{Drive, Place, Store};
use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::Value;

use crate::world::{block, reviewer};

/// 2026-11-23T09:00:00Z.
const MORNING: i64 = 1_795_424_400_000_000;
/// Stretches of work after which something that has not come to rest is stuck.
const STRETCHES_MAX: usize = 200_000;
pub const MINUTE: i64 = 60_000;

pub struct OurClock(AtomicI64);

impl Clock for OurClock {
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

/// What somebody else does.
pub type Meddling = Box<dyn FnOnce(&Qbo) + Send>;

/// The wire to QuickBooks, on which our process can die: before or after a call.
pub struct Wire {
    qbo: Qbo,
    disk: SimDisk,
    /// Moments until death; each call of the token server has two: before and after. `u64::MAX` is never.
    pub fuse: AtomicU64,
    /// The same for writes.
    pub write_fuse: AtomicU64,
    /// What somebody else does just before the next write arrives.
    pub meddle: Mutex<Option<Meddling>>,
    /// Whatever has this in its path fails there.
    pub poison: Mutex<Option<String>>,
    pub dead: AtomicBool,
    /// Calls on their way, and the most there were at a time.
    pub tokens_asked: AtomicU64,
}

impl Wire {
    fn moment(&self, fuse: &AtomicU64) -> Result<(), TransportError> {
        let left = fuse.load(Ordering::SeqCst);
        if left == u64::MAX {
            return Ok(());
        }
        if left == 0 {
            self.dead.store(true, Ordering::SeqCst);
            self.disk.fail_in(0);
            return Err(TransportError::Broken("the process died".into()));
        }
        fuse.store(left - 1, Ordering::SeqCst);
        Ok(())
    }

    fn call(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let for_tokens = request.uri().path().contains("/tokens/");
        let poison = self.poison.lock().unwrap().clone();
        if poison.is_some_and(|poison| request.uri().path().contains(&poison)) {
            return Ok(http::Response::builder().status(500).body(Bytes::new()).unwrap());
        }
        let writes = request.uri().query().is_some_and(|query| query.contains("requestid="));
        if for_tokens {
            self.tokens_asked.fetch_add(1, Ordering::SeqCst);
            self.moment(&self.fuse)?;
        }
        if writes {
            self.moment(&self.write_fuse)?;
            let meddling = self.meddle.lock().unwrap().take();
            if let Some(meddle) = meddling {
                meddle(&self.qbo);
            }
        }
        let answer = self.qbo.answer(request);
        if for_tokens {
            self.moment(&self.fuse)?;
        }
        if writes {
            self.moment(&self.write_fuse)?;
        }
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

/// What survives a crash of ours.
pub struct Firm {
    pub clock: Arc<OurClock>,
    pub qbo: Qbo,
    pub disk: SimDisk,
    pub share_percent: u32,
    pub allowance: Allowance,
    world: World,
}

/// A process of ours.
pub struct Office {
    pub desk: Desk,
    pub means: BooksMeans,
    pub keeper: Keeper,
    pub wire: Arc<Wire>,
    clock: Arc<OurClock>,
}

/// So many seeds, or as many as a soak asks for.
pub fn seeds(few: u64, many: u64) -> u64 {
    if option_env!("ALMONER_LIVES").is_some() { many } else { few }
}

pub fn realm(text: &str) -> RealmId {
    text.parse().unwrap()
}

impl Firm {
    /// A firm without companies, and a QuickBooks with the documented throttles.
    pub fn new(seed: u64) -> Self {
        let clock = Arc::new(OurClock(AtomicI64::new(MORNING)));
        let theirs = Arc::clone(&clock);
        let options = Options::new(seed, move || theirs.0.load(Ordering::SeqCst)).throttled();
        let dice = ChaCha8Rng::seed_from_u64(seed);
        let world =
            World { clock: Arc::<OurClock>::clone(&clock), entropy: Arc::new(Seeded(Mutex::new(dice))) };
        let (qbo, disk) = (Qbo::new(options), SimDisk::new());
        Self { clock, qbo, disk, share_percent: 100, allowance: Allowance::DEFAULT, world }
    }

    pub fn pass(&self, millis: i64) {
        self.clock.0.fetch_add(millis * 1_000, Ordering::SeqCst);
    }

    /// The same firm with what a crash left on the disk: nothing that was not synced.
    pub fn after_a_crash(self) -> Self {
        Self { disk: self.disk.crashed(|| false), ..self }
    }

    /// Starts a process of ours; `clean` says whether the last one ended by itself.
    pub fn open(&self, clean: bool) -> Office {
        let store = Store::open(Place::Memory(self.disk.clone()), self.world.clone(), Drive::Inline).unwrap();
        let key = SecretKey::new([7; 32]);
        let wire = Arc::new(Wire {
            qbo: self.qbo.clone(),
            disk: self.disk.clone(),
            fuse: AtomicU64::new(u64::MAX),
            write_fuse: AtomicU64::new(u64::MAX),
            meddle: Mutex::default(),
            poison: Mutex::default(),
            dead: AtomicBool::new(false),
            tokens_asked: AtomicU64::new(0),
        });
        let transport: Arc<dyn Transport> = Arc::<Wire>::clone(&wire);
        let (client_id, client_secret) = self.qbo.client();
        let app = App {
            client_id,
            client_secret: Secret::new(&client_secret).unwrap(),
            redirect: "https://almoner.example.org/connect/quickbooks".into(),
            hosts: Hosts::default(),
        };
        let meter = store.snapshot().unwrap().ledger().books_meter().unwrap();
        let gate = BooksGate::open(self.world.clone(), meter, self.share_percent, self.allowance, clean);
        let zone = Zone::named("Europe/London").unwrap();
        let door: Door = app.door();
        let tokens =
            Custodian::new(store.clone(), self.world.clone(), key.clone(), app, Arc::clone(&transport));
        let desk = Desk {
            store: store.clone(),
            world: self.world.clone(),
            zone: zone.clone(),
            key: key.clone(),
            staging_enabled: true,
            refused: Refused::default(),
            books: Setup {
                door: Some(door),
                verifier: Secret::new(&self.qbo.verifier()),
                texts: Some(Arc::new(QboTexts)),
            },
        };
        let means = BooksMeans {
            store,
            world: self.world.clone(),
            key,
            gate,
            rail: QboRail::new(transport, PRODUCTION),
            tokens: Arc::new(tokens),
            zone,
        };
        Office { desk, keeper: Keeper::new(means.clone()), means, wire, clock: Arc::clone(&self.clock) }
    }
}

impl Office {
    pub fn now(&self) -> Instant {
        self.means.world.now()
    }

    /// Works until nothing is due before `until`, letting time pass only where everybody waits.
    pub fn work_until(&mut self, until: Instant) {
        block(async {
            for _ in 0..STRETCHES_MAX {
                let next = self.keeper.start();
                if self.wire.dead.load(Ordering::SeqCst) {
                    return;
                }
                if self.keeper.is_busy() {
                    if let Some(finished) = self.keeper.finished().await {
                        self.keeper.take(finished).await;
                    }
                    continue;
                }
                match next {
                    Next::Again => {}
                    Next::Wait(at) if at <= until => {
                        self.clock.0.store(at.0.max(self.now().0), Ordering::SeqCst);
                    }
                    Next::Wait(_) | Next::Idle => return,
                }
            }
            panic!("the books do not come to rest");
        });
    }

    /// Works for so long.
    pub fn work(&mut self, millis: i64) {
        self.keeper.wake();
        let until = self.now().plus_millis(millis);
        self.work_until(until);
        if !self.wire.dead.load(Ordering::SeqCst) {
            self.clock.0.store(until.0, Ordering::SeqCst);
        }
    }

    /// A person connects a company from the screen.
    pub fn connect(&mut self, qbo: &Qbo, company: &str) {
        qbo.pick(Some(company));
        let address = block(self.desk.ask_consent(&reviewer())).unwrap();
        let request = http::Request::get(&address).body(Bytes::new()).unwrap();
        let reply = qbo.answer(request).unwrap();
        assert_eq!(reply.status(), 302);
        let back = reply.headers()["location"].to_str().unwrap().to_owned();
        let key = block(self.desk.consent_back(back.split_once('?').unwrap().1)).unwrap();
        self.keeper.wake();
        block(async {
            while !matches!(self.desk.consent_stage(&key).unwrap(), Some(Stage::Connected(_))) {
                self.keeper.start();
                let finished = self.keeper.finished().await.unwrap();
                self.keeper.take(finished).await;
            }
        });
    }

    pub fn company(&self, company: &str) -> Connected {
        self.means.store.snapshot().unwrap().ledger().company(&realm(company)).unwrap().unwrap().value
    }

    pub fn books(&self, company: &str) -> Books {
        let connection = self.company(company).connection;
        self.means.store.snapshot().unwrap().ledger().books(connection).unwrap()
    }

    /// A record of the mirror as JSON; none when it is not there any more.
    pub fn record(&self, company: &str, entity: Entity, id: &str) -> Option<Value> {
        let connection = self.company(company).connection;
        let key = SubjectKey::book(connection, entity, &EntityId::new(id).unwrap());
        let record = self.means.store.snapshot().unwrap().ledger().record_of(&key).unwrap()?;
        (record.state == SubjectState::Live).then(|| serde_json::from_str(&record.value).unwrap())
    }

    /// Every record of a kind by its id, as JSON.
    pub fn all(&self, company: &str, entity: Entity) -> BTreeMap<String, Value> {
        let connection = self.company(company).connection;
        let snapshot = self.means.store.snapshot().unwrap();
        let page = snapshot.ledger().book_page(connection, entity, None, usize::MAX).unwrap();
        let named = |it: almoner::store::Record<String>| {
            (it.key.foreign.to_string(), serde_json::from_str(&it.value).unwrap())
        };
        page.items.into_iter().map(named).collect()
    }

    pub fn entries(&self) -> u64 {
        self.means.store.snapshot().unwrap().ledger().last_seq().unwrap().0
    }

    /// Brings the webhooks that wait to our door.
    pub fn hear(&self, qbo: &Qbo) -> usize {
        let deliveries = qbo.take_deliveries();
        for delivery in &deliveries {
            let signature = delivery.headers.iter().find(|(name, _)| *name == "intuit-signature");
            let heard = block(self.desk.hear_qbo(signature.map(|(_, value)| value.as_str()), &delivery.body));
            assert_eq!(heard.unwrap(), Heard::Kept);
            qbo.settle(delivery.number, Some(200));
        }
        deliveries.len()
    }
}

/// What QuickBooks calls each kind of ours.
pub fn kind_of(entity: Entity) -> Kind {
    match entity {
        Entity::Account => Kind::Account,
        Entity::Customer => Kind::Customer,
        Entity::Vendor => Kind::Vendor,
        Entity::Item => Kind::Item,
        Entity::Class => Kind::Class,
        Entity::Department => Kind::Department,
        Entity::Term => Kind::Term,
        Entity::PaymentMethod => Kind::PaymentMethod,
        Entity::Bill => Kind::Bill,
        Entity::BillPayment => Kind::BillPayment,
        Entity::VendorCredit => Kind::VendorCredit,
        Entity::Invoice => Kind::Invoice,
        Entity::CreditMemo => Kind::CreditMemo,
        Entity::SalesReceipt => Kind::SalesReceipt,
        Entity::RefundReceipt => Kind::RefundReceipt,
        Entity::Payment => Kind::Payment,
        Entity::Deposit => Kind::Deposit,
        Entity::JournalEntry => Kind::JournalEntry,
        Entity::Purchase => Kind::Purchase,
        Entity::Transfer => Kind::Transfer,
        Entity::Attachable => Kind::Attachable,
        Entity::CompanyInfo => Kind::CompanyInfo,
        Entity::Preferences => Kind::Preferences,
    }
}

/// Asserts that the mirror is equal to the company there: the same ids of every kind, each at the same version, with the
/// same balances, totals and references.
pub fn assert_equal(office: &Office, qbo: &Qbo, company: &str) {
    for entity in Entity::ALL.iter().copied() {
        let there: BTreeMap<String, Value> = qbo
            .objects(company, kind_of(entity))
            .into_iter()
            .map(|object| (object["Id"].as_str().unwrap().to_owned(), object))
            .collect();
        let here = office.all(company, entity);
        let ids = |of: &BTreeMap<String, Value>| of.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(ids(&here), ids(&there), "{} of {company}", entity.name());
        for (id, object) in &there {
            for field in [
                "SyncToken",
                "Balance",
                "TotalAmt",
                "CurrentBalance",
                "Active",
                "PrivateNote",
                "UnappliedAmt",
            ] {
                let text = |value: &Value| value.get(field).map(|value| number(&value.to_string()));
                // An empty balance there may be told as 0.
                let (ours, theirs) = (text(&here[id]), text(object));
                if theirs.is_some() {
                    assert_eq!(ours, theirs, "{field} of {} {id} of {company}", entity.name());
                }
            }
            for field in ["CustomerRef", "VendorRef"] {
                let id_of = |value: &Value| value[field]["value"].as_str().map(str::to_owned);
                assert_eq!(id_of(&here[id]), id_of(object), "{field} of {} {id}", entity.name());
            }
        }
    }
}

/// `10.00` and `10` are one number.
fn number(text: &str) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text.to_owned()
    }
}

/// Asserts that every total of a company is proven.
pub fn assert_proven(office: &Office, company: &str) {
    let books = office.books(company);
    assert!(books.controlled_at.is_some(), "{company} was never controlled: {books:?}");
    for verdict in &books.verdicts {
        assert!(matches!(verdict, Verdict::Proven(_)), "{company}: {verdict:?}");
    }
    assert!(!books.verdicts.is_empty());
}
