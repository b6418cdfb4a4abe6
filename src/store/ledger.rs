//! Typed reads: the same ones inside a write and on a snapshot.

use std::ops::ControlFlow;

use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::codec::{Body, Entry, Header, Image, decode, decode_entry, decode_message, from_json};
use super::error::StoreError;
use super::key::{self, IndexKey, Prefix};
use super::past::Asked;
use super::reader::{Order, Reader};
use super::tables::{Index, Working};
use crate::ground::access::{Token, User};
use crate::ground::batch::{Batch, BatchRows};
use crate::ground::crm::{GiftRecord, PersonRecord};
use crate::ground::gift::Gift;
use crate::ground::id::{
    BatchId, ConnectionId, GiftId, Object, PersonId, RunId, Seq, StagedId, SubjectId, SubjectKey, TokenId,
    UserId,
};
use crate::ground::journal::SubjectState;
use crate::ground::mirror::{MirrorState, SyncStateBefore};
use crate::ground::outbox::Message;
use crate::ground::person::Person;
use crate::ground::quarantine::Quarantined;
use crate::ground::run::ProcessRun;
use crate::ground::staging::{StagedRow, Status};
use crate::ground::time::Instant;
use crate::ground::webhook::twenty::{Hook, ToRead};
use crate::ground::workspace::Workspace;

/// A record as it stands.
#[derive(Clone, Debug)]
pub struct Record<T> {
    /// Its subject.
    pub subject: SubjectId,
    /// Its name.
    pub key: SubjectKey,
    /// Its newest entry; the version that `If-Match` names.
    pub seq: Seq,
    /// Where it stands.
    pub state: SubjectState,
    /// When its newest entry was written.
    pub recorded: Instant,
    /// The record.
    pub value: T,
}

/// Where a subject stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its newest entry.
    pub seq: Seq,
    /// Where it stands.
    pub state: SubjectState,
    /// When its newest entry was written.
    pub recorded: Instant,
}

/// A page of a list, newest first.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The records.
    pub items: Vec<T>,
    /// Where the next page begins; none when this is the last one.
    pub next: Option<Vec<u8>>,
}

/// How many merges in a row lead on; more are a circle.
pub(super) const MERGES_MAX: usize = 16;

/// Typed reads over some tables.
#[derive(Clone, Copy)]
pub struct Ledger<'r>(pub(super) &'r dyn Reader);

/// The filters of the queue.
#[derive(Clone, Debug, Default)]
pub struct QueueFilter {
    /// Only these; all when empty.
    pub statuses: Vec<Status>,
    /// Only this batch.
    pub batch: Option<BatchId>,
}

