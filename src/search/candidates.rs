//! Asks the index: which terms a word may mean, who has them, and who answers every word best.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tantivy::postings::TermInfo;
use tantivy::query::FuzzyTermQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::{InvertedIndexReader, Searcher, SegmentReader, TantivyError, Term};

use super::index::{Fields, KEY, SUBJECT};
use super::overlay::Newer;
use super::query::{Group, Kind, Query, Spelling, WHOLE_NAME, Word, both};

/// Somebody who answers, and by what to order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranked {
    /// How well.
    pub(super) score: u32,
    /// Name and id.
    pub(super) key: String,
}

impl Ranked {
    /// Sorts the best first.
    pub(super) fn order(&self) -> (Reverse<u32>, &str) {
        (Reverse(self.score), &self.key)
    }
}

/// What a word may mean among the terms of a kind.
struct Meant<'a> {
    index: &'a InvertedIndexReader,
    word: &'a Word,
    kind: Kind,
}

impl Meant<'_> {
    /// Gives everybody who has the term what it is worth.
    fn weigh(
        &self,
        term: &[u8],
        info: &TermInfo,
        fuzzy: bool,
        scores: &mut Scores,
    ) -> Result<(), TantivyError> {
        let weight = self.word.weigh(self.kind, &String::from_utf8_lossy(term), fuzzy);
        if weight == 0 {
            return Ok(());
        }
        each_doc(self.index, info, |doc| scores[doc] = scores[doc].max(weight))
    }
}

/// One question to the index.
pub(super) struct Asked<'a> {
    pub(super) fields: &'a Fields,
    pub(super) query: &'a Query,
    pub(super) newer: &'a Newer,
    /// Whether small mistakes are forgiven.
    pub(super) fuzzy: bool,
    pub(super) limit: usize,
}

type Scores = Vec<u32>;

impl Asked<'_> {
    /// The best `limit` of each segment, save those whose version there is out of date.
    pub(super) fn search(&self, searcher: &Searcher) -> Result<Vec<Ranked>, TantivyError> {
        let mut found = Vec::new();
        for segment in searcher.segment_readers() {
            let scores = self.scores(segment)?;
            self.best(segment, &scores, &mut found)?;
        }
        Ok(found)
    }

    /// The score of each document; 0 where a word is not answered.
    fn scores(&self, segment: &SegmentReader) -> Result<Scores, TantivyError> {
        let mut total: Option<Scores> = None;
        for group in &self.query.groups {
            total = Some(combined(total, self.group(segment, group)?));
        }
        let mut total = total.unwrap_or_default();
        let whole = segment.inverted_index(self.fields.whole)?;
        let mut named = vec![false; total.len()];
        for text in &self.query.whole {
            if let Some(info) = whole.terms().get(text)? {
                each_doc(&whole, &info, |doc| named[doc] = true)?;
            }
        }
        for (score, named) in total.iter_mut().zip(named) {
            *score += if named && *score > 0 { WHOLE_NAME } else { 0 };
        }
        Ok(total)
    }

    fn group(&self, segment: &SegmentReader, group: &Group) -> Result<Scores, TantivyError> {
        let mut sum: Option<Scores> = None;
        for word in &group.parts {
            sum = Some(combined(sum, self.word(segment, word)?));
        }
        let mut sum = sum.unwrap_or_default();
        if let Some(joined) = &group.joined {
            let weight = group.joined_weight();
            for (score, joined) in sum.iter_mut().zip(self.word(segment, joined)?) {
                *score = (*score).max(joined * weight);
            }
        }
        Ok(sum)
    }

    fn word(&self, segment: &SegmentReader, word: &Word) -> Result<Scores, TantivyError> {
        let mut scores = vec![0; segment.max_doc() as usize];
        for kind in Kind::ALL {
            let meant = Meant { index: &*segment.inverted_index(self.fields.of(kind))?, word, kind };
            for spelling in &word.0 {
                let forgiven = self.fuzzy && kind.forgives() && spelling.reach > 0;
                let beginning = if forgiven && spelling.typing { spelling.initial() } else { &spelling.text };
                self.beginning(&meant, beginning, &mut scores)?;
                if forgiven {
                    self.mistaken(&meant, spelling, &mut scores)?;
                }
            }
        }
        Ok(scores)
    }

    /// Terms that begin so.
    fn beginning(&self, meant: &Meant<'_>, beginning: &str, scores: &mut Scores) -> Result<(), TantivyError> {
        // No text has the byte 255, so it lies behind everything that begins alike.
        let behind = [beginning.as_bytes(), &[0xff]].concat();
        let mut terms = meant.index.terms().range().ge(beginning).lt(behind).into_stream()?;
        while let Some((term, info)) = terms.next() {
            meant.weigh(term, info, self.fuzzy, scores)?;
        }
        Ok(())
    }

    /// Terms that are the whole word but for small mistakes, whatever they begin with.
    fn mistaken(
        &self,
        meant: &Meant<'_>,
        spelling: &Spelling,
        scores: &mut Scores,
    ) -> Result<(), TantivyError> {
        let term = Term::from_field_text(self.fields.of(meant.kind), &spelling.text);
        let automaton = FuzzyTermQuery::new(term, spelling.reach, true);
        let mut terms = meant.index.terms().search(automaton.automaton()?).into_stream()?;
        while let Some((term, info)) = terms.next() {
            meant.weigh(term, info, self.fuzzy, scores)?;
        }
        Ok(())
    }

    fn best(
        &self,
        segment: &SegmentReader,
        scores: &Scores,
        found: &mut Vec<Ranked>,
    ) -> Result<(), TantivyError> {
        let columns = segment.fast_fields();
        let Some(keys) = columns.str(KEY)? else { return Ok(()) };
        let subjects = columns.u64(SUBJECT)?;
        // Within a segment, numbers of keys are ordered as the keys are. The worst is on top.
        let mut heap: BinaryHeap<(Reverse<u32>, u64)> = BinaryHeap::new();
        for (doc, score) in (0_u32..).zip(scores).filter(|(_, score)| **score > 0) {
            let Some(key) = keys.ords().first(doc) else { continue };
            let rank = (Reverse(*score), key);
            let full = heap.len() >= self.limit;
            if full && heap.peek().is_none_or(|worst| rank >= *worst) {
                continue;
            }
            let alive = segment.alive_bitset().is_none_or(|alive| alive.is_alive(doc));
            if !alive || subjects.first(doc).is_none_or(|subject| self.newer.hides(subject)) {
                continue;
            }
            if full {
                heap.pop();
            }
            heap.push(rank);
        }
        for (Reverse(score), ord) in heap {
            let mut key = String::new();
            if keys.ord_to_str(ord, &mut key)? {
                found.push(Ranked { score, key });
            }
        }
        Ok(())
    }
}

fn combined(so_far: Option<Scores>, more: Scores) -> Scores {
    let Some(mut so_far) = so_far else { return more };
    for (one, other) in so_far.iter_mut().zip(more) {
        *one = both(*one, other);
    }
    so_far
}

fn each_doc(
    index: &InvertedIndexReader,
    info: &TermInfo,
    mut visit: impl FnMut(usize),
) -> Result<(), TantivyError> {
    let mut postings = index.read_block_postings_from_terminfo(info, IndexRecordOption::Basic)?;
    while !postings.docs().is_empty() {
        postings.docs().iter().for_each(|doc| visit(*doc as usize));
        postings.advance();
    }
    Ok(())
}
