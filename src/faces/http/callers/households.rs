//! Households and who is in them, in the short form of the old service (domain 3.6).

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::auth::Known;
use super::super::params::{NoParams, Params};
use super::super::problem::Problem;
use super::super::{Face, known_id};
use super::Kind;
use super::body::{Fields, old_lines};
use super::list::{self, CallerMeta, LIST, ListAsk};
use super::people::Member;
use super::wait::{Became, OnItsWay, outcome};
use super::write::Written;
use crate::desk::EditAsk;
use crate::ground::id::Object;
use crate::ground::listing::{Cell, Listing, Operator};
use crate::store::parts::part;

/// A household.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Household {
    id: Value,
    name: Value,
    primary_contact_id: Value,
    envelope_name: Value,
    salutation_formal: Value,
    salutation_informal: Value,
    /// By line: `line1`, `line2`, `city`, `region`, `postalCode`, `country`.
    #[schema(value_type = Option<Object>)]
    mailing_address: Value,
    created_at: Value,
    updated_at: Value,
}

impl Household {
    fn of(household: &Value) -> Self {
        let value = |name: &str| part(household, name).clone();
        Self {
            id: value("id"),
            name: value("name"),
            primary_contact_id: value("primaryContactId"),
            envelope_name: value("envelopeName"),
            salutation_formal: value("salutationFormal"),
            salutation_informal: value("salutationInformal"),
            mailing_address: old_lines(part(household, "mailingAddress")),
            created_at: value("createdAt"),
            updated_at: value("updatedAt"),
        }
    }
}

/// A household and how old that is.
#[derive(Debug, Serialize, ToSchema)]
pub struct HouseholdAnswer {
    #[serde(flatten)]
    household: Household,
    meta: CallerMeta,
}

/// A member and how old that is.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberAnswer {
    #[serde(flatten)]
    member: Member,
    meta: CallerMeta,
}

/// `meta` of households and members.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageMeta {
    /// For `starting_after`.
    next_cursor: Option<String>,
    has_more: bool,
    total_count: u64,
    #[serde(flatten)]
    age: CallerMeta,
}

/// Households.
#[derive(Debug, Serialize, ToSchema)]
pub struct HouseholdList {
    households: Vec<Household>,
    meta: PageMeta,
}

/// The members of a household.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberList {
    members: Vec<Member>,
    meta: PageMeta,
}

fn read(told: &str) -> Value {
    serde_json::from_str(told).unwrap_or(Value::Null)
}

fn page_meta(found: list::Found) -> PageMeta {
    let has_more = found.info.has_next_page || found.info.has_previous_page;
    PageMeta {
        next_cursor: found.info.end_cursor.filter(|_| has_more),
        has_more,
        total_count: found.picked.total,
        age: found.meta,
    }
}

/// Parameters of lists whose records have a form of their own.
fn only(params: &Params) -> Result<(), Problem> {
    let known: Vec<&str> = LIST.into_iter().filter(|name| !["depth", "fields"].contains(name)).collect();
    params.only(&known)
}

