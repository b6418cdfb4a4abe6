//! Index keys and counters that follow from a record. `verify` rebuilds them with the same functions.

use serde::Deserialize;
use uuid::Uuid;

use super::codec::{Header, from_json};
use super::error::StoreError;
use super::key::{self, IndexKey};
use super::tables::Index;
use crate::ground::access::User;
use crate::ground::books::golden::GoldenLink;
use crate::ground::crm::{GiftDonor, PersonRecord};
use crate::ground::groups::Group;
use crate::ground::id::{Object, PersonId, StagedId};
use crate::ground::journal::{MergedInto, SubjectState};
use crate::ground::links::{Link, Verdict};
use crate::ground::merge::Merge;
use crate::ground::run::ProcessRun;
use crate::ground::staging::StagedRow;

/// An index key without its end, which is given when the entry has its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// It leads to the entry.
    Entry(IndexKey),
    /// It leads to the subject.
    Subject(IndexKey),
}

impl Key {
    /// The key as it stands in the table.
    pub(super) fn finish(self, subject: u64, seq: u64) -> Vec<u8> {
        match self {
            Self::Entry(key) => key.finish(seq),
            Self::Subject(key) => key.finish(subject),
        }
    }
}

/// Index keys of one entry.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Keys {
    /// They stand until the subject's next entry.
    pub(super) standing: Vec<Key>,
    /// They stand for as long as the entry has its content: what is asked about a moment that has passed.
    pub(super) lasting: Vec<Key>,
}

/// The keys of an entry with this header and image; without an image (it was erased) only those that say nothing of
/// its content.
pub(super) fn keys(header: &Header, json: Option<&str>) -> Result<Keys, StoreError> {
    let name = &header.key;
    let state = header.op.state_after();
    let mut keys = Keys {
        standing: vec![Key::Entry(key::newest(name.connection, name.object, state))],
        lasting: Vec::new(),
    };
    let Some(json) = json else { return Ok(keys) };
    match state {
        SubjectState::Gone | SubjectState::Erased => return Ok(keys),
        SubjectState::Merged => {
            let into: MergedInto = from_json("merged record", json)?;
            keys.standing.push(Key::Subject(key::merged_into(&into.beside(name))));
            return Ok(keys);
        }
        SubjectState::Live | SubjectState::Pending | SubjectState::Deleted => {}
    }
    match name.object {
        Object::People => keys.standing.extend(person_keys(header, json)),
        Object::Gifts => keys.lasting.extend(gift_key(header, json)),
        Object::GiftStaging => keys.standing.extend(staged_keys(&from_json("staged row", json)?)),
        Object::Evidence => {
            let evidence: EvidenceRow = from_json("evidence", json)?;
            keys.standing.push(Key::Subject(IndexKey::new(Index::EvidenceByRow).uuid(evidence.row.0)));
        }
        Object::Edit | Object::Conflict => {
            let about: About = from_json("edit", json)?;
            let object = Object::from_word(&about.object);
            keys.lasting.extend(object.map(|object| Key::Entry(key::edits_by_record(object, about.record))));
        }
        Object::Run => keys.standing.extend(run_keys(&from_json("run", json)?)),
        // Nothing is looked up in these by what they hold.
        Object::GiftBatch
        | Object::Token
        | Object::Quarantine
        | Object::Settings
        | Object::Company
        | Object::BooksChange
        | Object::Balances
        | Object::BooksAside
        | Object::MoneySaid
        | Object::MoneyDecision
        | Object::MoneyDigest
        | Object::Book(_)
        | Object::Companies
        | Object::Appeals
        | Object::AppealSources
        | Object::Funds
        | Object::RecurringAgreements
        | Object::GiftPayouts
        | Object::Households
        | Object::GiftAidDeclarations
        | Object::Tasks
        | Object::Notes
        | Object::Opportunities
        | Object::WorkspaceMembers
        | Object::Custom(_) => {}
        Object::Verdict | Object::Link | Object::Group | Object::Merge | Object::GoldenLink => {
            keys.standing.extend(pair_keys(name.object, json)?);
        }
        Object::TaskTargets | Object::NoteTargets => keys.standing.extend(link_keys(name.object, json)),
        Object::User => {
            let user: User = from_json("user", json)?;
            let key = IndexKey::new(Index::UserByEmail).bytes(user.email.as_bytes()).bytes(&[0]);
            keys.standing.push(Key::Subject(key));
        }
    }
    Ok(keys)
}

