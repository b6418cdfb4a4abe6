//! Takes records of a company into the mirror, and sets aside what cannot be read as what it should be.

use crate::ground::books::connected::BooksAside;
use crate::ground::books::{Body, Connected, Entity, EntityId, Entry, Record, SetAside, SyncToken};
use crate::ground::id::{Object, SubjectKey};
use crate::ground::journal::SubjectState;
use crate::ground::money::Currency;
use crate::ground::time::Instant;
use crate::rails::qbo::{Told, codec};
use crate::store::{Changes, Ledger, StoreError, View};

/// What a record was to the mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// It is in the mirror now as it was told.
    Changed,
    /// The mirror had it so, or has something newer.
    Same,
    /// It was set aside.
    Aside,
}

/// A record of the mirror, read again.
pub(super) fn read_back(entity: Entity, json: &str, home: Currency) -> Option<Record> {
    match codec::read(entity, json, home) {
        Ok(Entry::Record(record)) => Some(*record),
        _ => None,
    }
}

/// Which record something told is about.
pub(super) fn id_of(told: &Told) -> Option<&EntityId> {
    match told {
        Ok(Entry::Record(record)) => Some(&record.id),
        Ok(Entry::Deleted { id, .. }) => Some(id),
        Err(aside) => aside.id.as_ref(),
    }
}

/// Takes something told, when asked at `asked_at`, into the mirror. The stub of a deletion is not believed here: it is
/// asked for by id first (contract 4).
pub(super) fn take(
    view: &View<'_>,
    changes: &mut Changes,
    company: &Connected,
    told: &Told,
    asked_at: Instant,
) -> Result<Met, StoreError> {
    match told {
        Ok(Entry::Record(record)) => {
            readable(view, changes, company, record.body.entity(), &record.id)?;
            take_record(view, changes, company, record, asked_at)
        }
        Ok(Entry::Deleted { .. }) => Ok(Met::Same),
        Err(aside) => set_aside(view, changes, company, aside),
    }
}

fn take_record(
    view: &View<'_>,
    changes: &mut Changes,
    company: &Connected,
    record: &Record,
    asked_at: Instant,
) -> Result<Met, StoreError> {
    let entity = record.body.entity();
    let key = SubjectKey::book(company.connection, entity, &record.id);
    let json = codec::write(record);
    if !is_news(view.ledger(), &key, record, &json, asked_at)? {
        return Ok(Met::Same);
    }
    changes.seen(key, json, false, record.updated());
    Ok(Met::Changed)
}

/// Whether the mirror has to change. It never goes back: what was stored after we asked and is of a later version stays,
/// since lists and reads can disagree (contract 3.4).
fn is_news(
    ledger: &Ledger<'_>,
    key: &SubjectKey,
    record: &Record,
    json: &str,
    asked_at: Instant,
) -> Result<bool, StoreError> {
    let Some(subject) = ledger.subject(key)? else { return Ok(true) };
    let Some(known) = ledger.record(subject)? else { return Ok(false) };
    if known.state == SubjectState::Live && known.value == json {
        return Ok(false);
    }
    if known.state == SubjectState::Merged {
        return Ok(false);
    }
    if known.recorded > asked_at && known.state == SubjectState::Live {
        let here = read_back(record.body.entity(), &known.value, record.terms.home);
        return Ok(here.is_none_or(|here| version(record) >= version(&here)));
    }
    Ok(true)
}

fn version(record: &Record) -> (Option<SyncToken>, Option<Instant>) {
    (record.sync_token, record.updated())
}

/// The record is gone there: QuickBooks, asked for it by id, does not have it.
pub(super) fn gone(
    view: &View<'_>,
    changes: &mut Changes,
    company: &Connected,
    entity: Entity,
    id: &EntityId,
) -> Result<Met, StoreError> {
    readable(view, changes, company, entity, id)?;
    let key = SubjectKey::book(company.connection, entity, id);
    let Some(subject) = view.ledger().subject(&key)? else { return Ok(Met::Same) };
    match view.ledger().record(subject)? {
        Some(known) if known.state == SubjectState::Live => {
            changes.seen(key, known.value, true, None);
            Ok(Met::Changed)
        }
        _ => Ok(Met::Same),
    }
}

