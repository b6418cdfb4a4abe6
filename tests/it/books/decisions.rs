//! What is decided about the money of a company: who may say yes, what stands in the way, what is said beside the books, and what
//! is put right from the tray. Through the API, with several people.

use almoner::ground::access::Role;
use almoner::sim::qbo::Kind;
use serde_json::{Value, json};

use super::face::Door;
use super::firm::{Firm, MINUTE, Office};
use super::money::cents;
use super::writes::{id_of, opened, some};

const DAY: i64 = 24 * 60 * MINUTE;

/// A company with enough cash, and who works with it.
struct Desk {
    firm: Firm,
    company: String,
    office: Office,
}

impl Desk {
    /// A company with 100,000 more at the bank than its books began with.
    fn new(seed: u64) -> Self {
        let (firm, company, office) = opened(seed, 60);
        let bank = some(&firm, &company, Kind::Account, |it| it["AccountType"] == "Bank");
        let income = some(&firm, &company, Kind::Account, |it| it["AccountType"] == "Income");
        let deposit = json!({"DepositToAccountRef": {"value": bank["Id"]}, "Line": [{"Amount": 100_000.0,
            "DetailType": "DepositLineDetail", "DepositLineDetail": {"AccountRef": {"value": income["Id"]}}}]});
        firm.qbo.change(&company, Kind::Deposit, &deposit, "").unwrap();
        let mut desk = Self { firm, company, office };
        desk.look();
        desk
    }

    fn look(&mut self) {
        self.office.work(20 * MINUTE);
    }

    fn bill(&mut self, amount: f64, due_in: i64) -> String {
        let vendor = some(&self.firm, &self.company, Kind::Vendor, |it| it["Active"] != false);
        let account = some(&self.firm, &self.company, Kind::Account, |it| it["AccountType"] == "Expense");
        let today = self.office.desk.zone.date_of(self.office.now());
        let bill = json!({"VendorRef": {"value": vendor["Id"]}, "TxnDate": today.to_string(),
            "DueDate": today.plus_days(i32::try_from(due_in).unwrap()).to_string(),
            "Line": [{"Amount": amount, "DetailType": "AccountBasedExpenseLineDetail",
                "AccountBasedExpenseLineDetail": {"AccountRef": {"value": account["Id"]}}}]});
        let made = self.firm.qbo.change(&self.company, Kind::Bill, &bill, "").unwrap();
        self.look();
        id_of(&made)
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/books/companies/{}/{rest}", self.company)
    }

    fn door(&self, name: &str) -> Door {
        Door::called(&self.office, name, Role::Finance)
    }

    fn money(&self, door: &Door) -> Value {
        let (status, told) = door.get(&self.path("money"));
        assert_eq!(status, 200, "{told}");
        told["data"].clone()
    }

    /// The bill as the console shows it; null when it is not in it.
    fn shown(&self, door: &Door, bill: &str) -> Value {
        let (_, console) = door.get(&self.path("console"));
        let bills = console["data"].as_array().unwrap();
        bills.iter().find(|it| it["id"] == bill).cloned().unwrap_or(Value::Null)
    }

    fn stage(&self, door: &Door, bill: &str) -> String {
        self.shown(door, bill)["stage"].as_str().unwrap_or("none").to_owned()
    }

    /// What became of one decision: none when it was taken, else why not.
    fn decide(&self, door: &Door, item: &Value) -> Option<String> {
        let (status, told) = door.post(&self.path("decisions"), &json!({"items": [item]}));
        assert_eq!(status, 200, "{told}");
        told["data"][0]["problem"].as_str().map(str::to_owned)
    }
}

fn step(bill: &str, what: &str) -> Value {
    json!({"bill": bill, "what": what})
}

