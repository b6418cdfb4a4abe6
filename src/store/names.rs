//! Records by their ids, in the order in which the other side has them.

use std::ops::ControlFlow;

use uuid::Uuid;

use super::error::StoreError;
use super::key;
use super::ledger::Ledger;
use crate::ground::id::{ConnectionId, ForeignId, Object, SubjectId, SubjectKey};

impl Ledger<'_> {
    /// Ids of an object's records after `after`, up to and including `to`, in their order, whatever became of them.
    pub fn foreign_ids(
        &self,
        connection: ConnectionId,
        object: Object,
        after: Option<Uuid>,
        to: Option<Uuid>,
    ) -> Result<Vec<(Uuid, SubjectId)>, StoreError> {
        self.first_ids(connection, object, (after, to), usize::MAX)
    }

    /// The first `limit` of them.
    pub(super) fn first_ids(
        &self,
        connection: ConnectionId,
        object: Object,
        (after, to): (Option<Uuid>, Option<Uuid>),
        limit: usize,
    ) -> Result<Vec<(Uuid, SubjectId)>, StoreError> {
        let named = |id: Uuid| key::subject(&SubjectKey { connection, object, foreign: ForeignId::Uuid(id) });
        let first = after.map_or_else(|| named(Uuid::nil()), |after| [named(after), vec![0]].concat());
        let last = named(to.unwrap_or(Uuid::max()));
        let mut ids = Vec::new();
        self.0.subjects(&first, &last, &mut |key, subject| {
            let id = key.last_chunk::<16>().map(|bytes| Uuid::from_bytes(*bytes));
            ids.extend(id.map(|id| (id, SubjectId(subject))));
            if ids.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(ids)
    }
}
