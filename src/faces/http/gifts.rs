//! Staged rows (domain 3.3).

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Known;
use super::body;
use super::journal::{self, EntryView};
use super::params::{NoParams, Params, cursor};
use super::problem::Problem;
use super::row::{StagedRowView, row_view};
use super::row_body;
use super::{Face, known_id};
use crate::desk::gifts::{Delivery, Evidence, Mark, Taken};
use crate::ground::access::Caller;
use crate::ground::id::{BatchId, Seq, StagedId};
use crate::ground::staging::{StagedRow, Status};
use crate::store::{Ledger, QueueFilter, Record, StoreError};

/// One staged row in its envelope.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StagedRowData {
    gift_staging: StagedRowView,
}

/// The answer to an intake.
#[derive(Debug, Serialize, ToSchema)]
pub struct IntakeAnswer {
    data: StagedRowData,
    meta: IntakeMeta,
}

/// What became of a delivery.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntakeMeta {
    /// Always true here: posting is a step of its own.
    staged_only: bool,
    /// Whether this delivery made the row.
    created: bool,
    raw_payload_available: bool,
    as_of: String,
}

/// One staged row with how it came and what happened to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct StagedRowAnswer {
    data: StagedRowData,
    meta: StagedRowMeta,
}

/// How a row came and what happened to it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StagedRowMeta {
    as_of: String,
    raw_payload: Vec<RawPayload>,
    history: Vec<EntryView>,
}

/// A delivery as it came.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RawPayload {
    received_at: String,
    channel: String,
    body: String,
}

/// A page of the queue.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueAnswer {
    data: Vec<StagedRowView>,
    meta: QueueMeta,
}

/// `meta` of the queue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueMeta {
    has_more: bool,
    next_cursor: Option<String>,
    total: u64,
    as_of: String,
    counts: CountsView,
    /// Ready rows that are in no batch: what "process the ready ones" would take.
    ready_outside_batches: u64,
}

/// How many rows stand where.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct CountsView {
    pub pending: u64,
    pub ready_for_process: u64,
    pub processing: u64,
    pub process_failed: u64,
    pub processed: u64,
    pub discarded: u64,
}

impl CountsView {
    pub(super) fn of(mut count: impl FnMut(Status) -> Result<u64, StoreError>) -> Result<Self, StoreError> {
        Ok(Self {
            pending: count(Status::Pending)?,
            ready_for_process: count(Status::ReadyForProcess)?,
            processing: count(Status::Processing)?,
            process_failed: count(Status::ProcessFailed)?,
            processed: count(Status::Processed)?,
            discarded: count(Status::Discarded)?,
        })
    }
}

/// Takes a gift in.
#[utoipa::path(post, path = "/api/fundraising/gift-staging", tag = "Staged rows", request_body = Object,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes repeated deliveries one")),
    responses((status = 200, body = IntakeAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 410, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn create(
    State(face): State<Face>,
    known: Known,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Json<IntakeAnswer>, Problem> {
    let default_source = if matches!(known.asked.caller, Caller::User(_)) { "manual_ui" } else { "api" };
    let intake = row_body::intake(&bytes, default_source)?;
    let idempotency_key = idempotency_key(&headers)?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| Problem::field("", "The body is not UTF-8."))?;
    let taken = face.desk.take_in(&known.asked, Delivery { intake, body: text, idempotency_key }).await?;
    intake_answer(&face, &known, taken).map(Json)
}

fn intake_answer(face: &Face, known: &Known, taken: Taken) -> Result<IntakeAnswer, Problem> {
    let snapshot = known.snapshot(face)?;
    let ledger = snapshot.ledger();
    let record = ledger.staged(taken.row)?.ok_or_else(|| Problem::not_found("gift"))?;
    let gift_staging = row_view(&ledger, face, record, face.desk.world.now())?;
    let meta = IntakeMeta {
        staged_only: true,
        created: taken.created,
        raw_payload_available: true,
        as_of: snapshot.as_of().to_string(),
    };
    Ok(IntakeAnswer { data: StagedRowData { gift_staging }, meta })
}

/// The answer to a gift that waits for a person.
pub(super) fn staged(face: &Face, known: &Known, taken: Taken) -> Result<Response, Problem> {
    intake_answer(face, known, taken).map(|answer| Json(answer).into_response())
}

pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=255).contains(&key.len()));
    key.map(|key| Some(key.to_owned())).ok_or_else(|| {
        Problem::field("Idempotency-Key", "The Idempotency-Key must be 1 to 255 visible ASCII characters.")
    })
}

