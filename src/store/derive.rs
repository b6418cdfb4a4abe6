//! Index keys and counters that follow from a record. `verify` rebuilds them with the same function.

use super::codec::{Header, from_json};
use super::error::StoreError;
use super::key::{self, IndexKey};
use super::tables::Index;
use crate::ground::access::User;
use crate::ground::crm::GiftRecord;
use crate::ground::id::{Object, StagedId};
use crate::ground::journal::SubjectState;
use crate::ground::run::ProcessRun;
use crate::ground::staging::StagedRow;

/// The subject's index keys after the entry `seq` with this header and image.
pub(super) fn index_keys(header: &Header, seq: u64, json: &str) -> Result<Vec<Vec<u8>>, StoreError> {
    let state = header.op.state_after();
    let subject = header.subject.0;
    let mut keys =
        vec![key::newest(header.key.connection, header.key.object, state).u64(seq).finish(subject)];
    if state == SubjectState::Gone {
        return Ok(keys);
    }
    match header.key.object {
        Object::People | Object::GiftBatch | Object::Token => {}
        Object::Gifts => keys.extend(gift_keys(header, seq, json)),
        Object::GiftStaging => keys.extend(staged_keys(subject, &from_json("staged row", json)?)),
        Object::Evidence => {
            let evidence: EvidenceRow = from_json("evidence", json)?;
            keys.push(IndexKey::new(Index::EvidenceByRow).uuid(evidence.row.0).finish(subject));
        }
        Object::Run => {
            let run: ProcessRun = from_json("run", json)?;
            keys.push(
                IndexKey::new(Index::RunsByBatch).uuid(run.batch.0).instant(run.queued_at).finish(subject),
            );
            if run.status.is_active() {
                keys.push(IndexKey::new(Index::ActiveRuns).finish(subject));
            }
        }
        Object::User => {
            let user: User = from_json("user", json)?;
            keys.push(
                IndexKey::new(Index::UserByEmail).bytes(user.email.as_bytes()).bytes(&[0]).finish(subject),
            );
        }
    }
    Ok(keys)
}

#[derive(serde::Deserialize)]
struct EvidenceRow {
    row: StagedId,
}

/// A foreign record that does not read as a gift has no donor to find it by; it is mirrored all the same.
fn gift_keys(header: &Header, seq: u64, json: &str) -> Option<Vec<u8>> {
    let gift = serde_json::from_str::<GiftRecord>(json).ok()?.into_gift();
    Some(key::gifts_by_donor(header.key.connection, gift.donor?).u64(seq).finish(header.subject.0))
}

fn staged_keys(subject: u64, row: &StagedRow) -> Vec<Vec<u8>> {
    let by_status =
        IndexKey::new(Index::StagedByStatus).status(row.status()).instant(row.received_at).finish(subject);
    let by_batch = row.batch.map(|batch| {
        IndexKey::new(Index::StagedByBatch)
            .uuid(batch.0)
            .status(row.status())
            .instant(row.received_at)
            .finish(subject)
    });
    std::iter::once(by_status).chain(by_batch).collect()
}
