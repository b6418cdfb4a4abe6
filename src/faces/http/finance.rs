//! The money of the companies: the portfolio, the worst first, and of one company its figures. No remote call; each figure names how it was computed and the records behind it, and each answer how old the books are.

pub(super) mod console;
pub(super) mod digests;
pub(super) mod moved;
pub(super) mod policy;
pub(super) mod rows;
pub(super) mod said;
pub(super) mod tray;

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
use crate::desk::finance::shelf::standing_as_of;
use crate::desk::finance::{Reading, Short, Standing, Summary};
use crate::ground::books::mirror::{Books, Halted};
use crate::ground::books::schedule::LOOK_MS;
use crate::ground::books::{Connected, RealmId};
use crate::ground::finance::aging::{Bucket, aging};
use crate::ground::finance::burn::{Burn, Runway};
use crate::ground::finance::facts::Side;
use crate::ground::finance::{Figure, Known as Value, RecordName};
use crate::ground::money::Money;
use crate::ground::texts;
use crate::ground::time::{CalendarDate, Instant};
use crate::store::{Ledger, StoreError};

/// A record that is named.
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
    /// Why it is not known: `no_balance`, `balance_missing`, `no_history`, `no_burn`, `no_records`, `foreign_currency`, `unreadable`, `too_large`, `not_set`.
    unknown: Option<&'static str>,
    /// How it was computed.
    method: &'static str,
    /// The first day it is about, where it is about some.
    from: Option<String>,
    /// The last one.
    to: Option<String>,
    /// How many records make it, which `.../figures/{name}` lists with the part of each.
    count: usize,
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
    /// What is known beside the books, what comes less what goes.
    expected: String,
    /// What is spent beyond those bills, as it was lately.
    other: String,
    closing: String,
    /// How many bills, invoices and known things are in it, which `.../figures/week-1` to `week-13` list.
    count: usize,
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

fn behind(of: &RecordName) -> RecordBehind {
    RecordBehind { kind: of.entity.path(), id: of.id.to_string() }
}

