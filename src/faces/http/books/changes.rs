//! Changes of the books: asked for, tried out, looked after, undone. No remote call; a run brings them to QuickBooks.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::auth::Known;
use super::super::gifts::idempotency_key;
use super::super::journal::who_name;
use super::super::params::{NoParams, Params, cursor};
use super::super::problem::Problem;
use super::super::{Face, known_id};
use super::seen;
use crate::desk::books_changes::{ChangeAsk, PaymentAsk, Wanted};
use crate::ground::access::Viewer;
use crate::ground::books::change::{Act, BooksChange, Held, New, SetField, State as Far};
use crate::ground::books::{Connected, Entity, EntityId};
use crate::ground::edit::Choice;
use crate::ground::id::Seq;
use crate::ground::texts;
use crate::store::{Ledger, StoreError};

/// What is wanted: one of `set`, `vendor` and `payment`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BooksChangeBody {
    set: Option<SetBody>,
    vendor: Option<VendorBody>,
    payment: Option<PaymentBody>,
    /// Why; it stands in the history.
    reason: Option<String>,
}

/// Fields of a record.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetBody {
    /// `bill`, `purchase`, ...
    kind: String,
    id: String,
    /// Field -> wanted value: a text, a date, true or false, `{"kind": "vendor", "id": "46"}`, or null to empty it. Fields
    /// are `name`, `active`, `email`, `phone`, `party`, `number`, `reference`, `due`, `terms`, `method`, `note`, `department`,
    /// `class`, and of lines `lines.1.account`, `lines.1.class`, `lines.1.description`.
    #[schema(value_type = Object)]
    fields: Map<String, Value>,
    /// The `seq` of the entry that was seen; the newest when it is not said.
    seen: Option<u64>,
}

/// A vendor that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VendorBody {
    name: String,
    email: Option<String>,
}

/// The record of a payment that was made elsewhere: QuickBooks does not pay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PaymentBody {
    /// Bills of one vendor.
    bills: Vec<PaidBody>,
    /// The id of the bank account or credit card.
    account: String,
    /// As `YYYY-MM-DD`, in the company's zone.
    date: String,
    number: Option<String>,
    note: Option<String>,
}

/// A bill and how much of it was paid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PaidBody {
    id: String,
    /// In decimals of the company's currency, as a text or a number.
    #[schema(value_type = String)]
    amount: Box<RawValue>,
}

/// Which of two values stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepBody {
    /// `here` or `there`.
    keep: String,
}

/// A change of the books.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BooksChangeView {
    id: String,
    realm: String,
    /// What the company is called.
    company: String,
    /// The kind of record it is about.
    kind: &'static str,
    /// The record; none as long as it is not made.
    record: Option<String>,
    /// What the record is called, as far as that is known here.
    title: Option<String>,
    /// `set`, `make` or `delete`.
    act: &'static str,
    /// What is to stand there.
    fields: Vec<BooksFieldView>,
    /// `waiting`, `sent`, `conflict`, `stuck`, `refused`, `done` or `withdrawn`.
    state: &'static str,
    /// What is so and what to do next, when something is.
    note: Option<String>,
    reason: Option<String>,
    at: String,
    who: String,
    done_at: Option<String>,
    /// Until when it can be undone; none when it cannot.
    undo_until: Option<String>,
    /// The change that this one undoes.
    undoes: Option<String>,
    /// The change that undoes this one.
    undone_by: Option<String>,
    /// The request as it was sent last.
    request: Option<SentRequest>,
    /// How often in a row no answer came.
    failures: u32,
}

/// A field of a change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BooksFieldView {
    field: String,
    /// What whoever asked saw there.
    #[schema(value_type = Option<Value>)]
    before: Value,
    /// What they want there.
    #[schema(value_type = Option<Value>)]
    wanted: Value,
    /// What stands there now, where that is something else again and a person has to decide.
    #[schema(value_type = Option<Value>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    there: Option<Value>,
}

/// A request to QuickBooks.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SentRequest {
    /// Its `requestid`: a repeat under it does nothing twice.
    key: String,
    at: String,
    #[schema(value_type = Value)]
    body: Option<Box<RawValue>>,
}

