//! Who may do what, decided in one place.

use serde::{Deserialize, Serialize};

use super::id::{TokenId, UserId};
use super::journal::Actor;
use super::time::Instant;

/// A person who works with Almoner. The password's hash is not here: it never enters the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Our id.
    pub id: UserId,
    /// The name shown beside what they did.
    pub name: String,
    /// The e-mail address they sign in with, lower case.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Since when.
    pub created_at: Instant,
}

/// A role. One for now; the desk brings finance, fundraising, reviewer and viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May do everything.
    Admin,
}

impl Role {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
        }
    }
}

/// A program's credential, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Our id.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Since when.
    pub created_at: Instant,
    /// Taken back.
    pub revoked: bool,
}

/// What a credential may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// See gifts, donors, batches, sync.
    GiftsRead,
    /// Take gifts in, review and process them.
    GiftsWrite,
    /// See the journal.
    JournalRead,
    /// Settings and tokens.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::GiftsRead, Self::GiftsWrite, Self::JournalRead, Self::Admin];

    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::GiftsRead => "gifts:read",
            Self::GiftsWrite => "gifts:write",
            Self::JournalRead => "journal:read",
            Self::Admin => "admin",
        }
    }

    /// The scope of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == word)
    }
}

/// Who is asking, as authentication found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A signed-in person.
    User(User),
    /// A program.
    Token(Token),
}

impl Caller {
    /// Whether the caller may do what this scope covers.
    pub fn may(&self, scope: Scope) -> bool {
        match self {
            Self::User(User { role: Role::Admin, .. }) => true,
            Self::Token(token) => token.scopes.contains(&Scope::Admin) || token.scopes.contains(&scope),
        }
    }

    /// The caller as the journal names them.
    pub fn actor(&self) -> Actor {
        match self {
            Self::User(user) => Actor::User(user.id),
            Self::Token(token) => Actor::Token(token.id),
        }
    }

    /// What scopes an `Idempotency-Key`: one caller's keys never meet another's.
    pub fn replay_scope(&self) -> String {
        match self {
            Self::User(user) => user.id.to_string(),
            Self::Token(token) => token.id.to_string(),
        }
    }
}

/// Proof that somebody was authenticated, and what they may see. Made by authentication only; a face reads the
/// store through it, so that a read without it does not compile.
#[derive(Clone, Debug)]
pub struct Viewer {
    caller: Caller,
}

impl Viewer {
    /// The viewer for a caller whose credential was checked just now.
    pub const fn authenticated(caller: Caller) -> Self {
        Self { caller }
    }

    /// Who is asking.
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }
}
