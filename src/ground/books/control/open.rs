//! What is open of each document, and of whom; what is reported beside it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Name, What, account_balance};
use crate::ground::books::amount::Amount;
use crate::ground::books::decimal::Decimal;
use crate::ground::books::id::{Entity, EntityId};
use crate::ground::books::parts::{Line, Ref};
use crate::ground::books::record::{Body, Record};
use crate::ground::books::words::{AccountType, PostingType};
use crate::ground::money::Currency;

/// What one document leaves open, of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Open {
    pub entity: Entity,
    pub id: EntityId,
    /// Whose it is; none where the document does not say.
    pub name: Option<Name>,
    /// More than nothing is owed to the company (receivable) or by it (payable); less the other way round.
    pub amount: Amount,
}

/// One side of what is owed.
pub(super) struct Ledger {
    pub what: What,
    pub open: Vec<Open>,
    /// What the names say.
    pub names: BTreeMap<Name, Amount>,
    /// What the accounts say, with the sign of `open`.
    reported: Vec<Amount>,
}

fn id_of(reference: Option<&Ref>) -> Option<EntityId> {
    reference?.id.clone()
}

/// Parts of a ledger in the making.
struct Making<'r> {
    what: What,
    /// The accounts of this side.
    accounts: BTreeSet<&'r EntityId>,
    /// Postings without a balance of their own, by document and name.
    postings: BTreeMap<(Entity, EntityId, Option<Name>), Amount>,
    /// Documents of this side that have a balance of their own.
    balanced: BTreeSet<EntityId>,
    open: Vec<Open>,
}

impl Ledger {
    /// This side of all records; none if an amount is too long to add.
    pub fn of(what: What, records: &[&Record]) -> Option<Self> {
        let is_ours = |kind: Option<&AccountType>| match what {
            What::Receivable => kind == Some(&AccountType::Receivable),
            What::Payable => kind == Some(&AccountType::Payable),
            What::Accounts => false,
        };
        let ours = |record: &&&Record| matches!(&record.body, Body::Account(account) if is_ours(account.account_type.as_ref()));
        let mut making = Making {
            what,
            accounts: records.iter().filter(ours).map(|record| &record.id).collect(),
            postings: BTreeMap::new(),
            balanced: BTreeSet::new(),
            open: Vec::new(),
        };
        for record in records {
            making.document(record);
            making.post(record)?;
        }
        for record in records {
            making.use_up(record)?;
        }
        let Making { postings, mut open, .. } = making;
        open.extend(postings.into_iter().map(|((entity, id, name), amount)| Open {
            entity,
            id,
            name,
            amount,
        }));
        open.retain(|open| !open.amount.exact.is_zero());
        let reported = records.iter().filter_map(|record| account_balance(record));
        let reported = reported.filter(|(kind, _)| is_ours(*kind)).map(|(_, balance)| signed(what, balance));
        let names = records.iter().filter_map(|record| name_balance(what, record)).collect();
        Some(Self { what, open, names, reported: reported.collect() })
    }

    /// The currencies that stand anywhere on this side.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> {
        let open = self.open.iter().map(|open| open.amount);
        let all = open.chain(self.names.values().copied()).chain(self.reported.iter().copied());
        all.map(|amount| amount.currency).collect::<BTreeSet<_>>().into_iter()
    }

    /// The open documents, the accounts and the names of a currency, each added up.
    pub fn totals(&self, currency: Currency) -> Option<(Decimal, Decimal, Decimal)> {
        let open = sum(self.open.iter().map(|open| open.amount), currency)?;
        let reported = sum(self.reported.iter().copied(), currency)?;
        Some((open, reported, sum(self.names.values().copied(), currency)?))
    }
}

pub(super) fn sum(amounts: impl Iterator<Item = Amount>, currency: Currency) -> Option<Decimal> {
    let mut amounts = amounts.filter(|amount| amount.currency == currency);
    amounts.try_fold(Decimal::ZERO, |sum, amount| sum.plus(amount.exact))
}

/// Accounts count debits: what is owed by the company is a negative balance (contract 7.3).
fn signed(what: What, balance: Amount) -> Amount {
    if what == What::Payable { Amount { exact: balance.exact.negated(), ..balance } } else { balance }
}

fn name_balance(what: What, record: &Record) -> Option<(Name, Amount)> {
    let (entity, balance) = match &record.body {
        Body::Customer(customer) if what == What::Receivable => (Entity::Customer, customer.balance?),
        Body::Vendor(vendor) if what == What::Payable => (Entity::Vendor, vendor.balance?),
        _ => return None,
    };
    Some(((entity, record.id.clone()), balance))
}

/// The name of a reference that says its kind itself: `Vendor`, `Customer`.
fn typed_name(reference: Option<&Ref>) -> Option<Name> {
    let reference = reference?;
    Some((Entity::named(reference.kind.as_deref()?)?, reference.id.clone()?))
}

/// Whether a payment's line is about a document that has a balance of its own, which the payment has lowered already.
fn is_balanced_kind(kind: Option<&str>) -> bool {
    matches!(kind, Some("Invoice" | "CreditMemo" | "Bill" | "VendorCredit"))
}

