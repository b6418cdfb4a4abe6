//! The weekly digest of a company: drawn up, edited, approved, and taken out as text, HTML or PDF. It is computed from the journal each
//! time, and is the same each time.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::Face;
use super::super::auth::Known;
use super::super::books::changes::body;
use super::super::books::seen;
use super::super::gifts::if_match;
use super::super::journal::who_name;
use super::super::params::NoParams;
use super::super::problem::Problem;
use super::super::wire::Tagged;
use crate::desk::finance::Reading;
use crate::desk::finance::digests::{DigestWish, of_company, paper};
use crate::desk::finance::pdf::pdf;
use crate::ground::books::Connected;
use crate::ground::finance::digest::{Digest, DigestStage};
use crate::ground::finance::paper::Paper;
use crate::ground::texts;
use crate::ground::time::CalendarDate;
use crate::store::{Ledger, StoreError};

/// A digest.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DigestView {
    /// The Monday of its week, which names it.
    week: String,
    /// The day it was drawn up.
    today: String,
    /// The moment of the books it tells of.
    at: String,
    /// The last entry of the journal that it knows.
    entry: u64,
    /// `draft` or `approved`.
    stage: &'static str,
    approved_by: Option<String>,
    approved_at: Option<String>,
    /// What somebody wrote above it.
    words: String,
    /// Whether the books have moved on since, so that a new draft would say other things.
    moved_on: bool,
}

/// The digests of a company.
#[derive(Debug, Serialize, ToSchema)]
pub struct DigestList {
    data: Vec<DigestView>,
    meta: DigestMeta,
}

/// `meta` of digests.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DigestMeta {
    as_of: String,
    version: u64,
}

/// A digest with what it says.
#[derive(Debug, Serialize, ToSchema)]
pub struct DigestAnswer {
    data: DigestView,
    /// What it says, as plain text.
    text: String,
    meta: DigestMeta,
}

/// What is done with a digest: words, or a wish.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DigestBody {
    /// Other words above it.
    words: Option<String>,
    /// `redraw`, `approve` or `reopen`.
    wish: Option<String>,
}

fn view(ledger: &Ledger<'_>, company: &Connected, digest: &Digest) -> Result<DigestView, StoreError> {
    let (stage, by, at) = match &digest.stage {
        DigestStage::Draft => ("draft", None, None),
        DigestStage::Approved { approved_by, approved_at } => {
            ("approved", Some(who_name(ledger, approved_by)?), Some(approved_at.to_string()))
        }
    };
    let complete = ledger.books(company.connection)?.complete_as_of;
    Ok(DigestView {
        week: digest.week.to_string(),
        today: digest.today.to_string(),
        at: digest.at.to_string(),
        entry: digest.as_of,
        stage,
        approved_by: by,
        approved_at: at,
        words: digest.words.clone(),
        moved_on: complete.is_some_and(|complete| complete > digest.at),
    })
}

fn company(face: &Face, known: &Known, realm: &str) -> Result<Connected, Problem> {
    seen(&known.snapshot(face)?.ledger(), &known.viewer, realm)
}

fn week(text: &str) -> Result<CalendarDate, Problem> {
    text.parse().map_err(|_| Problem::not_found("digest"))
}

