//! What is decided about a bill (finance 4.2, 4.3): who asked, who said yes, what they saw. QuickBooks pays nothing: a bill that
//! is approved is handed on, and is done once the books show it paid. A change of the amount or of the vendor makes every yes
//! void.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::facts::Document;
use crate::ground::books::connected::named;
use crate::ground::books::{EntityId, RealmId};
use crate::ground::id::Object;
use crate::ground::journal::Actor;
use crate::ground::money::Money;
use crate::ground::time::{CalendarDate, Instant};

/// What whoever decided saw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// How far the books were told.
    pub books_as_of: Option<Instant>,
    /// Free cash, in decimals of the company's currency; none where it was not known.
    pub cash: Option<String>,
    /// And after this bill and all that is approved and not paid yet.
    pub cash_after: Option<String>,
    /// Days it lasted.
    pub days: Option<i64>,
    /// And after.
    pub days_after: Option<i64>,
    /// Rules that had something to say: `buffer_days`, `buffer_money`, `essential`, `override`, `limit_not_set`.
    pub hits: Vec<String>,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Step {
    /// Somebody wants it paid.
    Asked {
        /// How many others must say yes.
        needed: u32,
    },
    /// Somebody says yes.
    Approved,
    /// Somebody says no.
    Rejected,
    /// It waits.
    Held {
        /// Until when; none until somebody goes on.
        until: Option<CalendarDate>,
    },
    /// It is not accepted.
    Disputed,
    /// It is to be paid on a day.
    Planned {
        /// Which one.
        on: CalendarDate,
    },
    /// It goes on where it was.
    Resumed,
}

impl Step {
    /// The word of the API.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Asked { .. } => "asked",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Held { .. } => "held",
            Self::Disputed => "disputed",
            Self::Planned { .. } => "planned",
            Self::Resumed => "resumed",
        }
    }
}

/// A step with who, when, why, and what they saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Taken {
    /// What.
    #[serde(flatten)]
    pub step: Step,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Instant,
    /// Why, in their words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    /// What they saw.
    pub seen: Seen,
}

/// Where a bill stands among those that can be decided about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nobody decided anything.
    Ready,
    /// Others must say yes.
    Pending {
        /// How many said so.
        have: u32,
        /// How many must.
        need: u32,
    },
    /// To be paid: QuickBooks pays nothing, so somebody does it and records it.
    Approved,
    /// Its amount or its vendor changed after somebody said yes: it is asked for anew.
    Void,
    /// It waits.
    Held {
        /// Until when.
        until: Option<CalendarDate>,
    },
    /// It is not accepted.
    Disputed,
    /// Somebody said no.
    Rejected,
}

impl Stage {
    /// The word of the API.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Pending { .. } => "pending",
            Self::Approved => "approved",
            Self::Void => "void",
            Self::Held { .. } => "held",
            Self::Disputed => "disputed",
            Self::Rejected => "rejected",
        }
    }
}

/// Why a step cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoStep {
    /// Whoever asked does not say yes to it too.
    #[error("somebody else than who asked for it has to say yes")]
    OwnRequest,
    /// They said so.
    #[error("you have said yes to it")]
    Again,
    /// A program does not say yes: it is nobody who could be asked why.
    #[error("only a person can say yes to a payment")]
    NotAPerson,
    /// There is nothing to say yes to.
    #[error("nobody asks for a yes to this bill")]
    NotAsked,
    /// It waits or is disputed.
    #[error("it stands still; let it go on first")]
    Still,
    /// There is nothing to go on from.
    #[error("it does not stand still")]
    NotStill,
}

/// What was decided about a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// Our id: there is one for each bill.
    pub id: Uuid,
    /// Of which company.
    pub realm: RealmId,
    /// Which bill.
    pub bill: EntityId,
    /// What was open of it when somebody asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub amount: Option<Money>,
    /// Whose it was then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub vendor: Option<EntityId>,
    /// When it is to be paid, if somebody said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub planned: Option<CalendarDate>,
    /// All steps, the first one first.
    pub log: Vec<Taken>,
}

