//! The derived tables against what the journal says: by sums over all rows, and row by row where a sum differs.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use redb::ReadableTable;

use super::super::Store;
use super::super::codec::decode_entry;
use super::super::derive::keys;
use super::super::error::StoreError;
use super::super::key;
use super::super::reader::{Order, Reader, SnapshotTables};
use super::super::young::{index_rows, subject_rows};
use super::{Journal, Stop, Verdict, fault};

/// Rows summed up in one snapshot.
const STRETCH_ROWS: usize = 400_000;
/// How often a table is summed up anew because something was written meanwhile, before one long look is taken.
const TRIES: u32 = 20;

/// A sum over rows that does not depend on their order: rows can be taken away again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    rows: u64,
    hashes: u128,
}

impl Sum {
    fn hash(key: &[u8], value: u64) -> u128 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&value.to_be_bytes());
        hasher.update(key);
        hasher.finalize().as_bytes().first_chunk().map_or(0, |first| u128::from_be_bytes(*first))
    }

    pub(super) fn add(&mut self, key: &[u8], value: u64) {
        self.rows = self.rows.wrapping_add(1);
        self.hashes = self.hashes.wrapping_add(Self::hash(key, value));
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.rows = self.rows.wrapping_add(other.rows);
        self.hashes = self.hashes.wrapping_add(other.hashes);
    }

    pub(super) fn take_away(&mut self, other: &Self) {
        self.rows = self.rows.wrapping_sub(other.rows);
        self.hashes = self.hashes.wrapping_sub(other.hashes);
    }
}

/// What the derived tables must add up to.
#[derive(Default)]
pub(super) struct Sums {
    pub(super) subject_by_key: Sum,
    pub(super) history: Sum,
    pub(super) index: Sum,
    pub(super) counts: HashMap<Vec<u8>, i64>,
}

/// The key of a row of the history.
pub(super) fn pair(subject: u64, seq: u64) -> [u8; 16] {
    ((u128::from(subject) << 64) | u128::from(seq)).to_be_bytes()
}

fn last_number(key: &[u8]) -> u64 {
    key.last_chunk().map_or(0, |last| u64::from_be_bytes(*last))
}

type Rows<'t> = Box<dyn Iterator<Item = Result<(Vec<u8>, u64), StoreError>> + 't>;

/// A derived table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Derived {
    Current,
    History,
    SubjectByKey,
    Index,
}

impl Derived {
    const ALL: [Self; 4] = [Self::Current, Self::History, Self::SubjectByKey, Self::Index];

    const fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::History => "history",
            Self::SubjectByKey => "subject_by_key",
            Self::Index => "index",
        }
    }

    /// Sums up rows from just past `after`; answers where it stopped, or nothing at the end.
    fn sum(
        self,
        tables: &SnapshotTables,
        after: Option<&[u8]>,
        sum: &mut Sum,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut rows = 0;
        for row in self.rows(tables, after)? {
            let (key, value) = row?;
            sum.add(&key, value);
            rows += 1;
            if rows == STRETCH_ROWS {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// The rows from just past `after`, as a key and a number.
    fn rows<'t>(self, tables: &'t SnapshotTables, after: Option<&[u8]>) -> Result<Rows<'t>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(match self {
            Self::Current => {
                let from = after.map_or(0, |after| last_number(after) + 1);
                Box::new(tables.current.range(from..)?.map(|row| {
                    let (subject, seq) = row?;
                    Ok((subject.value().to_be_bytes().to_vec(), seq.value()))
                }))
            }
            Self::History => {
                let subject =
                    after.and_then(<[u8]>::first_chunk).map_or(0, |first| u64::from_be_bytes(*first));
                let seq = after.map_or(0, |after| last_number(after) + 1);
                Box::new(tables.history.range((subject, seq)..)?.map(|row| {
                    let (subject, seq) = row?.0.value();
                    Ok((pair(subject, seq).to_vec(), 0))
                }))
            }
            Self::SubjectByKey => {
                Box::new(subject_rows(&tables.subject_by_key, &tables.subject_young, from)?)
            }
            Self::Index => {
                index_rows(&tables.index, &tables.index_young, (from, Bound::Unbounded), Order::Up)?
            }
        })
    }

    /// What the rows must add up to.
    fn expected(self, journal: &Journal) -> Sum {
        match self {
            Self::Current => {
                let mut sum = Sum::default();
                for (subject, known) in journal.subjects.iter().enumerate().skip(1) {
                    sum.add(&(subject as u64).to_be_bytes(), known.seq);
                }
                sum
            }
            Self::History => journal.sums.history,
            Self::SubjectByKey => journal.sums.subject_by_key,
            Self::Index => journal.sums.index,
        }
    }
}

