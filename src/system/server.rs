//! A node that serves: until it is told to stop, and until its last connection has ended.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::node::Node;
use super::signals::{Signals, Wish};
use super::watch::FileWatch;
use crate::core::{MessageBus, QueueState, SubscriptionState};
use crate::gateway::Socket;
use crate::lifecycle::StateLock;

/// Subscriptions of which it is told at the end what they had to leave.
const MOST_TOLD: usize = 20;

/// Where a node listens.
#[derive(Debug, Clone)]
pub struct Addresses {
    pub sockets: Vec<Socket>,
    pub admin: Option<SocketAddr>,
}

/// A node that serves.
pub struct Server {
    node: Arc<Node>,
    signals: Signals,
    changed: Arc<Notify>,
    watch: Option<FileWatch>,
    addresses: Addresses,
    tasks: Vec<JoinHandle<()>>,
    /// No other node uses the state directory meanwhile.
    _lock: StateLock,
}

impl Server {
    /// Serves from now on, with an eye on the files that the node is made of.
    pub(super) fn follow(
        node: Arc<Node>,
        signals: Signals,
        addresses: Addresses,
        tasks: Vec<JoinHandle<()>>,
        lock: StateLock,
    ) -> Self {
        let changed = Arc::new(Notify::new());
        let watch = FileWatch::start(changed.clone());
        if let Err(error) = &watch {
            tracing::warn!(%error, "cannot watch for changes; send SIGHUP to reload");
        }
        let mut watch = watch.ok();
        if let Some(watch) = &mut watch {
            watch.follow(&node.config.load());
        }
        Self {
            node,
            signals,
            changed,
            watch,
            addresses,
            tasks,
            _lock: lock,
        }
    }

    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Serves until told to stop, then drains. A second wish to stop ends it at once.
    /// Returns whether every request could be finished.
    pub async fn run(mut self) -> bool {
        loop {
            let wish = tokio::select! {
                wish = self.signals.next() => wish,
                () = self.changed.notified() => Wish::Reload,
                () = self.node.stop.notified() => Wish::Stop,
            };
            if wish == Wish::Stop || self.reload().await == Wish::Stop {
                return self.stop().await;
            }
        }
    }

    /// Reloads, unless somebody wants to stop meanwhile: a component may take long.
    async fn reload(&mut self) -> Wish {
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Reloading]);
        let node = self.node.clone();
        let mut wishes = std::pin::pin!(async { while self.signals.next().await != Wish::Stop {} });
        tokio::select! {
            // The error is in the log, and in the gauge.
            _ = node.reload() => {}
            () = &mut wishes => return Wish::Stop,
        }
        if let Some(watch) = &mut self.watch {
            watch.follow(&self.node.config.load());
        }
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        Wish::Reload
    }

    async fn stop(&mut self) -> bool {
        let timeout = self.node.config.load().server.drain_timeout;
        tracing::info!(in_flight = self.node.gate.in_flight(), "draining");
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
        self.node.gate.start_drain();
        self.node.delivery.close();
        let node = self.node.clone();
        let drained = async move {
            node.listeners.lock().await.close();
            node.gate.drained().await;
            // What requests have sent is handled before those who handle it are told to end.
            node.bus.drain().await;
        };
        let (drained, is_urgent) = tokio::select! {
            () = drained => (true, false),
            () = tokio::time::sleep(timeout) => (false, false),
            () = second_stop(&mut self.signals) => (false, true),
        };
        if !drained {
            tell_what_is_left(&self.node).await;
        }
        if !is_urgent {
            let end = async {
                self.node.subscriptions.end().await;
                self.node.delivery.shut_down().await;
            };
            // Whoever was slow must not cost components their end; each has a deadline of its own.
            tokio::select! {
                () = end => {}
                () = second_stop(&mut self.signals) => {}
            }
        }
        self.node.subscriptions.abandon();
        self.tasks.iter().for_each(JoinHandle::abort);
        drained
    }
}

/// What a drain that was too short leaves undone.
async fn tell_what_is_left(node: &Node) {
    let inspection = node.bus.inspect().await;
    let left = |queue: &QueueState| queue.waiting + queue.in_flight;
    let mut queues = inspection.subscriptions;
    queues.retain(|it| left(&it.queue) > 0);
    queues.sort_by_key(|it| std::cmp::Reverse(left(&it.queue)));
    for SubscriptionState {
        subscription,
        queue,
        ..
    } in queues.iter().take(MOST_TOLD)
    {
        tracing::warn!(
            subscriber = %subscription.subscriber, topic = %subscription.spec.topic,
            waiting = queue.waiting, in_flight = queue.in_flight,
            "messages could not be handled"
        );
    }
    let messages: u64 = queues.iter().map(|it| left(&it.queue)).sum();
    let (in_flight, subscriptions) = (node.gate.in_flight(), queues.len());
    tracing::warn!(
        in_flight,
        messages,
        subscriptions,
        "not everything could be finished"
    );
}

async fn second_stop(signals: &mut Signals) {
    while signals.next().await != Wish::Stop {}
}
