//! Who is asking, and whether they may: the one place that makes a [`Viewer`].

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};

use super::problem::Problem;
use super::{Face, RequestId};
use crate::desk::Asked;
use crate::ground::access::{Caller, Right, Viewer};
use crate::ground::id::UserId;
use crate::store::{Snapshot, StoreError};

/// The session cookie.
pub(super) const COOKIE: &str = "almoner_session";

/// Somebody who was authenticated.
#[derive(Clone, Debug)]
pub struct Known {
    /// Who asks, in which request.
    pub asked: Asked,
    /// What they may see.
    pub viewer: Viewer,
}

impl Known {
    /// The store as they may see it.
    pub fn snapshot(&self, face: &Face) -> Result<Snapshot, StoreError> {
        Snapshot::for_viewer(&face.desk.store, &self.viewer)
    }

    /// The user who asks; none when it is a program.
    pub fn user(&self) -> Option<UserId> {
        match &self.asked.caller {
            Caller::User(user) => Some(user.id),
            Caller::Token(_) | Caller::Operator(_) => None,
        }
    }
}

/// What a route asks of whoever calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing: sign-in, health, and what proves itself in another way (a webhook by its signature).
    Nothing,
    /// Somebody who is known, whatever they may do.
    Known,
    /// Somebody with this right.
    Right(Right),
}

/// Lets a request through to its handler when the caller has what the route needs, and tells the handler who it is. It
/// stands before the body is read.
pub(super) async fn guard(
    State((face, need)): State<(Face, Need)>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let request_id = RequestId::of(&parts.extensions);
    let caller = admitted(&parts, &face, need).map_err(|problem| problem.with_request(&request_id))?;
    let viewer = Viewer::authenticated(caller.clone());
    parts.extensions.insert(Known { asked: Asked { caller, request_id }, viewer });
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// Who asks, when they have what the route needs.
fn admitted(parts: &Parts, face: &Face, need: Need) -> Result<Caller, Problem> {
    let caller = caller(parts, face)?;
    match need {
        Need::Right(right) if !caller.may(right) => Err(forbidden(&caller, right)),
        Need::Nothing | Need::Known | Need::Right(_) => Ok(caller),
    }
}

fn forbidden(caller: &Caller, right: Right) -> Problem {
    let (doing, scope) = (right.doing(), right.scope().word());
    let text = match caller {
        Caller::User(user) => {
            format!("Your role, {}, may not {doing}. Ask an admin for another role.", user.role.word())
        }
        Caller::Token(_) => {
            format!("This token may not {doing}. Ask an admin for a token with the scope {scope}.")
        }
        Caller::Operator(_) => format!("Nobody at the command line may {doing} here."),
    };
    Problem::new(StatusCode::FORBIDDEN, text)
}

impl<S: Sync> FromRequestParts<S> for Known {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // A handler behind no guard knows nobody.
        parts.extensions.get::<Self>().cloned().ok_or_else(missing)
    }
}

/// What a request proves itself with.
#[derive(Clone)]
pub(super) enum Credential {
    Session(String),
    Token(String),
}

impl Credential {
    /// The credential of a request; a header goes before a cookie.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        match headers.get(header::AUTHORIZATION) {
            Some(value) => {
                let token = value.to_str().ok()?.strip_prefix("Bearer ")?;
                Some(Self::Token(token.trim().to_owned()))
            }
            None => cookie(headers).map(Self::Session),
        }
    }

    fn caller(&self, face: &Face) -> Result<Option<Caller>, StoreError> {
        match self {
            Self::Session(secret) => face.desk.session_caller(secret),
            Self::Token(secret) => face.desk.token_caller(secret),
        }
    }

    /// Whether it still proves somebody with this right.
    pub(super) fn holds(&self, face: &Face, right: Right) -> bool {
        self.caller(face).is_ok_and(|caller| caller.is_some_and(|caller| caller.may(right)))
    }
}

fn missing() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "Missing authentication token")
}

fn caller(parts: &Parts, face: &Face) -> Result<Caller, Problem> {
    let expired = || {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "Your session is over or the token is not valid. Sign in again.",
        )
    };
    let credential = Credential::of(&parts.headers).ok_or_else(missing)?;
    if matches!(credential, Credential::Session(_)) && !parts.method.is_safe() {
        same_origin(parts)?;
    }
    credential.caller(face)?.ok_or_else(expired)
}

/// The session's secret from the cookie.
pub(super) fn cookie(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value.to_owned())
}

/// A cookie travels with requests that other sites cause; those must not change anything.
pub(super) fn same_origin(parts: &Parts) -> Result<(), Problem> {
    let header = |name| parts.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let foreign = match header("sec-fetch-site") {
        Some(site) => !matches!(site, "same-origin" | "none"),
        None => match (header("origin"), header("host")) {
            (Some(origin), Some(host)) => origin.split_once("://").map(|(_, rest)| rest) != Some(host),
            // Neither header: no browser sent this.
            _ => false,
        },
    };
    if foreign && parts.method != Method::GET {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "This request came from another site and was refused. Open Almoner itself and try again.",
        ));
    }
    Ok(())
}

/// `Set-Cookie` for a session. `Secure` where the connection is.
pub(super) fn set_cookie(session: &str, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200{secure}")
}

/// `Set-Cookie` that ends a session.
pub(super) fn clear_cookie() -> String {
    format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let mut builder = http::Request::builder().method(Method::POST).uri("/");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_cookie_from_another_site_changes_nothing() {
        for (headers, allowed) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("origin", "http://evil.example"), ("host", "a.example")], false),
            (&[("origin", "https://a.example"), ("host", "a.example")], true),
            (&[("origin", "null"), ("host", "a.example")], false),
            (&[], true),
        ] {
            assert_eq!(same_origin(&parts(headers)).is_ok(), allowed, "{headers:?}");
        }
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let parts = parts(&[("cookie", "a=b; almoner_session=xyz; c=d")]);
        assert_eq!(cookie(&parts.headers).as_deref(), Some("xyz"));
    }
}
