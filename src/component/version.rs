//! One version of a component, ready to serve.

use std::sync::Arc;
use std::time::Instant;

use super::pool::{Pool, Way};
use crate::core::{
    ComponentName, ComponentSpec, Digest, Grants, Instances, Limits, Message, VersionName,
    VersionTag,
};
use crate::monitoring::{Ending, GuestMetrics, InstanceCounts, Tally};
use crate::runtime::{Call, InvokeError, Prepared, RequestBody, ResponseBody, handle, invoke};

/// Immutable bytes of a component, compiled, with the pool of their instances.
pub struct Version {
    component: ComponentName,
    name: VersionName,
    tag: VersionTag,
    digest: Digest,
    instances: Instances,
    grants: Arc<Grants>,
    metrics: Arc<GuestMetrics>,
    tally: Arc<Tally>,
    pool: Arc<Pool>,
}

impl Version {
    pub(crate) fn new(prepared: Prepared, digest: Digest, instances: Instances) -> Self {
        let grants = prepared.grants().clone();
        let (component, name) = prepared.name();
        let (component, name) = (component.clone(), name.clone());
        let metrics = Arc::new(GuestMetrics::new(&component, &name));
        let pool = Pool::new(prepared, instances.clone(), metrics.clone());
        Self {
            tag: VersionTag::of(&component, &name),
            component,
            name,
            digest,
            instances,
            grants,
            metrics,
            tally: Arc::default(),
            pool,
        }
    }

    /// Makes an instance: shows that it can be done before there is traffic.
    ///
    /// # Errors
    /// Whatever keeps an instance from starting.
    pub async fn warm(&self) -> Result<(), InvokeError> {
        self.pool.warm().await
    }

    /// Whether it is what loading these bytes under `spec` would make again.
    pub fn is_same(&self, digest: &Digest, name: &VersionName, spec: &ComponentSpec) -> bool {
        self.digest == *digest
            && self.name == *name
            && self.component == spec.name
            && *self.limits() == spec.limits
            && self.instances == spec.instances
            && self.grants == spec.grants
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
        self.pool.prepared().imports()
    }

    pub fn limits(&self) -> &Limits {
        self.pool.prepared().limits()
    }

    /// Its instances by state, now.
    pub fn instances(&self) -> InstanceCounts {
        self.pool.counts()
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
        self.pool.maintain();
    }

    pub fn refresh_gauges(&self) {
        self.pool.refresh_gauges();
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
        self.pool.prepared().serves_http()
    }

    /// Has a guest handle one message. The inner error is its own word.
    ///
    /// # Errors
    /// Everything that keeps the guest from an answer of its own.
    pub async fn handle(&self, message: Arc<Message>) -> Result<Result<(), String>, InvokeError> {
        let began = Instant::now();
        let result = match self.pool.lease().await {
            Ok(lease) => handle(lease, message).await,
            Err(error) => Err(error),
        };
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

    async fn dispatch(
        &self,
        request: http::Request<RequestBody>,
        call: Call,
    ) -> Result<http::Response<ResponseBody>, InvokeError> {
        if !self.pool.is_shared() {
            let lease = self.pool.lease().await?;
            return invoke(lease, request, call).await;
        }
        match self.pool.enter(request, call).await? {
            Way::Leased(lease, request) => invoke(lease, request, call).await,
            Way::Joined(joined) => joined.answer(self.limits()).await,
        }
    }
}
