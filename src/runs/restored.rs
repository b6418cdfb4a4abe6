//! After a restore: nothing is sent until the other side was read completely once, so that what was done after the backup
//! is known before anything is done again. What may have been sent already is looked for by its key first.

use super::Means;
use super::cycle::states;
use crate::ground::backup::restored::Restored;
use crate::ground::id::{ConnectionId, Object};
use crate::ground::journal::{Actor, Cause};
use crate::ground::outbox::{Arrival, Message};
use crate::ground::time::Instant;
use crate::ground::world::World;
use crate::store::{Changes, Fail, Ledger, Store, StoreError, Working, WriteError};

/// What people read while it is shut.
pub const SHUT: &str = "Almoner was restored from a backup. Nothing is sent until everything in Twenty was read once; this goes on by itself.";

/// Signing in again, invitations anew: what was revoked after the backup must not be good again.
const ENDED: [Working; 2] = [Working::Session, Working::OneTimeLink];

fn slot() -> [u8; 2] {
    ConnectionId::TWENTY.0.to_be_bytes()
}

/// The restore this ledger came out of last, if any.
pub fn load(ledger: &Ledger<'_>) -> Result<Option<Restored>, StoreError> {
    ledger.working_text(Working::Restored, &slot())
}

/// Marks a ledger that was just restored, before any server opens it: shuts the outbox, asks for a complete reading of
/// every object, forgets passes that were under way, and ends all sessions.
pub async fn mark(store: &Store, restored: Restored) -> Result<(), StoreError> {
    let written = store
        .write::<(), (), _>(move |view| {
            let ledger = view.ledger();
            let why = format!("Restored from {}, entry {}", restored.set, restored.seq);
            let mut changes = Changes::new(Cause { actor: Actor::System, why, request_id: None });
            for (object, _) in ledger.workspace(ConnectionId::TWENTY)?.mirrored() {
                let mut state = ledger.mirror_state(ConnectionId::TWENTY, object)?;
                (state.pass, state.walk) = (None, None);
                state.walk_asked_at = Some(restored.at);
                changes.mirror_state(ConnectionId::TWENTY, object, &state)?;
            }
            for message in ledger.all_messages()? {
                changes.message(
                    ConnectionId::TWENTY,
                    &Message { arrival: Arrival::Unknown, ..message },
                    true,
                )?;
            }
            for kind in ENDED {
                for (key, _) in ledger.working_keys(kind)? {
                    changes.working::<()>(kind, &key, None)?;
                }
            }
            changes.working_text(Working::Restored, &slot(), Some(&restored))?;
            Ok::<_, Fail<()>>((changes, ()))
        })
        .await;
    match written {
        Ok(_) | Err(WriteError::Refused(())) => Ok(()),
        Err(WriteError::Store(error)) => Err(error),
    }
}

/// Objects of which no complete reading began after the restore; what a person stopped is not waited for.
fn unread(means: &Means, since: Instant) -> Result<Vec<Object>, StoreError> {
    let unread = |state: &crate::ground::mirror::MirrorState| {
        !state.paused
            && state.proof.as_ref().is_none_or(|proof| proof.as_of < since || proof.not_proven.is_some())
    };
    let states = states(means)?;
    Ok(states.into_iter().filter(|(_, state, _)| unread(state)).map(|(object, ..)| object).collect())
}

/// Whether nothing may be sent now. Opens the outbox, for good, once everything was read.
pub async fn is_shut(means: &Means) -> Result<bool, WriteError<()>> {
    let restored = {
        let snapshot = means.store.snapshot().map_err(WriteError::Store)?;
        load(&snapshot.ledger()).map_err(WriteError::Store)?
    };
    let Some(restored) = restored.filter(Restored::is_shut) else { return Ok(false) };
    let known = !states(means).map_err(WriteError::Store)?.is_empty();
    if !known || !unread(means, restored.at).map_err(WriteError::Store)?.is_empty() {
        return Ok(true);
    }
    means
        .store
        .write::<(), (), _>(move |view| {
            let mut changes = Changes::new(Cause {
                actor: Actor::System,
                why: "Twenty was read completely after the restore".into(),
                request_id: None,
            });
            let opened = Restored { opened_at: Some(view.world.now()), ..restored };
            changes.working_text(Working::Restored, &slot(), Some(&opened))?;
            changes.ask();
            Ok::<_, Fail<()>>((changes, ()))
        })
        .await?;
    tracing::info!(event = "outbox_opened_after_restore");
    Ok(false)
}

/// Whether a row that came in at this moment may have been sent by a ledger that was lost.
pub fn may_have_been_sent(ledger: &Ledger<'_>, received_at: Instant) -> Result<bool, StoreError> {
    Ok(load(ledger)?.is_some_and(|restored| restored.may_have_been_sent(received_at)))
}

/// A restore of now.
pub fn of_now(world: &World, set: &str, taken_at: Instant, seq: u64) -> Restored {
    Restored { at: world.now(), set: set.to_owned(), taken_at, seq, opened_at: None }
}
