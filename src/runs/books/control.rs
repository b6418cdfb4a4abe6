//! The daily control: whether the mirror adds up to what QuickBooks reports, to the cent, or which records explain why not
//! (contract 7.5). What tells no changes of its own is read along: the company, its preferences, its files.

use std::collections::{BTreeSet, VecDeque};

use super::call::{Stop, call, reading};
use super::compare::each;
use super::load::{Step, company_record};
use super::one::look_up;
use super::take::{learn, read_back, take};
use super::{BooksMeans, Of, seen_there};
use crate::ground::books::connected::{AccountBalance, Balances};
use crate::ground::books::control::{Verdict, control};
use crate::ground::books::{Amount, Body, Connected, Entity, EntityId, Record};
use crate::ground::id::Object;
use crate::ground::money::Currency;
use crate::ground::time::CalendarDate;
use crate::ground::webhook::qbo::{Operation, Waiting};
use crate::rails::CallClass;
use crate::rails::qbo::{Page, Report, Rows, Told};
use crate::store::{Changes, Fail, Store, StoreError, View};

/// Rows of a page of files.
const ROWS: u32 = 1_000;
/// Documents that are read again before a gap is believed, at most.
const REREAD_MAX: usize = 100;
/// Records that stand aside and are asked for again in a day, at most.
const ASKED_AGAIN_MAX: usize = 20;
/// Names of the faults that say nothing of the record itself.
const FAULTS_THAT_PASS: [&str; 2] = ["failed", "no_answer"];
/// A day before any books: a report from here on is one over everything.
const BEFORE_ALL: &str = "1900-01-01";

/// Which part of a control is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Alone(Entity),
    Files(u32),
    Report,
    /// Documents that may be the reason of a gap are read again, before it is believed.
    Reread,
    Judge,
}

/// A control under way.
pub(super) struct Control {
    part: Part,
    net_income: Option<Amount>,
    rereading: VecDeque<(Entity, EntityId)>,
    reread: bool,
}

impl Control {
    /// A control.
    pub(super) const fn begin() -> Self {
        let part = Part::Alone(Entity::Preferences);
        Self { part, net_income: None, rereading: VecDeque::new(), reread: false }
    }

    /// One call, and what it brought stored.
    pub(super) async fn step(&mut self, means: &BooksMeans, of: &Of) -> Result<Step, Stop> {
        let class = CallClass::Incremental;
        let asked_at = means.world.now();
        match self.part {
            Part::Alone(entity) => {
                let told = company_record(means, of, entity, class).await?;
                keep(means, of, vec![told], asked_at).await?;
                let first = entity == Entity::Preferences;
                self.part = if first { Part::Alone(Entity::CompanyInfo) } else { Part::Files(1) };
            }
            Part::Files(start) => {
                let (company, realm) = (of.company()?, &of.connected.realm);
                let rows = Rows { entity: Entity::Attachable, since: None, start, max: ROWS };
                let page: Page =
                    call!(means, realm, reading(class), |permit| means.rail.page(permit, &company, &rows));
                keep(means, of, page.rows, asked_at).await?;
                self.part = page.next.map_or(Part::Report, Part::Files);
            }
            Part::Report => {
                self.net_income = net_income(means, of).await?;
                self.part = Part::Judge;
            }
            Part::Reread => match self.rereading.front().cloned() {
                Some((entity, id)) => {
                    look_up(means, of, CallClass::Incremental, entity, &id).await?;
                    self.rereading.pop_front();
                }
                None => self.part = Part::Judge,
            },
            Part::Judge => {
                let records = all(&means.store, of, of.company()?.home)?;
                let verdicts = control(&records, self.net_income);
                let rechecked = means.store.snapshot()?.ledger().books(of.connected.connection)?.recheck;
                self.rereading = suspects(&verdicts);
                if rechecked && !self.reread && !self.rereading.is_empty() {
                    (self.reread, self.part) = (true, Part::Reread);
                    return Ok(Step::More);
                }
                judged(means, of, verdicts, balances(of, &records, today(means, of))).await?;
                return Ok(Step::Done);
            }
        }
        Ok(Step::More)
    }
}

/// Documents that may be the reason of a gap: open ones of names that do not add up.
fn suspects(verdicts: &[Verdict]) -> VecDeque<(Entity, EntityId)> {
    let gaps = verdicts.iter().filter_map(|verdict| match verdict {
        Verdict::Gap(_, why) => Some(why),
        Verdict::Proven(_) | Verdict::Unknown(..) => None,
    });
    let of = gaps.flat_map(|why| &why.of).flat_map(|of| &of.suspects);
    let suspects: BTreeSet<(Entity, EntityId)> =
        of.map(|suspect| (suspect.entity, suspect.id.clone())).collect();
    suspects.into_iter().take(REREAD_MAX).collect()
}

