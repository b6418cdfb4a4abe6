//! What a write must be before it is taken (contract 7.2 and 10.2).

use super::company::Company;
use super::effects::detail;
use super::money::Exact;
use super::refusal::Refusal;
use super::schema::{Kind, target};
use super::tree::Json;

/// Properties that are known.
pub(crate) fn properties(kind: Kind, body: &Json) -> Result<(), Refusal> {
    let known = kind.spec().properties();
    for (name, value) in body.members() {
        if !known.contains(&name.as_str()) {
            return Err(Refusal::unknown_property(name, kind.spec().name, &known));
        }
        let most = match name.as_str() {
            "DocNumber" | "PaymentRefNum" => 21,
            "PrivateNote" => 4000,
            "Name" | "DisplayName" | "GivenName" | "FamilyName" => 100,
            _ => continue,
        };
        if value.as_str().is_some_and(|text| text.chars().count() > most) {
            return Err(Refusal::too_long(name, most));
        }
    }
    Ok(())
}

/// All rules for an object as it is going to be, `old` when it is there already.
pub(crate) fn whole(company: &Company, kind: Kind, object: &Json, old: Option<&Json>) -> Result<(), Refusal> {
    for need in kind.spec().required {
        if object.get(need).is_none_or(Json::is_blank) {
            return Err(Refusal::missing(need));
        }
    }
    name(company, kind, object)?;
    for field in ["TotalAmt", "Amount"] {
        if object.get(field).is_some_and(|value| value.exact().is_none()) {
            return Err(Refusal::bad_number(field));
        }
    }
    references(company, object)?;
    for line in object.get("Line").map_or(&[][..], Json::items) {
        one_line(kind, line)?;
    }
    match kind {
        Kind::JournalEntry => balanced(company, object)?,
        Kind::BillPayment => payment_way(object)?,
        Kind::Purchase if !matches!(object.str_at("PaymentType"), Some("Cash" | "Check" | "CreditCard")) => {
            return Err(Refusal::bad_value("PaymentType"));
        }
        Kind::Account if object.get("AccountType").or_else(|| object.get("AccountSubType")).is_none() => {
            return Err(Refusal::missing("AccountType"));
        }
        _ => {}
    }
    applied(company, kind, object, old)
}

/// Names of people are unique across their three kinds, other names within their own.
fn name(company: &Company, kind: Kind, object: &Json) -> Result<(), Refusal> {
    let field = if kind.is_person() { "DisplayName" } else { "FullyQualifiedName" };
    let Some(name) = object.str_at(field).or_else(|| object.str_at("Name")) else {
        return if kind.is_person() { Err(Refusal::missing(field)) } else { Ok(()) };
    };
    if kind.is_person() && name.contains([':', '\t', '\n']) {
        return Err(Refusal::rule("The name has an invalid character"));
    }
    if kind == Kind::Account && name.contains('"') {
        return Err(Refusal::rule("The name has an invalid character"));
    }
    let id = object.str_at("Id");
    let kinds: &[Kind] =
        if kind.is_person() { &[Kind::Customer, Kind::Vendor, Kind::Employee] } else { &[kind] };
    let taken = kinds.iter().any(|other| {
        company.all(*other).any(|row| {
            let same = *other == kind && row.object.str_at("Id") == id;
            let theirs = row.object.str_at(field).or_else(|| row.object.str_at("Name"));
            !same && theirs.is_some_and(|theirs| theirs.to_lowercase() == name.to_lowercase())
        })
    });
    if taken && !kind.is_document() { Err(Refusal::duplicate_name()) } else { Ok(()) }
}

/// Every reference at any depth leads to something that is there and active.
fn references(company: &Company, value: &Json) -> Result<(), Refusal> {
    for item in value.items() {
        references(company, item)?;
    }
    for (field, inner) in value.members() {
        if field == "MetaData" || field == "LinkedTxn" {
            continue;
        }
        if let (Some((kind, list)), Some(id)) = (target(field), inner.str_at("value")) {
            match company.get(kind, id) {
                None => return Err(Refusal::bad_reference(list, id)),
                Some(found) if found.get("Active").and_then(Json::as_bool) == Some(false) => {
                    return Err(Refusal::not_found());
                }
                Some(_) => {}
            }
        } else {
            references(company, inner)?;
        }
    }
    Ok(())
}

fn one_line(kind: Kind, line: &Json) -> Result<(), Refusal> {
    if line.get("Amount").is_some_and(|amount| amount.exact().is_none()) {
        return Err(Refusal::bad_number("Line.Amount"));
    }
    let linked = line.get("LinkedTxn").is_some_and(|links| !links.items().is_empty());
    if matches!(kind, Kind::Payment | Kind::BillPayment) {
        return if linked { Ok(()) } else { Err(Refusal::missing("Line.LinkedTxn")) };
    }
    let Some(name) = line.str_at("DetailType") else {
        let may = kind == Kind::Deposit && linked;
        return if may { Ok(()) } else { Err(Refusal::missing("Line.DetailType")) };
    };
    let Some(detail) = detail(line) else {
        let empty = matches!(name, "DescriptionOnly" | "SubTotalLineDetail");
        return if empty { Ok(()) } else { Err(Refusal::missing(&format!("Line.{name}"))) };
    };
    let needs_account =
        matches!(name, "DepositLineDetail" | "AccountBasedExpenseLineDetail" | "JournalEntryLineDetail");
    if needs_account && detail.id_at("AccountRef").is_none() {
        return Err(Refusal::missing("AccountRef"));
    }
    let factor = |field: &str| detail.get(field).and_then(Json::exact);
    if let (Some(price), Some(count)) = (factor("UnitPrice"), factor("Qty"))
        && line.get("Amount").is_some()
        && price.times(count).cents() != line.cents_at("Amount")
    {
        return Err(Refusal::wrong_amount());
    }
    Ok(())
}

