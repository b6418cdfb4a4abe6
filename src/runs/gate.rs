//! Who may call Twenty, and when: one budget for all callers, the more urgent first, and a breaker for when it does
//! not answer or does not accept our key.
//!
//! A permit reports by itself what its call taught, so a caller has nothing to tell after an answer, good or bad.

pub mod books;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ground::budget::{
    Breaker, Buckets, Budget, BudgetView, Event, Forecast, Meter, Reason, Standing, Turns,
};
use crate::ground::time::Instant;
use crate::ground::world::World;
use crate::rails::{CallClass, Heard, Hears, Permit, Trouble};

/// Somebody more urgent goes first: when to ask again, in milliseconds, if calls are at hand.
const AFTER_OTHERS_MS: i64 = 200;
/// Our own delays after a refusal because of the limit, in milliseconds, for the first, second, … in a row (domain
/// 4.10); what the server asks for is a floor beside them.
const LIMITED_MS: [i64; 4] = [1_000, 2_500, 5_000, 10_000];
/// What a refusal that tells no time costs at least, in milliseconds (domain 4.10: 5 to 10 s).
const UNTOLD_MS: i64 = 5_000;

/// The gate of one connection.
pub struct Gate(Arc<Shared>);

struct Shared {
    world: World,
    state: Mutex<State>,
}

struct State {
    buckets: Buckets,
    meter: Meter,
    turns: Turns,
    breaker: Breaker,
    /// What the other side said when the breaker last opened.
    said: Option<String>,
    /// Refusals because of the limit, in a row.
    refusals: usize,
    token: String,
}

impl Gate {
    /// The gate for calls with this access token.
    pub fn new(world: World, budget: impl Into<Budget>, token: String) -> Self {
        let Budget { buckets, meter } = budget.into();
        let (turns, breaker) = (Turns::default(), Breaker::CLOSED);
        let state = State { buckets, meter, turns, breaker, said: None, refusals: 0, token };
        Self(Arc::new(Shared { world, state: Mutex::new(state) }))
    }

    /// The right to make one call now, or when to ask again.
    /// `request_id` is the request that led to the call, if one did.
    pub fn permit(&self, class: CallClass, request_id: Option<&str>) -> Result<Permit, Instant> {
        let now = self.0.world.now();
        let mut state = self.0.lock();
        state.take(class, now)?;
        state.breaker = state.breaker.step(Event::Permitted, now);
        let token = state.token.clone();
        drop(state);
        Ok(self.issue(token, request_id, Some(class)))
    }

    /// The right to make calls that cost nothing of the budget (metadata, contract 3.1). While the breaker is open it
    /// is barred: the call ends at once with what the breaker is open for.
    pub fn unmetered(&self) -> Permit {
        let now = self.0.world.now();
        let mut state = self.0.lock();
        let bar = state.bar(now);
        if bar.is_none() {
            state.breaker = state.breaker.step(Event::Permitted, now);
        }
        let token = state.token.clone();
        drop(state);
        let permit = self.issue(token, None, None);
        match bar {
            Some(trouble) => permit.barred(trouble),
            None => permit,
        }
    }

    fn issue(&self, token: String, request_id: Option<&str>, class: Option<CallClass>) -> Permit {
        let request_id = request_id.map_or_else(|| self.0.world.uuid().to_string(), str::to_owned);
        Permit::issued_by_gate(token, request_id, class, Arc::<Shared>::clone(&self.0))
    }

    /// Learns from what went wrong. Permits report by themselves; this is for what a caller met in any other way, and
    /// does no harm when it was reported already. Nobody splits or repeats because of it.
    pub fn learn(&self, trouble: &Trouble) {
        if let Trouble::Later { after_ms, limit: true, .. } = trouble {
            let now = self.0.world.now();
            let until = now.plus_millis(after_ms.unwrap_or(UNTOLD_MS));
            self.0.lock().buckets.shut(until, now);
        }
    }

    /// A good answer came. Permits report by themselves; this is for what a caller met in any other way.
    pub fn answered(&self) {
        self.0.heard(None, Heard::Answered { ceiling: None, remaining: None });
    }

    /// There is another access token.
    pub fn set_token(&self, token: String) {
        let now = self.0.world.now();
        let mut state = self.0.lock();
        if state.token != token {
            state.token = token;
            state.breaker = state.breaker.step(Event::TokenChanged, now);
        }
    }

    /// The budget as it stands, to be kept over a clean stop.
    pub fn bucket(&self) -> Budget {
        let state = self.0.lock();
        Budget { buckets: state.buckets.clone(), meter: state.meter.clone() }
    }

    /// How it stands, for people.
    pub fn view(&self) -> BudgetView {
        let now = self.0.world.now();
        let state = self.0.lock();
        let reason = state.breaker.reason();
        BudgetView {
            tokens: state.buckets.tokens(now),
            limit: state.buckets.limit(),
            per_minute: state.buckets.forecast(0, now).per_minute,
            share_percent: state.buckets.share_percent(),
            calls_last_hour: state.meter.last_hour(now),
            breaker: state.breaker.standing(now),
            breaker_reason: reason,
            said: state.said.clone().filter(|_| reason.is_some()),
            shut_until: state.breaker.shut_until(now).max(state.buckets.shut_until(now)),
        }
    }

