//! Create, update, delete and void (contract 7.2 and 7.4).

use super::check;
use super::company::Company;
use super::effects::{self, bump};
use super::money::money;
use super::refusal::Refusal;
use super::schema::{Kind, Sort};
use super::shape;
use super::tree::Json;

/// What a write is told beside its body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// `operation=`.
    pub(crate) operation: String,
    /// `include=`.
    pub(crate) include: String,
    /// The time.
    pub(crate) now: i64,
}

impl Options {
    /// A plain write at `now`.
    pub(crate) fn at(now: i64) -> Self {
        Self { now, ..Self::default() }
    }

    /// The caller takes a document number that is used already.
    fn allows_used_number(&self) -> bool {
        self.include == "allowduplicatedocnum"
    }
}

/// Members that no caller sets.
const READ_ONLY: [&str; 19] = [
    "domain",
    "sparse",
    "status",
    "MetaData",
    "Balance",
    "BalanceWithJobs",
    "HomeBalance",
    "HomeTotalAmt",
    "RemainingCredit",
    "UnappliedAmt",
    "CurrentBalance",
    "CurrentBalanceWithSubAccounts",
    "Classification",
    "FullyQualifiedName",
    "Job",
    "LinkedTxn",
    "V4IDPseudonym",
    "FileAccessUri",
    "TempDownloadUri",
];

/// One write; the object as it is afterwards, or the reply of a delete.
pub(crate) fn write(
    company: &mut Company,
    kind: Kind,
    body: &Json,
    options: &Options,
) -> Result<Json, Refusal> {
    if body.members().is_empty() {
        return Err(Refusal::unreadable());
    }
    check::properties(kind, body)?;
    match (options.operation.as_str(), body.str_at("Id").is_some()) {
        ("delete", _) => delete(company, kind, body, options.now),
        ("void", _) if kind == Kind::Invoice => void(company, kind, body, options.now),
        ("" | "update", true) if options.include == "void" => void(company, kind, body, options.now),
        ("" | "update", true) => update(company, kind, body, options),
        ("" | "create", false) => create(company, kind, body, options),
        (other, _) => Err(Refusal::unsupported(other)),
    }
}

fn create(company: &mut Company, kind: Kind, body: &Json, options: &Options) -> Result<Json, Refusal> {
    if kind.spec().sort == Sort::Single {
        return Err(Refusal::unsupported(kind.spec().name));
    }
    let mut object = body.clone();
    for name in READ_ONLY {
        object.remove(name);
    }
    object.remove("SyncToken");
    check::whole(company, kind, &object, None)?;
    shape::complete(company, kind, &mut object, None, options.now);
    check::whole(company, kind, &object, None)?;
    if kind.is_document() {
        check::open_period(company, &object)?;
        if body.get("DocNumber").is_some() && !options.allows_used_number() {
            check::number(company, kind, &object)?;
        }
    }
    let id = company.take_id(kind);
    object.set("Id", Json::text(&*id));
    object.set("SyncToken", Json::text("0"));
    store(company, kind, &id, object, options.now);
    company.tell(kind, &id, "Create", options.now);
    Ok(company.get(kind, &id).cloned().unwrap_or_default())
}

/// Puts an object and what it does into the books.
pub(crate) fn store(company: &mut Company, kind: Kind, id: &str, object: Json, now: i64) {
    let entry = effects::of(company, kind, &object);
    company.put(kind, id, object, now);
    if kind.is_document() {
        effects::replace(company, &(kind, id.to_owned()), Some(entry), now);
    }
}

/// The object a write is about, if the write is based on its newest version.
fn current(
    company: &Company,
    kind: Kind,
    body: &Json,
    token_needed: bool,
) -> Result<(String, Json), Refusal> {
    let id = body.str_at("Id").ok_or_else(|| Refusal::missing("Id"))?;
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::bad_id(id));
    }
    let object = company.get(kind, id).ok_or_else(Refusal::not_found)?;
    match body.get("SyncToken").map(Json::shown) {
        None if token_needed => Err(Refusal::missing("SyncToken")),
        Some(token) if object.str_at("SyncToken") != Some(&token) => Err(Refusal::stale(&company.somebody)),
        _ => Ok((id.to_owned(), object.clone())),
    }
}

fn update(company: &mut Company, kind: Kind, body: &Json, options: &Options) -> Result<Json, Refusal> {
    let (id, old) = current(company, kind, body, true)?;
    let sparse = body.get("sparse").and_then(Json::as_bool) == Some(true);
    if let Some(need) = still_needed(kind).iter().find(|need| sparse && body.get(need).is_none()) {
        return Err(Refusal::missing(need));
    }
    if kind.is_document() {
        check::not_deposited(&old)?;
        check::open_period(company, &old)?;
    }
    let mut object = if sparse { old.clone() } else { kept_by_full_update(&old) };
    for (name, value) in body.members() {
        if !READ_ONLY.contains(&name.as_str()) {
            object.set(name, value.clone());
        }
    }
    object.remove("MetaData");
    shape::complete(company, kind, &mut object, Some(&old), options.now);
    let unchanged = {
        let mut was = old.clone();
        was.remove("MetaData");
        same(&was, &object)
    };
    if unchanged {
        return Ok(old);
    }
    check::whole(company, kind, &object, Some(&old))?;
    check::open_period(company, &object)?;
    if body.get("DocNumber").is_some() && !options.allows_used_number() {
        check::number(company, kind, &object)?;
    }
    if let Some(times) = old.get("MetaData") {
        object.set("MetaData", times.clone());
    }
    bump(&mut object);
    store(company, kind, &id, object, options.now);
    company.tell(kind, &id, "Update", options.now);
    Ok(company.get(kind, &id).cloned().unwrap_or_default())
}

