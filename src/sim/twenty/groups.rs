//! `groupBy`: counts, sums and extremes by field value, calendar step or the value of a related record.

use std::collections::BTreeMap;

use super::aggregate::Aggregate;
use super::core::Core;
use super::emit;
use super::error::Refusal;
use super::filter::Node;
use super::list::{self, Selection};
use super::order;
use super::query::Query;
use super::schema::{Kind, Object, Schema};
use super::store::{Row, Store};
use super::time::{Step, parse_zone, step_of};
use super::values::shown;
use crate::sim::json::{Json, Key};

/// Groups of an answer when the client does not say.
const DEFAULT_LIMIT: usize = 50;
/// Records of a group when samples are asked for.
const SAMPLE: usize = 10;

/// What to group by and what to count.
#[derive(Debug)]
pub(crate) struct Request {
    /// `group_by`.
    pub(crate) by: Vec<Json>,
    /// Names of the aggregates.
    pub(crate) aggregates: Vec<String>,
    /// Which records count.
    pub(crate) filter: Option<Node>,
    /// Order of the groups.
    pub(crate) order: Vec<Json>,
    /// Most groups.
    pub(crate) limit: Option<usize>,
    /// Whether each group shows some of its records.
    pub(crate) samples: bool,
}

impl Request {
    /// Reads the parameters.
    pub(crate) fn parse(query: &Query) -> Result<Self, Refusal> {
        let coded = |what: &str, code: &'static str, example: &str| {
            Refusal::coded(
                code,
                format!("Invalid {what} query parameter - should be a valid array of {example}"),
            )
        };
        let bad_by = || {
            coded(
                "group_by",
                "INVALID_GROUP_BY_QUERY_PARAM",
                "objects - ex: [{\"firstField\": true}, {\"secondField\": {\"subField\": true}}, {\"dateField\": {\"granularity\": 'DAY'}}]",
            )
        };
        let bad_aggregate = || {
            coded(
                "aggregate",
                "INVALID_AGGREGATE_FIELDS_QUERY_PARAM",
                "string - ex: [\"countNotEmptyId\", \"countEmptyField\"]",
            )
        };
        let read = |name: &str| query.one(name).map(|text| Json::parse(text.as_bytes()));
        let by = read("group_by").ok_or_else(bad_by)?.map_err(|_| bad_by())?;
        let aggregates = match read("aggregate") {
            None => Vec::new(),
            Some(Ok(Json::Arr(names))) => names.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
            Some(_) => return Err(bad_aggregate()),
        };
        let order = match read("order_by") {
            None => Vec::new(),
            Some(Ok(wish)) => listed(wish),
            Some(Err(_)) => {
                return Err(Refusal::bad(
                    "Invalid order_by query parameter - should be a valid array of objects - ex: [{\"firstField\": \"AscNullsFirst\"}, {\"secondField\": {\"subField\": \"DescNullsLast\"}}, {\"aggregate\": {\"aggregateField\": \"DescNullsLast\"}}]",
                ));
            }
        };
        let limit =
            match query.one("limit").filter(|text| !text.is_empty()) {
                None => None,
                Some(text) => Some(list::javascript_limit(text).ok_or_else(|| {
                    Refusal::bad(format!("limit '{text}' is invalid. Should be an integer"))
                })?),
            };
        Ok(Self {
            by: listed(by),
            aggregates,
            filter: list::filter(query)?,
            order,
            limit: limit.map(|limit| limit.min(200)),
            samples: query.flag("include_records_sample"),
        })
    }
}

/// A single value counts as a list of one.
pub(crate) fn listed(value: Json) -> Vec<Json> {
    match value {
        Json::Arr(items) => items,
        other => vec![other],
    }
}

/// One dimension that fits its object.
struct Dimension {
    column: usize,
    /// The table a relation leads to, with the column there.
    hop: Option<(usize, usize)>,
    part: Option<String>,
    kind: Kind,
    step: Option<Step>,
    /// How it is named in an order: the path of its keys.
    path: Vec<String>,
}

fn refusal(message: impl Into<String>) -> Refusal {
    Refusal::bad(message)
}

fn single<'a>(value: &'a Json, message: &str) -> Result<(&'a str, &'a Json), Refusal> {
    match value.as_object() {
        Some([(name, inner)]) => Ok((name.as_ref(), inner)),
        Some([_, _, ..]) => Err(refusal(message)),
        _ => Err(refusal(format!("Unidentified field in groupBy: {}", value.to_text()))),
    }
}

