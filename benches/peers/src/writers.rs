//! Sixteen writers at a time, sixty records each: on one ledger, and on sixteen connections to PostgreSQL.

use std::sync::Mutex;
use std::time::Duration;

use crate::bench::{Plan, folder, grouped, median, per_second, ratio, rounds, table, timed};
use crate::gifts::{Gift, Gifts, groups};
use crate::ours::{self, Ours};
use crate::postgresql::{Cluster, Style};

const WRITERS: usize = 16;
const GROUP: usize = 60;
/// Transactions of each writer.
const TURNS: usize = 80;

/// The part.
pub fn run(plan: Plan) -> anyhow::Result<()> {
    let (held, turns) = (plan.size(20_000), plan.size(TURNS));
    let records = WRITERS * GROUP * turns;
    let outcomes = rounds(3, |who| {
        let mut gifts = Gifts::new(16);
        let held = groups(gifts.fresh(held), 1_000);
        let shares: Vec<_> = (0..WRITERS).map(|_| groups(gifts.fresh(GROUP * turns), GROUP)).collect();
        let took = match who {
            0 => with_us(held, shares)?,
            1 => with_postgresql(&held, shares, Style::Lists)?,
            _ => with_postgresql(&held, shares, Style::Arrays)?,
        };
        Ok(per_second(records, took))
    })?;
    let [ours, lists, arrays] = [0, 1, 2].map(|who| median(outcomes[who].clone()));
    let what =
        format!("{WRITERS} writers, {GROUP} records per transaction, {} records", grouped(records as u64));
    let ratios = format!("{}, {}", ratio(ours, lists), ratio(ours, arrays));
    let row = vec![what, grouped(ours), grouped(lists), grouped(arrays), ratios];
    let head = [
        "records a second",
        "Almoner",
        "PostgreSQL, multi-row upserts",
        "PostgreSQL, arrays in one statement",
        "ratios to them",
    ];
    table(&head, &[row]);
    Ok(())
}

type Shares = Vec<Vec<Vec<Gift>>>;

/// Sixteen tasks, each waiting for its commit before it asks for the next.
pub fn with_tasks(ours: &Ours, shares: Shares) -> anyhow::Result<Duration> {
    let all = || {
        ours.runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for share in shares {
                let store = ours.store.clone();
                tasks.spawn(async move {
                    for group in share {
                        ours::write(&store, group).await?;
                    }
                    Ok::<_, anyhow::Error>(())
                });
            }
            while let Some(ended) = tasks.join_next().await {
                ended??;
            }
            Ok(())
        })
    };
    Ok(timed(all)?.0)
}

fn with_us(held: Vec<Vec<Gift>>, shares: Shares) -> anyhow::Result<Duration> {
    let at = folder()?;
    let ours = Ours::open(at.path())?;
    ours.write_all(held)?;
    let took = with_tasks(&ours, shares)?;
    ours.close();
    Ok(took)
}

fn with_postgresql(held: &[Vec<Gift>], shares: Shares, style: Style) -> anyhow::Result<Duration> {
    let at = folder()?;
    let cluster = Cluster::start(at.path())?;
    cluster.connect(style)?.write_all(held)?;
    let connections: Vec<_> = shares.iter().map(|_| cluster.connect(style)).collect::<Result<_, _>>()?;
    let failed = Mutex::new(None);
    let all = || {
        std::thread::scope(|scope| {
            for (mut connection, share) in connections.into_iter().zip(shares) {
                let failed = &failed;
                scope.spawn(move || {
                    if let Err(error) = connection.write_all(&share) {
                        *failed.lock().expect("nobody panics with it") = Some(error);
                    }
                });
            }
        });
        Ok(())
    };
    let (took, ()) = timed(all)?;
    match failed.into_inner().expect("nobody panics with it") {
        Some(error) => Err(error),
        None => Ok(took),
    }
}
