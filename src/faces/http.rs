//! HTTP: the one list of all routes, and what every request goes through.

mod assets;
mod auth;
mod batches;
mod body;
mod books;
mod callers;
mod choices;
mod donor;
mod donor_match;
mod donors;
mod edits;
mod figures;
mod finance;
mod gifts;
mod health;
mod home;
mod hooks;
mod journal;
mod live;
mod made;
mod matching;
mod mirror;
mod openapi;
mod pages;
mod params;
mod plans;
mod posting;
mod problem;
mod queue;
mod routes;
mod row;
mod row_body;
mod session;
mod settings;
mod shapes;
mod sync;
mod users;
mod wait;
mod wire;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post, put};
use http::{Extensions, HeaderName, HeaderValue, StatusCode, header};
use tokio::sync::{Semaphore, watch};

use crate::desk::Desk;
use crate::desk::finance::MoneyShelf;
use crate::ground::access::Right;
use crate::ground::books::meter::MonthView;
use crate::ground::budget::{BudgetView, Forecast};
use crate::ground::time::CalendarDate;
use crate::search::Search;
use crate::store::{GivingShelf, Rows, Shelves, StagedShelf};
pub use auth::Need;
pub use batches::RunView;
pub use plans::PlanView;
pub use problem::Problem;
use routes::{API, Route, guarded, on};
pub use row_body::intake;
use session::LoginGuard;
pub use users::UserView;

/// Bodies up to this size are read. A gift is small; webhooks have a larger limit of their own.
const BODY_MAX: usize = 256 * 1024;
/// Webhooks up to this size are read: the largest record Twenty itself takes.
const HOOK_MAX: usize = 10 * 1024 * 1024;
/// Longest request id that is taken over. It stands in the journal for good, so it may hold letters, digits and `._-`
/// only: nothing that could be a person's address.
const REQUEST_ID_MAX: usize = 64;
const HASHING_MAX: usize = 2;
const STREAMS_MAX: usize = 200;
/// How long a request waits for the outcome of a write; then it answers how to ask again (product C).
const PATIENCE: Duration = Duration::from_secs(10);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the pages say about this installation.
#[derive(Clone, Debug)]
pub struct Info {
    /// Whether everything here is invented.
    pub demo: bool,
    /// Whose gifts these are.
    pub organisation: String,
    /// Where Twenty is.
    pub twenty_url: String,
    /// How often the mirror is refreshed, in milliseconds.
    pub sync_every_ms: i64,
    /// Whether cookies travel over TLS only.
    pub secure_cookies: bool,
}

/// What every handler has at hand.
#[derive(Clone)]
pub struct Face {
    /// The desk.
    pub desk: Desk,
    /// Donor search.
    pub search: Arc<Search>,
    /// Rendered rows.
    pub rows: Arc<Rows>,
    /// Values of mirrored records, side by side.
    pub shelves: Arc<Shelves>,
    /// The queue by what its rows hold.
    pub queue: Arc<StagedShelf>,
    /// Confirmed gifts by day and donor.
    pub giving: Arc<GivingShelf>,
    /// How the money of companies stands.
    pub money: Arc<MoneyShelf>,
    /// How long a request waits for what it asked for.
    pub patience: Duration,
    /// What the pages say about this installation.
    pub info: Arc<Info>,
    /// Slows down those who guess passwords.
    guard: Arc<LoginGuard>,
    /// How many passwords are hashed at the same time.
    hashing: Arc<Semaphore>,
    /// How many pages listen for changes at the same time.
    streams: Arc<Semaphore>,
    /// Becomes true when the server stops: open streams end.
    stopped: watch::Receiver<bool>,
    /// How the calls to Twenty stand, and how long so many more would take; none where nothing calls.
    budget: Option<Budgeted>,
    /// How the month of QuickBooks' calls stands; none where QuickBooks is not set up.
    books: Option<BooksTelling>,
}

/// Tells how the month of QuickBooks' calls stands.
pub type BooksTelling = Arc<dyn Fn() -> MonthView + Send + Sync>;

/// Tells how a connection's calls stand, and how long so many more would take.
pub type Budgeted = Arc<dyn Fn(u32) -> (BudgetView, Forecast) + Send + Sync>;

