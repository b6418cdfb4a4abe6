//! What is to be decided about the money of a company: its bills, what paying some of them does, and what was decided. No remote
//! call, and nothing is paid: QuickBooks cannot.

use std::collections::BTreeSet;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::Face;
use super::super::auth::Known;
use super::super::books::changes::body;
use super::super::journal::who_name;
use super::super::params::{NoParams, Params};
use super::super::problem::Problem;
use super::tray::{Outcome, Outcomes};
use super::{Client, ClientMeta, RunwayView, client, runway, tenths};
use crate::desk::finance::Standing;
use crate::desk::finance::decide::{Decide, DecideAsk};
use crate::ground::books::{Entity, EntityId};
use crate::ground::finance::RecordName;
use crate::ground::finance::burn::{Guard, guard, pay, people_needed};
use crate::ground::finance::decision::{Stage, Taken};
use crate::ground::finance::facts::{Document, Side};
use crate::ground::finance::figure::portion;
use crate::ground::finance::priority::{Score, latest_safe, order, priority};
use crate::ground::finance::ready::Places;
use crate::ground::money::Money;
use crate::ground::texts;
use crate::ground::time::CalendarDate;
use crate::store::{Ledger, StoreError};

/// Decisions that are taken at once.
const BULK_MAX: usize = 100;
/// Bills that are tried out together.
const SET_MAX: usize = 20;

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
    /// `free`, `blocked_days`, `blocked_money`, `blocked_both` or `unknown`, counting what is approved and not paid yet.
    guard: &'static str,
    /// How much is missing to what must be left.
    shortfall: Option<String>,
    /// How many people have to say yes; none where the amount or the limit is not known.
    people_needed: Option<u32>,
    /// `first`, `second` or `third`.
    tier: &'static str,
    /// What is taken off for paying until a day, and the day, while it is open.
    discount: Option<DiscountView>,
    /// `ready`, `pending`, `approved`, `void`, `held`, `disputed` or `rejected`.
    stage: &'static str,
    /// How many said yes, while others must.
    have: Option<u32>,
    need: Option<u32>,
    /// Until when it is held.
    held_until: Option<String>,
    /// When it is planned to be paid.
    planned: Option<String>,
    /// What was decided, the first step first.
    log: Vec<DecisionStepView>,
}

/// A discount that can still be had.
#[derive(Debug, Serialize, ToSchema)]
pub struct DiscountView {
    amount: String,
    until: String,
}

/// A step of a decision, with what whoever took it saw.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionStepView {
    /// `asked`, `approved`, `rejected`, `held`, `disputed`, `planned` or `resumed`.
    step: &'static str,
    by: String,
    at: String,
    note: Option<String>,
    books_as_of: Option<String>,
    cash: Option<String>,
    cash_after: Option<String>,
    days: Option<i64>,
    days_after: Option<i64>,
    /// Rules that had something to say.
    hits: Vec<String>,
}

/// What is decided about some bills.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideBody {
    items: Vec<DecideItem>,
}

/// What is decided about one bill.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideItem {
    bill: String,
    /// `pay`, `approve`, `reject`, `hold`, `resume`, `dispute`, `plan` or `withdraw`.
    what: String,
    /// The day of `plan`; the last day of `hold`.
    on: Option<String>,
    note: Option<String>,
    /// Wanted although a rule says no; `note` says why.
    #[serde(default)]
    despite: bool,
}

/// The console of a company.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsoleAnswer {
    data: Vec<ConsoleBill>,
    /// Open bills that something blocks: they are in the tray.
    blocked: usize,
    /// Nothing is paid from here: QuickBooks cannot. What is approved is paid elsewhere and recorded.
    pays: bool,
    /// Whether the books are so old that nothing is approved before they are read.
    too_old: bool,
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
    shortfall: Option<String>,
    people_needed: Option<u32>,
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
        Guard::Blocked { days: true, money: true, .. } => "blocked_both",
        Guard::Blocked { days: true, .. } => "blocked_days",
        Guard::Blocked { .. } => "blocked_money",
        Guard::Unknown(_) => "unknown",
    }
}

const fn missing(guard: Guard) -> Option<Money> {
    match guard {
        Guard::Blocked { shortfall, .. } => shortfall,
        Guard::Free | Guard::Unknown(_) => None,
    }
}

