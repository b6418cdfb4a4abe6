//! What posting a large batch costs in calls and in time, with all that Twenty allows and not a call more.
//!
//! Keeps out: calls for single rows, answers 429 of our own making, and time that is wasted while calls are at hand.

use almoner::ground::budget::{Limit, Reason, Standing};
use almoner::ground::id::{BatchId, Object, StagedId, local_id};
use almoner::ground::run::{CHUNK_MAX, RunStatus};
use almoner::rails::Trouble;
use almoner::runs::Next;
use almoner::sim::faults::{Fault, Plan};
use almoner::sim::twenty::{KeyState, LoggedRequest, RateLimit, Version};
use almoner::store::Changes;

use crate::world::checks::{assert_mirror_equals, assert_sound};
use crate::world::{Outside, Process, Settled, block, gbp, reviewer};

/// Rows stored in one commit.
const COMMIT: usize = 500;

/// How many rows: few enough to be quick, or all of them for the soak.
fn rows(quick: usize) -> usize {
    option_env!("ALMONER_LIVES").map_or(quick, |_| 10_000)
}

/// A process with a quiet mirror, and a batch of so many ready rows with a known donor, stored as the desk would have,
/// in fewer commits.
fn prepared(outside: &Outside, count: usize) -> (Process, BatchId) {
    let people = outside.people(1);
    let mut process = outside.boot();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let (batch, first) = process.ready_batch(&[(people[0], gbp("5"))]);
    let like = process.row(first[0]);
    for from in (1..count).step_by(COMMIT) {
        let like = like.clone();
        let written = block(process.means.store.write::<_, (), _>(move |view| {
            let mut changes = Changes::new(reviewer().cause("test"));
            for _ in from..count.min(from + COMMIT) {
                let origin = view.world.origin();
                let id = StagedId(local_id(Object::GiftStaging, origin));
                changes.create(Object::GiftStaging, id.0, &{
                    let mut row = like.clone();
                    (row.id, row.origin) = (id, origin);
                    row
                })?;
            }
            Ok((changes, ()))
        }));
        written.expect("stored");
    }
    (process, batch)
}

/// What a run of so many calls may take at the least, in milliseconds: a burst, then one each 600 ms.
fn least_ms(calls: usize) -> i64 {
    let after_burst = i64::try_from(calls).unwrap() - i64::from(Limit::TWENTY.calls);
    after_burst.max(0) * 600
}

fn limited(log: &[LoggedRequest]) -> usize {
    log.iter().filter(|call| call.status == Some(429)).count()
}

#[expect(clippy::print_stdout, reason = "the figures are what this test is for")]
fn print(line: &str) {
    println!("{line}");
}

/// Posts `rows` rows with calls of `create_max`, and holds the bars.
fn posts_within_the_bars(rows: usize, create_max: usize) {
    let mut outside = Outside::new(41).throttled();
    (outside.share_percent, outside.create_max) = (100, create_max);
    let (mut process, batch) = prepared(&outside, rows);
    // What came before is forgotten on both sides.
    outside.advance_ms(130_000);
    outside.twenty.clear_log();
    let began = outside.now();
    let run = process.process(batch);
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let run = process.means.store.snapshot().unwrap().ledger().run(run).unwrap().unwrap().value;
    assert_eq!((run.status, run.tally.processed), (RunStatus::Completed, rows as u64));
    let took_ms = run.finished_at.unwrap().micros_since(began) / 1_000;
    let log = outside.twenty.request_log();
    let creates = log.iter().filter(|call| call.path == "/rest/batch/gifts").count();
    let others = log.iter().filter(|call| !call.path.starts_with("/rest/batch/")).count();
    let limited = limited(&log);
    let least = least_ms(creates);
    print(&format!(
        "{rows} rows, {create_max} a call: {creates} creates, {others} other calls, {limited} answers 429, \
         {took_ms} ms of virtual time ({least} ms at the least)"
    ));
    assert_eq!((creates, others, limited), (rows.div_ceil(create_max), 0, 0));
    assert!(took_ms >= least && took_ms * 10 <= least * 11, "{took_ms} ms instead of {least} ms");
    let view = process.means.gate.view();
    assert_eq!(view.calls_last_hour.person as usize, creates);
    assert_eq!(outside.twenty.records("gifts").len(), rows);
    if create_max == CHUNK_MAX {
        // Reads everything there is: once is enough.
        assert_sound(&outside, &process);
    }
}

#[test]
fn ten_thousand_gifts_cost_167_calls_and_no_more_time_than_they_must() {
    posts_within_the_bars(rows(10_000), 60);
}