impl Face {
    /// A face over this desk.
    pub fn new(desk: Desk, search: Arc<Search>, info: Info, stopped: watch::Receiver<bool>) -> Self {
        let rows = Arc::new(Rows::default());
        desk.store.follow(Arc::<Rows>::clone(&rows));
        let shelves = Arc::new(Shelves::default());
        desk.store.follow(Arc::<Shelves>::clone(&shelves));
        let queue = Arc::new(StagedShelf::default());
        desk.store.follow(Arc::<StagedShelf>::clone(&queue));
        let giving = Arc::new(GivingShelf::default());
        desk.store.follow(Arc::<GivingShelf>::clone(&giving));
        Self {
            desk,
            search,
            rows,
            shelves,
            queue,
            giving,
            money: Arc::default(),
            patience: PATIENCE,
            info: Arc::new(info),
            guard: Arc::default(),
            hashing: Arc::new(Semaphore::new(HASHING_MAX)),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            stopped,
            budget: None,
            books: None,
        }
    }

    /// The same, telling how the calls to Twenty stand.
    #[must_use]
    pub fn telling(self, budget: Budgeted) -> Self {
        Self { budget: Some(budget), ..self }
    }

    /// The same, telling how the month of QuickBooks' calls stands.
    #[must_use]
    pub fn telling_books(self, books: BooksTelling) -> Self {
        Self { books: Some(books), ..self }
    }

