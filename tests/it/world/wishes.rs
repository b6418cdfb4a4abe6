//! What a person asks of the sync of a process in one's hand.

use almoner::ground::id::Object;

use super::{Process, block, reviewer};

impl Process {
    /// Pauses the mirror of an object, or lets it go on.
    pub fn pause(&self, object: Object, paused: bool) {
        block(self.desk.pause_sync(&reviewer(), object, paused)).expect("asked for");
    }

    /// Switches the mirror of a further object on or off.
    pub fn switch(&self, plural: &str, on: bool) -> Object {
        block(self.desk.switch_object(&reviewer(), plural.to_owned(), on)).expect("switched")
    }

    /// Asks for a pass over everything.
    pub fn sync_now(&self) {
        block(self.desk.sync_now(&reviewer())).expect("asked for");
    }
}
