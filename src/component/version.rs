//! One version of a component, ready to serve.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::fleet::Fleet;
use super::maker::Maker;
use super::pool::{Pool, Way};
use super::slots::Slots;
use super::supervisor::{Superiors, Supervisor};
use crate::core::{
    ComponentMetadata, ComponentName, ComponentSpec, Digest, Grants, Health, Instances, Limits,
    Message, RunState, Supervision, VersionName, VersionTag,
};
use crate::monitoring::{Ending, GuestMetrics, InstanceCounts, Tally};
use crate::runtime::{Call, InvokeError, Prepared, RequestBody, ResponseBody, handle, invoke};

/// How often it is looked whether anybody still holds a version that leaves.
const LEAVING: Duration = Duration::from_millis(100);

/// Immutable bytes of a component, compiled, with their instances and who keeps them alive.
pub struct Version {
    component: ComponentName,
    name: VersionName,
    tag: VersionTag,
    digest: Digest,
    instances: Instances,
    supervision: Supervision,
    grants: Arc<Grants>,
    metrics: Arc<GuestMetrics>,
    tally: Arc<Tally>,
    prepared: Arc<Prepared>,
    fleet: Fleet,
    supervisor: Arc<Supervisor>,
}

impl Version {
    pub(super) fn new(
        prepared: Prepared,
        digest: Digest,
        spec: &ComponentSpec,
        superiors: Superiors,
        slots: &Arc<Slots>,
        runtime: Handle,
    ) -> Self {
        let prepared = Arc::new(prepared);
        let (component, name) = prepared.name();
        let (component, name) = (component.clone(), name.clone());
        let metrics = Arc::new(GuestMetrics::new(&component, &name));
        let (instances, supervision) = (spec.instances.clone(), spec.supervision.clone());
        let timeout = supervision.shutdown_timeout;
        let maker = Maker::new(
            prepared.clone(),
            slots.clone(),
            metrics.clone(),
            timeout,
            runtime,
        );
        let supervisor = Supervisor::new(maker, instances.clone(), supervision.clone(), superiors);
        slots.join(supervisor.fleet());
        Self {
            tag: VersionTag::of(&component, &name),
            component,
            name,
            digest,
            instances,
            supervision,
            grants: prepared.grants().clone(),
            metrics,
            tally: Arc::default(),
            prepared,
            fleet: supervisor.fleet().clone(),
            supervisor,
        }
    }

    /// Makes an instance: shows that it can be done before there is traffic.
    ///
    /// # Errors
    /// Whatever keeps an instance from starting.
    pub async fn warm(&self) -> Result<(), InvokeError> {
        self.supervisor.warm().await
    }

    /// Whether it is what loading these bytes under `spec` would make again.
    pub fn is_same(&self, digest: &Digest, name: &VersionName, spec: &ComponentSpec) -> bool {
        self.digest == *digest
            && self.name == *name
            && self.component == spec.name
            && *self.limits() == spec.limits
            && self.instances == spec.instances
            && self.supervision == spec.supervision
            && self.grants == spec.grants
            && (!spec.routed || self.serves_http())
            && (spec.subscriptions.is_empty() || self.prepared.handles_messages())
    }

    pub fn component(&self) -> &ComponentName {
        &self.component
    }

    pub fn name(&self) -> &VersionName {
        &self.name
    }

    /// What a request that insists on it knows it by.
    pub fn tag(&self) -> VersionTag {
        self.tag
    }

    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The names of what it imports.
    pub fn imports(&self) -> &[String] {
        self.prepared.imports()
    }

    pub fn limits(&self) -> &Limits {
        self.prepared.limits()
    }

    /// Its instances by state, now.
    pub fn instances(&self) -> InstanceCounts {
        self.fleet.counts()
    }

    pub fn metrics(&self) -> &GuestMetrics {
        &self.metrics
    }

    /// What it has done since it was loaded.
    pub fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    /// To be called once a second.
    pub fn maintain(&self) {
        self.fleet.maintain();
    }

    pub fn refresh_gauges(&self) {
        self.metrics.set_instances(self.fleet.counts());
        self.supervisor.refresh_gauges();
    }

    /// Serves one request.
    ///
    /// # Errors
    /// Everything that keeps the guest from an answer of its own.
    pub async fn serve(
        &self,
        request: http::Request<RequestBody>,
        call: Call,
    ) -> Result<http::Response<ResponseBody>, InvokeError> {
        let arrived = call.arrived;
        let mut result = self.dispatch(request, call).await;
        let duration = arrived.elapsed();
        let fault = result.as_ref().err().map(InvokeError::fault);
        self.metrics.record_call(duration, fault.as_ref());
        let ending = match &mut result {
            Ok(response) => {
                response.body_mut().count_in(&self.tally);
                Ending::from(response.status())
            }
            Err(error) => Ending::from(&error.fault()),
        };
        self.tally.count(duration, ending);
        result
    }

    /// Whether it can be asked over HTTP.
    pub fn serves_http(&self) -> bool {
        self.prepared.serves_http()
    }

