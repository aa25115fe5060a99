//! `GET /v1/bus`.

use axum::Json;
use axum::extract::State;

use crate::admin::api::Shared;
use crate::admin::views::BusView;

pub(in crate::admin) async fn status(State(shared): State<Shared>) -> Json<BusView> {
    Json(shared.node.bus().inspect().await.into())
}
