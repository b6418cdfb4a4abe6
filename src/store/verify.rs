//! Proves the ledger: the hash chain is whole, every body is the one its header names, and every derived table
//! is what the journal says it must be.

use std::collections::{BTreeMap, BTreeSet};

use redb::ReadableTable;

use super::apply::{NEXT_SUBJECT, genesis};
use super::codec::{Body, Entry, Link, LinkHasher, decode, decode_entry, split_entry};
use super::derive::index_keys;
use super::error::StoreError;
use super::key;
use super::reader::Reader;
use super::{Snapshot, Store};
use crate::ground::journal::SubjectState;
use crate::ground::time::Instant;

/// What verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Journal entries read.
    pub entries: u64,
    /// Commits read.
    pub commits: u64,
    /// Subjects found.
    pub subjects: u64,
    /// Entries whose content was erased.
    pub erased: u64,
    /// The first thing that is not as it must be.
    pub fault: Option<String>,
}

/// What the journal says the derived tables must hold.
#[derive(Default)]
struct Rebuilt {
    current: BTreeMap<u64, u64>,
    history: BTreeSet<(u64, u64)>,
    subjects: BTreeMap<Vec<u8>, u64>,
    index: BTreeMap<Vec<u8>, u64>,
    summary: BTreeMap<Vec<u8>, i64>,
    /// What each subject put into the index, to be taken out again by its next entry.
    keys: BTreeMap<u64, (Vec<Vec<u8>>, SubjectState)>,
}

/// Reads the whole journal and compares.
pub fn verify(store: &Store) -> Result<Verdict, StoreError> {
    let snapshot = store.snapshot()?;
    let mut verdict = Verdict::default();
    let mut rebuilt = Rebuilt::default();
    verdict.fault = read_journal(&snapshot, &mut verdict, &mut rebuilt)?;
    if verdict.fault.is_none() {
        verdict.subjects = rebuilt.current.len() as u64;
        verdict.fault = compare(&snapshot, &rebuilt)?;
    }
    Ok(verdict)
}

fn read_journal(
    snapshot: &Snapshot,
    verdict: &mut Verdict,
    rebuilt: &mut Rebuilt,
) -> Result<Option<String>, StoreError> {
    let tables = &snapshot.tables.tables;
    let last = tables.last_seq()?;
    let mut previous = genesis(tables)?;
    let mut recorded = Instant(i64::MIN);
    let mut next = 1;
    for commit in 1..=tables.last_commit()? {
        let Some(value) = tables.link(commit)? else {
            return Ok(Some(format!("commit {commit} is missing")));
        };
        let link: Link = decode("chain link", &value)?;
        if link.previous != previous || link.first != next || link.last < link.first {
            return Ok(Some(format!("commit {commit} does not follow the one before it")));
        }
        let mut hasher = LinkHasher::new(previous, link.first);
        for seq in link.first..=link.last {
            let Some(value) = tables.entry(seq)? else { return Ok(Some(format!("entry {seq} is missing"))) };
            let entry = match decode_entry(&value) {
                Ok(entry) => entry,
                Err(error) => return Ok(Some(format!("entry {seq}: {error}"))),
            };
            hasher.entry(split_entry(&value)?.0);
            if entry.header.recorded <= recorded {
                return Ok(Some(format!("entry {seq} is not later than the one before it")));
            }
            recorded = entry.header.recorded;
            if let Some(fault) = rebuilt.take(seq, &entry)? {
                return Ok(Some(fault));
            }
            verdict.entries += 1;
            verdict.erased += u64::from(matches!(entry.body, Body::Erased { .. }));
        }
        if hasher.finish(link.last).hash != link.hash {
            return Ok(Some(format!("commit {commit}: the chain does not match its entries")));
        }
        previous = link.hash;
        next = link.last + 1;
        verdict.commits += 1;
    }
    Ok((next != last + 1).then(|| format!("the journal goes to entry {last}, the chain to {}", next - 1)))
}

