//! Rendered rows: what a record looks like in an answer, kept in memory within bounds and never on disk.
//!
//! A row is a projection of one entry, so that a list of now and one of a past moment use the same, and nothing ever
//! has to be made invalid but by an erasure.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::error::StoreError;
use super::ledger::{Ledger, Record};
use super::{AfterCommit, Written};
use crate::ground::id::{Seq, SubjectKey};
use crate::ground::journal::SubjectState;

/// Bytes of all rows together.
const BYTES_MAX: usize = 32 * 1024 * 1024;
/// What a row costs besides its text: keys, pointers, the list.
const ROW_BYTES: usize = 160;

/// One rendered record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Its text.
    pub text: Box<str>,
    /// Another record that the answer shows within it, rendered by itself.
    pub refers_to: Option<SubjectKey>,
}

/// The rows in memory.
pub struct Rows {
    kept: Mutex<Kept>,
    bytes_max: usize,
}

struct Kept {
    rows: LruCache<(&'static str, Seq), Arc<Rendered>>,
    bytes: usize,
    /// Erasures so far: a row that was made before one is not kept after it.
    erasures: u64,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rows")
    }
}

impl Default for Rows {
    fn default() -> Self {
        Self::bounded(BYTES_MAX)
    }
}

impl Rows {
    fn bounded(bytes_max: usize) -> Self {
        // The bound is on bytes; room for rows is taken as they come.
        Self { kept: Mutex::new(Kept { rows: LruCache::unbounded(), bytes: 0, erasures: 0 }), bytes_max }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Each change is one call, so that a panic leaves nothing half-done.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows of these entries as a projection of that name renders them, in their order; entries without a record
    /// are left out. A name always stands for the same `render`.
    pub fn rows(
        &self,
        ledger: &Ledger<'_>,
        projection: &'static str,
        entries: &[Seq],
        render: &dyn Fn(&Record<String>) -> Option<Rendered>,
    ) -> Result<Vec<Arc<Rendered>>, StoreError> {
        let mut found: Vec<Option<Arc<Rendered>>> = Vec::with_capacity(entries.len());
        let erasures = {
            let mut kept = self.kept();
            found.extend(entries.iter().map(|seq| kept.rows.get(&(projection, *seq)).cloned()));
            kept.erasures
        };
        for (row, seq) in found.iter_mut().zip(entries).filter(|(row, _)| row.is_none()) {
            let Some(record) = ledger.record_at(*seq)? else { continue };
            let Some(rendered) = render(&record).map(Arc::new) else { continue };
            self.keep(projection, *seq, &rendered, erasures);
            *row = Some(rendered);
        }
        Ok(found.into_iter().flatten().collect())
    }

    fn keep(&self, projection: &'static str, seq: Seq, row: &Arc<Rendered>, erasures: u64) {
        let mut kept = self.kept();
        if kept.erasures != erasures {
            return;
        }
        kept.bytes += row.text.len() + ROW_BYTES;
        if let Some(old) = kept.rows.put((projection, seq), Arc::clone(row)) {
            kept.bytes -= old.text.len() + ROW_BYTES;
        }
        while kept.bytes > self.bytes_max
            && let Some((_, old)) = kept.rows.pop_lru()
        {
            kept.bytes -= old.text.len() + ROW_BYTES;
        }
    }
}

impl AfterCommit for Rows {
    fn committed(&self, written: &[Written]) {
        if written.iter().any(|entry| entry.state == SubjectState::Erased) {
            let mut kept = self.kept();
            kept.erasures += 1;
            kept.rows.clear();
            kept.bytes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{cause, open, person};
    use super::super::{Changes, Store, disk::SimDisk};
    use super::*;

    fn filled(count: u128) -> Store {
        let store = open(&SimDisk::new());
        let written = store.write::<_, (), _>(move |_| {
            let mut changes = Changes::new(cause());
            for n in 0..count {
                changes.seen(person(n), format!("{{\"n\":{n}}}"), false, None);
            }
            Ok((changes, ()))
        });
        super::super::tests::block(written).unwrap();
        store
    }

    fn ask(
        rows: &Rows,
        store: &Store,
        entries: std::ops::RangeInclusive<u64>,
        renders: &mut u32,
    ) -> Vec<String> {
        let made = std::cell::Cell::new(0);
        let render = |record: &Record<String>| {
            made.set(made.get() + 1);
            Some(Rendered { text: format!("<{}>", record.value).into(), refers_to: None })
        };
        let entries: Vec<Seq> = entries.map(Seq).collect();
        let snapshot = store.snapshot().unwrap();
        let found = rows.rows(&snapshot.ledger(), "test", &entries, &render).unwrap();
        *renders = made.get();
        found.iter().map(|row| row.text.to_string()).collect()
    }

    #[test]
    fn a_row_is_rendered_once_and_within_bounds() {
        let store = filled(100);
        let (rows, mut made) = (Rows::bounded(50 * (ROW_BYTES + 10)), 0);
        assert_eq!(ask(&rows, &store, 1..=2, &mut made), ["<{\"n\":0}>", "<{\"n\":1}>"]);
        assert_eq!(made, 2);
        ask(&rows, &store, 1..=3, &mut made);
        assert_eq!(made, 1, "only the third is new");
        ask(&rows, &store, 1..=100, &mut made);
        let kept = rows.kept();
        assert!(kept.bytes <= rows.bytes_max && kept.rows.len() >= 40, "{} rows", kept.rows.len());
        let bytes: usize = kept.rows.iter().map(|(_, row)| row.text.len() + ROW_BYTES).sum();
        assert_eq!(kept.bytes, bytes);
        drop(kept);
        ask(&rows, &store, 1..=1, &mut made);
        assert_eq!(made, 1, "the oldest had to go");
    }

    #[test]
    fn an_erased_record_leaves_the_memory_too() {
        let store = filled(3);
        let rows = Arc::new(Rows::default());
        store.follow(Arc::<Rows>::clone(&rows));
        let mut made = 0;
        assert_eq!(ask(&rows, &store, 1..=3, &mut made).len(), 3);
        let erased = store.write::<_, (), _>(|_| {
            let mut changes = Changes::new(cause());
            changes.erase(person(1), "asked for");
            Ok((changes, ()))
        });
        super::super::tests::block(erased).unwrap();
        assert!(rows.kept().rows.is_empty());
        assert_eq!(ask(&rows, &store, 1..=3, &mut made), ["<{\"n\":0}>", "<{\"n\":2}>"]);
    }
}
