//! Decisions about two records, and links: what follows from them, and that all of it can be taken back.
//!
//! Keeps out: a decision that outlives its evidence, an undo that loses a row or somebody's later edit, an old id that leads
//! nowhere, a person who is proposed again for whom somebody said that it is another one.

use almoner::desk::links::Saying;
use almoner::desk::{Asked, Refusal};
use almoner::ground::id::{PersonId, StagedId};
use almoner::ground::links::{Link, LinkState, Said, Verdict, Who};
use almoner::ground::matching::decide::{Decision, Doubt, Rule};
use almoner::ground::staging::{DonorDecision, DonorEdit, RowEdit, StagedRow};
use almoner::store::verify;
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use crate::world::{Outside, Process, Settled, block, delivery, gbp, reviewer};

fn person(outside: &Outside, first: &str, last: &str, email: &str) -> PersonId {
    PersonId(outside.create(
        "people",
        &json!({
            "name": { "firstName": first, "lastName": last },
            "emails": { "primaryEmail": email, "additionalEmails": [] },
        }),
    ))
}

fn settled(outside: &Outside) -> Process {
    let mut process = outside.boot();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    process
}

fn try_say(
    process: &Process,
    pair: (Who, Who),
    said: Said,
    keep: Option<PersonId>,
) -> Result<Option<Uuid>, Refusal> {
    let saying =
        Saying { one: pair.0, other: pair.1, said, keep, blind: true, weight: (4_200, "m-1".into()) };
    block(process.desk.say(&reviewer(), saying)).map(|(_, link)| link)
}

fn say(process: &Process, pair: (Who, Who), said: Said) -> Option<Uuid> {
    try_say(process, pair, said, None).expect("kept")
}

fn verdict(process: &Process, pair: (Who, Who)) -> (Verdict, Option<String>) {
    let snapshot = process.means.store.snapshot().unwrap();
    let ledger = snapshot.ledger();
    let verdict = ledger.verdict(pair.0, pair.1).unwrap().unwrap().value;
    let expired = ledger.expired(&verdict).unwrap();
    (verdict, expired)
}

fn link(process: &Process, joined: PersonId, kept: PersonId) -> Uuid {
    block(process.desk.link(&reviewer(), Who::Person(joined), kept)).expect("linked")
}

fn undo(process: &Process, id: Uuid) {
    block(process.desk.unlink(&reviewer(), id)).expect("undone");
}

fn the_link(process: &Process, id: Uuid) -> Link {
    process.means.store.snapshot().unwrap().ledger().link(id).unwrap().unwrap().value
}

fn stands_for(process: &Process, person: PersonId) -> PersonId {
    process.means.store.snapshot().unwrap().ledger().stands_for(person).unwrap()
}

#[test]
fn not_a_duplicate_holds_until_one_of_them_reads_otherwise() {
    let outside = Outside::new(71);
    let ada = person(&outside, "Ada", "Pugh", "ada@pugh.example");
    let twin = person(&outside, "Ada", "Pugh", "a.pugh@pugh.example");
    let mut process = settled(&outside);
    let pair = (Who::Person(twin), Who::Person(ada));
    say(&process, pair, Said::Different);
    let (told, expired) = verdict(&process, (pair.1, pair.0));
    assert_eq!((told.said, told.blind, told.bits, expired), (Said::Different, true, 4_200, None));
    assert_eq!(told.by, reviewer().caller.actor());

    outside.advance_ms(60_000);
    assert!(outside.twenty.edit("people", twin.0, &json!({ "jobTitle": "Chair" })));
    process.sync_now();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    assert_eq!(verdict(&process, pair).1, None, "what is not compared is no evidence");

    outside.advance_ms(60_000);
    let moved =
        json!({ "mailingAddress": { "addressStreet1": "7 Mill Lane", "addressPostcode": "NP20 1AA" } });
    assert!(outside.twenty.edit("people", twin.0, &moved));
    process.sync_now();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let (told, expired) = verdict(&process, pair);
    let whose = if told.left == Who::Person(twin) { "first" } else { "second" };
    assert_eq!(expired, Some(format!("Changed since it was said: the address of the {whose} record.")));

    say(&process, pair, Said::Different);
    assert_eq!(verdict(&process, pair).1, None, "said again, of what is known now");
    assert!(try_say(&process, (pair.0, pair.0), Said::Same, None).is_err());
}

