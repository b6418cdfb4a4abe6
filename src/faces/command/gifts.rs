//! Takes a gift in, and has ready ones processed, at the command line of a running server.

use std::io::Write;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{CommandError, Hands, wait};
use crate::desk::gifts::{Delivery, Mark};
use crate::desk::plans::made;
use crate::desk::{Asked, Desk};
use crate::faces::http::{PlanView, RunView, intake};
use crate::ground::access::Caller;
use crate::ground::id::{BatchId, RunId};
use crate::ground::journal::Actor;
use crate::ground::plan::Made;
use crate::ground::run::{ProcessRun, RunStatus};

/// Cells of the bar.
const BAR: u64 = 30;

/// What is asked about gifts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum GiftsAsk {
    /// Take one in.
    Add {
        /// The gift as the API takes it (`POST /api/fundraising/gift-staging`).
        body: String,
        /// Makes repeated deliveries one.
        key: Option<String>,
        /// Mark it ready at once.
        ready: bool,
    },
    /// Post ready ones.
    Process {
        /// Of this batch; of none without it.
        batch: Option<BatchId>,
        /// At most so many.
        rows: Option<u32>,
        /// Only show what would be sent.
        dry_run: bool,
        /// Come back when the run has ended.
        wait: bool,
    },
}

impl GiftsAsk {
    /// Its name, as logs tell it.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Add { .. } => "gifts_add",
            Self::Process { .. } => "gifts_process",
        }
    }
}

/// How the answer is to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// Lines for a person.
    #[default]
    Text,
    /// Lines for a person at a terminal: progress is drawn over itself.
    Terminal,
    /// A line of JSON a step.
    Json,
}

/// Does it. Exit codes: 0 done, 1 some gifts were not posted or the run failed, 3 nothing would be sent.
pub(super) fn gifts(
    hands: &Hands<'_>,
    actor: &Actor,
    what: &GiftsAsk,
    look: Look,
    out: &mut dyn Write,
) -> Result<u8, CommandError> {
    let Hands::Server(desk) = hands else { return Err(CommandError::NeedsServer) };
    let Actor::OperatorUid(uid) = actor else { return Err(CommandError::NeedsServer) };
    let asked = Asked { caller: Caller::Operator(*uid), request_id: desk.world.uuid().to_string() };
    match what {
        GiftsAsk::Add { body, key, ready } => add(desk, &asked, (body, key.as_deref(), *ready), look, out),
        GiftsAsk::Process { batch, rows, dry_run: true, .. } => {
            let batch = batch.ok_or(CommandError::DryRunOfBatch)?;
            if rows.is_some() {
                return Err(CommandError::DryRunOfBatch);
            }
            plan(desk, &asked, batch, look, out)
        }
        GiftsAsk::Process { batch, rows, wait, .. } => {
            process(desk, &asked, (*batch, *rows, *wait), look, out)
        }
    }
}

fn add(
    desk: &Desk,
    asked: &Asked,
    (body, key, ready): (&str, Option<&str>, bool),
    look: Look,
    out: &mut dyn Write,
) -> Result<u8, CommandError> {
    let intake =
        intake(body.as_bytes(), "command_line").map_err(|problem| CommandError::Gift(problem.first()))?;
    let delivery = Delivery { intake, body: body.to_owned(), idempotency_key: key.map(str::to_owned) };
    let taken = wait(desk.take_in(asked, delivery))?;
    let marked = if ready { wait(desk.mark_row(asked, taken.row, Mark::Ready, None)).err() } else { None };
    let why = marked.map(|refusal| crate::faces::http::Problem::from(refusal).first());
    if look == Look::Json {
        let told = json!({ "id": taken.row.to_string(), "created": taken.created, "ready": ready && why.is_none(), "reason": why });
        writeln!(out, "{told}")?;
    } else {
        let known = if taken.created { "taken in" } else { "was taken in before" };
        writeln!(out, "Gift {} {known}.", taken.row)?;
        if let Some(why) = &why {
            writeln!(out, "It is not ready: {why}")?;
        }
    }
    Ok(u8::from(why.is_some()))
}

