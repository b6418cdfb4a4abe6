//! Error answers: every class of them has its own envelope, as recording 11 shows.

use uuid::Uuid;

use crate::sim::json::Json;

/// Envelope of an error body.
#[derive(Clone, Debug, PartialEq)]
enum Envelope {
    /// A body of its own.
    Own(Json),
    /// Core REST filter: `statusCode`, `error`, `messages`, and `code` when the exception carries one.
    Core { error: &'static str, code: Option<&'static str> },
    /// Authentication middleware: `statusCode`, `messages`, `error` holding a code.
    Middleware { error: &'static str },
    /// The framework's own: `message`, `error`, `statusCode`.
    Framework { error: &'static str },
}

/// A refusal with its status and body.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    /// HTTP status.
    pub(crate) status: u16,
    message: String,
    envelope: Envelope,
    /// The record a duplicate collides with; only GraphQL tells.
    conflict: Option<(Uuid, &'static str)>,
    early: bool,
    /// When there will be a token again, in seconds since the epoch; only the newer 429 tells.
    reset_at_s: i64,
}

impl Refusal {
    fn new(status: u16, message: impl Into<String>, envelope: Envelope) -> Self {
        Self { status, message: message.into(), envelope, conflict: None, early: false, reset_at_s: 0 }
    }

    /// The same with the record a duplicate collides with.
    pub(crate) fn against(mut self, record: Uuid, object: &'static str) -> Self {
        self.conflict = Some((record, object));
        self
    }

    /// The record a duplicate collides with.
    pub(crate) fn conflict(&self) -> Option<(Uuid, &'static str)> {
        self.conflict
    }

    /// The same, refused before the headers for browsers are complete.
    pub(crate) fn early(mut self) -> Self {
        self.early = true;
        self
    }

    /// True for what is refused before the headers for browsers are complete.
    pub(crate) fn is_early(&self) -> bool {
        self.early
    }

    /// True for what the framework refuses by itself: no such route, a body or id of the wrong shape.
    pub(crate) fn is_of_the_framework(&self) -> bool {
        match &self.envelope {
            Envelope::Framework { .. } => true,
            Envelope::Own(body) => body.get("message").is_some_and(|message| message.as_array().is_some()),
            _ => false,
        }
    }

    /// Headers the refusal brings along.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let (429, Envelope::Own(body)) = (self.status, &self.envelope) else { return Vec::new() };
        let number = |name: &str| body.get(name).and_then(Json::as_i64).unwrap_or_default().to_string();
        vec![
            ("retry-after", number("retryAfterSeconds")),
            ("x-ratelimit-limit", number("limit")),
            ("x-ratelimit-remaining", number("remaining")),
            ("x-ratelimit-reset", self.reset_at_s.to_string()),
        ]
    }

    /// 400 of the core filter.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        let envelope = Envelope::Core { error: "BadRequestException", code: None };
        Self::new(400, message, envelope)
    }

    /// 400 of the core filter for an exception with a code.
    pub(crate) fn coded(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(400, message, Envelope::Core { error: "Error", code: Some(code) })
    }

    /// 400 for an exception of no particular class.
    pub(crate) fn plain(message: impl Into<String>) -> Self {
        let envelope = Envelope::Core { error: "Error", code: None };
        Self::new(400, message, envelope)
    }

