//! Reads of what was decided about people: verdicts, links, groups and merges, and whom an id stands for.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::error::StoreError;
use super::key;
use super::ledger::{Ledger, MERGES_MAX, Record};
use super::reader::Order;
use super::tables::Working;
use crate::ground::groups::{Bond, Finding, Group};
use crate::ground::id::{ConnectionId, Object, PersonId, Seq, SubjectId, SubjectKey};
use crate::ground::journal::SubjectState;
use crate::ground::links::{Link, LinkState, Said, Verdict, Who};
use crate::ground::matching::record::Donor;
use crate::ground::matching::seen::Seen;
use crate::ground::matching::told::PersonTold;
use crate::ground::merge::Merge;

impl Ledger<'_> {
    /// What was said about two records, whatever it was.
    pub fn verdict(&self, one: Who, other: Who) -> Result<Option<Record<Verdict>>, StoreError> {
        self.here("verdict", Object::Verdict, Verdict::of(one, other).0)
    }

    /// Everything that was said about a record.
    pub fn verdicts_of(&self, who: Who) -> Result<Vec<Record<Verdict>>, StoreError> {
        self.pairs("verdict", Object::Verdict, who.uuid())
    }

    /// A link.
    pub fn link(&self, id: Uuid) -> Result<Option<Record<Link>>, StoreError> {
        self.here("link", Object::Link, id)
    }

    /// Links that name a record, on either side.
    pub fn links_of(&self, who: Who) -> Result<Vec<Record<Link>>, StoreError> {
        self.pairs("link", Object::Link, who.uuid())
    }

    /// A group of duplicates.
    pub fn group(&self, id: Uuid) -> Result<Option<Record<Group>>, StoreError> {
        self.here("group of duplicates", Object::Group, id)
    }

    /// The group somebody is in.
    pub fn groups_of(&self, person: PersonId) -> Result<Vec<Record<Group>>, StoreError> {
        self.pairs("group of duplicates", Object::Group, person.0)
    }

    /// A merge.
    pub fn merge(&self, id: Uuid) -> Result<Option<Record<Merge>>, StoreError> {
        self.here("merge", Object::Merge, id)
    }

    /// Merges that somebody is or was part of.
    pub fn merges_of(&self, person: PersonId) -> Result<Vec<Record<Merge>>, StoreError> {
        self.pairs("merge", Object::Merge, person.0)
    }

    /// Subjects of ours that are there, the newest change first.
    pub fn all_here<T: DeserializeOwned>(
        &self,
        what: &'static str,
        object: Object,
    ) -> Result<Vec<Record<T>>, StoreError> {
        let page = self.newest(ConnectionId::HERE, object, SubjectState::Live, None, usize::MAX)?.items;
        let mut found = Vec::with_capacity(page.len());
        for record in page {
            found.extend(Self::typed(what, Some(record))?);
        }
        Ok(found)
    }

    pub(super) fn pairs<T: DeserializeOwned>(
        &self,
        what: &'static str,
        object: Object,
        of: Uuid,
    ) -> Result<Vec<Record<T>>, StoreError> {
        let prefix = key::pairs_by_record(object, of).prefix();
        let mut found = Vec::new();
        for subject in self.led_to(&prefix, None, Order::Up, usize::MAX)?.0 {
            found.extend(Self::typed(what, self.record(SubjectId(subject))?)?);
        }
        Ok(found)
    }

    /// Whom an id stands for: the record it was merged into, and the one it was linked to, as far as that leads.
    pub fn stands_for(&self, person: PersonId) -> Result<PersonId, StoreError> {
        let mut now = person;
        for _ in 0..MERGES_MAX {
            let record = self.record_of(&Who::Person(now).key())?;
            let merged = record.and_then(|record| record.key.uuid()).map_or(now, PersonId);
            let links = self.links_of(Who::Person(merged))?;
            let next = links.into_iter().find(|link| link.value.leads(merged)).map(|link| link.value.kept);
            match next {
                Some(kept) => now = kept,
                None => return Ok(merged),
            }
        }
        Ok(now)
    }

    /// The links that lead to a person, directly or through others.
    pub fn leading_to(&self, person: PersonId) -> Result<Vec<Link>, StoreError> {
        let (mut found, mut open) = (Vec::new(), vec![person]);
        let mut seen = BTreeSet::from([person]);
        while let Some(kept) = open.pop() {
            for link in self.links_of(Who::Person(kept))? {
                let link = link.value;
                let Who::Person(joined) = link.joined else { continue };
                if link.kept == kept && link.state == LinkState::Made && seen.insert(joined) {
                    open.push(joined);
                    found.push(link);
                }
            }
        }
        Ok(found)
    }

    /// What is known of a record that people are compared by; none when it is not there.
    pub fn donor_of(&self, who: Who) -> Result<Option<Donor>, StoreError> {
        match who {
            Who::Person(_) => {
                let record = self.record_of(&who.key())?;
                let live = record.filter(|record| record.state == SubjectState::Live);
                let told = live.and_then(|record| serde_json::from_str::<PersonTold>(&record.value).ok());
                Ok(told.map(PersonTold::into_donor))
            }
            Who::Row(row) => Ok(self.staged(row)?.map(|record| record.value.told())),
        }
    }

    /// Why a verdict holds no longer, in plain words; none while it does.
    pub fn expired(&self, verdict: &Verdict) -> Result<Option<String>, StoreError> {
        let (left, right) = (self.donor_of(verdict.left)?, self.donor_of(verdict.right)?);
        let Some((left, right)) = left.zip(right) else {
            return Ok(Some("One of the two records is not there any more.".to_owned()));
        };
        Ok(verdict.expired(Seen::of(&left), Seen::of(&right)))
    }

    /// What was said about two records and holds.
    pub fn said(&self, one: Who, other: Who) -> Result<Option<Verdict>, StoreError> {
        let verdict = self.verdict(one, other)?.map(|record| record.value);
        let Some(verdict) = verdict.filter(|verdict| verdict.said != Said::Open) else { return Ok(None) };
        Ok(self.expired(&verdict)?.is_none().then_some(verdict))
    }

    /// Entries of an object's records that are their newest and came after one, whatever became of the records: the
    /// oldest first, at most `limit`. The entry up to which that is all.
    pub fn changed_after(
        &self,
        connection: ConnectionId,
        object: Object,
        after: Seq,
        limit: usize,
    ) -> Result<(Vec<Seq>, Seq), StoreError> {
        let mut changed = Vec::new();
        let mut more = false;
        for state in SubjectState::ALL {
            let prefix = key::newest(connection, object, state).prefix();
            let from = [prefix.0.as_slice(), &key::end(after.0)].concat();
            let (seqs, next) = self.led_to(&prefix, Some(&from), Order::Up, limit)?;
            more |= next.is_some();
            changed.extend(seqs.into_iter().map(Seq));
        }
        changed.sort_unstable();
        more |= changed.len() > limit;
        changed.truncate(limit);
        let upto = if more { changed.last().copied() } else { None };
        Ok((changed, upto.map_or_else(|| self.last_seq(), Ok)?))
    }

    /// Whom somebody was found alike to, with what that is worth.
    pub fn alike_to(&self, person: PersonId) -> Result<Vec<Bond>, StoreError> {
        let rows = self.working_first::<i64>(Working::Alike, person.0.as_bytes(), usize::MAX)?;
        let bond = |(key, bits): (Vec<u8>, i64)| {
            let other = Uuid::from_bytes(*key.last_chunk::<16>()?);
            Some(Bond::new(person, PersonId(other), bits))
        };
        Ok(rows.into_iter().filter_map(bond).collect())
    }

    /// How far the search for duplicates is.
    pub fn finding(&self) -> Result<Finding, StoreError> {
        Ok(self.working_text(Working::Finding, &[])?.unwrap_or_default())
    }

    /// The name under which an entry stands.
    pub fn name_at(&self, seq: Seq) -> Result<SubjectKey, StoreError> {
        Ok(self.header(seq.0)?.key)
    }
}
