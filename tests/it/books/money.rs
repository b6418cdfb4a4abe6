//! The money of the companies through the API: figures are the sum of the records behind them, the worst company is first, one
//! that cannot be read holds up nobody, and another day needs no commit.

use almoner::sim::qbo::{Kind, Shape};
use serde_json::{Value, json};

use super::face::Door;
use super::firm::{Firm, MINUTE, Office};

/// An amount in cents, from its text or from the text of its number.
pub fn cents(amount: &Value) -> i64 {
    let text = amount.as_str().map_or_else(|| amount.to_string(), str::to_owned);
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "00"));
    let sign = if text.starts_with('-') { -1 } else { 1 };
    whole.parse::<i64>().unwrap() * 100 + sign * format!("{fraction:0<2}").parse::<i64>().unwrap()
}

/// The firm of the simulator, all of it read; then one disconnects there and one lapses.
fn firm(seed: u64) -> (Firm, Office, Vec<(String, Shape)>) {
    let firm = Firm::new(seed);
    let companies = firm.qbo.add_firm();
    let mut office = firm.open(true);
    for (company, shape) in &companies {
        if *shape == Shape::Lapsed {
            firm.qbo.set_lapsed(company, false);
        }
        office.connect(&firm.qbo, company);
    }
    office.work(20 * MINUTE);
    for (company, shape) in &companies {
        match shape {
            Shape::Broken => firm.qbo.disconnect(company),
            Shape::Lapsed => firm.qbo.set_lapsed(company, true),
            _ => {}
        }
    }
    office.work(20 * MINUTE);
    (firm, office, companies)
}

fn of(companies: &[(String, Shape)], shape: Shape) -> String {
    companies.iter().find(|(_, of)| *of == shape).unwrap().0.clone()
}

#[test]
fn the_portfolio_has_the_worst_first_and_who_cannot_be_read_holds_up_nobody() {
    let (firm, office, companies) = firm(70);
    let door = Door::of(&office, None);
    firm.qbo.clear_log();
    let (status, portfolio) = door.get("/api/portfolio");
    let rows = portfolio["data"].as_array().unwrap();
    assert_eq!((status, rows.len()), (200, 12));
    assert!(firm.qbo.request_log().is_empty(), "no remote call");
    let place = |shape| rows.iter().position(|row| row["realm"] == of(&companies, shape)).unwrap();
    let troubled: Vec<_> = [place(Shape::Broken), place(Shape::Lapsed)].into();
    assert!(troubled.iter().all(|at| *at < 2), "who cannot be read is first: {troubled:?}");
    assert!(rows[troubled[0]]["trouble"].is_string() && rows[troubled[0]]["figures"].is_object());
    assert!(rows[2..].iter().all(|row| row["trouble"].is_null()), "the others go on");
    assert!(place(Shape::NearlyOutOfCash) < place(Shape::Healthy));
    let empty = &rows[place(Shape::Empty)]["figures"];
    assert_eq!(empty["runway"]["unknown"], "no_burn", "nothing is assumed: {empty}");
    let days: Vec<i64> = rows[2..]
        .iter()
        .filter(|row| row["health"] == "needs_attention")
        .filter_map(|row| row["figures"]["runway"]["days"].as_i64())
        .collect();
    assert!(days.is_sorted(), "{days:?}");
    assert!(rows.iter().all(|row| row["freshness"].is_string() && row["syncedAt"].is_string()));
    // Nobody sees companies beyond their scope.
    let ours = of(&companies, Shape::Healthy);
    let scoped = Door::of(&office, Some(vec![ours.clone()]));
    let seen = scoped.get("/api/portfolio").1["data"].as_array().unwrap().clone();
    assert_eq!((seen.len(), &seen[0]["realm"]), (1, &json!(ours)));
    let theirs = of(&companies, Shape::LateBills);
    for path in ["money", "tray", "console", "what-if?bills=1"] {
        assert_eq!(scoped.get(&format!("/api/books/companies/{theirs}/{path}")).0, 404, "{path}");
    }
}

/// The kind that the API calls so.
fn kind_of(word: &str) -> Kind {
    match word {
        "bill" => Kind::Bill,
        "invoice" => Kind::Invoice,
        "account" => Kind::Account,
        "purchase" => Kind::Purchase,
        "billpayment" => Kind::BillPayment,
        "refundreceipt" => Kind::RefundReceipt,
        "journalentry" => Kind::JournalEntry,
        other => panic!("{other}"),
    }
}

/// All records behind a figure, page by page.
fn rows(door: &Door, company: &str, name: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), 0_u64);
    loop {
        let (status, page) =
            door.get(&format!("/api/books/companies/{company}/figures/{name}?after={after}"));
        assert_eq!(status, 200, "{name}: {page}");
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => return all,
        }
    }
}

