//! The GraphQL calls: `/graphql` for records, `/metadata` for the data model, webhooks, keys and roles.
//!
//! Whatever goes wrong, the status is 200; the two calls write their errors in different places.

mod model;
pub(crate) mod parse;
mod records;
mod roles;

use self::parse::{Field, Operation};
use super::api::{Answer, Request};
use super::auth;
use super::core::Core;
use super::error::Refusal;
use crate::sim::json::{Json, Key};

/// What goes wrong where nobody says more.
const SOMETHING: &str = "An error occurred.";

/// An error of a GraphQL answer.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    message: String,
    extensions: Json,
}

impl Problem {
    /// An error with a class, and words for people.
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        let extensions =
            Json::object([("code", Json::text(code)), ("userFriendlyMessage", Json::text(SOMETHING))]);
        Self { message: message.into(), extensions }
    }

    /// An error with the server's own code below the class.
    pub(crate) fn under(code: &str, sub: &str, message: &str, people: &str) -> Self {
        let extensions = Json::object([
            ("subCode", Json::text(sub)),
            ("userFriendlyMessage", Json::text(people)),
            ("code", Json::text(code)),
        ]);
        Self { message: message.to_owned(), extensions }
    }

    /// A field the type does not have.
    pub(crate) fn unknown_field(name: &str, kind: &str) -> Self {
        let message = format!("Cannot query field \"{name}\" on type \"{kind}\".");
        let extensions = Json::object([("code", Json::text("GRAPHQL_VALIDATION_FAILED"))]);
        Self { message, extensions }
    }

    fn shown(&self) -> Json {
        Json::object([("message", Json::text(self.message.clone())), ("extensions", self.extensions.clone())])
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.message().to_owned();
        if let Some(errors) = refusal.body().get("errors") {
            let body = refusal.body();
            let of = |name: &str| body.get(name).cloned().unwrap_or_default();
            let extensions = Json::object([
                ("code", Json::text("METADATA_VALIDATION_FAILED")),
                ("errors", errors.clone()),
                ("summary", of("summary")),
                ("message", Json::text(message.clone())),
                ("userFriendlyMessage", of("userFriendlyMessage")),
            ]);
            return Self { message, extensions };
        }
        match (refusal.status, refusal.code()) {
            (429, _) => Self::under(
                "BAD_USER_INPUT",
                "LIMIT_REACHED",
                &message,
                "Rate limit reached. Please try again later.",
            ),
            (_, Some("PERMISSION_DENIED")) => Self {
                message,
                extensions: Json::object([
                    ("userFriendlyMessage", Json::text("User does not have permission.")),
                    ("subCode", Json::text("PERMISSION_DENIED")),
                    ("code", Json::text("FORBIDDEN")),
                ]),
            },
            (404, code) => Self::under(
                "NOT_FOUND",
                code.unwrap_or("RECORD_NOT_FOUND"),
                &message,
                "This record does not exist or has been deleted.",
            ),
            (_, Some(code)) => Self::under("BAD_USER_INPUT", code, &message, SOMETHING),
            _ => {
                let mut problem = Self::new("BAD_USER_INPUT", message);
                if let Some((id, object)) = refusal.conflict() {
                    problem.extensions.set("conflictingRecordId", Json::text(id.to_string()));
                    problem.extensions.set("conflictingObjectNameSingular", Json::text(object));
                }
                problem
            }
        }
    }
}

/// The operation of a body.
fn operation(body: &Json) -> Result<Operation, Problem> {
    let query = body.get("query").and_then(Json::as_str);
    let query = query.ok_or_else(|| Problem::new("BAD_REQUEST", "Must provide query string."))?;
    let variables = body.get("variables").cloned().unwrap_or_default();
    let name = body.get("operationName").and_then(Json::as_str);
    parse::parse(query, &variables, name)
        .map_err(|unreadable| Problem::new("GRAPHQL_PARSE_FAILED", unreadable.0))
}

/// Most root fields of one operation.
const MAX_ROOTS: usize = 20;

/// Refuses an operation on records that asks too much at once; an alias does not make a root field another one.
fn bounded(operation: &Operation) -> Result<(), Problem> {
    let roots = &operation.fields;
    if roots.len() > MAX_ROOTS {
        let message = format!(
            "Query too complex - Too many root resolvers requested: {} - Maximum allowed root resolvers: {MAX_ROOTS}",
            roots.len()
        );
        return Err(Problem::new("BAD_USER_INPUT", message));
    }
    let again = |at: usize, field: &Field| roots.iter().take(at).any(|other| other.name == field.name);
    let twice = roots.iter().enumerate().find(|(at, field)| again(*at, field));
    twice.map_or(Ok(()), |(_, field)| {
        Err(Problem::new("BAD_USER_INPUT", format!("Duplicate root resolver: \"{}\"", field.name)))
    })
}

