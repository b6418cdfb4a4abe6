//! What a donor-match run says of a row: one explicit outcome, stored with the row (domain 2.4, 4.8.2).

use serde::{Deserialize, Serialize};

use super::id::{PersonId, RunId, StagedId};
use super::matching::decide::{Decision, Rule};
use super::run::{ProcessRun, RowOutcome};
use super::staging::{DonorDecision, DonorEdit, Progress, RowEdit, RowRefusal, StagedRow};
use super::time::Instant;

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MatchOutcome {
    /// Its donor was decided before.
    AlreadyResolved,
    /// Exactly one person fits, and was linked.
    AutoLinked,
    /// Somebody may be meant; a person decides.
    PartialMatchReview,
    /// Nobody is like it.
    NoMatch,
    /// Too little is known to look for anybody.
    InsufficientIdentity,
    /// It could not be looked up, or not be stored.
    Error,
    /// Its donor was made in Twenty.
    CreatedDonor,
}

impl MatchOutcome {
    /// Every outcome.
    pub const ALL: [Self; 7] = [
        Self::AlreadyResolved,
        Self::AutoLinked,
        Self::PartialMatchReview,
        Self::NoMatch,
        Self::InsufficientIdentity,
        Self::Error,
        Self::CreatedDonor,
    ];

    /// The word of the API (domain 2.4).
    pub const fn word(self) -> &'static str {
        match self {
            Self::AlreadyResolved => "already_resolved",
            Self::AutoLinked => "auto_linked",
            Self::PartialMatchReview => "partial_match_review",
            Self::NoMatch => "no_match",
            Self::InsufficientIdentity => "insufficient_identity",
            Self::Error => "error",
            Self::CreatedDonor => "created_donor",
        }
    }

    /// The word of the older generation's `dedupeStatus` (domain 4.4).
    pub const fn dedupe_word(self) -> &'static str {
        match self {
            Self::AutoLinked => "matched_existing",
            Self::PartialMatchReview => "needs_review",
            Self::AlreadyResolved | Self::NoMatch | Self::CreatedDonor => "passed",
            Self::InsufficientIdentity | Self::Error => "pending",
        }
    }
}

/// What a run found for a row, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matched {
    /// What became of it.
    pub outcome: MatchOutcome,
    /// Which run said so. A later run that finds the same stores nothing.
    pub run: RunId,
    /// When.
    pub at: Instant,
    /// By which weights.
    pub model: String,
    /// Why, in plain words; never a donor's name or address.
    pub reason: String,
    /// Who was proposed, the likeliest first, each with its weight in thousandths of a bit.
    pub proposed: Vec<(PersonId, i64)>,
}

impl Matched {
    /// Whether another run found the same: then nothing is stored again (domain 4.8.1).
    pub fn says_the_same(&self, other: &Self) -> bool {
        let effective = |matched: &Self| (matched.outcome, matched.reason.clone(), matched.proposed.clone());
        effective(self) == effective(other)
    }
}

/// Rows by outcome, in the order of [`MatchOutcome::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchTally([u64; 7]);

impl MatchTally {
    /// Rows with an outcome.
    pub const fn count(&self, outcome: MatchOutcome) -> u64 {
        self.0[outcome as usize]
    }

    /// Counts one.
    pub const fn add(&mut self, outcome: MatchOutcome) {
        self.0[outcome as usize] += 1;
    }
}

/// A decision as an outcome with its reason.
pub fn outcome_of(decision: &Decision<PersonId>) -> (MatchOutcome, &'static str) {
    match decision {
        Decision::Linked(_, rule) => (MatchOutcome::AutoLinked, rule.words()),
        Decision::Proposed(_, doubt) => (MatchOutcome::PartialMatchReview, doubt.words()),
        Decision::Nobody => (MatchOutcome::NoMatch, "Nobody is like it."),
        Decision::TooLittle => {
            (MatchOutcome::InsufficientIdentity, "First and last name are needed to look for somebody.")
        }
        Decision::Company => (MatchOutcome::NoMatch, "An organisation is never matched with people."),
    }
}

impl StagedRow {
    /// Whether a match run looks at it: it is open, and nobody said anything of its donor (domain 4.8.2).
    pub fn is_to_match(&self) -> bool {
        let open = matches!(self.progress, Progress::Review | Progress::Ready | Progress::Failed { .. });
        open && self.donor == DonorDecision::Unreviewed && self.company.is_none()
    }

