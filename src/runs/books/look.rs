//! The look: one call tells what changed in a company since the last one; narrower ones where that may not be all
//! (contract 4).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::call::{Stop, call, reading};
use super::compare::named_by;
use super::load::Step;
use super::one::read;
use super::take::{Met, gone, id_of, not_told, take};
use super::{BooksMeans, Of, seen_there};
use crate::ground::books::change::FAILURES_MAX;
use crate::ground::books::changes::Complete;
use crate::ground::books::{Connected, Entity, EntityId, Entry};
use crate::ground::id::SubjectKey;
use crate::ground::journal::SubjectState;
use crate::ground::time::Instant;
use crate::ground::webhook::qbo::Operation;
use crate::rails::CallClass;
use crate::rails::qbo::{Changes as Changed, Fault, Page, Rows, Then, Told};
use crate::store::{BooksTold, Changes, Fail, Ledger, StoreError, View};

/// Rows of a page of changes.
const ROWS: u32 = 1_000;

/// A call still to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// What changed in these kinds.
    Changes(Vec<Entity>),
    /// A page of what changed in a kind, from this row on: where one kind alone is more than an answer holds.
    Page(Entity, u32),
    /// One record: it is told to be deleted, or names one that was merged into another.
    Record(Entity, EntityId),
}

/// A look under way.
pub(super) struct Look {
    since: Instant,
    began_at: Instant,
    parts: VecDeque<Part>,
    /// What webhooks had told when it began.
    told: Vec<BooksTold>,
    /// Kinds of which one answer could not tell all: what was deleted of them is found by their ids.
    compare: BTreeSet<Entity>,
    /// Whether anything was stored of it.
    stored: bool,
    class: CallClass,
}

impl Look {
    /// A look for what changed since then. It covers what webhooks have told.
    pub(super) fn begin(means: &BooksMeans, of: &Of, since: Instant) -> Result<Self, StoreError> {
        let (company, began_at) = (&of.connected, means.world.now());
        let kinds = Entity::ALL.iter().copied().filter(|entity| entity.tells_changes()).collect();
        let told = means.store.snapshot()?.ledger().books_told(company.connection)?;
        let mut parts = VecDeque::from([Part::Changes(kinds)]);
        for (entity, id, waiting) in &told {
            match (waiting.operation, &waiting.merged_from) {
                (Operation::Merged, Some(loser)) => {
                    parts.extend(named_by(&means.store, company, *entity, loser)?.into_iter().map(record));
                }
                (Operation::Asked, _) => parts.push_back(Part::Record(*entity, id.clone())),
                _ => {}
            }
        }
        let class = if told.is_empty() { CallClass::Incremental } else { CallClass::Webhook };
        Ok(Self { since, began_at, parts, told, compare: BTreeSet::new(), stored: false, class })
    }

    /// One call, and what it brought stored. A look that found nothing stores nothing here: the keeper stores many such
    /// together.
    pub(super) async fn step(&mut self, means: &BooksMeans, of: &Of) -> Result<Step, Stop> {
        if let Some(part) = self.parts.front().cloned() {
            self.ask(means, of, part).await?;
            self.parts.pop_front();
        }
        if !self.parts.is_empty() {
            return Ok(Step::More);
        }
        Ok(Step::Done)
    }

    /// When it began, if nothing of it was stored and no webhook waits to be settled: its end can wait for others.
    pub(super) fn quiet(&self) -> Option<Instant> {
        if self.stored || !self.told.is_empty() || !self.compare.is_empty() {
            None
        } else {
            Some(self.began_at)
        }
    }

