//! The process run: what it does next, and what each outcome does to it.
//!
//! The run takes no input. Its next step follows from stored state alone, so that the path after a crash is
//! the ordinary path: whatever may have arrived is probed, what certainly has not is sent, then new rows are
//! leased, then the run ends.

use serde::{Deserialize, Serialize};

use super::donor_match::{MatchOutcome, MatchTally};
use super::id::{BatchId, RunId, StagedId};
use super::outbox::{Arrival, Message};
use super::time::Instant;

/// Records per call that Twenty's documentation allows, and the comfortable batch of domain 8: what is sent unless
/// somebody set more.
pub const CHUNK: usize = 60;
/// Records per call that the server takes (contract 1.6); as many ids keep an address under 16 KB (contract 1.4).
pub const CHUNK_MAX: usize = 200;

/// Outcomes shown with a run.
const RECENT_MAX: usize = 20;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunStatus {
    /// Asked for.
    Queued,
    /// At work.
    Running,
    /// Ended, every attempted row posted.
    Completed,
    /// Ended, some rows were not posted.
    CompletedWithErrors,
    /// Stopped, since going on would not be safe or possible.
    Failed,
    /// Stopped by a person; what was not sent yet is ready as before.
    Cancelled,
}

impl RunStatus {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::CompletedWithErrors => "completed_with_errors",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the run has work to do.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

/// A run that posts the ready rows of one batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessRun {
    /// Our id.
    pub id: RunId,
    /// The batch.
    pub batch: BatchId,
    /// Where it stands.
    pub status: RunStatus,
    /// At most so many rows.
    pub max_rows: Option<u32>,
    /// When it was asked for.
    pub queued_at: Instant,
    /// When it began.
    pub started_at: Option<Instant>,
    /// When it ended.
    pub finished_at: Option<Instant>,
    /// What a person should know about it now.
    pub note: Option<String>,
    /// Rows in the batch when it began.
    pub rows: u64,
    /// Rows by outcome.
    pub tally: Tally,
    /// How it worked.
    pub execution: Execution,
    /// The newest outcomes, newest first.
    pub recent: Vec<RowOutcome>,
    /// The next group number.
    pub next_group: u32,
    /// The request that asked for it.
    pub request_id: Option<String>,
    /// What a person wants of it.
    #[serde(default)]
    pub wish: Wish,
    /// The one row it is about; the whole batch when there is none.
    #[serde(default)]
    pub only: Option<StagedId>,
    /// What it does.
    #[serde(default)]
    pub kind: RunKind,
    /// Rows by what was found of their donors.
    #[serde(default)]
    pub matches: MatchTally,
    /// The last row that has an outcome, where rows are gone through in the order of their ids.
    #[serde(default)]
    pub cursor: Option<StagedId>,
    /// Chosen rows, in the order in which they are leased.
    #[serde(default)]
    pub wanted: Vec<StagedId>,
}

/// What a run does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunKind {
    /// Posts the ready rows of a batch.
    #[default]
    Process,
    /// Looks for the donors of its undecided rows.
    DonorMatch,
    /// Makes the donors of chosen rows in Twenty.
    CreateDonors,
}

impl RunKind {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Process => "process-batch",
            Self::DonorMatch => "donor-match",
            Self::CreateDonors => "create-donors",
        }
    }
}

/// What a person wants of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// Work.
    #[default]
    Go,
    /// Send nothing until told to go on. What may have arrived is still looked for.
    Pause,
    /// Send nothing more, look for what may have arrived, give the rest back, and end.
    Cancel,
}

impl Wish {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Pause => "pause",
            Self::Cancel => "cancel",
        }
    }
}

/// Rows by outcome. Counters advance only in the commit that stores the outcome (domain 4.13, invariant 10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Rows leased by this run.
    pub leased: u64,
    /// Rows with an outcome.
    pub attempted: u64,
    /// Posted.
    pub processed: u64,
    /// Not tried.
    pub deferred: u64,
    /// Tried, did not work.
    pub errors: u64,
}

/// How a run worked (domain 3.4, `execution`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Create calls made.
    pub calls: u64,
    /// Probes made.
    pub probes: u64,
    /// Groups halved.
    pub splits: u64,
    /// Rows posted in a call with others.
    pub batch_path_processed: u64,
    /// Rows posted in a call of their own after a split.
    pub row_fallback_processed: u64,
    /// Rows that failed in a call of their own after a split.
    pub row_fallback_errors: u64,
}

