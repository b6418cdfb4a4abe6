//! The money of the companies: the portfolio, the worst first, and of one company its figures, its tray and its console. No
//! remote call; each figure names how it was computed and the records behind it, and each answer how old the books are.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::Face;
use super::auth::Known;
use super::books::seen;
use super::params::{NoParams, Params};
use super::problem::Problem;
use crate::desk::finance::{Reading, Standing};
use crate::ground::books::mirror::{Books, Halted};
use crate::ground::books::schedule::LOOK_MS;
use crate::ground::books::{Connected, Entity, EntityId};
use crate::ground::finance::aging::{Bucket, aging};
use crate::ground::finance::burn::{Burn, Guard, Runway, guard, pay, people_needed};
use crate::ground::finance::facts::{Document, Side};
use crate::ground::finance::forecast::forecast;
use crate::ground::finance::hygiene::{Fix, Issue, NotEvaluated, Rule, Severity};
use crate::ground::finance::priority::{Score, VendorTerms, latest_safe, order, priority};
use crate::ground::finance::ready::Places;
use crate::ground::finance::{Figure, Known as Value, RecordName};
use crate::ground::money::Money;
use crate::ground::texts;
use crate::ground::time::Instant;
use crate::store::{Ledger, StoreError};

/// Records behind a figure that are told; how many there are is told too.
const RECORDS_MAX: usize = 200;
/// Bills that are tried out together.
const SET_MAX: usize = 20;

/// A record behind a figure.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordBehind {
    kind: &'static str,
    id: String,
}

/// An amount, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MoneyFigure {
    /// In decimals of the company's currency; none when it is not known.
    amount: Option<String>,
    currency: String,
    /// Why it is not known: `no_balance`, `balance_missing`, `no_history`, `no_burn`, `no_records`, `foreign_currency`, `too_large`.
    unknown: Option<&'static str>,
    /// How it was computed.
    method: &'static str,
    /// The first day it is about, where it is about some.
    from: Option<String>,
    /// The last one.
    to: Option<String>,
    /// How many records make it.
    count: usize,
    /// The records that make it, 200 at the most.
    records: Vec<RecordBehind>,
}

/// How long the cash lasts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunwayView {
    /// Whole days; none when nothing is spent, or it is not known.
    days: Option<i64>,
    covered_until: Option<String>,
    /// `critical`, `red`, `amber`, `green` or `comfortable`.
    band: Option<&'static str>,
    /// Nothing is spent.
    not_burning: bool,
    /// Why it is not known.
    unknown: Option<&'static str>,
    /// There is less history than a figure needs to be relied on.
    low_confidence: bool,
}

/// A company of the portfolio.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PortfolioRow {
    realm: String,
    name: String,
    currency: Option<String>,
    /// `needs_attention`, `unknown`, `monitor` or `healthy`; none while there are no figures.
    health: Option<&'static str>,
    /// `fresh`, `late`, `stale` or `never`.
    freshness: &'static str,
    /// When the last complete look began.
    synced_at: Option<String>,
    /// What is wrong with the company itself, and what to do.
    trouble: Option<String>,
    figures: Option<PortfolioFigures>,
}

/// The figures of a company in the portfolio.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PortfolioFigures {
    cash: MoneyFigure,
    runway: RunwayView,
    /// What is spent a day, to the nearest minor unit.
    burn_daily: Option<String>,
    payable: MoneyFigure,
    receivable: MoneyFigure,
    /// Issues by severity.
    critical: usize,
    high: usize,
    medium: usize,
    /// Open bills that can be decided about, and those that something blocks.
    ready: usize,
    blocked: usize,
    /// How good the records are, from 0 to 100.
    quality: Option<i64>,
}

/// All companies the viewer may see, the worst first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Portfolio {
    data: Vec<PortfolioRow>,
    meta: PortfolioMeta,
}

/// `meta` of the portfolio.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PortfolioMeta {
    as_of: String,
}

/// `meta` of one company.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientMeta {
    as_of: String,
    /// The day, in the company's zone.
    today: String,
    synced_at: Option<String>,
    freshness: &'static str,
}

/// A bucket of what is open.
#[derive(Debug, Serialize, ToSchema)]
pub struct BucketView {
    /// `current`, `1_30`, `31_60`, `61_90`, `over_90` or `no_due_date`.
    bucket: &'static str,
    figure: MoneyFigure,
}

/// A week ahead.
#[derive(Debug, Serialize, ToSchema)]
pub struct WeekView {
    /// Its Monday.
    begins: String,
    opening: String,
    invoices: String,
    bills: String,
    /// What is spent beyond those bills, as it was lately.
    other: String,
    closing: String,
    records: Vec<RecordBehind>,
}

