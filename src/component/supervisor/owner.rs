//! The owner of a version's state: takes in what happens, has it decided, and does it.
//!
//! A failure is: an actor that dies by its own fault; a health check that goes wrong so many times
//! in a row; an instance that cannot be made when a request needs it. A trap in a request of a
//! component that is no actor is none: its instance ends with it and the next request meets
//! another, so restarting would help nobody, and any client that finds a way to make it trap could
//! stop the component.
//!
//! A request asks for the state only, which is one relaxed load.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::course::{Course, Decision, Event};
use super::health;
use super::superior::Superiors;
use super::word::{Word, chance, describe, unhealthy};
use crate::component::fleet::Fleet;
use crate::component::maker::Maker;
use crate::component::pool::QUEUE_TIMEOUT;
use crate::component::seats::Seats;
use crate::core::{
    ComponentMetadata, ComponentName, Health, HealthStatus, Instances, RunState, Supervision,
    VersionName,
};
use crate::monitoring::SupervisionMetrics;
use crate::runtime::InvokeError;

/// Keeps one version alive.
pub(in crate::component) struct Supervisor {
    me: Weak<Self>,
    component: ComponentName,
    version: VersionName,
    policy: Supervision,
    fleet: Fleet,
    superiors: Superiors,
    /// `None`: it only gets copies of requests.
    metrics: Option<SupervisionMetrics>,
    /// The place in [`RunState::ALL`]; written with the course locked.
    state: AtomicU8,
    course: Mutex<Path>,
    /// Told when the state has changed.
    changed: Arc<Notify>,
    /// Where calls wait for the end of a restart, so many at once. There are no seats.
    waiting: Arc<Seats>,
    queue: u32,
    restarts: AtomicU64,
    /// Its health is asked for.
    is_watched: AtomicBool,
    word: Mutex<Word>,
}

/// The course, and which of its starts and ends is under way.
struct Path {
    course: Course,
    step: u64,
}

/// What must still be so for an event to count.
enum Still {
    Anything,
    /// No other start or end has begun since.
    Step(u64),
    /// The instances have not been given up since.
    Generation(u32),
}

