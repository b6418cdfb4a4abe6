//! Webhooks of QuickBooks (contract 5): one endpoint for all companies, signed over the raw bytes, in two forms. Only ids
//! come, so that each is a hint where to look.

use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::ground::books::{Entity, EntityId, RealmId};
use crate::ground::time::Instant;

/// Why a webhook is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotBelieved {
    /// It is not signed, or the signature is no base64.
    #[error("the webhook is not signed")]
    Unsigned,
    /// It was signed with another token, or changed on its way.
    #[error("the webhook's signature does not fit")]
    Forged,
}

/// Whether QuickBooks sent these bytes: `intuit-signature` is the base64 of their HMAC-SHA256 with the verifier token, in
/// both forms (contract 5.3). Compared in constant time. It has no time in it: a recorded one can be told again, and only
/// makes us look.
pub fn verify(verifier: &str, signature: Option<&str>, raw: &[u8]) -> Result<(), NotBelieved> {
    use base64::Engine as _;
    let signature = signature.ok_or(NotBelieved::Unsigned)?;
    let signature = base64::engine::general_purpose::STANDARD.decode(signature.trim());
    let signature = signature.map_err(|_| NotBelieved::Unsigned)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, verifier.as_bytes());
    hmac::verify(&key, raw, &signature).map_err(|_| NotBelieved::Forged)
}

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It was deleted.
    Deleted,
    /// Another one became part of it.
    Merged,
    /// It was voided.
    Voided,
    /// It was sent to somebody.
    Emailed,
    /// Nothing is known of it: a person asks for the record to be read again. No webhook says so.
    Asked,
}

impl Operation {
    /// Both forms: `Create` and `created`.
    fn named(word: &str) -> Option<Self> {
        let known = [
            ("create", Self::Created),
            ("update", Self::Updated),
            ("delete", Self::Deleted),
            ("merge", Self::Merged),
            ("void", Self::Voided),
            ("email", Self::Emailed),
        ];
        let word = word.to_ascii_lowercase();
        known.into_iter().find(|(start, _)| word.starts_with(start)).map(|(_, operation)| operation)
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// In which company. Whether that is one of ours is for our own table to say.
    pub realm: RealmId,
    /// Of which kind.
    pub entity: Entity,
    /// Which record.
    pub id: EntityId,
    /// What happened.
    pub operation: Operation,
    /// With a merge: the id that is gone. Documents that named it are read again.
    pub merged_from: Option<EntityId>,
    /// When, as they say.
    pub at: Option<Instant>,
}

/// An event that waits for the next look at its company. Several events of one record are one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// When the first one came.
    pub since: Instant,
    /// When the last one came: a look that began before does not cover it.
    pub last: Instant,
    /// What happened last, in the order they came.
    pub operation: Operation,
    /// With a merge: the id that is gone.
    pub merged_from: Option<EntityId>,
}

/// The body in either form, as far as it is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Payload {
    /// The older form.
    Classic(Classic),
    /// The newer form: a list of cloud events.
    Events(Vec<CloudEvent>),
}

/// The older form: notices by company.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Classic {
    event_notifications: Vec<Notice>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notice {
    realm_id: String,
    data_change_event: Option<Change>,
}

#[derive(Clone, Debug, Deserialize)]
struct Change {
    #[serde(default)]
    entities: Vec<Changed>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    name: String,
    id: String,
    operation: String,
    #[serde(default)]
    deleted_id: Option<String>,
    #[serde(default)]
    last_updated: Option<String>,
}

/// One cloud event.
#[derive(Clone, Debug, Deserialize)]
pub struct CloudEvent {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    time: Option<String>,
    intuitentityid: String,
    intuitaccountid: String,
    #[serde(default)]
    data: Option<Data>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    #[serde(default, alias = "deletedid", alias = "deletedID")]
    deleted_id: Option<String>,
}

/// What a body tells, and how many of its events are about nothing that is mirrored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The events, in the order they came, which is no order of what happened.
    pub events: Vec<Event>,
    /// Others: another kind of record, another operation, or unreadable ids.
    pub others: u32,
}

impl Payload {
    /// What it tells.
    pub fn told(self) -> Told {
        let events: Vec<Option<Event>> = match self {
            Self::Classic(classic) => {
                classic.event_notifications.into_iter().flat_map(Notice::events).collect()
            }
            Self::Events(events) => events.into_iter().map(CloudEvent::event).collect(),
        };
        let others = events.iter().filter(|event| event.is_none()).count();
        Told {
            events: events.into_iter().flatten().collect(),
            others: u32::try_from(others).unwrap_or(u32::MAX),
        }
    }
}

impl Notice {
    fn events(self) -> Vec<Option<Event>> {
        let realm: Option<RealmId> = self.realm_id.parse().ok();
        let changed = self.data_change_event.map(|change| change.entities).unwrap_or_default();
        changed.into_iter().map(|changed| changed.event(realm.clone()?)).collect()
    }
}

impl Changed {
    fn event(self, realm: RealmId) -> Option<Event> {
        Some(Event {
            realm,
            entity: Entity::named(&self.name)?,
            id: EntityId::new(&self.id)?,
            operation: Operation::named(&self.operation)?,
            merged_from: self.deleted_id.as_deref().and_then(EntityId::new),
            at: self.last_updated.and_then(|text| text.parse().ok()),
        })
    }
}

impl CloudEvent {
    /// `qbo.invoice.updated.v1`
    fn event(self) -> Option<Event> {
        let mut words = self.kind.split('.');
        let (rail, entity, operation) = (words.next()?, words.next()?, words.next()?);
        Some(Event {
            realm: self.intuitaccountid.parse().ok()?,
            entity: Entity::named(entity).filter(|_| rail == "qbo")?,
            id: EntityId::new(&self.intuitentityid)?,
            operation: Operation::named(operation)?,
            merged_from: self.data.and_then(|data| data.deleted_id).as_deref().and_then(EntityId::new),
            at: self.time.and_then(|text| text.parse().ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_signed_with_our_token_is_believed() {
        // printf '{"eventNotifications":[]}' | openssl dgst -sha256 -hmac verifier-token -binary | base64
        let (raw, signature) =
            (br#"{"eventNotifications":[]}"#, "PoTD6NkQ7ZMymzly6D5JRrVrHxAE3mCtl20M12uy6iM=");
        assert_eq!(verify("verifier-token", Some(signature), raw), Ok(()));
        assert_eq!(
            verify("verifier-token", Some(signature), b"{\"eventNotifications\":[ ]}"),
            Err(NotBelieved::Forged)
        );
        assert_eq!(verify("other", Some(signature), raw), Err(NotBelieved::Forged));
        assert_eq!(verify("verifier-token", Some("!"), raw), Err(NotBelieved::Unsigned));
        assert_eq!(verify("verifier-token", None, raw), Err(NotBelieved::Unsigned));
    }
}
