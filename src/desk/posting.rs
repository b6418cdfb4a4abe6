//! Posting one gift at somebody's wish: a reviewer's on one row, a sender's on what they just sent.

use super::batches::queue_row;
use super::gifts::row_at;
use super::{Asked, Desk, Refusal};
use crate::ground::id::{GiftId, RunId, StagedId};
use crate::ground::intake::{Intake, Trust};
use crate::ground::settings::AUTO_PROCESS;
use crate::ground::staging::{DonorDecision, Progress, RowRefusal, StagedRow};
use crate::store::{Changes, Fail, StoreError, View};

/// What comes of the wish to post one row (domain 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posting {
    /// This run does it.
    Run(RunId),
    /// It is in Twenty already; nothing was written.
    Posted(GiftId),
    /// A run holds it already.
    Locked(Option<RunId>),
    /// It waits for a person.
    NotReady,
}

impl Desk {
    /// Asks for one row to be posted, in its batch or in a new one of its own. One that failed is tried again directly, if
    /// nothing blocks it.
    pub async fn process_row(&self, asked: &Asked, id: StagedId) -> Result<Posting, Refusal> {
        self.post(asked, id, |row, _| !matches!(row.progress, Progress::Review | Progress::Discarded)).await
    }

    /// Whether the sender of a gift wants it posted at once: they say so, or the switch says so for them.
    pub fn wants_posting(&self, intake: &Intake) -> Result<bool, StoreError> {
        if let Some(asked) = intake.auto_process {
            return Ok(asked);
        }
        Ok(self.store.snapshot()?.ledger().settings()?.is_on(AUTO_PROCESS))
    }

    /// Posts what was just taken in, at its sender's wish: if it is complete, and its channel is trusted so far
    /// (domain 4.3). Somebody named in full whose address nobody has becomes a new donor.
    pub async fn post_taken(&self, asked: &Asked, id: StagedId) -> Result<Posting, Refusal> {
        self.post(asked, id, |row, trusted| row.progress != Progress::Discarded && trusted).await
    }

    async fn post(
        &self,
        asked: &Asked,
        id: StagedId,
        may: impl Fn(&StagedRow, bool) -> bool + Send + 'static,
    ) -> Result<Posting, Refusal> {
        let cause = asked.cause("Processing asked for");
        let name = format!("One gift, {}", self.zone.minute_of(self.world.now()));
        let today = self.zone.date_of(self.world.now());
        let (_, posting) = self
            .store
            .write(move |view| {
                let mut changes = Changes::new(cause);
                let row = row_at(view, id, None)?;
                match row.progress {
                    Progress::Posted { gift, .. } => return Ok((changes, Posting::Posted(gift))),
                    Progress::Sending { run, .. } => return Ok((changes, Posting::Locked(Some(run)))),
                    Progress::Review | Progress::Ready | Progress::Failed { .. } | Progress::Discarded => {}
                }
                let ledger = view.ledger();
                let around = ledger.around(&row, &ledger.settings()?, view.world.now())?;
                let identity = row.diagnose(today, &around).identity;
                if !may(&row, Trust::of(&row.source.intake).allows(identity)) {
                    return Ok((changes, Posting::NotReady));
                }
                let row = match row.progress {
                    Progress::Ready => row,
                    _ => match row.marked_ready(today, &around) {
                        Ok(row) => row,
                        Err(RowRefusal::Blocked(_)) => return Ok((changes, Posting::NotReady)),
                        Err(refusal) => return Err(refusal.into()),
                    },
                };
                match queue_row(view, &mut changes, row, name) {
                    Ok(run) => Ok((changes, Posting::Run(run))),
                    Err(Fail::Refused(Refusal::RunAtWork)) => Ok((changes, Posting::Locked(None))),
                    Err(fail) => Err(fail),
                }
            })
            .await?;
        Ok(posting)
    }
}

/// Whom a sender means who asks for their gift to be posted: somebody named in full, whose address nobody has, is new.
/// Nobody is matched (domain 4.8.4); where somebody has the address, a person decides.
pub(super) fn meant(view: &View<'_>, intake: &Intake) -> Result<DonorDecision, StoreError> {
    let open = intake.donor == DonorDecision::Unreviewed && !intake.intent.is_organisation();
    let email = intake.evidence.email.as_deref();
    if open && intake.evidence.is_full_name() {
        let known = email.is_some_and(|email| !email.trim().is_empty())
            && !view.ledger().people_by_email(email.unwrap_or_default())?.is_empty();
        if !known {
            return Ok(DonorDecision::NewDonor);
        }
    }
    Ok(intake.donor)
}