#[test]
fn every_figure_is_the_sum_of_the_records_behind_it() {
    let (firm, office, companies) = firm(71);
    let door = Door::of(&office, None);
    for shape in [Shape::Healthy, Shape::SlowPayers, Shape::LateBills, Shape::NearlyOutOfCash] {
        let company = of(&companies, shape);
        let (status, told) = door.get(&format!("/api/books/companies/{company}/money"));
        assert_eq!(status, 200, "{told}");
        let data = &told["data"];
        let balance = |kind: &str, id: &str, field: &str| {
            let objects = firm.qbo.objects(&company, kind_of(kind));
            let object = objects.iter().find(|it| it["Id"] == id).unwrap();
            cents(&object[field])
        };
        let sum = |name: &str, figure: &Value, field: Option<&str>| {
            let rows = rows(&door, &company, name);
            assert_eq!(rows.len() as u64, figure["count"].as_u64().unwrap(), "{name}");
            for it in rows.iter().filter(|_| field.is_some()) {
                let there = balance(it["kind"].as_str().unwrap(), it["id"].as_str().unwrap(), field.unwrap());
                assert_eq!(cents(&it["amount"]), there, "{name}: {it}");
            }
            rows.iter().map(|it| cents(&it["amount"])).sum::<i64>()
        };
        for (figure, field) in [
            ("payable", Some("Balance")),
            ("receivable", Some("Balance")),
            ("cash", Some("CurrentBalance")),
            ("spent", Some("TotalAmt")),
            ("restricted", None),
            ("inflow", None),
        ] {
            let all = sum(figure, &data[figure], field);
            assert_eq!(cents(&data[figure]["amount"]), all, "{figure} of {shape:?}");
        }
        for (aging, total) in [("payableAging", "payable"), ("receivableAging", "receivable")] {
            let buckets = data[aging].as_array().unwrap();
            let all: i64 = buckets.iter().map(|it| cents(&it["figure"]["amount"])).sum();
            assert_eq!(all, cents(&data[total]["amount"]), "{aging} of {shape:?}");
            for it in buckets {
                let name = format!("{total}-{}", it["bucket"].as_str().unwrap());
                assert_eq!(
                    cents(&it["figure"]["amount"]),
                    sum(&name, &it["figure"], Some("Balance")),
                    "{name}"
                );
            }
        }
        for (at, week) in (1..).zip(data["forecast"]["weeks"].as_array().unwrap()) {
            let net = cents(&week["invoices"]) + cents(&week["expected"]) - cents(&week["bills"]);
            assert_eq!(sum(&format!("week-{at}"), week, None), net, "week {at} of {shape:?}");
        }
        let weeks = data["forecast"]["weeks"].as_array().unwrap();
        assert_eq!((weeks.len(), &weeks[0]["opening"]), (13, &data["cash"]["amount"]));
        // Every open bill is in the tray or in the console, and what is blocked is told.
        let (_, console) = door.get(&format!("/api/books/companies/{company}/console"));
        let bills = console["data"].as_array().unwrap();
        let open = data["payable"]["count"].as_u64().unwrap();
        assert_eq!(bills.len() as u64 + console["blocked"].as_u64().unwrap(), open);
        let ids: Vec<&str> = bills.iter().take(3).map(|bill| bill["id"].as_str().unwrap()).collect();
        if !ids.is_empty() {
            let (_, tried) =
                door.get(&format!("/api/books/companies/{company}/what-if?bills={}", ids.join(",")));
            let paid: i64 = bills.iter().take(3).map(|bill| cents(&bill["open"])).sum();
            assert_eq!(cents(&tried["data"]["amount"]), paid);
            let twice = door.get(&format!("/api/books/companies/{company}/what-if?bills={0},{0}", ids[0])).1;
            assert_eq!(twice["data"]["amount"], bills[0]["open"], "a bill is paid once");
            let after = cents(&data["cash"]["amount"]) - paid;
            assert_eq!(cents(&tried["data"]["cashAfter"]), after);
        }
    }
}

#[test]
fn another_day_and_another_record_change_the_figures_without_a_word_and_the_tray_says_what_it_does_not_look_at()
 {
    let (firm, mut office, companies) = firm(72);
    let company = of(&companies, Shape::Healthy);
    let path = format!("/api/books/companies/{company}/money");
    let before = Door::of(&office, None).get(&path).1;
    firm.pass(40 * 24 * 60 * MINUTE);
    let door = Door::of(&office, None);
    let (entries, due) = (office.entries(), |told: &Value| {
        told["data"]["payableAging"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["figure"]["count"].clone())
            .collect::<Vec<_>>()
    });
    let later = door.get(&path).1;
    assert_eq!(office.entries(), entries, "nothing was committed");
    assert_ne!(before["meta"]["today"], later["meta"]["today"]);
    assert_eq!(later["meta"]["freshness"], "stale", "the figures say how old they are");
    assert_ne!(due(&before), due(&later), "what was due is late now");
    let (_, tray) = door.get(&format!("/api/books/companies/{company}/tray"));
    assert_eq!(tray["data"][0]["rule"], "stale_data");
    let not = tray["notEvaluated"].as_array().unwrap();
    assert!(not.iter().any(|it| it["rule"] == "unmatched_deposit" && it["why"] == "no_rail"));
    // A payment there moves the figures at the next look.
    office.work(30 * MINUTE);
    let read = door.get(&path).1;
    let bill = firm
        .qbo
        .objects(&company, Kind::Bill)
        .into_iter()
        .find(|it| it["Balance"].as_f64() > Some(0.0))
        .unwrap();
    let payment = json!({"VendorRef": bill["VendorRef"], "PayType": "Check", "TotalAmt": bill["Balance"],
        "CheckPayment": {"BankAccountRef": {"value": "1"}},
        "Line": [{"Amount": bill["Balance"], "LinkedTxn": [{"TxnId": bill["Id"], "TxnType": "Bill"}]}]});
    firm.qbo.change(&company, Kind::BillPayment, &payment, "").unwrap();
    office.work(20 * MINUTE);
    let paid = door.get(&path).1;
    let open = cents(&bill["Balance"]);
    assert_eq!(cents(&read["data"]["payable"]["amount"]) - cents(&paid["data"]["payable"]["amount"]), open);
    assert_eq!(cents(&read["data"]["cash"]["amount"]) - cents(&paid["data"]["cash"]["amount"]), open);
}
