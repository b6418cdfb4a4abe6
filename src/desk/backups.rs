//! Asks for a backup or a drill: the run does it, and whoever waits looks at what is stored.

use super::Desk;
use crate::ground::time::Instant;
use crate::store::StoreError;

impl Desk {
    /// Asks for a backup, or for a drill, now. Answers when it was asked.
    pub async fn ask_for_backup(&self, drill: bool) -> Result<Instant, StoreError> {
        let now = self.world.now();
        self.store
            .change_backups(move |state| {
                let asked = if drill { &mut state.drill_asked_at } else { &mut state.asked_at };
                *asked = Some(now);
            })
            .await?;
        Ok(now)
    }
}
