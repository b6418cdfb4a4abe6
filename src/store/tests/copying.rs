//! Copies of the file while it is written to: each opens as the ledger of its moment.

use super::*;

fn read_all(copy: &mut FileCopy, between: &mut dyn FnMut()) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(more) = copy.next(16_384).unwrap() {
        bytes.extend(more);
        between();
    }
    bytes
}

/// Keeps out: a copy that holds half of a commit, or a later one.
#[test]
fn a_copy_is_the_ledger_of_its_moment_while_writes_go_on() {
    let disk = SimDisk::new();
    let store = open(&disk);
    let text = |n: u128, round: u32| format!(r#"{{"n":{n},"round":{round},"text":"{}"}}"#, "x".repeat(900));
    for n in 0..60 {
        see(&store, n, &text(n, 1)).unwrap();
    }
    for round in 2..6 {
        let before = store.snapshot().unwrap().ledger().last_seq().unwrap();
        let mut copy = block(store.copy()).unwrap();
        assert_eq!(copy.moment.seq, before.0);
        let mut n = 0;
        let bytes = read_all(&mut copy, &mut || {
            for _ in 0..3 {
                see(&store, n % 70, &text(n, round)).unwrap();
                n += 1;
            }
        });
        assert!(n > 20, "the writes went on: {n}");
        assert_eq!(bytes.len() as u64, copy.moment.bytes);
        let copied = open(&SimDisk::holding(bytes));
        assert_sound(&copied);
        let snapshot = copied.snapshot().unwrap();
        assert_eq!(snapshot.ledger().last_seq().unwrap(), before);
        assert_eq!(block(copied.copy()).unwrap().moment.chain, copy.moment.chain);
        drop(copy);
    }
    assert_sound(&store);
}

#[test]
fn a_compaction_meanwhile_does_not_disturb_the_copy_and_a_fault_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    let store = Store::open(Place::File(path), world(1), Drive::Inline).unwrap();
    for n in 0..40 {
        see(&store, n, &format!(r#"{{"text":"{}"}}"#, "y".repeat(2_000))).unwrap();
    }
    let mut copy = block(store.copy()).unwrap();
    let mut compacted = false;
    let bytes = read_all(&mut copy, &mut || {
        if !std::mem::replace(&mut compacted, true) {
            block(store.compact()).unwrap();
            see(&store, 1, r#"{"after":true}"#).unwrap();
        }
    });
    let copied = open(&SimDisk::holding(bytes));
    assert_sound(&copied);
    assert_eq!(copied.snapshot().unwrap().ledger().last_seq().unwrap().0, copy.moment.seq);
    drop(copy);
    let mut next = block(store.copy()).unwrap();
    store.0.database.suspect();
    assert!(next.next(4_096).unwrap_err().to_string().contains("opened anew"));
    drop(next);
    assert!(block(store.copy()).is_ok(), "the next one begins");
}
