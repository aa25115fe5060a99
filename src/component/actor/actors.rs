//! The actors of one version: requests and messages go through the mailbox of theirs.
//!
//! Bounded by `instances.max` actors, each with a mailbox of its own. An instance lives until a
//! call of it fails, until it has been idle for `idle_timeout` where there are keys, or until it
//! is told to end. It is not recycled for the memory it holds: what it remembers is why it is
//! there, and its limit is the limit.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::time::Instant;

use super::key::ActorId;
use super::lease::{Actor, ActorLease, Purpose, Visit};
use super::mailbox::Place;
use super::table::{Doomed, Leaving, Table};
use crate::component::maker::{Maker, SHUT_DOWN_AT_ONCE};
use crate::component::pool::TICK;
use crate::component::supervisor::Supervisor;
use crate::core::{self, Instances, Message};
use crate::monitoring::InstanceCounts;
use crate::runtime::{
    Call, Instance, InvokeError, RequestBody, RequestWatch, ResponseBody, Usage, handle, invoke,
};

/// Idle actors that are told to end at once.
const ENDING_AT_ONCE: usize = 256;

/// The actors of one version.
pub(in crate::component) struct Actors {
    maker: Maker,
    policy: Instances,
    actor: core::Actor,
    supervisor: Weak<Supervisor>,
    table: Mutex<Table<Actor>>,
    /// Instances of an earlier one are not kept.
    generation: AtomicU32,
    /// Counts calls of [`Actors::maintain`].
    ticks: AtomicU32,
}

/// A call in the queue of its actor.
struct Queued {
    place: Place,
    visit: Visit,
}

impl Actors {
    pub fn new(
        maker: Maker,
        policy: Instances,
        actor: core::Actor,
        supervisor: Weak<Supervisor>,
    ) -> Arc<Self> {
        let most = actor.key.as_ref().map_or(1, |_| policy.max.get() as usize);
        Arc::new(Self {
            maker,
            policy,
            actor,
            supervisor,
            table: Mutex::new(Table::new(most)),
            generation: AtomicU32::new(0),
            ticks: AtomicU32::new(0),
        })
    }

    pub fn generation(&self) -> u32 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Has the actor of its key serve a request.
    ///
    /// # Errors
    /// As [`invoke`]; the actor has no room or no time, or cannot be made.
    pub async fn serve(
        self: &Arc<Self>,
        request: http::Request<RequestBody>,
        mut call: Call,
    ) -> Result<http::Response<ResponseBody>, InvokeError> {
        if !self.maker.prepared().serves_http() {
            return Err(InvokeError::NoHandler);
        }
        let id = ActorId::of_request(self.actor.key.as_ref(), request.headers());
        let patience = Instant::from_std(call.arrived) + self.maker.timeout();
        // Before it has a place: a client that sends slowly keeps nobody waiting but itself.
        let (head, body) = request.into_parts();
        let body = body.gathered(patience).await?;
        let request = http::Request::from_parts(head, body);
        let queued = self.queue(id)?;
        let body = Some(request.body().watch());
        let (lease, answered) = self.lease(queued, patience, body, true).await?;
        // The time in the mailbox was not the guest's.
        call.arrived = Instant::now().into_std();
        let response = invoke(lease, request, call).await?;
        answered.store(true, Ordering::Relaxed);
        // Others wait for this very instance: no client may keep it by reading slowly.
        Ok(response.map(ResponseBody::read_ahead))
    }

    /// Has the actor of its key handle a message. Its place in the mailbox is taken at once, and
    /// not only when the future is first polled: who calls this in an order keeps it.
    pub fn handle(
        self: &Arc<Self>,
        message: Arc<Message>,
        attempt: u32,
    ) -> impl Future<Output = Result<Result<(), String>, InvokeError>> + Send + use<> {
        let queued = self.queue(ActorId::of_message(self.actor.key.as_ref(), &message));
        let patience = Instant::now() + self.maker.timeout();
        let actors = self.clone();
        async move {
            let (lease, _) = actors.lease(queued?, patience, None, attempt <= 1).await?;
            handle(lease, message).await
        }
    }

