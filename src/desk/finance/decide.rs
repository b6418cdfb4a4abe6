//! What is decided about bills: asked for, agreed to by others, held, disputed, planned. Nothing is paid: QuickBooks cannot. What
//! whoever decided saw stands with each step (finance 4.3, 4.4).

use std::sync::Arc;

use super::super::{Asked, Desk, Refusal};
use super::Standing;
use crate::ground::books::{EntityId, RealmId};
use crate::ground::finance::burn::{Guard, Impact, Runway, guard, people_needed};
use crate::ground::finance::decision::{Decision, NoStep, Seen, Stage, Step, Taken};
use crate::ground::finance::facts::{Document, Side};
use crate::ground::finance::priority::{Tier, latest_safe};
use crate::ground::finance::ready::{Place, Places};
use crate::ground::finance::{Known, Unknown};
use crate::ground::id::Object;
use crate::ground::money::Money;
use crate::ground::texts;
use crate::ground::time::CalendarDate;
use crate::store::{Changes, Fail};

/// Characters of a note.
const NOTE_MAX: usize = 500;

/// What somebody decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decide {
    /// It is to be paid.
    Pay,
    /// Yes, it is.
    Approve,
    /// No.
    Reject,
    /// It waits, until a day or until somebody lets it go on.
    Hold(Option<CalendarDate>),
    /// It goes on.
    Resume,
    /// It is not accepted.
    Dispute,
    /// It is to be paid on a day.
    Plan(CalendarDate),
    /// Nothing was decided: all of it is taken back.
    Withdraw,
}

/// A decision about one bill.
#[derive(Clone, Debug)]
pub struct DecideAsk {
    /// What.
    pub what: Decide,
    /// Why, in their words.
    pub note: Option<String>,
    /// Whether it is wanted although a rule says no; the note says why.
    pub despite: bool,
}

/// How a bill and what is decided about it stand.
struct Weighed {
    seen: Seen,
    bill: Document,
    today: CalendarDate,
}

fn days(of: &Known<Runway>) -> Option<i64> {
    match of {
        Ok(Runway::Days { days, .. }) => Some(*days),
        Ok(Runway::NotBurning) | Err(_) => None,
    }
}

fn seen(standing: &Standing, impact: &Known<Impact>) -> Seen {
    let impact = impact.ok();
    Seen {
        books_as_of: None,
        cash: standing.cash.value.ok().map(Money::decimal),
        cash_after: impact.and_then(|impact| impact.cash.ok()).map(Money::decimal),
        days: days(&standing.runway),
        days_after: impact.and_then(|impact| days(&impact.after)),
        hits: Vec::new(),
    }
}

const fn said(no: NoStep) -> &'static str {
    match no {
        NoStep::OwnRequest => texts::MONEY_OWN_REQUEST,
        NoStep::NotAPerson => texts::MONEY_NOT_A_PERSON,
        NoStep::Again => texts::MONEY_SAID_YES,
        NoStep::NotAsked => texts::MONEY_NOT_ASKED,
        NoStep::Still => texts::MONEY_STILL,
        NoStep::NotStill => texts::MONEY_NOT_STILL,
    }
}

fn too_little(shortfall: Option<Money>) -> Refusal {
    let missing =
        shortfall.map_or_else(String::new, |it| format!(" {} {} is missing.", it.currency, it.decimal()));
    Refusal::Held(format!("{}{missing} {}", texts::MONEY_GUARD, texts::MONEY_GUARD_NEXT))
}

impl DecideAsk {
    /// Whether it is wanted despite a rule, with a reason.
    fn insists(&self) -> bool {
        self.despite && self.note.is_some()
    }

    /// Whether a payment leaves what must be left, or may be made all the same: what the rules say.
    fn guarded(
        &self,
        standing: &Standing,
        bill: &Document,
        impact: &Known<Impact>,
    ) -> Result<Vec<String>, Refusal> {
        let verdict = match impact {
            Ok(impact) => guard(impact, &standing.burn.value, &standing.policy),
            Err(why) => Guard::Unknown(*why),
        };
        let mut hits: Vec<String> = match verdict {
            Guard::Free => return Ok(Vec::new()),
            Guard::Blocked { days, money, .. } => {
                let rules = [("buffer_days", days), ("buffer_money", money)];
                rules.into_iter().filter(|(_, hit)| *hit).map(|(rule, _)| rule.to_owned()).collect()
            }
            Guard::Unknown(why) => vec![format!("not_known:{}", why.word())],
        };
        match verdict {
            // Wages, rent and taxes are paid even so; it is said that they were.
            _ if standing.vendor(bill).tier == Tier::First => hits.push("essential".into()),
            _ if self.insists() => hits.push("override".into()),
            Guard::Blocked { shortfall, .. } => return Err(too_little(shortfall)),
            Guard::Unknown(_) | Guard::Free => return Err(Refusal::Nothing(texts::MONEY_GUARD_UNKNOWN)),
        }
        Ok(hits)
    }

