//! Moves rollouts on: looks at the numbers of both versions a few times a second, and makes
//! what follows from them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::engine::{Delivery, Urgency};
use super::rollouts;
use crate::component::Version;
use crate::core::{ComponentName, HttpCheck, Strategy, Timestamp};
use crate::lifecycle::check::check_http;
use crate::lifecycle::deployment::Deployment;
use crate::lifecycle::journal::{Action, Draft};
use crate::lifecycle::rollout::{self, Look, Watch};
use crate::lifecycle::state::{ComponentState, Phase, Rollout, Verdict};
use crate::monitoring::Reading;

/// How often numbers are looked at: what passes before a burst of traps is seen.
const LOOK: Duration = Duration::from_millis(250);
/// After a change that could not be made, before it is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// A step may be held for days: it is not written down each time.
const HELD_AGAIN: Duration = Duration::from_secs(600);

/// Who moves rollouts, in the journal.
const ANALYSIS: &str = "analysis";

/// What is known of one rollout besides its state.
struct Companion {
    rollout: u64,
    phase: Phase,
    step: usize,
    /// Other instances of these count from zero: a reload has made them anew.
    candidate: Arc<Version>,
    watch: Watch,
    check: Arc<Mutex<Option<Result<(), String>>>>,
    /// When it was last written down that the step is held.
    held: Option<Instant>,
}

/// The rollouts under way, by component.
#[derive(Default)]
struct Watched {
    companions: HashMap<ComponentName, Companion>,
    /// Those whose change could not be made, and when it is tried again.
    not_before: HashMap<ComponentName, Instant>,
}

impl Watched {
    fn keep(&mut self, is_active: impl Fn(&ComponentName) -> bool) {
        self.companions.retain(|name, _| is_active(name));
        self.not_before.retain(|name, _| is_active(name));
    }

    fn must_wait(&self, component: &ComponentName, now: Instant) -> bool {
        let moment = self.not_before.get(component);
        moment.is_some_and(|moment| now < *moment)
    }
}

impl Delivery {
    /// Moves rollouts on until the task is dropped.
    pub async fn drive(self: Arc<Self>) {
        let (mut watched, mut debts_due) = (Watched::default(), Instant::now());
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            self.settle_debts(&mut debts_due).await;
            let active = self.active().await;
            watched.keep(|name| active.iter().any(|(active, _)| active == name));
            for (component, state) in active {
                let now = Instant::now();
                let movement = self.look_at(&component, &state, &mut watched, now);
                let Some(movement) = movement else { continue };
                if !self.move_on(&component, &state, movement).await {
                    watched.not_before.insert(component, now + RETRY);
                }
            }
        }
    }

    /// What a full disk has kept out of the journal is written as soon as it can be.
    async fn settle_debts(&self, due: &mut Instant) {
        let now = Instant::now();
        if now < *due {
            return;
        }
        *due = now + RETRY;
        self.book.lock().await.settle_debts().await;
    }

    async fn active(&self) -> Vec<(ComponentName, ComponentState)> {
        let book = self.book.lock().await;
        let states = book.ledger().iter();
        let active = states.filter(|(_, state)| state.active_rollout().is_some());
        active
            .map(|(name, state)| (name.clone(), state.clone()))
            .collect()
    }

    /// What the numbers of one rollout ask for, if anything.
    fn look_at(
        &self,
        component: &ComponentName,
        state: &ComponentState,
        watched: &mut Watched,
        now: Instant,
    ) -> Option<Move> {
        if watched.must_wait(component, now) {
            return None;
        }
        let deployments = self.directory.load_full();
        let (rollout, deployment) = (state.active_rollout()?, deployments.get(component)?);
        let Some(candidate) = deployment.version(&rollout.candidate) else {
            return Some(Move::Back(rollouts::absent()));
        };
        let numbers = [candidate.tally().read(), stable(deployment, rollout)];
        let companion = watched
            .companions
            .entry(component.clone())
            .or_insert_with(|| Companion::new(rollout, candidate, now, &numbers));
        companion.follow(rollout, candidate, now, &numbers);
        if let Some(result) = companion.check_result() {
            companion.watch.checked(result);
        }
        let [candidate, stable] = numbers;
        match companion.watch.look(now, rollout, candidate, stable) {
            Look::Wait(_) => None,
            Look::CheckWanted => {
                self.check(companion, rollout.policy.check.clone());
                None
            }
            Look::Failed(verdict) => Some(Move::Back(verdict)),
            Look::StepDone(verdict) => Some(Move::Forward(verdict)),
            Look::Held(_) if companion.held.is_some_and(|held| now < held + HELD_AGAIN) => None,
            Look::Held(verdict) => {
                companion.held = Some(now);
                Some(Move::Stay(verdict))
            }
        }
    }

    fn check(&self, companion: &Companion, check: Option<HttpCheck>) {
        let Some(check) = check else {
            return;
        };
        let (told, client) = (companion.check.clone(), self.checks.clone());
        // Ends by itself within the timeout of the check.
        tokio::spawn(async move {
            let result = check_http(&check, &client).await;
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        });
    }

    /// Makes what was decided, unless something else has changed the component meanwhile.
    /// Whether it is made.
    async fn move_on(
        &self,
        component: &ComponentName,
        seen: &ComponentState,
        movement: Move,
    ) -> bool {
        let mut book = self.book.lock().await;
        let mut state = book.state(component);
        let Ok(spec) = self.spec(component) else {
            return true;
        };
        let Some(rollout) = state.rollout.take() else {
            return true;
        };
        if state.generation != seen.generation {
            return true;
        }
        let (urgency, action, verdict) = movement.apply(&mut state, rollout);
        let draft = Draft {
            by: ANALYSIS.into(),
            component: component.clone(),
            action,
            version: state.rollout.as_ref().map(|it| it.candidate.clone()),
            reason: Some(verdict.reason.clone()),
            verdict: Some(verdict),
            after: Some(state),
        };
        let made = self.make(&mut book, &spec, draft, urgency, &[]).await;
        if let Err(error) = &made {
            tracing::error!(%component, %error, "the rollout cannot be moved; it is tried again");
        }
        if matches!(action, Action::Promoted | Action::RolledBack) {
            self.collect(&mut book, &spec).await;
        }
        made.is_ok()
    }
}

