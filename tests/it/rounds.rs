//! Several runs at once: each gets on before any ends, and one that is in trouble holds up nobody else.
//!
//! Keeps out: a batch that waits for another to end, a run that starves while calls are scarce, a pause after a failure
//! that another run cuts short, a gift lost or posted twice when the process dies between two turns.

use std::sync::Arc;

use almoner::ground::id::{BatchId, PersonId, RunId};
use almoner::ground::run::{ProcessRun, RunStatus, Wish};
use almoner::runs::Next;
use almoner::runs::rounds::Rounds;
use almoner::search::{Place, Search};

use crate::world::checks::assert_sound;
use crate::world::{Outside, Process, Settled, block, gbp, reviewer};

const ROWS: usize = 10;

fn settled(outside: &Outside) -> (Process, Vec<PersonId>) {
    let people = outside.people(2);
    let mut process = outside.boot();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    (process, people)
}

/// A run over a batch of ready rows whose amounts begin here.
fn started(process: &Process, donor: PersonId, first: usize) -> (BatchId, RunId) {
    let rows: Vec<_> = (0..ROWS).map(|n| (donor, gbp(&(first + n).to_string()))).collect();
    let (batch, _) = process.ready_batch(&rows);
    (batch, process.process(batch))
}

fn rounds(process: &Process) -> Rounds {
    let search = Search::open(Place::Memory, &process.means.store).unwrap();
    Rounds::new(process.means.clone(), Arc::clone(&search))
}

fn run(process: &Process, run: RunId) -> ProcessRun {
    process.means.store.snapshot().unwrap().ledger().run(run).unwrap().unwrap().value
}

fn processed(process: &Process, runs: &[RunId]) -> Vec<u64> {
    runs.iter().map(|id| run(process, *id).tally.processed).collect()
}

/// A round, and the time it asks for.
fn turn(outside: &Outside, rounds: &mut Rounds) -> Next {
    let next = block(rounds.round());
    if let Next::Wait(until) = next {
        outside.advance_ms(until.micros_since(outside.now()).max(0) / 1_000 + 1);
    }
    next
}

#[test]
fn two_runs_both_get_on_before_either_ends() {
    let mut outside = Outside::new(111);
    outside.create_max = 2;
    let (process, people) = settled(&outside);
    let runs: Vec<RunId> = (0..2).map(|n| started(&process, people[n], 10 + 20 * n).1).collect();
    let mut rounds = rounds(&process);
    let mut both_under_way = 0;
    while turn(&outside, &mut rounds) != Next::Idle {
        let at = processed(&process, &runs);
        assert!(at[0].abs_diff(at[1]) <= 2, "one call apart at most: {at:?}");
        both_under_way += u32::from(at.iter().all(|count| (1..ROWS as u64).contains(count)));
    }
    assert!(both_under_way >= 4, "they went side by side: {both_under_way}");
    for id in &runs {
        assert_eq!(run(&process, *id).status, RunStatus::Completed);
    }
    assert_eq!(outside.twenty.records("gifts").len(), 2 * ROWS);
    assert_sound(&outside, &process);
}

#[test]
fn scarce_calls_go_round() {
    let mut outside = Outside::new(112).throttled().share(2);
    outside.create_max = 1;
    let (process, people) = settled(&outside);
    let runs: Vec<RunId> = (0..3).map(|n| started(&process, people[n % 2], 10 + 20 * n).1).collect();
    let (mut rounds, mut waits) = (rounds(&process), 0);
    loop {
        let next = turn(&outside, &mut rounds);
        let at = processed(&process, &runs);
        let (least, most) = (at.iter().min().unwrap(), at.iter().max().unwrap());
        assert!(most - least <= 1, "nobody is left behind: {at:?}");
        waits += u32::from(matches!(next, Next::Wait(_)));
        if next == Next::Idle {
            break;
        }
    }
    assert!(waits > 10, "calls were scarce: {waits}");
    assert_eq!(outside.twenty.records("gifts").len(), 3 * ROWS);
}

#[test]
fn one_in_trouble_keeps_its_pause_and_holds_up_nobody() {
    let mut outside = Outside::new(113);
    outside.create_max = 2;
    let (process, people) = settled(&outside);
    let (_, troubled) = started(&process, people[0], 10);
    let (_, fine) = started(&process, people[1], 40);
    process.poison(&people[0].to_string());
    outside.twenty.clear_log();
    let mut rounds = rounds(&process);
    while run(&process, fine).status.is_active() {
        assert_ne!(block(rounds.round()), Next::Idle);
        outside.advance_ms(10);
    }
    assert_eq!(processed(&process, &[troubled, fine]), [0, ROWS as u64]);
    let calls = run(&process, troubled).execution;
    assert!(calls.calls + calls.probes <= 1, "it was not hammered: {calls:?}");
    // What somebody asks of it does not wait for the pause.
    block(process.desk.steer_run(&reviewer(), troubled, Wish::Cancel)).expect("steered");
    rounds.asked();
    assert_eq!(block(rounds.round()), Next::Again);
}

#[test]
fn they_survive_a_death_between_any_two_turns() {
    for moment in 1..=10 {
        let mut outside = Outside::new(114);
        outside.create_max = 3;
        let (mut process, people) = settled(&outside);
        let runs: Vec<RunId> = (0..2).map(|n| started(&process, people[n], 10 + 20 * n).1).collect();
        process.light_fuse(moment);
        let mut dying = rounds(&process);
        for _ in 0..200 {
            if process.is_dead() || turn(&outside, &mut dying) == Next::Idle {
                break;
            }
        }
        drop(dying);
        process = outside.crash(process);
        let at = processed(&process, &runs);
        assert!(at[0].abs_diff(at[1]) <= 6, "moment {moment}: {at:?}");
        let mut again = rounds(&process);
        while turn(&outside, &mut again) != Next::Idle {}
        assert_eq!(processed(&process, &runs), [ROWS as u64; 2], "moment {moment}");
        assert_eq!(outside.twenty.records("gifts").len(), 2 * ROWS, "moment {moment}");
        assert_sound(&outside, &process);
    }
}