impl Rebuilt {
    fn take(&mut self, seq: u64, entry: &Entry) -> Result<Option<String>, StoreError> {
        let header = &entry.header;
        let subject = header.subject.0;
        if header.previous != self.current.get(&subject).copied() {
            return Ok(Some(format!("entry {seq} does not name the entry before it of the same subject")));
        }
        self.current.insert(subject, seq);
        self.history.insert((subject, seq));
        self.subjects.insert(key::subject(&header.key), subject);
        let state = header.op.state_after();
        let keys = match &entry.body {
            Body::Kept { image, .. } => index_keys(header, seq, image.json())?,
            Body::Erased { .. } => Vec::new(),
        };
        let name = &header.key;
        if let Some((old_keys, old_state)) = self.keys.insert(subject, (keys.clone(), state)) {
            for old in old_keys {
                self.index.remove(&old);
            }
            *self.summary.entry(key::count(name.connection, name.object, old_state)).or_default() -= 1;
        }
        for new in keys {
            self.index.insert(new, subject);
        }
        *self.summary.entry(key::count(name.connection, name.object, state)).or_default() += 1;
        Ok(None)
    }
}

fn compare(snapshot: &Snapshot, rebuilt: &Rebuilt) -> Result<Option<String>, StoreError> {
    let tables = &snapshot.tables.tables;
    let next: u64 = tables.meta(NEXT_SUBJECT)?.map_or(Ok(1), |bytes| decode("next subject", &bytes))?;
    if rebuilt.current.last_key_value().is_some_and(|(last, _)| *last >= next) {
        return Ok(Some(format!("the next subject would be {next}, which is taken")));
    }
    let current = tables.current.iter()?.map(|item| item.map(|(k, v)| (k.value(), v.value())));
    if let Some(fault) = first_difference("current", &rebuilt.current, current)? {
        return Ok(Some(fault));
    }
    let history = tables.history.iter()?.map(|item| item.map(|(k, _)| (k.value(), 0)));
    if let Some(fault) =
        first_difference("history", &rebuilt.history.iter().map(|pair| (*pair, 0)).collect(), history)?
    {
        return Ok(Some(fault));
    }
    let subjects =
        tables.subject_by_key.iter()?.map(|item| item.map(|(k, v)| (k.value().to_vec(), v.value())));
    if let Some(fault) = first_difference("subject_by_key", &rebuilt.subjects, subjects)? {
        return Ok(Some(fault));
    }
    let index = tables.index.iter()?.map(|item| item.map(|(k, v)| (k.value().to_vec(), v.value())));
    if let Some(fault) = first_difference("index", &rebuilt.index, index)? {
        return Ok(Some(fault));
    }
    // A counter that fell to zero may stand or be absent.
    let counted: BTreeMap<_, _> =
        rebuilt.summary.iter().filter(|(_, n)| **n != 0).map(|(k, n)| (k.clone(), *n)).collect();
    let summary = tables.summary.iter()?.map(|item| item.map(|(k, v)| (k.value().to_vec(), v.value())));
    let summary = summary.filter(|item| !matches!(item, Ok((_, 0))));
    first_difference("summary", &counted, summary)
}

fn first_difference<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    table: &str,
    must: &BTreeMap<K, V>,
    is: impl Iterator<Item = Result<(K, V), redb::StorageError>>,
) -> Result<Option<String>, StoreError> {
    let mut must = must.iter();
    for item in is {
        let (key, value) = item?;
        match must.next() {
            Some((k, v)) if *k == key && *v == value => {}
            Some((k, _)) => return Ok(Some(format!("table {table} differs from the journal at {k:?}"))),
            None => return Ok(Some(format!("table {table} holds {key:?}, which the journal does not know"))),
        }
    }
    Ok(must.next().map(|(key, _)| format!("table {table} lacks {key:?}")))
}
