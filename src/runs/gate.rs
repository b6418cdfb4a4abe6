//! Who may call Twenty, and when: one budget for all callers, the more urgent first.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ground::budget::Bucket;
use crate::ground::time::Instant;
use crate::ground::world::World;
use crate::rails::{CallClass, Permit, Trouble};

/// How long somebody who was turned away is waited for, in milliseconds, before the less urgent may go first.
const WAITING_MS: i64 = 5_000;
/// What a limit without a figure costs, in milliseconds (domain 4.10: 5 to 10 s).
const UNTOLD_LIMIT_MS: i64 = 5_000;

/// The gate of one connection.
pub struct Gate {
    world: World,
    state: Mutex<State>,
}

struct State {
    bucket: Bucket,
    token: String,
    /// When the most urgent caller who was turned away stops being waited for, by class.
    waiting: [Option<Instant>; 4],
}

impl Gate {
    /// The gate for calls with this access token.
    pub fn new(world: World, bucket: Bucket, token: String) -> Self {
        Self { world, state: Mutex::new(State { bucket, token, waiting: [None; 4] }) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to make one call now, or when to ask again.
    /// `request_id` is the request that led to the call, if one did.
    pub fn permit(&self, class: CallClass, request_id: Option<&str>) -> Result<Permit, Instant> {
        let now = self.world.now();
        let mut state = self.lock();
        let urgent = state.waiting[..class as usize].iter().flatten().any(|until| *until > now);
        let turned_away = if urgent { Some(now.plus_millis(200)) } else { state.bucket.take(now).err() };
        state.waiting[class as usize] = turned_away.map(|until| until.plus_millis(WAITING_MS));
        if let Some(until) = turned_away {
            return Err(until);
        }
        let request_id = request_id.map_or_else(|| self.world.uuid().to_string(), str::to_owned);
        Ok(Permit::issued_by_gate(state.token.clone(), request_id))
    }

    /// The right to make calls that cost nothing of the budget (metadata, contract 3.1).
    pub fn unmetered(&self) -> Permit {
        Permit::issued_by_gate(self.lock().token.clone(), self.world.uuid().to_string())
    }

    /// Learns from what went wrong: a limit shuts the gate for as long as the server said, and at least one
    /// spacing. Nobody splits or repeats because of it.
    pub fn learn(&self, trouble: &Trouble) {
        if let Trouble::Later { after_ms, limit: true, .. } = trouble {
            let now = self.world.now();
            self.lock().bucket.shut(now.plus_millis(after_ms.unwrap_or(UNTOLD_LIMIT_MS)), now);
        }
    }

    /// The budget as it stands, to be kept over a clean stop.
    pub fn bucket(&self) -> Bucket {
        self.lock().bucket
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::budget::Limit;
    use crate::ground::world::{Clock, Entropy};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    struct Hand(Arc<AtomicI64>);
    struct Zero;

    impl Clock for Hand {
        fn now(&self) -> Instant {
            Instant(self.0.load(Ordering::SeqCst))
        }
    }

    impl Entropy for Zero {
        fn fill(&self, out: &mut [u8]) {
            out.fill(0);
        }
    }

    fn gate() -> (Gate, Arc<AtomicI64>) {
        let time = Arc::new(AtomicI64::new(0));
        let world = World { clock: Arc::new(Hand(Arc::clone(&time))), entropy: Arc::new(Zero) };
        let bucket = Bucket::full(Limit { calls: 1, period_ms: 1_000 }, Instant(0));
        (Gate::new(world, bucket, "t".into()), time)
    }

    #[test]
    fn a_person_who_waits_goes_before_a_backfill() {
        let (gate, time) = gate();
        assert!(gate.permit(CallClass::Backfill, None).is_ok());
        assert!(gate.permit(CallClass::Person, None).is_err());
        time.store(1_000_000, Ordering::SeqCst);
        assert!(gate.permit(CallClass::Backfill, None).is_err());
        assert!(gate.permit(CallClass::Person, None).is_ok());
        time.store(2_000_000, Ordering::SeqCst);
        assert!(gate.permit(CallClass::Backfill, None).is_ok());
    }

    #[test]
    fn a_limit_shuts_the_gate_for_all() {
        let (gate, time) = gate();
        gate.learn(&Trouble::Later { after_ms: Some(3_000), said: String::new(), limit: true });
        time.store(2_999_000, Ordering::SeqCst);
        assert!(gate.permit(CallClass::Person, None).is_err());
        time.store(3_000_000, Ordering::SeqCst);
        assert!(gate.permit(CallClass::Person, None).is_ok());
    }
}
