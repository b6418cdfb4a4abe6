//! What the server fills in: defaults, derived lines, totals (contract 7.1 and 7.3).

use super::company::Company;
use super::effects;
use super::money::{Exact, money};
use super::schema::Kind;
use super::time::{days_after, today};
use super::tree::Json;

/// Completes an object that is to be stored; `old` is what it replaces.
pub(crate) fn complete(company: &Company, kind: Kind, object: &mut Json, old: Option<&Json>, now: i64) {
    if let Json::Obj(members) = object {
        members.retain(|(name, value)| !value.is_blank() || matches!(name.as_str(), "Line" | "LinkedTxn"));
    }
    object.set("domain", Json::text("QBO"));
    object.set("sparse", Json::Bool(false));
    match kind {
        Kind::Account => account(company, object),
        Kind::Customer | Kind::Vendor | Kind::Employee => person(company, kind, object),
        Kind::Item | Kind::Class | Kind::Department | Kind::Term | Kind::PaymentMethod => {
            name(company, kind, object);
        }
        _ if kind.is_document() => document(company, kind, object, old, now),
        _ => {}
    }
}

fn currency() -> Json {
    Json::object([("value", Json::text("USD"))])
}

/// What a deactivated name is called (contract 3.4, recorded).
fn retired(object: &mut Json, fields: &[&str]) {
    const SUFFIX: &str = " (deleted)";
    if object.get("Active").and_then(Json::as_bool) == Some(false) {
        for field in fields {
            if let Some(name) = object.str_at(field).filter(|name| !name.ends_with(SUFFIX)) {
                let name = format!("{name}{SUFFIX}");
                object.set(field, Json::text(name));
            }
        }
    }
}

/// `Parent:Child`.
fn full_name(company: &Company, kind: Kind, object: &mut Json, field: &str) {
    let own = object.str_at(field).unwrap_or_default().to_owned();
    let parent = object.id_at("ParentRef").and_then(|id| company.get(kind, id));
    let above = parent.and_then(|parent| parent.str_at("FullyQualifiedName"));
    let full = above.map_or_else(|| own.clone(), |above| format!("{above}:{own}"));
    object.set("FullyQualifiedName", Json::text(full));
}

fn account(company: &Company, object: &mut Json) {
    let subtype = object.str_at("AccountSubType").map(str::to_owned);
    let kind = object.str_at("AccountType").map(str::to_owned);
    let kind = kind.unwrap_or_else(|| type_of(subtype.as_deref().unwrap_or_default()).to_owned());
    object.default("AccountSubType", Json::text(usual_subtype(&kind)));
    let class = match kind.as_str() {
        "Bank" | "Accounts Receivable" | "Other Current Asset" | "Fixed Asset" | "Other Asset" => "Asset",
        "Accounts Payable" | "Credit Card" | "Other Current Liability" | "Long Term Liability" => "Liability",
        "Equity" => "Equity",
        "Income" | "Other Income" => "Revenue",
        _ => "Expense",
    };
    object.set("AccountType", Json::text(kind));
    object.set("Classification", Json::text(class));
    object.set("SubAccount", Json::Bool(object.get("ParentRef").is_some()));
    object.default("Active", Json::Bool(true));
    object.default("CurrentBalance", money(0));
    object.default("CurrentBalanceWithSubAccounts", money(0));
    object.default("CurrencyRef", currency());
    retired(object, &["Name"]);
    full_name(company, Kind::Account, object, "Name");
}

fn type_of(subtype: &str) -> &'static str {
    match subtype {
        "Checking" | "Savings" | "CashOnHand" | "MoneyMarket" => "Bank",
        "AccountsReceivable" => "Accounts Receivable",
        "AccountsPayable" => "Accounts Payable",
        "CreditCard" => "Credit Card",
        "UndepositedFunds" | "PrepaidExpenses" => "Other Current Asset",
        "SalesTaxPayable" => "Other Current Liability",
        "OpeningBalanceEquity" | "RetainedEarnings" => "Equity",
        "NonProfitIncome" | "ServiceFeeIncome" | "SalesOfProductIncome" => "Income",
        _ => "Expense",
    }
}

