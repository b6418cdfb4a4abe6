//! A person's record as it is handed in, and as it is compared: every value cleaned once and known by a number.

use std::collections::HashMap;

use super::contact::{Email, Street, organisation, phone, postcode, sector};
use super::learnt::Frequencies;
use super::nicknames;
use super::normalize::{NamePart, Title, birth, fold};
use super::similar::sound;

/// What is known of somebody, as it was written. What is empty is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Donor {
    /// Mr, Mrs, ..
    pub title: String,
    /// First name or names.
    pub first: String,
    /// Family name.
    pub last: String,
    /// All e-mail addresses.
    pub emails: Vec<String>,
    /// All telephone numbers.
    pub phones: Vec<String>,
    /// Date of birth.
    pub birth: String,
    /// Number of the house, when it has a column of its own.
    pub number: String,
    /// Street, with the number of the house or without.
    pub street: String,
    /// Second line of the address.
    pub extra: String,
    /// Town or suburb.
    pub town: String,
    /// Postcode.
    pub postcode: String,
    /// County or state.
    pub region: String,
    /// Organisation the person works for; a company of its own is no person.
    pub organisation: String,
}

/// Number of a value in its vocabulary.
pub type ValueId = u32;
/// No value.
pub const NONE: ValueId = ValueId::MAX;

/// All values of a kind, each once, with how many records have it.
#[derive(Debug)]
pub struct Vocabulary<T> {
    by_text: HashMap<String, ValueId>,
    values: Vec<T>,
    counts: Vec<u32>,
}

impl<T> Default for Vocabulary<T> {
    fn default() -> Self {
        Self { by_text: HashMap::new(), values: Vec::new(), counts: Vec::new() }
    }
}

impl<T> Vocabulary<T> {
    /// The number of a value, which counts once more; none for the empty text.
    fn add(&mut self, text: &str, make: impl FnOnce() -> T) -> ValueId {
        if text.is_empty() {
            return NONE;
        }
        if let Some(id) = self.by_text.get(text) {
            self.counts[*id as usize] += 1;
            return *id;
        }
        let id = ValueId::try_from(self.values.len()).unwrap_or(NONE - 1);
        self.by_text.insert(text.to_owned(), id);
        self.values.push(make());
        self.counts.push(1);
        id
    }

    /// The value of a number that this vocabulary gave out.
    pub fn get(&self, id: ValueId) -> &T {
        &self.values[id as usize]
    }

    /// How many records have the value.
    pub fn count(&self, id: ValueId) -> u32 {
        self.counts[id as usize]
    }

    fn each(&self, kind: ValueKind, tell: &mut dyn FnMut(ValueKind, &str, u32)) {
        for (text, id) in &self.by_text {
            tell(kind, text, self.counts[*id as usize]);
        }
    }

    /// Counts as in a larger base; a value is at least as common as it is here.
    fn recount(&mut self, kind: ValueKind, frequencies: &Frequencies) {
        for (text, id) in &self.by_text {
            let count = &mut self.counts[*id as usize];
            *count = (*count).max(frequencies.count(kind, text));
        }
    }
}

/// What a value is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ValueKind {
    /// A name, of those who have it as their first.
    First,
    /// .. as their last.
    Last,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A date of birth.
    Birth,
    /// A house number.
    Number,
    /// A street.
    Street,
    /// A second line of an address.
    Extra,
    /// A town.
    Town,
    /// A postcode.
    Postcode,
    /// A county or state.
    Region,
    /// An organisation.
    Organisation,
}

impl ValueKind {
    /// How many there are.
    pub const COUNT: usize = 12;

    /// Its place in a list of all.
    pub const fn at(self) -> usize {
        self as usize
    }

    /// Its number among hashes.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// A first or last name.
#[derive(Debug)]
pub struct Name {
    /// Its words.
    pub part: NamePart,
    /// The lines of the nickname table it stands in.
    pub lines: Vec<u16>,
    /// How it sounds.
    pub sound: String,
}

impl Name {
    fn of(part: NamePart) -> Self {
        let first_word = part.words.first().map_or("", String::as_str);
        let mut lines = nicknames::lines(&part.whole);
        if part.words.len() > 1 {
            lines.extend(nicknames::lines(first_word));
        }
        Self { lines, sound: sound(&part.whole), part }
    }
}

/// One person of a base, as numbers of values.
#[derive(Clone, Debug)]
pub struct Row {
    /// Kind of title.
    pub title: Option<Title>,
    /// First name.
    pub first: ValueId,
    /// Family name.
    pub last: ValueId,
    /// E-mail addresses.
    pub emails: Vec<ValueId>,
    /// Telephone numbers.
    pub phones: Vec<ValueId>,
    /// Date of birth.
    pub birth: ValueId,
    /// House number.
    pub number: ValueId,
    /// Street.
    pub street: ValueId,
    /// Second line.
    pub extra: ValueId,
    /// Town.
    pub town: ValueId,
    /// Postcode.
    pub postcode: ValueId,
    /// County or state.
    pub region: ValueId,
    /// Organisation.
    pub organisation: ValueId,
}

/// All people that are compared with each other, and the frequencies of what they have.
#[derive(Debug, Default)]
pub struct Base {
    /// The people, in the order they were added.
    pub rows: Vec<Row>,
    /// First names, and family names: one vocabulary, since people exchange them.
    pub names: Vocabulary<Name>,
    /// How many have the name as their first.
    first_counts: Vec<u32>,
    /// How many have the name as their last.
    last_counts: Vec<u32>,
    /// E-mail addresses.
    pub emails: Vocabulary<Email>,
    /// Telephone numbers.
    pub phones: Vocabulary<String>,
    /// Dates of birth.
    pub births: Vocabulary<String>,
    /// House numbers.
    pub numbers: Vocabulary<String>,
    /// Streets.
    pub streets: Vocabulary<String>,
    /// Second lines.
    pub extras: Vocabulary<String>,
    /// Towns.
    pub towns: Vocabulary<String>,
    /// Postcodes, with their sectors.
    pub postcodes: Vocabulary<(String, String)>,
    /// Counties.
    pub regions: Vocabulary<String>,
    /// Organisations.
    pub organisations: Vocabulary<String>,
}

impl Base {
    /// Reads all donors. `country` is the code of telephone numbers written without one.
    pub fn read(donors: &[Donor], country: &str) -> Self {
        let mut base = Self::default();
        for donor in donors {
            base.add(donor, country);
        }
        base
    }

