//! `airssys:core/host-services`: who else is there. A component sees itself, and those that
//! `components` grants.

use wasmtime::component::{HasSelf, Linker};

use crate::core::{ComponentInfo, ComponentName, Health, HealthStatus, RunState};
use crate::runtime::bindings::core::host_services::{self as wit, Host, add_to_linker};
use crate::runtime::bindings::core::types;
use crate::runtime::guard::Verdict;
use crate::runtime::guest::Guest;
use crate::runtime::outbound::COMPONENTS;

pub(super) const IMPORT: &str = "airssys:core/host-services@1.";

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}

impl Host for Guest {
    async fn list_components(&mut self) -> wasmtime::Result<Vec<wit::ComponentInfo>> {
        let own = Guest::component(self);
        let granted = self.recipe().reach.grants.components.iter();
        let others = granted.filter(|name| *name != own);
        let names = std::iter::once(own).chain(others);
        Ok(names.filter_map(|name| look_up(self, name)).collect())
    }

    async fn component(&mut self, name: String) -> wasmtime::Result<Option<wit::ComponentInfo>> {
        // What is no name is nobody's, so there is nothing to be denied.
        let Ok(name) = name.parse::<ComponentName>() else {
            return Ok(None);
        };
        Ok(may_see(self, &name).then(|| look_up(self, &name)).flatten())
    }
}

fn may_see(guest: &Guest, name: &ComponentName) -> bool {
    let granted = &guest.recipe().reach.grants.components;
    let denied = || {
        let guard = guest.guard();
        guard.deny(COMPONENTS, name, &"not granted", guest.origin().id)
    };
    name == Guest::component(guest) || granted.contains(name) || denied() == Verdict::Audited
}

fn look_up(guest: &Guest, name: &ComponentName) -> Option<wit::ComponentInfo> {
    let overview = guest.recipe().reach.services.overview()?;
    overview.component(name).map(Into::into)
}

impl From<ComponentInfo> for wit::ComponentInfo {
    fn from(info: ComponentInfo) -> Self {
        Self {
            name: info.name.to_string(),
            version: info.version.to_string(),
            state: info.state.into(),
            health: info.health.map(Into::into),
            metadata: info.metadata.map(|metadata| types::ComponentMetadata {
                name: metadata.name,
                version: metadata.version,
                description: metadata.description,
            }),
        }
    }
}

impl From<RunState> for types::ComponentState {
    fn from(state: RunState) -> Self {
        match state {
            RunState::Installing => Self::Installing,
            RunState::Starting => Self::Starting,
            RunState::Running => Self::Running,
            RunState::Degraded => Self::Degraded,
            RunState::Restarting => Self::Restarting,
            RunState::Stopping => Self::Stopping,
            RunState::Stopped => Self::Stopped,
            RunState::Failed => Self::Failed,
        }
    }
}

impl From<Health> for types::Health {
    fn from(health: Health) -> Self {
        let status = match health.status {
            HealthStatus::Healthy => types::HealthStatus::Healthy,
            HealthStatus::Degraded => types::HealthStatus::Degraded,
            HealthStatus::Unhealthy => types::HealthStatus::Unhealthy,
        };
        Self {
            status,
            detail: health.detail,
        }
    }
}
