//! Reads on in the journal: who was touched, and what they are now.

use std::collections::BTreeSet;

use super::doc::{Doc, is_followed};
use super::index::Mark;
use crate::ground::id::Seq;
use crate::ground::journal::Op;
use crate::store::{Store, StoreError};

/// What changed in a stretch of the journal, as it is now.
pub(super) struct Stretch {
    /// Subjects with the entry that made them what they are.
    pub(super) people: Vec<(u64, u64, Option<Doc>)>,
    /// The last entry read.
    pub(super) read: Mark,
    /// The last entry there is.
    pub(super) end: u64,
    /// Whether somebody was erased in it.
    pub(super) erased: bool,
}

/// Reads at most `many` entries after `from`, and of each person touched what it is now: an entry further on may
/// have changed it again, and what the index shows must not be older than what was asked of it last.
pub(super) fn read(store: &Store, from: u64, many: u64) -> Result<Stretch, StoreError> {
    let snapshot = store.snapshot()?;
    let ledger = snapshot.ledger();
    let end = ledger.last_seq()?.0;
    let until = end.min(from.saturating_add(many));
    let mut stretch = Stretch {
        people: Vec::new(),
        read: Mark { seq: from, hash: [0; 32], purge: false },
        end,
        erased: false,
    };
    let mut touched = BTreeSet::new();
    for seq in from.saturating_add(1)..=until {
        let Some(entry) = ledger.entry(Seq(seq))? else { break };
        stretch.read = Mark { seq, hash: entry.header.body_hash, purge: false };
        if is_followed(&entry.header.key) {
            touched.insert(entry.header.subject);
            stretch.erased |= entry.header.op == Op::Erased;
        }
    }
    for subject in touched {
        // Without a record it was erased: then it is as new as anything.
        let (seq, doc) = match ledger.record(subject)? {
            Some(record) => (record.seq.0, Doc::of(&record.key, record.state, &record.value)),
            None => (end, None),
        };
        stretch.people.push((subject.0, seq, doc));
    }
    Ok(stretch)
}
