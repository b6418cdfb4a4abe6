//! Decides from stored state what is due for which company, and keeps a few of them at work at the same time. A company
//! that fails or waits stops nobody else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::Pin;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::call::Stop;
use super::compare::Compare;
use super::control::Control;
use super::load::{self, Step};
use super::look::Look;
use super::{BooksMeans, Of, connect, seen_there, write};
use crate::ground::books::consent::Stage;
use crate::ground::books::mirror::{Books, Halted, Job};
use crate::ground::books::schedule::{Demand, Intervals, intervals};
use crate::ground::books::{Connected, RealmId};
use crate::ground::id::ConnectionId;
use crate::ground::time::Instant;
use crate::rails::qbo::{Fault, Then};
use crate::runs::Next;
use crate::store::{Changes, Fail, Ledger, StoreError};

/// Companies at work at the same time.
const AT_WORK_MAX: usize = 16;
/// Looks that found nothing wait for others at most so long before they are stored, in milliseconds.
const QUIET_MS: i64 = 5_000;
/// Pause after the ledger did not answer, in milliseconds.
const STORE_MS: i64 = 1_000;
/// How often it is looked whether the tokens of a company that rests are about to end, in milliseconds.
const ALIVE_MS: i64 = 3_600_000;

/// What a company is at.
enum Work {
    Load,
    Look(Look),
    Control(Control),
    Compare(Compare),
    Write,
    KeepAlive,
    Forget,
    Exchange(Vec<u8>),
}

/// Who is at work: a company, or a consent that is being exchanged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Company(RealmId),
    Consent(Vec<u8>),
}

/// What a stretch of work came to.
enum Ended {
    Done,
    /// A look that found nothing, and when it began: stored together with others.
    Quiet(Instant),
}

/// A stretch of work that ended.
pub struct Finished {
    who: Who,
    connection: Option<ConnectionId>,
    work: Work,
    outcome: Result<Ended, Stop>,
}

type Flying = Pin<Box<dyn Future<Output = Finished> + Send>>;

/// Keeps the books of all companies.
pub struct Keeper {
    means: BooksMeans,
    flying: FuturesUnordered<Flying>,
    busy: BTreeSet<Who>,
    /// Work that waits for a call, and until when.
    resting: BTreeMap<Who, (Instant, Option<Work>)>,
    /// Who could be at work if fewer were.
    ready: VecDeque<Who>,
    /// Looks that found nothing and are not stored yet.
    quiet: Vec<(RealmId, ConnectionId, Instant)>,
    /// When something may be due for a company.
    next_at: BTreeMap<RealmId, Instant>,
    alive_at: BTreeMap<RealmId, Instant>,
    /// How often companies are looked at, as the rest of the month allows.
    every: Option<Intervals>,
    /// Everything is looked at again.
    scan: bool,
}

impl Keeper {
    /// A keeper that has looked at nothing yet.
    pub fn new(means: BooksMeans) -> Self {
        Self {
            means,
            flying: FuturesUnordered::new(),
            busy: BTreeSet::new(),
            resting: BTreeMap::new(),
            ready: VecDeque::new(),
            quiet: Vec::new(),
            next_at: BTreeMap::new(),
            alive_at: BTreeMap::new(),
            every: None,
            scan: true,
        }
    }

    /// Something happened, or time passed: the next start looks at everything.
    pub const fn wake(&mut self) {
        self.scan = true;
    }

    /// Whether anybody is at work.
    pub fn is_busy(&self) -> bool {
        !self.flying.is_empty()
    }

    /// Puts to work whatever is due; answers until when there is nothing more to start.
    pub fn start(&mut self) -> Next {
        let now = self.means.world.now();
        if self.next_at.values().any(|at| *at <= now) || self.resting.values().any(|(at, _)| *at <= now) {
            self.scan = true;
        }
        if std::mem::take(&mut self.scan) && self.look_around(now).is_err() {
            self.scan = true;
            return Next::Wait(now.plus_millis(STORE_MS));
        }
        while self.flying.len() < AT_WORK_MAX
            && let Some(who) = self.ready.pop_front()
        {
            if !self.busy.contains(&who) && self.put_to_work(who, now).is_err() {
                self.scan = true;
                return Next::Wait(now.plus_millis(STORE_MS));
            }
        }
        let resting = self.resting.values().map(|(at, _)| *at);
        let soonest = self.next_at.values().copied().chain(resting).min();
        soonest.map_or(Next::Idle, Next::Wait)
    }

    /// The next stretch of work that ends. To be asked only while somebody is at work.
    pub async fn finished(&mut self) -> Option<Finished> {
        self.flying.next().await
    }

