//! The addresses that programs of the old fundraising service call (domain 3.2, 3.5, 3.6), over the mirror.
//!
//! Reads never call Twenty; they answer in its shape and say how old they are. Writes go the way of every change made
//! here: kept, sent by a run, and answered when Twenty has taken them, or with 202 when that takes longer.

pub(super) mod agreements;
pub(super) mod appeals;
mod body;
pub(super) mod gifts;
pub(super) mod households;
mod list;
pub(super) mod payouts;
pub(super) mod people;
mod wait;
mod write;

use axum::Router;
use axum::routing::{delete, get, patch, post};
use http::StatusCode;

use super::Face;
use super::problem::Problem;
use crate::ground::id::{ConnectionId, Names, Object};
use crate::ground::workspace::ObjectSchema;
use crate::store::Snapshot;

/// Their routes, under `/api/fundraising`.
pub(super) fn routes() -> Router<Face> {
    Router::new()
        .route("/gifts", get(gifts::list))
        .route("/gifts/{id}", get(gifts::one).patch(gifts::change).delete(gifts::remove))
        .route("/people/{id}", get(people::one))
        .route("/companies/search", get(people::companies))
        .route("/opportunities/search", get(people::opportunities))
        .route("/opportunities/{id}", patch(people::change_opportunity))
        .route("/appeals", get(appeals::list).post(appeals::create))
        .route("/appeals/{id}", get(appeals::one).patch(appeals::change))
        .route("/appeals/{id}/solicitation-snapshots", get(appeals::snapshots).post(appeals::create_snapshot))
        .route("/households", get(households::list).post(households::create))
        .route("/households/{id}", get(households::one).patch(households::change))
        .route("/households/{id}/members", get(households::members).post(households::add_member))
        .route("/households/{id}/members/{contactId}", delete(households::remove_member))
        .route("/households/{id}/copy-address", post(households::copy_address))
        .route("/recurring-agreements", get(agreements::list).post(agreements::create))
        .route(
            "/recurring-agreements/{id}",
            get(agreements::one).patch(agreements::change).delete(agreements::remove),
        )
        .route("/gift-payouts", get(payouts::list).post(payouts::create))
        .route("/gift-payouts/{id}", get(payouts::one).patch(payouts::change))
        .route("/gift-payouts/{id}/gifts/link", post(payouts::link))
        .route("/gift-payouts/{id}/gifts/unlink", post(payouts::unlink))
}

/// An object of the workspace.
struct Kind {
    object: Object,
    names: Names,
    schema: ObjectSchema,
}

impl Kind {
    /// The mirrored object with this plural name, or 404.
    fn named(snapshot: &Snapshot, plural: &str) -> Result<Self, Problem> {
        let workspace = snapshot.memo("workspace", &[], |ledger| ledger.workspace(ConnectionId::TWENTY))?;
        let found = workspace.mirrored().into_iter().find(|(_, names)| names.plural == plural);
        let schema = workspace.schema.as_ref().and_then(|schema| schema.objects.get(plural));
        let (Some((object, names)), Some(schema)) = (found, schema) else {
            let text = format!(
                "There is no such object in the Twenty workspace, or it is not mirrored: {plural}. The Sync page says what is."
            );
            return Err(Problem::new(StatusCode::NOT_FOUND, text));
        };
        Ok(Self { object, names, schema: schema.clone() })
    }
}
