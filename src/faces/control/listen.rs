//! The server's side of the control socket.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::place::{NAME, Place};
use super::{FRAME_BYTES_MAX, Frame, REQUEST_BYTES_MAX, may_talk, own_uid};
use crate::desk::Desk;
use crate::faces::command::{self, Command, CommandError, Hands};
use crate::ground::journal::Actor;

/// Bound here first and moved to its name when its rights are set.
const UNFINISHED: &str = "control.new";
/// How long a caller may take to say what it wants.
const REQUEST_WITHIN: Duration = Duration::from_secs(5);
/// A caller hears from us at least this often.
const WORKING_EVERY: Duration = Duration::from_secs(5);
/// How long a caller may take nothing.
const PATIENCE: Duration = Duration::from_mins(10);
/// Commands at work at the same time.
const COMMANDS_MAX: usize = 8;
/// Pieces of output that wait for a slow reader.
const PIECES: usize = 8;

/// The socket's file; gone with this value.
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // One that cannot be removed looks like one that a kill left, and is replaced by the next start.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What every conversation needs.
#[derive(Clone)]
struct Means {
    desk: Desk,
    /// Where people reach this server.
    url: Arc<str>,
    places: Arc<Semaphore>,
}

/// Listens in the data folder `folder` until `stopped`; then takes nobody new, and ends when the last answer is out.
/// The store must be open: whoever has it owns the name, so that a socket left by a kill is replaced. People reach the
/// server at `url`.
#[expect(clippy::disallowed_methods, reason = "the listener is a task of its own; App::close ends it")]
pub fn start(
    folder: &Path,
    desk: Desk,
    url: &str,
    stopped: watch::Receiver<bool>,
) -> io::Result<JoinHandle<()>> {
    let own = own_uid()?;
    let (listener, file) = bind(folder)?;
    let means = Means { desk, url: url.into(), places: Arc::new(Semaphore::new(COMMANDS_MAX)) };
    Ok(tokio::spawn(listen(listener, file, own, means, stopped)))
}

fn bind(folder: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let (unfinished, named) = (folder.join(UNFINISHED), folder.join(NAME));
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(Place::new(folder, UNFINISHED)?.address())?;
    std::fs::set_permissions(&unfinished, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&unfinished, &named)?;
    Ok((listener, SocketFile(named)))
}

async fn listen(
    listener: UnixListener,
    file: SocketFile,
    own: u32,
    means: Means,
    mut stopped: watch::Receiver<bool>,
) {
    let mut talks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ended(&mut stopped) => break,
            Some(_) = talks.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                if let Ok(peer) = stream.peer_cred()
                    && may_talk(peer.uid(), own)
                {
                    talks.spawn(talk(stream, Actor::OperatorUid(peer.uid()), means.clone()));
                }
            }
            Err(error) => {
                tracing::warn!(event = "control_socket_failed", %error);
                // Out of handles, say: not at once again.
                let _ = timeout(WORKING_EVERY, ended(&mut stopped)).await;
            }
        }
    }
    drop((listener, file));
    while talks.join_next().await.is_some() {}
}

async fn ended(stopped: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone: stop as well.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// One conversation. A caller who is gone is no fault of ours: there is nobody to tell.
async fn talk(mut stream: UnixStream, actor: Actor, means: Means) {
    let command = match timeout(REQUEST_WITHIN, request(&mut stream)).await {
        Ok(Some(command)) => command,
        Ok(None) => return,
        Err(_) => Err("the request did not come to its end in time".to_owned()),
    };
    let place = || {
        let busy = format!("{COMMANDS_MAX} commands are at work already; try again when one has ended");
        Arc::clone(&means.places).try_acquire_owned().map_err(|_| busy)
    };
    let last = match command.and_then(|command| Ok((command, place()?))) {
        Ok((command, place)) => answer(&mut stream, command.at(&means.url), actor, &means.desk, place).await,
        Err(says) => Some(Frame::Failed(says)),
    };
    if let Some(last) = last {
        let _ = send(&mut stream, &last).await;
        let _ = stream.shutdown().await;
    }
}

/// Reads the request; none when the caller is gone before its end.
async fn request(stream: &mut UnixStream) -> Option<Result<Command, String>> {
    let mut line = Vec::new();
    let room = REQUEST_BYTES_MAX as u64 + 1;
    BufReader::new(stream.take(room)).read_until(b'\n', &mut line).await.ok()?;
    if line.last() != Some(&b'\n') {
        let too_long = || Err(format!("a request has at most {REQUEST_BYTES_MAX} bytes"));
        return (line.len() > REQUEST_BYTES_MAX).then(too_long);
    }
    Some(serde_json::from_slice(&line).map_err(|error| {
        format!(
            "the running server does not understand this request ({error}); it may be of another version than this command: restart it"
        )
    }))
}

/// Runs the command on a thread that may wait and passes on what it says. Answers the last frame; none when the
/// caller is gone, which the command notices when it next has something to say.
async fn answer(
    stream: &mut UnixStream,
    command: Command,
    actor: Actor,
    desk: &Desk,
    place: OwnedSemaphorePermit,
) -> Option<Frame> {
    send(stream, &Frame::Working).await.ok()?;
    let (sender, mut pieces) = mpsc::channel(PIECES);
    let desk = desk.clone();
    let work = tokio::task::spawn_blocking(move || {
        // Taken as long as the work lasts, even when nobody waits for it any more.
        let _place = place;
        command::run(&Hands::Server(&desk), &command, &actor, &mut Pipe(sender))
    });
    loop {
        let frame = match timeout(WORKING_EVERY, pieces.recv()).await {
            Ok(Some(piece)) => Frame::Output(piece),
            Ok(None) => break,
            Err(_) => Frame::Working,
        };
        send(stream, &frame).await.ok()?;
    }
    Some(match work.await {
        Ok(outcome) => last_frame(outcome),
        Err(error) => {
            tracing::error!(event = "control_command_panicked", %error);
            Frame::Failed("the command broke; the server's log says where".into())
        }
    })
}

fn last_frame(outcome: Result<u8, CommandError>) -> Frame {
    outcome.map_or_else(|error| Frame::Failed(error.to_string()), Frame::Ended)
}

async fn send(to: &mut (impl AsyncWrite + Unpin), frame: &Frame) -> io::Result<()> {
    timeout(PATIENCE, to.write_all(&frame.bytes())).await.map_err(|_| io::ErrorKind::TimedOut)?
}

/// A command's output on its way to the conversation; waits while the reader is slow.
struct Pipe(mpsc::Sender<Vec<u8>>);

impl io::Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = &bytes[..bytes.len().min(FRAME_BYTES_MAX)];
        self.0.blocking_send(piece.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
