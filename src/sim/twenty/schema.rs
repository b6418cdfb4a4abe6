//! The data model of a simulated workspace: objects, their fields and what each field type holds.
//!
//! Everything else in the simulator is driven by this table; adding an object or a field here is
//! enough for it to be listed, filtered, written and described by the metadata call.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::{charity, standard};
use crate::sim::json::{Json, Key};

/// A name that lives as long as the process. Names of the data model are few and repeat, so that
/// keeping them for ever costs less than carrying owned ones through every row.
pub(crate) fn intern(text: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(text) {
        return known;
    }
    let kept: &'static str = Box::leak(text.to_owned().into_boxed_str());
    names.insert(kept);
    kept
}

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
    /// Number of any precision.
    Numeric,
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
    /// One of the options, shown as stars.
    Rating(&'static [&'static str]),
    /// Any of the options.
    MultiSelect(&'static [&'static str]),
    /// List of texts.
    Array,
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
        /// Plural name of the pointing object.
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

/// One option of a select field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    /// What records hold.
    pub(crate) value: &'static str,
    /// What people see.
    pub(crate) label: &'static str,
    /// Colour of its tag.
    pub(crate) color: &'static str,
    /// Place in the list.
    pub(crate) position: i64,
}

/// One field of an object.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the real server's own description")]
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Name in the API.
    pub(crate) name: &'static str,
    /// Name at its birth: its id is made from it, so that a renamed field keeps its id.
    pub(crate) key: &'static str,
    /// Label in the user interface.
    pub(crate) label: &'static str,
    /// Help text; empty for none.
    pub(crate) description: &'static str,
    /// Icon; empty for none.
    pub(crate) icon: &'static str,
    /// Type.
    pub(crate) kind: Kind,
    /// Key under which the value is read and written: the name, or `<name>Id` for a relation.
    pub(crate) column: Key,
    /// True when the database refuses two equal values.
    pub(crate) unique: bool,
    /// Value of a create that leaves the field out.
    pub(crate) default: Preset,
    /// The default as the metadata call shows it, where [`Preset`] cannot say it.
    pub(crate) default_value: Option<Json>,
    /// Options with their labels and colours, when they were given.
    pub(crate) choices: Vec<Choice>,
    /// Settings beyond what the type implies.
    pub(crate) settings: Option<Json>,
    /// True for fields every object has.
    pub(crate) system: bool,
    /// False once somebody switched the field off.
    pub(crate) active: bool,
    /// True when people may edit values in the user interface.
    pub(crate) editable: bool,
    /// True when null is a value.
    pub(crate) nullable: bool,
    /// True for a field the charity made itself.
    pub(crate) custom: bool,
    /// When it was made and last changed; `None` for what came with the workspace.
    pub(crate) times: Option<(i64, i64)>,
    /// True once the field was taken away.
    pub(crate) removed: bool,
}

impl Field {
    /// A plain field.
    pub(crate) fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            key: name,
            label: name,
            description: "",
            icon: "",
            kind,
            column: column_of(name, kind),
            unique: false,
            default: Preset::None,
            default_value: None,
            choices: Vec::new(),
            settings: None,
            system: false,
            active: true,
            editable: true,
            nullable: true,
            custom: true,
            times: None,
            removed: false,
        }
    }

    /// The same with a label of its own.
    pub(crate) fn label(mut self, label: &'static str) -> Self {
        self.label = label;
        self
    }

    /// The same with a help text and an icon.
    pub(crate) fn about(mut self, description: &'static str, icon: &'static str) -> Self {
        self.description = description;
        self.icon = icon;
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

    /// The same with a default that is shown in a form of its own.
    pub(crate) fn default_value(mut self, value: Json) -> Self {
        self.default_value = Some(value);
        self
    }

    /// The same, marked as one every object has.
    pub(crate) fn system(mut self) -> Self {
        self.system = true;
        self.editable = false;
        self
    }

    /// The same without null.
    pub(crate) fn required(mut self) -> Self {
        self.nullable = false;
        self
    }

    /// The options of a select field.
    pub(crate) fn options(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Select(options) | Kind::Rating(options) | Kind::MultiSelect(options) => options,
            _ => &[],
        }
    }

    /// Gives the field another name; a join column follows.
    pub(crate) fn rename(&mut self, name: &'static str) {
        self.name = name;
        self.column = column_of(name, self.kind);
    }

    /// What a new row holds when the request leaves the field out.
    pub(crate) fn initial(&self) -> Json {
        match (self.default, &self.default_value, self.kind) {
            (Preset::Text(text), ..) => Json::text(text),
            (Preset::Int(number), ..) => Json::int(number),
            (Preset::Flag(flag), ..) => Json::Bool(flag),
            (Preset::None, Some(shown), kind)
                if !matches!(kind, Kind::Actor | Kind::Uuid | Kind::DateTime) =>
            {
                unquoted(shown)
            }
            _ => Json::Null,
        }
    }
}

