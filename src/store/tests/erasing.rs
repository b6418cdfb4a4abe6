//! Erasure: the content is gone from everything that is stored, the chain still proves, and nobody comes back.

use super::*;
use crate::ground::id::PersonId;
use crate::store::Asked;

const SECRET: &str = "Wilhelmina Featherstonehaugh";

fn gift_of(n: u128) -> SubjectKey {
    SubjectKey::twenty(Object::Gifts, uuid::Uuid::from_u128(n))
}

fn erase(store: &Store, key: SubjectKey) -> Result<Seq, WriteError<()>> {
    block(store.write(move |_| {
        let mut changes = Changes::new(cause());
        changes.erase(key, "request of 2 May");
        Ok((changes, ()))
    }))
    .map(|(seq, ())| seq)
}

/// Every value of every table that a reader can reach, unpacked where it is packed.
fn everything(store: &Store) -> String {
    let snapshot = store.snapshot().unwrap();
    let ledger = snapshot.ledger();
    let last = ledger.last_seq().unwrap().0;
    let entries: Vec<_> = (1..=last).map(|seq| ledger.entry(Seq(seq)).unwrap().unwrap()).collect();
    format!("{entries:?}")
}

#[test]
fn an_erased_record_is_gone_in_all_its_versions_and_the_chain_still_proves() {
    let disk = SimDisk::new();
    let store = open(&disk);
    let person_json = |v: u32| format!(r#"{{"name":{{"firstName":"{SECRET}"}},"v":{v}}}"#);
    see(&store, 1, &person_json(1)).unwrap();
    see(&store, 2, r#"{"name":{"firstName":"Ada"}}"#).unwrap();
    see(&store, 1, &person_json(2)).unwrap();
    see(&store, 1, &person_json(3)).unwrap();
    let before = store.snapshot().unwrap().ledger().last_seq().unwrap();
    let headers = |store: &Store| {
        let snapshot = store.snapshot().unwrap();
        let entry = |seq| snapshot.ledger().entry(Seq(seq)).unwrap().unwrap().header;
        (1..=before.0).map(entry).collect::<Vec<_>>()
    };
    let said = headers(&store);
    assert!(everything(&store).contains(SECRET));
    assert_eq!(erase(&store, person(1)).unwrap(), Seq(before.0 + 1));
    assert!(!everything(&store).contains(SECRET));
    assert_eq!(headers(&store), said, "who did what and when stays, and with it the chain");
    assert_eq!(read(&store, 1), None);
    assert!(store.snapshot().unwrap().ledger().record_as_of(&person(1), before).unwrap().is_none());
    let verdict = verify(&store).unwrap();
    assert_eq!((verdict.fault, verdict.erased, verdict.entries), (None, 4, 5));
    let stub = store.snapshot().unwrap().ledger().entry(Seq(1)).unwrap().unwrap().body;
    let Body::Erased { who, ground, .. } = stub else { panic!("{stub:?}") };
    assert_eq!((who.as_str(), ground.as_str()), ("system", "request of 2 May"));
    // Once is enough, and what is left says so after a restart too.
    assert_eq!(erase(&store, person(1)).unwrap(), Seq(0));
    let store = open(&disk.crashed(|| false));
    assert_eq!(verify(&store).unwrap().erased, 4);
    assert_eq!(read(&store, 2).as_deref(), Some(r#"{"name":{"firstName":"Ada"}}"#));
}

#[test]
fn a_sync_does_not_bring_the_person_back_and_no_change_goes_through() {
    let store = open(&SimDisk::new());
    see(&store, 1, "{\"a\":1}").unwrap();
    erase(&store, person(1)).unwrap();
    assert_eq!(see(&store, 1, "{\"a\":2}").unwrap(), Seq(0), "a sighting is no news");
    assert_eq!(read(&store, 1), None);
    // Somebody who was never here is kept out too.
    erase(&store, person(7)).unwrap();
    assert_eq!(see(&store, 7, "{\"a\":2}").unwrap(), Seq(0));
    let change = store.write::<_, (), _>(|_| {
        let mut changes = Changes::new(cause());
        changes.pending(person(1), "{}".into());
        Ok((changes, ()))
    });
    assert!(matches!(block(change), Err(WriteError::Store(StoreError::Erased))));
    // Others are not concerned by that refusal.
    assert!(see(&store, 3, "{}").unwrap() > Seq(0));
    assert_eq!(verify(&store).unwrap().fault, None);
}

#[test]
fn the_indexes_say_nothing_of_it_any_more() {
    let store = open(&SimDisk::new());
    let donor = uuid::Uuid::from_u128(500);
    let written = store.write::<_, (), _>(move |_| {
        let mut changes = Changes::new(cause());
        changes.seen(
            person(1),
            r#"{"id":"00000000-0000-0000-0000-000000000001","emails":{"primaryEmail":"w@x.org"}}"#.into(),
            false,
            None,
        );
        for v in 0..3 {
            changes.seen(gift_of(2), format!(r#"{{"donorId":"{donor}","v":{v}}}"#), false, None);
        }
        Ok((changes, ()))
    });
    block(written).unwrap();
    let gifts = |store: &Store| {
        let snapshot = store.snapshot().unwrap();
        let asked = Asked { as_of: Seq(3), state: None, after: None, limit: 9 };
        snapshot.ledger().gifts_as_of(PersonId(donor), &asked).unwrap().items.len()
    };
    assert_eq!(gifts(&store), 1);
    assert_eq!(store.snapshot().unwrap().ledger().people_by_email("w@x.org").unwrap().len(), 1);
    erase(&store, person(1)).unwrap();
    erase(&store, gift_of(2)).unwrap();
    assert_eq!(gifts(&store), 0);
    assert!(store.snapshot().unwrap().ledger().people_by_email("w@x.org").unwrap().is_empty());
    let counted = |state| {
        store.snapshot().unwrap().ledger().object_count(ConnectionId::TWENTY, Object::People, state).unwrap()
    };
    assert_eq!((counted(SubjectState::Live), counted(SubjectState::Erased)), (0, 1));
    assert_sound(&store);
}

/// What a follower of the journal hears: that it is erased, and not of what.
#[test]
fn followers_hear_of_it() {
    struct Heard(Mutex<Vec<(SubjectState, String)>>);
    impl AfterCommit for Heard {
        fn committed(&self, written: &[Written]) {
            let heard = written.iter().map(|entry| (entry.state, entry.json.clone()));
            self.0.lock().unwrap().extend(heard);
        }
    }
    let store = open(&SimDisk::new());
    see(&store, 1, "{\"a\":1}").unwrap();
    let heard = Arc::new(Heard(Mutex::default()));
    store.follow(Arc::<Heard>::clone(&heard));
    erase(&store, person(1)).unwrap();
    assert_eq!(*heard.0.lock().unwrap(), [(SubjectState::Erased, String::new())]);
}

#[test]
fn an_erasure_that_is_cut_short_happened_or_did_not() {
    let mut cut = 0;
    for fail_at in 0..40 {
        let disk = SimDisk::new();
        let store = open(&disk);
        for v in 0..3 {
            see(&store, 1, &format!("{{\"secret\":{v}}}")).unwrap();
        }
        disk.fail_in(fail_at);
        let erased = erase(&store, person(1));
        disk.heal();
        cut += u32::from(erased.is_err());
        let store = open(&disk.crashed(|| fail_at % 3 == 0));
        let verdict = verify(&store).unwrap();
        assert_eq!(verdict.fault, None, "{fail_at}");
        assert!(matches!(verdict.erased, 0 | 4), "{fail_at}: {} stubs", verdict.erased);
        assert!(erased.is_err() || verdict.erased == 4, "{fail_at}: acknowledged and not done");
    }
    assert!(cut > 3, "the disk never failed inside: {cut}");
}
