//! Asks for a command: the running server over its control socket, or the ledger itself when no server has it.

use std::io::{ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};

use crate::faces::command::{self, Command, Hands};
use crate::faces::control::{Frame, NAME, Place, own_uid};
use crate::ground::journal::Actor;
use crate::store::{Drive, OpenError, Place as Where, Store, damage};
use crate::sys;

/// A server says something at least every five seconds; one that is silent for this long is stuck.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Runs the command for the ledger in `data`; its output goes to `out`. Answers the exit code.
pub(super) fn ask(data: &Path, command: &Command, out: &mut dyn Write) -> anyhow::Result<u8> {
    let ledger = data.join("ledger.redb");
    let there = ledger.try_exists().with_context(|| format!("cannot look into {}", data.display()))?;
    anyhow::ensure!(there, "there is no ledger in {}", data.display());
    match connect(data)? {
        Some(server) => of_server(server, command, out),
        None => alone(data, command, out),
    }
}

/// Whether a server has the ledger in this folder.
pub(super) fn is_served(data: &Path) -> anyhow::Result<bool> {
    connect(data).map(|server| server.is_some())
}

/// The server's socket; none when nobody listens: there is no socket, or one that a kill left.
fn connect(data: &Path) -> anyhow::Result<Option<UnixStream>> {
    let place = Place::new(data, NAME).with_context(|| format!("cannot open {}", data.display()))?;
    match UnixStream::connect(place.address()) {
        Ok(stream) => Ok(Some(stream)),
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => Ok(None),
            ErrorKind::PermissionDenied => Err(anyhow!(
                "the server of {} runs under another account; run this command under that account or as root",
                data.display()
            )),
            _ => Err(error).with_context(|| format!("cannot reach the server of {}", data.display())),
        },
    }
}

fn of_server(mut server: UnixStream, command: &Command, out: &mut dyn Write) -> anyhow::Result<u8> {
    server.set_read_timeout(Some(SILENCE_MAX))?;
    server.set_write_timeout(Some(SILENCE_MAX))?;
    let mut line = serde_json::to_vec(command)?;
    line.push(b'\n');
    let mut heard = false;
    let sent = server.write_all(&line);
    loop {
        let frame = match sent
            .as_ref()
            .map_or_else(|error| Err(error.kind().into()), |()| Frame::read(&mut server))
        {
            Ok(frame) => frame,
            Err(error) => return Err(broken(error.kind(), heard)),
        };
        heard = true;
        match frame {
            Frame::Working => {}
            Frame::Output(bytes) => out.write_all(&bytes).context("cannot write the output")?,
            Frame::Failed(says) => bail!(says),
            Frame::Ended(code) => {
                out.flush().context("cannot write the output")?;
                return Ok(code);
            }
        }
    }
}

/// What it means that no further frame comes. Never a success, whatever came before.
fn broken(kind: ErrorKind, heard: bool) -> anyhow::Error {
    match kind {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => anyhow!(
            "the server has the ledger and does not answer; look at its log, and start it anew if it is stuck"
        ),
        ErrorKind::InvalidData => {
            anyhow!(
                "the server answers in a way this version does not know; use the version it runs, or restart it"
            )
        }
        _ if heard => anyhow!("the server ended before its answer was complete; ask again"),
        _ => anyhow!(
            "the server hung up without an answer: it runs under another account (run this command under that one or as root), or it is just stopping (try again)"
        ),
    }
}

fn alone(data: &Path, command: &Command, out: &mut dyn Write) -> anyhow::Result<u8> {
    let path = data.join("ledger.redb");
    if let Command::Verify { json } = command
        && let Some(fault) = damage(&path)?
    {
        // Looked at before it is opened, since opening writes to it.
        return Ok(command::damaged(fault, *json, out)?);
    }
    let store = Store::open(Where::File(path), sys::world(), Drive::Inline).map_err(|error| match error {
        OpenError::InUse => anyhow!(
            "the ledger in {} is in use, and no server answers at {NAME} there. If a server is just starting or stopping, or another command is at work, try again in a moment; otherwise restart the server, which makes the socket anew",
            data.display()
        ),
        other => other.into(),
    })?;
    let actor = Actor::OperatorUid(own_uid().context("cannot tell who runs this command")?);
    Ok(command::run(&Hands::Alone(&store), command, &actor, out)?)
}
