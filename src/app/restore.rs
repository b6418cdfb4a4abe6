//! Puts a backup in the place of the ledger: says first what would be forgotten, proves the backup beside the ledger,
//! swaps in one step, and keeps what was there. Wants a stopped server.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::{INDEX, LEDGER};
use crate::ground::backup::age::Identity;
use crate::ground::backup::{Manifest, hex};
use crate::ground::id::Seq;
use crate::ground::journal::Actor;
use crate::ground::staging::{StagedRow, Status};
use crate::ground::time::Instant;
use crate::ground::world::World;
use crate::rails::vault::Vault;
use crate::runs::backup::{check, fetch};
use crate::runs::restored;
use crate::store::secrets::SecretKey;
use crate::store::{Drive, OpenError, Place, QueueFilter, Record, Store};

/// Where the restored ledger stands until it is proven.
const RESTORING: &str = "ledger.restoring.redb";
/// Rows named one by one in a plan.
const NAMED_MAX: usize = 20;

/// What is to be restored, and where.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where the backups lie.
    pub vault: Vault,
    /// The backup; none means the newest, or the newest not later than `until`.
    pub set: Option<String>,
    /// Not later than this.
    pub until: Option<Instant>,
    /// The data folder.
    pub data: PathBuf,
    /// Keys that may open it.
    pub identities: Vec<Identity>,
    /// The data folder's `secret.key`, where there is one.
    pub key: Option<SecretKey>,
}

/// What a restore would do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The backup.
    pub manifest: Manifest,
    /// What the ledger there now would lose; none when there is no ledger.
    pub loss: Option<Loss>,
    /// What speaks against it and has to be known.
    pub warnings: Vec<String>,
}

/// What would be forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// The last entry of the ledger there now.
    pub seq: u64,
    /// Entries of the journal after the backup.
    pub entries: u64,
    /// Gifts that were posted to Twenty after it, by their staged rows: they stay in Twenty, are found there by their
    /// keys and adopted, and are never posted again.
    pub posted: Vec<String>,
    /// Gifts that came in after it: the ledger will not know them. Those that were posted stay in Twenty.
    pub came_in: Vec<String>,
    /// Changes by people after it.
    pub by_people: u64,
}

/// Finds the backup and says what restoring it would do. Changes nothing.
pub async fn plan(wanted: &Wanted, world: &World) -> anyhow::Result<Plan> {
    let manifest = chosen(wanted).await?;
    let faults = check::check(&wanted.vault, &manifest.set, wanted.key.as_ref()).await?;
    if !faults.is_empty() {
        bail!("{} cannot be restored:\n  {}", manifest.set, faults.join("\n  "));
    }
    let mut warnings = Vec::new();
    let fingerprint = wanted.key.as_ref().map(crate::runs::backup::fingerprint);
    match fingerprint {
        None => warnings.push(format!(
            "there is no secret.key in {}; Almoner will not start until the one with fingerprint {} is there",
            wanted.data.display(),
            manifest.secret_key
        )),
        Some(found) if found != manifest.secret_key => warnings.push(format!(
            "secret.key here has fingerprint {found}, and the backup needs {}",
            manifest.secret_key
        )),
        Some(_) => {}
    }
    let path = wanted.data.join(LEDGER);
    let loss = if path.try_exists()? { loss(&path, &manifest, world, &mut warnings).await? } else { None };
    Ok(Plan { manifest, loss, warnings })
}

async fn chosen(wanted: &Wanted) -> anyhow::Result<Manifest> {
    if let Some(set) = &wanted.set {
        return Ok(check::manifest(&wanted.vault, set).await?);
    }
    let sets = check::sets(&wanted.vault).await?;
    let early = |manifest: &Manifest| wanted.until.is_none_or(|until| manifest.taken_at <= until);
    let found = sets.into_iter().filter_map(|set| set.manifest.ok()).filter(early);
    found
        .max_by_key(|manifest| manifest.taken_at)
        .with_context(|| format!("there is no such backup at {}", wanted.vault.shown()))
}

/// What the ledger there now holds that the backup does not. One that cannot be opened is no hindrance: it is why one
/// restores.
async fn loss(
    path: &Path,
    manifest: &Manifest,
    world: &World,
    warnings: &mut Vec<String>,
) -> anyhow::Result<Option<Loss>> {
    let store = match Store::open(Place::File(path.to_owned()), world.clone(), Drive::Inline) {
        Ok(store) => store,
        Err(OpenError::InUse) => bail!("the ledger in {} is in use: stop the server first", path.display()),
        Err(error) => {
            warnings.push(format!(
                "the ledger there now cannot be read, so what it would lose is not known: {error}"
            ));
            return Ok(None);
        }
    };
    let now = store.copy().await?.moment;
    if hex(&now.ledger) != manifest.ledger {
        bail!(
            "{} is a backup of another ledger than the one in {}; move that one away first if it is to be replaced",
            manifest.set,
            path.display()
        );
    }
    if now.seq < manifest.seq {
        warnings.push("the ledger there now is older than the backup".into());
    }
    Ok(Some(lost(&store, manifest.seq, now.seq)?))
}

