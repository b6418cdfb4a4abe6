//! What a person changes of a record that lives in Twenty: kept here at once, brought there by a run.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::values::{put, wanted};
use super::{Asked, Desk, Refusal, coding};
use crate::ground::edit::{Choice, Conflict, Edit, FieldEdit, State, is_accounts, is_editable};
use crate::ground::id::{ConnectionId, Object, Seq, SubjectKey, local_id};
use crate::ground::intake::FieldError;
use crate::ground::journal::{Actor, Cause, SubjectState};
use crate::ground::texts;
use crate::ground::workspace::ObjectSchema;
use crate::store::{Changes, Fail, Record, StoreError, View, parts};

/// A change that somebody wants.
#[derive(Clone, Debug)]
pub struct EditAsk {
    /// Which kind of record.
    pub object: Object,
    /// Its id in Twenty.
    pub record: Uuid,
    /// Field or path -> wanted value.
    pub fields: Map<String, Value>,
    /// The entry that the editor saw; the newest when they do not say.
    pub seen: Option<Seq>,
}

/// What was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The edit.
    pub edit: Uuid,
    /// The record it is about.
    pub record: Uuid,
}

/// The record to change, and what the editor saw of it.
struct Target {
    id: Uuid,
    schema: ObjectSchema,
    /// As the editor saw it: the record, with what is on its way there laid over it.
    seen: Value,
}

pub(super) fn invalid(errors: Vec<FieldError>) -> Fail<Refusal> {
    Refusal::Invalid(errors).into()
}

pub(super) fn one_error(field: &str, message: impl Into<String>) -> Fail<Refusal> {
    invalid(vec![FieldError { field: field.to_owned(), message: message.into() }])
}

