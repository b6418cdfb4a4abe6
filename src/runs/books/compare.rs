//! The comparison of ids: finds what was deleted there without a trace, and what no look told of (contract 3.4).

use std::collections::{BTreeSet, VecDeque};

use serde_json::Value;

use super::call::{Stop, call, reading};
use super::load::Step;
use super::one::look_up;
use super::{BooksMeans, Of, seen_there};
use crate::ground::books::{Connected, Entity, EntityId};
use crate::ground::id::{ConnectionId, Object};
use crate::ground::journal::SubjectState;
use crate::rails::CallClass;
use crate::rails::qbo::Rows;
use crate::store::{Changes, Fail, Store, StoreError};

/// Ids of a page.
const ROWS: u32 = 1_000;
/// More records than this are not read one by one: everything is read again.
const ONE_BY_ONE: usize = 300;
/// Records looked at between two looks at the ledger.
const STRETCH: usize = 500;

/// A comparison of one kind under way.
pub(super) struct Compare {
    entity: Entity,
    there: BTreeSet<EntityId>,
    start: u32,
    /// Whether all ids were read.
    read: bool,
    /// Records to ask for by id.
    asking: VecDeque<(Entity, EntityId)>,
    calls: u32,
}

impl Compare {
    /// A comparison of a kind.
    pub(super) fn begin(entity: Entity) -> Self {
        Self { entity, there: BTreeSet::new(), start: 1, read: false, asking: VecDeque::new(), calls: 0 }
    }

    /// One call, and what it brought stored.
    pub(super) async fn step(&mut self, means: &BooksMeans, of: &Of) -> Result<Step, Stop> {
        if !self.read {
            self.page(means, of).await?;
            if self.read && !self.differ(means, of)? {
                self.end(means, of, true).await?;
                return Ok(Step::Done);
            }
            return Ok(Step::More);
        }
        if let Some((entity, id)) = self.asking.front().cloned() {
            self.ask(means, of, entity, &id).await?;
            self.asking.pop_front();
            return Ok(Step::More);
        }
        self.end(means, of, false).await?;
        Ok(Step::Done)
    }

    async fn page(&mut self, means: &BooksMeans, of: &Of) -> Result<(), Stop> {
        let (company, realm) = (of.company()?, &of.connected.realm);
        let rows = Rows { entity: self.entity, since: None, start: self.start, max: ROWS };
        let ids: Vec<EntityId> = call!(means, realm, reading(CallClass::Backfill), |permit| means
            .rail
            .ids(permit, &company, &rows));
        self.calls += 1;
        self.start += ROWS;
        self.read = ids.len() < ROWS as usize;
        self.there.extend(ids);
        Ok(())
    }

    /// What is on one side only is asked for by id; false when that would be too much.
    fn differ(&mut self, means: &BooksMeans, of: &Of) -> Result<bool, StoreError> {
        let here = means.store.snapshot()?.ledger().book_ids(of.connected.connection, self.entity)?;
        let here: BTreeSet<EntityId> = here.into_iter().collect();
        let differing: Vec<&EntityId> = here.symmetric_difference(&self.there).collect();
        if !differing.is_empty() {
            let (entity, count) = (self.entity.name(), differing.len());
            tracing::info!(event = "qbo_ids_differ", realm = of.connected.realm.as_str(), entity, count);
        }
        self.asking = differing.iter().map(|id| (self.entity, (*id).clone())).collect();
        Ok(self.asking.len() <= ONE_BY_ONE)
    }

    async fn ask(&mut self, means: &BooksMeans, of: &Of, entity: Entity, id: &EntityId) -> Result<(), Stop> {
        self.calls += 1;
        let is_there = look_up(means, of, CallClass::Backfill, entity, id).await?;
        if !is_there && entity.is_list() {
            // It may have become part of another one: what named it names that one now.
            self.asking.extend(named_by(&means.store, &of.connected, entity, id)?);
        }
        Ok(())
    }

