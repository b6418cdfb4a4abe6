//! Changes of fields: made, renamed, switched off and taken away; a relation is always two.

use crate::sim::json::Json;
use crate::sim::twenty::core::Core;
use crate::sim::twenty::error::Refusal;
use crate::sim::twenty::schema::{Choice, Field, Kind, OnDelete, Preset, capitalised, intern};
use crate::sim::twenty::standard::plain_kind;

use super::check::{self, fault};
use super::describe;
use super::objects::{birth, field_at, flag, object_at, tell, text};

/// The options a body gives, with colours and places filled in.
fn choices(body: &Json) -> Vec<Choice> {
    let options = body.get("options").and_then(Json::as_array).unwrap_or_default();
    let mut choices: Vec<Choice> = options
        .iter()
        .zip(0..)
        .map(|(option, at)| Choice {
            value: text(option, "value"),
            label: text(option, "label"),
            color: match text(option, "color") {
                "" => "sky",
                color => color,
            },
            position: option.get("position").and_then(Json::as_i64).unwrap_or(at),
        })
        .collect();
    choices.sort_by_key(|choice| choice.position);
    choices
}

/// The five stars of a rating.
fn stars() -> Vec<Choice> {
    const VALUES: [(&str, &str); 5] =
        [("RATING_1", "1"), ("RATING_2", "2"), ("RATING_3", "3"), ("RATING_4", "4"), ("RATING_5", "5")];
    let star = |((value, label), position): ((&'static str, &'static str), i64)| Choice {
        value,
        label,
        color: "sky",
        position,
    };
    VALUES.into_iter().zip(0..).map(star).collect()
}

/// Gives a field the default a body asks for.
fn set_default(field: &mut Field, body: &Json) {
    field.default = Preset::None;
    field.default_value = None;
    match body.get("defaultValue") {
        None | Some(Json::Null) => {}
        Some(Json::Num(number)) if number.as_i64().is_some() => {
            field.default = Preset::Int(number.as_i64().unwrap_or_default());
        }
        Some(Json::Bool(value)) => field.default = Preset::Flag(*value),
        Some(other) => field.default_value = Some(other.clone()),
    }
}

/// A new field as the body describes it, relations aside.
fn drafted(core: &Core, body: &Json, kind: &str) -> Field {
    let choices = if kind == "RATING" { stars() } else { choices(body) };
    let now = core.now();
    let mut field = Field::new(text(body, "name"), plain_kind(kind, &choices).unwrap_or(Kind::Text));
    field.choices = choices;
    field.label = text(body, "label");
    field.description = text(body, "description");
    field.icon = text(body, "icon");
    field.nullable = flag(body, "isNullable").unwrap_or(true);
    field.unique = flag(body, "isUnique").unwrap_or(false);
    field.active = flag(body, "isActive").unwrap_or(true);
    field.editable = flag(body, "isUIEditable").unwrap_or(true);
    field.settings = body.get("settings").filter(|settings| !settings.is_null()).cloned();
    if matches!(field.kind, Kind::Boolean) && body.get("defaultValue").is_none() {
        // A yes-or-no field without a default says no.
        field.default = Preset::Flag(false);
    } else {
        set_default(&mut field, body);
    }
    field.times = Some((now, now));
    field
}

/// Makes a field; a relation makes two.
pub(crate) fn create_field(core: &mut Core, body: &Json) -> Result<Json, Refusal> {
    check::field_shape(body)?;
    let owner = body.get("objectMetadataId").and_then(Json::as_str).unwrap_or_default();
    let kind = body.get("type").and_then(Json::as_str).unwrap_or_default();
    let Some(index) = object_at(core, owner) else {
        return Err(check::early_refusal(fault(
            "OBJECT_METADATA_NOT_FOUND",
            "Provided object metadata id does not exist",
            None,
        )));
    };
    match kind {
        "RELATION" => create_relation(core, index, body, body.get("relationCreationPayload")),
        "MORPH_RELATION" => create_morph(core, index, body),
        "TS_VECTOR" => Err(check::early_refusal(fault(
            "INVALID_FIELD_INPUT",
            "TS Vector is not supported for field creation",
            None,
        ))),
        _ => {
            let field = drafted(core, body, kind);
            add_field(core, index, field)
        }
    }
}

