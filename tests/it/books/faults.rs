//! A network and a QuickBooks that fail: whatever happened, the books are equal and proven once it is quiet.

use almoner::ground::books::{Entity, EntityId};
use almoner::ground::journal::{Actor, Cause};
use almoner::ground::webhook::qbo::{Operation, Waiting};
use almoner::sim::faults::{Fault, Plan};
use almoner::sim::qbo::Kind;
use almoner::store::{Changes, Fail};
use serde_json::json;

use super::firm::{Firm, MINUTE, Office, assert_equal, assert_proven, seeds};
use super::writes::{id_of, opened, some};
use crate::world::{block, reviewer};

/// What can go wrong with a read.
const BAD_LUCK: [Fault; 10] = [
    Fault::Refused,
    Fault::LostRequest,
    Fault::LostReply,
    Fault::CutBody,
    Fault::GatewayBefore(502),
    Fault::GatewayAfter(503),
    Fault::InternalError,
    Fault::Storm(3),
    Fault::TimeoutBefore,
    Fault::TimeoutAfter,
];

#[test]
fn after_any_schedule_of_faults_and_crashes_the_books_are_equal() {
    for seed in 0..seeds(8, 200) {
        let mut firm = Firm::new(5_000 + seed);
        let (company, other) = (firm.qbo.add_company("Harbour Trust"), firm.qbo.add_company("Other"));
        firm.qbo.fill(&company, 60);
        let mut office = firm.open(true);
        office.connect(&firm.qbo, &company);
        office.connect(&firm.qbo, &other);
        let plan = BAD_LUCK.into_iter().fold(Plan::none(), |plan, fault| plan.often(25, fault));
        firm.qbo.set_faults(plan.seeded(seed));
        for round in 0..6 {
            office.work(7 * MINUTE);
            let customer = json!({"DisplayName": format!("Somebody {round}")});
            firm.qbo.change(&company, Kind::Customer, &customer, "").unwrap();
            if let Some(purchase) = firm.qbo.objects(&company, Kind::Purchase).first() {
                let gone = json!({"Id": purchase["Id"], "SyncToken": purchase["SyncToken"]});
                firm.qbo.change(&company, Kind::Purchase, &gone, "delete").unwrap();
            }
            if round % 2 == 1 {
                drop(office);
                firm = firm.after_a_crash();
                office = firm.open(false);
            }
        }
        assert!(
            firm.qbo.request_log().iter().filter(|call| call.fault.is_some()).count() > 10,
            "seed {seed}"
        );
        firm.qbo.set_faults(Plan::none());
        office.work(26 * 60 * MINUTE);
        assert!(office.books(&company).halted.is_none(), "seed {seed}: {:?}", office.books(&company));
        assert_eq!(aside(&office), [], "seed {seed}");
        for company in [&company, &other] {
            assert_equal(&office, &firm.qbo, company);
            assert_proven(&office, company);
        }
        assert_eq!(
            office.all(&company, Entity::Customer).len(),
            firm.qbo.objects(&company, Kind::Customer).len()
        );
    }
}

/// What is set aside: key, kind and reason.
fn aside(office: &Office) -> Vec<(uuid::Uuid, Entity, String)> {
    let snapshot = office.means.store.snapshot().unwrap();
    let all = snapshot.ledger().books_aside().unwrap();
    all.into_iter().map(|it| (it.key.uuid().unwrap(), it.value.entity, it.value.reason)).collect()
}

fn ask_for(office: &Office, company: &str, entity: Entity, id: &str) {
    let (connection, id, now) =
        (office.company(company).connection, EntityId::new(id).unwrap(), office.now());
    let cause = Cause { actor: Actor::System, why: "test".into(), request_id: None };
    let waiting = Waiting { since: now, last: now, operation: Operation::Asked, merged_from: None };
    let written = block(office.means.store.write(move |_| {
        let mut changes = Changes::new(cause);
        changes.books_told(connection, entity, &id, Some(&waiting))?;
        Ok::<_, Fail<()>>((changes, ()))
    }));
    written.unwrap();
}

