//! Leases instances of one version. Bounded by `instances.max`; beyond it as many requests
//! again wait for a moment, then they are refused.
//!
//! An instance whose call did not finish cleanly is never leased again: the lease's `Drop`
//! discards it, and only its `finish` after success puts it back.

mod lease;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use super::maker::Maker;
use super::seats::{Seat, Seats};
use super::supervisor::Supervisor;
use crate::core::{Instances, Reuse};
use crate::monitoring::InstanceCounts;
use crate::runtime::{Call, Instance, InvokeError, Joined, RequestBody, Sessions};

pub(crate) use lease::PoolLease;

/// How long a request waits for an instance when all are busy, or while its component restarts.
pub(crate) const QUEUE_TIMEOUT: Duration = Duration::from_secs(1);
/// How often pools are maintained, and how exact `idle_timeout` is.
pub(crate) const TICK: Duration = Duration::from_secs(1);
/// Reused instances that fail one after the other, before reuse is given up.
const REUSE_FAILURES: u32 = 3;

pub(crate) struct Pool {
    maker: Maker,
    policy: Instances,
    supervisor: Weak<Supervisor>,
    sessions: Arc<Sessions>,
    seats: Arc<Seats>,
    idle: Mutex<Vec<Idle>>,
    ready: Mutex<Vec<Instance>>,
    refilling: AtomicBool,
    reuse_failures: AtomicU32,
    /// Instances of an earlier one are not put back. Changes only while `idle` and `ready` are
    /// locked.
    generation: AtomicU32,
    /// Counts calls of [`Pool::maintain`]: a clock that costs nothing to read.
    ticks: AtomicU32,
}

type Request = http::Request<RequestBody>;

/// How a request gets to an instance.
#[allow(
    clippy::large_enum_variant,
    reason = "moved at once; a box would cost an allocation a request"
)]
pub(crate) enum Way {
    Leased(PoolLease, Request),
    Joined(Joined),
}

#[allow(
    clippy::large_enum_variant,
    reason = "moved at once; a box would cost an allocation a request"
)]
enum Entry {
    Seated(Seat, Request),
    Joined(Joined),
}

struct Idle {
    instance: Instance,
    /// When it became idle, in ticks of the pool.
    since: u32,
}

impl Pool {
    pub fn new(maker: Maker, policy: Instances, supervisor: Weak<Supervisor>) -> Arc<Self> {
        let room = Arc::<Notify>::default();
        let seats = Seats::new(policy.max.get(), room.clone());
        Arc::new(Self {
            maker,
            policy,
            supervisor,
            sessions: Sessions::new(room),
            seats,
            idle: Mutex::default(),
            ready: Mutex::default(),
            refilling: AtomicBool::new(false),
            reuse_failures: AtomicU32::new(0),
            generation: AtomicU32::new(0),
            ticks: AtomicU32::new(0),
        })
    }

    pub fn maker(&self) -> &Maker {
        &self.maker
    }

    pub fn generation(&self) -> u32 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Whether requests share instances.
    pub fn is_shared(&self) -> bool {
        matches!(self.policy.reuse, Reuse::Concurrent { .. })
    }

    /// Finds an instance for one request alone, reused or fresh.
    ///
    /// # Errors
    /// All are busy and stay so, or a fresh one cannot be made.
    pub async fn lease(self: &Arc<Self>) -> Result<PoolLease, InvokeError> {
        let seat = match self.seats.try_take() {
            Some(seat) => Some(seat),
            None => {
                let attempt = || self.seats.try_take();
                self.seats.wait(self.queue(), QUEUE_TIMEOUT, attempt).await
            }
        };
        self.seated(seat.ok_or(InvokeError::Overloaded)?).await
    }

    async fn seated(self: &Arc<Self>, seat: Seat) -> Result<PoolLease, InvokeError> {
        // Before the instance: it must not seem younger than it is.
        let generation = self.generation();
        let instance = match self.take_idle() {
            Some(instance) => instance,
            None => self
                .fresh()
                .await
                .map_err(|error| self.tell(error, generation))?,
        };
        Ok(PoolLease {
            pool: self.clone(),
            instance: Some(instance),
            generation,
            _seat: seat,
        })
    }

