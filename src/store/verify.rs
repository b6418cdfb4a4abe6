//! Proves the ledger: every live page of the file is the one its parent names, the hash chain is whole, every body is
//! the one its header names, and every derived table is what the journal says it must be.
//!
//! It runs beside a server that writes: it looks at the ledger in short snapshots, and what came in meanwhile is read
//! too before tables are compared. Derived tables are compared by sums over their rows, so that a large ledger needs
//! little memory; only where a sum differs is the table built anew to name the first difference.

mod tables;

use super::apply::genesis;
use super::codec::{Body, Entry, Link, LinkHasher, canonical, decode, decode_entry};
use super::derive::keys;
use super::error::StoreError;
use super::key;
use super::pages::{PageWalk, Step};
use super::reader::Reader;
use super::{Place, Snapshot, Store};
use crate::ground::journal::{Op, SubjectState};
use crate::ground::time::Instant;
use tables::{Sum, Sums, compare, pair};

/// Commits read from one snapshot at most, and entries after which it is let go.
const STRETCH_ENTRIES: u64 = 2_000;
/// Pages checked within one snapshot.
const STRETCH_PAGES: usize = 4_096;

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
    /// Pages of the file checked.
    pub pages: u64,
    /// The first thing that is not as it must be.
    pub fault: Option<String>,
}

/// A subject as the journal leaves it.
#[derive(Clone, Copy, Default)]
struct Known {
    /// Its newest entry; 0 before the first.
    seq: u64,
    state: Option<SubjectState>,
    /// The sum of its standing index keys.
    standing: Sum,
    /// Whether content of it was read.
    is_kept: bool,
}

/// How far the journal was read, and what the derived tables must hold.
struct Journal {
    commit: u64,
    seq: u64,
    link: [u8; 32],
    recorded: Instant,
    /// By subject; the first is never used.
    subjects: Vec<Known>,
    sums: Sums,
}

/// Why verification stopped.
enum Stop {
    Fault(String),
    Store(StoreError),
    /// Something that was read was erased meanwhile: what was summed up is no more.
    Again,
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            // Bytes that cannot be read as what they should be are what it looks for.
            StoreError::Corrupt { .. } | StoreError::Newer { .. } => Self::Fault(error.to_string()),
            other => Self::Store(other),
        }
    }
}

fn fault<T>(text: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Fault(text.into()))
}

/// Reads everything and compares. Blocks; may take seconds.
pub fn verify(store: &Store) -> Result<Verdict, StoreError> {
    loop {
        let mut verdict = Verdict::default();
        match proof(store, &mut verdict) {
            Ok(()) => return Ok(verdict),
            Err(Stop::Fault(fault)) => return Ok(Verdict { fault: Some(fault), ..verdict }),
            Err(Stop::Store(error)) => return Err(error),
            Err(Stop::Again) => {}
        }
    }
}

/// The first damaged page of a ledger's file, found without opening it: opening writes to it. For a file that no server
/// has.
pub fn damage(path: &std::path::Path) -> Result<Option<String>, StoreError> {
    let file = std::fs::File::open(path).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let mut walk = PageWalk::new();
    loop {
        match walk.step(&file, STRETCH_PAGES)? {
            Step::More => {}
            Step::Done { .. } => return Ok(None),
            Step::Fault(text) => return Ok(Some(text)),
        }
    }
}

fn proof(store: &Store, verdict: &mut Verdict) -> Result<(), Stop> {
    // Pages first: reading through damaged ones could say anything.
    verdict.pages = pages(store)?;
    let mut journal = Journal::begin(&store.snapshot()?)?;
    while journal.read_on(&store.snapshot()?, verdict)? {}
    compare(store, &mut journal, verdict)?;
    verdict.subjects = journal.subjects.len().saturating_sub(1) as u64;
    Ok(())
}

/// Every live page against the checksum its parent holds.
fn pages(store: &Store) -> Result<u64, Stop> {
    let mut walk = PageWalk::new();
    let mut step = |bytes: &dyn super::pages::Bytes| loop {
        // What is being read stays in place for as long as somebody reads.
        let reading = store.snapshot()?;
        let step = walk.step(bytes, STRETCH_PAGES)?;
        drop(reading);
        match step {
            Step::More => {}
            Step::Done { pages } => return Ok(pages),
            Step::Fault(text) => return fault(text),
        }
    };
    match store.place() {
        Place::Memory(disk) => step(disk),
        Place::File(path) => {
            let file = std::fs::File::open(path);
            step(&file.map_err(|error| StoreError::Unavailable(error.to_string()))?)
        }
    }
}