/// The parts of a composite one can group by.
fn groupable(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::FullName => &["firstName", "lastName"],
        Kind::Emails => &["primaryEmail"],
        Kind::Phones => &["primaryPhoneNumber", "primaryPhoneCountryCode", "primaryPhoneCallingCode"],
        Kind::Links => &["primaryLinkUrl", "primaryLinkLabel"],
        Kind::Address => &[
            "addressStreet1",
            "addressStreet2",
            "addressCity",
            "addressState",
            "addressCountry",
            "addressPostcode",
        ],
        Kind::Currency => &["currencyCode", "amountMicros"],
        Kind::Actor => &["source", "workspaceMemberId", "name"],
        _ => &[],
    }
}

impl Dimension {
    fn bind(schema: &Schema, object: &Object, item: &Json) -> Result<Self, Refusal> {
        let (name, definition) = single(
            item,
            "You cannot provide multiple fields in one GroupByInput, split them into multiple GroupByInput",
        )?;
        let found = object.field(name).or_else(|| object.column(name));
        let (column, field) =
            found.ok_or_else(|| refusal(format!("Unidentified field in groupBy: {name}")))?;
        if matches!(field.kind, Kind::ToMany { .. } | Kind::TsVector | Kind::RawJson | Kind::Files) {
            return Err(refusal(format!("Field \"{name}\" is not supported in groupBy")));
        }
        let mut path = vec![name.to_owned()];
        if let Kind::ToOne { target, .. } = field.kind {
            if definition == &Json::Bool(true) && field.column == name {
                let part = None;
                return Ok(Self { column, hop: None, part, kind: Kind::Uuid, step: None, path });
            }
            let (nested, inner) = single(
                definition,
                "You cannot provide multiple nested fields in one relation GroupByInput, split them into multiple GroupByInput",
            )
            .map_err(|_| refusal(format!("Invalid groupBy definition for relation field \"{name}\"")))?;
            let Some((table, over)) = schema.by_plural(target) else {
                return Err(refusal(format!("Field \"{name}\" is not supported in groupBy")));
            };
            let (there, nested_field) = over.field(nested).ok_or_else(|| {
                refusal(format!("Nested field \"{nested}\" not found in target object \"{}\"", over.singular))
            })?;
            path.push(nested.to_owned());
            let (part, step) = refine(nested, nested_field.kind, inner, &mut path)?;
            return Ok(Self { column, hop: Some((table, there)), part, kind: nested_field.kind, step, path });
        }
        let (part, step) = refine(name, field.kind, definition, &mut path)?;
        Ok(Self { column, hop: None, part, kind: field.kind, step, path })
    }

    /// The value a row is grouped under.
    fn value(&self, store: &Store, row: &Row) -> Json {
        let cell = match self.hop {
            None => row.cell(self.column),
            Some((table, column)) => {
                let id = row.cell(self.column).as_str().and_then(|text| uuid::Uuid::parse_str(text).ok());
                match id.and_then(|id| store.table(table).get(id)) {
                    Some(parent) => parent.cell(column),
                    None => return Json::Null,
                }
            }
        };
        if let Some(step) = &self.step {
            return step_of(cell, step);
        }
        let cell = match &self.part {
            Some(part) => cell.get(part).cloned().unwrap_or_default(),
            None => shown(self.kind, cell),
        };
        // The database stores no empty text.
        if cell.as_str() == Some("") { Json::Null } else { cell }
    }
}

/// The part of a composite or the step of a calendar behind a field.
fn refine(
    name: &str,
    kind: Kind,
    definition: &Json,
    path: &mut Vec<String>,
) -> Result<(Option<String>, Option<Step>), Refusal> {
    if let Some(granularity) = definition.get("granularity").and_then(Json::as_str)
        && matches!(kind, Kind::Date | Kind::DateTime)
    {
        return Ok((None, Some(step(kind, granularity, definition)?)));
    }
    if definition == &Json::Bool(true) {
        return Ok((None, None));
    }
    if definition.as_object().is_none() {
        return Err(refusal(format!("Invalid groupBy definition for field \"{name}\"")));
    }
    if !super::composite::is_composite(kind) {
        return Err(refusal(format!("Field \"{name}\" does not support nested subfields in groupBy")));
    }
    let (part, value) = single(
        definition,
        "You cannot provide multiple subfields in one GroupByInput, split them into multiple GroupByInput",
    )?;
    if !groupable(kind).contains(&part) {
        return Err(refusal(format!(
            "Composite subfield \"{part}\" is not supported in groupBy for \"{name}\""
        )));
    }
    if value != &Json::Bool(true) {
        return Err(refusal(format!(
            "Composite subfield \"{part}\" must be set to true in groupBy for \"{name}\""
        )));
    }
    path.push(part.to_owned());
    Ok((Some(part.to_owned()), None))
}

