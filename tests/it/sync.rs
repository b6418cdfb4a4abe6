//! The mirror against a server that changes under it: equal to it whatever happened, and proven so or said not to be.
//!
//! Keeps out: a hard delete that is never noticed, a record that a lost webhook hides, a walk that calls something
//! complete which is not, a cycle that costs calls when nothing happened.

use almoner::ground::id::{ConnectionId, Object};
use almoner::ground::journal::{Op, SubjectState};
use almoner::ground::mirror::MirrorState;
use almoner::sim::faults::{Fault, HookFault, Plan, Scope};
use serde_json::json;
use uuid::Uuid;

use crate::world::checks::{assert_mirror_equals, assert_sound};
use crate::world::{Outside, Process, SYNC_EVERY_MS, Settled};

fn state(process: &Process, object: Object) -> MirrorState {
    let snapshot = process.means.store.snapshot().unwrap();
    snapshot.ledger().mirror_state(ConnectionId::TWENTY, object).unwrap()
}

fn stands(process: &Process, object: Object, id: Uuid) -> Option<SubjectState> {
    let snapshot = process.means.store.snapshot().unwrap();
    let ledger = snapshot.ledger();
    let key = almoner::ground::id::SubjectKey::twenty(object, id);
    let subject = ledger.subject(&key).unwrap()?;
    Some(ledger.head(subject).unwrap().unwrap().state)
}

/// A workspace with some people and gifts, mirrored.
fn mirrored(outside: &Outside) -> (Process, Vec<Uuid>) {
    let people: Vec<Uuid> = outside.people(12).into_iter().map(|person| person.0).collect();
    for person in &people {
        outside.create("gifts", &json!({ "name": "Gift", "donorId": person }));
    }
    let mut process = outside.boot();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    (process, people)
}

/// The next regular cycle.
fn next_cycle(outside: &Outside, process: &mut Process) {
    outside.advance_ms(SYNC_EVERY_MS + 1_000);
    assert_eq!(outside.settle(process), Settled::Quiet);
}

#[test]
fn everything_the_domain_names_is_mirrored_and_proven_complete() {
    let outside = Outside::new(1);
    let (process, _) = mirrored(&outside);
    assert_mirror_equals(&outside, &process);
    let snapshot = process.means.store.snapshot().unwrap();
    let mirrored = snapshot.ledger().workspace(ConnectionId::TWENTY).unwrap().mirrored();
    assert!(mirrored.len() >= 10, "{mirrored:?}");
    for (object, _) in mirrored {
        let proof = state(&process, object).proof.unwrap();
        assert_eq!((proof.not_proven, proof.drift.total()), (None, 0), "{}", object.word());
    }
}

#[test]
fn a_cycle_in_which_nothing_happened_costs_little_and_writes_one_commit_and_no_entry() {
    let outside = Outside::new(2);
    let (mut process, _) = mirrored(&outside);
    next_cycle(&outside, &mut process);
    let before = {
        let snapshot = process.means.store.snapshot().unwrap();
        snapshot.ledger().last_seq().unwrap()
    };
    for _ in 0..2 {
        outside.twenty.clear_log();
        let commits = outside.disk.syncs();
        next_cycle(&outside, &mut process);
        let calls = outside.twenty.request_log().len();
        assert!(calls <= 30, "{calls} calls");
        assert_eq!(process.means.store.snapshot().unwrap().ledger().last_seq().unwrap(), before, "an entry");
        assert!(
            outside.disk.syncs() - commits <= SYNCS_OF_A_COMMIT,
            "{} syncs",
            outside.disk.syncs() - commits
        );
    }
}

/// How often the disk is told to sync by one commit.
const SYNCS_OF_A_COMMIT: u64 = 2;

#[test]
fn what_others_change_create_and_delete_arrives_with_the_next_cycle() {
    let outside = Outside::new(3);
    let (mut process, people) = mirrored(&outside);
    outside.twenty.edit("people", people[0], &json!({ "jobTitle": "Treasurer" }));
    outside.twenty.soft_delete("people", people[1]);
    let new = outside.create("companies", &json!({ "name": "Acme" }));
    next_cycle(&outside, &mut process);
    assert_eq!(stands(&process, Object::People, people[1]), Some(SubjectState::Deleted));
    assert_eq!(stands(&process, Object::Companies, new), Some(SubjectState::Live));
    assert_mirror_equals(&outside, &process);
}

#[test]
fn a_hard_delete_is_noticed_by_counting_and_believed_after_a_walk() {
    let outside = Outside::new(4);
    let (mut process, people) = mirrored(&outside);
    assert!(outside.twenty.destroy("people", people[3]));
    let mut cycles = 0;
    while stands(&process, Object::People, people[3]) != Some(SubjectState::Gone) {
        next_cycle(&outside, &mut process);
        cycles += 1;
        assert!(cycles <= 4, "it is still here");
    }
    let proof = state(&process, Object::People).proof.unwrap();
    assert_eq!((proof.drift.gone, proof.drift.missed, proof.not_proven), (1, 0, None));
    // Deleting the donor changed the gift there without a change of time; only a walk sees that.
    process.sweep(Object::Gifts);
    outside.settle(&mut process);
    assert_mirror_equals(&outside, &process);
    // What was is still in the journal.
    let snapshot = process.means.store.snapshot().unwrap();
    let key = almoner::ground::id::SubjectKey::twenty(Object::People, people[3]);
    assert!(snapshot.ledger().record_of(&key).unwrap().unwrap().value.contains("Ada3"));
}

