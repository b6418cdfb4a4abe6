//! Puts a backup's ledger into a file, and proves that it is the one that was backed up.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::check::part;
use super::pack::unpacked;
use super::{BackupError, Settings};
use crate::ground::backup::age::Identity;
use crate::ground::backup::{Manifest, hex};
use crate::ground::world::World;
use crate::rails::vault::Vault;
use crate::store::{Drive, Moment, Place, Store, Verdict, damage, verify};

/// Fetches every part, checks it, and writes the ledger to a new file at `path`. Answers the settings that were backed
/// up, as JSON.
pub async fn fetch(
    vault: &Vault,
    manifest: &Manifest,
    identities: &[Identity],
    path: &Path,
) -> Result<Vec<u8>, BackupError> {
    let here = |error: std::io::Error| BackupError::here(path, &error);
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).map_err(here)?;
    let mut hasher = blake3::Hasher::new();
    let (mut offset, mut settings) = (0, Vec::new());
    for number in 0..manifest.parts.len() {
        let stored = part(vault, manifest, number).await?;
        let name = format!("{}/{}", manifest.set, manifest.parts[number].name);
        let (head, content) = unpacked(&name, &stored, identities)?;
        if head.set != manifest.set || usize::try_from(head.number) != Ok(number) || head.offset != offset {
            return Err(BackupError::Damaged(format!(
                "{name} is part {} of {}: parts were swapped",
                head.number, head.set
            )));
        }
        offset += head.len;
        if number + 1 == manifest.parts.len() {
            settings = content;
            break;
        }
        hasher.update(&content);
        file.write_all(&content).map_err(here)?;
    }
    file.sync_all().map_err(here)?;
    if hasher.finalize().to_hex().as_str() != manifest.content {
        return Err(BackupError::Damaged(format!(
            "{}: the ledger within is not the one that was backed up",
            manifest.set
        )));
    }
    Ok(settings)
}

/// Opens a fetched ledger and proves it: pages, chain, every body and every derived table, and that it ends where the
/// manifest says. Answers the open ledger with what was read.
pub fn prove(manifest: &Manifest, path: &Path, world: &World) -> Result<(Store, Verdict), BackupError> {
    let wrong = |why: String| BackupError::Damaged(format!("{}: {why}", manifest.set));
    if let Some(fault) = damage(path)? {
        return Err(wrong(fault));
    }
    let store = Store::open(Place::File(path.to_owned()), world.clone(), Drive::Inline)
        .map_err(|error| wrong(error.to_string()))?;
    let verdict = verify(&store)?;
    if let Some(fault) = verdict.fault {
        return Err(wrong(fault));
    }
    Ok((store, verdict))
}

/// Compares where a proven ledger ends with what the manifest promised.
pub fn ends_as_promised(manifest: &Manifest, found: &Moment) -> Result<(), BackupError> {
    let promised = (manifest.ledger.clone(), manifest.seq, manifest.commit, manifest.chain.clone());
    if (hex(&found.ledger), found.seq, found.commit, hex(&found.chain)) == promised {
        return Ok(());
    }
    Err(BackupError::Damaged(format!(
        "{}: the ledger within ends at entry {}, and not with the hash chain of entry {}",
        manifest.set, found.seq, manifest.seq
    )))
}

/// Which keys a server has at hand by itself.
pub fn own_identities(settings: &Settings) -> Vec<Identity> {
    vec![settings.machine.clone()]
}
