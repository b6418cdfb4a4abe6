//! What is said and decided beside the books: money set aside, rules, approvals, and what stands there twice.

use std::collections::BTreeSet;

use proptest::prelude::*;
use uuid::Uuid;

use super::burn::cash;
use super::decision::{Decision, NoStep, Seen, Stage, Step, Taken};
use super::duplicates::{alike, documents, parties, plain_name};
use super::facts::{Document, Facts, Party, Side};
use super::figure::{portion, total};
use super::hygiene::{Sync, tray};
use super::overlay::{Discount, Overlay, Said, What};
use super::policy::{BadPolicy, PolicySet};
use super::priority::Tier;
use super::ready::{Place, Places};
use super::rules::{Rule, Severity};
use super::tests::{account, bill, books, day, name, policy, spends, today, usd, vendor};
use crate::ground::books::{Entity, EntityId, RealmId};
use crate::ground::id::{TokenId, UserId};
use crate::ground::journal::Actor;
use crate::ground::money::Money;
use crate::ground::time::Instant;

fn realm() -> RealmId {
    "9341470968317827".parse().unwrap()
}

fn said(number: u128, what: What) -> Said {
    Said { id: Uuid::from_u128(number), realm: Some(realm()), what, by: Actor::Operator, at: Instant(1) }
}

fn user(number: u128) -> Actor {
    Actor::User(UserId(Uuid::from_u128(number)))
}

fn step(by: &Actor, step: Step) -> Taken {
    Taken { step, by: by.clone(), at: Instant(5), note: None, seen: Seen::default() }
}

proptest! {
    /// Finance 10.7: what is set aside lowers the cash by as much, releasing restores it, and all effects together are a full
    /// recomputation.
    #[test]
    fn money_set_aside_lowers_the_cash_by_as_much(
        held in 0..1_000_000_i64, aside in proptest::collection::vec((1..100_000_i64, proptest::option::of(-5..5_i32)), 0..12),
    ) {
        let money = |cents: i64| Money { micros: cents * 10_000, currency: usd("1").currency };
        let mut facts = books();
        facts.cash = vec![account("1", "0")];
        facts.cash[0].balance = Ok(money(held));
        let mut overlay = Overlay::default();
        let of = |overlay: &Overlay| {
            let figure = cash(&facts, &policy(), &overlay.set_aside(today(), facts.home));
            assert_eq!(total(&figure.of, facts.home), figure.value);
            figure.value.unwrap().micros
        };
        let mut expected = money(held).micros;
        for (at, (cents, until)) in (1_u128..).zip(&aside) {
            let until = until.map(|days| today().plus_days(days));
            overlay.add(said(at, What::Earmark { amount: money(*cents), until, reason: "Grant".into() }));
            if until.is_none_or(|until| today() <= until) {
                expected -= money(*cents).micros;
            }
            prop_assert_eq!(of(&overlay), expected);
        }
        overlay.earmarks.clear();
        prop_assert_eq!(of(&overlay), money(held).micros);
    }
}

#[test]
fn a_company_sets_its_own_rules_before_the_firms_before_the_presets() {
    let mut overlay = Overlay::default();
    let firm = PolicySet { amber_below: Some(60), buffer_days: Some(21), ..PolicySet::default() };
    overlay.add(Said { realm: None, ..said(1, What::Policy { set: firm }) });
    let account: BTreeSet<EntityId> = [EntityId::new("35").unwrap()].into();
    let own = PolicySet { buffer_days: Some(7), restricted: Some(account.clone()), ..PolicySet::default() };
    overlay.add(said(2, What::Policy { set: own }));
    let holds = overlay.policy(usd("1").currency);
    assert_eq!((holds.amber_below, holds.buffer_days, holds.red_below), (60, 7, 14));
    assert_eq!(holds.restricted, account);
    assert_eq!(holds.check(), Ok(()));
    let with = |set: PolicySet| policy().with(&set).check();
    assert_eq!(with(PolicySet { red_below: Some(31), ..PolicySet::default() }), Err(BadPolicy::Bands));
    assert_eq!(
        with(PolicySet { review_micros: Some(i64::MAX), ..PolicySet::default() }),
        Err(BadPolicy::People)
    );
    assert_eq!(with(PolicySet { burn_days: Some(0), ..PolicySet::default() }), Err(BadPolicy::Range));
    assert_eq!(with(PolicySet { burn_days: Some(i32::MIN), ..PolicySet::default() }), Err(BadPolicy::Range));
    assert_eq!(with(PolicySet { buffer_micros: Some(-1), ..PolicySet::default() }), Err(BadPolicy::Range));
    assert!(PolicySet { restricted: Some(BTreeSet::new()), ..PolicySet::default() }.is_of_one_company());
    assert!(!PolicySet { red_below: Some(1), ..PolicySet::default() }.is_of_one_company());
}

