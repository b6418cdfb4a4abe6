//! What a Twenty workspace lacks of the wanted data model, and the plan that adds it. A plan only ever adds: what is
//! there is neither changed, switched on nor deleted, and what stands in the way is told.

use std::fmt;

use super::model::{MODEL, WantedField, WantedObject, wanted, wanted_field};
use super::time::Instant;
use super::workspace::{FieldSchema, ObjectSchema, Schema};

/// One thing to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An object.
    Object(&'static WantedObject),
    /// A field of an object.
    Field(&'static WantedObject, &'static WantedField),
}

/// What is to be added, in this order, and what cannot be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Objects first, then plain fields, then relations: each finds what it needs.
    pub steps: Vec<Step>,
    /// What a person has to settle in Twenty.
    pub findings: Vec<Finding>,
}

/// Something wanted that cannot be added by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The object it is about.
    pub object: &'static WantedObject,
    /// Its field; none when it is about the object itself.
    pub field: Option<&'static WantedField>,
    /// What stands in the way.
    pub why: Why,
}

/// What stands in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Twenty has no such object by itself, or it may not be seen.
    NoStandardObject,
    /// It is there and switched off.
    SwitchedOff,
    /// Something with the same label and another name is there.
    LooksRenamed(String),
    /// The name is used by something else.
    NameTaken(String),
    /// The field has another type.
    OtherType(String),
    /// The field lacks these values.
    LacksOptions(Vec<&'static str>),
    /// The object it leads to is not there and cannot be made.
    LeadsNowhere(&'static str),
}

/// What happens while a plan is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// What the workspace has was read, and this is to be done.
    Planned(Plan),
    /// It is there now.
    Done(Step),
    /// It could not be made, and why.
    Failed(Step, String),
    /// Nothing to be done before this moment, and why.
    Wait(Instant, String),
    /// It ends here, and why.
    Stopped(String),
    /// Everything was tried; this is still missing.
    Ended(Vec<Lack>),
}

/// Something of the wanted model that a workspace does not have, or not in a usable form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// Plural name of the object.
    pub object: &'static str,
    /// The field by the name records are written with; none when the whole object is missing.
    pub field: Option<String>,
    /// What people call it.
    pub label: String,
    /// What does not work without it.
    pub disables: &'static str,
    /// What stands in the way of adding it, if anything.
    pub why: Option<String>,
}

/// How something wanted stands in a workspace.
enum State {
    There,
    Missing,
    Blocked(Why),
}

