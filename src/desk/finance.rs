//! How a company's money stands: its records read once, kept in memory as long as none of them changes, and judged anew with
//! each day (finance 2 to 4). Nothing is called, and nothing is stored.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::ground::books::change::Texts;
use crate::ground::books::control::Verdict;
use crate::ground::books::mirror::{Books, Halted};
use crate::ground::books::{Connected, Entity};
use crate::ground::finance::burn::{self, Burn, Runway};
use crate::ground::finance::facts::Side;
use crate::ground::finance::hygiene::{Sync, Tray, tray};
use crate::ground::finance::policy::Band;
use crate::ground::finance::quality::{Counted, Quality, quality};
use crate::ground::finance::rules::{Rule, Severity};
use crate::ground::finance::{Facts, Figure, Known, Policy, RecordName, aging};
use crate::ground::id::{ConnectionId, Object};
use crate::ground::journal::SubjectState;
use crate::ground::money::Money;
use crate::ground::time::{CalendarDate, Instant, Zone};
use crate::store::{Ledger, StoreError};

/// Books that were last looked at longer ago are old (finance 3.5), in milliseconds.
const OLD_MS: i64 = 86_400_000;
/// Records of a kind that are read at a time.
const PAGE: usize = 1_000;
/// Kinds that say nothing of money by themselves.
const ASIDE: [Entity; 7] = [
    Entity::Item,
    Entity::Class,
    Entity::Department,
    Entity::PaymentMethod,
    Entity::Attachable,
    Entity::CompanyInfo,
    Entity::Preferences,
];

/// How a company stands, on a day.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its records.
    pub facts: Arc<Facts>,
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
    /// How good the records are.
    pub quality: Known<Quality>,
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
    fn of(facts: Arc<Facts>, policy: Policy, sync: &Sync, fresh: bool, today: CalendarDate) -> Self {
        let cash = burn::cash(&facts, &policy, &[]);
        let burned = burn::burn(&facts, &policy, today);
        let found = tray(&facts, &policy, &burned.value, sync, today);
        Self {
            restricted: burn::restricted(&facts, &policy),
            inflow: burned.window.map(|window| burn::inflow(&facts, window)),
            runway: burn::runway(&cash.value, &burned.value, &policy, today),
            payable: aging::open(&facts, Side::Bill),
            receivable: aging::open(&facts, Side::Invoice),
            quality: quality(counted(&facts, &found, fresh)),
            tray: found,
            burn: burned,
            cash,
            facts,
            today,
            policy,
        }
    }

    /// Issues of a severity.
    pub fn issues(&self, severity: Severity) -> usize {
        self.tray.issues.iter().filter(|issue| issue.severity == severity).count()
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
        count(of.filter_map(|issue| issue.of.first()).collect::<std::collections::BTreeSet<_>>().len())
    };
    let critical =
        found.issues.iter().any(|issue| issue.severity == Severity::Critical && !issue.rule.is_timing());
    Counted {
        records: count(documents.len()),
        complete: count(complete.count()),
        malformed: broken(&[Rule::MissingAmount, Rule::MissingIssueDate]),
        inverted: broken(&[Rule::DueBeforeTxn]),
        invalid: broken(&[Rule::IssueDateInFuture, Rule::ImplausibleDueDate]),
        fresh: (u32::from(fresh), 1),
        critical,
    }
}

/// What is kept of a company.
struct Kept {
    stamp: u64,
    facts: Arc<Facts>,
    standing: Option<(CalendarDate, Sync, Arc<Standing>)>,
}

/// The companies that were looked at, in memory.
#[derive(Default)]
pub struct MoneyShelf(Mutex<BTreeMap<ConnectionId, Kept>>);

/// What is needed to read a company.
pub struct Reading<'l> {
    /// The ledger.
    pub ledger: &'l Ledger<'l>,
    /// What reads a record.
    pub texts: &'l dyn Texts,
    /// The organisation's zone, for companies that tell none.
    pub zone: &'l Zone,
    /// The moment.
    pub now: Instant,
}