/// The version named by `If-Match`.
pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<Seq>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let version = value.to_str().ok().and_then(|text| text.trim_matches('"').parse().ok());
    version.map(|seq| Some(Seq(seq))).ok_or_else(|| {
        Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "If-Match must hold the version of the record, such as \"1234\".",
        )
    })
}

/// The queue.
#[utoipa::path(get, path = "/api/fundraising/gift-staging", tag = "Staged rows",
    params(("status" = Option<String>, Query), ("giftBatchId" = Option<String>, Query), ("intakeSource" = Option<String>, Query), ("search" = Option<String>, Query),
        ("sort" = Option<String>, Query), ("limit" = Option<String>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = QueueAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn list(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Json<QueueAnswer>, Problem> {
    params.only(&["status", "giftBatchId", "intakeSource", "search", "sort", "limit", "cursor"])?;
    let statuses = params.parsed("status", statuses)?.unwrap_or_default();
    let batch = params.parsed("giftBatchId", |text| text.parse::<BatchId>().ok())?;
    let sort = params.parsed("sort", Sort::from_text)?.unwrap_or(Sort::CreatedDown);
    let (limit, after) = (params.limit()?, params.cursor()?);
    let narrow = Narrow {
        source: params.get("intakeSource").map(str::to_owned),
        search: params.get("search").map(str::to_lowercase),
    };
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let counts = counts(&ledger, batch, &narrow)?;
    let rows = narrow.kept(&ledger, ledger.staged_rows(&QueueFilter { statuses, batch })?)?;
    let total = rows.len() as u64;
    let mut keyed: Vec<(Vec<u8>, Record<StagedRow>)> =
        rows.into_iter().map(|row| (sort.key(&row), row)).collect();
    keyed.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let mut rest =
        keyed.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| key > after)).peekable();
    let page: Vec<(Vec<u8>, Record<StagedRow>)> = rest.by_ref().take(limit).collect();
    let has_more = rest.peek().is_some();
    let next_cursor = page.last().filter(|_| has_more).map(|(key, _)| cursor(key));
    let now = face.desk.world.now();
    let mut data = Vec::with_capacity(page.len());
    for (_, row) in page {
        data.push(row_view(&ledger, &face, row, now)?);
    }
    let meta = QueueMeta {
        has_more,
        next_cursor,
        total,
        as_of: snapshot.as_of().to_string(),
        counts,
        ready_outside_batches: ledger.ready_outside_batches()?,
    };
    Ok(Json(QueueAnswer { data, meta }))
}

/// A comma list of statuses; `needs_attention` is what a person must look at.
fn statuses(text: &str) -> Option<Vec<Status>> {
    let mut statuses = Vec::new();
    for word in text.split(',') {
        match word.trim() {
            "needs_attention" => statuses.extend([Status::Pending, Status::ProcessFailed]),
            word => statuses.push(Status::from_word(word)?),
        }
    }
    statuses.sort_unstable();
    statuses.dedup();
    Some(statuses)
}

#[derive(Clone, Copy)]
enum Sort {
    CreatedDown,
    CreatedUp,
    UpdatedDown,
    AmountDown,
    AmountUp,
}

impl Sort {
    fn from_text(text: &str) -> Option<Self> {
        Some(match text {
            "createdAt:desc" => Self::CreatedDown,
            "createdAt:asc" => Self::CreatedUp,
            "updatedAt:desc" => Self::UpdatedDown,
            "amount.amountMicros:desc" => Self::AmountDown,
            "amount.amountMicros:asc" => Self::AmountUp,
            _ => return None,
        })
    }

    /// Bytes that sort as asked, ending in the row's id, so that equal rows stay in one order.
    fn key(self, row: &Record<StagedRow>) -> Vec<u8> {
        let (number, down) = match self {
            Self::CreatedDown => (row.value.received_at.0, true),
            Self::CreatedUp => (row.value.received_at.0, false),
            Self::UpdatedDown => (row.recorded.0, true),
            Self::AmountDown => (row.value.amount.micros, true),
            Self::AmountUp => (row.value.amount.micros, false),
        };
        let ordered = number.cast_unsigned() ^ (1 << 63);
        let mut key = if down { !ordered } else { ordered }.to_be_bytes().to_vec();
        key.extend_from_slice(row.value.id.0.as_bytes());
        key
    }
}

/// The filters that no index answers.
struct Narrow {
    source: Option<String>,
    search: Option<String>,
}

impl Narrow {
    fn kept(
        &self,
        ledger: &Ledger<'_>,
        rows: Vec<Record<StagedRow>>,
    ) -> Result<Vec<Record<StagedRow>>, StoreError> {
        let mut kept = Vec::with_capacity(rows.len());
        for row in rows {
            if self.keeps(ledger, &row.value)? {
                kept.push(row);
            }
        }
        Ok(kept)
    }

    fn keeps(&self, ledger: &Ledger<'_>, row: &StagedRow) -> Result<bool, StoreError> {
        if self.source.as_ref().is_some_and(|source| *source != row.source.intake) {
            return Ok(false);
        }
        let Some(search) = &self.search else { return Ok(true) };
        let donor = row.donor.person().map(|person| ledger.person(person)).transpose()?.flatten();
        let own = [
            row.evidence.name(),
            row.evidence.email.clone(),
            row.source.external_id.clone(),
            row.notes.clone(),
            donor.and_then(|d| d.value.display_name()),
        ];
        Ok(own.into_iter().flatten().any(|text| text.to_lowercase().contains(search.as_str())))
    }
}

fn counts(ledger: &Ledger<'_>, batch: Option<BatchId>, narrow: &Narrow) -> Result<CountsView, StoreError> {
    if narrow.source.is_none() && narrow.search.is_none() {
        return CountsView::of(|status| ledger.staged_count(batch, status));
    }
    let rows = ledger.staged_rows(&QueueFilter { statuses: Vec::new(), batch })?;
    let kept: Vec<Status> = narrow.kept(ledger, rows)?.iter().map(|row| row.value.status()).collect();
    CountsView::of(|status| Ok(kept.iter().filter(|kept| **kept == status).count() as u64))
}

/// One row with how it came and what happened to it.
#[utoipa::path(get, path = "/api/fundraising/gift-staging/{id}", tag = "Staged rows", params(("id" = String, Path)),
    responses((status = 200, body = StagedRowAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn one(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
) -> Result<Json<StagedRowAnswer>, Problem> {
    answer(&face, &known, known_id(&id, "gift")?).map(Json)
}

/// Deliveries of a row that are told with it, the newest first.
const DELIVERIES_MAX: usize = 20;
/// Entries of a row's history that are told with it.
const HISTORY_MAX: usize = 50;

fn answer(face: &Face, known: &Known, id: StagedId) -> Result<StagedRowAnswer, Problem> {
    let snapshot = known.snapshot(face)?;
    let ledger = snapshot.ledger();
    let record = ledger.staged(id)?.ok_or_else(|| Problem::not_found("gift"))?;
    let mut history = Vec::new();
    for seq in ledger.history(record.subject, Seq(u64::MAX), HISTORY_MAX)? {
        history.extend(journal::entry_view(&ledger, seq)?);
    }
    let deliveries = ledger.evidence(id)?;
    let raw_payload = deliveries
        .iter()
        .rev()
        .take(DELIVERIES_MAX)
        .filter_map(|delivery| serde_json::from_str::<Evidence>(&delivery.value).ok());
    let raw_payload = raw_payload
        .map(|e| RawPayload { received_at: e.received_at.to_string(), channel: e.channel, body: e.body })
        .collect();
    let gift_staging = row_view(&ledger, face, record, face.desk.world.now())?;
    let meta = StagedRowMeta { as_of: snapshot.as_of().to_string(), raw_payload, history };
    Ok(StagedRowAnswer { data: StagedRowData { gift_staging }, meta })
}

/// Changes a row: a missing key keeps, null clears.
#[utoipa::path(patch, path = "/api/fundraising/gift-staging/{id}", tag = "Staged rows", request_body = Object, params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = StagedRowAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn edit(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Json<StagedRowAnswer>, Problem> {
    let id: StagedId = known_id(&id, "gift")?;
    face.desk.edit_row(&known.asked, id, row_body::row_edit(&bytes)?, if_match(&headers)?).await?;
    answer(&face, &known, id).map(Json)
}

/// Marks a row ready, back to review, or discarded.
#[utoipa::path(patch, path = "/api/fundraising/gift-staging/{id}/status", tag = "Staged rows", request_body = Object, params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = StagedRowAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn mark(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Json<StagedRowAnswer>, Problem> {
    let id: StagedId = known_id(&id, "gift")?;
    let mut body = body::Reader::new(&bytes)?;
    let mark = match body.text("processingStatus").as_deref() {
        Some("ready_for_process") => Some(Mark::Ready),
        Some("pending") => Some(Mark::Review),
        Some("discarded") => Some(Mark::Discard),
        _ => {
            body.wrong(
                "processingStatus",
                "processingStatus must be ready_for_process, pending or discarded.",
            );
            None
        }
    };
    face.desk.mark_row(&known.asked, id, body.finish(mark)?, if_match(&headers)?).await?;
    answer(&face, &known, id).map(Json)
}
