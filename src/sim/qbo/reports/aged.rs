//! What is open by age and name, as of a day.

use std::collections::BTreeMap;

use super::super::company::{Company, Key};
use super::super::money::amount;
use super::super::schema::Kind;
use super::super::time::{days_between, today};
use super::super::tree::Json;
use super::{cells, column, header, report, section};

/// Current, and four periods.
const BUCKETS: usize = 5;

/// `AgedReceivables` or `AgedPayables`.
pub(super) fn answer(company: &Company, name: &str, params: &BTreeMap<String, String>, now: i64) -> Json {
    let as_of = params.get("report_date").cloned().unwrap_or_else(|| today(now));
    let period: i64 = params.get("aging_period").and_then(|days| days.parse().ok()).unwrap_or(30).max(1);
    let receivable = name == "AgedReceivables";
    let (person, by) = if receivable { (Kind::Customer, "CustomerRef") } else { (Kind::Vendor, "VendorRef") };
    let mut names: BTreeMap<String, [i64; BUCKETS]> = BTreeMap::new();
    for (id, due, cents) in open(company, receivable, by, &as_of) {
        let late = days_between(&due, &as_of);
        let bucket = if late <= 0 {
            0
        } else {
            1 + usize::try_from((late - 1) / period).unwrap_or(0).min(BUCKETS - 2)
        };
        if let Some(cell) = names.entry(id).or_default().get_mut(bucket) {
            *cell += cents;
        }
    }
    names.retain(|_, row| row.iter().any(|cents| *cents != 0));
    let shown = |row: &[i64; BUCKETS]| {
        let mut all: Vec<String> =
            row.iter().map(|cents| if *cents == 0 { String::new() } else { amount(*cents) }).collect();
        all.push(amount(row.iter().sum()));
        all
    };
    let mut total = [0; BUCKETS];
    let mut rows = Vec::new();
    for (id, row) in &names {
        total.iter_mut().zip(row).for_each(|(sum, cents)| *sum += cents);
        let label = company.get(person, id).and_then(|name| name.str_at("DisplayName")).unwrap_or_default();
        rows.push(cells(label, Some(id), &shown(row)));
    }
    if !rows.is_empty() {
        rows.push(section("GrandTotal", None, Vec::new(), "TOTAL", &shown(&total)));
    }
    let titles = ["Current", "1 - 30", "31 - 60", "61 - 90", "91 and over", "Total"];
    let keys = ["current", "0", "1", "2", "3", "total"];
    let mut columns = vec![column(
        "",
        if receivable { "Customer" } else { "Vendor" },
        if receivable { "cust_name" } else { "vend_name" },
        None,
    )];
    columns.extend(titles.iter().zip(keys).map(|(title, key)| column(title, "Money", key, None)));
    report(header(name, &as_of, &as_of, now, names.is_empty()), columns, rows)
}

/// Name, day from which it ages and amount of all that is open at the end of a day.
fn open(company: &Company, receivable: bool, by: &str, as_of: &str) -> Vec<(String, String, i64)> {
    let kinds: &[(Kind, i64)] = if receivable {
        &[(Kind::Invoice, 1), (Kind::CreditMemo, -1), (Kind::Payment, -1)]
    } else {
        &[(Kind::Bill, 1), (Kind::VendorCredit, -1)]
    };
    let mut applied: BTreeMap<&Key, i64> = BTreeMap::new();
    for entry in company.ledger.values().filter(|entry| entry.date.as_str() <= as_of) {
        entry.links.iter().for_each(|link| *applied.entry(&link.target).or_default() += link.cents);
    }
    let mut all = Vec::new();
    for (kind, sign) in kinds {
        for row in company.all(*kind) {
            let object = &row.object;
            let date = object.str_at("TxnDate").unwrap_or_default();
            let (Some(name), true) = (object.id_at(by), date <= as_of) else { continue };
            let key = (*kind, object.str_at("Id").unwrap_or_default().to_owned());
            let open = if *kind == Kind::Payment {
                object.cents_at("UnappliedAmt")
            } else {
                object.cents_at("TotalAmt") - applied.get(&key).copied().unwrap_or(0)
            };
            let due = object.str_at("DueDate").unwrap_or(date);
            all.push((name.to_owned(), due.to_owned(), sign * open));
        }
    }
    all
}