#[test]
fn who_asks_does_not_approve_and_two_are_two_people() {
    let due = bill("9", "12000", "2026-07-20");
    let (asker, one, other) = (user(1), user(2), user(3));
    let mut decision = Decision::new(realm(), due.name.id.clone());
    let stage = |decision: &Decision| decision.stage(&due, today());
    assert_eq!(stage(&decision), Stage::Ready);
    assert_eq!(decision.take(step(&one, Step::Approved), &due, today()), Err(NoStep::NotAsked));
    decision.take(step(&asker, Step::Asked { needed: 2 }), &due, today()).unwrap();
    assert_eq!(stage(&decision), Stage::Pending { have: 0, need: 2 });
    assert_eq!(decision.take(step(&asker, Step::Approved), &due, today()), Err(NoStep::OwnRequest));
    decision.take(step(&one, Step::Approved), &due, today()).unwrap();
    assert_eq!(
        decision.take(step(&one, Step::Approved), &due, today()),
        Err(NoStep::Again),
        "one person is one"
    );
    assert_eq!(stage(&decision), Stage::Pending { have: 1, need: 2 });
    decision.take(step(&other, Step::Approved), &due, today()).unwrap();
    assert_eq!(stage(&decision), Stage::Approved);
    let mut alone = Decision::new(realm(), due.name.id.clone());
    alone.take(step(&asker, Step::Asked { needed: 1 }), &due, today()).unwrap();
    let program = Actor::Token(TokenId(Uuid::from_u128(8)));
    assert_eq!(alone.take(step(&program, Step::Approved), &due, today()), Err(NoStep::NotAPerson));
    // A program may ask.
    let mut small = Decision::new(realm(), due.name.id.clone());
    let token = Actor::Token(TokenId(Uuid::from_u128(9)));
    small.take(step(&token, Step::Asked { needed: 0 }), &due, today()).unwrap();
    assert_eq!(stage(&small), Stage::Approved, "below the limit nobody else is needed");
}

#[test]
fn another_amount_or_vendor_makes_every_yes_void() {
    let due = bill("9", "6000", "2026-07-20");
    let mut decision = Decision::new(realm(), due.name.id.clone());
    decision.take(step(&user(1), Step::Asked { needed: 1 }), &due, today()).unwrap();
    decision.take(step(&user(2), Step::Approved), &due, today()).unwrap();
    assert_eq!(decision.stage(&due, today()), Stage::Approved);
    let dearer = Document { open: Ok(usd("6000.01")), ..due.clone() };
    let other = Document { party: EntityId::new("47"), ..due.clone() };
    let later = Document { due: Some(day("2026-08-20")), ..due.clone() };
    assert_eq!(decision.stage(&dearer, today()), Stage::Void);
    assert_eq!(decision.stage(&other, today()), Stage::Void);
    assert_eq!(
        decision.stage(&later, today()),
        Stage::Approved,
        "when it is due was not what they said yes to"
    );
    decision.take(step(&user(1), Step::Asked { needed: 1 }), &dearer, today()).unwrap();
    assert_eq!(
        decision.stage(&dearer, today()),
        Stage::Pending { have: 0, need: 1 },
        "old yeses do not count"
    );
}

