//! `backup` and `drill` beside a server: stores that somebody asks, and waits until the run has done it.

use std::io::Write;

use super::{CommandError, Hands, wait};
use crate::ground::backup::state::{BackupState, Verdict};
use crate::ground::time::Instant;
use crate::store::StoreError;

/// Exit codes.
const DONE: u8 = 0;
const FAILED: u8 = 1;
/// It is not known.
const INCONCLUSIVE: u8 = 3;

pub(super) fn back_up(hands: &Hands<'_>, drill: bool, out: &mut dyn Write) -> Result<u8, CommandError> {
    let Hands::Server(desk) = hands else { return Err(CommandError::NeedsServer) };
    let state = || desk.store.snapshot()?.ledger().backups();
    let known = state()?;
    if known.rhythm.is_none() {
        return Err(CommandError::NoBackups);
    }
    if drill && known.good.is_none() {
        return Err(CommandError::NothingToDrill);
    }
    let mut notes = desk.store.watch();
    let asked = wait(desk.ask_for_backup(drill))?;
    let state = loop {
        let state = state()?;
        if is_done(&state, drill, asked) {
            break state;
        }
        // Missed notes are looked after all the same.
        if let Err(tokio::sync::broadcast::error::RecvError::Closed) = wait(notes.recv()) {
            return Err(StoreError::Unavailable("the server is stopping".into()).into());
        }
    };
    let (words, code) = backup_words(&state, drill);
    writeln!(out, "{words}")?;
    Ok(code)
}

fn is_done(state: &BackupState, drill: bool, asked: Instant) -> bool {
    let ended = if drill { state.drill.as_ref().map(|drill| drill.at) } else { state.tried_at };
    ended.is_some_and(|ended| ended >= asked)
}

/// What came of the last backup, or drill, in words, with the exit code.
pub fn backup_words(state: &BackupState, drill: bool) -> (String, u8) {
    if drill {
        return match &state.drill {
            None => ("There was no drill.".into(), INCONCLUSIVE),
            Some(drill) => {
                let code = match drill.verdict {
                    Verdict::Passed => DONE,
                    Verdict::Failed => FAILED,
                    Verdict::Inconclusive => INCONCLUSIVE,
                };
                (format!("The drill {}: {}.", word(drill.verdict), drill.says), code)
            }
        };
    }
    match (&state.failed, &state.good) {
        (Some(failed), _) => (format!("No backup was taken: {}.", failed.why), FAILED),
        (None, Some(good)) => (
            format!("Backed up as {}: up to entry {}, {} bytes stored.", good.set, good.seq, good.stored),
            DONE,
        ),
        (None, None) => ("There is no backup.".into(), FAILED),
    }
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Inconclusive => "proved nothing",
    }
}
