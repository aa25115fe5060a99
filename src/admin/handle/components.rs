//! Components: what of them serves, and under which terms.

use axum::Json;
use axum::extract::State;

use crate::admin::answer::Problem;
use crate::admin::api::Shared;
use crate::admin::request::ComponentPath;
use crate::admin::views::ComponentView;
use crate::lifecycle::Deployment;

pub(in crate::admin) async fn all(State(shared): State<Shared>) -> Json<Vec<ComponentView>> {
    let deployments = shared.node.deployments();
    let views = deployments.iter().map(|it| view(&shared, it));
    Json(views.collect())
}

pub(in crate::admin) async fn one(
    State(shared): State<Shared>,
    ComponentPath(name): ComponentPath,
) -> Result<Json<ComponentView>, Problem> {
    let deployments = shared.node.deployments();
    let found = deployments.get(&name);
    let found =
        found.ok_or_else(|| Problem::not_found(format!("there is no component `{name}`")))?;
    Ok(Json(view(&shared, found)))
}

fn view(shared: &Shared, deployment: &Deployment) -> ComponentView {
    let status = shared.node.delivery().status(deployment.name());
    ComponentView::new(deployment, status)
}
