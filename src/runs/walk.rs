//! The walk over one object in the order of ids: fills the mirror, and later proves it complete as of an instant or
//! says why it cannot.
//!
//! Between two ids that follow each other in Twenty's list there is nothing, so what the mirror holds there seems to be
//! gone. It is only believed once the walk has read everything and Twenty, asked for those ids by name, has none of
//! them. At the end both sides are counted. Every page is stored with the cursor after it, so a walk that was cut goes
//! on where it stood.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::cycle::{here, note_trouble, seen_in_twenty, states};
use super::see::{Met, object_slot, see, set_aside_nameless, slot};
use super::{Means, Next, connection, pause_ms, plain};
use crate::ground::id::{ConnectionId, Names, Object, SubjectKey};
use crate::ground::journal::SubjectState;
use crate::ground::mirror::{Count, MirrorState, Walk};
use crate::ground::time::Instant;
use crate::rails::twenty::{PROBE_MAX, PageAsk};
use crate::rails::{CallClass, RawRecord, RecordPage, Trouble};
use crate::store::{Changes, Fail, Ledger, StoreError, View, Working, WriteError};

/// How often the two sides are counted before a walk says that they do not fit.
const COUNTS_MAX: u32 = 3;

/// A record that seems to be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Suspect {
    /// Since when.
    pub(super) since: Instant,
    /// Whether Twenty itself said so.
    pub(super) told: bool,
}

/// The walks of all objects, one after the other.
pub struct Walker {
    means: Means,
    failures: u32,
    resting: BTreeMap<Object, (Instant, u32)>,
    /// How often the object under way was counted.
    counts: u32,
}

impl Walker {
    /// The walks of this connection.
    pub const fn new(means: Means) -> Self {
        Self { means, failures: 0, resting: BTreeMap::new(), counts: 0 }
    }

    /// One call at most.
    pub async fn step(&mut self) -> Next {
        match self.try_step().await {
            Ok(next) => next,
            Err(_) => self.later(),
        }
    }

    fn later(&mut self) -> Next {
        let pause = pause_ms(self.failures);
        self.failures += 1;
        Next::Wait(self.means.world.now().plus_millis(pause))
    }

    async fn try_step(&mut self) -> Result<Next, WriteError<()>> {
        let now = self.means.world.now();
        let all = states(&self.means).map_err(WriteError::Store)?;
        if all.is_empty() {
            // Nothing is known of the workspace yet.
            if let Err(trouble) = connection::refresh(&self.means).await? {
                self.means.gate.learn(&trouble);
                note_trouble(&self.means, Object::People, plain(&trouble)).await?;
                return Ok(self.later());
            }
            self.failures = 0;
            return Ok(if states(&self.means).map_err(WriteError::Store)?.is_empty() {
                Next::Wait(now.plus_millis(self.means.settings.sync_every_ms))
            } else {
                Next::Again
            });
        }
        let Some((object, state, names)) = self.chosen(all, now) else { return Ok(self.rest(now)) };
        let walk = state.begin_walk(now);
        if walk.read {
            self.settle(object, &names, walk).await
        } else {
            self.read(object, &names, walk).await
        }
    }

    /// The walk that goes on, else the most wanted: an object never read, one asked for, one whose time has come.
    fn chosen(
        &self,
        all: Vec<(Object, MirrorState, Names)>,
        now: Instant,
    ) -> Option<(Object, MirrorState, Names)> {
        let settings = &self.means.settings;
        let due = all.into_iter().filter(|(object, state, _)| {
            let rests = self.resting.get(object).is_some_and(|(until, _)| *until > now);
            !rests && state.walk_is_due(now, settings.walk_every_ms, settings.sync_every_ms)
        });
        due.min_by_key(|(object, state, _)| {
            (state.walk.is_none(), state.complete_as_of.is_some(), state.walk_asked_at.is_none(), *object)
        })
    }

    fn rest(&self, now: Instant) -> Next {
        let soonest = self.resting.values().map(|(until, _)| *until).filter(|until| *until > now).min();
        soonest.map_or(Next::Idle, Next::Wait)
    }

    async fn read(&mut self, object: Object, names: &Names, walk: Walk) -> Result<Next, WriteError<()>> {
        let permit = match self.means.gate.permit(CallClass::Backfill, None) {
            Ok(permit) => permit,
            Err(until) => return Ok(Next::Wait(until)),
        };
        let ask = PageAsk { since: None, cursor: walk.cursor.clone() };
        let asked_at = self.means.world.now();
        match self.means.rail.page(&permit, names, &ask).await {
            Ok(page) => {
                (self.failures, self.counts) = (0, 0);
                self.resting.remove(&object);
                let read = move |view: &View<'_>| store_page(view, object, walk, &page, asked_at);
                self.means
                    .store
                    .write(move |view| read(view).map(|changes| (changes, ())).map_err(Fail::<()>::from))
                    .await?;
                Ok(Next::Again)
            }
            Err(trouble) => self.failed(object, trouble).await,
        }
    }

