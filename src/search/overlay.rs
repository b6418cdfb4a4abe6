//! What changed since the index was last installed: newer versions of people, held in memory, that hide the
//! older ones in the index.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::begins::Begins;
use super::doc::Doc;

/// A version of a person; none when it is not to be found.
pub(super) type Version = Option<Arc<Doc>>;

/// A version that is held.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    /// The entry that made it.
    seq: u64,
    /// How its words begin: most of those who do not answer a question are told by it without being read.
    pub(super) begins: Begins,
    /// The version.
    pub(super) version: Version,
}

/// The newest versions by subject.
pub(super) type Held = BTreeMap<u64, Noted>;
/// Subjects whose newest version is not held, with the entry that made it.
pub(super) type Unseen = BTreeMap<u64, u64>;

/// Everything newer than the installed searcher.
///
/// What is held is bounded. A subject that finds no room is only known to have changed: its old version is
/// hidden, its new one is found when the index has it, and until then search says that it is behind.
#[derive(Debug)]
pub(super) struct Overlay {
    held: Arc<Held>,
    unseen: Arc<Unseen>,
    room: usize,
    /// The entry up to which the searcher knows everything.
    passed: u64,
    /// The newest entry heard of.
    end: u64,
    /// Entries after the first and up to the second that nobody has looked at.
    blind: (u64, u64),
}

/// What a question looks at besides the index: as it was at one moment, shared and never changed.
#[derive(Clone)]
pub(super) struct Newer {
    pub(super) held: Arc<Held>,
    unseen: Arc<Unseen>,
}

impl Newer {
    /// Whether the index's version of a subject is out of date.
    pub(super) fn hides(&self, subject: u64) -> bool {
        self.held.contains_key(&subject) || self.unseen.contains_key(&subject)
    }
}

impl Overlay {
    /// Nothing newer than `passed` is known; at most `room` versions will be held.
    pub(super) fn new(passed: u64, room: usize) -> Self {
        Self { held: Arc::default(), unseen: Arc::default(), room, passed, end: passed, blind: (0, 0) }
    }

    /// A subject has a newer version.
    pub(super) fn note(&mut self, subject: u64, seq: u64, doc: Option<Doc>) {
        let known =
            self.held.get(&subject).map(|noted| noted.seq).or_else(|| self.unseen.get(&subject).copied());
        if seq <= self.passed || known.is_some_and(|known| known >= seq) {
            return;
        }
        if self.held.contains_key(&subject) || self.held.len() < self.room {
            if self.unseen.contains_key(&subject) {
                Arc::make_mut(&mut self.unseen).remove(&subject);
            }
            let begins = doc.as_ref().map(Begins::of).unwrap_or_default();
            let noted = Noted { seq, begins, version: doc.map(Arc::new) };
            Arc::make_mut(&mut self.held).insert(subject, noted);
        } else {
            Arc::make_mut(&mut self.unseen).insert(subject, seq);
        }
    }

    /// Entries up to `seq` were heard of.
    pub(super) fn heard(&mut self, seq: u64) {
        self.end = self.end.max(seq);
    }

    /// Entries after `after` and up to `to` exist and were not looked at.
    pub(super) fn missed(&mut self, after: u64, to: u64) {
        let (from, until) = self.blind;
        self.blind = if until > self.passed { (from.min(after), until.max(to)) } else { (after, to) };
    }

    /// A searcher that knows everything up to `seq` is installed: what it knows is needed here no more.
    pub(super) fn passed(&mut self, seq: u64) {
        self.passed = seq;
        self.heard(seq);
        if self.held.values().any(|noted| noted.seq <= seq) {
            Arc::make_mut(&mut self.held).retain(|_, noted| noted.seq > seq);
        }
        if self.unseen.values().any(|at| *at <= seq) {
            Arc::make_mut(&mut self.unseen).retain(|_, at| *at > seq);
        }
    }

    /// For one question.
    pub(super) fn newer(&self) -> Newer {
        Newer { held: Arc::clone(&self.held), unseen: Arc::clone(&self.unseen) }
    }

    /// How many versions are here, held or not.
    pub(super) fn len(&self) -> usize {
        self.held.len() + self.unseen.len()
    }

    /// How many changes a question cannot see.
    pub(super) fn behind(&self) -> u64 {
        let (from, until) = self.blind;
        let unseen = u64::try_from(self.unseen.len()).unwrap_or(u64::MAX);
        unseen.saturating_add(until.saturating_sub(from.max(self.passed)))
    }

    /// The entry up to which the searcher knows everything.
    pub(super) const fn passed_to(&self) -> u64 {
        self.passed
    }

    /// How many entries the index has not taken in.
    pub(super) const fn lag(&self) -> u64 {
        self.end.saturating_sub(self.passed)
    }

    /// The newest entry heard of.
    pub(super) const fn end(&self) -> u64 {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc(name: &str) -> Doc {
        let text = name.to_owned();
        Doc {
            key: text.clone(),
            names: text.clone(),
            emails: String::new(),
            places: String::new(),
            whole: text,
            alike: Vec::new(),
        }
    }

    fn held(overlay: &Overlay, subject: u64) -> Option<String> {
        overlay.newer().held.get(&subject)?.version.as_ref().map(|doc| doc.names.clone())
    }

    #[test]
    fn the_newest_version_is_held_whatever_order_they_come_in() {
        let mut overlay = Overlay::new(0, 10);
        overlay.note(1, 5, Some(doc("new")));
        overlay.note(1, 3, Some(doc("old")));
        assert_eq!(held(&overlay, 1).as_deref(), Some("new"));
        overlay.note(1, 6, None);
        assert_eq!(held(&overlay, 1), None);
        assert!(overlay.newer().hides(1));
    }

    #[test]
    fn entries_leave_only_when_the_searcher_has_passed_them() {
        let mut overlay = Overlay::new(0, 10);
        overlay.note(1, 5, Some(doc("a")));
        overlay.note(2, 6, Some(doc("b")));
        overlay.passed(5);
        assert!(!overlay.newer().hides(1) && overlay.newer().hides(2));
        overlay.note(1, 5, Some(doc("late")));
        assert!(!overlay.newer().hides(1), "told again of what the searcher knows");
    }

    #[test]
    fn without_room_a_change_is_hidden_and_counted() {
        let mut overlay = Overlay::new(0, 2);
        for subject in 1..=4 {
            overlay.note(subject, subject, Some(doc("x")));
        }
        assert_eq!((overlay.len(), overlay.behind()), (4, 2));
        assert!(overlay.newer().hides(4) && held(&overlay, 4).is_none());
        overlay.note(2, 9, Some(doc("y")));
        assert_eq!(held(&overlay, 2).as_deref(), Some("y"), "what is held stays current");
        overlay.passed(3);
        assert_eq!((overlay.len(), overlay.behind()), (2, 1));
        overlay.note(4, 10, Some(doc("z")));
        assert_eq!((held(&overlay, 4).as_deref(), overlay.behind()), (Some("z"), 0));
    }

    #[test]
    fn entries_nobody_looked_at_are_counted_until_they_are_passed() {
        let mut overlay = Overlay::new(10, 2);
        overlay.missed(30, 100);
        assert_eq!(overlay.behind(), 70);
        overlay.passed(40);
        assert_eq!(overlay.behind(), 60);
        overlay.missed(110, 120);
        assert_eq!(overlay.behind(), 80);
        overlay.passed(120);
        assert_eq!(overlay.behind(), 0);
        overlay.missed(150, 151);
        assert_eq!((overlay.behind(), overlay.end()), (1, 120));
    }
}
