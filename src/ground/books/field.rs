//! How a record is read and written without knowing in what: fields by name, values by kind, and the rest as it came.

use super::amount::{Amount, HomeAmount, Terms};
use super::decimal::Decimal;
use super::id::{EntityId, SyncToken};
use crate::ground::time::{CalendarDate, Instant};

/// A value as it came.
pub trait Value {
    /// The text, if it is one.
    fn text(&self) -> Option<String>;
    /// Yes or no, if it is that.
    fn flag(&self) -> Option<bool>;
    /// The digits of a number, or of a text that holds one: some programs write them so (contract 7.1).
    fn number(&self) -> Option<String>;
    /// A record within the record.
    fn group<G: Group>(&self, terms: Terms) -> Option<G>;
    /// Several of them.
    fn list<G: Group>(&self, terms: Terms) -> Option<Vec<G>>;
}

/// Where a value is written to.
pub trait Form {
    /// Writes a text.
    fn text(&mut self, text: &str);
    /// Writes yes or no.
    fn flag(&mut self, flag: bool);
    /// Writes a number.
    fn number(&mut self, number: Decimal);
    /// Writes a record within the record.
    fn group<G: Group>(&mut self, group: &G);
    /// Writes several of them.
    fn list<G: Group>(&mut self, groups: &[G]);
}

/// Where the fields of a record come from.
pub trait Source {
    /// The field of this name. One that cannot be read as what it should be is absent, and stays in the rest.
    fn field<T: Field>(&mut self, name: &'static str) -> T;
    /// All that was not asked for, and what would be written otherwise than it came.
    fn rest(&mut self) -> Rest;
}

/// Where the fields of a record go.
pub trait Sink {
    /// Takes a field.
    fn field<T: Field>(&mut self, name: &'static str, value: &T);
}

/// Something that consists of fields.
pub trait Group: Sized {
    /// Reads all fields.
    fn read<S: Source>(from: &mut S) -> Self;
    /// Writes all fields.
    fn write<S: Sink>(&self, to: &mut S);
    /// What it keeps beside its fields.
    fn rest(&self) -> &Rest;
}

/// A value that can stand in a field.
pub trait Part: Sized {
    /// Whether it keeps how it was written by itself.
    const NESTED: bool = false;
    /// Whether a record is no use when this cannot be read: amounts and dates are of that kind, words are not.
    const ESSENTIAL: bool = false;
    /// Reads it; none if it is something else.
    fn read<V: Value>(value: &V, terms: Terms) -> Option<Self>;
    /// Writes it.
    fn write<F: Form>(&self, form: &mut F);
}

/// A field: a value that may be absent, or a list that may be empty.
pub trait Field: Default {
    /// As [`Part::NESTED`].
    const NESTED: bool;
    /// As [`Part::ESSENTIAL`].
    const ESSENTIAL: bool;
    /// Reads it; none if it is something else.
    fn read<V: Value>(value: &V, terms: Terms) -> Option<Self>;
    /// Whether there is nothing to write.
    fn is_absent(&self) -> bool;
    /// Writes it.
    fn write<F: Form>(&self, form: &mut F);
}

impl<T: Part> Field for Option<T> {
    const NESTED: bool = T::NESTED;
    const ESSENTIAL: bool = T::ESSENTIAL;
    fn read<V: Value>(value: &V, terms: Terms) -> Option<Self> {
        T::read(value, terms).map(Some)
    }
    fn is_absent(&self) -> bool {
        self.is_none()
    }
    fn write<F: Form>(&self, form: &mut F) {
        if let Some(part) = self {
            part.write(form);
        }
    }
}

/// Lists are lines and links: a document without them would be another document.
impl<G: Group> Field for Vec<G> {
    const NESTED: bool = true;
    const ESSENTIAL: bool = true;
    fn read<V: Value>(value: &V, terms: Terms) -> Option<Self> {
        value.list(terms)
    }
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
    fn write<F: Form>(&self, form: &mut F) {
        form.list(self);
    }
}

impl Part for String {
    fn read<V: Value>(value: &V, _: Terms) -> Option<Self> {
        value.text()
    }
    fn write<F: Form>(&self, form: &mut F) {
        form.text(self);
    }
}

impl Part for bool {
    fn read<V: Value>(value: &V, _: Terms) -> Option<Self> {
        let word = || match value.text()?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        value.flag().or_else(word)
    }
    fn write<F: Form>(&self, form: &mut F) {
        form.flag(*self);
    }
}

impl Part for Decimal {
    fn read<V: Value>(value: &V, _: Terms) -> Option<Self> {
        value.number()?.parse().ok()
    }
    fn write<F: Form>(&self, form: &mut F) {
        form.number(*self);
    }
}

impl Part for Amount {
    const ESSENTIAL: bool = true;
    fn read<V: Value>(value: &V, terms: Terms) -> Option<Self> {
        Some(Self { exact: value.number()?.parse().ok()?, currency: terms.currency })
    }
    fn write<F: Form>(&self, form: &mut F) {
        form.number(self.exact);
    }
}

impl Part for HomeAmount {
    const ESSENTIAL: bool = true;
    fn read<V: Value>(value: &V, terms: Terms) -> Option<Self> {
        Amount::read(value, Terms::home(terms.home)).map(Self)
    }
    fn write<F: Form>(&self, form: &mut F) {
        form.number(self.0.exact);
    }
}

impl Part for CalendarDate {
    const ESSENTIAL: bool = true;
    /// A date in the company's own zone, never converted; of a date with a time, the date (contract 3.3).
    fn read<V: Value>(value: &V, _: Terms) -> Option<Self> {
        let text = value.text()?;
        let day = text.get(..10)?;
        let goes_on = text.get(10..)?;
        if goes_on.is_empty() || goes_on.starts_with(['T', ' ', '-', '+', 'Z']) {
            day.parse().ok()
        } else {
            None
        }
    }
    fn write<F: Form>(&self, form: &mut F) {
        form.text(&self.to_string());
    }
}

impl Part for Instant {
    fn read<V: Value>(value: &V, _: Terms) -> Option<Self> {
        value.text()?.parse().ok()
    }
    fn write<F: Form>(&self, form: &mut F) {
        form.text(&self.to_string());
    }
}

impl Part for EntityId {
    fn read<V: Value>(value: &V, _: Terms) -> Option<Self> {
        Self::new(&value.text().or_else(|| value.number())?)
    }
    fn write<F: Form>(&self, form: &mut F) {
        form.text(self.as_str());
    }
}

impl Part for SyncToken {
    fn read<V: Value>(value: &V, _: Terms) -> Option<Self> {
        value.text().or_else(|| value.number())?.parse().ok().map(Self)
    }
    fn write<F: Form>(&self, form: &mut F) {
        form.text(&self.to_string());
    }
}

/// A field that is kept as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// Its text as it came.
    pub text: String,
    /// What the modelled field of this name would have been written as; none when it was absent. As long as the field is
    /// still written so, the text as it came is written in its place.
    pub stands_for: Option<String>,
}

/// What a record keeps beside its modelled fields, in the order it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rest(Vec<Kept>);

impl Rest {
    /// Keeps these.
    pub const fn new(kept: Vec<Kept>) -> Self {
        Self(kept)
    }

