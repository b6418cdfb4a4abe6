//! The state of the simulated server, and what it says to one request.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::auth::Auth;
use super::cdc::{self, CdcHabits};
use super::company::Company;
use super::emit::{self, Place};
use super::hooks::Hooks;
use super::limit::Meter;
use super::query::{self, Habits};
use super::refusal::Refusal;
use super::schema::{Kind, Sort};
use super::time::precise;
use super::tree::Json;
use super::write::{self, Options};
use super::{Clock, LoggedRequest, batch, files, oauth, reports};
use crate::sim::dice::Dice;
use crate::sim::faults::{Fault, Plan};

/// Which stream of draws serves what.
pub(crate) mod purpose {
    /// The app and its tokens.
    pub(crate) const TOKENS: u64 = 101;
    /// Which faults strike.
    pub(crate) const FAULTS: u64 = 102;
    /// What faults do.
    pub(crate) const MISCHIEF: u64 = 103;
    /// Numbers of companies and replies.
    pub(crate) const NUMBERS: u64 = 104;
    /// What befalls webhooks.
    pub(crate) const HOOKS: u64 = 105;
    /// Invented books.
    pub(crate) const BOOKS: u64 = 106;
}

/// Everything the server knows.
pub(crate) struct Core {
    /// The time without skew.
    pub(crate) clock: Clock,
    /// Microseconds by which the server's clock is wrong.
    pub(crate) skew: i64,
    /// The companies by number.
    pub(crate) companies: BTreeMap<String, Company>,
    /// Who may enter.
    pub(crate) auth: Auth,
    /// The company a person picks next on the page of consent; `None` declines.
    pub(crate) picks: VecDeque<Option<String>>,
    /// Throttles and meter.
    pub(crate) meter: Meter,
    /// What befalls calls of the API.
    pub(crate) plan: Plan,
    /// What befalls calls for tokens.
    pub(crate) token_plan: Plan,
    /// Draws for plans.
    pub(crate) chances: Dice,
    /// Draws for what faults do.
    pub(crate) mischief: Dice,
    /// Draws for numbers.
    pub(crate) numbers: Dice,
    /// The webhooks.
    pub(crate) hooks: Hooks,
    /// Requests so far.
    pub(crate) log: Vec<LoggedRequest>,
    /// How many there were.
    pub(crate) served: u64,
    /// How pages are told.
    pub(crate) habits: Habits,
    /// How change data capture behaves.
    pub(crate) cdc: CdcHabits,
    /// Answers carry fields that nobody knows.
    pub(crate) unknown_fields: bool,
}

impl Core {
    /// A server without companies.
    pub(crate) fn new(seed: u64, clock: Clock) -> Self {
        Self {
            clock,
            skew: 0,
            companies: BTreeMap::new(),
            auth: Auth::new(Dice::new(seed, purpose::TOKENS)),
            picks: VecDeque::new(),
            meter: Meter::default(),
            plan: Plan::none(),
            token_plan: Plan::none(),
            chances: Dice::new(seed, purpose::FAULTS),
            mischief: Dice::new(seed, purpose::MISCHIEF),
            numbers: Dice::new(seed, purpose::NUMBERS),
            hooks: Hooks::new(Dice::new(seed, purpose::HOOKS)),
            log: Vec::new(),
            served: 0,
            habits: Habits::default(),
            cdc: CdcHabits::default(),
            unknown_fields: false,
        }
    }

    /// The server's time.
    pub(crate) fn now(&self) -> i64 {
        (self.clock)() + self.skew
    }

    /// Moves with every change in any company.
    pub(crate) fn version(&self) -> u64 {
        self.companies.values().map(|company| company.version).sum()
    }
}

/// A request, read.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Method.
    pub(crate) method: http::Method,
    /// Host it was sent to.
    pub(crate) host: String,
    /// Path.
    pub(crate) path: String,
    /// Text behind the question mark.
    pub(crate) query: String,
    /// Headers.
    pub(crate) headers: http::HeaderMap,
    /// Body.
    pub(crate) body: Bytes,
}

impl Request {
    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A parameter of the query, decoded.
    pub(crate) fn param(&self, name: &str) -> Option<String> {
        form(&self.query).remove(name)
    }
}

