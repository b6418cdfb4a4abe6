//! People, companies and opportunities as existing callers look them up (domain 3.2).

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::auth::Known;
use super::super::params::{NoParams, Params};
use super::super::problem::Problem;
use super::super::{Face, known_id};
use super::Kind;
use super::body::{Fields, old_lines};
use super::list::{self, CallerMeta, ListAsk, ONE, TwentyList, TwentyOne};
use super::wait::OnItsWay;
use super::write::Written;
use crate::ground::listing::{Listing, Operator, forms_of};
use crate::store::parts::part;

/// Results of a search when nobody says, and at most (domain 3.2).
const SEARCH_DEFAULT: usize = 20;
/// See above.
const SEARCH_MAX: usize = 100;

/// A person in the short form of the old service.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    id: Value,
    full_name: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    household_id: Value,
    /// By line: `line1`, `line2`, `city`, `region`, `postalCode`, `country`.
    #[schema(value_type = Option<Object>)]
    mailing_address: Value,
    created_at: Value,
    updated_at: Value,
}

impl Member {
    pub(super) fn of(person: &Value) -> Self {
        let text = |path: &str| {
            let text = part(person, path).as_str()?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let (first_name, last_name) = (text("name.firstName"), text("name.lastName"));
        let names: Vec<&str> = first_name.iter().chain(&last_name).map(String::as_str).collect();
        Self {
            id: part(person, "id").clone(),
            full_name: (!names.is_empty()).then(|| names.join(" ")),
            email: text("emails.primaryEmail"),
            household_id: part(person, "householdId").clone(),
            mailing_address: old_lines(part(person, "mailingAddress")),
            created_at: part(person, "createdAt").clone(),
            updated_at: part(person, "updatedAt").clone(),
            first_name,
            last_name,
        }
    }
}

/// A person as Twenty tells it, and in the short form beside that.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonAnswer {
    /// The person under `person`.
    #[schema(value_type = Object)]
    data: Value,
    #[serde(flatten)]
    short: Member,
    meta: CallerMeta,
}

/// One person.
#[utoipa::path(get, path = "/api/fundraising/people/{id}", tag = "Existing callers", params(("id" = String, Path), ("depth" = Option<String>, Query), ("fields" = Option<String>, Query)),
    responses((status = 200, body = PersonAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in crate::faces::http) async fn one(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&ONE)?;
    let snapshot = known.snapshot(&face)?;
    let kind = Kind::named(&snapshot, "people")?;
    let shown = list::Shown::read(&params, &kind)?;
    let (told, meta) = list::record(&snapshot, &face, &kind, known_id(&id, "person")?)?;
    let short = list::json(&Member::of(&serde_json::from_str(&told).unwrap_or(Value::Null)))?;
    let told = shown.text(&snapshot.ledger(), &kind, &told)?;
    let short = short.strip_prefix('{').unwrap_or(&short);
    let short = short.strip_suffix('}').unwrap_or(short);
    let body = format!("{{\"data\":{{\"person\":{told}}},{short},\"meta\":{}}}", list::json(&meta)?);
    Ok(list::text(StatusCode::OK, body))
}

fn search<'a>(plural: &'a str, order: &'a str, narrow: list::Narrow<'a>) -> ListAsk<'a> {
    ListAsk { plural, order: Some(order), limit_default: SEARCH_DEFAULT, limit_max: SEARCH_MAX, narrow }
}

/// Only records whose name holds what was typed.
fn by_name(listing: &mut Listing, kind: &Kind, params: &Params) {
    if let Some(typed) = params.get("search") {
        let cell = crate::ground::listing::Cell::Text(typed.into());
        listing.narrow(&kind.schema, "name", Operator::Holds, vec![cell]);
    }
}

/// Companies by name.
#[utoipa::path(get, path = "/api/fundraising/companies/search", tag = "Existing callers", params(("search" = Option<String>, Query), ("limit" = Option<String>, Query)),
    responses((status = 200, body = TwentyList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in crate::faces::http) async fn companies(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&["search", "limit"])?;
    let narrow = |listing: &mut Listing, kind: &Kind| {
        by_name(listing, kind, &params);
        Ok(())
    };
    list::list(&face, &known, &search("companies", "name", &narrow), &params).await
}

/// Opportunities by name, company, contact, stage and type, newest change first.
#[utoipa::path(get, path = "/api/fundraising/opportunities/search", tag = "Existing callers",
    params(("search" = Option<String>, Query), ("companyId" = Option<String>, Query), ("pointOfContactId" = Option<String>, Query), ("stage" = Option<String>, Query), ("stages" = Option<String>, Query), ("opportunityType" = Option<String>, Query), ("opportunityTypes" = Option<String>, Query), ("limit" = Option<String>, Query)),
    responses((status = 200, body = TwentyList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in crate::faces::http) async fn opportunities(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&[
        "search",
        "companyId",
        "pointOfContactId",
        "stage",
        "stages",
        "opportunityType",
        "opportunityTypes",
        "limit",
    ])?;
    let narrow = |listing: &mut Listing, kind: &Kind| {
        by_name(listing, kind, &params);
        for name in ["companyId", "pointOfContactId"] {
            one_of(listing, kind, (name, name), params.get(name))?;
        }
        one_of(listing, kind, ("stage", "stage"), params.get("stage").or(params.get("stages")))?;
        // The later data model has the kind of an opportunity under another name (domain 1.6).
        let old = kind.schema.fields.contains_key("opportunityType");
        let path = if old { "opportunityType" } else { "fundingType" };
        let types = params.get("opportunityType").or(params.get("opportunityTypes"));
        one_of(listing, kind, ("opportunityType", path), types)
    };
    list::list(&face, &known, &search("opportunities", "updatedAt[DescNullsLast]", &narrow), &params).await
}

/// Only records whose value is one of a comma list.
fn one_of(
    listing: &mut Listing,
    kind: &Kind,
    (parameter, path): (&str, &str),
    words: Option<&str>,
) -> Result<(), Problem> {
    let Some(words) = words else { return Ok(()) };
    let form = forms_of(&kind.schema, path).map_err(|said| Problem::field(parameter, said))?;
    let options = kind.schema.fields.get(path).map(|field| field.options.as_slice()).unwrap_or_default();
    let mut cells = Vec::new();
    for word in words.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let upper = word.to_uppercase();
        let word = if options.contains(&upper) { upper.as_str() } else { word };
        let cell = form.cell(word);
        cells.push(
            cell.ok_or_else(|| Problem::field(parameter, format!("{parameter} does not take {word:?}.")))?,
        );
    }
    listing.narrow(&kind.schema, path, Operator::In, cells);
    Ok(())
}

/// Changes stage and close date of an opportunity.
#[utoipa::path(patch, path = "/api/fundraising/opportunities/{id}", tag = "Existing callers", params(("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = Object,
    responses((status = 200, body = TwentyOne), (status = 202, body = OnItsWay), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(in crate::faces::http) async fn change_opportunity(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let kind = Written::kind(&face, &known, "opportunities")?;
    let mut body = Fields::new(&bytes)?;
    body.only(&["stage", "closeDate"]);
    body.fit(&kind);
    let fields = body.finish_change()?;
    let written = Written { face: &face, known: &known, kind: &kind };
    written.change(known_id(&id, "opportunity")?, fields, &headers).await
}
