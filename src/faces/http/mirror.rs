//! The mirror, now and at any moment that has passed: gifts as lists show them, and any record as it was told.
//!
//! Rows are rendered once and kept in memory (`store::Rows`); a list is put together from their texts.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::auth::Known;
use super::edits::{PendingEdit, pending_edit};
use super::params::{Params, cursor};
use super::problem::Problem;
use super::row::past_row_view;
use super::wire::{DonorRef, FreshnessView, ListMeta, MoneyView};
use super::{Face, known_id};
use crate::ground::crm::{GiftRecord, PersonRecord, record_url};
use crate::ground::id::{ConnectionId, Object, PersonId, Seq, SubjectKey};
use crate::ground::journal::SubjectState;
use crate::ground::staging::StagedRow;
use crate::ground::time::{CalendarDate, Instant};
use crate::store::{Asked, Ledger, Page, Record, Rendered, Snapshot, StoreError};

/// A gift of the mirror.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GiftView {
    id: String,
    name: Option<String>,
    amount: Option<MoneyView>,
    gift_date: Option<String>,
    /// `pending` until Twenty confirms it.
    state: &'static str,
    updated_at: String,
    url: Option<String>,
    /// Last, since it is rendered by itself and put in.
    #[serde(skip_serializing_if = "Option::is_none")]
    donor: Option<DonorRef>,
}

/// Gifts, newest change first.
#[derive(Debug, Serialize, ToSchema)]
pub struct GiftList {
    data: Vec<GiftView>,
    meta: ListMeta,
}

/// The moment a question is about.
pub(super) struct Moment {
    /// The last entry that counts.
    pub(super) as_of: Seq,
    /// What the answer says.
    pub(super) told: Instant,
    /// Whether it was asked for.
    pub(super) is_past: bool,
}

/// `as_of`: an instant, or a date, which stands for its end in the organisation's zone. Without it: now.
pub(super) fn moment(params: &Params, face: &Face, snapshot: &Snapshot) -> Result<Moment, Problem> {
    let ledger = snapshot.ledger();
    let asked = params.parsed("as_of", |text| match text.parse::<CalendarDate>() {
        Ok(date) => Some(face.desk.zone.end_of(date)),
        Err(_) => text.parse::<Instant>().ok(),
    })?;
    let now = snapshot.as_of();
    match asked {
        None => Ok(Moment { as_of: ledger.last_seq()?, told: now, is_past: false }),
        Some(instant) if instant > now => {
            let today = params.get("as_of") == Some(face.today().to_string().as_str());
            if today {
                return Ok(Moment { as_of: ledger.last_seq()?, told: now, is_past: true });
            }
            Err(Problem::field("as_of", "This moment has not come yet. Ask for one that has passed."))
        }
        Some(instant) => Ok(Moment { as_of: ledger.seq_at(instant)?, told: instant, is_past: true }),
    }
}

const GIFT: &str = "gift";
const DONOR: &str = "donor";

fn gift_row(face: &Face, record: &Record<String>) -> Option<Rendered> {
    let gift = serde_json::from_str::<GiftRecord>(&record.value).ok()?.into_gift();
    let view = GiftView {
        id: gift.id.to_string(),
        name: gift.name,
        amount: gift.amount.map(MoneyView::from),
        gift_date: gift.gift_date.map(|date| date.to_string()),
        state: if record.state == SubjectState::Pending { "pending" } else { "confirmed" },
        updated_at: record.recorded.to_string(),
        url: record_url(&face.info.twenty_url, Object::Gifts, gift.id.0),
        donor: None,
    };
    let refers_to = gift.donor.map(|donor| SubjectKey::twenty(Object::People, donor.0));
    Some(Rendered { text: serde_json::to_string(&view).ok()?.into(), refers_to })
}

fn donor_row(face: &Face, record: &Record<String>) -> Option<Rendered> {
    if record.state == SubjectState::Gone {
        return None;
    }
    let person = serde_json::from_str::<PersonRecord>(&record.value).ok()?.into_person();
    let text = serde_json::to_string(&DonorRef::new(&person, face)).ok()?;
    Some(Rendered { text: text.into(), refers_to: None })
}

