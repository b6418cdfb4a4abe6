//! What people say about the money of a company that its books do not hold (finance 1.3): money set aside, what is known to
//! come, how important a vendor is, issues that were looked at and let stand, the rules to judge by. A sync never writes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decision::Decision;
use super::forecast::Expected;
use super::policy::{Policy, PolicySet};
use super::priority::{Tier, VendorTerms};
use crate::ground::books::connected::named;
use crate::ground::books::{EntityId, RealmId};
use crate::ground::id::Object;
use crate::ground::journal::Actor;
use crate::ground::money::{Currency, Money};
use crate::ground::time::{CalendarDate, Instant};

/// What a vendor takes off for paying early: so much, for so many days from the date of the bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Discount {
    /// In hundredths of a per cent.
    pub hundredths: u32,
    /// Days from the date of the bill.
    pub days: i32,
}

/// Something that is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum What {
    /// Money that is not free to spend: a grant's conditions, a reserve (2.12, 10.7).
    Earmark {
        /// How much; not below nothing.
        amount: Money,
        /// The last day it is set aside; none until it is released.
        until: Option<CalendarDate>,
        /// What for.
        reason: String,
    },
    /// Something that is known to come or to go and is not in the books (8.5).
    Expected {
        /// On which day.
        on: CalendarDate,
        /// How much: what comes is positive, what goes negative.
        amount: Money,
        /// What it is.
        label: String,
    },
    /// How a vendor is dealt with (2.7, 4.2).
    Vendor {
        /// Which one.
        vendor: EntityId,
        /// How important.
        tier: Tier,
        /// What is charged for being late, in hundredths of a per cent.
        late_fee: u32,
        /// What is taken off for paying early.
        discount: Option<Discount>,
    },
    /// An issue that was looked at and may stand, as long as what makes it one does not change (3.6).
    Ignored {
        /// The issue.
        key: String,
        /// What made it one.
        fingerprint: String,
        /// Why it may stand.
        reason: String,
    },
    /// The rules to judge by.
    Policy {
        /// What is set.
        set: PolicySet,
    },
}

/// Who said what, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    /// Our id.
    pub id: Uuid,
    /// Of which company; none for all companies of the firm, which only a policy can be for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub realm: Option<RealmId>,
    /// What.
    pub what: What,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Instant,
}

impl Said {
    /// The id of the policy of a company, or of the firm: there is one.
    pub fn policy_id(realm: Option<&RealmId>) -> Uuid {
        named(Object::MoneySaid, &format!("policy/{}", realm.map_or("firm", RealmId::as_str)))
    }

    /// The id of what is said of a vendor: there is one for each.
    pub fn vendor_id(realm: &RealmId, vendor: &EntityId) -> Uuid {
        named(Object::MoneySaid, &format!("vendor/{realm}/{vendor}"))
    }

    /// The id of an issue that may stand.
    pub fn ignored_id(realm: &RealmId, key: &str) -> Uuid {
        named(Object::MoneySaid, &format!("ignored/{realm}/{key}"))
    }
}

/// All that is said of one company.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    /// What the firm set.
    pub firm: PolicySet,
    /// What is set for this company.
    pub company: PolicySet,
    /// Money set aside, by id.
    pub earmarks: BTreeMap<Uuid, Said>,
    /// What is known to come or go, by id.
    pub expected: BTreeMap<Uuid, Said>,
    /// Vendors.
    pub vendors: BTreeMap<EntityId, Said>,
    /// Issues that may stand, by key.
    pub ignored: BTreeMap<String, Said>,
    /// Decisions about bills.
    pub decisions: BTreeMap<EntityId, Decision>,
}

impl Overlay {
    /// Takes something that is said of this company, or of the firm.
    pub fn add(&mut self, said: Said) {
        match &said.what {
            What::Earmark { .. } => {
                self.earmarks.insert(said.id, said);
            }
            What::Expected { .. } => {
                self.expected.insert(said.id, said);
            }
            What::Vendor { vendor, .. } => {
                self.vendors.insert(vendor.clone(), said);
            }
            What::Ignored { key, .. } => {
                self.ignored.insert(key.clone(), said);
            }
            What::Policy { set } if said.realm.is_some() => self.company = set.clone(),
            What::Policy { set } => self.firm = set.clone(),
        }
    }

    /// The rules that hold.
    pub fn policy(&self, home: Currency) -> Policy {
        Policy::of(home).with(&self.firm).with(&self.company)
    }

    /// Money that is set aside on a day, by id. What is in another currency is not the company's to set aside.
    pub fn set_aside(&self, today: CalendarDate, home: Currency) -> Vec<(Uuid, Money)> {
        let aside = self.earmarks.values().filter_map(|said| match &said.what {
            What::Earmark { amount, until, .. }
                if amount.currency == home && until.is_none_or(|until| today <= until) =>
            {
                Some((said.id, *amount))
            }
            _ => None,
        });
        aside.collect()
    }

    /// What is known to come or go.
    pub fn known_ahead(&self, home: Currency) -> Vec<Expected> {
        let ahead = self.expected.values().filter_map(|said| match &said.what {
            What::Expected { on, amount, .. } if amount.currency == home => {
                Some(Expected { id: said.id, on: *on, amount: *amount })
            }
            _ => None,
        });
        ahead.collect()
    }

    /// How a vendor is dealt with, for a bill of this date.
    pub fn vendor(&self, vendor: Option<&EntityId>, date: Option<CalendarDate>) -> VendorTerms {
        let said = vendor.and_then(|vendor| self.vendors.get(vendor));
        match said.map(|said| &said.what) {
            Some(What::Vendor { tier, late_fee, discount, .. }) => VendorTerms {
                tier: *tier,
                late_fee: *late_fee,
                discount: discount.zip(date).map(|(it, date)| (it.hundredths, date.plus_days(it.days))),
            },
            _ => VendorTerms::UNSAID,
        }
    }

    /// Days on which bills are planned to be paid.
    pub fn planned(&self) -> BTreeMap<EntityId, CalendarDate> {
        let planned =
            self.decisions.iter().filter_map(|(bill, decision)| Some((bill.clone(), decision.planned?)));
        planned.collect()
    }

    /// Whether an issue with this evidence may stand.
    pub fn may_stand(&self, key: &str, evidence: &str) -> bool {
        let said = self.ignored.get(key).map(|said| &said.what);
        matches!(said, Some(What::Ignored { fingerprint, .. }) if fingerprint == evidence)
    }
}
