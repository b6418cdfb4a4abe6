//! How entries and working rows are written: versioned envelopes, and the hash chain over entry headers.
//!
//! A journal entry is `[2][slim header][body]`; of layout 1 there are `[1][header length u32 LE][header][body]`. The
//! chain covers the header as postcard; it holds a salted BLAKE3 of the body. The body holds salt, field diff and
//! after-image, and is the only part an erasure replaces.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::StoreError;
use super::ids;
use super::pack::{Effort, Packed, pack, unpack};
use super::slim;
use crate::ground::id::{SubjectId, SubjectKey};
use crate::ground::journal::{Actor, Cause, Op};
use crate::ground::outbox::Message;
use crate::ground::time::Instant;

/// The envelope's version, first byte of every value but journal entries.
const VERSION: u8 = 1;
/// The version of a journal entry since layout 2.
const ENTRY_VERSION: u8 = 2;

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
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// How a body stands on disk. Append only.
#[derive(Debug, Serialize, Deserialize)]
enum Stored<'b> {
    /// As it is: layout 1, and what does not shrink.
    Kept { salt: [u8; 16], diff: Vec<FieldChange>, image: Image },
    /// Erased.
    Erased { who: String, at: Instant, ground: String },
    /// Diff and image together, packed with the dictionary of this number; `length` is what they had before.
    Packed {
        salt: [u8; 16],
        dictionary: u16,
        length: u32,
        /// The ids that were taken out of the image.
        #[serde(borrow)]
        ids: Bytes<'b>,
        #[serde(borrow)]
        bytes: Bytes<'b>,
    },
}

/// Bytes that are written and read as a whole and not one by one.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Bytes<'b>(&'b [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// An after-image. Append only.
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

impl Entry {
    /// The record as JSON; none when it was erased.
    pub fn json(&self) -> Option<&str> {
        match &self.body {
            Body::Kept { image, .. } => Some(image.json()),
            Body::Erased { .. } => None,
        }
    }
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
pub(super) fn body_hash(body: &Body) -> [u8; 32] {
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

/// An entry's value from its header and its encoded body.
pub(super) fn entry_value(header: &Header, body: &[u8]) -> Result<Vec<u8>, StoreError> {
    let header = slim::encode(header)?;
    let mut value = Vec::with_capacity(1 + header.len() + body.len());
    value.push(ENTRY_VERSION);
    value.extend_from_slice(&header);
    value.extend_from_slice(body);
    Ok(value)
}

/// The header as the chain covers it.
pub(super) fn canonical(header: &Header) -> Result<Vec<u8>, StoreError> {
    postcard(header)
}

/// The same entry with another body; its header, and with it the chain, stays.
pub(super) fn replace_body(value: &[u8], body: &[u8]) -> Result<Vec<u8>, StoreError> {
    entry_value(&decode_header(value)?, body)
}

/// A body as it stands on disk; `own` is the record's own id.
pub(super) fn encode_body(body: &Body, own: Option<Uuid>) -> Result<Vec<u8>, StoreError> {
    encode_with(body, own, Effort::Quick)
}

/// The same entry, packed as small as it goes. Header and content stay, and with them every hash.
pub(super) fn repacked(value: &[u8]) -> Result<Vec<u8>, StoreError> {
    let Entry { header, body } = decode_entry(value)?;
    let smaller = entry_value(&header, &encode_with(&body, header.key.uuid(), Effort::Strong)?)?;
    Ok(if smaller.len() < value.len() { smaller } else { value.to_vec() })
}

fn encode_with(body: &Body, own: Option<Uuid>, effort: Effort) -> Result<Vec<u8>, StoreError> {
    match body {
        Body::Erased { who, at, ground } => {
            postcard(&Stored::Erased { who: who.clone(), at: *at, ground: ground.clone() })
        }
        Body::Kept { salt, diff, image } => match encode_packed(*salt, diff, image, (own, effort))? {
            Some(packed) => Ok(packed),
            None => postcard(&Stored::Kept { salt: *salt, diff: diff.clone(), image: image.clone() }),
        },
    }
}

/// Diff and image packed; nothing when they do not shrink.
fn encode_packed(
    salt: [u8; 16],
    diff: &[FieldChange],
    image: &Image,
    (own, effort): (Option<Uuid>, Effort),
) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(without) = content(diff, image, own)? else { return Ok(None) };
    let Some(Packed { dictionary, length, bytes }) = pack(&without.text, effort)? else { return Ok(None) };
    let (ids, bytes) = (Bytes(&without.ids), Bytes(&bytes));
    postcard(&Stored::Packed { salt, dictionary, length, ids, bytes }).map(Some)
}

/// What is packed of a body, and the ids that stay outside.
fn content(
    diff: &[FieldChange],
    image: &Image,
    own: Option<Uuid>,
) -> Result<Option<ids::Without>, StoreError> {
    let Some(without) = ids::take_out(image.json(), own) else { return Ok(None) };
    let mut content = postcard(diff)?;
    content.extend_from_slice(&without.text);
    Ok(Some(ids::Without { text: content, ..without }))
}

/// What is packed of an entry: what a dictionary is trained on.
pub fn training_sample(entry: &Entry) -> Result<Option<Vec<u8>>, StoreError> {
    match &entry.body {
        Body::Kept { diff, image, .. } => {
            Ok(content(diff, image, entry.header.key.uuid())?.map(|without| without.text))
        }
        Body::Erased { .. } => Ok(None),
    }
}

fn decode_body(bytes: &[u8], own: Option<Uuid>) -> Result<Body, StoreError> {
    Ok(match from_postcard::<Stored<'_>>("entry body", bytes)? {
        Stored::Kept { salt, diff, image } => Body::Kept { salt, diff, image },
        Stored::Erased { who, at, ground } => Body::Erased { who, at, ground },
        Stored::Packed { salt, dictionary, length, ids, bytes } => {
            let content = unpack(dictionary, length, bytes.0)?;
            let bad = || StoreError::corrupt("packed entry body", content.len());
            let (diff, text) = ::postcard::take_from_bytes(&content).map_err(|_| bad())?;
            let json = ids::put_back(text, ids.0, own).ok_or_else(bad)?;
            Body::Kept { salt, diff, image: Image::Json(json) }
        }
    })
}

