//! The journal as JSON lines: one line an entry, oldest first, in the form that docs/JOURNAL.md promises.
//!
//! JSON that the journal holds goes out as the text it is, so that no number passes through a float. The one change is a
//! line break between its tokens, which becomes a space: an entry stays on one line.

use std::io::Write;

use serde::Serialize;
use serde_json::value::RawValue;

use super::CommandError;
use crate::ground::id::Seq;
use crate::store::{Body, Entry, FieldChange, Store};

/// Entries read from one snapshot at most.
const CHUNK_ENTRIES: u64 = 500;
/// Bytes after which a chunk ends: a snapshot is given back before anybody waits for the reader of the output.
const CHUNK_BYTES: usize = 1024 * 1024;

/// An entry as it is exported. The order of the fields is part of the format.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line<'e> {
    seq: u64,
    recorded: String,
    valid: Option<String>,
    object: &'static str,
    connection: u16,
    id: String,
    op: &'static str,
    actor: Who,
    why: &'e str,
    request_id: Option<&'e str>,
    previous: Option<u64>,
    body_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<Change<'e>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erased: Option<Erased<'e>>,
}

#[derive(Serialize)]
struct Who {
    kind: &'static str,
    id: Option<String>,
}

/// A field before and after; a side is absent when the field was not there, and `null` when it held null.
#[derive(Serialize)]
struct Change<'e> {
    field: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Erased<'e> {
    who: &'e str,
    at: String,
    ground: &'e str,
}

/// Writes every entry after `since` that is there now. What is written meanwhile belongs to the next export.
pub(super) fn journal(store: &Store, since: Seq, out: &mut dyn Write) -> Result<u8, CommandError> {
    let last = store.snapshot()?.ledger().last_seq()?;
    if since > last {
        return Err(CommandError::Beyond { since: since.0, last: last.0 });
    }
    let mut done = since.0;
    while done < last.0 {
        let (lines, read_to) = chunk(store, done, last.0)?;
        out.write_all(&lines)?;
        done = read_to;
    }
    Ok(0)
}

/// Some lines after entry `done`, and the last entry among them. The snapshot ends here.
fn chunk(store: &Store, done: u64, last: u64) -> Result<(Vec<u8>, u64), CommandError> {
    let snapshot = store.snapshot()?;
    let ledger = snapshot.ledger();
    let mut lines = Vec::new();
    let mut seq = done;
    while seq < last.min(done + CHUNK_ENTRIES) && lines.len() < CHUNK_BYTES {
        seq += 1;
        let entry = ledger.entry(Seq(seq))?.ok_or(CommandError::Entry(seq))?;
        write_line(seq, &entry, &mut lines).ok_or(CommandError::Entry(seq))?;
    }
    Ok((lines, seq))
}

fn write_line(seq: u64, entry: &Entry, lines: &mut Vec<u8>) -> Option<()> {
    serde_json::to_writer(&mut *lines, &line(seq, entry)?).ok()?;
    lines.push(b'\n');
    Some(())
}

/// The entry in the form of the export; none when it holds something that is not JSON.
pub(super) fn line(seq: u64, entry: &Entry) -> Option<Line<'_>> {
    let Entry { header, body } = entry;
    let (changes, record, erased) = match body {
        Body::Kept { diff, image, .. } => {
            let changes = diff.iter().map(change).collect::<Option<Vec<_>>>()?;
            (Some(changes), Some(raw(image.json())?), None)
        }
        Body::Erased { who, at, ground } => (None, None, Some(Erased { who, at: at.to_string(), ground })),
    };
    Some(Line {
        seq,
        recorded: header.recorded.to_string(),
        valid: header.valid.map(|valid| valid.to_string()),
        object: header.key.object.word(),
        connection: header.key.connection.0,
        id: header.key.foreign.to_string(),
        op: header.op.word(),
        actor: Who { kind: header.actor.kind(), id: header.actor.id() },
        why: &header.why,
        request_id: header.request_id.as_deref(),
        previous: header.previous,
        body_hash: blake3::Hash::from_bytes(header.body_hash).to_hex().to_string(),
        changes,
        record,
        erased,
    })
}

