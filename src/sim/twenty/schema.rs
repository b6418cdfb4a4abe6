//! The data model of a simulated workspace: objects, their fields and what each field type holds.
//!
//! Everything else in the simulator is driven by this table; adding an object or a field here is
//! enough for it to be listed, filtered, written and described by the metadata call.

use std::borrow::Cow;

use super::{charity, standard};

/// What a deletion of the target does to the rows that point to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnDelete {
    /// The join column becomes null.
    SetNull,
    /// The pointing row vanishes too.
    Cascade,
}

/// Type of a field, in Twenty's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Primary key or plain UUID.
    Uuid,
    /// Free text.
    Text,
    /// JavaScript number.
    Number,
    /// Place of the record in the default view.
    Position,
    /// True or false.
    Boolean,
    /// Calendar day.
    Date,
    /// Instant, stored in microseconds.
    DateTime,
    /// One of the options.
    Select(&'static [&'static str]),
    /// Any JSON.
    RawJson,
    /// File references.
    Files,
    /// First and last name.
    FullName,
    /// Primary and additional e-mail addresses.
    Emails,
    /// Primary and additional phone numbers.
    Phones,
    /// Primary and secondary links.
    Links,
    /// Postal address.
    Address,
    /// Money in millionths of the currency unit.
    Currency,
    /// Who did it.
    Actor,
    /// Markdown with its editor form.
    RichText,
    /// Full-text index of the row, computed when read.
    TsVector,
    /// Many-to-one relation, stored in a join column.
    ToOne {
        /// Plural name of the object pointed to.
        target: &'static str,
        /// Effect of deleting the target.
        on_delete: OnDelete,
        /// True for one arm of a morph relation.
        morph: bool,
    },
    /// One-to-many relation: rows of `source` whose relation `via` points here.
    ToMany {
        /// Plural name of the pointing object; it may be one the simulator does not hold.
        source: &'static str,
        /// Name of the relation field over there.
        via: &'static str,
    },
}

/// Default of a field that a create leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preset {
    /// No default: null.
    None,
    /// A text or option.
    Text(&'static str),
    /// A whole number.
    Int(i64),
    /// A flag.
    Flag(bool),
}

/// One field of an object.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Name in the API.
    pub(crate) name: &'static str,
    /// Label in the user interface.
    pub(crate) label: &'static str,
    /// Type.
    pub(crate) kind: Kind,
    /// Key under which the value is read and written: the name, or `<name>Id` for a relation.
    pub(crate) column: Cow<'static, str>,
    /// True when the database refuses two equal values.
    pub(crate) unique: bool,
    /// Value of a create that leaves the field out.
    pub(crate) default: Preset,
    /// True for fields every object has.
    pub(crate) system: bool,
    /// True once a schema fault took the field away.
    pub(crate) removed: bool,
}

impl Field {
    /// A plain field.
    pub(crate) fn new(name: &'static str, kind: Kind) -> Self {
        let column = match kind {
            Kind::ToOne { .. } => Cow::Owned(format!("{name}Id")),
            _ => Cow::Borrowed(name),
        };
        Self {
            name,
            label: name,
            kind,
            column,
            unique: false,
            default: Preset::None,
            system: false,
            removed: false,
        }
    }

    /// The same with a label of its own.
    pub(crate) fn label(mut self, label: &'static str) -> Self {
        self.label = label;
        self
    }

    /// The same with a unique index.
    pub(crate) fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// The same with a default.
    pub(crate) fn default(mut self, default: Preset) -> Self {
        self.default = default;
        self
    }

    /// The same, marked as one every object has.
    pub(crate) fn system(mut self) -> Self {
        self.system = true;
        self
    }
}

/// Where the columns sit that the server itself fills.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemColumns {
    /// `id`.
    pub(crate) id: usize,
    /// `createdAt`.
    pub(crate) created_at: usize,
    /// `updatedAt`.
    pub(crate) updated_at: usize,
    /// `deletedAt`.
    pub(crate) deleted_at: usize,
    /// `position`.
    pub(crate) position: usize,
    /// `createdBy`.
    pub(crate) created_by: usize,
    /// `updatedBy`.
    pub(crate) updated_by: usize,
}

