//! What a write wants, as a value. A refusal leaves nothing, since nothing was in hand.

use serde::Serialize;
use uuid::Uuid;

use super::codec::{encode, to_json};
use super::error::StoreError;
use super::key;
use super::tables::Working;
use crate::ground::id::{ConnectionId, ForeignId, Object, PersonId, Seq, SubjectKey};
use crate::ground::journal::{Actor, Cause, MergedInto, Op};
use crate::ground::mirror::MirrorState;
use crate::ground::outbox::Message;
use crate::ground::time::Instant;
use crate::ground::webhook::twenty::ToRead;
use crate::ground::workspace::Workspace;

/// Everything one write does: journal entries with what follows from them, and working rows.
#[derive(Debug)]
pub struct Changes {
    pub(super) cause: Cause,
    pub(super) puts: Vec<Put>,
    pub(super) erasures: Vec<Erasure>,
    pub(super) working: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    pub(super) secrets: Vec<(String, Option<Vec<u8>>)>,
    pub(super) asks: bool,
}

/// One record as it is after the change.
#[derive(Debug)]
pub(super) struct Put {
    pub(super) key: SubjectKey,
    pub(super) what: What,
    pub(super) json: String,
    pub(super) valid: Option<Instant>,
    pub(super) basis: Basis,
}

/// A record to erase.
#[derive(Debug)]
pub(super) struct Erasure {
    pub(super) key: SubjectKey,
    pub(super) ground: String,
}

/// What happened to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The caller knows.
    Op(Op),
    /// It was seen in the system it belongs to; what happened follows from what was known before.
    Seen {
        /// Whether it is soft-deleted there.
        deleted: bool,
    },
}

/// What the change was built on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    /// Whatever is newest: the closure has just read it.
    Newest,
    /// This entry must still be the newest.
    At(Seq),
    /// The record must not exist.
    New,
}

impl Changes {
    /// No changes yet, made by `cause`.
    pub fn new(cause: Cause) -> Self {
        Self {
            cause,
            puts: Vec::new(),
            erasures: Vec::new(),
            working: Vec::new(),
            secrets: Vec::new(),
            asks: false,
        }
    }

    fn put(&mut self, key: SubjectKey, what: What, json: String, basis: Basis) {
        self.puts.push(Put { key, what, json, valid: None, basis });
    }

    /// A new record of ours.
    pub fn create<T: Serialize>(&mut self, object: Object, id: Uuid, value: &T) -> Result<(), StoreError> {
        self.put(SubjectKey::here(object, id), What::Op(Op::Created), to_json(value)?, Basis::New);
        Ok(())
    }

    /// A record of ours that is there again, or for the first time.
    pub fn open<T: Serialize>(&mut self, object: Object, id: Uuid, value: &T) -> Result<(), StoreError> {
        self.put(SubjectKey::here(object, id), What::Op(Op::Created), to_json(value)?, Basis::Newest);
        Ok(())
    }

    /// A foreign record that is gone for good: `json` is what it was.
    pub fn destroyed(&mut self, key: SubjectKey, json: String) {
        self.put(key, What::Op(Op::Destroyed), json, Basis::Newest);
    }

    /// A record of ours that the closure has just read and changed.
    pub fn update<T: Serialize>(&mut self, object: Object, id: Uuid, value: &T) -> Result<(), StoreError> {
        self.put(SubjectKey::here(object, id), What::Op(Op::Updated), to_json(value)?, Basis::Newest);
        Ok(())
    }

    /// A record of ours as changed by somebody who read the entry `basis`.
    pub fn update_at<T: Serialize>(
        &mut self,
        object: Object,
        id: Uuid,
        value: &T,
        basis: Seq,
    ) -> Result<(), StoreError> {
        self.put(SubjectKey::here(object, id), What::Op(Op::Updated), to_json(value)?, Basis::At(basis));
        Ok(())
    }

    /// A record of ours that is gone.
    pub fn remove<T: Serialize>(&mut self, object: Object, id: Uuid, value: &T) -> Result<(), StoreError> {
        self.put(SubjectKey::here(object, id), What::Op(Op::Destroyed), to_json(value)?, Basis::Newest);
        Ok(())
    }

    /// A foreign record as its system tells it: `json` is its own text, `valid` its own time of change.
    pub fn seen(&mut self, key: SubjectKey, json: String, deleted: bool, valid: Option<Instant>) {
        self.puts.push(Put { key, what: What::Seen { deleted }, json, valid, basis: Basis::Newest });
    }

