//! Invented books: the usual accounts, a company with many transactions, a firm of twelve companies.

use super::company::Company;
use super::money::money;
use super::schema::Kind;
use super::server::{Core, purpose};
use super::time::{DAY, days_after, stamp, today};
use super::tree::Json;
use super::write::{self, Options};
use crate::sim::dice::Dice;

/// What is peculiar about a company of the firm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// A year of ordinary books.
    Healthy,
    /// The person disconnected the app; every call is refused with 401.
    Broken,
    /// Nobody wrote anything for two months.
    Stale,
    /// Cash for about two weeks.
    NearlyOutOfCash,
    /// A nonprofit whose money is restricted to funds, kept as classes.
    RestrictedFunds,
    /// Bills that are long due.
    LateBills,
    /// Invoices that nobody pays.
    SlowPayers,
    /// Many transactions.
    Large,
    /// Opened yesterday: accounts, no transactions.
    Empty,
    /// The subscription is over: every call is refused with 6190.
    Lapsed,
    /// Last year's books are closed.
    Closed,
    /// Named as another company is, with the same ids in it.
    Twin,
}

impl Shape {
    const ALL: [Self; 12] = [
        Self::Healthy,
        Self::Broken,
        Self::Stale,
        Self::NearlyOutOfCash,
        Self::RestrictedFunds,
        Self::LateBills,
        Self::SlowPayers,
        Self::Large,
        Self::Empty,
        Self::Lapsed,
        Self::Closed,
        Self::Twin,
    ];
}

/// Accounts of every new company: name, type, subtype. Ids are their places, from 1.
const ACCOUNTS: [(&str, &str, &str); 16] = [
    ("Checking", "Bank", "Checking"),
    ("Savings", "Bank", "Savings"),
    ("Accounts Receivable (A/R)", "Accounts Receivable", "AccountsReceivable"),
    ("Undeposited Funds", "Other Current Asset", "UndepositedFunds"),
    ("Accounts Payable (A/P)", "Accounts Payable", "AccountsPayable"),
    ("Visa", "Credit Card", "CreditCard"),
    ("Sales Tax Payable", "Other Current Liability", "SalesTaxPayable"),
    ("Opening Balance Equity", "Equity", "OpeningBalanceEquity"),
    ("Retained Earnings", "Equity", "RetainedEarnings"),
    ("Donations", "Income", "NonProfitIncome"),
    ("Services", "Income", "ServiceFeeIncome"),
    ("Rent", "Expense", "RentOrLeaseOfBuildings"),
    ("Programme Costs", "Expense", "OtherMiscellaneousServiceCost"),
    ("Bank Charges", "Expense", "BankCharges"),
    ("Wages", "Expense", "PayrollExpenses"),
    ("Interest Earned", "Other Income", "InterestEarned"),
];

const FIRST: [&str; 12] =
    ["Ada", "Ben", "Cora", "Dev", "Edith", "Femi", "Grace", "Hugo", "Iris", "Jomo", "Kira", "Leo"];
const LAST: [&str; 10] =
    ["Abbot", "Baker", "Castro", "Diaz", "Evans", "Fox", "Gupta", "Hall", "Ito", "Jones"];
const VENDORS: [&str; 8] = [
    "City Power",
    "Northside Properties",
    "Paper & Print",
    "Robin's Catering",
    "Safe Insurance",
    "Telephone Co",
    "Van Hire",
    "Web Hosting Ltd",
];
const FUNDS: [&str; 4] = ["General Fund", "Building Fund", "Scholarships", "Food Bank"];

/// Writes as the server would take it from a client; what it refuses is not in the books.
fn make(company: &mut Company, kind: Kind, body: &Json, now: i64) -> Option<String> {
    let made = write::write(company, kind, body, &Options::at(now)).ok()?;
    made.str_at("Id").map(str::to_owned)
}

fn named(name: &str) -> Json {
    Json::object([("Name", Json::text(name))])
}

