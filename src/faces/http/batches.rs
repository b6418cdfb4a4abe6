//! Batches and their runs (domain 3.4).

use axum::Json;
use axum::extract::{Path, State};
use bytes::Bytes;
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Known;
use super::body::Reader;
use super::donor_match::MatchTotals;
use super::gifts::if_match;
use super::params::{NoParams, Params, cursor};
use super::problem::Problem;
use super::queue::CountsView;
use super::row::CodingView;
use super::wire::{AsOf, ListMeta, MoneyView, Tagged, TotalView, totals};
use super::{Face, known_id};
use crate::desk::batches::{BatchEdit, NewBatch, ROWS_MAX};
use crate::ground::batch::Batch;
use crate::ground::coding::{Coding, CodingEdit};
use crate::ground::id::{AppealId, AppealSourceId, BatchId, ConnectionId, FundId, Object, RunId, StagedId};
use crate::ground::journal::SubjectState;
use crate::ground::patch::Patch;
use crate::ground::run::{ProcessRun, RunKind, Wish};
use crate::store::{Ledger, Record, StoreError};

/// A batch.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchView {
    id: String,
    name: String,
    source: String,
    status: &'static str,
    created_at: String,
    updated_at: String,
    version: u64,
    rows: RowsView,
    totals: Vec<TotalView>,
    expected_count: Option<u32>,
    expected_amount: Option<MoneyView>,
    /// What fills the blanks of its rows.
    defaults: CodingView,
    run: Option<RunView>,
    /// The newest run that looked for donors or made them, while it is younger than `run`.
    match_run: Option<RunView>,
}

/// How many rows stand where.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowsView {
    total: u64,
    #[serde(flatten)]
    counts: CountsView,
}

/// A process run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunView {
    run_id: String,
    batch_id: String,
    r#type: &'static str,
    status: &'static str,
    /// What a person wants of it: `go`, `pause` or `cancel`.
    wish: &'static str,
    queued_at: String,
    started_at: Option<String>,
    finished_at: Option<String>,
    note: Option<String>,
    progress: ProgressView,
    execution: ExecutionView,
    /// What was found, of a run that looks for donors.
    donor_match: Option<MatchTotals>,
    recent: Vec<OutcomeView>,
}

/// Rows by outcome.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProgressView {
    pub rows: u64,
    pub attempted: u64,
    pub processed: u64,
    pub deferred: u64,
    pub errors: u64,
}

/// How a run worked.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionView {
    pub calls: u64,
    pub probes: u64,
    pub split_operations: u64,
    pub batch_path_processed: u64,
    pub row_fallback_processed: u64,
    pub row_fallback_errors: u64,
}

/// What became of a row.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutcomeView {
    row_id: String,
    outcome: &'static str,
    reason: Option<String>,
    at: String,
}

impl From<ProcessRun> for RunView {
    fn from(run: ProcessRun) -> Self {
        let (tally, execution, donor_match) = (run.tally, run.execution, MatchTotals::of(&run));
        Self {
            run_id: run.id.to_string(),
            batch_id: run.batch.to_string(),
            r#type: run.kind.word(),
            status: run.status.word(),
            wish: run.wish.word(),
            queued_at: run.queued_at.to_string(),
            started_at: run.started_at.map(|at| at.to_string()),
            finished_at: run.finished_at.map(|at| at.to_string()),
            note: run.note,
            progress: ProgressView {
                rows: run.rows,
                attempted: tally.attempted,
                processed: tally.processed,
                deferred: tally.deferred,
                errors: tally.errors,
            },
            execution: ExecutionView {
                calls: execution.calls,
                probes: execution.probes,
                split_operations: execution.splits,
                batch_path_processed: execution.batch_path_processed,
                row_fallback_processed: execution.row_fallback_processed,
                row_fallback_errors: execution.row_fallback_errors,
            },
            donor_match,
            recent: run
                .recent
                .into_iter()
                .map(|o| OutcomeView {
                    row_id: o.row.to_string(),
                    outcome: match o.outcome {
                        Some(outcome) => outcome.word(),
                        None if o.posted => "processed",
                        None => "error",
                    },
                    reason: o.reason,
                    at: o.at.to_string(),
                })
                .collect(),
        }
    }
}