/// Header and body bytes of an entry.
fn split_entry(value: &[u8]) -> Result<(Header, &[u8]), StoreError> {
    let bad = || StoreError::corrupt("journal entry", value.len());
    match value.split_first() {
        Some((&ENTRY_VERSION, rest)) => slim::decode(rest),
        Some((&VERSION, rest)) => {
            let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(bad)?;
            let length = u32::from_le_bytes(*length) as usize;
            let (header, body) = rest.split_at_checked(length).ok_or_else(bad)?;
            Ok((from_postcard("entry header", header)?, body))
        }
        Some((&newer, _)) if newer > ENTRY_VERSION => {
            Err(StoreError::Newer { what: "journal entry", found: u32::from(newer) })
        }
        _ => Err(bad()),
    }
}

/// Reads an entry and checks that its body is the one its header names.
pub(super) fn decode_entry(value: &[u8]) -> Result<Entry, StoreError> {
    let (header, body) = split_entry(value)?;
    let entry = Entry { body: decode_body(body, header.key.uuid())?, header };
    let kept = matches!(entry.body, Body::Kept { .. });
    if kept && entry.header.body_hash != body_hash(&entry.body) {
        return Err(StoreError::corrupt("entry body that does not match its header", body.len()));
    }
    Ok(entry)
}

/// Reads only the header.
pub(super) fn decode_header(value: &[u8]) -> Result<Header, StoreError> {
    Ok(split_entry(value)?.0)
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

/// A message, also one of a store from before messages could wait for a donor: what it lacks is the last field, none.
pub(super) fn decode_message(bytes: &[u8]) -> Result<Message, StoreError> {
    decode("message", bytes).or_else(|error| {
        let mut grown = bytes.to_vec();
        grown.push(0);
        decode("message", &grown).map_err(|_| error)
    })
}

fn strip_version<'b>(what: &'static str, bytes: &'b [u8]) -> Result<&'b [u8], StoreError> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => Ok(rest),
        Some((&newer, _)) if newer > VERSION => Err(StoreError::Newer { what, found: u32::from(newer) }),
        _ => Err(StoreError::corrupt(what, bytes.len())),
    }
}

fn postcard<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, StoreError> {
    ::postcard::to_stdvec(value).map_err(|error| StoreError::Unavailable(format!("cannot encode: {error}")))
}

