//! Fields that somebody wants otherwise, and how they meet the record as it is now.

use serde::{Deserialize, Serialize};

use super::slot::{Held, NoSuchSlot, Slot};
use crate::ground::books::{Entity, Record};

/// A field as it is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetField {
    /// Which one.
    pub slot: Slot,
    /// What whoever asked saw there; nothing when it was empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Held>,
    /// What they want there; nothing to empty it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Held>,
}

/// One field that two changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Clash {
    /// Which one.
    pub slot: Slot,
    /// What is wanted here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub here: Option<Held>,
    /// What stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub there: Option<Held>,
}

/// What becomes of a change of fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// All of it stands there as wanted.
    Already,
    /// These are to be sent; the others stand there as wanted.
    Send(Vec<SetField>),
    /// Two changed the same: nothing is sent before a person decides.
    Clashes(Vec<Clash>),
}

/// Brings wanted fields together with the record as it was just read: as wanted, as it was seen, or something else.
pub fn judge(fields: &[SetField], record: &Record) -> Result<Judged, NoSuchSlot> {
    let (mut send, mut clashes) = (Vec::new(), Vec::new());
    for field in fields {
        let there = field.slot.held(record)?;
        if there == field.value {
            continue;
        }
        if there == field.base {
            send.push(field.clone());
        } else {
            clashes.push(Clash { slot: field.slot.clone(), here: field.value.clone(), there });
        }
    }
    Ok(match (send.is_empty(), clashes.is_empty()) {
        (_, false) => Judged::Clashes(clashes),
        (true, true) => Judged::Already,
        (false, true) => Judged::Send(send),
    })
}

/// The record with the fields as wanted.
pub fn apply(fields: &[SetField], record: &Record) -> Result<Record, NoSuchSlot> {
    let mut after = record.clone();
    for field in fields {
        field.slot.put(&mut after, field.value.as_ref())?;
    }
    Ok(after)
}

/// What would bring the fields back from how they stand afterwards to how they stood before. A name that goes out of use is
/// renamed by QuickBooks, so that it is brought back too (contract 3.4).
pub fn inverse(fields: &[SetField], before: &Record, after: &Record) -> Result<Vec<SetField>, NoSuchSlot> {
    let mut slots: Vec<Slot> = fields.iter().map(|field| field.slot.clone()).collect();
    let is_name = matches!(after.body.entity(), Entity::Customer | Entity::Vendor);
    if is_name && slots.contains(&Slot::Active) && !slots.contains(&Slot::Name) {
        slots.push(Slot::Name);
    }
    let mut back = Vec::new();
    for slot in slots {
        let (base, value) = (slot.held(after)?, slot.held(before)?);
        if base != value {
            back.push(SetField { slot, base, value });
        }
    }
    Ok(back)
}
