//! A staged row as the API shows it.

use serde::Serialize;
use utoipa::ToSchema;

use super::Face;
use super::wire::{DonorRef, FindingView, MoneyView};
use crate::ground::coding::{Coding, Fees};
use crate::ground::crm::{Labelled, record_url};
use crate::ground::gift::PaymentMethod;
use crate::ground::id::{Object, SubjectKey};
use crate::ground::staging::{Diagnostics, DonorDecision, Progress, StagedRow};
use crate::ground::time::Instant;
use crate::store::{Ledger, Record, StoreError};

/// A staged row.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StagedRowView {
    id: String,
    version: u64,
    created_at: String,
    updated_at: String,
    amount: MoneyView,
    gift_date: Option<String>,
    donor_first_name: Option<String>,
    donor_last_name: Option<String>,
    donor_email: Option<String>,
    donor_id: Option<String>,
    donor: Option<DonorRef>,
    /// `UNREVIEWED`, `NEW_DONOR` or `CONFIRMED`.
    donor_resolution_state: &'static str,
    is_anonymous_donor: bool,
    /// Whether the person was made for this row.
    donor_created: bool,
    organization_name: Option<String>,
    supporter_email_opt_out: Option<bool>,
    company_id: Option<String>,
    company: Option<NamedRef>,
    coding: CodingView,
    fees: FeesView,
    expected_at: Option<String>,
    payment_method: Option<&'static str>,
    gift_intent: &'static str,
    notes: Option<String>,
    intake_source: String,
    source_fingerprint: Option<String>,
    external_id: Option<String>,
    provider: Option<String>,
    provider_payment_id: Option<String>,
    provider_event_id: Option<String>,
    gift_batch_id: Option<String>,
    /// Always false: nothing is posted without a person.
    auto_process: bool,
    processing_status: &'static str,
    validation_status: &'static str,
    dedupe_status: &'static str,
    processing_diagnostics: DiagnosticsView,
    reason: Option<FindingView>,
    allowed: AllowedView,
    gift: Option<GiftRef>,
    error_detail: Option<String>,
    evidence_count: u64,
}

/// What stands in a row's way.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiagnosticsView {
    processing_eligibility: &'static str,
    processing_blockers: Vec<FindingView>,
    processing_warnings: Vec<FindingView>,
    identity_confidence: &'static str,
}

/// Which actions are possible now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an action of its own, and callers read them by name"
)]
pub struct AllowedView {
    edit: bool,
    mark_ready: bool,
    back_to_review: bool,
    process: bool,
    discard: bool,
}

/// The gift of a row.
#[derive(Debug, Serialize, ToSchema)]
pub struct GiftRef {
    id: String,
    /// `pending` until Twenty confirms it.
    state: &'static str,
    url: Option<String>,
}

/// A record of Twenty by its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct NamedRef {
    id: String,
    /// Its name or title; none when it has neither, or is not here.
    name: Option<String>,
    url: Option<String>,
}

impl NamedRef {
    pub(super) fn of(
        ledger: &Ledger<'_>,
        face: &Face,
        object: Object,
        id: uuid::Uuid,
    ) -> Result<Self, StoreError> {
        let record = ledger.record_of(&SubjectKey::twenty(object, id))?;
        let label = record.and_then(|record| serde_json::from_str::<Labelled>(&record.value).ok());
        Ok(Self {
            id: id.to_string(),
            name: label.and_then(Labelled::label),
            url: record_url(&face.info.twenty_url, object, id),
        })
    }
}

/// What a row is booked to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CodingView {
    appeal: Option<NamedRef>,
    appeal_source: Option<NamedRef>,
    fund: Option<NamedRef>,
    opportunity: Option<NamedRef>,
    gift_payout: Option<NamedRef>,
    recurring_agreement: Option<NamedRef>,
}

impl CodingView {
    pub(super) fn of(ledger: &Ledger<'_>, face: &Face, coding: &Coding) -> Result<Self, StoreError> {
        let named =
            |object, id: Option<uuid::Uuid>| id.map(|id| NamedRef::of(ledger, face, object, id)).transpose();
        Ok(Self {
            appeal: named(Object::Appeals, coding.appeal.map(|id| id.0))?,
            appeal_source: named(Object::AppealSources, coding.appeal_source.map(|id| id.0))?,
            fund: named(Object::Funds, coding.fund.map(|id| id.0))?,
            opportunity: named(Object::Opportunities, coding.opportunity.map(|id| id.0))?,
            gift_payout: named(Object::GiftPayouts, coding.payout.map(|id| id.0))?,
            recurring_agreement: named(Object::RecurringAgreements, coding.agreement.map(|id| id.0))?,
        })
    }
}

/// What a payment cost, as told.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names of Twenty's fields, which callers know")]
pub struct FeesView {
    covered_fee_amount: Option<MoneyView>,
    gross_payment_amount: Option<MoneyView>,
    processing_fee_amount: Option<MoneyView>,
    net_received_amount: Option<MoneyView>,
}

impl From<Fees> for FeesView {
    fn from(fees: Fees) -> Self {
        Self {
            covered_fee_amount: fees.covered.map(MoneyView::from),
            gross_payment_amount: fees.gross.map(MoneyView::from),
            processing_fee_amount: fees.processing.map(MoneyView::from),
            net_received_amount: fees.net.map(MoneyView::from),
        }
    }
}

