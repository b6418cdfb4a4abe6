//! Gifts of people who are not in Twenty yet, of regular givers, of organisations and of nobody named; and runs that a
//! person pauses or stops.
//!
//! Keeps out: a donor made twice or lost, a gift without its donor, an address taken from somebody, a paused run that
//! sends, a stopped run that loses what it held.

use almoner::desk::batches::NewBatch;
use almoner::desk::gifts::{Delivery, Mark};
use almoner::ground::coding::CodingEdit;
use almoner::ground::gift::GiftIntent;
use almoner::ground::id::{AgreementId, CompanyId, PersonId, StagedId};
use almoner::ground::money::Money;
use almoner::ground::patch::Patch;
use almoner::ground::run::{ProcessRun, RunStatus, Wish};
use almoner::ground::staging::{DonorDecision, DonorEdit, Progress, RowEdit, StagedRow};
use almoner::sim::faults::{Fault, Plan};
use serde_json::{Value, json};

use crate::crash::bad_luck;
use crate::provision::provisioned;
use crate::world::checks::{assert_mirror_equals, assert_sound};
use crate::world::{Outside, Process, Settled, block, delivery, gbp, reviewer};

/// A delivery of somebody new.
fn of_somebody_new(first: &str, last: &str, email: Option<&str>, amount: Money) -> Delivery {
    let mut new = delivery(None, amount);
    new.intake.evidence.first_name = Some(first.into());
    new.intake.evidence.last_name = Some(last.into());
    new.intake.evidence.email = email.map(str::to_owned);
    new.intake.donor = DonorDecision::NewDonor;
    new
}

fn ready(process: &Process, id: StagedId) {
    block(process.desk.mark_row(&reviewer(), id, Mark::Ready, None)).expect("complete");
}

fn batch_of(process: &Process, deliveries: Vec<Delivery>) -> (almoner::ground::id::BatchId, Vec<StagedId>) {
    let ids: Vec<StagedId> = deliveries.into_iter().map(|delivery| process.take_in(delivery)).collect();
    for id in &ids {
        ready(process, *id);
    }
    let new = NewBatch { name: "Post".into(), rows: ids.clone(), ..NewBatch::default() };
    (block(process.desk.create_batch(&reviewer(), new)).expect("made"), ids)
}

fn edit(process: &Process, id: StagedId, edit: RowEdit) {
    block(process.desk.edit_row(&reviewer(), id, edit, None)).expect("edited");
}

fn settled(outside: &Outside) -> Process {
    let mut process = outside.boot();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    process
}

fn newest_run(process: &Process, row: &StagedRow) -> ProcessRun {
    let snapshot = process.means.store.snapshot().unwrap();
    snapshot.ledger().runs_of(row.batch.expect("in a batch"), 1).unwrap().remove(0).value
}

fn agreement(outside: &Outside, person: PersonId) -> uuid::Uuid {
    outside.create("recurringAgreements", &json!({ "name": "Monthly", "personId": person.to_string() }))
}

fn live_people(outside: &Outside, last: &str) -> Vec<Value> {
    let people = outside.twenty.records("people").into_iter();
    people.filter(|person| person["deletedAt"].is_null() && person["name"]["lastName"] == last).collect()
}

fn reason(process: &Process, id: StagedId) -> String {
    match process.row(id).progress {
        Progress::Failed { reason } => reason,
        other => panic!("not failed: {other:?}"),
    }
}

#[test]
fn new_donors_cost_one_call_more_and_each_gift_has_its_own() {
    let outside = Outside::new(31);
    let people = outside.people(2);
    let mut process = settled(&outside);
    let known = (0..20).map(|n| delivery(Some(people[n % 2]), gbp(&format!("{}", 10 + n))));
    let new = (0..10).map(|n| {
        of_somebody_new("Grace", "Newcomer", Some(&format!("g{n}@example.org")), gbp(&format!("{}", 50 + n)))
    });
    let (batch, ids) = batch_of(&process, known.chain(new).collect());
    outside.twenty.clear_log();
    process.process(batch);
    outside.settle(&mut process);
    let creates: Vec<String> = outside
        .twenty
        .request_log()
        .into_iter()
        .filter(|call| call.method == http::Method::POST)
        .map(|call| call.path)
        .collect();
    assert_eq!(creates, ["/rest/batch/people", "/rest/batch/gifts"]);
    let gifts = outside.twenty.records("gifts");
    for id in ids {
        let row = process.row(id);
        let donor = row.donor.person().expect("everybody has a donor").to_string();
        let gift = gifts.iter().find(|gift| gift["id"] == row.gift().unwrap().to_string()).expect("posted");
        assert_eq!(gift["donorId"], donor);
    }
    assert_eq!(live_people(&outside, "Newcomer").len(), 10);
    assert_sound(&outside, &process);
}

