//! What a transaction does to accounts, names and other documents, and how that is kept (contract 7.5).

use std::collections::{BTreeMap, BTreeSet};

use super::company::{Company, Key};
use super::money::money;
use super::schema::Kind;
use super::tree::Json;

/// One posting; debits are positive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Posting {
    /// The account.
    pub(crate) account: String,
    /// The customer or vendor whose balance it moves.
    pub(crate) name: Option<Key>,
    /// The class, for reports.
    pub(crate) class: Option<String>,
    /// How much, in cents.
    pub(crate) cents: i64,
}

/// What a document takes off the balance of another; 0 for a deposit, which only marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The other.
    pub(crate) target: Key,
    /// How much, in cents.
    pub(crate) cents: i64,
}

/// All that one transaction does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its day.
    pub(crate) date: String,
    /// What it posts; the sum is 0.
    pub(crate) postings: Vec<Posting>,
    /// What it applies to.
    pub(crate) links: Vec<Link>,
}

impl Entry {
    fn post(&mut self, account: Option<String>, cents: i64, name: Option<Key>, class: Option<String>) {
        if let Some(account) = account.filter(|_| cents != 0) {
            self.postings.push(Posting { account, name, class, cents });
        }
    }
}

/// The detail of a line, whatever its type.
pub(crate) fn detail(line: &Json) -> Option<&Json> {
    line.get(line.str_at("DetailType")?)
}

fn owned(id: Option<&str>) -> Option<String> {
    id.map(str::to_owned)
}

/// The account a line goes to, with its class.
fn line_account(company: &Company, line: &Json, selling: bool) -> (Option<String>, Option<String>) {
    let Some(detail) = detail(line) else { return (None, None) };
    let named =
        ["AccountRef", "ItemAccountRef", "DiscountAccountRef"].iter().find_map(|name| detail.id_at(name));
    let field = if selling { "IncomeAccountRef" } else { "ExpenseAccountRef" };
    let item = detail.id_at("ItemRef").and_then(|id| company.get(Kind::Item, id));
    let item = item.and_then(|item| item.id_at(field).or_else(|| item.id_at("IncomeAccountRef")));
    let fallback = || company.account_of_type(if selling { "Income" } else { "Expense" });
    (owned(named.or(item)).or_else(fallback), owned(detail.id_at("ClassRef")))
}

/// What a transaction does, from what it says.
pub(crate) fn of(company: &Company, kind: Kind, object: &Json) -> Entry {
    let mut entry =
        Entry { date: object.str_at("TxnDate").unwrap_or_default().to_owned(), ..Entry::default() };
    let total = object.cents_at("TotalAmt");
    let customer = object.id_at("CustomerRef").map(|id| (Kind::Customer, id.to_owned()));
    let vendor = object.id_at("VendorRef").map(|id| (Kind::Vendor, id.to_owned()));
    let receivable =
        || owned(object.id_at("ARAccountRef")).or_else(|| company.account_of_type("Accounts Receivable"));
    let payable =
        || owned(object.id_at("APAccountRef")).or_else(|| company.account_of_type("Accounts Payable"));
    let held = || owned(object.id_at("DepositToAccountRef"));
    match kind {
        Kind::Invoice | Kind::CreditMemo => {
            let sign = if kind == Kind::Invoice { 1 } else { -1 };
            entry.post(receivable(), sign * total, customer, None);
            lines(company, object, -sign, &mut entry);
        }
        Kind::SalesReceipt | Kind::RefundReceipt => {
            let sign = if kind == Kind::SalesReceipt { 1 } else { -1 };
            entry.post(held(), sign * total, None, None);
            lines(company, object, -sign, &mut entry);
        }
        Kind::Payment => {
            entry.post(held(), total, None, None);
            entry.post(receivable(), -total, customer, None);
        }
        Kind::Bill | Kind::VendorCredit => {
            let sign = if kind == Kind::Bill { 1 } else { -1 };
            entry.post(payable(), -sign * total, vendor, None);
            lines(company, object, sign, &mut entry);
        }
        Kind::BillPayment => {
            let from = object.id_at("CheckPayment.BankAccountRef");
            entry.post(payable(), total, vendor, None);
            entry.post(
                owned(from.or_else(|| object.id_at("CreditCardPayment.CCAccountRef"))),
                -total,
                None,
                None,
            );
        }
        Kind::Purchase => {
            let sign = if object.get("Credit").and_then(Json::as_bool) == Some(true) { -1 } else { 1 };
            entry.post(owned(object.id_at("AccountRef")), -sign * total, None, None);
            lines(company, object, sign, &mut entry);
        }
        Kind::Transfer => {
            let amount = object.cents_at("Amount");
            entry.post(owned(object.id_at("ToAccountRef")), amount, None, None);
            entry.post(owned(object.id_at("FromAccountRef")), -amount, None, None);
        }
        Kind::Deposit => deposit(company, object, &mut entry),
        Kind::JournalEntry => journal(object, &mut entry),
        _ => {}
    }
    entry.links = links(kind, object);
    entry
}

