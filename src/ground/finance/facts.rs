//! The records of a company as the rules need them: what is held, owed, spent and taken in, in the company's own currency.
//! A document in another currency counts with the value that QuickBooks itself tells in the company's (`HomeBalance`); where it
//! tells none, the document is listed and every total it belongs to is unknown.

use std::collections::{BTreeMap, BTreeSet};

use super::figure::{Known, RecordName, Unknown};
use crate::ground::books::documents::{Bill, Invoice, JournalEntry, Purchase};
use crate::ground::books::parts::{Line, Ref};
use crate::ground::books::status::Status;
use crate::ground::books::words::{AccountType, PostingType};
use crate::ground::books::{Amount, Body, Decimal, Entity, EntityId, Record};
use crate::ground::money::{Currency, Money};
use crate::ground::time::{CalendarDate, Zone};

/// A bank account in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CashAccount {
    /// Its id.
    pub id: EntityId,
    /// What it is called.
    pub name: String,
    /// What it holds; unknown where it tells nothing, or holds another currency.
    pub balance: Known<Money>,
}

/// Which side a document is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// What we owe.
    Bill,
    /// What is owed to us.
    Invoice,
}

/// A bill or an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Which one.
    pub name: RecordName,
    /// Which side.
    pub side: Side,
    /// What it is called.
    pub number: Option<String>,
    /// Whose it is.
    pub party: Option<EntityId>,
    /// The name it carries, which may be an old one.
    pub party_name: Option<String>,
    /// When it was written.
    pub date: Option<CalendarDate>,
    /// Until when it is to be paid.
    pub due: Option<CalendarDate>,
    /// Its terms.
    pub terms: Option<EntityId>,
    /// Its amount, in its own currency; none where it tells none.
    pub total: Option<Decimal>,
    /// What is open of it, in the company's currency; nothing of what is settled.
    pub open: Known<Money>,
    /// Its amount in the company's currency, where that is known.
    pub home_total: Known<Money>,
    /// Where it stands.
    pub status: Status,
    /// Accounts its lines are on; none for a line without one.
    pub accounts: Vec<Option<EntityId>>,
    /// On which day it was changed last, as it says, in the company's zone.
    pub updated: Option<CalendarDate>,
}

impl Document {
    /// Whether something of it is owed.
    pub const fn is_open(&self) -> bool {
        self.status.is_owed()
    }

    /// Days past its due date; negative before it. None without one. Due today is not late (finance 1.4).
    pub fn days_late(&self, today: CalendarDate) -> Option<i32> {
        self.due.map(|due| today.days_since(due))
    }
}

/// Money that went out or came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// By which record.
    pub name: RecordName,
    /// When; none where the record has no date.
    pub date: Option<CalendarDate>,
    /// How much, in the company's currency; never negative.
    pub amount: Known<Money>,
    /// Whether it came in.
    pub is_in: bool,
    /// To whom or from whom.
    pub party: Option<EntityId>,
    /// Accounts it was spent on; none for a line without one.
    pub accounts: Vec<Option<EntityId>>,
}

/// A customer or a vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Which one.
    pub name: RecordName,
    /// What it is called.
    pub called: Option<String>,
    /// Where mail goes.
    pub email: Option<String>,
    /// Whether a telephone number is known.
    pub has_phone: bool,
    /// Whether a postal address is known.
    pub has_address: bool,
    /// Its terms.
    pub terms: Option<EntityId>,
    /// Whether it is in use.
    pub active: bool,
}

/// What is not used yet of a payment or a credit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unused {
    /// Of which record.
    pub name: RecordName,
    /// How much, in the company's currency.
    pub amount: Known<Money>,
}

/// All of a company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The company's currency.
    pub home: Currency,
    /// Bank accounts in use.
    pub cash: Vec<CashAccount>,
    /// Bills and invoices that are there, the settled ones too.
    pub documents: Vec<Document>,
    /// Money out and in.
    pub flows: Vec<Flow>,
    /// Customers and vendors.
    pub parties: BTreeMap<RecordName, Party>,
    /// Days that terms of payment give.
    pub terms: BTreeMap<EntityId, i32>,
    /// Accounts that say of themselves that nothing was sorted yet.
    pub uncategorised: BTreeSet<EntityId>,
    /// Payments, receipts and credits with something left.
    pub unused: Vec<Unused>,
    /// Documents of money that have no date.
    pub undated: Vec<RecordName>,
    /// Kinds of which a record is there that cannot be read: what would rest on it is not known.
    pub unreadable: BTreeSet<Entity>,
    /// Records that have files beside them.
    pub with_files: BTreeSet<RecordName>,
}

