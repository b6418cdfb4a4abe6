//! What can be worked out of a change before anything is written: what happened, the diff, the packed body, the
//! index keys. Pure, so that a large write is spread over the cores.

use super::changes::{Put, What};
use super::codec::{Body, Entry, Header, Image, body_hash, decode_entry, encode_body};
use super::derive::{Keys, keys};
use super::diff::diff;
use super::error::StoreError;
use crate::ground::id::SubjectId;
use crate::ground::journal::{Cause, Op, SubjectState};
use crate::ground::time::Instant;

/// Changes of one write from which a second core pays.
const SPREAD_FROM: usize = 16;

/// A change with what was there before it.
pub(super) struct Slot {
    pub(super) put: Put,
    pub(super) before: Option<Before>,
    pub(super) salt: [u8; 16],
}

/// The newest entry of a subject, as it stands in the journal.
pub(super) struct Before {
    pub(super) subject: u64,
    pub(super) seq: u64,
    pub(super) value: Vec<u8>,
}

/// A change worked out, but for its place in the journal.
pub(super) struct Prepared {
    pub(super) header: Header,
    /// The body as it is written.
    pub(super) body: Vec<u8>,
    pub(super) json: String,
    pub(super) keys: Keys,
    pub(super) before: Option<Prior>,
}

/// What the entry before leaves to be tidied up.
pub(super) struct Prior {
    pub(super) subject: u64,
    pub(super) seq: u64,
    pub(super) state: SubjectState,
    pub(super) keys: Keys,
}

/// Works out each slot; nothing for a change that changes nothing. On two cores where that pays.
pub(super) fn prepare_all(slots: Vec<Slot>, cause: &Cause) -> Result<Vec<Option<Prepared>>, StoreError> {
    let all = |slots: Vec<Slot>| slots.into_iter().map(|slot| prepare(slot, cause)).collect();
    if slots.len() < SPREAD_FROM {
        return all(slots);
    }
    let mut first = slots;
    let second = first.split_off(first.len() / 2);
    std::thread::scope(|scope| {
        let second = scope.spawn(|| all(second));
        let mut prepared: Vec<_> = all(first)?;
        let stopped = || StoreError::Unavailable("a change could not be worked out; nothing was kept".into());
        let second: Result<Vec<_>, _> = second.join().map_err(|_| stopped())?;
        prepared.append(&mut second?);
        Ok(prepared)
    })
}

/// Works out one change.
pub(super) fn prepare(slot: Slot, cause: &Cause) -> Result<Option<Prepared>, StoreError> {
    let Slot { put, before, salt } = slot;
    let entry = before.as_ref().map(|before| decode_entry(&before.value)).transpose()?;
    let state_before = entry.as_ref().map(|entry| entry.header.op.state_after());
    let Some(op) = op_of(put.what, state_before) else { return Ok(None) };
    let json_before = entry.as_ref().and_then(Entry::json);
    // A write that changes nothing writes nothing.
    if json_before == Some(put.json.as_str()) && state_before == Some(op.state_after()) {
        return Ok(None);
    }
    let changed = json_before.map_or_else(Vec::new, |json| diff(json, &put.json));
    let prior = match (&before, &entry) {
        (Some(before), Some(entry)) => Some(prior(before, entry)?),
        _ => None,
    };
    // The subject of a new record, the time and the place in the journal are given when it is written.
    let subject = SubjectId(before.as_ref().map_or(0, |before| before.subject));
    let mut header = Header::new(subject, put.key, op, cause, Instant(0));
    header.previous = before.as_ref().map(|before| before.seq);
    header.valid = put.valid;
    let body = Body::Kept { salt, diff: changed, image: Image::Json(put.json) };
    header.body_hash = body_hash(&body);
    let encoded = encode_body(&body, header.key.uuid())?;
    let Body::Kept { image: Image::Json(json), .. } = body else { return Ok(None) };
    let keys = keys(&header, Some(&json))?;
    Ok(Some(Prepared { header, body: encoded, json, keys, before: prior }))
}

/// What the newest entry leaves to be tidied up by the next one.
pub(super) fn prior(before: &Before, entry: &Entry) -> Result<Prior, StoreError> {
    Ok(Prior {
        subject: before.subject,
        seq: before.seq,
        state: entry.header.op.state_after(),
        keys: keys(&entry.header, entry.json())?,
    })
}

/// What a change means, given where the subject stood; nothing when it is not taken in.
const fn op_of(what: What, before: Option<SubjectState>) -> Option<Op> {
    match (what, before) {
        // Whoever was erased does not come back by a sync.
        (What::Seen { .. }, Some(SubjectState::Erased))
        // A record that was merged away is deleted there too; its old id still leads somewhere.
        | (What::Seen { deleted: true }, Some(SubjectState::Merged)) => None,
        (What::Op(op), _) => Some(op),
        (What::Seen { deleted: true }, _) => Some(Op::Deleted),
        (What::Seen { deleted: false }, None) => Some(Op::Created),
        (What::Seen { deleted: false }, Some(SubjectState::Live)) => Some(Op::Updated),
        (What::Seen { deleted: false }, Some(SubjectState::Pending)) => Some(Op::Confirmed),
        (
            What::Seen { deleted: false },
            Some(SubjectState::Deleted | SubjectState::Gone | SubjectState::Merged),
        ) => Some(Op::Restored),
    }
}
