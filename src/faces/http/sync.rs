//! Sync: how old and how complete the mirror of each object is, and what a person may ask of it. No remote call.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Known;
use super::body::Reader;
use super::params::{NoParams, Params, cursor};
use super::problem::Problem;
use super::wire::{FreshnessView, ListMeta};
use super::{Budgeted, Face};
use crate::desk::hooks::waiting;
use crate::ground::budget::Standing;
use crate::ground::crm::record_url;
use crate::ground::id::{ConnectionId, Object};
use crate::ground::journal::SubjectState;
use crate::ground::mirror::{Count, Freshness, MirrorState, Proof};
use crate::ground::provision::{Lack, lacks};
use crate::ground::quarantine::Quarantined;
use crate::ground::time::Instant;
use crate::ground::webhook::twenty::Hook;
use crate::ground::workspace::Workspace;
use crate::store::{Ledger, StoreError};

/// How old and how complete everything is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncView {
    as_of: String,
    /// How often a pass is promised, in milliseconds.
    every_ms: i64,
    twenty: ServerView,
    objects: Vec<ObjectView>,
    /// Objects of the workspace that could be switched on.
    others: Vec<OtherView>,
    webhook: HookView,
    /// What the workspace lacks of the wanted data model; nothing as long as it was never read.
    lacks: Vec<LackView>,
    /// Records set aside since they cannot be read.
    quarantined: u64,
    /// How our calls stand; absent where nothing calls Twenty.
    budget: Option<CallsView>,
    /// Fields changed here and in Twenty wait for a decision in so many records.
    conflicts: u64,
    /// Changes made here that are not in Twenty, those in conflict and those refused included.
    edits: u64,
}

/// The server.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerView {
    url: String,
    /// Its version, where it tells.
    version: Option<String>,
    /// When its objects and fields were found changed last.
    model_read_at: Option<String>,
}

/// The mirror of one object.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectView {
    object: &'static str,
    label: String,
    records: u64,
    deleted: u64,
    pending: u64,
    freshness: FreshnessView,
    paused: bool,
    /// `proven`, `not_proven`, or `never` before the first walk ended.
    completeness: &'static str,
    /// What the last walk showed.
    proof: Option<ProofView>,
    /// Records counted on both sides, when it was done last.
    count: Option<CountView>,
    /// Whether a walk is under way or asked for.
    walking: bool,
    /// Minutes until the walk under way has read everything, where that can be said.
    minutes_left: Option<u64>,
    /// Calls the walk under way has made.
    calls: u64,
    /// Records that webhooks told of and that are not read yet.
    waiting: u64,
    /// Changes that a pass found and no webhook had told of.
    untold: u64,
    /// Changes that webhooks told of.
    told: u64,
}

/// What a walk showed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProofView {
    /// The instant it speaks of.
    as_of: String,
    ended_at: String,
    records: u64,
    calls: u64,
    /// Records the mirror did not have.
    missed: u64,
    /// Records the mirror had otherwise.
    changed: u64,
    /// Records that were gone for good.
    gone: u64,
    /// Why it is not proven.
    reason: Option<String>,
}

/// Records counted on both sides.
#[derive(Debug, Serialize, ToSchema)]
pub struct CountView {
    at: String,
    there: u64,
    here: u64,
}

/// An object that could be switched on.
#[derive(Debug, Serialize, ToSchema)]
pub struct OtherView {
    plural: String,
    label: String,
    on: bool,
}

/// How our calls to Twenty stand.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallsView {
    /// Calls a minute that we make at most in the long run.
    per_minute: u32,
    /// The share of Twenty's limits that we take, in per cent.
    share_percent: u32,
    /// Calls that could be made at once.
    available: u32,
    last_hour: Vec<ClassView>,
    /// `open`, `waiting` for the limit, or `shut` since Twenty does not answer or refuses the key.
    state: &'static str,
    /// Why it is shut, in Twenty's words or ours.
    reason: Option<String>,
    /// When calls go out again.
    until: Option<String>,
    /// How long what is to be read would take; none when nothing is.
    forecast: Option<ForecastView>,
    as_of: String,
}

/// Calls of the last hour for one purpose.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClassView {
    /// `person`, `webhook`, `incremental` or `backfill`.
    class: &'static str,
    calls: u32,
}

/// What walks still have to read.
#[derive(Debug, Serialize, ToSchema)]
pub struct ForecastView {
    calls: u32,
    seconds: u64,
}

