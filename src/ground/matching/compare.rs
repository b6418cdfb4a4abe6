//! How alike two records are, field by field, as one of a few levels each.

use super::contact::Email;
use super::nicknames::are_alike;
use super::normalize::Title;
use super::record::{Base, NONE, Name, Row, ValueId};
use super::similar::mistakes;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Field {
    /// First names.
    First,
    /// Family names.
    Last,
    /// Whether first and family name stand in each other's place.
    Order,
    /// Titles.
    Title,
    /// Dates of birth.
    Birth,
    /// E-mail addresses.
    Email,
    /// Telephone numbers.
    Phone,
    /// Organisations.
    Organisation,
    /// House numbers.
    Number,
    /// Streets.
    Street,
    /// Second lines of the address.
    Extra,
    /// Towns.
    Town,
    /// Postcodes.
    Postcode,
    /// Counties or states.
    Region,
    /// Whether both have an e-mail address at all.
    EmailKept,
    /// Whether both have a telephone number at all.
    PhoneKept,
}

/// How many fields are compared.
pub const FIELDS: usize = 16;
/// Most levels a field has.
pub const LEVELS: usize = 8;

impl Field {
    /// All, in the order they are explained.
    pub const ALL: [Self; FIELDS] = [
        Self::First,
        Self::Last,
        Self::Order,
        Self::Title,
        Self::Birth,
        Self::Email,
        Self::Phone,
        Self::Organisation,
        Self::Number,
        Self::Street,
        Self::Extra,
        Self::Town,
        Self::Postcode,
        Self::Region,
        Self::EmailKept,
        Self::PhoneKept,
    ];

    /// What a person calls its levels, the least agreement first. Level 0 of all is "not known of both".
    pub const fn levels(self) -> &'static [&'static str] {
        match self {
            Self::First => &[
                "not known of both",
                "different",
                "same first letter only",
                "initial fits",
                "sounds alike or shares a part",
                "said for each other",
                "one mistake apart",
                "same",
            ],
            Self::Last => &[
                "not known of both",
                "different",
                "sounds alike",
                "shares a part",
                "one mistake apart",
                "same",
            ],
            Self::Order => &["not known of both", "exchanged", "in order"],
            Self::Title => &["not known of both", "of different sexes", "different", "same"],
            Self::Birth => {
                &["not known of both", "different", "two parts the same", "one mistake apart", "same"]
            }
            Self::Email => &[
                "not known of both",
                "different",
                "same name at another provider",
                "one mistake apart",
                "same",
            ],
            Self::Phone | Self::Number => &["not known of both", "different", "one mistake apart", "same"],
            Self::Organisation => &["not known of both", "different", "similar", "same"],
            Self::Street | Self::Extra | Self::Town => {
                &["not known of both", "different", "similar", "one mistake apart", "same"]
            }
            Self::Postcode => {
                &["not known of both", "different", "same neighbourhood", "one mistake apart", "same"]
            }
            Self::Region => &["not known of both", "different", "same"],
            Self::EmailKept | Self::PhoneKept => {
                &["not looked at", "only one record has it", "both records have it", "neither record has it"]
            }
        }
    }

    /// The highest level.
    pub const fn same(self) -> u8 {
        #[expect(clippy::cast_possible_truncation, reason = "a field has at most eight levels")]
        let count = self.levels().len() as u8;
        count - 1
    }

    /// The lowest level that speaks for one person rather than against it.
    pub const fn agrees_from(self) -> u8 {
        2
    }

    /// Whether it tells where somebody lives: such fields change together when people move.
    pub const fn is_place(self) -> bool {
        matches!(self, Self::Number | Self::Street | Self::Extra | Self::Town | Self::Postcode | Self::Region)
    }

    /// Whether it tells only that something is there: records of one person tend to lack the same.
    pub const fn is_presence(self) -> bool {
        matches!(self, Self::EmailKept | Self::PhoneKept)
    }

    /// Its place in [`Field::ALL`].
    pub const fn at(self) -> usize {
        self as usize
    }
}

/// What a comparison found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The level of each field.
    pub levels: [u8; FIELDS],
    /// How many records have the value that both have, where the level is "same"; where it is less, how many would have it
    /// if both had the commoner one; 0 where that is not counted.
    pub shared: [u32; FIELDS],
}

