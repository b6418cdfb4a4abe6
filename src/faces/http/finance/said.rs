//! What people say about the money of a company: money set aside, what is known to come or go, how vendors are dealt with.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::auth::Known;
use super::super::books::changes::body;
use super::super::journal::who_name;
use super::super::params::NoParams;
use super::super::problem::Problem;
use super::super::{Face, known_id};
use super::{Client, ClientMeta, client};
use crate::desk::finance::Standing;
use crate::desk::finance::said::Say;
use crate::ground::books::{Entity, EntityId};
use crate::ground::finance::RecordName;
use crate::ground::finance::overlay::{Discount, Said, What};
use crate::ground::finance::priority::Tier;
use crate::ground::texts;
use crate::ground::time::CalendarDate;
use crate::store::{Ledger, StoreError};

/// Something that is said. Which fields it has follows from its kind.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SaidView {
    id: String,
    /// `earmark`, `expected` or `vendor`.
    kind: &'static str,
    /// In decimals of the company's currency; what goes is negative.
    amount: Option<String>,
    /// What for, or what it is.
    text: Option<String>,
    /// The day of what is expected, the last day of an earmark.
    on: Option<String>,
    /// Whether it still counts today.
    counts: bool,
    vendor: Option<String>,
    vendor_name: Option<String>,
    tier: Option<&'static str>,
    /// In per cent, with two decimals.
    late_fee: Option<String>,
    discount: Option<String>,
    discount_days: Option<i32>,
    by: String,
    at: String,
}

/// All that is said of a company.
#[derive(Debug, Serialize, ToSchema)]
pub struct SaidAnswer {
    data: Vec<SaidView>,
    currency: String,
    meta: ClientMeta,
}

/// Something to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SayBody {
    /// `earmark` (`amount`, `text`, `on` for its last day), `expected` (`on`, `amount`, `text`) or `vendor` (`vendor`, `tier`,
    /// `lateFee`, `discount`, `discountDays`).
    kind: String,
    amount: Option<String>,
    text: Option<String>,
    on: Option<String>,
    vendor: Option<String>,
    tier: Option<String>,
    /// In per cent: `1.5`.
    late_fee: Option<String>,
    discount: Option<String>,
    discount_days: Option<i32>,
}

/// Hundredths of a per cent from a text such as `1.5`.
fn hundredths(field: &str, text: Option<&str>) -> Result<u32, Problem> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(0) };
    let bad = || Problem::field(field, texts::MONEY_PERCENT);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.chars().all(|digit| digit.is_ascii_digit());
    if whole.is_empty() || whole.len() > 3 || fraction.len() > 2 || !digits(whole) || !digits(fraction) {
        return Err(bad());
    }
    let (whole, part): (u32, u32) =
        (whole.parse().map_err(|_| bad())?, format!("{fraction:0<2}").parse().map_err(|_| bad())?);
    Ok(whole * 100 + part)
}

fn percent(hundredths: u32) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn view(ledger: &Ledger<'_>, standing: &Standing, said: &Said) -> Result<Option<SaidView>, StoreError> {
    let mut view = SaidView {
        id: said.id.to_string(),
        kind: "earmark",
        amount: None,
        text: None,
        on: None,
        counts: true,
        vendor: None,
        vendor_name: None,
        tier: None,
        late_fee: None,
        discount: None,
        discount_days: None,
        by: who_name(ledger, &said.by)?,
        at: said.at.to_string(),
    };
    match &said.what {
        What::Earmark { amount, until, reason } => {
            (view.amount, view.text) = (Some(amount.decimal()), Some(reason.clone()));
            view.on = until.map(|until| until.to_string());
            view.counts = until.is_none_or(|until| standing.today <= until);
        }
        What::Expected { on, amount, label } => {
            (view.kind, view.amount, view.text) = ("expected", Some(amount.decimal()), Some(label.clone()));
            (view.on, view.counts) = (Some(on.to_string()), *on >= standing.today);
        }
        What::Vendor { vendor, tier, late_fee, discount } => {
            (view.kind, view.vendor) = ("vendor", Some(vendor.to_string()));
            let name = RecordName { entity: Entity::Vendor, id: vendor.clone() };
            view.vendor_name = standing.facts.parties.get(&name).and_then(|party| party.called.clone());
            (view.tier, view.late_fee) = (Some(tier.word()), Some(percent(*late_fee)));
            view.discount = discount.map(|discount| percent(discount.hundredths));
            view.discount_days = discount.map(|discount| discount.days);
        }
        What::Ignored { .. } | What::Policy { .. } => return Ok(None),
    }
    Ok(Some(view))
}

