//! The right to make one call, which also carries back to the gate what the call taught.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{CallClass, Trouble};
use crate::ground::budget::Limit;
use crate::ground::time::Instant;

/// What a call taught of the connection. What it brought is another matter, and the caller's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// An answer that can be used, be it a refusal, and what its headers told of the limit.
    Answered {
        /// Calls of the limit, where the period was not told.
        ceiling: Option<u32>,
        /// Calls left.
        remaining: Option<u32>,
    },
    /// No more calls for now.
    Limited {
        /// For how long, in milliseconds, as told.
        after_ms: Option<i64>,
        /// The limit, as told.
        limit: Option<Limit>,
        /// Calls of the limit, where the period was not told.
        ceiling: Option<u32>,
    },
    /// No connection, time-out, 5xx, or something that is no answer of that system.
    NoAnswer(String),
    /// The key is not accepted.
    Denied(String),
}

/// Who issued a permit, and hears what came of it. A call without a class cost nothing of the budget.
pub trait Hears: Send + Sync {
    /// Now.
    fn now(&self) -> Instant;
    /// The call of a permit goes out.
    fn called(&self, class: Option<CallClass>);
    /// What it taught.
    fn heard(&self, class: Option<CallClass>, heard: Heard);
    /// A permit was given back without a call.
    fn unused(&self, class: Option<CallClass>);
    /// A call was given up before it told anything: whoever made it is gone.
    fn given_up(&self, _class: Option<CallClass>) {}
}

/// Which attempt at the same thing a call is, where the caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The first is 1.
    pub number: u32,
    /// How many are made at most, if there is an end to them.
    pub max: Option<u32>,
    /// The pause before it, in milliseconds.
    pub delay_ms: Option<i64>,
}

impl Attempt {
    /// The first.
    pub const FIRST: Self = Self { number: 1, max: None, delay_ms: None };

    /// The attempt after so many failures, and the pause after the last of them.
    pub fn after(failures: u32, delay_ms: i64) -> Self {
        let delay_ms = (failures > 0).then_some(delay_ms);
        Self { number: failures.saturating_add(1), max: None, delay_ms }
    }
}

/// The right to make one call: made by the gate only (tidy checks it), with the access token to use.
/// Dropped without a call, it goes back to the gate.
pub struct Permit {
    token: String,
    request_id: String,
    class: Option<CallClass>,
    /// Why no call may go out on it after all.
    barred: Option<Trouble>,
    attempt: Attempt,
    gate: Arc<dyn Hears>,
    used: AtomicBool,
    told: AtomicBool,
}

impl Permit {
    /// A permit. Only `runs::gate` may call this. Without a class it costs nothing of the budget.
    pub fn issued_by_gate(
        token: String,
        request_id: String,
        class: Option<CallClass>,
        gate: Arc<dyn Hears>,
    ) -> Self {
        let (used, told) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { token, request_id, class, barred: None, attempt: Attempt::FIRST, gate, used, told }
    }

    /// The same permit, but nothing may be called on it: the call ends with this trouble, and nothing leaves.
    #[must_use]
    pub fn barred(mut self, trouble: Trouble) -> Self {
        self.barred = Some(trouble);
        self.used.store(true, Ordering::Relaxed);
        self.told.store(true, Ordering::Relaxed);
        self
    }

    /// The same permit, for this attempt.
    #[must_use]
    pub const fn attempt(mut self, attempt: Attempt) -> Self {
        self.attempt = attempt;
        self
    }

    pub(in crate::rails) fn token(&self) -> &str {
        &self.token
    }

    pub(in crate::rails) fn request_id(&self) -> &str {
        &self.request_id
    }

    pub(in crate::rails) const fn which(&self) -> Attempt {
        self.attempt
    }

    /// What logs call the reason for the call.
    pub(in crate::rails) fn context(&self) -> &'static str {
        self.class.map_or("unmetered", CallClass::word)
    }

    /// Why no call may go out on it, if none may.
    pub const fn bar(&self) -> Option<&Trouble> {
        self.barred.as_ref()
    }

    pub(in crate::rails) fn now(&self) -> Instant {
        self.gate.now()
    }

    pub(in crate::rails) fn begin(&self) {
        self.used.store(true, Ordering::Relaxed);
        self.gate.called(self.class);
    }

    pub(in crate::rails) fn report(&self, heard: Heard) {
        self.told.store(true, Ordering::Relaxed);
        self.gate.heard(self.class, heard);
    }
}

#[cfg(test)]
impl Permit {
    /// As a rail does when a call goes out.
    pub fn begin_for_test(&self) {
        self.begin();
    }

    /// As a rail does when a call goes out and comes back.
    pub fn report_for_test(&self, heard: Heard) {
        self.begin();
        self.report(heard);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !*self.used.get_mut() {
            self.gate.unused(self.class);
        } else if !*self.told.get_mut() {
            self.gate.given_up(self.class);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_counts_from_one_and_tells_the_pause_before_it() {
        assert_eq!(Attempt::after(0, 1_000), Attempt::FIRST);
        assert_eq!(Attempt::after(2, 2_000), Attempt { number: 3, max: None, delay_ms: Some(2_000) });
    }
}
