//! The journal: who did what, when, and why.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Face;
use super::auth::Known;
use super::params::Params;
use super::problem::Problem;
use crate::desk::gifts::Evidence;
use crate::ground::access::{Token, User, Viewer};
use crate::ground::batch::Batch;
use crate::ground::crm::{Labelled, PersonRecord};
use crate::ground::id::{ConnectionId, Object, Seq, SubjectId, SubjectKey};
use crate::ground::journal::Actor;
use crate::ground::run::RunStatus;
use crate::ground::staging::{Progress, StagedRow};
use crate::ground::time::Instant;
use crate::store::{Body, Entry, FieldChange, Ledger, StoreError};

/// One entry.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntryView {
    seq: u64,
    at: String,
    who: WhoView,
    object: &'static str,
    subject_id: String,
    /// What the record was called then.
    title: Option<String>,
    op: &'static str,
    why: String,
    request_id: Option<String>,
    run_id: Option<String>,
    changes: Vec<ChangeView>,
}

/// Who made a change.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhoView {
    kind: &'static str,
    name: String,
}

/// One field before and after.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeView {
    field: String,
    #[schema(value_type = Option<Value>)]
    before: Option<Value>,
    #[schema(value_type = Option<Value>)]
    after: Option<Value>,
}

/// A page of the journal.
#[derive(Debug, Serialize, ToSchema)]
pub struct JournalAnswer {
    data: Vec<EntryView>,
    meta: JournalMeta,
}

/// `meta` of a journal page.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JournalMeta {
    has_more: bool,
    next_before: Option<u64>,
    as_of: String,
    /// Entries there are in all.
    entries: u64,
}

/// An entry in the words of the API; none when there is none.
pub(super) fn entry_view(ledger: &Ledger<'_>, seq: Seq) -> Result<Option<EntryView>, StoreError> {
    let Some(Entry { header, body }) = ledger.entry(seq)? else { return Ok(None) };
    let (title, changes) = match &body {
        Body::Kept { diff, image, .. } => {
            (title(ledger, header.key.object, image.json())?, changes(header.key.object, diff))
        }
        Body::Erased { .. } => (None, Vec::new()),
    };
    let run_id = match header.actor {
        Actor::Run(run) => Some(run.to_string()),
        _ => None,
    };
    Ok(Some(EntryView {
        seq: seq.0,
        at: header.recorded.to_string(),
        who: WhoView { kind: header.actor.kind(), name: who_name(ledger, &header.actor)? },
        object: header.key.object.word(),
        subject_id: header.key.foreign.to_string(),
        title,
        op: header.op.word(),
        why: header.why,
        request_id: header.request_id,
        run_id,
        changes,
    }))
}

/// What people call whoever made a change.
pub(super) fn who_name(ledger: &Ledger<'_>, actor: &Actor) -> Result<String, StoreError> {
    Ok(match actor {
        Actor::User(id) => ledger.user(*id)?.map_or_else(|| "A former user".into(), |user| user.value.name),
        Actor::Token(id) => {
            ledger.token(*id)?.map_or_else(|| "A former token".into(), |token| token.value.name)
        }
        Actor::Run(_) => "Process run".into(),
        Actor::Connection(connection) if connection.is_books() => "QuickBooks".into(),
        Actor::Connection(_) => "Twenty".into(),
        Actor::Operator => "Operator".into(),
        Actor::OperatorUid(uid) => format!("Operator (uid {uid})"),
        Actor::System => "Almoner".into(),
    })
}

fn title(ledger: &Ledger<'_>, object: Object, json: &str) -> Result<Option<String>, StoreError> {
    if object != Object::GiftStaging {
        return Ok(own_title(object, json));
    }
    let Ok(row) = serde_json::from_str::<StagedRow>(json) else { return Ok(None) };
    let donor = row.donor.person().map(|person| ledger.person(person)).transpose()?.flatten();
    let name = donor.and_then(|donor| donor.value.display_name()).or_else(|| row.evidence.name());
    Ok(Some(name.map_or_else(|| row.amount.to_string(), |name| format!("{name} · {}", row.amount))))
}