/// A record that could not be read stands as an issue with its text; the others go on (finance 5.1).
fn set_aside(
    view: &View<'_>,
    changes: &mut Changes,
    company: &Connected,
    aside: &SetAside,
) -> Result<Met, StoreError> {
    let name = aside.id.as_ref().map_or_else(|| text_name(&aside.text), |id| id.as_str().to_owned());
    let id = company.aside_id(aside.entity, &name);
    let known = view.ledger().book_aside(id)?;
    let issue = BooksAside {
        realm: company.realm.clone(),
        entity: aside.entity,
        id: aside.id.clone(),
        code: aside.issue.code().into(),
        reason: aside.issue.to_string(),
        text: aside.text.clone(),
        since: known.as_ref().map_or_else(|| view.world.now(), |known| known.since),
    };
    match known {
        Some(known) if known == issue => {}
        Some(_) => changes.update(Object::BooksAside, id, &issue)?,
        None => changes.open(Object::BooksAside, id, &issue)?,
    }
    Ok(Met::Aside)
}

/// A record that does not come when it is asked for by its id stands as an issue; the others go on.
pub(super) fn not_told(
    view: &View<'_>,
    changes: &mut Changes,
    company: &Connected,
    (entity, id): (Entity, &EntityId),
    (code, reason): (&str, &str),
) -> Result<(), StoreError> {
    let aside = company.aside_id(entity, id.as_str());
    let known = view.ledger().book_aside(aside)?;
    let issue = BooksAside {
        realm: company.realm.clone(),
        entity,
        id: Some(id.clone()),
        code: code.into(),
        reason: reason.into(),
        text: String::new(),
        since: known.as_ref().map_or_else(|| view.world.now(), |known| known.since),
    };
    match known {
        Some(known) if known == issue => Ok(()),
        Some(_) => changes.update(Object::BooksAside, aside, &issue),
        None => changes.open(Object::BooksAside, aside, &issue),
    }
}

/// What has no id is told apart by its text.
fn text_name(text: &str) -> String {
    format!("text-{}", &blake3::hash(text.as_bytes()).to_hex()[..32])
}

/// A record that reads again is no issue any more.
fn readable(
    view: &View<'_>,
    changes: &mut Changes,
    company: &Connected,
    entity: Entity,
    id: &EntityId,
) -> Result<(), StoreError> {
    let aside = company.aside_id(entity, id.as_str());
    match view.ledger().book_aside(aside)? {
        Some(known) => changes.remove(Object::BooksAside, aside, &known),
        None => Ok(()),
    }
}

/// What the company and its preferences tell of the company itself.
pub(super) fn learn(
    view: &View<'_>,
    changes: &mut Changes,
    company: &Connected,
    told: &Told,
) -> Result<(), StoreError> {
    let Ok(Entry::Record(record)) = told else { return Ok(()) };
    let Some(known) = view.ledger().company(&company.realm)? else { return Ok(()) };
    let mut learnt = known.value.clone();
    match &record.body {
        Body::CompanyInfo(info) => {
            learnt.name = info.name.clone().or(learnt.name);
            learnt.zone = info.zone.clone().or(learnt.zone);
        }
        Body::Preferences(preferences) => {
            let home = preferences.currency.as_ref().and_then(|currency| currency.home.as_ref());
            let code = home.and_then(|home| home.id.as_ref());
            learnt.home = code.and_then(|code| code.as_str().parse().ok()).or(learnt.home);
        }
        _ => {}
    }
    if learnt != known.value {
        changes.update(Object::Company, Connected::id_of(&company.realm), &learnt)?;
    }
    Ok(())
}
