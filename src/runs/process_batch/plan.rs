//! The dry run: composes what a run would send with the run's own code, and sends nothing.

use std::collections::BTreeSet;

use super::compose::{Basis, compose};
use super::{Means, Next, names_of};
use crate::ground::id::{BatchId, ConnectionId, RunId, StagedId};
use crate::ground::outbox::{Arrival, Message};
use crate::ground::plan::{Made, Plan, PlannedRequest};
use crate::ground::provision::usable;
use crate::ground::time::Instant;
use crate::rails::twenty::map::GIFT_NEEDS;
use crate::rails::twenty::{create_request, probe_path};
use crate::runs::connection;
use crate::store::{Changes, Ledger, StoreError, Working};

/// Rows that one plan covers: more are processed all the same, but nobody reads their requests.
const ROWS_MAX: usize = 10_000;
/// Pause after a failure of the store, in milliseconds.
const PAUSE_MS: i64 = 1_000;

/// Makes plans that somebody asked for.
pub struct Planner {
    means: Means,
}

impl Planner {
    /// A planner.
    pub const fn new(means: Means) -> Self {
        Self { means }
    }

    /// Makes one plan, if one is asked for. No call.
    pub async fn step(&mut self) -> Next {
        match self.try_step().await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(event = "dry_run_failed", %error);
                Next::Wait(self.means.world.now().plus_millis(PAUSE_MS))
            }
        }
    }

    async fn try_step(&self) -> Result<Next, StoreError> {
        let now = self.means.world.now();
        let Some((batch, asked, made)) = self.made(now)? else { return Ok(Next::Idle) };
        let written = self.means.store.write::<_, (), _>(move |view| {
            let mut changes = Changes::new(super::commits::system("Dry run"));
            // Whoever asked waits for a commit that is told.
            changes.ask();
            // A newer question is answered by the next step.
            let slot = *batch.0.as_bytes();
            let plan: Option<Plan> = view.ledger().working_text(Working::Plan, &slot)?;
            if plan.is_some_and(|plan| plan.asked == asked) {
                changes.working_text(Working::Plan, &slot, Some(&Plan { asked, made: Some(made) }))?;
            }
            Ok((changes, ()))
        });
        written.await.map(|_| Next::Again).map_err(|error| match error {
            crate::store::WriteError::Store(error) => error,
            crate::store::WriteError::Refused(()) => StoreError::Moved,
        })
    }

    fn made(&self, now: Instant) -> Result<Option<(BatchId, u64, Made)>, StoreError> {
        let snapshot = self.means.store.snapshot()?;
        let ledger = snapshot.ledger();
        let open = ledger.working_texts::<Plan>(Working::Plan)?;
        let open = open.into_iter().filter(|(_, plan)| plan.made.is_none());
        for (slot, plan) in open {
            let Ok(id) = uuid::Uuid::from_slice(&slot) else { continue };
            let made = self.compose(&ledger, BatchId(id), now)?;
            return Ok(Some((BatchId(id), plan.asked, made)));
        }
        Ok(None)
    }

    fn compose(&self, ledger: &Ledger<'_>, batch: BatchId, now: Instant) -> Result<Made, StoreError> {
        let mut made = Made {
            at: now,
            requests: Vec::new(),
            rows: Vec::new(),
            refused: Vec::new(),
            millis: None,
            lacks: None,
        };
        let (connection, workspace) = (connection::load(ledger)?, ledger.workspace(ConnectionId::TWENTY)?);
        let (Some(connection), Some(schema)) = (connection, workspace.schema) else {
            made.lacks =
                Some("Twenty's objects and fields are not known yet. Wait for the first sync.".into());
            return Ok(made);
        };
        let lacking: Vec<&str> =
            GIFT_NEEDS.into_iter().filter(|field| !usable(&schema, "gifts", field)).collect();
        if !lacking.is_empty() {
            made.lacks = Some(format!("Twenty's gifts lack the field(s) {}.", lacking.join(", ")));
            return Ok(made);
        }
        let basis = Basis { ledger, key: connection.key, schema: &schema };
        let mut new_emails = BTreeSet::new();
        let ready = ledger.ready_rows(batch, ROWS_MAX)?;
        for lease in ready.chunks(self.means.settings.create_max) {
            let mut rows = Vec::with_capacity(lease.len());
            for id in lease {
                let Some(record) = ledger.staged(*id)? else { continue };
                made.rows.push((*id, record.seq));
                rows.push(record.value);
            }
            let composed = compose(basis, RunId(uuid::Uuid::nil()), rows, 1, &mut new_emails)?;
            made.refused.extend(composed.refused.into_iter().map(|(row, reason)| (row.id, reason)));
            let sent: Vec<(Message, u32)> =
                composed.sent.into_iter().map(|(row, message)| (message, row.attempts)).collect();
            made.requests.extend(requests(sent));
        }
        let calls = u32::try_from(made.requests.len()).unwrap_or(u32::MAX);
        made.millis = Some(self.means.gate.forecast(calls).seconds * 1_000);
        Ok(made)
    }
}

/// The requests of one lease, in the order of the run: what was tried before is looked for, then donors, then gifts.
fn requests(sent: Vec<(Message, u32)>) -> Vec<PlannedRequest> {
    let mut requests = Vec::new();
    for donors in [true, false] {
        let tried = sent.iter().filter(|(message, attempts)| {
            *attempts > 1 && message.arrival == Arrival::Unknown && message.first.is_some() == donors
        });
        let tried: Vec<&Message> = tried.map(|(message, _)| message).collect();
        if !tried.is_empty() {
            let ids: Vec<uuid::Uuid> = tried.iter().map(|message| message.on_its_way()).collect();
            let owned: Vec<Message> = tried.iter().map(|message| (*message).clone()).collect();
            requests.push(PlannedRequest {
                method: "GET".into(),
                path: probe_path(&names_of(&owned), &ids),
                body: None,
                rows: rows_of(&owned),
            });
        }
    }
    let mut left: Vec<Message> = sent.into_iter().map(|(message, _)| message).collect();
    while let Some(next) = left.iter().map(|message| (message.first.is_none(), message.group)).min() {
        let (mut group, rest): (Vec<Message>, Vec<Message>) =
            left.into_iter().partition(|message| (message.first.is_none(), message.group) == next);
        let bodies: Vec<&str> = group.iter().map(Message::body_on_its_way).collect();
        let (path, body) = create_request(&names_of(&group), &bodies);
        requests.push(PlannedRequest {
            method: "POST".into(),
            path,
            body: Some(body),
            rows: rows_of(&group),
        });
        left = rest;
        // Once their donor is there, gifts follow with the group they belong to.
        let donors = group.iter().any(|message| message.first.is_some());
        if donors {
            left.extend(group.drain(..).map(Message::after_donor));
            left.sort_by_key(|message| message.row);
        }
    }
    requests
}

fn rows_of(messages: &[Message]) -> Vec<StagedId> {
    messages.iter().map(|message| message.row).collect()
}