fn usual_subtype(kind: &str) -> &'static str {
    match kind {
        "Bank" => "CashOnHand",
        "Accounts Receivable" => "AccountsReceivable",
        "Accounts Payable" => "AccountsPayable",
        "Credit Card" => "CreditCard",
        "Other Current Asset" => "EmployeeCashAdvances",
        "Fixed Asset" => "FurnitureAndFixtures",
        "Other Asset" => "Licenses",
        "Other Current Liability" => "DirectDepositPayable",
        "Long Term Liability" => "NotesPayable",
        "Equity" => "OpeningBalanceEquity",
        "Income" => "ServiceFeeIncome",
        "Other Income" => "OtherMiscellaneousIncome",
        "Cost of Goods Sold" => "SuppliesMaterialsCogs",
        "Other Expense" => "OtherMiscellaneousExpense",
        _ => "Travel",
    }
}

fn person(company: &Company, kind: Kind, object: &mut Json) {
    let given = ["Title", "GivenName", "MiddleName", "FamilyName", "Suffix"];
    let parts: Vec<_> = given.iter().filter_map(|part| object.str_at(part)).collect();
    if object.get("DisplayName").is_none() && !parts.is_empty() {
        let name = parts.join(" ");
        object.set("DisplayName", Json::text(name));
    }
    object.default("Active", Json::Bool(true));
    let name = object.str_at("DisplayName").unwrap_or_default().to_owned();
    object.default("PrintOnCheckName", Json::text(name));
    match kind {
        Kind::Customer => {
            object.default("Taxable", Json::Bool(true));
            object.set("Job", Json::Bool(object.get("ParentRef").is_some()));
            object.default("BillWithParent", Json::Bool(false));
            object.default("Balance", money(0));
            object.default("BalanceWithJobs", money(0));
            object.default("CurrencyRef", currency());
            object.default("PreferredDeliveryMethod", Json::text("Print"));
            object.default("DefaultTaxCodeRef", Json::reference("2"));
            if object.get("ParentRef").is_some() {
                object.default("Level", Json::int(1));
            }
            retired(object, &["DisplayName"]);
            full_name(company, kind, object, "DisplayName");
        }
        Kind::Vendor => {
            object.default("Balance", money(0));
            object.default("Vendor1099", Json::Bool(false));
            object.default("CurrencyRef", currency());
            retired(object, &["DisplayName"]);
        }
        _ => {
            object.default("BillableTime", Json::Bool(false));
            retired(object, &["DisplayName"]);
        }
    }
}

fn name(company: &Company, kind: Kind, object: &mut Json) {
    object.default("Active", Json::Bool(true));
    match kind {
        Kind::Item => {
            object.default("Type", Json::text("Service"));
            object.default("Taxable", Json::Bool(false));
            for price in ["UnitPrice", "PurchaseCost"] {
                let plain = object.get(price).and_then(Json::exact).unwrap_or_default().plain();
                object.set(price, Json::Num(plain));
            }
            object.default("TrackQtyOnHand", Json::Bool(false));
        }
        Kind::Class => object.set("SubClass", Json::Bool(object.get("ParentRef").is_some())),
        Kind::Department => object.set("SubDepartment", Json::Bool(object.get("ParentRef").is_some())),
        Kind::Term => object.default("Type", Json::text("STANDARD")),
        _ => object.default("Type", Json::text("NON_CREDIT_CARD")),
    }
    retired(object, &["Name"]);
    if matches!(kind, Kind::Item | Kind::Class | Kind::Department) {
        full_name(company, kind, object, "Name");
    }
}

fn is_sale(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Invoice | Kind::CreditMemo | Kind::SalesReceipt | Kind::RefundReceipt | Kind::Estimate
    )
}

