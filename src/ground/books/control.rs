//! Control totals (contract 7.5): what is owed to and by a company, added up from its documents, against what its accounts
//! and its customers and vendors say; to the last minor unit, each currency for itself.
//!
//! A journal entry has no balance of its own, nor has a deposit or an expense that is booked on receivables or payables: what
//! is open of those is what they post less what payments have used of them.

mod explain;
mod open;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::amount::Amount;
use super::decimal::Decimal;
use super::id::{Entity, EntityId};
use super::record::{Body, Record};
use super::words::AccountType;
use crate::ground::money::Currency;

pub use explain::{Explanation, Missing, Of, Suspect};

use open::Ledger;

/// Which total.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum What {
    /// Owed by customers.
    Receivable,
    /// Owed to vendors.
    Payable,
    /// All accounts together: what was earned and stands on no account yet.
    Accounts,
}

/// One total of one currency, from every side it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// Which total.
    pub what: What,
    /// Of which currency.
    pub currency: Currency,
    /// What our records add up to: open documents; of all accounts their balances.
    pub mirrored: Decimal,
    /// What QuickBooks reports: the accounts of receivables or payables; of all accounts the net income of a report.
    pub reported: Decimal,
    /// What customers or vendors say together.
    pub by_names: Option<Decimal>,
}

impl Figure {
    /// How much more our records say than is reported; nothing when they agree.
    pub fn gap(&self) -> Decimal {
        // What cannot be subtracted is certainly not equal.
        self.mirrored.plus(self.reported.negated()).unwrap_or(self.mirrored)
    }

    /// How much more our records say than the names do.
    pub fn gap_to_names(&self) -> Decimal {
        let names = self.by_names.unwrap_or(self.mirrored);
        self.mirrored.plus(names.negated()).unwrap_or(self.mirrored)
    }
}

/// What came of one control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Verdict {
    /// All sides agree.
    Proven(Figure),
    /// They do not; by how much, and the records that explain it.
    Gap(Figure, Explanation),
    /// It cannot be said.
    Unknown(What, Why),
}

/// Why a total cannot be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Why {
    /// Accounts of several currencies are not added together.
    #[error("the accounts are of several currencies, which are not added together")]
    SeveralCurrencies,
    /// Nothing was reported to compare with.
    #[error("nothing was reported to compare with")]
    NotReported,
    /// An amount is beyond what can be added exactly.
    #[error("an amount is too long to be added exactly")]
    TooLong,
}

/// Controls a company: all its mirrored records that are not deleted, and the net income that a report told, if one was
/// asked for. Receivables and payables of each currency that has any, then all accounts.
pub fn control<'r>(
    records: impl IntoIterator<Item = &'r Record>,
    net_income: Option<Amount>,
) -> Vec<Verdict> {
    let records: Vec<&Record> = records.into_iter().collect();
    let mut verdicts = Vec::new();
    for what in [What::Receivable, What::Payable] {
        match Ledger::of(what, &records) {
            None => verdicts.push(Verdict::Unknown(what, Why::TooLong)),
            Some(ledger) => {
                let owed = ledger.currencies().map(|currency| owed(&ledger, currency, &records));
                verdicts.extend(owed);
            }
        }
    }
    verdicts.push(accounts(&records, net_income));
    verdicts
}

fn owed(ledger: &Ledger, currency: Currency, records: &[&Record]) -> Verdict {
    let Some((mirrored, reported, by_names)) = ledger.totals(currency) else {
        return Verdict::Unknown(ledger.what, Why::TooLong);
    };
    let figure = Figure { what: ledger.what, currency, mirrored, reported, by_names: Some(by_names) };
    if figure.gap().is_zero() && figure.gap_to_names().is_zero() {
        return Verdict::Proven(figure);
    }
    Verdict::Gap(figure, explain::explain(ledger, currency, records))
}

/// The sum of all accounts is the net income to date (contract 7.3).
fn accounts(records: &[&Record], net_income: Option<Amount>) -> Verdict {
    let mut sums: BTreeMap<Currency, Option<Decimal>> = BTreeMap::new();
    for balance in records.iter().filter_map(|record| account_balance(record)).map(|(_, balance)| balance) {
        let sum = sums.entry(balance.currency).or_insert(Some(Decimal::ZERO));
        *sum = sum.and_then(|sum| sum.plus(balance.exact));
    }
    let unknown = |why| Verdict::Unknown(What::Accounts, why);
    let Some(reported) = net_income else { return unknown(Why::NotReported) };
    let mut sums = sums.into_iter();
    let first = sums.next().unwrap_or((reported.currency, Some(Decimal::ZERO)));
    if sums.next().is_some() || first.0 != reported.currency {
        return unknown(Why::SeveralCurrencies);
    }
    let (currency, Some(mirrored)) = first else { return unknown(Why::TooLong) };
    let figure =
        Figure { what: What::Accounts, currency, mirrored, reported: reported.exact, by_names: None };
    if figure.gap().is_zero() {
        Verdict::Proven(figure)
    } else {
        Verdict::Gap(figure, Explanation::default())
    }
}

/// The kind and balance of an account. One without a balance (income, expense) has none.
fn account_balance(record: &Record) -> Option<(Option<&AccountType>, Amount)> {
    let Body::Account(account) = &record.body else { return None };
    Some((account.account_type.as_ref(), account.balance?))
}

/// A customer or a vendor.
type Name = (Entity, EntityId);

#[cfg(test)]
mod tests;
