//! Asks a component from time to time how it is, never more than once at a time.
//!
//! A component that is too busy to be asked is not ill: that does not count.

use std::sync::Weak;
use std::time::Duration;

use super::owner::Supervisor;
use super::word::chance;
use crate::core::RunState;

/// Runs as long as the version is there.
pub(super) async fn watch(supervisor: Weak<Supervisor>) {
    let mut is_known = learn(&supervisor).await;
    loop {
        let Some(interval) = supervisor.upgrade().map(|it| it.policy().health.interval) else {
            return;
        };
        tokio::time::sleep(around(interval)).await;
        if !is_known {
            is_known = learn(&supervisor).await;
        }
        let Some(supervisor) = supervisor.upgrade() else {
            return;
        };
        if matches!(supervisor.state(), RunState::Running | RunState::Degraded) {
            ask(&supervisor).await;
        }
    }
}

async fn ask(supervisor: &Supervisor) {
    let fleet = supervisor.fleet();
    let generation = fleet.generation();
    let answer = fleet.health(supervisor.policy().health.timeout).await;
    supervisor.checked(generation, answer);
}

/// What it says of itself. Answers whether that is known now.
async fn learn(supervisor: &Weak<Supervisor>) -> bool {
    let Some(supervisor) = supervisor.upgrade() else {
        return false;
    };
    let timeout = supervisor.policy().health.timeout;
    match supervisor.fleet().metadata(timeout).await {
        Ok(metadata) => {
            supervisor.learn(metadata);
            true
        }
        Err(error) => {
            tracing::debug!(%error, "a component says nothing of itself");
            false
        }
    }
}

/// A tenth more or less: components that start together are not asked together for ever.
fn around(interval: Duration) -> Duration {
    interval.mul_f64(0.9 + chance() / 5.0)
}
