//! Whole months of 100 companies in virtual time: never more than the allowance, and never later than promised.

use proptest::prelude::*;

use super::*;
use crate::ground::books::meter::{Allowance, Meter, Month};
use crate::ground::budget::CallClass;

const MINUTE: i64 = 60_000;
const COMPANIES: usize = 100;

/// What a month came to.
struct Came {
    used: u32,
    controls: u32,
    comparisons: u32,
    looks_refused: u32,
    people_refused: u32,
    /// The longest time between two looks, by whether webhooks are proven.
    longest: [i64; 2],
}

/// One thing that happens besides: a company, a minute, whether a person asks, a total differs, or a webhook tells.
#[derive(Clone, Copy, Debug)]
enum Besides {
    Person(u32),
    Differs,
    Told,
}

struct Run {
    meter: Meter,
    companies: Vec<(RealmId, Standing)>,
    came: Came,
    allowance: Allowance,
}

impl Run {
    /// Makes calls if the month has them.
    fn pay(&mut self, company: usize, calls: u32, class: CallClass, now: Instant) -> bool {
        let realm = &self.companies[company].0;
        let Ok(mut block) = self.meter.reserve(realm, calls, class, self.allowance, now) else {
            return false;
        };
        let paid = block.take(calls);
        self.meter.settle(block);
        paid
    }

    fn look(&mut self, company: usize, now: Instant) {
        if !self.pay(company, 1, CallClass::Incremental, now) {
            self.came.looks_refused += 1;
            return;
        }
        let standing = &mut self.companies[company].1;
        if let Some(before) = standing.looked_at {
            let longest = &mut self.came.longest[usize::from(standing.proven)];
            *longest = (*longest).max(now.micros_since(before) / 1_000);
        }
        (standing.looked_at, standing.told) = (Some(now), false);
    }

    fn step(&mut self, company: usize, intervals: Option<Intervals>, now: Instant) {
        while let Some(due) = due(&self.companies[company].1, intervals, now) {
            let ids_calls = self.companies[company].1.ids_calls;
            match due {
                Due::Look => {
                    let before = self.companies[company].1.looked_at;
                    self.look(company, now);
                    if self.companies[company].1.looked_at == before {
                        return;
                    }
                }
                Due::Control => {
                    self.came.controls +=
                        u32::from(self.pay(company, CONTROL_CALLS, CallClass::Incremental, now));
                    self.companies[company].1.controlled_at = Some(now);
                }
                Due::Ids => {
                    self.came.comparisons +=
                        u32::from(self.pay(company, ids_calls, CallClass::Incremental, now));
                    let standing = &mut self.companies[company].1;
                    (standing.compared_at, standing.differs) = (Some(now), false);
                }
            }
        }
    }
}

fn month(start: &str, proven: usize, besides: &[(u32, usize, Besides)]) -> Came {
    let begins = Month::of(start.parse().unwrap()).begins();
    let ends = Month::of(begins).ends();
    let companies = (0..COMPANIES).map(|company| {
        let realm: RealmId = format!("93414{company:03}").parse().unwrap();
        // The month before, each was looked at, controlled and compared at a time of its own.
        let ago = |ms: i64| Some(begins.plus_millis(-(ms * phase(&realm) / 1_000) / MINUTE * MINUTE));
        let standing = Standing {
            looked_at: ago(LOOK_MS),
            controlled_at: ago(CONTROL_MS),
            compared_at: ago(IDS_MS),
            proven: company < proven,
            ids_calls: 14,
            ..Standing::default()
        };
        (realm, standing)
    });
    let came =
        Came { used: 0, controls: 0, comparisons: 0, looks_refused: 0, people_refused: 0, longest: [0; 2] };
    let (meter, allowance) = (Meter::new(begins), Allowance::DEFAULT);
    let mut run = Run { meter, companies: companies.collect(), came, allowance };
    let mut besides: Vec<_> = besides.to_vec();
    besides.sort_by_key(|(minute, ..)| std::cmp::Reverse(*minute));
    let (mut now, mut between) = (begins, None);
    while now < ends {
        let minute = u32::try_from(now.micros_since(begins) / 1_000 / MINUTE).unwrap();
        while let Some((_, company, what)) = besides.pop_if(|(at, ..)| *at <= minute) {
            match what {
                Besides::Person(calls) => {
                    let paid = run.pay(company, calls, CallClass::Person, now);
                    run.came.people_refused += u32::from(!paid);
                }
                Besides::Differs => run.companies[company].1.differs = true,
                Besides::Told => run.companies[company].1.told = true,
            }
        }
        if minute.is_multiple_of(5) {
            let left = run.meter.left(CallClass::Incremental, allowance);
            let demand = Demand::of(run.companies.iter().map(|(_, standing)| standing));
            between = intervals(demand, left, ends.micros_since(now) / 1_000);
        }
        for company in 0..COMPANIES {
            // Most companies have nothing due in a minute: a look by the shortest time there is, the rest each quarter.
            let standing = &run.companies[company].1;
            let waited = standing.looked_at.map_or(i64::MAX, |at| now.micros_since(at));
            if standing.told || waited >= LOOK_MS * 1_000 || minute.is_multiple_of(15) {
                run.step(company, between, now);
            }
        }
        now = now.plus_millis(MINUTE);
    }
    Came { used: run.meter.used(), ..run.came }
}

