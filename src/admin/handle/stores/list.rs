//! `GET /v1/stores`.

use axum::Json;
use axum::extract::State;

use crate::admin::api::Shared;
use crate::admin::views::{StoreView, StoresView};

/// One that cannot be read does not hide the others.
pub(in crate::admin) async fn list(State(shared): State<Shared>) -> Json<StoresView> {
    let all = shared.node.stores();
    let mut stores = Vec::new();
    for name in all.names() {
        if let Some(store) = all.store(&name) {
            let spaces = store.spaces().await;
            stores.push(StoreView::new(&name, &*store, spaces));
        }
    }
    Json(StoresView { stores })
}
