//! QuickBooks Online over its accounting API (contract 1 to 10).

pub mod codec;