#[test]
fn a_change_dated_back_is_found_by_the_walk_and_told_as_drift() {
    let outside = Outside::new(5);
    let (mut process, people) = mirrored(&outside);
    outside.advance_ms(1_000);
    let yesterday = "2026-11-22T09:00:00.000Z";
    outside.twenty.edit("people", people[0], &json!({ "jobTitle": "Imported", "updatedAt": yesterday }));
    process.sweep(Object::People);
    outside.settle(&mut process);
    let proof = state(&process, Object::People).proof.unwrap();
    assert_eq!((proof.drift.changed, proof.not_proven), (1, None));
    assert_mirror_equals(&outside, &process);
}

#[test]
fn a_page_that_leaves_something_out_destroys_nothing() {
    let outside = Outside::new(6);
    let (mut process, people) = mirrored(&outside);
    process.sweep(Object::People);
    outside.twenty.set_faults(Plan::none().often(1_000, Fault::MissingRecord).only(Scope::Reads));
    for _ in 0..40 {
        process.step();
        outside.advance_ms(1_000);
    }
    outside.twenty.set_faults(Plan::none());
    outside.settle(&mut process);
    process.sweep(Object::People);
    outside.settle(&mut process);
    let snapshot = process.means.store.snapshot().unwrap();
    let ledger = snapshot.ledger();
    for person in people {
        let key = almoner::ground::id::SubjectKey::twenty(Object::People, person);
        let subject = ledger.subject(&key).unwrap().unwrap();
        for seq in ledger.history(subject, almoner::ground::id::Seq(u64::MAX), 100).unwrap() {
            let op = ledger.entry(seq).unwrap().unwrap().header.op;
            assert!(!matches!(op, Op::Destroyed | Op::Deleted), "{op:?}");
        }
    }
    drop(snapshot);
    assert_mirror_equals(&outside, &process);
}

#[test]
fn with_a_fault_left_in_nothing_is_called_proven() {
    let outside = Outside::new(7);
    let people = outside.people(30);
    // Long ago, so that no pass reads them once more.
    outside.advance_ms(3_600_000);
    // Every read leaves out one record, for ever: whatever is asked, somebody is missing.
    outside.twenty.set_faults(Plan::none().often(1_000, Fault::MissingRecord).only(Scope::Reads));
    let mut process = outside.boot();
    for _ in 0..200 {
        process.step();
        outside.advance_ms(2_000);
    }
    let proof = state(&process, Object::People).proof.expect("the walk ended");
    let why = proof.not_proven.expect("not proven");
    assert!(why.contains("Twenty counts 30 records and the mirror holds"), "{why}");
    outside.twenty.set_faults(Plan::none());
    outside.advance_ms(SYNC_EVERY_MS);
    outside.settle(&mut process);
    assert_eq!(state(&process, Object::People).proof.unwrap().not_proven, None, "and it comes right");
    assert_eq!(people.len(), 30);
    assert_mirror_equals(&outside, &process);
}

#[test]
fn a_walk_that_is_killed_goes_on_where_it_stood() {
    let mut outside = Outside::new(8);
    for _ in 0..2 {
        outside.people(450);
    }
    let mut process = outside.boot();
    for moment in 1..8 {
        process.light_fuse(2 * moment);
        if outside.settle(&mut process) == Settled::Quiet {
            break;
        }
        process = outside.crash(process);
    }
    process.put_out_fuse();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    assert_sound(&outside, &process);
    assert_mirror_equals(&outside, &process);
    assert_eq!(state(&process, Object::People).proof.unwrap().not_proven, None);
}

#[test]
fn a_paused_object_stands_still_and_goes_on() {
    let outside = Outside::new(9);
    let (mut process, people) = mirrored(&outside);
    process.pause(Object::People, true);
    outside.twenty.edit("people", people[0], &json!({ "jobTitle": "New" }));
    next_cycle(&outside, &mut process);
    assert!(state(&process, Object::People).complete_as_of < state(&process, Object::Gifts).complete_as_of);
    process.pause(Object::People, false);
    outside.settle(&mut process);
    assert_mirror_equals(&outside, &process);
}