fn besides() -> impl Strategy<Value = Vec<(u32, usize, Besides)>> {
    let what = prop_oneof![
        (1_u32..60).prop_map(Besides::Person),
        Just(Besides::Differs),
        Just(Besides::Told),
        Just(Besides::Told),
    ];
    prop::collection::vec((0_u32..44_000, 0_usize..COMPANIES, what), 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 8, ..ProptestConfig::default() })]

    #[test]
    fn the_month_is_never_overdrawn_and_a_fifth_of_proven_webhooks_keeps_the_15_minutes(
        proven in 0_usize..=COMPANIES,
        besides in besides(),
        start in prop::sample::select(vec!["2026-02-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z"]),
    ) {
        let came = month(start, proven, &besides);
        prop_assert!(came.used <= 300_000, "{}", came.used);
        prop_assert_eq!((came.looks_refused, came.people_refused), (0, 0));
        // Every company is controlled each day and compared each week, each a few minutes later than the last time.
        let days = if start.contains("-02-") { 28 } else { 30 };
        let (controls, comparisons) = (came.controls, came.comparisons);
        prop_assert!(controls >= 100 * (days - 1) && comparisons >= 400 - 4, "{} {}", controls, comparisons);
        let minutes = came.longest.map(|longest| longest / MINUTE);
        if proven >= 20 {
            prop_assert!(minutes[0] <= 15 && minutes[1] <= 30, "{:?} with {} proven", minutes, proven);
        } else {
            prop_assert!(minutes[0] <= 17 && minutes[1] <= 34, "{:?} with {} proven", minutes, proven);
        }
    }
}

#[test]
fn a_month_of_31_days_without_webhooks_is_stretched_by_what_it_lacks_and_no_more() {
    let came = month("2026-05-01T00:00:00Z", 0, &[]);
    assert!(came.used <= 300_000 && came.used > 280_000, "{}", came.used);
    assert!((16..=17).contains(&(came.longest[0] / MINUTE)), "{:?}", came.longest);
    let came = month("2026-05-01T00:00:00Z", 20, &[]);
    assert_eq!(came.longest.map(|longest| longest / MINUTE), [15, 30]);
    println!("31 days, 20 of 100 proven: {} calls", came.used);
}

#[test]
fn when_nothing_is_left_only_a_webhook_makes_us_look() {
    let demand = Demand { plain: 100, proven: 0, control_calls: 400, ids_calls: 1_400 };
    assert_eq!(intervals(demand, 500, 86_400_000), None);
    let now = Instant(0).plus_millis(10 * CONTROL_MS);
    let company = Standing { looked_at: Some(Instant(0)), ..Standing::default() };
    assert_eq!(due(&company, None, now), None);
    assert_eq!(due(&Standing { told: true, ..company }, None, now), Some(Due::Look));
}

#[test]
fn webhooks_are_proven_by_a_week_without_a_miss() {
    let day = |days: i64| Instant(0).plus_millis(days * CONTROL_MS);
    let mut hooks = Hooks::default();
    assert!(!hooks.are_proven(day(9)), "nothing was told");
    for n in 0..20 {
        hooks.told(day(n / 3));
    }
    assert!(!hooks.are_proven(day(6)) && hooks.are_proven(day(7)) && hooks.are_proven(day(13)));
    assert!(!hooks.are_proven(day(14)), "the last one is too long ago");
    hooks.missed();
    assert!(!hooks.are_proven(day(7)));
}
