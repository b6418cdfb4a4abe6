//! Groups of people that may be duplicates of each other, and how they keep their names while people come and go.
//!
//! Pairs are joined from the heaviest down. A pair that would join two big groups is never joined by itself, nor one that
//! would bring together whom somebody called two people: those are questions for a person, told with both groups.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::id::PersonId;
use super::time::Instant;

/// Members from which a group is big: two of them are never joined by one pair.
pub const BIG: usize = 4;

/// Two people and what their comparison is worth, in thousandths of a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bond {
    /// The lower id.
    pub left: PersonId,
    /// The higher id.
    pub right: PersonId,
    /// Thousandths of a bit.
    pub bits: i64,
}

impl Bond {
    /// A pair in order.
    pub fn new(one: PersonId, other: PersonId, bits: i64) -> Self {
        let (left, right) = if one <= other { (one, other) } else { (other, one) };
        Self { left, right, bits }
    }

    /// The two.
    pub const fn pair(&self) -> (PersonId, PersonId) {
        (self.left, self.right)
    }
}

/// People who may be one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its name; it stays while most of its members do.
    pub id: Uuid,
    /// Who, in order.
    pub members: Vec<PersonId>,
    /// The pairs among them that were found alike, in order.
    pub bonds: Vec<Bond>,
    /// The pair that holds it together least.
    pub weakest: Option<(PersonId, PersonId)>,
    /// Pairs that lead out of it and join nothing by themselves.
    pub doubts: Vec<Doubt>,
    /// By which weights.
    pub model: String,
    /// When it became what it is.
    pub at: Instant,
}

/// A pair that joins nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Doubt {
    /// The pair.
    pub bond: Bond,
    /// Whether it would join two big groups; else it is too light, or somebody called two of them two people.
    pub bridge: bool,
}

/// How far the search for duplicates among all people is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// By which weights.
    pub model: String,
    /// The entry up to which changes of people are taken in.
    pub people: u64,
    /// The entry up to which verdicts are.
    pub verdicts: u64,
    /// People looked at since it began with these weights.
    pub looked_at: u64,
    /// When everybody had been looked at for the first time with these weights.
    pub complete_at: Option<Instant>,
}

/// What gathering came to for one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    /// Who, in order.
    pub members: Vec<PersonId>,
    /// The pairs among them.
    pub bonds: Vec<Bond>,
    /// The pair that holds it together least.
    pub weakest: Option<(PersonId, PersonId)>,
    /// Pairs that lead out.
    pub doubts: Vec<Doubt>,
}

/// Who is joined with whom, while it grows.
struct Sets {
    of: BTreeMap<PersonId, usize>,
    people: Vec<BTreeSet<PersonId>>,
    /// The lightest pair that joined each set.
    weakest: Vec<Option<Bond>>,
}

impl Sets {
    fn of(bonds: &[Bond]) -> Self {
        let people: BTreeSet<PersonId> = bonds.iter().flat_map(|bond| [bond.left, bond.right]).collect();
        let sets = people.iter().map(|person| BTreeSet::from([*person])).collect();
        let weakest = vec![None; people.len()];
        Self { of: people.into_iter().zip(0..).collect(), people: sets, weakest }
    }

    fn join(&mut self, bond: Bond, (into, from): (usize, usize)) {
        let moved = std::mem::take(&mut self.people[from]);
        for person in &moved {
            self.of.insert(*person, into);
        }
        self.people[into].extend(moved);
        // Pairs come from the heaviest down: the last one that joined holds least.
        self.weakest[into] = Some(bond);
    }

    fn bars(&self, apart: &BTreeSet<(PersonId, PersonId)>, (one, other): (usize, usize)) -> bool {
        apart.iter().any(|(left, right)| {
            let (left, right) = (self.of.get(left), self.of.get(right));
            (left == Some(&one) && right == Some(&other)) || (left == Some(&other) && right == Some(&one))
        })
    }
}

