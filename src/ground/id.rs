//! Names of things: newtypes for every kind of id, the objects that have a history, and the keys of
//! what we create elsewhere.

mod slot;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use slot::{CustomSlot, Names};

use super::books::{Entity, EntityId};

/// The dense number of a subject inside one store. Never shown outside and never part of an upstream
/// key, since a restore hands the same numbers out again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SubjectId(pub u64);

/// The position of an entry in the journal; starts at 1 and has no gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seq(pub u64);

/// 128 random bits given to a thing at intake. Every key we hand to another system derives from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin(pub [u8; 16]);

/// One connection to one outside system; 0 is this store itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnectionId(pub u16);

impl ConnectionId {
    /// Things that exist only here: staged rows, batches, runs, users.
    pub const HERE: Self = Self(0);
    /// The first Twenty workspace.
    pub const TWENTY: Self = Self(1);
    /// The first company of QuickBooks; each further one has the next number, given once and never again.
    pub const BOOKS_FIRST: Self = Self(1_000);

    /// Whether it is a company of QuickBooks.
    pub const fn is_books(self) -> bool {
        self.0 >= Self::BOOKS_FIRST.0
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta] $name:ident)*) => {$(
        #[$doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )*};
}

uuid_id! {
    /// A person in Twenty.
    PersonId
    /// A company in Twenty.
    CompanyId
    /// A gift in Twenty; of our own gifts it is the key we chose.
    GiftId
    /// An appeal in Twenty.
    AppealId
    /// A source of an appeal in Twenty.
    AppealSourceId
    /// A fund in Twenty.
    FundId
    /// An opportunity in Twenty.
    OpportunityId
    /// A payout in Twenty.
    PayoutId
    /// A regular gift's agreement in Twenty.
    AgreementId
    /// A staged row.
    StagedId
    /// One delivery that led to a staged row, as it came.
    EvidenceId
    /// A batch of staged rows.
    BatchId
    /// A run.
    RunId
    /// A person who works with Almoner.
    UserId
    /// A credential of a program.
    TokenId
    /// The identity of a connection, chosen at random when it is made; namespace of our upstream keys.
    ConnectionKey
}

/// What a subject is. The numbers stand in keys on disk: append only, a retired one keeps its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u16", try_from = "u16")]
pub enum Object {
    /// A person of Twenty.
    People,
    /// An organisation of Twenty.
    Companies,
    /// A gift of Twenty, posted or on its way.
    Gifts,
    /// An appeal of Twenty (domain 1.8).
    Appeals,
    /// Where an appeal's gifts come from (domain 1.8).
    AppealSources,
    /// A fund of Twenty (domain 1.7).
    Funds,
    /// A regular gift (domain 1.9).
    RecurringAgreements,
    /// A payout of a provider (domain 1.10).
    GiftPayouts,
    /// A household (domain 1.11).
    Households,
    /// A Gift Aid declaration (domain 1.12).
    GiftAidDeclarations,
    /// A task of Twenty.
    Tasks,
    /// What a task is about.
    TaskTargets,
    /// A note of Twenty.
    Notes,
    /// What a note is about.
    NoteTargets,
    /// An opportunity of Twenty: a grant asked for, a large gift hoped for.
    Opportunities,
    /// Somebody who works in the Twenty workspace.
    WorkspaceMembers,
    /// An object of the workspace that the operator switched on.
    Custom(CustomSlot),
    /// A staged row.
    GiftStaging,
    /// A batch of staged rows.
    GiftBatch,
    /// A run.
    Run,
    /// A user.
    User,
    /// An API token, without its secret.
    Token,
    /// A delivery as it came.
    Evidence,
    /// A change made here to a record that lives in Twenty.
    Edit,
    /// A change made here and one made there that do not go together.
    Conflict,
    /// A record of Twenty that cannot be read as what it is.
    Quarantine,
    /// What the organisation set.
    Settings,
    /// A company of QuickBooks that was connected.
    Company,
    /// A change made here to a record that lives in QuickBooks.
    BooksChange,
    /// What the accounts of a company held on a day.
    Balances,
    /// A record of QuickBooks that cannot be read as what it is.
    BooksAside,
    /// Who of Twenty and of QuickBooks is one and the same.
    GoldenLink,
    /// What somebody said about the money of a company.
    MoneySaid,
    /// What was decided about a bill.
    MoneyDecision,
    /// What a company or the firm is told of a week.
    MoneyDigest,
    /// A record of QuickBooks.
    Book(Entity),
    /// What somebody said about two records: one person or two.
    Verdict,
    /// Two records that stand for one person.
    Link,
    /// People who may be duplicates of each other.
    Group,
    /// People who are to become one record in Twenty.
    Merge,
}

impl Object {
    /// The number on disk of the first kind of record of QuickBooks.
    const BOOKS_FIRST: u16 = 200;

    const NAMED: [Self; 38] = [
        Self::People,
        Self::Companies,
        Self::Gifts,
        Self::Appeals,
        Self::AppealSources,
        Self::Funds,
        Self::RecurringAgreements,
        Self::GiftPayouts,
        Self::Households,
        Self::GiftAidDeclarations,
        Self::Tasks,
        Self::TaskTargets,
        Self::Notes,
        Self::NoteTargets,
        Self::Opportunities,
        Self::WorkspaceMembers,
        Self::GiftStaging,
        Self::GiftBatch,
        Self::Run,
        Self::User,
        Self::Token,
        Self::Evidence,
        Self::Edit,
        Self::Conflict,
        Self::Quarantine,
        Self::Settings,
        Self::Company,
        Self::BooksChange,
        Self::Balances,
        Self::BooksAside,
        Self::GoldenLink,
        Self::MoneySaid,
        Self::MoneyDecision,
        Self::MoneyDigest,
        Self::Verdict,
        Self::Link,
        Self::Group,
        Self::Merge,
    ];

    /// What is mirrored from Twenty by itself, where the workspace has it (the objects that the domain names).
    pub const STANDARD: [Self; 16] = [
        Self::People,
        Self::Companies,
        Self::Gifts,
        Self::Appeals,
        Self::AppealSources,
        Self::Funds,
        Self::RecurringAgreements,
        Self::GiftPayouts,
        Self::Households,
        Self::GiftAidDeclarations,
        Self::Tasks,
        Self::TaskTargets,
        Self::Notes,
        Self::NoteTargets,
        Self::Opportunities,
        Self::WorkspaceMembers,
    ];

    /// Every object, those that are named first.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::NAMED.into_iter().chain(Self::custom()).chain(Self::books())
    }

    /// The places for objects that the operator switches on.
    pub fn custom() -> impl Iterator<Item = Self> {
        CustomSlot::all().map(Self::Custom)
    }

    /// Everything that is mirrored from QuickBooks.
    pub fn books() -> impl Iterator<Item = Self> {
        Entity::ALL.iter().map(|entity| Self::Book(*entity))
    }

    /// Everything that can be mirrored from Twenty.
    pub fn mirrored() -> impl Iterator<Item = Self> {
        Self::STANDARD.into_iter().chain(Self::custom())
    }

    /// Whether it is a record of ours that says which company of QuickBooks it is about, as `realm`.
    pub const fn is_about_a_company(self) -> bool {
        matches!(
            self,
            Self::Company
                | Self::BooksChange
                | Self::Balances
                | Self::BooksAside
                | Self::GoldenLink
                | Self::MoneySaid
                | Self::MoneyDecision
                | Self::MoneyDigest
        )
    }

    /// Whether it is a record of Twenty.
    pub const fn is_mirrored(self) -> bool {
        self.number() < Self::GiftStaging.number()
    }

    /// The number on disk.
    pub const fn number(self) -> u16 {
        match self {
            Self::People => 1,
            Self::Companies => 2,
            Self::Gifts => 3,
            Self::Appeals => 4,
            Self::AppealSources => 5,
            Self::Funds => 6,
            Self::RecurringAgreements => 7,
            Self::GiftPayouts => 8,
            Self::Households => 9,
            Self::GiftAidDeclarations => 10,
            Self::Tasks => 11,
            Self::TaskTargets => 12,
            Self::Notes => 13,
            Self::NoteTargets => 14,
            Self::Opportunities => 15,
            Self::WorkspaceMembers => 16,
            Self::Custom(slot) => slot.number(),
            Self::GiftStaging => 100,
            Self::GiftBatch => 101,
            Self::Run => 102,
            Self::User => 103,
            Self::Token => 104,
            Self::Evidence => 105,
            Self::Edit => 106,
            Self::Conflict => 107,
            Self::Quarantine => 108,
            Self::Settings => 109,
            Self::Company => 110,
            Self::BooksChange => 111,
            Self::Balances => 112,
            Self::BooksAside => 113,
            Self::GoldenLink => 114,
            Self::MoneySaid => 115,
            Self::MoneyDecision => 116,
            Self::MoneyDigest => 117,
            Self::Book(entity) => Self::BOOKS_FIRST + entity.number(),
            Self::Verdict => 120,
            Self::Link => 121,
            Self::Group => 122,
            Self::Merge => 123,
        }
    }

    /// The object with this number on disk, if this version knows it.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::all().find(|object| object.number() == number)
    }

    /// The word used in the API and the journal.
    pub const fn word(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Companies => "companies",
            Self::Gifts => "gifts",
            Self::Appeals => "appeals",
            Self::AppealSources => "appeal_sources",
            Self::Funds => "funds",
            Self::RecurringAgreements => "recurring_agreements",
            Self::GiftPayouts => "gift_payouts",
            Self::Households => "households",
            Self::GiftAidDeclarations => "gift_aid_declarations",
            Self::Tasks => "tasks",
            Self::TaskTargets => "task_targets",
            Self::Notes => "notes",
            Self::NoteTargets => "note_targets",
            Self::Opportunities => "opportunities",
            Self::WorkspaceMembers => "workspace_members",
            Self::Custom(slot) => slot.word(),
            Self::GiftStaging => "gift_staging",
            Self::GiftBatch => "gift_batch",
            Self::Run => "run",
            Self::User => "user",
            Self::Token => "token",
            Self::Evidence => "evidence",
            Self::Edit => "edit",
            Self::Conflict => "conflict",
            Self::Quarantine => "quarantine",
            Self::Settings => "settings",
            Self::Company => "books_company",
            Self::BooksChange => "books_change",
            Self::Balances => "books_balances",
            Self::BooksAside => "books_aside",
            Self::GoldenLink => "golden_link",
            Self::MoneySaid => "money_said",
            Self::MoneyDecision => "money_decision",
            Self::MoneyDigest => "money_digest",
            Self::Book(entity) => entity.word(),
            Self::Verdict => "verdict",
            Self::Link => "link",
            Self::Group => "duplicate_group",
            Self::Merge => "merge",
        }
    }

    /// The object of a word of the API.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::all().find(|object| object.word() == word)
    }

    /// Its names in Twenty as (singular, plural), for those that Twenty or the domain names.
    pub const fn twenty_names(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::People => ("person", "people"),
            Self::Companies => ("company", "companies"),
            Self::Gifts => ("gift", "gifts"),
            Self::Appeals => ("appeal", "appeals"),
            Self::AppealSources => ("appealSource", "appealSources"),
            Self::Funds => ("fund", "funds"),
            Self::RecurringAgreements => ("recurringAgreement", "recurringAgreements"),
            Self::GiftPayouts => ("giftPayout", "giftPayouts"),
            Self::Households => ("household", "households"),
            Self::GiftAidDeclarations => ("giftAidDeclaration", "giftAidDeclarations"),
            Self::Tasks => ("task", "tasks"),
            Self::TaskTargets => ("taskTarget", "taskTargets"),
            Self::Notes => ("note", "notes"),
            Self::NoteTargets => ("noteTarget", "noteTargets"),
            Self::Opportunities => ("opportunity", "opportunities"),
            Self::WorkspaceMembers => ("workspaceMember", "workspaceMembers"),
            Self::Custom(_)
            | Self::GiftStaging
            | Self::GiftBatch
            | Self::Run
            | Self::User
            | Self::Token
            | Self::Evidence
            | Self::Edit
            | Self::Conflict
            | Self::Quarantine
            | Self::Settings
            | Self::Company
            | Self::BooksChange
            | Self::Balances
            | Self::BooksAside
            | Self::GoldenLink
            | Self::MoneySaid
            | Self::MoneyDecision
            | Self::MoneyDigest
            | Self::Book(_)
            | Self::Verdict
            | Self::Link
            | Self::Group
            | Self::Merge => return None,
        })
    }
}

