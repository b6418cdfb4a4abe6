//! Which records are one person, taken together: what is known of one record speaks for all that are surely the same.
//!
//! Pairs are joined from the strongest down. A pair whose records already belong to groups is weighed by what the two
//! groups know together: the e-mail address that one record lacks stands in its sister. So a telephone that fits joins
//! three records at once, and one that does not fit parts a son from his father although his own record lacks it.

use std::collections::BTreeMap;

use super::compare::{Field, Found, compare, kept, presence};
use super::link::{Linked, Pair};
use super::model::Model;
use super::record::{Base, NONE};

/// Bits from which two groups are joined: better than four to one.
pub const JOINED_BITS: f64 = 2.0;
/// Records of a group that are compared with those of another; a larger group is known well enough by these.
const WITNESSES: usize = 6;
/// Groups of so many records each are not joined by a single link: a person decides.
const BIG: usize = 4;
/// How often what was not joined is looked at again, since groups grow.
const ROUNDS: usize = 2;

/// Records that are taken for one person.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// The rows, in order. The first names the cluster: it stays when others come or go.
    pub rows: Vec<u32>,
    /// The link that holds it together least, and its bits.
    pub weakest: (Pair, f64),
}

/// Two big clusters with one link between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bridge {
    /// The link.
    pub pair: Pair,
    /// What it is worth.
    pub bits: f64,
}

/// What joining came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Joined {
    /// All pairs that were candidates or came into one cluster, with the bits they have now, in order.
    pub pairs: Vec<Linked>,
    /// Clusters of two rows and more, in order.
    pub clusters: Vec<Cluster>,
    /// Links that would join two big clusters, for a person to decide.
    pub bridges: Vec<Bridge>,
}

/// Joins what belongs together. `pairs` are the scored candidates.
pub fn join(base: &Base, model: &Model, mut pairs: Vec<Linked>) -> Joined {
    pairs.sort_by(|left, right| right.bits.total_cmp(&left.bits).then(left.pair.cmp(&right.pair)));
    let mut groups = Groups::of(base, model);
    let mut open: Vec<Open> = pairs.into_iter().map(|linked| Open { linked, seen: (1, 1) }).collect();
    for _ in 0..=ROUNDS {
        open = groups.round(open);
    }
    groups.finish(open)
}

/// A pair that is not joined.
struct Open {
    linked: Linked,
    /// How many records the two groups had when it was last weighed; they only grow.
    seen: (usize, usize),
}

/// Groups while they grow.
struct Groups<'a> {
    base: &'a Base,
    model: &'a Model,
    /// The group of each row.
    of: Vec<u32>,
    /// The rows of each group, by the row that names it.
    rows: BTreeMap<u32, Vec<u32>>,
    /// Pairs within groups.
    inside: BTreeMap<Pair, Linked>,
    weakest: BTreeMap<u32, (Pair, f64)>,
}

impl<'a> Groups<'a> {
    fn of(base: &'a Base, model: &'a Model) -> Self {
        let count = u32::try_from(base.rows.len()).unwrap_or(u32::MAX);
        Self {
            base,
            model,
            of: (0..count).collect(),
            rows: BTreeMap::new(),
            inside: BTreeMap::new(),
            weakest: BTreeMap::new(),
        }
    }

    fn members(&self, group: u32) -> Vec<u32> {
        self.rows.get(&group).cloned().unwrap_or_else(|| vec![group])
    }

    fn size(&self, group: u32) -> usize {
        self.rows.get(&group).map_or(1, Vec::len)
    }

    /// Looks at all open pairs once; what is not joined stays open, with the bits it has now.
    fn round(&mut self, open: Vec<Open>) -> Vec<Open> {
        let mut still_open = Vec::with_capacity(open.len());
        for mut one in open {
            let pair = one.linked.pair;
            let (left, right) = (self.of[pair.0 as usize], self.of[pair.1 as usize]);
            if left == right {
                continue;
            }
            let sizes = (self.size(left), self.size(right));
            if sizes != one.seen {
                one.seen = sizes;
                one.linked.found = pool(self.base, &self.members(left), &self.members(right));
                one.linked.bits = self.model.weigh(&one.linked.found).bits();
            }
            if one.linked.bits >= JOINED_BITS && sizes.0.min(sizes.1) < BIG {
                self.unite(left, right, one.linked);
            } else {
                still_open.push(one);
            }
        }
        still_open
    }

