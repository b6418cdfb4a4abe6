//! Almoner: the plane between Twenty CRM and QuickBooks for small charities.
//!
//! `docs/ARCHITECTURE.md` is the map.

pub mod app;
pub mod config;
pub mod desk;
pub mod faces;
pub mod ground;
pub mod rails;
pub mod runs;
pub mod search;
pub mod sim;
pub mod store;
pub mod sys;
pub mod telemetry;
