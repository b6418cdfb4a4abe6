//! What is to be done about the money of a company: its tray, the bills that can be decided about, and what paying some of them
//! does. No remote call.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::Face;
use super::super::auth::Known;
use super::super::params::{NoParams, Params};
use super::super::problem::Problem;
use super::{Client, ClientMeta, RecordBehind, RunwayView, behind, client, runway, tenths};
use crate::desk::finance::Standing;
use crate::ground::books::{Entity, EntityId};
use crate::ground::finance::RecordName;
use crate::ground::finance::burn::{Guard, guard, pay, people_needed};
use crate::ground::finance::facts::{Document, Side};
use crate::ground::finance::hygiene::{Fix, Issue};
use crate::ground::finance::priority::{Score, VendorTerms, latest_safe, order, priority};
use crate::ground::finance::ready::Places;
use crate::ground::finance::rules::{NotEvaluated, Rule, Severity};
use crate::ground::money::Money;
use crate::ground::texts;

/// Bills that are tried out together.
const SET_MAX: usize = 20;

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
    /// Rules that were not looked at: nothing is said of what they are about.
    not_evaluated: Vec<NotLookedAt>,
    meta: ClientMeta,
}

/// A part of a score.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScorePart {
    what: &'static str,
    /// With one decimal.
    points: String,
}

/// A bill that can be decided about.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsoleBill {
    id: String,
    number: Option<String>,
    vendor: Option<String>,
    due: Option<String>,
    /// Days past its due date.
    days_late: Option<i32>,
    /// What is open of it; none where that is not known in the company's currency.
    open: Option<String>,
    /// From 0 to 100, higher is sooner.
    priority: i64,
    parts: Vec<ScorePart>,
    /// Signed days of runway that paying it now takes.
    impact_days: Option<String>,
    /// Until when the cash lasts if it is paid now.
    covered_until: Option<String>,
    /// Until when it can be paid without harm.
    latest_safe: Option<String>,
    /// `free`, `blocked_days`, `blocked_money`, `blocked_both` or `unknown`.
    guard: &'static str,
    /// How many people have to say yes; none where the amount is not known.
    people_needed: Option<u32>,
}

/// The console of a company.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsoleAnswer {
    data: Vec<ConsoleBill>,
    /// Open bills that something blocks: they are in the tray.
    blocked: usize,
    meta: ClientMeta,
}

/// What paying a set of bills does.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WhatIf {
    amount: String,
    currency: String,
    impact_days: Option<String>,
    cash_after: Option<String>,
    before: RunwayView,
    after: RunwayView,
    guard: &'static str,
    people_needed: u32,
}

/// What paying a set of bills does.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhatIfAnswer {
    data: WhatIf,
    meta: ClientMeta,
}

const fn guard_word(guard: Guard) -> &'static str {
    match guard {
        Guard::Free => "free",
        Guard::Blocked { days: true, money: true } => "blocked_both",
        Guard::Blocked { days: true, .. } => "blocked_days",
        Guard::Blocked { .. } => "blocked_money",
        Guard::Unknown(_) => "unknown",
    }
}

fn issue(of: &Issue) -> IssueView {
    let (fix, field, date) = match &of.fix {
        Fix::Set { field, date } => ("set", Some(*field), *date),
        Fix::Refresh => ("refresh", None, None),
        Fix::RemoveOne => ("remove_one", None, None),
        Fix::InQuickBooks => ("in_quickbooks", None, None),
        Fix::Here => ("here", None, None),
    };
    let evidence = of.evidence.iter().map(|(name, value)| Evidence { name, value: value.clone() });
    IssueView {
        key: of.key.clone(),
        rule: of.rule.word(),
        severity: of.severity.word(),
        records: of.of.iter().map(behind).collect(),
        evidence: evidence.collect(),
        fix_field: field,
        fix_date: date.map(|date| date.to_string()),
        fix,
        impact_days: tenths(of.impact_tenths),
        due: of.due.map(|due| due.to_string()),
        blocks: of.of.iter().any(|record| of.blocks(record)),
    }
}

/// What must be put right in the books of a company, the worst first; and the rules that were not looked at, with why.
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
    let Client { standing, meta, .. } = client(face, known, realm).await?;
    let wanted = |of: &&Issue| severity.is_none_or(|severity| of.severity == severity);
    let not = |rule: &Rule| {
        let why = rule.not_evaluated().map(NotEvaluated::word)?;
        Some(NotLookedAt { rule: rule.word(), why })
    };
    Ok(Json(TrayAnswer {
        data: standing.tray.issues.iter().filter(wanted).map(issue).collect(),
        not_evaluated: Rule::ALL.iter().filter_map(not).collect(),
        meta,
    }))
}

