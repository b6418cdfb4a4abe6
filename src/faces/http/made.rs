//! The person who was made in Twenty for a gift that is discarded: told with the row, and removed if somebody says so.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Known;
use super::edits::{KeptAnswer, kept};
use super::problem::Problem;
use super::{Face, known_id};
use crate::ground::crm::{Labelled, record_url};
use crate::ground::id::Object;
use crate::ground::journal::SubjectState;
use crate::ground::staging::{Progress, StagedRow};
use crate::ground::texts;
use crate::store::{Ledger, StoreError};

/// The person who was made in Twenty for a discarded gift.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MadeDonorView {
    id: String,
    name: Option<String>,
    url: Option<String>,
    /// `there`, `removing` (asked for, not settled yet) or `removed` (in Twenty's bin, or gone from there).
    state: &'static str,
    /// Whether they can be removed now.
    removable: bool,
    /// Why they stay, in plain words.
    why_not: Option<&'static str>,
    /// The removal that is on its way, to be taken back under `/api/sync/edits`.
    edit_id: Option<String>,
}

impl MadeDonorView {
    pub(super) fn of(ledger: &Ledger<'_>, face: &Face, row: &StagedRow) -> Result<Option<Self>, StoreError> {
        if row.progress != Progress::Discarded {
            return Ok(None);
        }
        let Some(made) = ledger.made_donor(row)? else { return Ok(None) };
        let Some(id) = made.key.uuid() else { return Ok(None) };
        let (mut why, mut removal) = (None, None);
        for edit in ledger.edits_of(Object::People, id)? {
            if !edit.value.state.is_open() {
                continue;
            }
            if edit.value.made_for == Some(row.id) {
                removal = Some(edit.value.id.to_string());
            } else {
                why = Some(texts::EDIT_DELETE_BUSY);
            }
        }
        if made.state == SubjectState::Live {
            why = ledger.why_made_stays(row, &made)?.or(why);
        }
        let label = serde_json::from_str::<Labelled>(&made.value).ok();
        let state = match (&made.state, &removal) {
            (SubjectState::Live, None) => "there",
            (SubjectState::Live, Some(_)) => "removing",
            _ => "removed",
        };
        Ok(Some(Self {
            id: id.to_string(),
            name: label.and_then(Labelled::label),
            url: record_url(&face.info.twenty_url, Object::People, id),
            state,
            removable: state == "there" && why.is_none(),
            why_not: why.filter(|_| state == "there"),
            edit_id: removal.filter(|_| state == "removing"),
        }))
    }
}

/// Removes the person who was made in Twenty for this discarded gift: into Twenty's bin, by a run.
#[utoipa::path(delete, path = "/api/fundraising/gift-staging/{id}/made-donor", tag = "Staged rows", params(("id" = String, Path)),
    responses((status = 202, body = KeptAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn remove(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = known_id(&id, "gift")?;
    face.desk.remove_made_donor(&known.asked, id).await.map(kept).map_err(Problem::from)
}
