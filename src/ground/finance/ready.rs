//! Where an open bill stands: in the tray, since something about it must be put right first, or in the console, to be decided
//! about. Never in both, never in neither (finance 4.1).

use std::collections::BTreeMap;

use super::facts::{Document, Facts, Side};
use super::figure::RecordName;
use super::hygiene::{Issue, Tray};

/// Where a bill stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'t> {
    /// Something blocks it: the worst of it.
    Tray(&'t Issue),
    /// It can be decided about.
    Console,
}

/// What blocks which record.
#[derive(Clone, Debug)]
pub struct Places<'t>(BTreeMap<&'t RecordName, &'t Issue>);

impl<'t> Places<'t> {
    /// Of all that was found.
    pub fn of(tray: &'t Tray) -> Self {
        let mut blocked = BTreeMap::new();
        for issue in &tray.issues {
            for record in issue.of.iter().filter(|record| issue.blocks(record)) {
                // Issues come in order of severity: the first one is the worst.
                blocked.entry(record).or_insert(issue);
            }
        }
        Self(blocked)
    }

    /// Where an open bill stands.
    pub fn place(&self, bill: &Document) -> Place<'t> {
        self.0.get(&bill.name).map_or(Place::Console, |issue| Place::Tray(issue))
    }

    /// Open bills that can be decided about.
    pub fn console<'f>(&self, facts: &'f Facts) -> Vec<&'f Document> {
        facts.open(Side::Bill).filter(|bill| self.place(bill) == Place::Console).collect()
    }
}
