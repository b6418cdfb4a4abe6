//! Side effects, control totals, reports (checklist 24 to 27), and the firm.

use serde_json::{Value, json};

use super::{World, applied, id};
use crate::sim::qbo::money::Exact;
use crate::sim::qbo::{Kind, Shape};

fn cents(value: &Value) -> i64 {
    Exact::parse(&value.to_string()).unwrap_or_default().cents()
}

/// Σ of a field over a kind.
fn sum(world: &World, realm: &str, kind: Kind, field: &str) -> i64 {
    world.server.objects(realm, kind).iter().map(|object| cents(&object[field])).sum()
}

fn account(world: &World, realm: &str, kind: &str) -> i64 {
    let accounts = world.server.objects(realm, Kind::Account);
    accounts
        .iter()
        .filter(|account| account["AccountType"] == kind)
        .map(|account| cents(&account["CurrentBalance"]))
        .sum()
}

/// The totals of contract 7.5.
fn totals_hold(world: &World, realm: &str) {
    let of = |kind: Kind, field: &str| sum(world, realm, kind, field);
    let open = of(Kind::Invoice, "Balance")
        - of(Kind::CreditMemo, "RemainingCredit")
        - of(Kind::Payment, "UnappliedAmt");
    assert_eq!(open, account(world, realm, "Accounts Receivable"));
    assert_eq!(open, of(Kind::Customer, "Balance"));
    let owed = of(Kind::Bill, "Balance") - of(Kind::VendorCredit, "Balance");
    assert_eq!(owed, -account(world, realm, "Accounts Payable"));
    assert_eq!(owed, of(Kind::Vendor, "Balance"));
}

#[test]
fn payments_move_what_they_are_applied_to() {
    let world = World::new();
    let donor = world.donor("Ada");
    let (one, two) = (id(&world.invoice(&donor, "50")), id(&world.invoice(&donor, "30")));
    let body = json!({"CustomerRef": {"value": donor}, "TotalAmt": 70, "Line": [applied(50, "Invoice", &one), applied(10, "Invoice", &two)]});
    let payment = world.made("payment", &body);
    assert_eq!(cents(&payment["UnappliedAmt"]), 1_000);
    let paid = world.read(&format!("invoice/{one}"), "Invoice");
    assert_eq!((&paid["Balance"], &paid["SyncToken"]), (&json!(0), &json!("1")));
    assert_eq!(paid["LinkedTxn"], json!([{"TxnId": id(&payment), "TxnType": "Payment"}]));
    assert_eq!(cents(&world.read(&format!("invoice/{two}"), "Invoice")["Balance"]), 2_000);
    assert_eq!(cents(&world.read("account/4", "Account")["CurrentBalance"]), 7_000);
    totals_hold(&world, &world.realm);
    let too_much =
        json!({"CustomerRef": {"value": donor}, "TotalAmt": 30, "Line": [applied(30, "Invoice", &two)]});
    assert_eq!(world.post("payment", &too_much).fault().1, "6000");
    world.made("payment?operation=delete", &json!({"Id": id(&payment), "SyncToken": "0"}));
    assert_eq!(cents(&world.read(&format!("invoice/{one}"), "Invoice")["Balance"]), 5_000);
    totals_hold(&world, &world.realm);
}

#[test]
fn a_credit_is_applied_by_a_payment_of_nothing() {
    let world = World::new();
    let donor = world.donor("Ada");
    let invoice = id(&world.invoice(&donor, "50"));
    let memo = world.made(
        "creditmemo",
        &json!({"CustomerRef": {"value": donor}, "Line": [{"Amount": 20, "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": {"ItemRef": {"value": "1"}}}]}),
    );
    assert_eq!((cents(&memo["RemainingCredit"]), cents(&memo["Balance"])), (2_000, 2_000));
    let link = world.made(
        "payment",
        &json!({"CustomerRef": {"value": donor}, "TotalAmt": 0, "Line": [
        applied(20, "Invoice", &invoice), applied(20, "CreditMemo", &id(&memo))]}),
    );
    assert_eq!(link["PrivateNote"], "Created by QB Online to link credits to charges.");
    assert!(link.get("DepositToAccountRef").is_none());
    assert_eq!(world.read(&format!("creditmemo/{}", id(&memo)), "CreditMemo")["RemainingCredit"], 0);
    assert_eq!(cents(&world.read(&format!("invoice/{invoice}"), "Invoice")["Balance"]), 3_000);
    totals_hold(&world, &world.realm);
}

#[test]
fn bills_are_paid_from_bank_and_card_and_say_cheque_for_both() {
    let world = World::new();
    let vendor = world.vendor("V");
    let bill = id(&world.bill(&vendor, 100));
    let credit =
        world.made("vendorcredit", &json!({"VendorRef": {"value": vendor}, "Line": [super::cost(30)]}));
    let card = json!({"VendorRef": {"value": vendor}, "PayType": "CreditCard", "CreditCardPayment": {"CCAccountRef": {"value": "6"}},
        "TotalAmt": 50, "Line": [applied(80, "Bill", &bill), applied(30, "VendorCredit", &id(&credit))]});
    let paid = world.made("billpayment", &card);
    let bill = world.read(&format!("bill/{bill}"), "Bill");
    assert_eq!(
        (cents(&bill["Balance"]), &bill["LinkedTxn"][0]["TxnType"]),
        (2_000, &json!("BillPaymentCheck"))
    );
    assert_eq!(cents(&world.read("account/6", "Account")["CurrentBalance"]), -5_000);
    assert_eq!(cents(&world.read("account/5", "Account")["CurrentBalance"]), -2_000);
    assert_eq!(world.read(&format!("vendorcredit/{}", id(&credit)), "VendorCredit")["Balance"], 0);
    totals_hold(&world, &world.realm);
    let token = paid["SyncToken"].clone();
    world.made(
        "billpayment?operation=update&include=void",
        &json!({"Id": id(&paid), "SyncToken": token, "sparse": true, "VendorRef": {"value": vendor}}),
    );
    assert_eq!(cents(&world.read("account/5", "Account")["CurrentBalance"]), -7_000);
    totals_hold(&world, &world.realm);
}