/// Households.
#[utoipa::path(get, path = "/api/fundraising/households", tag = "Existing callers",
    params(("limit" = Option<String>, Query), ("starting_after" = Option<String>, Query), ("ending_before" = Option<String>, Query), ("order_by" = Option<String>, Query), ("filter" = Option<String>, Query)),
    responses((status = 200, body = HouseholdList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in crate::faces::http) async fn list(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Response, Problem> {
    only(&params)?;
    let found = list::find(&face, &known, &ListAsk::of("households"), &params).await?;
    let households = found.records.iter().map(|told| Household::of(&read(told))).collect();
    Ok(list::text(StatusCode::OK, list::json(&HouseholdList { households, meta: page_meta(found) })?))
}

/// One household.
#[utoipa::path(get, path = "/api/fundraising/households/{id}", tag = "Existing callers", params(("id" = String, Path)),
    responses((status = 200, body = HouseholdAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in crate::faces::http) async fn one(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    household(&face, &known, known_id(&id, "household")?)
}

fn household(face: &Face, known: &Known, id: Uuid) -> Result<Response, Problem> {
    let snapshot = known.snapshot(face)?;
    let kind = Kind::named(&snapshot, "households")?;
    let (told, meta) = list::record(&snapshot, face, &kind, id)?;
    let answer = HouseholdAnswer { household: Household::of(&read(&told)), meta };
    Ok(list::text(StatusCode::OK, list::json(&answer)?))
}

/// Makes a household.
#[utoipa::path(post, path = "/api/fundraising/households", tag = "Existing callers", params(("Idempotency-Key" = Option<String>, Header)), request_body = Object,
    responses((status = 200, body = HouseholdAnswer), (status = 202, body = OnItsWay), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(in crate::faces::http) async fn create(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let kind = Written::kind(&face, &known, "households")?;
    let mut body = Fields::new(&bytes)?;
    body.required("name");
    body.fit(&kind);
    let fields = body.finish()?;
    match (Written { face: &face, known: &known, kind: &kind }).made((fields, Map::new()), &headers).await? {
        Ok(id) => household(&face, &known, id),
        Err(response) => Ok(response),
    }
}

/// Changes a household; null clears a field.
#[utoipa::path(patch, path = "/api/fundraising/households/{id}", tag = "Existing callers", params(("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = Object,
    responses((status = 200, body = HouseholdAnswer), (status = 202, body = OnItsWay), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(in crate::faces::http) async fn change(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let id = known_id(&id, "household")?;
    let kind = Written::kind(&face, &known, "households")?;
    let mut body = Fields::new(&bytes)?;
    if body.map.contains_key("name") {
        body.required("name");
    }
    body.fit(&kind);
    let fields = body.finish_change()?;
    match (Written { face: &face, known: &known, kind: &kind }).changed(id, fields, &headers).await? {
        Became::Done => household(&face, &known, id),
        Became::Waits(response) => Ok(response),
    }
}

/// The members of a household.
#[utoipa::path(get, path = "/api/fundraising/households/{id}/members", tag = "Existing callers",
    params(("id" = String, Path), ("limit" = Option<String>, Query), ("starting_after" = Option<String>, Query), ("ending_before" = Option<String>, Query), ("order_by" = Option<String>, Query), ("filter" = Option<String>, Query)),
    responses((status = 200, body = MemberList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in crate::faces::http) async fn members(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    only(&params)?;
    let id = known_id(&id, "household")?;
    household(&face, &known, id)?;
    let narrow = |listing: &mut Listing, kind: &Kind| {
        listing.narrow(&kind.schema, "householdId", Operator::Eq, vec![Cell::Id(id)]);
        Ok(())
    };
    let ask = ListAsk { narrow: &narrow, ..ListAsk::of("people") };
    let found = list::find(&face, &known, &ask, &params).await?;
    let members = found.records.iter().map(|told| Member::of(&read(told))).collect();
    Ok(list::text(StatusCode::OK, list::json(&MemberList { members, meta: page_meta(found) })?))
}

/// A person as the mirror has it.
fn person(face: &Face, known: &Known, id: Uuid) -> Result<(Value, CallerMeta), Problem> {
    let snapshot = known.snapshot(face)?;
    let kind = Kind::named(&snapshot, "people")?;
    let (told, meta) = list::record(&snapshot, face, &kind, id)?;
    Ok((read(&told), meta))
}

/// Changes records together, waits, and answers with the member.
async fn member(
    face: &Face,
    known: &Known,
    contact: Uuid,
    changes: Vec<(Object, Uuid, Map<String, Value>)>,
) -> Result<Response, Problem> {
    let ask = |(object, record, fields)| EditAsk { object, record, fields, seen: None };
    let notes = face.desk.store.watch();
    let kept = face.desk.edit_records(&known.asked, changes.into_iter().map(ask).collect()).await?;
    let kept: Vec<_> = kept.into_iter().flatten().collect();
    if let Became::Waits(response) = outcome(face, known, &kept, notes).await? {
        return Ok(response);
    }
    let (person, meta) = person(face, known, contact)?;
    let answer = MemberAnswer { member: Member::of(&person), meta };
    Ok(list::text(StatusCode::OK, list::json(&answer)?))
}

fn one_field(name: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), value)])
}

/// The person that a body names.
fn contact(body: &mut Fields) -> Option<Uuid> {
    let id = body.required("contactId")?.parse().ok();
    if id.is_none() {
        body.wrong("contactId", "contactId is not an id.");
    }
    id
}

/// Puts a person into a household; they leave the one they were in.
#[utoipa::path(post, path = "/api/fundraising/households/{id}/members", tag = "Existing callers", params(("id" = String, Path)), request_body = Object,
    responses((status = 200, body = MemberAnswer), (status = 202, body = OnItsWay), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(in crate::faces::http) async fn add_member(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let id: Uuid = known_id(&id, "household")?;
    household(&face, &known, id)?;
    let mut body = Fields::new(&bytes)?;
    body.only(&["contactId", "makePrimary"]);
    let contact = contact(&mut body);
    let primary = match body.map.get("makePrimary") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(primary)) => *primary,
        Some(_) => {
            body.wrong("makePrimary", "makePrimary must be true or false");
            false
        }
    };
    body.finish()?;
    let contact = contact.ok_or_else(|| Problem::not_found("person"))?;
    let mut changes = vec![(Object::People, contact, one_field("householdId", Value::from(id.to_string())))];
    if primary {
        let fields = one_field("primaryContactId", Value::from(contact.to_string()));
        changes.push((Object::Households, id, fields));
    }
    member(&face, &known, contact, changes).await
}

/// Takes a person out of a household. Somebody who is in another one is left there.
#[utoipa::path(delete, path = "/api/fundraising/households/{id}/members/{contactId}", tag = "Existing callers", params(("id" = String, Path), ("contactId" = String, Path)),
    responses((status = 200, body = MemberAnswer), (status = 202, body = OnItsWay), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(in crate::faces::http) async fn remove_member(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path((id, contact)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (id, contact): (Uuid, Uuid) = (known_id(&id, "household")?, known_id(&contact, "person")?);
    household(&face, &known, id)?;
    let (now, _) = person(&face, &known, contact)?;
    let lives_there = part(&now, "householdId").as_str().and_then(|text| text.parse().ok()) == Some(id);
    if !lives_there && !part(&now, "householdId").is_null() {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "This person is in another household and was left there.",
        ));
    }
    let changes = vec![(Object::People, contact, one_field("householdId", Value::Null))];
    member(&face, &known, contact, changes).await
}

/// Gives a person an address, and puts them into the household.
#[utoipa::path(post, path = "/api/fundraising/households/{id}/copy-address", tag = "Existing callers", params(("id" = String, Path)), request_body = Object,
    responses((status = 200, body = MemberAnswer), (status = 202, body = OnItsWay), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(in crate::faces::http) async fn copy_address(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let id: Uuid = known_id(&id, "household")?;
    household(&face, &known, id)?;
    let people = Written::kind(&face, &known, "people")?;
    let mut body = Fields::new(&bytes)?;
    body.only(&["contactId", "mailingAddress"]);
    let contact = contact(&mut body);
    if !body.map.contains_key("mailingAddress") {
        body.wrong("mailingAddress", "mailingAddress is required");
    }
    body.map.remove("contactId");
    body.map.insert("householdId".into(), Value::from(id.to_string()));
    body.fit(&people);
    let fields = body.finish()?;
    let contact = contact.ok_or_else(|| Problem::not_found("person"))?;
    member(&face, &known, contact, vec![(Object::People, contact, fields)]).await
}
