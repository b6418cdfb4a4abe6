//! `almoner compact`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::ask::ask;
use crate::faces::command::Command;

#[derive(Args, Debug)]
pub(super) struct Compact {
    /// Folder of the ledger
    #[arg(long, env = "ALMONER_DATA")]
    data: PathBuf,
}

impl Compact {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        Ok(ExitCode::from(ask(&self.data, &Command::Compact, &mut std::io::stdout().lock())?))
    }
}
