//! What moved between two days, and why (finance 2.15): the money that came and went, what was written and what was settled. The
//! money that moved explains the cash; where it does not, what is left over is told.

use std::collections::BTreeMap;

use super::burn::{Burn, impact_tenths};
use super::facts::{Document, Facts, Flow, Side};
use super::figure::{Known, RecordName, Unknown, sum};
use crate::ground::money::Money;

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moved {
    /// Money came in.
    CameIn,
    /// Money went out.
    WentOut,
    /// A bill came.
    NewBill,
    /// A bill is not owed any more.
    BillSettled,
    /// An invoice was written.
    NewInvoice,
    /// An invoice is not owed any more.
    InvoiceSettled,
}

impl Moved {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::CameIn => "came_in",
            Self::WentOut => "went_out",
            Self::NewBill => "new_bill",
            Self::BillSettled => "bill_settled",
            Self::NewInvoice => "new_invoice",
            Self::InvoiceSettled => "invoice_settled",
        }
    }

    /// Whether it moved the cash.
    pub const fn is_cash(self) -> bool {
        matches!(self, Self::CameIn | Self::WentOut)
    }
}

/// One thing that moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    /// What.
    pub what: Moved,
    /// Which record.
    pub of: RecordName,
    /// Whose it is.
    pub party: Option<String>,
    /// How much: what comes or is owed to us is positive, what goes or is owed by us negative.
    pub amount: Known<Money>,
    /// Tenths of days of runway that it is worth now.
    pub tenths: Known<i64>,
}

/// All that moved, the largest first; equal ones by kind and record.
pub fn drivers(before: &Facts, after: &Facts, burn: &Known<Burn>) -> Vec<Driver> {
    let worth = |amount: Known<Money>| {
        burn.map_err(|_| Unknown::NoBurn).and_then(|burn| impact_tenths(amount?, &burn))
    };
    let driver = |what: Moved, of: &RecordName, party: Option<String>, amount: Known<Money>| Driver {
        what,
        of: of.clone(),
        party,
        amount,
        tenths: worth(amount),
    };
    let mut found = flows(before, after, &driver);
    let old: BTreeMap<&RecordName, &Document> = before.documents.iter().map(|it| (&it.name, it)).collect();
    let new: BTreeMap<&RecordName, &Document> = after.documents.iter().map(|it| (&it.name, it)).collect();
    let party = |facts: &Facts, it: &Document| {
        facts.party(it).and_then(|party| party.called.clone()).or_else(|| it.party_name.clone())
    };
    for it in after.documents.iter().filter(|it| it.is_open() && !old.contains_key(&it.name)) {
        let (what, sign) = match it.side {
            Side::Bill => (Moved::NewBill, -1),
            Side::Invoice => (Moved::NewInvoice, 1),
        };
        found.push(driver(what, &it.name, party(after, it), signed(it.open, sign)));
    }
    for it in before.documents.iter().filter(|it| it.is_open()) {
        if new.get(&it.name).is_some_and(|now| now.is_open()) {
            continue;
        }
        let (what, sign) = match it.side {
            Side::Bill => (Moved::BillSettled, 1),
            Side::Invoice => (Moved::InvoiceSettled, -1),
        };
        found.push(driver(what, &it.name, party(before, it), signed(it.open, sign)));
    }
    let size = |it: &Driver| it.amount.map_or(0, |amount| amount.micros.unsigned_abs());
    found.sort_by(|one, other| {
        let larger = size(other).cmp(&size(one));
        larger.then_with(|| (one.what, &one.of).cmp(&(other.what, &other.of)))
    });
    found
}

/// Money that moved: what is there now and was not, or has another amount; what was there and is not any more moves back.
fn flows(
    before: &Facts,
    after: &Facts,
    driver: &impl Fn(Moved, &RecordName, Option<String>, Known<Money>) -> Driver,
) -> Vec<Driver> {
    fn by(facts: &Facts) -> BTreeMap<&RecordName, &Flow> {
        facts.flows.iter().map(|flow| (&flow.name, flow)).collect()
    }
    let (old, new) = (by(before), by(after));
    let effect = |flow: Option<&&Flow>| match flow {
        None => Ok(0),
        Some(flow) => flow.amount.map(|amount| if flow.is_in { amount.micros } else { -amount.micros }),
    };
    let called = |flow: &Flow| {
        let names = after.parties.values().filter(|party| Some(&party.name.id) == flow.party.as_ref());
        let wanted = if flow.is_in { "customer" } else { "vendor" };
        names.filter(|party| party.name.entity.path() == wanted).find_map(|party| party.called.clone())
    };
    let mut names: Vec<&RecordName> = old.keys().chain(new.keys()).copied().collect();
    names.sort_unstable();
    names.dedup();
    let moved = names.into_iter().filter_map(|name| {
        let (was, is) = (old.get(name), new.get(name));
        let change = effect(is).and_then(|is| is.checked_sub(effect(was)?).ok_or(Unknown::TooLarge));
        if change == Ok(0) {
            return None;
        }
        let flow = is.or(was)?;
        let goes_in = change.map_or(flow.is_in, |micros| micros > 0);
        let what = if goes_in { Moved::CameIn } else { Moved::WentOut };
        let amount = change.map(|micros| Money { micros, currency: after.home });
        Some(driver(what, name, called(flow), amount))
    });
    moved.collect()
}

fn signed(amount: Known<Money>, sign: i64) -> Known<Money> {
    amount.map(|amount| Money { micros: amount.micros * sign, ..amount })
}

/// What of a change of the cash the money that moved does not explain: opening balances, transfers from accounts that are not
/// counted, what was set aside or released.
pub fn unexplained(before: Known<Money>, after: Known<Money>, drivers: &[Driver]) -> Known<Money> {
    let (before, after) = (before?, after?);
    let moved =
        drivers.iter().filter(|it| it.what.is_cash()).map(|it| it.amount).collect::<Known<Vec<_>>>()?;
    let change = after.micros.checked_sub(before.micros).ok_or(Unknown::TooLarge)?;
    let micros = change.checked_sub(sum(moved)?).ok_or(Unknown::TooLarge)?;
    Ok(Money { micros, ..after })
}
