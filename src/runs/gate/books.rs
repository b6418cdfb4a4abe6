//! Who may call a company of QuickBooks, and when: the pace of each company, of all together, and the month.
//!
//! Calls of the month are reserved in committed blocks before the first of them is made (decision 0016); whose turn it is
//! and how long to wait after a failure is stored with each company, see `ground/books/mirror.rs`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ground::books::RealmId;
use crate::ground::books::custody::Bearer;
use crate::ground::books::meter::{Allowance, Block, Meter, MonthView, Spent};
use crate::ground::books::pace::{Limits, NotYet, Pace};
use crate::ground::journal::{Actor, Cause};
use crate::ground::time::Instant;
use crate::ground::world::World;
use crate::rails::{CallClass, Heard, Hears, Permit};
use crate::store::{Changes, Fail, Store, WriteError};

/// Calls reserved at once: for regular work more than a day of looks of one company, for people a few.
const REGULAR_BLOCK: u32 = 120;
const PEOPLE_BLOCK: u32 = 10;
/// Calls a minute over all companies of one app (contract 9).
const ALL_MINUTE: u32 = 800;

/// The gate of all companies.
#[derive(Clone)]
pub struct BooksGate(Arc<Shared>);

struct Shared {
    world: World,
    limits: Limits,
    allowance: Allowance,
    /// The pace found after a crash is unknown.
    crashed: bool,
    state: Mutex<State>,
    /// One reservation at a time: the stored meter follows from the one before.
    reserving: tokio::sync::Mutex<()>,
}

struct State {
    lanes: BTreeMap<RealmId, Lane>,
    all: Pace,
    meter: Meter,
}

/// What one company has at hand.
struct Lane {
    pace: Pace,
    regular: Option<Block>,
    people: Option<Block>,
}

impl Lane {
    const fn block(&mut self, class: CallClass) -> &mut Option<Block> {
        if matches!(class, CallClass::Person) { &mut self.people } else { &mut self.regular }
    }
}

/// A call that somebody wants to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// For whom.
    pub class: CallClass,
    /// How many calls of the month it costs.
    pub metered: u32,
    /// Whether it is a batch.
    pub is_batch: bool,
}

/// Why no call may go out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotNow {
    /// Ask again then.
    Until(Instant),
    /// Ask again when a call of this company has ended.
    InFlight,
    /// Calls of the month have to be reserved first.
    Reserve,
}

impl BooksGate {
    /// The gate as a new process finds it. `clean` says whether the last one ended by itself.
    pub fn open(
        world: World,
        meter: Option<Meter>,
        share_percent: u32,
        allowance: Allowance,
        clean: bool,
    ) -> Self {
        let now = world.now();
        let meter = meter.map_or_else(|| Meter::new(now), |meter| meter.after_restart(now));
        let limits = Limits::INTUIT.share(share_percent);
        let minute =
            Limits { minute: ALL_MINUTE, second: ALL_MINUTE, batches: ALL_MINUTE, in_flight: ALL_MINUTE };
        let minute = minute.share(share_percent);
        let all = if clean { Pace::new(minute, now) } else { Pace::unknown(minute, now) };
        let state = Mutex::new(State { lanes: BTreeMap::new(), all, meter });
        let reserving = tokio::sync::Mutex::default();
        Self(Arc::new(Shared { world, limits, allowance, crashed: !clean, state, reserving }))
    }

    /// The right to make one call now with this token, or why not.
    pub fn permit(&self, realm: &RealmId, bearer: &Bearer, wanted: Wanted) -> Result<Permit, NotNow> {
        let now = self.0.world.now();
        let mut state = self.0.lock();
        let State { lanes, all, .. } = &mut *state;
        let lane = lanes.entry(realm.clone()).or_insert_with(|| self.0.lane(now));
        let block = lane.block(wanted.class);
        if wanted.metered > 0 && !block.as_mut().is_some_and(|block| block.has(wanted.metered, now)) {
            return Err(NotNow::Reserve);
        }
        all.take(false, now).map_err(NotNow::from)?;
        if let Err(not_yet) = lane.pace.take(wanted.is_batch, now) {
            all.give_back();
            return Err(not_yet.into());
        }
        if let Some(block) = lane.block(wanted.class) {
            block.take(wanted.metered);
        }
        drop(state);
        let hears = Company { shared: Arc::clone(&self.0), realm: realm.clone() };
        let (token, id) = (bearer.token.reveal().to_owned(), self.0.world.uuid().to_string());
        Ok(Permit::issued_by_gate(token, id, Some(wanted.class), Arc::new(hears)))
    }