/// One change.
#[derive(Debug, Serialize, ToSchema)]
pub struct BooksChangeAnswer {
    data: BooksChangeView,
}

/// Changes.
#[derive(Debug, Serialize, ToSchema)]
pub struct BooksChangeList {
    data: Vec<BooksChangeView>,
    meta: BooksChangesMeta,
}

/// `meta` of changes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BooksChangesMeta {
    as_of: String,
    has_more: bool,
    next_cursor: Option<String>,
    /// How many wait for a person, over all companies one sees.
    needs_a_person: usize,
}

/// What would happen.
#[derive(Debug, Serialize, ToSchema)]
pub struct BooksPlanAnswer {
    data: BooksPlanView,
}

/// What would be sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BooksPlanView {
    fields: Vec<BooksFieldView>,
    method: &'static str,
    /// The address behind the host, but for the key of the request.
    path: String,
    /// The version in it is the mirror's: the record is read again before anything is sent.
    #[schema(value_type = Value)]
    body: Option<Box<RawValue>>,
    /// Calls of the month that it costs; writes cost none.
    metered_calls: u32,
}

pub(in super::super) fn body<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes)
        .map_err(|error| Problem::field("", format!("The body does not fit: {error}")))
}

fn wanted(body: BooksChangeBody) -> Result<Wanted, Problem> {
    match (body.set, body.vendor, body.payment) {
        (Some(set), None, None) => {
            let entity = Entity::ALL.iter().copied().find(|entity| entity.path() == set.kind);
            let entity = entity.ok_or_else(|| Problem::field("set.kind", texts::BOOKS_KIND))?;
            let record = EntityId::new(&set.id).ok_or(Problem::not_found("record"))?;
            let fields = set.fields.into_iter().collect();
            Ok(Wanted::Fields { entity, record, fields, seen: set.seen.map(Seq) })
        }
        (None, Some(vendor), None) => Ok(Wanted::Vendor { name: vendor.name, email: vendor.email }),
        (None, None, Some(payment)) => {
            let amount = |raw: &RawValue| raw.get().trim_matches('"').to_owned();
            let bills = payment.bills.iter().map(|paid| (paid.id.clone(), amount(&paid.amount)));
            Ok(Wanted::Payment(PaymentAsk {
                bills: bills.collect(),
                account: payment.account,
                date: payment.date,
                number: payment.number,
                note: payment.note,
            }))
        }
        _ => Err(Problem::field("", texts::BOOKS_ONE_OF)),
    }
}

