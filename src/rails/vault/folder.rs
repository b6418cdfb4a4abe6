//! Backups in a folder. Files appear whole, last after a power failure, and are for their owner only.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{Found, VaultError};

const UNFINISHED: &str = "unfinished";

pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    fn failed(&self, name: &str, error: &std::io::Error) -> VaultError {
        let told = || format!("{}/{name}: {error}", self.0.display());
        match error.kind() {
            ErrorKind::NotFound => VaultError::Missing(name.to_owned()),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                VaultError::Full(told())
            }
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => VaultError::Denied(told()),
            _ => VaultError::Unreachable(told()),
        }
    }

    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> Result<(), VaultError> {
        self.write(&self.0.join(name), bytes).map_err(|error| match self.failed(name, &error) {
            // Nothing is looked for here: a folder that is gone is not there.
            VaultError::Missing(_) => VaultError::Unreachable(format!("{}: {error}", self.0.display())),
            other => other,
        })
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        // The folder itself is the operator's: one that is not mounted must not be made anew on the disk below.
        std::fs::metadata(&self.0)?;
        let folder = path.parent().unwrap_or(&self.0);
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let unfinished = path.with_extension(UNFINISHED);
        let written = (|| {
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            std::fs::rename(&unfinished, path)?;
            std::fs::File::open(folder)?.sync_all()
        })();
        if written.is_err() {
            // On a full disk what was begun is in the way.
            let _ = std::fs::remove_file(&unfinished);
        }
        written
    }

    pub(super) fn get(&self, name: &str) -> Result<Vec<u8>, VaultError> {
        std::fs::read(self.0.join(name)).map_err(|error| {
            // A folder that is not mounted says nothing of what would be in it.
            let gone = std::fs::metadata(&self.0).err();
            gone.map_or_else(
                || self.failed(name, &error),
                |error| VaultError::Unreachable(format!("{}: {error}", self.0.display())),
            )
        })
    }

    pub(super) fn list(&self, prefix: &str) -> Result<Vec<Found>, VaultError> {
        let mut found = Vec::new();
        walk(&self.0, "", &mut found).map_err(|error| match self.failed("", &error) {
            VaultError::Missing(_) => VaultError::Unreachable(format!("{}: {error}", self.0.display())),
            other => other,
        })?;
        found.retain(|found: &Found| found.name.starts_with(prefix));
        found.sort();
        Ok(found)
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), VaultError> {
        let path = self.0.join(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(self.failed(name, &error)),
            _ => {}
        }
        if let Some(folder) = path.parent().filter(|folder| *folder != self.0) {
            // It goes with its last file.
            let _ = std::fs::remove_dir(folder);
        }
        Ok(())
    }
}

/// Files of a folder and of the folders in it.
fn walk(folder: &Path, before: &str, found: &mut Vec<Found>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let metadata = entry.metadata()?;
        if metadata.is_dir() && before.is_empty() {
            walk(&entry.path(), &format!("{name}/"), found)?;
        } else if metadata.is_file() {
            found.push(Found { name: format!("{before}{name}"), bytes: metadata.len() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_file_system_says_is_sorted_and_a_full_disk_named() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Folder(folder.path().to_owned());
        let sorted = |kind: ErrorKind| vault.failed("a/b", &std::io::Error::from(kind));
        assert!(matches!(sorted(ErrorKind::StorageFull), VaultError::Full(at) if at.contains("a/b")));
        assert!(matches!(sorted(ErrorKind::ReadOnlyFilesystem), VaultError::Denied(_)));
        assert_eq!(sorted(ErrorKind::NotFound), VaultError::Missing("a/b".into()));
        vault.put("a/b", b"one").unwrap();
        vault.put("a/c", b"three").unwrap();
        let names = |prefix| vault.list(prefix).unwrap().into_iter().map(|found| (found.name, found.bytes));
        assert_eq!(names("a/").collect::<Vec<_>>(), [("a/b".into(), 3), ("a/c".into(), 5)]);
        assert_eq!(vault.get("a/b").unwrap(), b"one");
        assert_eq!(vault.get("a/d"), Err(VaultError::Missing("a/d".into())));
        for name in ["a/b", "a/c", "a/c"] {
            vault.remove(name).unwrap();
        }
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            0,
            "the folder goes with its last file"
        );
        let away = Folder(folder.path().join("not mounted"));
        assert!(matches!(away.put("a/b", b"x"), Err(VaultError::Unreachable(_))));
        assert!(matches!(away.get("a/b"), Err(VaultError::Unreachable(_))));
        assert!(matches!(away.list(""), Err(VaultError::Unreachable(_))));
    }
}
