//! The books of a company as QuickBooks Online keeps them (contract 7): what its records are, and what follows from them.
//!
//! Pure: a record comes in through [`field::Source`] and goes out through [`field::Sink`]; that they are JSON is known
//! to the rail only. A record keeps what is not modelled here, so that it can be written again without loss.

pub mod amount;
pub mod change;
pub mod changes;
pub mod company;
pub mod connected;
pub mod consent;
pub mod control;
pub mod custody;
pub mod decimal;
pub mod documents;
pub mod field;
pub mod golden;
pub mod id;
pub mod issue;
pub mod meter;
pub mod mirror;
pub mod money_in;
pub mod names;
pub mod pace;
pub mod parts;
pub mod record;
pub mod schedule;
pub mod status;
pub mod words;

pub use amount::{Amount, HomeAmount, Terms};
pub use connected::Connected;
pub use decimal::Decimal;
pub use id::{Entity, EntityId, Key, RealmId, SyncToken};
pub use issue::{Issue, SetAside};
pub use record::{Body, Entry, Record};