    async fn ask(&mut self, means: &BooksMeans, of: &Of, part: Part) -> Result<(), Stop> {
        let (company, realm, wanted) = (of.company()?, &of.connected.realm, reading(self.class));
        let asked_at = means.world.now();
        match part {
            Part::Changes(kinds) => {
                let since = self.since;
                let changed: Changed =
                    call!(means, realm, wanted, |permit| means.rail.changes(permit, &company, &kinds, since));
                self.narrow(&kinds, changed.complete);
                let rows = changed.kinds.into_iter().flat_map(|(_, rows)| rows).collect();
                self.keep(means, of, rows, asked_at).await
            }
            Part::Page(entity, start) => {
                let rows = Rows { entity, since: Some(self.since), start, max: ROWS };
                let page: Page =
                    call!(means, realm, wanted, |permit| means.rail.page(permit, &company, &rows));
                if let Some(next) = page.next {
                    self.parts.insert(1, Part::Page(entity, next));
                }
                self.keep(means, of, page.rows, asked_at).await
            }
            Part::Record(entity, id) => match read(means, of, self.class, entity, &id).await {
                Ok(told) => self.keep(means, of, vec![told], asked_at).await,
                Err(Stop::Fault(Fault::NotFound)) => self.lost(means, of, entity, id).await,
                Err(Stop::Fault(fault)) if gives_up(means, of, &fault)? => {
                    self.set_aside(means, of, (entity, id), &fault).await
                }
                Err(stop) => Err(stop),
            },
        }
    }

    async fn set_aside(
        &mut self,
        means: &BooksMeans,
        of: &Of,
        (entity, id): (Entity, EntityId),
        fault: &Fault,
    ) -> Result<(), Stop> {
        let (company, code, reason) = (of.connected.clone(), fault.kind(), fault.to_string());
        means
            .store
            .write(move |view| {
                let mut changes = Changes::new(seen_there(company.connection));
                not_told(view, &mut changes, &company, (entity, &id), (code, &reason))?;
                Ok::<_, Fail<()>>((changes, ()))
            })
            .await?;
        self.stored = true;
        Ok(())
    }

    /// An answer that may not be all is asked again more narrowly, before anything else. What one kind alone cannot tell in
    /// one answer may hide deletions too, which the comparison of its ids finds.
    fn narrow(&mut self, kinds: &[Entity], complete: Complete) {
        match complete {
            Complete::Yes => {}
            Complete::AskEach => {
                for entity in kinds.iter().rev() {
                    self.parts.insert(1, Part::Changes(vec![*entity]));
                }
            }
            Complete::PageThrough => {
                for entity in kinds.iter().rev() {
                    self.parts.insert(1, Part::Page(*entity, 1));
                    self.compare.insert(*entity);
                }
            }
        }
    }

