//! Changes versions and traffic, one change at a time.

use super::{Change, ChangeError, DeliveryStatus, Deploy, Events};
use crate::core::{ComponentName, VersionName};
use crate::lifecycle::journal::Record;
use crate::lifecycle::state::Traffic;

/// The only way by which versions and traffic change while the node runs.
pub struct Delivery {
    events: Events,
}

impl Delivery {
    /// Verifies, compiles and warms a version, keeps it, and gives it traffic by the
    /// strategy of its component. Returns as soon as the rollout has begun.
    ///
    /// # Errors
    /// Whatever is wrong with it; nothing has changed then.
    pub async fn deploy(&self, deploy: Deploy) -> Result<Deployed, ChangeError> {
        let _ = deploy;
        unimplemented!()
    }

    /// Sets the weights at once; a rollout under way is aborted.
    ///
    /// # Errors
    /// An unknown version, weights that sum to 0, or a generation that is not the expected.
    pub async fn set_traffic(
        &self,
        component: &ComponentName,
        traffic: Traffic,
        change: Change,
    ) -> Result<DeliveryStatus, ChangeError> {
        let _ = (component, traffic, change);
        unimplemented!()
    }

    /// Goes back to the traffic before the last change, or gives everything to `to`.
    ///
    /// # Errors
    /// There is nothing to go back to, or it cannot be instantiated.
    pub async fn rollback(
        &self,
        component: &ComponentName,
        to: Option<&VersionName>,
        change: Change,
    ) -> Result<DeliveryStatus, ChangeError> {
        let _ = (component, to, change);
        unimplemented!()
    }

    /// Changes the rollout that is under way.
    ///
    /// # Errors
    /// There is none, or it is not in a phase that allows it.
    pub async fn steer(
        &self,
        component: &ComponentName,
        steering: Steering,
        change: Change,
    ) -> Result<DeliveryStatus, ChangeError> {
        let _ = (component, steering, change);
        unimplemented!()
    }

    pub fn status(&self, component: &ComponentName) -> Option<DeliveryStatus> {
        let _ = component;
        unimplemented!()
    }

    /// By name.
    pub fn statuses(&self) -> Vec<DeliveryStatus> {
        unimplemented!()
    }

    /// The last records of the journal, the newest first.
    pub fn history(&self, component: Option<&ComponentName>, limit: usize) -> Vec<Record> {
        let _ = (component, limit);
        unimplemented!()
    }

    pub fn events(&self) -> &Events {
        &self.events
    }
}

/// What came of a deployment.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// The version was not there before.
    pub is_new: bool,
    pub status: DeliveryStatus,
}

/// What an operator does to a rollout under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steering {
    /// Skips to the end: the candidate gets all traffic.
    Promote,
    /// Stays at its step; a failure still rolls back.
    Pause,
    Resume,
    /// Brings back the traffic of before.
    Abort,
}