fn own_title(object: Object, json: &str) -> Option<String> {
    match object {
        Object::People => serde_json::from_str::<PersonRecord>(json).ok()?.into_person().display_name(),
        Object::GiftBatch => Some(serde_json::from_str::<Batch>(json).ok()?.name),
        Object::User => Some(serde_json::from_str::<User>(json).ok()?.name),
        Object::Token => Some(serde_json::from_str::<Token>(json).ok()?.name),
        Object::Evidence => {
            Some(format!("Delivery by {}", serde_json::from_str::<Evidence>(json).ok()?.channel))
        }
        Object::Run => Some("Process run".into()),
        Object::GiftStaging => None,
        Object::Edit | Object::Conflict | Object::Quarantine => Some(own_words(object).into()),
        _ => serde_json::from_str::<Labelled>(json).ok()?.label(),
    }
}

const fn own_words(object: Object) -> &'static str {
    match object {
        Object::Edit => "A change made here",
        Object::Conflict => "A conflict",
        _ => "A record that cannot be read",
    }
}

fn changes(object: Object, diff: &[FieldChange]) -> Vec<ChangeView> {
    let is_progress = |change: &&FieldChange| {
        object == Object::GiftStaging && change.field.split('.').next() == Some("progress")
    };
    let progress: Vec<&FieldChange> = diff.iter().filter(is_progress).collect();
    let rest = diff.iter().filter(|change| !is_progress(change) && !is_noise(object, change));
    progress_change(&progress).into_iter().chain(rest.map(|change| change_view(object, change))).collect()
}