impl Found {
    /// Nothing known of both.
    pub const NOTHING: Self = Self { levels: [0; FIELDS], shared: [0; FIELDS] };

    fn set(&mut self, field: Field, (level, shared): (u8, u32)) {
        self.levels[field.at()] = level;
        self.shared[field.at()] = shared;
    }

    /// The level of a field.
    pub const fn level(&self, field: Field) -> u8 {
        self.levels[field.at()]
    }
}

/// Compares two people of a base. The order of the two makes no difference.
pub fn compare(base: &Base, left: &Row, right: &Row) -> Found {
    let mut found = Found::NOTHING;
    compare_names(base, left, right, &mut found);
    found.set(Field::Title, (titles(left.title, right.title), 0));
    found.set(
        Field::Birth,
        one(
            left.birth,
            right.birth,
            |a, b| births(base.births.get(a), base.births.get(b)),
            |a| base.births.count(a),
        ),
    );
    found.set(
        Field::Email,
        best(
            &left.emails,
            &right.emails,
            Field::Email,
            |a, b| emails(base.emails.get(a), base.emails.get(b)),
            |a| base.emails.count(a),
        ),
    );
    found.set(
        Field::Phone,
        best(
            &left.phones,
            &right.phones,
            Field::Phone,
            |a, b| numbers(base.phones.get(a), base.phones.get(b)),
            |a| base.phones.count(a),
        ),
    );
    found.set(
        Field::Organisation,
        one(
            left.organisation,
            right.organisation,
            |a, b| similar(base.organisations.get(a), base.organisations.get(b)).min(2),
            |a| base.organisations.count(a),
        ),
    );
    compare_places(base, left, right, &mut found);
    for (field, kept) in
        kept(left).into_iter().zip(kept(right)).map(|((field, one), (_, other))| (field, (one, other)))
    {
        found.set(field, (presence(kept), 0));
    }
    for field in Field::ALL {
        // Where the closures above could not know the number of their own highest level.
        if found.levels[field.at()] == SAME {
            found.levels[field.at()] = field.same();
        }
    }
    found
}

/// Stands for the highest level of whichever field.
const SAME: u8 = u8::MAX;

/// What a record has at all.
pub fn kept(row: &Row) -> [(Field, bool); 2] {
    [(Field::EmailKept, !row.emails.is_empty()), (Field::PhoneKept, !row.phones.is_empty())]
}

/// The level of having something at all.
pub const fn presence(kept: (bool, bool)) -> u8 {
    match kept {
        (true, true) => 2,
        (false, false) => 3,
        _ => 1,
    }
}

fn compare_places(base: &Base, left: &Row, right: &Row, found: &mut Found) {
    found.set(
        Field::Number,
        one(
            left.number,
            right.number,
            |a, b| numbers(base.numbers.get(a), base.numbers.get(b)),
            |a| base.numbers.count(a),
        ),
    );
    found.set(
        Field::Street,
        one(
            left.street,
            right.street,
            |a, b| similar(base.streets.get(a), base.streets.get(b)),
            |a| base.streets.count(a),
        ),
    );
    found.set(
        Field::Extra,
        one(
            left.extra,
            right.extra,
            |a, b| similar(base.extras.get(a), base.extras.get(b)),
            |a| base.extras.count(a),
        ),
    );
    found.set(
        Field::Town,
        one(
            left.town,
            right.town,
            |a, b| similar(base.towns.get(a), base.towns.get(b)),
            |a| base.towns.count(a),
        ),
    );
    found.set(
        Field::Postcode,
        one(
            left.postcode,
            right.postcode,
            |a, b| postcodes(base.postcodes.get(a), base.postcodes.get(b)),
            |a| base.postcodes.count(a),
        ),
    );
    found.set(
        Field::Region,
        one(
            left.region,
            right.region,
            |a, b| regions(base.regions.get(a), base.regions.get(b)),
            |a| base.regions.count(a),
        ),
    );
}

/// Level of two single values, and how many have the one they share.
fn one(
    left: ValueId,
    right: ValueId,
    level: impl Fn(ValueId, ValueId) -> u8,
    count: impl Fn(ValueId) -> u32,
) -> (u8, u32) {
    if left == NONE || right == NONE {
        (0, 0)
    } else if left == right {
        (SAME, count(left))
    } else {
        (level(left, right), count(left).max(count(right)) + 1)
    }
}

