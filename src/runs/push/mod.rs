//! Brings what was changed here to Twenty: one edit at a time, read fresh, merged, sent under a guard.
//!
//! Like every run it takes no input and looks at stored state only. Before a call the intent is stored, after it the
//! outcome. An edit that may have arrived is found out about by reading the record again: what stands there as wanted
//! is done, and nothing is sent over a change that somebody else made meanwhile.

mod commits;
mod delete;
mod make;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;

use self::commits::{Outcome, Planned};
use super::see::{Met, meet, see};
use super::{Means, Next, attempt, cycle, pause_ms, plain, restored};
use crate::ground::edit::{Edit, Merge, Sides, State, merge};
use crate::ground::id::{ConnectionId, Names, Object};
use crate::ground::texts;
use crate::ground::time::Instant;
use crate::ground::workspace::{ObjectSchema, Workspace};
use crate::rails::twenty::{Guard, Guarded, body_of};
use crate::rails::{CallClass, Permit, RawRecord, Trouble};
use crate::store::{Changes, Fail, StoreError, WriteError, parts};

type Stored<T> = Result<T, WriteError<()>>;

/// How often in a row a record may move under an edit before it rests.
const MOVES_MAX: u32 = 5;

/// How often a record that is not found is looked for again.
const LOOKS_MAX: u32 = 3;

/// The sending of edits.
pub struct Push {
    means: Means,
    /// Edits that could not be sent, with the moment they are tried again and how often that was.
    resting: BTreeMap<Uuid, (Instant, u32)>,
    failures: u32,
    moves: u32,
    /// What was read for an edit while there was no call left to send it. Reading it again would cost that call.
    planned: Option<(Turn, Act)>,
}

/// What is to be done with a record that was read.
enum Act {
    Change(Planned),
    /// Into the bin, as it was at this moment.
    Delete(Instant),
}

/// An edit whose turn it is, with what the workspace says of its record.
struct Turn {
    edit: Edit,
    object: Object,
    names: Names,
    workspace: Workspace,
}

/// What there is to do.
enum Due {
    Edit(Box<Turn>),
    /// It cannot be sent, whatever happens.
    Hopeless(Box<Edit>, &'static str),
    At(Instant),
    Nothing,
}

impl Push {
    /// The sending of this connection's edits.
    pub const fn new(means: Means) -> Self {
        Self { means, resting: BTreeMap::new(), failures: 0, moves: 0, planned: None }
    }

    /// The next thing to do for one edit.
    pub async fn step(&mut self) -> Next {
        if let Ok(next) = self.try_step().await {
            return next;
        }
        // The store recovers by itself.
        let pause = pause_ms(self.failures);
        self.failures += 1;
        Next::Wait(self.means.world.now().plus_millis(pause))
    }

    async fn try_step(&mut self) -> Stored<Next> {
        match self.planned.take() {
            Some((turn, Act::Change(planned))) => return self.send(turn, planned).await,
            Some((turn, Act::Delete(seen))) => return self.bin(turn, seen).await,
            None => {}
        }
        let due = self.due().map_err(WriteError::Store)?;
        if matches!(due, Due::Edit(_)) && restored::is_shut(&self.means).await? {
            return Ok(Next::Wait(self.means.world.now().plus_millis(pause_ms(6))));
        }
        let next = match due {
            Due::Nothing => return Ok(Next::Idle),
            Due::At(at) => return Ok(Next::Wait(at)),
            Due::Hopeless(edit, why) => {
                commits::refuse(&self.means, *edit, why.to_owned()).await?;
                Ok(Next::Again)
            }
            Due::Edit(turn) if turn.edit.makes.is_empty() => self.change(*turn).await,
            Due::Edit(turn) => self.make(*turn).await,
        };
        self.failures = 0;
        next
    }

