//! Search over the people of the mirror: tantivy for what is old, memory for what is new, one answer.
//!
//! Derived from the journal; can be deleted at any time while stopped. A person is findable as soon as the commit
//! is acknowledged, and never under what it was before. Only this floor names tantivy.

mod begins;
mod candidates;
mod doc;
mod index;
mod likely;
mod matching;
mod overlay;
mod query;
mod stretch;
mod text;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tantivy::{Searcher, TantivyError};

pub use index::Place;
pub use matching::{Alike, Judged, Matches, Who, donor_of, trust};

use crate::ground::id::{PersonId, Seq};
use crate::ground::journal::SubjectState;
use crate::ground::matching::learnt::Learnt;
use crate::store::{AfterCommit, Ledger, Store, StoreError, Written};
use begins::Begins;
use candidates::{Asked, Ranked};
use doc::{Doc, is_followed};
use index::{Mark, Shelf, Writer};
use overlay::{Newer, Overlay};
use query::Query;
use stretch::{Stretch, read};

/// With fewer answers than this, small mistakes are forgiven.
const FEW: usize = 5;

/// Why search has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The index failed. It is derived: stopping, deleting its folder and starting again mends it.
    #[error("the search index failed: {0}")]
    Index(String),
    /// The ledger failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TantivyError> for SearchError {
    fn from(error: TantivyError) -> Self {
        Self::Index(error.to_string())
    }
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Who, the best first.
    pub people: Vec<Hit>,
    /// How many changes of the journal are not looked at yet; 0 when the answer is complete.
    pub behind: u64,
}

/// One person of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Who.
    pub id: PersonId,
    /// How well the question fits; comparable within one answer only.
    pub score: u32,
}

/// How much at once.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Versions held in memory.
    held: usize,
    /// Entries read before search answers.
    fill: u64,
    /// Entries that an index with people in it may be behind; one further behind is made anew.
    scan: u64,
    /// Entries read from one snapshot.
    chunk: u64,
    /// Chunks of one piece of catching up.
    chunks: u32,
    /// Chunks of one piece that has far to go: each commit costs, and nobody waits for it.
    far_chunks: u32,
    /// Versions in memory from which catching up pays.
    worth: usize,
    /// Entries from which it pays, whatever they are about: they are read at the next start.
    worth_entries: u64,
}

impl Limits {
    const HOUSE: Self = Self {
        held: 20_000,
        fill: 20_000,
        scan: 200_000,
        chunk: 2_000,
        chunks: 5,
        far_chunks: 50,
        worth: 500,
        worth_entries: 5_000,
    };
}

/// The pair that a question takes together.
struct Now {
    searcher: Searcher,
    overlay: Overlay,
    /// All commits are heard of, so that one left out is noticed.
    listening: bool,
}

/// The search.
pub struct Search {
    place: Place,
    shelf: Shelf,
    now: Mutex<Now>,
    writer: Mutex<Option<Writer>>,
    idle: AtomicBool,
    /// Somebody was erased of whom the files may still hold words.
    purge: AtomicBool,
    limits: Limits,
    /// Subjects above this one are in no file: their numbers grow with the journal. The most there is where not known.
    highest: AtomicU64,
    /// What was learnt of the base last, by the entry that says so.
    learnt: Mutex<Option<(Seq, Arc<Learnt>)>>,
}

