//! Reads of links between Twenty and the books, from either side; ids that were merged away lead on.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::error::StoreError;
use super::ledger::{Ledger, Record};
use crate::ground::books::golden::{BookName, CrmKind, GoldenLink};
use crate::ground::books::{Connected, EntityId};
use crate::ground::id::{ForeignId, Object, SubjectKey};

impl Ledger<'_> {
    /// A link, unless it was taken back.
    pub fn golden(&self, id: Uuid) -> Result<Option<Record<GoldenLink>>, StoreError> {
        self.here("link to the books", Object::GoldenLink, id)
    }

    /// The links of a record of the books and of those that were merged into it. Several there can be only after a merge.
    pub fn golden_of_book(
        &self,
        company: &Connected,
        book: &BookName,
    ) -> Result<Vec<Record<GoldenLink>>, StoreError> {
        let name = SubjectKey::book(company.connection, book.entity, &book.record);
        let whole = self.record_of(&name)?.map_or(name, |record| record.key);
        let mut ids = vec![whole.clone()];
        for subject in self.merged_into(&whole)? {
            if let Some(head) = self.head(subject)? {
                ids.push(self.header(head.seq.0)?.key);
            }
        }
        let mut found = Vec::new();
        for key in ids {
            let ForeignId::Text(text) = &key.foreign else { continue };
            let Some(record) = EntityId::new(text) else { continue };
            let name = BookName { record, ..book.clone() };
            found.extend(self.pairs("link to the books", Object::GoldenLink, name.uuid())?);
        }
        Ok(found)
    }

    /// The links of somebody of Twenty and of those who were merged into them.
    pub fn golden_of(&self, kind: CrmKind, who: Uuid) -> Result<Vec<Record<GoldenLink>>, StoreError> {
        let name = SubjectKey::twenty(kind.object(), who);
        let whole = self.record_of(&name)?.map_or(name, |record| record.key);
        let mut ids: BTreeSet<Uuid> = whole.uuid().into_iter().collect();
        for subject in self.merged_into(&whole)? {
            if let Some(head) = self.head(subject)? {
                ids.extend(self.header(head.seq.0)?.key.uuid());
            }
        }
        let mut found = Vec::new();
        for id in ids {
            let links: Vec<Record<GoldenLink>> = self.pairs("link to the books", Object::GoldenLink, id)?;
            found.extend(links.into_iter().filter(|link| link.value.kind == kind));
        }
        Ok(found)
    }
}
