//! Tasks and notes made here, with what links them: each is in Twenty once, whatever happens between the two calls.

use almoner::desk::makes::{NewNote, TaskOnly};
use almoner::ground::journal::SubjectState;

use super::*;

fn task(targets: &[Uuid]) -> NewNote {
    NewNote {
        title: "Ring Ada".into(),
        body: Some("About the **roof**".into()),
        targets: targets.iter().map(|id| (Object::People, *id)).collect(),
        task: Some(TaskOnly {
            due_at: "2026-12-01T09:00:00Z".parse().ok(),
            status: Some("TODO".into()),
            assignee: None,
        }),
    }
}

fn stands(process: &Process, object: Object, id: Uuid) -> SubjectState {
    let snapshot = process.means.store.snapshot().unwrap();
    snapshot.ledger().record_of(&SubjectKey::twenty(object, id)).unwrap().unwrap().state
}

#[test]
fn a_task_is_in_the_mirror_at_once_and_then_in_twenty_with_its_link() {
    let outside = Outside::new(21);
    let (mut process, people) = mirrored(&outside, 2);
    let kept = block(process.desk.new_task(&reviewer(), task(&people))).expect("kept");
    assert_eq!(stands(&process, Object::Tasks, kept.record), SubjectState::Pending);
    settle(&outside, &mut process);
    assert_eq!(stands(&process, Object::Tasks, kept.record), SubjectState::Live);
    let made = there(&outside, "tasks", kept.record);
    assert_eq!((&made["title"], &made["status"]), (&json!("Ring Ada"), &json!("TODO")));
    assert_eq!(made["bodyV2"]["markdown"], "About the **roof**");
    assert_eq!(made["dueAt"], "2026-12-01T09:00:00.000Z");
    let mut linked: Vec<String> = outside
        .twenty
        .records("taskTargets")
        .iter()
        .filter(|link| link["taskId"] == kept.record.to_string().as_str())
        .map(|link| link["targetPersonId"].as_str().unwrap().to_owned())
        .collect();
    linked.sort_unstable();
    let mut wanted: Vec<String> = people.iter().map(Uuid::to_string).collect();
    wanted.sort_unstable();
    assert_eq!(linked, wanted);
    assert!(open_edits(&process).is_empty());
    assert_mirror_equals(&outside, &process);
    block(process.desk.finish_task(&reviewer(), kept.record)).expect("kept");
    settle(&outside, &mut process);
    assert_eq!(there(&outside, "tasks", kept.record)["status"], "DONE");
    assert_mirror_equals(&outside, &process);
}

#[test]
fn two_equal_notes_are_two() {
    let outside = Outside::new(22);
    let (mut process, people) = mirrored(&outside, 1);
    let note = || NewNote { task: None, ..task(&people) };
    for _ in 0..2 {
        block(process.desk.new_note(&reviewer(), note())).expect("kept");
    }
    settle(&outside, &mut process);
    assert_eq!((outside.twenty.records("notes").len(), outside.twenty.records("noteTargets").len()), (2, 2));
    assert_mirror_equals(&outside, &process);
}

#[test]
fn a_stop_at_every_moment_makes_each_of_them_once() {
    let mut deaths = 0;
    for moment in 0..8 {
        let mut outside = Outside::new(400 + moment);
        let (mut process, people) = mirrored(&outside, 1);
        block(process.desk.new_task(&reviewer(), task(&people))).expect("kept");
        process.light_fuse(moment);
        if outside.settle(&mut process) == Settled::Died {
            deaths += 1;
            process = outside.crash(process);
        }
        process.put_out_fuse();
        outside.disk.heal();
        settle(&outside, &mut process);
        let made = (outside.twenty.records("tasks").len(), outside.twenty.records("taskTargets").len());
        assert_eq!(made, (1, 1), "moment {moment}");
        assert!(open_edits(&process).is_empty(), "moment {moment}");
        process.sync_now();
        settle(&outside, &mut process);
        assert_mirror_equals(&outside, &process);
    }
    assert!(deaths >= 4, "the fuse burnt too long to matter: {deaths}");
}

