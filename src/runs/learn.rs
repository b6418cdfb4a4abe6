//! Learns how this base's records agree, so that matches are weighed by what is common here: never in a request.
//!
//! It takes no input: whether there is anything to learn follows from what was learnt last and from how many people there
//! are. What was learnt is one entry of the journal; a crash before it leaves what was there, and the step is made again.

use std::collections::BTreeMap;

use super::Next;
use crate::ground::id::{ConnectionId, Object, SubjectId};
use crate::ground::journal::{Actor, Cause, SubjectState};
use crate::ground::matching::decide::{Thresholds, thousandths};
use crate::ground::matching::learnt::{LEARNT_ID, Learnt};
use crate::ground::matching::record::Donor;
use crate::ground::matching::told::COUNTRY;
use crate::ground::staging::StagedRow;
use crate::ground::time::Instant;
use crate::ground::world::World;
use crate::search::{Who, donor_of};
use crate::store::{Changes, Store, StoreError, WriteError};

/// People read from one snapshot, which is then let go.
const STRETCH: usize = 1_000;
/// People that are learnt from at most, those changed last: more would tell nothing new and take more memory than a small
/// machine has.
const PEOPLE_MAX: usize = 120_000;
/// Rows that are looked through for decisions, and decisions that are learnt from, at most.
const ROWS_MAX: usize = 20_000;
/// See above.
const DECISIONS_MAX: usize = 5_000;
/// How soon it looks again, in milliseconds.
const LOOK_MS: i64 = 60_000;

/// What a row told, who was proposed, how heavy that was in thousandths of a bit, and whether it was them.
type Decision = (Donor, Donor, i64, bool);

/// The learning of one base.
#[derive(Clone)]
pub struct Learner {
    /// The ledger.
    pub store: Store,
    /// Time.
    pub world: World,
}

impl Learner {
    /// Learns once, if the base has become another one.
    pub async fn step(&self) -> Next {
        let own = self.clone();
        let worked = tokio::task::spawn_blocking(move || own.learn()).await;
        let learnt = match worked {
            Ok(Ok(learnt)) => learnt,
            Ok(Err(error)) => {
                tracing::warn!(event = "learning_failed", %error);
                None
            }
            Err(_) => None,
        };
        if let Some(learnt) = learnt
            && let Err(error) = self.keep(learnt).await
        {
            tracing::warn!(event = "learning_not_kept", ?error);
        }
        Next::Wait(self.world.now().plus_millis(LOOK_MS))
    }

    fn learn(&self) -> Result<Option<Learnt>, StoreError> {
        let now = self.world.now();
        if !self.is_due(now)? {
            return Ok(None);
        }
        let decisions = self.decisions()?;
        let pairs: Vec<(Donor, Donor, bool)> =
            decisions.iter().map(|(told, person, _, same)| (told.clone(), person.clone(), *same)).collect();
        let mut learnt = Learnt::of(&self.people()?, &pairs, COUNTRY, now);
        let strong =
            decisions.iter().filter(|(_, _, bits, _)| *bits >= thousandths(Thresholds::default().link));
        for (_, _, _, same) in strong {
            let counted = if *same { &mut learnt.strong.0 } else { &mut learnt.strong.1 };
            *counted += 1;
        }
        Ok(Some(learnt))
    }

    /// What people decided of those whom runs proposed, the newest first.
    fn decisions(&self) -> Result<Vec<Decision>, StoreError> {
        let mut decisions = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        for _ in 0..ROWS_MAX / STRETCH {
            let snapshot = self.store.snapshot()?;
            let ledger = snapshot.ledger();
            let (here, rows) = (ConnectionId::HERE, Object::GiftStaging);
            let page = ledger.newest(here, rows, SubjectState::Live, after.as_deref(), STRETCH)?;
            for record in page.items {
                let Ok(row) = serde_json::from_str::<StagedRow>(&record.value) else { continue };
                for (person, bits, same) in row.decided() {
                    let person = ledger.record_of(&Who::Person(person).key())?;
                    let person = person.as_ref().and_then(donor_of);
                    decisions.extend(person.map(|(_, person)| (row.told(), person, bits, same)));
                }
            }
            after = page.next;
            if after.is_none() || decisions.len() >= DECISIONS_MAX {
                break;
            }
        }
        Ok(decisions)
    }

    fn is_due(&self, now: Instant) -> Result<bool, StoreError> {
        let snapshot = self.store.snapshot()?;
        let ledger = snapshot.ledger();
        let people = ledger.object_count(ConnectionId::TWENTY, Object::People, SubjectState::Live)?;
        let learnt = ledger.learnt()?.map_or_else(|| Learnt::shipped(people), |record| record.value);
        // No more is learnt from than this: a base that outgrows it stays as it was known.
        let people = people.min(PEOPLE_MAX as u64);
        // Decisions are counted only where they could make a difference.
        if !learnt.is_outgrown(people, u64::MAX, now) {
            return Ok(false);
        }
        let decided = self.decisions()?.len() as u64;
        Ok(learnt.is_outgrown(people, decided, now))
    }

