//! For tests of host functions: a guest without code.

use std::sync::Arc;

use crate::core::{Grants, HostBounds, Limits, Origin, Outbound};
use crate::runtime::capability::Capabilities;
use crate::runtime::guest::Guest;
use crate::runtime::instance::Recipe;
use crate::runtime::lane::{Pace, SlowLane};
use crate::runtime::outbound::Network;
use crate::runtime::reach::{Reach, Services};
use crate::security::AuditTrail;

pub(in crate::runtime) fn services() -> Arc<Services> {
    let network = Network::new(Outbound::default()).unwrap();
    let trail = AuditTrail::in_memory();
    Services::new(Capabilities::standard(), trail, Arc::default(), network)
}

/// An instance of `component` that serves nothing yet.
pub(in crate::runtime) fn guest(component: &str, services: Arc<Services>, grants: Grants) -> Guest {
    let (component, version) = (component.parse().unwrap(), "1".parse().unwrap());
    let mut guest = Guest::new(Arc::new(Recipe {
        reach: Reach::new(services, Arc::new(grants), &component, &version),
        component,
        version,
        limits: Limits::default(),
        bounds: HostBounds::default(),
        metered: false,
        pace: Pace::default(),
        lane: Arc::new(SlowLane::start(1).unwrap()),
    }));
    guest.arm(Origin::NONE);
    guest
}
