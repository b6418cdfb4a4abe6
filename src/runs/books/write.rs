//! Brings a change that was asked for here into the books of a company, exactly once (contract 2, 7.2).
//!
//! A record is read and judged, the request is stored with its key, and only then it is sent. Whatever happens, the same
//! request goes again under the same key until an answer says what became of it: a repeat does nothing and answers what the
//! first one did. Another version of the record is judged anew, under another key.

use super::call::Stop;
use super::load::Step;
use super::one;
use super::take::{gone, take};
use super::{BooksMeans, Of};
use crate::ground::books::change::{
    Act, Attempt, BooksChange, Clash, Held, Judged, SetField, Slot, State, inverse, judge,
};
use crate::ground::books::{Entity, EntityId, Entry, Record, SyncToken};
use crate::ground::journal::Cause;
use crate::ground::texts;
use crate::ground::time::Instant;
use crate::rails::CallClass;
use crate::rails::qbo::{Ask, Fault, Then, Told, Written, ask, codec};
use crate::runs::gate::books::Wanted;
use crate::runs::restored;
use crate::store::{Changes, Fail, Ledger, StoreError, View};

/// So long a key is relied on, in milliseconds: how long QuickBooks remembers one is not documented (contract 15.4). What
/// is made carries no version that would guard it.
const KEY_MS: i64 = 86_400_000;
/// A write is not metered; it counts against the pace like any call (contract 9).
const WRITING: Wanted = Wanted { class: CallClass::Person, metered: 0, is_batch: false };

/// When something may be due for a company: now, if that has passed. None when nothing is on its way, or nothing may be
/// sent before it was looked at after a restore.
pub(super) fn due_at(
    ledger: &Ledger<'_>,
    of: &Of,
    looked_at: Option<Instant>,
) -> Result<Option<Instant>, StoreError> {
    let Some(looked_at) = looked_at else { return Ok(None) };
    if restored::load(ledger)?.is_some_and(|restored| looked_at < restored.at) {
        return Ok(None);
    }
    let open = ledger.books_changes_open()?;
    let travelling =
        open.iter().map(|it| &it.value).filter(|it| it.realm == of.connected.realm && it.state.travels());
    Ok(travelling.map(|change| change.not_before.unwrap_or(change.at)).min())
}

/// One change of the company as far as it goes now; the next one with the next step.
pub(super) async fn step(means: &BooksMeans, of: &Of) -> Result<Step, Stop> {
    let Some(change) = next(means, of)? else { return Ok(Step::Done) };
    let change = match change.state {
        State::Waiting => prepare(means, of, change).await?,
        _ => Some(change),
    };
    if let Some(change) = change.filter(|change| change.state == State::Sent) {
        send(means, of, change).await?;
    }
    Ok(Step::More)
}

fn next(means: &BooksMeans, of: &Of) -> Result<Option<BooksChange>, StoreError> {
    let snapshot = means.store.snapshot()?;
    let now = means.world.now();
    let mut open = snapshot.ledger().books_changes_open()?.into_iter().map(|record| record.value);
    Ok(open.find(|change| change.realm == of.connected.realm && change.is_due(now)))
}