/// The cell of a section's sum.
fn of_group(report: &Value, group: &str) -> Option<i64> {
    for row in report["Row"].as_array()? {
        if row["group"] == group {
            let cells = row.get("Summary").map_or(&row["ColData"], |summary| &summary["ColData"]);
            return Exact::parse(cells[1]["value"].as_str()?).map(Exact::cents);
        }
        if let Some(found) = of_group(&row["Rows"], group) {
            return Some(found);
        }
    }
    None
}

#[test]
fn totals_hold_over_a_year_of_books_and_reports_agree() {
    let world = World::new();
    world.server.fill(&world.realm, 900);
    totals_hold(&world, &world.realm);
    let sheet = world.get("reports/BalanceSheet?start_date=2025-01-01&end_date=2026-05-01").json();
    let sheet = &sheet["Rows"];
    let cash = of_group(sheet, "BankAccounts").unwrap();
    assert_eq!(cash, account(&world, &world.realm, "Bank"));
    assert_eq!(of_group(sheet, "AR").unwrap(), account(&world, &world.realm, "Accounts Receivable"));
    assert_eq!(of_group(sheet, "AP").unwrap(), -account(&world, &world.realm, "Accounts Payable"));
    assert_eq!(of_group(sheet, "TotalAssets"), of_group(sheet, "TotalLiabilitiesAndEquity"));
    let profit = world.get("reports/ProfitAndLoss?start_date=2025-01-01&end_date=2026-05-01").json();
    let net = of_group(&profit["Rows"], "NetIncome").unwrap();
    assert_eq!(Some(net), of_group(sheet, "NetIncome"));
    assert_eq!(net, sum(&world, &world.realm, Kind::Account, "CurrentBalance"));
    let months = world
        .get("reports/ProfitAndLoss?start_date=2025-01-01&end_date=2026-05-01&summarize_column_by=Month")
        .json();
    assert_eq!(months["Columns"]["Column"].as_array().unwrap().len(), 19);
    for name in ["AgedReceivables", "AgedPayables"] {
        let aged = world.get(&format!("reports/{name}")).json();
        let rows = aged["Rows"]["Row"].as_array().unwrap();
        let total = rows.last().unwrap()["Summary"]["ColData"].as_array().unwrap().last().unwrap();
        let total = Exact::parse(total["value"].as_str().unwrap()).unwrap().cents();
        let wanted = if name == "AgedReceivables" { Kind::Customer } else { Kind::Vendor };
        assert_eq!(total, sum(&world, &world.realm, wanted, "Balance"), "{name}");
    }
    let trial = world.get("reports/TrialBalance").json();
    let last = trial["Rows"]["Row"].as_array().unwrap().last().unwrap()["Summary"]["ColData"].clone();
    assert_eq!(last[1], last[2]);
}

#[test]
fn a_report_without_data_says_so() {
    let world = World::new();
    let report = world.get("reports/ProfitAndLoss?start_date=2015-01-01&end_date=2015-07-31").json();
    assert_eq!(report["Header"]["Option"][1], json!({"Name": "NoReportData", "Value": "true"}));
    assert_eq!(report["Rows"]["Row"][0]["Summary"]["ColData"][1]["value"], "");
    assert_eq!(world.get("reports/TrialBalance").json()["Rows"], json!({}));
    assert_eq!(world.get("reports/Nonsense").fault().1, "500");
}

#[test]
fn the_firm_is_twelve_companies_that_a_seed_makes_again() {
    let firms: Vec<_> = (0..2)
        .map(|_| {
            let world = World::new();
            let firm = world.server.add_firm();
            let all: Vec<Value> =
                firm.iter().flat_map(|(realm, _)| world.server.objects(realm, Kind::SalesReceipt)).collect();
            (world, firm, all)
        })
        .collect();
    let (world, firm, all) = &firms[0];
    assert_eq!((firm, all), (&firms[1].1, &firms[1].2));
    assert_eq!(firm.len(), 12);
    let realm = |shape: Shape| firm.iter().find(|(_, of)| *of == shape).unwrap().0.as_str();
    for (realm, _) in firm {
        totals_hold(world, realm);
    }
    let cash = |shape: Shape| account(world, realm(shape), "Bank");
    assert!(cash(Shape::NearlyOutOfCash) <= 40_000 && cash(Shape::Healthy) > 1_000_000);
    assert_eq!(world.server.objects(realm(Shape::Empty), Kind::SalesReceipt).len(), 0);
    assert!(world.server.objects(realm(Shape::Large), Kind::SalesReceipt).len() > 400);
    let newest = |shape: Shape| {
        let all = world.server.objects(realm(shape), Kind::SalesReceipt);
        all.iter().map(|one| one["MetaData"]["LastUpdatedTime"].as_str().unwrap().to_owned()).max().unwrap()
    };
    assert!(*newest(Shape::Stale) < *"2026-03-05" && *newest(Shape::Healthy) > *"2026-04-20");
    assert_eq!(world.server.objects(realm(Shape::RestrictedFunds), Kind::Class).len(), 4);
    // The broken company refuses its own token, the lapsed one says why.
    assert_eq!(
        world.server.objects(realm(Shape::Twin), Kind::CompanyInfo)[0]["CompanyName"],
        "Harbour Trust"
    );
}
