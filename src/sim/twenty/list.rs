//! Find many, find one.

use std::ops::Bound;

use uuid::Uuid;

use super::core::Core;
use super::emit;
use super::error::Refusal;
use super::filter::{self, Node};
use super::order::{self, SortKey, Wish};
use super::predicate::{self, Predicate};
use super::query::Query;
use super::schema::Object;
use super::store::{Row, Store};
use super::values::parse_uuid;
use crate::sim::json::{Json, Key};

/// Rows of a page when the client does not say.
const DEFAULT_LIMIT: usize = 60;
/// Most rows of a page; more is silently cut.
const MAX_LIMIT: usize = 200;

/// What a list asks for, syntax checked but not yet held against the object.
#[derive(Debug)]
pub(crate) struct Request {
    filter: Option<Node>,
    order: Vec<Wish>,
    limit: usize,
    after: Option<Json>,
    before: Option<Json>,
    depth: u8,
}

impl Request {
    /// Reads the parameters; mistakes found here cost no token.
    pub(crate) fn parse(query: &Query) -> Result<Self, Refusal> {
        let filter = filter(query)?;
        let order = order::parse(query.one("order_by").unwrap_or_default())?;
        let limit = limit(query)?;
        let after = query.one("starting_after").map(order::decode).transpose()?;
        let before = query.one("ending_before").map(order::decode).transpose()?;
        if after.is_some() && before.is_some() {
            return Err(Refusal::bad("Cannot provide both before and after"));
        }
        Ok(Self { filter, order, limit, after, before, depth: depth(query)? })
    }
}

/// The filter; one given twice arrives as an array and is ignored, so everything matches.
pub(crate) fn filter(query: &Query) -> Result<Option<Node>, Refusal> {
    query.one("filter").map_or(Ok(None), filter::parse)
}

/// `depth`, 0 or 1.
pub(crate) fn depth(query: &Query) -> Result<u8, Refusal> {
    match query.one("depth") {
        None | Some("" | "0") => Ok(0),
        Some("1") => Ok(1),
        Some(other) => {
            Err(Refusal::bad(format!("'depth={other}' parameter invalid. Allowed values are 0, 1")))
        }
    }
}

/// `limit`: a fraction is rounded as Postgres rounds it, an empty text is none at all.
fn limit(query: &Query) -> Result<usize, Refusal> {
    let Some(text) = query.one("limit").filter(|text| !text.is_empty()) else { return Ok(DEFAULT_LIMIT) };
    let refusal = || Refusal::bad(format!("limit '{text}' is invalid. Should be an integer"));
    let number = text.trim().parse::<f64>().ok().filter(|number| *number >= 0.0).ok_or_else(refusal)?;
    let whole = format!("{:.0}", number.round()).parse::<usize>().unwrap_or(MAX_LIMIT);
    Ok(whole.min(MAX_LIMIT))
}

/// The rows a filter selects, by id; the bin takes part only when the filter names `deletedAt`.
pub(crate) struct Selection<'a> {
    store: &'a Store,
    object: &'a Object,
    predicate: Option<Predicate>,
    with_deleted: bool,
}

impl<'a> Selection<'a> {
    /// Checks the filter against the object.
    pub(crate) fn new(store: &'a Store, object: &'a Object, node: Option<&Node>) -> Result<Self, Refusal> {
        let predicate = node.map(|node| predicate::bind(&store.schema, object, node)).transpose()?;
        let with_deleted = node.is_some_and(predicate::sees_deleted);
        Ok(Self { store, object, predicate, with_deleted })
    }

    /// The same, with the bin: changes do not look at `deletedAt`.
    pub(crate) fn with_deleted(mut self) -> Self {
        self.with_deleted = true;
        self
    }

    /// Whether a row is selected.
    pub(crate) fn holds(&self, row: &Row) -> bool {
        (self.with_deleted || !row.is_deleted(self.object))
            && self.predicate.as_ref().is_none_or(|predicate| predicate.holds(self.store, row))
    }
}

