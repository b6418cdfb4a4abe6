//! Error answers: every class of them has its own envelope, as recording 11 shows.

use crate::sim::json::Json;

/// Envelope of an error body.
#[derive(Clone, Debug, PartialEq)]
enum Envelope {
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
}

impl Refusal {
    /// 400 of the core filter.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        let envelope = Envelope::Core { error: "BadRequestException", code: None };
        Self { status: 400, message: message.into(), envelope }
    }

    /// 400 of the core filter for an exception with a code.
    pub(crate) fn coded(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            message: message.into(),
            envelope: Envelope::Core { error: "Error", code: Some(code) },
        }
    }

    /// 400 for a crash of the server's own code.
    pub(crate) fn type_error(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            message: message.into(),
            envelope: Envelope::Core { error: "TypeError", code: None },
        }
    }

    /// 404 of a record that is not there.
    pub(crate) fn not_found() -> Self {
        let envelope = Envelope::Core { error: "NotFoundException", code: None };
        Self { status: 404, message: "Record not found".to_owned(), envelope }
    }

    /// 404 of an object description that is not there.
    pub(crate) fn no_metadata() -> Self {
        let envelope = Envelope::Core { error: "Error", code: Some("OBJECT_METADATA_NOT_FOUND") };
        Self { status: 404, message: "Object metadata not found".to_owned(), envelope }
    }

    /// 429 of the record API.
    pub(crate) fn throttled(limit: i64, ttl_ms: i64) -> Self {
        let message = format!("Limit reached ({limit} tokens per {ttl_ms} ms)");
        Self { status: 429, message, envelope: Envelope::Core { error: "HttpException", code: None } }
    }

    /// 401 or 403 of the authentication middleware.
    pub(crate) fn auth(status: u16, error: &'static str, message: &str) -> Self {
        Self { status, message: message.to_owned(), envelope: Envelope::Middleware { error } }
    }

    /// Framework errors: no such route, unreadable body.
    pub(crate) fn framework(status: u16, error: &'static str, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), envelope: Envelope::Framework { error } }
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
