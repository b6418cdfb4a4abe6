//! Custody of every company's tokens: one refresher a company, the new pair committed before it is used (contract 1.5).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::ground::books::custody::{Ask, Bearer, Custody, Decision, Lost, Next, Pair, Refresher, Secret};
use crate::ground::books::{Connected, RealmId};
use crate::ground::journal::{Actor, Cause};
use crate::ground::time::Instant;
use crate::ground::world::World;
use crate::rails::Transport;
use crate::rails::qbo::oauth::{self, App, NotConnected};
use crate::store::secrets::SecretKey;
use crate::store::{Changes, Fail, Ledger, Store, StoreError, WriteError};

/// Keeps the tokens of all companies.
pub struct Custodian {
    store: Store,
    world: World,
    key: SecretKey,
    app: App,
    transport: Arc<dyn Transport>,
    refreshers: Mutex<BTreeMap<RealmId, Arc<tokio::sync::Mutex<Refresher>>>>,
}

/// Why there is no token to call with.
#[derive(Debug)]
pub enum NoToken {
    /// A person has to connect the company again.
    Reconnect,
    /// The token server does not answer. Not before this moment.
    Until(Instant),
    /// The ledger does not answer, or its key does not open what it sealed.
    Store(StoreError),
}

impl From<StoreError> for NoToken {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<WriteError<()>> for NoToken {
    fn from(error: WriteError<()>) -> Self {
        match error {
            WriteError::Store(error) => Self::Store(error),
            WriteError::Refused(()) => Self::Reconnect,
        }
    }
}

/// What is stored of a company's tokens, opened.
fn opened(ledger: &Ledger<'_>, key: &SecretKey, realm: &RealmId) -> Result<Option<Custody>, StoreError> {
    let name = Connected::secret_name(realm);
    let Some(sealed) = ledger.sealed(&name)? else { return Ok(None) };
    let opened = key.open(&name, &sealed).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let custody = serde_json::from_slice(&opened);
    custody
        .map(Some)
        .map_err(|error| StoreError::Unavailable(format!("stored tokens cannot be read: {error}")))
}

/// Puts the tokens of a company into changes, sealed.
pub(super) fn put(
    changes: &mut Changes,
    key: &SecretKey,
    world: &World,
    custody: &Custody,
) -> Result<(), StoreError> {
    let name = Connected::secret_name(custody.realm());
    let text = serde_json::to_vec(custody).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let sealed = key.seal(&name, &text, world).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    changes.secret(&name, Some(sealed));
    Ok(())
}

fn cause(why: &str) -> Cause {
    Cause { actor: Actor::System, why: why.into(), request_id: None }
}

impl Custodian {
    /// The custodian of this ledger, for this app.
    pub fn new(store: Store, world: World, key: SecretKey, app: App, transport: Arc<dyn Transport>) -> Self {
        Self { store, world, key, app, transport, refreshers: Mutex::default() }
    }

    fn refresher(&self, realm: &RealmId) -> Arc<tokio::sync::Mutex<Refresher>> {
        let mut refreshers = self.refreshers.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(refreshers.entry(realm.clone()).or_default())
    }

    fn stored(&self, realm: &RealmId) -> Result<Option<Custody>, StoreError> {
        opened(&self.store.snapshot()?.ledger(), &self.key, realm)
    }

    /// What is stored of a company's tokens.
    pub fn custody(&self, realm: &RealmId) -> Result<Option<Custody>, StoreError> {
        self.stored(realm)
    }

    /// A token to call a company with; `refused` is the revision of one that was refused, if one was. Whoever asks while a
    /// refresh is under way waits for its commit.
    pub async fn bearer(&self, realm: &RealmId, refused: Option<u64>) -> Result<Bearer, NoToken> {
        // Most calls find a good token and need not wait for a refresher.
        match self.stored(realm)?.ok_or(NoToken::Reconnect)?.next(refused, self.world.now()) {
            Next::Call(bearer) => return Ok(bearer),
            Next::Reconnect => return Err(NoToken::Reconnect),
            Next::Refresh => {}
        }
        let refresher = self.refresher(realm);
        let mut refresher = refresher.lock().await;
        loop {
            let now = self.world.now();
            let stored = self.stored(realm)?.ok_or(NoToken::Reconnect)?;
            match stored.next(refused, now) {
                Next::Call(bearer) => return Ok(bearer),
                Next::Reconnect => return Err(NoToken::Reconnect),
                Next::Refresh => {}
            }
            let Some(ask) = refresher.begin(&stored, now) else {
                return Err(NoToken::Until(refresher.not_before()));
            };
            if let Some(until) = self.exchange(realm, &mut refresher, ask).await? {
                return Err(NoToken::Until(until));
            }
        }
    }

