//! `GET /rest/{plural}/groupBy`: counts and sums by field value, for plain fields.
//!
//! Calendar granularities and relation hops are not simulated yet; they are refused, not guessed.

use std::collections::BTreeMap;

use super::core::Core;
use super::error::Refusal;
use super::filter::Node;
use super::list::{self, Selection};
use super::query::Query;
use super::schema::{Kind, Object};
use super::store::Row;
use super::values::shown;
use crate::sim::json::{Json, Key};

/// Groups of an answer when the client does not say.
const DEFAULT_LIMIT: usize = 50;
/// Most groups of an answer.
const MAX_LIMIT: usize = 200;

/// What to group by and what to count.
pub(crate) struct Request {
    dimensions: Vec<(String, Option<String>)>,
    aggregates: Vec<String>,
    filter: Option<Node>,
    limit: usize,
}

impl Request {
    /// Reads the parameters.
    pub(crate) fn parse(query: &Query) -> Result<Self, Refusal> {
        let json = |name: &str| -> Result<Json, Refusal> {
            let text = query.one(name).unwrap_or("[]");
            Json::parse(text.as_bytes())
                .map_err(|_| Refusal::bad(format!("Invalid {name} parameter: {text}")))
        };
        let by = json("group_by")?;
        let dimensions = by.as_array().unwrap_or_default().iter().map(dimension).collect::<Result<_, _>>()?;
        let names = json("aggregate")?;
        let aggregates =
            names.as_array().unwrap_or_default().iter().filter_map(Json::as_str).map(str::to_owned).collect();
        let limit =
            query.one("limit").and_then(|text| text.parse().ok()).unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
        Ok(Self { dimensions, aggregates, filter: list::filter(query)?, limit })
    }
}

fn dimension(item: &Json) -> Result<(String, Option<String>), Refusal> {
    let refusal = || Refusal::bad(format!("Unsupported group_by {}", item.to_text()));
    let (name, value) = item.as_object().and_then(<[(Key, Json)]>::first).ok_or_else(refusal)?;
    match value {
        Json::Bool(true) => Ok((name.to_string(), None)),
        Json::Obj(parts) => match parts.first() {
            Some((part, Json::Bool(true))) => Ok((name.to_string(), Some(part.to_string()))),
            _ => Err(refusal()),
        },
        _ => Err(refusal()),
    }
}

/// The groups, the largest first.
pub(crate) fn many(core: &Core, index: usize, request: &Request) -> Result<Json, Refusal> {
    let store = &core.store;
    let object = store.schema.objects().get(index).ok_or_else(Refusal::not_found)?;
    let selection = Selection::new(store, object, request.filter.as_ref())?;
    let mut groups: BTreeMap<String, (Vec<Json>, Vec<&Row>)> = BTreeMap::new();
    for row in store.table(index).rows().values().filter(|row| selection.holds(row)) {
        let values = request
            .dimensions
            .iter()
            .map(|(name, part)| {
                let (column, field) =
                    object.column(name).ok_or_else(|| Refusal::unknown_field(object.singular, name))?;
                let cell = shown(field.kind, row.cell(column));
                Ok(part.as_ref().map_or(Some(&cell), |part| cell.get(part)).cloned().unwrap_or_default())
            })
            .collect::<Result<Vec<_>, Refusal>>()?;
        let key = Json::Arr(values.clone()).to_text();
        groups.entry(key).or_insert_with(|| (values, Vec::new())).1.push(row);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
    let shown = groups.into_iter().take(request.limit).map(|(values, rows)| {
        let mut group = Json::Obj(Vec::new());
        for name in &request.aggregates {
            group.set(name.clone(), aggregate(object, name, &rows)?);
        }
        group.set("groupByDimensionValues", Json::Arr(values));
        Ok(group)
    });
    Ok(Json::Arr(shown.collect::<Result<_, Refusal>>()?))
}

/// One aggregate; the values are texts.
fn aggregate(object: &Object, name: &str, rows: &[&Row]) -> Result<Json, Refusal> {
    let unknown = || Refusal::bad(format!("Unsupported aggregate {name}"));
    if name == "totalCount" {
        return Ok(Json::text(rows.len().to_string()));
    }
    let named = |prefix: &str, suffix: &str| {
        let rest = name.strip_prefix(prefix)?.strip_suffix(suffix)?;
        object.fields.iter().position(|field| field.name.eq_ignore_ascii_case(rest))
    };
    if let Some(column) = named("countNotEmpty", "") {
        return Ok(Json::text(rows.iter().filter(|row| !row.cell(column).is_null()).count().to_string()));
    }
    if let Some(column) = named("sum", "AmountMicros") {
        let sum: i64 = rows.iter().filter_map(|row| row.cell(column).get("amountMicros")?.as_i64()).sum();
        return Ok(Json::text(sum.to_string()));
    }
    for (prefix, latest) in [("max", true), ("min", false)] {
        if let Some(column) = named(prefix, "") {
            let kind = object.fields.get(column).map_or(Kind::Text, |field| field.kind);
            let cells = rows.iter().map(|row| row.cell(column)).filter(|cell| !cell.is_null());
            let order = |left: &&Json, right: &&Json| super::predicate::order(left, right);
            let found = if latest { cells.max_by(order) } else { cells.min_by(order) };
            return Ok(found.map_or(Json::Null, |cell| shown(kind, cell)));
        }
    }
    Err(unknown())
}
