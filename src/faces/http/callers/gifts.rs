//! Gifts as existing callers read, correct and delete them (domain 3.2, 3.5). They are posted through the staging queue.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;

use super::super::auth::Known;
use super::super::params::{NoParams, Params};
use super::super::problem::Problem;
use super::super::{Face, known_id};
use super::body::Fields;
use super::list::{self, LIST, ListAsk, TwentyList, TwentyOne};
use super::wait::OnItsWay;
use super::write::Written;

/// What the old service called it, and what the workspace does (decision 0010).
const NAMES: [(&str, &str); 3] =
    [("notes", "description"), ("contactId", "donorId"), ("paymentMethod", "paymentType")];

/// Gifts, with every parameter of a Twenty list.
#[utoipa::path(get, path = "/api/fundraising/gifts", tag = "Existing callers",
    params(("limit" = Option<String>, Query), ("starting_after" = Option<String>, Query), ("ending_before" = Option<String>, Query), ("order_by" = Option<String>, Query), ("filter" = Option<String>, Query), ("depth" = Option<String>, Query), ("fields" = Option<String>, Query)),
    responses((status = 200, body = TwentyList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in crate::faces::http) async fn list(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&LIST)?;
    list::list(&face, &known, &ListAsk::of("gifts"), &params).await
}

/// One gift.
#[utoipa::path(get, path = "/api/fundraising/gifts/{id}", tag = "Existing callers", params(("id" = String, Path), ("depth" = Option<String>, Query), ("fields" = Option<String>, Query)),
    responses((status = 200, body = TwentyOne), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in crate::faces::http) async fn one(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    list::one(&face, &known, "gifts", &id, &params)
}

/// Changes what is no part of the accounts: appeal, source, opportunity, fund, payout, description.
#[utoipa::path(patch, path = "/api/fundraising/gifts/{id}", tag = "Existing callers", params(("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = Object,
    responses((status = 200, body = TwentyOne), (status = 202, body = OnItsWay), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(in crate::faces::http) async fn change(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let kind = Written::kind(&face, &known, "gifts")?;
    let mut body = Fields::new(&bytes)?;
    body.rename(&kind, &NAMES);
    body.fit(&kind);
    let fields = body.finish_change()?;
    let written = Written { face: &face, known: &known, kind: &kind };
    written.change(known_id(&id, "gift")?, fields, &headers).await
}

/// Puts a gift into Twenty's bin, unless something rests on it.
#[utoipa::path(delete, path = "/api/fundraising/gifts/{id}", tag = "Existing callers", params(("id" = String, Path)),
    responses((status = 200, body = TwentyOne), (status = 202, body = OnItsWay), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(in crate::faces::http) async fn remove(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let kind = Written::kind(&face, &known, "gifts")?;
    Written { face: &face, known: &known, kind: &kind }.delete(known_id(&id, "gift")?).await
}
