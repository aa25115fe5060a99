//! All components as they are deployed now, and the calls between them.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::Request;

use super::deployments::Deployments;
use crate::component::{Call, NoSuchPeer, PeerBody, PeerCall, Peers, RequestBody};

/// How long a caller may pause in the middle of its request body.
const BODY_IDLE: Duration = Duration::from_secs(20);

/// The deployments of this moment: replaced in one swap.
#[derive(Default)]
pub struct Directory(ArcSwap<Deployments>);

impl Directory {
    pub fn load(&self) -> arc_swap::Guard<Arc<Deployments>> {
        self.0.load()
    }

    pub fn load_full(&self) -> Arc<Deployments> {
        self.0.load_full()
    }

    pub fn store(&self, deployments: Deployments) {
        self.0.store(Arc::new(deployments));
    }
}

impl Peers for Directory {
    fn call(
        &self,
        component: &str,
        request: Request<PeerBody>,
        call: Call,
    ) -> Result<PeerCall, NoSuchPeer> {
        let deployments = self.load();
        let deployment = deployments.find(component).ok_or(NoSuchPeer)?;
        let version =
            deployment.versions()[deployment.follow(&call.origin, request.headers())].clone();
        let limit = version.limits().max_request_body;
        let request = request.map(|body| RequestBody::new(body, limit, BODY_IDLE));
        Ok(Box::pin(async move {
            let served = version.serve(request, call).await;
            if let Err(error) = &served {
                let (component, version) = (version.component(), version.name());
                tracing::warn!(
                    %component, %version, request_id = %call.origin.id,
                    fault = error.fault().label(), %error, "called guest failed"
                );
            }
            served
        }))
    }
}
