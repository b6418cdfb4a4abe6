//! Reading tables: the same reads inside a write (through its open tables) and outside (through a snapshot).

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, Table, WriteTransaction};

use super::error::StoreError;
use super::key::Prefix;
use super::open::Opened;
use super::{tables, young};

/// In which order a range is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Ascending.
    Up,
    /// Descending.
    Down,
}

type IndexVisit<'v> = dyn FnMut(&[u8]) -> ControlFlow<()> + 'v;
type SubjectVisit<'v> = dyn FnMut(&[u8], u64) -> ControlFlow<()> + 'v;
type BytesVisit<'v> = dyn FnMut(&[u8], &[u8]) -> Result<(), StoreError> + 'v;

/// Reads of every table. Values are copied out, so that nothing outlives a table.
pub(super) trait Reader {
    fn entry(&self, seq: u64) -> Result<Option<Vec<u8>>, StoreError>;
    fn last_seq(&self) -> Result<u64, StoreError>;
    fn link(&self, commit: u64) -> Result<Option<Vec<u8>>, StoreError>;
    fn last_commit(&self) -> Result<u64, StoreError>;
    fn current(&self, subject: u64) -> Result<Option<u64>, StoreError>;
    fn last_subject(&self) -> Result<u64, StoreError>;
    fn subject(&self, key: &[u8]) -> Result<Option<u64>, StoreError>;
    /// Walks the names of subjects from `first` to `last`, both included, in their order, until told to stop.
    fn subjects(&self, first: &[u8], last: &[u8], visit: &mut SubjectVisit<'_>) -> Result<(), StoreError>;
    fn history(&self, subject: u64, before: u64, limit: usize) -> Result<Vec<u64>, StoreError>;
    /// Walks index keys with this prefix, from just past `after` when given.
    fn index(
        &self,
        prefix: &Prefix,
        after: Option<&[u8]>,
        order: Order,
        visit: &mut IndexVisit<'_>,
    ) -> Result<(), StoreError>;
    fn working(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
    fn working_range(&self, prefix: &Prefix, visit: &mut BytesVisit<'_>) -> Result<(), StoreError> {
        self.working_some(prefix, usize::MAX, visit)
    }
    /// Walks at most `limit` working rows with this prefix.
    fn working_some(
        &self,
        prefix: &Prefix,
        limit: usize,
        visit: &mut BytesVisit<'_>,
    ) -> Result<(), StoreError>;
    fn summary(&self, key: &[u8]) -> Result<i64, StoreError>;
    fn secret(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;
    fn any_secret(&self) -> Result<bool, StoreError>;
    fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;
}

/// The tables of a write transaction, open for as long as its group lasts.
pub(super) struct OpenTables<'t> {
    pub(super) meta: Table<'t, &'static str, &'static [u8]>,
    pub(super) journal: Table<'t, u64, &'static [u8]>,
    pub(super) commits: Table<'t, u64, &'static [u8]>,
    pub(super) current: Table<'t, u64, u64>,
    pub(super) history: Table<'t, (u64, u64), ()>,
    pub(super) subject_by_key: Table<'t, &'static [u8], u64>,
    pub(super) subject_young: Table<'t, &'static [u8], u64>,
    pub(super) index: Table<'t, &'static [u8], ()>,
    pub(super) index_young: Table<'t, &'static [u8], u8>,
    pub(super) summary: Table<'t, &'static [u8], i64>,
    pub(super) working: Table<'t, &'static [u8], &'static [u8]>,
    pub(super) secrets: Table<'t, &'static str, &'static [u8]>,
    /// Counters as they will be; stored once at the end of the group.
    counts: BTreeMap<Vec<u8>, i64>,
}

/// The tables of a read transaction.
pub(super) struct SnapshotTables {
    pub(super) meta: ReadOnlyTable<&'static str, &'static [u8]>,
    pub(super) journal: ReadOnlyTable<u64, &'static [u8]>,
    pub(super) commits: ReadOnlyTable<u64, &'static [u8]>,
    pub(super) current: ReadOnlyTable<u64, u64>,
    pub(super) history: ReadOnlyTable<(u64, u64), ()>,
    pub(super) subject_by_key: ReadOnlyTable<&'static [u8], u64>,
    pub(super) subject_young: ReadOnlyTable<&'static [u8], u64>,
    pub(super) index: ReadOnlyTable<&'static [u8], ()>,
    pub(super) index_young: ReadOnlyTable<&'static [u8], u8>,
    pub(super) summary: ReadOnlyTable<&'static [u8], i64>,
    pub(super) working: ReadOnlyTable<&'static [u8], &'static [u8]>,
    pub(super) secrets: ReadOnlyTable<&'static str, &'static [u8]>,
}

macro_rules! open_tables {
    ($tx:expr $(, $more:ident)?) => {
        Self {
            $($more: Default::default(),)?
            meta: $tx.open_table(tables::META)?,
            journal: $tx.open_table(tables::JOURNAL)?,
            commits: $tx.open_table(tables::COMMITS)?,
            current: $tx.open_table(tables::CURRENT)?,
            history: $tx.open_table(tables::HISTORY)?,
            subject_by_key: $tx.open_table(tables::SUBJECT_BY_KEY)?,
            subject_young: $tx.open_table(tables::SUBJECT_YOUNG)?,
            index: $tx.open_table(tables::INDEX)?,
            index_young: $tx.open_table(tables::INDEX_YOUNG)?,
            summary: $tx.open_table(tables::SUMMARY)?,
            working: $tx.open_table(tables::WORKING)?,
            secrets: $tx.open_table(tables::SECRETS)?,
        }
    };
}

impl<'t> OpenTables<'t> {
    pub(super) fn open(tx: &'t WriteTransaction) -> Result<Self, StoreError> {
        Ok(open_tables!(tx, counts))
    }

    /// Changes a counter.
    pub(super) fn count(&mut self, key: Vec<u8>, delta: i64) {
        *self.counts.entry(key).or_default() += delta;
    }

    fn pending(&self, key: &[u8]) -> i64 {
        self.counts.get(key).copied().unwrap_or_default()
    }

    /// Stores the counters.
    pub(super) fn store_counts(&mut self) -> Result<(), StoreError> {
        for (key, delta) in std::mem::take(&mut self.counts) {
            let count = self.summary(&key)? + delta;
            self.summary.insert(key.as_slice(), count)?;
        }
        Ok(())
    }
}

impl SnapshotTables {
    #[expect(clippy::unused_self, reason = "the same reads as inside a write, where counters may be pending")]
    const fn pending(&self, _: &[u8]) -> i64 {
        0
    }

    pub(super) fn open(tx: &ReadTransaction) -> Result<Self, StoreError> {
        Ok(open_tables!(tx))
    }
}

fn walk_index(
    table: &impl ReadableTable<&'static [u8], ()>,
    young: &impl ReadableTable<&'static [u8], u8>,
    (prefix, after, order): (&Prefix, Option<&[u8]>, Order),
    visit: &mut IndexVisit<'_>,
) -> Result<(), StoreError> {
    use std::ops::Bound;
    let end = prefix.end();
    let upper_of_prefix = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let lower_of_prefix = Bound::Included(prefix.0.as_slice());
    let (lower, upper) = match (after, order) {
        (None, _) => (lower_of_prefix, upper_of_prefix),
        (Some(after), Order::Up) => (Bound::Excluded(after), upper_of_prefix),
        (Some(after), Order::Down) => (lower_of_prefix, Bound::Excluded(after)),
    };
    if young::is_scattered(&prefix.0) {
        for row in young::index_rows(table, young, (lower, upper), order)? {
            if visit(&row?.0).is_break() {
                break;
            }
        }
        return Ok(());
    }
    let mut range = table.range::<&[u8]>((lower, upper))?;
    loop {
        let next = match order {
            Order::Up => range.next(),
            Order::Down => range.next_back(),
        };
        let Some(item) = next else { return Ok(()) };
        if visit(item?.0.value()).is_break() {
            return Ok(());
        }
    }
}

/// Names that came lately stand in a small table of their own; both are walked at once.
fn walk_subjects(
    old: &impl ReadableTable<&'static [u8], u64>,
    young: &impl ReadableTable<&'static [u8], u64>,
    (first, last): (&[u8], &[u8]),
    visit: &mut SubjectVisit<'_>,
) -> Result<(), StoreError> {
    let (mut old, mut young) = (old.range::<&[u8]>(first..=last)?, young.range::<&[u8]>(first..=last)?);
    let (mut next_old, mut next_young) = (old.next().transpose()?, young.next().transpose()?);
    loop {
        let old_first = match (&next_old, &next_young) {
            (None, None) => return Ok(()),
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some((one, _)), Some((other, _))) => one.value() < other.value(),
        };
        let (next, more) = if old_first {
            (next_old.take(), old.next().transpose()?)
        } else {
            (next_young.take(), young.next().transpose()?)
        };
        if let Some((key, subject)) = next
            && visit(key.value(), subject.value()).is_break()
        {
            return Ok(());
        }
        if old_first { next_old = more } else { next_young = more }
    }
}

macro_rules! impl_reader {
    ($type:ty) => {
        impl Reader for $type {
            fn entry(&self, seq: u64) -> Result<Option<Vec<u8>>, StoreError> {
                Ok(self.journal.get(seq)?.map(|guard| guard.value().to_vec()))
            }

            fn last_seq(&self) -> Result<u64, StoreError> {
                Ok(self.journal.last()?.map_or(0, |(seq, _)| seq.value()))
            }

            fn link(&self, commit: u64) -> Result<Option<Vec<u8>>, StoreError> {
                Ok(self.commits.get(commit)?.map(|guard| guard.value().to_vec()))
            }

            fn last_commit(&self) -> Result<u64, StoreError> {
                Ok(self.commits.last()?.map_or(0, |(commit, _)| commit.value()))
            }

            fn current(&self, subject: u64) -> Result<Option<u64>, StoreError> {
                Ok(self.current.get(subject)?.map(|guard| guard.value()))
            }

            fn last_subject(&self) -> Result<u64, StoreError> {
                Ok(self.current.last()?.map_or(0, |(subject, _)| subject.value()))
            }

            fn subject(&self, key: &[u8]) -> Result<Option<u64>, StoreError> {
                if let Some(young) = self.subject_young.get(key)? {
                    return Ok(Some(young.value()));
                }
                Ok(self.subject_by_key.get(key)?.map(|guard| guard.value()))
            }

            fn subjects(
                &self,
                first: &[u8],
                last: &[u8],
                visit: &mut SubjectVisit<'_>,
            ) -> Result<(), StoreError> {
                walk_subjects(&self.subject_by_key, &self.subject_young, (first, last), visit)
            }

            fn history(&self, subject: u64, before: u64, limit: usize) -> Result<Vec<u64>, StoreError> {
                let newest = Reader::current(self, subject)?.filter(|seq| *seq < before);
                let range = self.history.range((subject, 0)..(subject, before))?;
                let older = range.rev().map(|item| Ok(item?.0.value().1));
                newest.map(Ok).into_iter().chain(older).take(limit).collect()
            }

            fn index(
                &self,
                prefix: &Prefix,
                after: Option<&[u8]>,
                order: Order,
                visit: &mut IndexVisit<'_>,
            ) -> Result<(), StoreError> {
                walk_index(&self.index, &self.index_young, (prefix, after, order), visit)
            }

            fn working(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
                Ok(self.working.get(key)?.map(|guard| guard.value().to_vec()))
            }

            fn working_some(
                &self,
                prefix: &Prefix,
                limit: usize,
                visit: &mut BytesVisit<'_>,
            ) -> Result<(), StoreError> {
                for item in self.working.range::<&[u8]>(prefix.0.as_slice()..)?.take(limit) {
                    let (key, value) = item?;
                    if !key.value().starts_with(&prefix.0) {
                        break;
                    }
                    visit(key.value(), value.value())?;
                }
                Ok(())
            }

            fn summary(&self, key: &[u8]) -> Result<i64, StoreError> {
                Ok(self.summary.get(key)?.map_or(0, |guard| guard.value()) + self.pending(key))
            }

            fn secret(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
                Ok(self.secrets.get(name)?.map(|guard| guard.value().to_vec()))
            }

            fn any_secret(&self) -> Result<bool, StoreError> {
                Ok(self.secrets.first()?.is_some())
            }

            fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
                Ok(self.meta.get(name)?.map(|guard| guard.value().to_vec()))
            }
        }
    };
}

