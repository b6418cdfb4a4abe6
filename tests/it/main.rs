//! The integration tests: one binary.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure, and it says where")]

mod api;
mod budget;
mod crash;
mod deliveries;
mod golden;
mod process;
mod sim_conformance;
mod world;
