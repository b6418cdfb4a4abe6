//! Changes of objects: made, renamed, switched off and taken away.

use crate::sim::json::Json;
use crate::sim::twenty::core::Core;
use crate::sim::twenty::error::Refusal;
use crate::sim::twenty::hooks;
use crate::sim::twenty::schema::{Kind, Object, intern};
use crate::sim::twenty::standard::{custom_head, link};

use super::check::{self, fault};
use super::describe;

/// The text of a member, without blanks at its ends; empty when it is absent.
pub(super) fn text(body: &Json, name: &str) -> &'static str {
    intern(body.get(name).and_then(Json::as_str).unwrap_or_default().trim())
}

pub(super) fn flag(body: &Json, name: &str) -> Option<bool> {
    body.get(name).and_then(Json::as_bool)
}

/// A name nobody ever had: what is made anew under an old name gets a new id.
pub(super) fn birth(core: &mut Core, name: &str) -> &'static str {
    core.births += 1;
    intern(&format!("{name}#{}", core.births))
}

/// Makes an object with its system fields and links.
pub(crate) fn create_object(core: &mut Core, body: &Json) -> Result<Json, Refusal> {
    check::object_shape(body)?;
    let now = core.now();
    let mut fields = custom_head();
    if flag(body, "skipNameField") == Some(true) {
        fields.retain(|field| field.name != "name");
    }
    for field in &mut fields {
        field.times = Some((now, now));
    }
    let names = (text(body, "nameSingular"), text(body, "namePlural"));
    let labels = (text(body, "labelSingular"), text(body, "labelPlural"));
    let mut object = Object::new(names, labels, fields);
    object.custom = true;
    object.description = text(body, "description");
    object.icon = text(body, "icon");
    object.shortcut = text(body, "shortcut");
    object.label_synced = flag(body, "isLabelSyncedWithName").unwrap_or(false);
    object.times = Some((now, now));
    if object.field("name").is_none() {
        object.label_field = "id";
    }
    let faults = check::object_faults(core, None, &object);
    if !faults.is_empty() {
        let mut links = core.store.schema.objects().to_vec();
        link(&mut links, &mut object);
        return Err(check::fallen_object(core, &object, faults));
    }
    object.key = birth(core, object.singular);
    let index = core.store.change_schema(|schema| {
        let objects = schema.objects_mut();
        link(objects, &mut object);
        for field in object.fields.iter_mut().filter(|field| field.times.is_none()) {
            field.times = Some((now, now));
        }
        objects.push(object);
        objects.len() - 1
    });
    let made = described(core, index, true);
    tell(core, "objectMetadata", "created", &made);
    Ok(made)
}

/// The object as the answer to a write shows it.
fn described(core: &Core, index: usize, with_fields: bool) -> Json {
    let object = core.store.schema.objects().get(index);
    object.map(|object| describe::object_written(core, object, with_fields)).unwrap_or_default()
}

pub(super) fn tell(core: &mut Core, entity: &str, verb: &str, described: &Json) {
    let id = described.get("id").and_then(Json::as_str).unwrap_or_default().to_owned();
    hooks::call_metadata(core, entity, verb, &id, described);
}

/// The place of an object by its id.
pub(super) fn object_at(core: &Core, id: &str) -> Option<usize> {
    let mut live = core.store.schema.live();
    live.find(|(_, object)| describe::object_id(core, object) == id).map(|(index, _)| index)
}

/// The places of a field by its id.
pub(super) fn field_at(core: &Core, id: &str) -> Option<(usize, usize)> {
    core.store.schema.live().find_map(|(index, object)| {
        let (at, _) =
            object.live_fields().find(|(_, field)| describe::field_id(core, object, field) == id)?;
        Some((index, at))
    })
}

