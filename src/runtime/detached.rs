//! A call in a task of its own, and the verdict on it for whoever reads its body.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::oneshot;

use super::cpu::Metered;
use super::error::InvokeError;
use super::instance::Recipe;
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
            Verdict::Shared(joinable.clone())
        }
        None => Verdict::Own {
            results,
            result: None,
            cancel: Some(cancel),
        },
    };
    let slow = terms.lane.clone();
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
struct Detached<F> {
    running: Pin<Box<Metered<F>>>,
    deadline: Deadline,
    cancelled: Option<oneshot::Receiver<()>>,
    result: Option<oneshot::Sender<Result<(), InvokeError>>>,
    joinable: Option<Arc<Joinable>>,
    recipe: Arc<Recipe>,
    lane: Lane,
}

impl<L: Lease, F> Detached<F>
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
        if let Poll::Ready(((lease, result), cpu)) = self.running.as_mut().poll(cx) {
            self.end(lease, result, cpu);
            return Poll::Ready(false);
        }
        if let Some(cancelled) = &mut self.cancelled {
            match Pin::new(cancelled).poll(cx) {
                Poll::Ready(Ok(())) => self.cancelled = None,
                Poll::Ready(Err(_)) => return Poll::Ready(false),
                Poll::Pending => {}
            }
        }
        if self.poll_deadline(cx).is_ready() {
            self.tell(Err(InvokeError::Timeout));
            return Poll::Ready(false);
        }
        if leave && self.running.overran() {
            Poll::Ready(true)
        } else {
            Poll::Pending
        }
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

    fn end(&mut self, mut lease: L, mut result: Result<(), InvokeError>, cpu: Duration) {
        if result.is_ok() && lease.instance().has_open_body() {
            result = Err(InvokeError::BadResponse(
                "it returned without finishing its body",
            ));
        }
        let usage = lease.instance().usage(cpu);
        // Told before the store goes, because the end of the store ends the body.
        self.tell(result.clone());
        lease.finish(usage, result);
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

impl<F> Drop for Detached<F> {
    fn drop(&mut self) {
        if let Some(joinable) = &self.joinable {
            joinable.leave();
        }
        if self.lane == Lane::Slow {
            self.recipe.pace.judge(self.running.overran());
        }
    }
}

/// How a body's guest ended, for the one who reads the body.
pub(crate) enum Verdict {
    /// It was done before the body was.
    Settled,
    /// It runs for this body alone: dropping the verdict cancels it.
    Own {
        results: oneshot::Receiver<Result<(), InvokeError>>,
        result: Option<Result<(), InvokeError>>,
        cancel: Option<oneshot::Sender<()>>,
    },
    /// It serves others too.
    Shared(Arc<Joinable>),
}

impl Verdict {
    /// The failure, if it is known by now.
    pub fn failure(&mut self) -> Option<InvokeError> {
        match self {
            Self::Settled => None,
            Self::Own {
                results, result, ..
            } => {
                if result.is_none() {
                    *result = results.try_recv().ok();
                }
                result
                    .as_ref()
                    .and_then(|result| result.as_ref().err().cloned())
            }
            Self::Shared(joinable) => joinable.failure(),
        }
    }

    /// Ready with the failure once the guest has ended; for an own guest only.
    pub fn poll_failure(&mut self, cx: &mut Context<'_>) -> Poll<Option<InvokeError>> {
        match self {
            Self::Own {
                results,
                result: result @ None,
                ..
            } => {
                let ended = std::task::ready!(Pin::new(results).poll(cx));
                *result = Some(ended.unwrap_or(Err(InvokeError::Interrupted)));
                Poll::Ready(self.failure())
            }
            _ => Poll::Pending,
        }
    }

    pub fn is_settled(&self) -> bool {
        match self {
            Self::Own { result, .. } => result.is_some(),
            Self::Settled | Self::Shared(_) => true,
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
