//! The process run through everything that can go wrong: each row's gift is in Twenty exactly once.
//!
//! Keeps out: a gift posted twice after a lost reply, a gift lost by a crash, a row that stays locked for ever, a
//! foreign record that is touched.

use std::collections::BTreeMap;

use almoner::ground::money::Money;
use almoner::ground::run::RunStatus;
use almoner::ground::staging::Progress;
use almoner::sim::faults::{Fault, Plan, Scope};
use serde_json::json;

use crate::world::checks::{assert_mirror_equals, assert_sound};
use crate::world::{Outside, Process, Settled, gbp};

/// Three donors, a quiet mirror, and a batch of ready rows.
fn prepared(outside: &mut Outside, count: usize) -> (Process, Vec<Money>) {
    let people = outside.people(3);
    let mut process = outside.boot();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let amounts: Vec<Money> = (0..count).map(|n| gbp(&format!("{}.{:02}", 5 + n, n % 100))).collect();
    let rows: Vec<_> = amounts.iter().enumerate().map(|(n, amount)| (people[n % 3], *amount)).collect();
    let (batch, _) = process.ready_batch(&rows);
    process.process(batch);
    (process, amounts)
}

/// After whatever happened: faults end, people retry what failed, and every gift is there once with its amount.
fn comes_right(outside: &mut Outside, mut process: Process, amounts: &[Money]) {
    outside.twenty.set_faults(Plan::none());
    if !process.is_dead() {
        process.put_out_fuse();
        outside.disk.heal();
    }
    for _ in 0..8 {
        if outside.settle(&mut process) == Settled::Died {
            process = outside.crash(process);
            continue;
        }
        assert_sound(outside, &process);
        if process.retry_failed() == 0
            && process.rows().iter().all(|row| matches!(row.value.progress, Progress::Posted { .. }))
        {
            break;
        }
        let batch = process.rows()[0].value.batch.expect("rows are in a batch");
        process.process(batch);
    }
    let mut posted: Vec<i64> = outside
        .twenty
        .records("gifts")
        .iter()
        .map(|gift| gift["amount"]["amountMicros"].as_i64().unwrap())
        .collect();
    let mut wanted: Vec<i64> = amounts.iter().map(|amount| amount.micros).collect();
    posted.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(posted, wanted, "money in is money posted");
    assert!(
        process.rows().iter().all(|row| matches!(row.value.progress, Progress::Posted { .. })),
        "every row is posted"
    );
    process.sync_now();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    assert_sound(outside, &process);
    assert_mirror_equals(outside, &process);
}

#[test]
fn a_quiet_day() {
    let mut outside = Outside::new(1);
    let (mut process, amounts) = prepared(&mut outside, 130);
    outside.twenty.clear_log();
    outside.settle(&mut process);
    let creates =
        outside.twenty.request_log().iter().filter(|call| call.method == http::Method::POST).count();
    assert_eq!(creates, 3, "130 rows travel in calls of 60");
    comes_right(&mut outside, process, &amounts);
}

#[test]
fn every_fault_of_the_network_once_at_every_call() {
    for fault in bad_luck() {
        for call in 1..=3 {
            let mut outside = Outside::new(call);
            let (mut process, amounts) = prepared(&mut outside, 5);
            // A first lost reply makes the calls after it probes and repeats, so that the fault meets those too.
            let plan = if call > 1 { Plan::none().at(1, Fault::LostReply) } else { Plan::none() };
            outside.twenty.set_faults(plan.at(call, fault.clone()));
            outside.settle(&mut process);
            comes_right(&mut outside, process, &amounts);
        }
    }
}

#[test]
fn the_process_dies_before_and_after_every_call() {
    for moment in 0..12 {
        let mut outside = Outside::new(moment);
        let (mut process, amounts) = prepared(&mut outside, 70);
        process.light_fuse(moment);
        if outside.settle(&mut process) == Settled::Died {
            process = outside.crash(process);
        }
        comes_right(&mut outside, process, &amounts);
    }
}