/// Thirteen weeks ahead.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MoneyForecast {
    weeks: Vec<WeekView>,
    /// The Monday of the week that ends lowest, and with how much.
    lowest_week: Option<String>,
    lowest: Option<String>,
    unknown: Option<&'static str>,
    /// Bills and invoices without a due date, which are in no week.
    left_out: Vec<RecordBehind>,
}

/// How the records are.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QualityView {
    score: i64,
    completeness: i64,
    weighted: i64,
    small_sample: bool,
}

/// The money of a company.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientMoney {
    cash: MoneyFigure,
    restricted: MoneyFigure,
    /// What was spent over its days.
    spent: MoneyFigure,
    /// The same a day, to the nearest minor unit.
    burn_daily: Option<String>,
    /// What came in over the same days.
    inflow: Option<MoneyFigure>,
    runway: RunwayView,
    payable: MoneyFigure,
    receivable: MoneyFigure,
    payable_aging: Vec<BucketView>,
    receivable_aging: Vec<BucketView>,
    forecast: MoneyForecast,
    quality: Option<QualityView>,
    health: &'static str,
}

/// The money of a company.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientAnswer {
    data: ClientMoney,
    meta: ClientMeta,
}

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
    open: String,
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
    /// How many people have to say yes.
    people_needed: u32,
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

fn behind(of: &RecordName) -> RecordBehind {
    RecordBehind { kind: of.entity.path(), id: of.id.to_string() }
}

fn figure(figure: &Figure<Money>, currency: String, with_records: bool) -> MoneyFigure {
    let records = figure.of.iter().take(if with_records { RECORDS_MAX } else { 0 });
    MoneyFigure {
        amount: figure.value.ok().map(Money::decimal),
        currency,
        unknown: figure.value.err().map(crate::ground::finance::Unknown::word),
        method: figure.method,
        from: figure.window.map(|(from, _)| from.to_string()),
        to: figure.window.map(|(_, to)| to.to_string()),
        count: figure.of.len(),
        records: records.map(behind).collect(),
    }
}

fn tenths(tenths: Value<i64>) -> Option<String> {
    let tenths = tenths.ok()?;
    let sign = if tenths < 0 { "-" } else { "" };
    Some(format!("{sign}{}.{}", tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10))
}