/// The usual accounts, items, terms and settings of a new company.
pub(crate) fn chart(company: &mut Company, name: &str, now: i64) {
    for (account, kind, subtype) in ACCOUNTS {
        let mut body = named(account);
        body.set("AccountType", Json::text(kind));
        body.set("AccountSubType", Json::text(subtype));
        make(company, Kind::Account, &body, now);
    }
    for (item, account) in [("Donation", "10"), ("Services", "11")] {
        let mut body = named(item);
        body.set("Type", Json::text("Service"));
        body.set("IncomeAccountRef", Json::reference(account));
        make(company, Kind::Item, &body, now);
    }
    for (term, days) in [("Due on receipt", 0), ("Net 15", 15), ("Net 30", 30)] {
        let mut body = named(term);
        body.set("DueDays", Json::int(days));
        make(company, Kind::Term, &body, now);
    }
    for method in ["Cash", "Check", "Credit Card"] {
        make(company, Kind::PaymentMethod, &named(method), now);
    }
    let single = |mut object: Json| {
        object.set("domain", Json::text("QBO"));
        object.set("sparse", Json::Bool(false));
        object.set("Id", Json::text("1"));
        object.set("SyncToken", Json::text("0"));
        object
    };
    let started = today(now);
    let info = Json::object([
        ("CompanyName", Json::text(name)),
        ("LegalName", Json::text(name)),
        ("CompanyStartDate", Json::text(started)),
        ("FiscalYearStartMonth", Json::text("January")),
        ("Country", Json::text("US")),
        ("SupportedLanguages", Json::text("en")),
        (
            "NameValue",
            Json::Arr(vec![Json::object([
                ("Name", Json::text("SubscriptionStatus")),
                ("Value", Json::text("PAID")),
            ])]),
        ),
    ]);
    company.put(Kind::CompanyInfo, "1", single(info), now);
    let no = || Json::Bool(false);
    let preferences = Json::object([
        (
            "AccountingInfoPrefs",
            Json::object([
                ("FirstMonthOfFiscalYear", Json::text("January")),
                ("TrackDepartments", no()),
                ("ClassTrackingPerTxn", no()),
                ("ClassTrackingPerTxnLine", Json::Bool(true)),
                ("CustomerTerminology", Json::text("Donors")),
            ]),
        ),
        ("SalesFormsPrefs", Json::object([("CustomTxnNumbers", no())])),
        (
            "CurrencyPrefs",
            Json::object([("MultiCurrencyEnabled", no()), ("HomeCurrency", Json::reference("USD"))]),
        ),
    ]);
    company.put(Kind::Preferences, "1", single(preferences), now);
    company.events.clear();
}

/// Names for invented books: customers, vendors and classes, as ids.
struct Cast {
    customers: Vec<String>,
    vendors: Vec<String>,
    funds: Vec<String>,
}

fn cast(company: &mut Company, now: i64) -> Cast {
    let person = |name: &str| Json::object([("DisplayName", Json::text(name))]);
    let mut cast = Cast { customers: Vec::new(), vendors: Vec::new(), funds: Vec::new() };
    for (at, last) in LAST.iter().enumerate() {
        for first in FIRST.iter().skip(at % 3).step_by(3) {
            cast.customers.extend(make(company, Kind::Customer, &person(&format!("{first} {last}")), now));
        }
    }
    for vendor in VENDORS {
        cast.vendors.extend(make(company, Kind::Vendor, &person(vendor), now));
    }
    for fund in FUNDS {
        cast.funds.extend(make(company, Kind::Class, &named(fund), now));
    }
    cast
}

fn pick(dice: &mut Dice, ids: &[String]) -> String {
    dice.pick(ids).cloned().unwrap_or_default()
}

