//! The call for changes: from when it may ask, and when its answer cannot be complete (contract 4).

use super::id::Entity;
use crate::ground::time::Instant;

/// Changes are told for 30 days back; a little less, since the two clocks differ and a call takes a while.
const TOLD_FOR_MS: i64 = 30 * 86_400_000 - 3_600_000;
/// So far before the last call's start the next one begins, in milliseconds: times are to the second and commits lag
/// (contract 3.3).
const OVERLAP_MS: i64 = 120_000;
/// Records of one answer at most; more are left out silently.
pub const CHANGES_MAX: usize = 1_000;

/// How the next look at a company is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Ask for the changes since then.
    Since(Instant),
    /// Changes are not told that far back, or none was ever asked for: read everything again.
    Whole,
}

/// How to look, when the last complete look began at `cursor`. A cursor from the future (a clock that was wrong) is not
/// believed, unless it is so little ahead that what is asked again covers it.
pub fn look(cursor: Option<Instant>, now: Instant) -> Look {
    let near = now.plus_millis(OVERLAP_MS / 2);
    let Some(cursor) = cursor.filter(|cursor| *cursor <= near) else { return Look::Whole };
    let since = cursor.plus_millis(-OVERLAP_MS);
    if now.micros_since(since) > TOLD_FOR_MS * 1_000 { Look::Whole } else { Look::Since(since) }
}

/// Whether an answer is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complete {
    /// It is.
    Yes,
    /// It may not be: ask for each kind alone.
    AskEach,
    /// One kind alone may not be: page through a query since then, and compare ids for what was deleted.
    PageThrough,
}

/// Whether the answer to a question for these kinds is complete, by how many records it told of each. Whether the limit is
/// one of the answer or one of each kind is not known, so that either counts (contract 4, 15.1).
pub fn complete(asked: &[Entity], told: &[usize]) -> Complete {
    let full = told.iter().sum::<usize>() >= CHANGES_MAX || told.iter().any(|count| *count >= CHANGES_MAX);
    match (full, asked.len()) {
        (false, _) => Complete::Yes,
        (true, 0 | 1) => Complete::PageThrough,
        (true, _) => Complete::AskEach,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_goes_back_a_little_and_never_beyond_what_is_told() {
        let now: Instant = "2026-05-31T12:00:00Z".parse().unwrap();
        let look_from = |text: &str| look(Some(text.parse().unwrap()), now);
        assert_eq!(look_from("2026-05-31T11:45:00Z"), Look::Since("2026-05-31T11:43:00Z".parse().unwrap()));
        assert!(matches!(look_from("2026-05-01T13:03:00Z"), Look::Since(_)));
        assert_eq!(look_from("2026-05-31T12:00:01Z"), Look::Since("2026-05-31T11:58:01Z".parse().unwrap()));
        for whole in ["2026-05-01T13:01:00Z", "2026-04-30T12:00:00Z", "2026-05-31T12:01:01Z"] {
            assert_eq!(look_from(whole), Look::Whole, "{whole}");
        }
        assert_eq!(look(None, now), Look::Whole);
    }

    #[test]
    fn a_full_answer_is_asked_again_more_narrowly() {
        use Entity::{Bill, Invoice};
        assert_eq!(complete(&[Invoice, Bill], &[500, 499]), Complete::Yes);
        assert_eq!(complete(&[Invoice, Bill], &[500, 500]), Complete::AskEach);
        assert_eq!(complete(&[Invoice], &[999]), Complete::Yes);
        assert_eq!(complete(&[Invoice], &[1_000]), Complete::PageThrough);
        assert_eq!(complete(&[Invoice], &[1_001]), Complete::PageThrough, "one too many was seen");
    }
}
