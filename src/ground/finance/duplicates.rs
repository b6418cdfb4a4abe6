//! What stands in the books twice (finance 3.2): the same party, the same amount, a few days apart.

use std::collections::BTreeMap;

use super::facts::{Document, Facts, Flow, Party, Side};
use super::figure::RecordName;
use crate::ground::books::Entity;
use crate::ground::money::Money;
use crate::ground::time::CalendarDate;

/// Payments of one party, one amount and one direction.
type Payments<'f> = BTreeMap<(String, i64, bool), Vec<(&'f Flow, CalendarDate)>>;

/// Documents so many days apart can be one that was entered twice.
const DAYS: i32 = 7;
/// And payments so many.
const PAYMENT_DAYS: i32 = 3;

/// Two that may be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twins {
    /// The earlier id of the two.
    pub one: RecordName,
    /// The other.
    pub other: RecordName,
    /// Whether they carry the same number, so that there is no doubt.
    pub certain: bool,
}

/// A name as it is compared: letters and digits, without the words that say what kind of firm it is.
pub fn plain_name(name: &str) -> String {
    const FIRM: [&str; 12] =
        ["inc", "llc", "ltd", "limited", "corp", "corporation", "co", "company", "plc", "gmbh", "the", "and"];
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let kept: Vec<&str> = words.clone().filter(|word| !FIRM.contains(word)).collect();
    // A name that is nothing but such words is compared as it is.
    if kept.is_empty() { words.collect::<Vec<_>>().join(" ") } else { kept.join(" ") }
}

fn ordered(one: &RecordName, other: &RecordName, certain: bool) -> Twins {
    let (one, other) = if one <= other { (one, other) } else { (other, one) };
    Twins { one: one.clone(), other: other.clone(), certain }
}

/// Bills, or invoices, that may have been entered twice. Neither counts that is settled on both sides: what is paid twice
/// is found among the payments.
pub fn documents(facts: &Facts, side: Side) -> Vec<Twins> {
    let mut groups: BTreeMap<(String, i64), Vec<(&Document, CalendarDate)>> = BTreeMap::new();
    for document in facts.documents.iter().filter(|it| it.side == side && it.status.word() != "void") {
        let party = document.party.as_ref().map(|id| id.as_str().to_owned());
        let Some(party) = party.or_else(|| document.party_name.as_deref().map(plain_name)) else { continue };
        if let (Ok(Money { micros, .. }), Some(date)) = (document.home_total, document.date)
            && micros != 0
        {
            groups.entry((party, micros)).or_default().push((document, date));
        }
    }
    let mut found = Vec::new();
    for mut group in groups.into_values() {
        group.sort_by_key(|(document, date)| (*date, document.name.clone()));
        for pair in group.windows(2) {
            let ((one, first), (other, second)) = (pair[0], pair[1]);
            let numbered = one.number.is_some() && one.number == other.number;
            // Two numbers of one vendor are two bills, however alike.
            let apart = one.number.is_some() && other.number.is_some() && !numbered;
            if second.days_since(first) <= DAYS && !apart && (one.is_open() || other.is_open()) {
                found.push(ordered(&one.name, &other.name, numbered));
            }
        }
    }
    found
}

/// Payments that may have been made or entered twice.
pub fn payments(facts: &Facts) -> Vec<Twins> {
    let mut groups = Payments::new();
    let kinds = [Entity::BillPayment, Entity::Payment];
    for flow in facts.flows.iter().filter(|flow| kinds.contains(&flow.name.entity)) {
        if let (Some(party), Ok(amount), Some(date)) = (&flow.party, flow.amount, flow.date)
            && amount.micros != 0
        {
            let key = (party.as_str().to_owned(), amount.micros, flow.is_in);
            groups.entry(key).or_default().push((flow, date));
        }
    }
    let mut found = Vec::new();
    for mut group in groups.into_values() {
        group.sort_by_key(|(flow, date)| (*date, flow.name.clone()));
        for pair in group.windows(2) {
            if pair[1].1.days_since(pair[0].1) <= PAYMENT_DAYS {
                found.push(ordered(&pair[0].0.name, &pair[1].0.name, false));
            }
        }
    }
    found
}

/// Customers, or vendors, in use that may be one: the same name but for what kind of firm it is, or the same address for
/// mail.
pub fn parties(facts: &Facts, entity: Entity) -> Vec<Twins> {
    let mut by: BTreeMap<String, Vec<&Party>> = BTreeMap::new();
    for party in facts.parties.values().filter(|party| party.active && party.name.entity == entity) {
        let name = party.called.as_deref().map(plain_name).filter(|name| !name.is_empty());
        let email = party.email.as_deref().map(|email| format!("@{}", email.trim().to_lowercase()));
        for key in name.into_iter().chain(email.filter(|email| email.len() > 1)) {
            by.entry(key).or_default().push(party);
        }
    }
    let mut found: Vec<Twins> = Vec::new();
    for group in by.into_values() {
        for pair in group.windows(2) {
            let twins = ordered(&pair[0].name, &pair[1].name, false);
            if twins.one != twins.other && !found.contains(&twins) {
                found.push(twins);
            }
        }
    }
    found
}
