//! Reads of what is changed here and lives in Twenty.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::codec::from_json;
use super::error::StoreError;
use super::key;
use super::ledger::{Ledger, Record};
use super::reader::Order;
use super::tables::Working;
use crate::ground::edit::{Conflict, Edit};
use crate::ground::id::{ConnectionId, ConnectionKey, Object, Seq, SubjectId, SubjectKey};
use crate::ground::journal::SubjectState;

impl Ledger<'_> {
    /// An edit, unless it is done.
    pub fn edit(&self, id: Uuid) -> Result<Option<Record<Edit>>, StoreError> {
        self.here("edit", Object::Edit, id)
    }

    /// An edit, whatever became of it; none when its content was erased.
    pub fn edit_ever(&self, id: Uuid) -> Result<Option<Edit>, StoreError> {
        let record = self.record_of(&SubjectKey::here(Object::Edit, id))?;
        record.map(|record| from_json("edit", &record.value)).transpose()
    }

    /// A conflict, unless it was decided. Its id is the edit's.
    pub fn conflict(&self, id: Uuid) -> Result<Option<Record<Conflict>>, StoreError> {
        self.here("conflict", Object::Conflict, id)
    }

    /// The identity of a connection: the namespace of every key we choose there.
    pub fn connection_key(&self, connection: ConnectionId) -> Result<Option<ConnectionKey>, StoreError> {
        // It stands first in the row of the connection; what follows is read by those who call.
        self.working(Working::Connection, &connection.0.to_be_bytes())
    }

    /// Edits that are not done, those that were asked for first before the others.
    pub fn open_edits(&self) -> Result<Vec<Record<Edit>>, StoreError> {
        let page = self.newest(ConnectionId::HERE, Object::Edit, SubjectState::Live, None, usize::MAX)?.items;
        let mut edits = Vec::with_capacity(page.len());
        for record in page {
            edits.extend(Self::typed::<Edit>("edit", Some(record))?);
        }
        edits.sort_by_key(|edit| (edit.value.at, edit.subject));
        Ok(edits)
    }

    /// Edits of a record that are not done, those that were asked for first before the others.
    pub fn edits_of(&self, object: Object, record: Uuid) -> Result<Vec<Record<Edit>>, StoreError> {
        let mut edits = Vec::new();
        for name in self.edits_ever(object, record)? {
            if name.object == Object::Edit {
                let edit: Option<Record<Edit>> = Self::typed("edit", self.record_of(&name)?)?;
                edits.extend(edit);
            }
        }
        edits.sort_by_key(|edit| (edit.value.at, edit.subject));
        Ok(edits)
    }

    /// Links of tasks or notes to a record: the newest image of each that is there.
    pub fn links_to(&self, links: Object, record: Uuid) -> Result<Vec<Record<String>>, StoreError> {
        let prefix = key::links_by_target(links, record).prefix();
        let mut found = Vec::new();
        for subject in self.led_to(&prefix, None, Order::Up, usize::MAX)?.0 {
            found.extend(self.record(SubjectId(subject))?);
        }
        Ok(found)
    }

    /// Every edit and conflict there ever was about a record, but for those whose content was erased.
    pub fn edits_ever(&self, object: Object, record: Uuid) -> Result<Vec<SubjectKey>, StoreError> {
        let prefix = key::edits_by_record(object, record).prefix();
        let mut subjects: BTreeSet<SubjectId> = BTreeSet::new();
        let mut names = Vec::new();
        for seq in self.led_to(&prefix, None, Order::Up, usize::MAX)?.0 {
            let Some(entry) = self.record_at(Seq(seq))? else { continue };
            if subjects.insert(entry.subject) {
                names.push(entry.key);
            }
        }
        Ok(names)
    }
}
