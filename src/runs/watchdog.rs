//! Feeds systemd's watchdog by proof of progress and not by a timer: an empty write goes through the one writer, and what
//! was committed is read. A writer that is stuck starves it, and the process is started anew, from stored state.

use std::sync::Arc;

use super::Next;
use crate::ground::journal::{Actor, Cause};
use crate::ground::world::World;
use crate::store::{Changes, Fail, Store};

/// Tells whoever watches that there was progress.
pub type Feed = Arc<dyn Fn() + Send + Sync>;

/// The proof of progress.
#[derive(Clone)]
pub struct Watchdog {
    /// The ledger.
    pub store: Store,
    /// When.
    pub world: World,
    /// How often, in milliseconds.
    pub every_ms: i64,
    /// Who is told.
    pub feed: Feed,
}

impl Watchdog {
    /// One proof.
    pub async fn step(&self) -> Next {
        if self.progress().await {
            (self.feed)();
        } else {
            tracing::error!(event = "watchdog_not_fed");
        }
        Next::Wait(self.world.now().plus_millis(self.every_ms))
    }

    /// Whether the writer takes writes and what it committed can be read.
    async fn progress(&self) -> bool {
        let cause = Cause { actor: Actor::System, why: String::new(), request_id: None };
        let written = self.store.write::<(), (), _>(|_| Ok::<_, Fail<()>>((Changes::new(cause), ()))).await;
        written.is_ok() && self.store.snapshot().and_then(|snapshot| snapshot.ledger().last_seq()).is_ok()
    }
}
