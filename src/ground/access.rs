//! Who may do what, decided in one place.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::id::{TokenId, UserId};
use super::journal::Actor;
use super::time::Instant;

/// What somebody may do. Every route and every button asks for one of these; nothing asks for a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// See gifts, donors, batches, what waits for a decision, and how fresh the mirror is.
    See,
    /// Take gifts in.
    TakeIn,
    /// Correct staged rows, choose their donors, mark them ready, put them back or set them aside.
    Review,
    /// Make batches, process them, pause and cancel their runs.
    Process,
    /// Change donors and other records of Twenty, make tasks and notes, take such a change back.
    Edit,
    /// Decide what was changed both here and in Twenty.
    Decide,
    /// Ask for passes and walks over the mirror, pause them.
    Sync,
    /// See the journal.
    Journal,
    /// Change what Almoner does: which further objects it mirrors.
    Settings,
    /// Invite users, change their roles, switch them off, reset them.
    Users,
    /// Make API tokens and revoke them.
    Tokens,
    /// See the books of the companies in one's scope.
    Books,
    /// Change the books of the companies in one's scope, and ask for their sync.
    BooksWrite,
}

/// Who may do what: the one table. A line a right, with the roles that have it and the scope that gives it to a token
/// (decision 0014). The scope `admin` gives every right.
const TABLE: [(Right, &[Role], Scope); Right::COUNT] = {
    use Role::{Admin, Finance, Fundraising, Reviewer, Viewer};
    [
        (Right::See, &[Admin, Finance, Fundraising, Reviewer, Viewer], Scope::GiftsRead),
        (Right::TakeIn, &[Admin, Fundraising], Scope::GiftsWrite),
        (Right::Review, &[Admin, Fundraising, Reviewer], Scope::GiftsWrite),
        (Right::Process, &[Admin, Finance, Fundraising], Scope::GiftsWrite),
        (Right::Edit, &[Admin, Fundraising], Scope::GiftsWrite),
        (Right::Decide, &[Admin, Fundraising], Scope::GiftsWrite),
        (Right::Sync, &[Admin, Finance, Fundraising], Scope::GiftsWrite),
        (Right::Journal, &[Admin, Finance], Scope::JournalRead),
        (Right::Settings, &[Admin], Scope::Admin),
        (Right::Users, &[Admin], Scope::Admin),
        (Right::Tokens, &[Admin], Scope::Admin),
        (Right::Books, &[Admin, Finance, Viewer], Scope::BooksRead),
        (Right::BooksWrite, &[Admin, Finance], Scope::BooksWrite),
    ]
};

impl Right {
    const COUNT: usize = 13;

    /// Every right.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|(right, _, _)| *right)
    }

    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::See => "see",
            Self::TakeIn => "take_in",
            Self::Review => "review",
            Self::Process => "process",
            Self::Edit => "edit",
            Self::Decide => "decide",
            Self::Sync => "sync",
            Self::Journal => "journal",
            Self::Settings => "settings",
            Self::Users => "users",
            Self::Tokens => "tokens",
            Self::Books => "books",
            Self::BooksWrite => "books_write",
        }
    }

    /// What it lets somebody do, after "may".
    pub const fn doing(self) -> &'static str {
        match self {
            Self::See => "see gifts and donors",
            Self::TakeIn => "take gifts in",
            Self::Review => "review gifts",
            Self::Process => "process batches",
            Self::Edit => "change donors, tasks and notes",
            Self::Decide => "decide conflicts",
            Self::Sync => "start or pause the sync",
            Self::Journal => "see the journal",
            Self::Settings => "change settings",
            Self::Users => "look after users",
            Self::Tokens => "look after API tokens",
            Self::Books => "see the books",
            Self::BooksWrite => "change the books",
        }
    }

    fn line(self) -> (&'static [Role], Scope) {
        let line = TABLE.iter().find(|(right, _, _)| *right == self);
        // A right that stands in no line is nobody's but the admins'.
        line.map_or((&[Role::Admin], Scope::Admin), |(_, roles, scope)| (roles, *scope))
    }

    /// The scope that gives it to a token.
    pub fn scope(self) -> Scope {
        self.line().1
    }
}

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
    /// Whose books they see.
    #[serde(default, skip_serializing_if = "Companies::is_all")]
    pub companies: Companies,
    /// Since when they may not come in; none while they may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Instant>,
    /// When a link was last made with which they choose a password; none when they never needed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Instant>,
    /// When they last chose a password by such a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_at: Option<Instant>,
}