    /// Everything was read: what seems to be gone is asked for by name, then both sides are counted.
    async fn settle(&mut self, object: Object, names: &Names, walk: Walk) -> Result<Next, WriteError<()>> {
        let suspects = {
            let snapshot = self.means.store.snapshot().map_err(WriteError::Store)?;
            suspects(&snapshot.ledger(), object, PROBE_MAX).map_err(WriteError::Store)?
        };
        let permit = match self.means.gate.permit(CallClass::Backfill, None) {
            Ok(permit) => permit,
            Err(until) => return Ok(Next::Wait(until)),
        };
        let asked_at = self.means.world.now();
        if suspects.is_empty() {
            return match self.means.rail.count(&permit, names).await {
                Ok(there) => self.counted(object, walk, there).await,
                Err(trouble) => self.failed(object, trouble).await,
            };
        }
        match self.means.rail.probe(&permit, names, &suspects).await {
            Ok(found) => {
                self.failures = 0;
                let judge = move |view: &View<'_>| judge(view, object, &suspects, &found, asked_at);
                self.means
                    .store
                    .write(move |view| judge(view).map(|changes| (changes, ())).map_err(Fail::<()>::from))
                    .await?;
                Ok(Next::Again)
            }
            Err(trouble) => self.failed(object, trouble).await,
        }
    }

    /// The same number on both sides proves the walk. Another one may be a change since: a pass is asked for, and it is
    /// counted again.
    async fn counted(&mut self, object: Object, walk: Walk, there: u64) -> Result<Next, WriteError<()>> {
        self.failures = 0;
        self.counts += 1;
        let last = self.counts >= COUNTS_MAX;
        let at = self.means.world.now();
        let (_, fits) = self
            .means
            .store
            .write(move |view| {
                let here = here(view, object)?;
                let mut state = view.ledger().mirror_state(ConnectionId::TWENTY, object)?;
                state.count = Some(Count { at, there, here });
                let fits = here == there;
                let mut walk = Walk { calls: walk.calls + 1, ..walk };
                if fits || last {
                    if !fits {
                        let differ = format!("Twenty counts {there} records and the mirror holds {here}.");
                        walk.flaw = walk.flaw.or(Some(differ));
                    }
                    state.walk = Some(walk);
                    state.end_walk(at);
                } else {
                    state.walk = Some(walk);
                    state.asked_at = Some(at);
                }
                let mut changes = Changes::new(seen_in_twenty());
                changes.mirror_state(ConnectionId::TWENTY, object, &state)?;
                Ok::<_, Fail<()>>((changes, fits || last))
            })
            .await?;
        if fits {
            self.counts = 0;
            return Ok(Next::Again);
        }
        Ok(Next::Wait(at.plus_millis(pause_ms(self.counts) * 5)))
    }

    async fn failed(&mut self, object: Object, trouble: Trouble) -> Result<Next, WriteError<()>> {
        self.means.gate.learn(&trouble);
        if matches!(trouble, Trouble::Later { limit: true, .. }) {
            return Ok(self.later());
        }
        note_trouble(&self.means, object, plain(&trouble)).await?;
        if !matches!(trouble, Trouble::Later { .. }) {
            // This object cannot be read; the others can.
            let failed = self.resting.get(&object).map_or(0, |(_, failed)| *failed);
            let until = self.means.world.now().plus_millis(pause_ms(failed) * 10);
            self.resting.insert(object, (until, failed + 1));
            return Ok(Next::Again);
        }
        Ok(self.later())
    }
}

/// Ids of an object's records that seem to be gone, the first `limit`.
pub(super) fn suspects(ledger: &Ledger<'_>, object: Object, limit: usize) -> Result<Vec<Uuid>, StoreError> {
    let rows = ledger.working_first::<Suspect>(Working::Suspect, &object_slot(object), limit)?;
    Ok(rows
        .into_iter()
        .filter_map(|(key, _)| key.last_chunk::<16>().map(|id| Uuid::from_bytes(*id)))
        .collect())
}