/// Accounts people put what they have not sorted (finance 3.1).
const UNSORTED: [&str; 3] = ["uncategorized", "uncategorised", "ask my accountant"];

fn money(amount: Option<Amount>, home: Currency) -> Known<Money> {
    let amount = amount.ok_or(Unknown::BalanceMissing)?;
    if amount.currency != home {
        return Err(Unknown::ForeignCurrency);
    }
    // Fractions of a minor unit stand in lines only.
    let exact = amount.exact.rounded(home.exponent());
    Money::parse(&exact.to_string(), home).map_err(|_| Unknown::TooLarge)
}

/// An amount of a document in the company's currency: its own, what is told in the company's, or at the rate it tells.
fn in_home(own: Option<Amount>, told: Option<Amount>, rate: Option<Decimal>, home: Currency) -> Known<Money> {
    match own {
        Some(amount) if amount.currency == home => money(own, home),
        _ if told.is_some() => money(told, home),
        Some(amount) => {
            let exact = rate.and_then(|rate| amount.exact.times(rate)).ok_or(Unknown::ForeignCurrency)?;
            money(Some(Amount { exact, currency: home }), home)
        }
        None => Err(Unknown::BalanceMissing),
    }
}

fn id(reference: Option<&Ref>) -> Option<EntityId> {
    reference.and_then(|reference| reference.id.clone())
}

fn line_accounts(lines: &[Line]) -> Vec<Option<EntityId>> {
    let spent = lines.iter().filter_map(|line| {
        let by_account = line.account_expense.as_ref().map(|it| id(it.account.as_ref()));
        // What is bought by item is sorted by the item.
        by_account.or_else(|| line.item_expense.as_ref().map(|it| id(it.item.as_ref())))
    });
    spent.collect()
}

fn positive(amount: Known<Money>) -> Known<Money> {
    amount.map(|money| Money { micros: money.micros.abs(), ..money })
}

impl Facts {
    /// Nothing known yet of a company with this currency.
    pub const fn new(home: Currency) -> Self {
        Self {
            home,
            cash: Vec::new(),
            documents: Vec::new(),
            flows: Vec::new(),
            parties: BTreeMap::new(),
            terms: BTreeMap::new(),
            uncategorised: BTreeSet::new(),
            unused: Vec::new(),
            undated: Vec::new(),
            unreadable: BTreeSet::new(),
            with_files: BTreeSet::new(),
        }
    }

    /// Takes a record that is there, of a company in this zone. Accounts come before what lies on them.
    pub fn add(&mut self, record: &Record, zone: &Zone) {
        let updated = record.updated().map(|at| zone.date_of(at));
        let name = RecordName { entity: record.body.entity(), id: record.id.clone() };
        match &record.body {
            Body::Account(it) => self.add_account(name, it),
            Body::Term(it) => {
                let days = it.due_days.and_then(|days| days.to_string().split('.').next()?.parse().ok());
                if let Some(days) = days {
                    self.terms.insert(name.id, days);
                }
            }
            Body::Customer(_) | Body::Vendor(_) => self.add_party(name, &record.body),
            Body::Bill(it) => self.add_bill(name, (record, updated), it),
            Body::Invoice(it) => self.add_invoice(name, (record, updated), it),
            Body::Purchase(it) => self.add_purchase(name, it),
            Body::JournalEntry(it) => self.add_entry(name, it),
            Body::Attachable(_)
            | Body::Item(_)
            | Body::Class(_)
            | Body::Department(_)
            | Body::PaymentMethod(_)
            | Body::CompanyInfo(_)
            | Body::Preferences(_)
            // Money between own accounts is neither spent nor taken in (finance 2.3); deposits bring what was taken in before.
            | Body::Transfer(_) => {}
            _ => self.add_money(name, record),
        }
    }

    /// Forgets a record. An account leaves what lies on it as it was.
    pub fn forget(&mut self, name: &RecordName) {
        match name.entity {
            Entity::Account => {
                self.cash.retain(|account| account.id != name.id);
                self.uncategorised.remove(&name.id);
            }
            Entity::Term => {
                self.terms.remove(&name.id);
            }
            Entity::Customer | Entity::Vendor => {
                self.parties.remove(name);
            }
            Entity::Bill | Entity::Invoice => self.documents.retain(|document| document.name != *name),
            _ => {
                self.flows.retain(|flow| flow.name != *name);
                self.unused.retain(|unused| unused.name != *name);
                self.undated.retain(|undated| undated != name);
            }
        }
    }

