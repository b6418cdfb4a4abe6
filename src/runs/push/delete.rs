//! Puts a record into Twenty's bin: the one that was meant, as it was seen, and no other.
//!
//! The answer to the call is not believed: the next look finds the record in the bin, and that settles it. So a lost reply
//! and a complete one end in the same way.

use uuid::Uuid;

use super::{Act, MOVES_MAX, Push, Stored, Turn, commits, unknown};
use crate::ground::edit::State;
use crate::ground::id::StagedId;
use crate::ground::texts;
use crate::ground::time::Instant;
use crate::rails::RawRecord;
use crate::rails::twenty::{Guard, Guarded};
use crate::runs::Next;
use crate::store::{Ledger, StoreError, WriteError};

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
        if let Some(why) = self.made_donor_stays(&turn)? {
            commits::refuse(&self.means, turn.edit, why.to_owned()).await?;
            return Ok(Next::Again);
        }
        if record.updated != Some(seen) {
            commits::refuse(&self.means, turn.edit, texts::EDIT_DELETE_CHANGED.to_owned()).await?;
            return Ok(Next::Again);
        }
        self.bin(turn, seen).await
    }

    /// Why somebody who was made for a discarded row is not removed after all: what was asked then is asked again, of the
    /// mirror as it is now.
    fn made_donor_stays(&self, turn: &Turn) -> Stored<Option<&'static str>> {
        let Some(row) = turn.edit.made_for else { return Ok(None) };
        let snapshot = self.means.store.snapshot().map_err(WriteError::Store)?;
        stays(&snapshot.ledger(), row, turn.edit.record).map_err(WriteError::Store)
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

fn stays(ledger: &Ledger<'_>, row: StagedId, person: Uuid) -> Result<Option<&'static str>, StoreError> {
    let Some(row) = ledger.staged(row)? else { return Ok(Some(texts::MADE_ROW_IN_USE)) };
    match ledger.made_donor(&row.value)? {
        Some(made) if made.key.uuid() == Some(person) => ledger.why_made_stays(&row.value, &made),
        _ => Ok(Some(texts::MADE_NOT_THERE)),
    }
}
