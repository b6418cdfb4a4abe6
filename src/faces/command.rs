//! What an operator may ask of a ledger. Each command is written once and runs the same way inside a server (asked over
//! the control socket) and in the command line itself, when no server has the ledger.
//!
//! A command reads the whole ledger, not a viewer's part of it: whoever may ask could as well read the files.

mod backup;
mod compact;
mod doctor;
mod erase;
mod export;
mod gifts;
mod subject;
mod sync;
mod users;
mod verdict;

use std::io::Write;

pub use backup::backup_words;
pub use gifts::{GiftsAsk, Look};
pub use users::{UsersAsk, Which};
pub use verdict::damaged;

use serde::{Deserialize, Serialize};

use crate::desk::{Desk, Refusal};
use crate::ground::id::{PersonId, Seq};
use crate::ground::journal::Actor;
use crate::store::{Store, StoreError};

/// A command with its arguments, as it goes over the socket. A field this version does not know is refused: an argument
/// that is ignored would give an answer to another question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Prove that the ledger is whole.
    Verify {
        /// Answer as JSON.
        #[serde(default)]
        json: bool,
    },
    /// What of the ledger needs an operator, as JSON.
    Doctor {
        /// Minutes between passes over Twenty, as the settings promise.
        sync_minutes: u32,
        /// Metered calls to QuickBooks a month.
        calls_per_month: u32,
    },
    /// Give unused room of the file back.
    Compact,
    /// Take a backup now: a running server only.
    Backup,
    /// Restore the newest backup into a sandbox and prove it: a running server only.
    Drill,
    /// Erase what the ledger holds of a person, or say what that would reach.
    PeopleErase {
        /// Who.
        person: PersonId,
        /// Why, without a name: it is kept.
        ground: String,
        /// Only say what it would reach.
        #[serde(default)]
        preview: bool,
    },
    /// Everything held about a person, as JSON.
    PeopleExport {
        /// Who.
        person: PersonId,
    },
    /// Look after users.
    Users {
        /// What is asked.
        what: UsersAsk,
        /// Answer as JSON.
        #[serde(default)]
        json: bool,
        /// Where people reach Almoner, without a slash at the end; a running server knows it.
        #[serde(default)]
        url: Option<String>,
    },
    /// Take a gift in, or have ready ones posted: a running server only.
    Gifts {
        /// What is asked.
        what: GiftsAsk,
        /// How the answer looks.
        #[serde(default)]
        look: Look,
    },
    /// Read from Twenty now: a running server only.
    Sync {
        /// Come back when everything is here.
        #[serde(default)]
        wait: bool,
        /// How the answer looks.
        #[serde(default)]
        look: Look,
    },
    /// The journal as JSON lines.
    JournalExport {
        /// Only entries after this one.
        #[serde(default)]
        since: Seq,
    },
}

impl Command {
    /// Its name, as requests and logs tell it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Verify { .. } => "verify",
            Self::Doctor { .. } => "doctor",
            Self::Compact => "compact",
            Self::Backup => "backup",
            Self::Drill => "drill",
            Self::PeopleErase { .. } => "people_erase",
            Self::PeopleExport { .. } => "people_export",
            Self::Users { what, .. } => what.word(),
            Self::Gifts { what, .. } => what.word(),
            Self::Sync { .. } => "sync",
            Self::JournalExport { .. } => "journal_export",
        }
    }

    /// The same, run by a server that people reach at `url`.
    #[must_use]
    pub fn at(mut self, url: &str) -> Self {
        if let Self::Users { url: asked, .. } = &mut self {
            asked.get_or_insert_with(|| url.to_owned());
        }
        self
    }
}

/// Why a command did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The ledger could not be read.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The desk says no.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// There is no such user.
    #[error("there is no user {0}; `almoner users list` shows who there is")]
    NoUser(String),
    /// Only a running server can do it.
    #[error("this needs a running server: start it with `almoner serve`, then ask again")]
    NeedsServer,
    /// The server has no backup target.
    #[error(
        "no backups are set up: write target and recipient under [backup] in the server's settings file, and restart it"
    )]
    NoBackups,
    /// There is no backup yet.
    #[error("there is no backup yet: take one with `almoner backup`")]
    NothingToDrill,
    /// The gift does not read.
    #[error("{0}")]
    Gift(String),
    /// What is rehearsed is a whole batch.
    #[error("a dry run is of a whole batch: name it with --batch, without --rows")]
    DryRunOfBatch,
    /// A part is of a batch.
    #[error("--rows takes a part of a batch: name it with --batch")]
    RowsOfBatch,
    /// The server stops.
    #[error("the server is stopping; ask again when it runs")]
    Stopping,
    /// An answer cannot be written as JSON.
    #[error("cannot write the answer as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Nobody takes the output.
    #[error("cannot write the output: {0}")]
    Output(#[from] std::io::Error),
    /// An entry that should be there is not.
    #[error("journal entry {0} cannot be exported: it is missing or not JSON; run `almoner verify`")]
    Entry(u64),
    /// The journal is shorter than the caller believes.
    #[error(
        "the journal ends at entry {last}, before entry {since}: this is another ledger, or an older copy of it; export it anew without --since"
    )]
    Beyond {
        /// What the caller has.
        since: u64,
        /// Where the journal ends.
        last: u64,
    },
}

/// What a command works with.
#[derive(Clone, Copy, Debug)]
pub enum Hands<'h> {
    /// A running server.
    Server(&'h Desk),
    /// The ledger itself, when no server has it.
    Alone(&'h Store),
}

impl Hands<'_> {
    /// The ledger.
    pub const fn store(&self) -> &Store {
        match self {
            Self::Server(desk) => &desk.store,
            Self::Alone(store) => store,
        }
    }
}

/// Waits for work of the store, on a thread that may wait.
fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Handle::current().block_on(work)
}

/// Runs a command for `actor`; its output goes to `out` piece by piece. Answers the exit code. Waits for the disk and
/// for whoever reads `out`, so it is for a thread that may wait.
pub fn run(
    hands: &Hands<'_>,
    command: &Command,
    actor: &Actor,
    out: &mut dyn Write,
) -> Result<u8, CommandError> {
    let store = hands.store();
    tracing::info!(
        event = "control_command",
        command = command.word(),
        actor = actor.kind(),
        actorId = actor.id()
    );
    let code = match command {
        Command::Verify { json } => verdict::verify(store, *json, out)?,
        Command::Doctor { sync_minutes, calls_per_month } => {
            let promised =
                doctor::Promised { sync_minutes: *sync_minutes, calls_per_month: *calls_per_month };
            doctor::doctor(store, promised, out)?
        }
        Command::Compact => compact::compact(store, out)?,
        Command::Backup => backup::back_up(hands, false, out)?,
        Command::Drill => backup::back_up(hands, true, out)?,
        Command::PeopleErase { person, ground, preview } => {
            erase::erase(store, actor, *person, (ground, *preview), out)?
        }
        Command::PeopleExport { person } => subject::export(store, *person, out)?,
        Command::Users { what, json, url } => users::users(store, actor, what, (*json, url.as_deref()), out)?,
        Command::Gifts { what, look } => gifts::gifts(hands, actor, what, *look, out)?,
        Command::Sync { wait, look } => sync::sync(hands, actor, (*wait, *look), out)?,
        Command::JournalExport { since } => export::journal(store, *since, out)?,
    };
    out.flush()?;
    Ok(code)
}