#[test]
fn a_bill_that_is_held_goes_on_where_it_was() {
    let due = bill("9", "6000", "2026-07-20");
    let mut decision = Decision::new(realm(), due.name.id.clone());
    decision.take(step(&user(1), Step::Asked { needed: 1 }), &due, today()).unwrap();
    let until = Some(day("2026-07-03"));
    decision.take(step(&user(2), Step::Held { until }), &due, today()).unwrap();
    assert_eq!(decision.stage(&due, today()), Stage::Held { until });
    assert_eq!(decision.take(step(&user(2), Step::Approved), &due, today()), Err(NoStep::Still));
    assert_eq!(decision.stage(&due, day("2026-07-03")), Stage::Held { until }, "the last day counts");
    assert_eq!(decision.stage(&due, day("2026-07-04")), Stage::Pending { have: 0, need: 1 });
    decision.take(step(&user(2), Step::Resumed), &due, today()).unwrap();
    assert_eq!(decision.stage(&due, today()), Stage::Pending { have: 0, need: 1 });
    assert_eq!(decision.take(step(&user(2), Step::Resumed), &due, today()), Err(NoStep::NotStill));
    decision.take(step(&user(2), Step::Rejected), &due, today()).unwrap();
    assert_eq!(decision.stage(&due, today()), Stage::Rejected);
    decision.take(step(&user(2), Step::Disputed), &due, today()).unwrap();
    assert_eq!(decision.stage(&due, today()), Stage::Disputed);
}

#[test]
fn how_a_vendor_is_dealt_with_holds_for_their_bills() {
    let mut overlay = Overlay::default();
    let discount = Some(Discount { hundredths: 200, days: 10 });
    let vendor = EntityId::new("46").unwrap();
    overlay.add(said(1, What::Vendor { vendor: vendor.clone(), tier: Tier::First, late_fee: 150, discount }));
    let of = overlay.vendor(Some(&vendor), Some(day("2026-06-25")));
    assert_eq!((of.tier, of.late_fee, of.discount), (Tier::First, 150, Some((200, day("2026-07-05")))));
    assert_eq!(overlay.vendor(EntityId::new("47").as_ref(), None).tier, Tier::Third);
    assert_eq!(portion(usd("100.25"), 200, 10_000), Some(usd("2")), "half a cent goes to the even one");
}

#[test]
fn an_issue_that_may_stand_comes_back_when_its_evidence_changes() {
    let mut facts = books();
    facts.parties = [vendor("46")].into();
    let unsaid =
        |total: &str| Document { total: Some(total.parse().unwrap()), ..bill("1", "0", "2026-08-30") };
    facts.documents = vec![Document { date: Some(day("2026-06-15")), ..unsaid("0") }];
    let found = |facts: &Facts| tray(facts, &policy(), &Ok(spends("10", 1)), &Sync::default(), today());
    let issue = found(&facts).issues.into_iter().find(|issue| issue.rule == Rule::MissingAmount).unwrap();
    let mut overlay = Overlay::default();
    let (key, fingerprint) = (issue.key.clone(), issue.fingerprint());
    overlay.add(said(1, What::Ignored { key: key.clone(), fingerprint, reason: "Known".into() }));
    assert!(overlay.may_stand(&key, &issue.fingerprint()));
    facts.documents[0].total = Some("-5".parse().unwrap());
    let changed = found(&facts).issues.into_iter().find(|issue| issue.rule == Rule::MissingAmount).unwrap();
    assert_eq!(changed.key, key);
    assert!(!overlay.may_stand(&key, &changed.fingerprint()), "it is another amount now");
    // What time alone changes does not bring it back.
    let late = |today| tray(&facts_late(), &policy(), &Ok(spends("10", 1)), &Sync::default(), today).issues;
    let (one, other) = (late(today()), late(today().plus_days(3)));
    assert_eq!(one[0].fingerprint(), other[0].fingerprint());
    assert_ne!(one[0].evidence, other[0].evidence);
}

fn facts_late() -> Facts {
    let mut facts = books();
    facts.parties = [vendor("46")].into();
    facts.documents = vec![bill("1", "10", "2026-06-20")];
    facts
}

