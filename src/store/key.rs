//! Keys on disk. Big-endian, so that the order of bytes is the order of numbers.

use uuid::Uuid;

use super::error::StoreError;
use super::tables::{Index, Working};
use crate::ground::id::{ConnectionId, ForeignId, Object, RunId, SubjectKey};
use crate::ground::journal::SubjectState;
use crate::ground::staging::Status;
use crate::ground::time::Instant;

const FOREIGN_UUID: u8 = 0;
const FOREIGN_TEXT: u8 = 1;

/// `[connection u16][object u16][0][uuid]` or `[connection u16][object u16][1][text]`.
pub(super) fn subject(key: &SubjectKey) -> Vec<u8> {
    let mut out = Vec::with_capacity(21);
    out.extend_from_slice(&key.connection.0.to_be_bytes());
    out.extend_from_slice(&key.object.number().to_be_bytes());
    match &key.foreign {
        ForeignId::Uuid(id) => {
            out.push(FOREIGN_UUID);
            out.extend_from_slice(id.as_bytes());
        }
        ForeignId::Text(text) => {
            out.push(FOREIGN_TEXT);
            out.extend_from_slice(text.as_bytes());
        }
    }
    out
}

/// Reads a key written by [`subject`].
pub(super) fn parse_subject(bytes: &[u8]) -> Result<SubjectKey, StoreError> {
    let bad = || StoreError::corrupt("subject key", bytes.len());
    let (head, rest) = bytes.split_at_checked(5).ok_or_else(bad)?;
    let connection = ConnectionId(u16::from_be_bytes([head[0], head[1]]));
    let object = Object::from_number(u16::from_be_bytes([head[2], head[3]])).ok_or_else(bad)?;
    let foreign = match head[4] {
        FOREIGN_UUID => ForeignId::Uuid(Uuid::from_slice(rest).map_err(|_| bad())?),
        FOREIGN_TEXT => ForeignId::Text(String::from_utf8(rest.to_vec()).map_err(|_| bad())?),
        _ => return Err(bad()),
    };
    Ok(SubjectKey { connection, object, foreign })
}

/// A range of keys that begin with the same bytes.
#[derive(Clone, Debug)]
pub(super) struct Prefix(pub(super) Vec<u8>);

impl Prefix {
    /// The first key after the range, if there is one.
    pub(super) fn end(&self) -> Option<Vec<u8>> {
        let mut end = self.0.clone();
        while let Some(last) = end.pop() {
            if last < u8::MAX {
                end.push(last + 1);
                return Some(end);
            }
        }
        None
    }
}

/// An index key is its number, its parts, and the subject at the end, so that equal parts stay apart.
pub(super) struct IndexKey(Vec<u8>);

impl IndexKey {
    pub(super) fn new(index: Index) -> Self {
        Self(vec![index as u8])
    }

    pub(super) fn bytes(mut self, part: &[u8]) -> Self {
        self.0.extend_from_slice(part);
        self
    }

    pub(super) fn u64(self, part: u64) -> Self {
        self.bytes(&part.to_be_bytes())
    }

    pub(super) fn uuid(self, part: Uuid) -> Self {
        self.bytes(part.as_bytes())
    }

    /// Instants sort as numbers: the sign bit is flipped.
    pub(super) fn instant(self, part: Instant) -> Self {
        self.u64(part.0.cast_unsigned() ^ (1 << 63))
    }

    pub(super) fn status(self, part: Status) -> Self {
        self.bytes(&[part as u8])
    }

    pub(super) fn prefix(self) -> Prefix {
        Prefix(self.0)
    }

    pub(super) fn finish(self, subject: u64) -> Vec<u8> {
        self.u64(subject).0
    }
}

/// The byte of a state inside keys.
pub(super) const fn state(state: SubjectState) -> u8 {
    match state {
        SubjectState::Live => 1,
        SubjectState::Pending => 2,
        SubjectState::Deleted => 3,
        SubjectState::Gone => 4,
    }
}

/// `Newest` up to and including the state.
pub(super) fn newest(connection: ConnectionId, object: Object, of: SubjectState) -> IndexKey {
    IndexKey::new(Index::Newest)
        .bytes(&connection.0.to_be_bytes())
        .bytes(&object.number().to_be_bytes())
        .bytes(&[state(of)])
}

/// Counter of subjects by state.
pub(super) fn count(connection: ConnectionId, object: Object, of: SubjectState) -> Vec<u8> {
    let mut out = vec![1];
    out.extend_from_slice(&connection.0.to_be_bytes());
    out.extend_from_slice(&object.number().to_be_bytes());
    out.push(state(of));
    out
}

/// A working row's key: its kind, then its own bytes.
pub(super) fn working(kind: Working, rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + rest.len());
    out.push(kind as u8);
    out.extend_from_slice(rest);
    out
}

/// The outbox of one run.
pub(super) fn outbox(connection: ConnectionId, run: RunId) -> Vec<u8> {
    let mut out = working(Working::Outbox, &connection.0.to_be_bytes());
    out.extend_from_slice(run.0.as_bytes());
    out
}

/// Sync state of one object of one connection.
pub(super) fn sync(connection: ConnectionId, object: Object) -> Vec<u8> {
    let mut out = working(Working::Sync, &connection.0.to_be_bytes());
    out.extend_from_slice(&object.number().to_be_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subject_keys_read_back_and_connections_never_meet() {
        let id = Uuid::from_u128(7);
        let keys = [
            SubjectKey::twenty(Object::People, id),
            SubjectKey::here(Object::People, id),
            SubjectKey::twenty(Object::Gifts, id),
            SubjectKey {
                connection: ConnectionId(9),
                object: Object::People,
                foreign: ForeignId::Text("42".into()),
            },
        ];
        for (i, key) in keys.iter().enumerate() {
            let bytes = subject(key);
            assert_eq!(&parse_subject(&bytes).unwrap(), key);
            assert!(keys[..i].iter().all(|other| subject(other) != bytes));
        }
        for bad in [&[][..], &[0, 0, 0, 1], &[0, 0, 0, 1, 0, 5], &[0, 0, 255, 1, 0], &[0, 0, 0, 1, 7]] {
            assert!(parse_subject(bad).is_err());
        }
    }

    #[test]
    fn a_prefix_ends_where_the_next_one_begins() {
        assert_eq!(Prefix(vec![1, 2]).end(), Some(vec![1, 3]));
        assert_eq!(Prefix(vec![1, 255]).end(), Some(vec![2]));
        assert_eq!(Prefix(vec![255]).end(), None);
    }

    #[test]
    fn instants_sort_as_numbers() {
        let key = |micros| IndexKey::new(Index::StagedByStatus).instant(Instant(micros)).finish(1);
        assert!(key(-5) < key(-4) && key(-1) < key(0) && key(0) < key(1) && key(1) < key(i64::MAX));
    }
}
