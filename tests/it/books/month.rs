//! What the books cost: calls, commits, time.

use almoner::ground::books::meter::Allowance;

use super::firm::{Firm, MINUTE, assert_equal, realm};

const DAY: i64 = 24 * 60 * MINUTE;

#[test]
fn a_tick_of_a_hundred_companies_costs_a_call_each_and_one_commit() {
    let firm = Firm::new(11);
    let companies: Vec<String> = (0..100).map(|n| firm.qbo.add_company(&format!("Company {n}"))).collect();
    let mut office = firm.open(true);
    for company in &companies {
        office.connect(&firm.qbo, company);
    }
    office.work(60 * MINUTE);
    for company in &companies {
        assert!(office.books(company).complete_as_of.is_some());
    }
    // All of them due at once, as after a night of an outage.
    firm.pass(20 * MINUTE);
    let metered = |firm: &Firm| companies.iter().map(|it| firm.qbo.calls(it).core_plus).sum::<u64>();
    let asked =
        |office: &super::firm::Office| office.wire.tokens_asked.load(std::sync::atomic::Ordering::SeqCst);
    let (calls, entries, commits) = (metered(&firm), office.entries(), firm.disk.syncs());
    let refreshes = asked(&office);
    office.keeper.wake();
    let until = office.now().plus_millis(14 * MINUTE);
    let looked_before: Vec<_> = companies.iter().map(|it| office.books(it).complete_as_of).collect();
    office.work_until(until);
    let looked: Vec<_> = companies.iter().map(|it| office.books(it).complete_as_of).collect();
    assert!(looked.iter().zip(&looked_before).all(|(now, before)| now > before));
    assert_eq!(metered(&firm) - calls, 100);
    assert_eq!(office.entries(), entries);
    // A commit syncs twice; each refresh of a token is one of its own.
    let syncs = firm.disk.syncs() - commits - 2 * (asked(&office) - refreshes);
    assert!(syncs <= 2, "{syncs} syncs");
}

#[test]
fn a_load_of_twenty_thousand_documents_goes_as_fast_as_the_throttle_allows() {
    let firm = Firm::new(12);
    let company = firm.qbo.add_company("Large");
    firm.qbo.fill(&company, 20_000);
    let mut office = firm.open(true);
    office.connect(&firm.qbo, &company);
    firm.pass(2 * MINUTE);
    let began = office.now();
    office.keeper.wake();
    let mut until = began;
    while office.books(&company).complete_as_of.is_none() {
        until = until.plus_millis(100);
        office.work_until(until);
        if office.now() < until {
            firm.pass(until.micros_since(office.now()) / 1_000);
        }
    }
    let took_ms = office.now().micros_since(began) / 1_000;
    let calls = i64::try_from(firm.qbo.calls(&company).core_plus).unwrap();
    // Ten a second: the first ten at once, each further ten a second later.
    let allowed_ms = (calls - 1) / 10 * 1_000;
    assert!(
        took_ms * 95 <= allowed_ms * 100 + 100 * 95,
        "{calls} calls took {took_ms} ms, allowed {allowed_ms} ms"
    );
    office.work(2 * MINUTE);
    assert_equal(&office, &firm.qbo, &company);
}

#[test]
fn a_small_month_is_stretched_to_its_end_and_people_have_a_reserve() {
    let mut firm = Firm::new(13);
    firm.allowance = Allowance { calls: 600, reserved_percent: 20 };
    let company = firm.qbo.add_company("Small");
    let mut office = firm.open(true);
    office.connect(&firm.qbo, &company);
    // The rest of November: looks are stretched, so that there are some until the last day.
    office.work(7 * DAY);
    let used = firm.qbo.calls(&company).core_plus;
    assert!((300..=480).contains(&used), "{used}");
    let age_ms = office.now().micros_since(office.books(&company).complete_as_of.unwrap()) / 1_000;
    assert!(age_ms < DAY, "{age_ms}");
    let person = almoner::runs::gate::books::Wanted {
        class: almoner::rails::CallClass::Person,
        metered: 1,
        is_batch: false,
    };
    let reserved =
        crate::world::block(office.means.gate.reserve(&office.means.store, &realm(&company), person));
    assert!(reserved.unwrap().is_ok());
    office.work(DAY);
    assert!(firm.qbo.calls(&company).core_plus > used, "December has calls of its own");
}
