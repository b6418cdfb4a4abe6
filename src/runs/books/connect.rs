//! A company is connected, and disconnected: the code of a person's consent becomes tokens, which are stored before
//! anything is done with them; a token that is not needed any more is given back (contract 1).

use super::BooksMeans;
use super::call::Stop;
use super::tokens::put;
use crate::ground::books::consent::{Consent, Stage};
use crate::ground::books::custody::{Custody, Pair, Secret};
use crate::ground::books::{Connected, RealmId};
use crate::ground::id::{ConnectionId, ConnectionKey, Object};
use crate::ground::journal::{Actor, Cause};
use crate::rails::qbo::oauth::NotConnected;
use crate::store::{Changes, Fail, StoreError, View};

fn cause(actor: &Actor, why: &str) -> Cause {
    Cause { actor: actor.clone(), why: why.into(), request_id: None }
}

/// Exchanges the code of a consent and stores what came of it.
pub(super) async fn exchange(means: &BooksMeans, key: Vec<u8>) -> Result<(), Stop> {
    let Some((consent, realm, code)) = waiting(means, &key)? else { return Ok(()) };
    // A code is good once: it is forgotten with whatever comes of it.
    match means.tokens.redeem(&code).await {
        Ok(pair) => connected(means, key, consent, realm, pair).await,
        Err(why) => failed(means, key, consent, why).await,
    }
}

fn waiting(means: &BooksMeans, key: &[u8]) -> Result<Option<(Consent, RealmId, Secret)>, StoreError> {
    let snapshot = means.store.snapshot()?;
    let Some(consent) = snapshot.ledger().consent(key)? else { return Ok(None) };
    let Stage::Back(realm) = consent.stage.clone() else { return Ok(None) };
    let name = Consent::secret_name(key);
    let opened = snapshot.ledger().sealed(&name)?.and_then(|sealed| means.key.open(&name, &sealed).ok());
    let code = opened.and_then(|code| String::from_utf8(code).ok()).and_then(|code| Secret::new(&code));
    Ok(code.map(|code| (consent, realm, code)))
}

async fn connected(
    means: &BooksMeans,
    key: Vec<u8>,
    consent: Consent,
    realm: RealmId,
    pair: Pair,
) -> Result<(), Stop> {
    let (secret_key, world) = (means.key.clone(), means.world.clone());
    let stored = means.tokens.custody(&realm)?;
    tracing::info!(event = "qbo_company_connected", realm = realm.as_str(), again = stored.is_some());
    means
        .store
        .write(move |view| {
            let mut changes = Changes::new(cause(&consent.by, "connect a company of QuickBooks"));
            let custody = match &stored {
                Some(stored) => stored.renewed(pair),
                None => Custody::connected(realm.clone(), pair),
            };
            put(&mut changes, &secret_key, &world, &custody)?;
            join(view, &mut changes, &realm)?;
            changes.secret(&Consent::secret_name(&key), None);
            changes.consent(&key, Some(&Consent { stage: Stage::Connected(realm), ..consent }))?;
            Ok::<_, Fail<()>>((changes, ()))
        })
        .await?;
    Ok(())
}

/// The company as one of ours: new, or again with the identity it had.
pub(super) fn join(view: &View<'_>, changes: &mut Changes, realm: &RealmId) -> Result<(), StoreError> {
    let (now, id) = (view.world.now(), Connected::id_of(realm));
    let known = view.ledger().company(realm)?.map(|known| known.value);
    let connection = match &known {
        Some(known) => known.connection,
        None => next_connection(view)?,
    };
    match known {
        Some(known) if known.disconnected_at.is_none() => {}
        Some(known) => changes.update(Object::Company, id, &Connected { disconnected_at: None, ..known })?,
        None => {
            let key = ConnectionKey(view.world.uuid());
            changes.create(Object::Company, id, &Connected::new(key, connection, realm.clone(), now))?;
        }
    }
    let mut books = view.ledger().books(connection)?;
    books.resume(now);
    changes.books(connection, &books)
}

/// The next number that no company has or had.
fn next_connection(view: &View<'_>) -> Result<ConnectionId, StoreError> {
    let last = view.ledger().companies()?.iter().map(|company| company.value.connection.0).max();
    let next = last.map_or(Some(ConnectionId::BOOKS_FIRST.0), |last| last.checked_add(1));
    next.map(ConnectionId)
        .ok_or_else(|| StoreError::Unavailable("no further company can be connected".into()))
}

async fn failed(means: &BooksMeans, key: Vec<u8>, consent: Consent, why: NotConnected) -> Result<(), Stop> {
    tracing::warn!(event = "qbo_company_not_connected", reason = %why);
    means
        .store
        .write(move |_| {
            let mut changes = Changes::new(cause(&consent.by, "connect a company of QuickBooks"));
            changes.secret(&Consent::secret_name(&key), None);
            changes.consent(&key, Some(&Consent { stage: Stage::Failed(why.to_string()), ..consent }))?;
            Ok::<_, Fail<()>>((changes, ()))
        })
        .await?;
    Ok(())
}

/// Gives the tokens of a company that was disconnected back, and forgets them.
pub(super) async fn forget(means: &BooksMeans, realm: RealmId) -> Result<(), Stop> {
    if let Some(custody) = means.tokens.custody(&realm)? {
        means.tokens.revoke(&custody).await;
    }
    means
        .store
        .write(move |view| {
            let mut changes = Changes::new(cause(&Actor::System, "disconnect a company of QuickBooks"));
            // Somebody may have connected it again meanwhile.
            let gone = view.ledger().company(&realm)?.is_some_and(|it| it.value.disconnected_at.is_some());
            if gone {
                changes.secret(&Connected::secret_name(&realm), None);
            }
            Ok::<_, Fail<()>>((changes, ()))
        })
        .await?;
    Ok(())
}
