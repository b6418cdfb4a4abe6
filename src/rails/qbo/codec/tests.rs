//! What is read liberally, what is set aside, and what is written when a field was changed.

use proptest::prelude::*;

use super::recorded::difference;
use super::{read, write};
use crate::ground::books::words::{AccountType, PostingType};
use crate::ground::books::{Amount, Body, Decimal, Entity, Entry, Issue, Record, SetAside};
use crate::ground::money::Currency;

fn usd() -> Currency {
    "USD".parse().unwrap()
}

fn entry(entity: Entity, text: &str) -> Result<Entry, SetAside> {
    read(entity, text, usd())
}

fn record(entity: Entity, text: &str) -> Record {
    match entry(entity, text).unwrap() {
        Entry::Record(record) => *record,
        Entry::Deleted { .. } => panic!("a stub"),
    }
}

#[test]
fn odd_but_lossless_forms_are_read_and_kept() {
    let text = r#"{"Id":7,"SyncToken":"03","sparse":false,"domain":"QBO","TxnDate":"2026-05-05T00:00:00-07:00",
        "DueDate":null,"DocNumber":"","TotalAmt":"1E+2","Balance":-0.00,"ExchangeRate":1.2345678,"CurrencyRef":{"value":"EUR"},
        "HomeBalance":12.5,"LinkedTxn":[],"VendorRef":{"value":"46","name":"Norton \/ Söhne","odd":[1,2.50]},
        "Line":[{"Amount":-33.3333333,"DetailType":"SomethingNew","LineNum":1,"NewDetail":{"deep":[{"x":1.10}]}}],
        "PurchaseEx":{"any":[{"nil":false}]},"SalesTermRef":"not a reference"}"#;
    let bill = record(Entity::Bill, text);
    let Body::Bill(body) = &bill.body else { panic!() };
    assert_eq!((bill.id.as_str(), bill.sync_token.unwrap().0), ("7", 3));
    assert_eq!(body.date.unwrap().to_string(), "2026-05-05");
    let eur: Currency = "EUR".parse().unwrap();
    assert_eq!(body.total, Some(Amount { exact: "100".parse().unwrap(), currency: eur }));
    assert_eq!(body.home_balance.unwrap().0.currency, usd(), "home amounts are in the company's currency");
    assert_eq!(body.lines[0].amount.unwrap().exact.to_string(), "-33.3333333");
    assert_eq!(body.lines[0].detail_type.as_ref().unwrap().as_str(), "SomethingNew");
    assert_eq!((body.due, &body.number, &body.terms), (None, &None, &None));
    assert_eq!(difference(text, &write(&bill)), None);
}

