//! What a change of the books is, how it meets the record as it is, and what undoes it.

use super::*;
use crate::ground::books::documents::{Bill, Purchase};
use crate::ground::books::names::Vendor;
use crate::ground::books::parts::{AccountExpenseDetail, Line, Ref};
use crate::ground::books::{Body, Decimal, Record, Terms};
use crate::ground::id::ConnectionId;
use crate::ground::money::Currency;

fn id(text: &str) -> EntityId {
    EntityId::new(text).unwrap()
}

fn record(body: Body) -> Record {
    let terms = Terms::home(Currency::GBP);
    Record { id: id("7"), sync_token: Some(SyncToken(2)), meta: None, terms, body }
}

fn purchase() -> Record {
    let account = Some(Ref { id: Some(id("60")), ..Ref::default() });
    let line = Line {
        id: Some(id("1")),
        account_expense: Some(AccountExpenseDetail { account, ..AccountExpenseDetail::default() }),
        ..Line::default()
    };
    record(Body::Purchase(Box::new(Purchase { lines: vec![line], ..Purchase::default() })))
}

fn link(entity: Entity, of: &str) -> Held {
    Held::Link { entity, id: id(of) }
}

fn text(text: &str) -> Held {
    Held::Text(text.into())
}

fn set(slot: &str, base: Option<Held>, value: Option<Held>) -> SetField {
    SetField { slot: slot.parse().unwrap(), base, value }
}

#[test]
fn every_word_of_a_field_leads_back_and_no_other_does() {
    for word in [
        "name",
        "active",
        "email",
        "phone",
        "party",
        "number",
        "reference",
        "due",
        "terms",
        "method",
        "note",
        "department",
        "class",
        "lines.3.account",
        "lines.3.class",
        "lines.3.description",
    ] {
        assert_eq!(word.parse::<Slot>().unwrap().to_string(), word);
    }
    for none in
        ["total", "balance", "date", "lines.3.amount", "lines..account", "lines.account", "", "currency"]
    {
        assert!(none.parse::<Slot>().is_err(), "{none}");
    }
}

#[test]
fn a_field_is_read_and_put_where_the_record_has_it_and_nowhere_else() {
    let mut record = purchase();
    let party: Slot = "party".parse().unwrap();
    assert_eq!(party.held(&record), Ok(None));
    party.put(&mut record, Some(&link(Entity::Vendor, "46"))).unwrap();
    assert_eq!(party.held(&record), Ok(Some(link(Entity::Vendor, "46"))));
    assert!(party.put(&mut record, Some(&link(Entity::Account, "46"))).is_err(), "an account is no party");
    assert!(party.put(&mut record, Some(&text("46"))).is_err());
    let account: Slot = "lines.1.account".parse().unwrap();
    assert_eq!(account.held(&record), Ok(Some(link(Entity::Account, "60"))));
    assert!("lines.2.account".parse::<Slot>().unwrap().held(&record).is_err(), "no such line");
    assert!("due".parse::<Slot>().unwrap().held(&record).is_err(), "an expense is not due");
    let number: Slot = "number".parse().unwrap();
    assert!(number.put(&mut record, Some(&text(&"9".repeat(22)))).is_err(), "longer than QuickBooks takes");
    number.put(&mut record, Some(&text("A-1"))).unwrap();
    number.put(&mut record, None).unwrap();
    assert_eq!(number.held(&record), Ok(None));
    assert_eq!(account.takes(&record), Some(Takes::Link(&[Entity::Account])));
}

#[test]
fn a_change_meets_the_record_as_it_is() {
    let bill = |note: Option<&str>, number: Option<&str>| {
        let (note, number) = (note.map(str::to_owned), number.map(str::to_owned));
        record(Body::Bill(Box::new(Bill { number, note, ..Bill::default() })))
    };
    let wanted = [set("note", None, Some(text("rent"))), set("number", Some(text("1")), Some(text("2")))];
    assert_eq!(judge(&wanted, &bill(Some("rent"), Some("2"))), Ok(Judged::Already));
    let Ok(Judged::Send(sent)) = judge(&wanted, &bill(None, Some("2"))) else { panic!() };
    assert_eq!(sent, [wanted[0].clone()], "only what does not stand there yet");
    let clash = Clash { slot: Slot::Number, here: Some(text("2")), there: Some(text("3")) };
    assert_eq!(judge(&wanted, &bill(None, Some("3"))), Ok(Judged::Clashes(vec![clash])), "nothing is sent");
}