#[test]
fn large_payments_need_others_and_a_change_of_the_bill_makes_their_yes_void() {
    let mut desk = Desk::new(90);
    let (small, large, larger) = (desk.bill(900.0, 5), desk.bill(6_000.0, 6), desk.bill(12_000.0, 7));
    let (ann, ben, cy) = (desk.door("ann"), desk.door("ben"), desk.door("cy"));
    assert_eq!(desk.decide(&ann, &step(&small, "pay")), None);
    assert_eq!(desk.stage(&ben, &small), "approved", "below the limit one is enough");
    assert_eq!(desk.decide(&ann, &step(&large, "pay")), None);
    let shown = desk.shown(&ben, &large);
    assert_eq!((&shown["stage"], &shown["have"], &shown["need"]), (&json!("pending"), &json!(0), &json!(1)));
    assert!(desk.decide(&ann, &step(&large, "approve")).unwrap().contains("somebody else"));
    assert_eq!(desk.decide(&ben, &step(&large, "approve")), None);
    assert_eq!(desk.stage(&ann, &large), "approved");
    assert_eq!(desk.decide(&ann, &step(&larger, "pay")), None);
    assert_eq!(desk.decide(&ben, &step(&larger, "approve")), None);
    assert_eq!(desk.stage(&ann, &larger), "pending", "ten thousand need two others");
    let entries = desk.office.entries();
    assert_eq!(
        desk.decide(&ben, &step(&larger, "approve")),
        None,
        "the same step again is the one that was taken"
    );
    assert_eq!(desk.office.entries(), entries);
    assert_eq!(desk.decide(&cy, &step(&larger, "approve")), None);
    assert_eq!(desk.stage(&ann, &larger), "approved");
    // What each of them saw stands with their step.
    let log = desk.shown(&ann, &larger)["log"].as_array().unwrap().clone();
    let steps: Vec<_> =
        log.iter().map(|it| (it["step"].as_str().unwrap(), it["by"].as_str().unwrap())).collect();
    assert_eq!(steps, [("asked", "ann"), ("approved", "ben"), ("approved", "cy")]);
    let after = |at: usize| cents(&log[at]["cashAfter"]);
    assert_eq!(cents(&log[0]["cash"]) - after(0), 1_890_000, "with what is approved and not paid yet");
    assert!(log.iter().all(|it| it["booksAsOf"].is_string()));
    // Somebody changes the bill in QuickBooks.
    let bill = some(&desk.firm, &desk.company, Kind::Bill, |it| it["Id"] == large);
    let mut line = bill["Line"][0].clone();
    line["Amount"] = json!(6_001.0);
    let dearer = json!({"Id": large, "SyncToken": bill["SyncToken"], "Line": [line]});
    desk.firm.qbo.change(&desk.company, Kind::Bill, &dearer, "").unwrap();
    desk.look();
    assert_eq!(desk.stage(&ann, &large), "void", "they said yes to another amount");
    assert_eq!(desk.decide(&ben, &step(&large, "pay")), None);
    assert_eq!(desk.stage(&ann, &large), "pending", "another one asks, and old yeses do not count");
    // All of it is taken back.
    assert_eq!(desk.decide(&ann, &step(&small, "withdraw")), None);
    assert_eq!(desk.stage(&ann, &small), "ready");
}

#[test]
fn a_payment_that_leaves_too_little_is_blocked_counting_what_is_approved_and_not_paid() {
    let mut desk = Desk::new(91);
    let door = desk.door("ann");
    let free = cents(&desk.money(&door)["cash"]["amount"]) / 100 - 10_000;
    let part = |of: i64| f64::from(i32::try_from(free * of / 10).unwrap());
    let (one, other) = (desk.bill(part(6), 5), desk.bill(part(7), 6));
    let set = json!({"reviewFrom": "9000000", "twoPeopleFrom": "9000000", "bufferDays": 0});
    let admin = Door::called(&desk.office, "ada", Role::Admin);
    assert_eq!(door.write("PUT", &desk.path("policy"), &set).0, 403, "who approves does not set the limits");
    let (status, told) = admin.write("PUT", &desk.path("policy"), &set);
    assert_eq!(status, 200, "{told}");
    assert_eq!(desk.shown(&door, &one)["guard"], "free");
    assert_eq!(desk.decide(&door, &step(&one, "pay")), None);
    let second = desk.shown(&door, &other);
    assert_eq!(second["guard"], "blocked_money", "each alone would leave enough; both do not: {second}");
    let said = desk.decide(&door, &step(&other, "pay")).unwrap();
    assert!(said.contains("is missing") && said.contains(second["shortfall"].as_str().unwrap()), "{said}");
    let bare = json!({"bill": other, "what": "pay", "despite": true});
    assert!(desk.decide(&door, &bare).is_some(), "despite a rule only with a reason");
    let reason = json!({"bill": other, "what": "pay", "despite": true, "note": "The roof leaks"});
    assert_eq!(desk.decide(&door, &reason), None);
    let log = desk.shown(&door, &other)["log"][0].clone();
    assert_eq!(log["hits"], json!(["buffer_money", "override"]));
    assert_eq!(log["note"], "The roof leaks");
    // What must be paid passes with a warning.
    assert_eq!(desk.decide(&door, &step(&other, "withdraw")), None);
    let vendor =
        some(&desk.firm, &desk.company, Kind::Bill, |it| it["Id"] == other)["VendorRef"]["value"].clone();
    let tier = json!({"kind": "vendor", "vendor": vendor, "tier": "first"});
    assert_eq!(door.post(&desk.path("said"), &tier).0, 200);
    assert_eq!(desk.decide(&door, &step(&other, "pay")), None);
    assert_eq!(desk.shown(&door, &other)["log"][0]["hits"], json!(["buffer_money", "essential"]));
}

