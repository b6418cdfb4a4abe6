//! What is asked of the API: each request as a value (contract 2, 3, 4, 6, 7.2, 7.4).

use ::http::Method;

use super::codec::{Fields, read as read_record, write, write_new};
use crate::ground::books::change::{Act, Request, Texts, apply};
use crate::ground::books::consent::encoded;
use crate::ground::books::id::Voiding;
use crate::ground::books::{Connected, Entity, EntityId, Entry, RealmId, Record, SyncToken};
use crate::ground::money::Currency;
use crate::ground::time::Instant;

/// The version that is asked for; lower ones are served as this one (contract 2).
const MINOR_VERSION: &str = "75";
/// Rows of a page at most.
pub const ROWS_MAX: u32 = 1_000;
/// Items of a batch at most (contract 6).
pub const BATCH_MAX: usize = 30;
/// A statement longer than this travels in the body: addresses have a limit (contract 3.1).
const STATEMENT_MAX: usize = 1_500;

/// A request to one company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The method.
    pub method: Method,
    /// Behind the company's address.
    pub path: String,
    /// What follows it.
    pub query: Vec<(&'static str, String)>,
    /// The body.
    pub body: Option<String>,
    /// What the body is.
    pub media: &'static str,
    /// How many calls of the month it may cost: reads are metered, writes are not; of a batch each query is assumed to be
    /// (contract 6, 9).
    pub metered: u32,
    /// Whether it counts against the limit of batches too.
    pub is_batch: bool,
    /// Of a write: what it is about, with the id where that is known before.
    pub about: Option<(Entity, Option<EntityId>)>,
}

/// How a list of rows is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Of which kind.
    pub entity: Entity,
    /// Changed since then, by the time of change; else all, by the time they were made, which never moves (contract 3.2).
    pub since: Option<Instant>,
    /// From which row, the first being 1.
    pub start: u32,
    /// How many.
    pub max: u32,
}

impl Rows {
    /// The statement. The inactive are hidden unless they are asked for (contract 3.4).
    pub fn statement(&self) -> String {
        let columns = if self.entity == Entity::Item { "*, Sku" } else { "*" };
        format!("{}{}", self.select(columns), self.page())
    }

    /// The same rows, ids only: for finding what was deleted without a trace. The answer may hold more all the same.
    pub fn ids_statement(&self) -> String {
        format!("{}{}", self.select("Id"), self.page())
    }

    fn select(&self, columns: &str) -> String {
        let mut conditions = Vec::new();
        if self.entity.is_list() {
            conditions.push("Active IN (true, false)".to_owned());
        }
        if let Some(since) = self.since {
            conditions.push(format!("MetaData.LastUpdatedTime >= '{}'", second(since)));
        }
        let filter = if conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", conditions.join(" AND "))
        };
        format!("SELECT {columns} FROM {}{filter}", self.entity.name())
    }

    fn page(&self) -> String {
        let order = if self.since.is_some() { "LastUpdatedTime" } else { "CreateTime" };
        format!(
            " ORDERBY MetaData.{order} STARTPOSITION {} MAXRESULTS {}",
            self.start.max(1),
            self.max.clamp(1, ROWS_MAX)
        )
    }
}

/// To the second, as times are there; earlier rather than later, so that nothing falls between.
fn second(at: Instant) -> String {
    let text = at.to_string();
    format!("{}Z", text.get(..19).unwrap_or(&text))
}

/// A text within a statement.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn get(path: String, query: Vec<(&'static str, String)>) -> Ask {
    let (body, media, about) = (None, "application/json", None);
    Ask { method: Method::GET, path, query, body, media, metered: 1, is_batch: false, about }
}

fn post(entity: Entity, id: Option<&EntityId>, query: Vec<(&'static str, String)>, body: String) -> Ask {
    let (method, path) = (Method::POST, format!("/{}", entity.path()));
    let about = Some((entity, id.cloned()));
    Ask {
        method,
        path,
        query,
        body: Some(body),
        media: "application/json",
        metered: 0,
        is_batch: false,
        about,
    }
}

/// Asks for what a statement selects.
pub fn statement(statement: String) -> Ask {
    if statement.len() <= STATEMENT_MAX {
        return get("/query".into(), vec![("query", statement)]);
    }
    let by_body = get("/query".into(), Vec::new());
    Ask { method: Method::POST, body: Some(statement), media: "application/text", ..by_body }
}

/// A page of rows.
pub fn page(rows: &Rows) -> Ask {
    statement(rows.statement())
}

/// How many there are, the inactive included.
pub fn count(entity: Entity) -> Ask {
    let rows = Rows { entity, since: None, start: 1, max: 1 };
    statement(rows.select("COUNT(*)"))
}

/// One record by its id. The company and its preferences have addresses of their own.
pub fn read(realm: &RealmId, entity: Entity, id: &EntityId) -> Ask {
    let path = match entity {
        Entity::CompanyInfo => format!("/companyinfo/{realm}"),
        Entity::Preferences => "/preferences".to_owned(),
        _ => format!("/{}/{id}", entity.path()),
    };
    get(path, Vec::new())
}

/// What changed in these kinds since then: one metered call for all of them (contract 4).
pub fn changes(entities: &[Entity], since: Instant) -> Ask {
    let names: Vec<&str> = entities.iter().map(|entity| entity.name()).collect();
    get("/cdc".into(), vec![("entities", names.join(",")), ("changedSince", second(since))])
}

/// A report, as a daily control (contract 8).
pub fn report(name: &'static str, query: Vec<(&'static str, String)>) -> Ask {
    get(format!("/reports/{name}"), query)
}