/// The best level among all values of both.
fn best(
    left: &[ValueId],
    right: &[ValueId],
    field: Field,
    level: impl Fn(ValueId, ValueId) -> u8,
    count: impl Fn(ValueId) -> u32,
) -> (u8, u32) {
    let mut top = (0, 0);
    for a in left {
        for b in right {
            let (found, shared) = one(*a, *b, &level, &count);
            let found = if found == SAME { field.same() } else { found };
            let rarer = found == top.0 && shared < top.1;
            if found > top.0 || rarer {
                top = (found, shared);
            }
        }
    }
    top
}

fn compare_names(base: &Base, left: &Row, right: &Row, found: &mut Found) {
    let first = |a: ValueId, b: ValueId| {
        if a == b && a != NONE && base.names.get(a).part.is_initial() {
            return (INITIAL, 0);
        }
        one(a, b, |a, b| firsts(base.names.get(a), base.names.get(b)), |a| base.first_count(a))
    };
    let last = |a: ValueId, b: ValueId| {
        one(a, b, |a, b| lasts(base.names.get(a), base.names.get(b)), |a| base.last_count(a))
    };
    let straight = (first(left.first, right.first), last(left.last, right.last));
    let known = [left.first, left.last, right.first, right.last].iter().all(|id| *id != NONE);
    let apart = |level: u8| level == 1 || level == 2;
    let mut order = 0;
    let mut names = straight;
    if known {
        order = Field::Order.same();
        if apart(straight.0.0) && apart(straight.1.0) {
            let crossed = crossed(base, left, right);
            let close = |level: u8, from: u8| level >= from;
            if close(crossed.0.0, 6) && close(crossed.1.0, 4) {
                names = crossed;
                order = 1;
            }
        }
    }
    found.set(Field::First, names.0);
    found.set(Field::Last, names.1);
    found.set(Field::Order, (order, 0));
}

/// Names compared as if one of the two had exchanged them; symmetric, since the rarer reading counts on both sides.
fn crossed(base: &Base, left: &Row, right: &Row) -> ((u8, u32), (u8, u32)) {
    let both = |a: ValueId, b: ValueId| {
        let count = |id| base.first_count(id) + base.last_count(id);
        one(a, b, |a, b| if lasts(base.names.get(a), base.names.get(b)) == 4 { 6 } else { 1 }, count)
    };
    let (one_way, other_way) = (both(left.first, right.last), both(left.last, right.first));
    // Which of the two names is the first one is not known: the commoner is taken for it.
    let (first, last) = if (one_way.1, one_way.0) >= (other_way.1, other_way.0) {
        (one_way, other_way)
    } else {
        (other_way, one_way)
    };
    (first, (if last.0 == 6 { 4 } else { last.0 }, last.1))
}

/// Level of first names of which one is an initial that fits.
const INITIAL: u8 = 3;

/// First names that are not the same.
fn firsts(left: &Name, right: &Name) -> u8 {
    let (a, b) = (left.part.whole.as_str(), right.part.whole.as_str());
    let same_letter = a.chars().next() == b.chars().next();
    if left.part.is_initial() || right.part.is_initial() {
        return if same_letter { INITIAL } else { 1 };
    }
    if is_slip(a, b) {
        return 6;
    }
    if are_alike(&left.lines, &right.lines) {
        return 5;
    }
    if shares_word(left, right) || sounds_alike(left, right) || is_short_for(a, b) {
        return 4;
    }
    if same_letter { 2 } else { 1 }
}

/// Family names that are not the same.
fn lasts(left: &Name, right: &Name) -> u8 {
    let (a, b) = (left.part.whole.as_str(), right.part.whole.as_str());
    if is_slip(a, b) {
        return 4;
    }
    if shares_word(left, right) {
        return 3;
    }
    if sounds_alike(left, right) { 2 } else { 1 }
}

/// One mistake apart, in words long enough that one mistake does not make another name of them.
fn is_slip(a: &str, b: &str) -> bool {
    let shorter = a.chars().count().min(b.chars().count());
    shorter >= 3 && mistakes(a, b, 1) == 1
}

