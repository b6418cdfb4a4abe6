//! Donor-match runs of a process in one's hand.

use std::sync::Arc;

use almoner::ground::groups::Group;
use almoner::ground::id::{Object, RunId};
use almoner::runs::Next;
use almoner::runs::donor_match::DonorMatch;
use almoner::runs::duplicates::Finder;
use almoner::search::{Place, Search};

use super::{Process, block};

impl Process {
    /// The search over what this process knows, opened when it is needed first.
    pub fn search(&mut self) -> Arc<Search> {
        let store = self.means.store.clone();
        Arc::clone(self.search.get_or_insert_with(|| Search::open(Place::Memory, &store).expect("opens")))
    }

    /// Looks for duplicates until there is nothing more to look at. Answers how many stretches that took.
    pub fn find_duplicates(&mut self) -> usize {
        let (store, world, search) = (self.means.store.clone(), self.means.world.clone(), self.search());
        let finder = Finder { store, world, search };
        (0..10_000).take_while(|_| block(finder.step()) == Next::Again).count()
    }

    /// One stretch of looking for duplicates.
    pub fn find_some(&mut self) -> Next {
        let (store, world, search) = (self.means.store.clone(), self.means.world.clone(), self.search());
        block(Finder { store, world, search }.step())
    }

    /// Groups of duplicates, by their first members.
    pub fn groups(&self) -> Vec<Group> {
        let snapshot = self.means.store.snapshot().unwrap();
        let groups = snapshot.ledger().all_here::<Group>("group", Object::Group).unwrap();
        let mut groups: Vec<Group> = groups.into_iter().map(|record| record.value).collect();
        groups.sort_by(|one, other| one.members.cmp(&other.members));
        groups
    }

    /// One step of a donor-match run; the search is opened when the first one needs it.
    pub fn step_match(&mut self, run: RunId) -> Next {
        let (store, world) = (self.means.store.clone(), self.means.world.clone());
        if self.search.is_none() {
            self.search = Search::open(Place::Memory, &store).ok();
        }
        let Some(search) = self.search.clone() else { return Next::Wait(world.now().plus_millis(1_000)) };
        block(DonorMatch::new(store, world, search, run).step())
    }
}
