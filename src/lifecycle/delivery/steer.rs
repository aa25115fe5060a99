//! What an operator does to traffic: set it, bring it back, steer a rollout.

use std::sync::Arc;

use super::book::Book;
use super::engine::{Delivery, Urgency};
use super::{Change, ChangeError, DeliveryStatus};
use crate::component::Version;
use crate::core::{ComponentName, Timestamp, VersionName};
use crate::lifecycle::journal::{Action, Draft};
use crate::lifecycle::state::{ComponentState, Phase, Rollout, Traffic};

/// What an operator does to a rollout under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steering {
    /// Skips to the end: the candidate gets all traffic.
    Promote,
    /// Stays at its step; a failure still rolls back.
    Pause,
    Resume,
    /// Brings back the traffic of before.
    Abort,
}

/// A change that is decided but not yet made.
type Decided = Result<(Action, Option<VersionName>, ComponentState), ChangeError>;

impl Delivery {
    /// Sets the weights at once; a rollout under way is aborted.
    ///
    /// # Errors
    /// An unknown version, weights that sum to 0, or a generation that is not the expected.
    pub async fn set_traffic(
        self: &Arc<Self>,
        component: &ComponentName,
        traffic: Traffic,
        change: Change,
    ) -> Result<DeliveryStatus, ChangeError> {
        let decide = move |component: &ComponentName, state: ComponentState| {
            with_traffic(component, state, traffic.clone())
        };
        self.change(component, change, Urgency::Orderly, decide)
            .await
    }

    /// Goes back to the traffic before the last change, or gives everything to `to`.
    ///
    /// # Errors
    /// There is nothing to go back to, or it cannot be instantiated.
    pub async fn rollback(
        self: &Arc<Self>,
        component: &ComponentName,
        to: Option<&VersionName>,
        change: Change,
    ) -> Result<DeliveryStatus, ChangeError> {
        let to = to.cloned();
        let decide =
            move |component: &ComponentName, state| rolled_back(component, state, to.clone());
        self.change(component, change, Urgency::Rescue, decide)
            .await
    }

    /// Changes the rollout that is under way.
    ///
    /// # Errors
    /// There is none, or it is not in a phase that allows it.
    pub async fn steer(
        self: &Arc<Self>,
        component: &ComponentName,
        steering: Steering,
        change: Change,
    ) -> Result<DeliveryStatus, ChangeError> {
        let urgency = match steering {
            Steering::Abort => Urgency::Rescue,
            Steering::Promote | Steering::Pause | Steering::Resume => Urgency::Orderly,
        };
        let decide = move |component: &ComponentName, state| steered(component, state, steering);
        self.change(component, change, urgency, decide).await
    }

    /// Goes on when the caller has lost interest: a change is made whole or not at all.
    async fn change(
        self: &Arc<Self>,
        component: &ComponentName,
        change: Change,
        urgency: Urgency,
        decide: impl Fn(&ComponentName, ComponentState) -> Decided + Send + Sync + 'static,
    ) -> Result<DeliveryStatus, ChangeError> {
        let (this, component) = (self.clone(), component.clone());
        let changed = tokio::spawn(async move {
            // What takes time is done before others must wait.
            let spare = this.foreseen(&component, &decide).await;
            let mut book = this.book.lock().await;
            this.expect_open()?;
            let spec = this.spec(&component)?;
            let state = book.expected(&component, &change)?;
            let phase = state.rollout.as_ref().map(|rollout| rollout.phase);
            let (action, version, mut next) = decide(&component, state)?;
            let rollout = next.rollout.as_mut();
            let moved = rollout.filter(|rollout| phase != Some(rollout.phase));
            if let (Some(rollout), Some(reason)) = (moved, &change.reason) {
                rollout.reason = Some(reason.clone());
            }
            let draft = Draft {
                by: change.by,
                component,
                action,
                version,
                reason: change.reason,
                verdict: None,
                after: Some(next),
            };
            let status = this.make(&mut book, &spec, draft, urgency, &spare).await?;
            this.collect(&mut book, &spec).await;
            Ok(status)
        });
        let failed = || ChangeError::Conflict("the change failed; see the log".into());
        changed.await.unwrap_or_else(|_| Err(failed()))
    }
}

impl Delivery {
    /// Versions that a change will need and that are not loaded.
    async fn foreseen(
        &self,
        component: &ComponentName,
        decide: &(impl Fn(&ComponentName, ComponentState) -> Decided + Sync),
    ) -> Vec<Arc<Version>> {
        let state = self.ledger.load().get(component).cloned();
        let next = state.and_then(|state| decide(component, state).ok());
        let (Some((_, _, next)), Ok(spec)) = (next, self.spec(component)) else {
            return Vec::new();
        };
        let (policy, running) = (self.policy.load_full(), self.directory.load_full());
        let loading = self.loading(&policy, &running);
        let mut loaded = Vec::new();
        for kept in next.versions.iter().filter(|it| next.needs(&it.name)) {
            // What cannot be loaded is told when the change is made.
            if let Ok(version) = loading.load(&spec, &kept.name, &kept.digest, None).await {
                loaded.push(version);
            }
        }
        loaded
    }
}