#[test]
fn somebody_told_apart_is_not_proposed_again_and_two_linked_are_one() {
    let outside = Outside::new(72);
    let ada = person(&outside, "Ada", "Pugh", "ada@pugh.example");
    let twin = PersonId(outside.create(
        "people",
        &json!({
            "name": { "firstName": "Ada", "lastName": "Pugh" },
            "emails": { "primaryEmail": "a@pugh.example", "additionalEmails": ["ada@pugh.example"] },
        }),
    ));
    let mut process = settled(&outside);
    let mut told = delivery(None, gbp("5"));
    told.intake.evidence.first_name = Some("Ada".into());
    told.intake.evidence.last_name = Some("Pugh".into());
    told.intake.evidence.email = Some("ada@pugh.example".into());
    let row = process.take_in(told);
    let decide = |process: &mut Process| {
        let search = process.search();
        let snapshot = process.means.store.snapshot().unwrap();
        let asked = process.row(row).told();
        search.judge(&snapshot.ledger(), &asked, false, Some(Who::Row(row)), 20).unwrap().decision
    };
    let (low, high) = (ada.min(twin), ada.max(twin));
    assert_eq!(decide(&mut process), Decision::Proposed(vec![low, high], Doubt::SeveralExact));
    let id = link(&process, twin, ada);
    assert_eq!(decide(&mut process), Decision::Linked(ada, Rule::NameAndEmail), "two records, one person");
    undo(&process, id);
    say(&process, (Who::Row(row), Who::Person(twin)), Said::Different);
    assert_eq!(decide(&mut process), Decision::Linked(ada, Rule::NameAndEmail), "the other is told apart");
}

#[test]
fn a_link_leads_old_ids_on_and_its_undo_tells_what_it_left() {
    let outside = Outside::new(73);
    let [ada, twin, third] =
        ["one", "two", "three"].map(|name| person(&outside, "Ada", "Pugh", &format!("{name}@pugh.example")));
    let process = settled(&outside);
    let rows: Vec<StagedId> = (0..4).map(|_| process.take_in(delivery(Some(twin), gbp("5")))).collect();
    let id = link(&process, twin, ada);
    assert!(rows.iter().all(|row| process.row(*row).donor == DonorDecision::Confirmed(ada)));
    assert_eq!((stands_for(&process, twin), stands_for(&process, ada)), (ada, ada));

    // What comes in with the old id is the kept person's, and so is what is chosen by it.
    let came = process.take_in(delivery(Some(twin), gbp("6")));
    assert_eq!(process.row(came).donor, DonorDecision::GivenBySender(ada));
    let choose = |donor| RowEdit { donor: DonorEdit::Choose(donor), ..RowEdit::default() };
    let edit = |row, edit| block(process.desk.edit_row(&reviewer(), row, edit, None)).expect("edited");
    edit(rows[1], choose(third));
    edit(rows[2], RowEdit { amount: Some(gbp("7")), ..RowEdit::default() });
    assert!(block(process.desk.link(&reviewer(), Who::Person(twin), ada)).is_err(), "it is there");

    undo(&process, id);
    assert_eq!(process.row(rows[0]).donor, DonorDecision::GivenBySender(twin));
    assert_eq!(process.row(rows[1]).donor, DonorDecision::Confirmed(third), "a later choice stays");
    let edited = process.row(rows[2]);
    assert_eq!((edited.donor, edited.amount), (DonorDecision::GivenBySender(twin), gbp("7")));
    assert_eq!(process.row(came).donor, DonorDecision::GivenBySender(twin), "as it came");
    let LinkState::Undone { kept, .. } = the_link(&process, id).state else { panic!("undone") };
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].row, kept[0].why.as_str()), (rows[1], "Somebody chose another donor for it since."));
    assert_eq!(stands_for(&process, twin), twin);
    assert!(block(process.desk.unlink(&reviewer(), id)).is_err(), "undone once");
}

