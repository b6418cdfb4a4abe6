//! A staged row: an inbound gift whose meaning is not settled yet.
//!
//! Inside, a row holds the orthogonal facts of domain 2.5 as types, so that "processed without a gift" cannot
//! be written down. The words of the older generation (`pending`, `ready_for_process`, …) are a view.

mod diagnose;

pub use diagnose::{Around, Diagnostics, Earlier, IdentityConfidence};

use serde::{Deserialize, Serialize};

use super::coding::{Coding, CodingEdit, Fees};
use super::donor_match::Matched;
use super::gift::{GiftIntent, PaymentMethod};
use super::id::{BatchId, CompanyId, GiftId, Origin, PersonId, RunId, StagedId};
use super::money::Money;
use super::patch::Patch;
use super::person::full_name;
use super::texts::Finding;
use super::time::{CalendarDate, Instant};

/// The source of batches made from ready rows of the queue.
pub const QUEUE_SOURCE: &str = "staging_queue";

/// A gift waiting to be posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedRow {
    /// Our id, derived from `origin`.
    pub id: StagedId,
    /// Random at intake; the gift's key in Twenty derives from it.
    pub origin: Origin,
    /// When it came in.
    pub received_at: Instant,
    /// How much.
    pub amount: Money,
    /// The day the donor gave.
    pub gift_date: Option<CalendarDate>,
    /// Who gave, as told.
    pub evidence: DonorEvidence,
    /// Who gave, as decided.
    pub donor: DonorDecision,
    /// The organisation that gave.
    pub company: Option<CompanyId>,
    /// How it was paid.
    pub payment_method: Option<PaymentMethod>,
    /// What kind of gift.
    pub intent: GiftIntent,
    /// A note for people.
    pub notes: Option<String>,
    /// Where it came from.
    pub source: Source,
    /// The batch it is in.
    pub batch: Option<BatchId>,
    /// How far it is.
    pub progress: Progress,
    /// How often it was handed to Twenty without a clear end. More than none means: look there first.
    pub attempts: u32,
    /// What it is booked to.
    #[serde(default)]
    pub coding: Coding,
    /// What the payment cost.
    #[serde(default)]
    pub fees: Fees,
    /// The day an instalment was expected.
    #[serde(default)]
    pub expected_at: Option<CalendarDate>,
    /// What a donor-match run found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<Matched>,
}

/// Who gave, in the sender's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DonorEvidence {
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// E-mail address, trimmed and lower-cased for comparing only when compared.
    pub email: Option<String>,
    /// The organisation's name as told.
    #[serde(default)]
    pub organisation: Option<String>,
    /// Whether the donor said not to be written to.
    #[serde(default)]
    pub email_opt_out: Option<bool>,
}

impl DonorEvidence {
    /// Whether first and last name are told: what a new donor needs.
    pub const fn is_full_name(&self) -> bool {
        self.first_name.is_some() && self.last_name.is_some()
    }

    /// First and last name joined.
    pub fn name(&self) -> Option<String> {
        full_name(self.first_name.as_deref(), self.last_name.as_deref())
    }
}

/// Who gave, as decided (`donorResolutionState` of domain 2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DonorDecision {
    /// Nobody has decided.
    Unreviewed,
    /// The sender named the person.
    GivenBySender(PersonId),
    /// A reviewer chose the person.
    Confirmed(PersonId),
    /// A reviewer said that this is somebody new: the person is made when the gift is posted.
    NewDonor,
    /// The person was made for this row, and stays bound to it whatever becomes of the gift.
    Created(PersonId),
    /// The donor is unknown on purpose.
    Anonymous,
}

impl DonorDecision {
    /// The person, when decided.
    pub const fn person(self) -> Option<PersonId> {
        match self {
            Self::Unreviewed | Self::NewDonor | Self::Anonymous => None,
            Self::GivenBySender(person) | Self::Confirmed(person) | Self::Created(person) => Some(person),
        }
    }

    /// The word of the later generation (`donorResolutionState`, domain 2.5).
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unreviewed | Self::Anonymous => "UNREVIEWED",
            Self::NewDonor => "NEW_DONOR",
            Self::GivenBySender(_) | Self::Confirmed(_) | Self::Created(_) => "CONFIRMED",
        }
    }
}

/// Where a row came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The channel: `manual_ui`, `api`, `csv_import`, a connector's name.
    pub intake: String,
    /// Given replay key.
    pub fingerprint: Option<String>,
    /// The donation's id at its source.
    pub external_id: Option<String>,
    /// Payment provider.
    pub provider: Option<String>,
    /// The provider's payment.
    pub provider_payment_id: Option<String>,
    /// The provider's event.
    pub provider_event_id: Option<String>,
}

