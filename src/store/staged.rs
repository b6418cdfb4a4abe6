//! The queue by what its rows hold, side by side in memory, so that a filter, an order and a search over some ten thousand
//! staged rows open only those that are shown. It follows the journal as a shelf does ([`super::shelf`]): before it
//! answers it takes in what changed since. Nothing of it is on disk, and an erasure empties it.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use uuid::Uuid;

use super::error::StoreError;
use super::key;
use super::ledger::Ledger;
use super::reader::Order;
use super::{AfterCommit, Written};
use crate::ground::id::{BatchId, ConnectionId, Object, PersonId, Seq, StagedId};
use crate::ground::journal::SubjectState;
use crate::ground::staging::{StagedRow, Status};
use crate::ground::time::CalendarDate;

/// Rows read in one go; then others get their turn.
const STRETCH: usize = 10_000;
/// Lists kept in their order.
const LISTS_MAX: NonZeroUsize = NonZeroUsize::new(8).expect("eight is not zero");

/// The order of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueOrder {
    /// By when it came in.
    Received,
    /// By its last change.
    Changed,
    /// By the amount, whatever the currency.
    Amount,
    /// By the day of the gift; rows without one come last.
    GiftDate,
}

/// A question to the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueAsk {
    /// Only these; all when empty.
    pub statuses: Vec<Status>,
    /// Only this batch.
    pub batch: Option<BatchId>,
    /// Only this channel.
    pub source: Option<String>,
    /// Only rows that hold this text, in small letters: name, address, source's id, note, the chosen donor's name.
    pub search: Option<String>,
    /// By what they are ordered.
    pub order: QueueOrder,
    /// The greatest first.
    pub down: bool,
}

/// Where a row stands in an order: bytes that compare as the order does, ending in the row's id.
pub type Place = [u8; 24];

/// Where a page begins.
#[derive(Clone, Copy, Debug)]
pub enum From {
    /// After this place.
    After(Place),
    /// After so many rows.
    Skip(usize),
}

/// An answer of the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueFound {
    /// The rows of the page, in order.
    pub rows: Vec<StagedId>,
    /// Where the last one stands, when there are more.
    pub next: Option<Place>,
    /// How many rows the whole list has.
    pub total: u64,
    /// How many rows there are of each state with the same filters but that of states.
    pub counts: HashMap<Status, u64>,
    /// Ready rows that are in no batch, whatever the filters.
    pub ready_outside_batches: u64,
}

/// What is kept of a row.
struct Line {
    status: Status,
    batch: Option<BatchId>,
    source: Box<str>,
    received: i64,
    changed: i64,
    micros: i64,
    /// As YYYYMMDD; none without a date.
    gift_date: Option<i32>,
    donor: Option<PersonId>,
    /// What is searched, in small letters.
    text: Box<str>,
}

/// A list in its order, with the counts of its filters.
struct List {
    places: Vec<Place>,
    counts: HashMap<Status, u64>,
}

struct Kept {
    /// Everything up to this entry is in it.
    upto: u64,
    lines: BTreeMap<Uuid, Line>,
    names: HashMap<PersonId, Option<Box<str>>>,
    lists: LruCache<String, Arc<List>>,
    ready_outside_batches: u64,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            upto: 0,
            lines: BTreeMap::new(),
            names: HashMap::new(),
            lists: LruCache::new(LISTS_MAX),
            ready_outside_batches: 0,
        }
    }
}

/// The queue in memory.
#[derive(Default)]
pub struct StagedShelf {
    kept: Mutex<Kept>,
    /// The last entry that erased something, and the last one about people: what was read before them is not kept.
    moved: Mutex<Moved>,
}

#[derive(Clone, Default)]
struct Moved {
    erased_at: u64,
    people_at: u64,
    people: Vec<PersonId>,
}