impl Journal {
    fn begin(snapshot: &Snapshot) -> Result<Self, Stop> {
        Ok(Self {
            commit: 0,
            seq: 0,
            link: genesis(&snapshot.tables.tables)?,
            recorded: Instant(i64::MIN),
            subjects: vec![Known::default()],
            sums: Sums::default(),
        })
    }

    /// Reads on, a stretch at a time; says whether there is more.
    fn read_on(&mut self, snapshot: &Snapshot, verdict: &mut Verdict) -> Result<bool, Stop> {
        let tables = &snapshot.tables.tables;
        let last_commit = tables.last_commit()?;
        let until = self.seq + STRETCH_ENTRIES;
        while self.commit < last_commit {
            self.commit_on(tables, verdict)?;
            if self.seq >= until {
                return Ok(true);
            }
        }
        let last = tables.last_seq()?;
        if last != self.seq {
            return fault(format!("the journal goes to entry {last}, the chain to {}", self.seq));
        }
        Ok(false)
    }

    fn commit_on(&mut self, tables: &impl Reader, verdict: &mut Verdict) -> Result<(), Stop> {
        let commit = self.commit + 1;
        let Some(value) = tables.link(commit)? else {
            return fault(format!("commit {commit} is missing"));
        };
        let link: Link = decode("chain link", &value)?;
        if link.previous != self.link || link.first != self.seq + 1 || link.last < link.first {
            return fault(format!("commit {commit} does not follow the one before it"));
        }
        let mut hasher = LinkHasher::new(self.link, link.first);
        for seq in link.first..=link.last {
            let Some(value) = tables.entry(seq)? else { return fault(format!("entry {seq} is missing")) };
            let entry = decode_entry(&value).map_err(|error| Stop::Fault(format!("entry {seq}: {error}")))?;
            hasher.entry(&canonical(&entry.header)?);
            if entry.header.recorded <= self.recorded {
                return fault(format!("entry {seq} is not later than the one before it"));
            }
            self.recorded = entry.header.recorded;
            self.take(seq, &entry)?;
            verdict.entries += 1;
            verdict.erased += u64::from(matches!(entry.body, Body::Erased { .. }));
        }
        if hasher.finish(link.last).hash != link.hash {
            return fault(format!("commit {commit}: the chain does not match its entries"));
        }
        (self.commit, self.seq, self.link) = (commit, link.last, link.hash);
        verdict.commits += 1;
        Ok(())
    }

    /// What follows from an entry.
    fn take(&mut self, seq: u64, entry: &Entry) -> Result<(), Stop> {
        let header = &entry.header;
        let number = header.subject.0;
        let Ok(index) = usize::try_from(number) else {
            return fault(format!("entry {seq}: subject {number}"));
        };
        if index == self.subjects.len() {
            self.subjects.push(Known::default());
            self.sums.subject_by_key.add(&key::subject(&header.key), number);
        }
        let Some(known) = self.subjects.get_mut(index).filter(|_| index > 0) else {
            return fault(format!("entry {seq} is about subject {number}, which comes later"));
        };
        if header.previous.unwrap_or(0) != known.seq {
            return fault(format!("entry {seq} does not name the entry before it of the same subject"));
        }
        if let Some(previous) = header.previous {
            self.sums.history.add(&pair(number, previous), 0);
            let superseded = key::superseded(header.key.connection, header.key.object).finish(previous);
            self.sums.index.add(&superseded, 0);
        }
        if header.op == Op::Erased && known.is_kept {
            return Err(Stop::Again);
        }
        known.is_kept |= entry.json().is_some();
        let (state, name) = (header.op.state_after(), &header.key);
        if known.state != Some(state) {
            if let Some(was) = known.state {
                *self.sums.counts.entry(key::count(name.connection, name.object, was)).or_default() -= 1;
            }
            *self.sums.counts.entry(key::count(name.connection, name.object, state)).or_default() += 1;
        }
        let keys = keys(header, entry.json())?;
        self.sums.index.take_away(&known.standing);
        known.standing = Sum::default();
        for key in keys.standing {
            known.standing.add(&key.finish(number, seq), 0);
        }
        self.sums.index.join(&known.standing);
        for key in keys.lasting {
            self.sums.index.add(&key.finish(number, seq), 0);
        }
        (known.seq, known.state) = (seq, Some(state));
        Ok(())
    }
}