fn lost(store: &Store, since: u64, last: u64) -> anyhow::Result<Loss> {
    let snapshot = store.snapshot()?;
    let ledger = snapshot.ledger();
    let mut loss = Loss { seq: last, entries: last.saturating_sub(since), ..Loss::default() };
    for row in ledger.staged_rows(&QueueFilter::default())? {
        if row.seq <= Seq(since) {
            continue;
        }
        let before = ledger.record_as_of(&row.key, Seq(since))?;
        let was: Option<StagedRow> = before.and_then(|record| serde_json::from_str(&record.value).ok());
        if was.is_none() {
            loss.came_in.push(named(&row));
        }
        if row.value.status() == Status::Processed && was.is_none_or(|was| was.status() != Status::Processed)
        {
            loss.posted.push(named(&row));
        }
    }
    for seq in since + 1..=last {
        let actor = ledger.header(seq)?.actor;
        loss.by_people +=
            u64::from(matches!(actor, Actor::User(_) | Actor::Operator | Actor::OperatorUid(_)));
    }
    Ok(loss)
}

/// A row as an operator can look it up, without saying whose it is.
fn named(row: &Record<StagedRow>) -> String {
    format!("{} of {}", row.value.amount, row.value.received_at)
}

impl Plan {
    /// The plan in words.
    pub fn words(&self) -> String {
        let Manifest { set, taken_at, seq, bytes, app, .. } = &self.manifest;
        let mut lines = vec![format!(
            "Restore {set}: taken {taken_at} by Almoner {app}, up to entry {seq}, {bytes} bytes."
        )];
        match &self.loss {
            None => lines.push("There is no ledger there now that can be read.".into()),
            Some(loss) => {
                lines.push(format!("Forgotten: {} journal entries, up to entry {}.", loss.entries, loss.seq));
                listed(
                    &mut lines,
                    &loss.posted,
                    "posted after it; they stay in Twenty and are adopted from there, never posted again",
                );
                listed(&mut lines, &loss.came_in, "came in after it; the ledger will not know them");
                lines.push(format!("  {} change(s) by people.", loss.by_people));
            }
        }
        lines.push("Everybody signs in again. Users, roles and API tokens are those of the backup.".into());
        lines.push("Nothing is sent to Twenty until everything there was read once.".into());
        lines.extend(self.warnings.iter().map(|warning| format!("Warning: {warning}.")));
        lines.join("\n")
    }
}

fn listed(lines: &mut Vec<String>, rows: &[String], what: &str) {
    lines.push(format!("  {} gift(s) {what}.", rows.len()));
    lines.extend(rows.iter().take(NAMED_MAX).map(|row| format!("    {row}")));
    if rows.len() > NAMED_MAX {
        lines.push(format!("    and {} more", rows.len() - NAMED_MAX));
    }
}

/// What a restore did.
#[derive(Clone, Debug)]
pub struct Done {
    /// Entries proven.
    pub entries: u64,
    /// Where the ledger that was there is now.
    pub kept: Option<PathBuf>,
}

/// Restores. The ledger there is untouched until the restored one is proven, and kept beside it then.
pub async fn restore(wanted: &Wanted, manifest: &Manifest, world: &World) -> anyhow::Result<Done> {
    let path = wanted.data.join(LEDGER);
    super::make_folder(&wanted.data)?;
    let new = wanted.data.join(RESTORING);
    let done = into_new(wanted, manifest, world, &new).await;
    let entries = match done {
        Ok(entries) => entries,
        Err(error) => {
            // Of no use to anybody, and on a full disk in the way.
            let _ = std::fs::remove_file(&new);
            return Err(error);
        }
    };
    let kept = path.try_exists()?.then(|| kept_name(&path, world.now()));
    if let Some(kept) = &kept {
        in_use(&path, world)?;
        // A second name, so that the swap is one step: at no moment is there no ledger.
        std::fs::hard_link(&path, kept)
            .with_context(|| format!("cannot keep the old ledger as {}", kept.display()))?;
    }
    std::fs::rename(&new, &path)?;
    std::fs::File::open(&wanted.data)?.sync_all()?;
    // It follows the journal that was; a new one is made at the next start.
    match std::fs::remove_dir_all(wanted.data.join(INDEX)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    Ok(Done { entries, kept })
}

fn kept_name(path: &Path, now: Instant) -> PathBuf {
    let second: String =
        now.to_string().chars().take(19).filter(|char| *char != ':' && *char != '-').collect();
    path.with_extension(format!("before-restore-{second}.redb"))
}

/// A server that was started meanwhile must not lose its file below it.
fn in_use(path: &Path, world: &World) -> anyhow::Result<()> {
    match Store::open(Place::File(path.to_owned()), world.clone(), Drive::Inline) {
        Err(OpenError::InUse) => bail!("a server was started meanwhile: stop it first; nothing was changed"),
        _ => Ok(()),
    }
}

async fn into_new(wanted: &Wanted, manifest: &Manifest, world: &World, new: &Path) -> anyhow::Result<u64> {
    fetch::fetch(&wanted.vault, manifest, &wanted.identities, new).await?;
    let (store, verdict) = fetch::prove(manifest, new, world)?;
    let moment = store.copy().await?.moment;
    fetch::ends_as_promised(manifest, &moment)?;
    restored::mark(&store, restored::of_now(world, &manifest.set, manifest.taken_at, manifest.seq)).await?;
    Ok(verdict.entries)
}
