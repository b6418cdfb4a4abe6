//! Appeals, and how many people they asked (domain 3.6).

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::auth::Known;
use super::super::params::{NoParams, Params};
use super::super::problem::Problem;
use super::super::{Face, known_id};
use super::Kind;
use super::body::Fields;
use super::list::{self, LIST, ListAsk, TwentyList, TwentyOne};
use super::wait::OnItsWay;
use super::write::Written;
use crate::ground::listing::{Cell, Listing, Operator};

/// The kind of record that says how many were asked. It is no part of the data model that Almoner wants (decision 0010);
/// where a workspace has it and it is mirrored, it is read and made.
const SNAPSHOTS: &str = "solicitationSnapshots";

/// Appeals, with every parameter of a Twenty list.
#[utoipa::path(get, path = "/api/fundraising/appeals", tag = "Existing callers",
    params(("limit" = Option<String>, Query), ("starting_after" = Option<String>, Query), ("ending_before" = Option<String>, Query), ("order_by" = Option<String>, Query), ("filter" = Option<String>, Query), ("depth" = Option<String>, Query), ("fields" = Option<String>, Query)),
    responses((status = 200, body = TwentyList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in crate::faces::http) async fn list(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&LIST)?;
    list::list(&face, &known, &ListAsk::of("appeals"), &params).await
}

/// One appeal.
#[utoipa::path(get, path = "/api/fundraising/appeals/{id}", tag = "Existing callers", params(("id" = String, Path), ("depth" = Option<String>, Query), ("fields" = Option<String>, Query)),
    responses((status = 200, body = TwentyOne), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in crate::faces::http) async fn one(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    list::one(&face, &known, "appeals", &id, &params)
}

fn fit(body: &mut Fields, kind: &Kind) {
    body.fit(kind);
    body.not_negative(&["goalAmount", "budgetAmount", "targetSolicitedCount"]);
}

/// Makes an appeal.
#[utoipa::path(post, path = "/api/fundraising/appeals", tag = "Existing callers", params(("Idempotency-Key" = Option<String>, Header)), request_body = Object,
    responses((status = 200, body = TwentyOne), (status = 202, body = OnItsWay), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(in crate::faces::http) async fn create(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let kind = Written::kind(&face, &known, "appeals")?;
    let mut body = Fields::new(&bytes)?;
    body.required("name");
    fit(&mut body, &kind);
    let fields = body.finish()?;
    Written { face: &face, known: &known, kind: &kind }
        .make(StatusCode::OK, (fields, Map::new()), &headers)
        .await
}

/// Changes an appeal.
#[utoipa::path(patch, path = "/api/fundraising/appeals/{id}", tag = "Existing callers", params(("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = Object,
    responses((status = 200, body = TwentyOne), (status = 202, body = OnItsWay), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(in crate::faces::http) async fn change(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let kind = Written::kind(&face, &known, "appeals")?;
    let mut body = Fields::new(&bytes)?;
    if body.map.contains_key("name") {
        body.required("name");
    }
    fit(&mut body, &kind);
    let fields = body.finish_change()?;
    let written = Written { face: &face, known: &known, kind: &kind };
    written.change(known_id(&id, "appeal")?, fields, &headers).await
}

/// The appeal of the address, which must be there.
fn appeal(face: &Face, known: &Known, id: &str) -> Result<Uuid, Problem> {
    let id = known_id(id, "appeal")?;
    let snapshot = known.snapshot(face)?;
    let kind = Kind::named(&snapshot, "appeals")?;
    list::record(&snapshot, face, &kind, id)?;
    Ok(id)
}

/// How many people an appeal asked, and when.
#[utoipa::path(get, path = "/api/fundraising/appeals/{id}/solicitation-snapshots", tag = "Existing callers",
    params(("id" = String, Path), ("limit" = Option<String>, Query), ("starting_after" = Option<String>, Query), ("ending_before" = Option<String>, Query), ("order_by" = Option<String>, Query), ("filter" = Option<String>, Query), ("depth" = Option<String>, Query), ("fields" = Option<String>, Query)),
    responses((status = 200, body = TwentyList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in crate::faces::http) async fn snapshots(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&LIST)?;
    let appeal = appeal(&face, &known, &id)?;
    let narrow = |listing: &mut Listing, kind: &Kind| {
        listing.narrow(&kind.schema, "appealId", Operator::Eq, vec![Cell::Id(appeal)]);
        Ok(())
    };
    let ask = ListAsk { narrow: &narrow, ..ListAsk::of(SNAPSHOTS) };
    list::list(&face, &known, &ask, &params).await
}

/// Says how many people an appeal asked.
#[utoipa::path(post, path = "/api/fundraising/appeals/{id}/solicitation-snapshots", tag = "Existing callers", params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = Object,
    responses((status = 200, body = TwentyOne), (status = 202, body = OnItsWay), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(in crate::faces::http) async fn create_snapshot(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let appeal = appeal(&face, &known, &id)?;
    let kind = Written::kind(&face, &known, SNAPSHOTS)?;
    let mut body = Fields::new(&bytes)?;
    count(&mut body);
    body.map.insert("appealId".into(), Value::from(appeal.to_string()));
    let mut defaults = Map::new();
    if body.map.get("capturedAt").is_none_or(Value::is_null) {
        body.map.remove("capturedAt");
        defaults.insert("capturedAt".into(), Value::from(face.desk.world.now().to_string()));
    }
    body.fit(&kind);
    let fields = body.finish()?;
    Written { face: &face, known: &known, kind: &kind }
        .make(StatusCode::OK, (fields, defaults), &headers)
        .await
}

/// How many were asked, under whichever of its names; more than none.
fn count(body: &mut Fields) {
    let names = ["countSolicited", "count", "total", "recipients"];
    let given: Vec<(&str, Value)> =
        names.iter().filter_map(|name| Some((*name, take(&mut body.map, name)?))).collect();
    let number = match &given[..] {
        [(_, Value::Number(number))] => number.as_u64(),
        [(_, Value::String(text))] => text.trim().parse().ok(),
        _ => None,
    };
    match number.filter(|number| *number > 0) {
        Some(number) => {
            body.map.insert("countSolicited".into(), Value::from(number));
        }
        None => body
            .wrong("countSolicited", "countSolicited must be a whole number greater than zero, named once"),
    }
}

fn take(map: &mut Map<String, Value>, name: &str) -> Option<Value> {
    map.remove(name).filter(|value| !value.is_null())
}
