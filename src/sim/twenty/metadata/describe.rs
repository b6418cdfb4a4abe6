//! What the metadata calls say of objects and fields.
//!
//! A list shows a description in one order of its members, a write answers in another; both are the
//! recorded ones.

use uuid::Uuid;

use crate::sim::json::{Json, Key};
use crate::sim::twenty::composite::type_name;
use crate::sim::twenty::core::Core;
use crate::sim::twenty::schema::{Choice, Field, Kind, Object, OnDelete, Preset, capitalised};
use crate::sim::twenty::time::to_iso;

/// When the workspace was made; any instant does.
const MADE_AT: &str = "2026-01-05T09:00:00.000Z";

/// Ids of descriptions are derived from the seed and the name at birth, so they need no storage.
pub(crate) fn id_of(core: &Core, name: &str) -> String {
    let unlike_v7 = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{}/{name}", core.seed).as_bytes());
    unlike_v7.to_string()
}

/// Id of an object.
pub(crate) fn object_id(core: &Core, object: &Object) -> String {
    id_of(core, object.key)
}

/// Id of a field.
pub(crate) fn field_id(core: &Core, object: &Object, field: &Field) -> String {
    id_of(core, &path(object, field))
}

/// The id the server's packages know a thing by; it is not that of the row.
pub(crate) fn universal(core: &Core, name: &str) -> Json {
    Json::text(id_of(core, &format!("universal/{name}")))
}

fn path(object: &Object, field: &Field) -> String {
    format!("{}.{}", object.key, field.key)
}

/// The application a thing belongs to: the server's own or the charity's.
fn application(core: &Core, custom: bool) -> Json {
    Json::text(id_of(core, if custom { "custom" } else { "standard" }))
}

fn times(times: Option<(i64, i64)>) -> [Json; 2] {
    let shown = |micros: i64| Json::text(to_iso(micros));
    times.map_or_else(
        || [Json::text(MADE_AT), Json::text(MADE_AT)],
        |(made, changed)| [shown(made), shown(changed)],
    )
}

/// The objects that are there.
pub(crate) fn objects(core: &Core) -> Vec<Json> {
    core.store.schema.live().map(|(_, object)| object_listed(core, object)).collect()
}

/// The fields that are there.
pub(crate) fn fields(core: &Core) -> Vec<Json> {
    core.store.schema.live().flat_map(|(_, object)| fields_of(core, object)).collect()
}

/// The fields of one object, as lists show them.
pub(crate) fn fields_of(core: &Core, object: &Object) -> Vec<Json> {
    object.live_fields().map(|(_, field)| field_listed(core, object, field)).collect()
}

/// Ids of the fields that stand for a record.
fn identifier(core: &Core, object: &Object, name: &str) -> Json {
    object.known_field(name).map_or(Json::Null, |(_, field)| Json::text(field_id(core, object, field)))
}

/// Sets a member unless it is empty.
fn set_text(described: &mut Json, name: &'static str, text: &'static str) {
    if !text.is_empty() {
        described.set(name, Json::text(text));
    }
}

/// An object as lists and reads show it.
pub(crate) fn object_listed(core: &Core, object: &Object) -> Json {
    let mut described = Json::object([
        ("id", Json::text(object_id(core, object))),
        ("universalIdentifier", universal(core, object.key)),
        ("applicationId", application(core, object.custom)),
        ("nameSingular", Json::text(object.singular)),
        ("namePlural", Json::text(object.plural)),
        ("labelSingular", Json::text(object.label)),
        ("labelPlural", Json::text(object.label_plural)),
    ]);
    set_text(&mut described, "description", object.description);
    set_text(&mut described, "icon", object.icon);
    set_text(&mut described, "shortcut", object.shortcut);
    for (name, flag) in [
        ("isRemote", false),
        ("isActive", object.active),
        ("isSystem", object.system),
        ("isUIEditable", true),
        ("isUICreatable", object.creatable),
        ("isUIReadOnly", false),
        ("isSearchable", object.searchable),
        ("isLabelSyncedWithName", object.label_synced),
    ] {
        described.set(name, Json::Bool(flag));
    }
    described.set("workspaceId", Json::text(id_of(core, "workspace")));
    described.set("labelIdentifierFieldMetadataId", identifier(core, object, object.label_field));
    if !object.image_field.is_empty() {
        described.set("imageIdentifierFieldMetadataId", identifier(core, object, object.image_field));
    }
    if !object.duplicate_criteria.is_empty() {
        described.set("duplicateCriteria", criteria(object));
    }
    let [made, changed] = times(object.times);
    described.set("createdAt", made);
    described.set("updatedAt", changed);
    described.set("fields", Json::Arr(fields_of(core, object)));
    described
}

