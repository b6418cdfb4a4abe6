//! Waits for what a run makes of a wish: a request that needs the outside stores what is wanted and looks on.

use tokio::sync::broadcast::error::RecvError;

use super::Face;
use super::auth::Known;
use super::problem::Problem;
use crate::store::{Ledger, StoreError};

/// What `look` finds, looked for after each commit; none when it was not there in the time the face waits, or when the
/// server stops.
pub(super) async fn until<T>(
    face: &Face,
    known: &Known,
    look: impl Fn(&Ledger<'_>) -> Result<Option<T>, StoreError>,
) -> Result<Option<T>, Problem> {
    settled(face, || look(&known.snapshot(face)?.ledger())).await
}

/// The same for what is looked for without a viewer.
pub(super) async fn settled<T>(
    face: &Face,
    look: impl Fn() -> Result<Option<T>, StoreError>,
) -> Result<Option<T>, Problem> {
    // Followed before the first look: nothing that is stored in between is missed.
    let mut notes = face.desk.store.watch();
    let mut stopped = face.stopped.clone();
    let found = async {
        loop {
            if let Some(found) = look()? {
                return Ok(Some(found));
            }
            tokio::select! {
                // Notes that were missed are commits all the same.
                note = notes.recv() => match note {
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Ok(None),
                },
                _ = stopped.changed() => return Ok(None),
            }
        }
    };
    tokio::time::timeout(face.patience, found).await.unwrap_or(Ok(None))
}
