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

use axum::response::Response;
use axum::routing::{delete, get, patch, post};
use http::StatusCode;

use super::problem::Problem;
use super::routes::{Route, on};
use crate::ground::access::Right::{Edit, See};
use crate::ground::id::{ConnectionId, Names, Object};
use crate::ground::workspace::ObjectSchema;
use crate::store::Snapshot;

/// Their routes, with what each needs.
pub(super) fn routes() -> Vec<Route> {
    vec![
        on("GET", "/api/fundraising/gifts", See, get(gifts::list)),
        on("GET", "/api/fundraising/gifts/{id}", See, get(gifts::one)),
        on("PATCH", "/api/fundraising/gifts/{id}", Edit, patch(gifts::change)),
        on("DELETE", "/api/fundraising/gifts/{id}", Edit, delete(gifts::remove)),
        on("GET", "/api/fundraising/people/{id}", See, get(people::one)),
        on("GET", "/api/fundraising/companies/search", See, get(people::companies)),
        on("GET", "/api/fundraising/opportunities/search", See, get(people::opportunities)),
        on("PATCH", "/api/fundraising/opportunities/{id}", Edit, patch(people::change_opportunity)),
        on("GET", "/api/fundraising/appeals", See, get(appeals::list)),
        on("POST", "/api/fundraising/appeals", Edit, post(appeals::create)),
        on("GET", "/api/fundraising/appeals/{id}", See, get(appeals::one)),
        on("PATCH", "/api/fundraising/appeals/{id}", Edit, patch(appeals::change)),
        on("GET", "/api/fundraising/appeals/{id}/solicitation-snapshots", See, get(appeals::snapshots)),
        on(
            "POST",
            "/api/fundraising/appeals/{id}/solicitation-snapshots",
            Edit,
            post(appeals::create_snapshot),
        ),
        on("GET", "/api/fundraising/households", See, get(households::list)),
        on("POST", "/api/fundraising/households", Edit, post(households::create)),
        on("GET", "/api/fundraising/households/{id}", See, get(households::one)),
        on("PATCH", "/api/fundraising/households/{id}", Edit, patch(households::change)),
        on("GET", "/api/fundraising/households/{id}/members", See, get(households::members)),
        on("POST", "/api/fundraising/households/{id}/members", Edit, post(households::add_member)),
        on(
            "DELETE",
            "/api/fundraising/households/{id}/members/{contactId}",
            Edit,
            delete(households::remove_member),
        ),
        on("POST", "/api/fundraising/households/{id}/copy-address", Edit, post(households::copy_address)),
        on("GET", "/api/fundraising/recurring-agreements", See, get(agreements::list)),
        on("POST", "/api/fundraising/recurring-agreements", Edit, post(agreements::create)),
        on("GET", "/api/fundraising/recurring-agreements/{id}", See, get(agreements::one)),
        on("PATCH", "/api/fundraising/recurring-agreements/{id}", Edit, patch(agreements::change)),
        on("DELETE", "/api/fundraising/recurring-agreements/{id}", Edit, delete(agreements::remove)),
        on("GET", "/api/fundraising/gift-payouts", See, get(payouts::list)),
        on("POST", "/api/fundraising/gift-payouts", Edit, post(payouts::create)),
        on("GET", "/api/fundraising/gift-payouts/{id}", See, get(payouts::one)),
        on("PATCH", "/api/fundraising/gift-payouts/{id}", Edit, patch(payouts::change)),
        on("POST", "/api/fundraising/gift-payouts/{id}/gifts/link", Edit, post(payouts::link)),
        on("POST", "/api/fundraising/gift-payouts/{id}/gifts/unlink", Edit, post(payouts::unlink)),
    ]
}

/// A JSON text as an answer.
pub(super) fn shape(status: StatusCode, body: String) -> Response {
    list::text(status, body)
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