#[test]
fn power_fails_at_every_write_to_the_disk() {
    let mut died = 0;
    for write in 0..120 {
        let mut outside = Outside::new(1_000 + write);
        let (mut process, amounts) = prepared(&mut outside, 3);
        outside.disk.fail_in(write);
        // A few steps, not to the end: a dead disk never comes to rest.
        for _ in 0..30 {
            process.step();
            outside.advance_ms(2_000);
        }
        died += u32::from(outside.twenty.records("gifts").len() < 3);
        process = outside.crash(process);
        comes_right(&mut outside, process, &amounts);
    }
    assert!(died > 10, "the disk failed too late to matter: {died}");
}

#[test]
fn each_step_twice_changes_nothing() {
    let mut outside = Outside::new(5);
    let (mut process, amounts) = prepared(&mut outside, 5);
    // Two processes on one ledger is what a step run twice amounts to: both see the same state and do the same.
    let run = process.means.store.snapshot().unwrap().ledger().active_runs().unwrap()[0].value.id;
    let mut twin = process.twin();
    for _ in 0..12 {
        process.step_run(run);
        twin.step_run(run);
        outside.advance_ms(100);
    }
    comes_right(&mut outside, process, &amounts);
}

#[test]
fn one_bad_row_fails_alone_and_the_rest_is_posted() {
    let outside = Outside::new(6);
    let people = outside.people(3);
    let mut process = outside.boot();
    outside.settle(&mut process);
    let rows: Vec<_> = (0..30).map(|n| (people[n % 3], gbp("10"))).collect();
    let (batch, ids) = process.ready_batch(&rows);
    // Somebody else's gift holds the external id that row 17 wants.
    outside.create("gifts", &json!({ "name": "taken", "externalId": "ext-17" }));
    process.give_external_id(ids[17], "ext-17");
    let run = process.process(batch);
    outside.settle(&mut process);
    assert_sound(&outside, &process);
    let run = process.means.store.snapshot().unwrap().ledger().run(run).unwrap().unwrap().value;
    assert_eq!((run.status, run.tally.processed, run.tally.errors), (RunStatus::CompletedWithErrors, 29, 1));
    assert_eq!(run.tally.attempted, run.tally.processed + run.tally.deferred + run.tally.errors);
    let Progress::Failed { reason } = process.row(ids[17]).progress else { panic!("row 17 failed") };
    assert!(reason.starts_with("Twenty refused this gift: "), "{reason}");
    assert_eq!(outside.twenty.records("gifts").len(), 30);
}

#[test]
fn one_row_that_makes_twenty_fail_for_ever_holds_up_nobody_else() {
    let mut outside = Outside::new(16);
    let (mut process, _) = prepared(&mut outside, 20);
    let entries = |process: &Process| process.means.store.snapshot().unwrap().ledger().last_seq().unwrap().0;
    // Row 13 costs 18.13.
    process.poison("\"amountMicros\":18130000");
    let before = entries(&process);
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    assert_sound(&outside, &process);
    let failed: Vec<_> = process
        .rows()
        .into_iter()
        .filter(|row| matches!(row.value.progress, Progress::Failed { .. }))
        .collect();
    assert_eq!(failed.iter().map(|row| row.value.amount.micros).collect::<Vec<_>>(), [18_130_000]);
    assert_eq!(outside.twenty.records("gifts").len(), 19);
    assert!(entries(&process) - before < 250, "the journal is not flooded: {}", entries(&process) - before);
}

#[test]
fn an_organisations_gift_where_twenty_has_no_field_for_it_is_not_sent() {
    let outside = Outside::new(17);
    let people = outside.people(1);
    outside.twenty.set_faults(
        Plan::none().at(1, Fault::FieldRemoved { object: "gifts".into(), field: "company".into() }),
    );
    let mut process = outside.boot();
    outside.settle(&mut process);
    let (batch, ids) = process.ready_batch(&[(people[0], gbp("5"))]);
    process.give_company(ids[0]);
    process.process(batch);
    outside.settle(&mut process);
    assert!(
        matches!(process.row(ids[0]).progress, Progress::Failed { reason } if reason.contains("no field for the organisation"))
    );
    assert!(outside.twenty.records("gifts").is_empty());
}

