//! The vectors of finance 2.19 and the worked examples, and what holds for all books.

use proptest::prelude::*;

use super::aging::{Bucket, aging, open};
use super::burn::{Burn, Guard, Runway, burn, cash, guard, impact_tenths, pay, people_needed, runway};
use super::facts::{CashAccount, Document, Facts, Flow, Party, Side};
use super::figure::{RecordName, Share, Unknown, half_even, total};
use super::hygiene::{Sync, tray};
use super::policy::{Band, Policy};
use super::priority::{Tier, VendorTerms, latest_safe, priority};
use super::quality::{Counted, quality};
use super::ready::{Place, Places};
use super::rules::{Rule, Severity};
use crate::ground::books::status::Status;
use crate::ground::books::{Decimal, Entity, EntityId};
use crate::ground::money::{Currency, Money};
use crate::ground::time::CalendarDate;

const USD: &str = "USD";

pub(super) fn usd(text: &str) -> Money {
    Money::parse(text, USD.parse().unwrap()).unwrap()
}

pub(super) fn day(text: &str) -> CalendarDate {
    text.parse().unwrap()
}

pub(super) fn today() -> CalendarDate {
    day("2026-07-01")
}

pub(super) fn name(entity: Entity, id: &str) -> RecordName {
    RecordName { entity, id: EntityId::new(id).unwrap() }
}

pub(super) fn policy() -> Policy {
    Policy::of(USD.parse().unwrap())
}

pub(super) fn books() -> Facts {
    Facts::new(USD.parse::<Currency>().unwrap())
}

pub(super) fn account(id: &str, balance: &str) -> CashAccount {
    CashAccount { id: EntityId::new(id).unwrap(), name: id.into(), balance: Ok(usd(balance)) }
}

/// A bill with everything.
pub(super) fn bill(id: &str, open: &str, due: &str) -> Document {
    Document {
        name: name(Entity::Bill, id),
        side: Side::Bill,
        number: None,
        party: EntityId::new("46"),
        party_name: Some("Rents".into()),
        date: Some(day(due).plus_days(-20)),
        due: Some(day(due)),
        terms: None,
        total: Some(open.parse().unwrap()),
        open: Ok(usd(open)),
        home_total: Ok(usd(open)),
        status: Status::Open,
        accounts: vec![EntityId::new("60")],
        updated: None,
    }
}

pub(super) fn invoice(id: &str, open: &str, due: Option<&str>) -> Document {
    let whole = bill(id, open, due.unwrap_or("2026-07-01"));
    Document { name: name(Entity::Invoice, id), side: Side::Invoice, due: due.map(day), ..whole }
}

pub(super) fn vendor(id: &str) -> (RecordName, Party) {
    let of = name(Entity::Vendor, id);
    let party = Party {
        name: of.clone(),
        called: Some("Rents".into()),
        email: Some("rents@example.org".into()),
        has_phone: true,
        has_address: true,
        terms: EntityId::new("3"),
        active: true,
    };
    (of, party)
}

/// V1: what is spent a day is 616.67.
pub(super) fn spends(amount: &str, days: i32) -> Burn {
    Burn { spent: usd(amount), days, low_confidence: false }
}

#[test]
fn v1_and_v7_to_v9_how_long_the_cash_lasts() {
    let policy = policy();
    let of = |cash: &str, spent: &str| runway(&Ok(usd(cash)), &Ok(spends(spent, 1)), &policy, today());
    let days = |days, until: &str, band| Ok(Runway::Days { days, covered_until: day(until), band });
    assert_eq!(of("45000", "616.67"), days(72, "2026-09-11", Band::Green), "V1");
    assert_eq!(of("0", "616.67"), days(0, "2026-07-01", Band::Critical), "V7");
    assert_eq!(of("-5", "616.67"), days(0, "2026-07-01", Band::Critical), "V7");
    assert_eq!(of("45000", "0"), Ok(Runway::NotBurning), "V8");
    let nothing = cash(&books(), &policy, &[]);
    assert_eq!(nothing.value, Err(Unknown::NoBalance), "V9");
    assert_eq!(runway(&nothing.value, &Ok(spends("1", 1)), &policy, today()), Err(Unknown::NoBalance), "V9");
    assert_eq!(runway(&Ok(usd("5")), &Err(Unknown::NoHistory), &policy, today()), Err(Unknown::NoBurn));
    for (days, band) in [
        (6, "critical"),
        (7, "red"),
        (13, "red"),
        (14, "amber"),
        (29, "amber"),
        (30, "green"),
        (90, "comfortable"),
    ] {
        assert_eq!(policy.band(days).word(), band, "{days}");
    }
}

