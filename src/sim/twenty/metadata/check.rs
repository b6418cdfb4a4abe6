//! What a new object or field must look like, and the two ways of saying that it does not.
//!
//! The shape of the request is checked first and answered by the framework; its meaning is checked
//! by the builder of migrations, which lists everything that would have failed along with it.

use crate::sim::json::{Json, Key};
use crate::sim::twenty::core::Core;
use crate::sim::twenty::error::Refusal;
use crate::sim::twenty::schema::{Field, Kind, Object};
use crate::sim::twenty::standard::arm_of;

use super::describe::universal;

/// Longest name or label.
const LONGEST: usize = 63;

/// Names nobody may use.
const RESERVED: &str = " approvedAccessDomain approvedAccessDomains appToken appTokens billingCustomer \
    billingCustomers billingEntitlement billingEntitlements billingMeter billingMeters billingProduct \
    billingProducts billingSubscription billingSubscriptions billingSubscriptionItem \
    billingSubscriptionItems featureFlag featureFlags job jobs keyValuePair keyValuePairs pageLayout \
    pageLayouts pageLayoutTab pageLayoutTabs pageLayoutWidget pageLayoutWidgets twoFactorMethod \
    twoFactorMethods user users userWorkspace userWorkspaces workspace workspaces role roles \
    userWorkspaceRole userWorkspaceRoles plan plans event events field fields link links currency \
    currencies fullNames address addresses type types object objects index relation relations aggregate \
    search searches ";

/// Types the API knows, in the order of its error text.
const TYPES: &str = "ACTOR, ADDRESS, ARRAY, BOOLEAN, CURRENCY, DATE, DATE_TIME, EMAILS, FILES, FULL_NAME, LINKS, MORPH_RELATION, MULTI_SELECT, NUMBER, NUMERIC, PHONES, POSITION, RATING, RAW_JSON, RELATION, RICH_TEXT, SELECT, TEXT, TS_VECTOR, UUID";

/// What the framework asks of one member of a body.
#[derive(Clone, Copy)]
enum Shape {
    /// A text that is there and not empty.
    Required,
    /// As that, and fit to be a name.
    Name,
    /// A name, if it is there.
    OptionalName,
    /// A text, if it is there.
    Text,
    /// A flag, if it is there.
    Flag,
    /// An id, if it is there.
    OptionalId,
    /// An id.
    Id,
    /// A field type.
    Type,
}

/// The members of a new object.
const OBJECT: &[(&str, Shape)] = &[
    ("nameSingular", Shape::Name),
    ("namePlural", Shape::Name),
    ("labelSingular", Shape::Required),
    ("labelPlural", Shape::Required),
    ("description", Shape::Text),
    ("icon", Shape::Text),
    ("shortcut", Shape::Text),
    ("color", Shape::Text),
    ("skipNameField", Shape::Flag),
    ("isRemote", Shape::Flag),
    ("isLabelSyncedWithName", Shape::Flag),
];

/// The members of a change of an object.
const OBJECT_CHANGE: &[(&str, Shape)] = &[
    ("labelSingular", Shape::Text),
    ("labelPlural", Shape::Text),
    ("nameSingular", Shape::OptionalName),
    ("namePlural", Shape::OptionalName),
    ("description", Shape::Text),
    ("icon", Shape::Text),
    ("shortcut", Shape::Text),
    ("color", Shape::Text),
    ("isActive", Shape::Flag),
    ("labelIdentifierFieldMetadataId", Shape::OptionalId),
    ("imageIdentifierFieldMetadataId", Shape::OptionalId),
    ("isLabelSyncedWithName", Shape::Flag),
    ("isSearchable", Shape::Flag),
];

