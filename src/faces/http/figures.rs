//! The figures of Home over the mirror, and the records behind each: gifts of a period, donors who deserve a thought, tasks
//! and agreements that are due. No remote call.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Face;
use super::auth::Known;
use super::params::Params;
use super::problem::Problem;
use super::wire::{FreshnessView, MoneyView, TotalView, totals};
use crate::ground::crm::record_url;
use crate::ground::giving::{self, Compared, Period};
use crate::ground::id::{ConnectionId, Object, PersonId, Seq};
use crate::ground::listing::Listing;
use crate::ground::time::CalendarDate;
use crate::store::{Came, Given, Giving, Ledger, Picked, Record, Snapshot, StoreError, Window};

/// Links of a page of tasks that are looked at.
const LINKS_MAX: usize = 1_000;

/// A figure of Home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Figure {
    Week,
    WeekBefore,
    Month,
    MonthBefore,
    FirstGifts,
    Lapsed,
    TasksDue,
    AgreementsOverdue,
    AgreementsNear,
}

/// The figures that are a nudge: a rule, what it found, and what to do.
const NUDGES: [Figure; 5] =
    [Figure::TasksDue, Figure::FirstGifts, Figure::AgreementsOverdue, Figure::AgreementsNear, Figure::Lapsed];

impl Figure {
    const ALL: [Self; 9] = [
        Self::Week,
        Self::WeekBefore,
        Self::Month,
        Self::MonthBefore,
        Self::FirstGifts,
        Self::Lapsed,
        Self::TasksDue,
        Self::AgreementsOverdue,
        Self::AgreementsNear,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Week => "gifts-this-week",
            Self::WeekBefore => "gifts-that-week-last-year",
            Self::Month => "gifts-this-month",
            Self::MonthBefore => "gifts-that-month-last-year",
            Self::FirstGifts => "first-gifts",
            Self::Lapsed => "just-lapsed",
            Self::TasksDue => "tasks-due",
            Self::AgreementsOverdue => "agreements-overdue",
            Self::AgreementsNear => "agreements-near",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|figure| figure.word() == word)
    }

    /// Whose mirror it is made from.
    const fn object(self) -> Object {
        match self {
            Self::Week
            | Self::WeekBefore
            | Self::Month
            | Self::MonthBefore
            | Self::FirstGifts
            | Self::Lapsed => Object::Gifts,
            Self::TasksDue => Object::Tasks,
            Self::AgreementsOverdue | Self::AgreementsNear => Object::RecurringAgreements,
        }
    }
}

/// Gifts of a period.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CameView {
    /// The figure's name, for the records behind it.
    name: &'static str,
    from: String,
    to: String,
    gifts: u64,
    totals: Vec<TotalView>,
    /// Gifts without an amount that can be read: in no sum.
    without_amount: u64,
}

/// A period and the one it is compared with.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComparedView {
    now: CameView,
    before: CameView,
}

/// What came in, against last year.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CameInView {
    week: ComparedView,
    month: ComparedView,
    freshness: FreshnessView,
}

/// What a rule found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NudgeView {
    /// The figure's name, for the records behind it.
    name: &'static str,
    /// How many; none where the rule could not be evaluated.
    count: Option<u64>,
    /// Why it could not.
    note: Option<String>,
    freshness: FreshnessView,
}

/// The records behind a figure.
#[derive(Debug, Serialize, ToSchema)]
pub struct FigureAnswer {
    data: Vec<FigureRow>,
    meta: FigureMeta,
}

/// `meta` of a figure.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FigureMeta {
    name: &'static str,
    /// How many records the whole figure has.
    total: u64,
    has_more: bool,
    as_of: String,
    freshness: FreshnessView,
}

/// A record behind a figure.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FigureRow {
    id: String,
    object: &'static str,
    title: Option<String>,
    /// The day that put it here: given, due, expected.
    day: Option<String>,
    amount: Option<MoneyView>,
    donor_id: Option<String>,
    /// The record in Twenty.
    url: Option<String>,
}

