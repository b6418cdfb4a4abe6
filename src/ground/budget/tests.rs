//! The buckets against the server's own rule, told once more here.

use super::*;
use proptest::prelude::*;

/// An hour, in microseconds.
const HOUR: i64 = 3_600_000_000;

/// One bucket of the server (contract 5.1): refill = floor(passed × limit / period), whole milliseconds, the clock moves
/// only when a call is accepted, forgotten after two periods.
struct ServerBucket {
    limit: Limit,
    state: Option<(i64, i64)>,
}

impl ServerBucket {
    fn accepts(&mut self, now_ms: i64) -> bool {
        let (limit, period) = (i64::from(self.limit.calls), i64::from(self.limit.period_ms));
        let tokens = match self.state.filter(|(_, at)| now_ms - at < 2 * period) {
            None => limit,
            Some((tokens, at)) => (tokens + (now_ms - at) * limit / period).min(limit),
        };
        if tokens < 1 {
            return false;
        }
        self.state = Some((tokens - 1, now_ms));
        true
    }
}

/// Short, then long; the short token is spent even when the long one is lacking.
struct Server([ServerBucket; 2]);

impl Server {
    fn new(limits: [Limit; 2]) -> Self {
        Self(limits.map(|limit| ServerBucket { limit, state: None }))
    }

    fn accepts(&mut self, now: Instant) -> bool {
        let now_ms = now.0.div_euclid(1_000);
        self.0[0].accepts(now_ms) && self.0[1].accepts(now_ms)
    }
}

/// Callers arrive after these gaps; each is served in turn, as soon as the buckets allow. Answers (made, denied by
/// the server, when the last was made). `delay` is how long a call is on its way.
fn an_hour(
    buckets: &mut Buckets,
    server: &mut Server,
    mut gaps: impl FnMut() -> i64,
    mut delay: impl FnMut() -> i64,
) -> (i64, i64, Instant) {
    let (mut made, mut denied) = (0, 0);
    let (mut arrived, mut now, mut there) = (Instant(0), Instant(0), Instant(0));
    loop {
        arrived = arrived.plus_micros(gaps());
        now = now.max(arrived);
        while let Err(until) = buckets.take(now) {
            assert!(until > now, "a moment that lies ahead");
            now = until;
        }
        if now.0 > HOUR {
            return (made, denied, now);
        }
        made += 1;
        there = there.max(now.plus_micros(delay()));
        denied += i64::from(!server.accepts(there));
    }
}

/// A small generator, so that a case is one number.
fn dice(seed: u64) -> impl FnMut(i64) -> i64 {
    let mut state = seed | 1;
    move |sides| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(state >> 33).unwrap() % sides.max(1)
    }
}

#[test]
fn spacing_is_never_below_period_over_limit() {
    assert_eq!(Limit::TWENTY.spacing_micros(), 600_000);
    assert_eq!(Limit::TWENTY.share(80).spacing_micros(), 750_000);
    assert_eq!(Limit { calls: 7, period_ms: 60_000 }.spacing_micros(), 8_572_000);
    assert_eq!(Limit::TWENTY.share(0).calls, 1);
}

#[test]
fn a_full_bucket_gives_a_burst_and_then_one_at_a_time() {
    let limit = Limit { calls: 3, period_ms: 3_000 };
    let mut bucket = Bucket::full(limit, Instant(0));
    for _ in 0..3 {
        assert_eq!(bucket.take(Instant(10)), Ok(()));
    }
    assert_eq!(bucket.take(Instant(10)), Err(Instant(1_000_010)));
    assert_eq!(bucket.take(Instant(1_000_010)), Ok(()));
    assert_eq!(bucket.take(Instant(1_000_011)), Err(Instant(2_000_010)));
}

#[test]
fn what_is_left_of_a_token_is_lost_with_each_call_as_the_server_loses_it() {
    let mut bucket = Bucket::empty(Limit::TWENTY, Instant(0));
    assert_eq!(bucket.take(Instant(1_199_000)), Ok(()));
    assert_eq!(bucket.take(Instant(1_200_000)), Err(Instant(1_799_000)));
}