    /// The same, waiting so long for the outcome of a write of an existing caller.
    #[must_use]
    pub fn patient_for(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    fn today(&self) -> CalendarDate {
        self.desk.zone.date_of(self.desk.world.now())
    }
}

/// The routes of staged rows and batches.
fn staging() -> Vec<Route> {
    use Right::{Edit, Process, Review, See, TakeIn};
    vec![
        on("GET", "/api/fundraising/gift-staging", See, get(queue::list)),
        on("GET", "/api/fundraising/gift-staging/ids", See, get(queue::ids)),
        on("POST", "/api/fundraising/gift-staging/status", Review, post(queue::mark_many)),
        on("POST", "/api/fundraising/gift-staging", TakeIn, post(gifts::create)),
        on("POST", "/api/fundraising/gift-staging/process-ready", Process, post(batches::process_ready)),
        on("GET", "/api/fundraising/gift-staging/{id}", See, get(gifts::one)),
        on("PATCH", "/api/fundraising/gift-staging/{id}", Review, patch(gifts::edit)),
        on("PATCH", "/api/fundraising/gift-staging/{id}/status", Review, patch(gifts::mark)),
        on("POST", "/api/fundraising/gift-staging/{id}/process", Process, post(posting::process)),
        on("DELETE", "/api/fundraising/gift-staging/{id}/made-donor", Edit, delete(made::remove)),
        on("POST", "/api/fundraising/gifts", TakeIn, post(posting::create_gift)),
        on("GET", "/api/fundraising/gift-batches", See, get(batches::list)),
        on("POST", "/api/fundraising/gift-batches", Process, post(batches::create)),
        on("GET", "/api/fundraising/gift-batches/{id}", See, get(batches::one)),
        on("PATCH", "/api/fundraising/gift-batches/{id}", Process, patch(batches::edit)),
        on("POST", "/api/fundraising/gift-batches/{id}/process", Process, post(batches::process)),
        on("POST", "/api/fundraising/gift-batches/{id}/plan", Process, post(plans::plan)),
        on("GET", "/api/fundraising/gift-batches/{id}/process/{runId}", See, get(batches::run)),
        on("PATCH", "/api/fundraising/gift-batches/{id}/process/{runId}", Process, patch(batches::steer)),
    ]
}

/// The routes of matching.
fn alike() -> Vec<Route> {
    use Right::{Edit, Review, See};
    use matching::{links, merges, review};
    let making = "/api/fundraising/gift-batches/{id}/donor-match/create-donors/run";
    let made = "/api/fundraising/gift-batches/{id}/donor-match/create-donors/run/{runId}";
    vec![
        on("POST", making, Edit, post(donor_match::create)),
        on("GET", made, See, get(donor_match::created)),
        on("POST", "/api/fundraising/gift-batches/{id}/donor-match", Review, post(donor_match::start)),
        on("GET", "/api/fundraising/gift-batches/{id}/donor-match/{runId}", See, get(donor_match::run)),
        on("GET", "/api/fundraising/people/duplicates", See, get(review::pairs)),
        on("GET", "/api/fundraising/people/duplicates/{left}/{right}", See, get(review::pair)),
        on("GET", "/api/fundraising/people/links", See, get(links::links)),
        on("POST", "/api/fundraising/people/links", Review, post(links::make_link)),
        on("POST", "/api/fundraising/people/links/{id}/undo", Review, post(links::undo_link)),
        on("GET", "/api/fundraising/people/verdicts", See, get(links::verdicts)),
        on("POST", "/api/fundraising/people/verdicts", Review, post(links::say)),
        on("GET", "/api/fundraising/people/agreement", See, get(links::agreed)),
        on("GET", "/api/fundraising/people/merges", See, get(merges::merges)),
        on("POST", "/api/fundraising/people/merges", Edit, post(merges::ask)),
        on("GET", "/api/fundraising/people/merges/{id}", See, get(merges::merge)),
        on("POST", "/api/fundraising/people/merges/{id}/confirm", Edit, post(merges::confirm)),
        on("DELETE", "/api/fundraising/people/merges/{id}", Edit, delete(merges::withdraw)),
        on("POST", "/api/fundraising/people/duplicates", See, post(matching::duplicates)),
        on("POST", "/api/fundraising/people/match", See, post(matching::matches)),
        on("POST", "/api/fundraising/people/why", See, post(matching::why)),
    ]
}

/// The routes of the money of the companies.
fn money() -> Vec<Route> {
    use Right::{Books, BooksWrite, Settings};
    vec![
        on("GET", "/api/portfolio", Books, get(finance::portfolio)),
        on("GET", "/api/books/companies/{realm}/money", Books, get(finance::money)),
        on("GET", "/api/books/companies/{realm}/figures/{name}", Books, get(finance::rows::rows)),
        on("GET", "/api/books/companies/{realm}/moved", Books, get(finance::moved::moved)),
        on("GET", "/api/books/companies/{realm}/tray", Books, get(finance::tray::tray)),
        on("POST", "/api/books/companies/{realm}/tray/ignore", BooksWrite, post(finance::tray::ignore)),
        on("POST", "/api/books/companies/{realm}/tray/reopen", BooksWrite, post(finance::tray::reopen)),
        on("POST", "/api/books/companies/{realm}/tray/fix", BooksWrite, post(finance::tray::fix)),
        on("GET", "/api/books/companies/{realm}/console", Books, get(finance::console::console)),
        on("GET", "/api/books/companies/{realm}/what-if", Books, get(finance::console::what_if)),
        on("POST", "/api/books/companies/{realm}/decisions", BooksWrite, post(finance::console::decide)),
        on("GET", "/api/books/companies/{realm}/said", Books, get(finance::said::said)),
        on("POST", "/api/books/companies/{realm}/said", BooksWrite, post(finance::said::say)),
        on("DELETE", "/api/books/companies/{realm}/said/{id}", BooksWrite, delete(finance::said::unsay)),
        on("GET", "/api/books/companies/{realm}/digests", Books, get(finance::digests::list)),
        on("POST", "/api/books/companies/{realm}/digests", BooksWrite, post(finance::digests::draft)),
        on("GET", "/api/books/companies/{realm}/digests/{week}", Books, get(finance::digests::one)),
        on(
            "PATCH",
            "/api/books/companies/{realm}/digests/{week}",
            BooksWrite,
            patch(finance::digests::change),
        ),
        on("GET", "/api/books/companies/{realm}/digests/{week}/{form}", Books, get(finance::digests::formed)),
        on("GET", "/api/books/companies/{realm}/policy", Books, get(finance::policy::policy)),
        on("PUT", "/api/books/companies/{realm}/policy", Settings, put(finance::policy::set)),
        on("POST", "/api/books/companies/{realm}/policy/preview", Books, post(finance::policy::preview)),
        on("POST", "/api/money/policy/preview", Books, post(finance::policy::preview_firm)),
        on("GET", "/api/money/policy", Books, get(finance::policy::firm)),
        on("PUT", "/api/money/policy", Settings, put(finance::policy::set_firm)),
    ]
}

/// The routes of the books.
fn books() -> Vec<Route> {
    use Right::{Books, BooksWrite, Settings};
    let hook = post(books::hook).layer(DefaultBodyLimit::max(HOOK_MAX));
    vec![
        on("GET", "/api/books/companies", Books, get(books::companies)),
        on("POST", "/api/books/connect", Settings, post(books::connect)),
        on("POST", "/api/books/companies/{realm}/look", BooksWrite, post(books::look)),
        on("POST", "/api/books/companies/{realm}/load", BooksWrite, post(books::load)),
        on("POST", "/api/books/companies/{realm}/pause", BooksWrite, post(books::pause)),
        on("POST", "/api/books/companies/{realm}/resume", BooksWrite, post(books::resume)),
        on("POST", "/api/books/companies/{realm}/disconnect", Settings, post(books::disconnect)),
        on("GET", "/api/books/companies/{realm}/records/{kind}", Books, get(books::records::list)),
        on("GET", "/api/books/companies/{realm}/records/{kind}/{id}", Books, get(books::records::one)),
        on("POST", "/api/books/companies/{realm}/changes", BooksWrite, post(books::changes::ask)),
        on("GET", "/api/books/changes", Books, get(books::changes::list)),
        on("GET", "/api/books/changes/{id}", Books, get(books::changes::one)),
        on("POST", "/api/books/changes/{id}/undo", BooksWrite, post(books::changes::undo)),
        on("POST", "/api/books/changes/{id}/repeat", BooksWrite, post(books::changes::repeat)),
        on("POST", "/api/books/changes/{id}/discard", BooksWrite, post(books::changes::discard)),
        on("POST", "/api/books/changes/{id}/decide", BooksWrite, post(books::changes::decide)),
        on(
            "GET",
            "/api/books/companies/{realm}/records/{kind}/{id}/links",
            Books,
            get(books::golden::of_book),
        ),
        on("GET", "/api/books/links", Books, get(books::golden::of_somebody)),
        on("POST", "/api/books/links", BooksWrite, post(books::golden::make)),
        on("POST", "/api/books/links/{id}/undo", BooksWrite, post(books::golden::undo)),
        on("GET", "/api/books/set-aside", Books, get(books::records::aside)),
        on("POST", "/api/books/set-aside/{key}/repeat", BooksWrite, post(books::records::repeat)),
        on("POST", "/api/books/set-aside/{key}/discard", BooksWrite, post(books::records::discard)),
        on("GET", "/connect/quickbooks", Need::Nothing, get(books::come_back)),
        on("POST", "/hooks/quickbooks", Need::Nothing, hook),
    ]
}

/// Every route, with what it needs: the one list.
fn routes() -> Vec<Route> {
    use Right::{Decide, Edit, Journal, See, Settings, Sync, Tokens, Users};
    let mirror = [
        on("GET", "/api/home", See, get(home::home)),
        on("GET", "/api/home/figures/{name}", See, get(figures::figure)),
        on("GET", "/api/settings", See, get(settings::settings)),
        on("PATCH", "/api/settings", Settings, patch(settings::change)),
        on("GET", "/api/choices/{object}", See, get(choices::choices)),
        on("GET", "/api/sync", See, get(sync::sync)),
        on("POST", "/api/sync", Sync, post(sync::sync_now)),
        on("POST", "/api/sync/objects", Settings, post(sync::switch)),
        on("GET", "/api/sync/quarantine", See, get(sync::quarantine)),
        on("GET", "/api/sync/edits", See, get(edits::edits)),
        on("GET", "/api/sync/edits/{id}", See, get(edits::one)),
        on("DELETE", "/api/sync/edits/{id}", Edit, delete(edits::withdraw)),
        on("GET", "/api/sync/conflicts", See, get(edits::conflicts)),
        on("POST", "/api/sync/conflicts/{id}", Decide, post(edits::decide)),
        on("PATCH", "/api/sync/{object}", Sync, patch(sync::change)),
        on("POST", "/api/sync/{object}/sweep", Sync, post(sync::sweep)),
        on("GET", "/api/donors", See, get(donors::search)),
        on("GET", "/api/donors/{id}", See, get(donor::donor)),
        on("GET", "/api/gifts", See, get(mirror::gifts)),
        on("GET", "/api/records/{object}", See, get(mirror::records)),
        on("GET", "/api/records/{object}/{id}", See, get(mirror::record)),
        on("PATCH", "/api/records/{object}/{id}", Edit, patch(edits::change)),
        on("POST", "/api/tasks", Edit, post(edits::new_task)),
        on("PATCH", "/api/tasks/{id}", Edit, patch(edits::change_task)),
        on("POST", "/api/notes", Edit, post(edits::new_note)),
        on("GET", "/api/journal", Journal, get(journal::list)),
        on("GET", "/api/events", See, get(live::events)),
        on("GET", "/api/health", See, get(health::shown)),
    ];
    let access = [
        on("GET", "/api/session", Need::Known, get(session::show)),
        on("POST", "/api/session", Need::Nothing, post(session::sign_in)),
        on("DELETE", "/api/session", Need::Known, delete(session::sign_out)),
        on("GET", "/api/tokens", Tokens, get(session::tokens)),
        on("POST", "/api/tokens", Tokens, post(session::create_token)),
        on("DELETE", "/api/tokens/{id}", Tokens, delete(session::revoke_token)),
        on("GET", "/api/users", Users, get(users::list)),
        on("POST", "/api/users", Users, post(users::invite)),
        on("PATCH", "/api/users/{id}", Users, patch(users::change)),
        on("POST", "/api/users/{id}/reset", Users, post(users::reset)),
    ];
    let hook = post(hooks::twenty).layer(DefaultBodyLimit::max(HOOK_MAX));
    let open = [
        on("GET", "/api/openapi.json", Need::Nothing, get(openapi::document)),
        on("GET", "/health", Need::Nothing, get(answers)),
        on("GET", "/readyz", Need::Nothing, get(sync::ready)),
        on("GET", "/livez", Need::Nothing, get(health::live)),
        on("GET", "/healthz", Need::Nothing, get(health::health)),
        on("GET", "/metrics", See, get(health::metrics)),
        on("POST", "/hooks/twenty", Need::Nothing, hook),
    ];
    staging()
        .into_iter()
        .chain(callers::routes())
        .chain(alike())
        .chain(books())
        .chain(money())
        .chain(mirror)
        .chain(access)
        .chain(open)
        .chain(pages::routes())
        .collect()
}

/// Every route: its method, its path, and what it needs.
pub fn needs() -> Vec<(&'static str, &'static str, Need)> {
    routes().into_iter().map(|route| (route.method, route.path, route.need)).collect()
}

/// All routes.
pub fn router(face: Face) -> Router {
    let (api, outer) = guarded(routes(), &face);
    let api = api.fallback(no_such_route).method_not_allowed_fallback(no_such_method);
    outer
        .nest(API, api)
        .fallback(assets::serve)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(face.clone(), around))
        .with_state(face)
}