/// Makes a record; `body` is its JSON without an id.
pub fn create(entity: Entity, body: String) -> Ask {
    post(entity, None, Vec::new(), body)
}

fn head(id: &EntityId, token: SyncToken) -> String {
    // Neither can hold a character that JSON would have to escape.
    format!(r#""Id":"{id}","SyncToken":"{token}""#)
}

/// Deletes a document or a file. List objects are made inactive instead.
pub fn delete(entity: Entity, id: &EntityId, token: SyncToken) -> Option<Ask> {
    let possible = entity.is_document() || entity == Entity::Attachable;
    let body = format!("{{{}}}", head(id, token));
    possible.then(|| post(entity, Some(id), vec![("operation", "delete".into())], body))
}

/// Voids a document, where the API can (contract 7.4).
pub fn void(entity: Entity, id: &EntityId, token: SyncToken) -> Option<Ask> {
    let head = head(id, token);
    match entity.voiding() {
        Voiding::Operation => {
            let query = vec![("operation", "void".into())];
            Some(post(entity, Some(id), query, format!("{{{head}}}")))
        }
        Voiding::Included => {
            let query = vec![("operation", "update".into()), ("include", "void".into())];
            Some(post(entity, Some(id), query, format!(r#"{{{head},"sparse":true}}"#)))
        }
        Voiding::Never => None,
    }
}

/// Why a change cannot be said as a sparse update.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSparse {
    /// The two are not one record, or its version is not known.
    #[error("these are not two states of one record")]
    NotOne,
    /// A field was emptied: what is left out stays there (contract 7.2).
    #[error("{0} cannot be emptied")]
    Emptied(String),
    /// Nothing differs.
    #[error("nothing was changed")]
    Same,
}

/// What several kinds demand in every update, changed or not (contract 7.2).
const DEMANDED: [&str; 5] = ["VendorRef", "CustomerRef", "PaymentType", "AccountRef", "Name"];
/// What QuickBooks keeps itself.
const KEPT_THERE: [&str; 5] = ["Id", "SyncToken", "MetaData", "sparse", "domain"];

/// Changes a record from one state to another, and nothing else of it. The version is the one of `before`, which was read
/// just now. The inverse is the same with the two exchanged, on a fresh version.
pub fn update(before: &Record, after: &Record) -> Result<Ask, NotSparse> {
    let (entity, token) = (before.body.entity(), before.sync_token.ok_or(NotSparse::NotOne)?);
    if before.id != after.id || entity != after.body.entity() {
        return Err(NotSparse::NotOne);
    }
    let (old, new) = (write(before), write(after));
    let (Some(old), Some(new)) = (Fields::of(&old), Fields::of(&new)) else { return Err(NotSparse::NotOne) };
    let emptied = old.0.iter().find(|(name, _)| new.get(name).is_none());
    if let Some((name, _)) = emptied {
        return Err(NotSparse::Emptied(name.clone()));
    }
    let mut changed = 0;
    let mut fields = vec![head(&before.id, token), r#""sparse":true"#.to_owned()];
    for (name, value) in new.0.iter().filter(|(name, _)| !KEPT_THERE.contains(&name.as_str())) {
        let differs = old.get(name) != Some(value.get());
        changed += u32::from(differs);
        if differs || demanded(entity, name) {
            fields.push(format!(r#""{name}":{}"#, value.get()));
        }
    }
    let body = format!("{{{}}}", fields.join(","));
    if changed == 0 { Err(NotSparse::Same) } else { Ok(post(entity, Some(&before.id), Vec::new(), body)) }
}

/// Changes a record from one state to another: as a sparse update where that can say it. Where a field is emptied the record
/// as it was read just now is sent whole but for that field, since a sparse update leaves alone what it does not name
/// (contract 7.2).
pub fn change(before: &Record, after: &Record) -> Result<Ask, NotSparse> {
    match update(before, after) {
        Err(NotSparse::Emptied(_)) => whole(before, after),
        other => other,
    }
}

fn whole(before: &Record, after: &Record) -> Result<Ask, NotSparse> {
    let token = before.sync_token.ok_or(NotSparse::NotOne)?;
    let text = write(after);
    let all = Fields::of(&text).ok_or(NotSparse::NotOne)?;
    let mut fields = vec![head(&before.id, token), r#""sparse":false"#.to_owned()];
    let kept = all.0.iter().filter(|(name, _)| !KEPT_THERE.contains(&name.as_str()));
    fields.extend(kept.map(|(name, value)| format!(r#""{name}":{}"#, value.get())));
    let body = format!("{{{}}}", fields.join(","));
    Ok(post(after.body.entity(), Some(&before.id), Vec::new(), body))
}

/// What is sent for a change: of fields, on the record as it was read just now.
pub fn of_change(act: &Act, record: Option<&Record>, home: Currency) -> Result<Ask, NotSparse> {
    match act {
        Act::Set { fields, .. } => {
            let before = record.ok_or(NotSparse::NotOne)?;
            let after = apply(fields, before).map_err(|_| NotSparse::NotOne)?;
            change(before, &after)
        }
        Act::Make(new) => {
            let body = new.body(home).ok_or(NotSparse::NotOne)?;
            Ok(create(new.entity(), write_new(&body)))
        }
        Act::Delete { entity, record, token } => delete(*entity, record, *token).ok_or(NotSparse::NotOne),
    }
}

/// What the rail knows of the texts of records and requests, for whoever stands above it.
#[derive(Clone, Copy, Debug)]
pub struct QboTexts;

impl Texts for QboTexts {
    fn record(&self, entity: Entity, text: &str, home: Currency) -> Option<Record> {
        match read_record(entity, text, home) {
            Ok(Entry::Record(record)) => Some(*record),
            Ok(Entry::Deleted { .. }) | Err(_) => None,
        }
    }

    fn request(&self, act: &Act, record: Option<&Record>, company: &Connected) -> Option<Request> {
        let ask = of_change(act, record, company.home?).ok()?;
        let path = ask.target(&company.realm, None);
        Some(Request { path, body: ask.body? })
    }
}

/// A request that was stored before it was sent, once more: `body` as it was.
pub fn stored(act: &Act, body: String) -> Ask {
    let (entity, id) = act.record();
    let query = match act {
        Act::Delete { .. } => vec![("operation", "delete".into())],
        Act::Set { .. } | Act::Make(_) => Vec::new(),
    };
    post(entity, id, query, body)
}

fn demanded(entity: Entity, name: &str) -> bool {
    let of_account = entity == Entity::Account || name != "Name";
    let of_purchase = entity == Entity::Purchase || name != "AccountRef";
    DEMANDED.contains(&name) && of_account && of_purchase
}

/// One thing that a batch does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Makes a record of this JSON.
    Create(Entity, String),
    /// Changes one: the JSON of a sparse update.
    Update(Entity, String),
    /// Deletes one.
    Delete(Entity, EntityId, SyncToken),
    /// Voids one, where the API can.
    Void(Entity, EntityId, SyncToken),
    /// Selects rows.
    Query(String),
}

impl Item {
    fn json(&self, number: usize) -> String {
        let said = |operation: &str, entity: &Entity, body: &str| {
            format!(r#"{{"bId":"{number}","operation":"{operation}","{}":{body}}}"#, entity.name())
        };
        match self {
            Self::Create(entity, body) => said("create", entity, body),
            Self::Update(entity, body) => said("update", entity, body),
            Self::Delete(entity, id, token) => said("delete", entity, &format!("{{{}}}", head(id, *token))),
            Self::Void(entity, id, token) => {
                let (name, head) = (entity.name(), head(id, *token));
                let how = r#""operation":"update","optionsData":"void""#;
                format!(r#"{{"bId":"{number}",{how},"{name}":{{{head},"sparse":true}}}}"#)
            }
            Self::Query(statement) => {
                let statement = serde_json::to_string(statement).unwrap_or_default();
                format!(r#"{{"bId":"{number}","Query":{statement}}}"#)
            }
        }
    }
}

/// Several things in one call, one after the other, each for itself: no transaction (contract 6). Answers are told apart by
/// the place of the item, counted from 0. None for no items, more than a call takes, or a void that the API cannot do.
pub fn batch(items: &[Item]) -> Option<Ask> {
    let cannot = |item: &Item| matches!(item, Item::Void(entity, ..) if entity.voiding() == Voiding::Never);
    if items.is_empty() || items.len() > BATCH_MAX || items.iter().any(cannot) {
        return None;
    }
    let metered = items.iter().filter(|item| matches!(item, Item::Query(_))).count();
    let items: Vec<String> = items.iter().enumerate().map(|(number, item)| item.json(number)).collect();
    let body = format!(r#"{{"BatchItemRequest":[{}]}}"#, items.join(","));
    Some(Ask {
        method: Method::POST,
        path: "/batch".into(),
        query: Vec::new(),
        body: Some(body),
        media: "application/json",
        metered: u32::try_from(metered).unwrap_or(u32::MAX),
        is_batch: true,
        about: None,
    })
}

impl Ask {
    /// The address behind the host.
    pub fn target(&self, realm: &RealmId, request_id: Option<&uuid::Uuid>) -> String {
        let query = self.query.iter().map(|(name, value)| format!("{name}={}&", encoded(value)));
        let query: String = query.chain(request_id.map(|key| format!("requestid={key}&"))).collect();
        format!("/v3/company/{realm}{}?{query}minorversion={MINOR_VERSION}", self.path)
    }
}