/// Runs of a batch that are looked through for the newest that posts.
const RUNS_MAX: usize = 50;

fn batch_view(ledger: &Ledger<'_>, face: &Face, record: Record<Batch>) -> Result<BatchView, StoreError> {
    let batch = record.value;
    let rows = ledger.batch_rows(batch.id)?;
    // How far the batch is follows from what was posted, not from what was looked for.
    let runs = ledger.runs_of(batch.id, RUNS_MAX)?.into_iter().map(|record| record.value);
    let mut newer: Vec<ProcessRun> = Vec::new();
    let mut run = None;
    for one in runs {
        if one.kind == RunKind::Process {
            run = Some(one);
            break;
        }
        newer.push(one);
    }
    let match_run = newer.into_iter().next();
    Ok(BatchView {
        id: batch.id.to_string(),
        name: batch.name,
        source: batch.source,
        status: rows.status(run.as_ref().map(|run| run.status)).word(),
        created_at: batch.created_at.to_string(),
        updated_at: record.recorded.to_string(),
        version: record.seq.0,
        totals: totals(&rows.totals),
        rows: RowsView { total: rows.total(), counts: CountsView::of(|status| Ok(rows.count(status)))? },
        expected_count: batch.expected_count,
        expected_amount: batch.expected_amount.map(MoneyView::from),
        defaults: CodingView::of(ledger, face, &batch.defaults)?,
        run: run.map(RunView::from),
        match_run: match_run.map(RunView::from),
    })
}

/// A batch that was made, in its envelope.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedBatch {
    data: CreatedBatchData,
    meta: AsOf,
}

/// The batch that was made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedBatchData {
    create_gift_batch: BatchView,
}

/// A batch in its envelope.
#[derive(Debug, Serialize, ToSchema)]
pub struct OneBatch {
    data: OneBatchData,
    meta: AsOf,
}

/// A batch.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OneBatchData {
    gift_batch: BatchView,
}

/// Batches, newest change first.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchList {
    data: BatchListData,
    meta: ListMeta,
}

/// Batches.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchListData {
    gift_batches: Vec<BatchView>,
}

/// A run in its envelope.
#[derive(Debug, Serialize, ToSchema)]
pub struct OneRun {
    data: OneRunData,
    meta: AsOf,
}

/// A run.
#[derive(Debug, Serialize, ToSchema)]
pub struct OneRunData {
    run: RunView,
}

/// A batch and its run.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchAndRun {
    data: BatchAndRunData,
    meta: AsOf,
}

/// A batch and its run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchAndRunData {
    gift_batch: BatchView,
    run: RunView,
}

