//! Records of the books, of one company and one kind, now and at any moment that has passed; and what was set aside.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::auth::Known;
use super::super::journal::{EntryView, entry_view};
use super::super::mirror::moment;
use super::super::params::{NoParams, Params, cursor};
use super::super::problem::Problem;
use super::super::{Face, known_id};
use super::details::{BookDetails, details};
use super::seen;
use crate::ground::books::connected::BooksAside;
use crate::ground::books::schedule::LOOK_MS;
use crate::ground::books::status::{Status, says_voided};
use crate::ground::books::{Connected, Decimal, Entity, EntityId};
use crate::ground::id::{Object, Seq, SubjectKey};
use crate::ground::journal::SubjectState;
use crate::store::{Asked, Ledger, Record, StoreError};

/// Entries of a record's history that are shown.
const HISTORY_MAX: usize = 50;

/// A record of the books, in short.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BookRow {
    id: String,
    kind: &'static str,
    /// Its name, or its number.
    title: Option<String>,
    date: Option<String>,
    due: Option<String>,
    /// Whose it is.
    party: Option<PartyView>,
    /// In decimals, as it was told.
    total: Option<String>,
    /// What is open of it; of an account, a customer or a vendor what stands there.
    balance: Option<String>,
    currency: Option<String>,
    /// Of bills and invoices: `open`, `partial`, `paid`, `void` or `deleted`.
    status: Option<&'static str>,
    active: bool,
    /// Of accounts: `Bank`, `Credit Card`, `Expense`, ... in QuickBooks' words.
    account_type: Option<String>,
    note: Option<String>,
    /// When this version came here.
    recorded_at: String,
}

/// A customer, a vendor or an employee.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PartyView {
    kind: Option<&'static str>,
    id: String,
    name: Option<String>,
}

/// `meta` of records of the books.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BookMeta {
    has_more: bool,
    next_cursor: Option<String>,
    /// The moment that was asked for.
    as_of: String,
    /// How many there are; not told of a moment that has passed.
    total: Option<u64>,
    /// When the last complete look at the company began.
    synced_at: Option<String>,
    /// `fresh`, `late`, `stale` or `never`.
    freshness: &'static str,
}

/// Records of a kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct BookList {
    data: Vec<BookRow>,
    meta: BookMeta,
}

/// One record, whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct BookAnswer {
    data: BookView,
    meta: BookMeta,
}

/// One record with its history.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BookView {
    row: BookRow,
    /// The record as QuickBooks told it, numbers exactly as they were written.
    #[schema(value_type = serde_json::Value)]
    record: Option<Box<RawValue>>,
    /// `live`, `deleted` or `merged`.
    state: &'static str,
    details: BookDetails,
    history: Vec<EntryView>,
}

/// A record that was set aside.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AsideView {
    /// By which it is asked for again, or given up.
    key: String,
    realm: String,
    kind: &'static str,
    id: Option<String>,
    code: String,
    reason: String,
    /// Its text as it came; empty where it did not come at all.
    text: String,
    since: String,
}

/// Records that were set aside.
#[derive(Debug, Serialize, ToSchema)]
pub struct AsideList {
    data: Vec<AsideView>,
}

