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
    skipped: usize,
    after: Option<Json>,
    before: Option<Json>,
    backward: bool,
    depth: u8,
}

impl Request {
    /// Reads the parameters; mistakes found here cost no token.
    pub(crate) fn parse(query: &Query) -> Result<Self, Refusal> {
        let filter = filter(query)?;
        let order = query.one("order_by").map_or(Ok(Vec::new()), order::parse)?;
        let limit = limit(query)?;
        let mut request = Self::of(filter, order, Some(limit));
        let cursor =
            |name: &str| query.one(name).filter(|text| !text.is_empty()).map(order::decode).transpose();
        let (after, before) = (cursor("starting_after")?, cursor("ending_before")?);
        let backward = before.is_some();
        request.between(after, before, backward)?;
        request.depth = depth(query)?;
        Ok(request)
    }

    /// A first page.
    pub(crate) fn of(filter: Option<Node>, order: Vec<Wish>, limit: Option<usize>) -> Self {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        Self { filter, order, limit, skipped: 0, after: None, before: None, backward: false, depth: 0 }
    }

    /// Begins or ends the page at a cursor.
    pub(crate) fn between(
        &mut self,
        after: Option<Json>,
        before: Option<Json>,
        backward: bool,
    ) -> Result<(), Refusal> {
        if after.is_some() && before.is_some() {
            return Err(Refusal::bad("Cannot provide both before and after"));
        }
        self.backward = backward || before.is_some();
        self.after = after;
        self.before = before;
        Ok(())
    }

    /// Leaves out so many rows at the front.
    pub(crate) fn skip(&mut self, rows: usize) {
        self.skipped = rows;
    }
}

/// Reads a cursor.
pub(crate) fn decode(text: &str) -> Result<Json, Refusal> {
    order::decode(text)
}

/// The order of a GraphQL call: a list of nested objects that end in a direction.
pub(crate) fn wishes(orders: &[Json]) -> Result<Vec<Wish>, Refusal> {
    let mut wishes = Vec::new();
    for member in orders.iter().filter_map(Json::as_object).flatten() {
        let mut path = vec![member.0.to_string()];
        let mut inner = &member.1;
        while let Some([(name, value), ..]) = inner.as_object() {
            path.push(name.to_string());
            inner = value;
        }
        let direction = inner.as_str().unwrap_or_default();
        let wish = Wish::new(path, direction).ok_or_else(|| {
            Refusal::bad(format!("Value \"{direction}\" does not exist in \"OrderByDirection\" enum."))
        })?;
        wishes.push(wish);
    }
    Ok(wishes)
}

/// The filter; one given twice arrives as an array and is ignored, so everything matches.
pub(crate) fn filter(query: &Query) -> Result<Option<Node>, Refusal> {
    query.one("filter").map_or(Ok(None), filter::parse)
}

/// `depth`, 0 or 1.
pub(crate) fn depth(query: &Query) -> Result<u8, Refusal> {
    let Some(text) = query.joined("depth").filter(|text| !text.is_empty()) else { return Ok(0) };
    match text.trim().parse::<f64>() {
        Ok(0.0) => Ok(0),
        Ok(1.0) => Ok(1),
        _ => Err(Refusal::bad(format!("'depth={text}' parameter invalid. Allowed values are 0, 1"))),
    }
}

/// `limit`: an empty text is none at all.
fn limit(query: &Query) -> Result<usize, Refusal> {
    let Some(text) = query.joined("limit").filter(|text| !text.is_empty()) else { return Ok(DEFAULT_LIMIT) };
    let limit = javascript_limit(&text)
        .ok_or_else(|| Refusal::bad(format!("limit '{text}' is invalid. Should be an integer")))?;
    Ok(limit.min(MAX_LIMIT))
}

/// A limit as JavaScript reads a number; a fraction is rounded as Postgres rounds it.
pub(crate) fn javascript_limit(text: &str) -> Option<usize> {
    let text = text.trim();
    if let Some(digits) = text.strip_prefix("0x") {
        return usize::from_str_radix(digits, 16).ok();
    }
    if matches!(text, "Infinity" | "+Infinity") {
        return Some(MAX_LIMIT);
    }
    let numeric = text.is_empty() || text.contains(|letter: char| letter.is_ascii_digit());
    let number = if text.is_empty() { Some(0.0) } else { text.parse::<f64>().ok() };
    let number = number.filter(|number| numeric && *number >= 0.0 && number.is_finite())?;
    Some(format!("{:.0}", number.round()).parse::<usize>().unwrap_or(MAX_LIMIT))
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

/// One page: its rows in the order in which they are shown, and what is around them.
pub(crate) struct Page<'a> {
    keys: Vec<SortKey>,
    /// The rows.
    pub(crate) rows: Vec<&'a Row>,
    /// All rows that match, where somebody may ask for more than their number.
    pub(crate) matching: Vec<&'a Row>,
    /// Number of all rows that match.
    pub(crate) total: usize,
    more: bool,
    backward: bool,
    start: Json,
    end: Json,
}

