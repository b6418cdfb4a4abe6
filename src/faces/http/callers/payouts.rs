//! Payouts of providers and the gifts in them (domain 3.6).

use std::collections::BTreeSet;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::auth::Known;
use super::super::params::{NoParams, Params};
use super::super::problem::Problem;
use super::super::{Face, known_id};
use super::Kind;
use super::body::Fields;
use super::list::{self, CallerMeta, LIST, ListAsk, TwentyList, TwentyOne};
use super::wait::{Became, OnItsWay, outcome};
use super::write::Written;
use crate::desk::EditAsk;
use crate::ground::id::Object;
use crate::store::parts::part;

/// Gifts of one request at most.
const GIFTS_MAX: usize = 200;

/// Gifts that were linked with a payout.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Linked {
    linked_gift_ids: Vec<String>,
    meta: CallerMeta,
}

/// Gifts that were taken out of a payout.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unlinked {
    unlinked_gift_ids: Vec<String>,
    meta: CallerMeta,
}

/// Payouts, with every parameter of a Twenty list.
#[utoipa::path(get, path = "/api/fundraising/gift-payouts", tag = "Existing callers",
    params(("limit" = Option<String>, Query), ("starting_after" = Option<String>, Query), ("ending_before" = Option<String>, Query), ("order_by" = Option<String>, Query), ("filter" = Option<String>, Query), ("depth" = Option<String>, Query), ("fields" = Option<String>, Query)),
    responses((status = 200, body = TwentyList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in crate::faces::http) async fn list(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&LIST)?;
    list::list(&face, &known, &ListAsk::of("giftPayouts"), &params).await
}

/// One payout.
#[utoipa::path(get, path = "/api/fundraising/gift-payouts/{id}", tag = "Existing callers", params(("id" = String, Path), ("depth" = Option<String>, Query), ("fields" = Option<String>, Query)),
    responses((status = 200, body = TwentyOne), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in crate::faces::http) async fn one(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    list::one(&face, &known, "giftPayouts", &id, &params)
}