    fn queue(self: &Arc<Self>, id: ActorId) -> Result<Queued, InvokeError> {
        let mailbox = self.actor.mailbox.get() as usize;
        let entered = self.lock().enter(&id, || Actor::new(mailbox));
        let (actor, doomed) = entered.ok_or(InvokeError::Overloaded)?;
        if let Some(doomed) = doomed {
            self.end_aside(doomed);
        }
        let visit = self.visit(id, actor, Leaving::Used);
        let place = visit.actor.mailbox.join().ok_or(InvokeError::Overloaded)?;
        Ok(Queued { place, visit })
    }

    fn visit(self: &Arc<Self>, id: ActorId, actor: Arc<Actor>, leaving: Leaving) -> Visit {
        Visit {
            actors: self.clone(),
            id,
            actor,
            leaving,
        }
    }

    /// Waits for the turn, and for an instance.
    async fn lease(
        self: &Arc<Self>,
        queued: Queued,
        patience: Instant,
        body: Option<RequestWatch>,
        counts: bool,
    ) -> Result<(ActorLease, Arc<AtomicBool>), InvokeError> {
        let Queued { place, visit } = queued;
        let turn = place.turn(patience).await.ok_or(InvokeError::Overloaded)?;
        // It may have failed while this one waited.
        let supervisor = self.supervisor.upgrade().ok_or(InvokeError::Stopped)?;
        supervisor.admit().await?;
        let generation = self.generation();
        let instance = match visit.actor.take(generation) {
            Some(instance) => instance,
            None => self.make(generation).await?,
        };
        let answered = Arc::<AtomicBool>::default();
        let purpose = Purpose::Call {
            deadline: Instant::now() + self.maker.timeout(),
            answered: answered.clone(),
            body,
            // One key's instance is one of many: its clients cannot stop the others.
            counts: counts && self.actor.key.is_none(),
        };
        let lease = ActorLease::new(instance, generation, purpose, turn, visit);
        Ok((lease, answered))
    }

    async fn make(&self, generation: u32) -> Result<Instance, InvokeError> {
        let made = self.maker.make().await;
        made.inspect_err(|error| {
            if !matches!(error, InvokeError::Overloaded) {
                self.failed(generation, error);
            }
        })
    }

    pub(super) fn failed(&self, generation: u32, error: &InvokeError) {
        if let Some(supervisor) = self.supervisor.upgrade() {
            supervisor.failed(generation, error);
        }
    }

    pub(super) fn record(&self, usage: Usage) {
        self.maker.record(usage);
    }

    pub(super) fn leave(&self, id: &ActorId, leaving: Leaving) {
        let now = self.ticks.load(Ordering::Relaxed);
        self.lock().leave(id, leaving, now);
    }

    /// Makes an instance that serves later, where there is only one, or one that shows that it
    /// can be made.
    ///
    /// # Errors
    /// Whatever keeps an instance from starting.
    pub async fn start(self: &Arc<Self>) -> Result<(), InvokeError> {
        if self.actor.key.is_some() {
            self.maker.make().await?;
            return Ok(());
        }
        let generation = self.generation();
        let mailbox = self.actor.mailbox.get() as usize;
        let id = ActorId::empty();
        let entered = self.lock().enter(&id, || Actor::new(mailbox));
        let (actor, _) = entered.ok_or(InvokeError::Overloaded)?;
        let visit = self.visit(id, actor, Leaving::Asked);
        let patience = Instant::now() + self.maker.timeout() * 2;
        let place = visit.actor.mailbox.go_first();
        let turn = place.turn(patience).await.ok_or(InvokeError::Overloaded)?;
        let instance = match visit.actor.take(generation) {
            Some(instance) => instance,
            None => self.maker.make().await?,
        };
        ActorLease::new(instance, generation, Purpose::Question, turn, visit).give_back();
        Ok(())
    }