/// A number that stands for nothing this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("number {0} is not known to this version")]
pub struct UnknownNumber(pub u16);

impl From<Object> for u16 {
    fn from(object: Object) -> Self {
        object.number()
    }
}

impl TryFrom<u16> for Object {
    type Error = UnknownNumber;
    fn try_from(number: u16) -> Result<Self, UnknownNumber> {
        Self::from_number(number).ok_or(UnknownNumber(number))
    }
}

/// The name of a subject: which connection, which object, which id there. Two connections with equal
/// foreign ids never meet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SubjectKey {
    /// Where the id counts.
    pub connection: ConnectionId,
    /// What it names.
    pub object: Object,
    /// The id there.
    pub foreign: ForeignId,
}

/// An id given by the system it lives in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ForeignId {
    /// Twenty's records and everything of ours.
    Uuid(Uuid),
    /// QuickBooks and others.
    Text(String),
}

impl SubjectKey {
    /// A thing of this store.
    pub fn here(object: Object, id: Uuid) -> Self {
        Self { connection: ConnectionId::HERE, object, foreign: ForeignId::Uuid(id) }
    }

    /// A record of the Twenty workspace.
    pub fn twenty(object: Object, id: Uuid) -> Self {
        Self { connection: ConnectionId::TWENTY, object, foreign: ForeignId::Uuid(id) }
    }