    /// Reserves calls of the month for a company, and commits that before anybody uses one.
    pub async fn reserve(
        &self,
        store: &Store,
        realm: &RealmId,
        wanted: Wanted,
    ) -> Result<Result<(), Spent>, WriteError<()>> {
        let _one = self.0.reserving.lock().await;
        let people = wanted.class == CallClass::Person;
        let size = wanted.metered.max(if people { PEOPLE_BLOCK } else { REGULAR_BLOCK });
        let now = self.0.world.now();
        let (meter, block) = {
            let mut state = self.0.lock();
            let State { lanes, meter, .. } = &mut *state;
            let lane = lanes.entry(realm.clone()).or_insert_with(|| self.0.lane(now));
            // Whoever waited for the other reservation may find it made.
            if lane.block(wanted.class).as_mut().is_some_and(|block| block.has(wanted.metered, now)) {
                return Ok(Ok(()));
            }
            if let Some(spent) = lane.block(wanted.class).take() {
                meter.settle(spent);
            }
            let mut meter = meter.clone();
            match meter.reserve(realm, size, wanted.class, self.0.allowance, now) {
                Ok(block) => (meter, block),
                Err(spent) => return Ok(Err(spent)),
            }
        };
        let stored = meter.clone();
        store
            .write(move |_| changes_of(&stored).map(|changes| (changes, ())).map_err(Fail::<()>::from))
            .await?;
        let mut state = self.0.lock();
        state.meter = meter;
        if let Some(lane) = state.lanes.get_mut(realm) {
            *lane.block(wanted.class) = Some(block);
        }
        Ok(Ok(()))
    }

    /// Gives back what was reserved and not used, to be stored at a clean stop.
    pub fn settled(&self) -> Meter {
        let mut state = self.0.lock();
        let State { lanes, meter, .. } = &mut *state;
        for lane in lanes.values_mut() {
            let blocks = [lane.regular.take(), lane.people.take()];
            blocks.into_iter().flatten().for_each(|block| meter.settle(block));
        }
        meter.clone()
    }

    /// Regular calls that are left of the month.
    pub fn regular_left(&self) -> u32 {
        let mut state = self.0.lock();
        // A month that has ended is over before anybody reserves in the next one.
        state.meter.heed_month(self.0.world.now());
        state.meter.left(CallClass::Incremental, self.0.allowance)
    }

    /// When the month ends.
    pub fn month_ends(&self) -> Instant {
        crate::ground::books::meter::Month::of(self.0.world.now()).ends()
    }

    /// How the month stands.
    pub fn month(&self) -> MonthView {
        let now = self.0.world.now();
        let mut state = self.0.lock();
        state.meter.heed_month(now);
        state.meter.view(self.0.allowance, now)
    }
}

fn changes_of(meter: &Meter) -> Result<Changes, crate::store::StoreError> {
    let why = "reserve calls of QuickBooks' month".into();
    let mut changes = Changes::new(Cause { actor: Actor::System, why, request_id: None });
    changes.books_meter(meter)?;
    Ok(changes)
}

