//! `almoner simulate twenty`.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use tokio::net::TcpListener;

use super::{asked_to_stop, say};
use crate::ground::world::World;
use crate::sim::scenario::Size;
use crate::sim::twenty::{Options, Twenty};
use crate::sys;

#[derive(Args, Debug)]
pub(super) struct Simulate {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// A Twenty CRM filled with a small charity
    Twenty(TwentyArgs),
}

#[derive(Args, Debug)]
struct TwentyArgs {
    /// Port on loopback; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The same seed makes the same charity
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// People to invent
    #[arg(long, default_value_t = Size::default().people)]
    people: usize,
    /// Gifts to invent
    #[arg(long, default_value_t = Size::default().gifts)]
    gifts: usize,
}

impl Simulate {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let What::Twenty(args) = self.what;
        let twenty = simulated(&sys::world(), args.seed, Size { people: args.people, gifts: args.gifts });
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], args.port))).await?;
        say(&format!("A simulated Twenty is at http://{}", listener.local_addr()?));
        say(&format!("Its API key: {}", twenty.api_key()));
        let stop = async {
            // Without signals there is nothing to wait for; serving ends with the process.
            let _ = asked_to_stop().await;
        };
        axum::serve(listener, twenty.router()).with_graceful_shutdown(stop).await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A simulated Twenty with a charity, limited as the real one.
pub(super) fn simulated(world: &World, seed: u64, size: Size) -> Twenty {
    let clock = world.clock.clone();
    Twenty::new(Options::new(seed, move || clock.now().0).throttled().with_charity(size))
}