    /// Stores what was told; deletions of what is here are asked for by id first.
    async fn keep(
        &mut self,
        means: &BooksMeans,
        of: &Of,
        rows: Vec<Told>,
        asked_at: Instant,
    ) -> Result<(), Stop> {
        {
            let snapshot = means.store.snapshot()?;
            for told in &rows {
                if let Ok(Entry::Deleted { entity, id, .. }) = told
                    && is_here(&snapshot.ledger(), &of.connected, *entity, id)?
                {
                    self.parts.push_back(Part::Record(*entity, id.clone()));
                }
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let (company, known) = (of.connected.clone(), self.told_by_id());
        let (seq, ()) = means
            .store
            .write(move |view| {
                let mut changes = Changes::new(seen_there(company.connection));
                take_told(view, &mut changes, &company, &rows, (&known, asked_at))?;
                Ok::<_, Fail<()>>((changes, ()))
            })
            .await?;
        self.stored |= seq.0 > 0;
        Ok(())
    }

    fn told_by_id(&self) -> BTreeMap<(Entity, EntityId), Instant> {
        let by_id = |(entity, id, waiting): &BooksTold| ((*entity, id.clone()), waiting.since);
        self.told.iter().map(by_id).collect()
    }

    async fn lost(&mut self, means: &BooksMeans, of: &Of, entity: Entity, id: EntityId) -> Result<(), Stop> {
        let company = of.connected.clone();
        means
            .store
            .write(move |view| {
                let mut changes = Changes::new(seen_there(company.connection));
                gone(view, &mut changes, &company, entity, &id)?;
                Ok::<_, Fail<()>>((changes, ()))
            })
            .await?;
        self.stored = true;
        Ok(())
    }

    /// Stores the end of a look that found something.
    pub(super) async fn end(self, means: &BooksMeans, of: &Of) -> Result<(), Stop> {
        let company = of.connected.clone();
        means
            .store
            .write(move |view| {
                let mut changes = Changes::new(seen_there(company.connection));
                self.settle(view, &mut changes, &company)?;
                let mut books = view.ledger().books(company.connection)?;
                books.end_look(self.began_at);
                books.compare.extend(self.compare.iter().copied());
                changes.books(company.connection, &books)?;
                Ok::<_, Fail<()>>((changes, ()))
            })
            .await?;
        Ok(())
    }

    /// What webhooks had told when it began is covered. A merge leaves an alias: the old id leads to the one that stays.
    fn settle(&self, view: &View<'_>, changes: &mut Changes, company: &Connected) -> Result<(), StoreError> {
        let now = view.ledger().books_told(company.connection)?;
        for (entity, id, waiting) in &self.told {
            let last = now.iter().find(|(other, same, _)| other == entity && same == id);
            if last.is_none_or(|(_, _, waiting)| waiting.last <= self.began_at) {
                changes.books_told(company.connection, *entity, id, None)?;
            }
            let loser = waiting.merged_from.as_ref().filter(|_| waiting.operation == Operation::Merged);
            if let Some(loser) = loser {
                merged(view, changes, company, *entity, (loser, id))?;
            }
        }
        Ok(())
    }
}

/// Whether one record is not asked for any more, so that it holds up nobody: QuickBooks refuses it, or it did not come
/// three times in a row (finance 10.23).
fn gives_up(means: &BooksMeans, of: &Of, fault: &Fault) -> Result<bool, StoreError> {
    let failures = means.store.snapshot()?.ledger().books(of.connected.connection)?.failures;
    let failed = matches!(fault, Fault::Failed { .. } | Fault::NoAnswer(_)) && failures + 1 >= FAILURES_MAX;
    Ok(fault.then() == Then::SetAside || failed)
}

fn record((entity, id): (Entity, EntityId)) -> Part {
    Part::Record(entity, id)
}

/// The loser of a merge leads to the winner from now on, where both are here.
fn merged(
    view: &View<'_>,
    changes: &mut Changes,
    company: &Connected,
    entity: Entity,
    (loser, winner): (&EntityId, &EntityId),
) -> Result<(), StoreError> {
    let loser = SubjectKey::book(company.connection, entity, loser);
    let winner = SubjectKey::book(company.connection, entity, winner);
    let state = |key: &SubjectKey| -> Result<Option<SubjectState>, StoreError> {
        let subject = view.ledger().subject(key)?;
        Ok(subject.map_or(Ok(None), |subject| view.ledger().head(subject))?.map(|head| head.state))
    };
    let known = state(&loser)?;
    if state(&winner)?.is_some() && known.is_some() && known != Some(SubjectState::Merged) {
        changes.merged(loser, &winner.foreign)?;
    }
    Ok(())
}

fn is_here(
    ledger: &Ledger<'_>,
    company: &Connected,
    entity: Entity,
    id: &EntityId,
) -> Result<bool, StoreError> {
    let subject = ledger.subject(&SubjectKey::book(company.connection, entity, id))?;
    let head = subject.map_or(Ok(None), |subject| ledger.head(subject))?;
    Ok(head.is_some_and(|head| head.state == SubjectState::Live))
}

/// Takes what a look found, and counts how well webhooks had told of it.
fn take_told(
    view: &View<'_>,
    changes: &mut Changes,
    company: &Connected,
    rows: &[Told],
    (known, asked_at): (&BTreeMap<(Entity, EntityId), Instant>, Instant),
) -> Result<(), StoreError> {
    let mut books = view.ledger().books(company.connection)?;
    let before = books.hooks;
    let entity_of = |told: &Told| match told {
        Ok(Entry::Record(record)) => record.body.entity(),
        Ok(Entry::Deleted { entity, .. }) => *entity,
        Err(aside) => aside.entity,
    };
    for told in rows {
        if take(view, changes, company, told, asked_at)? != Met::Changed {
            continue;
        }
        match id_of(told).and_then(|id| known.get(&(entity_of(told), id.clone()))) {
            Some(_) => books.hooks.told(view.world.now()),
            // Balances of accounts and names move without an event of their own (contract 7.5).
            None if entity_of(told).is_list() => {}
            None => books.hooks.missed(),
        }
    }
    if books.hooks != before {
        changes.books(company.connection, &books)?;
    }
    Ok(())
}
