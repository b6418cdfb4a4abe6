//! Lists of mirrored records by what they hold: the values that were asked for, side by side in memory, so that a filter
//! or an order over 200,000 records opens none of them.
//!
//! A shelf holds one object's values and follows the journal: before it answers it takes in what changed since. The first
//! question about a field reads the object through once, in stretches. Nothing of it is on disk, and an erasure empties it.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use serde_json::Value;
use uuid::Uuid;

use super::codec::{Body, Image};
use super::error::StoreError;
use super::key;
use super::ledger::{Ledger, Record};
use super::parts::part;
use super::reader::Order;
use super::{AfterCommit, Written};
use crate::ground::id::{ConnectionId, Object, PersonId, Seq, SubjectKey};
use crate::ground::journal::SubjectState;
use crate::ground::listing::{Cell, Column, Form, Listing, Mark};

/// Entries read in one go; then others get their turn.
const STRETCH: usize = 2_000;
/// Values of one record kept at most; one more, and only those that are asked for now stay.
const COLUMNS_MAX: usize = 12;
/// Lists kept in their order.
const LISTS_MAX: NonZeroUsize = NonZeroUsize::new(4).expect("four is not zero");
/// Ids looked at in one go while a page in the order of ids fills.
const IDS: usize = 256;

/// Which page of a list.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Records after this one.
    pub after: Option<Mark>,
    /// Records before this one, the nearest of them.
    pub before: Option<Mark>,
    /// How many.
    pub limit: usize,
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picked {
    /// The records' newest entries, in the order of the list.
    pub entries: Vec<Seq>,
    /// How many records the whole list has.
    pub total: u64,
    /// Where the first and the last one stand.
    pub ends: Option<(Mark, Mark)>,
    /// Whether there are more beyond this page, in the direction that was asked for.
    pub more: bool,
}

/// The values of one record.
struct Row {
    seq: Seq,
    deleted: bool,
    cells: Box<[Cell]>,
}

/// The values of one object's records.
struct Shelf {
    columns: Vec<Column>,
    /// Everything up to this entry is in it.
    upto: u64,
    rows: BTreeMap<Uuid, Row>,
    lists: LruCache<String, Arc<[Uuid]>>,
}

/// The shelves of all objects.
#[derive(Default)]
pub struct Shelves {
    kept: Mutex<HashMap<Object, Arc<Mutex<Shelf>>>>,
    /// The last entry that erased something: what was read before it is not taken in.
    erased_at: Mutex<u64>,
}

impl std::fmt::Debug for Shelves {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shelves")
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic in between leaves at worst rows that are read again.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shelves {
    /// A page of the mirrored records of an object. None: there is more to read first than fits in one go, or `ledger`
    /// is older than what is here; ask again with a new snapshot.
    pub fn pick(
        &self,
        ledger: &Ledger<'_>,
        object: Object,
        listing: &Listing,
        window: &Window,
    ) -> Result<Option<Picked>, StoreError> {
        if listing.filter.is_none() && listing.order.is_empty() && window.before.is_none() {
            return by_id(ledger, object, window).map(Some);
        }
        if let Some(few) = few(ledger, object, listing)? {
            return Ok(Some(page_of_few(listing, &few, window)));
        }
        let kept = Arc::clone(locked(&self.kept).entry(object).or_default());
        let mut rows = locked(&kept);
        let last = ledger.last_seq()?.0;
        if last < rows.upto || last < *locked(&self.erased_at) {
            return Ok(None);
        }
        rows.hold(&listing.columns);
        if !rows.catch_up(ledger, object, last)? {
            return Ok(None);
        }
        Ok(Some(rows.page(listing, window)))
    }
}

impl AfterCommit for Shelves {
    fn committed(&self, written: &[Written]) {
        let erased = written.iter().filter(|entry| entry.state == SubjectState::Erased);
        if let Some(last) = erased.map(|entry| entry.seq).max() {
            *locked(&self.erased_at) = last;
            locked(&self.kept).clear();
        }
    }
}

impl Default for Shelf {
    fn default() -> Self {
        Self { columns: Vec::new(), upto: 0, rows: BTreeMap::new(), lists: LruCache::new(LISTS_MAX) }
    }
}

impl Shelf {
    /// Makes room for these values. New ones are read with the rest from the beginning.
    fn hold(&mut self, wanted: &[Column]) {
        let new: Vec<Column> =
            wanted.iter().filter(|column| !self.columns.contains(column)).cloned().collect();
        if new.is_empty() {
            return;
        }
        if self.columns.len() + new.len() > COLUMNS_MAX {
            self.columns = wanted.to_vec();
        } else {
            self.columns.extend(new);
        }
        (self.upto, self.rows) = (0, BTreeMap::new());
        self.lists.clear();
    }

