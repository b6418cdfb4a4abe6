//! Is it well? `/livez` says that the process answers, `/healthz` whether something needs an operator, `/metrics` the
//! figures behind both for Prometheus. None of them says anything of people.

use std::fmt::Write;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::IntoResponse;
use http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::Face;
use super::auth::Known;
use super::problem::Problem;
use crate::ground::backup::restored::Restored;
use crate::ground::backup::state::{BackupState, Verdict};
use crate::ground::id::{ConnectionId, Object};
use crate::ground::mirror::Freshness;
use crate::ground::staging::Status;
use crate::ground::time::Instant;
use crate::store::{Ledger, Snapshot, StoreError, Working};

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// As it should be.
    Ok,
    /// An operator should look at it.
    Warning,
    /// It does not work.
    Failing,
}

/// One check.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckView {
    /// What was looked at.
    name: &'static str,
    /// How it stands.
    status: CheckStatus,
    /// What is so, and what to do.
    pub(super) says: String,
}

impl CheckView {
    pub(super) const fn is_ok(&self) -> bool {
        matches!(self.status, CheckStatus::Ok)
    }
}

/// Everything that was looked at.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthView {
    /// The worst of the checks.
    status: CheckStatus,
    /// Each of them; only when asked for with `?verbose`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<CheckView>,
}

/// A moment as an operator reads it: to the minute.
fn minute(at: Instant) -> String {
    format!("{} UTC", at.to_string().get(..16).unwrap_or_default().replace('T', " "))
}

const fn check(name: &'static str, status: CheckStatus, says: String) -> CheckView {
    CheckView { name, status, says }
}

/// How the mirror of people and gifts stands.
fn mirror(ledger: &Ledger<'_>, now: Instant, every_ms: i64) -> Result<CheckView, StoreError> {
    for object in [Object::People, Object::Gifts] {
        let state = ledger.mirror_state(ConnectionId::TWENTY, object)?;
        let age = state.freshness(now, every_ms);
        if !matches!(age, Freshness::Fresh | Freshness::Late) {
            let why = state.trouble.unwrap_or_else(|| "the reading is under way".into());
            let why = why.trim_end_matches('.');
            let says = match age {
                Freshness::Never => {
                    format!("Twenty's {} were not read completely yet: {why}.", object.word())
                }
                _ => format!("What is known of Twenty's {} is older than promised: {why}.", object.word()),
            };
            return Ok(check("mirror", CheckStatus::Warning, says));
        }
    }
    Ok(check("mirror", CheckStatus::Ok, "People and gifts are as fresh as promised.".into()))
}

/// How the backups stand. Used on Home too.
pub(super) fn backup(state: &BackupState, now: Instant) -> CheckView {
    let Some(rhythm) = state.rhythm else {
        let says = "No backups are set up. Write target and recipient under [backup] in the settings file.";
        return check("backup", CheckStatus::Warning, says.into());
    };
    let last = match &state.good {
        Some(good) => format!("the last good one was taken {}", minute(good.taken_at)),
        None => "there never was one".into(),
    };
    match &state.failed {
        Some(failed) => {
            let status =
                if state.is_missing(now, rhythm) { CheckStatus::Failing } else { CheckStatus::Warning };
            check("backup", status, format!("The last backup failed: {}; {last}.", failed.why))
        }
        None if state.is_missing(now, rhythm) => {
            check("backup", CheckStatus::Failing, format!("A backup is missing: {last}."))
        }
        None => check("backup", CheckStatus::Ok, format!("Backups are taken: {last}.")),
    }
}

/// How the drills stand.
pub(super) fn drill(state: &BackupState) -> CheckView {
    let status = match &state.drill {
        Some(drill) if drill.verdict == Verdict::Failed => CheckStatus::Failing,
        Some(drill) if drill.verdict == Verdict::Passed => CheckStatus::Ok,
        _ => CheckStatus::Warning,
    };
    let says = match &state.drill {
        None => "No backup was restored as a test yet.".into(),
        Some(drill) => {
            format!("The last restore drill ({}) {}: {}.", minute(drill.at), drill.verdict.word(), drill.says)
        }
    };
    check("drill", status, says)
}

