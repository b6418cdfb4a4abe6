//! How a company's money stands: its records read once, kept in memory as long as none of them changes, and judged anew with
//! each day (finance 2 to 4). Nothing is called, and nothing is stored.

pub mod decide;
pub mod digests;
pub mod pdf;
pub mod said;
pub mod shelf;

use std::sync::Arc;

use crate::ground::books::Entity;
use crate::ground::finance::burn::{self, Burn, Impact, Runway};
use crate::ground::finance::decision::Stage;
use crate::ground::finance::facts::{Document, Side};
use crate::ground::finance::forecast::{Assumed, Forecast, forecast};
use crate::ground::finance::hygiene::{Issue, Sync, Tray, tray};
use crate::ground::finance::overlay::Overlay;
use crate::ground::finance::policy::Band;
use crate::ground::finance::priority::VendorTerms;
use crate::ground::finance::quality::{Counted, Quality, quality};
use crate::ground::finance::ready::Places;
use crate::ground::finance::rules::{Rule, Severity};
use crate::ground::finance::{Facts, Figure, Known, Policy, RecordName, aging};
use crate::ground::money::Money;
use crate::ground::time::CalendarDate;

pub use shelf::{MoneyShelf, Reading};

/// How a company stands, on a day.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its records.
    pub facts: Arc<Facts>,
    /// What people said of it.
    pub overlay: Arc<Overlay>,
    /// Whether they are so old that nothing is decided before a new look (finance 10.20).
    pub is_old: bool,
    /// The day, in its zone.
    pub today: CalendarDate,
    /// By which rules it is judged.
    pub policy: Policy,
    /// Cash that is free.
    pub cash: Figure<Money>,
    /// Cash that is not.
    pub restricted: Figure<Money>,
    /// What is spent.
    pub burn: Figure<Burn>,
    /// What came in over the same days; none where nothing is known of what is spent.
    pub inflow: Option<Figure<Money>>,
    /// How long the cash lasts.
    pub runway: Known<Runway>,
    /// What is owed.
    pub payable: Figure<Money>,
    /// What others owe.
    pub receivable: Figure<Money>,
    /// What must be put right.
    pub tray: Tray,
    /// What was looked at and may stand.
    pub standing_issues: Vec<Issue>,
    /// Open bills that can be decided about.
    pub ready: usize,
    /// Open bills that something blocks.
    pub blocked: usize,
    /// How many issues there are of each severity, the worst first.
    counts: [usize; 4],
    /// How good the records are.
    pub quality: Known<Quality>,
}

/// An amount with how it was computed and how many records make it.
#[derive(Clone, Debug)]
pub struct Short {
    /// The amount, or why there is none.
    pub value: Known<Money>,
    /// How it was computed.
    pub method: &'static str,
    /// How many records make it.
    pub count: usize,
}

/// What the portfolio tells of a company: it is kept also where the records are let go.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Cash that is free.
    pub cash: Short,
    /// What is owed.
    pub payable: Short,
    /// What others owe.
    pub receivable: Short,
    /// How long the cash lasts.
    pub runway: Known<Runway>,
    /// What is spent.
    pub burn: Known<Burn>,
    /// How many issues there are of each severity, the worst first.
    pub counts: [usize; 4],
    /// Open bills that can be decided about.
    pub ready: usize,
    /// Open bills that something blocks.
    pub blocked: usize,
    /// How good the records are.
    pub quality: Known<Quality>,
    /// How well the company is.
    pub health: Health,
    /// Where it stands among others: the worst first.
    pub order: (Health, i64),
}

/// How well a company is (finance 2.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// Somebody has to look.
    NeedsAttention,
    /// Not known well enough to say.
    Unknown,
    /// To be watched.
    Monitor,
    /// Well.
    Healthy,
}

impl Health {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NeedsAttention => "needs_attention",
            Self::Unknown => "unknown",
            Self::Monitor => "monitor",
            Self::Healthy => "healthy",
        }
    }
}