fn refuse_faults(core: &Core, index: usize, field: &Field) -> Result<(), Refusal> {
    let schema = core.schema();
    let Some(object) = schema.objects().get(index) else { return Ok(()) };
    let faults = check::field_faults(object, field);
    if faults.is_empty() { Ok(()) } else { Err(check::fallen_field(core, object, field, faults)) }
}

/// Checks a field and adds it; existing rows get its default.
fn add_field(core: &mut Core, index: usize, mut field: Field) -> Result<Json, Refusal> {
    refuse_faults(core, index, &field)?;
    field.key = birth(core, field.name);
    let key = field.key;
    core.store.change_schema(|schema| {
        if let Some(object) = schema.objects_mut().get_mut(index) {
            object.fields.push(field);
        }
    });
    let schema = core.schema();
    let object = schema.objects().get(index);
    let made = object.and_then(|object| {
        let field = object.fields.iter().find(|field| field.key == key)?;
        Some(describe::field_written(core, object, field))
    });
    let made = made.unwrap_or_default();
    tell(core, "fieldMetadata", "created", &made);
    Ok(made)
}

/// One relation as a body asks for it.
struct Wanted {
    target: usize,
    many_to_one: bool,
    label: &'static str,
    icon: &'static str,
}

fn wanted(core: &Core, payload: Option<&Json>) -> Result<Wanted, Refusal> {
    let Some(payload) = payload.filter(|payload| payload.as_object().is_some()) else {
        let message = "Relation creation payload is required";
        return Err(check::early_refusal(fault("INVALID_FIELD_INPUT", message, None)));
    };
    let malformed = |message: String| {
        check::early_refusal(fault("FIELD_METADATA_RELATION_MALFORMED", message, Some(payload)))
    };
    let given = |name: &str| payload.get(name).and_then(Json::as_str);
    let id = given("targetObjectMetadataId").filter(|id| uuid::Uuid::parse_str(id).is_ok());
    let kind = given("type").filter(|kind| matches!(*kind, "MANY_TO_ONE" | "ONE_TO_MANY"));
    let complaints: Vec<&str> = [
        (id.is_none(), "targetObjectMetadataId must be a UUID"),
        (given("targetFieldLabel").is_none(), "targetFieldLabel must be a string"),
        (given("targetFieldIcon").is_none(), "targetFieldIcon must be a string"),
        (kind.is_none(), "type must be one of the following values: ONE_TO_MANY, MANY_TO_ONE"),
    ]
    .into_iter()
    .filter(|(wrong, _)| *wrong)
    .map(|(_, complaint)| complaint)
    .collect();
    let (Some(id), Some(kind), true) = (id, kind, complaints.is_empty()) else {
        return Err(malformed(format!("Relation creation payload is invalid: {}", complaints.join(", "))));
    };
    let target = object_at(core, id).ok_or_else(|| {
        malformed("Object metadata relation target not found for relation creation payload".to_owned())
    })?;
    Ok(Wanted {
        target,
        many_to_one: kind == "MANY_TO_ONE",
        label: text(payload, "targetFieldLabel"),
        icon: text(payload, "targetFieldIcon"),
    })
}

/// Makes a relation: the field here and its other end over there.
fn create_relation(
    core: &mut Core,
    index: usize,
    body: &Json,
    payload: Option<&Json>,
) -> Result<Json, Refusal> {
    let wanted = wanted(core, payload)?;
    let schema = core.schema();
    let pair = schema.objects().get(index).zip(schema.objects().get(wanted.target));
    let Some((object, target)) = pair else { return Err(Refusal::no_metadata()) };
    let to_one = |target: &'static str| Kind::ToOne { target, on_delete: OnDelete::SetNull, morph: false };
    let mut here = drafted(core, body, "TEXT");
    let there = intern(&camel_case(wanted.label));
    let name = here.name;
    let (kind, other) = if wanted.many_to_one {
        (to_one(target.plural), Kind::ToMany { source: object.plural, via: name })
    } else {
        (Kind::ToMany { source: target.plural, via: there }, to_one(object.plural))
    };
    here.kind = kind;
    here.rename(name);
    here.description = intern(&format!("{} tied to the {}", object.label_plural, target.label));
    let about = intern(&format!("{} tied to the {}", target.label_plural, object.label));
    let mut back = Field::new(there, other).label(wanted.label).about(about, wanted.icon);
    back.times = here.times;
    refuse_faults(core, index, &here)?;
    refuse_faults(core, wanted.target, &back)?;
    let made = add_field(core, index, here)?;
    add_field(core, wanted.target, back)?;
    Ok(made)
}