fn console_bill(standing: &Standing, bill: &Document, score: &Score) -> ConsoleBill {
    let paid = bill.open.and_then(|open| {
        pay(&[open], &standing.cash.value, &standing.burn.value, &standing.policy, standing.today)
    });
    let until = paid.map(|paid| runway(paid.after, standing.burn.value).covered_until);
    let called = standing.facts.party(bill).and_then(|party| party.called.clone());
    let parts = score.parts.iter().filter(|part| part.tenths != 0).map(|part| ScorePart {
        what: part.what,
        points: format!("{}.{}", part.tenths / 10, part.tenths % 10),
    });
    ConsoleBill {
        id: bill.name.id.to_string(),
        number: bill.number.clone(),
        vendor: called.or_else(|| bill.party_name.clone()),
        due: bill.due.map(|due| due.to_string()),
        days_late: bill.days_late(standing.today).filter(|days| *days > 0),
        open: bill.open.ok().map(Money::decimal),
        priority: score.points,
        parts: parts.collect(),
        impact_days: paid.ok().and_then(|paid| tenths(paid.tenths)),
        covered_until: until.ok().flatten(),
        latest_safe: latest_safe(bill, VendorTerms::UNSAID, &standing.policy).map(|date| date.to_string()),
        guard: paid.map_or("unknown", |paid| guard_word(guard(&paid, &standing.policy))),
        people_needed: bill.open.ok().map(|open| people_needed(open, &standing.policy)),
    }
}

/// Open bills of a company that can be decided about, those that should be paid soonest first. QuickBooks pays nothing: what is
/// decided is done elsewhere and recorded.
#[utoipa::path(get, path = "/api/books/companies/{realm}/console", tag = "Money", params(("realm" = String, Path)),
    responses((status = 200, body = ConsoleAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(in super::super) async fn console(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    _: NoParams,
) -> Result<Json<ConsoleAnswer>, Problem> {
    let Client { standing, meta, .. } = client(face, known, realm).await?;
    let places = Places::of(&standing.tray);
    let ready = places.console(&standing.facts);
    let of = |bill: &&Document| priority(bill, VendorTerms::UNSAID, &standing.burn.value, standing.today);
    let mut scored: Vec<(Score, &Document)> = ready.iter().map(|bill| (of(bill), *bill)).collect();
    scored.sort_by(|one, other| order((&one.0, one.1), (&other.0, other.1)));
    let blocked = standing.facts.open(Side::Bill).count() - ready.len();
    let data = scored.iter().map(|(score, bill)| console_bill(&standing, bill, score)).collect();
    Ok(Json(ConsoleAnswer { data, blocked, meta }))
}

/// What paying a set of open bills now does to the cash and to how long it lasts: one computation with all of them.
#[utoipa::path(get, path = "/api/books/companies/{realm}/what-if", tag = "Money", params(("realm" = String, Path), ("bills" = String, Query, description = "Ids, separated by commas, 20 at the most")),
    responses((status = 200, body = WhatIfAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(in super::super) async fn what_if(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    params: Params,
) -> Result<Json<WhatIfAnswer>, Problem> {
    params.only(&["bills"])?;
    let bad = || Problem::field("bills", texts::MONEY_SET);
    let ids: Option<Vec<EntityId>> =
        params.get("bills").unwrap_or_default().split(',').map(|id| EntityId::new(id.trim())).collect();
    // A bill is paid once, however often it is named.
    let ids: Option<BTreeSet<EntityId>> = ids.map(|ids| ids.into_iter().collect());
    let ids = ids.filter(|ids| (1..=SET_MAX).contains(&ids.len())).ok_or_else(bad)?;
    let Client { standing, currency, meta } = client(face, known, realm).await?;
    let mut amounts = Vec::with_capacity(ids.len());
    for id in ids {
        let name = RecordName { entity: Entity::Bill, id };
        let open = standing.facts.open(Side::Bill).find(|bill| bill.name == name);
        amounts.push(open.and_then(|bill| bill.open.ok()).ok_or_else(bad)?);
    }
    let Standing { cash, burn, policy, today, .. } = &*standing;
    let paid = pay(&amounts, &cash.value, &burn.value, policy, *today).map_err(|_| bad())?;
    let data = WhatIf {
        amount: paid.amount.decimal(),
        currency,
        impact_days: tenths(paid.tenths),
        cash_after: paid.cash.ok().map(Money::decimal),
        before: runway(paid.before, burn.value),
        after: runway(paid.after, burn.value),
        guard: guard_word(guard(&paid, policy)),
        people_needed: people_needed(paid.amount, policy),
    };
    Ok(Json(WhatIfAnswer { data, meta }))
}
