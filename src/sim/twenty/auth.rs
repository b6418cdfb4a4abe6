//! Who asks: API keys with their roles, people with a session, and the authentication middleware.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::core::Core;
use super::error::Refusal;
use crate::sim::dice::Dice;
use crate::sim::json::Json;

/// Name of the API key the server starts with, as it signs what it writes.
pub(crate) const KEY_NAME: &str = "Almoner";
/// How long a session lasts, in microseconds.
const SESSION: i64 = 30 * 60 * 1_000_000;
/// A hundred years, the life of a key that was given no end.
const CENTURY: i64 = 36_500 * super::time::DAY;

/// State of the API key the server starts with.
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

/// What a role lets one do.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the real server's own description")]
#[derive(Clone, Debug)]
pub(crate) struct Role {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name.
    pub(crate) label: String,
    /// Read records.
    pub(crate) read: bool,
    /// Create and change records.
    pub(crate) update: bool,
    /// Put records into the bin and take them out.
    pub(crate) soft_delete: bool,
    /// Destroy records.
    pub(crate) destroy: bool,
    /// Change the data model, webhooks and keys.
    pub(crate) settings: bool,
    /// Be the role of an API key.
    pub(crate) for_keys: bool,
}

/// One API key.
#[derive(Clone, Debug)]
pub(crate) struct ApiKey {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name, with which it signs.
    pub(crate) name: String,
    /// Its role, by place.
    pub(crate) role: usize,
    /// Its tokens with the day each of them ends.
    pub(crate) tokens: Vec<(String, i64)>,
    /// The day it ends.
    pub(crate) expires_at: i64,
    /// When it was revoked.
    pub(crate) revoked_at: Option<i64>,
    /// When it was made.
    pub(crate) created_at: i64,
}

/// One person signed in.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    token: String,
    member: Uuid,
    name: String,
    role: usize,
    expires_at: i64,
}

/// Who is asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// An API key, by place.
    Key(usize),
    /// A person, by the place of the session.
    Person(usize),
}

/// Keys, roles and sessions of a workspace.
pub(crate) struct Access {
    /// The roles; the first is the administrator's, the second a member's.
    pub(crate) roles: Vec<Role>,
    /// The keys; the first is the one the server starts with.
    pub(crate) keys: Vec<ApiKey>,
    sessions: Vec<Session>,
    logins: Vec<(String, Uuid)>,
    /// Who sent the request that is being answered.
    pub(crate) asking: Who,
    dice: Dice,
}

impl Access {
    /// The access of a new workspace: two roles and one key.
    pub(crate) fn new(seed: u64, now: i64) -> Self {
        const PURPOSE: u64 = 6;
        let mut dice = Dice::new(seed, PURPOSE);
        let role = |id: Uuid, label: &str, settings: bool| Role {
            id,
            label: label.to_owned(),
            read: true,
            update: true,
            soft_delete: true,
            destroy: true,
            settings,
            for_keys: settings,
        };
        let roles = vec![role(dice.uuid(), "Admin", true), role(dice.uuid(), "Member", false)];
        let key = ApiKey {
            id: dice.uuid(),
            name: KEY_NAME.to_owned(),
            role: 0,
            tokens: vec![(token(seed), now.saturating_add(CENTURY))],
            expires_at: now.saturating_add(CENTURY),
            revoked_at: None,
            created_at: now,
        };
        Self { roles, keys: vec![key], sessions: Vec::new(), logins: Vec::new(), asking: Who::Key(0), dice }
    }

    /// The role of whoever asks.
    pub(crate) fn role(&self) -> Option<&Role> {
        let role = match self.asking {
            Who::Key(at) => self.keys.get(at)?.role,
            Who::Person(at) => self.sessions.get(at)?.role,
        };
        self.roles.get(role)
    }

    /// The signature of whoever asks.
    pub(crate) fn actor(&self) -> Json {
        let (source, member, name, context) = match self.asking {
            Who::Key(at) => {
                let name = self.keys.get(at).map_or(KEY_NAME, |key| &key.name);
                ("API", Json::Null, name, Json::Obj(Vec::new()))
            }
            Who::Person(at) => {
                let session = self.sessions.get(at);
                let member = session.map_or(Json::Null, |session| Json::text(session.member.to_string()));
                ("MANUAL", member, session.map_or("", |session| &session.name), Json::Null)
            }
        };
        Json::object([
            ("source", Json::text(source)),
            ("workspaceMemberId", member),
            ("name", Json::text(name)),
            ("context", context),
        ])
    }

    /// Adds a key without a token.
    pub(crate) fn add_key(&mut self, name: &str, role: usize, expires_at: i64, now: i64) -> Uuid {
        let id = self.dice.uuid();
        self.keys.push(ApiKey {
            id,
            name: name.to_owned(),
            role,
            tokens: Vec::new(),
            expires_at,
            revoked_at: None,
            created_at: now,
        });
        id
    }

    /// A new token of a key.
    pub(crate) fn add_token(&mut self, key: usize, expires_at: i64) -> Option<String> {
        let token = signed(&mut self.dice, "API_KEY");
        self.keys.get_mut(key)?.tokens.push((token.clone(), expires_at));
        Some(token)
    }