    fn unite(&mut self, left: u32, right: u32, by: Linked) {
        let (one, other) = (self.members(left), self.members(right));
        for a in &one {
            for b in &other {
                let pair = (*a.min(b), *a.max(b));
                self.inside.insert(pair, Linked { pair, found: by.found, bits: by.bits });
            }
        }
        let (name, gone) = (left.min(right), left.max(right));
        let mut rows: Vec<u32> = one.into_iter().chain(other).collect();
        rows.sort_unstable();
        for row in &rows {
            self.of[*row as usize] = name;
        }
        self.rows.remove(&gone);
        self.rows.insert(name, rows);
        let weakest = [self.weakest.remove(&left), self.weakest.remove(&right), Some((by.pair, by.bits))];
        let least = weakest.into_iter().flatten().min_by(|a, b| a.1.total_cmp(&b.1));
        self.weakest.insert(name, least.unwrap_or((by.pair, by.bits)));
    }

    fn finish(self, open: Vec<Open>) -> Joined {
        let of = &self.of;
        let apart = open.into_iter().map(|one| one.linked);
        let apart: Vec<Linked> =
            apart.filter(|linked| of[linked.pair.0 as usize] != of[linked.pair.1 as usize]).collect();
        // What is worth joining and was not: two big clusters.
        let strong = apart.iter().filter(|linked| linked.bits >= JOINED_BITS);
        let bridges = strong.map(|linked| Bridge { pair: linked.pair, bits: linked.bits }).collect();
        let mut pairs: Vec<Linked> = self.inside.into_values().chain(apart).collect();
        pairs.sort_by_key(|linked| linked.pair);
        pairs.dedup_by_key(|linked| linked.pair);
        let weakest = self.weakest;
        let clusters = self.rows.into_iter().filter_map(|(name, rows)| {
            let weakest = *weakest.get(&name)?;
            Some(Cluster { rows, weakest })
        });
        Joined { pairs, clusters: clusters.collect(), bridges }
    }
}

/// What two groups have in common, each field by the two records that agree best on it.
///
/// First names are judged by those written out, where both groups have one: `L.` fits too many.
fn pool(base: &Base, one: &[u32], other: &[u32]) -> Found {
    let mut best: Option<Found> = None;
    let mut names: Option<(bool, Found)> = None;
    for a in one.iter().take(WITNESSES) {
        for b in other.iter().take(WITNESSES) {
            let found = compare(base, &base.rows[*a as usize], &base.rows[*b as usize]);
            let full = is_full(base, *a) && is_full(base, *b);
            let better = match &names {
                None => true,
                Some((had_full, had)) => (full, name_rank(&found)) > (*had_full, name_rank(had)),
            };
            if better {
                names = Some((full, found));
            }
            best = Some(best.map_or(found, |best| better_of(best, &found)));
        }
    }
    let mut pooled = best.unwrap_or(Found::NOTHING);
    if let Some((_, names)) = names {
        for field in [Field::First, Field::Last, Field::Order, Field::Title] {
            pooled.levels[field.at()] = names.levels[field.at()];
            pooled.shared[field.at()] = names.shared[field.at()];
        }
    }
    let any = |rows: &[u32], at: usize| rows.iter().any(|row| kept(&base.rows[*row as usize])[at].1);
    for (at, field) in [Field::EmailKept, Field::PhoneKept].into_iter().enumerate() {
        pooled.levels[field.at()] = presence((any(one, at), any(other, at)));
    }
    pooled
}

fn is_full(base: &Base, row: u32) -> bool {
    let first = base.rows[row as usize].first;
    first != NONE && !base.names.get(first).part.is_initial()
}

/// By how well names agree: the first name, then the family name.
fn name_rank(found: &Found) -> (u8, u8, u8) {
    (found.level(Field::First), found.level(Field::Last), found.level(Field::Title))
}

fn better_of(mut best: Found, found: &Found) -> Found {
    for at in 0..best.levels.len() {
        let rarer = found.levels[at] == best.levels[at] && found.shared[at] < best.shared[at];
        if found.levels[at] > best.levels[at] || rarer {
            best.levels[at] = found.levels[at];
            best.shared[at] = found.shared[at];
        }
    }
    best
}
