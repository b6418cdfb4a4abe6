//! The mirror of one object: how old it is, whether it is complete, and where its passes stand (contract 6.3 to 6.5).
//!
//! Two kinds of passes keep it. A *pass* reads what changed since a little before the newest change seen. A *walk* reads
//! every record in the order of ids: the first one fills the mirror, later ones prove it complete or say what is missing.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::time::Instant;

/// How far a pass looks back behind the newest change it knows (contract 6.3: at least two minutes).
const OVERLAP_MS: i64 = 120_000;

/// How far the mirror of one object is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MirrorState {
    /// When the last complete pass or walk began: everything that changed before is here.
    pub complete_as_of: Option<Instant>,
    /// What time it was in Twenty then, by its own clock, where it tells.
    pub complete_there: Option<Instant>,
    /// The largest `updatedAt` seen.
    pub newest_seen: Option<Instant>,
    /// The pass under way, once it has more than one page.
    pub pass: Option<Pass>,
    /// The walk under way.
    pub walk: Option<Walk>,
    /// What the last walk showed.
    pub proof: Option<Proof>,
    /// What was counted last.
    pub count: Option<Count>,
    /// What went wrong last, in plain words.
    pub trouble: Option<String>,
    /// Somebody asked for a pass now.
    pub asked_at: Option<Instant>,
    /// Somebody, or a count that does not fit, asked for a walk.
    pub walk_asked_at: Option<Instant>,
    /// A person stopped the passes and walks of this object.
    pub paused: bool,
    /// Changes that a pass found and no webhook had told of, and changes found in all, since webhooks are there.
    pub untold: Untold,
}

/// A pass over what changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// When it began.
    pub began_at: Instant,
    /// What time it was in Twenty then.
    pub began_there: Option<Instant>,
    /// Where the next page begins.
    pub cursor: Option<String>,
    /// Only what changed since then.
    pub since: Instant,
    /// The largest `updatedAt` seen in this pass.
    pub newest: Option<Instant>,
}

/// A walk over everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk {
    /// When it began.
    pub began_at: Instant,
    /// What time it was in Twenty then.
    pub began_there: Option<Instant>,
    /// Where the next page begins.
    pub cursor: Option<String>,
    /// The last id read: between it and the next one there is nothing in Twenty.
    pub last: Option<Uuid>,
    /// Whether it is the first: what it finds is new to us, not drift.
    pub first: bool,
    /// Whether the last page was read, and only what seems to be gone is left to be asked for.
    pub read: bool,
    /// Records read.
    pub done: u64,
    /// Records there are, as Twenty said last.
    pub total: Option<u64>,
    /// Calls made.
    pub calls: u64,
    /// The largest `updatedAt` seen.
    pub newest: Option<Instant>,
    /// What it found.
    pub drift: Drift,
    /// Why it proves nothing, once something did not fit.
    pub flaw: Option<String>,
}

/// How the mirror differed from what a walk read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Drift {
    /// Records that the mirror did not have.
    pub missed: u64,
    /// Records that had changed without the mirror knowing.
    pub changed: u64,
    /// Records that are gone for good.
    pub gone: u64,
}

impl Drift {
    /// All differences.
    pub const fn total(self) -> u64 {
        self.missed + self.changed + self.gone
    }
}

/// What a walk showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The instant it speaks of: when the walk began.
    pub as_of: Instant,
    /// When it ended.
    pub ended_at: Instant,
    /// Records read, deleted ones included.
    pub records: u64,
    /// Calls it took.
    pub calls: u64,
    /// What it found and mended; of the first walk everything is new, and nothing is drift.
    pub drift: Drift,
    /// Why the object is not proven complete; none when it is.
    pub not_proven: Option<String>,
}

/// Records counted there and here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// When.
    pub at: Instant,
    /// In Twenty, deleted ones included.
    pub there: u64,
    /// In the mirror.
    pub here: u64,
}

/// How well webhooks tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Untold {
    /// Changes a pass found that no webhook had told of.
    pub missed: u64,
    /// Webhooks that led to a change here.
    pub told: u64,
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

