//! Finds groups of duplicates among all people, in the background: it follows the journal, a stretch at a time.
//!
//! It takes no input: how far it is, and whom it found alike to whom, stands in working rows; groups are records of the
//! journal. A stretch reads whoever changed, compares each with those who share keys, and gathers anew the groups that these
//! belong to; all of it is stored in one commit, so that a crash costs one stretch. When other weights were learnt it begins
//! again, and writes only what comes out otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Next;
use crate::ground::groups::{Bond, Finding, Gathered, Group, gather, named};
use crate::ground::id::{ConnectionId, Object, PersonId, Seq};
use crate::ground::journal::{Actor, Cause, SubjectState};
use crate::ground::links::{Said, Verdict, Who};
use crate::ground::matching::decide::{SAME_BITS, Thresholds, thousandths};
use crate::ground::time::Instant;
use crate::ground::world::World;
use crate::search::{Search, SearchError, donor_of};
use crate::store::{Changes, Fail, Ledger, Store, StoreError, Working, WriteError};

/// People of one stretch.
const PEOPLE: usize = 100;
/// Candidates looked at for each.
const LIMIT: usize = 20;
/// People of one tangle that are gathered together at most; a larger one is gathered in parts.
const TANGLE_MAX: usize = 400;
/// How soon it looks again when nothing changed, in milliseconds.
const LOOK_MS: i64 = 15_000;
/// How soon where it has to wait for others.
const WAIT_MS: i64 = 2_000;

/// The search for duplicates in one base.
#[derive(Clone)]
pub struct Finder {
    /// The ledger.
    pub store: Store,
    /// Time.
    pub world: World,
    /// Who may be alike.
    pub search: Arc<Search>,
}

/// What a stretch found.
struct Stretch {
    before: Finding,
    now: Finding,
    /// Pairs that are to stand otherwise.
    pairs: BTreeMap<(PersonId, PersonId), Option<i64>>,
    /// Groups that are to be there, and those that are to go.
    groups: Vec<Group>,
    gone: Vec<Group>,
}

impl Finder {
    /// One stretch.
    pub async fn step(&self) -> Next {
        let own = self.clone();
        let stretch = match tokio::task::spawn_blocking(move || own.look()).await {
            Ok(Ok(stretch)) => stretch,
            Ok(Err(error)) => {
                tracing::warn!(event = "duplicates_not_looked_for", %error);
                return self.later(WAIT_MS);
            }
            Err(_) => return self.later(WAIT_MS),
        };
        let Some(stretch) = stretch else { return self.later(LOOK_MS) };
        match self.keep(stretch).await {
            Ok(()) => Next::Again,
            Err(error) => {
                tracing::warn!(event = "duplicates_not_kept", ?error);
                self.later(WAIT_MS)
            }
        }
    }

    fn later(&self, millis: i64) -> Next {
        Next::Wait(self.world.now().plus_millis(millis))
    }

    fn look(&self) -> Result<Option<Stretch>, SearchError> {
        let snapshot = self.store.snapshot()?;
        let ledger = snapshot.ledger();
        // Whoever is not found yet would not be compared.
        let blind = self.search.behind() > 0;
        if blind || ledger.mirror_state(ConnectionId::TWENTY, Object::People)?.complete_as_of.is_none() {
            return Ok(None);
        }
        let before = ledger.finding()?;
        let model = self.search.learnt(&ledger)?.model.version.clone();
        let mut now =
            if before.model == model { before.clone() } else { Finding { model, ..Finding::default() } };
        let (twenty, here) = (ConnectionId::TWENTY, ConnectionId::HERE);
        let (people, upto) = ledger.changed_after(twenty, Object::People, Seq(now.people), PEOPLE)?;
        let (verdicts, said_upto) = ledger.changed_after(here, Object::Verdict, Seq(now.verdicts), PEOPLE)?;
        if people.is_empty() && verdicts.is_empty() && now == before && now.complete_at.is_some() {
            return Ok(None);
        }
        let all = people.len() < PEOPLE;
        now.looked_at += people.len() as u64;
        now.people = upto.0;
        now.verdicts = said_upto.0;
        if all && now.complete_at.is_none() {
            now.complete_at = Some(self.world.now());
        }
        let mut seeds = BTreeSet::new();
        let mut pairs = BTreeMap::new();
        for seq in people {
            let Some(person) = ledger.name_at(seq)?.uuid().map(PersonId) else { continue };
            seeds.insert(person);
            self.compare(&ledger, person, &mut pairs)?;
        }
        for seq in verdicts {
            let Some(record) = ledger.record_at(seq)? else { continue };
            let Ok(verdict) = serde_json::from_str::<Verdict>(&record.value) else { continue };
            seeds.extend([verdict.left, verdict.right].into_iter().filter_map(|who| match who {
                Who::Person(person) => Some(person),
                Who::Row(_) => None,
            }));
        }
        let (groups, gone) = regroup(&ledger, seeds, &pairs, (&now.model, self.world.now()))?;
        Ok(Some(Stretch { before, now, pairs, groups, gone }))
    }