/// The members of a new field.
const FIELD: &[(&str, Shape)] = &[
    ("type", Shape::Type),
    ("name", Shape::Name),
    ("label", Shape::Required),
    ("description", Shape::Text),
    ("icon", Shape::Text),
    ("isActive", Shape::Flag),
    ("isSystem", Shape::Flag),
    ("isUIEditable", Shape::Flag),
    ("isUIReadOnly", Shape::Flag),
    ("isNullable", Shape::Flag),
    ("isUnique", Shape::Flag),
    ("isLabelSyncedWithName", Shape::Flag),
    ("objectMetadataId", Shape::Id),
];

/// The members of a change of a field.
const FIELD_CHANGE: &[(&str, Shape)] = &[
    ("name", Shape::OptionalName),
    ("label", Shape::Text),
    ("description", Shape::Text),
    ("icon", Shape::Text),
    ("isActive", Shape::Flag),
    ("isNullable", Shape::Flag),
    ("isUnique", Shape::Flag),
    ("isLabelSyncedWithName", Shape::Flag),
];

/// Checks the shape of a new object.
pub(crate) fn object_shape(body: &Json) -> Result<(), Refusal> {
    shape(OBJECT, body)
}

/// Checks the shape of a change of an object.
pub(crate) fn object_change_shape(body: &Json) -> Result<(), Refusal> {
    shape(OBJECT_CHANGE, body)
}

/// Checks the shape of a new field.
pub(crate) fn field_shape(body: &Json) -> Result<(), Refusal> {
    shape(FIELD, body)
}

/// Checks the shape of a change of a field.
pub(crate) fn field_change_shape(body: &Json) -> Result<(), Refusal> {
    shape(FIELD_CHANGE, body)
}

fn shape(members: &[(&str, Shape)], body: &Json) -> Result<(), Refusal> {
    let complaints = members.iter().flat_map(|(name, shape)| complain(name, *shape, body.get(name)));
    let complaints: Vec<Json> = complaints.map(Json::Str).collect();
    if complaints.is_empty() {
        return Ok(());
    }
    let body = Json::object([
        ("message", Json::Arr(complaints)),
        ("error", Json::text("Bad Request")),
        ("statusCode", Json::int(400)),
    ]);
    Err(Refusal::own(400, "Bad Request Exception", body))
}

fn complain(name: &str, shape: Shape, value: Option<&Json>) -> Vec<String> {
    let value = value.unwrap_or(&Json::Null);
    let text = value.as_str();
    let absent = value.is_null();
    let id = text.is_some_and(|text| uuid::Uuid::parse_str(text).is_ok() && text.len() == 36);
    let unless = |fine: bool, what: &str| (!fine).then(|| format!("{name} {what}"));
    let named = || text.is_none_or(is_name);
    let wanted: [Option<String>; 3] = match shape {
        Shape::Required | Shape::Name => [
            unless(matches!(shape, Shape::Required) || named(), "has failed the name validation check"),
            unless(!absent && text != Some(""), "should not be empty"),
            unless(text.is_some(), "must be a string"),
        ],
        Shape::OptionalName => [
            unless(absent || named(), "has failed the name validation check"),
            unless(absent || text.is_some(), "must be a string"),
            None,
        ],
        Shape::Text => [unless(absent || text.is_some(), "must be a string"), None, None],
        Shape::Flag => [unless(absent || value.as_bool().is_some(), "must be a boolean value"), None, None],
        Shape::OptionalId => [unless(absent || id, "must be a UUID"), None, None],
        Shape::Id => [unless(id, "must be a UUID"), None, None],
        Shape::Type => [
            unless(!absent && text != Some(""), "should not be empty"),
            unless(
                text.is_some_and(|text| TYPES.split(", ").any(|known| known == text)),
                &format!("must be one of the following values: {TYPES}"),
            ),
            None,
        ],
    };
    wanted.into_iter().flatten().collect()
}