#[test]
fn a_record_that_cannot_be_read_stands_aside_alone_and_is_asked_for_again() {
    let firm = Firm::new(80);
    let company = firm.qbo.add_company("Harbour Trust");
    firm.qbo.fill(&company, 60);
    let mut odd = some(&firm, &company, Kind::Bill, |_| true);
    let (id, whole) = (id_of(&odd), odd.to_string());
    odd["TotalAmt"] = json!("a lot");
    assert!(firm.qbo.load(&company, Kind::Bill, &odd.to_string()));
    let mut office = firm.open(true);
    office.connect(&firm.qbo, &company);
    office.work(5 * MINUTE);
    let found = aside(&office);
    assert_eq!((found.len(), found[0].1), (1, Entity::Bill), "{found:?}");
    assert!(office.record(&company, Entity::Bill, &id).is_none());
    assert_eq!(office.all(&company, Entity::Bill).len() + 1, firm.qbo.objects(&company, Kind::Bill).len());
    // Asked for while it is still odd, it stays; once it is right there, it is here.
    block(office.desk.repeat_aside(&reviewer(), found[0].0)).unwrap();
    office.work(MINUTE);
    assert_eq!(aside(&office).len(), 1);
    assert!(firm.qbo.load(&company, Kind::Bill, &whole));
    block(office.desk.repeat_aside(&reviewer(), found[0].0)).unwrap();
    office.work(MINUTE);
    assert_eq!(aside(&office), []);
    assert_equal(&office, &firm.qbo, &company);
}

#[test]
fn an_event_that_fails_three_times_is_set_aside_and_holds_up_nobody() {
    let (firm, company, mut office) = opened(81, 60);
    let bill = id_of(&some(&firm, &company, Kind::Bill, |_| true));
    *office.wire.poison.lock().unwrap() = Some(format!("/bill/{bill}"));
    ask_for(&office, &company, Entity::Bill, &bill);
    let before = office.books(&company).complete_as_of;
    office.work(30 * MINUTE);
    let found = aside(&office);
    assert_eq!((found.len(), found[0].1), (1, Entity::Bill), "it is listed: {found:?}");
    assert!(office.books(&company).complete_as_of > before && office.books(&company).trouble.is_none());
    drop(office);
    let mut office = firm.open(true);
    assert_eq!(aside(&office).len(), 1, "also after a restart");
    block(office.desk.repeat_aside(&reviewer(), found[0].0)).unwrap();
    office.work(10 * MINUTE);
    assert_eq!(aside(&office), [], "asked for again, it came");
    // What QuickBooks refuses is not asked for three times.
    ask_for(&office, &company, Entity::Bill, "odd");
    office.work(10 * MINUTE);
    let found = aside(&office);
    assert_eq!(found.len(), 1);
    assert!(office.books(&company).trouble.is_none());
    block(office.desk.discard_aside(&reviewer(), found[0].0)).unwrap();
    office.work(60 * MINUTE);
    assert_eq!(aside(&office), []);
    assert_equal(&office, &firm.qbo, &company);
}

#[test]
fn what_did_not_come_is_asked_for_again_the_next_day_without_a_person() {
    let (firm, company, mut office) = opened(82, 60);
    let purchase = some(&firm, &company, Kind::Purchase, |_| true);
    let id = id_of(&purchase);
    *office.wire.poison.lock().unwrap() = Some(format!("/purchase/{id}"));
    let gone = json!({"Id": purchase["Id"], "SyncToken": purchase["SyncToken"]});
    firm.qbo.change(&company, Kind::Purchase, &gone, "delete").unwrap();
    office.work(60 * MINUTE);
    assert_eq!(aside(&office).len(), 1, "its deletion was told, and cannot be made sure of");
    assert!(office.record(&company, Entity::Purchase, &id).is_some(), "so it is not believed");
    *office.wire.poison.lock().unwrap() = None;
    office.work(26 * 60 * MINUTE);
    assert_eq!(aside(&office), []);
    assert_equal(&office, &firm.qbo, &company);
}
