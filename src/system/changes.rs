//! What a new configuration changes, for the audit trail.

use crate::core::Grants;
use crate::lifecycle::{Deployment, Deployments};
use crate::security::{AuditEvent, AuditKind, AuditTrail};

/// Records every version that is new or gone, and every component whose grants are others.
pub(super) fn record(old: &Deployments, new: &Deployments, trail: &AuditTrail) {
    for deployment in new.iter() {
        let before = old.get(deployment.name());
        record_versions(before.map(AsRef::as_ref), deployment, trail);
        record_grants(before.map(AsRef::as_ref), deployment, trail);
    }
    for gone in old.iter().filter(|it| new.get(it.name()).is_none()) {
        let event = AuditEvent::new(AuditKind::Deployed).of_component(gone.name().clone());
        trail.record(event.target(gone.name()).detail("removed"));
    }
}

fn record_versions(before: Option<&Deployment>, now: &Deployment, trail: &AuditTrail) {
    for version in now.versions() {
        let mut known = before.iter().flat_map(|it| it.versions());
        if known.any(|it| it.name() == version.name() && it.digest() == version.digest()) {
            continue;
        }
        let event = AuditEvent::new(AuditKind::Deployed)
            .of(now.name().clone(), version.name().clone())
            .target(version.digest());
        trail.record(event.detail("from the configuration"));
    }
}

fn record_grants(before: Option<&Deployment>, now: &Deployment, trail: &AuditTrail) {
    let none = Grants::default();
    let grants = &*now.spec().grants;
    let previous = before.map_or(&none, |it| &*it.spec().grants);
    if grants == previous {
        return;
    }
    let event = AuditEvent::new(AuditKind::GrantsChanged)
        .of_component(now.name().clone())
        .target(differing(previous, grants).join(", "));
    trail.record(event.detail(grants.summary()));
}

/// The keys whose grants are others.
fn differing(old: &Grants, new: &Grants) -> Vec<&'static str> {
    let pairs = [
        ("http", old.http != new.http),
        (
            "private_networks",
            old.private_networks != new.private_networks,
        ),
        ("components", old.components != new.components),
        ("environment", old.environment != new.environment),
        ("config", old.config != new.config),
        ("files", old.files != new.files),
        ("sockets", old.sockets != new.sockets),
        ("keyvalue", old.keyvalue != new.keyvalue),
        ("publish", old.publish != new.publish),
        ("request", old.request != new.request),
        ("clocks", old.clocks != new.clocks),
        ("random", old.random != new.random),
        ("custom", old.custom != new.custom),
        ("mode", old.mode != new.mode),
    ];
    let changed = pairs.iter().filter(|(_, changed)| *changed);
    changed.map(|(key, _)| *key).collect()
}
