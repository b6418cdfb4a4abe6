//! Who may come in, and what for: invitations, roles, scopes, switching off, resets. Each is one transaction and stands
//! in the journal; an admin does it at a screen, or the operator at the command line.

use super::access::{self, NewUser, ask_for_password, drop_links, end_sessions, has_password, password_name};
use super::{Asked, Refusal};
use crate::ground::access::{Companies, Role, User};
use crate::ground::id::{ConnectionId, Object, Seq, UserId, local_id};
use crate::ground::intake::FieldError;
use crate::ground::journal::{Actor, Cause, SubjectState};
use crate::ground::time::Instant;
use crate::store::{Changes, Fail, Ledger, Record, Store, StoreError, View};

/// Users there are at most: a charity has few, and every list shows them all.
const USERS_MAX: usize = 500;

/// Who looks after users, in which request.
#[derive(Clone, Debug)]
pub struct By {
    /// Who.
    pub actor: Actor,
    /// The request, when there was one.
    pub request_id: Option<String>,
}

impl From<&Asked> for By {
    fn from(asked: &Asked) -> Self {
        Self { actor: asked.caller.actor(), request_id: Some(asked.request_id.clone()) }
    }
}

impl By {
    fn cause(self, why: &str) -> Cause {
        Cause { actor: self.actor, why: why.into(), request_id: self.request_id }
    }
}

/// How somebody comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// With the password they chose.
    Password,
    /// They have a link to choose one, until then.
    Invited(Instant),
    /// They have no password and no link that works.
    Nothing,
    /// Not at all: they were switched off.
    Off,
}

impl Entrance {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Password => "active",
            Self::Invited(_) => "invited",
            Self::Nothing => "no_password",
            Self::Off => "disabled",
        }
    }

    /// How this user comes in at `now`.
    pub fn of(ledger: &Ledger<'_>, user: &User, now: Instant) -> Result<Self, StoreError> {
        if !user.enabled() {
            return Ok(Self::Off);
        }
        if has_password(ledger, user.id)? {
            return Ok(Self::Password);
        }
        Ok(access::password_asked(ledger, user.id, now)?.map_or(Self::Nothing, Self::Invited))
    }
}

/// A link with which a user chooses a password; shown this once.
#[derive(Clone, Debug)]
pub struct Link {
    /// Whose.
    pub user: UserId,
    /// Its secret.
    pub secret: String,
    /// When it stops working.
    pub expires_at: Instant,
}

impl Link {
    /// Where it leads, below Almoner's own address.
    pub fn path(&self) -> String {
        format!("/password?token={}", self.secret)
    }
}

/// Somebody to be invited.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Whose books they see.
    pub companies: Companies,
}

/// What is to be changed of a user; none keeps.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// Another name.
    pub name: Option<String>,
    /// Another role.
    pub role: Option<Role>,
    /// Another scope.
    pub companies: Option<Companies>,
    /// Switch them off, or on again.
    pub disabled: Option<bool>,
}

/// Every user, the oldest first.
pub fn users(ledger: &Ledger<'_>) -> Result<Vec<Record<User>>, StoreError> {
    let here = ConnectionId::HERE;
    let page = ledger.newest(here, Object::User, SubjectState::Live, None, USERS_MAX)?;
    let mut users = Vec::with_capacity(page.items.len());
    for item in page.items {
        users.extend(item.key.uuid().map(|id| ledger.user(UserId(id))).transpose()?.flatten());
    }
    users.sort_by_key(|record| (record.value.created_at, record.value.id));
    Ok(users)
}

/// Makes a user who has no password yet; answers the link with which they choose one. An address that somebody signs in
/// with is refused.
pub async fn invite(store: &Store, by: By, new: Invitation) -> Result<Link, Refusal> {
    let Invitation { name, email, role, companies } = new;
    let new = access::checked(NewUser { name, email, password: None, role })?;
    let write = store.write(move |view| {
        if view.ledger().user_by_email(&new.email)?.is_some() {
            return Err(Refusal::AddressTaken.into());
        }
        if view.ledger().user_count()? >= USERS_MAX as u64 {
            return Err(Refusal::Nothing("There are 500 users already; nobody more can be invited.").into());
        }
        let now = view.world.now();
        let id = UserId(local_id(Object::User, view.world.origin()));
        let user = User::new(id, new.name, new.email, role, now);
        let user = User { companies, asked_at: Some(now), ..user };
        let mut changes = Changes::new(by.cause("User invited"));
        let link = link_for(view, &mut changes, user.id)?;
        changes.create(Object::User, user.id.0, &user)?;
        Ok::<_, Fail<Refusal>>((changes, link))
    });
    Ok(write.await?.1)
}

