//! Behaviours of domain 11 and invariants of domain 4.13 that no other file shows by itself; `docs/behaviours.md` lists all.

use std::collections::BTreeSet;

use almoner::desk::gifts::Mark;
use almoner::ground::coding::CodingEdit;
use almoner::ground::gift::{GiftIntent, PaymentMethod};
use almoner::ground::id::{PersonId, RunId, StagedId};
use almoner::ground::patch::Patch;
use almoner::ground::run::RunStatus;
use almoner::ground::staging::{DonorEdit, DonorEvidence, Progress, RowEdit, StagedRow};
use almoner::sim::faults::{Fault, Plan, Scope};
use serde_json::json;

use crate::world::{Outside, Process, Settled, block, delivery, gbp, reviewer};

fn settled(outside: &Outside) -> Process {
    let mut process = outside.boot();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    process
}

fn ready_batch(process: &Process, people: &[PersonId], count: u64) -> almoner::ground::id::BatchId {
    let rows: Vec<_> = (1..=count).map(|n| (people[0], gbp(&n.to_string()))).collect();
    process.ready_batch(&rows).0
}

#[test]
fn twenty_starts_at_once_are_one_run() {
    let outside = Outside::new(61);
    let people = outside.people(1);
    let process = settled(&outside);
    let batch = ready_batch(&process, &people, 3);
    let runs: BTreeSet<RunId> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..20)
            .map(|_| {
                let desk = process.desk.clone();
                scope.spawn(move || block(desk.process_batch(&reviewer(), batch, None)).unwrap())
            })
            .collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert_eq!(runs.len(), 1);
}

#[test]
fn one_event_ten_times_at_once_is_one_row_and_one_gift() {
    let outside = Outside::new(62);
    let people = outside.people(1);
    let mut process = settled(&outside);
    let event = || {
        let mut event = delivery(Some(people[0]), gbp("12"));
        event.intake.source.provider = Some("stripe".into());
        event.intake.source.provider_event_id = Some("evt_1".into());
        event
    };
    let taken: Vec<_> = std::thread::scope(|scope| {
        let sends: Vec<_> = (0..10)
            .map(|_| {
                let (desk, event) = (process.desk.clone(), event());
                scope.spawn(move || block(desk.take_in(&reviewer(), event)).unwrap())
            })
            .collect();
        sends.into_iter().map(|send| send.join().unwrap()).collect()
    });
    let rows: BTreeSet<StagedId> = taken.iter().map(|taken| taken.row).collect();
    assert_eq!((rows.len(), taken.iter().filter(|taken| taken.created).count()), (1, 1));
    block(process.desk.mark_row(&reviewer(), taken[0].row, Mark::Ready, None)).unwrap();
    block(process.desk.process_ready(&reviewer())).unwrap();
    outside.settle(&mut process);
    assert_eq!(outside.twenty.records("gifts").len(), 1);
}

#[test]
fn every_question_to_twenty_uses_its_own_parameters_only() {
    const KNOWN: [&str; 9] = [
        "filter",
        "order_by",
        "limit",
        "starting_after",
        "ending_before",
        "depth",
        "upsert",
        "soft_delete",
        "aggregate",
    ];
    let outside = Outside::new(63).hooked();
    let people = outside.people(3);
    let mut process = settled(&outside);
    let batch = ready_batch(&process, &people, 5);
    outside.twenty.set_faults(Plan::none().at(1, Fault::LostReply).only(Scope::Writes));
    process.process(batch);
    outside.settle(&mut process);
    process.sync_now();
    process.sweep_all();
    outside.settle(&mut process);
    let mut asked = 0;
    for call in outside.twenty.request_log() {
        let pairs = call.query.split('&').filter(|pair| !pair.is_empty());
        for pair in pairs.filter(|_| !call.path.contains("metadata")) {
            let name = pair.split('=').next().unwrap();
            assert!(KNOWN.contains(&name), "{} {}?{}", call.method, call.path, call.query);
            asked += 1;
        }
    }
    assert!(asked > 20, "the log holds queries: {asked}");
}

