//! What must hold when everything is quiet, whatever happened before.

use std::collections::BTreeMap;

use almoner::ground::id::ConnectionId;
use almoner::ground::journal::SubjectState;
use almoner::ground::staging::Progress;
use almoner::store::verify;
use serde_json::Value;

use super::{Outside, Process};

/// What must hold when everything is quiet, whatever happened before.
pub fn assert_sound(outside: &Outside, process: &Process) {
    let seed = outside.seed;
    let verdict = verify(&process.means.store).expect("the ledger can be read");
    assert_eq!(verdict.fault, None, "seed {seed}: the ledger is not provable");
    let gifts = outside.twenty.records("gifts");
    let mut by_id: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for gift in &gifts {
        by_id.entry(gift["id"].as_str().unwrap()).or_default().push(gift);
    }
    let rows = process.rows();
    for row in &rows {
        let row = &row.value;
        assert!(!matches!(row.progress, Progress::Sending { .. }), "seed {seed}: row {} is stuck", row.id);
        if let Progress::Posted { gift, .. } = row.progress {
            let found = by_id.get(gift.to_string().as_str()).map_or(&[][..], Vec::as_slice);
            assert_eq!(found.len(), 1, "seed {seed}: row {} says posted", row.id);
            assert!(found[0]["deletedAt"].is_null(), "seed {seed}: posted gift {gift} is deleted");
        }
    }
    assert_eq!(
        process.means.store.snapshot().unwrap().ledger().outbox_len().unwrap(),
        0,
        "seed {seed}: messages left behind"
    );
}

/// Every record of Twenty is in the mirror as it is there, and nothing else is.
pub fn assert_mirror_equals(outside: &Outside, process: &Process) {
    let snapshot = process.means.store.snapshot().unwrap();
    for (object, names) in snapshot.ledger().workspace(ConnectionId::TWENTY).unwrap().mirrored() {
        let mut there: BTreeMap<String, Value> = BTreeMap::new();
        for mut record in outside.twenty.records(&names.plural) {
            record.as_object_mut().unwrap().remove("searchVector");
            there.insert(record["id"].as_str().unwrap().to_owned(), record);
        }
        let mut here: BTreeMap<String, Value> = BTreeMap::new();
        for state in [SubjectState::Live, SubjectState::Pending, SubjectState::Deleted] {
            let page =
                snapshot.ledger().newest(ConnectionId::TWENTY, object, state, None, usize::MAX).unwrap();
            here.extend(
                page.items
                    .into_iter()
                    .map(|item| (item.key.foreign.to_string(), serde_json::from_str(&item.value).unwrap())),
            );
        }
        assert_eq!(here, there, "seed {}: the mirror of {} differs", outside.seed, object.word());
    }
}