#[test]
fn a_record_that_cannot_be_read_is_set_aside_and_the_rest_goes_on() {
    let outside = Outside::new(10);
    let (mut process, _) = mirrored(&outside);
    let bad = outside.create(
        "gifts",
        &json!({ "name": "Odd", "amount": { "amountMicros": 5_000_000, "currencyCode": "ZZZ" } }),
    );
    let good = outside.create(
        "gifts",
        &json!({ "name": "Even", "amount": { "amountMicros": 5_000_000, "currencyCode": "GBP" } }),
    );
    next_cycle(&outside, &mut process);
    let issues = process.quarantine();
    assert_eq!(issues.len(), 1);
    assert_eq!(issues[0].record, Some(bad));
    assert!(issues[0].reason.contains("no currency that exists"), "{}", issues[0].reason);
    assert_eq!(stands(&process, Object::Gifts, good), Some(SubjectState::Live));
    assert_mirror_equals(&outside, &process);
    outside.twenty.edit(
        "gifts",
        bad,
        &json!({ "amount": { "amountMicros": 5_000_000, "currencyCode": "EUR" } }),
    );
    next_cycle(&outside, &mut process);
    assert!(process.quarantine().is_empty(), "corrected there, closed here");
}

#[test]
fn a_further_object_is_mirrored_once_it_is_switched_on() {
    let outside = Outside::new(11);
    let (mut process, _) = mirrored(&outside);
    let workspace = {
        let snapshot = process.means.store.snapshot().unwrap();
        snapshot.ledger().workspace(ConnectionId::TWENTY).unwrap()
    };
    let plural = workspace.others().first().expect("another object").0.clone();
    let object = process.switch(&plural, true);
    outside.settle(&mut process);
    assert!(state(&process, object).proof.is_some(), "{plural}");
    assert_mirror_equals(&outside, &process);
}

#[test]
fn webhooks_bring_changes_within_seconds() {
    let outside = Outside::new(12).hooked();
    let (mut process, people) = mirrored(&outside);
    outside.deliver(&process);
    outside.settle(&mut process);
    outside.twenty.clear_log();
    outside.advance_ms(1_000);
    outside.twenty.edit("people", people[0], &json!({ "jobTitle": "Chair" }));
    outside.twenty.soft_delete("people", people[1]);
    outside.twenty.destroy("gifts", first_gift(&outside));
    let new = outside.create("people", &json!({ "name": { "firstName": "New", "lastName": "Comer" } }));
    outside.deliver(&process);
    outside.settle(&mut process);
    let log = outside.twenty.request_log();
    let reads = log.iter().filter(|call| call.method == http::Method::GET);
    let calls: Vec<&str> = reads.map(|call| call.path.as_str()).collect();
    assert!(calls.len() <= 2, "one call an object: {calls:?}");
    assert_eq!(stands(&process, Object::People, new), Some(SubjectState::Live));
    assert_mirror_equals(&outside, &process);
}

fn first_gift(outside: &Outside) -> Uuid {
    outside.twenty.records("gifts")[0]["id"].as_str().unwrap().parse().unwrap()
}

#[test]
fn webhooks_lost_doubled_late_and_reordered_end_in_the_same_state() {
    for seed in 0..12 {
        let mut outside = Outside::new(100 + seed).hooked();
        let (mut process, people) = mirrored(&outside);
        let plan = Plan::none().hook(300, HookFault::Lost).hook(300, HookFault::Duplicated);
        outside.twenty.set_faults(plan.hook(300, HookFault::Reordered).hook(300, HookFault::Late(40_000)));
        for turn in 0..30 {
            let who = people[usize::try_from(outside.roll(people.len() as u64)).unwrap()];
            match outside.roll(4) {
                0 => drop(outside.twenty.soft_delete("people", who)),
                1 => drop(outside.twenty.edit("people", who, &json!({ "deletedAt": null }))),
                _ => drop(outside.twenty.edit("people", who, &json!({ "jobTitle": format!("Job {turn}") }))),
            }
            outside.advance_ms(700);
            outside.deliver(&process);
            process.step();
        }
        outside.twenty.set_faults(Plan::none());
        outside.advance_ms(60_000);
        outside.deliver(&process);
        next_cycle(&outside, &mut process);
        assert_sound(&outside, &process);
        assert_mirror_equals(&outside, &process);
    }
}

#[test]
fn a_webhook_that_was_not_signed_by_twenty_leaves_nothing() {
    let outside = Outside::new(13).hooked();
    let (mut process, people) = mirrored(&outside);
    outside.deliver(&process);
    outside.settle(&mut process);
    outside.twenty.edit("people", people[0], &json!({ "jobTitle": "Chair" }));
    outside.deliver_changed(&process, |delivery| {
        let mut body = delivery.body.to_vec();
        body[5] ^= 1;
        delivery.body = body.into();
    });
    let snapshot = process.means.store.snapshot().unwrap();
    assert!(snapshot.ledger().inbox(ConnectionId::TWENTY, 10).unwrap().is_empty());
    assert_eq!(snapshot.ledger().hook(ConnectionId::TWENTY).unwrap().refused, 1);
    drop(snapshot);
    next_cycle(&outside, &mut process);
    assert_mirror_equals(&outside, &process);
}
