//! API keys over REST: readable with a key, made by people only.

use http::Method;

use super::Call;
use super::describe::id_of;
use crate::sim::json::Json;
use crate::sim::twenty::api::Answer;
use crate::sim::twenty::auth::{self, ApiKey};
use crate::sim::twenty::core::Core;
use crate::sim::twenty::error::Refusal;
use crate::sim::twenty::time::to_iso;

/// Answers a call about API keys.
pub(crate) fn rest(core: &mut Core, call: &Call<'_>, id: Option<&str>) -> Result<Answer, Refusal> {
    auth::allow(core, |role| role.settings)?;
    let shown = |core: &Core, key: &ApiKey| show(core, key);
    match (call.method, id) {
        (&Method::GET | &Method::HEAD, None) => {
            let keys = core.access.keys.iter().map(|key| shown(core, key)).collect();
            Ok(Answer::ok(200, Json::Arr(keys)))
        }
        (&Method::GET | &Method::HEAD, Some(id)) => {
            let found = core.access.keys.iter().find(|key| key.id.to_string() == id);
            Ok(found.map_or_else(|| Answer::empty(200), |key| Answer::ok(200, shown(core, key))))
        }
        (&Method::POST, None) | (&Method::PATCH | &Method::DELETE, Some(_)) => {
            Err(Refusal::coded("FORBIDDEN_EXCEPTION", "This endpoint requires a session access token"))
        }
        _ => Err(super::no_route(call)),
    }
}

fn show(core: &Core, key: &ApiKey) -> Json {
    let made = || Json::text(to_iso(key.created_at));
    Json::object([
        ("workspaceId", Json::text(id_of(core, "workspace"))),
        ("id", Json::text(key.id.to_string())),
        ("name", Json::text(key.name.clone())),
        ("expiresAt", Json::text(to_iso(key.expires_at))),
        ("revokedAt", key.revoked_at.map_or(Json::Null, |at| Json::text(to_iso(at)))),
        ("createdAt", made()),
        ("updatedAt", made()),
    ])
}
