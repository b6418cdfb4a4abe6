//! The mirror of a company is what is there: after a load, after changes, deletions, voids and merges, after faults.

use almoner::ground::books::Entity;
use almoner::ground::books::control::Verdict;
use almoner::sim::qbo::{CdcHabits, Form, Kind};
use serde_json::json;

use super::firm::{Firm, MINUTE, assert_equal, assert_proven};

#[test]
fn a_company_is_loaded_counted_and_proven_to_the_cent() {
    let firm = Firm::new(1);
    let company = firm.qbo.add_company("Harbour Trust");
    firm.qbo.fill(&company, 1_500);
    let mut office = firm.open(true);
    office.connect(&firm.qbo, &company);
    office.work(5 * MINUTE);
    assert_equal(&office, &firm.qbo, &company);
    assert_proven(&office, &company);
    let connected = office.company(&company);
    assert_eq!((connected.name.as_deref(), connected.home.unwrap().as_str()), (Some("Harbour Trust"), "USD"));
    // Bringing it up again writes nothing.
    let entries = office.entries();
    office.work(60 * MINUTE);
    assert_eq!(office.entries(), entries, "nothing changed there, so nothing is written here");
}

#[test]
fn what_changes_there_is_here_at_the_next_look() {
    let firm = Firm::new(2);
    let company = firm.qbo.add_company("Harbour Trust");
    firm.qbo.fill(&company, 200);
    let mut office = firm.open(true);
    office.connect(&firm.qbo, &company);
    office.work(5 * MINUTE);
    let invoices = firm.qbo.objects(&company, Kind::Invoice);
    let open = invoices.iter().find(|it| it["Balance"].as_f64() > Some(0.0)).unwrap();
    let id = open["Id"].as_str().unwrap();
    let payment = json!({"CustomerRef": open["CustomerRef"], "TotalAmt": open["Balance"],
        "Line": [{"Amount": open["Balance"], "LinkedTxn": [{"TxnId": id, "TxnType": "Invoice"}]}]});
    firm.qbo.change(&company, Kind::Payment, &payment, "").unwrap();
    let receipts = firm.qbo.objects(&company, Kind::Purchase);
    let gone = receipts[0]["Id"].as_str().unwrap();
    let token = receipts[0]["SyncToken"].clone();
    firm.qbo.change(&company, Kind::Purchase, &json!({"Id": gone, "SyncToken": token}), "delete").unwrap();
    let before = office.entries();
    office.work(16 * MINUTE);
    assert_eq!(office.record(&company, Entity::Invoice, id).unwrap()["Balance"].to_string(), "0");
    assert!(office.record(&company, Entity::Purchase, gone).is_none());
    assert!(office.entries() > before);
    assert_equal(&office, &firm.qbo, &company);
    office.work(24 * 60 * MINUTE);
    assert_proven(&office, &company);
}

#[test]
fn a_deletion_is_believed_only_when_the_record_is_asked_for_by_id() {
    let firm = Firm::new(3);
    let company = firm.qbo.add_company("Harbour Trust");
    firm.qbo.fill(&company, 50);
    let mut office = firm.open(true);
    office.connect(&firm.qbo, &company);
    office.work(5 * MINUTE);
    firm.qbo.set_cdc(CdcHabits { false_tombstone: true, ..CdcHabits::default() });
    let bills = firm.qbo.objects(&company, Kind::Bill);
    let bill = &bills[0];
    let edit = json!({"Id": bill["Id"], "SyncToken": bill["SyncToken"], "VendorRef": bill["VendorRef"], "PrivateNote": "call them"});
    firm.qbo.change(&company, Kind::Bill, &edit, "").unwrap();
    office.work(16 * MINUTE);
    let here = office.record(&company, Entity::Bill, bill["Id"].as_str().unwrap()).unwrap();
    assert_eq!(here["PrivateNote"], "call them");
    assert_equal(&office, &firm.qbo, &company);
}

#[test]
fn more_than_a_thousand_changes_and_a_month_away_end_with_equal_books() {
    for cap_per_kind in [false, true] {
        let firm = Firm::new(4);
        let company = firm.qbo.add_company("Harbour Trust");
        firm.qbo.fill(&company, 1_600);
        firm.qbo.set_cdc(CdcHabits { cap_per_kind, ..CdcHabits::default() });
        let mut office = firm.open(true);
        office.connect(&firm.qbo, &company);
        office.work(5 * MINUTE);
        // More than one answer tells, in all and of one kind alone.
        let mut changed = 0;
        for kind in [Kind::Bill, Kind::Purchase, Kind::Invoice, Kind::SalesReceipt, Kind::JournalEntry] {
            for object in firm.qbo.objects(&company, kind) {
                let mut edit = object.clone();
                edit["PrivateNote"] = json!("looked at");
                edit.as_object_mut().unwrap().remove("Line");
                changed += u32::from(firm.qbo.change(&company, kind, &edit, "").is_ok());
            }
        }
        for n in 0..1_100 {
            let entry = json!({"DisplayName": format!("Somebody {n}")});
            firm.qbo.change(&company, Kind::Customer, &entry, "").unwrap();
        }
        assert!(changed > 500, "{changed}");
        office.work(20 * MINUTE);
        assert_equal(&office, &firm.qbo, &company);
        // Nobody looks for five weeks; meanwhile things are made, changed and deleted.
        firm.qbo.fill(&company, 100);
        for purchase in firm.qbo.objects(&company, Kind::Purchase).iter().take(5) {
            let gone = json!({"Id": purchase["Id"], "SyncToken": purchase["SyncToken"]});
            firm.qbo.change(&company, Kind::Purchase, &gone, "delete").unwrap();
        }
        firm.pass(35 * 24 * 60 * MINUTE);
        office.work(20 * MINUTE);
        assert_equal(&office, &firm.qbo, &company);
        assert_proven(&office, &company);
    }
}

