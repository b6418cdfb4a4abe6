//! Whole lives from a seed: gifts are posted and everything is mirrored, while the network fails, the process dies, the
//! disk fails, webhooks get lost, and other people change, make, delete and destroy records in Twenty.
//!
//! Afterwards every gift of ours is there once, nobody else's record was touched, nothing is stuck, and the mirror equals
//! Twenty record by record and is proven so.

use std::collections::BTreeSet;

use almoner::ground::id::{ConnectionId, PersonId};
use almoner::ground::money::Money;
use almoner::ground::staging::Progress;
use almoner::sim::faults::{Fault, HookFault, Plan};
use almoner::sim::twenty::Version;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::checks::{assert_mirror_equals, assert_sound};
use crate::world::{Outside, Process, Settled, gbp};

/// What there is besides our gifts.
struct Others {
    /// Donors of our rows: edited, never deleted.
    donors: Vec<PersonId>,
    /// People, organisations and gifts of others: anything happens to them.
    rest: Vec<(&'static str, Uuid)>,
}

/// How many lives: 200, or as many as the soak asks for.
fn lives() -> u64 {
    option_env!("ALMONER_LIVES").and_then(|count| count.parse().ok()).unwrap_or(200)
}

fn people_before_us(outside: &Outside) -> Others {
    let person = |n: usize| {
        let name = json!({ "name": { "firstName": format!("Ada{n}"), "lastName": "Lovelace" } });
        outside.twenty.create("people", &name).expect("made")
    };
    let donors: Vec<PersonId> = (0..3).map(|n| PersonId(person(n))).collect();
    let mut rest: Vec<(&'static str, Uuid)> = (3..7).map(|n| ("people", person(n))).collect();
    for n in 0..2 {
        let made = outside.twenty.create("companies", &json!({ "name": format!("Acme {n}") }));
        rest.push(("companies", made.expect("made")));
        let gift = json!({ "name": "Theirs", "donorId": donors[0].0, "amount": { "amountMicros": 7_000_000, "currencyCode": "GBP" } });
        rest.push(("gifts", outside.twenty.create("gifts", &gift).expect("made")));
    }
    Others { donors, rest }
}

/// Somebody else does something in Twenty.
fn somebody_acts(outside: &mut Outside, others: &mut Others) {
    let mark = outside.roll(1_000_000);
    let at = usize::try_from(outside.roll(others.rest.len() as u64)).unwrap();
    let (plural, id) = others.rest[at];
    let field = if plural == "people" { "jobTitle" } else { "name" };
    match outside.roll(8) {
        0 => {
            let made = outside.twenty.create("people", &json!({ "jobTitle": format!("Made {mark}") }));
            others.rest.extend(made.map(|id| ("people", id)));
        }
        1 => drop(outside.twenty.soft_delete(plural, id)),
        2 => drop(outside.twenty.edit(plural, id, &json!({ "deletedAt": null }))),
        3 if others.rest.len() > 4 => {
            outside.twenty.destroy(plural, id);
            others.rest.remove(at);
        }
        4 => {
            let donor = others.donors[usize::try_from(outside.roll(3)).unwrap()];
            outside.twenty.edit("people", donor.0, &json!({ "jobTitle": format!("Donor {mark}") }));
        }
        5 => {
            let back = "2026-11-20T09:00:00.000Z";
            outside.twenty.edit(plural, id, &json!({ field: format!("Back {mark}"), "updatedAt": back }));
        }
        _ => drop(outside.twenty.edit(plural, id, &json!({ field: format!("Edit {mark}") }))),
    }
}

fn unkind(per_mille: u64) -> Plan {
    let network = [
        Fault::Refused,
        Fault::LostRequest,
        Fault::LostReply,
        Fault::CutBody,
        Fault::GatewayBefore(502),
        Fault::GatewayAfter(503),
        Fault::InternalError,
        Fault::Storm(4),
        Fault::ShuffledBatch,
        Fault::MissingRecord,
        Fault::IgnoredFilter,
        Fault::TimeoutBefore,
        Fault::TimeoutAfter,
        Fault::DuplicateDelivery,
        Fault::QueryTimeout,
        Fault::MetadataError,
        Fault::StaleRead(2),
        Fault::ConcurrentCreate,
        Fault::TrashPurge,
        Fault::FieldAdded { object: "gifts".into(), field: "colour".into() },
        Fault::FieldRemoved { object: "gifts".into(), field: "description".into() },
        Fault::FieldRenamed { object: "people".into(), field: "colour".into(), to: "hue".into() },
        Fault::VersionSwitch(Version::Older),
        Fault::VersionSwitch(Version::Newer),
        Fault::VersionSwitch(Version::Recorded),
        Fault::ClockSkew(-90_000),
        Fault::ClockSkew(3_600_000),
        Fault::ClockSkew(0),
    ];
    let plan = network.into_iter().fold(Plan::none(), |plan, fault| plan.often(per_mille / 3, fault));
    let hooks = [HookFault::Lost, HookFault::Duplicated, HookFault::Reordered, HookFault::Late(20_000)];
    hooks.into_iter().fold(plan, |plan, fault| plan.hook(4 * per_mille, fault))
}

fn comes_right(outside: &mut Outside, mut process: Process, amounts: &[Money], others: &Others) {
    outside.twenty.set_faults(Plan::none());
    if !process.is_dead() {
        process.put_out_fuse();
        outside.disk.heal();
    }
    for _ in 0..8 {
        outside.deliver(&process);
        if outside.settle(&mut process) == Settled::Died {
            process = outside.crash(process);
            continue;
        }
        assert_sound(outside, &process);
        let rows = process.rows();
        if rows.iter().all(|row| matches!(row.value.progress, Progress::Posted { .. })) {
            break;
        }
        process.retry_failed();
        process.process(rows[0].value.batch.expect("rows are in a batch"));
    }
    every_gift_once(outside, &process, amounts, others);
    // Whatever is late arrives; then everything is read once more and both sides are compared.
    outside.advance_ms(120_000);
    outside.deliver(&process);
    process.sync_now();
    process.sweep_all();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    assert_sound(outside, &process);
    assert_mirror_equals(outside, &process);
    let snapshot = process.means.store.snapshot().unwrap();
    for (object, _) in snapshot.ledger().workspace(ConnectionId::TWENTY).unwrap().mirrored() {
        let proof = snapshot.ledger().mirror_state(ConnectionId::TWENTY, object).unwrap().proof;
        assert_eq!(proof.expect("walked").not_proven, None, "{} is not proven", object.word());
    }
}

fn every_gift_once(outside: &Outside, process: &Process, amounts: &[Money], others: &Others) {
    let theirs: BTreeSet<String> = others.rest.iter().map(|(_, id)| id.to_string()).collect();
    let by_us = |record: &Value| record["updatedBy"]["source"] == "API";
    let mut posted = Vec::new();
    for gift in outside.twenty.records("gifts") {
        if gift["createdBy"]["source"] == "API" {
            posted.push(gift["amount"]["amountMicros"].as_i64().unwrap());
        } else {
            assert!(!by_us(&gift), "a foreign gift was touched: {gift}");
        }
    }
    for plural in ["people", "companies"] {
        for record in outside.twenty.records(plural) {
            assert!(!by_us(&record), "a foreign record was touched: {record}");
        }
    }
    let mut wanted: Vec<i64> = amounts.iter().map(|amount| amount.micros).collect();
    posted.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(posted, wanted, "money in is money posted");
    for row in process.rows() {
        let Progress::Posted { gift, .. } = row.value.progress else {
            panic!("row {} is not posted", row.value.id)
        };
        assert!(!theirs.contains(&gift.to_string()));
    }
}

/// A whole life.
fn live(seed: u64) {
    let mut outside = Outside::new(seed);
    if seed.is_multiple_of(4) {
        outside = outside.throttled();
    }
    if seed.is_multiple_of(2) {
        outside = outside.hooked();
    }
    let mut others = people_before_us(&outside);
    let mut process = outside.boot();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let count = 1 + usize::try_from(outside.roll(8)).unwrap();
    let amounts: Vec<Money> = (0..count).map(|n| gbp(&format!("{}.{:02}", 5 + n, n % 100))).collect();
    let rows: Vec<_> =
        amounts.iter().enumerate().map(|(n, amount)| (others.donors[n % 3], *amount)).collect();
    let (batch, _) = process.ready_batch(&rows);
    process.process(batch);
    let roughness = 10 + outside.roll(70);
    outside.twenty.set_faults(unkind(roughness));
    for _ in 0..3 {
        match outside.roll(3) {
            0 => {
                let moments = outside.roll(14);
                process.light_fuse(moments);
            }
            1 => {
                let writes = outside.roll(90);
                outside.disk.fail_in(writes);
            }
            _ => {}
        }
        for _ in 0..outside.roll(15) {
            process.step();
            outside.advance_ms(1_500);
            if outside.roll(3) == 0 {
                somebody_acts(&mut outside, &mut others);
            }
            if outside.roll(2) == 0 {
                outside.deliver(&process);
            }
        }
        if outside.roll(3) == 0 {
            // The machine was off for a while.
            outside.advance_ms(20 * 60_000);
        }
        process = if outside.roll(4) > 0 || process.is_dead() {
            outside.crash(process)
        } else {
            outside.disk.heal();
            process
        };
        outside.twenty.set_faults(unkind(roughness));
    }
    comes_right(&mut outside, process, &amounts, &others);
}

#[test]
fn many_whole_lives() {
    let went_wrong: Vec<u64> = std::thread::scope(|scope| {
        let half = |parity| {
            scope.spawn(move || {
                (parity..lives())
                    .step_by(2)
                    .filter(|seed| std::panic::catch_unwind(|| live(*seed)).is_err())
                    .collect::<Vec<_>>()
            })
        };
        [half(0), half(1)].into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    assert!(went_wrong.is_empty(), "these seeds went wrong: {went_wrong:?}");
}
