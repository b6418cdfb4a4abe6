//! The gate through the answers that a server can give.

use super::*;
use crate::ground::budget::{Calls, Limit};
use crate::ground::world::{Clock, Entropy};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

struct Hand(Arc<AtomicI64>);
struct Zero;

impl Clock for Hand {
    fn now(&self) -> Instant {
        Instant(self.0.load(Ordering::SeqCst))
    }
}

impl Entropy for Zero {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0);
    }
}

fn gate_of(limits: &[Limit]) -> (Gate, Arc<AtomicI64>) {
    let time = Arc::new(AtomicI64::new(0));
    let world = World { clock: Arc::new(Hand(Arc::clone(&time))), entropy: Arc::new(Zero) };
    (Gate::new(world, Buckets::full(limits, 100, Instant(0)), "t".into()), time)
}

fn gate() -> (Gate, Arc<AtomicI64>) {
    gate_of(&[Limit { calls: 1, period_ms: 1_000 }])
}

const GOOD: Heard = Heard::Answered { ceiling: None, remaining: None };

/// One call that ends so.
fn call(gate: &Gate, class: CallClass, heard: Heard) -> Result<(), Instant> {
    drop(gate.permit(class, None).map(|permit| {
        gate.0.called(Some(class));
        // As the rail does it: what is reported counts as used.
        let permit = permit.barred(Trouble::Gone(String::new()));
        gate.0.heard(Some(class), heard);
        permit
    })?);
    Ok(())
}

fn no_answer() -> Heard {
    Heard::NoAnswer("no connection".into())
}

#[test]
fn a_person_who_waits_goes_before_a_backfill() {
    let (gate, time) = gate();
    assert!(call(&gate, CallClass::Backfill, GOOD).is_ok());
    assert!(call(&gate, CallClass::Person, GOOD).is_err());
    time.store(1_000_000, Ordering::SeqCst);
    assert!(call(&gate, CallClass::Backfill, GOOD).is_err());
    assert!(call(&gate, CallClass::Person, GOOD).is_ok());
    time.store(2_000_000, Ordering::SeqCst);
    assert!(call(&gate, CallClass::Backfill, GOOD).is_ok());
}

#[test]
fn who_gives_way_is_told_when_there_is_something_to_ask_for() {
    let (gate, time) = gate();
    call(&gate, CallClass::Person, GOOD).unwrap();
    call(&gate, CallClass::Person, GOOD).unwrap_err();
    assert_eq!(call(&gate, CallClass::Backfill, GOOD), Err(Instant(1_000_000)));
    time.store(1_000_000, Ordering::SeqCst);
    assert_eq!(call(&gate, CallClass::Backfill, GOOD), Err(Instant(1_200_000)));
}

#[test]
fn a_limit_shuts_the_gate_for_all() {
    let (gate, time) = gate();
    gate.learn(&Trouble::Later { after_ms: Some(3_000), said: String::new(), limit: true });
    time.store(2_999_000, Ordering::SeqCst);
    assert!(call(&gate, CallClass::Person, GOOD).is_err());
    time.store(3_000_000, Ordering::SeqCst);
    assert!(call(&gate, CallClass::Person, GOOD).is_ok());
}

#[test]
fn what_the_server_asks_for_is_a_floor_beside_our_own_growing_delays() {
    let (gate, time) = gate_of(&Limit::TWENTY_BOTH);
    let limited = |after_ms| Heard::Limited { after_ms, limit: None, ceiling: None };
    let mut waits = Vec::new();
    // Told less than we would wait, more than we would wait, and nothing.
    for told in [Some(600), Some(600), Some(30_000), None, Some(600)] {
        let now = gate.0.now();
        call(&gate, CallClass::Person, limited(told)).unwrap();
        let until = call(&gate, CallClass::Person, GOOD).unwrap_err();
        waits.push(until.micros_since(now) / 1_000);
        time.store(until.0, Ordering::SeqCst);
    }
    assert_eq!(waits, [1_000, 2_500, 30_000, 10_000, 10_000]);
    // A good answer, and it begins anew.
    call(&gate, CallClass::Person, GOOD).unwrap();
    time.fetch_add(60_000_000, Ordering::SeqCst);
    let now = gate.0.now();
    call(&gate, CallClass::Person, limited(None)).unwrap();
    assert_eq!(gate.view().shut_until, Some(now.plus_millis(5_000)));
}

