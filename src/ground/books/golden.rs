//! That a person or a company of Twenty and a customer or a vendor of QuickBooks are the same: said by somebody, kept apart
//! from both, and taken back at any time (finance 7.5, 7.6).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::connected::named;
use super::id::{Entity, EntityId, RealmId};
use crate::ground::id::Object;
use crate::ground::journal::Actor;
use crate::ground::time::Instant;

/// Who somebody is in Twenty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CrmKind {
    /// A person.
    Person,
    /// An organisation.
    Company,
}

impl CrmKind {
    /// What it is in the ledger.
    pub const fn object(self) -> Object {
        match self {
            Self::Person => Object::People,
            Self::Company => Object::Companies,
        }
    }

    /// The kind of a word of the API.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Person, Self::Company].into_iter().find(|kind| kind.object().word() == word)
    }
}

/// A record of the books that can stand for somebody of Twenty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BookName {
    /// Whose books.
    pub realm: RealmId,
    /// A customer or a vendor.
    pub entity: Entity,
    /// Its id there.
    pub record: EntityId,
}

impl BookName {
    /// The name, if records of this kind stand for somebody.
    pub fn new(realm: RealmId, entity: Entity, record: EntityId) -> Option<Self> {
        match entity {
            Entity::Customer | Entity::Vendor => Some(Self { realm, entity, record }),
            _ => None,
        }
    }

    /// An id that stands for it among ours.
    pub fn uuid(&self) -> Uuid {
        named(Object::GoldenLink, &self.text())
    }

    fn text(&self) -> String {
        format!("{}/{}/{}", self.realm, self.entity.name(), self.record)
    }
}

/// A link. A record of the books stands for one record of Twenty at most; one of Twenty may stand in several companies, and
/// as customer and vendor of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GoldenLink {
    /// Our id: there is one link between two records.
    pub id: Uuid,
    /// What somebody is in Twenty.
    pub kind: CrmKind,
    /// Their id there.
    pub who: Uuid,
    /// The record of the books.
    #[serde(flatten)]
    pub book: BookName,
    /// Who said so.
    pub by: Actor,
    /// When.
    pub at: Instant,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl GoldenLink {
    /// The id of a link between two records.
    pub fn id_of(kind: CrmKind, who: Uuid, book: &BookName) -> Uuid {
        named(Object::GoldenLink, &format!("{}/{}/{who}", book.text(), kind.object().word()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_customers_and_vendors_stand_for_somebody_and_two_pairs_are_two_links() {
        let book = |realm: &str, entity, id: &str| {
            BookName::new(realm.parse().unwrap(), entity, EntityId::new(id).unwrap())
        };
        assert!(book("1", Entity::Bill, "7").is_none());
        let (one, two) =
            (book("1", Entity::Customer, "7").unwrap(), book("2", Entity::Customer, "7").unwrap());
        let vendor = book("1", Entity::Vendor, "7").unwrap();
        assert!(one.uuid() != two.uuid() && one.uuid() != vendor.uuid());
        let who = Uuid::from_u128(5);
        let ids = [
            GoldenLink::id_of(CrmKind::Person, who, &one),
            GoldenLink::id_of(CrmKind::Person, who, &two),
            GoldenLink::id_of(CrmKind::Company, who, &one),
            GoldenLink::id_of(CrmKind::Person, Uuid::from_u128(6), &one),
        ];
        assert!((0..ids.len()).all(|at| !ids[..at].contains(&ids[at])));
        assert_eq!(CrmKind::from_word("people"), Some(CrmKind::Person));
        assert_eq!(CrmKind::from_word("gifts"), None);
    }
}
