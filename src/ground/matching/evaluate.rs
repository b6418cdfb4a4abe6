//! How well pairs were scored, against a truth that somebody knows.

use std::collections::BTreeSet;

use super::decide::probability_of;
use super::link::Pair;

/// A scored pair: the rows, and the weight in bits.
pub type Scored = (Pair, f64);

/// The figures of an evaluation. A pair that was never scored counts as not linked.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Pairs that are one person.
    pub true_pairs: usize,
    /// The best harmonic mean of precision and recall at any threshold.
    pub best_f1: f64,
    /// The probability from which that is reached.
    pub best_threshold: f64,
    /// The harmonic mean at the threshold asked about.
    pub f1_at_threshold: f64,
    /// Precision there.
    pub precision_at_threshold: f64,
    /// Recall there.
    pub recall_at_threshold: f64,
    /// The most recall at a precision of at least 0.99.
    pub recall_at_p99: f64,
    /// .. of at least 0.999.
    pub recall_at_p999: f64,
}

/// Judges scored pairs at every threshold, and at `threshold` bits.
pub fn judge(scored: &[Scored], truth: &BTreeSet<Pair>, threshold: f64) -> Figures {
    let mut ordered: Vec<(f64, bool)> =
        scored.iter().map(|(pair, bits)| (*bits, truth.contains(pair))).collect();
    ordered.sort_by(|left, right| right.0.total_cmp(&left.0));
    let mut figures = Figures { true_pairs: truth.len(), ..Figures::default() };
    let (mut linked, mut right) = (0, 0);
    // Pairs of equal weight are linked together or not at all.
    for equal in ordered.chunk_by(|left, right| left.0.total_cmp(&right.0).is_eq()) {
        linked += equal.len();
        right += equal.iter().filter(|(_, is_true)| *is_true).count();
        let bits = equal[0].0;
        let (precision, recall) = (part(right, linked), part(right, truth.len()));
        let f1 = mean(precision, recall);
        if f1 > figures.best_f1 {
            figures.best_f1 = f1;
            figures.best_threshold = probability_of(bits);
        }
        if bits >= threshold {
            (figures.f1_at_threshold, figures.precision_at_threshold, figures.recall_at_threshold) =
                (f1, precision, recall);
        }
        if precision >= 0.99 {
            figures.recall_at_p99 = recall;
        }
        if precision >= 0.999 {
            figures.recall_at_p999 = recall;
        }
    }
    figures
}

#[expect(clippy::cast_precision_loss, reason = "no base has 2^52 pairs")]
fn part(of: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { of as f64 / all as f64 }
}

fn mean(precision: f64, recall: f64) -> f64 {
    if precision + recall == 0.0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_one_counts_by_hand() {
        let truth = BTreeSet::from([(0, 1), (2, 3), (4, 5), (6, 7)]);
        let scored = [((0, 1), 9.0), ((2, 3), 5.0), ((0, 2), 5.0), ((4, 5), 1.0), ((1, 3), -2.0)];
        let figures = judge(&scored, &truth, 3.0);
        assert_eq!(figures.true_pairs, 4);
        let near = |left: f64, right: f64| assert!((left - right).abs() < 1e-12, "{left} {right}");
        near(figures.best_f1, 0.75);
        near(figures.best_threshold, probability_of(1.0));
        near(figures.precision_at_threshold, 2.0 / 3.0);
        near(figures.recall_at_threshold, 0.5);
        near(figures.f1_at_threshold, 4.0 / 7.0);
        near(figures.recall_at_p99, 0.25);
    }

    #[test]
    fn nothing_scored_is_nothing_found() {
        let figures = judge(&[], &BTreeSet::from([(0, 1)]), 0.0);
        assert_eq!(figures, Figures { true_pairs: 1, ..Figures::default() });
    }
}