impl Book {
    /// The state of a component, which must be at the generation that a change expects.
    pub(super) fn expected(
        &self,
        component: &ComponentName,
        change: &Change,
    ) -> Result<ComponentState, ChangeError> {
        let state = self.state(component);
        match change.expected {
            Some(expected) if expected != state.generation => Err(ChangeError::Changed {
                expected,
                actual: state.generation,
            }),
            _ => Ok(state),
        }
    }

    pub(super) fn state(&self, component: &ComponentName) -> ComponentState {
        self.ledger().get(component).cloned().unwrap_or_default()
    }
}

fn known(
    component: &ComponentName,
    state: &ComponentState,
    version: &VersionName,
) -> Result<(), ChangeError> {
    match state.version(version) {
        Some(_) => Ok(()),
        None => Err(ChangeError::NoVersion {
            component: component.clone(),
            version: version.to_string(),
            known: state.versions.iter().map(|it| it.name.clone()).collect(),
        }),
    }
}

fn with_traffic(component: &ComponentName, mut state: ComponentState, traffic: Traffic) -> Decided {
    let invalid = |reason: &str| ChangeError::Invalid {
        field: "traffic",
        reason: reason.into(),
    };
    if traffic.is_empty() {
        return Err(invalid(
            "the weights sum to 0: no version would get a request",
        ));
    }
    if traffic.sum() > u32::MAX.into() {
        return Err(invalid("the weights sum to more than 4294967295"));
    }
    for share in traffic.iter() {
        known(component, &state, &share.version)?;
    }
    end(&mut state, Phase::Aborted, "the weights were set by hand");
    if traffic != state.traffic {
        let traffic = in_order(&state, traffic);
        state.previous = Some(std::mem::replace(&mut state.traffic, traffic));
    }
    Ok((Action::Traffic, None, state))
}

/// The oldest version first, whatever the order in which they were named.
fn in_order(state: &ComponentState, traffic: Traffic) -> Traffic {
    let versions = state.versions.iter();
    Traffic::new(versions.map(|it| (it.name.clone(), traffic.weight(&it.name))))
}

fn rolled_back(
    component: &ComponentName,
    mut state: ComponentState,
    to: Option<VersionName>,
) -> Decided {
    let before = state.active_rollout().map(|it| it.from.clone());
    let traffic = match (&to, before) {
        (Some(to), _) => {
            known(component, &state, to)?;
            Traffic::only(to.clone())
        }
        (None, Some(from)) => from,
        (None, None) if has_just_gone_back(&state) => {
            return Err(ChangeError::Conflict(
                "the last rollout has been taken back already; name the version that shall serve"
                    .into(),
            ));
        }
        (None, None) => state.previous.clone().ok_or_else(|| {
            ChangeError::Conflict(format!(
                "`{component}` has nothing to go back to; name the version that shall serve"
            ))
        })?,
    };
    end(&mut state, Phase::RolledBack, "rolled back by hand");
    let version = traffic.foremost().cloned();
    let left = std::mem::replace(&mut state.traffic, traffic);
    // Twice the same command must not bring back what the first one took away.
    state.previous = to
        .is_some()
        .then_some(left)
        .filter(|left| *left != state.traffic);
    Ok((Action::RolledBack, version, state))
}

/// Who sees the alarm of a rollback must not go back once more.
fn has_just_gone_back(state: &ComponentState) -> bool {
    state.rollout.as_ref().is_some_and(|it| {
        matches!(it.phase, Phase::RolledBack | Phase::Aborted) && it.from == state.traffic
    })
}

fn steered(component: &ComponentName, mut state: ComponentState, steering: Steering) -> Decided {
    let Some(rollout) = state.rollout.as_mut().filter(|it| it.phase.is_active()) else {
        return Err(ChangeError::Conflict(format!(
            "no rollout of `{component}` is under way"
        )));
    };
    let candidate = Some(rollout.candidate.clone());
    let conflict = |text: &str| Err(ChangeError::Conflict(text.into()));
    match (steering, rollout.phase) {
        (Steering::Pause, Phase::Paused) => return conflict("the rollout is paused already"),
        (Steering::Resume, Phase::Running) => return conflict("the rollout is not paused"),
        _ => {}
    }
    rollout.changed = Timestamp::now();
    let action = match steering {
        Steering::Pause => {
            rollout.phase = Phase::Paused;
            Action::Paused
        }
        Steering::Resume => {
            rollout.phase = Phase::Running;
            Action::Resumed
        }
        Steering::Promote => {
            rollout.phase = Phase::Promoted;
            rollout.reason = Some("promoted by hand".into());
            promote(&mut state);
            Action::Promoted
        }
        Steering::Abort => {
            state.traffic = rollout.from.clone();
            end(&mut state, Phase::Aborted, "aborted by hand");
            Action::Aborted
        }
    };
    Ok((action, candidate, state))
}

/// Everything to the candidate, and a way back.
pub(super) fn promote(state: &mut ComponentState) {
    if let Some(Rollout {
        candidate, from, ..
    }) = &state.rollout
    {
        state.previous = Some(from.clone());
        state.traffic = Traffic::only(candidate.clone());
    }
}

fn end(state: &mut ComponentState, phase: Phase, reason: &str) {
    if let Some(rollout) = state.rollout.as_mut().filter(|it| it.phase.is_active()) {
        rollout.phase = phase;
        rollout.changed = Timestamp::now();
        rollout.reason = Some(reason.into());
    }
}