    /// All people, or the newest; each once, in a fixed order.
    fn people(&self) -> Result<Vec<Donor>, StoreError> {
        let mut people: BTreeMap<SubjectId, Donor> = BTreeMap::new();
        let mut after: Option<Vec<u8>> = None;
        while people.len() < PEOPLE_MAX {
            let snapshot = self.store.snapshot()?;
            let (live, people_of) = (SubjectState::Live, Object::People);
            let page =
                snapshot.ledger().newest(ConnectionId::TWENTY, people_of, live, after.as_deref(), STRETCH)?;
            for record in page.items {
                let Some((_, donor)) = donor_of(&record) else { continue };
                people.insert(record.subject, donor);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(people.into_values().collect())
    }

    async fn keep(&self, learnt: Learnt) -> Result<(), WriteError<()>> {
        let cause =
            Cause { actor: Actor::System, why: "Weights of matching learnt".into(), request_id: None };
        self.store
            .write(move |_| {
                let mut changes = Changes::new(cause);
                changes.open(Object::Settings, LEARNT_ID, &learnt)?;
                Ok((changes, ()))
            })
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use uuid::Uuid;

    use super::*;
    use crate::ground::donor_match::{MatchOutcome, Matched};
    use crate::ground::id::{PersonId, RunId, StagedId, SubjectKey};
    use crate::ground::staging::DonorDecision;
    use crate::ground::staging::tests::row;
    use crate::ground::world::{Clock, Entropy};
    use crate::store::disk::SimDisk;
    use crate::store::{Drive, Place};

    struct Counter(AtomicI64);

    impl Clock for Counter {
        fn now(&self) -> Instant {
            Instant(self.0.fetch_add(1, Ordering::SeqCst))
        }
    }

    impl Entropy for Counter {
        fn fill(&self, out: &mut [u8]) {
            out.fill(7);
        }
    }

    fn see(store: &Store, people: std::ops::Range<u128>) {
        let cause = Cause { actor: Actor::System, why: "test".into(), request_id: None };
        let write = store.write::<_, (), _>(move |_| {
            let mut changes = Changes::new(cause);
            for n in people {
                let id = Uuid::from_u128(n);
                let (first, last) =
                    (["Ada", "Bob", "Cleo"][n as usize % 3], ["Pugh", "Rees"][n as usize % 2]);
                let json =
                    format!(r#"{{"id":"{id}","name":{{"firstName":"{first}","lastName":"{last}{n}"}}}}"#);
                changes.seen(SubjectKey::twenty(Object::People, id), json, false, None);
            }
            Ok((changes, ()))
        });
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(write).unwrap();
    }

    /// A row for which a run proposed somebody, and what a person made of it.
    fn decide(store: &Store, n: u128, donor: DonorDecision, proposed: u128) {
        let mut row = row();
        row.id = StagedId(Uuid::from_u128(n));
        row.evidence.first_name = Some("Ada".into());
        row.evidence.last_name = Some(format!("Pugh{proposed}"));
        row.donor = donor;
        row.matched = Some(Matched {
            outcome: MatchOutcome::PartialMatchReview,
            run: RunId(Uuid::nil()),
            at: Instant(1),
            model: "m".into(),
            reason: "r".into(),
            proposed: vec![(PersonId(Uuid::from_u128(proposed)), 12_000)],
        });
        let cause = Cause { actor: Actor::System, why: "test".into(), request_id: None };
        let write = store.write::<_, (), _>(move |_| {
            let mut changes = Changes::new(cause);
            changes.open(Object::GiftStaging, row.id.0, &row)?;
            Ok((changes, ()))
        });
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(write).unwrap();
    }

    #[test]
    fn what_people_decided_is_learnt_from_and_counted() {
        let clock = Arc::new(Counter(AtomicI64::new(1_000)));
        let world = World { clock: clock.clone(), entropy: clock };
        let store = Store::open(Place::Memory(SimDisk::new()), world.clone(), Drive::Inline).unwrap();
        let learner = Learner { store: store.clone(), world };
        see(&store, 0..300);
        decide(&store, 1_001, DonorDecision::Confirmed(PersonId(Uuid::from_u128(6))), 6);
        decide(&store, 1_002, DonorDecision::NewDonor, 12);
        decide(&store, 1_003, DonorDecision::Unreviewed, 18);
        step(&learner).unwrap();
        let learnt = store.snapshot().unwrap().ledger().learnt().unwrap().unwrap().value;
        assert_eq!((learnt.decided, learnt.strong), (2, (1, 1)));
    }

    /// The version and the number of records of what was learnt, after one step.
    fn step(learner: &Learner) -> Option<(String, u64)> {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(learner.step());
        let snapshot = learner.store.snapshot().unwrap();
        let learnt = snapshot.ledger().learnt().unwrap()?.value;
        Some((learnt.model.version, learnt.records))
    }

    #[test]
    fn a_base_is_learnt_once_and_again_when_it_has_become_another_one() {
        let clock = Arc::new(Counter(AtomicI64::new(1_000)));
        let world = World { clock: clock.clone(), entropy: clock };
        let disk = SimDisk::new();
        let store = Store::open(Place::Memory(disk), world.clone(), Drive::Inline).unwrap();
        let learner = Learner { store: store.clone(), world };
        see(&store, 0..150);
        assert_eq!(step(&learner), None, "too few");
        see(&store, 150..900);
        let (version, records) = step(&learner).unwrap();
        assert!(version.contains("learnt") && records == 900, "{version} {records}");
        see(&store, 900..950);
        let before = store.snapshot().unwrap().ledger().last_seq().unwrap();
        assert_eq!(step(&learner), Some((version.clone(), 900)), "not another base yet");
        assert_eq!(store.snapshot().unwrap().ledger().last_seq().unwrap(), before, "nothing is written");
        see(&store, 950..1_900);
        let (newer, records) = step(&learner).unwrap();
        assert!(newer != version && records == 1_900);
    }
}
