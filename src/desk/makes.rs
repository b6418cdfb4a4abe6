//! Records made here: in the mirror at once as pending, brought to Twenty by a run; tasks and notes with what links them.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::edits::{Kept, fresh, invalid, one_error};
use super::values::{put, wanted};
use super::{Asked, Desk, EditAsk, Refusal};
use crate::ground::edit::{Edit, NewRecord, is_editable};
use crate::ground::id::{ConnectionId, Names, Object, Origin, SubjectKey, local_id, upstream_key};
use crate::ground::intake::FieldError;
use crate::ground::journal::{Cause, SubjectState};
use crate::ground::outbox::Arrival;
use crate::ground::replay::ReplayKey;
use crate::ground::time::Instant;
use crate::ground::workspace::{ObjectSchema, Workspace};
use crate::store::{Changes, Fail, View};

/// Records that one task or note is linked to at most.
const TARGETS_MAX: usize = 20;

/// A task or a note that somebody wants.
#[derive(Clone, Debug)]
pub struct NewNote {
    /// What it is called.
    pub title: String,
    /// Its text, as markdown.
    pub body: Option<String>,
    /// The records it is about.
    pub targets: Vec<(Object, Uuid)>,
    /// What only a task has.
    pub task: Option<TaskOnly>,
}

/// What only a task has.
#[derive(Clone, Debug, Default)]
pub struct TaskOnly {
    /// When it is due.
    pub due_at: Option<Instant>,
    /// One of the states that tasks have in Twenty, such as `DONE`.
    pub status: Option<String>,
    /// Who is to do it: a member of the workspace.
    pub assignee: Option<Uuid>,
}

/// A record that somebody wants in Twenty. Gifts are not made so: they are posted.
#[derive(Clone, Debug)]
pub struct MakeAsk {
    /// Which kind of record.
    pub object: Object,
    /// Field or path -> value.
    pub fields: Map<String, Value>,
    /// What holds where the caller says nothing, such as now.
    pub defaults: Map<String, Value>,
    /// The name the caller gave to the request: with the same one a second time nothing is made again.
    pub idempotency_key: Option<String>,
}

impl Desk {
    /// Makes a record. Its fields are checked against the workspace now; a run makes it.
    pub async fn make_record(&self, asked: &Asked, ask: MakeAsk) -> Result<Kept, Refusal> {
        let cause = asked.cause("Made here");
        let named = ask.idempotency_key.as_ref().map(|key| {
            let (caller, key) = (asked.caller.replay_scope(), format!("{} {key}", ask.object.word()));
            origin_of(&ReplayKey::Idempotency { caller, key })
        });
        let (_, kept) = self
            .store
            .write(move |view| {
                let edit = record_edit(view, &cause, &ask, named)?;
                let kept = Kept { edit: edit.id, record: edit.record };
                let mut changes = Changes::new(cause);
                if let Some(before) = view.ledger().edit_ever(edit.id)? {
                    if asked_for(&before, &ask) != asked_for(&edit, &ask) {
                        return Err(Refusal::KeyReused.into());
                    }
                    return Ok((changes, kept));
                }
                for make in &edit.makes {
                    changes.pending(SubjectKey::twenty(ask.object, make.id), make.body.clone());
                }
                changes.create(Object::Edit, edit.id, &edit)?;
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, kept))
            })
            .await?;
        Ok(kept)
    }

    /// Makes a task.
    pub async fn new_task(&self, asked: &Asked, task: NewNote) -> Result<Kept, Refusal> {
        self.make(asked, Object::Tasks, Object::TaskTargets, task).await
    }

    /// Makes a note.
    pub async fn new_note(&self, asked: &Asked, note: NewNote) -> Result<Kept, Refusal> {
        self.make(asked, Object::Notes, Object::NoteTargets, note).await
    }

    /// Marks a task as done.
    pub async fn finish_task(&self, asked: &Asked, task: Uuid) -> Result<Kept, Refusal> {
        let fields = Map::from_iter([("status".to_owned(), Value::from("DONE"))]);
        let ask = EditAsk { object: Object::Tasks, record: task, fields, seen: None };
        self.edit_record(asked, ask).await
    }

    async fn make(
        &self,
        asked: &Asked,
        object: Object,
        links: Object,
        wanted: NewNote,
    ) -> Result<Kept, Refusal> {
        let cause = asked.cause("Made here");
        let (_, kept) = self
            .store
            .write(move |view| {
                let edit = edit_of(view, &cause, (object, links), &wanted)?;
                let kept = Kept { edit: edit.id, record: edit.record };
                let mut changes = Changes::new(cause);
                for make in &edit.makes {
                    if let Some(object) = Object::from_word(&make.object) {
                        changes.pending(SubjectKey::twenty(object, make.id), make.body.clone());
                    }
                }
                changes.create(Object::Edit, edit.id, &edit)?;
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, kept))
            })
            .await?;
        Ok(kept)
    }
}

