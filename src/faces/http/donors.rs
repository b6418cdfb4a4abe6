//! Finding donors.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Face;
use super::auth::Known;
use super::params::Params;
use super::problem::Problem;
use super::wire::FreshnessView;
use crate::ground::crm::{GiftRecord, record_url};
use crate::ground::id::Object;
use crate::ground::journal::SubjectState;
use crate::ground::person::Person;
use crate::store::{Ledger, Snapshot, StoreError};

/// A donor as search shows them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DonorView {
    id: String,
    name: Option<String>,
    email: Option<String>,
    city: Option<String>,
    gift_count: u64,
    last_gift_date: Option<String>,
    url: Option<String>,
    state: &'static str,
}

/// Donors found.
#[derive(Debug, Serialize, ToSchema)]
pub struct DonorList {
    data: Vec<DonorView>,
    meta: DonorMeta,
}

/// `meta` of a donor search.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DonorMeta {
    as_of: String,
    freshness: FreshnessView,
    /// Changes that the search has not seen yet; 0 in ordinary times.
    behind: u64,
}

/// Gifts of a donor that are looked at for the newest gift date.
const DATES_MAX: usize = 20;

fn donor_view(ledger: &Ledger<'_>, face: &Face, person: &Person) -> Result<DonorView, StoreError> {
    let gifts = ledger.gifts_of(person.id, None, DATES_MAX)?;
    let dates = gifts
        .items
        .iter()
        .filter_map(|gift| serde_json::from_str::<GiftRecord>(&gift.value).ok()?.into_gift().gift_date);
    // With more gifts than were looked at the newest date would be a guess.
    let last = if gifts.next.is_none() { dates.max() } else { None };
    Ok(DonorView {
        id: person.id.to_string(),
        name: person.display_name(),
        email: person.primary_email().map(str::to_owned),
        city: person.city.clone(),
        gift_count: ledger.gift_count_of(person.id)?,
        last_gift_date: last.map(|date| date.to_string()),
        url: record_url(&face.info.twenty_url, Object::People, person.id.0),
        state: "live",
    })
}

/// Finds donors by name parts and e-mail, in any order.
#[utoipa::path(get, path = "/api/donors", tag = "Mirror", params(("q" = Option<String>, Query), ("limit" = Option<String>, Query)),
    responses((status = 200, body = DonorList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn search(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Json<DonorList>, Problem> {
    params.only(&["q", "limit"])?;
    let (text, limit) = (params.get("q").unwrap_or_default().to_owned(), params.limit()?);
    let search = std::sync::Arc::clone(&face.search);
    // A search in a large overlay takes long enough to hold up other requests.
    let (store, viewer) = (face.desk.store.clone(), known.viewer.clone());
    let found = tokio::task::spawn_blocking(move || {
        let snapshot = Snapshot::for_viewer(&store, &viewer)?;
        search.find_with(&snapshot.ledger(), &text, limit)
    })
    .await;
    let found = found.map_err(|error| unavailable(&error))?.map_err(|error| unavailable(&error))?;
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let mut data = Vec::with_capacity(found.people.len());
    for hit in &found.people {
        let person = ledger.person(hit.id)?.filter(|record| record.state == SubjectState::Live);
        if let Some(person) = person {
            data.push(donor_view(&ledger, &face, &person.value)?);
        }
    }
    let freshness = FreshnessView::of(&ledger, &face, Object::People)?;
    Ok(Json(DonorList {
        data,
        meta: DonorMeta { as_of: snapshot.as_of().to_string(), freshness, behind: found.behind },
    }))
}

fn unavailable(error: &dyn std::fmt::Display) -> Problem {
    let text = format!("The search is not available just now ({error}). Try again in a moment.");
    Problem::new(http::StatusCode::SERVICE_UNAVAILABLE, text)
}