impl User {
    /// A user who sees every company's books and may come in, made at `created_at`.
    pub const fn new(id: UserId, name: String, email: String, role: Role, created_at: Instant) -> Self {
        Self {
            id,
            name,
            email,
            role,
            created_at,
            companies: Companies::All,
            disabled_at: None,
            asked_at: None,
            password_at: None,
        }
    }

    /// Whether they may come in.
    pub const fn enabled(&self) -> bool {
        self.disabled_at.is_none()
    }

    /// Whether they are an admin who may come in.
    pub const fn rules(&self) -> bool {
        matches!(self.role, Role::Admin) && self.enabled()
    }
}

/// A role: a set of rights with a name that people know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May do everything.
    Admin,
    /// Sees everything, processes, looks at the journal; does not look after users.
    Finance,
    /// Takes gifts in, reviews and processes them, looks after donors.
    Fundraising,
    /// Reviews gifts and marks them ready; does not process them.
    Reviewer,
    /// Looks only.
    Viewer,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Admin, Self::Finance, Self::Fundraising, Self::Reviewer, Self::Viewer];

    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Finance => "finance",
            Self::Fundraising => "fundraising",
            Self::Reviewer => "reviewer",
            Self::Viewer => "viewer",
        }
    }

    /// The role of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// Whether the role has a right.
    pub fn has(self, right: Right) -> bool {
        right.line().0.contains(&self)
    }
}

/// Whose books somebody sees: every company's, or those of some companies of QuickBooks, by their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Companies {
    /// Every company's, those that come later too.
    #[default]
    All,
    /// These companies' only.
    Only(BTreeSet<String>),
}

impl Companies {
    /// Companies of one user at most.
    pub const MOST: usize = 100;
    /// Longest key of a company, in bytes.
    pub const KEY_MAX: usize = 64;

    /// Every company's when `keys` is none, else these companies'. None when there are more than [`Self::MOST`] or one
    /// is no key: 1 to [`Self::KEY_MAX`] letters, digits and `.:_-`.
    pub fn from_keys(keys: Option<Vec<String>>) -> Option<Self> {
        let Some(keys) = keys else { return Some(Self::All) };
        let sound = |key: &String| {
            (1..=Self::KEY_MAX).contains(&key.len())
                && key.bytes().all(|b| b.is_ascii_alphanumeric() || b".:_-".contains(&b))
        };
        let keys: BTreeSet<String> = keys.into_iter().collect();
        (keys.len() <= Self::MOST && keys.iter().all(sound)).then_some(Self::Only(keys))
    }

    /// Whether they are every company's.
    pub const fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }

    /// Whether the books of the company with this key are among them.
    pub fn includes(&self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(keys) => keys.contains(key),
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
    /// Take gifts in, review and process them, change donors, tasks and notes, start and pause the sync.
    GiftsWrite,
    /// See the journal.
    JournalRead,
    /// Every right, those of settings, users and tokens too.
    Admin,
    /// See the books of every company.
    BooksRead,
    /// Change the books of every company.
    BooksWrite,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 6] = [
        Self::GiftsRead,
        Self::GiftsWrite,
        Self::JournalRead,
        Self::Admin,
        Self::BooksRead,
        Self::BooksWrite,
    ];

    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::GiftsRead => "gifts:read",
            Self::GiftsWrite => "gifts:write",
            Self::JournalRead => "journal:read",
            Self::Admin => "admin",
            Self::BooksRead => "books:read",
            Self::BooksWrite => "books:write",
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
    /// The operator at the command line, by the number of their account on the machine: whoever may open the control
    /// socket could as well write the ledger's files.
    Operator(u32),
}

