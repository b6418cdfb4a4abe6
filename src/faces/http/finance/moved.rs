//! What changed at a company since a day, and why.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::Face;
use super::super::auth::Known;
use super::super::params::Params;
use super::super::problem::Problem;
use super::{Client, ClientMeta, RunwayView, client, runway, tenths};
use crate::ground::finance::Known as Value;
use crate::ground::finance::change::{Driver, drivers, unexplained};
use crate::ground::money::Money;
use crate::ground::texts;
use crate::ground::time::CalendarDate;

/// A week.
const DAYS: i32 = 7;
/// Things that moved and are told; how many there are is told too.
const TOLD_MAX: usize = 100;

/// Something that moved.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriverView {
    /// `came_in`, `went_out`, `new_bill`, `bill_settled`, `new_invoice` or `invoice_settled`.
    what: &'static str,
    kind: &'static str,
    id: String,
    party: Option<String>,
    /// What comes or is owed to us is positive, what goes or is owed by us negative.
    amount: Option<String>,
    impact_days: Option<String>,
    /// Whether it moved the cash.
    is_cash: bool,
}

/// A figure then and now.
#[derive(Debug, Serialize, ToSchema)]
pub struct ThenAndNow {
    then: Option<String>,
    now: Option<String>,
    /// The difference, where both are known.
    change: Option<String>,
}

/// What changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WhatChanged {
    /// The day it is compared with, at its end.
    since: String,
    currency: String,
    cash: ThenAndNow,
    payable: ThenAndNow,
    receivable: ThenAndNow,
    runway_then: RunwayView,
    runway_now: RunwayView,
    /// What of the change of the cash the money that moved does not explain: transfers, opening balances, money set aside.
    unexplained: Option<String>,
    /// What moved, the largest first, 100 at the most.
    drivers: Vec<DriverView>,
    /// How many things moved.
    moved: usize,
}

/// What changed at a company.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhatChangedAnswer {
    data: WhatChanged,
    meta: ClientMeta,
}

fn pair(then: Value<Money>, now: Value<Money>) -> ThenAndNow {
    let change = then.ok().zip(now.ok()).and_then(|(then, now)| {
        Some(Money { micros: now.micros.checked_sub(then.micros)?, ..now }.decimal())
    });
    ThenAndNow { then: then.ok().map(Money::decimal), now: now.ok().map(Money::decimal), change }
}

fn driver(of: &Driver) -> DriverView {
    DriverView {
        what: of.what.word(),
        kind: of.of.entity.path(),
        id: of.of.id.to_string(),
        party: of.party.clone(),
        amount: of.amount.ok().map(Money::decimal),
        impact_days: tenths(of.tenths),
        is_cash: of.what.is_cash(),
    }
}

/// What changed at a company since the end of a day, seven days ago when none is named, and what moved it, the largest first.
#[utoipa::path(get, path = "/api/books/companies/{realm}/moved", tag = "Money", params(("realm" = String, Path), ("since" = Option<String>, Query)),
    responses((status = 200, body = WhatChangedAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(in super::super) async fn moved(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    params: Params,
) -> Result<Json<WhatChangedAnswer>, Problem> {
    params.only(&["since"])?;
    let since = params.parsed("since", |text| text.parse::<CalendarDate>().ok())?;
    let Client { standing: now, currency, meta, .. } =
        client(face.clone(), known.clone(), realm.clone(), None).await?;
    let since = since.unwrap_or_else(|| now.today.plus_days(-DAYS));
    if since >= now.today {
        return Err(Problem::field("since", texts::MONEY_SINCE));
    }
    let Client { standing: then, .. } = client(face, known, realm, Some(since)).await?;
    let found = drivers(&then.facts, &now.facts, &now.burn.value);
    let left = unexplained(then.cash.value, now.cash.value, &found);
    let data = WhatChanged {
        since: since.to_string(),
        currency,
        cash: pair(then.cash.value, now.cash.value),
        payable: pair(then.payable.value, now.payable.value),
        receivable: pair(then.receivable.value, now.receivable.value),
        runway_then: runway(then.runway, then.burn.value),
        runway_now: runway(now.runway, now.burn.value),
        unexplained: left.ok().map(Money::decimal),
        drivers: found.iter().take(TOLD_MAX).map(driver).collect(),
        moved: found.len(),
    };
    Ok(Json(WhatChangedAnswer { data, meta }))
}