#[test]
fn same_links_and_whatever_else_is_said_takes_the_link_back() {
    let outside = Outside::new(74);
    let [ada, twin] =
        ["one", "two"].map(|name| person(&outside, "Ada", "Pugh", &format!("{name}@pugh.example")));
    let process = settled(&outside);
    let row = process.take_in(delivery(Some(twin), gbp("5")));
    let pair = (Who::Person(ada), Who::Person(twin));
    let made = try_say(&process, pair, Said::Same, Some(ada)).unwrap().unwrap();
    assert_eq!((stands_for(&process, twin), process.row(row).donor), (ada, DonorDecision::Confirmed(ada)));
    say(&process, pair, Said::Open);
    assert!(matches!(the_link(&process, made).state, LinkState::Undone { .. }));
    assert_eq!(process.row(row).donor, DonorDecision::GivenBySender(twin));
    let again = try_say(&process, pair, Said::Same, Some(ada)).unwrap().unwrap();
    undo(&process, again);
    assert_eq!(
        verdict(&process, pair).0.said,
        Said::Open,
        "undone by its link, the pair is asked about again"
    );
    say(&process, pair, Said::Different);
    assert!(block(process.desk.link(&reviewer(), Who::Person(twin), ada)).is_err(), "told apart");
    assert!(
        try_say(&process, (Who::Person(ada), Who::Person(PersonId(Uuid::from_u128(1)))), Said::Same, None)
            .is_err()
    );
}

#[test]
fn an_erased_person_leaves_no_decision_behind() {
    let outside = Outside::new(75);
    let [ada, twin] =
        ["one", "two"].map(|name| person(&outside, "Ada", "Pugh", &format!("{name}@pugh.example")));
    let process = settled(&outside);
    say(&process, (Who::Person(ada), Who::Person(twin)), Said::Different);
    block(process.desk.erase(&reviewer(), twin, "asked for".into())).expect("erased");
    let snapshot = process.means.store.snapshot().unwrap();
    assert!(snapshot.ledger().verdicts_of(Who::Person(ada)).unwrap().is_empty());
    assert_eq!(verify(&process.means.store).unwrap().fault, None);
}

/// What a life does with links.
#[derive(Clone, Copy, Debug)]
enum Act {
    Link(usize, usize),
    Undo(usize),
    Come(usize),
    Discard(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..4usize, 0..4usize).prop_map(|(one, other)| Act::Link(one, other)),
        2 => (0..8usize).prop_map(Act::Undo),
        1 => (0..4usize).prop_map(Act::Come),
        1 => (0..6usize).prop_map(Act::Discard),
    ]
}

fn donors(process: &Process, rows: &[StagedId]) -> Vec<StagedRow> {
    rows.iter().map(|row| process.row(*row)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is linked with whatever and undone in whatever order: when all links are undone every row has the donor
    /// it came with, every id stands for itself, and the ledger is provable.
    #[test]
    fn link_then_unlink_restores_everything(acts in proptest::collection::vec(act(), 1..24)) {
        let outside = Outside::new(76);
        let people: Vec<PersonId> = (0..4)
            .map(|n| person(&outside, "Ada", "Pugh", &format!("a{n}@pugh.example")))
            .collect();
        let process = settled(&outside);
        let mut rows: Vec<StagedId> =
            people.iter().map(|donor| process.take_in(delivery(Some(*donor), gbp("5")))).collect();
        let mut came: Vec<DonorDecision> = donors(&process, &rows).into_iter().map(|row| row.donor).collect();
        let mut links: Vec<Uuid> = Vec::new();
        let asked: Asked = reviewer();
        for act in acts {
            match act {
                Act::Link(one, other) => {
                    let joined = Who::Person(people[one]);
                    links.extend(block(process.desk.link(&asked, joined, people[other])).ok());
                }
                Act::Undo(at) if at < links.len() => undo(&process, links.remove(at)),
                Act::Come(at) => {
                    rows.push(process.take_in(delivery(Some(people[at]), gbp("6"))));
                    came.push(DonorDecision::GivenBySender(people[at]));
                }
                Act::Discard(at) if at < rows.len() => {
                    let mark = almoner::desk::gifts::Mark::Discard;
                    let _ = block(process.desk.mark_row(&asked, rows[at], mark, None));
                }
                Act::Undo(_) | Act::Discard(_) => {}
            }
        }
        for id in links {
            undo(&process, id);
        }
        let now: Vec<DonorDecision> = donors(&process, &rows).into_iter().map(|row| row.donor).collect();
        prop_assert_eq!(now, came);
        for person in people {
            prop_assert_eq!(stands_for(&process, person), person);
        }
        prop_assert_eq!(verify(&process.means.store).unwrap().fault, None);
    }
}
