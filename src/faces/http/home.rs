//! Home: what needs a person, and how old everything is. No remote call.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Face;
use super::auth::Known;
use super::batches::RunView;
use super::figures::{self, CameInView, NudgeView};
use super::journal::{EntryView, entry_view};
use super::params::NoParams;
use super::problem::Problem;
use super::queue::CountsView;
use super::wire::FreshnessView;
use crate::ground::edit::State as Far;
use crate::ground::id::{ConnectionId, Object, Seq};
use crate::ground::journal::{Actor, SubjectState};
use crate::ground::run::ProcessRun;
use crate::store::{Ledger, StoreError};

/// What is mirrored and shown on Home; the rest is on the sync page.
const ON_HOME: [Object; 2] = [Object::People, Object::Gifts];
/// Runs shown on Home beside the active ones.
const RUNS_MAX: usize = 5;
/// What was done last, at most.
const ACTIVITY_MAX: usize = 8;
/// Entries looked at for it.
const LOOKED_BACK: u64 = 400;

/// Everything on Home.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HomeView {
    as_of: String,
    demo: bool,
    organisation: String,
    time_zone: String,
    staging: CountsView,
    mirror: Vec<MirrorView>,
    needs_me: Vec<NeedView>,
    runs: Vec<RunView>,
    twenty: TwentyView,
    /// What came in this week and month, against last year.
    came_in: CameInView,
    /// What rules found.
    nudges: Vec<NudgeView>,
    /// What people and programs did last.
    activity: Vec<EntryView>,
}

/// The mirror of one object.
#[derive(Debug, Serialize, ToSchema)]
pub struct MirrorView {
    object: &'static str,
    label: &'static str,
    records: u64,
    pending: u64,
    freshness: FreshnessView,
}

/// Something a person must do.
#[derive(Debug, Serialize, ToSchema)]
pub struct NeedView {
    count: u64,
    text: String,
    action: &'static str,
    href: &'static str,
}

/// The CRM.
#[derive(Debug, Serialize, ToSchema)]
pub struct TwentyView {
    url: String,
    /// Whether the last attempt to read brought an answer; absent before the first one.
    reachable: Option<bool>,
    note: Option<String>,
}

const fn label(object: Object) -> &'static str {
    match object {
        Object::People => "People",
        Object::Gifts => "Gifts",
        _ => "Records",
    }
}

fn mirrors(ledger: &Ledger<'_>, face: &Face) -> Result<Vec<MirrorView>, StoreError> {
    let view = |object| {
        Ok(MirrorView {
            object: Object::word(object),
            label: label(object),
            records: ledger.object_count(ConnectionId::TWENTY, object, SubjectState::Live)?,
            pending: ledger.object_count(ConnectionId::TWENTY, object, SubjectState::Pending)?,
            freshness: FreshnessView::of(ledger, face, object)?,
        })
    };
    ON_HOME.into_iter().map(view).collect()
}