/// Makes a batch and puts rows into it.
#[utoipa::path(post, path = "/api/fundraising/gift-batches", tag = "Batches", request_body = Object,
    responses((status = 200, body = CreatedBatch), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn create(
    State(face): State<Face>,
    known: Known,
    bytes: Bytes,
) -> Result<Json<CreatedBatch>, Problem> {
    let mut body = Reader::new(&bytes)?;
    let name = body.text("name");
    if name.is_none() {
        body.wrong("name", "Give the batch a name.");
    }
    let rows: Vec<StagedId> = body.uuids("rowIds").into_iter().map(StagedId).collect();
    if rows.len() > ROWS_MAX {
        body.wrong("rowIds", format!("At most {ROWS_MAX} rows in one request."));
    }
    let source = body.text("source").unwrap_or_else(|| "manual_ui".into());
    let (expected_count, expected_amount) = (body.count("expectedCount"), body.money("expectedAmount"));
    let defaults = Coding::default().edited(coding_defaults(&mut body));
    let new = body.finish(name.map(|name| NewBatch {
        name,
        source,
        expected_count,
        expected_amount,
        defaults,
        rows,
    }))?;
    let id = face.desk.create_batch(&known.asked, new).await?;
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let record = ledger.batch(id)?.ok_or_else(|| Problem::not_found("batch"))?;
    let data = CreatedBatchData { create_gift_batch: batch_view(&ledger, &face, record)? };
    Ok(Json(CreatedBatch { data, meta: AsOf { as_of: snapshot.as_of().to_string() } }))
}

/// Batches, newest change first.
#[utoipa::path(get, path = "/api/fundraising/gift-batches", tag = "Batches", params(("limit" = Option<String>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = BatchList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn list(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Json<BatchList>, Problem> {
    params.only(&["limit", "cursor"])?;
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let page = ledger.newest(
        ConnectionId::HERE,
        Object::GiftBatch,
        SubjectState::Live,
        params.cursor()?.as_deref(),
        params.limit()?,
    )?;
    let mut gift_batches = Vec::with_capacity(page.items.len());
    for item in page.items {
        let batch = item.key.uuid().map(|id| ledger.batch(BatchId(id))).transpose()?.flatten();
        if let Some(batch) = batch {
            gift_batches.push(batch_view(&ledger, &face, batch)?);
        }
    }
    let total = ledger.object_count(ConnectionId::HERE, Object::GiftBatch, SubjectState::Live)?;
    let next_cursor = page.next.as_deref().map(cursor);
    let meta = ListMeta {
        has_more: next_cursor.is_some(),
        next_cursor,
        total: Some(total),
        as_of: snapshot.as_of().to_string(),
        freshness: None,
    };
    Ok(Json(BatchList { data: BatchListData { gift_batches }, meta }))
}

/// One batch with its newest run.
#[utoipa::path(get, path = "/api/fundraising/gift-batches/{id}", tag = "Batches", params(("id" = String, Path)),
    responses((status = 200, body = OneBatch), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn one(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
) -> Result<Tagged<OneBatch>, Problem> {
    answer(&face, &known, known_id(&id, "batch")?)
}

fn answer(face: &Face, known: &Known, batch: BatchId) -> Result<Tagged<OneBatch>, Problem> {
    let snapshot = known.snapshot(face)?;
    let ledger = snapshot.ledger();
    let record = ledger.batch(batch)?.ok_or_else(|| Problem::not_found("batch"))?;
    let version = record.seq.0;
    let data = OneBatchData { gift_batch: batch_view(&ledger, face, record)? };
    Ok(Tagged(version, OneBatch { data, meta: AsOf { as_of: snapshot.as_of().to_string() } }))
}

/// The defaults of a batch: only appeal, source and fund have one (domain 1.4).
fn coding_defaults(body: &mut Reader) -> CodingEdit {
    CodingEdit {
        appeal: body.id_patch("defaultAppealId", AppealId),
        appeal_source: body.id_patch("defaultAppealSourceId", AppealSourceId),
        fund: body.id_patch("defaultFundId", FundId),
        ..CodingEdit::default()
    }
}

/// Changes a batch: name, what the sender counted and summed up, defaults.
#[utoipa::path(patch, path = "/api/fundraising/gift-batches/{id}", tag = "Batches", request_body = Object, params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = OneBatch), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn edit(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Tagged<OneBatch>, Problem> {
    const KNOWN: [&str; 6] = [
        "name",
        "expectedCount",
        "expectedAmount",
        "defaultAppealId",
        "defaultAppealSourceId",
        "defaultFundId",
    ];
    let batch: BatchId = known_id(&id, "batch")?;
    let mut body = Reader::new(&bytes)?;
    body.own_members(&KNOWN);
    let name = match body.text_patch("name", Patch::Clear) {
        Patch::Keep => None,
        Patch::Set(name) => Some(name),
        Patch::Clear => {
            body.wrong("name", "A batch has a name; type another one.");
            None
        }
    };
    let edit = BatchEdit {
        name,
        expected_count: body.count_patch("expectedCount"),
        expected_amount: body.money_patch("expectedAmount"),
        defaults: coding_defaults(&mut body),
    };
    let edit = body.finish(Some(edit))?;
    face.desk.edit_batch(&known.asked, batch, edit, if_match(&headers)?).await?;
    answer(&face, &known, batch)
}

