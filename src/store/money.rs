//! Reads of what people said and decided about the money of companies, and of what stands beside the books of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::error::StoreError;
use super::ledger::{Ledger, Record};
use super::past::Asked;
use crate::ground::books::RealmId;
use crate::ground::finance::RecordName;
use crate::ground::finance::decision::Decision;
use crate::ground::finance::digest::Digest;
use crate::ground::finance::overlay::{Overlay, Said};
use crate::ground::finance::policy::PolicySet;
use crate::ground::id::{ConnectionId, Object, Seq};
use crate::ground::journal::SubjectState;

/// Records that are read at a time.
const PAGE: usize = 1_000;

/// What stands beside the books of the companies.
#[derive(Clone, Debug, Default)]
pub struct MoneyBeside {
    overlays: BTreeMap<RealmId, Arc<Overlay>>,
    /// Of a company nobody said anything about: what the firm set.
    firm: Arc<Overlay>,
    aside: BTreeMap<RealmId, Vec<RecordName>>,
    stuck: BTreeMap<RealmId, usize>,
}

impl MoneyBeside {
    /// What was said of a company.
    pub fn overlay(&self, realm: &RealmId) -> Arc<Overlay> {
        Arc::clone(self.overlays.get(realm).unwrap_or(&self.firm))
    }

    /// What the firm set for all its companies.
    pub fn firm_policy(&self) -> PolicySet {
        self.firm.firm.clone()
    }

    /// Records of a company that cannot be read.
    pub fn aside(&self, realm: &RealmId) -> Vec<RecordName> {
        self.aside.get(realm).cloned().unwrap_or_default()
    }

    /// Changes of a company that need a person.
    pub fn stuck(&self, realm: &RealmId) -> usize {
        self.stuck.get(realm).copied().unwrap_or_default()
    }

    fn of(said: Vec<Said>, decisions: Vec<Decision>) -> Self {
        let (firm, of): (Vec<Said>, Vec<Said>) = said.into_iter().partition(|said| said.realm.is_none());
        let mut all = Overlay::default();
        for said in firm {
            all.add(said);
        }
        let mut overlays: BTreeMap<RealmId, Overlay> = BTreeMap::new();
        for said in of {
            if let Some(realm) = said.realm.clone() {
                overlays.entry(realm).or_insert_with(|| all.clone()).add(said);
            }
        }
        for decision in decisions {
            let overlay = overlays.entry(decision.realm.clone()).or_insert_with(|| all.clone());
            overlay.decisions.insert(decision.bill.clone(), decision);
        }
        let overlays = overlays.into_iter().map(|(realm, overlay)| (realm, Arc::new(overlay))).collect();
        Self { overlays, firm: Arc::new(all), ..Self::default() }
    }
}

impl Ledger<'_> {
    /// Something that was said, unless it was taken back.
    pub fn money_said(&self, id: Uuid) -> Result<Option<Record<Said>>, StoreError> {
        self.here("what was said", Object::MoneySaid, id)
    }

    /// What was decided about a bill.
    pub fn money_decision(&self, id: Uuid) -> Result<Option<Record<Decision>>, StoreError> {
        self.here("decision", Object::MoneyDecision, id)
    }

    /// A digest.
    pub fn money_digest(&self, id: Uuid) -> Result<Option<Record<Digest>>, StoreError> {
        self.here("digest", Object::MoneyDigest, id)
    }

    /// Every digest, the newest change first.
    pub fn money_digests(&self) -> Result<Vec<Record<Digest>>, StoreError> {
        let (here, object) = (ConnectionId::HERE, Object::MoneyDigest);
        let mut found = Vec::new();
        for record in self.newest(here, object, SubjectState::Live, None, usize::MAX)?.items {
            found.extend(Self::typed::<Digest>("digest", Some(record))?);
        }
        Ok(found)
    }

    /// All that stands beside the books, of all companies.
    pub fn money_beside(&self) -> Result<MoneyBeside, StoreError> {
        let here = ConnectionId::HERE;
        let (mut said, mut decisions) = (Vec::new(), Vec::new());
        for record in self.newest(here, Object::MoneySaid, SubjectState::Live, None, usize::MAX)?.items {
            said.extend(Self::typed::<Said>("what was said", Some(record))?.map(|record| record.value));
        }
        for record in self.newest(here, Object::MoneyDecision, SubjectState::Live, None, usize::MAX)?.items {
            decisions.extend(Self::typed::<Decision>("decision", Some(record))?.map(|record| record.value));
        }
        let mut beside = MoneyBeside::of(said, decisions);
        for aside in self.books_aside()?.into_iter().map(|aside| aside.value) {
            if let Some(id) = aside.id {
                beside.aside.entry(aside.realm).or_default().push(RecordName { entity: aside.entity, id });
            }
        }
        for change in self.books_changes_open()?.into_iter().map(|change| change.value) {
            if change.state.needs_a_person() {
                *beside.stuck.entry(change.realm).or_default() += 1;
            }
        }
        Ok(beside)
    }

    /// What had been said and decided when an entry was the newest.
    pub fn money_beside_as_of(&self, as_of: Seq) -> Result<MoneyBeside, StoreError> {
        let said = self.all_as_of::<Said>("what was said", Object::MoneySaid, as_of)?;
        Ok(MoneyBeside::of(said, self.all_as_of("decision", Object::MoneyDecision, as_of)?))
    }

    fn all_as_of<T: serde::de::DeserializeOwned>(
        &self,
        what: &'static str,
        object: Object,
        as_of: Seq,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let state = Some(SubjectState::Live);
            let asked = Asked { as_of, state, after: after.as_deref(), limit: PAGE };
            let page = self.records(self.list_as_of(ConnectionId::HERE, object, &asked)?)?;
            for record in page.items {
                found.extend(Self::typed::<T>(what, Some(record))?.map(|record| record.value));
            }
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }
}
