//! What a decision about two records was made on: it holds as long as both read as they did then.
//!
//! Of what was seen only hashes of 32 bits are kept, one a kind of value: they tell what changed since, and nobody's name.

use serde::{Deserialize, Serialize};

use super::contact::{phone, postcode};
use super::keys::hash;
use super::normalize::fold;
use super::record::Donor;
use super::told::COUNTRY;

/// The kinds of values, as people call them.
const KINDS: [&str; 7] =
    ["name", "title", "date of birth", "address", "e-mail address", "telephone number", "organisation"];

/// What was known of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen([u32; KINDS.len()]);

impl Seen {
    /// What is known of this record. Writing the same in another way (case, accents, spaces, the order of several
    /// addresses) changes nothing.
    pub fn of(donor: &Donor) -> Self {
        let name = [&donor.first, &donor.last].map(|text| fold(text));
        let address = [&donor.number, &donor.street, &donor.extra, &donor.town, &donor.region];
        let address = address.map(|text| fold(text)).into_iter().chain([postcode(&donor.postcode)]);
        let emails = donor.emails.iter().map(|email| email.trim().to_lowercase());
        let phones = donor.phones.iter().map(|text| phone(text, COUNTRY).unwrap_or_else(|| fold(text)));
        Self([
            slot(0, &name),
            slot(1, &[fold(&donor.title)]),
            slot(2, &[fold(&donor.birth)]),
            slot(3, &address.collect::<Vec<_>>()),
            slot(4, &sorted(emails)),
            slot(5, &sorted(phones)),
            slot(6, &[fold(&donor.organisation)]),
        ])
    }

    /// What reads differently now, as people call it; nothing when all is as it was.
    pub fn changed(self, now: Self) -> Vec<&'static str> {
        let kinds = KINDS.iter().zip(self.0.iter().zip(now.0));
        kinds.filter(|(_, (then, now))| **then != *now).map(|(kind, _)| *kind).collect()
    }
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

fn slot(kind: u8, texts: &[String]) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "a part of a hash is a hash")]
    let half = hash(0x80 | kind, [&texts.join("\u{1}"), ""]) as u32;
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_spelling_is_no_change_and_another_value_is() {
        let ada = Donor {
            first: "Ada".into(),
            last: "O'Brien".into(),
            emails: vec!["ada@x.example".into(), "a@y.example".into()],
            postcode: "NP20 1AA".into(),
            ..Donor::default()
        };
        let seen = Seen::of(&ada);
        let same = Donor {
            last: "O'BRIEN ".into(),
            emails: vec!["A@Y.example".into(), "ada@x.example".into()],
            postcode: "np201aa".into(),
            ..ada.clone()
        };
        assert_eq!(seen.changed(Seen::of(&same)), Vec::<&str>::new());
        let moved = Donor { postcode: "NP20 2BB".into(), emails: vec![], ..ada };
        assert_eq!(seen.changed(Seen::of(&moved)), ["address", "e-mail address"]);
    }
}
