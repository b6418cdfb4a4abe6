//! The books: companies of QuickBooks, how old and how proven the mirror of each is, and what a person may ask of it. No
//! remote call; whoever sees some companies only does not learn that there are others.

pub(super) mod changes;
mod details;
pub(super) mod golden;
pub(super) mod records;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::Face;
use super::auth::Known;
use super::hooks::Raw;
use super::params::NoParams;
use super::problem::Problem;
use crate::desk::books::Heard;
use crate::ground::access::Viewer;
use crate::ground::books::consent::Stage;
use crate::ground::books::control::{Explanation, Figure, Verdict, What};
use crate::ground::books::meter::{Mark, MonthView};
use crate::ground::books::mirror::{Books, Halted, LOADED};
use crate::ground::books::schedule::LOOK_MS;
use crate::ground::books::{Connected, Entity, RealmId};
use crate::ground::texts;
use crate::ground::time::Instant;
use crate::store::{Ledger, StoreError};

/// All companies the viewer may see.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompanyList {
    data: Vec<CompanyView>,
    meta: CompaniesMeta,
}

/// `meta` of the companies.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompaniesMeta {
    as_of: String,
    /// Whether companies can be connected: the operator has set up an app at Intuit.
    set_up: bool,
    /// How the month's calls stand, over all companies; absent where nothing calls.
    month: Option<MonthCalls>,
}

/// The month's calls.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MonthCalls {
    /// Used, or reserved for the near future.
    used: u32,
    /// Calls the operator allows.
    calls: u32,
    /// What the month comes to if it goes on as it went.
    forecast: u32,
    /// `fine`, `noticed` (70 %), `warned` (85 %), `urgent` (95 %) or `spent`.
    mark: &'static str,
    ends: String,
}

/// One company.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompanyView {
    realm: String,
    name: String,
    /// The currency its books are kept in; none before it was read.
    currency: Option<String>,
    connected_at: String,
    /// `loading`, `connected`, `paused`, `reconnect`, `lapsed` or `disconnected`.
    state: &'static str,
    /// What is so and what to do, when something is.
    note: Option<String>,
    /// Since when nothing went right.
    since: Option<String>,
    /// `fresh`, `late`, `stale` or `never`.
    freshness: &'static str,
    /// When the last complete look began.
    synced_at: Option<String>,
    load: Option<LoadView>,
    /// Records by kind.
    records: BTreeMap<&'static str, u64>,
    /// When the totals were controlled last.
    controlled_at: Option<String>,
    totals: Vec<TotalProof>,
    /// Whether its webhooks can be relied on, so that it is looked at half as often.
    webhooks_proven: bool,
    /// Events that wait for the next look.
    waiting: u64,
    /// Records set aside since they cannot be read.
    set_aside: u64,
    /// Calls of the month.
    calls: Option<u32>,
}

/// A load under way.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoadView {
    /// Rows read so far.
    rows: u64,
    /// Kinds read so far, of how many.
    kinds: usize,
    of: usize,
    counting: bool,
}

/// A control total.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TotalProof {
    /// `receivable`, `payable` or `accounts`.
    what: &'static str,
    /// `proven`, `gap` or `unknown`.
    verdict: &'static str,
    currency: Option<String>,
    /// What the mirror adds up to, in decimals.
    mirrored: Option<String>,
    /// What QuickBooks reports.
    reported: Option<String>,
    /// What its customers or vendors say together.
    by_names: Option<String>,
    /// How much more the mirror says than is reported.
    gap: Option<String>,
    /// Why it cannot be said.
    why: Option<String>,
    /// Who does not add up, and which records may be the reason.
    reasons: Vec<ReasonView>,
}

/// Records that explain a gap.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReasonView {
    /// In words.
    text: String,
    records: Vec<RecordRef>,
}

/// A record of the books.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordRef {
    kind: &'static str,
    id: String,
}

/// Where to go to connect a company.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentAddress {
    address: String,
}

/// A company whose books the viewer may see.
pub(super) fn seen(ledger: &Ledger<'_>, viewer: &Viewer, realm: &str) -> Result<Connected, Problem> {
    let none = || Problem::not_found("company");
    let realm: RealmId = realm.parse().map_err(|_| none())?;
    if !viewer.sees_company(realm.as_str()) {
        return Err(none());
    }
    ledger.company(&realm)?.map(|company| company.value).ok_or_else(none)
}

fn month_view(month: &MonthView) -> MonthCalls {
    let mark = match month.mark {
        Mark::Fine => "fine",
        Mark::Noticed => "noticed",
        Mark::Warned => "warned",
        Mark::Urgent => "urgent",
        Mark::Spent => "spent",
    };
    let MonthView { used, calls, forecast, ends, .. } = month;
    MonthCalls { used: *used, calls: *calls, forecast: *forecast, mark, ends: ends.to_string() }
}

