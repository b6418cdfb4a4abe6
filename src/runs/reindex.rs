//! Brings the search index up to the journal, in the background.

use std::sync::Arc;

use super::Next;
use crate::ground::world::World;
use crate::search::Search;
use crate::store::Store;

/// Pause after a failure, in milliseconds.
const PAUSE_MS: i64 = 5_000;
/// How soon it looks again after it caught up, in milliseconds.
const LOOK_MS: i64 = 2_000;
/// How soon it looks again when there was not enough to do, in milliseconds.
const IDLE_MS: i64 = 20_000;

/// The catching-up of one index.
#[derive(Clone)]
pub struct Reindex {
    /// The index.
    pub search: Arc<Search>,
    /// The ledger it follows.
    pub store: Store,
    /// Time.
    pub world: World,
}

impl Reindex {
    /// One bounded piece, on a thread that may block.
    pub async fn step(&self) -> Next {
        let wait = |millis| Next::Wait(self.world.now().plus_millis(millis));
        if !self.search.wants_catch_up() {
            // Nothing else is going on: the few changes left are worth a commit of the index too, so that the next
            // start has nothing to read again.
            self.search.idle();
            return wait(IDLE_MS);
        }
        let (search, store) = (Arc::clone(&self.search), self.store.clone());
        match tokio::task::spawn_blocking(move || search.catch_up(&store)).await {
            Ok(Ok(true)) => Next::Again,
            Ok(Ok(false)) => wait(LOOK_MS),
            Ok(Err(error)) => {
                tracing::warn!(event = "search_catch_up_failed", %error);
                wait(PAUSE_MS)
            }
            Err(_) => wait(PAUSE_MS),
        }
    }
}