/// Lets a request pass that names whoever asks; GraphQL answers 200 to the others too.
fn check(core: &mut Core, request: &Request) -> Result<(), Problem> {
    auth::check(core, request.authorization.as_deref()).map_err(|refusal| {
        let class = if refusal.status == 401 { "UNAUTHENTICATED" } else { "FORBIDDEN" };
        Problem::new(class, refusal.message().to_owned())
    })
}

/// Answers `/graphql`.
pub(crate) fn core(core: &mut Core, request: &Request, body: &Json) -> Answer {
    let answered = check(core, request).and_then(|()| operation(body));
    let answered = answered.and_then(|operation| bounded(&operation).map(|()| operation));
    let operation = match answered {
        Ok(operation) => operation,
        Err(problem) => {
            let errors = Json::object([("errors", Json::Arr(vec![problem.shown()]))]);
            return Answer::plain(200, errors);
        }
    };
    let early =
        operation.fields.iter().find_map(|field| records::check(core, field, operation.mutation).err());
    if let Some(problem) = early {
        return Answer::plain(200, Json::object([("errors", Json::Arr(vec![problem.shown()]))]));
    }
    let (data, problems) = run(core, &operation, records::resolve);
    let mut answer = Json::Obj(Vec::new());
    answer.set("data", data);
    if !problems.is_empty() {
        answer.set("errors", Json::Arr(problems.iter().map(Problem::shown).collect()));
    }
    Answer::plain(200, answer)
}

/// Answers `/metadata`. Signing in needs no token, everything else does.
pub(crate) fn metadata(core: &mut Core, request: &Request, body: &Json) -> Answer {
    let failed = |problems: &[Problem]| {
        let errors = problems.iter().map(Problem::shown).collect();
        Answer::ok(200, Json::object([("errors", Json::Arr(errors)), ("data", Json::Null)])).untagged()
    };
    let operation = match operation(body) {
        Ok(operation) => operation,
        Err(problem) => return failed(&[problem]),
    };
    let open = operation.fields.iter().all(|field| roles::is_open(&field.name));
    if !open && let Err(problem) = check(core, request) {
        return failed(&[problem]);
    }
    let (data, problems) = run(core, &operation, model::resolve);
    if problems.is_empty() {
        return Answer::ok(200, Json::object([("data", data)])).untagged();
    }
    failed(&problems)
}

/// Resolves the root fields one after the other; one that fails is null.
fn run(
    core: &mut Core,
    operation: &Operation,
    resolve: impl Fn(&mut Core, &Field, bool) -> Result<Json, Problem>,
) -> (Json, Vec<Problem>) {
    let mut data = Json::Obj(Vec::new());
    let mut problems = Vec::new();
    for field in &operation.fields {
        let value = if field.name == "__typename" {
            Ok(Json::text(if operation.mutation { "Mutation" } else { "Query" }))
        } else {
            resolve(core, field, operation.mutation)
        };
        match value {
            Ok(value) => data.set(field.key.clone(), value),
            Err(problem) => {
                data.set(field.key.clone(), Json::Null);
                problems.push(problem);
            }
        }
    }
    (data, problems)
}

/// What is asked for of a value; a list is asked element by element.
pub(crate) fn project(value: &Json, fields: &[Field]) -> Json {
    if fields.is_empty() {
        return value.clone();
    }
    match value {
        Json::Arr(items) => Json::Arr(items.iter().map(|item| project(item, fields)).collect()),
        Json::Obj(_) => {
            let member = |field: &Field| {
                let found = value.get(&field.name);
                let found = match found {
                    // Lists of the data model are asked for as connections or, under another name, bare.
                    Some(list @ Json::Arr(_)) if field.below("edges").is_some() => Some(connection(list)),
                    None if field.name == "fieldsList" => value.get("fields").cloned(),
                    other => other.cloned(),
                };
                let shown = project(&found.unwrap_or_default(), &field.fields);
                (Key::Owned(field.key.clone()), shown)
            };
            Json::Obj(fields.iter().map(member).collect())
        }
        other => other.clone(),
    }
}

/// A list as a connection whose cursors are the ids.
fn connection(list: &Json) -> Json {
    let items = list.as_array().unwrap_or_default();
    let cursor = |item: &Json| item.get("id").cloned().unwrap_or_default();
    let edge = |item: &Json| Json::object([("cursor", cursor(item)), ("node", item.clone())]);
    Json::object([
        ("edges", Json::Arr(items.iter().map(edge).collect())),
        (
            "pageInfo",
            Json::object([
                ("hasNextPage", Json::Bool(false)),
                ("hasPreviousPage", Json::Bool(false)),
                ("startCursor", items.first().map(cursor).unwrap_or_default()),
                ("endCursor", items.last().map(cursor).unwrap_or_default()),
            ]),
        ),
        ("totalCount", Json::int(i64::try_from(items.len()).unwrap_or(i64::MAX))),
    ])
}
