//! Keys on disk. Big-endian, so that the order of bytes is the order of numbers.

use uuid::Uuid;

use super::tables::{Index, Working};
use crate::ground::id::{ConnectionId, ForeignId, Object, PersonId, RunId, SubjectKey};
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

/// An index key is its number, its parts, and at the end the subject or the entry it leads to, so that equal parts
/// stay apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IndexKey(Vec<u8>);

/// The end of a key, in bytes: entries and subjects are counted from 1, and a ledger of 2^48 of them is not in sight.
const END: usize = 6;

/// The end of a key that leads to this entry or subject.
pub(super) fn end(leads_to: u64) -> [u8; END] {
    let [_, _, end @ ..] = leads_to.min((1 << (8 * END)) - 1).to_be_bytes();
    end
}

/// What an index key leads to.
pub(super) fn leads_to(key: &[u8]) -> u64 {
    let Some(end) = key.last_chunk::<END>() else { return 0 };
    end.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

impl IndexKey {
    pub(super) fn new(index: Index) -> Self {
        let mut key = Vec::with_capacity(40);
        key.push(index as u8);
        Self(key)
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

    pub(super) fn finish(self, leads_to: u64) -> Vec<u8> {
        self.bytes(&end(leads_to)).0
    }
}

/// The byte of a state inside keys.
pub(super) const fn state(state: SubjectState) -> u8 {
    match state {
        SubjectState::Live => 1,
        SubjectState::Pending => 2,
        SubjectState::Deleted => 3,
        SubjectState::Gone => 4,
        SubjectState::Erased => 5,
        SubjectState::Merged => 6,
    }
}

/// `Newest` up to and including the state.
pub(super) fn newest(connection: ConnectionId, object: Object, of: SubjectState) -> IndexKey {
    IndexKey::new(Index::Newest)
        .bytes(&connection.0.to_be_bytes())
        .bytes(&object.number().to_be_bytes())
        .bytes(&[state(of)])
}

/// A donor's gifts: equal ids of two connections never meet.
pub(super) fn gifts_by_donor(connection: ConnectionId, donor: PersonId) -> IndexKey {
    IndexKey::new(Index::GiftsByDonor).bytes(&connection.0.to_be_bytes()).uuid(donor.0)
}

/// Entries of an object that are not their subject's newest any more.
pub(super) fn superseded(connection: ConnectionId, object: Object) -> IndexKey {
    IndexKey::new(Index::Superseded).bytes(&connection.0.to_be_bytes()).bytes(&object.number().to_be_bytes())
}

/// People who have an address; to be asked in lower case.
pub(super) fn person_by_email(connection: ConnectionId, email: &str) -> IndexKey {
    IndexKey::new(Index::PersonByEmail).bytes(&connection.0.to_be_bytes()).bytes(email.as_bytes()).bytes(&[0])
}

/// Records that were merged into this one.
pub(super) fn merged_into(name: &SubjectKey) -> IndexKey {
    IndexKey::new(Index::MergedInto).bytes(&subject(name)).bytes(&[0])
}

/// Entries of edits and conflicts about a record of Twenty.
pub(super) fn edits_by_record(object: Object, record: Uuid) -> IndexKey {
    IndexKey::new(Index::EditsByRecord).bytes(&object.number().to_be_bytes()).uuid(record)
}

/// Links of tasks or notes that lead to this record.
pub(super) fn links_by_target(links: Object, record: Uuid) -> IndexKey {
    IndexKey::new(Index::LinksByTarget).bytes(&links.number().to_be_bytes()).uuid(record)
}

/// Verdicts, links, groups or merges that name this record.
pub(super) fn pairs_by_record(of: Object, record: Uuid) -> IndexKey {
    IndexKey::new(Index::PairsByRecord).bytes(&of.number().to_be_bytes()).uuid(record)
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

/// One object of one connection, as working rows name it.
pub(super) fn slot(connection: ConnectionId, object: Object) -> [u8; 4] {
    let ([a, b], [c, d]) = (connection.0.to_be_bytes(), object.number().to_be_bytes());
    [a, b, c, d]
}

/// One record of one object of one connection, as working rows name it.
pub(super) fn record_slot(connection: ConnectionId, object: Object, id: Uuid) -> Vec<u8> {
    [slot(connection, object).as_slice(), id.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subject_keys_differ_and_connections_never_meet() {
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
            assert!(keys[..i].iter().all(|other| subject(other) != bytes));
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
