//! The firm of the demo: a simulated QuickBooks with twelve companies in different shape, connected as a person would.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::LOCATION;
use tokio::sync::watch;

use super::Birth;
use crate::config::{Config, QuickBooks};
use crate::desk::{Asked, Desk};
use crate::ground::access::Caller;
use crate::ground::books::RealmId;
use crate::ground::books::consent::Stage;
use crate::ground::world::World;
use crate::sim::qbo::{Form, Options, Qbo, Shape};

/// Where QuickBooks sends its webhooks at the demo.
const HOOK: &str = "/hooks/quickbooks";
/// Events are gathered so long there, in microseconds.
const GATHER: i64 = 2_000_000;

/// The firm, and which company is in which shape.
pub(super) struct Firm {
    pub(super) qbo: Qbo,
    companies: Vec<(RealmId, Shape)>,
}

impl Firm {
    /// A firm whose books were kept until a fixed moment, so that the same seed makes the same ones again.
    pub(super) fn new(world: &World, birth: Birth) -> anyhow::Result<Self> {
        let clock = world.clock.clone();
        let born = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&born);
        let now = move || if told.load(Ordering::SeqCst) { clock.now().0 } else { birth.at };
        let qbo = Qbo::new(Options::new(birth.seed, now));
        let mut companies = Vec::new();
        for (realm, shape) in qbo.add_firm() {
            // What has ended ends in front of whoever watches: first its books are read.
            qbo.set_lapsed(&realm, false);
            companies.push((realm.parse()?, shape));
        }
        born.store(true, Ordering::SeqCst);
        Ok(Self { qbo, companies })
    }

    /// Points the appliance at the simulated QuickBooks, and that at the appliance.
    pub(super) fn settle(&self, config: &mut Config, url: &str) {
        let (client_id, client_secret) = self.qbo.client();
        let at = |path: &str| Some(format!("{url}{path}"));
        config.quickbooks = Some(QuickBooks {
            client_id,
            client_secret,
            verifier: Some(self.qbo.verifier()),
            sandbox: false,
            share_percent: 100,
            calls_per_month: 300_000,
            api_url: Some(url.to_owned()),
            authorise_url: at("/connect/oauth2"),
            token_url: at("/oauth2/v1/tokens/bearer"),
            revoke_url: at("/v2/oauth2/tokens/revoke"),
        });
        if let Some(own) = &config.public_url {
            self.qbo.set_webhook(&format!("{own}{HOOK}"), Form::Cloud, GATHER);
        }
    }

    /// Connects every company; once all were read, one is disconnected there and the subscription of another ends.
    pub(super) async fn live(self, desk: Desk, mut stopped: watch::Receiver<bool>) -> anyhow::Result<()> {
        let maya = desk.store.snapshot()?.ledger().user_by_email("maya@harbour-lights.example")?;
        let maya = maya.ok_or_else(|| anyhow::anyhow!("the demo's user is gone"))?.value;
        let asked = Asked { caller: Caller::User(maya), request_id: desk.world.uuid().to_string() };
        for (realm, _) in &self.companies {
            self.connect(&desk, &asked, realm, &mut stopped).await?;
            // A simulated QuickBooks that was started anew has forgotten what was changed in a kept demo.
            if is_read(&desk, realm)? {
                desk.load_company(&asked, realm.clone()).await?;
            }
        }
        for (realm, shape) in &self.companies {
            if !matches!(shape, Shape::Broken | Shape::Lapsed) {
                continue;
            }
            while !is_read(&desk, realm)? {
                pause(&mut stopped).await;
            }
            match shape {
                Shape::Broken => self.qbo.disconnect(realm.as_str()),
                _ => self.qbo.set_lapsed(realm.as_str(), true),
            }
            desk.look_at_company(&asked, realm.clone()).await?;
        }
        std::future::pending().await
    }

    /// As a person does it: sent to QuickBooks, says yes for one company, comes back.
    async fn connect(
        &self,
        desk: &Desk,
        asked: &Asked,
        realm: &RealmId,
        stopped: &mut watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        self.qbo.pick(Some(realm.as_str()));
        let address = desk.ask_consent(asked).await?;
        let request = http::Request::get(&address).body(Bytes::new())?;
        let answer = self.qbo.answer(request).map_err(|broken| anyhow::anyhow!("{broken}"))?;
        let back = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
        let query = back.and_then(|back| back.split_once('?')).map(|(_, query)| query.to_owned());
        let query = query.ok_or_else(|| anyhow::anyhow!("the simulated QuickBooks sends nobody back"))?;
        let key = desk.consent_back(&query).await?;
        while !matches!(desk.consent_stage(&key)?, Some(Stage::Connected(_) | Stage::Failed(_)) | None) {
            pause(stopped).await;
        }
        Ok(())
    }
}

/// Ends early only when the demo stops.
async fn pause(stopped: &mut watch::Receiver<bool>) {
    let _ = tokio::time::timeout(Duration::from_millis(100), stopped.changed()).await;
}

/// Whether the books of a company were read completely once.
fn is_read(desk: &Desk, realm: &RealmId) -> anyhow::Result<bool> {
    let snapshot = desk.store.snapshot()?;
    let ledger = snapshot.ledger();
    let Some(company) = ledger.company(realm)? else { return Ok(false) };
    let books = ledger.books(company.value.connection)?;
    Ok(books.complete_as_of.is_some() && books.load.is_none())
}
