//! A company that was connected: who it is to us, kept apart from its tokens, which are sealed (contract 1).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::id::{Entity, EntityId, RealmId};
use crate::ground::id::{ConnectionId, ConnectionKey, Object, Origin, local_id};
use crate::ground::money::Currency;
use crate::ground::time::{CalendarDate, Instant, Zone};

/// A company of QuickBooks as we know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connected {
    /// Its identity: the namespace of every key we choose there.
    pub key: ConnectionKey,
    /// Its number here: ids of two companies never meet.
    pub connection: ConnectionId,
    /// Which company.
    pub realm: RealmId,
    /// What it is called there, once that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// In which currency it keeps its books, once that was read. Never assumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<Currency>,
    /// Its own zone, where it tells one; else the organisation's counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Since when.
    pub connected_at: Instant,
    /// When a person disconnected it; its books stay, to be read only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disconnected_at: Option<Instant>,
}

impl Connected {
    /// A company that was connected just now.
    pub const fn new(key: ConnectionKey, connection: ConnectionId, realm: RealmId, now: Instant) -> Self {
        Self {
            key,
            connection,
            realm,
            name: None,
            home: None,
            zone: None,
            connected_at: now,
            disconnected_at: None,
        }
    }

    /// The id of what is kept of it here: one company is connected once, however often a person does it again.
    pub fn id_of(realm: &RealmId) -> Uuid {
        named(Object::Company, realm.as_str())
    }

    /// The name for people: its own, else its number.
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(self.realm.as_str())
    }

    /// Its zone, else the organisation's.
    pub fn zone_or(&self, organisation: &Zone) -> Zone {
        let own = self.zone.as_deref().and_then(|name| Zone::named(name).ok());
        own.unwrap_or_else(|| organisation.clone())
    }

    /// The id under which the balances of a day are kept.
    pub fn balances_id(&self, day: CalendarDate) -> Uuid {
        named(Object::Balances, &format!("{}/{day}", self.realm))
    }

    /// The id under which one of its records is set aside; `id` is the record's own, or what stands for it.
    pub fn aside_id(&self, entity: Entity, id: &str) -> Uuid {
        named(Object::BooksAside, &format!("{}/{}/{id}", self.realm, entity.name()))
    }

    /// The name of the sealed tokens of a company.
    pub fn secret_name(realm: &RealmId) -> String {
        format!("qbo.tokens.{realm}")
    }
}

/// An id that follows from a name.
pub(in crate::ground) fn named(object: Object, name: &str) -> Uuid {
    let hash = blake3::hash(name.as_bytes());
    let mut origin = [0; 16];
    origin.copy_from_slice(&hash.as_bytes()[..16]);
    local_id(object, Origin(origin))
}

/// What the accounts of a company held on a day, as QuickBooks said (finance 1.2). One a day is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Balances {
    /// Whose.
    pub realm: RealmId,
    /// Of which day, in the company's zone.
    pub day: CalendarDate,
    /// By account.
    pub accounts: Vec<AccountBalance>,
}

/// What one account held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountBalance {
    /// Which account.
    pub id: EntityId,
    /// Its name.
    pub name: String,
    /// Its type, in QuickBooks' words.
    pub kind: String,
    /// Whether it is in use.
    pub active: bool,
    /// Of which currency.
    pub currency: Currency,
    /// The amount in decimals; debits count as plus (contract 7.3).
    pub amount: String,
}

/// A record that cannot be read as what it should be. The mirror keeps the last version that could.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BooksAside {
    /// Whose.
    pub realm: RealmId,
    /// Of which kind it came.
    pub entity: Entity,
    /// Its id, where it has one that can be read.
    pub id: Option<EntityId>,
    /// The name of what is wrong, which does not change.
    pub code: String,
    /// What is wrong, in plain words.
    pub reason: String,
    /// Its text as it came.
    pub text: String,
    /// When it was first seen so.
    pub since: Instant,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_is_one_however_often_it_is_connected_and_two_are_two() {
        let realm = |text: &str| text.parse::<RealmId>().unwrap();
        assert_eq!(Connected::id_of(&realm("123")), Connected::id_of(&realm("123")));
        assert_ne!(Connected::id_of(&realm("123")), Connected::id_of(&realm("124")));
        let company = |text: &str| {
            Connected::new(ConnectionKey(Uuid::nil()), ConnectionId::BOOKS_FIRST, realm(text), Instant(0))
        };
        let day = "2026-05-05".parse().unwrap();
        assert_ne!(company("1").balances_id(day), company("2").balances_id(day));
        assert_ne!(company("1").aside_id(Entity::Bill, "7"), company("2").aside_id(Entity::Bill, "7"));
        assert_ne!(company("1").aside_id(Entity::Bill, "7"), company("1").aside_id(Entity::Invoice, "7"));
    }

    #[test]
    fn a_zone_that_is_none_leaves_the_organisations() {
        let organisation = Zone::named("Europe/London").unwrap();
        let realm: RealmId = "1".parse().unwrap();
        let mut company =
            Connected::new(ConnectionKey(Uuid::nil()), ConnectionId::BOOKS_FIRST, realm, Instant(0));
        assert_eq!((company.zone_or(&organisation).name(), company.label()), ("Europe/London", "1"));
        company.zone = Some("America/Los_Angeles".into());
        assert_eq!(company.zone_or(&organisation).name(), "America/Los_Angeles");
        company.zone = Some("Nowhere".into());
        assert_eq!(company.zone_or(&organisation).name(), "Europe/London");
    }
}
