//! Who a customer or a vendor of the books is in Twenty: links that people made, and proposals, which link nobody by
//! themselves.

use std::collections::BTreeSet;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::auth::Known;
use super::super::journal::who_name;
use super::super::params::{NoParams, Params};
use super::super::problem::Problem;
use super::super::{Face, known_id};
use super::changes::{body, name_of};
use super::records::kind;
use super::seen;
use crate::desk::golden::GoldenAsk;
use crate::ground::access::Viewer;
use crate::ground::books::golden::{BookName, CrmKind, GoldenLink};
use crate::ground::books::{Connected, Decimal, EntityId};
use crate::ground::crm::record_url;
use crate::ground::id::{ConnectionId, Object, PersonId, SubjectKey};
use crate::ground::journal::SubjectState;
use crate::ground::texts;
use crate::store::{Ledger, StoreError};

/// Organisations that are looked through for an equal name.
const COMPANIES_MAX: usize = 5_000;
/// Proposals that are told.
const PROPOSALS_MAX: usize = 5;

/// A link between Twenty and the books.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GoldenView {
    id: String,
    who: CrmRef,
    realm: String,
    /// What the company is called.
    company: String,
    /// `customer` or `vendor`.
    kind: &'static str,
    record: String,
    /// What it is called there.
    name: Option<String>,
    /// What stands open with it there, in decimals.
    balance: Option<String>,
    currency: Option<String>,
    /// When the last complete look at the company began.
    synced_at: Option<String>,
    /// Who said so, and when.
    by: String,
    at: String,
    note: Option<String>,
}

/// Somebody of Twenty.
#[derive(Debug, Serialize, ToSchema)]
pub struct CrmRef {
    /// `people` or `companies`.
    object: &'static str,
    id: String,
    name: Option<String>,
    /// The record in Twenty.
    url: Option<String>,
}

/// Somebody who may be the same.
#[derive(Debug, Serialize, ToSchema)]
pub struct GoldenProposal {
    who: CrmRef,
    /// `email` or `name`: what is equal.
    why: &'static str,
}

/// Links of a record of the books.
#[derive(Debug, Serialize, ToSchema)]
pub struct BookLinks {
    /// More than one only after a merge: undo all but one.
    links: Vec<GoldenView>,
    /// Who may be meant, as long as there is no link.
    proposals: Vec<GoldenProposal>,
}

/// Links of a record of the books.
#[derive(Debug, Serialize, ToSchema)]
pub struct BookLinksAnswer {
    data: BookLinks,
}

/// Links of somebody of Twenty.
#[derive(Debug, Serialize, ToSchema)]
pub struct GoldenList {
    data: Vec<GoldenView>,
}

/// One link.
#[derive(Debug, Serialize, ToSchema)]
pub struct GoldenAnswer {
    data: GoldenView,
}

/// A link that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GoldenBody {
    realm: String,
    /// `customer` or `vendor`.
    kind: String,
    record: String,
    /// `people` or `companies`.
    object: String,
    /// Their id in Twenty.
    who: String,
    note: Option<String>,
}

#[derive(Deserialize)]
struct Balance {
    #[serde(rename = "Balance")]
    balance: Option<Box<serde_json::value::RawValue>>,
}

#[derive(Deserialize)]
struct Named {
    name: Option<String>,
}

fn crm_name(ledger: &Ledger<'_>, kind: CrmKind, id: Uuid) -> Result<Option<String>, StoreError> {
    match kind {
        CrmKind::Person => Ok(ledger.person(PersonId(id))?.and_then(|person| person.value.display_name())),
        CrmKind::Company => {
            let record = ledger.record_of(&SubjectKey::twenty(kind.object(), id))?;
            Ok(record.and_then(|record| serde_json::from_str::<Named>(&record.value).ok()?.name))
        }
    }
}

fn crm_ref(face: &Face, ledger: &Ledger<'_>, kind: CrmKind, id: Uuid) -> Result<CrmRef, StoreError> {
    // Whom it was merged into is who it stands for now.
    let now = ledger.record_of(&SubjectKey::twenty(kind.object(), id))?.and_then(|record| record.key.uuid());
    let id = now.unwrap_or(id);
    let name = crm_name(ledger, kind, id)?;
    let url = record_url(&face.info.twenty_url, kind.object(), id);
    Ok(CrmRef { object: kind.object().word(), id: id.to_string(), name, url })
}

