//! What people ask for, one transaction each. The desk never calls the outside: it stores what is wanted, and a
//! run does the rest.

pub mod access;
pub mod backups;
pub mod batches;
pub mod books;
pub mod books_changes;
mod coding;
pub mod deletes;
pub mod edits;
pub mod finance;
pub mod gifts;
pub mod golden;
pub mod hooks;
pub mod links;
mod made;
pub mod makes;
pub mod merges;
pub mod people;
pub mod plans;
pub mod posting;
pub mod settings;
pub mod sync;
pub mod users;
mod values;

pub use edits::EditAsk;

use crate::ground::access::Caller;
use crate::ground::intake::FieldError;
use crate::ground::journal::{Actor, Cause};
use crate::ground::staging::RowRefusal;
use crate::ground::time::Zone;
use crate::ground::world::World;
use crate::store::secrets::SecretKey;
use crate::store::{Fail, Store, StoreError, WriteError};

/// The desk: what every action needs.
#[derive(Clone, Debug)]
pub struct Desk {
    /// The ledger.
    pub store: Store,
    /// Time and chance.
    pub world: World,
    /// The organisation's zone: what "today" means.
    pub zone: Zone,
    /// Seals passwords.
    pub key: SecretKey,
    /// Whether gifts are taken in at all (`FUNDRAISING_ENABLE_GIFT_STAGING`).
    pub staging_enabled: bool,
    /// Webhooks that were not believed lately.
    pub refused: hooks::Refused,
    /// What the operator set for QuickBooks.
    pub books: books::Setup,
}

/// Who asks, in which request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who.
    pub caller: Caller,
    /// The request.
    pub request_id: String,
}

impl Asked {
    /// The cause of what follows from this request.
    pub fn cause(&self, why: &str) -> Cause {
        Cause { actor: self.caller.actor(), why: why.into(), request_id: Some(self.request_id.clone()) }
    }
}

/// A cause that is Almoner itself.
fn system(why: &str) -> Cause {
    Cause { actor: Actor::System, why: why.into(), request_id: None }
}

/// Why the desk says no. Every variant says what to do next when it is shown.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such thing.
    #[error("There is no such {0}. It may have been removed; go back to the list.")]
    NotFound(&'static str),
    /// The input does not make sense.
    #[error("Some fields need correcting.")]
    Invalid(Vec<FieldError>),
    /// The row's own rules say no.
    #[error(transparent)]
    Row(#[from] RowRefusal),
    /// An `Idempotency-Key` came again with another body.
    #[error("This Idempotency-Key was used before with another body. Send a new key for a new gift.")]
    KeyReused,
    /// Somebody changed the record in the meantime.
    #[error("Somebody changed this record in the meantime. Read it again and repeat the change.")]
    Changed,
    /// A run of the batch is active.
    #[error("A run of this batch is at work. Wait until it has ended, or stop it.")]
    RunAtWork,
    /// A dry run does not say any more what would happen.
    #[error("Some gifts of this batch changed since the dry run. Look at a new one before you process.")]
    PlanMoved,
    /// The record is as wanted already.
    #[error("Nothing would change: the record is as you want it.")]
    Unchanged,
    /// Nothing to do.
    #[error("{0}")]
    Nothing(&'static str),
    /// Nothing to do, with what is in the way.
    #[error("{0}")]
    Held(String),
    /// The gift it is about was taken in before and its donor was erased since.
    #[error(
        "This was taken in before, and its donor was erased at their request since then. Nothing was stored now."
    )]
    Erased,
    /// A person whose gifts are not all posted cannot be erased.
    #[error(
        "{0} gift(s) of this person are not posted yet. Post or discard them first, so that none is lost."
    )]
    GiftsOpen(usize),
    /// An object of Twenty cannot be switched on.
    #[error("{0}.")]
    CannotMirror(crate::ground::workspace::CannotMirror),
    /// Gift staging is switched off.
    #[error("Gift staging is disabled")]
    StagingDisabled,
    /// Sign-in did not work.
    #[error("Wrong e-mail or password.")]
    WrongLogin,
    /// A user who may not come in any more.
    #[error("Your account is switched off. Ask an admin to switch it on again.")]
    SwitchedOff,
    /// A one-time link is used up or too old.
    #[error(
        "This link has been used or has expired. Ask an admin for a new one. While nobody has an account, a restart of Almoner prints one."
    )]
    LinkSpent,
    /// Without this admin nobody could look after users any more.
    #[error(
        "This is the last admin who can sign in. Make somebody else an admin first, and let them choose a password."
    )]
    LastAdmin,
    /// Two users would sign in with the same address.
    #[error(
        "There is a user with this e-mail address already; perhaps they are switched off. Look for them in the list."
    )]
    AddressTaken,
    /// The store could not; nothing was kept.
    #[error(
        "The ledger did not answer just now, so this may or may not have been kept. Look again in a moment before you repeat it; a program repeats with the same Idempotency-Key. ({0})"
    )]
    Unavailable(StoreError),
}

impl From<WriteError<Self>> for Refusal {
    fn from(error: WriteError<Self>) -> Self {
        match error {
            WriteError::Refused(refusal) => refusal,
            WriteError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Moved => Self::Changed,
            StoreError::Erased => Self::Erased,
            error => Self::Unavailable(error),
        }
    }
}

impl From<Refusal> for Fail<Refusal> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<RowRefusal> for Fail<Refusal> {
    fn from(refusal: RowRefusal) -> Self {
        Self::Refused(Refusal::Row(refusal))
    }
}