    /// A few people, with the frequencies of the base they are of.
    pub fn among<'d>(
        donors: impl IntoIterator<Item = &'d Donor>,
        country: &str,
        frequencies: &Frequencies,
    ) -> Self {
        let mut base = Self::default();
        for donor in donors {
            base.add(donor, country);
        }
        for (text, id) in &base.names.by_text {
            let at = *id as usize;
            for (kind, counts) in
                [(ValueKind::First, &mut base.first_counts), (ValueKind::Last, &mut base.last_counts)]
            {
                if counts[at] > 0 {
                    counts[at] = counts[at].max(frequencies.count(kind, text));
                }
            }
        }
        base.emails.recount(ValueKind::Email, frequencies);
        base.phones.recount(ValueKind::Phone, frequencies);
        base.births.recount(ValueKind::Birth, frequencies);
        base.numbers.recount(ValueKind::Number, frequencies);
        base.streets.recount(ValueKind::Street, frequencies);
        base.extras.recount(ValueKind::Extra, frequencies);
        base.towns.recount(ValueKind::Town, frequencies);
        base.postcodes.recount(ValueKind::Postcode, frequencies);
        base.regions.recount(ValueKind::Region, frequencies);
        base.organisations.recount(ValueKind::Organisation, frequencies);
        base
    }

    /// Tells of each value how many records have it, in no particular order.
    pub fn each_count(&self, tell: &mut dyn FnMut(ValueKind, &str, u32)) {
        for (text, id) in &self.names.by_text {
            let at = *id as usize;
            for (kind, counts) in
                [(ValueKind::First, &self.first_counts), (ValueKind::Last, &self.last_counts)]
            {
                if counts[at] > 0 {
                    tell(kind, text, counts[at]);
                }
            }
        }
        self.emails.each(ValueKind::Email, tell);
        self.phones.each(ValueKind::Phone, tell);
        self.births.each(ValueKind::Birth, tell);
        self.numbers.each(ValueKind::Number, tell);
        self.streets.each(ValueKind::Street, tell);
        self.extras.each(ValueKind::Extra, tell);
        self.towns.each(ValueKind::Town, tell);
        self.postcodes.each(ValueKind::Postcode, tell);
        self.regions.each(ValueKind::Region, tell);
        self.organisations.each(ValueKind::Organisation, tell);
    }

    /// Adds a person.
    pub fn add(&mut self, donor: &Donor, country: &str) {
        let mut street = Street::read(&donor.street);
        if !donor.number.is_empty() {
            street.number = fold(&donor.number).replace(' ', "");
        }
        let code = postcode(&donor.postcode);
        let row = Row {
            title: Title::read(&donor.title),
            first: self.name(&donor.first),
            last: self.name(&donor.last),
            emails: self.add_emails(&donor.emails),
            phones: self.add_phones(&donor.phones, country),
            birth: text(&mut self.births, birth(&donor.birth).unwrap_or_default()),
            number: text(&mut self.numbers, street.number),
            street: text(&mut self.streets, street.name),
            extra: text(&mut self.extras, fold(&donor.extra)),
            town: text(&mut self.towns, fold(&donor.town)),
            postcode: self.postcodes.add(&code, || (code.clone(), sector(&code).to_owned())),
            region: text(&mut self.regions, fold(&donor.region)),
            organisation: text(&mut self.organisations, organisation(&donor.organisation)),
        };
        self.count_names(&row);
        self.rows.push(row);
    }

    fn name(&mut self, written: &str) -> ValueId {
        let part = NamePart::read(written);
        let whole = part.whole.clone();
        self.names.add(&whole, || Name::of(part))
    }

    fn add_emails(&mut self, written: &[String]) -> Vec<ValueId> {
        let mut ids = Vec::with_capacity(written.len());
        for email in written.iter().filter_map(|text| Email::read(text)) {
            let id = self.emails.add(&email.canonical(), || email);
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    fn add_phones(&mut self, written: &[String], country: &str) -> Vec<ValueId> {
        let mut ids = Vec::with_capacity(written.len());
        for number in written.iter().filter_map(|text| phone(text, country)) {
            let id = text(&mut self.phones, number);
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    fn count_names(&mut self, row: &Row) {
        let names = self.names.values.len();
        self.first_counts.resize(names, 0);
        self.last_counts.resize(names, 0);
        if row.first != NONE {
            self.first_counts[row.first as usize] += 1;
        }
        if row.last != NONE {
            self.last_counts[row.last as usize] += 1;
        }
    }

    /// How many have the name as their first one.
    pub fn first_count(&self, id: ValueId) -> u32 {
        self.first_counts[id as usize]
    }

    /// How many have the name as their last one.
    pub fn last_count(&self, id: ValueId) -> u32 {
        self.last_counts[id as usize]
    }
}

fn text(vocabulary: &mut Vocabulary<String>, value: String) -> ValueId {
    let key = value.clone();
    vocabulary.add(&key, || value)
}