/// The rows of some gifts as one JSON list, each with its donor as of then.
fn gift_rows(
    face: &Face,
    snapshot: &Snapshot,
    entries: &[Seq],
    moment: &Moment,
) -> Result<String, StoreError> {
    let ledger = snapshot.ledger();
    let gifts = face.rows.rows(&ledger, GIFT, entries, &|record| gift_row(face, record))?;
    let head = |name: &SubjectKey| -> Result<Option<Seq>, StoreError> {
        if moment.is_past {
            return ledger.entry_as_of(name, moment.as_of);
        }
        let key = name.uuid().map(|id| *id.as_bytes()).unwrap_or_default();
        Ok(*snapshot.memo("head of a person", &key, |ledger| ledger.entry_as_of(name, moment.as_of))?)
    };
    let mut donors = Vec::with_capacity(gifts.len());
    for gift in &gifts {
        let seq = gift.refers_to.as_ref().map(head).transpose()?.flatten();
        let row = seq.map(|seq| face.rows.rows(&ledger, DONOR, &[seq], &|record| donor_row(face, record)));
        donors.push(row.transpose()?.and_then(|rows| rows.into_iter().next()));
    }
    let length = gifts.iter().chain(donors.iter().flatten()).map(|row| row.text.len() + 16).sum();
    let mut out = String::with_capacity(length);
    for (gift, donor) in gifts.iter().zip(&donors) {
        out.push(if out.is_empty() { '[' } else { ',' });
        // The donor goes in before the bracket that ends the gift.
        out.push_str(gift.text.strip_suffix('}').unwrap_or(&gift.text));
        out.push_str(",\"donor\":");
        out.push_str(donor.as_ref().map_or("null", |donor| &donor.text));
        out.push('}');
    }
    out.push_str(if out.is_empty() { "[]" } else { "]" });
    Ok(out)
}

/// An answer put together from texts.
fn answer<M: Serialize>(data: &str, meta: &M) -> Result<Response, Problem> {
    let meta = serde_json::to_string(meta)
        .map_err(|error| Problem::new(http::StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    let body = format!("{{\"data\":{data},\"meta\":{meta}}}");
    Ok(([(header::CONTENT_TYPE, "application/json")], Body::from(body)).into_response())
}

/// Gifts of the mirror, newest change first; with `as_of` as they stood then.
#[utoipa::path(get, path = "/api/gifts", tag = "Mirror",
    params(("donorId" = Option<String>, Query), ("state" = Option<String>, Query), ("as_of" = Option<String>, Query), ("limit" = Option<String>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = GiftList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn gifts(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&["donorId", "state", "as_of", "limit", "cursor"])?;
    let donor = params.parsed("donorId", |text| text.parse::<PersonId>().ok())?;
    let state = params.parsed("state", |text| match text {
        "confirmed" => Some(SubjectState::Live),
        "pending" => Some(SubjectState::Pending),
        _ => None,
    })?;
    if donor.is_some() && state.is_some() {
        return Err(Problem::field("state", "Ask either for a donor's gifts or for a state, not both."));
    }
    let (limit, after) = (params.limit()?, params.cursor()?);
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let moment = moment(&params, &face, &snapshot)?;
    let wanted = state.unwrap_or(SubjectState::Live);
    let (page, total): (Page<Seq>, Option<u64>) = match donor {
        Some(donor) => {
            let asked = Asked { as_of: moment.as_of, state: None, after: after.as_deref(), limit };
            let total = if moment.is_past { None } else { Some(ledger.gift_count_of(donor)?) };
            (ledger.gifts_as_of(donor, &asked)?, total)
        }
        None if moment.is_past => {
            let asked = Asked { as_of: moment.as_of, state: Some(wanted), after: after.as_deref(), limit };
            (ledger.list_as_of(ConnectionId::TWENTY, Object::Gifts, &asked)?, None)
        }
        None => {
            let (twenty, gifts) = (ConnectionId::TWENTY, Object::Gifts);
            let total = ledger.object_count(twenty, gifts, wanted)?;
            (ledger.newest_entries(twenty, gifts, wanted, after.as_deref(), limit)?, Some(total))
        }
    };
    let data = gift_rows(&face, &snapshot, &page.items, &moment)?;
    let next_cursor = page.next.as_deref().map(cursor);
    let freshness = Some(FreshnessView::of(&ledger, &face, Object::Gifts)?);
    let meta = ListMeta {
        has_more: next_cursor.is_some(),
        next_cursor,
        total,
        as_of: moment.told.to_string(),
        freshness,
    };
    answer(&data, &meta)
}

/// A record as it was told, with where it stood.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordView {
    /// The record's id; of a merged one, the id of the record it is part of.
    id: String,
    object: &'static str,
    /// The entry that left it so.
    version: u64,
    /// `live`, `pending`, `deleted` or `gone`.
    state: &'static str,
    recorded_at: String,
    /// The record itself: Twenty's as it was told, numbers exactly as they were written; a staged row as its own
    /// address shows it.
    #[schema(value_type = serde_json::Value)]
    record: Option<Box<RawValue>>,
    /// Of one record asked for as it is now: what was changed here and is not in Twenty yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_edit: Option<PendingEdit>,
}

/// `meta` of records.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordsMeta {
    has_more: bool,
    next_cursor: Option<String>,
    /// The moment that was asked for.
    as_of: String,
    /// The last entry of the journal that counts.
    as_of_entry: u64,
}

/// Records, newest change first.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordList {
    data: Vec<RecordView>,
    meta: RecordsMeta,
}

