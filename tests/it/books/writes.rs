//! Changes of the books that are asked for here: each arrives once, is undone for a day, and where somebody else was faster
//! a person decides.

use almoner::desk::Refusal;
use almoner::desk::books_changes::{ChangeAsk, PaymentAsk, Wanted};
use almoner::ground::books::change::{BooksChange, State};
use almoner::ground::books::{Entity, EntityId};
use almoner::ground::edit::Choice;
use almoner::ground::id::Seq;
use almoner::runs::restored;
use almoner::sim::faults::{Fault, Plan};
use almoner::sim::qbo::Kind;
use serde_json::{Value, json};
use uuid::Uuid;

use super::firm::{Firm, MINUTE, Office, assert_equal, assert_proven, realm};
use crate::world::{block, reviewer};

pub fn set(company: &str, entity: Entity, id: &str, fields: &[(&str, Value)]) -> ChangeAsk {
    let fields = fields.iter().map(|(word, value)| ((*word).to_owned(), value.clone())).collect();
    let record = EntityId::new(id).unwrap();
    ask(company, Wanted::Fields { entity, record, fields, seen: None })
}

pub fn ask(company: &str, what: Wanted) -> ChangeAsk {
    ChangeAsk { realm: realm(company), what, reason: Some("tidying up".into()), key: None }
}

pub fn paid(company: &str, bill: &str, amount: &str, number: &str) -> ChangeAsk {
    ask(
        company,
        Wanted::Payment(PaymentAsk {
            bills: vec![(bill.into(), amount.into())],
            account: "1".into(),
            date: "2026-11-23".into(),
            number: Some(number.into()),
            note: None,
        }),
    )
}

impl Office {
    pub fn ask(&self, ask: ChangeAsk) -> Uuid {
        block(self.desk.ask_change(&reviewer(), ask)).unwrap()
    }

    pub fn change(&self, id: Uuid) -> BooksChange {
        self.means.store.snapshot().unwrap().ledger().books_change_ever(id).unwrap().unwrap().value
    }

    pub fn state(&self, id: Uuid) -> &'static str {
        self.change(id).state.word()
    }
}

/// A firm with one company that is loaded and proven.
pub fn opened(seed: u64, documents: usize) -> (Firm, String, Office) {
    let firm = Firm::new(seed);
    let company = firm.qbo.add_company("Harbour Trust");
    firm.qbo.fill(&company, documents);
    let mut office = firm.open(true);
    office.connect(&firm.qbo, &company);
    office.work(5 * MINUTE);
    assert_proven(&office, &company);
    (firm, company, office)
}

pub fn some(firm: &Firm, company: &str, kind: Kind, fits: impl Fn(&Value) -> bool) -> Value {
    firm.qbo.objects(company, kind).into_iter().find(fits).unwrap()
}

pub fn id_of(object: &Value) -> String {
    object["Id"].as_str().unwrap().to_owned()
}

fn token(firm: &Firm, company: &str, kind: Kind, id: &str) -> u64 {
    let object = some(firm, company, kind, |it| it["Id"] == id);
    object["SyncToken"].as_str().unwrap().parse().unwrap()
}

/// Requests that may have written, in the order they came.
fn writes(firm: &Firm) -> Vec<(String, Value, bool)> {
    let log = firm.qbo.request_log().into_iter().filter(|call| call.query.contains("requestid="));
    log.map(|call| (call.query, serde_json::from_slice(&call.body).unwrap(), call.effect)).collect()
}