    /// Has a guest handle one message. The inner error is its own word. Messages for one actor meet
    /// it in the order in which this is called, also if the futures are polled in another. Only a
    /// first `attempt` can be the failure of an actor: what kills it again is the message.
    ///
    /// # Errors
    /// Everything that keeps the guest from an answer of its own.
    pub fn handle(
        &self,
        message: Arc<Message>,
        attempt: u32,
    ) -> impl Future<Output = Result<Result<(), String>, InvokeError>> + Send + '_ {
        let began = Instant::now();
        let handling = match &self.fleet {
            Fleet::Pool(pool) => Handling::Pool(pool, message),
            Fleet::Actors(actors) => Handling::Actor(Box::pin(actors.handle(message, attempt))),
        };
        async move {
            let result = self.handled(handling).await;
            if let Err(InvokeError::Overloaded | InvokeError::Stopped) = result {
                // No instance has met it, and it comes again.
                return result;
            }
            let duration = began.elapsed();
            let fault = result.as_ref().err().map(InvokeError::fault);
            self.metrics.record_call(duration, fault.as_ref());
            let ending = match (&result, &fault) {
                (Ok(Ok(())), _) => Ending::Good,
                (_, Some(fault)) => Ending::from(fault),
                (_, None) => Ending::Error,
            };
            self.tally.count(duration, ending);
            result
        }
    }

    async fn handled<F>(&self, handling: Handling<'_, F>) -> Result<Result<(), String>, InvokeError>
    where
        F: Future<Output = Result<Result<(), String>, InvokeError>>,
    {
        self.admit().await?;
        match handling {
            Handling::Pool(pool, message) => handle(pool.lease().await?, message).await,
            Handling::Actor(handling) => handling.await,
        }
    }

    async fn dispatch(
        &self,
        request: http::Request<RequestBody>,
        call: Call,
    ) -> Result<http::Response<ResponseBody>, InvokeError> {
        self.admit().await?;
        let pool = match &self.fleet {
            Fleet::Pool(pool) => pool,
            // Boxed, so that requests of other components carry nothing of it.
            Fleet::Actors(actors) => return Box::pin(actors.serve(request, call)).await,
        };
        if !pool.is_shared() {
            let lease = pool.lease().await?;
            return invoke(lease, request, call).await;
        }
        match pool.enter(request, call).await? {
            Way::Leased(lease, request) => invoke(lease, request, call).await,
            Way::Joined(joined) => joined.answer(self.limits()).await,
        }
    }

    async fn admit(&self) -> Result<(), InvokeError> {
        match self.supervisor.state().serves() {
            true => Ok(()),
            false => Box::pin(self.supervisor.admit()).await,
        }
    }
}

/// A message on its way to an instance.
enum Handling<'a, F> {
    Pool(&'a Arc<Pool>, Arc<Message>),
    /// Its place in the mailbox is taken.
    Actor(std::pin::Pin<Box<F>>),
}

/// Its life under supervision.
impl Version {
    /// Where it is in its life.
    pub fn state(&self) -> RunState {
        self.supervisor.state()
    }

    /// What it said when it was last asked; a check that went wrong is unhealthy. `None`: it has
    /// not been asked yet, or cannot be.
    pub fn health(&self) -> Option<Health> {
        self.supervisor.health()
    }

    /// What it says of itself; `None` as for [`Version::health`].
    pub fn metadata(&self) -> Option<ComponentMetadata> {
        self.supervisor.metadata()
    }

    /// How often it was restarted since it was loaded.
    pub fn restarts(&self) -> u64 {
        self.supervisor.restarts()
    }

    /// Why it was last restarted or given up, for the operator.
    pub fn last_failure(&self) -> Option<String> {
        self.supervisor.last_failure()
    }

    pub fn supervision(&self) -> &Supervision {
        &self.supervision
    }

    /// Restarts it, whatever state it is in, as if it had never failed. Its instances are told to
    /// end first.
    pub fn restart(&self) {
        self.supervisor.restart();
    }

    /// Restarts it because a member of its group has failed, which counts as one of its own
    /// restarts. What is stopped stays so. Answers whether it had been restarted too often
    /// already, the last time with its group: then it stays as it is.
    pub fn restart_with_group(&self) -> bool {
        self.supervisor.restart_with_group()
    }

    /// Stops it: requests and messages are refused from now on, and its instances told to end.
    pub fn stop(&self) {
        self.supervisor.stop();
    }

    /// As [`Version::stop`], and waits until every instance has ended, at most until `deadline`.
    pub async fn shut_down(&self, deadline: Instant) {
        self.supervisor.shut_down(deadline.into()).await;
    }

    /// Shuts down a version that leaves for good, when nobody else holds it any more: whoever
    /// still does may have requests for it.
    pub async fn retire(self: Arc<Self>) {
        // Nobody is to be told.
        if !self.prepared.is_supervised() {
            return;
        }
        while Arc::strong_count(&self) > 1 {
            tokio::time::sleep(LEAVING).await;
        }
        self.shut_down(Instant::now() + self.supervision.shutdown_timeout)
            .await;
    }
}
