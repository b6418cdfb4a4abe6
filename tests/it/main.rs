//! The integration tests: one binary.

mod api;
mod crash;
mod deliveries;
mod process;
mod sim_conformance;
mod world;
