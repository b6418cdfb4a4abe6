//! What can be done with the Twenty workspace alone, without a ledger: provisioning it, and saying whether it is well.
//! Works beside a running server: no call here costs any of the record budget (contract 3.1).

use std::sync::Arc;
use std::time::Duration;

use crate::config::CrmConfig;
use crate::ground::budget::{Buckets, Limit};
use crate::ground::provision::{Lack, Progress, lacks};
use crate::ground::time::Instant;
use crate::ground::world::World;
use crate::rails::http::HttpTransport;
use crate::rails::twenty::TwentyRail;
use crate::runs::gate::Gate;
use crate::runs::provision::{Provisioner, in_words};
use crate::runs::{connection, plain};

/// A Twenty workspace at hand.
pub struct Crm {
    world: World,
    gate: Gate,
    rail: TwentyRail,
    /// The workspace the key says it belongs to.
    workspace: Option<String>,
    /// Where its webhooks could reach us.
    hook_url: Option<String>,
}

/// How a workspace was found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The server's version, where it tells; else why it does not answer.
    pub version: Result<Option<String>, String>,
    /// The workspace the key says it belongs to.
    pub workspace: Option<String>,
    /// What is missing; else why that could not be read.
    pub lacks: Result<Vec<Lack>, String>,
    /// Webhooks; none without an address where they could reach us.
    pub webhook: Option<Webhook>,
}

/// Our webhook.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Where it goes.
    pub url: String,
    /// Whether Twenty has it; else why that could not be read.
    pub registered: Result<bool, String>,
}

impl Crm {
    /// The workspace that the settings name.
    pub fn open(world: World, config: &CrmConfig) -> anyhow::Result<Self> {
        let gate = Gate::new(
            world.clone(),
            Buckets::full(&Limit::TWENTY_BOTH, 100, world.now()),
            config.key.clone(),
        );
        Ok(Self {
            gate,
            world,
            rail: TwentyRail::new(Arc::new(HttpTransport::new()?), &config.url),
            workspace: super::workspace_of(&config.key),
            hook_url: config.public_url.as_ref().map(|url| super::hook_url(url)),
        })
    }

    /// Where the server is.
    pub fn url(&self) -> &str {
        self.rail.base()
    }

    /// Tells the plan and, if wanted, carries it out, telling every step.
    pub async fn provision(&self, apply: bool, mut tell: impl FnMut(&Progress)) {
        let mut run = Provisioner::new(&self.rail, &self.gate, &self.world);
        loop {
            let progress = run.step().await;
            tell(&progress);
            match progress {
                Progress::Wait(until, _) => self.wait(until).await,
                Progress::Planned(_) if !apply => return,
                Progress::Stopped(_) | Progress::Ended(_) => return,
                Progress::Planned(_) | Progress::Done(_) | Progress::Failed(..) => {}
            }
        }
    }

    /// Whether the server answers, takes the key and has what is wanted. One try each: a person waits.
    pub async fn check(&self) -> Checked {
        let version = self.rail.version(&self.gate.unmetered()).await.map_err(|trouble| plain(&trouble));
        let schema = connection::read_schema(&self.rail, &self.gate).await;
        let webhook = match &self.hook_url {
            None => None,
            Some(url) => {
                let hooks = self.rail.hooks(&self.gate.unmetered()).await;
                let registered = hooks
                    .map(|hooks| hooks.iter().any(|hook| hook.target_url == *url && hook.tells_all()))
                    .map_err(|trouble| plain(&trouble));
                Some(Webhook { url: url.clone(), registered })
            }
        };
        Checked {
            version,
            workspace: self.workspace.clone(),
            lacks: schema.map(|schema| lacks(&schema)).map_err(|trouble| in_words(&trouble)),
            webhook,
        }
    }

    async fn wait(&self, until: Instant) {
        let millis = u64::try_from(until.micros_since(self.world.now()) / 1_000).unwrap_or(0);
        // A command is in nobody's table: the person at the terminal waits with it and can stop it.
        let _ = tokio::time::timeout(Duration::from_millis(millis + 1), std::future::pending::<()>()).await;
    }
}
