//! The rules by which the money is judged: of the firm, and of each company. What is set is data with history; what a change would
//! alter can be looked at first.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::Face;
use super::super::auth::Known;
use super::super::books::changes::body;
use super::super::books::seen;
use super::super::gifts::if_match;
use super::super::params::NoParams;
use super::super::problem::Problem;
use super::super::wire::Tagged;
use super::{Client, client, runway, standing};
use crate::desk::finance::Standing;
use crate::ground::books::EntityId;
use crate::ground::finance::facts::Side;
use crate::ground::finance::overlay::{Overlay, Said, What};
use crate::ground::finance::policy::{Policy, PolicySet};
use crate::ground::finance::ready::Places;
use crate::ground::money::{Currency, Money};
use crate::ground::texts;
use crate::store::{Ledger, StoreError};

/// Rules. What is missing is not set: the firm's holds for a company, and the preset for the firm.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PolicyBody {
    /// Days of runway below which it is red, amber, and so on.
    critical_below: Option<i64>,
    red_below: Option<i64>,
    amber_below: Option<i64>,
    comfortable_from: Option<i64>,
    /// Days and money that a payment must leave.
    buffer_days: Option<i64>,
    /// In decimals of the company's currency; only of one company, as all amounts and accounts.
    buffer: Option<String>,
    /// From this amount on somebody else must say yes.
    review_from: Option<String>,
    /// From this amount on two others must.
    two_people_from: Option<String>,
    /// A payment above this is no regular spending.
    one_time_above: Option<String>,
    /// An unpaid invoice above this is large.
    large_invoice: Option<String>,
    grace_days: Option<i32>,
    burn_days: Option<i32>,
    stale_days: Option<i32>,
    /// Ids of bank accounts whose money is not free.
    restricted: Option<Vec<String>>,
}

/// A bank account, and whether its money is free.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountChoice {
    id: String,
    name: String,
    balance: Option<String>,
    restricted: bool,
}

/// The rules of a company or of the firm.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyAnswer {
    /// What is set here.
    set: PolicyBody,
    /// What holds.
    holds: PolicyBody,
    /// None for the firm.
    currency: Option<String>,
    accounts: Vec<AccountChoice>,
    meta: PolicyMeta,
}

/// `meta` of rules.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyMeta {
    as_of: String,
    version: u64,
    changed_at: Option<String>,
}

/// How a company stands by some rules.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UnderPolicy {
    cash: Option<String>,
    days: Option<i64>,
    band: Option<&'static str>,
    issues: usize,
    /// Open bills that can be decided about and would leave too little.
    blocked: usize,
}

/// What would be other for a company.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyEffect {
    realm: String,
    name: String,
    before: UnderPolicy,
    after: UnderPolicy,
}

/// What a change would alter; companies for which it alters nothing are left out.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyPreview {
    data: Vec<PolicyEffect>,
    /// Companies that were looked at.
    looked: usize,
}

fn amount(field: &str, text: Option<String>, currency: Option<Currency>) -> Result<Option<i64>, Problem> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let currency = currency.ok_or_else(|| Problem::field(field, texts::MONEY_POLICY_FIRM))?;
    let money = Money::parse(text.trim(), currency).map_err(|bad| Problem::field(field, bad.to_string()))?;
    Ok(Some(money.micros))
}

fn set_of(told: PolicyBody, currency: Option<Currency>) -> Result<PolicySet, Problem> {
    let ids = |ids: Vec<String>| ids.iter().map(|id| EntityId::new(id)).collect::<Option<BTreeSet<_>>>();
    let restricted = told
        .restricted
        .map(|list| ids(list).ok_or_else(|| Problem::field("restricted", texts::MONEY_ACCOUNT)))
        .transpose()?;
    Ok(PolicySet {
        red_below: told.red_below,
        amber_below: told.amber_below,
        comfortable_from: told.comfortable_from,
        critical_below: told.critical_below,
        buffer_days: told.buffer_days,
        grace_days: told.grace_days,
        burn_days: told.burn_days,
        stale_days: told.stale_days,
        buffer_micros: amount("buffer", told.buffer, currency)?,
        review_micros: amount("reviewFrom", told.review_from, currency)?,
        two_people_micros: amount("twoPeopleFrom", told.two_people_from, currency)?,
        one_time_micros: amount("oneTimeAbove", told.one_time_above, currency)?,
        large_invoice_micros: amount("largeInvoice", told.large_invoice, currency)?,
        restricted,
    })
}

