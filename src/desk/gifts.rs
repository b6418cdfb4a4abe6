//! Taking gifts in and reviewing them (domain 3.3).

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::links::led_on;
use super::made::needs_its_donor_again;
use super::posting::meant;
use super::{Asked, Desk, Refusal};
use uuid::Uuid;

use crate::ground::coding::{Coding, CodingEdit};
use crate::ground::id::{BatchId, EvidenceId, Object, Origin, Seq, StagedId, SubjectKey, local_id};
use crate::ground::intake::{FieldError, Intake};
use crate::ground::journal::SubjectState;
use crate::ground::patch::Patch;
use crate::ground::replay::{Replay, ReplayKey, judge};
use crate::ground::settings::GIFT_STAGING;
use crate::ground::staging::{DonorEdit, Progress, RowEdit, StagedRow};
use crate::ground::time::{CalendarDate, Instant};
use crate::store::{Changes, Fail, StoreError, View, Working};

/// One delivery as it came; a subject of its own, so that an erasure reaches it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Our id.
    pub id: EvidenceId,
    /// The row it led to.
    pub row: StagedId,
    /// When it came.
    pub received_at: Instant,
    /// How it came.
    pub channel: String,
    /// Its text, untouched.
    pub body: String,
}

/// A delivery to take in.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What it says.
    pub intake: Intake,
    /// Its text, untouched.
    pub body: String,
    /// The `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The row.
    pub row: StagedId,
    /// Whether this delivery made it.
    pub created: bool,
}

/// A replay key that is taken.
#[derive(Serialize, Deserialize)]
pub(super) struct Claim {
    /// The row it made.
    pub(super) row: StagedId,
    /// The hash of what was delivered.
    body: [u8; 32],
}

/// The claim without the hash of what was delivered.
pub(super) fn forget_body(claim: &Claim) -> Claim {
    Claim { row: claim.row, body: [0; 32] }
}

/// What a reviewer wants of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It is right: go.
    Ready,
    /// A person must look (again).
    Review,
    /// Set it aside.
    Discard,
}

impl Desk {
    /// Takes a delivery in: once, whoever delivers it how often.
    pub async fn take_in(&self, asked: &Asked, delivery: Delivery) -> Result<Taken, Refusal> {
        if !self.staging_enabled {
            return Err(Refusal::StagingDisabled);
        }
        let caller = asked.caller.replay_scope();
        let keys = delivery
            .intake
            .replay_keys(delivery.idempotency_key.as_deref().map(|key| (caller.as_str(), key)));
        let cause = asked.cause("Taken in");
        let (_, taken) = self
            .store
            .write(move |view| {
                if !view.ledger().settings()?.is_on(GIFT_STAGING) {
                    return Err(Refusal::StagingDisabled.into());
                }
                let body = *blake3::hash(delivery.body.as_bytes()).as_bytes();
                let mut changes = Changes::new(cause);
                let known = known_claim(view, &keys)?;
                if let Some((_, claim)) = &known
                    && view.ledger().staged(claim.row)?.is_none()
                {
                    return Err(Refusal::Erased.into());
                }
                let taken = match known.map(|(key, claim)| (judge(key, claim.body == body), claim.row)) {
                    Some((Replay::KeyReused, _)) => return Err(Refusal::KeyReused.into()),
                    Some((Replay::Same, row)) => {
                        // Keys that came with it for the first time are its keys from now on.
                        claim_all(view, &mut changes, &keys, &Claim { row, body })?;
                        return Ok((changes, Taken { row, created: false }));
                    }
                    Some((Replay::MoreEvidence, row)) => Taken { row, created: false },
                    None => Taken { row: stage(view, &mut changes, &delivery.intake)?, created: true },
                };
                keep_evidence(view, &mut changes, taken.row, delivery)?;
                claim_all(view, &mut changes, &keys, &Claim { row: taken.row, body })?;
                Ok((changes, taken))
            })
            .await?;
        Ok(taken)
    }

