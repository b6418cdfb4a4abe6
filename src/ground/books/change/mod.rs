//! A change of the books that was asked for here: what is wanted, how it meets what others did there meanwhile, how far it
//! is, and how it is undone (contract 2, 7.2; finance 1.1).
//!
//! A record is changed field by field, each resting on what whoever asked saw. What is made anew is a vendor or the record
//! of a payment that was made elsewhere. Nothing is deleted from here but what was made from here, as its undoing.

mod fields;
mod make;
mod slot;

pub use fields::{Clash, Judged, SetField, apply, inverse, judge};
pub use make::{New, NewPayment, NewVendor, PaidBill, PaidFrom};
pub use slot::{Held, NoSuchSlot, Slot, Takes};

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::id::{Entity, EntityId, RealmId, SyncToken};
use super::{Connected, Record};
use crate::ground::id::{ConnectionKey, Object, Origin, local_id, upstream_key};
use crate::ground::journal::Actor;
use crate::ground::money::Currency;
use crate::ground::time::Instant;

/// So long a change can be undone from here, in milliseconds.
pub const UNDO_MS: i64 = 86_400_000;
/// A write that failed so often stands in the list of what needs a person (finance 10.23).
pub const FAILURES_MAX: u32 = 3;
/// The pauses between attempts whose outcome is not known, in milliseconds.
const PAUSES_MS: [i64; 3] = [10_000, 60_000, 300_000];

/// What only the rail knows: the texts in which records are kept and requests are sent.
pub trait Texts: fmt::Debug + Send + Sync {
    /// A record of the mirror; none when it cannot be read.
    fn record(&self, entity: Entity, text: &str, home: Currency) -> Option<Record>;
    /// What would be sent for a change, on the record as it is; none when nothing would be, or nothing can be.
    fn request(&self, act: &Act, record: Option<&Record>, company: &Connected) -> Option<Request>;
}

/// A request as it would be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The address behind the host, but for the key of the request.
    pub path: String,
    /// The body.
    pub body: String,
}

/// A change of the books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BooksChange {
    /// Our id.
    pub id: Uuid,
    /// Whose books.
    pub realm: RealmId,
    /// What is wanted.
    pub act: Act,
    /// Why, in the words of whoever asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who asked.
    pub by: Actor,
    /// When.
    pub at: Instant,
    /// The request it came with.
    pub request_id: Option<String>,
    /// How far it is.
    pub state: State,
    /// The last request that was sent, or was about to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
    /// How many different requests it took so far: each has a key of its own.
    #[serde(default)]
    pub generation: u32,
    /// How often in a row the outcome was not known.
    #[serde(default)]
    pub failures: u32,
    /// Nothing before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Instant>,
    /// What a person should know about it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What would undo it, once it is done and where something can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inverse: Option<Act>,
    /// The change that this one undoes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<Uuid>,
}

/// What is wanted of the books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Act {
    /// Fields of a record.
    Set {
        /// Of which kind it is.
        entity: Entity,
        /// Its id.
        record: EntityId,
        /// The fields.
        fields: Vec<SetField>,
    },
    /// A record that is not there yet.
    Make(New),
    /// A document that was made from here is to go, if nobody changed it since.
    Delete {
        /// Of which kind it is.
        entity: Entity,
        /// Its id.
        record: EntityId,
        /// The version it had when it was made.
        token: SyncToken,
    },
}

impl Act {
    /// The record it is about, where that is known before.
    pub const fn record(&self) -> (Entity, Option<&EntityId>) {
        match self {
            Self::Set { entity, record, .. } | Self::Delete { entity, record, .. } => (*entity, Some(record)),
            Self::Make(new) => (new.entity(), None),
        }
    }
}

/// A request as it was, or is about to be, sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Its key: a repeat under the same key answers what the first one did, and does nothing (contract 2).
    pub key: Uuid,
    /// Its body.
    pub body: String,
    /// The version it rests on; none of what is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SyncToken>,
    /// The record as it was read for it, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// When it was stored.
    pub at: Instant,
}

