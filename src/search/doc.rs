//! What is known of a person for searching: a few folded words, small enough to hold thousands in memory.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::text::{Folded, cut, email, fold, joined, words};
use crate::ground::crm::PersonRecord;
use crate::ground::further::FurtherTexts;
use crate::ground::id::{ConnectionId, Object, PersonId, SubjectKey};
use crate::ground::journal::SubjectState;
use crate::ground::matching::keys::{Key, search_keys};
use crate::ground::matching::told::{COUNTRY, PersonTold};
use crate::ground::person::Person;
use crate::ground::staging::StagedRow;

/// Words of one field that count.
const WORDS_MAX: usize = 8;
/// Addresses of one person that count.
const EMAILS_MAX: usize = 8;
/// Longest name written as one word, and longest name to sort by, in characters.
const WHOLE_MAX: usize = 128;
/// Between name and id in a key: below every letter, so that a shorter name sorts first.
const SEPARATOR: char = '\u{1}';
/// Sorts those without any name last.
const NAMELESS: &str = "\u{10ffff}";

/// The searchable part of a person; each list of terms is one text with spaces between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Doc {
    /// Folded name and id: equal scores are ordered by it.
    pub(super) key: String,
    /// Words of the names, alone and written as one.
    pub(super) names: String,
    /// Addresses, whole and in parts.
    pub(super) emails: String,
    /// Town, postcode, and what the workspace added: membership numbers, nicknames, job titles.
    pub(super) places: String,
    /// The whole name as one word, in both orders.
    pub(super) whole: String,
    /// Keys that records of one person are likely to share, in order.
    pub(super) alike: Vec<Key>,
}

/// Whether search follows a subject of this name: people, and rows whose donor may be somebody.
pub(super) fn is_followed(key: &SubjectKey) -> bool {
    let person = key.connection == ConnectionId::TWENTY && key.object == Object::People;
    person || (key.connection == ConnectionId::HERE && key.object == Object::GiftStaging)
}

impl Doc {
    /// What to find of a record; nothing when it is not live or does not read as a person.
    pub(super) fn of(key: &SubjectKey, state: SubjectState, json: &str) -> Option<Self> {
        if state != SubjectState::Live {
            return None;
        }
        let id = key.uuid()?;
        if key.object == Object::GiftStaging {
            return Self::of_row(id, &serde_json::from_str(json).ok()?);
        }
        let record: PersonRecord = serde_json::from_str(json).ok()?;
        // A record that reads as a person has further fields that read, too.
        let further: FurtherTexts = serde_json::from_str(json).unwrap_or_default();
        let told: PersonTold = serde_json::from_str(json).ok()?;
        let alike = search_keys(&told.into_donor(), COUNTRY);
        Some(Self { alike, ..Self::of_person(id, &record.into_person(), &further.0) })
    }

    /// A row whose donor is not known: it has no words to be found by, only keys to be compared by.
    fn of_row(id: Uuid, row: &StagedRow) -> Option<Self> {
        let nothing = String::new;
        row.is_somebody_unknown().then(|| Self {
            key: format!("{SEPARATOR}{}", id.simple()),
            names: nothing(),
            emails: nothing(),
            places: nothing(),
            whole: nothing(),
            alike: search_keys(&row.told(), COUNTRY),
        })
    }

    fn of_person(id: Uuid, person: &Person, further: &[String]) -> Self {
        let first = fold(person.first_name.as_deref().unwrap_or_default());
        let last = fold(person.last_name.as_deref().unwrap_or_default());
        let addresses: Vec<Folded> = person.emails.iter().take(EMAILS_MAX).map(|text| fold(text)).collect();
        let mut names = BTreeSet::new();
        add_field(&first, &mut names);
        add_field(&last, &mut names);
        let mut places = BTreeSet::new();
        for text in [&person.city, &person.postcode].into_iter().flatten().chain(further) {
            add_field(&fold(text), &mut places);
        }
        let mut emails = BTreeSet::new();
        for address in &addresses {
            emails.insert(email(&address.plain));
            emails.extend(words(&address.plain).take(2 * WORDS_MAX).map(str::to_owned));
        }
        Self {
            key: key(id, &first, &last, addresses.first()),
            names: list(names),
            emails: list(emails),
            places: list(places),
            whole: list(wholes(&first, &last)),
            alike: Vec::new(),
        }
    }

    /// The person of a key.
    pub(super) fn id_of(key: &str) -> Option<PersonId> {
        key.rsplit_once(SEPARATOR).and_then(|(_, id)| id.parse().ok())
    }
}

/// Each word, and neighbours written as one: `de la Cruz` is also found as `delacruz`, `O'Brien` as `obrien`.
fn add_field(field: &Folded, terms: &mut BTreeSet<String>) {
    for text in field.each() {
        let parts: Vec<&str> = words(text).take(WORDS_MAX).collect();
        for many in 1..=3 {
            terms.extend(parts.windows(many).map(joined));
        }
    }
}