#[test]
fn an_amount_is_in_the_currency_of_its_record_and_else_in_the_company_s() {
    for (reference, code) in [
        (r#"{"value":"JPY","name":"Yen"}"#, "JPY"),
        (r#""eur""#, "EUR"),
        ("null", "USD"),
        ("{}", "USD"),
        (r#""""#, "USD"),
    ] {
        let text = format!(r#"{{"Id":"1","TotalAmt":1500,"CurrencyRef":{reference}}}"#);
        let bill = record(Entity::Bill, &text);
        assert_eq!(bill.body.total().unwrap().currency.as_str(), code, "{reference}");
        assert_eq!(difference(&text, &write(&bill)), None);
    }
}

#[test]
fn a_changed_field_is_written_as_changed_and_the_rest_as_it_came() {
    let text = r#"{"Id":"7","TotalAmt":"100.00","Balance":100,"DueDate":"2026-05-05T00:00:00","LinkedTxn":[],"Odd":1.0,
        "VendorRef":{"value":"46","name":"Norton"}}"#;
    let mut bill = record(Entity::Bill, text);
    let Body::Bill(body) = &mut bill.body else { panic!() };
    let changed = Decimal::new(99_50, 2).unwrap();
    body.total = Some(Amount { exact: changed, currency: usd() });
    body.due = Some("2026-06-01".parse().unwrap());
    body.vendor.as_mut().unwrap().id = crate::ground::books::EntityId::new("50");
    let wanted = r#"{"Id":"7","TotalAmt":99.50,"Balance":100,"DueDate":"2026-06-01","LinkedTxn":[],"Odd":1.0,
        "VendorRef":{"value":"50","name":"Norton"}}"#;
    assert_eq!(difference(wanted, &write(&bill)), None, "{}", write(&bill));
    let Body::Bill(body) = &mut bill.body else { panic!() };
    body.due = None;
    assert!(!write(&bill).contains("DueDate"));
}

#[test]
fn what_cannot_be_read_is_set_aside_by_name() {
    for (text, issue) in [
        ("[1]", Issue::NotARecord),
        (r#"{"Id":"1","TotalAmt":"#, Issue::NotARecord),
        (r#"{"TotalAmt":1}"#, Issue::NoId),
        (r#"{"Id":"../2","TotalAmt":1}"#, Issue::NoId),
        (r#"{"Id":"1","TotalAmt":1,"TotalAmt":2}"#, Issue::FieldTwice("TotalAmt".into())),
        (r#"{"Id":"1","CurrencyRef":{"value":"QQQ"}}"#, Issue::NoSuchCurrency("QQQ".into())),
        (r#"{"Id":"1","CurrencyRef":{"name":"Euro"}}"#, Issue::Unreadable("CurrencyRef".into())),
        (r#"{"Id":"1","TotalAmt":"a lot"}"#, Issue::Unreadable("TotalAmt".into())),
        (r#"{"Id":"1","TxnDate":"05/05/2026"}"#, Issue::Unreadable("TxnDate".into())),
        (r#"{"Id":"1","Line":[{"Amount":{}}]}"#, Issue::Unreadable("Line.Amount".into())),
        (r#"{"Id":"1","Line":[3]}"#, Issue::Unreadable("Line".into())),
    ] {
        let aside = entry(Entity::Bill, text).unwrap_err();
        assert_eq!((&aside.issue, aside.text.as_str()), (&issue, text));
        assert_eq!(aside.id.is_none(), matches!(issue, Issue::NotARecord | Issue::NoId));
    }
}

#[test]
fn a_stub_is_a_deletion_and_words_keep_what_is_unknown() {
    let stub = r#"{"domain":"QBO","status":"Deleted","Id":"39","MetaData":{"LastUpdatedTime":"2026-05-05T03:13:29-07:00"}}"#;
    let Entry::Deleted { entity, id, at } = entry(Entity::Invoice, stub).unwrap() else { panic!() };
    assert_eq!((entity, id.as_str()), (Entity::Invoice, "39"));
    assert_eq!(at.unwrap(), "2026-05-05T10:13:29Z".parse().unwrap());
    let Body::Account(account) =
        record(Entity::Account, r#"{"Id":"1","AccountType":"Accounts Payable"}"#).body
    else {
        panic!()
    };
    assert_eq!(account.account_type, Some(AccountType::Payable));
    let odd: PostingType = "Sideways".to_owned().into();
    assert_eq!(odd, PostingType::Other("Sideways".into()));
}

#[test]
fn a_void_is_the_word_and_nothing_left() {
    let is_voided = |text: &str| record(Entity::Invoice, text).body.is_voided();
    assert!(is_voided(r#"{"Id":"1","TotalAmt":0,"PrivateNote":"Voided - thanks","Line":[{"Amount":0.00}]}"#));
    for not in [
        r#"{"Id":"1","TotalAmt":5.00,"PrivateNote":"Voided"}"#,
        r#"{"Id":"1","TotalAmt":0,"PrivateNote":"Voided","Line":[{"Amount":5}]}"#,
        r#"{"Id":"1","TotalAmt":0,"PrivateNote":"Created by QB Online to link credits to charges."}"#,
        r#"{"Id":"1","TotalAmt":0,"PrivateNote":"Voided cheque enclosed"}"#,
    ] {
        assert!(!is_voided(not), "{not}");
    }
}

/// Any value, with the names that are modelled mixed in among others.
fn value() -> impl Strategy<Value = String> {
    let leaves = [
        "null",
        "true",
        "\"true\"",
        "0",
        "-0",
        "-0.00",
        "100.00",
        "1e2",
        "33.3333333",
        "12345678901234567890123",
        "\"12.50\"",
        "\"\"",
        "[]",
        "{}",
        "[1,\"x\"]",
        "\"2026-05-05\"",
        "\"2026-05-05T03:13:29-07:00\"",
        "\"\\ud800\"",
        "\"\\u00e9\\/\"",
        "\"Debit\"",
        "{\"value\":\"46\"}",
        "{\"value\":46,\"name\":null}",
    ];
    let leaf = prop::sample::select(leaves.to_vec()).prop_map(str::to_owned);
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            fields(inner.clone()),
            prop::collection::vec(inner, 0..4).prop_map(|values| format!("[{}]", values.join(","))),
        ]
    })
}

fn fields(inner: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let names = [
        "SyncToken",
        "MetaData",
        "CreateTime",
        "TxnDate",
        "TotalAmt",
        "Balance",
        "HomeBalance",
        "ExchangeRate",
        "Line",
        "Amount",
        "LinkedTxn",
        "TxnId",
        "VendorRef",
        "value",
        "JournalEntryLineDetail",
        "PostingType",
        "Entity",
        "GroupLineDetail",
        "Active",
        "DocNumber",
        "PrivateNote",
        "TxnTaxDetail",
        "TaxLine",
        "CashBack",
        "AccountType",
        "CurrentBalance",
        "Odd",
        "status",
    ];
    prop::collection::btree_map(prop::sample::select(names.to_vec()), inner, 0..8).prop_map(|fields| {
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", fields.join(","))
    })
}

proptest! {
    #[test]
    fn whatever_comes_is_written_as_it_came_or_set_aside_whole(
        entity in prop::sample::select(Entity::ALL.to_vec()),
        fields in fields(value()),
    ) {
        let text = fields.replacen('{', "{\"Id\":\"7\",", 1).replacen(",}", "}", 1);
        match entry(entity, &text) {
            Ok(Entry::Record(record)) => prop_assert_eq!(difference(&text, &write(&record)), None),
            Ok(Entry::Deleted { .. }) => prop_assert!(text.contains("Deleted")),
            Err(aside) => prop_assert_eq!(aside.text, text),
        }
    }
}

#[test]
fn records_within_records_end_somewhere() {
    let mut text = r#"{"Amount":1}"#.to_owned();
    for _ in 0..5_000 {
        text = format!(r#"{{"GroupLineDetail":{{"Line":[{text}]}}}}"#);
    }
    let text = format!(r#"{{"Id":"1","Line":[{text}]}}"#);
    // Whether it is set aside or kept as it came, it ends.
    assert!(entry(Entity::Invoice, &text).is_err());
}