/// Makes a morph relation: one arm for every object it may point to.
fn create_morph(core: &mut Core, index: usize, body: &Json) -> Result<Json, Refusal> {
    let payloads = body.get("morphRelationsCreationPayload").and_then(Json::as_array).unwrap_or_default();
    if payloads.is_empty() {
        let message = "Morph relation creation payload is required";
        return Err(check::early_refusal(fault("INVALID_FIELD_INPUT", message, None)));
    }
    let mut first = None;
    for payload in payloads {
        let target = wanted(core, Some(payload))?.target;
        let schema = core.schema();
        let Some(target) = schema.objects().get(target) else { continue };
        let mut arm = body.clone();
        let name = format!("{}{}", text(body, "name"), capitalised(target.singular));
        arm.set("name", Json::text(name));
        let made = create_relation(core, index, &arm, Some(payload))?;
        first.get_or_insert(made);
    }
    Ok(first.unwrap_or_default())
}

/// `Gift dates` as a name: `giftDates`.
fn camel_case(label: &str) -> String {
    let words = label.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.enumerate().fold(String::new(), |mut name, (at, word)| {
        let word = if word.chars().all(char::is_uppercase) { word.to_lowercase() } else { word.to_owned() };
        let mut letters = word.chars();
        let first = letters.next();
        let first = if at == 0 {
            first.map(|letter| letter.to_lowercase().collect::<String>())
        } else {
            first.map(|letter| letter.to_uppercase().collect::<String>())
        };
        name.extend(first);
        name.extend(letters);
        name
    })
}

/// Changes a field; a new name is a new key of records at once.
pub(crate) fn update_field(core: &mut Core, id: &str, body: &Json) -> Result<Json, Refusal> {
    check::field_change_shape(body)?;
    let Some((index, at)) = field_at(core, id) else {
        let message = "Field metadata to update not found";
        return Err(check::early_refusal(fault("FIELD_METADATA_NOT_FOUND", message, None)));
    };
    let schema = core.schema();
    let Some(object) = schema.objects().get(index) else { return Err(Refusal::no_metadata()) };
    let Some(mut field) = object.fields.get(at).cloned() else { return Err(Refusal::no_metadata()) };
    let old = field.name;
    change(&mut field, body, core.now());
    let mut others = object.clone();
    if let Some(slot) = others.fields.get_mut(at) {
        slot.removed = true;
    }
    let faults = check::field_faults(&others, &field);
    if !faults.is_empty() {
        let about = Json::object([
            ("universalIdentifier", describe::universal(core, field.key)),
            ("name", Json::text(old)),
            ("objectMetadataUniversalIdentifier", describe::universal(core, object.key)),
        ]);
        let failed = check::failed("fieldMetadata", "update", faults, about);
        return Err(check::refusal("Multiple validation errors occurred while updating field", vec![failed]));
    }
    let (plural, name) = (object.plural, field.name);
    core.store.change_schema(|schema| {
        for other in schema.objects_mut().iter_mut().flat_map(|object| object.fields.iter_mut()) {
            if let Kind::ToMany { source, via } = &mut other.kind
                && *source == plural
                && *via == old
            {
                *via = name;
            }
        }
        let slot = schema.objects_mut().get_mut(index).and_then(|object| object.fields.get_mut(at));
        if let Some(slot) = slot {
            *slot = field;
        }
    });
    let changed = field_described(core, index, at);
    tell(core, "fieldMetadata", "updated", &changed);
    Ok(changed)
}

