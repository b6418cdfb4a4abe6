//! Applies changes to the open tables of a group: journal first, then everything that follows from it.

use std::collections::HashSet;

use super::changes::{Basis, Changes, Put, What};
use super::codec::{self, Body, Header, LinkHasher, body_hash, decode_entry, decode_header, encode_body};
use super::derive::{Key, Keys, keys};
use super::error::StoreError;
use super::key;
use super::prepare::{Before, Prepared, Prior, Slot, prepare_all, prior};
use super::reader::{OpenTables, Reader};
use crate::ground::id::{SubjectId, SubjectKey};
use crate::ground::journal::{Cause, Op, SubjectState};
use crate::ground::time::Instant;
use crate::ground::world::World;

/// Retired with layout 1: the next subject follows the last one of `current`.
pub(super) const NEXT_SUBJECT: &str = "next_subject";
/// 128 random bits that tell this ledger from every other one; the chain begins with them.
pub(super) const IDENTITY: &str = "identity";

/// What the first link of the chain follows.
pub(super) fn genesis(tables: &impl Reader) -> Result<[u8; 32], StoreError> {
    Ok(*blake3::hash(&identity(tables)?).as_bytes())
}

/// What tells this ledger from every other one.
pub(super) fn identity(tables: &impl Reader) -> Result<[u8; 16], StoreError> {
    let identity = tables.meta(IDENTITY)?.ok_or(StoreError::corrupt("ledger without an identity", 0))?;
    codec::decode("identity", &identity)
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
    /// The record as JSON; empty when it was erased.
    pub json: String,
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
    pub(super) fn begin(mut tables: OpenTables<'t>) -> Result<Self, StoreError> {
        tables.grow_up()?;
        let last_seq = tables.last_seq()?;
        let last_recorded = match tables.entry(last_seq)? {
            Some(value) => decode_header(&value)?.recorded,
            None => Instant(i64::MIN),
        };
        let next_subject = tables.last_subject()? + 1;
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

    /// Checks what the changes rest on first, so that a refusal leaves the group as it was.
    pub(super) fn check(&self, changes: &Changes) -> Result<(), StoreError> {
        for put in &changes.puts {
            if matches!(put.what, What::Seen { .. }) {
                // What was seen outside is true whatever we held.
                continue;
            }
            let newest = self.newest(&put.key)?;
            let holds = match put.basis {
                Basis::Newest => true,
                Basis::At(seq) => newest.is_some_and(|(_, at)| at == seq.0),
                Basis::New => newest.is_none(),
            };
            if !holds {
                return Err(StoreError::Moved);
            }
            if let Some((_, seq)) = newest
                && decode_header(&self.entry(seq)?)?.op == Op::Erased
            {
                return Err(StoreError::Erased);
            }
        }
        Ok(())
    }

    fn newest(&self, name: &SubjectKey) -> Result<Option<(u64, u64)>, StoreError> {
        let Some(subject) = self.tables.subject(&key::subject(name))? else { return Ok(None) };
        Ok(self.tables.current(subject)?.map(|seq| (subject, seq)))
    }

    fn entry(&self, seq: u64) -> Result<Vec<u8>, StoreError> {
        self.tables.entry(seq)?.ok_or(StoreError::corrupt("pointer to an entry that is not there", 0))
    }

    /// Writes the changes.
    pub(super) fn apply(&mut self, changes: Changes, world: &World) -> Result<(), StoreError> {
        self.asks |= changes.asks;
        let mut puts = changes.puts;
        while !puts.is_empty() {
            // A record that is named twice rests on what the first change made of it.
            let mut names = HashSet::with_capacity(puts.len());
            let alone = puts.iter().take_while(|put| names.insert(&put.key)).count();
            let rest = puts.split_off(alone);
            self.put_all(puts, &changes.cause, world)?;
            puts = rest;
        }
        for erasure in changes.erasures {
            self.erase(&erasure.key, erasure.ground, &changes.cause, world)?;
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

    fn put_all(&mut self, puts: Vec<Put>, cause: &Cause, world: &World) -> Result<(), StoreError> {
        let mut salts = vec![0; 16 * puts.len()];
        world.entropy.fill(&mut salts);
        let mut slots = Vec::with_capacity(puts.len());
        for (put, salt) in puts.into_iter().zip(salts.as_chunks::<16>().0) {
            let before = match self.newest(&put.key)? {
                Some((subject, seq)) => Some(Before { subject, seq, value: self.entry(seq)? }),
                None => None,
            };
            slots.push(Slot { put, before, salt: *salt });
        }
        let now = world.now();
        for prepared in prepare_all(slots, cause)?.into_iter().flatten() {
            self.put(prepared, now)?;
        }
        Ok(())
    }

    /// Erases every entry of a subject, and says so in one more. What was never there is noted too, so that it does
    /// not come in later.
    fn erase(
        &mut self,
        name: &SubjectKey,
        ground: String,
        cause: &Cause,
        world: &World,
    ) -> Result<(), StoreError> {
        let now = world.now();
        let body = Body::Erased { who: cause.actor.to_string(), at: now, ground };
        let newest = self.newest(name)?;
        let mut header = Header::new(SubjectId(0), name.clone(), Op::Erased, cause, Instant(0));
        header.body_hash = body_hash(&body);
        let mut before = None;
        if let Some((subject, seq)) = newest {
            let value = self.entry(seq)?;
            let entry = decode_entry(&value)?;
            if entry.header.op == Op::Erased {
                return Ok(());
            }
            before = Some(prior(&Before { subject, seq, value }, &entry)?);
            for seq in self.tables.history(subject, u64::MAX, usize::MAX)? {
                self.erase_entry(seq, &body)?;
            }
            header.subject = SubjectId(subject);
            header.previous = Some(seq);
        }
        let keys = keys(&header, None)?;
        let body = encode_body(&body, None)?;
        self.put(Prepared { header, body, json: String::new(), keys, before }, now)
    }

    /// Puts a stub in the place of an entry's content, and takes out what the indexes say of it.
    fn erase_entry(&mut self, seq: u64, stub: &Body) -> Result<(), StoreError> {
        let value = self.entry(seq)?;
        let entry = decode_entry(&value)?;
        for key in keys(&entry.header, entry.json())?.lasting {
            self.tables.take_key(&key.finish(entry.header.subject.0, seq))?;
        }
        let value = codec::replace_body(&value, &encode_body(stub, None)?)?;
        self.tables.journal.insert(seq, value.as_slice())?;
        Ok(())
    }

    fn put(&mut self, prepared: Prepared, now: Instant) -> Result<(), StoreError> {
        let Prepared { mut header, body, json, keys, before } = prepared;
        let seq = self.next_seq;
        header.recorded = now.max(self.last_recorded.plus_micros(1));
        let is_new = before.is_none();
        if is_new {
            header.subject = SubjectId(self.next_subject);
            self.next_subject += 1;
        }
        let subject = header.subject.0;
        let value = codec::entry_value(&header, &body)?;
        self.link.entry(&codec::canonical(&header)?);
        self.bytes += value.len() + json.len();
        self.dirty = true;
        self.next_seq += 1;
        self.last_recorded = header.recorded;
        self.tables.journal.insert(seq, value.as_slice())?;
        self.tables.current.insert(subject, seq)?;
        if is_new {
            self.tables.name_subject(&key::subject(&header.key), subject)?;
        }
        let state = header.op.state_after();
        self.follow(before, &keys, &header, seq)?;
        self.written.push(Written { seq, subject: header.subject, key: header.key, state, json });
        Ok(())
    }

    /// History, indexes and counters of a new entry.
    fn follow(
        &mut self,
        before: Option<Prior>,
        keys: &Keys,
        header: &Header,
        seq: u64,
    ) -> Result<(), StoreError> {
        let (subject, state, name) = (header.subject.0, header.op.state_after(), &header.key);
        let was = before.as_ref().map(|prior| prior.state);
        if let Some(prior) = before {
            // Of its newest entry `current` says where it is.
            self.tables.history.insert((subject, prior.seq), ())?;
            self.tables.put_key(&key::superseded(name.connection, name.object).finish(prior.seq))?;
            // A key that leads to the subject and stands as before is not touched.
            let stays = |key: &Key, among: &[Key]| matches!(key, Key::Subject(_)) && among.contains(key);
            for key in prior.keys.standing.iter().filter(|key| !stays(key, &keys.standing)) {
                self.tables.take_key(&key.clone().finish(prior.subject, prior.seq))?;
            }
            for key in keys.standing.iter().filter(|key| !stays(key, &prior.keys.standing)) {
                self.tables.put_key(&key.clone().finish(subject, seq))?;
            }
        } else {
            for key in &keys.standing {
                self.tables.put_key(&key.clone().finish(subject, seq))?;
            }
        }
        for key in &keys.lasting {
            self.tables.put_key(&key.clone().finish(subject, seq))?;
        }
        if was != Some(state) {
            if let Some(was) = was {
                self.tables.count(key::count(name.connection, name.object, was), -1);
            }
            self.tables.count(key::count(name.connection, name.object, state), 1);
        }
        Ok(())
    }

    /// Writes the chain link and the counters of this group; the tables are closed by dropping the group.
    pub(super) fn seal(mut self) -> Result<Vec<Written>, StoreError> {
        if !self.written.is_empty() {
            let link = self.link.finish(self.next_seq - 1);
            self.tables.commits.insert(self.commit, codec::encode(&link)?.as_slice())?;
            self.tables.store_counts()?;
        }
        Ok(self.written)
    }
}
