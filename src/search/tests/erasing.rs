//! Erased people are found no more, and no word of them is left in the files of the index.

use std::path::Path;

use super::*;

fn open_in(folder: &Path, store: &Store) -> Arc<Search> {
    Search::open(Place::Folder(folder.into()), store).unwrap()
}

fn holds(folder: &Path, word: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        bytes.windows(word.len()).any(|window| window == word.as_bytes())
    })
}

fn erase(store: &Store, n: u128) {
    write(store, move |changes| changes.erase(key(n), "asked for"));
}

fn catch_up(search: &Search, store: &Store) {
    while search.wants_catch_up() {
        search.catch_up(store).unwrap();
    }
}

#[test]
fn the_files_forget_an_erased_person_also_after_a_stop_in_between() {
    for stopped in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("index");
        let disk = SimDisk::new();
        let mut store = store_on(&disk, Drive::Inline);
        let mut search = open_in(&folder, &store);
        see(&store, 1, "Wilhelmina|Featherstonehaugh");
        see(&store, 2, "Ada|Lovelace");
        search.catch_up(&store).unwrap();
        assert!(holds(&folder, "featherstonehaugh"), "its words stand in the files");
        erase(&store, 1);
        assert!(search.find("featherstonehaugh", 5).unwrap().people.is_empty(), "at once");
        if stopped {
            // The index knows of the erasure, and the process ends before the files are purged.
            assert!(search.catch_up(&store).unwrap());
            drop((search, store));
            store = store_on(&disk, Drive::Inline);
            search = open_in(&folder, &store);
            assert!(search.wants_catch_up());
        }
        catch_up(&search, &store);
        assert!(!holds(&folder, "featherstonehaugh"), "stopped: {stopped}");
        assert!(search.find("featherstonehaugh", 5).unwrap().people.is_empty());
        answers(&store, &search, &[("lovelace", &[2])]);
    }
}

#[test]
fn an_address_and_an_id_are_answered_by_the_ledger_too() {
    let store = store();
    // An index that has seen nothing and remembers nothing.
    let search = search(&store);
    write(&store, |changes| {
        for (n, email) in [(1, "ada@x.org"), (2, "Ada@X.org"), (3, "grace@x.org")] {
            changes.seen(key(n), json(n, "A|B", email, ""), n == 9, None);
        }
        changes.seen(key(4), json(4, "A|B", "ada@x.org", ""), true, None);
    });
    let snapshot = store.snapshot().unwrap();
    let found = |text: &str, limit| {
        let found = search.find_with(&snapshot.ledger(), text, limit).unwrap();
        found.people.iter().map(|hit| hit.id).collect::<Vec<_>>()
    };
    assert_eq!(found(" ADA@x.org", 9)[..2], [id(1), id(2)]);
    assert!(!found("ada@x.org", 9).contains(&id(4)), "deleted there");
    assert_eq!(found(&Uuid::from_u128(3).to_string(), 9), [id(3)]);
    assert_eq!(found("ada@x.org", 1).len(), 1);
    assert!(!found("nobody@y.org", 9).contains(&id(1)));
}
