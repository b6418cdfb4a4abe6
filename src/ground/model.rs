//! The data model that Almoner wants in a Twenty workspace: objects and fields, each with what it is needed for
//! (domain 1; which generation's form holds, and why, is in `docs/decisions/0010-twenty-model.md`).

mod coding;
mod gifts;
mod giving;
mod people;

use std::fmt;

/// Everything wanted, in the order in which it is made: an object before those that point to it, where that can be.
pub const MODEL: &[WantedObject] = &[
    people::PERSON,
    people::COMPANY,
    people::OPPORTUNITY,
    coding::FUND,
    coding::APPEAL,
    coding::APPEAL_SOURCE,
    people::HOUSEHOLD,
    giving::DECLARATION,
    giving::AGREEMENT,
    giving::PAYOUT,
    gifts::GIFT,
];

/// An object that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedObject {
    /// `gift`
    pub singular: &'static str,
    /// `gifts`
    pub plural: &'static str,
    /// What people call one of it.
    pub label: &'static str,
    /// What people call many of it.
    pub label_plural: &'static str,
    /// The icon beside it in Twenty.
    pub icon: &'static str,
    /// Whether Twenty has it by itself; then only fields are added.
    pub standard: bool,
    /// What does not work without it, in plain words.
    pub needed_for: &'static str,
    /// Its fields beside those that every object has.
    pub fields: &'static [WantedField],
}

/// A field that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedField {
    /// Its name in the metadata; of a relation, without `Id`.
    pub name: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What does not work without it, in plain words.
    pub needed_for: &'static str,
}

/// What a field holds. None is unique: see the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// An amount in a currency.
    Money,
    /// A calendar date.
    Date,
    /// A moment.
    Moment,
    /// A whole number.
    Number,
    /// Yes or no, and what it is when nobody says.
    Truth(bool),
    /// A postal address.
    Address,
    /// One of some values.
    Choice(Choice),
    /// One record of another object; deleting that empties it (the server's own way, recording 13).
    One(Relation),
}

/// One of some values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Each as it is stored and as people read it.
    pub options: &'static [(&'static str, &'static str)],
    /// What it is when nobody says.
    pub default: Option<&'static str>,
}

/// Where a many-to-one relation leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Plural name of the object it leads to.
    pub target: &'static str,
    /// What people call the way back; its name is made of it.
    pub back_label: &'static str,
    /// The icon of the way back.
    pub back_icon: &'static str,
}

impl Kind {
    /// The type as Twenty writes it (contract 3.2).
    pub const fn twenty(&self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::Money => "CURRENCY",
            Self::Date => "DATE",
            Self::Moment => "DATE_TIME",
            Self::Number => "NUMBER",
            Self::Truth(_) => "BOOLEAN",
            Self::Address => "ADDRESS",
            Self::Choice(_) => "SELECT",
            Self::One(_) => "RELATION",
        }
    }
}

impl WantedField {
    /// The name a record is written with: a relation's is its column (contract 2.4).
    pub fn column(&self) -> String {
        match self.kind {
            Kind::One(_) => format!("{}Id", self.name),
            _ => self.name.to_owned(),
        }
    }

    /// The values it takes, if it is a choice.
    pub const fn options(&self) -> &'static [(&'static str, &'static str)] {
        match self.kind {
            Kind::Choice(choice) => choice.options,
            _ => &[],
        }
    }

    /// Where it leads, if it is a relation.
    pub const fn relation(&self) -> Option<&Relation> {
        match &self.kind {
            Kind::One(relation) => Some(relation),
            _ => None,
        }
    }
}

impl Relation {
    /// The name of the way back, as Twenty makes it of the label: `Gift Aid declarations` is `giftAidDeclarations`.
    pub fn back_name(&self) -> String {
        let mut name = String::new();
        for word in self.back_label.split_ascii_whitespace() {
            let (first, rest) = word.split_at(word.len().min(1));
            let first = if name.is_empty() { first.to_ascii_lowercase() } else { first.to_ascii_uppercase() };
            name.push_str(&first);
            name.push_str(rest);
        }
        name
    }
}

/// Names are compared and shown as Twenty writes them.
impl fmt::Display for WantedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The wanted object of this plural name.
pub fn wanted(plural: &str) -> Option<&'static WantedObject> {
    MODEL.iter().find(|object| object.plural == plural)
}

/// The wanted field that a record is written with under this name.
pub fn wanted_field(plural: &str, column: &str) -> Option<&'static WantedField> {
    wanted(plural)?.fields.iter().find(|field| field.column() == column)
}

const fn field(name: &'static str, label: &'static str, kind: Kind, needed_for: &'static str) -> WantedField {
    WantedField { name, label, kind, needed_for }
}

