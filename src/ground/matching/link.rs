//! Links a whole base with itself: who shares a key, how alike they are, what that is worth.

use super::cluster::{Joined, join};
use super::compare::{Found, compare};
use super::estimate::{Sample, estimate};
use super::keys::keys;
use super::model::Model;
use super::record::{Base, Donor};

/// Most rows that share a key and are still compared with each other; a key that more share tells nothing.
const BLOCK_MAX: usize = 60;
/// Most pairs compared for each row.
const PAIRS_PER_ROW: usize = 60;
/// Of all pairs, the part that may be compared: one in so many.
const PAIRS_PART: u64 = 120;
/// Pairs worth less are forgotten: 256 to one against.
const KEPT_BITS: f64 = -8.0;
/// Pairs the weights are learnt from, at most.
const SAMPLES: usize = 80_000;

/// Two rows of a base by their places, the lower first.
pub type Pair = (u32, u32);

/// A pair that may be one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Linked {
    /// The rows.
    pub pair: Pair,
    /// What the comparison found.
    pub found: Found,
    /// The weight, in bits.
    pub bits: f64,
}

/// A base, linked with itself.
#[derive(Debug)]
pub struct Linkage {
    /// The people.
    pub base: Base,
    /// The weights learnt from them.
    pub model: Model,
    /// Pairs, clusters, and what a person must decide.
    pub joined: Joined,
    /// How many pairs were compared.
    pub compared: usize,
}

/// How a list of pairs is worked through: whoever has threads may share it among them, part by part in order.
pub type Spread = fn(&[Pair], &(dyn Fn(&[Pair]) -> Vec<Linked> + Sync)) -> Vec<Linked>;

/// All in one piece.
pub fn alone(pairs: &[Pair], work: &(dyn Fn(&[Pair]) -> Vec<Linked> + Sync)) -> Vec<Linked> {
    work(pairs)
}

/// Links all donors with each other. `country` is the code of telephone numbers written without one.
pub fn link(donors: &[Donor], country: &str, spread: Spread) -> Linkage {
    let base = Base::read(donors, country);
    let pairs = candidates(&base);
    let model = learn(&base, &pairs);
    let scored = spread(&pairs, &|part| score(&base, &model, part, KEPT_BITS));
    let kept = scored.len();
    let joined = join(&base, &model, scored);
    // Groups bring pairs together that share no key.
    let compared = pairs.len() + joined.pairs.len().saturating_sub(kept);
    Linkage { base, model, joined, compared }
}

/// Pairs that share a key, each once, in order. The rarest keys come first, until enough pairs are found.
pub fn candidates(base: &Base) -> Vec<Pair> {
    let mut keyed: Vec<(u64, u32)> = Vec::with_capacity(base.rows.len() * 20);
    for (at, row) in (0u32..).zip(&base.rows) {
        let mut own = keys(base, row);
        own.sort_unstable();
        own.dedup();
        keyed.extend(own.into_iter().map(|key| (key, at)));
    }
    keyed.sort_unstable();
    let mut blocks: Vec<&[(u64, u32)]> = keyed
        .chunk_by(|left, right| left.0 == right.0)
        .filter(|block| (2..=BLOCK_MAX).contains(&block.len()))
        .collect();
    blocks.sort_by_key(|block| block.len());
    let enough = enough(base.rows.len());
    let mut pairs: Vec<Pair> = Vec::new();
    let mut settled = 0;
    for same in blocks.chunk_by(|left, right| left.len() == right.len()) {
        for block in same {
            each_pair(block, &mut pairs);
        }
        if pairs.len() > settled * 2 || pairs.len() >= enough {
            pairs.sort_unstable();
            pairs.dedup();
            settled = pairs.len();
        }
        if pairs.len() >= enough {
            break;
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

fn enough(rows: usize) -> usize {
    let all = (rows as u64) * (rows.saturating_sub(1) as u64) / 2;
    let part = usize::try_from(all / PAIRS_PART).unwrap_or(usize::MAX);
    // A small base is compared whole.
    part.clamp(2_000, (rows * PAIRS_PER_ROW).max(2_000))
}

fn each_pair(block: &[(u64, u32)], pairs: &mut Vec<Pair>) {
    for (at, (_, left)) in block.iter().enumerate() {
        pairs.extend(block[at + 1..].iter().map(|(_, right)| (*left, *right)));
    }
}

/// Learns the weights of a base from its candidate pairs.
pub fn learn(base: &Base, pairs: &[Pair]) -> Model {
    learn_with(base, pairs, &[])
}

/// The same, and from pairs that people decided.
pub fn learn_with(base: &Base, pairs: &[Pair], decided: &[Sample]) -> Model {
    let each = pairs.len().div_ceil(SAMPLES).max(1);
    let taken = pairs.iter().step_by(each);
    #[expect(clippy::cast_precision_loss, reason = "a step is a small number")]
    let count = each as f64;
    let sample = |pair: &Pair| Sample { found: compare_pair(base, *pair), count, decided: None };
    let samples: Vec<Sample> = taken.map(sample).chain(decided.iter().copied()).collect();
    estimate(base, &samples)
}

fn compare_pair(base: &Base, (left, right): Pair) -> Found {
    compare(base, &base.rows[left as usize], &base.rows[right as usize])
}

/// Scores pairs and keeps those of at least `floor` bits, in the order of the pairs.
pub fn score(base: &Base, model: &Model, pairs: &[Pair], floor: f64) -> Vec<Linked> {
    let linked = pairs.iter().map(|pair| {
        let found = compare_pair(base, *pair);
        Linked { pair: *pair, found, bits: model.weigh(&found).bits() }
    });
    linked.filter(|linked| linked.bits >= floor).collect()
}