/// Stores what `decide` makes of the change, if it is still as `basis`; answers it as stored.
async fn write<F>(
    means: &BooksMeans,
    basis: BooksChange,
    why: &'static str,
    decide: F,
) -> Result<Option<BooksChange>, Stop>
where
    F: FnOnce(&View<'_>, &mut Changes, &mut BooksChange) -> Result<(), StoreError> + Send + 'static,
{
    let (_, stored) = means
        .store
        .write(move |view| {
            let cause =
                Cause { actor: basis.by.clone(), why: why.into(), request_id: basis.request_id.clone() };
            let mut changes = Changes::new(cause);
            let now = view.ledger().books_change(basis.id)?.map(|record| record.value);
            if now.as_ref() != Some(&basis) {
                return Ok((changes, None));
            }
            let mut change = basis.clone();
            decide(view, &mut changes, &mut change)?;
            if change != basis {
                changes.books_change(&change)?;
            }
            Ok::<_, Fail<()>>((changes, Some(change)))
        })
        .await?;
    Ok(stored)
}

async fn refuse(means: &BooksMeans, change: BooksChange, said: String) -> Result<Option<BooksChange>, Stop> {
    write(means, change, "Not taken by QuickBooks", move |_, _, change| {
        change.refuse(said);
        Ok(())
    })
    .await
}

/// Judges a change against the books as they are, and stores the request that follows, before anything is sent.
async fn prepare(means: &BooksMeans, of: &Of, change: BooksChange) -> Result<Option<BooksChange>, Stop> {
    match change.act.clone() {
        act @ Act::Make(_) => match ask::of_change(&act, None, of.company()?.home) {
            Ok(Ask { body: Some(body), .. }) => about_to_send(means, of, change, body, None).await,
            _ => refuse(means, change, texts::BOOKS_BEYOND.to_owned()).await,
        },
        Act::Set { entity, record, fields } => {
            let asked_at = means.world.now();
            match read(means, of, entity, &record).await? {
                Some(told) => judge_fields(means, of, change, (told, asked_at), fields).await,
                None => refuse(means, change, texts::BOOKS_GONE.to_owned()).await,
            }
        }
        Act::Delete { entity, record, token } => {
            let Some(told) = read(means, of, entity, &record).await? else {
                return taken_away(means, of, change, entity, record).await;
            };
            match told {
                Ok(Entry::Record(found)) if found.sync_token == Some(token) => {
                    match ask::of_change(&change.act, None, of.company()?.home) {
                        Ok(Ask { body: Some(body), .. }) => {
                            about_to_send(means, of, change, body, None).await
                        }
                        _ => refuse(means, change, texts::BOOKS_NO_DELETE.to_owned()).await,
                    }
                }
                _ => refuse(means, change, texts::BOOKS_CHANGED_SINCE.to_owned()).await,
            }
        }
    }
}

/// Reads a record; none when it is gone.
async fn read(means: &BooksMeans, of: &Of, entity: Entity, id: &EntityId) -> Result<Option<Told>, Stop> {
    match one::read(means, of, CallClass::Person, entity, id).await {
        Ok(told) => Ok(Some(told)),
        Err(Stop::Fault(Fault::NotFound)) => Ok(None),
        Err(stop) => Err(stop),
    }
}

/// The request is stored with its key: from here on it may have arrived.
async fn about_to_send(
    means: &BooksMeans,
    of: &Of,
    change: BooksChange,
    body: String,
    before: Option<(Told, Instant, SyncToken, String)>,
) -> Result<Option<BooksChange>, Stop> {
    let company = of.connected.clone();
    write(means, change, "Being sent to QuickBooks", move |view, changes, change| {
        let mut rests_on = None;
        if let Some((told, asked_at, token, json)) = before {
            take(view, changes, &company, &told, asked_at)?;
            rests_on = Some((token, json));
        }
        change.send(&company, body, rests_on, view.world.now());
        Ok(())
    })
    .await
}

async fn judge_fields(
    means: &BooksMeans,
    of: &Of,
    change: BooksChange,
    (told, asked_at): (Told, Instant),
    fields: Vec<SetField>,
) -> Result<Option<BooksChange>, Stop> {
    let unreadable = || texts::BOOKS_UNREADABLE.to_owned();
    let Ok(Entry::Record(record)) = &told else { return refuse(means, change, unreadable()).await };
    let judged = match judge(&fields, record) {
        Ok(judged) => judged,
        Err(no_such) => return refuse(means, change, format!("{no_such}.")).await,
    };
    let send = match judged {
        // Somebody else did it, or we did and did not hear of it.
        Judged::Already => return done(means, of, change, told, asked_at).await,
        Judged::Clashes(clashes) => return conflict(means, of, change, (told, asked_at), clashes).await,
        Judged::Send(send) => send,
    };
    let (entity, id) = (record.body.entity(), record.id.clone());
    let act = Act::Set { entity, record: id, fields: send };
    match ask::of_change(&act, Some(record), record.terms.home) {
        Ok(Ask { body: Some(body), .. }) => {
            let (token, json) = (record.sync_token, codec::write(record));
            let Some(token) = token else { return refuse(means, change, unreadable()).await };
            about_to_send(means, of, change, body, Some((told, asked_at, token, json))).await
        }
        Err(ask::NotSparse::Same) => done(means, of, change, told, asked_at).await,
        _ => refuse(means, change, unreadable()).await,
    }
}

async fn conflict(
    means: &BooksMeans,
    of: &Of,
    change: BooksChange,
    (told, asked_at): (Told, Instant),
    fields: Vec<Clash>,
) -> Result<Option<BooksChange>, Stop> {
    let company = of.connected.clone();
    write(means, change, "Compared with QuickBooks", move |view, changes, change| {
        take(view, changes, &company, &told, asked_at)?;
        change.state = State::Conflict { fields };
        change.note = None;
        Ok(())
    })
    .await
}

/// What was to be deleted is not there.
async fn taken_away(
    means: &BooksMeans,
    of: &Of,
    change: BooksChange,
    entity: Entity,
    record: EntityId,
) -> Result<Option<BooksChange>, Stop> {
    let company = of.connected.clone();
    write(means, change, "Changed here, taken by QuickBooks", move |view, changes, change| {
        gone(view, changes, &company, entity, &record)?;
        change.done(record, None, view.world.now());
        look_again(view, changes, &company)
    })
    .await
}

/// What a write moves elsewhere (balances, links) is told by the next look, which is asked for.
fn look_again(
    view: &View<'_>,
    changes: &mut Changes,
    company: &crate::ground::books::Connected,
) -> Result<(), StoreError> {
    let mut books = view.ledger().books(company.connection)?;
    books.asked_at = Some(view.world.now());
    changes.books(company.connection, &books)
}

/// QuickBooks has it: the answer is the record as it is now, and goes into the mirror with the outcome.
async fn done(
    means: &BooksMeans,
    of: &Of,
    change: BooksChange,
    told: Told,
    asked_at: Instant,
) -> Result<Option<BooksChange>, Stop> {
    let company = of.connected.clone();
    let (entity, known) = change.act.record();
    let (found, back) = match &told {
        Ok(Entry::Record(record)) => (Some(record.id.clone()), undoing(&change, record)),
        Ok(Entry::Deleted { id, .. }) => (Some(id.clone()), None),
        Err(aside) => (aside.id.clone(), None),
    };
    let Some(record) = found.or_else(|| known.cloned()) else {
        return refuse(means, change, texts::BOOKS_UNREADABLE.to_owned()).await;
    };
    write(means, change, "Changed here, taken by QuickBooks", move |view, changes, change| {
        match &told {
            Ok(Entry::Deleted { .. }) => gone(view, changes, &company, entity, &record)?,
            told => take(view, changes, &company, told, asked_at)?,
        };
        change.done(record, back, view.world.now());
        look_again(view, changes, &company)
    })
    .await
}

/// What would undo a change that led to this record.
fn undoing(change: &BooksChange, after: &Record) -> Option<Act> {
    let (entity, record) = (after.body.entity(), after.id.clone());
    match &change.act {
        Act::Set { fields, .. } => {
            let before = read_before(change.attempt.as_ref()?, after)?;
            let fields = inverse(fields, &before, after).ok()?;
            (!fields.is_empty()).then_some(Act::Set { entity, record, fields })
        }
        Act::Make(_) if entity.is_document() => {
            Some(Act::Delete { entity, record, token: after.sync_token? })
        }
        // List objects are never deleted, only taken out of use (contract 7.2).
        Act::Make(_) => {
            let flag = |active: bool| Some(Held::Flag(active));
            let fields = vec![SetField { slot: Slot::Active, base: flag(true), value: flag(false) }];
            Some(Act::Set { entity, record, fields })
        }
        Act::Delete { .. } => None,
    }
}

fn read_before(attempt: &Attempt, after: &Record) -> Option<Record> {
    super::take::read_back(after.body.entity(), attempt.before.as_deref()?, after.terms.home)
}

/// Sends the stored request under its key, and stores what came of it.
async fn send(means: &BooksMeans, of: &Of, change: BooksChange) -> Result<(), Stop> {
    let Some(attempt) = change.attempt.clone() else { return Ok(()) };
    let now = means.world.now();
    let is_made = matches!(change.act, Act::Make(_));
    if is_made && now.micros_since(attempt.at) > KEY_MS * 1_000 {
        return refuse(means, change, texts::BOOKS_KEY_OLD.to_owned()).await.map(drop);
    }
    let (company, realm) = (of.company()?, &of.connected.realm);
    let ask = ask::stored(&change.act, attempt.body);
    let mut refused = None;
    loop {
        let turn = means.turn(realm, WRITING, refused).await?;
        let asked_at = means.world.now();
        match means.rail.write(&turn.permit, &company, &ask, &attempt.key).await {
            Written::Done(told) => return done(means, of, change, *told, asked_at).await.map(drop),
            Written::Unknown(said) => {
                return write(means, change, "No answer of QuickBooks", move |view, _, change| {
                    change.unknown(&said, view.world.now());
                    Ok(())
                })
                .await
                .map(drop);
            }
            Written::Rejected(fault) => match fault.then() {
                Then::Refresh | Then::Reconnect | Then::Pause => {
                    means.judge(realm, fault, turn.revision, &mut refused).await?;
                }
                Then::Retry { .. } => return Err(Stop::Fault(fault)),
                then => return rejected(means, of, change, fault, then).await,
            },
        }
    }
}

async fn rejected(
    means: &BooksMeans,
    of: &Of,
    change: BooksChange,
    fault: Fault,
    then: Then,
) -> Result<(), Stop> {
    let deletes = match &change.act {
        Act::Delete { entity, record, .. } => Some((*entity, record.clone())),
        Act::Set { .. } | Act::Make(_) => None,
    };
    match (then, deletes) {
        (Then::Reread, _) => {
            write(means, change, "The record has another version", |_, _, change| {
                change.stale();
                Ok(())
            })
            .await?;
        }
        (Then::Gone, Some((entity, record))) => {
            taken_away(means, of, change, entity, record).await?;
        }
        (Then::Gone, None) => {
            refuse(means, change, texts::BOOKS_SOMETHING_GONE.to_owned()).await?;
        }
        _ => {
            refuse(means, change, format!("{fault}.")).await?;
        }
    }
    Ok(())
}