    fn add_account(&mut self, name: RecordName, account: &crate::ground::books::names::Account) {
        let called = account.name.clone().unwrap_or_default();
        if UNSORTED.iter().any(|word| called.to_lowercase().contains(word)) {
            self.uncategorised.insert(name.id.clone());
        }
        if account.account_type == Some(AccountType::Bank) && account.active != Some(false) {
            let balance = money(account.balance, self.home);
            self.cash.push(CashAccount { id: name.id, name: called, balance });
        }
    }

    fn add_party(&mut self, name: RecordName, body: &Body) {
        let party = match body {
            Body::Customer(it) => Party {
                name: name.clone(),
                called: it.display_name.clone(),
                email: it.email.as_ref().and_then(|email| email.address.clone()),
                has_phone: it.phone.is_some(),
                has_address: it.bill_address.is_some(),
                terms: id(it.terms.as_ref()),
                active: it.active != Some(false),
            },
            Body::Vendor(it) => Party {
                name: name.clone(),
                called: it.display_name.clone(),
                email: it.email.as_ref().and_then(|email| email.address.clone()),
                has_phone: it.phone.is_some(),
                has_address: it.bill_address.is_some(),
                terms: id(it.terms.as_ref()),
                active: it.active != Some(false),
            },
            _ => return,
        };
        self.parties.insert(name, party);
    }

    fn add_bill(&mut self, name: RecordName, (record, updated): (&Record, Option<CalendarDate>), it: &Bill) {
        let told = it.home_balance.map(|balance| balance.0);
        self.documents.push(Document {
            name,
            side: Side::Bill,
            number: it.number.clone(),
            party: id(it.vendor.as_ref()),
            party_name: it.vendor.as_ref().and_then(|vendor| vendor.name.clone()),
            date: it.date,
            due: it.due,
            terms: id(it.terms.as_ref()),
            total: it.total.map(|total| total.exact),
            open: in_home(it.balance, told, it.rate, self.home),
            home_total: in_home(it.total, None, it.rate, self.home),
            status: status(it.total, it.balance, record),
            accounts: line_accounts(&it.lines),
            updated,
        });
    }

    fn add_invoice(
        &mut self,
        name: RecordName,
        (record, updated): (&Record, Option<CalendarDate>),
        it: &Invoice,
    ) {
        let told = it.home_balance.map(|balance| balance.0);
        self.documents.push(Document {
            name,
            side: Side::Invoice,
            number: it.number.clone(),
            party: id(it.customer.as_ref()),
            party_name: it.customer.as_ref().and_then(|customer| customer.name.clone()),
            date: it.date,
            due: it.due,
            terms: id(it.terms.as_ref()),
            total: it.total.map(|total| total.exact),
            open: in_home(it.balance, told, it.rate, self.home),
            home_total: in_home(it.total, it.home_total.map(|total| total.0), it.rate, self.home),
            status: status(it.total, it.balance, record),
            accounts: Vec::new(),
            updated,
        });
    }

    fn flow(
        &mut self,
        name: RecordName,
        date: Option<CalendarDate>,
        amount: Known<Money>,
        is_in: bool,
    ) -> &mut Flow {
        if date.is_none() {
            self.undated.push(name.clone());
        }
        self.flows.push(Flow {
            name,
            date,
            amount: positive(amount),
            is_in,
            party: None,
            accounts: Vec::new(),
        });
        let last = self.flows.len() - 1;
        &mut self.flows[last]
    }

    fn add_purchase(&mut self, name: RecordName, it: &Purchase) {
        let amount = in_home(it.total, None, it.rate, self.home);
        // Money that came back on a card was spent less.
        let is_in = it.is_credit == Some(true);
        let (party, accounts) = (id(it.entity.as_ref()), line_accounts(&it.lines));
        let flow = self.flow(name, it.date, amount, is_in);
        (flow.party, flow.accounts) = (party, accounts);
    }

