//! `almoner sync`: have everything read from Twenty now, beside a running server.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::ask::ask;
use crate::faces::command::{Command, Look};

#[derive(Args, Debug)]
pub(super) struct Sync {
    /// Folder of the ledger
    #[arg(long, env = "ALMONER_DATA")]
    data: PathBuf,
    /// Come back when everything is here; exit code 1 when something could not be read
    #[arg(long)]
    wait: bool,
    /// Answer as JSON, a line a step
    #[arg(long)]
    json: bool,
}

impl Sync {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let command = Command::Sync { wait: self.wait, look: look(self.json) };
        Ok(ExitCode::from(ask(&self.data, &command, &mut std::io::stdout().lock())?))
    }
}

/// How an answer is to look: as JSON if asked for, else for a person, with progress where that can be drawn.
pub(super) fn look(json: bool) -> Look {
    match (json, std::io::stdout().is_terminal()) {
        (true, _) => Look::Json,
        (false, true) => Look::Terminal,
        (false, false) => Look::Text,
    }
}