fn figure(figure: &Figure<Money>, currency: String) -> MoneyFigure {
    MoneyFigure {
        amount: figure.value.ok().map(Money::decimal),
        currency,
        unknown: figure.value.err().map(crate::ground::finance::Unknown::word),
        method: figure.method,
        from: figure.window.map(|(from, _)| from.to_string()),
        to: figure.window.map(|(_, to)| to.to_string()),
        count: figure.of.len(),
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

fn short(of: &Short, currency: &str) -> MoneyFigure {
    MoneyFigure {
        amount: of.value.ok().map(Money::decimal),
        currency: currency.to_owned(),
        unknown: of.value.err().map(crate::ground::finance::Unknown::word),
        method: of.method,
        from: None,
        to: None,
        count: of.count,
    }
}

fn figures(of: &Summary, currency: &str) -> PortfolioFigures {
    let [critical, high, medium, _] = of.counts;
    PortfolioFigures {
        cash: short(&of.cash, currency),
        runway: runway(of.runway, of.burn),
        burn_daily: of.burn.ok().map(|burn| burn.daily().decimal()),
        payable: short(&of.payable, currency),
        receivable: short(&of.receivable, currency),
        critical,
        high,
        medium,
        ready: of.ready,
        blocked: of.blocked,
        quality: of.quality.ok().map(|quality| quality.score),
    }
}

fn summary(
    face: &Face,
    ledger: &Ledger<'_>,
    company: &Connected,
) -> Result<Option<Arc<Summary>>, StoreError> {
    let Some(texts) = &face.desk.books.texts else { return Ok(None) };
    let now = face.desk.world.now();
    let reading = Reading { ledger, texts: &**texts, zone: &face.desk.zone, now };
    face.money.summary(&reading, company)
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
        // A company that cannot be read holds up no other.
        let (found, broken) = match summary(face, &ledger, &company) {
            Ok(found) => (found, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let trouble = broken.or_else(|| trouble(&company, &books));
        // Whoever cannot be read comes first, then the worst, then who is not known yet.
        let place = (trouble.is_none(), found.is_none(), found.as_ref().map(|found| found.order));
        let currency = company.home.map(|home| home.to_string());
        let row = PortfolioRow {
            realm: company.realm.to_string(),
            name: company.label().to_owned(),
            health: found.as_ref().map(|found| found.health.word()),
            freshness: books.freshness(now, LOOK_MS).word(),
            synced_at: books.complete_as_of.map(|at| at.to_string()),
            trouble,
            figures: found.as_ref().zip(currency.as_deref()).map(|(of, currency)| figures(of, currency)),
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
    realm: RealmId,
    currency: String,
    meta: ClientMeta,
}

fn delay(params: &Params) -> Result<i32, Problem> {
    let days = |text: &str| text.parse::<i32>().ok().filter(|days| (0..=180).contains(days));
    Ok(params.parsed("delay", days)?.unwrap_or(0))
}

/// A company as it stands, or as it stood at the end of a day.
async fn client(
    face: Face,
    known: Known,
    realm: String,
    day: Option<CalendarDate>,
) -> Result<Client, Problem> {
    let read = move || {
        let snapshot = known.snapshot(&face)?;
        let (ledger, now): (_, Instant) = (snapshot.ledger(), face.desk.world.now());
        let company = seen(&ledger, &known.viewer, &realm)?;
        let books = ledger.books(company.connection)?;
        let zone = company.zone_or(&face.desk.zone);
        let past = day.filter(|day| *day < zone.date_of(now));
        let (standing, told) = match past {
            None => (standing(&face, &ledger, &company)?, snapshot.as_of()),
            Some(day) => {
                let end = zone.end_of(day);
                (stood(&face, &ledger, &company, (day, end))?, end)
            }
        };
        let none = || Problem::new(http::StatusCode::CONFLICT, texts::MONEY_NOT_READ);
        let (standing, home) = standing.zip(company.home).ok_or_else(none)?;
        let meta = ClientMeta {
            as_of: told.to_string(),
            today: standing.today.to_string(),
            synced_at: books.complete_as_of.filter(|_| past.is_none()).map(|at| at.to_string()),
            freshness: books.freshness(now, LOOK_MS).word(),
        };
        Ok(Client { standing, realm: company.realm, currency: home.to_string(), meta })
    };
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|error| Problem::new(http::StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?
}

fn stood(
    face: &Face,
    ledger: &Ledger<'_>,
    company: &Connected,
    (day, end): (CalendarDate, Instant),
) -> Result<Option<Arc<Standing>>, StoreError> {
    let Some(texts) = &face.desk.books.texts else { return Ok(None) };
    let reading = Reading { ledger, texts: &**texts, zone: &face.desk.zone, now: end };
    Ok(standing_as_of(&reading, company, ledger.seq_at(end)?, day)?.map(Arc::new))
}

fn buckets(standing: &Standing, side: Side, currency: &str) -> Vec<BucketView> {
    let of = aging(&standing.facts, side, standing.today);
    let view = |(bucket, of): &(Bucket, Figure<Money>)| BucketView {
        bucket: bucket.word(),
        figure: figure(of, currency.to_owned()),
    };
    of.iter().map(view).collect()
}

fn ahead(standing: &Standing, delay: i32) -> MoneyForecast {
    match standing.ahead(delay) {
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
                        expected: week.expected.decimal(),
                        other: week.other.decimal(),
                        closing: week.closing.decimal(),
                        count: week.of.len(),
                    })
                    .collect(),
            }
        }
    }
}

/// The money of a company: cash, what is spent, how long it lasts, what is owed on both sides and how late, thirteen weeks ahead. With
/// `delay` invoices come in so many days after they are due; with `as_of` as all of it stood at the end of that day, what was said and
/// decided too.
#[utoipa::path(get, path = "/api/books/companies/{realm}/money", tag = "Money", params(("realm" = String, Path), ("delay" = Option<i32>, Query), ("as_of" = Option<String>, Query, description = "A day: as it stood at its end")),
    responses((status = 200, body = ClientAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem, description = "Its books are not read yet")))]
pub(super) async fn money(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    params: Params,
) -> Result<Json<ClientAnswer>, Problem> {
    params.only(&["delay", "as_of"])?;
    let delay = delay(&params)?;
    let day = params.parsed("as_of", |text| text.parse::<CalendarDate>().ok())?;
    let Client { standing, currency, meta, .. } = client(face, known, realm, day).await?;
    let of = |of: &Figure<Money>| figure(of, currency.clone());
    let spent = standing.spent();
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
        forecast: ahead(&standing, delay),
        quality,
        health: standing.health().word(),
    };
    Ok(Json(ClientAnswer { data, meta }))
}
