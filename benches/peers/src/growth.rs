//! How much the file grows under a slow export of everything while records change.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::bench::{
    Plan, blocks_on_disk, folder, grouped, median, megabytes, pause, per_second, ratio, rounds, table,
};
use crate::gifts::{Gifts, groups};
use crate::ours::{Ours, export_chunk, ledger_file};

/// Entries of one chunk: one snapshot, copied and dropped.
const CHUNK: u64 = 500;
const PAUSE_MS: u64 = 5;
/// Records per transaction while the export runs.
const GROUP: usize = 100;

#[derive(Clone, Copy, Debug)]
struct Outcome {
    before: u64,
    after: u64,
    /// Blocks of it that were ever written: finer than its length, which doubles.
    taken: u64,
    exported: u64,
    speed: u64,
}

/// The part.
pub fn run(plan: Plan) -> anyhow::Result<()> {
    let records = plan.size(100_000);
    let outcomes = rounds(2, |who| one(records, who == 1))?;
    let of = |who: usize, figure: fn(&Outcome) -> u64| median(outcomes[who].iter().map(figure).collect());
    let row = |who: usize, what: &str| {
        let (before, after) = (of(who, |o| o.before), of(who, |o| o.after));
        vec![
            what.to_owned(),
            megabytes(before),
            megabytes(after),
            megabytes(after - before),
            megabytes(of(who, |o| o.taken)),
            grouped(of(who, |o| o.exported)),
            grouped(of(who, |o| o.speed)),
        ]
    };
    let what = format!("{n} updates of {n} records", n = grouped(records as u64));
    let head = [
        &what,
        "file before",
        "file after",
        "growth",
        "blocks taken",
        "entries exported",
        "records a second",
    ];
    table(&head, &[row(0, "without a reader"), row(1, "with a slow export of everything")]);
    let grown = |who: usize| of(who, |o| o.after - o.before);
    println!(
        "with the export to without: file {}, growth {}, blocks {}",
        ratio(of(1, |o| o.after), of(0, |o| o.after)),
        ratio(grown(1), grown(0)),
        ratio(of(1, |o| o.taken), of(0, |o| o.taken)),
    );
    Ok(())
}

fn one(records: usize, export: bool) -> anyhow::Result<Outcome> {
    let at = folder()?;
    let ours = Ours::open(at.path())?;
    let mut gifts = Gifts::new(6);
    ours.write_all(groups(gifts.fresh(records), 1_000))?;
    let before = ours.bytes()?;
    let changed = groups(gifts.changed(records), GROUP);
    let (done, exported) = (AtomicBool::new(false), AtomicU64::new(0));
    let (took, read) = std::thread::scope(|scope| {
        let reader = export.then(|| {
            let (done, exported, store) = (&done, &exported, &ours.store);
            scope.spawn(move || {
                let mut next = 1;
                while !done.load(Ordering::SeqCst) {
                    let more = export_chunk(store, next, CHUNK)? > 0;
                    exported.fetch_add(if more { CHUNK } else { 0 }, Ordering::SeqCst);
                    next = if more { next + CHUNK } else { 1 };
                    pause(PAUSE_MS);
                }
                Ok::<_, anyhow::Error>(())
            })
        });
        let took = ours.write_all(changed);
        done.store(true, Ordering::SeqCst);
        (took, reader.map(|reader| reader.join().expect("the reader does not panic")))
    });
    read.transpose()?;
    let (after, taken) = (ours.bytes()?, blocks_on_disk(&ledger_file(at.path()))?);
    ours.close();
    Ok(Outcome {
        before,
        after,
        taken,
        exported: exported.load(Ordering::SeqCst),
        speed: per_second(records, took?),
    })
}
