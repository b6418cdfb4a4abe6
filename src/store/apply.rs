//! Applies changes to the open tables of a group: journal first, then everything that follows from it.

use std::sync::Arc;

use super::changes::{Basis, Changes, Put, What};
use super::codec::{self, Body, Entry, Header, Image, LinkHasher, decode_entry, encode_entry};
use super::derive::index_keys;
use super::diff::diff;
use super::error::StoreError;
use super::key;
use super::reader::{OpenTables, Reader};
use crate::ground::id::{SubjectId, SubjectKey};
use crate::ground::journal::{Cause, Op, SubjectState};
use crate::ground::time::Instant;
use crate::ground::world::World;

pub(super) const NEXT_SUBJECT: &str = "next_subject";
/// 128 random bits that tell this ledger from every other one; the chain begins with them.
pub(super) const IDENTITY: &str = "identity";

/// What the first link of the chain follows.
pub(super) fn genesis(tables: &impl Reader) -> Result<[u8; 32], StoreError> {
    let identity = tables.meta(IDENTITY)?.ok_or(StoreError::corrupt("ledger without an identity", 0))?;
    let identity: [u8; 16] = codec::decode("identity", &identity)?;
    Ok(*blake3::hash(&identity).as_bytes())
}

/// One entry as it was just written, for those who follow the journal.
#[derive(Clone, Debug)]
pub struct Written {
    /// Its place in the journal.
    pub seq: u64,
    /// Its subject.
    pub subject: SubjectId,
    /// The subject's name.
    pub key: SubjectKey,
    /// Where the subject stands now.
    pub state: SubjectState,
    /// The record as JSON.
    pub json: Arc<str>,
}

/// A group of writes sharing one transaction.
pub(super) struct Group<'t> {
    pub(super) tables: OpenTables<'t>,
    next_seq: u64,
    next_subject: u64,
    last_recorded: Instant,
    link: LinkHasher,
    commit: u64,
    /// Everything written, in order.
    pub(super) written: Vec<Written>,
    /// Bytes of payload so far.
    pub(super) bytes: usize,
    /// Whether any table was touched.
    pub(super) dirty: bool,
    /// Whether somebody asked for a run's work.
    pub(super) asks: bool,
}

impl<'t> Group<'t> {
    pub(super) fn begin(tables: OpenTables<'t>) -> Result<Self, StoreError> {
        let last_seq = tables.last_seq()?;
        let last_recorded = match tables.entry(last_seq)? {
            Some(value) => codec::decode_header(&value)?.recorded,
            None => Instant(i64::MIN),
        };
        let next_subject =
            tables.meta(NEXT_SUBJECT)?.map_or(Ok(1), |bytes| codec::decode("next subject", &bytes))?;
        let last_commit = tables.last_commit()?;
        let previous = match tables.link(last_commit)? {
            Some(value) => codec::decode::<codec::Link>("chain link", &value)?.hash,
            None => genesis(&tables)?,
        };
        Ok(Self {
            tables,
            next_seq: last_seq + 1,
            next_subject,
            last_recorded,
            link: LinkHasher::new(previous, last_seq + 1),
            commit: last_commit + 1,
            written: Vec::new(),
            bytes: 0,
            dirty: false,
            asks: false,
        })
    }

    /// Checks every basis first, so that a refusal leaves the group as it was.
    pub(super) fn check(&self, changes: &Changes) -> Result<(), StoreError> {
        for put in &changes.puts {
            let newest = self.newest(&put.key)?;
            let holds = match put.basis {
                Basis::Newest => true,
                Basis::At(seq) => newest.is_some_and(|(_, at)| at == seq.0),
                Basis::New => newest.is_none(),
            };
            if !holds {
                return Err(StoreError::Moved);
            }
        }
        Ok(())
    }

    fn newest(&self, name: &SubjectKey) -> Result<Option<(u64, u64)>, StoreError> {
        let Some(subject) = self.tables.subject(&key::subject(name))? else { return Ok(None) };
        Ok(self.tables.current(subject)?.map(|seq| (subject, seq)))
    }

    /// Writes the changes.
    pub(super) fn apply(&mut self, changes: Changes, world: &World) -> Result<(), StoreError> {
        self.asks |= changes.asks;
        for put in changes.puts {
            self.put(put, &changes.cause, world)?;
        }
        for (key, value) in changes.working {
            self.dirty = true;
            match value {
                Some(value) => self.tables.working.insert(key.as_slice(), value.as_slice())?,
                None => self.tables.working.remove(key.as_slice())?,
            };
        }
        for (name, sealed) in changes.secrets {
            self.dirty = true;
            match sealed {
                Some(sealed) => self.tables.secrets.insert(name.as_str(), sealed.as_slice())?,
                None => self.tables.secrets.remove(name.as_str())?,
            };
        }
        Ok(())
    }