/// What became of one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowOutcome {
    /// Which row.
    pub row: StagedId,
    /// Whether its gift is in Twenty.
    pub posted: bool,
    /// Why not.
    pub reason: Option<String>,
    /// When this was stored.
    pub at: Instant,
    /// What was found of its donor, where that was the question.
    #[serde(default)]
    pub outcome: Option<MatchOutcome>,
}

/// What a run does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask Twenty which of these exist.
    Probe(Vec<Message>),
    /// Send this group, which certainly is not there.
    Send(Vec<Message>),
    /// Lease these rows and send them.
    Lease(Vec<StagedId>),
    /// Give back what certainly was not sent, and end: a person stopped the run.
    GiveBack,
    /// Nothing until a person says so.
    Rest,
    /// End.
    Finish,
}

/// Decides the next step from stored state: the run's open messages and the batch's ready rows. A call holds at most
/// `chunk` of them.
pub fn next_step(run: &ProcessRun, messages: &[Message], ready: &[StagedId], chunk: usize) -> Step {
    let unknown = messages.iter().filter(|m| m.arrival == Arrival::Unknown);
    if let Some(first) = unknown.clone().next() {
        // One call looks among the records of one object.
        let alike = unknown.filter(|m| m.first.is_some() == first.first.is_some());
        return Step::Probe(alike.take(chunk).cloned().collect());
    }
    match run.wish {
        Wish::Cancel => return Step::GiveBack,
        Wish::Pause => return Step::Rest,
        Wish::Go => {}
    }
    // New donors go before all gifts, so that the gifts of a group travel together.
    if let Some(next) = messages.iter().min_by_key(|m| (m.first.is_none(), m.group)) {
        let together = |m: &&Message| m.group == next.group && m.first.is_some() == next.first.is_some();
        return Step::Send(messages.iter().filter(together).cloned().collect());
    }
    let room = run.max_rows.map_or(u64::MAX, |max| u64::from(max).saturating_sub(run.tally.leased));
    let take = usize::try_from(room).unwrap_or(usize::MAX).min(chunk);
    match ready.iter().copied().take(take).collect::<Vec<_>>() {
        rows if rows.is_empty() => Step::Finish,
        rows => Step::Lease(rows),
    }
}

/// A group halved after a refusal of data: two groups of messages that certainly are not there.
/// `None` for a single message: it has no halves, its row gets the refusal.
pub fn halved(mut group: Vec<Message>, next_group: u32) -> Option<Vec<Message>> {
    if group.len() < 2 {
        return None;
    }
    let middle = group.len() / 2;
    for (i, message) in group.iter_mut().enumerate() {
        message.arrival = Arrival::NotSent;
        // Each half begins anew: what was learned of the whole says nothing of it.
        message.clash_probed = false;
        message.misses = 0;
        message.group = if i < middle { next_group } else { next_group + 1 };
    }
    Some(group)
}

impl ProcessRun {
    /// A run asked for at `now`.
    pub fn queued(id: RunId, batch: BatchId, max_rows: Option<u32>, now: Instant) -> Self {
        Self {
            id,
            batch,
            status: RunStatus::Queued,
            max_rows,
            queued_at: now,
            started_at: None,
            finished_at: None,
            note: None,
            rows: 0,
            tally: Tally::default(),
            execution: Execution::default(),
            recent: Vec::new(),
            next_group: 1,
            request_id: None,
            wish: Wish::Go,
            only: None,
            kind: RunKind::Process,
            matches: MatchTally::default(),
            cursor: None,
            wanted: Vec::new(),
        }
    }

    /// The run at work.
    pub fn start(&mut self, rows: u64, now: Instant) {
        self.status = RunStatus::Running;
        self.started_at = Some(self.started_at.unwrap_or(now));
        self.rows = rows;
    }

    /// A new group number.
    pub fn take_groups(&mut self, count: u32) -> u32 {
        let first = self.next_group;
        self.next_group += count;
        first
    }

    /// A row's gift is in Twenty. `alone`: it travelled in a call of its own after a split.
    pub fn row_posted(&mut self, row: StagedId, alone: bool, now: Instant) {
        self.tally.attempted += 1;
        self.tally.processed += 1;
        let counter = if alone {
            &mut self.execution.row_fallback_processed
        } else {
            &mut self.execution.batch_path_processed
        };
        *counter += 1;
        self.remember(RowOutcome { row, posted: true, reason: None, at: now, outcome: None });
    }

    /// A row was tried and did not work.
    pub fn row_failed(&mut self, row: StagedId, alone: bool, reason: String, now: Instant) {
        self.tally.attempted += 1;
        self.tally.errors += 1;
        self.execution.row_fallback_errors += u64::from(alone);
        self.remember(RowOutcome { row, posted: false, reason: Some(reason), at: now, outcome: None });
    }