impl MirrorState {
    /// Whether a pass should run now: one is under way, was asked for, or is due again. Before the first walk ended
    /// there is nothing that a pass could go on from.
    pub fn pass_is_due(&self, now: Instant, every_ms: i64) -> bool {
        let Some(complete) = self.complete_as_of.filter(|_| !self.paused) else { return false };
        let age = now.micros_since(complete);
        self.pass.is_some() || self.asked_at.is_some() || age < 0 || age >= every_ms.saturating_mul(1_000)
    }

    /// Whether a walk should go on or begin: the first, one that was asked for, or the regular one. A walk that proved
    /// nothing is tried again after `retry_ms`.
    pub fn walk_is_due(&self, now: Instant, every_ms: i64, retry_ms: i64) -> bool {
        if self.paused {
            return false;
        }
        let old = self.proof.as_ref().is_none_or(|proof| {
            let wait_ms = if proof.not_proven.is_some() { retry_ms } else { every_ms };
            let age = now.micros_since(proof.ended_at);
            age < 0 || age >= wait_ms.saturating_mul(1_000)
        });
        self.walk.is_some() || self.walk_asked_at.is_some() || old
    }

    /// The pass that begins at `now`: what changed since a little before the last one began (contract 6.3: transactions
    /// may commit with an older time), by the clock that Twenty's times of change are made with. A server that does not
    /// tell its time is asked from the newest change seen on; one in the future counts as what we know to be complete.
    pub fn begin_pass(&self, now: Instant) -> Option<Pass> {
        if let Some(pass) = &self.pass {
            return Some(pass.clone());
        }
        let complete = self.complete_as_of?;
        let known = self.newest_seen.map_or(complete, |newest| newest.min(complete));
        let since = self.complete_there.unwrap_or(known).plus_millis(-OVERLAP_MS);
        Some(Pass { began_at: now, began_there: None, cursor: None, since, newest: None })
    }

    /// The pass read its last page.
    pub fn end_pass(&mut self, pass: &Pass) {
        // A clock there that was set back hides what changed since: only a walk finds it.
        if self.complete_there.zip(pass.began_there).is_some_and(|(before, now)| now < before) {
            self.walk_asked_at = self.walk_asked_at.or(Some(pass.began_at));
        }
        self.complete_as_of = Some(pass.began_at);
        self.complete_there = pass.began_there;
        self.newest_seen = self.newest_seen.max(pass.newest);
        self.pass = None;
        self.trouble = None;
        self.asked_at = self.asked_at.filter(|at| *at > pass.began_at);
    }

    /// The walk under way, or a new one.
    pub fn begin_walk(&self, now: Instant) -> Walk {
        let first = self.complete_as_of.is_none();
        self.walk.clone().unwrap_or(Walk { began_at: now, first, ..Walk::default() })
    }

    /// The walk read its last page. Whatever changed before it began is here, proven or not.
    pub fn walk_read(&mut self, walk: &Walk) {
        if walk.flaw.is_none() {
            if self.complete_as_of <= Some(walk.began_at) {
                self.complete_as_of = Some(walk.began_at);
                self.complete_there = walk.began_there;
            }
            self.newest_seen = self.newest_seen.max(walk.newest);
            self.trouble = None;
        }
    }

    /// The walk ended: with a flaw it proves nothing, and the mirror is as old as before.
    pub fn end_walk(&mut self, now: Instant) {
        let Some(walk) = self.walk.take() else { return };
        let drift = if walk.first { Drift { missed: 0, ..walk.drift } } else { walk.drift };
        self.walk_asked_at = self.walk_asked_at.filter(|at| *at > walk.began_at);
        self.proof = Some(Proof {
            as_of: walk.began_at,
            ended_at: now,
            records: walk.done,
            calls: walk.calls,
            drift,
            not_proven: walk.flaw,
        });
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

/// The state as stores before this one kept it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncStateBefore {
    /// When the last complete pass began.
    pub complete_as_of: Option<Instant>,
    /// The largest `updatedAt` seen.
    pub newest_seen: Option<Instant>,
    /// The pass under way.
    pub pass: Option<PassBefore>,
    /// What went wrong last.
    pub trouble: Option<String>,
    /// Somebody asked for a pass now.
    pub asked_at: Option<Instant>,
}

/// A pass as stores before this one kept it; where it stood is not taken over, since a walk begins anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassBefore {
    began_at: Instant,
    done: u64,
    total: Option<u64>,
    cursor: Option<String>,
    since: Option<Instant>,
    newest: Option<Instant>,
}