/// The body of what an edit makes, but for what the caller did not say.
fn asked_for(edit: &Edit, ask: &MakeAsk) -> Option<Value> {
    let mut body: Value = serde_json::from_str(&edit.makes.first()?.body).ok()?;
    body.as_object_mut()?.retain(|name, _| !ask.defaults.contains_key(name));
    Some(body)
}

/// The origin that a caller's own name for a request stands for.
fn origin_of(key: &ReplayKey) -> Origin {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&blake3::hash(&key.bytes()).as_bytes()[..16]);
    Origin(bytes)
}

fn record_edit(
    view: &View<'_>,
    cause: &Cause,
    ask: &MakeAsk,
    named: Option<Origin>,
) -> Result<Edit, Fail<Refusal>> {
    let workspace = view.ledger().workspace(ConnectionId::TWENTY)?;
    let connection = view.ledger().connection_key(ConnectionId::TWENTY)?;
    let connection = connection.ok_or(Refusal::NotFound("connection to Twenty"))?;
    if !is_editable(ask.object) || ask.object == Object::Gifts {
        return Err(one_error("object", "Records of this kind are not made here."));
    }
    let itself = known(&workspace, ask.object)?;
    let mut edit = fresh(view, cause, ask.object.word(), Uuid::nil(), Vec::new());
    edit.origin = named.unwrap_or(edit.origin);
    edit.record = upstream_key(connection, ask.object, edit.origin, "make");
    edit.id = local_id(Object::Edit, edit.origin);
    let mut body = json!({ "id": edit.record });
    let mut errors = Vec::new();
    for (path, given) in ask.fields.iter().chain(&ask.defaults) {
        match wanted(ask.object, itself.schema, &Value::Null, (path, given)) {
            Ok(read) => {
                for want in read.into_iter().filter(|want| !want.value.is_null()) {
                    put(&mut body, &want.path, want.value);
                }
            }
            Err(message) => errors.push(FieldError { field: path.clone(), message }),
        }
    }
    if !errors.is_empty() {
        return Err(invalid(errors));
    }
    edit.makes.push(NewRecord {
        object: ask.object.word().into(),
        id: edit.record,
        body: body.to_string(),
        there: false,
        arrival: Arrival::NotSent,
        misses: 0,
    });
    Ok(edit)
}

/// What the workspace says of an object that is to be made.
struct Known<'w> {
    names: Names,
    schema: &'w ObjectSchema,
}

fn known(workspace: &Workspace, object: Object) -> Result<Known<'_>, Fail<Refusal>> {
    let names = workspace.names(object).ok_or(Refusal::NotFound("mirrored object"))?;
    let schema = workspace.schema.as_ref().and_then(|schema| schema.objects.get(&names.plural));
    let schema = schema.ok_or(Refusal::NotFound("mirrored object"))?;
    Ok(Known { names, schema })
}

