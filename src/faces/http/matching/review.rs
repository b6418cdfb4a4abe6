//! The queue of duplicates: pairs that a person should decide, the dearest and least certain first, and two records side by
//! side with all that tells them apart.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::auth::Known;
use super::super::donor::{DonorGift, GivingView, giving};
use super::super::params::Params;
use super::super::problem::Problem;
use super::super::wire::MoneyView;
use super::super::{Face, known_id};
use super::links::{PersonLinkView, VerdictView};
use super::{WeightView, aside, name_of, present};
use crate::ground::crm::record_url;
use crate::ground::groups::{Bond, Finding, Group};
use crate::ground::id::{ConnectionId, Object, PersonId};
use crate::ground::journal::SubjectState;
use crate::ground::links::Who;
use crate::ground::matching::decide::{Likelihood, Thresholds, of_thousandths, openness, probability_of};
use crate::ground::matching::explain::explain;
use crate::ground::matching::normalize::fold;
use crate::ground::matching::record::Donor;
use crate::ground::money::{Money, Totals};
use crate::ground::time::Instant;
use crate::store::{Giving, Ledger, Snapshot, StoreError};

/// Gifts of each that are told beside the records.
const GIFTS: usize = 5;
/// How often the figures of gifts are read on before the queue is told without them.
const LOOKS: usize = 200;

/// A pair that a person should decide.
#[derive(Clone, Debug)]
struct Item {
    bond: Bond,
    group: Uuid,
    size: usize,
    weakest: bool,
    bridge: bool,
    at_risk: Option<Money>,
    risk: i128,
}

/// One of two people in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct PairPerson {
    id: String,
    name: Option<String>,
    email: Option<String>,
    city: Option<String>,
    postcode: Option<String>,
}

/// A pair that a person should decide.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PairItem {
    left: PairPerson,
    right: PairPerson,
    group_id: String,
    /// People in the group.
    group_size: usize,
    /// Whether it is the pair that holds its group together least.
    weakest: bool,
    /// Whether it would join two big groups: nothing but a person does that.
    bridge: bool,
    /// What would go to the wrong person: the smaller of what both gave.
    at_risk: Option<MoneyView>,
    /// Left out in blind mode.
    bits: Option<f64>,
    likelihood: Option<&'static str>,
}

/// How far the search for duplicates is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchProgress {
    /// Whether everybody was looked at with the present weights.
    complete: bool,
    looked_at: u64,
    people: u64,
    /// The version of the weights.
    model: String,
}

impl SearchProgress {
    fn new(finding: &Finding, people: u64) -> Self {
        Self {
            complete: finding.complete_at.is_some(),
            looked_at: finding.looked_at.min(people),
            people,
            model: finding.model.clone(),
        }
    }
}

/// `meta` of the queue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PairsMeta {
    as_of: String,
    /// Pairs that wait for a decision, and the groups they are in.
    total: usize,
    groups: usize,
    has_more: bool,
    finding: SearchProgress,
}

/// The queue of duplicates.
#[derive(Debug, Serialize, ToSchema)]
pub struct PairList {
    data: Vec<PairItem>,
    meta: PairsMeta,
}

/// The smaller of what two gave, in the currency where that is most.
fn at_risk(giving: &Giving, bond: &Bond) -> Option<Money> {
    let sums = |person| -> Totals { giving.given_by(person).0 };
    let (left, right) = (sums(bond.left), sums(bond.right));
    let both = left.iter().filter_map(|(currency, total)| {
        let other = right.iter().find(|(other, _)| *other == currency)?.1;
        let micros = i64::try_from(total.micros.min(other.micros)).ok().filter(|micros| *micros > 0)?;
        Some(Money { micros, currency })
    });
    both.max_by_key(|money| money.micros)
}

