//! Ledgers of every layout that ever landed still open, are whole, and say what they said.
//!
//! Keeps out: a change of key layout or journal format that strands somebody's ledger. The files are never made
//! anew; a new layout adds one (see tests/golden/README.md).

use almoner::ground::id::{ConnectionId, Object};
use almoner::ground::journal::SubjectState;
use almoner::ground::staging::{Progress, Status};
use almoner::store::{Drive, Place, QueueFilter, Store, verify};

use crate::world::Outside;

#[test]
fn layout_1_opens_and_says_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    std::fs::write(&path, include_bytes!("../golden/layout-1.redb")).unwrap();
    let store = Store::open(Place::File(path), Outside::new(1).world(), Drive::Inline).unwrap();
    let verdict = verify(&store).unwrap();
    assert_eq!(verdict.fault, None);
    assert!(verdict.entries > 90, "{verdict:?}");
    let snapshot = store.snapshot().unwrap();
    let ledger = snapshot.ledger();
    let count = |object| ledger.object_count(ConnectionId::TWENTY, object, SubjectState::Live).unwrap();
    assert_eq!((count(Object::People), count(Object::Gifts)), (20, 42));
    let rows = ledger.staged_rows(&QueueFilter::default()).unwrap();
    assert_eq!(rows.len(), 12);
    for row in rows {
        assert_eq!(row.value.status(), Status::Processed);
        let Progress::Posted { gift, .. } = row.value.progress else { panic!("posted") };
        let gift = ledger.gift(gift).unwrap().unwrap().value;
        assert_eq!((gift.amount, gift.donor), (Some(row.value.amount), row.value.donor.person()));
        assert_eq!(ledger.evidence(row.value.id).unwrap().len(), 1);
    }
    assert_eq!(ledger.user_by_email("maya@example.org").unwrap().unwrap().value.name, "Maya");
}
