//! What people decide about two records, one person or two, and the links that follow, each with all that it changed.
//!
//! A decision holds as long as both records read as they did when it was made. A link can be undone at any time: it names
//! every row it moved and who was its donor before.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::id::{Object, PersonId, StagedId, SubjectKey};
use super::journal::Actor;
use super::matching::seen::Seen;
use super::staging::{DonorDecision, Progress, StagedRow};
use super::time::Instant;

/// A record that people are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Who {
    /// A person of Twenty.
    Person(PersonId),
    /// A gift waiting whose donor is not known.
    Row(StagedId),
}

impl Who {
    /// The name of the record.
    pub fn key(self) -> SubjectKey {
        match self {
            Self::Person(person) => SubjectKey::twenty(Object::People, person.0),
            Self::Row(row) => SubjectKey::here(Object::GiftStaging, row.0),
        }
    }

    /// Its id.
    pub const fn uuid(self) -> Uuid {
        match self {
            Self::Person(person) => person.0,
            Self::Row(row) => row.0,
        }
    }
}

/// What somebody said about two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// They are one person.
    Same,
    /// They are two people: not a duplicate.
    Different,
    /// It cannot be told from what is here.
    Unsure,
    /// What was said before is taken back.
    Open,
}

impl Said {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Same, Self::Different, Self::Unsure, Self::Open];

    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Different => "different",
            Self::Unsure => "unsure",
            Self::Open => "open",
        }
    }

    /// What a word says.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|said| said.word() == word)
    }
}

/// A decision about two records; one subject a pair, whose history holds what was said before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Its id: it follows from the two.
    pub id: Uuid,
    /// The lower of the two.
    pub left: Who,
    /// The higher.
    pub right: Who,
    /// What was said.
    pub said: Said,
    /// What was known of both when it was said.
    pub seen: (Seen, Seen),
    /// What the comparison was worth then, in thousandths of a bit.
    pub bits: i64,
    /// By which weights.
    pub model: String,
    /// Whether the weight was hidden from whoever decided.
    pub blind: bool,
    /// The link that was made with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Uuid>,
    /// Who said it.
    pub by: Actor,
    /// When.
    pub at: Instant,
}

/// Namespace of the ids of verdicts and links.
const PAIRS: Uuid = Uuid::from_u128(0x8d0c_55a3_6d0e_5f6b_9c1e_616c_6d6f_6e72);

fn pair_id(what: &[u8], one: Uuid, other: Uuid) -> Uuid {
    Uuid::new_v5(&PAIRS, &[what, one.as_bytes(), other.as_bytes()].concat())
}

impl Verdict {
    /// The two in the order in which a verdict names them, and its id.
    pub fn of(one: Who, other: Who) -> (Uuid, Who, Who) {
        let (left, right) = if one <= other { (one, other) } else { (other, one) };
        (pair_id(b"verdict", left.uuid(), right.uuid()), left, right)
    }

    /// Why it holds no longer, in plain words; none while it does. `left` and `right` are what is known now.
    pub fn expired(&self, left: Seen, right: Seen) -> Option<String> {
        let told = |what: Vec<&'static str>, whose: &str| {
            (!what.is_empty()).then(|| format!("the {} of the {whose} record", what.join(" and the ")))
        };
        let changed = [told(self.seen.0.changed(left), "first"), told(self.seen.1.changed(right), "second")];
        let changed: Vec<String> = changed.into_iter().flatten().collect();
        (!changed.is_empty()).then(|| format!("Changed since it was said: {}.", changed.join(", ")))
    }
}

/// A row that a link moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The row.
    pub row: StagedId,
    /// Who its donor was before.
    pub before: DonorDecision,
}

/// A row that an undo left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The row.
    pub row: StagedId,
    /// Why, in plain words.
    pub why: String,
}

/// Where a link stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkState {
    /// It holds.
    Made,
    /// It was taken back.
    Undone {
        /// By whom.
        by: Actor,
        /// When.
        at: Instant,
        /// Rows that stay as they are.
        kept: Vec<Kept>,
    },
    /// The two are one record in Twenty.
    Merged,
}

impl LinkState {
    /// The word of the API.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Undone { .. } => "undone",
            Self::Merged => "merged",
        }
    }
}

/// Two records that stand for one person: whoever names the joined one means the one that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Our id.
    pub id: Uuid,
    /// The record that leads to the other one.
    pub joined: Who,
    /// The person both stand for.
    pub kept: PersonId,
    /// What made it: `person`, or the word of a rule.
    pub rule: String,
    /// The rows whose donor it changed.
    pub rows: Vec<Moved>,
    /// Who made it.
    pub by: Actor,
    /// When.
    pub at: Instant,
    /// Where it stands.
    pub state: LinkState,
}

impl Link {
    /// The id of the link that a run makes for a row.
    pub fn id_of_run(run: Uuid, row: StagedId) -> Uuid {
        pair_id(b"run", run, row.0)
    }

    /// Whether an id leads on by it.
    pub fn leads(&self, person: PersonId) -> bool {
        self.state == LinkState::Made && self.joined == Who::Person(person)
    }
}

impl StagedRow {
    /// The row with another record of the same person as its donor. What was judged of it stays judged.
    #[must_use]
    pub const fn repointed(mut self, donor: DonorDecision) -> Self {
        self.donor = donor;
        self
    }

    /// Why an undo must leave the row as it is; none when it need not. `led` are the records that the link led to.
    pub fn stays(&self, led: &[PersonId]) -> Option<&'static str> {
        match self.progress {
            Progress::Posted { .. } => {
                return Some("Its gift is in Twenty already. Correct its donor there, if it is another one.");
            }
            Progress::Sending { .. } => {
                return Some("It is being sent to Twenty. Look again when Twenty has answered.");
            }
            Progress::Review | Progress::Ready | Progress::Failed { .. } | Progress::Discarded => {}
        }
        let moved = self.donor.person().is_some_and(|person| led.contains(&person));
        (!moved).then_some("Somebody chose another donor for it since.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::matching::record::Donor;

    #[test]
    fn a_verdict_is_the_same_either_way_round_and_says_why_it_expired() {
        let [one, other] = [7, 8].map(|n| Who::Person(PersonId(Uuid::from_u128(n))));
        assert_eq!(Verdict::of(one, other), Verdict::of(other, one));
        let ada = Donor { first: "Ada".into(), ..Donor::default() };
        let seen = Seen::of(&ada);
        let (id, left, right) = Verdict::of(one, other);
        let verdict = Verdict {
            id,
            left,
            right,
            said: Said::Different,
            seen: (seen, seen),
            bits: 1_000,
            model: "m".into(),
            blind: false,
            link: None,
            by: Actor::System,
            at: Instant(1),
        };
        assert_eq!(verdict.expired(seen, seen), None);
        let moved = Seen::of(&Donor { town: "Leeds".into(), ..ada });
        assert_eq!(
            verdict.expired(seen, moved).as_deref(),
            Some("Changed since it was said: the address of the second record.")
        );
    }

    #[test]
    fn words_lead_back() {
        for said in Said::ALL {
            assert_eq!(Said::from_word(said.word()), Some(said));
        }
        assert_eq!(Said::from_word("perhaps"), None);
    }
}