/// What says nothing to people: counters of our own, Twenty's stamps of the change itself, and fields that came
/// into being empty.
fn is_noise(object: Object, change: &FieldChange) -> bool {
    let field = change.field.as_str();
    let stamp = match object {
        Object::GiftStaging => field == "attempts",
        // When a run began and ended is when the entry was written.
        Object::Run => {
            field.starts_with("recent")
                || matches!(field, "next_group" | "tally.leased" | "started_at" | "finished_at")
        }
        mirrored if mirrored.is_mirrored() => matches!(
            field.split('.').next(),
            Some("updatedAt" | "updatedBy" | "createdAt" | "createdBy" | "position")
        ),
        _ => false,
    };
    stamp
        || (change.before.is_none()
            && change.after.as_deref().and_then(value_of).is_none_or(|value| is_empty(&value)))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// However a row's progress was told apart, people read the word before and the word after.
fn progress_change(parts: &[&FieldChange]) -> Option<ChangeView> {
    let word = |side: fn(&FieldChange) -> Option<&String>| {
        parts.iter().find_map(|part| {
            let json = side(part)?;
            match part.field.strip_prefix("progress.") {
                Some(variant) => progress_word(&format!("{{\"{variant}\":{json}}}")),
                None => progress_word(json),
            }
        })
    };
    let (before, after) = (word(|part| part.before.as_ref()), word(|part| part.after.as_ref()));
    (before != after).then(|| ChangeView { field: "processingStatus".into(), before, after })
}

fn change_view(object: Object, change: &FieldChange) -> ChangeView {
    let value = |json: &Option<String>| {
        let json = json.as_deref()?;
        if object == Object::Run && change.field == "status" {
            return serde_json::from_str::<RunStatus>(json).ok().map(|status| Value::from(status.word()));
        }
        let value = value_of(json)?;
        Some(if is_instant(object, &change.field) { instant_text(value) } else { value })
    };
    ChangeView {
        field: field_word(object, &change.field),
        before: value(&change.before),
        after: value(&change.after),
    }
}

/// Whether a field of ours holds a moment, which is stored as a number.
fn is_instant(object: Object, field: &str) -> bool {
    !matches!(object, Object::People | Object::Gifts) && (field.ends_with("_at") || field == "at")
}

fn instant_text(value: Value) -> Value {
    value.as_i64().map_or(value, |micros| Value::from(Instant(micros).to_string()))
}

fn value_of(json: &str) -> Option<Value> {
    // A number too large for JavaScript is told as its text.
    let raw = serde_json::from_str::<&RawValue>(json).ok()?;
    serde_json::from_str(raw.get()).ok()
}

/// The older word for how far a row is.
fn progress_word(json: &str) -> Option<Value> {
    let progress = serde_json::from_str::<Progress>(json).ok()?;
    Some(Value::from(progress.status().word()))
}

/// The field as the API names it.
fn field_word(object: Object, field: &str) -> String {
    if matches!(object, Object::People | Object::Gifts) {
        return field.to_owned();
    }
    match field {
        "donor" => "donorId".into(),
        "batch" => "giftBatchId".into(),
        "company" => "companyId".into(),
        "intent" => "giftIntent".into(),
        "evidence.first_name" => "donorFirstName".into(),
        "evidence.last_name" => "donorLastName".into(),
        "evidence.email" => "donorEmail".into(),
        other => camel(other.trim_start_matches("tally.").trim_start_matches("execution.")),
    }
}

fn camel(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    let mut raise = false;
    for c in field.chars() {
        match c {
            '_' => raise = true,
            c if raise => {
                out.push(c.to_ascii_uppercase());
                raise = false;
            }
            c => out.push(c),
        }
    }
    out
}

/// The journal, newest first.
#[utoipa::path(get, path = "/api/journal", tag = "Journal",
    params(("before" = Option<String>, Query), ("subject" = Option<String>, Query), ("object" = Option<String>, Query), ("limit" = Option<String>, Query)),
    responses((status = 200, body = JournalAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn list(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Json<JournalAnswer>, Problem> {
    params.only(&["before", "subject", "object", "limit"])?;
    let before = params.parsed("before", |text| text.parse::<u64>().ok())?;
    let subject = params.parsed("subject", |text| Uuid::parse_str(text).ok())?;
    let object = params.parsed("object", Object::from_word)?;
    let limit = params.limit()?;
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let entries = ledger.last_seq()?.0;
    let before = before.unwrap_or(u64::MAX).min(entries.saturating_add(1));
    let scope = Sees::of(&ledger, &known.viewer)?;
    let (data, next_before) = match subject {
        Some(id) => of_subjects(&ledger, &scope, &subjects(&ledger, id, object)?, (before, limit))?,
        None => walk(&ledger, &scope, object, (before, limit))?,
    };
    let meta = JournalMeta {
        has_more: next_before.is_some(),
        next_before,
        as_of: snapshot.as_of().to_string(),
        entries,
    };
    Ok(Json(JournalAnswer { data, meta }))
}

/// The subjects with this id, in whichever object.
fn subjects(ledger: &Ledger<'_>, id: Uuid, object: Option<Object>) -> Result<Vec<SubjectId>, StoreError> {
    let mut found = Vec::new();
    for candidate in Object::all().filter(|candidate| object.is_none_or(|object| object == *candidate)) {
        let mirrored = candidate.is_mirrored();
        let key = if mirrored { SubjectKey::twenty(candidate, id) } else { SubjectKey::here(candidate, id) };
        found.extend(ledger.subject(&key)?);
    }
    Ok(found)
}

type Walked = (Vec<EntryView>, Option<u64>);

/// Which entries the viewer may see: those about companies beyond their scope are left out.
struct Sees<'v> {
    viewer: &'v Viewer,
    companies: BTreeMap<ConnectionId, String>,
}

/// A record of ours about a company.
#[derive(Deserialize)]
struct OfCompany {
    realm: String,
}

impl<'v> Sees<'v> {
    fn of(ledger: &Ledger<'_>, viewer: &'v Viewer) -> Result<Self, StoreError> {
        let mut companies = BTreeMap::new();
        if !viewer.sees_every_company() {
            for company in ledger.companies()? {
                companies.insert(company.value.connection, company.value.realm.into());
            }
        }
        Ok(Self { viewer, companies })
    }

    fn shows(&self, ledger: &Ledger<'_>, seq: Seq) -> Result<bool, StoreError> {
        if self.viewer.sees_every_company() {
            return Ok(true);
        }
        let header = ledger.header(seq.0)?;
        let realm = if header.key.connection.is_books() {
            self.companies.get(&header.key.connection).cloned()
        } else if header.key.object.is_about_a_company() {
            let record = ledger.record_at(seq)?;
            record.and_then(|record| serde_json::from_str::<OfCompany>(&record.value).ok()).map(|of| of.realm)
        } else {
            return Ok(true);
        };
        // What cannot be told whose it is is shown to those who see all.
        Ok(realm.is_some_and(|realm| self.viewer.sees_company(&realm)))
    }

    fn view(&self, ledger: &Ledger<'_>, seq: Seq) -> Result<Option<EntryView>, StoreError> {
        if self.shows(ledger, seq)? { entry_view(ledger, seq) } else { Ok(None) }
    }
}

fn of_subjects(
    ledger: &Ledger<'_>,
    scope: &Sees<'_>,
    subjects: &[SubjectId],
    (before, limit): (u64, usize),
) -> Result<Walked, StoreError> {
    let mut seqs = Vec::new();
    for subject in subjects {
        seqs.extend(ledger.history(*subject, Seq(before), limit + 1)?);
    }
    seqs.sort_unstable_by(|a, b| b.cmp(a));
    let more = seqs.len() > limit;
    seqs.truncate(limit);
    let mut views = Vec::with_capacity(seqs.len());
    for seq in &seqs {
        views.extend(scope.view(ledger, *seq)?);
    }
    Ok((views, seqs.last().filter(|_| more).map(|seq| seq.0)))
}

fn walk(
    ledger: &Ledger<'_>,
    scope: &Sees<'_>,
    object: Option<Object>,
    (before, limit): (u64, usize),
) -> Result<Walked, StoreError> {
    let seqs: Vec<Seq> = match object {
        Some(object) => ledger.entries_of(connection_of(object), object, Seq(before), limit + 1)?,
        None => (1..before).rev().take(limit + 1).map(Seq).collect(),
    };
    let mut views = Vec::with_capacity(limit);
    for seq in seqs.iter().take(limit) {
        views.extend(scope.view(ledger, *seq)?);
    }
    let more = seqs.len() > limit;
    Ok((views, seqs.get(limit.saturating_sub(1)).filter(|_| more).map(|seq| seq.0)))
}

/// Where records of an object live.
fn connection_of(object: Object) -> ConnectionId {
    if object.is_mirrored() { ConnectionId::TWENTY } else { ConnectionId::HERE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_states_are_told_in_the_words_of_the_api() {
        let change = |field: &str, before: Option<&str>, after: Option<&str>| FieldChange {
            field: field.into(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let told = |object, diff: &[FieldChange]| serde_json::to_string(&changes(object, diff)).unwrap();
        let marked = [
            change("progress", Some("\"Review\""), Some("\"Ready\"")),
            change("attempts", Some("0"), Some("1")),
            change("gift_date", Some("null"), Some("\"2026-11-20\"")),
        ];
        assert_eq!(
            told(Object::GiftStaging, &marked),
            r#"[{"field":"processingStatus","before":"pending","after":"ready_for_process"},{"field":"giftDate","before":null,"after":"2026-11-20"}]"#
        );
        let gift = r#""00000000-0000-0000-0000-000000000001""#;
        let sent = [
            change("progress.Posted", None, Some(&format!(r#"{{"gift":{gift},"at":1}}"#))),
            change("progress.Sending", Some(&format!(r#"{{"run":{gift},"gift":{gift}}}"#)), None),
        ];
        assert_eq!(
            told(Object::GiftStaging, &sent),
            r#"[{"field":"processingStatus","before":"processing","after":"processed"}]"#
        );
        let confirmed = [
            change("externalId", None, Some("\"\"")),
            change("refundedAmount", None, Some(r#"{"amountMicros":null}"#)),
            change("updatedAt", None, Some("\"x\"")),
            change("name", Some("\"a\""), Some("\"b\"")),
        ];
        assert_eq!(told(Object::Gifts, &confirmed), r#"[{"field":"name","before":"a","after":"b"}]"#);
        assert_eq!(
            told(Object::Token, &[change("created_at", Some("null"), Some("0"))]),
            r#"[{"field":"createdAt","before":null,"after":"1970-01-01T00:00:00.000000Z"}]"#
        );
        let ran = [
            change("status", Some("\"Running\""), Some("\"CompletedWithErrors\"")),
            change("tally.processed", Some("0"), Some("4")),
            change("finished_at", Some("null"), Some("5")),
        ];
        assert_eq!(
            told(Object::Run, &ran),
            r#"[{"field":"status","before":"running","after":"completed_with_errors"},{"field":"processed","before":0,"after":4}]"#
        );
        assert_eq!(camel("evidence.first_name"), "evidence.firstName");
    }
}
