//! Where backups lie: a folder, or a bucket of an S3-compatible store. Things there have names, are written whole, read
//! whole, and never changed.

mod folder;
pub mod s3;

use std::path::{Path, PathBuf};

use folder::Folder;
use s3::S3;

/// Something that lies there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Its name: `backup/part`.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
}

/// Why something could not be stored, read or removed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// There is nothing under this name.
    #[error("{0} is missing")]
    Missing(String),
    /// There is no room.
    #[error("there is no room at the backup target {0}")]
    Full(String),
    /// Our account may not.
    #[error("the backup target does not allow it: {0}")]
    Denied(String),
    /// It does not answer, or not in a way that fits.
    #[error("the backup target does not answer as it should: {0}")]
    Unreachable(String),
}

/// A place for backups. Clones are the same place.
#[derive(Clone, Debug)]
pub enum Vault {
    /// A folder of this machine, best of another disk.
    Folder(PathBuf),
    /// A bucket of an S3-compatible store.
    S3(S3),
}

impl Vault {
    /// Stores bytes under a name, whole or not at all.
    pub async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), VaultError> {
        match self {
            Self::S3(s3) => s3.put(name, bytes).await,
            Self::Folder(path) => {
                let name = name.to_owned();
                in_folder(path, move |folder| folder.put(&name, &bytes)).await
            }
        }
    }

    /// The bytes under a name.
    pub async fn get(&self, name: &str) -> Result<Vec<u8>, VaultError> {
        match self {
            Self::S3(s3) => s3.get(name).await,
            Self::Folder(path) => {
                let name = name.to_owned();
                in_folder(path, move |folder| folder.get(&name)).await
            }
        }
    }

    /// Everything whose name begins so, in the order of names.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Found>, VaultError> {
        match self {
            Self::S3(s3) => s3.list(prefix).await,
            Self::Folder(path) => {
                let prefix = prefix.to_owned();
                in_folder(path, move |folder| folder.list(&prefix)).await
            }
        }
    }

    /// Removes what is under a name; nothing there is fine.
    pub async fn remove(&self, name: &str) -> Result<(), VaultError> {
        match self {
            Self::S3(s3) => s3.remove(name).await,
            Self::Folder(path) => {
                let name = name.to_owned();
                in_folder(path, move |folder| folder.remove(&name)).await
            }
        }
    }

    /// How people know the place.
    pub fn shown(&self) -> String {
        match self {
            Self::Folder(path) => path.display().to_string(),
            Self::S3(s3) => s3.shown(),
        }
    }
}

/// Work on the file system, on a thread that may wait.
async fn in_folder<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce(Folder) -> Result<T, VaultError> + Send + 'static,
) -> Result<T, VaultError> {
    let folder = Folder(path.to_owned());
    let done = tokio::task::spawn_blocking(move || work(folder)).await;
    done.unwrap_or_else(|error| Err(VaultError::Unreachable(error.to_string())))
}