impl Supervisor {
    pub fn new(
        maker: Maker,
        instances: Instances,
        policy: Supervision,
        superiors: Superiors,
    ) -> Arc<Self> {
        let (component, version) = maker.prepared().name();
        let (component, version) = (component.clone(), version.clone());
        let is_measured = !superiors.are_nobody();
        let metrics = is_measured.then(|| SupervisionMetrics::new(&component, &version));
        let changed = Arc::<Notify>::default();
        let queue = instances.max.get();
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            component,
            version,
            policy,
            fleet: Fleet::new(maker, instances, me.clone()),
            superiors,
            metrics,
            state: AtomicU8::new(RunState::Installing as u8),
            course: Mutex::new(Path {
                course: Course::new(),
                step: 0,
            }),
            waiting: Seats::new(0, changed.clone()),
            changed,
            queue,
            restarts: AtomicU64::new(0),
            is_watched: AtomicBool::new(false),
            word: Mutex::default(),
        })
    }

    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    pub fn policy(&self) -> &Supervision {
        &self.policy
    }

    pub fn state(&self) -> RunState {
        let place = self.state.load(Ordering::Relaxed) as usize;
        RunState::ALL
            .get(place)
            .copied()
            .unwrap_or(RunState::Failed)
    }

    /// Lets requests and messages in; those that come during a restart wait for a moment.
    ///
    /// # Errors
    /// It is stopped, or does not come back in time.
    pub async fn admit(&self) -> Result<(), InvokeError> {
        if self.state().serves() {
            return Ok(());
        }
        let attempt = || match self.state() {
            state if state.serves() => Some(Ok(())),
            RunState::Restarting => None,
            _ => Some(Err(InvokeError::Stopped)),
        };
        let end = self.waiting.wait(self.queue, QUEUE_TIMEOUT, attempt).await;
        end.unwrap_or(Err(InvokeError::Stopped))
    }

    /// Starts for the first time, or again because it gets traffic anew: what is stopped begins
    /// with a clean history then.
    ///
    /// # Errors
    /// Whatever keeps an instance from starting; it is not tried again.
    pub async fn warm(&self) -> Result<(), InvokeError> {
        self.on(Event::Begins, None, Still::Anything);
        let started = self.fleet.start().await;
        if let Err(error) = &started {
            self.happens(Event::Failed, Some(describe(error)), Still::Anything);
        }
        started?;
        if matches!(self.state(), RunState::Stopped | RunState::Failed) {
            self.on(Event::Restarted, None, Still::Anything);
        }
        self.on(Event::Started, None, Still::Anything);
        let is_supervised = self.fleet.maker().prepared().is_supervised();
        if is_supervised && !self.is_watched.swap(true, Ordering::Relaxed) {
            self.fleet.maker().spawn(health::watch(self.me.clone()));
        }
        Ok(())
    }

    /// An instance of this generation has failed, or could not be made.
    pub fn failed(&self, generation: u32, error: &InvokeError) {
        let reason = describe(error);
        self.happens(Event::Failed, Some(reason), Still::Generation(generation));
    }

    /// What a health check of this generation brought.
    pub fn checked(&self, generation: u32, answer: Result<Health, InvokeError>) {
        let (event, reason) = match &answer {
            Ok(health) => (Event::Answered(health.status), unhealthy(health)),
            Err(InvokeError::Overloaded | InvokeError::Stopped) => return,
            Err(error) => {
                let reason = format!("the health check failed: {}", describe(error));
                (Event::Unanswered, Some(reason))
            }
        };
        let known = answer.unwrap_or_else(|_| Health {
            status: HealthStatus::Unhealthy,
            detail: reason.clone(),
        });
        if generation == self.fleet.generation() {
            self.word().health = Some(known);
        }
        self.happens(event, reason, Still::Generation(generation));
    }

    pub fn learn(&self, metadata: ComponentMetadata) {
        self.word().metadata = Some(metadata);
    }

    pub fn restart(&self) {
        self.happens(Event::Restarted, None, Still::Anything);
    }

    /// Answers whether it had been restarted too often already.
    pub fn restart_with_group(&self) -> bool {
        let reason = Some("its group is restarted".to_owned());
        let decision = self.happens(Event::GroupFailed, reason, Still::Anything);
        decision == Decision::Exceeded
    }

    pub fn stop(&self) {
        self.happens(Event::StopAsked, None, Still::Anything);
    }

    /// Stops, and waits until every instance has ended, at most until `deadline`.
    pub async fn shut_down(&self, deadline: Instant) {
        let (decision, step) = self.on(Event::StopAsked, None, Still::Anything);
        if decision == Decision::End {
            self.end(step, deadline).await;
        }
    }

    pub fn health(&self) -> Option<Health> {
        self.word().health.clone()
    }

    pub fn metadata(&self) -> Option<ComponentMetadata> {
        self.word().metadata.clone()
    }

    pub fn last_failure(&self) -> Option<String> {
        self.word().last_failure.clone()
    }

    pub fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    pub fn refresh_gauges(&self) {
        self.measure(self.state());
    }

    /// Takes in what has happened, and does what follows.
    fn happens(&self, event: Event, reason: Option<String>, still: Still) -> Decision {
        let (decision, step) = self.on(event, reason, still);
        match decision {
            Decision::GoOn | Decision::Exceeded => {}
            Decision::RestartAfter(pause) => {
                self.count_restart();
                self.fleet.drop_all();
                let me = self.me.clone();
                let later = restart_after(me, pause, step);
                self.fleet.maker().spawn(later);
            }
            Decision::Start => self.aside(move |it| async move { it.start(step).await }),
            Decision::StartAnew => {
                self.count_restart();
                self.aside(move |it| async move { it.start_anew(step).await });
            }
            Decision::End => {
                let deadline = Instant::now() + self.policy.shutdown_timeout;
                self.aside(move |it| async move { it.end(step, deadline).await });
            }
            Decision::GiveUp => self.fleet.drop_all(),
            Decision::Escalate => {
                self.fleet.drop_all();
                if let Some(superior) = self.superiors.get() {
                    let group = self.policy.group.as_ref();
                    superior.escalated(&self.component, &self.version, group);
                }
            }
        }
        decision
    }

    /// Has an event decided. The state is another when this returns, and everybody knows.
    fn on(&self, event: Event, reason: Option<String>, still: Still) -> (Decision, u64) {
        let (decision, step, before, state) = {
            let mut path = self.path();
            let counts = match still {
                Still::Anything => true,
                Still::Step(step) => step == path.step,
                Still::Generation(generation) => generation == self.fleet.generation(),
            };
            if !counts {
                return (Decision::GoOn, path.step);
            }
            let before = path.course.state();
            let decision = path
                .course
                .on(event, &self.policy, Instant::now(), chance());
            if !matches!(decision, Decision::GoOn | Decision::Exceeded) {
                path.step += 1;
            }
            let state = path.course.state();
            self.state.store(state as u8, Ordering::Relaxed);
            self.measure(state);
            (decision, path.step, before, state)
        };
        let is_failure = matches!(
            decision,
            Decision::RestartAfter(_) | Decision::GiveUp | Decision::Escalate
        );
        if is_failure {
            self.word().last_failure.clone_from(&reason);
        }
        if state != before {
            self.tell(state, reason.as_deref());
        }
        (decision, step)
    }

    fn tell(&self, state: RunState, reason: Option<&str>) {
        self.changed.notify_waiters();
        let (component, version) = (&self.component, &self.version);
        let copies = self.superiors.are_nobody().then_some(true);
        match state {
            RunState::Degraded | RunState::Restarting | RunState::Stopped | RunState::Failed
                if reason.is_some() =>
            {
                tracing::warn!(%component, %version, copies, state = state.as_str(), reason, "component");
            }
            RunState::Installing | RunState::Starting => {
                tracing::debug!(%component, %version, copies, state = state.as_str(), "component");
            }
            _ => {
                tracing::info!(%component, %version, copies, state = state.as_str(), reason, "component");
            }
        }
        if let Some(superior) = self.superiors.get() {
            superior.changed(component, version, state, reason);
        }
    }

    fn measure(&self, state: RunState) {
        if let Some(metrics) = &self.metrics {
            metrics.set_state(state);
        }
    }

    fn count_restart(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
        if let Some(metrics) = &self.metrics {
            metrics.count_restart();
        }
    }

    /// Does something that nobody waits for, as long as the version is there.
    fn aside<F>(&self, work: impl FnOnce(Arc<Self>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if let Some(me) = self.me.upgrade() {
            self.fleet.maker().spawn(work(me));
        }
    }

    async fn start_anew(&self, step: u64) {
        let deadline = Instant::now() + self.policy.shutdown_timeout;
        self.fleet.end_all(deadline).await;
        self.start(step).await;
    }

    /// Shows that it starts: then it runs.
    async fn start(&self, step: u64) {
        match self.fleet.start().await {
            // No room for another instance says nothing of the component.
            Ok(()) | Err(InvokeError::Overloaded) => {
                self.happens(Event::Started, None, Still::Step(step));
            }
            Err(error) => {
                self.happens(Event::Failed, Some(describe(&error)), Still::Step(step));
            }
        }
    }

    async fn end(&self, step: u64, deadline: Instant) {
        self.fleet.end_all(deadline).await;
        let (_, now) = self.on(Event::Ended, None, Still::Step(step));
        if now == step {
            self.fleet.drop_all();
        }
    }

    fn path(&self) -> MutexGuard<'_, Path> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn word(&self) -> MutexGuard<'_, Word> {
        self.word.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A version that is dropped meanwhile is not kept for its restart.
async fn restart_after(supervisor: Weak<Supervisor>, pause: Duration, step: u64) {
    tokio::time::sleep(pause).await;
    if let Some(supervisor) = supervisor.upgrade() {
        supervisor.happens(Event::Begins, None, Still::Step(step));
    }
}
