//! How a header stands on disk since layout 2: with numbers for the reasons that are said again and again.
//!
//! The chain covers the header in its one canonical encoding (`codec.rs`), whichever way it is stored, so that this may
//! change again.

use serde::{Deserialize, Serialize};

use super::codec::Header;
use super::error::StoreError;
use crate::ground::id::{SubjectId, SubjectKey};
use crate::ground::journal::{Actor, Op};
use crate::ground::time::Instant;

/// Reasons with a number, which is their place. They stand on disk: append only, none is ever reworded.
const REASONS: [&str; 16] = [
    "Seen in Twenty",
    "Taken in",
    "Edited",
    "Marked ready",
    "Put back to review",
    "Discarded",
    "Batch made",
    "Processing asked for",
    "Sync asked for",
    "Erased at the person's request",
    "User made",
    "First admin made",
    "API token made",
    "API token revoked",
    "Signed in",
    "Signed out",
];

/// A header with its repetitions taken out. Field order is the format.
#[derive(Serialize, Deserialize)]
struct Slim {
    subject: SubjectId,
    key: SubjectKey,
    op: Op,
    previous: Option<u64>,
    recorded: Instant,
    /// Microseconds from `recorded`.
    valid: Option<i64>,
    actor: Actor,
    why: Why,
    request_id: Option<String>,
    body_hash: [u8; 32],
}

#[derive(Serialize, Deserialize)]
enum Why {
    Number(u8),
    Words(String),
}

impl Why {
    fn of(words: &str) -> Self {
        let number = REASONS.iter().position(|reason| *reason == words);
        number.and_then(|n| u8::try_from(n).ok()).map_or_else(|| Self::Words(words.to_owned()), Self::Number)
    }

    fn words(self) -> Result<String, StoreError> {
        match self {
            Self::Words(words) => Ok(words),
            Self::Number(n) => REASONS
                .get(usize::from(n))
                .map(|reason| (*reason).to_owned())
                .ok_or(StoreError::Newer { what: "a reason", found: n.into() }),
        }
    }
}

/// The header as it is stored.
pub(super) fn encode(header: &Header) -> Result<Vec<u8>, StoreError> {
    let slim = Slim {
        subject: header.subject,
        key: header.key.clone(),
        op: header.op,
        previous: header.previous,
        recorded: header.recorded,
        valid: header.valid.map(|valid| valid.0.wrapping_sub(header.recorded.0)),
        actor: header.actor.clone(),
        why: Why::of(&header.why),
        request_id: header.request_id.clone(),
        body_hash: header.body_hash,
    };
    postcard::to_stdvec(&slim)
        .map_err(|error| StoreError::Unavailable(format!("cannot encode a header: {error}")))
}

/// The header at the beginning of these bytes, and what follows it.
pub(super) fn decode(bytes: &[u8]) -> Result<(Header, &[u8]), StoreError> {
    let (slim, rest) = postcard::take_from_bytes::<Slim>(bytes)
        .map_err(|_| StoreError::corrupt("entry header", bytes.len()))?;
    let header = Header {
        subject: slim.subject,
        key: slim.key,
        op: slim.op,
        previous: slim.previous,
        recorded: slim.recorded,
        valid: slim.valid.map(|delta| Instant(slim.recorded.0.wrapping_add(delta))),
        actor: slim.actor,
        why: slim.why.words()?,
        request_id: slim.request_id,
        body_hash: slim.body_hash,
    };
    Ok((header, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::id::{ConnectionId, Object};

    #[test]
    fn a_header_comes_back_and_a_known_reason_takes_two_bytes() {
        let key = SubjectKey::twenty(Object::Gifts, uuid::Uuid::from_u128(5));
        let mut sizes = Vec::new();
        for (why, valid) in [
            ("Seen in Twenty", Some(Instant(1_790_000_000_000_000))),
            ("Something nobody numbered", None),
            ("", Some(Instant(i64::MIN))),
        ] {
            let header = Header {
                subject: SubjectId(7),
                key: key.clone(),
                op: Op::Updated,
                previous: Some(3),
                recorded: Instant(1_790_000_000_000_100),
                valid,
                actor: Actor::Connection(ConnectionId::TWENTY),
                why: why.into(),
                request_id: None,
                body_hash: [9; 32],
            };
            let mut bytes = encode(&header).unwrap();
            sizes.push(bytes.len());
            bytes.extend_from_slice(b"body");
            let (read, rest) = decode(&bytes).unwrap();
            assert_eq!((&read, rest), (&header, &b"body"[..]));
            for cut in 0..bytes.len() - 4 {
                assert!(decode(&bytes[..cut]).is_err(), "{cut}");
            }
        }
        assert!(sizes[0] < 75, "{sizes:?}");
    }

    #[test]
    fn the_reasons_are_the_ones_that_landed() {
        let all = blake3::hash(REASONS[..16].join("\n").as_bytes()).to_hex();
        assert_eq!(all.as_str(), LANDED);
        assert!(Why::Number(200).words().is_err());
    }

    const LANDED: &str = "d8d2aa3a23296e695f1c3871910f36a38c0474cdc13c83c2adf75225800035f9";
}