/// A link as people see it; none when its company is not among those the viewer sees.
fn view(
    face: &Face,
    ledger: &Ledger<'_>,
    viewer: &Viewer,
    link: &GoldenLink,
) -> Result<Option<GoldenView>, StoreError> {
    if !viewer.sees_company(link.book.realm.as_str()) {
        return Ok(None);
    }
    let Some(company) = ledger.company(&link.book.realm)?.map(|company| company.value) else {
        return Ok(None);
    };
    let book = ledger.book(company.connection, link.book.entity, &link.book.record)?;
    let told = book.as_ref().and_then(|book| serde_json::from_str::<Balance>(&book.value).ok());
    let balance = told.and_then(|it| it.balance).map(|raw| raw.get().trim_matches('"').to_owned());
    let books = ledger.books(company.connection)?;
    Ok(Some(GoldenView {
        id: link.id.to_string(),
        who: crm_ref(face, ledger, link.kind, link.who)?,
        realm: company.realm.to_string(),
        company: company.label().to_owned(),
        kind: link.book.entity.path(),
        record: book.map_or_else(|| link.book.record.to_string(), |book| book.key.foreign.to_string()),
        name: name_of(ledger, &company, link.book.entity, &link.book.record)?,
        balance: balance.filter(|text| text.parse::<Decimal>().is_ok()),
        currency: company.home.map(|home| home.to_string()),
        synced_at: books.complete_as_of.map(|at| at.to_string()),
        by: who_name(ledger, &link.by)?,
        at: link.at.to_string(),
        note: link.note.clone(),
    }))
}

#[derive(Default, Deserialize)]
struct Told {
    #[serde(rename = "DisplayName")]
    name: Option<String>,
    #[serde(rename = "PrimaryEmailAddr")]
    email: Option<Address>,
}

#[derive(Deserialize)]
struct Address {
    #[serde(rename = "Address")]
    address: Option<String>,
}

/// Who may be meant: equal e-mail first, then an equal name. What is only alike is proposed by nobody.
fn proposals(
    face: &Face,
    ledger: &Ledger<'_>,
    company: &Connected,
    book: &BookName,
) -> Result<Vec<GoldenProposal>, Problem> {
    let record = ledger.book(company.connection, book.entity, &book.record)?;
    let told = record.and_then(|it| serde_json::from_str::<Told>(&it.value).ok()).unwrap_or_default();
    let (mut found, mut known) = (Vec::new(), BTreeSet::new());
    let mut propose = |kind: CrmKind, id: Uuid, why: &'static str| -> Result<(), StoreError> {
        if known.insert((kind, id)) && found.len() < PROPOSALS_MAX {
            found.push(GoldenProposal { who: crm_ref(face, ledger, kind, id)?, why });
        }
        Ok(())
    };
    let addresses = told.email.and_then(|email| email.address).unwrap_or_default();
    for address in addresses.split(',').map(str::trim).filter(|address| !address.is_empty()) {
        for person in ledger.people_by_email(address)? {
            propose(CrmKind::Person, person.value.id.0, "email")?;
        }
    }
    let Some(name) = told.name.map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty()) else {
        return Ok(found);
    };
    let unavailable = |error: &dyn std::fmt::Display| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("{} ({error})", texts::SEARCH_NOT_AVAILABLE))
    };
    let hits = face.search.find_with(ledger, &name, 20).map_err(|error| unavailable(&error))?;
    for hit in &hits.people {
        let own = ledger.person(hit.id)?.and_then(|person| person.value.display_name());
        if own.is_some_and(|own| own.to_lowercase() == name) {
            propose(CrmKind::Person, hit.id.0, "name")?;
        }
    }
    let live = SubjectState::Live;
    let page = ledger.newest(ConnectionId::TWENTY, Object::Companies, live, None, COMPANIES_MAX)?;
    for record in page.items {
        let own = serde_json::from_str::<Named>(&record.value).ok().and_then(|named| named.name);
        if let (Some(own), Some(id)) = (own, record.key.uuid())
            && own.trim().to_lowercase() == name
        {
            propose(CrmKind::Company, id, "name")?;
        }
    }
    Ok(found)
}