/// The join column of a many-to-one relation is called after it.
fn column_of(name: &'static str, kind: Kind) -> Key {
    match kind {
        Kind::ToOne { .. } => Cow::Owned(format!("{name}Id")),
        _ => Cow::Borrowed(name),
    }
}

/// A default as a value: texts stand in quotes inside their quotes.
fn unquoted(shown: &Json) -> Json {
    match shown {
        Json::Str(text) => {
            let inner = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            Json::text(inner.unwrap_or(text))
        }
        Json::Arr(items) => Json::Arr(items.iter().map(unquoted).collect()),
        Json::Obj(members) => {
            Json::Obj(members.iter().map(|(key, value)| (key.clone(), unquoted(value))).collect())
        }
        other => other.clone(),
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
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the real server's own description")]
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// Name of one record, `person`.
    pub(crate) singular: &'static str,
    /// Name in paths, `people`.
    pub(crate) plural: &'static str,
    /// Name at its birth: its id is made from it.
    pub(crate) key: &'static str,
    /// Label of one record.
    pub(crate) label: &'static str,
    /// Label of many.
    pub(crate) label_plural: &'static str,
    /// Help text; empty for none.
    pub(crate) description: &'static str,
    /// Icon; empty for none.
    pub(crate) icon: &'static str,
    /// Key that opens it in the user interface; empty for none.
    pub(crate) shortcut: &'static str,
    /// Fields in the order in which replies show them.
    pub(crate) fields: Vec<Field>,
    /// True for an object the charity made itself.
    pub(crate) custom: bool,
    /// True for link objects and the like.
    pub(crate) system: bool,
    /// True when people may make records in the user interface.
    pub(crate) creatable: bool,
    /// True when the search of the user interface looks at it.
    pub(crate) searchable: bool,
    /// False once somebody switched the object off.
    pub(crate) active: bool,
    /// True when the names follow the labels.
    pub(crate) label_synced: bool,
    /// Field that stands for a record where there is room for one.
    pub(crate) label_field: &'static str,
    /// Field with its picture; empty for none.
    pub(crate) image_field: &'static str,
    /// Groups of paths; two rows that agree in all paths of one group are duplicates.
    pub(crate) duplicate_criteria: &'static [&'static [&'static str]],
    /// Where the system columns sit.
    pub(crate) columns: SystemColumns,
    /// When it was made and last changed; `None` for what came with the workspace.
    pub(crate) times: Option<(i64, i64)>,
    /// True once the object was taken away.
    pub(crate) removed: bool,
}

impl Object {
    /// An object; the labels are given as they are shown.
    pub(crate) fn new(
        names: (&'static str, &'static str),
        labels: (&'static str, &'static str),
        fields: Vec<Field>,
    ) -> Self {
        let mut object = Self {
            singular: names.0,
            plural: names.1,
            key: names.0,
            label: labels.0,
            label_plural: labels.1,
            description: "",
            icon: "",
            shortcut: "",
            fields,
            custom: false,
            system: false,
            creatable: true,
            searchable: true,
            active: true,
            label_synced: false,
            label_field: "name",
            image_field: "",
            duplicate_criteria: &[],
            columns: SystemColumns::default(),
            times: None,
            removed: false,
        };
        object.find_columns();
        object
    }

    /// Looks up where the system columns sit.
    fn find_columns(&mut self) {
        let at = |name: &str| self.fields.iter().position(|field| field.name == name).unwrap_or_default();
        self.columns = SystemColumns {
            id: at("id"),
            created_at: at("createdAt"),
            updated_at: at("updatedAt"),
            deleted_at: at("deletedAt"),
            position: at("position"),
            created_by: at("createdBy"),
            updated_by: at("updatedBy"),
        };
    }

    /// Index and field of a name in the API, relations by their relation name.
    pub(crate) fn field(&self, name: &str) -> Option<(usize, &Field)> {
        self.shown_fields().find(|(_, field)| field.name == name)
    }

    /// Index and field of a column, relations by their join column.
    pub(crate) fn column(&self, name: &str) -> Option<(usize, &Field)> {
        self.shown_fields().find(|(_, field)| field.column == name)
    }

    /// The field of a name, switched off or not: it keeps its name, its values and its indexes.
    pub(crate) fn known_field(&self, name: &str) -> Option<(usize, &Field)> {
        self.live_fields().find(|(_, field)| field.name == name)
    }

    /// The field of a column, switched off or not.
    pub(crate) fn known_column(&self, name: &str) -> Option<(usize, &Field)> {
        self.live_fields().find(|(_, field)| field.column == name)
    }

    /// The fields records have, with their places: those that are switched off are not among them.
    pub(crate) fn shown_fields(&self) -> impl Iterator<Item = (usize, &Field)> {
        self.live_fields().filter(|(_, field)| field.active)
    }

    /// The fields that are there, switched off or not, with their places.
    pub(crate) fn live_fields(&self) -> impl Iterator<Item = (usize, &Field)> {
        self.fields.iter().enumerate().filter(|(_, field)| !field.removed)
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
pub(crate) fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The data model of a workspace.
#[derive(Clone, Debug)]
pub struct Schema {
    objects: Vec<Object>,
}

impl Schema {
    /// A new workspace: the standard objects and nothing else.
    pub fn bare() -> Self {
        Self { objects: standard::objects() }
    }

    /// A charity's workspace: the standard objects with the fundraising fields, gifts, appeals and funds.
    pub fn charity() -> Self {
        Self { objects: charity::objects() }
    }

    /// The workspace of the recordings once the small `gift` they make is there.
    pub fn recorded() -> Self {
        let mut objects = standard::objects();
        charity::recorded_gift(&mut objects);
        Self { objects }
    }

    /// All objects in table order, those taken away included.
    pub(crate) fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// The objects that are there, with their places.
    pub(crate) fn live(&self) -> impl Iterator<Item = (usize, &Object)> {
        self.objects.iter().enumerate().filter(|(_, object)| !object.removed)
    }

    /// The objects for changing them.
    pub(crate) fn objects_mut(&mut self) -> &mut Vec<Object> {
        &mut self.objects
    }

    /// The object of a plural name, with its index.
    pub(crate) fn by_plural(&self, plural: &str) -> Option<(usize, &Object)> {
        self.live().find(|(_, object)| object.plural == plural)
    }

    /// The object of a singular name, with its index.
    pub(crate) fn by_singular(&self, singular: &str) -> Option<(usize, &Object)> {
        self.live().find(|(_, object)| object.singular == singular)
    }

    /// Takes a field away, as an administrator may do in the middle of a synchronisation.
    pub(crate) fn remove_field(&mut self, plural: &str, name: &str) {
        let object = self.objects.iter_mut().find(|object| !object.removed && object.plural == plural);
        let field = object
            .and_then(|object| object.fields.iter_mut().find(|field| !field.removed && field.name == name));
        if let Some(field) = field {
            field.removed = true;
        }
    }

    /// Gives an object other names; the relations that name it follow.
    pub(crate) fn rename_object(&mut self, index: usize, singular: &'static str, plural: &'static str) {
        let Some(object) = self.objects.get_mut(index) else { return };
        let old = std::mem::replace(&mut object.plural, plural);
        object.singular = singular;
        for field in self.objects.iter_mut().flat_map(|object| object.fields.iter_mut()) {
            match &mut field.kind {
                Kind::ToOne { target, .. } if *target == old => *target = plural,
                Kind::ToMany { source, .. } if *source == old => *source = plural,
                _ => {}
            }
        }
    }
}