fn lines(company: &Company, object: &Json, sign: i64, entry: &mut Entry) {
    let selling = object.get("VendorRef").is_none() && object.get("AccountRef").is_none();
    for line in object.get("Line").map_or(&[][..], Json::items) {
        let kind = line.str_at("DetailType").unwrap_or_default();
        let cents = line.cents_at("Amount") * if kind == "DiscountLineDetail" { -1 } else { 1 };
        if !matches!(kind, "SubTotalLineDetail" | "DescriptionOnly") {
            let (account, class) = line_account(company, line, selling);
            entry.post(account, sign * cents, None, class.or_else(|| owned(object.id_at("ClassRef"))));
        }
    }
    let tax = object.cents_at("TxnTaxDetail.TotalTax");
    entry.post(company.account_of_subtype("SalesTaxPayable"), sign * tax, None, None);
}

fn deposit(company: &Company, object: &Json, entry: &mut Entry) {
    entry.post(owned(object.id_at("DepositToAccountRef")), object.cents_at("TotalAmt"), None, None);
    entry.post(owned(object.id_at("CashBack.AccountRef")), object.cents_at("CashBack.Amount"), None, None);
    for line in object.get("Line").map_or(&[][..], Json::items) {
        let cents = -line.cents_at("Amount");
        let linked = line.get("LinkedTxn").map_or(&[][..], Json::items).first();
        if let Some(source) = linked.and_then(link_target).and_then(|(kind, id)| company.get(kind, &id)) {
            let held = owned(source.id_at("DepositToAccountRef"));
            entry.post(held.or_else(|| company.account_of_subtype("UndepositedFunds")), cents, None, None);
        } else {
            let detail = line.get("DepositLineDetail");
            let entity = detail.and_then(|detail| detail.get("Entity"));
            let name = entity.and_then(|entity| {
                let kind = Kind::of_path(entity.str_at("type")?).filter(|kind| kind.is_person())?;
                Some((kind, entity.str_at("value")?.to_owned()))
            });
            let class = detail.and_then(|detail| owned(detail.id_at("ClassRef")));
            entry.post(detail.and_then(|detail| owned(detail.id_at("AccountRef"))), cents, name, class);
        }
    }
}

fn journal(object: &Json, entry: &mut Entry) {
    for line in object.get("Line").map_or(&[][..], Json::items) {
        let Some(detail) = line.get("JournalEntryLineDetail") else { continue };
        let sign = if detail.str_at("PostingType") == Some("Credit") { -1 } else { 1 };
        let name = detail.str_at("Entity.Type").and_then(Kind::of_path).zip(detail.id_at("Entity.EntityRef"));
        let name = name.map(|(kind, id)| (kind, id.to_owned()));
        let class = owned(detail.id_at("ClassRef"));
        entry.post(owned(detail.id_at("AccountRef")), sign * line.cents_at("Amount"), name, class);
    }
}

/// The document a link names; the word for its kind is not to be trusted for bill payments.
fn link_target(link: &Json) -> Option<Key> {
    let kind = match link.str_at("TxnType")? {
        "BillPaymentCheck" | "BillPaymentCreditCard" => Kind::BillPayment,
        "Expense" | "Check" => Kind::Purchase,
        other => Kind::named(other)?,
    };
    Some((kind, link.str_at("TxnId")?.to_owned()))
}

fn links(kind: Kind, object: &Json) -> Vec<Link> {
    if !matches!(kind, Kind::Payment | Kind::BillPayment | Kind::Deposit) {
        return Vec::new();
    }
    let mut links = Vec::new();
    for line in object.get("Line").map_or(&[][..], Json::items) {
        let cents = if kind == Kind::Deposit { 0 } else { line.cents_at("Amount") };
        let targets = line.get("LinkedTxn").map_or(&[][..], Json::items).iter().filter_map(link_target);
        links.extend(targets.map(|target| Link { target, cents }));
    }
    links
}

/// How a document is called in the links of what it applies to.
fn link_name(kind: Kind) -> &'static str {
    // A bill paid by card lists a cheque too (contract 7.1, recorded).
    if kind == Kind::BillPayment { "BillPaymentCheck" } else { kind.spec().name }
}

