//! The node itself: health, metrics, routes, reload and drain.

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};

use crate::admin::answer::{Problem, accepted, not_ready, text};
use crate::admin::api::Shared;
use crate::admin::node::{Readiness, ReloadFailure};
use crate::admin::views::{Draining, Reloaded, RouteView};
use crate::core::ComponentName;

pub(in crate::admin) async fn livez() -> &'static str {
    "ok\n"
}

pub(in crate::admin) async fn readyz(State(shared): State<Shared>) -> Response {
    match shared.node.readiness() {
        Readiness::Ready => "ok\n".into_response(),
        Readiness::Draining => not_ready("draining\n"),
        Readiness::Failed(components) => {
            let names: Vec<_> = components.iter().map(ComponentName::as_str).collect();
            not_ready(format!("failed: {}\n", names.join(", ")))
        }
    }
}

pub(in crate::admin) async fn metrics(State(shared): State<Shared>) -> Response {
    let media = "text/plain; version=0.0.4; charset=utf-8";
    text(media, shared.node.metrics())
}

pub(in crate::admin) async fn openapi(State(shared): State<Shared>) -> Response {
    let media = [(CONTENT_TYPE, "application/json")];
    (media, shared.openapi.clone()).into_response()
}

pub(in crate::admin) async fn routes(State(shared): State<Shared>) -> Json<Vec<RouteView>> {
    let config = shared.node.config();
    let views = config.routes.iter().map(|route| RouteView::new(route));
    Json(views.collect())
}

pub(in crate::admin) async fn reload(
    State(shared): State<Shared>,
) -> Result<Json<Reloaded>, Problem> {
    match shared.node.reload().await {
        Ok(()) => Ok(Json(Reloaded { reloaded: true })),
        Err(ReloadFailure {
            report,
            diagnostics,
        }) => Err(Problem::unprocessable(report).diagnostics(diagnostics)),
    }
}

pub(in crate::admin) async fn drain(State(shared): State<Shared>) -> Response {
    shared.node.drain();
    accepted(Draining { draining: true })
}
