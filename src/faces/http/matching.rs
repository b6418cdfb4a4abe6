//! Who may be the same person: duplicates in Twenty's shape, matches with their reasons, and why two records are or are
//! not taken for one. All of it from the mirror and the rows waiting; Twenty is not asked.

mod asks;
pub(super) mod links;
pub(super) mod merges;
pub(super) mod review;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use self::asks::{About, WhyBody, duplicates_asked, read};
use super::Face;
use super::auth::Known;
use super::callers::shape;
use super::params::NoParams;
use super::problem::Problem;
use crate::ground::crm::record_url;
use crate::ground::id::Object;
use crate::ground::matching::decide::{
    Asked, Candidate, Decision, Likelihood, Thresholds, Trust, decide, of_thousandths, probability_of,
    thousandths,
};
use crate::ground::matching::explain::{Explanation, explain};
use crate::ground::matching::learnt::Learnt;
use crate::ground::matching::record::Donor;
use crate::search::{Alike, Judged, Matches, SearchError, Who, trust};
use crate::store::{Ledger, Snapshot};

/// Candidates that are looked at for one question.
const LIMIT: usize = 20;

/// A step of the way from nothing to the weight.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepView {
    /// What was looked at.
    what: &'static str,
    /// What was found.
    found: &'static str,
    /// What the first record says there.
    left: Option<String>,
    /// What the second record says there.
    right: Option<String>,
    /// What it adds; one bit doubles the odds. All steps together are the weight.
    bits: f64,
}

/// A weight taken apart.
#[derive(Debug, Serialize, ToSchema)]
pub struct WeightView {
    /// The odds that both are one person, as a logarithm to base two.
    bits: f64,
    /// The same as a probability.
    probability: f64,
    /// The same in words: `certain`, `very likely`, `possible`, `unlikely`.
    likelihood: &'static str,
    /// How it comes about.
    waterfall: Vec<StepView>,
}

impl WeightView {
    fn new(explanation: &Explanation, left: &Donor, right: &Donor) -> Self {
        let step = |step: &crate::ground::matching::explain::Step| {
            let said = |donor| step.field.map(|field| field.value(donor)).filter(|said| !said.is_empty());
            let bits = of_thousandths(thousandths(step.bits));
            StepView { what: step.what, found: step.found, left: said(left), right: said(right), bits }
        };
        Self {
            bits: of_thousandths(thousandths(explanation.bits)),
            probability: probability_of(explanation.bits),
            likelihood: explanation.likelihood().words(),
            waterfall: explanation.steps.iter().map(step).collect(),
        }
    }
}

/// Somebody who may be meant.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CandidateView {
    /// `person`, or `row` for a gift waiting whose donor is not known.
    kind: &'static str,
    id: String,
    name: Option<String>,
    email: Option<String>,
    city: Option<String>,
    postcode: Option<String>,
    url: Option<String>,
    #[serde(flatten)]
    weight: WeightView,
}

fn present(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn kind_and_id(who: Who) -> (&'static str, String) {
    match who {
        Who::Person(person) => ("person", person.to_string()),
        Who::Row(row) => ("row", row.to_string()),
    }
}

fn name_of(donor: &Donor) -> Option<String> {
    present(format!("{} {}", donor.first, donor.last).trim())
}

impl CandidateView {
    fn new(face: &Face, asked: &Donor, matches: &Matches, alike: &Alike) -> Self {
        let (kind, id) = kind_and_id(alike.who);
        let url = match alike.who {
            Who::Person(person) => record_url(&face.info.twenty_url, Object::People, person.0),
            Who::Row(_) => None,
        };
        let donor = &alike.donor;
        Self {
            kind,
            id,
            name: name_of(donor),
            email: donor.emails.first().cloned(),
            city: present(&donor.town),
            postcode: present(&donor.postcode),
            url,
            weight: WeightView::new(&explain(&matches.learnt.model, &alike.found), asked, donor),
        }
    }
}

/// What follows.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionView {
    /// `auto_linked` (this is what a run would do), `partial_match_review`, `no_match` or `insufficient_identity`.
    outcome: &'static str,
    /// The rule that links, or what is doubtful.
    decided_by: Option<&'static str>,
    /// The same for people.
    text: &'static str,
    /// Who would be linked.
    person_id: Option<String>,
}