/// The framework's idea of a name: no operator of the query languages, no quotes, no dots.
fn is_name(text: &str) -> bool {
    let taken = ["not", "or", "and", "Int", "Float", "Boolean", "String", "ID"].contains(&text);
    !taken && !text.is_empty() && !text.contains(['\'', '"', '\\', ';', '.', '=', '*', '/'])
}

/// One thing that is wrong, as the builder of migrations says it.
pub(crate) fn fault(code: &str, message: impl Into<String>, value: Option<&Json>) -> Json {
    let message = message.into();
    let mut fault = Json::object([("code", Json::text(code))]);
    if let Some(value) = value {
        fault.set("value", value.clone());
    }
    fault.set("message", Json::text(message.clone()));
    fault.set("userFriendlyMessage", Json::text(message));
    fault
}

/// As [`fault`] with other words for people.
fn fault_for_people(code: &str, message: &str, people: &str) -> Json {
    let mut fault = fault(code, message, None);
    fault.set("userFriendlyMessage", Json::text(people));
    fault
}

/// What is wrong with a name.
fn name_faults(code: &str, name: &str) -> Vec<Json> {
    let value = Json::text(name);
    let say = |message: &str| fault(code, message, Some(&value));
    let camel = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric());
    let mut faults = Vec::new();
    if name.chars().count() > LONGEST {
        faults.push(say("Name is too long"));
    }
    if name.is_empty() {
        faults.push(say("Name is too short"));
    }
    if !camel {
        faults.push(say(
            "Name is not valid: it must start with lowercase letter and contain only alphanumeric letters",
        ));
    }
    if RESERVED.split(' ').any(|reserved| !reserved.is_empty() && reserved == name) {
        faults.push(say(
            "This name is reserved. Use a different name or the system will add \"Custom\" suffix.",
        ));
    }
    faults
}

/// What is wrong with the names and labels of an object; its own old self does not count.
pub(crate) fn object_faults(core: &Core, own: Option<usize>, object: &Object) -> Vec<Json> {
    const CODE: &str = "INVALID_OBJECT_INPUT";
    let mut faults = name_faults(CODE, object.singular);
    faults.extend(name_faults(CODE, object.plural));
    if object.singular.trim().eq_ignore_ascii_case(object.plural.trim()) {
        let value = Json::text(object.plural);
        let message = "The singular and plural names cannot be the same for an object";
        faults.push(fault(CODE, message, Some(&value)));
    }
    for label in [object.label, object.label_plural] {
        let value = Json::text(label);
        if label.is_empty() {
            faults.push(fault(CODE, "Object label is too short", Some(&value)));
        }
        if label.chars().count() > LONGEST {
            faults.push(fault(CODE, "Object label is too long", Some(&value)));
        }
    }
    let names = [object.singular, object.plural];
    let taken = core.store.schema.live().any(|(index, other)| {
        Some(index) != own && (names.contains(&other.singular) || names.contains(&other.plural))
    });
    if taken {
        faults.push(fault("OBJECT_ALREADY_EXISTS", "Object already exists", None));
    }
    faults
}

/// What is wrong with the name and type of a new field.
pub(crate) fn field_faults(object: &Object, field: &Field) -> Vec<Json> {
    const CODE: &str = "INVALID_FIELD_INPUT";
    let value = Json::text(field.name);
    let mut faults = Vec::new();
    let reserved = object.live_fields().any(|(_, other)| {
        let parts = super::super::emit::empty(other.kind);
        let parts = parts.as_object().unwrap_or_default().iter();
        parts
            .map(|(part, _)| part)
            .any(|part| field.name == format!("{}{}", other.name, super::super::schema::capitalised(part)))
    });
    let name = field.name;
    if reserved {
        faults.push(fault(
            "RESERVED_KEYWORD",
            format!("Name \"{name}\" is reserved composite field name"),
            Some(&value),
        ));
    }
    let unavailable = |what: &str| {
        let message = format!("Name \"{name}\" is not available as it is already used by another {what}");
        fault("NOT_AVAILABLE", message, Some(&value))
    };
    if object.known_field(name).is_some() {
        faults.push(unavailable("field"));
    }
    if object.known_column(name).is_some_and(|(_, other)| other.name != name) {
        faults.push(unavailable("join column name"));
    }
    faults.extend(name_faults(CODE, name));
    faults.extend(type_faults(field));
    faults
}

