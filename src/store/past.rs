//! Time travel: any subject, and any list of subjects, as they stood at an instant.
//!
//! An instant is a place in the journal, since entries are recorded one after the other. A subject as of there is its
//! newest entry up to that place; the newest of a list is an entry that its subject's history does not overtake
//! before that place.

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
/// Entries looked at in one go, beyond the page that was asked for.
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

    pub(super) fn header(&self, seq: u64) -> Result<Header, StoreError> {
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
        self.newest_of(&key::by_object(connection, object).prefix(), asked)
    }

    /// Entries of an object before one, newest first.
    pub fn entries_of(
        &self,
        connection: ConnectionId,
        object: Object,
        before: Seq,
        limit: usize,
    ) -> Result<Vec<Seq>, StoreError> {
        let prefix = key::by_object(connection, object).prefix();
        let start = [prefix.0.as_slice(), &before.0.to_be_bytes()].concat();
        Ok(self.led_to(&prefix, Some(&start), Order::Down, limit)?.0.into_iter().map(Seq).collect())
    }

    /// A donor's gifts as they stood then, newest change first.
    pub fn gifts_as_of(&self, donor: PersonId, asked: &Asked<'_>) -> Result<Page<Seq>, StoreError> {
        self.newest_of(&key::gifts_by_donor(ConnectionId::TWENTY, donor).prefix(), asked)
    }

    /// Of the entries that keys with this prefix lead to, those that were their subject's newest then.
    pub(super) fn newest_of(&self, prefix: &Prefix, asked: &Asked<'_>) -> Result<Page<Seq>, StoreError> {
        let start = [prefix.0.as_slice(), &asked.as_of.0.saturating_add(1).to_be_bytes()].concat();
        let after = asked.after.filter(|after| after.starts_with(&prefix.0) && **after < *start);
        let mut cursor = after.map_or(start, <[u8]>::to_vec);
        let (mut items, mut looked) = (Vec::new(), 0);
        loop {
            let stretch = (asked.limit - items.len() + STRETCH).min(LOOK_MAX - looked);
            let (seqs, more) = self.led_to(prefix, Some(&cursor), Order::Down, stretch)?;
            for seq in seqs {
                looked += 1;
                cursor.truncate(prefix.0.len());
                cursor.extend_from_slice(&seq.to_be_bytes());
                if self.is_newest_then(Seq(seq), asked)? {
                    items.push(Seq(seq));
                }
                if items.len() == asked.limit {
                    return self.page_to(items, prefix, cursor);
                }
            }
            if more.is_none() {
                return Ok(Page { items, next: None });
            }
            if looked >= LOOK_MAX {
                return Ok(Page { items, next: Some(cursor) });
            }
        }
    }

    /// A full page; with a next one if anything is left to look at.
    fn page_to(&self, items: Vec<Seq>, prefix: &Prefix, cursor: Vec<u8>) -> Result<Page<Seq>, StoreError> {
        let more = !self.led_to(prefix, Some(&cursor), Order::Down, 1)?.0.is_empty();
        Ok(Page { items, next: more.then_some(cursor) })
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