#[test]
fn whatever_happens_each_new_donor_is_there_once() {
    // Each kind of fault at the call for donors, at the one for gifts, or at what follows a lost reply.
    for (n, fault) in bad_luck().into_iter().enumerate() {
        let call = 1 + n as u64 % 3;
        let mut outside = Outside::new(call);
        let people = outside.people(1);
        let mut process = settled(&outside);
        let (batch, ids) = batch_of(
            &process,
            vec![
                of_somebody_new("Grace", "Newcomer", Some("grace@example.org"), gbp("1")),
                delivery(Some(people[0]), gbp("2")),
                of_somebody_new("Alan", "Newcomer", None, gbp("3")),
            ],
        );
        process.process(batch);
        let plan = if call > 1 { Plan::none().at(1, Fault::LostReply) } else { Plan::none() };
        outside.twenty.set_faults(plan.at(call, fault.clone()));
        outside.settle(&mut process);
        outside.twenty.set_faults(Plan::none());
        for _ in 0..2 {
            process = outside.crash(process);
            outside.settle(&mut process);
            if process.retry_failed() > 0 {
                process.process(batch);
            }
        }
        assert_eq!(live_people(&outside, "Newcomer").len(), 2, "{fault:?} at {call}");
        assert_eq!(outside.twenty.records("gifts").len(), 3, "{fault:?} at {call}");
        assert!(ids.iter().all(|id| matches!(process.row(*id).progress, Progress::Posted { .. })));
        process.sync_now();
        outside.settle(&mut process);
        assert_sound(&outside, &process);
        assert_mirror_equals(&outside, &process);
    }
}

#[test]
fn a_donor_who_was_made_stays_bound_to_a_gift_that_was_refused() {
    let outside = Outside::new(33);
    let mut process = settled(&outside);
    let (batch, ids) = batch_of(&process, vec![of_somebody_new("Grace", "Newcomer", None, gbp("5"))]);
    outside.create("gifts", &json!({ "name": "taken", "externalId": "ext-1" }));
    process.give_external_id(ids[0], "ext-1");
    process.process(batch);
    outside.settle(&mut process);
    assert!(reason(&process, ids[0]).starts_with("Twenty refused this gift: "));
    let DonorDecision::Created(made) = process.row(ids[0]).donor else { panic!("the donor was made") };
    // Saying once more that they are new makes nobody.
    edit(&process, ids[0], RowEdit { donor: DonorEdit::New, ..RowEdit::default() });
    process.give_external_id(ids[0], "ext-2");
    process.retry_failed();
    ready(&process, ids[0]);
    process.process(batch);
    outside.settle(&mut process);
    assert!(matches!(process.row(ids[0]).progress, Progress::Posted { .. }));
    assert_eq!(process.row(ids[0]).donor, DonorDecision::Created(made));
    assert_eq!(live_people(&outside, "Newcomer").len(), 1);
}

#[test]
fn one_address_makes_one_donor_and_the_other_gift_goes_to_a_person() {
    let outside = Outside::new(34);
    let mut process = settled(&outside);
    let twice = |amount| of_somebody_new("Grace", "Newcomer", Some("Grace@Example.org"), gbp(amount));
    let (batch, ids) = batch_of(&process, vec![twice("1"), twice("2")]);
    process.process(batch);
    outside.settle(&mut process);
    assert!(matches!(process.row(ids[0]).progress, Progress::Posted { .. }));
    assert!(reason(&process, ids[1]).contains("same e-mail address"));
    // Back under review it is blocked until the person is chosen.
    block(process.desk.mark_row(&reviewer(), ids[1], Mark::Review, None)).unwrap();
    assert!(block(process.desk.mark_row(&reviewer(), ids[1], Mark::Ready, None)).is_err());
    let grace = process.row(ids[0]).donor.person().unwrap();
    edit(&process, ids[1], RowEdit { donor: DonorEdit::Choose(grace), ..RowEdit::default() });
    ready(&process, ids[1]);
    process.process(batch);
    outside.settle(&mut process);
    assert!(matches!(process.row(ids[1]).progress, Progress::Posted { .. }));
    assert_eq!(live_people(&outside, "Newcomer").len(), 1);
}