    /// Finds an instance for a request, to itself, or a place in one that serves others
    /// and waits just now.
    ///
    /// # Errors
    /// All are busy and stay so, or a fresh one cannot be made.
    pub async fn enter(self: &Arc<Self>, request: Request, call: Call) -> Result<Way, InvokeError> {
        let mut waiting = Some(request);
        let entry = match self.try_enter(&mut waiting, call) {
            Some(entry) => Some(entry),
            None => {
                let attempt = || self.try_enter(&mut waiting, call);
                self.seats.wait(self.queue(), QUEUE_TIMEOUT, attempt).await
            }
        };
        match entry.ok_or(InvokeError::Overloaded)? {
            Entry::Joined(joined) => Ok(Way::Joined(joined)),
            Entry::Seated(seat, request) => Ok(Way::Leased(self.seated(seat).await?, request)),
        }
    }

    /// An idle instance is better than company, and company is better than a new instance.
    fn try_enter(&self, waiting: &mut Option<Request>, call: Call) -> Option<Entry> {
        let request = waiting.take()?;
        let request = match self.policy.reuse {
            Reuse::Concurrent { .. } if self.lock(&self.idle).is_empty() => {
                match self.sessions.join(request, call) {
                    Ok(joined) => return Some(Entry::Joined(joined)),
                    Err(request) => request,
                }
            }
            _ => request,
        };
        match self.seats.try_take() {
            Some(seat) => Some(Entry::Seated(seat, request)),
            None => {
                *waiting = Some(request);
                None
            }
        }
    }

    /// As many requests may wait as can be served.
    fn queue(&self) -> u32 {
        let at_once = match self.policy.reuse {
            Reuse::Concurrent { at_once, .. } => at_once.get(),
            Reuse::Fresh | Reuse::Serial { .. } => 1,
        };
        self.policy.max.get().saturating_mul(at_once)
    }

    fn take_idle(&self) -> Option<Instance> {
        if self.policy.reuse == Reuse::Fresh || self.is_reuse_broken() {
            return None;
        }
        self.lock(&self.idle).pop().map(|idle| idle.instance)
    }

    async fn fresh(self: &Arc<Self>) -> Result<Instance, InvokeError> {
        if self.policy.ready == 0 {
            return self.make().await;
        }
        let ready = self.lock(&self.ready).pop();
        self.refill();
        match ready {
            Some(instance) => Ok(instance),
            None => self.make().await,
        }
    }

    /// A request needed an instance, and none could be made.
    #[cold]
    fn tell(&self, error: InvokeError, generation: u32) -> InvokeError {
        if !matches!(error, InvokeError::Overloaded)
            && let Some(supervisor) = self.supervisor.upgrade()
        {
            supervisor.failed(generation, &error);
        }
        error
    }

    async fn make(&self) -> Result<Instance, InvokeError> {
        let mut instance = self.maker.make().await?;
        if let Reuse::Concurrent { requests, at_once } = self.policy.reuse {
            instance.share(self.sessions.clone(), at_once.get(), requests.get());
        }
        Ok(instance)
    }

    /// Makes one instance: proves that the version can be instantiated at all.
    ///
    /// # Errors
    /// Whatever keeps an instance from starting.
    pub async fn start(self: &Arc<Self>) -> Result<(), InvokeError> {
        let generation = self.generation();
        let instance = self.make().await?;
        if self.policy.ready > 0 {
            self.make_ready(instance, generation);
            self.refill();
        }
        Ok(())
    }

    fn make_ready(&self, instance: Instance, generation: u32) {
        let mut ready = self.lock(&self.ready);
        if generation == self.generation() && ready.len() < self.policy.ready as usize {
            ready.push(instance);
        }
    }

    /// Takes all instances that nobody uses, and puts none of the others back.
    pub fn renew(&self) -> Vec<Instance> {
        let (idle, ready) = {
            let (mut idle, mut ready) = (self.lock(&self.idle), self.lock(&self.ready));
            self.generation.fetch_add(1, Ordering::Relaxed);
            (std::mem::take(&mut *idle), std::mem::take(&mut *ready))
        };
        self.sessions.renew();
        let idle = idle.into_iter().map(|idle| idle.instance);
        idle.chain(ready).collect()
    }