fn sale_line(cents: i64, item: &str, fund: Option<&str>) -> Json {
    let mut detail = Json::object([
        ("ItemRef", Json::reference(item)),
        ("Qty", Json::int(1)),
        ("UnitPrice", money(cents)),
    ]);
    if let Some(fund) = fund {
        detail.set("ClassRef", Json::reference(fund));
    }
    Json::object([
        ("Amount", money(cents)),
        ("DetailType", Json::text("SalesItemLineDetail")),
        ("SalesItemLineDetail", detail),
    ])
}

fn cost_line(cents: i64, account: &str) -> Json {
    Json::object([
        ("Amount", money(cents)),
        ("DetailType", Json::text("AccountBasedExpenseLineDetail")),
        ("AccountBasedExpenseLineDetail", Json::object([("AccountRef", Json::reference(account))])),
    ])
}

fn one_line(line: Json) -> (&'static str, Json) {
    ("Line", Json::Arr(vec![line]))
}

/// An amount applied to a document.
fn applied(cents: i64, kind: &str, id: &str) -> Json {
    let link = Json::object([("TxnId", Json::text(id)), ("TxnType", Json::text(kind))]);
    Json::object([("Amount", money(cents)), ("LinkedTxn", Json::Arr(vec![link]))])
}

/// What was opened and is not settled: name, document, cents.
type Open = Vec<(String, String, i64)>;

/// Fills a company with so many transactions over the year before `now`; they are dated and
/// stamped when they would have been written, none later than `now`.
pub(crate) fn fill(company: &mut Company, documents: usize, now: i64, dice: &mut Dice) {
    let start = now - 365 * DAY;
    let cast = cast(company, start);
    let unique = std::mem::replace(&mut company.unique_numbers, false);
    let opening = Json::object([
        ("FromAccountRef", Json::reference("8")),
        ("ToAccountRef", Json::reference("1")),
        ("Amount", money(2_500_000)),
        ("TxnDate", Json::text(today(start))),
    ]);
    if documents > 0 {
        make(company, Kind::Transfer, &opening, start);
    }
    let (mut invoices, mut bills, mut held): (Open, Open, Open) = (Vec::new(), Vec::new(), Vec::new());
    for number in 1..documents {
        let share = i64::try_from(number * 1_000 / documents.max(1)).unwrap_or(0);
        let at = start + share * 365 * DAY / 1_000;
        let date = today(at);
        let cents = dice.between(500, 40_000);
        let mut body = Json::object([
            ("TxnDate", Json::text(&*date)),
            ("PrivateNote", Json::text(format!("no. {number}"))),
        ]);
        let numbered = Json::text((10_000 + number).to_string());
        match dice.below(100) {
            0..40 => sale(company, &mut body, &cast, (cents, at, numbered), &mut held, dice),
            40..55 => {
                body.set("DocNumber", numbered);
                body.set("CustomerRef", Json::reference(&pick(dice, &cast.customers)));
                body.set("DueDate", Json::text(days_after(&date, 30)));
                body.set("Line", one_line(sale_line(cents, "2", None)).1);
                let customer = body.id_at("CustomerRef").unwrap_or_default().to_owned();
                let made = make(company, Kind::Invoice, &body, at);
                invoices.extend(made.map(|id| (customer, id, cents)));
            }
            55..67 => pay_in(company, &mut body, at, &mut invoices, &mut held),
            67..80 => {
                body.set("VendorRef", Json::reference(&pick(dice, &cast.vendors)));
                body.set("DueDate", Json::text(days_after(&date, 21)));
                body.set("Line", one_line(cost_line(cents, "13")).1);
                let vendor = body.id_at("VendorRef").unwrap_or_default().to_owned();
                bills.extend(make(company, Kind::Bill, &body, at).map(|id| (vendor, id, cents)));
            }
            80..90 => pay_out(company, &mut body, at, &mut bills),
            90..97 => {
                body.set("AccountRef", Json::reference("1"));
                body.set("PaymentType", Json::text("Check"));
                body.set("Line", one_line(cost_line(cents, "12")).1);
                make(company, Kind::Purchase, &body, at);
            }
            _ => bank(company, &mut body, at, &mut held),
        }
    }
    company.unique_numbers = unique;
}