    /// Adds a role.
    pub(crate) fn add_role(&mut self, label: &str, allowed: impl Fn(&str) -> bool) -> Uuid {
        let id = self.dice.uuid();
        self.roles.push(Role {
            id,
            label: label.to_owned(),
            read: allowed("canReadAllObjectRecords"),
            update: allowed("canUpdateAllObjectRecords"),
            soft_delete: allowed("canSoftDeleteAllObjectRecords"),
            destroy: allowed("canDestroyAllObjectRecords"),
            settings: allowed("canUpdateAllSettings"),
            for_keys: allowed("canBeAssignedToApiKeys"),
        });
        id
    }

    /// Signs a person in; the token and when it ends.
    pub(crate) fn sign_in(&mut self, member: Uuid, name: String, admin: bool, now: i64) -> (String, i64) {
        let token = signed(&mut self.dice, "ACCESS");
        let expires_at = now.saturating_add(SESSION);
        let role = usize::from(!admin);
        self.sessions.push(Session { token: token.clone(), member, name, role, expires_at });
        (token, expires_at)
    }

    /// A token between two steps of signing in.
    pub(crate) fn login_token(&mut self, member: Uuid) -> String {
        let token = signed(&mut self.dice, "LOGIN");
        self.logins.push((token.clone(), member));
        token
    }

    /// The member of such a token.
    pub(crate) fn logged_in(&self, token: &str) -> Option<Uuid> {
        self.logins.iter().find(|(own, _)| own == token).map(|(_, member)| *member)
    }
}

/// The token of the key the server starts with.
pub(crate) fn token(seed: u64) -> String {
    const PURPOSE: u64 = 3;
    signed(&mut Dice::new(seed, PURPOSE), "API_KEY")
}

/// A JSON web token in shape.
fn signed(dice: &mut Dice, kind: &str) -> String {
    let workspace = dice.uuid().to_string();
    let header = Json::object([
        ("alg", Json::text("ES256")),
        ("typ", Json::text("JWT")),
        ("kid", Json::text(dice.uuid().to_string())),
    ]);
    let payload = Json::object([
        ("sub", Json::text(workspace.clone())),
        ("type", Json::text(kind)),
        ("workspaceId", Json::text(workspace)),
        ("iat", Json::int(1_763_800_000)),
        ("exp", Json::int(4_919_473_600)),
        ("jti", Json::text(dice.uuid().to_string())),
    ]);
    let signature: Vec<u8> = (0..8).flat_map(|_| dice.bits().to_be_bytes()).collect();
    let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_text());
    format!("{}.{}.{}", part(&header), part(&payload), URL_SAFE_NO_PAD.encode(signature))
}

/// The bearer of a header; other schemes count as none.
fn bearer(header: Option<&str>) -> &str {
    let parts = header.and_then(|value| value.split_once(' '));
    let bearer = parts.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    bearer.map(|(_, token)| token.trim()).unwrap_or_default()
}

/// Lets a request pass, and notes who sent it, or says why not.
pub(crate) fn check(core: &mut Core, header: Option<&str>) -> Result<(), Refusal> {
    let bearer = bearer(header);
    if bearer.is_empty() {
        return Err(Refusal::auth(403, "FORBIDDEN_EXCEPTION", "Missing authentication token"));
    }
    let now = core.now();
    let expired = || Refusal::auth(401, "UNAUTHENTICATED", "Token has expired.");
    let access = &core.access;
    if let Some(at) = access.sessions.iter().position(|session| session.token == bearer) {
        let live = access.sessions.get(at).is_some_and(|session| session.expires_at > now);
        core.access.asking = Who::Person(at);
        return if live { Ok(()) } else { Err(expired()) };
    }
    let owner = access.keys.iter().enumerate().find_map(|(at, key)| {
        let (_, ends) = key.tokens.iter().find(|(token, _)| token == bearer)?;
        Some((at, *ends, key))
    });
    let Some((at, ends, key)) = owner else {
        return Err(Refusal::auth(401, "UNAUTHENTICATED", "Token invalid."));
    };
    let state = if at == 0 { core.key_state } else { KeyState::Live };
    if state == KeyState::Expired || ends <= now {
        return Err(expired());
    }
    if state == KeyState::Revoked || key.revoked_at.is_some() {
        return Err(Refusal::auth(403, "FORBIDDEN_EXCEPTION", "This API Key is revoked"));
    }
    if key.expires_at <= now {
        return Err(Refusal::auth(403, "FORBIDDEN_EXCEPTION", "This API Key is expired"));
    }
    core.access.asking = Who::Key(at);
    Ok(())
}

/// Refuses what the role of whoever asks does not allow.
pub(crate) fn allow(core: &Core, what: impl Fn(&Role) -> bool) -> Result<(), Refusal> {
    if core.access.role().is_some_and(what) {
        return Ok(());
    }
    Err(Refusal::coded("PERMISSION_DENIED", "Entity performing the request does not have permission"))
}
