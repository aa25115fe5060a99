//! What a node does by itself while it serves.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::node::Node;
use super::stores::NodeStores;
use crate::lifecycle::Delivery;
use crate::monitoring::StoreUsage;

/// How often idle instances are aged and gauges refreshed.
const MAINTENANCE: Duration = Duration::from_secs(1);

/// How often it is counted what components have in the stores.
const STORE_USAGE: Duration = Duration::from_secs(10);

/// Begins all of it.
pub(super) fn begin(node: &Arc<Node>) -> Vec<JoinHandle<()>> {
    vec![
        tokio::spawn(maintain(node.clone())),
        tokio::spawn(keep_driving(node.delivery.clone())),
        tokio::spawn(keep_counting(node.stores.clone())),
    ]
}

/// A bug of ours must not leave rollouts without anybody who watches them.
async fn keep_driving(delivery: Arc<Delivery>) {
    while tokio::spawn(delivery.clone().drive()).await.is_err() {
        tracing::error!("the analysis of rollouts broke off; it begins again");
    }
}

async fn maintain(node: Arc<Node>) {
    let mut ticks = tokio::time::interval(MAINTENANCE);
    loop {
        ticks.tick().await;
        node.maintain();
    }
}

async fn keep_counting(stores: Arc<NodeStores>) {
    let mut usage = StoreUsage::default();
    let mut ticks = tokio::time::interval(STORE_USAGE);
    loop {
        ticks.tick().await;
        usage.refresh(&*stores).await;
    }
}
