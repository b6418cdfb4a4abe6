//! Lists of a past moment, out of many records with many versions each.

use almoner::ground::id::{ConnectionId, Object, Seq};
use almoner::ground::journal::SubjectState;
use almoner::store::Asked;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::bench::{Plan, folder, grouped, micros, millis, table, timed};
use crate::gifts::{Gifts, groups};
use crate::ours::Ours;

const VERSIONS: usize = 10;
const LIST: usize = 100;
const LISTS: usize = 2_000;

/// The part: each list is of a random moment, from the instant to the hundred records.
pub fn run(plan: Plan) -> anyhow::Result<()> {
    let records = plan.size(200_000);
    let at = folder()?;
    let ours = Ours::open(at.path())?;
    let mut supply = Gifts::new(10);
    ours.write_all(groups(supply.fresh(records), 1_000))?;
    for _ in 1..VERSIONS {
        ours.write_all(groups(supply.changed(records), 1_000))?;
    }
    let mut dice = ChaCha8Rng::seed_from_u64(1);
    let mut took = Vec::with_capacity(LISTS);
    for _ in 0..LISTS {
        let snapshot = ours.store.snapshot()?;
        let ledger = snapshot.ledger();
        let last = ledger.last_seq()?.0;
        let moment = Seq(LIST as u64 + dice.next_u64() % (last - LIST as u64));
        let entry = ledger.entry(moment)?;
        let instant = entry.map_or(snapshot.as_of(), |entry| entry.header.recorded);
        let (time, found) = timed(|| {
            let as_of = ledger.seq_at(instant)?;
            let asked = Asked { as_of, state: Some(SubjectState::Live), after: None, limit: LIST };
            let page = ledger.list_as_of(ConnectionId::TWENTY, Object::Gifts, &asked)?;
            Ok(ledger.records(page)?.items.len())
        })?;
        anyhow::ensure!(found == LIST, "a list of {found}");
        took.push(micros(time));
    }
    took.sort_unstable();
    let (n, of) = (grouped(records as u64), |share: usize| millis(took[took.len() * share / 100]));
    let what = format!("a list of {LIST} as of a random moment, {n} records with {VERSIONS} versions each");
    table(&[&what, "p50", "p99"], &[vec![format!("{LISTS} lists"), of(50), of(99)]]);
    ours.close();
    Ok(())
}