/// Gathers people into groups of two and more, in the order of their first members. Pairs of `join_from` thousandths of a
/// bit and more join; `apart` are those whom somebody called two people, each in order.
pub fn gather(bonds: &[Bond], join_from: i64, apart: &BTreeSet<(PersonId, PersonId)>) -> Vec<Gathered> {
    let mut ordered: Vec<Bond> = bonds.iter().copied().filter(|bond| !apart.contains(&bond.pair())).collect();
    ordered.sort_by_key(|bond| (std::cmp::Reverse(bond.bits), bond.pair()));
    let mut sets = Sets::of(&ordered);
    let mut open = Vec::new();
    for bond in &ordered {
        let at = (sets.of[&bond.left], sets.of[&bond.right]);
        if at.0 == at.1 {
            continue;
        }
        let bridge = sets.people[at.0].len() >= BIG && sets.people[at.1].len() >= BIG;
        if bond.bits < join_from || bridge || sets.bars(apart, at) {
            open.push(Doubt { bond: *bond, bridge });
        } else {
            sets.join(*bond, at);
        }
    }
    // Two who belong to nobody else make a group of their own, however light: or nobody would be asked about them.
    for doubt in &open {
        let at = (sets.of[&doubt.bond.left], sets.of[&doubt.bond.right]);
        if sets.people[at.0].len() == 1 && sets.people[at.1].len() == 1 {
            sets.join(doubt.bond, at);
        }
    }
    let mut groups: BTreeMap<PersonId, Gathered> = BTreeMap::new();
    for (set, weakest) in sets.people.iter().zip(&sets.weakest) {
        let within = |bond: &Bond| set.contains(&bond.left) && set.contains(&bond.right);
        let touches = |bond: &Bond| set.contains(&bond.left) || set.contains(&bond.right);
        let mut doubts: Vec<Doubt> =
            open.iter().copied().filter(|doubt| touches(&doubt.bond) && !within(&doubt.bond)).collect();
        doubts.sort_unstable();
        let alone = set.len() < 2;
        let Some(first) = set.first().filter(|_| !alone) else { continue };
        let mut inner: Vec<Bond> = ordered.iter().copied().filter(within).collect();
        inner.sort_unstable();
        let members = set.iter().copied().collect();
        groups.insert(
            *first,
            Gathered { members, bonds: inner, weakest: weakest.map(|bond| bond.pair()), doubts },
        );
    }
    groups.into_values().collect()
}

/// The names of groups: a group keeps the name of the one it shares most members with, and a new one is named after its
/// first member who names none. One name for each, in their order.
pub fn named(groups: &[Gathered], before: &[Group]) -> Vec<Uuid> {
    let mut shared: Vec<(usize, Uuid, usize)> = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        for old in before {
            let count = group.members.iter().filter(|member| old.members.contains(member)).count();
            if count > 0 {
                shared.push((count, old.id, at));
            }
        }
    }
    shared.sort_by_key(|(count, id, at)| (std::cmp::Reverse(*count), *id, *at));
    let mut names: Vec<Option<Uuid>> = vec![None; groups.len()];
    let mut taken: BTreeSet<Uuid> = BTreeSet::new();
    for (_, id, at) in shared {
        if names[at].is_none() && taken.insert(id) {
            names[at] = Some(id);
        }
    }
    // A name that was somebody else's is not given again.
    taken.extend(before.iter().map(|group| group.id));
    for (group, name) in groups.iter().zip(&mut names) {
        let mut own = group.members.iter().map(|member| Uuid::new_v5(&GROUPS, member.0.as_bytes()));
        if name.is_none() {
            *name = own.find(|id| taken.insert(*id));
        }
    }
    names.into_iter().zip(groups).map(|(name, group)| name.unwrap_or_else(|| whole_name(group))).collect()
}

/// Namespace of the names of groups.
const GROUPS: Uuid = Uuid::from_u128(0x3b1f_9e02_71c4_5a0d_8e55_616c_6d6f_6e72);