#[test]
fn bills_are_held_planned_and_decided_together_each_with_its_own_outcome() {
    let mut desk = Desk::new(92);
    let door = desk.door("ann");
    let bill = desk.bill(500.0, 10);
    let today = desk.office.desk.zone.date_of(desk.office.now());
    let on = |days: i32| today.plus_days(days).to_string();
    let plan = |days: i32, more: Value| {
        let mut item = json!({"bill": bill, "what": "plan", "on": on(days)});
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        item
    };
    assert!(desk.decide(&door, &plan(-1, json!({}))).is_some(), "yesterday is over");
    assert_eq!(desk.decide(&door, &plan(15, json!({}))), None, "due date and five days");
    assert!(desk.decide(&door, &plan(16, json!({}))).unwrap().contains("latest safe day"));
    assert_eq!(desk.decide(&door, &plan(16, json!({"despite": true, "note": "They agreed"}))), None);
    assert_eq!(desk.shown(&door, &bill)["planned"], on(16));
    assert!(desk.decide(&door, &step(&bill, "hold")).unwrap().contains("Say why"));
    let hold = json!({"bill": bill, "what": "hold", "on": on(3), "note": "Waits for the minutes"});
    assert_eq!(desk.decide(&door, &hold), None);
    assert_eq!(desk.stage(&door, &bill), "held");
    assert!(desk.decide(&door, &step(&bill, "pay")).is_some());
    desk.firm.pass(4 * DAY);
    let door = desk.door("ann");
    assert_eq!(desk.stage(&door, &bill), "ready", "its last day is over");
    assert!(
        desk.decide(&door, &step(&bill, "pay")).unwrap().contains("more than a day ago"),
        "old books decide nothing"
    );
    desk.look();
    let items =
        json!({"items": [step(&bill, "pay"), step("nothing", "pay"), {"bill": bill, "what": "nonsense"}]});
    let (status, told) = door.post(&desk.path("decisions"), &items);
    assert_eq!((status, &told["done"], &told["failed"]), (200, &json!(1), &json!(2)), "{told}");
    assert_eq!(desk.stage(&door, &bill), "approved");
}

