//! Links between records of one person: made, listed, undone; and what people said about two records.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::auth::Known;
use super::super::journal::who_name;
use super::super::params::{NoParams, Params, cursor};
use super::super::problem::Problem;
use super::super::wire::ListMeta;
use super::super::{Face, known_id};
use super::asks::read;
use super::{aside, name_of};
use crate::desk::links::Saying;
use crate::ground::id::{ConnectionId, Object, PersonId, StagedId};
use crate::ground::journal::SubjectState;
use crate::ground::links::{Link, LinkState, Said, Verdict, Who};
use crate::ground::matching::decide::{Likelihood, of_thousandths, thousandths};
use crate::store::{Ledger, StoreError};

/// A record by its id.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndView {
    /// `person`, or `row` for a gift waiting.
    kind: &'static str,
    id: String,
    name: Option<String>,
}

impl EndView {
    pub(super) fn of(ledger: &Ledger<'_>, who: Who) -> Result<Self, StoreError> {
        let (kind, id) = super::kind_and_id(who);
        Ok(Self { kind, id, name: ledger.donor_of(who)?.as_ref().and_then(name_of) })
    }
}

/// A link.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonLinkView {
    id: String,
    /// The record that leads to the other one.
    joined: EndView,
    /// The person both stand for.
    kept: EndView,
    /// `person`, or the rule by which a run made it.
    rule: String,
    /// `made`, `undone` or `merged`.
    state: &'static str,
    /// Gifts waiting whose donor it changed.
    rows: usize,
    who: String,
    at: String,
    /// Who undid it, and when.
    undone_by: Option<String>,
    undone_at: Option<String>,
    /// What the undo left as it is.
    conflicts: Vec<LinkConflict>,
}

/// A gift that an undo left as it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkConflict {
    row_id: String,
    /// Why.
    text: String,
}

impl PersonLinkView {
    pub(in super::super) fn of(ledger: &Ledger<'_>, link: &Link) -> Result<Self, StoreError> {
        let (by, at, conflicts) = match &link.state {
            LinkState::Undone { by, at, kept } => {
                let conflict = |kept: &crate::ground::links::Kept| LinkConflict {
                    row_id: kept.row.to_string(),
                    text: kept.why.clone(),
                };
                (Some(who_name(ledger, by)?), Some(at.to_string()), kept.iter().map(conflict).collect())
            }
            LinkState::Made | LinkState::Merged => (None, None, Vec::new()),
        };
        Ok(Self {
            id: link.id.to_string(),
            joined: EndView::of(ledger, link.joined)?,
            kept: EndView::of(ledger, Who::Person(link.kept))?,
            rule: link.rule.clone(),
            state: link.state.word(),
            rows: link.rows.len(),
            who: who_name(ledger, &link.by)?,
            at: link.at.to_string(),
            undone_by: by,
            undone_at: at,
            conflicts,
        })
    }
}

/// Links, the newest change first.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkList {
    data: Vec<PersonLinkView>,
    meta: ListMeta,
}

/// One link.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkAnswer {
    data: PersonLinkView,
}

/// A record: exactly one of the two.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EndBody {
    person_id: Option<String>,
    staging_id: Option<String>,
}

impl EndBody {
    fn who(&self) -> Result<Who, Problem> {
        match (&self.person_id, &self.staging_id) {
            (Some(id), None) => known_id::<PersonId>(id, "donor").map(Who::Person),
            (None, Some(id)) => known_id::<StagedId>(id, "gift").map(Who::Row),
            _ => Err(Problem::field("", "Name exactly one of personId and stagingId.")),
        }
    }
}

/// A link to make.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LinkBody {
    /// The person both stand for.
    kept_id: String,
    /// The record that leads to them.
    joined: EndBody,
}