/// What is read of a task or an agreement.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Told {
    title: Option<String>,
    name: Option<String>,
    due_at: Option<String>,
    next_expected_at: Option<String>,
    person_id: Option<Uuid>,
}

fn came_view(figure: Figure, period: Period, came: &Came) -> CameView {
    CameView {
        name: figure.word(),
        from: period.from.to_string(),
        to: period.to.to_string(),
        gifts: came.gifts,
        totals: totals(&came.totals),
        without_amount: came.without_amount,
    }
}

fn compared(all: &Giving, periods: Compared, (now, before): (Figure, Figure)) -> ComparedView {
    ComparedView {
        now: came_view(now, periods.now, &all.came(periods.now)),
        before: came_view(before, periods.before, &all.came(periods.before)),
    }
}

/// What Home shows of them; none while there is more to read first than fits in one go.
pub(super) fn on_home(
    ledger: &Ledger<'_>,
    face: &Face,
) -> Result<Option<(CameInView, Vec<NudgeView>)>, StoreError> {
    let today = face.today();
    let looked = face.giving.look(ledger, |all| {
        let week = compared(all, giving::week(today), (Figure::Week, Figure::WeekBefore));
        let month = compared(all, giving::month(today), (Figure::Month, Figure::MonthBefore));
        let first = all.first_gifts(giving::first_gifts(today)).len();
        (week, month, first, all.last_gifts(giving::lapsed(today)).len())
    })?;
    let Some((week, month, first, lapsed)) = looked else { return Ok(None) };
    let mut nudges = Vec::with_capacity(NUDGES.len());
    for figure in NUDGES {
        let (count, note) = match figure {
            Figure::FirstGifts => (Some(first as u64), None),
            Figure::Lapsed => (Some(lapsed as u64), None),
            _ => match due(ledger, face, figure, &Window { limit: 0, ..Window::default() })? {
                Found::Later => return Ok(None),
                Found::Not(note) => (None, Some(note)),
                Found::There(picked) => (Some(picked.total), None),
            },
        };
        let freshness = FreshnessView::of(ledger, face, figure.object())?;
        nudges.push(NudgeView { name: figure.word(), count, note, freshness });
    }
    let freshness = FreshnessView::of(ledger, face, Object::Gifts)?;
    Ok(Some((CameInView { week, month, freshness }, nudges)))
}

/// What came of a question to the mirror.
enum Found {
    There(Picked),
    /// It cannot be answered, and why.
    Not(String),
    /// There is more to read first.
    Later,
}

/// Tasks or agreements that are due.
fn due(ledger: &Ledger<'_>, face: &Face, figure: Figure, window: &Window) -> Result<Found, StoreError> {
    let today = face.today();
    let (plural, filter, order) = match figure {
        Figure::TasksDue => {
            let end = face.desk.zone.end_of(today);
            ("tasks", format!("status[neq]:DONE,dueAt[lte]:{end}"), "dueAt")
        }
        Figure::AgreementsNear => {
            let near = giving::near(today);
            let (from, to) = (near.from, near.to);
            let filter = format!("status[eq]:ACTIVE,nextExpectedAt[gte]:{from},nextExpectedAt[lte]:{to}");
            ("recurringAgreements", filter, "nextExpectedAt")
        }
        // Domain 7.3: active, and expected before today.
        _ => {
            ("recurringAgreements", format!("status[eq]:ACTIVE,nextExpectedAt[lt]:{today}"), "nextExpectedAt")
        }
    };
    let workspace = ledger.workspace(ConnectionId::TWENTY)?;
    let is_mirrored = workspace.mirrored().into_iter().any(|(object, _)| object == figure.object());
    let schema = workspace.schema.as_ref().and_then(|schema| schema.objects.get(plural));
    let Some(schema) = schema.filter(|_| is_mirrored) else {
        return Ok(Found::Not("Not mirrored yet: the Sync page says what is.".into()));
    };
    let listing = match Listing::read(schema, Some(&filter), Some(order)) {
        Ok(listing) => listing,
        Err(wrong) => return Ok(Found::Not(format!("Not evaluated: {}", wrong.message))),
    };
    let picked = face.shelves.pick(ledger, figure.object(), &listing, window)?;
    Ok(picked.map_or(Found::Later, Found::There))
}