#[test]
fn money_set_aside_and_known_things_move_the_figures_and_are_taken_back() {
    let desk = Desk::new(93);
    let (door, viewer) = (desk.door("ann"), Door::called(&desk.office, "vic", Role::Viewer));
    let before = desk.money(&door);
    let earmark = json!({"kind": "earmark", "amount": "5000", "text": "Lottery grant"});
    assert_eq!(viewer.post(&desk.path("said"), &earmark).0, 403);
    let (status, told) = door.post(&desk.path("said"), &earmark);
    assert_eq!((status, &told["data"][0]["by"]), (200, &json!("ann")), "{told}");
    let aside = desk.money(&door);
    let cash = |data: &Value| cents(&data["cash"]["amount"]);
    assert_eq!(cash(&before) - cash(&aside), 500_000);
    assert!(aside["runway"]["days"].as_i64() < before["runway"]["days"].as_i64());
    let (_, rows) = door.get(&desk.path("figures/cash"));
    let sum: i64 = rows["data"].as_array().unwrap().iter().map(|it| cents(&it["amount"])).sum();
    assert_eq!(sum, cash(&aside), "it is a part of the figure");
    let today = desk.office.desk.zone.date_of(desk.office.now());
    let known = json!({"kind": "expected", "amount": "-750.50", "text": "Insurance", "on": today.plus_days(10).to_string()});
    assert_eq!(door.post(&desk.path("said"), &known).0, 200);
    let closing = |data: &Value| cents(&data["forecast"]["weeks"][12]["closing"]);
    assert_eq!(closing(&aside) - closing(&desk.money(&door)), 75_050);
    let id = told["data"][0]["id"].as_str().unwrap();
    assert_eq!(door.write("DELETE", &desk.path(&format!("said/{id}")), &Value::Null).0, 204);
    assert_eq!(cash(&desk.money(&door)), cash(&before), "released");
    for bad in [
        json!({"kind": "earmark", "amount": "0", "text": "x"}),
        json!({"kind": "earmark", "amount": "-5", "text": "x"}),
        json!({"kind": "earmark", "amount": "1.234", "text": "x"}),
        json!({"kind": "expected", "amount": "5", "text": "x"}),
        json!({"kind": "earmark", "amount": "5", "text": " "}),
        json!({"kind": "vendor", "vendor": "no such", "tier": "first"}),
    ] {
        assert!([400, 404].contains(&door.post(&desk.path("said"), &bad).0), "{bad}");
    }
}

#[test]
fn a_past_day_is_told_as_it_was_then() {
    let mut desk = Desk::new(94);
    let door = desk.door("ann");
    let day = desk.office.desk.zone.date_of(desk.office.now());
    let earmark = json!({"kind": "earmark", "amount": "5000", "text": "Grant"});
    assert_eq!(door.post(&desk.path("said"), &earmark).0, 200);
    let then = desk.money(&door);
    desk.firm.pass(2 * DAY);
    desk.bill(700.0, 10);
    let door = desk.door("ann");
    let now = desk.money(&door);
    assert_ne!(now["payable"]["amount"], then["payable"]["amount"]);
    let (status, past) = door.get(&desk.path(&format!("money?as_of={day}")));
    assert_eq!(status, 200, "{past}");
    for figure in ["cash", "payable", "receivable", "spent", "runway", "payableAging", "forecast"] {
        assert_eq!(past["data"][figure], then[figure], "{figure}");
    }
    assert_eq!(past["meta"]["today"], day.to_string());
    // What changed since, and why.
    let (status, moved) = door.get(&desk.path(&format!("moved?since={day}")));
    assert_eq!(status, 200, "{moved}");
    let drivers = moved["data"]["drivers"].as_array().unwrap();
    assert_eq!(drivers.len(), 1, "{drivers:?}");
    assert_eq!((&drivers[0]["what"], &drivers[0]["amount"]), (&json!("new_bill"), &json!("-700.00")));
    assert_eq!(moved["data"]["payable"]["change"], "700.00");
    assert_eq!(moved["data"]["cash"]["change"], "0.00");
    let purchase = some(&desk.firm, &desk.company, Kind::Purchase, |it| {
        it["PaymentType"] == "Cash" || it["PaymentType"] == "Check"
    });
    let gone = json!({"Id": purchase["Id"], "SyncToken": purchase["SyncToken"]});
    desk.firm.qbo.change(&desk.company, Kind::Purchase, &gone, "delete").unwrap();
    desk.look();
    let (_, moved) = door.get(&desk.path(&format!("moved?since={day}")));
    let spent = cents(&purchase["TotalAmt"]);
    let back =
        moved["data"]["drivers"].as_array().unwrap().iter().find(|it| it["kind"] == "purchase").unwrap();
    assert_eq!(
        (&back["what"], cents(&back["amount"])),
        (&json!("came_in"), spent),
        "what is deleted moves back"
    );
    assert_eq!(cents(&moved["data"]["cash"]["change"]) - cents(&moved["data"]["unexplained"]), spent);
    assert_eq!(
        door.get(&desk.path(&format!("moved?since={}", day.plus_days(2)))).0,
        400,
        "today is not over"
    );
}

