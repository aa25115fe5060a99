//! What is known of a version, in words for the operator; and chance, which nobody knows.

use crate::core::{ComponentMetadata, Health, HealthStatus};
use crate::runtime::InvokeError;

/// What it has said, and what was said of it.
#[derive(Default)]
pub(super) struct Word {
    pub health: Option<Health>,
    pub metadata: Option<ComponentMetadata>,
    pub last_failure: Option<String>,
}

/// An error with what it was caused by: for the operator.
pub(super) fn describe(error: &InvokeError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

pub(super) fn unhealthy(health: &Health) -> Option<String> {
    let detail = health.detail.as_deref();
    (health.status != HealthStatus::Healthy).then(|| match detail {
        Some(detail) => format!("it says that it is {}: {detail}", health.status.as_str()),
        None => format!("it says that it is {}", health.status.as_str()),
    })
}

/// Between 0 and 1.
pub(super) fn chance() -> f64 {
    let mut bytes = [0; 4];
    // Without chance restarts only come at the same time.
    let _ = getrandom::fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}