/// Makes a payout.
#[utoipa::path(post, path = "/api/fundraising/gift-payouts", tag = "Existing callers", params(("Idempotency-Key" = Option<String>, Header)), request_body = Object,
    responses((status = 201, body = TwentyOne), (status = 202, body = OnItsWay), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(in crate::faces::http) async fn create(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let kind = Written::kind(&face, &known, "giftPayouts")?;
    let mut body = Fields::new(&bytes)?;
    body.fit(&kind);
    let defaults = confirmed(&face, &body.map, &Value::Null);
    let fields = body.finish_change()?;
    Written { face: &face, known: &known, kind: &kind }
        .make(StatusCode::CREATED, (fields, defaults), &headers)
        .await
}

/// A payout that is reconciled is confirmed from now on, unless somebody says since when, or it was before.
fn confirmed(face: &Face, fields: &Map<String, Value>, known: &Value) -> Map<String, Value> {
    let reconciled = fields.get("status").and_then(Value::as_str) == Some("RECONCILED");
    let said = !part(known, "confirmedAt").is_null() || fields.contains_key("confirmedAt");
    let now = || ("confirmedAt".to_owned(), Value::from(face.desk.world.now().to_string()));
    (reconciled && !said).then(now).into_iter().collect()
}

/// Changes a payout; one that becomes reconciled is confirmed.
#[utoipa::path(patch, path = "/api/fundraising/gift-payouts/{id}", tag = "Existing callers", params(("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = Object,
    responses((status = 200, body = TwentyOne), (status = 202, body = OnItsWay), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(in crate::faces::http) async fn change(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let id = known_id(&id, "payout")?;
    let (kind, payout) = payout(&face, &known, id)?;
    let mut body = Fields::new(&bytes)?;
    body.fit(&kind);
    let defaults = confirmed(&face, &body.map, &payout);
    body.map.extend(defaults);
    let fields = body.finish_change()?;
    Written { face: &face, known: &known, kind: &kind }.change(id, fields, &headers).await
}

fn payout(face: &Face, known: &Known, id: Uuid) -> Result<(Kind, Value), Problem> {
    let snapshot = known.snapshot(face)?;
    let kind = Kind::named(&snapshot, "giftPayouts")?;
    let (told, _) = list::record(&snapshot, face, &kind, id)?;
    Ok((kind, serde_json::from_str(&told).unwrap_or(Value::Null)))
}

/// Links gifts with a payout.
#[utoipa::path(post, path = "/api/fundraising/gift-payouts/{id}/gifts/link", tag = "Existing callers", params(("id" = String, Path)), request_body = Object,
    responses((status = 201, body = Linked), (status = 202, body = OnItsWay), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(in crate::faces::http) async fn link(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let payout = known_id(&id, "payout")?;
    set(&face, &known, (payout, &bytes), true).await
}

/// Takes gifts out of a payout.
#[utoipa::path(post, path = "/api/fundraising/gift-payouts/{id}/gifts/unlink", tag = "Existing callers", params(("id" = String, Path)), request_body = Object,
    responses((status = 201, body = Unlinked), (status = 202, body = OnItsWay), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(in crate::faces::http) async fn unlink(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let payout = known_id(&id, "payout")?;
    set(&face, &known, (payout, &bytes), false).await
}

/// The gifts of a body, each once.
fn gift_ids(bytes: &[u8]) -> Result<Vec<Uuid>, Problem> {
    let mut body = Fields::new(bytes)?;
    body.only(&["giftIds"]);
    let given = body.map.get("giftIds").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut seen = BTreeSet::new();
    let mut ids = Vec::new();
    for value in given {
        match value.as_str().and_then(|text| text.trim().parse::<Uuid>().ok()) {
            Some(id) if seen.insert(id) => ids.push(id),
            Some(_) => {}
            None => body.wrong("giftIds", "giftIds holds something that is not an id."),
        }
    }
    if ids.is_empty() {
        body.wrong("giftIds", "giftIds must include at least one id");
    }
    if ids.len() > GIFTS_MAX {
        body.wrong("giftIds", format!("At most {GIFTS_MAX} gifts in one request."));
    }
    body.finish()?;
    Ok(ids)
}

/// Links or unlinks: all gifts are kept for sending at once, or none.
async fn set(
    face: &Face,
    known: &Known,
    (id, bytes): (Uuid, &[u8]),
    link: bool,
) -> Result<Response, Problem> {
    payout(face, known, id)?;
    let ids = gift_ids(bytes)?;
    let mut asks = Vec::with_capacity(ids.len());
    for gift in &ids {
        let value = if link { Value::from(id.to_string()) } else { Value::Null };
        // One that is in another payout by now is left there.
        if !link && !is_in(face, known, *gift, id)? {
            continue;
        }
        let fields = Map::from_iter([("giftPayoutId".to_owned(), value)]);
        asks.push(EditAsk { object: Object::Gifts, record: *gift, fields, seen: None });
    }
    let notes = face.desk.store.watch();
    let kept = face.desk.edit_records(&known.asked, asks).await?;
    let kept: Vec<_> = kept.into_iter().flatten().collect();
    if let Became::Waits(response) = outcome(face, known, &kept, notes).await? {
        return Ok(response);
    }
    let snapshot = known.snapshot(face)?;
    let meta = list::meta(&snapshot, face, Object::Gifts)?;
    let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    let answer = if link {
        json!(Linked { linked_gift_ids: ids, meta })
    } else {
        json!(Unlinked { unlinked_gift_ids: ids, meta })
    };
    Ok(list::text(StatusCode::CREATED, answer.to_string()))
}

/// Whether a gift that is there is in this payout.
fn is_in(face: &Face, known: &Known, gift: Uuid, payout: Uuid) -> Result<bool, Problem> {
    let snapshot = known.snapshot(face)?;
    let kind = Kind::named(&snapshot, "gifts")?;
    let (told, _) = list::record(&snapshot, face, &kind, gift)?;
    let gift: Value = serde_json::from_str(&told).unwrap_or(Value::Null);
    Ok(part(&gift, "giftPayoutId").as_str().and_then(|text| text.parse().ok()) == Some(payout))
}
