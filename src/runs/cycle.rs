//! The regular cycle: what changed in every object since the last one, in the order of ids, and a count of what there is.
//!
//! What is read is held until the cycle ends, so that one in which nothing changed is one commit: cursors, ages and
//! counts together. A cycle that brings much commits as it goes. Nothing is lost by a crash, since the cursors are
//! stored with the records: what was held is read again.

use std::collections::{BTreeMap, VecDeque};

use super::see::{Met, meet, see, set_aside_nameless};
use super::{Means, Next, connection, pause_ms, plain};
use crate::ground::id::{ConnectionId, Names, Object};
use crate::ground::journal::{Actor, Cause, SubjectState};
use crate::ground::mirror::{Count, MirrorState, Pass};
use crate::ground::time::Instant;
use crate::rails::twenty::PageAsk;
use crate::rails::{CallClass, RawRecord, Trouble};
use crate::store::{Changes, Fail, StoreError, View, WriteError};

/// Changed records held before they are committed.
const HELD_MAX: usize = 400;

/// The cycle over all objects.
pub struct Cycle {
    means: Means,
    round: Option<Round>,
    failures: u32,
    /// Objects that could not be read, with the moment they are tried again and how often they failed.
    resting: BTreeMap<Object, (Instant, u32)>,
    /// Every second round counts the one half of the objects, every other the rest.
    odd: bool,
    /// How much earlier than promised the next round begins, so that many appliances do not call in step.
    jitter_ms: i64,
}

/// One cycle under way.
struct Round {
    reading: VecDeque<Reading>,
    counting: VecDeque<(Object, Names)>,
    held: Held,
}

/// The pass over one object within a cycle.
struct Reading {
    object: Object,
    names: Names,
    pass: Pass,
}

/// What was read and not stored yet.
#[derive(Default)]
struct Held {
    records: Vec<(Object, RawRecord, Instant)>,
    nameless: Vec<(Object, String)>,
    /// Passes that ended, or stand where the next page begins.
    ended: Vec<(Object, Pass)>,
    open: Vec<(Object, Pass)>,
    counts: Vec<(Object, u64, Instant)>,
}

impl Held {
    const fn is_empty(&self) -> bool {
        self.records.is_empty()
            && self.nameless.is_empty()
            && self.ended.is_empty()
            && self.open.is_empty()
            && self.counts.is_empty()
    }
}

impl Cycle {
    /// The cycle of this connection.
    pub const fn new(means: Means) -> Self {
        Self { means, round: None, failures: 0, resting: BTreeMap::new(), odd: false, jitter_ms: 0 }
    }

    /// One call at most.
    pub async fn step(&mut self) -> Next {
        if let Ok(next) = self.try_step().await {
            return next;
        }
        // The store recovers by itself; what was held is read again.
        self.round = None;
        self.later()
    }

    fn later(&mut self) -> Next {
        let pause = pause_ms(self.failures);
        self.failures += 1;
        Next::Wait(self.means.world.now().plus_millis(pause))
    }

    async fn try_step(&mut self) -> Result<Next, WriteError<()>> {
        if self.round.is_none() {
            match self.begin().await? {
                Some(round) => self.round = Some(round),
                None => return self.rest().map_err(WriteError::Store),
            }
        }
        let Some(round) = &mut self.round else { return Ok(Next::Again) };
        if let Some(reading) = round.reading.pop_front() {
            return self.read(reading).await;
        }
        if let Some((object, names)) = round.counting.pop_front() {
            return self.count(object, names).await;
        }
        self.end().await
    }

    /// The objects whose pass is due; none when nothing is.
    async fn begin(&mut self) -> Result<Option<Round>, WriteError<()>> {
        let now = self.means.world.now();
        if self.due(now).map_err(WriteError::Store)?.is_empty() {
            return Ok(None);
        }
        // A field that was added, renamed or removed since is seen before anything is read.
        if let Err(trouble) = connection::refresh(&self.means).await? {
            self.means.gate.learn(&trouble);
        }
        let due = self.due(now).map_err(WriteError::Store)?;
        self.odd = !self.odd;
        let odd = self.odd;
        let asked = due.iter().any(|(_, state, _)| state.asked_at.is_some());
        let counting = due.iter().filter(|(object, state, _)| {
            asked
                || (object.number() % 2 == 1) == odd
                || state.count.is_none_or(|count| count.there != count.here)
        });
        let counting = counting.map(|(object, _, names)| (*object, names.clone())).collect();
        let reading = due.into_iter().filter_map(|(object, state, names)| {
            Some(Reading { object, names, pass: state.begin_pass(now)? })
        });
        Ok(Some(Round { reading: reading.collect(), counting, held: Held::default() }))
    }

