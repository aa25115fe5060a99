//! An actor's instance for one call, and whose fault it is when the call fails.
//!
//! Only a call that ended well leaves the instance where it was. What the guest did (a trap, a
//! spent limit, no answer in time) is told to the supervisor. A client that went away, sent too
//! much or nothing, and a stream that met its deadline cost the instance too, since nobody knows
//! what state it is in; but they are not the component's failure: clients could stop it else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::actors::Actors;
use super::key::ActorId;
use super::mailbox::{Mailbox, Turn};
use super::table::{Leaving, Member};
use crate::runtime::{Instance, InvokeError, Lease, RequestWatch, Usage};

/// One actor: its queue, and its instance while nobody has it.
pub(super) struct Actor {
    pub mailbox: Arc<Mailbox>,
    /// Touched only by who has the turn, or knows that nobody has.
    slot: Mutex<Option<Kept>>,
    /// It was to end and could not, for a call that did not: its instance is not kept.
    outlived: AtomicBool,
}

struct Kept {
    instance: Instance,
    generation: u32,
}

impl Actor {
    pub fn new(mailbox: usize) -> Arc<Self> {
        Arc::new(Self {
            mailbox: Mailbox::new(mailbox),
            slot: Mutex::default(),
            outlived: AtomicBool::new(false),
        })
    }

    /// The call that has the turn is its instance's last.
    pub fn outlive(&self) {
        self.outlived.store(true, Ordering::Relaxed);
    }

    /// Its instance, if it is of this generation; an older one is dropped.
    pub fn take(&self, generation: u32) -> Option<Instance> {
        self.outlived.store(false, Ordering::Relaxed);
        let kept = self.lock().take();
        kept.filter(|kept| kept.generation == generation)
            .map(|kept| kept.instance)
    }

    fn keep(&self, instance: Instance, generation: u32) {
        if self.outlived.load(Ordering::Relaxed) {
            return;
        }
        *self.lock() = Some(Kept {
            instance,
            generation,
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Kept>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member for Actor {
    fn is_alive(&self) -> bool {
        self.lock().is_some()
    }
}

/// Taking part in an actor. Dropping it is leaving.
pub(super) struct Visit {
    pub actors: Arc<Actors>,
    pub id: ActorId,
    pub actor: Arc<Actor>,
    pub leaving: Leaving,
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.actors.leave(&self.id, self.leaving);
    }
}

/// What a call is for.
#[derive(Clone)]
pub(super) enum Purpose {
    /// A request or message, and until when it must be answered.
    Call {
        deadline: Instant,
        /// The response head was there.
        answered: Arc<AtomicBool>,
        body: Option<RequestWatch>,
        /// A failure of it is one of the component.
        counts: bool,
    },
    /// A question of the gateway's, which judges the answer itself.
    Question,
}

/// An actor's instance, for one call.
pub(in crate::component) struct ActorLease {
    instance: Option<Instance>,
    generation: u32,
    purpose: Purpose,
    // In this order: the next call must find the actor as this one leaves it, and who leaves
    // last must see that nobody has the turn.
    _turn: Turn,
    visit: Visit,
}

impl ActorLease {
    pub(super) fn new(
        instance: Instance,
        generation: u32,
        purpose: Purpose,
        turn: Turn,
        visit: Visit,
    ) -> Self {
        Self {
            instance: Some(instance),
            generation,
            purpose,
            _turn: turn,
            visit,
        }
    }

    /// Keeps what no call has touched.
    pub(super) fn give_back(mut self) {
        self.put_back();
    }

    fn put_back(&mut self) {
        if let Some(instance) = self.instance.take()
            && self.generation == self.visit.actors.generation()
        {
            self.visit.actor.keep(instance, self.generation);
        }
    }

    fn blame(&self, error: &InvokeError) {
        if matches!(self.purpose, Purpose::Call { counts: true, .. }) && is_own_fault(error) {
            self.visit.actors.failed(self.generation, error);
        }
    }

    /// The client broke its request off: whatever the guest made of it is not its own fault.
    fn is_clients_fault(&self) -> bool {
        let Purpose::Call { body, .. } = &self.purpose else {
            return false;
        };
        body.as_ref().is_some_and(RequestWatch::is_broken)
    }

    /// Nobody waits for the guest any more: because it took too long, or because they left?
    fn is_overdue(&self) -> bool {
        let Purpose::Call {
            deadline,
            answered,
            body,
            counts: _,
        } = &self.purpose
        else {
            return false;
        };
        let is_late = |body: &RequestWatch| body.is_awaited() || body.is_broken();
        let is_clients = body.as_ref().is_some_and(is_late);
        !answered.load(Ordering::Relaxed) && !is_clients && Instant::now() >= *deadline
    }
}

impl Lease for ActorLease {
    #[allow(
        clippy::expect_used,
        reason = "only `finish` takes it, and consumes the lease"
    )]
    fn instance(&mut self) -> &mut Instance {
        self.instance
            .as_mut()
            .expect("a lease has its instance until it is finished")
    }

    fn is_reusable(&self) -> bool {
        true
    }

    fn judge(&mut self, _result: &Result<(), InvokeError>) {}

    fn finish(mut self, usage: Usage, result: Result<(), InvokeError>) {
        self.visit.actors.record(usage);
        match result {
            // Without a handler the guest was not called at all.
            Ok(()) | Err(InvokeError::NoHandler) => self.put_back(),
            Err(error) => {
                drop(self.instance.take());
                if !self.is_clients_fault() {
                    self.blame(&error);
                }
            }
        }
    }
}

impl Drop for ActorLease {
    fn drop(&mut self) {
        // Still there: the call was abandoned.
        if self.instance.take().is_some() && self.is_overdue() {
            self.blame(&InvokeError::Timeout);
        }
    }
}

/// Whether a call failed by what the guest did.
fn is_own_fault(error: &InvokeError) -> bool {
    match error {
        InvokeError::Trap(_)
        | InvokeError::Exit(_)
        | InvokeError::NoResponse
        | InvokeError::BadResponse(_)
        | InvokeError::OutOfFuel
        | InvokeError::OverCpu
        | InvokeError::OverMemory(_)
        | InvokeError::Timeout
        | InvokeError::NotInitialized(_) => true,
        InvokeError::GuestError { .. }
        | InvokeError::Overloaded
        | InvokeError::BodyTooLarge
        | InvokeError::BodyStalled
        | InvokeError::Interrupted
        | InvokeError::NoHandler
        | InvokeError::Stopped => false,
    }
}