fn counted(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// Conflicts, and changes that Twenty did not take.
fn edits_in_need(ledger: &Ledger<'_>) -> Result<(u64, u64), StoreError> {
    let conflicts = ledger.object_count(ConnectionId::HERE, Object::Conflict, SubjectState::Live)?;
    if ledger.object_count(ConnectionId::HERE, Object::Edit, SubjectState::Live)? == 0 {
        return Ok((conflicts, 0));
    }
    let edits = ledger.open_edits()?;
    let refused = edits.iter().filter(|edit| matches!(edit.value.state, Far::Refused { .. })).count();
    Ok((conflicts, refused as u64))
}

fn needs(staging: &CountsView, (conflicts, refused): (u64, u64)) -> Vec<NeedView> {
    let rows = [
        (
            conflicts,
            "record was changed here and in Twenty.",
            "records were changed here and in Twenty.",
            "Decide which value stays.",
            "/sync",
        ),
        (
            refused,
            "change made here was not taken by Twenty.",
            "changes made here were not taken by Twenty.",
            "See why, then dismiss it or make it again.",
            "/sync",
        ),
        (
            staging.process_failed,
            "gift could not be posted.",
            "gifts could not be posted.",
            "See why and try again.",
            "/staging?status=process_failed",
        ),
        (
            staging.pending,
            "gift waits for review.",
            "gifts wait for review.",
            "Check and mark ready.",
            "/staging",
        ),
        (
            staging.ready_for_process,
            "gift is ready to be posted.",
            "gifts are ready to be posted.",
            "Process them.",
            "/staging?status=ready_for_process",
        ),
    ];
    let need =
        |(count, one, many, action, href)| NeedView { count, text: counted(count, one, many), action, href };
    rows.into_iter().filter(|(count, ..)| *count > 0).map(need).collect()
}

/// A good backup that is missing. A demo keeps nothing that would be missed.
fn backup(ledger: &Ledger<'_>, face: &Face) -> Result<Option<NeedView>, StoreError> {
    if face.info.demo {
        return Ok(None);
    }
    let check = super::health::backup(&ledger.backups()?, face.desk.world.now());
    let need = |text| NeedView {
        count: 1,
        text,
        action: "Whoever runs the server can set that right.",
        href: "/settings",
    };
    Ok((!check.is_ok()).then(|| need(check.says)))
}

fn runs(ledger: &Ledger<'_>) -> Result<Vec<RunView>, StoreError> {
    let mut runs: Vec<ProcessRun> = ledger.active_runs()?.into_iter().map(|record| record.value).collect();
    let newest = ledger.newest(ConnectionId::HERE, Object::Run, SubjectState::Live, None, RUNS_MAX)?;
    for record in newest.items {
        let id = record.key.uuid().map(crate::ground::id::RunId);
        let run = id.map(|id| ledger.run(id)).transpose()?.flatten().map(|record| record.value);
        runs.extend(run.filter(|run| !runs.iter().any(|known| known.id == run.id)));
    }
    Ok(runs.into_iter().map(RunView::from).collect())
}

fn twenty(ledger: &Ledger<'_>, face: &Face) -> Result<TwentyView, StoreError> {
    let state = ledger.mirror_state(ConnectionId::TWENTY, Object::People)?;
    let seen = state.complete_as_of.is_some() || state.walk.is_some();
    let reachable = if state.trouble.is_some() { Some(false) } else { seen.then_some(true) };
    Ok(TwentyView { url: face.info.twenty_url.clone(), reachable, note: state.trouble })
}

/// What needs a person, and how old everything is.
#[utoipa::path(get, path = "/api/home", tag = "Home", responses((status = 200, body = HomeView), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn home(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
) -> Result<Json<HomeView>, Problem> {
    loop {
        if let Some(view) = view(&face, &known)? {
            return Ok(Json(view));
        }
        tokio::task::yield_now().await;
    }
}

/// Everything on Home; none while there is more to read first than fits in one go.
fn view(face: &Face, known: &Known) -> Result<Option<HomeView>, Problem> {
    let snapshot = known.snapshot(face)?;
    let ledger = snapshot.ledger();
    let Some((came_in, nudges)) = figures::on_home(&ledger, face)? else { return Ok(None) };
    let staging = CountsView::of(|status| ledger.staged_count(None, status))?;
    Ok(Some(HomeView {
        as_of: snapshot.as_of().to_string(),
        demo: face.info.demo,
        organisation: face.info.organisation.clone(),
        time_zone: face.desk.zone.name().to_owned(),
        needs_me: needs(&staging, edits_in_need(&ledger)?)
            .into_iter()
            .chain(backup(&ledger, face)?)
            .collect(),
        staging,
        mirror: mirrors(&ledger, face)?,
        runs: runs(&ledger)?,
        twenty: twenty(&ledger, face)?,
        came_in,
        nudges,
        activity: activity(&ledger)?,
    }))
}

/// What people and programs did last: what was seen by a sync, and what runs did, is left out.
fn activity(ledger: &Ledger<'_>) -> Result<Vec<EntryView>, StoreError> {
    let last = ledger.last_seq()?.0;
    let mut told = Vec::new();
    for seq in (last.saturating_sub(LOOKED_BACK) + 1..=last).rev() {
        if told.len() == ACTIVITY_MAX {
            break;
        }
        if matches!(
            ledger.header(seq)?.actor,
            Actor::User(_) | Actor::Token(_) | Actor::Operator | Actor::OperatorUid(_)
        ) {
            told.extend(entry_view(ledger, Seq(seq))?);
        }
    }
    Ok(told)
}
