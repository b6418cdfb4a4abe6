//! Many records changed in one call: only those that were meant, only what was meant.
//!
//! Keeps out: a record made by a wrong id, a deleted record brought back, another record changed through a value that
//! tells records apart, a refusal taken for "nothing happened".

use std::collections::BTreeSet;

use almoner::ground::id::{ConnectionId, Names};
use almoner::ground::workspace::ObjectSchema;
use almoner::rails::twenty::upsert::{UpsertRefusal, UpsertRow, UpsertRows};
use almoner::rails::{CallClass, Outcome};
use almoner::sim::faults::{Fault, Plan};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Outside, Process, Settled, block};

fn settled(outside: &Outside) -> Process {
    let mut process = outside.boot();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    process
}

fn names() -> Names {
    Names { singular: "person".into(), plural: "people".into() }
}

fn object(process: &Process) -> ObjectSchema {
    let snapshot = process.means.store.snapshot().unwrap();
    let workspace = snapshot.ledger().workspace(ConnectionId::TWENTY).unwrap();
    workspace.schema.unwrap().objects["people"].clone()
}

fn rows(ids: &[Uuid], title: &str) -> Vec<UpsertRow> {
    let fields = |n: usize| json!({ "jobTitle": format!("{title} {n}") }).as_object().unwrap().clone();
    ids.iter().enumerate().map(|(n, id)| UpsertRow { id: *id, fields: fields(n) }).collect()
}

fn title(outside: &Outside, id: Uuid) -> Value {
    let people = outside.twenty.records("people").into_iter();
    people
        .filter(|person| person["id"] == id.to_string())
        .map(|person| person["jobTitle"].clone())
        .next()
        .unwrap()
}

fn permit(process: &Process) -> almoner::rails::Permit {
    process.means.gate.permit(CallClass::Person, None).expect("the budget is full")
}

#[test]
fn each_record_gets_its_own_values_in_one_call() {
    let outside = Outside::new(51);
    let ids: Vec<Uuid> = outside.people(3).into_iter().map(|person| person.0).collect();
    let process = settled(&outside);
    let allowed: BTreeSet<Uuid> = ids.iter().copied().collect();
    let meant = UpsertRows::new(rows(&ids[..2], "Chair"), &allowed, &object(&process)).unwrap();
    let known = block(process.means.rail.known_rows(&permit(&process), &names(), meant)).unwrap().unwrap();
    outside.twenty.clear_log();
    let outcome = block(process.means.rail.upsert(&permit(&process), &names(), &known));
    assert!(matches!(outcome, Outcome::Confirmed(records) if records.len() == 2));
    let now: Vec<Value> = ids.iter().map(|id| title(&outside, *id)).collect();
    assert_eq!(now, ["Chair 0", "Chair 1", ""]);
    assert_eq!(outside.twenty.request_log().len(), 1);
}

#[test]
fn what_is_gone_or_deleted_is_neither_made_nor_brought_back() {
    let outside = Outside::new(52);
    let ids: Vec<Uuid> = outside.people(2).into_iter().map(|person| person.0).collect();
    let process = settled(&outside);
    let stranger = Uuid::parse_str("3f0c8a52-91de-4c6b-8a6f-2d5d1f0f9a11").unwrap();
    assert!(outside.twenty.soft_delete("people", ids[1]));
    for (missing, case) in [(ids[1], "deleted"), (stranger, "unknown")] {
        let pair = [ids[0], missing];
        let meant = UpsertRows::new(rows(&pair, "Chair"), &pair.into(), &object(&process)).unwrap();
        let known = block(process.means.rail.known_rows(&permit(&process), &names(), meant)).unwrap();
        assert_eq!(known, Err(UpsertRefusal::Missing(missing)), "{case}");
    }
    assert_eq!(outside.twenty.records("people").len(), 2);
}

#[test]
fn a_value_that_tells_people_apart_cannot_be_sent_this_way() {
    let outside = Outside::new(53);
    let ids: Vec<Uuid> = outside.people(1).into_iter().map(|person| person.0).collect();
    let process = settled(&outside);
    let fields = json!({ "emails": { "primaryEmail": "ada@example.org" } }).as_object().unwrap().clone();
    let row = UpsertRow { id: ids[0], fields };
    let refused = UpsertRows::new(vec![row], &ids.iter().copied().collect(), &object(&process));
    assert_eq!(refused, Err(UpsertRefusal::Telling("emails".into())));
}

#[test]
fn an_answer_that_does_not_fit_or_does_not_come_is_not_a_success() {
    for (fault, known) in [(Fault::ForeignId, false), (Fault::MissingRecord, false), (Fault::LostReply, true)]
    {
        let outside = Outside::new(54);
        let ids: Vec<Uuid> = outside.people(2).into_iter().map(|person| person.0).collect();
        let process = settled(&outside);
        let all: BTreeSet<Uuid> = ids.iter().copied().collect();
        let meant = UpsertRows::new(rows(&ids, "Chair"), &all, &object(&process)).unwrap();
        let trusted = meant.trusted(&all).unwrap();
        outside.twenty.set_faults(Plan::none().at(1, fault.clone()));
        let outcome = block(process.means.rail.upsert(&permit(&process), &names(), &trusted));
        let unknown = matches!(outcome, Outcome::Unknown(_));
        assert!(!matches!(outcome, Outcome::Confirmed(_)), "{fault:?}");
        assert_eq!(unknown, known, "{fault:?}: {outcome:?}");
    }
}
