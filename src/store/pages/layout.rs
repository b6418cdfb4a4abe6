//! How redb lays out the pages of a tree. Every read is checked: the bytes may be anything.

use std::ops::Range;

/// Bytes of a page of order 0; a page of the next order has twice as many.
pub(super) const PAGE: u64 = 4096;
/// Pages of order 0 in a full region.
pub(super) const REGION_PAGES: u64 = 1 << 20;
const MAX_ORDER: u64 = 20;

const LEAF: u8 = 1;
const BRANCH: u8 = 2;
/// Where the ends of keys and values begin in a leaf.
const LEAF_ENDS: usize = 4;
/// Where the checksums of the children begin in a branch.
const BRANCH_CHILDREN: usize = 8;
/// A checksum and a page number.
const CHILD: usize = 16 + 8;

/// The only kind of table that a ledger has: one value for a key.
const PLAIN_TABLE: u8 = 3;
/// Fields of a table's definition.
const HAS_ROOT: usize = 9;
const ROOT: usize = 10;
const KEY_WIDTH: usize = 42;
const VALUE_WIDTH: usize = 47;

/// A page as its parent names it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Reference {
    number: u64,
    /// The XXH3-128 of what is in use of the page.
    pub(super) checksum: u128,
}

impl Reference {
    /// A page number with its checksum behind it, as roots are written.
    pub(super) fn read(bytes: &[u8], at: usize) -> Option<Self> {
        Some(Self { number: u64_at(bytes, at)?, checksum: u128_at(bytes, at.checked_add(8)?)? })
    }

    /// Region, first page of order 0 in it, and order.
    const fn parts(self) -> (u64, u64, u64) {
        let order = self.number >> 59;
        let index = self.number & (0xF_FFFF >> order);
        ((self.number >> 20) & 0xF_FFFF, index << order, order)
    }

    /// Where the page lies in the file; none when no page can lie there.
    pub(super) fn span(self) -> Option<Range<u64>> {
        let (region, first, order) = self.parts();
        // The header takes the first page. Nothing overflows: at most 20 + 20 + 12 bits each.
        let start = PAGE * (1 + region * REGION_PAGES + first);
        (order <= MAX_ORDER).then(|| start..start + (PAGE << order))
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (region, first, order) = self.parts();
        match self.span() {
            Some(span) => write!(f, "page {region}/{first} (bytes {} to {})", span.start, span.end),
            None => write!(f, "page {region}/{first} of order {order}"),
        }
    }
}

