//! Writes under faults and crashes: whatever happens to the network and to our process, each change arrives once.

use almoner::desk::books_changes::Wanted;
use almoner::ground::books::Entity;
use almoner::sim::faults::{Fault, Plan};
use almoner::sim::qbo::Kind;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::json;
use std::sync::atomic::Ordering;
use uuid::Uuid;

use super::firm::{Firm, MINUTE, Office, assert_equal, assert_proven, seeds};
use super::writes::{ask, id_of, opened, paid, set, some};
use crate::world::{block, reviewer};

/// Schedules of one firm: it is loaded once.
const OF_A_FIRM: u64 = 50;

/// What can go wrong with a write.
const BAD_LUCK: [Fault; 13] = [
    Fault::Refused,
    Fault::LostRequest,
    Fault::LostReply,
    Fault::CutBody,
    Fault::GatewayBefore(502),
    Fault::GatewayAfter(503),
    Fault::GatewayAfter(504),
    Fault::InternalError,
    Fault::Storm(3),
    Fault::TimeoutBefore,
    Fault::TimeoutAfter,
    Fault::DuplicateDelivery,
    Fault::ConcurrentEdit,
];

/// One schedule: what is asked for, and what must be there afterwards.
struct Schedule {
    marks: Vec<(Kind, &'static str, String)>,
    asked: Vec<Uuid>,
}

fn ask_for(office: &Office, firm: &Firm, company: &str, name: &str, dice: &mut ChaCha8Rng) -> Schedule {
    let mut schedule = Schedule { marks: Vec::new(), asked: Vec::new() };
    let bill = id_of(&some(firm, company, Kind::Bill, |it| it["Balance"].as_f64() > Some(500.0)));
    let pays = 1 + dice.next_u32() % 2;
    for number in 0..pays {
        let mark = format!("{name}-{number}");
        schedule.asked.push(office.ask(paid(company, &bill, "0.01", &mark)));
        schedule.marks.push((Kind::BillPayment, "DocNumber", mark));
    }
    if dice.next_u32().is_multiple_of(2) {
        let mark = format!("Vendor {name}");
        schedule.asked.push(office.ask(ask(company, Wanted::Vendor { name: mark.clone(), email: None })));
        schedule.marks.push((Kind::Vendor, "DisplayName", mark));
    }
    let purchases = firm.qbo.objects(company, Kind::Purchase);
    let purchase = id_of(&purchases[dice.next_u32() as usize % purchases.len()]);
    let mark = format!("no. {name}");
    schedule.asked.push(office.ask(set(company, Entity::Purchase, &purchase, &[("number", json!(mark))])));
    schedule.marks.push((Kind::Purchase, "DocNumber", mark));
    schedule
}

fn count(firm: &Firm, company: &str, kind: Kind, field: &str, mark: &str) -> usize {
    let objects = firm.qbo.objects(company, kind);
    objects.iter().filter(|object| object[field] == mark).count()
}

/// Whether all of it is over; what is stuck is asked for again by a person.
fn is_over(office: &Office, schedule: &Schedule) -> bool {
    let mut over = true;
    for id in &schedule.asked {
        let state = office.change(*id).state;
        assert!(state.word() != "refused" && state.word() != "conflict", "{:?}", office.change(*id));
        if state.needs_a_person() {
            block(office.desk.repeat_change(&reviewer(), *id)).unwrap();
        }
        over &= state.is_over();
    }
    over
}

#[test]
fn schedules_of_faults_and_crashes_write_each_change_once() {
    let (mut faults, mut crashes, mut asked) = (0, 0, 0);
    for firm_seed in 0..seeds(500, 4_000) / OF_A_FIRM {
        let (mut firm, company, mut office) = opened(9_000 + firm_seed, 60);
        let bill = json!({"VendorRef": some(&firm, &company, Kind::Bill, |_| true)["VendorRef"], "Line": [
            {"Amount": 1_000, "DetailType": "AccountBasedExpenseLineDetail",
             "AccountBasedExpenseLineDetail": {"AccountRef": {"value": "12"}}}]});
        firm.qbo.change(&company, Kind::Bill, &bill, "").unwrap();
        let mut spent = json!({"AccountRef": {"value": "1"}, "PaymentType": "Cash"});
        spent["Line"] = bill["Line"].clone();
        firm.qbo.change(&company, Kind::Purchase, &spent, "").unwrap();
        office.work(16 * MINUTE);
        for number in 0..OF_A_FIRM {
            let seed = firm_seed * OF_A_FIRM + number;
            let mut dice = ChaCha8Rng::seed_from_u64(seed);
            firm.qbo.clear_log();
            let plan = BAD_LUCK.into_iter().fold(Plan::none(), |plan, fault| plan.often(40, fault));
            firm.qbo.set_faults(plan.seeded(seed));
            let name = format!("s{seed}");
            let schedule = ask_for(&office, &firm, &company, &name, &mut dice);
            asked += schedule.asked.len();
            if dice.next_u32().is_multiple_of(2) {
                office.wire.write_fuse.store(u64::from(dice.next_u32() % 6), Ordering::SeqCst);
                office.work(2 * MINUTE);
                crashes += usize::from(office.wire.dead.load(Ordering::SeqCst));
                drop(office);
                firm = firm.after_a_crash();
                office = firm.open(false);
            }
            office.work(3 * MINUTE);
            faults += firm.qbo.request_log().iter().filter(|call| call.fault.is_some()).count();
            firm.qbo.set_faults(Plan::none());
            for _ in 0..8 {
                if is_over(&office, &schedule) {
                    break;
                }
                office.work(10 * MINUTE);
            }
            assert!(is_over(&office, &schedule), "seed {seed}: none is lost");
            for (kind, field, mark) in &schedule.marks {
                assert_eq!(count(&firm, &company, *kind, field, mark), 1, "seed {seed}: {mark}");
            }
        }
        office.work(26 * 60 * MINUTE);
        assert_equal(&office, &firm.qbo, &company);
        assert_proven(&office, &company);
    }
    println!("{asked} changes, {faults} faults, {crashes} crashes within a write");
    assert!(faults > 500 && crashes > 75, "{faults} faults, {crashes} crashes");
}
