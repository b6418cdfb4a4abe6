//! Writes of existing callers: kept by the desk, brought to Twenty by a run, answered as the old service did.

use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::Face;
use super::super::auth::Known;
use super::super::gifts::if_match;
use super::super::problem::Problem;
use super::Kind;
use super::body::idempotency_key;
use super::list;
use super::wait::{Became, outcome};
use crate::desk::makes::MakeAsk;
use crate::desk::{EditAsk, Refusal};

/// What a write of one record is answered with.
pub(super) struct Written<'a> {
    pub(super) face: &'a Face,
    pub(super) known: &'a Known,
    pub(super) kind: &'a Kind,
}

impl Written<'_> {
    /// The body for a kind of record, by the fields that the workspace has.
    pub(super) fn kind(face: &Face, known: &Known, plural: &str) -> Result<Kind, Problem> {
        let snapshot = known.snapshot(face)?;
        Kind::named(&snapshot, plural)
    }

    /// Changes a record, waits, and answers with it under `update…`.
    pub(super) async fn change(
        &self,
        record: Uuid,
        fields: Map<String, Value>,
        headers: &HeaderMap,
    ) -> Result<Response, Problem> {
        match self.changed(record, fields, headers).await? {
            Became::Waits(response) => Ok(response),
            Became::Done => self.told(StatusCode::OK, "update", record),
        }
    }

    /// Changes a record and waits. One that is as wanted already is done.
    pub(super) async fn changed(
        &self,
        record: Uuid,
        fields: Map<String, Value>,
        headers: &HeaderMap,
    ) -> Result<Became, Problem> {
        let ask = EditAsk { object: self.kind.object, record, fields, seen: if_match(headers)? };
        let notes = self.face.desk.store.watch();
        match self.face.desk.edit_record(&self.known.asked, ask).await {
            Ok(kept) => outcome(self.face, self.known, &[kept], notes).await,
            Err(Refusal::Unchanged) => Ok(Became::Done),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Makes a record of these fields, and of these where the caller said nothing, and waits; its id, or what to answer while it is on its way.
    pub(super) async fn made(
        &self,
        (fields, defaults): (Map<String, Value>, Map<String, Value>),
        headers: &HeaderMap,
    ) -> Result<Result<Uuid, Response>, Problem> {
        let object = self.kind.object;
        let ask = MakeAsk { object, fields, defaults, idempotency_key: idempotency_key(headers)? };
        let notes = self.face.desk.store.watch();
        let kept = self.face.desk.make_record(&self.known.asked, ask).await?;
        Ok(match outcome(self.face, self.known, &[kept], notes).await? {
            Became::Waits(response) => Err(response),
            Became::Done => Ok(kept.record),
        })
    }

    /// Makes a record, waits, and answers with it under `create…`.
    pub(super) async fn make(
        &self,
        status: StatusCode,
        fields: (Map<String, Value>, Map<String, Value>),
        headers: &HeaderMap,
    ) -> Result<Response, Problem> {
        match self.made(fields, headers).await? {
            Ok(record) => self.told(status, "create", record),
            Err(response) => Ok(response),
        }
    }

    /// Deletes a record, waits, and answers with its id under `delete…`.
    pub(super) async fn delete(&self, record: Uuid) -> Result<Response, Problem> {
        let notes = self.face.desk.store.watch();
        let kept = self.face.desk.delete_record(&self.known.asked, self.kind.object, record).await?;
        if let Some(kept) = kept
            && let Became::Waits(response) = outcome(self.face, self.known, &[kept], notes).await?
        {
            return Ok(response);
        }
        let snapshot = self.known.snapshot(self.face)?;
        let meta = list::meta(&snapshot, self.face, self.kind.object)?;
        list::in_twenty(StatusCode::OK, &self.member("delete"), &json!({ "id": record }).to_string(), &meta)
    }

    /// `updateGift`
    fn member(&self, what: &str) -> String {
        let mut letters = self.kind.names.singular.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        what.chars().chain(first).chain(letters).collect()
    }

    fn told(&self, status: StatusCode, what: &str, record: Uuid) -> Result<Response, Problem> {
        let snapshot = self.known.snapshot(self.face)?;
        let (record, meta) = list::record(&snapshot, self.face, self.kind, record)?;
        list::in_twenty(status, &self.member(what), &record, &meta)
    }
}
