//! Records a second with everything that follows from them, and the bytes they take.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::value::RawValue;

use crate::bench::{
    Plan, blocks_on_disk, folder, grouped, median, megabytes, per_second, ratio, rounds, table,
};
use crate::gifts::{Gift, Gifts, check_mean, groups};
use crate::ours::{Ours, compacted_bytes, ledger_file};
use crate::postgresql::{Cluster, Style};
use crate::sqlite::Sqlite;

const SEED: u64 = 705;
const NAMES: [&str; 4] =
    ["Almoner", "SQLite", "PostgreSQL, multi-row upserts", "PostgreSQL, arrays in one statement"];
const WHO: [usize; 4] = [0, 1, 2, 3];

/// Groups of 1,000: inserts, then updates of some of them.
struct Large {
    inserts: Vec<Vec<Gift>>,
    updates: Vec<Vec<Gift>>,
}

/// Groups of 60 into a store that holds as many.
struct Little {
    held: Vec<Vec<Gift>>,
    inserts: Vec<Vec<Gift>>,
}

/// What one run of one contender brought.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    inserts: Duration,
    updates: Duration,
    as_is: u64,
    /// Of us: the blocks of it that were ever written, since our file grows by doubling.
    taken: u64,
    compact: u64,
    /// Of PostgreSQL: all of `base`, with the catalogues.
    base: u64,
}

/// The part.
pub fn run(plan: Plan) -> anyhow::Result<()> {
    let (inserts, updates, count) = (plan.size(200_000), plan.size(20_000), plan.size(20_000));
    let outcomes = rounds(NAMES.len(), |who| {
        let mut gifts = Gifts::new(SEED);
        let fresh = gifts.fresh(inserts);
        check_mean(&fresh)?;
        let large = Large { inserts: groups(fresh, 1_000), updates: groups(gifts.changed(updates), 1_000) };
        match who {
            0 => ours(large),
            1 => sqlite(&large),
            2 => postgresql(&large, Style::Lists),
            _ => postgresql(&large, Style::Arrays),
        }
    })?;
    // In rounds of their own, so that the three of a round are seconds apart and not minutes.
    let little = rounds(NAMES.len(), |who| {
        let mut gifts = Gifts::new(SEED + 1);
        let held = groups(gifts.fresh(count), 1_000);
        let little = Little { held, inserts: groups(gifts.fresh(count), 60) };
        Ok(per_second(
            count,
            match who {
                0 => ours_little(little)?,
                1 => sqlite_little(&little)?,
                2 => postgresql_little(&little, Style::Lists)?,
                _ => postgresql_little(&little, Style::Arrays)?,
            },
        ))
    })?;
    let of =
        |who: usize, figure: &dyn Fn(&Outcome) -> u64| median(outcomes[who].iter().map(figure).collect());
    let speeds = [
        (
            format!("{} inserts, 1,000 per transaction", grouped(inserts as u64)),
            WHO.map(|who| of(who, &|o| per_second(inserts, o.inserts))),
        ),
        (
            format!("then {} updates, 1,000 per transaction", grouped(updates as u64)),
            WHO.map(|who| of(who, &|o| per_second(updates, o.updates))),
        ),
        (
            "both together".into(),
            WHO.map(|who| of(who, &|o| per_second(inserts + updates, o.inserts + o.updates))),
        ),
        (format!("{n} inserts into {n} held, 60 per transaction", n = grouped(count as u64)), {
            WHO.map(|who| median(little[who].clone()))
        }),
    ];
    table(
        &["records a second", NAMES[0], NAMES[1], NAMES[2], NAMES[3], "ratios to them"],
        &speeds.map(|(what, all)| [vec![what], all.map(grouped).to_vec(), vec![ratios(all)]].concat()),
    );
    sizes(&of, inserts, updates);
    Ok(())
}

fn ratios([ours, peers @ ..]: [u64; 4]) -> String {
    peers.map(|peer| ratio(ours, peer)).join(", ")
}

type Of<'o> = &'o dyn Fn(usize, &dyn Fn(&Outcome) -> u64) -> u64;

