//! The header of a redb file: which commit is the newest, and where its trees begin.

use std::ops::Range;

use twox_hash::XxHash3_128;

use super::super::error::StoreError;
use super::Bytes;
use super::layout::{PAGE, REGION_PAGES, Reference, u32_at, u64_at};

const MAGIC: &[u8] = b"redb\x1A\x0A\xA9\x0D\x0A";
const HEADER: usize = 320;
const STATE: usize = 9;
/// The fields after the state byte, all fixed when the file is made.
const PAGE_SIZE: usize = 12;
const REGION_HEADER_PAGES: usize = 16;
const REGION_MAX_PAGES: usize = 20;
/// These follow the length of the file.
const FULL_REGIONS: usize = 24;
const LAST_REGION_PAGES: usize = 28;
/// Written as zeros.
const UNUSED: [Range<usize>; 2] = [10..12, 32..64];
const SLOTS: [Range<usize>; 2] = [64..192, 192..320];
/// Fields of a commit slot.
const HAS_USER_ROOT: usize = 1;
const HAS_SYSTEM_ROOT: usize = 2;
const USER_ROOT: usize = 8;
const SYSTEM_ROOT: usize = 40;
const COMMIT: usize = 104;
const SLOT_CHECKSUM: usize = 112;

/// Bits of the state byte.
const SECOND_IS_PRIMARY: u8 = 1;
const OPEN: u8 = 2;
const TWO_PHASE: u8 = 4;

const FORMAT: u8 = 3;
/// How often a header that makes no sense is read again: a writer may be just replacing it.
const READS: usize = 8;

/// What the walk needs of a header.
pub(super) struct Header {
    /// The newest commit.
    pub(super) primary: Slot,
    /// How long the file was when the header had been read.
    pub(super) len: u64,
}

/// One of the two places for a commit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    commit: u64,
    /// The root of the list of tables.
    pub(super) user: Option<Reference>,
    /// The root of the list of redb's own tables.
    pub(super) system: Option<Reference>,
}

/// Reads and checks the header; the inner error says what is wrong with it.
pub(super) fn read(bytes: &dyn Bytes) -> Result<Result<Header, String>, StoreError> {
    let unavailable = |error: std::io::Error| StoreError::Unavailable(format!("header: {error}"));
    let mut found = Err(String::new());
    for _ in 0..READS {
        if bytes.len().map_err(unavailable)? < PAGE {
            return Ok(Err(format!("header: the file is shorter than one page (bytes 0 to {PAGE})")));
        }
        let mut header = [0; HEADER];
        bytes.read(0, &mut header).map_err(unavailable)?;
        // After the header: redb lengthens a file before and shortens it after the header says so.
        found = check(&header, bytes.len().map_err(unavailable)?);
        if found.is_ok() {
            break;
        }
        std::thread::yield_now();
    }
    Ok(found)
}

fn fault(span: &Range<usize>, says: &str) -> String {
    format!("header: {says} (bytes {} to {})", span.start, span.end)
}

fn check(header: &[u8; HEADER], len: u64) -> Result<Header, String> {
    if !header.starts_with(MAGIC) {
        return Err(fault(&(0..MAGIC.len()), "this is not a redb file"));
    }
    let state = header[STATE];
    if state & !(SECOND_IS_PRIMARY | OPEN | TWO_PHASE) != 0 {
        return Err(fault(&(STATE..STATE + 1), "the state has bits that a ledger never has"));
    }
    if let Some(span) = UNUSED.iter().find(|span| header[(*span).clone()].iter().any(|byte| *byte != 0)) {
        return Err(fault(span, "bytes that are always zero are not"));
    }
    check_geometry(header, len)?;
    let primary = usize::from(state & SECOND_IS_PRIMARY != 0);
    // redb refuses a file when either slot has another format, whatever their checksums say.
    for span in &SLOTS {
        if header[span.start] != FORMAT {
            return Err(fault(span, "the format of a commit slot is not the known one"));
        }
    }
    let newest = slot(header, &SLOTS[primary])?;
    // While the file is open the other slot may hold the next commit, half-made; nobody reads it then.
    if state & OPEN == 0 && slot(header, &SLOTS[1 - primary])?.commit > newest.commit {
        return Err(fault(&(STATE..STATE + 1), "the file was closed, but not on its newest commit"));
    }
    Ok(Header { primary: newest, len })
}

/// The sizes are those that redb gives every file of ours when it is made, and never changes.
fn check_geometry(header: &[u8; HEADER], len: u64) -> Result<(), String> {
    let field = |at: usize| u32_at(header, at).map(u64::from);
    let fixed = [(PAGE_SIZE, PAGE), (REGION_HEADER_PAGES, 0), (REGION_MAX_PAGES, REGION_PAGES)];
    for (at, must) in fixed {
        if field(at) != Some(must) {
            return Err(fault(&(at..at + 4), "a size of pages or regions is not the usual one"));
        }
    }
    if !len.is_multiple_of(PAGE) {
        return Err(format!("header: the file ends inside a page (bytes {} to {len})", len - len % PAGE));
    }
    // redb counts anew from the length when the file was not closed.
    if header[STATE] & OPEN != 0 {
        return Ok(());
    }
    let (full, last) = (field(FULL_REGIONS).unwrap_or(0), field(LAST_REGION_PAGES).unwrap_or(0));
    if last > REGION_PAGES || len / PAGE != 1 + full * REGION_PAGES + last {
        let span = FULL_REGIONS..LAST_REGION_PAGES + 4;
        return Err(fault(&span, "the number of pages does not fit the length of the file"));
    }
    Ok(())
}

fn slot(header: &[u8; HEADER], span: &Range<usize>) -> Result<Slot, String> {
    let (content, checksum) = header[span.clone()].split_at(SLOT_CHECKSUM);
    if XxHash3_128::oneshot(content).to_le_bytes() != checksum {
        return Err(fault(span, "a commit slot does not match its checksum"));
    }
    let root = |has: usize, at: usize| Reference::read(content, at).filter(|_| content[has] != 0);
    Ok(Slot {
        commit: u64_at(content, COMMIT).unwrap_or(0),
        user: root(HAS_USER_ROOT, USER_ROOT),
        system: root(HAS_SYSTEM_ROOT, SYSTEM_ROOT),
    })
}