    /// Stores what a stretch of work came to, and sees what is next for its company.
    pub async fn take(&mut self, finished: Finished) {
        let now = self.means.world.now();
        let Finished { who, connection, work, outcome } = finished;
        match outcome {
            Ok(Ended::Done) => self.free(who),
            Ok(Ended::Quiet(began_at)) => {
                if let (Who::Company(realm), Some(connection)) = (&who, connection) {
                    self.quiet.push((realm.clone(), connection, began_at));
                }
            }
            Err(Stop::Until(until)) => {
                self.busy.remove(&who);
                self.resting.insert(who, (until, Some(work)));
            }
            Err(Stop::Store(error)) => {
                tracing::error!(event = "qbo_store_failed", %error);
                self.busy.remove(&who);
                self.resting.insert(who, (now.plus_millis(STORE_MS), None));
            }
            Err(Stop::Fault(fault)) => {
                note(&self.means.clone(), connection, |books, now| failed(books, &fault, now)).await;
                self.free(who);
            }
            Err(Stop::Halt(why)) => {
                note(&self.means.clone(), connection, |books, now| books.halt(why, words(why).into(), now))
                    .await;
                self.free(who);
            }
        }
        self.store_quiet(now).await;
    }

    fn free(&mut self, who: Who) {
        self.busy.remove(&who);
        // A consent is over with its exchange; of a company something else may be due.
        match who {
            Who::Company(_) => self.ready.push_back(who),
            Who::Consent(_) => self.scan = true,
        }
    }

    /// Stores looks that found nothing, all of them at once, when nobody else is at work or they waited long enough.
    async fn store_quiet(&mut self, now: Instant) {
        let old = |(_, _, began_at): &(RealmId, ConnectionId, Instant)| {
            now.micros_since(*began_at) >= QUIET_MS * 1_000
        };
        let starting = self.ready.iter().any(|who| !self.busy.contains(who));
        let idle = self.flying.is_empty() && !starting;
        if self.quiet.is_empty() || !(idle || self.quiet.iter().any(old)) {
            return;
        }
        let quiet = std::mem::take(&mut self.quiet);
        let looks: Vec<(ConnectionId, Instant)> =
            quiet.iter().map(|(_, connection, at)| (*connection, *at)).collect();
        let written = self
            .means
            .store
            .write(move |view| {
                let mut changes = Changes::new(seen_there(ConnectionId::BOOKS_FIRST));
                for (connection, began_at) in looks {
                    let mut books = view.ledger().books(connection)?;
                    books.end_look(began_at);
                    changes.books(connection, &books)?;
                }
                Ok::<_, Fail<()>>((changes, ()))
            })
            .await;
        let until = self.means.world.now().plus_millis(STORE_MS);
        for (realm, _, _) in quiet {
            let who = Who::Company(realm);
            if written.is_err() {
                self.busy.remove(&who);
                self.resting.insert(who, (until, None));
            } else {
                self.free(who);
            }
        }
    }

    /// Everybody who may have something due is ready.
    fn look_around(&mut self, now: Instant) -> Result<(), StoreError> {
        let snapshot = self.means.store.snapshot()?;
        let ledger = snapshot.ledger();
        let mut standings = Vec::new();
        for company in ledger.companies()? {
            let books = ledger.books(company.value.connection)?;
            if company.value.disconnected_at.is_none() && books.is_open() {
                standings.push(books.standing(None, now));
            }
            self.ready.push_back(Who::Company(company.value.realm));
        }
        let left_ms = self.means.gate.month_ends().micros_since(now) / 1_000;
        self.every = intervals(Demand::of(&standings), self.means.gate.regular_left(), left_ms);
        for (key, consent) in ledger.consents()? {
            if matches!(consent.stage, Stage::Back(_)) {
                self.ready.push_back(Who::Consent(key));
            }
        }
        self.ready.retain(|who| !self.busy.contains(who));
        let mut seen = BTreeSet::new();
        self.ready.retain(|who| seen.insert(who.clone()));
        self.resting.retain(|_, (until, work)| work.is_some() || *until > now);
        Ok(())
    }

    fn put_to_work(&mut self, who: Who, now: Instant) -> Result<(), StoreError> {
        if self.resting.get(&who).is_some_and(|(until, _)| *until > now) {
            return Ok(());
        }
        let rested = self.resting.remove(&who).and_then(|(_, work)| work);
        let snapshot = self.means.store.snapshot()?;
        match &who {
            Who::Consent(key) => {
                let key = key.clone();
                self.fly(who, None, rested.unwrap_or(Work::Exchange(key)));
            }
            Who::Company(realm) => {
                let Some(company) = snapshot.ledger().company(realm)? else { return Ok(()) };
                let connected = company.value;
                let work = match rested {
                    Some(work) => Some(work),
                    None => self.due(&snapshot.ledger(), &connected, now)?,
                };
                if let Some(work) = work {
                    self.next_at.remove(realm);
                    self.fly(who, Some(connected), work);
                }
            }
        }
        Ok(())
    }

