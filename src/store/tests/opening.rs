//! Opening what is not a ledger of this layout: each case has its own words, and nothing is overwritten.

use super::*;
use crate::store::open::SCHEMA_NAME;

const LAYOUT_1: &[u8] = include_bytes!("../../../tests/golden/layout-1.redb");

fn attempt(path: &std::path::Path) -> Result<Store, OpenError> {
    Store::open(Place::File(path.to_owned()), world(1), Drive::Inline)
}

#[test]
fn foreign_empty_and_newer_files_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    let almost = [&b"redb"[..], &[0; 5_000]].concat();
    for (content, is) in [
        (&b""[..], "empty"),
        (b"SQLite format 3\0 and more", "foreign"),
        (b"re", "foreign"),
        (&almost, "foreign"),
        (b"redb\x1A\x0A\xA9\x0D\x0A and then nothing of use", "damaged"),
    ] {
        std::fs::write(&path, content).unwrap();
        let error = attempt(&path).unwrap_err();
        let told = match error {
            OpenError::Empty(_) => "empty",
            OpenError::Foreign(_) => "foreign",
            OpenError::Damaged { .. } | OpenError::Io { .. } => "damaged",
            _ => "else",
        };
        assert_eq!(told, is, "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), content);
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(matches!(attempt(&path), Err(OpenError::Foreign(_))));
    std::fs::remove_dir(&path).unwrap();
    // A file of the database below that is somebody else's.
    drop(redb::Database::create(&path).unwrap().begin_write().unwrap());
    {
        let database = redb::Database::create(&path).unwrap();
        let tx = database.begin_write().unwrap();
        let theirs: redb::TableDefinition<'_, u64, u64> = redb::TableDefinition::new("theirs");
        tx.open_table(theirs).unwrap().insert(1, 1).unwrap();
        tx.commit().unwrap();
    }
    assert!(matches!(attempt(&path), Err(OpenError::Foreign(_))));
}

#[test]
fn a_newer_ledger_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    drop(attempt(&path).unwrap());
    {
        let database = redb::Database::open(&path).unwrap();
        let tx = database.begin_write().unwrap();
        let newer = codec::encode(&(SCHEMA + 1)).unwrap();
        tx.open_table(tables::META).unwrap().insert(SCHEMA_NAME, newer.as_slice()).unwrap();
        tx.commit().unwrap();
    }
    let before = std::fs::read(&path).unwrap();
    let error = attempt(&path).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found, known } if found == known + 1), "{error}");
    assert!(error.to_string().contains("Use the newer version"), "{error}");
    assert!(std::fs::read(&path).unwrap() == before, "not a byte was written");
    let copies = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(copies, 1, "no copy was made");
}

/// Makes of a ledger one of layout 2: without the index that came with layout 3.
fn back_to_2(path: &std::path::Path) {
    let database = redb::Database::open(path).unwrap();
    let tx = database.begin_write().unwrap();
    tx.open_table(tables::META)
        .unwrap()
        .insert(SCHEMA_NAME, codec::encode(&2_u32).unwrap().as_slice())
        .unwrap();
    let is_new = |key: &[u8]| key.first() == Some(&14);
    tx.open_table(tables::INDEX).unwrap().retain(|key, ()| !is_new(key)).unwrap();
    tx.open_table(tables::INDEX_YOUNG).unwrap().retain(|key, _| !is_new(key)).unwrap();
    tx.commit().unwrap();
}

