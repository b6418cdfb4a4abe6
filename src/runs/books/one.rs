//! Asks for one record by its id, and believes the answer: the record as it is, or that it is gone (contract 4, 7.2).

use super::call::{Stop, call, reading};
use super::take::{gone, take};
use super::{BooksMeans, Of, seen_there};
use crate::ground::books::{Entity, EntityId};
use crate::rails::CallClass;
use crate::rails::qbo::{Fault, Told};
use crate::store::{Changes, Fail};

/// Reads a record and stores what came of it. Whether it is there.
pub(super) async fn look_up(
    means: &BooksMeans,
    of: &Of,
    class: CallClass,
    entity: Entity,
    id: &EntityId,
) -> Result<bool, Stop> {
    let asked_at = means.world.now();
    let told = match read(means, of, class, entity, id).await {
        Ok(told) => Some(told),
        Err(Stop::Fault(Fault::NotFound)) => None,
        Err(stop) => return Err(stop),
    };
    let is_there = told.is_some();
    let (company, id) = (of.connected.clone(), id.clone());
    means
        .store
        .write(move |view| {
            let mut changes = Changes::new(seen_there(company.connection));
            match told {
                Some(told) => take(view, &mut changes, &company, &told, asked_at)?,
                None => gone(view, &mut changes, &company, entity, &id)?,
            };
            Ok::<_, Fail<()>>((changes, ()))
        })
        .await?;
    Ok(is_there)
}

/// Reads a record; [`Fault::NotFound`] when it is gone.
pub(super) async fn read(
    means: &BooksMeans,
    of: &Of,
    class: CallClass,
    entity: Entity,
    id: &EntityId,
) -> Result<Told, Stop> {
    let (company, realm) = (of.company()?, &of.connected.realm);
    Ok(call!(means, realm, reading(class), |permit| means.rail.read(permit, &company, entity, id)))
}
