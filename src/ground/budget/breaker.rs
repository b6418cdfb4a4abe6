//! The breaker of a connection: who does not answer, or does not accept our key, is left alone for a while.

use serde::{Deserialize, Serialize};

use crate::ground::time::Instant;

/// Calls without an answer, in a row, that open it.
const FAILURES_MAX: u32 = 5;
/// How long it stays open the first time, in milliseconds; doubles with every try that fails.
const FIRST_MS: i64 = 30_000;
/// How long at most.
const LONGEST_MS: i64 = 600_000;
/// How long after a refused key, unless another key is given.
const DENIED_MS: i64 = 300_000;
/// How long a try may go without telling what came of it; longer than any call takes.
const TRY_MS: i64 = 60_000;
/// When somebody else's try is under way: when to ask again.
const ASK_AGAIN_MS: i64 = 1_000;

/// Why it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The other side does not answer, or not usably.
    NoAnswer,
    /// It does not accept our key.
    Denied,
}

/// How a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Calls go out.
    Closed,
    /// None do.
    Open,
    /// One does, or may, to see whether it works again.
    Trying,
}

/// What happens to a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call may go out.
    Permitted,
    /// That call was not made after all.
    Unused,
    /// An answer that can be used, be it a refusal.
    Answered,
    /// No connection, time-out, 5xx, or something that is no answer of that system.
    NoAnswer,
    /// Our key is not accepted.
    Denied,
    /// There is another key.
    TokenChanged,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        until: Instant,
    },
    /// One call is out to see whether it works again.
    Trying {
        until: Instant,
    },
}

/// A breaker. Not kept over a stop: a new process finds out by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    state: State,
    reason: Reason,
    failures: u32,
    /// How long it was open the last time, in milliseconds.
    open_ms: i64,
}

impl Breaker {
    /// One that lets everything through.
    pub const CLOSED: Self = Self { state: State::Closed, reason: Reason::NoAnswer, failures: 0, open_ms: 0 };

    /// The breaker after an event.
    #[must_use]
    pub fn step(self, event: Event, now: Instant) -> Self {
        match (event, self.state) {
            (Event::Answered, _) => Self::CLOSED,
            (Event::TokenChanged, _) if self.reason == Reason::Denied => Self::CLOSED,
            (Event::Denied, _) => Self {
                state: State::Open { until: now.plus_millis(DENIED_MS) },
                reason: Reason::Denied,
                ..Self::CLOSED
            },
            (Event::NoAnswer, State::Closed) if self.failures + 1 < FAILURES_MAX => {
                Self { failures: self.failures + 1, ..self }
            }
            (Event::NoAnswer, State::Closed | State::Trying { .. }) => self.open(now),
            (Event::Permitted, State::Open { .. } | State::Trying { .. }) => {
                Self { state: State::Trying { until: now.plus_millis(TRY_MS) }, ..self }
            }
            (Event::Unused, State::Trying { .. }) => Self { state: State::Open { until: now }, ..self },
            // A call that was out already when it opened teaches nothing new.
            (Event::NoAnswer | Event::Permitted | Event::Unused | Event::TokenChanged, _) => self,
        }
    }

    fn open(self, now: Instant) -> Self {
        let open_ms = (self.open_ms * 2).clamp(FIRST_MS, LONGEST_MS);
        let state = State::Open { until: now.plus_millis(open_ms) };
        Self { state, reason: Reason::NoAnswer, failures: FAILURES_MAX, open_ms }
    }

    /// When to ask again, if no call may go out now. Once that has passed, one call may.
    pub fn shut_until(&self, now: Instant) -> Option<Instant> {
        match self.state {
            State::Closed => None,
            State::Open { until } => until.is_ahead(now).then_some(until),
            State::Trying { until } => until.is_ahead(now).then(|| until.min(now.plus_millis(ASK_AGAIN_MS))),
        }
    }

    /// Why it is not closed.
    pub fn reason(&self) -> Option<Reason> {
        (self.state != State::Closed).then_some(self.reason)
    }