#[test]
fn a_missing_vendor_is_set_once_and_can_be_taken_off_again() {
    let (firm, company, mut office) = opened(40, 60);
    let vendor = id_of(&some(&firm, &company, Kind::Vendor, |_| true));
    let bare = json!({"AccountRef": {"value": "1"}, "PaymentType": "Cash", "TxnDate": "2026-11-20", "Line": [
        {"Amount": 12.5, "DetailType": "AccountBasedExpenseLineDetail",
         "AccountBasedExpenseLineDetail": {"AccountRef": {"value": "12"}}}]});
    let purchase = id_of(&firm.qbo.change(&company, Kind::Purchase, &bare, "").unwrap());
    office.work(16 * MINUTE);
    let before = token(&firm, &company, Kind::Purchase, &purchase);
    let party = json!({"kind": "vendor", "id": vendor});
    let change = office.ask(set(&company, Entity::Purchase, &purchase, &[("party", party)]));
    assert_eq!(office.state(change), "waiting");
    office.work(MINUTE);
    assert_eq!(office.state(change), "done");
    let there = some(&firm, &company, Kind::Purchase, |it| it["Id"] == purchase);
    assert_eq!(
        (&there["EntityRef"]["value"], &there["EntityRef"]["type"]),
        (&json!(vendor), &json!("Vendor"))
    );
    assert_eq!(
        there["TotalAmt"].to_string(),
        some(&firm, &company, Kind::Purchase, |it| it["Id"] == purchase)["TotalAmt"].to_string()
    );
    assert_eq!(token(&firm, &company, Kind::Purchase, &purchase), before + 1);
    assert_eq!(writes(&firm).len(), 1, "one call wrote");
    let (_, body, _) = writes(&firm).remove(0);
    assert_eq!(body["sparse"], true);
    assert!(body.get("Line").is_none() && body.get("TotalAmt").is_none(), "nothing but what changed: {body}");
    assert_equal(&office, &firm.qbo, &company);
    let undo = block(office.desk.undo_change(&reviewer(), change)).unwrap();
    assert_eq!(block(office.desk.undo_change(&reviewer(), change)).unwrap(), undo, "asked twice, it is one");
    office.work(MINUTE);
    assert_eq!(office.state(undo), "done");
    let there = some(&firm, &company, Kind::Purchase, |it| it["Id"] == purchase);
    assert!(there["EntityRef"]["value"].is_null(), "{there}");
    assert_eq!((there["Line"].as_array().unwrap().len(), there["TotalAmt"].to_string()), (1, "12.5".into()));
    office.work(24 * 60 * MINUTE);
    assert_equal(&office, &firm.qbo, &company);
    assert_proven(&office, &company);
}

#[test]
fn what_money_was_spent_on_is_changed_of_one_line_alone() {
    let (firm, company, mut office) = opened(41, 80);
    let lines = |it: &Value| it["Line"].as_array().map_or(0, Vec::len);
    let bill = some(&firm, &company, Kind::Bill, |it| lines(it) > 0 && it["Balance"] == it["TotalAmt"]);
    let (id, line) = (id_of(&bill), bill["Line"][0]["Id"].as_str().unwrap().to_owned());
    let was = bill["Line"][0]["AccountBasedExpenseLineDetail"]["AccountRef"]["value"].clone();
    let other = if was == "14" { "15" } else { "14" };
    let change =
        office.ask(set(&company, Entity::Bill, &id, &[(&format!("lines.{line}.account"), json!(other))]));
    office.work(MINUTE);
    assert_eq!(office.state(change), "done", "{:?}", office.change(change));
    let there = some(&firm, &company, Kind::Bill, |it| it["Id"] == id);
    assert_eq!(there["Line"][0]["AccountBasedExpenseLineDetail"]["AccountRef"]["value"], other);
    assert_eq!((lines(&there), &there["TotalAmt"]), (lines(&bill), &bill["TotalAmt"]));
    block(office.desk.undo_change(&reviewer(), change)).unwrap();
    office.work(24 * 60 * MINUTE);
    let there = some(&firm, &company, Kind::Bill, |it| it["Id"] == id);
    assert_eq!(there["Line"][0]["AccountBasedExpenseLineDetail"]["AccountRef"]["value"], was);
    assert_equal(&office, &firm.qbo, &company);
    assert_proven(&office, &company);
}

