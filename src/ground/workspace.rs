//! What a Twenty workspace has: its objects and fields, as its metadata tells (contract 3.2). They differ by version,
//! age and customisation, so nothing is taken for granted.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::id::{CustomSlot, Names, Object};
use super::time::Instant;

/// Every active object of a workspace by its plural name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Schema {
    /// Plural name -> object.
    pub objects: BTreeMap<String, ObjectSchema>,
    /// Plural names of objects that are there and switched off.
    pub off: BTreeSet<String>,
}

/// One object of a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ObjectSchema {
    /// Its id in the metadata.
    pub id: String,
    /// `gift`
    pub singular: String,
    /// What people call one of it: `Gift`.
    pub label: String,
    /// What people call many of it: `Gifts`.
    pub label_plural: String,
    /// Whether it is Twenty's own machinery rather than something people look at.
    pub system: bool,
    /// The field that names a record, by its id in the metadata.
    pub label_field: Option<String>,
    /// Fields by the name a record is written with; a many-to-one relation stands as its column (`donorId`).
    pub fields: BTreeMap<String, FieldSchema>,
    /// Names of fields that are there and switched off.
    pub off: BTreeSet<String>,
}

/// One field of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FieldSchema {
    /// Its id in the metadata.
    pub id: String,
    /// Its name in the metadata, which for a relation is not the column: `donor`.
    pub name: String,
    /// Its type as Twenty writes it: `TEXT`, `CURRENCY`, `RELATION`.
    pub kind: String,
    /// What people call it.
    pub label: String,
    /// The values a choice has.
    pub options: Vec<String>,
    /// Whether no two records may have the same value.
    pub is_unique: bool,
}

impl Schema {
    /// Whether the object has the field.
    pub fn has(&self, plural: &str, field: &str) -> bool {
        self.objects.get(plural).is_some_and(|object| object.fields.contains_key(field))
    }

    /// Those of `needed` that the object lacks.
    pub fn missing<'f>(&self, plural: &str, needed: &[&'f str]) -> Vec<&'f str> {
        needed.iter().copied().filter(|field| !self.has(plural, field)).collect()
    }

    /// A schema with these objects and fields, for tests; what is wanted there has the wanted type, the rest is text.
    pub fn of(objects: &[(&str, &[&str])]) -> Self {
        let field = |plural: &str, name: &str| {
            let kind = super::model::wanted_field(plural, name).map_or("TEXT", |wanted| wanted.kind.twenty());
            let field = FieldSchema { name: name.to_owned(), kind: kind.into(), ..FieldSchema::default() };
            (name.to_owned(), field)
        };
        let object = |(plural, fields): &(&str, &[&str])| {
            let fields = fields.iter().map(|name| field(plural, name)).collect();
            ((*plural).to_owned(), ObjectSchema { fields, ..ObjectSchema::default() })
        };
        Self { objects: objects.iter().map(object).collect(), ..Self::default() }
    }
}

/// What is known of the workspace behind a connection: its schema, and which of its other objects are mirrored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Workspace {
    /// The version of the server, where it tells.
    pub version: Option<String>,
    /// Objects and fields; empty until they were read once.
    pub schema: Option<Schema>,
    /// When they were read last, if they had changed then.
    pub read_at: Option<Instant>,
    /// Objects that the operator switched on: place -> plural name. One that was switched off keeps its place.
    pub places: BTreeMap<u8, Place>,
}

/// An object that has a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its names when it was switched on.
    pub names: Names,
    /// Whether it is mirrored at present.
    pub on: bool,
}

/// An object cannot be switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotMirror {
    /// The workspace has no such object.
    #[error("the Twenty workspace has no object of this name")]
    Unknown,
    /// It is mirrored without being asked for.
    #[error("this object is mirrored already")]
    Already,
    /// All places are taken.
    #[error("all {} places for further objects are taken", CustomSlot::COUNT)]
    Full,
}

impl Workspace {
    /// The names of an object in this workspace, if it has it and it is to be mirrored.
    pub fn names(&self, object: Object) -> Option<Names> {
        let schema = self.schema.as_ref()?;
        match object {
            Object::Custom(slot) => {
                let place = self.places.get(&slot.index()).filter(|place| place.on)?;
                schema.objects.contains_key(&place.names.plural).then(|| place.names.clone())
            }
            named => {
                let (singular, plural) = named.twenty_names()?;
                schema
                    .objects
                    .contains_key(plural)
                    .then(|| Names { singular: singular.into(), plural: plural.into() })
            }
        }
    }

    /// Everything that is mirrored here, in the order of object numbers.
    pub fn mirrored(&self) -> Vec<(Object, Names)> {
        Object::mirrored().filter_map(|object| Some((object, self.names(object)?))).collect()
    }

