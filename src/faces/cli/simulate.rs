//! `almoner simulate twenty` and `almoner simulate qbo`.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use tokio::net::TcpListener;

use super::{asked_to_stop, say};
use crate::ground::world::World;
use crate::sim::faults::{GRAMMAR, Plan};
use crate::sim::qbo::{Form, Limits, Options as QboOptions, Qbo};
use crate::sim::scenario::Size;
use crate::sim::twenty::{Options, RateLimit, Schema, Twenty, Version, Waiter, Wire};
use crate::sys;

#[derive(Args, Debug)]
pub(super) struct Simulate {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// A Twenty CRM, filled with a small charity or empty
    Twenty(TwentyArgs),
    /// QuickBooks Online with a firm of twelve companies, or with companies of so many transactions
    Qbo(QboArgs),
}

#[derive(Args, Debug)]
#[command(after_help = GRAMMAR)]
struct QboArgs {
    /// Port on loopback; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The same seed makes the same books, tokens and faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Companies of so many transactions each instead of the firm; may be given again
    #[arg(long, value_name = "TRANSACTIONS")]
    company: Vec<usize>,
    /// What is to go wrong, and how often; see below
    #[arg(long, value_name = "PLAN", value_parser = Plan::parse, default_value = "")]
    faults: Plan,
    /// 500 calls a minute, 10 a second and 10 at once for each company, as the real one allows
    #[arg(long, value_enum, default_value_t = Switch::On)]
    rate_limit: Switch,
    /// Where webhooks go, an http:// address
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Webhooks in the form that was used until July 2026
    #[arg(long)]
    classic_webhooks: bool,
}

/// What is in the workspace at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Workspace {
    /// A charity with gifts, appeals and funds, and people who gave
    Charity,
    /// A charity's data model without records
    Empty,
    /// A new workspace: the standard objects and nothing else
    Bare,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

#[derive(Args, Debug)]
#[command(after_help = GRAMMAR)]
struct TwentyArgs {
    /// Port on loopback; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The same seed makes the same charity, key and faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What is in the workspace at the start
    #[arg(long, value_enum, default_value_t = Workspace::Charity)]
    workspace: Workspace,
    /// People to invent
    #[arg(long, default_value_t = Size::default().people)]
    people: usize,
    /// Gifts to invent
    #[arg(long, default_value_t = Size::default().gifts)]
    gifts: usize,
    /// What is to go wrong, and how often; see below
    #[arg(long, value_name = "PLAN", value_parser = Plan::parse, default_value = "")]
    faults: Plan,
    /// 100 calls a second and 100 a minute, as the real one allows
    #[arg(long, value_enum, default_value_t = Switch::On)]
    rate_limit: Switch,
    /// Which server to play: older, recorded (2.19.0) or newer
    #[arg(long, value_name = "VERSION", value_parser = version, default_value = "recorded")]
    server: Version,
    /// Drop webhooks to private networks without a word, as the real one does by default
    #[arg(long)]
    public_hooks_only: bool,
}

fn version(text: &str) -> Result<Version, String> {
    Version::named(text).ok_or_else(|| "there is older, recorded and newer".to_owned())
}

impl Simulate {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::Twenty(args) => args.run().await,
            What::Qbo(args) => args.run().await,
        }
    }
}

/// Ends when the process is asked to.
async fn stop() {
    // Without signals there is nothing to wait for; serving ends with the process.
    let _ = asked_to_stop().await;
}

/// What lets the answer of a slow server come late: nothing else waits for this connection.
fn waiter() -> Waiter {
    Arc::new(|milliseconds| {
        Box::pin(async move {
            let never = std::future::pending::<()>();
            let _ = tokio::time::timeout(Duration::from_millis(milliseconds), never).await;
        })
    })
}

impl TwentyArgs {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let twenty = simulated(&sys::world(), &self);
        twenty.set_faults(self.faults);
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], self.port))).await?;
        say(&format!("A simulated Twenty is at http://{}", listener.local_addr()?));
        say(&format!("Its API key: {}", twenty.api_key()));
        let serving = axum::serve(listener, twenty.router()).with_graceful_shutdown(stop());
        tokio::select! {
            served = serving.into_future() => served?,
            () = twenty.keep_delivering(&Wire) => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl QboArgs {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let clock = sys::world().clock.clone();
        let mut options = QboOptions::new(self.seed, move || clock.now().0);
        options.limits = (self.rate_limit == Switch::On).then(Limits::default);
        options.waiter = Some(waiter());
        let qbo = Qbo::new(options);
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], self.port))).await?;
        say(&format!("A simulated QuickBooks Online is at http://{}", listener.local_addr()?));
        let (id, secret) = qbo.client();
        say(&format!("Its app: {id} with the secret {secret}"));
        for realm in self.companies(&qbo) {
            say(&realm);
        }
        if let Some(url) = &self.webhook {
            let form = if self.classic_webhooks { Form::Classic } else { Form::Cloud };
            qbo.set_webhook(url, form, 5_000_000);
            say(&format!("Webhooks are signed with {}", qbo.verifier()));
        }
        qbo.set_faults(self.faults);
        let serving = axum::serve(listener, qbo.router()).with_graceful_shutdown(stop());
        tokio::select! {
            served = serving.into_future() => served?,
            () = qbo.keep_delivering(&Wire) => {}
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Makes the companies, and a line for each.
    fn companies(&self, qbo: &Qbo) -> Vec<String> {
        if self.company.is_empty() {
            let firm = qbo.add_firm();
            return firm.iter().map(|(realm, shape)| format!("Company {realm}: {shape:?}")).collect();
        }
        let one = |(at, documents): (usize, &usize)| {
            let realm = qbo.add_company(&format!("Charity {}", at + 1));
            qbo.fill(&realm, *documents);
            format!("Company {realm}: {documents} transactions")
        };
        self.company.iter().enumerate().map(one).collect()
    }
}

/// The simulated Twenty the arguments ask for.
fn simulated(world: &World, args: &TwentyArgs) -> Twenty {
    let clock = world.clock.clone();
    let mut options = Options::new(args.seed, move || clock.now().0).playing(args.server);
    options.rate_limit = (args.rate_limit == Switch::On).then(RateLimit::default);
    options.public_hooks_only = args.public_hooks_only;
    options.waiter = Some(waiter());
    match args.workspace {
        Workspace::Charity => {
            Twenty::new(options.with_charity(Size { people: args.people, gifts: args.gifts }))
        }
        Workspace::Empty => Twenty::new(options),
        Workspace::Bare => Twenty::with_schema(options, Schema::bare()),
    }
}
