//! The queue of staged rows: its pages, its ids, and what is done to many rows at once (domain 3.3).

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use super::Face;
use super::auth::Known;
use super::body;
use super::params::{Params, cursor};
use super::problem::Problem;
use super::row::{StagedRowView, listed_row_view};
use super::shapes::MarkManyBody;
use crate::desk::gifts::Mark;
use crate::ground::id::{BatchId, StagedId};
use crate::ground::staging::Status;
use crate::store::{QueueAsk, QueueFound, QueueFrom, QueueOrder, StoreError};

/// Rows that one request marks at most.
const MANY_MAX: usize = 500;

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

/// The ids of a list, in its order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueIdsAnswer {
    data: Vec<String>,
    meta: QueueIdsMeta,
}

/// `meta` of the ids.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueIdsMeta {
    as_of: String,
}

/// What became of each row.
#[derive(Debug, Serialize, ToSchema)]
pub struct MarkedAnswer {
    data: Vec<MarkedView>,
}

/// What became of one row.
#[derive(Debug, Serialize, ToSchema)]
pub struct MarkedView {
    id: String,
    /// Whether it stands as wanted now.
    done: bool,
    /// Why not, and what to do; absent when it does.
    message: Option<String>,
}

const PARAMETERS: [&str; 8] =
    ["status", "giftBatchId", "intakeSource", "search", "sort", "limit", "cursor", "offset"];

fn asked(params: &Params) -> Result<QueueAsk, Problem> {
    let (order, down) = params.parsed("sort", order)?.unwrap_or((QueueOrder::Received, true));
    Ok(QueueAsk {
        statuses: params.parsed("status", statuses)?.unwrap_or_default(),
        batch: params.parsed("giftBatchId", |text| text.parse::<BatchId>().ok())?,
        source: params.get("intakeSource").map(str::to_owned),
        search: params.get("search").map(str::to_lowercase),
        order,
        down,
    })
}

/// The queue.
#[utoipa::path(get, path = "/api/fundraising/gift-staging", tag = "Staged rows",
    params(("status" = Option<String>, Query), ("giftBatchId" = Option<String>, Query), ("intakeSource" = Option<String>, Query), ("search" = Option<String>, Query),
        ("sort" = Option<String>, Query), ("limit" = Option<String>, Query), ("cursor" = Option<String>, Query), ("offset" = Option<String>, Query)),
    responses((status = 200, body = QueueAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn list(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Json<QueueAnswer>, Problem> {
    params.only(&PARAMETERS)?;
    let (ask, limit) = (asked(&params)?, params.limit()?);
    let after = params.cursor()?.map(|bytes| bytes.try_into().ok().map(QueueFrom::After));
    let skip = params.parsed("offset", |text| text.parse::<usize>().ok())?.map(QueueFrom::Skip);
    let from = match (after, skip) {
        (None, skip) => skip.unwrap_or(QueueFrom::Skip(0)),
        (Some(Some(after)), None) => after,
        (Some(None), _) => return Err(Problem::field("cursor", "This cursor is of another list.")),
        (Some(_), Some(_)) => {
            return Err(Problem::field("offset", "Give either a cursor or an offset, not both."));
        }
    };
    loop {
        let page = page(&face, &known, &ask, (from, limit))?;
        if let Some(page) = page {
            return Ok(Json(page));
        }
        tokio::task::yield_now().await;
    }
}

/// A page; none while there is more to read first than fits in one go.
fn page(
    face: &Face,
    known: &Known,
    ask: &QueueAsk,
    (from, limit): (QueueFrom, usize),
) -> Result<Option<QueueAnswer>, Problem> {
    let snapshot = known.snapshot(face)?;
    let ledger = snapshot.ledger();
    let Some(found) = face.queue.ask(&ledger, ask, from, limit)? else { return Ok(None) };
    let now = face.desk.world.now();
    let mut data = Vec::with_capacity(found.rows.len());
    for row in &found.rows {
        if let Some(record) = ledger.staged(*row)? {
            data.push(listed_row_view(&ledger, face, record, now)?);
        }
    }
    let meta = meta(&found, snapshot.as_of().to_string())?;
    Ok(Some(QueueAnswer { data, meta }))
}

fn meta(found: &QueueFound, as_of: String) -> Result<QueueMeta, StoreError> {
    Ok(QueueMeta {
        has_more: found.next.is_some(),
        next_cursor: found.next.as_ref().map(|place| cursor(place)),
        total: found.total,
        as_of,
        counts: CountsView::of(|status| Ok(found.counts.get(&status).copied().unwrap_or(0)))?,
        ready_outside_batches: found.ready_outside_batches,
    })
}

/// The ids of a whole list in its order: what "select all" selects.
#[utoipa::path(get, path = "/api/fundraising/gift-staging/ids", tag = "Staged rows",
    params(("status" = Option<String>, Query), ("giftBatchId" = Option<String>, Query), ("intakeSource" = Option<String>, Query), ("search" = Option<String>, Query),
        ("sort" = Option<String>, Query)),
    responses((status = 200, body = QueueIdsAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn ids(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Json<QueueIdsAnswer>, Problem> {
    params.only(&PARAMETERS[..5])?;
    let ask = asked(&params)?;
    loop {
        let found = {
            let snapshot = known.snapshot(&face)?;
            let ids = face.queue.ids(&snapshot.ledger(), &ask)?;
            ids.map(|ids| (ids, snapshot.as_of().to_string()))
        };
        if let Some((ids, as_of)) = found {
            let data = ids.into_iter().map(|id| id.to_string()).collect();
            return Ok(Json(QueueIdsAnswer { data, meta: QueueIdsMeta { as_of } }));
        }
        tokio::task::yield_now().await;
    }
}

/// Marks many rows ready, back to review, or discarded: each by itself, and what became of each is told.
#[utoipa::path(post, path = "/api/fundraising/gift-staging/status", tag = "Staged rows", request_body = MarkManyBody,
    responses((status = 200, body = MarkedAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn mark_many(
    State(face): State<Face>,
    known: Known,
    bytes: Bytes,
) -> Result<Json<MarkedAnswer>, Problem> {
    let mut body = body::Reader::new(&bytes)?;
    let ids: Vec<StagedId> = body.uuids("ids").into_iter().map(StagedId).collect();
    if ids.is_empty() || ids.len() > MANY_MAX {
        body.wrong("ids", format!("ids must hold between 1 and {MANY_MAX} ids."));
    }
    let mark = mark(&mut body);
    let mark = body.finish(mark)?;
    let told = face.desk.mark_rows(&known.asked, ids, mark).await?;
    let view = |(id, outcome): (StagedId, Result<(), _>)| {
        let refused = outcome.err().map(|refusal| Problem::from(refusal).first());
        MarkedView { id: id.to_string(), done: refused.is_none(), message: refused }
    };
    Ok(Json(MarkedAnswer { data: told.into_iter().map(view).collect() }))
}

/// What is wanted of rows.
pub(super) fn mark(body: &mut body::Reader) -> Option<Mark> {
    match body.text("processingStatus").as_deref() {
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
    }
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

fn order(text: &str) -> Option<(QueueOrder, bool)> {
    let (field, direction) = text.split_once(':')?;
    let order = match field {
        "createdAt" => QueueOrder::Received,
        "updatedAt" => QueueOrder::Changed,
        "amount.amountMicros" => QueueOrder::Amount,
        "giftDate" => QueueOrder::GiftDate,
        _ => return None,
    };
    match direction {
        "asc" => Some((order, false)),
        "desc" => Some((order, true)),
        _ => None,
    }
}
