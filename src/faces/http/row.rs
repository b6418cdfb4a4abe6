//! A staged row as the API shows it.

use serde::Serialize;
use utoipa::ToSchema;

use super::Face;
use super::made::MadeDonorView;
use super::wire::{DonorRef, FindingView, MoneyView};
use crate::ground::coding::{Coding, Fees};
use crate::ground::crm::{Labelled, record_url};
use crate::ground::donor_match::{MatchOutcome, Matched};
use crate::ground::gift::PaymentMethod;
use crate::ground::id::{Object, SubjectKey};
use crate::ground::matching::decide::{Decision, Likelihood, of_thousandths, thousandths};
use crate::ground::person::full_name;
use crate::ground::staging::{Diagnostics, DonorDecision, Progress, StagedRow};
use crate::ground::time::Instant;
use crate::search::Who;
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
    /// `UNREVIEWED`, `AMBIGUOUS`, `NEW_DONOR` or `CONFIRMED`.
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
    /// `matched_existing` and `needs_review` are what a donor-match run found.
    dedupe_status: &'static str,
    /// What a donor-match run found.
    donor_match: Option<MatchedView>,
    processing_diagnostics: DiagnosticsView,
    reason: Option<FindingView>,
    allowed: AllowedView,
    gift: Option<GiftRef>,
    error_detail: Option<String>,
    evidence_count: u64,
    /// The person who was made in Twenty for this gift, once it is discarded; told of one row, not in lists.
    made_donor: Option<MadeDonorView>,
}

impl StagedRowView {
    /// The version, as `If-Match` names it.
    pub(super) const fn version(&self) -> u64 {
        self.version
    }
}

/// What stands in a row's way.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiagnosticsView {
    processing_eligibility: &'static str,
    processing_blockers: Vec<FindingView>,
    processing_warnings: Vec<FindingView>,
    /// `strong` (somebody who owns the e-mail address was found), `explicit`, `weak` or `none`.
    identity_confidence: &'static str,
    /// Who may be meant, the likeliest first; empty where the donor is chosen or the moment has passed.
    donor_candidates: Vec<LikelyView>,
}

/// What a donor-match run found for a row.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MatchedView {
    /// `auto_linked`, `partial_match_review`, `no_match`, `insufficient_identity`, `error`, `created_donor`.
    outcome: &'static str,
    reason: String,
    run_id: String,
    at: String,
    /// The version of the weights.
    model: String,
    proposed: Vec<ProposedView>,
}

/// Somebody a run proposed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProposedView {
    id: String,
    likelihood: &'static str,
    bits: f64,
}

impl MatchedView {
    fn of(found: &Matched) -> Self {
        let proposed = found.proposed.iter().map(|(person, bits)| ProposedView {
            id: person.to_string(),
            likelihood: Likelihood::of(of_thousandths(*bits)).words(),
            bits: of_thousandths(*bits),
        });
        Self {
            outcome: found.outcome.word(),
            reason: found.reason.clone(),
            run_id: found.run.to_string(),
            at: found.at.to_string(),
            model: found.model.clone(),
            proposed: proposed.collect(),
        }
    }
}

/// Domain 2.5: a match run that found somebody, but not for certain, leaves the row ambiguous.
fn resolution(row: &StagedRow) -> &'static str {
    let ambiguous =
        row.matched.as_ref().is_some_and(|found| found.outcome == MatchOutcome::PartialMatchReview);
    if ambiguous && row.donor == DonorDecision::Unreviewed { "AMBIGUOUS" } else { row.donor.word() }
}

/// Somebody who may be meant, in short.
#[derive(Debug, Serialize, ToSchema)]
pub struct LikelyView {
    id: String,
    name: Option<String>,
    email: Option<String>,
    /// `certain`, `very likely`, `possible` or `unlikely`.
    likelihood: &'static str,
    /// The odds, as a logarithm to base two.
    bits: f64,
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
    likely: Vec<LikelyView>,
}

fn told(
    ledger: &Ledger<'_>,
    face: &Face,
    row: &StagedRow,
    (now, looks): (Instant, bool),
) -> Result<Told, StoreError> {
    let today = face.desk.zone.date_of(now);
    let mut around = ledger.around(row, &ledger.settings()?, now)?;
    let likely = if looks { likely(ledger, face, row) } else { None };
    around.is_known_by_email = likely.as_ref().is_some_and(|(by_email, _)| *by_email);
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
    let likely = likely.map(|(_, likely)| likely).unwrap_or_default();
    Ok(Told { diagnostics, reason, failure, likely })
}

