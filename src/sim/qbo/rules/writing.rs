//! Creates, updates, deletes, voids and what they are refused for (checklist 10 to 12, 18, 21 to 23).

use serde_json::{Value, json};

use super::{SECOND, World, applied, cost, id, refused};

#[test]
fn ids_come_from_shared_sequences_and_are_used_again_elsewhere() {
    let world = World::new();
    let ids = [world.donor("A"), world.vendor("B"), world.donor("C")];
    assert_eq!(ids, ["1", "2", "3"]);
    let bill = world.bill("2", 5);
    let invoice = world.invoice("1", "5");
    assert_eq!([id(&bill), id(&invoice)], ["1", "2"]);
    let class = world.made("class", &json!({"Name": "Food Bank"}));
    assert!(id(&class).starts_with("5000000000000"));
    let other = world.server.add_company("Other");
    let made = world.server.change(&other, super::super::Kind::Customer, &json!({"DisplayName": "Z"}), "");
    assert_eq!(made.unwrap()["Id"], "1");
}

#[test]
fn tokens_move_with_writes_and_stale_ones_are_refused() {
    let world = World::new();
    let donor = world.donor("Ada");
    let change = |token: &str, note: &str| {
        world.post("customer", &json!({"Id": donor, "SyncToken": token, "sparse": true, "Notes": note}))
    };
    assert_eq!(change("0", "x").json()["Customer"]["SyncToken"], "1");
    assert_eq!(change("0", "y").fault(), refused(400, "5010"));
    // What changes nothing moves nothing.
    world.pass(10 * SECOND);
    let same = change("1", "x").json();
    assert_eq!(
        (&same["Customer"]["SyncToken"], &same["Customer"]["MetaData"]["LastUpdatedTime"]),
        (&json!("1"), &json!("2026-05-01T10:00:00-07:00"))
    );
    // A balance that moves moves the time alone.
    world.invoice(&donor, "10");
    let moved = world.read(&format!("customer/{donor}"), "Customer");
    assert_eq!(
        (&moved["SyncToken"], &moved["MetaData"]["LastUpdatedTime"]),
        (&json!("1"), &json!("2026-05-01T10:00:10-07:00"))
    );
    assert_eq!(moved["MetaData"]["CreateTime"], "2026-05-01T10:00:00-07:00");
}

#[test]
fn amounts_are_numbers_as_they_are_written() {
    let world = World::new();
    let donor = world.donor("Ada");
    world.invoice(&donor, "387.5");
    let text = world.query("select * from Invoice").text;
    assert!(text.contains("\"TotalAmt\":387.50,") && text.contains("\"TotalTax\":0}"), "{text}");
    let credit = json!({"CustomerRef": {"value": donor}, "Line": [{"Amount": 400, "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": {"ItemRef": {"value": "1"}, "UnitPrice": 400}}]});
    world.made("creditmemo", &credit);
    assert!(world.get(&format!("customer/{donor}")).text.contains("\"Balance\":-12.50,"));
}

#[test]
fn sparse_keeps_and_full_clears_and_lines_are_replaced() {
    let world = World::new();
    let donor = world.made("customer", &json!({"DisplayName": "Ada", "Notes": "kept", "GivenName": "Ada"}));
    let sparse = world
        .made("customer", &json!({"Id": id(&donor), "SyncToken": "0", "sparse": true, "FamilyName": "B"}));
    assert_eq!((&sparse["Notes"], &sparse["FamilyName"]), (&json!("kept"), &json!("B")));
    let full = world.made("customer", &json!({"Id": id(&donor), "SyncToken": "1", "DisplayName": "Ada"}));
    assert!(full.get("Notes").is_none() && full.get("GivenName").is_none());
    assert_eq!(full["Balance"], 0);

    let vendor = world.vendor("V");
    let bill = world.made("bill", &json!({"VendorRef": {"value": vendor}, "Line": [cost(5), cost(6)]}));
    let mut first = bill["Line"][0].clone();
    first["Amount"] = json!(7);
    let body = json!({"Id": id(&bill), "SyncToken": "0", "sparse": true, "VendorRef": {"value": vendor}, "Line": [first, cost(8)]});
    let changed = world.made("bill", &body);
    let ids: Vec<&Value> = changed["Line"].as_array().unwrap().iter().map(|line| &line["Id"]).collect();
    assert_eq!(ids, ["1", "3"]);
    assert_eq!(changed["TotalAmt"].to_string(), "15.0");
    let without = json!({"Id": id(&bill), "SyncToken": "1", "sparse": true, "PrivateNote": "x"});
    assert_eq!(world.post("bill", &without).fault(), refused(400, "2020"));
}