#[test]
fn v2_paying_takes_days_and_delaying_gives_them_back() {
    let burn = spends("616.67", 1);
    assert_eq!(impact_tenths(usd("-5000"), &burn), Ok(-81), "V2: 8.1 days, not 5.0");
    assert_eq!(impact_tenths(usd("5000"), &burn), Ok(81));
    let policy = policy();
    let paid = pay(&[usd("5000")], &Ok(usd("45000")), &Ok(burn), &policy, today()).unwrap();
    let until = |runway| match runway {
        Ok(Runway::Days { covered_until, .. }) => covered_until.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!((until(paid.before), until(paid.after)), ("2026-09-11".into(), "2026-09-03".into()));
    let unknown = pay(&[usd("5000")], &Ok(usd("45000")), &Err(Unknown::NoHistory), &policy, today()).unwrap();
    assert_eq!(
        (unknown.tenths, unknown.cash),
        (Err(Unknown::NoBurn), Ok(usd("40000"))),
        "only the money is said"
    );
}

#[test]
fn a_payment_that_leaves_too_little_is_blocked_and_large_ones_need_more_people() {
    let policy = policy();
    let of = |amount: &str, cash: &str| {
        let paid = pay(&[usd(amount)], &Ok(usd(cash)), &Ok(spends("616.67", 1)), &policy, today());
        guard(&paid.unwrap(), &Ok(spends("616.67", 1)), &policy)
    };
    assert_eq!(of("5000", "45000"), Guard::Free);
    let blocked = |days, shortfall| Guard::Blocked { days, money: true, shortfall: Some(usd(shortfall)) };
    assert_eq!(of("36000", "45000"), blocked(false, "1000"));
    assert_eq!(of("37000", "45000"), blocked(true, "2000"));
    let dear = pay(&[usd("5000")], &Ok(usd("45000")), &Ok(spends("3000", 1)), &policy, today()).unwrap();
    let short = Guard::Blocked { days: true, money: false, shortfall: Some(usd("2000.01")) };
    assert_eq!(guard(&dear, &Ok(spends("3000", 1)), &policy), short, "fourteen days are 42,000");
    let yen = Policy::of("JPY".parse().unwrap());
    assert_eq!(
        guard(&dear, &Ok(spends("3000", 1)), &yen),
        Guard::Unknown(Unknown::NotSet),
        "no limit is made up"
    );
    assert_eq!(people_needed(usd("5"), &yen), Err(Unknown::NotSet));
    let needed = |amount: &str| people_needed(usd(amount), &policy).unwrap();
    assert_eq!([needed("4999.99"), needed("5000"), needed("10000")], [0, 1, 2]);
}

#[test]
fn v10_and_v11_what_is_late_adds_up() {
    let mut books = books();
    books.documents = vec![
        invoice("1", "100", Some("2026-07-01")),
        invoice("2", "200", Some("2026-06-30")),
        invoice("3", "300", Some("2026-05-01")),
        invoice("4", "50", Some("2026-04-01")),
        invoice("5", "25", Some("2026-01-01")),
        invoice("6", "700", None),
        Document { status: Status::Paid, open: Ok(usd("0")), ..invoice("7", "9", Some("2026-01-01")) },
    ];
    let buckets: Vec<(&str, String)> = aging(&books, Side::Invoice, today())
        .into_iter()
        .map(|(bucket, figure)| (bucket.word(), figure.value.unwrap().decimal()))
        .collect();
    let expected = [
        ("current", "100.00"),
        ("1_30", "200.00"),
        ("31_60", "0.00"),
        ("61_90", "300.00"),
        ("over_90", "75.00"),
        ("no_due_date", "700.00"),
    ];
    assert_eq!(buckets, expected.map(|(bucket, sum)| (bucket, sum.to_owned())), "V10: due today is not late");
    assert_eq!(open(&books, Side::Invoice).value, Ok(usd("1375")), "V11");
}

#[test]
fn what_is_spent_a_day_follows_a_ladder_and_says_how() {
    let policy = policy();
    let mut books = books();
    assert_eq!(burn(&books, &policy, today()).value, Err(Unknown::NoHistory), "nothing is assumed");
    books.documents = vec![bill("1", "5550.03", "2026-07-10")];
    let by_bills = burn(&books, &policy, today());
    assert_eq!((by_bills.method, by_bills.value.unwrap().days), ("bills_by_date", 12));
    let flow = |id: &str, date: &str, amount: &str, is_in| Flow {
        name: name(if is_in { Entity::Payment } else { Entity::Purchase }, id),
        date: Some(day(date)),
        amount: Ok(usd(amount)),
        is_in,
        party: None,
        accounts: vec![EntityId::new("60")],
    };
    books.flows = vec![
        flow("1", "2026-01-01", "99999", false),
        flow("2", "2026-05-01", "27750.15", false),
        flow("3", "2026-06-01", "27750.15", false),
        flow("4", "2026-06-02", "1000000", true),
    ];
    let figure = burn(&books, &policy, today());
    let value = figure.value.unwrap();
    assert_eq!((figure.method, value.days, value.low_confidence), ("payments_and_purchases", 90, false));
    assert_eq!(value.daily(), usd("616.67"));
    let share = |id: &str| Share::of(name(Entity::Purchase, id), Ok(usd("27750.15")));
    assert_eq!(figure.of, [share("2"), share("3")]);
    books.cash = vec![account("1", "45000"), account("2", "85000")];
    let policy = Policy { restricted: [EntityId::new("2").unwrap()].into(), ..policy };
    let free = cash(&books, &policy, &[]);
    assert_eq!(free.value, Ok(usd("45000")), "money of others is not counted");
    assert_eq!(
        runway(&free.value, &Ok(value), &policy, today()).unwrap(),
        Runway::Days { days: 72, covered_until: day("2026-09-11"), band: Band::Green }
    );
    let aside = cash(&books, &policy, &[(uuid::Uuid::nil(), usd("5000"))]);
    assert_eq!(aside.value, Ok(usd("40000")), "money set aside is not free");
    assert_eq!(total(&aside.of, books.home), aside.value, "the parts are the figure");
    let mut quiet = self::books();
    quiet.flows = vec![flow("9", "2026-05-20", "10", true)];
    let none = burn(&quiet, &policy, today());
    assert_eq!((none.method, none.value.unwrap().spent), ("nothing_spent", usd("0")));
    assert_eq!(runway(&Ok(usd("5")), &none.value, &policy, today()), Ok(Runway::NotBurning));
    quiet.flows = vec![flow("9", "2026-06-20", "10", true)];
    assert_eq!(burn(&quiet, &policy, today()).value, Err(Unknown::NoHistory), "eleven days say nothing");
    let young = Policy { burn_days: 20, ..policy };
    assert!(burn(&books, &young, day("2026-06-10")).value.unwrap().low_confidence);
}

#[test]
fn another_currency_makes_a_total_unknown_and_nothing_is_added_across() {
    let mut books = books();
    books.documents = vec![
        invoice("1", "100", Some("2026-07-01")),
        Document { open: Err(Unknown::ForeignCurrency), ..invoice("2", "5", Some("2026-07-01")) },
    ];
    assert_eq!(open(&books, Side::Invoice).value, Err(Unknown::ForeignCurrency));
    let buckets = aging(&books, Side::Invoice, today());
    assert_eq!(buckets[1].1.value, Ok(usd("0")), "the other buckets are known");
}

#[test]
fn a_record_that_cannot_be_read_makes_unknown_what_would_rest_on_it_and_nothing_else() {
    let mut books = books();
    books.cash = vec![account("1", "5")];
    books.documents = vec![bill("1", "100", "2026-07-10"), invoice("2", "50", Some("2026-07-10"))];
    books.unreadable = [Entity::Bill].into();
    assert_eq!(open(&books, Side::Bill).value, Err(Unknown::Unreadable));
    assert_eq!(open(&books, Side::Invoice).value, Ok(usd("50")));
    let policy = policy();
    assert_eq!(cash(&books, &policy, &[]).value, Ok(usd("5")));
    books.unreadable = [Entity::Account, Entity::Purchase].into();
    assert_eq!(cash(&books, &policy, &[]).value, Err(Unknown::Unreadable));
    assert_eq!(burn(&books, &policy, today()).value, Err(Unknown::Unreadable));
}

#[test]
fn the_priority_of_a_bill_is_told_with_its_parts() {
    let burn = Ok(spends("616.67", 1));
    let of = |document: &Document, vendor| priority(document, vendor, &burn, today()).points;
    let unsaid = VendorTerms::UNSAID;
    for (due, points) in [
        ("2026-06-19", 58),
        ("2026-05-01", 60),
        ("2026-07-01", 40),
        ("2026-07-02", 40),
        ("2026-07-03", 30),
        ("2026-07-05", 20),
        ("2026-07-10", 10),
        ("2026-08-01", 0),
    ] {
        assert_eq!(of(&bill("1", "10", due), unsaid), points, "{due}");
    }
    assert_eq!(of(&bill("1", "5200", "2026-06-19"), unsaid), 68, "eight days of runway");
    let first = VendorTerms { tier: Tier::First, late_fee: 150, discount: Some((300, day("2026-07-03"))) };
    let score = priority(&bill("1", "5200", "2026-06-19"), first, &burn, today());
    assert_eq!((score.points, score.parts.iter().map(|part| part.tenths).sum::<i64>()), (100, 1_230));
    let policy = policy();
    assert_eq!(latest_safe(&bill("1", "1", "2026-07-01"), unsaid, &policy), Some(day("2026-07-06")));
    assert_eq!(latest_safe(&bill("1", "1", "2026-07-01"), first, &policy), Some(day("2026-07-01")));
}

#[test]
fn the_quality_of_records_has_the_vectors_of_the_domain() {
    let all = Counted {
        records: 50,
        complete: 44,
        malformed: 0,
        inverted: 1,
        invalid: 0,
        fresh: (5, 5),
        critical: false,
    };
    let score = quality(all).unwrap();
    assert_eq!((score.completeness, score.weighted, score.score), (88, 96, 88));
    assert_eq!(quality(Counted { complete: 0, ..all }).unwrap().score, 0);
    let few = quality(Counted { records: 9, complete: 9, inverted: 0, ..all }).unwrap();
    assert_eq!((few.score, few.small_sample), (100, true));
    assert_eq!(quality(Counted { records: 0, complete: 0, ..all }), Err(Unknown::NoRecords));
    assert_eq!(quality(Counted { complete: 50, critical: true, ..all }).unwrap().score, 69);
    let one = quality(Counted { records: 1_000, complete: 999, inverted: 0, ..all }).unwrap();
    assert_eq!((one.completeness, one.score), (99, 99), "one of a thousand is not none");
}

fn found(books: &Facts) -> Vec<(&'static str, &'static str)> {
    let burn = Ok(spends("616.67", 1));
    let issues = tray(books, &policy(), &burn, &Sync::default(), today()).issues;
    issues.iter().map(|issue| (issue.rule.word(), issue.severity.word())).collect()
}

#[test]
fn each_rule_finds_what_it_is_for_and_nothing_else() {
    let mut whole = books();
    whole.parties = [vendor("46")].into();
    let dated = |bill: Document| Document { date: Some(day("2026-06-15")), ..bill };
    whole.documents = vec![dated(bill("1", "100", "2026-08-30"))];
    assert_eq!(found(&whole), [], "complete books have no issue");
    let with = |document: Document| {
        let mut books = whole.clone();
        books.documents = vec![document];
        found(&books)
    };
    let plain = || dated(bill("1", "100", "2026-08-30"));
    assert_eq!(with(Document { party: None, ..plain() })[0], ("missing_vendor", "high"));
    let large = Document { party: None, ..dated(bill("1", "617", "2026-08-30")) };
    assert_eq!(with(large)[0], ("missing_vendor", "critical"), "a day of spending");
    assert_eq!(with(Document { due: None, ..plain() })[0], ("missing_due_date", "high"));
    assert_eq!(
        with(Document { due: None, ..dated(bill("1", "1300", "2026-08-30")) })[0],
        ("missing_due_date", "critical")
    );
    let nothing = Document { total: Some(Decimal::ZERO), ..plain() };
    assert_eq!(with(nothing)[0], ("missing_amount", "critical"));
    assert_eq!(with(Document { date: None, ..plain() }), [("missing_issue_date", "medium")]);
    let inverted = Document { date: Some(day("2026-06-30")), due: Some(day("2026-06-29")), ..plain() };
    assert!(with(inverted).contains(&("due_before_txn", "medium")));
    let far = Document { date: Some(day("2026-06-01")), due: Some(day("2028-06-01")), ..plain() };
    assert_eq!(with(far), [("implausible_due_date", "low")]);
    let ahead = Document { date: Some(day("2026-07-02")), ..plain() };
    assert_eq!(with(ahead), [("issue_date_in_future", "low")]);
    assert_eq!(with(Document { accounts: vec![None], ..plain() }), [("uncategorised", "medium")]);
    let much = Document { accounts: vec![None], ..dated(bill("1", "1000", "2026-08-30")) };
    assert_eq!(with(much), [("uncategorised", "high")], "a twentieth of a month is 925");
    let stranger = Document { party: EntityId::new("47"), ..plain() };
    assert_eq!(with(stranger), [("orphaned_vendor_ref", "medium")]);
    assert_eq!(with(Document { party_name: Some("Old".into()), ..plain() }), [("name_mismatch", "low")]);
    assert_eq!(with(bill("1", "100", "2026-06-30")), [("overdue_bill", "medium")]);
    assert_eq!(with(bill("1", "100", "2026-07-01")), [("upcoming_bill", "medium")], "due today is not late");
    let twice = |second: Document| {
        let mut books = whole.clone();
        books.documents = vec![plain(), second];
        found(&books)
    };
    let again = |id: &str| Document { name: name(Entity::Bill, id), ..plain() };
    assert_eq!(twice(again("2")), [("duplicate_bill", "critical")]);
    let paid = Document { status: Status::Paid, open: Ok(usd("0")), ..again("2") };
    assert_eq!(twice(paid), [("duplicate_bill", "high")]);
    assert_eq!(
        twice(Document { date: Some(day("2026-07-30").plus_days(-12)), ..again("2") })[..1],
        [("issue_date_in_future", "low")]
    );
    let mut overdrawn = whole.clone();
    overdrawn.cash = vec![account("1", "-1")];
    assert_eq!(found(&overdrawn), [("negative_bank_balance", "critical")]);
}

#[test]
fn every_rule_is_looked_at_or_says_why_not_and_late_is_no_fault_of_the_records() {
    let mut words: Vec<&str> = Rule::ALL.iter().map(|rule| rule.word()).collect();
    words.sort_unstable();
    assert!(words.windows(2).all(|pair| pair[0] != pair[1]));
    let no_rail =
        Rule::ALL.iter().filter(|rule| rule.not_evaluated().is_some_and(|it| it.word() == "no_rail"));
    assert_eq!(no_rail.count(), 12);
    assert!(Severity::Critical < Severity::High && Severity::High.blocks() && !Severity::Medium.blocks());
    let mut books = books();
    books.parties = [vendor("46")].into();
    books.documents = vec![bill("1", "100", "2026-01-01")];
    let found = tray(&books, &policy(), &Ok(spends("1", 1)), &Sync::default(), today());
    assert_eq!(Places::of(&found).place(&books.documents[0]), Place::Console, "a late bill is decided about");
}

#[test]
fn halves_go_to_the_even_neighbour() {
    for (numerator, denominator, whole) in [
        (5, 10, 0),
        (15, 10, 2),
        (25, 10, 2),
        (-5, 10, 0),
        (-15, 10, -2),
        (7, -2, -4),
        (26, 10, 3),
        (1, 3, 0),
    ] {
        assert_eq!(half_even(numerator, denominator), Some(whole), "{numerator}/{denominator}");
    }
    assert_eq!(half_even(1, 0), None);
}

fn any_document() -> impl Strategy<Value = Document> {
    let due = prop_oneof![Just(None), (-200..200_i32).prop_map(Some)];
    let date = prop_oneof![Just(None), (-300..30_i32).prop_map(Some)];
    (0..1_000_u32, due, date, any::<bool>(), any::<bool>(), 0..3_u8, 1..10_000_000_i64).prop_map(
        |(id, due, date, is_bill, has_party, sorted, cents)| {
            let amount = Money { micros: cents * 10_000, currency: USD.parse().unwrap() };
            let entity = if is_bill { Entity::Bill } else { Entity::Invoice };
            Document {
                name: name(entity, &id.to_string()),
                side: if is_bill { Side::Bill } else { Side::Invoice },
                party: has_party.then(|| EntityId::new("46").unwrap()),
                date: date.map(|days| today().plus_days(days)),
                due: due.map(|days| today().plus_days(days)),
                total: Some(amount.decimal().parse().unwrap()),
                open: Ok(amount),
                home_total: Ok(amount),
                accounts: (0..sorted).map(|at| (at > 0).then(|| EntityId::new("60").unwrap())).collect(),
                ..bill("0", "1", "2026-07-01")
            }
        },
    )
}

pub(super) fn any_books() -> impl Strategy<Value = Facts> {
    proptest::collection::vec(any_document(), 0..40).prop_map(|documents| {
        let mut books = books();
        books.parties = [vendor("46")].into();
        for document in documents {
            if books.documents.iter().all(|it| it.name != document.name) {
                books.documents.push(document);
            }
        }
        books
    })
}

proptest! {
    #[test]
    fn buckets_add_up_to_all_that_is_open(books in any_books()) {
        for side in [Side::Bill, Side::Invoice] {
            let buckets = aging(&books, side, today());
            let sum: i64 = buckets.iter().map(|(_, figure)| figure.value.unwrap().micros).sum();
            prop_assert_eq!(sum, open(&books, side).value.unwrap().micros);
            let records: usize = buckets.iter().map(|(_, figure)| figure.of.len()).sum();
            for (_, figure) in &buckets {
                prop_assert_eq!(total(&figure.of, books.home), figure.value);
            }
            prop_assert_eq!(records, books.open(side).count());
        }
        prop_assert_eq!(Bucket::ALL.len(), 6);
    }

    #[test]
    fn every_open_bill_is_in_the_tray_or_in_the_console(books in any_books(), spent in 1..100_000_i64) {
        let burn = Ok(Burn { spent: Money { micros: spent * 10_000, currency: books.home }, days: 1, low_confidence: false });
        let found = tray(&books, &policy(), &burn, &Sync::default(), today());
        let places = Places::of(&found);
        let console = places.console(&books);
        for bill in books.open(Side::Bill) {
            let blocked = found.issues.iter().any(|issue| issue.blocks(&bill.name));
            prop_assert_eq!(blocked, matches!(places.place(bill), Place::Tray(_)));
            prop_assert_eq!(!blocked, console.iter().any(|it| it.name == bill.name));
        }
        let mut keys: Vec<&String> = found.issues.iter().map(|issue| &issue.key).collect();
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        prop_assert_eq!(keys.len(), all, "one issue for each key");
        prop_assert!(found.issues.windows(2).all(|pair| pair[0].severity <= pair[1].severity));
    }

    #[test]
    fn a_set_is_one_computation_and_more_paid_never_lasts_longer(
        amounts in proptest::collection::vec(1..5_000_000_i64, 1..20), cash in 0..100_000_000_i64, spent in 1..1_000_000_i64,
    ) {
        let money = |cents: i64| Money { micros: cents * 10_000, currency: USD.parse().unwrap() };
        let (all, cash) = (amounts.iter().map(|cents| money(*cents)).collect::<Vec<_>>(), money(cash));
        let burn = Ok(Burn { spent: money(spent), days: 1, low_confidence: false });
        let policy = policy();
        let set = pay(&all, &Ok(cash), &burn, &policy, today()).unwrap();
        let one = pay(&[money(amounts.iter().sum())], &Ok(cash), &burn, &policy, today()).unwrap();
        prop_assert_eq!(set, one);
        let days = |runway| match runway { Ok(Runway::Days { days, .. }) => days, _ => i64::MAX };
        prop_assert!(days(set.after) <= days(set.before));
    }
}
