//! Looks after users at the command line: also the way back in when no admin can sign in any more.

use std::io::Write;

use serde::{Deserialize, Serialize};

use super::{CommandError, wait};
use crate::desk::users::{self, By, Invitation, Link, UserChange};
use crate::faces::http::UserView;
use crate::ground::access::{Companies, Role};
use crate::ground::id::UserId;
use crate::ground::journal::Actor;
use crate::store::{Store, StoreError};

/// A user as somebody names them: by e-mail address or id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Which(pub String);

/// What is asked about users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum UsersAsk {
    /// Who there is.
    List,
    /// Make a user and a link with which they choose a password.
    Invite {
        /// Name.
        name: String,
        /// E-mail address.
        email: String,
        /// What they may do.
        role: Role,
        /// Whose books they see.
        companies: Companies,
    },
    /// Give another role.
    Role {
        /// Whom.
        user: Which,
        /// Which.
        role: Role,
    },
    /// Give another company scope.
    Scope {
        /// Whom.
        user: Which,
        /// Whose books they see.
        companies: Companies,
    },
    /// Switch off: they are signed out at once.
    Disable {
        /// Whom.
        user: Which,
    },
    /// Switch on again.
    Enable {
        /// Whom.
        user: Which,
    },
    /// Make somebody choose a new password.
    Reset {
        /// Whom.
        user: Which,
    },
}

impl UsersAsk {
    /// Its name, as logs tell it.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::List => "users_list",
            Self::Invite { .. } => "users_invite",
            Self::Role { .. } => "users_role",
            Self::Scope { .. } => "users_scope",
            Self::Disable { .. } => "users_disable",
            Self::Enable { .. } => "users_enable",
            Self::Reset { .. } => "users_reset",
        }
    }
}

/// A user with the link that was made for them, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    user: UserView,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<LinkTold>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkTold {
    url: String,
    expires_at: String,
}

/// Does what is asked. Exit code 0; what is refused is an error.
pub(super) fn users(
    store: &Store,
    actor: &Actor,
    what: &UsersAsk,
    (json, url): (bool, Option<&str>),
    out: &mut dyn Write,
) -> Result<u8, CommandError> {
    let by = By { actor: actor.clone(), request_id: None };
    let change = |user: &Which, change: UserChange| -> Result<(UserId, Option<Link>), CommandError> {
        let id = found(store, user)?;
        wait(users::change(store, by.clone(), id, change, None))?;
        Ok((id, None))
    };
    let (id, link) = match what {
        UsersAsk::List => return list(store, json, out),
        UsersAsk::Invite { name, email, role, companies } => {
            let (name, email, companies) = (name.clone(), email.clone(), companies.clone());
            let new = Invitation { name, email, role: *role, companies };
            let link = wait(users::invite(store, by, new))?;
            (link.user, Some(link))
        }
        UsersAsk::Role { user, role } => {
            change(user, UserChange { role: Some(*role), ..UserChange::default() })?
        }
        UsersAsk::Scope { user, companies } => {
            change(user, UserChange { companies: Some(companies.clone()), ..UserChange::default() })?
        }
        UsersAsk::Disable { user } => {
            change(user, UserChange { disabled: Some(true), ..UserChange::default() })?
        }
        UsersAsk::Enable { user } => {
            change(user, UserChange { disabled: Some(false), ..UserChange::default() })?
        }
        UsersAsk::Reset { user } => {
            let link = wait(users::reset(store, by, found(store, user)?))?;
            (link.user, Some(link))
        }
    };
    let user = all(store)?.into_iter().find(|user| user.id == id.to_string());
    let user = user.ok_or_else(|| CommandError::NoUser(id.to_string()))?;
    tell(user, link.as_ref(), (json, url), out)?;
    Ok(0)
}

fn tell(
    user: UserView,
    link: Option<&Link>,
    (json, url): (bool, Option<&str>),
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let full = |link: &Link| format!("{}{}", url.unwrap_or_default(), link.path());
    if json {
        let link = link.map(|link| LinkTold { url: full(link), expires_at: link.expires_at.to_string() });
        serde_json::to_writer(&mut *out, &Told { user, link })?;
        writeln!(out)?;
        return Ok(());
    }
    writeln!(out, "{}", line(&user))?;
    if let Some(link) = link {
        let below = if url.is_none() { ", below the address of your Almoner" } else { "" };
        writeln!(
            out,
            "Give them this link to choose a password; it works once, until {}{below}:\n{}",
            link.expires_at,
            full(link)
        )?;
    }
    Ok(())
}

fn list(store: &Store, json: bool, out: &mut dyn Write) -> Result<u8, CommandError> {
    let users = all(store)?;
    if json {
        serde_json::to_writer(&mut *out, &users)?;
        writeln!(out)?;
        return Ok(0);
    }
    for user in users {
        writeln!(out, "{}", line(&user))?;
    }
    Ok(0)
}

/// A user on a line: the words for people, the id for the next command.
fn line(user: &UserView) -> String {
    let state = match user.state {
        "no_password" => "no password",
        state => state,
    };
    let books = match &user.companies {
        None => "all companies".to_owned(),
        Some(keys) if keys.is_empty() => "no company".to_owned(),
        Some(keys) => keys.join(","),
    };
    format!("{}  {} <{}>  {}  {state}  {books}", user.id, user.name, user.email, user.role)
}

fn all(store: &Store) -> Result<Vec<UserView>, StoreError> {
    let snapshot = store.snapshot()?;
    let (ledger, now) = (snapshot.ledger(), snapshot.as_of());
    users::users(&ledger)?.into_iter().map(|record| UserView::of(&ledger, record, now, None)).collect()
}

fn found(store: &Store, which: &Which) -> Result<UserId, CommandError> {
    let name = which.0.trim();
    let snapshot = store.snapshot()?;
    let ledger = snapshot.ledger();
    let user = match name.parse() {
        Ok(id) => ledger.user(id)?,
        Err(_) => ledger.user_by_email(&name.to_lowercase())?,
    };
    user.map(|record| record.value.id).ok_or_else(|| CommandError::NoUser(name.to_owned()))
}
