//! Changes of records that live in Twenty: asked for here, brought there by a run. No remote call.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::Known;
use super::body::Reader;
use super::gifts::if_match;
use super::journal::who_name;
use super::params::{NoParams, Params, cursor};
use super::problem::Problem;
use super::wire::ListMeta;
use super::{Face, known_id};
use crate::desk::EditAsk;
use crate::desk::edits::Kept;
use crate::desk::makes::{NewNote, TaskOnly};
use crate::ground::crm::{Labelled, record_url};
use crate::ground::edit::{Choice, Clash, Conflict, Edit, FieldEdit, State as Far};
use crate::ground::id::{ConnectionId, Object, Seq, SubjectKey};
use crate::ground::journal::SubjectState;
use crate::ground::workspace::Workspace;
use crate::store::{Ledger, Record, StoreError};

/// A change that is not in Twenty yet, or will not come there.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EditView {
    id: String,
    object: String,
    /// What the record is called.
    label: Option<String>,
    record_id: String,
    /// The record in Twenty; none while it is only to be made there.
    url: Option<String>,
    /// Whether the record is to be made, not changed.
    makes: bool,
    /// What is to stand there; empty for a record that is to be made.
    fields: Vec<WantedView>,
    /// `waiting`, `sent`, `conflict` or `refused`; asked for by its id also `done` or `withdrawn`.
    state: &'static str,
    /// Whether it can be taken back now, or dismissed when it was refused.
    withdrawable: bool,
    /// What is in the way, or why it was refused.
    note: Option<String>,
    at: String,
    /// Who asked for it.
    who: String,
}

/// A field and what is wanted there.
#[derive(Debug, Serialize, ToSchema)]
pub struct WantedView {
    /// The field, or the part such as `name.firstName`.
    field: String,
    /// What people call it.
    label: String,
    #[schema(value_type = Option<Value>)]
    value: Option<Box<RawValue>>,
}

/// Changes on their way, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct EditList {
    data: Vec<EditView>,
    meta: ListMeta,
}

/// A change of a record that is on its way.
#[derive(Debug, Serialize, ToSchema)]
pub struct PendingEdit {
    id: String,
    /// `waiting`, `sent`, `conflict` or `refused`.
    state: &'static str,
    note: Option<String>,
    at: String,
    who: String,
    /// Field, or part such as `name.firstName` -> wanted value.
    #[schema(value_type = Object)]
    fields: std::collections::BTreeMap<String, Box<RawValue>>,
}

/// A change here and one there that do not go together.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConflictView {
    id: String,
    object: String,
    /// What the record is called.
    label: Option<String>,
    record_id: String,
    /// The record in Twenty.
    url: Option<String>,
    since: String,
    fields: Vec<ClashView>,
}

/// One field that two changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClashView {
    /// The field, or the part such as `name.firstName`.
    field: String,
    /// What people call it.
    label: String,
    here: SideView,
    there: SideView,
}

/// One of two values.
#[derive(Debug, Serialize, ToSchema)]
pub struct SideView {
    #[schema(value_type = Option<Value>)]
    value: Option<Box<RawValue>>,
    who: Option<String>,
    at: Option<String>,
}

/// Conflicts, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConflictList {
    data: Vec<ConflictView>,
    meta: ListMeta,
}

/// What was kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeptAnswer {
    data: KeptView,
}

/// An edit and its record.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeptView {
    /// The edit.
    id: String,
    /// The record in Twenty.
    record_id: String,
}

/// Fields to change.
#[derive(Debug, Serialize, ToSchema)]
pub struct EditBody {
    /// Field, or part such as `name.firstName` -> wanted value.
    #[schema(value_type = Object)]
    fields: Value,
    /// The version of the record that the editor saw, in the place of `If-Match`.
    seen: Option<u64>,
}

/// A record that a task or a note is about.
#[derive(Debug, Serialize, ToSchema)]
pub struct TargetBody {
    /// `people`, `companies`, …
    object: String,
    id: String,
}

/// A note to make.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoteBody {
    title: String,
    /// Markdown.
    body: Option<String>,
    targets: Option<Vec<TargetBody>>,
}

/// A task to make.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskBody {
    title: String,
    /// Markdown.
    body: Option<String>,
    due_at: Option<String>,
    /// One of the states that tasks have in Twenty, such as `DONE`.
    status: Option<String>,
    assignee_id: Option<String>,
    targets: Option<Vec<TargetBody>>,
}

