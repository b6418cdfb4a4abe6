//! The person whom a staged row led to being made in Twenty, and what refers to them: what must be asked before they are
//! removed when the row is discarded.

use uuid::Uuid;

use super::error::StoreError;
use super::ledger::{Ledger, Record};
use crate::ground::crm::RecordHead;
use crate::ground::id::{ConnectionId, Object, PersonId, SubjectKey, donor_key};
use crate::ground::journal::SubjectState;
use crate::ground::staging::{Progress, StagedRow};
use crate::ground::texts;

/// Gifts of the person that are looked at: one is enough to keep them.
const GIFTS_MAX: usize = 50;
/// Records read at a time while looking for one that names the person.
const PAGE: usize = 500;

impl Ledger<'_> {
    /// The person who was made for this row, as the mirror knows them, whoever was chosen for it since. Their key derives
    /// from the row's random origin, so it is never somebody else.
    pub fn made_donor(&self, row: &StagedRow) -> Result<Option<Record<String>>, StoreError> {
        let Some(key) = self.connection_key(ConnectionId::TWENTY)? else { return Ok(None) };
        let made = donor_key(key, row.origin);
        let record = self.record_of(&SubjectKey::twenty(Object::People, made.0))?;
        // One that was merged into another is not the person who was made.
        Ok(record.filter(|record| record.key.uuid() == Some(made.0)))
    }

    /// Why the person who was made for this row is not to be removed, in plain words; nothing when they can be: the row
    /// is discarded, they are as they were made, and nothing here or in the mirror refers to them.
    pub fn why_made_stays(
        &self,
        row: &StagedRow,
        made: &Record<String>,
    ) -> Result<Option<&'static str>, StoreError> {
        let Some(person) = made.key.uuid() else { return Ok(Some(texts::MADE_NOT_THERE)) };
        if row.progress != Progress::Discarded {
            return Ok(Some(texts::MADE_ROW_IN_USE));
        }
        if made.state != SubjectState::Live {
            return Ok(Some(texts::MADE_NOT_THERE));
        }
        let head = serde_json::from_str::<RecordHead>(&made.value).ok();
        if !head.is_some_and(|head| head.is_as_made()) || !self.merged_into(&made.key)?.is_empty() {
            return Ok(Some(texts::MADE_CHANGED));
        }
        self.what_names(row, person)
    }

    /// What refers to the person. A discarded row counts too: it can come back to review.
    fn what_names(&self, row: &StagedRow, person: Uuid) -> Result<Option<&'static str>, StoreError> {
        let gifts = self.gifts_of(PersonId(person), None, GIFTS_MAX)?;
        if gifts.next.is_some() || gifts.items.iter().any(is_there) {
            return Ok(Some(texts::MADE_HAS_GIFTS));
        }
        if self.staged_rows_of(PersonId(person))?.iter().any(|other| other.value.id != row.id) {
            return Ok(Some(texts::MADE_HAS_ROWS));
        }
        for (links, why) in
            [(Object::TaskTargets, texts::MADE_HAS_TASKS), (Object::NoteTargets, texts::MADE_HAS_NOTES)]
        {
            if self.links_to(links, person)?.iter().any(is_there) {
                return Ok(Some(why));
            }
        }
        for object in self.workspace(ConnectionId::TWENTY)?.mirrored().into_iter().map(|(object, _)| object) {
            if let Some(why) = may_name(object)
                && self.is_named_in(object, person)?
            {
                return Ok(Some(why));
            }
        }
        Ok(None)
    }

    /// Whether a record of this object names the person in any field.
    fn is_named_in(&self, object: Object, person: Uuid) -> Result<bool, StoreError> {
        let person = person.to_string();
        for state in [SubjectState::Live, SubjectState::Pending] {
            let mut after: Option<Vec<u8>> = None;
            loop {
                let page = self.newest(ConnectionId::TWENTY, object, state, after.as_deref(), PAGE)?;
                if page.items.iter().any(|record| record.value.contains(&person)) {
                    return Ok(true);
                }
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        Ok(false)
    }
}

fn is_there<T>(record: &Record<T>) -> bool {
    matches!(record.state, SubjectState::Live | SubjectState::Pending)
}

/// What is said where records of this object name a person; none for those that never do, or have an index of their own.
const fn may_name(object: Object) -> Option<&'static str> {
    match object {
        Object::RecurringAgreements => Some(texts::MADE_HAS_AGREEMENTS),
        Object::Opportunities => Some(texts::MADE_HAS_OPPORTUNITIES),
        Object::Households | Object::GiftAidDeclarations | Object::Custom(_) => Some(texts::MADE_IS_NAMED),
        _ => None,
    }
}