/// How far a row is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// A person must look.
    Review,
    /// A person said go.
    Ready,
    /// A run holds it.
    Sending {
        /// Which run.
        run: RunId,
        /// The gift's id, chosen by us.
        gift: GiftId,
    },
    /// Twenty has the gift.
    Posted {
        /// The gift.
        gift: GiftId,
        /// When its arrival was stored.
        at: Instant,
    },
    /// It was tried and did not work.
    Failed {
        /// Why, in plain words.
        reason: String,
    },
    /// Set aside for good.
    Discarded,
}

impl Progress {
    /// The word of the older generation.
    pub const fn status(&self) -> Status {
        match self {
            Self::Review => Status::Pending,
            Self::Ready => Status::ReadyForProcess,
            Self::Sending { .. } => Status::Processing,
            Self::Failed { .. } => Status::ProcessFailed,
            Self::Posted { .. } => Status::Processed,
            Self::Discarded => Status::Discarded,
        }
    }
}

/// The five words of the older generation, and ours for a row set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Status {
    /// Awaiting review.
    Pending = 1,
    /// Reviewed.
    ReadyForProcess = 2,
    /// Held by a run.
    Processing = 3,
    /// Tried, did not work.
    ProcessFailed = 4,
    /// Posted.
    Processed = 5,
    /// Set aside.
    Discarded = 6,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::ReadyForProcess,
        Self::Processing,
        Self::ProcessFailed,
        Self::Processed,
        Self::Discarded,
    ];

    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::ReadyForProcess => "ready_for_process",
            Self::Processing => "processing",
            Self::ProcessFailed => "process_failed",
            Self::Processed => "processed",
            Self::Discarded => "discarded",
        }
    }

    /// The status of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// What a reviewer changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowEdit {
    /// How much; an amount can be corrected, not cleared.
    pub amount: Option<Money>,
    /// The day the donor gave.
    pub gift_date: Patch<CalendarDate>,
    /// Donor's first name as told.
    pub first_name: Patch<String>,
    /// Donor's last name as told.
    pub last_name: Patch<String>,
    /// Donor's e-mail as told.
    pub email: Patch<String>,
    /// Who gave.
    pub donor: DonorEdit,
    /// The organisation's name as told.
    pub organisation: Patch<String>,
    /// Whether the donor said not to be written to.
    pub email_opt_out: Patch<bool>,
    /// The organisation that gave.
    pub company: Patch<CompanyId>,
    /// What it is booked to.
    pub coding: CodingEdit,
    /// What was deducted.
    pub fee: Patch<Money>,
    /// The day an instalment was expected.
    pub expected_at: Patch<CalendarDate>,
    /// How it was paid.
    pub payment_method: Patch<PaymentMethod>,
    /// What kind of gift.
    pub intent: Option<GiftIntent>,
    /// A note.
    pub notes: Patch<String>,
    /// The batch.
    pub batch: Patch<BatchId>,
}

/// What a reviewer says about who gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DonorEdit {
    /// Nothing.
    #[default]
    Keep,
    /// It is open again.
    Undecide,
    /// This person.
    Choose(PersonId),
    /// Somebody new.
    New,
    /// Unknown on purpose.
    Anonymous,
}

impl DonorEdit {
    /// The decision after it. Who was chosen already stays chosen in the same way, and so does a person made for the
    /// row: `New` does not make a second one.
    const fn apply(self, decision: DonorDecision) -> DonorDecision {
        match self {
            Self::Keep => decision,
            Self::Undecide => DonorDecision::Unreviewed,
            Self::Choose(person) => match decision.person() {
                Some(chosen) if chosen.0.as_u128() == person.0.as_u128() => decision,
                _ => DonorDecision::Confirmed(person),
            },
            Self::New if matches!(decision, DonorDecision::Created(_)) => decision,
            Self::New => DonorDecision::NewDonor,
            Self::Anonymous => DonorDecision::Anonymous,
        }
    }
}

/// Why a row cannot be changed as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowRefusal {
    /// A run holds it.
    #[error("This gift is being sent to Twenty. Wait until Twenty has answered, then look again.")]
    BeingSent,
    /// It is posted.
    #[error("This gift is already in Twenty. Correct the gift there; the staged row stays as it was.")]
    AlreadyPosted,
    /// It was set aside.
    #[error("This row was discarded. Put it back to review first.")]
    Discarded,
    /// Blockers stand in the way.
    #[error("This row is not complete yet.")]
    Blocked(Vec<Finding>),
}

impl StagedRow {
    /// The word for where the row stands.
    pub const fn status(&self) -> Status {
        self.progress.status()
    }

    /// The gift, once there is one.
    pub const fn gift(&self) -> Option<GiftId> {
        match self.progress {
            Progress::Sending { gift, .. } | Progress::Posted { gift, .. } => Some(gift),
            _ => None,
        }
    }

    fn changeable(&self) -> Result<(), RowRefusal> {
        match self.progress {
            Progress::Sending { .. } => Err(RowRefusal::BeingSent),
            Progress::Posted { .. } => Err(RowRefusal::AlreadyPosted),
            Progress::Discarded => Err(RowRefusal::Discarded),
            Progress::Review | Progress::Ready | Progress::Failed { .. } => Ok(()),
        }
    }

