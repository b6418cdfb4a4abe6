//! The records behind a figure, each with the part of it: the sum of all is the figure.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::Face;
use super::super::auth::Known;
use super::super::params::Params;
use super::super::problem::Problem;
use super::{Client, ClientMeta, MoneyFigure, client, figure};
use crate::desk::finance::Standing;
use crate::ground::finance::aging::{Bucket, aging};
use crate::ground::finance::facts::Side;
use crate::ground::finance::forecast::WEEKS;
use crate::ground::finance::overlay::What;
use crate::ground::finance::{Figure, RecordName, Share, Source};
use crate::ground::money::Money;

/// Rows of a page.
const ROWS_MAX: usize = 200;

/// A part of a figure.
#[derive(Debug, Serialize, ToSchema)]
pub struct MoneyFigureRow {
    /// `bill`, `invoice`, `purchase`, ...; `earmark` or `expected` for what was said here.
    kind: &'static str,
    id: String,
    /// Its name or number, where it has one.
    called: Option<String>,
    /// Whose it is.
    party: Option<String>,
    /// When it is due, or was written or paid.
    date: Option<String>,
    /// What it adds, with its sign; none where that is not known.
    amount: Option<String>,
}

/// The parts of a figure.
#[derive(Debug, Serialize, ToSchema)]
pub struct MoneyFigureRows {
    figure: MoneyFigure,
    data: Vec<MoneyFigureRow>,
    /// From where the next page goes on.
    next: Option<usize>,
    meta: ClientMeta,
}

fn of_week(standing: &Standing, name: &str, delay: i32) -> Option<Figure<Money>> {
    let at: usize = name.strip_prefix("week-")?.parse().ok().filter(|at| (1..=WEEKS).contains(at))?;
    let ahead = match standing.ahead(delay) {
        Ok(ahead) => ahead,
        Err(why) => return Some(Figure::now(Err(why), "bills_invoices_and_known", Vec::new())),
    };
    let week = ahead.weeks.get(at - 1)?;
    let micros = [week.invoices.micros, -week.bills.micros, week.expected.micros];
    let sum = micros.into_iter().try_fold(0_i64, i64::checked_add)?;
    let value = Ok(Money { micros: sum, ..week.closing });
    let window = Some((week.begins, week.begins.plus_days(6)));
    Some(Figure { value, method: "bills_invoices_and_known", window, of: week.of.clone() })
}

fn named(standing: &Standing, name: &str, delay: i32) -> Option<Figure<Money>> {
    let bucket = |side: Side, word: &str| {
        let bucket = Bucket::ALL.into_iter().find(|bucket| bucket.word() == word)?;
        aging(&standing.facts, side, standing.today).into_iter().find(|(of, _)| *of == bucket)
    };
    match name {
        "cash" => Some(standing.cash.clone()),
        "restricted" => Some(standing.restricted.clone()),
        "spent" => Some(standing.spent()),
        "inflow" => standing.inflow.clone(),
        "payable" => Some(standing.payable.clone()),
        "receivable" => Some(standing.receivable.clone()),
        _ => {
            let payable = name.strip_prefix("payable-").and_then(|word| bucket(Side::Bill, word));
            let receivable = || name.strip_prefix("receivable-").and_then(|word| bucket(Side::Invoice, word));
            let aged = payable.or_else(receivable).map(|(_, figure)| figure);
            aged.or_else(|| of_week(standing, name, delay))
        }
    }
}

/// What a record is called, whose it is, and its date.
type Told = (Option<String>, Option<String>, Option<String>);

fn record(standing: &Standing, name: &RecordName) -> Told {
    let facts = &standing.facts;
    if let Some(document) = facts.documents.iter().find(|it| it.name == *name) {
        let party = facts.party(document).and_then(|party| party.called.clone());
        let date = document.due.or(document.date).map(|date| date.to_string());
        return (document.number.clone(), party.or_else(|| document.party_name.clone()), date);
    }
    if let Some(flow) = facts.flows.iter().find(|it| it.name == *name) {
        let parties = facts.parties.values().filter(|party| Some(&party.name.id) == flow.party.as_ref());
        let wanted = if flow.is_in { "customer" } else { "vendor" };
        let party =
            parties.filter(|party| party.name.entity.path() == wanted).find_map(|it| it.called.clone());
        return (None, party, flow.date.map(|date| date.to_string()));
    }
    let account = facts.cash.iter().find(|account| account.id == name.id);
    (account.map(|account| account.name.clone()), None, None)
}

fn row(standing: &Standing, share: &Share) -> MoneyFigureRow {
    let amount = share.amount.ok().map(Money::decimal);
    match &share.source {
        Source::Record(name) => {
            let (called, party, date) = record(standing, name);
            MoneyFigureRow { kind: name.entity.path(), id: name.id.to_string(), called, party, date, amount }
        }
        Source::Said(id) => {
            let overlay = &standing.overlay;
            let said = overlay.earmarks.get(id).or_else(|| overlay.expected.get(id)).map(|said| &said.what);
            let (kind, called, date) = match said {
                Some(What::Earmark { reason, until, .. }) => ("earmark", Some(reason.clone()), *until),
                Some(What::Expected { label, on, .. }) => ("expected", Some(label.clone()), Some(*on)),
                _ => ("earmark", None, None),
            };
            MoneyFigureRow {
                kind,
                id: id.to_string(),
                called,
                party: None,
                date: date.map(|it| it.to_string()),
                amount,
            }
        }
    }
}

/// The records that make a figure, each with its part: `cash`, `restricted`, `spent`, `inflow`, `payable`, `receivable`, these two
/// by how late (`payable-31_60`), and weeks ahead (`week-1`).
#[utoipa::path(get, path = "/api/books/companies/{realm}/figures/{name}", tag = "Money",
    params(("realm" = String, Path), ("name" = String, Path), ("after" = Option<usize>, Query), ("delay" = Option<i32>, Query)),
    responses((status = 200, body = MoneyFigureRows), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(in super::super) async fn rows(
    State(face): State<Face>,
    known: Known,
    Path((realm, name)): Path<(String, String)>,
    params: Params,
) -> Result<Json<MoneyFigureRows>, Problem> {
    params.only(&["after", "delay"])?;
    let after = params.parsed("after", |text| text.parse::<usize>().ok())?.unwrap_or(0);
    let delay = super::delay(&params)?;
    let Client { standing, currency, meta, .. } = client(face, known, realm, None).await?;
    let found = named(&standing, &name, delay).ok_or(Problem::not_found("figure"))?;
    let end = after.saturating_add(ROWS_MAX).min(found.of.len());
    let page = found.of.get(after.min(end)..end).unwrap_or_default();
    let data = page.iter().map(|share| row(&standing, share)).collect();
    let next = (end < found.of.len()).then_some(end);
    Ok(Json(MoneyFigureRows { figure: figure(&found, currency), data, next, meta }))
}