#[test]
fn webhooks_of_both_forms_bring_a_look_forward_and_merges_leave_an_alias() {
    for form in [Form::Classic, Form::Cloud] {
        let firm = Firm::new(5);
        let company = firm.qbo.add_company("Harbour Trust");
        let other = firm.qbo.add_company("Another Trust");
        firm.qbo.fill(&company, 100);
        firm.qbo.set_webhook("https://almoner.example.org/hooks/qbo", form, 0);
        let mut office = firm.open(true);
        office.connect(&firm.qbo, &company);
        office.work(5 * MINUTE);
        office.hear(&firm.qbo);
        office.work(MINUTE);
        let customer = json!({"DisplayName": "Amy's Bird Sanctuary"});
        firm.qbo.change(&other, Kind::Customer, &customer, "").unwrap();
        let made = firm.qbo.change(&company, Kind::Customer, &customer, "").unwrap();
        let id = made["Id"].as_str().unwrap();
        firm.pass(2_000);
        assert!(office.hear(&firm.qbo) > 0);
        office.work(6_000);
        assert!(office.record(&company, Entity::Customer, id).is_some(), "within seconds");
        // A merge moves documents without telling that they changed.
        let invoices = firm.qbo.objects(&company, Kind::Invoice);
        let loser = invoices[0]["CustomerRef"]["value"].as_str().unwrap().to_owned();
        assert!(firm.qbo.merge(&company, Kind::Customer, id, &loser));
        firm.pass(2_000);
        assert!(office.hear(&firm.qbo) > 0);
        office.work(10_000);
        assert_equal_but(&office, &firm, &company, &loser, id);
        office.work(24 * 60 * MINUTE);
        assert_proven(&office, &company);
    }
}

/// Equal, but that the old id of a merged customer leads to the one that stays.
fn assert_equal_but(office: &super::firm::Office, firm: &Firm, company: &str, loser: &str, winner: &str) {
    let led = office.record(company, Entity::Customer, loser).unwrap();
    assert_eq!(led["Id"], winner, "the old id leads on");
    for invoice in firm.qbo.objects(company, Kind::Invoice) {
        let here = office.record(company, Entity::Invoice, invoice["Id"].as_str().unwrap()).unwrap();
        assert_eq!(here["CustomerRef"]["value"], invoice["CustomerRef"]["value"]);
    }
}

#[test]
fn a_gap_is_named_with_the_records_that_explain_it() {
    let firm = Firm::new(6);
    let company = firm.qbo.add_company("Harbour Trust");
    firm.qbo.fill(&company, 100);
    let mut office = firm.open(true);
    office.connect(&firm.qbo, &company);
    office.work(5 * MINUTE);
    assert_proven(&office, &company);
    // QuickBooks' own list of an invoice goes wrong: what it says is owed no longer fits the customer.
    let invoices = firm.qbo.objects(&company, Kind::Invoice);
    let mut wrong = invoices.iter().find(|it| it["Balance"].as_f64() > Some(1.0)).unwrap().clone();
    let id = wrong["Id"].as_str().unwrap().to_owned();
    wrong["Balance"] = json!(0);
    assert!(firm.qbo.load(&company, Kind::Invoice, &wrong.to_string()));
    office.desk_load(&company);
    office.work(48 * 60 * MINUTE);
    let books = office.books(&company);
    let gaps: Vec<_> = books.verdicts.iter().filter(|it| matches!(it, Verdict::Gap(..))).collect();
    assert_eq!(gaps.len(), 1, "{:?}", books.verdicts);
    let Verdict::Gap(figure, why) = gaps[0] else { unreachable!() };
    let customer = wrong["CustomerRef"]["value"].as_str().unwrap();
    assert_eq!(why.of.len(), 1, "{id}: {figure:?} {why:?}");
    assert_eq!(why.of[0].name.as_ref().unwrap().1.as_str(), customer);
    assert!(books.differs_since.is_some() && books.compared_at > books.differs_since);
}

impl super::firm::Office {
    fn desk_load(&self, company: &str) {
        let asked = crate::world::reviewer();
        crate::world::block(self.desk.load_company(&asked, super::firm::realm(company))).unwrap();
    }
}

#[test]
fn two_companies_with_equal_ids_never_meet() {
    let firm = Firm::new(7);
    let companies = [firm.qbo.add_company("Harbour Trust"), firm.qbo.add_company("Harbour Trust")];
    let mut office = firm.open(true);
    for company in &companies {
        firm.qbo.fill(company, 60);
        office.connect(&firm.qbo, company);
    }
    office.work(5 * MINUTE);
    let bill = firm.qbo.objects(&companies[0], Kind::Bill)[0].clone();
    let before = office.all(&companies[1], Entity::Bill);
    let edit = json!({"Id": bill["Id"], "SyncToken": bill["SyncToken"], "VendorRef": bill["VendorRef"], "PrivateNote": "ours"});
    firm.qbo.change(&companies[0], Kind::Bill, &edit, "").unwrap();
    office.work(16 * MINUTE);
    assert_eq!(office.all(&companies[1], Entity::Bill), before);
    for company in &companies {
        assert_equal(&office, &firm.qbo, company);
    }
}
