//! What must be put right in the books of a company: looked at, let stand for a reason, or put right in QuickBooks. No remote call; a
//! fix is brought there by a run, and the issue goes once the books show it.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::super::Face;
use super::super::auth::Known;
use super::super::books::changes::body;
use super::super::journal::who_name;
use super::super::params::{NoParams, Params};
use super::super::problem::Problem;
use super::{Client, ClientMeta, RecordBehind, behind, client, tenths};
use crate::desk::books_changes::{ChangeAsk, Wanted};
use crate::ground::finance::hygiene::{Fix, Issue};
use crate::ground::finance::overlay::{Said, What};
use crate::ground::finance::rules::{NotEvaluated, Rule, Severity};
use crate::ground::texts;
use crate::ground::time::CalendarDate;

/// Issues that are dealt with at once.
const BULK_MAX: usize = 100;

/// What is said of an issue.
#[derive(Debug, Serialize, ToSchema)]
pub struct Evidence {
    name: &'static str,
    value: String,
}

/// An issue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueView {
    /// Stays the same as long as the issue stands.
    key: String,
    rule: &'static str,
    /// `critical`, `high`, `medium` or `low`.
    severity: &'static str,
    /// How soon somebody should look at it, from 0 to 100; from 80 on the same day.
    score: i64,
    records: Vec<RecordBehind>,
    evidence: Vec<Evidence>,
    /// The field that would put it right, where one would.
    fix_field: Option<&'static str>,
    /// A value for it that follows from the books.
    fix_date: Option<String>,
    /// `set`, `refresh`, `remove_one`, `in_quickbooks` or `here`.
    fix: &'static str,
    /// Days of runway that the record is worth, with one decimal.
    impact_days: Option<String>,
    due: Option<String>,
    /// Whether it keeps its records from being decided about.
    blocks: bool,
    /// A change of its record that is on its way to QuickBooks: the issue goes when the books show it.
    on_its_way: Option<String>,
    /// Why it may stand, if somebody said so; then who and when.
    stands: Option<Stands>,
}

/// Why an issue may stand.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stands {
    reason: String,
    by: String,
    at: String,
}

/// A rule that was not looked at.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotLookedAt {
    rule: &'static str,
    /// `no_rail` or `not_said`.
    why: &'static str,
}

/// The tray of a company.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrayAnswer {
    data: Vec<IssueView>,
    /// Issues that somebody let stand.
    standing: Vec<IssueView>,
    /// Rules that were not looked at: nothing is said of what they are about.
    not_evaluated: Vec<NotLookedAt>,
    meta: ClientMeta,
}

/// Issues that may stand, or shall not any more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StandBody {
    keys: Vec<String>,
    /// Why they may stand.
    #[serde(default)]
    reason: String,
}

/// What is to be put right.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FixBody {
    items: Vec<FixItem>,
}

/// One issue and the value that puts it right.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FixItem {
    key: String,
    /// A field of the record; the one that is suggested when it is not said.
    field: Option<String>,
    /// The value, as `POST .../changes` takes it; the suggested date when it is not said.
    #[schema(value_type = Object)]
    value: Option<Value>,
}

/// What became of one of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct Outcome {
    key: String,
    done: bool,
    /// The change that is on its way.
    change: Option<String>,
    /// Why not, and what to do.
    problem: Option<String>,
}

/// What became of each.
#[derive(Debug, Serialize, ToSchema)]
pub struct Outcomes {
    data: Vec<Outcome>,
    done: usize,
    failed: usize,
}

impl Outcomes {
    pub(super) fn of(data: Vec<Outcome>) -> Self {
        let done = data.iter().filter(|outcome| outcome.done).count();
        Self { failed: data.len() - done, done, data }
    }
}

impl Outcome {
    pub(super) const fn done(key: String, change: Option<String>) -> Self {
        Self { key, done: true, change, problem: None }
    }

    pub(super) const fn failed(key: String, problem: String) -> Self {
        Self { key, done: false, change: None, problem: Some(problem) }
    }
}

/// Changes on their way, by kind and id of the record.
type OnTheirWay = BTreeMap<(String, String), String>;

