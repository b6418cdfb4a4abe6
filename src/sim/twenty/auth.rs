//! The API key and the authentication middleware.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::Refusal;
use crate::sim::dice::Dice;
use crate::sim::json::Json;

/// State of the one API key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyState {
    /// It works.
    #[default]
    Live,
    /// It was revoked.
    Revoked,
    /// Its day has passed.
    Expired,
}

/// The key's token: a JSON web token in shape, made from the seed.
pub(crate) fn token(seed: u64) -> String {
    const PURPOSE: u64 = 3;
    let mut dice = Dice::new(seed, PURPOSE);
    let workspace = dice.uuid().to_string();
    let header = Json::object([
        ("alg", Json::text("ES256")),
        ("typ", Json::text("JWT")),
        ("kid", Json::text(dice.uuid().to_string())),
    ]);
    let payload = Json::object([
        ("sub", Json::text(workspace.clone())),
        ("type", Json::text("API_KEY")),
        ("workspaceId", Json::text(workspace)),
        ("iat", Json::int(1_763_800_000)),
        ("exp", Json::int(4_919_473_600)),
        ("jti", Json::text(dice.uuid().to_string())),
    ]);
    let signature: Vec<u8> = (0..8).flat_map(|_| dice.bits().to_be_bytes()).collect();
    let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_text());
    format!("{}.{}.{}", part(&header), part(&payload), URL_SAFE_NO_PAD.encode(signature))
}

/// Lets a request pass or says why not.
pub(crate) fn check(header: Option<&str>, token: &str, state: KeyState) -> Result<(), Refusal> {
    let bearer = header.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim).unwrap_or_default();
    if bearer.is_empty() {
        return Err(Refusal::auth(403, "FORBIDDEN_EXCEPTION", "Missing authentication token"));
    }
    if bearer != token {
        return Err(Refusal::auth(401, "UNAUTHENTICATED", "Token invalid."));
    }
    match state {
        KeyState::Live => Ok(()),
        KeyState::Revoked => Err(Refusal::auth(403, "FORBIDDEN_EXCEPTION", "This API Key is revoked")),
        KeyState::Expired => Err(Refusal::auth(401, "UNAUTHENTICATED", "Token has expired.")),
    }
}