/// Our webhook in Twenty.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookView {
    /// `off` without an address where Twenty could reach us, `registered`, or `missing`.
    state: &'static str,
    url: Option<String>,
    checked_at: Option<String>,
    heard_at: Option<String>,
    heard: u64,
    refused: u64,
    note: Option<String>,
}

/// Something the workspace lacks, or has in a form that cannot be used.
#[derive(Debug, Serialize, ToSchema)]
pub struct LackView {
    /// Plural name of the object in Twenty.
    object: &'static str,
    /// The field by the name records are written with; null when the whole object is missing.
    field: Option<String>,
    /// What people call it.
    label: String,
    /// What does not work without it.
    disables: &'static str,
    /// What stands in the way of adding it, and what to do; null when `almoner twenty provision` adds it.
    reason: Option<String>,
}

/// A record that was set aside.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuarantineView {
    id: String,
    object: String,
    record: Option<String>,
    reason: String,
    since: String,
    url: Option<String>,
}

/// Records that were set aside, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuarantineList {
    data: Vec<QuarantineView>,
    meta: ListMeta,
}

/// What to do with an object's mirror.
#[derive(Debug, Serialize, ToSchema)]
pub struct SyncChange {
    /// Whether its passes and walks rest.
    paused: bool,
}

/// Which further object is mirrored.
#[derive(Debug, Serialize, ToSchema)]
pub struct OtherChange {
    /// Its plural name in Twenty.
    plural: String,
    /// Whether it is mirrored.
    on: bool,
}

impl From<&Proof> for ProofView {
    fn from(proof: &Proof) -> Self {
        Self {
            as_of: proof.as_of.to_string(),
            ended_at: proof.ended_at.to_string(),
            records: proof.records,
            calls: proof.calls,
            missed: proof.drift.missed,
            changed: proof.drift.changed,
            gone: proof.drift.gone,
            reason: proof.not_proven.clone(),
        }
    }
}

impl From<Count> for CountView {
    fn from(count: Count) -> Self {
        Self { at: count.at.to_string(), there: count.there, here: count.here }
    }
}

const fn completeness(state: &MirrorState) -> &'static str {
    match &state.proof {
        None => "never",
        Some(Proof { not_proven: None, .. }) => "proven",
        Some(_) => "not_proven",
    }
}

/// From what was read so far in the time it took.
fn minutes_left(state: &MirrorState, face: &Face) -> Option<u64> {
    let walk = state.walk.as_ref().filter(|walk| walk.done > 0)?;
    let total = walk.total.filter(|total| *total > walk.done)?;
    let passed_ms = u64::try_from(face.desk.world.now().micros_since(walk.began_at) / 1_000).ok()?;
    Some((passed_ms * (total - walk.done)).div_ceil(walk.done * 60_000))
}

fn objects(ledger: &Ledger<'_>, workspace: &Workspace, face: &Face) -> Result<Vec<ObjectView>, StoreError> {
    let waiting = waiting(ledger)?;
    let view = |object: Object| {
        let state = ledger.mirror_state(ConnectionId::TWENTY, object)?;
        let count = |wanted| ledger.object_count(ConnectionId::TWENTY, object, wanted);
        Ok(ObjectView {
            object: object.word(),
            label: workspace.label(object),
            records: count(SubjectState::Live)?,
            deleted: count(SubjectState::Deleted)?,
            pending: count(SubjectState::Pending)?,
            freshness: FreshnessView::new(&state, face.desk.world.now(), face.info.sync_every_ms),
            paused: state.paused,
            completeness: completeness(&state),
            proof: state.proof.as_ref().map(ProofView::from),
            count: state.count.map(CountView::from),
            walking: state.walk.is_some() || state.walk_asked_at.is_some(),
            minutes_left: minutes_left(&state, face),
            calls: state.walk.as_ref().map_or(0, |walk| walk.calls),
            waiting: waiting.get(&object).copied().unwrap_or_default(),
            untold: state.untold.missed,
            told: state.untold.told,
        })
    };
    workspace.mirrored().into_iter().map(|(object, _)| view(object)).collect()
}

/// Records of a page (contract 1.3).
const PAGE: u64 = 200;

/// Calls that the walks under way have before them, as far as Twenty has told how much there is.
fn calls_left(ledger: &Ledger<'_>, workspace: &Workspace) -> Result<u32, StoreError> {
    let mut calls = 0;
    for (object, _) in workspace.mirrored() {
        let walk = ledger.mirror_state(ConnectionId::TWENTY, object)?.walk;
        let left = walk.and_then(|walk| Some(walk.total?.saturating_sub(walk.done)));
        calls += left.unwrap_or_default().div_ceil(PAGE);
    }
    Ok(u32::try_from(calls).unwrap_or(u32::MAX))
}