/// What the mirror has between two pages and the page does not.
fn absent(
    view: &View<'_>,
    object: Object,
    (after, to): (Option<Uuid>, Option<Uuid>),
    page: &RecordPage,
    asked_at: Instant,
) -> Result<Vec<Uuid>, StoreError> {
    let there: BTreeSet<Uuid> = page.records.iter().map(|record| record.id).collect();
    let mut absent = Vec::new();
    for (id, subject) in view.ledger().foreign_ids(ConnectionId::TWENTY, object, after, to)? {
        if there.contains(&id) {
            continue;
        }
        let head = view.ledger().head(subject)?;
        // What came in after the page was asked for says nothing.
        if head.is_some_and(|head| {
            matches!(head.state, SubjectState::Live | SubjectState::Deleted) && head.recorded < asked_at
        }) {
            absent.push(id);
        }
    }
    Ok(absent)
}

fn store_page(
    view: &View<'_>,
    object: Object,
    mut walk: Walk,
    page: &RecordPage,
    asked_at: Instant,
) -> Result<Changes, StoreError> {
    let mut changes = Changes::new(seen_in_twenty());
    let mut state = view.ledger().mirror_state(ConnectionId::TWENTY, object)?;
    walk.calls += 1;
    if page.records.first().is_some_and(|first| walk.last.is_some_and(|last| first.id <= last)) {
        walk.flaw = Some(
            "Twenty's list is not in the order of ids, so what is between two pages cannot be told.".into(),
        );
    }
    for record in &page.records {
        match see(view, &mut changes, object, record, asked_at)? {
            Met::New => walk.drift.missed += 1,
            Met::Changed => walk.drift.changed += 1,
            Met::Same | Met::Left => {}
        }
    }
    for text in &page.unreadable {
        set_aside_nameless(view, &mut changes, object, text)?;
    }
    if !page.unreadable.is_empty() {
        walk.flaw = Some("Twenty sent records without an id that can be read.".into());
    }
    let last = page.records.last().map(|record| record.id);
    let to = if page.next.is_some() { last } else { None };
    // A page that is not the last one and holds nothing says nothing of what is between.
    if walk.flaw.is_none() && (page.next.is_none() || to.is_some()) {
        for id in absent(view, object, (walk.last, to), page, asked_at)? {
            let suspect = Suspect { since: asked_at, told: false };
            changes.working(Working::Suspect, &slot(object, id), Some(&suspect))?;
        }
    }
    walk.began_there = walk.began_there.or(page.told_at);
    walk.done += (page.records.len() + page.unreadable.len()) as u64;
    walk.total = page.total.or(walk.total);
    walk.newest = walk.newest.max(page.records.iter().filter_map(|record| record.updated).max());
    walk.last = last.or(walk.last);
    walk.cursor.clone_from(&page.next);
    walk.read = page.next.is_none();
    state.trouble = None;
    if walk.read {
        state.walk_read(&walk);
    }
    state.walk = Some(walk);
    changes.mirror_state(ConnectionId::TWENTY, object, &state)?;
    Ok(changes)
}

/// Twenty was asked for them by name: those it has are there after all, the others are gone.
pub(super) fn judge(
    view: &View<'_>,
    object: Object,
    suspects: &[Uuid],
    found: &[RawRecord],
    asked_at: Instant,
) -> Result<Changes, StoreError> {
    let mut changes = Changes::new(seen_in_twenty());
    let mut state = view.ledger().mirror_state(ConnectionId::TWENTY, object)?;
    for id in suspects {
        changes.working::<Suspect>(Working::Suspect, &slot(object, *id), None)?;
        if let Some(record) = found.iter().find(|record| record.id == *id) {
            see(view, &mut changes, object, record, asked_at)?;
            continue;
        }
        let gone = destroy(view, &mut changes, object, *id, asked_at)?;
        if let Some(walk) = state.walk.as_mut().filter(|_| gone) {
            walk.drift.gone += 1;
        }
    }
    if let Some(walk) = &mut state.walk {
        walk.calls += 1;
        changes.mirror_state(ConnectionId::TWENTY, object, &state)?;
    }
    Ok(changes)
}

/// A record is gone there for good: its history stays here. Answers whether the mirror had it.
pub(super) fn destroy(
    view: &View<'_>,
    changes: &mut Changes,
    object: Object,
    id: Uuid,
    asked_at: Instant,
) -> Result<bool, StoreError> {
    let key = SubjectKey::twenty(object, id);
    let known = view.ledger().subject(&key)?.map_or(Ok(None), |subject| view.ledger().record(subject))?;
    let known = known.filter(|known| {
        matches!(known.state, SubjectState::Live | SubjectState::Deleted) && known.recorded < asked_at
    });
    let Some(known) = known else { return Ok(false) };
    changes.destroyed(key, known.value);
    let aside = super::see::quarantine_id(object, id);
    if let Some(issue) = view.ledger().quarantined(aside)? {
        changes.remove(Object::Quarantine, aside, &issue)?;
    }
    Ok(true)
}
