//! The data model of a new workspace, read from `standard.txt`, and the parts every custom object gets.
//!
//! The table is what the server's own metadata call says of a fresh 2.19.0 workspace, without the
//! ids, which are each workspace's own.

use std::sync::OnceLock;

use super::schema::{Choice, Field, Kind, Object, OnDelete, Preset, intern};
use crate::sim::json::{Json, Key};

/// Many-to-one relation that is emptied when its target goes.
pub(crate) fn to_one(name: &'static str, target: &'static str) -> Field {
    Field::new(name, Kind::ToOne { target, on_delete: OnDelete::SetNull, morph: false })
}

/// One-to-many relation.
pub(crate) fn to_many(name: &'static str, source: &'static str, via: &'static str) -> Field {
    Field::new(name, Kind::ToMany { source, via })
}

/// Text field.
pub(crate) fn text(name: &'static str) -> Field {
    Field::new(name, Kind::Text)
}

/// The system fields of a custom object, in the order in which the recordings show them.
pub(crate) fn custom_head() -> Vec<Field> {
    let actor = || Json::object([("name", Json::text("''")), ("source", Json::text("'MANUAL'"))]);
    vec![
        text("name").label("Name").about("Name", "IconAbc"),
        Field::new("id", Kind::Uuid).label("Id").about("Id", "Icon123").system().required(),
        Field::new("createdAt", Kind::DateTime)
            .label("Creation date")
            .about("Creation date", "IconCalendar")
            .system()
            .required(),
        Field::new("createdBy", Kind::Actor)
            .label("Created by")
            .about("The creator of the record", "IconCreativeCommonsSa")
            .default_value(actor())
            .system()
            .required(),
        Field::new("deletedAt", Kind::DateTime)
            .label("Deleted at")
            .about("Deletion date", "IconCalendarClock")
            .system(),
        Field::new("position", Kind::Position)
            .label("Position")
            .about("Position", "IconHierarchy2")
            .default(Preset::Int(0))
            .system()
            .required(),
        Field::new("searchVector", Kind::TsVector)
            .label("Search vector")
            .about("Search vector", "IconSearch")
            .system(),
        Field::new("updatedAt", Kind::DateTime)
            .label("Last update")
            .about("Last time the record was changed", "IconCalendarClock")
            .system()
            .required(),
        Field::new("updatedBy", Kind::Actor)
            .label("Updated by")
            .about("The workspace member who last updated the record", "IconUserCircle")
            .default_value(actor())
            .system()
            .required(),
    ]
}

/// The objects every custom object is linked with: plural, label of the link, icon.
const LINKED: [(&str, &str, &str); 4] = [
    ("timelineActivities", "Timeline Activities", "IconTimelineEvent"),
    ("attachments", "Attachments", "IconFileImport"),
    ("noteTargets", "Notes", "IconNotes"),
    ("taskTargets", "Tasks", "IconCheckbox"),
];

/// Name of the arm that points to an object, `targetGift`.
pub(crate) fn arm_of(singular: &str) -> &'static str {
    intern(&format!("target{}", super::schema::capitalised(singular)))
}

/// The relations a custom object gets when it is made: here, and their other ends over there.
pub(crate) fn link(objects: &mut [Object], object: &mut Object) {
    let arm = arm_of(object.singular);
    for (plural, label, icon) in LINKED {
        let Some(linked) = objects.iter_mut().find(|linked| linked.plural == plural) else { continue };
        let about = intern(&format!("{} tied to the {}", object.label_plural, linked.label));
        object.fields.push(to_many(plural, plural, arm).label(label).about(about, icon));
        let kind = Kind::ToOne { target: object.plural, on_delete: OnDelete::SetNull, morph: true };
        let about = intern(&format!("{} {}", linked.label_plural, object.label));
        let mut field = Field::new(arm, kind).label(object.label).about(about, icon);
        field.times = object.times;
        linked.fields.push(field);
    }
}

/// Adds a field to an object of the table.
pub(crate) fn attach(objects: &mut [Object], plural: &str, field: Field) {
    if let Some(object) = objects.iter_mut().find(|object| object.plural == plural) {
        object.fields.push(field);
    }
}

/// All standard objects.
pub(crate) fn objects() -> Vec<Object> {
    static OBJECTS: OnceLock<Vec<Object>> = OnceLock::new();
    OBJECTS.get_or_init(|| read(include_str!("standard.txt"))).clone()
}

fn read(table: &'static str) -> Vec<Object> {
    let blocks = table.split("\n@").skip(1);
    blocks
        .map(|block| {
            let mut lines = block.lines();
            let head = lines.next().unwrap_or_default();
            read_object(head, lines.map(read_field).collect())
        })
        .collect()
}

