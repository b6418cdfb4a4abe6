//! `almoner smoke`: the whole appliance against a simulated Twenty for a minute, with the calls it took. Nothing of the
//! operator's is touched: the ledger is in a temporary folder, and Twenty is ours.

mod bench;
mod tally;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use super::say;
use crate::config::environment;
use crate::telemetry;
use bench::Bench;
use tally::Outcome;

#[derive(Args, Debug)]
pub(super) struct Smoke {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// One gift from intake to Twenty, and one that must wait for a person
    Gifts {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Batches of gifts, with the calls to Twenty that they cost
    Batch(Batch),
}

#[derive(Args, Debug)]
struct Batch {
    /// Gifts a scenario, 3 to 1000
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(3..=1000))]
    rows: u32,
    /// Which scenario
    #[arg(long, value_enum, default_value_t = Which::All)]
    scenario: Which,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    HappyPath,
    MixedRouting,
    RowFallbackError,
    All,
}

/// A scenario of the runbook (domain 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scenario {
    /// Every gift is complete and travels with the others.
    HappyPath,
    /// One is an instalment of an agreement and travels alone.
    MixedRouting,
    /// Twenty does not take one of them.
    RowFallbackError,
}

impl Scenario {
    const ALL: [Self; 3] = [Self::HappyPath, Self::MixedRouting, Self::RowFallbackError];

    const fn name(self) -> &'static str {
        match self {
            Self::HappyPath => "happy-path",
            Self::MixedRouting => "mixed-routing",
            Self::RowFallbackError => "row-fallback-error",
        }
    }
}

impl Smoke {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        telemetry::start(&environment("ALMONER_LOG").unwrap_or_else(|| "error".into()));
        let bench = Bench::start().await?;
        let told = match &self.what {
            What::Gifts { json } => bench.gifts().await.map(|steps| tally::steps(&steps, *json)),
            What::Batch(batch) => run_batch(&bench, batch).await,
        };
        bench.end().await?;
        let (text, well) = told?;
        say(&text);
        Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

async fn run_batch(bench: &Bench, batch: &Batch) -> anyhow::Result<(String, bool)> {
    let wanted = |scenario: &Scenario| match batch.scenario {
        Which::All => true,
        Which::HappyPath => *scenario == Scenario::HappyPath,
        Which::MixedRouting => *scenario == Scenario::MixedRouting,
        Which::RowFallbackError => *scenario == Scenario::RowFallbackError,
    };
    let mut outcomes: Vec<Outcome> = Vec::new();
    for scenario in Scenario::ALL.into_iter().filter(wanted) {
        outcomes.push(bench.batch(scenario, batch.rows).await?);
    }
    let proof = bench.proof(&outcomes)?;
    Ok(tally::ledger(&outcomes, &proof, batch.json))
}