#[test]
fn an_instalment_travels_alone_with_its_agreement_and_without_one_not_at_all() {
    let outside = provisioned(35);
    let people = outside.people(2);
    let agreement = agreement(&outside, people[0]);
    let mut process = settled(&outside);
    let instalment = |amount| {
        let mut delivery = delivery(Some(people[0]), gbp(amount));
        delivery.intake.intent = GiftIntent::Recurring;
        delivery
    };
    let blocked = process.take_in(instalment("9"));
    assert!(block(process.desk.mark_row(&reviewer(), blocked, Mark::Ready, None)).is_err());
    let mut linked = instalment("10");
    linked.intake.coding.agreement = Some(AgreementId(agreement));
    let (batch, ids) = batch_of(
        &process,
        vec![delivery(Some(people[1]), gbp("1")), linked, delivery(Some(people[1]), gbp("2"))],
    );
    outside.twenty.clear_log();
    process.process(batch);
    outside.settle(&mut process);
    let run = newest_run(&process, &process.row(ids[1]));
    assert_eq!(run.status, RunStatus::Completed);
    assert_eq!(
        (run.execution.calls, run.execution.batch_path_processed, run.execution.row_fallback_processed),
        (2, 2, 1)
    );
    let gifts = outside.twenty.records("gifts");
    let gift = gifts.iter().find(|gift| gift["amount"]["amountMicros"] == 10_000_000).expect("posted");
    assert_eq!(gift["recurringAgreementId"], agreement.to_string());
    assert!(matches!(process.row(blocked).progress, Progress::Review));
}

#[test]
fn what_a_gift_tells_of_a_known_donor_is_added_and_never_replaces() {
    let outside = Outside::new(36);
    let donor = outside.create(
        "people",
        &json!({ "name": { "firstName": "Ada", "lastName": "King" }, "emails": { "primaryEmail": "ada@example.org" } }),
    );
    let other = outside.create(
        "people",
        &json!({ "name": { "firstName": "Bob", "lastName": "Roe" }, "emails": { "primaryEmail": "bob@example.org", "additionalEmails": ["roe@example.org"] } }),
    );
    let mut process = settled(&outside);
    let told = |email: &str, amount| {
        let mut delivery = delivery(Some(PersonId(donor)), gbp(amount));
        delivery.intake.evidence.email = Some(email.into());
        delivery.intake.evidence.email_opt_out = Some(amount == "3");
        delivery
    };
    // An address that is somebody's main one stops the row; one that is beside another's is left to them.
    let taken = process.take_in(told("bob@example.org", "9"));
    assert!(block(process.desk.mark_row(&reviewer(), taken, Mark::Ready, None)).is_err());
    let (batch, _) = batch_of(
        &process,
        vec![told("ADA@example.org", "1"), told("king@example.org", "3"), told("roe@example.org", "4")],
    );
    process.process(batch);
    outside.settle(&mut process);
    let people = outside.twenty.records("people");
    let ada = people.iter().find(|person| person["id"] == donor.to_string()).unwrap();
    assert_eq!(ada["emails"]["primaryEmail"], "ada@example.org");
    assert_eq!(ada["emails"]["additionalEmails"], json!(["king@example.org"]));
    assert_eq!(ada["supporterEmailOptOut"], true);
    let bob = people.iter().find(|person| person["id"] == other.to_string()).unwrap();
    assert_eq!(bob["emails"]["additionalEmails"], json!(["roe@example.org"]));
    assert_mirror_equals(&outside, &process);
}

