//! Asks a running server to read from Twenty now, and tells how fresh each object is afterwards.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::gifts::{Look, bar};
use super::{CommandError, Hands, wait};
use crate::desk::{Asked, Desk};
use crate::ground::access::Caller;
use crate::ground::id::{ConnectionId, Object};
use crate::ground::journal::{Actor, SubjectState};
use crate::ground::mirror::MirrorState;
use crate::ground::time::Instant;

/// Between two looks: commits of the mirror's own state are told to nobody.
const LOOK: Duration = Duration::from_millis(200);
/// How long an object that has a trouble is waited for.
const TROUBLE_MS: i64 = 60_000;
/// How long anything is waited for.
const PATIENCE_MS: i64 = 3_600_000;

/// An object and how it stands.
struct Stand {
    object: Object,
    label: String,
    records: u64,
    state: MirrorState,
}

impl Stand {
    /// Whether everything that changed before this moment is here.
    fn is_done(&self, asked: Instant) -> bool {
        self.state.paused || self.state.complete_as_of.is_some_and(|as_of| as_of >= asked)
    }

    fn json(&self) -> Value {
        json!({
            "object": self.object.word(),
            "records": self.records,
            "completeAsOf": self.state.complete_as_of.map(|as_of| as_of.to_string()),
            "paused": self.state.paused,
            "trouble": self.state.trouble,
        })
    }

    fn text(&self, asked: Instant) -> String {
        let how = match (&self.state.trouble, self.state.paused) {
            (_, true) => "paused".to_owned(),
            _ if self.is_done(asked) => "everything is here".to_owned(),
            (Some(trouble), _) => trouble.clone(),
            (None, _) => "not read yet".to_owned(),
        };
        format!("{}: {} record(s), {how}", self.label, self.records)
    }
}

/// Does it. Exit codes: 0 asked for, or everything is here; 1 something could not be read.
pub(super) fn sync(
    hands: &Hands<'_>,
    actor: &Actor,
    (stay, look): (bool, Look),
    out: &mut dyn Write,
) -> Result<u8, CommandError> {
    let (Hands::Server(desk), Actor::OperatorUid(uid)) = (hands, actor) else {
        return Err(CommandError::NeedsServer);
    };
    let request = Asked { caller: Caller::Operator(*uid), request_id: desk.world.uuid().to_string() };
    let asked = desk.world.now();
    wait(desk.sync_now(&request))?;
    if !stay {
        match look {
            Look::Json => writeln!(out, "{}", json!({ "asked": true }))?,
            Look::Text | Look::Terminal => writeln!(out, "Reading from Twenty has begun.")?,
        }
        return Ok(0);
    }
    let stands = until_done(desk, asked, look, out)?;
    let well = !stands.is_empty() && stands.iter().all(|stand| stand.is_done(asked));
    match look {
        Look::Json => {
            let objects: Vec<Value> = stands.iter().map(Stand::json).collect();
            writeln!(out, "{}", json!({ "ok": well, "objects": objects }))?;
        }
        Look::Text | Look::Terminal => {
            for stand in &stands {
                writeln!(out, "{}", stand.text(asked))?;
            }
            if stands.is_empty() {
                writeln!(out, "Twenty's objects are not known yet: is the server connected?")?;
            }
        }
    }
    Ok(u8::from(!well))
}

fn stands(desk: &Desk) -> Result<Vec<Stand>, CommandError> {
    let snapshot = desk.store.snapshot()?;
    let ledger = snapshot.ledger();
    let workspace = ledger.workspace(ConnectionId::TWENTY)?;
    let stand = |(object, _)| {
        Ok(Stand {
            object,
            label: workspace.label(object),
            records: ledger.object_count(ConnectionId::TWENTY, object, SubjectState::Live)?,
            state: ledger.mirror_state(ConnectionId::TWENTY, object)?,
        })
    };
    workspace.mirrored().into_iter().map(stand).collect()
}

/// Looks until everything is here, or waiting longer would not help. Ends when the server stops.
fn until_done(
    desk: &Desk,
    asked: Instant,
    look: Look,
    out: &mut dyn Write,
) -> Result<Vec<Stand>, CommandError> {
    let mut commits = desk.store.watch();
    let mut told = None;
    let stands = loop {
        let stands = stands(desk)?;
        let done = stands.iter().filter(|stand| stand.is_done(asked)).count();
        if told != Some((done, stands.len())) && !stands.is_empty() {
            told = Some((done, stands.len()));
            tell(done as u64, stands.len() as u64, look, out)?;
        }
        let waited = desk.world.now().micros_since(asked) / 1_000;
        let troubled = stands.iter().any(|stand| !stand.is_done(asked) && stand.state.trouble.is_some());
        let in_vain = waited > PATIENCE_MS || (waited > TROUBLE_MS && (troubled || stands.is_empty()));
        if in_vain || (!stands.is_empty() && done == stands.len()) {
            break stands;
        }
        let heard = wait(async { tokio::time::timeout(LOOK, commits.recv()).await });
        if matches!(heard, Ok(Err(tokio::sync::broadcast::error::RecvError::Closed))) {
            return Err(CommandError::Stopping);
        }
    };
    if look == Look::Terminal && told.is_some() {
        writeln!(out)?;
    }
    Ok(stands)
}

fn tell(done: u64, all: u64, look: Look, out: &mut dyn Write) -> Result<(), CommandError> {
    match look {
        Look::Text => writeln!(out, "{done} of {all} objects")?,
        Look::Json => writeln!(out, "{}", json!({ "done": done, "objects": all }))?,
        Look::Terminal => write!(out, "\r{} {done} of {all} objects", bar(done, all))?,
    }
    Ok(out.flush()?)
}
