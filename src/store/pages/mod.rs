//! Finds and locates damage in the pages of the ledger's file, beside a server that writes to it.
//!
//! redb writes copy-on-write trees whose every page is named by its parent together with an XXH3-128 checksum,
//! but does not compare when it reads. This walk does. It only reads bytes, and trusts none of them: a page
//! is looked into after its checksum has matched.

mod header;
mod layout;

use std::collections::HashSet;
use std::io;

use twox_hash::XxHash3_128;

use super::disk::SimDisk;
use super::error::StoreError;
use header::Header;
use layout::{Broken, Page, Reference, Tree};

/// How deep a tree may be. redb's own are below ten; a chain that goes on is a circle or a forgery.
const DEPTH: usize = 64;
/// How often one step begins anew because the file moved on below it.
const TRIES: usize = 16;

/// What holds the bytes of a ledger.
pub(super) trait Bytes {
    /// How many there are.
    fn len(&self) -> io::Result<u64>;
    /// Fills `out` from `offset` on; an error when there are fewer.
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;
}

impl Bytes for std::fs::File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        // Positioned, so that nobody's file cursor moves.
        std::os::unix::fs::FileExt::read_exact_at(self, out, offset)
    }
}

impl Bytes for SimDisk {
    fn len(&self) -> io::Result<u64> {
        redb::StorageBackend::len(self)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        redb::StorageBackend::read(self, offset, out)
    }
}

/// How far a walk has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There is more to check.
    More,
    /// Everything that the newest commit reaches has been checked, by this step or an earlier one.
    Done {
        /// How many pages were checked, with those that later commits have replaced.
        pages: u64,
    },
    /// The first damage found, and where it is.
    Fault(String),
}

/// A walk over every page that the newest commit reaches, in steps.
///
/// It remembers below which references all is well. Since redb never changes a page that a commit reaches, the
/// same reference means the same bytes, and a later step goes past them although the trees have moved on.
#[derive(Default)]
pub(super) struct PageWalk {
    sound: HashSet<Reference>,
    steps: usize,
}

/// Why a walk ended early.
enum Stop {
    /// The step has done its share.
    Enough,
    Fault(String),
    Unreadable(StoreError),
}

/// What one step looks at.
struct Look<'b> {
    bytes: &'b dyn Bytes,
    len: u64,
    left: usize,
}

impl PageWalk {
    /// A walk that has seen nothing yet.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Checks about `pages` pages, from the newest commit's roots on.
    ///
    /// Safe beside a writer: redb leaves the pages of a commit alone until a later one stands in the header, so a
    /// page that does not match counts only when the header has not moved on meanwhile. A read transaction that is
    /// open during the step keeps the users' pages for longer, and so spares most of the second looks.
    pub(super) fn step(&mut self, bytes: &dyn Bytes, pages: usize) -> Result<Step, StoreError> {
        // Each step may go one page further than the one before: a writer that replaces more pages between two
        // steps than a step checks cannot keep the walk from its end.
        self.steps += 1;
        let mut left = pages.saturating_add(self.steps);
        let mut header = match header::read(bytes)? {
            Ok(header) => header,
            Err(fault) => return Ok(Step::Fault(fault)),
        };
        for _ in 0..TRIES {
            let mut look = Look { bytes, len: header.len, left };
            let stop = match self.roots(&mut look, &header) {
                Ok(()) => return Ok(Step::Done { pages: self.sound.len() as u64 }),
                Err(Stop::Enough) => return Ok(Step::More),
                Err(stop) => stop,
            };
            left = look.left;
            let now = match header::read(bytes)? {
                Ok(now) => now,
                Err(fault) => return Ok(Step::Fault(fault)),
            };
            match stop {
                Stop::Fault(fault) if now.primary == header.primary => return Ok(Step::Fault(fault)),
                Stop::Unreadable(error) if now.primary == header.primary => return Err(error),
                _ => header = now,
            }
        }
        Ok(Step::More)
    }

    fn roots(&mut self, look: &mut Look<'_>, header: &Header) -> Result<(), Stop> {
        if let Some(root) = header.primary.user {
            self.visit(look, &Tree::tables(), root, 0)?;
        }
        // redb's own tables last: every commit replaces them, and no read transaction keeps the old ones.
        if let Some(root) = header.primary.system {
            self.visit(look, &Tree::system_tables(), root, 0)?;
        }
        Ok(())
    }

    fn visit(&mut self, look: &mut Look<'_>, tree: &Tree, at: Reference, depth: usize) -> Result<(), Stop> {
        if self.sound.contains(&at) {
            return Ok(());
        }
        if look.left == 0 {
            return Err(Stop::Enough);
        }
        if depth == DEPTH {
            return Err(Stop::Fault(format!("{}: {at} lies deeper than any page can", tree.name)));
        }
        match look.page(tree, at)? {
            Page::Leaf => {}
            Page::Branch(children) => {
                for child in children {
                    self.visit(look, tree, child, depth + 1)?;
                }
            }
            Page::Tables(tables) => {
                for (table, root) in tables {
                    self.visit(look, &table, root, 0)?;
                }
            }
        }
        look.left = look.left.saturating_sub(1);
        self.sound.insert(at);
        Ok(())
    }
}

impl Look<'_> {
    /// Reads a page, compares it with its checksum, and says what it leads to.
    fn page(&self, tree: &Tree, at: Reference) -> Result<Page, Stop> {
        let fault = |says: &str| Stop::Fault(format!("{}: {at} {says}", tree.name));
        let span = at.span().filter(|span| span.end <= self.len);
        let span = span.ok_or_else(|| fault("lies outside the file"))?;
        let size = usize::try_from(span.end - span.start).map_err(|_| fault("is larger than memory"))?;
        let mut page = vec![0; size];
        self.bytes.read(span.start, &mut page).map_err(|error| {
            Stop::Unreadable(StoreError::Unavailable(format!("{}: {at} cannot be read: {error}", tree.name)))
        })?;
        let matches = tree.filled(&page).is_some_and(|filled| XxHash3_128::oneshot(filled) == at.checksum);
        if !matches {
            return Err(fault("does not match its checksum"));
        }
        tree.leads_to(&page).map_err(|Broken(what)| fault(what))
    }
}

#[cfg(test)]
mod tests;