impl Making<'_> {
    /// Documents with a balance of their own.
    fn document(&mut self, record: &Record) {
        let customer = |reference: Option<&Ref>| id_of(reference).map(|id| (Entity::Customer, id));
        let vendor = |reference: Option<&Ref>| id_of(reference).map(|id| (Entity::Vendor, id));
        let (name, balance, owed) = match (self.what, &record.body) {
            (What::Receivable, Body::Invoice(it)) => (customer(it.customer.as_ref()), it.balance, true),
            (What::Receivable, Body::CreditMemo(it)) => {
                (customer(it.customer.as_ref()), it.remaining.or(it.balance), false)
            }
            (What::Receivable, Body::Payment(it)) => (customer(it.customer.as_ref()), it.unapplied, false),
            (What::Payable, Body::Bill(it)) => (vendor(it.vendor.as_ref()), it.balance, true),
            (What::Payable, Body::VendorCredit(it)) => (vendor(it.vendor.as_ref()), it.balance, false),
            _ => return,
        };
        self.balanced.insert(record.id.clone());
        if let Some(balance) = balance {
            let exact = if owed { balance.exact } else { balance.exact.negated() };
            let (entity, id) = (record.body.entity(), record.id.clone());
            self.open.push(Open { entity, id, name, amount: Amount { exact, ..balance } });
        }
    }

    /// Postings on an account of this side by documents that have no balance.
    fn post(&mut self, record: &Record) -> Option<()> {
        for line in record.body.lines() {
            let Some(amount) = line.amount else { continue };
            let Some((account, name, is_debit)) = posting(&record.body, line) else { continue };
            if !self.accounts.contains(&account) {
                continue;
            }
            let raises = is_debit == (self.what == What::Receivable);
            let exact = if raises { amount.exact } else { amount.exact.negated() };
            self.add(record, name, Amount { exact, ..amount })?;
        }
        Some(())
    }

    fn add(&mut self, record: &Record, name: Option<Name>, amount: Amount) -> Option<()> {
        let key = (record.body.entity(), record.id.clone(), name);
        let posted = self.postings.entry(key).or_insert(Amount { exact: Decimal::ZERO, ..amount });
        posted.exact = posted.exact.plus(amount.exact)?;
        Some(())
    }

    /// What payments have used of such postings; of a payment of bills, what it has not used is open itself.
    fn use_up(&mut self, record: &Record) -> Option<()> {
        match (self.what, &record.body) {
            (What::Receivable, Body::Payment(payment)) => {
                for line in &payment.lines {
                    self.use_line(line)?;
                }
            }
            (What::Payable, Body::BillPayment(payment)) => {
                let Some(total) = payment.total else { return Some(()) };
                // Credits that were used pay as money does.
                let mut paid = Decimal::ZERO;
                for line in &payment.lines {
                    let raises = self.use_line(line)?;
                    let used = line.amount.map_or(Decimal::ZERO, |amount| amount.exact);
                    paid = paid.plus(if raises { used } else { used.negated() })?;
                }
                let exact = paid.plus(total.exact.negated())?;
                let name = id_of(payment.vendor.as_ref()).map(|id| (Entity::Vendor, id));
                let (entity, id) = (Entity::BillPayment, record.id.clone());
                self.open.push(Open { entity, id, name, amount: Amount { exact, ..total } });
            }
            _ => {}
        }
        Some(())
    }

    /// Takes what a line of a payment uses off the posting it is linked to. Whether what it is linked to is owed, so that the
    /// line pays it, or is a credit, which the line uses.
    fn use_line(&mut self, line: &Line) -> Option<bool> {
        let Some(used_for) = line.links.first() else { return Some(true) };
        let (Some(id), Some(used)) = (&used_for.id, line.amount) else { return Some(true) };
        let kind = used_for.kind.as_deref();
        if is_balanced_kind(kind) || self.balanced.contains(id) {
            return Some(!matches!(kind, Some("CreditMemo" | "VendorCredit")));
        }
        let mut of_document = self.postings.iter_mut().filter(|((_, other, _), _)| other == id);
        let Some((_, posted)) = of_document.next() else { return Some(true) };
        let is_owed = !posted.exact.is_negative();
        let toward_nothing = if is_owed { used.exact.negated() } else { used.exact };
        posted.exact = posted.exact.plus(toward_nothing)?;
        Some(is_owed)
    }
}

/// The account of a line, whose it is, and whether it is a debit.
fn posting(body: &Body, line: &Line) -> Option<(EntityId, Option<Name>, bool)> {
    match body {
        Body::JournalEntry(_) => {
            let detail = line.journal.as_ref()?;
            let is_debit = match detail.posting.as_ref()? {
                PostingType::Debit => true,
                PostingType::Credit => false,
                PostingType::Other(_) => return None,
            };
            let party = detail.entity.as_ref();
            let kind = party.and_then(|party| Entity::named(party.kind.as_deref()?));
            let id = party.and_then(|party| id_of(party.entity.as_ref()));
            Some((id_of(detail.account.as_ref())?, kind.zip(id), is_debit))
        }
        // What is brought to the bank comes from the account of the line.
        Body::Deposit(_) => {
            let detail = line.deposit.as_ref()?;
            Some((id_of(detail.account.as_ref())?, typed_name(detail.entity.as_ref()), false))
        }
        Body::Purchase(purchase) => {
            let detail = line.account_expense.as_ref()?;
            let is_debit = purchase.is_credit != Some(true);
            Some((id_of(detail.account.as_ref())?, typed_name(purchase.entity.as_ref()), is_debit))
        }
        _ => None,
    }
}
