//! Lists and records of the mirror in the shape of Twenty's REST, with its parameters (contract 1.3 to 1.5).

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use http::{StatusCode, header};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::Face;
use super::super::auth::Known;
use super::super::params::Params;
use super::super::problem::Problem;
use super::super::wire::FreshnessView;
use super::Kind;
use crate::ground::id::{Object, SubjectKey};
use crate::ground::journal::SubjectState;
use crate::ground::listing::{Cell, Listing, Mark};
use crate::ground::model::wanted_field;
use crate::store::parts::part;
use crate::store::{Ledger, Picked, Record, Rendered, Snapshot, Window, cell_of};

/// Records of a page when nobody says, and at most, as Twenty has it.
const LIMIT_DEFAULT: usize = 60;
/// See above.
const LIMIT_MAX: usize = 200;
/// What every list takes.
pub(super) const LIST: [&str; 7] =
    ["limit", "starting_after", "ending_before", "order_by", "filter", "depth", "fields"];
/// What every record takes.
pub(super) const ONE: [&str; 2] = ["depth", "fields"];

/// How old an answer is, and of one record where it stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallerMeta {
    /// When this was read.
    as_of: String,
    /// How old the mirror is.
    freshness: FreshnessView,
    /// Of one record: its version, for `If-Match`.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    /// Of one record: `live`, or `pending` until Twenty has confirmed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

/// Where a page begins and ends (contract 1.3).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageInfo {
    pub(super) has_next_page: bool,
    pub(super) has_previous_page: bool,
    start_cursor: Option<String>,
    pub(super) end_cursor: Option<String>,
}

/// A list in Twenty's shape.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TwentyList {
    /// The records under the plural name of their kind.
    #[schema(value_type = Object)]
    data: Value,
    total_count: u64,
    page_info: PageInfo,
    meta: CallerMeta,
}

/// A record, or what a write left, in Twenty's shape.
#[derive(Debug, Serialize, ToSchema)]
pub struct TwentyOne {
    /// The record under the name of its kind: `gift`, `updateGift`, `createAppeal`, `deleteGift`.
    #[schema(value_type = Object)]
    data: Value,
    meta: CallerMeta,
}

/// A page as it was found.
pub(super) struct Found {
    pub(super) kind: Kind,
    pub(super) records: Vec<String>,
    pub(super) picked: Picked,
    pub(super) info: PageInfo,
    pub(super) meta: CallerMeta,
}

/// What narrows a list beside the caller's own filter.
pub(super) type Narrow<'n> = &'n (dyn Fn(&mut Listing, &Kind) -> Result<(), Problem> + Send + Sync);

/// Which list is asked for.
pub(super) struct ListAsk<'a> {
    pub(super) plural: &'a str,
    /// The order when the caller names none.
    pub(super) order: Option<&'a str>,
    pub(super) limit_default: usize,
    pub(super) limit_max: usize,
    pub(super) narrow: Narrow<'a>,
}

impl<'a> ListAsk<'a> {
    /// A list of everything of a kind, as Twenty tells it.
    pub(super) fn of(plural: &'a str) -> Self {
        Self {
            plural,
            order: None,
            limit_default: LIMIT_DEFAULT,
            limit_max: LIMIT_MAX,
            narrow: &|_, _| Ok(()),
        }
    }
}

pub(super) fn meta(snapshot: &Snapshot, face: &Face, object: Object) -> Result<CallerMeta, Problem> {
    let freshness = FreshnessView::of(&snapshot.ledger(), face, object)?;
    Ok(CallerMeta { as_of: snapshot.as_of().to_string(), freshness, version: None, state: None })
}

/// A page of a list, with time for others while the mirror is read through for a field that was never asked about.
pub(super) async fn find(
    face: &Face,
    known: &Known,
    ask: &ListAsk<'_>,
    params: &Params,
) -> Result<Found, Problem> {
    loop {
        if let Some(found) = look(face, known, ask, params)? {
            return Ok(found);
        }
        tokio::task::yield_now().await;
    }
}

fn look(face: &Face, known: &Known, ask: &ListAsk<'_>, params: &Params) -> Result<Option<Found>, Problem> {
    let snapshot = known.snapshot(face)?;
    let ledger = snapshot.ledger();
    let kind = Kind::named(&snapshot, ask.plural)?;
    let order = params.get("order_by").or(ask.order);
    let mut listing = Listing::read(&kind.schema, params.get("filter"), order)
        .map_err(|wrong| Problem::field(wrong.parameter, wrong.message))?;
    (ask.narrow)(&mut listing, &kind)?;
    let shown = Shown::read(params, &kind)?;
    let window = window(params, &listing, ask)?;
    let Some(picked) = face.shelves.pick(&ledger, kind.object, &listing, &window)? else { return Ok(None) };
    let mut records = Vec::with_capacity(picked.entries.len());
    for row in face.rows.rows(&ledger, "twenty", &picked.entries, &as_told)? {
        records.push(shown.text(&ledger, &kind, &row.text)?);
    }
    let (first, last) = picked.ends.as_ref().map_or((None, None), |(first, last)| {
        (Some(written(&listing, first)), Some(written(&listing, last)))
    });
    let backward = window.before.is_some();
    let info = PageInfo {
        has_next_page: !backward && picked.more,
        has_previous_page: backward && picked.more,
        start_cursor: first,
        end_cursor: last,
    };
    let meta = meta(&snapshot, face, kind.object)?;
    Ok(Some(Found { kind, records, picked, info, meta }))
}

