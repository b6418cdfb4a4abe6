//! What stands in the books twice (finance 3.2): the same party, the same amount, a few days apart.

use std::collections::{BTreeMap, BTreeSet};

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

/// Names after this one, in their order, that a name is compared with: a base of ten thousand stays quick.
const NEIGHBOURS: usize = 200;

/// Two that may be one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

/// Letters of a hundred that two names of one firm may differ in (finance 3.2).
const UNLIKE: usize = 15;
/// A first word shorter than this says too little to be the name of the same firm with more words.
const WORD_MIN: usize = 5;

/// Whether two plain names are likely those of one firm: nearly the same letters, or the one is the beginning of the other.
pub fn alike(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    if short.is_empty() {
        return false;
    }
    let longest = one.chars().count().max(other.chars().count());
    let begins = long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    // Names that differ in a number are two: Fund 1 and Fund 2.
    let numbers = |name: &str| name.chars().filter(char::is_ascii_digit).collect::<String>();
    (begins && short.chars().count() >= WORD_MIN)
        || (numbers(one) == numbers(other) && strsim::levenshtein(one, other) * 100 <= UNLIKE * longest)
}

fn ordered(one: &RecordName, other: &RecordName, certain: bool) -> Twins {
    let (one, other) = if one <= other { (one, other) } else { (other, one) };
    Twins { one: one.clone(), other: other.clone(), certain }
}

/// Whether two amounts are the same, or one of them mistyped by a hundredth at most.
fn near(one: i64, other: i64) -> bool {
    let (less, more) = if one.abs() <= other.abs() { (one, other) } else { (other, one) };
    (i128::from(more) - i128::from(less)).abs() * 100 <= i128::from(more).abs()
}

/// Bills, or invoices, that may have been entered twice: of one party, of the same amount or a hundredth more or less, a few
/// days apart, or with the same number at any time. Neither counts that is settled on both sides: what is paid twice is
/// found among the payments.
pub fn documents(facts: &Facts, side: Side) -> Vec<Twins> {
    let mut groups: BTreeMap<String, Vec<(&Document, CalendarDate, i64)>> = BTreeMap::new();
    for document in facts.documents.iter().filter(|it| it.side == side && it.status.word() != "void") {
        let party = document.party.as_ref().map(|id| id.as_str().to_owned());
        let Some(party) = party.or_else(|| document.party_name.as_deref().map(plain_name)) else { continue };
        if let (Ok(Money { micros, .. }), Some(date)) = (document.home_total, document.date)
            && micros != 0
        {
            groups.entry(party).or_default().push((document, date, micros));
        }
    }
    let mut found = BTreeMap::new();
    for mut group in groups.into_values() {
        group.sort_by_key(|(document, date, _)| (*date, document.name.clone()));
        let mut numbered: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, (one, first, amount)) in group.iter().enumerate() {
            let soon =
                group.iter().skip(at + 1).take_while(|(_, second, _)| second.days_since(*first) <= DAYS);
            // Two numbers of one vendor are two bills, however alike.
            let may_be = |other: &Document| {
                one.number.is_none() || other.number.is_none() || one.number == other.number
            };
            for (other, ..) in soon.filter(|(other, _, more)| near(*amount, *more) && may_be(other)) {
                if one.is_open() || other.is_open() {
                    let certain = one.number.is_some() && one.number == other.number;
                    found.insert(
                        (one.name.clone(), other.name.clone()),
                        ordered(&one.name, &other.name, certain),
                    );
                }
            }
            if let Some(number) = one.number.as_deref() {
                numbered.entry(number).or_default().push(at);
            }
        }
        for places in numbered.into_values() {
            let all = || places.iter().filter_map(|at| group.get(*at));
            for (at, (one, _, amount)) in all().enumerate() {
                for (other, _, more) in all().skip(at + 1) {
                    if near(*amount, *more) && (one.is_open() || other.is_open()) {
                        found.insert(
                            (one.name.clone(), other.name.clone()),
                            ordered(&one.name, &other.name, true),
                        );
                    }
                }
            }
        }
    }
    found.into_values().collect()
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
        for (at, (one, first)) in group.iter().enumerate() {
            let rest = group.iter().skip(at + 1);
            let soon = rest.take_while(|(_, second)| second.days_since(*first) <= PAYMENT_DAYS);
            found.extend(soon.map(|(other, _)| ordered(&one.name, &other.name, false)));
        }
    }
    found
}

/// Customers, or vendors, in use that may be one: much the same name but for what kind of firm it is, or the same address for
/// mail. Names are compared that begin with the same letter.
pub fn parties(facts: &Facts, entity: Entity) -> Vec<Twins> {
    let mut by: BTreeMap<String, Vec<(String, &Party)>> = BTreeMap::new();
    for party in facts.parties.values().filter(|party| party.active && party.name.entity == entity) {
        let name = party.called.as_deref().map(plain_name).filter(|name| !name.is_empty());
        let email = party.email.as_deref().map(|email| format!("@{}", email.trim().to_lowercase()));
        if let Some(name) = name {
            let first: String = name.chars().take(1).collect();
            by.entry(first).or_default().push((name, party));
        }
        if let Some(email) = email.filter(|email| email.len() > 1) {
            by.entry(email.clone()).or_default().push((email, party));
        }
    }
    let mut found: BTreeSet<Twins> = BTreeSet::new();
    for mut group in by.into_values() {
        group.sort_by(|one, other| one.0.cmp(&other.0).then_with(|| one.1.name.cmp(&other.1.name)));
        for (at, (one, first)) in group.iter().enumerate() {
            for (other, second) in group.iter().skip(at + 1).take(NEIGHBOURS) {
                if one == other || (!one.starts_with('@') && alike(one, other)) {
                    found.insert(ordered(&first.name, &second.name, false));
                }
            }
        }
    }
    found.into_iter().filter(|twins| twins.one != twins.other).collect()
}