/// What an edit or a conflict is about.
#[derive(Deserialize)]
struct About {
    object: String,
    record: Uuid,
}

#[derive(Deserialize)]
struct EvidenceRow {
    row: StagedId,
}

/// The records that a decision about people names.
fn pair_keys(object: Object, json: &str) -> Result<Vec<Key>, StoreError> {
    let mut named: Vec<Uuid> = match object {
        Object::Verdict => {
            let verdict: Verdict = from_json("verdict", json)?;
            vec![verdict.left.uuid(), verdict.right.uuid()]
        }
        Object::Link => {
            let link: Link = from_json("link", json)?;
            vec![link.joined.uuid(), link.kept.0]
        }
        Object::GoldenLink => {
            let link: GoldenLink = from_json("link to the books", json)?;
            vec![link.who, link.book.uuid()]
        }
        Object::Group => {
            let group: Group = from_json("group of duplicates", json)?;
            group.members.iter().map(|person| person.0).collect()
        }
        _ => {
            let merge: Merge = from_json("merge", json)?;
            merge.people().map(|person| person.0).collect()
        }
    };
    named.sort_unstable();
    named.dedup();
    Ok(named.into_iter().map(|id| Key::Subject(key::pairs_by_record(object, id))).collect())
}

/// A foreign record that does not read as a gift has no donor to find it by; it is mirrored all the same.
fn gift_key(header: &Header, json: &str) -> Option<Key> {
    let donor = serde_json::from_str::<GiftDonor>(json).ok()?.donor_id?;
    Some(Key::Entry(key::gifts_by_donor(header.key.connection, PersonId(donor))))
}

fn person_keys(header: &Header, json: &str) -> Vec<Key> {
    let Ok(record) = serde_json::from_str::<PersonRecord>(json) else { return Vec::new() };
    let mut emails: Vec<String> = record.into_person().emails.iter().map(|e| e.to_lowercase()).collect();
    emails.sort_unstable();
    emails.dedup();
    let key = |email: &String| Key::Subject(key::person_by_email(header.key.connection, email));
    emails.iter().map(key).collect()
}

/// What a link of a task or a note is about: every id in it but its own and that of its task or note, under whatever name
/// the server gives it (contract 0.1: `targetPersonId`, `personId`).
fn link_keys(links: Object, json: &str) -> Vec<Key> {
    let Ok(members) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(json) else {
        return Vec::new();
    };
    let about = |(name, value): (&String, &serde_json::Value)| {
        let leads = name.ends_with("Id") && !matches!(name.as_str(), "taskId" | "noteId");
        value.as_str().filter(|_| leads).and_then(|id| Uuid::parse_str(id).ok())
    };
    let mut ids: Vec<Uuid> = members.iter().filter_map(about).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().map(|id| Key::Subject(key::links_by_target(links, id))).collect()
}

fn run_keys(run: &ProcessRun) -> Vec<Key> {
    let by_batch = IndexKey::new(Index::RunsByBatch).uuid(run.batch.0).instant(run.queued_at);
    let active = run.status.is_active().then(|| Key::Subject(IndexKey::new(Index::ActiveRuns)));
    std::iter::once(Key::Subject(by_batch)).chain(active).collect()
}

fn staged_keys(row: &StagedRow) -> Vec<Key> {
    let by_status = IndexKey::new(Index::StagedByStatus).status(row.status()).instant(row.received_at);
    let by_batch = row.batch.map(|batch| {
        let key = IndexKey::new(Index::StagedByBatch).uuid(batch.0).status(row.status());
        Key::Subject(key.instant(row.received_at))
    });
    let donor = row.donor.person();
    let by_donor = donor.map(|donor| Key::Subject(IndexKey::new(Index::StagedByDonor).uuid(donor.0)));
    std::iter::once(Key::Subject(by_status)).chain(by_batch).chain(by_donor).collect()
}
