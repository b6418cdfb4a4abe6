//! The figures that hold across a recorded company (contract 7.5), and gaps that are named.

use super::*;
use crate::ground::books::Terms;
use crate::ground::books::documents::{Bill, BillPayment, CreditMemo, Invoice, JournalEntry, VendorCredit};
use crate::ground::books::money_in::Payment;
use crate::ground::books::names::{Account, Customer, Vendor};
use crate::ground::books::parts::{JournalDetail, JournalParty, Line, Link, Ref};
use crate::ground::books::words::PostingType;

fn code(currency: &str) -> Currency {
    currency.parse().unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "it stands in fields, which may be absent")]
fn amount(text: &str, currency: &str) -> Option<Amount> {
    Some(Amount { exact: text.parse().unwrap(), currency: code(currency) })
}

fn usd(text: &str) -> Option<Amount> {
    amount(text, "USD")
}

fn id(text: &str) -> EntityId {
    EntityId::new(text).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "it stands in fields, which may be absent")]
fn to(text: &str) -> Option<Ref> {
    Some(Ref { id: Some(id(text)), ..Ref::default() })
}

fn record(text: &str, body: Body) -> Record {
    Record { id: id(text), sync_token: None, meta: None, terms: Terms::home(code("USD")), body }
}

fn account(number: &str, kind: AccountType, balance: &str) -> Record {
    let account = Account { account_type: Some(kind), balance: usd(balance), ..Account::default() };
    record(number, Body::Account(Box::new(account)))
}

fn customer(number: &str, balance: &str) -> Record {
    record(number, Body::Customer(Box::new(Customer { balance: usd(balance), ..Customer::default() })))
}

fn vendor(number: &str, balance: &str) -> Record {
    record(number, Body::Vendor(Box::new(Vendor { balance: usd(balance), ..Vendor::default() })))
}

fn invoice(number: &str, of: &str, balance: &str) -> Record {
    let invoice = Invoice { customer: to(of), balance: usd(balance), ..Invoice::default() };
    record(number, Body::Invoice(Box::new(invoice)))
}

fn bill(number: &str, of: &str, balance: &str) -> Record {
    record(number, Body::Bill(Box::new(Bill { vendor: to(of), balance: usd(balance), ..Bill::default() })))
}

fn pays(kind: &str, number: &str, text: &str) -> Line {
    let link = Link { id: Some(id(number)), kind: Some(kind.to_owned()), ..Link::default() };
    Line { amount: usd(text), links: vec![link], ..Line::default() }
}

/// The recorded company: sums of its documents as the contract tells them, with its accounts.
fn company() -> Vec<Record> {
    let credit =
        CreditMemo { customer: to("2"), remaining: usd("800"), balance: usd("800"), ..CreditMemo::default() };
    let payment =
        Payment { customer: to("2"), total: usd("400.00"), unapplied: usd("400"), ..Payment::default() };
    let paid = BillPayment {
        vendor: to("31"),
        total: usd("0"),
        lines: vec![pays("Bill", "201", "75.00"), pays("VendorCredit", "210", "75.00")],
        ..BillPayment::default()
    };
    let vendor_credit = VendorCredit { vendor: to("31"), balance: usd("25.00"), ..VendorCredit::default() };
    vec![
        account("84", AccountType::Receivable, "4681.52"),
        account("33", AccountType::Payable, "-2202.67"),
        account("41", AccountType::CreditCard, "-157.72"),
        account("35", AccountType::Bank, "-678.67"),
        invoice("101", "1", "4881.52"),
        invoice("102", "2", "1000.00"),
        record("103", Body::CreditMemo(Box::new(credit))),
        record("104", Body::Payment(Box::new(payment))),
        customer("1", "4881.52"),
        customer("2", "-200"),
        bill("201", "30", "1602.67"),
        bill("202", "31", "625.00"),
        record("203", Body::BillPayment(Box::new(paid))),
        record("210", Body::VendorCredit(Box::new(vendor_credit))),
        vendor("30", "1602.67"),
        vendor("31", "600.00"),
    ]
}

#[test]
fn the_figures_of_the_recorded_company_are_proven() {
    let verdicts = control(&company(), usd("1642.46"));
    let proven = |what, text: &str| {
        let exact: Decimal = text.parse().unwrap();
        let by_names = (what != What::Accounts).then_some(exact);
        Verdict::Proven(Figure { what, currency: code("USD"), mirrored: exact, reported: exact, by_names })
    };
    assert_eq!(
        verdicts,
        [
            proven(What::Receivable, "4681.52"),
            proven(What::Payable, "2202.67"),
            proven(What::Accounts, "1642.46")
        ]
    );
}

fn gap(verdicts: &[Verdict], what: What) -> (Figure, Explanation) {
    let of = |verdict: &Verdict| match verdict {
        Verdict::Gap(figure, explanation) if figure.what == what => Some((*figure, explanation.clone())),
        _ => None,
    };
    verdicts.iter().find_map(of).unwrap_or_else(|| panic!("no gap: {verdicts:?}"))
}