#[test]
fn a_contract_failure_is_never_split_or_sent_again() {
    for fault in [Fault::MissingRecord, Fault::ForeignId] {
        let outside = Outside::new(64);
        let people = outside.people(1);
        let mut process = settled(&outside);
        let batch = ready_batch(&process, &people, 30);
        outside.twenty.clear_log();
        outside.twenty.set_faults(Plan::none().at(1, fault.clone()).only(Scope::Writes));
        let run = process.process(batch);
        outside.settle(&mut process);
        let run = process.means.store.snapshot().unwrap().ledger().run(run).unwrap().unwrap().value;
        assert_eq!((run.status, run.execution.splits), (RunStatus::Failed, 0), "{fault:?}");
        assert!(run.note.is_some_and(|note| note.contains("stopped")));
        let log = outside.twenty.request_log();
        assert_eq!(log.iter().filter(|call| call.method == http::Method::POST).count(), 1, "{fault:?}");
        for row in process.rows() {
            assert!(
                matches!(row.value.progress, Progress::Failed { reason } if reason.contains("did not fit"))
            );
        }
    }
}

#[test]
fn null_clears_and_missing_keeps_in_every_field() {
    let outside = Outside::new(65);
    let people = outside.people(1);
    let process = settled(&outside);
    let mut full = delivery(Some(people[0]), gbp("5"));
    full.intake.evidence.first_name = Some("Ada".into());
    full.intake.evidence.last_name = Some("King".into());
    full.intake.evidence.email = Some("a@example.org".into());
    full.intake.evidence.organisation = Some("Acme".into());
    full.intake.evidence.email_opt_out = Some(true);
    full.intake.notes = Some("note".into());
    full.intake.fees.processing = Some(gbp("1"));
    full.intake.expected_at = "2026-11-01".parse().ok();
    full.intake.company = Some(almoner::ground::id::CompanyId(uuid::Uuid::from_u128(7)));
    let id = process.take_in(full);
    let edit = |edit: RowEdit| block(process.desk.edit_row(&reviewer(), id, edit, None)).unwrap();
    let before = process.row(id);
    edit(RowEdit::default());
    assert_eq!(process.row(id), before, "what is not named is kept");
    edit(RowEdit {
        amount: None,
        gift_date: Patch::Clear,
        first_name: Patch::Clear,
        last_name: Patch::Clear,
        email: Patch::Clear,
        donor: DonorEdit::Undecide,
        organisation: Patch::Clear,
        email_opt_out: Patch::Clear,
        company: Patch::Clear,
        coding: CodingEdit::default(),
        fee: Patch::Clear,
        expected_at: Patch::Clear,
        payment_method: Patch::Clear,
        intent: Some(GiftIntent::Standard),
        notes: Patch::Clear,
        batch: Patch::Clear,
    });
    let StagedRow {
        amount,
        gift_date,
        evidence,
        donor,
        company,
        payment_method,
        notes,
        fees,
        expected_at,
        ..
    } = process.row(id);
    assert_eq!((amount, gift_date, donor.person(), company), (gbp("5"), None, None, None));
    assert_eq!((evidence, payment_method, notes), (DonorEvidence::default(), None::<PaymentMethod>, None));
    assert_eq!((fees.processing, expected_at), (None, None));
}

#[test]
fn a_twin_is_found_among_staged_and_posted_gifts() {
    let outside = Outside::new(66);
    let people = outside.people(2);
    let gift = |amount: i64, day: &str| json!({ "name": "given", "amount": { "amountMicros": amount * 1_000_000, "currencyCode": "GBP" }, "giftDate": day, "donorId": people[0].to_string() });
    outside.create("gifts", &gift(40, "2026-11-21"));
    outside.create("gifts", &gift(50, "2026-11-22"));
    let process = settled(&outside);
    let twins = |donor: PersonId, amount: &str| {
        let id = process.take_in(delivery(Some(donor), gbp(amount)));
        let snapshot = process.means.store.snapshot().unwrap();
        let ledger = snapshot.ledger();
        let row = ledger.staged(id).unwrap().unwrap().value;
        ledger.around(&row, &ledger.settings().unwrap(), outside.now()).unwrap().has_twin
    };
    // The row's day is 20 November.
    assert!(twins(people[0], "40"), "a day from a posted gift");
    assert!(!twins(people[0], "50"), "two days from one");
    assert!(!twins(people[1], "40"), "another donor");
    assert!(twins(people[1], "40"), "a staged row of the same donor");
}