const fn state_of(company: &Connected, books: &Books) -> &'static str {
    match (company.disconnected_at, books.halted) {
        (Some(_), _) => "disconnected",
        (_, Some(Halted::Reconnect)) => "reconnect",
        (_, Some(Halted::Lapsed)) => "lapsed",
        _ if books.paused => "paused",
        _ if books.complete_as_of.is_none() => "loading",
        _ => "connected",
    }
}

fn company_view(
    ledger: &Ledger<'_>,
    company: &Connected,
    month: Option<&MonthView>,
    now: Instant,
) -> Result<CompanyView, StoreError> {
    let books = ledger.books(company.connection)?;
    let mut records = BTreeMap::new();
    for entity in Entity::ALL.iter().copied() {
        let count = ledger.book_count(company.connection, entity)?;
        if count > 0 {
            records.insert(entity.path(), count);
        }
    }
    let aside = ledger.books_aside()?.into_iter().filter(|aside| aside.value.realm == company.realm).count();
    let load = books.load.as_ref().map(|load| LoadView {
        rows: load.rows,
        kinds: if load.counting { LOADED.len() } else { load.place },
        of: LOADED.len(),
        counting: load.counting,
    });
    let trouble = books.trouble.as_ref();
    Ok(CompanyView {
        realm: company.realm.to_string(),
        name: company.label().to_owned(),
        currency: company.home.map(|home| home.to_string()),
        connected_at: company.connected_at.to_string(),
        state: state_of(company, &books),
        note: trouble.map(|trouble| trouble.said.clone()),
        since: trouble.map(|trouble| trouble.since).or(company.disconnected_at).map(|at| at.to_string()),
        freshness: books.freshness(now, LOOK_MS).word(),
        synced_at: books.complete_as_of.map(|at| at.to_string()),
        load,
        records,
        controlled_at: books.controlled_at.map(|at| at.to_string()),
        totals: books.verdicts.iter().map(total_view).collect(),
        webhooks_proven: books.hooks.are_proven(now),
        waiting: ledger.books_told(company.connection)?.len() as u64,
        set_aside: aside as u64,
        calls: month.map(|month| month.by_company.get(&company.realm).copied().unwrap_or(0)),
    })
}

const fn what_word(what: What) -> &'static str {
    match what {
        What::Receivable => "receivable",
        What::Payable => "payable",
        What::Accounts => "accounts",
    }
}

fn total_view(verdict: &Verdict) -> TotalProof {
    let told = |figure: &Figure, word: &'static str, reasons| TotalProof {
        what: what_word(figure.what),
        verdict: word,
        currency: Some(figure.currency.to_string()),
        mirrored: Some(figure.mirrored.to_string()),
        reported: Some(figure.reported.to_string()),
        by_names: figure.by_names.map(|sum| sum.to_string()),
        gap: Some(figure.gap().to_string()),
        why: None,
        reasons,
    };
    match verdict {
        Verdict::Proven(figure) => told(figure, "proven", Vec::new()),
        Verdict::Gap(figure, why) => told(figure, "gap", reasons(why)),
        Verdict::Unknown(what, why) => TotalProof {
            what: what_word(*what),
            verdict: "unknown",
            currency: None,
            mirrored: None,
            reported: None,
            by_names: None,
            gap: None,
            why: Some(why.to_string()),
            reasons: Vec::new(),
        },
    }
}

fn reasons(why: &Explanation) -> Vec<ReasonView> {
    let of = why.of.iter().map(|of| {
        let name = of.name.as_ref().map(|(entity, id)| RecordRef { kind: entity.path(), id: id.to_string() });
        let suspects = of.suspects.iter();
        let suspects = suspects.map(|it| RecordRef { kind: it.entity.path(), id: it.id.to_string() });
        let alone = of.suspects.iter().any(|suspect| suspect.alone);
        let text = texts::books_gap(&of.gap.to_string(), name.is_some(), alone);
        ReasonView { text, records: name.into_iter().chain(suspects).collect() }
    });
    let missing = why.missing.iter().map(|missing| {
        let (entity, id) = &missing.named_by;
        let text = texts::books_missing(missing.kind.as_deref(), missing.id.as_str());
        ReasonView { text, records: vec![RecordRef { kind: entity.path(), id: id.to_string() }] }
    });
    of.chain(missing).collect()
}