    /// Compares somebody with those who share keys, and with those who were found before.
    fn compare(
        &self,
        ledger: &Ledger<'_>,
        person: PersonId,
        pairs: &mut BTreeMap<(PersonId, PersonId), Option<i64>>,
    ) -> Result<(), SearchError> {
        let mut found: BTreeMap<PersonId, i64> = BTreeMap::new();
        let record = ledger.subject(&Who::Person(person).key())?;
        let record = record.map_or(Ok(None), |subject| ledger.record(subject))?;
        let known = ledger.alike_to(person)?;
        let others: Vec<PersonId> =
            known.iter().map(|bond| if bond.left == person { bond.right } else { bond.left }).collect();
        if let Some((who, donor)) = record.as_ref().and_then(donor_of) {
            let matches = self.search.alike(ledger, &donor, Some(who), LIMIT)?;
            for alike in matches.alike {
                if let Who::Person(other) = alike.who {
                    found.insert(other, thousandths(alike.bits));
                }
            }
            // Whoever found this person may not be among those whom this person finds first.
            for other in others.iter().filter(|other| **other != person) {
                if let Some(known) =
                    ledger.donor_of(Who::Person(*other))?.filter(|_| !found.contains_key(other))
                {
                    let (compared, learnt) = self.search.compared(ledger, &donor, &known)?;
                    found.insert(*other, thousandths(learnt.model.weigh(&compared).bits()));
                }
            }
        }
        let least = thousandths(Thresholds::default().ask);
        found.retain(|other, bits| *bits >= least && *other != person);
        for other in others.iter().filter(|other| !found.contains_key(other)) {
            pairs.insert(Bond::new(person, *other, 0).pair(), None);
        }
        for (other, bits) in found {
            pairs.insert(Bond::new(person, other, bits).pair(), Some(bits));
        }
        Ok(())
    }

    /// Stores a stretch, unless another one was stored since it was read.
    async fn keep(&self, stretch: Stretch) -> Result<(), WriteError<()>> {
        self.store
            .write(move |view| {
                let cause =
                    Cause { actor: Actor::System, why: "Duplicates looked for".into(), request_id: None };
                let mut changes = Changes::new(cause);
                if view.ledger().finding()? != stretch.before {
                    return Ok((changes, ()));
                }
                for ((one, other), bits) in stretch.pairs {
                    changes.alike(one, other, bits)?;
                }
                for group in stretch.gone {
                    changes.remove(Object::Group, group.id, &group)?;
                }
                for group in stretch.groups {
                    changes.open(Object::Group, group.id, &group)?;
                }
                changes.working_text(Working::Finding, &[], Some(&stretch.now))?;
                Ok::<_, Fail<()>>((changes, ()))
            })
            .await?;
        Ok(())
    }
}

