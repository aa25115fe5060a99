//! A call in a task of its own, and the verdict on it for whoever reads its body.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::cpu::Metered;
use super::error::InvokeError;
use super::instance::{Recipe, Usage};
use super::invoke::Lease;
use super::join::Joinable;
use super::terms::{Deadline, Terms};

/// Which threads run a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// The one that serves its connection.
    Fast,
    /// Those for guests that compute.
    Slow,
}

/// Gives a call a task of its own, and answers with where to learn how it ends.
pub(super) fn detach<L: Lease, F>(
    running: Pin<Box<Metered<F>>>,
    terms: &Terms,
    lane: Lane,
) -> Verdict
where
    F: Future<Output = (L, Result<(), InvokeError>)> + Send + 'static,
{
    if running.overran() {
        terms.recipe.pace.judge(true);
    }
    let (result, results) = oneshot::channel();
    let (cancel, cancelled) = oneshot::channel();
    let task = Detached {
        running,
        done: None,
        deadline: Deadline::maybe(terms.stream_deadline),
        cancelled: Some(cancelled),
        result: Some(result),
        joinable: terms.joinable.clone(),
        recipe: terms.recipe.clone(),
        lane,
    };
    let verdict = match &terms.joinable {
        // Others depend on this instance: nobody's leaving may end it.
        Some(joinable) => {
            let _ = cancel.send(());
            // An instance that computes has no time for others.
            if lane == Lane::Fast {
                joinable.open();
            }
            let end = End::Awaited(results);
            let deadline = Deadline::maybe(terms.stream_deadline);
            Verdict::Shared {
                joinable: joinable.clone(),
                end,
                deadline,
            }
        }
        None => Verdict::Own {
            end: End::Awaited(results),
            cancel: Some(cancel),
        },
    };
    let slow = terms.recipe.lane.clone();
    match lane {
        Lane::Fast => drop(tokio::spawn(async move {
            if let Some(mut task) = task.drive(true).await {
                task.lane = Lane::Slow;
                task.recipe.pace.judge(true);
                slow.spawn(async move { drop(task.drive(false).await) });
            }
        })),
        Lane::Slow => slow.spawn(async move { drop(task.drive(false).await) }),
    }
    verdict
}

/// A call in a task of its own.
struct Detached<L, F> {
    running: Pin<Box<Metered<F>>>,
    /// The guest is done; its instance may serve again once its body has been read.
    done: Option<(L, Usage)>,
    deadline: Deadline,
    /// `None`: nobody can cancel it any more.
    cancelled: Option<oneshot::Receiver<()>>,
    result: Option<oneshot::Sender<Result<(), InvokeError>>>,
    joinable: Option<Arc<Joinable>>,
    recipe: Arc<Recipe>,
    lane: Lane,
}

impl<L: Lease, F> Detached<L, F>
where
    F: Future<Output = (L, Result<(), InvokeError>)> + Send + 'static,
{
    /// Runs until the guest is done, cancelled or out of time. With `leave` it gives
    /// itself back as soon as the guest computes for long.
    async fn drive(mut self, leave: bool) -> Option<Self> {
        std::future::poll_fn(|cx| self.poll(cx, leave))
            .await
            .then_some(self)
    }

    /// Ready with whether the task must go on elsewhere.
    fn poll(&mut self, cx: &mut Context<'_>, leave: bool) -> Poll<bool> {
        if self.done.is_none()
            && let Poll::Ready(((lease, result), cpu)) = self.running.as_mut().poll(cx)
            && self.end(lease, result, cpu).is_ready()
        {
            return Poll::Ready(false);
        }
        if let Poll::Ready(wish) = self.poll_cancelled(cx) {
            match (wish, self.done.take()) {
                (Wish::LetFinish, None) => {}
                (Wish::LetFinish, Some((lease, usage))) => {
                    lease.finish(usage, Ok(()));
                    return Poll::Ready(false);
                }
                // Whoever read the body gave it up, or saw it break.
                (Wish::Cancel, done) => {
                    if let Some((lease, usage)) = done {
                        lease.finish(usage, Err(InvokeError::Interrupted));
                    }
                    return Poll::Ready(false);
                }
            }
        }
        if self.poll_deadline(cx).is_ready() {
            self.tell(Err(InvokeError::Timeout));
            return Poll::Ready(false);
        }
        if leave && self.done.is_none() && self.running.overran() {
            Poll::Ready(true)
        } else {
            Poll::Pending
        }
    }

    /// Ready once.
    fn poll_cancelled(&mut self, cx: &mut Context<'_>) -> Poll<Wish> {
        let Some(cancelled) = &mut self.cancelled else {
            return Poll::Pending;
        };
        let wish = match ready!(Pin::new(cancelled).poll(cx)) {
            Ok(()) => Wish::LetFinish,
            Err(_) => Wish::Cancel,
        };
        self.cancelled = None;
        Poll::Ready(wish)
    }

    /// A shared instance lives as long as the last request that joined it may.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(joinable) = &self.joinable {
            let at = joinable.deadline();
            if self.deadline.at != at {
                self.deadline = Deadline::maybe(at);
            }
        }
        self.deadline.poll(cx)
    }

    /// The guest is done. Ready when there is nothing left to wait for.
    fn end(
        &mut self,
        mut lease: L,
        mut result: Result<(), InvokeError>,
        cpu: Duration,
    ) -> Poll<()> {
        if result.is_ok() && lease.instance().has_open_body() {
            result = Err(InvokeError::BadResponse(
                "it returned without finishing its body",
            ));
        }
        // What a guest makes of the loss of its reader says nothing of the guest.
        if result.is_err() && self.is_abandoned() {
            result = Err(InvokeError::Interrupted);
        }
        let usage = lease.instance().settle(cpu);
        lease.judge(&result);
        // Told before the store goes, because the end of the store ends the body.
        self.tell(result.clone());
        if result.is_ok() && lease.is_reusable() && self.cancelled.is_some() {
            self.done = Some((lease, usage));
            return Poll::Pending;
        }
        lease.finish(usage, result);
        Poll::Ready(())
    }

    /// Whoever read the body has gone.
    fn is_abandoned(&mut self) -> bool {
        let cancelled = self.cancelled.as_mut();
        let has_gone = |it: &mut oneshot::Receiver<()>| it.try_recv() == Err(TryRecvError::Closed);
        let abandoned = cancelled.is_some_and(has_gone);
        if abandoned {
            self.cancelled = None;
        }
        abandoned
    }

    fn tell(&mut self, result: Result<(), InvokeError>) {
        if let (Some(joinable), Err(error)) = (&self.joinable, &result) {
            joinable.fail(error.clone());
        }
        if let Some(sender) = self.result.take() {
            let _ = sender.send(result);
        }
    }
}