impl From<SyncStateBefore> for MirrorState {
    fn from(before: SyncStateBefore) -> Self {
        Self {
            complete_as_of: before.complete_as_of,
            newest_seen: before.newest_seen,
            trouble: before.trouble,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: i64 = 15 * 60_000;

    fn complete(at: i64) -> MirrorState {
        MirrorState { complete_as_of: Some(Instant(at)), ..MirrorState::default() }
    }

    #[test]
    fn the_first_thing_is_a_walk_and_then_passes_follow() {
        let mut state = MirrorState::default();
        assert!(state.walk_is_due(Instant(0), EVERY, EVERY) && !state.pass_is_due(Instant(0), EVERY));
        let mut walk = state.begin_walk(Instant(10));
        walk.newest = Some(Instant(500_000_000));
        walk.drift.missed = 7;
        walk.done = 7;
        assert_eq!(state.freshness(Instant(20), EVERY), Freshness::Never);
        state.walk_read(&walk);
        state.walk = Some(walk);
        state.end_walk(Instant(20));
        assert_eq!(
            (state.complete_as_of, state.newest_seen),
            (Some(Instant(10)), Some(Instant(500_000_000)))
        );
        let proof = state.proof.clone().unwrap();
        assert_eq!(
            (proof.records, proof.drift.total(), proof.not_proven),
            (7, 0, None),
            "a first walk has no drift"
        );
        assert!(!state.walk_is_due(Instant(30), EVERY, EVERY) && !state.pass_is_due(Instant(30), EVERY));
        let later = Instant(10).plus_millis(EVERY);
        assert!(state.pass_is_due(later, EVERY));
        let pass = state.begin_pass(later).unwrap();
        assert_eq!(pass.since, Instant(10 - 120_000_000), "a time in the future hides nothing");
        state.end_pass(&pass);
        assert_eq!(state.complete_as_of, Some(later));
    }

    #[test]
    fn a_flawed_walk_proves_nothing_and_is_tried_again() {
        let mut state = complete(5);
        state.walk = Some(Walk { began_at: Instant(10), flaw: Some("cut".into()), ..Walk::default() });
        state.end_walk(Instant(20));
        assert_eq!(state.complete_as_of, Some(Instant(5)));
        assert_eq!(state.proof.as_ref().unwrap().not_proven.as_deref(), Some("cut"));
        assert!(!state.walk_is_due(Instant(21), EVERY, 1), "not at once");
        assert!(state.walk_is_due(Instant(1_020), EVERY, 1));
    }

    #[test]
    fn what_is_asked_for_during_a_pass_stays_asked_for() {
        let mut state = complete(0);
        let pass = state.begin_pass(Instant(100)).unwrap();
        state.asked_at = Some(Instant(150));
        state.end_pass(&pass);
        assert!(state.pass_is_due(Instant(151), EVERY));
        let pass = state.begin_pass(Instant(200)).unwrap();
        state.end_pass(&pass);
        assert!(!state.pass_is_due(Instant(201), EVERY));
    }

    #[test]
    fn a_paused_object_rests() {
        let state = MirrorState { paused: true, asked_at: Some(Instant(1)), ..complete(0) };
        let late = Instant(i64::MAX / 2);
        assert!(!state.pass_is_due(late, EVERY) && !state.walk_is_due(late, EVERY, EVERY));
        assert_eq!(state.freshness(late, EVERY), Freshness::Stale, "it ages all the same");
    }

    #[test]
    fn a_clock_set_back_starts_a_pass() {
        let state = complete(1_000_000);
        assert!(state.pass_is_due(Instant(0), 60_000));
        assert_eq!(state.freshness(Instant(0), 60_000), Freshness::Stale);
    }

    #[test]
    fn age_has_four_words() {
        let state = complete(0);
        let minute = 60_000_000;
        for (age, word) in
            [(0, "fresh"), (15 * minute, "fresh"), (23 * minute, "late"), (46 * minute, "stale")]
        {
            assert_eq!(state.freshness(Instant(age), EVERY).word(), word, "{age}");
        }
        assert_eq!(MirrorState::default().freshness(Instant(0), 1), Freshness::Never);
    }
}
