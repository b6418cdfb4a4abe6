//! Recurring agreements (domain 3.6).

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::Map;

use super::super::auth::Known;
use super::super::params::{NoParams, Params};
use super::super::problem::Problem;
use super::super::{Face, known_id};
use super::body::Fields;
use super::list::{self, LIST, ListAsk, TwentyList, TwentyOne};
use super::wait::OnItsWay;
use super::write::Written;

/// What the old service called it, and what the workspace does (domain 1.9, decision 0010).
const NAMES: [(&str, &str); 5] = [
    ("contactId", "personId"),
    ("donorId", "personId"),
    ("defaultAppealId", "appealId"),
    ("defaultFundId", "fundId"),
    ("paymentMethod", "paymentType"),
];

/// Recurring agreements, with every parameter of a Twenty list.
#[utoipa::path(get, path = "/api/fundraising/recurring-agreements", tag = "Existing callers",
    params(("limit" = Option<String>, Query), ("starting_after" = Option<String>, Query), ("ending_before" = Option<String>, Query), ("order_by" = Option<String>, Query), ("filter" = Option<String>, Query), ("depth" = Option<String>, Query), ("fields" = Option<String>, Query)),
    responses((status = 200, body = TwentyList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in crate::faces::http) async fn list(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&LIST)?;
    list::list(&face, &known, &ListAsk::of("recurringAgreements"), &params).await
}

/// One recurring agreement.
#[utoipa::path(get, path = "/api/fundraising/recurring-agreements/{id}", tag = "Existing callers", params(("id" = String, Path), ("depth" = Option<String>, Query), ("fields" = Option<String>, Query)),
    responses((status = 200, body = TwentyOne), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in crate::faces::http) async fn one(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    list::one(&face, &known, "recurringAgreements", &id, &params)
}

/// Makes a recurring agreement.
#[utoipa::path(post, path = "/api/fundraising/recurring-agreements", tag = "Existing callers", params(("Idempotency-Key" = Option<String>, Header)), request_body = Object,
    responses((status = 200, body = TwentyOne), (status = 202, body = OnItsWay), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(in crate::faces::http) async fn create(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let kind = Written::kind(&face, &known, "recurringAgreements")?;
    let mut body = Fields::new(&bytes)?;
    body.rename(&kind, &NAMES);
    body.fit(&kind);
    let fields = body.finish_change()?;
    Written { face: &face, known: &known, kind: &kind }
        .make(StatusCode::OK, (fields, Map::new()), &headers)
        .await
}

/// Changes a recurring agreement.
#[utoipa::path(patch, path = "/api/fundraising/recurring-agreements/{id}", tag = "Existing callers", params(("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = Object,
    responses((status = 200, body = TwentyOne), (status = 202, body = OnItsWay), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(in crate::faces::http) async fn change(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let kind = Written::kind(&face, &known, "recurringAgreements")?;
    let mut body = Fields::new(&bytes)?;
    body.rename(&kind, &NAMES);
    body.fit(&kind);
    let fields = body.finish_change()?;
    let written = Written { face: &face, known: &known, kind: &kind };
    written.change(known_id(&id, "recurring agreement")?, fields, &headers).await
}

/// Puts a recurring agreement into Twenty's bin.
#[utoipa::path(delete, path = "/api/fundraising/recurring-agreements/{id}", tag = "Existing callers", params(("id" = String, Path)),
    responses((status = 200, body = TwentyOne), (status = 202, body = OnItsWay), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(in crate::faces::http) async fn remove(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let kind = Written::kind(&face, &known, "recurringAgreements")?;
    Written { face: &face, known: &known, kind: &kind }.delete(known_id(&id, "recurring agreement")?).await
}