impl_reader!(OpenTables<'_>);
impl_reader!(SnapshotTables);

/// The tables of a snapshot, with an eye on their disk: the first read that fails is remembered.
pub(super) struct Watched {
    pub(super) tables: SnapshotTables,
    pub(super) failed: Arc<AtomicBool>,
    pub(super) memo: Memo,
    /// The database below, where it was replaced while this state is still read.
    pub(super) replaced: OnceLock<Arc<Opened>>,
}

/// What was worked out of one committed state; gone with it.
#[derive(Default)]
pub(super) struct Memo(Mutex<HashMap<(&'static str, Vec<u8>), Known>>);

/// A value of whatever type.
type Known = Arc<dyn Any + Send + Sync>;

impl Memo {
    /// Things kept at most; more are worked out anew each time.
    const MOST: usize = 4_096;

    pub(super) fn get<T: Any + Send + Sync>(&self, kind: &'static str, key: &[u8]) -> Option<Arc<T>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::downcast(Arc::clone(kept.get(&(kind, key.to_vec()))?)).ok()
    }

    pub(super) fn put<T: Any + Send + Sync>(&self, kind: &'static str, key: &[u8], value: &Arc<T>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < Self::MOST {
            kept.insert((kind, key.to_vec()), Arc::<T>::clone(value));
        }
    }
}

impl Watched {
    /// Reads. The database below panics on some kinds of damaged pages; for whoever reads that is an error like others.
    pub(super) fn noted<T>(&self, read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let read = catch_unwind(AssertUnwindSafe(read))
            .unwrap_or_else(|_| Err(StoreError::corrupt("a damaged page; run `almoner verify`,", 0)));
        if matches!(read, Err(StoreError::Unavailable(_))) {
            self.failed.store(true, Ordering::SeqCst);
        }
        read
    }
}

impl Reader for Watched {
    fn entry(&self, seq: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.noted(|| self.tables.entry(seq))
    }

    fn last_seq(&self) -> Result<u64, StoreError> {
        self.noted(|| self.tables.last_seq())
    }

    fn link(&self, commit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.noted(|| self.tables.link(commit))
    }

    fn last_commit(&self) -> Result<u64, StoreError> {
        self.noted(|| self.tables.last_commit())
    }

    fn current(&self, subject: u64) -> Result<Option<u64>, StoreError> {
        self.noted(|| self.tables.current(subject))
    }

    fn last_subject(&self) -> Result<u64, StoreError> {
        self.noted(|| self.tables.last_subject())
    }

    fn subject(&self, key: &[u8]) -> Result<Option<u64>, StoreError> {
        self.noted(|| self.tables.subject(key))
    }

    fn subjects(&self, first: &[u8], last: &[u8], visit: &mut SubjectVisit<'_>) -> Result<(), StoreError> {
        self.noted(|| self.tables.subjects(first, last, visit))
    }

    fn history(&self, subject: u64, before: u64, limit: usize) -> Result<Vec<u64>, StoreError> {
        self.noted(|| self.tables.history(subject, before, limit))
    }

    fn index(
        &self,
        prefix: &Prefix,
        after: Option<&[u8]>,
        order: Order,
        visit: &mut IndexVisit<'_>,
    ) -> Result<(), StoreError> {
        self.noted(|| self.tables.index(prefix, after, order, visit))
    }

    fn working(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.noted(|| self.tables.working(key))
    }

    fn working_some(
        &self,
        prefix: &Prefix,
        limit: usize,
        visit: &mut BytesVisit<'_>,
    ) -> Result<(), StoreError> {
        self.noted(|| self.tables.working_some(prefix, limit, visit))
    }

    fn summary(&self, key: &[u8]) -> Result<i64, StoreError> {
        self.noted(|| self.tables.summary(key))
    }

    fn secret(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.noted(|| self.tables.secret(name))
    }

    fn any_secret(&self) -> Result<bool, StoreError> {
        self.noted(|| self.tables.any_secret())
    }

    fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.noted(|| self.tables.meta(name))
    }
}
