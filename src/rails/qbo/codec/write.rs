//! Writing: each field as we write it, or as it came where it still says the same; then everything that is not modelled.

use crate::ground::books::field::{Field, Form, Group, Rest, Sink};
use crate::ground::books::{Body, Decimal, Record};

/// The whole record as JSON.
pub fn write(record: &Record) -> String {
    let mut object = Object::beside(record.body.rest());
    object.field("Id", &Some(record.id.clone()));
    object.field("SyncToken", &record.sync_token);
    object.field("MetaData", &record.meta);
    record.body.write(&mut object);
    object.end()
}

/// The content of a record that has no id yet.
pub fn write_new(body: &Body) -> String {
    let mut object = Object::beside(body.rest());
    body.write(&mut object);
    object.end()
}

/// One field as we write it; none when it is absent.
pub(super) fn rendered<T: Field>(field: &T) -> Option<String> {
    if field.is_absent() {
        return None;
    }
    let mut text = Text(String::new());
    field.write(&mut text);
    Some(text.0)
}

fn quoted(text: &str) -> String {
    // A text always becomes JSON: there is no map key or number in it that could not.
    serde_json::to_string(text).unwrap_or_default()
}

/// A value in the making.
struct Text(String);

impl Form for Text {
    fn text(&mut self, text: &str) {
        self.0.push_str(&quoted(text));
    }

    fn flag(&mut self, flag: bool) {
        self.0.push_str(if flag { "true" } else { "false" });
    }

    fn number(&mut self, number: Decimal) {
        self.0.push_str(&number.to_string());
    }

    fn group<G: Group>(&mut self, group: &G) {
        let mut object = Object::beside(group.rest());
        group.write(&mut object);
        self.0.push_str(&object.end());
    }

    fn list<G: Group>(&mut self, groups: &[G]) {
        self.0.push('[');
        for (index, group) in groups.iter().enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            self.group(group);
        }
        self.0.push(']');
    }
}

/// An object in the making, beside what is kept.
struct Object<'r> {
    out: String,
    rest: &'r Rest,
    modelled: Vec<&'static str>,
}

impl<'r> Object<'r> {
    const fn beside(rest: &'r Rest) -> Self {
        Self { out: String::new(), rest, modelled: Vec::new() }
    }

    fn push(&mut self, name: &str, value: &str) {
        self.out.push(if self.out.is_empty() { '{' } else { ',' });
        self.out.push_str(&quoted(name));
        self.out.push(':');
        self.out.push_str(value);
    }

    fn end(mut self) -> String {
        let rest = self.rest;
        for kept in
            rest.iter().filter(|kept| !self.modelled.contains(&kept.name.as_str())).collect::<Vec<_>>()
        {
            self.push(&kept.name, &kept.text);
        }
        if self.out.is_empty() {
            self.out.push('{');
        }
        self.out.push('}');
        self.out
    }
}

impl Sink for Object<'_> {
    fn field<T: Field>(&mut self, name: &'static str, value: &T) {
        self.modelled.push(name);
        let ours = rendered(value);
        match self.rest.get(name) {
            Some(kept) if kept.stands_for == ours => self.push(name, &kept.text),
            _ => {
                if let Some(ours) = ours {
                    self.push(name, &ours);
                }
            }
        }
    }
}
