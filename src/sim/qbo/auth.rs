//! OAuth 2.0: authorisation, tokens, rotation, revocation (contract 1).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::time::{DAY, SECOND};
use super::tree::Json;
use crate::sim::dice::Dice;
use crate::sim::digest::hex;

/// How long an access token lives.
const ACCESS: i64 = 3_600 * SECOND;
/// How long a value of the refresh token lives unused, as most samples say: 101 days.
const REFRESH: i64 = 8_726_400 * SECOND;
/// How long an authorisation lives at most: five years.
const HARD: i64 = 157_680_000 * SECOND;
/// How long a code may be exchanged.
const CODE: i64 = 600 * SECOND;

/// A pair of tokens, as a reply hands it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// For calls, an hour long.
    pub access: String,
    /// For the next pair.
    pub refresh: String,
}

/// One authorisation: this app, one company.
#[derive(Debug)]
struct Grant {
    realm: String,
    born: i64,
    access: Vec<(String, i64)>,
    refresh: String,
    issued: i64,
    alive: bool,
}

#[derive(Debug)]
struct Code {
    realm: String,
    redirect: String,
    until: i64,
}

/// How a token request ends.
pub(crate) enum Outcome {
    /// With tokens.
    Tokens(Json),
    /// With an error: status, error, description.
    Refused(u16, &'static str, &'static str),
}

/// Who may do what.
pub(crate) struct Auth {
    /// The app's id.
    pub(crate) client: String,
    /// The app's secret.
    pub(crate) secret: String,
    grants: Vec<Grant>,
    codes: BTreeMap<String, Code>,
    dice: Dice,
}

impl Auth {
    /// One app, nothing authorised.
    pub(crate) fn new(mut dice: Dice) -> Self {
        let mut word = || hex(&dice.bits().to_be_bytes());
        let (client, secret) = (format!("AB{}{}", word(), word()), format!("{}{}", word(), word()));
        Self { client, secret, grants: Vec::new(), codes: BTreeMap::new(), dice }
    }

    fn word(&mut self, prefix: &str) -> String {
        (0..4).fold(prefix.to_owned(), |text, _| text + &hex(&self.dice.bits().to_be_bytes()))
    }

    /// The code that a person's consent gives.
    pub(crate) fn consent(&mut self, realm: &str, redirect: &str, now: i64) -> String {
        let code = self.word("AB1");
        let held = Code { realm: realm.to_owned(), redirect: redirect.to_owned(), until: now + CODE };
        self.codes.insert(code.clone(), held);
        code
    }

    /// A new authorisation; an older one of the same company ends (contract 1.4).
    pub(crate) fn grant(&mut self, realm: &str, now: i64) -> Tokens {
        self.disconnect(realm);
        let tokens = Tokens { access: self.word("eyJlbmMi"), refresh: self.word("AB11") };
        self.grants.push(Grant {
            realm: realm.to_owned(),
            born: now,
            access: vec![(tokens.access.clone(), now + ACCESS)],
            refresh: tokens.refresh.clone(),
            issued: now,
            alive: true,
        });
        tokens
    }

    /// The authorisation of a company ends, as when a person disconnects the app.
    pub(crate) fn disconnect(&mut self, realm: &str) {
        self.grants.iter_mut().filter(|grant| grant.realm == realm).for_each(|grant| grant.alive = false);
    }

    /// The refresh token of a company gets a new value behind the client's back.
    pub(crate) fn rotate(&mut self, realm: &str, now: i64) {
        let next = self.word("AB11");
        if let Some(grant) = self.grants.iter_mut().find(|grant| grant.realm == realm && grant.alive) {
            grant.refresh = next;
            grant.issued = now;
        }
    }

    /// The company a bearer may enter, if the token is good.
    pub(crate) fn bearer(&self, token: &str, now: i64) -> Option<&str> {
        let good = |grant: &&Grant| {
            grant.alive && grant.access.iter().any(|(access, until)| access == token && now < *until)
        };
        self.grants.iter().find(good).map(|grant| grant.realm.as_str())
    }