#[test]
fn rules_are_tried_out_before_they_are_set_and_nobody_overwrites_anothers() {
    let desk = Desk::new(95);
    let (door, admin) = (desk.door("ann"), Door::called(&desk.office, "ada", Role::Admin));
    let (_, before) = door.get(&desk.path("policy"));
    assert_eq!((&before["holds"]["bufferDays"], &before["set"]["bufferDays"]), (&json!(14), &Value::Null));
    let bank = before["accounts"][0]["id"].clone();
    let set = json!({"restricted": [bank], "bufferDays": 30});
    let (status, tried) = door.post(&desk.path("policy/preview"), &set);
    assert_eq!((status, tried["data"].as_array().unwrap().len()), (200, 1), "{tried}");
    assert_ne!(tried["data"][0]["before"]["cash"], tried["data"][0]["after"]["cash"]);
    assert_eq!(door.get(&desk.path("policy")).1["holds"]["bufferDays"], 14, "nothing was kept");
    let cash = desk.money(&door)["cash"]["amount"].clone();
    assert_eq!(cash, tried["data"][0]["before"]["cash"]);
    assert_eq!(admin.write("PUT", &desk.path("policy"), &set).0, 200);
    let money = desk.money(&door);
    assert_eq!(money["cash"]["amount"], tried["data"][0]["after"]["cash"], "it came as it was tried out");
    assert_eq!(cents(&money["cash"]["amount"]) + cents(&money["restricted"]["amount"]), cents(&cash));
    assert_eq!(admin.write("PUT", "/api/money/policy", &json!({"amberBelow": 45})).0, 200);
    let (_, own) = door.get(&desk.path("policy"));
    assert_eq!((&own["holds"]["amberBelow"], &own["holds"]["bufferDays"]), (&json!(45), &json!(30)));
    assert_eq!(
        admin.write("PUT", "/api/money/policy", &json!({"buffer": "5"})).0,
        400,
        "amounts are of one company"
    );
    assert_eq!(admin.write("PUT", "/api/money/policy", &json!({"redBelow": 99})).0, 400, "red above amber");
}

#[test]
fn issues_are_let_stand_put_right_and_come_back_and_one_that_fails_holds_up_no_other() {
    let mut desk = Desk::new(96);
    let door = desk.door("ann");
    let bill = desk.bill(40.0, 400);
    let bare = desk.bill(50.0, 20);
    let none = some(&desk.firm, &desk.company, Kind::Bill, |it| it["Id"] == bare);
    let mut open = none.clone();
    open.as_object_mut().unwrap().remove("DueDate");
    assert!(desk.firm.qbo.load(&desk.company, Kind::Bill, &open.to_string()));
    block_reload(&mut desk);
    let tray = |desk: &Desk| desk.door("ann").get(&desk.path("tray")).1;
    let find = |tray: &Value, rule: &str, id: &str| {
        let issues = tray["data"].as_array().unwrap();
        issues.iter().find(|it| it["rule"] == rule && it["records"][0]["id"] == id).cloned()
    };
    let far = find(&tray(&desk), "implausible_due_date", &bill).unwrap();
    let ignore = json!({"keys": [far["key"], "nothing:at/all"], "reason": "A lease"});
    let (status, told) = door.post(&desk.path("tray/ignore"), &ignore);
    assert_eq!((status, &told["done"], &told["failed"]), (200, &json!(1), &json!(1)), "{told}");
    let after = tray(&desk);
    assert!(find(&after, "implausible_due_date", &bill).is_none());
    assert_eq!(
        (&after["standing"][0]["key"], &after["standing"][0]["stands"]["by"]),
        (&far["key"], &json!("ann"))
    );
    let (_, told) = door.post(&desk.path("tray/reopen"), &json!({"keys": [far["key"]]}));
    assert_eq!(told["done"], 1);
    assert!(find(&tray(&desk), "implausible_due_date", &bill).is_some());
    // Without a due date it is in the tray and not in the console; put right, it is the other way, once the books show it.
    let missing = find(&tray(&desk), "missing_due_date", &bare).unwrap();
    assert_eq!(desk.shown(&door, &bare), Value::Null);
    let today = desk.office.desk.zone.date_of(desk.office.now());
    let due = today.plus_days(12).to_string();
    let fix = json!({"items": [{"key": missing["key"], "value": due}, {"key": "nothing:at/all", "value": due},
        {"key": far["key"], "field": "due", "value": "never"}]});
    let (status, told) = door.post(&desk.path("tray/fix"), &fix);
    assert_eq!((status, &told["done"], &told["failed"]), (200, &json!(1), &json!(2)), "{told}");
    let way = find(&tray(&desk), "missing_due_date", &bare).unwrap();
    assert_eq!(way["onItsWay"], told["data"][0]["change"], "it stands until the books show it");
    desk.look();
    assert!(find(&tray(&desk), "missing_due_date", &bare).is_none());
    assert_eq!(desk.shown(&door, &bare)["due"], due);
    let change = told["data"][0]["change"].as_str().unwrap();
    assert_eq!(door.post(&format!("/api/books/changes/{change}/undo"), &Value::Null).0, 202);
    desk.look();
    let now = some(&desk.firm, &desk.company, Kind::Bill, |it| it["Id"] == bare);
    assert_ne!(now["DueDate"], due, "undone within a day");
}