/// The gifts of a figure, all of them; none of one that is not made of gifts.
fn gifts(all: &Giving, figure: Figure, today: CalendarDate) -> Option<Vec<Given>> {
    let of = |period| Some(all.gifts(period).collect());
    match figure {
        Figure::Week => of(giving::week(today).now),
        Figure::WeekBefore => of(giving::week(today).before),
        Figure::Month => of(giving::month(today).now),
        Figure::MonthBefore => of(giving::month(today).before),
        Figure::FirstGifts => Some(all.first_gifts(giving::first_gifts(today))),
        Figure::Lapsed => Some(all.last_gifts(giving::lapsed(today))),
        Figure::TasksDue | Figure::AgreementsOverdue | Figure::AgreementsNear => None,
    }
}

fn gift_row(ledger: &Ledger<'_>, face: &Face, gift: &Given) -> Result<FigureRow, StoreError> {
    let donor = gift.donor.map(|donor| ledger.person(donor)).transpose()?.flatten();
    Ok(FigureRow {
        id: gift.id.to_string(),
        object: Object::Gifts.word(),
        title: donor.and_then(|donor| donor.value.display_name()),
        day: Some(gift.day.to_string()),
        amount: gift.amount.map(MoneyView::from),
        donor_id: gift.donor.map(|donor| donor.to_string()),
        url: record_url(&face.info.twenty_url, Object::Gifts, gift.id.0),
    })
}

/// Whom tasks are about, where it is a person; none while there is more to read first.
fn about(
    ledger: &Ledger<'_>,
    face: &Face,
    tasks: &[Uuid],
) -> Result<Option<HashMap<Uuid, PersonId>>, StoreError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Target {
        task_id: Option<Uuid>,
        #[serde(alias = "targetPersonId")]
        person_id: Option<Uuid>,
    }
    let workspace = ledger.workspace(ConnectionId::TWENTY)?;
    let schema = workspace.schema.as_ref().and_then(|schema| schema.objects.get("taskTargets"));
    let ids: Vec<String> = tasks.iter().map(Uuid::to_string).collect();
    let filter = format!("taskId[in]:[{}]", ids.join(","));
    let listing = schema.and_then(|schema| Listing::read(schema, Some(&filter), None).ok());
    let Some(listing) = listing.filter(|_| !tasks.is_empty()) else { return Ok(Some(HashMap::new())) };
    let window = Window { limit: LINKS_MAX, ..Window::default() };
    let Some(picked) = face.shelves.pick(ledger, Object::TaskTargets, &listing, &window)? else {
        return Ok(None);
    };
    let mut about = HashMap::new();
    for seq in picked.entries {
        let Some(record) = ledger.record_at(seq)? else { continue };
        let target = serde_json::from_str::<Target>(&record.value).ok();
        if let Some(Target { task_id: Some(task), person_id: Some(person) }) = target {
            about.insert(task, PersonId(person));
        }
    }
    Ok(Some(about))
}

fn due_row(face: &Face, object: Object, record: &Record<String>) -> Option<FigureRow> {
    let id = record.key.uuid()?;
    let told: Told = serde_json::from_str(&record.value).unwrap_or_default();
    let day = told.due_at.or(told.next_expected_at);
    let date = |text: &str| {
        // A time is told as the day it falls on where the organisation is.
        text.parse().map_or_else(|_| text.to_owned(), |at| face.desk.zone.date_of(at).to_string())
    };
    Some(FigureRow {
        id: id.to_string(),
        object: object.word(),
        title: told.title.or(told.name),
        day: day.as_deref().map(date),
        amount: None,
        donor_id: told.person_id.map(|donor| donor.to_string()),
        url: record_url(&face.info.twenty_url, object, id),
    })
}

