//! Merges in Twenty: asked for, shown, agreed to, taken back. A run makes the calls.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::auth::Known;
use super::super::journal::who_name;
use super::super::params::{NoParams, Params, cursor};
use super::super::problem::Problem;
use super::super::wire::ListMeta;
use super::super::{Face, known_id};
use super::asks::read;
use super::links::EndView;
use crate::ground::id::{ConnectionId, Object, PersonId};
use crate::ground::journal::SubjectState;
use crate::ground::links::Who;
use crate::ground::merge::{Merge, MergeState};
use crate::store::{Ledger, StoreError};

/// A merge.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MergeView {
    id: String,
    /// Who stays.
    keep: EndView,
    /// Who becomes part of them.
    lose: Vec<EndView>,
    /// `previewing`, `previewed` (waits for a yes), `wanted`, `sent`, `checking`, `done`, `refused` or `withdrawn`.
    state: &'static str,
    /// What would come of it, once Twenty has said.
    preview: Option<MergePreview>,
    /// What is in the way, or why it is refused.
    note: Option<String>,
    /// Gifts that did not come along.
    lost_gifts: Vec<String>,
    withdrawable: bool,
    who: String,
    at: String,
    done_at: Option<String>,
}

/// What would come of a merge.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MergePreview {
    /// The record that would be left, as Twenty says; its id is invented there.
    #[schema(value_type = Object)]
    record: Option<Box<RawValue>>,
    /// Gifts that become the kept donor's.
    gifts: u64,
    /// Links of tasks and notes that are moved first.
    links: u64,
    /// Gifts waiting that will name the kept donor.
    rows: u64,
    at: String,
}

impl MergeView {
    fn of(ledger: &Ledger<'_>, merge: &Merge) -> Result<Self, StoreError> {
        let preview = merge.preview.as_ref().map(|preview| MergePreview {
            record: RawValue::from_string(preview.record.clone()).ok(),
            gifts: preview.gifts,
            links: preview.links,
            rows: preview.rows,
            at: preview.at.to_string(),
        });
        let (note, done_at) = match &merge.state {
            MergeState::Refused { reason } => (Some(reason.clone()), None),
            MergeState::Done { at } => (merge.note.clone(), Some(at.to_string())),
            _ => (merge.note.clone(), None),
        };
        let end = |person: PersonId| EndView::of(ledger, Who::Person(person));
        Ok(Self {
            id: merge.id.to_string(),
            keep: end(merge.keep)?,
            lose: merge.lose.iter().map(|person| end(*person)).collect::<Result<_, _>>()?,
            state: merge.state.word(),
            preview,
            note,
            lost_gifts: merge.lost.iter().map(ToString::to_string).collect(),
            withdrawable: merge.state.can_withdraw(),
            who: who_name(ledger, &merge.by)?,
            at: merge.at.to_string(),
            done_at,
        })
    }
}

/// One merge.
#[derive(Debug, Serialize, ToSchema)]
pub struct MergeAnswer {
    data: MergeView,
}

/// Merges, the newest change first.
#[derive(Debug, Serialize, ToSchema)]
pub struct MergeList {
    data: Vec<MergeView>,
    meta: ListMeta,
}

/// Who is to be merged.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MergeBody {
    /// Who stays.
    keep_id: String,
    /// One to eight others, who become part of them.
    lose_ids: Vec<String>,
}

fn answer(face: &Face, known: &Known, id: Uuid) -> Result<Json<MergeAnswer>, Problem> {
    let snapshot = known.snapshot(face)?;
    let ledger = snapshot.ledger();
    let merge = ledger.merge(id)?.ok_or_else(|| Problem::not_found("merge"))?;
    Ok(Json(MergeAnswer { data: MergeView::of(&ledger, &merge.value)? }))
}

/// Merges in Twenty, those that changed last first.
#[utoipa::path(get, path = "/api/fundraising/people/merges", tag = "Matching", params(("limit" = Option<String>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = MergeList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(in super::super) async fn merges(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Json<MergeList>, Problem> {
    params.only(&["limit", "cursor"])?;
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let (here, after, limit) = (ConnectionId::HERE, params.cursor()?, params.limit()?);
    let page = ledger.newest(here, Object::Merge, SubjectState::Live, after.as_deref(), limit)?;
    let read = page.items.iter().filter_map(|record| serde_json::from_str::<Merge>(&record.value).ok());
    let data = read.map(|merge| MergeView::of(&ledger, &merge)).collect::<Result<_, _>>()?;
    let next_cursor = page.next.as_deref().map(cursor);
    let as_of = snapshot.as_of().to_string();
    let meta = ListMeta { has_more: next_cursor.is_some(), next_cursor, total: None, as_of, freshness: None };
    Ok(Json(MergeList { data, meta }))
}

/// Asks what would come of merging people in Twenty. Nothing is changed by it; the answer comes with `preview` once Twenty
/// has said.
#[utoipa::path(post, path = "/api/fundraising/people/merges", tag = "Matching", request_body = MergeBody,
    responses((status = 200, body = MergeAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn ask(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    bytes: Bytes,
) -> Result<Json<MergeAnswer>, Problem> {
    let body: MergeBody = read(&bytes)?;
    let keep: PersonId = known_id(&body.keep_id, "donor")?;
    let lose = body.lose_ids.iter().map(|id| known_id(id, "donor")).collect::<Result<Vec<PersonId>, _>>()?;
    let id = face.desk.ask_merge(&known.asked, keep, lose).await?;
    answer(&face, &known, id)
}

/// One merge.
#[utoipa::path(get, path = "/api/fundraising/people/merges/{id}", tag = "Matching", params(("id" = String, Path)),
    responses((status = 200, body = MergeAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in super::super) async fn merge(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
) -> Result<Json<MergeAnswer>, Problem> {
    answer(&face, &known, known_id(&id, "merge")?)
}

/// Says yes to a merge as it was shown. It is made at once, or shown again if a record changed since.
#[utoipa::path(post, path = "/api/fundraising/people/merges/{id}/confirm", tag = "Matching", params(("id" = String, Path)),
    responses((status = 200, body = MergeAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn confirm(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
) -> Result<Json<MergeAnswer>, Problem> {
    let id = known_id(&id, "merge")?;
    face.desk.confirm_merge(&known.asked, id).await?;
    answer(&face, &known, id)
}

/// Takes a merge back that is not on its way yet.
#[utoipa::path(delete, path = "/api/fundraising/people/merges/{id}", tag = "Matching", params(("id" = String, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn withdraw(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    face.desk.withdraw_merge(&known.asked, known_id(&id, "merge")?).await?;
    Ok(StatusCode::NO_CONTENT)
}
