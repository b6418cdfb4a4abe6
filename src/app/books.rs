//! Puts the books together: the app at Intuit, its gate, its rail, its tokens.

use std::sync::Arc;

use crate::config::{Config, QuickBooks};
use crate::desk::books::Setup;
use crate::faces::http::BooksTelling;
use crate::ground::books::custody::Secret;
use crate::ground::books::meter::Allowance;
use crate::ground::id::ConnectionId;
use crate::ground::journal::{Actor, Cause};
use crate::ground::time::Zone;
use crate::rails::Transport;
use crate::rails::http::HttpTransport;
use crate::rails::qbo::oauth::{App, Hosts};
use crate::rails::qbo::{PRODUCTION, QboRail, QboTexts, SANDBOX};
use crate::runs::Means;
use crate::runs::books::BooksMeans;
use crate::runs::books::tokens::Custodian;
use crate::runs::gate::books::BooksGate;
use crate::store::{Changes, Fail, Store, Working};

/// Where people come back to from QuickBooks.
pub const RETURN: &str = "/connect/quickbooks";

/// The app, where it can be used: a person has to find the way back.
fn app(config: &Config) -> Option<App> {
    let QuickBooks { client_id, client_secret, authorise_url, token_url, revoke_url, .. } =
        config.quickbooks.clone()?;
    let usual = Hosts::default();
    let hosts = Hosts {
        authorise: authorise_url.unwrap_or(usual.authorise),
        token: token_url.unwrap_or(usual.token),
        revoke: revoke_url.unwrap_or(usual.revoke),
    };
    let redirect = format!("{}{RETURN}", config.public_url.as_deref()?);
    Some(App { client_id, client_secret: Secret::new(&client_secret)?, redirect, hosts })
}

/// What the desk knows of it.
pub(super) fn setup(config: &Config) -> Setup {
    let verifier = config.quickbooks.as_ref().and_then(|it| Secret::new(it.verifier.as_deref()?));
    Setup { door: app(config).map(|app| app.door()), verifier, texts: Some(Arc::new(QboTexts)) }
}

/// What the runs need; none where QuickBooks is not set up.
pub(super) async fn means(means: &Means, config: &Config, zone: &Zone) -> anyhow::Result<Option<BooksMeans>> {
    let (Some(settings), Some(app)) = (&config.quickbooks, app(config)) else { return Ok(None) };
    let (store, world, key) = (means.store.clone(), means.world.clone(), means.key.clone());
    let clean = ended_cleanly(&store).await?;
    let meter = store.snapshot()?.ledger().books_meter()?;
    let allowance = Allowance { calls: settings.calls_per_month, ..Allowance::DEFAULT };
    let gate = BooksGate::open(world.clone(), meter, settings.share_percent, allowance, clean);
    let transport: Arc<dyn Transport> = Arc::new(HttpTransport::patient()?);
    let usual = if settings.sandbox { SANDBOX } else { PRODUCTION };
    let rail = QboRail::new(Arc::clone(&transport), settings.api_url.as_deref().unwrap_or(usual));
    let tokens = Custodian::new(store.clone(), world.clone(), key.clone(), app, transport);
    Ok(Some(BooksMeans { store, world, key, gate, rail, tokens: Arc::new(tokens), zone: zone.clone() }))
}

fn cause(why: &str) -> Cause {
    Cause { actor: Actor::System, why: why.into(), request_id: None }
}

fn slot() -> [u8; 2] {
    ConnectionId::BOOKS_FIRST.0.to_be_bytes()
}

/// Whether the last process ended by itself, or there was none; read once, so that a crash from here on is seen.
async fn ended_cleanly(store: &Store) -> anyhow::Result<bool> {
    let written = store.write(|view| {
        let kept: Option<bool> = view.ledger().working(Working::Budget, &slot())?;
        let is_new = view.ledger().books_meter()?.is_none();
        let mut changes = Changes::new(cause("start"));
        changes.working::<bool>(Working::Budget, &slot(), None)?;
        Ok::<_, Fail<()>>((changes, kept.is_some() || is_new))
    });
    written.await.map(|(_, clean)| clean).map_err(|error| anyhow::anyhow!("{error:?}"))
}

/// Keeps what was not used of the month over a clean stop.
pub(super) async fn keep(books: &BooksMeans) -> anyhow::Result<()> {
    let meter = books.gate.settled();
    let written = books.store.write(move |_| {
        let mut changes = Changes::new(cause("stop"));
        changes.books_meter(&meter)?;
        changes.working(Working::Budget, &slot(), Some(&true))?;
        Ok::<_, Fail<()>>((changes, ()))
    });
    written.await.map(|_| ()).map_err(|error| anyhow::anyhow!("{error:?}"))
}

/// Tells the face how the month stands.
pub(super) fn telling(books: &BooksMeans) -> BooksTelling {
    let gate = books.gate.clone();
    Arc::new(move || gate.month())
}