impl std::fmt::Debug for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Search({:?})", self.place)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change under these locks is made whole or leaves what only hides more.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Search {
    /// Opens the index, or begins a new one when it is missing, damaged, of another schema or of another journal;
    /// then follows the store. Reads what the index does not know, as far as memory for it goes.
    pub fn open(place: Place, store: &Store) -> Result<Arc<Self>, SearchError> {
        Self::open_with(place, store, Limits::HOUSE)
    }

    fn open_with(place: Place, store: &Store, limits: Limits) -> Result<Arc<Self>, SearchError> {
        let (shelf, seq, purge) = shelf(&place, store, limits)?;
        let now =
            Now { searcher: shelf.searcher(), overlay: Overlay::new(seq, limits.held), listening: false };
        let highest = if now.searcher.num_docs() == 0 { 0 } else { u64::MAX };
        let search = Arc::new(Self {
            highest: AtomicU64::new(highest),
            place,
            shelf,
            now: Mutex::new(now),
            writer: Mutex::default(),
            idle: AtomicBool::new(false),
            purge: AtomicBool::new(purge),
            limits,
            learnt: Mutex::default(),
        });
        // First follow, then read: what is committed in between is heard of twice rather than never.
        store.follow(Arc::<Self>::clone(&search));
        search.fill(store, seq)?;
        Ok(search)
    }

    /// Takes what the index does not know into the overlay.
    fn fill(&self, store: &Store, from: u64) -> Result<(), SearchError> {
        let last = store.snapshot()?.ledger().last_seq()?.0;
        // With people in the index every changed one must be hidden; without, there is nobody to hide.
        let all = lock(&self.now).searcher.num_docs() > 0;
        let until = if all { last } else { last.min(from.saturating_add(self.limits.fill)) };
        let mut at = from;
        while at < until {
            let stretch = read(store, at, self.limits.chunk.min(until - at))?;
            if stretch.read.seq == at {
                break;
            }
            at = stretch.read.seq;
            let mut now = lock(&self.now);
            for (subject, seq, doc) in stretch.people {
                now.overlay.note(subject, seq, doc);
            }
        }
        let mut now = lock(&self.now);
        if at < last {
            now.overlay.missed(at, last);
        }
        now.overlay.heard(last);
        now.listening = true;
        Ok(())
    }

    /// As [`Search::find`], and asks the ledger too where the question is an address or an id: those answer also for
    /// what the index has not seen yet. They come first.
    pub fn find_with(&self, ledger: &Ledger<'_>, text: &str, limit: usize) -> Result<Found, SearchError> {
        let mut found = self.find(text, limit)?;
        let exact = exact(ledger, text)?;
        found.people.retain(|hit| !exact.contains(&hit.id));
        let best = found.people.first().map_or(1, |hit| hit.score.saturating_add(1));
        let exact = exact.into_iter().map(|id| Hit { id, score: best });
        found.people.splice(0..0, exact);
        found.people.truncate(limit);
        Ok(found)
    }

    /// The people who answer a question best, in a fixed order. Any text is a question; one without letters or
    /// digits has no answer.
    pub fn find(&self, text: &str, limit: usize) -> Result<Found, SearchError> {
        let (searcher, newer, behind) = {
            let now = lock(&self.now);
            (now.searcher.clone(), now.overlay.newer(), now.overlay.behind())
        };
        let Some(query) = Query::read(text).filter(|_| limit > 0) else {
            return Ok(Found { people: Vec::new(), behind });
        };
        let ask = |fuzzy| {
            let asked = Asked { fields: &self.shelf.fields, query: &query, newer: &newer, fuzzy, limit };
            best(&searcher, &asked)
        };
        let mut people = ask(false)?;
        if people.len() < limit.min(FEW) && query.forgives() {
            people = ask(true)?;
        }
        let hit = |ranked: Ranked| Some(Hit { id: Doc::id_of(&ranked.key)?, score: ranked.score });
        Ok(Found { people: people.into_iter().filter_map(hit).collect(), behind })
    }

    /// One bounded piece of catching up: reads on in the journal, commits to the index, installs it and lets go of
    /// what it knows now. Says whether there is more. Blocks; a failure leaves everything as it was.
    pub fn catch_up(&self, store: &Store) -> Result<bool, SearchError> {
        let mut slot = lock(&self.writer);
        let done = self.piece(&mut slot, store);
        if done.is_err() {
            // What it holds is not committed; the next piece begins with a new one.
            *slot = None;
        }
        let more = done?;
        if !more {
            self.idle.store(false, Ordering::Relaxed);
        }
        Ok(more)
    }

    fn piece(&self, slot: &mut Option<Writer>, store: &Store) -> Result<bool, SearchError> {
        let from = lock(&self.now).overlay.passed_to();
        let mut stretch = read(store, from, self.limits.chunk)?;
        if stretch.read.seq == from {
            return if self.purge.load(Ordering::Relaxed) {
                self.purge(slot, store, from)
            } else {
                Ok(false)
            };
        }
        let mut erased = stretch.erased || self.purge.load(Ordering::Relaxed);
        let far = stretch.end - stretch.read.seq > self.limits.chunk * u64::from(self.limits.chunks) * 4;
        let writer = match slot {
            Some(writer) => writer,
            None => slot.insert(self.shelf.writer(far)?),
        };
        let most = if far { self.limits.far_chunks } else { self.limits.chunks };
        let mut chunks = 1;
        loop {
            let ends = stretch.read.seq >= stretch.end || chunks >= most;
            let next = self.put_while_reading(writer, &stretch, store, !ends)?;
            let Some(next) = next else { break };
            stretch = next;
            erased |= stretch.erased;
            chunks += 1;
        }
        // Noted with the same commit, so that a crash before the purge does not forget it.
        self.purge.store(erased, Ordering::Relaxed);
        writer.commit(&Mark { purge: erased, ..stretch.read })?;
        let searcher = self.shelf.install()?;
        let mut now = lock(&self.now);
        now.searcher = searcher;
        now.overlay.passed(stretch.read.seq);
        Ok(erased || stretch.read.seq < stretch.end)
    }

    /// Puts a stretch into the index, and reads the next one meanwhile.
    fn put_while_reading(
        &self,
        writer: &Writer,
        stretch: &Stretch,
        store: &Store,
        more: bool,
    ) -> Result<Option<Stretch>, SearchError> {
        let (from, many) = (stretch.read.seq, self.limits.chunk);
        std::thread::scope(|threads| {
            let reading = more.then(|| threads.spawn(move || read(store, from, many)));
            let mut highest = self.highest.load(Ordering::Relaxed);
            for (subject, _, doc) in &stretch.people {
                // What was never put is not to be deleted first.
                writer.put(*subject, doc.as_ref(), *subject <= highest)?;
                highest = highest.max(*subject);
            }
            self.highest.store(highest, Ordering::Relaxed);
            match reading.map(std::thread::ScopedJoinHandle::join) {
                None => Ok(None),
                Some(Ok(read)) => Ok(Some(read?)),
                Some(Err(_)) => Err(SearchError::Index("reading the journal panicked".into())),
            }
        })
    }

    /// Takes the words of erased people out of the files.
    fn purge(&self, slot: &mut Option<Writer>, store: &Store, seq: u64) -> Result<bool, SearchError> {
        // Ends what the writer merges in the background.
        *slot = None;
        let mut writer = self.shelf.bare_writer()?;
        writer.purge(&self.shelf)?;
        let hash = {
            let entry = store.snapshot()?.ledger().entry(Seq(seq))?;
            entry.map_or([0; 32], |entry| entry.header.body_hash)
        };
        writer.commit(&Mark { seq, hash, purge: false })?;
        let searcher = self.shelf.install()?;
        lock(&self.now).searcher = searcher;
        writer.sweep()?;
        self.purge.store(false, Ordering::Relaxed);
        Ok(false)
    }

    /// How many changes of the journal are not looked at yet; 0 in ordinary times.
    pub fn behind(&self) -> u64 {
        lock(&self.now).overlay.behind()
    }

    /// Whether [`Search::catch_up`] has something worth doing.
    pub fn wants_catch_up(&self) -> bool {
        let now = lock(&self.now);
        let (overlay, limits) = (&now.overlay, &self.limits);
        self.purge.load(Ordering::Relaxed)
            || overlay.len() > limits.worth
            || overlay.behind() > 0
            || overlay.lag() > limits.worth_entries
            || (overlay.lag() > 0 && self.idle.load(Ordering::Relaxed))
    }

    /// Nothing else is going on: from now until the index knows everything, catching up is worth it for anything.
    pub fn idle(&self) {
        self.idle.store(true, Ordering::Relaxed);
    }
}