/// The columns of a line.
fn columns<const N: usize>(line: &'static str) -> [&'static str; N] {
    let mut parts = line.split('|');
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

fn read_object(line: &'static str, fields: Vec<Field>) -> Object {
    let [singular, plural, label, labels, description, icon, shortcut, flags, label_field, image_field] =
        columns(line);
    let mut object = Object::new((singular, plural), (label, labels), fields);
    object.description = description;
    object.icon = icon;
    object.shortcut = shortcut;
    object.system = flags.contains('s');
    object.creatable = flags.contains('c');
    object.searchable = flags.contains('q');
    object.label_field = label_field;
    object.image_field = image_field;
    object.duplicate_criteria = match singular {
        "person" => &[
            &["name.firstName", "name.lastName"],
            &["linkedinLink.primaryLinkUrl"],
            &["emails.primaryEmail"],
        ],
        "company" => &[&["name"], &["domainName.primaryLinkUrl"]],
        _ => &[],
    };
    object
}

fn read_field(line: &'static str) -> Field {
    let [name, kind, flags, label, description, icon, default, extra] = columns(line);
    let choices: Vec<Choice> = match kind {
        "SELECT" | "MULTI_SELECT" => extra.split(';').zip(0..).map(read_choice).collect(),
        _ => Vec::new(),
    };
    let mut field = Field::new(name, kind_of(kind, &choices, extra)).label(label).about(description, icon);
    field.choices = choices;
    field.system = flags.contains('s');
    field.editable = flags.contains('e');
    field.nullable = flags.contains('n');
    field.unique = flags.contains('u');
    field.custom = false;
    field.settings = read_settings(extra);
    match Json::parse(default.as_bytes()) {
        Ok(Json::Num(number)) => field.default = Preset::Int(number.as_i64().unwrap_or_default()),
        Ok(Json::Bool(flag)) => field.default = Preset::Flag(flag),
        Ok(Json::Str(text)) if text.starts_with('\'') => {
            field.default = Preset::Text(intern(text.trim_matches('\'')));
        }
        Ok(shown @ Json::Obj(_)) => field.default_value = Some(shown),
        _ => {}
    }
    field
}

fn read_choice((text, position): (&'static str, i64)) -> Choice {
    let mut parts = text.split('=');
    let mut next = || parts.next().unwrap_or_default();
    Choice { value: next(), label: next(), color: next(), position }
}

/// Settings that stand in the table; those of relations follow from the relation.
fn read_settings(extra: &'static str) -> Option<Json> {
    if extra.starts_with('{') {
        return Json::parse(extra.as_bytes()).ok();
    }
    let junction = extra.strip_prefix('<')?.split(':').nth(2)?;
    Some(Json::Obj(vec![(Key::Borrowed("junctionTargetFieldId"), Json::text(junction))]))
}

fn kind_of(name: &str, choices: &[Choice], extra: &'static str) -> Kind {
    let relation = |mark: char| extra.strip_prefix(mark).and_then(|rest| rest.split_once(':'));
    if let Some((target, effect)) = relation('>') {
        let on_delete = if effect == "CASCADE" { OnDelete::Cascade } else { OnDelete::SetNull };
        return Kind::ToOne { target, on_delete, morph: name == "MORPH_RELATION" };
    }
    if let Some((source, rest)) = relation('<') {
        return Kind::ToMany { source, via: rest.split(':').next().unwrap_or_default() };
    }
    plain_kind(name, choices).unwrap_or(Kind::Text)
}

/// The type of a name in the API; `None` for relations and names nobody knows.
pub(crate) fn plain_kind(name: &str, choices: &[Choice]) -> Option<Kind> {
    let options = || -> &'static [&'static str] {
        Box::leak(choices.iter().map(|choice| choice.value).collect::<Vec<_>>().into_boxed_slice())
    };
    Some(match name {
        "UUID" => Kind::Uuid,
        "TEXT" => Kind::Text,
        "NUMBER" => Kind::Number,
        "NUMERIC" => Kind::Numeric,
        "POSITION" => Kind::Position,
        "BOOLEAN" => Kind::Boolean,
        "DATE" => Kind::Date,
        "DATE_TIME" => Kind::DateTime,
        "SELECT" => Kind::Select(options()),
        "RATING" => Kind::Rating(options()),
        "MULTI_SELECT" => Kind::MultiSelect(options()),
        "ARRAY" => Kind::Array,
        "RAW_JSON" => Kind::RawJson,
        "FILES" => Kind::Files,
        "FULL_NAME" => Kind::FullName,
        "EMAILS" => Kind::Emails,
        "PHONES" => Kind::Phones,
        "LINKS" => Kind::Links,
        "ADDRESS" => Kind::Address,
        "CURRENCY" => Kind::Currency,
        "ACTOR" => Kind::Actor,
        "RICH_TEXT" => Kind::RichText,
        "TS_VECTOR" => Kind::TsVector,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Kind, objects};

    #[test]
    fn the_table_holds_the_whole_standard_model() {
        let objects = objects();
        assert_eq!(objects.len(), 28);
        assert_eq!(objects.iter().map(|object| object.fields.len()).sum::<usize>(), 450);
    }

    #[test]
    fn every_relation_has_its_other_end() {
        let objects = objects();
        for field in objects.iter().flat_map(|object| &object.fields) {
            match field.kind {
                Kind::ToOne { target, .. } => {
                    assert!(objects.iter().any(|object| object.plural == target), "{}", field.name);
                }
                Kind::ToMany { source, via } => {
                    let over_there = objects.iter().find(|object| object.plural == source);
                    assert!(over_there.is_some_and(|object| object.field(via).is_some()), "{}", field.name);
                }
                _ => {}
            }
        }
    }
}