impl Page<'_> {
    /// The cursor of a row.
    pub(crate) fn cursor(&self, store: &Store, row: &Row) -> String {
        order::cursor(store, &self.keys, row)
    }

    /// What is around the page; the opposite direction always says no.
    pub(crate) fn info(&self) -> Json {
        Json::object([
            ("startCursor", self.start.clone()),
            ("endCursor", self.end.clone()),
            ("hasNextPage", Json::Bool(self.more && !self.backward)),
            ("hasPreviousPage", Json::Bool(self.more && self.backward)),
        ])
    }
}

/// Rows that are all there is, as a page.
pub(crate) fn whole<'a>(store: &Store, object: &Object, rows: Vec<&'a Row>) -> Page<'a> {
    let keys = order::bind(&store.schema, object, &[]).unwrap_or_default();
    let cursor =
        |row: Option<&&Row>| row.map_or(Json::Null, |row| Json::text(order::cursor(store, &keys, row)));
    let (start, end) = (cursor(rows.first()), cursor(rows.last()));
    let total = rows.len();
    Page { keys, matching: rows.clone(), rows, total, more: false, backward: false, start, end }
}

/// One page with its total and cursors.
pub(crate) fn page<'a>(core: &'a Core, index: usize, request: &Request) -> Result<Page<'a>, Refusal> {
    let store = &core.store;
    let Some(object) = store.schema.objects().get(index) else { return Err(Refusal::not_found()) };
    let keys = order::bind(&store.schema, object, &request.order)?;
    let selection = Selection::new(store, object, request.filter.as_ref())?;
    for cursor in [&request.after, &request.before].into_iter().flatten() {
        order::check_cursor(&keys, cursor)?;
    }
    let rows = store.table(index).rows();
    let matching: Vec<&Row> = rows.values().filter(|row| selection.holds(row)).collect();
    let total = matching.len();
    let by_id = keys.first().is_some_and(|key| key.is_id_ascending(object)) && !request.backward;
    let mut page: Vec<&Row> = if by_id {
        let start = cursor_id(request.after.as_ref()).map_or(Bound::Unbounded, Bound::Excluded);
        let rest = rows.range((start, Bound::Unbounded)).map(|(_, row)| row);
        rest.filter(|row| selection.holds(row)).skip(request.skipped).take(request.limit + 1).collect()
    } else {
        sorted_page(store, matching.clone(), &keys, request)
    };
    let more = page.len() > request.limit;
    page.truncate(request.limit);
    let cursor =
        |row: Option<&&Row>| row.map_or(Json::Null, |row| Json::text(order::cursor(store, &keys, row)));
    let (start, end) = (cursor(page.first()), cursor(page.last()));
    // The cursors of a backward page are taken before it is turned round, so they come out swapped.
    if request.backward {
        page.reverse();
    }
    Ok(Page { keys, rows: page, matching, total, more, backward: request.backward, start, end })
}

/// One page as REST shows it.
pub(crate) fn many(core: &Core, index: usize, request: &Request) -> Result<Json, Refusal> {
    let page = page(core, index, request)?;
    let object = core.store.schema.objects().get(index).ok_or_else(Refusal::not_found)?;
    let records = page.rows.iter().map(|row| emit::record(&core.store, object, row, request.depth)).collect();
    Ok(Json::object([
        ("data", Json::Obj(vec![(Key::Borrowed(object.plural), Json::Arr(records))])),
        ("totalCount", Json::int(i64::try_from(page.total).unwrap_or(i64::MAX))),
        ("pageInfo", page.info()),
    ]))
}

fn cursor_id(cursor: Option<&Json>) -> Option<Uuid> {
    Uuid::parse_str(cursor?.get("id")?.as_str()?).ok()
}

/// The rows after (or, turned round, before) the cursor, one more than asked for.
fn sorted_page<'a>(
    store: &Store,
    mut rows: Vec<&'a Row>,
    keys: &[SortKey],
    request: &Request,
) -> Vec<&'a Row> {
    if let Some(cursor) = &request.after {
        rows.retain(|row| order::compare_cursor(store, keys, row, cursor).is_gt());
    }
    if let Some(cursor) = &request.before {
        rows.retain(|row| order::compare_cursor(store, keys, row, cursor).is_lt());
    }
    rows.sort_by(|left, right| order::compare(store, keys, left, right));
    if request.backward {
        rows.reverse();
    }
    rows.into_iter().skip(request.skipped).take(request.limit + 1).collect()
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
