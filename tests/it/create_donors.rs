//! The create-donors run (domain 4.8.3): makes the donors of chosen rows, each once, whatever happens.
//!
//! Keeps out: a second person for one row, a row that was not chosen or is of another batch, a gift that is posted on the
//! way, a row that stays held, and a guess after an answer that did not fit.

use almoner::desk::batches::NewBatch;
use almoner::desk::gifts::Mark;
use almoner::ground::donor_match::MatchOutcome;
use almoner::ground::id::{BatchId, RunId, StagedId};
use almoner::ground::run::{ProcessRun, RunStatus};
use almoner::ground::staging::{DonorDecision, Progress};
use almoner::sim::faults::{Fault, Plan, Scope};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::crash::bad_luck;
use crate::world::checks::assert_sound;
use crate::world::{Outside, Process, Settled, block, delivery, gbp, reviewer};

fn row(process: &Process, first: &str, email: &str) -> StagedId {
    let mut told = delivery(None, gbp("5"));
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    told.intake.evidence.first_name = some(first);
    told.intake.evidence.last_name = Some("Newcomer".into());
    told.intake.evidence.email = some(email);
    process.take_in(told)
}

fn settled(outside: &Outside) -> Process {
    let mut process = outside.boot();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    process
}

fn batch(process: &Process, rows: &[StagedId]) -> BatchId {
    let new = NewBatch { name: "Post".into(), rows: rows.to_vec(), ..NewBatch::default() };
    block(process.desk.create_batch(&reviewer(), new)).expect("made")
}

fn ask(process: &Process, batch: BatchId, rows: &[StagedId]) -> RunId {
    block(process.desk.create_donors(&reviewer(), batch, rows.to_vec())).expect("asked")
}

fn run(process: &Process, run: RunId) -> ProcessRun {
    process.means.store.snapshot().unwrap().ledger().run(run).unwrap().unwrap().value
}

fn outcome(process: &Process, id: StagedId) -> Option<MatchOutcome> {
    process.row(id).matched.map(|found| found.outcome)
}

fn newcomers(outside: &Outside) -> Vec<Value> {
    let people = outside.twenty.records("people").into_iter();
    people
        .filter(|person| person["deletedAt"].is_null() && person["name"]["lastName"] == "Newcomer")
        .collect()
}

#[test]
fn donors_are_made_together_and_posting_makes_no_second_one() {
    let outside = Outside::new(71);
    let mut process = settled(&outside);
    let rows: Vec<StagedId> =
        (0..70).map(|n| row(&process, &format!("Grace{n}"), &format!("g{n}@new.example"))).collect();
    let batch = batch(&process, &rows);
    outside.twenty.clear_log();
    let asked = ask(&process, batch, &rows);
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let log = outside.twenty.request_log();
    let paths: Vec<&str> = log.iter().map(|call| call.path.as_str()).collect();
    assert_eq!(paths, ["/rest/batch/people", "/rest/batch/people"], "60 and 10");
    let ended = run(&process, asked);
    assert_eq!((ended.status, ended.tally.attempted), (RunStatus::Completed, 70));
    assert_eq!(ended.matches.count(MatchOutcome::CreatedDonor), 70);
    assert_eq!((newcomers(&outside).len(), outside.twenty.records("gifts").len()), (70, 0));
    for id in &rows {
        let row = process.row(*id);
        assert!(matches!(row.donor, DonorDecision::Created(_)) && row.progress == Progress::Review);
    }
    assert_sound(&outside, &process);
    // Asked again, nothing is sent.
    outside.twenty.clear_log();
    let again = ask(&process, batch, &rows);
    outside.settle(&mut process);
    assert_eq!(run(&process, again).matches.count(MatchOutcome::AlreadyResolved), 70);
    assert_eq!(outside.twenty.request_log().len(), 0);
    for id in &rows[..2] {
        block(process.desk.mark_row(&reviewer(), *id, Mark::Ready, None)).expect("complete");
    }
    process.process(batch);
    outside.settle(&mut process);
    assert_eq!((newcomers(&outside).len(), outside.twenty.records("gifts").len()), (70, 2));
}

