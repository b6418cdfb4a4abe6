//! The money of the companies in memory: the records of each are read once, kept up by the journal, and what they mean is
//! computed anew with each change and each day. What was not asked for long is dropped, but not what it came to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Standing, Summary};
use crate::ground::books::change::Texts;
use crate::ground::books::control::{Verdict, What as Total};
use crate::ground::books::mirror::{Books, Halted};
use crate::ground::books::{Connected, Entity, EntityId};
use crate::ground::finance::hygiene::Sync;
use crate::ground::finance::overlay::Overlay;
use crate::ground::finance::{Facts, RecordName};
use crate::ground::id::{ConnectionId, Object, Seq};
use crate::ground::journal::SubjectState;
use crate::ground::money::Currency;
use crate::ground::time::{CalendarDate, Instant, Zone};
use crate::store::{Asked, Ledger, MoneyBeside, StoreError};

/// Books that were last looked at longer ago are old (finance 3.5), in milliseconds.
const OLD_MS: i64 = 86_400_000;
/// Records of a kind that are read at a time.
const PAGE: usize = 1_000;
/// Entries since the last look that are followed one by one; beyond, everything is read again.
const FOLLOWED_MAX: u64 = 20_000;
/// Records of a company that are read one by one after they changed; beyond, all of them are.
const CHANGED_MAX: usize = 1_000;
/// Documents and payments of all companies that are held at a time.
const HELD_MAX: usize = 200_000;
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

/// What a standing was computed for: as long as this stays, so does it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Basis {
    today: CalendarDate,
    sync: Sync,
    overlay: Arc<Overlay>,
}

/// What is kept of a company.
#[derive(Default)]
struct Kept {
    facts: Option<Arc<Facts>>,
    /// Records that changed since they were read.
    changed: BTreeSet<RecordName>,
    standing: Option<(Basis, Arc<Standing>)>,
    /// What it came to, which stays where the records are let go.
    summary: Option<(Basis, Arc<Summary>)>,
    /// When it was asked for last, in turns.
    turn: u64,
}

/// What is in memory.
#[derive(Default)]
struct Held {
    /// The newest entry that was followed.
    seen: u64,
    turn: u64,
    companies: BTreeMap<ConnectionId, Kept>,
    beside: Option<Arc<MoneyBeside>>,
}

/// The companies that were looked at, in memory.
#[derive(Default)]
pub struct MoneyShelf(Mutex<Held>);

impl MoneyShelf {
    /// How a company stands now; none before its currency is known.
    pub fn standing(
        &self,
        reading: &Reading<'_>,
        company: &Connected,
    ) -> Result<Option<Arc<Standing>>, StoreError> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(basis) = held.basis(reading, company)? else { return Ok(None) };
        held.standing(reading, company, basis).map(Some)
    }

    /// What it comes to, without its records where nothing changed since they were let go.
    pub fn summary(
        &self,
        reading: &Reading<'_>,
        company: &Connected,
    ) -> Result<Option<Arc<Summary>>, StoreError> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(basis) = held.basis(reading, company)? else { return Ok(None) };
        if let Some(kept) = held.companies.get(&company.connection)
            && let Some((of, summary)) = &kept.summary
            && kept.changed.is_empty()
            && *of == basis
        {
            return Ok(Some(Arc::clone(summary)));
        }
        held.standing(reading, company, basis)?;
        let kept = held.companies.get(&company.connection).and_then(|kept| kept.summary.as_ref());
        Ok(kept.map(|(_, summary)| Arc::clone(summary)))
    }
}

/// How a company with these records stands.
fn stand(facts: Arc<Facts>, basis: &Basis) -> Standing {
    // What was set aside is in no figure, or in an old version.
    let mut seen = facts;
    if !basis.sync.aside.is_empty() {
        let unreadable = basis.sync.aside.iter().map(|name| name.entity);
        Arc::make_mut(&mut seen).unreadable.extend(unreadable);
    }
    Standing::of(seen, Arc::clone(&basis.overlay), &basis.sync, basis.today)
}