    fn due(&self, now: Instant) -> Result<Vec<(Object, MirrorState, Names)>, StoreError> {
        let every = self.means.settings.sync_every_ms - self.jitter_ms;
        let mut due = Vec::new();
        for (object, state, names) in states(&self.means)? {
            let rests = self.resting.get(&object).is_some_and(|(until, _)| *until > now);
            if !rests && state.pass_is_due(now, every) {
                due.push((object, state, names));
            }
        }
        Ok(due)
    }

    /// Nothing is due: until the first pass is.
    fn rest(&self) -> Result<Next, StoreError> {
        let every = self.means.settings.sync_every_ms - self.jitter_ms;
        let next = states(&self.means)?.into_iter().filter(|(_, state, _)| !state.paused).filter_map(
            |(object, state, _)| {
                let due = state.complete_as_of?.plus_millis(every);
                Some(self.resting.get(&object).map_or(due, |(until, _)| due.max(*until)))
            },
        );
        Ok(next.min().map_or(Next::Idle, Next::Wait))
    }

    async fn read(&mut self, mut reading: Reading) -> Result<Next, WriteError<()>> {
        let permit = match self.means.gate.permit(CallClass::Incremental, None) {
            Ok(permit) => permit,
            Err(until) => {
                self.put_back(reading);
                return Ok(Next::Wait(until));
            }
        };
        let ask = PageAsk { since: Some(reading.pass.since), cursor: reading.pass.cursor.clone() };
        let asked_at = self.means.world.now();
        let page = match self.means.rail.page(&permit, &reading.names, &ask).await {
            Ok(page) => page,
            Err(trouble) => return self.failed(reading, trouble).await,
        };
        self.failures = 0;
        let object = reading.object;
        let pass = &mut reading.pass;
        pass.began_there = pass.began_there.or(page.told_at);
        pass.newest = pass.newest.max(page.records.iter().filter_map(|record| record.updated).max());
        pass.cursor.clone_from(&page.next);
        let changed = self.changed(object, page.records, asked_at).map_err(WriteError::Store)?;
        let Some(round) = &mut self.round else { return Ok(Next::Again) };
        round.held.records.extend(changed.into_iter().map(|record| (object, record, asked_at)));
        round.held.nameless.extend(page.unreadable.into_iter().map(|text| (object, text)));
        if pass.cursor.is_none() {
            self.resting.remove(&object);
            round.held.ended.push((object, reading.pass));
        } else {
            if round.held.records.len() >= HELD_MAX {
                round.held.open.push((object, pass.clone()));
            }
            round.reading.push_front(reading);
        }
        if round.held.records.len() >= HELD_MAX {
            self.store_held().await?;
        }
        Ok(Next::Again)
    }

    fn put_back(&mut self, reading: Reading) {
        if let Some(round) = &mut self.round {
            round.reading.push_front(reading);
        }
    }

    /// Only what the mirror does not have so.
    fn changed(
        &self,
        object: Object,
        records: Vec<RawRecord>,
        asked_at: Instant,
    ) -> Result<Vec<RawRecord>, StoreError> {
        let snapshot = self.means.store.snapshot()?;
        let mut changed = Vec::new();
        for record in records {
            if matches!(meet(&snapshot.ledger(), object, &record, asked_at)?, Met::New | Met::Changed) {
                changed.push(record);
            }
        }
        Ok(changed)
    }

    async fn count(&mut self, object: Object, names: Names) -> Result<Next, WriteError<()>> {
        // What was read is stored first: only then do the two numbers speak of the same.
        if self.round.as_ref().is_some_and(|round| !round.held.records.is_empty()) {
            self.store_held().await?;
        }
        let permit = match self.means.gate.permit(CallClass::Incremental, None) {
            Ok(permit) => permit,
            Err(until) => {
                if let Some(round) = &mut self.round {
                    round.counting.push_front((object, names));
                }
                return Ok(Next::Wait(until));
            }
        };
        match self.means.rail.count(&permit, &names).await {
            Ok(there) => {
                let at = self.means.world.now();
                if let Some(round) = &mut self.round {
                    round.held.counts.push((object, there, at));
                }
                Ok(Next::Again)
            }
            Err(trouble) => {
                // A count that was not had is counted another time.
                self.means.gate.learn(&trouble);
                Ok(Next::Again)
            }
        }
    }

    async fn end(&mut self) -> Result<Next, WriteError<()>> {
        self.store_held().await?;
        self.round = None;
        let spread = (self.means.settings.sync_every_ms / 20).max(1);
        let [a, b, ..] = self.means.world.bytes::<2>();
        self.jitter_ms = i64::from(u16::from_be_bytes([a, b])) * spread / i64::from(u16::MAX);
        self.rest().map_err(WriteError::Store)
    }

    async fn store_held(&mut self) -> Result<(), WriteError<()>> {
        let Some(round) = &mut self.round else { return Ok(()) };
        let held = std::mem::take(&mut round.held);
        if held.is_empty() {
            return Ok(());
        }
        let hooked = self.means.settings.hook_url.is_some();
        self.means
            .store
            .write(move |view| store(view, &held, hooked).map(|changes| (changes, ())).map_err(Fail::from))
            .await?;
        Ok(())
    }