fn sale(
    company: &mut Company,
    body: &mut Json,
    cast: &Cast,
    (cents, at, number): (i64, i64, Json),
    held: &mut Open,
    dice: &mut Dice,
) {
    let fund = pick(dice, &cast.funds);
    body.set("DocNumber", number);
    body.set("CustomerRef", Json::reference(&pick(dice, &cast.customers)));
    body.set("Line", one_line(sale_line(cents, "1", Some(&fund))).1);
    let made = make(company, Kind::SalesReceipt, body, at);
    held.extend(made.map(|id| ("SalesReceipt".to_owned(), id, cents)));
}

fn pay_in(company: &mut Company, body: &mut Json, at: i64, invoices: &mut Open, held: &mut Open) {
    if invoices.is_empty() {
        return;
    }
    let (customer, invoice, cents) = invoices.remove(0);
    body.set("CustomerRef", Json::reference(&customer));
    body.set("TotalAmt", money(cents));
    body.set("Line", Json::Arr(vec![applied(cents, "Invoice", &invoice)]));
    held.extend(make(company, Kind::Payment, body, at).map(|id| ("Payment".to_owned(), id, cents)));
}

fn pay_out(company: &mut Company, body: &mut Json, at: i64, bills: &mut Open) {
    if bills.is_empty() {
        return;
    }
    let (vendor, bill, cents) = bills.remove(0);
    body.set("VendorRef", Json::reference(&vendor));
    body.set("PayType", Json::text("Check"));
    body.set("CheckPayment", Json::object([("BankAccountRef", Json::reference("1"))]));
    body.set("TotalAmt", money(cents));
    body.set("Line", Json::Arr(vec![applied(cents, "Bill", &bill)]));
    make(company, Kind::BillPayment, body, at);
}

/// All that is held goes to the bank.
fn bank(company: &mut Company, body: &mut Json, at: i64, held: &mut Open) {
    let lines: Vec<Json> = held.drain(..).map(|(kind, id, cents)| applied(cents, &kind, &id)).collect();
    if !lines.is_empty() {
        body.set("DepositToAccountRef", Json::reference("1"));
        body.set("Line", Json::Arr(lines));
        make(company, Kind::Deposit, body, at);
    }
}

/// Twelve companies, one of each shape; their numbers.
pub(crate) fn firm(core: &mut Core) -> Vec<(String, Shape)> {
    let now = core.now();
    let mut books = Dice::new(core.numbers.bits(), purpose::BOOKS);
    let mut told = Vec::new();
    for (at, shape) in Shape::ALL.into_iter().enumerate() {
        let realm = format!("93414{:011}", core.numbers.below(100_000_000_000));
        let mut company = Company::bare(&realm, false);
        let name = match shape {
            Shape::Healthy | Shape::Twin => "Harbour Trust".to_owned(),
            Shape::RestrictedFunds => "Harbour Community Foundation".to_owned(),
            _ => format!("Harbour Charity {}", at + 1),
        };
        chart(&mut company, &name, now - 366 * DAY);
        furnish(&mut company, shape, now, &mut books);
        company.events.clear();
        company.lapsed = shape == Shape::Lapsed;
        core.companies.insert(realm.clone(), company);
        core.auth.grant(&realm, now);
        if shape == Shape::Broken {
            core.auth.disconnect(&realm);
        }
        told.push((realm, shape));
    }
    told
}