/// All companies of QuickBooks that the viewer may see.
#[utoipa::path(get, path = "/api/books/companies", tag = "Books", responses((status = 200, body = CompanyList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn companies(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
) -> Result<Json<CompanyList>, Problem> {
    let snapshot = known.snapshot(&face)?;
    let (ledger, now) = (snapshot.ledger(), face.desk.world.now());
    let month = face.books.as_ref().map(|tell| tell());
    let mut data = Vec::new();
    for company in ledger.companies()? {
        if known.viewer.sees_company(company.value.realm.as_str()) {
            data.push(company_view(&ledger, &company.value, month.as_ref(), now)?);
        }
    }
    let set_up = face.desk.books.door.is_some();
    let month = month.as_ref().map(month_view);
    Ok(Json(CompanyList { data, meta: CompaniesMeta { as_of: snapshot.as_of().to_string(), set_up, month } }))
}

/// Begins to connect a company: where to send the person. One consent connects one company.
#[utoipa::path(post, path = "/api/books/connect", tag = "Books", responses((status = 200, body = ConsentAddress), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn connect(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
) -> Result<Json<ConsentAddress>, Problem> {
    let address = face.desk.ask_consent(&known.asked).await?;
    Ok(Json(ConsentAddress { address }))
}

/// A person comes back from QuickBooks. What they bring proves itself by the state that was stored before; the page of
/// connections says what came of it.
pub(super) async fn come_back(State(face): State<Face>, RawQuery(query): RawQuery) -> Response {
    let Ok(key) = face.desk.consent_back(query.as_deref().unwrap_or_default()).await else {
        return Redirect::to("/connections?outcome=refused").into_response();
    };
    let stage = super::wait::settled(&face, || {
        let stage = face.desk.consent_stage(&key)?;
        Ok(stage.filter(|stage| matches!(stage, Stage::Connected(_) | Stage::Failed(_))))
    })
    .await;
    let to = match stage {
        Ok(Some(Stage::Connected(realm))) => format!("/connections?outcome=connected&realm={realm}"),
        Ok(Some(Stage::Failed(_))) => "/connections?outcome=failed".to_owned(),
        _ => "/connections?outcome=waiting".to_owned(),
    };
    Redirect::to(&to).into_response()
}

/// Asks something of a company the viewer may see.
macro_rules! ask {
    ($name:ident, $path:literal, $doc:literal, |$face:ident, $known:ident, $realm:ident| $act:expr) => {
        #[doc = $doc]
        #[utoipa::path(post, path = $path, tag = "Books", params(("realm" = String, Path)), responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
        pub(super) async fn $name(
            State($face): State<Face>,
            $known: Known,
            Path(realm): Path<String>,
            _: NoParams,
        ) -> Result<StatusCode, Problem> {
            let $realm = seen(&$known.snapshot(&$face)?.ledger(), &$known.viewer, &realm)?.realm;
            $act.await?;
            Ok(StatusCode::NO_CONTENT)
        }
    };
}

ask!(look, "/api/books/companies/{realm}/look", "Asks for a look at a company now.", |face, known, realm| {
    face.desk.look_at_company(&known.asked, realm)
});
ask!(
    load,
    "/api/books/companies/{realm}/load",
    "Asks for everything of a company to be read again.",
    |face, known, realm| face.desk.load_company(&known.asked, realm)
);
ask!(pause, "/api/books/companies/{realm}/pause", "Stops the sync of a company.", |face, known, realm| face
    .desk
    .pause_company(&known.asked, realm, true));
ask!(
    resume,
    "/api/books/companies/{realm}/resume",
    "Lets the sync of a company go on.",
    |face, known, realm| face.desk.pause_company(&known.asked, realm, false)
);
ask!(
    disconnect,
    "/api/books/companies/{realm}/disconnect",
    "Disconnects a company: its tokens are given back and forgotten, its books stay, to be read only.",
    |face, known, realm| face.desk.disconnect_company(&known.asked, realm)
);

/// A webhook of QuickBooks, in either form: kept before it is answered. Without a verifier token there is no such address.
#[utoipa::path(post, path = "/hooks/quickbooks", tag = "Webhooks", params(("intuit-signature" = String, Header)), responses((status = 200), (status = 400, body = Problem), (status = 401, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)), security(()))]
pub(super) async fn hook(
    State(face): State<Face>,
    headers: HeaderMap,
    Raw(raw): Raw,
) -> Result<StatusCode, Problem> {
    let signature = headers.get("intuit-signature").and_then(|value| value.to_str().ok());
    match face.desk.hear_qbo(signature, &raw).await? {
        Heard::Kept => Ok(StatusCode::OK),
        Heard::NotBelieved => {
            Err(Problem::new(StatusCode::UNAUTHORIZED, "The signature does not fit. Nothing was stored."))
        }
        Heard::NotRead => {
            Err(Problem::new(StatusCode::BAD_REQUEST, "This is not in the form of a QuickBooks webhook."))
        }
        Heard::NoneExpected => Err(Problem::not_found("address")),
    }
}
