//! Learns the weights of a base from the base itself, without anybody saying which records belong together.
//!
//! Strangers are counted in pairs taken evenly from the whole base. The rest is expectation maximisation (Dempster, Laird
//! and Rubin, 1977) over the pairs that share a key; all other pairs are taken for strangers. The shipped weights stand
//! beside the counts as if they had been seen so many times, and so decide where a base says little.

use super::compare::{FIELDS, Field, Found, LEVELS, compare};
use super::model::{Model, Other, Ratios};
use super::priors::shipped;
use super::record::Base;

/// Pairs looked at for how strangers agree.
const STRANGERS: u64 = 80_000;
/// How many pairs of strangers the shipped weights stand for.
const STRANGERS_PRIOR: f64 = 500.0;
/// How many pairs of one person the shipped weights stand for.
const MATCHES_PRIOR: f64 = 30.0;
/// .. for first names: nobody's changes, and it is what tells a person from their household.
const FIRST_NAMES_PRIOR: f64 = 60.0;
/// How many pairs of a household the shipped shares stand for: households differ from base to base.
const SHARES_PRIOR: f64 = 5.0;
/// Rounds at most.
const ROUNDS: usize = 25;
/// Ends when no rate moves by more than this part of itself.
const STILL: f64 = 0.002;

/// A pair to learn from, and how many pairs it stands for.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// What its comparison found.
    pub found: Found,
    /// How many pairs it stands for.
    pub count: f64,
    /// Whether a person decided that the two are one; none where nobody did.
    pub decided: Option<bool>,
}

impl Sample {
    /// A pair that a person decided.
    pub const fn decided(found: Found, same: bool) -> Self {
        Self { found, count: 1.0, decided: Some(same) }
    }
}

/// Learns a model. The pairs are those that share a key, or an even part of them.
pub fn estimate(base: &Base, pairs: &[Sample]) -> Model {
    let mut model = shipped(base.rows.len());
    count_strangers(base, &mut model);
    let prior = model.clone();
    for _ in 0..ROUNDS {
        let before = model.clone();
        count_pairs(&before, pairs).settle(&prior, &mut model, |field| !field.is_presence());
        let moved = |old: f64, new: f64| (old - new).abs() > STILL * old;
        let others = before.others.iter().zip(&model.others);
        if !moved(before.rate, model.rate) && !others.into_iter().any(|(old, new)| moved(old.rate, new.rate))
        {
            break;
        }
    }
    // What records lack is counted last and once: it says too little of a pair to be let decide who belongs together.
    count_pairs(&model, pairs).settle(&prior, &mut model, Field::is_presence);
    model.version = version(&model);
    model
}

/// What is expected of all pairs, if the model holds.
fn count_pairs(model: &Model, pairs: &[Sample]) -> Counts {
    let mut counts = Counts::default();
    for pair in pairs {
        counts.add(model, pair);
    }
    counts
}

/// Names a learnt model by what it says, so that two different ones never share a name.
fn version(model: &Model) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let numbers = model.m.iter().chain(&model.u).flatten().chain([&model.rate, &model.moved]);
    for byte in numbers.flat_map(|number| number.to_bits().to_le_bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{}+learnt-{hash:016x}", super::priors::VERSION)
}

/// Counts the levels of pairs that are spread evenly over the base.
fn count_strangers(base: &Base, model: &mut Model) {
    let rows = base.rows.len() as u64;
    if rows < 2 {
        return;
    }
    let all = rows * (rows - 1) / 2;
    let wanted = STRANGERS.min(all);
    let mut counts = [[0.0f64; LEVELS]; FIELDS];
    let mut state = 0x2545_f491_4f6c_dd1du64;
    for _ in 0..wanted {
        let (left, right) = (step(&mut state, rows), step(&mut state, rows - 1));
        let right = if right >= left { right + 1 } else { right };
        let found = compare(base, &base.rows[left], &base.rows[right]);
        for (count, level) in counts.iter_mut().zip(found.levels) {
            count[usize::from(level)] += 1.0;
        }
    }
    for field in Field::ALL {
        if field != Field::Order {
            model.u[field.at()] = smoothed(&counts[field.at()], &model.u[field.at()], STRANGERS_PRIOR);
        }
        if field.is_presence() {
            model.m[field.at()] = model.u[field.at()];
        }
    }
}

/// The next number below `limit` of a fixed sequence (a 64-bit linear congruence): the same base, the same pairs.
fn step(state: &mut u64, limit: u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let high = (u128::from(*state >> 1) * u128::from(limit)) >> 63;
    usize::try_from(high).unwrap_or(0)
}

/// Frequencies of the levels above 0, with a prior that stands for so many observations.
fn smoothed(counts: &[f64; LEVELS], prior: &[f64; LEVELS], strength: f64) -> [f64; LEVELS] {
    let seen: f64 = counts[1..].iter().sum();
    let mut out = [0.0; LEVELS];
    for level in 1..LEVELS {
        out[level] = (counts[level] + strength * prior[level]) / (seen + strength);
    }
    out
}

