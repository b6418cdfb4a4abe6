//! Removing the donor who was made for a gift that is then discarded.
//!
//! Keeps out: somebody removed twice or though something refers to them, a foreign person touched, a removal that is lost
//! by a crash, a row that comes back to review with a donor who is gone.

use almoner::desk::Refusal;
use almoner::desk::batches::NewBatch;
use almoner::desk::edits::Kept;
use almoner::desk::gifts::Mark;
use almoner::ground::edit::{Edit, State};
use almoner::ground::id::{PersonId, StagedId};
use almoner::ground::staging::{DonorDecision, DonorEdit, RowEdit};
use almoner::sim::faults::Plan;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::crash::bad_luck;
use crate::provision::provisioned;
use crate::world::checks::{assert_mirror_equals, assert_sound};
use crate::world::{Outside, Process, Settled, block, delivery, gbp, reviewer};

/// A donor made in Twenty for a row, which is discarded.
struct Made {
    process: Process,
    row: StagedId,
    person: PersonId,
    /// Somebody else, with the same name.
    other: Uuid,
}

fn somebody_new(process: &Process) -> StagedId {
    let mut told = delivery(None, gbp("5"));
    told.intake.evidence.first_name = Some("Grace".into());
    told.intake.evidence.last_name = Some("Newcomer".into());
    process.take_in(told)
}

fn made(outside: &Outside) -> Made {
    let other =
        outside.create("people", &json!({ "name": { "firstName": "Grace", "lastName": "Newcomer" } }));
    let mut process = outside.boot();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let row = somebody_new(&process);
    let new = NewBatch { name: "Post".into(), rows: vec![row], ..NewBatch::default() };
    let batch = block(process.desk.create_batch(&reviewer(), new)).expect("made");
    block(process.desk.create_donors(&reviewer(), batch, vec![row])).expect("asked");
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let DonorDecision::Created(person) = process.row(row).donor else { panic!("the donor was made") };
    mark(&process, row, Mark::Discard);
    Made { process, row, person, other }
}

fn mark(process: &Process, row: StagedId, mark: Mark) {
    block(process.desk.mark_row(&reviewer(), row, mark, None)).expect("marked");
}

fn remove(process: &Process, row: StagedId) -> Result<Kept, Refusal> {
    block(process.desk.remove_made_donor(&reviewer(), row))
}

fn refused(process: &Process, row: StagedId) -> String {
    remove(process, row).expect_err("they stay").to_string()
}

fn there(outside: &Outside, id: Uuid) -> Value {
    let (id, people) = (id.to_string(), outside.twenty.records("people"));
    people.into_iter().find(|record| record["id"] == id.as_str()).expect("is there")
}

fn deletions(outside: &Outside) -> usize {
    let log = outside.twenty.request_log();
    log.iter().filter(|call| call.method == http::Method::DELETE).count()
}

fn open_edits(process: &Process) -> Vec<Edit> {
    let snapshot = process.means.store.snapshot().unwrap();
    snapshot.ledger().open_edits().unwrap().into_iter().map(|edit| edit.value).collect()
}

#[test]
fn whatever_happens_they_are_removed_once_and_nobody_else_is() {
    for (n, fault) in bad_luck().into_iter().enumerate() {
        let mut outside = Outside::new(91);
        let Made { mut process, row, person, other } = made(&outside);
        let before = there(&outside, other);
        let asked = remove(&process, row).expect("nothing refers to them");
        assert_eq!(remove(&process, row).expect("asked already").edit, asked.edit);
        let call = 1 + n as u64 % 3;
        outside.twenty.clear_log();
        outside.twenty.set_faults(Plan::none().at(call, fault.clone()));
        outside.settle(&mut process);
        outside.twenty.set_faults(Plan::none());
        process = outside.crash(process);
        assert_eq!(outside.settle(&mut process), Settled::Quiet, "{fault:?}");
        assert!(!there(&outside, person.0)["deletedAt"].is_null(), "{fault:?} at {call}");
        assert_eq!(there(&outside, other), before, "{fault:?} at {call}");
        assert_eq!(open_edits(&process), []);
        let calls = deletions(&outside);
        assert!(refused(&process, row).contains("not in Twenty any more"));
        outside.settle(&mut process);
        assert_eq!(deletions(&outside), calls, "nothing was left to do");
        process.sync_now();
        outside.settle(&mut process);
        assert_sound(&outside, &process);
        assert_mirror_equals(&outside, &process);
    }
}

#[test]
fn a_process_that_dies_at_any_moment_removes_them_once() {
    for moment in 1..=10 {
        let mut outside = Outside::new(92);
        let Made { mut process, row, person, other } = made(&outside);
        let before = there(&outside, other);
        remove(&process, row).expect("nothing refers to them");
        process.light_fuse(moment);
        outside.settle(&mut process);
        process = outside.crash(process);
        assert_eq!(outside.settle(&mut process), Settled::Quiet, "moment {moment}");
        assert!(!there(&outside, person.0)["deletedAt"].is_null(), "moment {moment}");
        assert_eq!(there(&outside, other), before, "moment {moment}");
        assert_eq!(open_edits(&process), [], "moment {moment}");
    }
}

/// Something that refers to them.
type Happens<'h> = &'h dyn Fn(&Outside, &Made);