#[test]
fn an_anonymous_gift_and_an_organisations_gift_have_no_person() {
    let outside = Outside::new(37);
    let acme = outside.create("companies", &json!({ "name": "Acme Trust" }));
    let mut process = settled(&outside);
    let mut anonymous = delivery(None, gbp("1"));
    anonymous.intake.donor = DonorDecision::Anonymous;
    let mut grant = delivery(None, gbp("2500.50"));
    grant.intake.intent = GiftIntent::Grant;
    grant.intake.company = Some(CompanyId(acme));
    let (batch, _) = batch_of(&process, vec![anonymous, grant]);
    process.process(batch);
    outside.settle(&mut process);
    let gifts = outside.twenty.records("gifts");
    let by =
        |micros: i64| gifts.iter().find(|gift| gift["amount"]["amountMicros"] == micros).expect("posted");
    assert_eq!((&by(1_000_000)["donorId"], &by(1_000_000)["isAnonymousDonor"]), (&Value::Null, &json!(true)));
    assert_eq!(by(2_500_500_000)["name"], "Grant from Acme Trust - £2,500.50 - 2026-11-20");
    assert_eq!(by(2_500_500_000)["companyId"], acme.to_string());
}

fn steer(process: &Process, row: StagedId, wish: Wish) {
    let run = newest_run(process, &process.row(row)).id;
    block(process.desk.steer_run(&reviewer(), run, wish)).expect("steered");
}

fn steps(outside: &Outside, process: &mut Process, count: usize) {
    for _ in 0..count {
        process.step();
        outside.advance_ms(2_000);
    }
}

#[test]
fn a_paused_run_sends_nothing_and_goes_on_where_it_was() {
    let outside = Outside::new(38);
    let people = outside.people(1);
    let mut process = settled(&outside);
    let (batch, ids) =
        batch_of(&process, (1..=130).map(|n| delivery(Some(people[0]), gbp(&n.to_string()))).collect());
    // The reply to the first call is lost: whether it arrived is still found out while the run is paused.
    outside.twenty.set_faults(Plan::none().at(1, Fault::LostReply));
    process.process(batch);
    steps(&outside, &mut process, 2);
    steer(&process, ids[0], Wish::Pause);
    steps(&outside, &mut process, 10);
    assert_eq!(outside.twenty.records("gifts").len(), 60);
    let run = newest_run(&process, &process.row(ids[0]));
    assert_eq!((run.tally.processed, run.status), (60, RunStatus::Running));
    // A second run of the batch is not started beside it, and a crash does not make it forget.
    assert_eq!(process.process(batch), run.id);
    steer(&process, ids[0], Wish::Go);
    outside.settle(&mut process);
    assert_eq!(outside.twenty.records("gifts").len(), 130);
    assert_eq!(newest_run(&process, &process.row(ids[0])).status, RunStatus::Completed);
    assert_sound(&outside, &process);
}

#[test]
fn a_stopped_run_gives_back_what_it_held_and_loses_nothing() {
    for lost in [false, true] {
        let outside = Outside::new(39);
        let mut process = settled(&outside);
        let deliveries = (1..=4).map(|n| {
            of_somebody_new("Grace", "Newcomer", Some(&format!("g{n}@example.org")), gbp(&n.to_string()))
        });
        let (batch, ids) = batch_of(&process, deliveries.collect());
        if lost {
            outside.twenty.set_faults(Plan::none().at(1, Fault::LostReply));
        }
        process.process(batch);
        // Started, leased, and the donors' call made.
        steps(&outside, &mut process, 2);
        steer(&process, ids[0], Wish::Cancel);
        outside.settle(&mut process);
        let run = newest_run(&process, &process.row(ids[0]));
        assert_eq!(run.status, RunStatus::Cancelled);
        assert!(run.status.word() == "cancelled" && run.tally.processed == 0);
        assert!(outside.twenty.records("gifts").is_empty());
        assert!(ids.iter().all(|id| process.row(*id).progress == Progress::Ready));
        // Nothing is shown as on its way, and the donors who were made are used by the next run.
        assert_sound(&outside, &process);
        assert!(ids.iter().all(|id| matches!(process.row(*id).donor, DonorDecision::Created(_))));
        process.process(batch);
        outside.settle(&mut process);
        assert_eq!((outside.twenty.records("gifts").len(), live_people(&outside, "Newcomer").len()), (4, 4));
        assert!(
            block(process.desk.steer_run(&reviewer(), run.id, Wish::Go)).is_err(),
            "an ended run stays ended"
        );
        assert_sound(&outside, &process);
    }
}