fn calls_view(budget: &Budgeted, calls: u32, now: Instant) -> CallsView {
    let (view, forecast) = budget(calls);
    let shut = view.breaker != Standing::Closed;
    let state = match (shut, view.tokens) {
        (true, _) => "shut",
        (false, 0) => "waiting",
        (false, _) => "open",
    };
    let last = view.calls_last_hour;
    let classes = [
        ("person", last.person),
        ("webhook", last.webhook),
        ("incremental", last.incremental),
        ("backfill", last.backfill),
    ];
    CallsView {
        per_minute: view.per_minute,
        share_percent: view.share_percent,
        available: view.tokens,
        last_hour: classes.map(|(class, calls)| ClassView { class, calls }).into(),
        state,
        reason: view.said.filter(|_| shut),
        until: view.shut_until.filter(|until| *until > now).map(|until| until.to_string()),
        forecast: (calls > 0).then_some(ForecastView { calls, seconds: forecast.seconds }),
        as_of: now.to_string(),
    }
}

fn hook_view(hook: Hook, held: u64) -> HookView {
    let state = match (hook.url.is_empty(), hook.id) {
        (true, _) => "off",
        (false, Some(_)) => "registered",
        (false, None) => "missing",
    };
    HookView {
        state,
        url: Some(hook.url).filter(|url| !url.is_empty()),
        checked_at: hook.checked_at.map(|at| at.to_string()),
        heard_at: hook.heard_at.map(|at| at.to_string()),
        heard: hook.heard,
        refused: hook.refused + held,
        note: hook.trouble,
    }
}

fn lacking(workspace: &Workspace) -> Vec<LackView> {
    let lacks = workspace.schema.as_ref().map(lacks).unwrap_or_default();
    let view = |Lack { object, field, label, disables, why }| LackView {
        object,
        field,
        label,
        disables,
        reason: why,
    };
    lacks.into_iter().map(view).collect()
}

fn others(workspace: &Workspace) -> Vec<OtherView> {
    let on = |plural: &str| workspace.places.values().any(|place| place.on && place.names.plural == plural);
    let view = |(plural, object): (&String, &crate::ground::workspace::ObjectSchema)| OtherView {
        plural: plural.clone(),
        label: Some(object.label_plural.clone())
            .filter(|label| !label.is_empty())
            .unwrap_or_else(|| plural.clone()),
        on: on(plural),
    };
    workspace.others().into_iter().map(view).collect()
}

/// How old and how complete the mirror of each object is.
#[utoipa::path(get, path = "/api/sync", tag = "Sync", responses((status = 200, body = SyncView), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn sync(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
) -> Result<Json<SyncView>, Problem> {
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let workspace = ledger.workspace(ConnectionId::TWENTY)?;
    Ok(Json(SyncView {
        as_of: snapshot.as_of().to_string(),
        every_ms: face.info.sync_every_ms,
        twenty: ServerView {
            url: face.info.twenty_url.clone(),
            version: workspace.version.clone(),
            model_read_at: workspace.read_at.map(|at| at.to_string()),
        },
        objects: objects(&ledger, &workspace, &face)?,
        others: others(&workspace),
        webhook: hook_view(ledger.hook(ConnectionId::TWENTY)?, face.desk.refused.held()),
        lacks: lacking(&workspace),
        budget: match &face.budget {
            Some(budget) => {
                let left = calls_left(&ledger, &workspace)?;
                Some(calls_view(budget, left, face.desk.world.now()))
            }
            None => None,
        },
        quarantined: ledger.object_count(ConnectionId::HERE, Object::Quarantine, SubjectState::Live)?,
        conflicts: ledger.object_count(ConnectionId::HERE, Object::Conflict, SubjectState::Live)?,
        edits: ledger.object_count(ConnectionId::HERE, Object::Edit, SubjectState::Live)?,
    }))
}

/// Asks for a pass over everything that is mirrored.
#[utoipa::path(post, path = "/api/sync", tag = "Sync", responses((status = 202), (status = 401, body = Problem), (status = 403, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn sync_now(State(face): State<Face>, known: Known) -> Result<StatusCode, Problem> {
    face.desk.sync_now(&known.asked).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Whether this process can be relied on: the ledger answers, and people and gifts are not stale. For monitors; says no
