//! `almoner people erase`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::ask::ask;
use crate::faces::command::Command;
use crate::ground::id::PersonId;

#[derive(Args, Debug)]
pub(super) struct People {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Erase what the ledger holds of a person; says what that reaches first
    Erase(Erase),
}

#[derive(Args, Debug)]
struct Erase {
    /// Folder of the ledger
    #[arg(long, env = "ALMONER_DATA")]
    data: PathBuf,
    /// The person's id in Twenty
    #[arg(long)]
    id: PersonId,
    /// Why, without a name: it is kept for good
    #[arg(long, value_name = "TEXT")]
    ground: String,
    /// Do it; it cannot be undone
    #[arg(long)]
    yes: bool,
}

impl People {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let What::Erase(erase) = &self.what;
        let command =
            Command::PeopleErase { person: erase.id, ground: erase.ground.clone(), preview: !erase.yes };
        let code = ask(&erase.data, &command, &mut std::io::stdout().lock())?;
        Ok(ExitCode::from(code))
    }
}
