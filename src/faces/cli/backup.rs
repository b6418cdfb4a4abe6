//! `almoner backup`: take one now, list, check, let go of old ones, make the key pair; and `almoner drill`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::ask::{ask, is_served};
use super::say;
use crate::app::backup;
use crate::config::{BackupConfig, environment};
use crate::faces::command::{Command, backup_words};
use crate::ground::backup::age::Identity;
use crate::sys;

#[derive(Args, Debug)]
pub(super) struct Backup {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    at: At,
}

#[derive(Args, Debug)]
pub(super) struct At {
    /// Folder of the ledger
    #[arg(long, env = "ALMONER_DATA", global = true)]
    data: Option<PathBuf>,
    /// Settings file
    #[arg(long, env = "ALMONER_CONFIG", global = true)]
    config: Option<PathBuf>,
}

#[derive(Subcommand, Debug)]
enum What {
    /// What lies at the backup target
    List {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Read every file of a backup and compare it with what was stored; needs no key
    Verify {
        /// The backup; all of them when not named
        set: Option<String>,
    },
    /// Remove the backups that the rule does not keep
    Prune,
    /// Make a key pair: writes the identity to a file and prints the public key
    Key {
        /// Where the identity goes; keep it off this machine
        #[arg(long)]
        out: PathBuf,
    },
}

#[derive(Args, Debug)]
pub(super) struct Drill {
    #[command(flatten)]
    at: At,
}

impl At {
    fn data(&self) -> anyhow::Result<&PathBuf> {
        self.data.as_ref().context("say which ledger: --data or ALMONER_DATA")
    }

    pub(super) fn config(&self) -> anyhow::Result<BackupConfig> {
        BackupConfig::load(self.config.as_deref(), &environment)?
            .context("no backups are set up: write target and recipient under [backup] in the settings file, and name it with --config")
    }

    async fn now(&self, drill: bool) -> anyhow::Result<ExitCode> {
        let data = self.data()?;
        if is_served(data)? {
            let command = if drill { Command::Drill } else { Command::Backup };
            let data = data.clone();
            // It waits for the server, on a thread that may.
            let asked =
                tokio::task::spawn_blocking(move || ask(&data, &command, &mut std::io::stdout().lock()));
            return Ok(ExitCode::from(asked.await??));
        }
        let state = backup::alone(&self.config()?, data, &sys::world(), drill).await?;
        let (words, code) = backup_words(&state, drill);
        say(&words);
        Ok(ExitCode::from(code))
    }
}

impl Drill {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        self.at.now(true).await
    }
}

impl Backup {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match &self.what {
            None => self.at.now(false).await,
            Some(What::List { json }) => list(&self.at.config()?, *json).await,
            Some(What::Verify { set }) => self.verify(set.as_deref()).await,
            Some(What::Prune) => self.prune().await,
            Some(What::Key { out }) => key(out),
        }
    }

    async fn verify(&self, set: Option<&str>) -> anyhow::Result<ExitCode> {
        let (config, world) = (self.at.config()?, sys::world());
        let key = match &self.at.data {
            Some(data) => backup::key_of(data, &world)?,
            None => None,
        };
        let sets = match set {
            Some(set) => vec![set.to_owned()],
            None => backup::list(&config, &world).await?.into_iter().map(|set| set.name).collect(),
        };
        let mut code = ExitCode::SUCCESS;
        for set in sets {
            let faults = backup::faults(&config, &world, &set, key.as_ref()).await?;
            if faults.is_empty() {
                say(&format!("{set} is whole."));
            } else {
                code = ExitCode::FAILURE;
            }
            for fault in faults {
                say(&fault);
            }
        }
        Ok(code)
    }

    async fn prune(&self) -> anyhow::Result<ExitCode> {
        let held = backup::prune(&self.at.config()?, self.at.data()?, &sys::world()).await?;
        say(&format!("{held} backup(s) kept."));
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(config: &BackupConfig, json: bool) -> anyhow::Result<ExitCode> {
    let sets = backup::list(config, &sys::world()).await?;
    if json {
        let row = |set: &backup::Listed| match &set.manifest {
            Ok(manifest) => serde_json::json!({ "set": set.name, "manifest": manifest }),
            Err(why) => serde_json::json!({ "set": set.name, "fault": why }),
        };
        say(&serde_json::to_string(&sets.iter().map(row).collect::<Vec<_>>())?);
        return Ok(ExitCode::SUCCESS);
    }
    if sets.is_empty() {
        say("There is no backup.");
    }
    for set in sets {
        match set.manifest {
            Ok(manifest) => {
                let stored: u64 = manifest.parts.iter().map(|part| part.bytes).sum();
                let (taken, seq, bytes) = (manifest.taken_at, manifest.seq, manifest.bytes);
                say(&format!("{}  taken {taken}  entry {seq}  {bytes} bytes, {stored} stored", set.name));
            }
            Err(why) => say(&format!("{}  {why}", set.name)),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Never overwrites: the file may be the only thing that opens older backups.
fn key(out: &PathBuf) -> anyhow::Result<ExitCode> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let identity = Identity::new(&sys::world());
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(out)
        .with_context(|| format!("cannot make {}", out.display()))?;
    let recipient = identity.recipient();
    writeln!(file, "# public key: {recipient}\n{}", identity.secret_text())?;
    file.sync_all()?;
    say(&format!(
        "{recipient}\nWrite this public key as recipient under [backup]. Move {} to a safe place off this machine: it opens the backups, and nobody can make it again.",
        out.display()
    ));
    Ok(ExitCode::SUCCESS)
}
