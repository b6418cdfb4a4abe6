//! Dry runs: the exact requests that a batch's run would send.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Known;
use super::problem::Problem;
use super::wait;
use super::wire::AsOf;
use super::{Face, known_id};
use crate::desk::plans::made;
use crate::ground::id::BatchId;
use crate::ground::plan::Made;

/// A dry run in its envelope.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanAnswer {
    data: PlanView,
    meta: AsOf,
}

/// What a run would send if it began now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// Send it with `process`: the run is refused if a gift changed since.
    plan: u64,
    /// Requests to Twenty, in order.
    requests: Vec<PlannedView>,
    /// How many there are.
    calls: usize,
    /// Rows that would be sent.
    rows: usize,
    /// Rows that would not be sent, with the reason.
    refused: Vec<RefusedView>,
    /// Minutes, rounded up, until the last request could have been made at the limits of the moment.
    minutes: Option<u64>,
    /// Why nothing can be planned now.
    lacks: Option<String>,
}

/// One request to Twenty.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedView {
    method: String,
    path: String,
    /// The body as it would travel.
    #[schema(value_type = Option<Object>)]
    body: Option<Box<serde_json::value::RawValue>>,
    row_ids: Vec<String>,
}

/// A row that would not be sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusedView {
    row_id: String,
    reason: String,
}

impl PlanView {
    /// The plan of this number as it was made.
    pub fn new(plan: u64, made: Made) -> Self {
        let refused =
            made.refused.into_iter().map(|(row, reason)| RefusedView { row_id: row.to_string(), reason });
        let refused: Vec<RefusedView> = refused.collect();
        Self {
            plan,
            calls: made.requests.len(),
            rows: made.rows.len() - refused.len(),
            refused,
            minutes: made.millis.map(|millis| millis.div_ceil(60_000)),
            lacks: made.lacks,
            requests: made.requests.into_iter().map(PlannedView::from).collect(),
        }
    }
}

impl From<crate::ground::plan::PlannedRequest> for PlannedView {
    fn from(request: crate::ground::plan::PlannedRequest) -> Self {
        Self {
            method: request.method,
            path: request.path,
            body: request.body.and_then(|body| serde_json::value::RawValue::from_string(body).ok()),
            row_ids: request.rows.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What processing the batch would send, and how long it would take. Nothing is sent.
#[utoipa::path(post, path = "/api/fundraising/gift-batches/{id}/plan", tag = "Batches", params(("id" = String, Path)),
    responses((status = 200, body = PlanAnswer), (status = 202, description = "Not worked out yet; ask again"), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn plan(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let batch: BatchId = known_id(&id, "batch")?;
    let number = face.desk.plan_batch(&known.asked, batch).await?;
    let Some(made) = wait::until(&face, &known, |ledger| made(ledger, batch, number)).await? else {
        return Ok(StatusCode::ACCEPTED.into_response());
    };
    let meta = AsOf { as_of: made.at.to_string() };
    Ok(Json(PlanAnswer { data: PlanView::new(number, made), meta }).into_response())
}