/// What is left to decide, the dearest and least certain first. Amounts of different currencies are put in order by their
/// figures alone: it is an order, not a sum.
fn queue(face: &Face, snapshot: &Snapshot) -> Result<Vec<Item>, Problem> {
    let ledger = snapshot.ledger();
    let mut items = Vec::new();
    for record in ledger.all_here::<Group>("group of duplicates", Object::Group)? {
        let group = record.value;
        let inner = group.bonds.iter().map(|bond| (*bond, false));
        let outer = group.doubts.iter().map(|doubt| (doubt.bond, doubt.bridge));
        for (bond, bridge) in inner.chain(outer) {
            if is_decided(&ledger, &bond)? {
                continue;
            }
            let weakest = group.weakest == Some(bond.pair());
            let (group, size) = (group.id, group.members.len());
            items.push(Item { bond, group, size, weakest, bridge, at_risk: None, risk: 0 });
        }
    }
    for _ in 0..LOOKS {
        let told = face.giving.look(&ledger, |giving| {
            for item in &mut items {
                item.at_risk = at_risk(giving, &item.bond);
            }
        })?;
        if told.is_some() {
            break;
        }
    }
    for item in &mut items {
        let micros = item.at_risk.map_or(0, |money| i128::from(money.micros));
        // One unit more, so that pairs without gifts are in order too.
        item.risk = (micros + 1_000_000) * i128::from(openness(item.bond.bits).max(1));
    }
    items.sort_by_key(|item| (std::cmp::Reverse(item.risk), item.bond.pair()));
    // A pair between two groups stands in both.
    let mut seen = BTreeSet::new();
    items.retain(|item| seen.insert(item.bond.pair()));
    Ok(items)
}

/// Whether somebody decided about a pair and that holds, or the two are linked.
fn is_decided(ledger: &Ledger<'_>, bond: &Bond) -> Result<bool, StoreError> {
    let (left, right) = (Who::Person(bond.left), Who::Person(bond.right));
    if ledger.said(left, right)?.is_some() {
        return Ok(true);
    }
    Ok(ledger.stands_for(bond.left)? == ledger.stands_for(bond.right)?)
}

fn person(ledger: &Ledger<'_>, id: PersonId) -> Result<PairPerson, StoreError> {
    let donor = ledger.donor_of(Who::Person(id))?.unwrap_or_default();
    Ok(PairPerson {
        id: id.to_string(),
        name: name_of(&donor),
        email: donor.emails.first().cloned(),
        city: present(&donor.town),
        postcode: present(&donor.postcode),
    })
}

fn people(ledger: &Ledger<'_>) -> Result<u64, StoreError> {
    ledger.object_count(ConnectionId::TWENTY, Object::People, SubjectState::Live)
}

/// Pairs of people that may be one, the dearest and least certain first. `blind=true` leaves out how likely each is.
#[utoipa::path(get, path = "/api/fundraising/people/duplicates", tag = "Matching", params(("limit" = Option<String>, Query), ("blind" = Option<String>, Query)),
    responses((status = 200, body = PairList), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn pairs(
    State(face): State<Face>,
    known: Known,
    params: Params,
) -> Result<Json<PairList>, Problem> {
    params.only(&["limit", "blind"])?;
    let (limit, blind) = (params.limit()?, blind(&params)?);
    aside(face, known, move |face, snapshot| {
        let ledger = snapshot.ledger();
        let items = queue(face, snapshot)?;
        let groups: BTreeSet<Uuid> = items.iter().map(|item| item.group).collect();
        let mut data = Vec::with_capacity(limit.min(items.len()));
        for item in items.iter().take(limit) {
            let bits = of_thousandths(item.bond.bits);
            data.push(PairItem {
                left: person(&ledger, item.bond.left)?,
                right: person(&ledger, item.bond.right)?,
                group_id: item.group.to_string(),
                group_size: item.size,
                weakest: item.weakest,
                bridge: item.bridge,
                at_risk: item.at_risk.map(MoneyView::from),
                bits: (!blind).then_some(bits),
                likelihood: (!blind).then(|| Likelihood::of(bits).words()),
            });
        }
        let meta = PairsMeta {
            as_of: snapshot.as_of().to_string(),
            total: items.len(),
            groups: groups.len(),
            has_more: items.len() > data.len(),
            finding: SearchProgress::new(&ledger.finding()?, people(&ledger)?),
        };
        Ok(PairList { data, meta })
    })
    .await
    .map(Json)
}

fn blind(params: &Params) -> Result<bool, Problem> {
    Ok(params.parsed("blind", |text| text.parse().ok())?.unwrap_or(false))
}

/// One of two records, with what belongs to it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SidePerson {
    #[serde(flatten)]
    person: PairPerson,
    url: Option<String>,
    created_at: Option<String>,
    giving: GivingView,
    /// The newest gifts.
    gifts: Vec<DonorGift>,
    /// Gifts waiting that name this record.
    waiting: usize,
}

