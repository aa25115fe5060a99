//! The paths of the admin API.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Json, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::audit;
use super::auth::{AdminToken, require_token};
use super::problem::problem;
use super::views;
use crate::config::Config;
use crate::lifecycle::Deployments;
use crate::security::AuditTrail;

/// No request of today has a body worth more.
const BODY_LIMIT: usize = 64 << 10;

/// What the admin API needs of a node.
#[async_trait::async_trait]
pub trait Node: Send + Sync + 'static {
    fn readiness(&self) -> Readiness;
    /// All metrics in the Prometheus text format.
    fn metrics(&self) -> String;
    fn config(&self) -> Arc<Config>;
    fn deployments(&self) -> Arc<Deployments>;
    fn audit(&self) -> &AuditTrail;
    /// Reads the configuration again and takes it, or keeps the old one.
    async fn reload(&self) -> Result<(), ReloadFailure>;
    /// Begins to drain, as SIGTERM does.
    fn drain(&self);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    Draining,
}

/// Why the old configuration stays.
#[derive(Debug)]
pub struct ReloadFailure {
    /// For people, as `airgate check` prints it.
    pub report: String,
    /// For programs: the diagnostics, where the file is at fault.
    pub diagnostics: Value,
}

#[derive(Clone)]
pub(super) struct Shared {
    pub node: Arc<dyn Node>,
    pub token: Arc<AdminToken>,
}

/// The whole API. Health needs no token, everything else does.
pub fn router(node: Arc<dyn Node>, token: AdminToken) -> Router {
    let shared = Shared {
        node,
        token: Arc::new(token),
    };
    let guarded = Router::new()
        .route("/metrics", get(metrics))
        .route("/v1/routes", get(routes))
        .route("/v1/components", get(components))
        .route("/v1/components/{name}", get(component))
        .route("/v1/reload", post(reload))
        .route("/v1/drain", post(drain))
        .route("/v1/audit", get(audit::events))
        .route_layer(axum::middleware::from_fn_with_state(
            shared.clone(),
            require_token,
        ))
        .route_layer(axum::middleware::from_fn_with_state(
            shared.clone(),
            audit::record,
        ));
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .merge(guarded)
        .fallback(async || problem(StatusCode::NOT_FOUND, "no such resource"))
        .method_not_allowed_fallback(async || {
            problem(StatusCode::METHOD_NOT_ALLOWED, "not with this method")
        })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(shared)
}

async fn readyz(State(shared): State<Shared>) -> Response {
    match shared.node.readiness() {
        Readiness::Ready => "ok\n".into_response(),
        Readiness::Draining => (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response(),
    }
}

async fn metrics(State(shared): State<Shared>) -> Response {
    let headers = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (headers, shared.node.metrics()).into_response()
}

async fn routes(State(shared): State<Shared>) -> Json<Value> {
    let config = shared.node.config();
    Json(
        config
            .routes
            .iter()
            .map(|route| views::route(route))
            .collect(),
    )
}

async fn components(State(shared): State<Shared>) -> Json<Value> {
    let deployments = shared.node.deployments();
    Json(
        deployments
            .iter()
            .map(|deployment| views::component(deployment))
            .collect(),
    )
}

async fn component(State(shared): State<Shared>, Path(name): Path<String>) -> Response {
    let deployments = shared.node.deployments();
    let found = name.parse().ok().and_then(|name| deployments.get(&name));
    match found {
        Some(deployment) => Json(views::component(deployment)).into_response(),
        None => problem(StatusCode::NOT_FOUND, format!("no component `{name}`")).into_response(),
    }
}

async fn reload(State(shared): State<Shared>) -> Response {
    match shared.node.reload().await {
        Ok(()) => Json(json!({ "reloaded": true })).into_response(),
        Err(failure) => problem(StatusCode::UNPROCESSABLE_ENTITY, failure.report)
            .with("diagnostics", failure.diagnostics)
            .into_response(),
    }
}

async fn drain(State(shared): State<Shared>) -> Response {
    shared.node.drain();
    (StatusCode::ACCEPTED, Json(json!({ "draining": true }))).into_response()
}
