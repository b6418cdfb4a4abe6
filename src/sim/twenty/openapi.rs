//! Documents the server shows about itself: OpenAPI, in outline, and the configuration for clients.
//!
//! The outline names every path and record the data model has. The wrong statements of the real
//! document (default depth, batch size, the restore path) are not repeated.

use super::api::{Answer, Request, no_route};
use super::auth;
use super::composite::type_name;
use super::core::Core;
use super::emit;
use super::error::Refusal;
use super::schema::{Field, Kind, Object, capitalised};
use crate::sim::json::{Json, Key};

/// Calls about the data model that the metadata document names.
const METADATA: [&str; 4] = ["objects", "fields", "webhooks", "apiKeys"];

/// Answers `/rest/open-api/{core,metadata}`: anybody may ask, only a key sees the workspace.
pub(crate) fn answer(core: &mut Core, request: &Request) -> Result<Answer, Refusal> {
    let known = auth::check(core, request.authorization.as_deref()).is_ok();
    match request.path.as_str() {
        "/rest/open-api/core" => Ok(Answer::ok(200, of_core(core, known))),
        "/rest/open-api/metadata" => Ok(Answer::ok(200, of_metadata())),
        _ => Err(no_route(request)),
    }
}

/// An object with one member.
fn under(name: impl Into<Key>, value: Json) -> Json {
    Json::Obj(vec![(name.into(), value)])
}

fn reference(kind: &str, name: &str) -> Json {
    under("$ref", Json::text(format!("#/components/{kind}/{name}")))
}

fn typed(kind: &'static str) -> Json {
    under("type", Json::text(kind))
}

/// The parts both documents share.
fn document(path: &str, schemas: Json, paths: Json, tags: Vec<Json>) -> Json {
    let info = Json::object([
        ("title", Json::text("Twenty Api")),
        (
            "description",
            Json::text("A simulated Twenty: the paths and records of its workspace, in outline."),
        ),
        ("termsOfService", Json::text("https://github.com/twentyhq/twenty?tab=coc-ov-file")),
        ("contact", Json::object([("email", Json::text("felix@twenty.com"))])),
        ("license", Json::object([("name", Json::text("AGPL-3.0"))])),
        ("version", Json::text("v0.1")),
    ]);
    let bearer = Json::object([
        ("type", Json::text("http")),
        ("scheme", Json::text("bearer")),
        ("bearerFormat", Json::text("JWT")),
    ]);
    let server = Json::object([
        ("url", Json::text(format!("http://localhost/rest/{path}"))),
        ("description", Json::text("Production Development")),
    ]);
    Json::object([
        ("openapi", Json::text("3.1.1")),
        ("info", info),
        ("servers", Json::Arr(vec![server])),
        (
            "components",
            Json::object([
                ("securitySchemes", under("bearerAuth", bearer)),
                ("schemas", schemas),
                ("parameters", parameters()),
                ("responses", responses()),
            ]),
        ),
        ("security", Json::Arr(vec![under("bearerAuth", Json::Arr(Vec::new()))])),
        (
            "externalDocs",
            Json::object([
                ("description", Json::text("Find out more about **Twenty**")),
                ("url", Json::text("https://twenty.com")),
            ]),
        ),
        ("paths", paths),
        ("tags", Json::Arr(tags)),
    ])
}

fn parameters() -> Json {
    const QUERY: [(&str, &str, &str); 8] = [
        ("startingAfter", "starting_after", "string"),
        ("endingBefore", "ending_before", "string"),
        ("filter", "filter", "string"),
        ("depth", "depth", "integer"),
        ("upsert", "upsert", "boolean"),
        ("softDelete", "soft_delete", "boolean"),
        ("orderBy", "order_by", "string"),
        ("limit", "limit", "integer"),
    ];
    let mut all = under("idPath", parameter("id", "path", "string"));
    for (key, name, kind) in QUERY {
        all.set(key, parameter(name, "query", kind));
    }
    all
}

fn parameter(name: &'static str, place: &'static str, kind: &'static str) -> Json {
    Json::object([
        ("name", Json::text(name)),
        ("in", Json::text(place)),
        ("required", Json::Bool(place == "path")),
        ("schema", typed(kind)),
    ])
}

fn responses() -> Json {
    let described = |text: &str| under("description", Json::text(text));
    Json::object([("400", described("Bad Request")), ("401", described("Unauthorized"))])
}

