//! A network and a QuickBooks that fail: whatever happened, the books are equal and proven once it is quiet.

use almoner::ground::books::Entity;
use almoner::sim::faults::{Fault, Plan};
use almoner::sim::qbo::Kind;
use serde_json::json;

use super::firm::{Firm, MINUTE, assert_equal, assert_proven, seeds};

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