/// Puts the effects of a document in place of its former ones.
pub(crate) fn replace(company: &mut Company, key: &Key, after: Option<Entry>, now: i64) {
    let before = match &after {
        Some(entry) => company.ledger.insert(key.clone(), entry.clone()),
        None => company.ledger.remove(key),
    };
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    if before == after {
        return;
    }
    let mut accounts: BTreeMap<String, i64> = BTreeMap::new();
    let mut names: BTreeMap<Key, i64> = BTreeMap::new();
    for (sign, entry) in [(-1, &before), (1, &after)] {
        for posting in &entry.postings {
            *accounts.entry(posting.account.clone()).or_default() += sign * posting.cents;
            if let Some(name) = moved_name(company, posting) {
                *names.entry(name).or_default() += sign * posting.cents;
            }
        }
    }
    for (id, cents) in accounts.into_iter().filter(|(_, cents)| *cents != 0) {
        move_account(company, &id, cents, now);
    }
    for ((kind, id), cents) in names.into_iter().filter(|(_, cents)| *cents != 0) {
        move_name(company, kind, &id, if kind == Kind::Vendor { -cents } else { cents }, now);
    }
    let applied = |entry: &Entry| {
        let mut sums: BTreeMap<Key, i64> = BTreeMap::new();
        entry.links.iter().for_each(|link| *sums.entry(link.target.clone()).or_default() += link.cents);
        sums
    };
    let (before, after) = (applied(&before), applied(&after));
    let targets: BTreeSet<&Key> = before.keys().chain(after.keys()).collect();
    for target in targets {
        let (old, new) = (before.get(target), after.get(target));
        if old != new {
            let taken = new.unwrap_or(&0) - old.unwrap_or(&0);
            relink(company, key, target, taken, new.is_some(), now);
        }
    }
}

/// Only receivables and payables move the balance of a name.
fn moved_name(company: &Company, posting: &Posting) -> Option<Key> {
    let name = posting.name.clone()?;
    let wanted = match name.0 {
        Kind::Customer => "Accounts Receivable",
        Kind::Vendor => "Accounts Payable",
        _ => return None,
    };
    let account = company.get(Kind::Account, &posting.account)?;
    (account.str_at("AccountType") == Some(wanted)).then_some(name)
}

fn add(object: &mut Json, field: &str, cents: i64) {
    let sum = object.cents_at(field) + cents;
    object.set(field, money(sum));
}

/// Income and expense accounts show 0 whatever is posted to them.
fn move_account(company: &mut Company, id: &str, cents: i64, now: i64) {
    let Some(account) = company.get(Kind::Account, id) else { return };
    if matches!(account.str_at("Classification"), Some("Revenue" | "Expense")) {
        return;
    }
    let mut parent = owned(account.id_at("ParentRef"));
    company.touch(Kind::Account, id, now, |account| {
        add(account, "CurrentBalance", cents);
        add(account, "CurrentBalanceWithSubAccounts", cents);
    });
    while let Some(above) = parent {
        parent = company.get(Kind::Account, &above).and_then(|account| owned(account.id_at("ParentRef")));
        company.touch(Kind::Account, &above, now, |account| {
            add(account, "CurrentBalanceWithSubAccounts", cents);
        });
    }
}

/// A name is owed so many cents more, or owes them.
pub(crate) fn move_name(company: &mut Company, kind: Kind, id: &str, cents: i64, now: i64) {
    let mut parent = company.get(kind, id).and_then(|name| owned(name.id_at("ParentRef")));
    company.touch(kind, id, now, |name| {
        add(name, "Balance", cents);
        if kind == Kind::Customer {
            add(name, "BalanceWithJobs", cents);
        }
    });
    while let Some(above) = parent {
        parent = company.get(kind, &above).and_then(|name| owned(name.id_at("ParentRef")));
        company.touch(kind, &above, now, |name| add(name, "BalanceWithJobs", cents));
    }
}

/// A document is applied to another, or no longer: balance, links and token of the other move.
fn relink(company: &mut Company, from: &Key, target: &Key, taken: i64, linked: bool, now: i64) {
    company.touch(target.0, &target.1, now, |object| {
        if matches!(target.0, Kind::Invoice | Kind::Bill | Kind::CreditMemo | Kind::VendorCredit) {
            add(object, "Balance", -taken);
        }
        if target.0 == Kind::CreditMemo {
            add(object, "RemainingCredit", -taken);
        }
        let kept = object.get("LinkedTxn").map_or(&[][..], Json::items).iter();
        let mut all: Vec<Json> =
            kept.filter(|link| link.str_at("TxnId") != Some(&*from.1)).cloned().collect();
        if linked {
            all.push(Json::object([
                ("TxnId", Json::text(&*from.1)),
                ("TxnType", Json::text(link_name(from.0))),
            ]));
        }
        object.set("LinkedTxn", Json::Arr(all));
        bump(object);
    });
}

/// The next token.
pub(crate) fn bump(object: &mut Json) {
    let token = object.str_at("SyncToken").and_then(|token| token.parse::<u64>().ok()).unwrap_or(0);
    object.set("SyncToken", Json::text((token + 1).to_string()));
}
