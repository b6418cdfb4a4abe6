//! Changes made here to records of Twenty: each arrives once or is in front of a person, and nobody's change is lost.
//!
//! Keeps out: a change sent over somebody else's, one sent twice or never, a conflict that nobody sees, an edit that
//! touches another record, our own write coming back as news.

mod lives;
mod makes;

use almoner::desk::Refusal;
use almoner::desk::edits::{EditAsk, Kept};
use almoner::ground::edit::{Choice, Conflict, Edit, State};
use almoner::ground::id::{Object, Seq, SubjectKey};
use almoner::sim::faults::{Fault, Plan, Scope};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::checks::{assert_mirror_equals, assert_sound};
use crate::world::{Outside, Process, Settled, block, reviewer};

fn ask(record: Uuid, fields: &Value) -> EditAsk {
    EditAsk { object: Object::People, record, fields: fields.as_object().unwrap().clone(), seen: None }
}

fn try_edit(process: &Process, ask: EditAsk) -> Result<Kept, Refusal> {
    block(process.desk.edit_record(&reviewer(), ask))
}

fn edit(process: &Process, person: Uuid, fields: &Value) -> Uuid {
    try_edit(process, ask(person, fields)).expect("kept").edit
}

fn there(outside: &Outside, plural: &str, id: Uuid) -> Value {
    let id = id.to_string();
    outside.twenty.records(plural).into_iter().find(|record| record["id"] == id.as_str()).expect("is there")
}

fn open_edits(process: &Process) -> Vec<Edit> {
    let snapshot = process.means.store.snapshot().unwrap();
    snapshot.ledger().open_edits().unwrap().into_iter().map(|edit| edit.value).collect()
}

fn conflict(process: &Process, id: Uuid) -> Option<Conflict> {
    let snapshot = process.means.store.snapshot().unwrap();
    snapshot.ledger().conflict(id).unwrap().map(|conflict| conflict.value)
}

fn version(process: &Process, person: Uuid) -> Seq {
    let snapshot = process.means.store.snapshot().unwrap();
    snapshot.ledger().record_of(&SubjectKey::twenty(Object::People, person)).unwrap().unwrap().seq
}

fn entries(process: &Process) -> u64 {
    process.means.store.snapshot().unwrap().ledger().last_seq().unwrap().0
}

fn decide(process: &Process, id: Uuid, choose: impl Fn(&str) -> Option<Choice> + Send + 'static) {
    block(process.desk.decide_conflict(&reviewer(), id, choose)).expect("decided");
}

/// Some people, mirrored and at rest.
fn mirrored(outside: &Outside, count: usize) -> (Process, Vec<Uuid>) {
    let people: Vec<Uuid> = outside.people(count).into_iter().map(|person| person.0).collect();
    let mut process = outside.boot();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    outside.advance_ms(5_000);
    (process, people)
}

fn settle(outside: &Outside, process: &mut Process) {
    assert_eq!(outside.settle(process), Settled::Quiet);
    assert_sound(outside, process);
}

/// Calls that changed something.
fn writes(outside: &Outside) -> usize {
    outside.twenty.request_log().iter().filter(|call| call.method != http::Method::GET).count()
}

#[test]
fn a_change_made_here_arrives_there_and_touches_nothing_else() {
    let outside = Outside::new(1);
    let (mut process, people) = mirrored(&outside, 3);
    let others = [there(&outside, "people", people[1]), there(&outside, "people", people[2])];
    edit(&process, people[0], &json!({ "jobTitle": "Treasurer", "name": { "lastName": "King" } }));
    settle(&outside, &mut process);
    let person = there(&outside, "people", people[0]);
    assert_eq!((&person["jobTitle"], &person["name"]["lastName"]), (&json!("Treasurer"), &json!("King")));
    assert_eq!(person["name"]["firstName"], "Ada0");
    assert_eq!([there(&outside, "people", people[1]), there(&outside, "people", people[2])], others);
    assert!(open_edits(&process).is_empty());
    assert_mirror_equals(&outside, &process);
}

#[test]
fn what_others_changed_in_other_fields_stays() {
    let outside = Outside::new(2);
    let (mut process, people) = mirrored(&outside, 1);
    outside.twenty.edit(
        "people",
        people[0],
        &json!({ "jobTitle": "Chair", "name": { "firstName": "Augusta" } }),
    );
    edit(
        &process,
        people[0],
        &json!({ "name": { "lastName": "King" }, "emails": { "primaryEmail": "Ada@Example.org" } }),
    );
    settle(&outside, &mut process);
    let person = there(&outside, "people", people[0]);
    assert_eq!(person["name"], json!({ "firstName": "Augusta", "lastName": "King" }));
    assert_eq!(
        (&person["jobTitle"], &person["emails"]["primaryEmail"]),
        (&json!("Chair"), &json!("ada@example.org"))
    );
    assert!(open_edits(&process).is_empty());
    assert_mirror_equals(&outside, &process);
}