    /// Takes in what changed up to the entry `last`, or a stretch of it; true when that was all.
    fn catch_up(&mut self, ledger: &Ledger<'_>, object: Object, last: u64) -> Result<bool, StoreError> {
        if self.upto == last {
            return Ok(true);
        }
        let (mut changed, mut more) = (Vec::new(), false);
        for state in SubjectState::ALL {
            let prefix = key::newest(ConnectionId::TWENTY, object, state).prefix();
            let after = [prefix.0.as_slice(), &key::end(self.upto)].concat();
            let (seqs, next) = ledger.led_to(&prefix, Some(&after), Order::Up, STRETCH)?;
            more |= next.is_some();
            changed.extend(seqs);
        }
        changed.sort_unstable();
        more |= changed.len() > STRETCH;
        changed.truncate(STRETCH);
        if !changed.is_empty() {
            self.lists.clear();
        }
        for seq in &changed {
            self.take_in(ledger, Seq(*seq))?;
        }
        self.upto = if more { changed.last().copied().unwrap_or(last) } else { last };
        Ok(!more)
    }

    fn take_in(&mut self, ledger: &Ledger<'_>, seq: Seq) -> Result<(), StoreError> {
        let Some(entry) = ledger.entry(seq)? else { return Ok(()) };
        let Some(id) = entry.header.key.uuid() else { return Ok(()) };
        let state = entry.header.op.state_after();
        match (state, entry.body) {
            (SubjectState::Live | SubjectState::Deleted, Body::Kept { image: Image::Json(json), .. }) => {
                let cells = cells(&self.columns, &json);
                self.rows.insert(id, Row { seq, deleted: state == SubjectState::Deleted, cells });
            }
            _ => {
                self.rows.remove(&id);
            }
        }
        Ok(())
    }