    /// An exception with a code under another status than 400.
    pub(crate) fn coded_as(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, ..Self::coded(code, message) }
    }

    /// 400 of the builder of migrations, where it does not say what is wrong.
    pub(crate) fn migration(message: impl Into<String>) -> Self {
        let envelope = Envelope::Core { error: "WorkspaceMigrationBuilderException", code: None };
        Self::new(400, message, envelope)
    }

    /// A body of its own, as the metadata calls have it.
    pub(crate) fn own(status: u16, message: impl Into<String>, body: Json) -> Self {
        Self::new(status, message, Envelope::Own(body))
    }

    /// What is wrong, in words.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The code of an exception that has one.
    pub(crate) fn code(&self) -> Option<&'static str> {
        match self.envelope {
            Envelope::Core { code, .. } => code,
            _ => None,
        }
    }

    /// 400 for a crash of the server's own code.
    pub(crate) fn type_error(message: impl Into<String>) -> Self {
        Self::new(400, message, Envelope::Core { error: "TypeError", code: None })
    }

    /// 404 of a record that is not there.
    pub(crate) fn not_found() -> Self {
        let envelope = Envelope::Core { error: "NotFoundException", code: None };
        Self::new(404, "Record not found", envelope)
    }

    /// 404 of an object description that is not there.
    pub(crate) fn no_metadata() -> Self {
        let envelope = Envelope::Core { error: "Error", code: Some("OBJECT_METADATA_NOT_FOUND") };
        Self::new(404, "Object metadata not found", envelope)
    }

    /// 429 of the record API.
    pub(crate) fn throttled(limit: i64, ttl_ms: i64) -> Self {
        let message = format!("Limit reached ({limit} tokens per {ttl_ms} ms)");
        Self::new(429, message, Envelope::Core { error: "HttpException", code: None })
    }

    /// 429 of the newer server, which says when to come back.
    pub(crate) fn rate_limited(limit: i64, ttl_ms: i64, now_ms: i64, key: Uuid) -> Self {
        const WAIT_S: i64 = 1;
        let message = format!("Rate limit exceeded for apiKey: {limit} requests per {}s.", ttl_ms / 1_000);
        let body = Json::object([
            ("statusCode", Json::int(429)),
            ("error", Json::text("RATE_LIMITED")),
            ("messages", Json::Arr(vec![Json::text(message.clone())])),
            ("limitKind", Json::text("speed")),
            ("exhaustedKind", Json::text("limit")),
            (
                "scope",
                Json::object([
                    ("spenderType", Json::text("apiKey")),
                    ("spenderId", Json::text(key.to_string())),
                    ("operationType", Json::text("api")),
                ]),
            ),
            ("limit", Json::int(limit)),
            ("remaining", Json::int(0)),
            ("periodCount", Json::int(ttl_ms / 1_000)),
            ("periodUnit", Json::text("second")),
            ("retryAfterSeconds", Json::int(WAIT_S)),
        ]);
        Self { reset_at_s: now_ms.div_euclid(1_000) + WAIT_S, ..Self::own(429, message, body) }
    }

    /// 401 or 403 of the authentication middleware.
    pub(crate) fn auth(status: u16, error: &'static str, message: &str) -> Self {
        Self::new(status, message, Envelope::Middleware { error })
    }

    /// Framework errors: no such route, unreadable body.
    pub(crate) fn framework(status: u16, error: &'static str, message: impl Into<String>) -> Self {
        Self::new(status, message, Envelope::Framework { error })
    }

    /// 400 for a write that breaks a unique index; it does not say which record or which value.
    pub(crate) fn duplicate() -> Self {
        Self::bad("A duplicate entry was detected")
    }

    /// 400 for a field the object does not have.
    pub(crate) fn unknown_field(object: &str, field: &str) -> Self {
        Self::bad(format!("Object {object} doesn't have any \"{field}\" field."))
    }

    /// The value of `Content-Type`: the middleware writes it without a charset.
    pub(crate) fn content_type(&self) -> &'static str {
        match self.envelope {
            Envelope::Middleware { .. } => "application/json",
            _ => "application/json; charset=utf-8",
        }
    }

    /// The body.
    pub(crate) fn body(&self) -> Json {
        let status = Json::int(i64::from(self.status));
        let message = Json::text(self.message.clone());
        match &self.envelope {
            Envelope::Own(body) => body.clone(),
            Envelope::Core { error, code } => {
                let mut body = Json::object([
                    ("statusCode", status),
                    ("error", Json::text(*error)),
                    ("messages", Json::Arr(vec![message])),
                ]);
                if let Some(code) = code {
                    body.set("code", Json::text(*code));
                }
                body
            }
            Envelope::Middleware { error } => Json::object([
                ("statusCode", status),
                ("messages", Json::Arr(vec![message])),
                ("error", Json::text(*error)),
            ]),
            Envelope::Framework { error } => {
                Json::object([("message", message), ("error", Json::text(*error)), ("statusCode", status)])
            }
        }
    }
}
