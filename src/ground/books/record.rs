//! A record of any kind, and what can be told of every one.

use super::amount::{Amount, Terms};
use super::company::{Attachable, CompanyInfo, Preferences};
use super::documents::{
    Bill, BillPayment, CreditMemo, Deposit, Invoice, JournalEntry, Purchase, Transfer, VendorCredit,
};
use super::field::{Group, Rest, Sink, Source};
use super::id::{Entity, EntityId, SyncToken};
use super::money_in::{Payment, RefundReceipt, SalesReceipt};
use super::names::{Account, Class, Customer, Department, Item, PaymentMethod, Term, Vendor};
use super::parts::{Line, Meta};
use crate::ground::time::Instant;

/// A record as QuickBooks told it, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its id.
    pub id: EntityId,
    /// Its version. A write takes it from a fresh read, since lists and reads can disagree (contract 3.4).
    pub sync_token: Option<SyncToken>,
    /// When it was made and changed.
    pub meta: Option<Meta>,
    /// In which currencies its amounts are.
    pub terms: Terms,
    /// Its content.
    pub body: Body,
}

/// What a list of changes says of one record (contract 4).
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// The record as it is now.
    Record(Box<Record>),
    /// It was deleted. Such stubs were seen for records that had only been changed: where it matters, they are
    /// asked for by id before they are believed.
    Deleted {
        /// The kind.
        entity: Entity,
        /// The id.
        id: EntityId,
        /// When.
        at: Option<Instant>,
    },
}

macro_rules! bodies {
    ($($name:ident,)*) => {
        /// The content of a record, by kind.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Body {
            $(#[doc = concat!("[`Entity::", stringify!($name), "`].")] $name(Box<$name>),)*
        }

        impl Body {
            /// Reads the content of a record of this kind.
            pub fn read<S: Source>(entity: Entity, from: &mut S) -> Self {
                match entity { $(Entity::$name => Self::$name(Box::new($name::read(from))),)* }
            }

            /// Writes it.
            pub fn write<S: Sink>(&self, to: &mut S) {
                match self { $(Self::$name(body) => body.write(to),)* }
            }

            /// What it keeps that is not modelled.
            pub fn rest(&self) -> &Rest {
                match self { $(Self::$name(body) => Group::rest(&**body),)* }
            }

            /// Its kind.
            pub const fn entity(&self) -> Entity {
                match self { $(Self::$name(_) => Entity::$name,)* }
            }
        }
    };
}

bodies! {
    Account, Customer, Vendor, Item, Class, Department, Term, PaymentMethod, Bill, BillPayment, VendorCredit, Invoice,
    CreditMemo, SalesReceipt, RefundReceipt, Payment, Deposit, JournalEntry, Purchase, Transfer, Attachable,
    CompanyInfo, Preferences,
}

/// The word that QuickBooks puts before the memo of a voided document (contract 7.4).
const VOIDED: &str = "Voided";

impl Body {
    /// The total of a document; that of a transfer is what it moves. None of list objects.
    pub fn total(&self) -> Option<Amount> {
        match self {
            Self::Bill(it) => it.total,
            Self::BillPayment(it) => it.total,
            Self::VendorCredit(it) => it.total,
            Self::Invoice(it) => it.total,
            Self::CreditMemo(it) => it.total,
            Self::SalesReceipt(it) => it.total,
            Self::RefundReceipt(it) => it.total,
            Self::Payment(it) => it.total,
            Self::Deposit(it) => it.total,
            Self::JournalEntry(it) => it.total,
            Self::Purchase(it) => it.total,
            Self::Transfer(it) => it.amount,
            _ => None,
        }
    }

    /// The lines of a document.
    pub fn lines(&self) -> &[Line] {
        match self {
            Self::Bill(it) => &it.lines,
            Self::BillPayment(it) => &it.lines,
            Self::VendorCredit(it) => &it.lines,
            Self::Invoice(it) => &it.lines,
            Self::CreditMemo(it) => &it.lines,
            Self::SalesReceipt(it) => &it.lines,
            Self::RefundReceipt(it) => &it.lines,
            Self::Payment(it) => &it.lines,
            Self::Deposit(it) => &it.lines,
            Self::JournalEntry(it) => &it.lines,
            Self::Purchase(it) => &it.lines,
            _ => &[],
        }
    }

    fn note(&self) -> Option<&str> {
        let note = match self {
            Self::BillPayment(it) => &it.note,
            Self::Invoice(it) => &it.note,
            Self::CreditMemo(it) => &it.note,
            Self::SalesReceipt(it) => &it.note,
            Self::RefundReceipt(it) => &it.note,
            Self::Payment(it) => &it.note,
            Self::Purchase(it) => &it.note,
            Self::Transfer(it) => &it.note,
            _ => return None,
        };
        note.as_deref()
    }

    /// Whether the document was voided. There is no status: the memo begins with the word and all amounts are nothing. Both
    /// are needed, since anybody can type the word, and a payment of nothing uses a credit (contract 7.4).
    pub fn is_voided(&self) -> bool {
        let says_so = self.note().is_some_and(|note| note == VOIDED || note.starts_with("Voided -"));
        let nothing = |amount: Option<Amount>| amount.is_none_or(|amount| amount.exact.is_zero());
        says_so && nothing(self.total()) && self.lines().iter().all(|line| nothing(line.amount))
    }
}

impl Record {
    /// When it was changed, as it says: to the second, and sometimes in the future (contract 3.3).
    pub fn updated(&self) -> Option<Instant> {
        self.meta.as_ref()?.updated
    }
}
