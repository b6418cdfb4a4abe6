//! Keys that records of one person are likely to share, so that not all need be compared with all.

use super::record::{Base, Donor, NONE, Row, ValueId};

/// A key, hashed: equal texts of the same kind have equal keys on every machine.
pub type Key = u64;

/// Hashes a kind and its parts (FNV-1a, then mixed, since blocks are sorted by it).
pub(super) fn hash(kind: u8, parts: [&str; 2]) -> Key {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut eat = |byte: u8| {
        hash ^= u64::from(byte);
        hash = hash.wrapping_mul(0x0100_0000_01b3);
    };
    eat(kind);
    for part in parts {
        part.bytes().for_each(&mut eat);
        eat(0xff);
    }
    hash ^= hash >> 31;
    hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ (hash >> 29)
}

/// What of a row takes part in its keys; empty where not known.
struct Parts<'a> {
    first: &'a str,
    last: &'a str,
    first_sound: &'a str,
    last_sound: &'a str,
    /// Lines of the nickname table, as text.
    lines: Vec<String>,
    initial: String,
    street: &'a str,
    street_word: &'a str,
    number: &'a str,
    extra: &'a str,
    town: &'a str,
    postcode: &'a str,
    sector: &'a str,
    birth: &'a str,
    organisation: &'a str,
}

impl<'a> Parts<'a> {
    fn of(base: &'a Base, row: &Row) -> Self {
        let name = |id: ValueId| (id != NONE).then(|| base.names.get(id));
        let (first, last) = (name(row.first), name(row.last));
        let text = |id: ValueId, get: &dyn Fn(ValueId) -> &'a str| if id == NONE { "" } else { get(id) };
        let street = text(row.street, &|id| base.streets.get(id));
        Self {
            first: first.map_or("", |name| &name.part.whole),
            last: last.map_or("", |name| &name.part.whole),
            first_sound: first.map_or("", |name| &name.sound),
            last_sound: last.map_or("", |name| &name.sound),
            lines: first.map(|name| name.lines.iter().map(u16::to_string).collect()).unwrap_or_default(),
            initial: first
                .and_then(|name| name.part.whole.chars().next())
                .map(String::from)
                .unwrap_or_default(),
            street,
            street_word: street.split(' ').max_by_key(|word| word.len()).unwrap_or_default(),
            number: text(row.number, &|id| base.numbers.get(id)),
            extra: text(row.extra, &|id| base.extras.get(id)),
            town: text(row.town, &|id| base.towns.get(id)),
            postcode: text(row.postcode, &|id| &base.postcodes.get(id).0),
            sector: text(row.postcode, &|id| &base.postcodes.get(id).1),
            birth: text(row.birth, &|id| base.births.get(id)),
            organisation: text(row.organisation, &|id| base.organisations.get(id)),
        }
    }
}

/// The keys of a row. Kinds with two parts are left out where one is not known.
pub fn keys(base: &Base, row: &Row) -> Vec<Key> {
    of_kinds(base, row, |kind| !PARTS.contains(&kind))
}

/// Kinds that an index of a whole base holds: the fewest that still lead to nearly everybody. The others add keys that
/// nearly always lead to the same people, or to so many that they say nothing.
const SEARCHED: [u8; 16] = [1, 2, 3, 5, 6, 7, 8, 9, 11, 15, 22, 23, 24, 25, 26, 27];
/// Kinds that only an index has: parts of names, by which somebody with a mistake in each name and another address is
/// found. Where many share them they are read last or not at all.
const PARTS: [u8; 4] = [24, 25, 26, 27];

/// The keys of somebody in an index of a whole base, each once, in order.
///
/// Forty bits each: two different keys in ten million may be taken for one, and then somebody is compared in vain.
pub fn search_keys(donor: &Donor, country: &str) -> Vec<Key> {
    let base = Base::read(std::slice::from_ref(donor), country);
    let mut keys = of_kinds(&base, &base.rows[0], |kind| SEARCHED.contains(&kind));
    for key in &mut keys {
        *key >>= 24;
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn of_kinds(base: &Base, row: &Row, wanted: impl Fn(u8) -> bool + Copy) -> Vec<Key> {
    let parts = Parts::of(base, row);
    let mut out = Vec::with_capacity(24);
    let mut both = |kind: u8, a: &str, b: &str| {
        if wanted(kind) && !a.is_empty() && !b.is_empty() {
            out.push(hash(kind, [a, b]));
        }
    };
    let (low, high) = if parts.first_sound <= parts.last_sound {
        (parts.first_sound, parts.last_sound)
    } else {
        (parts.last_sound, parts.first_sound)
    };
    both(1, low, high);
    both(2, parts.last, &parts.initial);
    for line in &parts.lines {
        both(3, parts.last_sound, line);
        both(4, parts.sector, line);
    }
    both(5, parts.sector, parts.last_sound);
    both(6, parts.sector, parts.first_sound);
    both(7, parts.postcode, &parts.initial);
    both(8, parts.number, parts.street_word);
    both(9, parts.number, parts.postcode);
    both(10, parts.street, &parts.initial);
    both(11, parts.birth, "birth");
    both(12, parts.town, parts.last_sound);
    both(13, parts.town, parts.first_sound);
    both(14, parts.extra, &parts.initial);
    both(15, parts.organisation, parts.last_sound);
    both(16, parts.organisation, parts.first_sound);
    both(17, parts.street_word, parts.postcode);
    both(18, parts.street_word, parts.first);
    both(19, parts.birth.get(4..).unwrap_or_default(), parts.first_sound);
    both(20, parts.birth.get(..6).unwrap_or_default(), parts.last_sound);
    both(24, cut(parts.last, |letters| &letters[..letters.len().min(3)]).as_str(), &parts.initial);
    both(25, cut(parts.last, |letters| &letters[letters.len().saturating_sub(3)..]).as_str(), &parts.initial);
    both(26, parts.first, cut(parts.last, |letters| &letters[..letters.len().min(1)]).as_str());
    both(27, parts.last, "last");
    contact_keys(base, row, wanted, &mut out);
    out
}

/// Some of the letters of a word.
fn cut(word: &str, part: impl Fn(&[char]) -> &[char]) -> String {
    part(&word.chars().collect::<Vec<_>>()).iter().collect()
}

fn contact_keys(base: &Base, row: &Row, wanted: impl Fn(u8) -> bool, out: &mut Vec<Key>) {
    for id in &row.emails {
        let email = base.emails.get(*id);
        if wanted(21) {
            out.push(hash(21, [&email.local, &email.domain]));
        }
        out.push(hash(22, [&email.local, ""]));
    }
    for id in &row.phones {
        let phone = base.phones.get(*id);
        out.push(hash(23, [phone, ""]));
    }
}
