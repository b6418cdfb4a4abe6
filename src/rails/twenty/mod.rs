//! Twenty CRM over its REST API (contract 1).

mod call;
pub mod map;
mod query;
mod reply;
mod schema;

use std::sync::Arc;

use ::http::{Method, Request, Response, header};
use bytes::Bytes;
use uuid::Uuid;

pub use query::PageAsk;
pub use schema::{ObjectFields, Schema};

use self::call::{Call, unfit};
use super::{Outcome, Permit, RawRecord, RecordPage, Transport, TransportError, Trouble};
use crate::ground::id::Object;

/// The rail to one Twenty workspace.
#[derive(Clone)]
pub struct TwentyRail {
    transport: Arc<dyn Transport>,
    base: String,
}

/// An object's names in Twenty.
#[derive(Clone, Copy, Debug)]
struct Names {
    plural: &'static str,
    create_many: &'static str,
}

const fn names(object: Object) -> Option<Names> {
    match object {
        Object::People => Some(Names { plural: "people", create_many: "createPeople" }),
        Object::Gifts => Some(Names { plural: "gifts", create_many: "createGifts" }),
        _ => None,
    }
}

fn names_of(object: Object) -> Result<Names, Trouble> {
    names(object).ok_or_else(|| Trouble::Gone(format!("{} is not an object of Twenty", object.word())))
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
        if let Some(trouble) = permit.bar() {
            return Err(trouble.clone());
        }
        let reply = self.send(permit, Method::GET, path, None).await;
        let reply = reply.map_err(|error| Trouble::Later {
            after_ms: None,
            said: error.to_string(),
            limit: false,
        })?;
        if reply.status().is_success() { Ok(reply.into_body()) } else { Err(reply::trouble_of_read(&reply)) }
    }

    /// One page of a pass over an object, soft-deleted records included, in the order of ids (contract 6.3).
    pub async fn page(&self, permit: &Permit, object: Object, ask: &PageAsk) -> Result<RecordPage, Trouble> {
        let names = names_of(object)?;
        let path = query::page(names.plural, ask);
        let body = self.read(permit, &path).await?;
        reply::page(&body, names.plural).inspect_err(|trouble| unfit(permit, &path, trouble))
    }

    /// Which of these ids exist, soft-deleted ones included. An answer that holds any other record is `Broken`:
    /// the filter was ignored, and ours may stand on another page.
    pub async fn probe(
        &self,
        permit: &Permit,
        object: Object,
        ids: &[Uuid],
    ) -> Result<Vec<RawRecord>, Trouble> {
        let names = names_of(object)?;
        let path = query::probe(names.plural, ids);
        let body = self.read(permit, &path).await?;
        let fitting = reply::page(&body, names.plural).and_then(|page| {
            if page.records.iter().any(|record| !ids.contains(&record.id)) {
                return Err(Trouble::Broken("Twenty answered with records that were not asked for".into()));
            }
            Ok(page.records)
        });
        fitting.inspect_err(|trouble| unfit(permit, &path, trouble))
    }

    /// Creates records, each with the id we chose; all or nothing (contract 1.6). `bodies` are JSON objects that
    /// hold their own `id`, and `ids` the same ids.
    pub async fn create(&self, permit: &Permit, object: Object, ids: &[Uuid], bodies: &[&str]) -> Outcome {
        let names = match names_of(object) {
            Ok(names) => names,
            Err(trouble) => return Outcome::Rejected(trouble),
        };
        let body = format!("[{}]", bodies.join(","));
        let path = format!("/rest/batch/{}?depth=0", names.plural);
        match self.send(permit, Method::POST, &path, Some(body)).await {
            Err(TransportError::Refused(said)) => {
                Outcome::Rejected(Trouble::Later { after_ms: None, said, limit: false })
            }
            Err(TransportError::Broken(said)) => Outcome::Unknown(said),
            Ok(answer) => {
                let outcome = reply::created(&answer, names.create_many, ids);
                if let Outcome::Rejected(trouble) = &outcome {
                    unfit(permit, &path, trouble);
                }
                outcome
            }
        }
    }

    /// The objects and fields this workspace has. Costs nothing of the call budget (contract 3.1).
    pub async fn schema(&self, permit: &Permit) -> Result<Schema, Trouble> {
        let mut schema = Schema::default();
        let mut after: Option<String> = None;
        loop {
            let path = query::metadata_objects(after.as_deref());
            let body = self.read(permit, &path).await?;
            after = schema.add_page(&body).inspect_err(|trouble| unfit(permit, &path, trouble))?;
            if after.is_none() {
                return Ok(schema);
            }
        }
    }
}