impl Caller {
    /// Whether the caller has a right: the one place where that is decided.
    pub fn may(&self, right: Right) -> bool {
        match self {
            Self::User(user) => user.enabled() && user.role.has(right),
            Self::Token(token) => {
                let gives = |scope: &Scope| matches!(scope, Scope::Admin) || *scope == right.scope();
                !token.revoked && token.scopes.iter().any(gives)
            }
            Self::Operator(_) => true,
        }
    }

    /// The rights the caller has.
    pub fn rights(&self) -> impl Iterator<Item = Right> {
        Right::all().filter(|right| self.may(*right))
    }

    /// The caller as the journal names them.
    pub fn actor(&self) -> Actor {
        match self {
            Self::User(user) => Actor::User(user.id),
            Self::Token(token) => Actor::Token(token.id),
            Self::Operator(uid) => Actor::OperatorUid(*uid),
        }
    }

    /// What scopes an `Idempotency-Key`: one caller's keys never meet another's.
    pub fn replay_scope(&self) -> String {
        match self {
            Self::User(user) => user.id.to_string(),
            Self::Token(token) => token.id.to_string(),
            Self::Operator(uid) => format!("operator {uid}"),
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

    /// Whether they may see the books of every company.
    pub const fn sees_every_company(&self) -> bool {
        match &self.caller {
            Caller::User(user) => user.companies.is_all(),
            Caller::Token(_) | Caller::Operator(_) => true,
        }
    }

    /// Whether they may see the books of the company with this key.
    pub fn sees_company(&self, key: &str) -> bool {
        match &self.caller {
            Caller::User(user) => user.companies.includes(key),
            // A token is the charity's own, not a person's.
            Caller::Token(_) | Caller::Operator(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_line_for_every_right_and_admins_have_all() {
        let mut rights: Vec<Right> = Right::all().collect();
        rights.sort_unstable();
        rights.dedup();
        assert_eq!(rights.len(), Right::COUNT, "a right stands in two lines");
        for right in rights {
            assert!(Role::Admin.has(right), "{right:?}");
            // The lines are looked up by the right itself: a line that nobody finds would fall back to the admins.
            assert!(
                TABLE.iter().any(|(line, roles, scope)| *line == right && (*roles, *scope) == right.line())
            );
        }
    }

    #[test]
    fn words_read_back() {
        for role in Role::ALL {
            assert_eq!(Role::from_word(role.word()), Some(role));
        }
        for scope in Scope::ALL {
            assert_eq!(Scope::from_word(scope.word()), Some(scope));
        }
        assert_eq!(Role::from_word("Admin"), None);
    }

    #[test]
    fn whoever_may_not_come_in_may_nothing() {
        let id = UserId(uuid::Uuid::nil());
        let user = |disabled_at| {
            let (name, email) = ("Ada".into(), "ada@example.org".into());
            User { disabled_at, ..User::new(id, name, email, Role::Admin, Instant(0)) }
        };
        assert_eq!(Caller::User(user(None)).rights().count(), Right::COUNT);
        assert_eq!(Caller::User(user(Some(Instant(1)))).rights().count(), 0);
        let token = |revoked| Token {
            id: TokenId(uuid::Uuid::nil()),
            name: "t".into(),
            scopes: vec![Scope::Admin],
            created_at: Instant(0),
            revoked,
        };
        assert_eq!(Caller::Token(token(false)).rights().count(), Right::COUNT);
        assert_eq!(Caller::Token(token(true)).rights().count(), 0);
    }

    #[test]
    fn a_scope_of_companies_is_all_or_what_it_names() {
        assert!(Companies::from_keys(None).unwrap().includes("qbo-1"));
        let some = Companies::from_keys(Some(vec!["qbo-1".into(), "qbo-1".into()])).unwrap();
        assert!(some.includes("qbo-1") && !some.includes("qbo-2"));
        assert!(!Companies::from_keys(Some(Vec::new())).unwrap().includes("qbo-1"), "none is none");
        for bad in ["", "a b", "ä", &"x".repeat(65)] {
            assert_eq!(Companies::from_keys(Some(vec![bad.to_owned()])), None, "{bad}");
        }
        assert_eq!(Companies::from_keys(Some((0..=100).map(|n| n.to_string()).collect())), None);
    }
}