impl DecisionView {
    fn new(decision: &Decision<crate::ground::id::PersonId>) -> Self {
        let (outcome, decided_by, text, person) = match decision {
            Decision::Linked(person, rule) => {
                ("auto_linked", Some(rule.word()), rule.words(), Some(person.to_string()))
            }
            Decision::Proposed(_, doubt) => ("partial_match_review", Some(doubt.word()), doubt.words(), None),
            Decision::Nobody => ("no_match", None, "Nobody is like it.", None),
            Decision::TooLittle => {
                ("insufficient_identity", None, "First and last name are needed to look for somebody.", None)
            }
            Decision::Company => {
                ("no_match", Some("company"), "An organisation is never matched with people.", None)
            }
        };
        Self { outcome, decided_by, text, person_id: person }
    }
}

/// `meta` of a match.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MatchMeta {
    as_of: String,
    /// The version of the weights.
    model: String,
    /// Bits from which a person is asked, and from which a match is called certain.
    ask_bits: f64,
    link_bits: f64,
    /// Changes that the candidates do not know of yet; 0 in ordinary times.
    behind: u64,
    /// Why strong matches are not linked without a person.
    strong_matches_off: Option<String>,
}

fn meta(snapshot: &Snapshot, learnt: &Learnt, behind: u64) -> Result<MatchMeta, Problem> {
    let thresholds = Thresholds::default();
    Ok(MatchMeta {
        as_of: snapshot.as_of().to_string(),
        model: learnt.model.version.clone(),
        ask_bits: of_thousandths(thousandths(thresholds.ask)),
        link_bits: of_thousandths(thousandths(thresholds.link)),
        behind,
        strong_matches_off: trust(&snapshot.ledger(), learnt)?.why_off(),
    })
}

/// Who may be meant.
#[derive(Debug, Serialize, ToSchema)]
pub struct MatchAnswer {
    data: MatchData,
    meta: MatchMeta,
}

/// Who may be meant, and what follows.
#[derive(Debug, Serialize, ToSchema)]
pub struct MatchData {
    decision: DecisionView,
    candidates: Vec<CandidateView>,
}

/// Two records compared.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhyAnswer {
    data: WhyData,
    meta: MatchMeta,
}

/// Two records compared, and what decides about them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WhyData {
    #[serde(flatten)]
    weight: WeightView,
    /// Whether the second is among those who are looked at for the first.
    is_candidate: bool,
    /// Which rule or threshold decides, and how.
    verdict: &'static str,
    /// The same in one line, the heaviest first.
    line: String,
}

/// Works on a thread that may wait for the disk.
async fn aside<T: Send + 'static>(
    face: Face,
    known: Known,
    work: impl FnOnce(&Face, &Snapshot) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let worked = tokio::task::spawn_blocking(move || {
        let snapshot = known.snapshot(&face)?;
        work(&face, &snapshot)
    });
    worked.await.map_err(|error| unavailable(&error))?
}

fn unavailable(error: &dyn std::fmt::Display) -> Problem {
    let text = format!("The search is not available just now ({error}). Try again in a moment.");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, text)
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        unavailable(&error)
    }
}

/// People alike to what is told, in Twenty's shape: `data` or `ids`, one or many; or `firstName`, `lastName` and `email` as
/// the old service took them.
#[utoipa::path(post, path = "/api/fundraising/people/duplicates", tag = "Existing callers", request_body = Object,
    responses((status = 200, body = Object), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn duplicates(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let asked = duplicates_asked(&bytes)?;
    let body = aside(face, known, move |face, snapshot| {
        let ledger = snapshot.ledger();
        let mut data = Vec::with_capacity(asked.len());
        let (learnt, mut behind) = (face.search.learnt(&ledger)?, 0);
        for about in &asked {
            let (who, donor) = about.find(&ledger)?;
            let judged = face.search.judge(&ledger, &donor, false, who, LIMIT)?;
            behind = behind.max(judged.matches.behind);
            data.push(duplicates_of(&ledger, &donor, &judged)?);
        }
        let meta = serde_json::to_value(meta(snapshot, &learnt, behind)?).unwrap_or(Value::Null);
        Ok(json!({ "data": data, "meta": meta }).to_string())
    });
    Ok(shape(StatusCode::OK, body.await?))
}

/// People who would be linked or proposed, as Twenty tells them; beside them how likely each is.
fn duplicates_of(ledger: &Ledger<'_>, asked: &Donor, judged: &Judged) -> Result<Value, Problem> {
    let found = match &judged.decision {
        Decision::Linked(..) | Decision::Proposed(..) | Decision::TooLittle => likely(asked, &judged.matches),
        Decision::Nobody | Decision::Company => Vec::new(),
    };
    let (mut records, mut weights) = (Vec::new(), Vec::new());
    for alike in found {
        let Some(record) = ledger.record_of(&alike.who.key())? else { continue };
        records.push(serde_json::from_str(&record.value).unwrap_or(Value::Null));
        weights.push(json!({
            "id": kind_and_id(alike.who).1,
            "bits": of_thousandths(thousandths(alike.bits)),
            "probability": probability_of(alike.bits),
            "likelihood": Likelihood::of(alike.bits).words(),
        }));
    }
    Ok(json!({
        "totalCount": records.len(),
        "pageInfo": { "hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null },
        "personDuplicates": records,
        "personMatches": weights,
    }))
}

/// People whom a person would be asked about: likely enough, or of the same name, or of the same address.
fn likely<'m>(asked: &Donor, matches: &'m Matches) -> Vec<&'m Alike> {
    let same = |one: &str, other: &str| !one.is_empty() && one.to_lowercase() == other.to_lowercase();
    let keeps = |alike: &&Alike| {
        let donor = &alike.donor;
        let name = same(&asked.first, &donor.first) && same(&asked.last, &donor.last);
        let address = asked.emails.iter().any(|one| donor.emails.iter().any(|other| same(one, other)));
        matches!(alike.who, Who::Person(_)) && (alike.bits >= Thresholds::default().ask || name || address)
    };
    matches.alike.iter().filter(keeps).collect()
}