fn document(company: &Company, kind: Kind, object: &mut Json, old: Option<&Json>, now: i64) {
    object.default("TxnDate", Json::text(today(now)));
    object.default("CurrencyRef", currency());
    if kind == Kind::Transfer {
        let amount = object.cents_at("Amount");
        object.set("Amount", money(amount));
        return;
    }
    lines(kind, object, old);
    if is_sale(kind) {
        sale(company, kind, object);
    } else {
        object.default("LinkedTxn", Json::Arr(Vec::new()));
    }
    totals(company, kind, object, old);
    match kind {
        Kind::Bill | Kind::Invoice => {
            let term = object.id_at("SalesTermRef").and_then(|id| company.get(Kind::Term, id));
            let days = term.and_then(|term| term.get("DueDays")).and_then(Json::exact);
            // Without terms a bill is due at once, an invoice in 30 days, the company's default (recorded).
            let usual = if kind == Kind::Bill { 0 } else { 30 };
            let days = days.map_or(usual, |days| days.cents() / 100);
            let due = days_after(object.str_at("TxnDate").unwrap_or_default(), days);
            object.default("DueDate", Json::text(due));
        }
        Kind::Payment => {
            let cash = object.cents_at("TotalAmt") != 0;
            if let Some(held) = company.account_of_subtype("UndepositedFunds").filter(|_| cash) {
                object.default("DepositToAccountRef", Json::reference(&held));
            }
            if !cash {
                object.default("PrivateNote", Json::text("Created by QB Online to link credits to charges."));
            }
            object.default("ProcessPayment", Json::Bool(false));
        }
        Kind::JournalEntry => object.default("Adjustment", Json::Bool(false)),
        _ => {}
    }
}

fn sale(company: &Company, kind: Kind, object: &mut Json) {
    if kind == Kind::Invoice {
        for way in ["IPN", "Online", "OnlineCreditCard", "OnlineACH"] {
            object.default(&format!("Allow{way}Payment"), Json::Bool(false));
        }
        object.default("LinkedTxn", Json::Arr(Vec::new()));
    }
    let custom = company.custom_field.as_ref().map(|name| {
        Json::object([
            ("DefinitionId", Json::text("1")),
            ("Name", Json::text(&**name)),
            ("Type", Json::text("StringType")),
        ])
    });
    object.default("CustomField", Json::Arr(custom.into_iter().collect()));
    if object.get("DocNumber").is_none() {
        object.set("DocNumber", Json::text(next_number(company)));
    }
    object.default("TxnTaxDetail", Json::object([("TotalTax", money(0))]));
    object.default("ApplyTaxAfterDiscount", Json::Bool(false));
    object.default("PrintStatus", Json::text("NeedToPrint"));
    object.default("EmailStatus", Json::text("NotSet"));
    if matches!(kind, Kind::SalesReceipt | Kind::RefundReceipt)
        && let Some(held) = company.account_of_subtype("UndepositedFunds")
    {
        object.default("DepositToAccountRef", Json::reference(&held));
    }
    if let Some(customer) = object.id_at("CustomerRef").and_then(|id| company.get(Kind::Customer, id)) {
        for field in ["BillAddr", "ShipAddr"] {
            if let Some(address) = customer.get(field) {
                object.default(field, address.clone());
            }
        }
    }
}

/// One more than the highest number of a sales form.
fn next_number(company: &Company) -> String {
    let kinds = [Kind::Invoice, Kind::SalesReceipt, Kind::CreditMemo, Kind::RefundReceipt, Kind::Estimate];
    let numbers = kinds.iter().flat_map(|kind| company.all(*kind));
    let numbers = numbers.filter_map(|row| row.object.str_at("DocNumber")?.parse::<u64>().ok());
    (numbers.filter(|number| *number < 1_000_000).max().unwrap_or(1000) + 1).to_string()
}

