//! Our side alone, for a profiler: `peers profile GROUP RECORDS [updates]` writes as many into a ledger that holds as
//! many, new ones or changes of those.

use anyhow::Context;

use crate::bench::{folder, grouped, millis, per_second, timed};
use crate::gifts::{Gifts, groups};
use crate::ours::Ours;

/// Writes in five fifths and says how fast each was.
pub fn run(words: &[String]) -> anyhow::Result<()> {
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<usize>().ok());
    let (group, records) = number(0).zip(number(1)).context("peers profile GROUP RECORDS [updates]")?;
    let at = folder()?;
    let ours = Ours::open(at.path())?;
    let mut gifts = Gifts::new(7);
    ours.write_all(groups(gifts.fresh(records), 1_000))?;
    println!("held: {} records in {} bytes", grouped(records as u64), grouped(ours.bytes()?));
    let updates = words.get(2).is_some_and(|word| word == "updates");
    for _ in 0..5 {
        let some = if updates { gifts.changed(records / 5) } else { gifts.fresh(records / 5) };
        let now = groups(some, group);
        let (commits, count) = (now.len() as u64, now.iter().map(Vec::len).sum());
        let (took, _) = timed(|| ours.write_all(now))?;
        let each = u64::try_from(took.as_micros()).unwrap_or(u64::MAX) / commits;
        println!(
            "{} records a second, {} a commit, {} records",
            grouped(per_second(count, took)),
            millis(each),
            grouped(count as u64)
        );
    }
    ours.close();
    Ok(())
}
