//! The books: keeps the mirror of every company of QuickBooks, proves it, and brings there what was changed here.
//!
//! What is due for a company follows from stored state alone (`ground/books/mirror.rs`). Each job is a few calls and the
//! commits that follow from them; jobs of different companies go on at the same time, one a company.

mod call;
mod compare;
mod connect;
mod control;
mod keeper;
mod load;
mod look;
mod one;
mod take;
pub mod tokens;
mod write;

use std::sync::Arc;

pub use keeper::{Finished, Keeper};

use crate::ground::books::Connected;
use crate::ground::id::ConnectionId;
use crate::ground::journal::{Actor, Cause};
use crate::ground::time::Zone;
use crate::ground::world::World;
use crate::rails::qbo::QboRail;
use crate::runs::gate::books::BooksGate;
use crate::store::Store;
use crate::store::secrets::SecretKey;
use tokens::Custodian;

/// What the runs of the books need of the world.
#[derive(Clone)]
pub struct BooksMeans {
    /// The ledger.
    pub store: Store,
    /// Time and chance.
    pub world: World,
    /// What opens sealed secrets.
    pub key: SecretKey,
    /// Who may call, and how often.
    pub gate: BooksGate,
    /// The rail to QuickBooks.
    pub rail: QboRail,
    /// Who keeps the tokens.
    pub tokens: Arc<Custodian>,
    /// The organisation's zone, for companies that tell none.
    pub zone: Zone,
}

/// Seen in the company with this number.
fn seen_there(connection: ConnectionId) -> Cause {
    Cause { actor: Actor::Connection(connection), why: "Seen in QuickBooks".into(), request_id: None }
}

/// A company whose books are read.
#[derive(Clone, Debug)]
pub(super) struct Of {
    connected: Connected,
}