/// The OpenAPI document as JSON text, indented.
pub fn openapi_json() -> String {
    openapi::json()
}

async fn answers() -> axum::Json<serde_json::Value> {
    axum::Json(serde_json::json!({ "status": "ok" }))
}

async fn no_such_route() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "There is nothing at this address. See /api/openapi.json for what there is.",
    )
}

async fn no_such_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "This address does not take this method. See /api/openapi.json.",
    )
}

/// The request's id, as an extension.
#[derive(Clone)]
struct RequestId(String);

impl RequestId {
    fn of(extensions: &Extensions) -> String {
        extensions.get::<Self>().map(|id| id.0.clone()).unwrap_or_default()
    }
}

/// An id of a path, or 404: a text that is no id names nothing.
fn known_id<T: FromStr>(text: &str, what: &'static str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::not_found(what))
}

/// Around every request: its id, its log line (without the query, which may hold a donor's name), and the headers
/// that tell a browser to trust nothing else.
async fn around(State(face): State<Face>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    let given = given.filter(|id| {
        (1..=REQUEST_ID_MAX).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    });
    let id = given.map_or_else(|| face.desk.world.uuid().to_string(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let is_api = path.starts_with("/api/");
    let began = face.desk.world.now();
    let response = next.run(request).await;
    let mut response = if is_api { as_problem(response, &id) } else { response };
    let duration_ms = face.desk.world.now().micros_since(began) / 1_000;
    tracing::info!(requestId = id, %method, path, status = response.status().as_u16(), durationMs = duration_ms, "request");
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if is_api {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

/// Errors that axum itself answers as text (a body that is too large, a wrong content type) become problems too.
fn as_problem(mut response: Response, id: &str) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Arc<Problem>>() {
        let headers = std::mem::take(response.headers_mut());
        let mut told = (*problem).clone().with_request(id).into_response();
        told.headers_mut().extend(headers.into_iter().filter_map(|(name, value)| {
            name.filter(|name| *name != header::CONTENT_LENGTH).map(|name| (name, value))
        }));
        return told;
    }
    let status = response.status();
    let is_text = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|value| value.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || !is_text {
        return response;
    }
    let detail = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "The body is larger than 256 KB. Send less at a time.",
        StatusCode::METHOD_NOT_ALLOWED => "This address does not take this method. See /api/openapi.json.",
        _ => "The request could not be read. See /api/openapi.json for what this address takes.",
    };
    Problem::new(status, detail).with_request(id).into_response()
}