/// Whose values stay: `choose` for all fields, or `fields` for some.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionBody {
    /// `here` or `there`.
    choose: Option<String>,
    /// Field -> `here` or `there`.
    #[schema(value_type = Option<Object>)]
    fields: Option<Value>,
}

pub(super) fn kept(kept: Kept) -> Response {
    let data = KeptView { id: kept.edit.to_string(), record_id: kept.record.to_string() };
    (StatusCode::ACCEPTED, Json(KeptAnswer { data })).into_response()
}

fn note_of(edit: &Edit) -> Option<String> {
    match &edit.state {
        Far::Refused { reason } => Some(reason.clone()),
        _ => edit.note.clone(),
    }
}

fn label(ledger: &Ledger<'_>, object: &str, record: Uuid) -> Result<Option<String>, StoreError> {
    let Some(object) = Object::from_word(object) else { return Ok(None) };
    let record = ledger.record_of(&SubjectKey::twenty(object, record))?;
    Ok(record.and_then(|record| serde_json::from_str::<Labelled>(&record.value).ok()?.label()))
}

fn edit_view(ledger: &Ledger<'_>, face: &Face, edit: &Edit) -> Result<EditView, StoreError> {
    let workspace = ledger.workspace(ConnectionId::TWENTY)?;
    let object = edit.object();
    let wanted = |wanted: &FieldEdit| WantedView {
        label: named(&workspace, object, &wanted.field),
        field: wanted.field.clone(),
        value: RawValue::from_string(wanted.value.clone()).ok(),
    };
    let makes = !edit.makes.is_empty();
    let there =
        object.filter(|_| !makes || edit.makes.iter().any(|make| make.id == edit.record && make.there));
    Ok(EditView {
        id: edit.id.to_string(),
        label: label(ledger, &edit.object, edit.record)?,
        object: edit.object.clone(),
        record_id: edit.record.to_string(),
        url: there.and_then(|object| record_url(&face.info.twenty_url, object, edit.record)),
        makes,
        fields: edit.fields.iter().map(wanted).collect(),
        state: edit.state.word(),
        withdrawable: !edit.may_be_there(),
        note: note_of(edit),
        at: edit.at.to_string(),
        who: who_name(ledger, &edit.by)?,
    })
}

/// What people call a field, or its own name where the object is not known.
fn named(workspace: &Workspace, object: Option<Object>, field: &str) -> String {
    object.map_or_else(|| field.to_owned(), |object| workspace.field_label(object, field))
}

/// The change of a record that is on its way, or waits for a person: the newest, with the values of those before it.
pub(super) fn pending_edit(
    ledger: &Ledger<'_>,
    object: Object,
    record: Uuid,
) -> Result<Option<PendingEdit>, StoreError> {
    let edits = ledger.edits_of(object, record)?;
    let Some(newest) = edits.last().map(|edit| edit.value.clone()) else { return Ok(None) };
    let mut fields = std::collections::BTreeMap::new();
    for field in edits.into_iter().flat_map(|edit| edit.value.fields) {
        if let Ok(value) = RawValue::from_string(field.value) {
            fields.insert(field.field, value);
        }
    }
    Ok(Some(PendingEdit {
        id: newest.id.to_string(),
        state: newest.state.word(),
        note: note_of(&newest),
        at: newest.at.to_string(),
        who: who_name(ledger, &newest.by)?,
        fields,
    }))
}

fn conflict_view(ledger: &Ledger<'_>, face: &Face, conflict: &Conflict) -> Result<ConflictView, StoreError> {
    let workspace = ledger.workspace(ConnectionId::TWENTY)?;
    let object = Object::from_word(&conflict.object);
    let here_by = who_name(ledger, &conflict.here_by)?;
    let clash = |clash: &Clash| ClashView {
        label: named(&workspace, object, &clash.field),
        field: clash.field.clone(),
        here: SideView {
            value: RawValue::from_string(clash.here.clone()).ok(),
            who: Some(here_by.clone()),
            at: Some(conflict.here_at.to_string()),
        },
        there: SideView {
            value: RawValue::from_string(clash.there.clone()).ok(),
            who: conflict.there_by.clone(),
            at: conflict.there_at.map(|at| at.to_string()),
        },
    };
    Ok(ConflictView {
        id: conflict.edit.to_string(),
        label: label(ledger, &conflict.object, conflict.record)?,
        object: conflict.object.clone(),
        record_id: conflict.record.to_string(),
        url: object.and_then(|object| record_url(&face.info.twenty_url, object, conflict.record)),
        since: conflict.since.to_string(),
        fields: conflict.fields.iter().map(clash).collect(),
    })
}

