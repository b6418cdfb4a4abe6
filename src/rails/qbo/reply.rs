//! What the API answers, as values: pages, counts, records, changes, batches (contract 2, 3.2, 4, 6).

mod report;

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::Fault;
use super::codec::{Fields, read};
use crate::ground::books::changes::{self, Complete};
use crate::ground::books::{Entity, EntityId, Entry, SetAside};
use crate::ground::money::Currency;
use crate::ground::time::Instant;

pub use report::{Report, report};

/// A record as it was told, or why it is set aside.
pub type Told = Result<Entry, SetAside>;

/// A page of rows.
#[derive(Debug, PartialEq)]
pub struct Page {
    /// The rows. One may come twice, on two pages: they are told apart by their ids.
    pub rows: Vec<Told>,
    /// From which row the next page begins; none after the last one.
    pub next: Option<u32>,
}

/// What changed.
#[derive(Debug, PartialEq)]
pub struct Changes {
    /// By kind, in the order they were asked for.
    pub kinds: Vec<(Entity, Vec<Told>)>,
    /// Whether this is all.
    pub complete: Complete,
}

/// What one item of a batch came to.
#[derive(Debug, PartialEq)]
pub enum Done {
    /// The record it made or changed, or the stub of the one it deleted.
    Record(Box<Told>),
    /// The rows it selected.
    Rows(Vec<Told>),
    /// It failed.
    Fault(Fault),
}

fn unfit(what: &str) -> Fault {
    Fault::Unfit(format!("the answer of QuickBooks is no {what}"))
}

fn text(body: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(body).map_err(|_| Fault::NoAnswer("it is no text".into()))
}

/// The fields of a whole answer. What is no JSON object was cut on its way, or is a page of a gateway.
fn envelope(body: &[u8]) -> Result<Fields<'_>, Fault> {
    Fields::of(text(body)?).ok_or_else(|| Fault::NoAnswer("it breaks off or is no JSON".into()))
}

fn list(text: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(text).ok()
}

/// The records of one kind in a `QueryResponse`. None of that name is an empty answer.
fn rows(response: &str, entity: Entity, home: Currency) -> Option<Vec<Told>> {
    let response = Fields::of(response)?;
    let rows = response.get(entity.name()).map_or(Some(Vec::new()), list)?;
    Some(rows.into_iter().map(|row| read(entity, row.get(), home)).collect())
}

/// A page that was asked for with so many rows from `start`. It is the last one when it is shorter than asked; one that is
/// longer was seen too, and the total it may tell is not heeded (contract 3.2).
pub fn page(body: &[u8], entity: Entity, start: u32, asked: u32, home: Currency) -> Result<Page, Fault> {
    let envelope = envelope(body)?;
    let response = envelope.get("QueryResponse").ok_or_else(|| unfit("list of rows"))?;
    let rows = rows(response, entity, home).ok_or_else(|| unfit("list of rows"))?;
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    // The next page begins where this one should have ended: a row too many comes again rather than one too few.
    let next = (count >= asked && count > 0).then(|| start.saturating_add(asked));
    Ok(Page { rows, next })
}

/// How many there are.
pub fn count(body: &[u8]) -> Result<u64, Fault> {
    let envelope = envelope(body)?;
    let response = envelope.get("QueryResponse").and_then(Fields::of);
    let total = response.as_ref().and_then(|response| response.get("totalCount"));
    total.and_then(|total| total.parse().ok()).ok_or_else(|| unfit("count"))
}

/// The ids of a page, for comparing sets; the number of rows it had.
pub fn ids(body: &[u8], entity: Entity) -> Result<Vec<EntityId>, Fault> {
    let envelope = envelope(body)?;
    let response = envelope.get("QueryResponse").and_then(Fields::of).ok_or_else(|| unfit("list of ids"))?;
    let rows =
        response.get(entity.name()).map_or(Some(Vec::new()), list).ok_or_else(|| unfit("list of ids"))?;
    let id = |row: &RawValue| {
        let fields = Fields::of(row.get())?;
        EntityId::new(fields.get("Id")?.trim_matches('"'))
    };
    rows.into_iter().map(|row| id(row).ok_or_else(|| unfit("list of ids"))).collect()
}

