//! How far the mirror of one company is, and what is due for it next (contract 3 to 5, finance 5.2).
//!
//! A *load* reads every record once and counts both sides. A *look* asks for what changed since the last one. A *control*
//! proves that the books add up. A *comparison* of ids finds what was deleted without a trace.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::changes::{Look, look};
use super::control::Verdict;
use super::id::Entity;
use super::schedule::{self, Due, Hooks, Intervals, Standing};
use crate::ground::mirror::Freshness;
use crate::ground::time::Instant;

/// So long a webhook waits for others of the same company, in milliseconds: one look serves them all (finance 5.2).
const GATHER_MS: i64 = 5_000;
/// The first pause after a call that did not work, and the longest, in milliseconds.
const PAUSE_MS: i64 = 2_000;
const PAUSE_MAX_MS: i64 = 300_000;
/// Rows of a page at most, and at least where pages of many did not come (contract 3.2).
pub const ROWS_MAX: u32 = 1_000;
const ROWS_MIN: u32 = 50;

/// The order of a load: the company first, since amounts are read in its currency; names before what names them.
pub const LOADED: [Entity; 23] = [
    Entity::Preferences,
    Entity::CompanyInfo,
    Entity::Account,
    Entity::Term,
    Entity::PaymentMethod,
    Entity::Class,
    Entity::Department,
    Entity::Item,
    Entity::Customer,
    Entity::Vendor,
    Entity::Invoice,
    Entity::CreditMemo,
    Entity::SalesReceipt,
    Entity::RefundReceipt,
    Entity::Payment,
    Entity::Bill,
    Entity::VendorCredit,
    Entity::BillPayment,
    Entity::Purchase,
    Entity::Deposit,
    Entity::Transfer,
    Entity::JournalEntry,
    Entity::Attachable,
];

/// How far the mirror of a company is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Books {
    /// The load under way.
    pub load: Option<Load>,
    /// When the last complete look or load began: everything that changed before is here.
    pub complete_as_of: Option<Instant>,
    /// Somebody asked for a look.
    pub asked_at: Option<Instant>,
    /// Somebody asked for everything to be read again.
    pub load_asked_at: Option<Instant>,
    /// When the totals were last controlled.
    pub controlled_at: Option<Instant>,
    /// What came of it.
    pub verdicts: Vec<Verdict>,
    /// Since when a total differs.
    pub differs_since: Option<Instant>,
    /// A total differed at first sight: what changed since the last look is read before that is believed.
    pub recheck: bool,
    /// When all ids were last compared.
    pub compared_at: Option<Instant>,
    /// Kinds whose ids are being compared.
    pub compare: BTreeSet<Entity>,
    /// What the last comparison of all ids cost, in calls.
    pub ids_calls: u32,
    /// How well webhooks tell.
    pub hooks: Hooks,
    /// What went wrong last, in plain words, and since when nothing went right.
    pub trouble: Option<Trouble>,
    /// How often in a row it went wrong.
    pub failures: u32,
    /// Nothing before this.
    pub not_before: Option<Instant>,
    /// Why the company is left alone until a person acts.
    pub halted: Option<Halted>,
    /// A person stopped it.
    pub paused: bool,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// In plain words.
    pub said: String,
    /// Since when.
    pub since: Instant,
}

/// Why a company is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Halted {
    /// It must be connected again.
    Reconnect,
    /// Its subscription at QuickBooks has ended.
    Lapsed,
}

/// A load: every kind page by page, then both sides counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// When it began.
    pub began_at: Instant,
    /// Which kind, by its place in [`LOADED`].
    pub place: usize,
    /// Whether all pages were read, and kinds are being counted.
    pub counting: bool,
    /// From which row the next page begins, the first being 1.
    pub start: u32,
    /// Rows of a page.
    pub max: u32,
    /// Rows read.
    pub rows: u64,
    /// Calls made.
    pub calls: u32,
}

impl Load {
    /// A load that begins.
    pub const fn begin(now: Instant) -> Self {
        Self { began_at: now, place: 0, counting: false, start: 1, max: ROWS_MAX, rows: 0, calls: 0 }
    }

    /// The kind that is read or counted now.
    pub fn entity(&self) -> Option<Entity> {
        LOADED.get(self.place).copied()
    }

    /// A page was read; the next one begins at `next`, or the kind is done.
    pub fn read(&mut self, rows: usize, next: Option<u32>) {
        self.rows += rows as u64;
        self.calls += 1;
        match next {
            Some(next) => self.start = next,
            None => self.next_kind(),
        }
    }

