//! Names of things in the books: companies, kinds of records, their ids and their versions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One company file at QuickBooks: a long run of digits, told only when it is connected (contract 1.2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RealmId(String);

/// The text is not the id of a company.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the id of a QuickBooks company; that is a run of digits")]
pub struct BadRealm(String);

impl RealmId {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RealmId {
    type Err = BadRealm;
    fn from_str(text: &str) -> Result<Self, BadRealm> {
        let digits = !text.is_empty() && text.len() <= 32 && text.bytes().all(|b| b.is_ascii_digit());
        if digits { Ok(Self(text.to_owned())) } else { Err(BadRealm(text.to_owned())) }
    }
}

impl TryFrom<String> for RealmId {
    type Error = BadRealm;
    fn try_from(text: String) -> Result<Self, BadRealm> {
        text.parse()
    }
}

impl From<RealmId> for String {
    fn from(realm: RealmId) -> Self {
        realm.0
    }
}

impl fmt::Display for RealmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a record: a text, unique for its kind within its company only, and mostly a number (contract 7.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntityId(String);

impl EntityId {
    /// The id, if the text can be one: not empty, and nothing that would change the address it is put into.
    pub fn new(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let fits = !text.is_empty() && text.len() <= 64 && text.bytes().all(plain);
        fits.then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which version of a record: one more with each write to the record itself (contract 7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SyncToken(pub u64);

impl fmt::Display for SyncToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A record among all companies. Ids of two companies are often equal, so that none of the three may be left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// The company.
    pub realm: RealmId,
    /// The kind of record.
    pub entity: Entity,
    /// Its id.
    pub id: EntityId,
}

macro_rules! entities {
    ($($(#[$doc:meta])* $name:ident $path:literal $group:ident,)*) => {
        /// A kind of record that is mirrored.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Entity { $($(#[$doc])* $name,)* }

        impl Entity {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in queries, in changes and in replies: `SalesReceipt`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// Its name in addresses: `salesreceipt`.
            pub const fn path(self) -> &'static str {
                match self { $(Self::$name => $path,)* }
            }

            /// Its word in our API and in the journal: `books_salesreceipt`.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => concat!("books_", $path),)* }
            }

            const fn family(self) -> Family {
                match self { $(Self::$name => Family::$group,)* }
            }
        }
    };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    List,
    Document,
    Aside,
}

entities! {
    /// An account of the chart of accounts.
    Account "account" List,
    /// Who pays us.
    Customer "customer" List,
    /// Whom we pay.
    Vendor "vendor" List,
    /// What is sold or bought.
    Item "item" List,
    /// A class: a fund or a programme.
    Class "class" List,
    /// A department, called location in many companies.
    Department "department" List,
    /// Terms of payment.
    Term "term" List,
    /// A way of paying.
    PaymentMethod "paymentmethod" List,
    /// What a vendor asks for.
    Bill "bill" Document,
    /// Bills paid.
    BillPayment "billpayment" Document,
    /// What a vendor owes us.
    VendorCredit "vendorcredit" Document,
    /// What we ask for.
    Invoice "invoice" Document,
    /// What we owe a customer.
    CreditMemo "creditmemo" Document,
    /// Money received at once: most gifts.
    SalesReceipt "salesreceipt" Document,
    /// Money given back.
    RefundReceipt "refundreceipt" Document,
    /// Invoices paid.
    Payment "payment" Document,
    /// Money brought to the bank.
    Deposit "deposit" Document,
    /// Anything that the other forms cannot say.
    JournalEntry "journalentry" Document,
    /// Money spent without a bill.
    Purchase "purchase" Document,
    /// Money moved between accounts.
    Transfer "transfer" Document,
    /// What a file or a note beside a record is; not its bytes.
    Attachable "attachable" Aside,
    /// The company itself.
    CompanyInfo "companyinfo" Aside,
    /// How the company keeps its books.
    Preferences "preferences" Aside,
}

impl Entity {
    /// The kind with this name, in any case: old recordings and programs write small letters.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|entity| entity.name().eq_ignore_ascii_case(name))
    }

    /// Its number on disk, from 0: the order of the list above, which is append only.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// Whether it is a list object: never deleted, only made inactive, and hidden by queries that do not ask for the
    /// inactive (contract 3.4).
    pub fn is_list(self) -> bool {
        self.family() == Family::List
    }

    /// Whether it is a document, which can be deleted and then leaves a stub among the changes (contract 4).
    pub fn is_document(self) -> bool {
        self.family() == Family::Document
    }

    /// Whether its changes are told by the call for changes. The others are read once a day (contract 4, 5.3).
    pub fn tells_changes(self) -> bool {
        self.family() != Family::Aside
    }

    /// How it is voided (contract 7.4).
    pub const fn voiding(self) -> Voiding {
        match self {
            Self::Invoice => Voiding::Operation,
            Self::Payment | Self::SalesReceipt | Self::BillPayment => Voiding::Included,
            _ => Voiding::Never,
        }
    }
}

/// How a kind of document is voided (contract 7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voiding {
    /// By an operation of its own.
    Operation,
    /// As part of an update.
    Included,
    /// Not over the API.
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_is_digits_and_an_id_changes_no_address() {
        assert_eq!("9341457021722202".parse::<RealmId>().unwrap().as_str(), "9341457021722202");
        for bad in ["", "12a", "../1", "1 2"] {
            assert!(bad.parse::<RealmId>().is_err(), "{bad}");
        }
        assert_eq!(EntityId::new("5000000000000503624").unwrap().as_str(), "5000000000000503624");
        assert!(EntityId::new("TAX").is_some());
        for bad in ["", "1/2", "1?x=2", "1'"] {
            assert!(EntityId::new(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn every_kind_is_found_by_its_name_and_stands_in_one_family() {
        assert_eq!(Entity::ALL.len(), 23);
        for entity in Entity::ALL {
            assert_eq!(Entity::named(entity.name()), Some(*entity));
            assert_eq!(entity.name().to_lowercase(), entity.path());
        }
        assert_eq!(Entity::named("salesreceipt"), Some(Entity::SalesReceipt));
        assert_eq!(Entity::named("Estimate"), None);
        assert_eq!(Entity::ALL.iter().filter(|entity| entity.tells_changes()).count(), 20);
        // On disk: a kind keeps its number, and new ones follow.
        assert_eq!(
            [Entity::Account.number(), Entity::Bill.number(), Entity::Preferences.number()],
            [0, 8, 22]
        );
    }
}
