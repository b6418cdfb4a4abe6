//! People who are to become one record in Twenty, by Twenty's own merge call: what was asked, what would come of it, and how
//! far it is.
//!
//! A merge cannot be taken back there: the others are destroyed (contract 1.11). So it is shown first, a person says yes to
//! what was shown, and it is refused where a finalised Gift Aid claim would change under it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::id::{GiftId, PersonId};
use super::journal::Actor;
use super::time::Instant;

/// Records of one merge at most, the one that is kept included (contract 5.4).
pub const PEOPLE_MAX: usize = 9;

/// A merge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merge {
    /// Our id.
    pub id: Uuid,
    /// Who stays.
    pub keep: PersonId,
    /// Who becomes part of them.
    pub lose: Vec<PersonId>,
    /// How far it is.
    pub state: MergeState,
    /// What would come of it, as Twenty says.
    pub preview: Option<Preview>,
    /// Gifts of the others that are not yet seen to be the kept one's, and those that Twenty lost.
    #[serde(default)]
    pub lost: Vec<GiftId>,
    /// Who asked.
    pub by: Actor,
    /// When.
    pub at: Instant,
    /// The request it came with.
    pub request_id: Option<String>,
    /// What a person should know about it now.
    pub note: Option<String>,
}

/// How far a merge is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MergeState {
    /// Twenty is asked what would come of it.
    Previewing,
    /// A person looks at what would come of it.
    Previewed,
    /// A person said yes.
    Wanted,
    /// Under way: it may have arrived. Written before the call.
    Sent,
    /// Twenty has merged; the gifts are looked at one by one.
    Checking,
    /// All of it is done.
    Done {
        /// When.
        at: Instant,
    },
    /// It will not be made.
    Refused {
        /// Why, in plain words.
        reason: String,
    },
    /// A person took it back before it was sent.
    Withdrawn,
}

/// What would come of a merge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The record that would be left, as Twenty tells it.
    pub record: String,
    /// The times of change of all records, as they were read for it.
    pub seen: BTreeMap<Uuid, Instant>,
    /// Gifts of the others that become the kept one's.
    pub gifts: u64,
    /// Links of tasks and notes that are moved first, since Twenty would delete them.
    pub links: u64,
    /// Staged gifts that will name the kept one.
    pub rows: u64,
    /// When it was made.
    pub at: Instant,
}

impl MergeState {
    /// The word of the API.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Previewing => "previewing",
            Self::Previewed => "previewed",
            Self::Wanted => "wanted",
            Self::Sent => "sent",
            Self::Checking => "checking",
            Self::Done { .. } => "done",
            Self::Refused { .. } => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Whether a run has something to do for it.
    pub const fn is_at_work(&self) -> bool {
        matches!(self, Self::Previewing | Self::Wanted | Self::Sent | Self::Checking)
    }

    /// Whether it may still come to a merge.
    pub const fn is_open(&self) -> bool {
        self.is_at_work() || matches!(self, Self::Previewed)
    }

    /// Whether it can be taken back: nothing of it is on its way.
    pub const fn can_withdraw(&self) -> bool {
        matches!(self, Self::Previewing | Self::Previewed | Self::Wanted)
    }
}

impl Merge {
    /// Everybody in it, the one who stays first.
    pub fn people(&self) -> impl Iterator<Item = PersonId> + '_ {
        std::iter::once(self.keep).chain(self.lose.iter().copied())
    }
}

/// What a claim (a record of Twenty) says of itself, as far as it is asked.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ClaimTold {
    #[serde(default)]
    status: Option<String>,
}

impl ClaimTold {
    /// Whether it may still change: only a draft may (domain 5.3).
    pub fn is_draft(&self) -> bool {
        self.status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case("draft"))
    }
}

/// What a gift (a record of Twenty) says of the claim it is in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimedGift {
    #[serde(default)]
    gift_aid_claim_batch_id: Option<String>,
}

impl ClaimedGift {
    /// The claim; none when it is in none.
    pub fn claim(self) -> Option<String> {
        self.gift_aid_claim_batch_id.filter(|id| !id.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_draft_claim_may_change() {
        for (status, draft) in [
            (Some("DRAFT"), true),
            (Some("draft"), true),
            (Some("FINALIZED"), false),
            (Some(""), false),
            (None, false),
        ] {
            assert_eq!(ClaimTold { status: status.map(Into::into) }.is_draft(), draft, "{status:?}");
        }
    }

    #[test]
    fn a_gift_says_which_claim_it_is_in() {
        let gift = |id: Option<&str>| ClaimedGift { gift_aid_claim_batch_id: id.map(Into::into) };
        assert_eq!(gift(Some("c1")).claim().as_deref(), Some("c1"));
        assert_eq!((gift(Some("")).claim(), gift(None).claim()), (None, None));
    }

    #[test]
    fn what_is_on_its_way_is_not_taken_back() {
        for (state, at_work, back) in [
            (MergeState::Previewing, true, true),
            (MergeState::Previewed, false, true),
            (MergeState::Wanted, true, true),
            (MergeState::Sent, true, false),
            (MergeState::Checking, true, false),
            (MergeState::Done { at: Instant(0) }, false, false),
            (MergeState::Withdrawn, false, false),
        ] {
            assert_eq!((state.is_at_work(), state.can_withdraw()), (at_work, back), "{state:?}");
        }
    }
}