fn shown(set: &PolicySet, currency: Option<Currency>) -> PolicyBody {
    let money = |micros: Option<i64>| Some(Money { micros: micros?, currency: currency? }.decimal());
    PolicyBody {
        critical_below: set.critical_below,
        red_below: set.red_below,
        amber_below: set.amber_below,
        comfortable_from: set.comfortable_from,
        buffer_days: set.buffer_days,
        buffer: money(set.buffer_micros),
        review_from: money(set.review_micros),
        two_people_from: money(set.two_people_micros),
        one_time_above: money(set.one_time_micros),
        large_invoice: money(set.large_invoice_micros),
        grace_days: set.grace_days,
        burn_days: set.burn_days,
        stale_days: set.stale_days,
        restricted: set.restricted.as_ref().map(|ids| ids.iter().map(ToString::to_string).collect()),
    }
}

fn whole(policy: &Policy) -> PolicySet {
    PolicySet {
        red_below: Some(policy.red_below),
        amber_below: Some(policy.amber_below),
        comfortable_from: Some(policy.comfortable_from),
        critical_below: Some(policy.critical_below),
        buffer_days: Some(policy.buffer_days),
        grace_days: Some(policy.grace_days),
        burn_days: Some(policy.burn_days),
        stale_days: Some(policy.stale_days),
        buffer_micros: policy.buffer_micros,
        review_micros: policy.review_micros,
        two_people_micros: policy.two_people_micros,
        one_time_micros: policy.one_time_micros,
        large_invoice_micros: policy.large_invoice_micros,
        restricted: Some(policy.restricted.clone()),
    }
}

fn answer(
    ledger: &Ledger<'_>,
    as_of: String,
    standing: Option<&Standing>,
    said: uuid::Uuid,
) -> Result<Tagged<PolicyAnswer>, StoreError> {
    let record = ledger.money_said(said)?;
    let set = match record.as_ref().map(|record| &record.value.what) {
        Some(What::Policy { set }) => set.clone(),
        _ => PolicySet::default(),
    };
    let currency = standing.map(|standing| standing.facts.home);
    // Of the firm only days are shown: amounts are each company's own.
    let holds = standing.map_or_else(
        || {
            let days = Policy::of(Currency::GBP).with(&set);
            PolicySet { restricted: None, ..whole(&days) }
        },
        |standing| whole(&standing.policy),
    );
    let accounts =
        standing.map_or(&[][..], |standing| &standing.facts.cash).iter().map(|account| AccountChoice {
            id: account.id.to_string(),
            name: account.name.clone(),
            balance: account.balance.ok().map(Money::decimal),
            restricted: standing.is_some_and(|standing| standing.policy.restricted.contains(&account.id)),
        });
    let version = record.as_ref().map_or(0, |record| record.seq.0);
    let changed_at = record.as_ref().map(|record| record.recorded.to_string());
    let meta = PolicyMeta { as_of, version, changed_at };
    Ok(Tagged(
        version,
        PolicyAnswer {
            set: shown(&set, currency),
            holds: shown(&holds, currency),
            currency: currency.map(|currency| currency.to_string()),
            accounts: accounts.collect(),
            meta,
        },
    ))
}

/// The rules by which the money of a company is judged.
#[utoipa::path(get, path = "/api/books/companies/{realm}/policy", tag = "Money", params(("realm" = String, Path)),
    responses((status = 200, body = PolicyAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(in super::super) async fn policy(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    _: NoParams,
) -> Result<Tagged<PolicyAnswer>, Problem> {
    let Client { standing, realm, .. } = client(face.clone(), known.clone(), realm, None).await?;
    let snapshot = known.snapshot(&face)?;
    let id = Said::policy_id(Some(&realm));
    Ok(answer(&snapshot.ledger(), snapshot.as_of().to_string(), Some(&standing), id)?)
}

/// What other rules of a company would alter; nothing is kept.
#[utoipa::path(post, path = "/api/books/companies/{realm}/policy/preview", tag = "Money", params(("realm" = String, Path)), request_body = PolicyBody,
    responses((status = 200, body = PolicyPreview), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem)))]
pub(in super::super) async fn preview(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    _: NoParams,
    bytes: Bytes,
) -> Result<Json<PolicyPreview>, Problem> {
    let of = client(face.clone(), known.clone(), realm.clone(), None).await?;
    let wanted = set_of(body(&bytes)?, Some(of.standing.facts.home))?;
    let after = Overlay { company: wanted, ..(*of.standing.overlay).clone() };
    let name = seen(&known.snapshot(&face)?.ledger(), &known.viewer, &realm)?.label().to_owned();
    let effect = effect((realm, name), &of.standing, after)?;
    Ok(Json(PolicyPreview { data: effect.into_iter().collect(), looked: 1 }))
}

