//! Twenty CRM over its REST API (contract 1).

mod call;
mod hooks;
pub mod map;
mod merge;
mod model;
mod query;
mod reply;
mod schema;
pub mod upsert;
mod write;

use std::sync::Arc;

use ::http::{Method, Request, Response, header};
use bytes::Bytes;
use uuid::Uuid;

pub use hooks::Registered;
pub use merge::MergeAsk;
pub use model::Door;
pub use query::PageAsk;
pub use write::{Guard, Guarded, body_of};

use self::call::{Call, unfit};
use super::{Outcome, Permit, RawRecord, RecordPage, Transport, TransportError, Trouble};
use crate::ground::id::Names;
use crate::ground::time::Instant;
use crate::ground::workspace::Schema;

/// Ids that a question names at most where nothing else says how many: the address stays well under 16 KB (contract
/// 1.4).
pub const PROBE_MAX: usize = 100;

/// The rail to one Twenty workspace.
#[derive(Clone)]
pub struct TwentyRail {
    transport: Arc<dyn Transport>,
    base: String,
}

impl TwentyRail {
    /// The rail to the server at `base`, such as `https://crm.example.org`.
    pub fn new(transport: Arc<dyn Transport>, base: &str) -> Self {
        Self { transport, base: base.trim_end_matches('/').to_owned() }
    }

    /// Where the server is.
    pub fn base(&self) -> &str {
        &self.base
    }

    async fn send(
        &self,
        permit: &Permit,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Response<Bytes>, TransportError> {
        if let Some(trouble) = permit.bar() {
            return Err(TransportError::Refused(trouble.to_string()));
        }
        let request = Request::builder()
            .method(method.clone())
            .uri(format!("{}{path}", self.base))
            .header(header::AUTHORIZATION, format!("Bearer {}", permit.token()))
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-request-id", permit.request_id())
            .body(body.map_or_else(Bytes::new, Bytes::from))
            .map_err(|error| TransportError::Refused(error.to_string()))?;
        let call = Call::begin(permit, method, &self.base, path);
        call.end(self.transport.send(request).await)
    }

    /// A read can be repeated, so whatever went wrong on the way is `Later`.
    async fn read(&self, permit: &Permit, path: &str) -> Result<Bytes, Trouble> {
        Ok(self.read_reply(permit, path).await?.into_body())
    }

    async fn read_reply(&self, permit: &Permit, path: &str) -> Result<Response<Bytes>, Trouble> {
        if let Some(trouble) = permit.bar() {
            return Err(trouble.clone());
        }
        let reply = self.send(permit, Method::GET, path, None).await;
        let reply = reply.map_err(|error| Trouble::Later {
            after_ms: None,
            said: error.to_string(),
            limit: false,
        })?;
        if reply.status().is_success() { Ok(reply) } else { Err(reply::trouble_of_read(&reply)) }
    }

    /// One page of a pass over an object, soft-deleted records included, in the order of ids (contract 6.3). An answer
    /// in another order is `Broken`: what lies between two pages could not be told.
    pub async fn page(&self, permit: &Permit, names: &Names, ask: &PageAsk) -> Result<RecordPage, Trouble> {
        let path = query::page(&names.plural, ask);
        let reply = self.read_reply(permit, &path).await?;
        let date = reply.headers().get(header::DATE).and_then(|value| value.to_str().ok());
        let told_at = date.and_then(Instant::from_http_date);
        let fitting = reply::page(reply.body(), &names.plural).and_then(|page| {
            if page.records.is_sorted_by(|one, other| one.id < other.id) {
                Ok(RecordPage { told_at, ..page })
            } else {
                Err(Trouble::Broken("Twenty's list is not in the order of ids".into()))
            }
        });
        fitting.inspect_err(|trouble| unfit(permit, &path, trouble))
    }

    /// How many records of an object there are, soft-deleted ones included.
    pub async fn count(&self, permit: &Permit, names: &Names) -> Result<u64, Trouble> {
        reply::count(&self.read(permit, &query::count(&names.plural)).await?)
    }

    /// Which of these ids exist, soft-deleted ones included; each id is named once. An answer that holds any other record is `Broken`:
    /// the filter was ignored, and ours may stand on another page.
    pub async fn probe(
        &self,
        permit: &Permit,
        names: &Names,
        ids: &[Uuid],
    ) -> Result<Vec<RawRecord>, Trouble> {
        let path = query::probe(&names.plural, ids);
        let body = self.read(permit, &path).await?;
        reply::probed(&body, &names.plural, ids).inspect_err(|trouble| unfit(permit, &path, trouble))
    }

    /// Creates records, each with the id we chose; all or nothing (contract 1.6). `bodies` are JSON objects that
    /// hold their own `id`, and `ids` the same ids.
    pub async fn create(&self, permit: &Permit, names: &Names, ids: &[Uuid], bodies: &[&str]) -> Outcome {
        let (path, body) = create_request(names, bodies);
        match self.send(permit, Method::POST, &path, Some(body)).await {
            Err(TransportError::Refused(said)) => {
                Outcome::Rejected(Trouble::Later { after_ms: None, said, limit: false })
            }
            Err(TransportError::Broken(said)) => Outcome::Unknown(said),
            Ok(answer) => {
                let outcome = reply::created(&answer, &format!("create{}", capitalised(&names.plural)), ids);
                if let Outcome::Rejected(trouble) = &outcome {
                    unfit(permit, &path, trouble);
                }
                outcome
            }
        }
    }

    /// The version of the server, where it tells (contract 0.1). Needs no budget.
    pub async fn version(&self, permit: &Permit) -> Result<Option<String>, Trouble> {
        reply::version(&self.read(permit, "/client-config").await?)
    }

    /// The objects and fields this workspace has. Costs nothing of the call budget (contract 3.1).
    pub async fn schema(&self, permit: &Permit) -> Result<Schema, Trouble> {
        let mut schema = Schema::default();
        let mut after: Option<String> = None;
        loop {
            let path = query::metadata_objects(after.as_deref());
            let body = self.read(permit, &path).await?;
            let next = schema::add_page(&mut schema, &body);
            after = next.inspect_err(|trouble| unfit(permit, &path, trouble))?;
            if after.is_none() {
                return Ok(schema);
            }
        }
    }
}

/// The request that creates these records: path and body. A dry run shows what a call would send.
pub fn create_request(names: &Names, bodies: &[&str]) -> (String, String) {
    (format!("/rest/batch/{}?depth=0", names.plural), format!("[{}]", bodies.join(",")))
}

/// The path that looks for these ids, soft-deleted ones included.
pub fn probe_path(names: &Names, ids: &[Uuid]) -> String {
    query::probe(&names.plural, ids)
}

/// `giftStagings` -> `GiftStagings`: only the first letter (contract 1.1).
fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}
