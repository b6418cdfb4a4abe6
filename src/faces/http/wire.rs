//! The shapes of answers that several pages share.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::ground::crm::record_url;
use crate::ground::id::{ConnectionId, Object};
use crate::ground::mirror::MirrorState;
use crate::ground::money::{Money, Totals};
use crate::ground::person::Person;
use crate::ground::texts::Finding;
use crate::ground::time::Instant;
use crate::store::{Ledger, StoreError};

use super::Face;

/// An amount in micros with its currency.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MoneyView {
    /// Millionths of the major unit.
    pub amount_micros: i64,
    /// ISO 4217 code.
    #[schema(value_type = String)]
    pub currency_code: crate::ground::money::Currency,
}

impl From<Money> for MoneyView {
    fn from(money: Money) -> Self {
        Self { amount_micros: money.micros, currency_code: money.currency }
    }
}

/// The sum of one currency.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TotalView {
    amount_micros: i64,
    currency_code: String,
    rows: u64,
}

/// One entry a currency; a sum beyond 64 bits is left out rather than told wrong.
pub(super) fn totals(totals: &Totals) -> Vec<TotalView> {
    let view = |(currency, total): (crate::ground::money::Currency, crate::ground::money::Total)| {
        let amount_micros = i64::try_from(total.micros).ok()?;
        Some(TotalView { amount_micros, currency_code: currency.to_string(), rows: total.rows })
    };
    totals.iter().filter_map(view).collect()
}

/// A finding in words.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FindingView {
    /// Stable code.
    pub code: String,
    /// What is so.
    pub text: String,
    /// What to do.
    pub action: String,
}

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        Self { code: finding.code.into(), text: finding.text.into(), action: finding.action.into() }
    }
}

/// A person in short.
#[derive(Debug, Serialize, ToSchema)]
pub struct DonorRef {
    id: String,
    name: Option<String>,
    email: Option<String>,
    url: Option<String>,
}

impl DonorRef {
    pub(super) fn new(person: &Person, face: &Face) -> Self {
        Self {
            id: person.id.to_string(),
            name: person.display_name(),
            email: person.primary_email().map(str::to_owned),
            url: record_url(&face.info.twenty_url, Object::People, person.id.0),
        }
    }
}

/// How old the mirror of an object is, and how far the pass under way.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FreshnessView {
    /// `fresh`, `late`, `stale` or `never`.
    state: &'static str,
    /// When the last complete pass began.
    synced_at: Option<String>,
    /// Whether a pass is under way.
    running: bool,
    /// Records read by the pass under way.
    done: u64,
    /// Records there are, as Twenty said.
    total: Option<u64>,
    /// What is in the way.
    note: Option<String>,
}

impl FreshnessView {
    pub(super) fn new(state: &MirrorState, now: Instant, every_ms: i64) -> Self {
        Self {
            state: state.freshness(now, every_ms).word(),
            synced_at: state.complete_as_of.map(|at| at.to_string()),
            running: state.pass.is_some() || state.walk.is_some(),
            done: state.walk.as_ref().map_or(0, |walk| walk.done),
            total: state.walk.as_ref().and_then(|walk| walk.total),
            note: state.trouble.clone(),
        }
    }

    pub(super) fn of(ledger: &Ledger<'_>, face: &Face, object: Object) -> Result<Self, StoreError> {
        let state = ledger.mirror_state(ConnectionId::TWENTY, object)?;
        Ok(Self::new(&state, face.desk.world.now(), face.info.sync_every_ms))
    }
}

/// `meta` of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListMeta {
    /// Whether there is a next page.
    pub has_more: bool,
    /// Where it begins.
    pub next_cursor: Option<String>,
    /// How many match in all; not told of a moment that has passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// When this was read.
    pub as_of: String,
    /// How old the mirror is, where the list is mirrored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freshness: Option<FreshnessView>,
}

/// `meta` of one record.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AsOf {
    /// When this was read.
    pub as_of: String,
}

/// A record with its version, which stands in `ETag` too: what `If-Match` takes.
pub(super) struct Tagged<T>(pub(super) u64, pub(super) T);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let Self(version, body) = self;
        let tag = HeaderValue::from_str(&format!("\"{version}\""));
        let mut response = Json(body).into_response();
        if let Ok(tag) = tag {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}
