//! The audit trail, as it is shown.

use schemars::JsonSchema;
use serde::Serialize;

use crate::security::{AuditEvent, AuditKind};

/// Part of the trail.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Audit")]
pub(in crate::admin) struct AuditView {
    pub events: Vec<AuditEntry>,
    /// Events that never reached the disk.
    pub dropped: u64,
}

/// One thing that happened.
#[derive(Serialize, JsonSchema)]
pub(in crate::admin) struct AuditEntry {
    time: String,
    /// `denied`, `audited`, `grants_changed`, `deployed` or `admin_call`.
    #[schemars(with = "String")]
    kind: AuditKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// As logs have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// The key below `capabilities` that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    capability: Option<String>,
    /// What was touched.
    target: String,
    /// Why, or what of it.
    detail: String,
    /// How many like it this one stands for.
    repeated: u64,
}

impl From<AuditEvent> for AuditEntry {
    fn from(event: AuditEvent) -> Self {
        Self {
            time: event.time.to_string(),
            kind: event.kind,
            component: event.component.map(|name| name.to_string()),
            version: event.version.map(|name| name.to_string()),
            request_id: event.request.map(String::from),
            capability: event.capability.map(String::from),
            target: event.target,
            detail: event.detail,
            repeated: event.repeated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::RequestId;

    #[test]
    fn an_event_is_shown_as_it_is_kept() {
        let plain = AuditEvent::new(AuditKind::AdminCall).target("POST /v1/reload");
        let full = AuditEvent::new(AuditKind::Denied)
            .of("cart".parse().unwrap(), "1.4.2".parse().unwrap())
            .during(RequestId::next())
            .capability("http")
            .detail("no grant covers it");
        for event in [plain, full] {
            let kept = serde_json::to_value(&event).unwrap();
            assert_eq!(serde_json::to_value(AuditEntry::from(event)).unwrap(), kept);
        }
    }
}
