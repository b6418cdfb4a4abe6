//! Reads what webhooks told of: coalesced by record, many in a call, and taken in like anything else Twenty says.
//!
//! A webhook is a hint: it may be old, late or told twice. What it names is read by id; what the mirror has as new
//! already (our own writes above all) costs no call.

use uuid::Uuid;

use super::cycle::{note_trouble, seen_in_twenty};
use super::see::{Met, meet, see};
use super::walk::destroy;
use super::{Means, Next, pause_ms, plain};
use crate::ground::crm::RecordHead;
use crate::ground::id::{ConnectionId, Names, Object, SubjectKey};
use crate::ground::journal::SubjectState;
use crate::ground::time::Instant;
use crate::ground::webhook::twenty::ToRead;
use crate::rails::twenty::PROBE_MAX;
use crate::rails::{CallClass, RawRecord, Trouble};
use crate::store::{Changes, Fail, Ledger, StoreError, View, WriteError};

/// How often a record is asked for before the passes are left to find what was told: an answer may come from a replica
/// that lags behind.
const TRIES_MAX: u8 = 4;
/// Pause before it is asked for again, in milliseconds, longer each time.
const AGAIN_MS: i64 = 2_000;

/// The reading of what was told.
pub struct Inbox {
    means: Means,
    failures: u32,
}

/// What is read in one call.
struct Batch {
    object: Object,
    names: Names,
    rows: Vec<(Uuid, ToRead)>,
}

/// What there is to do.
enum Due {
    /// These need no call.
    Known(Object, Vec<(Uuid, ToRead)>),
    /// These are to be read.
    Read(Batch),
    /// Nothing before this moment.
    At(Instant),
    /// Nothing.
    Nothing,
}

impl Inbox {
    /// The inbox of this connection.
    pub const fn new(means: Means) -> Self {
        Self { means, failures: 0 }
    }

    /// One call at most.
    pub async fn step(&mut self) -> Next {
        match self.try_step().await {
            Ok(next) => next,
            Err(_) => self.later(),
        }
    }

    fn later(&mut self) -> Next {
        let pause = pause_ms(self.failures);
        self.failures += 1;
        Next::Wait(self.means.world.now().plus_millis(pause))
    }

    async fn try_step(&mut self) -> Result<Next, WriteError<()>> {
        let due = self.due().map_err(WriteError::Store)?;
        let batch = match due {
            Due::Nothing => return Ok(Next::Idle),
            Due::At(at) => return Ok(Next::Wait(at)),
            Due::Known(object, rows) => {
                self.means
                    .store
                    .write(move |view| Ok::<_, Fail<()>>((done(view, object, &rows)?, ())))
                    .await?;
                return Ok(Next::Again);
            }
            Due::Read(batch) => batch,
        };
        let permit = match self.means.gate.permit(CallClass::Webhook, None) {
            Ok(permit) => permit,
            Err(until) => return Ok(Next::Wait(until)),
        };
        let ids: Vec<Uuid> = batch.rows.iter().map(|(id, _)| *id).collect();
        let asked_at = self.means.world.now();
        match self.means.rail.probe(&permit, &batch.names, &ids).await {
            Ok(found) => {
                self.failures = 0;
                let store = move |view: &View<'_>| store(view, &batch, &found, asked_at);
                self.means.store.write(move |view| Ok::<_, Fail<()>>((store(view)?, ()))).await?;
                Ok(Next::Again)
            }
            Err(trouble) => {
                self.means.gate.learn(&trouble);
                if !matches!(trouble, Trouble::Later { limit: true, .. }) {
                    note_trouble(&self.means, batch.object, plain(&trouble)).await?;
                }
                Ok(self.later())
            }
        }
    }

