//! Almoner: the plane between Twenty CRM and QuickBooks for small charities.

pub mod ground;
pub mod rails;
pub mod runs;
pub mod store;