    /// A record of a company of QuickBooks.
    pub fn book(company: ConnectionId, entity: Entity, id: &EntityId) -> Self {
        let foreign = ForeignId::Text(id.as_str().to_owned());
        Self { connection: company, object: Object::Book(entity), foreign }
    }

    /// The id as a UUID, where it is one.
    pub fn uuid(&self) -> Option<Uuid> {
        match self.foreign {
            ForeignId::Uuid(id) => Some(id),
            ForeignId::Text(_) => None,
        }
    }
}

impl fmt::Display for ForeignId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(id) => id.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// The namespace of ids that exist only here.
const LOCAL_NAMESPACE: Uuid = Uuid::from_u128(0x5f1d_2c0b_9a37_5e64_8c55_414c_4d4f_4e52);

/// The key under which we create a record in another system: `UUIDv5(connection, object, origin, purpose)`.
/// Version 5, because Twenty refuses version 7 (contract 1.1).
pub fn upstream_key(connection: ConnectionKey, object: Object, origin: Origin, purpose: &str) -> Uuid {
    Uuid::new_v5(&connection.0, &key_name(object, origin, purpose))
}

/// The key of the person who is made for a row with this origin: nobody else's record has it.
pub fn donor_key(connection: ConnectionKey, origin: Origin) -> PersonId {
    PersonId(upstream_key(connection, Object::People, origin, "donor"))
}

