//! Makes in Twenty what was made here: a task or a note under a key of ours, then what links it.
//!
//! The two are made one after the other, since Twenty has no call for both. What may have arrived is asked for by its key
//! before it is sent again, so that a stop between the two, or in the middle of either, costs nothing.

use super::{Push, Stored, Turn, commits, unknown};
use crate::ground::edit::{Edit, NewRecord, State};
use crate::ground::id::{Names, Object};
use crate::ground::outbox::Arrival;
use crate::ground::texts;
use crate::ground::time::Instant;
use crate::rails::{Outcome, RawRecord, Trouble};
use crate::runs::see::see;
use crate::runs::{Next, plain};

/// How often a record may bring no usable answer and not be found, before it is given up.
const MISSES_MAX: u8 = 4;

impl Push {
    /// The next call for the next record that is not there.
    pub(super) async fn make(&mut self, turn: Turn) -> Stored<Next> {
        let Turn { edit, workspace, .. } = turn;
        let Some(make) = edit.next_make().cloned() else {
            commits::write(&self.means, edit, "Made here, taken by Twenty", |_, _, edit| {
                edit.state = State::Done;
                Ok(())
            })
            .await?;
            return Ok(Next::Again);
        };
        let known =
            Object::from_word(&make.object).and_then(|object| Some((object, workspace.names(object)?)));
        let Some((object, names)) = known else {
            commits::refuse(&self.means, edit, texts::EDIT_NO_OBJECT.to_owned()).await?;
            return Ok(Next::Again);
        };
        match make.arrival {
            Arrival::Unknown => self.find(edit, make, object, names).await,
            Arrival::NotSent => self.create(edit, make, object, names).await,
        }
    }

    async fn find(&mut self, edit: Edit, make: NewRecord, object: Object, names: Names) -> Stored<Next> {
        let permit = match self.permit(&edit) {
            Ok(permit) => permit,
            Err(until) => return Ok(Next::Wait(until)),
        };
        let asked_at = self.means.world.now();
        match self.means.rail.probe(&permit, &names, &[make.id]).await {
            Ok(found) => match found.into_iter().next() {
                Some(record) if record.deleted => {
                    self.look(object, &record, asked_at).await?;
                    commits::refuse(&self.means, edit, texts::EDIT_MADE_DELETED.to_owned()).await?;
                    Ok(Next::Again)
                }
                Some(record) => self.there(edit, object, record, asked_at).await,
                None if make.misses >= MISSES_MAX => {
                    commits::refuse(&self.means, edit, texts::EDIT_NO_ANSWER.to_owned()).await?;
                    Ok(Next::Again)
                }
                None => {
                    self.mark(edit, make.id, "Not in Twenty yet", |make| {
                        make.arrival = Arrival::NotSent;
                        make.misses += 1;
                    })
                    .await?;
                    Ok(Next::Again)
                }
            },
            Err(trouble) => {
                self.means.gate.learn(&trouble);
                self.rest(edit, plain(&trouble)).await
            }
        }
    }

    async fn create(&mut self, edit: Edit, make: NewRecord, object: Object, names: Names) -> Stored<Next> {
        let permit = match self.permit(&edit) {
            Ok(permit) => permit,
            Err(until) => return Ok(Next::Wait(until)),
        };
        let marked =
            self.mark(edit, make.id, "Being sent to Twenty", |make| make.arrival = Arrival::Unknown).await?;
        let Some(edit) = marked else { return Ok(Next::Again) };
        let began = self.means.world.now();
        match self.means.rail.create(&permit, &names, &[make.id], &[&make.body]).await {
            Outcome::Confirmed(records) => match records.into_iter().next() {
                Some(record) => self.there(edit, object, record, began).await,
                None => self.rest(edit, unknown("an empty answer")).await,
            },
            Outcome::Unknown(said) => self.rest(edit, unknown(&said)).await,
            Outcome::Rejected(trouble) => self.not_made(edit, make, trouble).await,
        }
    }

    async fn not_made(&mut self, edit: Edit, make: NewRecord, trouble: Trouble) -> Stored<Next> {
        self.means.gate.learn(&trouble);
        match trouble {
            Trouble::Refused(said) => {
                let lead = if edit.makes.iter().any(|make| make.there) {
                    texts::EDIT_LINK_REFUSED
                } else {
                    texts::EDIT_REFUSED
                };
                commits::refuse(&self.means, edit, format!("{lead}{said}")).await?;
                Ok(Next::Again)
            }
            // Something has our key: what it is, a look tells.
            Trouble::Clash(_) => {
                self.mark(edit, make.id, "Looked for in Twenty", |make| make.misses += 1).await?;
                Ok(Next::Again)
            }
            Trouble::Broken(said) => self.rest(edit, unknown(&said)).await,
            Trouble::Later { .. } | Trouble::Denied(_) | Trouble::Gone(_) => {
                let told = plain(&trouble);
                let reset = self
                    .mark(edit, make.id, "Twenty took nothing yet", |make| make.arrival = Arrival::NotSent)
                    .await?;
                match reset {
                    Some(edit) => self.rest(edit, told).await,
                    None => Ok(Next::Again),
                }
            }
        }
    }

    /// Twenty has it: the mirror shows it as it is there.
    async fn there(&self, edit: Edit, object: Object, record: RawRecord, asked_at: Instant) -> Stored<Next> {
        commits::write(&self.means, edit, "Made here, taken by Twenty", move |view, changes, edit| {
            see(view, changes, object, &record, asked_at)?;
            for make in edit.makes.iter_mut().filter(|make| make.id == record.id) {
                make.there = true;
            }
            edit.note = None;
            if edit.next_make().is_none() {
                edit.state = State::Done;
            }
            Ok(())
        })
        .await?;
        Ok(Next::Again)
    }

    async fn mark(
        &self,
        edit: Edit,
        id: uuid::Uuid,
        why: &'static str,
        change: impl FnOnce(&mut NewRecord) + Send + 'static,
    ) -> Stored<Option<Edit>> {
        commits::write(&self.means, edit, why, move |_, _, edit| {
            if let Some(make) = edit.makes.iter_mut().find(|make| make.id == id) {
                change(make);
            }
            Ok(())
        })
        .await
    }
}