    /// Whether editing is possible now.
    pub fn can_edit(&self) -> bool {
        self.changeable().is_ok()
    }

    /// The row after an edit. What a person judged (amount, date, donor, payment, coding) puts it back to review;
    /// a note or a batch does not. Typed names never unlink a chosen donor (domain 9, defect 26).
    pub fn edited(mut self, edit: RowEdit) -> Result<Self, RowRefusal> {
        self.changeable()?;
        let (before, told) = (self.judged(), self.evidence.clone());
        self.amount = edit.amount.unwrap_or(self.amount);
        self.intent = edit.intent.unwrap_or(self.intent);
        edit.gift_date.apply(&mut self.gift_date);
        edit.first_name.apply(&mut self.evidence.first_name);
        edit.last_name.apply(&mut self.evidence.last_name);
        edit.email.apply(&mut self.evidence.email);
        edit.organisation.apply(&mut self.evidence.organisation);
        edit.email_opt_out.apply(&mut self.evidence.email_opt_out);
        edit.payment_method.apply(&mut self.payment_method);
        edit.company.apply(&mut self.company);
        edit.fee.apply(&mut self.fees.processing);
        edit.expected_at.apply(&mut self.expected_at);
        edit.notes.apply(&mut self.notes);
        edit.batch.apply(&mut self.batch);
        self.coding = self.coding.edited(edit.coding);
        self.donor = edit.donor.apply(self.donor);
        if self.judged() != before {
            self.progress = Progress::Review;
        }
        if self.evidence != told {
            // What was found was found for another donor.
            self.matched = None;
        }
        Ok(self)
    }

    /// What a person judges. The typed names of a donor who is to be made are what will be made.
    fn judged(&self) -> impl PartialEq + use<> {
        let made_of = (self.donor == DonorDecision::NewDonor).then(|| self.evidence.clone());
        let money = (self.amount, self.fees, self.payment_method, self.intent);
        (money, self.gift_date, self.donor, self.company, self.coding, made_of)
    }

    /// The row with blanks of its coding filled from its batch's defaults. Nothing is judged by that: a ready row stays
    /// ready (domain 4.8.5).
    #[must_use]
    pub fn with_defaults(mut self, defaults: &Coding) -> Self {
        if self.can_edit() {
            self.coding = self.coding.filled(defaults);
        }
        self
    }

    /// The row marked ready, if nothing blocks it.
    pub fn marked_ready(mut self, today: CalendarDate, around: &Around) -> Result<Self, RowRefusal> {
        self.changeable()?;
        let blockers = self.diagnose(today, around).blockers;
        if !blockers.is_empty() {
            return Err(RowRefusal::Blocked(blockers));
        }
        self.progress = Progress::Ready;
        Ok(self)
    }

    /// The row back under review; also from discarded.
    pub fn back_to_review(mut self) -> Result<Self, RowRefusal> {
        match self.changeable() {
            Ok(()) | Err(RowRefusal::Discarded) => {
                self.progress = Progress::Review;
                Ok(self)
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// The row set aside.
    pub fn discarded(mut self) -> Result<Self, RowRefusal> {
        self.changeable()?;
        self.progress = Progress::Discarded;
        Ok(self)
    }

    /// The row held by a run. Counted as an attempt before anything is sent.
    pub fn leased(mut self, run: RunId, gift: GiftId) -> Option<Self> {
        (self.progress == Progress::Ready).then(|| {
            self.progress = Progress::Sending { run, gift };
            self.attempts += 1;
            self
        })
    }

    /// The row after Twenty confirmed its gift.
    #[must_use]
    pub fn posted(mut self, gift: GiftId, at: Instant) -> Self {
        self.progress = Progress::Posted { gift, at };
        self
    }

    /// The row whose new donor is in Twenty now.
    #[must_use]
    pub const fn with_created_donor(mut self, person: PersonId) -> Self {
        self.donor = DonorDecision::Created(person);
        self
    }

    /// The row held by a run that makes its donor: somebody new, as was chosen. Its gift is not on its way.
    #[must_use]
    pub fn held_for_donor(mut self, run: RunId, gift: GiftId) -> Self {
        self.donor = DonorDecision::NewDonor;
        self.progress = Progress::Sending { run, gift };
        self
    }

    /// The row back with people after its donor was made, or could not be.
    #[must_use]
    pub fn let_go(mut self) -> Self {
        self.progress = Progress::Review;
        self
    }

    /// The row given back by a run that was stopped before it was sent: as ready as it was.
    #[must_use]
    pub fn given_back(mut self) -> Self {
        self.progress = Progress::Ready;
        // Certainly never sent: what comes next need not look first.
        self.attempts = self.attempts.saturating_sub(1);
        self
    }

    /// The row after its posting failed.
    #[must_use]
    pub fn failed(mut self, reason: String) -> Self {
        self.progress = Progress::Failed { reason };
        self
    }
}

#[cfg(test)]
pub(crate) mod tests;
