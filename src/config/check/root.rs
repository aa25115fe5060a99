//! The whole file.

use std::path::PathBuf;

use crate::config::model::{Config, LogFormat, Telemetry};
use crate::config::raw::{RawConfig, RawState, RawTelemetry};
use crate::config::read::{Field, Problems};

use super::audience::Unheard;
use super::server::count;
use super::stores::Stores;
use super::{
    Premises, Surroundings, admin, bus, component, outbound, planted, ports, route, security,
    server, watched,
};

/// The only version of the format there is.
const FORMAT: u32 = 1;

/// Beside those in use.
const KEEP_VERSIONS: u32 = 5;
/// More fill the disk, and nobody goes back that far.
const MOST_VERSIONS: u32 = 100;

/// What the tables mean; worth nothing when there are errors among the problems.
pub(in crate::config) fn check(
    raw: RawConfig,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Config {
    check_format(&raw.version, problems);
    ports::refuse_doubles(&raw, problems);
    let watched = watched::watched(&raw, around);
    planted::refuse(&raw, around, problems);
    let stores = Stores::check(&raw, problems);
    let unheard = Unheard::of(&raw);
    let bus = bus::bus(&raw.bus.into_table(), problems);
    let state = raw.state.into_table();
    let state_dir = state_dir(&state, around, problems);
    let security = security::security(&raw.security.into_table(), around, problems);
    let premises = Premises {
        state_dir: &state_dir,
        security: &security,
        bus: &bus,
        drain_timeout: server::drain_timeout(&raw.server),
        around,
    };
    let mut components =
        component::Components::check(raw.component, raw.defaults, &premises, problems);
    let routes = route::routes(raw.route, &mut components, around, problems);
    components.warn_of_idle(problems);
    stores.warn_of_idle(problems);
    unheard.warn(problems);
    Config {
        path: around.file.to_path_buf(),
        server: server::server(raw.server, around, problems),
        admin: admin::admin(raw.admin.into_table(), around, problems),
        telemetry: telemetry(&raw.telemetry.into_table()),
        outbound: outbound::outbound(&raw.outbound.into_table(), around, problems),
        stores: stores.into_specs(),
        bus,
        components: components.into_specs(&routes),
        routes,
        watched,
        state_dir,
        keep_versions: count(&state.keep_versions, KEEP_VERSIONS, MOST_VERSIONS, problems),
        security: security.policy,
    }
}

fn check_format(version: &Field<u32>, problems: &mut Problems<'_>) {
    if let Some(version) = version.given().filter(|version| version.value != FORMAT) {
        problems
            .error(
                &version.place,
                format!("format {} is not known", version.value),
            )
            .help("this airgate reads version = 1");
    }
}

fn state_dir(raw: &RawState, around: &Surroundings<'_>, problems: &mut Problems<'_>) -> PathBuf {
    let Some(dir) = raw.dir.given() else {
        return around.resolve(".airgate".as_ref());
    };
    let resolved = around.resolve(&dir.0);
    if resolved.is_file() {
        problems.error(
            &dir.place,
            format!("{} is not a directory", dir.0.display()),
        );
    }
    resolved
}

fn telemetry(raw: &RawTelemetry) -> Telemetry {
    Telemetry {
        log_format: raw.log_format.or(LogFormat::default()),
        access_log: raw.access_log.or(true),
    }
}
