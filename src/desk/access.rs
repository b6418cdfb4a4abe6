//! Who works here: first-run link, sign-in, sessions, API tokens.
//!
//! Secrets are random, shown once, and stored as hashes; a password's hash is sealed with a key outside the store.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{Asked, Desk, Refusal, system};
use crate::ground::access::{Caller, Role, Scope, Token, User};
use crate::ground::id::{Object, TokenId, UserId, local_id};
use crate::ground::intake::FieldError;
use crate::ground::journal::{Actor, Cause};
use crate::ground::time::Instant;
use crate::ground::world::World;
use crate::store::secrets::SecretKey;
use crate::store::{Changes, Fail, Ledger, StoreError, View, Working};

/// How long a link that the operator asked for works, in milliseconds.
const LINK_MS: i64 = 30 * 60 * 1_000;
/// How long a link works that an admin hands to somebody, in milliseconds: over a weekend.
const INVITE_MS: i64 = 72 * 60 * 60 * 1_000;
/// How long a session works, in milliseconds.
const SESSION_MS: i64 = 12 * 60 * 60 * 1_000;
/// Shortest password.
const PASSWORD_MIN: usize = 12;
/// Longest password: hashing more than this would only cost time.
const PASSWORD_MAX: usize = 1_024;
/// What API tokens begin with, so that people and scanners recognise one.
const TOKEN_PREFIX: &str = "alm_";

/// What a one-time link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkPurpose {
    /// The first admin makes their account.
    Setup,
    /// This user is signed in.
    SignIn(UserId),
    /// This user chooses a password: they were invited, or reset.
    Password(UserId),
}

#[derive(Serialize, Deserialize)]
struct Link {
    purpose: LinkPurpose,
    expires_at: Instant,
}

#[derive(Serialize, Deserialize)]
struct Session {
    user: UserId,
    expires_at: Instant,
}

/// A person to be made a user.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Password; none for a user who only comes by link.
    pub password: Option<String>,
    /// What they may do.
    pub role: Role,
}

impl NewUser {
    fn like(user: &User) -> Self {
        Self { name: user.name.clone(), email: user.email.clone(), password: None, role: user.role }
    }
}

/// A secret text of 256 random bits.
pub(super) fn secret(world: &World) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(world.bytes::<32>())
}

fn slot(secret: &str) -> [u8; 32] {
    *blake3::hash(secret.as_bytes()).as_bytes()
}

pub(super) fn password_name(user: UserId) -> String {
    format!("password:{user}")
}

