//! HTTP over the network. Says of every failure whether anything can have left.

use std::time::Duration;

use ::http::{Request, Response};
use bytes::Bytes;

use super::{Sending, Transport, TransportError};

/// Longest time for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time for a complete reply; Twenty's own statement time-out is 10 s (contract 5.4).
const REPLY_TIMEOUT: Duration = Duration::from_secs(40);

/// The same where the server itself takes up to 120 s (QuickBooks contract 2).
const PATIENT_TIMEOUT: Duration = Duration::from_secs(130);

/// A client for one system.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: reqwest::Client,
}

/// The TLS set-up failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the HTTP client: {0}")]
pub struct ClientError(String);

impl HttpTransport {
    /// A client that follows no redirects (a credential must not travel to another host) and uses no proxy that
    /// was not configured.
    pub fn new() -> Result<Self, ClientError> {
        Self::waiting(REPLY_TIMEOUT)
    }

    /// The same for a server that takes its time.
    pub fn patient() -> Result<Self, ClientError> {
        Self::waiting(PATIENT_TIMEOUT)
    }

    fn waiting(timeout: Duration) -> Result<Self, ClientError> {
        // A second installation of the same provider is refused, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("almoner/", env!("CARGO_PKG_VERSION")))
            .build();
        client.map(|client| Self { client }).map_err(|error| ClientError(error.to_string()))
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let request =
            reqwest::Request::try_from(request).map_err(|error| TransportError::Refused(told(&error)))?;
        let reply = self.client.execute(request).await.map_err(|error| {
            if error.is_connect() || error.is_builder() {
                TransportError::Refused(told(&error))
            } else {
                TransportError::Broken(told(&error))
            }
        })?;
        let mut response = Response::builder().status(reply.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(reply.headers());
        }
        let body = reply.bytes().await.map_err(|error| TransportError::Broken(told(&error)))?;
        response.body(body).map_err(|error| TransportError::Broken(error.to_string()))
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request<Bytes>) -> Sending<'_> {
        Box::pin(self.exchange(request))
    }
}

/// The innermost cause, without the address: it stands in notes that people read.
fn told(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