    async fn end(&self, means: &BooksMeans, of: &Of, too_much: bool) -> Result<(), Stop> {
        let (connection, entity, calls) = (of.connected.connection, self.entity, self.calls);
        means
            .store
            .write(move |view| {
                let now = view.world.now();
                let mut books = view.ledger().books(connection)?;
                books.begin_compare();
                books.compared(entity, calls, now);
                if too_much {
                    books.load_asked_at = Some(now);
                }
                let mut changes = Changes::new(seen_there(connection));
                changes.books(connection, &books)?;
                Ok::<_, Fail<()>>((changes, ()))
            })
            .await?;
        Ok(())
    }
}

/// By which names documents name a record of a kind (contract 7.3).
const fn names_of(entity: Entity) -> &'static [&'static str] {
    match entity {
        Entity::Customer => &["CustomerRef", "EntityRef", "ParentRef"],
        Entity::Vendor => &["VendorRef", "EntityRef"],
        Entity::Account => &[
            "AccountRef",
            "APAccountRef",
            "ARAccountRef",
            "DepositToAccountRef",
            "BankAccountRef",
            "CCAccountRef",
            "FromAccountRef",
            "ToAccountRef",
        ],
        Entity::Item => &["ItemRef", "GroupItemRef"],
        Entity::Class => &["ClassRef"],
        Entity::Department => &["DepartmentRef"],
        Entity::Term => &["SalesTermRef", "TermRef"],
        Entity::PaymentMethod => &["PaymentMethodRef"],
        _ => &[],
    }
}

/// Documents that name a record.
pub(super) fn named_by(
    store: &Store,
    company: &Connected,
    entity: Entity,
    id: &EntityId,
) -> Result<Vec<(Entity, EntityId)>, StoreError> {
    let names = names_of(entity);
    let mut found = Vec::new();
    let kinds = Entity::ALL.iter().copied().filter(|kind| kind.is_document());
    for kind in kinds.filter(|_| !names.is_empty()) {
        each(store, company.connection, kind, |record_id, json| {
            let quoted = format!("\"{id}\"");
            if json.contains(&quoted) && refers(json, names, id.as_str()) {
                found.push((kind, record_id));
            }
        })?;
    }
    Ok(found)
}

/// Visits every record of a kind that is there, in stretches, so that no look at the ledger lasts long.
pub(super) fn each(
    store: &Store,
    company: ConnectionId,
    entity: Entity,
    mut visit: impl FnMut(EntityId, &str),
) -> Result<(), StoreError> {
    let object = Object::Book(entity);
    let seqs =
        store.snapshot()?.ledger().newest_entries(company, object, SubjectState::Live, None, usize::MAX)?;
    for stretch in seqs.items.chunks(STRETCH) {
        let snapshot = store.snapshot()?;
        for seq in stretch {
            if let Some(record) = snapshot.ledger().record_at(*seq)?
                && let Some(id) = EntityId::new(&record.key.foreign.to_string())
            {
                visit(id, &record.value);
            }
        }
    }
    Ok(())
}

fn refers(json: &str, names: &[&str], id: &str) -> bool {
    serde_json::from_str::<Value>(json).is_ok_and(|value| within(&value, names, id))
}

fn within(value: &Value, names: &[&str], id: &str) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, member)| {
            let hit =
                names.contains(&name.as_str()) && member.get("value").and_then(Value::as_str) == Some(id);
            hit || within(member, names, id)
        }),
        Value::Array(items) => items.iter().any(|item| within(item, names, id)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_found_at_any_depth_and_only_under_its_own_names() {
        let bill = r#"{"VendorRef":{"value":"7"},"Line":[{"AccountBasedExpenseLineDetail":{"AccountRef":{"value":"8"}}}]}"#;
        assert!(refers(bill, names_of(Entity::Vendor), "7") && refers(bill, names_of(Entity::Account), "8"));
        assert!(
            !refers(bill, names_of(Entity::Customer), "7") && !refers(bill, names_of(Entity::Vendor), "8")
        );
    }
}
