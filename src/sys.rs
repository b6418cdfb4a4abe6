//! The real world: the operating system's clock and its randomness. The only place that asks either.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::ground::time::Instant;
use crate::ground::world::{Clock, Entropy, World};

struct SystemClock;
struct SystemEntropy;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where the World's clock comes from")]
    fn now(&self) -> Instant {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Instant(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is where the World's randomness comes from")]
    fn fill(&self, out: &mut [u8]) {
        getrandom::fill(out).expect(
            "the operating system gives random bytes; without them no key is safe and nothing may go on",
        );
    }
}

/// The world as it is.
pub fn world() -> World {
    World { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) }
}