fn balanced(company: &Company, object: &Json) -> Result<(), Refusal> {
    let mut sum = 0;
    for line in object.get("Line").map_or(&[][..], Json::items) {
        let Some(detail) = line.get("JournalEntryLineDetail") else { continue };
        let sign = match detail.str_at("PostingType") {
            Some("Debit") => 1,
            Some("Credit") => -1,
            _ => return Err(Refusal::bad_value("PostingType")),
        };
        sum += sign * line.cents_at("Amount");
        let account = detail.id_at("AccountRef").and_then(|id| company.get(Kind::Account, id));
        let entity = detail.str_at("Entity.Type");
        match account.and_then(|account| account.str_at("AccountType")) {
            Some("Accounts Receivable") if entity != Some("Customer") => {
                return Err(Refusal::rule(
                    "When you use Accounts Receivable, you must choose a customer in the Name field.",
                ));
            }
            Some("Accounts Payable") if entity != Some("Vendor") => {
                return Err(Refusal::rule(
                    "When you use Accounts Payable, you must choose a vendor in the Name field.",
                ));
            }
            _ => {}
        }
    }
    if sum == 0 {
        Ok(())
    } else {
        Err(Refusal::rule("The debits and credits of the journal entry do not match."))
    }
}

fn payment_way(object: &Json) -> Result<(), Refusal> {
    let (way, field) = match object.str_at("PayType") {
        Some("Check") => ("CheckPayment.BankAccountRef", "CheckPayment"),
        Some("CreditCard") => ("CreditCardPayment.CCAccountRef", "CreditCardPayment"),
        _ => return Err(Refusal::bad_value("PayType")),
    };
    if object.id_at(way).is_none() { Err(Refusal::missing(field)) } else { Ok(()) }
}

/// What is applied must be there, must not be more than is open, and must add up.
fn applied(company: &Company, kind: Kind, object: &Json, old: Option<&Json>) -> Result<(), Refusal> {
    let entry = super::effects::of(company, kind, object);
    let before = old.map(|old| super::effects::of(company, kind, old)).unwrap_or_default();
    let (mut charges, mut credits) = (0, 0);
    for link in &entry.links {
        let Some(target) = company.get(link.target.0, &link.target.1) else {
            return Err(Refusal::not_found());
        };
        let again = kind == Kind::Deposit && !before.links.iter().any(|old| old.target == link.target);
        if again && not_deposited(target).is_err() {
            return Err(Refusal::rule("The transaction is in another deposit already."));
        }
        let already: i64 =
            before.links.iter().filter(|old| old.target == link.target).map(|old| old.cents).sum();
        let balance =
            matches!(link.target.0, Kind::Invoice | Kind::Bill | Kind::CreditMemo | Kind::VendorCredit);
        if balance && link.cents > target.cents_at("Balance") + already {
            return Err(Refusal::rule("You can't apply more than the open balance of a transaction."));
        }
        let credit = matches!(link.target.0, Kind::CreditMemo | Kind::VendorCredit);
        *(if credit { &mut credits } else { &mut charges }) += link.cents;
    }
    let total = object.get("TotalAmt").and_then(Json::exact).map_or(0, Exact::cents);
    let too_much = match kind {
        Kind::Payment => charges - credits > total,
        Kind::BillPayment => charges - credits != total,
        _ => false,
    };
    if too_much { Err(Refusal::rule("The amounts applied do not agree with the total.")) } else { Ok(()) }
}

/// Days in closed books are not written to.
pub(crate) fn open_period(company: &Company, object: &Json) -> Result<(), Refusal> {
    match (company.closed_until(), object.str_at("TxnDate")) {
        (Some(closed), Some(date)) if date <= closed => Err(Refusal::closed_period()),
        _ => Ok(()),
    }
}

/// A document number is used once per kind, unless the caller allows it.
pub(crate) fn number(company: &Company, kind: Kind, object: &Json) -> Result<(), Refusal> {
    let Some(number) = object.str_at("DocNumber").filter(|_| company.unique_numbers) else { return Ok(()) };
    let id = object.str_at("Id");
    let used = company
        .all(kind)
        .map(|row| &row.object)
        .find(|other| other.str_at("DocNumber") == Some(number) && other.str_at("Id") != id);
    match used {
        Some(other) => {
            let id = other.str_at("Id").unwrap_or_default();
            Err(Refusal::duplicate_number(number, kind.spec().name, id))
        }
        None => Ok(()),
    }
}

/// What lies in a deposit is not changed.
pub(crate) fn not_deposited(object: &Json) -> Result<(), Refusal> {
    let links = object.get("LinkedTxn").map_or(&[][..], Json::items);
    let deposited = links.iter().any(|link| link.str_at("TxnType") == Some("Deposit"));
    if deposited { Err(Refusal::deposited()) } else { Ok(()) }
}