/// What is wrong with what the type of a field needs.
fn type_faults(field: &Field) -> Vec<Json> {
    const CODE: &str = "INVALID_FIELD_INPUT";
    match field.kind {
        Kind::Numeric => {
            let value = Json::text("NUMERIC");
            let message = "Field type NUMERIC is not supported for field creation. Use NUMBER instead.";
            vec![fault(CODE, message, Some(&value))]
        }
        Kind::Select(options) | Kind::MultiSelect(options) | Kind::Rating(options) => {
            option_faults(field, options)
        }
        _ => Vec::new(),
    }
}

fn option_faults(field: &Field, options: &[&str]) -> Vec<Json> {
    const CODE: &str = "INVALID_FIELD_INPUT";
    if options.is_empty() {
        return vec![fault(CODE, "Options are required for enum fields", Some(&Json::Arr(Vec::new())))];
    }
    let mut faults = Vec::new();
    for choice in &field.choices {
        let snake = !choice.value.is_empty()
            && choice
                .value
                .chars()
                .all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_');
        let (value, label) = (Json::text(choice.value), Json::text(choice.label));
        if !snake {
            let message = format!("Value must be in UPPER_CASE and follow snake_case \"{}\"", choice.value);
            faults.push(fault(CODE, message, Some(&value)));
        }
        if choice.label.is_empty() {
            faults.push(fault(CODE, "Option label must be a string of at least one character", Some(&label)));
        }
        if choice.label.contains(',') {
            faults.push(fault(CODE, "Label must not contain a comma", Some(&label)));
        }
    }
    let distinct: std::collections::BTreeSet<&&str> = options.iter().collect();
    if distinct.len() != options.len() {
        faults.push(fault(CODE, "Duplicated option value", None));
    }
    let shown = super::describe::default_value(field);
    let given = shown.as_ref().and_then(Json::as_str);
    if let (Some(given), Some(value)) = (given, &shown) {
        let inner = given.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        if inner.is_none() {
            faults.push(fault(CODE, "Default value should be as quoted string", Some(value)));
        }
        if !options.contains(&inner.unwrap_or(given)) {
            let message = format!("Default value \"{given}\" must be one of the option values");
            faults.push(fault(CODE, message, Some(value)));
        }
    }
    faults
}

/// One thing that failed, with what is wrong with it.
pub(crate) fn failed(
    entity: &'static str,
    kind: &str,
    faults: Vec<Json>,
    what: Json,
) -> (&'static str, Json) {
    let failed = Json::object([
        ("status", Json::text("fail")),
        ("errors", Json::Arr(faults)),
        ("flatEntityMinimalInformation", what),
        ("metadataName", Json::text(entity)),
        ("type", Json::text(kind)),
    ]);
    (entity, failed)
}