/// What even a sparse update must repeat (contract 7.2).
fn still_needed(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Bill | Kind::VendorCredit | Kind::BillPayment => &["VendorRef"],
        Kind::Payment | Kind::Invoice | Kind::CreditMemo => &["CustomerRef"],
        Kind::Purchase => &["PaymentType", "AccountRef"],
        Kind::Account => &["Name"],
        _ => &[],
    }
}

/// The same members, in whatever order.
fn same(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Obj(one), Json::Obj(two)) => {
            one.len() == two.len()
                && one.iter().all(|(name, value)| right.get(name).is_some_and(|other| same(value, other)))
        }
        (Json::Arr(one), Json::Arr(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| same(one, two))
        }
        _ => left == right,
    }
}

/// What a full update does not clear: what nobody sets, and the number of a document (recorded).
fn kept_by_full_update(old: &Json) -> Json {
    let stays = |name: &str| {
        READ_ONLY.contains(&name)
            || matches!(
                name,
                "Id" | "SyncToken" | "DocNumber" | "CustomField" | "AccountType" | "AccountSubType" | "Type"
            )
            || matches!(name, "Taxable" | "PreferredDeliveryMethod" | "DefaultTaxCodeRef" | "TxnDate")
    };
    Json::Obj(old.members().iter().filter(|(name, _)| stays(name)).cloned().collect())
}

fn delete(company: &mut Company, kind: Kind, body: &Json, now: i64) -> Result<Json, Refusal> {
    let sort = kind.spec().sort;
    if matches!(sort, Sort::Name | Sort::Single) {
        return Err(Refusal::unsupported("delete"));
    }
    // An attachment was deleted without a token (recorded).
    let (id, old) = current(company, kind, body, sort == Sort::Document)?;
    if kind.is_document() {
        check::not_deposited(&old)?;
        check::open_period(company, &old)?;
    }
    forget(company, kind, &id, now);
    company.tell(kind, &id, "Delete", now);
    Ok(Json::object([
        ("domain", Json::text("QBO")),
        ("status", Json::text("Deleted")),
        ("Id", Json::text(id)),
    ]))
}

/// Takes an object and all it did out of the books; what was applied to it is free again.
fn forget(company: &mut Company, kind: Kind, id: &str, now: i64) {
    detach(company, kind, id, now);
    effects::replace(company, &(kind, id.to_owned()), None, now);
    company.bury(kind, id, now);
}

/// Payments that were applied to a document are applied no longer.
fn detach(company: &mut Company, kind: Kind, id: &str, now: i64) {
    let target = (kind, id.to_owned());
    let payers: Vec<_> = company
        .ledger
        .iter()
        .filter(|(_, entry)| entry.links.iter().any(|link| link.target == target))
        .map(|(key, _)| key.clone())
        .collect();
    for (payer, payer_id) in payers {
        let Some(mut object) = company.get(payer, &payer_id).cloned() else { continue };
        let lines = object.get("Line").map_or(&[][..], Json::items);
        let to_it = |line: &Json| {
            let linked = line.get("LinkedTxn").map_or(&[][..], Json::items);
            linked.iter().any(|link| link.str_at("TxnId") == Some(id))
        };
        let rest: Vec<Json> = lines.iter().filter(|line| !to_it(line)).cloned().collect();
        object.set("Line", Json::Arr(rest));
        let before = object.clone();
        shape::complete(company, payer, &mut object, Some(&before), now);
        bump(&mut object);
        store(company, payer, &payer_id, object, now);
    }
}

fn void(company: &mut Company, kind: Kind, body: &Json, now: i64) -> Result<Json, Refusal> {
    if matches!(kind, Kind::Bill | Kind::VendorCredit | Kind::Deposit | Kind::JournalEntry)
        || !kind.is_document()
    {
        return Err(Refusal::unsupported("void"));
    }
    let (id, old) = current(company, kind, body, true)?;
    check::not_deposited(&old)?;
    check::open_period(company, &old)?;
    detach(company, kind, &id, now);
    let mut object = company.get(kind, &id).cloned().unwrap_or(old);
    let note = match object.str_at("PrivateNote") {
        Some(note) if !note.is_empty() => format!("Voided - {note}"),
        _ => "Voided".to_owned(),
    };
    object.set("PrivateNote", Json::text(note));
    let lines = object.get("Line").map_or(&[][..], Json::items);
    let lines: Vec<Json> = match kind {
        Kind::Payment | Kind::BillPayment => Vec::new(),
        _ => lines.iter().map(zeroed).collect(),
    };
    object.set("Line", Json::Arr(lines));
    for field in ["TotalAmt", "Balance", "RemainingCredit", "UnappliedAmt", "Amount"] {
        if object.get(field).is_some() {
            object.set(field, money(0));
        }
    }
    if object.get("TxnTaxDetail").is_some() {
        object.set("TxnTaxDetail", Json::object([("TotalTax", money(0))]));
    }
    bump(&mut object);
    store(company, kind, &id, object, now);
    company.tell(kind, &id, "Void", now);
    Ok(company.get(kind, &id).cloned().unwrap_or_default())
}

fn zeroed(line: &Json) -> Json {
    let mut line = line.clone();
    line.set("Amount", money(0));
    for detail in ["SalesItemLineDetail", "ItemBasedExpenseLineDetail"] {
        if let Some(detail) = line.get_mut(detail) {
            for field in ["UnitPrice", "Qty"] {
                if detail.get(field).is_some() {
                    detail.set(field, money(0));
                }
            }
        }
    }
    line
}