    /// How it stands.
    pub fn standing(&self, now: Instant) -> Standing {
        match self.state {
            State::Closed => Standing::Closed,
            State::Open { until } if until.is_ahead(now) => Standing::Open,
            State::Open { .. } | State::Trying { .. } => Standing::Trying,
        }
    }
}

impl Instant {
    /// Whether this is still to come. What lies further ahead than any breaker stays open was set before the clock
    /// went back, and counts as past.
    fn is_ahead(self, now: Self) -> bool {
        (1..=LONGEST_MS * 1_000).contains(&self.micros_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn at(seconds: i64) -> Instant {
        Instant(seconds * SECOND)
    }

    fn opened() -> Breaker {
        (0..5).fold(Breaker::CLOSED, |breaker, _| breaker.step(Event::NoAnswer, at(0)))
    }

    #[test]
    fn five_in_a_row_open_it_and_four_do_not() {
        let four = (0..4).fold(Breaker::CLOSED, |breaker, _| breaker.step(Event::NoAnswer, at(0)));
        assert_eq!((four.shut_until(at(0)), four.standing(at(0))), (None, Standing::Closed));
        // One answer between them, and counting begins anew.
        let again =
            (0..4).fold(four.step(Event::Answered, at(0)), |breaker, _| breaker.step(Event::NoAnswer, at(0)));
        assert_eq!(again.shut_until(at(0)), None);
        assert_eq!(opened().shut_until(at(0)), Some(at(30)));
        assert_eq!((opened().reason(), opened().standing(at(0))), (Some(Reason::NoAnswer), Standing::Open));
    }

    #[test]
    fn one_call_tries_and_the_time_doubles_to_ten_minutes() {
        let (mut breaker, mut now) = (opened(), at(0));
        for seconds in [30, 60, 120, 240, 480, 600, 600] {
            let until = breaker.shut_until(now).unwrap();
            assert_eq!(until.micros_since(now), seconds * SECOND);
            now = until;
            assert_eq!(breaker.shut_until(now), None, "one may try");
            breaker = breaker.step(Event::Permitted, now);
            assert!(breaker.shut_until(now).is_some(), "and nobody else");
            breaker = breaker.step(Event::NoAnswer, now);
        }
        assert_eq!(breaker.step(Event::Answered, now), Breaker::CLOSED);
    }

    #[test]
    fn a_try_that_is_never_heard_of_or_never_made_blocks_nobody() {
        let trying = opened().step(Event::Permitted, at(30));
        assert_eq!(trying.shut_until(at(30)), Some(at(31)));
        assert_eq!(trying.shut_until(at(90)), None);
        assert_eq!(trying.step(Event::Unused, at(31)).shut_until(at(31)), None);
    }

    #[test]
    fn a_refused_key_is_not_tried_again_for_five_minutes_or_until_there_is_another() {
        let denied = Breaker::CLOSED.step(Event::Denied, at(0));
        assert_eq!((denied.shut_until(at(0)), denied.reason()), (Some(at(300)), Some(Reason::Denied)));
        assert_eq!(denied.step(Event::TokenChanged, at(1)), Breaker::CLOSED);
        assert_eq!(denied.shut_until(at(300)), None);
        // Another key does not make a server answer.
        assert_eq!(opened().step(Event::TokenChanged, at(1)), opened());
    }

    #[test]
    fn a_clock_that_goes_back_does_not_shut_it_for_longer() {
        let late =
            (0..5).fold(Breaker::CLOSED, |breaker, _| breaker.step(Event::NoAnswer, at(1_000_000_000)));
        assert_eq!(late.shut_until(at(0)), None);
    }

    #[test]
    fn an_answer_closes_every_state() {
        let denied = Breaker::CLOSED.step(Event::Denied, at(0));
        for breaker in [Breaker::CLOSED, opened(), opened().step(Event::Permitted, at(30)), denied] {
            assert_eq!(breaker.step(Event::Answered, at(31)), Breaker::CLOSED);
        }
    }
}