fn change(field: &mut Field, body: &Json, now: i64) {
    let given = |name: &str| body.get(name).and_then(Json::as_str).map(|text| intern(text.trim()));
    if let Some(name) = given("name") {
        field.rename(name);
    }
    for (name, slot) in
        [("label", &mut field.label), ("description", &mut field.description), ("icon", &mut field.icon)]
    {
        if let Some(text) = given(name) {
            *slot = text;
        }
    }
    for (name, slot) in [
        ("isActive", &mut field.active),
        ("isNullable", &mut field.nullable),
        ("isUnique", &mut field.unique),
    ] {
        if let Some(value) = flag(body, name) {
            *slot = value;
        }
    }
    if body.get("options").and_then(Json::as_array).is_some() {
        field.choices = choices(body);
        let kind = plain_kind(crate::sim::twenty::composite::type_name(field.kind), &field.choices);
        field.kind = kind.unwrap_or(field.kind);
    }
    if body.get("defaultValue").is_some() {
        set_default(field, body);
    }
    if let Some(settings) = body.get("settings").filter(|settings| !settings.is_null()) {
        field.settings = Some(settings.clone());
    }
    let made = field.times.map_or(now, |(made, _)| made);
    field.times = Some((made, now));
}

fn field_described(core: &Core, index: usize, at: usize) -> Json {
    let schema = core.schema();
    let object = schema.objects().get(index);
    let shown = object
        .and_then(|object| object.fields.get(at).map(|field| describe::field_written(core, object, field)));
    shown.unwrap_or_default()
}

/// Takes a field away; the other end of a relation goes with it.
pub(crate) fn delete_field(core: &mut Core, id: &str) -> Result<Json, Refusal> {
    let unknown = || Refusal::coded_as(404, "FIELD_METADATA_NOT_FOUND", "Field to delete not found");
    let (index, at) = field_at(core, id).ok_or_else(unknown)?;
    let schema = core.schema();
    let object = schema.objects().get(index).ok_or_else(unknown)?;
    let field = object.fields.get(at).ok_or_else(unknown)?;
    let mut faults = Vec::new();
    if field.system {
        faults.push(fault("FIELD_MUTATION_NOT_ALLOWED", "System fields cannot be deleted", None));
    }
    if object.label_field == field.name {
        let message = "Cannot delete, please update the label identifier field first";
        faults.push(fault("FIELD_MUTATION_NOT_ALLOWED", message, None));
    }
    if !faults.is_empty() {
        let about = Json::object([
            ("universalIdentifier", describe::universal(core, field.key)),
            ("name", Json::text(field.name)),
            ("objectMetadataUniversalIdentifier", describe::universal(core, object.key)),
        ]);
        let failed = check::failed("fieldMetadata", "delete", faults, about);
        return Err(check::refusal("Multiple validation errors occurred while deleting field", vec![failed]));
    }
    let gone = field_described(core, index, at);
    let (plural, name, kind) = (object.plural, field.name, field.kind);
    core.store.change_schema(|schema| {
        schema.remove_field(plural, name);
        match kind {
            Kind::ToMany { source, via } => schema.remove_field(source, via),
            Kind::ToOne { target, .. } => {
                let other = schema.by_plural(target).and_then(|(_, object)| {
                    let back = Kind::ToMany { source: plural, via: name };
                    object.live_fields().find(|(_, field)| field.kind == back).map(|(_, field)| field.name)
                });
                if let Some(other) = other {
                    schema.remove_field(target, other);
                }
            }
            _ => {}
        }
    });
    tell(core, "fieldMetadata", "deleted", &gone);
    Ok(gone)
}

/// An administrator adds a text field; for faults.
pub(crate) fn add_text_field(core: &mut Core, plural: &str, name: &str) {
    let schema = core.schema();
    let Some((index, _)) = schema.by_plural(plural) else { return };
    let mut field = Field::new(intern(name), Kind::Text);
    field.times = Some((core.now(), core.now()));
    // A name that is taken makes no field; the administrator sees the refusal, nobody else.
    let _ = add_field(core, index, field);
}

/// An administrator renames a field; for faults.
pub(crate) fn rename_field(core: &mut Core, plural: &str, name: &str, to: &str) {
    let schema = core.schema();
    let Some((_, object)) = schema.by_plural(plural) else { return };
    let Some((_, field)) = object.field(name) else { return };
    let id = describe::field_id(core, object, field);
    // As above.
    let _ = update_field(core, &id, &Json::object([("name", Json::text(to))]));
}

#[cfg(test)]
mod tests {
    use super::camel_case;

    #[test]
    fn labels_become_names() {
        assert_eq!(camel_case("Gifts"), "gifts");
        assert_eq!(camel_case("Soft-credited gifts"), "softCreditedGifts");
        assert_eq!(camel_case("URL"), "url");
    }
}
