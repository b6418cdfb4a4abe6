//! Connecting a company and keeping its tokens: the requests and what their replies mean (contract 1). What is done with
//! them is for `ground/books/custody.rs`.

use ::http::{Request, Response, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::ground::books::consent::{Door, encoded};
use crate::ground::books::custody::{Answer, Pair, Secret};
use crate::ground::time::Instant;
use crate::rails::TransportError;

/// How long an access token lives if the reply does not say (contract 1.3).
const ACCESS_SECONDS: i64 = 3_600;

/// Where the token server is: the same for test companies and real ones (contract 1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// Where a person says yes.
    pub authorise: String,
    /// Where codes and tokens are exchanged.
    pub token: String,
    /// Where a token is given back.
    pub revoke: String,
}

impl Default for Hosts {
    fn default() -> Self {
        Self {
            authorise: "https://appcenter.intuit.com/connect/oauth2".into(),
            token: "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer".into(),
            revoke: "https://developer.api.intuit.com/v2/oauth2/tokens/revoke".into(),
        }
    }
}

/// The operator's own app at Intuit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// Where a person comes back to; registered there, byte for byte.
    pub redirect: String,
    /// The addresses of the token server.
    pub hosts: Hosts,
}

/// What the token server said to a code or to a token given back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotConnected {
    /// The code was used before, or has ended.
    #[error("the consent has ended or was used before; connect the company again")]
    CodeRefused,
    /// The app's id or secret is wrong.
    #[error("Intuit does not accept the app's id or secret")]
    AppRefused,
    /// No complete answer.
    #[error("the token server gave no complete answer; connect the company again")]
    NoAnswer,
}

impl App {
    /// Where to send a person. `state` is random, stored before, and good for one return.
    pub fn authorise_address(&self, state: &str) -> String {
        self.door().address(state)
    }

    /// What stands in that address.
    pub fn door(&self) -> Door {
        let (authorise, client_id) = (self.hosts.authorise.clone(), self.client_id.clone());
        Door { authorise, client_id, redirect: self.redirect.clone() }
    }

    /// Exchanges a code.
    pub fn exchange(&self, code: &Secret) -> Result<Request<Bytes>, ::http::Error> {
        let (code, redirect) = (encoded(code.reveal()), encoded(&self.redirect));
        self.token_request(format!("grant_type=authorization_code&code={code}&redirect_uri={redirect}"))
    }

    /// Exchanges a refresh token.
    pub fn refresh(&self, refresh: &Secret) -> Result<Request<Bytes>, ::http::Error> {
        self.token_request(format!("grant_type=refresh_token&refresh_token={}", encoded(refresh.reveal())))
    }

    /// Gives a token back; either one ends both.
    pub fn revoke(&self, token: &Secret) -> Result<Request<Bytes>, ::http::Error> {
        let body = serde_json::json!({ "token": token.reveal() }).to_string();
        self.request(&self.hosts.revoke, "application/json", body)
    }

    fn token_request(&self, body: String) -> Result<Request<Bytes>, ::http::Error> {
        self.request(&self.hosts.token, "application/x-www-form-urlencoded", body)
    }

    fn request(&self, address: &str, media: &str, body: String) -> Result<Request<Bytes>, ::http::Error> {
        let pass = STANDARD.encode(format!("{}:{}", self.client_id, self.client_secret.reveal()));
        Request::post(address)
            .header(header::AUTHORIZATION, format!("Basic {pass}"))
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, media)
            .body(Bytes::from(body))
    }
}

#[derive(Deserialize)]
struct Tokens {
    access_token: Option<String>,
    refresh_token: Option<String>,
    #[serde(default)]
    expires_in: Option<Box<RawValue>>,
    #[serde(default)]
    x_refresh_token_expires_in: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// What the token server said to a refresh. A reply that lacks either token is none: what is stored stays (contract 1.5).
pub fn answer(reply: Result<Response<Bytes>, TransportError>, now: Instant) -> Answer {
    let Ok(reply) = reply else { return Answer::NoAnswer };
    if reply.status().is_success() {
        return pair(reply.body(), now).map_or(Answer::NoAnswer, Answer::Pair);
    }
    match serde_json::from_slice::<Refusal>(reply.body()) {
        Ok(refusal) if refusal.error == "invalid_grant" => Answer::InvalidGrant,
        Ok(refusal) if refusal.error == "invalid_client" => Answer::InvalidClient,
        _ => Answer::NoAnswer,
    }
}

/// What it said to a code.
pub fn exchanged(reply: Result<Response<Bytes>, TransportError>, now: Instant) -> Result<Pair, NotConnected> {
    match answer(reply, now) {
        Answer::Pair(pair) => Ok(pair),
        Answer::InvalidGrant => Err(NotConnected::CodeRefused),
        Answer::InvalidClient => Err(NotConnected::AppRefused),
        Answer::NoAnswer => Err(NotConnected::NoAnswer),
    }
}

fn pair(body: &[u8], now: Instant) -> Option<Pair> {
    let tokens: Tokens = serde_json::from_slice(body).ok()?;
    let seconds = |told: Option<Box<RawValue>>| -> Option<i64> { told?.get().trim_matches('"').parse().ok() };
    let after = |seconds: i64| now.plus_millis(seconds.saturating_mul(1_000));
    Some(Pair {
        access: Secret::new(&tokens.access_token?)?,
        access_until: after(seconds(tokens.expires_in).unwrap_or(ACCESS_SECONDS)),
        refresh: Secret::new(&tokens.refresh_token?)?,
        refresh_until: seconds(tokens.x_refresh_token_expires_in).map(after),
        received_at: now,
    })
}