    /// The first object with something to read.
    fn due(&self) -> Result<Due, StoreError> {
        let snapshot = self.means.store.snapshot()?;
        let ledger = snapshot.ledger();
        let now = self.means.world.now();
        let inbox = ledger.inbox(ConnectionId::TWENTY, 10 * PROBE_MAX)?;
        let ripe = |row: &ToRead| row.not_before <= now;
        let Some((object, ..)) = inbox.iter().find(|(_, _, row)| ripe(row)) else {
            let soonest = inbox.iter().map(|(_, _, row)| row.not_before).min();
            return Ok(soonest.map_or(Due::Nothing, Due::At));
        };
        let object = *object;
        let rows: Vec<(Uuid, ToRead)> = inbox
            .into_iter()
            .filter(|(of, _, row)| *of == object && ripe(row))
            .map(|(_, id, row)| (id, row))
            .take(PROBE_MAX)
            .collect();
        let names = ledger.workspace(ConnectionId::TWENTY)?.names(object);
        let paused = ledger.mirror_state(ConnectionId::TWENTY, object)?.paused;
        // An object that is not mirrored any more has nothing to read.
        let Some(names) = names.filter(|_| !paused) else { return Ok(Due::Known(object, rows)) };
        let mut known = Vec::new();
        for (id, row) in &rows {
            if is_known(&ledger, object, *id, row)? {
                known.push((*id, *row));
            }
        }
        Ok(if known.is_empty() {
            Due::Read(Batch { object, names, rows })
        } else {
            Due::Known(object, known)
        })
    }
}

/// Whether the mirror has the record as new as was told.
fn is_known(ledger: &Ledger<'_>, object: Object, id: Uuid, row: &ToRead) -> Result<bool, StoreError> {
    let Some(subject) = ledger.subject(&SubjectKey::twenty(object, id))? else { return Ok(false) };
    let Some(known) = ledger.record(subject)? else { return Ok(true) };
    if row.destroyed {
        return Ok(known.state == SubjectState::Gone);
    }
    let here = serde_json::from_str::<RecordHead>(&known.value).ok().and_then(|head| head.updated());
    // Two changes within one millisecond look alike; the next pass reads that far back and finds the second.
    let as_new = here.zip(row.updated).is_some_and(|(here, told)| here >= told);
    Ok(as_new && matches!(known.state, SubjectState::Live | SubjectState::Deleted))
}

/// These rows are done, unless they were told again meanwhile.
fn done(view: &View<'_>, object: Object, rows: &[(Uuid, ToRead)]) -> Result<Changes, StoreError> {
    let mut changes = Changes::new(seen_in_twenty());
    for (id, row) in rows {
        if view.ledger().to_read(ConnectionId::TWENTY, object, *id)?.as_ref() == Some(row) {
            changes.to_read(ConnectionId::TWENTY, object, *id, None)?;
        }
    }
    Ok(changes)
}

fn store(
    view: &View<'_>,
    batch: &Batch,
    found: &[RawRecord],
    asked_at: Instant,
) -> Result<Changes, StoreError> {
    let mut changes = done(view, batch.object, &batch.rows)?;
    let mut told = 0;
    let mut lost = false;
    for (id, row) in &batch.rows {
        let record = found.iter().find(|record| record.id == *id);
        if let Some(record) = record {
            let met = meet(view.ledger(), batch.object, record, asked_at)?;
            told += u64::from(matches!(met, Met::New | Met::Changed));
            see(view, &mut changes, batch.object, record, asked_at)?;
        }
        // An answer older than what was told may come from a replica.
        let older = record.is_some_and(|record| record.updated < row.updated);
        match record {
            Some(_) if !older && !row.destroyed => {}
            None if row.destroyed => {
                told += u64::from(destroy(view, &mut changes, batch.object, *id, asked_at)?);
            }
            _ if row.tries >= TRIES_MAX => lost |= record.is_none(),
            _ => again(view, &mut changes, batch.object, (*id, row))?,
        }
    }
    if told > 0 || lost {
        let mut state = view.ledger().mirror_state(ConnectionId::TWENTY, batch.object)?;
        state.untold.told += told;
        // Neither there nor told to be gone: only a walk can say.
        if lost {
            state.walk_asked_at = state.walk_asked_at.or(Some(asked_at));
        }
        changes.mirror_state(ConnectionId::TWENTY, batch.object, &state)?;
    }
    Ok(changes)
}

fn again(
    view: &View<'_>,
    changes: &mut Changes,
    object: Object,
    (id, row): (Uuid, &ToRead),
) -> Result<(), StoreError> {
    // Told again meanwhile: that row stands as it is.
    if view.ledger().to_read(ConnectionId::TWENTY, object, id)?.as_ref() != Some(row) {
        return Ok(());
    }
    let pause = AGAIN_MS << row.tries.min(4);
    let row = ToRead { tries: row.tries + 1, not_before: view.world.now().plus_millis(pause), ..*row };
    changes.to_read(ConnectionId::TWENTY, object, id, Some(&row))
}
