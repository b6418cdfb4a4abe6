//! Group commit: sixty-four writers of one record beside one; and one beside a bare redb commit of the same bytes.

use std::time::Duration;

use crate::bare::{Bare, Shape};
use crate::bench::{Plan, folder, grouped, median, micros, millis, per_second, ratio, rounds, table, timed};
use crate::gifts::{Gifts, groups};
use crate::ours::Ours;
use crate::writers::with_tasks;

const MANY: usize = 64;
/// Records that every store already holds.
const HELD: usize = 20_000;

/// The part.
pub fn run(plan: Plan) -> anyhow::Result<()> {
    together(plan)?;
    beside_bare(plan)
}

fn together(plan: Plan) -> anyhow::Result<()> {
    let (held, turns) = (plan.size(HELD), plan.size(400));
    let outcomes = rounds(2, |who| {
        let writers = if who == 0 { MANY } else { 1 };
        // The one alone takes longer for each, so a third of the records is enough.
        let turns = if who == 0 { turns } else { turns * 4 };
        let took = writing(held, writers, turns)?;
        Ok(per_second(writers * turns, took))
    })?;
    let [many, alone] = [0, 1].map(|who| median(outcomes[who].clone()));
    let rows = [
        vec!["one writer alone".into(), grouped(alone), "1".into()],
        vec![format!("{MANY} at a time"), grouped(many), ratio(many, alone)],
    ];
    table(&["one record per write", "records a second", "ratio to alone"], &rows);
    Ok(())
}

fn writing(held: usize, writers: usize, turns: usize) -> anyhow::Result<Duration> {
    let at = folder()?;
    let ours = Ours::open(at.path())?;
    let mut gifts = Gifts::new(64);
    ours.write_all(groups(gifts.fresh(held), 1_000))?;
    let shares = (0..writers).map(|_| groups(gifts.fresh(turns), 1)).collect();
    let took = with_tasks(&ours, shares)?;
    ours.close();
    Ok(took)
}

/// One commit of each in turn, so that the disk treats all alike.
fn beside_bare(plan: Plan) -> anyhow::Result<()> {
    let (held, commits) = (plan.size(HELD), plan.size(600));
    let mut rounds: [Vec<u64>; 3] = Default::default();
    for _ in 0..crate::bench::ROUNDS {
        let at = folder()?;
        let ours = Ours::open(at.path())?;
        let mut gifts = Gifts::new(1);
        ours.write_all(groups(gifts.fresh(held), 1_000))?;
        let mut one = Bare::open(at.path(), Shape::OneInsert, held)?;
        let mut nine = Bare::open(at.path(), Shape::AsOurs, held)?;
        let mut took: [Vec<u64>; 3] = Default::default();
        for group in groups(gifts.fresh(commits), 1) {
            took[0].push(micros(timed(|| ours.write(group))?.0));
            took[1].push(micros(timed(|| one.commit(1))?.0));
            took[2].push(micros(timed(|| nine.commit(1))?.0));
        }
        for (round, took) in rounds.iter_mut().zip(took) {
            round.push(median(took));
        }
        ours.close();
    }
    let [ours, one, nine] = rounds.map(median);
    let rows = [
        vec!["Almoner, one writer alone".into(), millis(ours), "1".into()],
        vec!["bare redb, the same bytes in one insert".into(), millis(one), ratio(ours, one)],
        vec![
            "bare redb, the same bytes in as many inserts and tables".into(),
            millis(nine),
            ratio(ours, nine),
        ],
    ];
    table(&["one commit of one record", "median", "ours to it"], &rows);
    Ok(())
}