#[expect(clippy::unnecessary_wraps, reason = "the form that all projections have")]
fn as_told(record: &Record<String>) -> Option<Rendered> {
    Some(Rendered { text: record.value.as_str().into(), refers_to: None })
}

/// A list in Twenty's shape.
pub(super) async fn list(
    face: &Face,
    known: &Known,
    ask: &ListAsk<'_>,
    params: &Params,
) -> Result<Response, Problem> {
    let found = find(face, known, ask, params).await?;
    let data = format!("{{\"{}\":[{}]}}", found.kind.names.plural, found.records.join(","));
    let (info, meta) = (json(&found.info)?, json(&found.meta)?);
    let total = found.picked.total;
    Ok(text(
        StatusCode::OK,
        format!("{{\"data\":{data},\"totalCount\":{total},\"pageInfo\":{info},\"meta\":{meta}}}"),
    ))
}

/// A record that is there or on its way, and how old the mirror is.
pub(super) fn record(
    snapshot: &Snapshot,
    face: &Face,
    kind: &Kind,
    id: Uuid,
) -> Result<(String, CallerMeta), Problem> {
    let record = snapshot.ledger().record_of(&SubjectKey::twenty(kind.object, id))?;
    let told = |state| match state {
        SubjectState::Live => Some("live"),
        SubjectState::Pending => Some("pending"),
        _ => None,
    };
    let found = record.and_then(|record| Some((told(record.state)?, record)));
    let (state, record) = found.ok_or_else(|| Problem::not_found("record"))?;
    let meta = meta(snapshot, face, kind.object)?;
    Ok((record.value, CallerMeta { version: Some(record.seq.0), state: Some(state), ..meta }))
}

/// One record in Twenty's shape.
pub(super) fn one(
    face: &Face,
    known: &Known,
    plural: &str,
    id: &str,
    params: &Params,
) -> Result<Response, Problem> {
    params.only(&ONE)?;
    let snapshot = known.snapshot(face)?;
    let ledger = snapshot.ledger();
    let kind = Kind::named(&snapshot, plural)?;
    let shown = Shown::read(params, &kind)?;
    let (told, meta) = record(&snapshot, face, &kind, super::super::known_id(id, "record")?)?;
    let told = shown.text(&ledger, &kind, &told)?;
    in_twenty(StatusCode::OK, &kind.names.singular, &told, &meta)
}

/// `{"data": {member: record}, "meta": …}`.
pub(super) fn in_twenty(
    status: StatusCode,
    member: &str,
    record: &str,
    meta: &CallerMeta,
) -> Result<Response, Problem> {
    Ok(text(status, format!("{{\"data\":{{\"{member}\":{record}}},\"meta\":{}}}", json(meta)?)))
}

/// An answer of this text.
pub(super) fn text(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], Body::from(body)).into_response()
}

/// A value as JSON text.
pub(super) fn json<T: Serialize>(value: &T) -> Result<String, Problem> {
    let text = serde_json::to_string(value);
    text.map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

/// How much of each record is shown.
pub(super) struct Shown {
    /// Only these fields; all when absent.
    fields: Option<Vec<String>>,
    /// With the records that it points to.
    deep: bool,
}

impl Shown {
    pub(super) fn read(params: &Params, kind: &Kind) -> Result<Self, Problem> {
        let deep = match params.get("depth") {
            None | Some("0") => false,
            Some("1") => true,
            Some(other) => {
                let text = format!("'depth={other}' parameter invalid. Allowed values are 0, 1");
                return Err(Problem::field("depth", text));
            }
        };
        let named =
            |text: &str| -> Vec<String> { text.split(',').map(|name| name.trim().to_owned()).collect() };
        let fields = params.get("fields").map(named);
        let unknown = fields.iter().flatten().find(|name| !kind.schema.fields.contains_key(name.as_str()));
        if let Some(name) = unknown {
            let text = format!("Object {} doesn't have any \"{name}\" field.", kind.names.singular);
            return Err(Problem::field("fields", text));
        }
        Ok(Self { fields, deep })
    }

    /// A record's text as it is to be shown; numbers stay as they were written.
    pub(super) fn text(&self, ledger: &Ledger<'_>, kind: &Kind, told: &str) -> Result<String, Problem> {
        if self.fields.is_none() && !self.deep {
            return Ok(told.to_owned());
        }
        let Ok(members) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(told) else {
            return Ok(told.to_owned());
        };
        let wanted = |name: &str| {
            let fields = self.fields.as_ref();
            name == "id" || fields.is_none_or(|fields| fields.iter().any(|field| field == name))
        };
        let mut shown: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &members {
            if !wanted(name) {
                continue;
            }
            shown.insert(name.clone(), value.get().to_owned());
            if let Some((relation, object)) = self.deep.then(|| leads_to(kind, name)).flatten() {
                shown.insert(relation, pointed_to(ledger, object, value)?);
            }
        }
        let members: Vec<String> =
            shown.iter().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str()))).collect();
        Ok(format!("{{{}}}", members.join(",")))
    }
}

