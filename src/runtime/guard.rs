//! The one place where a touch without a grant is refused: counted, written to the audit
//! trail, told in the log, and let through only where the operator audits.

use std::fmt::Display;
use std::sync::Arc;

use crate::core::{ComponentName, GrantMode, RequestId, VersionName};
use crate::monitoring::DenialMetrics;
use crate::security::{AuditEvent, AuditKind, AuditTrail, Denied};

/// Stands between one version of a component and what it is not granted.
pub struct Guard {
    component: ComponentName,
    version: VersionName,
    mode: GrantMode,
    trail: Arc<AuditTrail>,
    denied: DenialMetrics,
}

/// What becomes of a touch that is not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    Refused,
    /// Only seen where the component's grants are in audit mode.
    Audited,
}

impl Guard {
    pub(crate) fn new(
        component: ComponentName,
        version: VersionName,
        mode: GrantMode,
        trail: Arc<AuditTrail>,
    ) -> Self {
        let denied = DenialMetrics::new(&component);
        Self {
            component,
            version,
            mode,
            trail,
            denied,
        }
    }

    /// Reports a touch that is not granted, and says whether it happens all the same.
    pub fn deny(
        &self,
        capability: &'static str,
        target: &dyn Display,
        reason: &dyn Display,
        request: RequestId,
    ) -> Verdict {
        let kind = match self.mode {
            GrantMode::Enforce => AuditKind::Denied,
            GrantMode::Audit => AuditKind::Audited,
        };
        self.report(kind, capability, target, reason, request)
    }

    /// Reports what egress policy denies. What no grant reaches is refused in audit mode too.
    pub fn deny_egress(&self, denied: &Denied, request: RequestId) -> Verdict {
        let Denied {
            capability,
            target,
            reason,
        } = denied;
        match reason.is_absolute() {
            true => self.report(AuditKind::Denied, capability, target, reason, request),
            false => self.deny(capability, target, reason, request),
        }
    }

    /// Denials are reported, and then allowed.
    pub fn audits(&self) -> bool {
        self.mode == GrantMode::Audit
    }

    fn report(
        &self,
        kind: AuditKind,
        capability: &'static str,
        target: &dyn Display,
        reason: &dyn Display,
        request: RequestId,
    ) -> Verdict {
        self.denied.count(capability);
        let event = AuditEvent::new(kind)
            .of(self.component.clone(), self.version.clone())
            .during(request)
            .capability(capability)
            .target(target)
            .detail(reason);
        // A guest that tries again and again fills neither the trail nor the log.
        if self.trail.record(event) {
            tracing::warn!(
                component = %self.component, version = %self.version, request_id = %request,
                capability, touched = %target, %reason, allowed = kind == AuditKind::Audited,
                "capability denied"
            );
        }
        match kind {
            AuditKind::Audited => Verdict::Audited,
            _ => Verdict::Refused,
        }
    }
}
