//! Sessions and API tokens.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::{Known, clear_cookie, cookie, same_origin, set_cookie};
use super::body::Reader;
use super::params::NoParams;
use super::problem::Problem;
use super::{Face, known_id};
use crate::desk::Refusal;
use crate::ground::access::{Caller, Right, Scope, Token};
use crate::ground::id::{ConnectionId, Object, TokenId};
use crate::ground::journal::SubjectState;
use crate::ground::time::Instant;

/// Wrong passwords for one address within the window before it is slowed down.
const FAILURES_MAX: usize = 10;
const WINDOW_MS: i64 = 5 * 60 * 1_000;
/// Addresses remembered at most; the oldest are forgotten.
const ADDRESSES_MAX: usize = 10_000;
/// Longest e-mail address (RFC 5321) and longest password that are looked at.
const EMAIL_MAX: usize = 254;
const PASSWORD_BYTES_MAX: usize = 1_024;
/// Tokens listed at most.
const TOKENS_MAX: usize = 500;

/// Counts wrong passwords by address, in memory.
#[derive(Default)]
pub(super) struct LoginGuard(Mutex<BTreeMap<String, Vec<Instant>>>);

impl LoginGuard {
    /// Counts an attempt of this address as failed until it worked; false when there were too many. Counted before the
    /// password is looked at, so that a burst in parallel is counted too.
    fn attempt(&self, email: &str, now: Instant) -> bool {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= ADDRESSES_MAX && !failures.contains_key(email) {
            // The address that has been quiet for longest makes room.
            let quietest = failures
                .iter()
                .min_by_key(|(_, times)| times.last().copied())
                .map(|(email, _)| email.clone());
            quietest.map(|email| failures.remove(&email));
        }
        let times = failures.entry(email.to_owned()).or_default();
        times.retain(|at| now.micros_since(*at) < WINDOW_MS * 1_000);
        let may_try = times.len() < FAILURES_MAX;
        if may_try {
            times.push(now);
        }
        may_try
    }

    fn worked(&self, email: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(email);
    }
}

/// Who is signed in, and where.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    user: CallerView,
    /// What they may do: words such as `take_in` and `process`.
    rights: Vec<&'static str>,
    demo: bool,
    version: &'static str,
    organisation: String,
    time_zone: String,
}

/// A user, or the token that acts.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallerView {
    id: String,
    name: String,
    email: Option<String>,
    role: &'static str,
}

fn session_view(face: &Face, caller: &Caller) -> SessionView {
    let user = match caller {
        Caller::User(user) => CallerView {
            id: user.id.to_string(),
            name: user.name.clone(),
            email: Some(user.email.clone()),
            role: user.role.word(),
        },
        Caller::Token(token) => {
            CallerView { id: token.id.to_string(), name: token.name.clone(), email: None, role: "token" }
        }
        Caller::Operator(uid) => {
            CallerView { id: uid.to_string(), name: "operator".into(), email: None, role: "operator" }
        }
    };
    SessionView {
        user,
        rights: caller.rights().map(Right::word).collect(),
        demo: face.info.demo,
        version: env!("CARGO_PKG_VERSION"),
        organisation: face.info.organisation.clone(),
        time_zone: face.desk.zone.name().to_owned(),
    }
}

/// Checks a password, slowly when it was wrong too often. Answers the session's secret.
pub(super) async fn check_password(face: &Face, email: &str, password: String) -> Result<String, Problem> {
    let (email, now) = (email.trim().to_lowercase(), face.desk.world.now());
    if email.len() > EMAIL_MAX || password.len() > PASSWORD_BYTES_MAX {
        return Err(Refusal::WrongLogin.into());
    }
    if !face.guard.attempt(&email, now) {
        return Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many wrong passwords for this address. Wait five minutes and try again.",
        ));
    }
    // Hashing takes 19 MB each: two at a time, the others wait.
    let _turn = face.hashing.acquire().await.map_err(|_| Problem::from(Refusal::WrongLogin))?;
    let session = face.desk.sign_in(&email, password).await?;
    face.guard.worked(&email);
    Ok(session)
}

pub(super) fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/session", tag = "Session", responses((status = 200, body = SessionView), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn show(State(face): State<Face>, known: Known, _: NoParams) -> Json<SessionView> {
    Json(session_view(&face, &known.asked.caller))
}