#[test]
fn calls_of_200_cost_three_times_fewer_calls() {
    posts_within_the_bars(rows(2_000), CHUNK_MAX);
}

/// Lets everything work for so long, whether it comes to rest or not.
fn work_for(outside: &Outside, process: &mut Process, millis: i64) {
    let end = outside.now().plus_millis(millis);
    while outside.now() < end {
        if let Next::Wait(until) = process.step() {
            let wait_ms = until.min(end).micros_since(outside.now()) / 1_000;
            outside.advance_ms(wait_ms.max(0) + 1);
        }
    }
}

#[test]
fn a_limit_that_is_lower_than_assumed_is_learned_from_the_first_refusal() {
    for version in [Version::Recorded, Version::Newer] {
        let mut outside = Outside::new(42);
        outside.create_max = 1;
        let (mut process, batch) = prepared(&outside, 60);
        outside.twenty.set_version(version);
        outside.twenty.set_rate_limit(Some(RateLimit { long_limit: 30, ..RateLimit::default() }));
        outside.advance_ms(130_000);
        outside.twenty.clear_log();
        let run = process.process(batch);
        assert_eq!(outside.settle(&mut process), Settled::Quiet);
        assert_eq!(limited(&outside.twenty.request_log()), 1, "{version:?}");
        let run = process.means.store.snapshot().unwrap().ledger().run(run).unwrap().unwrap().value;
        assert_eq!((run.execution.splits, run.tally.processed), (0, 60));
        let view = process.means.gate.view();
        assert_eq!((view.limit, view.per_minute), (Limit { calls: 30, period_ms: 60_000 }, 24));
        assert_sound(&outside, &process);
    }
}

#[test]
fn a_server_that_is_down_is_tried_rarely_and_work_goes_on_when_it_is_back() {
    let outside = Outside::new(43);
    let (mut process, batch) = prepared(&outside, 5);
    outside.twenty.set_faults(Plan::none().every(1, Fault::GatewayBefore(502)));
    outside.twenty.clear_log();
    process.process(batch);
    work_for(&outside, &mut process, 2 * 3_600_000);
    let calls = outside.twenty.request_log().len();
    // Five to notice; then after 30 s, 1, 2, 4, 8, and every 10 minutes.
    assert!((15..=20).contains(&calls), "{calls} calls in two hours");
    let view = process.means.gate.view();
    assert_eq!(
        (view.breaker_reason, view.said.as_deref()),
        (Some(Reason::NoAnswer), Some("Twenty answered 502"))
    );
    outside.twenty.set_faults(Plan::none());
    work_for(&outside, &mut process, 11 * 60_000);
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    assert_eq!(
        (outside.twenty.records("gifts").len(), process.means.gate.view().breaker),
        (5, Standing::Closed)
    );
    assert_sound(&outside, &process);
}

#[test]
fn a_revoked_key_is_shown_once_in_five_minutes() {
    let outside = Outside::new(44);
    let (mut process, batch) = prepared(&outside, 5);
    outside.twenty.set_key_state(KeyState::Revoked);
    outside.twenty.clear_log();
    process.process(batch);
    work_for(&outside, &mut process, 14 * 60_000);
    let calls = outside.twenty.request_log().len();
    assert!((1..=3).contains(&calls), "{calls} calls in fourteen minutes");
    assert_eq!(process.means.gate.view().breaker_reason, Some(Reason::Denied));
    outside.twenty.set_key_state(KeyState::Live);
    work_for(&outside, &mut process, 6 * 60_000);
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    assert_eq!(outside.twenty.records("gifts").len(), 5);
}

#[test]
fn money_on_its_way_goes_before_a_pass_that_began_earlier() {
    let outside = Outside::new(45);
    let (mut process, batch) = prepared(&outside, 3);
    // Three pages of changes wait in Twenty, and the budget is used up when both want to call.
    outside.people(450);
    process.sync_now();
    let used_up = Trouble::Later { after_ms: Some(1_000), said: String::new(), limit: true };
    process.means.gate.learn(&used_up);
    process.step();
    process.process(batch);
    outside.twenty.clear_log();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let log = outside.twenty.request_log();
    let counted: Vec<&str> =
        log.iter().map(|call| call.path.as_str()).filter(|path| !path.contains("/metadata/")).collect();
    assert_eq!(counted[0], "/rest/batch/gifts", "{counted:?}");
    assert!(counted.iter().filter(|path| **path == "/rest/people").count() >= 3, "{counted:?}");
    assert_sound(&outside, &process);
    assert_mirror_equals(&outside, &process);
}