impl AfterCommit for Search {
    fn committed(&self, written: &[Written]) {
        let (Some(first), Some(last)) = (written.first(), written.last()) else { return };
        let people = written.iter().filter(|entry| is_followed(&entry.key));
        let people: Vec<_> = people
            .map(|entry| (entry.subject.0, entry.seq, Doc::of(&entry.key, entry.state, &entry.json)))
            .collect();
        let mut now = lock(&self.now);
        let end = now.overlay.end();
        if now.listening && first.seq > end + 1 {
            // A commit that was reported as failed arrived all the same.
            now.overlay.missed(end, first.seq - 1);
        }
        now.overlay.heard(last.seq);
        if written.iter().any(|entry| is_followed(&entry.key) && entry.state == SubjectState::Erased) {
            self.purge.store(true, Ordering::Relaxed);
        }
        for (subject, seq, doc) in people {
            now.overlay.note(subject, seq, doc);
        }
    }
}

/// The index that is there if it can go on, or a new one; the entry up to which it knows everything; and whether words
/// of erased people are still to be taken out.
fn shelf(place: &Place, store: &Store, limits: Limits) -> Result<(Shelf, u64, bool), SearchError> {
    let Some((shelf, mark)) = Shelf::existing(place) else { return Ok((Shelf::create(place)?, 0, false)) };
    let (last, entry) = {
        let snapshot = store.snapshot()?;
        (snapshot.ledger().last_seq()?.0, snapshot.ledger().entry(Seq(mark.seq))?)
    };
    let same_journal = entry.is_some_and(|entry| entry.header.body_hash == mark.hash);
    let near = last.saturating_sub(mark.seq) <= limits.scan || shelf.searcher().num_docs() == 0;
    if same_journal && near {
        return Ok((shelf, mark.seq, mark.purge));
    }
    drop(shelf);
    Ok((Shelf::create(place)?, 0, false))
}

/// Live people whom the ledger knows under exactly this address or id.
fn exact(ledger: &Ledger<'_>, text: &str) -> Result<Vec<PersonId>, StoreError> {
    let text = text.trim();
    let people = match text.parse::<PersonId>() {
        Ok(id) => ledger.person(id)?.into_iter().collect(),
        Err(_) if text.contains('@') => ledger.people_by_email(text)?,
        Err(_) => Vec::new(),
    };
    Ok(people.into_iter().filter(|p| p.state == SubjectState::Live).map(|p| p.value.id).collect())
}

/// The best of those in the index and those in memory.
fn best(searcher: &Searcher, asked: &Asked<'_>) -> Result<Vec<Ranked>, SearchError> {
    let mut best = asked.search(searcher)?;
    best.extend(newest(asked.newer, asked.query, asked.fuzzy));
    best.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
    best.truncate(asked.limit);
    Ok(best)
}

/// Those in memory who answer.
fn newest(newer: &Newer, query: &Query, fuzzy: bool) -> impl Iterator<Item = Ranked> {
    let asked = Begins::asked(query);
    newer.held.values().filter_map(move |noted| {
        if !fuzzy && !noted.begins.may_answer(&asked) {
            return None;
        }
        let doc = noted.version.as_ref()?;
        let score = query.score(doc, fuzzy);
        (score > 0).then(|| Ranked { score, key: doc.key.clone() })
    })
}

#[cfg(test)]
mod tests;
