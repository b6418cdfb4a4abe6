//! What the books of a company say about its money (domain finance 2 to 4): pure rules over the records as they are, with
//! today given. What cannot be computed is unknown and says why; nothing is assumed in its place.
//!
//! Stored is nothing of this: a figure follows from the records, the policy and the day, at each reading.

pub mod aging;
pub mod burn;
pub mod change;
pub mod decision;
pub mod digest;
pub mod duplicates;
pub mod facts;
pub mod figure;
pub mod forecast;
pub mod hygiene;
pub mod overlay;
pub mod paper;
pub mod policy;
pub mod priority;
pub mod quality;
pub mod ready;
pub mod recurring;
pub mod rules;

#[cfg(test)]
mod forecast_tests;
#[cfg(test)]
mod said_tests;
#[cfg(test)]
mod tests;

pub use facts::Facts;
pub use figure::{Figure, Known, RecordName, Share, Source, Unknown};
pub use policy::Policy;
