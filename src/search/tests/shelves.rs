//! The index on disk: goes on where it was, and is made anew whenever in doubt.

use std::path::Path;

use super::*;

fn open_in(folder: &Path, store: &Store) -> Arc<Search> {
    Search::open(Place::Folder(folder.into()), store).unwrap()
}

#[test]
fn an_index_goes_on_where_it_was_and_can_be_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("index");
    let disk = SimDisk::new();
    let store = store_on(&disk, Drive::Inline);
    let search = open_in(&folder, &store);
    see(&store, 1, "Ada|Lovelace");
    search.catch_up(&store).unwrap();
    see(&store, 1, "Ada|King");
    drop((search, store));
    let store = store_on(&disk, Drive::Inline);
    let search = open_in(&folder, &store);
    assert_eq!(passed(&search), 1);
    answers(&store, &search, &[("lovelace", &[]), ("king", &[1])]);
    assert_eq!(passed(&search), 2);
    drop((search, store));
    std::fs::remove_dir_all(&folder).unwrap();
    let store = store_on(&disk, Drive::Inline);
    let search = open_in(&folder, &store);
    assert_eq!(passed(&search), 0);
    answers(&store, &search, &[("lovelace", &[]), ("king", &[1])]);
}

/// A ledger and the folder of its index, with two people in it, both closed.
fn shelved(folder: &Path) -> SimDisk {
    let disk = SimDisk::new();
    let store = store_on(&disk, Drive::Inline);
    let search = open_in(folder, &store);
    see(&store, 1, "Ada|Lovelace");
    search.catch_up(&store).unwrap();
    see(&store, 2, "Grace|Hopper");
    see(&store, 1, "Ada|King");
    assert!(!search.catch_up(&store).unwrap());
    disk
}

/// Opens both, says how far the index had come, and checks its answers.
fn reopened(folder: &Path, disk: &SimDisk) -> u64 {
    let store = store_on(disk, Drive::Inline);
    let search = open_in(folder, &store);
    let came = passed(&search);
    assert_eq!(search.find("", 1).unwrap().behind, 0);
    answers(&store, &search, &[("ada king", &[1]), ("lovelace", &[]), ("hopper", &[2])]);
    came
}

#[test]
fn an_index_of_another_schema_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let disk = shelved(folder.path());
    assert_eq!(reopened(folder.path(), &disk), 3);
    let index = tantivy::Index::open_in_dir(folder.path()).unwrap();
    let mut writer: tantivy::IndexWriter = index.writer_with_num_threads(1, 15_000_000).unwrap();
    let payload = index.load_metas().unwrap().payload.unwrap();
    let mut commit = writer.prepare_commit().unwrap();
    commit.set_payload(&format!("9{payload}"));
    commit.commit().unwrap();
    drop((writer, index));
    assert_eq!(reopened(folder.path(), &disk), 0);
    assert_eq!(reopened(folder.path(), &disk), 3);
}

#[test]
fn an_index_ahead_of_the_journal_or_of_another_one_is_made_anew() {
    for people in [1, 5] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("below")).unwrap();
        drop(shelved(folder.path()));
        let store = store();
        for n in 0..people {
            see(&store, 100 + n, "Zoe|Quick");
        }
        let search = open_in(folder.path(), &store);
        assert_eq!((passed(&search), find(&search, "ada")), (0, vec![]));
        assert_eq!(find(&search, "zoe").len(), usize::try_from(people).unwrap());
        assert!(folder.path().join("below").is_dir(), "only files are removed");
    }
}

type Damage = fn(&mut Vec<u8>);

#[test]
fn a_damaged_index_is_made_anew() {
    let sound = tempfile::tempdir().unwrap();
    let disk = shelved(sound.path());
    let names: Vec<_> =
        std::fs::read_dir(sound.path()).unwrap().map(|item| item.unwrap().file_name()).collect();
    assert!(names.len() > 5);
    let flip: Damage = |bytes| {
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 0x55;
        }
    };
    let halve: Damage = |bytes| bytes.truncate(bytes.len() / 2);
    let clear: Damage = Vec::clear;
    for name in &names {
        for damage in [flip, halve, clear] {
            let folder = tempfile::tempdir().unwrap();
            for other in &names {
                let mut bytes = std::fs::read(sound.path().join(other)).unwrap();
                if other == name {
                    damage(&mut bytes);
                }
                std::fs::write(folder.path().join(other), bytes).unwrap();
            }
            reopened(folder.path(), &disk);
        }
        let folder = tempfile::tempdir().unwrap();
        for other in names.iter().filter(|other| *other != name) {
            std::fs::copy(sound.path().join(other), folder.path().join(other)).unwrap();
        }
        reopened(folder.path(), &disk);
    }
}
