//! No window of a company ever holds more than its limit, and little of the limit is left unused.

use proptest::prelude::*;

use super::*;

fn at(millis: i64) -> Instant {
    Instant(0).plus_millis(millis)
}

/// The most calls of any window of this length.
fn most(calls: &[i64], period_ms: i64) -> usize {
    let within = |from: &i64| calls.iter().filter(|call| (*from..from + period_ms).contains(call)).count();
    calls.iter().map(within).max().unwrap_or(0)
}

proptest! {
    #[test]
    fn no_window_holds_more_than_its_limit(
        steps in prop::collection::vec((0_i64..400, prop::sample::select(vec![true, false, false]), 0_i64..2_000), 50..600),
    ) {
        let mut pace = Pace::new(Limits { minute: 60, second: 5, batches: 8, in_flight: 3 }, at(0));
        let (mut now, mut calls, mut batches) = (0, Vec::new(), Vec::new());
        let mut out: Vec<i64> = Vec::new();
        for (wait, is_batch, lasts) in steps {
            now += wait;
            out.retain(|end| if *end <= now { pace.ended(); false } else { true });
            match pace.take(is_batch, at(now)) {
                Ok(()) => {
                    calls.push(now);
                    if is_batch { batches.push(now); }
                    out.push(now + lasts);
                    prop_assert!(out.len() <= 3, "on their way");
                }
                Err(NotYet::Until(until)) => prop_assert!(until > at(now)),
                Err(NotYet::InFlight) => prop_assert_eq!(out.len(), 3),
            }
        }
        prop_assert!(most(&calls, 60_000) <= 60 && most(&calls, 1_000) <= 5 && most(&batches, 60_000) <= 8);
    }
}

#[test]
fn a_first_load_gets_nearly_all_that_is_allowed() {
    let mut pace = Pace::new(Limits::INTUIT, at(0));
    let (mut now, mut calls) = (at(0), 0);
    let end = at(10 * 60_000);
    while now < end {
        match pace.take(false, now) {
            Ok(()) => {
                calls += 1;
                pace.ended();
            }
            Err(NotYet::Until(until)) => now = until,
            Err(NotYet::InFlight) => panic!("every call had ended"),
        }
    }
    assert_eq!(calls, 5_000, "500 a minute for ten minutes");
}

#[test]
fn a_limit_a_crash_and_a_clock_that_goes_back_are_heeded() {
    let mut pace = Pace::new(Limits::INTUIT.share(50), at(0));
    pace.shut(at(60_000));
    assert_eq!(pace.take(false, at(59_999)), Err(NotYet::Until(at(60_000))));
    assert_eq!(pace.take(false, at(60_000)), Ok(()));
    let mut pace = Pace::unknown(Limits::INTUIT, at(0));
    assert_eq!(pace.take(false, at(1_000)), Err(NotYet::Until(at(60_000))));
    let mut pace = Pace::new(Limits { minute: 1, second: 1, batches: 1, in_flight: 9 }, at(3_600_000));
    assert_eq!(pace.take(false, at(3_600_000)), Ok(()));
    assert_eq!(pace.take(false, at(0)), Err(NotYet::Until(at(60_000))), "an hour back, a minute to wait");
    assert_eq!(Limits::INTUIT.share(0), Limits { minute: 1, second: 1, batches: 1, in_flight: 1 });
}
