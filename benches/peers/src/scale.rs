//! What a tenfold ledger costs: the same reads and writes at 200,000 and at 2,000,000 records.

use almoner::ground::id::{ConnectionId, Object, PersonId, SubjectKey};
use almoner::ground::journal::SubjectState;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::bench::{Plan, folder, grouped, median, micros, millis, per_second, ratio, table, timed};
use crate::gifts::{Gift, Gifts, groups};
use crate::ours::Ours;

/// What is measured at one size.
struct Figures {
    writes: u64,
    updates: u64,
    record: u64,
    list: u64,
    donor: u64,
}

/// The part.
pub fn run(plan: Plan) -> anyhow::Result<()> {
    let small = plan.size(200_000);
    let at = folder()?;
    let ours = Ours::open(at.path())?;
    let mut supply = Gifts::new(20);
    let mut known: Vec<SubjectKey> = Vec::new();
    let mut held = 0;
    let mut grow = |to: usize, supply: &mut Gifts, known: &mut Vec<SubjectKey>| -> anyhow::Result<()> {
        while held < to {
            let fresh = supply.fresh(20_000.min(to - held));
            held += fresh.len();
            known.extend(fresh.iter().step_by(20).map(name));
            ours.write_all(groups(fresh, 1_000))?;
        }
        Ok(())
    };
    grow(small, &mut supply, &mut known)?;
    let first = measure(&ours, &mut supply, &known)?;
    grow(10 * small, &mut supply, &mut known)?;
    let second = measure(&ours, &mut supply, &known)?;
    let (one, ten) = (grouped(small as u64), grouped(10 * small as u64));
    let cost = |what: &str, a: u64, b: u64| vec![what.to_owned(), millis(a), millis(b), ratio(b, a)];
    let speed = |what: &str, a: u64, b: u64| vec![what.to_owned(), grouped(a), grouped(b), ratio(a, b)];
    table(
        &["", &format!("{one} records"), &format!("{ten} records"), "cost of the larger to the smaller"],
        &[
            speed("inserts a second, 1,000 per transaction", first.writes, second.writes),
            speed("updates a second, 1,000 per transaction", first.updates, second.updates),
            cost("a hundred records by their foreign ids", first.record, second.record),
            cost("the newest 50 of a list", first.list, second.list),
            cost("the newest 20 gifts of a donor", first.donor, second.donor),
        ],
    );
    ours.close();
    Ok(())
}

fn name(gift: &Gift) -> SubjectKey {
    SubjectKey::twenty(Object::Gifts, gift.id)
}

fn measure(ours: &Ours, supply: &mut Gifts, known: &[SubjectKey]) -> anyhow::Result<Figures> {
    let count = 40_000;
    let fresh = groups(supply.fresh(count), 1_000);
    let writes = per_second(count, ours.write_all(fresh)?);
    let changed = groups(supply.changed(count), 1_000);
    let updates = per_second(count, ours.write_all(changed)?);
    let mut dice = ChaCha8Rng::seed_from_u64(2);
    let mut pick = |bound: usize| usize::try_from(dice.next_u64() % bound.max(1) as u64).unwrap_or(0);
    let donors = supply.donors().to_vec();
    let (mut record, mut list, mut donor) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..300 {
        let snapshot = ours.store.snapshot()?;
        let ledger = snapshot.ledger();
        let names: Vec<&SubjectKey> = (0..100).map(|_| &known[pick(known.len())]).collect();
        let (took, ()) = timed(|| {
            for name in &names {
                anyhow::ensure!(ledger.record_of(name)?.is_some(), "a record is missing");
            }
            Ok(())
        })?;
        record.push(micros(took));
        let live = SubjectState::Live;
        let newest = || Ok(ledger.newest(ConnectionId::TWENTY, Object::Gifts, live, None, 50)?.items.len());
        let (took, found) = timed(newest)?;
        anyhow::ensure!(found == 50, "a list of {found}");
        list.push(micros(took));
        let who = PersonId(donors[pick(donors.len())]);
        donor.push(micros(timed(|| Ok(ledger.gifts_of(who, None, 20)?.items.len()))?.0));
    }
    Ok(Figures { writes, updates, record: median(record), list: median(list), donor: median(donor) })
}