#[derive(Debug, Deserialize)]
struct Wire {
    #[serde(rename = "DisplayName")]
    display_name: Option<String>,
    #[serde(rename = "FullyQualifiedName")]
    full_name: Option<String>,
    #[serde(rename = "Name")]
    name: Option<String>,
    #[serde(rename = "CompanyName")]
    company_name: Option<String>,
    #[serde(rename = "FileName")]
    file_name: Option<String>,
    #[serde(rename = "DocNumber")]
    number: Option<String>,
    #[serde(rename = "PaymentRefNum")]
    reference: Option<String>,
    #[serde(rename = "TxnDate")]
    date: Option<String>,
    #[serde(rename = "DueDate")]
    due: Option<String>,
    #[serde(rename = "TotalAmt")]
    total: Option<Box<RawValue>>,
    #[serde(rename = "Amount")]
    amount: Option<Box<RawValue>>,
    #[serde(rename = "Balance")]
    balance: Option<Box<RawValue>>,
    #[serde(rename = "CurrentBalance")]
    current_balance: Option<Box<RawValue>>,
    #[serde(rename = "UnappliedAmt")]
    unapplied: Option<Box<RawValue>>,
    #[serde(rename = "CurrencyRef")]
    currency: Option<Ref>,
    #[serde(rename = "CustomerRef")]
    customer: Option<Ref>,
    #[serde(rename = "VendorRef")]
    vendor: Option<Ref>,
    #[serde(rename = "EntityRef")]
    entity: Option<Ref>,
    #[serde(rename = "AccountType")]
    account_type: Option<String>,
    #[serde(rename = "Active")]
    active: Option<bool>,
    #[serde(rename = "PrivateNote")]
    note: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Ref {
    value: Option<String>,
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// The digits of a number as they were written, or of a text that holds one.
fn digits(raw: Option<&RawValue>) -> Option<String> {
    let text = raw?.get().trim_matches('"');
    text.parse::<Decimal>().is_ok().then(|| text.to_owned())
}

impl Wire {
    fn party(&self) -> Option<PartyView> {
        let named = |reference: &Ref, kind: Option<Entity>| {
            let (kind, name) = (kind.map(Entity::path), reference.name.clone());
            Some(PartyView { kind, id: reference.value.clone()?, name })
        };
        let customer = self.customer.as_ref().and_then(|it| named(it, Some(Entity::Customer)));
        let vendor = || self.vendor.as_ref().and_then(|it| named(it, Some(Entity::Vendor)));
        let other = || {
            let entity = self.entity.as_ref()?;
            named(entity, entity.kind.as_deref().and_then(Entity::named))
        };
        customer.or_else(vendor).or_else(other)
    }

    fn status(&self, entity: Entity) -> Option<Status> {
        if !matches!(entity, Entity::Bill | Entity::Invoice) {
            return None;
        }
        let number = |raw: &Option<Box<RawValue>>| digits(raw.as_deref())?.parse::<Decimal>().ok();
        let voided = self.note.as_deref().is_some_and(says_voided);
        Some(Status::of(number(&self.total)?, number(&self.balance)?, voided))
    }
}

/// Names of customers and vendors as they are here, since those within documents go stale (contract 3.4).
struct Names<'l> {
    ledger: &'l Ledger<'l>,
    company: &'l Connected,
    as_of: Seq,
    known: BTreeMap<(Entity, String), Option<String>>,
}

impl Names<'_> {
    fn of(&mut self, party: PartyView) -> Result<PartyView, StoreError> {
        let entity = party.kind.and_then(Entity::named);
        let Some((entity, id)) = entity.zip(EntityId::new(&party.id)) else { return Ok(party) };
        let key = (entity, party.id.clone());
        if !self.known.contains_key(&key) {
            let subject = SubjectKey::book(self.company.connection, entity, &id);
            let record = self.ledger.record_as_of(&subject, self.as_of)?;
            let wire = record.and_then(|record| serde_json::from_str::<Wire>(&record.value).ok());
            self.known.insert(key.clone(), wire.and_then(|wire| wire.display_name));
        }
        let name = self.known.get(&key).cloned().flatten().or(party.name);
        Ok(PartyView { name, ..party })
    }
}

fn row(names: &mut Names<'_>, entity: Entity, record: &Record<String>) -> Result<BookRow, StoreError> {
    let wire = serde_json::from_str::<Wire>(&record.value).ok();
    let wire = wire.as_ref();
    let text = |field: fn(&Wire) -> &Option<String>| wire.and_then(|wire| field(wire).clone());
    let title = text(|it| &it.display_name)
        .or_else(|| text(|it| &it.full_name))
        .or_else(|| text(|it| &it.name))
        .or_else(|| text(|it| &it.company_name))
        .or_else(|| text(|it| &it.file_name))
        .or_else(|| text(|it| &it.number))
        .or_else(|| text(|it| &it.reference));
    let party = wire.and_then(Wire::party).map(|party| names.of(party)).transpose()?;
    let total = wire.and_then(|it| digits(it.total.as_deref().or(it.amount.as_deref())));
    let balance = wire.and_then(|it| {
        digits(it.balance.as_deref().or(it.current_balance.as_deref()).or(it.unapplied.as_deref()))
    });
    let currency = wire.and_then(|it| it.currency.as_ref()?.value.clone());
    let has_amount = total.is_some() || balance.is_some();
    let status = match record.state {
        SubjectState::Deleted => Some(Status::Deleted),
        _ => wire.and_then(|wire| wire.status(entity)),
    };
    Ok(BookRow {
        id: record.key.foreign.to_string(),
        kind: entity.path(),
        title,
        date: text(|it| &it.date),
        due: text(|it| &it.due),
        party,
        total,
        balance,
        currency: currency.or_else(|| names.company.home.map(|home| home.to_string()).filter(|_| has_amount)),
        status: status.map(Status::word),
        active: wire.and_then(|it| it.active) != Some(false),
        account_type: text(|it| &it.account_type),
        note: text(|it| &it.note),
        recorded_at: record.recorded.to_string(),
    })
}