    /// What people decided of those whom a run proposed: who, how heavy that was in thousandths of a bit, and whether it was
    /// them. What a run linked and nobody changed is nobody's decision.
    pub fn decided(&self) -> Vec<(PersonId, i64, bool)> {
        let Some(found) = &self.matched else { return Vec::new() };
        let chosen = self.donor.person();
        let by_run = found.outcome == MatchOutcome::AutoLinked
            && found.proposed.first().is_some_and(|(person, _)| Some(*person) == chosen);
        let by_person = matches!(
            self.donor,
            DonorDecision::Confirmed(_) | DonorDecision::NewDonor | DonorDecision::Created(_)
        );
        if by_run || !by_person {
            return Vec::new();
        }
        found.proposed.iter().map(|(person, bits)| (*person, *bits, Some(*person) == chosen)).collect()
    }

    /// The row with what a run found. Only the one rule links: everything else proposes, whatever it weighs.
    pub fn matched(self, found: Matched, decision: &Decision<PersonId>) -> Result<Self, RowRefusal> {
        let mut row = match decision {
            Decision::Linked(person, Rule::NameAndEmail | Rule::UniqueStrong) => {
                self.edited(RowEdit { donor: DonorEdit::Choose(*person), ..RowEdit::default() })?
            }
            _ => self,
        };
        row.matched = Some(found);
        Ok(row)
    }
}

impl ProcessRun {
    /// A row has an outcome.
    pub fn row_matched(&mut self, row: StagedId, found: &Matched, at: Instant) {
        self.tally.attempted += 1;
        if found.outcome == MatchOutcome::Error {
            self.tally.errors += 1;
        } else {
            self.tally.processed += 1;
        }
        self.matches.add(found.outcome);
        self.cursor = Some(row);
        let (outcome, reason) = (Some(found.outcome), Some(found.reason.clone()));
        self.remember(RowOutcome { row, posted: false, reason, at, outcome });
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ground::staging::tests::row;

    fn found(outcome: MatchOutcome, run: u128, at: i64) -> Matched {
        let (run, at) = (RunId(Uuid::from_u128(run)), Instant(at));
        Matched { outcome, run, at, model: "m".into(), reason: "r".into(), proposed: Vec::new() }
    }

    #[test]
    fn a_link_is_made_and_a_proposal_changes_only_what_is_known_of_it() {
        let person = PersonId(Uuid::from_u128(7));
        let open = StagedRow { donor: DonorDecision::Unreviewed, progress: Progress::Review, ..row() };
        let linked = open
            .clone()
            .matched(found(MatchOutcome::AutoLinked, 1, 2), &Decision::Linked(person, Rule::NameAndEmail))
            .unwrap();
        assert_eq!((linked.donor, linked.is_to_match()), (DonorDecision::Confirmed(person), false));
        let proposed =
            open.clone().matched(found(MatchOutcome::NoMatch, 1, 2), &Decision::<PersonId>::Nobody).unwrap();
        assert_eq!(StagedRow { matched: None, ..proposed }, open);
    }

    #[test]
    fn what_people_said_of_the_proposed_is_a_decision_and_what_a_run_did_is_none() {
        let [one, other] = [7, 8].map(|n| PersonId(Uuid::from_u128(n)));
        let proposed = vec![(one, 12_000), (other, 3_000)];
        let review = Matched { proposed, ..found(MatchOutcome::PartialMatchReview, 1, 2) };
        let open = StagedRow { matched: Some(review.clone()), donor: DonorDecision::Unreviewed, ..row() };
        assert_eq!(open.decided(), []);
        let chosen = StagedRow { donor: DonorDecision::Confirmed(other), ..open.clone() };
        assert_eq!(chosen.decided(), [(one, 12_000, false), (other, 3_000, true)]);
        let new = StagedRow { donor: DonorDecision::NewDonor, ..open };
        assert_eq!(new.decided(), [(one, 12_000, false), (other, 3_000, false)]);
        let linked = Matched { outcome: MatchOutcome::AutoLinked, proposed: vec![(one, 40_000)], ..review };
        let kept = StagedRow { matched: Some(linked), donor: DonorDecision::Confirmed(one), ..row() };
        assert_eq!(kept.decided(), []);
        let corrected = StagedRow { donor: DonorDecision::Confirmed(other), ..kept };
        assert_eq!(corrected.decided(), [(one, 40_000, false)]);
    }

    #[test]
    fn the_same_outcome_of_another_run_is_no_news() {
        let first = found(MatchOutcome::NoMatch, 1, 2);
        assert!(first.says_the_same(&found(MatchOutcome::NoMatch, 9, 99)));
        assert!(!first.says_the_same(&found(MatchOutcome::Error, 1, 2)));
    }

    #[test]
    fn outcomes_are_counted_by_their_place() {
        let mut tally = MatchTally::default();
        for outcome in MatchOutcome::ALL {
            tally.add(outcome);
        }
        assert!(MatchOutcome::ALL.iter().all(|outcome| tally.count(*outcome) == 1));
    }
}
