//! Backups by themselves: taken when due, pruned by the rule, and restored into a sandbox to prove them. The run looks
//! at stored state only; a click or a command stores that somebody asks. Decision 0020.

pub mod check;
pub mod drill;
pub mod fetch;
mod pack;
pub mod take;

pub use pack::fingerprint;

use std::path::PathBuf;

use super::Next;
use crate::ground::backup::Manifest;
use crate::ground::backup::age::{Identity, Recipient};
use crate::ground::backup::retention::{Keep, kept};
use crate::ground::backup::state::{BackupState, Failed, Good, Rhythm, Verdict};
use crate::ground::time::Zone;
use crate::ground::world::World;
use crate::rails::vault::{Vault, VaultError};
use crate::store::secrets::SecretKey;
use crate::store::{Store, StoreError};

/// What backups need, from the settings and the data folder.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where they go.
    pub vault: Vault,
    /// For whom they are sealed: the operator's public key, and this machine's own, with which it proves them.
    pub recipients: Vec<Recipient>,
    /// This machine's own secret key.
    pub machine: Identity,
    /// How often.
    pub rhythm: Rhythm,
    /// Which are kept.
    pub keep: Keep,
    /// The zone in which days are counted.
    pub zone: Zone,
    /// Where a drill restores to.
    pub sandbox: PathBuf,
    /// The settings that are not secret, as they go into a backup.
    pub shown: Vec<(String, String)>,
    /// What opens sealed secrets: its fingerprint goes in, and it signs the manifest.
    pub key: SecretKey,
}

/// Why a backup, a check or a restore did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The ledger.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The target.
    #[error("{0}")]
    Vault(#[from] VaultError),
    /// The backup is not what it was: what, and in which file.
    #[error("{0}")]
    Damaged(String),
    /// None of the keys at hand opens it.
    #[error(
        "none of the keys at hand opens {0}: name the identity file of the backup's public key with --identity"
    )]
    NoKey(String),
    /// Here, there is no room.
    #[error("there is no room for the restored ledger: {0}")]
    NoRoom(String),
    /// Here, something else with the file system.
    #[error("{0}")]
    Here(String),
}

impl BackupError {
    /// What the file system's answer means, for a file of ours.
    fn here(path: &std::path::Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let told = format!("{}: {error}", path.display());
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Self::NoRoom(told),
            _ => Self::Here(told),
        }
    }
}

/// The run.
pub struct Backup {
    store: Store,
    world: World,
    settings: Settings,
}

/// A good backup as it is remembered.
fn good(manifest: &Manifest) -> Good {
    Good {
        set: manifest.set.clone(),
        taken_at: manifest.taken_at,
        seq: manifest.seq,
        stored: manifest.parts.iter().map(|part| part.bytes).sum(),
    }
}

impl Backup {
    /// The backups of this ledger.
    pub const fn new(store: Store, world: World, settings: Settings) -> Self {
        Self { store, world, settings }
    }

    /// One backup or one drill at most.
    pub async fn step(&self) -> Next {
        match self.try_step().await {
            Ok(next) => next,
            // The store recovers by itself.
            Err(_) => Next::Wait(self.world.now().plus_millis(super::pause_ms(6))),
        }
    }

    async fn try_step(&self) -> Result<Next, StoreError> {
        let (now, rhythm) = (self.world.now(), self.settings.rhythm);
        let known = self.store.snapshot()?.ledger().backups()?;
        if known.since.is_none() {
            self.store.change_backups(move |state| state.since = Some(now)).await?;
        }
        let due = known.backup_due(now, rhythm);
        if due <= now {
            self.back_up().await?;
            return Ok(Next::Again);
        }
        match known.drill_due(now, rhythm) {
            Some(drill) if drill <= now => {
                self.drill(known).await?;
                Ok(Next::Again)
            }
            Some(drill) => Ok(Next::Wait(due.min(drill))),
            None => Ok(Next::Wait(due)),
        }
    }