#[test]
fn links_of_tasks_are_found_in_a_ledger_from_before_they_were_indexed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    let store = attempt(&path).unwrap();
    let (person, link, task) = (uuid::Uuid::from_u128(7), uuid::Uuid::from_u128(8), uuid::Uuid::from_u128(9));
    let image =
        format!(r#"{{"id":"{link}","taskId":"{task}","targetPersonId":"{person}","targetCompanyId":null}}"#);
    let written = block(store.write::<_, (), _>(move |_| {
        let mut changes = Changes::new(cause());
        changes.seen(SubjectKey::twenty(Object::TaskTargets, link), image, false, None);
        Ok((changes, ()))
    }));
    written.unwrap();
    let found = |store: &Store| {
        let snapshot = store.snapshot().unwrap();
        let links = snapshot.ledger().links_to(Object::TaskTargets, person).unwrap();
        let of_the_task = snapshot.ledger().links_to(Object::TaskTargets, task).unwrap();
        (links.len(), of_the_task.len())
    };
    assert_eq!(found(&store), (1, 0));
    drop(store);
    back_to_2(&path);
    let store = attempt(&path).unwrap();
    assert_eq!(found(&store), (1, 0));
    assert_eq!(verify(&store).unwrap().fault, None);
    assert!(path.with_extension("layout-2.redb").exists(), "a copy of it as it was");
}

#[test]
fn a_ledger_that_is_open_elsewhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    let store = attempt(&path).unwrap();
    assert!(matches!(attempt(&path), Err(OpenError::InUse)));
    see(&store, 1, "{}").unwrap();
}

#[test]
fn a_truncated_ledger_is_named_or_proved_wrong_and_never_a_panic() {
    let disk = SimDisk::new();
    let store = open(&disk);
    for n in 0..120 {
        see(&store, n, &format!("{{\"n\":\"{n} and a little more\"}}")).unwrap();
    }
    drop(store);
    let whole = disk.bytes();
    let (mut refused, mut faulty) = (0, 0);
    for cut in (1..whole.len()).step_by(1_777) {
        let opened = std::panic::catch_unwind(|| {
            Store::open(Place::Memory(SimDisk::holding(whole[..cut].to_vec())), world(1), Drive::Inline)
        });
        match opened.expect("damage is told, not a panic") {
            Err(OpenError::Damaged { .. } | OpenError::Io { .. }) => refused += 1,
            Err(other) => panic!("{cut}: {other}"),
            Ok(store) => {
                faulty += 1;
                assert!(!matches!(verify(&store), Ok(Verdict { fault: None, .. })), "{cut}: nothing noticed");
            }
        }
    }
    assert!(refused + faulty > 20, "{refused} refused, {faulty} opened");
}

#[test]
fn a_full_disk_is_told_and_costs_nothing() {
    let disk = SimDisk::new();
    disk.room_for(8_192);
    let error = Store::open(Place::Memory(disk), world(1), Drive::Inline).map(drop).unwrap_err();
    assert!(matches!(error, OpenError::Full(_)), "{error}");
    let disk = SimDisk::new();
    let store = open(&disk);
    see(&store, 1, "{\"a\":1}").unwrap();
    disk.room_for(disk.bytes().len() as u64);
    let noise =
        |n: u128| (0..3_000).map(|i| char::from(33 + ((n * 7_919 + i * i) % 90) as u8)).collect::<String>();
    let told =
        (0..400).find_map(|n| see(&store, 10 + n, &serde_json::json!({ "n": noise(n) }).to_string()).err());
    let told = told.expect("it fills up");
    assert!(matches!(&told, WriteError::Store(StoreError::Unavailable(_))), "{told:?}");
    disk.room_for(u64::MAX);
    assert_eq!(read(&store, 1).as_deref(), Some("{\"a\":1}"));
    see(&store, 2, "{}").unwrap();
    assert_sound(&store);
}

#[test]
fn what_the_system_says_is_told_in_words() {
    use std::io::{Error, ErrorKind};
    let told =
        |kind| OpenError::io(std::path::Path::new("/data/ledger.redb"), &Error::from(kind)).to_string();
    assert!(told(ErrorKind::ReadOnlyFilesystem).contains("may not write /data/ledger.redb"));
    assert!(told(ErrorKind::PermissionDenied).contains("may not write"));
    assert!(told(ErrorKind::StorageFull).contains("is full"));
    assert!(told(ErrorKind::BrokenPipe).contains("cannot open"));
}