impl From<NotYet> for NotNow {
    fn from(not_yet: NotYet) -> Self {
        match not_yet {
            NotYet::Until(until) => Self::Until(until),
            NotYet::InFlight => Self::InFlight,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lane(&self, now: Instant) -> Lane {
        let pace = if self.crashed { Pace::unknown(self.limits, now) } else { Pace::new(self.limits, now) };
        Lane { pace, regular: None, people: None }
    }

    fn ended(&self, realm: &RealmId, shut_until: Option<Instant>) {
        let mut state = self.lock();
        state.all.ended();
        if let Some(lane) = state.lanes.get_mut(realm) {
            lane.pace.ended();
            if let Some(until) = shut_until {
                lane.pace.shut(until);
            }
        }
    }
}

/// One company's end of the gate.
struct Company {
    shared: Arc<Shared>,
    realm: RealmId,
}

impl Hears for Company {
    fn now(&self) -> Instant {
        self.shared.world.now()
    }

    fn called(&self, _class: Option<CallClass>) {}

    fn heard(&self, _class: Option<CallClass>, heard: Heard) {
        let until = match heard {
            Heard::Limited { after_ms, .. } => Some(self.now().plus_millis(after_ms.unwrap_or(60_000))),
            _ => None,
        };
        self.shared.ended(&self.realm, until);
    }

    fn unused(&self, _class: Option<CallClass>) {
        // What it took of the minute and of the month is not given back: fewer calls than allowed harm nobody.
        self.shared.ended(&self.realm, None);
    }

    fn given_up(&self, _class: Option<CallClass>) {
        self.shared.ended(&self.realm, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::books::custody::Secret;
    use crate::ground::world::{Clock, Entropy};
    use crate::store::disk::SimDisk;
    use crate::store::{Drive, Place};
    use std::sync::atomic::{AtomicI64, Ordering};

    #[derive(Default)]
    struct Ours(AtomicI64);

    impl Clock for Ours {
        fn now(&self) -> Instant {
            Instant(1_795_424_400_000_000).plus_millis(self.0.load(Ordering::Relaxed))
        }
    }

    impl Entropy for Ours {
        fn fill(&self, out: &mut [u8]) {
            out.fill(9);
        }
    }

    fn set_up(share: u32, calls: u32, clean: bool) -> (Arc<Ours>, Store, BooksGate) {
        let ours = Arc::new(Ours::default());
        let world = World { clock: Arc::<Ours>::clone(&ours), entropy: Arc::<Ours>::clone(&ours) };
        let store = Store::open(Place::Memory(SimDisk::new()), world.clone(), Drive::Inline).unwrap();
        let gate = BooksGate::open(world, None, share, Allowance { calls, reserved_percent: 10 }, clean);
        (ours, store, gate)
    }

    fn wait<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn bearer() -> Bearer {
        Bearer { token: Secret::new("token").unwrap(), revision: 1 }
    }

    const LOOK: Wanted = Wanted { class: CallClass::Incremental, metered: 1, is_batch: false };

    #[test]
    fn calls_are_reserved_and_committed_before_one_is_made() {
        let (ours, store, gate) = set_up(100, 1_000, true);
        let realm: RealmId = "7".parse().unwrap();
        assert_eq!(gate.permit(&realm, &bearer(), LOOK).err(), Some(NotNow::Reserve));
        wait(gate.reserve(&store, &realm, LOOK)).unwrap().unwrap();
        let stored = store.snapshot().unwrap().ledger().books_meter().unwrap().unwrap();
        assert_eq!(stored.used(), REGULAR_BLOCK, "reserved on disk");
        let permit = gate.permit(&realm, &bearer(), LOOK).unwrap();
        permit.report_for_test(Heard::Answered { ceiling: None, remaining: None });
        assert_eq!(gate.settled().used(), 1, "what was not used comes back at a clean stop");
        ours.0.store(1, Ordering::Relaxed);
    }

    #[test]
    fn a_company_that_is_limited_stops_alone_and_a_spent_month_says_until_when() {
        let (ours, store, gate) = set_up(100, 200, true);
        let (one, other): (RealmId, RealmId) = ("1".parse().unwrap(), "2".parse().unwrap());
        for realm in [&one, &other] {
            wait(gate.reserve(&store, realm, LOOK)).unwrap().unwrap();
        }
        let permit = gate.permit(&one, &bearer(), LOOK).unwrap();
        permit.report_for_test(Heard::Limited { after_ms: Some(60_000), limit: None, ceiling: None });
        let until = ours.now().plus_millis(60_000);
        assert_eq!(gate.permit(&one, &bearer(), LOOK).err(), Some(NotNow::Until(until)));
        assert!(gate.permit(&other, &bearer(), LOOK).is_ok());
        // 120 and 60 of 180 regular calls are reserved.
        let third: RealmId = "3".parse().unwrap();
        assert!(wait(gate.reserve(&store, &third, LOOK)).unwrap().is_err());
        let person = Wanted { class: CallClass::Person, ..LOOK };
        assert!(wait(gate.reserve(&store, &third, person)).unwrap().is_ok(), "people have a reserve");
    }

    #[test]
    fn calls_given_up_leave_no_place_taken_and_a_crash_begins_with_full_windows() {
        let (ours, store, gate) = set_up(100, 1_000, true);
        let realm: RealmId = "7".parse().unwrap();
        wait(gate.reserve(&store, &realm, LOOK)).unwrap().unwrap();
        for second in 0..12 {
            ours.0.store(second * 1_000, Ordering::Relaxed);
            let permit = gate.permit(&realm, &bearer(), LOOK).unwrap();
            permit.begin_for_test();
            drop(permit);
        }
        let (ours, store, gate) = set_up(100, 1_000, false);
        wait(gate.reserve(&store, &realm, LOOK)).unwrap().unwrap();
        let until = ours.now().plus_millis(60_000);
        assert_eq!(gate.permit(&realm, &bearer(), LOOK).err(), Some(NotNow::Until(until)));
    }

    #[test]
    fn ten_a_second_and_ten_at_a_time_are_never_passed() {
        let (_, store, gate) = set_up(100, 1_000, true);
        let realm: RealmId = "7".parse().unwrap();
        wait(gate.reserve(&store, &realm, LOOK)).unwrap().unwrap();
        let held: Vec<Permit> = (0..10).map(|_| gate.permit(&realm, &bearer(), LOOK).unwrap()).collect();
        assert!(matches!(gate.permit(&realm, &bearer(), LOOK), Err(NotNow::Until(_))));
        drop(held);
    }
}