fn step(ledger: &Ledger<'_>, taken: &Taken) -> Result<DecisionStepView, StoreError> {
    let seen = &taken.seen;
    Ok(DecisionStepView {
        step: taken.step.word(),
        by: who_name(ledger, &taken.by)?,
        at: taken.at.to_string(),
        note: taken.note.clone(),
        books_as_of: seen.books_as_of.map(|at| at.to_string()),
        cash: seen.cash.clone(),
        cash_after: seen.cash_after.clone(),
        days: seen.days,
        days_after: seen.days_after,
        hits: seen.hits.clone(),
    })
}

fn console_bill(
    ledger: &Ledger<'_>,
    standing: &Standing,
    bill: &Document,
    score: &Score,
) -> Result<ConsoleBill, StoreError> {
    let alone = bill.open.and_then(|open| {
        pay(&[open], &standing.cash.value, &standing.burn.value, &standing.policy, standing.today)
    });
    let until = alone.map(|paid| runway(paid.after, standing.burn.value).covered_until);
    let verdict = match standing.paying(bill) {
        Ok(paid) => guard(&paid, &standing.burn.value, &standing.policy),
        Err(why) => Guard::Unknown(why),
    };
    let called = standing.facts.party(bill).and_then(|party| party.called.clone());
    let parts = score.parts.iter().filter(|part| part.tenths != 0).map(|part| ScorePart {
        what: part.what,
        points: format!("{}.{}", part.tenths / 10, part.tenths % 10),
    });
    let vendor = standing.vendor(bill);
    let discount = vendor.discount.filter(|(_, until)| *until >= standing.today).zip(bill.open.ok());
    let (stage, decision) = (standing.stage(bill), standing.overlay.decisions.get(&bill.name.id));
    let (have, need) = match stage {
        Stage::Pending { have, need } => (Some(have), Some(need)),
        _ => (None, None),
    };
    let held = if let Stage::Held { until } = stage { until } else { None };
    let log = decision.map_or(&[][..], |decision| &decision.log).iter().map(|taken| step(ledger, taken));
    Ok(ConsoleBill {
        id: bill.name.id.to_string(),
        number: bill.number.clone(),
        vendor: called.or_else(|| bill.party_name.clone()),
        due: bill.due.map(|due| due.to_string()),
        days_late: bill.days_late(standing.today).filter(|days| *days > 0),
        open: bill.open.ok().map(Money::decimal),
        priority: score.points,
        parts: parts.collect(),
        impact_days: alone.ok().and_then(|paid| tenths(paid.tenths)),
        covered_until: until.ok().flatten(),
        latest_safe: latest_safe(bill, vendor, &standing.policy).map(|date| date.to_string()),
        guard: guard_word(verdict),
        shortfall: missing(verdict).map(Money::decimal),
        people_needed: bill.open.and_then(|open| people_needed(open, &standing.policy)).ok(),
        tier: vendor.tier.word(),
        discount: discount.and_then(|((hundredths, until), open)| {
            Some(DiscountView {
                amount: portion(open, hundredths, 10_000)?.decimal(),
                until: until.to_string(),
            })
        }),
        stage: stage.word(),
        have,
        need,
        held_until: held.map(|until| until.to_string()),
        planned: decision.and_then(|decision| decision.planned).map(|on| on.to_string()),
        log: log.collect::<Result<_, _>>()?,
    })
}