impl std::fmt::Debug for StagedShelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StagedShelf")
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic in between leaves at worst rows that are read again.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StagedShelf {
    /// A page of the queue. None: there is more to read first than fits in one go, or `ledger` is older than what is
    /// here; ask again with a new snapshot.
    pub fn ask(
        &self,
        ledger: &Ledger<'_>,
        ask: &QueueAsk,
        from: From,
        limit: usize,
    ) -> Result<Option<QueueFound>, StoreError> {
        let mut kept = locked(&self.kept);
        let Some(list) = self.list(&mut kept, ledger, ask)? else { return Ok(None) };
        let start = match from {
            From::After(place) => list.places.partition_point(|other| *other <= place),
            From::Skip(rows) => rows.min(list.places.len()),
        };
        let end = start.saturating_add(limit).min(list.places.len());
        Ok(Some(QueueFound {
            rows: list.places[start..end].iter().map(id_of).collect(),
            next: list.places[start..end].last().filter(|_| end < list.places.len()).copied(),
            total: list.places.len() as u64,
            counts: list.counts.clone(),
            ready_outside_batches: kept.ready_outside_batches,
        }))
    }

    /// The ids of a whole list, in its order; none as for [`Self::ask`].
    pub fn ids(&self, ledger: &Ledger<'_>, ask: &QueueAsk) -> Result<Option<Vec<StagedId>>, StoreError> {
        let mut kept = locked(&self.kept);
        let list = self.list(&mut kept, ledger, ask)?;
        Ok(list.map(|list| list.places.iter().map(id_of).collect()))
    }

    fn list(
        &self,
        kept: &mut Kept,
        ledger: &Ledger<'_>,
        ask: &QueueAsk,
    ) -> Result<Option<Arc<List>>, StoreError> {
        let last = ledger.last_seq()?.0;
        let moved = {
            let mut moved = locked(&self.moved);
            let now = moved.clone();
            moved.people.clear();
            now
        };
        for person in &moved.people {
            kept.names.remove(person);
            kept.lists.clear();
        }
        if last < kept.upto || last < moved.erased_at || last < moved.people_at {
            return Ok(None);
        }
        if !kept.catch_up(ledger, last)? {
            return Ok(None);
        }
        kept.list(ledger, ask).map(Some)
    }

    /// Empties it: an erasure may be about any of the rows and names.
    fn forget(&self, erased_at: u64) {
        locked(&self.moved).erased_at = erased_at;
        *locked(&self.kept) = Kept::default();
    }
}

impl AfterCommit for StagedShelf {
    fn committed(&self, written: &[Written]) {
        let erased = written.iter().filter(|entry| entry.state == SubjectState::Erased);
        if let Some(last) = erased.map(|entry| entry.seq).max() {
            self.forget(last);
        }
        let people = written.iter().filter(|entry| entry.key.object == Object::People);
        let changed: Vec<PersonId> = people.filter_map(|entry| entry.key.uuid().map(PersonId)).collect();
        let last = written.iter().map(|entry| entry.seq).max();
        if let (false, Some(last)) = (changed.is_empty(), last) {
            let mut moved = locked(&self.moved);
            moved.people_at = last;
            moved.people.extend(changed);
        }
    }
}

impl Kept {
    /// Takes in what changed up to the entry `last`, or a stretch of it; true when that was all.
    fn catch_up(&mut self, ledger: &Ledger<'_>, last: u64) -> Result<bool, StoreError> {
        if self.upto == last {
            return Ok(true);
        }
        let (mut changed, mut more) = (Vec::new(), false);
        for state in SubjectState::ALL {
            let prefix = key::newest(ConnectionId::HERE, Object::GiftStaging, state).prefix();
            let after = [prefix.0.as_slice(), &key::end(self.upto)].concat();
            let (seqs, next) = ledger.led_to(&prefix, Some(&after), Order::Up, STRETCH)?;
            more |= next.is_some();
            changed.extend(seqs);
        }
        changed.sort_unstable();
        more |= changed.len() > STRETCH;
        changed.truncate(STRETCH);
        for seq in &changed {
            self.take_in(ledger, Seq(*seq))?;
        }
        if !changed.is_empty() {
            self.lists.clear();
            let outside =
                self.lines.values().filter(|l| l.status == Status::ReadyForProcess && l.batch.is_none());
            self.ready_outside_batches = outside.count() as u64;
        }
        self.upto = if more { changed.last().copied().unwrap_or(last) } else { last };
        Ok(!more)
    }