    /// Refreshes the tokens of a company that nobody asked for lately, so that they do not end (contract 1.5).
    pub async fn keep_alive(&self, realm: &RealmId) -> Result<(), NoToken> {
        let refresher = self.refresher(realm);
        let mut refresher = refresher.lock().await;
        let Some(stored) = self.stored(realm)? else { return Ok(()) };
        let now = self.world.now();
        if !stored.is_idle(now) {
            return Ok(());
        }
        match refresher.begin(&stored, now) {
            Some(ask) => match self.exchange(realm, &mut refresher, ask).await? {
                Some(until) => Err(NoToken::Until(until)),
                None => Ok(()),
            },
            None => Err(NoToken::Until(refresher.not_before())),
        }
    }

    /// One exchange and what follows from it, until something is stored; or until when to wait.
    async fn exchange(
        &self,
        realm: &RealmId,
        refresher: &mut Refresher,
        mut ask: Ask,
    ) -> Result<Option<Instant>, NoToken> {
        loop {
            let request = self.app.refresh(&ask.refresh);
            let request = request.map_err(|error| StoreError::Unavailable(error.to_string()))?;
            let reply = self.transport.send(request).await;
            let now = self.world.now();
            let answer = oauth::answer(reply, now);
            let kind = kind_of(&answer);
            let stored = self.stored(realm)?.ok_or(NoToken::Reconnect)?;
            match refresher.answered(&ask, answer, &stored, now) {
                Decision::Commit(custody) => {
                    let lost = matches!(custody.next(None, now), Next::Reconnect);
                    tracing::info!(event = "qbo_tokens_refreshed", realm = realm.as_str(), kind, lost);
                    self.commit(*custody).await?;
                    return Ok(None);
                }
                Decision::Again(newer) => ask = newer,
                Decision::Keep(until) => {
                    tracing::warn!(event = "qbo_tokens_not_refreshed", realm = realm.as_str(), kind);
                    return Ok(Some(until));
                }
            }
        }
    }

    /// Stores new tokens, if what they were made from is still what is stored.
    async fn commit(&self, custody: Custody) -> Result<(), WriteError<()>> {
        let (key, world) = (self.key.clone(), self.world.clone());
        self.store
            .write(move |view| {
                let mut changes = Changes::new(cause("refresh the access to a company of QuickBooks"));
                if let Some(stored) = opened(view.ledger(), &key, custody.realm())?
                    && let Ok(custody) = Custody::swap(&stored, custody)
                {
                    put(&mut changes, &key, &world, &custody)?;
                }
                Ok::<_, Fail<()>>((changes, ()))
            })
            .await?;
        Ok(())
    }

    /// A token that was fresh is refused too: a person has to connect the company again.
    pub async fn lose(&self, realm: &RealmId, revision: u64) -> Result<(), NoToken> {
        let Some(stored) = self.stored(realm)?.filter(|stored| stored.revision() == revision) else {
            return Ok(());
        };
        self.commit(stored.lost(Lost::AccessRefused, self.world.now())).await?;
        Ok(())
    }

    /// Exchanges the code of a person's consent.
    pub async fn redeem(&self, code: &Secret) -> Result<Pair, NotConnected> {
        let request = self.app.exchange(code).map_err(|_| NotConnected::NoAnswer)?;
        oauth::exchanged(self.transport.send(request).await, self.world.now())
    }

    /// Gives a company's token back. Best effort: that it is forgotten here is what counts.
    pub async fn revoke(&self, custody: &Custody) {
        if let Ok(request) = self.app.revoke(custody.refresh_token()) {
            let reply = self.transport.send(request).await;
            let given_back = reply.is_ok_and(|reply| reply.status().is_success());
            tracing::info!(event = "qbo_tokens_revoked", realm = custody.realm().as_str(), given_back);
        }
    }
}

const fn kind_of(answer: &crate::ground::books::custody::Answer) -> &'static str {
    use crate::ground::books::custody::Answer;
    match answer {
        Answer::Pair(_) => "pair",
        Answer::InvalidGrant => "invalid_grant",
        Answer::InvalidClient => "invalid_client",
        Answer::NoAnswer => "no_answer",
    }
}
