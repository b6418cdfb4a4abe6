//! `/metadata`: signing in, roles and API keys.

use uuid::Uuid;

use super::Problem;
use super::parse::Field;
use crate::sim::json::Json;
use crate::sim::twenty::auth::{self, Who};
use crate::sim::twenty::core::Core;
use crate::sim::twenty::schema::Object;
use crate::sim::twenty::store::Row;
use crate::sim::twenty::time::{parse_instant, to_iso};

/// True for the calls one makes before one is signed in.
pub(crate) fn is_open(name: &str) -> bool {
    matches!(name, "getLoginTokenFromCredentials" | "getAuthTokensFromLoginToken" | "__typename")
}

/// Answers a call of this module; `None` when it is none.
pub(crate) fn resolve(core: &mut Core, field: &Field) -> Option<Result<Json, Problem>> {
    Some(match field.name.as_str() {
        "getLoginTokenFromCredentials" => login(core, field),
        "getAuthTokensFromLoginToken" => Ok(session(core, field)),
        "getRoles" => roles(core),
        "createOneRole" => create_role(core, field),
        "apiKeys" => allowed(core).map(|()| keys(core)),
        "apiKey" => allowed(core).map(|()| key_of(core, field).unwrap_or_default()),
        "createApiKey" => create_key(core, field),
        "generateApiKeyToken" => key_token(core, field),
        "revokeApiKey" => revoke(core, field),
        _ => return None,
    })
}

fn allowed(core: &Core) -> Result<(), Problem> {
    Ok(auth::allow(core, |role| role.settings)?)
}

/// Keys are made by people; a key may not make another one.
fn allowed_person(core: &Core) -> Result<(), Problem> {
    allowed(core)?;
    if matches!(core.access.asking, Who::Person(_)) {
        return Ok(());
    }
    let message = "This endpoint requires a session access token";
    Err(Problem::under(
        "FORBIDDEN",
        "FORBIDDEN_EXCEPTION",
        message,
        "You are not allowed to perform this action.",
    ))
}

fn member_by(core: &Core, wanted: impl Fn(&Object, &Row) -> bool) -> Option<&Row> {
    let (index, object) = core.store.schema.by_plural("workspaceMembers")?;
    core.store.table(index).rows().values().find(|row| wanted(object, row))
}

/// The value of a column as text.
fn text_of<'a>(object: &Object, row: &'a Row, column: &str) -> &'a str {
    object.column(column).and_then(|(at, _)| row.cell(at).as_str()).unwrap_or_default()
}

/// Any password of a member opens: the simulator keeps none.
fn login(core: &mut Core, field: &Field) -> Result<Json, Problem> {
    let email = field.argument("email").and_then(Json::as_str).unwrap_or_default();
    let member = member_by(core, |object, row| text_of(object, row, "userEmail") == email).map(|row| row.id);
    let Some(member) = member else {
        return Err(Problem::under("UNAUTHENTICATED", "USER_NOT_FOUND", "User not found", "User not found."));
    };
    let token = core.access.login_token(member);
    Ok(Json::object([("loginToken", Json::object([("token", Json::text(token))]))]))
}

/// The member of the lowest place is the administrator.
fn is_admin(core: &Core, id: Uuid) -> bool {
    let Some((index, object)) = core.store.schema.by_plural("workspaceMembers") else { return false };
    let rows = core.store.table(index).rows().values();
    let first = rows.min_by(|left, right| {
        let place = |row: &Row| row.cell(object.columns.position).clone();
        crate::sim::twenty::predicate::order(&place(left), &place(right))
    });
    first.is_some_and(|row| row.id == id)
}

fn session(core: &mut Core, field: &Field) -> Json {
    let login = field.argument("loginToken").and_then(Json::as_str).unwrap_or_default();
    let member = core.access.logged_in(login).unwrap_or_default();
    let name = member_by(core, |_, row| row.id == member)
        .and_then(|row| {
            let (_, object) = core.store.schema.by_plural("workspaceMembers")?;
            let (at, _) = object.field("name")?;
            let part =
                |part: &str| row.cell(at).get(part).and_then(Json::as_str).unwrap_or_default().to_owned();
            Some(format!("{} {}", part("firstName"), part("lastName")))
        })
        .unwrap_or_default();
    let (admin, now) = (is_admin(core, member), core.now());
    let (token, expires_at) = core.access.sign_in(member, name, admin, now);
    let pair = |token: String| {
        Json::object([("token", Json::text(token)), ("expiresAt", Json::text(to_iso(expires_at)))])
    };
    let refresh = core.access.login_token(member);
    Json::object([(
        "tokens",
        Json::object([("accessOrWorkspaceAgnosticToken", pair(token)), ("refreshToken", pair(refresh))]),
    )])
}

