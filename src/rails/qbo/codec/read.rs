//! Reading: liberal in what is missing, unknown or oddly written; a record whose amounts, dates or lines cannot be read is
//! set aside.

use std::cell::RefCell;

use serde_json::value::RawValue;

use super::Fields;
use super::write::rendered;
use crate::ground::books::field::{Field, Group, Kept, Rest, Source, Value};
use crate::ground::books::parts::{Meta, Ref};
use crate::ground::books::{Body, Entity, EntityId, Entry, Issue, Record, SetAside, Terms};
use crate::ground::money::Currency;

/// How deep records may stand in records; deeper ones stay as they came. Real ones go to 5.
const DEPTH_MAX: usize = 24;

/// Reads one record of a kind, or the stub that a deleted one leaves. Amounts without a currency of their own are in the
/// company's (`home`).
pub fn read(entity: Entity, text: &str, home: Currency) -> Result<Entry, SetAside> {
    let set_aside = |id: Option<EntityId>, issue| SetAside { entity, id, issue, text: text.to_owned() };
    let Some(fields) = Fields::of(text) else { return Err(set_aside(None, Issue::NotARecord)) };
    let faults = RefCell::default();
    let twice = fields.twice().map(|name| Issue::FieldTwice(name.to_owned()));
    let terms = terms_of(&fields, home);
    let is_stub = fields.get("status").is_some_and(|status| status == "\"Deleted\"");
    let mut source = Members {
        fields: fields.0.into_iter().map(Some).collect(),
        kept: Vec::new(),
        terms: terms.clone().unwrap_or(Terms::home(home)),
        faults: &faults,
        depth: 0,
    };
    let id: Option<EntityId> = source.field("Id");
    let Some(id) = id else { return Err(set_aside(None, Issue::NoId)) };
    if let Some(issue) = twice.or(terms.clone().err()) {
        return Err(set_aside(Some(id), issue));
    }
    let sync_token = source.field("SyncToken");
    let meta: Option<Meta> = source.field("MetaData");
    if is_stub {
        return Ok(Entry::Deleted { entity, id, at: meta.and_then(|meta| meta.updated) });
    }
    let terms = source.terms;
    let body = Body::read(entity, &mut source);
    match faults.into_inner().into_iter().next() {
        Some(issue) => Err(set_aside(Some(id), issue)),
        None => Ok(Entry::Record(Box::new(Record { id, sync_token, meta, terms, body }))),
    }
}

/// The record's currency is read before its amounts. An absent or empty one is the company's; one that cannot be read is not
/// guessed.
fn terms_of(fields: &Fields<'_>, home: Currency) -> Result<Terms, Issue> {
    let Some(text) = fields.get("CurrencyRef").filter(|text| !matches!(*text, "null" | "\"\"" | "{}")) else {
        return Ok(Terms::home(home));
    };
    let faults = RefCell::default();
    let reference: Option<Ref> = Members::of(text, Terms::home(home), &faults, 1).map(read_group);
    let code = match reference {
        Some(reference) => reference.id.map(|id| id.as_str().to_owned()),
        // Some programs write the code alone.
        None => serde_json::from_str::<String>(text).ok(),
    };
    let code = code.ok_or_else(|| Issue::Unreadable("CurrencyRef".into()))?;
    let currency = code.parse().map_err(|_| Issue::NoSuchCurrency(code))?;
    Ok(Terms { currency, home })
}

/// What makes the whole record no use.
type Faults = RefCell<Vec<Issue>>;

/// One value, where it stands.
struct Raw<'t, 'f> {
    value: &'t RawValue,
    faults: &'f Faults,
    depth: usize,
}

impl<'t> Raw<'t, '_> {
    fn group_of<G: Group>(&self, value: &'t RawValue, terms: Terms) -> Option<G> {
        Members::of(value.get(), terms, self.faults, self.depth + 1).map(read_group)
    }
}

impl Value for Raw<'_, '_> {
    fn text(&self) -> Option<String> {
        serde_json::from_str(self.value.get()).ok()
    }

    fn flag(&self) -> Option<bool> {
        serde_json::from_str(self.value.get()).ok()
    }

    fn number(&self) -> Option<String> {
        let text = self.value.get();
        let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        if is_number { Some(text.to_owned()) } else { self.text().map(|text| text.trim().to_owned()) }
    }

    fn group<G: Group>(&self, terms: Terms) -> Option<G> {
        self.group_of(self.value, terms)
    }

    fn list<G: Group>(&self, terms: Terms) -> Option<Vec<G>> {
        let values: Vec<&RawValue> = serde_json::from_str(self.value.get()).ok()?;
        values.into_iter().map(|value| self.group_of(value, terms)).collect()
    }
}

/// The fields of an object, taken out one by one.
struct Members<'t, 'f> {
    fields: Vec<Option<(String, &'t RawValue)>>,
    kept: Vec<Kept>,
    terms: Terms,
    faults: &'f Faults,
    depth: usize,
}

impl<'t, 'f> Members<'t, 'f> {
    fn of(text: &'t str, terms: Terms, faults: &'f Faults, depth: usize) -> Option<Self> {
        if depth > DEPTH_MAX {
            return None;
        }
        let fields = Fields::of(text)?;
        if let Some(name) = fields.twice() {
            faults.borrow_mut().push(Issue::FieldTwice(name.to_owned()));
        }
        let fields = fields.0.into_iter().map(Some).collect();
        Some(Self { fields, kept: Vec::new(), terms, faults, depth })
    }

    fn take(&mut self, name: &str) -> Option<&'t RawValue> {
        let field =
            self.fields.iter_mut().find(|field| field.as_ref().is_some_and(|(other, _)| other == name));
        field?.take().map(|(_, value)| value)
    }

    fn keep(&mut self, name: &str, value: &RawValue, stands_for: Option<String>) {
        self.kept.push(Kept { name: name.to_owned(), text: value.get().to_owned(), stands_for });
    }

    /// Faults within a group are told with the path to them.
    fn name_faults(&self, from: usize, name: &str) {
        for issue in &mut self.faults.borrow_mut()[from..] {
            if let Issue::Unreadable(path) | Issue::FieldTwice(path) = issue {
                *path = format!("{name}.{path}");
            }
        }
    }
}

fn read_group<G: Group>(mut members: Members<'_, '_>) -> G {
    G::read(&mut members)
}

impl Source for Members<'_, '_> {
    fn field<T: Field>(&mut self, name: &'static str) -> T {
        let Some(value) = self.take(name) else { return T::default() };
        if matches!(value.get(), "null" | "\"\"") {
            self.keep(name, value, None);
            return T::default();
        }
        let before = self.faults.borrow().len();
        let raw = Raw { value, faults: self.faults, depth: self.depth };
        let read = T::read(&raw, self.terms);
        self.name_faults(before, name);
        let Some(field) = read else {
            self.keep(name, value, None);
            if T::ESSENTIAL {
                self.faults.borrow_mut().push(Issue::Unreadable(name.to_owned()));
            }
            return T::default();
        };
        if T::NESTED {
            if field.is_absent() {
                self.keep(name, value, None);
            }
        } else {
            let ours = rendered(&field);
            if ours.as_deref() != Some(value.get()) {
                self.keep(name, value, ours);
            }
        }
        field
    }

    fn rest(&mut self) -> Rest {
        let mut kept = std::mem::take(&mut self.kept);
        for (name, value) in self.fields.drain(..).flatten() {
            kept.push(Kept { name, text: value.get().to_owned(), stands_for: None });
        }
        Rest::new(kept)
    }
}