/// A field of both.
#[derive(Debug, Serialize, ToSchema)]
pub struct SideField {
    label: &'static str,
    left: Option<String>,
    right: Option<String>,
    /// `same`, `different`, or `missing` where one says nothing.
    found: &'static str,
}

/// Two records side by side.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PairView {
    left: SidePerson,
    right: SidePerson,
    fields: Vec<SideField>,
    /// The one with more gifts, else the older one: who would stay.
    keep: String,
    /// Left out in blind mode, until somebody decided.
    weight: Option<WeightView>,
    line: Option<String>,
    group: Option<PairGroup>,
    /// What was said about the two.
    verdict: Option<VerdictView>,
    /// The link between the two, if there is one.
    link: Option<PersonLinkView>,
}

/// The group that a pair is in.
#[derive(Debug, Serialize, ToSchema)]
pub struct PairGroup {
    id: String,
    members: Vec<PairPerson>,
    /// Whether the pair holds it together least.
    weakest: bool,
    /// The chance, of everybody in it, that the weakest pair is one person.
    probability: Option<f64>,
}

/// Two records side by side, in their envelope.
#[derive(Debug, Serialize, ToSchema)]
pub struct PairAnswer {
    data: PairView,
}

fn fields(left: &Donor, right: &Donor) -> Vec<SideField> {
    let list = |texts: &[String]| texts.join(", ");
    let lines = [
        ("First name", left.first.clone(), right.first.clone()),
        ("Last name", left.last.clone(), right.last.clone()),
        ("E-mail", list(&left.emails), list(&right.emails)),
        ("Telephone", list(&left.phones), list(&right.phones)),
        ("Date of birth", left.birth.clone(), right.birth.clone()),
        ("Street", left.street.clone(), right.street.clone()),
        ("Address, second line", left.extra.clone(), right.extra.clone()),
        ("Town", left.town.clone(), right.town.clone()),
        ("Postcode", left.postcode.clone(), right.postcode.clone()),
        ("County", left.region.clone(), right.region.clone()),
    ];
    let kept = lines.into_iter().filter(|(_, left, right)| !left.is_empty() || !right.is_empty());
    let field = |(label, left, right): (&'static str, String, String)| {
        let found = if left.is_empty() || right.is_empty() {
            "missing"
        } else if fold(&left) == fold(&right) {
            "same"
        } else {
            "different"
        };
        SideField { label, left: present(&left), right: present(&right), found }
    };
    kept.map(field).collect()
}

/// When Twenty made a record.
fn created(ledger: &Ledger<'_>, id: PersonId) -> Result<Option<Instant>, StoreError> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Made {
        created_at: Option<String>,
    }
    let record = ledger.record_of(&Who::Person(id).key())?;
    let made = record.and_then(|record| serde_json::from_str::<Made>(&record.value).ok());
    Ok(made.and_then(|made| made.created_at?.parse().ok()))
}

fn side(ledger: &Ledger<'_>, face: &Face, id: PersonId) -> Result<SidePerson, StoreError> {
    let (giving, mut gifts) = giving(ledger, face, &[id])?;
    gifts.truncate(GIFTS);
    let waiting = ledger.staged_rows_of(id)?.iter().filter(|row| row.value.can_edit()).count();
    Ok(SidePerson {
        person: person(ledger, id)?,
        url: record_url(&face.info.twenty_url, Object::People, id.0),
        created_at: created(ledger, id)?.map(|at| at.to_string()),
        giving,
        gifts,
        waiting,
    })
}