    /// An object that cannot be read rests, and the others go on; where nothing answers, all wait.
    async fn failed(&mut self, reading: Reading, trouble: Trouble) -> Result<Next, WriteError<()>> {
        self.means.gate.learn(&trouble);
        let object = reading.object;
        if matches!(trouble, Trouble::Later { limit: true, .. }) {
            self.put_back(reading);
            return Ok(self.later());
        }
        let told = plain(&trouble);
        note_trouble(&self.means, object, told).await?;
        if matches!(trouble, Trouble::Later { .. }) {
            self.put_back(reading);
            return Ok(self.later());
        }
        let failed = self.resting.get(&object).map_or(0, |(_, failed)| *failed);
        let until = self.means.world.now().plus_millis(pause_ms(failed) * 10);
        self.resting.insert(object, (until, failed + 1));
        Ok(Next::Again)
    }
}

/// Every object that is mirrored, with how far it is.
pub(super) fn states(means: &Means) -> Result<Vec<(Object, MirrorState, Names)>, StoreError> {
    let snapshot = means.store.snapshot()?;
    let ledger = snapshot.ledger();
    let mirrored = ledger.workspace(ConnectionId::TWENTY)?.mirrored();
    let state = |(object, names)| Ok((object, ledger.mirror_state(ConnectionId::TWENTY, object)?, names));
    mirrored.into_iter().map(state).collect()
}

/// Says on an object what is in the way, once.
pub(super) async fn note_trouble(means: &Means, object: Object, told: String) -> Result<(), WriteError<()>> {
    means
        .store
        .write(move |view| {
            let mut state = view.ledger().mirror_state(ConnectionId::TWENTY, object)?;
            let mut changes = Changes::new(seen_in_twenty());
            if state.trouble.as_ref() != Some(&told) {
                state.trouble = Some(told);
                changes.mirror_state(ConnectionId::TWENTY, object, &state)?;
            }
            Ok::<_, Fail<()>>((changes, ()))
        })
        .await?;
    Ok(())
}

/// The cause of what a sync brings.
pub(super) fn seen_in_twenty() -> Cause {
    Cause { actor: Actor::Connection(ConnectionId::TWENTY), why: "Seen in Twenty".into(), request_id: None }
}

fn store(view: &View<'_>, held: &Held, hooked: bool) -> Result<Changes, StoreError> {
    let mut changes = Changes::new(seen_in_twenty());
    let mut states: BTreeMap<Object, MirrorState> = BTreeMap::new();
    let touched = held.ended.iter().chain(&held.open).map(|(object, _)| *object);
    let touched = touched.chain(held.records.iter().map(|(object, ..)| *object));
    for object in touched.chain(held.counts.iter().map(|(object, ..)| *object)) {
        states.insert(object, view.ledger().mirror_state(ConnectionId::TWENTY, object)?);
    }
    for (object, record, asked_at) in &held.records {
        let met = see(view, &mut changes, *object, record, *asked_at)?;
        let announced = view.ledger().to_read(ConnectionId::TWENTY, *object, record.id)?;
        if let Some(state) = states.get_mut(object).filter(|_| hooked && announced.is_none())
            && matches!(met, Met::New | Met::Changed)
        {
            state.untold.missed += 1;
        }
    }
    for (object, text) in &held.nameless {
        set_aside_nameless(view, &mut changes, *object, text)?;
    }
    for (object, pass) in &held.open {
        states.entry(*object).or_default().pass = Some(pass.clone());
    }
    for (object, pass) in &held.ended {
        states.entry(*object).or_default().end_pass(pass);
    }
    for (object, there, at) in &held.counts {
        compare(view, *object, states.entry(*object).or_default(), (*there, *at))?;
    }
    for (object, state) in states {
        changes.mirror_state(ConnectionId::TWENTY, object, &state)?;
    }
    Ok(changes)
}

/// What the mirror holds of an object, as Twenty would count it.
pub(super) fn here(view: &View<'_>, object: Object) -> Result<u64, StoreError> {
    let count = |state| view.ledger().object_count(ConnectionId::TWENTY, object, state);
    Ok(count(SubjectState::Live)? + count(SubjectState::Deleted)?)
}

/// Two counts in a row that do not fit ask for a walk: one may be a change between reading and counting.
fn compare(
    view: &View<'_>,
    object: Object,
    state: &mut MirrorState,
    (there, at): (u64, Instant),
) -> Result<(), StoreError> {
    let here = here(view, object)?;
    let again = state.count.is_some_and(|before| before.there != before.here);
    state.count = Some(Count { at, there, here });
    if there != here && again && state.walk.is_none() {
        state.walk_asked_at = state.walk_asked_at.or(Some(at));
    }
    Ok(())
}
