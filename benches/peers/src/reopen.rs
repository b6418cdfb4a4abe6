//! Opening after `kill -9` in the middle of writing; and whether everything acknowledged is there.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use almoner::store::{Drive, Place, Store};
use almoner::sys;
use anyhow::Context;
use uuid::Uuid;

use crate::bench::{Plan, folder, grouped, median, micros, millis, pause, table, timed};
use crate::gifts::{Gifts, groups};
use crate::ours::{Ours, knows, ledger_file};

/// The argument that makes this binary the process that is killed.
pub const HIDDEN: &str = "write-until-killed";
const KILLS: u64 = 5;
const GROUP: usize = 60;

/// The part.
pub fn run(plan: Plan) -> anyhow::Result<()> {
    let records = plan.size(200_000);
    let at = folder()?;
    let ours = Ours::open(at.path())?;
    ours.write_all(groups(Gifts::new(9).fresh(records), 1_000))?;
    ours.close();
    let (mut opened, mut acknowledged) = (Vec::new(), 0);
    for kill in 0..KILLS {
        let acks = killed(at.path(), kill)?;
        let place = Place::File(ledger_file(at.path()));
        let (took, store) = timed(|| Ok(Store::open(place, sys::world(), Drive::Thread)?))?;
        opened.push(micros(took));
        for (seq, id) in &acks {
            let (last, found) = knows(&store, *id)?;
            anyhow::ensure!(
                last >= *seq && found,
                "entry {seq} was acknowledged and is gone (the last is {last})"
            );
        }
        acknowledged += acks.len();
        store.close();
    }
    let worst = opened.iter().copied().max().unwrap_or(0);
    let row = vec![
        grouped(records as u64),
        millis(median(opened)),
        millis(worst),
        format!("{acknowledged} of {acknowledged}"),
    ];
    let found = "acknowledged commits found";
    table(&["records", &format!("median of {KILLS} openings after kill -9"), "worst", found], &[row]);
    Ok(())
}

/// Starts a writer on this folder, kills it in the middle, and answers what it acknowledged.
fn killed(folder: &Path, kill: u64) -> anyhow::Result<Vec<(u64, Uuid)>> {
    let mut child =
        Command::new(std::env::current_exe()?).arg(HIDDEN).arg(folder).stdout(Stdio::piped()).spawn()?;
    let mut out = BufReader::new(child.stdout.take().context("piped")?);
    let mut first = String::new();
    out.read_line(&mut first)?;
    pause(300 + kill * 37);
    child.kill()?;
    child.wait()?;
    let mut acks = vec![acknowledged(&first).context("it began to write")?];
    acks.extend(out.lines().map_while(Result::ok).filter_map(|line| acknowledged(&line)));
    Ok(acks)
}

/// A whole line; the last one may be torn.
fn acknowledged(line: &str) -> Option<(u64, Uuid)> {
    let (seq, rest) = line.trim_end().strip_suffix(" kept")?.split_once(' ')?;
    Some((seq.parse().ok()?, rest.parse().ok()?))
}

/// Writes and says so after every commit, without end.
pub fn write_until_killed(folder: &Path) -> anyhow::Result<()> {
    let ours = Ours::open(folder)?;
    let (last, _) = knows(&ours.store, Uuid::nil())?;
    let mut gifts = Gifts::new(1_000 + last);
    let mut out = std::io::stdout().lock();
    loop {
        let group = gifts.fresh(GROUP);
        let id = group.last().context("a group is not empty")?.id;
        let seq = ours.write(group)?;
        writeln!(out, "{seq} {id} kept")?;
        out.flush()?;
    }
}