impl Desk {
    /// A link for one use within 30 minutes; answers its secret.
    pub async fn one_time_link(&self, purpose: LinkPurpose) -> Result<String, Refusal> {
        let text = secret(&self.world);
        let (slot, expires_at) = (slot(&text), self.world.now().plus_millis(LINK_MS));
        self.store
            .write(move |_| {
                let mut changes = Changes::new(system("One-time link made"));
                changes.working(Working::OneTimeLink, &slot, Some(&Link { purpose, expires_at }))?;
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(text)
    }

    /// Whether a link would work, and for what; it is not used up.
    pub fn link_purpose(&self, link: &str) -> Result<LinkPurpose, Refusal> {
        let snapshot = self.store.snapshot()?;
        usable_link(&snapshot.ledger(), link, self.world.now())
    }

    /// Uses a sign-in link up: answers the session's secret.
    pub async fn sign_in_by_link(&self, link: String) -> Result<String, Refusal> {
        let session = secret(&self.world);
        let made = session.clone();
        self.store
            .write(move |view| {
                let LinkPurpose::SignIn(user) = usable_link(view.ledger(), &link, view.world.now())? else {
                    return Err(Refusal::LinkSpent.into());
                };
                let mut changes = Changes::new(system("Signed in by link"));
                changes.working::<Link>(Working::OneTimeLink, &slot(&link), None)?;
                open_session(view, &mut changes, &made, user)?;
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(session)
    }

    /// Whose password a link is for; the link is not used up.
    pub fn password_link(&self, link: &str) -> Result<User, Refusal> {
        let snapshot = self.store.snapshot()?;
        let user = user_of_link(&snapshot.ledger(), link, self.world.now())?;
        Ok(user)
    }

    /// Uses an invitation or a reset up: stores the password that the user chose and signs them in.
    pub async fn choose_password(&self, link: String, password: String) -> Result<String, Refusal> {
        let user = self.password_link(&link)?;
        let new = checked(NewUser { password: Some(password), ..NewUser::like(&user) })?;
        let hash = self.password_hash(&new).await?;
        let key = self.key.clone();
        let session = secret(&self.world);
        let made = session.clone();
        self.store
            .write(move |view| {
                let user = user_of_link(view.ledger(), &link, view.world.now())?;
                let cause = Cause {
                    actor: Actor::User(user.id),
                    why: "Password chosen by link".into(),
                    request_id: None,
                };
                let mut changes = Changes::new(cause);
                drop_links(view.ledger(), &mut changes, user.id)?;
                end_sessions(view.ledger(), &mut changes, user.id)?;
                keep_password(view, &mut changes, user.id, hash, &key)?;
                let chosen = User { password_at: Some(view.world.now()), ..user };
                changes.update(Object::User, chosen.id.0, &chosen)?;
                open_session(view, &mut changes, &made, chosen.id)?;
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(session)
    }

    /// Uses the first-run link up: makes the first admin and signs them in.
    pub async fn set_up(&self, link: String, new: NewUser) -> Result<String, Refusal> {
        let new = checked(new)?;
        let hash = self.password_hash(&new).await?;
        let key = self.key.clone();
        let session = secret(&self.world);
        let made = session.clone();
        self.store
            .write(move |view| {
                if usable_link(view.ledger(), &link, view.world.now())? != LinkPurpose::Setup
                    || view.ledger().user_count()? > 0
                {
                    return Err(Refusal::LinkSpent.into());
                }
                let mut changes = Changes::new(system("First admin made"));
                changes.working::<Link>(Working::OneTimeLink, &slot(&link), None)?;
                let user = add_user(view, &mut changes, &new, hash, &key)?;
                open_session(view, &mut changes, &made, user)?;
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(session)
    }

    /// Makes a user unless there is one with this address (demo, operator).
    pub async fn ensure_user(&self, new: NewUser) -> Result<UserId, Refusal> {
        let hash = self.password_hash(&new).await?;
        let key = self.key.clone();
        let (_, id) = self
            .store
            .write(move |view| {
                let mut changes = Changes::new(system("User made"));
                let id = match view.ledger().user_by_email(&new.email)? {
                    Some(user) => user.value.id,
                    None => add_user(view, &mut changes, &new, hash, &key)?,
                };
                Ok::<_, Fail<Refusal>>((changes, id))
            })
            .await?;
        Ok(id)
    }

    /// Signs in with e-mail and password; answers the session's secret.
    pub async fn sign_in(&self, email: &str, password: String) -> Result<String, Refusal> {
        let email = email.trim().to_lowercase();
        let (user, sealed) = {
            let snapshot = self.store.snapshot()?;
            let user = snapshot.ledger().user_by_email(&email)?.map(|record| record.value.id);
            let sealed =
                user.map(|user| snapshot.ledger().sealed(&password_name(user))).transpose()?.flatten();
            (user, sealed)
        };
        let hash = user
            .zip(sealed.as_ref())
            .and_then(|(user, sealed)| self.key.open(&password_name(user), sealed).ok());
        let known = hash.is_some();
        // An unknown address costs as much time as a wrong password, so that addresses cannot be found out.
        let hash = hash.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| NOBODY.to_owned());
        let fits = blocking(move || verify(&hash, &password)).await?;
        let (true, true, Some(user)) = (fits, known, user) else { return Err(Refusal::WrongLogin) };
        let session = secret(&self.world);
        let made = session.clone();
        self.store
            .write(move |view| {
                // Looking at a password takes a while, in which the user may have been reset.
                if view.ledger().sealed(&password_name(user))? != sealed {
                    return Err(Refusal::WrongLogin.into());
                }
                let mut changes = Changes::new(system("Signed in"));
                open_session(view, &mut changes, &made, user)?;
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(session)
    }

    /// Ends a session.
    pub async fn sign_out(&self, session: &str) -> Result<(), Refusal> {
        let slot = slot(session);
        self.store
            .write(move |_| {
                let mut changes = Changes::new(system("Signed out"));
                changes.working::<Session>(Working::Session, &slot, None)?;
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }

    /// Makes an API token; its secret is answered this once.
    pub async fn create_token(
        &self,
        asked: &Asked,
        name: String,
        scopes: Vec<Scope>,
    ) -> Result<(TokenId, String), Refusal> {
        if name.trim().is_empty() || scopes.is_empty() {
            let message = "Give the token a name and at least one scope.".into();
            return Err(Refusal::Invalid(vec![FieldError { field: "name".into(), message }]));
        }
        let text = format!("{TOKEN_PREFIX}{}", secret(&self.world));
        let slot = slot(&text);
        let cause = asked.cause("API token made");
        let (_, id) = self
            .store
            .write(move |view| {
                let id = TokenId(local_id(Object::Token, view.world.origin()));
                let token = Token {
                    id,
                    name: name.trim().to_owned(),
                    scopes,
                    created_at: view.world.now(),
                    revoked: false,
                };
                let mut changes = Changes::new(cause);
                changes.create(Object::Token, id.0, &token)?;
                changes.working(Working::TokenHash, &slot, Some(&id))?;
                Ok::<_, Fail<Refusal>>((changes, id))
            })
            .await?;
        Ok((id, text))
    }

    /// Takes an API token back.
    pub async fn revoke_token(&self, asked: &Asked, id: TokenId) -> Result<(), Refusal> {
        let cause = asked.cause("API token revoked");
        self.store
            .write(move |view| {
                let token = view.ledger().token(id)?.ok_or(Refusal::NotFound("token"))?.value;
                let mut changes = Changes::new(cause);
                changes.update(Object::Token, id.0, &Token { revoked: true, ..token })?;
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }

    /// Who holds this session; nobody when it is unknown or over.
    pub fn session_caller(&self, session: &str) -> Result<Option<Caller>, StoreError> {
        let slot = slot(session);
        let found = self.store.snapshot()?.memo("session", &slot, |ledger| {
            let Some(session) = ledger.working::<Session>(Working::Session, &slot)? else { return Ok(None) };
            let user = ledger.user(session.user)?.map(|record| record.value).filter(User::enabled);
            Ok(user.map(|user| (session.expires_at, Caller::User(user))))
        })?;
        // Whether it is over is a question of the moment and not of what is stored.
        let valid = found.as_ref().as_ref().filter(|(expires_at, _)| *expires_at > self.world.now());
        Ok(valid.map(|(_, caller)| caller.clone()))
    }

    /// Whose token this is; nobody's when it is unknown or revoked.
    pub fn token_caller(&self, token: &str) -> Result<Option<Caller>, StoreError> {
        let slot = slot(token);
        let found = self.store.snapshot()?.memo("token", &slot, |ledger| {
            let Some(id) = ledger.working::<TokenId>(Working::TokenHash, &slot)? else { return Ok(None) };
            let token = ledger.token(id)?.map(|record| record.value);
            Ok(token.filter(|token| !token.revoked).map(Caller::Token))
        })?;
        Ok((*found).clone())
    }

    async fn password_hash(&self, new: &NewUser) -> Result<Option<String>, Refusal> {
        let Some(password) = new.password.clone() else { return Ok(None) };
        let salt: [u8; 16] = self.world.bytes();
        blocking(move || hash(&password, &salt)).await?.map(Some)
    }
}

/// Hashing takes tens of milliseconds: not on the threads that answer requests.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Refusal::Unavailable(StoreError::Unavailable(error.to_string())))
}

fn hash(password: &str, salt: &[u8]) -> Result<String, Refusal> {
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), salt);
    hash.map(|hash| hash.to_string())
        .map_err(|error| Refusal::Unavailable(StoreError::Unavailable(error.to_string())))
}

/// The hash of no password, with the same parameters as ours.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn verify(hash: &str, password: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

fn usable_link(ledger: &Ledger<'_>, link: &str, now: Instant) -> Result<LinkPurpose, Refusal> {
    let found: Option<Link> = ledger.working(Working::OneTimeLink, &slot(link))?;
    found.filter(|link| link.expires_at > now).map(|link| link.purpose).ok_or(Refusal::LinkSpent)
}

/// The user whose password a link is for, while it works and they may come in.
fn user_of_link(ledger: &Ledger<'_>, link: &str, now: Instant) -> Result<User, Refusal> {
    let LinkPurpose::Password(user) = usable_link(ledger, link, now)? else { return Err(Refusal::LinkSpent) };
    let user = ledger.user(user)?.map(|record| record.value).filter(User::enabled);
    user.ok_or(Refusal::LinkSpent)
}

/// A link with which a user chooses a password, in the place of those they had. Answers its secret and when it ends.
pub(super) fn ask_for_password(
    view: &View<'_>,
    changes: &mut Changes,
    user: UserId,
) -> Result<(String, Instant), StoreError> {
    drop_links(view.ledger(), changes, user)?;
    let (text, expires_at) = (secret(view.world), view.world.now().plus_millis(INVITE_MS));
    let link = Link { purpose: LinkPurpose::Password(user), expires_at };
    changes.working(Working::OneTimeLink, &slot(&text), Some(&link))?;
    Ok((text, expires_at))
}

/// Until when a user can choose a password; none when no link of theirs works.
pub fn password_asked(
    ledger: &Ledger<'_>,
    user: UserId,
    now: Instant,
) -> Result<Option<Instant>, StoreError> {
    let links = ledger.working_rows::<Link>(Working::OneTimeLink)?.into_iter();
    let theirs =
        links.filter(|(_, link)| link.purpose == LinkPurpose::Password(user) && link.expires_at > now);
    Ok(theirs.map(|(_, link)| link.expires_at).max())
}

/// Whether a user can sign in with a password.
pub fn has_password(ledger: &Ledger<'_>, user: UserId) -> Result<bool, StoreError> {
    Ok(ledger.sealed(&password_name(user))?.is_some())
}

/// Ends every session of a user.
pub(super) fn end_sessions(
    ledger: &Ledger<'_>,
    changes: &mut Changes,
    user: UserId,
) -> Result<(), StoreError> {
    for (slot, session) in ledger.working_rows::<Session>(Working::Session)? {
        if session.user == user {
            changes.working::<Session>(Working::Session, &slot, None)?;
        }
    }
    Ok(())
}

/// Takes every link of a user back.
pub(super) fn drop_links(ledger: &Ledger<'_>, changes: &mut Changes, user: UserId) -> Result<(), StoreError> {
    for (slot, link) in ledger.working_rows::<Link>(Working::OneTimeLink)? {
        if matches!(link.purpose, LinkPurpose::SignIn(of) | LinkPurpose::Password(of) if of == user) {
            changes.working::<Link>(Working::OneTimeLink, &slot, None)?;
        }
    }
    Ok(())
}

fn open_session(
    view: &View<'_>,
    changes: &mut Changes,
    secret: &str,
    user: UserId,
) -> Result<(), Fail<Refusal>> {
    // The first admin is made in this same commit and stands nowhere yet.
    if view.ledger().user(user)?.is_some_and(|record| !record.value.enabled()) {
        return Err(Refusal::SwitchedOff.into());
    }
    // Whoever comes in takes out what is over.
    let now = view.world.now();
    for (slot, session) in view.ledger().working_rows::<Session>(Working::Session)? {
        if session.expires_at <= now {
            changes.working::<Session>(Working::Session, &slot, None)?;
        }
    }
    for (slot, link) in view.ledger().working_rows::<Link>(Working::OneTimeLink)? {
        if link.expires_at <= now {
            changes.working::<Link>(Working::OneTimeLink, &slot, None)?;
        }
    }
    let session = Session { user, expires_at: view.world.now().plus_millis(SESSION_MS) };
    changes.working(Working::Session, &slot(secret), Some(&session))?;
    Ok(())
}

fn keep_password(
    view: &View<'_>,
    changes: &mut Changes,
    user: UserId,
    hash: Option<String>,
    key: &SecretKey,
) -> Result<(), StoreError> {
    let Some(hash) = hash else { return Ok(()) };
    let name = password_name(user);
    let sealed = key.seal(&name, hash.as_bytes(), view.world);
    let sealed = sealed.map_err(|error| StoreError::Unavailable(error.to_string()))?;
    changes.secret(&name, Some(sealed));
    Ok(())
}

fn add_user(
    view: &View<'_>,
    changes: &mut Changes,
    new: &NewUser,
    hash: Option<String>,
    key: &SecretKey,
) -> Result<UserId, Fail<Refusal>> {
    let id = UserId(local_id(Object::User, view.world.origin()));
    let (name, email) = (new.name.clone(), new.email.clone());
    let user = User::new(id, name, email, new.role, view.world.now());
    changes.create(Object::User, id.0, &user)?;
    keep_password(view, changes, id, hash, key)?;
    Ok(id)
}

/// A new user with what people type made sound, or what is wrong with it.
pub(super) fn checked(new: NewUser) -> Result<NewUser, Refusal> {
    let name = new.name.trim().to_owned();
    let email = new.email.trim().to_lowercase();
    let length = new.password.as_deref().map_or(PASSWORD_MIN, |password| password.chars().count());
    let wrong = [
        (name.is_empty(), "name", "Write your name; it stands beside what you do."),
        (
            !email.contains('@') || email.len() < 3,
            "email",
            "Write an e-mail address such as maya@example.org.",
        ),
        (
            !(PASSWORD_MIN..=PASSWORD_MAX).contains(&length),
            "password",
            "Choose a password of at least 12 characters.",
        ),
    ];
    let errors: Vec<FieldError> = wrong
        .into_iter()
        .filter(|(is, _, _)| *is)
        .map(|(_, field, message)| FieldError { field: field.into(), message: message.into() })
        .collect();
    if errors.is_empty() { Ok(NewUser { name, email, ..new }) } else { Err(Refusal::Invalid(errors)) }
}
