//! What becomes of versions while they run: told to who watches, and what they cannot mend by
//! themselves.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;

use super::{Delivery, DeliveryEvent};
use crate::component::{Superior, Version};
use crate::core::{ComponentName, GroupName, RunState, Timestamp, VersionName};
use crate::lifecycle::deployments::Deployments;

/// By whom a change of state is made.
const SUPERVISOR: &str = "supervisor";

impl Superior for Delivery {
    fn changed(
        &self,
        component: &ComponentName,
        version: &VersionName,
        state: RunState,
        reason: Option<&str>,
    ) {
        let reason = match reason {
            Some(reason) => format!("{}: {reason}", state.as_str()),
            None => state.as_str().to_owned(),
        };
        self.events.publish(DeliveryEvent {
            id: 0,
            at: Timestamp::now(),
            kind: "state",
            component: component.to_string(),
            by: SUPERVISOR.to_owned(),
            version: Some(version.to_string()),
            reason: Some(reason),
            status: None,
        });
    }

    fn escalated(&self, _: &ComponentName, _: &VersionName, group: Option<&GroupName>) {
        let Some(group) = group.cloned() else {
            return;
        };
        let deployments = self.directory.load_full();
        // In a task of its own: whoever escalates is in the middle of it.
        tokio::spawn(async move { restart(&deployments, &group) });
    }
}

/// Restarts all versions of a group that are not beyond help.
fn restart(deployments: &Deployments, group: &GroupName) {
    let is_member = |version: &&Arc<Version>| version.supervision().group.as_ref() == Some(group);
    let members = deployments.versions().filter(is_member);
    let exceeded = members.filter(|version| version.restart_with_group());
    let exceeded = exceeded.count();
    match exceeded {
        0 => tracing::warn!(%group, "a group is restarted"),
        _ => tracing::error!(%group, exceeded, "restarting the group does not help"),
    }
}

impl Delivery {
    /// Components that have failed for good although they have traffic.
    pub fn failed(&self) -> Vec<ComponentName> {
        let deployments = self.directory.load();
        let failed = deployments.iter().filter(|deployment| {
            let mut versions = deployment.versions().iter().zip(deployment.weights());
            versions.any(|(version, weight)| *weight > 0 && version.state() == RunState::Failed)
        });
        failed.map(|deployment| deployment.name().clone()).collect()
    }

    /// Tells every instance that knows what that means that it ends, and waits for them, each as
    /// long as its component permits.
    pub async fn shut_down(&self) {
        let deployments = self.directory.load_full();
        let versions = deployments.versions().chain(deployments.shadows());
        let ends = versions.map(|version| {
            let deadline = Instant::now() + version.supervision().shutdown_timeout;
            version.shut_down(deadline)
        });
        join_all(ends).await;
    }

    /// Lets versions that nobody leads to any more finish what they do, and tells them to end.
    pub(super) fn retire(&self, before: &Deployments, after: &Deployments) {
        let stays = |version: &Arc<Version>| {
            let mut staying = after.versions().chain(after.shadows());
            staying.any(|it| Arc::ptr_eq(it, version))
        };
        let gone = before.versions().chain(before.shadows());
        for version in gone.filter(|version| !stays(version)) {
            tokio::spawn(version.clone().retire());
        }
    }
}
