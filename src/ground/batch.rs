//! A batch: a boundary of an operator's confidence, and a status that follows from its rows and its run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::coding::Coding;
use super::id::{BatchId, Origin};
use super::money::{Money, Totals};
use super::run::RunStatus;
use super::staging::{StagedRow, Status};
use super::time::Instant;

/// A batch of staged rows (domain 1.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Our id.
    pub id: BatchId,
    /// Random at creation.
    pub origin: Origin,
    /// Its name for people.
    pub name: String,
    /// Where its rows come from.
    pub source: String,
    /// When it was made.
    pub created_at: Instant,
    /// How many rows the sender counted.
    pub expected_count: Option<u32>,
    /// How much the sender summed up.
    pub expected_amount: Option<Money>,
    /// What fills the blanks of its rows (domain 4.8.5).
    #[serde(default)]
    pub defaults: Coding,
}

/// Where a batch stands (domain 2.2). Never stored: it follows from the rows and the newest run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchStatus {
    /// Nothing was processed yet.
    Open,
    /// A run is at work.
    Processing,
    /// Every row that counts is posted.
    Processed,
    /// A run ended and rows remain.
    ProcessedWithIssues,
    /// The newest run failed.
    ProcessFailed,
}

impl BatchStatus {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Processing => "processing",
            Self::Processed => "processed",
            Self::ProcessedWithIssues => "processed_with_issues",
            Self::ProcessFailed => "process_failed",
        }
    }
}

/// Counts and sums of a batch's rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchRows {
    /// How many rows stand where.
    pub by_status: BTreeMap<Status, u64>,
    /// Sums of the rows that count (not the discarded), by currency.
    pub totals: Totals,
}

impl BatchRows {
    /// Adds a row.
    pub fn add(&mut self, row: &StagedRow) {
        *self.by_status.entry(row.status()).or_default() += 1;
        if row.status() != Status::Discarded {
            self.totals.add(row.amount);
        }
    }

    /// Rows with this status.
    pub fn count(&self, status: Status) -> u64 {
        self.by_status.get(&status).copied().unwrap_or(0)
    }

    /// All rows.
    pub fn total(&self) -> u64 {
        self.by_status.values().sum()
    }

    /// The status of the batch, given its newest run.
    pub fn status(&self, newest_run: Option<RunStatus>) -> BatchStatus {
        let counted = self.total() - self.count(Status::Discarded);
        match newest_run {
            Some(RunStatus::Queued | RunStatus::Running) => BatchStatus::Processing,
            Some(RunStatus::Failed) => BatchStatus::ProcessFailed,
            Some(RunStatus::Completed | RunStatus::CompletedWithErrors | RunStatus::Cancelled)
                if counted == self.count(Status::Processed) =>
            {
                BatchStatus::Processed
            }
            Some(RunStatus::Completed | RunStatus::CompletedWithErrors | RunStatus::Cancelled) => {
                BatchStatus::ProcessedWithIssues
            }
            None => BatchStatus::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::staging::tests::row;

    #[test]
    fn the_status_follows_from_rows_and_run() {
        let mut rows = BatchRows::default();
        rows.add(&row());
        assert_eq!(rows.status(None), BatchStatus::Open);
        assert_eq!(rows.status(Some(RunStatus::Running)), BatchStatus::Processing);
        assert_eq!(rows.status(Some(RunStatus::Failed)), BatchStatus::ProcessFailed);
        assert_eq!(rows.status(Some(RunStatus::Completed)), BatchStatus::ProcessedWithIssues);
        let mut done = BatchRows::default();
        done.add(&row().posted(crate::ground::id::GiftId(uuid::Uuid::nil()), Instant(1)));
        done.add(&row().discarded().unwrap());
        assert_eq!(done.status(Some(RunStatus::Completed)), BatchStatus::Processed);
        assert_eq!(done.totals.iter().map(|(_, t)| t.rows).sum::<u64>(), 1);
    }
}
