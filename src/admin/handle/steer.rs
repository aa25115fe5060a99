//! `POST …/rollback`, `promote`, `pause`, `resume` and `abort`.

use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ask::Ask;
use crate::admin::answer::Problem;
use crate::admin::request::Reason;
use crate::core::VersionName;
use crate::lifecycle::Steering;

/// Why a rollout is steered.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct Why {
    /// In words, for the journal: at most 512 bytes.
    reason: Option<String>,
}

/// Where to go back to, and why.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct Back {
    /// The version that gets all traffic; absent: the traffic before the last change.
    to: Option<String>,
    /// In words, for the journal: at most 512 bytes.
    reason: Option<String>,
}

pub(in crate::admin) async fn rollback(mut ask: Ask<Back>) -> Result<Response, Problem> {
    let Back { to, reason } = ask.body.take().unwrap_or_default();
    let reason = Reason::of_member(reason)?;
    let to: Option<VersionName> = to
        .map(|to| to.parse())
        .transpose()
        .map_err(|error| Problem::unprocessable(format!("to: {error}")).field("to"))?;
    let back = ask.change(reason, |delivery, component, change| async move {
        delivery.rollback(&component, to.as_ref(), change).await
    });
    back.await
}

pub(in crate::admin) async fn promote(ask: Ask<Why>) -> Result<Response, Problem> {
    steer(ask, Steering::Promote).await
}

pub(in crate::admin) async fn pause(ask: Ask<Why>) -> Result<Response, Problem> {
    steer(ask, Steering::Pause).await
}

pub(in crate::admin) async fn resume(ask: Ask<Why>) -> Result<Response, Problem> {
    steer(ask, Steering::Resume).await
}

pub(in crate::admin) async fn abort(ask: Ask<Why>) -> Result<Response, Problem> {
    steer(ask, Steering::Abort).await
}

async fn steer(mut ask: Ask<Why>, steering: Steering) -> Result<Response, Problem> {
    let Why { reason } = ask.body.take().unwrap_or_default();
    let reason = Reason::of_member(reason)?;
    let steered = ask.change(reason, |delivery, component, change| async move {
        delivery.steer(&component, steering, change).await
    });
    steered.await
}