fn wholes(first: &Folded, last: &Folded) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    for (first, last) in [(first.plain.as_str(), last.plain.as_str()), (first.spelt(), last.spelt())] {
        for (one, other) in [(first, last), (last, first)] {
            terms.insert(whole(words(one).chain(words(other))));
        }
    }
    terms
}

/// Words written as one, as long as a whole name may be.
pub(super) fn whole<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let all: String = words.collect();
    cut(&all, WHOLE_MAX).to_owned()
}

fn key(id: Uuid, first: &Folded, last: &Folded, address: Option<&Folded>) -> String {
    let named: Vec<&str> = words(&first.plain).chain(words(&last.plain)).collect();
    let name = match address {
        _ if !named.is_empty() => named.join(" "),
        Some(address) => email(&address.plain),
        None => NAMELESS.to_owned(),
    };
    format!("{}{SEPARATOR}{}", cut(&name, WHOLE_MAX), id.simple())
}

fn list(terms: BTreeSet<String>) -> String {
    let terms: Vec<String> = terms.into_iter().filter(|term| !term.is_empty()).collect();
    terms.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc(first: &str, last: &str, email: &str) -> Doc {
        let person = Person {
            id: PersonId(Uuid::from_u128(7)),
            first_name: Some(first.into()),
            last_name: Some(last.into()),
            emails: vec![email.into()],
            city: Some("New York".into()),
            postcode: Some("SW1A 1AA".into()),
            email_opt_out: None,
        };
        Doc::of_person(Uuid::from_u128(7), &person, &[])
    }

    #[test]
    fn a_person_becomes_words_alone_and_joined() {
        let doc = doc("Anne Marie", "O'Brien", "Anne.OB@example.org");
        assert_eq!(doc.names, "anne annemarie brien marie o obrien");
        assert_eq!(doc.emails, "anne anne.ob@example.org example ob org");
        assert_eq!(doc.places, "1aa new newyork sw1a sw1a1aa york");
        assert_eq!(doc.whole, "annemarieobrien obrienannemarie");
        assert_eq!(doc.key, format!("anne marie o brien\u{1}{}", Uuid::from_u128(7).simple()));
        assert_eq!(Doc::id_of(&doc.key), Some(PersonId(Uuid::from_u128(7))));
    }

    #[test]
    fn both_spellings_of_a_letter_are_there() {
        let doc = doc("Jürgen", "Müller", "jm@example.org");
        assert_eq!(doc.names, "juergen jurgen mueller muller");
        assert_eq!(doc.whole, "juergenmueller jurgenmuller muellerjuergen mullerjurgen");
    }

    #[test]
    fn only_live_records_that_read_as_a_person_are_found() {
        let key = SubjectKey::twenty(Object::People, Uuid::from_u128(7));
        let json = r#"{"id":"00000000-0000-0000-0000-000000000007","name":{"firstName":"Ada"}}"#;
        assert!(Doc::of(&key, SubjectState::Live, json).is_some());
        for state in [SubjectState::Pending, SubjectState::Deleted, SubjectState::Gone] {
            assert_eq!(Doc::of(&key, state, json), None);
        }
        assert_eq!(Doc::of(&key, SubjectState::Live, "{}"), None);
        assert_eq!(Doc::of(&key, SubjectState::Live, "not json"), None);
    }

    #[test]
    fn what_the_workspace_added_is_found_and_keys_and_stamps_are_not() {
        let key = SubjectKey::twenty(Object::People, Uuid::from_u128(7));
        let json = r#"{"id":"00000000-0000-0000-0000-000000000007","name":{"firstName":"Ada"},"updatedAt":"2026-11-23T09:00:00.000Z",
            "membershipNumber":"HL-4711","volunteerSince":"2019-05-01","householdId":"11111111-2222-4333-8444-555555555555","badge":77,"tags":["x"],"address":{"a":"b"},"weight":1.5,"nickname":""}"#;
        let doc = Doc::of(&key, SubjectState::Live, json).unwrap();
        assert_eq!(doc.places, "4711 77 hl hl4711");
    }

    #[test]
    fn the_nameless_sort_last_unless_they_have_an_address() {
        let keys = [doc("", "", "a@x").key, doc("", "Zoe", "a@x").key];
        assert!(keys[0].starts_with("a@x\u{1}") && keys[1].starts_with("zoe\u{1}"));
        let nobody = Person {
            id: PersonId(Uuid::nil()),
            first_name: None,
            last_name: None,
            emails: vec![],
            city: None,
            postcode: None,
            email_opt_out: None,
        };
        assert!(Doc::of_person(Uuid::nil(), &nobody, &[]).key.starts_with(NAMELESS));
    }
}