fn shares_word(left: &Name, right: &Name) -> bool {
    let (a, b) = (&left.part.words, &right.part.words);
    (a.len() > 1 || b.len() > 1) && a.iter().any(|word| word.chars().count() > 1 && b.contains(word))
}

/// The same sound and mostly the same letters, or two mistakes in a long name.
fn sounds_alike(left: &Name, right: &Name) -> bool {
    let (a, b) = (left.part.whole.as_str(), right.part.whole.as_str());
    let shorter = a.chars().count().min(b.chars().count());
    let apart = mistakes(a, b, 2);
    (left.sound == right.sound && shorter >= 3 && apart <= 2) || (shorter >= 6 && apart <= 2)
}

/// One is the beginning of the other: `Jas` and `Jasmine`.
fn is_short_for(a: &str, b: &str) -> bool {
    let shorter = a.chars().count().min(b.chars().count());
    shorter >= 3 && (a.starts_with(b) || b.starts_with(a))
}

fn titles(left: Option<Title>, right: Option<Title>) -> u8 {
    match (left, right) {
        (None, _) | (_, None) => 0,
        (Some(a), Some(b)) if a == b => 3,
        (Some(Title::Man), _) | (_, Some(Title::Man)) => 1,
        _ => 2,
    }
}

fn births(a: &str, b: &str) -> u8 {
    let parts = |date: &str| [0..4, 4..6, 6..8].map(|range| date.get(range).unwrap_or_default().to_owned());
    let ([year_a, month_a, day_a], [year_b, month_b, day_b]) = (parts(a), parts(b));
    let exchanged = year_a == year_b && month_a == day_b && day_a == month_b;
    if exchanged || mistakes(a, b, 1) == 1 {
        return 3;
    }
    let same = usize::from(year_a == year_b) + usize::from(month_a == month_b) + usize::from(day_a == day_b);
    if same == 2 { 2 } else { 1 }
}

/// E-mail addresses that are not the same.
fn emails(a: &Email, b: &Email) -> u8 {
    if a.local == b.local {
        let slip = mistakes(&a.domain, &b.domain, 1) == 1;
        // A name is the same at every provider; only what others would hardly choose tells somebody.
        let telling = a.local.chars().filter(char::is_ascii_digit).count() >= 2;
        return if slip {
            3
        } else if telling {
            2
        } else {
            1
        };
    }
    if a.domain != b.domain {
        return 1;
    }
    let letters = |local: &str| local.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let (left, right) = (letters(&a.local), letters(&b.local));
    let words = |local: &str| local.chars().filter(|c| c.is_alphabetic()).collect::<String>();
    // j.smith66 and j.smith68 are two people who had the same idea.
    let by_digit = words(&left) == words(&right);
    if !by_digit && mistakes(&left, &right, 1) == 1 { 3 } else { 1 }
}

/// Telephone and house numbers that are not the same.
fn numbers(a: &str, b: &str) -> u8 {
    if a.len().min(b.len()) >= 2 && mistakes(a, b, 1) == 1 { 2 } else { 1 }
}

fn postcodes(a: &(String, String), b: &(String, String)) -> u8 {
    if a.0.len().min(b.0.len()) >= 3 && mistakes(&a.0, &b.0, 1) == 1 {
        return 3;
    }
    if a.1 == b.1 { 2 } else { 1 }
}

fn regions(a: &str, b: &str) -> u8 {
    if a.len().min(b.len()) >= 2 && mistakes(a, b, 1) == 1 { 2 } else { 1 }
}

/// Streets, towns and organisations that are not the same: 3 for one mistake, 2 for similar.
fn similar(a: &str, b: &str) -> u8 {
    let shorter = a.chars().count().min(b.chars().count());
    let apart = mistakes(a, b, 3);
    if apart == 1 && shorter >= 3 {
        return 3;
    }
    let allowed = (shorter / 4).min(3);
    if apart <= allowed || shares_most(a, b) { 2 } else { 1 }
}

/// At least half of all words are in both, and one that is long enough to tell something.
fn shares_most(a: &str, b: &str) -> bool {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let (left, right) = (words(a), words(b));
    let common = left.iter().filter(|word| right.contains(word));
    let (count, longest) = common.fold((0, 0), |(count, longest), word| (count + 1, longest.max(word.len())));
    longest >= 5 && count * 2 >= left.len().max(right.len())
}
