//! Ten thousand deliveries, many of them twice, sixteen at a time: one row per named event, no row lost.
//!
//! Keeps out: two rows for one event that arrives in parallel, a row that was acknowledged and is not there.

use std::collections::{BTreeMap, BTreeSet};

use almoner::desk::Desk;
use almoner::ground::id::StagedId;
use almoner::ground::time::Zone;
use almoner::store::disk::SimDisk;
use almoner::store::secrets::SecretKey;
use almoner::store::{Drive, Place, QueueFilter, Store, verify};
use futures_util::stream::{self, StreamExt};

use crate::world::{Outside, delivery, gbp, reviewer};

fn desk() -> Desk {
    let world = Outside::new(3).world();
    let store = Store::open(Place::Memory(SimDisk::new()), world.clone(), Drive::Thread).unwrap();
    Desk {
        store,
        world,
        zone: Zone::named("Europe/London").unwrap(),
        key: SecretKey::new([1; 32]),
        staging_enabled: true,
        refused: almoner::desk::hooks::Refused::default(),
        books: almoner::desk::books::Setup::default(),
    }
}

/// What delivery `n` is called; every fourth has no name, the others come one to five times.
fn event(n: usize) -> Option<String> {
    (!n.is_multiple_of(4)).then(|| format!("evt_{}", n * 7919 % 3_001))
}

#[test]
fn ten_thousand_deliveries_sixteen_at_a_time() {
    const DELIVERIES: usize = 10_000;
    let desk = desk();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let taken: Vec<(Option<String>, StagedId, bool)> = runtime.block_on(
        stream::iter(0..DELIVERIES)
            .map(|n| {
                let desk = desk.clone();
                async move {
                    let mut delivery = delivery(None, gbp("12"));
                    delivery.intake.source.provider = Some("stripe".into());
                    delivery.intake.source.provider_event_id = event(n);
                    let taken = desk.take_in(&reviewer(), delivery).await.unwrap();
                    (event(n), taken.row, taken.created)
                }
            })
            .buffer_unordered(16)
            .collect(),
    );
    let mut rows: BTreeMap<String, BTreeSet<StagedId>> = BTreeMap::new();
    let mut unnamed = BTreeSet::new();
    for (event, row, created) in &taken {
        if let Some(event) = event {
            rows.entry(event.clone()).or_default().insert(*row);
        } else {
            assert!(created, "a delivery without a name is always a new row");
            unnamed.insert(*row);
        }
    }
    assert!(rows.values().all(|ids| ids.len() == 1), "an event led to two rows");
    let created = taken.iter().filter(|(_, _, created)| *created).count();
    assert_eq!(created, rows.len() + unnamed.len());
    let snapshot = desk.store.snapshot().unwrap();
    let stored: BTreeSet<StagedId> = snapshot
        .ledger()
        .staged_rows(&QueueFilter::default())
        .unwrap()
        .into_iter()
        .map(|row| row.value.id)
        .collect();
    let promised: BTreeSet<StagedId> = taken.iter().map(|(_, row, _)| *row).collect();
    assert_eq!(stored, promised, "what was acknowledged is there, and nothing else");
    drop(snapshot);
    let verdict = verify(&desk.store).unwrap();
    assert_eq!(verdict.fault, None);
    desk.store.close();
}
