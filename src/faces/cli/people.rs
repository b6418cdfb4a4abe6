//! `almoner people`: subject access and erasure.

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
    /// Write out everything held about a person with its history, as JSON (subject access)
    Export(Export),
    /// Erase what the ledger holds of a person; says what that reaches first
    Erase(Erase),
}

#[derive(Args, Debug)]
struct Export {
    /// Folder of the ledger
    #[arg(long, env = "ALMONER_DATA")]
    data: PathBuf,
    /// The person's id in Twenty
    #[arg(long)]
    id: PersonId,
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
        let (data, command) = match &self.what {
            What::Export(export) => (&export.data, Command::PeopleExport { person: export.id }),
            What::Erase(erase) => {
                let (person, ground) = (erase.id, erase.ground.clone());
                (&erase.data, Command::PeopleErase { person, ground, preview: !erase.yes })
            }
        };
        let code = ask(data, &command, &mut std::io::stdout().lock())?;
        Ok(ExitCode::from(code))
    }
}
