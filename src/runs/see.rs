//! Takes a record of Twenty into the mirror, and sets aside what cannot be read as what it should be.

use uuid::Uuid;

use crate::ground::crm::{GiftRecord, PersonRecord, RecordHead};
use crate::ground::id::{ConnectionId, Object, Origin, SubjectKey, local_id};
use crate::ground::journal::SubjectState;
use crate::ground::quarantine::Quarantined;
use crate::ground::texts;
use crate::ground::time::Instant;
use crate::rails::RawRecord;
use crate::store::{Changes, Ledger, StoreError, View};

/// What a record is to the mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// The mirror did not have it.
    New,
    /// The mirror had it otherwise.
    Changed,
    /// The mirror has it so.
    Same,
    /// It is not taken in: it was erased here, or what is here is newer than the answer.
    Left,
}

/// What a record is to the mirror. The mirror never goes back in time: what was stored after we asked (by another pass,
/// or by the answer to our own write) and is newer there stays. Times of change alone do not decide, since other
/// programs may write them.
pub(super) fn meet(
    ledger: &Ledger<'_>,
    object: Object,
    record: &RawRecord,
    asked_at: Instant,
) -> Result<Met, StoreError> {
    let key = SubjectKey::twenty(object, record.id);
    let Some(subject) = ledger.subject(&key)? else { return Ok(Met::New) };
    let Some(known) = ledger.record(subject)? else { return Ok(Met::Left) };
    let state = if record.deleted { SubjectState::Deleted } else { SubjectState::Live };
    if known.state == state && known.value == record.json {
        return Ok(Met::Same);
    }
    if known.state == SubjectState::Merged && record.deleted {
        return Ok(Met::Left);
    }
    if known.state == SubjectState::Merged && known.recorded > asked_at {
        // It was told before it was merged.
        return Ok(Met::Left);
    }
    if known.recorded > asked_at {
        let here = serde_json::from_str::<RecordHead>(&known.value).ok().and_then(|head| head.updated());
        if here.zip(record.updated).is_some_and(|(here, told)| told < here) {
            return Ok(Met::Left);
        }
    }
    Ok(if known.state == SubjectState::Gone { Met::New } else { Met::Changed })
}

/// Takes a record into the mirror as Twenty told it when asked at `asked_at`.
pub(super) fn see(
    view: &View<'_>,
    changes: &mut Changes,
    object: Object,
    record: &RawRecord,
    asked_at: Instant,
) -> Result<Met, StoreError> {
    let met = meet(view.ledger(), object, record, asked_at)?;
    if matches!(met, Met::New | Met::Changed) {
        let key = SubjectKey::twenty(object, record.id);
        changes.seen(key, record.json.clone(), record.deleted, record.updated);
        set_aside(view, changes, object, record)?;
    }
    Ok(met)
}

/// The name under which a record is set aside.
pub(super) fn quarantine_id(object: Object, record: Uuid) -> Uuid {
    local_id(object, Origin(record.into_bytes()))
}

/// Why a record does not read as what it is, in plain words; none when it does.
fn fault_of(object: Object, json: &str) -> Option<String> {
    let fault = match object {
        Object::People => serde_json::from_str::<PersonRecord>(json).err().map(|_| texts::NOT_ITS_SHAPE),
        Object::Gifts => match serde_json::from_str::<GiftRecord>(json) {
            Err(_) => Some(texts::NOT_ITS_SHAPE),
            Ok(gift) => gift.fault(),
        },
        _ => None,
    };
    fault.map(str::to_owned)
}

/// Opens an issue for a record that does not read as what it is, and closes it when it does again.
fn set_aside(
    view: &View<'_>,
    changes: &mut Changes,
    object: Object,
    record: &RawRecord,
) -> Result<(), StoreError> {
    let id = quarantine_id(object, record.id);
    let known = view.ledger().quarantined(id)?;
    let reason = if record.deleted { None } else { fault_of(object, &record.json) };
    match (reason, known) {
        (Some(reason), known) => {
            let since = known.as_ref().map_or_else(|| view.world.now(), |known| known.since);
            let issue = Quarantined { object: object.word().into(), record: Some(record.id), reason, since };
            if known.is_none() {
                changes.open(Object::Quarantine, id, &issue)
            } else {
                changes.update(Object::Quarantine, id, &issue)
            }
        }
        (None, Some(known)) => changes.remove(Object::Quarantine, id, &known),
        (None, None) => Ok(()),
    }
}

/// Opens an issue for something on a page that cannot even be named.
pub(super) fn set_aside_nameless(
    view: &View<'_>,
    changes: &mut Changes,
    object: Object,
    text: &str,
) -> Result<(), StoreError> {
    let hash = blake3::hash(text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    let id = quarantine_id(object, Uuid::from_bytes(bytes));
    if view.ledger().quarantined(id)?.is_some() {
        return Ok(());
    }
    let reason = texts::NO_READABLE_ID.to_owned();
    let issue = Quarantined { object: object.word().into(), record: None, reason, since: view.world.now() };
    changes.open(Object::Quarantine, id, &issue)
}

/// Where a record's rows among the working rows are.
pub(super) fn slot(object: Object, id: Uuid) -> Vec<u8> {
    let mut slot = object_slot(object).to_vec();
    slot.extend_from_slice(id.as_bytes());
    slot
}

/// Where an object's rows among the working rows are.
pub(super) fn object_slot(object: Object) -> [u8; 4] {
    let ([a, b], [c, d]) = (ConnectionId::TWENTY.0.to_be_bytes(), object.number().to_be_bytes());
    [a, b, c, d]
}