/// Signs in.
#[utoipa::path(post, path = "/api/session", tag = "Session", request_body = Object, security(()),
    responses((status = 200, body = SessionView), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 413, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn sign_in(
    State(face): State<Face>,
    parts: Parts,
    bytes: Bytes,
) -> Result<Response, Problem> {
    same_origin(&parts)?;
    let mut body = Reader::new(&bytes)?;
    let given = body.text("email").zip(body.text("password"));
    if given.is_none() {
        body.wrong("email", "Send email and password.");
    }
    let (email, password) = body.finish(given)?;
    let session = check_password(&face, &email, password).await?;
    let caller = face.desk.session_caller(&session)?.ok_or_else(|| Problem::from(Refusal::WrongLogin))?;
    let response = Json(session_view(&face, &caller)).into_response();
    Ok(with_cookie(response, &set_cookie(&session, face.info.secure_cookies)))
}

/// Signs out.
#[utoipa::path(delete, path = "/api/session", tag = "Session", responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn sign_out(
    State(face): State<Face>,
    _: Known,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(session) = cookie(&headers) {
        face.desk.sign_out(&session).await?;
    }
    Ok(with_cookie(StatusCode::NO_CONTENT.into_response(), &clear_cookie()))
}

/// An API token without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenView {
    id: String,
    name: String,
    scopes: Vec<&'static str>,
    created_at: String,
}

impl From<Token> for TokenView {
    fn from(token: Token) -> Self {
        let scopes = token.scopes.iter().map(|scope| scope.word()).collect();
        Self { id: token.id.to_string(), name: token.name, scopes, created_at: token.created_at.to_string() }
    }
}

/// The tokens that work.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenList {
    data: Vec<TokenView>,
}

/// A new token with its secret, shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewToken {
    id: String,
    name: String,
    scopes: Vec<&'static str>,
    token: String,
}

/// The tokens that work, newest first.
#[utoipa::path(get, path = "/api/tokens", tag = "Session", responses((status = 200, body = TokenList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn tokens(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
) -> Result<Json<TokenList>, Problem> {
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let page = ledger.newest(ConnectionId::HERE, Object::Token, SubjectState::Live, None, TOKENS_MAX)?;
    let mut data = Vec::new();
    for record in page.items {
        let token = record
            .key
            .uuid()
            .map(|id| ledger.token(TokenId(id)))
            .transpose()?
            .flatten()
            .map(|record| record.value);
        data.extend(token.filter(|token| !token.revoked).map(TokenView::from));
    }
    Ok(Json(TokenList { data }))
}

/// Makes a token.
#[utoipa::path(post, path = "/api/tokens", tag = "Session", request_body = Object,
    responses((status = 201, body = NewToken), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn create_token(
    State(face): State<Face>,
    known: Known,
    bytes: Bytes,
) -> Result<(StatusCode, Json<NewToken>), Problem> {
    let mut body = Reader::new(&bytes)?;
    let name = body.text("name").unwrap_or_default();
    let words = body.words("scopes");
    let scopes: Option<Vec<Scope>> = words.iter().map(|word| Scope::from_word(word)).collect();
    if scopes.is_none() {
        let known: Vec<&str> = Scope::ALL.iter().map(|scope| scope.word()).collect();
        body.wrong("scopes", format!("scopes takes {}.", known.join(", ")));
    }
    let scopes = body.finish(scopes)?;
    let (id, token) = face.desk.create_token(&known.asked, name.clone(), scopes.clone()).await?;
    let scopes = scopes.iter().map(|scope| scope.word()).collect();
    Ok((StatusCode::CREATED, Json(NewToken { id: id.to_string(), name, scopes, token })))
}

/// Takes a token back.
#[utoipa::path(delete, path = "/api/tokens/{id}", tag = "Session", params(("id" = String, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn revoke_token(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    face.desk.revoke_token(&known.asked, known_id(&id, "token")?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_is_slowed_down_and_forgiven_after_a_while() {
        let guard = LoginGuard::default();
        for i in 0..10 {
            assert!(guard.attempt("a@b.org", Instant(i)));
        }
        assert!(!guard.attempt("a@b.org", Instant(11)));
        assert!(guard.attempt("other@b.org", Instant(11)));
        assert!(guard.attempt("a@b.org", Instant(WINDOW_MS * 1_000 + 5)));
        guard.worked("other@b.org");
        for i in 0..10 {
            assert!(guard.attempt("other@b.org", Instant(20 + i)), "an address that worked begins anew");
        }
    }
}