#[test]
fn a_call_takes_of_every_limit_or_of_none() {
    let limits = [Limit { calls: 1, period_ms: 1_000 }, Limit { calls: 2, period_ms: 60_000 }];
    let mut buckets = Buckets::full(&limits, 100, Instant(0));
    assert_eq!(buckets.take(Instant(0)), Ok(()));
    assert_eq!(buckets.take(Instant(0)), Err(Instant(1_000_000)));
    assert_eq!(buckets.counted[1].bucket.tokens(Instant(0)), 1, "the long one was left alone");
    assert_eq!(buckets.take(Instant(1_000_000)), Ok(()));
    assert_eq!(buckets.take(Instant(2_000_000)), Err(Instant(31_000_000)));
    buckets.give_back();
    assert_eq!(buckets.take(Instant(2_000_000)), Ok(()));
}

#[test]
fn what_the_server_says_is_a_floor_and_empties() {
    let mut buckets = Buckets::full(&Limit::TWENTY_BOTH, 100, Instant(0));
    buckets.shut(Instant(5_000_000), Instant(0));
    // An earlier moment told later does not open it.
    buckets.shut(Instant(1_000_000), Instant(0));
    assert_eq!((buckets.tokens(Instant(0)), buckets.shut_until(Instant(0))), (0, Some(Instant(5_000_000))));
    assert_eq!(buckets.take(Instant(4_999_999)), Err(Instant(5_000_000)));
    // Five seconds of tokens, not a new burst.
    assert_eq!(buckets.tokens(Instant(5_000_000)), 8);
    assert_eq!(buckets.take(Instant(5_000_000)), Ok(()));
}

#[test]
fn a_clock_that_goes_back_does_not_shut_for_longer() {
    let late = Instant(1_000_000_000);
    let mut buckets = Buckets::full(&Limit::TWENTY_BOTH, 100, late);
    buckets.shut(late.plus_millis(5_000), late);
    assert!(buckets.take(Instant(0)).is_err());
    assert_eq!(buckets.take(Instant(5_000_000)), Ok(()));
    while buckets.take(Instant(5_000_000)).is_ok() {}
    assert_eq!(buckets.take(Instant(1_000_000)), Err(Instant(1_600_000)));
}

#[test]
fn a_limit_that_the_server_tells_is_adopted_times_our_share() {
    let mut buckets = Buckets::full(&Limit::TWENTY_BOTH, 80, Instant(0));
    assert_eq!((buckets.limit(), buckets.tokens(Instant(0))), (Limit::TWENTY, 80));
    assert!(!buckets.learn(Limit::TWENTY, Instant(0)), "known already");
    let fifty = Limit { calls: 50, period_ms: 60_000 };
    assert!(buckets.learn(fifty, Instant(0)));
    assert_eq!((buckets.limit(), buckets.tokens(Instant(0))), (fifty, 40));
    // More than before: the tokens come with time.
    assert!(buckets.learn(Limit { calls: 1_000, period_ms: 60_000 }, Instant(0)));
    assert_eq!((buckets.tokens(Instant(0)), buckets.tokens(Instant(3_000_000))), (40, 80));
    assert!(buckets.learn(Limit { calls: 5, period_ms: 1_000 }, Instant(0)));
    assert_eq!(buckets.tokens(Instant(60_000_000)), 4, "the short one");
    // Without a period only less is believed.
    assert!(!buckets.learn_ceiling(2_000, Instant(0)));
    assert!(buckets.learn_ceiling(30, Instant(0)));
    assert_eq!(buckets.limit(), Limit { calls: 30, period_ms: 60_000 });
    // Nonsense stops nothing.
    assert!(buckets.learn(Limit { calls: 0, period_ms: 0 }, Instant(0)));
    assert!(buckets.take(Instant(60_000_000)).is_ok());
}