/// The id of a thing of ours, derived from its origin so that intake needs one random number only.
pub fn local_id(object: Object, origin: Origin) -> Uuid {
    Uuid::new_v5(&LOCAL_NAMESPACE, &key_name(object, origin, "self"))
}

fn key_name(object: Object, origin: Origin, purpose: &str) -> Vec<u8> {
    let mut name = Vec::with_capacity(32 + purpose.len());
    name.extend_from_slice(&object.number().to_be_bytes());
    name.extend_from_slice(&origin.0);
    name.extend_from_slice(purpose.as_bytes());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_of_objects_are_unique_and_lead_back() {
        for object in Object::all() {
            assert_eq!(Object::from_number(object.number()), Some(object));
            assert_eq!(Object::from_word(object.word()), Some(object));
        }
        assert_eq!(Object::from_number(9999), None);
    }

    #[test]
    fn upstream_keys_differ_by_each_part_and_are_version_5() {
        let here = ConnectionKey(Uuid::from_u128(1));
        let there = ConnectionKey(Uuid::from_u128(2));
        let origin = Origin([7; 16]);
        let keys = [
            upstream_key(here, Object::Gifts, origin, "post"),
            upstream_key(there, Object::Gifts, origin, "post"),
            upstream_key(here, Object::People, origin, "post"),
            upstream_key(here, Object::Gifts, Origin([8; 16]), "post"),
            upstream_key(here, Object::Gifts, origin, "other"),
        ];
        for (i, key) in keys.iter().enumerate() {
            assert_eq!(key.get_version_num(), 5);
            assert!(!keys[..i].contains(key));
        }
        assert_eq!(keys[0], upstream_key(here, Object::Gifts, origin, "post"));
    }
}