    fn put(&mut self, put: Put, cause: &Cause, world: &World) -> Result<(), StoreError> {
        let before = match self.newest(&put.key)? {
            Some((subject, seq)) => {
                let value = self
                    .tables
                    .entry(seq)?
                    .ok_or(StoreError::corrupt("pointer to an entry that is not there", 0))?;
                Some((subject, seq, decode_entry(&value)?))
            }
            None => None,
        };
        let state_before = before.as_ref().map(|(_, _, entry)| entry.header.op.state_after());
        let json_before = before.as_ref().and_then(|(_, _, entry)| image_of(entry));
        let op = op_of(put.what, state_before);
        // A write that changes nothing writes nothing.
        if json_before == Some(put.json.as_str()) && state_before == Some(op.state_after()) {
            return Ok(());
        }
        let subject = before.as_ref().map_or(self.next_subject, |(subject, _, _)| *subject);
        let seq = self.next_seq;
        let now = world.now();
        let recorded = now.max(self.last_recorded.plus_micros(1));
        let mut header = Header::new(SubjectId(subject), put.key, op, cause, recorded);
        header.previous = before.as_ref().map(|(_, seq, _)| *seq);
        header.valid = put.valid;
        let changed = json_before.map_or_else(Vec::new, |json| diff(json, &put.json));
        let body = Body::Kept { salt: world.bytes(), diff: changed, image: Image::Json(put.json) };
        let (value, header_bytes) = encode_entry(header.clone(), &body)?;
        self.link.entry(&header_bytes);
        self.bytes += value.len();
        self.dirty = true;
        self.tables.journal.insert(seq, value.as_slice())?;
        self.tables.current.insert(subject, seq)?;
        self.tables.history.insert((subject, seq), ())?;
        if before.is_none() {
            self.tables.subject_by_key.insert(key::subject(&header.key).as_slice(), subject)?;
            self.next_subject += 1;
        }
        self.next_seq += 1;
        self.last_recorded = recorded;
        let Body::Kept { image, .. } = &body else { return Ok(()) };
        self.derive(before.as_ref(), &header, seq, image.json(), state_before)?;
        let written = Written {
            seq,
            subject: header.subject,
            key: header.key,
            state: op.state_after(),
            json: image.json().into(),
        };
        self.written.push(written);
        Ok(())
    }

    fn derive(
        &mut self,
        before: Option<&(u64, u64, Entry)>,
        header: &Header,
        seq: u64,
        json: &str,
        state_before: Option<SubjectState>,
    ) -> Result<(), StoreError> {
        if let Some((_, old_seq, entry)) = before
            && let Some(old_json) = image_of(entry)
        {
            for key in index_keys(&entry.header, *old_seq, old_json)? {
                self.tables.index.remove(key.as_slice())?;
            }
        }
        for key in index_keys(header, seq, json)? {
            self.tables.index.insert(key.as_slice(), header.subject.0)?;
        }
        let state = header.op.state_after();
        if state_before != Some(state) {
            let name = &header.key;
            if let Some(before) = state_before {
                self.add(&key::count(name.connection, name.object, before), -1)?;
            }
            self.add(&key::count(name.connection, name.object, state), 1)?;
        }
        Ok(())
    }

    fn add(&mut self, key: &[u8], delta: i64) -> Result<(), StoreError> {
        let count = self.tables.summary(key)? + delta;
        self.tables.summary.insert(key, count)?;
        Ok(())
    }

    /// Writes the chain link and the counters of this group; the tables are closed by dropping the group.
    pub(super) fn seal(mut self) -> Result<Vec<Written>, StoreError> {
        if !self.written.is_empty() {
            let link = self.link.finish(self.next_seq - 1);
            self.tables.commits.insert(self.commit, codec::encode(&link)?.as_slice())?;
            self.tables.meta.insert(NEXT_SUBJECT, codec::encode(&self.next_subject)?.as_slice())?;
        }
        Ok(self.written)
    }
}

fn image_of(entry: &Entry) -> Option<&str> {
    match &entry.body {
        Body::Kept { image, .. } => Some(image.json()),
        Body::Erased { .. } => None,
    }
}

/// What a sighting means, given where the subject stood.
const fn op_of(what: What, before: Option<SubjectState>) -> Op {
    match (what, before) {
        (What::Op(op), _) => op,
        (What::Seen { deleted: true }, _) => Op::Deleted,
        (What::Seen { deleted: false }, None) => Op::Created,
        (What::Seen { deleted: false }, Some(SubjectState::Live)) => Op::Updated,
        (What::Seen { deleted: false }, Some(SubjectState::Pending)) => Op::Confirmed,
        (What::Seen { deleted: false }, Some(SubjectState::Deleted | SubjectState::Gone)) => Op::Restored,
    }
}