    /// The edit that was asked for first, of those that do not rest. Edits of one record go one after the other.
    fn due(&mut self) -> Result<Due, StoreError> {
        let snapshot = self.means.store.snapshot()?;
        let ledger = snapshot.ledger();
        let now = self.means.world.now();
        let workspace = ledger.workspace(ConnectionId::TWENTY)?;
        let open: Vec<Edit> = ledger
            .open_edits()?
            .into_iter()
            .map(|edit| edit.value)
            .filter(|edit| edit.state.is_open())
            .collect();
        self.resting.retain(|id, _| open.iter().any(|edit| edit.id == *id));
        if open.is_empty() || workspace.schema.is_none() {
            return Ok(Due::Nothing);
        }
        let mut records = BTreeSet::new();
        let mut soonest: Option<Instant> = None;
        for edit in open {
            if !records.insert((edit.object.clone(), edit.record)) {
                continue;
            }
            if let Some((until, _)) = self.resting.get(&edit.id).filter(|(until, _)| *until > now) {
                soonest = Some(soonest.map_or(*until, |soonest| soonest.min(*until)));
                continue;
            }
            let known = edit.object().and_then(|object| Some((object, workspace.names(object)?)));
            return Ok(match known {
                Some((object, names)) => Due::Edit(Box::new(Turn { edit, object, names, workspace })),
                None => Due::Hopeless(Box::new(edit), texts::EDIT_NO_OBJECT),
            });
        }
        Ok(soonest.map_or(Due::Nothing, Due::At))
    }

    fn failed(&self, edit: &Edit) -> u32 {
        self.resting.get(&edit.id).map_or(0, |(_, failed)| *failed)
    }

    fn permit(&self, edit: &Edit) -> Result<Permit, Instant> {
        let permit = self.means.gate.permit(CallClass::Person, edit.request_id.as_deref())?;
        Ok(permit.attempt(attempt(self.failed(edit))))
    }

    /// The edit rests, and says why.
    async fn rest(&mut self, edit: Edit, told: String) -> Stored<Next> {
        let failed = self.failed(&edit);
        let until = self.means.world.now().plus_millis(pause_ms(failed));
        self.resting.insert(edit.id, (until, failed + 1));
        commits::note(&self.means, edit, told).await?;
        Ok(Next::Again)
    }

    /// Reads the record, merges, and sends what is to be sent.
    async fn change(&mut self, turn: Turn) -> Stored<Next> {
        let permit = match self.permit(&turn.edit) {
            Ok(permit) => permit,
            Err(until) => return Ok(Next::Wait(until)),
        };
        let asked_at = self.means.world.now();
        let found = match self.means.rail.probe(&permit, &turn.names, &[turn.edit.record]).await {
            Ok(found) => found,
            Err(trouble) => {
                self.means.gate.learn(&trouble);
                return self.rest(turn.edit, plain(&trouble)).await;
            }
        };
        let Some(record) = found.into_iter().next() else {
            // The answer may come from a replica that lags behind.
            if self.failed(&turn.edit) < LOOKS_MAX {
                return self.rest(turn.edit, texts::EDIT_NOT_FOUND.to_owned()).await;
            }
            commits::refuse(&self.means, turn.edit, texts::EDIT_RECORD_GONE.to_owned()).await?;
            return Ok(Next::Again);
        };
        self.look(turn.object, &record, asked_at).await?;
        if let Some(seen) = turn.edit.delete {
            return self.delete(turn, &record, seen).await;
        }
        if record.deleted {
            commits::refuse(&self.means, turn.edit, texts::EDIT_RECORD_DELETED.to_owned()).await?;
            return Ok(Next::Again);
        }
        let Some(seen) = record.updated else {
            return self.rest(turn.edit, texts::EDIT_NO_TIME.to_owned()).await;
        };
        let Some(merged) = merged(&turn, &record, seen) else {
            commits::refuse(&self.means, turn.edit, texts::EDIT_NO_FIELD.to_owned()).await?;
            return Ok(Next::Again);
        };
        let planned = Planned { merged, record, seen };
        if planned.merged.send.is_empty() {
            commits::settled(&self.means, turn.edit, planned).await?;
            return Ok(Next::Again);
        }
        self.send(turn, planned).await
    }

    /// What the fresh read tells is taken into the mirror first, as Twenty's word, so that it is in the journal before
    /// anything is sent over it.
    async fn look(&self, object: Object, record: &RawRecord, asked_at: Instant) -> Stored<()> {
        let met = {
            let snapshot = self.means.store.snapshot().map_err(WriteError::Store)?;
            meet(&snapshot.ledger(), object, record, asked_at).map_err(WriteError::Store)?
        };
        if !matches!(met, Met::New | Met::Changed) {
            return Ok(());
        }
        let record = record.clone();
        self.means
            .store
            .write(move |view| {
                let mut changes = Changes::new(cycle::seen_in_twenty());
                see(view, &mut changes, object, &record, asked_at)?;
                Ok::<_, Fail<()>>((changes, ()))
            })
            .await?;
        Ok(())
    }