/// Links between records of one person, those made by runs too. `personId` tells of one person's alone.
#[utoipa::path(get, path = "/api/fundraising/people/links", tag = "Matching", params(("limit" = Option<String>, Query), ("cursor" = Option<String>, Query), ("personId" = Option<String>, Query)),
    responses((status = 200, body = LinkList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in super::super) async fn links(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Json<LinkList>, Problem> {
    params.only(&["limit", "cursor", "personId"])?;
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let (found, next): (Vec<Link>, _) = if let Some(id) = params.get("personId") {
        let person = known_id::<PersonId>(id, "donor")?;
        let mut links = ledger.links_of(Who::Person(person))?;
        links.sort_by_key(|link| std::cmp::Reverse(link.seq));
        (links.into_iter().map(|link| link.value).collect(), None)
    } else {
        let (here, after, limit) = (ConnectionId::HERE, params.cursor()?, params.limit()?);
        let page = ledger.newest(here, Object::Link, SubjectState::Live, after.as_deref(), limit)?;
        let read = page.items.iter().filter_map(|record| serde_json::from_str(&record.value).ok());
        (read.collect(), page.next)
    };
    let data = found.iter().map(|link| PersonLinkView::of(&ledger, link)).collect::<Result<_, _>>()?;
    let next_cursor = next.as_deref().map(cursor);
    let as_of = snapshot.as_of().to_string();
    let meta = ListMeta { has_more: next_cursor.is_some(), next_cursor, total: None, as_of, freshness: None };
    Ok(Json(LinkList { data, meta }))
}

fn link_answer(face: &Face, known: &Known, id: Uuid) -> Result<Json<LinkAnswer>, Problem> {
    let snapshot = known.snapshot(face)?;
    let ledger = snapshot.ledger();
    let link = ledger.link(id)?.ok_or_else(|| Problem::not_found("link"))?;
    Ok(Json(LinkAnswer { data: PersonLinkView::of(&ledger, &link.value)? }))
}

/// Links a record to the person it stands for: gifts waiting under it are that person's from now on, and its id leads to
/// them. Nothing is sent to Twenty.
#[utoipa::path(post, path = "/api/fundraising/people/links", tag = "Matching", request_body = LinkBody,
    responses((status = 200, body = LinkAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn make_link(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    bytes: Bytes,
) -> Result<Json<LinkAnswer>, Problem> {
    let body: LinkBody = read(&bytes)?;
    let (kept, joined) = (known_id::<PersonId>(&body.kept_id, "donor")?, body.joined.who()?);
    let id = face.desk.link(&known.asked, joined, kept).await?;
    link_answer(&face, &known, id)
}

/// Undoes a link, whatever was edited since. What cannot be put back is told in `conflicts`.
#[utoipa::path(post, path = "/api/fundraising/people/links/{id}/undo", tag = "Matching", params(("id" = String, Path)),
    responses((status = 200, body = LinkAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn undo_link(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
) -> Result<Json<LinkAnswer>, Problem> {
    let id = known_id(&id, "link")?;
    face.desk.unlink(&known.asked, id).await?;
    link_answer(&face, &known, id)
}

/// What somebody said about two records.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerdictView {
    id: String,
    left: EndView,
    right: EndView,
    /// `same`, `different`, `unsure`, or `open` when it was taken back.
    said: &'static str,
    /// Whether it holds: both records read as they did.
    holds: bool,
    /// Why it holds no longer.
    expired: Option<String>,
    /// What the comparison was worth then.
    bits: f64,
    likelihood: &'static str,
    /// The version of the weights then.
    model: String,
    /// Whether the weight was hidden from whoever decided.
    blind: bool,
    /// The link that was made with it.
    link_id: Option<String>,
    who: String,
    at: String,
}

impl VerdictView {
    pub(super) fn of(ledger: &Ledger<'_>, verdict: &Verdict) -> Result<Self, StoreError> {
        let expired = ledger.expired(verdict)?;
        let bits = of_thousandths(verdict.bits);
        Ok(Self {
            id: verdict.id.to_string(),
            left: EndView::of(ledger, verdict.left)?,
            right: EndView::of(ledger, verdict.right)?,
            said: verdict.said.word(),
            holds: expired.is_none() && verdict.said != Said::Open,
            expired,
            bits,
            likelihood: Likelihood::of(bits).words(),
            model: verdict.model.clone(),
            blind: verdict.blind,
            link_id: verdict.link.map(|id| id.to_string()),
            who: who_name(ledger, &verdict.by)?,
            at: verdict.at.to_string(),
        })
    }
}

/// One verdict.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerdictAnswer {
    data: VerdictView,
}

/// What is said about two records.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerdictBody {
    left: EndBody,
    right: EndBody,
    /// `same`, `different`, `unsure`, or `open` to take back what was said.
    said: String,
    /// With `same`: the person who stays; the two are linked. Without it nothing is linked.
    #[serde(default)]
    keep: Option<String>,
    /// Whether the weight was hidden from whoever decides.
    #[serde(default)]
    blind: bool,
}

/// Keeps what somebody says about two records: "not a duplicate" holds until one of them reads otherwise.
#[utoipa::path(post, path = "/api/fundraising/people/verdicts", tag = "Matching", request_body = VerdictBody,
    responses((status = 200, body = VerdictAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn say(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    bytes: Bytes,
) -> Result<Json<VerdictAnswer>, Problem> {
    let body: VerdictBody = read(&bytes)?;
    let said = Said::from_word(&body.said)
        .ok_or_else(|| Problem::field("said", "Say same, different, unsure or open."))?;
    let keep = body.keep.as_deref().map(|id| known_id::<PersonId>(id, "donor")).transpose()?;
    let (one, other) = (body.left.who()?, body.right.who()?);
    let weight = aside(face.clone(), known.clone(), move |face, snapshot| {
        let ledger = snapshot.ledger();
        let known = |who| ledger.donor_of(who)?.ok_or_else(|| Problem::not_found("record"));
        let (left, right) = (known(one)?, known(other)?);
        let (found, learnt) = face.search.compared(&ledger, &left, &right)?;
        Ok((thousandths(learnt.model.weigh(&found).bits()), learnt.model.version.clone()))
    })
    .await?;
    let saying = Saying { one, other, said, keep, blind: body.blind, weight };
    face.desk.say(&known.asked, saying).await?;
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let verdict = ledger.verdict(one, other)?.ok_or_else(|| Problem::not_found("decision"))?;
    Ok(Json(VerdictAnswer { data: VerdictView::of(&ledger, &verdict.value)? }))
}

/// Decisions, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerdictList {
    data: Vec<VerdictView>,
    meta: ListMeta,
}

/// What people said about pairs of records, and whether it holds. `personId` tells of one person's alone.
#[utoipa::path(get, path = "/api/fundraising/people/verdicts", tag = "Matching", params(("limit" = Option<String>, Query), ("cursor" = Option<String>, Query), ("personId" = Option<String>, Query)),
    responses((status = 200, body = VerdictList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in super::super) async fn verdicts(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Json<VerdictList>, Problem> {
    params.only(&["limit", "cursor", "personId"])?;
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    let (found, next): (Vec<Verdict>, _) = if let Some(id) = params.get("personId") {
        let mut found = ledger.verdicts_of(Who::Person(known_id::<PersonId>(id, "donor")?))?;
        found.sort_by_key(|verdict| std::cmp::Reverse(verdict.seq));
        (found.into_iter().map(|verdict| verdict.value).collect(), None)
    } else {
        let (here, after, limit) = (ConnectionId::HERE, params.cursor()?, params.limit()?);
        let page = ledger.newest(here, Object::Verdict, SubjectState::Live, after.as_deref(), limit)?;
        let read = page.items.iter().filter_map(|record| serde_json::from_str(&record.value).ok());
        (read.collect(), page.next)
    };
    let data = found.iter().map(|verdict| VerdictView::of(&ledger, verdict)).collect::<Result<_, _>>()?;
    let next_cursor = next.as_deref().map(cursor);
    let as_of = snapshot.as_of().to_string();
    let meta = ListMeta { has_more: next_cursor.is_some(), next_cursor, total: None, as_of, freshness: None };
    Ok(Json(VerdictList { data, meta }))
}

/// How people's decisions and the weights agree.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Agreement {
    /// Pairs that somebody decided: one person or two.
    decided: u64,
    /// Those where the weight said the same: likelier than not for one person, else for two.
    agreed: u64,
    /// Of `decided`, those where the weight was hidden.
    blind: u64,
    blind_agreed: u64,
    unsure: u64,
    /// Decisions that hold no longer, since a record changed.
    expired: u64,
    by_likelihood: Vec<AgreementLine>,
}

/// The same for one word.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgreementLine {
    likelihood: &'static str,
    same: u64,
    different: u64,
    unsure: u64,
}

/// Agreement in its envelope.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgreementAnswer {
    data: Agreement,
}

fn agreement(ledger: &Ledger<'_>) -> Result<Agreement, StoreError> {
    let words = [Likelihood::Certain, Likelihood::VeryLikely, Likelihood::Possible, Likelihood::Unlikely];
    let line =
        |word: Likelihood| AgreementLine { likelihood: word.words(), same: 0, different: 0, unsure: 0 };
    let mut told = Agreement { by_likelihood: words.map(line).into(), ..Agreement::default() };
    for record in ledger.all_here::<Verdict>("verdict", Object::Verdict)? {
        let verdict = record.value;
        if verdict.said == Said::Open {
            continue;
        }
        let bits = of_thousandths(verdict.bits);
        let at = words.iter().position(|word| *word == Likelihood::of(bits)).unwrap_or(words.len() - 1);
        let line = &mut told.by_likelihood[at];
        told.expired += u64::from(ledger.expired(&verdict)?.is_some());
        let same = match verdict.said {
            Said::Same => true,
            Said::Different => false,
            Said::Unsure | Said::Open => {
                line.unsure += 1;
                told.unsure += 1;
                continue;
            }
        };
        line.same += u64::from(same);
        line.different += u64::from(!same);
        let agrees = u64::from((verdict.bits > 0) == same);
        told.decided += 1;
        told.agreed += agrees;
        if verdict.blind {
            told.blind += 1;
            told.blind_agreed += agrees;
        }
    }
    Ok(told)
}

/// How people's decisions about pairs and the weights agree.
#[utoipa::path(get, path = "/api/fundraising/people/agreement", tag = "Matching",
    responses((status = 200, body = AgreementAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn agreed(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
) -> Result<Json<AgreementAnswer>, Problem> {
    let data = aside(face, known, |_, snapshot| Ok(agreement(&snapshot.ledger())?)).await?;
    Ok(Json(AgreementAnswer { data }))
}
