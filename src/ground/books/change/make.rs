//! What may be made in the books from here: a vendor, and the record of a payment of bills that was made elsewhere
//! (finance 1.1).

use serde::{Deserialize, Serialize};

use crate::ground::books::documents::BillPayment;
use crate::ground::books::names::Vendor;
use crate::ground::books::parts::{CardPayment, CheckPayment, Email, Line, Link, Ref};
use crate::ground::books::words::PayType;
use crate::ground::books::{Amount, Body, Decimal, Entity, EntityId};
use crate::ground::money::Currency;
use crate::ground::time::CalendarDate;

/// A record that is to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum New {
    /// Somebody whom we pay.
    Vendor(NewVendor),
    /// A payment of bills that was made elsewhere: QuickBooks does not pay.
    BillPayment(NewPayment),
}

/// A vendor that is to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewVendor {
    /// What it is called; one list of names for customers, vendors and employees.
    pub name: String,
    /// Where mail goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// From what bills were paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PaidFrom {
    /// A bank account.
    Bank,
    /// A credit card.
    Card,
}

/// The record of a payment that is to be made. All of one vendor, in the company's own currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewPayment {
    /// Who was paid.
    pub vendor: EntityId,
    /// From which account.
    pub account: EntityId,
    /// What that account is.
    pub from: PaidFrom,
    /// When, in the company's zone.
    pub date: CalendarDate,
    /// The number of the cheque or the transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// What is said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The bills, and how much of each was paid.
    pub bills: Vec<PaidBill>,
}

/// A bill and how much of it was paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidBill {
    /// The bill.
    pub bill: EntityId,
    /// How much of it, in the company's currency.
    pub amount: Decimal,
}

fn to(id: &EntityId) -> Ref {
    Ref { id: Some(id.clone()), ..Ref::default() }
}

impl New {
    /// Its kind.
    pub const fn entity(&self) -> Entity {
        match self {
            Self::Vendor(_) => Entity::Vendor,
            Self::BillPayment(_) => Entity::BillPayment,
        }
    }

    /// Its content, in the company's currency; none when its amounts are beyond what can be added up.
    pub fn body(&self, home: Currency) -> Option<Body> {
        match self {
            Self::Vendor(vendor) => Some(Body::Vendor(Box::new(Vendor {
                display_name: Some(vendor.name.clone()),
                email: vendor.email.clone().map(|text| Email { address: Some(text), ..Email::default() }),
                ..Vendor::default()
            }))),
            Self::BillPayment(payment) => Some(Body::BillPayment(Box::new(payment.body(home)?))),
        }
    }
}

impl NewPayment {
    /// What was paid, over all bills; none beyond what can be added up.
    pub fn total(&self) -> Option<Decimal> {
        self.bills.iter().try_fold(Decimal::ZERO, |sum, paid| sum.plus(paid.amount))
    }

    fn body(&self, home: Currency) -> Option<BillPayment> {
        let amount = |exact: Decimal| Amount { exact, currency: home };
        let line = |paid: &PaidBill| Line {
            amount: Some(amount(paid.amount)),
            links: vec![Link { id: Some(paid.bill.clone()), kind: Some("Bill".into()), ..Link::default() }],
            ..Line::default()
        };
        let account = Some(to(&self.account));
        let (pay_type, check, card) = match self.from {
            PaidFrom::Bank => {
                (PayType::Check, Some(CheckPayment { account, ..CheckPayment::default() }), None)
            }
            PaidFrom::Card => {
                (PayType::CreditCard, None, Some(CardPayment { account, ..CardPayment::default() }))
            }
        };
        Some(BillPayment {
            vendor: Some(to(&self.vendor)),
            number: self.number.clone(),
            date: Some(self.date),
            pay_type: Some(pay_type),
            check,
            card,
            lines: self.bills.iter().map(line).collect(),
            total: Some(amount(self.total()?)),
            note: self.note.clone(),
            ..BillPayment::default()
        })
    }
}