fn runway(of: Value<Runway>, burn: Value<Burn>) -> RunwayView {
    let (days, until, band) = match of {
        Ok(Runway::Days { days, covered_until, band }) => (Some(days), Some(covered_until), Some(band)),
        Ok(Runway::NotBurning) | Err(_) => (None, None, None),
    };
    RunwayView {
        days,
        covered_until: until.map(|until| until.to_string()),
        band: band.map(crate::ground::finance::policy::Band::word),
        not_burning: of == Ok(Runway::NotBurning),
        unknown: of.err().map(crate::ground::finance::Unknown::word),
        low_confidence: burn.is_ok_and(|burn| burn.low_confidence),
    }
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

fn standing(
    face: &Face,
    ledger: &Ledger<'_>,
    company: &Connected,
) -> Result<Option<Arc<Standing>>, StoreError> {
    let Some(texts) = &face.desk.books.texts else { return Ok(None) };
    let now = face.desk.world.now();
    let reading = Reading { ledger, texts: &**texts, zone: &face.desk.zone, now };
    face.money.standing(&reading, company)
}

fn trouble(company: &Connected, books: &Books) -> Option<String> {
    if company.disconnected_at.is_some() {
        return Some(texts::MONEY_DISCONNECTED.to_owned());
    }
    match books.halted {
        Some(Halted::Reconnect | Halted::Lapsed) | None => {
            books.trouble.as_ref().map(|trouble| trouble.said.clone())
        }
    }
}

fn figures(standing: &Standing, currency: &str) -> PortfolioFigures {
    let places = Places::of(&standing.tray);
    let (ready, open) = (places.console(&standing.facts).len(), standing.facts.open(Side::Bill).count());
    let of = |of: &Figure<Money>| figure(of, currency.to_owned(), false);
    PortfolioFigures {
        cash: of(&standing.cash),
        runway: runway(standing.runway, standing.burn.value),
        burn_daily: standing.burn.value.ok().map(|burn| burn.daily().decimal()),
        payable: of(&standing.payable),
        receivable: of(&standing.receivable),
        critical: standing.issues(Severity::Critical),
        high: standing.issues(Severity::High),
        medium: standing.issues(Severity::Medium),
        ready,
        blocked: open - ready,
        quality: standing.quality.ok().map(|quality| quality.score),
    }
}

/// All companies the viewer may see, the worst first. Who cannot be read stands with its trouble; nobody else is held up.
#[utoipa::path(get, path = "/api/portfolio", tag = "Money", responses((status = 200, body = Portfolio), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn portfolio(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
) -> Result<Json<Portfolio>, Problem> {
    // The first look at many records takes long enough to hold up other requests.
    let rows = tokio::task::spawn_blocking(move || rows(&face, &known)).await;
    rows.map_err(|error| Problem::new(http::StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?.map(Json)
}

fn rows(face: &Face, known: &Known) -> Result<Portfolio, Problem> {
    let snapshot = known.snapshot(face)?;
    let (ledger, now) = (snapshot.ledger(), face.desk.world.now());
    let mut data = Vec::new();
    for company in ledger.companies()?.into_iter().map(|company| company.value) {
        if !known.viewer.sees_company(company.realm.as_str()) {
            continue;
        }
        let books = ledger.books(company.connection)?;
        let standing = standing(face, &ledger, &company)?;
        let trouble = trouble(&company, &books);
        // Whoever cannot be read comes first, then the worst, then who is not known yet.
        let place = (trouble.is_none(), standing.as_ref().map(|standing| standing.order()));
        let currency = company.home.map(|home| home.to_string());
        let row = PortfolioRow {
            realm: company.realm.to_string(),
            name: company.label().to_owned(),
            health: standing.as_ref().map(|standing| standing.health().word()),
            freshness: books.freshness(now, LOOK_MS).word(),
            synced_at: books.complete_as_of.map(|at| at.to_string()),
            trouble,
            figures: standing.as_ref().zip(currency.as_deref()).map(|(of, currency)| figures(of, currency)),
            currency,
        };
        data.push((place, row));
    }
    data.sort_by(|(one, of), (other, to)| {
        one.cmp(other).then_with(|| (&of.name, &of.realm).cmp(&(&to.name, &to.realm)))
    });
    let data = data.into_iter().map(|(_, row)| row).collect();
    Ok(Portfolio { data, meta: PortfolioMeta { as_of: snapshot.as_of().to_string() } })
}

/// One company with all that is asked of it.
struct Client {
    standing: Arc<Standing>,
    currency: String,
    meta: ClientMeta,
}

async fn client(face: Face, known: Known, realm: String) -> Result<Client, Problem> {
    let read = move || {
        let snapshot = known.snapshot(&face)?;
        let (ledger, now): (_, Instant) = (snapshot.ledger(), face.desk.world.now());
        let company = seen(&ledger, &known.viewer, &realm)?;
        let books = ledger.books(company.connection)?;
        let standing = standing(&face, &ledger, &company)?;
        let none = || Problem::new(http::StatusCode::CONFLICT, texts::MONEY_NOT_READ);
        let (standing, home) = standing.zip(company.home).ok_or_else(none)?;
        let meta = ClientMeta {
            as_of: snapshot.as_of().to_string(),
            today: standing.today.to_string(),
            synced_at: books.complete_as_of.map(|at| at.to_string()),
            freshness: books.freshness(now, LOOK_MS).word(),
        };
        Ok(Client { standing, currency: home.to_string(), meta })
    };
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|error| Problem::new(http::StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?
}

fn buckets(standing: &Standing, side: Side, currency: &str) -> Vec<BucketView> {
    let of = aging(&standing.facts, side, standing.today);
    let view = |(bucket, of): &(Bucket, Figure<Money>)| BucketView {
        bucket: bucket.word(),
        figure: figure(of, currency.to_owned(), true),
    };
    of.iter().map(view).collect()
}

fn ahead(standing: &Standing, delay: i32) -> MoneyForecast {
    let Standing { facts, cash, burn, today, .. } = standing;
    match forecast(facts, &cash.value, &burn.value, delay, *today) {
        Err(why) => MoneyForecast {
            weeks: Vec::new(),
            lowest_week: None,
            lowest: None,
            unknown: Some(why.word()),
            left_out: Vec::new(),
        },
        Ok(ahead) => {
            let lowest = ahead.weeks.get(ahead.lowest);
            MoneyForecast {
                lowest_week: lowest.map(|week| week.begins.to_string()),
                lowest: lowest.map(|week| week.closing.decimal()),
                unknown: None,
                left_out: ahead.left_out.iter().map(behind).collect(),
                weeks: ahead
                    .weeks
                    .iter()
                    .map(|week| WeekView {
                        begins: week.begins.to_string(),
                        opening: week.opening.decimal(),
                        invoices: week.invoices.decimal(),
                        bills: week.bills.decimal(),
                        other: week.other.decimal(),
                        closing: week.closing.decimal(),
                        records: week.of.iter().map(behind).collect(),
                    })
                    .collect(),
            }
        }
    }
}

/// The money of a company: cash, what is spent, how long it lasts, what is owed on both sides and how late, thirteen weeks ahead. With
/// `delay` invoices come in so many days after they are due.
#[utoipa::path(get, path = "/api/books/companies/{realm}/money", tag = "Money", params(("realm" = String, Path), ("delay" = Option<i32>, Query)),
    responses((status = 200, body = ClientAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem, description = "Its books are not read yet")))]
pub(super) async fn money(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    params: Params,
) -> Result<Json<ClientAnswer>, Problem> {
    params.only(&["delay"])?;
    let delay =
        params.parsed("delay", |text| text.parse::<i32>().ok().filter(|it| (0..=180).contains(it)))?;
    let Client { standing, currency, meta } = client(face, known, realm).await?;
    let of = |of: &Figure<Money>| figure(of, currency.clone(), true);
    let spent = Figure {
        value: standing.burn.value.map(|burn| burn.spent),
        method: standing.burn.method,
        window: standing.burn.window,
        of: standing.burn.of.clone(),
    };
    let quality = standing.quality.ok().map(|it| QualityView {
        score: it.score,
        completeness: it.completeness,
        weighted: it.weighted,
        small_sample: it.small_sample,
    });
    let data = ClientMoney {
        cash: of(&standing.cash),
        restricted: of(&standing.restricted),
        spent: of(&spent),
        burn_daily: standing.burn.value.ok().map(|burn| burn.daily().decimal()),
        inflow: standing.inflow.as_ref().map(of),
        runway: runway(standing.runway, standing.burn.value),
        payable: of(&standing.payable),
        receivable: of(&standing.receivable),
        payable_aging: buckets(&standing, Side::Bill, &currency),
        receivable_aging: buckets(&standing, Side::Invoice, &currency),
        forecast: ahead(&standing, delay.unwrap_or(0)),
        quality,
        health: standing.health().word(),
    };
    Ok(Json(ClientAnswer { data, meta }))
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
pub(super) async fn tray(
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

fn console_bill(standing: &Standing, bill: &Document, score: &Score) -> Option<ConsoleBill> {
    let open = bill.open.ok()?;
    let paid =
        pay(&[open], &standing.cash.value, &standing.burn.value, &standing.policy, standing.today).ok()?;
    let until = runway(paid.after, standing.burn.value).covered_until;
    let called = standing.facts.party(bill).and_then(|party| party.called.clone());
    let parts = score.parts.iter().filter(|part| part.tenths != 0).map(|part| ScorePart {
        what: part.what,
        points: format!("{}.{}", part.tenths / 10, part.tenths % 10),
    });
    Some(ConsoleBill {
        id: bill.name.id.to_string(),
        number: bill.number.clone(),
        vendor: called.or_else(|| bill.party_name.clone()),
        due: bill.due.map(|due| due.to_string()),
        days_late: bill.days_late(standing.today).filter(|days| *days > 0),
        open: open.decimal(),
        priority: score.points,
        parts: parts.collect(),
        impact_days: tenths(paid.tenths),
        covered_until: until,
        latest_safe: latest_safe(bill, VendorTerms::UNSAID, &standing.policy).map(|date| date.to_string()),
        guard: guard_word(guard(&paid, &standing.policy)),
        people_needed: people_needed(open, &standing.policy),
    })
}

/// Open bills of a company that can be decided about, those that should be paid soonest first. QuickBooks pays nothing: what is
/// decided is done elsewhere and recorded.
#[utoipa::path(get, path = "/api/books/companies/{realm}/console", tag = "Money", params(("realm" = String, Path)),
    responses((status = 200, body = ConsoleAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn console(
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
    let data = scored.iter().filter_map(|(score, bill)| console_bill(&standing, bill, score)).collect();
    Ok(Json(ConsoleAnswer { data, blocked, meta }))
}

/// What paying a set of open bills now does to the cash and to how long it lasts: one computation with all of them.
#[utoipa::path(get, path = "/api/books/companies/{realm}/what-if", tag = "Money", params(("realm" = String, Path), ("bills" = String, Query, description = "Ids, separated by commas, 20 at the most")),
    responses((status = 200, body = WhatIfAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn what_if(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    params: Params,
) -> Result<Json<WhatIfAnswer>, Problem> {
    params.only(&["bills"])?;
    let bad = || Problem::field("bills", texts::MONEY_SET);
    let ids: Option<Vec<EntityId>> =
        params.get("bills").unwrap_or_default().split(',').map(|id| EntityId::new(id.trim())).collect();
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
