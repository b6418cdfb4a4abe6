//! The restore drill: a backup is restored into a sandbox and everything that can be recomputed is. What could not be
//! tried is inconclusive, and never counts as passed.

use std::path::Path;

use super::fetch::{ends_as_promised, fetch, own_identities, prove};
use super::{BackupError, Settings, check};
use crate::ground::backup::Manifest;
use crate::ground::backup::state::{Drill, Good, Verdict};
use crate::ground::id::Seq;
use crate::ground::world::World;
use crate::store::{Store, StoreError};

/// Records read back by name in a drill, spread over the whole journal.
const SAMPLES: u64 = 200;

/// Restores the newest good backup into the sandbox and says how that went. What is in the sandbox is removed.
pub async fn drill(settings: &Settings, world: &World, good: Option<&Good>) -> Drill {
    let set = good.map(|good| good.set.clone());
    let outcome = match &set {
        Some(set) => rehearse(settings, world, set).await,
        None => Err(BackupError::Here("there is no backup yet".into())),
    };
    // A sandbox that stays takes room; it is emptied before the next one too.
    let _ = std::fs::remove_dir_all(&settings.sandbox);
    let (verdict, says) = match outcome {
        Ok(says) => (Verdict::Passed, says),
        Err(error) => (judged(&error), error.to_string()),
    };
    Drill { at: world.now(), verdict, set, says }
}

/// Only what was looked at and found wrong has failed.
fn judged(error: &BackupError) -> Verdict {
    match error {
        BackupError::Damaged(_)
        | BackupError::NoKey(_)
        | BackupError::Store(StoreError::Corrupt { .. } | StoreError::Newer { .. }) => Verdict::Failed,
        BackupError::Store(_) | BackupError::Vault(_) | BackupError::NoRoom(_) | BackupError::Here(_) => {
            Verdict::Inconclusive
        }
    }
}

async fn rehearse(settings: &Settings, world: &World, set: &str) -> Result<String, BackupError> {
    let sandbox = &settings.sandbox;
    let here = |error: std::io::Error| BackupError::here(sandbox, &error);
    match std::fs::remove_dir_all(sandbox) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(here(error)),
        _ => {}
    }
    std::fs::create_dir_all(sandbox).map_err(here)?;
    let manifest = check::manifest(&settings.vault, set).await?;
    let path = sandbox.join("ledger.redb");
    fetch(&settings.vault, &manifest, &own_identities(settings), &path).await?;
    let (copied, chance) = (manifest.clone(), world.clone());
    let proven = tokio::task::spawn_blocking(move || proven(&copied, &path, &chance));
    proven.await.map_err(|error| BackupError::Here(error.to_string()))?
}

fn proven(manifest: &Manifest, path: &Path, world: &World) -> Result<String, BackupError> {
    let (store, verdict) = prove(manifest, path, world)?;
    let copy = tokio::runtime::Handle::current().block_on(store.copy())?;
    ends_as_promised(manifest, &copy.moment)?;
    drop(copy);
    let known = known_records(&store, manifest.seq)?;
    Ok(format!(
        "{} entries, {} records and {} pages of {} proven, {known} read back",
        verdict.entries, verdict.subjects, verdict.pages, manifest.set
    ))
}

/// Reads records back by their names, as a person would: spread over the journal, the first and the last among them.
fn known_records(store: &Store, last: u64) -> Result<u64, BackupError> {
    let snapshot = store.snapshot()?;
    let ledger = snapshot.ledger();
    let mut read = 0;
    for n in 0..SAMPLES.min(last) {
        let seq = 1 + n * (last - 1) / SAMPLES.min(last).saturating_sub(1).max(1);
        let header = ledger.header(seq)?;
        if ledger.subject(&header.key)? != Some(header.subject) {
            return Err(BackupError::Damaged(format!("the record of entry {seq} is not found by its name")));
        }
        // Reading it decodes it; one that was erased is none, and rightly so.
        ledger.record_at(Seq(seq))?;
        read += 1;
    }
    Ok(read)
}
