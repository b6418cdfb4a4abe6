//! Looks at backups where they lie: what is there, and whether every file of one is what it was. Needs no key.

use std::collections::BTreeMap;

use super::BackupError;
use super::pack::{check_of, is_ours, read_manifest};
use crate::ground::backup::{MANIFEST, Manifest, PREFIX};
use crate::rails::vault::{Vault, VaultError};
use crate::store::secrets::SecretKey;

/// A backup as it lies at the target.
#[derive(Debug)]
pub struct Set {
    /// Its name.
    pub name: String,
    /// What it says of itself, or why it cannot be believed.
    pub manifest: Result<Manifest, String>,
}

const UNFINISHED: &str = "it has no manifest: it was not finished, or its manifest is missing";

impl Set {
    /// Whether it has no manifest.
    pub fn is_unfinished(&self) -> bool {
        self.manifest.as_ref().is_err_and(|why| why == UNFINISHED)
    }
}

/// All backups at the target, oldest first.
pub async fn sets(vault: &Vault) -> Result<Vec<Set>, BackupError> {
    let mut names: BTreeMap<String, bool> = BTreeMap::new();
    for found in vault.list(PREFIX).await? {
        if let Some((set, file)) = found.name.split_once('/') {
            *names.entry(set.to_owned()).or_default() |= file == MANIFEST;
        }
    }
    let mut sets = Vec::new();
    for (name, finished) in names {
        let manifest = if finished {
            read_manifest(&name, &vault.get(&format!("{name}/{MANIFEST}")).await?)
        } else {
            Err(UNFINISHED.to_owned())
        };
        sets.push(Set { name, manifest });
    }
    Ok(sets)
}

/// The manifest of one backup, believed.
pub async fn manifest(vault: &Vault, set: &str) -> Result<Manifest, BackupError> {
    let bytes = match vault.get(&format!("{set}/{MANIFEST}")).await {
        Err(VaultError::Missing(_)) => return Err(BackupError::Damaged(format!("{set}: {UNFINISHED}"))),
        other => other?,
    };
    read_manifest(set, &bytes).map_err(|why| BackupError::Damaged(format!("{set}: {why}")))
}

/// Removes every file of a backup.
pub(super) async fn remove_rest(vault: &Vault, set: &str) -> Result<(), BackupError> {
    for found in vault.list(&format!("{set}/")).await? {
        vault.remove(&found.name).await?;
    }
    Ok(())
}

/// The stored bytes of a part, if they are those that the manifest names.
pub(super) async fn part(vault: &Vault, manifest: &Manifest, number: usize) -> Result<Vec<u8>, BackupError> {
    let part = manifest.parts.get(number).ok_or_else(|| {
        BackupError::Damaged(format!("{} has no part {number}: its manifest is damaged", manifest.set))
    })?;
    let name = format!("{}/{}", manifest.set, part.name);
    let bytes = match vault.get(&name).await {
        Err(VaultError::Missing(_)) => return Err(BackupError::Damaged(format!("{name} is missing"))),
        other => other?,
    };
    if check_of(&bytes) != part.check {
        let why = if bytes.len() as u64 == part.bytes {
            "its bytes are not those that were stored".to_owned()
        } else {
            format!("it has {} bytes, and {} were stored", bytes.len(), part.bytes)
        };
        return Err(BackupError::Damaged(format!("{name} is damaged: {why}")));
    }
    Ok(bytes)
}

/// Reads every file of a backup and compares. Everything that is wrong is told, one line each; nothing is whole.
pub async fn check(vault: &Vault, set: &str, key: Option<&SecretKey>) -> Result<Vec<String>, BackupError> {
    let manifest = match manifest(vault, set).await {
        Err(BackupError::Damaged(why)) => return Ok(vec![why]),
        other => other?,
    };
    let mut faults = Vec::new();
    if let Some(key) = key
        && is_ours(&manifest, key)? == Some(false)
    {
        faults.push(format!("{set}: its manifest was not made by this server"));
    }
    for number in 0..manifest.parts.len() {
        match part(vault, &manifest, number).await {
            Err(BackupError::Damaged(why)) => faults.push(why),
            other => drop(other?),
        }
    }
    Ok(faults)
}