#[test]
fn derived_values_are_filled_in() {
    let world = World::new();
    let donor = world.donor("Ada");
    let invoice = world.invoice(&donor, "10");
    assert_eq!(
        (&invoice["DocNumber"], &invoice["DueDate"], &invoice["TxnDate"]),
        (&json!("1001"), &json!("2026-05-31"), &json!("2026-05-01"))
    );
    let last = invoice["Line"].as_array().unwrap().last().unwrap();
    assert!(last["DetailType"] == "SubTotalLineDetail" && last.get("Id").is_none());
    let vendor = world.vendor("V");
    let bill = world.made(
        "bill",
        &json!({"VendorRef": {"value": vendor}, "SalesTermRef": {"value": "2"}, "Line": [cost(5)]}),
    );
    assert_eq!((&bill["DueDate"], bill["Line"].as_array().unwrap().len()), (&json!("2026-05-16"), 1));
    let entry = world.made("journalentry", &journal(5, 5));
    assert_eq!(entry["TotalAmt"], 0);
    let payment = world.made("payment", &json!({"CustomerRef": {"value": donor}, "TotalAmt": 5}));
    assert_eq!(payment["UnappliedAmt"].to_string(), "5.0");
}

fn journal(debit: i64, credit: i64) -> Value {
    let line = |side: &str, amount: i64, account: &str| {
        json!({"Amount": amount, "DetailType": "JournalEntryLineDetail",
            "JournalEntryLineDetail": {"PostingType": side, "AccountRef": {"value": account}}})
    };
    json!({"Line": [line("Debit", debit, "12"), line("Credit", credit, "1")]})
}

#[test]
fn what_is_wrong_is_told_by_its_code() {
    let world = World::new();
    let donor = world.donor("Ada");
    let sale = |detail: Value| {
        json!({"CustomerRef": {"value": donor}, "Line": [
        {"Amount": 10, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}]})
    };
    let item = json!({"ItemRef": {"value": "1"}});
    let mut long = sale(item.clone());
    long["PrivateNote"] = json!("x".repeat(4_001));
    let mut dated = sale(item.clone());
    dated["TxnDate"] = json!("2026-01-05");
    let mut no_detail = sale(item.clone());
    no_detail["Line"][0].as_object_mut().unwrap().remove("DetailType");
    let cases = [
        ("invoice", json!({"BadJson": true}), "2010"),
        ("invoice", json!({"CustomerRef": {"value": donor}}), "2020"),
        ("invoice", no_detail, "2020"),
        ("invoice", sale(json!({"ItemRef": {"value": "99"}})), "2500"),
        ("invoice", sale(json!({"ItemRef": {"value": "1"}, "Qty": 2, "UnitPrice": 4})), "6070"),
        ("invoice", long, "2050"),
        ("customer", json!({"DisplayName": "ada"}), "6240"),
        ("vendor", json!({"DisplayName": "Ada"}), "6240"),
        ("customer", json!({"Notes": "no name"}), "2020"),
        ("item", json!({"Type": "Service"}), "2020"),
        ("account", json!({"Name": "X"}), "2020"),
        ("journalentry", journal(5, 6), "6000"),
        ("payment", json!({"CustomerRef": {"value": donor}, "TotalAmt": "five"}), "2080"),
        (
            "purchase",
            json!({"AccountRef": {"value": "1"}, "PaymentType": "Shells", "Line": [cost(1)]}),
            "2170",
        ),
    ];
    for (path, body, code) in cases {
        assert_eq!(world.post(path, &body).fault(), refused(400, code), "{path} {body}");
    }
    assert_eq!(world.call("POST", "invoice", "{\"a\":").unwrap().fault(), refused(400, "2010"));
    world.server.close_books(&world.realm, "2026-01-31");
    assert_eq!(world.post("invoice", &dated).fault(), refused(400, "6210"));
    assert_eq!(world.query("select count(*) from Invoice").json()["QueryResponse"]["totalCount"], 0);
}

#[test]
fn a_document_number_is_used_once_unless_allowed() {
    let world = World::new();
    let donor = world.donor("Ada");
    let body = json!({"CustomerRef": {"value": donor}, "DocNumber": "77", "Line": [{"Amount": 1, "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": {"ItemRef": {"value": "1"}}}]});
    let first = world.made("invoice", &body);
    let again = world.post("invoice", &body);
    assert_eq!(again.fault(), refused(400, "6140"));
    assert!(again.text.contains(&format!("TxnId={}", id(&first))));
    world.made("invoice?include=allowduplicatedocnum", &body);
    world.server.set_unique_numbers(&world.realm, false);
    world.made("invoice", &body);
}

