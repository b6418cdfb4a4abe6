//! What was learnt from a base, in a form that can be kept: the weights, and how common its common values are.
//!
//! Of values only hashes of 32 bits and counts are kept, and only of values that many records share: they tell how much an
//! agreement is worth and nobody's name. Two values that share a hash would be taken for equally common, no more.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::compare::compare;
use super::estimate::Sample;
use super::keys::hash;
use super::link::{candidates, learn_with};
use super::model::Model;
use super::priors::shipped;
use super::record::{Base, Donor, ValueKind};
use crate::ground::time::Instant;

/// The one subject that holds what was learnt last; its history holds all that ever was.
pub const LEARNT_ID: Uuid = Uuid::from_u128(0x616c_6d6f_6e65_7200_0000_0000_0000_0002);

/// Records that must share a value before its frequency is kept.
const SHARED_MIN: u32 = 8;
/// Frequencies kept, the most frequent first.
const KEPT_MAX: usize = 4_000;

/// How common values are in a base.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Frequencies {
    /// Hash of kind and value, and how many records have it.
    common: BTreeMap<u32, u32>,
    /// By kind: how many records have the value of a record whose value is not among the common ones.
    rest: [u32; ValueKind::COUNT],
}

impl Frequencies {
    /// Counts a base.
    pub fn of(base: &Base) -> Self {
        let mut common = Vec::new();
        let mut rest = [(0u64, 0u64); ValueKind::COUNT];
        base.each_count(&mut |kind, text, count| {
            if count >= SHARED_MIN {
                common.push((count, slot(kind, text)));
            } else {
                let (squares, all) = &mut rest[kind.at()];
                *squares += u64::from(count) * u64::from(count);
                *all += u64::from(count);
            }
        });
        common.sort_unstable_by(|left, right| right.cmp(left));
        common.truncate(KEPT_MAX);
        Self {
            common: common.into_iter().map(|(count, slot)| (slot, count)).collect(),
            rest: rest.map(|(squares, all)| u32::try_from(squares.div_ceil(all.max(1))).unwrap_or(u32::MAX)),
        }
    }

    /// How many records have a value.
    pub fn count(&self, kind: ValueKind, text: &str) -> u32 {
        self.common.get(&slot(kind, text)).copied().unwrap_or(self.rest[kind.at()])
    }
}

fn slot(kind: ValueKind, text: &str) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "a part of a hash is a hash")]
    let half = hash(kind.number(), [text, ""]) as u32;
    half
}

/// The parameters by which a base's records are weighed. Each set has the name of its model, and every stored score names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learnt {
    /// The weights.
    pub model: Model,
    /// How common values are.
    pub frequencies: Frequencies,
    /// When it was learnt; none of what is shipped.
    pub at: Option<Instant>,
    /// Records it was learnt from.
    pub records: u64,
    /// People's decisions it was learnt from.
    pub decided: u64,
    /// Decisions about proposals above the threshold for links: those that people confirmed, and those they refused.
    #[serde(default)]
    pub strong: (u32, u32),
}

impl Learnt {
    /// What is shipped, for a base of so many records of which nothing was learnt yet.
    pub fn shipped(records: u64) -> Self {
        let count = usize::try_from(records).unwrap_or(usize::MAX);
        Self {
            model: shipped(count),
            frequencies: Frequencies::default(),
            at: None,
            records: 0,
            decided: 0,
            strong: (0, 0),
        }
    }

    /// Learns from a base, and from what people decided of pairs of its records.
    pub fn of(donors: &[Donor], decided: &[(Donor, Donor, bool)], country: &str, at: Instant) -> Self {
        let base = Base::read(donors, country);
        let pairs = candidates(&base);
        let frequencies = Frequencies::of(&base);
        let told = decided.iter().map(|(left, right, same)| {
            let pair = Base::among([left, right], country, &frequencies);
            Sample::decided(compare(&pair, &pair.rows[0], &pair.rows[1]), *same)
        });
        Self {
            model: learn_with(&base, &pairs, &told.collect::<Vec<_>>()),
            frequencies,
            at: Some(at),
            records: donors.len() as u64,
            decided: decided.len() as u64,
            strong: (0, 0),
        }
    }

    /// Whether a base of so many records, with so many decisions, has become another one than this was learnt from.
    pub fn is_outgrown(&self, records: u64, decided: u64, now: Instant) -> bool {
        if records < RECORDS_MIN {
            return false;
        }
        let Some(at) = self.at else { return true };
        let doubled = records >= self.records * 2;
        let tenth = records.abs_diff(self.records) * 10 >= self.records.max(1);
        let told = decided.saturating_sub(self.decided) >= DECISIONS_WORTH;
        doubled || ((tenth || told) && now.micros_since(at) >= REST_MICROS)
    }
}

/// Records below which the shipped weights are better than what could be learnt.
const RECORDS_MIN: u64 = 200;
/// New decisions that are worth learning anew.
const DECISIONS_WORTH: u64 = 50;
/// How long a set stands while its base grows slowly: a day.
const REST_MICROS: i64 = 24 * 3_600 * 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn people(count: usize) -> Vec<Donor> {
        let named = |at: usize| Donor {
            first: ["Ada", "Bob", "Cleo", "Dan", "Eva"][at % 5].into(),
            last: format!("{}son", ["Pugh", "Rees", "Price", "Bowen", "Parry", "Tudor", "Morgan"][at % 7]),
            postcode: format!("NP{} {}AA", at % 20, at % 9),
            ..Donor::default()
        };
        (0..count).map(named).collect()
    }

    #[test]
    fn common_values_are_known_and_rare_ones_are_as_rare_as_they_usually_are() {
        let mut donors = people(100);
        donors.push(Donor { last: "Zwygart".into(), first: "Zoe".into(), ..Donor::default() });
        let learnt = Learnt::of(&donors, &[], "44", Instant(7));
        let count = |kind, text| learnt.frequencies.count(kind, text);
        assert_eq!(count(ValueKind::First, "ada"), 20);
        assert_eq!(count(ValueKind::Last, "pughson"), 15);
        assert_eq!(count(ValueKind::Last, "zwygart"), 1);
        assert_eq!(count(ValueKind::Last, "nobody"), 1);
        assert_eq!((learnt.records, learnt.at), (101, Some(Instant(7))));
    }

    #[test]
    fn it_is_learnt_anew_when_the_base_has_become_another_one() {
        let day = 24 * 3_600 * 1_000_000;
        assert!(!Learnt::shipped(150).is_outgrown(150, 0, Instant(0)));
        assert!(Learnt::shipped(250).is_outgrown(250, 0, Instant(0)));
        let learnt = Learnt { at: Some(Instant(0)), records: 1_000, ..Learnt::shipped(1_000) };
        for (records, decided, now, outgrown) in [
            (1_050, 0, 2 * day, false),
            (1_100, 0, day / 2, false),
            (1_100, 0, day, true),
            (2_000, 0, 1, true),
            (1_000, 49, 2 * day, false),
            (1_000, 50, 2 * day, true),
        ] {
            assert_eq!(learnt.is_outgrown(records, decided, Instant(now)), outgrown, "{records} {decided}");
        }
    }
}
