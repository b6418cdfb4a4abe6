//! Reports from the same postings as all balances (contract 8): `BalanceSheet`, `ProfitAndLoss`,
//! `TrialBalance`, `AgedReceivables`, `AgedPayables`, on the accrual basis.

mod aged;

use std::collections::BTreeMap;

use super::company::Company;
use super::money::amount;
use super::refusal::Refusal;
use super::schema::Kind;
use super::time::{day, days_after, stamp, today};
use super::tree::Json;

/// A column: its title, key, first and last day.
struct Column {
    title: String,
    key: String,
    from: String,
    to: String,
}

/// Amounts of one row, one a column, in cents.
type Cells = Vec<i64>;

/// The body of a report.
pub(crate) fn answer(
    company: &Company,
    name: &str,
    params: &BTreeMap<String, String>,
    now: i64,
) -> Result<Json, Refusal> {
    let param = |name: &str| params.get(name).map(String::as_str);
    if param("accounting_method") == Some("Cash") {
        return Err(Refusal::unsupported("accounting_method=Cash"));
    }
    let today = today(now);
    if let "AgedReceivables" | "AgedPayables" = name {
        return Ok(aged::answer(company, name, params, now));
    }
    let year = today.get(..4).unwrap_or("1970");
    let whole = param("start_date")
        .zip(param("end_date"))
        .filter(|(from, to)| day(from).is_some() && day(to).is_some());
    let (from, to) = whole.map_or_else(
        || (format!("{year}-01-01"), today.clone()),
        |(from, to)| (from.to_owned(), to.to_owned()),
    );
    let columns = columns(param("summarize_column_by"), &from, &to);
    let (rows, empty) = match name {
        "ProfitAndLoss" => profit_and_loss(company, params, &columns),
        "BalanceSheet" => balance_sheet(company, &columns),
        "TrialBalance" => return Ok(trial_balance(company, &from, &to, now)),
        other => return Err(Refusal::unsupported(&format!("reports/{other}"))),
    };
    let by = param("summarize_column_by").unwrap_or("Total");
    let mut header = header(name, &from, &to, now, empty);
    header.set("SummarizeColumnsBy", Json::text(by));
    if let Some(customer) = param("customer") {
        header.set("Customer", Json::text(customer));
    }
    let dated = by == "Month";
    let mut told = vec![column("", "Account", "account", None)];
    told.extend(columns.iter().map(|one| {
        let days = (dated && one.key != "total").then_some((one.from.as_str(), one.to.as_str()));
        column(&one.title, "Money", &one.key, days)
    }));
    Ok(report(header, told, rows))
}

fn report(header: Json, columns: Vec<Json>, rows: Vec<Json>) -> Json {
    Json::object([
        ("Header", header),
        ("Columns", Json::object([("Column", Json::Arr(columns))])),
        (
            "Rows",
            if rows.is_empty() { Json::Obj(Vec::new()) } else { Json::object([("Row", Json::Arr(rows))]) },
        ),
    ])
}

fn header(name: &str, from: &str, to: &str, now: i64, empty: bool) -> Json {
    let option =
        |name: &str, value: &str| Json::object([("Name", Json::text(name)), ("Value", Json::text(value))]);
    Json::object([
        ("Time", Json::text(stamp(now))),
        ("ReportName", Json::text(name)),
        ("ReportBasis", Json::text("Accrual")),
        ("StartPeriod", Json::text(from)),
        ("EndPeriod", Json::text(to)),
        ("SummarizeColumnsBy", Json::text("Total")),
        ("Currency", Json::text("USD")),
        (
            "Option",
            Json::Arr(vec![
                option("AccountingStandard", "GAAP"),
                option("NoReportData", if empty { "true" } else { "false" }),
            ]),
        ),
    ])
}

