//! Mirrors Twenty: passes over an object in the order of ids, cursor and records in one commit.

use super::{Means, Next, attempt, connection, pause_ms};
use crate::ground::crm::RecordHead;
use crate::ground::freshness::SyncState;
use crate::ground::id::{ConnectionId, Object, SubjectKey};
use crate::ground::journal::{Actor, Cause};
use crate::ground::time::Instant;
use crate::rails::twenty::PageAsk;
use crate::rails::{CallClass, RawRecord, RecordPage, Trouble};
use crate::store::{Changes, Fail, StoreError, View, Working, WriteError};

/// The pass over one object.
pub struct Pull {
    means: Means,
    object: Object,
    /// Failures in a row, for the pause between attempts.
    failures: u32,
}

impl Pull {
    /// The passes over this object.
    pub const fn new(means: Means, object: Object) -> Self {
        Self { means, object, failures: 0 }
    }

    /// The object.
    pub const fn object(&self) -> Object {
        self.object
    }

    /// One page of the pass that is due, if one is.
    pub async fn step(&mut self) -> Next {
        match self.try_step().await {
            Ok(next) => next,
            // The store recovers by itself; the pass goes on from its stored cursor.
            Err(_) => self.later(),
        }
    }

    fn later(&mut self) -> Next {
        let pause = pause_ms(self.failures);
        self.failures += 1;
        Next::Wait(self.means.world.now().plus_millis(pause))
    }

    async fn try_step(&mut self) -> Result<Next, WriteError<()>> {
        let now = self.means.world.now();
        let (state, schema_known) = {
            let snapshot = self.means.store.snapshot().map_err(WriteError::Store)?;
            let ledger = snapshot.ledger();
            let state = ledger.sync_state(ConnectionId::TWENTY, self.object).map_err(WriteError::Store)?;
            let connection = connection::load(&ledger).map_err(WriteError::Store)?;
            (state, connection.is_some_and(|connection| connection.schema.is_some()))
        };
        if !state.is_due(now, self.means.sync_every_ms) {
            let due = state.complete_as_of.unwrap_or(now).plus_millis(self.means.sync_every_ms);
            return Ok(Next::Wait(due));
        }
        if !schema_known || state.pass.is_none() {
            match self.means.rail.schema(&self.means.gate.unmetered()).await {
                Ok(schema) => connection::remember_schema(&self.means.store, schema).await?,
                Err(trouble) => return self.failed(trouble).await,
            }
        }
        let mut begun = state;
        let pass = begun.begin(now);
        let ask = PageAsk { since: pass.since, cursor: pass.cursor.clone() };
        let class = if pass.since.is_some() { CallClass::Incremental } else { CallClass::Backfill };
        let permit = match self.means.gate.permit(class, None) {
            Ok(permit) => permit.attempt(attempt(self.failures)),
            Err(until) => return Ok(Next::Wait(until)),
        };
        let asked_at = self.means.world.now();
        match self.means.rail.page(&permit, self.object, &ask).await {
            Ok(page) => self.store_page(begun, page, asked_at).await,
            Err(trouble) => self.failed(trouble).await,
        }
    }

    async fn store_page(
        &mut self,
        mut state: SyncState,
        page: RecordPage,
        asked_at: Instant,
    ) -> Result<Next, WriteError<()>> {
        let pass = state.begin(self.means.world.now());
        pass.done += page.records.len() as u64;
        pass.total = page.total.or(pass.total);
        pass.newest = pass.newest.max(page.records.iter().filter_map(|record| record.updated).max());
        pass.cursor.clone_from(&page.next);
        let (more, began_at) = (page.next.is_some(), pass.began_at);
        if !more {
            state.end();
        }
        let (object, records) = (self.object, page.records);
        self.means
            .store
            .write(move |view| {
                let mut changes = Changes::new(seen_in_twenty());
                for record in records {
                    see(view, &mut changes, object, &record, asked_at)?;
                }
                // What was asked for after the pass began stays asked for.
                let stored = view.ledger().sync_state(ConnectionId::TWENTY, object)?;
                state.asked_at = stored.asked_at.filter(|at| *at > began_at);
                put_state(&mut changes, object, &state)?;
                Ok::<_, Fail<()>>((changes, ()))
            })
            .await?;
        self.failures = 0;
        Ok(if more {
            Next::Again
        } else {
            Next::Wait(self.means.world.now().plus_millis(self.means.sync_every_ms))
        })
    }

    async fn failed(&mut self, trouble: Trouble) -> Result<Next, WriteError<()>> {
        self.means.gate.learn(&trouble);
        let wait = self.later();
        // Its limit on calls is no trouble: we wait as told.
        if matches!(trouble, Trouble::Later { limit: true, .. }) {
            return Ok(wait);
        }
        let (object, told) = (self.object, plain(&trouble));
        self.means
            .store
            .write(move |view| {
                let mut state = view.ledger().sync_state(ConnectionId::TWENTY, object)?;
                let mut changes = Changes::new(seen_in_twenty());
                if state.trouble.as_ref() != Some(&told) {
                    state.trouble = Some(told);
                    put_state(&mut changes, object, &state)?;
                }
                Ok::<_, Fail<()>>((changes, ()))
            })
            .await?;
        Ok(wait)
    }
}

fn seen_in_twenty() -> Cause {
    Cause { actor: Actor::Connection(ConnectionId::TWENTY), why: "Seen in Twenty".into(), request_id: None }
}

fn put_state(changes: &mut Changes, object: Object, state: &SyncState) -> Result<(), StoreError> {
    let mut slot = ConnectionId::TWENTY.0.to_be_bytes().to_vec();
    slot.extend_from_slice(&object.number().to_be_bytes());
    changes.working(Working::Sync, &slot, Some(state))
}

/// Takes a record into the mirror as Twenty told it when asked at `asked_at`. The mirror never goes back in time:
/// what was stored after we asked (by another pass, or by the answer to our own write) and is newer there stays.
/// Times of change alone do not decide, since other programs may write them.
pub(super) fn see(
    view: &View<'_>,
    changes: &mut Changes,
    object: Object,
    record: &RawRecord,
    asked_at: Instant,
) -> Result<(), StoreError> {
    let key = SubjectKey::twenty(object, record.id);
    let known = view.ledger().record_of(&key)?.filter(|known| known.recorded > asked_at);
    let known_at = known.and_then(|known| serde_json::from_str::<RecordHead>(&known.value).ok()?.updated());
    if known_at.zip(record.updated).is_none_or(|(known, told)| told >= known) {
        changes.seen(key, record.json.clone(), record.deleted, record.updated);
    }
    Ok(())
}

/// What people read about a trouble.
pub(super) fn plain(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Later { said, limit: false, .. } => {
            format!("Twenty does not answer ({said}). Trying again.")
        }
        Trouble::Later { limit: true, .. } => {
            "Twenty allows no more calls for the moment. Going on as soon as it does.".into()
        }
        Trouble::Denied(said) => format!(
            "Twenty does not accept our key or does not allow this ({said}). Check the API key and its role."
        ),
        Trouble::Refused(said) | Trouble::Clash(said) => format!("Twenty refused the request ({said})."),
        Trouble::Gone(said) => format!(
            "Twenty does not have what was asked for ({said}). Check that the workspace has the object."
        ),
        Trouble::Broken(said) => format!("{said}. Nothing was changed here; see the log."),
    }
}