/// A page does not hold what its kind must hold, although it is as it was written.
pub(super) struct Broken(pub(super) &'static str);

/// What a page leads to.
pub(super) enum Page {
    /// Nothing.
    Leaf,
    /// Pages of the same tree.
    Branch(Vec<Reference>),
    /// The roots of tables.
    Tables(Vec<(Tree, Reference)>),
}

/// A tree of pages.
pub(super) struct Tree {
    /// What faults call it.
    pub(super) name: String,
    /// The width of keys when all are equally wide.
    pub(super) keys: Option<usize>,
    /// The width of values when all are equally wide.
    pub(super) values: Option<usize>,
    /// What faults put before the names of tables, when this is a list of tables.
    pub(super) lists: Option<&'static str>,
}

impl Tree {
    /// The list of the ledger's tables.
    pub(super) fn tables() -> Self {
        Self { name: "list of tables".into(), keys: None, values: None, lists: Some("table") }
    }

    /// The list of the tables that redb keeps for itself.
    pub(super) fn system_tables() -> Self {
        Self { name: "list of system tables".into(), keys: None, values: None, lists: Some("system table") }
    }

    /// What of a page is in use, and so under its checksum.
    pub(super) fn filled<'p>(&self, page: &'p [u8]) -> Option<&'p [u8]> {
        let end = match *page.first()? {
            LEAF => self.leaf_value(page, count(page)?.checked_sub(1)?)?.end,
            BRANCH => self.branch_end(page)?,
            _ => return None,
        };
        page.get(..end)
    }

    /// What a page leads to. Its checksum has matched.
    pub(super) fn leads_to(&self, page: &[u8]) -> Result<Page, Broken> {
        if page.first() == Some(&BRANCH) {
            return children(page).map(Page::Branch).ok_or(Broken("has more children than fit"));
        }
        let Some(kind) = self.lists else { return Ok(Page::Leaf) };
        let mut tables = Vec::new();
        for n in 0..count(page).unwrap_or(0) {
            let name = self.leaf_key(page, n).and_then(|key| page.get(key));
            let definition = self.leaf_value(page, n).and_then(|value| page.get(value));
            let (Some(name), Some(definition)) = (name, definition) else {
                return Err(Broken("lists a table outside itself"));
            };
            let name = format!("{kind} {}", String::from_utf8_lossy(name));
            tables.extend(table(name, definition)?);
        }
        Ok(Page::Tables(tables))
    }

    fn leaf_key(&self, page: &[u8], n: usize) -> Option<Range<usize>> {
        let count = count(page)?;
        let ends = usize::from(self.keys.is_none()) + usize::from(self.values.is_none());
        let first = LEAF_ENDS + 4 * ends * count;
        let end = |n: usize| match self.keys {
            Some(width) => first.checked_add(width.checked_mul(n + 1)?),
            None => end_at(page, LEAF_ENDS + 4 * n),
        };
        Some(if n == 0 { first } else { end(n - 1)? }..end(n)?)
    }

    fn leaf_value(&self, page: &[u8], n: usize) -> Option<Range<usize>> {
        let count = count(page)?;
        let first = self.leaf_key(page, count.checked_sub(1)?)?.end;
        let ends = LEAF_ENDS + if self.keys.is_none() { 4 * count } else { 0 };
        let end = |n: usize| match self.values {
            Some(width) => first.checked_add(width.checked_mul(n + 1)?),
            None => end_at(page, ends + 4 * n),
        };
        Some(if n == 0 { first } else { end(n - 1)? }..end(n)?)
    }

    fn branch_end(&self, page: &[u8]) -> Option<usize> {
        let keys = count(page)?;
        let ends = BRANCH_CHILDREN + CHILD * (keys + 1);
        match self.keys {
            Some(width) => ends.checked_add(width.checked_mul(keys)?),
            None => end_at(page, ends + 4 * keys.checked_sub(1)?),
        }
    }
}

/// How many keys a page has.
fn count(page: &[u8]) -> Option<usize> {
    let bytes = page.get(2..4)?.try_into().ok()?;
    Some(usize::from(u16::from_le_bytes(bytes))).filter(|count| *count > 0)
}

fn children(page: &[u8]) -> Option<Vec<Reference>> {
    let children = count(page)? + 1;
    let child = |n: usize| {
        let number = u64_at(page, BRANCH_CHILDREN + 16 * children + 8 * n)?;
        Some(Reference { number, checksum: u128_at(page, BRANCH_CHILDREN + 16 * n)? })
    };
    (0..children).map(child).collect()
}

/// Reads the definition of a table; none when the table is empty and has no page.
fn table(name: String, definition: &[u8]) -> Result<Option<(Tree, Reference)>, Broken> {
    if definition.first() != Some(&PLAIN_TABLE) {
        return Err(Broken("lists a table of another kind than a ledger has"));
    }
    let broken = Broken("lists a table whose definition is cut short");
    let width = |at: usize| {
        let width = usize::try_from(u32_at(definition, at + 1)?).ok()?;
        Some((definition[at] != 0).then_some(width))
    };
    let (Some(root), Some(keys), Some(values)) =
        (Reference::read(definition, ROOT), width(KEY_WIDTH), width(VALUE_WIDTH))
    else {
        return Err(broken);
    };
    Ok((definition[HAS_ROOT] != 0).then_some((Tree { name, keys, values, lists: None }, root)))
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// A little-endian number of the file.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes_at(bytes, at).map(u32::from_le_bytes)
}

/// A little-endian number of the file.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes_at(bytes, at).map(u64::from_le_bytes)
}

fn u128_at(bytes: &[u8], at: usize) -> Option<u128> {
    bytes_at(bytes, at).map(u128::from_le_bytes)
}

fn end_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32_at(bytes, at)?).ok()
}
