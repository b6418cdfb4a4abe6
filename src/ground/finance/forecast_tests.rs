//! Thirteen weeks ahead: they follow from each other, and nothing is counted twice.

use proptest::prelude::*;

use super::burn::{Burn, burn};
use super::facts::{Document, Facts, Flow};
use super::figure::{Figure, Known, Share, Source, Unknown, total};
use super::forecast::{Assumed, Expected, Forecast, WEEKS, forecast};
use super::tests::{any_books, bill, books, day, invoice, name, policy, spends, today, usd};
use crate::ground::books::{Entity, EntityId};
use crate::ground::money::Money;

/// What is ahead with so much cash and spending, and nothing said.
fn ahead(books: &Facts, cash: Known<Money>, spent: &Figure<Burn>, delay: i32) -> Known<Forecast> {
    let (policy, planned) = (policy(), std::collections::BTreeMap::new());
    let (cash, expected, today) = (&cash, &[][..], today());
    forecast(
        books,
        &Assumed { cash, burn: spent, policy: &policy, delay, planned: &planned, expected, today },
    )
}

fn spending(burn: Burn) -> Figure<Burn> {
    let window = Some((today().plus_days(1 - burn.days), today()));
    Figure { value: Ok(burn), method: "payments_and_purchases", window, of: Vec::new() }
}

#[test]
fn thirteen_weeks_follow_from_each_other_and_name_the_lowest() {
    let mut books = books();
    books.documents = vec![
        invoice("1", "1000", Some("2026-06-01")),
        bill("2", "500", "2026-07-08"),
        bill("3", "8000", "2026-07-20"),
        invoice("4", "50000", Some("2026-08-01")),
        invoice("5", "7", None),
    ];
    let spent = spending(spends("100", 1));
    let all = ahead(&books, Ok(usd("10000")), &spent, 0).unwrap();
    assert_eq!(all.weeks.len(), WEEKS);
    let first = &all.weeks[0];
    assert_eq!((first.begins, first.invoices, first.other), (day("2026-06-29"), usd("1000"), usd("500")));
    assert_eq!(first.closing, usd("10500"));
    let second = &all.weeks[1];
    assert_eq!((second.bills, second.other, second.closing), (usd("500"), usd("700"), usd("9300")));
    assert_eq!(
        all.weeks[3].closing,
        usd("-100"),
        "a bill of nobody who is paid again and again comes on top"
    );
    assert_eq!(all.lowest, 3);
    assert_eq!(all.left_out, [name(Entity::Invoice, "5")]);
    let later = ahead(&books, Ok(usd("10000")), &spent, 60).unwrap();
    assert_eq!(later.weeks[0].invoices, usd("0"), "what is late is late by that many days more");
    assert_eq!(later.weeks[8].invoices, usd("1000"));
    assert_eq!(ahead(&books, Err(Unknown::NoBalance), &spent, 0), Err(Unknown::NoBalance));
}

#[test]
fn a_bill_of_somebody_paid_again_and_again_stands_in_the_place_of_what_is_spent_usually() {
    let mut books = books();
    let rent = |id: &str, date: &str| Flow {
        name: name(Entity::BillPayment, id),
        date: Some(day(date)),
        amount: Ok(usd("900")),
        is_in: false,
        party: EntityId::new("46"),
        accounts: Vec::new(),
    };
    books.flows = vec![rent("1", "2026-04-15"), rent("2", "2026-05-15"), rent("3", "2026-06-15")];
    let figure = burn(&books, &policy(), today());
    let burned = figure.value.unwrap();
    assert_eq!((burned.spent, burned.days), (usd("2700"), 78));
    books.documents = vec![bill("9", "900", "2026-07-15")];
    let all = ahead(&books, Ok(usd("10000")), &figure, 0).unwrap();
    let spent: i64 = all.weeks.iter().take(3).map(|week| week.bills.micros + week.other.micros).sum();
    // Fifteen of the nineteen days until the 19th are the bill's.
    assert_eq!(spent, usd("900").micros + usd("138.46").micros);
    books.documents.clear();
    let none = ahead(&books, Ok(usd("10000")), &figure, 0).unwrap();
    assert_eq!(none.weeks[1].other, usd("242.31"), "without a bill it goes as it went");
}

#[test]
fn what_is_planned_and_what_is_known_land_on_their_days() {
    let mut books = books();
    books.terms = [(EntityId::new("3").unwrap(), 30)].into();
    books.documents = vec![
        bill("1", "100", "2026-07-02"),
        Document {
            due: None,
            terms: EntityId::new("3"),
            date: Some(day("2026-06-20")),
            ..bill("2", "40", "2026-07-02")
        },
    ];
    let (policy, spent) = (policy(), spending(spends("0", 1)));
    let planned = [(EntityId::new("1").unwrap(), day("2026-07-14"))].into();
    let id = uuid::Uuid::from_u128(7);
    let at = |on: &str, amount: &str| Expected { id, on: day(on), amount: usd(amount) };
    let expected = [at("2026-07-01", "1000"), at("2026-06-30", "5"), at("2026-07-22", "-300")];
    let cash = Ok(usd("0"));
    let assumed = Assumed {
        cash: &cash,
        burn: &spent,
        policy: &policy,
        delay: 0,
        planned: &planned,
        expected: &expected,
        today: today(),
    };
    let all = forecast(&books, &assumed).unwrap();
    let closing: Vec<Money> = all.weeks.iter().take(4).map(|week| week.closing).collect();
    assert_eq!(
        closing,
        [usd("1000"), usd("1000"), usd("900"), usd("560")],
        "yesterday is over; terms say the 20th"
    );
    assert!(all.weeks[3].of.contains(&Share { source: Source::Said(id), amount: Ok(usd("-300")) }));
}

proptest! {
    #[test]
    fn weeks_follow_from_each_other(books in any_books(), spent in 1..100_000_i64, delay in 0..60_i32) {
        let money = |micros: i64| Money { micros, currency: books.home };
        let burn = Burn { spent: money(spent * 10_000), days: 1, low_confidence: false };
        let ahead = ahead(&books, Ok(money(5_000_000_000)), &spending(burn), delay).unwrap();
        for week in &ahead.weeks {
            let end = week.opening.micros + week.invoices.micros - week.bills.micros - week.other.micros;
            let of = total(&week.of, books.home).unwrap().micros;
            prop_assert_eq!(of, week.invoices.micros - week.bills.micros, "the parts are the figure");
            prop_assert_eq!(end, week.closing.micros);
        }
        prop_assert!(ahead.weeks.windows(2).all(|pair| pair[0].closing == pair[1].opening));
        let lowest = ahead.weeks[ahead.lowest].closing.micros;
        prop_assert!(ahead.weeks.iter().all(|week| week.closing.micros >= lowest));
    }
}