    /// What an entry moves on bank accounts: wages are often booked so.
    fn add_entry(&mut self, name: RecordName, it: &JournalEntry) {
        let mut moved = 0_i128;
        let mut touches = false;
        for line in &it.lines {
            let Some(detail) = &line.journal else { continue };
            let account = id(detail.account.as_ref());
            if !self.cash.iter().any(|cash| Some(&cash.id) == account.as_ref()) {
                continue;
            }
            let Ok(amount) = in_home(line.amount, None, it.rate, self.home) else { continue };
            touches = true;
            let sign = if detail.posting == Some(PostingType::Debit) { 1 } else { -1 };
            moved += sign * i128::from(amount.micros);
        }
        if touches && moved != 0 {
            let micros = i64::try_from(moved.abs()).map_err(|_| Unknown::TooLarge);
            let amount = micros.map(|micros| Money { micros, currency: self.home });
            self.flow(name, it.date, amount, moved > 0);
        }
    }

    fn add_money(&mut self, name: RecordName, record: &Record) {
        let home = self.home;
        match &record.body {
            Body::BillPayment(it) => {
                let amount = in_home(it.total, None, it.rate, home);
                let party = id(it.vendor.as_ref());
                self.flow(name, it.date, amount, false).party = party;
            }
            Body::Payment(it) => {
                let amount = in_home(it.total, None, it.rate, home);
                let left = in_home(it.unapplied, None, it.rate, home);
                self.leave(&name, left);
                let party = id(it.customer.as_ref());
                self.flow(name, it.date, amount, true).party = party;
            }
            Body::SalesReceipt(it) => {
                let amount = in_home(it.total, it.home_total.map(|total| total.0), it.rate, home);
                let party = id(it.customer.as_ref());
                self.flow(name, it.date, amount, true).party = party;
            }
            Body::RefundReceipt(it) => {
                let amount = in_home(it.total, it.home_total.map(|total| total.0), it.rate, home);
                let party = id(it.customer.as_ref());
                self.flow(name, it.date, amount, false).party = party;
            }
            Body::CreditMemo(it) => {
                let left = in_home(it.remaining.or(it.balance), None, it.rate, home);
                self.leave(&name, left);
            }
            Body::VendorCredit(it) => {
                let left = in_home(it.balance, None, it.rate, home);
                self.leave(&name, left);
            }
            Body::Deposit(it) => {
                // Lines that bring documents to the bank were counted with those.
                let direct = it.lines.iter().filter(|line| line.links.is_empty());
                let mut sum = Ok(0_i64);
                for line in direct {
                    let amount = in_home(line.amount, None, it.rate, home);
                    sum = sum.and_then(|sum: i64| sum.checked_add(amount?.micros).ok_or(Unknown::TooLarge));
                }
                if sum != Ok(0) {
                    let came = sum.is_ok_and(|sum| sum > 0) || sum.is_err();
                    let amount = sum.map(|micros| Money { micros, currency: home });
                    self.flow(name, it.date, amount, came);
                }
            }
            _ => {}
        }
    }

    fn leave(&mut self, name: &RecordName, left: Known<Money>) {
        if left.is_ok_and(|left| left.micros != 0) || left == Err(Unknown::ForeignCurrency) {
            self.unused.push(Unused { name: name.clone(), amount: left });
        }
    }

    /// Whether every record of these kinds can be read.
    pub fn can_read(&self, kinds: &[Entity]) -> Known<()> {
        if kinds.iter().any(|kind| self.unreadable.contains(kind)) {
            Err(Unknown::Unreadable)
        } else {
            Ok(())
        }
    }

    /// Bills and invoices of which something is owed.
    pub fn open(&self, side: Side) -> impl Iterator<Item = &Document> {
        self.documents.iter().filter(move |document| document.side == side && document.is_open())
    }

    /// When a document would be due by its own terms or those of its party.
    pub fn due_by_terms(&self, document: &Document) -> Option<CalendarDate> {
        let own = document.terms.clone();
        let terms = own.or_else(|| self.party(document)?.terms.clone())?;
        Some(document.date?.plus_days(*self.terms.get(&terms)?))
    }

    /// The party of a document.
    pub fn party(&self, document: &Document) -> Option<&Party> {
        let entity = match document.side {
            Side::Bill => Entity::Vendor,
            Side::Invoice => Entity::Customer,
        };
        self.parties.get(&RecordName { entity, id: document.party.clone()? })
    }
}

fn status(total: Option<Amount>, balance: Option<Amount>, record: &Record) -> Status {
    let total = total.map_or(Decimal::ZERO, |total| total.exact);
    // A document that tells no balance owes all of its amount: it must not vanish from what is owed.
    let balance = balance.map_or(total, |balance| balance.exact);
    Status::of(total, balance, record.body.is_voided())
}