fn roles(core: &Core) -> Result<Json, Problem> {
    allowed(core)?;
    let flag = Json::Bool;
    let shown = core.access.roles.iter().map(|role| {
        Json::object([
            ("id", Json::text(role.id.to_string())),
            ("label", Json::text(role.label.clone())),
            ("canReadAllObjectRecords", flag(role.read)),
            ("canUpdateAllObjectRecords", flag(role.update)),
            ("canSoftDeleteAllObjectRecords", flag(role.soft_delete)),
            ("canDestroyAllObjectRecords", flag(role.destroy)),
            ("canUpdateAllSettings", flag(role.settings)),
            ("canBeAssignedToApiKeys", flag(role.for_keys)),
        ])
    });
    Ok(Json::Arr(shown.collect()))
}

fn create_role(core: &mut Core, field: &Field) -> Result<Json, Problem> {
    allowed_person(core)?;
    let input = field.argument("createRoleInput").cloned().unwrap_or_default();
    let label = input.get("label").and_then(Json::as_str).unwrap_or_default().to_owned();
    let id = core.access.add_role(&label, |name| input.get(name) == Some(&Json::Bool(true)));
    Ok(Json::object([("id", Json::text(id.to_string())), ("label", Json::text(label))]))
}

fn keys(core: &Core) -> Json {
    Json::Arr((0..core.access.keys.len()).filter_map(|at| key(core, at)).collect())
}

fn key(core: &Core, at: usize) -> Option<Json> {
    let key = core.access.keys.get(at)?;
    Some(Json::object([
        ("id", Json::text(key.id.to_string())),
        ("name", Json::text(key.name.clone())),
        ("expiresAt", Json::text(to_iso(key.expires_at))),
        ("revokedAt", key.revoked_at.map_or(Json::Null, |at| Json::text(to_iso(at)))),
        ("createdAt", Json::text(to_iso(key.created_at))),
    ]))
}

/// The place of the key an input names.
fn place(core: &Core, id: Option<&Json>) -> Option<usize> {
    let id = id?.as_str()?;
    core.access.keys.iter().position(|key| key.id.to_string() == id)
}

fn key_of(core: &Core, field: &Field) -> Option<Json> {
    key(core, place(core, field.argument("input")?.get("id"))?)
}

fn create_key(core: &mut Core, field: &Field) -> Result<Json, Problem> {
    allowed_person(core)?;
    let input = field.argument("input").cloned().unwrap_or_default();
    let text = |name: &str| input.get(name).and_then(Json::as_str).unwrap_or_default();
    let role = core.access.roles.iter().position(|role| role.id.to_string() == text("roleId"));
    let role = role.filter(|role| core.access.roles.get(*role).is_some_and(|role| role.for_keys));
    let Some(role) = role else {
        let message = "Multiple validation errors occurred while creating role targets";
        return Err(Problem::new("INTERNAL_SERVER_ERROR", message));
    };
    let expires_at = parse_instant(text("expiresAt"))
        .ok_or_else(|| Problem::new("BAD_USER_INPUT", "expiresAt must be a valid ISO 8601 date string"))?;
    let (name, now) = (text("name").to_owned(), core.now());
    let id = core.access.add_key(&name, role, expires_at, now);
    Ok(place(core, Some(&Json::text(id.to_string()))).and_then(|at| key(core, at)).unwrap_or_default())
}

fn unknown_key() -> Problem {
    Problem::under("NOT_FOUND", "API_KEY_NOT_FOUND", "API key not found", "API key not found.")
}

fn key_token(core: &mut Core, field: &Field) -> Result<Json, Problem> {
    allowed_person(core)?;
    let at = place(core, field.argument("apiKeyId")).ok_or_else(unknown_key)?;
    let ends = field.argument("expiresAt").and_then(Json::as_str).and_then(parse_instant);
    let ends = ends.ok_or_else(|| Problem::new("BAD_USER_INPUT", "expiresAt is no date"))?;
    let token = core.access.add_token(at, ends).ok_or_else(unknown_key)?;
    Ok(Json::object([("token", Json::text(token))]))
}

fn revoke(core: &mut Core, field: &Field) -> Result<Json, Problem> {
    allowed_person(core)?;
    let now = core.now();
    let at =
        place(core, field.argument("input").and_then(|input| input.get("id"))).ok_or_else(unknown_key)?;
    if let Some(key) = core.access.keys.get_mut(at) {
        key.revoked_at = Some(now);
    }
    Ok(key(core, at).unwrap_or_default())
}