/// Pairs of a query or a form, decoded; the first of a name counts.
pub(crate) fn form(text: &str) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.entry(decoded(name)).or_insert_with(|| decoded(value));
    }
    pairs
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let pair: Vec<u8> = rest.by_ref().take(2).collect();
                let code = std::str::from_utf8(&pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
                bytes.extend(code);
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What is sent back.
pub(crate) enum Content {
    /// JSON, or XML for who asks for no JSON.
    Json(Json),
    /// Text of that type.
    Text(&'static str, String),
}

/// An answer before it becomes bytes.
pub(crate) struct Answer {
    /// Status.
    pub(crate) status: u16,
    /// Body.
    pub(crate) content: Content,
    /// Further headers.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// A fault: its type comes without a charset.
    pub(crate) fault: bool,
}

impl Answer {
    /// 200 with JSON.
    pub(crate) fn json(body: Json) -> Self {
        Self { status: 200, content: Content::Json(body), headers: Vec::new(), fault: false }
    }

    /// A refusal at `now`.
    pub(crate) fn refused(refusal: &Refusal, now: i64) -> Self {
        let body = if refusal.gateway {
            refusal.envelope(now)
        } else {
            let mut body = Json::object([("Fault", refusal.fault())]);
            if !refusal.timeless {
                body.set("time", Json::text(precise(now)));
            }
            body
        };
        let mut answer = Self { status: refusal.status, fault: true, ..Self::json(body) };
        if refusal.status == 401 {
            answer
                .headers
                .push(("www-authenticate", "Bearer realm=\"Intuit\", error=\"invalid_token\"".to_owned()));
        }
        answer
    }
}

/// Answers a request, without faults of the network.
pub(crate) fn handle(core: &mut Core, request: &Request, fault: Option<&Fault>) -> Answer {
    if let Some(answer) = oauth::answer(core, request) {
        return answer;
    }
    let now = core.now();
    match company(core, request, fault) {
        Ok(answer) => answer,
        Err(refusal) => Answer::refused(&refusal, now),
    }
}

/// Everything below `/v3/company/{realm}`.
fn company(core: &mut Core, request: &Request, fault: Option<&Fault>) -> Result<Answer, Refusal> {
    let now = core.now();
    let rest =
        request.path.strip_prefix("/v3/company/").ok_or_else(|| Refusal::unsupported(&request.path))?;
    let (realm, below) = rest.split_once('/').unwrap_or((rest, ""));
    if matches!(fault, Some(Fault::Storm(_))) {
        return Err(Refusal::throttled());
    }
    enter(core, request, realm, now)?;
    if !core.meter.passes(realm, below == "batch", now) {
        return Err(Refusal::throttled());
    }
    let used: u64 = core.companies.values().map(|company| company.calls.core_plus).sum();
    let metered = request.method == http::Method::GET || below == "query";
    if metered && core.meter.allowance.is_some_and(|allowance| used >= allowance) {
        return Err(Refusal::throttled());
    }
    if matches!(fault, Some(Fault::InternalError)) {
        return Err(Refusal::broken());
    }
    let id = request.param("requestid").filter(|id| !id.is_empty());
    if id.as_ref().is_some_and(|id| id.chars().count() > 50) {
        return Err(Refusal::too_long("requestid", 50));
    }
    let writes = request.method == http::Method::POST && below != "query";
    let key = id.filter(|_| writes);
    let stored = key.as_ref().and_then(|key| core.companies.get(realm)?.replies.get(key).cloned());
    if let Some((status, body)) = stored {
        let body = Json::parse(body.as_bytes()).unwrap_or_default();
        return Ok(Answer { status, ..Answer::json(body) });
    }
    let mut answer = route(core, request, realm, below, key.as_deref())?;
    // A report tells its time in its header (recorded).
    if let (false, Content::Json(body)) = (below.starts_with("reports/"), &mut answer.content) {
        body.default("time", Json::text(precise(now)));
    }
    if let Some(company) = core.companies.get_mut(realm) {
        if below != "batch" {
            *(if writes { &mut company.calls.core } else { &mut company.calls.core_plus }) += 1;
        }
        // Only what was taken is kept: a refused write may be mended and sent again.
        if let (Some(key), Content::Json(body)) = (key, &answer.content) {
            company.replies.insert(key, (answer.status, body.to_text()));
        }
    }
    if let (true, Content::Json(body)) = (core.unknown_fields, &mut answer.content) {
        strange(body);
    }
    Ok(answer)
}

/// Whether the bearer may enter the company, on this host.
fn enter(core: &Core, request: &Request, realm: &str, now: i64) -> Result<(), Refusal> {
    let bearer = request.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
    let Some(token) = bearer else { return Err(Refusal::unauthenticated("")) };
    let allowed = core.auth.bearer(token, now);
    let allowed = allowed.ok_or_else(|| Refusal::unauthenticated(&format!("Token expired: {token}")))?;
    let company = core.companies.get(realm).filter(|_| allowed == realm).ok_or_else(Refusal::unauthorised)?;
    let sandbox = request.host.starts_with("sandbox-quickbooks.");
    let production = request.host.starts_with("quickbooks.");
    if (sandbox && !company.sandbox) || (production && company.sandbox) {
        return Err(Refusal::unauthorised());
    }
    if company.locked_out {
        return Err(Refusal::locked_out());
    }
    if company.lapsed { Err(Refusal::lapsed()) } else { Ok(()) }
}

fn route(
    core: &mut Core,
    request: &Request,
    realm: &str,
    below: &str,
    key: Option<&str>,
) -> Result<Answer, Refusal> {
    let (habits, cdc_habits, now) = (core.habits, core.cdc, core.now());
    let shuffle = core.mischief.bits();
    let company = core.companies.get_mut(realm).ok_or_else(Refusal::unauthorised)?;
    let get = request.method == http::Method::GET;
    let unsupported = || {
        let path = &request.path;
        let whole = format!("https://c50.sandbox.qbo.intuit.com/qbo50{path}");
        Refusal::unsupported(&format!("Could not find resource for relative : {path} of full path: {whole}"))
    };
    let parts: Vec<&str> = below.split('/').collect();
    match (get, parts.as_slice()) {
        (_, ["query"]) => {
            let statement = if get {
                request.param("query").unwrap_or_default()
            } else {
                String::from_utf8_lossy(&request.body).into_owned()
            };
            let list = query::answer(company, &statement, habits)?;
            Ok(Answer::json(Json::object([("QueryResponse", list)])))
        }
        (true, ["cdc"]) => {
            let kinds = request.param("entities").unwrap_or_default();
            let since = request.param("changedSince").unwrap_or_default();
            cdc::answer(company, &kinds, &since, cdc_habits, now).map(Answer::json)
        }
        (true, ["reports", name]) => {
            let params = form(&request.query);
            reports::answer(company, name, &params, now).map(Answer::json)
        }
        (false, ["batch"]) => {
            let body = Json::parse(&request.body).ok_or_else(Refusal::unreadable)?;
            let (mut items, reads, writes) = batch::answer(company, &body, key, habits, now)?;
            company.calls.core_plus += reads;
            company.calls.core += writes;
            if core.hooks.shuffled_batches && items.len() > 1 {
                let by = usize::try_from(shuffle).unwrap_or(1) % items.len();
                items.rotate_left(by.max(1));
            }
            Ok(Answer::json(Json::object([("BatchItemResponse", Json::Arr(items))])))
        }
        (false, ["upload"]) => files::upload(company, request, now).map(Answer::json),
        (true, ["download", id]) => files::download(company, id),
        (true, [name] | [name, _]) if Kind::of_path(name).is_some() => {
            let kind = Kind::of_path(name).ok_or_else(unsupported)?;
            read(company, kind, parts.get(1).copied()).ok_or_else(unsupported)?
        }
        (false, [name]) => {
            let kind = Kind::of_path(name).ok_or_else(unsupported)?;
            let body = Json::parse(&request.body).ok_or_else(Refusal::unreadable)?;
            let param = |name: &str| request.param(name).unwrap_or_default();
            let options = Options { operation: param("operation"), include: param("include"), now };
            let written = write::write(company, kind, &body, &options)?;
            Ok(enveloped(kind, emit::object(company, kind, &written, Place::Single)))
        }
        _ => Err(unsupported()),
    }
}

/// `None` for a path that there is not: only single objects are read without an id.
fn read(company: &Company, kind: Kind, id: Option<&str>) -> Option<Result<Answer, Refusal>> {
    let id = match (id, kind.spec().sort) {
        (Some(_) | None, Sort::Single) => company.all(kind).next()?.object.str_at("Id")?.to_owned(),
        (Some(id), _) => id.to_owned(),
        (None, _) => return None,
    };
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Err(Refusal::bad_id(&id)));
    }
    let found = company.get(kind, &id).ok_or_else(Refusal::not_found);
    Some(found.map(|object| enveloped(kind, emit::object(company, kind, object, Place::Single))))
}

fn enveloped(kind: Kind, object: Json) -> Answer {
    Answer::json(Json::object([(kind.spec().name, object)]))
}

/// Fields that nobody knows, as they turn up in real answers.
fn strange(value: &mut Json) {
    match value {
        Json::Arr(items) => items.iter_mut().for_each(strange),
        Json::Obj(members) => {
            for (_, inner) in members.iter_mut() {
                strange(inner);
            }
            if members.iter().any(|(name, _)| name == "SyncToken") {
                members.push(("CustomExtensions".to_owned(), Json::Arr(Vec::new())));
                let residue = Json::object([("any", Json::Arr(Vec::new()))]);
                members.push(("ObjectEx".to_owned(), residue));
            }
        }
        _ => {}
    }
}