#[test]
fn what_is_chosen_must_be_there() {
    let outside = Outside::new(40);
    let people = outside.people(1);
    let process = settled(&outside);
    let row = process.take_in(delivery(Some(people[0]), gbp("5")));
    let nobody = uuid::Uuid::from_u128(404);
    let coding =
        CodingEdit { fund: Patch::Set(almoner::ground::id::FundId(nobody)), ..CodingEdit::default() };
    let edits = [
        RowEdit { donor: DonorEdit::Choose(PersonId(nobody)), ..RowEdit::default() },
        RowEdit { company: Patch::Set(CompanyId(nobody)), ..RowEdit::default() },
        RowEdit { coding, ..RowEdit::default() },
    ];
    for wrong in edits {
        assert!(block(process.desk.edit_row(&reviewer(), row, wrong, None)).is_err());
    }
}

/// A seeded life with donors who are made, instalments, pauses and stops.
fn live(seed: u64) {
    let regular = seed.is_multiple_of(10);
    let mut outside = if regular { provisioned(seed) } else { Outside::new(seed) };
    let people = outside.people(2);
    let agreement = regular.then(|| agreement(&outside, people[0]));
    let mut process = settled(&outside);
    let count = 2 + outside.roll(7);
    let mut deliveries = Vec::new();
    for n in 0..count {
        let amount = gbp(&(n + 1).to_string());
        deliveries.push(match outside.roll(3) {
            0 => delivery(Some(people[usize::try_from(n % 2).unwrap()]), amount),
            1 => {
                let mut linked = delivery(Some(people[0]), amount);
                linked.intake.coding.agreement = agreement.map(AgreementId);
                linked.intake.intent = if regular { GiftIntent::Recurring } else { GiftIntent::Legacy };
                linked
            }
            _ => of_somebody_new("Grace", "Newcomer", Some(&format!("g{n}@example.org")), amount),
        });
    }
    let new = deliveries.iter().filter(|d| d.intake.donor == DonorDecision::NewDonor).count();
    let (batch, ids) = batch_of(&process, deliveries);
    process.process(batch);
    let per_mille = 10 + outside.roll(70);
    let unkind = || bad_luck().into_iter().fold(Plan::none(), |plan, fault| plan.often(per_mille / 3, fault));
    outside.twenty.set_faults(unkind());
    for _ in 0..4 {
        if outside.roll(3) == 0 {
            let moments = outside.roll(8);
            process.light_fuse(moments);
        }
        let some = usize::try_from(outside.roll(8)).unwrap();
        steps(&outside, &mut process, some);
        if process.is_dead() || outside.roll(3) == 0 {
            process = outside.crash(process);
            outside.twenty.set_faults(unkind());
        }
        process.put_out_fuse();
        let wish = [Wish::Pause, Wish::Go, Wish::Cancel][usize::try_from(outside.roll(3)).unwrap()];
        let run = newest_run(&process, &process.row(ids[0]));
        if run.status.is_active() && run.wish != Wish::Cancel {
            steer(&process, ids[0], wish);
        }
    }
    outside.twenty.set_faults(Plan::none());
    for _ in 0..8 {
        let run = newest_run(&process, &process.row(ids[0]));
        if run.status.is_active() && run.wish == Wish::Pause {
            steer(&process, ids[0], Wish::Go);
        }
        outside.settle(&mut process);
        process.retry_failed();
        process.process(batch);
    }
    outside.settle(&mut process);
    assert!(ids.iter().all(|id| matches!(process.row(*id).progress, Progress::Posted { .. })), "seed {seed}");
    assert_eq!(outside.twenty.records("gifts").len() as u64, count, "seed {seed}");
    assert_eq!(live_people(&outside, "Newcomer").len(), new, "seed {seed}");
    process.sync_now();
    outside.settle(&mut process);
    assert_sound(&outside, &process);
    assert_mirror_equals(&outside, &process);
}

#[test]
fn many_lives_with_new_donors() {
    let count = option_env!("ALMONER_LIVES").and_then(|count| count.parse().ok()).unwrap_or(24);
    let wrong: Vec<u64> =
        (0..count).filter(|seed| std::panic::catch_unwind(|| live(*seed)).is_err()).collect();
    assert!(wrong.is_empty(), "seeds {wrong:?}");
}