    /// The run ends; `untried` rows of the batch were left as they are.
    pub fn finish(&mut self, untried: u64, now: Instant) {
        self.tally.deferred = untried;
        self.tally.attempted += untried;
        let clean = self.tally.errors == 0 && untried == 0;
        self.status = if clean { RunStatus::Completed } else { RunStatus::CompletedWithErrors };
        self.finished_at = Some(now);
        self.note = None;
    }

    /// The run ends since a person stopped it; `untried` rows are left as they are.
    pub fn cancel(&mut self, untried: u64, now: Instant) {
        self.finish(untried, now);
        self.status = RunStatus::Cancelled;
    }

    /// The run stops for good.
    pub fn fail(&mut self, note: String, now: Instant) {
        self.status = RunStatus::Failed;
        self.finished_at = Some(now);
        self.note = Some(note);
    }

    pub(super) fn remember(&mut self, outcome: RowOutcome) {
        self.recent.insert(0, outcome);
        self.recent.truncate(RECENT_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::id::GiftId;
    use crate::ground::money::Money;
    use crate::ground::outbox::Expected;
    use uuid::Uuid;

    fn run() -> ProcessRun {
        ProcessRun::queued(RunId(Uuid::from_u128(1)), BatchId(Uuid::from_u128(2)), None, Instant(0))
    }

    fn message(n: u128, group: u32, arrival: Arrival) -> Message {
        Message {
            run: run().id,
            row: StagedId(Uuid::from_u128(n)),
            key: GiftId(Uuid::from_u128(n)),
            group,
            arrival,
            clash_probed: false,
            misses: 0,
            body: String::new(),
            expected: Expected {
                amount: Money { micros: 1, currency: crate::ground::money::Currency::GBP },
                gift_date: None,
                donor: None,
                company: None,
            },
            first: None,
        }
    }

    fn rows(n: u128) -> Vec<StagedId> {
        (0..n).map(|i| StagedId(Uuid::from_u128(i))).collect()
    }

    #[test]
    fn what_may_have_arrived_is_probed_before_anything_else() {
        let messages = [message(1, 1, Arrival::NotSent), message(2, 2, Arrival::Unknown)];
        assert_eq!(next_step(&run(), &messages, &rows(5), CHUNK), Step::Probe(vec![messages[1].clone()]));
        let known = [
            message(1, 2, Arrival::NotSent),
            message(2, 1, Arrival::NotSent),
            message(3, 1, Arrival::NotSent),
        ];
        assert_eq!(
            next_step(&run(), &known, &rows(5), CHUNK),
            Step::Send(vec![known[1].clone(), known[2].clone()])
        );
        assert_eq!(next_step(&run(), &[], &rows(5), CHUNK), Step::Lease(rows(5)));
        assert_eq!(next_step(&run(), &[], &[], CHUNK), Step::Finish);
    }

    #[test]
    fn a_call_holds_sixty_or_as_set_and_a_run_no_more_than_asked() {
        assert_eq!(next_step(&run(), &[], &rows(100), CHUNK), Step::Lease(rows(60)));
        assert_eq!(next_step(&run(), &[], &rows(300), CHUNK_MAX), Step::Lease(rows(200)));
        let mut capped = run();
        capped.max_rows = Some(10);
        capped.tally.leased = 7;
        assert_eq!(next_step(&capped, &[], &rows(100), CHUNK), Step::Lease(rows(3)));
        capped.tally.leased = 10;
        assert_eq!(next_step(&capped, &[], &rows(100), CHUNK), Step::Finish);
    }

    #[test]
    fn halving_ends_at_one() {
        let group: Vec<_> = (1..=3).map(|n| message(n, 1, Arrival::Unknown)).collect();
        let halves = halved(group, 7).unwrap();
        assert_eq!(halves.iter().map(|m| m.group).collect::<Vec<_>>(), [7, 8, 8]);
        assert!(halves.iter().all(|m| m.arrival == Arrival::NotSent));
        assert_eq!(halved(vec![message(1, 1, Arrival::Unknown)], 9), None);
    }

    #[test]
    fn at_the_end_attempted_is_processed_and_deferred_and_errors() {
        let mut run = run();
        run.start(4, Instant(1));
        run.row_posted(rows(1)[0], false, Instant(2));
        run.row_failed(rows(2)[1], true, "no".into(), Instant(3));
        run.finish(2, Instant(4));
        let t = run.tally;
        assert_eq!(t.attempted, t.processed + t.deferred + t.errors);
        assert_eq!(run.status, RunStatus::CompletedWithErrors);
        assert_eq!(run.recent.len(), 2);
        assert!(!run.recent[0].posted);
    }
}