    fn page(&mut self, listing: &Listing, window: &Window) -> Picked {
        // Where the columns of the question stand among those that are kept.
        let places: Vec<usize> = listing
            .columns
            .iter()
            .filter_map(|wanted| self.columns.iter().position(|column| column == wanted))
            .collect();
        let own = |row: &Row| -> Vec<Cell> { places.iter().map(|place| row.cells[*place].clone()).collect() };
        let name = format!("{listing:?}");
        let kept = self.lists.get(&name).cloned();
        let ids = kept.unwrap_or_else(|| {
            let wanted = self.rows.iter().filter(|(_, row)| listing.holds(&own(row), row.deleted));
            let mut ids: Vec<Uuid> = wanted.map(|(id, _)| *id).collect();
            if !listing.order.is_empty() {
                let mark = |id: &Uuid| listing.mark(&self.rows.get(id).map(&own).unwrap_or_default(), *id);
                let mut marks: Vec<Mark> = ids.iter().map(mark).collect();
                marks.sort_by(|one, other| listing.compare(one, other));
                ids = marks.into_iter().map(|(_, id)| id).collect();
            }
            let ids: Arc<[Uuid]> = ids.into();
            self.lists.put(name, Arc::clone(&ids));
            ids
        });
        let mark = |id: &Uuid| listing.mark(&self.rows.get(id).map(&own).unwrap_or_default(), *id);
        let (from, to, more) = bounds(listing, &ids, &mark, window);
        let page = &ids[from..to];
        Picked {
            entries: page.iter().filter_map(|id| self.rows.get(id).map(|row| row.seq)).collect(),
            total: ids.len() as u64,
            ends: page.first().zip(page.last()).map(|(first, last)| (mark(first), mark(last))),
            more,
        }
    }
}

/// The part of an ordered list that a page shows, and whether there is more beyond it.
fn bounds<T>(
    listing: &Listing,
    items: &[T],
    mark: &impl Fn(&T) -> Mark,
    window: &Window,
) -> (usize, usize, bool) {
    let first_past = |place: &Mark| items.partition_point(|item| listing.compare(&mark(item), place).is_le());
    let first_at = |place: &Mark| items.partition_point(|item| listing.compare(&mark(item), place).is_lt());
    match (&window.after, &window.before) {
        (_, Some(before)) => {
            let to = first_at(before);
            let from = to.saturating_sub(window.limit);
            (from, to, from > 0)
        }
        (after, None) => {
            let from = after.as_ref().map_or(0, first_past);
            let to = from.saturating_add(window.limit).min(items.len());
            (from, to, to < items.len())
        }
    }
}

/// The values of a record.
fn cells(columns: &[Column], json: &str) -> Box<[Cell]> {
    if columns.is_empty() {
        return Box::default();
    }
    let record: Value = serde_json::from_str(json).unwrap_or(Value::Null);
    columns.iter().map(|column| cell_of(column.form, part(&record, &column.path))).collect()
}

/// The value as lists compare it; one that does not read as its form counts as none.
pub fn cell_of(form: Form, value: &Value) -> Cell {
    let told = match value {
        Value::Null => None,
        Value::String(text) => form.cell(text),
        Value::Number(number) => form.cell(&number.to_string()),
        Value::Bool(truth) => form.cell(if *truth { "true" } else { "false" }),
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) if matches!(form, Form::Choices | Form::List) => {
            Some(Cell::Several(items.iter().filter_map(Value::as_str).map(Box::from).collect()))
        }
        other => form.cell(&other.to_string()),
    };
    told.unwrap_or_default()
}

/// A page in the order of ids, which is the order in which the store knows them.
fn by_id(ledger: &Ledger<'_>, object: Object, window: &Window) -> Result<Picked, StoreError> {
    let mut entries = Vec::new();
    let mut ids = Vec::new();
    let mut after = window.after.as_ref().map(|(_, id)| *id);
    let more = loop {
        let names = ledger.first_ids(ConnectionId::TWENTY, object, (after, None), IDS)?;
        let ended = names.len() < IDS;
        after = names.last().map(|(id, _)| *id);
        let mut full = false;
        for (id, subject) in names {
            let head = ledger.head(subject)?.filter(|head| head.state == SubjectState::Live);
            let Some(head) = head else { continue };
            full = ids.len() == window.limit;
            if full {
                break;
            }
            entries.push(head.seq);
            ids.push(id);
        }
        if full || ended {
            break full;
        }
    };
    let mark = |id: &Uuid| (Vec::new(), *id);
    Ok(Picked {
        entries,
        total: ledger.object_count(ConnectionId::TWENTY, object, SubjectState::Live)?,
        ends: ids.first().zip(ids.last()).map(|(first, last)| (mark(first), mark(last))),
        more,
    })
}