    /// A foreign record of ours that is on its way there.
    pub fn pending(&mut self, key: SubjectKey, json: String) {
        self.put(key, What::Op(Op::Pending), json, Basis::Newest);
    }

    /// A pending record that did not arrive.
    pub fn withdrawn(&mut self, key: SubjectKey, json: String) {
        self.put(key, What::Op(Op::Withdrawn), json, Basis::Newest);
    }

    /// A record that is part of another one of its object now: its id leads there from now on.
    pub fn merged(&mut self, loser: SubjectKey, winner: &ForeignId) -> Result<(), StoreError> {
        let image = to_json(&MergedInto { merged_into: winner.to_string() })?;
        self.put(loser, What::Op(Op::Merged), image, Basis::Newest);
        Ok(())
    }

    /// Erases everything the ledger holds of a record, in all its versions. The entries stay as stubs, so that the
    /// chain can still be verified, and the record does not come back by a sync, even if it was never here. `ground`
    /// says why, without a name: it is kept.
    pub fn erase(&mut self, key: SubjectKey, ground: &str) {
        self.erasures.push(Erasure { key, ground: ground.to_owned() });
    }

    /// A working row; `None` removes it.
    pub fn working<T: Serialize>(
        &mut self,
        kind: Working,
        rest: &[u8],
        value: Option<&T>,
    ) -> Result<(), StoreError> {
        let value = value.map(encode).transpose()?;
        self.working.push((key::working(kind, rest), value));
        Ok(())
    }

    /// A working row kept as JSON text, so that it can grow fields; `None` removes it.
    pub fn working_text<T: Serialize>(
        &mut self,
        kind: Working,
        rest: &[u8],
        value: Option<&T>,
    ) -> Result<(), StoreError> {
        self.working(kind, rest, value.map(to_json).transpose()?.as_ref())
    }

    /// How far the mirror of an object is.
    pub fn mirror_state(
        &mut self,
        connection: ConnectionId,
        object: Object,
        state: &MirrorState,
    ) -> Result<(), StoreError> {
        self.working_text(Working::Mirror, &key::slot(connection, object), Some(state))
    }

    /// A record that a webhook told of and that is to be read; `None` when it was.
    pub fn to_read(
        &mut self,
        connection: ConnectionId,
        object: Object,
        id: Uuid,
        row: Option<&ToRead>,
    ) -> Result<(), StoreError> {
        self.working(Working::Inbox, &key::record_slot(connection, object, id), row)
    }

    /// What two people were found to be worth to each other, in thousandths of a bit; `None`: they are not alike any more.
    pub fn alike(&mut self, one: PersonId, other: PersonId, bits: Option<i64>) -> Result<(), StoreError> {
        for (left, right) in [(one, other), (other, one)] {
            let slot = [left.0.as_bytes().as_slice(), right.0.as_bytes()].concat();
            self.working(Working::Alike, &slot, bits.as_ref())?;
        }
        Ok(())
    }

    /// What is known of the workspace behind a connection.
    pub fn workspace(&mut self, connection: ConnectionId, workspace: &Workspace) -> Result<(), StoreError> {
        self.working_text(Working::Workspace, &connection.0.to_be_bytes(), Some(workspace))
    }

    /// A message on its way, or (with `keep` false) one whose outcome is stored.
    pub fn message(
        &mut self,
        connection: ConnectionId,
        message: &Message,
        keep: bool,
    ) -> Result<(), StoreError> {
        let mut bytes = key::outbox(connection, message.run);
        bytes.extend_from_slice(message.row.0.as_bytes());
        self.working.push((bytes, if keep { Some(encode(message)?) } else { None }));
        Ok(())
    }

    /// A sealed secret; `None` removes it.
    pub fn secret(&mut self, name: &str, sealed: Option<Vec<u8>>) {
        self.secrets.push((name.to_owned(), sealed));
    }

    /// Who makes them.
    pub const fn actor(&self) -> &Actor {
        &self.cause.actor
    }

    /// The request that led to these changes.
    pub fn request_id(&self) -> Option<&str> {
        self.cause.request_id.as_deref()
    }

    /// Somebody asks for a run's work: the supervisor is woken after the commit.
    pub const fn ask(&mut self) {
        self.asks = true;
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.erasures.is_empty() && self.working.is_empty() && self.secrets.is_empty()
    }
}