#[test]
fn only_chosen_rows_of_the_batch_are_touched_and_each_has_its_outcome() {
    let outside = Outside::new(72);
    let owner = json!({ "name": { "firstName": "Old", "lastName": "Owner" }, "emails": { "primaryEmail": "taken@new.example" } });
    let owner = almoner::ground::id::PersonId(outside.create("people", &owner));
    let mut process = settled(&outside);
    let fine = row(&process, "Grace", "grace@new.example");
    let same = row(&process, "Gracie", "GRACE@new.example");
    let taken = row(&process, "Alan", "taken@new.example");
    let nameless = row(&process, "", "n@new.example");
    let decided = process.take_in(delivery(Some(owner), gbp("3")));
    let left_out = row(&process, "Left", "");
    let foreign = row(&process, "Foreign", "");
    let ours = batch(&process, &[fine, same, taken, nameless, decided, left_out]);
    batch(&process, &[foreign]);
    let before = process.row(foreign);
    let nobody = StagedId(Uuid::from_u128(99));
    let asked = ask(&process, ours, &[fine, same, taken, nameless, decided, foreign, nobody]);
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let ended = run(&process, asked);
    assert_eq!(
        (ended.status, ended.tally.attempted, ended.tally.errors),
        (RunStatus::CompletedWithErrors, 7, 4)
    );
    for (id, wanted) in [
        (fine, Some(MatchOutcome::CreatedDonor)),
        (same, Some(MatchOutcome::Error)),
        (taken, Some(MatchOutcome::Error)),
        (nameless, Some(MatchOutcome::InsufficientIdentity)),
        (decided, None),
        (left_out, None),
    ] {
        assert_eq!(outcome(&process, id), wanted);
    }
    assert_eq!(process.row(foreign), before, "a row of another batch");
    assert_eq!(newcomers(&outside).len(), 1);
    assert_eq!(process.row(same).donor, DonorDecision::Unreviewed, "what failed before a call is as it was");
}

#[test]
fn one_row_that_twenty_fails_on_holds_up_nobody_else() {
    let outside = Outside::new(73);
    let mut process = settled(&outside);
    let rows: Vec<StagedId> =
        (0..8).map(|n| row(&process, &format!("Grace{n}"), &format!("g{n}@new.example"))).collect();
    let batch = batch(&process, &rows);
    process.poison("g5@new.example");
    let asked = ask(&process, batch, &rows);
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let ended = run(&process, asked);
    assert_eq!((ended.status, ended.tally.errors), (RunStatus::CompletedWithErrors, 1));
    assert!(ended.execution.splits > 0);
    assert_eq!(newcomers(&outside).len(), 7);
    assert_eq!(outcome(&process, rows[5]), Some(MatchOutcome::Error));
    assert_eq!(process.row(rows[5]).progress, Progress::Review, "nobody holds it");
}

#[test]
fn an_answer_that_does_not_fit_is_never_split_and_the_next_run_looks_first() {
    let outside = Outside::new(74);
    let mut process = settled(&outside);
    let rows: Vec<StagedId> = (0..3).map(|n| row(&process, &format!("Grace{n}"), "")).collect();
    let batch = batch(&process, &rows);
    outside.twenty.set_faults(Plan::none().at(1, Fault::MissingRecord).only(Scope::Writes));
    let asked = ask(&process, batch, &rows);
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    outside.twenty.set_faults(Plan::none());
    let ended = run(&process, asked);
    assert_eq!((ended.status, ended.execution.splits, ended.tally.errors), (RunStatus::Failed, 0, 3));
    ask(&process, batch, &rows);
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    assert_eq!(newcomers(&outside).len(), 3, "who arrived is not made again");
    assert!(rows.iter().all(|id| outcome(&process, *id) == Some(MatchOutcome::CreatedDonor)));
}

#[test]
fn whatever_happens_each_chosen_donor_is_there_once() {
    for (n, fault) in bad_luck().into_iter().enumerate() {
        let mut outside = Outside::new(75);
        let mut process = settled(&outside);
        let rows: Vec<StagedId> = (0..3).map(|n| row(&process, &format!("Grace{n}"), "")).collect();
        let batch = batch(&process, &rows);
        ask(&process, batch, &rows);
        let call = 1 + n as u64 % 2;
        let plan = if call > 1 { Plan::none().at(1, Fault::LostReply) } else { Plan::none() };
        outside.twenty.set_faults(plan.at(call, fault.clone()));
        outside.settle(&mut process);
        outside.twenty.set_faults(Plan::none());
        for _ in 0..2 {
            process = outside.crash(process);
            outside.settle(&mut process);
            ask(&process, batch, &rows);
            outside.settle(&mut process);
        }
        assert_eq!(newcomers(&outside).len(), 3, "{fault:?} at {call}");
        assert!(rows.iter().all(|id| process.row(*id).donor.person().is_some()), "{fault:?} at {call}");
        process.sync_now();
        outside.settle(&mut process);
        assert_sound(&outside, &process);
    }
}

#[test]
fn a_process_that_dies_at_any_moment_goes_on_and_makes_nobody_twice() {
    for moment in 1..=12 {
        let mut outside = Outside::new(76);
        let mut process = settled(&outside);
        let rows: Vec<StagedId> = (0..2).map(|n| row(&process, &format!("Grace{n}"), "")).collect();
        let batch = batch(&process, &rows);
        ask(&process, batch, &rows);
        process.light_fuse(moment);
        outside.settle(&mut process);
        process = outside.crash(process);
        assert_eq!(outside.settle(&mut process), Settled::Quiet, "moment {moment}");
        assert_eq!(newcomers(&outside).len(), 2, "moment {moment}");
        let made = |id: &StagedId| matches!(process.row(*id).donor, DonorDecision::Created(_));
        assert!(rows.iter().all(made), "moment {moment}");
    }
}