/// One record, in its envelope. Another one than was asked for is unfit.
pub fn one(body: &[u8], entity: Entity, id: Option<&EntityId>, home: Currency) -> Result<Told, Fault> {
    let envelope = envelope(body)?;
    let record = envelope.get(entity.name()).ok_or_else(|| unfit("such record"))?;
    let told = read(entity, record, home);
    let found = match &told {
        Ok(Entry::Record(record)) => Some(&record.id),
        Ok(Entry::Deleted { id, .. }) => Some(id),
        Err(aside) => aside.id.as_ref(),
    };
    match (id, found) {
        (Some(wanted), Some(found)) if wanted == found => Ok(told),
        (None, Some(_)) => Ok(told),
        _ => Err(unfit("record that was asked for")),
    }
}

/// What changed in the kinds that were asked for. One answer stands for each, in their order, empty where nothing did; each
/// is believed by its name. A fault in place of one is the whole answer's (contract 4).
pub fn changes(body: &[u8], asked: &[Entity], home: Currency) -> Result<Changes, Fault> {
    let envelope = envelope(body)?;
    let told = || unfit("list of changes");
    let mut kinds: Vec<(Entity, Vec<Told>)> = asked.iter().map(|entity| (*entity, Vec::new())).collect();
    for response in envelope.get("CDCResponse").and_then(list).ok_or_else(told)? {
        if let Some(fault) = Fault::within(response.get()) {
            return Err(fault);
        }
        let fields = Fields::of(response.get()).ok_or_else(told)?;
        let answers = fields.get("QueryResponse").and_then(list).ok_or_else(told)?;
        if answers.len() != asked.len() {
            return Err(told());
        }
        for answer in answers {
            for (entity, rows_of) in &mut kinds {
                rows_of.extend(rows(answer.get(), *entity, home).ok_or_else(told)?);
            }
        }
    }
    let counts: Vec<usize> = kinds.iter().map(|(_, rows)| rows.len()).collect();
    Ok(Changes { complete: changes::complete(asked, &counts), kinds })
}

/// What each of `sent` items came to, by its place. Answers may come in any order, and one that is missing is not known
/// (contract 6).
pub fn batch(body: &[u8], sent: usize, home: Currency) -> Result<BTreeMap<usize, Done>, Fault> {
    let envelope = envelope(body)?;
    let responses = envelope.get("BatchItemResponse").and_then(list).ok_or_else(|| unfit("batch"))?;
    let mut done = BTreeMap::new();
    for response in responses {
        let fields = Fields::of(response.get()).ok_or_else(|| unfit("batch"))?;
        let place = fields.get("bId").and_then(|id| id.trim_matches('"').parse().ok());
        let place = place.filter(|place: &usize| *place < sent).ok_or_else(|| unfit("batch of ours"))?;
        let what = item(response.get(), &fields, home).ok_or_else(|| unfit("batch"))?;
        if done.insert(place, what).is_some() {
            return Err(unfit("batch of ours"));
        }
    }
    Ok(done)
}

fn item(text: &str, fields: &Fields<'_>, home: Currency) -> Option<Done> {
    if let Some(fault) = Fault::within(text) {
        return Some(Done::Fault(fault));
    }
    if let Some(response) = fields.get("QueryResponse") {
        let of_kind =
            |entity: &Entity| Fields::of(response).is_some_and(|it| it.get(entity.name()).is_some());
        let entity = Entity::ALL.iter().copied().find(of_kind);
        return entity.map_or(Some(Vec::new()), |entity| rows(response, entity, home)).map(Done::Rows);
    }
    let (entity, record) = fields.0.iter().find_map(|(name, value)| {
        Some((Entity::ALL.iter().copied().find(|entity| entity.name() == name)?, value))
    })?;
    Some(Done::Record(Box::new(read(entity, record.get(), home))))
}

/// What time it was there, as the answer says: with milliseconds and an offset, or as milliseconds since 1970.
pub fn told_at(body: &[u8]) -> Option<Instant> {
    let envelope = envelope(body).ok()?;
    let time = envelope.get("time")?.trim_matches('"');
    let millis = || time.parse().ok().map(|millis: i64| Instant(0).plus_millis(millis));
    time.parse().ok().or_else(millis)
}