/// Changes fields of a record that lives in Twenty; they travel there by themselves.
#[utoipa::path(patch, path = "/api/records/{object}/{id}", tag = "Edits", params(("object" = String, Path), ("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = EditBody, responses((status = 202, body = KeptAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn change(
    State(face): State<Face>,
    known: Known,
    Path((object, id)): Path<(String, String)>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let object = Object::from_word(&object).filter(|object| object.is_mirrored());
    let object = object.ok_or(Problem::not_found("kind of record"))?;
    let record = known_id(&id, "record")?;
    let mut body = Reader::new(&bytes)?;
    let fields = body.members("fields");
    let seen = body.number("seen").map(Seq).or(if_match(&headers)?);
    let fields = body.finish(fields)?;
    Ok(kept(face.desk.edit_record(&known.asked, EditAsk { object, record, fields, seen }).await?))
}

/// Changes fields of a task.
#[utoipa::path(patch, path = "/api/tasks/{id}", tag = "Edits", params(("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = Object, responses((status = 202, body = KeptAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn change_task(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let record = known_id(&id, "task")?;
    let mut body = Reader::new(&bytes)?;
    let mut fields = body.own_members(&["title", "body", "dueAt", "status", "assigneeId", "done"]);
    if let Some(done) = fields.remove("done") {
        let Some(done) = done.as_bool() else {
            return Err(Problem::field("done", "done must be true or false"));
        };
        fields.insert("status".into(), Value::from(task_state(&face, &known, done)?));
    }
    // The text has another name in Twenty.
    if let Some(text) = fields.remove("body") {
        fields.insert("bodyV2".into(), text);
    }
    let fields = body.finish(Some(fields).filter(|fields| !fields.is_empty()))?;
    let ask = EditAsk { object: Object::Tasks, record, fields, seen: if_match(&headers)? };
    Ok(kept(face.desk.edit_record(&known.asked, ask).await?))
}

/// The state that the workspace gives a task that is done, or is not: the first other one, which is where tasks begin.
fn task_state(face: &Face, known: &Known, done: bool) -> Result<String, Problem> {
    let workspace = known.snapshot(face)?.ledger().workspace(ConnectionId::TWENTY)?;
    let status =
        workspace.schema.and_then(|schema| schema.objects.get("tasks")?.fields.get("status").cloned());
    let options = status.map(|status| status.options).unwrap_or_default();
    let found = options.into_iter().find(|option| (option == "DONE") == done);
    found.ok_or_else(|| Problem::field("done", "Twenty's tasks have no such state. Send status instead."))
}

fn note(body: &mut Reader) -> Option<NewNote> {
    let title = body.text("title");
    if title.is_none() {
        body.wrong("title", "title is required.");
    }
    let text = body.text("body");
    let targets = body.targets("targets");
    Some(NewNote { title: title?, body: text, targets, task: None })
}

/// Makes a task in Twenty, linked to its records.
#[utoipa::path(post, path = "/api/tasks", tag = "Edits", request_body = TaskBody, responses((status = 202, body = KeptAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn new_task(
    State(face): State<Face>,
    known: Known,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let mut body = Reader::new(&bytes)?;
    let task = TaskOnly {
        due_at: body.instant("dueAt"),
        status: body.text("status"),
        assignee: body.uuid("assigneeId"),
    };
    let wanted = note(&mut body).map(|note| NewNote { task: Some(task), ..note });
    let wanted = body.finish(wanted)?;
    Ok(kept(face.desk.new_task(&known.asked, wanted).await?))
}

/// Makes a note in Twenty, linked to its records.
#[utoipa::path(post, path = "/api/notes", tag = "Edits", request_body = NoteBody, responses((status = 202, body = KeptAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn new_note(
    State(face): State<Face>,
    known: Known,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let mut body = Reader::new(&bytes)?;
    let wanted = note(&mut body);
    let wanted = body.finish(wanted)?;
    Ok(kept(face.desk.new_note(&known.asked, wanted).await?))
}

/// Changes that are not in Twenty yet, or were not taken there, newest first.
#[utoipa::path(get, path = "/api/sync/edits", tag = "Edits", params(("limit" = Option<String>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = EditList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn edits(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Json<EditList>, Problem> {
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let (records, meta) = page(&ledger, Object::Edit, &params, snapshot.as_of().to_string())?;
    let edits = records.iter().filter_map(|record| serde_json::from_str::<Edit>(&record.value).ok());
    let data = edits.map(|edit| edit_view(&ledger, &face, &edit)).collect::<Result<_, _>>()?;
    Ok(Json(EditList { data, meta }))
}

