//! Subject access: everything that is held about one person, as one JSON document with its history.

use std::collections::BTreeSet;
use std::io::Write;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::CommandError;
use super::export::{line, raw};
use crate::ground::id::{ConnectionId, Object, PersonId, Seq, SubjectId, SubjectKey};
use crate::ground::journal::SubjectState;
use crate::store::{Ledger, Store, StoreError};

/// Records looked at in one go.
const PAGE: usize = 500;
/// Entries of one record that are told at most in one go.
const HISTORY: usize = 10_000;

/// What stands before the records.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    person: String,
    as_of: String,
    entry: u64,
}

/// A record with its history, oldest first.
#[derive(Serialize)]
struct Held {
    object: &'static str,
    id: String,
    state: &'static str,
    /// As it stands; none when it was erased.
    current: Option<Box<RawValue>>,
    history: Vec<Box<RawValue>>,
}

/// Writes the document. Exit code 0, or 3 when nothing at all is held.
pub(super) fn export(store: &Store, person: PersonId, out: &mut dyn Write) -> Result<u8, CommandError> {
    let subjects = {
        let snapshot = store.snapshot()?;
        let ledger = snapshot.ledger();
        let head = Head {
            person: person.to_string(),
            as_of: snapshot.as_of().to_string(),
            entry: ledger.last_seq()?.0,
        };
        let head = serde_json::to_string(&head)?;
        out.write_all(head.trim_end_matches('}').as_bytes())?;
        direct(&ledger, person)?
    };
    let mut subjects = subjects;
    for object in Object::all().filter(|object| object.is_mirrored() && !is_indexed(*object)) {
        naming(store, object, person.0, &mut subjects)?;
    }
    out.write_all(b",\"records\":[")?;
    let mut first = true;
    for subject in &subjects {
        let Some(held) = held(&store.snapshot()?.ledger(), *subject)? else { continue };
        out.write_all(if first { b"\n" } else { b",\n" })?;
        out.write_all(&serde_json::to_vec(&held)?)?;
        first = false;
    }
    out.write_all(b"\n]}\n")?;
    Ok(if first { 3 } else { 0 })
}

/// Whether the records of an object that belong to a person are found by an index, or are other people.
const fn is_indexed(object: Object) -> bool {
    matches!(object, Object::People | Object::Gifts | Object::TaskTargets | Object::NoteTargets)
}

/// What indexes lead to: the record and those merged into it, gifts, staged rows and their deliveries, tasks and notes, and
/// what was changed here.
fn direct(ledger: &Ledger<'_>, person: PersonId) -> Result<BTreeSet<SubjectId>, StoreError> {
    let name = SubjectKey::twenty(Object::People, person.0);
    let mut found: BTreeSet<SubjectId> = ledger.subject(&name)?.into_iter().collect();
    found.extend(ledger.merged_into(&name)?);
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = ledger.gifts_of(person, after.as_deref(), PAGE)?;
        found.extend(page.items.iter().map(|gift| gift.subject));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    for row in ledger.staged_rows_of(person)? {
        found.insert(row.subject);
        found.extend(ledger.evidence(row.value.id)?.iter().map(|delivery| delivery.subject));
    }
    for (links, to) in [(Object::TaskTargets, "taskId"), (Object::NoteTargets, "noteId")] {
        let object = if links == Object::TaskTargets { Object::Tasks } else { Object::Notes };
        for link in ledger.links_to(links, person.0)? {
            found.insert(link.subject);
            let told: Value = serde_json::from_str(&link.value).unwrap_or_default();
            let id = told[to].as_str().and_then(|id| Uuid::parse_str(id).ok());
            let subject = id.map(|id| ledger.subject(&SubjectKey::twenty(object, id))).transpose()?;
            found.extend(subject.flatten());
        }
    }
    for edit in ledger.edits_ever(Object::People, person.0)? {
        found.extend(ledger.subject(&edit)?);
    }
    Ok(found)
}

/// Records of an object that name the person: agreements, declarations, opportunities and whatever else the workspace has.
fn naming(
    store: &Store,
    object: Object,
    person: Uuid,
    found: &mut BTreeSet<SubjectId>,
) -> Result<(), StoreError> {
    let quoted = format!("\"{person}\"");
    for state in [SubjectState::Live, SubjectState::Pending, SubjectState::Deleted] {
        let mut after: Option<Vec<u8>> = None;
        loop {
            // A snapshot a page: none is kept open for long.
            let snapshot = store.snapshot()?;
            let page =
                snapshot.ledger().newest(ConnectionId::TWENTY, object, state, after.as_deref(), PAGE)?;
            let named = page.items.iter().filter(|record| record.value.contains(&quoted));
            found.extend(named.map(|record| record.subject));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(())
}

fn held(ledger: &Ledger<'_>, subject: SubjectId) -> Result<Option<Held>, CommandError> {
    let Some(head) = ledger.head(subject)? else { return Ok(None) };
    let newest = ledger.header(head.seq.0)?;
    let mut seqs = ledger.history(subject, Seq(u64::MAX), HISTORY)?;
    seqs.reverse();
    let mut history = Vec::with_capacity(seqs.len());
    for seq in seqs {
        let entry = ledger.entry(seq)?.ok_or(CommandError::Entry(seq.0))?;
        let text = serde_json::to_string(&line(seq.0, &entry).ok_or(CommandError::Entry(seq.0))?)?;
        history.push(RawValue::from_string(text)?);
    }
    Ok(Some(Held {
        object: newest.key.object.word(),
        id: newest.key.foreign.to_string(),
        state: head.state.word(),
        current: ledger.record(subject)?.and_then(|record| raw(&record.value)),
        history,
    }))
}