/// The rows of what is due, with the people that tasks are about.
fn due_rows(
    ledger: &Ledger<'_>,
    face: &Face,
    object: Object,
    entries: &[Seq],
) -> Result<Option<Vec<FigureRow>>, StoreError> {
    let mut records = Vec::with_capacity(entries.len());
    for seq in entries {
        records.extend(ledger.record_at(*seq)?);
    }
    let mut rows: Vec<FigureRow> =
        records.iter().filter_map(|record| due_row(face, object, record)).collect();
    if object == Object::Tasks {
        let tasks: Vec<Uuid> = records.iter().filter_map(|record| record.key.uuid()).collect();
        let Some(about) = about(ledger, face, &tasks)? else { return Ok(None) };
        for (row, task) in rows.iter_mut().zip(tasks) {
            row.donor_id = about.get(&task).map(ToString::to_string);
        }
    }
    Ok(Some(rows))
}

/// The records behind a figure of Home: their count, and the sum of their amounts, is the figure.
#[utoipa::path(get, path = "/api/home/figures/{name}", tag = "Home",
    params(("name" = String, Path), ("limit" = Option<String>, Query), ("offset" = Option<String>, Query)),
    responses((status = 200, body = FigureAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn figure(
    State(face): State<Face>,
    known: Known,
    Path(name): Path<String>,
    params: Params,
) -> Result<Json<FigureAnswer>, Problem> {
    params.only(&["limit", "offset"])?;
    let figure = Figure::from_word(&name).ok_or_else(|| Problem::not_found("figure"))?;
    let limit = params.limit()?;
    let offset = params.parsed("offset", |text| text.parse::<usize>().ok())?.unwrap_or(0);
    loop {
        if let Some(answer) = answer(&face, &known, figure, (offset, limit))? {
            return Ok(Json(answer));
        }
        tokio::task::yield_now().await;
    }
}

fn answer(
    face: &Face,
    known: &Known,
    figure: Figure,
    (offset, limit): (usize, usize),
) -> Result<Option<FigureAnswer>, Problem> {
    let snapshot = known.snapshot(face)?;
    let Some((data, total)) = page(&snapshot, face, figure, (offset, limit))? else { return Ok(None) };
    let meta = FigureMeta {
        name: figure.word(),
        total,
        has_more: (offset + data.len()) < usize::try_from(total).unwrap_or(usize::MAX),
        as_of: snapshot.as_of().to_string(),
        freshness: FreshnessView::of(&snapshot.ledger(), face, figure.object())?,
    };
    Ok(Some(FigureAnswer { data, meta }))
}

type Rows = (Vec<FigureRow>, u64);

fn page(
    snapshot: &Snapshot,
    face: &Face,
    figure: Figure,
    (offset, limit): (usize, usize),
) -> Result<Option<Rows>, Problem> {
    let ledger = snapshot.ledger();
    let today = face.today();
    let Some(found) = face.giving.look(&ledger, |all| gifts(all, figure, today))? else { return Ok(None) };
    if let Some(gifts) = found {
        let shown = gifts.iter().skip(offset).take(limit);
        let rows = shown.map(|gift| gift_row(&ledger, face, gift)).collect::<Result<_, _>>()?;
        return Ok(Some((rows, gifts.len() as u64)));
    }
    let window = Window { limit: offset.saturating_add(limit), ..Window::default() };
    match due(&ledger, face, figure, &window)? {
        Found::Later => Ok(None),
        Found::Not(note) => Err(Problem::new(http::StatusCode::NOT_FOUND, note)),
        Found::There(picked) => {
            let entries = picked.entries.get(offset..).unwrap_or_default();
            let rows = due_rows(&ledger, face, figure.object(), entries)?;
            Ok(rows.map(|rows| (rows, picked.total)))
        }
    }
}
