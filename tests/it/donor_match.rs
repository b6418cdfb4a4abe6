//! The donor-match run (domain 4.8.2): whom it links, what it stores, what it never does.
//!
//! Keeps out: a link that nobody would have made, a row that falls silent, a failure that reads like "nobody", a call to
//! Twenty, a rerun that writes, a row of another batch.

use almoner::desk::batches::NewBatch;
use almoner::ground::donor_match::{MatchOutcome, Matched};
use almoner::ground::gift::GiftIntent;
use almoner::ground::id::{BatchId, PersonId, RunId, Seq, StagedId};
use almoner::ground::run::{ProcessRun, RunStatus};
use almoner::ground::staging::{DonorDecision, StagedRow};
use almoner::runs::Next;
use serde_json::json;

use crate::world::{Outside, Process, Settled, block, delivery, gbp, reviewer};

fn person(outside: &Outside, first: &str, last: &str, emails: &[&str]) -> PersonId {
    let main = emails.first().copied().unwrap_or_default();
    let others = emails.get(1..).unwrap_or_default();
    PersonId(outside.create(
        "people",
        &json!({
            "name": { "firstName": first, "lastName": last },
            "emails": { "primaryEmail": main, "additionalEmails": others },
        }),
    ))
}

fn row(process: &Process, first: &str, last: &str, email: &str) -> StagedId {
    let mut told = delivery(None, gbp("5"));
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    told.intake.evidence.first_name = some(first);
    told.intake.evidence.last_name = some(last);
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

fn ask(process: &Process, batch: BatchId) -> RunId {
    block(process.desk.match_donors(&reviewer(), batch, None)).expect("asked")
}

/// Matches the donors of a batch to the end.
fn matched(outside: &Outside, process: &mut Process, batch: BatchId) -> ProcessRun {
    let run = ask(process, batch);
    assert_eq!(outside.settle(process), Settled::Quiet);
    process.means.store.snapshot().unwrap().ledger().run(run).unwrap().unwrap().value
}

fn found(process: &Process, id: StagedId) -> Matched {
    process.row(id).matched.expect("an outcome")
}

fn version(process: &Process, id: StagedId) -> Seq {
    process.means.store.snapshot().unwrap().ledger().staged(id).unwrap().unwrap().seq
}

#[test]
fn only_one_person_of_the_name_who_owns_the_address_is_linked() {
    let outside = Outside::new(61);
    let ada = person(&outside, "Ada", "Pugh", &["ada@pugh.example", "ada.pugh@work.example"]);
    let twins = [
        person(&outside, "Tom", "Twin", &["tom@twin.example"]),
        person(&outside, "Tom", "Twin", &["tommy@twin.example", "tom@twin.example"]),
    ];
    let bob = person(&outside, "Bob", "Stone", &["stones@home.example"]);
    let mut process = settled(&outside);
    let cases = [
        ("ADA", " pugh", "Ada@Pugh.example", MatchOutcome::AutoLinked, vec![ada]),
        ("Ada", "Pugh", "ada.pugh@work.example", MatchOutcome::AutoLinked, vec![ada]),
        ("Ada", "Pugh", "other@mail.example", MatchOutcome::PartialMatchReview, vec![ada]),
        ("Ada", "Pugh", "", MatchOutcome::PartialMatchReview, vec![ada]),
        ("Betty", "Stone", "stones@home.example", MatchOutcome::PartialMatchReview, vec![bob]),
        ("Tom", "Twin", "tom@twin.example", MatchOutcome::PartialMatchReview, twins.to_vec()),
        ("Zoltan", "Quist", "zoltan@quist.example", MatchOutcome::NoMatch, vec![]),
        ("", "Pugh", "ada@pugh.example", MatchOutcome::InsufficientIdentity, vec![]),
    ];
    let rows: Vec<StagedId> =
        cases.iter().map(|(first, last, email, ..)| row(&process, first, last, email)).collect();
    let of_company = {
        let mut told = delivery(None, gbp("5"));
        told.intake.evidence.first_name = Some("Ada".into());
        told.intake.evidence.last_name = Some("Pugh".into());
        told.intake.evidence.email = Some("ada@pugh.example".into());
        told.intake.intent = GiftIntent::Grant;
        process.take_in(told)
    };
    let all: Vec<StagedId> = rows.iter().copied().chain([of_company]).collect();
    let batch = batch(&process, &all);
    outside.twenty.clear_log();
    let run = matched(&outside, &mut process, batch);
    assert_eq!((run.status, run.tally.attempted, run.tally.errors), (RunStatus::Completed, 9, 0));
    for (id, (first, last, email, outcome, people)) in rows.iter().zip(cases) {
        let (found, row) = (found(&process, *id), process.row(*id));
        let mut proposed: Vec<PersonId> = found.proposed.iter().map(|(person, _)| *person).collect();
        let mut people = people;
        proposed.sort_unstable();
        people.sort_unstable();
        assert_eq!((found.outcome, proposed), (outcome, people.clone()), "{first} {last} {email}");
        let linked = outcome == MatchOutcome::AutoLinked;
        let donor = if linked { DonorDecision::Confirmed(people[0]) } else { DonorDecision::Unreviewed };
        assert_eq!(row.donor, donor, "{first} {last} {email}");
        assert_eq!((found.run, found.model.is_empty()), (run.id, false));
    }
    assert!(found(&process, rows[5]).reason.contains("Blocked by duplicates"));
    assert_eq!(found(&process, of_company).outcome, MatchOutcome::NoMatch, "companies are never matched");
    assert_eq!(process.row(of_company).donor, DonorDecision::Unreviewed);
    assert_eq!(outside.twenty.request_log().len(), 0, "nothing is asked of Twenty");
}

#[test]
fn each_undecided_row_has_one_outcome_and_a_rerun_stores_nothing_unchanged() {
    let outside = Outside::new(62);
    let ada = person(&outside, "Ada", "Pugh", &["ada@pugh.example"]);
    let mut process = settled(&outside);
    let linked = row(&process, "Ada", "Pugh", "ada@pugh.example");
    let nobody = row(&process, "Zoltan", "Quist", "");
    let decided = process.take_in(delivery(Some(ada), gbp("7")));
    let foreign = row(&process, "Ada", "Pugh", "ada@pugh.example");
    let (ours, theirs) = (batch(&process, &[linked, nobody, decided]), batch(&process, &[foreign]));
    let untouched = [version(&process, decided), version(&process, foreign)];
    let run = matched(&outside, &mut process, ours);
    assert_eq!(run.matches.count(MatchOutcome::AlreadyResolved), 1);
    assert_eq!(
        (run.matches.count(MatchOutcome::AutoLinked), run.matches.count(MatchOutcome::NoMatch)),
        (1, 1)
    );
    assert_eq!([version(&process, decided), version(&process, foreign)], untouched);
    assert_eq!(process.row(foreign).matched, None, "a row of another batch");

    let before = [version(&process, linked), version(&process, nobody)];
    let again = matched(&outside, &mut process, ours);
    assert_ne!(again.id, run.id);
    assert_eq!((again.tally.attempted, again.matches.count(MatchOutcome::AlreadyResolved)), (1, 2));
    assert_eq!([version(&process, linked), version(&process, nobody)], before, "nothing is written again");
    assert_eq!(found(&process, nobody).run, run.id, "who said it first");

    // Somebody who comes later is news.
    let zoltan = person(&outside, "Zoltan", "Quist", &["z@quist.example"]);
    outside.advance_ms(20 * 60_000);
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let third = matched(&outside, &mut process, ours);
    let now = found(&process, nobody);
    assert_eq!((now.outcome, now.run), (MatchOutcome::PartialMatchReview, third.id));
    assert_eq!(now.proposed.first().map(|(person, _)| *person), Some(zoltan));
    assert_eq!(matched(&outside, &mut process, theirs).tally.attempted, 1);
}

#[test]
fn what_cannot_be_looked_up_is_an_error_and_never_no_match() {
    let outside = Outside::new(63);
    person(&outside, "Ada", "Pugh", &["ada@pugh.example"]);
    let mut process = outside.boot();
    let id = row(&process, "Ada", "Pugh", "ada@pugh.example");
    let batch = batch(&process, &[id]);
    let run = ask(&process, batch);
    // The people of Twenty are not here yet.
    while process.step_match(run) == Next::Again {}
    let failed = found(&process, id);
    assert_eq!((failed.outcome, process.row(id).donor), (MatchOutcome::Error, DonorDecision::Unreviewed));
    let run = process.means.store.snapshot().unwrap().ledger().run(run).unwrap().unwrap().value;
    assert_eq!((run.status, run.tally.errors), (RunStatus::CompletedWithErrors, 1));
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    matched(&outside, &mut process, batch);
    assert_eq!(found(&process, id).outcome, MatchOutcome::AutoLinked);
}

#[test]
fn twenty_starts_are_one_run_beside_a_run_that_posts() {
    let outside = Outside::new(64);
    let ada = person(&outside, "Ada", "Pugh", &["ada@pugh.example"]);
    let process = settled(&outside);
    let (posted, _) = process.ready_batch(&[(ada, gbp("9"))]);
    let posts = process.process(posted);
    let runs: Vec<RunId> = (0..20).map(|_| ask(&process, posted)).collect();
    assert!(runs.iter().all(|run| *run == runs[0]) && runs[0] != posts);
}

#[test]
fn a_run_over_a_thousand_rows_survives_deaths_and_makes_no_call() {
    let mut outside = Outside::new(65);
    let people: Vec<PersonId> = (0..20)
        .map(|n| person(&outside, &format!("Ada{n}"), "Pugh", &[&format!("ada{n}@pugh.example")]))
        .collect();
    let mut process = settled(&outside);
    let rows: Vec<StagedId> = (0..1_000)
        .map(|n| {
            let named = n % 20;
            row(&process, &format!("Ada{named}"), "Pugh", &format!("ada{named}@pugh.example"))
        })
        .collect();
    let batch = batch(&process, &rows);
    let run = ask(&process, batch);
    outside.twenty.clear_log();
    for _ in 0..3 {
        for _ in 0..4 {
            process.step_match(run);
        }
        process = outside.crash(process);
    }
    while process.step_match(run) == Next::Again {}
    let run = process.means.store.snapshot().unwrap().ledger().run(run).unwrap().unwrap().value;
    assert_eq!((run.status, run.tally.attempted), (RunStatus::Completed, 1_000));
    assert_eq!(run.matches.count(MatchOutcome::AutoLinked), 1_000);
    let linked = |row: &StagedRow| row.donor.person().is_some_and(|person| people.contains(&person));
    assert!(process.rows().iter().all(|row| linked(&row.value)));
    assert_eq!(outside.twenty.request_log().len(), 0);
}