    fn next_kind(&mut self) {
        (self.place, self.start, self.max) = (self.place + 1, 1, ROWS_MAX);
        if self.place == LOADED.len() && !self.counting {
            (self.counting, self.place) = (true, 0);
        }
        // The company and its preferences are one each: there is nothing to count.
        while self.counting && self.entity().is_some_and(|entity| !is_counted(entity)) {
            self.place += 1;
        }
    }

    /// A kind was counted.
    pub fn counted(&mut self) {
        self.calls += 1;
        self.next_kind();
    }

    /// Whether everything was read and counted.
    pub const fn is_done(&self) -> bool {
        self.counting && self.place >= LOADED.len()
    }

    /// A page of many rows did not come: a smaller one may (contract 3.2).
    pub fn smaller(&mut self) {
        self.max = (self.max / 2).max(ROWS_MIN);
    }
}

/// Whether there can be many of a kind.
pub const fn is_counted(entity: Entity) -> bool {
    !matches!(entity, Entity::CompanyInfo | Entity::Preferences)
}

/// What is done next for a company: at most a few calls each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// The next page or count of a load.
    Load,
    /// A look for what changed since then.
    Look(Instant),
    /// A control of totals.
    Control,
    /// A comparison of the ids of a kind.
    Compare(Entity),
}

impl Books {
    /// Where it stands for the schedule; `told_at` is when the oldest event that waits came.
    pub fn standing(&self, told_at: Option<Instant>, now: Instant) -> Standing {
        Standing {
            looked_at: self.complete_as_of,
            controlled_at: self.controlled_at,
            compared_at: self.compared_at,
            differs: self.differs_since > self.compared_at,
            told: told_at.is_some_and(|at| now >= at.plus_millis(GATHER_MS) || now < at),
            proven: self.hooks.are_proven(now),
            ids_calls: self.ids_calls,
        }
    }

    /// Whether anything may be done at all.
    pub const fn is_open(&self) -> bool {
        !self.paused && self.halted.is_none()
    }

    /// What is due now.
    pub fn due(&self, told_at: Option<Instant>, intervals: Option<Intervals>, now: Instant) -> Option<Job> {
        if !self.is_open() || self.not_before.is_some_and(|until| now < until) {
            return None;
        }
        let looked = look(self.complete_as_of, now);
        let Look::Since(since) = looked else { return Some(Job::Load) };
        if self.load.is_some() || self.load_asked_at.is_some() {
            return Some(Job::Load);
        }
        if self.asked_at.is_some() {
            return Some(Job::Look(since));
        }
        match schedule::due(&self.standing(told_at, now), intervals, now) {
            Some(Due::Look) => Some(Job::Look(since)),
            // A comparison goes on before anything rests on what it finds.
            _ if !self.compare.is_empty() => self.compare.first().copied().map(Job::Compare),
            Some(Due::Ids) => Some(Job::Compare(Entity::Account)),
            Some(Due::Control) => Some(Job::Control),
            None => None,
        }
    }

    /// When something may be due next, if nobody asks and nothing is told.
    pub fn next_at(
        &self,
        told_at: Option<Instant>,
        intervals: Option<Intervals>,
        now: Instant,
    ) -> Option<Instant> {
        if !self.is_open() {
            return None;
        }
        let proven = self.hooks.are_proven(now);
        let every = intervals.map(|all| if proven { all.proven_ms } else { all.look_ms });
        let look_at = self.complete_as_of.zip(every).map(|(at, every)| at.plus_millis(every));
        let told = told_at.map(|at| at.plus_millis(GATHER_MS));
        let soonest = [look_at, told].into_iter().flatten().min();
        soonest.max(self.not_before).or(self.not_before)
    }

    /// A load goes on, or begins.
    pub fn begin_load(&mut self, now: Instant) -> Load {
        self.load.clone().unwrap_or_else(|| Load::begin(now))
    }

    /// Everything was read and counted. What changed meanwhile is looked for at once; kinds whose counts differ are compared.
    pub fn end_load(&mut self, load: &Load) {
        self.load = None;
        self.complete_as_of = Some(load.began_at);
        self.asked_at = Some(load.began_at);
        self.load_asked_at = self.load_asked_at.filter(|at| *at > load.began_at);
        self.controlled_at = None;
        self.well();
    }

    /// A look that began then is complete.
    pub fn end_look(&mut self, began_at: Instant) {
        self.complete_as_of = Some(began_at);
        // A load asks for a look from its own begin on: whatever look began after it serves.
        self.asked_at = self.asked_at.filter(|at| *at > began_at);
        self.well();
    }