#[test]
fn a_payment_made_elsewhere_is_recorded_once_and_taken_back() {
    let (firm, company, mut office) = opened(42, 120);
    let open = |it: &Value| it["Balance"].as_f64() > Some(2.0);
    let bill = some(&firm, &company, Kind::Bill, open);
    let (id, balance) = (id_of(&bill), bill["Balance"].as_f64().unwrap());
    let payments = firm.qbo.objects(&company, Kind::BillPayment).len();
    let change = office.ask(paid(&company, &id, "1.50", "by bank transfer"));
    office.work(MINUTE);
    assert_eq!(office.state(change), "done", "{:?}", office.change(change));
    assert_eq!(firm.qbo.objects(&company, Kind::BillPayment).len(), payments + 1);
    let there = some(&firm, &company, Kind::Bill, |it| it["Id"] == id);
    assert!((there["Balance"].as_f64().unwrap() - (balance - 1.5)).abs() < 0.001);
    // What it moved elsewhere is here without waiting for the next regular look.
    assert_equal(&office, &firm.qbo, &company);
    let undo = block(office.desk.undo_change(&reviewer(), change)).unwrap();
    office.work(MINUTE);
    assert_eq!(office.state(undo), "done");
    assert_eq!(firm.qbo.objects(&company, Kind::BillPayment).len(), payments);
    assert_equal(&office, &firm.qbo, &company);
    for (bill, amount) in
        [(id.as_str(), "0"), (&id, "-1"), (&id, "1.005"), (&id, "99999999"), ("999999", "1")]
    {
        let refused = block(office.desk.ask_change(&reviewer(), paid(&company, bill, amount, "x")));
        assert!(matches!(refused, Err(Refusal::Invalid(_))), "{bill} {amount}: {refused:?}");
    }
}

#[test]
fn a_vendor_is_made_and_taken_out_of_use_again() {
    let (firm, company, mut office) = opened(43, 40);
    let make = |name: &str| {
        let email = Some("ada@example.org".to_owned());
        ask(&company, Wanted::Vendor { name: name.into(), email })
    };
    let change = office.ask(make("Ada's Rents"));
    office.work(MINUTE);
    let State::Done { record, .. } = office.change(change).state else { panic!() };
    assert_eq!(
        office.record(&company, Entity::Vendor, record.as_str()).unwrap()["DisplayName"],
        "Ada's Rents"
    );
    let taken = block(office.desk.ask_change(&reviewer(), make("ada's rents")));
    assert!(matches!(taken, Err(Refusal::Invalid(_))), "{taken:?}");
    let undo = block(office.desk.undo_change(&reviewer(), change)).unwrap();
    office.work(MINUTE);
    assert_eq!(office.state(undo), "done");
    let vendor = some(&firm, &company, Kind::Vendor, |it| it["Id"] == record.as_str());
    assert_eq!((&vendor["Active"], &vendor["DisplayName"]), (&json!(false), &json!("Ada's Rents (deleted)")));
    // And the undoing can be undone: it comes back under its name.
    let again = block(office.desk.undo_change(&reviewer(), undo)).unwrap();
    office.work(MINUTE);
    assert_eq!(office.state(again), "done", "{:?}", office.change(again));
    let vendor = some(&firm, &company, Kind::Vendor, |it| it["Id"] == record.as_str());
    assert_eq!((&vendor["Active"], &vendor["DisplayName"]), (&json!(true), &json!("Ada's Rents")));
    assert_equal(&office, &firm.qbo, &company);
}

#[test]
fn two_who_change_different_fields_both_win_and_of_the_same_field_a_person_decides() {
    let (firm, company, mut office) = opened(44, 60);
    let bill = some(&firm, &company, Kind::Bill, |it| it["VendorRef"]["value"].is_string());
    let (id, vendor) = (id_of(&bill), bill["VendorRef"].clone());
    let theirs = |fields: Value| {
        let mut body = json!({"Id": id, "SyncToken": token(&firm, &company, Kind::Bill, &id).to_string(), "VendorRef": vendor});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        firm.qbo.change(&company, Kind::Bill, &body, "").unwrap();
    };
    let there = || some(&firm, &company, Kind::Bill, |it| it["Id"] == id);
    theirs(json!({"DocNumber": "T-1"}));
    let change = office.ask(set(&company, Entity::Bill, &id, &[("note", json!("ours"))]));
    office.work(MINUTE);
    assert_eq!(office.state(change), "done");
    assert_eq!((&there()["PrivateNote"], &there()["DocNumber"]), (&json!("ours"), &json!("T-1")));
    theirs(json!({"PrivateNote": "theirs"}));
    let change = office.ask(set(&company, Entity::Bill, &id, &[("note", json!("ours again"))]));
    office.work(MINUTE);
    assert_eq!(office.state(change), "conflict");
    assert_eq!(there()["PrivateNote"], "theirs", "nothing was sent");
    let repeated = block(office.desk.repeat_change(&reviewer(), change));
    assert!(matches!(repeated, Err(Refusal::Nothing(_))));
    block(office.desk.decide_change(&reviewer(), change, Choice::Here)).unwrap();
    office.work(MINUTE);
    assert_eq!((office.state(change), &there()["PrivateNote"]), ("done", &json!("ours again")));
    theirs(json!({"PrivateNote": "theirs again"}));
    let change = office.ask(set(&company, Entity::Bill, &id, &[("note", json!("ours once more"))]));
    office.work(MINUTE);
    block(office.desk.decide_change(&reviewer(), change, Choice::There)).unwrap();
    office.work(MINUTE);
    assert_eq!((office.state(change), &there()["PrivateNote"]), ("withdrawn", &json!("theirs again")));
    office.work(16 * MINUTE);
    assert_equal(&office, &firm.qbo, &company);
}