/// Open bills of a company that can be decided about, those that should be paid soonest first, with what was decided. QuickBooks pays
/// nothing: what is approved is paid elsewhere and recorded.
#[utoipa::path(get, path = "/api/books/companies/{realm}/console", tag = "Money", params(("realm" = String, Path)),
    responses((status = 200, body = ConsoleAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(in super::super) async fn console(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    _: NoParams,
) -> Result<Json<ConsoleAnswer>, Problem> {
    let Client { standing, meta, .. } = client(face.clone(), known.clone(), realm, None).await?;
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let places = Places::of(&standing.tray);
    let ready = places.console(&standing.facts);
    let of = |bill: &&Document| priority(bill, standing.vendor(bill), &standing.burn.value, standing.today);
    let mut scored: Vec<(Score, &Document)> = ready.iter().map(|bill| (of(bill), *bill)).collect();
    scored.sort_by(|one, other| order((&one.0, one.1), (&other.0, other.1)));
    let blocked = standing.facts.open(Side::Bill).count() - ready.len();
    let data = scored.iter().map(|(score, bill)| console_bill(&ledger, &standing, bill, score));
    let data = data.collect::<Result<_, StoreError>>()?;
    Ok(Json(ConsoleAnswer { data, blocked, pays: false, too_old: standing.is_old, meta }))
}

fn wanted(item: &DecideItem) -> Result<Decide, String> {
    let on = item.on.as_deref().map(str::parse::<CalendarDate>).transpose();
    let on = on.map_err(|_| texts::MONEY_DAY.to_owned())?;
    Ok(match (item.what.as_str(), on) {
        ("pay", None) => Decide::Pay,
        ("approve", None) => Decide::Approve,
        ("reject", None) => Decide::Reject,
        ("hold", until) => Decide::Hold(until),
        ("resume", None) => Decide::Resume,
        ("dispute", None) => Decide::Dispute,
        ("plan", Some(on)) => Decide::Plan(on),
        ("withdraw", None) => Decide::Withdraw,
        _ => return Err(texts::MONEY_DECIDE.to_owned()),
    })
}

/// Decides about open bills, each by itself: one that cannot be decided holds up no other. Undone by `withdraw`, `resume` or another
/// step; nothing is paid.
#[utoipa::path(post, path = "/api/books/companies/{realm}/decisions", tag = "Money", params(("realm" = String, Path)), request_body = DecideBody,
    responses((status = 200, body = Outcomes), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn decide(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    _: NoParams,
    bytes: Bytes,
) -> Result<Json<Outcomes>, Problem> {
    let told: DecideBody = body(&bytes)?;
    if !(1..=BULK_MAX).contains(&told.items.len()) {
        return Err(Problem::field("items", texts::MONEY_BULK));
    }
    let mut outcomes = Vec::new();
    for item in told.items {
        // Each one counts what was decided before it.
        let Client { standing, realm, .. } = client(face.clone(), known.clone(), realm.clone(), None).await?;
        let parts = wanted(&item).and_then(|what| {
            let bill = EntityId::new(&item.bill).ok_or_else(|| texts::MONEY_DECIDE.to_owned())?;
            Ok((what, bill))
        });
        let (what, bill) = match parts {
            Ok(parts) => parts,
            Err(problem) => {
                outcomes.push(Outcome::failed(item.bill, problem));
                continue;
            }
        };
        let ask = DecideAsk { what, note: item.note, despite: item.despite };
        outcomes.push(match face.desk.decide_bill(&known.asked, (realm, bill), standing, ask).await {
            Ok(_) => Outcome::done(item.bill, None),
            Err(refusal) => Outcome::failed(item.bill, refusal.to_string()),
        });
    }
    Ok(Json(Outcomes::of(outcomes)))
}

/// What paying a set of open bills now does to the cash and to how long it lasts: one computation with all of them. Whether enough is left
/// counts what is approved and not paid yet.
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
    let Client { standing, currency, meta, .. } = client(face, known, realm, None).await?;
    let mut amounts = Vec::with_capacity(ids.len());
    let names: Vec<RecordName> = ids.into_iter().map(|id| RecordName { entity: Entity::Bill, id }).collect();
    for name in &names {
        let open = standing.facts.open(Side::Bill).find(|bill| bill.name == *name);
        amounts.push(open.and_then(|bill| bill.open.ok()).ok_or_else(bad)?);
    }
    let Standing { cash, burn, policy, today, .. } = &*standing;
    let paid = pay(&amounts, &cash.value, &burn.value, policy, *today).map_err(|_| bad())?;
    // What is approved and not paid yet goes too: it is judged what is left after all of it.
    let all: Vec<Money> =
        amounts.into_iter().chain(standing.committed(&names.iter().collect::<Vec<_>>())).collect();
    let verdict = match pay(&all, &cash.value, &burn.value, policy, *today) {
        Ok(all) => guard(&all, &burn.value, policy),
        Err(why) => Guard::Unknown(why),
    };
    let data = WhatIf {
        amount: paid.amount.decimal(),
        currency,
        impact_days: tenths(paid.tenths),
        cash_after: paid.cash.ok().map(Money::decimal),
        before: runway(paid.before, burn.value),
        after: runway(paid.after, burn.value),
        guard: guard_word(verdict),
        shortfall: missing(verdict).map(Money::decimal),
        people_needed: people_needed(paid.amount, policy).ok(),
    };
    Ok(Json(WhatIfAnswer { data, meta }))
}