/// Asks for a change of the books of a company: kept at once, brought there by a run. With `dryRun=true` it says what would
/// be sent, and keeps nothing. The same `Idempotency-Key` again answers with the change it made.
#[utoipa::path(post, path = "/api/books/companies/{realm}/changes", tag = "Books", request_body = BooksChangeBody,
    params(("realm" = String, Path), ("dryRun" = Option<bool>, Query), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = BooksPlanAnswer, description = "What would happen"), (status = 202, body = BooksChangeAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn ask(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    params: Params,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    params.only(&["dryRun"])?;
    let dry_run = params.parsed("dryRun", |text| text.parse::<bool>().ok())?.unwrap_or(false);
    let realm = seen(&known.snapshot(&face)?.ledger(), &known.viewer, &realm)?.realm;
    let told: BooksChangeBody = body(&bytes)?;
    let reason = told.reason.clone().map(|reason| reason.trim().to_owned()).filter(|it| !it.is_empty());
    let ask = ChangeAsk { realm, reason, what: wanted(told)?, key: idempotency_key(&headers)? };
    if dry_run {
        return planned(&face, &known, &ask);
    }
    let id = face.desk.ask_change(&known.asked, ask).await?;
    kept(&face, &known, id)
}

fn planned(face: &Face, known: &Known, ask: &ChangeAsk) -> Result<Response, Problem> {
    let plan = face.desk.plan_change(ask)?;
    let snapshot = known.snapshot(face)?;
    let ledger = snapshot.ledger();
    let company = seen(&ledger, &known.viewer, ask.realm.as_str())?;
    let data = BooksPlanView {
        fields: fields_of(&ledger, &company, &plan.act)?,
        method: "POST",
        path: plan.request.path,
        body: RawValue::from_string(plan.request.body).ok(),
        metered_calls: plan.metered,
    };
    Ok(Json(BooksPlanAnswer { data }).into_response())
}

fn kept(face: &Face, known: &Known, id: Uuid) -> Result<Response, Problem> {
    let snapshot = known.snapshot(face)?;
    let data = found(&snapshot.ledger(), &known.viewer, id)?;
    Ok((StatusCode::ACCEPTED, Json(BooksChangeAnswer { data })).into_response())
}

fn found(ledger: &Ledger<'_>, viewer: &Viewer, id: Uuid) -> Result<BooksChangeView, Problem> {
    let none = || Problem::not_found("change");
    let change = ledger.books_change_ever(id)?.ok_or_else(none)?.value;
    view(ledger, viewer, &change)?.ok_or_else(none)
}

/// Changes of the books: with `state=open` those that are not over, the oldest first; with `trouble` those of them that wait
/// for a person; with `over` those that are done or given up, the newest first.
#[utoipa::path(get, path = "/api/books/changes", tag = "Books",
    params(("state" = Option<String>, Query), ("realm" = Option<String>, Query), ("limit" = Option<String>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = BooksChangeList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in super::super) async fn list(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Json<BooksChangeList>, Problem> {
    params.only(&["state", "realm", "limit", "cursor"])?;
    let (limit, mut after) = (params.limit()?, params.cursor()?);
    let state = params.parsed("state", Shown::of)?.unwrap_or(Shown::Open);
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let realm = params.get("realm").map(|realm| seen(&ledger, &known.viewer, realm)).transpose()?;
    let wanted = |change: &BooksChange| realm.as_ref().is_none_or(|company| company.realm == change.realm);
    let mut data = Vec::new();
    let open = ledger.books_changes_open()?;
    let needs_a_person = open
        .iter()
        .map(|it| &it.value)
        .filter(|change| change.state.needs_a_person() && known.viewer.sees_company(change.realm.as_str()));
    let needs_a_person = needs_a_person.count();
    if state == Shown::Over {
        loop {
            let page = ledger.books_changes_over(after.as_deref(), limit - data.len())?;
            for change in page.items.iter().map(|it| &it.value).filter(|change| wanted(change)) {
                data.extend(view(&ledger, &known.viewer, change)?);
            }
            after = page.next;
            if after.is_none() || data.len() >= limit {
                break;
            }
        }
    } else {
        let shown = |change: &BooksChange| state == Shown::Open || change.state.needs_a_person();
        for change in open.iter().map(|it| &it.value).filter(|change| wanted(change) && shown(change)) {
            data.extend(view(&ledger, &known.viewer, change)?);
        }
        after = None;
    }
    let (has_more, next_cursor) = (after.is_some(), after.as_deref().map(cursor));
    let as_of = snapshot.as_of().to_string();
    Ok(Json(BooksChangeList {
        data,
        meta: BooksChangesMeta { as_of, has_more, next_cursor, needs_a_person },
    }))
}

/// Which changes are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Open,
    Trouble,
    Over,
}

impl Shown {
    fn of(word: &str) -> Option<Self> {
        match word {
            "open" => Some(Self::Open),
            "trouble" => Some(Self::Trouble),
            "over" => Some(Self::Over),
            _ => None,
        }
    }
}

/// One change of the books, whatever became of it.
#[utoipa::path(get, path = "/api/books/changes/{id}", tag = "Books", params(("id" = String, Path)),
    responses((status = 200, body = BooksChangeAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in super::super) async fn one(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    _: NoParams,
) -> Result<Json<BooksChangeAnswer>, Problem> {
    let snapshot = known.snapshot(&face)?;
    let data = found(&snapshot.ledger(), &known.viewer, known_id(&id, "change")?)?;
    Ok(Json(BooksChangeAnswer { data }))
}

/// A change that the viewer may see, or nothing.
fn of_scope(face: &Face, known: &Known, id: &str) -> Result<Uuid, Problem> {
    let id = known_id(id, "change")?;
    found(&known.snapshot(face)?.ledger(), &known.viewer, id)?;
    Ok(id)
}

/// Undoes a change, for 24 hours: the inverse one travels in its turn. Asked twice, it is the same one.
#[utoipa::path(post, path = "/api/books/changes/{id}/undo", tag = "Books", params(("id" = String, Path)),
    responses((status = 202, body = BooksChangeAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn undo(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    _: NoParams,
) -> Result<Response, Problem> {
    let id = of_scope(&face, &known, &id)?;
    let undo = face.desk.undo_change(&known.asked, id).await?;
    kept(&face, &known, undo)
}

/// Asks again for a change that is stuck or was refused: under the key it had, if it may have arrived.
#[utoipa::path(post, path = "/api/books/changes/{id}/repeat", tag = "Books", params(("id" = String, Path)),
    responses((status = 202, body = BooksChangeAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn repeat(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    _: NoParams,
) -> Result<Response, Problem> {
    let id = of_scope(&face, &known, &id)?;
    face.desk.repeat_change(&known.asked, id).await?;
    kept(&face, &known, id)
}

/// Gives a change up that is not on its way.
#[utoipa::path(post, path = "/api/books/changes/{id}/discard", tag = "Books", params(("id" = String, Path)),
    responses((status = 202, body = BooksChangeAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn discard(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    _: NoParams,
) -> Result<Response, Problem> {
    let id = of_scope(&face, &known, &id)?;
    face.desk.discard_change(&known.asked, id).await?;
    kept(&face, &known, id)
}

/// Decides a change that met another one in QuickBooks: `here` sends it all the same, `there` gives it up.
#[utoipa::path(post, path = "/api/books/changes/{id}/decide", tag = "Books", params(("id" = String, Path)), request_body = KeepBody,
    responses((status = 202, body = BooksChangeAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn decide(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let keep = match body::<KeepBody>(&bytes)?.keep.as_str() {
        "here" => Choice::Here,
        "there" => Choice::There,
        _ => return Err(Problem::field("keep", texts::BOOKS_KEEP)),
    };
    let id = of_scope(&face, &known, &id)?;
    face.desk.decide_change(&known.asked, id, keep).await?;
    kept(&face, &known, id)
}

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "DisplayName")]
    display: Option<String>,
    #[serde(rename = "FullyQualifiedName")]
    full: Option<String>,
    #[serde(rename = "Name")]
    name: Option<String>,
    #[serde(rename = "DocNumber")]
    number: Option<String>,
}

/// What a record is called here.
pub(super) fn name_of(
    ledger: &Ledger<'_>,
    company: &Connected,
    entity: Entity,
    id: &EntityId,
) -> Result<Option<String>, StoreError> {
    let record = ledger.book(company.connection, entity, id)?;
    let named = record.and_then(|record| serde_json::from_str::<Named>(&record.value).ok());
    Ok(named.and_then(|it| it.display.or(it.full).or(it.name).or(it.number)))
}

pub(super) fn held(
    ledger: &Ledger<'_>,
    company: &Connected,
    held: Option<&Held>,
) -> Result<Value, StoreError> {
    Ok(match held {
        None => Value::Null,
        Some(Held::Text(text)) => Value::from(text.as_str()),
        Some(Held::Date(date)) => Value::from(date.to_string()),
        Some(Held::Flag(flag)) => Value::from(*flag),
        Some(Held::Link { entity, id }) => {
            let name = name_of(ledger, company, *entity, id)?;
            serde_json::json!({ "kind": entity.path(), "id": id.as_str(), "name": name })
        }
    })
}

fn fields_of(ledger: &Ledger<'_>, company: &Connected, act: &Act) -> Result<Vec<BooksFieldView>, StoreError> {
    let said = |field: &str, wanted: Value| BooksFieldView {
        field: field.into(),
        before: Value::Null,
        wanted,
        there: None,
    };
    Ok(match act {
        Act::Set { fields, .. } => {
            let view = |field: &SetField| {
                Ok(BooksFieldView {
                    field: field.slot.to_string(),
                    before: held(ledger, company, field.base.as_ref())?,
                    wanted: held(ledger, company, field.value.as_ref())?,
                    there: None,
                })
            };
            fields.iter().map(view).collect::<Result<_, StoreError>>()?
        }
        Act::Make(New::Vendor(vendor)) => {
            let email = vendor.email.as_deref().map(|email| said("email", Value::from(email)));
            [said("name", Value::from(vendor.name.as_str()))].into_iter().chain(email).collect()
        }
        Act::Make(New::BillPayment(payment)) => {
            let link =
                |entity, id: &EntityId| held(ledger, company, Some(&Held::Link { entity, id: id.clone() }));
            let mut fields = vec![
                said("vendor", link(Entity::Vendor, &payment.vendor)?),
                said("account", link(Entity::Account, &payment.account)?),
                said("date", Value::from(payment.date.to_string())),
            ];
            for paid in &payment.bills {
                let field = format!("bills.{}", paid.bill);
                fields.push(said(&field, Value::from(paid.amount.to_string())));
            }
            let number = payment.number.as_deref().map(|number| said("number", Value::from(number)));
            let note = payment.note.as_deref().map(|note| said("note", Value::from(note)));
            fields.into_iter().chain(number).chain(note).collect()
        }
        Act::Delete { .. } => Vec::new(),
    })
}

fn note_of(change: &BooksChange) -> Option<String> {
    match &change.state {
        Far::Stuck { said } => Some(texts::books_stuck(said)),
        Far::Refused { said } => Some(said.clone()),
        Far::Conflict { .. } => Some(texts::BOOKS_CONFLICT.to_owned()),
        Far::Waiting | Far::Sent | Far::Done { .. } | Far::Withdrawn => change.note.clone(),
    }
}

/// A change as people see it; none when its company is not among those the viewer sees.
fn view(
    ledger: &Ledger<'_>,
    viewer: &Viewer,
    change: &BooksChange,
) -> Result<Option<BooksChangeView>, StoreError> {
    let company = ledger.company(&change.realm)?.map(|company| company.value);
    let Some(company) = company.filter(|it| viewer.sees_company(it.realm.as_str())) else { return Ok(None) };
    let (entity, known) = change.act.record();
    let (made, done_at) = match &change.state {
        Far::Done { record, at } => (Some(record.clone()), Some(*at)),
        _ => (None, None),
    };
    let record = known.cloned().or(made);
    let title = match &record {
        Some(id) => name_of(ledger, &company, entity, id)?,
        None => None,
    };
    let mut fields = fields_of(ledger, &company, &change.act)?;
    if let Far::Conflict { fields: clashes } = &change.state {
        for clash in clashes {
            let there = held(ledger, &company, clash.there.as_ref())?;
            let word = clash.slot.to_string();
            fields.iter_mut().filter(|it| it.field == word).for_each(|it| it.there = Some(there.clone()));
        }
    }
    let undo = BooksChange::undo_id(change.id);
    let undone_by = ledger.books_change_ever(undo)?.map(|_| undo.to_string());
    let undo_until = change.undo_until().filter(|_| undone_by.is_none());
    let request = change.attempt.as_ref().map(|attempt| SentRequest {
        key: attempt.key.to_string(),
        at: attempt.at.to_string(),
        body: RawValue::from_string(attempt.body.clone()).ok(),
    });
    Ok(Some(BooksChangeView {
        id: change.id.to_string(),
        realm: change.realm.to_string(),
        company: company.label().to_owned(),
        kind: entity.path(),
        record: record.map(|id| id.to_string()),
        title,
        act: match &change.act {
            Act::Set { .. } => "set",
            Act::Make(_) => "make",
            Act::Delete { .. } => "delete",
        },
        fields,
        state: change.state.word(),
        note: note_of(change),
        reason: change.reason.clone(),
        at: change.at.to_string(),
        who: who_name(ledger, &change.by)?,
        done_at: done_at.map(|at| at.to_string()),
        undo_until: undo_until.map(|at| at.to_string()),
        undoes: change.undoes.map(|id| id.to_string()),
        undone_by,
        request,
        failures: change.failures,
    }))
}
