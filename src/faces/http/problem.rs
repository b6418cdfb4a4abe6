//! Errors as `application/problem+json` (RFC 9457), with the fields older callers read (`statusCode`, `message`,
//! `error`).

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::desk::Refusal;
use crate::ground::intake::FieldError;
use crate::ground::staging::RowRefusal;
use crate::store::StoreError;

/// An error on its way out.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    request_id: Option<String>,
    errors: Vec<FieldProblem>,
}

/// An error answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProblemView<'p> {
    /// What kind of problem; `about:blank` says that the title is all there is.
    r#type: &'static str,
    /// The kind in words.
    title: &'p str,
    /// The HTTP status.
    status: u16,
    /// What is so and what to do next.
    detail: &'p str,
    /// The request, to find it in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'p str>,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "<[FieldProblem]>::is_empty")]
    errors: &'p [FieldProblem],
    /// As `status`, for older callers.
    status_code: u16,
    /// As `detail`, for older callers.
    message: &'p str,
    /// As `title`, for older callers.
    error: &'p str,
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        ProblemView::schema()
    }
}

impl ToSchema for Problem {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        ProblemView::schemas(schemas);
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldProblem {
    field: String,
    message: String,
}

impl Problem {
    /// A problem with this status and words.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), request_id: None, errors: Vec::new() }
    }

    /// Bad input, field by field.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let mut problem = Self::new(StatusCode::BAD_REQUEST, "Some fields need correcting.");
        if let [only] = &errors[..] {
            problem.detail.clone_from(&only.message);
        }
        problem.errors =
            errors.into_iter().map(|e| FieldProblem { field: e.field, message: e.message }).collect();
        problem
    }

    /// One field is wrong.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError { field: field.to_owned(), message: message.into() }])
    }

    /// There is no such thing.
    pub fn not_found(what: &'static str) -> Self {
        Refusal::NotFound(what).into()
    }

    /// What is so and what to do next.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The first thing that is wrong, in words.
    pub fn first(self) -> String {
        self.errors.into_iter().next().map_or(self.detail, |error| error.message)
    }

    /// The HTTP status.
    pub const fn code(&self) -> StatusCode {
        self.status
    }

    /// The problem with the request it belongs to.
    #[must_use]
    pub fn with_request(mut self, id: &str) -> Self {
        self.request_id = Some(id.to_owned());
        self
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            Refusal::NotFound(_) => Self::new(StatusCode::NOT_FOUND, text),
            Refusal::Invalid(errors) => Self::invalid(errors),
            Refusal::Row(RowRefusal::Blocked(blockers)) => {
                let mut problem = Self::new(StatusCode::CONFLICT, text);
                problem.errors = blockers
                    .iter()
                    .map(|b| FieldProblem {
                        field: b.code.to_owned(),
                        message: format!("{} {}", b.text, b.action),
                    })
                    .collect();
                problem
            }
            Refusal::Row(_)
            | Refusal::Unchanged
            | Refusal::Nothing(_)
            | Refusal::Held(_)
            | Refusal::RunAtWork
            | Refusal::GiftsOpen(_)
            | Refusal::LastAdmin
            | Refusal::AddressTaken => Self::new(StatusCode::CONFLICT, text),
            Refusal::SwitchedOff => Self::new(StatusCode::FORBIDDEN, text),
            Refusal::KeyReused | Refusal::CannotMirror(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, text)
            }
            Refusal::Changed | Refusal::PlanMoved => Self::new(StatusCode::PRECONDITION_FAILED, text),
            Refusal::WrongLogin => Self::new(StatusCode::UNAUTHORIZED, text),
            Refusal::LinkSpent | Refusal::Erased => Self::new(StatusCode::GONE, text),
            Refusal::StagingDisabled | Refusal::Unavailable(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Refusal::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let view = ProblemView {
            r#type: "about:blank",
            title,
            status: self.status.as_u16(),
            detail: &self.detail,
            request_id: self.request_id.as_deref(),
            errors: &self.errors,
            status_code: self.status.as_u16(),
            message: &self.detail,
            error: title,
        };
        let body = serde_json::to_vec(&view).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let keep = std::sync::Arc::new(self);
        response.extensions_mut().insert(keep);
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}