    /// What is due for a company; notes when something may be, if nothing is.
    fn due(
        &mut self,
        ledger: &Ledger<'_>,
        connected: &Connected,
        now: Instant,
    ) -> Result<Option<Work>, StoreError> {
        let realm = &connected.realm;
        self.next_at.remove(realm);
        if connected.disconnected_at.is_some() {
            let known = ledger.sealed(&Connected::secret_name(realm))?.is_some();
            return Ok(known.then_some(Work::Forget));
        }
        let books = ledger.books(connected.connection)?;
        let told = ledger.books_told(connected.connection)?;
        let told_at = told.iter().map(|(_, _, waiting)| waiting.since).min();
        let every = self.every;
        let of = Of { connected: connected.clone() };
        let write_at = write::due_at(ledger, &of, books.complete_as_of)?.filter(|_| books.is_open());
        let write_at = write_at.map(|at| books.not_before.map_or(at, |until| until.max(at)));
        let work = match books.due(told_at, every, now) {
            Some(Job::Load) => Work::Load,
            // What a person asked for goes before what is due by itself.
            _ if write_at.is_some_and(|at| at <= now) => Work::Write,
            Some(Job::Look(since)) => Work::Look(Look::begin(&self.means, &of, since)?),
            Some(Job::Control) => Work::Control(Control::begin()),
            Some(Job::Compare(entity)) => Work::Compare(Compare::begin(entity)),
            None => {
                if self.alive_at.get(realm).is_none_or(|at| now.micros_since(*at).abs() >= ALIVE_MS * 1_000) {
                    self.alive_at.insert(realm.clone(), now);
                    return Ok(Some(Work::KeepAlive));
                }
                let at = [books.next_at(told_at, every, now), write_at].into_iter().flatten().min();
                let alive = now.plus_millis(ALIVE_MS);
                self.next_at
                    .insert(realm.clone(), at.map_or(alive, |at| at.min(alive)).max(now.plus_millis(1)));
                return Ok(None);
            }
        };
        Ok(Some(work))
    }

    fn fly(&mut self, who: Who, connected: Option<Connected>, work: Work) {
        self.busy.insert(who.clone());
        let (means, connection) = (self.means.clone(), connected.as_ref().map(|it| it.connection));
        self.flying.push(Box::pin(async move {
            let mut work = work;
            let outcome = go_on(&means, connected, &mut work).await;
            Finished { who, connection, work, outcome }
        }));
    }
}

/// Notes what went wrong with a company.
async fn note(
    means: &BooksMeans,
    connection: Option<ConnectionId>,
    note: impl FnOnce(&mut Books, Instant) + Send,
) {
    let Some(connection) = connection else { return };
    let known = means.store.snapshot().and_then(|snapshot| snapshot.ledger().books(connection));
    let Ok(mut books) = known else { return };
    // Only this keeper writes what is noted here; what others ask for is read again inside.
    note(&mut books, means.world.now());
    let written = means
        .store
        .write(move |view| {
            let mut newest = view.ledger().books(connection)?;
            newest.trouble = books.trouble;
            (newest.failures, newest.not_before) = (books.failures, books.not_before);
            newest.halted = books.halted;
            newest.load_asked_at = newest.load_asked_at.or(books.load_asked_at);
            let mut changes = Changes::new(seen_there(connection));
            changes.books(connection, &newest)?;
            Ok::<_, Fail<()>>((changes, ()))
        })
        .await;
    if let Err(error) = written {
        tracing::error!(event = "qbo_store_failed", error = ?error);
    }
}

/// Works until the job is done or something stops it.
async fn go_on(means: &BooksMeans, connected: Option<Connected>, work: &mut Work) -> Result<Ended, Stop> {
    if let Work::Exchange(key) = work {
        return connect::exchange(means, key.clone()).await.map(|()| Ended::Done);
    }
    let Some(connected) = connected else { return Ok(Ended::Done) };
    let realm = connected.realm.clone();
    let mut of = Of { connected };
    loop {
        let step = match work {
            Work::Load => load::step(means, &of).await?,
            Work::Look(look) => look.step(means, &of).await?,
            Work::Control(control) => control.step(means, &of).await?,
            Work::Compare(compare) => compare.step(means, &of).await?,
            Work::Write => write::step(means, &of).await?,
            Work::KeepAlive => return Ok(means.tokens.keep_alive(&realm).await.map(|()| Ended::Done)?),
            Work::Forget => return connect::forget(means, realm).await.map(|()| Ended::Done),
            Work::Exchange(_) => Step::Done,
        };
        if matches!(step, Step::Done) {
            break;
        }
        // The first steps of a load tell the company's currency.
        if let Some(newest) = means.store.snapshot()?.ledger().company(&realm)? {
            of.connected = newest.value;
        }
    }
    match std::mem::replace(work, Work::KeepAlive) {
        Work::Look(look) => match look.quiet() {
            Some(began_at) => Ok(Ended::Quiet(began_at)),
            None => look.end(means, &of).await.map(|()| Ended::Done),
        },
        _ => Ok(Ended::Done),
    }
}

fn failed(books: &mut Books, fault: &Fault, now: Instant) {
    let after_ms = match fault.then() {
        Then::Retry { after_ms } => Some(after_ms),
        Then::ReadWhole => {
            books.load_asked_at = Some(now);
            None
        }
        _ => None,
    };
    books.failed(format!("{fault}. Trying again."), after_ms, now);
}

const fn words(why: Halted) -> &'static str {
    match why {
        Halted::Reconnect => "QuickBooks does not accept our access any more. Connect the company again.",
        Halted::Lapsed => {
            "The company's QuickBooks subscription has ended. Look again once it is paid for; its books stay readable here."
        }
    }
}
