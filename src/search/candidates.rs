//! Asks the index: which terms a word may mean, who has them, and who answers every word best.
//!
//! What only begins like a word in an address leads to thousands of terms. They are read only where they could bring
//! somebody among the best: not while as many as were asked for answer better than any faint answer can.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tantivy::postings::TermInfo;
use tantivy::query::FuzzyTermQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::{InvertedIndexReader, Searcher, SegmentReader, TantivyError, Term};

use super::index::{Fields, KEY, SUBJECT};
use super::overlay::Newer;
use super::query::{FAINT_MAX, Faint, Group, Kind, Query, Spelling, WHOLE_NAME, Word, both};

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
    /// The best `limit` of the index, save those whose version there is out of date.
    pub(super) fn search(&self, searcher: &Searcher) -> Result<Vec<Ranked>, TantivyError> {
        let mut segments: Vec<&SegmentReader> = searcher.segment_readers().iter().collect();
        // The largest sets the bar for the others.
        segments.sort_by_key(|segment| Reverse(segment.max_doc()));
        let mut found = Vec::new();
        for segment in segments {
            if self.fuzzy || !self.query.is_plain() || !self.at_first_sight(segment, &mut found)? {
                let groups = self.groups(segment, Faint::With)?;
                let scores = totals(groups, &self.named(segment)?);
                self.best(segment, &scores, &mut found)?;
            }
            found.sort_unstable_by(|a: &Ranked, b| a.order().cmp(&b.order()));
            found.truncate(self.limit);
        }
        Ok(found)
    }

    /// Those of a segment whose answers are not faint; says whether nobody else in it can be among the best.
    fn at_first_sight(&self, segment: &SegmentReader, found: &mut Vec<Ranked>) -> Result<bool, TantivyError> {
        let groups = self.groups(segment, Faint::Without)?;
        let most: Vec<u32> =
            groups.iter().map(|scores| scores.iter().copied().max().unwrap_or(0).max(FAINT_MAX)).collect();
        let named = self.named(segment)?;
        let scores = totals(groups, &named);
        let mut clear = found.clone();
        self.best(segment, &scores, &mut clear)?;
        clear.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
        let Some(last) = clear.get(self.limit - 1).map(|ranked| ranked.score) else { return Ok(false) };
        let sum: u32 = most.iter().sum();
        let one_faint = most.iter().map(|most| sum - most + FAINT_MAX).max().unwrap_or(0);
        // A whole name whose words are answered faintly.
        let hidden = named.iter().zip(&scores).any(|(named, score)| *named && *score == 0);
        if last <= one_faint + if hidden { WHOLE_NAME } else { 0 } {
            return Ok(false);
        }
        *found = clear;
        Ok(true)
    }

    /// The score of each document for each group.
    fn groups(&self, segment: &SegmentReader, faint: Faint) -> Result<Vec<Scores>, TantivyError> {
        self.query.groups.iter().map(|group| self.group(segment, group, faint)).collect()
    }

    /// Whose name is the question.
    fn named(&self, segment: &SegmentReader) -> Result<Vec<bool>, TantivyError> {
        let whole = segment.inverted_index(self.fields.whole)?;
        let mut named = vec![false; segment.max_doc() as usize];
        for text in &self.query.whole {
            if let Some(info) = whole.terms().get(text)? {
                each_doc(&whole, &info, |doc| named[doc] = true)?;
            }
        }
        Ok(named)
    }

    fn group(&self, segment: &SegmentReader, group: &Group, faint: Faint) -> Result<Scores, TantivyError> {
        let mut sum: Option<Scores> = None;
        for word in &group.parts {
            let scores = self.word(segment, word, faint)?;
            sum = Some(match sum {
                Some(sum) => combined(sum, scores),
                None => scores,
            });
        }
        let mut sum = sum.unwrap_or_default();
        if let Some(joined) = &group.joined {
            let weight = group.joined_weight();
            for (score, joined) in sum.iter_mut().zip(self.word(segment, joined, faint)?) {
                *score = (*score).max(joined * weight);
            }
        }
        Ok(sum)
    }

    fn word(&self, segment: &SegmentReader, word: &Word, faint: Faint) -> Result<Scores, TantivyError> {
        let mut scores = vec![0; segment.max_doc() as usize];
        for kind in Kind::ALL {
            if faint == Faint::Without && kind == Kind::Place {
                continue;
            }
            let meant = Meant { index: &*segment.inverted_index(self.fields.of(kind))?, word, kind };
            for spelling in &word.0 {
                if faint == Faint::Without && kind == Kind::Email {
                    self.exact(&meant, &spelling.text, &mut scores)?;
                    continue;
                }
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

    /// The term itself.
    fn exact(&self, meant: &Meant<'_>, text: &str, scores: &mut Scores) -> Result<(), TantivyError> {
        match meant.index.terms().get(text)? {
            Some(info) => meant.weigh(text.as_bytes(), &info, self.fuzzy, scores),
            None => Ok(()),
        }
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

/// The score of each document; 0 where a word is not answered.
fn totals(groups: Vec<Scores>, named: &[bool]) -> Scores {
    let mut total = groups.into_iter().reduce(combined).unwrap_or_default();
    for (score, named) in total.iter_mut().zip(named) {
        *score += if *named && *score > 0 { WHOLE_NAME } else { 0 };
    }
    total
}

/// Both must be answered.
fn combined(mut one: Scores, other: Scores) -> Scores {
    for (one, other) in one.iter_mut().zip(other) {
        *one = both(*one, other);
    }
    one
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