impl Standing {
    /// How a company with these records stands on a day.
    pub fn of(facts: Arc<Facts>, overlay: Arc<Overlay>, sync: &Sync, today: CalendarDate) -> Self {
        let policy = overlay.policy(facts.home);
        let set_aside = overlay.set_aside(today, facts.home);
        let cash = burn::cash(&facts, &policy, &set_aside);
        let burned = burn::burn(&facts, &policy, today);
        let found = tray(&facts, &policy, &burned.value, sync, today);
        let (standing_issues, issues): (Vec<Issue>, Vec<Issue>) =
            found.issues.into_iter().partition(|issue| overlay.may_stand(&issue.key, &issue.fingerprint()));
        let found = Tray { issues };
        let ready = Places::of(&found).console(&facts).len();
        let count = |severity| found.issues.iter().filter(|issue| issue.severity == severity).count();
        let counts = Severity::ALL.map(count);
        Self {
            ready,
            blocked: facts.open(Side::Bill).count() - ready,
            counts,
            restricted: burn::restricted(&facts, &policy),
            inflow: burned.window.map(|window| burn::inflow(&facts, window)),
            runway: burn::runway(&cash.value, &burned.value, &policy, today),
            payable: aging::open(&facts, Side::Bill),
            receivable: aging::open(&facts, Side::Invoice),
            quality: quality(counted(&facts, &found, !sync.is_old)),
            tray: found,
            standing_issues,
            burn: burned,
            cash,
            facts,
            overlay,
            is_old: sync.is_old,
            today,
            policy,
        }
    }

    /// The same company on the same day, if something else were said of it. How the books themselves are told stays.
    #[must_use]
    pub fn with(&self, overlay: Arc<Overlay>) -> Self {
        let sync = Sync { is_old: self.is_old, ..Sync::default() };
        let mut after = Self::of(Arc::clone(&self.facts), overlay, &sync, self.today);
        let of_books = |issue: &&Issue| issue.rule.is_of_the_books();
        after.tray.issues.extend(self.tray.issues.iter().filter(of_books).cloned());
        after
    }

    /// What was spent over the days that are looked at.
    pub fn spent(&self) -> Figure<Money> {
        let Figure { value, method, window, of } = &self.burn;
        Figure { value: value.map(|burn| burn.spent), method, window: *window, of: of.clone() }
    }

    /// Thirteen weeks ahead, if invoices come in so many days after they are due.
    pub fn ahead(&self, delay: i32) -> Known<Forecast> {
        let assumed = Assumed {
            cash: &self.cash.value,
            burn: &self.burn,
            policy: &self.policy,
            delay,
            planned: &self.overlay.planned(),
            expected: &self.overlay.known_ahead(self.facts.home),
            today: self.today,
        };
        forecast(&self.facts, &assumed)
    }

    /// How the vendor of a bill is dealt with.
    pub fn vendor(&self, bill: &Document) -> VendorTerms {
        self.overlay.vendor(bill.party.as_ref(), bill.date)
    }

    /// Where an open bill stands among the decisions.
    pub fn stage(&self, bill: &Document) -> Stage {
        let decision = self.overlay.decisions.get(&bill.name.id);
        decision.map_or(Stage::Ready, |decision| decision.stage(bill, self.today))
    }

    /// Open bills that are approved and not paid yet, but for these: their money is as good as gone.
    pub fn committed(&self, but: &[&RecordName]) -> Vec<Money> {
        let bills = self.facts.open(Side::Bill).filter(|bill| !but.contains(&&bill.name));
        let approved = bills.filter(|bill| self.stage(bill) == Stage::Approved);
        approved.filter_map(|bill| bill.open.ok()).collect()
    }