#[test]
fn bills_that_are_600_short_are_named_by_their_vendor() {
    // The recorded bills are two hours older than the accounts: 600 short, all one vendor's.
    let records: Vec<Record> =
        company().into_iter().filter(|record| !["202", "203", "210"].contains(&record.id.as_str())).collect();
    let (figure, explanation) = gap(&control(&records, None), What::Payable);
    assert_eq!((figure.gap(), figure.gap_to_names()), ("-600".parse().unwrap(), "-600.00".parse().unwrap()));
    assert_eq!(explanation.of.len(), 1);
    assert_eq!(explanation.of[0].name, Some((Entity::Vendor, id("31"))));
    assert_eq!(explanation.of[0].gap, "-600".parse().unwrap());
}

#[test]
fn a_document_that_is_gone_there_or_missing_here_is_named() {
    let mut records = company();
    records.push(invoice("199", "1", "0.01"));
    let (figure, explanation) = gap(&control(&records, None), What::Receivable);
    assert_eq!(figure.gap(), "0.01".parse().unwrap(), "to the cent");
    let suspect =
        Suspect { entity: Entity::Invoice, id: id("199"), open: "0.01".parse().unwrap(), alone: true };
    assert_eq!(explanation.of[0].suspects, [suspect]);

    let mut records = company();
    let body = Payment {
        customer: to("1"),
        total: usd("50"),
        lines: vec![pays("Invoice", "150", "50")],
        ..Payment::default()
    };
    records.push(record("151", Body::Payment(Box::new(body))));
    records[8] = customer("1", "5000.00");
    let (_, explanation) = gap(&control(&records, None), What::Receivable);
    let missing =
        Missing { id: id("150"), kind: Some("Invoice".into()), named_by: (Entity::Payment, id("151")) };
    assert_eq!(explanation.missing, [missing]);
    assert!(explanation.of[0].suspects.iter().all(|suspect| !suspect.alone));
}

/// An entry that debits (or credits) an account for somebody, the other side being the bank.
fn entry(number: &str, posting: PostingType, on: &str, party: (&str, &str), text: &str) -> Record {
    let side = |posting, on: &str, entity| Line {
        amount: usd(text),
        journal: Some(JournalDetail {
            posting: Some(posting),
            account: to(on),
            entity,
            ..JournalDetail::default()
        }),
        ..Line::default()
    };
    let party =
        JournalParty { kind: Some(party.0.to_owned()), entity: to(party.1), ..JournalParty::default() };
    let other = if posting == PostingType::Debit { PostingType::Credit } else { PostingType::Debit };
    let lines = vec![side(posting, on, Some(party)), side(other, "35", None)];
    record(
        number,
        Body::JournalEntry(Box::new(JournalEntry { lines, total: usd("0"), ..JournalEntry::default() })),
    )
}

#[test]
fn journal_entries_on_receivables_and_payables_are_open_until_payments_use_them() {
    let mut records = company();
    records.push(entry("301", PostingType::Debit, "84", ("Customer", "1"), "120.00"));
    records.push(entry("302", PostingType::Credit, "33", ("Vendor", "30"), "70.50"));
    // A third of the one is paid, and the other wholly, with 10 paid too much.
    let payment = Payment {
        customer: to("1"),
        total: usd("40"),
        unapplied: usd("0"),
        lines: vec![pays("JournalEntry", "301", "40")],
        ..Payment::default()
    };
    let paid = BillPayment {
        vendor: to("30"),
        total: usd("80.50"),
        lines: vec![pays("JournalEntry", "302", "70.50")],
        ..BillPayment::default()
    };
    records.push(record("303", Body::Payment(Box::new(payment))));
    records.push(record("304", Body::BillPayment(Box::new(paid))));
    records[0] = account("84", AccountType::Receivable, "4761.52");
    records[1] = account("33", AccountType::Payable, "-2192.67");
    records[8] = customer("1", "4961.52");
    records[14] = vendor("30", "1592.67");
    let verdicts = control(&records, None);
    let all_proven = verdicts[..2].iter().all(|verdict| matches!(verdict, Verdict::Proven(_)));
    assert!(all_proven, "{verdicts:?}");
    assert_eq!(verdicts[2], Verdict::Unknown(What::Accounts, Why::NotReported));
}

#[test]
fn currencies_are_controlled_apart_and_never_added() {
    let mut records = company();
    let eur = Invoice { customer: to("9"), balance: amount("10.00", "EUR"), ..Invoice::default() };
    records.push(record("400", Body::Invoice(Box::new(eur))));
    let name = Customer { balance: amount("10.00", "EUR"), ..Customer::default() };
    records.push(record("9", Body::Customer(Box::new(name))));
    let receivable = Account {
        account_type: Some(AccountType::Receivable),
        balance: amount("9.99", "EUR"),
        ..Account::default()
    };
    records.push(record("85", Body::Account(Box::new(receivable))));
    let verdicts = control(&records, usd("1642.46"));
    let (figure, explanation) = gap(&verdicts, What::Receivable);
    assert_eq!((figure.currency, figure.gap()), (code("EUR"), "0.01".parse().unwrap()));
    assert!(explanation.of.is_empty(), "the names agree: the account is what differs");
    let dollars =
        |verdict: &Verdict| matches!(verdict, Verdict::Proven(figure) if figure.currency == code("USD"));
    assert_eq!(verdicts.iter().filter(|verdict| dollars(verdict)).count(), 2);
    assert_eq!(verdicts[3], Verdict::Unknown(What::Accounts, Why::SeveralCurrencies));
}
