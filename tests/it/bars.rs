//! The figures that the mirror promises, in virtual time: how fast it fills at Twenty's limit, how old it gets with and
//! without webhooks, and what a cycle costs in which nothing happened. Each prints what it measured.
//!
//! Small by default, so that it is quick; `make bars` runs them at the promised sizes.

use std::collections::BTreeMap;

use almoner::ground::id::{ConnectionId, Object, SubjectKey};
use almoner::ground::mirror::MirrorState;
use almoner::ground::time::Instant;
use almoner::sim::scenario::Size;
use serde_json::json;
use uuid::Uuid;

use crate::world::checks::assert_mirror_equals;
use crate::world::{Outside, Process, SYNC_EVERY_MS, Settled};

/// The promised size, or a tenth of it and less in everyday tests.
fn size(promised: usize) -> usize {
    if option_env!("ALMONER_BARS").is_some() { promised } else { promised / 25 }
}

fn charity(seed: u64, people: usize, gifts: usize) -> Outside {
    Outside::with_charity(seed, Size { people, gifts }).throttled().share(100)
}

fn state(process: &Process, object: Object) -> MirrorState {
    let snapshot = process.means.store.snapshot().unwrap();
    snapshot.ledger().mirror_state(ConnectionId::TWENTY, object).unwrap()
}

/// Milliseconds that so many calls take at least: a burst of 100, then one each 600 ms.
fn least_ms(calls: usize) -> i64 {
    i64::try_from(calls.saturating_sub(100)).unwrap() * 600
}

fn millis(from: Instant, to: Instant) -> i64 {
    to.micros_since(from) / 1_000
}

/// Steps until the object was read through.
fn until_read(outside: &Outside, process: &mut Process, object: Object) {
    while state(process, object).complete_as_of.is_none() {
        let _ = outside.once(process);
    }
}

#[test]
fn a_first_walk_uses_what_the_limit_allows() {
    let people = size(50_000);
    let outside = charity(1, people, 0);
    let mut process = outside.boot();
    let began = outside.now();
    until_read(&outside, &mut process, Object::People);
    let took = millis(began, outside.now());
    let pages = people.div_ceil(200);
    let refused = outside.twenty.request_log().iter().filter(|call| call.status == Some(429)).count();
    println!(
        "{people} records: {pages} pages in {took} ms; the limit allows it in {} ms; {refused} answers 429",
        least_ms(pages)
    );
    assert_eq!(refused, 0);
    // 95 %, with a second for what is not a page.
    assert!(took <= least_ms(pages) * 100 / 95 + 1_000, "{took}");
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    assert_mirror_equals(&outside, &process);
}

#[test]
fn a_first_walk_that_is_killed_ten_times_ends_equal() {
    let mut outside = charity(2, size(50_000), 0);
    let mut process = outside.boot();
    for _ in 0..10 {
        let moments = 1 + outside.roll(2 * size(50_000) as u64 / 2_000 + 4);
        process.light_fuse(moments);
        if outside.settle(&mut process) == Settled::Died {
            process = outside.crash(process);
        }
    }
    process.put_out_fuse();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    assert_mirror_equals(&outside, &process);
    assert_eq!(state(&process, Object::People).proof.unwrap().not_proven, None);
}

#[test]
fn a_cycle_over_many_records_in_which_nothing_happened() {
    let outside = charity(3, size(50_000), size(50_000));
    let mut process = outside.boot();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let mut worst = 0;
    for _ in 0..2 {
        outside.advance_ms(SYNC_EVERY_MS + 1_000);
        outside.twenty.clear_log();
        let (entries, syncs) = (last_entry(&process), outside.disk.syncs());
        assert_eq!(outside.settle(&mut process), Settled::Quiet);
        worst = worst.max(outside.twenty.request_log().len());
        assert_eq!(last_entry(&process), entries, "a journal entry");
        assert!(outside.disk.syncs() - syncs <= 2, "more than one commit");
    }
    println!(
        "{} records, nothing changed: {worst} calls at most, metadata and version included",
        2 * size(50_000)
    );
    assert!(worst <= 30, "{worst} calls");
}

fn last_entry(process: &Process) -> u64 {
    process.means.store.snapshot().unwrap().ledger().last_seq().unwrap().0
}

/// Changes by others, one each few seconds, and how long each took to arrive here.
struct Watch {
    open: BTreeMap<Uuid, (String, Instant)>,
    took: Vec<i64>,
}

impl Watch {
    fn look(&mut self, outside: &Outside, process: &Process) {
        let snapshot = process.means.store.snapshot().unwrap();
        let ledger = snapshot.ledger();
        let now = outside.now();
        let took = &mut self.took;
        self.open.retain(|id, (mark, since)| {
            let record = ledger.record_of(&SubjectKey::twenty(Object::People, *id)).unwrap().unwrap();
            let arrived = record.value.contains(mark.as_str());
            if arrived {
                took.push(millis(*since, now));
            }
            !arrived
        });
    }

    /// How many of a thousand changes were here within so many milliseconds.
    fn per_mille_within(&self, limit_ms: i64) -> usize {
        let all = self.took.len() + self.open.len();
        self.took.iter().filter(|took| **took <= limit_ms).count() * 1_000 / all
    }
}

/// An hour in which others change a record each `every_s` seconds; answers what arrived when, and the record calls made.
fn an_hour(outside: &mut Outside, process: &mut Process, every_s: i64) -> (Watch, usize) {
    let people: Vec<Uuid> =
        outside.twenty.records("people").iter().map(|p| p["id"].as_str().unwrap().parse().unwrap()).collect();
    outside.twenty.clear_log();
    let mut watch = Watch { open: BTreeMap::new(), took: Vec::new() };
    for second in 0..3_600_i64 {
        // The last quarter of an hour only lets arrive what happened before.
        if second % every_s == 0 && second < 2_700 {
            let who = people[usize::try_from(outside.roll(people.len() as u64)).unwrap()];
            let mark = format!("changed {second}");
            outside.twenty.edit("people", who, &json!({ "jobTitle": mark }));
            watch.open.insert(who, (mark, outside.now()));
        }
        outside.deliver(process);
        outside.for_a_second(process);
        watch.look(outside, process);
    }
    let calls = outside
        .twenty
        .request_log()
        .iter()
        .filter(|call| !call.path.contains("metadata") && call.path != "/client-config")
        .count();
    (watch, calls)
}

#[test]
fn with_webhooks_changes_are_here_within_ten_seconds() {
    let mut outside = Outside::with_charity(4, Size { people: size(50_000), gifts: 0 }).throttled().hooked();
    let mut process = outside.boot();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let (watch, calls) = an_hour(&mut outside, &mut process, 3);
    let share = watch.per_mille_within(10_000);
    println!(
        "with webhooks: {share} of 1,000 ({} changes) within 10 s, {calls} calls in an hour",
        watch.took.len()
    );
    assert!(share >= 990, "{share}");
}

#[test]
fn without_webhooks_changes_are_here_within_a_quarter_of_an_hour() {
    let mut outside = Outside::with_charity(5, Size { people: size(50_000), gifts: 0 }).throttled();
    let mut process = outside.boot();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let (watch, calls) = an_hour(&mut outside, &mut process, 3);
    let share = watch.per_mille_within(15 * 60_000);
    // An hour of the whole limit is 6,000 calls.
    println!(
        "without webhooks: {share} of 1,000 ({} changes) within 15 min, {calls} of 6,000 calls in an hour",
        watch.took.len()
    );
    assert!(share >= 950, "{share}");
    assert!(calls <= 1_200, "{calls}");
}
