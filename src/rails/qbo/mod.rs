//! QuickBooks Online over its accounting API (contract 1 to 10).

pub mod ask;
pub mod codec;
mod fault;
pub mod oauth;
pub mod reply;

#[cfg(test)]
mod hooks_tests;
#[cfg(test)]
mod oauth_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use ::http::{Request, Response, header};
use bytes::Bytes;
use uuid::Uuid;

pub use ask::{Ask, Item, QboTexts, Rows};
pub use fault::{Fault, Then};
pub use reply::{Changes, Done, Page, Report, Told};

use super::{Heard, Permit, Transport};
use crate::ground::books::{Entity, EntityId, RealmId};
use crate::ground::money::Currency;
use crate::ground::time::Instant;

/// Where the API of real companies is.
pub const PRODUCTION: &str = "https://quickbooks.api.intuit.com";
/// Where the API of test companies is.
pub const SANDBOX: &str = "https://sandbox-quickbooks.api.intuit.com";

/// The rail to the companies at one address. Which company a call is for is said with each, and its permit carries the
/// token of that company.
#[derive(Clone)]
pub struct QboRail {
    transport: Arc<dyn Transport>,
    base: String,
}

/// One company, as a call needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// Which one.
    pub realm: RealmId,
    /// Its home currency, in which amounts are that name none.
    pub home: Currency,
}

/// What became of a write.
#[derive(Debug, PartialEq)]
pub enum Written {
    /// It was done, now or when this key was first sent; the record as it is now.
    Done(Box<Told>),
    /// Nothing was done.
    Rejected(Fault),
    /// It is not known. The same request under the same key tells: a repeat answers what the first one did, and does
    /// nothing (contract 2).
    Unknown(String),
}

impl QboRail {
    /// The rail to this address.
    pub fn new(transport: Arc<dyn Transport>, base: &str) -> Self {
        Self { transport, base: base.trim_end_matches('/').to_owned() }
    }