fn book_name(company: &Connected, word: &str, id: &str) -> Result<BookName, Problem> {
    let none = || Problem::not_found("record");
    let id = EntityId::new(id).ok_or_else(none)?;
    BookName::new(company.realm.clone(), kind(word)?, id).ok_or_else(none)
}

/// Who a customer or a vendor is in Twenty, and who may be meant.
#[utoipa::path(get, path = "/api/books/companies/{realm}/records/{kind}/{id}/links", tag = "Books",
    params(("realm" = String, Path), ("kind" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = BookLinksAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn of_book(
    State(face): State<Face>,
    known: Known,
    Path((realm, word, id)): Path<(String, String, String)>,
    _: NoParams,
) -> Result<Json<BookLinksAnswer>, Problem> {
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let company = seen(&ledger, &known.viewer, &realm)?;
    let book = book_name(&company, &word, &id)?;
    let mut links = Vec::new();
    for link in ledger.golden_of_book(&company, &book)? {
        links.extend(view(&face, &ledger, &known.viewer, &link.value)?);
    }
    let proposals = if links.is_empty() { proposals(&face, &ledger, &company, &book)? } else { Vec::new() };
    Ok(Json(BookLinksAnswer { data: BookLinks { links, proposals } }))
}

/// Where somebody of Twenty stands in the books the viewer sees.
#[utoipa::path(get, path = "/api/books/links", tag = "Books", params(("object" = String, Query), ("id" = String, Query)),
    responses((status = 200, body = GoldenList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in super::super) async fn of_somebody(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Json<GoldenList>, Problem> {
    params.only(&["object", "id"])?;
    let kind = params.parsed("object", CrmKind::from_word)?.unwrap_or(CrmKind::Person);
    let id: Uuid = known_id(params.get("id").unwrap_or_default(), "person")?;
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let mut data = Vec::new();
    for link in ledger.golden_of(kind, id)? {
        data.extend(view(&face, &ledger, &known.viewer, &link.value)?);
    }
    Ok(Json(GoldenList { data }))
}

/// Says that a customer or a vendor is somebody of Twenty. Neither record is changed.
#[utoipa::path(post, path = "/api/books/links", tag = "Books", request_body = GoldenBody,
    responses((status = 201, body = GoldenAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn make(
    State(face): State<Face>,
    known: Known,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let told: GoldenBody = body(&bytes)?;
    let company = seen(&known.snapshot(&face)?.ledger(), &known.viewer, &told.realm)?;
    let book = book_name(&company, &told.kind, &told.record)?;
    let kind =
        CrmKind::from_word(&told.object).ok_or_else(|| Problem::field("object", texts::GOLDEN_KIND))?;
    let who = known_id(&told.who, "person")?;
    let note = told.note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
    let id = face.desk.link_books(&known.asked, GoldenAsk { kind, who, book, note }).await?;
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let missing = || Problem::not_found("link");
    let link = ledger.golden(id)?.ok_or_else(missing)?.value;
    let data = view(&face, &ledger, &known.viewer, &link)?.ok_or_else(missing)?;
    Ok((StatusCode::CREATED, Json(GoldenAnswer { data })).into_response())
}

/// Takes a link back. It can be made again at any time.
#[utoipa::path(post, path = "/api/books/links/{id}/undo", tag = "Books", params(("id" = String, Path)),
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn undo(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    _: NoParams,
) -> Result<StatusCode, Problem> {
    let id: Uuid = known_id(&id, "link")?;
    let link = known.snapshot(&face)?.ledger().golden(id)?;
    let sees = link.is_some_and(|link| known.viewer.sees_company(link.value.book.realm.as_str()));
    if !sees {
        return Err(Problem::not_found("link"));
    }
    face.desk.unlink_books(&known.asked, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