#[test]
fn the_gate_takes_the_servers_limit_for_its_own() {
    let (gate, _) = gate_of(&Limit::TWENTY_BOTH);
    let limit = Limit { calls: 50, period_ms: 60_000 };
    call(
        &gate,
        CallClass::Person,
        Heard::Limited { after_ms: Some(1_200), limit: Some(limit), ceiling: Some(50) },
    )
    .unwrap();
    let view = gate.view();
    assert_eq!((view.limit, view.per_minute, view.tokens), (limit, 50, 0));
    gate.0.heard(Some(CallClass::Person), Heard::Answered { ceiling: Some(20), remaining: Some(3) });
    assert_eq!(gate.view().per_minute, 20);
}

#[test]
fn a_server_that_does_not_answer_is_left_alone_and_tried_with_one_call() {
    let (gate, time) = gate_of(&Limit::TWENTY_BOTH);
    for _ in 0..5 {
        call(&gate, CallClass::Incremental, no_answer()).unwrap();
    }
    let view = gate.view();
    assert_eq!((view.breaker, view.breaker_reason), (Standing::Open, Some(Reason::NoAnswer)));
    assert_eq!((view.said.as_deref(), view.shut_until), (Some("no connection"), Some(Instant(30_000_000))));
    assert_eq!(call(&gate, CallClass::Person, GOOD), Err(Instant(30_000_000)));
    // Calls that cost nothing go nowhere either.
    assert!(matches!(gate.unmetered().bar(), Some(Trouble::Later { limit: false, .. })));
    time.store(30_000_000, Ordering::SeqCst);
    let one = gate.permit(CallClass::Person, None).expect("one may try");
    assert!(call(&gate, CallClass::Person, GOOD).is_err(), "and nobody else");
    drop(one);
    // That one was not used: the next may try.
    call(&gate, CallClass::Person, GOOD).unwrap();
    assert_eq!((gate.view().breaker, gate.view().said), (Standing::Closed, None));
    assert!(gate.unmetered().bar().is_none());
}

#[test]
fn who_slept_through_an_outage_holds_up_nobody_when_it_ends_early() {
    let (gate, _) = gate_of(&Limit::TWENTY_BOTH);
    for _ in 0..5 {
        call(&gate, CallClass::Incremental, no_answer()).unwrap();
    }
    assert!(call(&gate, CallClass::Person, GOOD).is_err());
    // A call that was out all the while is answered after all.
    gate.answered();
    assert!(call(&gate, CallClass::Backfill, GOOD).is_ok());
}

#[test]
fn a_refused_key_stops_all_calls_until_there_is_another() {
    let (gate, _) = gate_of(&Limit::TWENTY_BOTH);
    call(&gate, CallClass::Incremental, Heard::Denied("This API Key is revoked".into())).unwrap();
    assert_eq!(call(&gate, CallClass::Person, GOOD), Err(Instant(300_000_000)));
    let told = Trouble::Denied("This API Key is revoked".into());
    assert_eq!(gate.unmetered().bar(), Some(&told));
    gate.set_token("t".into());
    assert!(call(&gate, CallClass::Person, GOOD).is_err(), "the same key");
    gate.set_token("u".into());
    assert!(call(&gate, CallClass::Person, GOOD).is_ok());
}

#[test]
fn refusals_and_limits_are_answers_and_open_nothing() {
    let (gate, time) = gate_of(&Limit::TWENTY_BOTH);
    for _ in 0..20 {
        call(&gate, CallClass::Person, Heard::Limited { after_ms: None, limit: None, ceiling: None })
            .unwrap();
        time.fetch_add(60_000_000, Ordering::SeqCst);
    }
    assert_eq!(gate.view().breaker, Standing::Closed);
}

#[test]
fn calls_are_counted_by_class_and_unused_permits_cost_nothing() {
    let (gate, _) = gate_of(&Limit::TWENTY_BOTH);
    call(&gate, CallClass::Person, GOOD).unwrap();
    call(&gate, CallClass::Webhook, GOOD).unwrap();
    drop(gate.permit(CallClass::Backfill, None).unwrap());
    let view = gate.view();
    assert_eq!(view.calls_last_hour, Calls { person: 1, webhook: 1, ..Calls::default() });
    assert_eq!((view.tokens, gate.forecast(98).seconds, gate.forecast(99).seconds), (98, 0, 1));
    assert_eq!(gate.bucket().meter.last_hour(Instant(0)).total(), 2);
}