/// An object as the answer to a write shows it.
pub(crate) fn object_written(core: &Core, object: &Object, with_fields: bool) -> Json {
    let flag = Json::Bool;
    let [made, changed] = times(object.times);
    let mut described = Json::object([
        ("id", Json::text(object_id(core, object))),
        ("universalIdentifier", universal(core, object.key)),
        ("isActive", flag(object.active)),
        ("isLabelSyncedWithName", flag(object.label_synced)),
        ("isRemote", flag(false)),
        ("isSearchable", flag(object.searchable)),
        ("isSystem", flag(object.system)),
        ("isUIEditable", flag(true)),
        ("isUICreatable", flag(object.creatable)),
        ("isUIReadOnly", flag(false)),
        ("labelPlural", Json::text(object.label_plural)),
        ("labelSingular", Json::text(object.label)),
        ("namePlural", Json::text(object.plural)),
        ("nameSingular", Json::text(object.singular)),
        ("workspaceId", Json::text(id_of(core, "workspace"))),
        ("imageIdentifierFieldMetadataId", identifier(core, object, object.image_field)),
        ("labelIdentifierFieldMetadataId", identifier(core, object, object.label_field)),
        ("createdAt", made),
        ("updatedAt", changed),
    ]);
    set_text(&mut described, "description", object.description);
    set_text(&mut described, "icon", object.icon);
    set_text(&mut described, "shortcut", object.shortcut);
    described.set("applicationId", application(core, object.custom));
    if with_fields {
        described.set("fields", Json::Arr(fields_of(core, object)));
    }
    described
}

/// Paths in the spelling of database columns: `name.firstName` is `nameFirstName`.
fn criteria(object: &Object) -> Json {
    let column = |path: &&str| {
        let (head, part) = path.split_once('.').unwrap_or((path, ""));
        Json::text(format!("{head}{}", capitalised(part)))
    };
    let group = |paths: &&[&str]| Json::Arr(paths.iter().map(column).collect());
    Json::Arr(object.duplicate_criteria.iter().map(group).collect())
}

/// A field as lists and reads show it.
pub(crate) fn field_listed(core: &Core, object: &Object, field: &Field) -> Json {
    let path = path(object, field);
    let mut described = Json::object([
        ("id", Json::text(id_of(core, &path))),
        ("universalIdentifier", universal(core, &path)),
        ("applicationId", application(core, field.custom)),
        ("type", Json::text(type_name(field.kind))),
        ("name", Json::text(field.name)),
        ("label", Json::text(field.label)),
    ]);
    set_text(&mut described, "description", field.description);
    set_text(&mut described, "icon", field.icon);
    for (name, flag) in [
        ("isActive", field.active),
        ("isSystem", field.system),
        ("isUIEditable", field.editable),
        ("isUIReadOnly", !field.editable),
        ("isNullable", field.nullable),
        ("isUnique", field.unique),
    ] {
        described.set(name, Json::Bool(flag));
    }
    if let Some(default) = default_value(field) {
        described.set("defaultValue", default);
    }
    if let Some(options) = options_of(core, &path, field) {
        described.set("options", options);
    }
    if let Some(settings) = settings(core, field) {
        described.set("settings", settings);
    }
    described.set("workspaceId", Json::text(id_of(core, "workspace")));
    described.set("objectMetadataId", Json::text(object_id(core, object)));
    described.set("isLabelSyncedWithName", Json::Bool(false));
    if let Some(morph) = morph_id(core, object, field) {
        described.set("morphId", morph);
    }
    let [made, changed] = times(field.times);
    described.set("createdAt", made);
    described.set("updatedAt", changed);
    described
}