const fn one(target: &'static str, back_label: &'static str, back_icon: &'static str) -> Kind {
    Kind::One(Relation { target, back_label, back_icon })
}

const fn choice(options: &'static [(&'static str, &'static str)], default: Option<&'static str>) -> Kind {
    Kind::Choice(Choice { options, default })
}

/// How something was paid (domain 1.2). Never a default: a card gift shown as a bank transfer is a complaint on
/// record (domain 7.6).
const PAYMENT: Kind = choice(
    &[
        ("CARD", "Card"),
        ("DIRECT_DEBIT", "Direct debit"),
        ("BANK_TRANSFER", "Bank transfer"),
        ("CASH", "Cash"),
        ("CHEQUE", "Cheque"),
        ("OTHER", "Other"),
    ],
    None,
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Names that Twenty keeps for itself (contract 2.4), with the fields that every object has.
    const TAKEN: &str = "event events field fields link links type types object objects index relation relations \
        address addresses currency currencies role roles user users workspace workspaces plan plans job jobs search \
        searches aggregate fullNames id createdAt updatedAt deletedAt createdBy updatedBy position searchVector name \
        noteTargets taskTargets attachments timelineActivities favorites";

    fn is_name(name: &str) -> bool {
        name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.chars().all(|letter| letter.is_ascii_alphanumeric())
            && name.len() <= 63
            && !TAKEN.split_ascii_whitespace().any(|taken| taken == name)
    }

    #[test]
    fn every_name_is_one_that_twenty_takes() {
        for object in MODEL {
            assert!(is_name(object.singular) && is_name(object.plural), "{}", object.plural);
            assert!(!object.singular.eq_ignore_ascii_case(object.plural));
            for field in object.fields {
                assert!(is_name(field.name) && is_name(&field.column()), "{}.{field}", object.plural);
                assert!(!field.label.is_empty() && field.label.len() <= 63 && !field.needed_for.is_empty());
            }
        }
    }

    #[test]
    fn nothing_is_named_twice_and_every_relation_leads_somewhere() {
        let mut names = BTreeSet::new();
        for object in MODEL {
            assert!(names.insert(object.singular) && names.insert(object.plural), "{}", object.plural);
        }
        // The ways back are fields as well, on the object they lead from.
        let mut fields = BTreeSet::new();
        let mut labels = BTreeSet::new();
        for (object, field) in MODEL.iter().flat_map(|o| o.fields.iter().map(move |f| (o, f))) {
            assert!(fields.insert((object.plural, field.name.to_owned())), "{}.{field}", object.plural);
            assert!(labels.insert((object.plural, field.label)), "{}: {}", object.plural, field.label);
            if let Some(relation) = field.relation() {
                let target = wanted(relation.target).unwrap_or_else(|| panic!("{}.{field}", object.plural));
                let back = relation.back_name();
                assert!(is_name(&back) && fields.insert((target.plural, back)), "{}.{field}", object.plural);
            }
        }
    }

    #[test]
    fn the_values_of_choices_are_upper_snake_with_labels_and_hold_their_default() {
        let snake =
            |value: &str| value.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        for (object, field) in MODEL.iter().flat_map(|o| o.fields.iter().map(move |f| (o, f))) {
            let values: BTreeSet<_> = field.options().iter().map(|(value, _)| *value).collect();
            assert_eq!(values.len(), field.options().len(), "{}.{field}", object.plural);
            assert!(field.options().iter().all(|(value, label)| snake(value) && !label.contains(',')));
            if let Kind::Choice(choice) = field.kind {
                assert!(!values.is_empty() && choice.default.is_none_or(|default| values.contains(default)));
            }
        }
        // A payment that nobody stated must not be shown as one.
        let paid = wanted_field("gifts", "paymentType").expect("it is wanted").kind;
        assert!(matches!(paid, Kind::Choice(Choice { default: None, .. })));
    }

    #[test]
    fn what_stays_in_our_ledger_is_not_wanted_there() {
        for plural in ["giftStagings", "giftBatches", "giftAidClaimBatches", "giftAidClaimSubmissions"] {
            assert_eq!(wanted(plural), None);
        }
        // Sending it to Twenty made whole batches fail (domain 9, defect 24).
        assert_eq!(wanted_field("gifts", "giftAidEligible"), None);
        assert_eq!(wanted_field("gifts", "donorId").map(|field| field.name), Some("donor"));
    }

    #[test]
    fn every_object_of_the_model_is_one_that_is_mirrored() {
        use crate::ground::id::Object;
        for object in MODEL {
            let known = Object::mirrored().filter_map(Object::twenty_names);
            assert!(known.into_iter().any(|names| names == (object.singular, object.plural)));
        }
    }
}
