//! Server-sent events: what changed, so that an open page reads it again.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use http::{HeaderMap, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, broadcast};

use super::Face;
use super::auth::{Credential, Known};
use super::problem::Problem;
use crate::ground::access::Right;
use crate::ground::id::Object;
use crate::store::CommitNote;

/// Subjects named in one event at most.
const SUBJECTS_MAX: usize = 50;
/// A comment goes out this often, so that a dead connection is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

struct Feed {
    notes: broadcast::Receiver<CommitNote>,
    first: VecDeque<Event>,
    /// The newest entry told so far.
    seen: u64,
    stopped: tokio::sync::watch::Receiver<bool>,
    face: Face,
    credential: Credential,
    /// One of the places for listeners; free again when the stream ends.
    _place: OwnedSemaphorePermit,
}

/// The stream of changes.
#[utoipa::path(get, path = "/api/events", tag = "Live", params(("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, description = "text/event-stream of `change` events", content_type = "text/event-stream"), (status = 401, body = Problem), (status = 403, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn events(
    State(face): State<Face>,
    known: Known,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    // Subscribe first: nothing that happens between here and the look at the journal is missed.
    let notes = face.desk.store.watch();
    let credential =
        Credential::of(&headers).ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "Sign in again."))?;
    let place = Arc::clone(&face.streams).try_acquire_owned();
    let place = place.map_err(|_| {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "Too many pages are open. Close some and reload.")
    })?;
    let last = known.snapshot(&face)?.ledger().last_seq()?.0;
    let seen = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let mut first = VecDeque::new();
    if seen.is_some_and(|seen| seen < last) {
        first.push_back(everything(last));
    }
    let feed =
        Feed { notes, first, seen: last, stopped: face.stopped.clone(), face, credential, _place: place };
    let stream = stream::unfold(feed, |mut feed| async move {
        let event = next(&mut feed).await?;
        Some((Ok(event), feed))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("ok")))
}

async fn next(feed: &mut Feed) -> Option<Event> {
    if let Some(event) = feed.first.pop_front() {
        return Some(event);
    }
    let note = tokio::select! {
        note = feed.notes.recv() => note,
        _ = feed.stopped.changed() => return None,
    };
    // A session that ended, a user who was switched off and a token that was revoked hear nothing more.
    if !feed.credential.holds(&feed.face, Right::See) {
        return None;
    }
    match note {
        Ok(note) => {
            feed.seen = feed.seen.max(note.seq.0);
            Some(told(&note, feed.seen))
        }
        // Notes were missed: everything may have changed.
        Err(broadcast::error::RecvError::Lagged(_)) => Some(everything(feed.seen)),
        Err(broadcast::error::RecvError::Closed) => None,
    }
}

fn everything(seq: u64) -> Event {
    let words: Vec<&str> = Object::all().map(Object::word).collect();
    event(seq, &words, None)
}

fn told(note: &CommitNote, seen: u64) -> Event {
    let mut words: Vec<&str> = note.touched.iter().map(|(object, _)| object.word()).collect();
    words.sort_unstable();
    words.dedup();
    let subjects: Vec<String> =
        note.touched.iter().filter_map(|(_, id)| id.map(|id| id.to_string())).collect();
    let named = (subjects.len() <= SUBJECTS_MAX).then_some(subjects);
    event(seen, &words, named.as_deref())
}

fn event(seq: u64, objects: &[&str], subjects: Option<&[String]>) -> Event {
    let data = serde_json::json!({ "seq": seq, "objects": objects, "subjects": subjects });
    Event::default().id(seq.to_string()).event("change").data(data.to_string())
}