fn column(title: &str, kind: &str, key: &str, dates: Option<(&str, &str)>) -> Json {
    let entry =
        |name: &str, value: &str| Json::object([("Name", Json::text(name)), ("Value", Json::text(value))]);
    let mut entries = Vec::new();
    if let Some((from, to)) = dates {
        entries.push(entry("StartDate", from));
        entries.push(entry("EndDate", to));
    }
    entries.push(entry("ColKey", key));
    Json::object([
        ("ColTitle", Json::text(title)),
        ("ColType", Json::text(kind)),
        ("MetaData", Json::Arr(entries)),
    ])
}

/// One column for all, or one a month and the total.
fn columns(by: Option<&str>, from: &str, to: &str) -> Vec<Column> {
    let mut columns = Vec::new();
    if by == Some("Month") {
        let mut start = from.to_owned();
        while start.as_str() <= to && columns.len() < 120 {
            let Some(first) = day(&start) else { break };
            let last = first.last_of_month().to_string();
            let last = if last.as_str() < to { last } else { to.to_owned() };
            columns.push(Column {
                title: first.strftime("%b %Y").to_string(),
                key: first.strftime("%b %Y").to_string(),
                from: start.clone(),
                to: last.clone(),
            });
            start = days_after(&last, 1);
        }
    }
    columns.push(Column {
        title: "TOTAL".to_owned(),
        key: "total".to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
    });
    columns
}

fn cells(label: &str, id: Option<&str>, values: &[String]) -> Json {
    let mut first = Json::object([("value", Json::text(label))]);
    if let Some(id) = id {
        first.set("id", Json::text(id));
    }
    let rest = values.iter().map(|value| Json::object([("value", Json::text(&**value))]));
    Json::object([("ColData", Json::Arr(std::iter::once(first).chain(rest).collect()))])
}

fn shown(values: &Cells, empty: bool) -> Vec<String> {
    values.iter().map(|cents| if empty { String::new() } else { amount(*cents) }).collect()
}

/// A section with a heading, rows and a sum; each part only when there is one.
fn section(group: &str, heading: Option<&str>, rows: Vec<Json>, sum: &str, values: &[String]) -> Json {
    let mut told = Json::Obj(Vec::new());
    if let Some(heading) = heading {
        told.set("Header", cells(heading, None, &vec![String::new(); values.len()]));
    }
    if !rows.is_empty() {
        told.set("Rows", Json::object([("Row", Json::Arr(rows))]));
    }
    told.set("Summary", cells(sum, None, values));
    told.set("type", Json::text("Section"));
    told.set("group", Json::text(group));
    told
}

/// Sums by account for each column, for what passes; from the beginning of time when `ever`.
fn sums(
    company: &Company,
    columns: &[Column],
    ever: bool,
    passes: impl Fn(&super::effects::Posting, Option<&Json>) -> bool,
) -> BTreeMap<String, Cells> {
    let mut sums: BTreeMap<String, Cells> = BTreeMap::new();
    for (key, entry) in &company.ledger {
        let document = company.get(key.0, &key.1);
        for posting in entry.postings.iter().filter(|posting| passes(posting, document)) {
            for (at, column) in columns.iter().enumerate() {
                let within = entry.date <= column.to && (ever || entry.date >= column.from);
                let row = sums.entry(posting.account.clone()).or_insert_with(|| vec![0; columns.len()]);
                if let Some(cell) = row.get_mut(at).filter(|_| within) {
                    *cell += posting.cents;
                }
            }
        }
    }
    sums.retain(|_, row| row.iter().any(|cents| *cents != 0));
    sums
}

fn plus(one: &Cells, two: &Cells, sign: i64) -> Cells {
    one.iter().zip(two).map(|(one, two)| one + sign * two).collect()
}

