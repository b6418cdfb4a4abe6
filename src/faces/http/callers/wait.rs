//! Waits for what becomes of a change that was asked for, without a call to anything outside.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::Face;
use super::super::auth::Known;
use super::super::problem::Problem;
use super::super::wire::AsOf;
use crate::desk::edits::Kept;
use crate::ground::edit::State;
use crate::ground::texts;
use crate::store::{CommitNote, StoreError};

/// A change that is on its way: ask `GET /api/sync/edits/{id}` what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OnItsWay {
    data: OnItsWayData,
    meta: AsOf,
}

/// What is on its way.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OnItsWayData {
    /// The change.
    id: String,
    /// The record in Twenty.
    record_id: String,
    /// Every change, where there are several.
    edits: Vec<String>,
}

/// What became of changes.
pub(super) enum Became {
    /// Twenty has them.
    Done,
    /// They are on their way.
    Waits(Response),
}

/// Waits until Twenty has taken these changes, as long as the face is patient. `notes` was asked for before they were
/// kept. One that was refused or met somebody else's is told as a problem; a refused one is then set aside, since
/// whoever asked for it knows.
pub(super) async fn outcome(
    face: &Face,
    known: &Known,
    edits: &[Kept],
    mut notes: Receiver<CommitNote>,
) -> Result<Became, Problem> {
    let settled = async {
        loop {
            let states = states(face, known, edits)?;
            if !states.iter().any(State::is_open) {
                return Ok::<_, Problem>(states);
            }
            match notes.recv().await {
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                // The server stops: what is known now is all there is.
                Err(RecvError::Closed) => return Ok(states),
            }
        }
    };
    let Ok(settled) = tokio::time::timeout(face.patience, settled).await else {
        return Ok(Became::Waits(waits(face, edits)));
    };
    let states = settled?;
    if states.iter().any(State::is_open) {
        return Ok(Became::Waits(waits(face, edits)));
    }
    let Some((code, text)) = states.iter().find_map(problem) else { return Ok(Became::Done) };
    for (edit, state) in edits.iter().zip(&states) {
        if matches!(state, State::Refused { .. }) {
            // Somebody may have dismissed it in between.
            let _ = face.desk.withdraw_edit(&known.asked, edit.edit).await;
        }
    }
    let done = states.iter().filter(|state| **state == State::Done).count();
    let several = format!("{done} of {} records were changed. {text}", edits.len());
    Err(Problem::new(code, if edits.len() > 1 { several } else { text }))
}

fn states(face: &Face, known: &Known, edits: &[Kept]) -> Result<Vec<State>, StoreError> {
    let snapshot = known.snapshot(face)?;
    let ledger = snapshot.ledger();
    let state = |kept: &Kept| Ok(ledger.edit_ever(kept.edit)?.map_or(State::Withdrawn, |edit| edit.state));
    edits.iter().map(state).collect()
}

fn waits(face: &Face, edits: &[Kept]) -> Response {
    let none = Kept { edit: Uuid::nil(), record: Uuid::nil() };
    let first = edits.first().copied().unwrap_or(none);
    let data = OnItsWayData {
        id: first.edit.to_string(),
        record_id: first.record.to_string(),
        edits: edits.iter().map(|kept| kept.edit.to_string()).collect(),
    };
    let meta = AsOf { as_of: face.desk.world.now().to_string() };
    (StatusCode::ACCEPTED, Json(OnItsWay { data, meta })).into_response()
}

/// What is told of a change that Twenty does not have.
fn problem(state: &State) -> Option<(StatusCode, String)> {
    match state {
        State::Done | State::Waiting | State::Sent { .. } => None,
        State::Refused { reason } => {
            let status = match reason.as_str() {
                texts::EDIT_RECORD_GONE | texts::EDIT_RECORD_DELETED => StatusCode::NOT_FOUND,
                reason if reason.starts_with(texts::EDIT_REFUSED) => StatusCode::BAD_REQUEST,
                _ => StatusCode::CONFLICT,
            };
            Some((status, reason.clone()))
        }
        State::Conflict => Some((
            StatusCode::CONFLICT,
            "Somebody changed the same in Twenty meanwhile. Decide on the Sync page which of the two stays."
                .into(),
        )),
        State::Withdrawn => {
            Some((StatusCode::CONFLICT, "Somebody took this change back before it was in Twenty.".into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_a_change_has_a_status() {
        let refused = |reason: &str| State::Refused { reason: reason.into() };
        for (state, status) in [
            (State::Done, None),
            (State::Waiting, None),
            (State::Conflict, Some(409)),
            (State::Withdrawn, Some(409)),
            (refused(&format!("{}no such appeal", texts::EDIT_REFUSED)), Some(400)),
            (refused(texts::EDIT_RECORD_GONE), Some(404)),
            (refused(texts::EDIT_DELETE_CHANGED), Some(409)),
        ] {
            let told = problem(&state).map(|(status, _)| status.as_u16());
            assert_eq!(told, status, "{state:?}");
        }
    }
}
