//! Puts a record into Twenty's bin: the one that was meant, as it was seen, and no other.
//!
//! The answer to the call is not believed: the next look finds the record in the bin, and that settles it. So a lost reply
//! and a complete one end in the same way.

use super::{Act, MOVES_MAX, Push, Stored, Turn, commits, unknown};
use crate::ground::edit::State;
use crate::ground::texts;
use crate::ground::time::Instant;
use crate::rails::RawRecord;
use crate::rails::twenty::{Guard, Guarded};
use crate::runs::Next;

impl Push {
    /// The next call for a record that was just read.
    pub(super) async fn delete(&mut self, turn: Turn, record: &RawRecord, seen: Instant) -> Stored<Next> {
        if record.deleted {
            commits::write(&self.means, turn.edit, "Deleted here, taken by Twenty", |_, _, edit| {
                edit.state = State::Done;
                Ok(())
            })
            .await?;
            self.moves = 0;
            return Ok(Next::Again);
        }
        if record.updated != Some(seen) {
            commits::refuse(&self.means, turn.edit, texts::EDIT_DELETE_CHANGED.to_owned()).await?;
            return Ok(Next::Again);
        }
        self.bin(turn, seen).await
    }

    /// The call itself. What was read is kept while there is no call left: reading again would cost that call.
    pub(super) async fn bin(&mut self, turn: Turn, seen: Instant) -> Stored<Next> {
        let permit = match self.permit(&turn.edit) {
            Ok(permit) => permit,
            Err(until) => {
                self.planned = Some((turn, Act::Delete(seen)));
                return Ok(Next::Wait(until));
            }
        };
        let Turn { edit, names, .. } = turn;
        let before = edit.state.clone();
        let guard = Guard { id: edit.record, seen };
        let Some(sent) = commits::sent(&self.means, edit, seen).await? else { return Ok(Next::Again) };
        match self.means.rail.delete_guarded(&permit, &names, guard).await {
            // It is looked at before it is believed.
            Guarded::Done(_) => Ok(Next::Again),
            Guarded::Moved => {
                self.moves += 1;
                if self.moves < MOVES_MAX {
                    return Ok(Next::Again);
                }
                self.moves = 0;
                self.rest(sent, texts::EDIT_MOVES.to_owned()).await
            }
            Guarded::Unknown(said) => self.rest(sent, unknown(&said)).await,
            Guarded::Rejected(trouble) => self.rejected(sent, before, trouble).await,
        }
    }
}
