//! The load: every kind page by page in the order records were made, then both sides counted (contract 3.2).

use super::call::{Stop, call, reading};
use super::take::{learn, take};
use super::{BooksMeans, Of, seen_there};
use crate::ground::books::connected::Connected;
use crate::ground::books::mirror::{Load, is_counted};
use crate::ground::books::{Entity, EntityId};
use crate::ground::time::Instant;
use crate::rails::CallClass;
use crate::rails::qbo::{Fault, Page, Rows, Told};
use crate::store::{Changes, Fail, StoreError, View};

/// What a step came to.
pub(super) enum Step {
    /// There is more of this job.
    More,
    /// It is done, and stored.
    Done,
}

/// One call of a load, and its commit.
pub(super) async fn step(means: &BooksMeans, of: &Of) -> Result<Step, Stop> {
    let now = means.world.now();
    let load = {
        let snapshot = means.store.snapshot()?;
        snapshot.ledger().books(of.connected.connection)?.begin_load(now)
    };
    match load.entity() {
        Some(entity) if load.counting => count(means, of, load, entity).await,
        Some(entity) if is_counted(entity) => page(means, of, load, entity).await,
        Some(entity) => alone(means, of, load, entity).await,
        None => store(means, of, load, Vec::new(), now).await,
    }
}

/// The company, or its preferences.
async fn alone(means: &BooksMeans, of: &Of, mut load: Load, entity: Entity) -> Result<Step, Stop> {
    let asked_at = means.world.now();
    let told = company_record(means, of, entity, CallClass::Backfill).await?;
    load.read(1, None);
    store(means, of, load, vec![told], asked_at).await
}

/// Reads the company, or its preferences.
pub(super) async fn company_record(
    means: &BooksMeans,
    of: &Of,
    entity: Entity,
    class: CallClass,
) -> Result<Told, Stop> {
    let (company, realm) = (of.without_amounts(), &of.connected.realm);
    // Both have addresses of their own, without an id.
    let Some(id) = EntityId::new("1") else { return Err(Stop::Fault(Fault::Unfit("no id".into()))) };
    Ok(call!(means, realm, reading(class), |permit| means.rail.read(permit, &company, entity, &id)))
}

async fn page(means: &BooksMeans, of: &Of, mut load: Load, entity: Entity) -> Result<Step, Stop> {
    let company = of.company()?;
    let rows = Rows { entity, since: None, start: load.start, max: load.max };
    let asked_at = means.world.now();
    let page: Page = match read_page(means, of, &company, &rows).await {
        Err(Stop::Fault(fault @ (Fault::NoAnswer(_) | Fault::Failed { .. }))) => {
            // Pages of heavy records can take longer than the server has (contract 3.2).
            load.smaller();
            keep(means, of, load).await?;
            return Err(Stop::Fault(fault));
        }
        page => page?,
    };
    load.read(page.rows.len(), page.next);
    store(means, of, load, page.rows, asked_at).await
}

async fn read_page(
    means: &BooksMeans,
    of: &Of,
    company: &crate::rails::qbo::Company,
    rows: &Rows,
) -> Result<Page, Stop> {
    let realm = &of.connected.realm;
    Ok(call!(means, realm, reading(CallClass::Backfill), |permit| means.rail.page(permit, company, rows)))
}

/// As many there as here, or the ids of the kind are compared.
async fn count(means: &BooksMeans, of: &Of, mut load: Load, entity: Entity) -> Result<Step, Stop> {
    let (company, realm) = (of.company()?, &of.connected.realm);
    let there: u64 = call!(means, realm, reading(CallClass::Backfill), |permit| means
        .rail
        .count(permit, &company, entity));
    load.counted();
    let connection = of.connected.connection;
    let (_, done) = means
        .store
        .write(move |view| {
            let mut books = view.ledger().books(connection)?;
            let here = view.ledger().book_count(connection, entity)?;
            if here == there {
                books.compare.remove(&entity);
            } else {
                tracing::info!(event = "qbo_counts_differ", entity = entity.name(), there, here);
                books.compare.insert(entity);
            }
            let done = load.is_done();
            if done {
                books.end_load(&load);
            } else {
                books.load = Some(load);
            }
            let mut changes = Changes::new(seen_there(connection));
            changes.books(connection, &books)?;
            Ok::<_, Fail<()>>((changes, done))
        })
        .await?;
    Ok(if done { Step::Done } else { Step::More })
}

async fn keep(means: &BooksMeans, of: &Of, load: Load) -> Result<(), Stop> {
    store(means, of, load, Vec::new(), means.world.now()).await.map(|_| ())
}

/// Stores what was read with where the load is after it.
async fn store(
    means: &BooksMeans,
    of: &Of,
    load: Load,
    rows: Vec<Told>,
    asked_at: Instant,
) -> Result<Step, Stop> {
    let company = of.connected.clone();
    let (_, done) = means
        .store
        .write(move |view| {
            let mut changes = Changes::new(seen_there(company.connection));
            take_all(view, &mut changes, &company, &rows, asked_at)?;
            let mut books = view.ledger().books(company.connection)?;
            let done = load.is_done();
            if done {
                books.end_load(&load);
            } else {
                books.load = Some(load);
                (books.failures, books.not_before, books.trouble) = (0, None, None);
            }
            changes.books(company.connection, &books)?;
            Ok::<_, Fail<()>>((changes, done))
        })
        .await?;
    Ok(if done { Step::Done } else { Step::More })
}

fn take_all(
    view: &View<'_>,
    changes: &mut Changes,
    company: &Connected,
    rows: &[Told],
    asked_at: Instant,
) -> Result<(), StoreError> {
    for told in rows {
        take(view, changes, company, told, asked_at)?;
        learn(view, changes, company, told)?;
    }
    Ok(())
}