fn edit_of(
    view: &View<'_>,
    cause: &Cause,
    (object, links): (Object, Object),
    wanted: &NewNote,
) -> Result<Edit, Fail<Refusal>> {
    let workspace = view.ledger().workspace(ConnectionId::TWENTY)?;
    let connection = view.ledger().connection_key(ConnectionId::TWENTY)?;
    let connection = connection.ok_or(Refusal::NotFound("connection to Twenty"))?;
    let itself = known(&workspace, object)?;
    let mut edit = fresh(view, cause, object.word(), Uuid::nil(), Vec::new());
    // The origin is new with every request, so that two equal notes are two.
    edit.record = upstream_key(connection, object, edit.origin, "make");
    edit.id = local_id(Object::Edit, edit.origin);
    let body = body_of(view, itself.schema, edit.record, wanted)?;
    edit.makes.push(NewRecord {
        object: object.word().into(),
        id: edit.record,
        body,
        there: false,
        arrival: Arrival::NotSent,
        misses: 0,
    });
    if wanted.targets.is_empty() {
        return Ok(edit);
    }
    if wanted.targets.len() > TARGETS_MAX {
        return Err(one_error("targets", format!("Link it to {TARGETS_MAX} records at most.")));
    }
    let link = known(&workspace, links)?;
    for (place, target) in wanted.targets.iter().enumerate() {
        let id = upstream_key(connection, links, edit.origin, &format!("target {place}"));
        let column = column_of(view, &workspace, &link, *target)?;
        let own = format!("{}Id", itself.names.singular);
        let body = json!({ "id": id, own: edit.record, column: target.1 }).to_string();
        edit.makes.push(NewRecord {
            object: links.word().into(),
            id,
            body,
            there: false,
            arrival: Arrival::NotSent,
            misses: 0,
        });
    }
    Ok(edit)
}

/// The field of a link that leads to such a record: `targetPersonId`, or `personId` on older servers.
fn column_of(
    view: &View<'_>,
    workspace: &Workspace,
    link: &Known<'_>,
    (object, id): (Object, Uuid),
) -> Result<String, Fail<Refusal>> {
    let no_such = || one_error("targets", "One of the records it is about is not in Twenty (any more).");
    let names = workspace.names(object).ok_or_else(no_such)?;
    let record = view.ledger().record_of(&SubjectKey::twenty(object, id))?;
    record.filter(|record| record.state == SubjectState::Live).ok_or_else(no_such)?;
    let mut letters = names.singular.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase()).into_iter();
    let newer: String = "target".chars().chain(first).chain(letters).chain("Id".chars()).collect();
    let column = [newer, format!("{}Id", names.singular)]
        .into_iter()
        .find(|column| link.schema.fields.contains_key(column));
    column.ok_or_else(|| one_error("targets", format!("Twenty cannot link this to {}.", names.plural)))
}

fn body_of(
    view: &View<'_>,
    schema: &ObjectSchema,
    id: Uuid,
    wanted: &NewNote,
) -> Result<String, Fail<Refusal>> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, message: String| {
        errors.push(FieldError { field: field.to_owned(), message });
    };
    let mut body = Map::new();
    body.insert("id".into(), Value::from(id.to_string()));
    body.insert("title".into(), Value::from(wanted.title.as_str()));
    if let Some(text) = &wanted.body {
        // Older workspaces keep the text in a field of another name and type.
        match ["bodyV2", "body"].into_iter().find_map(|name| Some((name, schema.fields.get(name)?))) {
            Some((name, field)) if field.kind == "RICH_TEXT" => {
                body.insert(name.into(), json!({ "markdown": text }));
            }
            Some((name, _)) => {
                body.insert(name.into(), Value::from(text.as_str()));
            }
            None => wrong("body", "Twenty has no field for the text here.".into()),
        }
    }
    if let Some(task) = &wanted.task {
        let status = schema.fields.get("status");
        match (&task.status, status) {
            (None, _) => {}
            (Some(word), Some(field)) if field.options.is_empty() || field.options.contains(word) => {
                body.insert("status".into(), Value::from(word.as_str()));
            }
            (Some(_), Some(field)) => {
                wrong("status", format!("status must be one of {}.", field.options.join(", ")));
            }
            (Some(_), None) => wrong("status", "Twenty's tasks have no status.".into()),
        }
        if let Some(due) = task.due_at {
            body.insert("dueAt".into(), Value::from(due.to_string()));
        }
        if let Some(assignee) = task.assignee {
            let member = view.ledger().record_of(&SubjectKey::twenty(Object::WorkspaceMembers, assignee))?;
            if member.is_some_and(|member| member.state == SubjectState::Live) {
                body.insert("assigneeId".into(), Value::from(assignee.to_string()));
            } else {
                wrong("assigneeId", "Nobody in the Twenty workspace has this id.".into());
            }
        }
    }
    if errors.is_empty() { Ok(Value::Object(body).to_string()) } else { Err(invalid(errors)) }
}
