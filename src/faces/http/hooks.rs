//! Where other systems tell us things by themselves. Nothing is done here: what is believed is stored, and answered.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use http::{HeaderMap, StatusCode};

use super::Face;
use super::problem::Problem;
use crate::desk::hooks::Heard;
use crate::ground::webhook::twenty::Signed;

/// The bytes of a body, exactly as they came: a signature is over them.
pub(super) struct Raw(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let raw = Bytes::from_request(request, state).await;
        raw.map(Self).map_err(|error| Problem::new(error.status(), "The body could not be read."))
    }
}

/// A webhook of Twenty: kept before it is answered. Without a registered webhook there is no such address.
#[utoipa::path(post, path = "/hooks/twenty", tag = "Webhooks", params(("X-Twenty-Webhook-Timestamp" = String, Header), ("X-Twenty-Webhook-Signature" = String, Header)), responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)), security(()))]
pub(super) async fn twenty(
    State(face): State<Face>,
    headers: HeaderMap,
    Raw(raw): Raw,
) -> Result<StatusCode, Problem> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signed = Signed {
        timestamp: header("x-twenty-webhook-timestamp"),
        signature: header("x-twenty-webhook-signature"),
    };
    match face.desk.hear_twenty(signed, &raw).await? {
        Heard::Kept => Ok(StatusCode::NO_CONTENT),
        Heard::NotBelieved => Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "The signature does not fit, or the time is too far off. Nothing was stored.",
        )),
        Heard::NotRead => {
            Err(Problem::new(StatusCode::BAD_REQUEST, "This is not in the form of a Twenty webhook."))
        }
        Heard::NoneExpected => Err(Problem::not_found("address")),
    }
}
