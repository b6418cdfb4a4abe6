//! Brings the search index up to the journal, in the background.

use std::sync::Arc;

use super::Next;
use crate::ground::world::World;
use crate::search::Search;
use crate::store::Store;

/// Pause after a failure, in milliseconds.
const PAUSE_MS: i64 = 5_000;
/// How often it looks whether there is enough to do, in milliseconds.
const LOOK_MS: i64 = 2_000;

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
            return wait(LOOK_MS);
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