fn plan(
    desk: &Desk,
    asked: &Asked,
    batch: BatchId,
    look: Look,
    out: &mut dyn Write,
) -> Result<u8, CommandError> {
    let number = wait(desk.plan_batch(asked, batch))?;
    let made: Made = until(desk, |desk| Ok(made(&desk.store.snapshot()?.ledger(), batch, number)?))?;
    if look == Look::Json {
        writeln!(out, "{}", serde_json::to_string(&PlanView::new(number, made))?)?;
        return Ok(0);
    }
    if let Some(lacks) = &made.lacks {
        writeln!(out, "Nothing can be sent now: {lacks}")?;
        return Ok(1);
    }
    for request in &made.requests {
        writeln!(out, "{} {}  ({} gifts)", request.method, request.path, request.rows.len())?;
        if let Some(body) = &request.body {
            writeln!(out, "{body}")?;
        }
    }
    for (row, reason) in &made.refused {
        writeln!(out, "not sent: {row}: {reason}")?;
    }
    let minutes = made.millis.map(|millis| millis.div_ceil(60_000));
    let minutes = minutes.map_or_else(|| "unknown".to_owned(), |minutes| minutes.to_string());
    writeln!(out, "{} calls, minutes at today's limits: {minutes}. Nothing was sent.", made.requests.len())?;
    Ok(if made.requests.is_empty() { 3 } else { 0 })
}

fn process(
    desk: &Desk,
    asked: &Asked,
    (batch, rows, stay): (Option<BatchId>, Option<u32>, bool),
    look: Look,
    out: &mut dyn Write,
) -> Result<u8, CommandError> {
    let run = match batch {
        Some(batch) => wait(desk.process_batch(asked, batch, rows))?,
        None if rows.is_some() => return Err(CommandError::RowsOfBatch),
        None => wait(desk.process_ready(asked))?.1,
    };
    if !stay {
        let told = json!({ "runId": run.to_string() });
        if look == Look::Json {
            writeln!(out, "{told}")?;
        } else {
            writeln!(out, "Run {run} has begun.")?;
        }
        return Ok(0);
    }
    let run = follow(desk, run, look, out)?;
    let (tally, well) = (run.tally, run.status == RunStatus::Completed);
    if look == Look::Json {
        writeln!(out, "{}", serde_json::to_string(&RunView::from(run))?)?;
    } else {
        writeln!(out, "{}: {} posted, {} not posted.", run.status.word(), tally.processed, tally.errors)?;
        for outcome in run.recent.iter().filter(|outcome| !outcome.posted) {
            writeln!(out, "  {}: {}", outcome.row, outcome.reason.as_deref().unwrap_or("no reason given"))?;
        }
        if let Some(note) = run.note.as_deref().filter(|_| !well) {
            writeln!(out, "{note}")?;
        }
    }
    Ok(u8::from(!well))
}

/// Follows a run to its end and tells how far it is whenever that changed.
fn follow(desk: &Desk, id: RunId, look: Look, out: &mut dyn Write) -> Result<ProcessRun, CommandError> {
    let mut told = None;
    let run = until(desk, |desk| {
        let run = desk.store.snapshot()?.ledger().run(id)?.map(|record| record.value);
        let Some(run) = run else { return Ok(None) };
        let far = (run.tally.attempted, run.rows);
        if told != Some(far) && run.rows > 0 {
            told = Some(far);
            progress(&run, look, out)?;
        }
        Ok(Some(run).filter(|run| !run.status.is_active()))
    })?;
    if look == Look::Terminal && told.is_some() {
        writeln!(out)?;
    }
    Ok(run)
}

fn progress(run: &ProcessRun, look: Look, out: &mut dyn Write) -> Result<(), CommandError> {
    let (done, rows) = (run.tally.attempted, run.rows);
    match look {
        Look::Text => writeln!(out, "{done} of {rows}")?,
        Look::Json => {
            writeln!(out, "{}", json!({ "runId": run.id.to_string(), "attempted": done, "rows": rows }))?;
        }
        Look::Terminal => {
            write!(out, "\r{} {done} of {rows}", bar(done, rows))?;
        }
    }
    Ok(out.flush()?)
}

/// How far it is, drawn.
pub(super) fn bar(done: u64, all: u64) -> String {
    let full = usize::try_from((done * BAR).checked_div(all).unwrap_or(0).min(BAR)).unwrap_or(0);
    let rest = usize::try_from(BAR).unwrap_or(0) - full;
    format!("[{}{}]", "#".repeat(full), ".".repeat(rest))
}

/// Looks after every commit until there is something to see. Ends when the server stops.
fn until<T>(
    desk: &Desk,
    mut look: impl FnMut(&Desk) -> Result<Option<T>, CommandError>,
) -> Result<T, CommandError> {
    let mut commits = desk.store.watch();
    loop {
        if let Some(seen) = look(desk)? {
            return Ok(seen);
        }
        match commits.blocking_recv() {
            Err(tokio::sync::broadcast::error::RecvError::Closed) => return Err(CommandError::Stopping),
            Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_bar_is_as_long_as_it_is_and_never_overflows() {
        let full = |done, all| super::bar(done, all).matches('#').count();
        assert_eq!((full(0, 0), full(0, 9), full(3, 9), full(9, 9), full(10, 9)), (0, 0, 10, 30, 30));
        assert!([0, 5, 9].iter().all(|done| super::bar(*done, 9).len() == 32));
    }
}