/// The pairs of somebody as they will stand.
fn bonds_of(
    ledger: &Ledger<'_>,
    person: PersonId,
    pairs: &BTreeMap<(PersonId, PersonId), Option<i64>>,
) -> Result<Vec<Bond>, StoreError> {
    let mut bonds: BTreeMap<(PersonId, PersonId), i64> =
        ledger.alike_to(person)?.into_iter().map(|bond| (bond.pair(), bond.bits)).collect();
    for (pair, bits) in pairs.iter().filter(|(pair, _)| pair.0 == person || pair.1 == person) {
        match bits {
            Some(bits) => bonds.insert(*pair, *bits),
            None => bonds.remove(pair),
        };
    }
    Ok(bonds.into_iter().map(|((left, right), bits)| Bond { left, right, bits }).collect())
}

/// Gathers anew the groups that some people belong to, and those that they belonged to: what is to be there, and what is
/// to go. What stays as it was is in neither.
fn regroup(
    ledger: &Ledger<'_>,
    seeds: BTreeSet<PersonId>,
    pairs: &BTreeMap<(PersonId, PersonId), Option<i64>>,
    (model, at): (&str, Instant),
) -> Result<(Vec<Group>, Vec<Group>), StoreError> {
    let mut before: BTreeMap<uuid::Uuid, Group> = BTreeMap::new();
    let mut bonds: BTreeMap<(PersonId, PersonId), Bond> = BTreeMap::new();
    let mut gathered: Vec<Gathered> = Vec::new();
    let mut done: BTreeSet<PersonId> = BTreeSet::new();
    let mut open: Vec<PersonId> = seeds.into_iter().collect();
    open.extend(pairs.keys().flat_map(|(left, right)| [*left, *right]));
    while let Some(seed) = open.pop() {
        if done.contains(&seed) {
            continue;
        }
        let mut tangle = BTreeSet::from([seed]);
        let mut next = vec![seed];
        bonds.clear();
        while let Some(person) = next.pop() {
            for group in ledger.groups_of(person)? {
                // Whoever was with them is gathered anew too.
                open.extend(group.value.members.iter().copied());
                before.insert(group.value.id, group.value);
            }
            for bond in bonds_of(ledger, person, pairs)? {
                let other = if bond.left == person { bond.right } else { bond.left };
                let taken = done.contains(&other);
                if !taken && (tangle.contains(&other) || tangle.len() < TANGLE_MAX) {
                    bonds.insert(bond.pair(), bond);
                    if tangle.insert(other) {
                        next.push(other);
                    }
                }
            }
        }
        let apart = told_apart(ledger, &tangle)?;
        let list: Vec<Bond> = bonds.values().copied().collect();
        gathered.extend(gather(&list, thousandths(SAME_BITS), &apart));
        done.extend(tangle);
    }
    let old: Vec<Group> = before.into_values().collect();
    let names = named(&gathered, &old);
    let gone = old.iter().filter(|group| !names.contains(&group.id)).cloned().collect();
    let groups = gathered.into_iter().zip(&names).map(|(group, id)| Group {
        id: *id,
        members: group.members,
        bonds: group.bonds,
        weakest: group.weakest,
        doubts: group.doubts,
        model: model.to_owned(),
        at,
    });
    let news = |group: &Group| {
        let known = old.iter().find(|known| known.id == group.id);
        known.is_none_or(|known| Group { at: known.at, ..group.clone() } != *known)
    };
    Ok((groups.filter(news).collect(), gone))
}

/// Pairs of these people of whom somebody said that they are two, as far as that holds.
fn told_apart(
    ledger: &Ledger<'_>,
    people: &BTreeSet<PersonId>,
) -> Result<BTreeSet<(PersonId, PersonId)>, StoreError> {
    let mut apart = BTreeSet::new();
    for person in people {
        for record in ledger.verdicts_of(Who::Person(*person))? {
            let verdict = record.value;
            let (Who::Person(left), Who::Person(right)) = (verdict.left, verdict.right) else { continue };
            let counts = record.state == SubjectState::Live && verdict.said == Said::Different;
            if counts && ledger.expired(&verdict)?.is_none() {
                apart.insert(Bond::new(left, right, 0).pair());
            }
        }
    }
    Ok(apart)
}