#[test]
fn an_older_layout_is_brought_up_once_with_a_copy_of_what_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    std::fs::write(&path, LAYOUT_1).unwrap();
    let store = attempt(&path).unwrap();
    let verdict = verify(&store).unwrap();
    assert_eq!(verdict.fault, None);
    assert!(verdict.entries > 90);
    drop(store);
    let copy = folder.path().join("ledger.layout-1.redb");
    let kept = redb::Database::open(&copy).unwrap();
    let old: Vec<u64> = {
        use redb::{ReadableDatabase, ReadableTable};
        let tx = kept.begin_read().unwrap();
        tx.open_table(tables::INDEX_1).unwrap().iter().unwrap().map(|row| row.unwrap().1.value()).collect()
    };
    assert!(old.len() > 100, "the copy holds the old index");
    std::fs::remove_file(&copy).ok();
    drop(kept);
    drop(attempt(&path).unwrap());
    assert!(!copy.exists(), "what is up to date is not copied again");
}

#[test]
fn a_change_of_layout_that_is_cut_short_happened_or_did_not() {
    let mut cut = 0;
    for fail_at in 0..60 {
        let disk = SimDisk::holding(LAYOUT_1.to_vec());
        disk.fail_in(fail_at);
        let opened = Store::open(Place::Memory(disk.clone()), world(1), Drive::Inline);
        cut += u32::from(opened.is_err());
        drop(opened);
        disk.heal();
        let store = open(&disk.crashed(|| fail_at % 2 == 0));
        assert_eq!(verify(&store).unwrap().fault, None, "{fail_at}");
        let count = store.snapshot().unwrap().ledger().object_count(
            ConnectionId::TWENTY,
            Object::Gifts,
            SubjectState::Live,
        );
        assert_eq!(count.unwrap(), 42, "{fail_at}");
    }
    assert!(cut > 3, "the disk never failed inside: {cut}");
}

#[test]
fn damaged_pages_are_an_error_for_whoever_reads_and_never_a_panic() {
    let disk = SimDisk::new();
    let store = open(&disk);
    for n in 0..200 {
        see(&store, n, &format!("{{\"n\":\"{n} and a little more\"}}")).unwrap();
    }
    drop(store);
    let whole = disk.bytes();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let (mut errors, mut located) = (0, 0);
    // The head of a page, where its kind and sizes stand, and its middle, where keys and values do.
    let spots: [std::ops::Range<usize>; 4] = [0..1, 2..6, 4..40, 40..2_000];
    for (page, spot) in (1..whole.len() / 4_096).flat_map(|page| spots.clone().map(|spot| (page, spot))) {
        let mut bytes = whole.clone();
        for at in spot {
            bytes[page * 4_096 + at] ^= 0x55;
        }
        let tried = std::panic::catch_unwind(|| {
            let Ok(store) = Store::open(Place::Memory(SimDisk::holding(bytes)), world(1), Drive::Inline)
            else {
                return (0, true);
            };
            let Ok(snapshot) = store.snapshot() else { return (1, true) };
            let ledger = snapshot.ledger();
            let failed = (0..200).filter(|n| ledger.record_of(&person(*n)).is_err()).count()
                + (1..=200).filter(|seq| ledger.entry(Seq(*seq)).is_err()).count();
            drop(snapshot);
            (failed, !matches!(verify(&store), Ok(Verdict { fault: None, .. })))
        });
        let (failed, found) = tried.unwrap_or_else(|_| panic!("page {page}: a panic came through"));
        assert!(failed == 0 || found, "page {page}: {failed} reads failed, and nothing is found");
        errors += usize::from(failed > 0);
        located += usize::from(found);
    }
    std::panic::set_hook(hook);
    assert!(errors > 3 && located > 10, "{errors} pages with errors, {located} found");
}
