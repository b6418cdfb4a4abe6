//! Ledgers of every layout that ever landed still open, are whole, and say what they said.
//!
//! Keeps out: a change of key layout or journal format that strands somebody's ledger. The files are never made
//! anew; a new layout adds one (see tests/golden/README.md).

use almoner::ground::id::{ConnectionId, Object};
use almoner::ground::journal::SubjectState;
use almoner::ground::staging::{Progress, Status};
use almoner::store::{Drive, Place, QueueFilter, Store, verify};

use crate::world::Outside;

/// Opens a golden ledger in a folder of its own and checks what both say: twelve posted gifts of one donor.
fn opened(folder: &std::path::Path, bytes: &[u8], people: u64) -> Store {
    let path = folder.join("ledger.redb");
    std::fs::write(&path, bytes).unwrap();
    let store = Store::open(Place::File(path), Outside::new(1).world(), Drive::Inline).unwrap();
    let verdict = verify(&store).unwrap();
    assert_eq!(verdict.fault, None);
    assert!(verdict.entries > 90, "{verdict:?}");
    let snapshot = store.snapshot().unwrap();
    let ledger = snapshot.ledger();
    let count = |object| ledger.object_count(ConnectionId::TWENTY, object, SubjectState::Live).unwrap();
    assert_eq!((count(Object::People), count(Object::Gifts)), (people, 42));
    let rows = ledger.staged_rows(&QueueFilter::default()).unwrap();
    assert_eq!(rows.len(), 12);
    let donor = rows[0].value.donor.person().unwrap();
    assert_eq!(ledger.staged_rows_of(donor).unwrap().len(), 12);
    for row in rows {
        assert_eq!(row.value.status(), Status::Processed);
        let Progress::Posted { gift, .. } = row.value.progress else { panic!("posted") };
        let gift = ledger.gift(gift).unwrap().unwrap().value;
        assert_eq!((gift.amount, gift.donor), (Some(row.value.amount), row.value.donor.person()));
        assert_eq!(ledger.evidence(row.value.id).unwrap().len(), 1);
    }
    let maya = ledger.user_by_email("maya@example.org").unwrap().unwrap().value;
    assert_eq!(maya.name, "Maya");
    assert!(maya.rules() && maya.companies.is_all(), "users of before there were roles and scopes");
    drop(snapshot);
    store
}

#[test]
fn layout_1_is_brought_up_and_says_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path(), include_bytes!("../golden/layout-1.redb"), 20);
    let snapshot = store.snapshot().unwrap();
    let ledger = snapshot.ledger();
    let ada = ledger.newest(ConnectionId::TWENTY, Object::People, SubjectState::Live, None, 50).unwrap();
    let emails = ada.items.iter().filter_map(|person| {
        let json: serde_json::Value = serde_json::from_str(&person.value).ok()?;
        json["emails"]["primaryEmail"].as_str().filter(|email| !email.is_empty()).map(str::to_owned)
    });
    for email in emails.collect::<Vec<_>>() {
        assert!(!ledger.people_by_email(&email.to_uppercase()).unwrap().is_empty(), "{email}");
    }
}

#[test]
fn layout_2_opens_and_keeps_an_erased_person_erased() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path(), include_bytes!("../golden/layout-2.redb"), 19);
    assert_eq!(verify(&store).unwrap().erased, 2);
    let snapshot = store.snapshot().unwrap();
    let erased: uuid::Uuid = "ffcf3488-a6c4-45e8-af7e-ecd72d29dd5d".parse().unwrap();
    let name = almoner::ground::id::SubjectKey::twenty(Object::People, erased);
    assert!(snapshot.ledger().subject(&name).unwrap().is_some());
    assert!(snapshot.ledger().record_of(&name).unwrap().is_none());
}

#[test]
fn layout_3_opens_and_finds_what_is_about_a_donor() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path(), include_bytes!("../golden/layout-3.redb"), 19);
    assert_eq!(verify(&store).unwrap().erased, 2);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "what is up to date is not copied");
    let donor: uuid::Uuid = "73ad8051-4f5e-4e6b-9270-887f8acd4aa9".parse().unwrap();
    let snapshot = store.snapshot().unwrap();
    for links in [Object::TaskTargets, Object::NoteTargets] {
        assert_eq!(snapshot.ledger().links_to(links, donor).unwrap().len(), 1);
    }
}
