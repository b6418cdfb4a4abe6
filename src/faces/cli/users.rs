//! `almoner users`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::ask::ask;
use crate::faces::command::{Command, UsersAsk, Which};
use crate::ground::access::{Companies, Role};

#[derive(Args, Debug)]
pub(super) struct Users {
    #[command(subcommand)]
    what: What,
}

#[derive(Args, Debug)]
struct Where {
    /// Folder of the ledger
    #[arg(long, env = "ALMONER_DATA")]
    data: PathBuf,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Who there is, with role and state
    List(Where),
    /// Make a user and a link with which they choose a password (works once, for 72 hours)
    Invite(Invite),
    /// Give somebody another role
    Role(RoleOf),
    /// Say whose books somebody sees
    Scope(ScopeOf),
    /// Switch somebody off; they are signed out at once
    Disable(One),
    /// Switch somebody on again
    Enable(One),
    /// Make somebody choose a new password: signs them out and makes a link
    Reset(Reset),
}

#[derive(Args, Debug)]
struct Invite {
    /// Their e-mail address
    email: String,
    /// Their name
    #[arg(long)]
    name: String,
    /// admin, finance, fundraising, reviewer or viewer
    #[arg(long, value_parser = role)]
    role: Role,
    /// Only the books of this company; may be given several times
    #[arg(long = "company", value_name = "KEY")]
    companies: Vec<String>,
    /// Where people reach Almoner; a running server knows it
    #[arg(long, env = "ALMONER_PUBLIC_URL")]
    url: Option<String>,
    #[command(flatten)]
    at: Where,
}

#[derive(Args, Debug)]
struct RoleOf {
    /// Whom: e-mail address or id
    user: String,
    /// admin, finance, fundraising, reviewer or viewer
    #[arg(value_parser = role)]
    role: Role,
    #[command(flatten)]
    at: Where,
}

#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("whose").required(true))]
struct ScopeOf {
    /// Whom: e-mail address or id
    user: String,
    /// Every company, those that come later too
    #[arg(long, group = "whose")]
    all: bool,
    /// Only the books of this company; may be given several times
    #[arg(long = "company", value_name = "KEY", group = "whose")]
    companies: Vec<String>,
    #[command(flatten)]
    at: Where,
}

#[derive(Args, Debug)]
struct One {
    /// Whom: e-mail address or id
    user: String,
    #[command(flatten)]
    at: Where,
}

#[derive(Args, Debug)]
struct Reset {
    /// Where people reach Almoner; a running server knows it
    #[arg(long, env = "ALMONER_PUBLIC_URL")]
    url: Option<String>,
    #[command(flatten)]
    one: One,
}

fn role(word: &str) -> Result<Role, String> {
    let known = || Role::ALL.map(Role::word).join(", ");
    Role::from_word(word).ok_or_else(|| format!("there is no such role; known are {}", known()))
}

fn companies(keys: &[String]) -> anyhow::Result<Companies> {
    let keys = if keys.is_empty() { None } else { Some(keys.to_vec()) };
    Companies::from_keys(keys).ok_or_else(|| {
        anyhow::anyhow!("a company's key has 1 to 64 letters, digits and .:_-, and there are at most 100")
    })
}

fn address(url: Option<&String>) -> Option<String> {
    url.map(|url| url.trim_end_matches('/').to_owned())
}

impl Users {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let (at, what, url) = match &self.what {
            What::List(at) => (at, UsersAsk::List, None),
            What::Invite(Invite { email, name, role, companies: keys, url, at }) => {
                let (name, email, companies) = (name.clone(), email.clone(), companies(keys)?);
                (at, UsersAsk::Invite { name, email, role: *role, companies }, address(url.as_ref()))
            }
            What::Role(RoleOf { user, role, at }) => {
                (at, UsersAsk::Role { user: Which(user.clone()), role: *role }, None)
            }
            What::Scope(ScopeOf { user, companies: keys, at, .. }) => {
                (at, UsersAsk::Scope { user: Which(user.clone()), companies: companies(keys)? }, None)
            }
            What::Disable(One { user, at }) => (at, UsersAsk::Disable { user: Which(user.clone()) }, None),
            What::Enable(One { user, at }) => (at, UsersAsk::Enable { user: Which(user.clone()) }, None),
            What::Reset(Reset { url, one: One { user, at } }) => {
                (at, UsersAsk::Reset { user: Which(user.clone()) }, address(url.as_ref()))
            }
        };
        let command = Command::Users { what, json: at.json, url };
        Ok(ExitCode::from(ask(&at.data, &command, &mut std::io::stdout().lock())?))
    }
}