/// Changes an object; new names are new paths at once.
pub(crate) fn update_object(core: &mut Core, id: &str, body: &Json) -> Result<Json, Refusal> {
    check::object_change_shape(body)?;
    // A read of such an id is answered 404, a change 400.
    let unknown = || Refusal::coded("OBJECT_METADATA_NOT_FOUND", "Object to update not found");
    let index = object_at(core, id).ok_or_else(unknown)?;
    let schema = core.schema();
    let mut object = schema.objects().get(index).cloned().ok_or_else(unknown)?;
    let (old_singular, old_plural) = (object.singular, object.plural);
    let given = |name: &str| body.get(name).and_then(Json::as_str).map(|text| intern(text.trim()));
    for (name, slot) in [
        ("nameSingular", &mut object.singular),
        ("namePlural", &mut object.plural),
        ("labelSingular", &mut object.label),
        ("labelPlural", &mut object.label_plural),
        ("description", &mut object.description),
        ("icon", &mut object.icon),
        ("shortcut", &mut object.shortcut),
    ] {
        if let Some(text) = given(name) {
            *slot = text;
        }
    }
    for (name, slot) in [
        ("isActive", &mut object.active),
        ("isSearchable", &mut object.searchable),
        ("isLabelSyncedWithName", &mut object.label_synced),
    ] {
        if let Some(value) = flag(body, name) {
            *slot = value;
        }
    }
    for (name, slot) in [
        ("labelIdentifierFieldMetadataId", &mut object.label_field),
        ("imageIdentifierFieldMetadataId", &mut object.image_field),
    ] {
        let wanted = given(name).and_then(|id| field_at(core, id)).filter(|(owner, _)| *owner == index);
        if let Some(field) = wanted.and_then(|(_, at)| schema.objects().get(index)?.fields.get(at)) {
            *slot = field.name;
        }
    }
    let faults = check::object_faults(core, Some(index), &object);
    if !faults.is_empty() {
        let about = Json::object([
            ("universalIdentifier", describe::universal(core, object.key)),
            ("namePlural", Json::text(old_plural)),
            ("nameSingular", Json::text(old_singular)),
        ]);
        let failed = check::failed("objectMetadata", "update", faults, about);
        return Err(check::refusal(
            "Multiple validation errors occurred while updating object",
            vec![failed],
        ));
    }
    let made = object.times.map_or_else(|| core.now(), |(made, _)| made);
    object.times = Some((made, core.now()));
    let (singular, plural) = (object.singular, object.plural);
    core.store.change_schema(|schema| {
        schema.rename_object(index, singular, plural);
        if let Some(slot) = schema.objects_mut().get_mut(index) {
            // Relations of the object to itself were renamed in place.
            object.fields.clone_from(&slot.fields);
            *slot = object;
        }
    });
    let changed = described(core, index, true);
    tell(core, "objectMetadata", "updated", &changed);
    Ok(changed)
}

/// Takes an object away, its records and everything that points to it.
pub(crate) fn delete_object(core: &mut Core, id: &str) -> Result<Json, Refusal> {
    let unknown = || Refusal::coded_as(404, "OBJECT_METADATA_NOT_FOUND", "Object to delete not found");
    let index = object_at(core, id).ok_or_else(unknown)?;
    let schema = core.schema();
    let object = schema.objects().get(index).ok_or_else(unknown)?;
    let mut faults = Vec::new();
    if object.system {
        faults.push(fault("INVALID_OBJECT_INPUT", "System objects cannot be deleted", None));
    }
    if !object.custom {
        faults.push(fault("INVALID_OBJECT_INPUT", "Standard objects cannot be deleted", None));
    }
    if object.active {
        faults.push(fault("INVALID_OBJECT_INPUT", "Active objects cannot be deleted", None));
    }
    if !faults.is_empty() {
        let about = Json::object([
            ("universalIdentifier", describe::universal(core, object.key)),
            ("namePlural", Json::text(object.plural)),
            ("nameSingular", Json::text(object.singular)),
        ]);
        let failed = check::failed("objectMetadata", "delete", faults, about);
        return Err(check::refusal(
            "Multiple validation errors occurred while deleting object",
            vec![failed],
        ));
    }
    let gone = described(core, index, false);
    let plural = object.plural;
    core.store.change_schema(|schema| {
        for object in schema.objects_mut() {
            for field in &mut object.fields {
                let pointing = match field.kind {
                    Kind::ToOne { target, .. } => target == plural,
                    Kind::ToMany { source, .. } => source == plural,
                    _ => false,
                };
                field.removed |= pointing;
            }
        }
        if let Some(object) = schema.objects_mut().get_mut(index) {
            object.removed = true;
        }
    });
    core.store.empty_table(index);
    tell(core, "objectMetadata", "deleted", &gone);
    Ok(gone)
}
