//! Webhooks as they come: believed or not, kept before they are answered, and never acted on here.

use std::collections::BTreeMap;

use super::{Desk, Refusal};
use crate::ground::id::{ConnectionId, Object};
use crate::ground::journal::{Actor, Cause};
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

    /// Counted, since many of them mean a wrong secret or somebody who tries.
    async fn count_refused(&self) -> Result<(), Refusal> {
        self.store
            .write(move |view| {
                let mut changes = Changes::new(Cause {
                    actor: Actor::System,
                    why: "Webhook refused".into(),
                    request_id: None,
                });
                let mut hook = view.ledger().hook(ConnectionId::TWENTY)?;
                hook.refused += 1;
                changes.working_text(Working::Hook, &slot(), Some(&hook))?;
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
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
    (updated, destroyed): (Option<crate::ground::time::Instant>, bool),
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