    fn take_in(&mut self, ledger: &Ledger<'_>, seq: Seq) -> Result<(), StoreError> {
        let Some(record) = ledger.record_at(seq)? else { return Ok(()) };
        let Some(id) = record.key.uuid() else { return Ok(()) };
        let changed = record.recorded.0;
        let row = Ledger::typed::<StagedRow>("staged row", Some(record))?;
        match row {
            Some(row) => self.lines.insert(id, Line::of(&row.value, changed)),
            None => self.lines.remove(&id),
        };
        Ok(())
    }

    fn list(&mut self, ledger: &Ledger<'_>, ask: &QueueAsk) -> Result<Arc<List>, StoreError> {
        let name = format!("{ask:?}");
        if let Some(list) = self.lists.get(&name) {
            return Ok(Arc::clone(list));
        }
        let (mut places, mut counts) = (Vec::new(), HashMap::new());
        let names = &mut self.names;
        for (id, line) in &self.lines {
            if !line.is_within(ask, &mut |person| named(names, ledger, person))? {
                continue;
            }
            *counts.entry(line.status).or_default() += 1;
            if ask.statuses.is_empty() || ask.statuses.contains(&line.status) {
                places.push(line.place(*id, ask));
            }
        }
        places.sort_unstable();
        let list = Arc::new(List { places, counts });
        self.lists.put(name, Arc::clone(&list));
        Ok(list)
    }
}

/// A donor's name in small letters.
fn named(
    names: &mut HashMap<PersonId, Option<Box<str>>>,
    ledger: &Ledger<'_>,
    person: PersonId,
) -> Result<Option<Box<str>>, StoreError> {
    if let Some(name) = names.get(&person) {
        return Ok(name.clone());
    }
    let name = ledger.person(person)?.and_then(|known| known.value.display_name());
    let name: Option<Box<str>> = name.map(|name| name.to_lowercase().into());
    names.insert(person, name.clone());
    Ok(name)
}

impl Line {
    fn of(row: &StagedRow, changed: i64) -> Self {
        let texts = [
            row.evidence.name(),
            row.evidence.email.clone(),
            row.evidence.organisation.clone(),
            row.source.external_id.clone(),
            row.notes.clone(),
        ];
        let texts: Vec<String> = texts.into_iter().flatten().collect();
        Self {
            status: row.status(),
            batch: row.batch,
            source: row.source.intake.as_str().into(),
            received: row.received_at.0,
            changed,
            micros: row.amount.micros,
            gift_date: row.gift_date.map(CalendarDate::number),
            donor: row.donor.person(),
            // A line break stands in no search.
            text: texts.join("\n").to_lowercase().into(),
        }
    }

    fn is_within(
        &self,
        ask: &QueueAsk,
        name: &mut dyn FnMut(PersonId) -> Result<Option<Box<str>>, StoreError>,
    ) -> Result<bool, StoreError> {
        if ask.batch.is_some_and(|batch| self.batch != Some(batch))
            || ask.source.as_ref().is_some_and(|source| **source != *self.source)
        {
            return Ok(false);
        }
        let Some(search) = &ask.search else { return Ok(true) };
        if self.text.contains(search.as_str()) {
            return Ok(true);
        }
        let name = self.donor.map(name).transpose()?.flatten();
        Ok(name.is_some_and(|name| name.contains(search.as_str())))
    }

    fn place(&self, id: Uuid, ask: &QueueAsk) -> Place {
        let number = match ask.order {
            QueueOrder::Received => Some(self.received),
            QueueOrder::Changed => Some(self.changed),
            QueueOrder::Amount => Some(self.micros),
            QueueOrder::GiftDate => self.gift_date.map(i64::from),
        };
        let ordered = number.map(|number| number.cast_unsigned() ^ (1 << 63));
        // What is missing comes last in both directions.
        let ordered =
            ordered.map_or(u64::MAX, |ordered| if ask.down { !ordered } else { ordered }.min(u64::MAX - 1));
        let mut place = [0; 24];
        place[..8].copy_from_slice(&ordered.to_be_bytes());
        place[8..].copy_from_slice(id.as_bytes());
        place
    }
}

