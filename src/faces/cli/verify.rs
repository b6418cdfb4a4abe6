//! `almoner verify`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::ask::ask;
use crate::faces::command::Command;

#[derive(Args, Debug)]
pub(super) struct Verify {
    /// Folder of the ledger
    #[arg(long, env = "ALMONER_DATA")]
    data: PathBuf,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let code = ask(&self.data, &Command::Verify { json: self.json }, &mut std::io::stdout().lock())?;
        Ok(ExitCode::from(code))
    }
}