/// One page with its total and cursors.
pub(crate) fn many(core: &Core, index: usize, request: &Request) -> Result<Json, Refusal> {
    let store = &core.store;
    let Some(object) = store.schema.objects().get(index) else { return Err(Refusal::not_found()) };
    let keys = order::bind(object, &request.order)?;
    let selection = Selection::new(store, object, request.filter.as_ref())?;
    for cursor in [&request.after, &request.before].into_iter().flatten() {
        order::check_cursor(&keys, cursor)?;
    }
    let rows = store.table(index).rows();
    let total = rows.values().filter(|row| selection.holds(row)).count();
    let by_id = keys.first().is_some_and(|key| key.is_id_ascending(object)) && request.before.is_none();
    let mut page: Vec<&Row> = if by_id {
        let start = cursor_id(request.after.as_ref()).map_or(Bound::Unbounded, Bound::Excluded);
        let rest = rows.range((start, Bound::Unbounded)).map(|(_, row)| row);
        rest.filter(|row| selection.holds(row)).take(request.limit + 1).collect()
    } else {
        sorted_page(rows.values().filter(|row| selection.holds(row)).collect(), &keys, request)
    };
    let more = page.len() > request.limit;
    page.truncate(request.limit);
    let first = page.first().map_or(Json::Null, |row| Json::text(order::cursor(&keys, row)));
    let last = page.last().map_or(Json::Null, |row| Json::text(order::cursor(&keys, row)));
    // The cursors of a backward page are taken before it is turned round, so they come out swapped.
    if request.before.is_some() {
        page.reverse();
    }
    let records = page.into_iter().map(|row| emit::record(store, object, row, request.depth)).collect();
    let backward = request.before.is_some();
    Ok(Json::object([
        ("data", Json::Obj(vec![(Key::Borrowed(object.plural), Json::Arr(records))])),
        ("totalCount", Json::int(i64::try_from(total).unwrap_or(i64::MAX))),
        (
            "pageInfo",
            Json::object([
                ("startCursor", first),
                ("endCursor", last),
                ("hasNextPage", Json::Bool(more && !backward)),
                ("hasPreviousPage", Json::Bool(more && backward)),
            ]),
        ),
    ]))
}

fn cursor_id(cursor: Option<&Json>) -> Option<Uuid> {
    Uuid::parse_str(cursor?.get("id")?.as_str()?).ok()
}

/// The rows after (or, turned round, before) the cursor, one more than asked for.
fn sorted_page<'a>(mut rows: Vec<&'a Row>, keys: &[SortKey], request: &Request) -> Vec<&'a Row> {
    if let Some(cursor) = &request.after {
        rows.retain(|row| order::compare_cursor(keys, row, cursor).is_gt());
    }
    if let Some(cursor) = &request.before {
        rows.retain(|row| order::compare_cursor(keys, row, cursor).is_lt());
    }
    rows.sort_by(|left, right| order::compare(keys, left, right));
    if request.before.is_some() {
        rows.reverse();
    }
    rows.truncate(request.limit + 1);
    rows
}

/// One record; one in the bin is not found.
pub(crate) fn one(core: &Core, index: usize, id: Uuid, depth: u8) -> Result<Json, Refusal> {
    let object = core.store.schema.objects().get(index).ok_or_else(Refusal::not_found)?;
    let row = core
        .store
        .table(index)
        .get(id)
        .filter(|row| !row.is_deleted(object))
        .ok_or_else(Refusal::not_found)?;
    let record = emit::record(&core.store, object, row, depth);
    Ok(Json::object([("data", Json::Obj(vec![(Key::Borrowed(object.singular), record)]))]))
}

/// The id in a path.
pub(crate) fn path_id(text: &str) -> Result<Uuid, Refusal> {
    parse_uuid(text).ok_or_else(|| Refusal::bad(format!("'{text}' is not a valid UUID")))
}