#[test]
fn they_stay_while_anything_refers_to_them() {
    let person_of = |made: &Made| made.person.0.to_string();
    let gift = |o: &Outside, m: &Made| {
        o.create("gifts", &json!({ "name": "G", "donorId": person_of(m) }));
    };
    let task = |o: &Outside, m: &Made| {
        let task = o.create("tasks", &json!({ "title": "Ring" }));
        o.create("taskTargets", &json!({ "taskId": task, "targetPersonId": person_of(m) }));
    };
    let note = |o: &Outside, m: &Made| {
        let note = o.create("notes", &json!({ "title": "Met" }));
        o.create("noteTargets", &json!({ "noteId": note, "targetPersonId": person_of(m) }));
    };
    let agreement = |o: &Outside, m: &Made| {
        o.create("recurringAgreements", &json!({ "name": "Monthly", "personId": person_of(m) }));
    };
    let opportunity = |o: &Outside, m: &Made| {
        o.create("opportunities", &json!({ "name": "Roof", "pointOfContactId": person_of(m) }));
    };
    let changed = |o: &Outside, m: &Made| {
        o.advance_ms(2_000);
        assert!(o.twenty.edit("people", m.person.0, &json!({ "jobTitle": "Chair" })));
    };
    let cases: [(&str, Happens<'_>); 6] = [
        ("Gifts in Twenty", &gift),
        ("A task", &task),
        ("A note", &note),
        ("A recurring agreement", &agreement),
        ("An opportunity", &opportunity),
        ("Somebody changed this person", &changed),
    ];
    for (words, happen) in cases {
        let outside = provisioned(93);
        let mut at_rest = made(&outside);
        happen(&outside, &at_rest);
        at_rest.process.sync_now();
        assert_eq!(outside.settle(&mut at_rest.process), Settled::Quiet);
        let told = refused(&at_rest.process, at_rest.row);
        assert!(told.contains(words), "{words}: {told}");
        assert_eq!(open_edits(&at_rest.process), []);
        assert!(there(&outside, at_rest.person.0)["deletedAt"].is_null(), "{words}");
    }
}

/// What came of the removal that was asked for first.
fn reason(process: &Process, kept: &Kept) -> String {
    let snapshot = process.means.store.snapshot().unwrap();
    match snapshot.ledger().edit_ever(kept.edit).unwrap().expect("kept").state {
        State::Refused { reason } => reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn what_refers_to_them_after_it_was_asked_for_keeps_them_too() {
    let outside = Outside::new(95);
    let Made { mut process, row, person, .. } = made(&outside);
    let kept = remove(&process, row).expect("nothing refers to them");
    let second = process.take_in(delivery(Some(person), gbp("7")));
    outside.twenty.clear_log();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    assert!(reason(&process, &kept).contains("Another gift here names this person"));
    assert!(there(&outside, person.0)["deletedAt"].is_null());
    assert_eq!(deletions(&outside), 0);
    // A discarded row counts: it can come back.
    mark(&process, second, Mark::Discard);
    assert!(refused(&process, row).contains("Another gift here"));
    mark(&process, second, Mark::Review);
    let somebody_else = RowEdit { donor: DonorEdit::Undecide, ..RowEdit::default() };
    block(process.desk.edit_row(&reviewer(), second, somebody_else, None)).expect("edited");
    remove(&process, row).expect("nothing refers to them any more");
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    assert!(!there(&outside, person.0)["deletedAt"].is_null());
}

#[test]
fn somebody_who_changes_them_meanwhile_in_twenty_keeps_them() {
    let outside = Outside::new(96);
    let Made { mut process, row, person, .. } = made(&outside);
    let kept = remove(&process, row).expect("nothing refers to them");
    outside.advance_ms(2_000);
    assert!(outside.twenty.edit("people", person.0, &json!({ "jobTitle": "Chair" })));
    outside.twenty.clear_log();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    assert!(reason(&process, &kept).contains("Somebody changed this person"));
    assert_eq!(deletions(&outside), 0);
}

#[test]
fn a_row_that_comes_back_to_review_keeps_its_donor_or_asks_for_one() {
    let outside = Outside::new(97);
    let Made { mut process, row, person, .. } = made(&outside);
    remove(&process, row).expect("nothing refers to them");
    mark(&process, row, Mark::Review);
    assert_eq!(open_edits(&process), [], "the removal is taken back");
    outside.twenty.clear_log();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    assert_eq!(deletions(&outside), 0);
    assert_eq!(process.row(row).donor, DonorDecision::Created(person));
    mark(&process, row, Mark::Discard);
    remove(&process, row).expect("nothing refers to them");
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    mark(&process, row, Mark::Review);
    assert_eq!(process.row(row).donor, DonorDecision::Unreviewed, "they are gone");
}

#[test]
fn only_the_donor_made_for_the_row_and_only_once_it_is_discarded() {
    let outside = Outside::new(98);
    let Made { mut process, row, person, .. } = made(&outside);
    mark(&process, row, Mark::Review);
    assert!(refused(&process, row).contains("not discarded"));
    // Somebody else was chosen for it since: whoever was made is still theirs to remove.
    let ada = outside.people(1)[0];
    process.sync_now();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let choose = RowEdit { donor: DonorEdit::Choose(ada), ..RowEdit::default() };
    block(process.desk.edit_row(&reviewer(), row, choose, None)).expect("edited");
    mark(&process, row, Mark::Discard);
    remove(&process, row).expect("nothing refers to them");
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    assert!(there(&outside, ada.0)["deletedAt"].is_null());
    assert!(!there(&outside, person.0)["deletedAt"].is_null());
    let told = process.take_in(delivery(Some(ada), gbp("1")));
    mark(&process, told, Mark::Discard);
    assert!(matches!(remove(&process, told), Err(Refusal::NotFound(_))), "nobody was made for it");
}
