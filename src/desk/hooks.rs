//! Webhooks as they come: believed or not, kept before they are answered, and never acted on here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Desk, Refusal};
use crate::ground::id::{ConnectionId, Object};
use crate::ground::journal::{Actor, Cause};
use crate::ground::time::Instant;
use crate::ground::webhook::twenty::{Hook, Payload, SECRET, Signed, ToRead, Told, verify};
use crate::store::{Changes, Fail, StoreError, View, Working};
use uuid::Uuid;

/// What became of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It was kept, or there was nothing in it to keep.
    Kept,
    /// It is not believed; nothing of it was kept.
    NotBelieved,
    /// It is signed by Twenty and is not in the form of a webhook.
    NotRead,
    /// Nobody has registered a webhook.
    NoneExpected,
}

impl Desk {
    /// Takes in a webhook of Twenty: the bytes as they came. Answered once what it tells is on disk.
    pub async fn hear_twenty(&self, signed: Signed<'_>, raw: &[u8]) -> Result<Heard, Refusal> {
        let sealed = self.store.snapshot()?.ledger().sealed(SECRET)?;
        let secret = sealed.and_then(|sealed| self.key.open(SECRET, &sealed).ok());
        let Some(secret) = secret.and_then(|secret| String::from_utf8(secret).ok()) else {
            return Ok(Heard::NoneExpected);
        };
        if let Err(why) = verify(&secret, signed, raw, self.world.now()) {
            tracing::warn!(event = "twenty_webhook_invalid_signature", reason = %why);
            self.count_refused().await?;
            return Ok(Heard::NotBelieved);
        }
        let Ok(payload) = serde_json::from_slice::<Payload>(raw) else { return Ok(Heard::NotRead) };
        let told = payload.told();
        self.store
            .write(move |view| {
                let mut changes = Changes::new(Cause {
                    actor: Actor::Connection(ConnectionId::TWENTY),
                    why: "Told by Twenty".into(),
                    request_id: None,
                });
                keep(view, &mut changes, &told)?;
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(Heard::Kept)
    }

    /// Counted, since many of them mean a wrong secret or somebody who tries. Stored now and then only: whoever has no
    /// secret must not make us write.
    async fn count_refused(&self) -> Result<(), Refusal> {
        let Some(count) = self.refused.add(self.world.now()) else { return Ok(()) };
        self.store
            .write(move |view| {
                let mut changes = Changes::new(Cause {
                    actor: Actor::System,
                    why: "Webhook refused".into(),
                    request_id: None,
                });
                let mut hook = view.ledger().hook(ConnectionId::TWENTY)?;
                hook.refused += count;
                changes.working_text(Working::Hook, &slot(), Some(&hook))?;
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }
}

/// Webhooks that were not believed and are not stored yet.
#[derive(Clone, Debug, Default)]
pub struct Refused(Arc<Mutex<(u64, Option<Instant>)>>);

/// How often they are stored, in milliseconds.
const STORE_EVERY_MS: i64 = 10_000;

impl Refused {
    /// One more; answers how many are to be stored, when it is time to.
    fn add(&self, now: Instant) -> Option<u64> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.0 += 1;
        let since = held.1.map(|at| now.micros_since(at));
        if since.is_some_and(|since| (0..STORE_EVERY_MS * 1_000).contains(&since)) {
            return None;
        }
        held.1 = Some(now);
        Some(std::mem::take(&mut held.0))
    }

    /// How many are not stored yet.
    pub fn held(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }
}

fn slot() -> [u8; 2] {
    ConnectionId::TWENTY.0.to_be_bytes()
}

fn keep(view: &View<'_>, changes: &mut Changes, told: &Told) -> Result<(), StoreError> {
    let now = view.world.now();
    let hook = view.ledger().hook(ConnectionId::TWENTY)?;
    let hook = Hook { heard: hook.heard + 1, heard_at: Some(now), ..hook };
    changes.working_text(Working::Hook, &slot(), Some(&hook))?;
    let workspace = view.ledger().workspace(ConnectionId::TWENTY)?;
    match told {
        Told::Other => {}
        Told::Model => {
            // The next cycle reads objects and fields before anything else.
            for (object, _) in workspace.mirrored().into_iter().take(1) {
                let mut state = view.ledger().mirror_state(ConnectionId::TWENTY, object)?;
                state.asked_at = Some(now);
                changes.mirror_state(ConnectionId::TWENTY, object, &state)?;
            }
            changes.ask();
        }
        Told::Record { singular, id, updated, destroyed } => {
            if let Some(object) = workspace.by_singular(singular) {
                note(view, changes, object, *id, (*updated, *destroyed))?;
                changes.ask();
            }
        }
    }
    Ok(())
}

fn note(
    view: &View<'_>,
    changes: &mut Changes,
    object: Object,
    id: Uuid,
    (updated, destroyed): (Option<Instant>, bool),
) -> Result<(), StoreError> {
    let now = view.world.now();
    let known = view.ledger().to_read(ConnectionId::TWENTY, object, id)?;
    let fresh = ToRead { since: now, updated, destroyed, tries: 0, not_before: now };
    let row = known.map_or(fresh, |known| ToRead {
        since: known.since,
        updated: known.updated.max(updated),
        destroyed: known.destroyed || destroyed,
        ..fresh
    });
    changes.to_read(ConnectionId::TWENTY, object, id, Some(&row))
}

/// How many records wait to be read, by object.
pub fn waiting(ledger: &crate::store::Ledger<'_>) -> Result<BTreeMap<Object, u64>, StoreError> {
    let mut waiting = BTreeMap::new();
    for (object, _, _) in ledger.inbox(ConnectionId::TWENTY, usize::MAX)? {
        *waiting.entry(object).or_default() += 1;
    }
    Ok(waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_that_nobody_believes_is_counted_whole_and_stored_rarely() {
        let refused = Refused::default();
        let stored: Vec<u64> = (0..100).filter_map(|n| refused.add(Instant(n * 250_000))).collect();
        assert_eq!(stored, [1, 40, 40], "a store each ten seconds of 25");
        assert_eq!(stored.iter().sum::<u64>() + refused.held(), 100);
        assert!(refused.add(Instant(0)).is_some(), "a clock set back does not stop it");
    }
}