/// What a wanted object lacks: itself, or fields.
struct Standing {
    object: &'static WantedObject,
    itself: State,
    fields: Vec<(&'static WantedField, State)>,
}

/// What to add so that the workspace has everything wanted. Of a workspace that has it, nothing.
pub fn plan(schema: &Schema) -> Plan {
    let standings: Vec<Standing> = MODEL.iter().map(|object| standing(object, schema)).collect();
    let mut plan = Plan::default();
    let (mut fields, mut relations) = (Vec::new(), Vec::new());
    for Standing { object, itself, fields: wanted } in standings {
        match itself {
            State::There => {}
            State::Missing => plan.steps.push(Step::Object(object)),
            State::Blocked(why) => plan.findings.push(Finding { object, field: None, why }),
        }
        for (field, state) in wanted {
            match state {
                State::There => {}
                State::Missing if field.relation().is_some() => relations.push(Step::Field(object, field)),
                State::Missing => fields.push(Step::Field(object, field)),
                State::Blocked(why) => plan.findings.push(Finding { object, field: Some(field), why }),
            }
        }
    }
    plan.steps.append(&mut fields);
    plan.steps.append(&mut relations);
    plan
}

/// What the workspace lacks, with what that disables. A missing object stands for all its fields.
pub fn lacks(schema: &Schema) -> Vec<Lack> {
    let mut lacks = Vec::new();
    for Standing { object, itself, fields } in MODEL.iter().map(|object| standing(object, schema)) {
        let said = |field, state: State| match state {
            State::Blocked(why) => Some(Finding { object, field, why }.reason()),
            State::There | State::Missing => None,
        };
        if !matches!(itself, State::There) {
            lacks.push(Lack {
                object: object.plural,
                field: None,
                label: object.label_plural.to_owned(),
                disables: object.needed_for,
                why: said(None, itself),
            });
            continue;
        }
        for (field, state) in fields.into_iter().filter(|(_, state)| !matches!(state, State::There)) {
            lacks.push(Lack {
                object: object.plural,
                field: Some(field.column()),
                label: format!("{}: {}", object.label, field.label),
                disables: field.needed_for,
                why: said(Some(field), state),
            });
        }
    }
    lacks
}

/// Whether records can be written with this field: it is there, and where it is one of the model its type fits.
pub fn usable(schema: &Schema, plural: &str, column: &str) -> bool {
    let there = schema.objects.get(plural).and_then(|object| object.fields.get(column));
    there.is_some_and(|field| {
        wanted_field(plural, column).is_none_or(|wanted| wanted.kind.twenty() == field.kind)
    })
}

/// Whether what a step makes is there.
pub fn is_there(schema: &Schema, step: Step) -> bool {
    match step {
        Step::Object(object) => schema.objects.contains_key(object.plural),
        Step::Field(object, field) => usable(schema, object.plural, &field.column()),
    }
}

fn standing(object: &'static WantedObject, schema: &Schema) -> Standing {
    let there = schema.objects.get(object.plural);
    let itself = if there.is_some() { State::There } else { object_state(object, schema) };
    let fields = match itself {
        // Fields of an object that is blocked say nothing that it does not say.
        State::Blocked(_) => Vec::new(),
        State::There | State::Missing => {
            object.fields.iter().map(|field| (field, field_state(object, there, field, schema))).collect()
        }
    };
    Standing { object, itself, fields }
}

/// How an object that is not there stands.
fn object_state(object: &'static WantedObject, schema: &Schema) -> State {
    if schema.off.contains(object.plural) {
        return State::Blocked(Why::SwitchedOff);
    }
    if object.standard {
        return State::Blocked(Why::NoStandardObject);
    }
    let ours = [object.singular, object.plural];
    for (plural, other) in schema.objects.iter().filter(|(plural, _)| wanted(plural).is_none()) {
        if ours.iter().any(|name| *name == other.singular || name == plural) {
            return State::Blocked(Why::NameTaken(plural.clone()));
        }
        if other.label.eq_ignore_ascii_case(object.label) {
            return State::Blocked(Why::LooksRenamed(plural.clone()));
        }
    }
    State::Missing
}

fn field_state(
    object: &'static WantedObject,
    there: Option<&ObjectSchema>,
    field: &'static WantedField,
    schema: &Schema,
) -> State {
    let none = ObjectSchema::default();
    let there = there.unwrap_or(&none);
    let column = field.column();
    if let Some(found) = there.fields.get(&column) {
        return existing(found, field);
    }
    if there.off.contains(field.name) {
        return State::Blocked(Why::SwitchedOff);
    }
    // A relation takes two names, its own and its column's.
    if let Some(other) = there.fields.values().find(|other| other.name == field.name) {
        return State::Blocked(Why::OtherType(other.kind.clone()));
    }
    if let Some(name) = renamed(object, there, field) {
        return State::Blocked(Why::LooksRenamed(name));
    }
    field.relation().map_or(State::Missing, |relation| {
        let target = schema.objects.get(relation.target);
        let back = relation.back_name();
        let taken = target.is_some_and(|target| {
            target.off.contains(&back) || target.fields.values().any(|other| other.name == back)
        });
        let can_be = target.is_some()
            || wanted(relation.target)
                .is_some_and(|wanted| matches!(object_state(wanted, schema), State::Missing));
        match (taken, can_be) {
            (true, _) => State::Blocked(Why::NameTaken(format!("{}.{back}", relation.target))),
            (false, false) => State::Blocked(Why::LeadsNowhere(relation.target)),
            (false, true) => State::Missing,
        }
    })
}

/// How a field of the right name stands.
fn existing(found: &FieldSchema, field: &'static WantedField) -> State {
    if found.kind != field.kind.twenty() {
        return State::Blocked(Why::OtherType(found.kind.clone()));
    }
    let lacking = |(value, _): &(&'static str, &str)| {
        (!found.options.iter().any(|option| option == value)).then_some(*value)
    };
    let lacking: Vec<&str> = field.options().iter().filter_map(lacking).collect();
    // A server that tells no values at all does not mean that there are none.
    if lacking.is_empty() || found.options.is_empty() {
        State::There
    } else {
        State::Blocked(Why::LacksOptions(lacking))
    }
}

/// The field that stands under the wanted label and type with another name: very likely the wanted one, renamed. A
/// second one beside it would split the data, so a person decides.
fn renamed(object: &WantedObject, there: &ObjectSchema, field: &WantedField) -> Option<String> {
    let candidate = |(column, other): &(&String, &FieldSchema)| {
        other.kind == field.kind.twenty()
            && other.label.eq_ignore_ascii_case(field.label)
            && !object.fields.iter().any(|wanted| wanted.column() == **column)
            // A relation leads elsewhere only with a column of its own; the ways back have none.
            && (field.relation().is_none() || **column != other.name)
    };
    there.fields.iter().find(candidate).map(|(_, other)| other.name.clone())
}

impl Step {
    /// What it makes: `gifts` or `gifts.donor`.
    pub fn name(&self) -> String {
        match self {
            Self::Object(object) => object.plural.to_owned(),
            Self::Field(object, field) => format!("{}.{field}", object.plural),
        }
    }