impl Kept {
    /// The records of a company as they are: those that changed are read again, or all of them.
    fn facts(&mut self, reading: &Reading<'_>, company: &Connected) -> Result<Arc<Facts>, StoreError> {
        let (zone, home) = (company.zone_or(reading.zone), company.home.unwrap_or(Currency::GBP));
        let changed = std::mem::take(&mut self.changed);
        // What lies on an account is told apart by what kind of account it is.
        let accounts = changed.iter().any(|name| name.entity == Entity::Account);
        let facts = match self.facts.take() {
            Some(facts) if changed.is_empty() => facts,
            Some(mut facts)
                if changed.len() <= CHANGED_MAX
                    && !accounts
                    && facts.unreadable.is_empty()
                    && facts.home == home =>
            {
                renew(reading, company, &zone, Arc::make_mut(&mut facts), &changed)?;
                facts
            }
            _ => Arc::new(read(reading, company, &zone, Facts::new(home))?),
        };
        self.facts = Some(Arc::clone(&facts));
        Ok(facts)
    }
}

impl Held {
    /// What a company is judged by now.
    fn basis(&mut self, reading: &Reading<'_>, company: &Connected) -> Result<Option<Basis>, StoreError> {
        if company.home.is_none() {
            return Ok(None);
        }
        self.follow(reading.ledger)?;
        let beside = match &self.beside {
            Some(beside) => Arc::clone(beside),
            None => Arc::new(reading.ledger.money_beside()?),
        };
        self.beside = Some(Arc::clone(&beside));
        let books = reading.ledger.books(company.connection)?;
        Ok(Some(Basis {
            today: company.zone_or(reading.zone).date_of(reading.now),
            sync: sync(&beside, company, &books, reading.now),
            overlay: beside.overlay(&company.realm),
        }))
    }

    fn standing(
        &mut self,
        reading: &Reading<'_>,
        company: &Connected,
        basis: Basis,
    ) -> Result<Arc<Standing>, StoreError> {
        self.turn += 1;
        let turn = self.turn;
        let kept = self.companies.entry(company.connection).or_default();
        kept.turn = turn;
        if let Some((of, standing)) = &kept.standing
            && kept.changed.is_empty()
            && *of == basis
        {
            return Ok(Arc::clone(standing));
        }
        let facts = kept.facts(reading, company)?;
        let standing = Arc::new(stand(facts, &basis));
        kept.summary = Some((basis.clone(), Arc::new(standing.summary())));
        kept.standing = Some((basis, Arc::clone(&standing)));
        self.drop_what_is_too_much(company.connection);
        Ok(standing)
    }

    /// Follows the journal since the last look: which records changed, and whether anything beside them did.
    fn follow(&mut self, ledger: &Ledger<'_>) -> Result<(), StoreError> {
        let newest = ledger.last_seq()?.0;
        if newest < self.seen {
            // Whoever looks at an older moment reads what changed since from there: it is followed again.
            self.seen = newest;
            return Ok(());
        }
        if newest - self.seen > FOLLOWED_MAX {
            *self = Self { seen: newest, turn: self.turn, ..Self::default() };
            return Ok(());
        }
        for seq in self.seen + 1..=newest {
            let key = ledger.header(seq)?.key;
            match key.object {
                Object::Book(entity) => {
                    if let (Some(kept), Some(id)) =
                        (self.companies.get_mut(&key.connection), EntityId::new(&key.foreign.to_string()))
                    {
                        kept.changed.insert(RecordName { entity, id });
                    }
                }
                Object::MoneySaid | Object::MoneyDecision | Object::BooksAside | Object::BooksChange => {
                    self.beside = None;
                }
                _ => {}
            }
        }
        self.seen = newest;
        Ok(())
    }

    /// Lets go of the records of companies that were not asked for longest, beyond what may be held. What they came to
    /// stays as long as nothing changes.
    fn drop_what_is_too_much(&mut self, but: ConnectionId) {
        let size = |facts: &Arc<Facts>| facts.documents.len() + facts.flows.len();
        let mut held: usize = self.companies.values().filter_map(|kept| kept.facts.as_ref()).map(size).sum();
        while held > HELD_MAX {
            let others = self.companies.iter_mut().filter(|(id, kept)| **id != but && kept.facts.is_some());
            let Some((_, oldest)) = others.min_by_key(|(_, kept)| kept.turn) else { return };
            held -= oldest.facts.take().as_ref().map_or(0, size);
            // A standing holds its records too.
            oldest.standing = None;
        }
    }
}