/// The refusal of the builder of migrations: everything that failed, and how many of each kind.
pub(crate) fn refusal(message: &str, failed: Vec<(&'static str, Json)>) -> Refusal {
    let total = i64::try_from(failed.len()).unwrap_or(i64::MAX);
    let people = match failed.as_slice() {
        [(_, only)] => {
            let first = only.get("errors").and_then(Json::as_array).and_then(<[Json]>::first);
            first.and_then(|fault| fault.get("userFriendlyMessage")).cloned().unwrap_or_default()
        }
        _ => Json::text("Many validation errors"),
    };
    let mut errors: Vec<(Key, Json)> = Vec::new();
    for (entity, one) in failed {
        match errors.iter_mut().find(|(name, _)| name == entity) {
            Some((_, Json::Arr(list))) => list.push(one),
            _ => errors.push((Key::Borrowed(entity), Json::Arr(vec![one]))),
        }
    }
    let mut summary = Json::object([("totalErrors", Json::int(total))]);
    for (entity, list) in &errors {
        let count = list.as_array().map_or(0, <[Json]>::len);
        summary.set(entity.clone(), Json::int(i64::try_from(count).unwrap_or(i64::MAX)));
    }
    let body = Json::object([
        ("statusCode", Json::int(400)),
        ("error", Json::text("METADATA_VALIDATION_ERROR")),
        ("message", Json::text(message)),
        ("errors", Json::Obj(errors)),
        ("summary", summary),
        ("userFriendlyMessage", people),
    ]);
    Refusal::own(400, message, body)
}

/// The refusal of a field before it gets as far as the builder.
pub(crate) fn early_refusal(fault: Json) -> Refusal {
    let failed = Json::object([
        ("errors", Json::Arr(vec![fault])),
        ("type", Json::text("create")),
        ("metadataName", Json::text("fieldMetadata")),
        ("flatEntityMinimalInformation", Json::object([("id", Json::text(""))])),
    ]);
    refusal("Multiple validation errors occurred while creating field", vec![("fieldMetadata", failed)])
}

/// Everything that falls with an object that cannot be made: its fields, their other ends, its
/// views, indexes and search.
pub(crate) fn fallen_object(core: &Core, object: &Object, faults: Vec<Json>) -> Refusal {
    let of = |name: &str| universal(core, &format!("fallen/{}/{name}", object.singular));
    let own = of("object");
    let no_object = || {
        fault_for_people(
            "OBJECT_METADATA_NOT_FOUND",
            "Object metadata not found",
            "Field to create related object not found",
        )
    };
    let about_field = |name: &str, object: Json| {
        Json::object([
            ("universalIdentifier", of(name)),
            ("name", Json::text(name)),
            ("objectMetadataUniversalIdentifier", object),
        ])
    };
    let mut all = Vec::new();
    for (_, field) in object.live_fields() {
        all.push(failed("fieldMetadata", "create", vec![no_object()], about_field(field.name, own.clone())));
    }
    let arm = arm_of(object.singular);
    for plural in ["timelineActivities", "attachments", "noteTargets", "taskTargets"] {
        let Some((_, linked)) = core.store.schema.by_plural(plural) else { continue };
        let mut wrong = Vec::new();
        if linked.known_field(arm).is_some() {
            let message = format!("Name \"{arm}\" is not available as it is already used by another field");
            wrong.push(fault("NOT_AVAILABLE", message, Some(&Json::text(arm))));
        }
        wrong.push(fault_for_people(
            "OBJECT_METADATA_NOT_FOUND",
            "Relation target object metadata not found",
            "Object targeted by the relation not found",
        ));
        all.push(failed("fieldMetadata", "create", wrong, about_field(arm, universal(core, linked.key))));
    }
    let named = Json::object([
        ("universalIdentifier", own.clone()),
        ("namePlural", Json::text(object.plural)),
        ("nameSingular", Json::text(object.singular)),
    ]);
    all.push(failed("objectMetadata", "create", faults, named));
    all.extend(fallen_views(&of, &own));
    all.extend(fallen_indexes(core, object, &of));
    let search = vec![
        fault("FIELD_METADATA_NOT_FOUND", "Field metadata not found", None),
        fault_for_people(
            "TS_VECTOR_FIELD_METADATA_NOT_FOUND",
            "TS_VECTOR field metadata not found",
            "Search vector field not found",
        ),
        fault("OBJECT_METADATA_NOT_FOUND", "Object metadata not found", None),
    ];
    let about =
        Json::object([("universalIdentifier", of("search")), ("objectMetadataUniversalIdentifier", own)]);
    all.push(failed("searchFieldMetadata", "create", search, about));
    refusal("Multiple validation errors occurred while creating object", all)
}

/// The two views of an object and the columns they would have had.
fn fallen_views(of: &impl Fn(&str) -> Json, own: &Json) -> Vec<(&'static str, Json)> {
    const COLUMNS: [(&str, &[&str]); 2] = [
        ("all", &["name", "createdAt", "createdBy", "updatedAt", "updatedBy"]),
        ("record", &["createdAt", "createdBy", "updatedAt", "updatedBy"]),
    ];
    let say = |message: &str| fault("INVALID_VIEW_DATA", message, None);
    let views = COLUMNS.iter().map(|(view, _)| {
        let about = Json::object([
            ("universalIdentifier", of(view)),
            ("objectMetadataUniversalIdentifier", own.clone()),
        ]);
        failed("view", "create", vec![say("Object metadata not found")], about)
    });
    let columns = COLUMNS.iter().flat_map(|(view, names)| names.iter().map(move |name| (*view, *name)));
    let columns = columns.map(|(view, name)| {
        let about = Json::object([
            ("universalIdentifier", of(&format!("{view}/{name}"))),
            ("viewUniversalIdentifier", of(view)),
            ("fieldMetadataUniversalIdentifier", of(name)),
        ]);
        failed("viewField", "create", vec![say("Field metadata not found"), say("View not found")], about)
    });
    views.chain(columns).collect()
}

/// The index of the object's own search vector and those of the four links.
fn fallen_indexes(core: &Core, object: &Object, of: &impl Fn(&str) -> Json) -> Vec<(&'static str, Json)> {
    let taken = core.store.schema.by_singular(object.singular).is_some();
    let name = |part: &str| {
        let digits = crate::sim::digest::hex(&crate::sim::digest::sha1(part.as_bytes()));
        Json::text(format!("IDX_{}", digits.get(..27).unwrap_or_default()))
    };
    ["", "timelineActivity", "attachment", "noteTarget", "taskTarget"]
        .into_iter()
        .map(|linked| {
            let mut wrong = Vec::new();
            if linked.is_empty() {
                wrong.push(fault_for_people(
                    "INDEX_OBJECT_NOT_FOUND",
                    "Could not find index related object metadata",
                    "Index related object not found",
                ));
            }
            if taken {
                wrong.push(fault("INDEX_ALREADY_EXISTS", "Index with same name already exists", None));
            }
            wrong.push(fault_for_people(
                "INDEX_FIELD_NOT_FOUND",
                "Could not find index field related field metadata",
                "Field referenced in index does not exist",
            ));
            let column = format!("{linked}_{}Id", arm_of(object.singular));
            let about = Json::object([("universalIdentifier", of(&column)), ("name", name(&column))]);
            failed("index", "create", wrong, about)
        })
        .collect()
}

/// Everything that falls with a field that cannot be made: itself and its columns in two views.
pub(crate) fn fallen_field(core: &Core, object: &Object, field: &Field, faults: Vec<Json>) -> Refusal {
    let of = |name: &str| universal(core, &format!("fallen/{}.{}/{name}", object.key, field.name));
    let about = Json::object([
        ("universalIdentifier", of("field")),
        ("name", Json::text(field.name)),
        ("objectMetadataUniversalIdentifier", universal(core, object.key)),
    ]);
    let mut all = vec![failed("fieldMetadata", "create", faults, about)];
    for view in ["all", "record"] {
        let about = Json::object([
            ("universalIdentifier", of(view)),
            ("viewUniversalIdentifier", universal(core, &format!("{}/{view}", object.key))),
            ("fieldMetadataUniversalIdentifier", of("field")),
        ]);
        let wrong = vec![fault("INVALID_VIEW_DATA", "Field metadata not found", None)];
        all.push(failed("viewField", "create", wrong, about));
    }
    refusal("Multiple validation errors occurred while creating fields", all)
}