#[test]
fn a_record_that_moved_between_reading_and_writing_is_judged_anew_under_another_key() {
    let (firm, company, mut office) = opened(51, 60);
    let bill = some(&firm, &company, Kind::Bill, |it| it["VendorRef"]["value"].is_string());
    let (id, vendor, realm) = (id_of(&bill), bill["VendorRef"].clone(), company.clone());
    for (theirs, ends) in
        [(json!({"DocNumber": "T-9"}), "done"), (json!({"PrivateNote": "theirs"}), "conflict")]
    {
        let (id_there, vendor, realm) = (id.clone(), vendor.clone(), realm.clone());
        *office.wire.meddle.lock().unwrap() = Some(Box::new(move |qbo| {
            let now =
                qbo.objects(&realm, Kind::Bill).into_iter().find(|it| it["Id"] == id_there.as_str()).unwrap();
            let mut body = json!({"Id": id_there, "SyncToken": now["SyncToken"], "VendorRef": vendor});
            body.as_object_mut().unwrap().extend(theirs.as_object().unwrap().clone());
            qbo.change(&realm, Kind::Bill, &body, "").unwrap();
        }));
        let change =
            office.ask(set(&company, Entity::Bill, &id, &[("note", json!(format!("ours, {ends}")))]));
        office.work(MINUTE);
        assert_eq!(office.state(change), ends, "{:?}", office.change(change));
        let tried = writes(&firm)
            .into_iter()
            .filter(|(_, body, _)| body["PrivateNote"] == json!(format!("ours, {ends}")));
        let keys: std::collections::BTreeSet<String> = tried.map(|(query, ..)| query).collect();
        assert_eq!(keys.len(), if ends == "done" { 2 } else { 1 }, "each request has its own key");
    }
}

#[test]
fn the_same_request_twice_is_one_change_also_after_a_restart() {
    let (firm, company, mut office) = opened(45, 60);
    let bill = id_of(&some(&firm, &company, Kind::Bill, |it| it["Balance"].as_f64() > Some(2.0)));
    let named = || ChangeAsk { key: Some("same".into()), ..paid(&company, &bill, "1", "once") };
    let first = office.ask(named());
    assert_eq!(office.ask(named()), first);
    office.work(MINUTE);
    drop(office);
    let mut office = firm.open(true);
    assert_eq!((office.ask(named()), office.state(first)), (first, "done"));
    office.work(60 * MINUTE);
    let other = ChangeAsk { key: Some("same".into()), ..paid(&company, &bill, "2", "once") };
    assert!(matches!(block(office.desk.ask_change(&reviewer(), other)), Err(Refusal::KeyReused)));
    assert_eq!(writes(&firm).iter().filter(|(.., effect)| *effect).count(), 1, "one remote call");
}

