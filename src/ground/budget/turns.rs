//! Whose turn it is: the more urgent first, and nobody waits for ever.

use super::CallClass;
use crate::ground::time::Instant;

/// How long somebody who was turned away is waited for, in milliseconds, before the less urgent may go first.
const WAITED_FOR_MS: i64 = 5_000;
/// How long a class waits before it gets turns of its own, in milliseconds.
const AGED_MS: i64 = 60_000;
/// So many calls of more urgent classes go before a class that waited so long.
const PASSED_MAX: u32 = 9;

/// Somebody was turned away and will ask again.
#[derive(Clone, Copy, Debug)]
struct Claim {
    since: Instant,
    /// When they stop being waited for.
    until: Instant,
}

impl Claim {
    fn is_alive(self, now: Instant) -> bool {
        // One from before the clock went back is over.
        self.since <= now && now < self.until
    }

    fn is_aged(self, now: Instant) -> bool {
        now.micros_since(self.since) >= AGED_MS * 1_000
    }
}

/// Who waits for a call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turns {
    waiting: [Option<Claim>; CallClass::COUNT],
    /// Calls that went before somebody who has waited long.
    passed_over: u32,
}

impl Turns {
    fn alive(&self, now: Instant) -> impl Iterator<Item = (usize, Claim)> {
        let claims = self.waiting.into_iter().enumerate();
        claims
            .filter_map(|(class, claim)| Some((class, claim?)))
            .filter(move |(_, claim)| claim.is_alive(now))
    }

    /// The class whose turn it is before all others, since it waited long enough.
    fn due(&self, now: Instant) -> Option<usize> {
        let aged = self.alive(now).filter(|(_, claim)| claim.is_aged(now));
        let longest = aged.min_by_key(|(_, claim)| claim.since).map(|(class, _)| class);
        longest.filter(|_| self.passed_over >= PASSED_MAX)
    }

    /// Whether this class may take a call now.
    pub fn may_go(&self, class: CallClass, now: Instant) -> bool {
        match self.due(now) {
            Some(due) => due == class as usize,
            None => self.alive(now).all(|(waiting, _)| waiting >= class as usize),
        }
    }

    /// A class was turned away, and told to ask again at `until`.
    pub fn turned_away(&mut self, class: CallClass, until: Instant, now: Instant) {
        let claim = &mut self.waiting[class as usize];
        let since = claim.filter(|claim| claim.is_alive(now)).map_or(now, |claim| claim.since);
        *claim = Some(Claim { since, until: until.max(now).plus_millis(WAITED_FOR_MS) });
    }

    /// A class took its call.
    pub fn went(&mut self, class: CallClass, now: Instant) {
        if self.due(now) == Some(class as usize) {
            self.passed_over = 0;
            // It has waited long for this one, and need not wait as long for the next.
            let until = now.plus_millis(WAITED_FOR_MS);
            self.waiting[class as usize] = self.waiting[class as usize].map(|claim| Claim { until, ..claim });
            return;
        }
        if self.alive(now).any(|(waiting, claim)| waiting > class as usize && claim.is_aged(now)) {
            self.passed_over += 1;
        }
        self.waiting[class as usize] = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant(seconds * 1_000_000)
    }

    #[test]
    fn the_more_urgent_go_first_for_as_long_as_they_are_waited_for() {
        let mut turns = Turns::default();
        turns.turned_away(CallClass::Webhook, at(1), at(0));
        assert!(turns.may_go(CallClass::Person, at(1)));
        assert!(turns.may_go(CallClass::Webhook, at(1)));
        assert!(!turns.may_go(CallClass::Incremental, at(1)));
        assert!(!turns.may_go(CallClass::Backfill, at(5)));
        assert!(turns.may_go(CallClass::Backfill, at(6)));
        turns.went(CallClass::Webhook, at(1));
        assert!(turns.may_go(CallClass::Backfill, at(1)));
    }

    #[test]
    fn who_has_waited_a_minute_gets_one_call_in_ten() {
        let mut turns = Turns::default();
        let mut went = Vec::new();
        // One call a second; a person and a backfill always want it.
        for second in 0..200 {
            let now = at(second);
            let class =
                if turns.may_go(CallClass::Person, now) { CallClass::Person } else { CallClass::Backfill };
            turns.went(class, now);
            went.push(class);
            for class in [CallClass::Person, CallClass::Backfill] {
                turns.turned_away(class, at(second + 1), now);
            }
        }
        let backfills: Vec<usize> = (0..200).filter(|second| went[*second] == CallClass::Backfill).collect();
        let every_tenth: Vec<usize> = (69..200).step_by(10).collect();
        assert_eq!(backfills, every_tenth, "after a minute, one call in ten");
        // A person alone is never held up by somebody who gave up.
        assert!(turns.may_go(CallClass::Person, at(1_000)));
    }

    #[test]
    fn claims_from_before_the_clock_went_back_are_over() {
        let mut turns = Turns::default();
        turns.turned_away(CallClass::Person, at(1_000_001), at(1_000_000));
        assert!(turns.may_go(CallClass::Backfill, at(0)));
    }
}