fn answer(
    ledger: &Ledger<'_>,
    Client { standing, currency, meta, .. }: Client,
) -> Result<Json<SaidAnswer>, Problem> {
    let overlay = &standing.overlay;
    let all = overlay.earmarks.values().chain(overlay.expected.values()).chain(overlay.vendors.values());
    let mut data = Vec::new();
    for said in all {
        data.extend(view(ledger, &standing, said)?);
    }
    data.sort_by(|one, other| (one.kind, &one.on, &one.at).cmp(&(other.kind, &other.on, &other.at)));
    Ok(Json(SaidAnswer { data, currency, meta }))
}

/// What people say about the money of a company beside its books.
#[utoipa::path(get, path = "/api/books/companies/{realm}/said", tag = "Money", params(("realm" = String, Path)),
    responses((status = 200, body = SaidAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(in super::super) async fn said(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    _: NoParams,
) -> Result<Json<SaidAnswer>, Problem> {
    let client = client(face.clone(), known.clone(), realm, None).await?;
    answer(&known.snapshot(&face)?.ledger(), client)
}

fn day(field: &str, text: Option<&str>) -> Result<Option<CalendarDate>, Problem> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    text.map(|text| text.parse().map_err(|_| Problem::field(field, texts::MONEY_DAY))).transpose()
}

fn saying(told: SayBody) -> Result<Say, Problem> {
    let on = day("on", told.on.as_deref())?;
    let needed =
        |field: &str, text: Option<String>| text.ok_or_else(|| Problem::field(field, texts::MONEY_SAY));
    match told.kind.as_str() {
        "earmark" => Ok(Say::Earmark {
            amount: needed("amount", told.amount)?,
            until: on,
            reason: needed("text", told.text)?,
        }),
        "expected" => Ok(Say::Expected {
            on: on.ok_or_else(|| Problem::field("on", texts::MONEY_DAY))?,
            amount: needed("amount", told.amount)?,
            label: needed("text", told.text)?,
        }),
        "vendor" => {
            let vendor =
                EntityId::new(&needed("vendor", told.vendor)?).ok_or(Problem::not_found("vendor"))?;
            let tier =
                told.tier.as_deref().and_then(|word| Tier::ALL.into_iter().find(|it| it.word() == word));
            let discount = hundredths("discount", told.discount.as_deref())?;
            let discount = (discount > 0)
                .then(|| told.discount_days.map(|days| Discount { hundredths: discount, days }))
                .map(|discount| discount.ok_or_else(|| Problem::field("discountDays", texts::MONEY_SAY)))
                .transpose()?;
            Ok(Say::Vendor {
                vendor,
                tier: tier.ok_or_else(|| Problem::field("tier", texts::MONEY_SAY))?,
                late_fee: hundredths("lateFee", told.late_fee.as_deref())?,
                discount,
            })
        }
        _ => Err(Problem::field("kind", texts::MONEY_SAY)),
    }
}

/// Says something about the money of a company: nothing of it goes to QuickBooks. Undone by `DELETE .../said/{id}`.
#[utoipa::path(post, path = "/api/books/companies/{realm}/said", tag = "Money", params(("realm" = String, Path)), request_body = SayBody,
    responses((status = 200, body = SaidAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn say(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    _: NoParams,
    bytes: Bytes,
) -> Result<Json<SaidAnswer>, Problem> {
    let saying = saying(body(&bytes)?)?;
    let of = client(face.clone(), known.clone(), realm.clone(), None).await?;
    face.desk.say_of_money(&known.asked, of.realm, saying).await?;
    let client = client(face.clone(), known.clone(), realm, None).await?;
    answer(&known.snapshot(&face)?.ledger(), client)
}

/// Takes back what was said: money is released, a known thing is forgotten, a vendor is as any other.
#[utoipa::path(delete, path = "/api/books/companies/{realm}/said/{id}", tag = "Money", params(("realm" = String, Path), ("id" = String, Path)),
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn unsay(
    State(face): State<Face>,
    known: Known,
    Path((realm, id)): Path<(String, String)>,
    _: NoParams,
) -> Result<StatusCode, Problem> {
    let id = known_id(&id, "entry")?;
    let of = client(face.clone(), known.clone(), realm, None).await?;
    face.desk.unsay_of_money(&known.asked, of.realm, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