fn change(change: &FieldChange) -> Option<Change<'_>> {
    let side = |json: &Option<String>| json.as_deref().map_or(Some(None), |json| raw(json).map(Some));
    Some(Change { field: &change.field, before: side(&change.before)?, after: side(&change.after)? })
}

/// The text as it is, on one line. Inside a string JSON allows no line break, so only space between tokens changes.
pub(super) fn raw(json: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(json.replace(['\n', '\r'], " ")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::id::{ConnectionId, ForeignId, Object, SubjectId, SubjectKey, UserId};
    use crate::ground::journal::{Actor, Cause, Op};
    use crate::ground::time::Instant;
    use crate::store::disk::SimDisk;
    use crate::store::{Changes, Drive, Header, Image, Place};
    use crate::sys;
    use uuid::Uuid;

    fn header(op: Op, actor: Actor) -> Header {
        Header {
            subject: SubjectId(9),
            key: SubjectKey::twenty(Object::Gifts, Uuid::from_u128(5)),
            op,
            previous: None,
            recorded: Instant(1_764_000_000_123_456),
            valid: None,
            actor,
            why: "Seen in \"Twenty\"".into(),
            request_id: None,
            body_hash: [0xab; 32],
        }
    }

    fn kept(diff: Vec<FieldChange>, json: &str) -> Body {
        Body::Kept { salt: [1; 16], diff, image: Image::Json(json.into()) }
    }

    fn told(seq: u64, header: Header, body: Body) -> String {
        let mut lines = Vec::new();
        write_line(seq, &Entry { header, body }, &mut lines).unwrap();
        String::from_utf8(lines).unwrap()
    }

    #[test]
    fn a_line_is_the_one_that_was_promised_and_numbers_keep_their_digits() {
        let json = r#"{"amountMicros":123456789012345678901234567890,"rate":0.10,"e":1E+2,"a":1,"a":2}"#;
        let line = told(1, header(Op::Created, Actor::Connection(ConnectionId::TWENTY)), kept(vec![], json));
        let expected = concat!(
            r#"{"seq":1,"recorded":"2025-11-24T16:00:00.123456Z","valid":null,"object":"gifts","connection":1,"#,
            r#""id":"00000000-0000-0000-0000-000000000005","op":"created","actor":{"kind":"twenty","id":"1"},"#,
            r#""why":"Seen in \"Twenty\"","requestId":null,"previous":null,"#,
            r#""bodyHash":"abababababababababababababababababababababababababababababababab","changes":[],"#,
            r#""record":{"amountMicros":123456789012345678901234567890,"rate":0.10,"e":1E+2,"a":1,"a":2}}"#,
            "\n"
        );
        assert_eq!(line, expected);
    }

    #[test]
    fn a_change_tells_both_sides_and_absent_is_not_null() {
        let text = |json: &str| Some(json.to_owned());
        let diff = vec![
            FieldChange { field: "amount".into(), before: text("9007199254740993"), after: text("1.50") },
            FieldChange { field: "gone".into(), before: text("null"), after: None },
            FieldChange { field: "new".into(), before: None, after: text("[1, 2]") },
        ];
        let mut head = header(Op::Updated, Actor::User(UserId(Uuid::from_u128(7))));
        head.previous = Some(4);
        head.valid = Some(Instant(0));
        head.request_id = Some("req-1".into());
        head.key.foreign = ForeignId::Text("42".into());
        let line = told(12, head, kept(diff, "{}"));
        for part in [
            r#""seq":12,"#,
            r#""valid":"1970-01-01T00:00:00.000000Z","#,
            r#""id":"42","op":"updated","actor":{"kind":"user","id":"00000000-0000-0000-0000-000000000007"},"#,
            r#""requestId":"req-1","previous":4,"#,
            r#""changes":[{"field":"amount","before":9007199254740993,"after":1.50},{"field":"gone","before":null},{"field":"new","after":[1, 2]}],"record":{}}"#,
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
    }

    #[test]
    fn an_erased_entry_says_so_and_tells_nothing_else() {
        let body = Body::Erased { who: "Maya".into(), at: Instant(1_000_000), ground: "asked".into() };
        let line = told(3, header(Op::Updated, Actor::OperatorUid(1000)), body);
        assert!(line.contains(r#""actor":{"kind":"operator","id":"1000"}"#), "{line}");
        let end = r#"abab","erased":{"who":"Maya","at":"1970-01-01T00:00:01.000000Z","ground":"asked"}}"#;
        assert!(line.trim_end().ends_with(end), "{line}");
    }

    #[test]
    fn a_record_with_line_breaks_stays_on_one_line_and_what_is_no_json_is_an_error() {
        let line = told(1, header(Op::Created, Actor::System), kept(vec![], "{\r\n \"a\": \"x\\ny\"\n}"));
        assert_eq!(line.lines().count(), 1);
        assert!(line.contains(r#""record":{   "a": "x\ny" }"#), "{line}");
        let entry = Entry { header: header(Op::Created, Actor::System), body: kept(vec![], "{\"a\":") };
        assert!(write_line(1, &entry, &mut Vec::new()).is_none());
    }

    fn store() -> Store {
        Store::open(Place::Memory(SimDisk::new()), sys::world(), Drive::Inline).unwrap()
    }

    fn see(ledger: &Store, people: std::ops::Range<u128>, padding: usize) {
        let padding = "x".repeat(padding);
        let write = ledger.write(move |_| {
            let cause = Cause { actor: Actor::System, why: "test".into(), request_id: None };
            let mut changes = Changes::new(cause);
            for n in people {
                let json = format!("{{\"n\":{n},\"p\":\"{padding}\"}}");
                changes.seen(SubjectKey::twenty(Object::People, Uuid::from_u128(n)), json, false, None);
            }
            Ok::<_, crate::store::Fail<()>>((changes, ()))
        });
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(write).unwrap();
    }

    fn seqs(exported: &[u8]) -> Vec<u64> {
        let lines = std::str::from_utf8(exported).unwrap().lines();
        lines
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].as_u64().unwrap())
            .collect()
    }

    /// Counts the pieces, and lets something happen while the first one is written.
    struct Busy<'s> {
        store: &'s Store,
        pieces: Vec<usize>,
        all: Vec<u8>,
    }

    impl Write for Busy<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.pieces.is_empty() {
                see(self.store, 5_000..5_001, 0);
            }
            self.pieces.push(bytes.len());
            self.all.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn reads_in_chunks_and_ends_where_the_journal_ended_at_the_start() {
        let store = store();
        see(&store, 0..900, 0);
        see(&store, 900..1_200, 0);
        let mut out = Busy { store: &store, pieces: Vec::new(), all: Vec::new() };
        assert_eq!(journal(&store, Seq(0), &mut out).unwrap(), 0);
        assert_eq!(seqs(&out.all), (1..=1_200).collect::<Vec<_>>());
        assert_eq!(out.pieces.len(), 3);
        let mut rest = Vec::new();
        journal(&store, Seq(1_200), &mut rest).unwrap();
        assert_eq!(seqs(&rest), [1_201]);
    }

    #[test]
    fn large_entries_make_smaller_chunks() {
        let store = store();
        see(&store, 0..6, 400_000);
        let mut out = Busy { store: &store, pieces: Vec::new(), all: Vec::new() };
        journal(&store, Seq(0), &mut out).unwrap();
        assert_eq!(seqs(&out.all), [1, 2, 3, 4, 5, 6]);
        assert_eq!(out.pieces.len(), 2);
        assert!(out.pieces.iter().all(|piece| *piece < CHUNK_BYTES + 401_000), "{:?}", out.pieces);
    }

    #[test]
    fn nothing_new_is_an_empty_export_and_a_shorter_journal_is_an_error() {
        let store = store();
        see(&store, 0..2, 0);
        let mut out = Vec::new();
        assert_eq!(journal(&store, Seq(2), &mut out).unwrap(), 0);
        assert!(out.is_empty());
        let told = journal(&store, Seq(3), &mut out).unwrap_err().to_string();
        assert!(told.contains("ends at entry 2"), "{told}");
    }
}