#[test]
fn what_undoes_a_change_brings_back_what_stood_there() {
    let before = purchase();
    let fields = [set("party", None, Some(link(Entity::Vendor, "46")))];
    let after = apply(&fields, &before).unwrap();
    let back = inverse(&fields, &before, &after).unwrap();
    assert_eq!(back, [set("party", Some(link(Entity::Vendor, "46")), None)]);
    assert_eq!(apply(&back, &after).unwrap(), before);
}

#[test]
fn a_name_that_went_out_of_use_comes_back_under_its_name() {
    let vendor = |name: &str, active: bool| {
        let display_name = Some(name.to_owned());
        record(Body::Vendor(Box::new(Vendor { display_name, active: Some(active), ..Vendor::default() })))
    };
    let fields = [set("active", Some(Held::Flag(true)), Some(Held::Flag(false)))];
    let back = inverse(&fields, &vendor("Ada", true), &vendor("Ada (deleted)", false)).unwrap();
    assert_eq!(apply(&back, &vendor("Ada (deleted)", false)).unwrap(), vendor("Ada", true));
}

fn change() -> (Connected, BooksChange) {
    let realm: RealmId = "1".parse().unwrap();
    let key = ConnectionKey(Uuid::from_u128(9));
    let company = Connected::new(key, ConnectionId::BOOKS_FIRST, realm.clone(), Instant(0));
    let act =
        Act::Set { entity: Entity::Bill, record: id("7"), fields: vec![set("note", None, Some(text("x")))] };
    let change = BooksChange {
        id: Uuid::from_u128(5),
        realm,
        act,
        reason: None,
        by: Actor::System,
        at: Instant(0),
        request_id: None,
        state: State::Waiting,
        attempt: None,
        generation: 0,
        failures: 0,
        not_before: None,
        note: None,
        inverse: None,
        undoes: None,
    };
    (company, change)
}

#[test]
fn another_request_has_another_key_and_a_repeat_has_the_same() {
    let (company, mut change) = change();
    let first = change.next_key(company.key);
    change.send(&company, "{}".into(), None, Instant(1));
    assert_eq!(change.attempt.as_ref().unwrap().key, first);
    assert_eq!(first.to_string().len(), 36, "at most 50 characters (contract 2)");
    for _ in 0..2 {
        change.unknown("no answer", Instant(2));
        assert_eq!((change.state.word(), change.attempt.as_ref().unwrap().key), ("sent", first));
        assert!(!change.is_due(Instant(3)) && change.is_due(Instant(2).plus_millis(300_000)));
    }
    change.unknown("no answer", Instant(3));
    assert_eq!(change.state.word(), "stuck");
    assert!(change.state.needs_a_person() && change.may_be_there() && !change.is_due(Instant(i64::MAX)));
    change.again();
    assert_eq!((change.state.word(), change.attempt.as_ref().unwrap().key), ("sent", first));
    change.stale();
    change.send(&company, "{}".into(), None, Instant(4));
    assert_ne!(change.attempt.as_ref().unwrap().key, first);
    let (other, mut elsewhere) =
        (Connected { key: ConnectionKey(Uuid::from_u128(8)), ..company }, change.clone());
    elsewhere.generation = 0;
    assert_ne!(elsewhere.next_key(other.key), first, "of another company");
}

#[test]
fn a_change_is_undone_for_a_day_and_by_one_other() {
    let (_, mut change) = change();
    assert_eq!(change.undo_until(), None);
    change.done(id("7"), None, Instant(5));
    assert_eq!(change.undo_until(), None, "nothing would undo it");
    let back = change.act.clone();
    change.done(id("7"), Some(back), Instant(5));
    assert_eq!(change.undo_until(), Some(Instant(5).plus_millis(86_400_000)));
    let undo = BooksChange::undo_id(change.id);
    assert_eq!(undo, BooksChange::undo_id(change.id));
    assert_ne!(undo, change.id);
}

#[test]
fn a_payment_adds_up_and_says_what_it_pays() {
    let paid = |bill: &str, amount: &str| PaidBill { bill: id(bill), amount: amount.parse().unwrap() };
    let payment = NewPayment {
        vendor: id("46"),
        account: id("35"),
        from: PaidFrom::Bank,
        date: "2026-05-05".parse().unwrap(),
        number: None,
        note: None,
        bills: vec![paid("145", "50.00"), paid("146", "0.5")],
    };
    assert_eq!(payment.total(), Some("50.50".parse::<Decimal>().unwrap()));
    let Some(Body::BillPayment(body)) = New::BillPayment(payment).body(Currency::GBP) else { panic!() };
    assert_eq!(body.total.unwrap().exact, "50.5".parse().unwrap());
    assert_eq!(body.lines.len(), 2);
    assert!(body.check.is_some() && body.card.is_none());
}