/// One record.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordAnswer {
    data: RecordView,
    meta: RecordsMeta,
}

const RECORD: &str = "record";

const fn state_word(state: SubjectState) -> &'static str {
    match state {
        SubjectState::Live => "live",
        SubjectState::Pending => "pending",
        SubjectState::Deleted => "deleted",
        SubjectState::Gone => "gone",
        SubjectState::Erased => "erased",
        SubjectState::Merged => "merged",
    }
}

fn record_row(record: &Record<String>) -> Option<Rendered> {
    let view = RecordView {
        id: record.key.foreign.to_string(),
        object: record.key.object.word(),
        version: record.seq.0,
        state: state_word(record.state),
        recorded_at: record.recorded.to_string(),
        record: RawValue::from_string(record.value.clone()).ok(),
        pending_edit: None,
    };
    Some(Rendered { text: serde_json::to_string(&view).ok()?.into(), refers_to: None })
}

/// The rows of some entries as a JSON list's items.
fn record_rows(
    face: &Face,
    ledger: &Ledger<'_>,
    (object, moment): (Object, &Moment),
    entries: &[Seq],
) -> Result<Vec<Arc<Rendered>>, Problem> {
    if object != Object::GiftStaging {
        return Ok(face.rows.rows(ledger, RECORD, entries, &record_row)?);
    }
    // What a staged row says depends on its donor and on the day, so it is not kept.
    let mut rows = Vec::with_capacity(entries.len());
    for seq in entries {
        let Some(record) = ledger.record_at(*seq)? else { continue };
        let Ok(row) = serde_json::from_str::<StagedRow>(&record.value) else { continue };
        let view = past_row_view(ledger, face, record.clone().map(|_| row), moment.told)?;
        let Ok(value) = serde_json::to_string(&view) else { continue };
        rows.extend(record_row(&record.map(|_| value)).map(Arc::new));
    }
    Ok(rows)
}

/// What may be read as of a moment.
fn readable(word: &str) -> Result<Object, Problem> {
    let object =
        Object::from_word(word).filter(|object| object.is_mirrored() || *object == Object::GiftStaging);
    object.ok_or(Problem::not_found("kind of record"))
}

fn name_of(object: Object, id: uuid::Uuid) -> SubjectKey {
    if object.is_mirrored() { SubjectKey::twenty(object, id) } else { SubjectKey::here(object, id) }
}

