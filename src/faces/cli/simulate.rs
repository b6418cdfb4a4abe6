//! `almoner simulate twenty`.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use tokio::net::TcpListener;

use super::{asked_to_stop, say};
use crate::ground::world::World;
use crate::sim::faults::{GRAMMAR, Plan};
use crate::sim::scenario::Size;
use crate::sim::twenty::{Options, RateLimit, Schema, Twenty, Version, Wire};
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
        let What::Twenty(args) = self.what;
        let twenty = simulated(&sys::world(), &args);
        twenty.set_faults(args.faults);
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], args.port))).await?;
        say(&format!("A simulated Twenty is at http://{}", listener.local_addr()?));
        say(&format!("Its API key: {}", twenty.api_key()));
        let stop = async {
            // Without signals there is nothing to wait for; serving ends with the process.
            let _ = asked_to_stop().await;
        };
        let serving = axum::serve(listener, twenty.router()).with_graceful_shutdown(stop);
        tokio::select! {
            served = serving.into_future() => served?,
            () = twenty.keep_delivering(&Wire) => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The simulated Twenty the arguments ask for.
fn simulated(world: &World, args: &TwentyArgs) -> Twenty {
    let clock = world.clock.clone();
    let mut options = Options::new(args.seed, move || clock.now().0).playing(args.server);
    options.rate_limit = (args.rate_limit == Switch::On).then(RateLimit::default);
    options.public_hooks_only = args.public_hooks_only;
    options.waiter = Some(Arc::new(|milliseconds| {
        Box::pin(async move {
            // The late answer of a slow server: nothing else waits for this connection.
            let never = std::future::pending::<()>();
            let _ = tokio::time::timeout(Duration::from_millis(milliseconds), never).await;
        })
    }));
    match args.workspace {
        Workspace::Charity => {
            Twenty::new(options.with_charity(Size { people: args.people, gifts: args.gifts }))
        }
        Workspace::Empty => Twenty::new(options),
        Workspace::Bare => Twenty::with_schema(options, Schema::bare()),
    }
}
