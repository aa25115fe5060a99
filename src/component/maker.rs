//! Where instances of one version come from, and how they are told to end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::pool::QUEUE_TIMEOUT;
use super::slots::Slots;
use crate::monitoring::{GuestMetrics, instantiate_seconds};
use crate::runtime::{Instance, InvokeError, Lease, Prepared, Usage, shutdown};

/// Instances of a version that are told to end at once.
pub(crate) const SHUT_DOWN_AT_ONCE: usize = 32;

/// How often others are asked to make room for one instance.
const ATTEMPTS: u32 = 8;

/// Makes instances of one version.
#[derive(Clone)]
pub(crate) struct Maker {
    prepared: Arc<Prepared>,
    slots: Arc<Slots>,
    metrics: Arc<GuestMetrics>,
    instantiate_seconds: metrics::Histogram,
    /// Until an instance that is told to end is dropped.
    shutdown_timeout: Duration,
    /// Where what concerns no request is done: instances may be dropped on any thread.
    runtime: Handle,
}

impl Maker {
    pub fn new(
        prepared: Arc<Prepared>,
        slots: Arc<Slots>,
        metrics: Arc<GuestMetrics>,
        shutdown_timeout: Duration,
        runtime: Handle,
    ) -> Self {
        Self {
            prepared,
            slots,
            metrics,
            instantiate_seconds: instantiate_seconds(),
            shutdown_timeout,
            runtime,
        }
    }

    pub fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// Of a call, and of making an instance.
    pub fn timeout(&self) -> Duration {
        self.prepared.limits().timeout
    }

    pub fn shutdown_timeout(&self) -> Duration {
        self.shutdown_timeout
    }

    /// Makes one that no request has touched, initialized where it can be.
    ///
    /// # Errors
    /// Whatever keeps an instance from starting.
    pub async fn make(&self) -> Result<Instance, InvokeError> {
        match self.instantiate().await {
            // Boxed, so that those who find room carry nothing of it.
            Err(InvokeError::Overloaded) => Box::pin(self.take_the_place_of_another()).await,
            made => made,
        }
    }

    async fn instantiate(&self) -> Result<Instance, InvokeError> {
        let began = Instant::now();
        let made = tokio::time::timeout(self.timeout(), self.prepared.instantiate());
        let instance = made.await.unwrap_or(Err(InvokeError::Timeout))?;
        self.instantiate_seconds.record(began.elapsed());
        Ok(instance)
    }

    /// Where others have to make room first; somebody else may take it. Who is slow to go is no
    /// failure of this component: it has no room then.
    #[cold]
    async fn take_the_place_of_another(&self) -> Result<Instance, InvokeError> {
        let patience = tokio::time::Instant::now() + QUEUE_TIMEOUT;
        for _ in 0..ATTEMPTS {
            let room = self.slots.make_room(&self.prepared);
            let is_made = tokio::time::timeout_at(patience, room).await;
            if !is_made.unwrap_or(false) {
                break;
            }
            match self.instantiate().await {
                Err(InvokeError::Overloaded) => {}
                made => return made,
            }
        }
        Err(InvokeError::Overloaded)
    }

    /// The instance for one call, after which it is dropped.
    pub fn once(&self, instance: Instance) -> OnceLease {
        OnceLease {
            instance,
            metrics: self.metrics.clone(),
        }
    }

    /// Tells an instance to end, and drops it when it has, or at `deadline`.
    pub async fn end(&self, instance: Instance, deadline: tokio::time::Instant) {
        if !self.prepared.is_supervised() {
            return;
        }
        let left = deadline.saturating_duration_since(tokio::time::Instant::now());
        let timeout = left.min(self.shutdown_timeout);
        if let Err(error) = shutdown(self.once(instance), timeout).await {
            let (component, version) = self.prepared.name();
            tracing::warn!(%component, %version, %error, "an instance did not end well");
        }
    }

    /// As [`Maker::end`] for several.
    pub async fn end_all(&self, instances: Vec<Instance>, deadline: tokio::time::Instant) {
        stream::iter(instances)
            .for_each_concurrent(SHUT_DOWN_AT_ONCE, |it| self.end(it, deadline))
            .await;
    }

    pub fn record(&self, usage: Usage) {
        self.metrics
            .record_usage(usage.cpu, usage.fuel, usage.memory);
    }

    /// Has something done that nobody has to wait for.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        self.runtime.spawn(task)
    }
}

/// An instance for its last call.
pub(crate) struct OnceLease {
    instance: Instance,
    metrics: Arc<GuestMetrics>,
}

impl Lease for OnceLease {
    fn instance(&mut self) -> &mut Instance {
        &mut self.instance
    }

    fn is_reusable(&self) -> bool {
        false
    }

    fn judge(&mut self, _result: &Result<(), InvokeError>) {}

    fn finish(self, usage: Usage, _result: Result<(), InvokeError>) {
        self.metrics
            .record_usage(usage.cpu, usage.fuel, usage.memory);
    }
}
