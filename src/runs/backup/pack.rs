//! Parts and manifests as bytes: compressed, sealed, and found out when they are not what they were.

use super::BackupError;
use crate::ground::backup::age::{self, AgeError, Identity, Recipient};
use crate::ground::backup::{FORM, Manifest, PartHead};
use crate::ground::world::World;
use crate::store::secrets::SecretKey;

/// As `zstd -3`: what a disk of a small server writes is slower than this.
const LEVEL: i32 = 3;
/// What no part is larger than when it is unpacked: a forged one must not fill the memory.
const PART_MAX: usize = 64 * 1024 * 1024;

/// The BLAKE3 of bytes, in hexadecimal.
pub(super) fn check_of(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// A part, compressed and sealed.
pub(super) fn packed(
    head: &PartHead,
    content: &[u8],
    recipients: &[Recipient],
    world: &World,
) -> Result<Vec<u8>, BackupError> {
    let mut plain = head.text().into_bytes();
    let packed =
        zstd::bulk::compress(content, LEVEL).map_err(|error| BackupError::Here(error.to_string()))?;
    plain.extend(packed);
    age::seal(recipients, &plain, world).map_err(|error| BackupError::Here(error.to_string()))
}

/// The head and content of a stored part; `name` says which in errors.
pub(super) fn unpacked(
    name: &str,
    stored: &[u8],
    identities: &[Identity],
) -> Result<(PartHead, Vec<u8>), BackupError> {
    let damaged = |why: &str| BackupError::Damaged(format!("{name} is damaged: {why}"));
    let plain = age::open(identities, stored).map_err(|error| match error {
        AgeError::NotForUs => BackupError::NoKey(name.to_owned()),
        other => damaged(&other.to_string()),
    })?;
    let (head, packed) = PartHead::split(&plain).ok_or_else(|| damaged("it is not a part of a backup"))?;
    let len = usize::try_from(head.len).ok().filter(|len| *len <= PART_MAX);
    let len = len.ok_or_else(|| damaged("it says that it is larger than any part"))?;
    let content = zstd::bulk::decompress(packed, len).map_err(|error| damaged(&error.to_string()))?;
    if content.len() != len || check_of(&content) != head.content {
        return Err(damaged("its content is not what its head says"));
    }
    Ok((head, content))
}

/// What the seal and the check of a manifest are over.
fn signed(manifest: &Manifest) -> Result<Vec<u8>, BackupError> {
    let bare = Manifest { seal: String::new(), check: String::new(), ..manifest.clone() };
    serde_json::to_vec(&bare).map_err(|error| BackupError::Here(error.to_string()))
}

fn seal_of(signed: &[u8], key: &SecretKey) -> blake3::Hash {
    blake3::keyed_hash(&key.derived("almoner 2026-11-27 backup manifest"), signed)
}

/// Which `secret.key` it is, without saying anything of it.
pub fn fingerprint(key: &SecretKey) -> String {
    check_of(&key.derived("almoner 2026-11-27 key fingerprint"))[..16].to_owned()
}

/// The manifest as it is stored, sealed and with its check.
pub(super) fn manifest_bytes(manifest: &mut Manifest, key: &SecretKey) -> Result<Vec<u8>, BackupError> {
    let signed = signed(manifest)?;
    manifest.seal = seal_of(&signed, key).to_hex().to_string();
    manifest.check = check_of(&signed);
    let mut bytes =
        serde_json::to_vec_pretty(manifest).map_err(|error| BackupError::Here(error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads a manifest that was stored under the name of `set`.
pub(super) fn read_manifest(set: &str, bytes: &[u8]) -> Result<Manifest, String> {
    #[derive(serde::Deserialize)]
    struct Form {
        form: u32,
    }
    let form: Form = serde_json::from_slice(bytes).map_err(|_| "its manifest is damaged".to_owned())?;
    if form.form != FORM {
        return Err(format!(
            "its manifest has form {}, and this version knows {FORM}; use a newer Almoner",
            form.form
        ));
    }
    let manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|_| "its manifest is damaged".to_owned())?;
    let mut whole = serde_json::to_vec_pretty(&manifest).map_err(|error| error.to_string())?;
    whole.push(b'\n');
    let check = signed(&manifest).map(|signed| check_of(&signed)).unwrap_or_default();
    // Byte for byte: what does not change its meaning is damage all the same.
    if manifest.check != check || whole != bytes {
        return Err("its manifest is damaged".into());
    }
    if manifest.set != set {
        return Err(format!("its manifest is that of {}: backups were swapped", manifest.set));
    }
    Ok(manifest)
}

/// Whether whoever made the manifest had this `secret.key`; none when it was made with another one.
pub(super) fn is_ours(manifest: &Manifest, key: &SecretKey) -> Result<Option<bool>, BackupError> {
    if manifest.secret_key != fingerprint(key) {
        return Ok(None);
    }
    // `Hash` compares in constant time.
    let seal = seal_of(&signed(manifest)?, key);
    Ok(Some(blake3::Hash::from_hex(&manifest.seal).is_ok_and(|stored| stored == seal)))
}