    /// What does not work without it.
    pub const fn needed_for(&self) -> &'static str {
        match self {
            Self::Object(object) => object.needed_for,
            Self::Field(_, field) => field.needed_for,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(object) => write!(f, "object {} ({})", object.plural, object.label_plural),
            Self::Field(object, field) => {
                write!(f, "field {}.{field} ({}, ", object.plural, field.label)?;
                match field.relation() {
                    Some(relation) => write!(f, "relation to {})", relation.target),
                    None => write!(f, "{})", field.kind.twenty()),
                }
            }
        }
    }
}

impl Finding {
    /// What it is about: `gifts` or `gifts.donor`.
    pub fn name(&self) -> String {
        match self.field {
            None => Step::Object(self.object).name(),
            Some(field) => Step::Field(self.object, field).name(),
        }
    }

    /// What does not work as long as it stands.
    pub fn disables(&self) -> &'static str {
        self.field.map_or(self.object.needed_for, |field| field.needed_for)
    }

    /// What stands in the way and what to do, in plain words.
    pub fn reason(&self) -> String {
        match &self.why {
            Why::NoStandardObject => {
                "Twenty has this object by itself, and it is not in the workspace, or the key's role may not see it."
                    .into()
            }
            Why::SwitchedOff => "It is there and switched off; switch it on in Twenty.".into(),
            Why::LooksRenamed(to) => format!(
                "{to} has the same label, so it was probably renamed; rename it back in Twenty, or give {to} another label if it is something else."
            ),
            Why::NameTaken(by) => {
                format!("The name is taken by {by}; rename that in Twenty if it is something else.")
            }
            Why::OtherType(found) => {
                let wanted = self.field.map_or("", |field| field.kind.twenty());
                format!(
                    "It has the type {found} where {wanted} is needed; it is left as it is. Rename it in Twenty to make room."
                )
            }
            Why::LacksOptions(values) => {
                format!("It lacks the option(s) {}; add them in Twenty.", values.join(", "))
            }
            Why::LeadsNowhere(target) => format!("It leads to {target}, which cannot be made."),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} Not working until then: {}.", self.name(), self.reason(), self.disables())
    }
}

impl Lack {
    /// `gifts` or `gifts.donorId`.
    pub fn name(&self) -> String {
        match &self.field {
            None => self.object.to_owned(),
            Some(field) => format!("{}.{field}", self.object),
        }
    }
}

#[cfg(test)]
mod tests;
