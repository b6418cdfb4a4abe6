//! What a person asks of the mirror: now, everything, not at all, and of which objects.

use super::{Asked, Desk, Refusal};
use crate::ground::id::{ConnectionId, Object};
use crate::ground::mirror::MirrorState;
use crate::ground::workspace::CannotMirror;
use crate::store::{Changes, Fail};

impl Desk {
    /// Asks for a pass over everything that is mirrored.
    pub async fn sync_now(&self, asked: &Asked) -> Result<(), Refusal> {
        let cause = asked.cause("Sync asked for");
        self.store
            .write(move |view| {
                let mut changes = Changes::new(cause);
                changes.ask();
                for (object, _) in view.ledger().workspace(ConnectionId::TWENTY)?.mirrored() {
                    let mut state = view.ledger().mirror_state(ConnectionId::TWENTY, object)?;
                    state.asked_at = Some(view.world.now());
                    changes.mirror_state(ConnectionId::TWENTY, object, &state)?;
                }
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }

    /// Asks for a walk over one object, which proves it complete or says what is missing.
    pub async fn sweep(&self, asked: &Asked, object: Object) -> Result<(), Refusal> {
        let now = self.world.now();
        self.change_mirror(asked, "Sweep asked for", object, move |state| state.walk_asked_at = Some(now))
            .await
    }

    /// Stops the passes and walks of one object, or lets them go on.
    pub async fn pause_sync(&self, asked: &Asked, object: Object, paused: bool) -> Result<(), Refusal> {
        let why = if paused { "Sync paused" } else { "Sync goes on" };
        self.change_mirror(asked, why, object, move |state| state.paused = paused).await
    }

    async fn change_mirror(
        &self,
        asked: &Asked,
        why: &str,
        object: Object,
        change: impl FnOnce(&mut MirrorState) + Send + 'static,
    ) -> Result<(), Refusal> {
        let cause = asked.cause(why);
        self.store
            .write(move |view| {
                let workspace = view.ledger().workspace(ConnectionId::TWENTY)?;
                if workspace.names(object).is_none() {
                    return Err(Refusal::NotFound("mirrored object").into());
                }
                let mut changes = Changes::new(cause);
                let mut state = view.ledger().mirror_state(ConnectionId::TWENTY, object)?;
                change(&mut state);
                changes.mirror_state(ConnectionId::TWENTY, object, &state)?;
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }

    /// Switches the mirror of a further object of the workspace on or off. What was mirrored stays.
    pub async fn switch_object(&self, asked: &Asked, plural: String, on: bool) -> Result<Object, Refusal> {
        let cause = asked.cause(if on {
            "Mirror of an object switched on"
        } else {
            "Mirror of an object switched off"
        });
        let (_, object) = self
            .store
            .write(move |view| {
                let mut workspace = view.ledger().workspace(ConnectionId::TWENTY)?;
                let object =
                    workspace.switch(&plural, on).map_err(|why: CannotMirror| Refusal::CannotMirror(why))?;
                let mut changes = Changes::new(cause);
                changes.workspace(ConnectionId::TWENTY, &workspace)?;
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, object))
            })
            .await?;
        Ok(object)
    }
}
