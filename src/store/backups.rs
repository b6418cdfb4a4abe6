//! What is known of the backups: one working row, since it is not history of gifts and donors.

use super::changes::Changes;
use super::error::{Fail, StoreError, WriteError};
use super::tables::Working;
use super::{Ledger, Store};
use crate::ground::backup::state::BackupState;
use crate::ground::journal::{Actor, Cause};

impl Ledger<'_> {
    /// What is known of the backups.
    pub fn backups(&self) -> Result<BackupState, StoreError> {
        Ok(self.working_text(Working::Backup, &[])?.unwrap_or_default())
    }
}

impl Store {
    /// Changes what is known of the backups. The run looks, and whoever waits for it is woken.
    pub async fn change_backups(
        &self,
        change: impl FnOnce(&mut BackupState) + Send + 'static,
    ) -> Result<(), StoreError> {
        let written = self
            .write::<(), (), _>(move |view| {
                let known = view.ledger().backups()?;
                let mut state = known.clone();
                change(&mut state);
                let cause = Cause { actor: Actor::System, why: "Backups".into(), request_id: None };
                let mut changes = Changes::new(cause);
                if state != known {
                    changes.working_text(Working::Backup, &[], Some(&state))?;
                    changes.ask();
                }
                Ok::<_, Fail<()>>((changes, ()))
            })
            .await;
        match written {
            // The closure refuses nothing.
            Ok(_) | Err(WriteError::Refused(())) => Ok(()),
            Err(WriteError::Store(error)) => Err(error),
        }
    }
}