fn tag(name: &str, description: String) -> Json {
    Json::object([("name", Json::text(name)), ("description", Json::text(description))])
}

fn of_core(core: &Core, known: bool) -> Json {
    let (mut schemas, mut paths) = (Json::Obj(Vec::new()), Json::Obj(Vec::new()));
    let mut tags = vec![tag("General", "General requests".to_owned())];
    paths.set("/open-api/core", call("get", "General", "Get Open Api Schema", None));
    for (_, object) in core.store.schema.live().filter(|_| known) {
        let one = capitalised(object.singular);
        schemas.set(one.clone(), record(object, false));
        schemas.set(format!("{one}ForUpdate"), record(object, false));
        schemas.set(format!("{one}ForResponse"), record(object, true));
        record_paths(object, &one, &mut paths);
        tags.push(tag(object.plural, format!("Object `{}`", capitalised(object.plural))));
    }
    document("", schemas, paths, tags)
}

fn record_paths(object: &Object, one: &str, paths: &mut Json) {
    let plural = object.plural;
    let mut add = |path: String, calls: &[(&'static str, String, bool)]| {
        let mut all = Json::Obj(Vec::new());
        for (method, summary, body) in calls {
            let body = body.then(|| reference("schemas", one));
            if let Json::Obj(members) = call(method, plural, summary, body) {
                for (name, value) in members {
                    all.set(name, value);
                }
            }
        }
        paths.set(path, all);
    };
    let summary = |what: &str, name: &str| format!("{what} {name}");
    add(
        format!("/{plural}"),
        &[
            ("get", summary("Find Many", plural), false),
            ("post", summary("Create One", object.singular), true),
            ("delete", summary("Delete Many", plural), false),
            ("patch", summary("Update Many", plural), true),
        ],
    );
    add(format!("/batch/{plural}"), &[("post", summary("Create Many", plural), true)]);
    add(
        format!("/{plural}/{{id}}"),
        &[
            ("get", summary("Find One", object.singular), false),
            ("delete", summary("Delete One", object.singular), false),
            ("patch", summary("Update One", object.singular), true),
        ],
    );
    add(format!("/{plural}/duplicates"), &[("post", summary("Find Duplicates of", plural), false)]);
    add(format!("/restore/{plural}"), &[("patch", summary("Restore Many", plural), false)]);
    add(format!("/{plural}/merge"), &[("patch", summary("Merge Many", plural), false)]);
    add(format!("/{plural}/groupBy"), &[("get", summary("Group By", plural), false)]);
}

/// One call of a path.
fn call(method: &'static str, tag: &str, summary: &str, body: Option<Json>) -> Json {
    let mut call =
        Json::object([("tags", Json::Arr(vec![Json::text(tag)])), ("summary", Json::text(summary))]);
    if let Some(schema) = body {
        let content = under("application/json", under("schema", schema));
        call.set("requestBody", Json::object([("required", Json::Bool(true)), ("content", content)]));
    }
    let done = if summary.starts_with("Create") { "201" } else { "200" };
    call.set(
        "responses",
        Json::Obj(vec![
            (Key::Borrowed(done), under("description", Json::text("Successful operation"))),
            (Key::Borrowed("400"), reference("responses", "400")),
            (Key::Borrowed("401"), reference("responses", "401")),
        ]),
    );
    under(method, call)
}

/// The record of an object as it is read or written.
fn record(object: &Object, read: bool) -> Json {
    let mut properties = Json::Obj(Vec::new());
    for (_, field) in object.shown_fields() {
        let shown = match field.kind {
            Kind::ToMany { .. } | Kind::TsVector => false,
            _ => read || !field.system,
        };
        if shown {
            properties.set(field.column.clone(), property(field));
        }
    }
    Json::object([
        ("type", Json::text("object")),
        ("description", Json::text(object.description)),
        ("properties", properties),
    ])
}

fn property(field: &Field) -> Json {
    let formatted =
        |format: &str| Json::object([("type", Json::text("string")), ("format", Json::text(format))]);
    let mut property = match field.kind {
        Kind::Uuid | Kind::ToOne { .. } => formatted("uuid"),
        Kind::DateTime => formatted("date-time"),
        Kind::Date => formatted("date"),
        Kind::Number | Kind::Numeric | Kind::Position => typed("number"),
        Kind::Boolean => typed("boolean"),
        Kind::Array => Json::object([("type", Json::text("array")), ("items", typed("string"))]),
        Kind::Select(options) | Kind::Rating(options) | Kind::MultiSelect(options) => {
            let options = options.iter().map(|option| Json::text(*option)).collect();
            Json::object([("type", Json::text("string")), ("enum", Json::Arr(options))])
        }
        Kind::Text => typed("string"),
        kind => parts(kind),
    };
    if !field.description.is_empty() {
        property.set("description", Json::text(field.description));
    }
    property
}

/// The parts of a composite.
fn parts(kind: Kind) -> Json {
    let mut properties = Json::Obj(Vec::new());
    for (part, empty) in emit::empty(kind).as_object().unwrap_or_default() {
        let number = matches!(part.as_ref(), "amountMicros" | "addressLat" | "addressLng");
        let shown = match empty {
            Json::Arr(_) => typed("array"),
            _ if number => typed("number"),
            _ => typed("string"),
        };
        properties.set(part.clone(), shown);
    }
    Json::object([
        ("type", Json::text("object")),
        ("title", Json::text(type_name(kind))),
        ("properties", properties),
    ])
}

fn of_metadata() -> Json {
    let (mut schemas, mut paths) = (Json::Obj(Vec::new()), Json::Obj(Vec::new()));
    let mut tags = vec![tag("General", "General requests".to_owned())];
    paths.set("/open-api/metadata", call("get", "General", "Get Open Api Schema", None));
    for name in METADATA {
        let one = capitalised(name.strip_suffix('s').unwrap_or(name));
        schemas.set(one.clone(), typed("object"));
        let all = |calls: Vec<Json>| {
            let members = calls.into_iter().filter_map(|call| match call {
                Json::Obj(members) => Some(members),
                _ => None,
            });
            Json::Obj(members.flatten().collect())
        };
        let body = || Some(reference("schemas", &one));
        paths.set(
            format!("/{name}"),
            all(vec![
                call("get", name, &format!("Find Many {name}"), None),
                call("post", name, &format!("Create One {name}"), body()),
            ]),
        );
        paths.set(
            format!("/{name}/{{id}}"),
            all(vec![
                call("get", name, &format!("Find One {name}"), None),
                call("delete", name, &format!("Delete One {name}"), None),
                call("patch", name, &format!("Update One {name}"), body()),
            ]),
        );
        tags.push(tag(name, format!("Object `{}`", capitalised(name))));
    }
    document("metadata", schemas, paths, tags)
}

/// What a client may know before it signs in; the version is what ours looks for.
pub(crate) fn client_config(core: &Core) -> Json {
    let none = || Json::Null;
    let flag = Json::Bool;
    Json::object([
        ("appVersion", Json::text(core.version.number())),
        (
            "billing",
            Json::object([
                ("isBillingEnabled", flag(false)),
                ("billingUrl", none()),
                ("trialPeriods", Json::Arr(Vec::new())),
            ]),
        ),
        ("aiModels", Json::Arr(Vec::new())),
        (
            "authProviders",
            Json::object([
                ("google", flag(false)),
                ("magicLink", flag(false)),
                ("password", flag(true)),
                ("microsoft", flag(false)),
                ("sso", Json::Arr(Vec::new())),
            ]),
        ),
        ("signInPrefilled", flag(false)),
        ("isMultiWorkspaceEnabled", flag(false)),
        ("isEmailVerificationRequired", flag(false)),
        ("defaultSubdomain", Json::text("app")),
        ("frontDomain", Json::text("localhost")),
        ("support", Json::object([("supportDriver", Json::text("NONE"))])),
        ("sentry", Json::object([("release", Json::text(core.version.number()))])),
        ("captcha", Json::Obj(Vec::new())),
        ("api", Json::object([("mutationMaximumAffectedRecords", Json::int(100))])),
        ("isAttachmentPreviewEnabled", flag(true)),
        ("analyticsEnabled", flag(false)),
        ("canManageFeatureFlags", flag(false)),
        ("publicFeatureFlags", Json::Arr(Vec::new())),
        ("isMicrosoftMessagingEnabled", flag(false)),
        ("isMicrosoftCalendarEnabled", flag(false)),
        ("isGoogleMessagingEnabled", flag(false)),
        ("isGoogleCalendarEnabled", flag(false)),
        ("isConfigVariablesInDbEnabled", flag(true)),
        ("isImapSmtpCaldavEnabled", flag(true)),
    ])
}