impl MoneyShelf {
    /// How a company stands now; none before its currency is known.
    pub fn standing(
        &self,
        reading: &Reading<'_>,
        company: &Connected,
    ) -> Result<Option<Arc<Standing>>, StoreError> {
        let Some(home) = company.home else { return Ok(None) };
        let ledger = reading.ledger;
        let stamp = stamp(ledger, company.connection)?;
        let today = company.zone_or(reading.zone).date_of(reading.now);
        let books = ledger.books(company.connection)?;
        let sync = sync(ledger, company, &books, reading.now)?;
        let known = {
            let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.get(&company.connection).filter(|kept| kept.stamp == stamp).map(|kept| {
                let standing = kept.standing.clone();
                let standing = standing.filter(|(day, of, _)| *day == today && *of == sync);
                (Arc::clone(&kept.facts), standing.map(|(_, _, standing)| standing))
            })
        };
        if let Some((_, Some(standing))) = known {
            return Ok(Some(standing));
        }
        let facts = match known {
            Some((facts, _)) => facts,
            None => Arc::new(read(reading, company, Facts::new(home))?),
        };
        // What was set aside is in no figure, or in an old version.
        let mut seen = Arc::clone(&facts);
        if !sync.aside.is_empty() {
            let unreadable = sync.aside.iter().map(|name| name.entity);
            Arc::make_mut(&mut seen).unreadable.extend(unreadable);
        }
        let standing = Arc::new(Standing::of(seen, Policy::default(), &sync, !sync.is_old, today));
        let kept = Kept { stamp, facts, standing: Some((today, sync, Arc::clone(&standing))) };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(company.connection, kept);
        Ok(Some(standing))
    }
}

/// The newest entry of any record of the company: as long as it stays, so do its facts.
fn stamp(ledger: &Ledger<'_>, company: ConnectionId) -> Result<u64, StoreError> {
    let mut newest = 0;
    for object in Object::books() {
        for state in [SubjectState::Live, SubjectState::Deleted, SubjectState::Merged] {
            let page = ledger.newest_entries(company, object, state, None, 1)?;
            newest = page.items.first().map_or(newest, |seq| newest.max(seq.0));
        }
    }
    Ok(newest)
}

fn read(reading: &Reading<'_>, company: &Connected, mut facts: Facts) -> Result<Facts, StoreError> {
    let home = facts.home;
    // Accounts are first among the kinds: what lies on them is told apart by them.
    for entity in Entity::ALL.iter().copied().filter(|entity| !ASIDE.contains(entity)) {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = reading.ledger.book_page(company.connection, entity, after.as_deref(), PAGE)?;
            for record in &page.items {
                match reading.texts.record(entity, &record.value, home) {
                    Some(record) => facts.add(&record),
                    None => {
                        facts.unreadable.insert(entity);
                    }
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(facts)
}

fn sync(ledger: &Ledger<'_>, company: &Connected, books: &Books, now: Instant) -> Result<Sync, StoreError> {
    let is_old = books.complete_as_of.is_none_or(|at| now.micros_since(at) > OLD_MS * 1_000);
    let aside = ledger.books_aside()?.into_iter().map(|aside| aside.value);
    let aside = aside.filter(|aside| aside.realm == company.realm);
    let aside = aside.filter_map(|aside| Some(RecordName { entity: aside.entity, id: aside.id? }));
    let changes = ledger.books_changes_open()?;
    let stuck = changes.iter().map(|change| &change.value);
    let stuck = stuck.filter(|change| change.realm == company.realm && change.state.needs_a_person());
    let gaps = books.verdicts.iter().filter_map(|verdict| match verdict {
        Verdict::Gap(figure, _) => Some((what(figure.what), figure.gap().to_string())),
        Verdict::Proven(_) | Verdict::Unknown(..) => None,
    });
    let reconnect = books.halted == Some(Halted::Reconnect);
    Ok(Sync {
        is_old,
        trouble: books.trouble.as_ref().map(|trouble| trouble.said.clone()).filter(|_| !reconnect),
        reconnect,
        gaps: gaps.collect(),
        aside: aside.collect(),
        stuck: stuck.count(),
    })
}

const fn what(what: crate::ground::books::control::What) -> &'static str {
    match what {
        crate::ground::books::control::What::Receivable => "receivable",
        crate::ground::books::control::What::Payable => "payable",
        crate::ground::books::control::What::Accounts => "accounts",
    }
}
