//! Which records explain a gap: the names whose documents do not add up to their balance, and of those the documents that
//! would close it; and documents that others are linked to and that are not here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Name;
use super::open::{Ledger, Open, sum};
use crate::ground::books::decimal::Decimal;
use crate::ground::books::id::{Entity, EntityId};
use crate::ground::books::record::{Body, Record};
use crate::ground::money::Currency;

/// What explains a gap.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// Where documents and balance differ, the largest first.
    pub of: Vec<Of>,
    /// Documents that others name and that are not here.
    pub missing: Vec<Missing>,
}

/// A customer or vendor whose documents do not add up to their balance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Of {
    /// Which kind, and which one; none are the documents of nobody.
    pub name: Option<(Entity, EntityId)>,
    /// How much more the documents say than the balance.
    pub gap: Decimal,
    /// Documents that would close it, or all that are open when none would.
    pub suspects: Vec<Suspect>,
}

/// A document that may be the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspect {
    /// Which kind.
    pub entity: Entity,
    /// Which one.
    pub id: EntityId,
    /// What is open of it.
    pub open: Decimal,
    /// Whether it alone explains the gap of its name: it is gone there, or paid.
    pub alone: bool,
}

/// A document that is not here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Its id.
    pub id: EntityId,
    /// Which kind it is, as the link says; links mix old names.
    pub kind: Option<String>,
    /// Which document names it.
    pub named_by: (Entity, EntityId),
}

pub(super) fn explain(ledger: &Ledger, currency: Currency, records: &[&Record]) -> Explanation {
    let mut by_name: BTreeMap<Option<Name>, Vec<&Open>> = BTreeMap::new();
    for open in ledger.open.iter().filter(|open| open.amount.currency == currency) {
        by_name.entry(open.name.clone()).or_default().push(open);
    }
    for (name, _) in ledger.names.iter().filter(|(_, balance)| balance.currency == currency) {
        by_name.entry(Some(name.clone())).or_default();
    }
    let mut of: Vec<Of> =
        by_name.into_iter().filter_map(|(name, open)| differing(ledger, currency, name, &open)).collect();
    of.sort_by_key(|of| std::cmp::Reverse(size(of.gap)));
    Explanation { of, missing: missing(records) }
}

fn size(gap: Decimal) -> Decimal {
    if gap.is_negative() { gap.negated() } else { gap }
}

fn differing(ledger: &Ledger, currency: Currency, name: Option<Name>, open: &[&Open]) -> Option<Of> {
    let documents = sum(open.iter().map(|open| open.amount), currency)?;
    let told = name.as_ref().and_then(|name| ledger.names.get(name));
    let balance =
        told.filter(|balance| balance.currency == currency).map_or(Decimal::ZERO, |balance| balance.exact);
    let gap = documents.plus(balance.negated())?;
    if gap.is_zero() {
        return None;
    }
    let suspect = |open: &&Open| {
        let (entity, id, exact) = (open.entity, open.id.clone(), open.amount.exact);
        Suspect { entity, id, open: exact, alone: exact == gap }
    };
    let mut suspects: Vec<Suspect> = open.iter().map(suspect).collect();
    if suspects.iter().any(|suspect| suspect.alone) {
        suspects.retain(|suspect| suspect.alone);
    }
    Some(Of { name, gap, suspects })
}

/// Kinds of links that lead to documents we mirror, on either side of what is owed.
const LINKED: [&str; 4] = ["Invoice", "CreditMemo", "Bill", "VendorCredit"];

fn missing(records: &[&Record]) -> Vec<Missing> {
    let here: BTreeSet<&EntityId> =
        records.iter().filter(|record| record.body.entity().is_document()).map(|record| &record.id).collect();
    let paying =
        records.iter().filter(|record| matches!(record.body, Body::Payment(_) | Body::BillPayment(_)));
    let mut missing: Vec<Missing> = Vec::new();
    for record in paying {
        let links = record.body.lines().iter().flat_map(|line| &line.links);
        for link in links.filter(|link| link.kind.as_deref().is_some_and(|kind| LINKED.contains(&kind))) {
            let Some(id) = link.id.clone().filter(|id| !here.contains(id)) else { continue };
            if missing.iter().all(|known| known.id != id) {
                let named_by = (record.body.entity(), record.id.clone());
                missing.push(Missing { id, kind: link.kind.clone(), named_by });
            }
        }
    }
    missing
}
