//! What happens by itself: sync passes and process runs. Runs take no input and look at stored state only.

pub mod connection;
pub mod gate;
pub mod process_batch;
pub mod pull;
pub mod reindex;
pub mod supervisor;

use std::sync::Arc;

use crate::ground::time::Instant;
use crate::ground::world::World;
use crate::rails::Attempt;
use crate::rails::twenty::TwentyRail;
use crate::store::Store;
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
    /// How often the mirror is refreshed, in milliseconds.
    pub sync_every_ms: i64,
    /// Records that one call creates at most.
    pub create_max: usize,
}

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
