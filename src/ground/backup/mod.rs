//! Backups: what one consists of, which are kept, when the next is due, and what is known after a restore.
//! Decision 0020.

pub mod age;
mod bech32;
pub mod restored;
pub mod retention;
pub mod state;

use serde::{Deserialize, Serialize};

use super::time::Instant;

/// The version of the form below. A manifest of a newer one is refused.
pub const FORM: u32 = 1;
/// What the name of every backup begins with.
pub const PREFIX: &str = "almoner-";
/// The manifest within a backup; written last, so that a backup without one is unfinished.
pub const MANIFEST: &str = "manifest.json";

/// The name of a backup: whose it is, its moment, the ledger's last entry, and chance that tells two of one second apart.
/// Names of one ledger are in the order of time.
pub fn set_name(ledger: &[u8; 16], at: Instant, seq: u64, chance: [u8; 4]) -> String {
    let whose = hex(&ledger[..4]);
    let text = at.to_string();
    let second = text.split('.').next().unwrap_or_default().replace([':', '-'], "");
    format!("{PREFIX}{whose}-{second}Z-{seq}-{}", hex(&chance))
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            out.extend(char::from_digit(u32::from(half), 16));
        }
    }
    out
}

/// The name of a part within its backup.
pub fn part_name(number: u32) -> String {
    format!("part-{number:05}.age")
}

/// What a backup is: readable without a key, so that it can be listed and checked where it lies. Says nothing of people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORM`].
    pub form: u32,
    /// The backup's own name: a manifest in another folder was swapped.
    pub set: String,
    /// The ledger's identity, in hexadecimal.
    pub ledger: String,
    /// The moment of the copy.
    pub taken_at: Instant,
    /// The last entry of the journal then.
    pub seq: u64,
    /// The last commit then.
    pub commit: u64,
    /// The last link of the hash chain then, in hexadecimal.
    pub chain: String,
    /// The ledger's layout.
    pub schema: u32,
    /// The version of Almoner that took it.
    pub app: String,
    /// Bytes of the ledger's file.
    pub bytes: u64,
    /// BLAKE3 of the ledger's file, in hexadecimal.
    pub content: String,
    /// The parts, in order. The last holds the settings.
    pub parts: Vec<Part>,
    /// For which public keys it is sealed.
    pub recipients: Vec<String>,
    /// Which `secret.key` opens the sealed secrets within: its fingerprint, never the key.
    pub secret_key: String,
    /// BLAKE3 of everything above, keyed with a key that follows from `secret.key`: made by whoever has it.
    #[serde(default)]
    pub seal: String,
    /// BLAKE3 of everything above.
    #[serde(default)]
    pub check: String,
}

/// One stored file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name within the backup.
    pub name: String,
    /// Its bytes as stored.
    pub bytes: u64,
    /// BLAKE3 of its bytes as stored, in hexadecimal.
    pub check: String,
}

/// What stands within the seal before the content of a part: a part of another backup, or in another place, is found
/// even by whoever trusts no manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartHead {
    /// The backup.
    pub set: String,
    /// Which part.
    pub number: u32,
    /// Where its content begins in the ledger's file.
    pub offset: u64,
    /// Bytes of its content.
    pub len: u64,
    /// BLAKE3 of its content, in hexadecimal.
    pub content: String,
}

const PART: &str = "almoner backup part 1";
/// A head is short; what has no end by then is none.
const HEAD_MAX: usize = 512;

impl PartHead {
    /// The head as text, an empty line after it.
    pub fn text(&self) -> String {
        let Self { set, number, offset, len, content } = self;
        format!("{PART}\nset {set}\nnumber {number}\noffset {offset}\nbytes {len}\nblake3 {content}\n\n")
    }

    /// The head and what follows it; none when this is no part.
    pub fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let within = &bytes[..bytes.len().min(HEAD_MAX)];
        let end = within.windows(2).position(|pair| pair == b"\n\n")?;
        let mut lines = std::str::from_utf8(&bytes[..end]).ok()?.lines();
        if lines.next()? != PART {
            return None;
        }
        let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let head = Self {
            set: value("set")?.to_owned(),
            number: value("number")?.parse().ok()?,
            offset: value("offset")?.parse().ok()?,
            len: value("bytes")?.parse().ok()?,
            content: value("blake3")?.to_owned(),
        };
        Some((head, &bytes[end + 2..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_of_time_and_heads_read_as_written() {
        let at: Instant = "2026-11-27T04:15:09.5Z".parse().unwrap();
        let name = set_name(&[0xAB; 16], at, 42, [0, 1, 2, 3]);
        assert_eq!(name, "almoner-abababab-20261127T041509Z-42-00010203");
        assert!(set_name(&[0xAB; 16], at.plus_millis(1_000), 7, [0; 4]) > name);
        let head = PartHead { set: name, number: 3, offset: 9, len: 12, content: "ab".into() };
        let bytes = [head.text().as_bytes(), b"content\n\nmore"].concat();
        assert_eq!(PartHead::split(&bytes), Some((head, &b"content\n\nmore"[..])));
        assert_eq!(PartHead::split(b"something else\n\n"), None);
        assert_eq!(PartHead::split(b""), None);
    }
}
