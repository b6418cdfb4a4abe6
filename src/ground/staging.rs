//! A staged row: an inbound gift whose meaning is not settled yet.
//!
//! Inside, a row holds the orthogonal facts of domain 2.5 as types, so that "processed without a gift" cannot
//! be written down. The words of the older generation (`pending`, `ready_for_process`, …) are a view.

use serde::{Deserialize, Serialize};

use super::gift::{GiftIntent, PaymentMethod};
use super::id::{BatchId, CompanyId, GiftId, Origin, PersonId, RunId, StagedId};
use super::money::Money;
use super::patch::Patch;
use super::person::full_name;
use super::texts::{self, Finding};
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
}

impl DonorEvidence {
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
}

impl DonorDecision {
    /// The person, when decided.
    pub const fn person(self) -> Option<PersonId> {
        match self {
            Self::Unreviewed => None,
            Self::GivenBySender(person) | Self::Confirmed(person) => Some(person),
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

/// How sure the row is about its donor (domain 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityConfidence {
    /// The person was named.
    Explicit,
    /// Only names are known.
    Weak,
    /// Nothing is known.
    None,
}

impl IdentityConfidence {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Explicit => "explicit",
            Self::Weak => "weak",
            Self::None => "none",
        }
    }
}

/// What stands in the way of a row, and what may be worth a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    /// What must be cleared first, the most important one first.
    pub blockers: Vec<Finding>,
    /// What never blocks.
    pub warnings: Vec<Finding>,
    /// How sure the row is about its donor.
    pub identity: IdentityConfidence,
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
    /// The chosen person.
    pub donor: Patch<PersonId>,
    /// How it was paid.
    pub payment_method: Patch<PaymentMethod>,
    /// What kind of gift.
    pub intent: Option<GiftIntent>,
    /// A note.
    pub notes: Patch<String>,
    /// The batch.
    pub batch: Patch<BatchId>,
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

    /// Blockers, warnings and confidence (domain 1.15, 1.16, 4.2; the later generation's form).
    pub fn diagnose(&self, today: CalendarDate) -> Diagnostics {
        let organisation = self.intent.is_organisation();
        let findings = [
            (self.amount.micros <= 0, texts::AMOUNT_INVALID),
            (!self.amount.is_whole_minor(), texts::AMOUNT_TOO_FINE),
            (organisation && self.company.is_none(), texts::COMPANY_MISSING),
            (!organisation && self.donor.person().is_none(), texts::DONOR_REVIEW_REQUIRED),
            (self.gift_date.is_none(), texts::GIFT_DATE_MISSING),
            (self.payment_method.is_none(), texts::PAYMENT_TYPE_REQUIRED),
            (self.intent == GiftIntent::Recurring, texts::RECURRING_AGREEMENT_MISSING),
        ];
        let identity = self.identity();
        let cautions = [
            (self.gift_date.is_some_and(|date| date > today), texts::GIFT_DATE_FUTURE),
            (identity == IdentityConfidence::Weak, texts::IDENTITY_LOW_CONFIDENCE),
        ];
        let raised = |list: &[(bool, Finding)]| {
            list.iter().filter(|(is, _)| *is).map(|(_, finding)| *finding).collect()
        };
        Diagnostics { blockers: raised(&findings), warnings: raised(&cautions), identity }
    }

    fn identity(&self) -> IdentityConfidence {
        if self.donor.person().is_some() || self.company.is_some() {
            IdentityConfidence::Explicit
        } else if self.evidence.first_name.is_some() && self.evidence.last_name.is_some() {
            IdentityConfidence::Weak
        } else {
            IdentityConfidence::None
        }
    }

    /// The one main reason why the row is not posted yet; none when it is posted or set aside.
    pub fn main_reason(&self, today: CalendarDate) -> Option<Finding> {
        match &self.progress {
            Progress::Review => {
                Some(self.diagnose(today).blockers.first().copied().unwrap_or(texts::REVIEW_NEEDED))
            }
            Progress::Ready => Some(texts::READY),
            Progress::Sending { .. } => Some(texts::SENDING),
            // The failure's own words are the reason; the caller has them.
            Progress::Failed { .. } | Progress::Posted { .. } | Progress::Discarded => None,
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

    /// The row after an edit. What a person judged (amount, date, donor, payment) puts it back to review;
    /// a note or a batch does not. Typed names never unlink a chosen donor (domain 9, defect 26).
    pub fn edited(mut self, edit: RowEdit) -> Result<Self, RowRefusal> {
        self.changeable()?;
        let judged_again = edit.amount.is_some_and(|amount| amount != self.amount)
            || edit.gift_date.would_change(self.gift_date.as_ref())
            || edit.donor.would_change(self.donor.person().as_ref())
            || edit.payment_method.would_change(self.payment_method.as_ref())
            || edit.intent.is_some_and(|intent| intent != self.intent);
        self.amount = edit.amount.unwrap_or(self.amount);
        self.intent = edit.intent.unwrap_or(self.intent);
        edit.gift_date.apply(&mut self.gift_date);
        edit.first_name.apply(&mut self.evidence.first_name);
        edit.last_name.apply(&mut self.evidence.last_name);
        edit.email.apply(&mut self.evidence.email);
        edit.payment_method.apply(&mut self.payment_method);
        edit.notes.apply(&mut self.notes);
        edit.batch.apply(&mut self.batch);
        match edit.donor {
            Patch::Keep => {}
            Patch::Clear => self.donor = DonorDecision::Unreviewed,
            Patch::Set(person) if self.donor.person() == Some(person) => {}
            Patch::Set(person) => self.donor = DonorDecision::Confirmed(person),
        }
        if judged_again {
            self.progress = Progress::Review;
        }
        Ok(self)
    }

    /// The row marked ready, if nothing blocks it.
    pub fn marked_ready(mut self, today: CalendarDate) -> Result<Self, RowRefusal> {
        self.changeable()?;
        let blockers = self.diagnose(today).blockers;
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

    /// The row after its posting failed.
    #[must_use]
    pub fn failed(mut self, reason: String) -> Self {
        self.progress = Progress::Failed { reason };
        self
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use uuid::Uuid;

    /// A complete row, ready but for the mark.
    pub(crate) fn row() -> StagedRow {
        StagedRow {
            id: StagedId(Uuid::from_u128(1)),
            origin: Origin([1; 16]),
            received_at: Instant(0),
            amount: Money::parse("25", "GBP".parse().unwrap()).unwrap(),
            gift_date: "2026-11-20".parse().ok(),
            evidence: DonorEvidence {
                first_name: Some("Ada".into()),
                last_name: Some("Lovelace".into()),
                email: None,
            },
            donor: DonorDecision::Confirmed(PersonId(Uuid::from_u128(9))),
            company: None,
            payment_method: Some(PaymentMethod::Card),
            intent: GiftIntent::Standard,
            notes: None,
            source: Source {
                intake: "manual_ui".into(),
                fingerprint: None,
                external_id: None,
                provider: None,
                provider_payment_id: None,
                provider_event_id: None,
            },
            batch: None,
            progress: Progress::Review,
            attempts: 0,
        }
    }

    fn today() -> CalendarDate {
        "2026-11-23".parse().unwrap()
    }

    fn codes(findings: &[Finding]) -> Vec<&'static str> {
        findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn each_missing_thing_is_its_own_blocker_and_its_own_cure() {
        let cases: Vec<(StagedRow, &str)> = vec![
            (StagedRow { gift_date: None, ..row() }, "gift_date_missing"),
            (StagedRow { payment_method: None, ..row() }, "payment_type_required"),
            (StagedRow { donor: DonorDecision::Unreviewed, ..row() }, "donor_review_required"),
            (StagedRow { intent: GiftIntent::Grant, ..row() }, "company_missing_for_org_intent"),
            (StagedRow { intent: GiftIntent::Recurring, ..row() }, "recurring_agreement_missing"),
            (StagedRow { amount: Money { micros: 0, ..row().amount }, ..row() }, "amount_invalid"),
            (StagedRow { amount: Money { micros: 25_000_001, ..row().amount }, ..row() }, "amount_too_fine"),
        ];
        for (row, code) in cases {
            assert_eq!(codes(&row.diagnose(today()).blockers), [code]);
            assert_eq!(row.main_reason(today()).unwrap().code, code);
            assert!(matches!(row.marked_ready(today()), Err(RowRefusal::Blocked(_))));
        }
        assert!(row().diagnose(today()).blockers.is_empty());
        assert_eq!(row().marked_ready(today()).unwrap().status(), Status::ReadyForProcess);
    }

    #[test]
    fn warnings_never_block() {
        let future = StagedRow { gift_date: "2026-11-24".parse().ok(), ..row() };
        assert_eq!(codes(&future.diagnose(today()).warnings), ["gift_date_future"]);
        assert!(future.marked_ready(today()).is_ok());
        let weak = StagedRow { donor: DonorDecision::Unreviewed, ..row() };
        assert_eq!(codes(&weak.diagnose(today()).warnings), ["identity_low_confidence"]);
    }

    #[test]
    fn what_was_judged_is_judged_again_and_a_note_is_not() {
        let ready = row().marked_ready(today()).unwrap();
        let noted = ready
            .clone()
            .edited(RowEdit { notes: Patch::Set("thanks".into()), ..RowEdit::default() })
            .unwrap();
        assert_eq!(noted.status(), Status::ReadyForProcess);
        let amount = Money::parse("26", "GBP".parse().unwrap()).unwrap();
        let changed = ready.clone().edited(RowEdit { amount: Some(amount), ..RowEdit::default() }).unwrap();
        assert_eq!(changed.status(), Status::Pending);
        let same = ready.edited(RowEdit { amount: Some(row().amount), ..RowEdit::default() }).unwrap();
        assert_eq!(same.status(), Status::ReadyForProcess);
    }

    #[test]
    fn typing_a_name_never_unlinks_the_donor() {
        let edited = row()
            .edited(RowEdit {
                email: Patch::Set("a@b.org".into()),
                last_name: Patch::Clear,
                ..RowEdit::default()
            })
            .unwrap();
        assert_eq!(edited.donor, row().donor);
        assert_eq!(edited.evidence.last_name, None);
        let unlinked = row().edited(RowEdit { donor: Patch::Clear, ..RowEdit::default() }).unwrap();
        assert_eq!(unlinked.donor, DonorDecision::Unreviewed);
    }

    #[test]
    fn nothing_touches_a_row_that_is_being_sent_or_is_posted() {
        let ready = row().marked_ready(today()).unwrap();
        let (run, gift) = (RunId(Uuid::from_u128(2)), GiftId(Uuid::from_u128(3)));
        let sending = ready.leased(run, gift).unwrap();
        assert_eq!(sending.attempts, 1);
        let posted = sending.clone().posted(gift, Instant(5));
        for (row, refusal) in [(sending, RowRefusal::BeingSent), (posted, RowRefusal::AlreadyPosted)] {
            assert_eq!(row.clone().edited(RowEdit::default()), Err(refusal.clone()));
            assert_eq!(row.clone().back_to_review(), Err(refusal.clone()));
            assert_eq!(row.clone().discarded(), Err(refusal.clone()));
            assert_eq!(row.clone().leased(run, gift), None);
            assert_eq!(row.marked_ready(today()), Err(refusal));
        }
    }

    #[test]
    fn a_row_that_is_not_ready_cannot_be_leased() {
        let (run, gift) = (RunId(Uuid::from_u128(2)), GiftId(Uuid::from_u128(3)));
        assert_eq!(row().leased(run, gift), None);
        assert_eq!(row().failed("no".into()).leased(run, gift), None);
        assert_eq!(row().discarded().unwrap().leased(run, gift), None);
        assert_eq!(row().discarded().unwrap().back_to_review().unwrap().status(), Status::Pending);
    }
}
