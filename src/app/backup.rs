//! Puts backups together from settings and data folder, for the server and for commands without one.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};

use super::{KEY, LEDGER, handed_over, keep_secret, key_path, secret_key};
use crate::config::{BackupConfig, Target};
use crate::ground::backup::Manifest;
use crate::ground::backup::age::Identity;
use crate::ground::backup::state::{BackupState, Rhythm};
use crate::ground::time::Zone;
use crate::ground::world::World;
use crate::rails::http::HttpTransport;
use crate::rails::vault::Vault;
use crate::rails::vault::s3::{Bucket, S3};
use crate::runs::Means;
use crate::runs::backup::{Backup, Settings, check};
use crate::store::secrets::SecretKey;
use crate::store::{Drive, OpenError, Place, Store};

/// This machine's own secret key: with it a drill opens what it proves.
pub(crate) const MACHINE_KEY: &str = "backup.key";
/// Where a drill restores to.
const SANDBOX: &str = "drill";
const HOUR_MS: i64 = 3_600_000;

/// The run, where backups are set up; stores whether they are.
pub(super) async fn run(
    config: Option<&BackupConfig>,
    data: &Path,
    means: &Means,
) -> anyhow::Result<Option<Backup>> {
    let settings =
        config.map(|config| settings(config, data, &means.world, means.key.clone())).transpose()?;
    let rhythm = settings.as_ref().map(|settings| settings.rhythm);
    let keep = settings.as_ref().map(|settings| settings.keep);
    means.store.change_backups(move |state| (state.rhythm, state.keep) = (rhythm, keep)).await?;
    Ok(settings.map(|settings| Backup::new(means.store.clone(), means.world.clone(), settings)))
}

/// The place that settings name.
pub fn vault(target: &Target, world: &World) -> anyhow::Result<Vault> {
    Ok(match target.clone() {
        Target::Folder(path) => Vault::Folder(path),
        Target::S3 { endpoint, region, bucket, prefix, key_id, secret } => {
            let bucket = Bucket { endpoint, region, bucket, prefix, key_id, secret };
            Vault::S3(S3::new(bucket, Arc::new(HttpTransport::new()?), world.clone()))
        }
    })
}

/// Everything backups need.
pub fn settings(
    config: &BackupConfig,
    data: &Path,
    world: &World,
    key: SecretKey,
) -> anyhow::Result<Settings> {
    let machine = machine_key(&data.join(MACHINE_KEY), world)?;
    Ok(Settings {
        vault: vault(&config.target, world)?,
        recipients: vec![config.recipient, machine.recipient()],
        machine,
        rhythm: Rhythm {
            backup_ms: i64::from(config.every_hours) * HOUR_MS,
            drill_ms: i64::from(config.drill_days) * 24 * HOUR_MS,
        },
        keep: config.keep,
        zone: Zone::named(&config.time_zone)?,
        sandbox: data.join(SANDBOX),
        shown: config.shown.clone(),
        key,
    })
}

/// The machine's key; made the first time.
fn machine_key(path: &Path, world: &World) -> anyhow::Result<Identity> {
    match std::fs::read_to_string(path) {
        Ok(text) => Identity::of_file(&text).with_context(|| format!("cannot read {}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let identity = Identity::new(world);
            let text = format!("# this machine proves its backups with it\n{}\n", identity.secret_text());
            keep_secret(path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(identity)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The `secret.key` of a data folder, where there is one.
pub fn key_of(data: &Path, world: &World) -> anyhow::Result<Option<SecretKey>> {
    let path = key_path(data, handed_over().as_deref())?;
    if path.try_exists()? { secret_key(&path, world, false).map(Some) } else { Ok(None) }
}

/// A backup as it lies at the target.
#[derive(Debug)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// What it says of itself, or why it cannot be believed.
    pub manifest: Result<Manifest, String>,
}

/// What lies at the target, oldest first.
pub async fn list(config: &BackupConfig, world: &World) -> anyhow::Result<Vec<Listed>> {
    let sets = check::sets(&vault(&config.target, world)?).await?;
    Ok(sets.into_iter().map(|set| Listed { name: set.name, manifest: set.manifest }).collect())
}

/// Everything that is wrong with a backup, found without opening it.
pub async fn faults(
    config: &BackupConfig,
    world: &World,
    set: &str,
    key: Option<&SecretKey>,
) -> anyhow::Result<Vec<String>> {
    Ok(check::check(&vault(&config.target, world)?, set, key).await?)
}

/// Removes what the rule does not keep; answers how many stay.
pub async fn prune(config: &BackupConfig, data: &Path, world: &World) -> anyhow::Result<usize> {
    let key = key_of(data, world)?.with_context(|| format!("there is no {KEY} in {}", data.display()))?;
    Ok(crate::runs::backup::prune(&settings(config, data, world, key)?).await?.len())
}

/// Takes a backup, or runs a drill, without a server. Answers what is known of the backups then.
pub async fn alone(
    config: &BackupConfig,
    data: &Path,
    world: &World,
    drill: bool,
) -> anyhow::Result<BackupState> {
    let Some(key) = key_of(data, world)? else {
        bail!("there is no {KEY} in {}: start the server there once", data.display());
    };
    let place = Place::File(data.join(LEDGER));
    let store = Store::open(place, world.clone(), Drive::Inline).map_err(|error| match error {
        OpenError::InUse => {
            anyhow::anyhow!("the ledger in {} is in use, and no server answers there", data.display())
        }
        other => other.into(),
    })?;
    let backup = Backup::new(store.clone(), world.clone(), settings(config, data, world, key)?);
    if drill {
        let known = store.snapshot()?.ledger().backups()?;
        backup.drill(known).await?;
    } else {
        backup.back_up().await?;
    }
    Ok(store.snapshot()?.ledger().backups()?)
}