/// Data rows and their sum for accounts of some types.
fn block(
    company: &Company,
    sums: &BTreeMap<String, Cells>,
    types: &[&str],
    sign: i64,
    width: usize,
) -> (Vec<Json>, Cells) {
    let mut rows = Vec::new();
    let mut total = vec![0; width];
    for (id, row) in sums {
        let Some(account) = company.get(Kind::Account, id) else { continue };
        if account.str_at("AccountType").is_some_and(|kind| types.contains(&kind)) {
            let row: Cells = row.iter().map(|cents| sign * cents).collect();
            total = plus(&total, &row, 1);
            let mut told = cells(
                account.str_at("FullyQualifiedName").unwrap_or_default(),
                Some(id),
                &shown(&row, false),
            );
            told.set("type", Json::text("Data"));
            rows.push(told);
        }
    }
    (rows, total)
}

fn profit_and_loss(
    company: &Company,
    params: &BTreeMap<String, String>,
    columns: &[Column],
) -> (Vec<Json>, bool) {
    let wanted =
        |name: &str| params.get(name).map(|ids| ids.split(',').map(str::to_owned).collect::<Vec<_>>());
    let (customers, classes) = (wanted("customer"), wanted("class"));
    let sums = sums(company, columns, false, |posting, document| {
        let customer = document.and_then(|document| document.id_at("CustomerRef"));
        let of = |list: &Option<Vec<String>>, id: Option<&str>| {
            list.as_ref().is_none_or(|list| id.is_some_and(|id| list.iter().any(|one| one == id)))
        };
        of(&customers, customer) && of(&classes, posting.class.as_deref())
    });
    let width = columns.len();
    let part = |types: &[&str], sign: i64| block(company, &sums, types, sign, width);
    let income = part(&["Income"], -1);
    let cost = part(&["Cost of Goods Sold"], 1);
    let expenses = part(&["Expense"], 1);
    let other_income = part(&["Other Income"], -1);
    let other_expenses = part(&["Other Expense"], 1);
    let all = [&income, &cost, &expenses, &other_income, &other_expenses];
    let empty = all.iter().all(|part| part.0.is_empty());
    let say = |values: &Cells| shown(values, empty);
    let gross = plus(&income.1, &cost.1, -1);
    let operating = plus(&gross, &expenses.1, -1);
    let other = plus(&other_income.1, &other_expenses.1, -1);
    let net = plus(&operating, &other, 1);
    let mut rows = vec![section("Income", Some("Income"), income.0, "Total Income", &say(&income.1))];
    if !cost.0.is_empty() {
        rows.push(section(
            "COGS",
            Some("Cost of Goods Sold"),
            cost.0,
            "Total Cost of Goods Sold",
            &say(&cost.1),
        ));
    }
    rows.push(section("GrossProfit", None, Vec::new(), "Gross Profit", &say(&gross)));
    rows.push(section("Expenses", Some("Expenses"), expenses.0, "Total Expenses", &say(&expenses.1)));
    rows.push(section("NetOperatingIncome", None, Vec::new(), "Net Operating Income", &say(&operating)));
    if !other_income.0.is_empty() || !other_expenses.0.is_empty() {
        rows.push(section(
            "OtherIncome",
            Some("Other Income"),
            other_income.0,
            "Total Other Income",
            &say(&other_income.1),
        ));
        let (lines, sum) = other_expenses;
        rows.push(section(
            "OtherExpenses",
            Some("Other Expenses"),
            lines,
            "Total Other Expenses",
            &say(&sum),
        ));
        rows.push(section("NetOtherIncome", None, Vec::new(), "Net Other Income", &say(&other)));
    }
    rows.push(section("NetIncome", None, Vec::new(), "Net Income", &say(&net)));
    (rows, empty)
}