fn step(kind: Kind, granularity: &str, definition: &Json) -> Result<Step, Refusal> {
    let needs_zone = matches!(granularity, "DAY" | "WEEK" | "MONTH" | "QUARTER" | "YEAR");
    let given = definition.get("timeZone").and_then(Json::as_str).filter(|zone| !zone.is_empty());
    let zone = match (needs_zone && kind == Kind::DateTime, given) {
        (true, None) => {
            return Err(refusal(
                "Time zone should be specified for a group by date on Day, Week, Month, Quarter or Year",
            ));
        }
        (true, Some(name)) => parse_zone(name).ok_or_else(|| refusal(format!("Invalid timezone: {name}")))?,
        _ => jiff::tz::TimeZone::UTC,
    };
    let starts = definition.get("weekStartDay").and_then(Json::as_str).unwrap_or("MONDAY");
    Ok(Step { granularity: granularity.to_owned(), zone, week_start: starts.to_owned() })
}

/// One group with its records.
struct Group<'a> {
    values: Vec<Json>,
    rows: Vec<&'a Row>,
}

/// The groups, the largest first unless an order is asked for.
pub(crate) fn many(core: &Core, index: usize, request: &Request) -> Result<Json, Refusal> {
    let store = &core.store;
    let schema = &store.schema;
    let object = schema.objects().get(index).ok_or_else(Refusal::not_found)?;
    let dimensions =
        request.by.iter().map(|item| Dimension::bind(schema, object, item)).collect::<Result<Vec<_>, _>>()?;
    let mut aggregates = Vec::new();
    for name in &request.aggregates {
        // Names nobody knows are left out of the answer without a word.
        if let Some(aggregate) = Aggregate::named(object, name) {
            aggregates.push((name.clone(), aggregate));
        }
    }
    let selection = Selection::new(store, object, request.filter.as_ref())?;
    let mut found: BTreeMap<String, Group<'_>> = BTreeMap::new();
    for row in store.table(index).rows().values().filter(|row| selection.holds(row)) {
        let values: Vec<Json> = dimensions.iter().map(|dimension| dimension.value(store, row)).collect();
        let key = Json::Arr(values.clone()).to_text();
        found.entry(key).or_insert_with(|| Group { values, rows: Vec::new() }).rows.push(row);
    }
    let mut groups: Vec<Group<'_>> = found.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.rows.len()));
    for wish in request.order.iter().rev() {
        sort(object, &dimensions, wish, &mut groups);
    }
    let shown = groups.into_iter().take(request.limit.filter(|limit| *limit > 0).unwrap_or(DEFAULT_LIMIT));
    let shown = shown.map(|group| {
        let mut answer = Json::Obj(Vec::new());
        for (name, aggregate) in &aggregates {
            answer.set(name.clone(), aggregate.of(&group.rows));
        }
        answer.set("groupByDimensionValues", Json::Arr(group.values));
        if request.samples {
            let records = group.rows.iter().take(SAMPLE).map(|row| emit::record(store, object, row, 0));
            answer.set("records", Json::Arr(records.collect()));
        }
        answer
    });
    Ok(Json::Arr(shown.collect()))
}

/// Sorts the groups by one wish: a dimension or an aggregate.
fn sort(object: &Object, dimensions: &[Dimension], wish: &Json, groups: &mut [Group<'_>]) {
    let mut path = Vec::new();
    let mut inner = wish;
    while let Some([(name, value)]) = inner.as_object() {
        path.push(name.to_string());
        inner = value;
    }
    let direction = inner.as_str().or_else(|| inner.get("orderBy")?.as_str()).unwrap_or("AscNullsFirst");
    let flipped = direction.starts_with("Desc");
    let nulls_first = direction.ends_with("First");
    let aggregate = path
        .first()
        .filter(|first| *first == "aggregate")
        .and_then(|_| Aggregate::named(object, path.get(1).map(String::as_str).unwrap_or_default()));
    let place = dimensions.iter().position(|dimension| dimension.path == path);
    let value = |group: &Group<'_>| match (&aggregate, place) {
        (Some(aggregate), _) => aggregate.of(&group.rows),
        (None, Some(place)) => group.values.get(place).cloned().unwrap_or_default(),
        _ => Json::Null,
    };
    groups.sort_by(|left, right| order::ranked(&value(left), &value(right), flipped, nulls_first));
}

/// The members a group of a GraphQL answer may be asked for, as this module writes them.
pub(crate) fn members(groups: Json) -> Vec<Vec<(Key, Json)>> {
    listed(groups)
        .into_iter()
        .map(|group| match group {
            Json::Obj(members) => members,
            _ => Vec::new(),
        })
        .collect()
}