impl<L, F> Drop for Detached<L, F> {
    fn drop(&mut self) {
        if let Some(joinable) = &self.joinable {
            joinable.leave();
        }
        if self.lane == Lane::Slow {
            self.recipe.pace.judge(self.running.overran());
        }
    }
}

/// What the reader of the body wants of the guest.
enum Wish {
    LetFinish,
    Cancel,
}

/// How a body's guest ended, for the one who reads the body.
pub(crate) enum Verdict {
    /// It was done before the body was.
    Settled,
    /// It runs for this body alone: dropping the verdict cancels it.
    Own {
        end: End,
        cancel: Option<oneshot::Sender<()>>,
    },
    /// It serves others too, so its body has a deadline of its own.
    Shared {
        joinable: Arc<Joinable>,
        end: End,
        deadline: Deadline,
    },
}

/// The end of a guest's task.
pub(crate) enum End {
    Awaited(oneshot::Receiver<Result<(), InvokeError>>),
    /// `None`: it ended well.
    Known(Option<InvokeError>),
    /// Somebody else's task: its failure is known to the one it was joined through.
    Elsewhere,
}

impl End {
    fn learn(&mut self, result: Option<Result<(), InvokeError>>) {
        if let Some(result) = result {
            *self = Self::Known(result.err());
        }
    }

    /// The failure, if it is known by now.
    fn failure(&mut self) -> Option<InvokeError> {
        if let Self::Awaited(results) = self {
            let result = match results.try_recv() {
                Ok(result) => Some(result),
                Err(TryRecvError::Empty) => None,
                // The task is gone without a word: it panicked.
                Err(TryRecvError::Closed) => Some(Err(InvokeError::Interrupted)),
            };
            self.learn(result);
        }
        match self {
            Self::Known(failure) => failure.clone(),
            _ => None,
        }
    }

    /// Ready with the failure, or without one, once the task has ended.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<InvokeError>> {
        if let Self::Awaited(results) = self {
            let result = ready!(Pin::new(results).poll(cx));
            self.learn(Some(result.unwrap_or(Err(InvokeError::Interrupted))));
        }
        match self {
            Self::Known(failure) => Poll::Ready(failure.clone()),
            _ => Poll::Pending,
        }
    }
}

impl Verdict {
    /// The failure, if it is known by now.
    pub fn failure(&mut self) -> Option<InvokeError> {
        match self {
            Self::Settled => None,
            Self::Own { end, .. } => end.failure(),
            Self::Shared { joinable, end, .. } => joinable.failure().or_else(|| end.failure()),
        }
    }

    /// Ready with the failure, or without one, once the guest has ended.
    pub fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Option<InvokeError>> {
        match self {
            Self::Settled => Poll::Ready(None),
            Self::Own { end, .. } | Self::Shared { end, .. } => end.poll(cx),
        }
    }

    /// Ready when the body has taken too long; for a shared guest only, as the task of any
    /// other keeps its own time.
    pub fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Shared { deadline, .. } => deadline.poll(cx),
            Self::Settled | Self::Own { .. } => Poll::Pending,
        }
    }

    /// The body is over; the guest may end what it still does.
    pub fn let_finish(&mut self) {
        if let Self::Own { cancel, .. } = self
            && let Some(cancel) = cancel.take()
        {
            let _ = cancel.send(());
        }
    }
}
