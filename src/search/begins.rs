//! How the words of a person begin, as a handful of bits: tells most people who do not answer a question apart without
//! reading them. It may let somebody through who does not; it never holds back somebody who does, but for small mistakes.

use super::doc::Doc;
use super::query::{Group, Kind, Query, Word};

/// Bits for first letters; the others are for the first two.
const ONE: u64 = 27;
const ALL: u64 = 128;

/// Beginnings, one bit or a few words' shared bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Begins(u128);

/// What must be among the beginnings of whoever answers: for each group one of these.
pub(super) struct Needed(Vec<Vec<Begins>>);

impl Begins {
    /// Those of all words of a person.
    pub(super) fn of(doc: &Doc) -> Self {
        let terms = Kind::ALL.into_iter().flat_map(|kind| kind.terms(doc).split(' '));
        Self(terms.fold(0, |bits, term| bits | one(term) | two(term)))
    }

    /// What a question needs.
    pub(super) fn asked(query: &Query) -> Needed {
        Needed(query.groups.iter().map(group).collect())
    }

    /// Whether somebody with these may answer.
    pub(super) fn may_answer(self, needed: &Needed) -> bool {
        needed.0.iter().all(|ways| ways.iter().any(|way| self.0 & way.0 == way.0))
    }
}

/// Each combination of spellings that answers a group; too many are none to tell by.
fn group(group: &Group) -> Vec<Begins> {
    let mut ways = vec![Begins::default()];
    for word in &group.parts {
        let spelt = spellings(word);
        ways = ways.iter().flat_map(|way| spelt.iter().map(|bits| Begins(way.0 | bits.0))).collect();
        if ways.len() > 16 {
            return vec![Begins::default()];
        }
    }
    ways.extend(group.joined.iter().flat_map(spellings));
    ways
}

fn spellings(word: &Word) -> Vec<Begins> {
    let bits = |text: &str| if text.chars().nth(1).is_some() { two(text) } else { one(text) };
    word.0.iter().map(|spelling| Begins(bits(&spelling.text))).collect()
}

/// The bit of a first letter.
fn one(term: &str) -> u128 {
    term.chars().next().map_or(0, |first| 1 << (u64::from(u32::from(first)) % ONE))
}

/// The bit of the first two letters; none for a single one.
fn two(term: &str) -> u128 {
    let mut chars = term.chars().map(|c| u64::from(u32::from(c)));
    let (Some(first), Some(second)) = (chars.next(), chars.next()) else { return 0 };
    1 << (ONE + (first * 31 + second) % (ALL - ONE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc(names: &str, emails: &str) -> Doc {
        let text = String::new;
        let (names, emails) = (names.to_owned(), emails.to_owned());
        Doc { key: text(), names, emails, places: text(), whole: text(), alike: Vec::new() }
    }

    #[test]
    fn nobody_who_answers_is_held_back() {
        let doc = doc("brien o obrien zoe", "example ob org zoe zoe.ob@example.org");
        let begins = Begins::of(&doc);
        for text in ["z", "zo", "zoe", "o'b", "o'brien zo", "zoe.ob@ex", "obr z", "org", "zoe.ob", "  zoe "] {
            let query = Query::read(text).unwrap();
            assert!(query.score(&doc, false) > 0, "{text} is answered");
            assert!(begins.may_answer(&Begins::asked(&query)), "{text}");
        }
    }

    #[test]
    fn most_who_do_not_are() {
        let begins = Begins::of(&doc("anna smith", "anna example org"));
        let held_back =
            |text: &str| !begins.may_answer(&Begins::asked(&Query::read(text).expect("a question")));
        assert!(held_back("zo") && held_back("anna zoe") && held_back("k"));
        assert!(!held_back("an") && !held_back("smith anna"));
    }
}