/// The versions beside the candidate, together.
fn stable(deployment: &Deployment, rollout: &Rollout) -> Reading {
    let mut all = Reading::default();
    for share in rollout.from.iter() {
        if share.version == rollout.candidate {
            continue;
        }
        if let Some(version) = deployment.version(&share.version) {
            all = all + &version.tally().read();
        }
    }
    all
}

/// What becomes of a rollout.
enum Move {
    Forward(Verdict),
    Stay(Verdict),
    Back(Verdict),
}

impl Move {
    fn apply(self, state: &mut ComponentState, rollout: Rollout) -> (Urgency, Action, Verdict) {
        let now = Timestamp::now();
        let (urgency, action, verdict, rollout) = match self {
            Self::Stay(verdict) => {
                let rollout = rollout::hold(&rollout, verdict.clone());
                (Urgency::Orderly, Action::Verdict, verdict, rollout)
            }
            Self::Back(verdict) => {
                let rollout = rollout::fail(&rollout, verdict.clone(), now);
                (Urgency::Rescue, Action::RolledBack, verdict, rollout)
            }
            Self::Forward(verdict) => {
                let rollout = Rollout {
                    verdict: Some(verdict.clone()),
                    ..rollout::advance(&rollout, now)
                };
                let action = match rollout.phase {
                    Phase::Promoted => Action::Promoted,
                    _ => Action::Step,
                };
                (Urgency::Orderly, action, verdict, rollout)
            }
        };
        state.traffic = rollout::traffic_of(&rollout);
        if rollout.phase == Phase::Promoted {
            state.previous = Some(rollout.from.clone());
        }
        state.rollout = Some(rollout);
        (urgency, action, verdict)
    }
}

impl Companion {
    fn new(
        rollout: &Rollout,
        candidate: &Arc<Version>,
        now: Instant,
        [new, stable]: &[Reading; 2],
    ) -> Self {
        let mut watch = Watch::begin(now, new.clone(), stable.clone());
        if rollout.policy.strategy == Strategy::BlueGreen {
            // It has no traffic any more: what it did until now is what there is to compare.
            watch.compare_with(stable);
        }
        Self {
            rollout: rollout.id,
            phase: rollout.phase,
            step: rollout.step,
            candidate: candidate.clone(),
            watch,
            check: Arc::default(),
            held: None,
        }
    }

    /// A new step, another rollout or other instances are counted from their beginning.
    fn follow(
        &mut self,
        rollout: &Rollout,
        candidate: &Arc<Version>,
        now: Instant,
        numbers: &[Reading; 2],
    ) {
        let is_same = self.rollout == rollout.id
            && self.step == rollout.step
            && Arc::ptr_eq(&self.candidate, candidate);
        if !is_same {
            *self = Self::new(rollout, candidate, now, numbers);
        } else if self.phase == Phase::Paused && rollout.phase == Phase::Running {
            let [new, stable] = numbers.clone();
            self.watch.resume(now, new, stable);
        }
        self.phase = rollout.phase;
    }

    fn check_result(&self) -> Option<Result<(), String>> {
        let mut told = self.check.lock().unwrap_or_else(PoisonError::into_inner);
        told.take()
    }
}
