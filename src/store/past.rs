//! Time travel: any subject, and any list of subjects, as they stood at an instant.
//!
//! An instant is a place in the journal, since entries are recorded one after the other. A subject as of there is its
//! newest entry up to that place; the newest of a list is an entry that its subject's history does not overtake
//! before that place.

use std::collections::VecDeque;

use super::codec::{Header, decode_header, from_json};
use super::error::StoreError;
use super::key::{self, Prefix};
use super::ledger::{Ledger, MERGES_MAX, Page, Record};
use super::reader::Order;
use crate::ground::id::{ConnectionId, Object, PersonId, Seq, SubjectKey};
use crate::ground::journal::{MergedInto, Op, SubjectState};
use crate::ground::time::Instant;

/// Entries looked at for one page at most; what is left comes with the next one.
const LOOK_MAX: usize = 5_000;
/// Keys read in one go, beyond the page that was asked for.
const STRETCH: usize = 32;

/// What is asked of a list.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The last entry that counts.
    pub as_of: Seq,
    /// Only records in this state; any when absent.
    pub state: Option<SubjectState>,
    /// Where the page begins.
    pub after: Option<&'a [u8]>,
    /// How many records.
    pub limit: usize,
}

impl Ledger<'_> {
    /// The last entry that was recorded at or before an instant; 0 when there was none yet.
    pub fn seq_at(&self, instant: Instant) -> Result<Seq, StoreError> {
        let (mut known, mut beyond) = (0, self.last_seq()?.0 + 1);
        while known + 1 < beyond {
            let middle = u64::midpoint(known, beyond);
            if self.header(middle)?.recorded <= instant {
                known = middle;
            } else {
                beyond = middle;
            }
        }
        Ok(Seq(known))
    }

    /// Who did what to which subject in an entry, without its content.
    pub fn header(&self, seq: u64) -> Result<Header, StoreError> {
        let value = self.0.entry(seq)?;
        decode_header(&value.ok_or(StoreError::corrupt("a gap in the journal", 0))?)
    }

    /// A record as it stood when `as_of` was the newest entry; none when it was not there yet, or was erased since.
    pub fn record_as_of(&self, name: &SubjectKey, as_of: Seq) -> Result<Option<Record<String>>, StoreError> {
        self.entry_as_of(name, as_of)?.map_or(Ok(None), |seq| self.record_at(seq))
    }

    /// The records of some entries, in their order.
    pub fn records(&self, page: Page<Seq>) -> Result<Page<Record<String>>, StoreError> {
        let mut items = Vec::with_capacity(page.items.len());
        for seq in page.items {
            items.extend(self.record_at(seq)?);
        }
        Ok(Page { items, next: page.next })
    }

    /// Records of an object as they stood then, newest change first. A page may hold fewer than asked for and still
    /// have a next one.
    pub fn list_as_of(
        &self,
        connection: ConnectionId,
        object: Object,
        asked: &Asked<'_>,
    ) -> Result<Page<Seq>, StoreError> {
        self.newest_of(every_entry(connection, object, asked.state), asked)
    }

    /// Entries of an object before one, newest first.
    pub fn entries_of(
        &self,
        connection: ConnectionId,
        object: Object,
        before: Seq,
        limit: usize,
    ) -> Result<Vec<Seq>, StoreError> {
        let mut walk = Walk::new(self, every_entry(connection, object, None), before.0, limit);
        let mut found = Vec::with_capacity(limit);
        while found.len() < limit
            && let Some(seq) = walk.next()?
        {
            found.push(Seq(seq));
        }
        Ok(found)
    }

    /// A donor's gifts as they stood then, newest change first.
    pub fn gifts_as_of(&self, donor: PersonId, asked: &Asked<'_>) -> Result<Page<Seq>, StoreError> {
        self.newest_of(vec![key::gifts_by_donor(ConnectionId::TWENTY, donor).prefix()], asked)
    }

    /// Of the entries that keys with these prefixes lead to, those that were their subject's newest then. A page's end
    /// is told by the first prefix.
    pub(super) fn newest_of(
        &self,
        prefixes: Vec<Prefix>,
        asked: &Asked<'_>,
    ) -> Result<Page<Seq>, StoreError> {
        let first = prefixes.first().map_or_else(Vec::new, |prefix| prefix.0.clone());
        let after = asked.after.filter(|after| after.starts_with(&first)).map(key::leads_to);
        let below = asked.as_of.0.saturating_add(1).min(after.unwrap_or(u64::MAX));
        let mut walk = Walk::new(self, prefixes, below, asked.limit + STRETCH);
        let mut items = Vec::new();
        let mut last = below;
        let mut looked = 0;
        while let Some(seq) = walk.next()? {
            if items.len() == asked.limit || looked == LOOK_MAX {
                return Ok(Page { items, next: Some([first.as_slice(), &key::end(last)].concat()) });
            }
            (last, looked) = (seq, looked + 1);
            if self.is_newest_then(Seq(seq), asked)? {
                items.push(Seq(seq));
            }
        }
        Ok(Page { items, next: None })
    }

    /// Whether an entry left its record as it stood then, and it is asked for.
    fn is_newest_then(&self, seq: Seq, asked: &Asked<'_>) -> Result<bool, StoreError> {
        let header = self.header(seq.0)?;
        let newest = self.0.history(header.subject.0, asked.as_of.0.saturating_add(1), 1)?;
        let wanted = asked.state.is_none_or(|state| state == header.op.state_after());
        Ok(newest.first() == Some(&seq.0) && wanted)
    }

    /// The entry that a name led to then: of a merged record, the one it was part of.
    pub fn entry_as_of(&self, name: &SubjectKey, as_of: Seq) -> Result<Option<Seq>, StoreError> {
        let mut name = name.clone();
        for _ in 0..MERGES_MAX {
            let Some(subject) = self.subject(&name)? else { return Ok(None) };
            let newest = self.0.history(subject.0, as_of.0.saturating_add(1), 1)?;
            let Some(seq) = newest.first() else { return Ok(None) };
            if self.header(*seq)?.op != Op::Merged {
                return Ok(Some(Seq(*seq)));
            }
            let Some(merged) = self.record_at(Seq(*seq))? else { return Ok(None) };
            let into: MergedInto = from_json("merged record", &merged.value)?;
            name = into.beside(&merged.key);
        }
        Ok(None)
    }
}

