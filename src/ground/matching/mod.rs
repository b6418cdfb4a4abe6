//! Who may be the same person: how records are compared, what that is worth, and why.
//!
//! `record` cleans and numbers what was written (`normalize`, `contact`, `nicknames`), `keys` says who is worth comparing,
//! `compare` how alike two are, `model` what that is worth (`priors` and `estimate` say how it is known), `cluster` who
//! belongs together, `decide` what follows and `explain` why. `link` does all of it for a whole base, `evaluate` says how
//! well; `learnt` is what is kept of a base, `told` reads people and rows. The same base gives the same answer on every machine.
//!
//! The weights are statistics, not money, so this is the one room of the ground where floats are added.
#![expect(
    clippy::float_arithmetic,
    reason = "weights of evidence are statistics; no amount of money passes here"
)]

pub mod cluster;
pub mod compare;
pub mod contact;
pub mod decide;
pub mod estimate;
pub mod evaluate;
pub mod explain;
pub mod keys;
pub mod learnt;
pub mod link;
pub mod model;
pub mod nicknames;
pub mod normalize;
pub mod priors;
pub mod record;
pub mod seen;
pub mod similar;
#[cfg(test)]
mod tests;
pub mod told;
