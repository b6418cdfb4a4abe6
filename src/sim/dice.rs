//! Deterministic randomness: a seeded stream with the few draws a simulation needs.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

/// A stream of draws that depends on its seed alone.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// A stream for one purpose: the same seed gives unrelated streams for different purposes.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(purpose);
        Self(rng)
    }

    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound` (0 when the bound is 0); the bias of the modulus does not matter here.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.bits().checked_rem(bound).unwrap_or(0)
    }

    /// An index into something of that length.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(u64::try_from(len).unwrap_or(0))).unwrap_or(0)
    }

    /// A whole number of the closed range.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high.saturating_sub(low).saturating_add(1)).unwrap_or(1);
        low.saturating_add(i64::try_from(self.below(span)).unwrap_or(0))
    }

    /// True so many times in a thousand.
    pub(crate) fn per_mille(&mut self, odds: u64) -> bool {
        self.below(1000) < odds
    }

    /// One element; `None` only for an empty slice.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.index(items.len()))
    }

    /// A UUID with the version and variant bits of version 4.
    pub(crate) fn uuid(&mut self) -> Uuid {
        let wide = (u128::from(self.bits()) << 64) | u128::from(self.bits());
        uuid::Builder::from_random_bytes(wide.to_be_bytes()).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn the_same_seed_gives_the_same_draws() {
        let (mut one, mut two) = (Dice::new(7, 1), Dice::new(7, 1));
        assert_eq!(one.uuid(), two.uuid());
        assert_ne!(Dice::new(7, 1).bits(), Dice::new(7, 2).bits());
        assert_eq!(one.uuid().get_version_num(), 4);
    }
}