/// A field as the answer to a write shows it.
pub(crate) fn field_written(core: &Core, object: &Object, field: &Field) -> Json {
    let path = path(object, field);
    let [made, changed] = times(field.times);
    let mut described = Json::object([
        ("id", Json::text(id_of(core, &path))),
        ("universalIdentifier", universal(core, &path)),
        ("label", Json::text(field.label)),
        ("name", Json::text(field.name)),
        ("objectMetadataId", Json::text(object_id(core, object))),
        ("type", Json::text(type_name(field.kind))),
        ("workspaceId", Json::text(id_of(core, "workspace"))),
        ("defaultValue", default_value(field).unwrap_or_default()),
        ("isActive", Json::Bool(field.active)),
        ("isLabelSyncedWithName", Json::Bool(false)),
        ("isSystem", Json::Bool(field.system)),
        ("isUIEditable", Json::Bool(field.editable)),
        ("isUIReadOnly", Json::Bool(!field.editable)),
        ("options", options_of(core, &path, field).unwrap_or_default()),
        ("createdAt", made),
        ("updatedAt", changed),
    ]);
    set_text(&mut described, "description", field.description);
    set_text(&mut described, "icon", field.icon);
    described.set("isNullable", Json::Bool(field.nullable));
    described.set("isUnique", Json::Bool(field.unique));
    if let Some(settings) = settings(core, field) {
        described.set("settings", settings);
    }
    if let Some(morph) = morph_id(core, object, field) {
        described.set("morphId", morph);
    }
    described.set("applicationId", application(core, field.custom));
    described
}

/// The arms of one morph relation share an id.
fn morph_id(core: &Core, object: &Object, field: &Field) -> Option<Json> {
    let morph = matches!(field.kind, Kind::ToOne { morph: true, .. });
    morph.then(|| Json::text(id_of(core, &format!("morph/{}", object.key))))
}

/// Texts are quoted inside their quotes, functions stand bare.
pub(crate) fn default_value(field: &Field) -> Option<Json> {
    match (field.name, field.kind, field.default) {
        ("id", Kind::Uuid, _) => Some(Json::text("uuid")),
        ("createdAt" | "updatedAt", ..) => Some(Json::text("now")),
        (_, _, Preset::Text(text)) => Some(Json::text(format!("'{text}'"))),
        (_, _, Preset::Int(number)) => Some(Json::int(number)),
        (_, _, Preset::Flag(flag)) => Some(Json::Bool(flag)),
        (_, _, Preset::None) => field.default_value.clone(),
    }
}

/// The options of a field that has some; where only values are known, labels are made from them.
fn options_of(core: &Core, path: &str, field: &Field) -> Option<Json> {
    const COLORS: [&str; 6] = ["sky", "purple", "turquoise", "orange", "green", "gray"];
    let known = field.options();
    if known.is_empty() {
        return None;
    }
    let made = known.iter().zip(COLORS.iter().cycle()).zip(0..);
    let made = made.map(|((value, color), position)| Choice { value, label: value, color, position });
    let choices: Vec<Choice> = if field.choices.is_empty() { made.collect() } else { field.choices.clone() };
    let describe = |choice: &Choice| {
        Json::object([
            ("id", Json::text(id_of(core, &format!("{path}.{}", choice.value)))),
            ("color", Json::text(choice.color)),
            ("label", Json::text(choice.label)),
            ("value", Json::text(choice.value)),
            ("position", Json::int(choice.position)),
        ])
    };
    Some(Json::Arr(choices.iter().map(describe).collect()))
}

fn settings(core: &Core, field: &Field) -> Option<Json> {
    match field.kind {
        Kind::ToMany { source, .. } => {
            let mut settings = Json::object([("relationType", Json::text("ONE_TO_MANY"))]);
            let junction = field.settings.as_ref().and_then(|own| own.get("junctionTargetFieldId")?.as_str());
            if let Some(name) = junction {
                let other = core.store.schema.by_plural(source);
                let id = other.and_then(|(_, object)| {
                    object.known_field(name).map(|(_, field)| field_id(core, object, field))
                });
                settings.set("junctionTargetFieldId", Json::text(id.unwrap_or_default()));
            }
            Some(settings)
        }
        Kind::ToOne { on_delete, .. } => {
            let effect = if on_delete == OnDelete::Cascade { "CASCADE" } else { "SET_NULL" };
            Some(Json::object([
                ("onDelete", Json::text(effect)),
                ("relationType", Json::text("MANY_TO_ONE")),
                ("joinColumnName", Json::Str(field.column.to_string())),
            ]))
        }
        _ => field.settings.clone(),
    }
}

/// The members of an envelope with one name.
pub(crate) fn under(name: &'static str, value: Json) -> Json {
    Json::object([("data", Json::Obj(vec![(Key::Borrowed(name), value)]))])
}