impl Desk {
    /// Changes fields of a record that lives in Twenty. It is checked and kept now, and sent by a run.
    pub async fn edit_record(&self, asked: &Asked, ask: EditAsk) -> Result<Kept, Refusal> {
        let cause = asked.cause("Changed here");
        let (_, kept) = self
            .store
            .write(move |view| {
                let edit = edit_of(view, &cause, &ask)?;
                let kept = Kept { edit: edit.id, record: edit.record };
                let mut changes = Changes::new(cause);
                changes.create(Object::Edit, edit.id, &edit)?;
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, kept))
            })
            .await?;
        Ok(kept)
    }

    /// The same for several records at once: all are kept, or none. None where a record is as wanted already.
    pub async fn edit_records(
        &self,
        asked: &Asked,
        asks: Vec<EditAsk>,
    ) -> Result<Vec<Option<Kept>>, Refusal> {
        let cause = asked.cause("Changed here");
        let (_, kept) = self
            .store
            .write(move |view| {
                let mut changes = Changes::new(cause.clone());
                let mut kept = Vec::with_capacity(asks.len());
                for ask in &asks {
                    let edit = match edit_of(view, &cause, ask) {
                        Err(Fail::Refused(Refusal::Unchanged)) => {
                            kept.push(None);
                            continue;
                        }
                        other => other?,
                    };
                    kept.push(Some(Kept { edit: edit.id, record: edit.record }));
                    changes.create(Object::Edit, edit.id, &edit)?;
                }
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, kept))
            })
            .await?;
        Ok(kept)
    }

    /// Takes an edit back that is not in Twenty.
    pub async fn withdraw_edit(&self, asked: &Asked, id: Uuid) -> Result<(), Refusal> {
        let cause = asked.cause("Taken back");
        self.store
            .write(move |view| {
                let mut edit = view.ledger().edit(id)?.ok_or(Refusal::NotFound("change"))?.value;
                if edit.may_be_there() {
                    return Err(Refusal::Nothing(
                        "This may be in Twenty already. Wait until it is settled, then change the record there or here.",
                    )
                    .into());
                }
                let mut changes = Changes::new(cause);
                for make in &edit.makes {
                    let Some(object) = Object::from_word(&make.object) else { continue };
                    let key = SubjectKey::twenty(object, make.id);
                    let record = view.ledger().record_of(&key)?;
                    if let Some(record) = record.filter(|record| record.state == SubjectState::Pending) {
                        changes.withdrawn(key, record.value);
                    }
                }
                if let Some(conflict) = view.ledger().conflict(id)? {
                    changes.remove(Object::Conflict, id, &conflict.value)?;
                }
                build_on_what_was_before(view, &mut changes, &edit)?;
                edit.state = State::Withdrawn;
                changes.remove(Object::Edit, id, &edit)?;
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }

    /// Decides a conflict: for each field, whose value stays. Fields that are not named stay undecided.
    pub async fn decide_conflict(
        &self,
        asked: &Asked,
        id: Uuid,
        choose: impl Fn(&str) -> Option<Choice> + Send + 'static,
    ) -> Result<(), Refusal> {
        let cause = asked.cause("Conflict decided");
        self.store
            .write(move |view| {
                let conflict = view.ledger().conflict(id)?.ok_or(Refusal::NotFound("conflict"))?.value;
                let edit = view.ledger().edit(id)?.ok_or(Refusal::NotFound("conflict"))?.value;
                let mut changes = Changes::new(cause.clone());
                decide(view, &mut changes, (edit, conflict), &cause, &choose)?;
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }
}

/// What is decided for here travels as an edit of its own, on what stands there now; what is decided for there is given
/// up; the rest waits on.
fn decide(
    view: &View<'_>,
    changes: &mut Changes,
    (mut edit, mut conflict): (Edit, Conflict),
    cause: &Cause,
    choose: &impl Fn(&str) -> Option<Choice>,
) -> Result<(), Fail<Refusal>> {
    let of = |wanted: Option<Choice>| -> Vec<_> {
        conflict.fields.iter().filter(|clash| choose(&clash.field) == wanted).cloned().collect()
    };
    let (here, open) = (of(Some(Choice::Here)), of(None));
    if open.len() == conflict.fields.len() {
        return Err(one_error("choose", "None of these fields is in this conflict."));
    }
    if !here.is_empty() {
        let fields = here
            .into_iter()
            .map(|clash| FieldEdit { field: clash.field, base: clash.there, value: clash.here })
            .collect();
        let again = fresh(view, cause, &conflict.object, conflict.record, fields);
        changes.create(Object::Edit, again.id, &again)?;
    }
    if open.is_empty() {
        changes.remove(Object::Conflict, edit.id, &conflict)?;
        edit.state = State::Withdrawn;
        changes.remove(Object::Edit, edit.id, &edit)?;
    } else {
        let names: Vec<String> = open.iter().map(|clash| clash.field.clone()).collect();
        conflict.fields = open;
        edit.keep(&names);
        changes.update(Object::Conflict, edit.id, &conflict)?;
        changes.update(Object::Edit, edit.id, &edit)?;
    }
    Ok(())
}

/// An edit asked for now.
pub(super) fn fresh(
    view: &View<'_>,
    cause: &Cause,
    object: &str,
    record: Uuid,
    fields: Vec<FieldEdit>,
) -> Edit {
    let origin = view.world.origin();
    Edit {
        id: local_id(Object::Edit, origin),
        object: object.to_owned(),
        record,
        origin,
        fields,
        makes: Vec::new(),
        delete: None,
        made_for: None,
        by: cause.actor.clone(),
        at: view.world.now(),
        request_id: cause.request_id.clone(),
        state: State::Waiting,
        note: None,
    }
}

/// Later edits of the record that were made on top of this one rest on what it rested on.
fn build_on_what_was_before(
    view: &View<'_>,
    changes: &mut Changes,
    taken_back: &Edit,
) -> Result<(), StoreError> {
    let Some(object) = taken_back.object() else { return Ok(()) };
    for record in view.ledger().edits_of(object, taken_back.record)? {
        let mut edit = record.value;
        if edit.id == taken_back.id || edit.at < taken_back.at || edit.state != State::Waiting {
            continue;
        }
        if edit.rest_on_what_was_before(taken_back) {
            changes.update(Object::Edit, edit.id, &edit)?;
        }
    }
    Ok(())
}

fn edit_of(view: &View<'_>, cause: &Cause, ask: &EditAsk) -> Result<Edit, Fail<Refusal>> {
    let target = target(view, &cause.actor, ask)?;
    let in_conflict = conflicting(view, ask.object, target.id)?;
    let (mut fields, mut errors) = (Vec::new(), Vec::new());
    for (path, given) in &ask.fields {
        if let Some(message) = of_the_accounts(ask.object, &target.schema, path) {
            errors.push(FieldError { field: path.clone(), message });
            continue;
        }
        let read = match wanted(ask.object, &target.schema, &target.seen, (path, given)) {
            Ok(read) => read,
            Err(message) => {
                errors.push(FieldError { field: path.clone(), message });
                continue;
            }
        };
        for want in read {
            let base = parts::part(&target.seen, &want.path);
            if in_conflict.contains(&want.path) {
                let message = "This field is in a conflict. Decide that first (Sync page).".to_owned();
                errors.push(FieldError { field: want.path, message });
            } else if parts::plain(&want.kind, base) != parts::plain(&want.kind, &want.value) {
                let (base, value) = (base.to_string(), want.value.to_string());
                fields.push(FieldEdit { field: want.path, base, value });
            }
        }
    }
    if ask.object == Object::Gifts {
        coding::complete(view, (&target.schema, &target.seen), &mut fields, &mut errors)?;
    }
    let mut names: Vec<&str> = fields.iter().map(|edit: &FieldEdit| edit.field.as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        let message = "This is named twice, as a whole and as a part.".to_owned();
        errors.push(FieldError { field: twice[0].to_owned(), message });
    }
    if !errors.is_empty() {
        return Err(invalid(errors));
    }
    if fields.is_empty() {
        return Err(Refusal::Unchanged.into());
    }
    Ok(fresh(view, cause, ask.object.word(), target.id, fields))
}

/// Why a field of a gift that the workspace has is not changed here.
fn of_the_accounts(object: Object, schema: &ObjectSchema, path: &str) -> Option<String> {
    let name = path.split('.').next().unwrap_or(path);
    let field = schema.fields.get(name).filter(|_| is_accounts(object, name))?;
    let label = if field.label.is_empty() { name } else { &field.label };
    Some(format!("{label} {}", texts::GIFT_IS_ACCOUNTS))
}

/// Paths that wait for a decision.
fn conflicting(view: &View<'_>, object: Object, record: Uuid) -> Result<Vec<String>, StoreError> {
    let edits = view.ledger().edits_of(object, record)?;
    let clashing = edits.into_iter().filter(|edit| edit.value.state == State::Conflict);
    Ok(clashing.flat_map(|edit| edit.value.fields).map(|field| field.field).collect())
}

fn target(view: &View<'_>, actor: &Actor, ask: &EditAsk) -> Result<Target, Fail<Refusal>> {
    let ledger = view.ledger();
    let workspace = ledger.workspace(ConnectionId::TWENTY)?;
    let names = workspace.names(ask.object).ok_or(Refusal::NotFound("mirrored object"))?;
    if !is_editable(ask.object) {
        return Err(one_error("object", "Records of this kind are changed in Twenty, not here."));
    }
    let schema = workspace.schema.as_ref().and_then(|schema| schema.objects.get(&names.plural));
    let schema = schema.cloned().ok_or(Refusal::NotFound("mirrored object"))?;
    let known = ledger.record_of(&SubjectKey::twenty(ask.object, ask.record))?;
    let known = known.ok_or(Refusal::NotFound("record"))?;
    match known.state {
        SubjectState::Live => {}
        SubjectState::Pending => {
            return Err(Refusal::Nothing(
                "This record is on its way to Twenty. Wait until Twenty has it, then change it.",
            )
            .into());
        }
        _ => {
            return Err(Refusal::Nothing(
                "This record is deleted in Twenty. Restore it there, then change it here.",
            )
            .into());
        }
    }
    let id = known.key.uuid().ok_or(Refusal::NotFound("record"))?;
    let version = match ask.seen {
        None => known,
        Some(seq) => seen_by_editor(view, &known, seq)?,
    };
    let mut seen: Value = serde_json::from_str(&version.value).unwrap_or(Value::Null);
    for edit in ledger.edits_of(ask.object, id)? {
        // What somebody else has on its way is not what this editor saw, unless they do not say what they saw.
        let saw_it = ask.seen.is_none() || edit.value.by == *actor;
        if edit.value.state.is_open() && saw_it {
            for field in edit.value.fields {
                let value = serde_json::from_str(&field.value).unwrap_or(Value::Null);
                put(&mut seen, &field.field, value);
            }
        }
    }
    Ok(Target { id, schema, seen })
}

/// The record as an entry left it, if it is one of this record's.
fn seen_by_editor(
    view: &View<'_>,
    known: &Record<String>,
    seq: Seq,
) -> Result<Record<String>, Fail<Refusal>> {
    if seq == known.seq {
        return Ok(known.clone());
    }
    let last = view.ledger().last_seq()?;
    let version = if seq <= last { view.ledger().record_at(seq).ok().flatten() } else { None };
    let version = version.filter(|version| version.subject == known.subject);
    version.ok_or_else(|| Refusal::Changed.into())
}