/// Stores what a control came to, and what the accounts hold today.
async fn judged(means: &BooksMeans, of: &Of, verdicts: Vec<Verdict>, balances: Balances) -> Result<(), Stop> {
    for verdict in &verdicts {
        tell(of, verdict);
    }
    let company = of.connected.clone();
    means
        .store
        .write(move |view| {
            let mut changes = Changes::new(seen_there(company.connection));
            let mut books = view.ledger().books(company.connection)?;
            books.controlled(verdicts, view.world.now());
            changes.books(company.connection, &books)?;
            snapshot_of_day(view, &mut changes, &balances, &company)?;
            ask_again(view, &mut changes, &company)?;
            Ok::<_, Fail<()>>((changes, ()))
        })
        .await?;
    Ok(())
}

/// Records that stand aside since they did not come are asked for once more a day: a bad hour of the network is over by
/// then, and what was deleted there meanwhile would stand here until somebody looks at the list. What QuickBooks refused
/// waits for a person.
fn ask_again(view: &View<'_>, changes: &mut Changes, company: &Connected) -> Result<(), StoreError> {
    let now = view.world.now();
    let asides = view.ledger().books_aside()?;
    let ours = asides.iter().map(|record| &record.value).filter(|aside| aside.realm == company.realm);
    for aside in ours.filter(|aside| FAULTS_THAT_PASS.contains(&aside.code.as_str())).take(ASKED_AGAIN_MAX) {
        if let Some(id) = &aside.id {
            let waiting = Waiting { since: now, last: now, operation: Operation::Asked, merged_from: None };
            changes.books_told(company.connection, aside.entity, id, Some(&waiting))?;
        }
    }
    Ok(())
}

fn today(means: &BooksMeans, of: &Of) -> CalendarDate {
    of.connected.zone_or(&means.zone).date_of(means.world.now())
}

/// The net income over everything, which the sum of all accounts is (contract 7.3).
async fn net_income(means: &BooksMeans, of: &Of) -> Result<Option<Amount>, Stop> {
    let (company, realm) = (of.company()?, &of.connected.realm);
    // A day more: their day may be ahead of ours, and nothing is left out for it.
    let until = today(means, of).plus_days(366).to_string();
    let query = vec![
        ("start_date", BEFORE_ALL.to_owned()),
        ("end_date", until),
        ("accounting_method", "Accrual".to_owned()),
    ];
    let report: Report = call!(means, realm, reading(CallClass::Incremental), |permit| means.rail.report(
        permit,
        &company,
        "ProfitAndLoss",
        query.clone()
    ));
    Ok(report.total("NetIncome"))
}

async fn keep(
    means: &BooksMeans,
    of: &Of,
    rows: Vec<Told>,
    asked_at: crate::ground::time::Instant,
) -> Result<(), Stop> {
    let company = of.connected.clone();
    means
        .store
        .write(move |view| {
            let mut changes = Changes::new(seen_there(company.connection));
            for told in &rows {
                take(view, &mut changes, &company, told, asked_at)?;
                learn(view, &mut changes, &company, told)?;
            }
            Ok::<_, Fail<()>>((changes, ()))
        })
        .await?;
    Ok(())
}

/// Every record of a company that is there and has a part in its totals.
fn all(store: &Store, of: &Of, home: Currency) -> Result<Vec<Record>, StoreError> {
    let mut records = Vec::new();
    let counts = |entity: &Entity| {
        entity.is_document() || matches!(entity, Entity::Account | Entity::Customer | Entity::Vendor)
    };
    for entity in Entity::ALL.iter().copied().filter(|entity| counts(entity)) {
        each(store, of.connected.connection, entity, |_, json| {
            records.extend(read_back(entity, json, home));
        })?;
    }
    Ok(records)
}

fn tell(of: &Of, verdict: &Verdict) {
    let realm = of.connected.realm.as_str();
    match verdict {
        Verdict::Proven(figure) => {
            tracing::info!(event = "qbo_total_proven", realm, what = ?figure.what, currency = figure.currency.as_str());
        }
        Verdict::Gap(figure, why) => {
            let (names, missing) = (why.of.len(), why.missing.len());
            tracing::warn!(event = "qbo_total_differs", realm, what = ?figure.what, gap = %figure.gap(), names, missing);
        }
        Verdict::Unknown(what, why) => {
            tracing::warn!(event = "qbo_total_unknown", realm, what = ?what, why = %why);
        }
    }
}

/// What the accounts hold today.
fn balances(of: &Of, records: &[Record], day: CalendarDate) -> Balances {
    let account = |record: &Record| {
        let Body::Account(account) = &record.body else { return None };
        let balance = account.balance?;
        Some(AccountBalance {
            id: record.id.clone(),
            name: account.name.clone().unwrap_or_default(),
            kind: account.account_type.as_ref().map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
            active: account.active != Some(false),
            currency: balance.currency,
            amount: balance.exact.to_string(),
        })
    };
    let accounts = records.iter().filter_map(account).collect();
    Balances { realm: of.connected.realm.clone(), day, accounts }
}

/// One snapshot a day is kept: the newest of the day, once it differs.
fn snapshot_of_day(
    view: &View<'_>,
    changes: &mut Changes,
    balances: &Balances,
    company: &Connected,
) -> Result<(), StoreError> {
    let id = company.balances_id(balances.day);
    match view.ledger().balances(company, balances.day)? {
        Some(known) if known == *balances => Ok(()),
        Some(_) => changes.update(Object::Balances, id, balances),
        None => changes.create(Object::Balances, id, balances),
    }
}
