//! A change, told to who watches and to the log.

use super::{DeliveryEvent, DeliveryStatus};
use crate::lifecycle::deployment::Deployment;
use crate::lifecycle::journal::{Action, Record};
use crate::lifecycle::state::Outcome;
use crate::monitoring::count_rollout;

pub(super) fn event(record: &Record, deployment: Option<&Deployment>) -> DeliveryEvent {
    let status = record.after.as_ref().map(|state| {
        let loaded = |name: &_| deployment.is_some_and(|it| it.version(name).is_some());
        Box::new(DeliveryStatus::new(record.component.clone(), state, loaded))
    });
    DeliveryEvent {
        id: record.seq,
        at: record.at,
        kind: record.action.as_str(),
        component: record.component.to_string(),
        by: record.by.clone(),
        version: record.version.as_ref().map(ToString::to_string),
        reason: record.reason.clone(),
        status,
    }
}

/// Counts a rollout that has ended with this record.
pub(super) fn count(record: &Record) {
    let result = match record.action {
        Action::Promoted => "promoted",
        Action::RolledBack => "rolled_back",
        Action::Aborted => "aborted",
        _ => return,
    };
    count_rollout(&record.component, result);
}

pub(super) fn log(record: &Record) {
    let Record {
        component,
        by,
        action,
        version,
        reason,
        verdict,
        ..
    } = record;
    let version = version.as_ref().map(tracing::field::display);
    let (action, reason) = (action.as_str(), reason.as_deref());
    let numbers = verdict
        .as_ref()
        .and_then(|verdict| serde_json::to_string(verdict).ok());
    let failed = verdict
        .as_ref()
        .is_some_and(|verdict| verdict.outcome == Outcome::Fail);
    match failed || record.action == Action::RolledBack {
        true => {
            tracing::warn!(%component, version, action, by, reason, verdict = numbers, "delivery");
        }
        false => {
            tracing::info!(%component, version, action, by, reason, verdict = numbers, "delivery");
        }
    }
}