#[test]
fn what_is_not_taken_stands_with_its_reason_until_somebody_acts() {
    let (firm, company, mut office) = opened(46, 60);
    let bill = some(&firm, &company, Kind::Bill, |it| it["TxnDate"].as_str() < Some("2026-11-01"));
    let id = id_of(&bill);
    firm.qbo.close_books(&company, "2026-10-31");
    let change = office.ask(set(&company, Entity::Bill, &id, &[("note", json!("late"))]));
    office.work(MINUTE);
    let State::Refused { said } = office.change(change).state else { panic!("{:?}", office.change(change)) };
    assert!(said.contains("closed"), "{said}");
    assert!(office.change(change).attempt.unwrap().body.contains("late"), "the payload stays to be seen");
    office.work(24 * 60 * MINUTE);
    assert_eq!(office.state(change), "refused", "it does not go again by itself");
    firm.qbo.close_books(&company, "2025-01-01");
    block(office.desk.repeat_change(&reviewer(), change)).unwrap();
    office.work(MINUTE);
    assert_eq!(office.state(change), "done");
    let other = office.ask(set(&company, Entity::Bill, &id, &[("note", json!("never"))]));
    block(office.desk.discard_change(&reviewer(), other)).unwrap();
    office.work(MINUTE);
    assert_eq!(office.state(other), "withdrawn");
    let there = some(&firm, &company, Kind::Bill, |it| it["Id"] == id);
    assert_eq!(there["PrivateNote"], "late");
}

#[test]
fn three_lost_replies_stand_in_the_list_and_a_repeat_does_nothing_twice() {
    let (firm, company, mut office) = opened(47, 60);
    let bill = id_of(&some(&firm, &company, Kind::Bill, |it| it["Balance"].as_f64() > Some(2.0)));
    let payments = firm.qbo.objects(&company, Kind::BillPayment).len();
    firm.qbo.set_faults(Plan::none().often(1_000, Fault::LostReply));
    let change = office.ask(paid(&company, &bill, "1", "lost"));
    office.work(20 * MINUTE);
    assert_eq!(office.state(change), "stuck", "{:?}", office.change(change));
    let key = office.change(change).attempt.unwrap().key;
    firm.qbo.set_faults(Plan::none());
    drop(office);
    let mut office = firm.open(true);
    office.work(10 * MINUTE);
    assert_eq!(office.state(change), "stuck", "it waits for a person");
    block(office.desk.repeat_change(&reviewer(), change)).unwrap();
    office.work(MINUTE);
    assert_eq!((office.state(change), office.change(change).attempt.unwrap().key), ("done", key));
    assert_eq!(firm.qbo.objects(&company, Kind::BillPayment).len(), payments + 1);
    let sent = writes(&firm);
    assert_eq!((sent.len(), sent.iter().filter(|(.., effect)| *effect).count()), (4, 1));
    office.work(16 * MINUTE);
    assert_equal(&office, &firm.qbo, &company);
}

#[test]
fn an_answer_that_never_came_is_not_asked_for_after_the_key_may_be_forgotten() {
    let (firm, company, mut office) = opened(48, 60);
    let bill = id_of(&some(&firm, &company, Kind::Bill, |it| it["Balance"].as_f64() > Some(2.0)));
    firm.qbo.set_faults(Plan::none().often(1_000, Fault::LostReply));
    let change = office.ask(paid(&company, &bill, "1", "lost"));
    office.work(20 * MINUTE);
    firm.qbo.set_faults(Plan::none());
    office.work(25 * 60 * MINUTE);
    let before = writes(&firm).len();
    block(office.desk.repeat_change(&reviewer(), change)).unwrap();
    office.work(MINUTE);
    assert_eq!(office.state(change), "refused", "a person looks first");
    assert_eq!(writes(&firm).len(), before, "nothing was sent");
}

#[test]
fn after_a_restore_nothing_is_written_before_a_look_and_nothing_twice() {
    let (mut firm, company, mut office) = opened(52, 60);
    let bill = some(&firm, &company, Kind::Bill, |it| it["Balance"].as_f64() > Some(2.0));
    let id = id_of(&bill);
    let payment = office.ask(paid(&company, &id, "1", "before"));
    let note = office.ask(set(&company, Entity::Bill, &id, &[("note", json!("before"))]));
    let backup = firm.disk.crashed(|| false);
    office.work(MINUTE);
    assert_eq!((office.state(payment), office.state(note)), ("done", "done"));
    let there = |firm: &Firm| {
        (firm.qbo.objects(&company, Kind::BillPayment), some(firm, &company, Kind::Bill, |it| it["Id"] == id))
    };
    let before = there(&firm);
    drop(office);
    firm.disk = backup;
    let mut office = firm.open(false);
    let restored = restored::of_now(&office.means.world, "a set", office.now(), office.entries());
    block(restored::mark(&office.means.store, restored)).unwrap();
    assert_eq!((office.state(payment), office.state(note)), ("waiting", "waiting"), "the ledger forgot");
    firm.qbo.clear_log();
    office.work(30 * MINUTE);
    let log = firm.qbo.request_log();
    let first_write = log.iter().position(|call| call.query.contains("requestid=")).unwrap();
    assert!(log[..first_write].iter().any(|call| call.path.ends_with("/cdc")), "a look goes before");
    assert_eq!((office.state(payment), office.state(note)), ("done", "done"));
    assert!(writes(&firm).iter().all(|(.., effect)| !effect), "nothing was done twice");
    assert_eq!(there(&firm), before);
    assert_equal(&office, &firm.qbo, &company);
}

