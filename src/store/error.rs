//! What can go wrong in the store.

/// An error of the store. `Unavailable` is for passing faults: nothing was acknowledged, try again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk or the database below failed; nothing of the request was kept.
    #[error("the ledger is not available: {0}")]
    Unavailable(String),
    /// Bytes on disk do not decode.
    #[error("the ledger holds {what} that cannot be read ({len} bytes)")]
    Corrupt {
        /// What was being read.
        what: &'static str,
        /// How many bytes it had.
        len: usize,
    },
    /// A value was written by a newer version.
    #[error(
        "the ledger holds {what} of version {found}, which this version of Almoner does not know; use a newer Almoner"
    )]
    Newer {
        /// What was being read.
        what: &'static str,
        /// Its version.
        found: u32,
    },
    /// A change was built on a state that is no longer the newest.
    #[error("somebody changed this record in the meantime; read it again and repeat the change")]
    Moved,
}

impl StoreError {
    pub(super) const fn corrupt(what: &'static str, len: usize) -> Self {
        Self::Corrupt { what, len }
    }
}

macro_rules! unavailable {
    ($($error:ty),*) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::Unavailable(error.to_string())
            }
        }
    )*};
}

unavailable!(
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::DatabaseError,
    redb::SetDurabilityError
);

/// Why a store cannot be opened. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file has no bytes.
    #[error(
        "{0} is an empty file, not a ledger. Nothing was changed. Move it away to start a new ledger, or restore a backup."
    )]
    Empty(String),
    /// The file is something else.
    #[error("{0} is not an Almoner ledger. Nothing was changed.")]
    Foreign(String),
    /// The file is damaged.
    #[error("{path} is damaged: {reason}. Nothing was changed. Restore a backup.")]
    Damaged {
        /// The file.
        path: String,
        /// What the database below said.
        reason: String,
    },
    /// Written by a newer version.
    #[error(
        "this ledger has layout {found}, this version of Almoner knows up to {known}. Nothing was changed. Use the newer version."
    )]
    Newer {
        /// Its layout.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// Another process has it.
    #[error("the ledger is in use by another process. Stop that first.")]
    InUse,
    /// The file system says no.
    #[error("cannot open the ledger at {path}: {reason}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
}

/// How a write ended badly. In every case nothing was written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// The closure refused.
    #[error("{0}")]
    Refused(E),
    /// The store could not.
    #[error("{0}")]
    Store(StoreError),
}

/// What a write closure answers instead of changes.
#[derive(Clone, Debug)]
pub enum Fail<E> {
    /// The rules say no.
    Refused(E),
    /// Reading failed.
    Store(StoreError),
}

impl<E> From<StoreError> for Fail<E> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<E> From<Fail<E>> for WriteError<E> {
    fn from(fail: Fail<E>) -> Self {
        match fail {
            Fail::Refused(refusal) => Self::Refused(refusal),
            Fail::Store(error) => Self::Store(error),
        }
    }
}