    /// What can be said of so many calls to come, if nobody else makes any.
    pub fn forecast(&self, calls: u32) -> Forecast {
        self.0.lock().buckets.forecast(calls, self.0.world.now())
    }
}

impl State {
    /// A call's worth of everything, or when to ask again.
    fn take(&mut self, class: CallClass, now: Instant) -> Result<(), Instant> {
        if let Some(until) = self.breaker.shut_until(now) {
            // Nobody waits for a turn here: should it close earlier, the first to ask goes first.
            return Err(until);
        }
        let taken = self.take_in_turn(class, now);
        match taken {
            Ok(()) => self.turns.went(class, now),
            Err(until) => self.turns.turned_away(class, until, now),
        }
        taken
    }

    fn take_in_turn(&mut self, class: CallClass, now: Instant) -> Result<(), Instant> {
        if self.turns.may_go(class, now) {
            return self.buckets.take(now);
        }
        // Whoever goes first takes the next token: before it comes there is nothing to ask for.
        let next = self.buckets.clone().take(now).err();
        Err(now.plus_millis(AFTER_OTHERS_MS).max(next.unwrap_or(now)))
    }

    /// Why no call may go out, in the words of a call that failed.
    fn bar(&self, now: Instant) -> Option<Trouble> {
        let until = self.breaker.shut_until(now)?;
        let said = self.said.clone().unwrap_or_default();
        if self.breaker.reason() == Some(Reason::Denied) {
            return Some(Trouble::Denied(said));
        }
        let after_ms = Some(until.micros_since(now) / 1_000);
        Some(Trouble::Later { after_ms, said, limit: false })
    }

    /// The server takes no more calls for now. `chance` spreads those who were refused together.
    fn limited(&mut self, told_ms: Option<i64>, chance: u64, now: Instant) {
        let own = LIMITED_MS[self.refusals.min(LIMITED_MS.len() - 1)];
        self.refusals += 1;
        let own = own + i64::try_from(chance % 256).unwrap_or(0) * own / 1_024;
        self.buckets.shut(now.plus_millis(told_ms.unwrap_or(UNTOLD_MS).max(own)), now);
    }

    fn hear(&mut self, class: Option<CallClass>, heard: Heard, chance: u64, now: Instant) {
        let event = match heard {
            // Calls that cost nothing teach nothing of the limit.
            Heard::Answered { .. } if class.is_none() => Event::Answered,
            Heard::Answered { ceiling, remaining } => {
                self.refusals = 0;
                if let Some(calls) = remaining {
                    self.buckets.remain(calls, now);
                }
                self.learn_ceiling(ceiling, now);
                Event::Answered
            }
            Heard::Limited { after_ms, limit, ceiling } => {
                match limit {
                    Some(limit) if self.buckets.learn(limit, now) => {
                        tracing::info!(
                            event = "twenty_limit_learned",
                            calls = limit.calls,
                            periodMs = limit.period_ms
                        );
                    }
                    Some(_) => {}
                    None => self.learn_ceiling(ceiling, now),
                }
                self.limited(after_ms, chance, now);
                Event::Answered
            }
            Heard::NoAnswer(said) => {
                self.said = Some(said);
                Event::NoAnswer
            }
            Heard::Denied(said) => {
                self.said = Some(said);
                Event::Denied
            }
        };
        self.turn(event, now);
    }

    fn learn_ceiling(&mut self, ceiling: Option<u32>, now: Instant) {
        if let Some(calls) = ceiling
            && self.buckets.learn_ceiling(calls, now)
        {
            tracing::info!(event = "twenty_limit_learned", calls);
        }
    }

    fn turn(&mut self, event: Event, now: Instant) {
        let (before, after) = (self.breaker, self.breaker.step(event, now));
        self.breaker = after;
        let (was, is) = (before.reason(), after.reason());
        if is.is_some()
            && (was != is || before.standing(now) == Standing::Trying)
            && after.standing(now) == Standing::Open
        {
            let for_ms = after.shut_until(now).map(|until| until.micros_since(now) / 1_000);
            tracing::warn!(event = "twenty_breaker_opened", reason = ?is, delayMs = for_ms);
        } else if was.is_some() && is.is_none() {
            tracing::info!(event = "twenty_breaker_closed");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hears for Shared {
    fn now(&self) -> Instant {
        self.world.now()
    }

    fn called(&self, class: Option<CallClass>) {
        if let Some(class) = class {
            self.lock().meter.count(class, self.world.now());
        }
    }

    fn heard(&self, class: Option<CallClass>, heard: Heard) {
        let limited = matches!(heard, Heard::Limited { .. });
        let chance = if limited { u64::from_le_bytes(self.world.bytes()) } else { 0 };
        self.lock().hear(class, heard, chance, self.world.now());
    }

    fn unused(&self, class: Option<CallClass>) {
        let now = self.world.now();
        let mut state = self.lock();
        if class.is_some() {
            state.buckets.give_back();
        }
        state.breaker = state.breaker.step(Event::Unused, now);
    }
}

#[cfg(test)]
mod tests;