    /// What paying a bill does, after all that is approved and not paid yet.
    pub fn paying(&self, bill: &Document) -> Known<Impact> {
        let mut amounts = self.committed(&[&bill.name]);
        amounts.push(bill.open?);
        burn::pay(&amounts, &self.cash.value, &self.burn.value, &self.policy, self.today)
    }

    /// What the portfolio tells of it.
    pub fn summary(&self) -> Summary {
        let short = |of: &Figure<Money>| Short { value: of.value, method: of.method, count: of.of.len() };
        Summary {
            cash: short(&self.cash),
            payable: short(&self.payable),
            receivable: short(&self.receivable),
            runway: self.runway,
            burn: self.burn.value,
            counts: self.counts,
            ready: self.ready,
            blocked: self.blocked,
            quality: self.quality,
            health: self.health(),
            order: self.order(),
        }
    }

    /// Issues of a severity.
    pub fn issues(&self, severity: Severity) -> usize {
        let place = Severity::ALL.iter().position(|of| *of == severity);
        place.and_then(|place| self.counts.get(place)).copied().unwrap_or(0)
    }

    /// How well the company is.
    pub fn health(&self) -> Health {
        let critical = self.issues(Severity::Critical) > 0;
        let score = self.quality.map(|quality| quality.score);
        let days = match self.runway {
            Ok(Runway::Days { days, .. }) => Some(days),
            Ok(Runway::NotBurning) => None,
            Err(_) if critical => return Health::NeedsAttention,
            Err(_) => return Health::Unknown,
        };
        let below = |most: i64| days.is_some_and(|days| days < most);
        if critical || below(self.policy.amber_below) || score.is_ok_and(|score| score < 70) {
            Health::NeedsAttention
        } else if below(self.policy.comfortable_from) || score.is_ok_and(|score| score < 85) {
            Health::Monitor
        } else {
            Health::Healthy
        }
    }

    /// Where it stands among others: the worst first, what is not known before what is well, who spends nothing last.
    pub fn order(&self) -> (Health, i64) {
        let days = match self.runway {
            Ok(Runway::Days { days, .. }) => days,
            Ok(Runway::NotBurning) => i64::MAX,
            Err(_) => i64::MAX - 1,
        };
        (self.health(), days)
    }

    /// The band of its runway, where that is so many days.
    pub fn band(&self) -> Option<Band> {
        match self.runway {
            Ok(Runway::Days { band, .. }) => Some(band),
            Ok(Runway::NotBurning) | Err(_) => None,
        }
    }
}

fn counted(facts: &Facts, found: &Tray, fresh: bool) -> Counted {
    let documents: Vec<_> = facts.documents.iter().filter(|it| it.status.word() != "void").collect();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let complete = documents.iter().filter(|it| {
        it.due.is_some()
            && it.party.is_some()
            && it.total.is_some_and(|total| !total.is_negative() && !total.is_zero())
    });
    let broken = |rules: &[Rule]| {
        let of = found.issues.iter().filter(|issue| rules.contains(&issue.rule));
        let of = of.filter_map(|issue| issue.of.first());
        let of = of.filter(|name| matches!(name.entity, Entity::Bill | Entity::Invoice));
        count(of.collect::<std::collections::BTreeSet<_>>().len())
    };
    let critical =
        found.issues.iter().any(|issue| issue.severity == Severity::Critical && !issue.rule.is_timing());
    Counted {
        records: count(documents.len()),
        complete: count(complete.count()),
        malformed: broken(&[Rule::MissingAmount, Rule::MissingIssueDate]),
        inverted: broken(&[Rule::DueBeforeTxn]),
        invalid: broken(&[
            Rule::IssueDateInFuture,
            Rule::ImplausibleDueDate,
            Rule::Uncategorised,
            Rule::OrphanedVendorRef,
            Rule::OrphanedCustomerRef,
            Rule::DuplicateBill,
            Rule::DuplicateInvoice,
        ]),
        fresh: (u32::from(fresh), 1),
        critical,
    }
}