/// more than that.
#[utoipa::path(get, path = "/readyz", tag = "Sync", responses((status = 200, description = "Ready"), (status = 503, description = "The ledger does not answer, or people or gifts are stale or were never read")), security(()))]
pub(super) async fn ready(State(face): State<Face>) -> (StatusCode, Json<serde_json::Value>) {
    let states = face.desk.store.snapshot().and_then(|snapshot| {
        let state = |object| snapshot.ledger().mirror_state(ConnectionId::TWENTY, object);
        Ok([(Object::People, state(Object::People)?), (Object::Gifts, state(Object::Gifts)?)])
    });
    let Ok(states) = states else {
        let down = serde_json::json!({ "status": "unavailable", "reason": "the ledger does not answer" });
        return (StatusCode::SERVICE_UNAVAILABLE, Json(down));
    };
    let now = face.desk.world.now();
    let ages = states.map(|(object, state)| (object, state.freshness(now, face.info.sync_every_ms)));
    let ready = ages.iter().all(|(_, age)| matches!(age, Freshness::Fresh | Freshness::Late));
    let told: serde_json::Map<String, serde_json::Value> =
        ages.iter().map(|(object, age)| (object.word().to_owned(), age.word().into())).collect();
    let (code, word) =
        if ready { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not_ready") };
    (code, Json(serde_json::json!({ "status": word, "mirror": told })))
}

fn mirrored(word: &str) -> Result<Object, Problem> {
    Object::from_word(word).filter(|object| object.is_mirrored()).ok_or(Problem::not_found("mirrored object"))
}

/// Asks for a walk over one object: every record is read, and the mirror proven complete or not.
#[utoipa::path(post, path = "/api/sync/{object}/sweep", tag = "Sync", params(("object" = String, Path)), responses((status = 202), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn sweep(
    State(face): State<Face>,
    known: Known,
    Path(object): Path<String>,
) -> Result<StatusCode, Problem> {
    face.desk.sweep(&known.asked, mirrored(&object)?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Pauses the passes and walks of one object, or lets them go on.
#[utoipa::path(patch, path = "/api/sync/{object}", tag = "Sync", params(("object" = String, Path)), request_body = SyncChange, responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn change(
    State(face): State<Face>,
    known: Known,
    Path(object): Path<String>,
    bytes: Bytes,
) -> Result<StatusCode, Problem> {
    let object = mirrored(&object)?;
    let mut body = Reader::new(&bytes)?;
    let paused = body.truth("paused");
    let paused = body.finish(paused)?;
    face.desk.pause_sync(&known.asked, object, paused).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Switches the mirror of a further object of the workspace on or off; what was mirrored stays.
#[utoipa::path(post, path = "/api/sync/objects", tag = "Sync", request_body = OtherChange, responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn switch(
    State(face): State<Face>,
    known: Known,
    bytes: Bytes,
) -> Result<StatusCode, Problem> {
    let mut body = Reader::new(&bytes)?;
    let (plural, on) = (body.text("plural"), body.truth("on"));
    if plural.is_none() {
        body.wrong("plural", "Name the object by its plural name in Twenty.");
    }
    let (plural, on) = body.finish(plural.zip(on))?;
    face.desk.switch_object(&known.asked, plural, on).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Records that were set aside since they cannot be read as what they are, newest first.
#[utoipa::path(get, path = "/api/sync/quarantine", tag = "Sync", params(("limit" = Option<String>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = QuarantineList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn quarantine(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Json<QuarantineList>, Problem> {
    params.only(&["limit", "cursor"])?;
    let (limit, after) = (params.limit()?, params.cursor()?);
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let (here, object) = (ConnectionId::HERE, Object::Quarantine);
    let page = ledger.newest(here, object, SubjectState::Live, after.as_deref(), limit)?;
    let total = ledger.object_count(here, object, SubjectState::Live)?;
    let view = |record: crate::store::Record<String>| {
        let issue: Quarantined = serde_json::from_str(&record.value).ok()?;
        let kind = Object::from_word(&issue.object);
        Some(QuarantineView {
            id: record.key.foreign.to_string(),
            url: kind.zip(issue.record).and_then(|(kind, id)| record_url(&face.info.twenty_url, kind, id)),
            object: issue.object,
            record: issue.record.map(|id| id.to_string()),
            reason: issue.reason,
            since: issue.since.to_string(),
        })
    };
    let next_cursor = page.next.as_deref().map(cursor);
    Ok(Json(QuarantineList {
        data: page.items.into_iter().filter_map(view).collect(),
        meta: ListMeta {
            has_more: next_cursor.is_some(),
            next_cursor,
            total: Some(total),
            as_of: snapshot.as_of().to_string(),
            freshness: None,
        },
    }))
}