fn renew(
    reading: &Reading<'_>,
    company: &Connected,
    zone: &Zone,
    facts: &mut Facts,
    changed: &BTreeSet<RecordName>,
) -> Result<(), StoreError> {
    for name in changed.iter().filter(|name| !ASIDE.contains(&name.entity)) {
        facts.forget(name);
        let record = reading.ledger.book(company.connection, name.entity, &name.id)?;
        // One that was merged leads to another, which is there by itself.
        let own = record.filter(|record| {
            record.state == SubjectState::Live && record.key.foreign.to_string() == name.id.as_str()
        });
        if let Some(record) = own {
            take(reading, zone, facts, name.entity, &record.value);
        }
    }
    Ok(())
}

fn take(reading: &Reading<'_>, zone: &Zone, facts: &mut Facts, entity: Entity, json: &str) {
    match reading.texts.record(entity, json, facts.home) {
        Some(record) => facts.add(&record, zone),
        None => {
            facts.unreadable.insert(entity);
        }
    }
}

fn read(
    reading: &Reading<'_>,
    company: &Connected,
    zone: &Zone,
    mut facts: Facts,
) -> Result<Facts, StoreError> {
    // Accounts are first among the kinds: what lies on them is told apart by them.
    for entity in Entity::ALL.iter().copied().filter(|entity| !ASIDE.contains(entity)) {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = reading.ledger.book_page(company.connection, entity, after.as_deref(), PAGE)?;
            for record in &page.items {
                take(reading, zone, &mut facts, entity, &record.value);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(facts)
}

/// How a company stood when an entry was the newest, at the end of a day: its records, what was said and what was decided
/// then. How the books themselves were told is not kept, and is not judged.
pub fn standing_as_of(
    reading: &Reading<'_>,
    company: &Connected,
    as_of: Seq,
    today: CalendarDate,
) -> Result<Option<Standing>, StoreError> {
    let Some(home) = company.home else { return Ok(None) };
    let zone = company.zone_or(reading.zone);
    let mut facts = Facts::new(home);
    for entity in Entity::ALL.iter().copied().filter(|entity| !ASIDE.contains(entity)) {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let state = Some(SubjectState::Live);
            let asked = Asked { as_of, state, after: after.as_deref(), limit: PAGE };
            let page = reading.ledger.list_as_of(company.connection, Object::Book(entity), &asked)?;
            let page = reading.ledger.records(page)?;
            for record in &page.items {
                take(reading, &zone, &mut facts, entity, &record.value);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    let overlay = reading.ledger.money_beside_as_of(as_of)?.overlay(&company.realm);
    Ok(Some(Standing::of(Arc::new(facts), overlay, &Sync::default(), today)))
}

fn sync(beside: &MoneyBeside, company: &Connected, books: &Books, now: Instant) -> Sync {
    let is_old = books.complete_as_of.is_none_or(|at| now.micros_since(at) > OLD_MS * 1_000);
    let gaps = books.verdicts.iter().filter_map(|verdict| match verdict {
        Verdict::Gap(figure, _) => Some((what(figure.what), figure.gap().to_string())),
        Verdict::Proven(_) | Verdict::Unknown(..) => None,
    });
    let reconnect = books.halted == Some(Halted::Reconnect);
    Sync {
        is_old,
        trouble: books.trouble.as_ref().map(|trouble| trouble.said.clone()).filter(|_| !reconnect),
        reconnect,
        gaps: gaps.collect(),
        aside: beside.aside(&company.realm),
        stuck: beside.stuck(&company.realm),
    }
}

const fn what(what: Total) -> &'static str {
    match what {
        Total::Receivable => "receivable",
        Total::Payable => "payable",
        Total::Accounts => "accounts",
    }
}
