//! How entries and working rows are written: versioned envelopes, and the hash chain over entry headers.
//!
//! A journal entry is `[version u8][header length u32 LE][header][body]`. The header is postcard and is what the
//! chain covers; it holds a salted BLAKE3 of the body. The body holds salt, field diff and after-image, and is
//! the only part an erasure replaces.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use crate::ground::id::{SubjectId, SubjectKey};
use crate::ground::journal::{Actor, Cause, Op};
use crate::ground::time::Instant;

/// The envelope's version, first byte of every value.
const VERSION: u8 = 1;

/// The part of an entry that is never changed and that the chain covers. Field order is the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Which subject.
    pub subject: SubjectId,
    /// Its name.
    pub key: SubjectKey,
    /// What happened.
    pub op: Op,
    /// The subject's entry before this one.
    pub previous: Option<u64>,
    /// When it was written: never before the entry before it.
    pub recorded: Instant,
    /// Since when it is true outside, where that is known.
    pub valid: Option<Instant>,
    /// Who.
    pub actor: Actor,
    /// Why.
    pub why: String,
    /// The request that led to it.
    pub request_id: Option<String>,
    /// Salted BLAKE3 of the body's content.
    pub body_hash: [u8; 32],
}

/// The part of an entry that an erasure replaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// As written.
    Kept {
        /// Random, so that the header's hash says nothing about a body that was erased.
        salt: [u8; 16],
        /// Which fields changed.
        diff: Vec<FieldChange>,
        /// The record after the change.
        image: Image,
    },
    /// Erased.
    Erased {
        /// Who asked.
        who: String,
        /// When.
        at: Instant,
        /// On what ground.
        ground: String,
    },
}

/// One field before and after, as JSON texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Dotted path of the field.
    pub field: String,
    /// JSON before; absent when the field was not there.
    pub before: Option<String>,
    /// JSON after; absent when the field is gone.
    pub after: Option<String>,
}

/// An after-image. Append only: a dictionary-compressed form will be a further variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Image {
    /// JSON text as it is.
    Json(String),
}

impl Image {
    /// The record as JSON text.
    pub fn json(&self) -> &str {
        match self {
            Self::Json(text) => text,
        }
    }
}

/// A decoded entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Header.
    pub header: Header,
    /// Body.
    pub body: Body,
}

impl Header {
    /// A header without its body's hash.
    pub(super) fn new(subject: SubjectId, key: SubjectKey, op: Op, cause: &Cause, recorded: Instant) -> Self {
        Self {
            subject,
            key,
            op,
            previous: None,
            recorded,
            valid: None,
            actor: cause.actor.clone(),
            why: cause.why.clone(),
            request_id: cause.request_id.clone(),
            body_hash: [0; 32],
        }
    }
}

/// BLAKE3 over the content of a body and not over its encoding, so that an entry can be compressed or encoded anew
/// and the chain still holds. Every part is preceded by its length; an absent text by a length no text has.
fn body_hash(body: &Body) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let mut part = |text: Option<&[u8]>| {
        let length = text.map_or(u64::MAX, |text| text.len() as u64);
        hasher.update(&length.to_be_bytes());
        hasher.update(text.unwrap_or_default());
    };
    if let Body::Kept { salt, diff, image } = body {
        part(Some(salt));
        part(Some(image.json().as_bytes()));
        for change in diff {
            part(Some(change.field.as_bytes()));
            part(change.before.as_deref().map(str::as_bytes));
            part(change.after.as_deref().map(str::as_bytes));
        }
    }
    *hasher.finalize().as_bytes()
}

/// Writes an entry; sets the header's body hash. Returns the value and the header's bytes for the chain.
pub(super) fn encode_entry(mut header: Header, body: &Body) -> Result<(Vec<u8>, Vec<u8>), StoreError> {
    header.body_hash = body_hash(body);
    let body = postcard(body)?;
    let header = postcard(&header)?;
    let length =
        u32::try_from(header.len()).map_err(|_| StoreError::corrupt("entry header", header.len()))?;
    let mut value = Vec::with_capacity(5 + header.len() + body.len());
    value.push(VERSION);
    value.extend_from_slice(&length.to_le_bytes());
    value.extend_from_slice(&header);
    value.extend_from_slice(&body);
    Ok((value, header))
}

/// Header bytes and body bytes of an entry.
pub(super) fn split_entry(value: &[u8]) -> Result<(&[u8], &[u8]), StoreError> {
    let bad = || StoreError::corrupt("journal entry", value.len());
    let rest = strip_version("journal entry", value)?;
    let (length, rest) = rest.split_at_checked(4).ok_or_else(bad)?;
    let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
    rest.split_at_checked(length).ok_or_else(bad)
}

/// Reads an entry and checks that its body is the one its header names.
pub(super) fn decode_entry(value: &[u8]) -> Result<Entry, StoreError> {
    let (header, body) = split_entry(value)?;
    let entry =
        Entry { header: from_postcard("entry header", header)?, body: from_postcard("entry body", body)? };
    let kept = matches!(entry.body, Body::Kept { .. });
    if kept && entry.header.body_hash != body_hash(&entry.body) {
        return Err(StoreError::corrupt("entry body that does not match its header", body.len()));
    }
    Ok(entry)
}

/// Reads only the header.
pub(super) fn decode_header(value: &[u8]) -> Result<Header, StoreError> {
    from_postcard("entry header", split_entry(value)?.0)
}

/// One commit of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    /// First entry.
    pub first: u64,
    /// Last entry.
    pub last: u64,
    /// Hash of the link before.
    pub previous: [u8; 32],
    /// BLAKE3 over the link before, the bounds, and each entry header with its length.
    pub hash: [u8; 32],
}