/// Pauses a run, lets it go on, or stops it.
#[utoipa::path(patch, path = "/api/fundraising/gift-batches/{id}/process/{runId}", tag = "Batches", request_body = Object, params(("id" = String, Path), ("runId" = String, Path)),
    responses((status = 200, body = OneRun), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn steer(
    State(face): State<Face>,
    known: Known,
    Path((id, run)): Path<(String, String)>,
    bytes: Bytes,
) -> Result<Json<OneRun>, Problem> {
    let (batch, run): (BatchId, RunId) = (known_id(&id, "batch")?, known_id(&run, "run")?);
    let mut body = Reader::new(&bytes)?;
    let wish = match body.text("wish").as_deref() {
        Some("go") => Some(Wish::Go),
        Some("pause") => Some(Wish::Pause),
        Some("cancel") => Some(Wish::Cancel),
        _ => {
            body.wrong("wish", "wish must be go, pause or cancel.");
            None
        }
    };
    let wish = body.finish(wish)?;
    // A run is steered under its own batch only.
    run_answer(&face, &known, batch, (run, RunKind::Process))?;
    face.desk.steer_run(&known.asked, run, wish).await?;
    run_answer(&face, &known, batch, (run, RunKind::Process)).map(Json)
}

/// Starts the process run of a batch, or answers with the active one.
#[utoipa::path(post, path = "/api/fundraising/gift-batches/{id}/process", tag = "Batches", request_body = Object, params(("id" = String, Path)),
    responses((status = 200, body = OneRun), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn process(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Result<Json<OneRun>, Problem> {
    let batch: BatchId = known_id(&id, "batch")?;
    let (max_rows, plan) = if bytes.is_empty() {
        (None, None)
    } else {
        let mut body = Reader::new(&bytes)?;
        let wanted = (body.at_least_one("maxRows"), body.number("plan"));
        body.finish(Some(wanted))?
    };
    let run = face.desk.process_as_planned(&known.asked, batch, max_rows, plan).await?;
    run_answer(&face, &known, batch, (run, RunKind::Process)).map(Json)
}

/// A run under its own batch and address.
pub(super) fn run_answer(
    face: &Face,
    known: &Known,
    batch: BatchId,
    (run, kind): (RunId, RunKind),
) -> Result<OneRun, Problem> {
    let snapshot = known.snapshot(face)?;
    let found = snapshot.ledger().run(run)?.map(|record| record.value);
    let found = found.filter(|run| run.batch == batch && run.kind == kind);
    let run = found.ok_or_else(|| Problem::not_found("run"))?;
    Ok(OneRun { data: OneRunData { run: run.into() }, meta: AsOf { as_of: snapshot.as_of().to_string() } })
}

/// One run of a batch.
#[utoipa::path(get, path = "/api/fundraising/gift-batches/{id}/process/{runId}", tag = "Batches", params(("id" = String, Path), ("runId" = String, Path)),
    responses((status = 200, body = OneRun), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn run(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path((id, run)): Path<(String, String)>,
) -> Result<Json<OneRun>, Problem> {
    run_answer(&face, &known, known_id(&id, "batch")?, (known_id(&run, "run")?, RunKind::Process)).map(Json)
}

/// Puts every ready row that is in no batch into a new one and starts its run.
#[utoipa::path(post, path = "/api/fundraising/gift-staging/process-ready", tag = "Batches",
    responses((status = 200, body = BatchAndRun), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn process_ready(
    State(face): State<Face>,
    known: Known,
) -> Result<Json<BatchAndRun>, Problem> {
    let (batch, run) = face.desk.process_ready(&known.asked).await?;
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let gift_batch = ledger.batch(batch)?.ok_or_else(|| Problem::not_found("batch"))?;
    let run = ledger.run(run)?.ok_or_else(|| Problem::not_found("run"))?;
    let data = BatchAndRunData { gift_batch: batch_view(&ledger, &face, gift_batch)?, run: run.value.into() };
    Ok(Json(BatchAndRun { data, meta: AsOf { as_of: snapshot.as_of().to_string() } }))
}