/// People shown with a row.
const LIKELY_MAX: usize = 5;
/// People and rows that are looked at for a row.
const LOOKED_AT: usize = 20;

/// Who may have given a row whose donor is not known, and whether one of them owns its address. A search that fails shows
/// nobody here: whoever asks for a match is told why.
fn likely(ledger: &Ledger<'_>, face: &Face, row: &StagedRow) -> Option<(bool, Vec<LikelyView>)> {
    let asked = row.told();
    if !row.is_somebody_unknown() || !asked.says_something() {
        return None;
    }
    let judged = face.search.judge(ledger, &asked, false, Some(Who::Row(row.id)), LOOKED_AT).ok()?;
    let proposed = match &judged.decision {
        Decision::Linked(person, _) => vec![*person],
        Decision::Proposed(people, _) => people.clone(),
        Decision::Nobody | Decision::TooLittle | Decision::Company => Vec::new(),
    };
    let alike = judged.matches.alike.iter();
    let proposed = alike.filter(|alike| proposed.iter().any(|person| alike.who == Who::Person(*person)));
    let shown = proposed.take(LIKELY_MAX).filter_map(|alike| {
        let Who::Person(person) = alike.who else { return None };
        Some(LikelyView {
            id: person.to_string(),
            name: full_name(Some(&alike.donor.first), Some(&alike.donor.last)),
            email: alike.donor.emails.first().cloned(),
            likelihood: Likelihood::of(alike.bits).words(),
            bits: of_thousandths(thousandths(alike.bits)),
        })
    });
    Some((judged.is_known_by_email(&asked), shown.collect()))
}

/// The row as it is now, with who may have given it.
pub(super) fn row_view(
    ledger: &Ledger<'_>,
    face: &Face,
    record: Record<StagedRow>,
    now: Instant,
) -> Result<StagedRowView, StoreError> {
    view(ledger, face, record, (now, true))
}

/// The row as a list shows it: who may have given it is looked for when it is opened, since a search a row would make a
/// list of a hundred wait.
pub(super) fn listed_row_view(
    ledger: &Ledger<'_>,
    face: &Face,
    record: Record<StagedRow>,
    now: Instant,
) -> Result<StagedRowView, StoreError> {
    view(ledger, face, record, (now, false))
}

/// The row as it is to be judged at a moment that has passed: what the index knows is of now, so nobody is looked for.
pub(super) fn past_row_view(
    ledger: &Ledger<'_>,
    face: &Face,
    record: Record<StagedRow>,
    now: Instant,
) -> Result<StagedRowView, StoreError> {
    view(ledger, face, record, (now, false))
}

fn view(
    ledger: &Ledger<'_>,
    face: &Face,
    record: Record<StagedRow>,
    (now, looks): (Instant, bool),
) -> Result<StagedRowView, StoreError> {
    let (version, recorded, row) = (record.seq, record.recorded, record.value);
    let status = row.status();
    let person = row.donor.person().map(|person| ledger.person(person)).transpose()?.flatten();
    let company = row.company.map(|id| NamedRef::of(ledger, face, Object::Companies, id.0)).transpose()?;
    let Told { diagnostics, reason, failure, likely } = told(ledger, face, &row, (now, looks))?;
    let posted = matches!(row.progress, Progress::Posted { .. });
    let allowed = AllowedView::of(&row, diagnostics.blockers.is_empty());
    let made_donor = if looks { MadeDonorView::of(ledger, face, &row)? } else { None };
    let (gift, donor_resolution_state) = (gift_ref(&row, face), resolution(&row));
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
        donor_resolution_state,
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
        dedupe_status: row.matched.as_ref().map_or(passed, |found| found.outcome.dedupe_word()),
        donor_match: row.matched.as_ref().map(MatchedView::of),
        processing_diagnostics: DiagnosticsView::new(diagnostics, likely),
        reason,
        allowed,
        gift,
        error_detail: failure,
        evidence_count: ledger.evidence_count(row.id)?,
        made_donor,
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

impl DiagnosticsView {
    fn new(diagnostics: Diagnostics, donor_candidates: Vec<LikelyView>) -> Self {
        Self {
            processing_eligibility: if diagnostics.blockers.is_empty() { "eligible" } else { "blocked" },
            processing_blockers: diagnostics.blockers.into_iter().map(FindingView::from).collect(),
            processing_warnings: diagnostics.warnings.into_iter().map(FindingView::from).collect(),
            identity_confidence: diagnostics.identity.word(),
            donor_candidates,
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
