//! What agreement is worth: the weights of evidence, in the manner of Fellegi and Sunter (1969), with frequencies.
//!
//! Two records may belong to one person, or to two. For each field and level the model knows how often the level occurs
//! in pairs of one person (`m`) and in pairs of strangers (`u`); their ratio is what the level is worth. Strangers are not
//! the only other people, and here most linkers go wrong: members of a household share surname, address and often the
//! telephone, and namesakes share their name. So there are [`Other`] kinds of pairs, and each has for each field a
//! *share*: how often such two people have it in common as one person would. A field that they always share says
//! nothing about whether they are one.

use serde::{Deserialize, Serialize};

use super::compare::{FIELDS, Field, Found, LEVELS};

/// How sure the frequencies of a base are against the shipped ones, in records.
const FREQUENCY_PRIOR: f64 = 50.0;

/// Kinds of pairs of different people who have something in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// Two people at one address, mostly of one surname.
    Household,
    /// Two people of one name at one address: father and son.
    NamesakeAtHome,
    /// Two people of one name who have nothing to do with each other, or no longer.
    Namesake,
}

impl Other {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Household, Self::NamesakeAtHome, Self::Namesake];
}

/// A number for each field.
pub type Shares = [f64; FIELDS];
/// A number for each level of each field.
pub type Table = [[f64; LEVELS]; FIELDS];

/// How often a kind of pairs occurs, and what such two people share.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kind {
    /// Of all pairs of the base.
    pub rate: f64,
    /// For each field: how often it is shared as one person would share it. Fields of the place share as one.
    pub share: Shares,
    /// How often they live at one place.
    pub place: f64,
}

/// All that is known about how records of a base agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Name of this version; every stored score names it.
    pub version: String,
    /// How many records the frequencies were counted in.
    pub records: f64,
    /// How often pairs are of one person, of all pairs of the base.
    pub rate: f64,
    /// How often a person has moved between two records.
    pub moved: f64,
    /// Levels in pairs of one person (who has not moved, for fields of the place).
    pub m: Table,
    /// Levels in pairs of strangers.
    pub u: Table,
    /// Other kinds, in the order of [`Other::ALL`].
    pub others: [Kind; 3],
}

/// What a comparison is worth, in bits: each part added is the total.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weight {
    /// Before anything is compared.
    pub prior: f64,
    /// What each field adds.
    pub fields: [f64; FIELDS],
    /// What is given back because people move: fields of the place go together.
    pub moved: f64,
    /// What is taken away because others might share all that agrees.
    pub others: f64,
}

impl Weight {
    /// All parts added: the logarithm, to base two, of the odds that the two are one person.
    pub fn bits(&self) -> f64 {
        self.prior + self.fields.iter().sum::<f64>() + self.moved + self.others
    }

    /// The probability that the two are one person.
    pub fn probability(&self) -> f64 {
        1.0 / (1.0 + (-self.bits()).exp2())
    }
}

/// Ratios of a comparison, the step before the weights.
pub(super) struct Ratios {
    /// Of each field.
    pub(super) fields: [f64; FIELDS],
    /// All fields of the place together, with the chance of having moved.
    pub(super) place: f64,
    /// All fields of the place together, of somebody who has not moved.
    pub(super) stayed: f64,
}

impl Model {
    /// The ratio of a field's level. `shared` is what [`Found::shared`] says of it.
    ///
    /// Agreement never counts against, disagreement never for, and more agreement never less than less of it: one mistake
    /// from a common name is worth no more than the common name itself.
    pub fn ratio(&self, field: Field, level: u8, shared: u32) -> f64 {
        let (m, u) = (&self.m[field.at()], &self.u[field.at()]);
        if level == 0 {
            return 1.0;
        }
        let plain = |at: u8| m[usize::from(at)] / u[usize::from(at)];
        if field.is_presence() {
            return plain(level);
        }
        let same = field.same();
        let top = if shared > 0 { m[usize::from(same)] / self.frequency(field, shared) } else { plain(same) };
        let top = if same >= field.agrees_from() { top.max(1.0) } else { top };
        if level == same {
            return top;
        }
        let bounded =
            |at: u8| if at >= field.agrees_from() { plain(at).max(1.0) } else { plain(at).min(1.0) };
        (1..=level).map(bounded).fold(0.0, f64::max).min(top)
    }

    /// How often a stranger has a value that `shared` records of the base have, one of them our own.
    fn frequency(&self, field: Field, shared: u32) -> f64 {
        let usual = self.u[field.at()][usize::from(field.same())];
        (f64::from(shared.saturating_sub(1)) + FREQUENCY_PRIOR * usual) / (self.records + FREQUENCY_PRIOR)
    }

    pub(super) fn ratios(&self, found: &Found) -> Ratios {
        let mut fields = [1.0; FIELDS];
        let mut stayed = 1.0;
        for field in Field::ALL {
            let ratio = self.ratio(field, found.level(field), found.shared[field.at()]);
            fields[field.at()] = ratio;
            if field.is_place() {
                stayed *= ratio;
            }
        }
        Ratios { fields, stayed, place: (1.0 - self.moved) * stayed + self.moved }
    }

    /// How much likelier the comparison is with one person than with strangers.
    pub(super) fn one_person(ratios: &Ratios) -> f64 {
        let mut all = ratios.place;
        for field in Field::ALL {
            if !field.is_place() {
                all *= ratios.fields[field.at()];
            }
        }
        all
    }

    /// How much likelier it is with two people of a kind than with strangers.
    pub(super) fn two_people(kind: &Kind, ratios: &Ratios) -> f64 {
        let mut all = mix(kind.place, ratios.place);
        for field in Field::ALL {
            if !field.is_place() {
                all *= mix(kind.share[field.at()], ratios.fields[field.at()]);
            }
        }
        all
    }

    /// The rate of pairs of strangers.
    pub(super) fn strangers(&self) -> f64 {
        1.0 - self.rate - self.others.iter().map(|kind| kind.rate).sum::<f64>()
    }

    /// What a comparison is worth.
    pub fn weigh(&self, found: &Found) -> Weight {
        let ratios = self.ratios(found);
        let strangers = self.strangers();
        let others: f64 = self.others.iter().map(|kind| kind.rate * Self::two_people(kind, &ratios)).sum();
        let mut fields = [0.0; FIELDS];
        for (bits, ratio) in fields.iter_mut().zip(ratios.fields) {
            *bits = ratio.log2();
        }
        Weight {
            prior: (self.rate / strangers).log2(),
            fields,
            moved: (ratios.place / ratios.stayed).log2(),
            others: -(1.0 + others / strangers).log2(),
        }
    }
}

/// A field that is shared with this probability, else as among strangers.
pub(super) fn mix(share: f64, ratio: f64) -> f64 {
    share * ratio + (1.0 - share)
}
