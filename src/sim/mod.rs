//! Simulated outside world: servers of Twenty CRM and QuickBooks Online that compute their answers, and the faults that befall them.
//!
//! Nothing here reads a wall clock, draws ambient randomness or knows the rest of the crate:
//! the clock and the seed are handed in, so one seed replays one history byte for byte.

mod dice;
mod digest;
pub mod faults;
mod json;
pub mod qbo;
pub mod scenario;
pub mod twenty;