/// The part of pairs of one person in which a field is different, at most. People keep most of what they are asked for:
/// where more differs, what was found are no duplicates but something else that goes together, and the rest must not follow.
const fn most_different(field: Field) -> f64 {
    match field {
        Field::First => 0.25,
        Field::Last | Field::Birth => 0.3,
        Field::Email | Field::Phone => 0.5,
        Field::Number | Field::Street | Field::Town | Field::Postcode => 0.4,
        _ => 1.0,
    }
}

fn prior_strength(field: usize) -> f64 {
    if field == Field::First.at() { FIRST_NAMES_PRIOR } else { MATCHES_PRIOR }
}

/// Levels of which the first is at most `most`; the others share the rest as they did.
fn bounded(mut levels: [f64; LEVELS], most: f64) -> [f64; LEVELS] {
    let different = levels[1];
    if different > most {
        for level in &mut levels[2..] {
            *level *= (1.0 - most) / (1.0 - different);
        }
        levels[1] = most;
    }
    levels
}

/// What one round expects.
struct Counts {
    one: f64,
    one_known_place: f64,
    moved: f64,
    m: [[f64; LEVELS]; FIELDS],
    others: [OtherCounts; 3],
}

#[derive(Clone, Copy, Default)]
struct OtherCounts {
    all: f64,
    known: [f64; FIELDS],
    shared: [f64; FIELDS],
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            one: 0.0,
            one_known_place: 0.0,
            moved: 0.0,
            m: [[0.0; LEVELS]; FIELDS],
            others: [OtherCounts::default(); 3],
        }
    }
}

impl Counts {
    fn add(&mut self, model: &Model, pair: &Sample) {
        let ratios = model.ratios(&pair.found);
        let mut one = model.rate * Model::one_person(&ratios);
        let mut others = model.others.map(|kind| kind.rate * Model::two_people(&kind, &ratios));
        let mut strangers = model.strangers();
        match pair.decided {
            // What a person said is no question any more; what two people have to do with each other still is.
            Some(true) => (others, strangers) = ([0.0; 3], 0.0),
            Some(false) => one = 0.0,
            None => {}
        }
        let all = one + strangers + others.iter().sum::<f64>();
        let part = one / all * pair.count;
        if part > 1e-9 {
            self.add_one(model, &pair.found, &ratios, part);
        }
        for (at, other) in others.into_iter().enumerate() {
            self.add_other(model, at, &pair.found, &ratios, other / all * pair.count);
        }
    }

    fn add_one(&mut self, model: &Model, found: &Found, ratios: &Ratios, part: f64) {
        self.one += part;
        let moved = model.moved / ratios.place;
        let known = Field::ALL.iter().any(|field| field.is_place() && found.level(*field) > 0);
        if known {
            self.one_known_place += part;
            self.moved += part * moved;
        }
        for field in Field::ALL {
            let part = if field.is_place() { part * (1.0 - moved) } else { part };
            self.m[field.at()][usize::from(found.level(field))] += part;
        }
    }

    fn add_other(&mut self, model: &Model, at: usize, found: &Found, ratios: &Ratios, part: f64) {
        let (kind, counts) = (&model.others[at], &mut self.others[at]);
        counts.all += part;
        for field in Field::ALL.into_iter().filter(|field| !field.is_place() && found.level(*field) > 0) {
            let (share, ratio) = (kind.share[field.at()], ratios.fields[field.at()]);
            counts.known[field.at()] += part;
            counts.shared[field.at()] += part * share * ratio / super::model::mix(share, ratio);
        }
    }

    /// Takes the expectations for the new weights, of the fields that are wanted.
    fn settle(&self, prior: &Model, model: &mut Model, wanted: impl Fn(Field) -> bool) {
        let pairs = model.records * (model.records - 1.0) / 2.0;
        let rate = |count: f64, usual: f64| (count + RATE_PRIOR) / (pairs + RATE_PRIOR / usual);
        model.rate = rate(self.one, prior.rate);
        model.moved = (self.moved + MATCHES_PRIOR * prior.moved) / (self.one_known_place + MATCHES_PRIOR);
        for at in Field::ALL.into_iter().filter(|field| wanted(*field)).map(Field::at) {
            model.m[at] = bounded(
                smoothed(&self.m[at], &prior.m[at], prior_strength(at)),
                most_different(Field::ALL[at]),
            );
        }
        for (at, counts) in self.others.iter().enumerate() {
            model.others[at].rate = if Other::ALL[at] == Other::NamesakeAtHome {
                NAMESAKES_AT_HOME * model.others[0].rate
            } else {
                rate(counts.all, prior.others[at].rate)
            };
            for field in 0..FIELDS {
                let usual = prior.others[at].share[field];
                // What such people share by what they are is no question.
                if usual > 0.0 && usual < 1.0 {
                    let shared = counts.shared[field] + SHARES_PRIOR * usual;
                    model.others[at].share[field] = shared / (counts.known[field] + SHARES_PRIOR);
                }
            }
        }
    }
}

/// How many pairs of a kind the shipped rate stands for.
const RATE_PRIOR: f64 = 1.0;
/// How many pairs of namesakes at home there are for each pair of a household. They are too few, and too like one person,
/// to be counted; taken rather too high, so that a doubt goes to a person. Tied to the households, since where no two people
/// share an address there are no fathers and sons, and everybody whose date of birth was mistyped would look like two.
const NAMESAKES_AT_HOME: f64 = 0.07;