fn group_of(
    ledger: &Ledger<'_>,
    pair: (PersonId, PersonId),
    blind: bool,
) -> Result<Option<PairGroup>, StoreError> {
    let Some(group) = ledger.groups_of(pair.0)?.into_iter().next().map(|record| record.value) else {
        return Ok(None);
    };
    let weakest = group.bonds.iter().find(|bond| group.weakest == Some(bond.pair()));
    Ok(Some(PairGroup {
        id: group.id.to_string(),
        members: group.members.iter().map(|id| person(ledger, *id)).collect::<Result<_, _>>()?,
        weakest: group.weakest == Some(pair),
        probability: weakest.filter(|_| !blind).map(|bond| probability_of(of_thousandths(bond.bits))),
    }))
}

/// Two people side by side: what is the same and what is not, what they gave, how likely they are one person and why.
/// `blind=true` leaves that out until somebody decided.
#[utoipa::path(get, path = "/api/fundraising/people/duplicates/{left}/{right}", tag = "Matching", params(("left" = String, Path), ("right" = String, Path), ("blind" = Option<String>, Query)),
    responses((status = 200, body = PairAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn pair(
    State(face): State<Face>,
    known: Known,
    Path((left, right)): Path<(String, String)>,
    params: Params,
) -> Result<Json<PairAnswer>, Problem> {
    params.only(&["blind"])?;
    let blind = blind(&params)?;
    let (left, right): (PersonId, PersonId) = (known_id(&left, "donor")?, known_id(&right, "donor")?);
    aside(face, known, move |face, snapshot| {
        let ledger = snapshot.ledger();
        let known = |id| ledger.donor_of(Who::Person(id))?.ok_or_else(|| Problem::not_found("donor"));
        let (one, other) = (known(left)?, known(right)?);
        let verdict = ledger.verdict(Who::Person(left), Who::Person(right))?.map(|record| record.value);
        let decided = ledger.said(Who::Person(left), Who::Person(right))?.is_some();
        let hidden = blind && !decided;
        let (found, learnt) = face.search.compared(&ledger, &one, &other)?;
        let explanation = explain(&learnt.model, &found);
        let bond = Bond::new(left, right, 0);
        let links = ledger.links_of(Who::Person(left))?.into_iter().map(|record| record.value);
        let between = |link: &crate::ground::links::Link| {
            let joined = link.joined;
            let pair = [(Who::Person(left), right), (Who::Person(right), left)];
            pair.contains(&(joined, link.kept)) && link.state.word() != "undone"
        };
        let link = links.into_iter().find(between);
        let (left_side, right_side) = (side(&ledger, face, left)?, side(&ledger, face, right)?);
        let keep = keeper(&left_side, &right_side);
        Ok(PairView {
            fields: fields(&one, &other),
            weight: (!hidden).then(|| WeightView::new(&explanation, &one, &other)),
            line: (!hidden).then(|| explanation.line(Thresholds::default())),
            keep,
            left: left_side,
            right: right_side,
            group: group_of(&ledger, bond.pair(), hidden)?,
            verdict: verdict.as_ref().map(|verdict| VerdictView::of(&ledger, verdict)).transpose()?,
            link: link.as_ref().map(|link| PersonLinkView::of(&ledger, link)).transpose()?,
        })
    })
    .await
    .map(|data| Json(PairAnswer { data }))
}

/// Who would stay: the one with more gifts, else the older one.
fn keeper(left: &SidePerson, right: &SidePerson) -> String {
    let gifts = |side: &SidePerson| side.giving.posted();
    let right_first = gifts(right) > gifts(left)
        || (gifts(right) == gifts(left)
            && right.created_at.is_some()
            && (left.created_at.is_none() || right.created_at < left.created_at));
    if right_first { right.person.id.clone() } else { left.person.id.clone() }
}