fn issue(of: &Issue, today: CalendarDate, under_way: &OnTheirWay) -> IssueView {
    let (fix, field, date) = match &of.fix {
        Fix::Set { field, date } => ("set", Some(*field), *date),
        Fix::Refresh => ("refresh", None, None),
        Fix::RemoveOne => ("remove_one", None, None),
        Fix::InQuickBooks => ("in_quickbooks", None, None),
        Fix::Here => ("here", None, None),
    };
    let evidence = of.evidence.iter().map(|(name, value)| Evidence { name, value: value.clone() });
    let way = |name: &crate::ground::finance::RecordName| {
        under_way.get(&(name.entity.path().to_owned(), name.id.to_string())).cloned()
    };
    IssueView {
        key: of.key.clone(),
        rule: of.rule.word(),
        severity: of.severity.word(),
        score: of.score(today),
        records: of.of.iter().map(behind).collect(),
        evidence: evidence.collect(),
        fix_field: field,
        fix_date: date.map(|date| date.to_string()),
        fix,
        impact_days: tenths(of.impact_tenths),
        due: of.due.map(|due| due.to_string()),
        blocks: of.of.iter().any(|record| of.blocks(record)),
        on_its_way: of.of.first().and_then(way),
        stands: None,
    }
}

/// What must be put right in the books of a company, the worst first; what was let stand; and the rules that were not looked at,
/// with why.
#[utoipa::path(get, path = "/api/books/companies/{realm}/tray", tag = "Money", params(("realm" = String, Path), ("severity" = Option<String>, Query)),
    responses((status = 200, body = TrayAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(in super::super) async fn tray(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    params: Params,
) -> Result<Json<TrayAnswer>, Problem> {
    params.only(&["severity"])?;
    let all = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];
    let severity = params.parsed("severity", |word| all.into_iter().find(|it| it.word() == word))?;
    let Client { standing, meta, .. } = client(face.clone(), known.clone(), realm.clone(), None).await?;
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let mut under_way = OnTheirWay::new();
    for change in ledger.books_changes_open()?.into_iter().map(|change| change.value) {
        if let (entity, Some(id)) = change.act.record()
            && change.realm.as_str() == realm
        {
            under_way.insert((entity.path().to_owned(), id.to_string()), change.id.to_string());
        }
    }
    let wanted = |of: &&Issue| severity.is_none_or(|severity| of.severity == severity);
    let not = |rule: &Rule| {
        let why = rule.not_evaluated().map(NotEvaluated::word)?;
        Some(NotLookedAt { rule: rule.word(), why })
    };
    let mut stand = Vec::new();
    for of in &standing.standing_issues {
        let mut view = issue(of, standing.today, &under_way);
        if let Some(Said { what: What::Ignored { reason, .. }, by, at, .. }) =
            standing.overlay.ignored.get(&of.key)
        {
            let by = who_name(&ledger, by)?;
            view.stands = Some(Stands { reason: reason.clone(), by, at: at.to_string() });
        }
        stand.push(view);
    }
    let issues = standing.tray.issues.iter().filter(wanted);
    Ok(Json(TrayAnswer {
        data: issues.map(|of| issue(of, standing.today, &under_way)).collect(),
        standing: stand,
        not_evaluated: Rule::ALL.iter().filter_map(not).collect(),
        meta,
    }))
}

fn bulk(many: usize) -> Result<(), Problem> {
    if (1..=BULK_MAX).contains(&many) { Ok(()) } else { Err(Problem::field("keys", texts::MONEY_BULK)) }
}

/// Lets issues stand, with a reason, as long as what makes them issues does not change. What is critical or high and let stand does
/// not keep its record from being decided about any more. Undone by `.../tray/reopen`.
#[utoipa::path(post, path = "/api/books/companies/{realm}/tray/ignore", tag = "Money", params(("realm" = String, Path)), request_body = StandBody,
    responses((status = 200, body = Outcomes), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn ignore(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    _: NoParams,
    bytes: Bytes,
) -> Result<Json<Outcomes>, Problem> {
    let told: StandBody = body(&bytes)?;
    bulk(told.keys.len())?;
    let Client { standing, realm, .. } = client(face.clone(), known.clone(), realm, None).await?;
    let (mut found, mut outcomes) = (Vec::new(), Vec::new());
    for key in told.keys {
        match standing.tray.issues.iter().find(|issue| issue.key == key) {
            Some(issue) => {
                found.push((key.clone(), issue.fingerprint()));
                outcomes.push(Outcome::done(key, None));
            }
            None => outcomes.push(Outcome::failed(key, texts::MONEY_NO_ISSUE.into())),
        }
    }
    if !found.is_empty() {
        face.desk.let_issues_stand(&known.asked, realm, found, told.reason).await?;
    }
    Ok(Json(Outcomes::of(outcomes)))
}

/// Issues that were let stand are issues again.
#[utoipa::path(post, path = "/api/books/companies/{realm}/tray/reopen", tag = "Money", params(("realm" = String, Path)), request_body = StandBody,
    responses((status = 200, body = Outcomes), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn reopen(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    _: NoParams,
    bytes: Bytes,
) -> Result<Json<Outcomes>, Problem> {
    let StandBody { keys, .. } = body(&bytes)?;
    bulk(keys.len())?;
    let Client { realm, .. } = client(face.clone(), known.clone(), realm, None).await?;
    let mut outcomes = Vec::new();
    for key in keys {
        let id = Said::ignored_id(&realm, &key);
        outcomes.push(match face.desk.unsay_of_money(&known.asked, realm.clone(), id).await {
            Ok(()) => Outcome::done(key, None),
            Err(refusal) => Outcome::failed(key, refusal.to_string()),
        });
    }
    Ok(Json(Outcomes::of(outcomes)))
}

/// The change that puts an issue right.
fn fixing(issue: &Issue, item: &FixItem) -> Result<Wanted, String> {
    let (suggested, date) = match &issue.fix {
        Fix::Set { field, date } => (Some(*field), *date),
        Fix::Refresh | Fix::RemoveOne | Fix::InQuickBooks | Fix::Here => (None, None),
    };
    let field = item.field.clone().or_else(|| suggested.map(str::to_owned));
    let value = item.value.clone().or_else(|| date.map(|date| Value::String(date.to_string())));
    let (field, value) = field.zip(value).ok_or_else(|| texts::MONEY_NO_FIX.to_owned())?;
    let record = issue.of.first().ok_or_else(|| texts::MONEY_NO_FIX.to_owned())?;
    let fields = [(field, value)].into();
    Ok(Wanted::Fields { entity: record.entity, record: record.id.clone(), fields, seen: None })
}

/// Puts issues right in QuickBooks, each by one change of its record: kept here at once, brought there by a run, undone for a day at
/// `/api/books/changes/{id}/undo`. One that cannot be done holds up no other.
#[utoipa::path(post, path = "/api/books/companies/{realm}/tray/fix", tag = "Money", params(("realm" = String, Path)), request_body = FixBody,
    responses((status = 200, body = Outcomes), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn fix(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    _: NoParams,
    bytes: Bytes,
) -> Result<Json<Outcomes>, Problem> {
    let told: FixBody = body(&bytes)?;
    bulk(told.items.len())?;
    let Client { standing, realm, .. } = client(face.clone(), known.clone(), realm, None).await?;
    let mut outcomes = Vec::new();
    for item in told.items {
        let found = standing.tray.issues.iter().find(|issue| issue.key == item.key);
        let what = found.ok_or_else(|| texts::MONEY_NO_ISSUE.to_owned()).and_then(|it| fixing(it, &item));
        let what = match what {
            Ok(what) => what,
            Err(problem) => {
                outcomes.push(Outcome::failed(item.key, problem));
                continue;
            }
        };
        let reason = Some(format!("Put right from the tray: {}", item.key));
        let ask = ChangeAsk { realm: realm.clone(), what, reason, key: None };
        outcomes.push(match face.desk.ask_change(&known.asked, ask).await {
            Ok(id) => Outcome::done(item.key, Some(id.to_string())),
            Err(refusal) => Outcome::failed(item.key, Problem::from(refusal).first()),
        });
    }
    Ok(Json(Outcomes::of(outcomes)))
}
