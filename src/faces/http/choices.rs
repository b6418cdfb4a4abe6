//! What a gift can be booked to, found by name as one types: organisations, appeals, sources, funds, opportunities,
//! payouts, agreements.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Face;
use super::auth::Known;
use super::params::Params;
use super::problem::Problem;
use super::wire::{FreshnessView, MoneyView};
use crate::ground::crm::{AgreementRecord, Labelled, record_url};
use crate::ground::id::{ConnectionId, Object};
use crate::ground::journal::SubjectState;
use crate::store::{Ledger, Snapshot, StoreError};

/// What can be chosen here.
const CHOICES: [Object; 7] = [
    Object::Companies,
    Object::Appeals,
    Object::AppealSources,
    Object::Funds,
    Object::Opportunities,
    Object::GiftPayouts,
    Object::RecurringAgreements,
];
/// Records of an object that are looked through at most; beyond that the newest changes count.
const RECORDS_MAX: usize = 50_000;
/// Records read at once.
const PAGE: usize = 1_000;

/// Records that fit.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChoiceList {
    data: Vec<ChoiceView>,
    meta: ChoiceMeta,
}

/// `meta` of a list of choices.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChoiceMeta {
    as_of: String,
    freshness: FreshnessView,
}

/// One record that can be chosen.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChoiceView {
    id: String,
    /// Its name or title; none when it has neither.
    name: Option<String>,
    /// Its code, where it has one.
    code: Option<String>,
    /// Its state in Twenty's own word, where it has one.
    status: Option<String>,
    /// What was agreed, of a regular gift.
    amount: Option<MoneyView>,
    url: Option<String>,
}

/// What is kept of a record to find it by.
struct Choice {
    id: Uuid,
    name: Option<String>,
    /// Name and code in lower case.
    found_by: String,
    hints: Hints,
    amount: Option<MoneyView>,
}

/// Fields that tell records of one name apart.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Hints {
    code: Option<String>,
    source_code: Option<String>,
    status: Option<String>,
    stage: Option<String>,
    is_active: Option<bool>,
    appeal_id: Option<Uuid>,
    person_id: Option<Uuid>,
}

fn choice(id: Uuid, object: Object, json: &str) -> Choice {
    let name = serde_json::from_str::<Labelled>(json).ok().and_then(Labelled::label);
    // A record of another shape has no hints; it can still be found by its name.
    let hints = serde_json::from_str::<Hints>(json).unwrap_or_default();
    let code = hints.code.as_deref().or(hints.source_code.as_deref()).unwrap_or_default();
    let found_by = format!("{} {code}", name.as_deref().unwrap_or_default()).to_lowercase();
    let agreement =
        (object == Object::RecurringAgreements).then(|| serde_json::from_str::<AgreementRecord>(json));
    let amount = agreement.and_then(Result::ok).and_then(|agreement| agreement.agreed()).map(MoneyView::from);
    Choice { id, name, found_by, hints, amount }
}

fn all(ledger: &Ledger<'_>, object: Object) -> Result<Vec<Choice>, StoreError> {
    let mut choices = Vec::new();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = ledger.newest(ConnectionId::TWENTY, object, SubjectState::Live, after.as_deref(), PAGE)?;
        for record in page.items {
            choices.extend(record.key.uuid().map(|id| choice(id, object, &record.value)));
        }
        after = page.next;
        if after.is_none() || choices.len() >= RECORDS_MAX {
            choices.sort_by(|a, b| a.found_by.cmp(&b.found_by));
            return Ok(choices);
        }
    }
}

/// Those that hold every word of what was typed; a fund that is not in use any more is not offered.
fn fitting<'c>(choices: &'c [Choice], text: &str, of: Option<Uuid>, limit: usize) -> Vec<&'c Choice> {
    let words: Vec<String> = text.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let fits = |choice: &&Choice| {
        let belongs =
            of.is_none_or(|of| choice.hints.appeal_id == Some(of) || choice.hints.person_id == Some(of));
        belongs
            && choice.hints.is_active != Some(false)
            && words.iter().all(|word| choice.found_by.contains(word.as_str()))
    };
    choices.iter().filter(fits).take(limit).collect()
}

/// Records of one kind by parts of their name or code; `of` narrows sources to an appeal and agreements to a person.
#[utoipa::path(get, path = "/api/choices/{object}", tag = "Mirror", params(("object" = String, Path), ("q" = Option<String>, Query), ("of" = Option<String>, Query), ("limit" = Option<String>, Query)),
    responses((status = 200, body = ChoiceList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn choices(
    State(face): State<Face>,
    known: Known,
    Path(object): Path<String>,
    params: Params,
) -> Result<Json<ChoiceList>, Problem> {
    params.only(&["q", "of", "limit"])?;
    let object = Object::from_word(&object).filter(|object| CHOICES.contains(object));
    let object = object.ok_or_else(|| Problem::not_found("list of choices"))?;
    let of = params.parsed("of", |text| text.parse::<Uuid>().ok())?;
    let (text, limit) = (params.get("q").unwrap_or_default().to_owned(), params.limit()?);
    // Reading all of a large object anew takes long enough to hold up other requests.
    let (store, viewer) = (face.desk.store.clone(), known.viewer.clone());
    let read = tokio::task::spawn_blocking(move || {
        let snapshot = Snapshot::for_viewer(&store, &viewer)?;
        let choices =
            snapshot.memo("choices", &object.number().to_be_bytes(), |ledger| all(ledger, object))?;
        Ok::<_, StoreError>((snapshot.as_of(), choices))
    });
    let unavailable = |error: &dyn std::fmt::Display| {
        let text = format!("The list is not available just now ({error}). Try again in a moment.");
        Problem::new(http::StatusCode::SERVICE_UNAVAILABLE, text)
    };
    let (as_of, choices) = read.await.map_err(|error| unavailable(&error))??;
    let view = |choice: &Choice| ChoiceView {
        id: choice.id.to_string(),
        name: choice.name.clone(),
        code: choice.hints.code.clone().or_else(|| choice.hints.source_code.clone()),
        status: choice.hints.status.clone().or_else(|| choice.hints.stage.clone()),
        amount: choice.amount,
        url: record_url(&face.info.twenty_url, object, choice.id),
    };
    let data = fitting(&choices, &text, of, limit).into_iter().map(view).collect();
    let freshness = FreshnessView::of(&known.snapshot(&face)?.ledger(), &face, object)?;
    Ok(Json(ChoiceList { data, meta: ChoiceMeta { as_of: as_of.to_string(), freshness } }))
}