#[test]
fn a_dry_run_says_what_is_then_sent_and_keeps_nothing() {
    let (firm, company, mut office) = opened(49, 60);
    let bill = some(&firm, &company, Kind::Bill, |it| it["Balance"].as_f64() > Some(2.0));
    let id = id_of(&bill);
    let asks = [
        set(&company, Entity::Bill, &id, &[("note", json!("tried")), ("due", json!("2026-12-31"))]),
        paid(&company, &id, "1", "tried"),
    ];
    for wanted in asks {
        let entries = office.entries();
        let plan = office.desk.plan_change(&wanted).unwrap();
        assert_eq!(office.entries(), entries);
        let change = office.ask(wanted);
        office.work(MINUTE);
        assert_eq!(office.state(change), "done");
        assert_eq!(office.change(change).attempt.unwrap().body, plan.request.body);
        let (query, body, _) = writes(&firm).pop().unwrap();
        assert_eq!(body, serde_json::from_str::<Value>(&plan.request.body).unwrap());
        assert!(query.contains("minorversion=75") && plan.request.path.ends_with("minorversion=75"));
    }
}

#[test]
fn only_what_is_open_here_is_changed_and_only_with_what_is_in_use_there() {
    let (firm, company, mut office) = opened(50, 60);
    let other = firm.qbo.add_company("Other");
    office.connect(&firm.qbo, &other);
    office.work(16 * MINUTE);
    let bill = id_of(&some(&firm, &company, Kind::Bill, |_| true));
    let refused = |ask: ChangeAsk| match block(office.desk.ask_change(&reviewer(), ask)) {
        Err(Refusal::Invalid(errors)) => errors.into_iter().map(|error| error.field).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    for (word, value) in [
        ("total", json!("5")),
        ("balance", json!("0")),
        ("date", json!("2026-01-01")),
        ("party", json!("99999")),
        ("party", Value::Null),
        ("due", json!("31/12/26")),
        ("number", json!("1234567890123456789012")),
        ("lines.99.account", json!("12")),
        ("active", json!(false)),
    ] {
        assert_eq!(refused(set(&company, Entity::Bill, &bill, &[(word, value)])), [word]);
    }
    let nothing =
        block(office.desk.ask_change(&reviewer(), set(&other, Entity::Bill, &bill, &[("note", json!("x"))])));
    assert!(matches!(nothing, Err(Refusal::NotFound(_))), "the other company has no such bill: {nothing:?}");
    let same = office.record(&company, Entity::Bill, &bill).unwrap()["DueDate"].clone();
    let unchanged =
        block(office.desk.ask_change(&reviewer(), set(&company, Entity::Bill, &bill, &[("due", same)])));
    assert!(matches!(unchanged, Err(Refusal::Unchanged)), "{unchanged:?}");
    // What the editor saw counts: an older version is compared with what stands there now.
    let seen = Seq(office.entries());
    office.ask(set(&company, Entity::Bill, &bill, &[("note", json!("first"))]));
    office.work(MINUTE);
    let fields = vec![("note".to_owned(), json!("second"))];
    let record = EntityId::new(&bill).unwrap();
    let late = ask(&company, Wanted::Fields { entity: Entity::Bill, record, fields, seen: Some(seen) });
    let late = office.ask(late);
    office.work(MINUTE);
    assert_eq!(office.state(late), "conflict");
}