#[test]
fn a_field_that_was_removed_since_is_left_out_and_costs_no_row() {
    let mut outside = Outside::new(21);
    let (mut process, amounts) = prepared(&mut outside, 9);
    process.give_external_ids();
    outside.twenty.set_faults(
        Plan::none().at(1, Fault::FieldRemoved { object: "gifts".into(), field: "externalId".into() }),
    );
    outside.settle(&mut process);
    let run = process.rows()[0].value.batch.unwrap();
    let run = process.means.store.snapshot().unwrap().ledger().runs_of(run, 1).unwrap().remove(0).value;
    assert_eq!((run.tally.processed, run.tally.errors, run.execution.splits), (9, 0, 0));
    comes_right(&mut outside, process, &amounts);
}

#[test]
fn a_clock_set_back_starts_no_second_run_and_stops_nothing() {
    let mut outside = Outside::new(18);
    let (process, amounts) = prepared(&mut outside, 3);
    let batch = process.rows()[0].value.batch.unwrap();
    let run = process.process(batch);
    outside.advance_ms(-365 * 24 * 3_600_000);
    assert_eq!(process.process(batch), run, "one active run a batch");
    comes_right(&mut outside, process, &amounts);
}

#[test]
fn somebody_edits_between_our_call_and_its_outcome() {
    let mut outside = Outside::new(19);
    let (mut process, _) = prepared(&mut outside, 1);
    // Twenty takes the gift, the reply is lost, somebody corrects its name there, and a pass sees that first.
    outside.twenty.set_faults(Plan::none().at(1, Fault::LostReply).only(Scope::Writes));
    process.step();
    process.step();
    let id: uuid::Uuid = outside.twenty.records("gifts")[0]["id"].as_str().unwrap().parse().unwrap();
    outside.advance_ms(50);
    assert!(outside.twenty.edit("gifts", id, &json!({ "name": "For the roof" })));
    process.sync_now();
    outside.settle(&mut process);
    assert!(matches!(process.rows()[0].value.progress, Progress::Posted { .. }));
    assert_sound(&outside, &process);
    assert_mirror_equals(&outside, &process);
}

#[test]
fn two_batches_at_once_do_not_mix() {
    let mut outside = Outside::new(20);
    let people = outside.people(2);
    let mut process = outside.boot();
    outside.settle(&mut process);
    let one: Vec<_> = (1..=4).map(|n| (people[0], gbp(&n.to_string()))).collect();
    let two: Vec<_> = (5..=9).map(|n| (people[1], gbp(&n.to_string()))).collect();
    let batches = [process.ready_batch(&one).0, process.ready_batch(&two).0];
    outside.twenty.set_faults(unkind(150));
    let runs = batches.map(|batch| process.process(batch));
    outside.settle(&mut process);
    let amounts: Vec<Money> = one.iter().chain(&two).map(|(_, amount)| *amount).collect();
    for (run, batch) in runs.iter().zip(batches) {
        let run = process.means.store.snapshot().unwrap().ledger().run(*run).unwrap().unwrap().value;
        assert_eq!(run.batch, batch);
        assert!(!run.status.is_active());
    }
    outside.twenty.set_faults(Plan::none());
    for batch in batches {
        process.retry_failed();
        process.process(batch);
    }
    comes_right(&mut outside, process, &amounts);
}

#[test]
fn a_gift_that_was_deleted_there_is_never_made_again() {
    let mut outside = Outside::new(7);
    let (mut process, _) = prepared(&mut outside, 1);
    // The create arrives, its reply is lost, and somebody deletes the gift before we look.
    outside.twenty.set_faults(Plan::none().at(1, Fault::LostReply).only(Scope::Writes));
    process.step();
    process.step();
    let gifts = outside.twenty.records("gifts");
    let id: uuid::Uuid = gifts[0]["id"].as_str().unwrap().parse().unwrap();
    assert!(outside.twenty.soft_delete("gifts", id));
    outside.settle(&mut process);
    let row = process.rows().remove(0).value;
    assert!(
        matches!(&row.progress, Progress::Failed { reason } if reason.contains("deleted there")),
        "{:?}",
        row.progress
    );
    // Trying again says the same, and the gift stays deleted.
    process.retry_failed();
    process.process(row.batch.unwrap());
    outside.settle(&mut process);
    assert_sound(&outside, &process);
    assert!(matches!(process.rows()[0].value.progress, Progress::Failed { .. }));
    let gifts = outside.twenty.records("gifts");
    assert_eq!(gifts.len(), 1);
    assert!(!gifts[0]["deletedAt"].is_null());
}

