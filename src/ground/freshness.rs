//! How old what we show is.

use serde::{Deserialize, Serialize};

use super::time::Instant;

/// How far a pass looks back behind the newest change it knows.
const OVERLAP_MS: i64 = 120_000;

/// How far the mirror of one object is: where the pass under way stands, and when the last one ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncState {
    /// When the last complete pass began: everything that changed before is here.
    pub complete_as_of: Option<Instant>,
    /// The largest `updatedAt` seen in complete passes; the next pass starts a little before.
    pub newest_seen: Option<Instant>,
    /// The pass under way.
    pub pass: Option<Pass>,
    /// What went wrong last, in plain words.
    pub trouble: Option<String>,
    /// Somebody asked for a pass now.
    pub asked_at: Option<Instant>,
}

/// One pass over an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// When it began.
    pub began_at: Instant,
    /// Records read.
    pub done: u64,
    /// Records there are, as Twenty said.
    pub total: Option<u64>,
    /// Where the next page begins.
    pub cursor: Option<String>,
    /// Only what changed since then; all records when absent.
    pub since: Option<Instant>,
    /// The largest `updatedAt` seen in this pass.
    pub newest: Option<Instant>,
}

/// The age of data, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Within the promise.
    Fresh,
    /// Up to two promises old.
    Late,
    /// Older.
    Stale,
    /// Never read completely.
    Never,
}

impl Freshness {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Late => "late",
            Self::Stale => "stale",
            Self::Never => "never",
        }
    }
}

impl SyncState {
    /// Whether a pass should run now: one is under way, was asked for, never ended, or is due again.
    pub fn is_due(&self, now: Instant, every_ms: i64) -> bool {
        let age = self.complete_as_of.map(|at| now.micros_since(at));
        self.pass.is_some()
            || self.asked_at.is_some()
            || age.is_none_or(|age| age < 0 || age >= every_ms.saturating_mul(1_000))
    }

    /// The pass that begins at `now`: everything the first time, later what changed since a little before the
    /// newest change seen (contract 6.3: transactions may commit with an older time).
    pub fn begin(&mut self, now: Instant) -> &mut Pass {
        // A foreign time of change can lie in the future; what we know to be complete cannot.
        let known = self.newest_seen.zip(self.complete_as_of).map(|(newest, complete)| newest.min(complete));
        let since = known.map(|known| known.plus_millis(-OVERLAP_MS));
        self.asked_at = None;
        self.pass.get_or_insert(Pass {
            began_at: now,
            done: 0,
            total: None,
            cursor: None,
            since,
            newest: None,
        })
    }

    /// The pass read its last page.
    pub fn end(&mut self) {
        if let Some(pass) = self.pass.take() {
            self.complete_as_of = Some(pass.began_at);
            self.newest_seen = self.newest_seen.max(pass.newest);
            self.trouble = None;
        }
    }

    /// How old the mirror is, when a pass is promised every `every_ms` milliseconds.
    pub fn freshness(&self, now: Instant, every_ms: i64) -> Freshness {
        // Half a period of grace: a pass takes time, and jitter is not lateness.
        let promise = every_ms.saturating_mul(1_500);
        match self.complete_as_of.map(|at| now.micros_since(at)) {
            None => Freshness::Never,
            // The clock was set back: how old it is is not known.
            Some(age) if age < 0 => Freshness::Stale,
            Some(age) if age <= promise => Freshness::Fresh,
            Some(age) if age <= promise.saturating_mul(2) => Freshness::Late,
            Some(_) => Freshness::Stale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_begins_a_little_before_the_newest_change_and_counts_from_its_beginning() {
        let mut state = SyncState::default();
        assert!(state.is_due(Instant(0), 1));
        assert_eq!(state.begin(Instant(10)).since, None);
        state.begin(Instant(99)).newest = Some(Instant(500_000_000));
        state.end();
        assert_eq!(
            (state.complete_as_of, state.newest_seen),
            (Some(Instant(10)), Some(Instant(500_000_000)))
        );
        assert!(!state.is_due(Instant(20), 1));
        assert!(state.is_due(Instant(1_010), 1));
        assert_eq!(
            state.begin(Instant(2_000)).since,
            Some(Instant(10 - 120_000_000)),
            "a time in the future hides nothing"
        );
        assert!(state.is_due(Instant(0), 1));
        let back = SyncState { complete_as_of: Some(Instant(1_000_000)), ..SyncState::default() };
        assert!(back.is_due(Instant(0), 60_000), "the clock went back");
        assert_eq!(back.freshness(Instant(0), 60_000), Freshness::Stale);
    }

    #[test]
    fn age_has_four_words() {
        let state = SyncState { complete_as_of: Some(Instant(0)), ..SyncState::default() };
        let minute = 60_000_000;
        for (age, word) in
            [(0, "fresh"), (15 * minute, "fresh"), (23 * minute, "late"), (46 * minute, "stale")]
        {
            assert_eq!(state.freshness(Instant(age), 15 * 60_000).word(), word, "{age}");
        }
        assert_eq!(SyncState::default().freshness(Instant(0), 1), Freshness::Never);
    }
}