/// What is told beside the row itself.
struct Told {
    diagnostics: Diagnostics,
    reason: Option<FindingView>,
    failure: Option<String>,
}

fn told(ledger: &Ledger<'_>, face: &Face, row: &StagedRow, now: Instant) -> Result<Told, StoreError> {
    let today = face.desk.zone.date_of(now);
    let around = ledger.around(row, &ledger.settings()?, now)?;
    let diagnostics = row.diagnose(today, &around);
    let failure = match &row.progress {
        Progress::Failed { reason } => Some(reason.clone()),
        _ => None,
    };
    let reason = match &failure {
        Some(text) => Some(FindingView {
            code: "process_failed".into(),
            text: text.clone(),
            action: "Put it back to review, correct it, and process it again.".into(),
        }),
        None => row.main_reason(today, &around).map(FindingView::from),
    };
    Ok(Told { diagnostics, reason, failure })
}

/// The row as it is to be judged at `now`: the moment asked for, where time travels.
pub(super) fn row_view(
    ledger: &Ledger<'_>,
    face: &Face,
    record: Record<StagedRow>,
    now: Instant,
) -> Result<StagedRowView, StoreError> {
    let (version, recorded, row) = (record.seq, record.recorded, record.value);
    let status = row.status();
    let person = row.donor.person().map(|person| ledger.person(person)).transpose()?.flatten();
    let company = row.company.map(|id| NamedRef::of(ledger, face, Object::Companies, id.0)).transpose()?;
    let Told { diagnostics, reason, failure } = told(ledger, face, &row, now)?;
    let posted = matches!(row.progress, Progress::Posted { .. });
    let allowed = AllowedView::of(&row, diagnostics.blockers.is_empty());
    let gift = gift_ref(&row, face);
    let passed = if posted { "passed" } else { "pending" };
    Ok(StagedRowView {
        id: row.id.to_string(),
        version: version.0,
        created_at: row.received_at.to_string(),
        updated_at: recorded.to_string(),
        amount: row.amount.into(),
        gift_date: row.gift_date.map(|date| date.to_string()),
        donor_first_name: row.evidence.first_name,
        donor_last_name: row.evidence.last_name,
        donor_email: row.evidence.email,
        donor_id: row.donor.person().map(|person| person.to_string()),
        donor: person.map(|person| DonorRef::new(&person.value, face)),
        donor_resolution_state: row.donor.word(),
        is_anonymous_donor: row.donor == DonorDecision::Anonymous,
        donor_created: matches!(row.donor, DonorDecision::Created(_)),
        organization_name: row.evidence.organisation,
        supporter_email_opt_out: row.evidence.email_opt_out,
        company_id: row.company.map(|company| company.to_string()),
        company,
        coding: CodingView::of(ledger, face, &row.coding)?,
        fees: row.fees.into(),
        expected_at: row.expected_at.map(|date| date.to_string()),
        payment_method: row.payment_method.map(PaymentMethod::word),
        gift_intent: row.intent.word(),
        notes: row.notes,
        intake_source: row.source.intake,
        source_fingerprint: row.source.fingerprint,
        external_id: row.source.external_id,
        provider: row.source.provider,
        provider_payment_id: row.source.provider_payment_id,
        provider_event_id: row.source.provider_event_id,
        gift_batch_id: row.batch.map(|batch| batch.to_string()),
        auto_process: false,
        processing_status: status.word(),
        validation_status: if failure.is_some() { "failed" } else { passed },
        dedupe_status: passed,
        processing_diagnostics: diagnostics.into(),
        reason,
        allowed,
        gift,
        error_detail: failure,
        evidence_count: ledger.evidence_count(row.id)?,
    })
}

impl AllowedView {
    fn of(row: &StagedRow, is_complete: bool) -> Self {
        let editable = row.can_edit();
        Self {
            edit: editable,
            mark_ready: is_complete && matches!(row.progress, Progress::Review | Progress::Failed { .. }),
            back_to_review: matches!(
                row.progress,
                Progress::Ready | Progress::Failed { .. } | Progress::Discarded
            ),
            process: row.progress == Progress::Ready,
            discard: editable,
        }
    }
}

impl From<Diagnostics> for DiagnosticsView {
    fn from(diagnostics: Diagnostics) -> Self {
        Self {
            processing_eligibility: if diagnostics.blockers.is_empty() { "eligible" } else { "blocked" },
            processing_blockers: diagnostics.blockers.into_iter().map(FindingView::from).collect(),
            processing_warnings: diagnostics.warnings.into_iter().map(FindingView::from).collect(),
            identity_confidence: diagnostics.identity.word(),
        }
    }
}

fn gift_ref(row: &StagedRow, face: &Face) -> Option<GiftRef> {
    let gift = row.gift()?;
    let posted = matches!(row.progress, Progress::Posted { .. });
    let state = if posted { "confirmed" } else { "pending" };
    Some(GiftRef {
        id: gift.to_string(),
        state,
        url: record_url(&face.info.twenty_url, Object::Gifts, gift.0),
    })
}