    /// What is kept under a name.
    pub fn get(&self, name: &str) -> Option<&Kept> {
        self.0.iter().find(|kept| kept.name == name)
    }

    /// All that is kept.
    pub fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.0.iter()
    }
}

/// Declares things that consist of fields: what they are called here, and what QuickBooks calls them.
macro_rules! groups {
    ($($(#[$doc:meta])* $name:ident { $($(#[$said:meta])* $field:ident: $type:ty = $wire:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$said])* #[doc = concat!("`", $wire, "`.")] pub $field: $type,)*
            /// What is not modelled, as it came.
            pub rest: $crate::ground::books::field::Rest,
        }

        impl $crate::ground::books::field::Group for $name {
            fn read<S: $crate::ground::books::field::Source>(from: &mut S) -> Self {
                Self { $($field: from.field($wire),)* rest: from.rest() }
            }
            fn write<S: $crate::ground::books::field::Sink>(&self, to: &mut S) {
                $(to.field($wire, &self.$field);)*
            }
            fn rest(&self) -> &$crate::ground::books::field::Rest {
                &self.rest
            }
        }

        impl $crate::ground::books::field::Part for $name {
            const NESTED: bool = true;
            fn read<V: $crate::ground::books::field::Value>(
                value: &V,
                terms: $crate::ground::books::amount::Terms,
            ) -> Option<Self> {
                value.group(terms)
            }
            fn write<F: $crate::ground::books::field::Form>(&self, form: &mut F) {
                form.group(self);
            }
        }
    )*};
}

pub(super) use groups;