    fn weighed(&self, standing: &Standing, bill: &EntityId) -> Result<Weighed, Refusal> {
        let found = standing.facts.open(Side::Bill).find(|open| open.name.id == *bill);
        let found = found.ok_or(Refusal::NotFound("open bill"))?;
        let is_yes = matches!(self.what, Decide::Pay | Decide::Approve);
        if is_yes && matches!(Places::of(&standing.tray).place(found), Place::Tray(_)) {
            return Err(Refusal::Nothing(texts::MONEY_IN_TRAY));
        }
        if is_yes && standing.is_old {
            return Err(Refusal::Nothing(texts::MONEY_OLD));
        }
        if matches!(self.what, Decide::Hold(_) | Decide::Dispute | Decide::Reject) && self.note.is_none() {
            return Err(Refusal::Nothing(texts::MONEY_WHY));
        }
        let impact = standing.paying(found);
        let mut seen = seen(standing, &impact);
        match self.what {
            Decide::Pay | Decide::Approve => seen.hits = self.guarded(standing, found, &impact)?,
            Decide::Plan(on) => {
                let safe = latest_safe(found, standing.vendor(found), &standing.policy);
                if on < standing.today {
                    return Err(Refusal::Nothing(texts::MONEY_PLAN_PAST));
                }
                if safe.is_some_and(|safe| on > safe) && !self.insists() {
                    return Err(Refusal::Nothing(texts::MONEY_PLAN_LATE));
                }
                seen.hits = safe
                    .filter(|safe| on > *safe)
                    .map(|_| "after_safe_date".to_owned())
                    .into_iter()
                    .collect();
            }
            _ => {}
        }
        Ok(Weighed { seen, bill: found.clone(), today: standing.today })
    }

    fn step(&self, standing: &Standing, bill: &Document) -> Result<Option<Step>, Refusal> {
        Ok(Some(match self.what {
            Decide::Pay => {
                let needed = bill.open.and_then(|open| people_needed(open, &standing.policy));
                let needed = match needed {
                    Ok(needed) => needed,
                    // Where nobody set a limit, a second pair of eyes is the least.
                    Err(Unknown::NotSet) => 1,
                    Err(_) => return Err(Refusal::Nothing(texts::MONEY_AMOUNT_UNKNOWN)),
                };
                Step::Asked { needed }
            }
            Decide::Approve => Step::Approved,
            Decide::Reject => Step::Rejected,
            Decide::Hold(until) => Step::Held { until },
            Decide::Resume => Step::Resumed,
            Decide::Dispute => Step::Disputed,
            Decide::Plan(on) => Step::Planned { on },
            Decide::Withdraw => return Ok(None),
        }))
    }
}

impl Desk {
    /// Decides about an open bill, as its company stands. The same step again by the same person, where nothing changed
    /// since, is the one that was taken.
    pub async fn decide_bill(
        &self,
        asked: &Asked,
        (realm, bill): (RealmId, EntityId),
        standing: Arc<Standing>,
        mut ask: DecideAsk,
    ) -> Result<Stage, Refusal> {
        ask.note = ask.note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
        if ask.note.as_ref().is_some_and(|note| note.chars().count() > NOTE_MAX) {
            return Err(Refusal::Nothing(texts::MONEY_SAID_TEXT));
        }
        let weighed = ask.weighed(&standing, &bill)?;
        let step = ask.step(&standing, &weighed.bill)?;
        let cause = asked.cause("Decided about a bill");
        let (_, stage) = self
            .store
            .write(move |view| {
                let company = view.ledger().company(&realm)?.ok_or(Refusal::NotFound("company"))?.value;
                let fresh = Decision::new(realm, bill);
                let id = fresh.id;
                let before = view.ledger().money_decision(id)?.map(|record| record.value);
                let mut changes = Changes::new(cause.clone());
                let (bill, today) = (&weighed.bill, weighed.today);
                let Some(step) = step else {
                    let before = before.ok_or(Refusal::NotFound("decision"))?;
                    changes.remove(Object::MoneyDecision, id, &before)?;
                    return Ok((changes, Stage::Ready));
                };
                let again = before.as_ref().and_then(|before| before.log.last());
                let stood = before.as_ref().map(|before| before.stage(bill, today));
                if let (Some(last), Some(stage)) = (again, &stood)
                    && last.step == step
                    && last.by == cause.actor
                    && *stage != Stage::Void
                {
                    return Ok((changes, stage.clone()));
                }
                let mut after = before.clone().unwrap_or(fresh);
                let seen = Seen {
                    books_as_of: view.ledger().books(company.connection)?.complete_as_of,
                    ..weighed.seen.clone()
                };
                let taken =
                    Taken { step, by: cause.actor, at: view.world.now(), note: ask.note.clone(), seen };
                after.take(taken, bill, today).map_err(|no| Refusal::Nothing(said(no)))?;
                match before {
                    Some(_) => changes.update(Object::MoneyDecision, id, &after)?,
                    None => changes.open(Object::MoneyDecision, id, &after)?,
                }
                Ok::<_, Fail<Refusal>>((changes, after.stage(bill, today)))
            })
            .await?;
        Ok(stage)
    }
}