/// Changes a user; with `seen`, only while that is their newest version. Whoever is switched off is signed out at once,
/// and links they had stop working. The last admin who can sign in stays one.
pub async fn change(
    store: &Store,
    by: By,
    id: UserId,
    change: UserChange,
    seen: Option<Seq>,
) -> Result<(), Refusal> {
    if change.name.as_ref().is_some_and(|name| name.trim().is_empty()) {
        let message = "Write a name; it stands beside what they do.".into();
        return Err(Refusal::Invalid(vec![FieldError { field: "name".into(), message }]));
    }
    store
        .write(move |view| {
            let record = view.ledger().user(id)?.ok_or(Refusal::NotFound("user"))?;
            if seen.is_some_and(|seen| seen != record.seq) {
                return Err(Refusal::Changed.into());
            }
            let after = changed(&record.value, &change, view.world.now());
            let mut changes = Changes::new(by.cause(why(&record.value, &after)));
            if after == record.value {
                return Ok((changes, ()));
            }
            if record.value.rules() && !after.rules() {
                spare_the_last_admin(view.ledger(), id)?;
            }
            if !after.enabled() {
                end_sessions(view.ledger(), &mut changes, id)?;
                drop_links(view.ledger(), &mut changes, id)?;
            }
            changes.update(Object::User, id.0, &after)?;
            Ok::<_, Fail<Refusal>>((changes, ()))
        })
        .await?;
    Ok(())
}

/// Makes a user choose a new password: the old one stops working, they are signed out everywhere, and the answer is the
/// link with which they choose another. It is also how somebody whose invitation has run out gets a new one.
pub async fn reset(store: &Store, by: By, id: UserId) -> Result<Link, Refusal> {
    let write = store.write(move |view| {
        let user = view.ledger().user(id)?.ok_or(Refusal::NotFound("user"))?.value;
        if !user.enabled() {
            return Err(Refusal::Nothing("This user is switched off. Switch them on first.").into());
        }
        let mut changes = Changes::new(by.cause("Password reset"));
        end_sessions(view.ledger(), &mut changes, id)?;
        changes.secret(&password_name(id), None);
        let link = link_for(view, &mut changes, id)?;
        let asked = User { asked_at: Some(view.world.now()), ..user };
        changes.update(Object::User, id.0, &asked)?;
        Ok::<_, Fail<Refusal>>((changes, link))
    });
    Ok(write.await?.1)
}

fn link_for(view: &View<'_>, changes: &mut Changes, user: UserId) -> Result<Link, StoreError> {
    let (secret, expires_at) = ask_for_password(view, changes, user)?;
    Ok(Link { user, secret, expires_at })
}

fn changed(user: &User, change: &UserChange, now: Instant) -> User {
    let mut after = user.clone();
    if let Some(name) = &change.name {
        name.trim().clone_into(&mut after.name);
    }
    if let Some(role) = change.role {
        after.role = role;
    }
    if let Some(companies) = &change.companies {
        after.companies = companies.clone();
    }
    after.disabled_at = match change.disabled {
        Some(true) => after.disabled_at.or(Some(now)),
        Some(false) => None,
        None => after.disabled_at,
    };
    after
}

/// What happened, for the journal: by what matters most.
fn why(before: &User, after: &User) -> &'static str {
    if before.enabled() != after.enabled() {
        if after.enabled() { "User switched on" } else { "User switched off" }
    } else if before.role != after.role {
        "Role changed"
    } else if before.companies != after.companies {
        "Company scope changed"
    } else {
        "User renamed"
    }
}

/// Refuses when nobody but `id` is an admin who can sign in. Somebody invited who has not chosen a password does not
/// count: their link may never be used.
fn spare_the_last_admin(ledger: &Ledger<'_>, id: UserId) -> Result<(), Fail<Refusal>> {
    for other in users(ledger)? {
        if other.value.id != id && other.value.rules() && has_password(ledger, other.value.id)? {
            return Ok(());
        }
    }
    Err(Refusal::LastAdmin.into())
}