#[test]
fn many_late_invoices_are_worse_than_a_few_and_a_score_follows_from_its_parts() {
    let late = |many: usize| {
        let mut facts = books();
        let (of, party) = vendor("46");
        let customer = name(Entity::Customer, "46");
        facts.parties = [(of, party.clone()), (customer.clone(), Party { name: customer, ..party })].into();
        facts.documents = (0..many)
            .map(|at| Document {
                name: name(Entity::Invoice, &at.to_string()),
                side: Side::Invoice,
                number: Some(at.to_string()),
                accounts: Vec::new(),
                ..bill("0", "40", "2026-06-25")
            })
            .collect();
        let found = tray(&facts, &policy(), &Ok(spends("10", 1)), &Sync::default(), today());
        let worst = found.issues.into_iter().find(|issue| issue.rule == Rule::OverdueInvoice).unwrap();
        (worst.severity, worst.score(today()))
    };
    assert_eq!(late(5), (Severity::Medium, 40 + 12), "four days of runway");
    assert_eq!(late(6), (Severity::High, 60 + 12));
    let mut facts = books();
    facts.documents = vec![Document { party: None, ..bill("1", "1000", "2026-07-05") }];
    let found = tray(&facts, &policy(), &Ok(spends("10", 1)), &Sync::default(), today());
    let issue = &found.issues[0];
    assert_eq!(
        (issue.rule, issue.score(today())),
        (Rule::MissingVendor, 100),
        "80, 15 and 5 for a decision of the week"
    );
    assert!(matches!(Places::of(&found).place(&facts.documents[0]), Place::Tray(_)));
}

#[test]
fn what_was_entered_twice_is_found_wherever_it_stands_and_nothing_else() {
    let of = |list: Vec<Document>| {
        let mut facts = books();
        facts.documents = list;
        documents(&facts, Side::Bill)
            .into_iter()
            .map(|it| (it.one.id.to_string(), it.other.id.to_string(), it.certain))
            .collect::<Vec<_>>()
    };
    let at = |id: &str, date: &str, amount: &str, number: Option<&str>| Document {
        date: Some(day(date)),
        number: number.map(str::to_owned),
        ..bill(id, amount, "2026-08-01")
    };
    // One between them, with a number of its own, hides nothing.
    let three = vec![
        at("1", "2026-06-01", "100", None),
        at("2", "2026-06-02", "100", Some("7")),
        at("3", "2026-06-03", "100.50", None),
    ];
    let pair = |one: &str, other: &str, certain| (one.to_owned(), other.to_owned(), certain);
    assert_eq!(of(three), [pair("1", "2", false), pair("1", "3", false), pair("2", "3", false)]);
    let numbered = vec![at("1", "2026-01-01", "100", Some("7")), at("2", "2026-06-02", "100", Some("7"))];
    assert_eq!(of(numbered), [pair("1", "2", true)], "the same number at any time");
    let apart = vec![at("1", "2026-06-01", "100", Some("7")), at("2", "2026-06-01", "100", Some("8"))];
    assert_eq!(of(apart), []);
    assert_eq!(of(vec![at("1", "2026-06-01", "100", None), at("2", "2026-06-01", "102", None)]), []);
    assert_eq!(of(vec![at("1", "2026-06-01", "100", None), at("2", "2026-06-09", "100", None)]), []);
}

#[test]
fn names_of_one_firm_are_alike_and_names_of_two_are_not() {
    let same = |one: &str, other: &str| alike(&plain_name(one), &plain_name(other));
    for (one, other) in [
        ("Google Inc", "Google LLC"),
        ("Google LLC", "Google Ads"),
        ("Home Depot", "Home Depot Pro"),
        ("Microsoft Corporation", "Microsoft 365"),
        ("Riverside Catering", "Riverside Catering Ltd"),
        ("Riverside Catering", "Riverside Caterng"),
    ] {
        assert!(same(one, other), "{one} / {other}");
    }
    for (one, other) in [
        ("Smith", "Smythe"),
        ("Fund 1", "Fund 2"),
        ("HD", "HD Pro"),
        ("North Ltd", "South Ltd"),
        ("Ann Lee", "Ann Leigh"),
    ] {
        assert!(!same(one, other), "{one} / {other}");
    }
    let mut facts = books();
    for (id, called) in [("1", "Google Inc"), ("2", "Gourmet Foods"), ("3", "Google Ads")] {
        let (of, party) = vendor(id);
        facts.parties.insert(of, Party { called: Some(called.into()), email: None, ..party });
    }
    let found = parties(&facts, Entity::Vendor);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].one.id.as_str(), found[0].other.id.as_str()), ("1", "3"));
}