    /// Sends one request and tells the permit what the answer taught.
    async fn call(
        &self,
        permit: &Permit,
        realm: &RealmId,
        ask: &Ask,
        key: Option<&Uuid>,
    ) -> Result<Response<Bytes>, Fault> {
        if let Some(trouble) = permit.bar() {
            return Err(Fault::NoConnection(trouble.to_string()));
        }
        let request = Request::builder()
            .method(ask.method.clone())
            .uri(format!("{}{}", self.base, ask.target(realm, key)))
            .header(header::AUTHORIZATION, format!("Bearer {}", permit.token()))
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, ask.media)
            .body(ask.body.clone().map_or_else(Bytes::new, Bytes::from))
            .map_err(|error| Fault::NoConnection(error.to_string()))?;
        let began = permit.now();
        permit.begin();
        let reply = self.transport.send(request).await;
        let now = permit.now();
        let result = match reply {
            Err(error) => Err(Fault::from(error)),
            Ok(reply) => Fault::of(&reply, now).map_or(Ok(reply), Err),
        };
        let heard =
            result.as_ref().err().map_or(Heard::Answered { ceiling: None, remaining: None }, Fault::heard);
        log(permit, ask, realm, &result, now.micros_since(began) / 1_000);
        permit.report(heard);
        result
    }

    /// A page of rows.
    pub async fn page(&self, permit: &Permit, company: &Company, rows: &Rows) -> Result<Page, Fault> {
        let reply = self.call(permit, &company.realm, &ask::page(rows), None).await?;
        reply::page(reply.body(), rows.entity, rows.start, rows.max, company.home)
    }

    /// The ids of a page of rows.
    pub async fn ids(&self, permit: &Permit, company: &Company, rows: &Rows) -> Result<Vec<EntityId>, Fault> {
        let ask = ask::statement(rows.ids_statement());
        reply::ids(self.call(permit, &company.realm, &ask, None).await?.body(), rows.entity)
    }

    /// How many there are of a kind, the inactive included.
    pub async fn count(&self, permit: &Permit, company: &Company, entity: Entity) -> Result<u64, Fault> {
        reply::count(self.call(permit, &company.realm, &ask::count(entity), None).await?.body())
    }

    /// One record. [`Fault::NotFound`] is how a deleted one is told.
    pub async fn read(
        &self,
        permit: &Permit,
        company: &Company,
        entity: Entity,
        id: &EntityId,
    ) -> Result<Told, Fault> {
        let reply = self.call(permit, &company.realm, &ask::read(&company.realm, entity, id), None).await?;
        // The company and its preferences have no id in their address.
        let wanted = Some(id).filter(|_| entity.is_list() || entity.is_document());
        reply::one(reply.body(), entity, wanted, company.home)
    }

    /// What changed in these kinds since then.
    pub async fn changes(
        &self,
        permit: &Permit,
        company: &Company,
        entities: &[Entity],
        since: Instant,
    ) -> Result<Changes, Fault> {
        let reply = self.call(permit, &company.realm, &ask::changes(entities, since), None).await?;
        reply::changes(reply.body(), entities, company.home)
    }

    /// A report, for a daily control.
    pub async fn report(
        &self,
        permit: &Permit,
        company: &Company,
        name: &'static str,
        query: Vec<(&'static str, String)>,
    ) -> Result<Report, Fault> {
        let ask = ask::report(name, query);
        reply::report(self.call(permit, &company.realm, &ask, None).await?.body())
    }

    /// Makes, changes, voids or deletes one record: what [`ask::create`] and its neighbours ask for. `key` was stored
    /// before, and is the same for every attempt at this one write.
    pub async fn write(&self, permit: &Permit, company: &Company, ask: &Ask, key: &Uuid) -> Written {
        let Some((entity, id)) = &ask.about else {
            return Written::Rejected(Fault::Unfit("this request writes nothing".into()));
        };
        match self.call(permit, &company.realm, ask, Some(key)).await {
            Ok(reply) => match reply::one(reply.body(), *entity, id.as_ref(), company.home) {
                Ok(told) => Written::Done(Box::new(told)),
                Err(fault) => Written::Unknown(fault.to_string()),
            },
            Err(fault) if fault.did_nothing() => Written::Rejected(fault),
            Err(fault) => Written::Unknown(fault.to_string()),
        }
    }

    /// Several things in one call. An item that is not among the answers is not known.
    pub async fn batch(
        &self,
        permit: &Permit,
        company: &Company,
        items: &[Item],
        key: &Uuid,
    ) -> Result<BTreeMap<usize, Done>, Fault> {
        let ask = ask::batch(items).ok_or_else(|| Fault::Refused {
            code: String::new(),
            said: format!("a batch has 1 to {} items", ask::BATCH_MAX),
            element: None,
        })?;
        let reply = self.call(permit, &company.realm, &ask, Some(key)).await?;
        reply::batch(reply.body(), items.len(), company.home)
    }
}

/// One line a call: never the token, the query or a body, and of an answer only its kind.
fn log(
    permit: &Permit,
    ask: &Ask,
    realm: &RealmId,
    result: &Result<Response<Bytes>, Fault>,
    duration_ms: i64,
) {
    let (method, path) = (ask.method.as_str(), ask.path.as_str());
    let (request_id, context) = (permit.request_id(), permit.context());
    let realm = realm.as_str();
    match result {
        Ok(reply) => {
            let tid = reply.headers().get("intuit_tid").and_then(|value| value.to_str().ok());
            let status = reply.status().as_u16();
            tracing::debug!(
                event = "qbo_call",
                requestId = request_id,
                context,
                method,
                path,
                realm,
                status,
                durationMs = duration_ms,
                intuitTid = tid
            );
        }
        Err(fault) => {
            let kind = fault.kind();
            tracing::warn!(
                event = "qbo_call_failed",
                requestId = request_id,
                context,
                method,
                path,
                realm,
                durationMs = duration_ms,
                kind
            );
        }
    }
}