impl BookRow {
    /// Whether it has this text, in small letters, in what people look for it by.
    fn says(&self, sought: &str) -> bool {
        let party = self.party.as_ref().and_then(|party| party.name.as_ref());
        let texts = [self.title.as_ref(), party, self.note.as_ref(), Some(&self.id)];
        texts.into_iter().flatten().any(|text| text.to_lowercase().contains(sought))
    }
}

pub(super) fn kind(word: &str) -> Result<Entity, Problem> {
    Entity::ALL
        .iter()
        .copied()
        .find(|entity| entity.path() == word)
        .ok_or(Problem::not_found("kind of record"))
}

/// Records of a kind of one company, newest change first; with `as_of` as they stood then. `status` keeps bills and invoices
/// that stand so, `q` those that have this in their name, number, party, note or id.
#[utoipa::path(get, path = "/api/books/companies/{realm}/records/{kind}", tag = "Books",
    params(("realm" = String, Path), ("kind" = String, Path), ("status" = Option<String>, Query), ("q" = Option<String>, Query), ("as_of" = Option<String>, Query), ("limit" = Option<String>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = BookList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in super::super) async fn list(
    State(face): State<Face>,
    known: Known,
    Path((realm, word)): Path<(String, String)>,
    params: Params,
) -> Result<Json<BookList>, Problem> {
    params.only(&["status", "q", "as_of", "limit", "cursor"])?;
    let (limit, mut after) = (params.limit()?, params.cursor()?);
    let wanted = params.parsed("status", Wanted::of)?.unwrap_or(Wanted::All);
    let sought = params.get("q").map(str::to_lowercase);
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let company = seen(&ledger, &known.viewer, &realm)?;
    let entity = kind(&word)?;
    let moment = moment(&params, &face, &snapshot)?;
    let state =
        if wanted == Wanted::Only(Status::Deleted) { SubjectState::Deleted } else { SubjectState::Live };
    let mut names = Names { ledger: &ledger, company: &company, as_of: moment.as_of, known: BTreeMap::new() };
    let mut data = Vec::new();
    loop {
        let left = limit - data.len();
        let asked = Asked { as_of: moment.as_of, state: Some(state), after: after.as_deref(), limit: left };
        let object = Object::Book(entity);
        let page = if moment.is_past {
            ledger.list_as_of(company.connection, object, &asked)?
        } else {
            ledger.newest_entries(company.connection, object, state, after.as_deref(), left)?
        };
        for seq in &page.items {
            let Some(record) = ledger.record_at(*seq)? else { continue };
            let row = row(&mut names, entity, &record)?;
            if wanted.takes(&row) && sought.as_ref().is_none_or(|sought| row.says(sought)) {
                data.push(row);
            }
        }
        after = page.next;
        if after.is_none() || data.len() >= limit {
            break;
        }
    }
    let total = ledger.book_count(company.connection, entity)?;
    let total = Some(total).filter(|_| !moment.is_past && wanted == Wanted::All && sought.is_none());
    let meta = meta(&face, &ledger, &company, after.as_deref(), (moment.told.to_string(), total))?;
    Ok(Json(BookList { data, meta }))
}

/// Which bills and invoices are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// All records.
    All,
    /// Those of which something is owed: open or partly paid.
    Owed,
    /// Those that stand so.
    Only(Status),
}

impl Wanted {
    fn of(word: &str) -> Option<Self> {
        if word == "owed" { Some(Self::Owed) } else { Status::from_word(word).map(Self::Only) }
    }

    fn takes(self, row: &BookRow) -> bool {
        match self {
            Self::All => true,
            Self::Owed => row.status.and_then(Status::from_word).is_some_and(Status::is_owed),
            Self::Only(status) => row.status == Some(status.word()),
        }
    }
}

fn meta(
    face: &Face,
    ledger: &Ledger<'_>,
    company: &Connected,
    next: Option<&[u8]>,
    (as_of, total): (String, Option<u64>),
) -> Result<BookMeta, StoreError> {
    let books = ledger.books(company.connection)?;
    Ok(BookMeta {
        has_more: next.is_some(),
        next_cursor: next.map(cursor),
        as_of,
        total,
        synced_at: books.complete_as_of.map(|at| at.to_string()),
        freshness: books.freshness(face.desk.world.now(), LOOK_MS).word(),
    })
}

