//! Donor-match runs of a batch (domain 3.4, 4.8.2).

use axum::Json;
use axum::extract::{Path, State};
use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Known;
use super::batches::{OneRun, run_answer};
use super::body::Reader;
use super::params::NoParams;
use super::problem::Problem;
use super::{Face, known_id};
use crate::desk::batches::ROWS_MAX;
use crate::ground::donor_match::{MatchOutcome, MatchTally};
use crate::ground::id::{BatchId, StagedId};
use crate::ground::run::{ProcessRun, RunKind};

/// What a donor-match run found, by outcome.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MatchTotals {
    total_candidate_rows: u64,
    evaluated_rows: u64,
    already_resolved: u64,
    auto_linked: u64,
    partial_match_review: u64,
    no_match: u64,
    insufficient_identity: u64,
    created_donor: u64,
    errors: u64,
}

impl MatchTotals {
    /// Of a run that looked for donors or made them; none of any other.
    pub(super) fn of(run: &ProcessRun) -> Option<Self> {
        let tally: &MatchTally = &run.matches;
        (run.kind != RunKind::Process).then(|| Self {
            total_candidate_rows: run.rows.saturating_sub(tally.count(MatchOutcome::AlreadyResolved)),
            evaluated_rows: run.tally.attempted,
            already_resolved: tally.count(MatchOutcome::AlreadyResolved),
            auto_linked: tally.count(MatchOutcome::AutoLinked),
            partial_match_review: tally.count(MatchOutcome::PartialMatchReview),
            no_match: tally.count(MatchOutcome::NoMatch),
            insufficient_identity: tally.count(MatchOutcome::InsufficientIdentity),
            created_donor: tally.count(MatchOutcome::CreatedDonor),
            errors: tally.count(MatchOutcome::Error),
        })
    }
}

/// Looks for the donors of a batch's undecided rows, or answers with the active run that does. Nothing is asked of Twenty.
#[utoipa::path(post, path = "/api/fundraising/gift-batches/{id}/donor-match", tag = "Matching", request_body = Object, params(("id" = String, Path)),
    responses((status = 200, body = OneRun), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn start(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Result<Json<OneRun>, Problem> {
    let batch: BatchId = known_id(&id, "batch")?;
    let max_rows = if bytes.is_empty() {
        None
    } else {
        let mut body = Reader::new(&bytes)?;
        let wanted = body.at_least_one("maxRows");
        body.finish(Some(wanted))?
    };
    let run = face.desk.match_donors(&known.asked, batch, max_rows).await?;
    run_answer(&face, &known, batch, (run, RunKind::DonorMatch)).map(Json)
}

/// One donor-match run of a batch.
#[utoipa::path(get, path = "/api/fundraising/gift-batches/{id}/donor-match/{runId}", tag = "Matching", params(("id" = String, Path), ("runId" = String, Path)),
    responses((status = 200, body = OneRun), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn run(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path((id, run)): Path<(String, String)>,
) -> Result<Json<OneRun>, Problem> {
    run_answer(&face, &known, known_id(&id, "batch")?, (known_id(&run, "run")?, RunKind::DonorMatch))
        .map(Json)
}

/// Makes the donors of the rows in `stagingIds` in Twenty, or answers with the active run that does.
#[utoipa::path(post, path = "/api/fundraising/gift-batches/{id}/donor-match/create-donors/run", tag = "Matching", request_body = Object, params(("id" = String, Path)),
    responses((status = 200, body = OneRun), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn create(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Result<Json<OneRun>, Problem> {
    let batch: BatchId = known_id(&id, "batch")?;
    let mut body = Reader::new(&bytes)?;
    let rows: Vec<StagedId> = body.uuids("stagingIds").into_iter().map(StagedId).collect();
    if rows.is_empty() || rows.len() > ROWS_MAX {
        body.wrong("stagingIds", format!("Choose at least one and at most {ROWS_MAX} gifts."));
    }
    let rows = body.finish(Some(rows))?;
    let run = face.desk.create_donors(&known.asked, batch, rows).await?;
    run_answer(&face, &known, batch, (run, RunKind::CreateDonors)).map(Json)
}

/// One create-donors run of a batch.
#[utoipa::path(get, path = "/api/fundraising/gift-batches/{id}/donor-match/create-donors/run/{runId}", tag = "Matching", params(("id" = String, Path), ("runId" = String, Path)),
    responses((status = 200, body = OneRun), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn created(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path((id, run)): Path<(String, String)>,
) -> Result<Json<OneRun>, Problem> {
    let (batch, run) = (known_id(&id, "batch")?, known_id(&run, "run")?);
    run_answer(&face, &known, batch, (run, RunKind::CreateDonors)).map(Json)
}