#[test]
fn every_fault_at_either_call_makes_each_of_them_once() {
    for fault in [
        Fault::Refused,
        Fault::LostRequest,
        Fault::LostReply,
        Fault::CutBody,
        Fault::GatewayAfter(503),
        Fault::TimeoutAfter,
        Fault::DuplicateDelivery,
        Fault::ForeignId,
        Fault::Storm(3),
    ] {
        for call in 1..=3 {
            let outside = Outside::new(500 + call);
            let (mut process, people) = mirrored(&outside, 1);
            outside.twenty.set_faults(Plan::none().at(call, fault.clone()));
            block(process.desk.new_task(&reviewer(), task(&people))).expect("kept");
            settle(&outside, &mut process);
            let made = (outside.twenty.records("tasks").len(), outside.twenty.records("taskTargets").len());
            assert_eq!(made, (1, 1), "{fault:?} at call {call}: {:?}", open_edits(&process));
            assert!(open_edits(&process).is_empty(), "{fault:?} at call {call}");
        }
    }
}

#[test]
fn a_link_to_somebody_who_went_meanwhile_is_told_and_the_task_stays() {
    let outside = Outside::new(23);
    let (mut process, people) = mirrored(&outside, 1);
    let kept = block(process.desk.new_task(&reviewer(), task(&people))).expect("kept");
    outside.twenty.destroy("people", people[0]);
    settle(&outside, &mut process);
    let [edit] = &open_edits(&process)[..] else { panic!("it is shown") };
    assert!(
        matches!(&edit.state, State::Refused { reason } if reason.starts_with("It is in Twenty, but linking")),
        "{edit:?}"
    );
    assert_eq!(stands(&process, Object::Tasks, kept.record), SubjectState::Live);
    assert_eq!(stands(&process, Object::TaskTargets, edit.makes[1].id), SubjectState::Gone);
    block(process.desk.withdraw_edit(&reviewer(), edit.id)).expect("dismissed");
    settle(&outside, &mut process);
    assert_eq!((outside.twenty.records("tasks").len(), open_edits(&process).len()), (1, 0));
}

#[test]
fn a_note_can_be_taken_back_until_it_may_be_there() {
    let outside = Outside::new(25);
    let (mut process, people) = mirrored(&outside, 1);
    let kept =
        block(process.desk.new_note(&reviewer(), NewNote { task: None, ..task(&people) })).expect("kept");
    block(process.desk.withdraw_edit(&reviewer(), kept.edit)).expect("taken back");
    settle(&outside, &mut process);
    assert_eq!(
        (stands(&process, Object::Notes, kept.record), outside.twenty.records("notes").len()),
        (SubjectState::Gone, 0)
    );
    outside.twenty.set_faults(Plan::none().at(1, Fault::LostReply).only(Scope::Writes));
    let kept =
        block(process.desk.new_note(&reviewer(), NewNote { task: None, ..task(&people) })).expect("kept");
    process.step();
    let refused = block(process.desk.withdraw_edit(&reviewer(), kept.edit));
    assert!(matches!(refused, Err(Refusal::Nothing(_))), "{refused:?}");
    settle(&outside, &mut process);
    assert_eq!(outside.twenty.records("notes").len(), 1);
}

#[test]
fn what_cannot_be_made_is_told_at_once() {
    let outside = Outside::new(24);
    let (process, people) = mirrored(&outside, 1);
    let told = |wanted: NewNote| match block(process.desk.new_task(&reviewer(), wanted)) {
        Err(Refusal::Invalid(errors)) => errors.into_iter().map(|error| error.field).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(told(task(&[Uuid::from_u128(5)])), ["targets"]);
    let only = TaskOnly { status: Some("MAYBE".into()), assignee: Some(people[0]), due_at: None };
    assert_eq!(told(NewNote { task: Some(only), ..task(&people) }), ["status", "assigneeId"]);
    assert!(open_edits(&process).is_empty() && outside.twenty.records("tasks").is_empty());
}