/// One object of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// Name of one record, `person`.
    pub(crate) singular: &'static str,
    /// Name in paths, `people`.
    pub(crate) plural: &'static str,
    /// Label of one record.
    pub(crate) label: &'static str,
    /// Label of many.
    pub(crate) label_plural: &'static str,
    /// Fields in the order in which replies show them.
    pub(crate) fields: Vec<Field>,
    /// True for an object the charity made itself.
    pub(crate) custom: bool,
    /// True for link objects and the like.
    pub(crate) system: bool,
    /// Groups of paths; two rows that agree in all paths of one group are duplicates.
    pub(crate) duplicate_criteria: &'static [&'static [&'static str]],
    /// Where the system columns sit.
    pub(crate) columns: SystemColumns,
}

impl Object {
    /// An object; the labels are given as they are shown.
    pub(crate) fn new(
        names: (&'static str, &'static str),
        labels: (&'static str, &'static str),
        fields: Vec<Field>,
    ) -> Self {
        let at = |name: &str| fields.iter().position(|field| field.name == name).unwrap_or_default();
        let columns = SystemColumns {
            id: at("id"),
            created_at: at("createdAt"),
            updated_at: at("updatedAt"),
            deleted_at: at("deletedAt"),
            position: at("position"),
            created_by: at("createdBy"),
            updated_by: at("updatedBy"),
        };
        Self {
            singular: names.0,
            plural: names.1,
            label: labels.0,
            label_plural: labels.1,
            fields,
            custom: false,
            system: false,
            duplicate_criteria: &[],
            columns,
        }
    }

    /// Index and field of a name in the API, relations by their relation name.
    pub(crate) fn field(&self, name: &str) -> Option<(usize, &Field)> {
        self.fields.iter().enumerate().find(|(_, field)| !field.removed && field.name == name)
    }

    /// Index and field of a column, relations by their join column.
    pub(crate) fn column(&self, name: &str) -> Option<(usize, &Field)> {
        self.fields.iter().enumerate().find(|(_, field)| !field.removed && field.column == name)
    }

    /// The key of a reply that names one record, `createPerson`.
    pub(crate) fn one(&self, verb: &str) -> String {
        format!("{verb}{}", capitalised(self.singular))
    }

    /// The key of a reply that names many records, `createPeople`.
    pub(crate) fn many(&self, verb: &str) -> String {
        format!("{verb}{}", capitalised(self.plural))
    }
}

/// The first letter in upper case, the rest as it is.
fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The data model of a workspace.
#[derive(Clone, Debug)]
pub struct Schema {
    objects: Vec<Object>,
}

impl Schema {
    /// A charity's workspace: the standard objects with the fundraising fields, gifts, appeals and funds.
    pub fn charity() -> Self {
        Self { objects: charity::objects() }
    }

    /// The workspace of the recordings: the standard objects bare, and the small `gift` they create.
    pub fn recorded() -> Self {
        let mut objects = standard::objects();
        standard::attach(
            &mut objects,
            "people",
            Field::new("gifts", Kind::ToMany { source: "gifts", via: "donor" }),
        );
        objects.push(standard::recorded_gift());
        Self { objects }
    }

    /// All objects in table order.
    pub(crate) fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// The object of a plural name, with its index.
    pub(crate) fn by_plural(&self, plural: &str) -> Option<(usize, &Object)> {
        self.objects.iter().enumerate().find(|(_, object)| object.plural == plural)
    }

    /// The object of a singular name.
    pub(crate) fn by_singular(&self, singular: &str) -> Option<&Object> {
        self.objects.iter().find(|object| object.singular == singular)
    }

    /// Takes a field away, as an administrator may do in the middle of a synchronisation.
    pub(crate) fn remove_field(&mut self, plural: &str, name: &str) {
        let object = self.objects.iter_mut().find(|object| object.plural == plural);
        if let Some(field) =
            object.and_then(|object| object.fields.iter_mut().find(|field| field.name == name))
        {
            field.removed = true;
        }
    }
}