/// Sets the rules of a company: all of them, what is missing goes back to the firm's.
#[utoipa::path(put, path = "/api/books/companies/{realm}/policy", tag = "Money", params(("realm" = String, Path), ("If-Match" = Option<String>, Header)), request_body = PolicyBody,
    responses((status = 200, body = PolicyAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn set(
    State(face): State<Face>,
    known: Known,
    Path(realm): Path<String>,
    _: NoParams,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Tagged<PolicyAnswer>, Problem> {
    let of = client(face.clone(), known.clone(), realm.clone(), None).await?;
    let wanted = set_of(body(&bytes)?, Some(of.standing.facts.home))?;
    face.desk.set_money_policy(&known.asked, Some(of.realm.clone()), wanted, if_match(&headers)?).await?;
    let Client { standing, .. } = client(face.clone(), known.clone(), realm, None).await?;
    let snapshot = known.snapshot(&face)?;
    let id = Said::policy_id(Some(&of.realm));
    Ok(answer(&snapshot.ledger(), snapshot.as_of().to_string(), Some(&standing), id)?)
}

/// What would be other for a company; none if nothing would.
fn effect(
    (realm, name): (String, String),
    before: &Standing,
    overlay: Overlay,
) -> Result<Option<PolicyEffect>, Problem> {
    let policy = overlay.policy(before.facts.home);
    policy.check().map_err(|bad| Problem::field("policy", bad.to_string()))?;
    let after = before.with(Arc::new(overlay));
    let (before, after) = (under(before), under(&after));
    Ok((before != after).then_some(PolicyEffect { realm, name, before, after }))
}

fn under(standing: &Standing) -> UnderPolicy {
    let places = Places::of(&standing.tray);
    let blocked = places.console(&standing.facts).iter().filter(|bill| standing.is_blocked(bill)).count();
    let view = runway(standing.runway, standing.burn.value);
    UnderPolicy {
        cash: standing.cash.value.ok().map(Money::decimal),
        days: view.days,
        band: view.band,
        issues: standing.tray.issues.len(),
        blocked,
    }
}

/// The rules of the firm, which hold for every company that has none of its own.
#[utoipa::path(get, path = "/api/money/policy", tag = "Money",
    responses((status = 200, body = PolicyAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(in super::super) async fn firm(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
) -> Result<Tagged<PolicyAnswer>, Problem> {
    let snapshot = known.snapshot(&face)?;
    Ok(answer(&snapshot.ledger(), snapshot.as_of().to_string(), None, Said::policy_id(None))?)
}

/// What other rules of the firm would alter, company by company; nothing is kept.
#[utoipa::path(post, path = "/api/money/policy/preview", tag = "Money", request_body = PolicyBody,
    responses((status = 200, body = PolicyPreview), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn preview_firm(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    bytes: Bytes,
) -> Result<Json<PolicyPreview>, Problem> {
    let wanted = set_of(body(&bytes)?, None)?;
    let looked = tokio::task::spawn_blocking(move || effects(&face, &known, &wanted)).await;
    let looked = looked.map_err(|error| Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    looked.map(Json)
}

/// Sets the rules of the firm: all of them, what is missing goes back to the preset.
#[utoipa::path(put, path = "/api/money/policy", tag = "Money", params(("If-Match" = Option<String>, Header)), request_body = PolicyBody,
    responses((status = 200, body = PolicyAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(in super::super) async fn set_firm(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Tagged<PolicyAnswer>, Problem> {
    let wanted = set_of(body(&bytes)?, None)?;
    face.desk.set_money_policy(&known.asked, None, wanted, if_match(&headers)?).await?;
    let snapshot = known.snapshot(&face)?;
    Ok(answer(&snapshot.ledger(), snapshot.as_of().to_string(), None, Said::policy_id(None))?)
}

fn effects(face: &Face, known: &Known, wanted: &PolicySet) -> Result<PolicyPreview, Problem> {
    let snapshot = known.snapshot(face)?;
    let ledger = snapshot.ledger();
    let (mut data, mut looked) = (Vec::new(), 0);
    for company in ledger.companies()?.into_iter().map(|company| company.value) {
        if !known.viewer.sees_company(company.realm.as_str()) {
            continue;
        }
        let Some(before) = standing(face, &ledger, &company)? else { continue };
        looked += 1;
        let after = Overlay { firm: wanted.clone(), ..(*before.overlay).clone() };
        data.extend(effect((company.realm.to_string(), company.label().to_owned()), &before, after)?);
    }
    Ok(PolicyPreview { data, looked })
}

impl Standing {
    /// Whether paying a bill now would leave less than must be left.
    fn is_blocked(&self, bill: &crate::ground::finance::facts::Document) -> bool {
        use crate::ground::finance::burn::{Guard, guard};
        debug_assert_eq!(bill.side, Side::Bill);
        let paid = self.paying(bill);
        paid.is_ok_and(|paid| matches!(guard(&paid, &self.burn.value, &self.policy), Guard::Blocked { .. }))
    }
}
