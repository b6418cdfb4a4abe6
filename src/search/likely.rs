//! Who may be the same person: the people and waiting rows that share the rarest keys with somebody.
//!
//! One question over all keys at once, the rarest first: each key gives whoever has it a weight that grows with how rare it
//! is, and reading ends as soon as enough was read. A key that thousands share tells nothing that a rarer one does not.

use std::sync::Arc;

use tantivy::postings::TermInfo;
use tantivy::schema::IndexRecordOption;
use tantivy::{InvertedIndexReader, Searcher, TantivyError, Term};

use super::index::{Fields, SUBJECT};
use super::overlay::Newer;
use crate::ground::id::SubjectId;
use crate::ground::matching::keys::Key;

/// Documents that share a key and are still looked at, once somebody was found by rarer keys.
const SHARED_MAX: u32 = 400;
/// Documents looked at for one question, unless nobody was found yet.
const LOOKED_AT_MAX: u32 = 1_200;
/// Documents of a key that are looked at in any case.
const KEY_MAX: usize = 5_000;

/// One question.
pub(super) struct Likely<'a> {
    pub(super) fields: &'a Fields,
    pub(super) newer: &'a Newer,
    /// In order, each once.
    pub(super) keys: &'a [Key],
    pub(super) limit: usize,
}

/// A key with where it stands.
struct Known {
    key: Key,
    shared: u32,
    /// By number of the segment.
    places: Vec<(usize, TermInfo)>,
}

impl Likely<'_> {
    /// Those who share most, the best first, in a fixed order.
    pub(super) fn search(&self, searcher: &Searcher) -> Result<Vec<SubjectId>, TantivyError> {
        let segments = searcher.segment_readers().iter();
        let readers = segments.map(|segment| segment.inverted_index(self.fields.alike));
        let readers = readers.collect::<Result<Vec<_>, _>>()?;
        let mut known =
            self.keys.iter().map(|key| self.known(*key, &readers)).collect::<Result<Vec<_>, _>>()?;
        known.sort_by_key(|known| (known.shared, known.key));
        let all = searcher.num_docs();
        let mut weighed = Vec::new();
        let mut looked_at = 0;
        for key in &known {
            let enough = key.shared > SHARED_MAX || looked_at + key.shared > LOOKED_AT_MAX;
            if enough && !weighed.is_empty() {
                break;
            }
            let weight = weight(all, key.shared);
            for (segment, info) in &key.places {
                read(&readers[*segment], info, |doc| weighed.push((*segment, doc, weight)))?;
            }
            looked_at += key.shared;
        }
        let mut best = self.best(searcher, weighed)?;
        best.extend(self.newest(&known, all));
        best.sort_unstable_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(&right.0)));
        best.truncate(self.limit);
        Ok(best.into_iter().map(|(subject, _)| SubjectId(subject)).collect())
    }

    fn known(&self, key: Key, readers: &[Arc<InvertedIndexReader>]) -> Result<Known, TantivyError> {
        let term = Term::from_field_u64(self.fields.alike, key);
        let mut known = Known { key, shared: 0, places: Vec::new() };
        for (segment, reader) in readers.iter().enumerate() {
            if let Some(info) = reader.get_term_info(&term)? {
                known.shared += info.doc_freq;
                known.places.push((segment, info));
            }
        }
        Ok(known)
    }

    /// Adds up what each document shares, and takes the best whose version in the index is not out of date.
    fn best(
        &self,
        searcher: &Searcher,
        mut weighed: Vec<(usize, u32, u32)>,
    ) -> Result<Vec<(u64, u32)>, TantivyError> {
        weighed.sort_unstable();
        let mut sums: Vec<(u32, usize, u32)> = Vec::with_capacity(weighed.len());
        for same in weighed.chunk_by(|left, right| (left.0, left.1) == (right.0, right.1)) {
            sums.push((same.iter().map(|(_, _, weight)| weight).sum(), same[0].0, same[0].1));
        }
        sums.sort_unstable_by(|left, right| right.cmp(left));
        let mut best = Vec::with_capacity(self.limit);
        for (sum, segment, doc) in sums {
            if best.len() >= self.limit {
                break;
            }
            let segment = &searcher.segment_readers()[segment];
            let alive = segment.alive_bitset().is_none_or(|alive| alive.is_alive(doc));
            let subject = segment.fast_fields().u64(SUBJECT)?.first(doc);
            if let Some(subject) = subject.filter(|subject| alive && !self.newer.hides(*subject)) {
                best.push((subject, sum));
            }
        }
        Ok(best)
    }

    /// Those in memory who share a key, by all their keys.
    fn newest(&self, known: &[Known], all: u64) -> Vec<(u64, u32)> {
        let mut found = Vec::new();
        for (subject, noted) in self.newer.held.iter() {
            let Some(doc) = &noted.version else { continue };
            let shared = known.iter().filter(|known| doc.alike.binary_search(&known.key).is_ok());
            let sum: u32 = shared.map(|known| weight(all, known.shared)).sum();
            if sum > 0 {
                found.push((*subject, sum));
            }
        }
        found
    }
}

/// What sharing a key with so many of all is worth: the number of binary digits of how rare it is.
const fn weight(all: u64, shared: u32) -> u32 {
    let shared = if shared == 0 { 1 } else { shared as u64 };
    match (all / shared).checked_ilog2() {
        Some(digits) => digits + 1,
        None => 1,
    }
}

fn read(
    index: &InvertedIndexReader,
    info: &TermInfo,
    mut visit: impl FnMut(u32),
) -> Result<(), TantivyError> {
    let mut postings = index.read_block_postings_from_terminfo(info, IndexRecordOption::Basic)?;
    let mut left = KEY_MAX;
    while !postings.docs().is_empty() && left > 0 {
        postings.docs().iter().take(left).for_each(|doc| visit(*doc));
        left = left.saturating_sub(postings.docs().len());
        postings.advance();
    }
    Ok(())
}