    async fn send(&mut self, turn: Turn, planned: Planned) -> Stored<Next> {
        let permit = match self.permit(&turn.edit) {
            Ok(permit) => permit,
            Err(until) => {
                self.planned = Some((turn, Act::Change(planned)));
                return Ok(Next::Wait(until));
            }
        };
        let Turn { edit, object, names, .. } = turn;
        let Some(sent) = commits::sent(&self.means, edit.clone(), planned.seen).await? else {
            return Ok(Next::Again);
        };
        let values = edit.fields.iter().filter(|field| planned.merged.send.contains(&field.field));
        let values = values
            .map(|field| (field.field.as_str(), serde_json::from_str(&field.value).unwrap_or(Value::Null)));
        let body = body_of(values);
        let guard = Guard { id: edit.record, seen: planned.seen };
        let began = self.means.world.now();
        match self.means.rail.update_guarded(&permit, &names, guard, body).await {
            Guarded::Done(record) => {
                self.moves = 0;
                let outcome = Outcome { object, record, asked_at: began };
                commits::done(&self.means, sent, planned, outcome).await?;
                Ok(Next::Again)
            }
            Guarded::Moved => {
                // Nothing was done: what was known before the call still holds.
                let edit = commits::not_sent(&self.means, sent, edit.state).await?;
                self.moves += 1;
                match edit.filter(|_| self.moves >= MOVES_MAX) {
                    Some(edit) => {
                        self.moves = 0;
                        self.rest(edit, texts::EDIT_MOVES.to_owned()).await
                    }
                    None => Ok(Next::Again),
                }
            }
            Guarded::Unknown(said) => self.rest(sent, unknown(&said)).await,
            Guarded::Rejected(trouble) => self.rejected(sent, edit.state, trouble).await,
        }
    }

    async fn rejected(&mut self, sent: Edit, before: State, trouble: Trouble) -> Stored<Next> {
        self.means.gate.learn(&trouble);
        match trouble {
            Trouble::Refused(said) | Trouble::Clash(said) => {
                commits::refuse(&self.means, sent, format!("{}{said}", texts::EDIT_REFUSED)).await?;
                Ok(Next::Again)
            }
            // It came whole and does not fit: what happened is not known.
            Trouble::Broken(said) => self.rest(sent, unknown(&said)).await,
            Trouble::Later { .. } | Trouble::Denied(_) | Trouble::Gone(_) => {
                match commits::not_sent(&self.means, sent, before).await? {
                    Some(edit) => self.rest(edit, plain(&trouble)).await,
                    None => Ok(Next::Again),
                }
            }
        }
    }
}

fn unknown(said: &str) -> String {
    format!("It is not known whether Twenty took this ({said}). Looking there before anything is sent again.")
}

/// Each field of the edit next to what stands there; none when the workspace lacks one of them.
fn merged(turn: &Turn, record: &RawRecord, seen: Instant) -> Option<Merge> {
    let schema = turn.workspace.schema.as_ref()?.objects.get(&turn.names.plural)?;
    let now: Value = serde_json::from_str(&record.json).unwrap_or(Value::Null);
    let mut fields = BTreeMap::new();
    for edit in &turn.edit.fields {
        let kind = kind(schema, &edit.field)?;
        let plain =
            |text: &str| parts::plain(kind, &serde_json::from_str::<Value>(text).unwrap_or(Value::Null));
        let sides = Sides {
            base: plain(&edit.base),
            value: plain(&edit.value),
            current: parts::plain(kind, parts::part(&now, &edit.field)),
        };
        fields.insert(edit.field.clone(), sides);
    }
    // On the record as it was when we sent, ours certainly has not arrived, and can only do so under the same guard.
    let doubt = matches!(turn.edit.state, State::Sent { seen: then } if then != seen);
    Some(merge(turn.object, &fields, doubt))
}

/// The type of what a path names.
fn kind<'s>(schema: &'s ObjectSchema, path: &str) -> Option<&'s str> {
    let field = schema.fields.get(path.split('.').next().unwrap_or(path))?;
    Some(parts::kind_of(path, &field.kind))
}
