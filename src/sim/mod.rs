//! Simulated outside world: a Twenty CRM server that computes its answers, and the faults that befall it.
//!
//! Nothing here reads a wall clock, draws ambient randomness or knows the rest of the crate:
//! the clock and the seed are handed in, so one seed replays one history byte for byte.

mod dice;
mod digest;
pub mod faults;
mod json;
pub mod scenario;
pub mod twenty;