#[test]
fn another_share_keeps_what_was_used() {
    let mut buckets = Buckets::full(&Limit::TWENTY_BOTH, 100, Instant(0));
    for _ in 0..90 {
        buckets.take(Instant(0)).unwrap();
    }
    let less = buckets.clone().with_share(50, Instant(0));
    assert_eq!((less.tokens(Instant(0)), less.share_percent()), (10, 50));
    assert_eq!(less.tokens(Instant(120_000_000)), 50);
}

#[test]
fn a_forecast_is_kept() {
    let mut buckets = Buckets::full(&Limit::TWENTY_BOTH, 100, Instant(0));
    let told = buckets.forecast(167, Instant(0));
    assert_eq!(told, Forecast { left_now: 100, per_minute: 100, seconds: 41 });
    let mut now = Instant(0);
    for _ in 0..167 {
        while let Err(until) = buckets.take(now) {
            now = until;
        }
    }
    assert_eq!(now, Instant(40_200_000));
    assert_eq!(Buckets::full(&Limit::TWENTY_BOTH, 80, Instant(0)).forecast(80, Instant(0)).seconds, 0);
    buckets.shut(now.plus_millis(10_000), now);
    assert_eq!(buckets.forecast(17, now), Forecast { left_now: 0, per_minute: 100, seconds: 11 });
}

#[test]
fn who_always_waits_gets_burst_and_refill_to_the_call() {
    for (share, burst, spacing) in [(100, 100, 600_000), (80, 80, 750_000), (33, 33, 1_819_000)] {
        let mut buckets = Buckets::full(&Limit::TWENTY_BOTH, share, Instant(0));
        let mut server = Server::new(Limit::TWENTY_BOTH);
        let (made, denied, _) = an_hour(&mut buckets, &mut server, || 0, || 0);
        assert_eq!((made, denied), (burst + HOUR / spacing, 0), "{share} %");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// With its whole limit, an hour of callers who come at random: the server denies none.
    #[test]
    fn the_server_denies_none_at_its_whole_limit(seed: u64, mean_ms in 50_i64..3_000, calls in 2_u32..300, period_ms in 6_000_u32..90_000) {
        let limits = [Limit { calls: calls.max(20), period_ms: 1_000 }, Limit { calls, period_ms }];
        let mut buckets = Buckets::full(&limits, 100, Instant(0));
        let mut server = Server::new(limits);
        let mut roll = dice(seed);
        let (made, denied, _) = an_hour(&mut buckets, &mut server, || roll(2_000 * mean_ms), || 0);
        prop_assert_eq!(denied, 0);
        prop_assert!(made > 0);
    }

    /// More callers than there are calls, coming at random: all that burst and refill allow is used, to 1 %.
    #[test]
    fn nothing_is_left_unused_while_somebody_waits(seed: u64, mean_ms in 10_i64..300) {
        let mut buckets = Buckets::full(&Limit::TWENTY_BOTH, 100, Instant(0));
        let mut server = Server::new(Limit::TWENTY_BOTH);
        let mut roll = dice(seed);
        let (made, denied, _) = an_hour(&mut buckets, &mut server, || roll(2_000 * mean_ms), || 0);
        let allowed = 100 + HOUR / 600_000;
        prop_assert_eq!(denied, 0);
        prop_assert!(made * 100 >= allowed * 99 && made <= allowed, "{} of {}", made, allowed);
    }

    /// Why the share is 80 % by default: calls that are on their way for up to 150 ms more or less than each other
    /// arrive closer together than they left, and still none is denied.
    #[test]
    fn at_four_fifths_calls_may_take_different_times_on_their_way(seed: u64, mean_ms in 50_i64..1_500) {
        let mut buckets = Buckets::full(&Limit::TWENTY_BOTH, 80, Instant(0));
        let mut server = Server::new(Limit::TWENTY_BOTH);
        let (mut roll, mut late) = (dice(seed), dice(!seed));
        let (_, denied, _) = an_hour(&mut buckets, &mut server, || roll(2_000 * mean_ms), || late(150_000));
        prop_assert_eq!(denied, 0);
    }
}
