//! Posting one gift and waiting for what comes of it: the paths of callers from before (domain 3.2, 3.3).

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::auth::Known;
use super::body::Reader;
use super::gifts::{IntakeAnswer, idempotency_key, staged};
use super::problem::Problem;
use super::shapes::GiftBody;
use super::{Face, known_id, row_body, wait};
use crate::desk::gifts::Delivery;
use crate::desk::posting::Posting;
use crate::ground::id::{GiftId, Object, RunId, StagedId, SubjectKey};
use crate::ground::intake::Intake;
use crate::ground::staging::{DonorDecision, Progress};
use crate::store::{Ledger, StoreError};

/// What became of one row (domain 3.3).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RowResult {
    /// `processed`, `deferred` or `error`; `running` where it was not known within ten seconds.
    status: &'static str,
    staging_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    gift_id: Option<String>,
    /// Why it was not tried: `not_ready` or `locked`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Why it did not work.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
}

/// A gift that Twenty has, as Twenty tells it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedGift {
    data: CreatedGiftData,
}

/// The gift.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedGiftData {
    #[schema(value_type = Object)]
    create_gift: Box<RawValue>,
}

/// The gift as Twenty tells it, or the staged row that waits for a person.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it describes two answers that are made elsewhere")]
pub enum GiftAnswer {
    Created(CreatedGift),
    Waits(Box<IntakeAnswer>),
}

/// A gift that is on its way: ask again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GiftOnItsWay {
    run_id: String,
    staging_id: String,
}

/// How a row stands after its run, or with none.
enum Standing {
    Posted(GiftId),
    Failed(String),
    Waits,
}

/// How a row stands, once no run holds it.
fn standing(ledger: &Ledger<'_>, row: StagedId, run: RunId) -> Result<Option<Standing>, StoreError> {
    let at_work = ledger.run(run)?.is_some_and(|run| run.value.status.is_active());
    let row = ledger.staged(row)?.map(|record| record.value.progress);
    Ok(match row {
        Some(Progress::Posted { gift, .. }) => Some(Standing::Posted(gift)),
        _ if at_work => None,
        Some(Progress::Failed { reason }) => Some(Standing::Failed(reason)),
        _ => Some(Standing::Waits),
    })
}

async fn awaited(face: &Face, known: &Known, row: StagedId, run: RunId) -> Result<Option<Standing>, Problem> {
    wait::until(face, known, |ledger| standing(ledger, row, run)).await
}

impl RowResult {
    fn new(row: StagedId, status: &'static str) -> Self {
        Self { status, staging_id: row.to_string(), gift_id: None, reason: None, error: None, run_id: None }
    }
}

/// Posts one row: done already, not ready, held, or tried now.
#[utoipa::path(post, path = "/api/fundraising/gift-staging/{id}/process", tag = "Staged rows", params(("id" = String, Path)),
    responses((status = 200, body = RowResult), (status = 202, body = RowResult, description = "Not known within ten seconds; ask again"), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn process(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let row: StagedId = known_id(&id, "gift")?;
    let of = |status| RowResult::new(row, status);
    let deferred = |reason| Json(RowResult { reason: Some(reason), ..of("deferred") }).into_response();
    let run = match face.desk.process_row(&known.asked, row).await? {
        Posting::Posted(gift) => {
            let gift_id = Some(gift.to_string());
            return Ok(Json(RowResult { gift_id, ..of("processed") }).into_response());
        }
        Posting::Locked(_) => return Ok(deferred("locked")),
        Posting::NotReady => return Ok(deferred("not_ready")),
        Posting::Run(run) => run,
    };
    Ok(match awaited(&face, &known, row, run).await? {
        None => {
            let running = RowResult { run_id: Some(run.to_string()), ..of("running") };
            (StatusCode::ACCEPTED, Json(running)).into_response()
        }
        Some(Standing::Posted(gift)) => {
            Json(RowResult { gift_id: Some(gift.to_string()), ..of("processed") }).into_response()
        }
        Some(Standing::Failed(error)) => {
            Json(RowResult { error: Some(error), ..of("error") }).into_response()
        }
        Some(Standing::Waits) => deferred("not_ready"),
    })
}

/// Takes a gift in and, at its sender's wish, posts it: if it is complete and its channel is trusted so far; else it waits
/// for a person.
#[utoipa::path(post, path = "/api/fundraising/gifts", tag = "Gifts", request_body = GiftBody, params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = GiftAnswer, description = "Twenty's gift; or, where it waits for a person, a staged row as `POST /gift-staging` answers"), (status = 202, body = GiftOnItsWay), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 410, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn create_gift(
    State(face): State<Face>,
    known: Known,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let intake = row_body::intake(&bytes, "manual_ui")?;
    named(&bytes, &intake)?;
    let wanted = face.desk.wants_posting(&intake)?;
    let intake = Intake { auto_process: Some(wanted), ..intake };
    let idempotency_key = idempotency_key(&headers)?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| Problem::field("", "The body is not UTF-8."))?;
    let taken = face.desk.take_in(&known.asked, Delivery { intake, body: text, idempotency_key }).await?;
    let posting =
        if wanted { face.desk.post_taken(&known.asked, taken.row).await? } else { Posting::NotReady };
    let gift = match posting {
        Posting::Posted(gift) => gift,
        Posting::Run(run) | Posting::Locked(Some(run)) => {
            match awaited(&face, &known, taken.row, run).await? {
                Some(Standing::Posted(gift)) => gift,
                Some(Standing::Failed(_) | Standing::Waits) => return staged(&face, &known, taken),
                None => {
                    let way = GiftOnItsWay { run_id: run.to_string(), staging_id: taken.row.to_string() };
                    return Ok((StatusCode::ACCEPTED, Json(way)).into_response());
                }
            }
        }
        Posting::Locked(None) | Posting::NotReady => return staged(&face, &known, taken),
    };
    created(&face, &known, gift)
}

/// The gift as Twenty told it.
fn created(face: &Face, known: &Known, gift: GiftId) -> Result<Response, Problem> {
    let snapshot = known.snapshot(face)?;
    let record = snapshot.ledger().record_of(&SubjectKey::twenty(Object::Gifts, gift.0))?;
    let json = record.and_then(|record| RawValue::from_string(record.value).ok());
    let create_gift = json.ok_or_else(|| Problem::not_found("gift"))?;
    Ok(Json(CreatedGift { data: CreatedGiftData { create_gift } }).into_response())
}

/// Whose gift it is must be said here (domain 3.5): an organisation for its kinds of gifts, else a person or their names.
fn named(bytes: &[u8], intake: &Intake) -> Result<(), Problem> {
    let mut body = Reader::new(bytes)?;
    if intake.intent.is_organisation() {
        if intake.company.is_none() {
            body.wrong("companyId", "This kind of gift needs the organisation that gave it.");
        }
    } else if intake.donor == DonorDecision::Unreviewed && !intake.evidence.is_full_name() {
        body.wrong("contact", "Send contactId, or contact with firstName and lastName.");
    }
    body.finish(Some(()))
}