impl Ledger<'_> {
    /// The newest entry of the journal.
    pub fn last_seq(&self) -> Result<Seq, StoreError> {
        self.0.last_seq().map(Seq)
    }

    /// One entry.
    pub fn entry(&self, seq: Seq) -> Result<Option<Entry>, StoreError> {
        self.0.entry(seq.0)?.map(|value| decode_entry(&value)).transpose()
    }

    /// Entries of a subject before `before`, newest first.
    pub fn history(&self, subject: SubjectId, before: Seq, limit: usize) -> Result<Vec<Seq>, StoreError> {
        Ok(self.0.history(subject.0, before.0, limit)?.into_iter().map(Seq).collect())
    }

    /// The subject of a name.
    pub fn subject(&self, name: &SubjectKey) -> Result<Option<SubjectId>, StoreError> {
        Ok(self.0.subject(&key::subject(name))?.map(SubjectId))
    }

    /// Where a subject stands, without reading its content.
    pub fn head(&self, subject: SubjectId) -> Result<Option<Head>, StoreError> {
        let Some(seq) = self.0.current(subject.0)? else { return Ok(None) };
        let header = self.header(seq)?;
        Ok(Some(Head { seq: Seq(seq), state: header.op.state_after(), recorded: header.recorded }))
    }

    /// The record of a subject as the JSON of its after-image; none when it was erased.
    pub fn record(&self, subject: SubjectId) -> Result<Option<Record<String>>, StoreError> {
        self.0.current(subject.0)?.map_or(Ok(None), |seq| self.record_at(Seq(seq)))
    }

    /// A record as an entry left it; none when it was erased.
    pub fn record_at(&self, seq: Seq) -> Result<Option<Record<String>>, StoreError> {
        let value = self.0.entry(seq.0)?;
        let value = value.ok_or(StoreError::corrupt("pointer to an entry that is not there", 0))?;
        let Entry { header, body } = decode_entry(&value)?;
        let Body::Kept { image, .. } = body else { return Ok(None) };
        let Header { subject, key, op, recorded, .. } = header;
        let Image::Json(value) = image;
        Ok(Some(Record { subject, key, seq, state: op.state_after(), recorded, value }))
    }

    /// The record of a name; of a record that was merged, the one it is part of now.
    pub fn record_of(&self, name: &SubjectKey) -> Result<Option<Record<String>>, StoreError> {
        let record = self.subject(name)?.map_or(Ok(None), |subject| self.record(subject))?;
        match record {
            Some(merged) if merged.state == SubjectState::Merged => self.record_as_of(name, self.last_seq()?),
            found => Ok(found),
        }
    }

    /// Subjects that were merged into this one, in the order of their numbers.
    pub fn merged_into(&self, name: &SubjectKey) -> Result<Vec<SubjectId>, StoreError> {
        Ok(self.subjects(&key::merged_into(name).prefix(), None, Order::Up, usize::MAX)?.0)
    }

    pub(super) fn typed<T: DeserializeOwned>(
        what: &'static str,
        record: Option<Record<String>>,
    ) -> Result<Option<Record<T>>, StoreError> {
        record
            .filter(|r| r.state != SubjectState::Gone)
            .map(|r| r.try_map(|json| from_json(what, &json)))
            .transpose()
    }

    pub(super) fn here<T: DeserializeOwned>(
        &self,
        what: &'static str,
        object: Object,
        id: Uuid,
    ) -> Result<Option<Record<T>>, StoreError> {
        Self::typed(what, self.record_of(&SubjectKey::here(object, id))?)
    }

    /// A staged row.
    pub fn staged(&self, id: StagedId) -> Result<Option<Record<StagedRow>>, StoreError> {
        self.here("staged row", Object::GiftStaging, id.0)
    }

    /// A batch.
    pub fn batch(&self, id: BatchId) -> Result<Option<Record<Batch>>, StoreError> {
        self.here("batch", Object::GiftBatch, id.0)
    }

    /// A run.
    pub fn run(&self, id: RunId) -> Result<Option<Record<ProcessRun>>, StoreError> {
        self.here("run", Object::Run, id.0)
    }

    /// A user.
    pub fn user(&self, id: UserId) -> Result<Option<Record<User>>, StoreError> {
        self.here("user", Object::User, id.0)
    }

    /// A token.
    pub fn token(&self, id: TokenId) -> Result<Option<Record<Token>>, StoreError> {
        self.here("token", Object::Token, id.0)
    }

    /// A record that was set aside, if it still is.
    pub fn quarantined(&self, id: Uuid) -> Result<Option<Quarantined>, StoreError> {
        Ok(self.here("quarantined record", Object::Quarantine, id)?.map(|record| record.value))
    }

    /// A person of the mirror.
    pub fn person(&self, id: PersonId) -> Result<Option<Record<Person>>, StoreError> {
        let record: Option<Record<PersonRecord>> =
            Self::typed("person", self.record_of(&SubjectKey::twenty(Object::People, id.0))?)?;
        Ok(record.map(|r| r.map(PersonRecord::into_person)))
    }

    /// A gift of the mirror, posted or pending.
    pub fn gift(&self, id: GiftId) -> Result<Option<Record<Gift>>, StoreError> {
        let record: Option<Record<GiftRecord>> =
            Self::typed("gift", self.record_of(&SubjectKey::twenty(Object::Gifts, id.0))?)?;
        Ok(record.map(|r| r.map(GiftRecord::into_gift)))
    }

    /// What the keys with this prefix lead to, and where the next page begins if there is one.
    pub(super) fn led_to(
        &self,
        prefix: &Prefix,
        after: Option<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<(Vec<u64>, Option<Vec<u8>>), StoreError> {
        let (mut found, mut last) = (Vec::new(), None);
        let mut more = false;
        self.0.index(prefix, after, order, &mut |key| {
            if found.len() == limit {
                more = true;
                return ControlFlow::Break(());
            }
            found.push(key::leads_to(key));
            if found.len() == limit {
                last = Some(key.to_vec());
            }
            ControlFlow::Continue(())
        })?;
        Ok((found, last.filter(|_| more)))
    }

    fn subjects(
        &self,
        prefix: &Prefix,
        after: Option<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<(Vec<SubjectId>, Option<Vec<u8>>), StoreError> {
        let (found, next) = self.led_to(prefix, after, order, limit)?;
        Ok((found.into_iter().map(SubjectId).collect(), next))
    }

    /// How many index keys begin with this.
    fn count(&self, prefix: &Prefix) -> Result<u64, StoreError> {
        let mut count = 0;
        self.0.index(prefix, None, Order::Up, &mut |_| {
            count += 1;
            ControlFlow::Continue(())
        })?;
        Ok(count)
    }

    fn rows_prefix(batch: Option<BatchId>, status: Option<Status>) -> Prefix {
        let key = match batch {
            Some(batch) => IndexKey::new(Index::StagedByBatch).uuid(batch.0),
            None => IndexKey::new(Index::StagedByStatus),
        };
        match status {
            Some(status) => key.status(status).prefix(),
            None => key.prefix(),
        }
    }

    /// Staged rows that match, decoded, in no particular order.
    pub fn staged_rows(&self, filter: &QueueFilter) -> Result<Vec<Record<StagedRow>>, StoreError> {
        let prefixes: Vec<Prefix> = if filter.statuses.is_empty() {
            vec![Self::rows_prefix(filter.batch, None)]
        } else {
            filter.statuses.iter().map(|status| Self::rows_prefix(filter.batch, Some(*status))).collect()
        };
        let mut rows = Vec::new();
        for prefix in prefixes {
            for subject in self.subjects(&prefix, None, Order::Up, usize::MAX)?.0 {
                rows.extend(Self::typed("staged row", self.record(subject)?)?);
            }
        }
        Ok(rows)
    }

    /// Staged rows that name this donor, in the order they came.
    pub fn staged_rows_of(&self, donor: PersonId) -> Result<Vec<Record<StagedRow>>, StoreError> {
        let prefix = IndexKey::new(Index::StagedByDonor).uuid(donor.0).prefix();
        let mut rows = Vec::new();
        for subject in self.subjects(&prefix, None, Order::Up, usize::MAX)?.0 {
            rows.extend(Self::typed("staged row", self.record(subject)?)?);
        }
        Ok(rows)
    }

    /// How many ready rows are in no batch.
    pub fn ready_outside_batches(&self) -> Result<u64, StoreError> {
        let ready = QueueFilter { statuses: vec![Status::ReadyForProcess], batch: None };
        Ok(self.staged_rows(&ready)?.iter().filter(|row| row.value.batch.is_none()).count() as u64)
    }

    /// Ready rows of a batch in the order they came in, at most `limit`.
    pub fn ready_rows(&self, batch: BatchId, limit: usize) -> Result<Vec<StagedId>, StoreError> {
        let prefix = Self::rows_prefix(Some(batch), Some(Status::ReadyForProcess));
        let mut rows = Vec::new();
        for subject in self.subjects(&prefix, None, Order::Up, limit)?.0 {
            let row: Option<Record<StagedRow>> = Self::typed("staged row", self.record(subject)?)?;
            rows.extend(row.map(|r| r.value.id));
        }
        Ok(rows)
    }

    /// How many rows stand where, in a batch or altogether.
    pub fn staged_count(&self, batch: Option<BatchId>, status: Status) -> Result<u64, StoreError> {
        self.count(&Self::rows_prefix(batch, Some(status)))
    }

    /// Counts and sums of a batch.
    pub fn batch_rows(&self, batch: BatchId) -> Result<BatchRows, StoreError> {
        let mut rows = BatchRows::default();
        for row in self.staged_rows(&QueueFilter { batch: Some(batch), ..QueueFilter::default() })? {
            rows.add(&row.value);
        }
        Ok(rows)
    }

    /// The deliveries of a row as JSON, oldest first.
    pub fn evidence(&self, row: StagedId) -> Result<Vec<Record<String>>, StoreError> {
        let prefix = IndexKey::new(Index::EvidenceByRow).uuid(row.0).prefix();
        let (subjects, _) = self.subjects(&prefix, None, Order::Up, usize::MAX)?;
        let mut found = Vec::with_capacity(subjects.len());
        for subject in subjects {
            found.extend(self.record(subject)?);
        }
        Ok(found)
    }

    /// How many deliveries a row has.
    pub fn evidence_count(&self, row: StagedId) -> Result<u64, StoreError> {
        self.count(&IndexKey::new(Index::EvidenceByRow).uuid(row.0).prefix())
    }

    /// Records of an object, newest change first.
    pub fn newest(
        &self,
        connection: ConnectionId,
        object: Object,
        state: SubjectState,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Page<Record<String>>, StoreError> {
        self.records(self.newest_entries(connection, object, state, after, limit)?)
    }

    /// Entries of the records of an object, newest change first.
    pub fn newest_entries(
        &self,
        connection: ConnectionId,
        object: Object,
        state: SubjectState,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Page<Seq>, StoreError> {
        let prefix = key::newest(connection, object, state).prefix();
        // A cursor of another list would walk foreign keys.
        let after = after.filter(|after| after.starts_with(&prefix.0));
        let (seqs, next) = self.led_to(&prefix, after, Order::Down, limit)?;
        Ok(Page { items: seqs.into_iter().map(Seq).collect(), next })
    }

    /// People of Twenty who have this address, whatever its case.
    pub fn people_by_email(&self, email: &str) -> Result<Vec<Record<Person>>, StoreError> {
        let prefix = key::person_by_email(ConnectionId::TWENTY, &email.trim().to_lowercase()).prefix();
        let mut people = Vec::new();
        for subject in self.subjects(&prefix, None, Order::Up, usize::MAX)?.0 {
            let record: Option<Record<PersonRecord>> = Self::typed("person", self.record(subject)?)?;
            people.extend(record.map(|r| r.map(PersonRecord::into_person)));
        }
        Ok(people)
    }

    /// Gifts of a donor, newest change first.
    pub fn gifts_of(
        &self,
        donor: PersonId,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Page<Record<String>>, StoreError> {
        let prefix = key::gifts_by_donor(ConnectionId::TWENTY, donor).prefix();
        let asked = Asked { as_of: self.last_seq()?, state: None, after, limit };
        self.records(self.newest_of(vec![prefix], &asked)?)
    }

    /// How many gifts of a donor are known.
    pub fn gift_count_of(&self, donor: PersonId) -> Result<u64, StoreError> {
        let prefix = key::gifts_by_donor(ConnectionId::TWENTY, donor).prefix();
        let mut gifts = 0;
        for seq in self.led_to(&prefix, None, Order::Up, usize::MAX)?.0 {
            let header = self.header(seq)?;
            gifts += u64::from(self.0.current(header.subject.0)? == Some(seq));
        }
        Ok(gifts)
    }

    /// How many records of an object stand in a state.
    pub fn object_count(
        &self,
        connection: ConnectionId,
        object: Object,
        state: SubjectState,
    ) -> Result<u64, StoreError> {
        Ok(u64::try_from(self.0.summary(&key::count(connection, object, state))?).unwrap_or(0))
    }

    /// Runs with work to do.
    pub fn active_runs(&self) -> Result<Vec<Record<ProcessRun>>, StoreError> {
        self.runs(&IndexKey::new(Index::ActiveRuns).prefix(), usize::MAX)
    }

    /// Runs of a batch, newest first.
    pub fn runs_of(&self, batch: BatchId, limit: usize) -> Result<Vec<Record<ProcessRun>>, StoreError> {
        self.runs(&IndexKey::new(Index::RunsByBatch).uuid(batch.0).prefix(), limit)
    }

    fn runs(&self, prefix: &Prefix, limit: usize) -> Result<Vec<Record<ProcessRun>>, StoreError> {
        let mut runs = Vec::new();
        for subject in self.subjects(prefix, None, Order::Down, limit)?.0 {
            runs.extend(Self::typed("run", self.record(subject)?)?);
        }
        Ok(runs)
    }

    /// The messages of a run, by row.
    pub fn messages(&self, connection: ConnectionId, run: RunId) -> Result<Vec<Message>, StoreError> {
        let mut messages = Vec::new();
        self.0.working_range(&Prefix(key::outbox(connection, run)), &mut |_, value| {
            messages.push(decode_message(value)?);
            Ok(())
        })?;
        Ok(messages)
    }

    /// The message of one row in a run, while it is on its way.
    pub fn message(
        &self,
        connection: ConnectionId,
        run: RunId,
        row: StagedId,
    ) -> Result<Option<Message>, StoreError> {
        let mut key = key::outbox(connection, run);
        key.extend_from_slice(row.0.as_bytes());
        self.0.working(&key)?.map(|bytes| decode_message(&bytes)).transpose()
    }

    /// Every message on its way, of all runs.
    pub fn all_messages(&self) -> Result<Vec<Message>, StoreError> {
        let mut messages = Vec::new();
        self.0.working_range(&Prefix(key::working(Working::Outbox, &[])), &mut |_, value| {
            messages.push(decode_message(value)?);
            Ok(())
        })?;
        Ok(messages)
    }

    /// How many messages are on their way, over all runs.
    pub fn outbox_len(&self) -> Result<u64, StoreError> {
        let mut count = 0;
        self.0.working_range(&Prefix(key::working(Working::Outbox, &[])), &mut |_, _| {
            count += 1;
            Ok(())
        })?;
        Ok(count)
    }

    /// How far the mirror of an object is.
    pub fn mirror_state(&self, connection: ConnectionId, object: Object) -> Result<MirrorState, StoreError> {
        let slot = key::slot(connection, object);
        if let Some(state) = self.working_text(Working::Mirror, &slot)? {
            return Ok(state);
        }
        let before: Option<SyncStateBefore> = self.working(Working::Sync, &slot)?;
        Ok(before.map(MirrorState::from).unwrap_or_default())
    }

    /// What is known of the workspace behind a connection.
    pub fn workspace(&self, connection: ConnectionId) -> Result<Workspace, StoreError> {
        Ok(self.working_text(Working::Workspace, &connection.0.to_be_bytes())?.unwrap_or_default())
    }

    /// The webhook we registered, and what came of it.
    pub fn hook(&self, connection: ConnectionId) -> Result<Hook, StoreError> {
        Ok(self.working_text(Working::Hook, &connection.0.to_be_bytes())?.unwrap_or_default())
    }

    /// A record that a webhook told of, if it is still to be read.
    pub fn to_read(
        &self,
        connection: ConnectionId,
        object: Object,
        id: Uuid,
    ) -> Result<Option<ToRead>, StoreError> {
        self.working(Working::Inbox, &key::record_slot(connection, object, id))
    }

    /// Records that webhooks told of and that are to be read, by object and id.
    pub fn inbox(
        &self,
        connection: ConnectionId,
        limit: usize,
    ) -> Result<Vec<(Object, Uuid, ToRead)>, StoreError> {
        let rows = self.working_first::<ToRead>(Working::Inbox, &connection.0.to_be_bytes(), limit)?;
        let named = |(key, row): (Vec<u8>, ToRead)| {
            let object = Object::from_number(u16::from_be_bytes([*key.get(2)?, *key.get(3)?]))?;
            Some((object, Uuid::from_bytes(*key.last_chunk::<16>()?), row))
        };
        Ok(rows.into_iter().filter_map(named).collect())
    }

    /// The user who signs in with this address (lower case).
    pub fn user_by_email(&self, email: &str) -> Result<Option<Record<User>>, StoreError> {
        let prefix = IndexKey::new(Index::UserByEmail).bytes(email.as_bytes()).bytes(&[0]).prefix();
        let subject = self.subjects(&prefix, None, Order::Up, 1)?.0.first().copied();
        subject.map_or(Ok(None), |subject| Self::typed("user", self.record(subject)?))
    }

    /// How many users there are.
    pub fn user_count(&self) -> Result<u64, StoreError> {
        self.object_count(ConnectionId::HERE, Object::User, SubjectState::Live)
    }

    /// A working row.
    pub fn working<T: DeserializeOwned>(&self, kind: Working, rest: &[u8]) -> Result<Option<T>, StoreError> {
        self.0.working(&key::working(kind, rest))?.map(|bytes| decode("working row", &bytes)).transpose()
    }

    /// A working row that is kept as JSON text.
    pub fn working_text<T: DeserializeOwned>(
        &self,
        kind: Working,
        rest: &[u8],
    ) -> Result<Option<T>, StoreError> {
        let text: Option<String> = self.working(kind, rest)?;
        text.map(|text| from_json("working row", &text)).transpose()
    }

    /// Whether any secret is sealed here.
    pub fn has_secrets(&self) -> Result<bool, StoreError> {
        self.0.any_secret()
    }

    /// The keys and values of a kind of working rows.
    pub fn working_rows<T: DeserializeOwned>(&self, kind: Working) -> Result<Vec<(Vec<u8>, T)>, StoreError> {
        let mut rows = Vec::new();
        self.0.working_range(&Prefix(key::working(kind, &[])), &mut |key, value| {
            rows.push((key[1..].to_vec(), decode("working row", value)?));
            Ok(())
        })?;
        Ok(rows)
    }

    /// The keys of a kind of working rows, with the length of each value: whatever it holds.
    pub fn working_keys(&self, kind: Working) -> Result<Vec<(Vec<u8>, usize)>, StoreError> {
        let mut rows = Vec::new();
        self.0.working_range(&Prefix(key::working(kind, &[])), &mut |key, value| {
            rows.push((key[1..].to_vec(), value.len()));
            Ok(())
        })?;
        Ok(rows)
    }

    /// The first `limit` keys and values of a kind of working rows that begin with this, in the order of keys.
    pub fn working_first<T: DeserializeOwned>(
        &self,
        kind: Working,
        rest: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, T)>, StoreError> {
        let mut rows = Vec::new();
        self.0.working_some(&Prefix(key::working(kind, rest)), limit, &mut |key, value| {
            rows.push((key[1..].to_vec(), decode("working row", value)?));
            Ok(())
        })?;
        Ok(rows)
    }

    /// A sealed secret, still sealed.
    pub fn sealed(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.secret(name)
    }
}

impl<T> Record<T> {
    /// The same record with another reading of its value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Record<U> {
        let Self { subject, key, seq, state, recorded, value } = self;
        Record { subject, key, seq, state, recorded, value: f(value) }
    }

    pub(super) fn try_map<U>(
        self,
        f: impl FnOnce(T) -> Result<U, StoreError>,
    ) -> Result<Record<U>, StoreError> {
        let Self { subject, key, seq, state, recorded, value } = self;
        Ok(Record { subject, key, seq, state, recorded, value: f(value)? })
    }
}