/// Computes a link while its entries are written or read.
pub(super) struct LinkHasher {
    hasher: blake3::Hasher,
    previous: [u8; 32],
    first: u64,
}

impl LinkHasher {
    pub(super) fn new(previous: [u8; 32], first: u64) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&previous);
        hasher.update(&first.to_be_bytes());
        Self { hasher, previous, first }
    }

    pub(super) fn entry(&mut self, header: &[u8]) {
        self.hasher.update(&(header.len() as u64).to_be_bytes());
        self.hasher.update(header);
    }

    pub(super) fn finish(mut self, last: u64) -> Link {
        self.hasher.update(&last.to_be_bytes());
        Link { first: self.first, last, previous: self.previous, hash: *self.hasher.finalize().as_bytes() }
    }
}

/// A value in its envelope: `[version][postcard]`.
pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    let mut out = vec![VERSION];
    out.extend_from_slice(&postcard(value)?);
    Ok(out)
}

/// Reads a value from its envelope; a newer version is refused, not guessed.
pub(super) fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, StoreError> {
    from_postcard(what, strip_version(what, bytes)?)
}

fn strip_version<'b>(what: &'static str, bytes: &'b [u8]) -> Result<&'b [u8], StoreError> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => Ok(rest),
        Some((&newer, _)) if newer > VERSION => Err(StoreError::Newer { what, found: u32::from(newer) }),
        _ => Err(StoreError::corrupt(what, bytes.len())),
    }
}

fn postcard<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    ::postcard::to_stdvec(value).map_err(|error| StoreError::Unavailable(format!("cannot encode: {error}")))
}

fn from_postcard<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, StoreError> {
    ::postcard::from_bytes(bytes).map_err(|_| StoreError::corrupt(what, bytes.len()))
}

/// A record of ours as the JSON of its after-image.
pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Unavailable(format!("cannot encode: {error}")))
}

/// A record of ours from its after-image.
pub(super) fn from_json<T: DeserializeOwned>(what: &'static str, json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|_| StoreError::corrupt(what, json.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::id::{ConnectionId, Object};
    use uuid::Uuid;

    const LANDED: &str = "371d80d342989a66867eb1f1b19c30e257a82a1d401bdbc213cdd79a325613c3";

    fn entry() -> (Vec<u8>, Vec<u8>) {
        let key = SubjectKey::twenty(Object::People, Uuid::from_u128(5));
        let cause = Cause {
            actor: Actor::Connection(ConnectionId::TWENTY),
            why: "first sync".into(),
            request_id: None,
        };
        let header = Header::new(SubjectId(3), key, Op::Created, &cause, Instant(7));
        let body = Body::Kept { salt: [9; 16], diff: vec![], image: Image::Json("{\"a\":1}".into()) };
        encode_entry(header, &body).unwrap()
    }

    #[test]
    fn an_entry_reads_back_and_a_flipped_byte_is_noticed() {
        let (value, header) = entry();
        let read = decode_entry(&value).unwrap();
        assert_eq!(read.header.subject, SubjectId(3));
        assert_eq!(split_entry(&value).unwrap().0, header);
        let last = value.len() - 1;
        let mut flipped = value.clone();
        flipped[last] ^= 1;
        assert!(decode_entry(&flipped).is_err());
        for cut in [0, 1, 4, 20, last] {
            assert!(decode_entry(&value[..cut]).is_err(), "{cut}");
        }
    }

    /// What stands on disk, to the byte: a change of order or number in any of these types is a change of format.
    #[test]
    fn the_bytes_of_the_format_are_the_ones_that_landed() {
        use crate::ground::outbox::Arrival;
        let actors = [
            Actor::User(crate::ground::id::UserId(Uuid::nil())),
            Actor::Connection(ConnectionId(9)),
            Actor::Operator,
            Actor::System,
        ];
        let tags: Vec<u8> = actors.iter().map(|actor| postcard(actor).unwrap()[0]).collect();
        assert_eq!(tags, [0, 3, 4, 5]);
        let ops: Vec<u8> = Op::ALL.iter().flat_map(|op| postcard(op).unwrap()).collect();
        assert_eq!(ops, [1, 2, 3, 4, 5, 6, 7, 8]);
        let objects: Vec<Vec<u8>> = Object::ALL.iter().map(|object| postcard(object).unwrap()).collect();
        assert_eq!(objects, [[1], [3], [100], [101], [102], [103], [104], [105]]);
        assert_eq!(postcard(&[Arrival::NotSent, Arrival::Unknown]).unwrap(), [0, 1]);
        let (value, _) = entry();
        assert_eq!(blake3::hash(&value).to_hex().as_str(), LANDED);
    }

    #[test]
    fn a_newer_version_is_refused_and_not_guessed() {
        let (mut value, _) = entry();
        value[0] = 2;
        assert!(matches!(decode_entry(&value), Err(StoreError::Newer { found: 2, .. })));
        assert!(matches!(decode::<u32>("x", &[9, 1]), Err(StoreError::Newer { found: 9, .. })));
        assert!(matches!(decode::<u32>("x", &[]), Err(StoreError::Corrupt { .. })));
    }

    #[test]
    fn the_chain_depends_on_every_header_and_on_the_link_before() {
        let link = |previous, headers: &[&[u8]]| {
            let mut hasher = LinkHasher::new(previous, 1);
            for header in headers {
                hasher.entry(header);
            }
            hasher.finish(headers.len() as u64).hash
        };
        let base = link([0; 32], &[b"ab", b"c"]);
        assert_ne!(base, link([1; 32], &[b"ab", b"c"]));
        assert_ne!(base, link([0; 32], &[b"a", b"bc"]));
        assert_eq!(base, link([0; 32], &[b"ab", b"c"]));
    }
}