/// What a digest says. It reads the company through as it stood twice: not between other requests.
async fn told(face: Face, company: Connected, digest: Digest) -> Result<Paper, Problem> {
    let read = move || {
        let snapshot = face.desk.store.snapshot()?;
        let none = || Problem::new(http::StatusCode::CONFLICT, texts::MONEY_NOT_READ);
        let texts = face.desk.books.texts.clone().ok_or_else(none)?;
        let ledger = snapshot.ledger();
        let reading =
            Reading { ledger: &ledger, texts: &*texts, zone: &face.desk.zone, now: face.desk.world.now() };
        paper(&reading, &company, &digest)?.ok_or_else(none)
    };
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|error| Problem::new(http::StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?
}

fn found(
    face: &Face,
    known: &Known,
    company: &Connected,
    week: CalendarDate,
) -> Result<(u64, Digest), Problem> {
    let snapshot = known.snapshot(face)?;
    let record = snapshot.ledger().money_digest(Digest::id_of(&company.realm, week))?;
    let record = record.ok_or(Problem::not_found("digest"))?;
    Ok((record.seq.0, record.value))
}

async fn answer(
    face: &Face,
    known: &Known,
    company: &Connected,
    week: CalendarDate,
) -> Result<Tagged<DigestAnswer>, Problem> {
    let (version, digest) = found(face, known, company, week)?;
    let text = told(face.clone(), company.clone(), digest.clone()).await?.text();
    let snapshot = known.snapshot(face)?;
    let data = view(&snapshot.ledger(), company, &digest)?;
    let meta = DigestMeta { as_of: snapshot.as_of().to_string(), version };
    Ok(Tagged(version, DigestAnswer { data, text, meta }))
}

/// The digests of a company, the newest week first.
#[utoipa::path(get, path = "/api/books/companies/{realm}/digests", tag = "Money", params(("realm" = String, Path)),
    responses((status = 200, body = DigestList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in super::super) async fn list(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    _: NoParams,
) -> Result<Json<DigestList>, Problem> {
    let company = company(&face, &known, &realm)?;
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let all = of_company(&ledger, &company.realm)?;
    let data = all.iter().map(|digest| view(&ledger, &company, digest)).collect::<Result<_, _>>()?;
    let meta = DigestMeta { as_of: snapshot.as_of().to_string(), version: ledger.last_seq()?.0 };
    Ok(Json(DigestList { data, meta }))
}

/// Draws up the digest of this week from the books as they stand; the one of a week is the same one, however often it is asked for.
#[utoipa::path(post, path = "/api/books/companies/{realm}/digests", tag = "Money", params(("realm" = String, Path)),
    responses((status = 200, body = DigestAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn draft(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    _: NoParams,
) -> Result<Tagged<DigestAnswer>, Problem> {
    let company = company(&face, &known, &realm)?;
    let today = company.zone_or(&face.desk.zone).date_of(face.desk.world.now());
    if company.home.is_none() {
        return Err(Problem::new(http::StatusCode::CONFLICT, texts::MONEY_NOT_READ));
    }
    face.desk.draft_digest(&known.asked, company.realm.clone(), today).await?;
    answer(&face, &known, &company, today.monday()).await
}

/// A digest with what it says.
#[utoipa::path(get, path = "/api/books/companies/{realm}/digests/{week}", tag = "Money", params(("realm" = String, Path), ("week" = String, Path, description = "Its Monday")),
    responses((status = 200, body = DigestAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(in super::super) async fn one(
    State(face): State<Face>,
    known: Known,
    Path((realm, monday)): Path<(String, String)>,
    _: NoParams,
) -> Result<Tagged<DigestAnswer>, Problem> {
    let company = company(&face, &known, &realm)?;
    answer(&face, &known, &company, week(&monday)?).await
}

/// Writes other words above a digest, draws it up anew, approves it, or makes a draft of it again.
#[utoipa::path(patch, path = "/api/books/companies/{realm}/digests/{week}", tag = "Money", params(("realm" = String, Path), ("week" = String, Path), ("If-Match" = Option<String>, Header)), request_body = DigestBody,
    responses((status = 200, body = DigestAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn change(
    State(face): State<Face>,
    known: Known,
    Path((realm, monday)): Path<(String, String)>,
    _: NoParams,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Tagged<DigestAnswer>, Problem> {
    let company = company(&face, &known, &realm)?;
    let (monday, told): (CalendarDate, DigestBody) = (week(&monday)?, body(&bytes)?);
    let wish = match (told.words, told.wish.as_deref()) {
        (Some(words), None) => DigestWish::Words(words),
        (None, Some("redraw")) => DigestWish::Redraw,
        (None, Some("approve")) => DigestWish::Approve,
        (None, Some("reopen")) => DigestWish::Reopen,
        _ => return Err(Problem::field("wish", texts::DIGEST_WISH)),
    };
    let today = company.zone_or(&face.desk.zone).date_of(face.desk.world.now());
    let id = Digest::id_of(&company.realm, monday);
    face.desk.act_on_digest(&known.asked, id, (if_match(&headers)?, today), wish).await?;
    answer(&face, &known, &company, monday).await
}

/// A digest as a file: `text`, `html` or `pdf`.
#[utoipa::path(get, path = "/api/books/companies/{realm}/digests/{week}/{form}", tag = "Money", params(("realm" = String, Path), ("week" = String, Path), ("form" = String, Path)),
    responses((status = 200, content((String = "text/plain"), (String = "text/html"), (Vec<u8> = "application/pdf"))), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(in super::super) async fn formed(
    State(face): State<Face>,
    known: Known,
    Path((realm, monday, form)): Path<(String, String, String)>,
    _: NoParams,
) -> Result<Response, Problem> {
    let company = company(&face, &known, &realm)?;
    let (_, digest) = found(&face, &known, &company, week(&monday)?)?;
    let kind = match form.as_str() {
        "text" => "text/plain; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "pdf" => "application/pdf",
        _ => return Err(Problem::not_found("form of a digest")),
    };
    let name = format!("attachment; filename=\"digest-{}-{}.{}\"", company.realm, digest.week, ending(&form));
    let paper = told(face, company, digest).await?;
    let made = match form.as_str() {
        "text" => paper.text().into_bytes(),
        "html" => paper.html().into_bytes(),
        _ => pdf(&paper),
    };
    Ok(([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)], made).into_response())
}

fn ending(form: &str) -> &'static str {
    match form {
        "text" => "txt",
        "html" => "html",
        _ => "pdf",
    }
}