/// One record of a company, whole, with its history; with `as_of` as it stood then. The id of a merged one leads to the one
/// that stays.
#[utoipa::path(get, path = "/api/books/companies/{realm}/records/{kind}/{id}", tag = "Books",
    params(("realm" = String, Path), ("kind" = String, Path), ("id" = String, Path), ("as_of" = Option<String>, Query)),
    responses((status = 200, body = BookAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in super::super) async fn one(
    State(face): State<Face>,
    known: Known,
    Path((realm, word, id)): Path<(String, String, String)>,
    params: Params,
) -> Result<Json<BookAnswer>, Problem> {
    params.only(&["as_of"])?;
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let company = seen(&ledger, &known.viewer, &realm)?;
    let entity = kind(&word)?;
    let none = || Problem::not_found("record");
    let id = EntityId::new(&id).ok_or_else(none)?;
    let moment = moment(&params, &face, &snapshot)?;
    let key = SubjectKey::book(company.connection, entity, &id);
    let record = ledger.record_as_of(&key, moment.as_of)?.ok_or_else(none)?;
    let mut names = Names { ledger: &ledger, company: &company, as_of: moment.as_of, known: BTreeMap::new() };
    let row = row(&mut names, entity, &record)?;
    let mut history = Vec::new();
    for seq in ledger.history(record.subject, Seq(u64::MAX), HISTORY_MAX)? {
        history.extend(entry_view(&ledger, seq)?);
    }
    let state = match record.state {
        SubjectState::Deleted | SubjectState::Gone | SubjectState::Erased => "deleted",
        SubjectState::Merged => "merged",
        SubjectState::Live | SubjectState::Pending => "live",
    };
    let form = face.desk.books.texts.as_ref().zip(company.home);
    let typed = form.and_then(|(form, home)| form.record(entity, &record.value, home));
    let details = typed.map(|typed| details(&ledger, &company, &typed)).transpose()?.unwrap_or_default();
    let raw = RawValue::from_string(record.value).ok();
    let meta = meta(&face, &ledger, &company, None, (moment.told.to_string(), None))?;
    Ok(Json(BookAnswer { data: BookView { row, record: raw, state, details, history }, meta }))
}

/// Records of all companies the viewer may see that cannot be read as what they should be.
#[utoipa::path(get, path = "/api/books/set-aside", tag = "Books", responses((status = 200, body = AsideList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(in super::super) async fn aside(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
) -> Result<Json<AsideList>, Problem> {
    let snapshot = known.snapshot(&face)?;
    let seen = |realm: &str| known.viewer.sees_company(realm);
    let all = snapshot.ledger().books_aside()?.into_iter();
    let all = all.filter_map(|record| Some((record.key.uuid()?, record.value)));
    let view = |(key, aside): (Uuid, BooksAside)| AsideView {
        key: key.to_string(),
        realm: aside.realm.to_string(),
        kind: aside.entity.path(),
        id: aside.id.map(|id| id.to_string()),
        code: aside.code,
        reason: aside.reason,
        text: aside.text,
        since: aside.since.to_string(),
    };
    Ok(Json(AsideList { data: all.filter(|(_, aside)| seen(aside.realm.as_str())).map(view).collect() }))
}

/// A record that was set aside, of a company the viewer may see.
fn of_scope(face: &Face, known: &Known, id: &str) -> Result<Uuid, Problem> {
    let id: Uuid = known_id(id, "record")?;
    let aside = known.snapshot(face)?.ledger().book_aside(id)?;
    let sees = aside.is_some_and(|aside| known.viewer.sees_company(aside.realm.as_str()));
    if sees { Ok(id) } else { Err(Problem::not_found("record")) }
}

/// Asks for a record that was set aside once more.
#[utoipa::path(post, path = "/api/books/set-aside/{key}/repeat", tag = "Books", params(("key" = String, Path)), responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn repeat(
    State(face): State<Face>,
    known: Known,
    Path(key): Path<String>,
    _: NoParams,
) -> Result<StatusCode, Problem> {
    let id = of_scope(&face, &known, &key)?;
    face.desk.repeat_aside(&known.asked, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a record up that was set aside.
#[utoipa::path(post, path = "/api/books/set-aside/{key}/discard", tag = "Books", params(("key" = String, Path)), responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn discard(
    State(face): State<Face>,
    known: Known,
    Path(key): Path<String>,
    _: NoParams,
) -> Result<StatusCode, Problem> {
    let id = of_scope(&face, &known, &key)?;
    face.desk.discard_aside(&known.asked, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