    /// Brings the fresh instances back to their number, in a task of its own, one at a time.
    fn refill(self: &Arc<Self>) {
        if self.refilling.swap(true, Ordering::SeqCst) {
            return;
        }
        let pool = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(pool) = pool.upgrade() {
                if pool.is_full() {
                    pool.refilling.store(false, Ordering::SeqCst);
                    // One may have been taken since, by somebody who saw us still at work.
                    if pool.is_full() || pool.refilling.swap(true, Ordering::SeqCst) {
                        return;
                    }
                }
                let generation = pool.generation();
                match pool.make().await {
                    Ok(instance) => pool.make_ready(instance, generation),
                    Err(error) => {
                        tracing::debug!(%error, "cannot make an instance ahead of demand");
                        pool.refilling.store(false, Ordering::SeqCst);
                        return;
                    }
                }
            }
        });
    }

    fn is_full(&self) -> bool {
        self.lock(&self.ready).len() >= self.policy.ready as usize
    }

    /// Puts an instance back where its policy and its state allow it; drops it otherwise.
    fn give_back(&self, instance: Instance, generation: u32) {
        let requests = match self.policy.reuse {
            Reuse::Fresh => return,
            Reuse::Serial { requests } | Reuse::Concurrent { requests, .. } => requests.get(),
        };
        let reusable =
            instance.served() < requests && instance.is_clean() && !instance.nearly_full();
        if !reusable || self.is_reuse_broken() {
            return;
        }
        let mut idle = self.lock(&self.idle);
        if generation == self.generation() {
            let since = self.ticks.load(Ordering::Relaxed);
            idle.push(Idle { instance, since });
        }
    }

    fn is_reuse_broken(&self) -> bool {
        self.reuse_failures.load(Ordering::Relaxed) >= REUSE_FAILURES
    }

    /// Some components serve once and then fail for ever; they are served fresh.
    fn judge_reuse(&self, served: u32, result: &Result<(), InvokeError>) {
        if served < 2 {
            return;
        }
        match result {
            // Written only when it changes: every request of the version reads it.
            Ok(()) if self.reuse_failures.load(Ordering::Relaxed) == 0 => {}
            Ok(()) => self.reuse_failures.store(0, Ordering::Relaxed),
            Err(InvokeError::Trap(_) | InvokeError::NoResponse) => {
                if self.reuse_failures.fetch_add(1, Ordering::Relaxed) + 1 == REUSE_FAILURES {
                    let (component, version) = self.maker.prepared().name();
                    tracing::warn!(%component, %version,
                        "instances fail when they are reused; every request gets a fresh one from now on");
                }
            }
            Err(_) => {}
        }
    }

    /// Drops instances that have been idle for too long.
    /// To be called every [`TICK`].
    pub fn maintain(&self) {
        let now = self.ticks.fetch_add(1, Ordering::Relaxed);
        let patience = self.policy.idle_timeout.div_duration_f64(TICK) as u32;
        let expired = |idle: &Idle| now.wrapping_sub(idle.since) >= patience;
        // The oldest are at the front, since the newest are leased first.
        let old: Vec<Idle> = {
            let mut idle = self.lock(&self.idle);
            let count = idle.iter().take_while(|idle| expired(idle)).count();
            idle.drain(..count).collect()
        };
        drop(old);
    }

    pub fn dispensable(&self) -> u32 {
        let counts = self.counts();
        counts.idle + counts.ready
    }

    /// Drops the instance that has been idle for longest.
    pub fn give_way(&self) -> bool {
        let idle = {
            let mut idle = self.lock(&self.idle);
            (!idle.is_empty()).then(|| idle.remove(0).instance)
        };
        idle.or_else(|| self.lock(&self.ready).pop()).is_some()
    }

    pub fn counts(&self) -> InstanceCounts {
        InstanceCounts {
            busy: self.seats.taken(),
            idle: self.lock(&self.idle).len() as u32,
            ready: self.lock(&self.ready).len() as u32,
        }
    }

    fn lock<'a, T>(&self, mutex: &'a Mutex<T>) -> std::sync::MutexGuard<'a, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
