//! The table of endpoints as something that answers.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;

use super::context::Context;
use super::endpoint::Endpoint;
use super::{openapi, table};
use crate::admin::access::{AdminTokens, Hosts, refuse_strangers};
use crate::admin::answer::Problem;
use crate::admin::node::Node;
use crate::core::ByteSize;

/// Who may ask for what.
pub struct Settings {
    pub tokens: AdminTokens,
    /// See [`super::AdminListener::hosts`](crate::admin::AdminListener::hosts).
    pub hosts: Hosts,
    /// A larger component is not taken.
    pub artifact_limit: ByteSize,
}

/// The whole API. Health needs no token, everything else does.
pub fn router(node: Arc<dyn Node>, settings: Settings) -> Router {
    let endpoints = table::endpoints();
    let openapi = openapi::document(&endpoints).to_string();
    let Settings {
        tokens,
        hosts,
        artifact_limit,
    } = settings;
    let context = Context::new(node, tokens, hosts, artifact_limit, openapi.into());
    let shared = Arc::new(context);
    let add = |router: Router<_>, endpoint: Endpoint| {
        router.route(endpoint.path, endpoint.into_route(&shared))
    };
    endpoints
        .into_iter()
        .fold(Router::new(), add)
        .fallback(async || Problem::not_found("no such resource"))
        .method_not_allowed_fallback(async || Problem::method_not_allowed("not with this method"))
        .layer(from_fn_with_state(shared.clone(), refuse_strangers))
        .with_state(shared)
}
