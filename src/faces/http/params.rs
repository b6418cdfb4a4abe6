//! Query parameters: only known ones, each checked; cursors are opaque to the caller.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Query};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::request::Parts;

use super::problem::Problem;

/// Records of a page by default.
const LIMIT_DEFAULT: usize = 25;
/// Records of a page at most.
const LIMIT_MAX: usize = 100;

/// The query of a request, taken apart by its handler.
#[derive(Debug)]
pub struct Params(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let Query(pairs) = pairs.map_err(|error| Problem::field("query", error.to_string()))?;
        let mut map: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in pairs {
            // A repeated parameter is a list, as a comma list is.
            map.entry(name).and_modify(|all| all.extend([",", value.as_str()])).or_insert(value);
        }
        Ok(Self(map))
    }
}

/// For addresses that take no parameters: an ignored one would be taken for an answered one.
#[derive(Debug)]
pub struct NoParams;

impl<S: Send + Sync> FromRequestParts<S> for NoParams {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = Params::from_request_parts(parts, state).await?;
        match params.0.keys().next() {
            Some(name) => Err(Problem::field(
                name,
                format!("This address takes no parameters; {name:?} means nothing here."),
            )),
            None => Ok(Self),
        }
    }
}

impl Params {
    /// Refuses parameters that are not in `known`: one that is ignored would bring back more than was asked for.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Problem> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(Problem::field(
                name,
                format!("There is no parameter {name:?} here; known are: {}.", known.join(", ")),
            )),
            None => Ok(()),
        }
    }

    /// A parameter, trimmed; empty is absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// A parameter read by `parse`.
    pub(super) fn parsed<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        parse(text).map(Some).ok_or_else(|| Problem::field(name, format!("{name} does not take {text:?}.")))
    }

    /// `limit`, between 1 and the most.
    pub(super) fn limit(&self) -> Result<usize, Problem> {
        let limit = self.parsed("limit", |text| text.parse::<usize>().ok())?;
        Ok(limit.map_or(LIMIT_DEFAULT, |limit| limit.clamp(1, LIMIT_MAX)))
    }

    /// `cursor`, decoded.
    pub(super) fn cursor(&self) -> Result<Option<Vec<u8>>, Problem> {
        self.parsed("cursor", |text| BASE64_URL_SAFE_NO_PAD.decode(text).ok())
    }
}

/// A cursor for the caller.
pub(super) fn cursor(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
