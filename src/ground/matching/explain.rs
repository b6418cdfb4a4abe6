//! Why two records are, or are not, one person: every number of the weight, in the words of what was compared.

use super::compare::{Field, Found};
use super::decide::{Likelihood, Thresholds, probability_of};
use super::model::Model;
use super::record::Donor;

/// One step of the way from nothing to the total.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What was looked at.
    pub what: &'static str,
    /// What was found.
    pub found: &'static str,
    /// The field, when the step is one.
    pub field: Option<Field>,
    /// What it adds, in bits; one bit doubles the odds.
    pub bits: f64,
}

/// A weight taken apart. The bits of all steps are the total.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The version of the weights.
    pub model: String,
    /// The steps, in the order they are shown.
    pub steps: Vec<Step>,
    /// All together, in bits.
    pub bits: f64,
}

/// Explains what a comparison is worth.
pub fn explain(model: &Model, found: &Found) -> Explanation {
    let weight = model.weigh(found);
    let step = |what, found, bits| Step { what, found, field: None, bits };
    let mut steps = vec![step("any two records", "before anything is compared", weight.prior)];
    for field in Field::ALL {
        let level = found.level(field);
        if level > 0 {
            let words = field.levels()[usize::from(level)];
            let bits = weight.fields[field.at()];
            steps.push(Step { what: field.name(), found: words, field: Some(field), bits });
        }
    }
    if weight.moved != 0.0 {
        steps.push(step("people move", "then all of the address changes at once", weight.moved));
    }
    steps.push(step("other people", "a household or a namesake would share this too", weight.others));
    Explanation { model: model.version.clone(), bits: weight.bits(), steps }
}

impl Explanation {
    /// The probability that the two are one person.
    pub fn probability(&self) -> f64 {
        probability_of(self.bits)
    }

    /// The weight in words.
    pub fn likelihood(&self) -> Likelihood {
        Likelihood::of(self.bits)
    }

    /// One line for people: how likely, what speaks for it and what against, and which threshold decides.
    pub fn line(&self, thresholds: Thresholds) -> String {
        let mut ordered: Vec<&Step> = self.steps.iter().filter(|step| step.bits.abs() >= 0.05).collect();
        ordered.sort_by(|left, right| right.bits.abs().total_cmp(&left.bits.abs()));
        let side = |keep: &dyn Fn(f64) -> bool| {
            let told = ordered.iter().filter(|step| keep(step.bits));
            told.map(|step| format!("{} {} ({:+.1})", step.what, step.found, step.bits))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let next = if self.bits >= thresholds.link {
            "above the threshold for links"
        } else if self.bits >= thresholds.ask {
            "a person is asked"
        } else {
            "below the threshold for questions"
        };
        let (pro, contra) = (side(&|bits| bits > 0.0), side(&|bits| bits < 0.0));
        let words = self.likelihood().words();
        format!("{words} ({:+.1} bits, {next}); for: {pro}; against: {contra}", self.bits)
    }
}

impl Field {
    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first name",
            Self::Last => "last name",
            Self::Order => "order of names",
            Self::Title => "title",
            Self::Birth => "date of birth",
            Self::Email => "e-mail",
            Self::Phone => "telephone",
            Self::Organisation => "organisation",
            Self::Number => "house number",
            Self::Street => "street",
            Self::Extra => "second line of the address",
            Self::Town => "town",
            Self::Postcode => "postcode",
            Self::Region => "county",
            Self::EmailKept => "having an e-mail address",
            Self::PhoneKept => "having a telephone number",
        }
    }

    /// What a record says there, as it was written.
    pub fn value(self, donor: &Donor) -> String {
        match self {
            Self::First => donor.first.clone(),
            Self::Last => donor.last.clone(),
            Self::Order => format!("{} {}", donor.first, donor.last),
            Self::Title => donor.title.clone(),
            Self::Birth => donor.birth.clone(),
            Self::Email | Self::EmailKept => donor.emails.join(", "),
            Self::Phone | Self::PhoneKept => donor.phones.join(", "),
            Self::Organisation => donor.organisation.clone(),
            Self::Number if donor.number.is_empty() => donor.street.clone(),
            Self::Number => donor.number.clone(),
            Self::Street => donor.street.clone(),
            Self::Extra => donor.extra.clone(),
            Self::Town => donor.town.clone(),
            Self::Postcode => donor.postcode.clone(),
            Self::Region => donor.region.clone(),
        }
    }
}
