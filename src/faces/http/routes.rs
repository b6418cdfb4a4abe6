//! A route with what it needs, and the one place where routes become a router: none is served without its need.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::MethodRouter;

use super::Face;
use super::auth::{Need, guard};
use crate::ground::access::Right;

/// Below this the API is.
pub(super) const API: &str = "/api";

/// A route with what it needs.
pub(super) struct Route {
    /// Its method.
    pub(super) method: &'static str,
    /// Its whole path.
    pub(super) path: &'static str,
    /// What it asks of whoever calls it.
    pub(super) need: Need,
    handler: MethodRouter<Face>,
}

impl From<Right> for Need {
    fn from(right: Right) -> Self {
        Self::Right(right)
    }
}

/// A route. `method` is the one that `handler` answers.
pub(super) fn on(
    method: &'static str,
    path: &'static str,
    need: impl Into<Need>,
    handler: MethodRouter<Face>,
) -> Route {
    Route { method, path, need: need.into(), handler }
}

/// The routes below `/api` and the others, each behind its guard.
pub(super) fn guarded(routes: Vec<Route>, face: &Face) -> (Router<Face>, Router<Face>) {
    let (mut api, mut outer) = (Router::new(), Router::new());
    for Route { path, need, handler, .. } in routes {
        let handler = match need {
            Need::Nothing => handler,
            need => handler.route_layer(from_fn_with_state((face.clone(), need), guard)),
        };
        match path.strip_prefix(API) {
            Some(rest) => api = api.route(rest, handler),
            None => outer = outer.route(path, handler),
        }
    }
    (api, outer)
}
