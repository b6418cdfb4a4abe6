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
use super::params::NoParams;
use super::problem::Problem;
use super::queue;
use super::row::{StagedRowView, row_view};
use super::row_body;
use super::shapes::{GiftBody, MarkBody};
use super::wire::Tagged;
use super::{Face, known_id};
use crate::desk::gifts::{Delivery, Evidence, Taken};
use crate::ground::access::Caller;
use crate::ground::id::{Seq, StagedId};

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

/// Takes a gift in.
#[utoipa::path(post, path = "/api/fundraising/gift-staging", tag = "Staged rows", request_body = GiftBody,
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

/// One row with how it came and what happened to it.
#[utoipa::path(get, path = "/api/fundraising/gift-staging/{id}", tag = "Staged rows", params(("id" = String, Path)),
    responses((status = 200, body = StagedRowAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn one(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
) -> Result<Tagged<StagedRowAnswer>, Problem> {
    answer(&face, &known, known_id(&id, "gift")?)
}

/// Deliveries of a row that are told with it, the newest first.
const DELIVERIES_MAX: usize = 20;
/// Entries of a row's history that are told with it.
const HISTORY_MAX: usize = 50;

fn answer(face: &Face, known: &Known, id: StagedId) -> Result<Tagged<StagedRowAnswer>, Problem> {
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
    let version = gift_staging.version();
    Ok(Tagged(version, StagedRowAnswer { data: StagedRowData { gift_staging }, meta }))
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
) -> Result<Tagged<StagedRowAnswer>, Problem> {
    let id: StagedId = known_id(&id, "gift")?;
    face.desk.edit_row(&known.asked, id, row_body::row_edit(&bytes)?, if_match(&headers)?).await?;
    answer(&face, &known, id)
}

/// Marks a row ready, back to review, or discarded.
#[utoipa::path(patch, path = "/api/fundraising/gift-staging/{id}/status", tag = "Staged rows", request_body = MarkBody, params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = StagedRowAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn mark(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Tagged<StagedRowAnswer>, Problem> {
    let id: StagedId = known_id(&id, "gift")?;
    let mut body = body::Reader::new(&bytes)?;
    let mark = queue::mark(&mut body);
    face.desk.mark_row(&known.asked, id, body.finish(mark)?, if_match(&headers)?).await?;
    answer(&face, &known, id)
}