    /// Takes a backup now and lets go of those that are not kept; stores what came of it.
    pub async fn back_up(&self) -> Result<(), StoreError> {
        let outcome = match take::take(&self.store, &self.world, &self.settings, take::STRETCH).await {
            Ok(manifest) => prune(&self.settings).await.map(|held| (manifest, held)),
            Err(error) => Err(error),
        };
        let now = self.world.now();
        match outcome {
            Ok((manifest, held)) => {
                tracing::info!(
                    event = "backup_taken",
                    set = manifest.set,
                    seq = manifest.seq,
                    bytes = manifest.bytes
                );
                let newest = good(&manifest);
                self.store
                    .change_backups(move |state| {
                        (state.good, state.failed, state.held) = (Some(newest), None, held);
                        state.tried_at = Some(now);
                    })
                    .await
            }
            Err(error) => {
                let why = error.to_string();
                tracing::error!(event = "backup_failed", why);
                self.store
                    .change_backups(move |state| {
                        let times = state.failed.as_ref().map_or(0, |failed| failed.times) + 1;
                        state.failed = Some(Failed { at: now, why, times });
                        state.tried_at = Some(now);
                    })
                    .await
            }
        }
    }

    /// Restores the newest backup into the sandbox now; stores what came of it.
    pub async fn drill(&self, known: BackupState) -> Result<(), StoreError> {
        let drill = drill::drill(&self.settings, &self.world, known.good.as_ref()).await;
        match drill.verdict {
            Verdict::Passed => tracing::info!(event = "drill_passed", set = drill.set, says = drill.says),
            Verdict::Failed => tracing::error!(event = "drill_failed", set = drill.set, says = drill.says),
            Verdict::Inconclusive => {
                tracing::warn!(event = "drill_inconclusive", set = drill.set, says = drill.says);
            }
        }
        self.store
            .change_backups(move |state| {
                if drill.verdict == Verdict::Passed {
                    state.passed = Some(drill.clone());
                }
                state.drill = Some(drill);
            })
            .await
    }
}

/// Removes the backups that the rule does not keep, and what unfinished ones left; answers those that stay, oldest
/// first. Backups of another ledger in the same place are not touched.
pub async fn prune(settings: &Settings) -> Result<Vec<Good>, BackupError> {
    let sets = check::sets(&settings.vault).await?;
    // Ours is what was sealed with our key: another server may keep its backups in the same place.
    let mut sealed = Vec::new();
    for manifest in sets.iter().filter_map(|set| set.manifest.as_ref().ok()) {
        if pack::is_ours(manifest, &settings.key)? == Some(true) {
            sealed.push(manifest);
        }
    }
    let Some(newest) = sealed.iter().max_by_key(|manifest| manifest.taken_at) else { return Ok(Vec::new()) };
    let ours: Vec<&Manifest> =
        sealed.iter().copied().filter(|manifest| manifest.ledger == newest.ledger).collect();
    let taken: Vec<_> = ours.iter().map(|manifest| manifest.taken_at).collect();
    let stays = kept(&taken, settings.keep, &settings.zone);
    let mut held = Vec::new();
    for (manifest, stays) in ours.iter().zip(stays) {
        if stays {
            held.push(good(manifest));
            continue;
        }
        // The manifest first: what is left of a cut removal is an unfinished backup and not a damaged one.
        let set = &manifest.set;
        settings.vault.remove(&format!("{set}/{}", crate::ground::backup::MANIFEST)).await?;
        check::remove_rest(&settings.vault, set).await?;
    }
    // An unfinished one of ours that is older than a finished one is of an attempt that was cut.
    let whose = newest.set.rsplitn(4, '-').last().unwrap_or_default();
    for set in sets.iter().filter(|set| set.is_unfinished() && set.name < newest.set) {
        if set.name.rsplitn(4, '-').last() == Some(whose) {
            check::remove_rest(&settings.vault, &set.name).await?;
        }
    }
    held.sort_by_key(|good| good.taken_at);
    Ok(held)
}
