//! Compacting: the same ledger in fewer bytes, and nothing left of what was let go.

use super::*;

const LET_GO: &str = "a text that was let go";

fn bytes(path: &std::path::Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

fn holds(path: &std::path::Path, text: &str) -> bool {
    bytes(path).windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_compacted_ledger_is_the_same_and_smaller_and_nothing_is_left_of_what_was_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    for drive in [Drive::Inline, Drive::Thread] {
        let store = Store::open(Place::File(path.clone()), world(1), drive).unwrap();
        let row = |text: Option<&'static str>| {
            let written = store.write::<_, (), _>(move |_| {
                let mut changes = Changes::new(cause());
                changes.working(Working::Session, b"row", text.as_ref())?;
                Ok((changes, ()))
            });
            block(written).unwrap();
        };
        row(Some(LET_GO));
        for n in 0..300_u128 {
            see(&store, n % 100, &format!("{{\"n\":\"{n} {drive:?}\"}}")).unwrap();
        }
        assert!(holds(&path, LET_GO));
        row(None);
        let before: Vec<_> = (0..100).map(|n| read(&store, n)).collect();
        let reading = store.snapshot().unwrap();
        let compacted = block(store.compact()).unwrap();
        assert!(compacted.after < compacted.before, "{compacted:?}");
        assert!(!holds(&path, LET_GO));
        assert_eq!(
            reading.ledger().record_of(&person(7)).unwrap().map(|r| r.value),
            before[7],
            "a reader goes on"
        );
        drop(reading);
        assert_eq!((0..100).map(|n| read(&store, n)).collect::<Vec<_>>(), before);
        see(&store, 500, "{}").unwrap();
        assert_sound(&store);
        store.close();
    }
    std::fs::write(path.with_extension("compact"), b"left by a kill").unwrap();
    let store = Store::open(Place::File(path.clone()), world(1), Drive::Inline).unwrap();
    assert_eq!(read(&store, 500).as_deref(), Some("{}"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn compacting_that_fails_leaves_the_ledger_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    let store = Store::open(Place::File(path.clone()), world(1), Drive::Inline).unwrap();
    see(&store, 1, "{\"a\":1}").unwrap();
    // Something stands where the copy would be made.
    std::fs::create_dir_all(path.with_extension("compact").join("full")).unwrap();
    assert!(block(store.compact()).is_err());
    assert_eq!(read(&store, 1).as_deref(), Some("{\"a\":1}"));
    see(&store, 2, "{}").unwrap();
    assert_sound(&store);
}