/// Where every entry of an object is found, but for newest entries in another state than the one that is asked for: the
/// superseded ones, and the newest ones by state.
fn every_entry(connection: ConnectionId, object: Object, state: Option<SubjectState>) -> Vec<Prefix> {
    let wanted = |one: &SubjectState| state.is_none_or(|state| state == *one);
    let newest = SubjectState::ALL.into_iter().filter(wanted);
    std::iter::once(key::superseded(connection, object).prefix())
        .chain(newest.map(|state| key::newest(connection, object, state).prefix()))
        .collect()
}

/// Walks the entries that several ranges of keys lead to, the newest first.
struct Walk<'l, 'r> {
    ledger: &'l Ledger<'r>,
    streams: Vec<Stream>,
    stretch: usize,
}

/// One range: what was read of it and not used yet, and where it goes on.
struct Stream {
    prefix: Prefix,
    ready: VecDeque<u64>,
    /// Just below which it goes on; nothing when it is at its end.
    below: Option<u64>,
}

impl<'l, 'r> Walk<'l, 'r> {
    fn new(ledger: &'l Ledger<'r>, prefixes: Vec<Prefix>, below: u64, stretch: usize) -> Self {
        let stream = |prefix| Stream { prefix, ready: VecDeque::new(), below: Some(below) };
        Self { ledger, streams: prefixes.into_iter().map(stream).collect(), stretch }
    }

    fn next(&mut self) -> Result<Option<u64>, StoreError> {
        let mut newest: Option<(u64, usize)> = None;
        for (n, stream) in self.streams.iter_mut().enumerate() {
            if stream.ready.is_empty()
                && let Some(below) = stream.below
            {
                let after = [stream.prefix.0.as_slice(), &key::end(below)].concat();
                let (seqs, more) =
                    self.ledger.led_to(&stream.prefix, Some(&after), Order::Down, self.stretch)?;
                stream.below = more.and(seqs.last().copied());
                stream.ready.extend(seqs);
            }
            if let Some(seq) = stream.ready.front()
                && newest.is_none_or(|(known, _)| *seq > known)
            {
                newest = Some((*seq, n));
            }
        }
        let Some((seq, n)) = newest else { return Ok(None) };
        self.streams[n].ready.pop_front();
        Ok(Some(seq))
    }
}