fn from_postcard<'b, T: Deserialize<'b>>(what: &'static str, bytes: &'b [u8]) -> Result<T, StoreError> {
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

    /// An entry as layout 1 wrote it, and one as layout 2 does.
    const LANDED: [&str; 2] = [
        "371d80d342989a66867eb1f1b19c30e257a82a1d401bdbc213cdd79a325613c3",
        "51670846e5e2cf601d6347c1a285b4769f1741589a0ab14842ad9d5f75ebb9cd",
    ];

    fn entry_of_layout_1(header: &Header) -> Vec<u8> {
        let body = Body::Kept { salt: [9; 16], diff: vec![], image: Image::Json("{\"a\":1}".into()) };
        let (header, body) = (canonical(header).unwrap(), encode_body(&body, header.key.uuid()).unwrap());
        let length = u32::try_from(header.len()).unwrap().to_le_bytes();
        [&[VERSION][..], &length, &header, &body].concat()
    }

    fn entry() -> (Vec<u8>, Header) {
        let key = SubjectKey::twenty(Object::People, Uuid::from_u128(5));
        let cause = Cause {
            actor: Actor::Connection(ConnectionId::TWENTY),
            why: "first sync".into(),
            request_id: None,
        };
        let mut header = Header::new(SubjectId(3), key, Op::Created, &cause, Instant(7));
        let body = Body::Kept { salt: [9; 16], diff: vec![], image: Image::Json("{\"a\":1}".into()) };
        header.body_hash = body_hash(&body);
        (entry_value(&header, &encode_body(&body, header.key.uuid()).unwrap()).unwrap(), header)
    }

    #[test]
    fn an_entry_reads_back_and_a_flipped_byte_is_noticed() {
        let (value, header) = entry();
        let read = decode_entry(&value).unwrap();
        assert_eq!(read.header.subject, SubjectId(3));
        assert_eq!(decode_header(&value).unwrap(), header);
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
            Actor::OperatorUid(0),
        ];
        let tags: Vec<u8> = actors.iter().map(|actor| postcard(actor).unwrap()[0]).collect();
        assert_eq!(tags, [0, 3, 4, 5, 6]);
        let ops: Vec<u8> = Op::ALL.iter().flat_map(|op| postcard(op).unwrap()).collect();
        assert_eq!(ops, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        let objects: Vec<Vec<u8>> = Object::all().map(|object| postcard(&object).unwrap()).collect();
        let numbers = (1..=16_u8).chain(100..=117).chain(120..=123).chain(41..=56);
        // Numbers above 127 take two bytes.
        let books = (200..=222_u8).map(|number| vec![number, 1]);
        assert_eq!(objects, numbers.map(|number| vec![number]).chain(books).collect::<Vec<_>>());
        assert_eq!(postcard(&[Arrival::NotSent, Arrival::Unknown]).unwrap(), [0, 1]);
        let (value, header) = entry();
        let first = entry_of_layout_1(&header);
        assert_eq!(decode_entry(&first).unwrap(), decode_entry(&value).unwrap());
        assert_eq!([first, value].map(|value| blake3::hash(&value).to_hex().to_string()), LANDED);
    }

    #[test]
    fn a_newer_version_is_refused_and_not_guessed() {
        let (mut value, _) = entry();
        value[0] = 3;
        assert!(matches!(decode_entry(&value), Err(StoreError::Newer { found: 3, .. })));
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

    #[test]
    fn a_message_from_before_donors_were_made_still_reads() {
        let expected = crate::ground::outbox::Expected {
            amount: crate::ground::money::Money { micros: 5, currency: crate::ground::money::Currency::GBP },
            gift_date: None,
            donor: None,
            company: None,
        };
        let message = Message {
            run: crate::ground::id::RunId(Uuid::from_u128(1)),
            row: crate::ground::id::StagedId(Uuid::from_u128(2)),
            key: crate::ground::id::GiftId(Uuid::from_u128(3)),
            group: 4,
            arrival: crate::ground::outbox::Arrival::Unknown,
            clash_probed: true,
            misses: 1,
            body: "{}".into(),
            expected,
            first: None,
        };
        let bytes = encode(&message).unwrap();
        assert_eq!(decode_message(&bytes).unwrap(), message);
        // What was written then ends before the field that is new.
        assert_eq!(decode_message(&bytes[..bytes.len() - 1]).unwrap(), message);
        assert!(decode_message(&bytes[..bytes.len() - 2]).is_err());
        assert!(decode_message(b"").is_err());
    }
}