/// Reads everything of the company again.
fn block_reload(desk: &mut Desk) {
    let door = desk.door("ann");
    assert!(door.post(&desk.path("load"), &Value::Null).0 < 300);
    desk.look();
}

#[test]
fn a_digest_says_the_same_whatever_comes_after_it_and_one_week_has_one() {
    let mut desk = Desk::new(97);
    let door = desk.door("ann");
    let bill = desk.bill(900.0, 5);
    assert_eq!(desk.decide(&door, &step(&bill, "pay")), None);
    let (status, made) = door.post(&desk.path("digests"), &Value::Null);
    assert_eq!((status, &made["data"]["stage"]), (200, &json!("draft")), "{made}");
    let text = made["text"].as_str().unwrap().to_owned();
    let money = desk.money(&door);
    let cash = money["cash"]["amount"].as_str().unwrap();
    let days = money["runway"]["days"].as_i64().unwrap();
    assert!(text.contains(&format!("{days} days, until ")), "{text}");
    assert!(text.replace(',', "").contains(cash), "{text}");
    assert!(text.contains("approved, to be paid") && text.contains("Thirteen weeks ahead"), "{text}");
    let week = made["data"]["week"].as_str().unwrap().to_owned();
    let at = |rest: &str| desk.path(&format!("digests/{week}{rest}"));
    let files = |door: &Door| ["text", "html", "pdf"].map(|form| door.bytes(&at(&format!("/{form}"))));
    let before = files(&door);
    assert!(before[2].starts_with(b"%PDF-"));
    assert_eq!(before[0], text.as_bytes());
    // The books, what is said and the rules go on; what was drawn up stays.
    let earmark = json!({"kind": "earmark", "amount": "5000", "text": "Grant"});
    assert_eq!(door.post(&desk.path("said"), &earmark).0, 200);
    assert_eq!(door.post(&desk.path("digests"), &Value::Null).1["meta"]["version"], made["meta"]["version"]);
    let path = at("");
    desk.bill(700.0, 10);
    let door = desk.door("ann");
    let at = |rest: &str| format!("{path}{rest}");
    let files = |door: &Door| ["text", "html", "pdf"].map(|form| door.bytes(&at(&format!("/{form}"))));
    assert_eq!(files(&door), before, "byte for byte");
    assert_eq!(door.get(&at("")).1["data"]["movedOn"], true);
    let change = |body: &Value| door.write("PATCH", &at(""), body);
    assert_eq!(change(&json!({"wish": "send"})).0, 400);
    let (_, words) = change(&json!({"words": "All is well & <b>quiet</b>."}));
    assert!(words["text"].as_str().unwrap().contains("All is well"));
    assert!(String::from_utf8(door.bytes(&at("/html"))).unwrap().contains("well &amp; &lt;b&gt;quiet"));
    let (_, anew) = change(&json!({"wish": "redraw"}));
    assert_ne!(anew["text"], words["text"], "it knows of the new bill and of what was set aside");
    let (_, approved) = change(&json!({"wish": "approve"}));
    assert_eq!(approved["data"]["approvedBy"], "ann");
    assert_eq!(change(&json!({"words": "Other"})).0, 409, "what is approved does not change");
    assert_eq!(change(&json!({"wish": "redraw"})).0, 409);
    assert_eq!(change(&json!({"wish": "reopen"})).1["data"]["stage"], "draft");
    let list = door.get(&desk.path("digests")).1;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}
