//! `almoner journal export`.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::ask::ask;
use crate::faces::command::Command;
use crate::ground::id::Seq;

#[derive(Args, Debug)]
pub(super) struct Journal {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Write every change as a line of JSON, oldest first (docs/JOURNAL.md)
    Export(Export),
}

#[derive(Args, Debug)]
struct Export {
    /// Folder of the ledger
    #[arg(long, env = "ALMONER_DATA")]
    data: PathBuf,
    /// Only entries after this one
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    since: u64,
    /// Write to this file instead of the terminal; it is there only when it is complete
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Journal {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let What::Export(export) = &self.what;
        let command = Command::JournalExport { since: Seq(export.since) };
        let code = match &export.out {
            None => ask(&export.data, &command, &mut std::io::stdout().lock())?,
            Some(path) => into_file(path, |file| ask(&export.data, &command, file))?,
        };
        Ok(ExitCode::from(code))
    }
}

/// Writes beside the file and moves it into place when it is complete. For its owner only, since it holds donors' data.
fn into_file(path: &Path, write: impl FnOnce(&mut File) -> anyhow::Result<u8>) -> anyhow::Result<u8> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot replace {}", unfinished.display()));
        }
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .with_context(|| format!("cannot make {}", unfinished.display()))?;
    let written = write(&mut file).and_then(|code| {
        file.sync_all()?;
        if code == 0 {
            std::fs::rename(&unfinished, path).with_context(|| format!("cannot make {}", path.display()))?;
        }
        Ok(code)
    });
    if !matches!(written, Ok(0)) {
        // What is left of a failed export must not be taken for one; the error itself is what matters.
        let _ = std::fs::remove_file(&unfinished);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_is_there_only_when_it_is_complete() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        std::fs::write(&path, "older").unwrap();
        std::fs::write(folder.path().join("journal.jsonl.unfinished"), "left by a kill").unwrap();
        let half = |file: &mut File| {
            file.write_all(b"half")?;
            anyhow::bail!("cut")
        };
        assert!(into_file(&path, half).is_err());
        let names = || std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), names()), ("older", 1));
        let whole = |file: &mut File| Ok(file.write_all(b"whole").map(|()| 0)?);
        assert_eq!(into_file(&path, whole).unwrap(), 0);
        assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), names()), ("whole", 1));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let not_well = |file: &mut File| Ok(file.write_all(b"other").map(|()| 1)?);
        assert_eq!(into_file(&path, not_well).unwrap(), 1);
        assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), names()), ("whole", 1));
    }
}
