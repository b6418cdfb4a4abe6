//! What is known of the backups, and when the next one and the next drill are due.

use serde::{Deserialize, Serialize};

use super::retention::Keep;
use crate::ground::time::Instant;

/// A backup that did not succeed is tried again after 5, 10, 20, 40 and then every 60 minutes.
const RETRY_MS: i64 = 5 * 60_000;
const RETRY_MAX_MS: i64 = 60 * 60_000;
/// A backup counts as missing when it is this many per cent of its period old: a server that was off over night, or one
/// failed attempt, is no alarm.
const MISSING_PERCENT: i64 = 150;

/// One good backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Good {
    /// Its name.
    pub set: String,
    /// The moment of the copy.
    pub taken_at: Instant,
    /// The last entry of the journal then.
    pub seq: u64,
    /// Bytes as stored.
    pub stored: u64,
}

/// The last attempt that did not succeed, since the last that did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// When.
    pub at: Instant,
    /// Why, in words for the operator.
    pub why: String,
    /// How often in a row.
    pub times: u32,
}

/// How a drill ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The backup was restored into a sandbox, and what was recomputed is what was promised.
    Passed,
    /// It was not.
    Failed,
    /// It is not known: there was no room, or the target did not answer.
    Inconclusive,
}

impl Verdict {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// A drill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    /// When it ended.
    pub at: Instant,
    /// How.
    pub verdict: Verdict,
    /// Of which backup.
    pub set: Option<String>,
    /// What was found, in words for the operator.
    pub says: String,
}

/// What is known of the backups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BackupState {
    /// How often what is done; none when no backups are set up.
    pub rhythm: Option<Rhythm>,
    /// Which are kept.
    pub keep: Option<Keep>,
    /// When the first backup was due to be taken: what is never taken is missing since then.
    pub since: Option<Instant>,
    /// Somebody asked for one.
    pub asked_at: Option<Instant>,
    /// When the last attempt ended.
    pub tried_at: Option<Instant>,
    /// The newest good one.
    pub good: Option<Good>,
    /// What went wrong since.
    pub failed: Option<Failed>,
    /// Those at the target, oldest first, as listed after the newest was taken.
    pub held: Vec<Good>,
    /// Somebody asked for a drill.
    pub drill_asked_at: Option<Instant>,
    /// The last drill.
    pub drill: Option<Drill>,
    /// The last drill that passed.
    pub passed: Option<Drill>,
}

/// How often what is done, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rhythm {
    /// Between backups.
    pub backup_ms: i64,
    /// Between drills.
    pub drill_ms: i64,
}

impl BackupState {
    /// When the next backup is due; now or earlier means now. A clock that was set back makes one due at once.
    pub fn backup_due(&self, now: Instant, rhythm: Rhythm) -> Instant {
        if self.asked_at.is_some_and(|asked| self.tried_at.is_none_or(|tried| tried < asked)) {
            return now;
        }
        let regular = match &self.good {
            None => now,
            Some(good) if good.taken_at > now => now,
            Some(good) => good.taken_at.plus_millis(rhythm.backup_ms),
        };
        let again = self.failed.as_ref().map_or(regular, |failed| {
            let pause = RETRY_MS.saturating_mul(1 << failed.times.saturating_sub(1).min(6)).min(RETRY_MAX_MS);
            if failed.at > now { now } else { failed.at.plus_millis(pause) }
        });
        regular.max(again)
    }

    /// When the next drill is due: never before there is a backup. One that proved nothing is tried again a day later.
    pub fn drill_due(&self, now: Instant, rhythm: Rhythm) -> Option<Instant> {
        self.good.as_ref()?;
        let asked =
            self.drill_asked_at.is_some_and(|asked| self.drill.as_ref().is_none_or(|drill| drill.at < asked));
        Some(match &self.drill {
            _ if asked => now,
            None => now,
            Some(drill) if drill.at > now => now,
            Some(drill) if drill.verdict == Verdict::Inconclusive => {
                drill.at.plus_millis(rhythm.drill_ms.min(24 * 3_600_000))
            }
            Some(drill) => drill.at.plus_millis(rhythm.drill_ms),
        })
    }

    /// Whether a good backup is missing: the newest is older than one and a half periods, or there never was one.
    pub fn is_missing(&self, now: Instant, rhythm: Rhythm) -> bool {
        let Some(last) = self.good.as_ref().map(|good| good.taken_at).or(self.since) else { return false };
        now.micros_since(last) > rhythm.backup_ms.saturating_mul(1_000).saturating_mul(MISSING_PERCENT) / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RHYTHM: Rhythm = Rhythm { backup_ms: 24 * 3_600_000, drill_ms: 7 * 24 * 3_600_000 };

    fn hour(n: i64) -> Instant {
        Instant(n * 3_600_000_000)
    }

    fn good(at: Instant) -> Good {
        Good { set: "a".into(), taken_at: at, seq: 1, stored: 1 }
    }

    #[test]
    fn backups_are_due_by_their_age_when_asked_for_and_again_after_a_failure() {
        let mut state = BackupState::default();
        assert_eq!(state.backup_due(hour(5), RHYTHM), hour(5));
        state.good = Some(good(hour(5)));
        assert_eq!(state.backup_due(hour(6), RHYTHM), hour(29));
        assert_eq!(state.backup_due(hour(4), RHYTHM), hour(4), "the clock was set back");
        state.asked_at = Some(hour(6));
        assert_eq!(state.backup_due(hour(7), RHYTHM), hour(7));
        state.tried_at = Some(hour(7));
        assert_eq!(state.backup_due(hour(8), RHYTHM), hour(29));
        state.failed = Some(Failed { at: hour(30), why: String::new(), times: 1 });
        assert_eq!(state.backup_due(hour(30), RHYTHM), hour(30).plus_millis(RETRY_MS));
        state.failed = Some(Failed { at: hour(30), why: String::new(), times: 40 });
        assert_eq!(state.backup_due(hour(30), RHYTHM), hour(31));
    }

    #[test]
    fn a_backup_is_missing_after_one_and_a_half_periods_also_when_there_never_was_one() {
        let mut state = BackupState { since: Some(hour(0)), ..BackupState::default() };
        assert!(!state.is_missing(hour(36), RHYTHM));
        assert!(state.is_missing(hour(37), RHYTHM));
        state.good = Some(good(hour(30)));
        assert!(!state.is_missing(hour(60), RHYTHM) && state.is_missing(hour(67), RHYTHM));
    }

    #[test]
    fn drills_follow_backups_and_one_that_proved_nothing_comes_again_soon() {
        let mut state = BackupState::default();
        assert_eq!(state.drill_due(hour(1), RHYTHM), None);
        state.good = Some(good(hour(1)));
        assert_eq!(state.drill_due(hour(1), RHYTHM), Some(hour(1)));
        let drill = |verdict| Some(Drill { at: hour(2), verdict, set: None, says: String::new() });
        state.drill = drill(Verdict::Passed);
        assert_eq!(state.drill_due(hour(3), RHYTHM), Some(hour(2 + 7 * 24)));
        state.drill = drill(Verdict::Inconclusive);
        assert_eq!(state.drill_due(hour(3), RHYTHM), Some(hour(26)));
        state.drill_asked_at = Some(hour(4));
        assert_eq!(state.drill_due(hour(5), RHYTHM), Some(hour(5)));
    }
}
