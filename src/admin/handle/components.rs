//! Components: what of them serves, and under which terms; and to start and stop them by hand.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::admin::answer::Problem;
use crate::admin::api::Shared;
use crate::admin::request::{ComponentPath, Parameters, text};
use crate::admin::views::ComponentView;
use crate::component::Version;
use crate::core::{ComponentName, VersionName};
use crate::lifecycle::{ChangeError, Deployment};

/// Which of the versions.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct WhichVersion {
    /// One that is loaded; absent: all of them.
    #[serde(default, deserialize_with = "text")]
    #[schemars(with = "Option<String>")]
    version: Option<VersionName>,
}

pub(in crate::admin) async fn all(State(shared): State<Shared>) -> Json<Vec<ComponentView>> {
    let deployments = shared.node.deployments();
    let views = deployments.iter().map(|it| view(&shared, it));
    Json(views.collect())
}

pub(in crate::admin) async fn one(
    State(shared): State<Shared>,
    ComponentPath(name): ComponentPath,
) -> Result<Json<ComponentView>, Problem> {
    Ok(Json(view(&shared, &*deployment(&shared, &name)?)))
}

pub(in crate::admin) async fn restart(
    State(shared): State<Shared>,
    ComponentPath(name): ComponentPath,
    Parameters(which): Parameters<WhichVersion>,
) -> Result<Json<ComponentView>, Problem> {
    let deployment = deployment(&shared, &name)?;
    for version in chosen(&deployment, which)? {
        version.restart();
    }
    Ok(Json(view(&shared, &deployment)))
}

pub(in crate::admin) async fn stop(
    State(shared): State<Shared>,
    ComponentPath(name): ComponentPath,
    Parameters(which): Parameters<WhichVersion>,
) -> Result<Json<ComponentView>, Problem> {
    let deployment = deployment(&shared, &name)?;
    for version in chosen(&deployment, which)? {
        version.stop();
    }
    Ok(Json(view(&shared, &deployment)))
}

fn deployment(shared: &Shared, name: &ComponentName) -> Result<Arc<Deployment>, Problem> {
    let found = shared.node.deployments().get(name).cloned();
    Ok(found.ok_or_else(|| ChangeError::NoComponent(name.to_string()))?)
}

/// Those that are meant, of those that are loaded.
fn chosen(deployment: &Deployment, which: WhichVersion) -> Result<Vec<Arc<Version>>, Problem> {
    let Some(wanted) = which.version else {
        return Ok(deployment.versions().to_vec());
    };
    match deployment.version(&wanted) {
        Some(version) => Ok(vec![version.clone()]),
        None => Err(Problem::from(ChangeError::NoVersion {
            component: deployment.name().clone(),
            version: wanted.to_string(),
            known: deployment
                .versions()
                .iter()
                .map(|it| it.name().clone())
                .collect(),
        })),
    }
}

fn view(shared: &Shared, deployment: &Deployment) -> ComponentView {
    let status = shared.node.delivery().status(deployment.name());
    ComponentView::new(deployment, status)
}
