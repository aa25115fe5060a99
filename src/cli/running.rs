//! Where the versions of components are in their lives, as the admin API shows it.

use serde::Deserialize;

use super::admin::{Call, Client, Failure};
use super::table::Cell;
use super::terminal::Paint;
use crate::core::ComponentName;

#[derive(Deserialize)]
pub(super) struct Running {
    pub name: String,
    pub versions: Vec<RunningVersion>,
}

#[derive(Deserialize)]
pub(super) struct RunningVersion {
    pub name: String,
    /// Empty where an older gateway says nothing of it.
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    pub restarts: u64,
}

/// Of one component, or of all.
///
/// # Errors
/// They cannot be asked for.
pub(super) async fn running(
    client: &Client,
    component: Option<&ComponentName>,
) -> Result<Vec<Running>, Failure> {
    let Some(component) = component else {
        let answer = client.send(Call::get("/v1/components")).await?;
        return client.read_as(&answer);
    };
    let path = format!("/v1/components/{component}");
    let answer = client.send(Call::get(path)).await?;
    Ok(vec![client.read_as(&answer)?])
}

/// The state of a version, in its colour.
pub(super) fn state(version: &RunningVersion) -> Cell {
    let paint = match version.state.as_str() {
        "running" => Some(Paint::Green),
        "stopped" | "failed" => Some(Paint::Red),
        "" => None,
        _ => Some(Paint::Yellow),
    };
    Cell::painted(&version.state, paint)
}