    /// An actor to ask something by `deadline`, another one each time; `None`: there is none.
    ///
    /// # Errors
    /// It was busy until then.
    pub async fn ask(
        self: &Arc<Self>,
        deadline: Instant,
    ) -> Result<Option<ActorLease>, InvokeError> {
        let visit = match self.actor.key {
            Some(_) => self.lock().ask_next(),
            // The only one is asked even when it is busy.
            None => {
                let id = ActorId::empty();
                let mailbox = self.actor.mailbox.get() as usize;
                let entered = self.lock().enter(&id, || Actor::new(mailbox));
                entered.map(|(actor, _)| (id, actor))
            }
        };
        let Some((id, actor)) = visit else {
            return Ok(None);
        };
        let visit = self.visit(id, actor, Leaving::Asked);
        let place = visit.actor.mailbox.go_first();
        let turn = place.turn(deadline).await.ok_or(InvokeError::Overloaded)?;
        let generation = self.generation();
        let instance = match visit.actor.take(generation) {
            Some(instance) => instance,
            None if self.actor.key.is_none() => self.make(generation).await?,
            None => return Ok(None),
        };
        let lease = ActorLease::new(instance, generation, Purpose::Question, turn, visit);
        Ok(Some(lease))
    }

    pub fn maker(&self) -> &Maker {
        &self.maker
    }

    /// Drops every instance: now, or when its call is over.
    pub fn renew(&self) {
        let idle = {
            let mut table = self.lock();
            self.generation.fetch_add(1, Ordering::Relaxed);
            table.take_idle()
        };
        drop(idle);
    }

    /// Tells every instance to end, as soon as its present call is over, and waits until
    /// `deadline`.
    pub async fn end_all(self: &Arc<Self>, deadline: Instant) {
        let doomed = self.lock().doom_all();
        stream::iter(doomed)
            .for_each_concurrent(SHUT_DOWN_AT_ONCE, |doomed| self.end(doomed, deadline))
            .await;
    }

    /// Ends actors that have been idle for too long. To be called every [`TICK`].
    pub fn maintain(self: &Arc<Self>) {
        let now = self.ticks.fetch_add(1, Ordering::Relaxed);
        if self.actor.key.is_none() {
            return;
        }
        let patience = self.policy.idle_timeout.div_duration_f64(TICK) as u32;
        let expired = self.lock().doom_expired(now, patience, ENDING_AT_ONCE);
        expired
            .into_iter()
            .for_each(|doomed| self.end_aside(doomed));
    }

    /// Actors without a key are not: what they remember is nowhere else.
    pub fn dispensable(&self) -> u32 {
        match self.actor.key {
            Some(_) => self.lock().counts().1 as u32,
            None => 0,
        }
    }

    /// Ends the actor that has been idle for longest, and waits for it.
    pub async fn give_way(self: &Arc<Self>) -> bool {
        let doomed = self.lock().doom_idlest();
        let Some(doomed) = doomed else {
            return false;
        };
        let deadline = Instant::now() + self.maker.shutdown_timeout();
        let actors = self.clone();
        // Apart: its end is its own, whatever becomes of who needs the room.
        let end = self
            .maker
            .spawn(async move { actors.end(doomed, deadline).await });
        end.await.is_ok()
    }

    fn end_aside(self: &Arc<Self>, doomed: Doomed<Actor>) {
        let deadline = Instant::now() + self.maker.shutdown_timeout();
        let (id, actor) = doomed;
        if !self.maker.prepared().is_supervised() {
            // Nobody is to be told: it is gone before the next one comes.
            let visit = self.visit(id, actor, Leaving::Ended);
            if let Place::Now(turn) = visit.actor.mailbox.go_first() {
                drop(visit.actor.take(self.generation()));
                drop(turn);
            }
            return;
        }
        let actors = self.clone();
        self.maker
            .spawn(async move { actors.end((id, actor), deadline).await });
    }

    /// Whoever calls the actor meanwhile waits in its mailbox, and meets a new instance.
    async fn end(self: &Arc<Self>, (id, actor): Doomed<Actor>, deadline: Instant) {
        let visit = self.visit(id, actor, Leaving::Ended);
        let Some(turn) = visit.actor.mailbox.go_first().turn(deadline).await else {
            return visit.actor.outlive();
        };
        if let Some(instance) = visit.actor.take(self.generation()) {
            self.maker.end(instance, deadline).await;
        }
        drop(turn);
    }

    pub fn counts(&self) -> InstanceCounts {
        let (used, unused) = self.lock().counts();
        InstanceCounts {
            busy: used as u32,
            idle: unused as u32,
            ready: 0,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table<Actor>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
