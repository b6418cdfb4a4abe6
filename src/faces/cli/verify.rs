//! `almoner verify`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::say;
use crate::store::{Drive, Place, Store, verify};
use crate::sys;

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
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let path = self.data.join("ledger.redb");
        anyhow::ensure!(path.exists(), "there is no ledger in {}", self.data.display());
        let store = Store::open(Place::File(path), sys::world(), Drive::Inline)?;
        let verdict = verify(&store)?;
        let whole = verdict.fault.is_none();
        if self.json {
            let json = serde_json::json!({ "entries": verdict.entries, "commits": verdict.commits, "subjects": verdict.subjects, "erased": verdict.erased, "fault": verdict.fault });
            say(&json.to_string());
        } else {
            let read = format!(
                "{} entries in {} commits, {} subjects, {} erased",
                verdict.entries, verdict.commits, verdict.subjects, verdict.erased
            );
            say(&verdict.fault.map_or_else(
                || format!("The ledger is whole: {read}."),
                |fault| format!("The ledger is NOT whole: {fault} ({read})."),
            ));
        }
        Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