/// Compares every derived table; reads on in the journal where something was written meanwhile.
pub(super) fn compare(store: &Store, journal: &mut Journal, verdict: &mut Verdict) -> Result<(), Stop> {
    for table in Derived::ALL {
        let is = add_up(store, table, journal, verdict)?;
        if is != table.expected(journal) {
            return fault(first_difference(store, table)?);
        }
    }
    counters(store, journal, verdict)
}

/// The sum of a table in a state that the journal was read up to.
fn add_up(store: &Store, table: Derived, journal: &mut Journal, verdict: &mut Verdict) -> Result<Sum, Stop> {
    for tried in 0.. {
        let mut snapshot = store.snapshot()?;
        while journal.read_on(&snapshot, verdict)? {}
        let (mut sum, mut after) = (Sum::default(), None::<Vec<u8>>);
        loop {
            after = table.sum(&snapshot.tables.tables, after.as_deref(), &mut sum)?;
            if after.is_none() {
                return Ok(sum);
            }
            if tried < TRIES {
                // Let go of the pages; when something was written meanwhile, this sum is of two states.
                snapshot = store.snapshot()?;
                if snapshot.ledger().last_seq()?.0 != journal.seq {
                    break;
                }
            }
        }
    }
    Ok(Sum::default())
}

fn counters(store: &Store, journal: &mut Journal, verdict: &mut Verdict) -> Result<(), Stop> {
    let snapshot = store.snapshot()?;
    while journal.read_on(&snapshot, verdict)? {}
    let tables = &snapshot.tables.tables;
    // A counter that fell to zero may stand or be absent.
    let mut must: BTreeMap<&[u8], i64> =
        journal.sums.counts.iter().filter(|(_, n)| **n != 0).map(|(k, n)| (k.as_slice(), *n)).collect();
    for row in tables.summary.iter().map_err(StoreError::from)? {
        let (key, value) = row.map_err(StoreError::from)?;
        if must.remove(key.value()).unwrap_or(0) != value.value() {
            return fault(format!("table summary differs from the journal at {:?}", key.value()));
        }
    }
    match must.into_keys().next() {
        Some(key) => fault(format!("table summary lacks {key:?}")),
        None => Ok(()),
    }
}

/// Builds a table anew from the journal and names where the stored one leaves it. In one look, since it is taken only
/// when something is wrong.
fn first_difference(store: &Store, table: Derived) -> Result<String, StoreError> {
    let snapshot = store.snapshot()?;
    let tables = &snapshot.tables.tables;
    let must = rebuilt(tables, table)?;
    let mut must = must.iter();
    let name = table.name();
    for row in table.rows(tables, None)? {
        let (key, value) = row?;
        match must.next() {
            Some((k, v)) if *k == key && *v == value => {}
            Some((k, _)) => return Ok(format!("table {name} differs from the journal at {k:?}")),
            None => return Ok(format!("table {name} holds {key:?}, which the journal does not know")),
        }
    }
    Ok(must.next().map_or_else(
        || format!("table {name} does not add up to what the journal says"),
        |(key, _)| format!("table {name} lacks {key:?}"),
    ))
}

fn rebuilt(tables: &SnapshotTables, table: Derived) -> Result<BTreeMap<Vec<u8>, u64>, StoreError> {
    let mut rows = BTreeMap::new();
    let mut standing: HashMap<u64, Vec<Vec<u8>>> = HashMap::new();
    for seq in 1..=tables.last_seq()? {
        let Some(value) = tables.entry(seq)? else { continue };
        let entry = decode_entry(&value)?;
        let subject = entry.header.subject.0;
        match table {
            Derived::Current => drop(rows.insert(subject.to_be_bytes().to_vec(), seq)),
            Derived::SubjectByKey => drop(rows.insert(key::subject(&entry.header.key), subject)),
            Derived::History => {
                if let Some(previous) = entry.header.previous {
                    rows.insert(pair(subject, previous).to_vec(), 0);
                }
            }
            Derived::Index => {
                let keys = keys(&entry.header, entry.json())?;
                let superseded = key::superseded(entry.header.key.connection, entry.header.key.object);
                rows.extend(entry.header.previous.map(|previous| (superseded.finish(previous), 0)));
                rows.extend(keys.lasting.into_iter().map(|key| (key.finish(subject, seq), 0)));
                let new: Vec<_> = keys.standing.into_iter().map(|key| key.finish(subject, seq)).collect();
                rows.extend(new.iter().map(|key| (key.clone(), 0)));
                for old in standing.insert(subject, new).unwrap_or_default() {
                    rows.remove(&old);
                }
            }
        }
    }
    Ok(rows)
}