fn whole_name(group: &Gathered) -> Uuid {
    let all: Vec<u8> = group.members.iter().flat_map(|member| *member.0.as_bytes()).collect();
    Uuid::new_v5(&GROUPS, &all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn person(n: u128) -> PersonId {
        PersonId(Uuid::from_u128(n))
    }

    fn bond(left: u128, right: u128, bits: i64) -> Bond {
        Bond::new(person(left), person(right), bits)
    }

    fn members(group: &Gathered) -> Vec<u128> {
        group.members.iter().map(|member| member.0.as_u128()).collect()
    }

    #[test]
    fn the_weakest_pair_is_marked_and_a_light_one_joins_nothing_but_two_strangers() {
        let none = BTreeSet::new();
        let groups =
            gather(&[bond(1, 2, 9_000), bond(2, 3, 4_000), bond(3, 4, -1_000), bond(8, 9, -2_000)], 0, &none);
        assert_eq!(groups.iter().map(members).collect::<Vec<_>>(), [vec![1, 2, 3], vec![8, 9]]);
        assert_eq!(groups[0].weakest, Some((person(2), person(3))));
        assert_eq!(groups[0].doubts, [Doubt { bond: bond(3, 4, -1_000), bridge: false }]);
    }

    #[test]
    fn a_bridge_between_two_big_groups_joins_nothing_and_is_told_by_both() {
        let mut bonds = Vec::new();
        for (from, to) in [(1, 4), (11, 14)] {
            bonds.extend((from..to).map(|n| bond(n, n + 1, 20_000)));
        }
        bonds.push(bond(4, 11, 9_000));
        let groups = gather(&bonds, 0, &BTreeSet::new());
        assert_eq!(groups.len(), 2);
        for group in &groups {
            assert_eq!(group.doubts, [Doubt { bond: bond(4, 11, 9_000), bridge: true }]);
        }
        // With three on one side it is an ordinary pair.
        bonds.retain(|bond| bond.right != person(14));
        assert_eq!(gather(&bonds, 0, &BTreeSet::new()).len(), 1);
    }

    #[test]
    fn whom_somebody_called_two_people_are_in_two_groups() {
        let bonds = [bond(1, 2, 9_000), bond(2, 3, 8_000), bond(1, 3, 7_000)];
        let apart = BTreeSet::from([(person(1), person(3))]);
        let groups = gather(&bonds, 0, &apart);
        assert_eq!(groups.iter().map(members).collect::<Vec<_>>(), [vec![1, 2]]);
        assert_eq!(groups[0].doubts.len(), 1, "the third is asked about");
    }

    fn kept(gathered: Vec<Gathered>, names: Vec<Uuid>) -> Vec<Group> {
        let group = |(group, id): (Gathered, Uuid)| Group {
            id,
            members: group.members,
            bonds: group.bonds,
            weakest: group.weakest,
            doubts: group.doubts,
            model: String::new(),
            at: Instant(0),
        };
        gathered.into_iter().zip(names).map(group).collect()
    }

    #[test]
    fn a_group_keeps_its_name_while_members_come_and_go() {
        let none = BTreeSet::new();
        let first = gather(&[bond(1, 2, 9_000), bond(2, 3, 9_000)], 0, &none);
        let before = kept(first.clone(), named(&first, &[]));
        let later = gather(&[bond(2, 3, 9_000), bond(3, 7, 9_000)], 0, &none);
        assert_eq!(named(&later, &before), [before[0].id]);
        // Its first member makes a new group elsewhere: that one has another name.
        let split = gather(&[bond(2, 3, 9_000), bond(1, 9, 9_000)], 0, &none);
        let names = named(&split, &before);
        assert_eq!(names[1], before[0].id, "two of three stayed together");
        assert_ne!(names[0], before[0].id);
    }

    proptest! {
        /// Whatever is found: everybody is in one group at most, names are unique, and nobody is with whom they were
        /// told apart from.
        #[test]
        fn groups_are_apart_and_named_once(
            pairs in proptest::collection::vec((1u128..14, 1u128..14, -3_000i64..20_000), 0..40),
            told in proptest::collection::vec((1u128..14, 1u128..14), 0..5),
        ) {
            let bonds: BTreeMap<(PersonId, PersonId), Bond> = pairs
                .into_iter()
                .filter(|(one, other, _)| one != other)
                .map(|(one, other, bits)| (bond(one, other, bits).pair(), bond(one, other, bits)))
                .collect();
            let bonds: Vec<Bond> = bonds.into_values().collect();
            let apart = told.into_iter().filter(|(one, other)| one != other);
            let apart: BTreeSet<(PersonId, PersonId)> = apart.map(|(one, other)| bond(one, other, 0).pair()).collect();
            let groups = gather(&bonds, 0, &apart);
            let mut seen = BTreeSet::new();
            for group in &groups {
                prop_assert!(group.members.len() > 1);
                for member in &group.members {
                    prop_assert!(seen.insert(*member));
                }
                for (one, other) in &apart {
                    prop_assert!(!(group.members.contains(one) && group.members.contains(other)));
                }
            }
            let names = named(&groups, &[]);
            prop_assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), groups.len());
            let before = kept(groups.clone(), names.clone());
            prop_assert_eq!(named(&groups, &before), names, "the same groups have the same names");
        }
    }
}