    /// The totals were controlled.
    pub fn controlled(&mut self, verdicts: Vec<Verdict>, now: Instant) {
        let differs = verdicts.iter().any(|verdict| matches!(verdict, Verdict::Gap(..)));
        let same = verdicts == self.verdicts;
        self.well();
        if differs && self.differs_since.is_none() && !self.recheck {
            (self.recheck, self.asked_at, self.controlled_at) = (true, Some(now), None);
            return;
        }
        self.recheck = false;
        // A gap that a comparison did not close is not looked into again before it changes.
        self.differs_since = match (differs, self.differs_since) {
            (false, _) => None,
            (true, Some(since)) if same => Some(since),
            (true, _) => Some(now),
        };
        self.verdicts = verdicts;
        self.controlled_at = Some(now);
    }

    /// The ids of a kind are compared; the first one begins a comparison of all.
    pub fn begin_compare(&mut self) {
        if self.compare.is_empty() {
            self.compare = LOADED.into_iter().filter(|entity| is_counted(*entity)).collect();
            self.ids_calls = 0;
        }
    }

    /// The ids of a kind were compared, with so many calls. After the last one the totals are controlled again.
    pub fn compared(&mut self, entity: Entity, calls: u32, now: Instant) {
        self.compare.remove(&entity);
        self.ids_calls += calls;
        if self.compare.is_empty() {
            self.compared_at = Some(now);
            self.controlled_at = self.controlled_at.filter(|_| self.differs_since.is_none());
        }
        self.well();
    }

    fn well(&mut self) {
        (self.trouble, self.failures, self.not_before) = (None, 0, None);
    }

    /// It did not work: a pause that grows, or as long as was told.
    pub fn failed(&mut self, said: String, after_ms: Option<i64>, now: Instant) {
        let own = PAUSE_MS.saturating_mul(1 << self.failures.min(10)).min(PAUSE_MAX_MS);
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(now.plus_millis(after_ms.unwrap_or(own).max(own)));
        self.note(said, now);
    }

    /// A person has to act before anything is tried again.
    pub fn halt(&mut self, why: Halted, said: String, now: Instant) {
        self.halted = Some(why);
        self.note(said, now);
    }

    fn note(&mut self, said: String, now: Instant) {
        let since = self.trouble.as_ref().map_or(now, |trouble| trouble.since);
        self.trouble = Some(Trouble { said, since });
    }

    /// It was connected again, or paid for: everything goes on.
    pub fn resume(&mut self, now: Instant) {
        self.halted = None;
        self.asked_at = Some(now);
        self.well();
    }