/// Numbers and ids of lines; the derived subtotal is made anew.
fn lines(kind: Kind, object: &mut Json, old: Option<&Json>) {
    let numbered = !matches!(kind, Kind::Payment | Kind::BillPayment);
    let old: Vec<&Json> = old.and_then(|old| old.get("Line")).map_or(&[][..], Json::items).iter().collect();
    let number = |line: &Json| line.str_at("Id").and_then(|id| id.parse::<u64>().ok());
    let known = |id: &str| old.iter().any(|line| line.str_at("Id") == Some(id));
    let mut last = old.iter().filter_map(|line| number(line)).max().unwrap_or(0);
    let Some(Json::Arr(sent)) = object.remove("Line") else { return };
    let mut kept = Vec::new();
    let mut subtotal = 0;
    for line in sent {
        if line.str_at("DetailType") == Some("SubTotalLineDetail") {
            continue;
        }
        let place = kept.len() + 1;
        let mut line = line;
        let mut told = Json::Obj(Vec::new());
        if numbered {
            let id = line.remove("Id").and_then(|id| id.as_str().filter(|id| known(id)).map(str::to_owned));
            let id = id.unwrap_or_else(|| {
                last += 1;
                last.to_string()
            });
            told.set("Id", Json::text(id));
            line.remove("LineNum");
            if kind != Kind::JournalEntry {
                told.set("LineNum", Json::int(place));
            }
        }
        for field in ["Description", "Amount"] {
            if let Some(value) = line.remove(field) {
                told.set(field, value);
            }
        }
        let cents = told.cents_at("Amount");
        told.set("Amount", money(cents));
        line.members().iter().for_each(|(name, value)| told.set(name, value.clone()));
        if is_sale(kind) {
            sale_line(&mut told);
            subtotal += if told.str_at("DetailType") == Some("DiscountLineDetail") { 0 } else { cents };
        }
        kept.push(told);
    }
    if is_sale(kind) {
        kept.push(Json::object([
            ("Amount", money(subtotal)),
            ("DetailType", Json::text("SubTotalLineDetail")),
            ("SubTotalLineDetail", Json::Obj(Vec::new())),
        ]));
    }
    object.set("Line", Json::Arr(kept));
}

fn sale_line(line: &mut Json) {
    if let Some(detail) = line.get_mut("SalesItemLineDetail") {
        for field in ["UnitPrice", "Qty"] {
            if let Some(plain) = detail.get(field).and_then(Json::exact).map(Exact::plain) {
                detail.set(field, Json::Num(plain));
            }
        }
        detail.default("TaxCodeRef", Json::reference("NON"));
    }
}

fn sum(object: &Json) -> i64 {
    let lines = object.get("Line").map_or(&[][..], Json::items).iter();
    let cents = |line: &Json| match line.str_at("DetailType") {
        Some("SubTotalLineDetail" | "DescriptionOnly") => 0,
        Some("DiscountLineDetail") => -line.cents_at("Amount"),
        _ => line.cents_at("Amount"),
    };
    lines.map(cents).sum()
}

/// Totals, and what of them is open: what others took off stays taken off.
fn totals(company: &Company, kind: Kind, object: &mut Json, old: Option<&Json>) {
    match kind {
        Kind::Payment => {
            let entry = effects::of(company, kind, object);
            let credit = |kind: Kind| matches!(kind, Kind::CreditMemo | Kind::VendorCredit);
            let used: i64 = entry
                .links
                .iter()
                .map(|link| if credit(link.target.0) { -link.cents } else { link.cents })
                .sum();
            let total = object.cents_at("TotalAmt");
            object.set("TotalAmt", money(total));
            object.set("UnappliedAmt", money(total - used));
        }
        Kind::BillPayment => {
            let total = object.cents_at("TotalAmt");
            object.set("TotalAmt", money(total));
        }
        Kind::JournalEntry => object.set("TotalAmt", money(0)),
        Kind::Deposit => {
            let total = sum(object) - object.cents_at("CashBack.Amount");
            object.set("TotalAmt", money(total));
        }
        Kind::SalesReceipt | Kind::RefundReceipt | Kind::Purchase | Kind::Estimate => {
            let total = sum(object) + object.cents_at("TxnTaxDetail.TotalTax");
            object.set("TotalAmt", money(total));
            if matches!(kind, Kind::SalesReceipt | Kind::RefundReceipt) {
                object.set("Balance", money(0));
            }
        }
        Kind::Invoice | Kind::Bill | Kind::CreditMemo | Kind::VendorCredit => {
            let taken = old.map_or(0, |old| old.cents_at("TotalAmt") - old.cents_at("Balance"));
            let total = sum(object) + object.cents_at("TxnTaxDetail.TotalTax");
            object.set("TotalAmt", money(total));
            object.set("Balance", money(total - taken));
            if kind == Kind::CreditMemo {
                object.set("RemainingCredit", money(total - taken));
            }
        }
        _ => {}
    }
}