fn outbox(ledger: &Ledger<'_>) -> Result<CheckView, StoreError> {
    if let Some(restored) = restored(ledger)?.filter(Restored::is_shut) {
        let says = format!(
            "Restored {}; nothing is sent until everything in Twenty was read once. It opens by itself.",
            minute(restored.at)
        );
        return Ok(check("outbox", CheckStatus::Warning, says));
    }
    let messages = ledger.outbox_len()?;
    Ok(check("outbox", CheckStatus::Ok, format!("{messages} gift(s) on their way.")))
}

fn restored(ledger: &Ledger<'_>) -> Result<Option<Restored>, StoreError> {
    ledger.working_text(Working::Restored, &ConnectionId::TWENTY.0.to_be_bytes())
}

fn checks(snapshot: &Snapshot, face: &Face) -> Result<Vec<CheckView>, StoreError> {
    let (ledger, now) = (snapshot.ledger(), face.desk.world.now());
    let state = ledger.backups()?;
    let entries = ledger.last_seq()?.0;
    let mut checks = vec![
        check("ledger", CheckStatus::Ok, format!("It answers, up to entry {entries}.")),
        mirror(&ledger, now, face.info.sync_every_ms)?,
        outbox(&ledger)?,
    ];
    // A demo keeps nothing that would be missed.
    if !face.info.demo {
        checks.push(backup(&state, now));
        if state.rhythm.is_some() {
            checks.push(drill(&state));
        }
    }
    Ok(checks)
}

/// Whether this process answers: nothing else is looked at.
#[utoipa::path(get, path = "/livez", tag = "Health", responses((status = 200, description = "The process answers")), security(()))]
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// How everything stands; each check with `?verbose`. 503 when something does not work.
#[utoipa::path(get, path = "/healthz", tag = "Health", params(("verbose" = Option<String>, Query, description = "Name every check")), responses((status = 200, body = HealthView), (status = 503, body = HealthView)), security(()))]
pub(super) async fn health(
    State(face): State<Face>,
    RawQuery(query): RawQuery,
) -> (StatusCode, Json<HealthView>) {
    let looked = face.desk.store.snapshot().and_then(|snapshot| checks(&snapshot, &face));
    let checks = looked.unwrap_or_else(|_| {
        vec![check("ledger", CheckStatus::Failing, "The ledger does not answer. See the log.".into())]
    });
    let status = checks.iter().map(|check| check.status).max().unwrap_or(CheckStatus::Ok);
    let verbose = query.is_some_and(|query| query.split('&').any(|part| part.starts_with("verbose")));
    let code = if status == CheckStatus::Failing { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, Json(HealthView { status, checks: if verbose { checks } else { Vec::new() } }))
}

/// The same for a screen: every check, and 200 whatever they say.
#[utoipa::path(get, path = "/api/health", tag = "Health", responses((status = 200, body = HealthView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn shown(State(face): State<Face>, known: Known) -> Result<Json<HealthView>, Problem> {
    let checks = checks(&known.snapshot(&face)?, &face)?;
    let status = checks.iter().map(|check| check.status).max().unwrap_or(CheckStatus::Ok);
    Ok(Json(HealthView { status, checks }))
}

/// A metric: its name, its kind, what it is, and its values with their labels.
struct Metric {
    name: &'static str,
    help: &'static str,
    values: Vec<(String, i64)>,
}

fn gauge(name: &'static str, help: &'static str, value: i64) -> Metric {
    labelled(name, help, vec![(String::new(), value)])
}

const fn labelled(name: &'static str, help: &'static str, values: Vec<(String, i64)>) -> Metric {
    Metric { name, help, values }
}

fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn metrics_of(snapshot: &Snapshot, face: &Face) -> Result<Vec<Metric>, StoreError> {
    let (ledger, now) = (snapshot.ledger(), face.desk.world.now());
    let state = ledger.backups()?;
    let seconds = |at: Option<Instant>| at.map_or(0, |at| at.0 / 1_000_000);
    let mut rows = Vec::new();
    for status in [Status::Pending, Status::ReadyForProcess, Status::Processing, Status::ProcessFailed] {
        let label = format!("{{status=\"{}\"}}", status.word());
        rows.push((label, count(ledger.staged_count(None, status)?)));
    }
    let mut ages = Vec::new();
    for object in [Object::People, Object::Gifts] {
        let complete = ledger.mirror_state(ConnectionId::TWENTY, object)?.complete_as_of;
        ages.push((format!("{{object=\"{}\"}}", object.word()), seconds(complete)));
    }
    let shut = restored(&ledger)?.is_some_and(|restored| restored.is_shut());
    let missing = state.rhythm.is_none_or(|rhythm| state.is_missing(now, rhythm));
    let drill = state.drill.as_ref().map(|drill| drill.verdict);
    let verdicts = [Verdict::Passed, Verdict::Failed, Verdict::Inconclusive]
        .map(|verdict| (format!("{{verdict=\"{}\"}}", verdict.word()), i64::from(drill == Some(verdict))));
    let version = format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    Ok(vec![
        labelled("almoner_build_info", "The version that runs.", vec![(version, 1)]),
        gauge("almoner_journal_entries", "Entries of the journal.", count(ledger.last_seq()?.0)),
        labelled("almoner_staged_rows", "Staged gifts by where they stand.", rows),
        gauge("almoner_outbox_messages", "Gifts on their way to Twenty.", count(ledger.outbox_len()?)),
        gauge("almoner_outbox_shut", "1 while nothing is sent after a restore.", i64::from(shut)),
        labelled("almoner_mirror_complete_timestamp_seconds", "When the last complete reading began.", ages),
        gauge(
            "almoner_backup_missing",
            "1 when a good backup is missing or none are set up.",
            i64::from(missing),
        ),
        gauge(
            "almoner_backup_good_timestamp_seconds",
            "When the newest good backup was taken; 0 when there is none.",
            seconds(state.good.as_ref().map(|good| good.taken_at)),
        ),
        gauge(
            "almoner_backup_stored_bytes",
            "Bytes of the newest good backup.",
            count(state.good.as_ref().map_or(0, |good| good.stored)),
        ),
        gauge("almoner_backups_held", "Backups at the target.", count(state.held.len() as u64)),
        gauge(
            "almoner_backup_failures",
            "Failed attempts since the newest good backup.",
            i64::from(state.failed.as_ref().map_or(0, |failed| failed.times)),
        ),
        labelled("almoner_drill_outcome", "1 for how the last restore drill ended.", verdicts.to_vec()),
        gauge(
            "almoner_drill_passed_timestamp_seconds",
            "When a restore drill passed last; 0 when none did.",
            seconds(state.passed.as_ref().map(|drill| drill.at)),
        ),
    ])
}

fn text(metrics: &[Metric]) -> String {
    let mut out = String::new();
    for Metric { name, help, values } in metrics {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in values {
            let _ = writeln!(out, "{name}{labels} {value}");
        }
    }
    out
}

/// Figures for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "Health", responses((status = 200, description = "Figures in the text format of Prometheus"), (status = 401, body = Problem), (status = 403, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn metrics(State(face): State<Face>, known: Known) -> Result<impl IntoResponse, Problem> {
    let snapshot = known.snapshot(&face)?;
    let metrics = metrics_of(&snapshot, &face)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text(&metrics)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::backup::state::{Drill, Failed, Good, Rhythm};

    const HOUR: i64 = 3_600_000_000;

    #[test]
    fn a_missing_backup_fails_and_a_first_failure_warns() {
        let mut state = BackupState::default();
        assert_eq!(backup(&state, Instant(0)).status, CheckStatus::Warning);
        state.rhythm = Some(Rhythm { backup_ms: 24 * 3_600_000, drill_ms: 1 });
        state.since = Some(Instant(0));
        assert_eq!(backup(&state, Instant(HOUR)).status, CheckStatus::Ok);
        assert_eq!(backup(&state, Instant(40 * HOUR)).status, CheckStatus::Failing);
        state.good = Some(Good { set: "a".into(), taken_at: Instant(30 * HOUR), seq: 1, stored: 1 });
        state.failed = Some(Failed { at: Instant(39 * HOUR), why: "no room".into(), times: 1 });
        let told = backup(&state, Instant(40 * HOUR));
        assert_eq!(told.status, CheckStatus::Warning);
        assert!(told.says.contains("no room") && told.says.contains("1970-01-02 06:00 UTC"), "{}", told.says);
        assert_eq!(drill(&state).status, CheckStatus::Warning);
        for (verdict, status) in [
            (Verdict::Passed, CheckStatus::Ok),
            (Verdict::Failed, CheckStatus::Failing),
            (Verdict::Inconclusive, CheckStatus::Warning),
        ] {
            state.drill = Some(Drill { at: Instant(0), verdict, set: None, says: String::new() });
            assert_eq!(drill(&state).status, status);
        }
    }
}
