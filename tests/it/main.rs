//! The integration tests: one binary.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure, and it says where")]

mod api;
mod backup;
mod bars;
mod behaviours;
mod books;
mod budget;
mod crash;
mod create_donors;
mod deliveries;
mod donor_match;
mod donors;
mod duplicates;
mod edits;
mod golden;
mod links;
mod lives;
mod made_donor;
mod matching;
mod merges;
mod process;
mod provision;
mod rounds;
mod sim_conformance;
mod sync;
mod upsert;
mod world;