impl Decision {
    /// Nothing decided yet about a bill.
    pub fn new(realm: RealmId, bill: EntityId) -> Self {
        let id = named(Object::MoneyDecision, &format!("{realm}/{bill}"));
        Self { id, realm, bill, amount: None, vendor: None, planned: None, log: Vec::new() }
    }

    /// The steps since somebody asked last, if nobody said no since.
    fn round(&self) -> &[Taken] {
        let asked = self.log.iter().rposition(|taken| matches!(taken.step, Step::Asked { .. }));
        asked.map_or(&[], |at| self.log.get(at..).unwrap_or_default())
    }

    /// Who said yes, once each.
    fn approvers(&self) -> Vec<&Actor> {
        let mut who: Vec<&Actor> = Vec::new();
        for taken in self.round().iter().filter(|taken| taken.step == Step::Approved) {
            if !who.contains(&&taken.by) {
                who.push(&taken.by);
            }
        }
        who
    }

    /// Where the bill stands, as the books show it and today is.
    pub fn stage(&self, bill: &Document, today: CalendarDate) -> Stage {
        let last_of = |is: fn(&Step) -> bool| self.log.iter().rposition(|taken| is(&taken.step));
        let still = last_of(|step| matches!(step, Step::Held { .. } | Step::Disputed | Step::Resumed));
        match still.and_then(|at| self.log.get(at)).map(|taken| &taken.step) {
            Some(Step::Held { until }) if until.is_none_or(|until| today <= until) => {
                return Stage::Held { until: *until };
            }
            Some(Step::Disputed) => return Stage::Disputed,
            _ => {}
        }
        let decided = last_of(|step| matches!(step, Step::Asked { .. } | Step::Rejected));
        let need = match decided.and_then(|at| self.log.get(at)).map(|taken| &taken.step) {
            None => return Stage::Ready,
            Some(Step::Rejected) => return Stage::Rejected,
            Some(Step::Asked { needed }) => *needed,
            Some(_) => 0,
        };
        if self.vendor != bill.party || bill.open.ok() != self.amount {
            return Stage::Void;
        }
        let have = u32::try_from(self.approvers().len()).unwrap_or(u32::MAX);
        if have >= need { Stage::Approved } else { Stage::Pending { have, need } }
    }

    /// Takes a step. A yes is counted once for each person, and not of who asked.
    pub fn take(&mut self, taken: Taken, bill: &Document, today: CalendarDate) -> Result<(), NoStep> {
        let stage = self.stage(bill, today);
        let is_still = matches!(stage, Stage::Held { .. } | Stage::Disputed);
        match &taken.step {
            Step::Asked { .. } | Step::Approved if is_still => return Err(NoStep::Still),
            Step::Asked { .. } => {
                (self.amount, self.vendor) = (bill.open.ok(), bill.party.clone());
            }
            Step::Approved => {
                if !matches!(stage, Stage::Pending { .. }) {
                    return Err(NoStep::NotAsked);
                }
                if !matches!(taken.by, Actor::User(_)) {
                    return Err(NoStep::NotAPerson);
                }
                if self.round().first().is_some_and(|asked| asked.by == taken.by) {
                    return Err(NoStep::OwnRequest);
                }
                if self.approvers().contains(&&taken.by) {
                    return Err(NoStep::Again);
                }
            }
            Step::Planned { on } => self.planned = Some(*on),
            Step::Resumed if !is_still => return Err(NoStep::NotStill),
            Step::Rejected if stage == Stage::Ready => return Err(NoStep::NotAsked),
            Step::Rejected | Step::Held { .. } | Step::Disputed | Step::Resumed => {}
        }
        self.log.push(taken);
        Ok(())
    }
}
