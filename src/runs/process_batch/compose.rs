//! What a run sends: the messages of the rows it takes, made in one place for the run and for its dry run.

use std::collections::BTreeSet;

use crate::ground::crm::Labelled;
use crate::ground::id::{
    ConnectionKey, GiftId, Object, Origin, PersonId, RunId, StagedId, SubjectKey, donor_key, upstream_key,
};
use crate::ground::journal::SubjectState;
use crate::ground::outbox::{Arrival, Expected, Message, NewDonor};
use crate::ground::provision::usable;
use crate::ground::staging::{DonorDecision, StagedRow};
use crate::ground::texts;
use crate::ground::workspace::Schema;
use crate::rails::twenty::map::{Giver, gift_body, person_body};
use crate::store::{Ledger, StoreError};

/// What messages are composed with.
#[derive(Clone, Copy)]
pub(super) struct Basis<'b> {
    pub(super) ledger: &'b Ledger<'b>,
    pub(super) key: ConnectionKey,
    pub(super) schema: &'b Schema,
}

/// The rows of one lease, and what of them can be sent.
#[derive(Default)]
pub(super) struct Composed {
    /// Each row as it will be held, with its message.
    pub(super) sent: Vec<(StagedRow, Message)>,
    /// Each row that cannot be sent, with the reason.
    pub(super) refused: Vec<(StagedRow, String)>,
    /// Group numbers used.
    pub(super) groups: u32,
}

/// The key of a row's gift.
pub(super) fn gift_key(key: ConnectionKey, origin: Origin) -> GiftId {
    GiftId(upstream_key(key, Object::Gifts, origin, "post"))
}

/// Composes the messages of the ready rows among these, in groups from `first_group` on: new donors together, then
/// gifts together, then each instalment of a regular gift alone (domain 4.13, interim). `new_emails` are addresses of
/// donors who are about to be made.
pub(super) fn compose(
    basis: Basis<'_>,
    run: RunId,
    rows: Vec<StagedRow>,
    first_group: u32,
    new_emails: &mut BTreeSet<String>,
) -> Result<Composed, StoreError> {
    let mut composed = Composed { groups: 2, ..Composed::default() };
    for row in rows {
        let key = gift_key(basis.key, row.origin);
        let Some(held) = row.leased(run, key) else { continue };
        let giver = match giver(basis, &held)? {
            Ok(giver) => giver,
            Err(reason) => {
                composed.refused.push((held, reason.to_owned()));
                continue;
            }
        };
        if giver.is_new
            && !held
                .evidence
                .email
                .as_ref()
                .is_none_or(|email| new_emails.insert(email.trim().to_lowercase()))
        {
            composed.refused.push((held, texts::SAME_NEW_DONOR.to_owned()));
            continue;
        }
        let group = if held.coding.agreement.is_some() {
            composed.groups += 1;
            first_group + composed.groups - 1
        } else {
            first_group + 1
        };
        let message = message(basis, run, &held, &giver, (first_group, group));
        composed.sent.push((held, message));
    }
    settle_arrivals(&mut composed.sent);
    Ok(composed)
}

/// The call that follows a lease takes what goes first: whether that arrives is not known from then on. The rest
/// certainly is not there, unless its row was tried before.
fn settle_arrivals(sent: &mut [(StagedRow, Message)]) {
    let order = |message: &Message| (message.first.is_none(), message.group);
    let lead = sent.iter().filter(|(row, _)| row.attempts == 1).map(|(_, message)| order(message)).min();
    for (row, message) in sent {
        let goes_now = Some(order(message)) == lead;
        message.arrival = if row.attempts > 1 || goes_now { Arrival::Unknown } else { Arrival::NotSent };
    }
}

/// Whose gift a row is, as it will be written.
pub(super) struct RowGiver {
    id: Option<PersonId>,
    name: Option<String>,
    is_new: bool,
}

/// Whose gift it is, or why it cannot be sent.
pub(super) fn giver(basis: Basis<'_>, row: &StagedRow) -> Result<Result<RowGiver, &'static str>, StoreError> {
    if row.company.is_some() && !usable(basis.schema, "gifts", "companyId") {
        return Ok(Err(texts::NO_COMPANY_FIELD));
    }
    if row.coding.agreement.is_some() && !usable(basis.schema, "gifts", "recurringAgreementId") {
        return Ok(Err(texts::NO_AGREEMENT_FIELD));
    }
    match row.donor {
        DonorDecision::Unreviewed | DonorDecision::Anonymous => {
            let Some(company) = row.company else {
                return Ok(Ok(RowGiver { id: None, name: None, is_new: false }));
            };
            let record = basis.ledger.record_of(&SubjectKey::twenty(Object::Companies, company.0))?;
            let Some(record) = record.filter(|record| record.state == SubjectState::Live) else {
                return Ok(Err(texts::COMPANY_IS_GONE));
            };
            let label = serde_json::from_str::<Labelled>(&record.value).ok().and_then(Labelled::label);
            Ok(Ok(RowGiver { id: None, name: label, is_new: false }))
        }
        DonorDecision::NewDonor => {
            if basis.ledger.main_owner_of(row.evidence.email.as_deref())?.is_some() {
                return Ok(Err(texts::EMAIL_OWNED_NOW));
            }
            if !row.evidence.is_full_name() || !usable(basis.schema, "people", "name") {
                return Ok(Err(texts::CANNOT_MAKE_DONOR));
            }
            let id = donor_key(basis.key, row.origin);
            Ok(Ok(RowGiver { id: Some(id), name: row.evidence.name(), is_new: true }))
        }
        DonorDecision::GivenBySender(person)
        | DonorDecision::Confirmed(person)
        | DonorDecision::Created(person) => Ok(match basis.ledger.person(person)? {
            Some(record) if record.state == SubjectState::Live => {
                // An id that was merged into another one means that one.
                Ok(RowGiver { id: Some(record.value.id), name: record.value.display_name(), is_new: false })
            }
            _ => Err(texts::DONOR_IS_GONE),
        }),
    }
}

/// The message of a row; `groups` are that of new donors and that of its gift.
pub(super) fn message(
    basis: Basis<'_>,
    run: RunId,
    row: &StagedRow,
    giver: &RowGiver,
    (donors, gifts): (u32, u32),
) -> Message {
    let key = gift_key(basis.key, row.origin);
    let first = giver.id.filter(|_| giver.is_new).map(|id| NewDonor {
        key: id,
        body: person_body(&row.evidence, id, basis.schema),
        then_group: gifts,
    });
    Message {
        run,
        row: row.id,
        key,
        group: if first.is_some() { donors } else { gifts },
        arrival: Arrival::Unknown,
        clash_probed: false,
        misses: 0,
        body: gift_body(row, key, Giver { id: giver.id, name: giver.name.as_deref() }, basis.schema),
        expected: Expected {
            amount: row.amount,
            gift_date: row.gift_date,
            donor: giver.id,
            company: row.company,
        },
        first,
    }
}

/// The rows of these that belong to the batch: scope is checked on the row itself, not only by the list it came from
/// (domain 4.8.1).
pub(super) fn rows_of(
    ledger: &Ledger<'_>,
    batch: crate::ground::id::BatchId,
    ids: &[StagedId],
) -> Result<Vec<StagedRow>, StoreError> {
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        rows.extend(ledger.staged(*id)?.map(|record| record.value).filter(|row| row.batch == Some(batch)));
    }
    Ok(rows)
}
