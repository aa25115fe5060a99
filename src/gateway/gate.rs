//! What all connections share: the routing snapshot, the counters, the drain flag.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use super::snapshot::Snapshot;
use super::watchdog::Pulse;
use crate::lifecycle::{Deployments, Stage};
use crate::monitoring::RouteMetrics;

/// The state of the front door.
pub struct Gate {
    snapshot: ArcSwap<Snapshot>,
    in_flight: AtomicUsize,
    draining: AtomicBool,
    drain: Notify,
    /// Accepted and not yet closed.
    connections: AtomicUsize,
    closed: Notify,
    pulses: Mutex<HashMap<u64, Weak<Pulse>>>,
    next_pulse: AtomicU64,
    unrouted: RouteMetrics,
}

impl Gate {
    pub fn new(snapshot: Snapshot) -> Arc<Self> {
        Arc::new(Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            in_flight: AtomicUsize::new(0),
            draining: AtomicBool::new(false),
            drain: Notify::new(),
            connections: AtomicUsize::new(0),
            closed: Notify::new(),
            pulses: Mutex::default(),
            next_pulse: AtomicU64::new(0),
            unrouted: RouteMetrics::new("none"),
        })
    }

    /// The routing and traffic table of this moment.
    pub fn snapshot(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// Replaces routes, traffic and settings at once. Requests under way keep what they
    /// have; connections take new limits with their next start.
    pub fn replace(&self, snapshot: Snapshot) {
        self.snapshot.store(Arc::new(snapshot));
    }

    /// Series of requests that reached no route.
    pub(crate) fn unrouted(&self) -> &RouteMetrics {
        &self.unrouted
    }

    /// Counts a request in, if there is room for it.
    pub(crate) fn admit(&self, limit: usize) -> bool {
        let full = self.in_flight.fetch_add(1, Ordering::Relaxed) >= limit;
        if full {
            self.leave();
        }
        !full
    }

    /// Counts an admitted request out.
    pub(crate) fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Requests whose response has not ended.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Open connections.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Acquire)
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// No new requests from now on; connections close as soon as they are idle.
    pub fn start_drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
        self.drain.notify_waiters();
        let pulses = self.pulses.lock().unwrap_or_else(PoisonError::into_inner);
        pulses
            .values()
            .filter_map(Weak::upgrade)
            .for_each(|pulse| pulse.wake());
    }

    /// Waits until a drain begins.
    pub(crate) async fn draining(&self) {
        let mut drain = std::pin::pin!(self.drain.notified());
        drain.as_mut().enable();
        if !self.is_draining() {
            drain.await;
        }
    }

    /// Waits until every connection has closed.
    pub async fn drained(&self) {
        self.wait_for_connections(0).await;
    }

    /// Waits until one more connection may be accepted.
    pub(crate) async fn room(&self) {
        let limit = self.snapshot().max_connections;
        self.wait_for_connections(limit.saturating_sub(1)).await;
    }

    async fn wait_for_connections(&self, at_most: usize) {
        while self.connections() > at_most {
            let closed = self.closed.notified();
            if self.connections() > at_most {
                closed.await;
            }
        }
    }

    /// Counts a connection until the guard is dropped.
    pub(crate) fn open(self: &Arc<Self>) -> Open {
        self.connections.fetch_add(1, Ordering::AcqRel);
        Open(self.clone())
    }

    /// Lets a drain wake a connection until the guard is dropped.
    pub(crate) fn register(self: &Arc<Self>, pulse: &Arc<Pulse>) -> Registered {
        let id = self.next_pulse.fetch_add(1, Ordering::Relaxed);
        let mut pulses = self.pulses.lock().unwrap_or_else(PoisonError::into_inner);
        pulses.insert(id, Arc::downgrade(pulse));
        Registered {
            gate: self.clone(),
            id,
        }
    }
}

impl Stage for Gate {
    /// Called by whoever makes one change after the other, as [`Gate::replace`] is.
    fn show(&self, deployments: &Deployments) {
        let snapshot = self.snapshot.load().with(deployments);
        self.replace(snapshot);
    }
}

/// One open connection.
pub(crate) struct Open(Arc<Gate>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::AcqRel);
        self.0.closed.notify_waiters();
    }
}

/// A connection that a drain can wake.
pub(crate) struct Registered {
    gate: Arc<Gate>,
    id: u64,
}

impl Registered {
    /// Of the connection; no other one ever has it.
    pub fn number(&self) -> u64 {
        self.id
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut pulses = self
            .gate
            .pulses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        pulses.remove(&self.id);
    }
}