/// How far a change is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// To be judged against the record as it is, and sent.
    Waiting,
    /// Under way: it may have arrived. Written before every call; the request is in the attempt.
    Sent,
    /// Somebody else changed the same there; a person decides.
    Conflict {
        /// The fields.
        fields: Vec<Clash>,
    },
    /// Its outcome was not known several times in a row: a person asks again under the same key, or gives it up.
    Stuck {
        /// What was answered last.
        said: String,
    },
    /// QuickBooks does not take it; nothing was done.
    Refused {
        /// Why, in plain words.
        said: String,
    },
    /// QuickBooks has it.
    Done {
        /// Since when we know.
        at: Instant,
        /// The record it is about.
        record: EntityId,
    },
    /// A person took it back before it was sent, or gave it up.
    Withdrawn,
}

impl State {
    /// The word of the API.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Conflict { .. } => "conflict",
            Self::Stuck { .. } => "stuck",
            Self::Refused { .. } => "refused",
            Self::Done { .. } => "done",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Whether a run goes on with it by itself.
    pub const fn travels(&self) -> bool {
        matches!(self, Self::Waiting | Self::Sent)
    }

    /// Whether a person has to act.
    pub const fn needs_a_person(&self) -> bool {
        matches!(self, Self::Conflict { .. } | Self::Stuck { .. } | Self::Refused { .. })
    }

    /// Whether it is over.
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Withdrawn)
    }
}

impl BooksChange {
    /// The id of the change that undoes another one: there is one at most.
    pub fn undo_id(of: Uuid) -> Uuid {
        let mut name = of.into_bytes();
        name.reverse();
        local_id(Object::BooksChange, Origin(name))
    }

    /// The key of the next request: it follows from the change and how many there were, so that a ledger that was restored
    /// asks under the same one.
    pub fn next_key(&self, company: ConnectionKey) -> Uuid {
        let purpose = format!("write-{}", self.generation + 1);
        upstream_key(company, Object::BooksChange, Origin(self.id.into_bytes()), &purpose)
    }

    /// A request is about to be sent: from here on it may have arrived.
    pub fn send(
        &mut self,
        company: &Connected,
        body: String,
        before: Option<(SyncToken, String)>,
        now: Instant,
    ) {
        let key = self.next_key(company.key);
        self.generation += 1;
        let (token, before) = before.unzip();
        self.attempt = Some(Attempt { key, body, token, before, at: now });
        self.state = State::Sent;
        (self.note, self.not_before) = (None, None);
    }

    /// The request certainly did nothing, since the record is of another version: judged anew, with another key.
    pub fn stale(&mut self) {
        self.state = State::Waiting;
        self.note = Some("Somebody changed the record meanwhile; it is being read again.".into());
    }

    /// The outcome is not known: the same request again after a pause, or a person.
    pub fn unknown(&mut self, said: &str, now: Instant) {
        let pause = PAUSES_MS[(self.failures as usize).min(PAUSES_MS.len() - 1)];
        self.failures += 1;
        self.not_before = Some(now.plus_millis(pause));
        self.note = Some(format!(
            "It is not known whether QuickBooks took this ({said}). It is asked again under the same key, which does nothing twice."
        ));
        if self.failures >= FAILURES_MAX {
            (self.not_before, self.note) = (None, None);
            self.state = State::Stuck { said: said.to_owned() };
        }
    }

    /// QuickBooks does not take it.
    pub fn refuse(&mut self, said: String) {
        self.state = State::Refused { said };
        (self.note, self.not_before) = (None, None);
    }

    /// QuickBooks has it.
    pub fn done(&mut self, record: EntityId, inverse: Option<Act>, now: Instant) {
        self.state = State::Done { at: now, record };
        self.inverse = inverse;
        (self.note, self.not_before, self.failures) = (None, None, 0);
    }

    /// A person asks for it again. What may have arrived goes under the key it had; what was refused is judged anew.
    pub fn again(&mut self) {
        self.state = match self.state {
            State::Stuck { .. } => State::Sent,
            _ => State::Waiting,
        };
        (self.failures, self.not_before, self.note) = (0, None, None);
    }

    /// Whether it may have arrived and nobody knows.
    pub const fn may_be_there(&self) -> bool {
        matches!(self.state, State::Sent | State::Stuck { .. })
    }

    /// Until when it can be undone; none when it cannot.
    pub fn undo_until(&self) -> Option<Instant> {
        match self.state {
            State::Done { at, .. } if self.inverse.is_some() => Some(at.plus_millis(UNDO_MS)),
            _ => None,
        }
    }

    /// Whether a run may go on with it now.
    pub fn is_due(&self, now: Instant) -> bool {
        self.state.travels() && self.not_before.is_none_or(|until| until <= now)
    }
}

#[cfg(test)]
mod tests;