/// The records that can be in a list at all, where that is known without a look at every one: ids that are named, a
/// donor's gifts.
fn few(
    ledger: &Ledger<'_>,
    object: Object,
    listing: &Listing,
) -> Result<Option<Vec<(Mark, Seq)>>, StoreError> {
    let ids = |path: &str| -> Option<Vec<Uuid>> {
        let ids = listing
            .only(path)?
            .iter()
            .filter_map(|cell| if let Cell::Id(id) = cell { Some(*id) } else { None });
        Some(ids.collect())
    };
    let mut records: Vec<Record<String>> = Vec::new();
    if let Some(mut ids) = ids("id") {
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            let subject = ledger.subject(&SubjectKey::twenty(object, id))?;
            records.extend(subject.map_or(Ok(None), |subject| ledger.record(subject))?);
        }
    } else if let Some(donors) = ids("donorId").filter(|donors| object == Object::Gifts && donors.len() == 1)
    {
        for donor in donors {
            let mut after: Option<Vec<u8>> = None;
            loop {
                // A page looks at so many entries at most, and then goes on with the next one.
                let page = ledger.gifts_of(PersonId(donor), after.as_deref(), STRETCH)?;
                records.extend(page.items);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
    } else {
        return Ok(None);
    }
    let mut few = Vec::new();
    for record in records {
        let deleted = record.state == SubjectState::Deleted;
        let cells = cells(&listing.columns, &record.value);
        let Some(id) = record.key.uuid() else { continue };
        if (deleted || record.state == SubjectState::Live) && listing.holds(&cells, deleted) {
            few.push((listing.mark(&cells, id), record.seq));
        }
    }
    few.sort_by(|one, other| listing.compare(&one.0, &other.0));
    Ok(Some(few))
}

fn page_of_few(listing: &Listing, few: &[(Mark, Seq)], window: &Window) -> Picked {
    let (from, to, more) = bounds(listing, few, &|(mark, _)| mark.clone(), window);
    let total = few.len() as u64;
    let page = &few[from..to];
    Picked {
        entries: page.iter().map(|(_, seq)| *seq).collect(),
        total,
        ends: page.first().zip(page.last()).map(|(first, last)| (first.0.clone(), last.0.clone())),
        more,
    }
}

#[cfg(test)]
mod tests {
    use super::super::disk::SimDisk;
    use super::super::tests::{block, cause, open};
    use super::super::{Changes, Store};
    use super::*;
    use crate::ground::workspace::{ObjectSchema, Schema};

    fn schema() -> ObjectSchema {
        let schema = Schema::of(&[("appeals", &["id", "name", "targetSolicitedCount", "deletedAt"])]);
        schema.objects.get("appeals").cloned().unwrap()
    }

    fn name(n: u128) -> SubjectKey {
        SubjectKey::twenty(Object::Appeals, Uuid::from_u128(n))
    }

    fn put(store: &Store, records: Vec<(u128, String, bool)>) {
        let written = store.write::<_, (), _>(move |_| {
            let mut changes = Changes::new(cause());
            for (n, json, deleted) in records {
                changes.seen(name(n), json, deleted, None);
            }
            Ok((changes, ()))
        });
        block(written).unwrap();
    }

    fn appeal(n: u128, count: u32) -> (u128, String, bool) {
        let deleted = n.is_multiple_of(10);
        let deleted_at = if deleted { "\"2026-11-20T00:00:00.000Z\"" } else { "null" };
        let json = format!(
            "{{\"id\":\"{}\",\"name\":\"Appeal {n}\",\"targetSolicitedCount\":{count},\"deletedAt\":{deleted_at}}}",
            Uuid::from_u128(n)
        );
        (n, json, deleted)
    }

    /// The numbers of the records on a page, the size of the list, and whether there is more.
    fn ask(shelves: &Shelves, store: &Store, listing: &Listing, window: &Window) -> (Vec<u128>, u64, bool) {
        for _ in 0..100 {
            let snapshot = store.snapshot().unwrap();
            let Some(picked) = shelves.pick(&snapshot.ledger(), Object::Appeals, listing, window).unwrap()
            else {
                continue;
            };
            let records =
                picked.entries.iter().map(|seq| snapshot.ledger().record_at(*seq).unwrap().unwrap());
            let ids = records.map(|record| record.key.uuid().unwrap().as_u128()).collect();
            return (ids, picked.total, picked.more);
        }
        panic!("it never catches up");
    }

    fn window(limit: usize) -> Window {
        Window { limit, ..Window::default() }
    }

    #[test]
    fn every_order_pages_through_everything_once_both_ways() {
        let store = open(&SimDisk::new());
        put(&store, (1..=57).map(|n| appeal(n, u32::try_from(n * 7 % 5).unwrap())).collect());
        let shelves = Shelves::default();
        let read = |filter, order| Listing::read(&schema(), filter, order).unwrap();
        for listing in [
            read(None, None),
            read(None, Some("targetSolicitedCount[DescNullsLast]")),
            read(Some("targetSolicitedCount[gte]:2"), Some("name")),
            read(Some("or(deletedAt[is]:NULL,deletedAt[is]:NOT_NULL)"), None),
        ] {
            let all = ask(&shelves, &store, &listing, &window(1_000)).0;
            let (mut forward, mut place) = (Vec::new(), window(7));
            loop {
                let snapshot = store.snapshot().unwrap();
                let page =
                    shelves.pick(&snapshot.ledger(), Object::Appeals, &listing, &place).unwrap().unwrap();
                let (ids, total, more) = ask(&shelves, &store, &listing, &place);
                assert_eq!(total, all.len() as u64);
                forward.extend(ids);
                place.after = page.ends.map(|(_, last)| last);
                if !more {
                    break;
                }
            }
            assert_eq!(forward, all, "{listing:?}");
            let snapshot = store.snapshot().unwrap();
            let last =
                shelves.pick(&snapshot.ledger(), Object::Appeals, &listing, &window(1_000)).unwrap().unwrap();
            let before = Window { before: last.ends.map(|(_, last)| last), after: None, limit: 5 };
            let (ids, _, more) = ask(&shelves, &store, &listing, &before);
            assert_eq!((ids, more), (all[all.len() - 6..all.len() - 1].to_vec(), true));
        }
    }

    #[test]
    fn a_shelf_follows_what_changes_and_forgets_what_is_erased() {
        let store = open(&SimDisk::new());
        put(&store, (1..=5_000).map(|n| appeal(n, 1)).collect());
        let shelves = Shelves::default();
        let listing = Listing::read(&schema(), Some("targetSolicitedCount[eq]:2"), None).unwrap();
        let first = shelves
            .pick(&store.snapshot().unwrap().ledger(), Object::Appeals, &listing, &window(10))
            .unwrap();
        assert_eq!(first, None, "5,000 are more than one stretch");
        assert_eq!(ask(&shelves, &store, &listing, &window(10)), (vec![], 0, false));
        let old = store.snapshot().unwrap();
        put(&store, vec![appeal(7, 2), appeal(3, 2), appeal(20, 2)]);
        assert_eq!(ask(&shelves, &store, &listing, &window(10)), (vec![3, 7], 2, false), "20 is in the bin");
        let stale = shelves.pick(&old.ledger(), Object::Appeals, &listing, &window(10)).unwrap();
        assert_eq!(stale, None, "an older state is not answered from a newer one");
        put(&store, vec![appeal(7, 1)]);
        assert_eq!(ask(&shelves, &store, &listing, &window(10)), (vec![3], 1, false));
        let shelves = Arc::new(shelves);
        store.follow(Arc::<Shelves>::clone(&shelves));
        let erased = store.write::<_, (), _>(|_| {
            let mut changes = Changes::new(cause());
            changes.erase(name(3), "asked for");
            Ok((changes, ()))
        });
        block(erased).unwrap();
        assert!(locked(&shelves.kept).is_empty());
        assert_eq!(ask(&shelves, &store, &listing, &window(10)), (vec![], 0, false));
    }
}