/// Fields that were changed here and in Twenty, newest first.
#[utoipa::path(get, path = "/api/sync/conflicts", tag = "Edits", params(("limit" = Option<String>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = ConflictList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn conflicts(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Json<ConflictList>, Problem> {
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let (records, meta) = page(&ledger, Object::Conflict, &params, snapshot.as_of().to_string())?;
    let conflicts = records.iter().filter_map(|record| serde_json::from_str::<Conflict>(&record.value).ok());
    let data =
        conflicts.map(|conflict| conflict_view(&ledger, &face, &conflict)).collect::<Result<_, _>>()?;
    Ok(Json(ConflictList { data, meta }))
}

/// An edit in its envelope.
#[derive(Debug, Serialize, ToSchema)]
pub struct EditAnswer {
    data: EditView,
}

/// One change, also when it is in Twenty (`done`) or was taken back (`withdrawn`).
#[utoipa::path(get, path = "/api/sync/edits/{id}", tag = "Edits", params(("id" = String, Path)), responses((status = 200, body = EditAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn one(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
) -> Result<Json<EditAnswer>, Problem> {
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let edit = ledger.edit_ever(known_id(&id, "change")?)?.ok_or_else(|| Problem::not_found("change"))?;
    Ok(Json(EditAnswer { data: edit_view(&ledger, &face, &edit)? }))
}

fn page(
    ledger: &Ledger<'_>,
    object: Object,
    params: &Params,
    as_of: String,
) -> Result<(Vec<Record<String>>, ListMeta), Problem> {
    params.only(&["limit", "cursor"])?;
    let (limit, after) = (params.limit()?, params.cursor()?);
    let page = ledger.newest(ConnectionId::HERE, object, SubjectState::Live, after.as_deref(), limit)?;
    let next_cursor = page.next.as_deref().map(cursor);
    let total = Some(ledger.object_count(ConnectionId::HERE, object, SubjectState::Live)?);
    let meta = ListMeta { has_more: next_cursor.is_some(), next_cursor, total, as_of, freshness: None };
    Ok((page.items, meta))
}

/// Takes a change back that is not in Twenty, or dismisses one that Twenty refused.
#[utoipa::path(delete, path = "/api/sync/edits/{id}", tag = "Edits", params(("id" = String, Path)), responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn withdraw(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    face.desk.withdraw_edit(&known.asked, known_id(&id, "change")?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn choice(body: &mut Reader, field: &str, word: &Value) -> Option<Choice> {
    match word.as_str() {
        Some("here") => Some(Choice::Here),
        Some("there") => Some(Choice::There),
        _ => {
            body.wrong(field, "Choose \"here\" or \"there\".");
            None
        }
    }
}

/// Decides a conflict: whose value stays.
#[utoipa::path(post, path = "/api/sync/conflicts/{id}", tag = "Edits", params(("id" = String, Path)), request_body = DecisionBody, responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn decide(
    State(face): State<Face>,
    known: Known,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Result<StatusCode, Problem> {
    let id = known_id(&id, "conflict")?;
    let mut body = Reader::new(&bytes)?;
    let given = body.own_members(&["choose", "fields"]);
    let all =
        given.get("choose").filter(|word| !word.is_null()).and_then(|word| choice(&mut body, "choose", word));
    let some: Map<String, Value> = match given.get("fields") {
        Some(Value::Object(fields)) => fields.clone(),
        None | Some(Value::Null) => Map::new(),
        Some(_) => {
            body.wrong("fields", "fields must be an object such as {\"name.firstName\": \"here\"}.");
            Map::new()
        }
    };
    let some: Vec<(String, Option<Choice>)> =
        some.iter().map(|(field, word)| (field.clone(), choice(&mut body, field, word))).collect();
    if all.is_none() && some.is_empty() {
        body.wrong("choose", "Choose \"here\" or \"there\", for all or by fields.");
    }
    body.finish(Some(()))?;
    let choose = move |field: &str| {
        let own = some.iter().find(|(name, _)| name == field).and_then(|(_, choice)| *choice);
        own.or(all)
    };
    face.desk.decide_conflict(&known.asked, id, choose).await?;
    Ok(StatusCode::NO_CONTENT)
}
