//! `almoner restore`: says what would change and what would be forgotten, asks, and restores.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;

use super::ask::is_served;
use super::say;
use crate::app::backup::{MACHINE_KEY, key_of, vault};
use crate::app::restore::{Wanted, plan, restore};
use crate::config::{BackupConfig, Target, environment};
use crate::ground::backup::age::Identity;
use crate::ground::time::Instant;
use crate::sys;

/// Exit code: nothing was done.
const NOTHING_DONE: u8 = 2;

#[derive(Args, Debug)]
pub(super) struct Restore {
    /// The backup; the newest when not named
    set: Option<String>,
    /// Folder the ledger goes to
    #[arg(long, env = "ALMONER_DATA")]
    data: PathBuf,
    /// Settings file, which names the backup target
    #[arg(long, env = "ALMONER_CONFIG")]
    config: Option<PathBuf>,
    /// The folder with the backups, where no settings name it
    #[arg(long)]
    from: Option<PathBuf>,
    /// The identity file that opens them; not needed on the machine that took them
    #[arg(long)]
    identity: Option<PathBuf>,
    /// The newest backup not later than this: 2026-11-27T04:00:00Z
    #[arg(long, conflicts_with = "set")]
    until: Option<Instant>,
    /// Only say what it would change and forget
    #[arg(long)]
    plan: bool,
    /// Do not ask
    #[arg(long, conflicts_with = "plan")]
    yes: bool,
}

impl Restore {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        if self.data.try_exists()? && is_served(&self.data)? {
            bail!("a server runs in {}: stop it first. Nothing was changed", self.data.display());
        }
        let (wanted, world) = (self.wanted()?, sys::world());
        let plan = plan(&wanted, &world).await?;
        say(&plan.words());
        if self.plan || !(self.yes || asked()?) {
            say("Nothing was done.");
            return Ok(ExitCode::from(NOTHING_DONE));
        }
        let done = restore(&wanted, &plan.manifest, &world).await?;
        say(&format!("Restored and proven: {} entries.", done.entries));
        if let Some(kept) = done.kept {
            say(&format!("The ledger that was there is kept as {}.", kept.display()));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn wanted(&self) -> anyhow::Result<Wanted> {
        let target = match &self.from {
            Some(from) => Target::Folder(from.clone()),
            None => {
                BackupConfig::load(self.config.as_deref(), &environment)?
                    .context("say where the backups are: --from FOLDER, or --config with a [backup] target")?
                    .target
            }
        };
        let mut files = vec![self.data.join(MACHINE_KEY)];
        files.extend(self.identity.clone());
        let mut identities = Vec::new();
        for file in files {
            if self.identity.as_ref() != Some(&file) && !file.try_exists()? {
                continue;
            }
            let text =
                std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            identities
                .push(Identity::of_file(&text).with_context(|| format!("cannot read {}", file.display()))?);
        }
        if identities.is_empty() {
            bail!("name the identity file that opens the backups with --identity");
        }
        let key = key_of(&self.data, &sys::world())?;
        Ok(Wanted {
            vault: vault(&target, &sys::world())?,
            set: self.set.clone(),
            until: self.until,
            data: self.data.clone(),
            identities,
            key,
        })
    }
}

fn asked() -> anyhow::Result<bool> {
    let mut out = std::io::stdout().lock();
    write!(out, "Restore? Type yes to go on: ").and_then(|()| out.flush())?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().eq_ignore_ascii_case("yes"))
}
