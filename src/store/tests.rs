//! The store against a model, with failing disks, crashes, and foreign files.

use std::sync::atomic::{AtomicI64, Ordering};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;
use crate::ground::id::{ConnectionId, SubjectKey};
use crate::ground::journal::{Actor, Cause, SubjectState};
use crate::ground::world::{Clock, Entropy};

struct TestClock(AtomicI64);
struct Seeded(Mutex<ChaCha8Rng>);

impl Clock for TestClock {
    fn now(&self) -> Instant {
        Instant(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

impl Entropy for Seeded {
    fn fill(&self, out: &mut [u8]) {
        self.0.lock().unwrap().fill_bytes(out);
    }
}

/// A world whose clock counts the questions and whose chance comes from a seed.
pub(crate) fn world(seed: u64) -> World {
    World {
        clock: Arc::new(TestClock(AtomicI64::new(1_000))),
        entropy: Arc::new(Seeded(Mutex::new(ChaCha8Rng::seed_from_u64(seed)))),
    }
}

pub(super) fn cause() -> Cause {
    Cause { actor: Actor::System, why: "test".into(), request_id: None }
}

pub(super) fn open(disk: &SimDisk) -> Store {
    Store::open(Place::Memory(disk.clone()), world(1), Drive::Inline).unwrap()
}

pub(super) fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(super) fn person(n: u128) -> SubjectKey {
    SubjectKey::twenty(Object::People, uuid::Uuid::from_u128(n))
}

fn see(store: &Store, n: u128, json: &str) -> Result<Seq, WriteError<()>> {
    let json = json.to_owned();
    block(store.write(move |_| {
        let mut changes = Changes::new(cause());
        changes.seen(person(n), json, false, None);
        Ok((changes, ()))
    }))
    .map(|(seq, ())| seq)
}

fn read(store: &Store, n: u128) -> Option<String> {
    store.snapshot().unwrap().ledger().record_of(&person(n)).unwrap().map(|record| record.value)
}

fn assert_sound(store: &Store) {
    let verdict = verify(store).unwrap();
    assert_eq!(verdict.fault, None);
}

#[test]
fn what_was_acknowledged_is_there_after_a_crash_and_the_journal_has_no_gap() {
    let disk = SimDisk::new();
    let store = open(&disk);
    assert_eq!(see(&store, 1, r#"{"a":1}"#).unwrap(), Seq(1));
    assert_eq!(see(&store, 1, r#"{"a":2}"#).unwrap(), Seq(2));
    assert_eq!(see(&store, 2, r#"{"a":3}"#).unwrap(), Seq(3));
    let reopened = open(&disk.crashed(|| false));
    assert_eq!(read(&reopened, 1).unwrap(), r#"{"a":2}"#);
    assert_eq!(read(&reopened, 2).unwrap(), r#"{"a":3}"#);
    assert_eq!(see(&reopened, 3, "{}").unwrap(), Seq(4));
    assert_sound(&reopened);
}

/// Keeps out: a file that looks as if the process had been killed, because readers' tables outlived the database.
#[test]
fn a_ledger_that_was_let_go_is_closed_also_when_it_was_read_last() {
    let disk = SimDisk::new();
    let store = open(&disk);
    see(&store, 1, r#"{"a":1}"#).unwrap();
    assert!(read(&store, 1).is_some());
    let is_open = |disk: &SimDisk| disk.bytes()[9] & 2 != 0;
    assert!(is_open(&disk));
    drop(store);
    assert!(!is_open(&disk), "the header still says that it is open");
}

/// Keeps out: a read transaction that nobody needs any more and that keeps pages from being used again.
#[test]
fn readers_share_what_is_newest_and_a_commit_lets_go_of_it() {
    let store = open(&SimDisk::new());
    see(&store, 1, r#"{"a":1}"#).unwrap();
    let (one, other) = (store.snapshot().unwrap(), store.snapshot().unwrap());
    assert!(Arc::ptr_eq(&one.tables, &other.tables));
    let worked_out = std::cell::Cell::new(0);
    let ask = |snapshot: &Snapshot| {
        let count = |ledger: &Ledger<'_>| {
            worked_out.set(worked_out.get() + 1);
            ledger.last_seq()
        };
        *snapshot.memo("last", b"", count).unwrap()
    };
    assert_eq!((ask(&one), ask(&other), worked_out.get()), (Seq(1), Seq(1), 1));
    let kept = Arc::downgrade(&one.tables);
    drop((one, other));
    assert!(kept.upgrade().is_some(), "it is there for the next reader");
    see(&store, 1, r#"{"a":2}"#).unwrap();
    assert!(kept.upgrade().is_none(), "nobody reads it any more");
    let next = store.snapshot().unwrap();
    assert_eq!((ask(&next), worked_out.get()), (Seq(2), 2));
}

#[test]
fn a_change_that_changes_nothing_writes_nothing() {
    let store = open(&SimDisk::new());
    see(&store, 1, r#"{"a":1}"#).unwrap();
    assert_eq!(see(&store, 1, r#"{"a":1}"#).unwrap(), Seq(0));
    assert_eq!(store.snapshot().unwrap().ledger().last_seq().unwrap(), Seq(1));
}

#[test]
fn a_refusal_and_a_panic_leave_nothing_and_the_store_goes_on() {
    let store = open(&SimDisk::new());
    let refused: Result<(Seq, ()), _> = block(store.write(|_| Err(Fail::Refused("no"))));
    assert!(matches!(refused, Err(WriteError::Refused("no"))));
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let panicked: Result<(Seq, ()), WriteError<()>> = block(store.write(|_| panic!("in a closure")));
    std::panic::set_hook(hook);
    assert!(matches!(panicked, Err(WriteError::Store(StoreError::Unavailable(_)))));
    assert_eq!(see(&store, 1, "{}").unwrap(), Seq(1));
}

#[test]
fn a_change_built_on_an_older_version_is_moved() {
    let store = open(&SimDisk::new());
    let id = uuid::Uuid::from_u128(4);
    let (seq, ()) = block(store.write::<_, (), _>(move |_| {
        let mut changes = Changes::new(cause());
        changes.create(Object::Token, id, &1)?;
        Ok((changes, ()))
    }))
    .unwrap();
    let update = |value: i32, basis: Seq| {
        block(store.write::<_, (), _>(move |_| {
            let mut changes = Changes::new(cause());
            changes.update_at(Object::Token, id, &value, basis)?;
            Ok((changes, ()))
        }))
    };
    let (second, ()) = update(2, seq).unwrap();
    assert!(matches!(update(3, seq), Err(WriteError::Store(StoreError::Moved))));
    update(3, second).unwrap();
    assert_sound(&store);
}

#[test]
fn writers_that_come_together_share_a_commit_and_see_each_other() {
    let disk = SimDisk::new();
    let store = Store::open(Place::Memory(disk), world(1), Drive::Thread).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let writes = (0..64_u128).map(|n| {
            store.write::<_, (), _>(move |view| {
                let before =
                    view.ledger().object_count(ConnectionId::TWENTY, Object::People, SubjectState::Live)?;
                let mut changes = Changes::new(cause());
                changes.seen(person(n), "{}".into(), false, None);
                Ok((changes, before))
            })
        });
        let mut counts: Vec<u64> =
            futures_util::future::join_all(writes).await.into_iter().map(|r| r.unwrap().1).collect();
        counts.sort_unstable();
        assert_eq!(counts, (0..64).collect::<Vec<_>>());
    });
    let verdict = verify(&store).unwrap();
    assert_eq!((verdict.fault, verdict.entries), (None, 64));
    assert!(verdict.commits < 64, "{} commits", verdict.commits);
    store.close();
}

#[test]
fn a_disk_that_fails_at_any_write_acknowledges_nothing_and_recovers() {
    let mut failures = 0;
    for fail_at in 0..60 {
        let disk = SimDisk::new();
        let store = open(&disk);
        see(&store, 1, r#"{"a":1}"#).unwrap();
        disk.fail_in(fail_at);
        let second = see(&store, 1, r#"{"a":2}"#);
        failures += u32::from(second.is_err());
        disk.heal();
        // The same process recovers once the disk works again ...
        let expected = if second.is_ok() { r#"{"a":2}"# } else { r#"{"a":1}"# };
        let seen = read(&store, 1).unwrap();
        assert!(second.is_err() || seen == expected, "{fail_at}");
        see(&store, 2, "{}").unwrap();
        assert_sound(&store);
        // ... and so does the next one, whatever arrived of the unsynced writes.
        let reopened = open(&disk.crashed(|| fail_at % 2 == 0));
        assert_eq!(read(&reopened, 2).unwrap(), "{}", "{fail_at}");
        assert_sound(&reopened);
    }
    assert!(failures > 3, "the disk never failed inside a commit: {failures}");
}

#[test]
fn a_read_that_fails_is_followed_by_a_reopen_and_not_by_silence() {
    let disk = SimDisk::new();
    let store = open(&disk);
    see(&store, 7, "{}").unwrap();
    let before = store.0.database.get().unwrap();
    // What a snapshot does when its disk answers no more: it remembers, and the next use opens the bytes anew.
    let watched = store.snapshot().unwrap();
    assert!(watched.tables.noted::<()>(|| Err(StoreError::Unavailable("read error".into()))).is_err());
    drop(watched);
    disk.fail_in(0);
    assert!(store.snapshot().is_err());
    disk.heal();
    assert_eq!(read(&store, 7).unwrap(), "{}");
    assert!(!Arc::ptr_eq(&before, &store.0.database.get().unwrap()));
}

#[test]
fn a_follower_that_panics_costs_nobody_their_answer() {
    struct Panics;
    impl AfterCommit for Panics {
        fn committed(&self, _: &[Written]) {
            panic!("in a follower");
        }
    }
    let store = Store::open(Place::Memory(SimDisk::new()), world(1), Drive::Thread).unwrap();
    store.follow(Arc::new(Panics));
    assert_eq!(see(&store, 1, "{}").unwrap(), Seq(1));
    assert_eq!(see(&store, 2, "{}").unwrap(), Seq(2));
    store.close();
}

#[test]
fn a_first_start_that_was_cut_short_leaves_nothing_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    std::fs::write(path.with_extension("unfinished"), b"").unwrap();
    let store = Store::open(Place::File(path.clone()), world(1), Drive::Inline).unwrap();
    see(&store, 1, "{}").unwrap();
    assert!(!path.with_extension("unfinished").exists());
}

#[test]
fn a_ledger_that_vanished_is_not_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    let store = Store::open(Place::File(path.clone()), world(1), Drive::Thread).unwrap();
    see(&store, 1, "{}").unwrap();
    let open = store.snapshot().unwrap();
    store.0.database.suspect();
    drop(open);
    assert_eq!(read(&store, 1).unwrap(), "{}", "reopened while somebody was reading");
    store.0.database.suspect();
    std::fs::remove_file(&path).unwrap();
    assert!(see(&store, 2, "{}").is_err());
    assert!(!path.exists());
    store.close();
}

#[test]
fn a_tampered_table_is_named() {
    let disk = SimDisk::new();
    let store = open(&disk);
    see(&store, 1, r#"{"a":1}"#).unwrap();
    see(&store, 2, r#"{"a":1}"#).unwrap();
    {
        let tx = store.0.database.begin_write().unwrap();
        tx.open_table(tables::CURRENT).unwrap().insert(2, 1).unwrap();
        tx.commit().unwrap();
    }
    assert!(verify(&store).unwrap().fault.unwrap().contains("current"));
}

mod compacting;
mod copying;
mod erasing;
mod opening;
mod travelling;

mod model {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Clone, Debug)]
    enum Act {
        See(u8, u8, bool),
        Pending(u8, u8),
        Withdraw(u8),
        FailAndHeal(u8),
        Crash(u64),
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let act = prop_oneof![
            6 => (0..6_u8, 0..4_u8, any::<bool>()).prop_map(|(n, v, d)| Act::See(n, v, d)),
            2 => (0..6_u8, 0..4_u8).prop_map(|(n, v)| Act::Pending(n, v)),
            1 => (0..6_u8).prop_map(Act::Withdraw),
            1 => (0..30_u8).prop_map(Act::FailAndHeal),
            1 => any::<u64>().prop_map(Act::Crash),
        ];
        prop::collection::vec(act, 1..40)
    }

    fn write(store: &Store, act: &Act) -> Option<(u8, (String, SubjectState))> {
        let (n, json, state, act) = match *act {
            Act::See(n, v, deleted) => (
                n,
                format!("{{\"v\":{v}}}"),
                if deleted { SubjectState::Deleted } else { SubjectState::Live },
                act.clone(),
            ),
            Act::Pending(n, v) => (n, format!("{{\"v\":{v}}}"), SubjectState::Pending, act.clone()),
            Act::Withdraw(n) => (n, "{}".to_owned(), SubjectState::Gone, act.clone()),
            _ => return None,
        };
        let text = json.clone();
        let written = block(store.write::<_, (), _>(move |_| {
            let mut changes = Changes::new(cause());
            match act {
                Act::See(_, _, deleted) => changes.seen(person(n.into()), text, deleted, None),
                Act::Pending(..) => changes.pending(person(n.into()), text),
                _ => changes.withdrawn(person(n.into()), text),
            }
            Ok((changes, ()))
        }));
        written.is_ok().then_some((n, (json, state)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// The store holds what the model holds, through disk faults and crashes, and stays provable.
        #[test]
        fn agrees_with_a_map(acts in acts()) {
            let mut disk = SimDisk::new();
            let mut store = open(&disk);
            let mut model: BTreeMap<u8, (String, SubjectState)> = BTreeMap::new();
            let mut last_seq = Seq(0);
            for act in &acts {
                match act {
                    Act::FailAndHeal(n) => {
                        disk.fail_in(u64::from(*n));
                        // Whatever this write answers, it is not part of the model unless acknowledged.
                        if let Some((n, record)) = write(&store, &Act::See(0, 9, false)) {
                            model.insert(n, record);
                        }
                        disk.heal();
                        if let Some(record) = store.snapshot().unwrap().ledger().record_of(&person(0)).unwrap() {
                            model.insert(0, (record.value, record.state));
                        }
                    }
                    Act::Crash(seed) => {
                        let mut dice = ChaCha8Rng::seed_from_u64(*seed);
                        disk = disk.crashed(|| dice.next_u32() % 2 == 0);
                        store = open(&disk);
                    }
                    act => model.extend(write(&store, act)),
                }
                let snapshot = store.snapshot().unwrap();
                let now = snapshot.ledger().last_seq().unwrap();
                prop_assert!(now >= last_seq, "the journal shrank");
                last_seq = now;
            }
            let snapshot = store.snapshot().unwrap();
            for n in 0..6_u8 {
                let found = snapshot.ledger().record_of(&person(n.into())).unwrap().map(|r| (r.value, r.state));
                prop_assert_eq!(found, model.get(&n).cloned());
            }
            let verdict = verify(&store).unwrap();
            prop_assert_eq!(verdict.fault, None);
        }
    }
}