#[test]
fn a_limit_is_waited_for_and_never_splits() {
    let mut outside = Outside::new(8).throttled();
    let (mut process, amounts) = prepared(&mut outside, 30);
    outside.twenty.set_faults(Plan::none().at(1, Fault::Storm(6)));
    outside.settle(&mut process);
    let run = process.rows()[0].value.batch.unwrap();
    let run = process.means.store.snapshot().unwrap().ledger().runs_of(run, 1).unwrap().remove(0).value;
    assert_eq!((run.execution.splits, run.execution.calls, run.tally.processed), (0, 1, 30));
    comes_right(&mut outside, process, &amounts);
}

#[test]
fn rows_of_another_batch_are_never_touched() {
    let outside = Outside::new(9);
    let people = outside.people(2);
    let mut process = outside.boot();
    outside.settle(&mut process);
    let (first, _) = process.ready_batch(&[(people[0], gbp("1")), (people[1], gbp("2"))]);
    let (_, others) = process.ready_batch(&[(people[0], gbp("3"))]);
    let before = process.row(others[0]);
    outside.twenty.set_faults(Plan::none().often(500, Fault::IgnoredFilter));
    process.process(first);
    outside.settle(&mut process);
    assert_eq!(process.row(others[0]), before);
}

/// A seeded life: some gifts, some people, some bad luck, then rest.
fn live(seed: u64) {
    let mut outside = Outside::new(seed);
    if seed.is_multiple_of(4) {
        outside = outside.throttled();
    }
    let count = 1 + usize::try_from(outside.roll(8)).unwrap();
    let (mut process, amounts) = prepared(&mut outside, count);
    let before: BTreeMap<String, serde_json::Value> = outside
        .twenty
        .records("people")
        .into_iter()
        .map(|p| (p["id"].as_str().unwrap().to_owned(), p))
        .collect();
    let roughness = 10 + outside.roll(80);
    outside.twenty.set_faults(unkind(roughness));
    for _ in 0..3 {
        match outside.roll(3) {
            0 => {
                let moments = outside.roll(10);
                process.light_fuse(moments);
            }
            1 => {
                let writes = outside.roll(80);
                outside.disk.fail_in(writes);
            }
            _ => {}
        }
        for _ in 0..outside.roll(15) {
            process.step();
            outside.advance_ms(1_500);
        }
        process = if outside.roll(4) > 0 || process.is_dead() {
            outside.crash(process)
        } else {
            outside.disk.heal();
            process
        };
        outside.twenty.set_faults(unkind(roughness));
    }
    comes_right(&mut outside, process, &amounts);
    let after: BTreeMap<String, serde_json::Value> = outside
        .twenty
        .records("people")
        .into_iter()
        .map(|p| (p["id"].as_str().unwrap().to_owned(), p))
        .collect();
    assert_eq!(after, before, "seed {seed}: a foreign record was touched");
}

/// Everything a bad network and a busy server do, but for edits by others (they are not ours to undo).
pub fn bad_luck() -> [Fault; 15] {
    [
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
        Fault::ForeignId,
        Fault::IgnoredFilter,
        Fault::TimeoutBefore,
        Fault::TimeoutAfter,
        Fault::DuplicateDelivery,
    ]
}

fn unkind(per_mille: u64) -> Plan {
    bad_luck().into_iter().fold(Plan::none(), |plan, fault| plan.often(per_mille / 3, fault))
}

/// How many lives: 200, or as many as the soak asks for.
fn lives() -> u64 {
    option_env!("ALMONER_LIVES").and_then(|count| count.parse().ok()).unwrap_or(200)
}

#[test]
fn many_lives_of_the_run() {
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