#[test]
fn a_request_id_answers_the_first_time_for_ever() {
    let world = World::new();
    let body = json!({"DisplayName": "Ada"});
    let first = world.post("customer?requestid=u1", &body);
    world.pass(100 * SECOND);
    assert_eq!(world.post("customer?requestid=u1", &body).text, first.text);
    assert_eq!(world.post("customer?requestid=u1", &json!({"DisplayName": "Other"})).text, first.text);
    assert_eq!(world.query("select count(*) from Customer").json()["QueryResponse"]["totalCount"], 1);
    // Without one, or with an empty one, it is a second write.
    assert_eq!(world.post("customer?requestid=", &body).fault(), refused(400, "6240"));
    let long = format!("customer?requestid={}", "x".repeat(51));
    assert_eq!(world.post(&long, &json!({"DisplayName": "B"})).fault(), refused(400, "2050"));
    let delete = json!({"Id": "1", "SyncToken": "0"});
    world.invoice("1", "5");
    let gone = world.post("invoice?operation=delete&requestid=u2", &delete);
    assert_eq!(world.post("invoice?operation=delete&requestid=u2", &delete).text, gone.text);
    assert_eq!(world.post("invoice?operation=delete", &delete).fault(), refused(400, "610"));
}

#[test]
fn a_void_zeroes_and_reopens() {
    let world = World::new();
    let donor = world.donor("Ada");
    let invoice = id(&world.invoice(&donor, "50"));
    let body = json!({"CustomerRef": {"value": donor}, "TotalAmt": 50, "PrivateNote": "old", "Line": [applied(50, "Invoice", &invoice)]});
    let payment = id(&world.made("payment", &body));
    let voided = world.made(
        "payment?operation=update&include=void",
        &json!({"Id": payment, "SyncToken": "0", "CustomerRef": {"value": donor}, "sparse": true}),
    );
    assert_eq!(
        (&voided["PrivateNote"], &voided["TotalAmt"], &voided["SyncToken"]),
        (&json!("Voided - old"), &json!(0), &json!("1"))
    );
    assert_eq!(voided["Line"], json!([]));
    let open = world.read(&format!("invoice/{invoice}"), "Invoice");
    assert_eq!((open["Balance"].to_string(), &open["LinkedTxn"]), ("50.0".to_owned(), &json!([])));
    let token = &open["SyncToken"];
    let voided = world.made("invoice?operation=void", &json!({"Id": invoice, "SyncToken": token}));
    assert_eq!(
        (&voided["PrivateNote"], &voided["Balance"], &voided["Line"][0]["Amount"]),
        (&json!("Voided"), &json!(0), &json!(0))
    );
    assert_eq!(world.read(&format!("customer/{donor}"), "Customer")["Balance"], 0);
    assert_eq!(world.query("select * from Invoice").rows("Invoice").len(), 1);
    let bill = world.bill(&world.vendor("V"), 5);
    let reply = world.post("bill?include=void", &json!({"Id": id(&bill), "SyncToken": "0"}));
    assert_eq!(reply.fault(), refused(400, "500"));
}

#[test]
fn what_lies_in_a_deposit_stays_as_it_is() {
    let world = World::new();
    let receipt = id(&world.receipt(50));
    let line =
        json!({"Amount": 50, "LinkedTxn": [{"TxnId": receipt, "TxnType": "SalesReceipt", "TxnLineId": "0"}]});
    let fee = json!({"Amount": -1.75, "DetailType": "DepositLineDetail", "DepositLineDetail": {"AccountRef": {"value": "14"}}});
    let typed = json!({"Amount": 50, "DetailType": "DepositLineDetail", "DepositLineDetail": {},
        "LinkedTxn": [{"TxnId": receipt, "TxnType": "SalesReceipt", "TxnLineId": "0"}]});
    let bank = json!({"value": "1"});
    let wrong = world.post("deposit", &json!({"DepositToAccountRef": bank, "Line": [typed]}));
    assert_eq!(wrong.fault(), refused(400, "2020"));
    let deposit = world.made("deposit", &json!({"DepositToAccountRef": bank, "Line": [line, fee]}));
    assert_eq!(deposit["TotalAmt"].to_string(), "48.25");
    let twice = json!({"DepositToAccountRef": bank, "Line": [applied(50, "SalesReceipt", &receipt)]});
    assert_eq!(world.post("deposit", &twice).fault(), refused(400, "6000"));
    let held = world.read(&format!("salesreceipt/{receipt}"), "SalesReceipt");
    assert_eq!(held["LinkedTxn"], json!([{"TxnId": id(&deposit), "TxnType": "Deposit"}]));
    let token = &held["SyncToken"];
    let void = json!({"Id": receipt, "SyncToken": token, "sparse": true});
    assert_eq!(world.post("salesreceipt?operation=update&include=void", &void).fault(), refused(400, "6540"));
    assert_eq!(world.post("salesreceipt?operation=delete", &void).fault(), refused(400, "6540"));
    world.made("deposit?operation=delete", &json!({"Id": id(&deposit), "SyncToken": "0"}));
    let again = world.read(&format!("salesreceipt/{receipt}"), "SalesReceipt");
    let void = json!({"Id": receipt, "SyncToken": again["SyncToken"], "sparse": true});
    assert_eq!(world.made("salesreceipt?operation=update&include=void", &void)["TotalAmt"], 0);
}