    /// The mirrored object with this singular name, which webhooks use.
    pub fn by_singular(&self, singular: &str) -> Option<Object> {
        self.mirrored().into_iter().find(|(_, names)| names.singular == singular).map(|(object, _)| object)
    }

    /// What people call an object: as the workspace does, else its word.
    pub fn label(&self, object: Object) -> String {
        let plural = match object {
            Object::Custom(slot) => self.places.get(&slot.index()).map(|place| place.names.plural.clone()),
            named => named.twenty_names().map(|(_, plural)| plural.to_owned()),
        };
        let known = plural.as_ref().and_then(|plural| self.schema.as_ref()?.objects.get(plural));
        let label = known.map(|known| known.label_plural.clone()).filter(|label| !label.is_empty());
        label.or(plural).unwrap_or_else(|| object.word().to_owned())
    }

    /// What people call a field, or a part such as `name.firstName`: as the workspace does, else its name.
    pub fn field_label(&self, object: Object, path: &str) -> String {
        let (field, part) = path.split_once('.').map_or((path, None), |(field, part)| (field, Some(part)));
        let known = self.names(object).and_then(|names| {
            self.schema
                .as_ref()?
                .objects
                .get(&names.plural)?
                .fields
                .get(field)
                .map(|field| field.label.clone())
        });
        let label = known.filter(|label| !label.is_empty()).unwrap_or_else(|| field.to_owned());
        part.map_or(label.clone(), |part| format!("{label} · {part}"))
    }

    /// Objects of the workspace that could be switched on: neither mirrored anyway nor Twenty's own machinery.
    pub fn others(&self) -> Vec<(&String, &ObjectSchema)> {
        let ours: BTreeSet<&str> = Object::STANDARD
            .iter()
            .filter_map(|object| object.twenty_names())
            .map(|(_, plural)| plural)
            .collect();
        let Some(schema) = &self.schema else { return Vec::new() };
        schema
            .objects
            .iter()
            .filter(|(plural, object)| !ours.contains(plural.as_str()) && !object.system)
            .collect()
    }

    /// Switches an object on or off. It keeps the place it had before.
    pub fn switch(&mut self, plural: &str, on: bool) -> Result<Object, CannotMirror> {
        let other = self.others().into_iter().find(|(name, _)| *name == plural);
        let singular = other.map(|(_, object)| object.singular.clone());
        let had = self.places.iter().find(|(_, place)| place.names.plural == plural).map(|(index, _)| *index);
        let Some(index) =
            had.or_else(|| (0..CustomSlot::COUNT).find(|index| !self.places.contains_key(index)))
        else {
            return Err(CannotMirror::Full);
        };
        let slot = CustomSlot::new(index).ok_or(CannotMirror::Full)?;
        match (singular, self.places.get_mut(&index)) {
            (_, Some(place)) => place.on = on,
            (Some(singular), None) => {
                self.places.insert(index, Place { names: Names { singular, plural: plural.to_owned() }, on });
            }
            (None, None)
                if Object::STANDARD.iter().any(|o| o.twenty_names().is_some_and(|(_, p)| p == plural)) =>
            {
                return Err(CannotMirror::Already);
            }
            (None, None) => return Err(CannotMirror::Unknown),
        }
        Ok(Object::Custom(slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        Workspace {
            schema: Some(Schema::of(&[("people", &["name"]), ("pledges", &[])])),
            ..Workspace::default()
        }
    }

    #[test]
    fn only_what_the_workspace_has_is_mirrored() {
        let mut workspace = workspace();
        assert_eq!(
            workspace.mirrored().iter().map(|(object, _)| *object).collect::<Vec<_>>(),
            [Object::People]
        );
        assert_eq!(workspace.by_singular("person"), Some(Object::People));
        assert_eq!(workspace.by_singular("gift"), None);
        let pledges = workspace.switch("pledges", true).unwrap();
        assert_eq!(pledges.word(), "custom_1");
        assert_eq!(workspace.mirrored().len(), 2);
        assert_eq!(workspace.label(pledges), "pledges");
        workspace.switch("pledges", false).unwrap();
        assert_eq!(workspace.mirrored().len(), 1);
        assert_eq!(workspace.switch("pledges", true), Ok(pledges), "it keeps its place");
    }

    #[test]
    fn what_cannot_be_switched_on_is_said() {
        let mut workspace = workspace();
        assert_eq!(workspace.switch("people", true), Err(CannotMirror::Already));
        assert_eq!(workspace.switch("unicorns", true), Err(CannotMirror::Unknown));
        assert!(workspace.places.is_empty());
    }
}
