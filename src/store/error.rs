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
    /// A change of a record whose content was erased.
    #[error("this record was erased; nothing can be changed in it any more")]
    Erased,
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
    /// There is no room.
    #[error("the disk that holds {0} is full. Nothing was changed. Make room there, then start again.")]
    Full(String),
    /// The rights are missing.
    #[error(
        "Almoner may not write {0}. Nothing was changed. Give the file and its folder to the user that runs Almoner, and mount the disk writable."
    )]
    NotAllowed(String),
    /// The safety copy before a change of layout could not be made.
    #[error("cannot copy {path} before bringing it up to layout {to}: {reason}. Nothing was changed.")]
    Copy {
        /// The file.
        path: String,
        /// The layout it would have had.
        to: u32,
        /// What the system said.
        reason: String,
    },
    /// The file system says no.
    #[error("cannot open the ledger at {path}: {reason}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
}

impl OpenError {
    /// What the system's answer means for whoever starts us.
    pub(super) fn io(path: &std::path::Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let path = path.display().to_string();
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full(path),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::NotAllowed(path),
            _ => Self::Io { path, reason: error.to_string() },
        }
    }
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