fn id_of(place: &Place) -> StagedId {
    let mut id = [0; 16];
    id.copy_from_slice(&place[8..]);
    StagedId(Uuid::from_bytes(id))
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::super::disk::SimDisk;
    use super::super::tests::{block, cause, open, person};
    use super::super::{Changes, QueueFilter, Store};
    use super::*;
    use crate::ground::id::SubjectKey;
    use crate::ground::staging::tests::row;
    use crate::ground::staging::{DonorDecision, Progress};
    use crate::ground::time::Instant;

    struct World {
        store: Store,
        queue: Arc<StagedShelf>,
        dice: ChaCha8Rng,
    }

    impl World {
        fn new(seed: u64) -> Self {
            let store = open(&SimDisk::new());
            let queue = Arc::new(StagedShelf::default());
            store.follow(Arc::<StagedShelf>::clone(&queue));
            Self { store, queue, dice: ChaCha8Rng::seed_from_u64(seed) }
        }

        fn below(&mut self, n: u32) -> u32 {
            self.dice.next_u32() % n
        }

        fn any_row(&mut self, n: u128) -> StagedRow {
            let mut any = row();
            any.id = StagedId(Uuid::from_u128(n));
            any.received_at = Instant(i64::from(self.below(50)));
            any.amount.micros = i64::from(self.below(9)) * 1_000_000;
            any.gift_date = format!("2026-11-{:02}", 1 + self.below(40)).parse().ok();
            any.evidence.first_name = Some(["Ada", "Émile", "Zoë"][self.below(3) as usize].into());
            any.source.intake = ["manual_ui", "api"][self.below(2) as usize].into();
            any.batch = (self.below(3) == 0).then(|| BatchId(Uuid::from_u128(7)));
            any.donor = match self.below(3) {
                0 => DonorDecision::Unreviewed,
                n => DonorDecision::Confirmed(PersonId(Uuid::from_u128(u128::from(n)))),
            };
            any.progress =
                [Progress::Review, Progress::Ready, Progress::Discarded][self.below(3) as usize].clone();
            any
        }

        fn write(&self, change: impl FnOnce(&mut Changes) + Send + 'static) {
            let written = self.store.write::<_, (), _>(move |_| {
                let mut changes = Changes::new(cause());
                change(&mut changes);
                Ok((changes, ()))
            });
            block(written).unwrap();
        }

        fn put(&self, row: StagedRow) {
            self.write(move |changes| changes.open(Object::GiftStaging, row.id.0, &row).unwrap());
        }

        fn name(&self, n: u128, first: &str) {
            let json = format!(
                "{{\"id\":\"{}\",\"name\":{{\"firstName\":\"{first}\",\"lastName\":\"Quist\"}}}}",
                Uuid::from_u128(n)
            );
            self.write(move |changes| changes.seen(person(n), json, false, None));
        }

        fn ask(&self, ask: &QueueAsk, from: From, limit: usize) -> QueueFound {
            let snapshot = self.store.snapshot().unwrap();
            self.queue.ask(&snapshot.ledger(), ask, from, limit).unwrap().expect("it is all read in one go")
        }

        /// The same by reading every row.
        fn model(&self, ask: &QueueAsk) -> Vec<StagedId> {
            let snapshot = self.store.snapshot().unwrap();
            let ledger = snapshot.ledger();
            let mut rows = ledger.staged_rows(&QueueFilter::default()).unwrap();
            rows.retain(|row| {
                let name = row.value.donor.person().and_then(|donor| ledger.person(donor).unwrap());
                let name = name.and_then(|donor| donor.value.display_name()).unwrap_or_default();
                let told = format!("{} {name}", row.value.evidence.name().unwrap_or_default()).to_lowercase();
                (ask.statuses.is_empty() || ask.statuses.contains(&row.value.status()))
                    && ask.batch.is_none_or(|batch| row.value.batch == Some(batch))
                    && ask.source.as_ref().is_none_or(|source| *source == row.value.source.intake)
                    && ask.search.as_ref().is_none_or(|text| told.contains(text.as_str()))
            });
            rows.sort_by_key(|row| {
                let number = match ask.order {
                    QueueOrder::Received => Some(row.value.received_at.0),
                    QueueOrder::Changed => Some(row.recorded.0),
                    QueueOrder::Amount => Some(row.value.amount.micros),
                    QueueOrder::GiftDate => row.value.gift_date.map(|date| i64::from(date.number())),
                };
                let number = number.map(|number| if ask.down { -number } else { number });
                (number.is_none(), number, row.value.id.0)
            });
            rows.into_iter().map(|row| row.value.id).collect()
        }
    }

    fn plain(order: QueueOrder, down: bool) -> QueueAsk {
        QueueAsk { statuses: vec![], batch: None, source: None, search: None, order, down }
    }

    fn questions() -> Vec<QueueAsk> {
        let all = plain(QueueOrder::Received, true);
        let ready = QueueAsk { statuses: vec![Status::ReadyForProcess], ..all.clone() };
        vec![
            all.clone(),
            plain(QueueOrder::Amount, false),
            plain(QueueOrder::GiftDate, true),
            plain(QueueOrder::GiftDate, false),
            plain(QueueOrder::Changed, true),
            QueueAsk { batch: Some(BatchId(Uuid::from_u128(7))), ..ready.clone() },
            QueueAsk { source: Some("api".into()), ..ready },
            QueueAsk { search: Some("émile".into()), ..all.clone() },
            QueueAsk { search: Some("bo quist".into()), ..all },
        ]
    }

    #[test]
    fn it_answers_as_if_every_row_was_read_whatever_changes() {
        let mut world = World::new(11);
        world.name(1, "Ann");
        world.name(2, "Bo");
        for n in 0..120 {
            let row = world.any_row(n);
            world.put(row);
        }
        for round in 0..12_u128 {
            for ask in questions() {
                let model = world.model(&ask);
                let found = world.ask(&ask, From::Skip(0), usize::MAX);
                assert_eq!(found.rows, model, "{ask:?}");
                let (mut paged, mut from) = (Vec::new(), From::Skip(0));
                loop {
                    let page = world.ask(&ask, from, 7);
                    assert_eq!(page.total, model.len() as u64);
                    paged.extend(page.rows);
                    let Some(next) = page.next else { break };
                    from = From::After(next);
                }
                assert_eq!(paged, model);
                let skipped = world.ask(&ask, From::Skip(5), 3).rows;
                assert_eq!(skipped, model.iter().skip(5).take(3).copied().collect::<Vec<_>>());
                let any_state = world.model(&QueueAsk { statuses: vec![], ..ask.clone() });
                assert_eq!(found.counts.values().sum::<u64>(), any_state.len() as u64);
            }
            let row = world.any_row(round * 9);
            world.put(row);
            world.name(1 + round % 2, ["Ann", "Bo", "Cy"][(round % 3) as usize]);
        }
    }

    #[test]
    fn ready_rows_outside_batches_are_counted_whatever_is_asked() {
        let world = World::new(1);
        let ready = StagedRow { progress: Progress::Ready, ..row() };
        world.put(ready.clone());
        let other = StagedId(Uuid::from_u128(2));
        world.put(StagedRow { id: other, batch: Some(BatchId(Uuid::from_u128(7))), ..ready });
        let ask = QueueAsk { search: Some("nobody".into()), ..plain(QueueOrder::Received, true) };
        let found = world.ask(&ask, From::Skip(0), 10);
        assert_eq!((found.total, found.ready_outside_batches), (0, 1));
    }

    #[test]
    fn an_older_state_is_not_answered_from_a_newer_one_and_an_erasure_empties_it() {
        let world = World::new(1);
        world.put(row());
        let ask = plain(QueueOrder::Received, true);
        let old = world.store.snapshot().unwrap();
        world.put(StagedRow { id: StagedId(Uuid::from_u128(2)), ..row() });
        assert_eq!(world.ask(&ask, From::Skip(0), 10).total, 2);
        assert_eq!(world.queue.ask(&old.ledger(), &ask, From::Skip(0), 10).unwrap(), None);
        world.write(|changes| {
            changes.erase(SubjectKey::here(Object::GiftStaging, row().id.0), "asked for");
        });
        assert!(locked(&world.queue.kept).lines.is_empty());
        assert_eq!(world.ask(&ask, From::Skip(0), 10).rows, [StagedId(Uuid::from_u128(2))]);
    }
}
