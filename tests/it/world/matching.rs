//! Donor-match runs of a process in one's hand.

use almoner::ground::id::RunId;
use almoner::runs::Next;
use almoner::runs::donor_match::DonorMatch;
use almoner::search::{Place, Search};

use super::{Process, block};

impl Process {
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