/// Records of an object as they stood at `as_of`, newest change first; with `ids` these ones in their order.
#[utoipa::path(get, path = "/api/records/{object}", tag = "Time travel",
    params(("object" = String, Path), ("ids" = Option<String>, Query), ("state" = Option<String>, Query), ("as_of" = Option<String>, Query), ("limit" = Option<String>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = RecordList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn records(
    State(face): State<Face>,
    known: Known,
    Path(object): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&["ids", "state", "as_of", "limit", "cursor"])?;
    let object = readable(&object)?;
    let state = params.parsed("state", |text| {
        [SubjectState::Live, SubjectState::Pending, SubjectState::Deleted, SubjectState::Gone]
            .into_iter()
            .find(|state| state_word(*state) == text)
    })?;
    let ids = params.parsed("ids", |text| {
        text.split(',').map(|id| uuid::Uuid::parse_str(id.trim()).ok()).collect::<Option<Vec<_>>>()
    })?;
    let (limit, after) = (params.limit()?, params.cursor()?);
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let moment = moment(&params, &face, &snapshot)?;
    let page = match ids {
        Some(ids) if ids.len() > IDS_MAX => {
            return Err(Problem::field("ids", format!("Ask for {IDS_MAX} records at most.")));
        }
        Some(ids) => {
            let mut items = Vec::with_capacity(ids.len());
            for id in ids {
                items.extend(ledger.entry_as_of(&name_of(object, id), moment.as_of)?);
            }
            Page { items, next: None }
        }
        None => {
            let connection = name_of(object, uuid::Uuid::nil()).connection;
            let state = Some(state.unwrap_or(SubjectState::Live));
            ledger.list_as_of(
                connection,
                object,
                &Asked { as_of: moment.as_of, state, after: after.as_deref(), limit },
            )?
        }
    };
    let rows = record_rows(&face, &ledger, (object, &moment), &page.items)?;
    let texts: Vec<&str> = rows.iter().map(|row| &*row.text).collect();
    answer(&format!("[{}]", texts.join(",")), &meta(&page, &moment))
}

/// Records that may be named in one request.
const IDS_MAX: usize = 100;

fn meta(page: &Page<Seq>, moment: &Moment) -> RecordsMeta {
    RecordsMeta {
        has_more: page.next.is_some(),
        next_cursor: page.next.as_deref().map(cursor),
        as_of: moment.told.to_string(),
        as_of_entry: moment.as_of.0,
    }
}

/// One record as it stood at `as_of`.
#[utoipa::path(get, path = "/api/records/{object}/{id}", tag = "Time travel",
    params(("object" = String, Path), ("id" = String, Path), ("as_of" = Option<String>, Query)),
    responses((status = 200, body = RecordAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn record(
    State(face): State<Face>,
    known: Known,
    Path((object, id)): Path<(String, String)>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&["as_of"])?;
    let object = readable(&object)?;
    let id: uuid::Uuid = known_id(&id, "record")?;
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let moment = moment(&params, &face, &snapshot)?;
    let found = ledger.entry_as_of(&name_of(object, id), moment.as_of)?;
    let rows = record_rows(&face, &ledger, (object, &moment), found.as_slice())?;
    let row = rows.first().ok_or(Problem::not_found("record"))?;
    let pending =
        if moment.is_past || !object.is_mirrored() { None } else { pending_edit(&ledger, object, id)? };
    let text = match pending.and_then(|pending| serde_json::to_string(&pending).ok()) {
        // It goes in before the bracket that ends the record.
        Some(pending) => {
            format!("{},\"pendingEdit\":{pending}}}", row.text.strip_suffix('}').unwrap_or(&row.text))
        }
        None => row.text.to_string(),
    };
    let mut response = answer(&text, &meta(&Page { items: Vec::new(), next: None }, &moment))?;
    if let Some(tag) = found.and_then(|seq| HeaderValue::from_str(&format!("\"{}\"", seq.0)).ok()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}