    /// How old the mirror is, when a look is promised every `every_ms` milliseconds.
    pub fn freshness(&self, now: Instant, every_ms: i64) -> Freshness {
        let promise = every_ms.saturating_mul(1_500);
        match self.complete_as_of.map(|at| now.micros_since(at)) {
            None => Freshness::Never,
            Some(age) if age < 0 => Freshness::Stale,
            Some(age) if age <= promise => Freshness::Fresh,
            Some(age) if age <= promise.saturating_mul(2) => Freshness::Late,
            Some(_) => Freshness::Stale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::books::schedule::{LOOK_MS, LOOK_PROVEN_MS};

    const EVERY: Option<Intervals> = Some(Intervals { look_ms: LOOK_MS, proven_ms: LOOK_PROVEN_MS });

    fn at(minutes: i64) -> Instant {
        Instant(0).plus_millis(minutes * 60_000 + 1_000_000_000)
    }

    fn loaded() -> Books {
        let mut books = Books::default();
        let mut load = books.begin_load(at(0));
        while !load.is_done() {
            if load.counting { load.counted() } else { load.read(1, None) }
        }
        books.end_load(&load);
        books
    }

    #[test]
    fn every_kind_is_loaded_once_and_all_but_the_company_counted() {
        let mut kinds: Vec<Entity> = LOADED.to_vec();
        kinds.sort_unstable();
        assert_eq!(kinds, Entity::ALL);
        let mut load = Load::begin(at(0));
        let (mut read, mut counted) = (0, 0);
        while !load.is_done() {
            if load.counting {
                assert!(is_counted(load.entity().unwrap()));
                counted += 1;
                load.counted();
            } else {
                read += 1;
                load.read(3, None);
            }
        }
        assert_eq!((read, counted, load.rows, load.calls), (23, 21, 69, 44));
    }

    #[test]
    fn pages_follow_each_other_and_become_smaller_where_they_do_not_come() {
        let mut load = Load { place: 10, ..Load::begin(at(0)) };
        load.read(1_000, Some(1_001));
        assert_eq!((load.start, load.entity()), (1_001, Some(Entity::Invoice)));
        load.smaller();
        assert_eq!(load.max, 500);
        (0..9).for_each(|_| load.smaller());
        assert_eq!(load.max, ROWS_MIN);
        load.read(7, None);
        assert_eq!((load.start, load.max, load.entity()), (1, ROWS_MAX, Some(Entity::CreditMemo)));
    }

    #[test]
    fn first_a_load_then_a_look_from_its_begin_then_a_control_then_rest() {
        assert_eq!(Books::default().due(None, EVERY, at(0)), Some(Job::Load));
        let mut books = loaded();
        let since = at(0).plus_millis(-120_000);
        assert_eq!(books.due(None, EVERY, at(1)), Some(Job::Look(since)));
        books.end_look(at(1));
        // A week without a comparison is over: it was never made.
        assert_eq!(books.due(None, EVERY, at(2)), Some(Job::Compare(Entity::Account)));
        books.begin_compare();
        for entity in LOADED.into_iter().filter(|entity| is_counted(*entity)) {
            books.compared(entity, 1, at(3));
        }
        assert_eq!((books.due(None, EVERY, at(3)), books.ids_calls), (Some(Job::Control), 21));
        books.controlled(Vec::new(), at(3));
        assert_eq!(books.due(None, EVERY, at(3)), None);
        assert_eq!(books.next_at(None, EVERY, at(3)), Some(at(16)));
        assert_eq!(books.due(None, EVERY, at(16)), Some(Job::Look(at(1).plus_millis(-120_000))));
    }

    #[test]
    fn what_webhooks_tell_is_gathered_for_five_seconds() {
        let mut books = loaded();
        books.end_look(at(1));
        books.compared_at = Some(at(1));
        books.controlled(Vec::new(), at(1));
        let told = Some(at(2));
        assert_eq!(books.due(told, EVERY, at(2)), None);
        assert_eq!(books.next_at(told, EVERY, at(2)), Some(at(2).plus_millis(5_000)));
        assert!(matches!(books.due(told, EVERY, at(2).plus_millis(5_000)), Some(Job::Look(_))));
        assert!(
            matches!(books.due(told, EVERY, at(1)), Some(Job::Look(_))),
            "a clock set back does not wait"
        );
    }

    #[test]
    fn a_gap_is_compared_once_and_again_only_when_it_changes() {
        use crate::ground::books::control::{Explanation, Figure, What};
        let gap = |mirrored: &str| {
            let currency = "USD".parse().unwrap();
            let (mirrored, reported) = (mirrored.parse().unwrap(), "1.00".parse().unwrap());
            let what = What::Receivable;
            Verdict::Gap(
                Figure { what, currency, mirrored, reported, by_names: None },
                Explanation::default(),
            )
        };
        let mut books = loaded();
        books.end_look(at(1));
        books.compared_at = Some(at(1));
        books.controlled(vec![gap("2.00")], at(2));
        assert!(matches!(books.due(None, EVERY, at(2)), Some(Job::Look(_))), "it may be a change since");
        books.end_look(at(2));
        assert_eq!(books.due(None, EVERY, at(2)), Some(Job::Control));
        books.controlled(vec![gap("2.00")], at(2));
        assert_eq!(books.due(None, EVERY, at(2)), Some(Job::Compare(Entity::Account)));
        books.begin_compare();
        for entity in LOADED.into_iter().filter(|entity| is_counted(*entity)) {
            books.compared(entity, 1, at(3));
        }
        assert_eq!(books.due(None, EVERY, at(3)), Some(Job::Control), "what was found may have closed it");
        books.controlled(vec![gap("2.00")], at(4));
        assert_eq!(books.due(None, EVERY, at(4)), None, "it stands, named, and costs nothing more");
        books.controlled(vec![gap("3.00")], at(5));
        assert_eq!(books.due(None, EVERY, at(5)), Some(Job::Compare(Entity::Account)));
        books.controlled(Vec::new(), at(6));
        assert_eq!(books.differs_since, None);
    }

    #[test]
    fn failures_wait_longer_each_time_and_a_halt_waits_for_a_person() {
        let mut books = loaded();
        books.failed("no answer".into(), None, at(1));
        assert_eq!(books.not_before, Some(at(1).plus_millis(2_000)));
        books.failed("no answer".into(), Some(60_000), at(2));
        assert_eq!(books.not_before, Some(at(3)));
        assert_eq!(books.trouble.as_ref().map(|trouble| trouble.since), Some(at(1)));
        assert_eq!(books.due(None, EVERY, at(2)), None);
        assert!(books.due(None, EVERY, at(3)).is_some());
        books.halt(Halted::Reconnect, "connect it again".into(), at(4));
        assert_eq!((books.due(None, EVERY, at(500)), books.next_at(None, EVERY, at(500))), (None, None));
        books.resume(at(501));
        assert!(matches!(books.due(None, EVERY, at(501)), Some(Job::Look(_))));
        assert_eq!(books.trouble, None);
    }
}