    /// Changes a row. `version` is the entry the reviewer saw.
    pub async fn edit_row(
        &self,
        asked: &Asked,
        id: StagedId,
        edit: RowEdit,
        version: Option<Seq>,
    ) -> Result<(), Refusal> {
        let cause = asked.cause("Edited");
        self.store
            .write(move |view| {
                let joins = match edit.batch {
                    Patch::Set(batch) => Some(defaults_of(view, batch)?),
                    Patch::Keep | Patch::Clear => None,
                };
                all_there(view, &edit)?;
                let edit = RowEdit { donor: whole(view, edit.donor)?, ..edit };
                let row = row_at(view, id, version)?.edited(edit)?;
                let row = match joins {
                    Some(defaults) => row.with_defaults(&defaults),
                    None => row,
                };
                let mut changes = Changes::new(cause);
                changes.update(Object::GiftStaging, id.0, &row)?;
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }

    /// Marks a row.
    pub async fn mark_row(
        &self,
        asked: &Asked,
        id: StagedId,
        mark: Mark,
        version: Option<Seq>,
    ) -> Result<(), Refusal> {
        let (today, cause) = (self.zone.date_of(self.world.now()), asked.cause(mark.words()));
        self.store
            .write(move |view| {
                let mut changes = Changes::new(cause);
                let row = marked(view, &mut changes, row_at(view, id, version)?, (mark, today))?;
                changes.update(Object::GiftStaging, id.0, &row)?;
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }

    /// Marks many rows in one commit, each by itself: what became of each.
    pub async fn mark_rows(
        &self,
        asked: &Asked,
        ids: Vec<StagedId>,
        mark: Mark,
    ) -> Result<Vec<(StagedId, Result<(), Refusal>)>, Refusal> {
        let (today, cause) = (self.zone.date_of(self.world.now()), asked.cause(mark.words()));
        let (_, told) = self
            .store
            .write(move |view| {
                let mut changes = Changes::new(cause);
                let mut told: Vec<(StagedId, Result<(), Refusal>)> = Vec::with_capacity(ids.len());
                let mut seen = HashSet::new();
                for id in ids.into_iter().filter(|id| seen.insert(*id)) {
                    let row = row_at(view, id, None);
                    match row.and_then(|row| marked(view, &mut changes, row, (mark, today))) {
                        Ok(row) => {
                            changes.update(Object::GiftStaging, id.0, &row)?;
                            told.push((id, Ok(())));
                        }
                        Err(Fail::Refused(refusal)) => told.push((id, Err(refusal))),
                        Err(Fail::Store(error)) => return Err(error.into()),
                    }
                }
                Ok::<_, Fail<Refusal>>((changes, told))
            })
            .await?;
        Ok(told)
    }
}

impl Mark {
    /// What the journal says.
    const fn words(self) -> &'static str {
        match self {
            Self::Ready => "Marked ready",
            Self::Review => "Put back to review",
            Self::Discard => "Discarded",
        }
    }
}

/// The row as marked, or why it cannot be.
fn marked(
    view: &View<'_>,
    changes: &mut Changes,
    row: StagedRow,
    (mark, today): (Mark, CalendarDate),
) -> Result<StagedRow, Fail<Refusal>> {
    Ok(match mark {
        Mark::Ready => {
            let ledger = view.ledger();
            let around = ledger.around(&row, &ledger.settings()?, view.world.now())?;
            row.marked_ready(today, &around)?
        }
        Mark::Review if matches!(row.progress, Progress::Discarded) => {
            needs_its_donor_again(view, changes, row.back_to_review()?)?
        }
        Mark::Review => row.back_to_review()?,
        Mark::Discard => row.discarded()?,
    })
}

/// The row, if it is still the one the reviewer saw.
pub(super) fn row_at(
    view: &View<'_>,
    id: StagedId,
    version: Option<Seq>,
) -> Result<StagedRow, Fail<Refusal>> {
    let record = view.ledger().staged(id)?.ok_or(Refusal::NotFound("gift"))?;
    if version.is_some_and(|version| version != record.seq) {
        return Err(Refusal::Changed.into());
    }
    Ok(record.value)
}

/// What fills the blanks of rows in this batch; a batch that is not there is the sender's mistake.
pub(super) fn defaults_of(view: &View<'_>, batch: BatchId) -> Result<Coding, Fail<Refusal>> {
    if let Some(batch) = view.ledger().batch(batch)? {
        return Ok(batch.value.defaults);
    }
    let message = "There is no such batch. Choose one from the list or leave it empty.".into();
    Err(Refusal::Invalid(vec![FieldError { field: "giftBatchId".into(), message }]).into())
}

/// Whatever a reviewer chooses is a record of the mirror, or they are told now and not when the gift is sent.
fn all_there(view: &View<'_>, edit: &RowEdit) -> Result<(), Fail<Refusal>> {
    let donor = match edit.donor {
        DonorEdit::Choose(person) => Some(person.0),
        _ => None,
    };
    let company = match edit.company {
        Patch::Set(company) => Some(company.0),
        Patch::Keep | Patch::Clear => None,
    };
    let chosen = [("donorId", Object::People, donor), ("companyId", Object::Companies, company)];
    codes_there(view, &edit.coding, chosen.into_iter())
}

/// Whoever is chosen by an id that was merged or linked is the person it stands for.
fn whole(view: &View<'_>, donor: DonorEdit) -> Result<DonorEdit, StoreError> {
    match donor {
        DonorEdit::Choose(person) => Ok(DonorEdit::Choose(view.ledger().stands_for(person)?)),
        other => Ok(other),
    }
}

/// Whether the records that a coding names are in the mirror, and these others.
pub(super) fn codes_there(
    view: &View<'_>,
    coding: &CodingEdit,
    others: impl Iterator<Item = (&'static str, Object, Option<Uuid>)>,
) -> Result<(), Fail<Refusal>> {
    const fn set<T: Copy>(patch: &Patch<T>) -> Option<T> {
        match patch {
            Patch::Set(id) => Some(*id),
            Patch::Keep | Patch::Clear => None,
        }
    }
    let booked = [
        ("appealId", Object::Appeals, set(&coding.appeal).map(|id| id.0)),
        ("appealSourceId", Object::AppealSources, set(&coding.appeal_source).map(|id| id.0)),
        ("fundId", Object::Funds, set(&coding.fund).map(|id| id.0)),
        ("opportunityId", Object::Opportunities, set(&coding.opportunity).map(|id| id.0)),
        ("giftPayoutId", Object::GiftPayouts, set(&coding.payout).map(|id| id.0)),
        ("recurringAgreementId", Object::RecurringAgreements, set(&coding.agreement).map(|id| id.0)),
    ];
    let mut errors = Vec::new();
    for (field, object, id) in others.chain(booked) {
        let Some(id) = id else { continue };
        let record = view.ledger().record_of(&SubjectKey::twenty(object, id))?;
        if record.is_none_or(|record| !matches!(record.state, SubjectState::Live | SubjectState::Pending)) {
            let message = "There is no such record here. Choose one from the list; one made in Twenty just now appears within minutes.";
            errors.push(FieldError { field: field.into(), message: message.into() });
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Refusal::Invalid(errors).into()) }
}

fn slot(key: &ReplayKey) -> [u8; 32] {
    *blake3::hash(&key.bytes()).as_bytes()
}

fn known_claim<'k>(
    view: &View<'_>,
    keys: &'k [ReplayKey],
) -> Result<Option<(&'k ReplayKey, Claim)>, StoreError> {
    for key in keys {
        if let Some(claim) = view.ledger().working::<Claim>(Working::Replay, &slot(key))? {
            return Ok(Some((key, claim)));
        }
    }
    Ok(None)
}

/// Claims the keys that nobody has; a key keeps the delivery it came with first.
fn claim_all(
    view: &View<'_>,
    changes: &mut Changes,
    keys: &[ReplayKey],
    claim: &Claim,
) -> Result<(), StoreError> {
    for key in keys {
        if view.ledger().working::<Claim>(Working::Replay, &slot(key))?.is_none() {
            changes.working(Working::Replay, &slot(key), Some(claim))?;
        }
    }
    Ok(())
}

fn stage(view: &View<'_>, changes: &mut Changes, intake: &Intake) -> Result<StagedId, Fail<Refusal>> {
    let defaults = intake.batch.map(|batch| defaults_of(view, batch)).transpose()?;
    let origin: Origin = view.world.origin();
    let id = StagedId(local_id(Object::GiftStaging, origin));
    let row = StagedRow {
        id,
        origin,
        received_at: view.world.now(),
        amount: intake.amount,
        gift_date: intake.gift_date,
        evidence: intake.evidence.clone(),
        donor: if intake.auto_process == Some(true) { meant(view, intake)? } else { intake.donor },
        company: intake.company,
        payment_method: intake.payment_method,
        intent: intake.intent,
        notes: intake.notes.clone(),
        source: intake.source.clone(),
        batch: intake.batch,
        progress: Progress::Review,
        attempts: 0,
        coding: intake.coding,
        fees: intake.fees,
        expected_at: intake.expected_at,
        matched: None,
    };
    let row = match defaults {
        Some(defaults) => row.with_defaults(&defaults),
        None => row,
    };
    let row = led_on(view, changes, row)?;
    changes.create(Object::GiftStaging, id.0, &row)?;
    Ok(id)
}

fn keep_evidence(
    view: &View<'_>,
    changes: &mut Changes,
    row: StagedId,
    delivery: Delivery,
) -> Result<(), StoreError> {
    let id = EvidenceId(local_id(Object::Evidence, view.world.origin()));
    let evidence = Evidence {
        id,
        row,
        received_at: view.world.now(),
        channel: delivery.intake.source.intake,
        body: delivery.body,
    };
    changes.create(Object::Evidence, id.0, &evidence)
}