fn furnish(company: &mut Company, shape: Shape, now: i64, dice: &mut Dice) {
    let (documents, until) = match shape {
        Shape::Empty => (0, now - DAY),
        Shape::Large => (1_500, now),
        Shape::Stale => (120, now - 60 * DAY),
        _ => (120, now - DAY),
    };
    fill(company, documents, until, dice);
    let vendor = company
        .all(Kind::Vendor)
        .next()
        .and_then(|row| row.object.str_at("Id"))
        .unwrap_or_default()
        .to_owned();
    let customer = company
        .all(Kind::Customer)
        .next()
        .and_then(|row| row.object.str_at("Id"))
        .unwrap_or_default()
        .to_owned();
    let ago = |days: i64| Json::text(today(now - days * DAY));
    match shape {
        Shape::NearlyOutOfCash => out_of_cash(company, &vendor, now),
        Shape::LateBills => {
            for days in [40, 75, 130] {
                let bill = Json::object([
                    ("VendorRef", Json::reference(&vendor)),
                    ("TxnDate", ago(days + 21)),
                    ("DueDate", ago(days)),
                    one_line(cost_line(123_456, "13")),
                ]);
                make(company, Kind::Bill, &bill, now - days * DAY);
            }
        }
        Shape::SlowPayers => {
            for days in [35, 70, 120] {
                let invoice = Json::object([
                    ("CustomerRef", Json::reference(&customer)),
                    ("TxnDate", ago(days + 30)),
                    ("DueDate", ago(days)),
                    one_line(sale_line(200_000, "2", None)),
                ]);
                make(company, Kind::Invoice, &invoice, now - days * DAY);
            }
        }
        Shape::RestrictedFunds => restricted(company, &customer, now),
        Shape::Closed => {
            let year: i64 = today(now).get(..4).and_then(|year| year.parse().ok()).unwrap_or(1970);
            let day = format!("{}-12-31", year - 1);
            company.touch(Kind::Preferences, "1", now - DAY, |held| {
                if let Some(prefs) = held.get_mut("AccountingInfoPrefs") {
                    prefs.set("BookCloseDate", Json::text(day));
                    prefs.set("BookCloseSet", Json::text(stamp(now - DAY)));
                }
            });
        }
        _ => {}
    }
}

/// Wages take nearly all there is, and the rent is due in a week.
fn out_of_cash(company: &mut Company, vendor: &str, now: i64) {
    let date = || Json::text(today(now - 2 * DAY));
    let cash = company.get(Kind::Account, "1").map_or(0, |account| account.cents_at("CurrentBalance"));
    let wages = Json::object([
        ("AccountRef", Json::reference("1")),
        ("PaymentType", Json::text("Check")),
        ("TxnDate", date()),
        one_line(cost_line((cash - 40_000).max(1), "15")),
    ]);
    make(company, Kind::Purchase, &wages, now - 2 * DAY);
    let rent = Json::object([
        ("VendorRef", Json::reference(vendor)),
        ("TxnDate", date()),
        ("DueDate", Json::text(today(now + 7 * DAY))),
        one_line(cost_line(85_000, "12")),
    ]);
    make(company, Kind::Bill, &rent, now - 2 * DAY);
}

/// Large gifts to three funds, and an account that names the restriction.
fn restricted(company: &mut Company, customer: &str, now: i64) {
    let mut equity = named("Net Assets with Donor Restrictions");
    equity.set("AccountType", Json::text("Equity"));
    make(company, Kind::Account, &equity, now - 300 * DAY);
    let funds: Vec<String> =
        company.all(Kind::Class).filter_map(|row| row.object.str_at("Id").map(str::to_owned)).collect();
    for (at, fund) in funds.iter().enumerate().skip(1) {
        let cents = 1_000_000 * i64::try_from(at).unwrap_or(1);
        let gift = Json::object([
            ("CustomerRef", Json::reference(customer)),
            ("TxnDate", Json::text(today(now - 20 * DAY))),
            ("DepositToAccountRef", Json::reference("2")),
            ("PrivateNote", Json::text("restricted by the donor")),
            one_line(sale_line(cents, "1", Some(fund))),
        ]);
        make(company, Kind::SalesReceipt, &gift, now - 20 * DAY);
    }
}