    /// Whether the caller is the app: Basic, or id and secret in the form.
    pub(crate) fn is_client(&self, basic: Option<&str>, form: &BTreeMap<String, String>) -> bool {
        let wanted = STANDARD.encode(format!("{}:{}", self.client, self.secret));
        let posted =
            form.get("client_id") == Some(&self.client) && form.get("client_secret") == Some(&self.secret);
        posted || basic.and_then(|basic| basic.strip_prefix("Basic ")) == Some(&wanted)
    }

    /// `POST /oauth2/v1/tokens/bearer` by a known client.
    pub(crate) fn exchange(&mut self, form: &BTreeMap<String, String>, hard: bool, now: i64) -> Outcome {
        let field = |name: &str| form.get(name).map(String::as_str);
        match field("grant_type") {
            Some("authorization_code") => {
                let Some(code) = field("code").and_then(|code| self.codes.remove(code)) else {
                    return Outcome::Refused(400, "invalid_grant", "Token invalid");
                };
                if now >= code.until || field("redirect_uri") != Some(&code.redirect) {
                    return Outcome::Refused(400, "invalid_grant", "Token invalid");
                }
                let tokens = self.grant(&code.realm, now);
                Outcome::Tokens(told(&tokens, REFRESH / SECOND, hard.then_some(HARD / SECOND)))
            }
            Some("refresh_token") => self.refresh(field("refresh_token").unwrap_or_default(), hard, now),
            Some(_) => Outcome::Refused(400, "unsupported_grant_type", "Unsupported grant type"),
            None => Outcome::Refused(400, "invalid_request", "Missing grant type"),
        }
    }

    /// The same value within a day, a new one after that; the old one is dead then (contract 1.4).
    fn refresh(&mut self, token: &str, hard: bool, now: i64) -> Outcome {
        let (access, next) = (self.word("eyJlbmMi"), self.word("AB11"));
        let grant = self.grants.iter_mut().find(|grant| grant.alive && grant.refresh == token);
        let Some(grant) = grant.filter(|grant| now < grant.issued + REFRESH && now < grant.born + HARD)
        else {
            return Outcome::Refused(400, "invalid_grant", "Incorrect or invalid refresh token");
        };
        if now >= grant.issued + DAY {
            grant.refresh = next;
            grant.issued = now;
        }
        grant.access.retain(|(_, until)| now < *until);
        grant.access.push((access.clone(), now + ACCESS));
        let left = (grant.issued + REFRESH - now) / SECOND;
        let tokens = Tokens { access, refresh: grant.refresh.clone() };
        Outcome::Tokens(told(&tokens, left, hard.then_some((grant.born + HARD - now) / SECOND)))
    }

    /// Revoking either token ends the authorisation; false for a token that is none.
    pub(crate) fn revoke(&mut self, token: &str) -> bool {
        let owns = |grant: &&mut Grant| {
            grant.alive && (grant.refresh == token || grant.access.iter().any(|(access, _)| access == token))
        };
        let found = self.grants.iter_mut().find(owns);
        found.is_some_and(|grant| {
            grant.alive = false;
            true
        })
    }
}

fn told(tokens: &Tokens, refresh_left: i64, hard_left: Option<i64>) -> Json {
    let mut body = Json::object([
        ("x_refresh_token_expires_in", Json::int(refresh_left)),
        ("refresh_token", Json::text(&*tokens.refresh)),
        ("access_token", Json::text(&*tokens.access)),
        ("token_type", Json::text("bearer")),
        ("expires_in", Json::int(ACCESS / SECOND)),
    ]);
    if let Some(left) = hard_left {
        body.set("x_refresh_token_hard_expires_in", Json::int(left));
    }
    body
}
