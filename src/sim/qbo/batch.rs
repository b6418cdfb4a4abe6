//! Batches: up to thirty items, one after the other, each by itself (contract 6).

use super::company::Company;
use super::emit::{self, Place};
use super::query::{self, Habits};
use super::refusal::Refusal;
use super::schema::Kind;
use super::tree::Json;
use super::write::{self, Options};

/// The most items of a batch.
const MOST: usize = 30;

/// Answers with the list of item responses, and how many of the items read and how many wrote.
pub(crate) fn answer(
    company: &mut Company,
    body: &Json,
    request_id: Option<&str>,
    habits: Habits,
    now: i64,
) -> Result<(Vec<Json>, u64, u64), Refusal> {
    let items = body.get("BatchItemRequest").map(Json::items).ok_or_else(Refusal::unreadable)?;
    if items.len() > MOST {
        return Err(Refusal::rule(&format!("The request contains more than {MOST} batch items.")));
    }
    let long = |item: &Json| item.str_at("bId").is_some_and(|id| id.chars().count() > 10);
    if request_id.is_some_and(|id| id.chars().count() > 36) {
        return Err(Refusal::too_long("requestid", 36));
    }
    if request_id.is_some() && items.iter().any(long) {
        return Err(Refusal::too_long("bId", 10));
    }
    let (mut reads, mut writes) = (0, 0);
    let mut told = Vec::new();
    for item in items {
        let outcome = if let Some(statement) = item.str_at("Query") {
            reads += 1;
            query::answer(company, statement, habits).map(|list| ("QueryResponse", list))
        } else {
            writes += 1;
            one(company, item, now)
        };
        let (name, inner) = outcome.unwrap_or_else(|refusal| ("Fault", refusal.fault()));
        let mut response = Json::object([(name, inner)]);
        response.set("bId", item.get("bId").cloned().unwrap_or_default());
        told.push(response);
    }
    Ok((told, reads, writes))
}

fn one(company: &mut Company, item: &Json, now: i64) -> Result<(&'static str, Json), Refusal> {
    let known = item.members().iter().find_map(|(name, body)| Some((Kind::named(name)?, body)));
    let (kind, body) = known.ok_or_else(|| Refusal::unsupported("batch item"))?;
    let operation = item.str_at("operation").unwrap_or_default();
    let void = item.str_at("optionsData") == Some("void");
    let options = Options {
        operation: match operation {
            "update" if void && kind == Kind::Invoice => "void".to_owned(),
            other => other.to_owned(),
        },
        include: if void {
            "void".to_owned()
        } else {
            item.str_at("optionsData").unwrap_or_default().to_owned()
        },
        now,
    };
    let written = write::write(company, kind, body, &options)?;
    Ok((kind.spec().name, emit::object(company, kind, &written, Place::Single)))
}