#[test]
fn the_same_field_is_a_conflict_with_both_values_who_and_when() {
    for decision in [Choice::Here, Choice::There] {
        let outside = Outside::new(3);
        let (mut process, people) = mirrored(&outside, 1);
        let person = people[0];
        outside.twenty.edit("people", person, &json!({ "jobTitle": "Chair" }));
        let id = edit(&process, person, &json!({ "jobTitle": "Treasurer", "name.lastName": "King" }));
        settle(&outside, &mut process);
        let now = there(&outside, "people", person);
        assert_eq!(
            (&now["jobTitle"], &now["name"]["lastName"]),
            (&json!("Chair"), &json!("King")),
            "the rest went"
        );
        assert_eq!(open_edits(&process)[0].state, State::Conflict);
        let found = conflict(&process, id).unwrap();
        let clash = &found.fields[0];
        assert_eq!((clash.here.as_str(), clash.there.as_str()), (r#""Treasurer""#, r#""Chair""#));
        assert!(found.fields.len() == 1 && found.there_at.is_some() && found.there_by.is_some());
        assert_eq!(found.here_by, reviewer().caller.actor());
        let again = try_edit(&process, ask(person, &json!({ "jobTitle": "President" })));
        assert!(matches!(again, Err(Refusal::Invalid(_))), "decided first: {again:?}");
        decide(&process, id, move |_| Some(decision));
        settle(&outside, &mut process);
        let stays = if decision == Choice::Here { "Treasurer" } else { "Chair" };
        assert_eq!(there(&outside, "people", person)["jobTitle"], stays);
        assert!(open_edits(&process).is_empty() && conflict(&process, id).is_none());
        assert_mirror_equals(&outside, &process);
    }
}

#[test]
fn a_conflict_can_be_decided_field_by_field() {
    let outside = Outside::new(4);
    let (mut process, people) = mirrored(&outside, 1);
    let theirs = json!({ "jobTitle": "Chair", "name": { "firstName": "Augusta", "lastName": "Byron" } });
    outside.twenty.edit("people", people[0], &theirs);
    let ours = json!({ "jobTitle": "Treasurer", "name": { "firstName": "A.", "lastName": "King" } });
    let id = edit(&process, people[0], &ours);
    settle(&outside, &mut process);
    assert_eq!(conflict(&process, id).unwrap().fields.len(), 3);
    decide(&process, id, |field| match field {
        "jobTitle" => Some(Choice::Here),
        "name.firstName" => Some(Choice::There),
        _ => None,
    });
    settle(&outside, &mut process);
    assert_eq!(conflict(&process, id).unwrap().fields[0].field, "name.lastName");
    let nothing = block(process.desk.decide_conflict(&reviewer(), id, |_| None));
    assert!(matches!(nothing, Err(Refusal::Invalid(_))));
    // Somebody changes it there once more: deciding for here is a decision on what was shown.
    outside.advance_ms(2_000);
    outside.twenty.edit("people", people[0], &json!({ "name": { "lastName": "Noel" } }));
    decide(&process, id, |_| Some(Choice::Here));
    settle(&outside, &mut process);
    let person = there(&outside, "people", people[0]);
    assert_eq!(person["name"], json!({ "firstName": "Augusta", "lastName": "Noel" }));
    assert_eq!(person["jobTitle"], "Treasurer");
    let [again] = &open_edits(&process)[..] else { panic!("one edit is in conflict") };
    assert_eq!(conflict(&process, again.id).unwrap().fields[0].there, r#""Noel""#);
}

#[test]
fn what_stands_there_already_is_done_without_a_write() {
    let outside = Outside::new(5);
    let (mut process, people) = mirrored(&outside, 1);
    outside.twenty.edit("people", people[0], &json!({ "jobTitle": "Chair" }));
    edit(&process, people[0], &json!({ "jobTitle": "Chair" }));
    outside.twenty.clear_log();
    settle(&outside, &mut process);
    assert_eq!((writes(&outside), open_edits(&process).len()), (0, 0));
}

#[test]
fn every_fault_of_the_network_at_every_call() {
    let faults = [
        Fault::Refused,
        Fault::LostRequest,
        Fault::LostReply,
        Fault::CutBody,
        Fault::GatewayBefore(502),
        Fault::GatewayAfter(503),
        Fault::InternalError,
        Fault::Storm(3),
        Fault::MissingRecord,
        Fault::ForeignId,
        Fault::IgnoredFilter,
        Fault::StaleRead(1),
        Fault::StaleRead(50),
        Fault::TimeoutBefore,
        Fault::TimeoutAfter,
        Fault::DuplicateDelivery,
        Fault::QueryTimeout,
    ];
    for (n, fault) in faults.into_iter().enumerate() {
        for call in 1..=4 {
            let outside = Outside::new(100 + n as u64 * 10 + call);
            let (mut process, people) = mirrored(&outside, 2);
            let other = there(&outside, "people", people[1]);
            // A lost reply first makes the calls after it looks and repeats.
            let plan = if call > 2 { Plan::none().at(2, Fault::LostRequest) } else { Plan::none() };
            outside.twenty.set_faults(plan.at(call, fault.clone()));
            edit(&process, people[0], &json!({ "jobTitle": "Treasurer" }));
            settle(&outside, &mut process);
            outside.twenty.set_faults(Plan::none());
            let told = format!("{fault:?} at call {call}");
            assert_eq!(there(&outside, "people", people[0])["jobTitle"], "Treasurer", "{told}");
            assert!(open_edits(&process).is_empty(), "{told}: {:?}", open_edits(&process));
            assert_eq!(there(&outside, "people", people[1]), other, "{told}");
            process.sync_now();
            settle(&outside, &mut process);
            assert_mirror_equals(&outside, &process);
        }
    }
}

#[test]
fn somebody_who_edits_between_our_look_and_our_write_loses_nothing() {
    let outside = Outside::new(6);
    let (mut process, people) = mirrored(&outside, 1);
    // Right after our look somebody changes the job title of the only person there is.
    outside.twenty.set_faults(Plan::none().at(1, Fault::ConcurrentEdit));
    edit(&process, people[0], &json!({ "name": { "lastName": "King" } }));
    settle(&outside, &mut process);
    let person = there(&outside, "people", people[0]);
    assert_eq!(person["name"]["lastName"], "King");
    assert!(person["jobTitle"].as_str().unwrap().starts_with("edited"), "{person}");
    // The same, and both want the job title.
    outside.advance_ms(1_000);
    outside.twenty.set_faults(Plan::none().at(1, Fault::ConcurrentEdit));
    let id = edit(&process, people[0], &json!({ "jobTitle": "Treasurer" }));
    settle(&outside, &mut process);
    let now = there(&outside, "people", people[0])["jobTitle"].clone();
    assert!(now.as_str().unwrap().starts_with("edited") && now != person["jobTitle"], "{now}");
    assert_eq!(conflict(&process, id).unwrap().fields[0].there, now.to_string());
    assert_mirror_equals(&outside, &process);
}

#[test]
fn what_may_have_been_undone_by_somebody_is_not_sent_again() {
    let outside = Outside::new(7);
    let (mut process, people) = mirrored(&outside, 1);
    outside.twenty.set_faults(Plan::none().at(1, Fault::LostReply).only(Scope::Writes));
    let id = edit(&process, people[0], &json!({ "jobTitle": "Treasurer" }));
    process.step();
    assert_eq!(there(&outside, "people", people[0])["jobTitle"], "Treasurer", "it arrived, unheard");
    outside.advance_ms(100);
    outside.twenty.edit("people", people[0], &json!({ "jobTitle": "" }));
    settle(&outside, &mut process);
    assert_eq!(there(&outside, "people", people[0])["jobTitle"], "");
    assert_eq!(conflict(&process, id).unwrap().fields[0].here, r#""Treasurer""#);
}

#[test]
fn a_record_that_was_deleted_is_not_changed_and_not_brought_back() {
    let outside = Outside::new(8);
    let (mut process, people) = mirrored(&outside, 3);
    outside.twenty.soft_delete("people", people[0]);
    outside.twenty.destroy("people", people[1]);
    for person in &people {
        edit(&process, *person, &json!({ "jobTitle": "Treasurer" }));
    }
    settle(&outside, &mut process);
    let states: Vec<State> = open_edits(&process).into_iter().map(|edit| edit.state).collect();
    assert!(
        matches!(&states[0], State::Refused { reason } if reason.contains("deleted in Twenty")),
        "{states:?}"
    );
    assert!(matches!(&states[1], State::Refused { reason } if reason.contains("no longer in Twenty")));
    assert_eq!(states.len(), 2);
    assert!(!there(&outside, "people", people[0])["deletedAt"].is_null());
    assert_eq!(outside.twenty.records("people").len(), 2);
    for edit in open_edits(&process) {
        block(process.desk.withdraw_edit(&reviewer(), edit.id)).expect("dismissed");
    }
    assert!(open_edits(&process).is_empty());
}

#[test]
fn a_value_that_twenty_refuses_is_told_in_its_words_and_can_be_taken_back() {
    let outside = Outside::new(9);
    let (mut process, people) = mirrored(&outside, 2);
    outside.twenty.edit("people", people[1], &json!({ "emails": { "primaryEmail": "ada@example.org" } }));
    // Two people cannot have one address there; the mirror does not know yet.
    let id = edit(&process, people[0], &json!({ "emails": { "primaryEmail": "ada@example.org" } }));
    settle(&outside, &mut process);
    let [refused] = &open_edits(&process)[..] else { panic!("it is shown") };
    assert!(
        matches!(&refused.state, State::Refused { reason } if reason.starts_with("Twenty refused this: A duplicate")),
        "{refused:?}"
    );
    assert_eq!(there(&outside, "people", people[0])["emails"]["primaryEmail"], "");
    block(process.desk.withdraw_edit(&reviewer(), id)).expect("taken back");
    assert!(open_edits(&process).is_empty());
}

#[test]
fn the_process_dies_at_every_moment_and_each_edit_arrives_once() {
    let mut deaths = 0;
    for moment in 0..10 {
        let mut outside = Outside::new(200 + moment);
        let (mut process, people) = mirrored(&outside, 2);
        edit(&process, people[0], &json!({ "jobTitle": "Treasurer" }));
        edit(&process, people[1], &json!({ "name": { "lastName": "King" } }));
        process.light_fuse(moment);
        if outside.settle(&mut process) == Settled::Died {
            deaths += 1;
            process = outside.crash(process);
        }
        process.put_out_fuse();
        outside.disk.heal();
        settle(&outside, &mut process);
        assert!(open_edits(&process).is_empty(), "moment {moment}: {:?}", open_edits(&process));
        assert_eq!(there(&outside, "people", people[0])["jobTitle"], "Treasurer", "moment {moment}");
        assert_eq!(there(&outside, "people", people[1])["name"]["lastName"], "King", "moment {moment}");
        process.sync_now();
        settle(&outside, &mut process);
        assert_mirror_equals(&outside, &process);
    }
    assert!(deaths >= 7, "the fuse burnt too long to matter: {deaths}");
}

#[test]
fn the_process_dies_while_somebody_edits_the_same() {
    for moment in 0..8 {
        let mut outside = Outside::new(300 + moment);
        let (mut process, people) = mirrored(&outside, 1);
        let id = edit(&process, people[0], &json!({ "jobTitle": "Treasurer" }));
        process.light_fuse(moment);
        let died = outside.settle(&mut process) == Settled::Died;
        outside.advance_ms(50);
        outside.twenty.edit("people", people[0], &json!({ "jobTitle": "Chair" }));
        if died {
            process = outside.crash(process);
        }
        process.put_out_fuse();
        outside.disk.heal();
        settle(&outside, &mut process);
        // Theirs came last: it stands, and ours is done before it or in front of a person.
        assert_eq!(there(&outside, "people", people[0])["jobTitle"], "Chair", "moment {moment}");
        let done = open_edits(&process).is_empty();
        assert_eq!(done, conflict(&process, id).is_none(), "moment {moment}");
        assert_eq!(done, !died, "moment {moment}");
    }
}

#[test]
fn one_call_at_a_time_is_enough_to_look_and_to_send() {
    let outside = Outside::new(15);
    let (mut process, people) = mirrored(&outside, 1);
    // After a word about the limit there is one call every 750 ms, and none in store.
    outside.twenty.set_faults(Plan::none().at(1, Fault::Storm(1)));
    edit(&process, people[0], &json!({ "jobTitle": "Treasurer" }));
    settle(&outside, &mut process);
    assert_eq!(there(&outside, "people", people[0])["jobTitle"], "Treasurer");
}

#[test]
fn our_own_write_does_not_come_back_as_news() {
    let outside = Outside::new(10).hooked();
    let (mut process, people) = mirrored(&outside, 2);
    outside.deliver(&process);
    settle(&outside, &mut process);
    edit(&process, people[0], &json!({ "jobTitle": "Treasurer" }));
    settle(&outside, &mut process);
    let before = entries(&process);
    outside.twenty.clear_log();
    outside.deliver(&process);
    settle(&outside, &mut process);
    assert_eq!(outside.twenty.request_log().len(), 0, "what we know needs no call");
    process.sync_now();
    settle(&outside, &mut process);
    assert_eq!(entries(&process), before, "nothing new was told");
}

#[test]
fn edits_of_one_record_go_one_after_the_other() {
    let outside = Outside::new(11);
    let (mut process, people) = mirrored(&outside, 1);
    for title in ["One", "Two", "Three"] {
        edit(&process, people[0], &json!({ "jobTitle": title }));
    }
    let same = try_edit(&process, ask(people[0], &json!({ "jobTitle": "Three" })));
    assert!(matches!(same, Err(Refusal::Unchanged)), "it is on its way: {same:?}");
    settle(&outside, &mut process);
    assert_eq!(there(&outside, "people", people[0])["jobTitle"], "Three");
    assert!(open_edits(&process).is_empty());
}

#[test]
fn what_is_taken_back_before_it_left_does_not_trip_what_was_built_on_it() {
    let outside = Outside::new(12);
    let (mut process, people) = mirrored(&outside, 1);
    let first = edit(&process, people[0], &json!({ "jobTitle": "One" }));
    edit(&process, people[0], &json!({ "jobTitle": "Two" }));
    block(process.desk.withdraw_edit(&reviewer(), first)).expect("taken back");
    settle(&outside, &mut process);
    assert_eq!(there(&outside, "people", people[0])["jobTitle"], "Two");
    assert!(open_edits(&process).is_empty());
}

#[test]
fn what_twenty_refused_does_not_trip_what_was_built_on_it() {
    let outside = Outside::new(16);
    let (mut process, people) = mirrored(&outside, 2);
    outside.twenty.edit("people", people[1], &json!({ "emails": { "primaryEmail": "ada@example.org" } }));
    for address in ["ada@example.org", "king@example.org"] {
        edit(&process, people[0], &json!({ "emails": { "primaryEmail": address } }));
    }
    settle(&outside, &mut process);
    assert_eq!(there(&outside, "people", people[0])["emails"]["primaryEmail"], "king@example.org");
    assert!(matches!(open_edits(&process)[..], [Edit { state: State::Refused { .. }, .. }]));
}

#[test]
fn what_the_editor_saw_is_what_counts() {
    let outside = Outside::new(13);
    let (mut process, people) = mirrored(&outside, 2);
    let seen = version(&process, people[0]);
    outside.twenty.edit("people", people[0], &json!({ "jobTitle": "Chair" }));
    process.sync_now();
    settle(&outside, &mut process);
    assert_ne!(version(&process, people[0]), seen);
    // The page was open all the while: its editor never saw "Chair".
    let wanted = EditAsk { seen: Some(seen), ..ask(people[0], &json!({ "jobTitle": "Treasurer" })) };
    let kept = try_edit(&process, wanted).expect("kept");
    settle(&outside, &mut process);
    assert_eq!(there(&outside, "people", people[0])["jobTitle"], "Chair");
    assert!(conflict(&process, kept.edit).is_some());
    for foreign in [version(&process, people[1]), Seq(1 << 40)] {
        let wanted = EditAsk { seen: Some(foreign), ..ask(people[0], &json!({ "name.lastName": "x" })) };
        assert!(matches!(try_edit(&process, wanted), Err(Refusal::Changed)));
    }
}

#[test]
fn what_cannot_be_changed_here_is_told_before_anything_is_kept() {
    let outside = Outside::new(14);
    let (process, people) = mirrored(&outside, 1);
    for fields in [
        json!({ "shoeSize": 44 }),
        json!({ "createdAt": "2026-11-20T00:00:00Z" }),
        json!({ "jobTitle": 5 }),
        json!({ "companyId": "acme" }),
        json!({ "name": { "lastName": "A" }, "name.lastName": "B" }),
    ] {
        let refused = try_edit(&process, ask(people[0], &fields));
        assert!(
            matches!(&refused, Err(Refusal::Invalid(errors)) if !errors.is_empty()),
            "{fields}: {refused:?}"
        );
    }
    let gone = try_edit(&process, ask(Uuid::from_u128(9), &json!({ "jobTitle": "x" })));
    assert!(matches!(gone, Err(Refusal::NotFound(_))));
    assert!(open_edits(&process).is_empty());
}