fn balance_sheet(company: &Company, columns: &[Column]) -> (Vec<Json>, bool) {
    let sums = sums(company, columns, true, |_, _| true);
    let width = columns.len();
    let say = |values: &Cells| shown(values, false);
    let part = |group: &str, heading: &str, types: &[&str], sign: i64| {
        let (rows, total) = block(company, &sums, types, sign, width);
        (section(group, Some(heading), rows, &format!("Total {heading}"), &say(&total)), total)
    };
    let gather = |group: &str, heading: &str, sum: &str, parts: Vec<(Json, Cells)>| {
        let total = parts.iter().fold(vec![0; width], |total, (_, own)| plus(&total, own, 1));
        let rows = parts.into_iter().map(|(row, _)| row).collect();
        (section(group, Some(heading), rows, sum, &say(&total)), total)
    };
    let current = gather(
        "CurrentAssets",
        "Current Assets",
        "Total Current Assets",
        vec![
            part("BankAccounts", "Bank Accounts", &["Bank"], 1),
            part("AR", "Accounts Receivable", &["Accounts Receivable"], 1),
            part("OtherCurrentAssets", "Other Current Assets", &["Other Current Asset"], 1),
        ],
    );
    let assets = gather(
        "TotalAssets",
        "ASSETS",
        "TOTAL ASSETS",
        vec![
            current,
            part("FixedAssets", "Fixed Assets", &["Fixed Asset"], 1),
            part("OtherAssets", "Other Assets", &["Other Asset"], 1),
        ],
    );
    let short = gather(
        "CurrentLiabilities",
        "Current Liabilities",
        "Total Current Liabilities",
        vec![
            part("AP", "Accounts Payable", &["Accounts Payable"], -1),
            part("CreditCards", "Credit Cards", &["Credit Card"], -1),
            part("OtherCurrentLiabilities", "Other Current Liabilities", &["Other Current Liability"], -1),
        ],
    );
    let long = part("LongTermLiabilities", "Long-Term Liabilities", &["Long Term Liability"], -1);
    let liabilities = gather("Liabilities", "Liabilities", "Total Liabilities", vec![short, long]);
    let earned = ["Income", "Other Income", "Cost of Goods Sold", "Expense", "Other Expense"];
    let (mut own, own_sum) = block(company, &sums, &["Equity"], -1, width);
    let (_, net) = block(company, &sums, &earned, -1, width);
    let mut row = cells("Net Income", None, &say(&net));
    row.set("type", Json::text("Data"));
    row.set("group", Json::text("NetIncome"));
    own.push(row);
    let equity_sum = plus(&own_sum, &net, 1);
    let equity = (section("Equity", Some("Equity"), own, "Total Equity", &say(&equity_sum)), equity_sum);
    let other = gather(
        "TotalLiabilitiesAndEquity",
        "LIABILITIES AND EQUITY",
        "TOTAL LIABILITIES AND EQUITY",
        vec![liabilities, equity],
    );
    (vec![assets.0, other.0], sums.is_empty())
}

fn trial_balance(company: &Company, from: &str, to: &str, now: i64) -> Json {
    let column_all =
        [Column { title: String::new(), key: String::new(), from: from.to_owned(), to: to.to_owned() }];
    let sums = sums(company, &column_all, true, |_, _| true);
    let (mut debits, mut credits) = (0, 0);
    let mut rows = Vec::new();
    for (id, row) in &sums {
        let cents = row.first().copied().unwrap_or_default();
        let name = company.get(Kind::Account, id).and_then(|account| account.str_at("FullyQualifiedName"));
        let (debit, credit) =
            if cents > 0 { (amount(cents), String::new()) } else { (String::new(), amount(-cents)) };
        debits += cents.max(0);
        credits += (-cents).max(0);
        let mut told = cells(name.unwrap_or_default(), Some(id), &[debit, credit]);
        told.set("type", Json::text("Data"));
        rows.push(told);
    }
    if !rows.is_empty() {
        let sum = [amount(debits), amount(credits)];
        rows.push(section("GrandTotal", None, Vec::new(), "TOTAL", &sum));
    }
    let columns = vec![
        column("", "Account", "account", None),
        column("Debit", "Money", "debit", None),
        column("Credit", "Money", "credit", None),
    ];
    report(header("TrialBalance", from, to, now, sums.is_empty()), columns, rows)
}
