//! Users: who may come in, and what for.

use axum::Json;
use axum::extract::{Path, State};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Known;
use super::body::Reader;
use super::gifts::if_match;
use super::params::NoParams;
use super::problem::Problem;
use super::wire::Tagged;
use super::{Face, known_id};
use crate::desk::users::{self, By, Entrance, Invitation, Link, UserChange};
use crate::ground::access::{Companies, Role, User};
use crate::ground::id::UserId;
use crate::ground::patch::Patch;
use crate::ground::time::Instant;
use crate::store::{Ledger, Record, StoreError};

/// Somebody who works with Almoner.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    /// Their id.
    pub id: String,
    /// The version that `If-Match` names.
    pub version: u64,
    /// The name beside what they do.
    pub name: String,
    /// What they sign in with.
    pub email: String,
    /// `admin`, `finance`, `fundraising`, `reviewer` or `viewer`.
    pub role: &'static str,
    /// The companies whose books they see, by their keys; null: every company's.
    pub companies: Option<Vec<String>>,
    /// `active`, `invited` (has a link to choose a password), `no_password` (has none any more) or `disabled`.
    pub state: &'static str,
    /// When the link of somebody invited stops working.
    pub invited_until: Option<String>,
    /// Since when they may not come in.
    pub disabled_at: Option<String>,
    /// Since when they are here.
    pub created_at: String,
    /// Whether this is whoever asks.
    pub you: bool,
}

impl UserView {
    /// The view of a user at `now`; `you` is whoever asks, when that is a user.
    pub fn of(
        ledger: &Ledger<'_>,
        record: Record<User>,
        now: Instant,
        you: Option<UserId>,
    ) -> Result<Self, StoreError> {
        let (version, user) = (record.seq.0, record.value);
        let entrance = Entrance::of(ledger, &user, now)?;
        Ok(Self {
            id: user.id.to_string(),
            version,
            name: user.name,
            email: user.email,
            role: user.role.word(),
            companies: match user.companies {
                Companies::All => None,
                Companies::Only(keys) => Some(keys.into_iter().collect()),
            },
            state: entrance.word(),
            invited_until: match entrance {
                Entrance::Invited(until) => Some(until.to_string()),
                Entrance::Password | Entrance::Nothing | Entrance::Off => None,
            },
            disabled_at: user.disabled_at.map(|at| at.to_string()),
            created_at: user.created_at.to_string(),
            you: you == Some(user.id),
        })
    }
}

/// Every user, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserList {
    data: Vec<UserView>,
}

/// A link with which somebody chooses a password; shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkView {
    /// Where it leads, below Almoner's own address.
    pub path: String,
    /// When it stops working.
    pub expires_at: String,
}

impl From<&Link> for LinkView {
    fn from(link: &Link) -> Self {
        Self { path: link.path(), expires_at: link.expires_at.to_string() }
    }
}

/// A user, and a link for them.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserWithLink {
    user: UserView,
    link: LinkView,
}

/// One user.
#[derive(Debug, Serialize, ToSchema)]
pub struct OneUser {
    data: UserView,
}

fn view(face: &Face, known: &Known, id: UserId) -> Result<UserView, Problem> {
    let snapshot = known.snapshot(face)?;
    let ledger = snapshot.ledger();
    let record = ledger.user(id)?.ok_or_else(|| Problem::not_found("user"))?;
    Ok(UserView::of(&ledger, record, face.desk.world.now(), known.user())?)
}

fn with_link(face: &Face, known: &Known, link: &Link) -> Result<UserWithLink, Problem> {
    Ok(UserWithLink { user: view(face, known, link.user)?, link: link.into() })
}

/// Every user, the oldest first.
#[utoipa::path(get, path = "/api/users", tag = "Users", responses((status = 200, body = UserList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn list(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
) -> Result<Json<UserList>, Problem> {
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let now = face.desk.world.now();
    let all = users::users(&ledger)?.into_iter();
    let data =
        all.map(|record| UserView::of(&ledger, record, now, known.user())).collect::<Result<_, _>>()?;
    Ok(Json(UserList { data }))
}

/// `role`, by its word.
fn role(body: &mut Reader) -> Option<Role> {
    let word = body.text("role")?;
    let role = Role::from_word(&word);
    if role.is_none() {
        let known: Vec<&str> = Role::ALL.iter().map(|role| role.word()).collect();
        body.wrong("role", format!("role takes {}.", known.join(", ")));
    }
    role
}

/// `companies`: null is every company's, a list names some.
fn companies(body: &mut Reader) -> Option<Companies> {
    let keys = match body.words_patch("companies") {
        Patch::Keep => return None,
        Patch::Clear => None,
        Patch::Set(keys) => Some(keys),
    };
    let companies = Companies::from_keys(keys);
    if companies.is_none() {
        body.wrong("companies", "companies takes null for every company, or a list of at most 100 keys.");
    }
    companies
}

/// Invites somebody: makes the user and a link with which they choose their password.
#[utoipa::path(post, path = "/api/users", tag = "Users", request_body = Object,
    responses((status = 201, body = UserWithLink), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn invite(
    State(face): State<Face>,
    known: Known,
    bytes: Bytes,
) -> Result<(StatusCode, Json<UserWithLink>), Problem> {
    let mut body = Reader::new(&bytes)?;
    body.own_members(&["name", "email", "role", "companies"]);
    let (name, email) = (body.text("name"), body.text("email"));
    for (field, given) in [("name", &name), ("email", &email)] {
        if given.is_none() {
            body.wrong(field, format!("{field} is required."));
        }
    }
    let role = role(&mut body);
    if role.is_none() {
        body.wrong("role", "Say what they may do: role is required.");
    }
    let companies = companies(&mut body).unwrap_or_default();
    let new = name.zip(email).zip(role);
    let ((name, email), role) = body.finish(new)?;
    let new = Invitation { name, email, role, companies };
    let link = users::invite(&face.desk.store, By::from(&known.asked), new).await?;
    Ok((StatusCode::CREATED, Json(with_link(&face, &known, &link)?)))
}

/// Changes a user's name, role or company scope, or switches them off or on.
#[utoipa::path(patch, path = "/api/users/{id}", tag = "Users", request_body = Object, params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = OneUser), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn change(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Tagged<OneUser>, Problem> {
    let id: UserId = known_id(&id, "user")?;
    let mut body = Reader::new(&bytes)?;
    let given = body.own_members(&["name", "role", "companies", "disabled"]);
    let disabled = given.contains_key("disabled").then(|| body.truth("disabled")).flatten();
    let change = UserChange {
        name: body.text("name"),
        role: role(&mut body),
        companies: companies(&mut body),
        disabled,
    };
    let change = body.finish(Some(change))?;
    users::change(&face.desk.store, By::from(&known.asked), id, change, if_match(&headers)?).await?;
    let data = view(&face, &known, id)?;
    Ok(Tagged(data.version, OneUser { data }))
}

/// Makes a user choose a new password: signs them out everywhere and answers a link.
#[utoipa::path(post, path = "/api/users/{id}/reset", tag = "Users", params(("id" = String, Path)),
    responses((status = 200, body = UserWithLink), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn reset(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
) -> Result<Json<UserWithLink>, Problem> {
    let id: UserId = known_id(&id, "user")?;
    let link = users::reset(&face.desk.store, By::from(&known.asked), id).await?;
    Ok(Json(with_link(&face, &known, &link)?))
}