fn sizes(of: Of<'_>, inserts: usize, updates: usize) {
    let versions = (inserts + updates) as u64;
    let bytes = |bytes: u64| format!("{} ({} a version)", megabytes(bytes), bytes / versions);
    let row = |what: &str, figure: &dyn Fn(&Outcome) -> u64| {
        let all = WHO.map(|who| of(who, figure));
        [vec![what.to_owned()], all.map(bytes).to_vec(), vec![ratios(all)]].concat()
    };
    let rows = [
        row("as it is", &|o| o.as_is),
        row("as it is, without the holes of our file", &|o| o.taken),
        row("after closing and compaction", &|o| o.compact),
    ];
    let what =
        format!("bytes after {} inserts and {} updates", grouped(inserts as u64), grouped(updates as u64));
    table(&[&what, NAMES[0], NAMES[1], NAMES[2], NAMES[3], "ratios to them"], &rows);
    let base = of(3, &|o| o.base);
    println!("PostgreSQL's whole `base` folder, with its catalogues: {}", bytes(base));
}

fn ours(large: Large) -> anyhow::Result<Outcome> {
    let at = folder()?;
    let ours = Ours::open(at.path())?;
    let (inserts, updates) = (ours.write_all(large.inserts)?, ours.write_all(large.updates)?);
    let (as_is, taken) = (ours.bytes()?, blocks_on_disk(&ledger_file(at.path()))?);
    ours.close();
    let compact = compacted_bytes(&ledger_file(at.path()))?;
    Ok(Outcome { inserts, updates, as_is, taken, compact, base: 0 })
}

fn ours_little(little: Little) -> anyhow::Result<Duration> {
    let at = folder()?;
    let ours = Ours::open(at.path())?;
    ours.write_all(little.held)?;
    let took = ours.write_all(little.inserts)?;
    ours.close();
    Ok(took)
}

fn sqlite(large: &Large) -> anyhow::Result<Outcome> {
    let at = folder()?;
    let mut peer = Sqlite::open(at.path())?;
    let (inserts, updates) = (peer.write_all(&large.inserts)?, peer.write_all(&large.updates)?);
    let (as_is, compact) = peer.bytes()?;
    Ok(Outcome { inserts, updates, as_is, taken: as_is, compact, base: 0 })
}

fn sqlite_little(little: &Little) -> anyhow::Result<Duration> {
    let at = folder()?;
    let mut peer = Sqlite::open(at.path())?;
    peer.write_all(&little.held)?;
    peer.write_all(&little.inserts)
}

fn postgresql(large: &Large, style: Style) -> anyhow::Result<Outcome> {
    let at = folder()?;
    let cluster = Cluster::start(at.path())?;
    let mut peer = cluster.connect(style)?;
    let (inserts, updates) = (peer.write_all(&large.inserts)?, peer.write_all(&large.updates)?);
    let as_is = cluster.bytes_as_is()?;
    let (compact, base) = cluster.bytes()?;
    Ok(Outcome { inserts, updates, as_is, taken: as_is, compact, base })
}

fn postgresql_little(little: &Little, style: Style) -> anyhow::Result<Duration> {
    let at = folder()?;
    let cluster = Cluster::start(at.path())?;
    let mut peer = cluster.connect(style)?;
    peer.write_all(&little.held)?;
    peer.write_all(&little.inserts)
}

/// The fields that differ, with their texts before and after: the peers' own, no dearer than it must be.
pub fn field_diff(before: &str, after: &str) -> String {
    type Fields<'j> = BTreeMap<&'j str, &'j RawValue>;
    let read = |text| serde_json::from_str::<Fields<'_>>(text).unwrap_or_default();
    let (old, new) = (read(before), read(after));
    let mut changed: BTreeMap<&str, [Option<&RawValue>; 2]> = BTreeMap::new();
    for (name, value) in &new {
        let was = old.get(name).copied();
        if was.map(RawValue::get) != Some(value.get()) {
            changed.insert(name, [was, Some(*value)]);
        }
    }
    let gone = old.iter().filter(|(name, _)| !new.contains_key(*name));
    changed.extend(gone.map(|(name, value)| (*name, [Some(*value), None])));
    serde_json::to_string(&changed).unwrap_or_default()
}
