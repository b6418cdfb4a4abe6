//! "Sync now".

use super::{Asked, Desk, Refusal};
use crate::ground::id::{ConnectionId, Object};
use crate::store::{Changes, Fail, Working};

impl Desk {
    /// Asks for a pass over everything that is mirrored.
    pub async fn sync_now(&self, asked: &Asked) -> Result<(), Refusal> {
        let cause = asked.cause("Sync asked for");
        self.store
            .write(move |view| {
                let mut changes = Changes::new(cause);
                changes.ask();
                for object in Object::MIRRORED {
                    let mut state = view.ledger().sync_state(ConnectionId::TWENTY, object)?;
                    state.asked_at = Some(view.world.now());
                    let mut slot = ConnectionId::TWENTY.0.to_be_bytes().to_vec();
                    slot.extend_from_slice(&object.number().to_be_bytes());
                    changes.working(Working::Sync, &slot, Some(&state))?;
                }
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }
}
