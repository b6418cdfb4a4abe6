//! Change data capture (contract 4).

use super::company::Company;
use super::emit;
use super::refusal::Refusal;
use super::schema::Kind;
use super::time::{DAY, instant};
use super::tree::Json;

/// The most objects of an answer.
const CAP: usize = 1000;
/// How far back it goes.
const REACH: i64 = 30 * DAY;

/// How change data capture misbehaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct CdcHabits {
    /// The cap counts for each kind by itself, not for the answer; sources differ.
    pub cap_per_kind: bool,
    /// The newest changed transaction comes as deleted though it is not (.NET SDK #189).
    pub false_tombstone: bool,
    /// A fault stands in an answer of 200.
    pub fault_inside: bool,
    /// Any date is taken, as the sandbox did in 2020.
    pub no_edge: bool,
}

/// Answers with the body of the reply but its time.
pub(crate) fn answer(
    company: &Company,
    kinds: &str,
    since: &str,
    habits: CdcHabits,
    now: i64,
) -> Result<Json, Refusal> {
    if habits.fault_inside {
        let inside = Json::object([("Fault", Refusal::broken().fault())]);
        return Ok(Json::object([("CDCResponse", Json::Arr(vec![inside]))]));
    }
    let from = instant(&since.replace(' ', "+"))
        .ok_or_else(|| Refusal::invalid_query(format!("changedSince {since} is not a date and time")))?;
    if now - from > REACH && !habits.no_edge {
        let detail = "The changedSince date must be within the last 30 days";
        return Err(Refusal::new("4002", "Invalid changedSince", detail));
    }
    let mut left = CAP;
    let mut lists = Vec::new();
    for name in kinds.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let unsupported = [Kind::CompanyInfo, Kind::Preferences, Kind::Attachable];
        let kind = Kind::of_path(name).filter(|kind| !unsupported.contains(kind));
        let kind =
            kind.ok_or_else(|| Refusal::invalid_query(format!("invalid context declaration: {name}")))?;
        let cap = if habits.cap_per_kind { CAP } else { left };
        let (list, told) = one(company, kind, from, cap, habits.false_tombstone, now);
        left -= told.min(left);
        lists.push(list);
    }
    if lists.is_empty() {
        return Err(Refusal::missing("entities"));
    }
    let response = Json::object([("QueryResponse", Json::Arr(lists))]);
    Ok(Json::object([("CDCResponse", Json::Arr(vec![response]))]))
}

/// What changed of a kind, oldest change first; how many there are.
fn one(company: &Company, kind: Kind, from: i64, cap: usize, lies: bool, now: i64) -> (Json, usize) {
    let mut changed: Vec<((i64, u64), Json)> = Vec::new();
    for row in company.all(kind).filter(|row| row.updated >= from) {
        let told = emit::object(company, kind, &row.object, emit::Place::Single);
        changed.push(((row.updated, row.turn), told));
    }
    if lies
        && kind.is_document()
        && let Some((order, told)) = changed.iter_mut().max_by_key(|(order, _)| *order)
        && let Some(id) = told.str_at("Id").map(str::to_owned)
    {
        *told = emit::tombstone(&(kind, id), order.0);
    }
    let gone = company.gone.iter().filter(|(key, at)| key.0 == kind && **at >= from && now - **at <= REACH);
    changed.extend(gone.map(|(key, at)| ((*at, 0), emit::tombstone(key, *at))));
    changed.sort_by_key(|(order, _)| *order);
    let list: Vec<Json> = changed.into_iter().map(|(_, told)| told).take(cap).collect();
    let count = list.len();
    if count == 0 {
        return (Json::Obj(Vec::new()), 0);
    }
    let mut told = Json::Obj(vec![(kind.spec().name.to_owned(), Json::Arr(list))]);
    told.set("startPosition", Json::int(1));
    told.set("maxResults", Json::int(count));
    if kind.spec().counted {
        told.set("totalCount", Json::int(count));
    }
    (told, count)
}