/// Who may be meant by `donor`, by a row (`stagingId`) or by a person (`personId`), each with its waterfall.
#[utoipa::path(post, path = "/api/fundraising/people/match", tag = "Matching", request_body = Object,
    responses((status = 200, body = MatchAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn matches(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    bytes: Bytes,
) -> Result<Json<MatchAnswer>, Problem> {
    let about: About = read(&bytes)?;
    aside(face, known, move |face, snapshot| {
        let ledger = snapshot.ledger();
        let (who, donor) = about.find(&ledger)?;
        let company = about.is_of_company(&ledger)?;
        let judged = face.search.judge(&ledger, &donor, company, who, LIMIT)?;
        let matches = &judged.matches;
        let shown = if company { &[][..] } else { &matches.alike[..] };
        let candidates = shown.iter().map(|alike| CandidateView::new(face, &donor, matches, alike));
        let data =
            MatchData { decision: DecisionView::new(&judged.decision), candidates: candidates.collect() };
        Ok(MatchAnswer { data, meta: meta(snapshot, &matches.learnt, matches.behind)? })
    })
    .await
    .map(Json)
}

/// Why two records, `left` and `right`, are or are not taken for one person. Each is a `personId`, a `stagingId` or a
/// `donor`.
#[utoipa::path(post, path = "/api/fundraising/people/why", tag = "Matching", request_body = Object,
    responses((status = 200, body = WhyAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn why(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    bytes: Bytes,
) -> Result<Json<WhyAnswer>, Problem> {
    let body: WhyBody = read(&bytes)?;
    aside(face, known, move |face, snapshot| {
        let ledger = snapshot.ledger();
        let ((left_who, left), (right_who, right)) = (body.left.find(&ledger)?, body.right.find(&ledger)?);
        let (found, learnt) = face.search.compared(&ledger, &left, &right)?;
        let among = face.search.alike(&ledger, &left, left_who, LIMIT)?;
        let is_candidate = right_who.is_some_and(|who| among.alike.iter().any(|alike| alike.who == who));
        let explanation = explain(&learnt.model, &found);
        let data = WhyData {
            verdict: verdict(&left, &right, explanation.bits),
            is_candidate,
            line: explanation.line(Thresholds::default()),
            weight: WeightView::new(&explanation, &left, &right),
        };
        Ok(WhyAnswer { data, meta: meta(snapshot, &learnt, among.behind)? })
    })
    .await
    .map(Json)
}

/// What would be done with the first if the second were the only one there is.
fn verdict(left: &Donor, right: &Donor, bits: f64) -> &'static str {
    let email = left.emails.first().map_or("", String::as_str);
    let asked = Asked { first: &left.first, last: &left.last, email, company: false };
    let other = Candidate { id: 0u8, first: &right.first, last: &right.last, emails: &right.emails, bits };
    match decide(&asked, &[other], Thresholds::default(), Trust::NONE) {
        Decision::Linked(_, rule) => rule.words(),
        Decision::Proposed(_, doubt) => doubt.words(),
        Decision::TooLittle => {
            "First and last name are needed: nothing is linked or proposed without a person."
        }
        Decision::Nobody | Decision::Company => {
            "The weight is below the threshold for questions: nobody would be asked about these two."
        }
    }
}
