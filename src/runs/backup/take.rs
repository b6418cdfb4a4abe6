//! Takes a backup beside a server that writes: one part is read, compressed and sealed while the one before it is stored.

use super::pack::{check_of, fingerprint, manifest_bytes, packed};
use super::{BackupError, Settings};
use crate::ground::backup::{FORM, MANIFEST, Manifest, Part, PartHead, hex, part_name, set_name};
use crate::ground::world::World;
use crate::rails::vault::Vault;
use crate::store::{FileCopy, Moment, Store};

/// Bytes of the ledger in one part: few enough for the memory of a small server, enough that a call to a distant store
/// is worth it.
pub const STRETCH: u64 = 8 * 1024 * 1024;

/// A part ready to be stored.
struct Ready {
    name: String,
    bytes: Vec<u8>,
}

/// What goes through the taking of one backup.
struct Taking {
    copy: FileCopy,
    hasher: blake3::Hasher,
    set: String,
    number: u32,
    offset: u64,
}

impl Taking {
    fn head(&mut self, content: &[u8]) -> PartHead {
        let head = PartHead {
            set: self.set.clone(),
            number: self.number,
            offset: self.offset,
            len: content.len() as u64,
            content: check_of(content),
        };
        self.number += 1;
        self.offset += head.len;
        head
    }

    /// Reads and seals the next part; none at the end of the file.
    fn next(
        &mut self,
        settings: &Settings,
        world: &World,
        stretch: u64,
    ) -> Result<Option<Ready>, BackupError> {
        let Some(content) = self.copy.next(stretch)? else { return Ok(None) };
        self.hasher.update(&content);
        self.seal(&content, settings, world).map(Some)
    }

    fn seal(&mut self, content: &[u8], settings: &Settings, world: &World) -> Result<Ready, BackupError> {
        let head = self.head(content);
        let bytes = packed(&head, content, &settings.recipients, world)?;
        Ok(Ready { name: part_name(head.number), bytes })
    }
}

/// Stores a part and answers what the manifest says of it.
async fn store_part(vault: &Vault, set: &str, ready: Ready) -> Result<Part, BackupError> {
    let Ready { name, bytes } = ready;
    let part = Part { name, bytes: bytes.len() as u64, check: check_of(&bytes) };
    vault.put(&format!("{set}/{}", part.name), bytes).await?;
    Ok(part)
}

/// Takes one, and answers its manifest, which is stored last.
pub async fn take(
    store: &Store,
    world: &World,
    settings: &Settings,
    stretch: u64,
) -> Result<Manifest, BackupError> {
    let copy = store.copy().await?;
    let moment = copy.moment.clone();
    let set = set_name(&moment.ledger, moment.at, moment.seq, world.bytes());
    let mut taking = Taking { copy, hasher: blake3::Hasher::new(), set: set.clone(), number: 0, offset: 0 };
    let mut parts = Vec::new();
    let mut before: Option<Ready> = None;
    loop {
        let (with, chance) = (settings.clone(), world.clone());
        let sealing = tokio::task::spawn_blocking(move || {
            let next = taking.next(&with, &chance, stretch);
            (taking, next)
        });
        if let Some(ready) = before.take() {
            parts.push(store_part(&settings.vault, &set, ready).await?);
        }
        let (back, next) = sealing.await.map_err(|error| BackupError::Here(error.to_string()))?;
        taking = back;
        match next? {
            Some(ready) => before = Some(ready),
            None => break,
        }
    }
    let shown =
        serde_json::to_vec_pretty(&settings.shown).map_err(|error| BackupError::Here(error.to_string()))?;
    let content = taking.hasher.finalize().to_hex().to_string();
    let last = taking.seal(&shown, settings, world)?;
    parts.push(store_part(&settings.vault, &set, last).await?);
    let mut manifest = manifest(&moment, set, content, parts, settings);
    let bytes = manifest_bytes(&mut manifest, &settings.key)?;
    settings.vault.put(&format!("{}/{MANIFEST}", manifest.set), bytes).await?;
    Ok(manifest)
}

fn manifest(
    moment: &Moment,
    set: String,
    content: String,
    parts: Vec<Part>,
    settings: &Settings,
) -> Manifest {
    Manifest {
        form: FORM,
        set,
        ledger: hex(&moment.ledger),
        taken_at: moment.at,
        seq: moment.seq,
        commit: moment.commit,
        chain: hex(&moment.chain),
        schema: moment.schema,
        app: env!("CARGO_PKG_VERSION").to_owned(),
        bytes: moment.bytes,
        content,
        parts,
        recipients: settings.recipients.iter().map(ToString::to_string).collect(),
        secret_key: fingerprint(&settings.key),
        seal: String::new(),
        check: String::new(),
    }
}
