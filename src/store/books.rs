//! Reads and working rows of the books: companies, how far the mirror of each is, what webhooks told, the month's calls.

use uuid::Uuid;

use super::changes::Changes;
use super::codec::from_json;
use super::error::StoreError;
use super::key;
use super::ledger::{Ledger, Page, Record};
use super::tables::Working;
use crate::ground::books::change::BooksChange;
use crate::ground::books::connected::{Balances, BooksAside};
use crate::ground::books::consent::Consent;
use crate::ground::books::meter::Meter;
use crate::ground::books::mirror::Books;
use crate::ground::books::{Connected, Entity, EntityId, RealmId};
use crate::ground::id::{ConnectionId, Object, SubjectKey};
use crate::ground::journal::SubjectState;
use crate::ground::time::CalendarDate;
use crate::ground::webhook::qbo::Waiting;

/// An event that waits: of which kind of record, which one, and what was told.
pub type Told = (Entity, EntityId, Waiting);

impl Ledger<'_> {
    /// Every company that was ever connected, the first one first.
    pub fn companies(&self) -> Result<Vec<Record<Connected>>, StoreError> {
        let page =
            self.newest(ConnectionId::HERE, Object::Company, SubjectState::Live, None, usize::MAX)?.items;
        let mut companies = Vec::with_capacity(page.len());
        for record in page {
            companies.extend(Self::typed::<Connected>("company", Some(record))?);
        }
        companies.sort_by_key(|company| company.value.connection);
        Ok(companies)
    }

    /// A company.
    pub fn company(&self, realm: &RealmId) -> Result<Option<Record<Connected>>, StoreError> {
        self.here("company", Object::Company, Connected::id_of(realm))
    }

    /// How far the mirror of a company is.
    pub fn books(&self, company: ConnectionId) -> Result<Books, StoreError> {
        Ok(self.working_text(Working::Books, &company.0.to_be_bytes())?.unwrap_or_default())
    }

    /// What webhooks told of a company and no look has covered yet.
    pub fn books_told(&self, company: ConnectionId) -> Result<Vec<Told>, StoreError> {
        let rows =
            self.working_first::<Waiting>(Working::BooksInbox, &company.0.to_be_bytes(), usize::MAX)?;
        let named = |(row, waiting): (Vec<u8>, Waiting)| {
            let number = u16::from_be_bytes([*row.get(2)?, *row.get(3)?]);
            let Some(Object::Book(entity)) = Object::from_number(number) else { return None };
            let id = std::str::from_utf8(row.get(4..)?).ok()?;
            Some((entity, EntityId::new(id)?, waiting))
        };
        Ok(rows.into_iter().filter_map(named).collect())
    }

    /// The calls of the month, over all companies; none before the first one.
    pub fn books_meter(&self) -> Result<Option<Meter>, StoreError> {
        self.working_text(Working::BooksMeter, &[])
    }

    /// A consent that was asked for, by the key of its state.
    pub fn consent(&self, key: &[u8]) -> Result<Option<Consent>, StoreError> {
        self.working_text(Working::BooksConsent, key)
    }

    /// Every consent that is kept, with the key of its state.
    pub fn consents(&self) -> Result<Vec<(Vec<u8>, Consent)>, StoreError> {
        let rows: Vec<(Vec<u8>, String)> = self.working_rows(Working::BooksConsent)?;
        rows.into_iter().map(|(key, text)| Ok((key, from_json("consent", &text)?))).collect()
    }

    /// A record of a company as QuickBooks told it last; of one that was merged, the one it is part of now.
    pub fn book(
        &self,
        company: ConnectionId,
        entity: Entity,
        id: &EntityId,
    ) -> Result<Option<Record<String>>, StoreError> {
        self.record_of(&SubjectKey::book(company, entity, id))
    }

    /// How many records of a kind a company has: those that are there.
    pub fn book_count(&self, company: ConnectionId, entity: Entity) -> Result<u64, StoreError> {
        self.object_count(company, Object::Book(entity), SubjectState::Live)
    }

    /// Records of a kind, newest change first.
    pub fn book_page(
        &self,
        company: ConnectionId,
        entity: Entity,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Page<Record<String>>, StoreError> {
        self.newest(company, Object::Book(entity), SubjectState::Live, after, limit)
    }

    /// The ids of all records of a kind that are there, in no particular order.
    pub fn book_ids(&self, company: ConnectionId, entity: Entity) -> Result<Vec<EntityId>, StoreError> {
        let object = Object::Book(entity);
        let page = self.newest_entries(company, object, SubjectState::Live, None, usize::MAX)?;
        let mut ids = Vec::with_capacity(page.items.len());
        for seq in page.items {
            ids.extend(EntityId::new(&self.header(seq.0)?.key.foreign.to_string()));
        }
        Ok(ids)
    }

    /// What a company's accounts held on a day, if that was kept.
    pub fn balances(&self, company: &Connected, day: CalendarDate) -> Result<Option<Balances>, StoreError> {
        let record = self.here("balances", Object::Balances, company.balances_id(day))?;
        Ok(record.map(|record| record.value))
    }

    /// Records of QuickBooks that are set aside, the newest first.
    pub fn books_aside(&self) -> Result<Vec<Record<BooksAside>>, StoreError> {
        let (here, object) = (ConnectionId::HERE, Object::BooksAside);
        let mut found = Vec::new();
        for record in self.newest(here, object, SubjectState::Live, None, usize::MAX)?.items {
            found.extend(Self::typed::<BooksAside>("record set aside", Some(record))?);
        }
        Ok(found)
    }

    /// A change of the books, unless it is over.
    pub fn books_change(&self, id: Uuid) -> Result<Option<Record<BooksChange>>, StoreError> {
        self.here("change of the books", Object::BooksChange, id)
    }

    /// A change of the books, whatever became of it; none when its content was erased.
    pub fn books_change_ever(&self, id: Uuid) -> Result<Option<Record<BooksChange>>, StoreError> {
        let record = self.record_of(&SubjectKey::here(Object::BooksChange, id))?;
        record.map(|it| it.try_map(|json| from_json("change of the books", &json))).transpose()
    }

    /// Changes of the books that are not over, those that were asked for first before the others.
    pub fn books_changes_open(&self) -> Result<Vec<Record<BooksChange>>, StoreError> {
        let (here, object) = (ConnectionId::HERE, Object::BooksChange);
        let mut found = Vec::new();
        for record in self.newest(here, object, SubjectState::Live, None, usize::MAX)?.items {
            found.extend(Self::typed::<BooksChange>("change of the books", Some(record))?);
        }
        found.sort_by_key(|change| (change.value.at, change.subject));
        Ok(found)
    }

    /// Changes of the books that are over, the newest first.
    pub fn books_changes_over(
        &self,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Page<Record<BooksChange>>, StoreError> {
        let (here, object) = (ConnectionId::HERE, Object::BooksChange);
        let page = self.newest(here, object, SubjectState::Gone, after, limit)?;
        let items = page.items.into_iter();
        let items = items.map(|it| it.try_map(|json| from_json("change of the books", &json)));
        Ok(Page { items: items.collect::<Result<_, _>>()?, next: page.next })
    }

    /// A record that is set aside, by the id it has here.
    pub fn book_aside(&self, id: Uuid) -> Result<Option<BooksAside>, StoreError> {
        let record = self.here("record set aside", Object::BooksAside, id)?;
        Ok(record.map(|record| record.value))
    }
}

impl Changes {
    /// A change of the books as it is now: one that is over stands among those that are.
    pub fn books_change(&mut self, change: &BooksChange) -> Result<(), StoreError> {
        if change.state.is_over() {
            self.remove(Object::BooksChange, change.id, change)
        } else {
            self.update(Object::BooksChange, change.id, change)
        }
    }

    /// How far the mirror of a company is.
    pub fn books(&mut self, company: ConnectionId, books: &Books) -> Result<(), StoreError> {
        self.working_text(Working::Books, &company.0.to_be_bytes(), Some(books))
    }

    /// What a webhook told of a record; `None` when a look has covered it.
    pub fn books_told(
        &mut self,
        company: ConnectionId,
        entity: Entity,
        id: &EntityId,
        waiting: Option<&Waiting>,
    ) -> Result<(), StoreError> {
        let mut row = key::slot(company, Object::Book(entity)).to_vec();
        row.extend_from_slice(id.as_str().as_bytes());
        self.working(Working::BooksInbox, &row, waiting)
    }

    /// The calls of the month.
    pub fn books_meter(&mut self, meter: &Meter) -> Result<(), StoreError> {
        self.working_text(Working::BooksMeter, &[], Some(meter))
    }

    /// A consent that was asked for; `None` when it is over.
    pub fn consent(&mut self, key: &[u8], consent: Option<&Consent>) -> Result<(), StoreError> {
        self.working_text(Working::BooksConsent, key, consent)
    }
}
