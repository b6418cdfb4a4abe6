//! What happens by itself: walks, cycles, what webhooks told, and process runs. Runs take no input and look at stored state only.

pub mod backup;
pub mod books;
pub mod connection;
pub mod cycle;
pub mod donor_match;
pub mod duplicates;
pub mod gate;
pub mod hook;
pub mod inbox;
pub mod learn;
pub mod merge;
pub mod process_batch;
pub mod provision;
pub mod push;
pub mod reindex;
pub mod restored;
pub mod rounds;
mod see;
pub mod supervisor;
pub mod walk;
pub mod watchdog;

use std::sync::Arc;

use crate::ground::time::Instant;
use crate::ground::world::World;
use crate::rails::twenty::TwentyRail;
use crate::rails::{Attempt, Trouble};
use crate::store::Store;
use crate::store::secrets::SecretKey;
use gate::Gate;

/// What a run needs of the world: handed over once.
#[derive(Clone)]
pub struct Means {
    /// The ledger.
    pub store: Store,
    /// Time and chance.
    pub world: World,
    /// Who may call, and how often.
    pub gate: Arc<Gate>,
    /// The rail to Twenty.
    pub rail: TwentyRail,
    /// What opens sealed secrets.
    pub key: SecretKey,
    /// What the operator set.
    pub settings: Settings,
}

/// What the operator set for the runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How often the mirror is refreshed, in milliseconds.
    pub sync_every_ms: i64,
    /// How often an object is walked through and proven complete, in milliseconds.
    pub walk_every_ms: i64,
    /// Where Twenty can reach us with webhooks; none when it cannot.
    pub hook_url: Option<String>,
    /// Records that one call creates at most.
    pub create_max: usize,
}

/// What people read about a trouble.
pub fn plain(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Later { said, limit: false, .. } => {
            format!("Twenty does not answer ({said}). Trying again.")
        }
        Trouble::Later { limit: true, .. } => {
            "Twenty allows no more calls for the moment. Going on as soon as it does.".into()
        }
        Trouble::Denied(said) => format!(
            "Twenty does not accept our key or does not allow this ({said}). Check the API key and its role."
        ),
        Trouble::Refused(said) | Trouble::Clash(said) => format!("Twenty refused the request ({said})."),
        Trouble::Gone(said) => format!(
            "Twenty does not have what was asked for ({said}). Check that the workspace has the object."
        ),
        Trouble::Broken(said) => format!("{said}. Nothing was changed here; see the log."),
    }
}

/// Longest sleep: a wake-up lost for whatever reason costs no more than this.
const SLEEP_MAX_MS: i64 = 60_000;

/// What a step leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// There is more to do now.
    Again,
    /// There is more to do, not before this moment.
    Wait(Instant),
    /// There is nothing to do until something changes.
    Idle,
}

/// What comes first of two.
const fn sooner(one: Next, other: Next) -> Next {
    match (one, other) {
        (Next::Again, _) | (_, Next::Again) => Next::Again,
        (Next::Wait(a), Next::Wait(b)) => Next::Wait(if a.0 < b.0 { a } else { b }),
        (Next::Wait(a), Next::Idle) | (Next::Idle, Next::Wait(a)) => Next::Wait(a),
        (Next::Idle, Next::Idle) => Next::Idle,
    }
}

/// Pause before something that did not work is tried again: 1 s, 2 s, 4 s … at most a minute.
fn pause_ms(failures: u32) -> i64 {
    1_000 * (1_i64 << failures.min(6)).min(60)
}

/// The attempt after so many failures, each of which was followed by its pause.
fn attempt(failures: u32) -> Attempt {
    Attempt::after(failures, pause_ms(failures.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn pauses_grow_to_a_minute() {
        let pauses: Vec<i64> = (0..9).map(super::pause_ms).collect();
        assert_eq!(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    }
}