/// The record that an id points to; null where it is not there, as with Twenty.
fn pointed_to(ledger: &Ledger<'_>, object: Object, id: &RawValue) -> Result<String, Problem> {
    let id = serde_json::from_str::<Option<Uuid>>(id.get()).ok().flatten();
    let record = id.map(|id| ledger.record_of(&SubjectKey::twenty(object, id))).transpose()?.flatten();
    let live = record.filter(|record| record.state == SubjectState::Live);
    Ok(live.map_or_else(|| "null".to_owned(), |record| record.value))
}

/// The relation behind a column, and the kind of record it leads to.
fn leads_to(kind: &Kind, column: &str) -> Option<(String, Object)> {
    let field = kind.schema.fields.get(column)?;
    if field.kind != "RELATION" || field.name == column {
        return None;
    }
    let plural = match wanted_field(&kind.names.plural, column).and_then(|field| field.relation()) {
        Some(relation) => relation.target,
        None => match column {
            "companyId" => "companies",
            "pointOfContactId" => "people",
            "accountOwnerId" | "ownerId" | "assigneeId" => "workspaceMembers",
            "appealId" => "appeals",
            _ => return None,
        },
    };
    let object = Object::STANDARD
        .into_iter()
        .find(|object| object.twenty_names().is_some_and(|(_, name)| name == plural));
    Some((field.name.clone(), object?))
}

fn window(params: &Params, listing: &Listing, ask: &ListAsk<'_>) -> Result<Window, Problem> {
    let limit = params.get("limit").map(|text| {
        let limit = text.parse::<usize>();
        limit.map_err(|_| Problem::field("limit", format!("limit '{text}' is invalid. Should be an integer")))
    });
    let limit = limit.transpose()?.unwrap_or(ask.limit_default).min(ask.limit_max);
    let place = |name: &'static str| {
        let text = params.get(name);
        text.map(|text| {
            read(listing, text).ok_or_else(|| Problem::field(name, format!("Invalid cursor: {text}")))
        })
        .transpose()
    };
    let (after, before) = (place("starting_after")?, place("ending_before")?);
    if after.is_some() && before.is_some() {
        return Err(Problem::field("ending_before", "Cannot provide both before and after"));
    }
    Ok(Window { after, before, limit })
}

/// A place in a list as Twenty writes it: base64 of what it is ordered by and the id.
fn written(listing: &Listing, (cells, id): &Mark) -> String {
    let mut place = Value::Object(Map::new());
    for (sort, cell) in listing.order.iter().zip(cells) {
        let Some(column) = listing.columns.get(sort.column) else { continue };
        let value = match cell {
            Cell::Nothing => Value::Null,
            Cell::Truth(truth) => Value::from(*truth),
            Cell::Number(whole, 0) => Value::from(*whole),
            Cell::Several(several) => several.iter().map(|one| Value::from(&**one)).collect(),
            other => Value::from(other.to_string()),
        };
        put(&mut place, &column.path, value);
    }
    put(&mut place, "id", Value::from(id.to_string()));
    STANDARD.encode(place.to_string())
}

/// A place in this list; one that was made for another order is none.
fn read(listing: &Listing, text: &str) -> Option<Mark> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    // A plus sign that was not encoded arrives as a blank.
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);
    let bytes = engine.decode(text.replace([' ', '-'], "+").replace('_', "/")).ok()?;
    let place: Value = serde_json::from_slice(&bytes).ok()?;
    let id = place.get("id")?.as_str()?.parse().ok()?;
    let paths = listing.order.iter().filter_map(|sort| listing.columns.get(sort.column));
    let mut roots: Vec<&str> =
        paths.filter_map(|column| column.path.split('.').next()).chain(["id"]).collect();
    roots.sort_unstable();
    roots.dedup();
    let mut named: Vec<&str> = place.as_object()?.keys().map(String::as_str).collect();
    named.sort_unstable();
    if roots != named {
        return None;
    }
    let cell = |sort: &crate::ground::listing::Sort| {
        let column = listing.columns.get(sort.column);
        column.map_or(Cell::Nothing, |column| cell_of(column.form, part(&place, &column.path)))
    };
    Some((listing.order.iter().map(cell).collect(), id))
}

/// Puts a value in the place that a path names.
fn put(object: &mut Value, path: &str, value: Value) {
    let mut place = object;
    for name in path.split('.') {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(members) = place else { return };
        place = members.entry(name).or_insert(Value::Null);
    }
    *place = value;
}
